//! A second reader of SPF records and macros, from the ABNF of RFC 7208 12 by trying every way to cut a
//! text in two, and a second expansion from RFC 7208 7.3.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use scop_spf::MacroContext;

/// A piece of a macro-string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself.
    Literal(Vec<u8>),
    /// `%{...}`: the letter, the digits, the `r`, the delimiters.
    Macro(u8, Option<String>, bool, Vec<u8>),
}

/// Where a macro-string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a term.
    Term,
    /// In an explanation: with spaces, and the letters c, r and t.
    Explanation,
}

/// `macro-string`, or `explain-string`; `None` when it is none.
pub fn macro_string(text: &[u8], scope: Scope) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [b'{', inner @ ..]) => {
                let end = inner.iter().position(|&byte| byte == b'}')?;
                pieces.push(macro_expand(&inner[..end], scope)?);
                &inner[end + 1..]
            }
            (b'%', [mark @ (b'%' | b'_' | b'-'), after @ ..]) => {
                let meaning: &[u8] = match mark {
                    b'%' => b"%",
                    b'_' => b" ",
                    _ => b"%20",
                };
                pieces.push(Piece::Literal(meaning.to_vec()));
                after
            }
            (b'%', _) => return None,
            (b' ', _) if scope == Scope::Explanation => {
                pieces.push(Piece::Literal(b" ".to_vec()));
                after
            }
            (0x21..=0x7e, _) => {
                pieces.push(Piece::Literal(vec![*first]));
                after
            }
            _ => return None,
        };
    }
    Some(pieces)
}

/// `macro-letter transformers *delimiter`
fn macro_expand(text: &[u8], scope: Scope) -> Option<Piece> {
    let (&letter, rest) = text.split_first()?;
    let letters: &[u8] = match scope {
        Scope::Term => b"slodiphv",
        Scope::Explanation => b"slodiphvcrt",
    };
    letters
        .contains(&letter.to_ascii_lowercase())
        .then_some(())?;
    let digits: Vec<u8> = rest
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .collect();
    let rest = &rest[digits.len()..];
    let (reverse, delimiters) = match rest {
        [b'r' | b'R', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let digits = String::from_utf8(digits).expect("digits are ASCII");
    let is_zero = !digits.is_empty() && digits.bytes().all(|digit| digit == b'0');
    let are_delimiters = delimiters.iter().all(|byte| b".-+,/_=".contains(byte));
    (are_delimiters && !is_zero).then(|| {
        let digits = Some(digits).filter(|digits| !digits.is_empty());
        Piece::Macro(letter, digits, reverse, delimiters.to_vec())
    })
}

/// `domain-spec = macro-string domain-end`
pub fn is_domain_spec(text: &[u8]) -> bool {
    let is_macro = |end: &[u8]| match end {
        b"%%" | b"%_" | b"%-" => true,
        [b'%', b'{', inner @ .., b'}'] => macro_expand(inner, Scope::Term).is_some(),
        _ => false,
    };
    (0..text.len()).any(|at| {
        let (before, end) = text.split_at(at);
        let is_label = end.strip_prefix(b".").is_some_and(|label| {
            is_top_label(label) || label.strip_suffix(b".").is_some_and(is_top_label)
        });
        (is_label || is_macro(end)) && macro_string(before, Scope::Term).is_some()
    })
}

/// ```text
/// toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
/// ```
fn is_top_label(label: &[u8]) -> bool {
    let all = |extra: &[u8]| {
        label
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || extra.contains(byte))
    };
    let first = all(b"") && label.iter().any(u8::is_ascii_alphabetic);
    let ends = label.len() > 2
        && label[0].is_ascii_alphanumeric()
        && label[label.len() - 1].is_ascii_alphanumeric();
    first || ends && all(b"-") && label.contains(&b'-')
}

/// What a macro-string stands for (RFC 7208 7.3).
pub fn expand(pieces: &[Piece], context: &MacroContext<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.extend(text),
            Piece::Macro(letter, digits, reverse, delimiters) => {
                let value = value(letter.to_ascii_lowercase(), context);
                let delimiters = if delimiters.is_empty() {
                    b"."
                } else {
                    &delimiters[..]
                };
                let is_default = digits.is_none() && !reverse && delimiters == b".";
                let text = if is_default {
                    value
                } else {
                    let mut parts: Vec<&[u8]> =
                        value.split(|byte| delimiters.contains(byte)).collect();
                    if *reverse {
                        parts.reverse();
                    }
                    let keep = digits
                        .as_ref()
                        .map(|digits| digits.parse().unwrap_or(usize::MAX));
                    let skip = parts.len().saturating_sub(keep.unwrap_or(usize::MAX));
                    parts[skip..].join(&b'.')
                };
                if letter.is_ascii_uppercase() {
                    for byte in text {
                        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                            out.push(byte);
                        } else {
                            out.extend(format!("%{byte:02X}").into_bytes());
                        }
                    }
                } else {
                    out.extend(text);
                }
            }
        }
    }
    out
}

