//! Transfer encodings, read as a whole: RFC 2045 6.7 and 6.8, and uuencode. Where text is damaged, the
//! rules are those that the modules of the decoders state.

use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use scop_mime_core::DefectKind;

/// What a body means.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Its octets.
    pub octets: Vec<u8>,
    /// Where each kind of defect is first.
    pub first: BTreeMap<DefectKind, u64>,
}

impl Decoded {
    fn note(&mut self, kind: DefectKind, at: usize) {
        let at = at as u64;
        let first = self.first.entry(kind).or_insert(at);
        *first = at.min(*first);
    }

    /// Lines of more than 76 characters.
    fn note_lines(&mut self, data: &[u8]) {
        for (start, line, _) in lines(data) {
            if line.len() > 76 {
                self.note(DefectKind::EncodedLineTooLong, start + 76);
            }
        }
    }
}

/// Each line: where it begins, without its line end, and the line end.
fn lines(data: &[u8]) -> Vec<(usize, &[u8], &[u8])> {
    let mut start = 0;
    let lines = data.split_inclusive(|&byte| byte == b'\n').map(|whole| {
        let ([line @ .., b'\r', b'\n'] | [line @ .., b'\n'] | line) = whole;
        start += whole.len();
        (start - whole.len(), line, &whole[line.len()..])
    });
    lines.collect()
}

/// Octets with CRLF for each LF.
pub fn with_crlf(data: &[u8]) -> Vec<u8> {
    lines(data)
        .iter()
        .flat_map(|(_, line, end)| {
            [*line, if end.is_empty() { &b""[..] } else { b"\r\n" }].concat()
        })
        .collect()
}

const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 (RFC 2045 6.8): groups of four digits, each group by itself.
pub fn base64(data: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    decoded.note_lines(data);
    // Where each digit or `=` stands.
    let mut marks: Vec<(usize, u8)> = Vec::new();
    for (at, &byte) in data.iter().enumerate() {
        if DIGITS.contains(&byte) || byte == b'=' {
            marks.push((at, byte));
        } else if !b"\r\n \t".contains(&byte) {
            decoded.note(DefectKind::Base64Junk, at);
        }
    }
    let engine = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
    );
    for run in marks.split(|(_, byte)| *byte == b'=') {
        let digits: Vec<u8> = run.iter().map(|(_, byte)| *byte).collect();
        let whole = digits.len() - usize::from(digits.len() % 4 == 1);
        decoded
            .octets
            .extend(engine.decode(&digits[..whole]).expect("they are digits"));
    }
    note_padding(&marks, data.len(), &mut decoded);
    decoded
}

/// Digits in fours; two and `==` or three and `=` end the last group, whose spare bits are zero.
fn note_padding(marks: &[(usize, u8)], end: usize, decoded: &mut Decoded) {
    let value = |byte: u8| DIGITS.iter().position(|&digit| digit == byte);
    let mut rest = marks;
    let mut padded = false;
    while let Some((first, _)) = rest.first() {
        if padded {
            // Something stands behind the padding.
            decoded.note(DefectKind::Base64Padding, *first);
        }
        let digits = rest
            .iter()
            .take(4)
            .take_while(|(_, byte)| *byte != b'=')
            .count();
        let group = &rest[..digits];
        rest = &rest[digits..];
        if digits == 4 {
            padded = false;
            continue;
        }
        // What ends the group shows it: `=`, or the end of the body.
        let at = rest.first().map_or(end, |(at, _)| *at);
        let spare = [0, 63, 15, 3][digits];
        if group
            .last()
            .is_some_and(|(_, last)| value(*last).expect("a digit") & spare != 0)
        {
            decoded.note(DefectKind::Base64Bits, at);
        }
        let wanted = match digits {
            2 => 2,
            3 => 1,
            _ => 0,
        };
        let pads = rest
            .iter()
            .take(wanted)
            .take_while(|(_, byte)| *byte == b'=')
            .count();
        if wanted == 0 {
            // A digit too few, or padding of nothing.
            decoded.note(DefectKind::Base64Padding, at);
            rest = rest.get(1..).unwrap_or_default();
        } else {
            if pads < wanted {
                let at = rest.get(pads).map_or(end, |(at, _)| *at);
                decoded.note(DefectKind::Base64Padding, at);
            }
            rest = &rest[pads..];
        }
        padded = true;
    }
}

