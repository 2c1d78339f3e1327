//! Reports of TLS, once a day, to the domains that ask for them (RFC 8460).
//!
//! Each session with a server is counted for the domain of its recipients, under the policy that held, in the UTC
//! day in which it ended. What is counted is written to disk every [`SAVE`], and when the service stops: a kill
//! loses what came after the last write. When the day is over and a delay of chance has passed, a report goes to each
//! place that the domain names: by mail, through the spool and so signed, or by HTTPS. What cannot be handed over is
//! tried again each [`AGAIN`], for a day (RFC 8460 5.5). A kill between the hand-over of a report and the next write
//! has it go out twice; its id is the same then.
//!
//! Reports ask for policies of TLS to be ignored (`TLS-Required: No`), because a report of a failure must get
//! through (RFC 8460 3); what asks for that is not counted, so that reports never lead to reports.

mod count;
mod message;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hyper::Uri;
use scop_core::{Lookup as _, UnixTime};
use scop_smtp_proto::policy::tls_rpt::{Discovery, Found, NoRecord, Rua};
use scop_smtp_proto::{Domain, ForwardPath};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use self::count::{Counts, Day};
pub(crate) use self::count::{Fault, Session};
use self::message::Rendered;
pub(crate) use self::message::Submitter;
use super::address::{is_public, of_host};
use crate::error::Error;
use crate::http::{Bounds, Https, Place};
use crate::message::reason;
use crate::resolve::Resolver;
use crate::resolve::driver::Driver;
use crate::service::Stop;
use crate::service::metrics;
use crate::spool::{Envelope, Id, Recipient, Spool};
use crate::terminal::shown_within;

/// How often counts are written.
const SAVE: Duration = Duration::from_secs(30);

/// When what could not be handed over is tried again.
const AGAIN: Duration = Duration::from_secs(3600);

/// The longest delay after the end of a day.
const LONGEST_DELAY: Duration = Duration::from_secs(4 * 3600);

/// Seconds after the end of a day for which its reports are tried: a day, and the longest delay.
const GIVE_UP: u64 = DAY + LONGEST_DELAY.as_secs();

/// Seconds.
const DAY: u64 = 86_400;

/// A report posted, and its response, of which nothing is read but the status.
const POST: Bounds = Bounds {
    time: Duration::from_secs(60),
    octets: 65_536,
};

/// Counts and sends. It is shared by clones.
#[derive(Clone, Debug)]
pub(crate) struct Reports(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    setup: Setup,
    days: Mutex<BTreeMap<u64, Kept>>,
}

/// A day, by its number since 1970.
#[derive(Debug)]
struct Kept {
    day: Day,
    is_changed: bool,
}

/// What a service has for its reports.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) submitter: Submitter,
    /// The longest time after the end of a day.
    pub(crate) delay: Duration,
    pub(crate) spool: Spool,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) https: Https,
    /// Reports may be posted to addresses that no public server has.
    pub(crate) private_addresses: bool,
    pub(crate) figures: metrics::Sender,
}

/// What became of the reports on one domain.
#[derive(Debug)]
struct Fate {
    /// All were handed over, or never can be.
    is_done: bool,
    /// URIs that have theirs.
    sent: Vec<String>,
}

impl Fate {
    const DONE: Self = Self {
        is_done: true,
        sent: Vec::new(),
    };
}

