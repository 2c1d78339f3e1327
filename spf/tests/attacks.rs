//! Attacks on SPF verifiers, each with the rule that stops it (RFC 7208 4.3, 4.5, 4.6.4, 7, 11).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "tests"
)]

mod zone;

use proptest::prelude::*;
use scop_core::{Lookup, Rtype, Step};
use scop_spf::{Evaluator, Identity, Limits, ReasonKind, Request, SpfResult};

use crate::zone::{Found, Outcome, check, outcome, request, run};

const SENDER: &str = "user@d.test";

fn resolving_p() -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.resolve_p = true;
    limits
}

fn with_limits(limits: Limits, ip: &str, lines: &str) -> Outcome {
    let machine: Evaluator<'_> = Evaluator::new(request(ip, SENDER), &limits);
    outcome(machine, lines)
}

#[test]
fn lookup_bomb() {
    let terms = |count: usize| {
        let mut lines = format!(
            "d.test TXT v=spf1 {} ip4:192.0.2.1 -all",
            "a ".repeat(count)
        );
        lines += "\nd.test A 192.0.2.9";
        check("192.0.2.1", SENDER, &lines)
    };
    let at_limit = terms(10);
    assert_eq!((at_limit.result, at_limit.lookups), (SpfResult::Pass, 10));
    let over = terms(11);
    assert_eq!(
        (over.result, over.lookups, over.asked.len()),
        (SpfResult::PermError, 10, 11)
    );
    assert_eq!(
        over.reason,
        "a (term 11 of the record of d.test): too many terms ask the DNS (RFC 7208 4.6.4)"
    );
}

/// The count is one for the whole evaluation.
#[test]
fn lookups_are_counted_over_includes_and_redirects() {
    let lines = |last: &str| {
        format!(
            "
        d.test TXT v=spf1 include:i.test a include:i.test redirect=r.test
        i.test TXT v=spf1 a:x.test exists:x.test -all
        r.test TXT v=spf1 a {last} +all
        d.test A 192.0.2.9
        x.test A 192.0.2.9
        r.test A 192.0.2.9"
        )
    };
    // 3 + 1 + 3 + 1 + 1 and the last.
    let within = check(
        "192.0.2.1",
        SENDER,
        &lines("").replace("exists:x", "exists:%{i}.x"),
    );
    assert_eq!((within.result, within.lookups), (SpfResult::Pass, 9));
    let over = check(
        "192.0.2.1",
        SENDER,
        &lines("a a").replace("exists:x", "exists:%{i}.x"),
    );
    assert_eq!((over.result, over.lookups), (SpfResult::PermError, 10));
}

#[test]
fn loops_end() {
    for lines in [
        "d.test TXT v=spf1 include:d.test",
        "d.test TXT v=spf1 redirect=d.test",
        "d.test TXT v=spf1 include:e.test\ne.test TXT v=spf1 redirect=d.test",
        "d.test TXT v=spf1 ?include:%{d} redirect=%{d}",
    ] {
        let outcome = check("192.0.2.1", SENDER, lines);
        assert_eq!(
            (outcome.result, outcome.asked.len()),
            (SpfResult::PermError, 11),
            "{lines}"
        );
    }
}

#[test]
fn void_lookups() {
    let lines = "d.test TXT v=spf1 a:v1.test a:v2.test a:v3.test a:v4.test +all";
    let over = check("192.0.2.1", SENDER, lines);
    assert_eq!((over.result, over.void_lookups), (SpfResult::PermError, 3));
    assert_eq!(
        over.asked,
        ["d.test TXT", "v1.test A", "v2.test A", "v3.test A"]
    );
    assert_eq!(
        over.reason,
        "a:v3.test (term 3 of the record of d.test): too many terms ask for what does not exist (RFC 7208 4.6.4)"
    );
    // No data counts like a name that does not exist.
    let no_data = format!("{lines}\nv1.test MX x\nv2.test MX x\nv3.test MX x");
    assert_eq!(
        check("192.0.2.1", SENDER, &no_data).result,
        SpfResult::PermError
    );
    // Counted over includes; within the limit at two.
    let split = "
        d.test TXT v=spf1 include:i.test include:i.test +all
        i.test TXT v=spf1 a:v1.test -all";
    let at_limit = check("192.0.2.1", SENDER, split);
    assert_eq!(
        (at_limit.result, at_limit.void_lookups),
        (SpfResult::Pass, 2)
    );
    // At the end of a record, where no term follows.
    let last = "
        d.test TXT v=spf1 include:i.test +all
        i.test TXT v=spf1 exists:v1.test mx:v2.test ptr:v3.test";
    assert_eq!(
        check("192.0.2.1", SENDER, last).result,
        SpfResult::PermError
    );
}

