use super::KeywordErrorKind::{BadArgument, BadKeyword};
use super::*;
use crate::auth::Mechanism;
use crate::extension::{Extension, Peer};
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

fn ehlo(raw: &[u8]) -> EhloReply<'_> {
    EhloReply::new(ReplyView::parse(raw).unwrap(), &Tolerance::DEFAULT).unwrap()
}

#[test]
fn replies_of_servers() {
    // RFC 5321 D.1.
    let example =
        ehlo(b"250-foo.com greets bar.com\r\n250-8BITMIME\r\n250-SIZE\r\n250-DSN\r\n250 HELP\r\n");
    assert_eq!(example.domain(), b"foo.com");
    assert_eq!(example.greeting(), b"foo.com greets bar.com");
    let typed: Vec<_> = example
        .keywords()
        .map(|keyword| keyword.typed().unwrap())
        .collect();
    assert_eq!(
        typed,
        [
            Capability::EightBitMime,
            Capability::Size(None),
            Capability::Dsn,
            Capability::Help
        ]
    );

    // As Postfix answers, with the old form of AUTH.
    let postfix = ehlo(
        b"250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n250-STARTTLS\r\n\
          250-AUTH PLAIN LOGIN\r\n250-AUTH=PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n\
          250-SMTPUTF8\r\n250 CHUNKING\r\n",
    );
    assert_eq!(postfix.keywords().count(), 12);
    let mechanisms = MechanismSet::default()
        .with(Mechanism::Plain)
        .with(Mechanism::Login);
    for auth in postfix.keywords().filter(|keyword| keyword.is("auth")) {
        assert_eq!(auth.typed(), Ok(Capability::Auth(mechanisms)));
    }
    assert_eq!(
        postfix
            .keywords()
            .filter(|keyword| keyword.is("AUTH"))
            .count(),
        2
    );

    // As Exchange answers: a line that is no keyword, and odd ones.
    let exchange = ehlo(
        b"250-mail.example.com Hello [192.0.2.1]\r\n250-SIZE 37748736 \r\n250-X-EXPS=LOGIN\r\n250-X-ANONYMOUSTLS\r\n\
          250--ODD\r\n250-X_ODD\r\n250-\r\n250-XEXCH50\r\n250 XRDST\r\n",
    );
    let names: Vec<&[u8]> = exchange.keywords().map(|keyword| keyword.name).collect();
    assert_eq!(
        names,
        [&b"SIZE"[..], b"X-ANONYMOUSTLS", b"XEXCH50", b"XRDST"]
    );
    assert_eq!(exchange.lines().count(), 8);
    let bad: Vec<&[u8]> = exchange
        .lines()
        .filter(|line| Keyword::parse_with(line, &Tolerance::DEFAULT).is_err())
        .collect();
    assert_eq!(bad, [&b"X-EXPS=LOGIN"[..], b"-ODD", b"X_ODD", b""]);
    assert_eq!(
        exchange.find("size").unwrap().typed(),
        Ok(Capability::Size(Some(37_748_736)))
    );

    let single = ehlo(b"250 mx.example.net\r\n");
    assert_eq!(
        (single.domain(), single.keywords().count()),
        (&b"mx.example.net"[..], 0)
    );
    assert_eq!(ehlo(b"250\r\n").domain(), b"");
    let refused = ReplyView::parse(b"502 5.5.2 What?\r\n").unwrap();
    assert!(EhloReply::new(refused, &Tolerance::DEFAULT).is_none());
}

