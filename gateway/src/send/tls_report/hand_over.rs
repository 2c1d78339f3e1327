//! A report handed over: where the domain wants it, by mail or by HTTPS (RFC 8460 3, 5.3, 5.4).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use scop_core::{Lookup as _, UnixTime};
use scop_smtp_proto::policy::tls_rpt::{Discovery, Found, NoRecord, Rua};
use scop_smtp_proto::{Domain, ForwardPath};
use tokio::task::spawn_blocking;
use tracing::{debug, info, warn};

use super::count::Counts;
use super::message::{self, Rendered};
use super::{Fate, Reports};
use crate::http::{Bounds, Place};
use crate::resolve::driver::Driver;
use crate::send::address::{is_public, of_host};
use crate::spool::{Envelope, Id, Recipient};
use crate::terminal::shown_within;

/// Places that get the report on one domain. A record could name many that never asked for it.
const DESTINATIONS: usize = 8;

/// A report posted, and its response, of which nothing is read but the status.
const POST: Bounds = Bounds {
    time: Duration::from_secs(60),
    octets: 65_536,
};

/// Why a report was not handed over.
enum Refused {
    Now(String),
    Never(String),
}

impl Reports {
    /// Hands over the reports on one domain; none where there are no counts of it.
    pub(super) async fn report(&self, day: u64, domain: &str, now: UnixTime) -> Option<Fate> {
        let counts = self.days().get(&day)?.day.counts(domain)?.clone();
        Some(self.report_counts(day, domain, &counts, now).await)
    }

    async fn report_counts(&self, day: u64, domain: &str, counts: &Counts, now: UnixTime) -> Fate {
        let mut discovery: Discovery<'_> = Discovery::new(domain.as_bytes());
        let mut driver = Driver::new(Arc::clone(&self.0.setup.resolver));
        let driven = driver.drive(&mut discovery).await;
        let found = discovery.verdict().filter(|_| driven.is_ok());
        let record = match found.map(Found::record) {
            Some(Ok(record)) => record,
            None | Some(Err(NoRecord::Failed(_))) => {
                warn!(domain, "the lookup of where reports of TLS go failed");
                return Fate {
                    is_done: false,
                    sent: counts.sent().to_vec(),
                };
            }
            Some(Err(NoRecord::Missing)) => {
                debug!(domain, "no reports of TLS are wanted");
                return Fate::DONE;
            }
            Some(Err(reason)) => {
                info!(
                    domain,
                    "the record that says where reports of TLS go is of no use: {reason:?}"
                );
                return Fate::DONE;
            }
        };
        let rendered = match message::render(&self.0.setup.submitter, day, domain, counts) {
            Ok(rendered) => rendered,
            Err(error) => {
                warn!(domain, "a report of TLS cannot be written: {error}");
                return Fate::DONE;
            }
        };
        let (mut sent, mut is_done) = (counts.sent().to_vec(), true);
        let further = record.rua().skip(DESTINATIONS).count();
        if further > 0 {
            warn!(
                domain,
                further, "more places than {DESTINATIONS} want a report of TLS: these get none"
            );
        }
        for rua in record.rua().take(DESTINATIONS) {
            let uri = match rua {
                Rua::Mailto(address) => format!("mailto:{}", shown_within(address, 300)),
                Rua::Https(uri) | Rua::Other(uri) => shown_within(uri, 300),
            };
            if sent.contains(&uri) {
                continue;
            }
            let handed = match rua {
                Rua::Mailto(address) => self.mail(domain, &rendered, address, now).await,
                Rua::Https(uri) => self.post(&rendered, uri).await,
                Rua::Other(_) => Err(Refused::Never("the URI is of another kind".to_owned())),
            };
            match handed {
                Ok(how) => {
                    info!(
                        domain,
                        uri,
                        report = rendered.id,
                        "a report of TLS was {how}"
                    );
                    self.0.setup.figures.reports.add(["sent"]);
                    sent.push(uri);
                }
                Err(Refused::Never(why)) => {
                    warn!(
                        domain,
                        uri,
                        report = rendered.id,
                        "a report of TLS cannot be sent: {why}"
                    );
                    self.0.setup.figures.reports.add(["failed"]);
                    sent.push(uri);
                }
                Err(Refused::Now(why)) => {
                    warn!(
                        domain,
                        uri,
                        report = rendered.id,
                        "a report of TLS could not be sent: {why}"
                    );
                    is_done = false;
                }
            }
        }
        Fate { is_done, sent }
    }

