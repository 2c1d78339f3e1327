//! A program of somebody else's that answers questions: one process, one line of JSON each way.
//!
//! The process begins with a greeting, a JSON object with a member of its own name. One that does not
//! start or does not greet is not there: the test skips, see [`skip`](crate::skip).

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The process; it is ended when this is dropped.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    greeting: Value,
}

/// The Python that has the packages of `interop/python/requirements.txt`: `SCOP_PYTHON`, or that of the
/// virtual environment `.venv` at the root of the project.
pub fn python() -> PathBuf {
    std::env::var_os("SCOP_PYTHON").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.venv/bin/python")),
        PathBuf::from,
    )
}

impl Peer {
    /// Runs `interop/python/SCRIPT`, which greets with the member `name`; `None` when it cannot.
    pub fn python(script: &str, name: &str) -> Option<Self> {
        Self::python_with(script, &[], name)
    }

    /// The same with arguments.
    pub fn python_with(script: &str, arguments: &[&str], name: &str) -> Option<Self> {
        let python = python();
        let mut command = Command::new(&python);
        command.arg(format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR")));
        command.args(arguments);
        let how = format!(
            "pip install -r interop/python/requirements.txt for {}",
            python.display()
        );
        Self::start(&mut command, name, &how)
    }

    /// Runs a command that greets with the member `name`; `how` says how one would get it.
    pub fn start(command: &mut Command, name: &str, how: &str) -> Option<Self> {
        let skip = |why: &dyn Display| {
            crate::skip(&format!("no {name}: {why} ({how})"));
            None
        };
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return skip(&error),
        };
        let mut peer = Self {
            to: child.stdin.take()?,
            from: BufReader::new(child.stdout.take()?),
            child,
            greeting: Value::Null,
        };
        peer.greeting = peer.read().unwrap_or_default();
        if peer.greeting.get(name).is_none() {
            return skip(&"it does not load");
        }
        Some(peer)
    }

    /// What the process said first.
    pub fn greeting(&self) -> &Value {
        &self.greeting
    }

    /// One question and its answer.
    ///
    /// # Panics
    /// When the process has ended, or does not speak JSON.
    pub fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.to, "{question}").expect("the peer listens");
        self.read().expect("the peer answers in JSON")
    }

    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.from.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
