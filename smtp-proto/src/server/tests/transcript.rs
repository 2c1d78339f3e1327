//! What the client says, what the server says, and what the host is asked.

use std::string::String;
use std::vec::Vec;

use super::drive::{at_every_cut, codes, run};
use crate::command::Hello::{Ehlo, Helo, Lhlo};
use crate::extension::{
    Chunking, Dsn, EightBitMime, EnhancedStatusCodes, Etrn, Pipelining, Protocol, Size, SmtpUtf8,
    StartTls, XClient,
};
use crate::server::{Config, End, Event};
use crate::{Envelope, Extension, Session};

pub(super) const OFFERED: &[&dyn Extension] = &[
    &Pipelining,
    &Size(1000),
    &EightBitMime,
    &SmtpUtf8,
    &Dsn,
    &EnhancedStatusCodes,
    &Chunking,
    &StartTls,
    &Etrn,
];

#[test]
fn a_message_without_extensions() {
    let seen = at_every_cut(
        Config::new("mx.example.org", &[]),
        b"HELO client.example.org\r\nMAIL FROM:<joe@example.org>\r\nRCPT TO:<ann@example.org>\r\n\
          DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
        &mut |_| None,
    );
    assert_eq!(
        seen.sent,
        "220 mx.example.org ESMTP\r\n250 mx.example.org\r\n250 OK\r\n250 OK\r\n\
         354 Start mail input; end with <CRLF>.<CRLF>\r\n250 OK\r\n221 mx.example.org Bye\r\n"
    );
    assert_eq!(seen.messages, [b"Subject: x\r\n\r\n.dot\r\n"]);
    assert_eq!(
        seen.events,
        [
            "Connected",
            "Helo client.example.org",
            "MAIL <joe@example.org> ",
            "RCPT <ann@example.org>  #0",
            "Data",
            "MessageEnd { octets: 20 }",
        ]
    );
    assert_eq!(seen.end, Some(End::Quit));
}

#[test]
fn ehlo_lists_what_is_offered() {
    let seen = at_every_cut(
        Config::new("mx.example.org", OFFERED),
        b"EHLO client.example.org\r\nQUIT\r\n",
        &mut |event| match event {
            Event::Connected => Some((220, "no UBE")),
            _ => Some((250, "greets you")),
        },
    );
    assert_eq!(
        seen.sent,
        "220 mx.example.org ESMTP no UBE\r\n250-mx.example.org greets you\r\n250-PIPELINING\r\n\
         250-SIZE 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n\
         250-CHUNKING\r\n250-STARTTLS\r\n250 ETRN\r\n221 2.0.0 mx.example.org Bye\r\n"
    );
}

