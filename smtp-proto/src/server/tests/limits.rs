//! Each limit, each timer, and talking out of turn.

use std::string::String;
use std::vec::Vec;

use scop_core::Instant;

use super::drive::{at_every_cut, codes, run};
use super::transcript::OFFERED;
use crate::reply::Reply;
use crate::server::{Buffers, Config, ConfigError, Discarded, End, Event, Limits, Server, Step};

/// A server with buffers.
pub(super) fn server_with<T>(config: Config<'_>, test: impl FnOnce(&mut Server<'_>) -> T) -> T {
    let (mut lines, mut replies) = ([0; 600], [0; 1024]);
    let buffers = Buffers {
        input: &mut lines,
        output: &mut replies,
    };
    test(&mut Server::new(config, buffers, Instant(0)).unwrap())
}

/// Says something at time 0, consents to all, and returns what the server said.
pub(super) fn say(server: &mut Server<'_>, input: &[u8]) -> String {
    say_at(server, input, Instant(0))
}

fn say_at(server: &mut Server<'_>, mut input: &[u8], now: Instant) -> String {
    let mut sent = String::new();
    loop {
        match server.poll() {
            Step::Transmit => {
                sent += str::from_utf8(server.transmit()).unwrap();
                server.transmitted(server.transmit().len(), now).unwrap();
            }
            Step::Event => match server.event() {
                Some(Event::Discarded(_)) => {}
                _ => server.accept().unwrap(),
            },
            Step::Wait(_) if !input.is_empty() => {
                let _ = server.handle_input(&mut input, now);
            }
            Step::Wait(_) | Step::StartTls | Step::Done => return sent,
        }
    }
}

