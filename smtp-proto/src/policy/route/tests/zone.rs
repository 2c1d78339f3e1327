//! Zones as text, and the ways through their answers.

use super::super::{Limits, Request, Router, Sts, TlsRequirement};
use crate::Domain;
use scop_core::lookup::Failure;
use scop_core::{Answer, Lookup, Name, NameBuf, QueryId, Rdata, Records, Rtype, Security, Step};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

/// Questions as `TYPE name`, and answers: records with commas between them, `none`, `failed`,
/// `nxdomain`, with `secure` or `bogus` before them. What is not there does not exist.
pub(super) type Zone = Vec<(String, String)>;

pub(super) fn zone(lines: &[(&str, &str)]) -> Zone {
    let owned = |(question, answer): &(&str, &str)| (question.to_string(), answer.to_string());
    lines.iter().map(owned).collect()
}

enum Data {
    Mx(u16, Vec<u8>),
    A(core::net::Ipv4Addr),
    Aaaa(core::net::Ipv6Addr),
    Tlsa(Vec<u8>),
}

impl Data {
    fn read(rtype: Rtype, text: &str) -> Self {
        match rtype {
            Rtype::MX => {
                let (preference, name) = text.split_once(' ').unwrap();
                let name = NameBuf::from_text(name.as_bytes()).unwrap();
                Self::Mx(preference.parse().unwrap(), name.as_wire().to_vec())
            }
            Rtype::A => Self::A(text.parse().unwrap()),
            Rtype::AAAA => Self::Aaaa(text.parse().unwrap()),
            Rtype::TLSA => {
                // usage selector matching length
                let numbers: Vec<u8> = text.split(' ').map(|n| n.parse().unwrap()).collect();
                let (mut data, length) = (numbers[..3].to_vec(), numbers[3].into());
                data.extend(vec![7; length]);
                Self::Tlsa(data)
            }
            _ => panic!("{rtype}"),
        }
    }

    fn rdata(&self) -> Rdata<'_> {
        match self {
            Self::Mx(preference, name) => Rdata::Mx {
                preference: *preference,
                exchange: Name::parse(name).unwrap(),
            },
            Self::A(ip) => Rdata::A(*ip),
            Self::Aaaa(ip) => Rdata::Aaaa(*ip),
            Self::Tlsa(data) => Rdata::Other {
                rtype: Rtype::TLSA,
                data,
            },
        }
    }
}

pub(super) fn answer<M: Lookup>(machine: &mut M, zone: &Zone, id: QueryId) {
    let query = machine.query(id).unwrap();
    let (question, rtype) = (format!("{} {}", query.rtype, query.name), query.rtype);
    let known = zone
        .iter()
        .find(|(known, _)| format!("{known}.") == question);
    let text = known.map_or("nxdomain", |(_, answer)| answer);
    let (security, text) = match text.split_once(' ') {
        Some(("secure", text)) => (Security::Secure, text),
        Some(("bogus", text)) => (Security::Bogus, text),
        _ => (Security::Insecure, text),
    };
    let data: Vec<Data>;
    let records: Vec<Rdata<'_>>;
    let answer = match text {
        "none" => Answer::NoData(security),
        "nxdomain" => Answer::NxDomain(security),
        "failed" => Answer::Failed(Failure::ServerFailure),
        list => {
            data = list
                .split(", ")
                .map(|text| Data::read(rtype, text))
                .collect();
            records = data.iter().map(Data::rdata).collect();
            Answer::Records(Records::from(&records[..]), security)
        }
    };
    machine.answer(id, answer).unwrap();
    assert!(machine.query(id).is_none());
    assert!(machine.answer(id, Answer::NoData(security)).is_err());
}

