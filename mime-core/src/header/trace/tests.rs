use super::*;
use crate::header::scan::HeaderBlock;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// `Keyword=word word (comment)` of each clause, joined by `; `, then the date.
fn outline(value: &[u8]) -> Result<String, (ReceivedErrorKind, usize)> {
    let received = Received::parse(value).map_err(|error| (error.kind(), error.offset()))?;
    let clauses: Vec<String> = received
        .clauses()
        .map(|clause| {
            let words = clause.words().map(|word| word.escape_ascii().to_string());
            let comments = clause
                .comments()
                .map(|comment| comment.raw().escape_ascii().to_string());
            let parts: Vec<String> = words.chain(comments).collect();
            let keyword = clause
                .keyword()
                .map_or("-".into(), |keyword| std::format!("{keyword:?}"));
            std::format!("{keyword}={}", parts.join(" "))
        })
        .collect();
    let date = match received.date() {
        None => "no date".into(),
        Some(Ok(date)) => date.to_string(),
        Some(Err(error)) => std::format!("{:?}", error.kind()),
    };
    Ok(clauses.join("; ") + " | " + &date)
}

#[test]
fn received() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        // RFC 5322 A.4
        (b" from x.y.test\r\n   by example.net\r\n   via TCP\r\n   with ESMTP\r\n   id ABC12345\r\n   for <mary@example.net>;  21 Nov 1997 10:05:43 -0600",
         "From=x.y.test; By=example.net; Via=TCP; With=ESMTP; Id=ABC12345; For=<mary@example.net> | Fri, 21 Nov 1997 10:05:43 -0600"),
        (b" from node.example by x.y.test; 21 Nov 1997 10:01:22 -0600", "From=node.example; By=x.y.test | Fri, 21 Nov 1997 10:01:22 -0600"),
        // RFC 5321 D.3
        (b" from bar.com by foo.com ; Thu, 21 May 1998 05:33:29 -0700", "From=bar.com; By=foo.com | Thu, 21 May 1998 05:33:29 -0700"),
        // As real programs write it.
        (b" from mail.x ([192.0.2.1] helo=a;b) by y with esmtps (TLS1.3) tls TLS_AES_256 (Exim 4.92) (envelope-from <a@b>) id 1a-B for c@d; Thu, 21 May 1998 05:33:29 -0700",
         "From=mail.x ([192.0.2.1] helo=a;b); By=y; With=esmtps (TLS1.3); Tls=TLS_AES_256 (Exim 4.92) (envelope-from <a@b>); Id=1a-B; For=c@d | Thu, 21 May 1998 05:33:29 -0700"),
        (b" by 2002:aa7:cd10:0:b0:45c with SMTP id b16.81;\r\n\tMon, 10 Oct 2022 10:31:15 -0700 (PDT)",
         "By=2002:aa7:cd10:0:b0:45c; With=SMTP; Id=b16.81 | Mon, 10 Oct 2022 10:31:15 -0700"),
        (b" from A (1.2.3.4) by B (5.6.7.8) with Microsoft SMTP Server (version=TLS1_2) id 15.20; Mon, 10 Oct 2022 10:31:15 +0000",
         "From=A (1.2.3.4); By=B (5.6.7.8); With=Microsoft SMTP Server (version=TLS1_2); Id=15.20 | Mon, 10 Oct 2022 10:31:15 +0000"),
        (b" (qmail 1234 invoked by uid 89); 21 Nov 1997 10:05:43 -0000", " | Fri, 21 Nov 1997 10:05:43 -0000"),
        (b" (x) odd words FROM from by with by id; no date", "-=odd words; From=from; By=with; By=id | BadWeekday"),
        (b" from \"a b;c\"@d by; ; 1 Jan 2000 00:00 GMT", "From=\\\"a b;c\\\"@d; By= | Sat, 1 Jan 2000 00:00:00 +0000"),
        (b" from x", "From=x | no date"),
        (b"", " | no date"),
        (b";", " | BadDay"),
    ];
    for (value, expected) in cases {
        assert_eq!(
            outline(value).as_deref(),
            Ok(*expected),
            "{}",
            value.escape_ascii()
        );
    }
}

