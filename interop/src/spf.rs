//! The openspf suite for RFC 7208, in JSON: the documents of pyspf's `rfc7208-tests.yml` as one list.
//!
//! A file is a list of scenarios `{description, tests, zonedata}`. `tests` has for each name `{helo, host,
//! mailfrom, result, explanation}`, where `result` is a list of which any is right; `zonedata` has for each
//! name a list of `{TYPE: value}` and `"TIMEOUT"`. The zone rules are those of the
//! suite's own driver (`testspf.py` of pyspf): a record of the old type SPF stands for a TXT record
//! too, unless the name has TXT data of its own (`"TXT": "NONE"` is such data, and no record); the entry
//! `"TIMEOUT"` makes all types time out that were not listed before it; a name that is not listed does
//! not exist. Characters are octets (ISO 8859-1).

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use scop_core::lookup::Failure;
use scop_core::{
    Answer, Emit, Lookup, Name, NameBuf, Query, Rdata, Rtype, Security, Step, Txt, UnixTime,
};
use scop_spf::{Evaluator, Identity, Limits, Request};
use serde_json::Value;

/// One test of the suite and what came of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The scenario.
    pub scenario: String,
    /// The test.
    pub name: String,
    /// The result, and why.
    pub got: String,
    /// What was expected instead; `None` when the test passed.
    pub wrong: Option<String>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wrong {
            None => write!(f, "ok    {}: {}", self.name, self.got),
            Some(wrong) => write!(
                f,
                "FAIL  {} ({}): {}; {wrong}",
                self.name, self.scenario, self.got
            ),
        }
    }
}

/// Runs all tests of a file.
///
/// # Errors
/// When the text is not a suite; the message says what is missing and where.
pub fn run(json: &str) -> Result<Vec<Case>, String> {
    let suite: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut cases = Vec::new();
    for (number, scenario) in list(&suite, "the suite")?.iter().enumerate() {
        let title = scenario["description"].as_str().unwrap_or("?").to_owned();
        let place = format!("scenario {number} ({title})");
        let zone =
            Zone::read(&scenario["zonedata"]).map_err(|error| format!("{place}: {error}"))?;
        for (name, test) in map(&scenario["tests"], &place)? {
            let case = check(&zone, &title, name, test);
            cases.push(case.map_err(|error| format!("{place}, test {name}: {error}"))?);
        }
    }
    Ok(cases)
}

fn check(zone: &Zone, scenario: &str, name: &str, test: &Value) -> Result<Case, String> {
    let (helo, mail_from) = (
        octets(text(&test["helo"], "helo")?),
        octets(text(&test["mailfrom"], "mailfrom")?),
    );
    let host = text(&test["host"], "host")?;
    let request = Request {
        ip: host
            .parse::<IpAddr>()
            .map_err(|error| format!("host: {error}"))?,
        helo: &helo,
        mail_from: &mail_from,
        identity: Identity::MailFrom,
        receiver: b"receiver.example",
        now: UnixTime(1_400_000_000),
    };
    let mut limits = Limits::DEFAULT;
    limits.resolve_p = true; // the suite tests the macro p
    let mut machine: Evaluator<'_> = Evaluator::new(request, &limits);
    loop {
        match machine.poll() {
            Step::Query(id) => {
                let data = zone.look_up(machine.query(id).ok_or("a query without a question")?);
                data.answer(|answer| machine.answer(id, answer))
                    .map_err(|error| error.to_string())?;
            }
            Step::Wait => return Err("the machine waits for nothing".to_owned()),
            Step::Done => break,
        }
    }
    let verdict = machine.verdict().ok_or("done without a verdict")?;
    let result = verdict.result().as_str();
    let mut wrong = None;
    let expected = list(&test["result"], "result")?;
    if !expected.iter().any(|it| it == result) {
        wrong = Some(format!("expected {}", test["result"]));
    }
    if let Some(expected) = test["explanation"].as_str() {
        let got = verdict.explanation().unwrap_or(b"DEFAULT");
        // The suite spells the digits of `%{i}` for IPv6 in upper case, RFC 7208 7.4 in lower case.
        let same = if host.contains(':') {
            got.eq_ignore_ascii_case(&octets(expected))
        } else {
            got == octets(expected)
        };
        if !same {
            wrong = Some(format!(
                "expected the explanation {expected:?}, got {:?}",
                String::from_utf8_lossy(got)
            ));
        }
    }
    Ok(Case {
        scenario: scenario.to_owned(),
        name: name.to_owned(),
        got: format!("{result}, {}", verdict.reason()),
        wrong,
    })
}

/// The names of a scenario in lower case, and their entries in order.
struct Zone(HashMap<Vec<u8>, Vec<Entry>>);

enum Entry {
    Record(Rtype, Data),
    Timeout,
}

#[derive(Clone)]
enum Data {
    Address(IpAddr),
    Alias(Vec<u8>),
    /// The name in wire form, here and below.
    Exchange(u16, Vec<u8>),
    Pointer(Vec<u8>),
    Text(Vec<u8>),
}

/// What a look-up finds.
enum Outcome {
    Records(Vec<Data>),
    NxDomain,
    Failed(Failure),
}

impl Zone {
    fn read(zone: &Value) -> Result<Self, String> {
        let mut names = HashMap::new();
        for (name, entries) in map(zone, "zonedata")? {
            let entries =
                read_entries(list(entries, name)?).map_err(|error| format!("{name}: {error}"))?;
            names.insert(octets(name).to_ascii_lowercase(), entries);
        }
        Ok(Self(names))
    }

