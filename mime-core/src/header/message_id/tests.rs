use super::*;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// The canonical identifiers of a list.
fn outline(value: &[u8]) -> Result<String, (MessageIdErrorKind, usize)> {
    let ids = MessageIds::parse(value).map_err(|error| (error.kind(), error.offset()))?;
    Ok(ids
        .iter()
        .map(|id| id.to_string())
        .collect::<Vec<_>>()
        .join(" "))
}

#[test]
fn identifiers() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        // RFC 5322 A.1.1, A.2, A.5, A.6.3
        (b"<1234@local.machine.example>", "<1234@local.machine.example>"),
        (b" <1234@local.machine.example> <3456@example.net>", "<1234@local.machine.example> <3456@example.net>"),
        (b"              <testabcd.1234@silly.test>", "<testabcd.1234@silly.test>"),
        (b"  <1234   @   local(blah)  .machine .example>", "<1234@local.machine.example>"),
        (b"<5678.21-Nov-1997@example.com>", "<5678.21-Nov-1997@example.com>"),
        // Obsolete left sides, literals, no gap between.
        (b"<\"a b\"@[1.2.3.4]><c@d>", "<\"a b\"@[1.2.3.4]> <c@d>"),
        (b"<\"a\".b@c>", "<a.b@c>"),
        // Words between.
        (b"Your message of \"1 May\" Dr. X <a@b> (yes)\r\n <c@d> again", "<a@b> <c@d>"),
    ];
    for (value, canonical) in cases {
        assert_eq!(outline(value).as_deref(), Ok(*canonical));
        assert_eq!(outline(canonical.as_bytes()).as_deref(), Ok(*canonical));
    }
}

#[test]
fn errors_name_the_rule_and_the_byte() {
    use MessageIdErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], MessageIdErrorKind, usize)] = &[
        (b"", NoId, 0),
        (b"words only", NoId, 10),
        (b"<>", BadId, 1),
        (b"<a>", BadId, 2),
        (b"<a@>", BadId, 3),
        (b"<a@b@c>", NoAngleEnd, 4),
        (b"<a@b", NoAngleEnd, 4),
        (b"<a..b@c>", BadId, 3),
        (b"a@b", TextAfterId, 1),
        (b"<a@b>, <c@d>", TextAfterId, 5),
        (b"<a@b>>", TextAfterId, 5),
        (b"<a@b> (", Lexical(LexicalErrorKind::UnclosedComment), 6),
        (b"\xe9 <a@b>", Lexical(LexicalErrorKind::NotUtf8), 0),
    ];
    for (value, kind, offset) in cases {
        assert_eq!(
            outline(value),
            Err((*kind, *offset)),
            "{}",
            value.escape_ascii()
        );
    }
}

#[test]
fn one_identifier() {
    let one = |value| MessageId::parse(value).map_err(|error| (error.kind(), error.offset()));
    let id = one(b" (x) <a@b> ").unwrap();
    assert_eq!((id.raw(), id.offset()), (&b"<a@b>"[..], 5));
    assert_eq!(
        one(b"<a@b> <c@d>"),
        Err((MessageIdErrorKind::TextAfterId, 6))
    );
    assert_eq!(one(b"a@b"), Err((MessageIdErrorKind::NoId, 0)));
    assert_eq!(one(b"<\"a\" @ b>"), one(b"<a@b>"));
    assert_ne!(one(b"<a@B>"), one(b"<a@b>"));
}

#[test]
fn what_stands_before_an_error() {
    let (ids, rest) = MessageIds::parse_prefix(b"<a@b> <c@d>, <e@f>");
    assert_eq!(
        (ids.iter().count(), ids.raw(), rest),
        (2, &b"<a@b> <c@d>"[..], &b", <e@f>"[..])
    );
    let (ids, rest) = MessageIds::parse_prefix(b"a@b");
    assert_eq!((ids.iter().count(), rest), (0, &b"a@b"[..]));
}

proptest! {
    #[test]
    fn any_bytes(value: Vec<u8>) {
        let _ = MessageIds::parse(&value);
    }

    #[test]
    fn tokens(value in "(<a@b>|<\"c\" @d\\.e>|[ab<>@., ]|\"x\"|\\(y\\)|\r\n ){0,10}") {
        let value = value.as_bytes();
        let (prefix, rest) = MessageIds::parse_prefix(value);
        prop_assert_eq!([prefix.raw(), rest].concat(), value);
        for id in prefix.iter() {
            prop_assert_eq!(&value[id.offset()..][..id.raw().len()], id.raw());
        }
        if let Ok(ids) = MessageIds::parse(value) {
            prop_assert!(ids.iter().eq(prefix.iter()));
            let canonical = ids.to_vec();
            prop_assert!(MessageIds::parse(&canonical).unwrap().iter().eq(ids.iter()));
        }
    }
}
