//! Whether a configuration makes sense, and whether what it names is there.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::process::geteuid;
use scop_smtp_proto::path::{DomainName, Mailbox};
use serde::de::DeserializeOwned;

use super::source::Source;
use super::{Dns, Retry, Span};
use crate::error::Error;
use crate::message::reason;
use crate::service::files;

/// A configuration that can be looked through.
pub(crate) trait Checked: DeserializeOwned {
    fn check(&self, findings: &mut Findings<'_>);

    /// What would run, in a few lines.
    fn summary(&self) -> String;
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    source: &'a Source<'a>,
    said: Said,
}

/// The same without the file.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// With these the service does not start.
    pub(crate) errors: Vec<Error>,
    pub(crate) warnings: Vec<Error>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(source: &'a Source<'a>) -> Self {
        Self {
            source,
            said: Said::default(),
        }
    }

    pub(crate) fn said(self) -> Said {
        self.said
    }

    /// At the value that `way` leads to, such as `listen.0.address`.
    pub(crate) fn error(&mut self, way: &str, rule: impl fmt::Display) {
        self.said.errors.push(self.source.error(way, rule));
    }

    pub(crate) fn warn(&mut self, way: &str, rule: impl fmt::Display) {
        self.said.warnings.push(self.source.error(way, rule));
    }

    /// What another part found wrong, which has its place already.
    pub(crate) fn found<T>(&mut self, way: &str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.error(way, error)).ok()
    }

    /// Name of a host or domain.
    pub(crate) fn domain(&mut self, way: &str, name: &str) {
        if !is_domain(name) {
            let rule = format!("{name:?} is not a domain name: letters, digits, `-` and dots");
            self.error(way, rule);
        }
    }

    /// An address of a mailbox.
    pub(crate) fn address(&mut self, way: &str, address: &str) {
        if Mailbox::parse(address.as_bytes()).is_err() {
            self.error(
                way,
                format_args!("{address:?} is not an address like ann@example.org"),
            );
        }
    }

    /// A folder in which the service writes: it is there, or can be made.
    pub(crate) fn folder(&mut self, way: &str, path: &Path) {
        let shown = path.display();
        match path.metadata() {
            Ok(metadata) if !metadata.is_dir() => {
                self.error(way, format_args!("{shown} is not a folder"));
            }
            Ok(metadata) => {
                if access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
                    self.error(way, format_args!("{shown} cannot be written"));
                } else if metadata.uid() != geteuid().as_raw() {
                    self.warn(way, format_args!("{shown} belongs to another user"));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // It is made at the start, with the folders above it.
                let above = path.ancestors().skip(1).find(|above| above.exists());
                let above = above.unwrap_or(Path::new("."));
                if access(above, Access::WRITE_OK | Access::EXEC_OK).is_err() {
                    let rule = format!(
                        "{shown} does not exist, and cannot be made in {}",
                        above.display()
                    );
                    self.error(way, rule);
                }
            }
            Err(error) => self.error(way, format_args!("{shown}: {}", reason(&error))),
        }
    }

    /// The spool of another program, into whose `queue` the service puts messages.
    pub(crate) fn spool(&mut self, way: &str, path: &Path) {
        let queue = path.join("queue");
        if !queue.is_dir() {
            self.folder(way, path);
        } else if access(&queue, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
            self.error(way, format_args!("{} cannot be written", queue.display()));
        }
    }

    /// A file that is not for everyone.
    pub(crate) fn secret(&mut self, way: &str, path: &Path) {
        if self.found(way, files::read(path)).is_some() && files::is_open_to_others(path) {
            let rule = format!(
                "{} can be read by everyone on this computer",
                path.display()
            );
            self.warn(way, rule);
        }
    }

    /// Both, which no spool or state shares.
    pub(crate) fn differ(&mut self, way: &str, path: &Path, other_way: &str, other: &Path) {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if real(path) == real(other) {
            self.error(way, format_args!("it is the folder of `{other_way}`, too"));
        }
    }

    /// At least one.
    pub(crate) fn at_least_one(&mut self, way: &str, number: impl TryInto<u128>) {
        if number.try_into().is_ok_and(|number| number == 0) {
            self.error(way, "0 is not enough");
        }
    }

    /// The parts that both services have.
    pub(crate) fn shared(&mut self, dns: &Dns, metrics: Option<SocketAddr>) {
        for (index, zone) in dns.zones.iter().enumerate() {
            if let Err(error) = std::fs::File::open(zone) {
                let rule = format!("{}: {}", zone.display(), reason(&error));
                self.error(&format!("dns.zones.{index}"), rule);
            }
        }
        if let Some(address) = metrics
            && !address.ip().is_loopback()
        {
            let rule = format!(
                "the figures are for this computer alone: {} is not a loopback address like 127.0.0.1 or [::1]",
                address.ip()
            );
            self.error("metrics", rule);
        }
    }

    /// Times of a queue are in order.
    pub(crate) fn retry(&mut self, retry: &Retry) {
        let Retry {
            first,
            longest,
            warn,
            give_up,
        } = *retry;
        if first.0.is_zero() {
            self.error("retry.first", "no time at all is not enough");
        }
        let mut in_order = |low: (&str, Span), high: (&str, Span)| {
            if low.1.0 > high.1.0 {
                let way = format!("retry.{}", low.0);
                self.error(&way, format_args!("it is longer than `{}`", high.0));
            }
        };
        in_order(("first", first), ("longest", longest));
        in_order(("longest", longest), ("give_up", give_up));
        in_order(("warn", warn), ("give_up", give_up));
    }
}

/// Names with dots between, without one at the end.
pub(crate) fn is_domain(name: &str) -> bool {
    name.len() <= 253 && DomainName::parse(name.as_bytes()).is_ok()
}
