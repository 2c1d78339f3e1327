use super::*;
use proptest::prelude::*;
use scop_mime_core::AddrSpec;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

mod naive;

/// What was read, on one line: route, local part without quotes, domain.
fn outline(mailbox: Mailbox<'_>) -> String {
    let domain = match mailbox.domain() {
        Domain::Name(name) => format!("name {name}"),
        Domain::V4(ip) => format!("v4 {ip}"),
        Domain::V6(ip) => format!("v6 {ip}"),
        Domain::Tagged(tagged) => {
            let text = |bytes| String::from_utf8(Vec::from(bytes)).unwrap();
            format!("tag {} {}", text(tagged.tag()), text(tagged.content()))
        }
    };
    format!("{}|{domain}", mailbox.local_part().text())
}

#[test]
fn mailboxes() {
    // As written, what it means, canonical.
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str)] = &[
        // RFC 5321 appendix D
        ("Smith@bar.com", "Smith|name bar.com", "Smith@bar.com"),
        ("Jones@XYZ.COM", "Jones|name XYZ.COM", "Jones@XYZ.COM"),
        ("user+mailbox/department=shipping@example.com", "user+mailbox/department=shipping|name example.com", "user+mailbox/department=shipping@example.com"),
        ("!#$%&'*+-/=?^_`.{|}~@example.com", "!#$%&'*+-/=?^_`.{|}~|name example.com", "!#$%&'*+-/=?^_`.{|}~@example.com"),
        ("a@b", "a|name b", "a@b"),
        ("a@1-2.3", "a|name 1-2.3", "a@1-2.3"),
        ("a@xn--bcher-kva.example", "a|name xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        // Quoted: only what must be stays quoted.
        ("\"joe\"@a.b", "joe|name a.b", "joe@a.b"),
        ("\"joe.q\"@a.b", "joe.q|name a.b", "joe.q@a.b"),
        ("\"j\\oe\"@a.b", "joe|name a.b", "joe@a.b"),
        ("\"joe public\"@a.b", "joe public|name a.b", "\"joe public\"@a.b"),
        ("\"\\ \\@\\\"\\\\\"@a.b", " @\"\\|name a.b", "\" @\\\"\\\\\"@a.b"),
        ("\"\\~ \\!~\"@a.b", "~ !~|name a.b", "\"~ !~\"@a.b"),
        ("\"\"@a.b", "|name a.b", "\"\"@a.b"),
        ("\".a\"@a.b", ".a|name a.b", "\".a\"@a.b"),
        ("\"a.\"@a.b", "a.|name a.b", "\"a.\"@a.b"),
        ("\"a..b\"@a.b", "a..b|name a.b", "\"a..b\"@a.b"),
        ("\"<a@b>\"@a.b", "<a@b>|name a.b", "\"<a@b>\"@a.b"),
        // Literals
        ("a@[192.0.2.1]", "a|v4 192.0.2.1", "a@[192.0.2.1]"),
        ("a@[IPv6:2001:DB8:0:0::1]", "a|v6 2001:db8::1", "a@[IPv6:2001:db8::1]"),
        ("a@[ipV6:2001:db8::192.0.2.1]", "a|v6 2001:db8::c000:201", "a@[IPv6:2001:db8::c000:201]"),
        ("a@[X-y:!~:]", "a|tag X-y !~:", "a@[X-y:!~:]"),
        ("a@[2001:db8::1]", "a|tag 2001 db8::1", "a@[2001:db8::1]"),
        // RFC 6531
        ("j\u{f6}rg@b\u{fc}cher.example", "j\u{f6}rg|name b\u{fc}cher.example", "j\u{f6}rg@b\u{fc}cher.example"),
        ("\"j\u{f6}rg\"@a.b", "j\u{f6}rg|name a.b", "j\u{f6}rg@a.b"),
        ("\"\u{f6} \\\"\u{1f600}\"@a.b", "\u{f6} \"\u{1f600}|name a.b", "\"\u{f6} \\\"\u{1f600}\"@a.b"),
    ];
    for (raw, meaning, canonical) in cases {
        let mailbox = Mailbox::parse(raw.as_bytes()).unwrap();
        assert_eq!(mailbox.raw(), raw.as_bytes());
        assert_eq!(mailbox.as_str(), *raw);
        assert_eq!(&outline(mailbox), meaning, "{raw}");
        assert_eq!(&mailbox.to_string(), canonical);
        assert_eq!(mailbox.is_ascii(), raw.is_ascii());
        let again = Mailbox::parse(canonical.as_bytes()).unwrap();
        assert_eq!(again, mailbox);
        assert_eq!(&again.to_string(), canonical);
    }
}

