//! STARTTLS and AUTH.

use std::format;
use std::string::String;

use scop_core::{Full, Instant, Sink};

use super::drive::{at_every_cut, codes, run};
use super::limits::server_with;
use crate::auth::MechanismSet;
use crate::extension::{
    Auth, Effect, EnhancedStatusCodes, Extension, Pipelining, Refusal, RequireTls, Session,
    StartTls,
};
use crate::server::{Buffers, Config, ConfigError, End, Event, Server, Step, TlsError};

const ALL: MechanismSet = MechanismSet::ALL;

const OFFERED: &[&dyn Extension] = &[
    &Pipelining,
    &EnhancedStatusCodes,
    &StartTls,
    &RequireTls,
    &Auth {
        mechanisms: ALL,
        plaintext_allowed: false,
    },
];

fn config(secure: bool) -> Config<'static> {
    let mut config = Config::new("mx.example.org", OFFERED);
    config.secure = secure;
    config
}

#[test]
fn start_tls_forgets_what_was_said() {
    let clear: &[u8] = b"EHLO c\r\nMAIL FROM:<>\r\nSTARTTLS\r\n";
    let secret: &[u8] =
        b"MAIL FROM:<>\r\nEHLO d\r\nSTARTTLS\r\nMAIL FROM:<> REQUIRETLS\r\nQUIT\r\n";
    let input = [clear, secret].concat();
    let seen = run(config(false), &input, &[clear.len()], &mut |_| None);
    assert_eq!(
        codes(&seen.sent),
        "220|250|250 2.1.0|220 2.0.0|503|250|502 5.5.1|250 2.1.0|221 2.0.0"
    );
    let (before, after) = seen.sent.split_once("220 2.0.0 ").unwrap();
    assert!(before.contains("-STARTTLS\r\n250 AUTH SCRAM-SHA-256\r\n"));
    assert!(!before.contains("REQUIRETLS"));
    assert!(!after.contains("-STARTTLS") && after.contains("-REQUIRETLS\r\n"));
    assert!(seen.session.secure);
    assert_eq!(seen.end, Some(End::Quit));
}

/// CVE-2011-0411: what was sent in the clear is never read as if it came through TLS.
#[test]
fn plaintext_behind_start_tls_ends_the_connection() {
    let clear: &[u8] = b"EHLO c\r\nSTARTTLS\r\n";
    let input = [clear, b"RSET\r\n"].concat();
    for cut in (0..clear.len()).chain(clear.len() + 1..input.len()) {
        let seen = run(config(false), &input, &[cut], &mut |_| None);
        assert_eq!(codes(&seen.sent), "220|250", "cut at {cut}");
        assert_eq!(seen.end, Some(End::PlaintextBehindStartTls));
        assert!(!seen.session.secure);
    }
}

#[test]
fn plaintext_while_tls_is_negotiated_ends_the_connection() {
    let begun = |test: &mut dyn FnMut(&mut Server<'_>)| {
        server_with(config(false), |server| {
            assert_eq!(server.tls_started(b"", Instant(0)), Err(TlsError::NotAsked));
            super::limits::say(server, b"EHLO c\r\nSTARTTLS\r\n");
            assert_eq!(server.poll(), Step::StartTls);
            test(server);
        });
    };
    begun(&mut |server| {
        assert_eq!(server.tls_started(b"X", Instant(0)), Err(TlsError::Surplus));
        assert_eq!(server.poll(), Step::Done);
        assert_eq!(server.end(), Some(End::PlaintextBehindStartTls));
        assert_eq!(server.tls_started(b"", Instant(0)), Err(TlsError::NotAsked));
    });
    begun(&mut |server| {
        let mut input: &[u8] = b"X";
        assert_eq!(server.handle_input(&mut input, Instant(0)), b"");
        assert_eq!(server.poll(), Step::Done);
        assert_eq!(server.end(), Some(End::PlaintextBehindStartTls));
    });
    begun(&mut |server| {
        server.handle_timeout(server.deadline());
        assert_eq!(server.poll(), Step::Done);
        assert_eq!(server.end(), Some(End::TimedOut));
        assert_eq!(server.tls_started(b"", Instant(0)), Err(TlsError::NotAsked));
    });
    // 220 is not sent yet.
    server_with(config(false), |server| {
        let mut input: &[u8] = b"EHLO c\r\nSTARTTLS\r\n";
        super::limits::say(server, b"");
        while !input.is_empty() {
            let _ = server.handle_input(&mut input, Instant(0));
            if server.event().is_some() {
                server.accept().unwrap();
            }
        }
        assert_eq!(server.tls_started(b"", Instant(0)), Err(TlsError::NotAsked));
        assert_eq!(server.poll(), Step::Transmit);
    });
}

