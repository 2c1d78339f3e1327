//! A second evaluation of SPF: `check_host()` of RFC 7208 4 as a recursive function that asks a zone.
//!
//! Where the RFC leaves a choice it follows `scop-spf`: all mail exchanges of an `mx` are asked, a term is
//! void at most once and not when it matches, and a target-name that cannot exist does not match.

use std::net::IpAddr;

use scop_core::{Answer, Emit, Name, Query, QueryName, Rdata, Rtype};
use scop_spf::{MacroContext, Request, SpfResult};

use crate::rfc7208::{Cidr, Piece, Scope, Term, expand, macro_string, record};
use crate::zone::Resolver;

/// RFC 7208 4.6.4.
const LOOKUPS: u8 = 10;
const VOID_LOOKUPS: u8 = 2;
const NAMES: usize = 10;

/// What it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The result.
    pub result: SpfResult,
    /// Terms that asked the DNS, and those that asked in vain.
    pub counts: (u8, u8),
    /// The explanation of a fail.
    pub explanation: Option<Vec<u8>>,
}

/// Evaluates a request; `%{p}` is not resolved.
pub fn check_host(request: &Request<'_>, resolver: &Resolver<'_>) -> Outcome {
    let sender = request.sender();
    let mut check = Check {
        request,
        ip: request.ip.to_canonical(),
        resolver,
        counts: (0, 0),
    };
    let is_host_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let checked = if is_name(sender.domain, 2) && sender.domain.iter().all(is_host_name) {
        check.domain(sender.domain)
    } else {
        Err(SpfResult::None)
    };
    let (result, explanation) = match checked {
        Ok((result, domain, exp)) => {
            let exp = exp.filter(|_| result == SpfResult::Fail);
            (result, exp.and_then(|exp| check.explain(&domain, &exp)))
        }
        Err(result) => (result, None),
    };
    Outcome {
        result,
        counts: check.counts,
        explanation,
    }
}

