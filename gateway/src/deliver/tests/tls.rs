//! Certificates, good and bad, and what each policy makes of them.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use scop_smtp_proto::policy::tls_rpt::ResultType;
use tokio_rustls::TlsAcceptor;

use super::*;

/// An authority, and a trust that has it.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) trust: Trust,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let path = temporary_path();
        std::fs::write(&path, certificate.pem()).unwrap();
        let trust = Trust::new(Some(&path)).unwrap();
        std::fs::remove_file(&path).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            trust,
        }
    }

    /// A server with a certificate for `name`, valid to the end of `year`.
    pub(super) fn acceptor(&self, name: &str, year: i32) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn pool(&self) -> Pool {
        let mut settings = settings();
        settings.trust = self.trust.clone();
        Pool::new(settings).unwrap()
    }
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
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let forged = Authority::new("ours");
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
            let pool = ours.pool();
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
    let authority = Authority::new("ours");
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
        let pool = authority.pool();
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
        assert_eq!(
            (&*short(&delivery), &*word(&delivery.tls)),
            (result, required)
        );
        assert_eq!(server.seen().messages.len(), 1);
    }
}

#[tokio::test]
async fn injected_replies() {
    let authority = Authority::new("ours");
    let injected = Fault::Say("220 go\r\n250 SIZE 1\r\n");
    let server =
        Fake::start(rules(authority.acceptor(NAME, 2999)).with_fault("STARTTLS", injected)).await;
    let mut target = target(&server);
    target.tls = TlsPolicy::Require;
    let delivery = (authority.pool())
        .deliver(&target, &message("", TO, TEXT), &[0, 1])
        .await;
    assert_eq!(short(&delivery), "! 4.7.5");
    assert_eq!(server.seen().messages.len(), 0);
}

#[tokio::test]
async fn require_tls() {
    let (ours, other) = (Authority::new("ours"), Authority::new("ours"));
    let both = &["STARTTLS", "REQUIRETLS"][..];
    let cases = [
        (ours.acceptor(NAME, 2999), both, "+ +"),
        (ours.acceptor(NAME, 2999), &both[..1], "! 5.7.30"),
        (other.acceptor(NAME, 2999), both, "! 4.7.5"),
    ];
    for (tls, announce, result) in cases {
        let mut rules = rules(tls);
        rules.announce = announce.to_vec();
        let server = Fake::start(rules).await;
        let mut target = target(&server);
        target.tls = TlsPolicy::Opportunistic;
        let delivery = (ours.pool())
            .deliver(&target, &message("REQUIRETLS", TO, TEXT), &[0, 1])
            .await;
        assert_eq!(short(&delivery), result);
        let mail = (server.seen().commands.into_iter()).find(|line| line.starts_with("MAIL"));
        let expected =
            (result == "+ +").then(|| "MAIL FROM:<joe@example.org> REQUIRETLS".to_owned());
        assert_eq!(mail, expected);
    }
}
