//! `scop demo`: both services in a folder of their own.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::run::{Run, command, finish, scop};

/// A folder for temporary files; the path of a socket in it must be short, so it is none of the build.
struct Temporary(PathBuf);

impl Temporary {
    fn new(test: &str) -> Self {
        let name = format!("scop-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn demo(temporary: &Path, arguments: &[&str]) -> Run {
    let child = command(&[&["demo"], arguments].concat())
        .env("TMPDIR", temporary)
        .spawn()
        .unwrap();
    finish(child)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The cells of a line of the table, by its title.
fn cells<'t>(text: &'t str, title: &str) -> Vec<&'t str> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(title)?.strip_prefix("  "))
        .expect(title);
    line.split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

/// The number of each process that the text names.
fn processes(text: &str) -> Vec<u32> {
    let numbers = text.split("process ").skip(1);
    numbers
        .filter_map(|rest| rest.split(',').next()?.parse().ok())
        .collect()
}

#[test]
fn the_forger_is_turned_away_and_nothing_stays() {
    let temporary = Temporary::new("demo");
    let begun = Instant::now();
    let run = demo(&temporary.0, &[]);
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    assert_eq!(run.err, "");
    assert!(entries(&temporary.0).is_empty());
    assert!(begun.elapsed() < Duration::from_secs(30));
    let text = run.text();
    assert_eq!(cells(text, "says From   "), ["joe@example.org"; 3]);
    let ways = ["encrypted (TLS)", "in the clear", "in the clear"];
    assert_eq!(cells(text, "connection  "), ways);
    assert_eq!(cells(text, "SPF         "), ["pass", "fail", "fail"]);
    assert_eq!(cells(text, "DMARC       "), ["pass", "fail", "fail"]);
    assert_eq!(cells(text, "outcome     "), ["kept", "refused", "refused"]);
    assert_eq!(text.matches("the receiver said: 550 ").count(), 2, "{text}");
    let processes = processes(text);
    assert_eq!(processes.len(), 2, "{text}");
    for process in processes {
        let folder = format!("/proc/{process}");
        assert!(!Path::new(&folder).exists(), "{process} is still there");
    }
}

#[test]
fn what_is_kept_can_be_looked_at() {
    let temporary = Temporary::new("kept");
    let run = demo(&temporary.0, &["--keep"]);
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    let [folder] = entries(&temporary.0).try_into().unwrap();
    let said = format!("scop: all of it is in {}\n", folder.display());
    assert_eq!(run.err, said);
    let [letter] = entries(&folder.join("receiver/mail/ann/new"))
        .try_into()
        .unwrap();
    // Who checks it later comes to the same results.
    let zone = folder.join("example.zone");
    let check = scop(&[
        Path::new("check"),
        &letter,
        "--zone".as_ref(),
        &zone,
        "--ip".as_ref(),
        "127.0.0.1".as_ref(),
        "--helo".as_ref(),
        "mail.example.org".as_ref(),
        "--mail-from".as_ref(),
        "joe@example.org".as_ref(),
        "--authserv-id".as_ref(),
        "mx.example.net".as_ref(),
    ]);
    assert_eq!(check.code, 0, "{}", check.text());
    let field = check
        .text()
        .find("\nAuthentication-Results:")
        .map(|at| &check.text()[at..]);
    let results = |text: &str| -> Vec<String> {
        let words = text.split([';', ' ', '\t', '\r', '\n']);
        let words = words.filter(|word| {
            ["dkim=", "spf=", "dmarc=", "header.s="]
                .iter()
                .any(|method| word.starts_with(method))
        });
        words.map(str::to_owned).collect()
    };
    let stored = std::fs::read_to_string(&letter).unwrap();
    let (header, _) = stored.split_once("\r\nReceived:").unwrap();
    let mut found = [results(header), results(field.unwrap())];
    for results in &mut found {
        results.sort();
    }
    assert_eq!(found[0].len(), 7, "{header}");
    assert_eq!(found[0], found[1]);
    // The sender has nothing left to do.
    let queue = folder.join("sender/spool/queue");
    assert!(entries(&queue).is_empty());
}

#[test]
fn without_a_folder_it_does_not_begin() {
    let run = demo(Path::new("/nowhere"), &[]);
    assert_eq!(run.code, 2);
    assert_eq!(run.text(), "");
    assert!(
        run.err.starts_with("scop: /nowhere/scop-demo-"),
        "{}",
        run.err
    );
    assert!(
        run.err.ends_with(": no such file or directory\n"),
        "{}",
        run.err
    );
}