/// What an extension makes of its keyword is what the view says.
#[test]
fn a_client_reads_what_the_view_reads() {
    let line =
        |line: &'static str| Keyword::parse_with(line.as_bytes(), &Tolerance::DEFAULT).unwrap();
    for (text, limit) in [
        ("SIZE", None),
        ("SIZE 0", None),
        ("size \t 1000 ", Some(1000)),
        ("SIZE 1000KB", None),
        ("SIZE 1000 2000", None),
        ("SIZE 99999999999999999999", Some(u64::MAX)),
        ("SIZE 100000000000000000000", None),
    ] {
        let mut peer = Peer::default();
        Size(1).announced(line(text).arguments(), &mut peer);
        assert_eq!(peer.terms.max_size, limit, "{text}");
        let typed = line(text).typed();
        let told =
            matches!(typed, Ok(Capability::Size(told)) if told.filter(|&told| told > 0) == limit);
        assert!(told || typed.is_err() && limit.is_none(), "{text}");
    }
    for (text, min) in [
        ("DELIVERBY", 0),
        ("DELIVERBY 120", 120),
        ("DELIVERBY 120x", 0),
        ("DELIVERBY 9999999999", 0),
    ] {
        let mut peer = Peer::default();
        DeliverBy { min: 0 }.announced(line(text).arguments(), &mut peer);
        assert_eq!(peer.min_by_time, min, "{text}");
    }
    let extension = FutureRelease::parse(b"1 2000-01-01T00:00:00Z").unwrap();
    for (text, hold) in [
        ("FUTURERELEASE 60\t2000-01-01T00:00:00Z", Some(60)),
        ("FUTURERELEASE 60", None),
        ("FUTURERELEASE 0 2000-01-01T00:00:00Z", None),
        ("FUTURERELEASE 60 2000-01-01T00:00:00Z x", None),
    ] {
        let mut peer = Peer::default();
        extension.announced(line(text).arguments(), &mut peer);
        assert_eq!(peer.max_hold, hold, "{text}");
        assert_eq!(peer.max_hold_until.is_some(), hold.is_some(), "{text}");
        assert_eq!(line(text).typed().is_ok(), hold.is_some(), "{text}");
    }
    let mechanisms = MechanismSet::default()
        .with(Mechanism::Plain)
        .with(Mechanism::ScramSha256);
    for text in [
        "AUTH PLAIN SCRAM-SHA-256",
        "AUTH\tplain\tscram-sha-256",
        "AUTH=X PLAIN  SCRAM-SHA-256\t",
    ] {
        assert_eq!(
            line(text).typed(),
            Ok(Capability::Auth(mechanisms)),
            "{text}"
        );
    }
    assert_eq!(
        line("LIMITS\tRCPTMAX=1\tMAILMAX=2").typed(),
        line("LIMITS RCPTMAX=1 MAILMAX=2").typed()
    );
}

#[test]
fn errors_tell_the_octet_behind_trimmed_space() {
    for (line, offset) in [
        ("A b\u{1}", 3),
        ("A b\u{1} \t ", 3),
        ("A  b  c\u{e9}   ", 7),
        ("A \u{1}  ", 2),
    ] {
        let error = Keyword::parse_with(line.as_bytes(), &Tolerance::DEFAULT).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (BadArgument, offset),
            "{line:?}"
        );
    }
}

/// Names that begin alike are others.
#[test]
fn names_as_a_whole() {
    for name in [
        "8BITMIM",
        "8BITMIMEX",
        "8BITMIME-",
        "BINARYMI",
        "BINARYMIMF",
        "BINARYMIMEX",
        "CHUNKING1",
        "SMTPUTF88",
        "STARTTLSX",
        "XFORWARDS",
        "SUBMITTE",
        "SUBMITTES",
        "SIZ",
        "SIZEX",
        "0SIZE",
        "DSNDSNDSN",
        "PIPELININGX",
        "A",
        "ENHANCEDSTATUSCODEZ",
        "ENHANCEDSTATUSCODESX",
        "NO-SOLIC",
        "MT-PRIORITYMT-PRIORITYMT-PRIORITY",
    ] {
        let keyword = Keyword::parse(name.as_bytes()).unwrap();
        assert_eq!(keyword.typed(), Ok(Capability::Other(keyword)), "{name}");
    }
}