/// RFC 7208 4.6.4 counts terms: an `mx` with several dead hosts is one. Otherwise an IPv6 client
/// would meet a permanent error at each domain whose three exchanges have IPv4 addresses only.
#[test]
fn a_term_is_void_once() {
    let lines = "
        d.test TXT v=spf1 mx ip6:2001:db8::1 -all
        d.test MX m0.test
        d.test MX m1.test
        d.test MX m2.test
        m0.test A 192.0.2.9
        m1.test A 192.0.2.9
        m2.test A 192.0.2.9";
    let outcome = check("2001:db8::1", SENDER, lines);
    assert_eq!((outcome.result, outcome.void_lookups), (SpfResult::Pass, 1));
}

#[test]
fn mx_fan_out() {
    let lines = |count: usize| {
        let mut lines = "d.test TXT v=spf1 mx +all".to_owned();
        for number in 0..count {
            lines += &format!("\nd.test MX m{number}.test\nm{number}.test A 192.0.2.9");
        }
        lines
    };
    let at_limit = check("192.0.2.1", SENDER, &lines(10));
    assert_eq!(
        (at_limit.result, at_limit.asked.len()),
        (SpfResult::Pass, 12)
    );
    let over = check("192.0.2.1", SENDER, &lines(11));
    assert_eq!((over.result, over.asked.len()), (SpfResult::PermError, 2));
    assert_eq!(
        over.reason,
        "mx (term 1 of the record of d.test): a domain has too many MX records (RFC 7208 4.6.4)"
    );
}

/// The owner of the client's address must not get at the publisher's record: too many names are no
/// error, and names elsewhere are not even asked for.
#[test]
fn ptr_fan_out() {
    let names = |count: usize, good: usize| {
        let mut lines = "d.test TXT v=spf1 ptr -all".to_owned();
        for number in 0..count {
            lines += &format!("\n1.2.0.192.in-addr.arpa PTR p{number}.d.test");
            let address = if number == good {
                "192.0.2.1"
            } else {
                "192.0.2.9"
            };
            lines += &format!("\np{number}.d.test A {address}");
        }
        check("192.0.2.1", SENDER, &lines)
    };
    assert_eq!(names(20, 9).result, SpfResult::Pass);
    let beyond = names(20, 10);
    assert_eq!((beyond.result, beyond.asked.len()), (SpfResult::Fail, 12));
    let elsewhere = check(
        "192.0.2.1",
        SENDER,
        "
        d.test TXT v=spf1 ptr -all
        1.2.0.192.in-addr.arpa PTR victim.example
        1.2.0.192.in-addr.arpa PTR bad-d.test
        1.2.0.192.in-addr.arpa PTR test",
    );
    assert_eq!(elsewhere.result, SpfResult::Fail);
    assert_eq!(
        elsewhere.asked,
        ["d.test TXT", "1.2.0.192.in-addr.arpa PTR"]
    );
    // Names that do not fit the buffer are left out, and are no error either.
    let long = "x".repeat(60);
    let lines = format!(
        "
        d.test TXT v=spf1 ptr -all
        1.2.0.192.in-addr.arpa PTR {long}.{long}.d.test
        1.2.0.192.in-addr.arpa PTR a.d.test
        a.d.test A 192.0.2.1"
    );
    let machine: Evaluator<'_, 80> = Evaluator::new(request("192.0.2.1", SENDER), &Limits::DEFAULT);
    assert_eq!(outcome(machine, &lines).result, SpfResult::Pass);
}

