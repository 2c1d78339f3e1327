use super::*;
use proptest::prelude::*;
use std::{format, string::String, string::ToString, vec::Vec};

const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// A signature in which `name` has been replaced, added, or with `None` taken out.
fn with(name: &str, value: Option<&str>) -> String {
    let mut tags: Vec<(&str, &str)> = std::vec![
        ("v", "1"),
        ("a", "rsa-sha256"),
        ("d", "example.org"),
        ("s", "sel"),
        ("h", "From:To"),
        ("bh", HASH),
        ("b", "AAAA"),
    ];
    tags.retain(|(old, _)| *old != name);
    if let Some(value) = value {
        tags.push((name, value));
    }
    let tags: Vec<_> = tags
        .iter()
        .map(|(name, value)| format!(" {name}={value};"))
        .collect();
    tags.concat()
}

fn kind(name: &str, value: Option<&str>) -> Option<SignatureErrorKind> {
    let text = with(name, value);
    let error = Signature::parse(text.as_bytes()).err()?;
    // The error about the name of the key is laid at the selector.
    if let Some(value) = value
        && error.kind() != SignatureErrorKind::QueryName
    {
        assert!(text[error.offset()..].starts_with(value), "{error}");
    }
    Some(error.kind())
}

#[test]
fn all_that_is_there() {
    let text = with("x", Some("1700000000"))
        + "t=1; i=joe@mail.Example.ORG; c=simple/relaxed; q=dns/txt; l=5; z=From:a|b; new=1\r\n";
    let signature = Signature::parse(text.as_bytes()).unwrap();
    assert_eq!(signature.algorithm(), Algorithm::RsaSha256);
    assert_eq!(signature.canonicalization().to_string(), "simple/relaxed");
    assert_eq!(signature.domain(), b"example.org");
    assert_eq!(signature.selector(), b"sel");
    assert_eq!(signature.auid().local_part(), b"joe");
    assert_eq!(signature.auid().domain(), b"mail.Example.ORG");
    assert!(signature.header_names().eq([&b"From"[..], b"To"]));
    assert_eq!(signature.timestamp(), Some(UnixTime(1)));
    assert_eq!(signature.expiration(), Some(UnixTime(1_700_000_000)));
    assert_eq!(signature.body_length(), Some(5));
    assert_eq!(signature.tags().tag(b"new").unwrap().value(), b"1");
    assert_eq!(
        signature.query_name().to_string(),
        "sel._domainkey.example.org."
    );
    let [before, after] = signature.without_signature();
    assert!(before.ends_with(b"b=") && after.starts_with(b"; x=1700000000;"));

    let text = with("v", Some("1"));
    let signature = Signature::parse(text.as_bytes()).unwrap();
    assert_eq!(signature.canonicalization(), Canonicalization::SIMPLE);
    assert_eq!(signature.auid().local_part(), b"");
    assert_eq!(signature.auid().domain(), b"example.org");
    assert_eq!(
        (signature.timestamp(), signature.body_length()),
        (None, None)
    );
}

