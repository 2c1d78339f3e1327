//! STARTTLS and AUTH: stripping, injection, downgrade.

use super::*;
use crate::client::{Awaited, ConfigError};

const TLS: &str = "250-hi\r\n250-AUTH PLAIN LOGIN\r\n250-REQUIRETLS\r\n250 STARTTLS\r\n";
const QUIT: Line = ("QUIT\r\n", "221 bye\r\n");

fn with(tls: TlsPolicy) -> Config<'static> {
    Config { tls, ..config() }
}

#[test]
fn policies() {
    let upgraded = after_hello(
        TLS,
        &[
            ("STARTTLS\r\n", "220 go\r\n"),
            ("EHLO c.example\r\n", PLAIN),
            QUIT,
        ],
    );
    let log = "greeting 220, Ehlo 250, Ehlo 250";
    check(
        with(TlsPolicy::Opportunistic),
        &upgraded,
        &[],
        log,
        End::Quit,
    );
    check(with(TlsPolicy::Require), &upgraded, &[], log, End::Quit);
    check(
        with(TlsPolicy::None),
        &upgraded,
        &[Order::StartTls],
        log,
        End::Quit,
    );
    check(
        with(TlsPolicy::None),
        &after_hello(TLS, &[QUIT]),
        &[],
        READY,
        End::Quit,
    );
    // The server announces it again inside, which it must not.
    let again = after_hello(
        TLS,
        &[
            ("STARTTLS\r\n", "220 go\r\n"),
            ("EHLO c.example\r\n", TLS),
            QUIT,
        ],
    );
    check(with(TlsPolicy::Require), &again, &[], log, End::Quit);
    // A channel that is encrypted from the start.
    let secure = Config {
        secure: true,
        ..with(TlsPolicy::Require)
    };
    check(secure, &after_hello(TLS, &[QUIT]), &[], READY, End::Quit);
}

#[test]
fn stripped_capability_with_a_policy_that_requires_tls() {
    let stripped = after_hello(PLAIN, &[QUIT]);
    check(
        with(TlsPolicy::Require),
        &stripped,
        &[ONE],
        READY,
        End::NoStartTls,
    );
    let masked = after_hello("250-hi\r\n250 XXXXXXXA\r\n", &[QUIT]);
    check(
        with(TlsPolicy::Require),
        &masked,
        &[ONE],
        READY,
        End::NoStartTls,
    );
    let helo = [
        ("", "220 hi\r\n"),
        ("EHLO c.example\r\n", "502 no\r\n"),
        ("HELO c.example\r\n", "250 hi\r\n"),
        QUIT,
    ];
    check(
        with(TlsPolicy::Require),
        &helo,
        &[ONE],
        "greeting 220, Helo 250",
        End::NoStartTls,
    );
    // Without the policy the message goes in clear.
    check(
        with(TlsPolicy::Opportunistic),
        &stripped,
        &[],
        READY,
        End::Quit,
    );
}

#[test]
fn refused_start_tls_fails_closed() {
    for (reply, number) in [("454 later\r\n", 454), ("502 no\r\n", 502)] {
        let script = after_hello(TLS, &[("STARTTLS\r\n", reply), QUIT]);
        let log = format!("{READY}, tls refused {number}");
        check(
            with(TlsPolicy::Require),
            &script,
            &[ONE],
            &log,
            End::TlsRefused(code(number)),
        );
        check(
            with(TlsPolicy::Opportunistic),
            &script,
            &[],
            &log,
            End::Quit,
        );
    }
    for number in [250, 334] {
        let reply: &str = format!("{number} hm\r\n").leak();
        let script = after_hello(TLS, &[("STARTTLS\r\n", reply)]);
        let end = End::Unexpected {
            to: Awaited::StartTls,
            code: code(number),
        };
        check(with(TlsPolicy::Opportunistic), &script, &[], READY, end);
    }
}

#[test]
fn replies_injected_behind_start_tls() {
    for injected in ["220 go\r\n250 hi\r\n", "220 go\r\n2", "220 go\r\n\0"] {
        let script = after_hello(TLS, &[("STARTTLS\r\n", injected)]);
        for policy in [TlsPolicy::Require, TlsPolicy::Opportunistic] {
            let told = run(with(policy), &script, &[], usize::MAX);
            assert_eq!(told.end, Some(End::Injected), "{injected:?}");
        }
    }
    // As the surplus, or as input before TLS stands.
    for by_surplus in [true, false] {
        let (mut input, mut output) = ([0; 512], [0; 512]);
        let buffers = Buffers {
            input: &mut input,
            output: &mut output,
        };
        let mut client = Client::new(with(TlsPolicy::Require), buffers, Instant(0)).unwrap();
        for reply in ["220 hi\r\n", TLS, "220 go\r\n"] {
            let mut reply = reply.as_bytes();
            client.handle_input(&mut reply, Instant(0));
            while let Step::Event | Step::Transmit = client.poll() {
                let count = client.transmit().len();
                client.transmitted(count, Instant(0)).unwrap();
            }
        }
        assert_eq!(client.poll(), Step::StartTls);
        if by_surplus {
            assert!(client.tls_started(b"2", Instant(0)).is_err());
        } else {
            client.handle_input(&mut &b"2"[..], Instant(0));
            assert!(client.tls_started(b"", Instant(0)).is_err());
        }
        assert_eq!(
            (client.poll(), client.end()),
            (Step::Done, Some(End::Injected))
        );
    }
}

