use super::super::{MAX_SECTIONS, Parameters, WriteParameterError, emit_parameter};
use crate::header::encoded_word::Utf8;
use crate::{ContentDisposition, FoldSink, HeaderBlock, Limits};
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

fn written(name: &str, value: &str, utf8: Utf8) -> Result<String, WriteParameterError> {
    let mut out = Vec::new();
    emit_parameter(name, value, utf8, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn forms() {
    for (value, encoded, raw) in [
        ("a.b", "; n=a.b", "; n=a.b"),
        ("", "; n=\"\"", "; n=\"\""),
        ("a b", "; n=\"a b\"", "; n=\"a b\""),
        ("a\"b", "; n=\"a\\\"b\"", "; n=\"a\\\"b\""),
        ("a\\b", "; n*=utf-8''a%5Cb", "; n*=utf-8''a%5Cb"),
        ("\u{e9}", "; n*=utf-8''%C3%A9", "; n=\"\u{e9}\""),
        ("a\tb", "; n*=utf-8''a%09b", "; n*=utf-8''a%09b"),
        ("'%*", "; n='%*", "; n='%*"),
        (
            "\u{20ac}'%*",
            "; n*=utf-8''%E2%82%AC%27%25%2A",
            "; n=\"\u{20ac}'%*\"",
        ),
        (
            "=?utf-8?Q?a?=",
            "; n*=utf-8''%3D%3Futf-8%3FQ%3Fa%3F%3D",
            "; n*=utf-8''%3D%3Futf-8%3FQ%3Fa%3F%3D",
        ),
    ] {
        assert_eq!(written("n", value, Utf8::Encode).as_deref(), Ok(encoded));
        assert_eq!(written("n", value, Utf8::Raw).as_deref(), Ok(raw));
    }
}

#[test]
fn refused() {
    for (name, value, error) in [
        ("", "a", WriteParameterError::BadName { offset: 0 }),
        ("a*", "a", WriteParameterError::BadName { offset: 1 }),
        ("a b", "a", WriteParameterError::BadName { offset: 1 }),
        (
            "a",
            "b\r\nBcc: c",
            WriteParameterError::Control { offset: 1 },
        ),
        ("a", "\u{e9}\0", WriteParameterError::Control { offset: 2 }),
        ("a", "\x7f", WriteParameterError::Control { offset: 0 }),
        ("a", "\u{85}", WriteParameterError::Control { offset: 0 }),
    ] {
        assert_eq!(written(name, value, Utf8::Encode), Err(error));
        assert!(!error.to_string().is_empty());
    }
    let long = "x".repeat(54);
    assert!(written(&long[..53], "\u{1f600}\u{1f600}", Utf8::Encode).is_ok());
    let error = WriteParameterError::BadName { offset: 53 };
    assert_eq!(written(&long, "a", Utf8::Encode), Err(error));
    let mut buffer = [0; 4];
    let mut full = scop_core::SliceSink::new(&mut buffer);
    let error = emit_parameter("a", "b", Utf8::Encode, &mut full);
    assert_eq!(error, Err(WriteParameterError::Full));
}

/// The sections are as many as a reader takes, and no more.
#[test]
fn longest() {
    let mut longest = 0;
    for len in (100..12_000).step_by(50) {
        match written("n", &"x".repeat(len), Utf8::Encode) {
            Ok(text) => {
                longest = len;
                let count = Parameters::parse(text.as_bytes())
                    .unwrap()
                    .sections()
                    .count();
                assert!(count <= MAX_SECTIONS);
            }
            Err(error) => {
                assert_eq!(error, WriteParameterError::TooLong);
                break;
            }
        }
    }
    assert!(longest > 8_000, "{longest}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Written, folded, found as a field and read: the same value, nothing wrong, no line too long.
    #[test]
    fn comes_back(
        name in "[a-z][a-z0-9.!#_-]{0,29}",
        values in prop::collection::vec("[ -~]{0,90}|(\\PC|[\t \"\\\\'%*=?\u{1f600}\u{e9}]){0,120}", 1..3),
        raw in any::<bool>(),
    ) {
        prop_assume!(values.iter().all(|value| value.chars().all(|c| c == '\t' || !c.is_control())));
        let utf8 = if raw { Utf8::Raw } else { Utf8::Encode };
        let mut out = Vec::new();
        let mut field = FoldSink::new(&mut out);
        scop_core::Sink::put(&mut field, b"Content-Disposition: attachment").unwrap();
        for (number, value) in values.iter().enumerate() {
            let name = std::format!("{name}{number}");
            field.end_line().unwrap();
            emit_parameter(&name, value, utf8, &mut field).unwrap();
        }
        field.finish().unwrap();
        for line in out.split(|&byte| byte == b'\n') {
            prop_assert!(line.len() <= 79, "{}", String::from_utf8_lossy(line));
        }
        prop_assert!(raw || out.is_ascii());
        let header = HeaderBlock::new(&out);
        prop_assert_eq!(header.fields().count(), 1);
        let field = header.fields().next().unwrap();
        let defects: Vec<_> = ContentDisposition::defects(field.value(), &Limits::DEFAULT).collect();
        prop_assert_eq!(defects, []);
        let disposition = ContentDisposition::parse(field.value()).unwrap();
        for (number, value) in values.iter().enumerate() {
            let name = std::format!("{name}{number}");
            let read = disposition.parameters().get(name.as_bytes()).unwrap().value();
            prop_assert!(read.is(value), "{} is {:?}", read, value);
            prop_assert_eq!(read.error(), None);
        }
    }
}
