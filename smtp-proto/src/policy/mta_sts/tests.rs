//! The examples of RFC 8461 and what breaks each rule.

use super::*;
use proptest::prelude::*;
use scop_core::lookup::Failure;
use scop_core::{Answer, Lookup, QueryId, Rdata, Security, Step, Txt, UnixTime, lookup};
use std::borrow::ToOwned;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

fn id(text: &str) -> Id {
    Id::new(text.as_bytes()).unwrap()
}

#[test]
fn records() {
    use RecordErrorKind::{BadId, NoId, Syntax, Version};
    let long = "x".repeat(32);
    for (text, expected) in [
        ("v=STSv1; id=20160831085700Z;", "20160831085700Z"), // RFC 8461 3.1
        ("v=STSv1;id=1", "1"),
        ("v=STSv1 ; \t id=a1 ; ", "a1"),
        ("v=STSv1; a.b-c_d=e,f:!<> ; id=1", "1"),
        ("v=STSv1; id=1; x=y", "1"),
        ("v=STSv1; id=1; id=2; id=a-b", "1"), // RFC 8461 3.2: the first counts
        (&format!("v=STSv1; id={long}"), &long),
    ] {
        let record = Record::parse(text.as_bytes()).unwrap();
        assert_eq!(record.id(), id(expected), "{text}");
        assert_eq!(record.raw(), text.as_bytes());
        assert!(
            record
                .fields()
                .any(|field| field == (b"id", expected.as_bytes()))
        );
    }
    let bad = format!("v=STSv1; id={long}y");
    for (text, kind, offset) in [
        ("", Version, 0),
        ("v=STSv1", Version, 0),
        ("v=STSv1 id=1", Version, 0),
        ("v=STSv2; id=1", Version, 0),
        ("V=STSv1; id=1", Version, 0),
        ("v=stsv1; id=1", Version, 0),
        (" v=STSv1; id=1", Version, 0),
        ("id=1; v=STSv1;", Version, 0),
        ("v=STSv1;", NoId, 8),
        ("v=STSv1; Id=1", NoId, 13),
        ("v=STSv1; x=y", NoId, 12),
        ("v=STSv1; id=", BadId, 9),
        ("v=STSv1; id=a-b", BadId, 9),
        ("v=STSv1; id=a b", BadId, 9),
        ("v=STSv1; id=a-b; id=1", BadId, 9),
        ("v=STSv1; id=1; id=", Syntax, 15),
        ("v=STSv1; id=1; id=a b", Syntax, 15),
        (&bad, BadId, 9),
        ("v=STSv1;; id=1", Syntax, 8),
        ("v=STSv1; id", Syntax, 9),
        ("v=STSv1; id =1", Syntax, 9),
        ("v=STSv1; id=1; =x", Syntax, 15),
        ("v=STSv1; id=1; x=", Syntax, 15),
        ("v=STSv1; id=1; x=a=b", Syntax, 15),
        ("v=STSv1; id=1; x=a\u{e9}", Syntax, 15),
        ("v=STSv1; id=1; -x=a", Syntax, 15),
    ] {
        let error = Record::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}");
    }
}

fn discover(answer: Answer<'_>) -> Found {
    let mut machine = Discovery::new(b"example.com");
    assert!(machine.answer(QueryId::new(0), answer).is_err());
    let found = *lookup::drive(&mut machine, |query| {
        assert_eq!(
            query.name,
            scop_core::QueryName::dotted([b"_mta-sts.example.com", b"", b""])
        );
        answer
    })
    .unwrap();
    assert_eq!(machine.poll(), Step::Done);
    assert!(machine.answer(QueryId::new(0), answer).is_err());
    found
}

