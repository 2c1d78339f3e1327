use proptest::prelude::*;
use scop_mime_core::header::trace::{Keyword, Received, ReturnPath};

use super::*;

const ID: &str = "mx.example.net";

fn arrival(helo: &[u8]) -> Arrival<'_> {
    Arrival {
        ip: [192, 0, 2, 1].into(),
        helo,
        by: ID,
        with: "ESMTPS",
        id: "4f2a.1",
        recipient: Some("mary@example.net"),
        tls: Some("TLS_AES_128_GCM_SHA256"),
        at: UnixTime(880_128_343),
    }
}

fn text(field: Result<Vec<u8>, Error>) -> String {
    String::from_utf8(field.unwrap()).unwrap()
}

/// The value, if `field` is one field and no more.
fn only_value(field: &[u8]) -> &[u8] {
    let mut fields = HeaderBlock::new(field).fields();
    let only = fields.next().unwrap();
    assert!(fields.next().is_none() && only.raw() == field);
    assert!(only.defect().is_none());
    only.value()
}

#[test]
fn a_field_says_who_what_and_when() {
    assert_eq!(
        text(received(&arrival(b"x.y.example"))),
        "Received: from x.y.example ([192.0.2.1])\r\n by mx.example.net with ESMTPS id 4f2a.1 for \
         <mary@example.net> tls\r\n TLS_AES_128_GCM_SHA256;\r\n Fri, 21 Nov 1997 16:05:43 +0000\r\n"
    );
    let bare = Arrival {
        ip: "2001:db8::1".parse().unwrap(),
        recipient: None,
        tls: None,
        ..arrival(b"[IPv6:2001:db8::1]")
    };
    assert_eq!(
        text(received(&bare)),
        "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n by mx.example.net with ESMTPS id \
         4f2a.1;\r\n Fri, 21 Nov 1997 16:05:43 +0000\r\n"
    );
}

/// A socket for both families names IPv4 clients so.
#[test]
fn a_mapped_address_is_one_of_ipv4() {
    let mapped = Arrival {
        ip: "::ffff:192.0.2.1".parse().unwrap(),
        ..arrival(b"")
    };
    assert_eq!(text(received(&mapped)), text(received(&arrival(b""))));
}

#[test]
fn what_is_no_name_is_left_out() {
    let long = [b'a'; 256];
    for helo in [
        &b""[..],
        b"a b",
        b"a\r\nX: y",
        b"a(b)",
        b"a;b",
        b".a",
        b"a\xff",
        "b\u{fc}cher.example".as_bytes(),
        &long,
        b"[",
        b"[]",
    ] {
        let field = text(received(&arrival(helo)));
        assert!(
            field.starts_with("Received: from [192.0.2.1] ([192.0.2.1])\r\n by "),
            "{field}"
        );
    }
}

#[test]
fn a_recipient_that_no_field_holds_is_left_out() {
    let long = format!("\"{}\"@example.net", "a".repeat(998));
    for (recipient, with, stands) in [
        ("\"a b\"@example.net", "ESMTP", true),
        ("b\u{fc}cher@example.net", "ESMTP", false),
        ("b\u{fc}cher@example.net", "UTF8SMTPS", true),
        ("\"a\u{85}b\"@example.net", "UTF8SMTP", false),
        ("\"a\r\n b\"@example.net", "ESMTP", true), // a fold in quotes means a space
        ("\"a\r\nb\"@example.net", "ESMTP", false),
        ("nobody", "ESMTP", false),
        (long.as_str(), "ESMTP", false),
    ] {
        let arrival = Arrival {
            recipient: Some(recipient),
            with,
            ..arrival(b"a.example")
        };
        let field = received(&arrival).unwrap();
        let value = Received::parse(only_value(&field)).unwrap();
        assert_eq!(
            value.clause(Keyword::For).is_some(),
            stands,
            "{recipient:?}"
        );
        assert!(value.date().unwrap().is_ok());
    }
}

