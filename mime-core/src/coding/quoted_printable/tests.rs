use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::coding::tests::{Run, canonical, damaged, every_split, in_pieces};

fn decode(pieces: &[&[u8]]) -> Run {
    let mut decoder = Decoder::new();
    let mut octets = Vec::new();
    for piece in pieces {
        decoder.put(piece, &mut octets).unwrap();
    }
    decoder.finish(&mut octets).unwrap();
    Run::new(octets, decoder.first_defects())
}

fn encode(form: Form, pieces: &[&[u8]]) -> Vec<u8> {
    let mut encoder = Encoder::new(form);
    let mut text = Vec::new();
    for piece in pieces {
        encoder.put(piece, &mut text).unwrap();
    }
    encoder.finish(&mut text).unwrap();
    text
}

/// RFC 2045 6.7 line by line, with all of the text at hand.
fn naive(text: &[u8]) -> Run {
    let mut run = Run::default();
    let mut line_start = 0;
    for line_with_end in text.split_inclusive(|&byte| byte == b'\n') {
        let line = line_with_end.strip_suffix(b"\n").unwrap_or(line_with_end);
        let line = if line_with_end.ends_with(b"\r\n") {
            &line[..line.len() - 1]
        } else {
            line
        };
        let mut kept = line.trim_ascii_end_wsp();
        if line.len() - kept.len() > 76 {
            kept = line;
        }
        if kept.len() < line.len() {
            run.note(DefectKind::QuotedPrintableSpace, line_start + kept.len());
        }
        let mut rest = kept;
        let mut soft = false;
        while let [first, after @ ..] = rest {
            let at = line_start + kept.len() - rest.len();
            rest = after;
            let digits = after
                .get(..2)
                .filter(|two| two.iter().all(u8::is_ascii_hexdigit));
            match (first, digits) {
                (b'=', Some(digits)) => {
                    let digits = core::str::from_utf8(digits).unwrap();
                    run.octets.push(u8::from_str_radix(digits, 16).unwrap());
                    rest = &after[2..];
                }
                (b'=', None) if after.is_empty() && line_with_end.ends_with(b"\n") => {
                    soft = true;
                    if kept.len() < line.len() {
                        run.note(DefectKind::QuotedPrintableEscape, at);
                    }
                }
                (b'=', None) => {
                    run.note(DefectKind::QuotedPrintableEscape, at);
                    run.octets.push(b'=');
                }
                (b' '..=b'~' | b'\t', _) => run.octets.push(*first),
                _ => {
                    run.note(DefectKind::QuotedPrintableOctet, at);
                    run.octets.push(*first);
                }
            }
        }
        if !soft {
            run.octets.extend_from_slice(&line_with_end[line.len()..]);
        }
        line_start += line_with_end.len();
    }
    run.check_lines(text);
    run
}

trait TrimEnd {
    fn trim_ascii_end_wsp(&self) -> &[u8];
}

impl TrimEnd for [u8] {
    fn trim_ascii_end_wsp(&self) -> &[u8] {
        let len = self.iter().rposition(|&byte| byte != b' ' && byte != b'\t');
        &self[..len.map_or(0, |last| last + 1)]
    }
}

#[test]
fn rfc2045_6_7() {
    let text = b"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.";
    let plain = b"Now's the time for all folk to come to the aid of their country.";
    assert_eq!(decode(&[text]), Run::clean(plain));
    every_split(text, decode, &Run::clean(plain));
}

#[test]
fn defects() {
    use DefectKind::{
        QuotedPrintableEscape as Escape, QuotedPrintableOctet as Octet,
        QuotedPrintableSpace as Space,
    };
    for (text, octets, defects) in [
        (&b""[..], &b""[..], &[][..]),
        (b"a\r\nb\nc", b"a\r\nb\nc", &[]),
        (b"=41=4a=4A=3D=0D=0A", b"AJJ=\r\n", &[]),
        (b"a =\r\n b=\n=\r\nc", b"a  bc", &[]),
        (b"a \t \r\nb ", b"a\r\nb", &[(Space, 1)]),
        (b"a= \t\r\nb=  \nc", b"abc", &[(Escape, 1), (Space, 2)]),
        (b" \r\n", b"\r\n", &[(Space, 0)]),
        (
            b"a \r\n \r\n = \n \n",
            b"a\r\n\r\n \n",
            &[(Escape, 8), (Space, 1)],
        ),
        (b"a b\tc", b"a b\tc", &[]),
        // `=` that stands for nothing.
        (b"a=", b"a=", &[(Escape, 1)]),
        (b"a= ", b"a=", &[(Escape, 1), (Space, 2)]),
        (b"a=4", b"a=4", &[(Escape, 1)]),
        (b"a=4\r\n", b"a=4\r\n", &[(Escape, 1)]),
        (b"a=4=41", b"a=4A", &[(Escape, 1)]),
        (b"==41=", b"=A=", &[(Escape, 0)]),
        (b"=xy", b"=xy", &[(Escape, 0)]),
        (b"= a =\tb", b"= a =\tb", &[(Escape, 0)]),
        (b"=\ra", b"=\ra", &[(Escape, 0), (Octet, 1)]),
        (b"= \r\r\nb", b"= \r\r\nb", &[(Escape, 0), (Octet, 2)]),
        // Octets.
        (b"\xc3\xa9", b"\xc3\xa9", &[(Octet, 0)]),
        (b"a\0\x7f\x1b", b"a\0\x7f\x1b", &[(Octet, 1)]),
        (b"a \r", b"a \r", &[(Octet, 2)]),
        (b"a \rb\r\r\n", b"a \rb\r\r\n", &[(Octet, 2)]),
    ] {
        let expected = Run::with(octets, defects);
        assert_eq!(naive(text), expected, "{}", text.escape_ascii());
        every_split(text, decode, &expected);
    }
}