#[test]
fn exactly_one_record() {
    let long = format!("v=STSv1; id=1; x={}", "y".repeat(1024));
    for (texts, expected) in [
        (&["v=STSv1; id=1"][..], Found::Policy(id("1"))),
        (
            &["v=spf1 -all", "v=STSv1; id=1", "v=STSv2; id=2", "v=STSv1"],
            Found::Policy(id("1")),
        ),
        (&["v=STSv1; id=1", "v=STSv1; id=1"], Found::Several),
        (&["v=STSv1; id=1", "v=STSv1; nothing"], Found::Several),
        (&["v=STSv1; nothing", "v=STSv1; id=1"], Found::Several),
        (&["v=STSv1; nothing"], Found::Invalid),
        (&[&long], Found::Invalid),
        (&["v=spf1 -all"], Found::NoRecord),
    ] {
        let rdata: Vec<_> = (texts.iter())
            .map(|text| Rdata::Txt(Txt::joined(text.as_bytes())))
            .collect();
        assert_eq!(discover(Answer::records(&rdata)), expected, "{texts:?}");
    }
    // Strings are joined without anything between them.
    let split = [Rdata::Txt(
        Txt::parse(b"\x04v=ST\x08Sv1; id=\x0220").unwrap(),
    )];
    assert_eq!(discover(Answer::records(&split)), Found::Policy(id("20")));
    for (answer, expected) in [
        (Answer::NoData(Security::Secure), Found::NoRecord),
        (Answer::NxDomain(Security::Insecure), Found::NoRecord),
        (
            Answer::NoData(Security::Bogus),
            Found::Failed(Failure::Bogus),
        ),
        (
            Answer::Failed(Failure::Timeout),
            Found::Failed(Failure::Timeout),
        ),
    ] {
        assert_eq!(discover(answer), expected);
    }
    for domain in ["", "a b", "192.0.2.1", &"a.".repeat(140)] {
        let mut machine = Discovery::new(domain.as_bytes());
        assert_eq!(machine.poll(), Step::Done);
        assert_eq!(machine.verdict(), Some(&Found::NoRecord));
    }
}

/// RFC 8461 3.2, the example.
const EXAMPLE: &str = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\n\
                       mx: backupmx.example.com\nmax_age: 604800\n";

#[test]
fn policies() {
    let crlf = EXAMPLE.replace('\n', "\r\n");
    for text in [EXAMPLE, &crlf, EXAMPLE.trim_end()] {
        let policy = Policy::parse(text.as_bytes()).unwrap();
        assert_eq!((policy.mode(), policy.max_age()), (Mode::Enforce, 604_800));
        let mx: Vec<_> = policy.mx().collect();
        let expected = ["mail.example.com", "*.example.net", "backupmx.example.com"];
        assert_eq!(mx, expected.map(str::as_bytes));
        assert_eq!(
            (policy.fields().count(), policy.raw()),
            (6, text.as_bytes())
        );
    }
    for (text, mode, max_age) in [
        ("version:STSv1\nmode:none\nmax_age:0", Mode::None, 0),
        (
            "max_age: 31557600 \nmx: a\t\nmode:\t testing\nversion: STSv1",
            Mode::Testing,
            MAX_AGE,
        ),
        // Unknown fields, in UTF-8; empty lines; a second one counts for nothing, whatever it says.
        (
            "version: STSv1\n\nx.y-z_1: \u{e9} = ; :\nempty:\nmode: enforce\nmode: nonsense\nmx: a.b\n\
             max_age: 1\nmax_age: -\nversion: STSv2\n\n",
            Mode::Enforce,
            1,
        ),
    ] {
        let policy = Policy::parse(text.as_bytes()).unwrap();
        assert_eq!((policy.mode(), policy.max_age()), (mode, max_age), "{text}");
    }
}

