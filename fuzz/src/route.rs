//! The route to a domain on a zone that the input writes: it ends within its bound, depends neither on
//! the order of answers nor on that of records, and is that of a naive evaluation.
//!
//! ```text
//! input = zone      ; as in the module of that name; the domain is example.org
//! ```
//!
//! How far DNSSEC vouches for an answer, and what TLSA records there are, comes from a hash of the input
//! and the question.

use std::net::IpAddr;

use scop_core::{Answer, Emit, Failure, Lookup, Query, Rdata, Records, Rtype, Security};
use scop_smtp_proto::Domain;
use scop_smtp_proto::policy::mta_sts::{Mode, Policy};
use scop_smtp_proto::policy::route::{Limits, Request, Router, TlsRequirement, TlsWish};

use crate::choice::Choice;
use crate::order::Host;
use crate::zone::{Resolver, Texts, Zone};

const OWN_NAME: &str = "own.example.org";
const OWN_ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 99));
const USABLE: &[u8] = b"\x03\x01\x010123456789abcdef0123456789abcdef";
const OF_NO_USE: &[u8] = b"\x01\x01\x010123456789abcdef0123456789abcdef";

/// A zone.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    let zone = Zone::parse(data);
    let resolver = zone.open(Texts::Joined);
    let world = World {
        resolver: &resolver,
        seed: choice.bits(),
    };
    let (names, addresses) = ([OWN_NAME.as_bytes()], [OWN_ADDRESS]);
    let mode = choice.pick(&[
        None,
        Some(Mode::Enforce),
        Some(Mode::Testing),
        Some(Mode::None),
    ]);
    let file = mode.map(|mode| {
        let mode = mode.as_str();
        format!("version: STSv1\nmode: {mode}\nmx: *.example.org\nmax_age: 1\n")
    });
    let domain = Domain::parse(b"example.org").expect("it is a name");
    let mut request = Request::new(domain, choice.bits());
    request.own_names = &names;
    request.own_addresses = &addresses;
    request.sts = file
        .as_ref()
        .map(|file| Policy::parse(file.as_bytes()).expect("it is one"));
    request.tls = choice.pick(&[
        TlsWish::Policy,
        TlsWish::Policy,
        TlsWish::Required,
        TlsWish::Optional,
    ]);
    let mut limits = Limits::DEFAULT;
    limits.hosts = choice.pick(&[8, 2, 1]);
    let most = 1 + 3 * usize::from(limits.hosts);

    let first = route(request, limits, &world, None, most);
    let other = route(request, limits, &world, Some(&mut choice), most);
    assert_eq!(first, other, "the route depends on the order of answers");
    let naive = world.naive(mode, request.tls, limits.hosts.into());
    if let Some(naive) = naive {
        let mut sorted = first;
        assert!(sorted.is_sorted_by_key(|host| host.0), "{sorted:?}");
        sorted.sort();
        assert_eq!(sorted, naive);
    }
}

/// Preference, name, addresses and what TLS must show.
type Found = (u16, String, Vec<IpAddr>, &'static str);

fn route(
    request: Request<'_>,
    limits: Limits,
    world: &World<'_>,
    choice: Option<&mut Choice>,
    most: usize,
) -> Vec<Found> {
    let mut router: Router<'_> = Router::new(request, &limits);
    let mut host = Host {
        resolve: &|query| world.answer(query),
        feed: &mut |_| false,
        most,
    };
    host.run(&mut router, choice);
    let route = router.verdict().expect("it is done");
    let hosts: Vec<Found> = route
        .hosts()
        .map(|host| {
            let tls = match host.tls() {
                TlsRequirement::Opportunistic => "opportunistic",
                TlsRequirement::Encrypted => "encrypted",
                TlsRequirement::WebPki => "webpki",
                TlsRequirement::Dane(records) => {
                    assert_eq!(records.iter().next().map(|tlsa| tlsa.usage), Some(3));
                    "dane"
                }
            };
            let mut addresses: Vec<IpAddr> = host.addresses().collect();
            addresses.sort();
            let name = host.name().unwrap_or_default().to_ascii_lowercase();
            (host.preference(), name, addresses, tls)
        })
        .collect();
    assert_eq!(hosts.is_empty(), route.failure().is_some());
    hosts
}

/// A zone with securities and TLSA records.
struct World<'z> {
    resolver: &'z Resolver<'z>,
    seed: u64,
}

impl<'z> World<'z> {
    fn dice(&self, query: Query<'_>, below: usize) -> usize {
        let mut name = Vec::new();
        query.name.emit(&mut name).expect("a vector is never full");
        name.make_ascii_lowercase();
        name.extend(query.rtype.0.to_be_bytes());
        name.extend(self.seed.to_be_bytes());
        Choice::of(&name).below(below)
    }