pub(super) fn show<const H: usize, const A: usize, const T: usize>(
    router: &Router<'_, H, A, T>,
) -> Vec<String> {
    let route = router.verdict().expect("a verdict");
    let mut lines = Vec::new();
    for host in route.hosts() {
        let addresses: Vec<String> = host.addresses().map(|ip| ip.to_string()).collect();
        let tls = match host.tls() {
            TlsRequirement::Opportunistic => "opportunistic".into(),
            TlsRequirement::Encrypted => "encrypted".into(),
            TlsRequirement::WebPki => "webpki".into(),
            TlsRequirement::Dane(records) => format!("dane{}", records.iter().count()),
        };
        let names: Vec<&str> = host.certificate_names().collect();
        match host.tls() {
            TlsRequirement::WebPki => assert_eq!(names, [host.name().unwrap()]),
            TlsRequirement::Dane(_) if route.is_implicit() => assert_eq!(names, ["example.org"]),
            TlsRequirement::Dane(_) => assert_eq!(names, [host.name().unwrap(), "example.org"]),
            _ => assert!(names.is_empty()),
        }
        let sts = match host.sts() {
            Sts::None => "",
            Sts::Testing => " testing",
            Sts::Enforce => " enforce",
            Sts::Mismatch => " mismatch",
        };
        let name = host.name().unwrap_or("-");
        let (preference, addresses) = (host.preference(), addresses.join(" "));
        lines.push(format!("{preference} {name} [{addresses}] {tls}{sts}"));
    }
    for (name, preference, reason) in route.unusable() {
        lines.push(format!("{preference} {name} {reason:?}"));
    }
    match route.failure() {
        Some(failure) => lines.push(format!("{} {failure:?}", failure.status())),
        None => assert!(route.hosts().next().is_some()),
    }
    assert_eq!(route.failure().is_some(), route.hosts().next().is_none());
    lines
}

pub(super) fn polled<M: Lookup>(machine: &mut M, open: &mut Vec<QueryId>) {
    while let Step::Query(id) = machine.poll() {
        open.push(id);
    }
}

/// Answers in the order that `pick` gives.
pub(super) fn run<const H: usize, const A: usize, const T: usize>(
    mut router: Router<'_, H, A, T>,
    zone: &Zone,
    mut pick: impl FnMut(usize) -> usize,
) -> (Vec<String>, usize) {
    let (mut open, mut asked) = (Vec::new(), 0);
    loop {
        polled(&mut router, &mut open);
        if open.is_empty() {
            break;
        }
        let id = open.remove(pick(open.len()));
        asked += 1;
        answer(&mut router, zone, id);
    }
    assert_eq!(router.poll(), Step::Done);
    (show(&router), asked)
}

/// Goes through every order of answers.
pub(super) fn every_order(
    router: &Router<'_>,
    open: &[QueryId],
    zone: &Zone,
    routes: &mut Vec<Vec<String>>,
) {
    let (mut router, mut open) = (router.clone(), open.to_vec());
    polled(&mut router, &mut open);
    if open.is_empty() {
        routes.push(show(&router));
    }
    for at in 0..open.len() {
        let (mut router, mut open) = (router.clone(), open.clone());
        let id = open.remove(at);
        answer(&mut router, zone, id);
        every_order(&router, &open, zone, routes);
    }
}

pub(super) fn check(request: Request<'_>, lines: &[(&str, &str)], expected: &[&str]) {
    let zone = zone(lines);
    let router: Router<'_> = Router::new(request, &Limits::DEFAULT);
    let (route, asked) = run(router.clone(), &zone, |_| 0);
    assert_eq!(route, expected, "{lines:?}");
    assert!(asked <= usize::from(Limits::DEFAULT.queries));
    let (backwards, _) = run(router.clone(), &zone, |len| len - 1);
    assert_eq!(backwards, expected, "{lines:?}");
    if asked <= 6 {
        let mut routes = Vec::new();
        every_order(&router, &[], &zone, &mut routes);
        assert!(routes.iter().all(|route| route == expected), "{lines:?}");
    }
}

pub(super) fn domain(text: &str) -> Domain<'_> {
    Domain::parse(text.as_bytes()).unwrap()
}

pub(super) fn request() -> Request<'static> {
    Request::new(domain("example.org"), 1)
}
