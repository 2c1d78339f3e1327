//! Runs the built program, with the root of the project as its folder.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Run {
    /// Standard output, which is text.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.out).unwrap()
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn command<A: AsRef<OsStr>>(arguments: &[A]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scop"));
    command
        .args(arguments)
        .current_dir(root())
        .env_remove("SCOP_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn scop<A: AsRef<OsStr>>(arguments: &[A]) -> Run {
    finish(command(arguments).spawn().unwrap())
}

/// The same with something on standard input.
pub(crate) fn scop_with<A: AsRef<OsStr>>(arguments: &[A], input: &[u8]) -> Run {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that refuses its input does not read it to the end.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let run = finish(child);
    writer.join().unwrap();
    run
}

pub(crate) fn finish(child: std::process::Child) -> Run {
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        !err.contains("backtrace") && !err.contains("panicked"),
        "{err}"
    );
    Run {
        code: output.status.code().expect("ended by a signal"),
        out: output.stdout,
        err,
    }
}

/// A new empty folder for one test.
pub(crate) fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}
