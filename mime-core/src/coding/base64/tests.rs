use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::coding::tests::{Run, damaged, every_split, in_pieces};

/// The decoder under test, on pieces.
pub(crate) fn decode(pieces: &[&[u8]]) -> Run {
    let mut decoder = Decoder::new();
    let mut octets = Vec::new();
    for piece in pieces {
        decoder.put(piece, &mut octets).unwrap();
    }
    decoder.finish(&mut octets).unwrap();
    Run::new(octets, decoder.first_defects())
}

fn encode(pieces: &[&[u8]]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut text = Vec::new();
    for piece in pieces {
        encoder.put(piece, &mut text).unwrap();
    }
    encoder.finish(&mut text).unwrap();
    text
}

/// The rules of the module, one character after the other, with all of the text at hand.
fn naive(text: &[u8]) -> Run {
    let mut run = Run::default();
    let mut group: Vec<u8> = Vec::new();
    // What stands before: a digit (or nothing), or this many `=` that complete a group or not.
    let mut after_padding = false;
    let mut still_wanted = 0;
    let bits = |run: &mut Run, group: &[u8], at: usize| {
        let all: Vec<bool> = group
            .iter()
            .flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1 == 1))
            .collect();
        let (whole, spare) = all.as_chunks::<8>();
        for octet in whole {
            run.octets
                .push(octet.iter().fold(0, |sum, &bit| sum << 1 | u8::from(bit)));
        }
        if spare.contains(&true) {
            run.note(DefectKind::Base64Bits, at);
        }
    };
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'\r' | b'\n' | b' ' | b'\t' => {}
            b'=' => {
                if group.len() < 2 && still_wanted == 0 {
                    run.note(DefectKind::Base64Padding, at);
                }
                still_wanted = usize::from(group.len() == 2);
                after_padding |= !group.is_empty();
                bits(&mut run, &group, at);
                group.clear();
            }
            _ => match ALPHABET.iter().position(|&character| character == byte) {
                None => run.note(DefectKind::Base64Junk, at),
                Some(digit) => {
                    if after_padding {
                        run.note(DefectKind::Base64Padding, at);
                    }
                    (after_padding, still_wanted) = (false, 0);
                    group.push(u8::try_from(digit).unwrap());
                    if group.len() == 4 {
                        bits(&mut run, &group, at);
                        group.clear();
                    }
                }
            },
        }
    }
    if !group.is_empty() || still_wanted > 0 {
        run.note(DefectKind::Base64Padding, text.len());
    }
    bits(&mut run, &group, text.len());
    run.check_lines(text);
    run
}

#[test]
fn rfc4648_10() {
    for (octets, text) in [
        (&b""[..], &b""[..]),
        (b"f", b"Zg=="),
        (b"fo", b"Zm8="),
        (b"foo", b"Zm9v"),
        (b"foob", b"Zm9vYg=="),
        (b"fooba", b"Zm9vYmE="),
        (b"foobar", b"Zm9vYmFy"),
        (b"\xfb\xff\xfe", b"+//+"),
        (b"\x14\xfb\x9c\x03\xd9\x7e", b"FPucA9l+"), // RFC 4648 9
    ] {
        assert_eq!(decode(&[text]), Run::clean(octets), "{octets:?}");
        let line_end: &[u8] = if text.is_empty() { b"" } else { b"\r\n" };
        assert_eq!(encode(&[octets]), [text, line_end].concat());
    }
}