/// The labels are not empty nor too long, and there are so many or more.
fn is_name(name: &[u8], labels: usize) -> bool {
    let mut parts = name.split(|&byte| byte == b'.');
    name.len() <= 253
        && parts.clone().count() >= labels
        && parts.all(|label| (1..=63).contains(&label.len()))
        && name.iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// Whether the first thing wrong with a target-name is an octet above 127. An `include` of it does not
/// match (RFC 8616 4); anything else wrong is an error.
fn is_not_ascii(name: &[u8]) -> bool {
    let mut length = 0;
    for &byte in name {
        length = match byte {
            b'.' if length == 0 => return false,
            b'.' => 0,
            0x80.. => return name.len() <= 253,
            b' '..=b'~' if length < 63 => length + 1,
            _ => return false,
        };
    }
    false
}

struct Check<'c, 'z> {
    request: &'c Request<'c>,
    ip: IpAddr,
    resolver: &'c Resolver<'z>,
    counts: (u8, u8),
}

/// The result of the record that decides, its domain, and its `exp`.
type Decided = (SpfResult, Vec<u8>, Option<Vec<u8>>);

impl<'c> Check<'c, '_> {
    fn ask(&self, name: &[u8], rtype: Rtype) -> Answer<'c> {
        self.ask_name(QueryName::dotted([name, b"", b""]), rtype)
    }

    fn ask_name(&self, name: QueryName<'_>, rtype: Rtype) -> Answer<'c> {
        self.resolver.answer(Query { name, rtype }).trusted()
    }

    /// `Err` is an error of the evaluation, or `None`.
    fn domain(&mut self, domain: &[u8]) -> Result<Decided, SpfResult> {
        let texts: Vec<Vec<u8>> = match self.ask(domain, Rtype::TXT) {
            Answer::Failed(_) => return Err(SpfResult::TempError),
            Answer::NoData(_) | Answer::NxDomain(_) => Vec::new(),
            Answer::Records(records, _) => records.iter().filter_map(text).collect(),
        };
        let is_spf = |text: &&Vec<u8>| {
            let version = text.split(|&byte| byte == b' ').next().unwrap_or_default();
            version.eq_ignore_ascii_case(b"v=spf1")
        };
        let mut records = texts.iter().filter(is_spf);
        let terms = match (records.next(), records.next()) {
            (None, _) => return Err(SpfResult::None),
            (Some(text), None) => record(text).ok_or(SpfResult::PermError)?,
            _ => return Err(SpfResult::PermError),
        };
        let modifier = |wanted: &str| {
            terms.iter().find_map(|term| match term {
                Term::Modifier(name, value) if name == wanted.as_bytes() => Some(value.clone()),
                _ => None,
            })
        };
        for term in &terms {
            let (qualifier, matches) = match term {
                Term::Mechanism(qualifier, name, spec, cidr) => (
                    qualifier,
                    self.matches(domain, name, spec.as_deref(), *cidr)?,
                ),
                Term::Network(qualifier, network, prefix) => {
                    (qualifier, same_network(*network, self.ip, *prefix))
                }
                Term::Modifier(..) => continue,
            };
            if matches {
                let result = match qualifier {
                    '+' => SpfResult::Pass,
                    '-' => SpfResult::Fail,
                    '~' => SpfResult::SoftFail,
                    _ => SpfResult::Neutral,
                };
                return Ok((result, domain.to_vec(), modifier("exp")));
            }
        }
        let Some(spec) = modifier("redirect") else {
            return Ok((SpfResult::Neutral, domain.to_vec(), None));
        };
        self.count_lookup()?;
        let target = self.target(domain, &spec);
        if !is_name(&target, 2) {
            return Err(SpfResult::PermError);
        }
        self.domain(&target).map_err(|error| match error {
            SpfResult::None => SpfResult::PermError,
            error => error,
        })
    }

    fn matches(
        &mut self,
        domain: &[u8],
        name: &str,
        spec: Option<&[u8]>,
        cidr: Cidr,
    ) -> Result<bool, SpfResult> {
        if name == "all" {
            return Ok(true);
        }
        self.count_lookup()?;
        let target = match spec {
            Some(spec) => self.target(domain, spec),
            None => domain.to_vec(),
        };
        let labels = if name == "include" { 2 } else { 1 };
        if !is_name(&target, labels) {
            return match name {
                "include" if !is_not_ascii(&target) => Err(SpfResult::PermError),
                _ => Ok(false),
            };
        }
        match name {
            "include" => self.include(&target),
            "a" => {
                let found = self.addresses(QueryName::dotted([&target, b"", b""]), cidr)?;
                self.void_unless(found)
            }
            "exists" => match self.ask(&target, Rtype::A) {
                Answer::Failed(_) => Err(SpfResult::TempError),
                Answer::Records(..) => Ok(true),
                _ => self.void_unless(None),
            },
            "mx" => self.mx(&target, cidr),
            _ => self.ptr(&target),
        }
    }

    fn include(&mut self, target: &[u8]) -> Result<bool, SpfResult> {
        match self.domain(target) {
            Ok((result, ..)) => Ok(result == SpfResult::Pass),
            Err(SpfResult::TempError) => Err(SpfResult::TempError),
            Err(_) => Err(SpfResult::PermError),
        }
    }

    fn mx(&mut self, target: &[u8], cidr: Cidr) -> Result<bool, SpfResult> {
        let records = match self.ask(target, Rtype::MX) {
            Answer::Failed(_) => return Err(SpfResult::TempError),
            Answer::Records(records, _) => records,
            _ => return self.void_unless(None),
        };
        let names: Vec<Name<'_>> = records
            .iter()
            .filter_map(|rdata| match rdata {
                Rdata::Mx { exchange, .. } => Some(exchange),
                _ => None,
            })
            .collect();
        if names.len() > NAMES {
            return Err(SpfResult::PermError);
        }
        // A null MX (RFC 7505) is nothing to ask for.
        let names = names.into_iter().filter(|name| !name.is_root());
        let found: Vec<_> = names
            .map(|name| self.addresses(name.into(), cidr))
            .collect();
        if found.contains(&Ok(Some(true))) {
            return Ok(true);
        }
        let is_void = found.contains(&Ok(None));
        found.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.void_unless(if is_void { None } else { Some(false) })
    }

    fn ptr(&mut self, target: &[u8]) -> Result<bool, SpfResult> {
        let context = self.context(target);
        let reverse = macro_string(b"%{ir}.%{v}.arpa", Scope::Term).expect("it is one");
        let records = match self.ask(&expand(&reverse, &context), Rtype::PTR) {
            Answer::Failed(_) => return Ok(false),
            Answer::Records(records, _) => records,
            _ => return self.void_unless(None),
        };
        let names = records.iter().filter_map(|rdata| match rdata {
            Rdata::Ptr(name) => Some(name),
            _ => None,
        });
        let lower = |label: &[u8]| label.to_ascii_lowercase();
        let target: Vec<Vec<u8>> = target.split(|&byte| byte == b'.').map(lower).collect();
        let is_within = |name: &Name<'_>| {
            let labels: Vec<Vec<u8>> = name.labels().map(lower).collect();
            labels.ends_with(&target)
        };
        // A name whose lookup fails is passed over.
        let found: Vec<Option<bool>> = names
            .take(NAMES)
            .filter(is_within)
            .map(|name| {
                self.addresses(name.into(), (32, 128))
                    .unwrap_or(Some(false))
            })
            .collect();
        if found.contains(&Some(true)) {
            return Ok(true);
        }
        self.void_unless(if found.contains(&None) {
            None
        } else {
            Some(false)
        })
    }

    /// Whether the client is among the addresses of its family; `None` when there are none.
    fn addresses(&self, name: QueryName<'_>, cidr: Cidr) -> Result<Option<bool>, SpfResult> {
        let (rtype, prefix) = match self.ip {
            IpAddr::V4(_) => (Rtype::A, cidr.0),
            IpAddr::V6(_) => (Rtype::AAAA, cidr.1),
        };
        let records = match self.ask_name(name, rtype) {
            Answer::Failed(_) => return Err(SpfResult::TempError),
            Answer::Records(records, _) => records,
            _ => return Ok(None),
        };
        let matches = records.iter().any(|rdata| match rdata {
            Rdata::A(address) => same_network(address.into(), self.ip, prefix),
            Rdata::Aaaa(address) => same_network(address.into(), self.ip, prefix),
            _ => false,
        });
        Ok(Some(matches))
    }

    fn count_lookup(&mut self) -> Result<(), SpfResult> {
        if self.counts.0 == LOOKUPS {
            return Err(SpfResult::PermError);
        }
        self.counts.0 += 1;
        Ok(())
    }

    /// Counts a void lookup where nothing was found.
    fn void_unless(&mut self, found: Option<bool>) -> Result<bool, SpfResult> {
        if found.is_none() {
            self.counts.1 += 1;
            if self.counts.1 > VOID_LOOKUPS {
                return Err(SpfResult::PermError);
            }
        }
        Ok(found.unwrap_or(false))
    }

    fn context<'m>(&self, domain: &'m [u8]) -> MacroContext<'m>
    where
        'c: 'm,
    {
        let sender = self.request.sender();
        MacroContext {
            local_part: sender.local_part,
            sender_domain: sender.domain,
            domain,
            ip: self.ip,
            helo: self.request.helo,
            validated_name: b"",
            receiver: self.request.receiver,
            now: self.request.now,
        }
    }

    /// The target-name (RFC 7208 4.8, 7.3).
    fn target(&self, domain: &[u8], spec: &[u8]) -> Vec<u8> {
        let pieces: Vec<Piece> = macro_string(spec, Scope::Term).expect("the record was read");
        let mut name = expand(&pieces, &self.context(domain));
        if name.ends_with(b".") {
            name.pop();
        }
        while name.len() > 253 {
            match name.iter().position(|&byte| byte == b'.') {
                Some(dot) => drop(name.drain(..=dot)),
                None => break,
            }
        }
        name
    }

    /// RFC 7208 6.2.
    fn explain(&self, domain: &[u8], spec: &[u8]) -> Option<Vec<u8>> {
        let target = self.target(domain, spec);
        if !is_name(&target, 1) {
            return None;
        }
        let Answer::Records(records, _) = self.ask(&target, Rtype::TXT) else {
            return None;
        };
        let texts: Vec<Vec<u8>> = records.iter().filter_map(text).collect();
        let [text] = &texts[..] else { return None };
        let pieces = macro_string(text, Scope::Explanation)?;
        let explanation = expand(&pieces, &self.context(domain));
        let is_text = explanation.iter().all(|byte| (b' '..=b'~').contains(byte));
        (explanation.len() <= 1024 && is_text).then_some(explanation)
    }
}

fn text(rdata: Rdata<'_>) -> Option<Vec<u8>> {
    match rdata {
        Rdata::Txt(txt) => Some(txt.to_vec()),
        _ => None,
    }
}

fn same_network(network: IpAddr, ip: IpAddr, prefix: u8) -> bool {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => format!("{:032b}", ip.to_bits()),
        IpAddr::V6(ip) => format!("{:0128b}", ip.to_bits()),
    };
    let (network, ip) = (bits(network), bits(ip));
    network.len() == ip.len() && network[..prefix.into()] == ip[..prefix.into()]
}
