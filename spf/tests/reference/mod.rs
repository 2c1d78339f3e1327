//! A second evaluator, written from the text of RFC 7208 alone: recursive, allocating, slow, with a
//! grammar that tries every way to split a term. It shares no code with the crate.

mod grammar;

use core::net::IpAddr;

use scop_core::Rtype;
use scop_spf::{Limits, SpfResult};

use self::grammar::{Mechanism, Term, is_macro_string, parse_term};
use crate::zone::Found;

pub(crate) struct Reference<'a> {
    pub(crate) zone: &'a dyn Fn(&str, Rtype) -> Found,
    /// Never IPv4-mapped.
    pub(crate) ip: IpAddr,
    pub(crate) local_part: String,
    pub(crate) domain: String,
    pub(crate) helo: String,
    pub(crate) receiver: String,
    pub(crate) now: u64,
    pub(crate) limits: Limits,
    pub(crate) lookups: u8,
    pub(crate) void_lookups: u8,
    /// The term under evaluation has been counted as void.
    term_is_void: bool,
}

/// "return temperror" and "return permerror": these end all recursive evaluations.
enum Error {
    Temp,
    Perm,
}

type Eval<T> = Result<T, Error>;

/// What `check_host()` returns: with a result of fail, where the explanation is, as a domain-spec and
/// the `<domain>` in which it is expanded.
type Outcome = (SpfResult, Option<(String, String)>);

impl<'a> Reference<'a> {
    pub(crate) fn new(
        zone: &'a dyn Fn(&str, Rtype) -> Found,
        ip: IpAddr,
        sender: &str,
        helo: &str,
        limits: Limits,
    ) -> Self {
        let sender = if sender.is_empty() {
            format!("postmaster@{helo}")
        } else {
            sender.to_owned()
        };
        let (local_part, domain) = match sender.rfind('@') {
            Some(at) => (sender[..at].to_owned(), sender[at + 1..].to_owned()),
            None => (String::new(), sender.clone()),
        };
        Self {
            zone,
            ip: match ip {
                IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
                v4 @ IpAddr::V4(_) => v4,
            },
            local_part: if local_part.is_empty() {
                "postmaster".to_owned()
            } else {
                local_part
            },
            domain,
            helo: helo.to_owned(),
            receiver: "receiver.example".to_owned(),
            now: 1_400_000_000,
            limits,
            lookups: 0,
            void_lookups: 0,
            term_is_void: false,
        }
    }