#[test]
fn bad_policies() {
    use PolicyErrorKind::{BadCharacter, Invalid, Missing, Syntax};
    let lines =
        |change: &dyn Fn(&str) -> String| -> String { EXAMPLE.lines().map(change).collect() };
    let with = |start: &str, new: &str| {
        lines(&|line| {
            let line = if line.starts_with(start) { new } else { line };
            if line.is_empty() {
                String::new()
            } else {
                format!("{line}\n")
            }
        })
    };
    for (text, kind) in [
        (with("version", ""), Missing(Field::Version)),
        (with("mode", ""), Missing(Field::Mode)),
        (with("mx", ""), Missing(Field::Mx)),
        (with("max_age", ""), Missing(Field::MaxAge)),
        (with("mode", "Mode: enforce"), Missing(Field::Mode)),
        (with("version", "version: STSv2"), Invalid(Field::Version)),
        (with("version", "version: stsv1"), Invalid(Field::Version)),
        (
            with("version", "version: STSv1, STSv2"),
            Invalid(Field::Version),
        ),
        (with("mode", "mode: Enforce"), Invalid(Field::Mode)),
        (with("mode", "mode:"), Invalid(Field::Mode)),
        (with("mx", "mx:"), Invalid(Field::Mx)),
        (with("mx", "mx: *"), Invalid(Field::Mx)),
        (with("mx", "mx: *."), Invalid(Field::Mx)),
        (with("mx", "mx: a.*.example.com"), Invalid(Field::Mx)),
        (with("mx", "mx: *.*.example.com"), Invalid(Field::Mx)),
        (with("mx", "mx: *a.example.com"), Invalid(Field::Mx)),
        (with("mx", "mx: .example.com"), Invalid(Field::Mx)),
        (with("mx", "mx: mail.example.com."), Invalid(Field::Mx)),
        (
            with("mx", "mx: a.example.com b.example.com"),
            Invalid(Field::Mx),
        ),
        (with("mx", "mx: 192.0.2.1"), Invalid(Field::Mx)),
        (with("mx", "mx: m\u{e4}il.example.com"), Invalid(Field::Mx)),
        (with("max_age", "max_age: 31557601"), Invalid(Field::MaxAge)),
        (with("max_age", "max_age: -1"), Invalid(Field::MaxAge)),
        (with("max_age", "max_age: 1 day"), Invalid(Field::MaxAge)),
        (
            with("max_age", "max_age: 00000000001"),
            Invalid(Field::MaxAge),
        ),
        (
            with("max_age", "max_age: 99999999999999999999999"),
            Invalid(Field::MaxAge),
        ),
        (with("mode", "enforce"), Syntax),
        (with("mode", " mode: enforce"), Syntax),
        (with("mode", "mode : enforce"), Syntax),
        (with("mode", ": enforce"), Syntax),
        (with("mode", "m\u{f6}de: enforce"), Syntax),
        (with("mode", "mode: enforce\r\r"), BadCharacter),
        (with("mode", "mode: enforce\rmx: a"), BadCharacter),
        (with("mode", "mode: enforce\nx: a\0b"), BadCharacter),
        (with("mode", "mode: enforce\nx: a\tb"), BadCharacter),
        (EXAMPLE.trim_end().to_owned() + "\r", BadCharacter),
        (String::new(), Missing(Field::Version)),
        ("<!DOCTYPE html>\n<title>404</title>\n".into(), Syntax),
    ] {
        assert_eq!(
            Policy::parse(text.as_bytes()).unwrap_err().kind(),
            kind,
            "{text}"
        );
    }
    let latin1 = [EXAMPLE.as_bytes(), b"x: \xe9\n"].concat();
    let error = Policy::parse(&latin1).unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (BadCharacter, latin1.len() - 2)
    );
    let long = EXAMPLE.to_owned() + &"x: y\n".repeat(13_200);
    let kind = |text: &str| Policy::parse(text.as_bytes()).unwrap_err().kind();
    assert_eq!(kind(&long), PolicyErrorKind::TooLong);
    assert_eq!(kind(&long[..65_536]), PolicyErrorKind::TooManyLines);
}