const MESSAGE: &str = "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n.\r\n";

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_limit() {
    let few = |limits: Limits| {
        let mut config = Config::new("mx.example.org", OFFERED);
        config.limits = limits;
        config
    };
    let begin = "EHLO c\r\nMAIL FROM:<>\r\n";
    for (limits, commands, want, end) in [
        (
            Limits {
                recipients: 2,
                ..Limits::DEFAULT
            },
            [begin, &"RCPT TO:<a@b>\r\n".repeat(3), "DATA\r\n.\r\n"].concat(),
            "250|250 2.1.0|250 2.1.5|250 2.1.5|452 4.5.3|354|250 2.0.0",
            End::Closed,
        ),
        (
            Limits {
                refused_recipients: 2,
                ..Limits::DEFAULT
            },
            [begin, &"RCPT TO:<no@b>\r\n".repeat(4)].concat(),
            "250|250 2.1.0|550 5.0.0|550 5.0.0|550 5.0.0|421 4.7.0",
            End::TooManyRefusedRecipients,
        ),
        (
            Limits {
                recipients: 1,
                ..Limits::DEFAULT
            },
            [begin, &"RCPT TO:<a@b>\r\n".repeat(4)].concat(),
            "250|250 2.1.0|250 2.1.5|452 4.5.3|421 4.7.0",
            End::TooManyRefusedRecipients,
        ),
        // What pipelining brings along is no error.
        (
            Limits {
                errors: 0,
                idle_commands: 3,
                ..Limits::DEFAULT
            },
            [
                "EHLO c\r\n",
                &"MAIL FROM:<>\r\nRCPT TO:<no@b>\r\nDATA\r\nRSET\r\n".repeat(2),
            ]
            .concat(),
            "250|250 2.1.0|550 5.0.0|554 5.5.1|250 2.0.0|250 2.1.0|550 5.0.0|554 5.5.1|421 4.7.0",
            End::TooManyIdleCommands,
        ),
        // A message that is refused counts.
        (
            Limits {
                transactions: 1,
                ..Limits::DEFAULT
            },
            [begin, "RCPT TO:<a@b>\r\nDATA\r\n\n\r\n.\r\n", MESSAGE].concat(),
            "250|250 2.1.0|250 2.1.5|354|550 5.6.0|421 4.7.0",
            End::TooManyTransactions,
        ),
        (
            Limits {
                transactions: 2,
                ..Limits::DEFAULT
            },
            ["EHLO c\r\n", &MESSAGE.repeat(3)].concat(),
            "250|250 2.1.0|250 2.1.5|354|250 2.0.0|250 2.1.0|250 2.1.5|354|250 2.0.0|421 4.7.0",
            End::TooManyTransactions,
        ),
        (
            Limits {
                errors: 2,
                ..Limits::DEFAULT
            },
            "EHLO c\r\nFOO\r\nDATA x\r\nBAR\r\nNOOP\r\n".into(),
            "250|500 5.5.1|501 5.5.4|421 4.7.0",
            End::TooManyErrors,
        ),
        (
            Limits {
                idle_commands: 4,
                ..Limits::DEFAULT
            },
            "EHLO c\r\nNOOP\r\nRSET\r\nVRFY x\r\nEHLO d\r\nHELP\r\nNOOP\r\n".into(),
            "250|250 2.0.0|250 2.0.0|252 2.0.0|250|421 4.7.0",
            End::TooManyIdleCommands,
        ),
        (
            Limits {
                idle_commands: 1,
                ..Limits::DEFAULT
            },
            [
                "EHLO c\r\n",
                &["NOOP\r\n", MESSAGE].concat().repeat(2),
                "NOOP\r\nNOOP\r\n",
            ]
            .concat(),
            "250|250 2.0.0|250 2.1.0|250 2.1.5|354|250 2.0.0|250 2.0.0|250 2.1.0|250 2.1.5|354|250 2.0.0\
             |250 2.0.0|421 4.7.0",
            End::TooManyIdleCommands,
        ),
        (
            Limits {
                idle_commands: 2,
                ..Limits::DEFAULT
            },
            ["EHLO c\r\n", &"MAIL FROM:<>\r\nRSET\r\n".repeat(3)].concat(),
            "250|250 2.1.0|250 2.0.0|250 2.1.0|250 2.0.0|250 2.1.0|421 4.7.0",
            End::TooManyIdleCommands,
        ),
        (
            Limits {
                idle_commands: 2,
                ..Limits::DEFAULT
            },
            [begin, "RCPT TO:<a@b>\r\n", &"BDAT 0\r\n".repeat(3)].concat(),
            "250|250 2.1.0|250 2.1.5|250 2.0.0|250 2.0.0|421 4.7.0",
            End::TooManyIdleCommands,
        ),
        (
            Limits {
                chunks: 2,
                ..Limits::DEFAULT
            },
            [
                begin,
                "RCPT TO:<a@b>\r\n",
                &"BDAT 1\r\na".repeat(3),
                "NOOP\r\n",
            ]
            .concat(),
            "250|250 2.1.0|250 2.1.5|250 2.0.0|250 2.0.0|552 5.3.4|250 2.0.0",
            End::Closed,
        ),
        (
            Limits {
                message_octets: 3,
                ..Limits::DEFAULT
            },
            [begin, "RCPT TO:<a@b>\r\n", "DATA\r\na\r\n.\r\n", MESSAGE].concat(),
            "250|250 2.1.0|250 2.1.5|354|250 2.0.0|250 2.1.0|250 2.1.5|354|250 2.0.0",
            End::Closed,
        ),
        (
            Limits {
                message_octets: 3,
                ..Limits::DEFAULT
            },
            [
                begin,
                "RCPT TO:<a@b>\r\nDATA\r\nab\r\nQUIT\r\n.\r\n",
                MESSAGE,
            ]
            .concat(),
            "250|250 2.1.0|250 2.1.5|354|552 5.3.4|250 2.1.0|250 2.1.5|354|250 2.0.0",
            End::Closed,
        ),
        (
            Limits {
                message_octets: 3,
                ..Limits::DEFAULT
            },
            [
                begin,
                "RCPT TO:<a@b>\r\nBDAT 2\r\nabBDAT 6\r\nQUIT\r\nNOOP\r\n",
            ]
            .concat(),
            "250|250 2.1.0|250 2.1.5|250 2.0.0|552 5.3.4|250 2.0.0",
            End::Closed,
        ),
        (
            Limits {
                message_octets: 3,
                ..Limits::DEFAULT
            },
            "EHLO c\r\nMAIL FROM:<> SIZE=4\r\n".into(),
            "250|552 5.3.4",
            End::Closed,
        ),
    ] {
        let seen = at_every_cut(few(limits), commands.as_bytes(), &mut |event| match event {
            Event::Recipient { path, .. } if std::format!("{path}") == "<no@b>" => {
                Some((550, "no"))
            }
            _ => None,
        });
        assert_eq!(codes(&seen.sent), std::format!("220|{want}"), "{commands}");
        assert_eq!(seen.end, Some(end), "{commands}");
        for message in &seen.messages {
            assert!(message.len() as u64 <= limits.message_octets);
        }
    }
}

