use super::{MAX_SECTIONS, ParameterErrorKind as Kind, ParameterTextError, Parameters};
use core::fmt::Write;
use scop_core::Emit;
use std::string::{String, ToString};
use std::vec::Vec;

mod naive;
mod write;

fn get(text: &[u8], name: &str) -> Option<String> {
    let (parameters, _) = Parameters::recover(text);
    Some(parameters.get(name.as_bytes())?.value().to_string())
}

/// Text, name, and the value that is meant.
const WELL_FORMED: &[(&str, &str, &str)] = &[
    // RFC 2231 3
    (
        "; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
        "url",
        "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar",
    ),
    // RFC 2231 4
    (
        "; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
        "title",
        "This is ***fun***",
    ),
    // RFC 2231 4.1, with the semicolons that it forgets
    (
        ";\r\n title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"",
        "title",
        "This is even more ***fun*** isn't it!",
    ),
    // RFC 6266 5
    (
        "; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
        "filename",
        "\u{20ac} rates",
    ),
    // any order, any mix
    ("; a*2=z; a*0=x; a*1*=%79", "A", "xyz"),
    // a character cut between sections
    ("; a*0*=utf-8''%c3; a*1*=%a9", "a", "\u{e9}"),
    ("; a*=iso-8859-1''caf%E9", "a", "caf\u{e9}"),
    ("; a*=''%C3%A9", "a", "\u{e9}"),
    ("; a*='en'x'y", "a", "x'y"),
    ("; a=%41'b'c", "a", "%41'b'c"),
    ("; a=\"b\\\"\\\\\r\n c\"", "a", "b\"\\ c"),
    // RFC 2231 7 lets a later section be empty
    ("; a*0*=utf-8''x; a*1*=; a*2*=y", "a", "xy"),
    // controls that are encoded
    (
        "; a*=''x%0D%0ABcc%3A%20y%00%7f%C2%85",
        "a",
        "x\u{fffd}\u{fffd}Bcc: y\u{fffd}\u{fffd}\u{fffd}",
    ),
];

#[test]
fn known_answers() {
    for &(text, name, value) in WELL_FORMED {
        assert!(Parameters::parse(text.as_bytes()).is_ok(), "{text}");
        assert_eq!(get(text.as_bytes(), name).as_deref(), Some(value), "{text}");
        let (parameters, _) = Parameters::recover(text.as_bytes());
        assert!(parameters.get(name.as_bytes()).unwrap().value().is(value));
    }
}

/// Which one wins, and what ends a value.
#[test]
fn one_interpretation() {
    let cases: &[(&str, Option<&str>)] = &[
        ("; a=1; a=2", Some("1")),
        ("; a=1; A*=''2", Some("2")),
        ("; a=1; a*0=2", Some("2")),
        ("; a*=''1; a*0=2; a*=''3", Some("1")),
        ("; a*0=1; a*=''2; a*1=3", Some("13")),
        ("; a*0=1; a*0=2; a*1=3; a*1=4", Some("13")),
        ("; a*0=1; a*2=2; a*3=3", Some("1")),
        ("; a*1=1", None),
        ("; a*1=1; a=2", Some("2")),
        ("; a; a=1", Some("1")),
        ("; a=; a=1", Some("")),
        ("; a*0=1; a*1; a*2=3", Some("1")),
        ("; a*00=1", None),
        ("; a*=%41%", Some("A%")),
        ("; a*0=x; a*4294967296=y; a*1=z", Some("xz")),
        // no charset in the first section, whatever stands in the second
        ("; a*0=x; a*1*=utf-8'en'%41", Some("xutf-8'en'A")),
        ("a=1", Some("1")),
        ("b=2 a=1", Some("1")),
        ("; =1", None),
        ("", None),
    ];
    for &(text, value) in cases {
        assert_eq!(get(text.as_bytes(), "a").as_deref(), value, "{text}");
    }
    assert_eq!(get(b"; =1", ""), None);
}