/// Commands behind the greeting, and the replies: code and status, `|` between the lines.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn commands_and_replies() {
    const EHLO: &str = "EHLO c.example.org\r\n";
    const MAIL: &str = "MAIL FROM:<joe@example.org>\r\n";
    const RCPT: &str = "RCPT TO:<ann@example.org>\r\n";
    for (commands, want) in [
        // Order (RFC 5321 4.1.4).
        (std::vec![MAIL], "503"),
        (std::vec![EHLO, RCPT], "250|503 5.5.1"),
        (std::vec![EHLO, "DATA\r\n"], "250|503 5.5.1"),
        (std::vec![EHLO, MAIL, "DATA\r\n"], "250|250 2.1.0|554 5.5.1"),
        (std::vec![EHLO, MAIL, MAIL], "250|250 2.1.0|503 5.5.1"),
        (
            std::vec![EHLO, MAIL, EHLO, MAIL],
            "250|250 2.1.0|250|250 2.1.0",
        ),
        (
            std::vec![EHLO, MAIL, "RSET\r\n", RCPT],
            "250|250 2.1.0|250 2.0.0|503 5.5.1",
        ),
        (
            std::vec![EHLO, MAIL, RCPT, "DATA\r\n", ".\r\n", RCPT],
            "250|250 2.1.0|250 2.1.5|354|250 2.0.0|503 5.5.1",
        ),
        // Any time.
        (
            std::vec!["NOOP\r\n", "NOOP x\r\n", "RSET\r\n"],
            "250|250|250",
        ),
        (
            std::vec!["VRFY ann\r\n", "EXPN all\r\n", "HELP\r\n"],
            "252|252|214",
        ),
        (std::vec!["QUIT\r\n", "NOOP\r\n"], "221"),
        // Case and space.
        (
            std::vec!["eHLo c\r\n", "mail from: <> \r\n"],
            "250|250 2.1.0",
        ),
        // Without extensions (RFC 5321 3.2).
        (
            std::vec!["HELO c\r\n", "MAIL FROM:<> SIZE=1\r\n"],
            "250|555",
        ),
        (std::vec!["HELO c\r\n", "ETRN example.org\r\n"], "250|502"),
        (std::vec!["ETRN example.org\r\n"], "503"),
        // Unknown.
        (std::vec!["XYZZY\r\n", "\r\n", "FOO bar\r\n"], "500|500|500"),
        (
            std::vec![EHLO, "LHLO c\r\n", "TURN\r\n"],
            "250|500 5.5.1|500 5.5.1",
        ),
        // Arguments.
        (std::vec!["EHLO\r\n", "HELO \r\n"], "501|501"),
        (
            std::vec![EHLO, MAIL, RCPT, "DATA x\r\n"],
            "250|250 2.1.0|250 2.1.5|501 5.5.4",
        ),
        (
            std::vec!["QUIT now\r\n", "RSET x\r\n", "VRFY\r\n"],
            "501|501|501",
        ),
        // Octets (RFC 5321 4.1.2, 2.3.8).
        (
            std::vec!["NOOP \0\r\n", "NOOP\r\r\n", "NOOP\nNOOP\r\n"],
            "500|500|500",
        ),
        (
            std::vec!["NOOP \u{e9}\r\n", "EHLO \u{e9}\r\n", "\u{e9}\r\n"],
            "553|501|500",
        ),
        (
            std::vec![EHLO, "MAIL FROM:<j\0@example.org>\r\n"],
            "250|500 5.5.2",
        ),
        // Parameters (RFC 5321 4.1.1.11, RFC 1870 6.1, RFC 6531 3.4).
        (std::vec![EHLO, "MAIL FROM:<> FOO=1\r\n"], "250|555 5.5.4"),
        (
            std::vec![EHLO, "MAIL FROM:<> SIZE=1 SIZE=1\r\n"],
            "250|501 5.5.4",
        ),
        (std::vec![EHLO, "MAIL FROM:<> SIZE=x\r\n"], "250|501 5.5.4"),
        (
            std::vec![EHLO, "MAIL FROM:<> SIZE=1001\r\n"],
            "250|552 5.3.4",
        ),
        (
            std::vec![EHLO, "MAIL FROM:<> SIZE=1000 BODY=8BITMIME RET=HDRS\r\n"],
            "250|250 2.1.0",
        ),
        (
            std::vec![EHLO, "MAIL FROM:<> BODY=BINARYMIME\r\n"],
            "250|555 5.5.4",
        ),
        (
            std::vec![EHLO, MAIL, "RCPT TO:<a@example.org> SIZE=1\r\n"],
            "250|250 2.1.0|555 5.5.4",
        ),
        (
            std::vec![EHLO, MAIL, "RCPT TO:<a@example.org> NOTIFY=NEVER\r\n"],
            "250|250 2.1.0|250 2.1.5",
        ),
        (
            std::vec![EHLO, "MAIL FROM:<j\u{f6}@example.org>\r\n"],
            "250|553 5.6.7",
        ),
        (
            std::vec![
                EHLO,
                "MAIL FROM:<j\u{f6}@example.org> SMTPUTF8\r\n",
                "RCPT TO:<\u{e4}@example.org>\r\n",
            ],
            "250|250 2.1.0|250 2.1.5",
        ),
        (
            std::vec![EHLO, MAIL, "RCPT TO:<\u{e4}@example.org>\r\n"],
            "250|250 2.1.0|553 5.6.7",
        ),
        // Paths.
        (
            std::vec![EHLO, "MAIL FROM:joe@example.org\r\n"],
            "250|501 5.1.7",
        ),
        (
            std::vec![EHLO, "MAIL TO:<joe@example.org>\r\n"],
            "250|501 5.5.4",
        ),
        (
            std::vec![EHLO, MAIL, "RCPT TO:<>\r\n"],
            "250|250 2.1.0|501 5.1.3",
        ),
        (
            std::vec![EHLO, MAIL, "RCPT TO:<Postmaster>\r\n"],
            "250|250 2.1.0|250 2.1.5",
        ),
    ] {
        let input = commands.concat();
        let seen = at_every_cut(
            Config::new("mx.example.org", OFFERED),
            input.as_bytes(),
            &mut |_| None,
        );
        assert_eq!(codes(&seen.sent), std::format!("220|{want}"), "{input:?}");
    }
}

