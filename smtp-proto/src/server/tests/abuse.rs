//! What a client could do for ever, or to a host that takes each answer for granted.

use std::string::String;

use scop_core::Instant;

use super::drive::{at_every_cut, codes};
use super::limits::server_with;
use super::transcript::OFFERED;
use crate::extension::{Effect, Protocol, Refusal, Session};
use crate::reply::Reply;
use crate::server::{AnswerError, Buffers, Config, End, Event, Server, Step, Timeouts};
use crate::{Extension, Status};

const BEGIN: &str = "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n";

/// Each round has an end, also when only the host refuses.
#[test]
fn what_the_host_refuses_is_counted() {
    for (begin, round, refused) in [
        ("", "EHLO c\r\n", "Hello"),
        (BEGIN, "DATA\r\n", "Data"),
        (
            "EHLO c\r\n",
            "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 1\r\nx",
            "Data",
        ),
    ] {
        let mut config = Config::new("mx.example.org", OFFERED);
        config.limits.idle_commands = 3;
        let input = String::from(begin) + &round.repeat(9);
        let seen = at_every_cut(config, input.as_bytes(), &mut |event| {
            let is_refused = match event {
                Event::Hello { .. } => refused == "Hello",
                Event::Data => refused == "Data",
                _ => false,
            };
            is_refused.then_some((450, "not now"))
        });
        assert_eq!(seen.end, Some(End::TooManyIdleCommands), "{round}");
        assert_eq!(seen.sent.matches("not now").count(), 4, "{}", seen.sent);
        assert!(codes(&seen.sent).contains("|421"), "{}", seen.sent);
    }
}

/// RFC 2920 3.1: a client sends them before it knows of the refusal. It may go on with another message.
#[test]
fn a_group_behind_a_refused_mail() {
    let group = String::from("MAIL FROM:<>\r\n") + &"RCPT TO:<a@b>\r\n".repeat(99) + "DATA\r\n";
    for (mail, code) in [("MAIL FROM:<>", 450), ("MAIL FROM:<> SIZE=1001", 552)] {
        let group = group.replace("MAIL FROM:<>", mail);
        let input = std::format!("EHLO c\r\n{group}RSET\r\n{group}QUIT\r\n");
        let seen = super::drive::run(
            Config::new("mx.example.org", OFFERED),
            input.as_bytes(),
            &[],
            &mut |event| matches!(event, Event::Mail { .. }).then_some((450, "later")),
        );
        assert_eq!(seen.end, Some(End::Quit));
        let first = std::format!("|{code}");
        assert!(codes(&seen.sent).contains(&first));
        assert_eq!(codes(&seen.sent).matches("|503 5.5.1").count(), 200);
    }
    let mut config = Config::new("mx.example.org", OFFERED);
    config.limits.recipients = 10;
    let input = String::from("EHLO c\r\n") + &"DATA\r\nRCPT TO:<a@b>\r\n".repeat(6);
    let seen = at_every_cut(config, input.as_bytes(), &mut |_| None);
    assert_eq!(seen.end, Some(End::TooManyRefusedRecipients));
}

