//! The built program, run as its users run it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "tests"
)]

mod check;
mod corpus;
mod demo;
mod dns;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "aarch64", target_arch = "x86_64")
))]
mod isolation;
#[cfg(target_os = "linux")]
mod long;
mod parse;
#[cfg(unix)]
mod receive;
mod run;
mod send;
mod sign;