#[test]
fn rfc6376_3_5_rules() {
    use SignatureErrorKind as Kind;
    let long = format!("{}org", "a.".repeat(120));
    let label = format!("{}.org", "a".repeat(64));
    let big = "A".repeat(700);
    for (name, value, expected) in [
        ("v", None, Kind::Missing(RequiredTag::Version)),
        ("a", None, Kind::Missing(RequiredTag::Algorithm)),
        ("b", None, Kind::Missing(RequiredTag::Signature)),
        ("bh", None, Kind::Missing(RequiredTag::BodyHash)),
        ("d", None, Kind::Missing(RequiredTag::Domain)),
        ("h", None, Kind::Missing(RequiredTag::HeaderNames)),
        ("s", None, Kind::Missing(RequiredTag::Selector)),
        ("v", Some("2"), Kind::Version),
        ("v", Some("01"), Kind::Version),
        ("b", Some(""), Kind::Signature),
        ("b", Some("AAA"), Kind::Signature),
        ("b", Some(&big), Kind::Signature),
        ("bh", Some("AAAA"), Kind::BodyHash),
        (
            "bh",
            Some("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="),
            Kind::BodyHash,
        ),
        ("c", Some("nowsp"), Kind::Canonicalization),
        ("d", Some("org"), Kind::Domain),
        ("d", Some(&label), Kind::Domain),
        ("d", Some(&long), Kind::QueryName),
        ("i", Some("example.org"), Kind::Auid),
        ("i", Some("a@org"), Kind::Auid),
        ("i", Some("a@example.com"), Kind::AuidOutsideDomain),
        ("i", Some("a@badexample.org"), Kind::AuidOutsideDomain),
        (
            "i",
            Some("a@example.org.example.com"),
            Kind::AuidOutsideDomain,
        ),
        ("h", Some(""), Kind::HeaderNames),
        ("h", Some("From:"), Kind::HeaderNames),
        ("h", Some("From::To"), Kind::HeaderNames),
        ("h", Some("From To"), Kind::HeaderNames),
        ("h", Some("To:Subject"), Kind::FromNotSigned),
        ("q", Some("http/txt"), Kind::QueryMethod),
        ("l", Some("-1"), Kind::BodyLength),
        ("l", Some(""), Kind::BodyLength),
        ("t", Some("1e9"), Kind::Timestamp),
        ("x", Some("1234567890123"), Kind::Expiration),
    ] {
        assert_eq!(kind(name, value), Some(expected), "{name}={value:?}");
    }
    for (name, value) in [
        ("h", "from"),
        ("h", "Subject\r\n : FROM\t:from"),
        ("i", "@EXAMPLE.org"),
        ("i", "\"a@b\"@x.example.org"),
        ("q", "http/x : dns/txt"),
        ("d", "xn--bcher-kva.example"),
        ("s", "a.b_c-d.2026"),
        ("s", "_x"),
        ("l", &"9".repeat(76)),
        ("t", "999999999999"),
        ("a", "rsa-sha512"),
    ] {
        assert_eq!(kind(name, Some(value)), None, "{name}={value}");
    }
    let text = with("x", Some("9")) + "t=9";
    let error = Signature::parse(text.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), Kind::ExpirationNotAfterTimestamp);
}

/// Domain names with which a query could be bent (attacks A3 to A6 of espoofer).
#[test]
fn nothing_but_host_labels_gets_into_a_query() {
    use SignatureErrorKind::{Domain, Selector};
    for bad in [
        "example.org.",
        ".example.org",
        "exa..mple.org",
        "a b.example.org",
        "(x).example.org",
        "example.org(.attacker.com",
        "\"example\".org",
        "'example'.org",
        "example.org\\.com",
        "-a.example.org",
        "a-.example.org",
        "b\u{fc}cher.example",
        "[192.0.2.1]",
        "a@example.org",
        "*.example.org",
        "a/b.example.org",
        "a,b.example.org",
        "a:b.example.org",
        "a\r\n .org",
    ] {
        assert_eq!(kind("d", Some(bad)), Some(Domain), "{bad}");
        assert_eq!(kind("s", Some(bad)), Some(Selector), "{bad}");
    }
    // A control character does not even get that far.
    for name in ["d", "s", "i"] {
        let text = with(name, Some("example.org\0.attacker.com"));
        let error = Signature::parse(text.as_bytes()).unwrap_err();
        let SignatureErrorKind::TagList(TagListErrorKind::Value) = error.kind() else {
            panic!("{error}")
        };
    }
}

proptest! {
    #[test]
    fn any_bytes(text: Vec<u8>) {
        let _ = Signature::parse(&text);
    }

    #[test]
    fn nearly_right(name in "[abcdhilqstvx]|bh", value in "[ -~]{0,40}|[A-Za-z0-9.@:/+=-]{0,40}") {
        let text = with(&name, Some(&value));
        if let Ok(signature) = Signature::parse(text.as_bytes()) {
            prop_assert!(signature.query_name().to_name().is_ok());
            let [before, after] = signature.without_signature();
            prop_assert!(before.ends_with(b"b="));
            prop_assert!(after.first().is_none_or(|&byte| byte == b';'));
        }
    }
}
