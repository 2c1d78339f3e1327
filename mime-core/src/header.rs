//! The header of a message: the block of fields (RFC 5322 2.2) and the structured field bodies.

pub mod address; // RFC 5322 3.4, 4.4; RFC 6854; RFC 6532
pub mod auth_results; // RFC 8601
pub mod auto_submitted; // RFC 3834 5
pub mod content; // RFC 2045, 2183, 2557
pub mod date; // RFC 5322 3.3, 4.3
pub mod encoded_word; // RFC 2047; RFC 2231 5
pub mod fold; // RFC 5322 2.1.1, 2.2.3
pub mod keywords; // RFC 5322 3.6.5, 4.5.5
pub mod language; // RFC 3282
pub mod lexical; // RFC 5322 3.2, 4.1; RFC 6532 3.2
pub mod list; // RFC 2369, 2919, 8058
pub mod message_id; // RFC 5322 3.6.4, 4.5.4
pub mod notification_options; // RFC 8098 2.2
pub mod parameter; // RFC 2045 5.1; RFC 2231 3, 4
pub mod resent; // RFC 5322 3.6.6
pub mod scan; // RFC 5322 2.1, 2.2, 3.5, 4.5
pub mod tag_list; // RFC 6376 3.2; RFC 8617 4.1
pub mod trace; // RFC 5321 4.4; RFC 5322 3.6.7
pub mod typed; // RFC 5322 3.6 and all others here
pub mod unstructured; // RFC 5322 3.2.5, 3.6.5
