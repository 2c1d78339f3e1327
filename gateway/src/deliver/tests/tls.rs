//! Certificates, good and bad, and what each policy makes of them.

use scop_smtp_proto::policy::tls_rpt::ResultType;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::http::tests::Authority;

fn pool(authority: &Authority) -> Pool {
    let mut settings = settings();
    settings.trust = authority.trust.clone();
    Pool::new(settings).unwrap()
}

fn rules(tls: TlsAcceptor) -> Rules {
    Rules {
        announce: vec!["STARTTLS", "REQUIRETLS"],
        tls: Some(tls),
        ..Rules::default()
    }
}

/// What TLS came to, in one word.
fn word(tls: &TlsResult) -> String {
    match tls {
        TlsResult::None => "none".to_owned(),
        TlsResult::Plain => "plain".to_owned(),
        TlsResult::Encrypted { verified, words } => {
            assert!(words.starts_with("TLSv1.3 TLS_"), "{words}");
            if *verified { "verified" } else { "encrypted" }.to_owned()
        }
        TlsResult::Failed { kind, words } => {
            assert!(!words.is_empty());
            kind.to_string()
        }
    }
}

pub(super) const NAME: &str = "mx.example.org";

#[tokio::test]
async fn certificates() {
    let (ours, other) = (Authority::named("ours"), Authority::named("other"));
    let forged = Authority::named("ours");
    let cases = [
        (ours.acceptor(NAME, 2999), "verified", Ok("verified")),
        (
            ours.acceptor("*.example.org", 2999),
            "verified",
            Ok("verified"),
        ),
        // A wildcard stands for one label, and only for a whole one.
        (
            ours.acceptor("*.org", 2999),
            "encrypted",
            Err(ResultType::CertificateHostMismatch),
        ),
        (
            ours.acceptor("mx.example.net", 2999),
            "encrypted",
            Err(ResultType::CertificateHostMismatch),
        ),
        (
            ours.acceptor(NAME, 2021),
            "encrypted",
            Err(ResultType::CertificateExpired),
        ),
        (
            other.acceptor(NAME, 2999),
            "encrypted",
            Err(ResultType::CertificateNotTrusted),
        ),
        (
            forged.acceptor(NAME, 2999),
            "encrypted",
            Err(ResultType::CertificateNotTrusted),
        ),
    ];
    for (place, (tls, any, with_names)) in cases.into_iter().enumerate() {
        for implicit_tls in [false, true] {
            let mut rules = rules(tls.clone());
            rules.implicit_tls = implicit_tls;
            let server = Fake::start(rules).await;
            let pool = pool(&ours);
            let mut target = target(&server);
            target.implicit_tls = implicit_tls;
            for policy in [TlsPolicy::Opportunistic, TlsPolicy::Require] {
                target.tls = policy;
                let message = message("", TO, TEXT);
                let delivery = pool.deliver(&target, &message, &[0, 1]).await;
                assert_eq!((&*short(&delivery), &*word(&delivery.tls)), ("+ +", any));
            }
            // The connections that are there are not good enough.
            let before = server.seen();
            target.names = vec!["mx2.example.org".to_owned(), NAME.to_owned()];
            if any == "encrypted" {
                target.names.remove(0);
            }
            let delivery = pool.deliver(&target, &message("", TO, TEXT), &[0, 1]).await;
            match with_names {
                Ok(result) => {
                    assert_eq!((&*short(&delivery), &*word(&delivery.tls)), ("+ +", result));
                    assert_eq!(server.seen().connections, before.connections + 1);
                }
                Err(kind) => {
                    assert_eq!(short(&delivery), "! 4.7.5", "{place}");
                    assert_eq!(word(&delivery.tls), kind.as_str());
                    // No second attempt in the clear, and no command.
                    let after = server.seen();
                    assert_eq!(after.connections, before.connections + 1);
                    assert_eq!(after.messages.len(), before.messages.len());
                }
            }
        }
    }
}

