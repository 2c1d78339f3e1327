//! A DNS for tests: data of one name and type, and a driver that answers a machine from it.

#![allow(dead_code, reason = "not every test uses all of it")]

use core::net::IpAddr;

use scop_core::lookup::Failure;
use scop_core::{
    Answer, Lookup, NameBuf, Query, QueryName, Rdata, Rtype, Security, Step, Txt, UnixTime,
};
use scop_spf::{Evaluator, Identity, Limits, Request, SpfResult, Verdict};

/// What the DNS says to one question. Names are text with dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Addresses(Vec<IpAddr>),
    Names(Vec<String>),
    Texts(Vec<String>),
    NoData,
    NxDomain,
    Failed(Failure),
}

/// The name of a query as text, in lower case.
pub(crate) fn text_of(name: &QueryName<'_>) -> String {
    let labels: Vec<String> = name
        .labels()
        .map(|label| String::from_utf8(label.to_ascii_lowercase()).unwrap())
        .collect();
    labels.join(".")
}

impl Found {
    /// As an answer to a query of type `rtype`.
    pub(crate) fn answer<T>(&self, rtype: Rtype, use_it: impl FnOnce(Answer<'_>) -> T) -> T {
        let security = Security::Indeterminate;
        let names: Vec<NameBuf>;
        let records: Vec<Rdata<'_>> = match self {
            Self::NoData => return use_it(Answer::NoData(security)),
            Self::NxDomain => return use_it(Answer::NxDomain(security)),
            Self::Failed(failure) => return use_it(Answer::Failed(*failure)),
            Self::Addresses(addresses) => addresses
                .iter()
                .map(|address| match address {
                    IpAddr::V4(address) => Rdata::A(*address),
                    IpAddr::V6(address) => Rdata::Aaaa(*address),
                })
                .collect(),
            Self::Texts(texts) => texts
                .iter()
                .map(|text| Rdata::Txt(Txt::joined(text.as_bytes())))
                .collect(),
            Self::Names(texts) => {
                names = texts
                    .iter()
                    .map(|text| {
                        QueryName::dotted([text.as_bytes(), b"", b""])
                            .to_name()
                            .unwrap()
                    })
                    .collect();
                let names = names.iter().map(NameBuf::as_name);
                if rtype == Rtype::MX {
                    names
                        .map(|exchange| Rdata::Mx {
                            preference: 10,
                            exchange,
                        })
                        .collect()
                } else {
                    names.map(Rdata::Ptr).collect()
                }
            }
        };
        use_it(Answer::records(&records))
    }
}

/// Runs a machine to its end. Of the open queries, `pick` says which is answered next, and whether the
/// machine is polled for more before.
pub(crate) fn run<L: Lookup>(
    machine: &mut L,
    zone: impl Fn(&str, Rtype) -> Found,
    mut pick: impl FnMut(usize) -> usize,
) {
    let mut open = Vec::new();
    loop {
        match machine.poll() {
            Step::Query(id) => {
                open.push(id);
                if pick(2) == 0 {
                    continue;
                }
            }
            Step::Wait => assert!(!open.is_empty(), "the machine waits for nothing"),
            Step::Done => {
                assert!(open.is_empty(), "done with open queries");
                return;
            }
        }
        let id = open.swap_remove(pick(open.len()));
        let Query { name, rtype } = machine.query(id).unwrap();
        let found = zone(&text_of(&name), rtype);
        found
            .answer(rtype, |answer| machine.answer(id, answer))
            .unwrap();
    }
}

/// A request about a reverse-path.
pub(crate) fn request<'r>(ip: &str, mail_from: &'r str) -> Request<'r> {
    Request {
        ip: ip.parse().unwrap(),
        helo: b"mx.example.org",
        mail_from: mail_from.as_bytes(),
        identity: Identity::MailFrom,
        receiver: b"receiver.example",
        now: UnixTime(1_400_000_000),
    }
}

/// A zone written as lines `name TYPE data`, several values of a type on several lines. A TXT
/// value is the rest of the line; the data `FAIL` is a lookup that fails.
pub(crate) fn zone(lines: &str) -> impl Fn(&str, Rtype) -> Found + Clone + use<> {
    let lines: Vec<(String, String, String)> = lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap().to_owned();
            (word().to_lowercase(), word(), word())
        })
        .collect();
    move |name, rtype| {
        let at_name = lines.iter().filter(|line| line.0 == name);
        if at_name.clone().count() == 0 {
            return Found::NxDomain;
        }
        let data: Vec<String> = at_name
            .filter(|line| line.1 == rtype.to_string())
            .map(|line| line.2.clone())
            .collect();
        if data.is_empty() {
            return Found::NoData;
        }
        if data == ["FAIL"] {
            return Found::Failed(Failure::ServerFailure);
        }
        match rtype {
            Rtype::TXT => Found::Texts(data),
            Rtype::MX | Rtype::PTR => Found::Names(data),
            _ => Found::Addresses(data.iter().map(|text| text.parse().unwrap()).collect()),
        }
    }
}

/// What came of a check against zone lines, and what was asked in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) result: SpfResult,
    pub(crate) reason: String,
    pub(crate) explanation: Option<String>,
    pub(crate) lookups: u8,
    pub(crate) void_lookups: u8,
    /// `name TYPE` of each query.
    pub(crate) asked: Vec<String>,
}

/// Runs a machine on zone lines, answering each query at once.
pub(crate) fn outcome<'r, L>(mut machine: L, lines: &str) -> Outcome
where
    L: Lookup<Verdict = Verdict<'r>>,
{
    let zone = zone(lines);
    let mut asked = Vec::new();
    loop {
        match machine.poll() {
            Step::Done => break,
            Step::Wait => panic!("the machine waits for nothing"),
            Step::Query(id) => {
                let Query { name, rtype } = machine.query(id).unwrap();
                let name = text_of(&name);
                asked.push(format!("{name} {rtype}"));
                let found = zone(&name, rtype);
                found
                    .answer(rtype, |answer| machine.answer(id, answer))
                    .unwrap();
            }
        }
    }
    let verdict = machine.verdict().unwrap();
    assert_eq!(verdict.queries() as usize, asked.len());
    Outcome {
        result: verdict.result(),
        reason: verdict.reason().to_string(),
        explanation: verdict
            .explanation()
            .map(|text| String::from_utf8(text.to_vec()).unwrap()),
        lookups: verdict.lookups(),
        void_lookups: verdict.void_lookups(),
        asked,
    }
}

/// [`outcome`] with the usual machine and limits.
pub(crate) fn check(ip: &str, mail_from: &str, lines: &str) -> Outcome {
    let machine: Evaluator<'_> = Evaluator::new(request(ip, mail_from), &Limits::DEFAULT);
    outcome(machine, lines)
}
