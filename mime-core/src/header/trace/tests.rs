use super::*;
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
