//! JSON read by `scop_core::json` and by `serde_json`: the same texts are taken, and mean the same.

use proptest::prelude::*;
use scop_core::Emit;
use scop_core::json::{Kind, Text, Value, Writer};
use serde_json::Value as Theirs;

const CASES: u32 = 4_000;

/// What a text means; of members of the same name the last counts, as there.
fn ours(value: Value<'_>) -> Theirs {
    match value.kind() {
        Kind::Object => (value.members())
            .map(|(name, value)| (string(name), ours(value)))
            .collect(),
        Kind::Array => value.elements().map(ours).collect(),
        Kind::String(text) => string(text).into(),
        Kind::Number(number) => serde_json::from_str(number.raw()).unwrap_or(Theirs::Null),
        Kind::Bool(value) => value.into(),
        Kind::Null => Theirs::Null,
    }
}

fn string(text: Text<'_>) -> String {
    let mut octets = Vec::new();
    text.emit(&mut octets).unwrap();
    String::from_utf8(octets).unwrap()
}

fn compare(text: &[u8]) {
    let shown = String::from_utf8_lossy(text);
    match (Value::parse(text), serde_json::from_slice::<Theirs>(text)) {
        (Ok(value), Ok(theirs)) => assert_eq!(ours(value), theirs, "{shown}"),
        (Err(_), Err(_)) => {}
        // It makes numbers of them, and these do not fit.
        (Ok(_), Err(theirs)) if theirs.to_string().starts_with("number out of range") => {}
        (ours, theirs) => panic!("{shown}: {ours:?}, {theirs:?}"),
    }
}

#[test]
fn seams() {
    for text in [
        "",
        " ",
        "\u{feff}1",
        "nul",
        "nulls",
        "true false",
        "[1,]",
        "[,1]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{1:1}",
        "[1 2]",
        "[}",
        "{]",
        "]",
        "}",
        "'a'",
        "01",
        "-",
        "-a",
        "+1",
        "1.",
        ".5",
        "1.e1",
        "1e",
        "1e+",
        "0x1",
        "1_0",
        "Infinity",
        "NaN",
        "-0",
        "-0.0e-0",
        "1E400",
        "\"\t\"",
        "\"\\x\"",
        "\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u0000\"",
        "\"\\",
        "\"\\u",
        "\"",
        "\"\u{7f}\"",
        "1\0",
        "1\u{c}",
        "/**/1",
        "[\"a\",\n1\r]\t",
        "18446744073709551616",
        "{\"a\":1,\"\\u0061\":2}",
    ] {
        compare(text.as_bytes());
    }
    for text in [
        &b"\"\xff\""[..],
        b"\"\xc0\x80\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"\xff",
        b"[1\x80]",
    ] {
        compare(text);
    }
    // There the limit is that a level more is refused; here it is the last that is taken.
    for depth in [1, 100, 127, 129, 200_000] {
        compare(("[".repeat(depth) + &"]".repeat(depth)).as_bytes());
        compare("[".repeat(depth).as_bytes());
        compare("{\"a\":".repeat(depth).as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn tokens_in_any_order(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\\n\":", "\\", "\\u", "d83d", "\\ude00", "0", "1", "-", ".", "e",
        "true", "null", " ", "\n", "\u{e9}", "\u{1}",
    ]), 0..14)) {
        compare(pieces.concat().as_bytes());
    }

    #[test]
    fn broken_texts(at: prop::sample::Index, byte: u8, insert: bool) {
        let mut text = br#" {"a\u00e9\ud83d\ude00\"": [1, -0.5e+10, true, null, {}, [ ]], "b": {"c": "\\\/", "d": false}} "#.to_vec();
        let at = at.index(text.len());
        if insert { text.insert(at, byte) } else { text[at] = byte }
        compare(&text);
    }

    #[test]
    fn what_is_written_is_read(name: String, text: String, signed: i64, unsigned: u64) {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.begin_object().unwrap();
        writer.name(&name).unwrap();
        writer.begin_array().unwrap();
        writer.string(&text).unwrap();
        writer.integer(signed).unwrap();
        writer.unsigned(unsigned).unwrap();
        writer.end().unwrap();
        writer.end().unwrap();
        writer.finish().unwrap();
        compare(&out);
        let theirs: Theirs = serde_json::from_slice(&out).unwrap();
        let same = serde_json::json!({ name: [Theirs::from(text), Theirs::from(signed), Theirs::from(unsigned)] });
        prop_assert_eq!(&theirs, &same);
        // Escaped in the same way, too.
        prop_assert_eq!(out, serde_json::to_vec(&same).unwrap());
    }
}
