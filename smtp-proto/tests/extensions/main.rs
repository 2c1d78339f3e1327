//! Each extension of the crate on both sides: what a server announces, takes and refuses, with it and without
//! it; what a client sends and refuses to send.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod cases;
#[path = "../side/mod.rs"]
mod side;

use cases::cases;
use scop_core::Instant;
use scop_smtp_proto::auth::{Mechanism, MechanismSet};
use scop_smtp_proto::client::{OrderError, Step};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, DeliverBy, Dsn, EightBitMime, EnhancedStatusCodes, Limits, Peer,
    Pipelining, Size, SmtpUtf8, StartTls,
};
use scop_smtp_proto::server::{self, Server};
use scop_smtp_proto::{Extension, ForwardPath, Parameter, ReversePath};
use side::{order, say, serve};

const EHLO: &str = "EHLO client.example.org\r\n";

#[test]
fn a_server_announces_it_where_it_is_there() {
    cases(|case| {
        for secure in [false, true] {
            let heard = serve(&case.list(), secure, EHLO);
            let mut want: Vec<_> = case
                .with
                .iter()
                .map(|extension| extension.keyword())
                .collect();
            want.extend(case.lines[usize::from(secure)]);
            assert_eq!(heard.keywords(), want);
        }
        let heard = serve(case.with, case.secure, EHLO);
        assert_eq!(heard.keywords().len(), case.with.len());
    });
}

/// The reply to one command of a session in a new connection.
fn reply(list: &[&dyn Extension], secure: bool, before: &str, command: &str) -> String {
    let heard = serve(list, secure, &format!("{before}{command}\r\n"));
    heard.replies.last().unwrap().clone()
}

#[test]
fn a_server_judges_parameters_and_verbs() {
    let mail = format!("{EHLO}MAIL FROM:<joe@example.org>\r\n");
    cases(|case| {
        let list = case.list();
        for (text, code, _) in case.mail {
            let got = reply(
                &list,
                case.secure,
                EHLO,
                &format!("MAIL FROM:<joe@example.org> {text}"),
            );
            assert_eq!(&got[..3], *code, "{text}");
        }
        for (text, code, _) in case.rcpt {
            let got = reply(
                &list,
                case.secure,
                &mail,
                &format!("RCPT TO:<ann@example.net> {text}"),
            );
            assert_eq!(&got[..3], *code, "{text}");
        }
        for (command, code) in case.verbs {
            assert_eq!(
                &reply(&list, case.secure, EHLO, command)[..3],
                *code,
                "{command}"
            );
        }
    });
}

/// Not in the list, not under this channel, and behind HELO.
#[test]
fn a_server_without_it_refuses_its_parameters_and_verbs() {
    cases(|case| {
        let list = case.list();
        let hidden = case.lines[usize::from(!case.secure)].is_none();
        let mut sessions = vec![
            (case.with, case.secure, EHLO),
            (&list[..], case.secure, "HELO client.example.org\r\n"),
        ];
        if hidden {
            sessions.push((&list, !case.secure, EHLO));
        }
        for (list, secure, hello) in sessions {
            for (text, ..) in case.mail {
                let got = reply(
                    list,
                    secure,
                    hello,
                    &format!("MAIL FROM:<joe@example.org> {text}"),
                );
                assert_eq!(&got[..3], "555", "{text}");
            }
            let mail = format!("{hello}MAIL FROM:<joe@example.org>\r\n");
            for (text, ..) in case.rcpt {
                let got = reply(
                    list,
                    secure,
                    &mail,
                    &format!("RCPT TO:<ann@example.net> {text}"),
                );
                assert_eq!(&got[..3], "555", "{text}");
            }
            for (command, _) in case.verbs {
                let got = reply(list, secure, hello, command);
                assert!(
                    ["500", "501", "502", "503"].contains(&&got[..3]),
                    "{command}: {got}"
                );
            }
        }
    });
}

fn sender() -> ReversePath<'static> {
    ReversePath::parse(b"<joe@example.org>").unwrap()
}

fn recipient() -> ForwardPath<'static> {
    ForwardPath::parse(b"<ann@example.net>").unwrap()
}

fn parameters(text: &str) -> Vec<Parameter<'_>> {
    text.split(' ')
        .map(|text| Parameter::parse(text.as_bytes()).unwrap())
        .collect()
}

