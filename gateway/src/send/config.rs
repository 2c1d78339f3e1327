//! `sender.toml`.

mod check;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::service::config::{Dns, Log, Retry, Span, absolute};
use crate::service::sandbox::Sandbox;

/// The port of HTTPS.
const HTTPS: u16 = 443;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The name of this host: in EHLO, in reports.
    pub(crate) name: String,
    /// Where messages to be sent are put.
    #[serde(deserialize_with = "absolute::path")]
    pub(crate) spool: PathBuf,
    /// A folder of its own: policies of MTA-STS, counts for reports of TLS.
    #[serde(deserialize_with = "absolute::path")]
    pub(crate) state: PathBuf,
    /// Keys that sign.
    #[serde(default)]
    pub(crate) sign: Vec<Key>,
    #[serde(default)]
    pub(crate) route: Route,
    #[serde(default)]
    pub(crate) retry: Retry,
    #[serde(default)]
    pub(crate) tls: Tls,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) dns: Dns,
    #[serde(default)]
    pub(crate) log: Log,
    pub(crate) metrics: Option<SocketAddr>,
    /// Threads that do the work; one for each core without it.
    pub(crate) threads: Option<NonZeroUsize>,
}

/// `[[sign]]`: mail whose author is in `domain` is signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) domain: String,
    pub(crate) selector: String,
    #[serde(rename = "key", deserialize_with = "absolute::path")]
    pub(crate) file: PathBuf,
}

/// `[route]`: who gets the mail next.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "to")]
pub(crate) enum Route {
    /// The servers of each recipient's domain (RFC 5321 5.1).
    Mx {
        #[serde(default = "smtp_port")]
        port: u16,
        /// Also servers at addresses that no public server has: loopback, private, link-local.
        #[serde(default)]
        private_addresses: bool,
        /// Names of servers that hand to this sender what they get. Where one of them is a mail exchange, hosts that
        /// are no better are left out, or the mail would come back (RFC 5321 5.1). Not the receiver of this host,
        /// if that keeps what it takes.
        #[serde(default)]
        own_names: Vec<String>,
        /// Addresses of such servers.
        #[serde(default)]
        own_addresses: Vec<IpAddr>,
    },
    /// One SMTP server for everything.
    Smtp {
        address: SocketAddr,
        /// The name on its certificate, which is checked when this is there; TLS is required then.
        host: Option<String>,
        #[serde(default)]
        implicit_tls: bool,
        user: Option<String>,
        #[serde(default, deserialize_with = "absolute::optional")]
        password_file: Option<PathBuf>,
    },
    /// One LMTP server for everything.
    Lmtp {
        address: SocketAddr,
        host: Option<String>,
        #[serde(default)]
        implicit_tls: bool,
    },
}

impl Config {
    /// What the service needs once it runs.
    pub(crate) fn sandbox(&self) -> Sandbox {
        let mut sandbox = Sandbox::new();
        sandbox.write.push(self.spool.clone());
        sandbox.write.push(self.state.clone());
        sandbox.read.extend(self.dns.zones.iter().cloned());
        sandbox.connect.push(self.dns.port());
        for key in &self.sign {
            sandbox.read_again(&key.file);
        }
        if let Some(roots) = &self.tls.roots {
            sandbox.read_again(roots);
        }
        sandbox.read_authorities();
        match &self.route {
            Route::Mx { port, .. } => {
                sandbox.connect.push(*port);
                if self.tls.mta_sts {
                    sandbox.connect.push(self.tls.mta_sts_port);
                }
            }
            Route::Smtp {
                address,
                password_file,
                ..
            } => {
                sandbox.connect.push(address.port());
                if let Some(file) = password_file {
                    sandbox.read_again(file);
                }
            }
            Route::Lmtp { address, .. } => sandbox.connect.push(address.port()),
        }
        if let Some(report) = &self.tls.report {
            // Reports go to web servers, too (RFC 8460 5.4).
            sandbox.connect.extend(&report.ports);
        }
        sandbox
    }
}

impl Default for Route {
    fn default() -> Self {
        Self::Mx {
            port: smtp_port(),
            private_addresses: false,
            own_names: Vec::new(),
            own_addresses: Vec::new(),
        }
    }
}

const fn smtp_port() -> u16 {
    25
}

/// `[tls]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// PEM of authorities that are trusted besides those of the system.
    #[serde(default, deserialize_with = "absolute::optional")]
    pub(crate) roots: Option<PathBuf>,
    /// Policies of MTA-STS are looked for and obeyed (RFC 8461).
    pub(crate) mta_sts: bool,
    /// The port of policy servers, for trying things out.
    pub(crate) mta_sts_port: u16,
    pub(crate) report: Option<Report>,
}

/// `[tls.report]`: reports of TLS are sent once a day to the domains that ask for them (RFC 8460).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    pub(crate) organization: String,
    /// Who can be asked about it: an address.
    pub(crate) contact: String,
    /// The address that the reports are from; its domain signs them.
    pub(crate) from: String,
    /// A report goes out at a time of chance, so long at most after the end of its day; not above 4h.
    #[serde(default = "delay")]
    pub(crate) delay: Span,
    /// The ports of web servers to which reports are posted; other ones that a domain names get none.
    #[serde(default = "https")]
    pub(crate) ports: Vec<u16>,
}

const fn delay() -> Span {
    Span(Duration::from_secs(3600))
}

fn https() -> Vec<u16> {
    vec![HTTPS]
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Messages under way at once.
    pub(crate) messages: usize,
    /// Connections to one server.
    pub(crate) connections_per_host: usize,
    pub(crate) stop: Span,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            roots: None,
            mta_sts: true,
            mta_sts_port: HTTPS,
            report: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages: 64,
            connections_per_host: 4,
            stop: Span(Duration::from_secs(30)),
        }
    }
}
