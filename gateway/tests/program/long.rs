//! A message of 200 MB needs no more memory than a short one.

use std::io::Write as _;
use std::process::Stdio;

use crate::run::{command, finish, root};

/// The most memory that a process had so far, in KiB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn two_hundred_megabytes_pass_through() {
    let arguments = ["check", "-", "--zone", "samples/example.zone"];
    let mut child = command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let message = std::fs::read(root().join("samples/newsletter.eml")).unwrap();
    let line = b"A line of a very long letter, of about seventy octets, LF at its end.\n";
    let block = line.repeat(1 << 20).get(..1 << 20).unwrap().to_vec();
    stdin.write_all(&message).unwrap();
    for _ in 0..200 {
        stdin.write_all(&block).unwrap();
    }
    let peak = peak(child.id());
    drop(stdin);
    let run = finish(child);
    assert_eq!(run.code, 1, "{}{}", run.text(), run.err);
    assert!(run.text().contains("209717308 bytes"), "{}", run.text());
    assert!(
        run.text()
            .contains("the body was changed after it was signed")
    );
    assert!(peak < 32 * 1024, "{peak} KiB");
}