#[test]
fn failures_of_auth() {
    use crate::auth::{Mechanism, MechanismSet};
    let auth = crate::extension::Auth {
        mechanisms: MechanismSet::PROOFS.with(Mechanism::Plain),
        plaintext_allowed: true,
    };
    let offered: &[&dyn crate::Extension] = &[&auth];
    let mut config = Config::new("mx.example.org", offered);
    config.limits.auth_failures = 1;
    let seen = at_every_cut(
        config,
        b"EHLO c\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN AGJhZABwdw==\r\nNOOP\r\n",
        &mut |event| matches!(event, Event::Authenticate(_)).then_some((535, "no")),
    );
    assert_eq!(codes(&seen.sent), "220|250|334|501|535|421");
    assert_eq!(seen.end, Some(End::TooManyAuthFailures));
}

fn after(millis: u64, at: Instant) -> Instant {
    Instant(at.0 + millis)
}

#[test]
fn commands_time_out() {
    let config = Config::new("mx.example.org", OFFERED);
    let command = u64::try_from(config.timeouts.command.as_millis()).unwrap();
    server_with(config, |server| {
        say(server, b"EHLO c\r\n");
        // Single octets do not help.
        say_at(server, b"NOO", Instant(command - 1));
        server.handle_timeout(Instant(command - 1));
        assert!(matches!(server.poll(), Step::Wait(until) if until == Instant(command)));
        server.handle_timeout(Instant(command));
        assert_eq!(
            say(server, b""),
            "421 4.4.2 mx.example.org Timeout, closing connection\r\n"
        );
        assert_eq!(server.poll(), Step::Done);
        assert_eq!(server.end(), Some(End::TimedOut));
    });
    // A whole command does, and so does the time that the host takes.
    server_with(config, |server| {
        say(server, b"EHLO c\r\n");
        say_at(server, b"NOOP\r\n", Instant(command - 1));
        server.handle_timeout(Instant(command));
        assert!(matches!(server.poll(), Step::Wait(until) if until == Instant(2 * command - 1)));
        let mut input: &[u8] = b"MAIL FROM:<>\r\n";
        let _ = server.handle_input(&mut input, Instant(command));
        assert_eq!(server.poll(), Step::Event);
        server.handle_timeout(Instant(3 * command));
        assert_eq!(server.poll(), Step::Event);
        server.accept().unwrap();
        server.handle_timeout(Instant(3 * command));
        assert!(say_at(server, b"", Instant(3 * command)).starts_with("250 2.1.0"));
        assert_eq!(server.poll(), Step::Wait(Instant(4 * command)));
    });
}

