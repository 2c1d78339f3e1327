//! The `scop` program.

fn main() {}