impl Reports {
    /// Opens the folder of the counts, and makes it where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub(crate) fn open(folder: &Path, setup: Setup) -> Result<Self, Error> {
        let days =
            read_days(folder).map_err(|error| Error::new(folder.display(), reason(&error)))?;
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            setup,
            days: Mutex::new(days),
        })))
    }

    /// Counts one session that has ended now.
    pub(crate) fn count(&self, session: &Session<'_>) {
        self.count_at(session, now());
    }

    fn count_at(&self, session: &Session<'_>, now: UnixTime) {
        if !matches!(Domain::parse(session.domain.as_bytes()), Ok(Domain::Name(name)) if name.raw().is_ascii())
        {
            return; // a literal, or a name that is not in A-labels, has no record
        }
        let mut days = self.days();
        let kept = days.entry(now.0 / DAY).or_insert_with(|| Kept {
            day: Day::new(now.0 / DAY),
            is_changed: false,
        });
        kept.day.count(session);
        kept.is_changed = true;
    }

    /// Writes counts and sends reports until the service stops.
    pub(crate) async fn run(self, mut stop: Stop) {
        let mut due: BTreeMap<u64, Instant> = BTreeMap::new();
        loop {
            tokio::select! {
                () = stop.requested() => break,
                () = sleep(SAVE) => {}
            }
            self.save().await;
            let today = now().0 / DAY;
            let past: Vec<u64> = self.days().range(..today).map(|(&day, _)| day).collect();
            due.retain(|day, _| past.contains(day));
            for day in past {
                let at = *due
                    .entry(day)
                    .or_insert_with(|| Instant::now() + random_part(self.0.setup.delay));
                if at <= Instant::now() {
                    self.send(day, now(), &stop).await;
                    due.insert(day, Instant::now() + AGAIN);
                }
            }
        }
        self.save().await;
    }

    /// Writes what has changed.
    pub(crate) async fn save(&self) {
        let changed: Vec<(PathBuf, Vec<u8>)> = {
            let mut days = self.days();
            days.values_mut()
                .filter_map(|kept| {
                    if !std::mem::take(&mut kept.is_changed) {
                        return None;
                    }
                    let octets = kept.day.emit();
                    let octets = octets.inspect_err(|error| warn!("counts of TLS: {error}"));
                    Some((self.0.folder.join(kept.day.file_name()), octets.ok()?))
                })
                .collect()
        };
        for (path, octets) in changed {
            let written =
                spawn_blocking(move || write_file(&path, &octets).map_err(|error| (path, error)));
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err((path, error))) => {
                    warn!(
                        "{}: the counts of TLS cannot be kept: {error}",
                        path.display()
                    );
                }
                Err(error) => warn!("the counts of TLS cannot be kept: {error}"),
            }
        }
    }

    /// Sends the reports of a day that is over.
    async fn send(&self, number: u64, now: UnixTime, stop: &Stop) {
        let domains: Vec<(String, Counts)> = match self.days().get(&number) {
            Some(kept) => kept.day.domains().collect(),
            None => return,
        };
        if now.0 > (number + 1).saturating_mul(DAY).saturating_add(GIVE_UP) {
            warn!(
                day = number,
                "reports of TLS on {} domains are given up",
                domains.len()
            );
            self.0
                .setup
                .figures
                .reports
                .add_many(["failed"], domains.len() as u64);
            if let Some(kept) = self.days().get_mut(&number) {
                kept.day.clear();
            }
        } else {
            for (domain, counts) in domains {
                if stop.is_requested() {
                    return;
                }
                let fate = self.report(number, &domain, &counts, now).await;
                let is_handed_over = fate.sent.len() > counts.sent().len();
                if let Some(kept) = self.days().get_mut(&number) {
                    kept.day.settle(&domain, fate);
                    kept.is_changed = true;
                }
                if is_handed_over {
                    self.save().await;
                }
            }
        }
        let is_empty = self
            .days()
            .get(&number)
            .is_some_and(|kept| kept.day.is_empty());
        if is_empty {
            let kept = self.days().remove(&number);
            let path = kept.map(|kept| self.0.folder.join(kept.day.file_name()));
            let removed = spawn_blocking(move || path.map_or(Ok(()), fs::remove_file)).await;
            if let Ok(Err(error)) = removed
                && error.kind() != io::ErrorKind::NotFound
            {
                warn!(day = number, "the counts of TLS cannot be removed: {error}");
            }
        } else {
            self.save().await;
        }
    }

    /// Hands over the reports on one domain.
    async fn report(&self, day: u64, domain: &str, counts: &Counts, now: UnixTime) -> Fate {
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
        for rua in record.rua() {
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
            port: uri.port_u16().unwrap_or(443),
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

    fn days(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Kept>> {
        self.0.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a report was not handed over.
enum Refused {
    Now(String),
    Never(String),
}

/// The days that are on disk. A file that is none is put aside.
fn read_days(folder: &Path) -> io::Result<BTreeMap<u64, Kept>> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut days = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("new") => fs::remove_file(&path)?,
            Some("json") => {
                let octets = fs::read(&path)?;
                let day = Day::parse(&octets).filter(|day| {
                    path.file_name()
                        .is_some_and(|name| name == day.file_name().as_str())
                });
                if let Some(day) = day {
                    let is_changed = false;
                    days.insert(day.number(), Kept { day, is_changed });
                } else {
                    warn!(
                        "{}: not counts of TLS as they were written; put aside",
                        path.display()
                    );
                    fs::rename(&path, path.with_extension("broken"))?;
                }
            }
            _ => {}
        }
    }
    Ok(days)
}

/// In one step.
fn write_file(path: &Path, octets: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let file = fs::File::create(&unfinished)?;
    io::Write::write_all(&mut &file, octets)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent()
        .map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// Octets that are percent-encoded, decoded (RFC 3986 2.1); none for what is not printable ASCII then.
fn unescape(text: &[u8]) -> Option<String> {
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

/// A part of a time, by chance; all of it where the system has none.
fn random_part(time: Duration) -> Duration {
    let mut octets = [0; 4];
    match getrandom::fill(&mut octets) {
        Ok(()) => time.mul_f64(f64::from(u32::from_ne_bytes(octets)) / f64::from(u32::MAX)),
        Err(_) => time,
    }
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |time| time.as_secs()))
}
