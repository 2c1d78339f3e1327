#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod auth;
pub mod client;
pub mod command;
pub mod data;
pub mod ehlo;
pub mod extension;
mod lexical;
pub mod line;
pub mod parameter;
pub mod path;
pub mod policy;
pub mod reply;
pub mod server;
mod shown;

#[doc(inline)]
pub use command::{Command, Tolerance};
#[doc(inline)]
pub use extension::{Envelope, Extension, Peer, Session};
#[doc(inline)]
pub use parameter::{Parameter, Parameters};
#[doc(inline)]
pub use path::{Domain, ForwardPath, Mailbox, ReversePath};
#[doc(inline)]
pub use reply::{Code, Reply, ReplyReader, ReplyView, Status};
