//! The whole machine: messages and zones in, verdicts out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod attacks;
mod machine;
mod results;
mod signing;
mod verdicts;
mod zone;