/// The most that an evaluation can ask for, to the query.
#[test]
fn the_bound_on_queries_is_exact() {
    let mut lines = format!(
        "d.test TXT v=spf1 {} -all exp=why.test",
        "mx:m.test ".repeat(10)
    );
    for number in 0..10 {
        lines += &format!("\nm.test MX m{number}.test\nm{number}.test A 192.0.2.9");
    }
    lines += "\nwhy.test TXT because of %{p}";
    let outcome = check("192.0.2.1", SENDER, &lines);
    assert_eq!(outcome.asked.len(), 112);
    assert_eq!(outcome.asked.len(), Limits::DEFAULT.max_queries() as usize);
    assert_eq!(outcome.explanation.unwrap(), "because of unknown");
    for number in 0..20 {
        lines +=
            &format!("\n1.2.0.192.in-addr.arpa PTR p{number}.test\np{number}.test A 192.0.2.1");
    }
    let outcome = with_limits(resolving_p(), "192.0.2.1", &lines);
    assert_eq!(outcome.asked.len(), 123);
    assert_eq!(outcome.asked.len(), resolving_p().max_queries() as usize);
    assert_eq!(outcome.explanation.unwrap(), "because of p0.test");
}

#[test]
fn p_is_unknown_unless_wanted() {
    let lines = "
        d.test TXT v=spf1 exists:%{p}.x.test -all
        1.2.0.192.in-addr.arpa PTR other.test
        1.2.0.192.in-addr.arpa PTR b.a.d.test
        1.2.0.192.in-addr.arpa PTR lies.d.test
        1.2.0.192.in-addr.arpa PTR fails.d.test
        other.test A 192.0.2.1
        b.a.d.test A 192.0.2.1
        lies.d.test A 192.0.2.9
        fails.d.test A FAIL
        b.a.d.test.x.test A 127.0.0.2";
    let plain = check("192.0.2.1", SENDER, lines);
    assert_eq!(plain.result, SpfResult::Fail);
    assert_eq!(plain.asked, ["d.test TXT", "unknown.x.test A"]);
    let resolved = with_limits(resolving_p(), "192.0.2.1", lines);
    assert_eq!((resolved.result, resolved.lookups), (SpfResult::Pass, 2));
    assert_eq!(resolved.asked.last().unwrap(), "b.a.d.test.x.test A");
    assert_eq!(resolved.asked.len(), 1 + 1 + 4 + 1);
    // The domain itself is preferred to names below it, wherever it stands.
    let own = format!("{lines}\n1.2.0.192.in-addr.arpa PTR D.test\nd.test A 192.0.2.1");
    let resolved = with_limits(resolving_p(), "192.0.2.1", &own);
    assert_eq!(resolved.asked.last().unwrap(), "d.test.x.test A");
}

/// Only host names are asked for on behalf of a client; nothing else reaches a resolver.
#[test]
fn hostile_domains_are_not_asked_for() {
    for domain in [
        "a.test\0.evil.test",
        "a.test(.evil.test",
        "a.test\".evil.test",
        "a.test evil.test",
        "[192.0.2.1]",
        "a..test",
        "test",
        "",
        "\u{e9}.test",
        "a.test\r\nb.test",
        "%{d}.test",
        "a@b@",
        "*.test",
    ] {
        for (identity, mail_from) in [
            (Identity::MailFrom, format!("user@{domain}")),
            (Identity::MailFrom, String::new()),
            (Identity::Helo, "user@d.test".to_owned()),
        ] {
            let request = Request {
                identity,
                helo: domain.as_bytes(),
                ..request("192.0.2.1", &mail_from)
            };
            let mut machine: Evaluator<'_> = Evaluator::new(request, &Limits::DEFAULT);
            assert_eq!(machine.poll(), Step::Done);
            let verdict = machine.verdict().unwrap();
            assert_eq!(
                (verdict.result(), verdict.queries()),
                (SpfResult::None, 0),
                "{domain}"
            );
            assert!(
                matches!(verdict.reason().kind(), ReasonKind::Malformed(_)),
                "{domain}"
            );
        }
    }
}