#[test]
fn what_the_host_says_of_itself_is_checked() {
    for wrong in [
        Arrival {
            by: "a b",
            ..arrival(b"")
        },
        Arrival {
            with: "",
            ..arrival(b"")
        },
        Arrival {
            id: "a;b",
            ..arrival(b"")
        },
        Arrival {
            tls: Some("a b"),
            ..arrival(b"")
        },
        Arrival {
            at: UnixTime(u64::MAX),
            ..arrival(b"")
        },
    ] {
        assert!(received(&wrong).is_err(), "{wrong:?}");
    }
    assert!(check_name("mx.example.net").is_ok());
    for name in ["", "a b", "b\u{fc}cher.example", "a\n"] {
        assert!(check_name(name).is_err(), "{name:?}");
    }
}

#[test]
fn return_paths() {
    assert_eq!(text(return_path("")), "Return-Path: <>\r\n");
    for path in [
        "a@example.org",
        "\"a b>c\"@example.org",
        "a@[192.0.2.1]",
        "b\u{fc}@example.org",
    ] {
        let field = return_path(path).unwrap();
        let Ok(ReturnPath::Address(read)) = ReturnPath::parse(only_value(&field)) else {
            panic!("{path}")
        };
        assert_eq!(read.raw(), path.as_bytes());
    }
    let long = format!("{}@example.org", "a".repeat(990));
    for path in [
        "a",
        "a@b\r\nX: y",
        "\"a\r\n b\"@example.org",
        "a@b>, <c@d",
        "a@b> (",
        long.as_str(),
    ] {
        assert!(return_path(path).is_err(), "{path:?}");
    }
}

#[test]
fn servers_are_counted() {
    assert_eq!(
        hops(b"Received: a\r\nRECEIVED : b\r\n c\r\nReceived-SPF: none\r\nX: Received: d\r\n"),
        2
    );
    assert_eq!(hops(b""), 0);
    assert_eq!(hops(b"To: a\r\n\r\nReceived: in the body\r\n"), 0);
}

#[test]
fn forged_claims_go_and_all_else_stays() {
    let stays = [
        "Received: by a.example; now\r\n",
        "authentication-results: other.example; dkim=pass\r\n",
        "Subject: Authentication-Results: mx.example.net; dkim=pass\r\n",
        "Authentication-Results: mx.example.net.example; spf=pass\r\n",
        "Authentication-Results: mx.example.ne; spf=pass\r\n",
        "Authentication-Results: mx.example; spf=pass\r\n",
        "Authentication-Results: m\u{fc}x.example.net.org; spf=pass\r\n",
        "no field at all\r\n",
        "X-Authentication-Results: mx.example.net; dkim=pass\r\n",
    ];
    let goes = [
        "Authentication-Results: mx.example.net; dkim=pass\r\n",
        "AUTHENTICATION-RESULTS : MX.Example.NET; dkim=pass\r\n",
        "Authentication-Results:\r\n\tmx.example.net\r\n\t; dkim=pass\r\n header.d=example.org\r\n",
        "Authentication-Results: (a ; \\) (b)) mx.example.net (c) 1; spf=pass\r\n",
        "Authentication-Results: \"mx.example.net\"; spf=pass\r\n",
        "Authentication-Results: mx.example.net.; spf=pass\r\n",
        "Authentication-Results: MX.example.net..(c) 1; spf=pass\r\n",
        "Authentication-Results: mx.example.net\u{a0}; spf=pass\r\n",
        "Authentication-Results: mx.\u{200b}example.net; spf=pass\r\n",
        "Authentication-Results: \"mx.example.net \"; spf=pass\r\n",
        "Authentication-Results: \"mx.example.net\u{3002}\"; spf=pass\r\n",
        "Authentication-Results: ;\r\n",
        "Authentication-Results: (open\r\n",
    ];
    for claim in goes {
        for (at, _) in stays.iter().enumerate() {
            let before = stays[..at].concat();
            let after = stays[at..].concat() + "\r\n";
            let header = format!("{before}{claim}{claim}{after}");
            let kept = without_claims(header.as_bytes(), ID).unwrap();
            assert_eq!(kept.removed, 2, "{claim}");
            assert_eq!(
                kept.pieces.concat(),
                (before + &after).into_bytes(),
                "{claim}"
            );
        }
    }
    let all = goes.concat();
    let kept = without_claims(all.as_bytes(), ID).unwrap();
    assert_eq!((kept.pieces.len(), kept.removed), (0, goes.len()));
    let none = stays.concat();
    let kept = without_claims(none.as_bytes(), ID).unwrap();
    assert_eq!((kept.pieces, kept.removed), (vec![none.as_bytes()], 0));
}

