//! The program `scop`.

#![expect(clippy::std_instead_of_core, reason = "a program on std")]

use std::process::ExitCode;

fn main() -> ExitCode {
    scop_gateway::scop()
}