/// A null reverse-path is checked as postmaster at the HELO name (RFC 7208 2.4).
#[test]
fn the_helo_name_stands_in() {
    let lines = "mx.example.org TXT v=spf1 exists:%{l}.%{o}.%{h} -all\npostmaster.mx.example.org.mx.example.org A 127.0.0.2";
    assert_eq!(check("192.0.2.1", "", lines).result, SpfResult::Pass);
}

/// What macros bring into a name that cannot be one does not match, and is not asked for.
#[test]
fn hostile_local_parts() {
    for local_part in ["\0", "a\r\nb", "\u{e9}", "a..b", &"x".repeat(64)] {
        let from = format!("{local_part}@d.test");
        let outcome = check(
            "192.0.2.1",
            &from,
            "d.test TXT v=spf1 exists:%{l}.d.test include:%{d}.%{l}.test -all",
        );
        assert_eq!(outcome.asked, ["d.test TXT"], "{local_part}");
    }
    // RFC 8616 4: such a term does not match; for names that are broken otherwise it is an error.
    let lines = "d.test TXT v=spf1 include:%{l}.d.test ?all";
    assert_eq!(
        check("192.0.2.1", "\u{e9}@d.test", lines).result,
        SpfResult::Neutral
    );
    assert_eq!(
        check("192.0.2.1", "a..b@d.test", lines).result,
        SpfResult::PermError
    );
}

/// The text goes into an SMTP reply, so what a client said must not break out of it.
#[test]
fn explanations_are_plain_text() {
    let explanation = |helo: &[u8], text: &str| {
        let lines = format!("d.test TXT v=spf1 -all exp=why.test\nwhy.test TXT {text}");
        let request = Request {
            helo,
            ..request("192.0.2.1", SENDER)
        };
        let machine: Evaluator<'_> = Evaluator::new(request, &Limits::DEFAULT);
        let outcome = outcome(machine, &lines);
        assert_eq!(outcome.result, SpfResult::Fail);
        outcome.explanation
    };
    assert_eq!(explanation(b"x\r\n250 ok", "%{h}"), None);
    assert_eq!(
        explanation(b"x\r\n250 ok", "%{H}").unwrap(),
        "x%0D%0A250%20ok"
    );
    assert_eq!(explanation(b"\xc3\xa9", "%{h}"), None);
    assert_eq!(explanation(b"x\x7f", "%{h}"), None);
    assert_eq!(explanation(b"x", "caf\u{e9}"), None);
    let long = "a".repeat(512);
    assert_eq!(
        explanation(long.as_bytes(), "%{h}%{h}").unwrap().len(),
        1024
    );
    assert_eq!(explanation(long.as_bytes(), "%{h}%{h}."), None);
}

/// A record of one kilobyte makes a name of many: time and memory stay bounded.
#[test]
fn macro_growth() {
    let lines = format!(
        "d.test TXT v=spf1 exists:{}.d.test -all",
        "%{s}.".repeat(700).trim_end_matches('.')
    );
    let from = format!("{}@d.test", "a.".repeat(120) + "b");
    let outcome = check("192.0.2.1", &from, &lines);
    assert_eq!(outcome.result, SpfResult::Fail);
    let name = outcome.asked[1].strip_suffix(" A").unwrap();
    assert!((190..=253).contains(&name.len()), "{name}");
    assert!(name.ends_with(".b@d.test.d.test"));
}