#[test]
fn the_host_refuses() {
    // The wish that is refused, with what; the replies; how it ends.
    for (refused, code, want, end) in [
        (
            "Connected",
            554,
            "554|503|503|503|503|503|503|503|221",
            End::Quit,
        ),
        ("Connected", 421, "421", End::Refused),
        ("Connected", 450, "450", End::Refused),
        (
            "Ehlo",
            550,
            "220|550|503|503|503|500|500|500|221",
            End::Quit,
        ),
        (
            "MAIL",
            451,
            "220|250|451 4.0.0|503 5.5.1|503 5.5.1|500 5.5.2|500 5.5.2|500 5.5.2|221 2.0.0",
            End::Quit,
        ),
        (
            "RCPT",
            550,
            "220|250|250 2.1.0|550 5.0.0|554 5.5.1|500 5.5.2|500 5.5.2|500 5.5.2|221 2.0.0",
            End::Quit,
        ),
        (
            "Data",
            452,
            "220|250|250 2.1.0|250 2.1.5|452 4.0.0|500 5.5.2|500 5.5.2|500 5.5.2|221 2.0.0",
            End::Quit,
        ),
        (
            "MessageEnd",
            554,
            "220|250|250 2.1.0|250 2.1.5|354|554 5.0.0|221 2.0.0",
            End::Quit,
        ),
        (
            "MessageEnd",
            421,
            "220|250|250 2.1.0|250 2.1.5|354|421 4.0.0",
            End::Refused,
        ),
    ] {
        let seen = at_every_cut(
            Config::new("mx.example.org", OFFERED),
            b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nA: b\r\n\r\n.\r\nQUIT\r\n",
            &mut |event| {
                let name = super::drive::describe(event);
                name.starts_with(refused).then_some((code, "no"))
            },
        );
        assert_eq!(codes(&seen.sent), want, "{refused} {code}");
        assert_eq!(seen.end, Some(end), "{refused} {code}");
    }
}

/// RFC 2920 3.1: what comes in one group, and RSET within it.
#[test]
fn pipelined_groups() {
    let input = b"EHLO dbc.mtview.ca.us\r\n\
        MAIL FROM:<mrose@dbc.mtview.ca.us>\r\nRCPT TO:<ned@innosoft.com>\r\n\
        RCPT TO:<dan@innosoft.com>\r\nRCPT TO:<kvc@innosoft.com>\r\nDATA\r\n\
        a\r\n.\r\n\
        RSET\r\nMAIL FROM:<mrose@dbc.mtview.ca.us>\r\nRCPT TO:<ned@innosoft.com>\r\n\
        RCPT TO:<dan@innosoft.com>\r\nRCPT TO:<kvc@innosoft.com>\r\nDATA\r\n\
        b\r\n.\r\nQUIT\r\n";
    let mut answer = |event: &Event<'_>| match event {
        Event::Recipient { path, .. } if path_is(path, "<dan@innosoft.com>") => Some((550, "no")),
        _ => None,
    };
    let config = Config::new("innosoft.com", OFFERED);
    let seen = at_every_cut(config, input, &mut answer);
    assert_eq!(
        codes(&seen.sent),
        "220|250|250 2.1.0|250 2.1.5|550 5.0.0|250 2.1.5|354|250 2.0.0\
         |250 2.0.0|250 2.1.0|250 2.1.5|550 5.0.0|250 2.1.5|354|250 2.0.0|221 2.0.0"
    );
    assert_eq!(seen.messages, [b"a\r\n", b"b\r\n"]);
    assert_eq!(seen.session.transactions, 2);
    // What came behind DATA came before 354.
    assert!(seen.session.unsynchronised);

    // In the groups that are allowed it is not noted, and each group is answered at once.
    let ends: Vec<usize> = ["us\r\n", "DATA\r\n", ".\r\n", "DATA\r\n", ".\r\n"]
        .iter()
        .scan(0, |from, end| {
            let at = memchr::memmem::find(&input[*from..], end.as_bytes()).unwrap();
            *from += at + end.len();
            Some(*from)
        })
        .collect();
    let seen = run(config, input, &ends, &mut answer);
    assert!(!seen.session.unsynchronised);
    assert_eq!(seen.writes, 7);
}

fn path_is(path: &crate::ForwardPath<'_>, text: &str) -> bool {
    std::format!("{path}") == text
}

