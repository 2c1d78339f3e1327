//! The extended examples of RFC 7208 appendix A.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod zone;

use scop_spf::SpfResult::{self, Fail, Pass};

use crate::zone::check;

/// The DNS of appendix A; its reverse zone for 10.0.0.4 lies.
const SETUP: &str = "
    example.com MX mail-a.example.com
    example.com MX mail-b.example.com
    example.com A 192.0.2.10
    example.com A 192.0.2.11
    amy.example.com A 192.0.2.65
    bob.example.com A 192.0.2.66
    mail-a.example.com A 192.0.2.129
    mail-b.example.com A 192.0.2.130
    example.org MX mail-c.example.org
    mail-c.example.org A 192.0.2.140
    10.2.0.192.in-addr.arpa PTR example.com
    11.2.0.192.in-addr.arpa PTR example.com
    65.2.0.192.in-addr.arpa PTR amy.example.com
    66.2.0.192.in-addr.arpa PTR bob.example.com
    129.2.0.192.in-addr.arpa PTR mail-a.example.com
    130.2.0.192.in-addr.arpa PTR mail-b.example.com
    140.2.0.192.in-addr.arpa PTR mail-c.example.org
    4.0.0.10.in-addr.arpa PTR bob.example.com
";

fn result(record: &str, more: &str, ip: &str, mail_from: &str) -> SpfResult {
    check(
        ip,
        mail_from,
        &format!("{SETUP}\nexample.com TXT {record}\n{more}"),
    )
    .result
}

#[test]
fn a_1_simple_examples() {
    const ALL: [&str; 8] = [
        "192.0.2.10",
        "192.0.2.11",
        "192.0.2.65",
        "192.0.2.129",
        "192.0.2.130",
        "192.0.2.140",
        "10.0.0.4",
        "192.0.2.131",
    ];
    for (record, passing) in [
        ("v=spf1 +all", &ALL[..]),
        ("v=spf1 a -all", &["192.0.2.10", "192.0.2.11"]),
        ("v=spf1 a:example.org -all", &[]),
        ("v=spf1 mx -all", &["192.0.2.129", "192.0.2.130"]),
        ("v=spf1 mx:example.org -all", &["192.0.2.140"]),
        (
            "v=spf1 mx mx:example.org -all",
            &["192.0.2.129", "192.0.2.130", "192.0.2.140"],
        ),
        (
            "v=spf1 mx/30 mx:example.org/30 -all",
            &["192.0.2.129", "192.0.2.130", "192.0.2.131", "192.0.2.140"],
        ),
        (
            "v=spf1 ptr -all",
            &[
                "192.0.2.10",
                "192.0.2.11",
                "192.0.2.65",
                "192.0.2.129",
                "192.0.2.130",
            ],
        ),
        (
            "v=spf1 ip4:192.0.2.128/28 -all",
            &["192.0.2.129", "192.0.2.130", "192.0.2.140", "192.0.2.131"],
        ),
    ] {
        for ip in ALL {
            let expected = if passing.contains(&ip) { Pass } else { Fail };
            assert_eq!(
                result(record, "", ip, "a@example.com"),
                expected,
                "{record} {ip}"
            );
        }
    }
}

#[test]
fn a_2_multiple_domains() {
    let more = "
        example.org TXT v=spf1 include:example.com include:example.net -all
        example.net TXT v=spf1 ip4:198.51.100.0/24 -all
        la.example.org TXT v=spf1 redirect=example.org";
    for domain in ["example.org", "la.example.org"] {
        let from = format!("a@{domain}");
        for (ip, expected) in [
            ("192.0.2.10", Pass),
            ("198.51.100.9", Pass),
            ("192.0.2.140", Fail),
        ] {
            assert_eq!(result("v=spf1 a -all", more, ip, &from), expected, "{ip}");
        }
    }
}

#[test]
fn a_3_lists() {
    let record = "v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all";
    let more = "
        mobile-users._spf.example.com TXT v=spf1 exists:%{l1r+}.%{d}
        remote-users._spf.example.com TXT v=spf1 exists:%{ir}.%{l1r+}.%{d}
        mary.mobile-users._spf.example.com A 127.0.0.2
        fred.mobile-users._spf.example.com A 127.0.0.2
        15.15.168.192.joel.remote-users._spf.example.com A 127.0.0.2
        16.15.168.192.joel.remote-users._spf.example.com A 127.0.0.2";
    for (ip, user, expected) in [
        ("192.0.2.129", "anyone", Pass),
        ("203.0.113.1", "mary", Pass),
        ("203.0.113.1", "fred+list", Pass),
        ("192.168.15.15", "joel", Pass),
        ("192.168.15.17", "joel", Fail),
        ("203.0.113.1", "anyone", Fail),
    ] {
        assert_eq!(
            result(record, more, ip, &format!("{user}@example.com")),
            expected,
            "{ip} {user}"
        );
    }
}

#[test]
fn a_4_multiple_requirements() {
    let record = "v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all";
    let more = "
        ip4._spf.example.com TXT v=spf1 -ip4:192.0.2.0/24 +all
        ptr._spf.example.com TXT v=spf1 -ptr:example.com +all";
    // The RFC writes `-ptr`, which would test for names below ptr._spf.example.com.
    for (ip, expected) in [
        ("192.0.2.65", Pass),
        ("192.0.2.140", Fail),
        ("10.0.0.4", Fail),
        ("192.0.2.131", Fail),
    ] {
        assert_eq!(result(record, more, ip, "a@example.com"), expected, "{ip}");
    }
}