#[test]
fn paths() {
    // As written, the domains of its route, canonical.
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str)] = &[
        ("<a@b>", "", "<a@b>"),
        // RFC 5321 3.6.1, 4.1.1.3 and C
        ("<@hosta.int,@jkl.org:userc@d.bar.org>", "hosta.int jkl.org", "<@hosta.int,@jkl.org:userc@d.bar.org>"),
        ("<@A:\"b\"@c>", "A", "<@A:b@c>"),
        ("<@b\u{fc}cher.example:a@b>", "b\u{fc}cher.example", "<@b\u{fc}cher.example:a@b>"),
        ("<\"a>b\"@c>", "", "<\"a>b\"@c>"),
        ("<a@[IPv6:0::]>", "", "<a@[IPv6:::]>"),
    ];
    for (raw, domains, canonical) in cases {
        let reverse = ReversePath::parse(raw.as_bytes()).unwrap();
        let forward = ForwardPath::parse(raw.as_bytes()).unwrap();
        assert_eq!(reverse.mailbox(), forward.mailbox());
        assert_eq!(
            (&reverse.to_string(), &forward.to_string()),
            (&(*canonical).into(), &(*canonical).into())
        );
        assert_eq!(
            (reverse.is_ascii(), forward.is_ascii()),
            (raw.is_ascii(), raw.is_ascii())
        );
        assert_eq!(ReversePath::parse(canonical.as_bytes()), Ok(reverse));
        assert_eq!(ForwardPath::parse(canonical.as_bytes()), Ok(forward));
        let (ReversePath::Mailbox { route, .. }, ForwardPath::Mailbox { route: other, .. }) =
            (reverse, forward)
        else {
            panic!()
        };
        let names: Vec<String> = route.domains().map(|name| name.to_string()).collect();
        assert_eq!((names.join(" ").as_str(), route), (*domains, other));
        assert_eq!(Route::parse(route.raw()), Ok(route));
        let rest = (*raw).to_string() + "> x";
        let (path, rest) = ReversePath::parse_prefix(rest.as_bytes()).unwrap();
        assert_eq!((path, rest), (reverse, &b"> x"[..]));
    }
    assert_eq!(ReversePath::parse(b"<>"), Ok(ReversePath::Null));
    assert_eq!(
        ReversePath::parse_prefix(b"<> x"),
        Ok((ReversePath::Null, &b" x"[..]))
    );
    assert_eq!(
        ForwardPath::parse_prefix(b"<postMASTER>x"),
        Ok((ForwardPath::Postmaster, &b"x"[..]))
    );
    assert_eq!(ForwardPath::Postmaster.to_string(), "<Postmaster>");
    assert_eq!(ReversePath::Null.to_string(), "<>");
    let mailbox = Mailbox::parse(b"a@b").unwrap();
    assert_eq!(ReversePath::from(mailbox).to_string(), "<a@b>");
    assert_eq!(ForwardPath::from(mailbox).to_string(), "<a@b>");
}