#[test]
fn charset_and_language() {
    let (parameters, _) = Parameters::recover(
        b"; a*=iso-8859-1'de'%E4; b*0*=''x; b*1*=y'z'; c=x'y'z; d*=x; e*=\"utf-8'en'f\"; f*=nobody''%ff; g*=us-ascii''%ff",
    );
    let of = |name: &str| {
        let parameter = parameters.get(name.as_bytes()).unwrap();
        (
            parameter.charset(),
            parameter.language(),
            parameter.value().error(),
        )
    };
    assert_eq!(of("a"), (Some(&b"iso-8859-1"[..]), Some(&b"de"[..]), None));
    assert_eq!(of("b"), (None, None, None));
    assert_eq!(of("c"), (None, None, None));
    assert_eq!(of("d"), (None, None, None));
    assert_eq!(of("e"), (Some(&b"utf-8"[..]), Some(&b"en"[..]), None));
    let unknown = Some(ParameterTextError::UnknownCharset);
    assert_eq!(of("f"), (Some(&b"nobody"[..]), None, unknown));
    let absent = Some(ParameterTextError::NotInCharset);
    assert_eq!(of("g"), (Some(&b"us-ascii"[..]), None, absent));
    assert_eq!(
        parameters.get(b"g").unwrap().value().to_string(),
        "\u{fffd}"
    );
    let mut octets = Vec::new();
    parameters.get(b"f").unwrap().octets(&mut octets).unwrap();
    assert_eq!(octets, b"\xff");
}

#[test]
fn encoded_words() {
    let decoded = |value: &str| {
        let text = std::format!("; filename={value}");
        let (parameters, _) = Parameters::recover(text.as_bytes());
        let parameter = parameters.get(b"filename").unwrap();
        // The value itself is never decoded.
        assert!(!parameter.value().is("caf\u{e9}"));
        parameter
            .value_with_encoded_words()
            .map(|text| text.to_string())
    };
    for (value, expected) in [
        ("\"=?utf-8?Q?caf=C3=A9?=\"", "caf\u{e9}"),
        ("=?utf-8?B?Y2Fmw6k=?=", "caf\u{e9}"),
        ("\"=?utf-8?Q?caf=C3=A9?=.png\"", "caf\u{e9}.png"),
        ("\"a=?utf-8?Q?b?=c\"", "abc"),
        ("\"=?utf-8?B?Y2Fmww==?=\r\n =?utf-8?B?qQ==?=\"", "caf\u{e9}"),
        (
            "\"=?utf-8?Q?caf=C3?=\r\n =?utf-8?Q?=A9?= x\"",
            "caf\u{e9} x",
        ),
        ("\"=?utf-8?Q?a?= \\\" =?utf-8?Q?b?=\"", "a \" b"),
        ("\"=?utf-8?Q?a?= \"", "a "),
        ("\"=?utf-8?Q?a?=\\\"", "a\""),
        ("\"=?utf-8?Q?a?=", "a"),
        ("\"=?=?utf-8?Q?a?=\"", "=?a"),
        ("\"=?nobody?Q?a?=\"", "=?nobody?Q?a?="),
    ] {
        assert_eq!(decoded(value).as_deref(), Some(expected), "{value}");
    }
    assert_eq!(decoded("\"=?\""), None);
    assert_eq!(decoded("caf"), None);
    let (parameters, _) = Parameters::recover(b"; a*=''=?utf-8?Q?a?=");
    assert!(
        parameters
            .get(b"a")
            .unwrap()
            .value_with_encoded_words()
            .is_none()
    );
}