#[tokio::test]
async fn without_tls() {
    let authority = Authority::named("ours");
    let plain = |fault| {
        let mut rules = rules(authority.acceptor(NAME, 2999));
        rules.announce = vec!["STARTTLS"];
        match fault {
            None => {
                rules.announce.clear();
                rules
            }
            Some(fault) => rules.with_fault("STARTTLS", fault),
        }
    };
    // What opportunistic and required TLS come to, and over how many connections the first does.
    let cases = [
        (None, "plain", "starttls-not-supported", "! 4.7.10", 1),
        (
            Some(Fault::Say("454 4.7.0 not now\r\n")),
            "starttls-not-supported",
            "starttls-not-supported",
            "! 4.7.10",
            1,
        ),
        (
            Some(Fault::SayAndClose("220 go\r\n")),
            "validation-failure",
            "validation-failure",
            "! 4.7.5",
            2,
        ),
        // No handshake follows, but what a server says in the clear.
        (
            Some(Fault::Say("220 go\r\n")),
            "validation-failure",
            "validation-failure",
            "! 4.7.5",
            2,
        ),
    ];
    for (fault, opportunistic, required, result, connections) in cases {
        let server = Fake::start(plain(fault)).await;
        let pool = pool(&authority);
        let mut target = target(&server);
        target.tls = TlsPolicy::Opportunistic;
        let delivery = pool.deliver(&target, &message("", TO, TEXT), &[0, 1]).await;
        assert_eq!(
            (&*short(&delivery), &*word(&delivery.tls)),
            ("+ +", opportunistic),
            "{fault:?}"
        );
        assert_eq!(server.seen().connections, connections, "{fault:?}");
        target.tls = TlsPolicy::Require;
        for names in [vec![], vec![NAME.to_owned()]] {
            target.names = names;
            let delivery = pool.deliver(&target, &message("", TO, TEXT), &[0, 1]).await;
            assert_eq!(
                (&*short(&delivery), &*word(&delivery.tls)),
                (result, required),
                "{fault:?}"
            );
        }
        // A message that demands TLS does so whatever the target says.
        target.names.clear();
        target.tls = TlsPolicy::Opportunistic;
        let demanding = message("REQUIRETLS", TO, TEXT);
        let delivery = pool.deliver(&target, &demanding, &[0, 1]).await;
        // A server that has no TLS is no matter of time then (RFC 8689 4.2.1).
        let result = if fault.is_none() { "! 5.7.10" } else { result };
        assert_eq!(
            (&*short(&delivery), &*word(&delivery.tls)),
            (result, required),
            "{fault:?}"
        );
        assert_eq!(server.seen().messages.len(), 1);
    }
}

#[tokio::test]
async fn injected_replies() {
    let authority = Authority::named("ours");
    let injected = Fault::Say("220 go\r\n250 SIZE 1\r\n");
    let server =
        Fake::start(rules(authority.acceptor(NAME, 2999)).with_fault("STARTTLS", injected)).await;
    let mut target = target(&server);
    target.tls = TlsPolicy::Require;
    let delivery = (pool(&authority))
        .deliver(&target, &message("", TO, TEXT), &[0, 1])
        .await;
    assert_eq!(short(&delivery), "! 4.7.5");
    assert_eq!(server.seen().messages.len(), 0);
}

#[tokio::test]
async fn require_tls() {
    let (ours, other) = (Authority::named("ours"), Authority::named("ours"));
    let both = &["STARTTLS", "REQUIRETLS"][..];
    let cases = [
        (ours.acceptor(NAME, 2999), both, "+ +"),
        (ours.acceptor(NAME, 2999), &both[..1], "! 5.7.30"),
        (other.acceptor(NAME, 2999), both, "! 5.7.10"),
        (ours.acceptor("mx2.example.net", 2999), both, "! 5.7.10"),
        (ours.acceptor(NAME, 2024), both, "! 5.7.10"),
    ];
    for (tls, announce, result) in cases {
        let mut rules = rules(tls);
        rules.announce = announce.to_vec();
        let server = Fake::start(rules).await;
        let mut target = target(&server);
        target.tls = TlsPolicy::Opportunistic;
        let delivery = (pool(&ours))
            .deliver(&target, &message("REQUIRETLS", TO, TEXT), &[0, 1])
            .await;
        assert_eq!(short(&delivery), result);
        let mail = (server.seen().commands.into_iter()).find(|line| line.starts_with("MAIL"));
        let expected =
            (result == "+ +").then(|| "MAIL FROM:<joe@example.org> REQUIRETLS".to_owned());
        assert_eq!(mail, expected);
    }
}