#[test]
fn a_client_sends_what_is_announced_and_well_formed() {
    cases(|case| {
        let list = case.list();
        for (text, _, sends) in case.mail {
            order(&list, case.secure, &case.announced(), |client| {
                let result = client.mail(&sender(), &parameters(text));
                if *sends {
                    assert_eq!(result, Ok(()));
                    assert_eq!(
                        say(client, &[]),
                        format!("MAIL FROM:<joe@example.org> {text}\r\n")
                    );
                } else {
                    assert!(
                        matches!(result, Err(OrderError::CannotSend(..))),
                        "{text}: {result:?}"
                    );
                    assert_eq!(client.poll(), Step::Order);
                }
            });
        }
        for (text, _, sends) in case.rcpt {
            order(&list, case.secure, &case.announced(), |client| {
                client.mail(&sender(), &[]).unwrap();
                say(client, &["250 ok\r\n"]);
                let result = client.recipient(&recipient(), &parameters(text));
                if *sends {
                    assert_eq!(result, Ok(()));
                    assert_eq!(
                        say(client, &[]),
                        format!("RCPT TO:<ann@example.net> {text}\r\n")
                    );
                } else {
                    assert!(
                        matches!(result, Err(OrderError::CannotSend(..))),
                        "{text}: {result:?}"
                    );
                    assert_eq!(client.poll(), Step::Recipient(0));
                }
            });
        }
    });
}

/// What a server would refuse, and what has a call of its own, is not sent.
#[test]
fn a_client_sends_the_verbs_of_what_is_announced() {
    cases(|case| {
        for (command, code) in case.verbs {
            let (verb, argument) = command.split_once(' ').unwrap_or((command, ""));
            order(&case.list(), case.secure, &case.announced(), |client| {
                let result = client.command(verb.as_bytes(), argument.as_bytes());
                let has_own_call = ["BDAT", "STARTTLS", "AUTH"].contains(&&*verb.to_uppercase());
                if code.starts_with('2') && !has_own_call {
                    assert_eq!(result, Ok(()), "{command}");
                    assert_eq!(say(client, &[]), format!("{command}\r\n"));
                } else {
                    assert!(
                        matches!(result, Err(OrderError::CannotSend(..))),
                        "{command}: {result:?}"
                    );
                    assert_eq!(client.poll(), Step::Order);
                }
            });
        }
    });
}

/// Neither what the server does not announce, nor what is not in the client's own list.
#[test]
fn a_client_without_it_sends_nothing_of_it() {
    cases(|case| {
        let list = case.list();
        let announced = case.announced();
        for (list, keywords, is_listed) in [
            (&list[..], &announced[..case.with.len()], true),
            (case.with, &announced[..], false),
        ] {
            let is_missing = |result: Result<(), OrderError<'_>>| match result {
                Err(OrderError::NotAnnounced(_)) => is_listed,
                Err(OrderError::NotListed(_)) => !is_listed,
                _ => false,
            };
            order(list, case.secure, keywords, |client| {
                for (text, ..) in case.mail {
                    let result = client.mail(&sender(), &parameters(text));
                    assert!(is_missing(result), "{text}: {result:?}");
                }
                for (command, _) in case.verbs {
                    let verb = command.split(' ').next().unwrap().as_bytes();
                    let result = client.command(verb, b"x");
                    assert!(is_missing(result), "{command}: {result:?}");
                }
                client.mail(&sender(), &[]).unwrap();
                say(client, &["250 ok\r\n"]);
                for (text, ..) in case.rcpt {
                    let result = client.recipient(&recipient(), &parameters(text));
                    assert!(is_missing(result), "{text}: {result:?}");
                }
            });
        }
    });
}

/// What a client knows of a server that announces `line`.
fn peer(extension: &dyn Extension, secure: bool, line: &str) -> Peer {
    order(&[extension], secure, &[line], |client| *client.peer())
}

#[test]
fn a_client_knows_what_was_announced() {
    assert!(peer(&Pipelining, false, "pipelining").terms.pipelining);
    assert!(
        peer(&EnhancedStatusCodes, false, "ENHANCEDSTATUSCODES")
            .terms
            .enhanced_status
    );
    assert!(peer(&Chunking, false, "CHUNKING").chunking);
    assert!(
        peer(&StartTls, false, "STARTTLS").start_tls
            && !peer(&StartTls, true, "STARTTLS").start_tls
    );
    for (line, limit) in [
        ("SIZE 5", Some(5)),
        ("SIZE 0", None),
        ("SIZE", None),
        ("SIZE x", None),
    ] {
        assert_eq!(peer(&Size(0), false, line).terms.max_size, limit);
    }
    let terms = peer(
        &Limits::default(),
        false,
        "LIMITS rcptmax=20 X=1 MAILMAX=0 RCPTDOMAINMAX=1",
    )
    .terms;
    assert_eq!(
        (
            terms.max_recipients,
            terms.max_transactions,
            terms.max_domains
        ),
        (Some(20), None, Some(1))
    );
    let terms = peer(
        &Limits::default(),
        false,
        "LIMITS RCPTMAX=1000000 MAILMAX=1x RCPTDOMAINMAX=",
    )
    .terms;
    assert_eq!(
        (
            terms.max_recipients,
            terms.max_transactions,
            terms.max_domains
        ),
        (None, None, None)
    );
    assert_eq!(
        peer(&DeliverBy { min: 0 }, false, "DELIVERBY 240").min_by_time,
        240
    );

    let plain = MechanismSet::default().with(Mechanism::Plain);
    let both = plain.with(Mechanism::ScramSha256);
    let auth = |plaintext_allowed| Auth {
        mechanisms: both,
        plaintext_allowed,
    };
    let line = "AUTH PLAIN LOGIN XUNKNOWN scram-sha-256";
    assert_eq!(peer(&auth(false), true, line).mechanisms, both);
    assert_eq!(peer(&auth(true), false, line).mechanisms, both);
    assert_eq!(
        peer(&auth(false), false, line).mechanisms,
        MechanismSet::PROOFS
    );
    assert_eq!(peer(&auth(false), true, "AUTH PLAIN").mechanisms, plain);
}

