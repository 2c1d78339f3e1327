//! A service of the demonstration: a process of its own, its log in a file, and what the kernel says of it.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value};
use tokio::process::{Child, Command};

use crate::error::Error;
use crate::message::reason;
use crate::terminal::say;

/// How much of a log is read; a service of the demonstration writes a few KiB.
const MAX_LOG: u64 = 4 << 20;

/// Lines of a log that are shown when its service ends too soon.
const LAST_LINES: usize = 8;

/// How long a service may take to stop. It has nothing left to do.
const STOP: Duration = Duration::from_secs(10);

/// A running service; it is killed when this is dropped before [`Service::stop`].
#[derive(Debug)]
pub(crate) struct Service {
    name: &'static str,
    child: Child,
    pid: u32,
    log: Log,
    /// Where it says that it is ready, as to systemd: `sd_notify(3)`.
    notify: UnixDatagram,
    ready: Cell<bool>,
}

/// The file of a log: an object of JSON on each line.
#[derive(Clone, Debug)]
pub(crate) struct Log(PathBuf);

/// What happened: the names and values of a line of a log.
pub(crate) type Event = Map<String, Value>;

impl Service {
    /// Starts this program as the service `command`, in `folder`.
    pub(crate) fn start(
        name: &'static str,
        command: &str,
        config: &Path,
        folder: &Path,
    ) -> Result<Self, Error> {
        let fail = |error: &io::Error| Error::new(name, reason(error));
        let socket = folder.join("notify");
        let notify = UnixDatagram::bind(&socket)
            .and_then(|notify| notify.set_nonblocking(true).map(|()| notify))
            .map_err(|error| Error::new(socket.display(), reason(&error)))?;
        let log = folder.join("log.jsonl");
        let file =
            File::create_new(&log).map_err(|error| Error::new(log.display(), reason(&error)))?;
        let mut command = program([OsStr::new(command), "--config".as_ref(), config.as_ref()])?;
        command
            .env("NOTIFY_SOCKET", &socket)
            .stdout(Stdio::null())
            .stderr(file);
        let child = command.spawn().map_err(|error| fail(&error))?;
        let pid = child
            .id()
            .ok_or_else(|| Error::new(name, "has ended at once"))?;
        Ok(Self {
            name,
            child,
            pid,
            log: Log(log),
            notify,
            ready: Cell::new(false),
        })
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// Whether it has said that it does its work.
    pub(crate) fn is_ready(&self) -> bool {
        let mut words = [0; 256];
        while let Ok(length) = self.notify.recv(&mut words) {
            let words = words.get(..length).unwrap_or_default();
            if words
                .split(|&octet| octet == b'\n')
                .any(|word| word == b"READY=1")
            {
                self.ready.set(true);
            }
        }
        self.ready.get()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Says on standard error what it wrote last.
    pub(crate) fn say_last_lines(&self) {
        for line in self.log.last_lines() {
            say(format_args!("{}: {line}", self.name));
        }
    }

    /// Tells it to stop, and waits for its end.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        // It is not waited for yet, so that the number is still its own.
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let (None, Some(pid)) = (self.ended(), pid) {
            kill_process(pid, Signal::TERM)
                .map_err(|error| Error::new(self.name, reason(&error.into())))?;
        }
        match tokio::time::timeout(STOP, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Error::new(self.name, format_args!("stopped with {status}"))),
            Ok(Err(error)) => Err(Error::new(self.name, reason(&error))),
            Err(_) => Err(Error::new(
                self.name,
                format_args!("does not stop in {} s", STOP.as_secs()),
            )),
        }
    }
}

impl Log {
    /// All of it so far. Lines that are no JSON are left out: they are those of a fault.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.read()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    fn last_lines(&self) -> Vec<String> {
        let text = self.read();
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(LAST_LINES);
        lines
            .iter()
            .skip(first)
            .map(|line| (*line).to_owned())
            .collect()
    }

    /// What can be read of it; what cannot is waited for in vain, and that is said then.
    fn read(&self) -> String {
        let mut octets = Vec::new();
        if let Ok(file) = File::open(&self.0) {
            let _ = file.take(MAX_LOG).read_to_end(&mut octets);
        }
        String::from_utf8_lossy(&octets).into_owned()
    }
}

/// This program with these arguments; it ends with its value.
pub(crate) fn program<'a>(
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Result<Command, Error> {
    let path =
        std::env::current_exe().map_err(|error| Error::new("this program", reason(&error)))?;
    let mut command = Command::new(path);
    command
        .args(arguments)
        // The lines of the log are for a file here.
        .env_remove("JOURNAL_STREAM")
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// What the kernel holds a process to (`proc(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Confinement {
    /// It cannot gain privileges by starting a program.
    pub(crate) no_new_privileges: bool,
    /// A filter decides which system calls it may make.
    pub(crate) filter: bool,
    /// Landlock holds it to its own folders. The kernel does not tell others; the log of the service does.
    pub(crate) folders: bool,
}

impl Confinement {
    /// None where the system does not tell.
    pub(crate) fn of(service: &Service) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{}/status", service.pid)).ok()?;
        Self::read(&status, &service.log.events())
    }

    fn read(status: &str, events: &[Event]) -> Option<Self> {
        let value = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        // The version of landlock, 0 without it.
        let landlock = events
            .iter()
            .filter_map(|event| event.get("landlock").and_then(Value::as_u64))
            .next_back();
        Some(Self {
            no_new_privileges: value("NoNewPrivs")? == "1",
            filter: value("Seccomp")? == "2",
            folders: landlock.is_some_and(|version| version > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says() {
        let said = |version: u32| {
            let line = format!("{{\"message\":\"confined\",\"landlock\":{version}}}");
            vec![serde_json::from_str::<Event>(&line).unwrap()]
        };
        let confined = "Name:\tscop\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";
        let free = "NoNewPrivs:\t0\nSeccomp:\t0\n";
        for (status, events, expected) in [
            (confined, said(4), (true, true, true)),
            (confined, said(0), (true, true, false)),
            (free, Vec::new(), (false, false, false)),
        ] {
            let found = Confinement::read(status, &events).unwrap();
            let found = (found.no_new_privileges, found.filter, found.folders);
            assert_eq!(found, expected);
        }
        assert_eq!(Confinement::read("Name:\tscop\n", &said(4)), None);
    }

    #[test]
    fn a_log_is_read_line_by_line() {
        let path = std::env::temp_dir().join(format!("scop-log-{}", std::process::id()));
        let line = "{\"message\":\"listening\",\"address\":\"127.0.0.1:2525\"}\nnot JSON\n{\"message\":\"cut";
        fs::write(&path, line).unwrap();
        let log = Log(path.clone());
        let events = log.events();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["address"], "127.0.0.1:2525");
        assert_eq!(log.last_lines().len(), 3);
        fs::remove_file(path).unwrap();
        assert!(log.events().is_empty());
    }
}
