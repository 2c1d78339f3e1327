//! For whom mail is taken, and where it goes.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use super::config::{Config, Deliver, Next};
use super::content::{Folder, free_space};
use super::deliver::{Destination, Mailboxes};
use super::offer::Honours;
use super::recipients::Recipients;
use crate::deliver::{Fixed, Pool, Settings, Target};
use crate::error::Error;
use crate::maildir::Name;
use crate::message::reason;
use crate::queue::{Options, Queue};
use crate::service::metrics;
use crate::spool::Spool;
use crate::tls::client::Trust;

/// The space on the disks is looked at no more often.
const SPACE_AGE: Duration = Duration::from_secs(1);

/// Of a listener, or of several.
#[derive(Debug)]
pub(super) struct Way {
    /// None takes all.
    pub(super) recipients: Option<Recipients>,
    pub(super) destination: Destination,
    pub(super) honours: Honours,
    /// The least free space that was found, and when.
    space: Mutex<Option<(Instant, u64)>>,
}

impl Way {
    fn new(recipients: Option<Recipients>, destination: Destination, honours: Honours) -> Self {
        Self {
            recipients,
            destination,
            honours,
            space: Mutex::default(),
        }
    }

    /// Of `[deliver]`, with the queue of messages that are handed on. For a check nothing is opened.
    pub(super) fn inside(
        config: &Config,
        deliver: &Deliver,
        figures: &metrics::Receiver,
        is_check: bool,
    ) -> Result<(Self, Option<Queue<Fixed>>), Error> {
        let listed = |list: &[String]| {
            let entries = list.iter().map(|entry| (entry.as_str(), 0));
            Recipients::new(&config.name, entries).map(Some)
        };
        // The last place that a message comes to has no next hop that could be without TLS.
        let last = Honours {
            dsn: false,
            require_tls: true,
        };
        let (recipients, destination, honours) = match deliver {
            Deliver::Discard { recipients } => (listed(recipients)?, Destination::Discard, last),
            Deliver::Spool { folder, recipients } => {
                (listed(recipients)?, spool(folder, is_check)?, Honours::ALL)
            }
            Deliver::Maildir { folder, mailboxes } => {
                let (names, recipients) = names(&config.name, mailboxes)?;
                let destination = if is_check {
                    Destination::Discard
                } else {
                    let open = Mailboxes::open(folder, &config.name, names, &config.state)?;
                    Destination::Mailboxes(Box::new(open))
                };
                (Some(recipients), destination, last)
            }
            Deliver::Lmtp(next) | Deliver::Smtp(next) => {
                let way = Self::new(
                    listed(&next.recipients)?,
                    spool(&config.state, is_check)?,
                    Honours {
                        dsn: true,
                        // It cannot be known of the next server before it is asked.
                        require_tls: false,
                    },
                );
                if is_check {
                    return Ok((way, None));
                }
                let is_lmtp = matches!(deliver, Deliver::Lmtp { .. });
                let queue = queue(config, next, is_lmtp, figures)?;
                return Ok((way, Some(queue)));
            }
        };
        Ok((Self::new(recipients, destination, honours), None))
    }

    /// Of `[submit]`.
    pub(super) fn submit(folder: &Path, is_check: bool) -> Result<Self, Error> {
        Ok(Self::new(None, spool(folder, is_check)?, Honours::ALL))
    }

    /// The least of all disks that a message needs. A disk that does not say has none.
    pub(super) fn free_space(&self, folder: &Folder) -> u64 {
        let mut space = self.space.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, free)) = *space
            && when.elapsed() < SPACE_AGE
        {
            return free;
        }
        let there = self.destination.free_space().and_then(|there| {
            let arriving = free_space(folder.path())?;
            Ok(there.map_or(arriving, |there| there.min(arriving)))
        });
        let free = there.unwrap_or_else(|error| {
            warn!(error = reason(&error), "the free space cannot be told");
            0
        });
        *space = Some((Instant::now(), free));
        free
    }
}

/// The mailboxes, and who has which. Two addresses of one mailbox are one place.
fn names(
    host: &str,
    mailboxes: &std::collections::BTreeMap<String, String>,
) -> Result<(Vec<Name>, Recipients), Error> {
    let mut names = Vec::new();
    let mut entries = Vec::new();
    for (entry, mailbox) in mailboxes {
        let name = Name::parse(mailbox)
            .map_err(|rule| Error::new(format_args!("[deliver.mailboxes] {entry:?}"), rule))?;
        let place = names.iter().position(|known| *known == name);
        entries.push((entry.as_str(), place.unwrap_or(names.len())));
        if place.is_none() {
            names.push(name);
        }
    }
    Ok((names, Recipients::new(host, entries)?))
}

fn open(folder: &Path) -> Result<Spool, Error> {
    Spool::open(folder).map_err(|error| Error::new(folder.display(), reason(&error)))
}

fn spool(folder: &Path, is_check: bool) -> Result<Destination, Error> {
    if is_check {
        return Ok(Destination::Discard);
    }
    open(folder).map(Destination::Spool)
}

/// Hands on what is in the spool `state`, to one server.
fn queue(
    config: &Config,
    next: &Next,
    lmtp: bool,
    figures: &metrics::Receiver,
) -> Result<Queue<Fixed>, Error> {
    let target = Target::fixed(lmtp, next.address, next.host.as_deref(), next.implicit_tls);
    let trust = Trust::new(next.roots.as_deref())?;
    let pool = Pool::new(Settings::new(&config.name, trust))?;
    let mut options = Options::new(
        config.name.clone(),
        config.retry.clone(),
        figures.queue.clone(),
    );
    // All domains go to that server.
    options.share = options.places;
    options.stop = config.limits.stop.0;
    let bounces = next.bounces.as_deref().map(open).transpose()?;
    Queue::new(
        open(&config.state)?,
        bounces,
        Fixed::new(pool, target),
        options,
    )
}