/// RFC 8461 4.1.
#[test]
fn matching() {
    let policy = Policy::parse(EXAMPLE.as_bytes()).unwrap();
    for (host, expected) in [
        ("mail.example.com", true),
        ("MAIL.Example.Com", true),
        ("backupmx.example.com", true),
        ("example.com", false),
        ("x.mail.example.com", false),
        ("xmail.example.com", false),
        ("a.example.net", true),
        ("A.EXAMPLE.NET", true),
        ("example.net", false),
        ("a.b.example.net", false),
        (".example.net", false),
        ("xexample.net", false),
        ("*.example.net", true), // no host has this name
        ("", false),
        ("a.example.net.", false),
    ] {
        assert_eq!(policy.matches(host.as_bytes()), expected, "{host}");
    }
    // Patterns that no policy can hold, but a certificate can.
    for pattern in [
        "",
        "*",
        "*.",
        "*.*",
        "*.*.example.net",
        "a*.example.net",
        "*a.example.net",
    ] {
        for host in ["", "a", "a.", ".", "a.b", "aa.example.net"] {
            assert!(
                !matches_pattern(pattern.as_bytes(), host.as_bytes()),
                "{pattern} {host}"
            );
        }
    }
}

const DAY: u64 = 24 * 60 * 60;

#[test]
fn plans() {
    let now = UnixTime(1_000 * DAY);
    let ago = |seconds| UnixTime(now.0 - seconds);
    let (one, two) = (Found::Policy(id("1")), Found::Policy(id("2")));
    let cached = |seconds| {
        Some(Cached {
            id: id("1"),
            fetched: ago(seconds),
            max_age: 604_800,
            mode: Mode::Enforce,
        })
    };
    let failed = |text, seconds| {
        Some(FailedFetch {
            id: id(text),
            at: ago(seconds),
        })
    };
    let gone = [
        Found::NoRecord,
        Found::Several,
        Found::Invalid,
        Found::Failed(Failure::Timeout),
    ];
    for (found, cached, failed, fetch, keep) in [
        // Nothing kept.
        (one, None, None, Fetch::First, false),
        (one, None, failed("1", 10), Fetch::No, false),
        (one, None, failed("1", 300), Fetch::First, false),
        (two, None, failed("1", 10), Fetch::First, false),
        (Found::NoRecord, None, None, Fetch::No, false),
        // Kept, and the same.
        (one, cached(10), None, Fetch::No, true),
        (one, cached(DAY), None, Fetch::No, true),
        (one, cached(DAY + 1), None, Fetch::Refresh, true),
        (one, cached(DAY + 1), failed("1", 10), Fetch::No, true),
        (one, cached(604_800), None, Fetch::Refresh, true),
        // Expired.
        (one, cached(604_801), None, Fetch::First, false),
        (one, cached(604_801), failed("1", 10), Fetch::No, false),
        (Found::NoRecord, cached(604_801), None, Fetch::No, false),
        // Another.
        (two, cached(10), None, Fetch::First, true),
        (two, cached(10), failed("2", 10), Fetch::No, true),
        (two, cached(604_801), None, Fetch::First, false),
    ] {
        let plan = plan(&found, cached.as_ref(), failed.as_ref(), now);
        assert_eq!(
            plan,
            Plan { fetch, keep },
            "{found:?} {cached:?} {failed:?}"
        );
    }
    // The record is gone: the policy stays to its end. A lookup that fails does not stop its refresh.
    for found in gone {
        for age in [0, DAY, DAY + 1, 604_800] {
            let fetch = match found {
                Found::Failed(_) if age > DAY => Fetch::Refresh,
                _ => Fetch::No,
            };
            let keep = true;
            let expected = Plan { fetch, keep };
            assert_eq!(plan(&found, cached(age).as_ref(), None, now), expected);
        }
        let just = failed("1", 10);
        let plan = plan(&found, cached(DAY + 1).as_ref(), just.as_ref(), now);
        assert_eq!(plan.fetch, Fetch::No);
    }
    // A short life is refreshed at its half.
    let short = Cached {
        max_age: 3600,
        ..cached(1801).unwrap()
    };
    assert_eq!(plan(&one, Some(&short), None, now).fetch, Fetch::Refresh);
    // A clock that was ahead: the policy holds, and is fetched again; a failure then counts for nothing.
    for found in [one, Found::Failed(Failure::Timeout)] {
        let failed = failed("1", 10);
        assert_eq!(
            plan(&found, cached(0).as_ref(), failed.as_ref(), UnixTime(5)),
            Plan {
                fetch: Fetch::Refresh,
                keep: true
            }
        );
    }
    assert_eq!(
        plan(&one, None, failed("1", 0).as_ref(), UnixTime(5)).fetch,
        Fetch::First
    );
    let policy = Policy::parse(EXAMPLE.as_bytes()).unwrap();
    let made = Cached::new(id("1"), &policy, now);
    assert_eq!(Some(made), cached(0));
}