/// "250 hi" and a ready-made "220 go" in one: the answer comes before the question.
#[test]
fn replies_before_their_commands() {
    let script = after_hello(
        "250-hi\r\n250 STARTTLS\r\n220 go\r\n",
        &[("STARTTLS\r\n", "")],
    );
    let told = run(with(TlsPolicy::Require), &script[..2], &[], usize::MAX);
    assert_eq!(told.end, Some(End::Unsolicited));
    // Byte by byte the octets may come after the command is sent: then they are its answer.
    let script = after_hello("250 hi\r\n235 fine\r\n", &[]);
    let secure = Config {
        secure: true,
        ..config()
    };
    let told = run(
        secure,
        &script,
        &[Order::Auth(Mechanism::Plain)],
        usize::MAX,
    );
    assert_eq!(told.end, Some(End::Unsolicited));
}

#[test]
fn what_was_said_in_clear_is_forgotten() {
    let script = after_hello(
        "250-hi\r\n250-SIZE 5\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n",
        &[
            ("STARTTLS\r\n", "220 go\r\n"),
            ("EHLO c.example\r\n", PLAIN),
            ("MAIL FROM:<s@c.example>\r\n", "550 no\r\n"),
            QUIT,
        ],
    );
    let size = Order::Send(&[], &[], "SIZE=9");
    let log = format!(
        "greeting 220, Ehlo 250, Ehlo 250, NotAnnounced({:?}), NotAnnounced({:?}), mail 550",
        "PLAIN", "SIZE"
    );
    check(
        with(TlsPolicy::Require),
        &script,
        &[Order::Auth(Mechanism::Plain), size, ONE],
        &log,
        End::Quit,
    );
}

#[test]
fn no_secret_in_clear() {
    let script = after_hello(TLS, &[QUIT]);
    check(
        with(TlsPolicy::None),
        &script,
        &[Order::Auth(Mechanism::Plain), Order::Auth(Mechanism::Login)],
        &format!("{READY}, NotSecure, NotSecure"),
        End::Quit,
    );
    let open = Auth {
        plaintext_allowed: true,
        ..AUTH
    };
    let local = Config {
        extensions: &[&open],
        ..with(TlsPolicy::None)
    };
    let script = after_hello(
        TLS,
        &[("AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n", "235 ok\r\n"), QUIT],
    );
    check(
        local,
        &script,
        &[Order::Auth(Mechanism::Plain)],
        &format!("{READY}, authenticated 235"),
        End::Quit,
    );
    // REQUIRETLS is not sent in clear either.
    let script = after_hello(TLS, &[QUIT]);
    let told = play(
        with(TlsPolicy::None),
        &script,
        &[Order::Send(&[], &[], "REQUIRETLS")],
    );
    assert!(told.log[2].starts_with('C'), "{told:?}");
}