#[test]
fn errors_name_the_rule_and_the_byte() {
    use PathErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], PathErrorKind, usize)] = &[
        (b"", NoAngle, 0),
        (b"a@b", NoAngle, 0),
        (b" <a@b>", NoAngle, 0),
        (b"<>", Null, 0),
        (b"<", BadLocalPart, 1),
        (b"< a@b>", BadLocalPart, 1),
        (b"<a@b", NoAngleEnd, 4),
        (b"<a@b >", NoAngleEnd, 4),
        (b"<a@b\r\n>", NoAngleEnd, 4),
        (b"<a@b> ", TextBehind, 5),
        (b"<a@b>>", TextBehind, 5),
        (b"<<a@b>>", BadLocalPart, 1),
        (b"<a>", NoAtSign, 2),
        (b"<@b>", BadRoute, 3),
        (b"<@b,a@c>", BadRoute, 4),
        (b"<@[192.0.2.1]:a@c>", BadLabel, 2),
        (b"<@b:>", BadLocalPart, 4),
        (b"<@b:@c:d@e>", BadLocalPart, 4),
        (b"<@:a@b>", BadLabel, 2),
        (b"<.a@b>", BadLocalPart, 1),
        (b"<a.@b>", BadLocalPart, 3),
        (b"<a..b@c>", BadLocalPart, 3),
        (b"<a b@c>", NoAtSign, 2),
        (b"<a(x)@c>", NoAtSign, 2),
        (b"<a\\@b@c>", NoAtSign, 2),
        (b"<a\0@b>", NoAtSign, 2),
        (b"<a@b@c>", NoAngleEnd, 4),
        (b"<\"a@b>", BadQuotedString, 6),
        (b"<\"a\n\"@b>", BadQuotedString, 3),
        (b"<\"a\t\"@b>", BadQuotedString, 3),
        (b"<\"a\\\n\"@b>", BadQuotedString, 3),
        (b"<\"a\\\xc3\xa4\"@b>", BadQuotedString, 3),
        (b"<\"a\\", BadQuotedString, 3),
        (b"<\"a\"b@c>", NoAtSign, 4),
        (b"<a.\"b\"@c>", BadLocalPart, 3),
        (b"<a@>", BadLabel, 3),
        (b"<a@.b>", BadLabel, 3),
        (b"<a@b.>", BadLabel, 5),
        (b"<a@b..c>", BadLabel, 5),
        (b"<a@-b>", BadLabel, 3),
        (b"<a@b->", BadLabel, 4),
        (b"<a@b-.c>", BadLabel, 4),
        (b"<a@b_c>", NoAngleEnd, 4),
        (b"<a@[192.0.2]>", BadLiteral, 3),
        (b"<a@[192.0.2.01]>", BadLiteral, 3),
        (b"<a@[192.0.2.256]>", BadLiteral, 3),
        (b"<a@[IPv6:2001:db8::g]>", BadLiteral, 3),
        (b"<a@[IPv6:]>", BadLiteral, 3),
        (b"<a@[IPv6:192.0.2.1]>", BadLiteral, 3),
        (b"<a@[x:]>", BadLiteral, 3),
        (b"<a@[x-:y]>", BadLiteral, 3),
        (b"<a@[:y]>", BadLiteral, 3),
        (b"<a@[]>", BadLiteral, 3),
        (b"<a@[192.0.2.1>", BadLiteral, 14),
        (b"<a@[x:y z]>", BadLiteral, 7),
        (b"<a@[x:\\y]>", BadLiteral, 6),
        (b"<a@[192.0.2.1]b>", NoAngleEnd, 14),
        (b"<\xe4@b>", BadUtf8, 1),
        (b"<a\xc2\x85@b>", BadUtf8, 2),
        (b"<\"\xed\xa0\x80\"@b>", BadUtf8, 2),
        (b"<a@b.\xe4>", BadUtf8, 5),
        (b"<a@\xc0\xae>", BadUtf8, 3),
        ("<a@b\u{3002}c>".as_bytes(), BadLabel, 4),
        ("<a@b\u{ff0e}c>".as_bytes(), BadLabel, 4),
        ("<a@b\u{a0}c>".as_bytes(), BadLabel, 4),
        ("<a@b\u{85}c>".as_bytes(), BadUtf8, 4),
    ];
    for (raw, kind, offset) in cases {
        let error = ForwardPath::parse(raw).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (*kind, *offset),
            "{}",
            raw.escape_ascii()
        );
        assert_eq!(ReversePath::parse(raw).is_ok(), *raw == b"<>");
    }
    let error = ReversePath::parse(b"<Postmaster>").unwrap_err();
    assert_eq!((error.kind(), error.offset()), (NoAtSign, 11));
}

/// A name of `len` octets in labels of 63 at most.
fn name(len: usize) -> String {
    let mut name: String = "a".repeat(len);
    for at in (63..len).step_by(64) {
        name.replace_range(at..=at, ".");
    }
    name
}

