//! The SCoP crates side by side with the crates that one would take instead: see README.md.

pub mod input;
pub mod line;
pub mod measure;
pub mod side;
