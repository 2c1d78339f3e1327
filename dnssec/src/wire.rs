//! DNS messages as bytes: read in place, written into a slice (RFC 1035 4, RFC 3597, RFC 6891).
//!
//! [`Message`] is a view: [`Message::parse`] checks a whole message once, and then its sections are
//! iterators of [`Record`](scop_core::Record) that cannot fail. [`Builder`] writes queries and
//! responses, with name compression of bounded work. Nothing here panics on any input.

mod builder;
mod compression;
mod edns;
mod header;
mod message;
mod rdata;

pub use builder::{BuildError, Builder};
pub use compression::Case;
pub use edns::{EdnsOption, ExtendedError, Opt, OptError, OptErrorKind, Options};
pub use header::{Flags, HEADER_LEN, Header, Rcode};
pub use message::{Message, MessageError, MessageErrorKind, Question, Questions, Section};
pub use rdata::{Presentation, RecordLine};
