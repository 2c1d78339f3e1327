//! What a reply says of the question: records, none, no such name, or an alias to follow
//! (RFC 1034 4.3.2 and 5.2.2, RFC 2308 2, RFC 6604 3).

use scop_core::{Name, NameBuf, Rdata, Rtype, record::CLASS_IN};

use crate::wire::{Message, Rcode};

/// What a reply with RCODE 0 or 3 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Records of the type.
    Records,
    /// The name has none of the type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The name is an alias, and the reply says nothing of its target.
    Ask,
    /// The server does not know and names others that might (RFC 2308 2.1): it is no resolver.
    Referral,
    /// More aliases than allowed.
    AliasChain,
    /// Records of a name that does not exist.
    Contradiction,
}

/// Where the aliases lead so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// The name asked for, or the target of the last alias.
    pub(super) name: NameBuf,
    /// Aliases followed.
    pub(super) aliases: u8,
    /// The least TTL of what the answer rests on.
    pub(super) ttl: u32,
}

impl Chain {
    /// Reads what `message` says of records of type `rtype`, and moves along its aliases.
    ///
    /// Nothing is assumed of the order of records: the section is searched once for each alias.
    /// For a negative answer `ttl` is `None` without an SOA record (RFC 2308 5).
    pub(super) fn read(
        &mut self,
        message: &Message<'_>,
        rtype: Rtype,
        max_aliases: u8,
    ) -> (Outcome, Option<u32>) {
        let before = self.aliases;
        let own = self.name;
        let mut name = own.as_name();
        let found = loop {
            match self.search(message, &name, rtype) {
                Some(Link::Target(target)) => {
                    if self.aliases >= max_aliases {
                        return (Outcome::AliasChain, None);
                    }
                    self.aliases += 1;
                    name = target;
                }
                Some(Link::Records) => break true,
                None => break false,
            }
        };
        self.name = name.into();
        let missing = message.rcode() == Rcode::NXDOMAIN;
        if found {
            return if missing {
                (Outcome::Contradiction, None)
            } else {
                (Outcome::Records, Some(self.ttl))
            };
        }
        let negative = negative_ttl(message, &name);
        let ttl = negative.map(|ttl| ttl.min(self.ttl));
        let referral = negative.is_none() && has_ns(message);
        let outcome = if missing {
            Outcome::NxDomain
        } else if self.aliases > before && negative.is_none() {
            Outcome::Ask
        } else if referral {
            Outcome::Referral
        } else {
            Outcome::NoData
        };
        (outcome, ttl)
    }

    /// What the answer section holds for `name`; records of the type come before an alias.
    fn search<'m>(
        &mut self,
        message: &Message<'m>,
        name: &Name<'_>,
        rtype: Rtype,
    ) -> Option<Link<'m>> {
        let mut found = None;
        let mut ttl = u32::MAX;
        let own = message
            .answers()
            .filter(|record| record.class == CLASS_IN && record.owner == *name);
        for record in own {
            match record.rdata {
                rdata if rdata.rtype() == rtype => {
                    if !matches!(found, Some(Link::Records)) {
                        (found, ttl) = (Some(Link::Records), u32::MAX);
                    }
                }
                Rdata::Cname(target) if found.is_none() => found = Some(Link::Target(target)),
                _ => continue,
            }
            ttl = ttl.min(real_ttl(record.ttl));
        }
        self.ttl = self.ttl.min(ttl);
        found
    }
}

#[derive(Clone, Copy)]
enum Link<'m> {
    Records,
    Target(Name<'m>),
}

/// The TTL of a negative answer about `name`: that of the SOA record, or its MINIMUM when that is less.
fn negative_ttl(message: &Message<'_>, name: &Name<'_>) -> Option<u32> {
    message.authorities().find_map(|record| match record.rdata {
        Rdata::Soa { numbers, .. } if record.class == CLASS_IN && name.is_within(&record.owner) => {
            let [.., minimum] = numbers;
            Some(real_ttl(record.ttl).min(real_ttl(minimum)))
        }
        _ => None,
    })
}

fn has_ns(message: &Message<'_>) -> bool {
    message
        .authorities()
        .any(|record| matches!(record.rdata, Rdata::Ns(_)))
}

/// A TTL with its highest bit set counts as zero (RFC 2181 8).
fn real_ttl(ttl: u32) -> u32 {
    if ttl > 0x7fff_ffff { 0 } else { ttl }
}
