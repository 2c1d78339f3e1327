//! A reader and writer of JSON the plain way, with recursion and vectors.

use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let chars: Vec<char> = String::from_utf8(text.to_vec()).ok()?.chars().collect();
        let mut rest = &chars[..];
        let json = value(&mut rest)?;
        rest.is_empty().then_some(json)
    }

    /// Writes it in one of many ways: white space and escapes depend on `style`.
    pub(super) fn write(&self, style: u64) -> String {
        let mut random = style;
        let mut out = String::new();
        self.put(&mut out, &mut random);
        out
    }

    fn put(&self, out: &mut String, random: &mut u64) {
        white(out, random);
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(number),
            Self::String(text) => quote(text, out, random),
            Self::Array(list) => {
                out.push('[');
                for (at, json) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    json.put(out, random);
                }
                white(out, random);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, json)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    white(out, random);
                    quote(name, out, random);
                    white(out, random);
                    out.push(':');
                    json.put(out, random);
                }
                white(out, random);
                out.push('}');
            }
        }
        white(out, random);
    }
}

fn draw(random: &mut u64, below: u64) -> u64 {
    *random = random
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*random >> 33) % below
}

fn white(out: &mut String, random: &mut u64) {
    while draw(random, 4) == 0 {
        out.push([' ', '\t', '\n', '\r'][usize::try_from(draw(random, 4)).unwrap()]);
    }
}

fn quote(text: &str, out: &mut String, random: &mut u64) {
    out.push('"');
    for c in text.chars() {
        let short = "\"\\/\u{8}\u{c}\n\r\t".chars().position(|known| known == c);
        let must = c < ' ' || c == '"' || c == '\\';
        match (short, draw(random, 3)) {
            (Some(at), 0 | 1) => {
                out.push('\\');
                out.push(['"', '\\', '/', 'b', 'f', 'n', 'r', 't'][at]);
            }
            (_, 1 | 2) if !must => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let upper = draw(random, 2) == 0;
                    let digits = if upper {
                        format!("{unit:04X}")
                    } else {
                        format!("{unit:04x}")
                    };
                    out.push_str("\\u");
                    out.push_str(&digits);
                }
            }
        }
    }
    out.push('"');
}

fn skip(rest: &mut &[char]) {
    while let [' ' | '\t' | '\n' | '\r', tail @ ..] = rest {
        *rest = tail;
    }
}

fn take(rest: &mut &[char], c: char) -> bool {
    match rest {
        [first, tail @ ..] if *first == c => {
            *rest = tail;
            true
        }
        _ => false,
    }
}

/// A value with the white space around it.
fn value(rest: &mut &[char]) -> Option<Json> {
    skip(rest);
    let json = match *rest.first()? {
        '"' => Json::String(string(rest)?),
        '[' => {
            take(rest, '[');
            skip(rest);
            let mut list = Vec::new();
            if !take(rest, ']') {
                loop {
                    list.push(value(rest)?);
                    if take(rest, ']') {
                        break;
                    }
                    take(rest, ',').then_some(())?;
                }
            }
            Json::Array(list)
        }
        '{' => {
            take(rest, '{');
            skip(rest);
            let mut members = Vec::new();
            if !take(rest, '}') {
                loop {
                    skip(rest);
                    let name = string(rest)?;
                    skip(rest);
                    take(rest, ':').then_some(())?;
                    members.push((name, value(rest)?));
                    if take(rest, '}') {
                        break;
                    }
                    take(rest, ',').then_some(())?;
                }
            }
            Json::Object(members)
        }
        _ => {
            let end = rest
                .iter()
                .position(|c| " \t\n\r,]}[{\":".contains(*c))
                .unwrap_or(rest.len());
            let word: String = rest[..end].iter().collect();
            *rest = &rest[end..];
            match word.as_str() {
                "null" => Json::Null,
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                _ => Json::Number(number(word)?),
            }
        }
    };
    skip(rest);
    Some(json)
}

fn number(word: String) -> Option<String> {
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (word.as_str(), None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let integer = integer.strip_prefix('-').unwrap_or(integer);
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    let good = digits(integer)
        && (integer == "0" || !integer.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits);
    good.then_some(word)
}

fn string(rest: &mut &[char]) -> Option<String> {
    take(rest, '"').then_some(())?;
    let mut units: Vec<u16> = Vec::new();
    loop {
        let (&c, tail) = rest.split_first()?;
        *rest = tail;
        let c = match c {
            '"' => return String::from_utf16(&units).ok(),
            ..' ' => return None,
            '\\' => {
                let (&escape, tail) = rest.split_first()?;
                *rest = tail;
                match escape {
                    '"' | '\\' | '/' => escape,
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String = rest.get(..4)?.iter().collect();
                        digits
                            .chars()
                            .all(|c| c.is_ascii_hexdigit())
                            .then_some(())?;
                        units.push(u16::from_str_radix(&digits, 16).ok()?);
                        *rest = &rest[4..];
                        continue;
                    }
                    _ => return None,
                }
            }
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
}

pub(super) fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?".prop_map(Json::Number),
        any_text().prop_map(Json::String),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let member = (any_text(), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Json::Array),
            proptest::collection::vec(member, 0..4).prop_map(Json::Object),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        4 => any::<char>(),
        1 => proptest::sample::select(vec!['"', '\\', '/', '\0', '\n', '\u{1f}', '\u{7f}', '\u{1f600}', 'a']),
    ];
    proptest::collection::vec(c, 0..6).prop_map(|chars| chars.into_iter().collect())
}
