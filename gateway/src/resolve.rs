//! Lookups made for real: from zone files, or from DNS servers.

pub(crate) mod cache;
pub(crate) mod client;
pub(crate) mod driver;
pub(crate) mod system;
pub(crate) mod zone;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scop_core::{Answer, Failure, NameBuf, Rdata, Rtype, Security};

use tokio::sync::Semaphore;

use self::cache::{Cache, Place};
use self::client::Client;
use self::system::Servers;
use self::zone::{Found, Zones};
use crate::error::Error;
use crate::service::config::Dns;

/// Lookups that may be under way at once, for all messages together. Each has one socket, so that a flood of
/// messages cannot take them all.
const AT_ONCE: usize = 512;

/// Of these, for one message of a service. What one client can send at once stays below the whole, so that
/// messages full of names whose servers are slow do not take the turns of all others.
const EACH: usize = 8;

/// What came of one question, with storage of its own: it is kept for the report and asked once per run.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) outcome: Outcome,
    /// The names that aliases led to, in order.
    pub(crate) aliases: Vec<NameBuf>,
    pub(crate) origin: Origin,
    /// How far DNSSEC vouches for it, where a server is trusted to say so.
    pub(crate) security: Security,
    /// From the question to the last packet; none for a zone file.
    pub(crate) elapsed: Option<Duration>,
    /// For how many seconds a server lets it be kept; none when it may not be.
    pub(crate) ttl: Option<u32>,
}

/// Records, or why there are none.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// RDATA without compression, of the type that was asked for.
    Records(Vec<Vec<u8>>),
    NoData,
    NxDomain,
    Failed {
        failure: Failure,
        /// In words, with the server or file it concerns.
        why: String,
    },
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The zone files.
    Zones,
    /// A server, the last one that was asked.
    Server(SocketAddr),
    /// Nobody was asked.
    Nobody,
}

impl Reply {
    /// A reply that nobody was asked for.
    pub(crate) fn unasked(outcome: Outcome) -> Self {
        Self {
            outcome,
            aliases: Vec::new(),
            origin: Origin::Nobody,
            security: Security::Indeterminate,
            elapsed: None,
            ttl: None,
        }
    }

    /// Hands the reply to a machine.
    pub(crate) fn answer<T>(&self, rtype: Rtype, hand_over: impl FnOnce(Answer<'_>) -> T) -> T {
        match &self.outcome {
            Outcome::Records(records) => {
                // They were read once already when they came.
                let records: Vec<Rdata<'_>> = records
                    .iter()
                    .filter_map(|data| Rdata::parse_in(data, 0, data.len(), rtype).ok())
                    .collect();
                match records.as_slice() {
                    [] => hand_over(Answer::NoData(self.security)),
                    records => hand_over(Answer::Records(records.into(), self.security)),
                }
            }
            Outcome::NoData => hand_over(Answer::NoData(self.security)),
            Outcome::NxDomain => hand_over(Answer::NxDomain(self.security)),
            Outcome::Failed { failure, .. } => hand_over(Answer::Failed(*failure)),
        }
    }
}

/// In the words of RFC 2308 2.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(records) if records.len() == 1 => f.write_str("1 record"),
            Self::Records(records) => write!(f, "{} records", records.len()),
            Self::NoData => f.write_str("no data: the name has no record of this type"),
            Self::NxDomain => f.write_str("no such name"),
            Self::Failed { why, .. } => write!(f, "failed: {why}"),
        }
    }
}

/// Where answers come from: zone files first, then servers.
#[derive(Debug)]
pub(crate) struct Resolver {
    zones: Zones,
    /// None when the zone files are all there is.
    client: Option<Client>,
    /// None for one message alone, whose driver knows what was asked.
    cache: Option<Arc<Cache>>,
    /// One for each lookup that may be under way.
    permits: Semaphore,
    /// Lookups that may be under way for one message.
    each: usize,
}

/// The answer is there, or a server has to be asked.
enum Begun {
    Answered(Arc<Reply>),
    Ask(Box<Asking>),
}