#[test]
fn several_records_and_near_misses() {
    for (texts, result) in [
        (&["v=spf1 +all", "v=spf1 +all"][..], SpfResult::PermError),
        (&["v=spf1 +all", "V=SPF1 -all"], SpfResult::PermError),
        (&["v=spf10 +all", "v=spf1 -all"], SpfResult::Fail),
        (
            &["v=spf1\u{a0}+all", "v=spf1-all", "x v=spf1 +all"],
            SpfResult::None,
        ),
        (&["v=spf1 +all trailing"], SpfResult::PermError),
    ] {
        let lines: Vec<String> = texts
            .iter()
            .map(|text| format!("d.test TXT {text}"))
            .collect();
        assert_eq!(
            check("192.0.2.1", SENDER, &lines.join("\n")).result,
            result,
            "{texts:?}"
        );
    }
}

#[test]
fn ipv4_mapped_clients_are_ipv4() {
    let lines = "
        d.test TXT v=spf1 ip6:::ffff:0:0/96 a -all
        d.test A 192.0.2.1";
    let mapped = check("::ffff:192.0.2.1", SENDER, lines);
    assert_eq!(
        (mapped.result, &*mapped.asked[1]),
        (SpfResult::Pass, "d.test A")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the DNS says, the machine ends within its bound.
    #[test]
    fn any_dns_ends(
        texts in prop::collection::vec("v=spf1( [+?~-]?(include:%\\{d\\}|include:i\\.test|a:%\\{l\\}\\.test|mx:%\\{d2\\}|ptr|exists:%\\{i\\}\\.%\\{p\\}\\.x|redirect=%\\{d\\}|exp=%\\{p\\}\\.w)){0,12}", 1..4),
        seed: u64, resolve_p: bool, lookups in 0_u8..30, voids: u8, mx: u8, ptr: u8,
    ) {
        let mut limits = Limits::DEFAULT;
        (limits.resolve_p, limits.lookups, limits.void_lookups, limits.mx_names, limits.ptr_names) = (resolve_p, lookups, voids, mx, ptr);
        let mut state = seed;
        let mut number = |end: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % end
        };
        let answers: Vec<u64> = (0..64).map(|_| number(40)).collect();
        let zone = |name: &str, rtype: Rtype| {
            let answer = answers[name.bytes().map(usize::from).sum::<usize>() % 64];
            match (answer, rtype) {
                (0, _) => Found::NxDomain,
                (1, _) => Found::Failed(scop_core::lookup::Failure::Timeout),
                (_, Rtype::TXT) => Found::Texts(vec![texts[usize::try_from(answer).unwrap() % texts.len()].clone()]),
                (_, Rtype::MX | Rtype::PTR) => Found::Names((0..answer).map(|n| format!("n{n}.d.test")).collect()),
                _ => Found::Addresses(vec!["192.0.2.9".parse().unwrap(), "2001:db8::9".parse().unwrap()]),
            }
        };
        let mut machine: Evaluator<'_, 2000> = Evaluator::new(request("192.0.2.1", SENDER), &limits);
        run(&mut machine, zone, |end| usize::try_from(number(end as u64)).unwrap());
        let verdict = machine.verdict().unwrap();
        prop_assert!(verdict.queries() <= limits.max_queries());
        prop_assert!(verdict.lookups() <= limits.lookups);
    }

    /// No bytes of the client or of the DNS make it panic.
    #[test]
    fn any_bytes(ip: [u8; 16], helo: Vec<u8>, mail_from: Vec<u8>, text: Vec<u8>, tail in "[ -~]{0,80}") {
        let request = Request {
            ip: core::net::IpAddr::from(ip),
            helo: &helo,
            mail_from: &[&mail_from, &b"@d.test"[..]].concat(),
            ..request("192.0.2.1", SENDER)
        };
        for record in [[b"v=spf1 ", &text[..]].concat(), [b"v=spf1 ", tail.as_bytes()].concat()] {
            let record = [scop_core::Rdata::Txt(scop_core::Txt::joined(&record))];
            let mut machine: Evaluator<'_, 512> = Evaluator::new(request, &Limits::DEFAULT);
            let verdict = scop_core::lookup::drive(&mut machine, |_| scop_core::Answer::records(&record));
            let verdict = verdict.unwrap();
            let shown = verdict.reason().to_string();
            prop_assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
        }
    }
}