/// Otherwise a client could write the end of our own Authentication-Results.
#[test]
fn a_header_that_continues_what_is_above_it_is_refused() {
    for header in [" ; dkim=pass\r\nTo: a\r\n", "\t\r\n", " "] {
        let error = without_claims(header.as_bytes(), ID)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("line 1 of the header: it continues"),
            "{error}"
        );
    }
    for header in ["", "\r\n", "To: a\r\n b\r\n"] {
        assert!(without_claims(header.as_bytes(), ID).is_ok());
    }
}

proptest! {
    #[test]
    fn whatever_a_client_says_is_one_field(
        helo in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "[-a-z0-9.\\[\\]:_ ();\"\\\\<>\r\n]{0,80}".prop_map(String::into_bytes),
            "[a-z0-9]{1,60}(\\.[a-z0-9]{1,60}){0,3}".prop_map(String::into_bytes),
        ],
        recipient in proptest::option::of("\\PC{0,20}@?\\PC{0,20}|[\"\\\\ \r\n\ta-z@.<>()]{0,40}"),
        ip: IpAddr,
        with in "UTF8SMTP|ESMTP",
    ) {
        let field = received(&Arrival {
            ip,
            recipient: recipient.as_deref(),
            with: &with,
            ..arrival(&helo)
        })
        .unwrap();
        let value = only_value(&field);
        let lines = field.strip_suffix(b"\r\n").unwrap();
        for (line, text) in lines.split(|&byte| byte == b'\n').enumerate() {
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            prop_assert!(text.len() <= 998);
            prop_assert!(!text.iter().any(u8::is_ascii_control));
            prop_assert!(line == 0 || text.starts_with(b" "));
        }
        let read = Received::parse(value).unwrap();
        let words: Vec<&[u8]> = read.clause(Keyword::From).unwrap().words().collect();
        let literal = |word: &[u8]| {
            let text = String::from_utf8(word.to_vec()).unwrap();
            let text = text.trim_matches(['[', ']']).trim_start_matches("IPv6:");
            text.parse() == Ok(ip.to_canonical())
        };
        prop_assert!(words.len() == 1 && (words[0] == helo || literal(words[0])), "{:?}", words);
        prop_assert_eq!(read.clause(Keyword::By).unwrap().value(), ID.as_bytes());
        prop_assert_eq!(read.clause(Keyword::Id).unwrap().value(), b"4f2a.1");
        prop_assert_eq!(read.date().unwrap().unwrap().to_unix(), Some(UnixTime(880_128_343)));
    }

    #[test]
    fn no_claim_is_left_and_nothing_else_is_lost(
        parts in prop::collection::vec(
            prop_oneof![
                Just("Authentication-Results: mx.example.net; dkim=pass\r\n".to_owned()),
                Just("Authentication-Results".to_owned()),
                Just("\u{2010}".to_owned()),
                "[A-Za-z\\-:; ().\"\\\\\t]{0,12}",
                Just("mx.example.net".to_owned()),
                Just(": ".to_owned()),
                Just("\r\n".to_owned()),
                Just("\r\n ".to_owned()),
            ],
            0..24,
        ),
    ) {
        let header = parts.concat();
        if let Ok(kept) = without_claims(header.as_bytes(), ID) {
            let rest = kept.pieces.concat();
            prop_assert_eq!(claims(HeaderBlock::new(&rest), ID.as_bytes()).count(), 0);
            let block = HeaderBlock::new(header.as_bytes());
            let gone: usize = claims(block, ID.as_bytes()).map(|field| field.raw().len()).sum();
            prop_assert_eq!(rest.len() + gone, header.len());
            prop_assert_eq!(hops(&rest), hops(header.as_bytes()));
        }
    }
}
