//! The DNS as a text: what each name has, one record in a line.
//!
//! ```text
//! zone  = *(owner SP what LF)
//! owner = name / "*"                     ; "*": every name of which nothing else is said
//! what  = "A" SP address / "AAAA" SP address / "PTR" SP name / "MX" SP number SP name
//!       / "TXT" SP text                  ; to the end of the line
//!       / "TIMEOUT" / "BOGUS" / "EMPTY"  ; what comes of every query for the name
//! ```
//!
//! Lines that are nothing of this are left out, so that every text is a zone.

use std::net::{Ipv4Addr, Ipv6Addr};

use scop_core::{Answer, Emit, Failure, NameBuf, Query, Rdata, Rtype, Security, Txt};

/// Lines that are read.
const MOST_LINES: usize = 64;

/// A zone, with its own memory.
#[derive(Debug, Default)]
pub struct Zone {
    records: Vec<(String, Data)>,
}

#[derive(Clone, Debug)]
enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Mx(u16, NameBuf),
    Ptr(NameBuf),
    /// A text, and the same as character-strings.
    Txt(Vec<u8>, Vec<u8>),
    Timeout,
    Bogus,
    Empty,
}

impl Zone {
    /// Reads a text.
    pub fn parse(text: &[u8]) -> Self {
        let lines = text.split(|&byte| byte == b'\n').take(MOST_LINES);
        Self {
            records: lines.filter_map(parse_line).collect(),
        }
    }

    /// Adds a TXT record.
    pub fn add_text(&mut self, owner: &str, text: &str) {
        self.records
            .push((format!("{owner}."), text_data(text.as_bytes())));
    }

    /// Ready to answer. TXT records are texts in one piece, or cut into character-strings.
    pub fn open(&self, texts: Texts) -> Resolver<'_> {
        let records = self.records.iter();
        let records = records.map(|(owner, data)| (owner.as_str(), data, data.rdata(texts)));
        let mut resolver = Resolver { sets: Vec::new() };
        for (owner, data, rdata) in records {
            let key = (owner, rdata.map(|rdata| rdata.rtype()));
            let set = resolver
                .sets
                .iter_mut()
                .find(|set| (set.owner, set.rtype) == key);
            match (set, rdata) {
                (Some(set), Some(rdata)) => set.records.push(rdata),
                (Some(_), None) => {}
                (None, rdata) => resolver.sets.push(Set {
                    owner,
                    rtype: key.1,
                    security: match data {
                        Data::Bogus => Security::Bogus,
                        _ => Security::Insecure,
                    },
                    fails: matches!(data, Data::Timeout),
                    records: rdata.into_iter().collect(),
                }),
            }
        }
        resolver
    }
}

/// How the strings of a TXT record reach a machine.
#[derive(Clone, Copy, Debug)]
pub enum Texts {
    /// Joined.
    Joined,
    /// As they stand in the record, in short pieces.
    Cut,
}

impl Data {
    fn rdata(&self, texts: Texts) -> Option<Rdata<'_>> {
        Some(match self {
            Self::A(address) => Rdata::A(*address),
            Self::Aaaa(address) => Rdata::Aaaa(*address),
            Self::Mx(preference, exchange) => Rdata::Mx {
                preference: *preference,
                exchange: exchange.as_name(),
            },
            Self::Ptr(name) => Rdata::Ptr(name.as_name()),
            Self::Txt(text, wire) => Rdata::Txt(match texts {
                Texts::Joined => Txt::joined(text),
                Texts::Cut => Txt::parse(wire).expect("it was made of strings"),
            }),
            Self::Timeout | Self::Bogus | Self::Empty => return None,
        })
    }
}

fn parse_line(line: &[u8]) -> Option<(String, Data)> {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let owner = words.next()?;
    let what = words.next()?;
    let rest = words.next().unwrap_or_default();
    let text = || std::str::from_utf8(rest).ok();
    let name = |text: &[u8]| NameBuf::from_text(text).ok();
    let data = match what {
        b"A" => Data::A(text()?.parse().ok()?),
        b"AAAA" => Data::Aaaa(text()?.parse().ok()?),
        b"PTR" => Data::Ptr(name(rest)?),
        b"MX" => {
            let (preference, exchange) = text()?.split_once(' ')?;
            Data::Mx(preference.parse().ok()?, name(exchange.as_bytes())?)
        }
        b"TXT" => text_data(rest),
        b"TIMEOUT" => Data::Timeout,
        b"BOGUS" => Data::Bogus,
        b"EMPTY" => Data::Empty,
        _ => return None,
    };
    let owner = match owner {
        b"*" => "*".to_owned(),
        owner => name(owner)?.as_name().to_string().to_ascii_lowercase(),
    };
    Some((owner, data))
}

fn text_data(text: &[u8]) -> Data {
    let mut wire = Vec::new();
    for string in text.chunks(7) {
        wire.push(u8::try_from(string.len()).expect("at most seven octets"));
        wire.extend(string);
    }
    // A record has one string or more.
    if wire.is_empty() {
        wire.push(0);
    }
    Data::Txt(text.to_vec(), wire)
}

/// A zone that answers.
#[derive(Debug)]
pub struct Resolver<'z> {
    sets: Vec<Set<'z>>,
}

#[derive(Debug)]
struct Set<'z> {
    owner: &'z str,
    /// `None`: of every type.
    rtype: Option<Rtype>,
    security: Security,
    fails: bool,
    records: Vec<Rdata<'z>>,
}

impl<'z> Resolver<'z> {
    /// The answer to a query: always the same one.
    pub fn answer(&'z self, query: Query<'_>) -> Answer<'z> {
        let name = String::from_utf8(query.name.to_vec()).expect("presentation form is ASCII");
        let name = name.to_ascii_lowercase();
        let is_listed = self.sets.iter().any(|set| set.owner == name);
        let owner = if is_listed { &name[..] } else { "*" };
        let mut own = self.sets.iter().filter(|set| set.owner == owner).peekable();
        if own.peek().is_none() {
            return Answer::NxDomain(Security::Insecure);
        }
        let set = own.find(|set| set.rtype.is_none_or(|rtype| rtype == query.rtype));
        match set {
            None => Answer::NoData(Security::Insecure),
            Some(set) if set.fails => Answer::Failed(Failure::Timeout),
            Some(set) if set.records.is_empty() => Answer::NoData(set.security),
            Some(set) => Answer::records(&set.records),
        }
    }
}
