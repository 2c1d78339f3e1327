//! `scop-benches [NAME...]`: the table, or the lines whose names begin with one of these.
//! `scop-benches list`: `LINE SIDE MESSAGES` for each work.
//! `scop-benches sizes`: the bytes that a session takes, besides the buffers that are lent.
//! `scop-benches run LINE SIDE TIMES`: one work, without measuring, for a program that counts instructions.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use scop_benches::line::{Line, lines};
use scop_benches::measure::measure;
use scop_benches::side::{Scratch, Seen};
use scop_smtp_proto::client::Client;
use scop_smtp_proto::data::{Stuffer, Unstuffer};
use scop_smtp_proto::server::Server;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list"] => {
            for line in lines() {
                for side in &line.sides {
                    println!("{} {} {}", line.name, side.name, line.input.mails.len());
                }
            }
            ExitCode::SUCCESS
        }
        ["sizes"] => {
            sizes();
            ExitCode::SUCCESS
        }
        ["run", line, side, times] => run(line, side, times),
        names => table(names),
    }
}

fn run(line: &str, side: &str, times: &str) -> ExitCode {
    let lines = lines();
    let found = lines.iter().find(|known| known.name == line);
    let found =
        found.and_then(|line| Some((line, line.sides.iter().find(|known| known.name == side)?)));
    let (Some((line, side)), Ok(times)) = (found, times.parse::<u32>()) else {
        eprintln!("no such work: see `scop-benches list`");
        return ExitCode::from(2);
    };
    println!("{} bytes", line.input.octets()); // and the input is there, before anything is counted
    let mut scratch = Scratch::default();
    for _ in 0..times {
        black_box(line.run(side, &mut scratch));
    }
    ExitCode::SUCCESS
}

fn sizes() {
    println!("Server {:>6}", size_of::<Server<'_>>());
    println!("Client {:>6}", size_of::<Client<'_>>());
    println!("Unstuffer {:>3}", size_of::<Unstuffer>());
    println!("Stuffer {:>5}", size_of::<Stuffer>());
}

fn table(names: &[&str]) -> ExitCode {
    let mut broken = false;
    for line in lines() {
        if names.is_empty() || names.iter().any(|name| line.name.starts_with(name)) {
            broken |= !compare(&line);
        }
    }
    ExitCode::from(u8::from(broken))
}

/// Prints the rows of a line, and says whether every promise is kept.
fn compare(line: &Line) -> bool {
    let mut scratches: Vec<Scratch> = line.sides.iter().map(|_| Scratch::default()).collect();
    let mut seen = Vec::new();
    for (side, scratch) in line.sides.iter().zip(&mut scratches) {
        seen.push(line.run(side, scratch));
    }
    let mut works: Vec<Box<dyn FnMut() -> Seen>> = Vec::new();
    for (side, scratch) in line.sides.iter().zip(&mut scratches) {
        works.push(Box::new(|| line.run(side, scratch)));
    }
    let mut works: Vec<&mut dyn FnMut() -> Seen> =
        works.iter_mut().map(|work| &mut **work as _).collect();
    let taken = measure(&mut works);

    let mails = u32::try_from(line.input.mails.len()).expect("a count of messages fits");
    println!(
        "{}: {}, {mails} x {} bytes",
        line.name,
        line.input.name,
        line.input.octets() / line.input.mails.len()
    );
    let ours = taken[0].median;
    let mut kept = true;
    for ((side, seen), taken) in line.sides.iter().zip(&seen).zip(&taken) {
        let ratio = taken.median.as_secs_f64() / ours.as_secs_f64();
        let promise = side.promise.map_or_else(String::new, |promise| {
            kept &= ratio >= promise;
            let word = if ratio >= promise { "kept" } else { "MISSED" };
            format!("  promised {promise:.1}: {word}")
        });
        println!(
            "  {:<20}{:>12}{:>12} best{:>10} MB/s{ratio:>8.2} x   {}{promise}",
            side.name,
            shown(taken.median / mails),
            shown(taken.best / mails),
            rate(
                line.input
                    .octets()
                    .max(usize::try_from(seen.0[2]).unwrap_or(0)),
                taken.median
            ),
            sums(line, seen),
        );
    }
    println!();
    kept
}

fn shown(time: Duration) -> String {
    let microseconds = time.as_secs_f64() * 1e6;
    if microseconds < 1.0 {
        format!("{:.1} ns", microseconds * 1e3)
    } else {
        format!("{microseconds:.3} us")
    }
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn rate(octets: usize, time: Duration) -> String {
    format!("{:.0}", octets as f64 / time.as_secs_f64() / 1e6)
}

fn sums(line: &Line, seen: &Seen) -> String {
    let sums = line.sums.iter().zip(seen.0).filter(|(_, sum)| *sum > 0);
    sums.map(|(name, sum)| format!("{sum} {name}"))
        .collect::<Vec<_>>()
        .join(", ")
}