/// Quoted-printable (RFC 2045 6.7), line by line.
pub fn quoted_printable(data: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    decoded.note_lines(data);
    for (start, line, end) in lines(data) {
        let mut text = line;
        let white = line
            .iter()
            .rev()
            .take_while(|byte| b" \t".contains(byte))
            .count();
        if (1..=76).contains(&white) {
            text = &line[..line.len() - white];
            decoded.note(DefectKind::QuotedPrintableSpace, start + text.len());
        }
        let is_soft = !end.is_empty() && text.ends_with(b"=") && white <= 76;
        if is_soft {
            text = &text[..text.len() - 1];
            // Some readers see no soft line break where white space follows.
            if white > 0 {
                decoded.note(DefectKind::QuotedPrintableEscape, start + text.len());
            }
        }
        let mut at = 0;
        while at < text.len() {
            let escaped = match &text[at..] {
                [b'=', digits @ ..] => {
                    let digits = digits
                        .get(..2)
                        .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
                    digits.map(|digits| {
                        let digits = str::from_utf8(digits).expect("they are ASCII");
                        u8::from_str_radix(digits, 16).expect("they are digits")
                    })
                }
                _ => None,
            };
            let byte = text[at];
            if byte == b'=' && escaped.is_none() {
                decoded.note(DefectKind::QuotedPrintableEscape, start + at);
            }
            if !(byte == b'\t' || (b' '..=b'~').contains(&byte)) {
                decoded.note(DefectKind::QuotedPrintableOctet, start + at);
            }
            decoded.octets.push(escaped.unwrap_or(byte));
            at += if escaped.is_some() { 3 } else { 1 };
        }
        if !is_soft {
            decoded.octets.extend(end);
        }
    }
    decoded
}

/// Uuencoded text, line by line.
pub fn uuencode(data: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    let (mut inside, mut begun) = (false, false);
    for (start, line, end) in lines(data) {
        // A CR at the end of the input ends a line too.
        let line = match line {
            [line @ .., b'\r'] if end.is_empty() => line,
            _ => line,
        };
        let is_long = data[start..]
            .iter()
            .take_while(|&&byte| byte != b'\n')
            .count()
            > 96;
        let line = if is_long {
            &data[start..start + 96]
        } else {
            line
        };
        let is_good = if is_begin(line) {
            inside = true;
            !std::mem::replace(&mut begun, true)
        } else if !inside {
            !is_long && line.trim_ascii_end().is_empty()
        } else if line.trim_ascii_end() == b"end" {
            inside = false;
            !is_long
        } else {
            data_line(line, &mut decoded.octets) && !is_long
        };
        if !is_good {
            decoded.note(DefectKind::BadUuencode, start);
        }
    }
    if inside || !begun {
        decoded.note(DefectKind::BadUuencode, data.len());
    }
    decoded
}

fn is_begin(line: &[u8]) -> bool {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let (begin, mode, name) = (words.next(), words.next(), words.next());
    let is_mode = |mode: &[u8]| {
        (3..=4).contains(&mode.len()) && mode.iter().all(|digit| (b'0'..=b'7').contains(digit))
    };
    begin == Some(b"begin")
        && mode.is_some_and(is_mode)
        && name.is_some_and(|name| !name.is_empty())
}

/// False when something is wrong with the line.
fn data_line(line: &[u8], octets: &mut Vec<u8>) -> bool {
    let is_digit = |byte: &u8| (b' '..=b'`').contains(byte);
    let value = |byte: u8| byte.wrapping_sub(b' ') % 64;
    let Some((count, digits)) = line.split_first() else {
        return true;
    };
    if !is_digit(count) {
        return false;
    }
    let count = usize::from(value(*count));
    let full = count.div_ceil(3) * 4;
    let (used, surplus) = digits.split_at(full.min(digits.len()));
    let mut bits: Vec<u8> = used
        .iter()
        .flat_map(|&digit| (0..6).rev().map(move |bit| value(digit) >> bit & 1))
        .collect();
    let is_whole = bits.len() >= count * 8;
    bits.resize(full * 6, 0);
    let all = bits
        .chunks(8)
        .map(|octet| octet.iter().fold(0, |sum, bit| sum << 1 | bit));
    octets.extend(all.take(count));
    is_whole && used.iter().all(is_digit) && surplus.trim_ascii().is_empty()
}