    /// Puts the report into the spool.
    async fn mail(
        &self,
        domain: &str,
        rendered: &Rendered,
        address: &[u8],
        now: UnixTime,
    ) -> Result<String, Refused> {
        let never = |why: &str| Refused::Never(why.to_owned());
        let address = unescape(address).ok_or_else(|| never("the address is not ASCII"))?;
        let path = format!("<{address}>");
        if !matches!(
            ForwardPath::parse(path.as_bytes()),
            Ok(ForwardPath::Mailbox { .. })
        ) {
            return Err(never("the address is none (RFC 5321 4.1.2)"));
        }
        let submitter = &self.0.setup.submitter;
        let mut entropy = [0; 16];
        getrandom::fill(&mut entropy).map_err(|error| Refused::Now(error.to_string()))?;
        let octets = message::mail(submitter, domain, rendered, &address, now, entropy)
            .map_err(|error| Refused::Never(error.to_string()))?;
        let envelope = Envelope {
            arrived: now,
            from: format!("<{}>", submitter.from),
            to: vec![Recipient {
                path,
                ..Recipient::default()
            }],
            ..Envelope::default()
        };
        let spool = self.0.setup.spool.clone();
        let committed = spawn_blocking(move || {
            let mut writer = spool.write(&Id::new()?, &envelope)?;
            writer.put(&octets)?;
            writer.commit()
        });
        match committed.await {
            Ok(Ok(id)) => Ok(format!("put into the spool as {id}")),
            Ok(Err(error)) => Err(Refused::Now(error.to_string())),
            Err(error) => Err(Refused::Now(error.to_string())),
        }
    }

    /// Posts the report.
    async fn post(&self, rendered: &Rendered, uri: &[u8]) -> Result<String, Refused> {
        let never = |why: &str| Refused::Never(why.to_owned());
        let uri = Uri::try_from(uri).map_err(|error| Refused::Never(error.to_string()))?;
        let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else {
            return Err(never("the URI has no host"));
        };
        if authority.as_str().contains('@')
            || !matches!(Domain::parse(host.as_bytes()), Ok(Domain::Name(_)))
        {
            return Err(never("a host name without a user is needed"));
        }
        let port = uri.port_u16().unwrap_or(443);
        if !self.0.setup.ports.contains(&port) {
            return Err(Refused::Never(format!(
                "port {port} is not among `tls.report.ports`"
            )));
        }
        let mut addresses = of_host(&self.0.setup.resolver, host)
            .await
            .map_err(Refused::Now)?;
        let is_allowed = |ip: &IpAddr| self.0.setup.private_addresses || is_public(*ip);
        addresses.retain(is_allowed);
        if addresses.is_empty() {
            return Err(Refused::Now(format!(
                "{host} has no address that a public server has"
            )));
        }
        let place = Place {
            host,
            port,
            path: uri.path_and_query().map_or("/", |path| path.as_str()),
            addresses: &addresses,
        };
        let content = rendered.gzip.clone();
        match self
            .0
            .setup
            .https
            .post(&place, message::MEDIA_TYPE, content, POST)
            .await
        {
            Ok(response) if (200..300).contains(&response.status) => {
                Ok(format!("posted, status {}", response.status))
            }
            Ok(response) => Err(Refused::Now(format!("status {}", response.status))),
            Err(error) => Err(Refused::Now(error.to_string())),
        }
    }
}

/// Octets that are percent-encoded, decoded (RFC 3986 2.1); none for what is not printable ASCII then.
pub(super) fn unescape(text: &[u8]) -> Option<String> {
    let mut bytes = text.iter();
    let mut unescaped = String::new();
    while let Some(&byte) = bytes.next() {
        let byte = if byte == b'%' {
            let mut digit = || char::from(*bytes.next()?).to_digit(16);
            u8::try_from(digit()? << 4 | digit()?).ok()?
        } else {
            byte
        };
        if !matches!(byte, b' '..=b'~') {
            return None;
        }
        unescaped.push(char::from(byte));
    }
    Some(unescaped)
}
