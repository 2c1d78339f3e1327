//! The Content- fields of an entity (RFC 2045, 2183, 2557), and MIME-Version.
//!
//! Content-ID is read by [`crate::MessageId`] (RFC 2045 7), Content-Description as unstructured text
//! (RFC 2045 8).

pub mod content_type;
pub mod defects;
pub mod disposition;
mod head;
pub mod location;
pub mod mime_version;