#[test]
fn a_trickle_of_content_times_out() {
    let config = Config::new("mx.example.org", &[]);
    let message = u64::try_from(config.timeouts.message.as_millis()).unwrap();
    server_with(config, |server| {
        say(
            server,
            b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n",
        );
        let mut now = Instant(0);
        while server.end().is_none() {
            assert_eq!(say_at(server, b"x\r\n", now), "");
            now = after(1000, now);
            server.handle_timeout(now);
            assert!(now <= Instant(message));
        }
        assert_eq!(server.poll(), Step::Event);
        assert!(matches!(
            server.event(),
            Some(Event::Discarded(Discarded::Ended))
        ));
        assert!(say(server, b"").starts_with("421 mx.example.org Timeout"));
        assert_eq!(server.end(), Some(End::TimedOut));
    });
    let data = u64::try_from(config.timeouts.data.as_millis()).unwrap();
    server_with(config, |server| {
        say(
            server,
            b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nx",
        );
        server.handle_timeout(Instant(data - 1));
        assert_eq!(server.end(), None);
        server.handle_timeout(Instant(data));
        assert_eq!(server.end(), Some(End::TimedOut));
    });
}

#[test]
fn a_client_that_does_not_read_times_out() {
    let config = Config::new("mx.example.org", OFFERED);
    server_with(config, |server| {
        assert_eq!(server.poll(), Step::Event);
        server.accept().unwrap();
        assert_eq!(server.poll(), Step::Transmit);
        server.handle_timeout(Instant(1));
        server.handle_timeout(server.deadline());
        assert_eq!(server.end(), Some(End::TimedOut));
        // The reply may still go out, for a while.
        assert_eq!(server.poll(), Step::Transmit);
        server.handle_timeout(Instant(2_000_000));
        server.handle_timeout(server.deadline());
        assert_eq!(server.poll(), Step::Done);
    });
}

#[test]
fn a_session_ends() {
    let config = Config::new("mx.example.org", OFFERED);
    let session = u64::try_from(config.timeouts.session.as_millis()).unwrap();
    server_with(config, |server| {
        assert_eq!(server.poll(), Step::Event);
        server.handle_timeout(Instant(session - 1));
        assert_eq!(server.end(), None);
        server.handle_timeout(Instant(session));
        assert_eq!(server.end(), Some(End::TimedOut));
        assert!(server.accept().is_err());
        assert!(say(server, b"").starts_with("421 mx.example.org "));
    });
}

#[test]
fn shutdown_waits_for_a_safe_point() {
    let config = Config::new("mx.example.org", OFFERED);
    let goodbye = "421 4.3.2 mx.example.org Shutting down\r\n";
    server_with(config, |server| {
        say(server, b"EHLO c\r\n");
        server.shutdown(Instant(0));
        assert_eq!(say(server, b"NOOP\r\n"), goodbye);
        assert_eq!(server.end(), Some(End::Shutdown));
    });
    server_with(config, |server| {
        say(
            server,
            b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nx",
        );
        server.shutdown(Instant(0));
        assert_eq!(
            say(server, b"\r\n.\r\nNOOP\r\n"),
            std::format!("250 2.0.0 OK\r\n{goodbye}")
        );
    });
    server_with(config, |server| {
        server.shutdown(Instant(0));
        assert_eq!(server.poll(), Step::Event);
        server.accept().unwrap();
        let sent = say(server, b"");
        assert!(
            sent.ends_with("421 mx.example.org Shutting down\r\n"),
            "{sent}"
        );
    });
}

