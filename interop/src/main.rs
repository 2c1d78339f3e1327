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
        ["spf", file] => spf(file),
        _ => {
            eprintln!("usage: scop-interop spf FILE.json");
            ExitCode::from(2)
        }
    }
}

fn spf(file: &str) -> ExitCode {
    let run = std::fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|json| scop_interop::spf::run(&json));
    let cases = match run {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    for case in &cases {
        println!("{case}");
    }
    let passed = cases.iter().filter(|case| case.wrong.is_none()).count();
    println!("{passed} of {} passed", cases.len());
    ExitCode::from(u8::from(passed < cases.len()))
}
