//! Transfer encodings (RFC 2045 6).

pub mod encoding;