/// However long, the reply comes for each recipient (RFC 2033 4.3), and the buffer is small.
#[test]
fn lmtp_refuses_a_chunk_for_many() {
    const TEXT: &str =
        "No room for this message, and a long text that says why it is so, and what may help";
    let config = Config {
        protocol: Protocol::Lmtp,
        ..Config::new("mx.example.org", OFFERED)
    };
    let recipients = "RCPT TO:<a@b>\r\n".repeat(50);
    for (chunk, count) in [("BDAT 4 LAST\r\na\r\n\n", 50), ("BDAT 4\r\na\r\n\n", 1)] {
        let input = std::format!("LHLO c\r\nMAIL FROM:<>\r\n{recipients}{chunk}NOOP\r\nQUIT\r\n");
        let seen = at_every_cut(config, input.as_bytes(), &mut |event| {
            matches!(event, Event::Data).then_some((452, TEXT))
        });
        let line = std::format!("452 4.0.0 {TEXT}\r\n");
        assert_eq!(seen.sent.matches(line.as_str()).count(), count);
        let rest = line.repeat(count) + "250 2.0.0 OK\r\n221 2.0.0 mx.example.org Bye\r\n";
        assert!(seen.sent.ends_with(&rest), "{}", seen.sent);
        assert_eq!(seen.end, Some(End::Quit));
        // 421 ends it, and is said once.
        let seen = at_every_cut(config, input.as_bytes(), &mut |event| {
            matches!(event, Event::Data).then_some((421, "gone"))
        });
        assert!(seen.sent.ends_with("421 4.0.0 gone\r\n"));
        assert_eq!(seen.sent.matches("421").count(), 1);
    }
    // The machine's own refusals, too.
    let bare = std::format!("LHLO c\r\nMAIL FROM:<>\r\n{recipients}DATA\r\n\n\r\n.\r\nNOOP\r\n");
    let seen = at_every_cut(config, bare.as_bytes(), &mut |_| None);
    assert_eq!(seen.sent.matches("\r\n550 5.6.0 ").count(), 50);
    assert!(seen.sent.ends_with("(RFC 5321 2.3.8)\r\n250 2.0.0 OK\r\n"));
}

/// Octets that follow a BDAT which cannot be read are no commands.
#[test]
fn a_chunk_that_cannot_be_read() {
    let long = std::format!("bdat 6{}", " ".repeat(1100) + "LAST");
    for line in [
        "BDAT 6 \u{1}",
        "BDAT 6\0",
        "BDAT\0 6",
        "BDAT 6\rLAST",
        "BDAT\n6",
        "BDAT 6 L\u{f6}ST",
        long.as_str(),
    ] {
        let input = std::format!("{BEGIN}{line}\r\nRSET\r\nNOOP\r\n");
        let seen = at_every_cut(
            Config::new("mx.example.org", OFFERED),
            input.as_bytes(),
            &mut |_| None,
        );
        assert_eq!(seen.end, Some(End::OutOfStep), "{line:?}");
        assert!(codes(&seen.sent).starts_with("220|250|250 2.1.0|250 2.1.5|50"));
        assert_eq!(codes(&seen.sent).matches('|').count(), 4, "{line:?}");
    }
}

/// The reply to EHLO fills the buffer, and others are in it.
#[test]
fn consent_to_ehlo_always_fits() {
    struct Long;
    impl Extension for Long {
        fn keyword(&self) -> &'static str {
            "XLONG"
        }
        fn emit_arguments(
            &self,
            _: &Session,
            sink: &mut dyn scop_core::Sink,
        ) -> Result<(), scop_core::Full> {
            sink.put(&[b'x'; 900])
        }
    }
    let seen = at_every_cut(
        Config::new("mx.example.org", &[&Long]),
        b"EHLO c\r\nVRFY x\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\n\
          RSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nEHLO c\r\nQUIT\r\n",
        &mut |_| None,
    );
    assert_eq!(seen.sent.matches(" XLONG ").count(), 2);
    assert_eq!(seen.end, Some(End::Quit));
}

/// A refusal that would not fit would be a reply that never comes.
#[test]
fn a_refusal_of_an_extension_is_one_line() {
    const LONG: &str = match str::from_utf8(&[b'x'; 490]) {
        Ok(text) => text,
        Err(_) => "",
    };
    struct Refuses(Refusal);
    impl Extension for Refuses {
        fn keyword(&self) -> &'static str {
            "XNO"
        }
        fn verbs(&self) -> &[&str] {
            &["XNO"]
        }
        fn command(&self, _: &[u8], _: &[u8], _: &Session) -> Result<Effect, Refusal> {
            Err(self.0)
        }
    }
    let long = Refuses(Refusal::new(450, Status::new(4, 7, 0), LONG));
    let seen = at_every_cut(
        Config::new("mx.example.org", &[&long]),
        b"EHLO c\r\nRSET\r\nRSET\r\nXNO\r\nRSET\r\nXNO\r\nXNO\r\nQUIT\r\n",
        &mut |_| None,
    );
    assert_eq!(
        codes(&seen.sent),
        std::format!("220|250|250|250|450|250|450|450|221")
    );
    let lines = Refusal::new(450, Status::new(4, 7, 0), "one\ntwo");
    assert_eq!(lines.reply().code().number(), 554);
}

