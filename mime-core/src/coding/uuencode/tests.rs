use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::coding::tests::{Run, damaged, every_split, in_pieces};

fn decode(pieces: &[&[u8]]) -> Run {
    let mut decoder = Decoder::new();
    let mut octets = Vec::new();
    for piece in pieces {
        decoder.put(piece, &mut octets).unwrap();
    }
    decoder.finish(&mut octets).unwrap();
    Run::new(octets, decoder.first_defects())
}

/// As `uuencode` writes it.
fn encode(octets: &[u8], zero: u8) -> Vec<u8> {
    let digit = |value: u8| if value == 0 { zero } else { value + 32 };
    let mut text = b"begin 644 name\n".to_vec();
    for line in octets.chunks(45) {
        text.push(digit(u8::try_from(line.len()).unwrap()));
        for three in line.chunks(3) {
            let mut padded = [0; 3];
            padded[..three.len()].copy_from_slice(three);
            let [a, b, c] = padded;
            text.extend([a >> 2, a << 4 & 63 | b >> 4, b << 2 & 63 | c >> 6, c & 63].map(digit));
        }
        text.push(b'\n');
    }
    text.extend([digit(0), b'\n']);
    text.extend(b"end\n");
    text
}

/// The rules of the module with all of the text at hand.
fn naive(text: &[u8]) -> Run {
    let mut run = Run::default();
    let (mut inside, mut begun, mut start) = (false, false, 0);
    let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    if lines.last() == Some(&&b""[..]) {
        lines.pop();
    }
    for with_cr in lines {
        let line = with_cr.strip_suffix(b"\r").unwrap_or(with_cr);
        let words: String = line.iter().map(|&byte| char::from(byte)).collect();
        let parts: Vec<&str> = words.splitn(3, ' ').collect();
        let mut bad = false;
        match parts[..] {
            ["begin", mode, name]
                if (3..=4).contains(&mode.len())
                    && mode.chars().all(|digit| digit.is_digit(8))
                    && !name.is_empty() =>
            {
                bad = begun;
                (inside, begun) = (true, true);
            }
            _ if !inside => bad = !words.trim_ascii().is_empty(),
            ["end", ..] if words.trim_ascii_end() == "end" => inside = false,
            [""] => {}
            _ => {
                let mut digits: Vec<u8> = line.to_vec();
                let count = digits.remove(0);
                if (32..=96).contains(&count) {
                    let count = usize::from((count - 32) & 63);
                    let groups = count.div_ceil(3);
                    bad |= digits.len() * 6 < count * 8;
                    bad |= digits
                        .iter()
                        .skip(groups * 4)
                        .any(|&byte| !byte.is_ascii_whitespace());
                    digits.resize(groups * 4, b' ');
                    bad |= digits.iter().any(|byte| !(32..=96).contains(byte));
                    let bits: Vec<bool> = digits
                        .iter()
                        .flat_map(|&byte| {
                            (0..6)
                                .rev()
                                .map(move |bit| byte.wrapping_sub(32) >> bit & 1 == 1)
                        })
                        .collect();
                    let octets = bits.chunks(8).take(count);
                    run.octets.extend(
                        octets.map(|octet| {
                            octet.iter().fold(0, |sum, &bit| sum << 1 | u8::from(bit))
                        }),
                    );
                } else {
                    bad = true;
                }
            }
        }
        // A line that is longer than any data, where data is expected, is wrong for its length alone.
        let long = with_cr.len() > LINE && parts[0] != "begin";
        if bad || long {
            run.note(DefectKind::BadUuencode, start);
        }
        start += with_cr.len() + 1;
    }
    if inside || !begun {
        run.note(DefectKind::BadUuencode, text.len());
    }
    run
}