/// RFC 2033 5, with replies of this server's.
#[test]
fn lmtp() {
    let mut config = Config::new("foo.edu", OFFERED);
    config.protocol = Protocol::Lmtp;
    let seen = at_every_cut(
        config,
        b"EHLO foo.edu\r\nLHLO foo.edu\r\nMAIL FROM:<chris@bar.com>\r\nRCPT TO:<pat@foo.edu>\r\n\
          RCPT TO:<jones@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\nDATA\r\nBlah blah blah...\r\n\
          .\r\nMAIL FROM:<>\r\nRCPT TO:<jones@foo.edu>\r\nDATA\r\nRSET\r\nQUIT\r\n",
        &mut |event| match event {
            Event::Recipient { path, .. } if path_is(path, "<jones@foo.edu>") => {
                Some((550, "No such user here"))
            }
            Event::RecipientResult { index: 1 } => Some((452, "green is temporarily over quota")),
            _ => None,
        },
    );
    assert_eq!(
        codes(&seen.sent),
        "220|500|250|250 2.1.0|250 2.1.5|550 5.0.0|250 2.1.5|354|250 2.1.5|452 4.0.0\
         |250 2.1.0|550 5.0.0|503 5.5.1|250 2.0.0|221 2.0.0"
    );
    assert!(seen.sent.starts_with("220 foo.edu LMTP\r\n"));
    assert_eq!(
        seen.events[6..10],
        [
            "Data",
            "MessageEnd { octets: 19 }",
            "RecipientResult { index: 0 }",
            "RecipientResult { index: 1 }",
        ]
    );
    assert_eq!(seen.session.transactions, 1);
}

#[test]
fn a_line_too_long_is_skipped_to_its_end() {
    // The tail reads like commands; the buffer holds 1024 octets.
    let mut input = b"EHLO c\r\nNOOP ".to_vec();
    input.extend(core::iter::repeat_n(b'x', 1020));
    input.extend(b"MAIL FROM:<a@example.org>\r\nNOOP\r\n");
    let seen = run(
        Config::new("mx.example.org", OFFERED),
        &input,
        &[],
        &mut |_| None,
    );
    assert_eq!(codes(&seen.sent), "220|250|500 5.5.2|250 2.0.0");
    for size in 1..40 {
        let cuts: Vec<usize> = (0..input.len()).step_by(size).collect();
        let cut = run(
            Config::new("mx.example.org", OFFERED),
            &input,
            &cuts,
            &mut |_| None,
        );
        assert_eq!(
            (cut.sent, cut.events),
            (seen.sent.clone(), seen.events.clone())
        );
    }
}

#[test]
fn with_keywords() {
    let envelope = Envelope::default();
    let utf8 = Envelope {
        utf8: true,
        ..envelope
    };
    let session = |hello, protocol, secure, authenticated| Session {
        hello: Some(hello),
        protocol,
        secure,
        authenticated,
        ..Session::default()
    };
    let (smtp, lmtp) = (Protocol::Smtp, Protocol::Lmtp);
    for (session, envelope, want) in [
        (session(Helo, smtp, true, false), envelope, "SMTP"),
        (session(Ehlo, smtp, false, false), envelope, "ESMTP"),
        (session(Ehlo, smtp, false, true), envelope, "ESMTPA"),
        (session(Ehlo, smtp, true, false), envelope, "ESMTPS"),
        (session(Ehlo, smtp, true, true), envelope, "ESMTPSA"),
        (session(Lhlo, lmtp, false, false), envelope, "LMTP"),
        (session(Lhlo, lmtp, true, true), envelope, "LMTPSA"),
        (session(Ehlo, smtp, true, false), utf8, "UTF8SMTPS"),
        (session(Lhlo, lmtp, false, true), utf8, "UTF8LMTPA"),
    ] {
        assert_eq!(session.with_keyword(&envelope), want);
    }
}

/// An extension that this crate does not know: keyword, parameters and verb.
#[test]
fn a_made_up_extension() {
    use crate::extension::{Effect, Refusal};
    use crate::{Parameter, Status};
    use scop_core::{Full, Sink};

    #[derive(Debug)]
    struct Colour;
    impl Extension for Colour {
        fn keyword(&self) -> &'static str {
            "XCOLOUR"
        }
        fn mail_keywords(&self) -> &[&str] {
            &["XTINT"]
        }
        fn rcpt_keywords(&self) -> &[&str] {
            &["XSHADE"]
        }
        fn verbs(&self) -> &[&str] {
            &["XPAINT"]
        }
        fn emit_arguments(&self, session: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
            sink.put(if session.secure { b"blue" } else { b"red" })
        }
        fn mail_parameter(
            &self,
            tint: Parameter<'_>,
            _: &Session,
            envelope: &mut Envelope,
        ) -> Result<(), Refusal> {
            envelope.size = Some(5);
            (tint.value() == Some(b"1"))
                .then_some(())
                .ok_or(Refusal::new(501, Status::new(5, 5, 4), "tint"))
        }
        fn command(&self, _: &[u8], colour: &[u8], _: &Session) -> Result<Effect, Refusal> {
            (colour == b"me")
                .then_some(Effect::Ask)
                .ok_or(Refusal::BAD_ARGUMENT)
        }
    }
    let seen = at_every_cut(
        Config::new("mx.example.org", &[&Colour]),
        b"EHLO c\r\nMAIL FROM:<> XTINT=2\r\nMAIL FROM:<> xtint=1\r\nRCPT TO:<a@b> XTINT=1\r\n\
          RCPT TO:<a@b> XSHADE\r\nXPAINT it\r\nxPaint me\r\n",
        &mut |_| None,
    );
    assert_eq!(codes(&seen.sent), "220|250|501|250|555|250|501|250");
    assert!(
        seen.sent
            .contains("250-mx.example.org\r\n250 XCOLOUR red\r\n")
    );
    assert_eq!(
        seen.events[2..],
        ["MAIL <> xtint=1", "RCPT <a@b> XSHADE #0", "xPaint me"].map(String::from)
    );
}

