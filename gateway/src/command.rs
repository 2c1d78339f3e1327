//! One file for each command.

pub(crate) mod check;
pub(crate) mod corpus;
pub(crate) mod keygen;
pub(crate) mod parse;
pub(crate) mod queue;
pub(crate) mod report;
pub(crate) mod sign;
