//! Every lookup machine through the drill: answers in every order, twice, with stale ids, with
//! failures, and with records of a type that nobody asked for.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use scop_core::{Answer, NameBuf, Query, Rdata, Records, Rtype, Security, Txt, UnixTime, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::verify::Verifier;
use scop_dmarc::alignment::{Alignment, Check, Mode};
use scop_dmarc::authenticator::{Connection, Limits};
use scop_dmarc::discover::Findings;
use scop_dmarc::{Authenticator, Discovery, Domain};
use scop_interop::machine::Drill;
use scop_mime_core::Message;
use scop_smtp_proto::policy::mta_sts::{self, Policy};
use scop_smtp_proto::policy::route::{self, Route, Router, TlsWish};
use scop_smtp_proto::policy::tls_rpt;
use scop_spf::{Evaluator, Identity, Request};

const MESSAGE: &[u8] = b"DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=a; h=from;\r\n \
    bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n b=AAAA\r\n\
    DKIM-Signature: v=1; a=rsa-sha256; d=other.example.org; s=b; h=from:to;\r\n \
    bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n b=AAAA\r\n\
    From: News <news@mail.example.org>\r\n\
    \r\n\
    Hello\r\n";

static EXCHANGES: LazyLock<[NameBuf; 4]> = LazyLock::new(|| {
    [
        b"m1.example.org",
        b"m2.example.org",
        b"m3.example.org",
        b"m4.example.org",
    ]
    .map(|name| NameBuf::from_text(name).unwrap())
});
static MX: LazyLock<Vec<Rdata<'static>>> = LazyLock::new(|| {
    let mx = |exchange: &'static NameBuf| Rdata::Mx {
        preference: 10,
        exchange: exchange.as_name(),
    };
    EXCHANGES.iter().map(mx).collect()
});
static ADDRESSES: [Rdata<'static>; 2] = [
    Rdata::A(Ipv4Addr::new(192, 0, 2, 1)),
    Rdata::A(Ipv4Addr::new(192, 0, 2, 25)),
];
static SPF: [Rdata<'static>; 1] = [Rdata::Txt(Txt::joined(
    b"v=spf1 include:inner.example.org mx exp=why.example.org -all",
))];
static INNER: [Rdata<'static>; 1] = [Rdata::Txt(Txt::joined(
    b"v=spf1 a:nowhere.example.org a:m1.example.org ?all",
))];
static DMARC: [Rdata<'static>; 1] = [Rdata::Txt(Txt::joined(
    b"v=DMARC1; p=reject; sp=quarantine",
))];
static KEY: [Rdata<'static>; 1] = [Rdata::Txt(Txt::joined(
    b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
))];
static WHY: [Rdata<'static>; 1] = [Rdata::Txt(Txt::joined(b"%{i} may not"))];

/// The last exchange has the address of the client.
fn zone(query: Query<'_>) -> Answer<'static> {
    match (query.name.to_string().as_str(), query.rtype) {
        ("example.org." | "mx.example.org.", Rtype::TXT) => Answer::records(&SPF),
        ("inner.example.org.", Rtype::TXT) => Answer::records(&INNER),
        ("why.example.org.", Rtype::TXT) => Answer::records(&WHY),
        ("a._domainkey.example.org.", Rtype::TXT) => Answer::records(&KEY),
        ("_dmarc.example.org.", Rtype::TXT) => Answer::records(&DMARC),
        ("example.org." | "mx.example.org.", Rtype::MX) => Answer::records(&MX),
        ("m4.example.org.", Rtype::A) => Answer::records(&ADDRESSES),
        ("m1.example.org." | "m2.example.org.", Rtype::A) => Answer::records(&ADDRESSES[..1]),
        ("mail.example.org.", _) => Answer::NoData(Security::Indeterminate),
        _ => Answer::NxDomain(Security::Indeterminate),
    }
}

fn connection() -> Connection<'static> {
    Connection {
        ip: Ipv4Addr::new(192, 0, 2, 25).into(),
        helo: b"mx.example.org",
        mail_from: b"news@example.org",
        receiver: b"mx.example.net",
    }
}

#[test]
fn spf() {
    for (client, result) in [(25, "Pass"), (99, "Fail")] {
        let Connection {
            helo,
            mail_from,
            receiver,
            ..
        } = connection();
        let report = Drill {
            new: || {
                let ip = Ipv4Addr::new(192, 0, 2, client).into();
                let now = UnixTime(1_800_000_000);
                let identity = Identity::MailFrom;
                let request = Request {
                    ip,
                    helo,
                    mail_from,
                    identity,
                    receiver,
                    now,
                };
                Evaluator::<4096>::new(request, &scop_spf::Limits::DEFAULT)
            },
            zone,
            sum: |verdict: &scop_spf::Verdict<'_>| {
                format!(
                    "{:?} {} {:?} {} {}",
                    verdict.result(),
                    verdict.reason(),
                    verdict.explanation().map(String::from_utf8_lossy),
                    verdict.lookups(),
                    verdict.void_lookups(),
                )
            },
            feed: |_: &mut Evaluator<'_>| {},
        }
        .run(2_000, |verdict| {
            assert!(verdict.starts_with(result), "{verdict}");
        });
        println!("spf, client {client}: {report:?}");
        assert!(
            report.runs >= 24,
            "four addresses are asked for side by side: {report:?}"
        );
    }
}

