//! A second implementation, as plain as can be: it copies, splits and joins.

use super::*;
use crate::charset::Charset;
use core::fmt::Write;
use proptest::prelude::*;

/// Removes each line end that white space follows (RFC 5322 2.2.3).
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, &byte) in value.iter().enumerate() {
        let rest = &value[at..];
        let is_fold = |end: &[u8]| {
            rest.starts_with(&[end, b" "].concat()) || rest.starts_with(&[end, b"\t"].concat())
        };
        let lf_of_crlf = at > 0 && value[at - 1] == b'\r' && is_fold(b"\n");
        if !(is_fold(b"\r\n") || is_fold(b"\n") || lf_of_crlf) {
            out.push(byte);
        }
    }
    out
}

/// The charset and the octets of a word.
fn decode_word(token: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let inner = token.strip_prefix(b"=?")?.strip_suffix(b"?=")?;
    let parts: Vec<&[u8]> = inner.split(|&byte| byte == b'?').collect();
    let [label, encoding, payload] = parts[..] else {
        return None;
    };
    if !inner.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let label = label.split(|&byte| byte == b'*').next()?;
    let charset = Charset::of_label(label)?.name();
    let octets = match encoding.to_ascii_lowercase()[..] {
        [b'q'] => decode_q(payload)?,
        [b'b'] => decode_b(payload)?,
        _ => return None,
    };
    Some((charset, octets))
}

fn decode_q(payload: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8(payload.to_vec())
        .ok()?
        .replace('_', "=20");
    let mut parts = text.split('=');
    let mut out = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| !digits.contains('+'))?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        out.extend_from_slice(&part.as_bytes()[2..]);
    }
    Some(out)
}

fn decode_b(payload: &[u8]) -> Option<Vec<u8>> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = String::from_utf8(payload.to_vec()).ok()?;
    let bare = text.trim_end_matches('=');
    if bare.len() % 4 == 1 || text.len() > bare.len() + 2 {
        return None;
    }
    let mut bits = String::new();
    for digit in bare.chars() {
        write!(bits, "{:06b}", digits.find(digit)?).unwrap();
    }
    let octets = bits.as_bytes().chunks_exact(8).map(|octet| {
        let octet = core::str::from_utf8(octet).unwrap();
        u8::from_str_radix(octet, 2).unwrap()
    });
    Some(octets.collect())
}

fn to_text(charset: &str, octets: &[u8]) -> String {
    match charset {
        "UTF-8" => String::from_utf8_lossy(octets).into_owned(),
        "ISO-8859-1" => octets.iter().copied().map(char::from).collect(),
        "US-ASCII" => octets
            .iter()
            .map(|&byte| {
                if byte < 128 {
                    char::from(byte)
                } else {
                    '\u{fffd}'
                }
            })
            .collect(),
        other => panic!("no test writes {other}"),
    }
}

#[derive(Clone, PartialEq)]
enum Item {
    Space(Vec<u8>),
    Text(Vec<u8>),
    Word(&'static str, Vec<u8>),
}

/// The items of text without folds.
fn items(text: &[u8]) -> Vec<Item> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    text.chunk_by(|one, other| is_space(one) == is_space(other))
        .map(|piece| match decode_word(piece) {
            Some((charset, octets)) => Item::Word(charset, octets),
            None if is_space(&piece[0]) => Item::Space(piece.to_vec()),
            None => Item::Text(piece.to_vec()),
        })
        .collect()
}