#[test]
fn what_does_not_end() {
    use LexicalErrorKind::*;
    use ReceivedErrorKind::*;
    assert_eq!(outline(b"from (x"), Err((Lexical(UnclosedComment), 5)));
    assert_eq!(
        outline(b"from \"x"),
        Err((Lexical(UnclosedQuotedString), 5))
    );
    assert_eq!(outline(b"for <x"), Err((NoAngleEnd, 4)));
}

#[test]
fn the_address_of_the_peer() {
    let literal = |value: &'static [u8]| {
        let received = Received::parse(value).unwrap();
        received.clause(Keyword::From).unwrap().address_literal()
    };
    assert_eq!(
        literal(b"from a (b [192.0.2.1]) by c [9]"),
        Some(&b"192.0.2.1"[..])
    );
    assert_eq!(
        literal(b"from a (x) ([IPv6:::1]:25)"),
        Some(&b"IPv6:::1"[..])
    );
    assert_eq!(
        literal(b"from [192.0.2.1] (helo=x)"),
        Some(&b"192.0.2.1"[..])
    );
    assert_eq!(literal(b"from a (192.0.2.1) by [c]"), None);
}

/// What a client says with HELO stands before what the server knows, and must not hide or replace it.
#[test]
fn a_word_cannot_hide_the_comment_behind_it() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        (b"from [x (real [192.0.2.1]) by y", "From=[x (real [192.0.2.1]); By=y | no date"),
        (b"from a[b (real [192.0.2.1]) by ]", "From=a[b (real [192.0.2.1]); By=] | no date"),
        (b"from <(> (real [192.0.2.1]) by y", "From=<(> (real [192.0.2.1]); By=y | no date"),
        (b"from <(>[6.6.6.6]) (real [192.0.2.1]) by y", "From=<(>[6.6.6.6]) (real [192.0.2.1]); By=y | no date"),
        (b"from \"(\"[6.6.6.6]) (real [192.0.2.1]) by y", "From=\\\"(\\\"[6.6.6.6]) (real [192.0.2.1]); By=y | no date"),
    ];
    for (value, expected) in cases {
        assert_eq!(outline(value).as_deref(), Ok(*expected));
        let received = Received::parse(value).unwrap();
        let from = received.clause(Keyword::From).unwrap();
        assert_eq!(from.address_literal(), Some(&b"192.0.2.1"[..]));
    }
}

#[test]
fn return_path() {
    let path = |value: &'static [u8]| {
        let path = ReturnPath::parse(value);
        path.map(|path| path.to_string())
            .map_err(|error| (error.kind(), error.offset()))
    };
    assert_eq!(path(b" <> (null)").as_deref(), Ok("<>"));
    assert_eq!(path(b"<(x) >").as_deref(), Ok("<>"));
    assert_eq!(path(b" < a@b > ").as_deref(), Ok("<a@b>"));
    assert_eq!(path(b"<@x:a@b>").as_deref(), Ok("<a@b>"));
    assert_eq!(path(b"a@b"), Err((AddressErrorKind::Unexpected, 0)));
    assert_eq!(path(b""), Err((AddressErrorKind::Unexpected, 0)));
    assert_eq!(path(b"<> x"), Err((AddressErrorKind::TextAfterAddress, 3)));
    assert_eq!(
        path(b"<a@b>, <c@d>"),
        Err((AddressErrorKind::TextAfterAddress, 5))
    );
    assert_eq!(path(b"<a>"), Err((AddressErrorKind::NoAtSign, 2)));
}

/// Clauses are in order, and what lies before the first one is a gap; words and comments are inside.
fn check(value: &[u8]) {
    let Ok(received) = Received::parse(value) else {
        return;
    };
    let mut end = 0;
    for clause in received.clauses() {
        let raw = clause.raw();
        assert_eq!(&value[clause.offset()..][..raw.len()], raw);
        check_gap(&value[end..clause.offset()]);
        end = clause.offset() + raw.len();
        assert!(
            clause
                .words()
                .chain(clause.comments().map(|c| c.raw()))
                .all(|part| !part.is_empty())
        );
    }
    let date = received.date_raw().map_or(0, |date| date.len() + 1);
    check_gap(&value[end..value.len() - date]);
}

