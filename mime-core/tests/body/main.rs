//! The two readers of bodies: the trees they see, that they agree, that they are linear.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod agree;
mod bombs;
mod events;
mod naive;
mod tree;