#[test]
fn lengths() {
    use PathErrorKind::*;
    let long = Tolerance {
        long_path: true,
        ..Tolerance::STRICT
    };
    let kind = |raw: &str, tolerance| {
        Mailbox::parse_with(raw.as_bytes(), tolerance)
            .map_err(|error| error.kind())
            .err()
    };
    for (local, domain, strict, tolerant) in [
        (64, name(63), None, None),
        (65, name(63), Some(LocalPartTooLong), None),
        (1, "a".repeat(64), Some(LabelTooLong), Some(LabelTooLong)),
        (1, name(252), None, None),
        (1, name(253), Some(PathTooLong), None),
        (64, name(189), None, None),
        (64, name(190), Some(PathTooLong), None),
        (1, name(255), Some(PathTooLong), None),
        (1, name(257), Some(DomainTooLong), Some(DomainTooLong)),
    ] {
        let raw = "a".repeat(local) + "@" + &domain;
        assert_eq!(kind(&raw, &Tolerance::STRICT), strict, "{raw}");
        assert_eq!(kind(&raw, &long), tolerant, "{raw}");
        let path = format!("<{raw}>");
        let path_kind = ReversePath::parse(path.as_bytes())
            .map_err(|error| error.kind())
            .err();
        assert_eq!(path_kind, strict);
    }
    // A quoted local part counts as written, a route as part of its path.
    assert_eq!(
        kind(&format!("\"{}\"@b", "a".repeat(62)), &Tolerance::STRICT),
        None
    );
    assert_eq!(
        kind(&format!("\"{}\"@b", "a".repeat(63)), &Tolerance::STRICT),
        Some(LocalPartTooLong)
    );
    let routed = format!("<@{}:a@b>", name(249));
    assert!(ReversePath::parse(routed.as_bytes()).is_ok());
    let routed = format!("<@{}:aa@b>", name(249));
    assert_eq!(
        ReversePath::parse(routed.as_bytes()).unwrap_err().kind(),
        PathTooLong
    );
    // A U-label of 59 characters may fit 63 octets as an A-label; no longer one does.
    assert!(Domain::parse("\u{e4}".repeat(59).as_bytes()).is_ok());
    let error = Domain::parse("\u{e4}".repeat(60).as_bytes()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (LabelTooLong, 118));
    let error = Domain::parse(("a".repeat(59) + "\u{e4}").as_bytes()).unwrap_err();
    assert_eq!(error.kind(), LabelTooLong);
    let error = Domain::parse(("\u{e4}.".to_string() + &"a".repeat(64)).as_bytes()).unwrap_err();
    assert_eq!(error.kind(), LabelTooLong);
    let literal = |len: usize| format!("[x:{}]", "y".repeat(len - 4));
    assert!(Domain::parse(literal(255).as_bytes()).is_ok());
    assert_eq!(
        Domain::parse(literal(256).as_bytes()).unwrap_err().kind(),
        DomainTooLong
    );
}

#[test]
fn equality() {
    let mailbox = |raw| Mailbox::parse(raw).unwrap();
    assert_eq!(
        mailbox(b"\"j\\oe\"@EXAMPLE.org"),
        mailbox(b"joe@example.ORG")
    );
    assert_ne!(mailbox(b"Joe@example.org"), mailbox(b"joe@example.org"));
    assert_ne!(mailbox(b"joe@example.org"), mailbox(b"joe@example.or"));
    assert_ne!(
        mailbox(b"\"joe \"@example.org"),
        mailbox(b"joe@example.org")
    );
    assert_eq!(
        mailbox(b"a@[IPv6:2001:DB8::1]"),
        mailbox(b"a@[ipv6:2001:db8:0::1]")
    );
    assert_ne!(mailbox(b"a@[192.0.2.1]"), mailbox(b"a@192.0.2.1"));
    assert_eq!(mailbox(b"a@[X:y]"), mailbox(b"a@[x:y]"));
    assert_ne!(mailbox(b"a@[x:Y]"), mailbox(b"a@[x:y]"));
    assert_eq!(
        ReversePath::parse(b"<@A:a@b>"),
        ReversePath::parse(b"<@a:a@B>")
    );
    assert_ne!(
        ReversePath::parse(b"<@a:a@b>"),
        ReversePath::parse(b"<a@b>")
    );
    let local = mailbox(b"\"a\\\"b\"@c").local_part();
    assert!(local.is(b"a\"b") && !local.is(b"a\\\"b"));
    assert_eq!(
        (local.raw(), local.text().to_vec()),
        (&b"\"a\\\"b\""[..], b"a\"b".to_vec())
    );
}