#[test]
fn auth() {
    let secure = Config {
        secure: true,
        ..config()
    };
    let plain = [Order::Auth(Mechanism::Plain)];
    let line = "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n";
    let script = after_hello(TLS, &[(line, "535 no\r\n"), QUIT]);
    check(
        secure,
        &script,
        &plain,
        &format!("{READY}, auth refused 535"),
        End::Quit,
    );
    // Twice, and unknown mechanisms.
    let script = after_hello(TLS, &[(line, "235 ok\r\n"), QUIT]);
    check(
        secure,
        &script,
        &[Order::Auth(Mechanism::ScramSha256), plain[0], plain[0]],
        &format!(
            "{READY}, NotAnnounced({:?}), authenticated 235, Authenticated",
            "SCRAM-SHA-256"
        ),
        End::Quit,
    );
    let script = after_hello(
        TLS,
        &[
            ("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"),
            ("am9l\r\n", "334 UGFzc3dvcmQ6\r\n"),
            ("c2VjcmV0\r\n", "235 ok\r\n"),
            QUIT,
        ],
    );
    check(
        secure,
        &script,
        &[Order::Auth(Mechanism::Login)],
        &format!("{READY}, authenticated 235"),
        End::Quit,
    );
    // The server asks for more than there is: cancelled.
    let script = after_hello(
        TLS,
        &[(line, "334 more\r\n"), ("*\r\n", "501 cancelled\r\n"), QUIT],
    );
    check(
        secure,
        &script,
        &plain,
        &format!("{READY}, Auth(Unexpected), auth refused 501"),
        End::Quit,
    );
    let script = after_hello(
        TLS,
        &[(line, "334 more\r\n"), ("*\r\n", "235 never mind\r\n")],
    );
    let told = play(secure, &script, &plain);
    assert!(matches!(told.end, Some(End::Auth(_))), "{told:?}");
    // And for ever, whatever it is told.
    let script = after_hello(TLS, &[(line, "334 more\r\n"), ("*\r\n", "334 more\r\n")]);
    let told = play(secure, &script, &plain);
    assert!(
        matches!(told.end, Some(End::Unexpected { to: Awaited::Auth, code }) if code.number() == 334),
        "{told:?}"
    );
}

#[test]
fn the_first_of_a_keyword_counts() {
    let secure = Config {
        secure: true,
        ..config()
    };
    let twice = "250-hi\r\n250-AUTH PLAIN\r\n250-AUTH=LOGIN\r\n250-SIZE 5\r\n250 SIZE 500\r\n";
    let line = "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n";
    let script = after_hello(twice, &[(line, "535 no\r\n"), QUIT]);
    let orders = [
        Order::Auth(Mechanism::Login),
        Order::Auth(Mechanism::Plain),
        Order::Send(&[], &[], "SIZE=6"),
    ];
    let told = play(secure, &script, &orders);
    assert!(told.log[2].starts_with("NotAnnounced"), "{told:?}");
    assert_eq!(told.log[3], "auth refused 535");
    assert!(told.log[4].starts_with("CannotSend"), "{told:?}");
}

/// Neither what was sent nor what was not stays in the lent buffer.
#[test]
fn no_secret_is_left_behind() {
    for is_sent in [true, false] {
        let (mut input, mut output) = ([0; 512], [0; 512]);
        let buffers = Buffers {
            input: &mut input,
            output: &mut output,
        };
        let secure = Config {
            secure: true,
            ..config()
        };
        let mut client = Client::new(secure, buffers, Instant(0)).unwrap();
        let credentials = Credentials::Password {
            authorization: "",
            user: "joe",
            password: b"secret",
        };
        let mut exchange = Exchange::new(Mechanism::Plain, credentials).unwrap();
        for reply in ["220 hi\r\n", TLS] {
            client.handle_input(&mut reply.as_bytes(), Instant(0));
            while let Step::Event | Step::Transmit = client.poll() {
                let count = client.transmit().len();
                client.transmitted(count, Instant(0)).unwrap();
            }
        }
        client.authenticate(&mut exchange).unwrap();
        assert!(client.transmit().starts_with(b"AUTH PLAIN AGpv"));
        if is_sent {
            client
                .transmitted(client.transmit().len(), Instant(0))
                .unwrap();
        }
        client.handle_closed();
        assert_eq!(client.poll(), Step::Done);
        assert!(output.iter().all(|&octet| octet == 0), "{is_sent}");
    }
}

/// What the host left out of its own list is not blamed on the server.
#[test]
fn what_is_not_in_the_list() {
    let announces = "250-hi\r\n250-AUTH PLAIN\r\n250-SIZE 5\r\n250 STARTTLS\r\n";
    let bare = Config {
        extensions: &[],
        ..config()
    };
    check(
        bare,
        &after_hello(announces, &[QUIT]),
        &[
            Order::StartTls,
            Order::Command("STARTTLS", ""),
            Order::Auth(Mechanism::Plain),
            Order::Send(&[], &[], "SIZE=1"),
        ],
        &format!(
            "{READY}, NotListed({:?}), NotListed({0:?}), NotListed({:?}), NotListed({:?})",
            "STARTTLS", "PLAIN", "SIZE"
        ),
        End::Quit,
    );
    let create = |config| {
        let (mut input, mut output) = ([0; 512], [0; 512]);
        let buffers = Buffers {
            input: &mut input,
            output: &mut output,
        };
        Client::new(config, buffers, Instant(0)).err()
    };
    let required = Config {
        tls: TlsPolicy::Require,
        ..bare
    };
    assert_eq!(create(required), Some(ConfigError::NoStartTls));
    let secure = Config {
        secure: true,
        ..required
    };
    assert_eq!(create(secure), None);
    assert_eq!(create(with(TlsPolicy::Require)), None);
}