/// It has no second turn by saying nothing: the time counts from the reply.
#[test]
fn silence_times_out_once() {
    let late = |after: &'static [u8], timeout: core::time::Duration| {
        server_with(Config::new("mx.example.org", OFFERED), |server| {
            let mut input = after;
            loop {
                match server.poll() {
                    Step::Transmit => {
                        let count = server.transmit().len();
                        server.transmitted(count, Instant(7)).unwrap();
                    }
                    Step::Event => server.accept().unwrap(),
                    Step::Wait(_) if !input.is_empty() => {
                        let _ = server.handle_input(&mut input, Instant(3));
                    }
                    _ => break,
                }
            }
            let end = Instant(7) + timeout;
            assert_eq!(server.deadline(), end);
            server.transmitted(0, end).unwrap();
            server.handle_timeout(Instant(end.0 - 1));
            assert_eq!(server.end(), None);
            server.handle_timeout(end);
            assert_eq!(server.end(), Some(End::TimedOut));
        });
    };
    let timeouts = Timeouts::DEFAULT;
    late(b"", timeouts.command);
    late(b"EHLO c\r\nMAIL FROM:<>\r\n", timeouts.command);
    late(
        b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n",
        timeouts.data,
    );
    late(b"EHLO c\r\nSTARTTLS\r\n", timeouts.tls);
}

/// Behind the end nothing is said, though it was due.
#[test]
fn a_challenge_is_not_sent_behind_the_end() {
    use crate::auth::scram::{Nonce, StoredKeys};
    use crate::auth::server::{Exchange, ScramUser};
    use crate::auth::{Mechanism, MechanismSet};
    use crate::extension::Auth;
    const AUTH: Auth = Auth {
        mechanisms: MechanismSet::PROOFS.with(Mechanism::Plain),
        plaintext_allowed: false,
    };
    let (mut lines, mut replies, mut kept) = ([0; 600], [0; 1024], [0; 2048]);
    let buffers = Buffers {
        input: &mut lines,
        output: &mut replies,
    };
    let config = Config::new("mx.example.org", &[&AUTH]);
    let mut server = Server::new(config, buffers, Instant(0))
        .unwrap()
        .with_auth(Exchange::new(&mut kept).with_hash(&scop_crypto::SHA256));
    let mut input: &[u8] =
        b"EHLO c\r\nRSET\r\nAUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n";
    loop {
        match server.poll() {
            Step::Transmit => server
                .transmitted(server.transmit().len(), Instant(0))
                .unwrap(),
            Step::Event if matches!(server.event(), Some(Event::Scram { .. })) => break,
            Step::Event => server.accept().unwrap(),
            _ => drop(server.handle_input(&mut input, Instant(0)).len()),
        }
    }
    let keys = StoredKeys::derive(b"x", b"salt", 4096, &scop_crypto::SHA256).unwrap();
    let user = ScramUser {
        salt: &[7; 600],
        iterations: 4096,
        keys,
    };
    let nonce = Nonce::new(b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap();
    server.scram(&user, &nonce).unwrap();
    server.handle_closed();
    assert_eq!(server.poll(), Step::Done);
    assert_eq!(server.end(), Some(End::Closed));
    assert_eq!(server.accept(), Err(AnswerError::NothingAsked));
    assert!(Reply::new(421, None, "").is_ok());
}
