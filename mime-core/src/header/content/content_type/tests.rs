use super::{ContentErrorKind as Kind, ContentType};
use crate::header::parameter::ParameterErrorKind as P;
use core::fmt::Write;
use scop_core::Emit;
use std::string::{String, ToString};
use std::vec::Vec;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `type/subtype; name=octets; ..` of the logical parameters, in the order of their sections.
fn shown(content: &ContentType<'_>) -> String {
    let mut out = text(content.type_name()) + "/" + &text(content.subtype());
    let mut seen: Vec<String> = Vec::new();
    for section in content.parameters().sections() {
        let name = text(section.name()).to_lowercase();
        if seen.contains(&name) {
            continue;
        }
        if let Some(parameter) = content.parameters().get(name.as_bytes()) {
            let mut octets = Vec::new();
            parameter.octets(&mut octets).unwrap();
            let _ = write!(out, "; {name}={}", text(&octets));
            seen.push(name);
        }
    }
    out
}

#[test]
fn well_formed() {
    let cases: &[(&str, &str)] = &[
        // RFC 2045 5.1: the two are the same.
        (
            " text/plain; charset=us-ascii (Plain text)",
            "text/plain; charset=us-ascii",
        ),
        (
            "text/plain; charset=\"us-ascii\"",
            "text/plain; charset=us-ascii",
        ),
        // RFC 2046 5.1.1.
        (
            "multipart/mixed;\r\n     boundary=\"gc0pJq0M:08jU534c0p\"",
            "multipart/mixed; boundary=gc0pJq0M:08jU534c0p",
        ),
        (
            "(a) text (b) / (c) plain (d) ; (e) a (f) = (g) b (h)",
            "text/plain; a=b",
        ),
        ("a/b; n=\"a\\\"b\\\\c\r\n d(e);f\"", "a/b; n=a\"b\\c d(e);f"),
        ("a/b;n=\"\"", "a/b; n="),
        ("a/b;n=\"é\"", "a/b; n=é"),
    ];
    for (value, expected) in cases {
        let content = ContentType::parse(value.as_bytes()).unwrap();
        assert_eq!(shown(&content), *expected, "{value}");
    }
    assert_eq!(shown(&ContentType::DEFAULT), "text/plain; charset=us-ascii");
    let parsed = ContentType::parse(ContentType::DEFAULT.raw()).unwrap();
    assert_eq!(
        parsed.parameters().raw(),
        ContentType::DEFAULT.parameters().raw()
    );
}