    fn look_up(&self, query: Query<'_>) -> Outcome {
        let labels: Vec<&[u8]> = query.name.labels().collect();
        let mut name = labels.join(&b'.').to_ascii_lowercase();
        for _ in 0..10 {
            let Some(entries) = self.0.get(&name) else {
                return Outcome::NxDomain;
            };
            let mut found = Vec::new();
            let mut alias = None;
            for entry in entries {
                match entry {
                    Entry::Record(Rtype::CNAME, Data::Alias(target)) => alias = Some(target),
                    Entry::Record(rtype, data) if *rtype == query.rtype => found.push(data.clone()),
                    Entry::Record(..) => {}
                    Entry::Timeout if found.is_empty() => return Outcome::Failed(Failure::Timeout),
                    Entry::Timeout => break,
                }
            }
            match alias {
                Some(target) => name.clone_from(target),
                None => return Outcome::Records(found),
            }
        }
        Outcome::Failed(Failure::AliasChain)
    }
}

impl Outcome {
    /// Hands the outcome on as an answer, which borrows it.
    fn answer<T>(&self, use_it: impl FnOnce(Answer<'_>) -> T) -> T {
        match self {
            Self::NxDomain => use_it(Answer::NxDomain(Security::Indeterminate)),
            Self::Failed(failure) => use_it(Answer::Failed(*failure)),
            Self::Records(data) => {
                let records: Vec<Rdata<'_>> = data.iter().filter_map(Data::as_rdata).collect();
                use_it(Answer::records(&records))
            }
        }
    }
}

impl Data {
    fn as_rdata(&self) -> Option<Rdata<'_>> {
        Some(match self {
            Self::Address(IpAddr::V4(address)) => Rdata::A(*address),
            Self::Address(IpAddr::V6(address)) => Rdata::Aaaa(*address),
            Self::Alias(_) => return None,
            Self::Exchange(preference, exchange) => Rdata::Mx {
                preference: *preference,
                exchange: Name::parse(exchange).ok()?,
            },
            Self::Pointer(name) => Rdata::Ptr(Name::parse(name).ok()?),
            // The character-strings as they go over the wire.
            Self::Text(wire) => Rdata::Txt(Txt::parse(wire).ok()?),
        })
    }
}

fn read_entries(list: &[Value]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let mut old = Vec::new();
    let mut has_txt = false;
    for entry in list {
        if entry == "TIMEOUT" {
            entries.push(Entry::Timeout);
            continue;
        }
        for (rtype, value) in map(entry, "an entry")? {
            let data = match (rtype.as_str(), value) {
                (_, value) if value == "NONE" => None,
                ("A", value) => Some((Rtype::A, address(value)?)),
                ("AAAA", value) => Some((Rtype::AAAA, address(value)?)),
                ("CNAME", value) => {
                    let target = text(value, rtype)?.trim_end_matches('.');
                    Some((
                        Rtype::CNAME,
                        Data::Alias(octets(target).to_ascii_lowercase()),
                    ))
                }
                ("MX", value) => {
                    let preference = value[0].as_u64().and_then(|it| u16::try_from(it).ok());
                    let exchange = name(text(&value[1], rtype)?)?;
                    Some((
                        Rtype::MX,
                        Data::Exchange(preference.ok_or("MX: no preference")?, exchange),
                    ))
                }
                ("PTR", value) => Some((Rtype::PTR, Data::Pointer(name(text(value, rtype)?)?))),
                ("TXT", value) => Some((Rtype::TXT, Data::Text(strings(value)?))),
                ("SPF", value) => {
                    old.push(Entry::Record(Rtype::TXT, Data::Text(strings(value)?)));
                    None
                }
                (other, _) => return Err(format!("the record type {other} is not known")),
            };
            has_txt |= rtype == "TXT";
            entries.extend(data.map(|(rtype, data)| Entry::Record(rtype, data)));
        }
    }
    if !has_txt {
        // Before a timeout, as the suite's driver would see them after it: then they time out as well.
        entries.append(&mut old);
    }
    Ok(entries)
}

/// One string or several, as RDATA. A string of more than 255 octets is cut.
fn strings(value: &Value) -> Result<Vec<u8>, String> {
    let mut wire = Vec::new();
    let mut push = |value: &Value| {
        let string = octets(text(value, "TXT")?);
        Rdata::Txt(Txt::joined(&string))
            .emit(&mut wire)
            .map_err(|error| error.to_string())
    };
    match value {
        Value::Array(strings) => strings.iter().try_for_each(&mut push)?,
        string => push(string)?,
    }
    if wire.is_empty() {
        wire.push(0);
    }
    Ok(wire)
}

fn address(value: &Value) -> Result<Data, String> {
    let address = text(value, "address")?;
    let parsed = address
        .parse()
        .map_err(|error| format!("{address}: {error}"))?;
    Ok(Data::Address(parsed))
}

fn name(text: &str) -> Result<Vec<u8>, String> {
    NameBuf::from_text(&octets(text))
        .map(|name| name.as_wire().to_vec())
        .map_err(|error| format!("{text}: {error}"))
}

/// ISO 8859-1, and UTF-8 beyond it.
fn octets(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(octet) => octets.push(octet),
            Err(_) => octets.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    octets
}

fn text<'v>(value: &'v Value, what: &str) -> Result<&'v str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("{what} is not a string"))
}

fn list<'v>(value: &'v Value, what: &str) -> Result<&'v [Value], String> {
    value
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{what} is not a list"))
}

fn map<'v>(value: &'v Value, what: &str) -> Result<&'v serde_json::Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{what} is not an object"))
}
