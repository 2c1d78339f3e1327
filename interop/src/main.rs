//! `scop-interop SUITE FILE`: runs a file of a suite's format, one line per case and a sum.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        _ => {
            eprintln!("usage: scop-interop spf FILE.json");
            ExitCode::from(2)
        }
    }
}