/// What a person reads.
fn join(mut items: Vec<Item>) -> String {
    let mut at = 1;
    while at + 1 < items.len() {
        if let [Item::Word(..), Item::Space(_), Item::Word(..)] = items[at - 1..=at + 1] {
            items.remove(at);
        }
        at += 1;
    }
    let mut out = String::new();
    let same_charset = |one: &Item, other: &Item| match (one, other) {
        (Item::Word(one, _), Item::Word(other, _)) => one == other,
        _ => false,
    };
    for run in items.chunk_by(same_charset) {
        let (mut charset, mut octets) = ("UTF-8", Vec::new());
        for item in run {
            match item {
                Item::Space(bytes) | Item::Text(bytes) => octets.extend(bytes),
                Item::Word(of_word, bytes) => {
                    charset = of_word;
                    octets.extend(bytes);
                }
            }
        }
        out += &to_text(charset, &octets);
    }
    out.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// A value of pieces that matter, some of them encoded words of such pieces.
fn value(alphabet: &'static str) -> impl Strategy<Value = String> {
    let word = (
        "(utf-8|UTF8|latin1|us-ascii|x|utf-8\\*en)\\?(Q|q|B|b|x)",
        prop_oneof![
            "(=C3|=A9|=e9|=E2|=82|=AC|_|a|=0D|=0a|=00|=7F|=3D|=3F|=C2|=85|=|b){0,4}",
            "[AaBbw6kpqQ/+=]{0,8}",
            "(w6|w6k|w6k=|4oKs|qQ==|gqw=|4g==)",
        ],
    )
        .prop_map(|(start, payload)| format!("=?{start}?{payload}?="));
    let gap = "[ \t]|\r\n |\n\t|  |\r\n \r\n |";
    let piece = prop_oneof![3 => word, 3 => gap, 1 => alphabet];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn text_by_both(value in value("[a=?_\"(\u{e9}\u{85}\r\n\0]{1,3}")) {
        let unfolded = unfold(value.as_bytes());
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let start = unfolded.iter().take_while(|byte| is_space(byte)).count();
        let end = unfolded.iter().rev().take_while(|byte| is_space(byte)).count();
        let trimmed = unfolded.get(start..unfolded.len() - end).unwrap_or_default();
        prop_assert_eq!(text(&value), join(items(trimmed)));
    }

    /// The pieces between parentheses are texts of their own.
    #[test]
    fn comment_by_both(inner in value("[a=?_\"\u{e9}]{1,3}|[()]")) {
        let mut value = format!("({inner}");
        let mut depth = 0_usize;
        // Balanced: a parenthesis that closes too early goes, and those that are missing come.
        value.retain(|c| {
            let early = c == ')' && depth <= 1;
            match c {
                '(' => depth += 1,
                ')' if !early => depth -= 1,
                _ => {}
            }
            !early
        });
        value += &")".repeat(depth);
        let unfolded = String::from_utf8(unfold(value.as_bytes())).unwrap();
        let expected: String = unfolded[1..unfolded.len() - 1]
            .split_inclusive(['(', ')'])
            .map(|piece| {
                let bare = piece.trim_end_matches(['(', ')']);
                join(items(bare.as_bytes())) + &piece[bare.len()..]
            })
            .collect();
        prop_assert_eq!(comment(&value), expected);
    }

    /// Atoms, encoded words, quoted strings and gaps, put together by their meaning.
    #[test]
    fn phrase_by_both(pieces in proptest::collection::vec((0..6_usize, 0..5_usize), 1..8)) {
        let mut value = String::new();
        let mut meant = Vec::new();
        for (place, (piece, gap)) in pieces.into_iter().enumerate() {
            if place > 0 {
                value += [" ", "\t ", "\r\n ", " (c) ", "(=?utf-8?q?c?=)"][gap];
                meant.push(Item::Space(b" ".to_vec()));
                if gap > 2 {
                    // Nothing to read, but no white space alone.
                    meant.push(Item::Text(Vec::new()));
                }
            }
            let (raw, item) = [
                ("a", Item::Text(b"a".to_vec())),
                ("=?utf-8?q?=C3?=", Item::Word("UTF-8", b"\xc3".to_vec())),
                ("=?utf-8?b?qUA=?=", Item::Word("UTF-8", b"\xa9@".to_vec())),
                ("=?latin1?q?=E9_?=", Item::Word("ISO-8859-1", b"\xe9 ".to_vec())),
                ("\"=?utf-8?q?a?=\"", Item::Text(b"=?utf-8?q?a?=".to_vec())),
                ("=?utf-8?q?a?=\"\"", Item::Text(b"=?utf-8?q?a?=".to_vec())),
            ][piece].clone();
            value += raw;
            meant.push(item);
        }
        prop_assert_eq!(phrase(&value), join(meant), "{}", value);
    }
}
