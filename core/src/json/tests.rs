//! Texts from the grammar of RFC 8259, a naive reader, and round trips.

mod naive;

use super::*;
use crate::{Counter, Emit, Full, Sink, SliceSink};
use naive::Json;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

/// The tokens as text, one after the other, and the error.
fn tokens(text: &[u8]) -> (Vec<String>, Option<JsonError>) {
    let mut reader = Reader::new(text);
    let mut tokens = Vec::new();
    loop {
        match reader.read() {
            Ok(Some(token)) => tokens.push(match token {
                Token::BeginObject => "{".into(),
                Token::EndObject => "}".into(),
                Token::BeginArray => "[".into(),
                Token::EndArray => "]".into(),
                Token::Name(name) => format!("{name}:"),
                Token::String(text) => format!("'{text}'"),
                Token::Number(number) => number.raw().into(),
                Token::Bool(value) => value.to_string(),
                Token::Null => "null".into(),
            }),
            Ok(None) => {
                assert_eq!(reader.offset(), text.len());
                assert_eq!(reader.read(), Ok(None));
                return (tokens, None);
            }
            Err(error) => {
                assert_eq!(reader.read(), Err(error));
                assert!(reader.read_value().is_err());
                return (tokens, Some(error));
            }
        }
    }
}

#[test]
fn valid() {
    for (text, expected) in [
        ("null", "null"),
        ("\t\n\r true ", "true"),
        ("false", "false"),
        ("0", "0"),
        ("-0", "-0"),
        ("-12.50e+07", "-12.50e+07"),
        ("1E9", "1E9"),
        ("1e-0", "1e-0"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        (r#""""#, "''"),
        (r#""a b""#, "'a b'"),
        (
            "\"\u{7f}\u{e9}\u{20ac}\u{1f600}\u{2028}\"",
            "'\u{fffd}\u{e9}\u{20ac}\u{1f600}\u{2028}'",
        ),
        (r#""\"\\\/""#, r#"'"\/'"#),
        (r#""\u00e9\u20AC\ud83d\ude00""#, "'\u{e9}\u{20ac}\u{1f600}'"),
        (r#""\n\t\u0041""#, "'\n\tA'"),
        ("[]", "[ ]"),
        ("[ ]", "[ ]"),
        ("{}", "{ }"),
        ("{\r\n}", "{ }"),
        ("[1,2]", "[ 1 2 ]"),
        (" [ 1 , [ ] , { } ] ", "[ 1 [ ] { } ]"),
        (r#"{"a":1}"#, "{ a: 1 }"),
        (
            r#"{ "a" : [ true ] , "a" : null }"#,
            "{ a: [ true ] a: null }",
        ),
        (r#"{"":{"":{}}}"#, "{ : { : { } } }"),
        // RFC 8259 13.
        (
            r#"{ "Image": { "Width": 800, "Title": "View from 15th Floor",
               "Thumbnail": { "Url": "http://www.example.com/image/481989943", "Height": 125 },
               "Animated" : false, "IDs": [116, 943, 234, 38793] } }"#,
            "{ Image: { Width: 800 Title: 'View from 15th Floor' Thumbnail: { Url: \
             'http://www.example.com/image/481989943' Height: 125 } Animated: false IDs: [ 116 943 \
             234 38793 ] } }",
        ),
        (r#""Hello world!""#, "'Hello world!'"),
        ("42", "42"),
    ] {
        let (tokens, error) = tokens(text.as_bytes());
        assert_eq!(
            (tokens.join(" ").as_str(), error),
            (expected, None),
            "{text}"
        );
        assert_eq!(
            Value::parse(text.as_bytes()).unwrap().raw(),
            text.trim().as_bytes()
        );
    }
}

#[test]
fn invalid() {
    use JsonErrorKind::*;
    for (text, kind, offset) in [
        ("", Unfinished, 0),
        (" ", Unfinished, 1),
        ("\u{feff}1", ExpectedValue, 0),
        ("nul", ExpectedValue, 0),
        ("nulll", ExpectedValue, 0),
        ("True", ExpectedValue, 0),
        ("NaN", ExpectedValue, 0),
        ("Infinity", ExpectedValue, 0),
        ("-Infinity", BadNumber, 0),
        ("'a'", ExpectedValue, 0),
        ("+1", ExpectedValue, 0),
        (".5", ExpectedValue, 0),
        ("-", BadNumber, 0),
        ("01", BadNumber, 0),
        ("-01", BadNumber, 0),
        ("00", BadNumber, 0),
        ("1.", BadNumber, 0),
        ("1.e1", BadNumber, 0),
        ("1e", BadNumber, 0),
        ("1e+", BadNumber, 0),
        ("0x1", TrailingData, 1),
        ("1_0", TrailingData, 1),
        ("1 2", TrailingData, 2),
        ("{}{}", TrailingData, 2),
        ("1,", TrailingData, 1),
        ("]", ExpectedValue, 0),
        ("}", ExpectedValue, 0),
        ("[", Unfinished, 1),
        ("{", Unfinished, 1),
        ("[1", Unfinished, 2),
        ("[1,", Unfinished, 3),
        ("[1,]", ExpectedValue, 3),
        ("[,1]", ExpectedValue, 1),
        ("[1 2]", ExpectedComma, 3),
        ("[1}", ExpectedComma, 2),
        ("[}", ExpectedValue, 1),
        ("{]", ExpectedName, 1),
        ("{\"a\":1]", ExpectedComma, 6),
        ("{1:2}", ExpectedName, 1),
        ("{a:2}", ExpectedName, 1),
        ("{,}", ExpectedName, 1),
        ("{\"a\"", Unfinished, 4),
        ("{\"a\" }", ExpectedColon, 5),
        ("{\"a\",1}", ExpectedColon, 4),
        ("{\"a\":}", ExpectedValue, 5),
        ("{\"a\":1,}", ExpectedName, 7),
        ("{\"a\":1 \"b\":2}", ExpectedComma, 7),
        ("{\"a\"::1}", ExpectedValue, 5),
        ("[1]// x", TrailingData, 3),
        ("[/**/1]", ExpectedValue, 1),
        ("\u{a0}1", ExpectedValue, 0),
        ("\u{b}1", ExpectedValue, 0),
        ("1\0", TrailingData, 1),
        ("\"a", Unfinished, 2),
        ("\"a\\", Unfinished, 2),
        ("\"a\nb\"", ControlCharacter, 2),
        ("\"\0\"", ControlCharacter, 1),
        ("\"\u{1f}\"", ControlCharacter, 1),
        ("\"\t\"", ControlCharacter, 1),
        ("\"\\x41\"", BadEscape, 1),
        ("\"\\'\"", BadEscape, 1),
        ("\"\\0\"", BadEscape, 1),
        ("\"\\N\"", BadEscape, 1),
        ("\"\\u12\"", BadEscape, 1),
        ("\"\\u12g4\"", BadEscape, 1),
        ("\"\\U0041\"", BadEscape, 1),
        ("\"\\ud800\"", LoneSurrogate, 1),
        ("\"\\udc00\"", LoneSurrogate, 1),
        ("\"\\ud800\\n\"", LoneSurrogate, 1),
        ("\"\\ud800\\ud800\"", LoneSurrogate, 1),
        ("\"\\ud800\\u0041\"", LoneSurrogate, 1),
        ("\"\\ude00\\ud83d\"", LoneSurrogate, 1),
        ("\"\\ud83d\u{e9}\"", LoneSurrogate, 1),
    ] {
        let (_, error) = tokens(text.as_bytes());
        let error = error.expect(text);
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}");
        assert_eq!(Value::parse(text.as_bytes()).unwrap_err(), error);
    }
    // RFC 3629 10: overlong, surrogates, beyond, cut.
    for bytes in [
        &b"\xc0\x80"[..],
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xff",
        b"\x80",
        b"\xe2\x82",
    ] {
        let text = [b"[\"ab", bytes, b"\"]"].concat();
        let error = tokens(&text).1.unwrap();
        assert_eq!((error.kind(), error.offset()), (NotUtf8, 4), "{bytes:?}");
    }
    assert_eq!(tokens(b"\xff").1.unwrap().kind(), ExpectedValue);
}

#[test]
fn depth() {
    for depth in [1_usize, 127, 128, 129, 10_000] {
        for (open, close) in [("[", "]"), ("{\"\":", "}")] {
            let middle = if open == "[" { "" } else { "0" };
            let text = [&open.repeat(depth), middle, &close.repeat(depth)].concat();
            let error = tokens(text.as_bytes()).1;
            if depth <= usize::from(MAX_DEPTH) {
                assert_eq!(error, None);
            } else {
                let expected = JsonError::new(JsonErrorKind::TooDeep, 128 * open.len());
                assert_eq!(error, Some(expected));
            }
        }
    }
    assert!(Value::parse_with_depth(b"[[]]", 2).is_ok());
    assert!(Value::parse_with_depth(b"[[]]", 1).is_err());
    assert!(Value::parse_with_depth(b"[]", 0).is_err());
    assert!(Value::parse_with_depth(b"0", 0).is_ok());
    // Kinds of brackets are told apart at every depth.
    let mixed = "[{\"\":".repeat(64) + "1" + &"}]".repeat(64);
    assert_eq!(tokens(mixed.as_bytes()).1, None);
    let crossed = "[{\"\":".repeat(64) + "1" + &"]}".repeat(64);
    assert_eq!(
        tokens(crossed.as_bytes()).1.unwrap().kind(),
        JsonErrorKind::ExpectedComma
    );
}

#[test]
fn numbers() {
    for (text, unsigned, signed) in [
        ("0", Some(0), Some(0)),
        ("-0", Some(0), Some(0)),
        ("7", Some(7), Some(7)),
        ("-7", None, Some(-7)),
        ("9223372036854775808", Some(1 << 63), None),
        ("-9223372036854775808", None, Some(i64::MIN)),
        ("-9223372036854775809", None, None),
        ("18446744073709551615", Some(u64::MAX), None),
        ("18446744073709551616", None, None),
        ("1.0", None, None),
        ("1e2", None, None),
    ] {
        let number = Number::new(text).unwrap();
        assert_eq!(
            (number.to_u64(), number.to_i64()),
            (unsigned, signed),
            "{text}"
        );
    }
    for text in ["", " 1", "1 ", "01", "x", "1,", "--1"] {
        assert_eq!(Number::new(text), None, "{text}");
    }
}

#[test]
fn values_are_read_whole() {
    let text = br#" {"a" : {"b":[1, "]}" ]} , "c":2, "a": 3}"#;
    let mut reader = Reader::new(text);
    assert_eq!(reader.read(), Ok(Some(Token::BeginObject)));
    assert!(matches!(reader.read(), Ok(Some(Token::Name(name))) if name.is("a")));
    let value = reader.read_value().unwrap().unwrap();
    assert_eq!(value.raw(), br#"{"b":[1, "]}" ]}"#);
    assert_eq!(reader.depth(), 1);
    // A name is no value.
    assert_eq!(
        reader.read_value().unwrap_err().kind(),
        JsonErrorKind::ExpectedValue
    );
    assert!(reader.read().is_err());

    let value = Value::parse(text).unwrap();
    let names: Vec<String> = value.members().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["a", "c", "a"]);
    let (_, last) = value.members().last().unwrap();
    assert_eq!(last.number().and_then(|number| number.to_u64()), Some(3));
    assert!(last.members().next().is_none() && last.elements().next().is_none());
    assert!(last.text().is_none() && value.number().is_none());
    assert_eq!(value.kind(), Kind::Object);
    // Each knows where it stands in the whole text.
    let (_, inner) = value.members().next().unwrap();
    let (_, list) = inner.members().next().unwrap();
    let one = list.elements().next().unwrap();
    for value in [value, last, inner, list, one] {
        assert!(text[value.offset()..].starts_with(value.raw()));
    }
    assert_eq!((value.offset(), one.offset()), (1, 14));

    let mut reader = Reader::new(b"[1 , [2],3 ]");
    assert_eq!(reader.read(), Ok(Some(Token::BeginArray)));
    let mut raw = Vec::new();
    while let Some(value) = reader.read_value().unwrap() {
        raw.push(String::from_utf8(value.raw().to_vec()).unwrap());
    }
    assert_eq!(raw, ["1", "[2]", "3"]);
    assert_eq!(reader.read(), Ok(None));
    assert!(matches!(reader.read_value(), Ok(None)));
}

#[test]
fn names_are_compared_unescaped() {
    let text = Value::parse(br#""\u0061\n\ud83d\ude00""#)
        .unwrap()
        .text()
        .unwrap();
    assert!(text.is("a\n\u{1f600}") && !text.is("a\n") && !text.is("a\n\u{1f600}b"));
    assert_eq!(text.plain(), None);
    assert_eq!(text.emitted_len(), 6);
    let other = Value::parse("\"a\\u000a\u{1f600}\"".as_bytes()).unwrap();
    assert_eq!(other.text(), Some(text));
    // The order is that of the characters, not of the escapes, and not of UTF-16.
    let ordered = [
        r#""""#,
        r#""A""#,
        r#""\\""#,
        r#""a""#,
        r#""\u0061b""#,
        r#""\uffee""#,
        r#""\ud83d\ude00""#,
    ];
    let texts: Vec<Text<'_>> = (ordered.iter())
        .map(|text| Value::parse(text.as_bytes()).unwrap().text().unwrap())
        .collect();
    assert!(texts.is_sorted_by(|one, other| one < other));
}

#[test]
fn wrong_calls_write_nothing() {
    type Call = fn(&mut Writer<&mut Vec8>) -> Result<(), WriteError>;
    type Vec8 = heapless::Vec<u8, 64>;
    let mut out = Vec8::new();
    let mut writer = Writer::new(&mut out);
    let calls: [(Call, Result<(), WriteError>); 16] = [
        (|w| w.end(), Err(WriteError::Order)),
        (|w| w.name("a"), Err(WriteError::Order)),
        (|w| w.begin_object(), Ok(())),
        (|w| w.null(), Err(WriteError::Order)),
        (|w| w.begin_array(), Err(WriteError::Order)),
        (|w| w.token(Token::EndArray), Err(WriteError::Order)),
        (|w| w.name("a"), Ok(())),
        (|w| w.name("b"), Err(WriteError::Order)),
        (|w| w.end(), Err(WriteError::Order)),
        (|w| w.begin_array(), Ok(())),
        (|w| w.name("b"), Err(WriteError::Order)),
        (|w| w.integer(i64::MIN), Ok(())),
        (|w| w.boolean(true), Ok(())),
        (|w| w.end(), Ok(())),
        (|w| w.end(), Ok(())),
        (|w| w.null(), Err(WriteError::Order)),
    ];
    for (call, expected) in calls {
        assert_eq!(call(&mut writer), expected);
    }
    writer.finish().unwrap();
    assert_eq!(out, br#"{"a":[-9223372036854775808,true]}"#);
    assert_eq!(
        Writer::new(Counter::default()).finish().err(),
        Some(WriteError::Order)
    );
    let mut writer = Writer::new(Counter::default());
    for _ in 0..MAX_DEPTH {
        writer.begin_array().unwrap();
    }
    assert_eq!(writer.begin_array(), Err(WriteError::TooDeep));
    assert_eq!(writer.finish().err(), Some(WriteError::Order));
    let mut writer = Writer::new(SliceSink::new(&mut []));
    assert_eq!(writer.null(), Err(WriteError::Full));
}

/// Takes every call but one.
struct FullOnce(usize);

impl Sink for FullOnce {
    fn put(&mut self, _: &[u8]) -> Result<(), Full> {
        let full = self.0 == 0;
        self.0 = self.0.wrapping_sub(1);
        if full { Err(Full) } else { Ok(()) }
    }
}

#[test]
fn a_void_text_never_ends() {
    let (mut failed, mut whole) = (0, 0);
    for at in 0..40 {
        let mut writer = Writer::new(FullOnce(at));
        let _ = writer.begin_object();
        let _ = writer.name("a");
        let _ = writer.begin_array();
        let _ = writer.integer(-1);
        let _ = writer.unsigned(10);
        let _ = writer.string("\n");
        let _ = writer.end();
        let _ = writer.name("b");
        let _ = writer.null();
        let _ = writer.end();
        match writer.finish() {
            Err(error) => {
                assert_eq!(error, WriteError::Order);
                failed += 1;
            }
            Ok(sink) => {
                assert!(sink.0 < 40); // it never was full
                whole += 1;
            }
        }
    }
    assert!(failed > 15 && whole > 0, "{failed} {whole}");
    let mut writer = Writer::new(Counter::default());
    writer.begin_array().unwrap();
    let bad = writer.string_of(&Pieces(b"\xff", 1));
    assert_eq!(bad, Err(WriteError::NotUtf8));
    assert_eq!(writer.end(), Err(WriteError::Order));
}

/// Bytes that come in pieces.
struct Pieces<'a>(&'a [u8], usize);

impl Emit for Pieces<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.0
            .chunks(self.1.max(1))
            .try_for_each(|piece| sink.put(piece))
    }
}

#[test]
fn escapes() {
    for (text, expected) in [
        ("", r#""""#),
        ("a/b'\u{7f}\u{2028}", "\"a/b'\u{7f}\u{2028}\""),
        ("\"\\", r#""\"\\""#),
        ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
        ("\0\u{1}\u{b}\u{1f}", r#""\u0000\u0001\u000b\u001f""#),
    ] {
        let mut out: Vec<u8> = Vec::new();
        let mut sink = StdSink(&mut out);
        let mut writer = Writer::new(&mut sink);
        writer.string(text).unwrap();
        writer.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

/// RFC 3629 4: cut after each octet, the first wrong one is seen.
#[test]
fn streamed_octets_are_utf8() {
    for (bytes, is_good) in [
        (&b"\x7f\xc2\x80\xdf\xbf"[..], true),
        (b"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true),
        (b"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true),
        (b"\xc1\xbf", false),
        (b"\xe0\x9f\xbf", false),
        (b"\xed\xa0\x80", false),
        (b"\xf0\x8f\xbf\xbf", false),
        (b"\xf4\x90\x80\x80", false),
        (b"\xf5\x80\x80\x80", false),
        (b"\x80", false),
        (b"\xc2\x41", false),
        (b"\xe2\x82", false),
    ] {
        assert_eq!(str::from_utf8(bytes).is_ok(), is_good);
        for size in 1..=bytes.len() {
            let written = Writer::new(Counter::default()).string_of(&Pieces(bytes, size));
            assert_eq!(written.is_ok(), is_good, "{bytes:?}");
        }
    }
}

struct StdSink<'a>(&'a mut Vec<u8>);

impl Sink for StdSink<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Writes all tokens of a text.
fn rewrite(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sink = StdSink(&mut out);
    let mut writer = Writer::new(&mut sink);
    let mut reader = Reader::new(text);
    while let Some(token) = reader.read().unwrap() {
        writer.token(token).unwrap();
    }
    writer.finish().unwrap();
    out
}

/// What the views show of a value.
fn walk(value: Value<'_>) -> Json {
    match value.kind() {
        Kind::Null => Json::Null,
        Kind::Bool(value) => Json::Bool(value),
        Kind::Number(number) => Json::Number(number.raw().into()),
        Kind::String(text) => Json::String(text.chars().collect()),
        Kind::Array => Json::Array(value.elements().map(walk).collect()),
        Kind::Object => Json::Object(
            value
                .members()
                .map(|(name, value)| (name.chars().collect(), walk(value)))
                .collect(),
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A value written any way is read back, and what is written of its tokens too.
    #[test]
    fn round_trip(json in naive::any_json(), style: u64) {
        let text = json.write(style);
        let value = Value::parse(text.as_bytes());
        prop_assert!(value.is_ok(), "{:?} {}", value, text);
        prop_assert_eq!(&walk(value.unwrap()), &json);
        prop_assert!(Json::read(text.as_bytes()).as_ref() == Some(&json));
        let small = rewrite(text.as_bytes());
        prop_assert_eq!(&walk(Value::parse(&small).unwrap()), &json);
        prop_assert_eq!(&rewrite(&small), &small);
        // Cut anywhere, a text that is none of a number is none.
        for end in 0..text.trim_end().len() {
            let cut = &text.as_bytes()[..end];
            prop_assert_eq!(Value::parse(cut).is_ok(), Json::read(cut).is_some());
        }
    }

    /// The naive reader is the second opinion.
    #[test]
    fn agrees_with_the_naive(text in r#"[\[\]{},:"0-2.eE+\-\\u abdlnrstf\x00\x1f\x7f\u{e9}]{0,24}"#) {
        prop_assert_eq!(Value::parse(text.as_bytes()).ok().map(walk), Json::read(text.as_bytes()), "{}", text);
    }

    /// So it is for a text with one byte changed.
    #[test]
    fn agrees_on_broken_texts(json in naive::any_json(), style: u64, at: prop::sample::Index, byte: u8, insert: bool) {
        let mut text = json.write(style).into_bytes();
        let at = at.index(text.len());
        if insert { text.insert(at, byte); } else { text[at] = byte; }
        prop_assert_eq!(Value::parse(&text).ok().map(walk), Json::read(&text), "{}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn any_bytes(text: Vec<u8>) {
        let _ = tokens(&text);
        prop_assert_eq!(Value::parse(&text).ok().map(walk), Json::read(&text));
    }

    /// What is emitted in pieces is checked across them.
    #[test]
    fn streamed_strings(bytes in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes),
        proptest::collection::vec(proptest::sample::select(vec![0x22_u8, 0x5c, 0x1f, 0x61, 0x80, 0xa0, 0xbf, 0xc3, 0xe0, 0xed, 0xf0, 0xf4, 0x8f, 0x90]), 0..6)],
        size in 1_usize..4)
    {
        let mut out = Vec::new();
        let mut sink = StdSink(&mut out);
        let mut writer = Writer::new(&mut sink);
        let written = writer.string_of(&Pieces(&bytes, size));
        if let Ok(text) = str::from_utf8(&bytes) {
            prop_assert_eq!(written, Ok(()));
            prop_assert!(Value::parse(&out).unwrap().text().unwrap().is(text));
        } else {
            prop_assert_eq!(written, Err(WriteError::NotUtf8));
        }
    }
}
