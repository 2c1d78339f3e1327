//! The body of a message: the tree of its parts (RFC 2046), read in two ways with one grammar.

pub mod event;
