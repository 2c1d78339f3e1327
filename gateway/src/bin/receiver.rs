//! The program `scop-receiver`.

use std::process::ExitCode;

fn main() -> ExitCode {
    scop_gateway::receiver()
}
