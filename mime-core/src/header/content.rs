//! The Content- fields of an entity (RFC 2045, 2183), and MIME-Version.
//!
//! Content-ID is read by [`crate::MessageId`] (RFC 2045 7).

pub mod content_type;
