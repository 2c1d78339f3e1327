//! `scop-interop SUITE FILE` runs a file of a suite's format, one line per case and a sum; `scop-interop crash` and
//! `scop-interop load` put the services of the gateway to the test.

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
        ["crash", service @ ("receiver" | "sender"), rest @ ..] => crash(service, rest),
        ["load", parts @ ..] => {
            scop_interop::load::run(parts);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "usage: scop-interop dkim FILE.txt | spf FILE.json | crash receiver|sender [KILLS [SEED]] | load [PART]..."
            );
            ExitCode::from(2)
        }
    }
}

fn crash(service: &str, rest: &[&str]) -> ExitCode {
    let number = |at: usize| rest.get(at).and_then(|text| text.parse().ok());
    let kills = number(0).unwrap_or(200);
    let seed = number(1).unwrap_or(1);
    let (outcome, held) = if service == "receiver" {
        let outcome = scop_interop::crash::receiver(kills, u64::from(seed));
        let held = outcome.exactly_once();
        (outcome, held)
    } else {
        let outcome = scop_interop::crash::sender(kills, u64::from(seed));
        let held = outcome.at_least_once();
        (outcome, held)
    };
    println!("{service}: {outcome}");
    ExitCode::from(u8::from(!held))
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
