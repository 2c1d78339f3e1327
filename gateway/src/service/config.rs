//! The parts of a configuration that both services have, and how one is read.

pub(crate) mod check;
pub(crate) mod source;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::check::{Checked, Findings};
use self::source::Source;
use crate::error::Error;
use crate::resolve::system::PORT;
use crate::service::files;
use crate::terminal::say;

/// Reads a configuration and looks whether it makes sense. What is wrong is said, one line for each error; the
/// last one is given back.
pub(crate) fn open<T: Checked>(path: &Path) -> Result<T, Error> {
    let text = text(path)?;
    let (config, findings) = Source::parse(path, &text)
        .and_then(|source| {
            let config: T = source.values()?;
            let mut findings = Findings::new(&source);
            config.check(&mut findings);
            Ok((config, findings.said()))
        })
        .map_err(|errors| one_of(errors, path))?;
    for warning in findings.warnings {
        say(format_args!("warning: {warning}"));
    }
    if findings.errors.is_empty() {
        Ok(config)
    } else {
        Err(one_of(findings.errors, path))
    }
}

/// What `--check-config` says when all is well.
pub(crate) fn report<T: Checked>(path: &Path, config: &T) -> String {
    format!("{}: ok\n{}", path.display(), config.summary())
}

/// Reads a configuration, and no file that it names.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = text(path)?;
    Source::parse(path, &text)
        .and_then(|source| source.values())
        .map_err(|errors| one_of(errors, path))
}

fn text(path: &Path) -> Result<String, Error> {
    let octets = files::read(path)?;
    str::from_utf8(&octets).map(str::to_owned).map_err(|error| {
        let byte = error.valid_up_to() as u64;
        Error::at(path.display(), byte, "a text in UTF-8 is needed")
    })
}

/// Says all errors but the last, which is for the caller.
fn one_of(mut errors: Vec<Error>, path: &Path) -> Error {
    let last = errors.pop();
    errors.iter().for_each(say);
    last.unwrap_or_else(|| Error::new(path.display(), "it cannot be used"))
}

/// `[log]`: what is told of the work, on standard error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    /// What is told, with all that is more important.
    pub(crate) level: LogLevel,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// How important a line of the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// `[dns]`: who is asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dns {
    /// The server; those of `/etc/resolv.conf` without it.
    pub(crate) server: Option<SocketAddr>,
    /// Zone files that answer before any server, for trying things out.
    pub(crate) zones: Vec<PathBuf>,
}

/// `[retry]` (RFC 5321 4.5.4.1).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retry {
    /// After the first failure; each further one waits twice as long.
    pub(crate) first: Span,
    pub(crate) longest: Span,
    /// The sender is told that it takes longer.
    pub(crate) warn: Span,
    /// The message has failed.
    pub(crate) give_up: Span,
}

impl Dns {
    /// Where servers are asked.
    pub(crate) fn port(&self) -> u16 {
        self.server.map_or(PORT, |server| server.port())
    }
}

/// A length of time: `30s`, `5m`, `4h`, `5d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl Default for Retry {
    fn default() -> Self {
        let span = |seconds| Span(Duration::from_secs(seconds));
        Self {
            first: span(5 * 60),
            longest: span(4 * 3_600),
            warn: span(4 * 3_600),
            give_up: span(5 * 86_400),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rule = || format!("a time is a number and s, m, h or d, like 30s: {text:?}");
        let (number, unit) = text
            .split_at_checked(text.len().saturating_sub(1))
            .ok_or_else(rule)?;
        let factor: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(rule()),
        };
        let number: u64 = number.parse().map_err(|_| rule())?;
        number
            .checked_mul(factor)
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or_else(rule)
    }
}
