//! Whole messages, signed and verified.

#![expect(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

mod attacks;
mod keys;
mod machine;
mod rfc_examples;
mod sign_verify;
