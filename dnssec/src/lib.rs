#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod stub;
pub mod wire;

pub use stub::{Entropy, Problem, Step, Stub, StubConfig, StubError, Transport};