fn value(letter: u8, context: &MacroContext<'_>) -> Vec<u8> {
    let or_unknown = |text: &[u8]| match text {
        [] => b"unknown".to_vec(),
        text => text.to_vec(),
    };
    match letter {
        b's' => [context.local_part, b"@", context.sender_domain].concat(),
        b'l' => context.local_part.to_vec(),
        b'o' => context.sender_domain.to_vec(),
        b'd' => context.domain.to_vec(),
        b'i' => match context.ip {
            IpAddr::V4(ip) => ip.to_string().into_bytes(),
            IpAddr::V6(ip) => {
                let nibbles = format!("{:032x}", ip.to_bits());
                nibbles
                    .chars()
                    .map(String::from)
                    .collect::<Vec<_>>()
                    .join(".")
                    .into_bytes()
            }
        },
        b'p' => or_unknown(context.validated_name),
        b'h' => context.helo.to_vec(),
        b'c' => context.ip.to_string().into_bytes(),
        b'r' => or_unknown(context.receiver),
        b't' => context.now.0.to_string().into_bytes(),
        _ => match context.ip {
            IpAddr::V4(_) => b"in-addr".to_vec(),
            IpAddr::V6(_) => b"ip6".to_vec(),
        },
    }
}

/// Prefix lengths for IPv4 and IPv6.
pub type Cidr = (u8, u8);

/// A term of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Qualifier, name, domain-spec and prefix lengths.
    Mechanism(char, &'static str, Option<Vec<u8>>, Cidr),
    /// Qualifier, network and prefix length.
    Network(char, IpAddr, u8),
    /// Name in lower case and value.
    Modifier(Vec<u8>, Vec<u8>),
}

/// The terms of a record; `None` when it has a syntax error.
pub fn record(text: &[u8]) -> Option<Vec<Term>> {
    let mut words = text.split(|&byte| byte == b' ');
    words
        .next()
        .filter(|version| version.eq_ignore_ascii_case(b"v=spf1"))?;
    let terms: Vec<Term> = words
        .filter(|word| !word.is_empty())
        .map(term)
        .collect::<Option<_>>()?;
    let count = |wanted: &[u8]| {
        let is_it = |term: &&Term| matches!(term, Term::Modifier(name, _) if name == wanted);
        terms.iter().filter(is_it).count()
    };
    (count(b"redirect") <= 1 && count(b"exp") <= 1).then_some(terms)
}

