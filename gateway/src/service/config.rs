//! The parts of a configuration that both services have, and how one is read.

pub(crate) mod check;
pub(crate) mod source;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::task::spawn_blocking;

use self::check::{Checked, Findings};
use self::source::Source;
use crate::error::Error;
use crate::resolve::system::PORT;
use crate::service::files::{self, Stamp};
use crate::terminal::{say, shown};

/// The file of a configuration, as it was read.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    text: String,
    stamp: Option<Stamp>,
    warnings: Vec<Error>,
}

impl File {
    /// Reads it as text.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        // Before the text, so that a change meanwhile is one.
        let stamp = Stamp::of(path);
        let octets = files::read(path)?;
        let text = str::from_utf8(&octets).map_err(|error| {
            let byte = error.valid_up_to() as u64;
            Error::at(path.display(), byte, "a text in UTF-8 is needed")
        })?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            stamp,
            warnings: Vec::new(),
        })
    }

    /// An error at the value that `way` leads to, such as `listen.0.address`.
    pub(crate) fn error(&self, way: &str, rule: impl fmt::Display) -> Error {
        match Source::parse(&self.path, &self.text) {
            Ok(source) => source.error(way, rule),
            Err(_) => Error::new(self.path.display(), rule),
        }
    }

    /// What was found, for whoever asked for a check.
    pub(crate) fn say_warnings(&self) {
        for warning in &self.warnings {
            say(format_args!("warning: {warning}"));
        }
    }

    /// What was found, for the log of a service that starts.
    pub(crate) fn log_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!("{}", shown(warning.to_string().as_bytes()));
        }
    }

    /// Whether it is another one by now.
    pub(crate) async fn has_changed(&self) -> bool {
        let (path, stamp) = (self.path.clone(), self.stamp);
        let changed = spawn_blocking(move || Stamp::of(&path) != stamp).await;
        changed.unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads a configuration and looks whether it makes sense. What is wrong is said, one line for each error; the
/// last one is given back.
pub(crate) fn open<T: Checked>(path: &Path) -> Result<(T, File), Error> {
    let mut file = File::read(path)?;
    let (config, findings) = Source::parse(path, &file.text)
        .and_then(|source| {
            let config: T = source.values()?;
            let mut findings = Findings::new(&source);
            config.check(&mut findings);
            Ok((config, findings.said()))
        })
        .map_err(|errors| one_of(errors, path))?;
    file.warnings = findings.warnings;
    if findings.errors.is_empty() {
        Ok((config, file))
    } else {
        file.say_warnings();
        Err(one_of(findings.errors, path))
    }
}

/// What `--check-config` says when all is well.
pub(crate) fn report<T: Checked>(path: &Path, config: &T) -> String {
    format!("{}: ok\n{}", path.display(), config.summary())
}

/// Reads a configuration, and no file that it names.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let file = File::read(path)?;
    Source::parse(path, &file.text)
        .and_then(|source| source.values())
        .map_err(|errors| one_of(errors, path))
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
    #[serde(deserialize_with = "absolute::list")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Time;

        impl Visitor<'_> for Time {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in quotes, like \"30s\",")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text).ok_or_else(|| {
                    E::custom(format_args!(
                        "a time is a number and s, m, h or d, like 30s: {text:?}"
                    ))
                })
            }
        }

        deserializer.deserialize_str(Time)
    }
}

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let factor: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        let number: u64 = number.parse().ok()?;
        let seconds = number.checked_mul(factor)?;
        Some(Self(Duration::from_secs(seconds)))
    }
}

/// Paths begin at the root: a service is started in any folder, and one path means one file.
pub(crate) mod absolute {
    use super::{Deserialize, Deserializer, PathBuf};

    #[derive(Deserialize)]
    #[serde(try_from = "PathBuf")]
    struct Absolute(PathBuf);

    impl TryFrom<PathBuf> for Absolute {
        type Error = String;

        fn try_from(path: PathBuf) -> Result<Self, String> {
            if path.is_absolute() {
                Ok(Self(path))
            } else {
                Err(format!("a path begins with /: \"{}\"", path.display()))
            }
        }
    }

    pub(crate) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Absolute::deserialize(from).map(|path| path.0)
    }

    pub(crate) fn optional<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        path(from).map(Some)
    }

    pub(crate) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
        let paths = Vec::<Absolute>::deserialize(from)?;
        Ok(paths.into_iter().map(|path| path.0).collect())
    }
}
