use crate::{ContentDisposition, ContentType, DefectKind as Kind, Limits};
use std::vec::Vec;

fn defects(value: &str) -> Vec<(Kind, usize)> {
    ContentType::defects(value.as_bytes(), &Limits::DEFAULT).collect()
}

/// Name, value, defects.
type Case = (&'static str, &'static str, &'static [(Kind, usize)]);

#[test]
fn attacks() {
    let cases: &[Case] = &[
        ("plain", "a/b; c=d", &[]),
        ("nothing behind the last semicolon", "a/b; c=d;", &[]),
        (
            "duplicate boundary",
            "multipart/mixed; boundary=a; Boundary=b",
            &[(Kind::DuplicateParameter, 29)],
        ),
        (
            "RFC 2231 and plain",
            "multipart/mixed; boundary=a; boundary*=''b",
            &[(Kind::DuplicateParameter, 29)],
        ),
        (
            "continuation and plain",
            "multipart/mixed; boundary*0=a; boundary=b",
            &[(Kind::UnusualContent, 17), (Kind::DuplicateParameter, 31)],
        ),
        (
            "continuation and extended",
            "a/b; c*0=a; c*=''b",
            &[(Kind::DuplicateParameter, 12)],
        ),
        (
            "a continuation twice",
            "a/b; c*0=a; c*1=b; c*1*=b",
            &[(Kind::DuplicateParameter, 19)],
        ),
        ("in another order", "a/b; c*1=a; c*0=b", &[]),
        (
            "a gap",
            "a/b; c*0=a; c*2=b; c*3=b",
            &[(Kind::BadParameter, 12)],
        ),
        ("no start", "a/b; c*1=a", &[(Kind::BadParameter, 5)]),
        (
            "a predecessor without value",
            "a/b; c*0; c*1=a",
            &[(Kind::BadParameter, 8), (Kind::BadParameter, 10)],
        ),
        (
            "comment in a value",
            "multipart/mixed; boundary=a(b)",
            &[(Kind::CommentInContent, 27)],
        ),
        (
            "comment behind the type",
            "a/b (c); d=e",
            &[(Kind::CommentInContent, 4)],
        ),
        (
            "mismatched quotes",
            "a/b; boundary=\"x; c=d",
            &[(Kind::BadParameter, 14)],
        ),
        (
            "quote at the end",
            "a/b; boundary=x\"; c=d",
            &[(Kind::BadParameter, 15)],
        ),
        (
            "quote in the middle",
            "a/b; boundary=\"x\"y\"",
            &[(Kind::BadParameter, 17)],
        ),
        (
            "encoded word",
            "a/b; name=\"=?utf-8?Q?a?=\"",
            &[(Kind::MisplacedEncodedWord, 10)],
        ),
        (
            "no subtype",
            "multipart; boundary=x",
            &[(Kind::BadContentType, 9)],
        ),
        ("no type", "; boundary=x", &[(Kind::BadContentType, 0)]),
        ("no semicolon", "a/b boundary=x", &[(Kind::BadParameter, 4)]),
        ("percent", "a/b; c*=''%4", &[(Kind::BadParameter, 8)]),
        (
            "behind the last parameter",
            "a/b; c=d; (x",
            &[(Kind::CommentInContent, 10), (Kind::BadParameter, 10)],
        ),
        (
            "behind an empty one",
            "a/b;; c=d e; f=\0",
            &[
                (Kind::UnusualContent, 3),
                (Kind::BadParameter, 10),
                (Kind::BadParameter, 15),
            ],
        ),
    ];
    for (name, value, expected) in cases {
        assert_eq!(defects(value), *expected, "{name}: {value}");
    }
}

/// Well formed, and read differently.
#[test]
fn unusual() {
    let cases: &[Case] = &[
        (
            "white space beside the slash",
            "a /b; c=d",
            &[(Kind::UnusualContent, 1)],
        ),
        (
            "a fold behind the slash",
            "a/\r\n b",
            &[(Kind::UnusualContent, 2)],
        ),
        (
            "white space beside the equals sign",
            "a/b; c =d; e= f; g\r\n = \"h\"",
            &[
                (Kind::UnusualContent, 6),
                (Kind::UnusualContent, 13),
                (Kind::UnusualContent, 18),
            ],
        ),
        (
            "a backslash",
            "a/b; c=\"d\\\"e\"; f=\"\\g\"; h=\"\\\\\"",
            &[(Kind::UnusualContent, 18), (Kind::UnusualContent, 26)],
        ),
        (
            "a boundary of RFC 2231",
            "multipart/mixed; boundary*=''b",
            &[(Kind::UnusualContent, 17)],
        ),
        (
            "a charset of RFC 2231",
            "text/plain; charset*0=utf; charset*1=-8; x*=''y",
            &[(Kind::UnusualContent, 12), (Kind::UnusualContent, 27)],
        ),
    ];
    for (name, value, expected) in cases {
        assert_eq!(defects(value), *expected, "{name}: {value}");
    }
}

/// The boundary of RFC 2046 5.1.1 does not end with a space; that it does so here is for the reader of
/// boundaries to say, who gets it whole.
#[test]
fn boundary_with_trailing_space() {
    let content = ContentType::parse(b"multipart/mixed; boundary=\"x \"").unwrap();
    assert!(content.boundary().unwrap().is(b"x "));
    let content = ContentType::parse(b"multipart/mixed; boundary=x ").unwrap();
    assert!(content.boundary().unwrap().is(b"x"));
}

#[test]
fn disposition() {
    let of = |value: &'static str| -> Vec<(Kind, usize)> {
        ContentDisposition::defects(value.as_bytes(), &Limits::DEFAULT).collect()
    };
    assert_eq!(of("inline; filename=x"), []);
    assert_eq!(of("=?x; filename=x"), [(Kind::BadValue, 0)]);
    assert_eq!(of("inline/x"), [(Kind::BadValue, 6)]);
}

#[test]
fn limit() {
    let limits = Limits {
        parameters: 2,
        ..Limits::DEFAULT
    };
    let value = b"a/b; a=1; b=2; c=3; a=4";
    let found: Vec<_> = ContentType::defects(value, &limits).collect();
    assert_eq!(found, [(Kind::ParametersLimit, 15)]);
    let (content, error) = ContentType::recover_within(value, &limits);
    assert_eq!(error.unwrap().offset(), 15);
    let parameters = content.unwrap().parameters();
    assert!(parameters.get(b"b").is_some() && parameters.get(b"c").is_none());
    assert_eq!(parameters.sections().count(), 4);
}