#[test]
fn known_texts() {
    for (text, octets, defect) in [
        (
            &b"begin 644 cat.txt\n#0V%T\n`\nend\n"[..],
            &b"Cat"[..],
            None,
        ),
        (b"begin 0644 a b\r\n#0V%T\r\n \r\nend\r\n", b"Cat", None),
        (b"\r\n\nbegin 644 a\n#0V%T\n\nend \n\n", b"Cat", None),
        (b"begin 644 a\n#0V%T   \n`\nend", b"Cat", None),
        (b"begin 644 a\n!00\n`\nend\n", b"A", None),
        (b"begin 644 a\n\"04(\n`\nend\n", b"AB", None),
        // Blanks are lost.
        (b"begin 644 a\n#    \n`\nend\n", b"\0\0\0", None),
        (b"begin 644 a\n#\n`\nend\n", b"\0\0\0", Some(12)),
        (b"begin 644 a\n#0V%\n`\nend\n", b"Ca@", Some(12)),
        (b"begin 644 a\n!0\n`\nend\n", b"@", Some(12)),
        // A check sum behind the data.
        (b"begin 644 a\n#0V%TX\n`\nend\n", b"Cat", Some(12)),
        (b"begin 644 a\n#0v%T\n`\nend\n", b"Aat", Some(12)),
        (b"begin 644 a\nx0V%T\n`\nend\n", b"", Some(12)),
        // Text around.
        (b"", b"", Some(0)),
        (b"see:\nbegin 644 a\n#0V%T\n`\nend\n", b"Cat", Some(0)),
        (b"begin 644 a\n#0V%T\n`\nend\nbye\n", b"Cat", Some(24)),
        (b"begin 644 a\n#0V%T\n", b"Cat", Some(18)),
        (
            b"begin 644 a\n#0V%T\n`\nend\nbegin 644 b\n#0V%T\n`\nend\n",
            b"CatCat",
            Some(24),
        ),
        (
            b"begin 644 a\n#0V%T\nbegin 644 b\n#0V%T\nend\n",
            b"CatCat",
            Some(18),
        ),
        (b"begin the end\n", b"", Some(0)),
        (b"begin 648 a\n", b"", Some(0)),
    ] {
        let defects = defect.map(|at| (DefectKind::BadUuencode, at));
        let expected = Run::with(octets, defects.as_slice());
        every_split(text, decode, &expected);
    }
}

#[test]
fn long_lines() {
    let blanks = " ".repeat(LINE);
    for (text, octets, defect) in [
        (
            std::format!("{blanks}x\nbegin 644 a\n`\nend\n"),
            "",
            Some(0),
        ),
        (
            std::format!("begin 644 {blanks}x\n#0V%T\n`\nend\n"),
            "Cat",
            None,
        ),
        (
            std::format!("begin 644 a\n#0V%T{blanks}x\n`\nend\n"),
            "Cat",
            Some(12),
        ),
        (
            std::format!("begin 644 a\n#0V%T\nend{blanks}x\n"),
            "Cat",
            Some(18),
        ),
    ] {
        let defects = defect.map(|at| (DefectKind::BadUuencode, at));
        let expected = Run::with(octets.as_bytes(), defects.as_slice());
        assert_eq!(naive(text.as_bytes()), expected, "{text}");
        every_split(text.as_bytes(), decode, &expected);
    }
}

proptest! {
    #[test]
    fn round_trip(octets: Vec<u8>, zero in prop::sample::select(&b" `"[..]), cuts: Vec<u16>) {
        let text = encode(&octets, zero);
        prop_assert_eq!(&decode(&in_pieces(&text, &cuts)), &Run::clean(&octets));
        prop_assert_eq!(naive(&text), Run::clean(&octets));
    }

    #[test]
    fn as_the_naive_one(
        mut text in damaged(b"!\"#0VT%`", b" \r\n\x80aM", 100),
        lines in prop::collection::vec(
            prop::sample::select(&["\nbegin 644 n\n", "\nend\n", "\nbegin 644\n", "\n\n"][..]), 0..6),
        places: [prop::sample::Index; 6],
        cuts: Vec<u16>,
    ) {
        for (line, place) in lines.iter().zip(places) {
            let at = place.index(text.len() + 1);
            text.splice(at..at, line.bytes());
        }
        let expected = naive(&text);
        prop_assert_eq!(&decode(&[&text]), &expected);
        prop_assert_eq!(&decode(&in_pieces(&text, &cuts)), &expected);
    }
}
