//! The header of a message: the block of fields (RFC 5322 2.2) and the structured field bodies.

pub mod address;
pub mod auth_results;
pub mod auto_submitted;
pub mod content;
pub mod date;
pub mod encoded_word;
pub mod fold;
pub mod keywords;
pub mod language;
pub mod lexical;
pub mod list;
pub mod message_id;
pub mod notification_options;
pub mod parameter;
pub mod resent;
pub mod scan;
pub mod tag_list;
pub mod trace;
pub mod typed;
pub mod unstructured;