#[test]
fn sections_as_written() {
    let text = b"; a*0*=utf-8''b ; C = \"d\" (e) f;g; \xc3\xa9=h";
    let (parameters, error) = Parameters::recover(text);
    assert_eq!(error.unwrap().kind(), Kind::TextAfterValue);
    assert_eq!(parameters.raw(), text);
    let sections: Vec<_> = parameters.sections().collect();
    let raws: Vec<&[u8]> = sections.iter().map(super::Section::raw).collect();
    let expected: [&[u8]; 4] = [b"a*0*=utf-8''b", b"C = \"d\" (e) f", b"g", b"\xc3\xa9=h"];
    assert_eq!(raws, expected);
    assert_eq!(
        (sections[0].name(), sections[0].number()),
        (&b"a"[..], Some(0))
    );
    assert!(sections[0].is_extended() && !sections[1].is_extended());
    assert_eq!(sections[1].value().unwrap().raw(), b"\"d\"");
    assert!(sections[2].value().is_none());
    for section in &sections {
        assert!(text[section.offset()..].starts_with(section.raw()));
    }
    let kinds: Vec<_> = sections
        .iter()
        .map(|section| section.error().map(|error| error.kind()))
        .collect();
    assert_eq!(
        kinds,
        [
            None,
            Some(Kind::TextAfterValue),
            Some(Kind::NoEquals),
            Some(Kind::BadName)
        ]
    );
}

#[test]
fn canonical_form() {
    for (text, canonical) in [
        (";a=b (c) ; d = \"e\"", "; a=b; d=e"),
        ("; a=\"\"; b=\"c\\\\ \\d\"", "; a=\"\"; b=\"c\\\\ d\""),
        (
            " ; a*0*=utf-8''%41;a*1=\"/\"",
            "; a*0*=utf-8''%41; a*1=\"/\"",
        ),
    ] {
        let parameters = Parameters::parse(text.as_bytes()).unwrap();
        assert_eq!(parameters.to_vec(), canonical.as_bytes());
        let canonical = parameters.to_vec();
        let again = Parameters::parse(&canonical).unwrap();
        assert_eq!(again.to_vec(), canonical);
    }
}

/// Sections beyond the limit are not looked at.
#[test]
fn limit() {
    let text = numbered(0..200);
    let text = text.as_bytes();
    let (parameters, error) = Parameters::recover(text);
    assert_eq!(error.unwrap().kind(), Kind::TooMany);
    assert_eq!(parameters.sections().count(), 200);
    let value = parameters.get(b"a").unwrap().value().to_string();
    assert_eq!(value, "x".repeat(MAX_SECTIONS));
    let text = numbered(0..MAX_SECTIONS);
    assert!(Parameters::parse(text.as_bytes()).is_ok());
}

/// A text of so many pieces.
type Probe = fn(usize) -> String;

/// Where a parser that goes back takes quadratic time: twice the input takes about twice the time.
#[test]
fn linear_time() {
    let probes: [(&str, Probe); 9] = [
        ("sections in order", |count| numbered(0..count)),
        ("sections in reverse", |count| numbered((0..count).rev())),
        ("one section again and again", |count| {
            "; a*0=x".repeat(count)
        }),
        ("one parameter again and again", |count| {
            "; a=x".repeat(count)
        }),
        ("quotes that do not close", |count| "; a=\"\\".repeat(count)),
        ("comments that do not close", |count| {
            "; a=x (".repeat(count)
        }),
        ("comments before text", |count| {
            "; a=x (".repeat(count) + &")".repeat(count) + "y"
        }),
        ("missing semicolons", |count| " a=x".repeat(count)),
        ("percent and encoded words", |count| {
            "; a*=''%=?=?".repeat(count)
        }),
    ];
    for (name, probe) in probes {
        let time = |count: usize| {
            let text = probe(count);
            let start = std::time::Instant::now();
            let (parameters, _) = Parameters::recover(text.as_bytes());
            assert!(parameters.sections().count() <= count);
            if let Some(parameter) = parameters.get(b"a") {
                let _ = parameter.value().emitted_len();
            }
            let value = std::format!("a/b{text}");
            let limits = crate::Limits::DEFAULT;
            assert!(crate::ContentType::defects(value.as_bytes(), &limits).count() < 1_000);
            start.elapsed()
        };
        // The machine may be busy; a reader that is too slow is so every time.
        let is_linear = (0..8).any(|_| time(100_000) < time(50_000) * 3);
        assert!(is_linear, "{name}");
    }
}

fn numbered(numbers: impl Iterator<Item = usize>) -> String {
    let mut text = String::new();
    for number in numbers {
        let _ = write!(text, "; a*{number}=x");
    }
    text
}
