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
        ["dkim", file] => dkim(file),
        ["spf", file] => spf(file),
        _ => {
            eprintln!("usage: scop-interop dkim FILE.txt | spf FILE.json");
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

fn dkim(file: &str) -> ExitCode {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = scop_core::UnixTime(now.map_or(0, |since| since.as_secs()));
    let run = std::fs::read(file)
        .map_err(|error| error.to_string())
        .and_then(|text| scop_interop::dkim::run(&text, now));
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
    let passed = cases.iter().filter(|case| case.passed()).count();
    println!("{passed} of {} passed", cases.len());
    ExitCode::from(u8::from(passed < cases.len()))
}
