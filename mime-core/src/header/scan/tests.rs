use super::*;
use core::fmt::Write;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// Checks every promise of the module on one input.
fn check(input: &[u8]) {
    let message = Message::split(input);
    let forward: Vec<Field<'_>> = message.header.fields().collect();
    let mut backward: Vec<Field<'_>> = message.header.fields().rev().collect();
    backward.reverse();
    assert_eq!(forward, backward, "{}", input.escape_ascii());

    // From both ends in turn.
    let mut both = message.header.fields();
    let (mut front, mut back) = (Vec::new(), Vec::new());
    while let Some(field) = both.next() {
        front.push(field);
        back.extend(both.next_back());
    }
    assert!(both.next_back().is_none());
    front.extend(back.into_iter().rev());
    assert_eq!(forward, front, "{}", input.escape_ascii());

    let mut whole = Vec::new();
    for field in &forward {
        assert_eq!(field.offset(), whole.len());
        assert!(!field.raw().is_empty());
        assert_eq!(field.is_malformed(), field.name().is_empty());
        assert_eq!(!field.name().is_empty(), field.is(field.name()));
        if field.is_malformed() {
            assert!(field.defect().is_some());
        }
        let line_end = field.raw().len() - field.value_start() - field.value().len();
        let end = &field.raw()[field.raw().len() - line_end..];
        assert!(matches!(end, b"" | b"\n" | b"\r\n"));
        whole.extend_from_slice(field.raw());
    }
    assert_eq!(whole, message.header.as_bytes());
    assert!(matches!(message.separator, b"" | b"\n" | b"\r\n"));
    assert!(!message.separator.is_empty() || message.body.is_empty());
    whole.extend_from_slice(message.separator);
    whole.extend_from_slice(message.body);
    assert_eq!(whole, input);
    assert_eq!(HeaderBlock::new(input), message.header);
    assert_eq!(HeaderBlock::new(message.header.as_bytes()), message.header);
}

/// Feeds `input` piece by piece; the answer may not depend on the pieces.
fn check_chunks(input: &[u8], cuts: &[usize]) {
    let mut resume = 0;
    let mut end = find_header_end(input, 0);
    if let HeaderEnd::NotYet { .. } = end {
        end = HeaderEnd::NotYet { resume: 0 };
    }
    let mut seen = HeaderEnd::NotYet { resume: 0 };
    for &cut in cuts.iter().chain([&input.len()]) {
        seen = find_header_end(&input[..cut.min(input.len())], resume);
        match seen {
            HeaderEnd::NotYet { resume: next } => resume = next,
            HeaderEnd::Found { .. } => break,
        }
    }
    if let HeaderEnd::NotYet { .. } = seen {
        seen = HeaderEnd::NotYet { resume: 0 };
    }
    assert_eq!(seen, end, "{} at {cuts:?}", input.escape_ascii());
}

