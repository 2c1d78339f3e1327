#![doc = include_str!("../README.md")]
#![expect(
    clippy::std_instead_of_core,
    reason = "a library on std names it throughout; the rules are for crates that must build without"
)]

pub mod digest;
pub mod feature;
pub mod generate;
pub mod mbox;
pub mod model;
pub mod relation;
pub mod rng;
pub mod run;
pub mod shrink;
pub mod write;

pub use feature::{Feature, Features};
pub use relation::{Failure, Mismatch, Relation};
