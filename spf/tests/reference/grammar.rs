//! The grammar of RFC 7208 12, letter by letter.

use core::net::{Ipv4Addr, Ipv6Addr};

use scop_spf::SpfResult;

#[derive(Clone)]
pub(super) enum Mechanism {
    All,
    Include(String),
    A(Option<String>, u8, u8),
    Mx(Option<String>, u8, u8),
    Ptr(Option<String>),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Exists(String),
}

pub(super) enum Term {
    Directive(SpfResult, Mechanism),
    Redirect(String),
    Explanation(String),
    Unknown,
}

pub(super) fn parse_term(term: &str) -> Option<Term> {
    if let Some((name, value)) = term.split_once('=') {
        let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if named {
            return match &*name.to_ascii_lowercase() {
                "redirect" => is_domain_spec(value).then(|| Term::Redirect(value.to_owned())),
                "exp" => is_domain_spec(value).then(|| Term::Explanation(value.to_owned())),
                _ => is_macro_string(value, false).then_some(Term::Unknown),
            };
        }
    }
    let (result, rest) = match term.chars().next()? {
        '+' => (SpfResult::Pass, &term[1..]),
        '-' => (SpfResult::Fail, &term[1..]),
        '~' => (SpfResult::SoftFail, &term[1..]),
        '?' => (SpfResult::Neutral, &term[1..]),
        _ => (SpfResult::Pass, term),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, argument) = rest.split_at(end);
    let value = argument.strip_prefix(':');
    let spec = || value.filter(|spec| is_domain_spec(spec)).map(str::to_owned);
    let mechanism = match &*name.to_ascii_lowercase() {
        "all" if argument.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(spec()?),
        "exists" => Mechanism::Exists(spec()?),
        "ptr" if argument.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(spec()?)),
        "a" => {
            let (spec, prefix4, prefix6) = spec_and_cidr(argument)?;
            Mechanism::A(spec, prefix4, prefix6)
        }
        "mx" => {
            let (spec, prefix4, prefix6) = spec_and_cidr(argument)?;
            Mechanism::Mx(spec, prefix4, prefix6)
        }
        "ip4" => {
            let (network, prefix) = value?.split_once('/').unwrap_or((value?, "32"));
            Mechanism::Ip4(network.parse().ok()?, number(prefix, 32)?)
        }
        "ip6" => {
            let (network, prefix) = value?.split_once('/').unwrap_or((value?, "128"));
            Mechanism::Ip6(network.parse().ok()?, number(prefix, 128)?)
        }
        _ => return None,
    };
    Some(Term::Directive(result, mechanism))
}

/// `[ ":" domain-spec ] [ dual-cidr-length ]`: every place to split is tried.
fn spec_and_cidr(argument: &str) -> Option<(Option<String>, u8, u8)> {
    (0..=argument.len())
        .filter(|&at| argument.is_char_boundary(at))
        .find_map(|at| {
            let (spec, cidr) = argument.split_at(at);
            let (prefix4, prefix6) = dual_cidr(cidr)?;
            match spec.strip_prefix(':') {
                Some(spec) if is_domain_spec(spec) => {
                    Some((Some(spec.to_owned()), prefix4, prefix6))
                }
                None if spec.is_empty() => Some((None, prefix4, prefix6)),
                _ => None,
            }
        })
}

fn dual_cidr(text: &str) -> Option<(u8, u8)> {
    (0..=text.len())
        .filter(|&at| text.is_char_boundary(at))
        .find_map(|at| {
            let (four, six) = text.split_at(at);
            let prefix4 = if four.is_empty() {
                32
            } else {
                number(four.strip_prefix('/')?, 32)?
            };
            let prefix6 = if six.is_empty() {
                128
            } else {
                number(six.strip_prefix("//")?, 128)?
            };
            Some((prefix4, prefix6))
        })
}

fn number(digits: &str, max: u8) -> Option<u8> {
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let number: u8 = digits.parse().ok()?;
    (plain && number <= max && number.to_string() == digits).then_some(number)
}

/// `macro-string ( "." toplabel [ "." ] / macro-expand )`: every place to split is tried.
fn is_domain_spec(text: &str) -> bool {
    (0..text.len())
        .filter(|&at| text.is_char_boundary(at))
        .any(|at| {
            let (start, end) = text.split_at(at);
            let top_label = end
                .strip_prefix('.')
                .is_some_and(|end| is_top_label(end.strip_suffix('.').unwrap_or(end)));
            is_macro_string(start, false) && (top_label || is_macro_expand(end, false))
        })
}

fn is_top_label(label: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && edge(label.chars().next())
        && edge(label.chars().next_back())
        && label.chars().any(|c| !c.is_ascii_digit())
}

pub(super) fn is_macro_string(text: &str, explanation: bool) -> bool {
    if text.is_empty() {
        return true;
    }
    if text.starts_with(|c| matches!(c, '!'..='$' | '&'..='~')) {
        return is_macro_string(&text[1..], explanation);
    }
    (1..=text.len())
        .filter(|&at| text.is_char_boundary(at))
        .any(|at| {
            is_macro_expand(&text[..at], explanation) && is_macro_string(&text[at..], explanation)
        })
}

fn is_macro_expand(text: &str, explanation: bool) -> bool {
    if matches!(text, "%%" | "%_" | "%-") {
        return true;
    }
    let Some(inside) = text
        .strip_prefix("%{")
        .and_then(|text| text.strip_suffix('}'))
    else {
        return false;
    };
    let letters = if explanation {
        "slodiphvcrtSLODIPHVCRT"
    } else {
        "slodiphvSLODIPHV"
    };
    let Some(rest) = inside.strip_prefix(|c| letters.contains(c)) else {
        return false;
    };
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &rest[..rest.len() - after.len()];
    let nonzero = digits.is_empty() || digits.chars().any(|c| c != '0');
    let after = after.strip_prefix(['r', 'R']).unwrap_or(after);
    nonzero && after.chars().all(|c| ".-+,/_=".contains(c))
}
