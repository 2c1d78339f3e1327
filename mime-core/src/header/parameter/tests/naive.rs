//! A second reader, written from the rules of the module doc with vectors, and compared on any text.

use crate::header::parameter::Parameters;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

/// Name in lower case, number, extended, value.
type Piece = (Vec<u8>, Option<u32>, bool, Option<Vec<u8>>);

fn is_token(byte: u8) -> bool {
    byte > 32 && byte < 127 && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

/// Removes line ends before white space.
fn unfold(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        at += match &text[at..] {
            [b'\r', b'\n', b' ' | b'\t', ..] => 2,
            [b'\n', b' ' | b'\t', ..] => 1,
            _ => 0,
        };
        out.push(text[at]);
        at += 1;
    }
    out
}

/// Where the gap at `at` ends.
fn gap(text: &[u8], mut at: usize) -> usize {
    while at < text.len() {
        match text[at] {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'(' => {
                let mut depth = 0;
                while at < text.len() {
                    match text[at] {
                        b'(' => depth += 1,
                        b')' => depth -= 1,
                        b'\\' => at += 1,
                        _ => {}
                    }
                    at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                at = at.min(text.len());
            }
            _ => break,
        }
    }
    at
}

fn run(text: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    at + text[at..].iter().take_while(|&&byte| belongs(byte)).count()
}

fn pieces(text: &[u8]) -> Vec<Piece> {
    let text = &unfold(text)[..];
    let loose = |byte: u8| is_token(byte) || byte > 127;
    let mut pieces = Vec::new();
    let mut at = 0;
    loop {
        at = gap(text, at);
        if at == text.len() {
            return pieces;
        }
        if text[at] == b';' {
            at += 1;
            continue;
        }
        let name_end = run(text, at, loose);
        let name = text[at..name_end].to_ascii_lowercase();
        at = gap(text, name_end);
        let mut value = None;
        if at < text.len() && text[at] == b'=' {
            let start = gap(text, at + 1);
            if text.get(start) == Some(&b'"') {
                let mut inner = Vec::new();
                at = start + 1;
                while at < text.len() && text[at] != b'"' {
                    if text[at] == b'\\' {
                        at += 1;
                    }
                    inner.extend(text.get(at));
                    at += 1;
                }
                at = gap(text, (at + 1).min(text.len()));
                let name_end = run(text, at, is_token);
                if name_end == at || text.get(name_end) != Some(&b'=') {
                    at = run(text, at, |byte| byte != b';');
                }
                value = Some(inner);
            } else {
                let token_end = run(text, start, loose);
                at = gap(text, token_end);
                let name_end = run(text, at, is_token);
                let next = at > token_end && name_end > at && text.get(name_end) == Some(&b'=');
                let mut end = token_end;
                if at < text.len() && text[at] != b';' && !next {
                    at = run(text, at, |byte| byte != b';');
                    end = at;
                    while b" \t\r\n".contains(&text[end - 1]) {
                        end -= 1;
                    }
                }
                value = Some(text[start..end].to_vec());
            }
        } else {
            at = run(text, at, |byte| byte != b';');
        }
        let (name, number, extended) = take_apart(name);
        pieces.push((name, number, extended, value));
    }
}

fn take_apart(name: Vec<u8>) -> (Vec<u8>, Option<u32>, bool) {
    let parts: Vec<&[u8]> = name.split(|&byte| byte == b'*').collect();
    let number = |digits: &[u8]| {
        let text = core::str::from_utf8(digits).ok()?;
        let number: u32 = text.parse().ok()?;
        (std::format!("{number}") == text).then_some(number)
    };
    match parts[..] {
        [base, b""] if !base.is_empty() => (base.to_vec(), None, true),
        [base, digits] if !base.is_empty() && number(digits).is_some() => {
            (base.to_vec(), number(digits), false)
        }
        [base, digits, b""] if !base.is_empty() && number(digits).is_some() => {
            (base.to_vec(), number(digits), true)
        }
        _ => (name, None, false),
    }
}

fn octets(text: &[u8], is_extended: bool, is_first: bool) -> Vec<u8> {
    if !is_extended {
        return text.to_vec();
    }
    let mut text = text;
    if is_first {
        let apostrophes: Vec<usize> = (0..text.len()).filter(|&at| text[at] == b'\'').collect();
        if apostrophes.len() > 1 {
            text = &text[apostrophes[1] + 1..];
        }
    }
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let hex = text.get(at + 1..at + 3).and_then(|digits| {
            let digits = core::str::from_utf8(digits).ok()?;
            let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            all.then(|| u8::from_str_radix(digits, 16).unwrap())
        });
        match (text[at], hex) {
            (b'%', Some(octet)) => {
                out.push(octet);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// The octets of every parameter.
fn naive(text: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let pieces = pieces(text);
    let mut out = BTreeMap::new();
    for (name, ..) in &pieces {
        let of: Vec<&Piece> = pieces
            .iter()
            .filter(|piece| piece.0 == *name && !name.is_empty() && piece.3.is_some())
            .collect();
        let first = of
            .iter()
            .find(|piece| matches!((piece.1, piece.2), (None, true) | (Some(0), _)))
            .or(of.iter().find(|piece| piece.1.is_none()));
        let Some((_, number, is_extended, Some(value))) = first else {
            continue;
        };
        let mut all = octets(value, *is_extended, true);
        let mut number = *number;
        while let Some(before) = number {
            number = before.checked_add(1);
            match of.iter().find(|piece| piece.1 == number) {
                Some((_, _, is_extended, Some(value))) => {
                    all.extend(octets(value, *is_extended, false));
                }
                _ => break,
            }
        }
        out.insert(name.clone(), all);
    }
    out
}

fn ours(text: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let (parameters, _) = Parameters::recover(text);
    let mut out = BTreeMap::new();
    for section in parameters.sections() {
        if let Some(parameter) = parameters.get(section.name()) {
            let mut octets = Vec::new();
            parameter.octets(&mut octets).unwrap();
            assert!(parameter.is(&octets) && !parameter.is(b"something else"));
            out.insert(section.name().to_ascii_lowercase(), octets);
        }
    }
    out
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(std::vec![
            ";", "; ", "a", "b", "A", "=", "=", "\"", "\\", "(", ")", " ", "\r\n ", "\n\t", "\r", "*", "*0", "*1",
            "*2*", "*01", "''", "utf-8'en'", "%41", "%4", "%", "\u{e9}", "x", "/", "; a=", "; a*0*=", "; b*1=",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| std::vec![byte]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees(text in text()) {
        prop_assert_eq!(ours(&text), naive(&text), "{}", String::from_utf8_lossy(&text));
    }

    /// What is well formed means the same in canonical form.
    #[test]
    fn canonical_form_means_the_same(text in text()) {
        use scop_core::Emit;
        if let Ok(parameters) = Parameters::parse(&text) {
            let canonical = parameters.to_vec();
            prop_assert!(Parameters::parse(&canonical).is_ok());
            prop_assert_eq!(ours(&text), ours(&canonical));
        }
    }
}
