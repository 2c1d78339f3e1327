//! The stub resolver against a scripted network.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::ptr_arg,
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "tests"
)]

mod answers;
mod calls;
mod matching;
mod network;
mod servers;