/// Value, error, its byte, and what is read.
const MALFORMED: &[(&str, Kind, usize, &str)] = &[
    ("text", Kind::NoSubtype, 4, "text/"),
    ("text/", Kind::NoSubtype, 5, "text/"),
    ("text; a=b", Kind::NoSubtype, 4, "text/; a=b"),
    (
        "text/plain/x; a=b",
        Kind::TextAfterType,
        10,
        "text/plain; a=b",
    ),
    ("text/plain, a=b", Kind::TextAfterType, 10, "text/plain"),
    ("é/b", Kind::Parameter(P::BadValue), 0, "é/b"),
    ("a/b;", Kind::Parameter(P::Empty), 3, "a/b"),
    ("a/b;; c=d", Kind::Parameter(P::Empty), 3, "a/b; c=d"),
    ("a/b c=d", Kind::Parameter(P::NoSemicolon), 4, "a/b; c=d"),
    (
        "a/b; c=d e=f",
        Kind::Parameter(P::NoSemicolon),
        9,
        "a/b; c=d; e=f",
    ),
    (
        "a/b; c=\"d\"e=f",
        Kind::Parameter(P::NoSemicolon),
        10,
        "a/b; c=d; e=f",
    ),
    ("a/b; =c; d=e", Kind::Parameter(P::NoName), 5, "a/b; d=e"),
    ("a/b; é=c", Kind::Parameter(P::BadName), 5, "a/b; é=c"),
    ("a/b; c; d=e", Kind::Parameter(P::NoEquals), 6, "a/b; d=e"),
    (
        "a/b; c<=d; d=e",
        Kind::Parameter(P::NoEquals),
        6,
        "a/b; d=e",
    ),
    (
        "a/b; c=; d=e",
        Kind::Parameter(P::NoValue),
        7,
        "a/b; c=; d=e",
    ),
    (
        "a/b; c=d e.txt ; f=g",
        Kind::Parameter(P::BadValue),
        9,
        "a/b; c=d e.txt; f=g",
    ),
    (
        "a/b; c=d (e;f).txt; f=g",
        Kind::Parameter(P::BadValue),
        14,
        "a/b; c=d (e;f).txt; f=g",
    ),
    (
        "a/b; boundary==_x;f=g",
        Kind::Parameter(P::BadValue),
        14,
        "a/b; boundary==_x; f=g",
    ),
    (
        "a/b; c=d\"e;f\"; g=h",
        Kind::Parameter(P::BadValue),
        8,
        "a/b; c=d\"e; g=h",
    ),
    (
        "a/b; c=\"d\" e; f=g",
        Kind::Parameter(P::TextAfterValue),
        11,
        "a/b; c=d; f=g",
    ),
    (
        "a/b; c=\"d; e=f",
        Kind::Parameter(P::UnclosedQuotedString),
        7,
        "a/b; c=d; e=f",
    ),
    (
        "a/b; c=d (e; f=g",
        Kind::Parameter(P::UnclosedComment),
        9,
        "a/b; c=d",
    ),
    (
        "a/b; c=\"d\re\"",
        Kind::Parameter(P::StrayControl),
        9,
        "a/b; c=d\re",
    ),
    (
        "a/b; c=\"\0\"",
        Kind::Parameter(P::StrayControl),
        8,
        "a/b; c=\0",
    ),
    (
        "a/b;\r c=d",
        Kind::Parameter(P::StrayControl),
        4,
        "a/b; c=d",
    ),
    ("a/b; *=d", Kind::Parameter(P::BadSection), 5, "a/b; *=d"),
    (
        "a/b; c*01=d",
        Kind::Parameter(P::BadSection),
        5,
        "a/b; c*01=d",
    ),
    ("a/b; c*=d", Kind::Parameter(P::NoCharset), 8, "a/b; c=d"),
    (
        "a/b; c*=''%4g%41",
        Kind::Parameter(P::BadPercent),
        8,
        "a/b; c=%4gA",
    ),
    (
        "a/b; c*=\"''%41\"",
        Kind::Parameter(P::QuotedExtended),
        8,
        "a/b; c=A",
    ),
];

#[test]
fn malformed() {
    for &(value, kind, offset, expected) in MALFORMED {
        let (content, error) = ContentType::recover(value.as_bytes());
        let error = error.unwrap();
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{value}");
        assert_eq!(shown(&content.unwrap()), expected, "{value}");
        assert_eq!(ContentType::parse(value.as_bytes()).err(), Some(error));
    }
}

#[test]
fn no_type() {
    for (value, offset) in [
        ("", 0),
        (" ", 1),
        ("/plain", 0),
        (";charset=x", 0),
        ("(x)=", 3),
    ] {
        let (content, error) = ContentType::recover(value.as_bytes());
        assert!(content.is_none());
        assert_eq!(error.unwrap().kind(), Kind::NoType);
        assert_eq!(error.unwrap().offset(), offset, "{value}");
        assert!(!error.unwrap().to_string().is_empty());
    }
}

#[test]
fn canonical_form() {
    for (value, canonical) in [
        (
            " Text / Plain ; charset = \"us-ascii\" (Plain text)",
            "Text/Plain; charset=us-ascii",
        ),
        ("a/b;c=\"d e\";f*=utf-8''g", "a/b; c=\"d e\"; f*=utf-8''g"),
        ("multipart", "multipart"),
        ("a/b; c=d e; =f; g", "a/b; c=\"d e\""),
    ] {
        let (content, _) = ContentType::recover(value.as_bytes());
        assert_eq!(content.unwrap().to_vec(), canonical.as_bytes());
    }
    assert_eq!(
        ContentType::DEFAULT.to_string(),
        "text/plain; charset=us-ascii"
    );
}

#[test]
fn first_comment() {
    let at = |value: &'static str| {
        ContentType::recover(value.as_bytes())
            .0
            .unwrap()
            .comment_seen()
    };
    assert_eq!(at("a/b; c=\"(d)\""), None);
    assert_eq!(at("a/b; c=d (e) ; f (g) =h"), Some(9));
    assert_eq!(at("(e)a/b (f)"), Some(0));
}