#[test]
fn addresses_of_messages() {
    let from = |value| AddrSpec::parse(value).map(Mailbox::try_from);
    let joe = Mailbox::parse(b"joe@example.org").unwrap();
    assert_eq!(from(b" joe@Example.org (Joe)"), Ok(Ok(joe)));
    for value in [
        &b"joe @example.org"[..],
        b"joe@ example.org",
        b"joe(x)@example.org",
        b"joe@(x)example.org",
        b"joe@example(x).org",
        b"\"joe\".public@example.org",
        b"joe . public@example.org",
        b"\"a\tb\"@example.org",
        b"\"a\r\n b\"@example.org",
        b"joe@a_b.example",
        b"joe@[ 192.0.2.1]",
        b"joe@[x]",
        b"joe@-a",
    ] {
        assert!(from(value).unwrap().is_err(), "{}", value.escape_ascii());
    }
}

/// Every promise on octets that may be anything.
fn check(bytes: &[u8]) {
    let text = bytes.escape_ascii();
    let mailbox = Mailbox::parse(bytes);
    assert_eq!(mailbox.is_ok(), naive::is_mailbox(bytes), "{text}");
    let domain = Domain::parse(bytes);
    assert_eq!(domain.is_ok(), naive::is_domain(bytes), "{text}");
    let path = ReversePath::parse(bytes);
    assert_eq!(
        path.is_ok(),
        naive::is_path(bytes) || bytes == b"<>",
        "{text}"
    );
    let forward = ForwardPath::parse(bytes);
    let is_postmaster = bytes.eq_ignore_ascii_case(b"<postmaster>");
    assert_eq!(
        forward.is_ok(),
        naive::is_path(bytes) || is_postmaster,
        "{text}"
    );

    if let Ok(mailbox) = mailbox {
        assert_eq!(mailbox.raw(), bytes);
        let written = mailbox.to_vec();
        assert!(written.len() <= bytes.len() || bytes.contains(&b'['));
        assert_eq!(mailbox.to_string().as_bytes(), written);
        let again = Mailbox::parse(&written).unwrap();
        assert_eq!((again, again.to_vec()), (mailbox, written.clone()));
        assert!(
            mailbox
                .local_part()
                .is(&mailbox.local_part().text().to_vec())
        );
        let addr_spec = AddrSpec::try_from(mailbox).unwrap();
        assert_eq!(Mailbox::try_from(addr_spec), Ok(mailbox));
        assert!(
            addr_spec
                .local_part()
                .is(&mailbox.local_part().text().to_vec())
        );
    }
    if let Ok(path) = path {
        let written = path.to_vec();
        assert_eq!(ReversePath::parse(&written), Ok(path));
        assert!(
            str::from_utf8(&written)
                .unwrap()
                .chars()
                .all(|c| !c.is_control())
        );
        let (prefix, rest) = ReversePath::parse_prefix(bytes).unwrap();
        assert_eq!((prefix, rest), (path, &b""[..]));
    }
    if let Ok(domain) = domain {
        assert_eq!(Domain::parse(&domain.to_vec()), Ok(domain));
        assert_eq!(Domain::parse_prefix(bytes), Ok((domain, &b""[..])));
    }
    for error in [mailbox.err(), domain.err(), path.err(), forward.err()]
        .into_iter()
        .flatten()
    {
        assert!(error.offset() <= bytes.len(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn of_any_octets(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        check(&bytes);
    }

    #[test]
    fn of_words(words in prop::collection::vec(prop::sample::select(&[
        "<", ">", "@", "@", ".", ",", ":", "\"", "\"", "\\", "a", "b-c", "-", "9", "_", " ", "[192.0.2.1]", "[IPv6:::1]",
        "[x:y]", "[", "]", "IPv6:", "\u{e4}", "\u{85}", "\u{3002}", "\u{a0}", "\0", "\r\n", "postmaster", "x:", "192.0.2.1",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ][..]), 0..10)) {
        check(words.concat().as_bytes());
    }

    /// Mostly well formed, so that acceptance is tested too.
    #[test]
    fn of_paths(path in "<(@[a-z-]{1,3}(\\.[a-z\u{e4}]{1,2})?(,@[a-z]{1,2})?:)?([a-z!\u{e4}]{1,3}(\\.[a-z]{0,2})?|\"([ -~]|\\\\[ -~]|\u{20ac}){0,4}\")@([a-z0-9-]{1,3}\\.?[a-z]{1,2}|\\[[0-9.]{7}\\]|\\[IPv6:[0-9a-f:]{2,6}\\]|\\[[a-z:-]{2,5}\\])>") {
        check(path.as_bytes());
        check(path.get(1..path.len() - 1).unwrap_or_default().as_bytes());
    }
}
