//! Lookups made for real: from zone files, or from DNS servers.

pub(crate) mod client;
pub(crate) mod driver;
pub(crate) mod system;
pub(crate) mod zone;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use scop_core::{Answer, Failure, NameBuf, Rdata, Rtype, Security};

use self::client::Client;
use self::zone::{Found, Zones};

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
}

/// The zone files have the answer, or a server has to be asked.
enum Begun {
    Answered(Reply),
    Ask(client::Lookup),
}

impl Resolver {
    pub(crate) fn new(zones: Zones, client: Option<Client>) -> Self {
        Self { zones, client }
    }

    fn begin(&self, name: &NameBuf, rtype: Rtype) -> Begun {
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
                    Some(client) => return Begun::Ask(client.lookup(name, rtype, aliases)),
                    None => Outcome::Failed {
                        failure: Failure::Refused,
                        why: format!(
                            "no zone file answers for {name} (--dns names a server to ask)"
                        ),
                    },
                }
            }
        };
        Begun::Answered(Reply {
            outcome,
            aliases,
            origin: Origin::Zones,
            security: Security::Indeterminate,
            elapsed: None,
        })
    }
}