/// A question on its way to the servers.
struct Asking {
    resolver: Arc<Resolver>,
    lookup: client::Lookup,
    /// The names that aliases in zone files led to before.
    aliases: Vec<NameBuf>,
}

impl Resolver {
    /// For one message: nothing is kept.
    pub(crate) fn new(zones: Zones, client: Option<Client>) -> Self {
        Self {
            zones,
            client,
            cache: None,
            permits: Semaphore::new(AT_ONCE),
            each: AT_ONCE,
        }
    }

    /// For a service: all of its messages share what is known.
    ///
    /// # Errors
    /// When a zone file cannot be read.
    pub(crate) fn of_service(dns: &Dns) -> Result<Arc<Self>, Error> {
        let servers = dns.server.map_or_else(Servers::of_system, Servers::one);
        let resolver = Self::new(Zones::read(&dns.zones)?, Some(Client::new(servers)));
        let resolver = resolver.keeping(cache::ENTRIES);
        Ok(Arc::new(resolver.at_once(AT_ONCE, EACH)))
    }

    /// The same, which keeps so many answers.
    pub(crate) fn keeping(mut self, entries: usize) -> Self {
        self.cache = Some(Arc::new(Cache::new(entries)));
        self
    }

    /// The same, with so many lookups under way at once, and of these for each message.
    pub(crate) fn at_once(mut self, lookups: usize, each: usize) -> Self {
        self.permits = Semaphore::new(lookups);
        self.each = each;
        self
    }

    /// The turns of one message.
    fn turns(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.each))
    }

    fn begin(self: &Arc<Self>, name: &NameBuf, rtype: Rtype) -> Begun {
        let mut aliases = Vec::new();
        let outcome = match self.zones.lookup(name, rtype, &mut aliases) {
            Found::Records(records) => Outcome::Records(records),
            Found::NoData => Outcome::NoData,
            Found::NxDomain => Outcome::NxDomain,
            Found::AliasChain => Outcome::Failed {
                failure: Failure::AliasChain,
                why: Failure::AliasChain.to_string(),
            },
            Found::Outside => {
                let name = *aliases.last().unwrap_or(name);
                match &self.client {
                    Some(client) => {
                        let known = self
                            .cache
                            .as_ref()
                            .and_then(|cache| cache.find(&(name, rtype)));
                        return match known {
                            Some(reply) => Begun::Answered(behind(aliases, reply)),
                            None => Begun::Ask(Box::new(Asking {
                                resolver: Arc::clone(self),
                                lookup: client.lookup(name, rtype),
                                aliases,
                            })),
                        };
                    }
                    None => Outcome::Failed {
                        failure: Failure::Refused,
                        why: format!(
                            "no zone file answers for {name} (--dns names a server to ask)"
                        ),
                    },
                }
            }
        };
        Begun::Answered(Arc::new(Reply {
            aliases,
            origin: Origin::Zones,
            ..Reply::unasked(outcome)
        }))
    }
}

impl Asking {
    /// Waits for its turn, asks, and waits for the reply.
    async fn run(self, turns: Arc<Semaphore>) -> Arc<Reply> {
        let Self {
            resolver,
            lookup,
            aliases,
        } = self;
        // Nobody closes a semaphore, so there is a permit. The turn of the message comes first: whoever waits for
        // the same answer is not to wait for other questions of this message.
        let _turn = turns.acquire().await;
        let place = resolver
            .cache
            .as_ref()
            .map(|cache| cache.place(&lookup.question()));
        let ask = async {
            let _permit = resolver.permits.acquire().await;
            lookup.run().await
        };
        let reply = match place {
            Some(Place::Kept(reply)) => reply,
            Some(Place::Seat(seat)) => seat.wait(ask).await,
            None => Arc::new(ask.await),
        };
        behind(aliases, reply)
    }
}

/// A reply for a name to which aliases in zone files led.
fn behind(mut aliases: Vec<NameBuf>, reply: Arc<Reply>) -> Arc<Reply> {
    if aliases.is_empty() {
        return reply;
    }
    let mut reply = Arc::unwrap_or_clone(reply);
    aliases.append(&mut reply.aliases);
    Arc::new(Reply { aliases, ..reply })
}

#[cfg(test)]
mod tests;