/// White space, comments and semicolons are all that no clause has.
fn check_gap(bytes: &[u8]) {
    let mut gap = Cursor::new(bytes);
    while skip_cfws(&mut gap).is_ok() && gap.skip_byte(b';') {}
    assert!(gap.is_at_end(), "{}", bytes.escape_ascii());
}

proptest! {
    #[test]
    fn any_bytes(value: Vec<u8>) {
        check(&value);
        let _ = ReturnPath::parse(&value);
    }

    #[test]
    fn tokens(value in "(from|by|with|id|for| |;|\\(x\\)|<a@b>|\"y\"|\r\n |\n|[ab.@\\[\\]:)]){0,14}") {
        check(value.as_bytes());
    }
}

fn date() -> DateTime {
    DateTime::parse(b"Fri, 21 Nov 1997 10:05:43 -0600").unwrap()
}

fn stamp(by: &[u8]) -> Stamp<'_> {
    Stamp::new(by, date())
}

fn client<'a>(name: Option<&'a [u8]>, reverse: Option<&'a [u8]>) -> Client<'a> {
    Client {
        name,
        reverse,
        ip: [192, 0, 2, 1].into(),
    }
}

#[test]
fn stamps_are_read_back() {
    let mut full = stamp(b"mx.example.net");
    full.from = Some(client(Some(b"[192.0.2.9]"), Some(b"a.example.org")));
    full.via = Some(b"TCP");
    full.with = Some(b"ESMTPSA");
    full.id = Some(b"<1@example.net>");
    full.recipient = Some(AddrSpec::parse(b"\"a b\"@example.net").unwrap());
    full.tls = Some(b"TLS_AES_128_GCM_SHA256");
    let mut out = Vec::new();
    full.write(&mut out).unwrap();
    assert_eq!(
        core::str::from_utf8(&out).unwrap(),
        "Received: from [192.0.2.9] (a.example.org [192.0.2.1])\r\n by mx.example.net via TCP with \
         ESMTPSA id <1@example.net> for <\"a\r\n b\"@example.net> tls TLS_AES_128_GCM_SHA256;\r\n \
         Fri, 21 Nov 1997 10:05:43 -0600\r\n"
    );
    let field = HeaderBlock::new(&out).fields().next().unwrap();
    let received = Received::parse(field.value()).unwrap();
    let read: Vec<_> = received
        .clauses()
        .map(|clause| (clause.keyword().unwrap(), clause.value()))
        .collect();
    let expected: [(Keyword, &[u8]); 7] = [
        (Keyword::From, b"[192.0.2.9]"),
        (Keyword::By, b"mx.example.net"),
        (Keyword::Via, b"TCP"),
        (Keyword::With, b"ESMTPSA"),
        (Keyword::Id, b"<1@example.net>"),
        (Keyword::For, b"<\"a\r\n b\"@example.net>"),
        (Keyword::Tls, b"TLS_AES_128_GCM_SHA256"),
    ];
    assert_eq!(read, expected);
    let from = received.clause(Keyword::From).unwrap();
    assert_eq!(from.address_literal(), Some(&b"192.0.2.1"[..]));
    assert_eq!(received.date(), Some(Ok(date())));

    let mut bare = stamp(b"mx");
    bare.from = Some(Client {
        name: None,
        reverse: None,
        ip: "2001:db8::1".parse().unwrap(),
    });
    let mut out = Vec::new();
    bare.write(&mut out).unwrap();
    let text = core::str::from_utf8(&out).unwrap();
    assert!(
        text.starts_with("Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n by mx;\r\n ")
    );
}

/// A local part may hold anything, in quotes.
#[test]
fn a_recipient_is_one_word() {
    for address in [
        &b"\"> by x with y; z\"@example.net"[..],
        b"\"<(\"@example.net",
        b"\"\\\"\"@example.net",
    ] {
        let mut stamp = stamp(b"mx");
        stamp.recipient = Some(AddrSpec::parse(address).unwrap());
        let mut out = Vec::new();
        stamp.write(&mut out).unwrap();
        let field = HeaderBlock::new(&out).fields().next().unwrap();
        let received = Received::parse(field.value()).unwrap();
        assert_eq!(received.clauses().count(), 2, "{address:?}");
        assert_eq!(received.clause(Keyword::By).unwrap().value(), b"mx");
        assert_eq!(received.date(), Some(Ok(date())));
    }
    // Quotes that are not those of a local part mean nothing.
    let received = Received::parse(b"for <\"a> by \"b\"").unwrap();
    assert_eq!(received.clause(Keyword::For).unwrap().value(), b"<\"a>");
}

