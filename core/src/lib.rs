#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod base64;
pub mod crypto;
mod cursor;
mod error;
pub mod ip;
pub mod json;
pub mod lookup;
pub mod name;
pub mod record;
mod sink;
mod time;

pub use cursor::Cursor;
pub use error::ParseError;
pub use lookup::{
    Answer, AnswerError, Failure, Lookup, Query, QueryId, QueryName, Records, Security, Step,
};
pub use name::{Name, NameBuf};
pub use record::{Rdata, Record, Rtype, Tlsa, Txt};
#[cfg(feature = "std")]
pub use sink::IoSink;
pub use sink::{Counter, Emit, FmtSink, Full, Sink, SliceSink};
pub use time::{Instant, UnixTime};
