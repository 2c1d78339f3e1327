//! The program `scop`.

use std::process::ExitCode;

fn main() -> ExitCode {
    scop_gateway::scop()
}