#[test]
fn every_short_input() {
    let alphabet = b"a: \n\r";
    let mut input = Vec::new();
    for len in 0..=7_u32 {
        for number in 0..alphabet.len().pow(len) {
            input.clear();
            let mut rest = number;
            for _ in 0..len {
                input.push(alphabet[rest % alphabet.len()]);
                rest /= alphabet.len();
            }
            check(&input);
            let every: Vec<usize> = (0..input.len()).collect();
            check_chunks(&input, &every);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(input: Vec<u8>) {
        check(&input);
    }

    #[test]
    fn lines(input in "([A-Za-z: \t\r\n\0]{0,5}(\r\n|\n|\r| |:|\u{e9})){0,30}", mut cuts: Vec<u8>) {
        check(input.as_bytes());
        cuts.sort_unstable();
        let cuts: Vec<usize> = cuts.into_iter().map(usize::from).collect();
        check_chunks(input.as_bytes(), &cuts);
    }
}

/// `name|value|defects` of each field, separated by `/`.
fn outline(input: &[u8]) -> String {
    let mut out = String::new();
    for field in Message::split(input).header.fields() {
        let defects: Vec<String> = field.defects().map(|d| std::format!("{d:?}")).collect();
        let _ = write!(
            out,
            "{}|{}|{}/",
            field.name().escape_ascii(),
            field.value().escape_ascii(),
            defects.join(",")
        );
    }
    out
}

#[test]
fn fields_and_defects() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        (b"a:b\r\nc: d\n", "a|b|/c| d|/"),
        (b"a: b\r\n c\r\n\td\r\n", r"a| b\r\n c\r\n\td|/"),
        // White space only: continues.
        (b"a: b\r\n \r\nc: d\r\n", r"a| b\r\n |BlankLine/c| d|/"),
        (b"a: \r\n\t\n b\r\n", r"a| \r\n\t\n b|BlankLine/"),
        (b"a:\r\n b\r\n", r"a|\r\n b|/"),
        (b"Name \t: x\r\n", "Name| x|SpaceBeforeColon/"),
        (b"Subject\r\n : x\r\n", r"|Subject\r\n : x|NoColon/"), // the colon must be on line one
        (b"no colon\r\na: b\r\n", "|no colon|NoColon/a| b|/"),
        (b": x\r\n", "|: x|BadName/"),
        (b"a b: x\r\n", "|a b: x|BadName/"),
        (b"d\xc3\xa9: x\r\n", r"|d\xc3\xa9: x|BadName/"),
        (b"!~: x\r\n", "!~| x|/"),
        (b"a\x7f: x\r\n", r"|a\x7f: x|BadName,Control/"),
        (b"a\0: x\r\n", r"|a\x00: x|BadName,Nul/"),
        (b" a: b\r\nc: d", "| a: b|NothingToContinue/c| d|/"),
        (b"From a@b Thu Jan  1 00:00:00 1970\nFrom: a@b\n", "|From a@b Thu Jan  1 00:00:00 1970|MboxLine,BadName/From| a@b|/"),
        (b"a: b\nFrom a\n", "a| b|/|From a|NoColon/"),
        (b"a: b\0c\r\n", r"a| b\x00c|Nul/"),
        (b"a: b\rc\r\n", r"a| b\rc|BareCr/"),
        (b"a: b\r\r\n", r"a| b\r|BareCr/"),
        (b"a: b\r", r"a| b\r|BareCr/"),
        (b"a: \xc3\xa9\r\n", r"a| \xc3\xa9|/"),
        (b"a: \xe9\r\n", r"a| \xe9|NotUtf8/"),
        (b"a:", "a||/"),
        (b"\r\na: b\r\n", ""),
        (b"", ""),
    ];
    for (input, expected) in cases {
        assert_eq!(&outline(input), expected, "{}", input.escape_ascii());
    }
}

#[test]
fn long_lines() {
    let line = |len: usize| "a:".to_string() + &"b".repeat(len - 2) + "\r\n c\r\n";
    let defect = |input: String| HeaderBlock::new(input.as_bytes()).fields().next()?.defect();
    assert_eq!(defect(line(MAX_LINE)), None);
    assert_eq!(defect(line(MAX_LINE + 1)), Some(FieldDefect::LineTooLong));
}

#[test]
fn names_compare_without_case() {
    let header = HeaderBlock::new(b"sUBJECT : x\r\n");
    let field = header.fields().next().unwrap();
    assert!(field.is(b"Subject"));
    for other in [&b"Subjec"[..], b"Subject ", b"Subject :", b"", b"Subjects"] {
        assert!(!field.is(other));
    }
}

#[test]
fn the_first_empty_line_ends_the_header() {
    #[rustfmt::skip]
    let cases: &[[&[u8]; 4]] = &[
        [b"a: b\r\n\r\nbody", b"a: b\r\n", b"\r\n", b"body"],
        [b"a: b\n\nbody", b"a: b\n", b"\n", b"body"],
        [b"a: b\r\n\nbody", b"a: b\r\n", b"\n", b"body"],
        [b"a: b\n\r\nbody", b"a: b\n", b"\r\n", b"body"],
        [b"a: b\r\n \r\nbody", b"a: b\r\n \r\nbody", b"", b""],
        [b"a: b\r\n\r\r\nbody", b"a: b\r\n\r\r\nbody", b"", b""],
        [b"\r\n\r\n", b"", b"\r\n", b"\r\n"],
        [b"\n", b"", b"\n", b""],
        [b"a: b", b"a: b", b"", b""],
        [b"a: b\r\n\r\n", b"a: b\r\n", b"\r\n", b""],
    ];
    for [input, header, separator, body] in cases {
        let message = Message::split(input);
        assert_eq!(message.header.as_bytes(), *header);
        assert_eq!((message.separator, message.body), (*separator, *body));
    }
}

#[test]
fn sizes() {
    assert!(size_of::<Field<'_>>() <= 5 * size_of::<usize>());
}