#[test]
fn urls() {
    for (status, media_type, expected) in [
        (200, "text/plain", true),
        (200, "TEXT/Plain;charset=utf-8", true),
        (200, "text/plain ; charset=utf-8", true),
        (200, "text/plainer", false),
        (200, "text/plai", false),
        (200, "application/octet-stream", false),
        (200, "", false),
        (204, "text/plain", false),
        (302, "text/plain", false),
        (404, "text/plain", false),
    ] {
        assert_eq!(
            PolicyUrl::accepts(status, media_type.as_bytes()),
            expected,
            "{media_type}"
        );
    }
    for domain in ["", "a/b", "a?b", "a b", "a:80", "user@a.b", "a\r\nb"] {
        assert!(PolicyUrl::new(domain.as_bytes()).is_none());
    }
    // The name of the policy host is a name too.
    let domain = |len| "abc.".repeat(62)[..len].to_string();
    assert!(PolicyUrl::new(domain(245).as_bytes()).is_some());
    assert!(PolicyUrl::new(domain(246).as_bytes()).is_none());
}

/// The matching of RFC 8461 4.1, label by label.
fn naive_match(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_lowercase(), host.to_lowercase());
    let (pattern, host): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), host.split('.').collect());
    pattern.len() == host.len()
        && (pattern.iter().zip(&host).enumerate())
            .all(|(at, (one, other))| one == other || (at == 0 && *one == "*" && !other.is_empty()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn matches_like_the_naive(pattern in r"(\*\.)?([abA]\.){0,3}[abA]", host in r"([ab]\.){0,4}[abB]") {
        prop_assert_eq!(
            matches_pattern(pattern.as_bytes(), host.as_bytes()),
            naive_match(&pattern, &host)
        );
    }

    #[test]
    fn a_policy_is_read_as_written(
        mode in 0_usize..3, max_age in 0..=MAX_AGE,
        mx in proptest::collection::vec(r"(\*\.)?([a-z0-9][a-z0-9-]{0,9}\.){1,3}[a-z]{2,5}", 1..6),
        extra in proptest::option::of(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}: ?[!-~\u{a0}-\u{2ff}]*"),
        end in prop_oneof![Just("\n"), Just("\r\n"), Just(" \n")],
        turn: bool,
    ) {
        let mode = [Mode::Enforce, Mode::Testing, Mode::None][mode];
        let mut lines = vec!["version: STSv1".to_string(), format!("mode: {}", mode.as_str()), format!("max_age: {max_age}")];
        lines.extend(mx.iter().map(|mx| format!("mx: {mx}")));
        if turn { lines.reverse(); }
        // Behind the others: of a known name, it may be a second one.
        lines.extend(extra.filter(|line| !line.starts_with("mx:")));
        let text: String = lines.iter().flat_map(|line| [line, end]).collect();
        let policy = Policy::parse(text.as_bytes());
        prop_assert!(policy.is_ok(), "{:?} {}", policy, text);
        let policy = policy.unwrap();
        prop_assert_eq!((policy.mode(), policy.max_age()), (mode, max_age));
        let mut read: Vec<_> = policy.mx().map(|mx| String::from_utf8(mx.to_vec()).unwrap()).collect();
        if turn { read.reverse(); }
        prop_assert_eq!(read, mx);
    }

    #[test]
    fn any_bytes(text: Vec<u8>, seed in "(v=STSv1 ?; ?)?[a-z=; 1\u{e9}\r\n:]{0,40}") {
        for text in [&text[..], seed.as_bytes()] {
            let _ = Record::parse(text);
            let _ = Policy::parse(text);
            let _ = Discovery::new(text);
        }
    }
}
