//! The addresses of a host, and which a public server can have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use scop_core::{
    Answer, AnswerError, Failure, Lookup, Query, QueryId, QueryName, Rdata, Rtype, Step,
};

use crate::resolve::Resolver;
use crate::resolve::driver::Driver;

/// Networks that the registry of special addresses (RFC 6890) keeps from the internet, and those for multicast
/// and for later.
const V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network (RFC 791)
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by carriers (RFC 6598)
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback (RFC 1122)
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local (RFC 3927)
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private (RFC 1918)
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments (RFC 6890)
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation (RFC 5737)
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112 (RFC 7535)
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4, given up (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private (RFC 1918)
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation (RFC 5737)
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast (RFC 5771)
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // for later, and broadcast (RFC 1112)
];

/// The same within what is given out at all, `2000::/3`.
const V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo (RFC 2928)
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation (RFC 3849)
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

/// Addresses of one host that are kept.
const ADDRESSES: usize = 8;

/// The addresses of a host, IPv6 first; or why there are none, in words.
pub(crate) async fn of_host(resolver: &Arc<Resolver>, host: &str) -> Result<Vec<IpAddr>, String> {
    let mut search = Search::new(host);
    if Driver::new(Arc::clone(resolver))
        .drive(&mut search)
        .await
        .is_err()
    {
        return Err(format!(
            "the search for the addresses of {host} stood still"
        ));
    }
    match search.failure {
        _ if !search.found.is_empty() => {
            search.found.sort_by_key(IpAddr::is_ipv4);
            Ok(search.found)
        }
        Some(failure) => Err(format!("the lookup of {host} failed: {failure}")),
        None => Err(format!("{host} has no address")),
    }
}

/// Asks for AAAA and A of a host.
#[derive(Debug)]
struct Search<'a> {
    host: &'a str,
    asked: usize,
    answered: [bool; 2],
    found: Vec<IpAddr>,
    failure: Option<Failure>,
}

impl<'a> Search<'a> {
    const TYPES: [Rtype; 2] = [Rtype::AAAA, Rtype::A];

    const fn new(host: &'a str) -> Self {
        Self {
            host,
            asked: 0,
            answered: [false; 2],
            found: Vec::new(),
            failure: None,
        }
    }
}

impl Lookup for Search<'_> {
    type Verdict = ();

    fn poll(&mut self) -> Step {
        match (self.asked, self.answered) {
            (0, _) => {
                self.asked = 1;
                Step::Query(QueryId::new(0))
            }
            (1, _) => {
                self.asked = 2;
                Step::Query(QueryId::new(1))
            }
            (_, [true, true]) => Step::Done,
            _ => Step::Wait,
        }
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        let index = usize::try_from(id.number()).ok()?;
        Some(Query {
            name: QueryName::dotted([self.host.as_bytes(), b"", b""]),
            rtype: *Self::TYPES.get(index)?,
        })
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        let index = usize::try_from(id.number()).map_err(|_| AnswerError)?;
        let answered = self.answered.get_mut(index).ok_or(AnswerError)?;
        if std::mem::replace(answered, true) {
            return Err(AnswerError);
        }
        match answer.trusted() {
            Answer::Failed(failure) => self.failure = Some(failure),
            Answer::NoData(_) | Answer::NxDomain(_) => {}
            Answer::Records(records, _) => {
                let addresses = records.iter().filter_map(|rdata| match rdata {
                    Rdata::A(ip) => Some(IpAddr::from(ip)),
                    Rdata::Aaaa(ip) => Some(ip.into()),
                    _ => None,
                });
                self.found.extend(addresses.take(ADDRESSES));
            }
        }
        Ok(())
    }

    fn verdict(&self) -> Option<&()> {
        None
    }
}

/// Whether a server that anybody may connect to can have this address. One that holds an IPv4 address for
/// translation (RFC 6052, RFC 3056) is what that is; a mapped one is never in the DNS (RFC 4291 2.5.5.2).
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => V4
            .iter()
            .all(|&(network, prefix)| (ip.to_bits() ^ network.to_bits()).leading_zeros() < prefix),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            let bits = u32::from(high) << 16 | u32::from(low);
            is_public(Ipv4Addr::from_bits(bits).into())
        }
        [first, ..] => {
            first >> 13 == 1
                && V6.iter().all(|&(network, prefix)| {
                    (ip.to_bits() ^ network.to_bits()).leading_zeros() < prefix
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_public_servers() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2000::1",
            "2606:4700::1111",
            "2001:200::1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn addresses_that_no_public_server_has() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "::ffff:1.1.1.1",
            "::ffff:127.0.0.1",
            "::1.1.1.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a01:203::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }
}