#[test]
fn dkim() {
    let message = Message::split(MESSAGE);
    let report = Drill {
        new: || {
            let now = UnixTime(1_800_000_000);
            Verifier::<10>::new(
                message.header,
                RUST_CRYPTO,
                now,
                &scop_dkim::verify::Limits::DEFAULT,
            )
        },
        zone,
        sum: |verdict: &[scop_dkim::verify::SignatureResult<'_>]| {
            verdict
                .iter()
                .map(|one| format!("{:?} {}", one.result(), one.reason()))
                .collect::<Vec<_>>()
                .join(", ")
        },
        feed: |verifier: &mut Verifier<'_, '_>| {
            verifier.body(message.body).unwrap();
            verifier.finish_body().unwrap();
        },
    }
    .run(100, |verdict| {
        assert!(verdict.starts_with("Fail"), "{verdict}");
    });
    println!("dkim: {report:?}");
    assert_eq!((report.runs, report.queries), (2, 2));
}

fn walked() -> Discovery<'static> {
    let mut discovery = Discovery::new(Domain::parse(b"mail.example.org").unwrap());
    discovery.seek_organizational();
    discovery
}

#[test]
fn dmarc_discovery() {
    let report = Drill {
        new: walked,
        zone,
        sum: |findings: &Findings<'_>| {
            format!("{:?} {:?}", findings.organizational(), findings.record())
        },
        feed: |_: &mut Discovery<'_>| {},
    }
    .run(100, |found| {
        assert!(found.contains("example.org"), "{found}");
    });
    println!("dmarc discovery: {report:?}");
    assert!(report.queries >= 3, "a walk of three labels: {report:?}");
}

#[test]
fn dmarc_alignment() {
    let mut discovery = walked();
    let findings = lookup::drive(&mut discovery, zone).unwrap();
    let report = Drill {
        new: || {
            let identifier = Domain::parse(b"bounce.list.example.org").unwrap();
            Check::new(identifier, findings, Mode::Relaxed)
        },
        zone,
        sum: |alignment: &Alignment| *alignment,
        feed: |_: &mut Check<'_>| {},
    }
    .run(100, |alignment| {
        assert_eq!(*alignment, Alignment::Relaxed);
    });
    println!("dmarc alignment: {report:?}");
    assert!(report.queries >= 1, "{report:?}");
}

#[test]
fn authenticator() {
    let message = Message::split(MESSAGE);
    let report = Drill {
        new: || {
            let now = UnixTime(1_800_000_000);
            Authenticator::<10, 4096>::new(
                message.header,
                Some(connection()),
                RUST_CRYPTO,
                now,
                &Limits::DEFAULT,
            )
        },
        zone,
        sum: |verdict: &scop_dmarc::Verdict<'_, '_>| {
            let mut field = Vec::new();
            verdict
                .write_results(b"mx.example.net", &mut field)
                .unwrap();
            format!(
                "{:?} {} {:?} {}",
                verdict.result(),
                verdict.reason(),
                verdict.disposition(),
                String::from_utf8(field).unwrap(),
            )
        },
        feed: |machine: &mut Authenticator<'_, '_>| {
            machine.body(message.body).unwrap();
            machine.finish_body().unwrap();
        },
    }
    .run(3_000, |verdict| {
        assert!(verdict.starts_with("Pass"), "{verdict}");
    });
    println!("authenticator: {report:?}");
    assert_eq!(report.runs, 3_000, "there are more orders than that");
}

