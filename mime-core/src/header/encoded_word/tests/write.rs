use super::*;
use crate::header::fold::FoldSink;
use proptest::prelude::*;
use scop_core::Sink;

fn unstructured(text: &str, utf8: Utf8) -> String {
    let mut out = Vec::new();
    emit_unstructured(text, utf8, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn phrase_of(text: &str, utf8: Utf8) -> String {
    let mut out = Vec::new();
    emit_phrase(text, utf8, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn texts() {
    for (text, encoded, raw) in [
        ("", "", None),
        ("Hello, (world) @ \"9\"", "Hello, (world) @ \"9\"", None),
        ("a  b\tc", "a  b\tc", None),
        (" a", "=?UTF-8?Q?_a?=", Some("=?UTF-8?Q?_a?=")),
        ("a b ", "a =?UTF-8?Q?b_?=", Some("a =?UTF-8?Q?b_?=")),
        ("\t", "=?UTF-8?Q?=09?=", Some("=?UTF-8?Q?=09?=")),
        ("a \u{e9} b", "a =?UTF-8?B?w6k=?= b", Some("a \u{e9} b")),
        (
            "\u{e9} \u{e9}  a",
            "=?UTF-8?B?w6kgw6k=?=  a",
            Some("\u{e9} \u{e9}  a"),
        ),
        ("\u{e9}\u{e8}", "=?UTF-8?B?w6nDqA==?=", Some("\u{e9}\u{e8}")),
        (
            "a =?b? c",
            "a =?UTF-8?B?PT9iPw==?= c",
            Some("a =?UTF-8?B?PT9iPw==?= c"),
        ),
        (
            "a\u{2028}b c",
            "=?UTF-8?B?YeKAqGI=?= c",
            Some("=?UTF-8?B?YeKAqGI=?= c"),
        ),
        (
            "a_b=c \u{e9}_",
            "a_b=c =?UTF-8?B?w6lf?=",
            Some("a_b=c \u{e9}_"),
        ),
    ] {
        assert_eq!(unstructured(text, Utf8::Encode), encoded, "{text:?}");
        assert_eq!(
            unstructured(text, Utf8::Raw),
            raw.unwrap_or(encoded),
            "{text:?}"
        );
    }
}

#[test]
fn names() {
    for (text, encoded, raw) in [
        ("", "\"\"", None),
        ("Joe Public", "Joe Public", None),
        ("Joe Q. Public", "\"Joe Q. Public\"", None),
        ("a\\b\"c", "\"a\\\\b\\\"c\"", None),
        (" a  b", "\" a  b\"", None),
        ("joe@example.org", "\"joe@example.org\"", None),
        (
            "a \u{e9}, b",
            "a =?UTF-8?B?w6ks?= b",
            Some("\"a \u{e9}, b\""),
        ),
        (
            "a. \u{e9} b",
            "=?UTF-8?B?YS4gw6k=?= b",
            Some("\"a. \u{e9} b\""),
        ),
        ("a =?b", "a =?UTF-8?B?PT9i?=", Some("a =?UTF-8?B?PT9i?=")),
        ("\u{e9} a", "=?UTF-8?B?w6k=?= a", Some("\u{e9} a")),
    ] {
        assert_eq!(phrase_of(text, Utf8::Encode), encoded, "{text:?}");
        assert_eq!(
            phrase_of(text, Utf8::Raw),
            raw.unwrap_or(encoded),
            "{text:?}"
        );
    }
}

#[test]
fn controls_are_refused() {
    for (text, offset) in [
        ("a\rb", 1),
        ("a\n b", 1),
        ("\0", 0),
        ("\u{e9}\u{1b}", 2),
        ("a\u{7f}", 1),
        ("\u{e9}\u{85}", 2),
    ] {
        let mut out = Vec::new();
        let error = Err(TextError::Control { offset });
        assert_eq!(
            emit_unstructured(text, Utf8::Encode, &mut out),
            error,
            "{text:?}"
        );
        assert_eq!(emit_phrase(text, Utf8::Raw, &mut out), error, "{text:?}");
        assert!(out.is_empty());
    }
}

#[test]
fn a_character_is_never_cut() {
    for text in [
        "\u{1f642}".repeat(60),
        "a\u{1f642}".repeat(60),
        "\u{e9}".repeat(100),
        "\u{bf}\u{7ff}\u{ffff}".repeat(50),
    ] {
        for word in unstructured(&text, Utf8::Encode).split(' ') {
            assert!(word.len() <= MAX_ENCODED_WORD);
            let word = EncodedWord::parse(word.as_bytes()).unwrap();
            assert!(String::from_utf8(word.octets().collect()).is_ok());
        }
    }
}

/// The value of a field that was folded, its lines as they should be.
fn folded(name: &str, value: impl FnOnce(&mut FoldSink<'_, Vec<u8>>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut field = FoldSink::new(&mut out);
    field.put(name.as_bytes()).unwrap();
    field.put(b" ").unwrap();
    value(&mut field);
    field.finish().unwrap();
    for line in out.split_inclusive(|&byte| byte == b'\n') {
        assert!(line.ends_with(b"\r\n") && line.len() <= 1000);
        assert!(!line.trim_ascii().is_empty());
    }
    let value = out.strip_prefix(name.as_bytes()).unwrap();
    value.strip_suffix(b"\r\n").unwrap().to_vec()
}

fn check(text: &str, utf8: Utf8) {
    let put = |sink: &mut FoldSink<'_, Vec<u8>>| emit_unstructured(text, utf8, sink).unwrap();
    for value in [
        unstructured(text, utf8).into_bytes(),
        folded("Content-Description:", put),
    ] {
        let read = Unstructured::new(&value).text();
        assert_eq!(octets_of(read), text, "{}", value.escape_ascii());
        assert!(read.is(text));
        assert_eq!(read.encoded_word_defects(), EncodedWordDefects::default());
    }
    let value = folded("Resent-Reply-To:", |sink| {
        emit_phrase(text, utf8, sink).unwrap();
        sink.put(b" <a@example.org>").unwrap();
    });
    let mailbox = Mailbox::parse(&value).unwrap();
    let read = mailbox.display_name().unwrap().decoded();
    assert_eq!(octets_of(read), text, "{}", value.escape_ascii());
    assert_eq!(read.encoded_word_defects(), EncodedWordDefects::default());
    if utf8 == Utf8::Encode {
        assert!(value.is_ascii());
    }
}

/// Without a place to fold, and longer than a line may be.
#[test]
fn long_words() {
    for unit in ["a", "\"", "\u{e9}", " ", "\t", "\u{1f642}", "=?", "? "] {
        for count in [59, 62, 399, 401, 999, 3000] {
            for (before, behind) in [("", ""), ("a", "b"), ("\u{e9} ", " \u{e9}")] {
                let text = format!("{before}{}{behind}", unit.repeat(count));
                check(&text, Utf8::Encode);
                check(&text, Utf8::Raw);
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        text in "([a-zA-Z.,_@\"\\\\()=?:;<>\u{e9}\u{2028}\u{202e}\u{1f642}]{0,3}[ \t]{0,2}){0,40}",
    ) {
        check(&text, Utf8::Encode);
        check(&text, Utf8::Raw);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        check(&text, Utf8::Encode);
        check(&text, Utf8::Raw);
    }
}
