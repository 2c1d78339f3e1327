//! Transfer encodings (RFC 2045 6).
//!
//! [`Stats`] says which encoding octets need, and [`Encoder`] writes it.
//!
//! [`Decoder`] reads a body whatever its encoding. Reading never fails: what is damaged is decoded as
//! far as it goes, by the rules that each encoding states, and the decoder says which defects there
//! were and where. One rule is common to all: where readers disagree on whether a body is over, decoding
//! goes on, so that no reader sees octets that are not in this output.

pub mod base64;
pub mod choose;
pub mod decoder;
pub mod encoder;
pub mod encoding;
mod found;
pub mod quoted_printable;
mod stage;
#[cfg(test)]
mod tests;
pub mod uuencode;

pub use choose::Stats;
pub use decoder::Decoder;
pub use encoder::Encoder;

/// What octets are to be to who writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines; CRLF and LF end them, and are the same (RFC 2046 4.1.1).
    Text,
    /// Octets; each is kept.
    Binary,
}