/// Lines of the client, replies, and who it is.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn auth() {
    let scram_first = "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=";
    let scram_last = "Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAs\
        cD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ==";
    for (secure, lines, want, user) in [
        // RFC 4954 4.1 and 4.3, RFC 4616 4.
        (
            true,
            std::vec!["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"],
            "235 2.7.0",
            Some("tim"),
        ),
        (
            true,
            std::vec!["auth plain", "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"],
            "334|235 2.7.0",
            Some("tim"),
        ),
        (
            true,
            std::vec!["AUTH LOGIN", "dGlt", "c2VjcmV0"],
            "334|334|235 2.7.0",
            Some("tim"),
        ),
        // RFC 7677 3.
        (
            false,
            std::vec!["AUTH SCRAM-SHA-256", scram_first, scram_last, ""],
            "334|334|334|235 2.7.0",
            Some("user"),
        ),
        (
            false,
            std::vec![
                "AUTH SCRAM-SHA-256",
                scram_first,
                "Yz1iaXdzLHI9eA==",
                "NOOP"
            ],
            "334|334|501 5.5.2|250 2.0.0",
            None,
        ),
        // In the clear no secret crosses.
        (
            false,
            std::vec!["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"],
            "504 5.5.4",
            None,
        ),
        (true, std::vec!["AUTH CRAM-MD5"], "504 5.5.4", None),
        // Cancelled, and not base64.
        (
            true,
            std::vec!["AUTH PLAIN", "*", "NOOP"],
            "334|501 5.7.0|250 2.0.0",
            None,
        ),
        (
            true,
            std::vec!["AUTH PLAIN", "QUIT", "NOOP"],
            "334|501 5.5.2|250 2.0.0",
            None,
        ),
        (
            true,
            std::vec!["AUTH PLAIN", "a\0", "NOOP"],
            "334|501 5.5.2|250 2.0.0",
            None,
        ),
        // Once, and in no transaction.
        (
            true,
            std::vec!["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "AUTH PLAIN"],
            "235 2.7.0|503 5.5.1",
            Some("tim"),
        ),
        (
            true,
            std::vec!["MAIL FROM:<>", "AUTH PLAIN"],
            "250 2.1.0|503 5.5.1",
            None,
        ),
        // The host refuses whom it does not know, also by token.
        (
            true,
            std::vec!["AUTH PLAIN AGJhZABwdw=="],
            "535 5.0.0",
            None,
        ),
        (
            true,
            std::vec!["AUTH XOAUTH2 dXNlcj1iYWQBYXV0aD1CZWFyZXIgdAEB", "", "NOOP"],
            "334|535 5.7.8|250 2.0.0",
            None,
        ),
    ] {
        let input = format!("EHLO c\r\n{}\r\n", lines.join("\r\n"));
        let mut named = None;
        let seen = at_every_cut(config(secure), input.as_bytes(), &mut |event| {
            let Event::Authenticate(credentials) = event else {
                return None;
            };
            let shown = format!("{credentials:?}");
            named = Some(shown.clone());
            shown.contains("bad").then_some((535, "no"))
        });
        assert_eq!(codes(&seen.sent), format!("220|250|{want}"), "{lines:?}");
        assert_eq!(seen.identity.as_deref(), user, "{lines:?}");
        assert_eq!(seen.session.authenticated, user.is_some());
    }
}

#[test]
fn a_long_line_in_an_exchange_ends_it() {
    let long = "QUFB".repeat(300);
    let input = format!("EHLO c\r\nAUTH PLAIN\r\n{long}\r\nNOOP\r\n");
    let seen = run(config(true), input.as_bytes(), &[], &mut |_| None);
    assert_eq!(codes(&seen.sent), "220|250|334|500 5.5.6|250 2.0.0");
    // One that fits the line, but not the exchange.
    let long = "QUFB".repeat(200);
    let input = format!("EHLO c\r\nAUTH PLAIN\r\n{long}\r\nNOOP\r\n");
    let seen = run(config(true), input.as_bytes(), &[], &mut |_| None);
    assert_eq!(codes(&seen.sent), "220|250|334|500 5.5.6|250 2.0.0");
}