#[test]
fn typed_arguments() {
    let typed = |line: &'static str| {
        let keyword = Keyword::parse(line.as_bytes()).unwrap();
        keyword
            .typed()
            .map_err(|error| (error.kind(), error.offset()))
    };
    let limits = |transactions, recipients, domains| {
        Ok(Capability::Limits(Limits {
            transactions,
            recipients,
            domains,
        }))
    };
    let bad = |offset| Err((KeywordErrorKind::BadArguments, offset));
    assert_eq!(typed("size 0"), Ok(Capability::Size(Some(0))));
    assert_eq!(
        typed("Enhancedstatuscodes"),
        Ok(Capability::EnhancedStatusCodes)
    );
    assert_eq!(typed("SIZE -1"), bad(4));
    assert_eq!(typed("SIZE 1 2"), bad(4));
    assert_eq!(
        typed("SIZE 18446744073709551615"),
        Ok(Capability::Size(Some(u64::MAX)))
    );
    assert_eq!(typed("DELIVERBY"), Ok(Capability::DeliverBy(None)));
    assert_eq!(
        typed("DELIVERBY 999999999"),
        Ok(Capability::DeliverBy(Some(999_999_999)))
    );
    assert_eq!(typed("DELIVERBY 1000000000"), bad(9));
    assert_eq!(typed("DELIVERBY x"), bad(9));
    assert_eq!(
        typed("MT-PRIORITY STANAG4406"),
        Ok(Capability::MtPriority(Some(b"STANAG4406")))
    );
    assert_eq!(typed("MT-PRIORITY"), Ok(Capability::MtPriority(None)));
    // RFC 9422 3: the second value is malformed, the name behind it not known.
    assert_eq!(
        typed("LIMITS RCPTMAX=20 MAILMAX=05 XMAX=1 RCPTDOMAINMAX=1"),
        limits(None, Some(20), Some(1))
    );
    assert_eq!(
        typed("LIMITS mailmax=999999 RCPTMAX=1000000"),
        limits(Some(999_999), None, None)
    );
    assert_eq!(
        typed("LIMITS MAILMAX RCPTMAX= RCPTDOMAINMAX=1x"),
        limits(None, None, None)
    );
    assert_eq!(typed("LIMITS"), limits(None, None, None));
    // RFC 4865 4.
    let Ok(Capability::FutureRelease {
        max_interval,
        max_time,
    }) = typed("FUTURERELEASE 86400 2008-02-28T09:00:00Z")
    else {
        panic!("not read");
    };
    assert_eq!(max_interval.seconds(), 86_400);
    assert_eq!(
        max_time.to_unix(),
        Timestamp::parse(b"2008-02-28T10:00:00+01:00")
            .unwrap()
            .to_unix()
    );
    assert_eq!(typed("FUTURERELEASE 86400"), bad(13));
    assert_eq!(typed("FUTURERELEASE 86400 tomorrow"), bad(13));
    assert_eq!(typed("FUTURERELEASE 0 2008-02-28T09:00:00Z"), bad(13));
    for line in [
        "STARTTLSX",
        "ENHANCEDSTATUSCODESX",
        "XNHANCEDSTATUSCODES",
        "0000000000000SIZE",
        "X",
        "SIZ",
    ] {
        assert!(matches!(typed(line), Ok(Capability::Other(keyword)) if keyword.is(line)));
    }
    let Ok(Capability::XClient(xclient)) = typed("XCLIENT NAME ADDR PORT") else {
        panic!("not read");
    };
    assert!(xclient.words().eq([&b"NAME"[..], b"ADDR", b"PORT"]));
}

type Arguments = Result<&'static str, (KeywordErrorKind, usize)>;