/// RFC 5321 4.3.1, RFC 2920 3.1.
#[test]
fn talking_out_of_turn_is_noted() {
    let mut config = Config::new("mx.example.org", OFFERED);
    for before_answer in [true, false] {
        server_with(config, |server| {
            let mut input: &[u8] = b"EHLO c\r\n";
            if !before_answer {
                server.accept().unwrap();
            }
            assert_eq!(server.handle_input(&mut input, Instant(0)), b"");
            assert_eq!(input.len(), 8);
            assert!(server.session().early_talker);
            assert!(say(server, input).starts_with("220 "));
            assert_eq!(server.end(), None);
        });
    }
    server_with(config, |server| {
        say(server, b"");
        say(server, b"EHLO c\r\n");
        say(server, b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
        say(server, b".\r\nMAIL FROM:<>\r\n");
        say(server, b"RSET\r\nNOOP\r\n");
        assert!(!server.session().early_talker && !server.session().unsynchronised);
        say(server, b"NOOP\r\nNOOP\r\n");
        assert!(server.session().unsynchronised);
    });
    // Without PIPELINING there are no groups.
    server_with(Config::new("mx.example.org", &[]), |server| {
        say(server, b"");
        say(server, b"EHLO c\r\n");
        say(server, b"MAIL FROM:<>\r\n");
        assert!(!server.session().unsynchronised);
        say(server, b"RSET\r\nMAIL FROM:<>\r\n");
        assert!(server.session().unsynchronised);
    });
    config.refuse_early_talker = true;
    for before_answer in [true, false] {
        server_with(config, |server| {
            let mut input: &[u8] = b"EHLO c\r\n";
            if !before_answer {
                server.accept().unwrap();
            }
            let _ = server.handle_input(&mut input, Instant(0));
            assert_eq!(say(server, input), "554 Spoke before the greeting\r\n");
            assert_eq!(server.end(), Some(End::EarlyTalker));
        });
    }
}

/// An extension with a long name.
#[derive(Debug)]
struct Wide(String);

impl crate::Extension for Wide {
    fn keyword(&self) -> &str {
        &self.0
    }
}

#[test]
fn what_a_server_needs() {
    let new = |name, input: usize, output: usize| {
        let (mut lines, mut replies) = (std::vec![0; input], std::vec![0; output]);
        let buffers = Buffers {
            input: &mut lines,
            output: &mut replies,
        };
        Server::new(Config::new(name, &[]), buffers, Instant(0)).err()
    };
    assert_eq!(new("mx.example.org", 510, 1024), None);
    assert_eq!(
        new("mx.example.org", 509, 1024),
        Some(ConfigError::InputTooSmall)
    );
    assert_eq!(
        new("mx.example.org", 510, 1023),
        Some(ConfigError::OutputTooSmall)
    );
    let quoted = crate::extension::MtPriority {
        profile: "a\r\n250 B",
    };
    let many: Vec<_> = (0..40)
        .map(|n| Wide(std::format!("X{n}-{}", "x".repeat(40))))
        .collect();
    let many: Vec<&dyn crate::Extension> = many.iter().map(|wide| wide as _).collect();
    for (list, error) in [
        (
            &[&quoted as &dyn crate::Extension][..],
            ConfigError::Arguments,
        ),
        (&many, ConfigError::OutputTooSmall),
    ] {
        let (mut lines, mut replies) = ([0; 510], [0; 1024]);
        let buffers = Buffers {
            input: &mut lines,
            output: &mut replies,
        };
        let new = Server::new(Config::new("mx.example.org", list), buffers, Instant(0));
        assert_eq!(new.err(), Some(error));
    }
    for name in ["", "a b", "a\r\n250 x", "\u{e9}.example", &"a".repeat(256)] {
        assert_eq!(new(name, 510, 1024), Some(ConfigError::Name), "{name}");
    }
    assert!(size_of::<Server<'_>>() <= 1024);
}

/// The longest name leaves room for all that the machine says on its own.
#[test]
fn a_long_name_fits() {
    let name = "n".repeat(255);
    let mut config = Config::new(&name, OFFERED);
    config.limits.errors = 3;
    let input = "EHLO c\r\nFOO\r\nFOO\r\nFOO\r\nFOO\r\n";
    let seen = run(config, input.as_bytes(), &[], &mut |_| None);
    assert_eq!(
        codes(&seen.sent),
        "220|250|500 5.5.1|500 5.5.1|500 5.5.1|421 4.7.0"
    );
    assert!(seen.sent.contains(&name));
}

/// More replies than the output holds: none is lost.
#[test]
fn replies_wait_for_room() {
    let mut commands = String::from("EHLO c\r\nMAIL FROM:<>\r\n");
    for _ in 0..200 {
        commands += "RCPT TO:<a@b>\r\n";
    }
    commands += "DATA\r\n\n\r\n.\r\nNOOP\r\n";
    let long = "x".repeat(480);
    for protocol in [
        crate::extension::Protocol::Smtp,
        crate::extension::Protocol::Lmtp,
    ] {
        let mut config = Config::new("mx.example.org", OFFERED);
        config.protocol = protocol;
        let commands = match protocol {
            crate::extension::Protocol::Smtp => commands.clone(),
            crate::extension::Protocol::Lmtp => commands.replace("EHLO", "LHLO"),
        };
        let text: &'static str = std::boxed::Box::leak(long.clone().into_boxed_str());
        let seen = run(config, commands.as_bytes(), &[], &mut |event| {
            matches!(event, Event::Recipient { .. }).then_some((250, text))
        });
        let want: Vec<&str> = seen
            .sent
            .lines()
            .filter(|line| line.starts_with("550 5.6.0"))
            .collect();
        let count = match protocol {
            crate::extension::Protocol::Smtp => 1,
            crate::extension::Protocol::Lmtp => 200,
        };
        assert_eq!(want.len(), count);
        assert_eq!(seen.sent.matches(text).count(), 200);
        assert!(seen.sent.ends_with("250 2.0.0 OK\r\n"));
    }
}

#[test]
fn answers_that_are_none() {
    use crate::server::AnswerError::{BadText, NothingAsked, OutputFull, WrongCode};
    let reply = |code| Reply::new(code, None, "text").unwrap();
    let config = Config::new("mx.example.org", OFFERED);
    server_with(config, |server| {
        assert_eq!(server.answer(&reply(250)), Err(WrongCode));
        assert_eq!(server.answer(&reply(354)), Err(WrongCode));
        let two = Reply::new(220, None, "one\ntwo").unwrap();
        assert_eq!(server.answer(&two), Err(BadText));
        let utf8 = Reply::new(554, None, "\u{e9}").unwrap();
        assert_eq!(server.answer(&utf8), Err(BadText));
        assert_eq!(server.answer(&reply(220)), Ok(()));
        assert_eq!(server.accept(), Err(NothingAsked));
        assert_eq!(server.answer(&reply(220)), Err(NothingAsked));
        assert!(server.transmitted(10_000, Instant(0)).is_err());
        say(server, b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n");
        let mut input: &[u8] = b"DATA\r\nx";
        let _ = server.handle_input(&mut input, Instant(0));
        assert_eq!(input, b"x");
        assert_eq!(server.answer(&reply(250)), Err(WrongCode));
        // More than the room that is left, then as much as there is.
        let long = "y".repeat(500) + "\n" + &"y".repeat(400);
        assert_eq!(server.poll(), Step::Event);
        assert_eq!(
            server.answer(&Reply::new(451, None, &long).unwrap()),
            Ok(())
        );
        say(server, b"RSET\r\nMAIL FROM:<>\r\n");
        let _ = server.handle_input(&mut &b"RCPT TO:<a@b>\r\n"[..], Instant(0));
        let long = "y".repeat(480);
        server
            .answer(&Reply::new(251, None, &long).unwrap())
            .unwrap();
        let _ = server.handle_input(&mut &b"RCPT TO:<a@b>\r\n"[..], Instant(0));
        let longer = long.clone() + "\n" + &long;
        assert_eq!(
            server.answer(&Reply::new(251, None, &longer).unwrap()),
            Err(OutputFull)
        );
        assert_eq!(server.session().recipients, 1);
        assert_eq!(server.poll(), Step::Transmit);
        assert_eq!(
            server.transmitted(server.transmit().len(), Instant(0)),
            Ok(())
        );
        assert_eq!(server.poll(), Step::Event);
        assert_eq!(
            server.answer(&Reply::new(251, None, &longer).unwrap()),
            Ok(())
        );
        assert_eq!(server.session().recipients, 2);
    });
}

/// A task of any runtime can own one.
#[test]
fn a_server_can_be_sent() {
    const fn is_send<T: Send + Sync>() {}
    is_send::<Server<'_>>();
    is_send::<Config<'_>>();
}