    /// The result and the explanation.
    pub(crate) fn check(&mut self) -> (SpfResult, Option<String>) {
        let domain = self.domain.clone();
        // 4.3: malformed, or not multi-label. Only what can be a host name is asked for.
        let host = domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        });
        if !host || domain.len() > 253 || !domain.contains('.') {
            return (SpfResult::None, None);
        }
        match self.check_host(&domain) {
            Err(Error::Temp) => (SpfResult::TempError, None),
            Err(Error::Perm) => (SpfResult::PermError, None),
            Ok((SpfResult::Fail, Some((spec, domain)))) => {
                (SpfResult::Fail, self.explanation(&spec, &domain))
            }
            Ok((result, _)) => (result, None),
        }
    }

    fn check_host(&mut self, domain: &str) -> Eval<Outcome> {
        // 4.4
        let texts = match (self.zone)(&domain.to_lowercase(), Rtype::TXT) {
            Found::Texts(texts) => texts,
            Found::Failed(_) => return Err(Error::Temp),
            _ => vec![],
        };
        // 4.5
        let records: Vec<&String> = texts
            .iter()
            .filter(|text| {
                let text = text.to_ascii_lowercase();
                text == "v=spf1" || text.starts_with("v=spf1 ")
            })
            .collect();
        let record = match records[..] {
            [] => return Ok((SpfResult::None, None)),
            [record] => record,
            _ => return Err(Error::Perm),
        };
        // 4.6
        let terms: Vec<Term> = record[6..]
            .split(' ')
            .filter(|term| !term.is_empty())
            .map(|term| parse_term(term).ok_or(Error::Perm))
            .collect::<Result<_, _>>()?;
        let redirects: Vec<&String> = terms
            .iter()
            .filter_map(|term| match term {
                Term::Redirect(spec) => Some(spec),
                _ => None,
            })
            .collect();
        let explanations: Vec<&String> = terms
            .iter()
            .filter_map(|term| match term {
                Term::Explanation(spec) => Some(spec),
                _ => None,
            })
            .collect();
        if redirects.len() > 1 || explanations.len() > 1 {
            return Err(Error::Perm);
        }
        for term in &terms {
            let Term::Directive(result, mechanism) = term else {
                continue;
            };
            if self.matches(mechanism, domain)? {
                let explanation = explanations
                    .first()
                    .map(|spec| ((*spec).clone(), domain.to_owned()));
                return Ok((*result, explanation));
            }
        }
        // 6.1
        if let [spec] = redirects[..] {
            self.count_lookup()?;
            let target = self.target(spec, domain)?;
            if !is_name(&target) || !target.contains('.') {
                return Err(Error::Perm);
            }
            return match self.check_host(&target)? {
                (SpfResult::None, _) => Err(Error::Perm),
                outcome => Ok(outcome),
            };
        }
        // 4.7
        Ok((SpfResult::Neutral, None))
    }

    fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Eval<bool> {
        match mechanism {
            Mechanism::All => return Ok(true),
            Mechanism::Ip4(network, prefix) => {
                return Ok(self.in_network(IpAddr::V4(*network), *prefix, 0));
            }
            Mechanism::Ip6(network, prefix) => {
                return Ok(self.in_network(IpAddr::V6(*network), 0, *prefix));
            }
            _ => {}
        }
        self.count_lookup()?;
        let spec = match mechanism {
            Mechanism::A(spec, ..) | Mechanism::Mx(spec, ..) | Mechanism::Ptr(spec) => spec.clone(),
            Mechanism::Include(spec) | Mechanism::Exists(spec) => Some(spec.clone()),
            _ => unreachable!(),
        };
        let target = match spec {
            Some(spec) => self.target(&spec, domain)?,
            None => domain.to_owned(),
        };
        if !target.is_ascii() {
            return Ok(false); // RFC 8616 4
        }
        if let Mechanism::Include(_) = mechanism {
            if !is_name(&target) || !target.contains('.') {
                return Err(Error::Perm);
            }
            // The table of 5.2; errors have returned already.
            return match self.check_host(&target)?.0 {
                SpfResult::Pass => Ok(true),
                SpfResult::None => Err(Error::Perm),
                _ => Ok(false),
            };
        }
        if !is_name(&target) {
            return Ok(false); // 4.8 leaves this open
        }
        match mechanism {
            Mechanism::A(_, prefix4, prefix6) => match self.addresses(&target) {
                Found::Failed(_) => Err(Error::Temp),
                Found::Addresses(addresses) => Ok(addresses
                    .iter()
                    .any(|address| self.in_network(*address, *prefix4, *prefix6))),
                _ => self.void(),
            },
            Mechanism::Exists(_) => match (self.zone)(&target.to_lowercase(), Rtype::A) {
                Found::Failed(_) => Err(Error::Temp),
                Found::Addresses(_) => Ok(true),
                _ => self.void(),
            },
            Mechanism::Mx(_, prefix4, prefix6) => self.mx(&target, *prefix4, *prefix6),
            Mechanism::Ptr(_) => self.ptr(&target),
            _ => unreachable!(),
        }
    }

    fn mx(&mut self, target: &str, prefix4: u8, prefix6: u8) -> Eval<bool> {
        let names = match (self.zone)(&target.to_lowercase(), Rtype::MX) {
            Found::Failed(_) => return Err(Error::Temp),
            Found::Names(names) => names,
            _ => return self.void(),
        };
        if names.len() > usize::from(self.limits.mx_names) {
            return Err(Error::Perm);
        }
        let found: Vec<Found> = names.iter().map(|name| self.addresses(name)).collect();
        let same = |address: &IpAddr| self.in_network(*address, prefix4, prefix6);
        if found
            .iter()
            .any(|found| matches!(found, Found::Addresses(all) if all.iter().any(same)))
        {
            return Ok(true);
        }
        if found.iter().any(|found| matches!(found, Found::Failed(_))) {
            return Err(Error::Temp);
        }
        if found
            .iter()
            .any(|found| matches!(found, Found::NoData | Found::NxDomain))
        {
            return self.void();
        }
        Ok(false)
    }

    fn ptr(&mut self, target: &str) -> Eval<bool> {
        let within = |name: &String| {
            let (name, target) = (name.to_lowercase(), target.to_lowercase());
            name == target || name.ends_with(&format!(".{target}"))
        };
        let mut names = match (self.zone)(&self.reverse(), Rtype::PTR) {
            Found::Failed(_) => return Ok(false),
            Found::Names(names) => names,
            _ => return self.void(),
        };
        names.truncate(self.limits.ptr_names.into());
        // A name elsewhere cannot match, whether it is valid or not.
        names.retain(within);
        let found: Vec<Found> = names.iter().map(|name| self.addresses(name)).collect();
        if found.iter().any(|found| self.validates(found)) {
            return Ok(true);
        }
        if found
            .iter()
            .any(|found| matches!(found, Found::NoData | Found::NxDomain))
        {
            return self.void();
        }
        Ok(false)
    }

    /// 7.3, for the letter p.
    fn validated_name(&mut self, domain: &str) -> Eval<String> {
        let unknown = "unknown".to_owned();
        let mut names = match (self.zone)(&self.reverse(), Rtype::PTR) {
            Found::Failed(_) => return Ok(unknown),
            Found::Names(names) => names,
            _ => {
                self.void()?;
                return Ok(unknown);
            }
        };
        names.truncate(self.limits.ptr_names.into());
        let found: Vec<Found> = names.iter().map(|name| self.addresses(name)).collect();
        if found
            .iter()
            .any(|found| matches!(found, Found::NoData | Found::NxDomain))
        {
            self.void()?;
        }
        let valid: Vec<&String> = names
            .iter()
            .zip(&found)
            .filter(|(_, found)| self.validates(found))
            .map(|(name, _)| name)
            .collect();
        let domain = domain.to_lowercase();
        let best = valid
            .iter()
            .find(|name| name.to_lowercase() == domain)
            .or(valid
                .iter()
                .find(|name| name.to_lowercase().ends_with(&format!(".{domain}"))))
            .or(valid.first());
        Ok(best.map_or(unknown, |name| (*name).clone()))
    }

    fn validates(&self, found: &Found) -> bool {
        matches!(found, Found::Addresses(all) if all.contains(&self.ip))
    }

    fn reverse(&self) -> String {
        match self.ip {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(_) => format!(
                "{}.ip6.arpa",
                self.dotted_ip().chars().rev().collect::<String>()
            ),
        }
    }

    fn dotted_ip(&self) -> String {
        match self.ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => {
                let nibbles: Vec<String> = format!("{:032x}", ip.to_bits())
                    .chars()
                    .map(String::from)
                    .collect();
                nibbles.join(".")
            }
        }
    }

    fn addresses(&self, name: &str) -> Found {
        let rtype = if self.ip.is_ipv4() {
            Rtype::A
        } else {
            Rtype::AAAA
        };
        (self.zone)(&name.to_lowercase(), rtype)
    }

    fn in_network(&self, network: IpAddr, prefix4: u8, prefix6: u8) -> bool {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => format!("{:032b}", ip.to_bits()),
            IpAddr::V6(ip) => format!("{:0128b}", ip.to_bits()),
        };
        let prefix = if network.is_ipv4() { prefix4 } else { prefix6 };
        self.ip.is_ipv4() == network.is_ipv4()
            && bits(self.ip)[..prefix.into()] == bits(network)[..prefix.into()]
    }

    /// 4.6.4: of the terms that ask the DNS, and of `%{p}`.
    fn count_lookup(&mut self) -> Eval<()> {
        self.term_is_void = false;
        self.count_another()
    }

    fn count_another(&mut self) -> Eval<()> {
        if self.lookups == self.limits.lookups {
            return Err(Error::Perm);
        }
        self.lookups += 1;
        Ok(())
    }

    /// 4.6.4: "the number of terms for which DNS queries return" nothing. Such a term does not match.
    fn void(&mut self) -> Eval<bool> {
        if !self.term_is_void {
            self.term_is_void = true;
            self.void_lookups += 1;
            if self.void_lookups > self.limits.void_lookups {
                return Err(Error::Perm);
            }
        }
        Ok(false)
    }

    /// 4.8, 7.3
    fn target(&mut self, spec: &str, domain: &str) -> Eval<String> {
        let mut p = "unknown".to_owned();
        if self.limits.resolve_p && spec.to_lowercase().contains("%{p") {
            self.count_another()?;
            p = self.validated_name(domain)?;
        }
        Ok(as_name(&self.expand(spec, domain, &p)))
    }

    /// 6.2
    fn explanation(&mut self, spec: &str, domain: &str) -> Option<String> {
        // Nothing is counted any more.
        let (limits, void_lookups) = (self.limits, self.void_lookups);
        self.limits.void_lookups = u8::MAX;
        let mut p = "unknown".to_owned();
        if self.limits.resolve_p {
            p = self.validated_name(domain).ok()?;
        }
        (self.limits, self.void_lookups) = (limits, void_lookups);
        let target = as_name(&self.expand(spec, domain, &p));
        if !is_name(&target) {
            return None;
        }
        let Found::Texts(texts) = (self.zone)(&target.to_lowercase(), Rtype::TXT) else {
            return None;
        };
        let [text] = &texts[..] else { return None };
        let words: Vec<&str> = text.split(' ').collect();
        if !words.iter().all(|word| is_macro_string(word, true)) {
            return None;
        }
        let text = self.expand(text, domain, &p);
        let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (plain && text.len() <= self.limits.explanation.into()).then_some(text)
    }

    fn expand(&self, text: &str, domain: &str, p: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            out += &rest[..at];
            rest = &rest[at + 1..];
            let kind = rest.chars().next().unwrap();
            rest = &rest[1..];
            match kind {
                '%' => out.push('%'),
                '_' => out.push(' '),
                '-' => out += "%20",
                _ => {
                    let (inside, after) = rest.split_once('}').unwrap();
                    out += &self.expand_macro(inside, domain, p);
                    rest = after;
                }
            }
        }
        out + rest
    }

    fn expand_macro(&self, inside: &str, domain: &str, p: &str) -> String {
        let (letter, rest) = inside.split_at(1);
        let sender = format!("{}@{}", self.local_part, self.domain);
        let value = match &*letter.to_lowercase() {
            "s" => sender,
            "l" => self.local_part.clone(),
            "o" => self.domain.clone(),
            "d" => domain.to_owned(),
            "i" => self.dotted_ip(),
            "p" => p.to_owned(),
            "v" => (if self.ip.is_ipv4() { "in-addr" } else { "ip6" }).to_owned(),
            "h" => self.helo.clone(),
            "c" => self.ip.to_string(),
            "r" => self.receiver.clone(),
            "t" => self.now.to_string(),
            _ => unreachable!(),
        };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let rest = &rest[digits.len()..];
        let delimiters = rest.trim_start_matches(['r', 'R']);
        let mut value = value;
        if !(digits.is_empty() && rest.is_empty()) {
            let splits = if delimiters.is_empty() {
                "."
            } else {
                delimiters
            };
            let mut parts: Vec<&str> = value.split(|c| splits.contains(c)).collect();
            if rest.len() > delimiters.len() {
                parts.reverse();
            }
            if let Ok(keep) = digits.parse::<usize>() {
                parts = parts.split_off(parts.len().saturating_sub(keep));
            }
            value = parts.join(".");
        }
        if letter.chars().all(char::is_uppercase) {
            let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            value = value
                .bytes()
                .map(|byte| {
                    if unreserved(&byte) {
                        char::from(byte).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                })
                .collect();
        }
        value
    }
}

/// The dot of the root goes, and labels at the left while there are more than 253 characters.
fn as_name(text: &str) -> String {
    let mut name = text.strip_suffix('.').unwrap_or(text).to_owned();
    while name.len() > 253 {
        match name.split_once('.') {
            Some((_, rest)) => name = rest.to_owned(),
            None => break,
        }
    }
    name
}

fn is_name(name: &str) -> bool {
    name.len() <= 253
        && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && name.split('.').all(|label| (1..=63).contains(&label.len()))
}
