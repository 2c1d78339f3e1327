//! The program `scop-sender`.

use std::process::ExitCode;

fn main() -> ExitCode {
    scop_gateway::sender()
}