/// AUTH is offered with the mechanisms that can be served, and not without one; also behind STARTTLS.
#[test]
fn what_cannot_be_served_is_not_announced() {
    use crate::auth::server::Exchange;
    use scop_core::crypto::Hash;

    let (sha256, sha512): (&dyn Hash, &dyn Hash) = (&scop_crypto::SHA256, &scop_crypto::SHA512);
    let all = "250 AUTH SCRAM-SHA-256 OAUTHBEARER XOAUTH2 PLAIN LOGIN\r\n";
    let no_scram = "250 AUTH OAUTHBEARER XOAUTH2 PLAIN LOGIN\r\n";
    for (kept, secure, announced, command, want) in [
        (None, true, None, "AUTH PLAIN", "502 5.5.1"),
        (None, false, None, "AUTH SCRAM-SHA-256", "502 5.5.1"),
        (None, true, None, "MAIL FROM:<> AUTH=<>", "555 5.5.4"),
        (Some(None), true, Some(no_scram), "AUTH PLAIN", "334"),
        (
            Some(None),
            true,
            Some(no_scram),
            "AUTH SCRAM-SHA-256",
            "504 5.5.4",
        ),
        (Some(None), false, None, "AUTH SCRAM-SHA-256", "502 5.5.1"),
        (
            Some(Some(sha512)),
            true,
            Some(no_scram),
            "AUTH SCRAM-SHA-256",
            "504 5.5.4",
        ),
        (
            Some(Some(sha256)),
            true,
            Some(all),
            "AUTH SCRAM-SHA-256",
            "334",
        ),
        (
            Some(Some(sha256)),
            false,
            Some("250 AUTH SCRAM-SHA-256\r\n"),
            "AUTH SCRAM-SHA-256",
            "334",
        ),
    ] {
        let (mut lines, mut replies, mut room) = ([0; 600], [0; 1024], [0; 512]);
        let buffers = Buffers {
            input: &mut lines,
            output: &mut replies,
        };
        let mut server = Server::new(config(secure), buffers, Instant(0)).unwrap();
        if let Some(hash) = kept {
            let exchange = Exchange::new(&mut room);
            server = server.with_auth(match hash {
                Some(hash) => exchange.with_hash(hash),
                None => exchange,
            });
        }
        let hello: String = super::limits::say(&mut server, b"EHLO c\r\n");
        let auth = hello
            .split_inclusive('\n')
            .find(|line| line.contains("AUTH"));
        assert_eq!(auth, announced, "{hello}");
        let sent = super::limits::say(&mut server, format!("{command}\r\n").as_bytes());
        assert_eq!(codes(&sent), want, "{command}");
        if !secure {
            super::limits::say(&mut server, b"*\r\nSTARTTLS\r\n");
            server.tls_started(b"", Instant(0)).unwrap();
            let hello: String = super::limits::say(&mut server, b"EHLO c\r\n");
            assert_eq!(hello.contains("AUTH"), kept.is_some(), "{hello}");
        }
    }
}

/// An extension of another make that asks for AUTH without memory for it.
#[test]
fn an_exchange_without_memory_is_refused() {
    struct Insists;
    impl Extension for Insists {
        fn keyword(&self) -> &'static str {
            "AUTH"
        }
        fn verbs(&self) -> &[&str] {
            &["AUTH"]
        }
        fn command(&self, _: &[u8], _: &[u8], _: &Session) -> Result<Effect, Refusal> {
            Ok(Effect::Authenticate(ALL))
        }
    }
    server_with(Config::new("mx.example.org", &[&Insists]), |server| {
        let sent: String = super::limits::say(server, b"EHLO c\r\nAUTH PLAIN\r\n");
        assert!(
            sent.ends_with("454 Authentication is not available\r\n"),
            "{sent}"
        );
    });
}

/// The reply to EHLO fits with all mechanisms, though memory for AUTH is lent only afterwards.
#[test]
fn room_for_what_may_be_served() {
    struct Wide(usize);
    impl Extension for Wide {
        fn keyword(&self) -> &'static str {
            "XWIDE"
        }
        fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
            sink.put("x".repeat(self.0).as_bytes())
        }
    }
    let auth = Auth {
        mechanisms: ALL,
        plaintext_allowed: true,
    };
    let others = "250-mx.example.org\r\n250-XWIDE \r\n250 \r\n".len();
    let listed = "AUTH SCRAM-SHA-256 OAUTHBEARER XOAUTH2 PLAIN LOGIN".len();
    for (surplus, want) in [(0, None), (1, Some(ConfigError::OutputTooSmall))] {
        let wide = Wide(Buffers::MIN_OUTPUT - others - listed + surplus);
        let extensions: [&dyn Extension; 2] = [&wide, &auth];
        let (mut lines, mut replies) = ([0; 600], [0; Buffers::MIN_OUTPUT]);
        let buffers = Buffers {
            input: &mut lines,
            output: &mut replies,
        };
        let config = Config::new("mx.example.org", &extensions);
        let server = Server::new(config, buffers, Instant(0));
        assert_eq!(server.err(), want);
    }
}
