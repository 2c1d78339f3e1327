#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(test)]
extern crate std;

mod address;
mod domain;
pub mod evaluate;
mod limits;
pub mod macro_string;
mod mechanism;
pub mod received_spf;
pub mod record;
mod request;
mod result;
mod verdict;

pub use domain::{DomainError, DomainErrorKind};
pub use evaluate::Evaluator;
pub use limits::{Limit, Limits};
pub use macro_string::{DomainSpec, MacroContext, MacroString};
pub use mechanism::{Directive, DualCidr, Mechanism, Qualifier};
pub use received_spf::{ReceivedSpf, ReceivedSpfView};
pub use record::{Record, Term, TermKind};
pub use request::{Identity, Request, Sender};
pub use result::SpfResult;
pub use verdict::{Place, Reason, ReasonKind, Verdict};