/// Three mail exchanges with all that DANE asks, and a policy that one of them does not match.
fn secure_zone(query: Query<'_>) -> Answer<'static> {
    static TLSA: [Rdata<'static>; 1] = [Rdata::Other {
        rtype: Rtype::TLSA,
        data: &[3; 35],
    }];
    static USABLE: [Rdata<'static>; 1] = [Rdata::Other {
        rtype: Rtype::TLSA,
        data: b"\x03\x01\x01................................",
    }];
    let secure = |records: &'static [Rdata<'static>]| {
        Answer::Records(Records::from(records), Security::Secure)
    };
    match (query.name.to_string().as_str(), query.rtype) {
        ("example.org.", Rtype::MX) => secure(&MX[..2]),
        ("m1.example.org." | "m2.example.org.", Rtype::A) => secure(&ADDRESSES),
        ("_25._tcp.m1.example.org.", Rtype::TLSA) => secure(&USABLE),
        ("_25._tcp.m2.example.org.", Rtype::TLSA) => secure(&TLSA),
        ("_mta-sts.example.org.", Rtype::TXT) => Answer::records(&STS),
        ("_smtp._tls.example.org.", Rtype::TXT) => Answer::records(&TLSRPT),
        _ => Answer::NoData(Security::Secure),
    }
}

static STS: [Rdata<'static>; 1] = [Rdata::Txt(Txt::joined(b"v=STSv1; id=1"))];
static TLSRPT: [Rdata<'static>; 1] = [Rdata::Txt(Txt::joined(
    b"v=TLSRPTv1; rua=mailto:tls@example.org",
))];

#[test]
fn route() {
    let policy = b"version: STSv1\nmode: enforce\nmx: m1.example.org\nmax_age: 86400\n";
    let policy = Policy::parse(policy).unwrap();
    let domain = scop_smtp_proto::Domain::parse(b"example.org").unwrap();
    for (sts, tls) in [
        (None, TlsWish::Policy),
        (None, TlsWish::Required),
        (None, TlsWish::Optional),
        (Some(policy), TlsWish::Policy),
    ] {
        let report = Drill {
            new: || -> Router<'_> {
                let mut request = route::Request::new(domain, 7);
                (request.sts, request.tls) = (sts, tls);
                Router::new(request, &route::Limits::DEFAULT)
            },
            zone: secure_zone,
            sum: |route: &Route<'_>| {
                let hosts: Vec<_> = (route.hosts())
                    .map(|host| {
                        let addresses: Vec<_> = host.addresses().collect();
                        let names: Vec<_> = host.certificate_names().collect();
                        format!("{host:?} {addresses:?} {names:?} {:?}", host.sts())
                    })
                    .collect();
                let unusable: Vec<_> = route.unusable().collect();
                format!("{hosts:?} {unusable:?} {:?}", route.failure())
            },
            feed: |_: &mut Router<'_>| {},
        }
        .run(1_000, |route| {
            assert!(route.contains("m1.example.org"), "{route}");
        });
        println!("route, {tls:?}: {report:?}");
        let queries = if tls == TlsWish::Optional { 5 } else { 7 };
        assert_eq!(report.queries, queries);
    }
}

#[test]
fn policy_records() {
    let report = Drill {
        new: || mta_sts::Discovery::new(b"example.org"),
        zone: secure_zone,
        sum: |found: &mta_sts::Found| *found,
        feed: |_: &mut mta_sts::Discovery<'_>| {},
    }
    .run(10, |found| {
        let id = mta_sts::Id::new(b"1").unwrap();
        assert_eq!(*found, mta_sts::Found::Policy(id));
    });
    assert_eq!((report.runs, report.queries), (1, 1));
    let report = Drill {
        new: || -> tls_rpt::Discovery<'_> { tls_rpt::Discovery::new(b"example.org") },
        zone: secure_zone,
        sum: |found: &tls_rpt::Found| format!("{:?}", found.record()),
        feed: |_: &mut tls_rpt::Discovery<'_>| {},
    }
    .run(10, |found| assert!(found.starts_with("Ok"), "{found}"));
    assert_eq!((report.runs, report.queries), (1, 1));
}