#[test]
fn xclient_begins_anew() {
    let client = XClient {
        attributes: &["NAME", "ADDR"],
    };
    let offered: &[&dyn Extension] = &[&client, &EnhancedStatusCodes];
    let input =
        b"EHLO c\r\nXCLIENT NAME=x.example ADDR=192.0.2.1\r\nMAIL FROM:<>\r\nEHLO x.example\r\n\
        XCLIENT NAME=bad.example\r\nMAIL FROM:<>\r\n";
    let seen = at_every_cut(
        Config::new("mx.example.org", offered),
        input,
        &mut |event| {
            matches!(event, Event::Command { argument, .. } if argument.ends_with(b"bad.example"))
                .then_some((550, "no"))
        },
    );
    assert_eq!(codes(&seen.sent), "220|250|220|503|250|550 5.0.0|250 2.1.0");
    assert!(seen.sent.contains("220 mx.example.org ESMTP\r\n503 Send"));
}

#[test]
fn lines_that_end_at_lf_if_that_is_wanted() {
    let mut config = Config::new("mx.example.org", OFFERED);
    config.tolerance.lf_line = true;
    let seen = at_every_cut(
        config,
        b"EHLO c\nMAIL FROM:<>\nRCPT TO:<a@b>\nDATA\na\n.\nQUIT\n\r\n.\r\nNOOP\n",
        &mut |_| None,
    );
    assert_eq!(
        codes(&seen.sent),
        "220|250|250 2.1.0|250 2.1.5|354|550 5.6.0|250 2.0.0"
    );
}

#[test]
fn what_the_host_says_of_addresses() {
    let seen = at_every_cut(
        Config::new("mx.example.org", OFFERED),
        b"VRFY Joe\r\nEXPN staff\r\nHELP MAIL\r\nEHLO c\r\nVRFY Joe\r\nETRN example.org\r\n",
        &mut |event| match event {
            Event::Verify(b"Joe") => Some((250, "Joe Public <joe@example.org>")),
            Event::Expand(b"staff") => Some((250, "<joe@example.org>\n<ann@example.org>")),
            Event::Help(b"MAIL") => Some((214, "MAIL FROM:<path>")),
            Event::Command { verb: b"ETRN", .. } => Some((459, "not allowed")),
            _ => None,
        },
    );
    let (_, sent) = seen.sent.split_once("ESMTP\r\n").unwrap();
    assert!(sent.starts_with(
        "250 Joe Public <joe@example.org>\r\n250-<joe@example.org>\r\n250 <ann@example.org>\r\n\
         214 MAIL FROM:<path>\r\n250-"
    ));
    assert!(
        sent.ends_with("\r\n250 2.0.0 Joe Public <joe@example.org>\r\n459 4.0.0 not allowed\r\n")
    );
}

/// Takes any value.
struct Wall;

impl Extension for Wall {
    fn keyword(&self) -> &'static str {
        "XWALL"
    }

    fn rcpt_keywords(&self) -> &[&str] {
        &["XWALL"]
    }
}

#[test]
fn a_value_beyond_ascii_needs_smtputf8() {
    let offered: &[&dyn Extension] = &[&Wall, &EightBitMime, &SmtpUtf8];
    for (smtputf8, want) in [("", "553"), (" SMTPUTF8", "250")] {
        let commands =
            std::format!("EHLO c\r\nMAIL FROM:<>{smtputf8}\r\nRCPT TO:<a@b> XWALL=\u{e9}\r\n");
        let seen = at_every_cut(
            Config::new("mx.example.org", offered),
            commands.as_bytes(),
            &mut |_| None,
        );
        assert_eq!(codes(&seen.sent), std::format!("220|250|250|{want}"));
    }
}