#[test]
fn defects() {
    use DefectKind::{Base64Bits as Bits, Base64Junk as Junk, Base64Padding as Padding};
    for (text, octets, defects) in [
        // White space is none, wherever it stands.
        (&b" Z\r\n m\t8\r=\n"[..], &b"fo"[..], &[][..]),
        (b"Zg=\r\n=", b"f", &[]),
        (b"Zm9v-", b"foo", &[(Junk, 4)]),
        (b"Z*m9_v\0", b"foo", &[(Junk, 1)]),
        (b"Zm\xff8=", b"fo", &[(Junk, 2)]),
        // Missing.
        (b"Zg", b"f", &[(Padding, 2)]),
        (b"Zg=", b"f", &[(Padding, 3)]),
        (b"Zm8", b"fo", &[(Padding, 3)]),
        (b"Zm9vZ", b"foo", &[(Padding, 5), (Bits, 5)]),
        (b"Zm9vA", b"foo", &[(Padding, 5)]),
        // Too much.
        (b"=", b"", &[(Padding, 0)]),
        (b"Zm9v=", b"foo", &[(Padding, 4)]),
        (b"Zm8==", b"fo", &[(Padding, 4)]),
        (b"Zg===", b"f", &[(Padding, 4)]),
        // In the middle.
        (b"Zg==Zg==", b"ff", &[(Padding, 4)]),
        (b"Zm8=Zm9v", b"fofoo", &[(Padding, 4)]),
        (b"Zg=Zm9v", b"ffoo", &[(Padding, 3)]),
        (b"A=Zm9v", b"foo", &[(Padding, 1)]),
        (b"Zm=8", b"f", &[(Padding, 3), (Bits, 2)]),
        // Bits.
        (b"Zh==", b"f", &[(Bits, 2)]),
        (b"Zm9=", b"fo", &[(Bits, 3)]),
        (b"Zm9", b"fo", &[(Padding, 3), (Bits, 3)]),
    ] {
        let expected = Run::with(octets, defects);
        assert_eq!(naive(text), expected, "{}", text.escape_ascii());
        every_split(text, decode, &expected);
    }
}

#[test]
fn lines() {
    for (len, end, long) in [
        (76, "\r\n", None),
        (76, "\n", None),
        (76, "", None),
        (76, "\r", Some(76)),
        (80, "\r\n", Some(76)),
        (80, "\n", Some(76)),
        (80, "", Some(76)),
    ] {
        let text = std::format!("QUJD{end}{}{end}", "QUJD".repeat(len / 4));
        let run = decode(&[text.as_bytes()]);
        let line_start = 4 + u64::try_from(end.len()).unwrap();
        let expected = match end {
            // No line end: it is all one line.
            "" | "\r" => Some(76),
            _ => long.map(|at: u64| at + line_start),
        };
        assert_eq!(
            run.first(DefectKind::EncodedLineTooLong),
            expected,
            "{len} {end:?}"
        );
        assert_eq!(run, naive(text.as_bytes()));
    }
}

#[test]
fn lines_of_76() {
    let text = encode(&[&[0; 57 * 3]]);
    assert_eq!(text.len(), 78 * 3);
    assert!(text.chunks(78).all(|line| line.ends_with(b"AA\r\n")));
    let text = encode(&[&[0; 58]]);
    assert!(text.ends_with(b"A\r\nAA==\r\n"));
}

proptest! {
    #[test]
    fn as_the_naive_one(text in damaged(b"Zm9vQUJD", b"=\r\n \t*-\0\x80", 300), cuts: Vec<u16>) {
        let expected = naive(&text);
        prop_assert_eq!(&decode(&[&text]), &expected);
        prop_assert_eq!(&decode(&in_pieces(&text, &cuts)), &expected);
    }

    /// Long enough to be decoded line by line.
    #[test]
    fn lines_as_the_naive_one(
        octets in prop::collection::vec(any::<u8>(), 0..3000),
        line in prop_oneof![3 => Just(76), 1 => Just(72), 2 => 1..90_usize, 1 => Just(4000)],
        end in prop_oneof![Just("\r\n"), Just("\n")],
        damage in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(&b"=*\r\n A"[..])),
            0..3,
        ),
        cut: prop::sample::Index,
    ) {
        let flat = encode(&[&octets]);
        let flat: Vec<u8> = flat.into_iter().filter(|byte| !b"\r\n".contains(byte)).collect();
        let lines = flat.chunks(line).map(|line| [line, end.as_bytes()].concat());
        let mut text = lines.collect::<Vec<_>>().concat();
        for (at, byte) in damage {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
        }
        let expected = naive(&text);
        prop_assert_eq!(&decode(&[&text]), &expected);
        let (left, right) = text.split_at(cut.index(text.len() + 1));
        prop_assert_eq!(&decode(&[left, right]), &expected);
    }

    #[test]
    fn round_trip(octets in prop::collection::vec(any::<u8>(), 0..4000), cuts: Vec<u16>) {
        let text = encode(&[&octets]);
        prop_assert_eq!(&encode(&in_pieces(&octets, &cuts)), &text);
        prop_assert_eq!(decode(&[&text]), Run::clean(&octets));
        prop_assert!(text.split(|&byte| byte == b'\n').all(|line| line.len() <= 77));
    }
}