#[test]
fn stamps_that_are_refused() {
    let write = |stamp: Stamp<'_>| stamp.write(&mut Vec::new());
    let long = [b'a'; 1000];
    for name in [
        &b""[..],
        b"a b",
        b"a..b",
        b"a.",
        b"a\r\nX: y",
        b"a;b",
        b"a(b)",
        b"<a>",
        b"a\x7f",
        b"\xff",
        b"\xc2\x85",
        b"[a b]",
        b"[]",
        b"[a]b]",
        b"[(]",
        b"[;]",
        b"[\"]",
        b"[<]",
        b"[a\x00]",
        b"a=b",
    ] {
        assert_eq!(write(stamp(name)), Err(StampError::BadDomain), "{name:?}");
        let mut with = stamp(b"mx");
        with.from = Some(client(Some(name), None));
        assert_eq!(write(with), Err(StampError::BadDomain), "{name:?}");
        with.from = Some(client(None, Some(name)));
        assert_eq!(write(with), Err(StampError::BadDomain), "{name:?}");
    }
    for name in [
        &b"a_b.example"[..],
        "b\u{fc}cher.example".as_bytes(),
        b"[IPv6:::1]",
    ] {
        assert_eq!(write(stamp(name)), Ok(()), "{name:?}");
    }
    for atom in [
        &b""[..],
        b"ESMTP S",
        b"a.b",
        b"a;",
        b"a\n b",
        b"(a)",
        b"\xc3\xa9",
    ] {
        let mut with = stamp(b"mx");
        with.with = Some(atom);
        assert_eq!(write(with), Err(StampError::BadAtom), "{atom:?}");
        (with.with, with.via) = (None, Some(atom));
        assert_eq!(write(with), Err(StampError::BadAtom), "{atom:?}");
        (with.via, with.tls) = (None, Some(atom));
        assert_eq!(write(with), Err(StampError::BadAtom), "{atom:?}");
    }
    for id in [
        &b""[..],
        b"a b",
        b"<a>",
        b"<a@b> ",
        b"a@b",
        b"(a)",
        b"a\r\n b",
        b"<a@\r\n b>",
    ] {
        let mut with = stamp(b"mx");
        with.id = Some(id);
        assert_eq!(write(with), Err(StampError::BadId), "{id:?}");
    }
    let mut with = stamp(b"mx");
    with.recipient = Some(AddrSpec::parse(b"\"a\x01\"@b").unwrap());
    assert_eq!(write(with), Err(StampError::Control));
    assert_eq!(write(stamp(&long)), Err(StampError::LineTooLong));
    let mut small = [0; 8];
    let mut sink = scop_core::SliceSink::new(&mut small);
    assert_eq!(stamp(b"mx").write(&mut sink), Err(StampError::Full));
}

proptest! {
    /// Whatever a client says, what is written is one field that is read as it was meant.
    #[test]
    fn any_client(name: Vec<u8>, id in "[ -~]{0,8}", with in "[ -~]{0,8}") {
        let mut stamp = stamp(b"by");
        stamp.from = Some(client(Some(&name), None));
        stamp.id = Some(id.as_bytes());
        stamp.with = Some(with.as_bytes());
        let mut out = Vec::new();
        if stamp.write(&mut out).is_ok() {
            let mut fields = HeaderBlock::new(&out).fields();
            let field = fields.next().unwrap();
            prop_assert!(fields.next().is_none());
            let received = Received::parse(field.value()).unwrap();
            let value = |keyword| received.clause(keyword).unwrap().value();
            prop_assert_eq!(value(Keyword::From), &name[..]);
            prop_assert_eq!(value(Keyword::Id), id.as_bytes());
            prop_assert_eq!(value(Keyword::With), with.as_bytes());
            prop_assert_eq!(received.clauses().count(), 4);
            prop_assert_eq!(received.date(), Some(Ok(date())));
        }
    }
}
