//! The log: one line for each event on standard error, as text or as JSON.

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::config::{Log, LogFormat, LogLevel};

/// Starts it. The lines have their time, unless the journal of systemd takes them, which has its own; it is
/// told the level instead (sd-daemon(3)).
pub(crate) fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let base = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(Lines { journal })
        .with_ansi(false)
        .with_target(false);
    // A second start is one of a test, and changes nothing.
    let _ = match (log.format, journal) {
        (LogFormat::Text, false) => base.try_init(),
        (LogFormat::Text, true) => base.without_time().try_init(),
        (LogFormat::Json, _) => base.json().flatten_event(true).try_init(),
    };
}

/// Standard error, line by line.
struct Lines {
    journal: bool,
}

/// One line.
struct Line {
    before: &'static str,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { before: "" }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        Line {
            before: match *metadata.level() {
                _ if !self.journal => "",
                Level::ERROR => "<3>",
                Level::WARN => "<4>",
                Level::INFO => "<6>",
                _ => "<7>",
            },
        }
    }
}

impl Write for Line {
    /// Takes a whole line, as the subscriber writes them, and puts it out in one piece: the lines of two
    /// processes on one pipe do not mix.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A standard error that takes nothing more does not stop the work.
        let _ = if self.before.is_empty() {
            io::stderr().write_all(line)
        } else {
            io::stderr().write_all(&[self.before.as_bytes(), line].concat())
        };
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