#[test]
fn long_runs_of_white_space_are_data() {
    for (start, len, end) in [
        ("", 76, "\r\n"),
        ("a", 76, ""),
        ("a", 77, "\r\n"),
        ("a", 77, ""),
        ("a", 300, "\r"),
        ("a", 300, "\n"),
        ("a=", 76, "\r\nb"),
        ("a=", 77, "\r\nb"),
        ("a=", 77, "b"),
        ("a=", 300, "\r\r\n"),
    ] {
        let text = std::format!("{start}{}{end}", " \t".repeat(len).split_at(len).0);
        let expected = naive(text.as_bytes());
        let space = DefectKind::QuotedPrintableSpace;
        assert_eq!(expected.first(space).is_some(), len <= 76, "{text:?}");
        every_split(text.as_bytes(), decode, &expected);
    }
}

#[test]
fn encoded() {
    use Form::{Binary, Text};
    let a75 = "a".repeat(75);
    let lines = [
        (Text, "", ""),
        (Text, "a\nb\r\nc", "a\r\nb\r\nc"),
        (Text, "\n\n", "\r\n\r\n"),
        (Text, "a\rb\r\r\n\r", "a=0Db=0D\r\n=0D"),
        (Text, "a \nb\t\r\n ", "a=20\r\nb=09\r\n=20"),
        (Text, "a  b", "a  b"),
        (Text, "=\0\u{e9}\u{7f}", "=3D=00=C3=A9=7F"),
        (Binary, "a \r\nb\n", "a =0D=0Ab=0A"),
        (Text, "From a\nFrom", "From=20a\r\nFrom"),
        (Text, "From \nFroma\n From a", "From=20\r\nFroma\r\n From a"),
        (Binary, "Fro", "Fro"),
    ];
    for (form, octets, text) in lines {
        let encoded = encode(form, &[octets.as_bytes()]);
        assert_eq!(core::str::from_utf8(&encoded), Ok(text));
        let bytes: Vec<&[u8]> = octets.as_bytes().chunks(1).collect();
        assert_eq!(encode(form, &bytes), text.as_bytes());
    }
    for (after, broken) in [
        ("b", "b"),
        ("b\n", "b\r\n"),
        ("bc", "=\r\nbc"),
        ("bc\n", "=\r\nbc\r\n"),
        ("=\n", "=\r\n=3D\r\n"),
        ("From ", "=\r\nFrom=20"),
        ("From c", "=\r\nFrom=20c"),
    ] {
        let text = encode(Text, &[a75.as_bytes(), after.as_bytes()]);
        let text = core::str::from_utf8(&text).unwrap();
        assert_eq!(text.strip_prefix(&a75), Some(broken));
    }
}

proptest! {
    #[test]
    fn as_the_naive_one(
        text in damaged(b"ab41AF", b"==  \t\r\n\n\0\x80\x7f", 120),
        cuts: Vec<u16>,
    ) {
        let expected = naive(&text);
        prop_assert_eq!(&decode(&[&text]), &expected);
        prop_assert_eq!(&decode(&in_pieces(&text, &cuts)), &expected);
    }

    #[test]
    fn round_trip(octets in damaged(b"From abc", b"= \t\r\n\0\x80.F", 300), cuts: Vec<u16>) {
        for form in [Form::Text, Form::Binary] {
            let text = encode(form, &[&octets]);
            prop_assert_eq!(&encode(form, &in_pieces(&octets, &cuts)), &text);
            let back = if form == Form::Text { canonical(&octets) } else { octets.clone() };
            prop_assert_eq!(decode(&[&text]), Run::clean(&back));
            for line in text.split_inclusive(|&byte| byte == b'\n') {
                prop_assert!(!line.starts_with(b"From "));
                prop_assert!(line.ends_with(b"\r\n") || !line.ends_with(b"\n"));
            }
        }
    }
}

#[test]
fn lines_are_written_the_same_in_one_piece_and_octet_by_octet() {
    let ends: [&[u8]; 8] = [b"", b" ", b"\t", b"=", b"\r", b"\xc3\xa9", b"a\tb", b"\x7f"];
    let starts: [&[u8]; 4] = [b"", b"From ", b"From", b"\t "];
    for start in starts {
        for end in ends {
            for len in 0..80 {
                let line = [start, &b"x".repeat(len), end, b"\n"].concat();
                let crlf = [start, &b"x".repeat(len), end, b"\r\n"].concat();
                let text = [&line[..], &crlf, &line, &line, b"the end"].concat();
                let (mut whole, mut pieces) = (Vec::new(), Vec::new());
                let mut encoder = Encoder::new(Form::Text);
                encoder.put(&text, &mut whole).unwrap();
                encoder.finish(&mut whole).unwrap();
                let mut encoder = Encoder::new(Form::Text);
                for octet in &text {
                    encoder.put(&[*octet], &mut pieces).unwrap();
                }
                encoder.finish(&mut pieces).unwrap();
                assert_eq!(whole, pieces, "{}", text.escape_ascii());
            }
        }
    }
}
