//! The `scop` program.
mod cli;
mod command;
mod error;
mod key_file;
mod message;
mod resolve;
mod terminal;
fn main() {}