    fn answer(&self, query: Query<'_>) -> Answer<'z> {
        const TLSA: [[Rdata<'static>; 1]; 2] = [
            [Rdata::Other {
                rtype: Rtype::TLSA,
                data: USABLE,
            }],
            [Rdata::Other {
                rtype: Rtype::TLSA,
                data: OF_NO_USE,
            }],
        ];
        let dice = self.dice(query, 6);
        if query.rtype == Rtype::TLSA {
            return match dice {
                0 => Answer::Failed(Failure::Timeout),
                1 => Answer::NxDomain(Security::Secure),
                2 => Answer::NoData(Security::Insecure),
                3 => Answer::Records(Records::from(&TLSA[1][..]), Security::Secure),
                4 => Answer::Records(Records::from(&TLSA[0][..]), Security::Insecure),
                _ => Answer::Records(Records::from(&TLSA[0][..]), Security::Secure),
            };
        }
        let secure = if dice < 4 {
            Security::Secure
        } else {
            Security::Insecure
        };
        match self.resolver.answer(query) {
            Answer::Records(records, _) => Answer::Records(records, secure),
            Answer::NoData(Security::Insecure) => Answer::NoData(secure),
            other => other,
        }
    }

    fn ask(&self, name: &str, rtype: Rtype) -> Answer<'z> {
        let name = scop_core::QueryName::dotted([name.as_bytes(), b"", b""]);
        self.answer(Query { name, rtype }).trusted()
    }

    /// All hosts by preference and name; `None` where entropy decides which of them are kept.
    fn naive(&self, mode: Option<Mode>, wish: TlsWish, most: usize) -> Option<Vec<Found>> {
        let (mut hosts, security, is_implicit) = match self.ask("example.org", Rtype::MX) {
            Answer::NoData(security) => (vec![(0, "example.org".to_owned())], security, true),
            Answer::Records(records, security) => (exchanges(records), security, false),
            _ => return Some(Vec::new()),
        };
        let mut own = hosts
            .iter()
            .filter(|(_, name)| name == OWN_NAME || name == "localhost");
        if let Some(cut) = own.by_ref().map(|host| host.0).min() {
            hosts.retain(|host| host.0 < cut);
        }
        hosts.sort();
        if hosts.len() > most {
            if hosts[most - 1].0 == hosts[most].0 {
                return None;
            }
            hosts.truncate(most);
        }
        let addresses: Vec<_> = hosts.iter().map(|(_, name)| self.addresses(name)).collect();
        let is_own = |ip: &IpAddr| {
            let ip = ip.to_canonical();
            ip.is_loopback() || ip == OWN_ADDRESS
        };
        let pairs = hosts.iter().zip(&addresses);
        let own = pairs
            .filter(|(_, (list, _))| list.iter().any(is_own))
            .map(|(host, _)| host.0);
        let cut = own.min();
        let mut found = Vec::new();
        for ((preference, name), (mut list, is_secure)) in hosts.into_iter().zip(addresses) {
            list.retain(|ip| {
                let ip = ip.to_canonical();
                !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4([255; 4].into())
            });
            if cut.is_some_and(|cut| preference >= cut) || list.is_empty() {
                continue;
            }
            if list.len() > 8 {
                return None;
            }
            let matches = name
                .strip_suffix(".example.org")
                .is_some_and(|label| !label.contains('.'));
            let asks = wish != TlsWish::Optional && security == Security::Secure && is_secure;
            let tlsa = match asks.then(|| self.ask(&format!("_25._tcp.{name}"), Rtype::TLSA)) {
                Some(Answer::Failed(_)) => continue,
                Some(Answer::Records(records, Security::Secure)) => records
                    .iter()
                    .next()
                    .map(|rdata| matches!(rdata, Rdata::Other { data: USABLE, .. })),
                _ => None,
            };
            let vouched = security == Security::Secure
                || is_implicit
                || (matches && matches!(mode, Some(Mode::Enforce | Mode::Testing)));
            let tls = match (wish, tlsa, mode) {
                (TlsWish::Optional, ..) => "opportunistic",
                (_, Some(true), _) => "dane",
                (_, _, Some(Mode::Enforce)) if !matches => continue,
                (TlsWish::Required, ..) if !vouched => continue,
                (TlsWish::Required, ..) | (_, _, Some(Mode::Enforce)) => "webpki",
                (_, Some(false), _) => "encrypted",
                _ => "opportunistic",
            };
            list.sort();
            found.push((preference, name, list, tls));
        }
        found.sort();
        Some(found)
    }

    /// The addresses of a host, and whether all are secure.
    fn addresses(&self, name: &str) -> (Vec<IpAddr>, bool) {
        let (mut list, mut is_secure) = (Vec::new(), true);
        for rtype in [Rtype::A, Rtype::AAAA] {
            if let Answer::Records(records, security) = self.ask(name, rtype) {
                is_secure &= security == Security::Secure;
                list.extend(records.iter().filter_map(|rdata| match rdata {
                    Rdata::A(ip) => Some(IpAddr::V4(ip)),
                    Rdata::Aaaa(ip) => Some(IpAddr::V6(ip)),
                    _ => None,
                }));
            }
        }
        list.sort();
        list.dedup();
        (list, is_secure)
    }
}

/// The hosts of an MX answer, each once with its best preference; what is no host name is left out.
fn exchanges(records: Records<'_>) -> Vec<(u16, String)> {
    let mut best = std::collections::BTreeMap::new();
    for rdata in records {
        let Rdata::Mx {
            preference,
            exchange,
        } = rdata
        else {
            continue;
        };
        let text = exchange.to_string().to_ascii_lowercase();
        let name = text.trim_end_matches('.');
        let is_label = |label: &str| {
            let is_in_label = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            !label.is_empty() && label.chars().all(is_in_label)
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
        if name.split('.').all(is_label) && !is_address {
            let known = best.entry(name.to_owned()).or_insert(preference);
            *known = preference.min(*known);
        }
    }
    best.into_iter()
        .map(|(name, preference)| (preference, name))
        .collect()
}