/// The arguments of a line by the grammar alone, with wide space, with trailing space.
const TOLERATED: &[(&str, Arguments, Arguments, Arguments)] = &[
    ("AUTH A B", Ok("A B"), Ok("A B"), Ok("A B")),
    ("AUTH", Ok(""), Ok(""), Ok("")),
    (
        "AUTH ",
        Err((BadArgument, 5)),
        Err((BadArgument, 5)),
        Ok(""),
    ),
    (
        "AUTH A ",
        Err((BadArgument, 7)),
        Err((BadArgument, 7)),
        Ok("A"),
    ),
    (
        "AUTH  A",
        Err((BadArgument, 5)),
        Ok("A"),
        Err((BadArgument, 5)),
    ),
    (
        "AUTH A  B",
        Err((BadArgument, 7)),
        Ok("A  B"),
        Err((BadArgument, 7)),
    ),
    (
        "AUTH\tA",
        Err((BadKeyword, 4)),
        Ok("A"),
        Err((BadKeyword, 4)),
    ),
    (
        "AUTH A\tB",
        Err((BadArgument, 6)),
        Ok("A\tB"),
        Err((BadArgument, 6)),
    ),
    (
        "AUTH=A",
        Err((BadKeyword, 4)),
        Err((BadKeyword, 4)),
        Err((BadKeyword, 4)),
    ),
    (
        "AUTH \u{e9}",
        Err((BadArgument, 5)),
        Err((BadArgument, 5)),
        Err((BadArgument, 5)),
    ),
    (
        "AUTH A\x1b",
        Err((BadArgument, 6)),
        Err((BadArgument, 6)),
        Err((BadArgument, 6)),
    ),
    (
        "-AUTH",
        Err((BadKeyword, 0)),
        Err((BadKeyword, 0)),
        Err((BadKeyword, 0)),
    ),
    (
        " AUTH",
        Err((BadKeyword, 0)),
        Err((BadKeyword, 0)),
        Err((BadKeyword, 0)),
    ),
    (
        "",
        Err((BadKeyword, 0)),
        Err((BadKeyword, 0)),
        Err((BadKeyword, 0)),
    ),
    (
        "A_B",
        Err((BadKeyword, 1)),
        Err((BadKeyword, 1)),
        Err((BadKeyword, 1)),
    ),
];

#[test]
fn tolerances() {
    let mut wide = Tolerance::STRICT;
    wide.wide_space = true;
    let mut trailing = Tolerance::STRICT;
    trailing.trailing_space = true;
    for (line, in_strict, in_wide, in_trailing) in TOLERATED {
        for (tolerance, expected) in [
            (Tolerance::STRICT, in_strict),
            (wide, in_wide),
            (trailing, in_trailing),
        ] {
            let keyword = Keyword::parse_with(line.as_bytes(), &tolerance);
            let seen = keyword
                .map(|keyword| core::str::from_utf8(keyword.arguments).unwrap())
                .map_err(|error| (error.kind(), error.offset()));
            assert_eq!(seen, *expected, "{line:?}");
        }
    }
}

/// Keyword and words by another way: the strings of the standard library.
fn naive(line: &str, tolerance: Tolerance) -> Option<(String, Vec<String>)> {
    let mut line = String::from(line);
    if tolerance.old_auth && line.to_ascii_uppercase().starts_with("AUTH=") {
        line.replace_range(4..5, " ");
    }
    let words: Vec<&str> = if tolerance.wide_space {
        line.split([' ', '\t']).collect()
    } else {
        line.split(' ').collect()
    };
    let (name, mut words) = words.split_first()?;
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !starts || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    if tolerance.trailing_space {
        while let [before @ .., ""] = words {
            words = before;
        }
    } else if words.last() == Some(&"") {
        return None;
    }
    if words.contains(&"") && !tolerance.wide_space {
        return None;
    }
    let words: Vec<String> = words
        .iter()
        .filter(|word| !word.is_empty())
        .map(|word| String::from(*word))
        .collect();
    let good = words
        .iter()
        .all(|word| word.bytes().all(|octet| matches!(octet, 33..=126)));
    good.then(|| (String::from(*name), words))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_naive_reader_agrees(
        line in "(AUTH|auth|SIZE|X-1)?[A-Za-z0-9 =\\-\t_\x01é]{0,6}[ A1]{0,4}",
        trailing_space: bool,
        wide_space: bool,
        old_auth: bool,
    ) {
        let mut tolerance = Tolerance::STRICT;
        tolerance.trailing_space = trailing_space;
        tolerance.wide_space = wide_space;
        tolerance.old_auth = old_auth;
        // Trailing tabs are white space to the one, and what is wide to the other.
        prop_assume!(wide_space || !line.contains('\t'));
        let seen = Keyword::parse_with(line.as_bytes(), &tolerance).ok().map(|keyword| {
            let _ = keyword.typed();
            let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
            (text(keyword.name), keyword.words().map(text).collect::<Vec<_>>())
        });
        prop_assert_eq!(seen, naive(&line, tolerance));
    }
}