fn term(word: &[u8]) -> Option<Term> {
    let equals = word.iter().position(|&byte| byte == b'=');
    let name = equals.map(|equals| word[..equals].to_ascii_lowercase());
    let is_name = |name: &Vec<u8>| {
        name.first().is_some_and(u8::is_ascii_alphabetic)
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if let (Some(equals), Some(name)) = (equals, name.filter(is_name)) {
        let value = &word[equals + 1..];
        let is_valid = match &name[..] {
            b"redirect" | b"exp" => is_domain_spec(value),
            _ => macro_string(value, Scope::Term).is_some(),
        };
        return is_valid.then(|| Term::Modifier(name, value.to_vec()));
    }
    let (qualifier, directive) = match word {
        [mark @ (b'+' | b'-' | b'?' | b'~'), rest @ ..] => (char::from(*mark), rest),
        rest => ('+', rest),
    };
    let end = directive
        .iter()
        .position(|byte| b":/".contains(byte))
        .unwrap_or(directive.len());
    let (name, argument) = directive.split_at(end);
    let spec = || {
        let spec = argument.strip_prefix(b":")?;
        is_domain_spec(spec).then(|| spec.to_vec())
    };
    let whole = (32, 128);
    match &name.to_ascii_lowercase()[..] {
        b"all" => argument
            .is_empty()
            .then_some(Term::Mechanism(qualifier, "all", None, whole)),
        b"include" => Some(Term::Mechanism(qualifier, "include", Some(spec()?), whole)),
        b"exists" => Some(Term::Mechanism(qualifier, "exists", Some(spec()?), whole)),
        b"ptr" if argument.is_empty() => Some(Term::Mechanism(qualifier, "ptr", None, whole)),
        b"ptr" => Some(Term::Mechanism(qualifier, "ptr", Some(spec()?), whole)),
        b"a" => with_cidr(argument).map(|(spec, cidr)| Term::Mechanism(qualifier, "a", spec, cidr)),
        b"mx" => {
            with_cidr(argument).map(|(spec, cidr)| Term::Mechanism(qualifier, "mx", spec, cidr))
        }
        b"ip4" => network(qualifier, argument, 32, |text| {
            text.parse::<Ipv4Addr>().ok()
        }),
        b"ip6" => network(qualifier, argument, 128, |text| {
            text.parse::<Ipv6Addr>().ok()
        }),
        _ => None,
    }
}

/// `[ ":" domain-spec ] [ dual-cidr-length ]`, cut at the first place where both parts are right.
fn with_cidr(argument: &[u8]) -> Option<(Option<Vec<u8>>, Cidr)> {
    (0..=argument.len()).find_map(|at| {
        let (spec, cidr) = argument.split_at(at);
        let spec = match spec {
            [] => None,
            [b':', spec @ ..] if is_domain_spec(spec) => Some(spec.to_vec()),
            _ => return None,
        };
        Some((spec, dual_cidr(std::str::from_utf8(cidr).ok()?)?))
    })
}

fn dual_cidr(text: &str) -> Option<Cidr> {
    if text.is_empty() {
        return Some((32, 128));
    }
    if let Some(ip6) = text.strip_prefix("//") {
        return Some((32, prefix(ip6, 128)?));
    }
    match text.strip_prefix('/')?.split_once("//") {
        None => Some((prefix(&text[1..], 32)?, 128)),
        Some((ip4, ip6)) => Some((prefix(ip4, 32)?, prefix(ip6, 128)?)),
    }
}

/// A number without a sign or a leading zero.
fn prefix(digits: &str, most: u8) -> Option<u8> {
    let number: u8 = digits.parse().ok()?;
    (number <= most && number.to_string() == digits).then_some(number)
}

fn network<A: Into<IpAddr>>(
    qualifier: char,
    argument: &[u8],
    most: u8,
    parse: impl Fn(&str) -> Option<A>,
) -> Option<Term> {
    let text = std::str::from_utf8(argument.strip_prefix(b":")?).ok()?;
    let (address, length) = match text.split_once('/') {
        None => (text, most),
        Some((address, digits)) => (address, prefix(digits, most)?),
    };
    Some(Term::Network(qualifier, parse(address)?.into(), length))
}