#[test]
fn a_server_keeps_what_it_announces() {
    // LIMITS: the third recipient, and the third message.
    let limits = Limits {
        transactions: Some(2),
        recipients: Some(2),
        domains: None,
    };
    let message = "MAIL FROM:<joe@example.org>\r\nRCPT TO:<a@example.net>\r\nRCPT TO:<b@example.net>\r\n\
        RCPT TO:<c@example.net>\r\nDATA\r\n.\r\n";
    let heard = serve(
        &[&limits],
        false,
        &format!("{EHLO}{message}{message}MAIL FROM:<joe@example.org>\r\n"),
    );
    let codes: Vec<_> = heard.replies.iter().map(|reply| &reply[..3]).collect();
    let each = ["250", "250", "250", "452", "354", "250"];
    assert_eq!(codes[1..13], [each, each].concat());
    assert_eq!(codes[13..], ["421"]);

    // SIZE: a message that is longer than it, whether it was declared or not.
    let script = format!(
        "{EHLO}MAIL FROM:<joe@example.org>\r\nRCPT TO:<a@example.net>\r\nDATA\r\n{}\r\n.\r\nQUIT\r\n",
        "a".repeat(50)
    );
    for (limit, code) in [(51, "552"), (52, "250"), (0, "250")] {
        let heard = serve(&[&Size(limit)], false, &script);
        assert_eq!(heard.code(4), code, "{limit}");
    }

    // ENHANCEDSTATUSCODES.
    let script = format!("{EHLO}MAIL FROM:<joe@example.org>\r\nRCPT TO:<a@example.net> X=1\r\n");
    let heard = serve(&[&EnhancedStatusCodes], false, &script);
    assert!(
        heard.replies[1].starts_with("250 2.1.0 ") && heard.replies[2].starts_with("555 5.5.4 ")
    );
    let heard = serve(&[], false, &script);
    assert!(!heard.replies[1].starts_with("250 2.") && !heard.replies[2].starts_with("555 5."));

    // What an ORCPT in UTF-8 needs.
    let mail = |utf8| format!("{EHLO}MAIL FROM:<joe@example.org>{utf8}\r\n");
    let rcpt = "RCPT TO:<ann@example.net> ORCPT=utf-8;ann\u{e9}@example.net";
    let list: [&dyn Extension; 3] = [&EightBitMime, &SmtpUtf8, &Dsn];
    assert_eq!(&reply(&list, false, &mail(" SMTPUTF8"), rcpt)[..3], "250");
    assert_eq!(&reply(&list, false, &mail(""), rcpt)[..3], "553");
}

#[test]
fn a_client_authenticates_once_and_between_transactions() {
    let auth = Auth {
        mechanisms: MechanismSet::default().with(Mechanism::Plain),
        plaintext_allowed: false,
    };
    let plain = "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n";
    let mail = "MAIL FROM:<joe@example.org>\r\n";
    let heard = serve(
        &[&auth],
        true,
        &format!("{EHLO}{mail}{plain}RSET\r\n{plain}{plain}{mail}"),
    );
    let codes: Vec<_> = heard.replies.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(codes, ["250", "250", "503", "250", "235", "503", "250"]);
}

/// A list that cannot work makes no machine.
#[test]
fn a_list_stands_with_what_it_needs() {
    for (extension, needed) in [
        (&SmtpUtf8 as &dyn Extension, &EightBitMime as &dyn Extension),
        (&BinaryMime, &Chunking),
    ] {
        for list in [&[extension][..], &[extension, needed, needed]] {
            let (mut input, mut output) = ([0; 1024], [0; 1024]);
            let buffers = server::Buffers {
                input: &mut input,
                output: &mut output,
            };
            let config = server::Config::new("mx.example.org", list);
            let error = Server::new(config, buffers, Instant(0)).unwrap_err();
            assert!(matches!(error, server::ConfigError::Extensions(_)));
        }
    }
}
