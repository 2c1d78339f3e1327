use super::*;
use crate::parameter::ParameterErrorKind;
use crate::parameter::Xtext;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

#[test]
fn both_ways() {
    // A line, and how it is written.
    #[rustfmt::skip]
    let cases: &[(&str, &str)] = &[
        // RFC 5321 D.1
        ("EHLO bar.com", "EHLO bar.com"),
        ("MAIL FROM:<Smith@bar.com>", "MAIL FROM:<Smith@bar.com>"),
        ("RCPT TO:<Jones@foo.com>", "RCPT TO:<Jones@foo.com>"),
        ("RCPT TO:<Green@foo.com>", "RCPT TO:<Green@foo.com>"),
        ("DATA", "DATA"),
        ("QUIT", "QUIT"),
        // D.2
        ("RSET", "RSET"),
        // D.3, and 3.6.1
        ("MAIL FROM:<JQP@bar.com>", "MAIL FROM:<JQP@bar.com>"),
        ("RCPT TO:<@hosta.int,@jkl.org:userc@d.bar.org>", "RCPT TO:<@hosta.int,@jkl.org:userc@d.bar.org>"),
        // D.4
        ("VRFY Crispin", "VRFY Crispin"),
        ("EXPN Example-People", "EXPN Example-People"),
        ("MAIL FROM:<EAK@bar.com>", "MAIL FROM:<EAK@bar.com>"),
        // 4.1.1.2 and 4.1.1.3
        ("MAIL FROM:<>", "MAIL FROM:<>"),
        ("RCPT TO:<pOSTMASTER>", "RCPT TO:<Postmaster>"),
        ("RCPT TO:<postmaster@example.org>", "RCPT TO:<postmaster@example.org>"),
        // Case
        ("ehlo Example.ORG", "EHLO Example.ORG"),
        ("Helo [192.0.2.1]", "HELO [192.0.2.1]"),
        ("lhlo [IPv6:2001:db8::1]", "LHLO [IPv6:2001:db8::1]"),
        ("mail from:<a@b> size=1", "MAIL FROM:<a@b> size=1"),
        ("rcpt to:<a@b> NOTIFY=NEVER ORCPT=rfc822;a@b", "RCPT TO:<a@b> NOTIFY=NEVER ORCPT=rfc822;a@b"),
        ("data", "DATA"), ("rSET", "RSET"), ("quit", "QUIT"), ("vrfy x", "VRFY x"), ("expn x", "EXPN x"),
        ("help", "HELP"), ("help mail from", "HELP mail from"), ("noop", "NOOP"), ("noop \"a  b\"", "NOOP \"a  b\""),
        // RFC 2034, 6152, 6531
        ("MAIL FROM:<\"a b\"@c> BODY=8BITMIME SMTPUTF8 AUTH=<>", "MAIL FROM:<\"a b\"@c> BODY=8BITMIME SMTPUTF8 AUTH=<>"),
        ("MAIL FROM:<j\u{f6}rg@b\u{fc}cher.example> SMTPUTF8", "MAIL FROM:<j\u{f6}rg@b\u{fc}cher.example> SMTPUTF8"),
        ("MAIL FROM:<a@b> X=\u{f6} smtputf8", "MAIL FROM:<a@b> X=\u{f6} smtputf8"),
        ("RCPT TO:<j\u{f6}rg@b>", "RCPT TO:<j\u{f6}rg@b>"),
        ("VRFY j\u{f6}rg SMTPUTF8", "VRFY j\u{f6}rg SMTPUTF8"),
        // Other verbs
        ("STARTTLS", "STARTTLS"),
        ("BDAT 86 LAST", "BDAT 86 LAST"),
        ("X-exps gssapi", "X-exps gssapi"),
        ("QUITS", "QUITS"), ("DAT", "DAT"), ("A", "A"), ("8", "8"), ("EHLO2 x", "EHLO2 x"),
        ("XP \u{f6}", "XP \u{f6}"),
        // A quoted string that need not be one
        ("MAIL FROM:<\"joe\"@b>", "MAIL FROM:<joe@b>"),
    ];
    for (line, written) in cases {
        for tolerance in [Tolerance::STRICT, Tolerance::DEFAULT] {
            let command = Command::parse_with(line.as_bytes(), &tolerance).unwrap();
            assert_eq!(&command.to_string(), written);
            assert_eq!(
                command.to_vec(),
                (String::from(*written) + "\r\n").as_bytes()
            );
            let again = Command::parse_with(written.as_bytes(), &tolerance).unwrap();
            assert_eq!(again, command);
            let typed = command.typed().unwrap();
            assert_eq!(
                typed.to_vec().to_ascii_lowercase(),
                command.to_vec().to_ascii_lowercase()
            );
        }
    }
}

#[test]
fn errors_name_the_rule_and_the_byte() {
    use CommandErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], CommandErrorKind, usize)] = &[
        (b"", BadVerb, 0),
        (b" ", BadVerb, 0),
        (b" QUIT", BadVerb, 0),
        (b"-A", BadVerb, 0),
        (b"QUIT\0", BadVerb, 4),
        (b"QUIT\r\n", BadVerb, 4),
        (b"QUIT\rDATA", BadVerb, 4),
        (b"Q\xc3\x9cIT", BadVerb, 1),
        (b"MAIL:FROM", BadVerb, 4),
        (b"\x16\x03\x01\x02", BadVerb, 0), // the start of TLS
        (b"GET / HTTP/1.1\n", BadArgument, 14),
        (b"EHLO", NoArgument, 4),
        (b"EHLO a b", Hello(PathErrorKind::TextBehind), 6),
        (b"EHLO a\0", Hello(PathErrorKind::TextBehind), 6),
        (b"EHLO a\x7f", Hello(PathErrorKind::TextBehind), 6),
        (b"EHLO \xc3\xa4", Hello(PathErrorKind::TextBehind), 5),
        (b"DATA x", UnexpectedArgument, 4),
        (b"RSET x", UnexpectedArgument, 4),
        (b"QUIT x", UnexpectedArgument, 4),
        (b"VRFY", NoArgument, 4),
        (b"EXPN ", NoArgument, 4),
        (b"VRFY \xc3\xa4", NotAscii, 4),
        (b"VRFY \xc3\xa4SMTPUTF8", NotAscii, 4),
        (b"HELP \xc3\xa4", NotAscii, 4),
        (b"NOOP a\0", BadArgument, 6),
        (b"NOOP a\tb", BadArgument, 6),
        (b"XP \xc3", BadArgument, 3),
        (b"XP a\xc2\x85", BadArgument, 4),
        (b"XP a\rb", BadArgument, 4),
        (b"MAIL", NoFrom, 4),
        (b"MAIL <a@b>", NoFrom, 5),
        (b"MAIL FROM <a@b>", NoFrom, 5),
        (b"MAIL FROM :<a@b>", NoFrom, 5),
        (b"MAIL TO:<a@b>", NoFrom, 5),
        (b"RCPT FROM:<a@b>", NoTo, 5),
        (b"RCPT T O:<a@b>", NoTo, 5),
        (b"MAIL FROM:", Sender(PathErrorKind::NoAngle), 10),
        (b"MAIL FROM:a@b", Sender(PathErrorKind::NoAngle), 10),
        (b"MAIL FROM:<a@b", Sender(PathErrorKind::NoAngleEnd), 14),
        (b"MAIL FROM:<a>", Sender(PathErrorKind::NoAtSign), 12),
        (b"MAIL FROM:<postmaster>", Sender(PathErrorKind::NoAtSign), 21),
        (b"MAIL FROM:< a@b>", Sender(PathErrorKind::BadLocalPart), 11),
        (b"MAIL FROM:<a@b >", Sender(PathErrorKind::NoAngleEnd), 14),
        (b"MAIL FROM:< >", Sender(PathErrorKind::BadLocalPart), 11),
        (b"MAIL FROM:<a@b>x", BadSpace, 15),
        (b"MAIL FROM:<a@b>>", BadSpace, 15),
        (b"MAIL FROM:<a@b>SIZE=1", BadSpace, 15),
        (b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>", BadSpace, 15),
        (b"MAIL FROM:<a\n@b>", Sender(PathErrorKind::NoAtSign), 12),
        (b"MAIL FROM:<\"a\r\n\"@b>", Sender(PathErrorKind::BadQuotedString), 13),
        (b"MAIL FROM:<\"a\\\0\"@b>", Sender(PathErrorKind::BadQuotedString), 13),
        (b"MAIL FROM:<a@b> SIZE=", Parameter(ParameterErrorKind::BadValue), 21),
        (b"MAIL FROM:<a@b> SIZE=1\0", Parameter(ParameterErrorKind::BadValue), 22),
        (b"MAIL FROM:<a@b> SIZE=1 size=2", Parameter(ParameterErrorKind::Duplicate), 23),
        (b"MAIL FROM:<a@b> =1", Parameter(ParameterErrorKind::BadKeyword), 16),
        (b"MAIL FROM:<\xc3\xa4@b>", NotAscii, 10),
        (b"MAIL FROM:<@\xc3\xa4:a@b>", NotAscii, 10),
        (b"MAIL FROM:<a@b> X=\xc3\xa4", NotAscii, 10),
        (b"MAIL FROM:<\xe4@b> SMTPUTF8", Sender(PathErrorKind::BadUtf8), 11),
        (b"RCPT TO:<>", Recipient(PathErrorKind::Null), 8),
        (b"RCPT TO:<postmaster@>", Recipient(PathErrorKind::BadLabel), 20),
    ];
    for (line, kind, offset) in cases {
        let error = Command::parse(line).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (*kind, *offset),
            "{}",
            line.escape_ascii()
        );
    }
}

/// Each tolerance alone, and all but it: a line is read where it is on, and nowhere else.
#[test]
fn tolerances() {
    type Switch = fn(&mut Tolerance) -> &mut bool;
    let long = std::format!("MAIL FROM:<{}@b>", "a".repeat(65));
    let route = std::format!("RCPT TO:<{}:a@b>", std::vec!["@a.example"; 24].join(","));
    #[rustfmt::skip]
    let cases: &[(&str, Switch, &str)] = &[
        ("QUIT ", |t| &mut t.trailing_space, "QUIT"),
        ("QUIT \t ", |t| &mut t.trailing_space, "QUIT"),
        ("EHLO a ", |t| &mut t.trailing_space, "EHLO a"),
        ("HELP ", |t| &mut t.trailing_space, "HELP"),
        ("XP a ", |t| &mut t.trailing_space, "XP a"),
        ("MAIL FROM:<a@b> ", |t| &mut t.trailing_space, "MAIL FROM:<a@b>"),
        ("MAIL FROM:<a@b> X=1 ", |t| &mut t.trailing_space, "MAIL FROM:<a@b> X=1"),
        ("MAIL FROM: <a@b>", |t| &mut t.space_before_path, "MAIL FROM:<a@b>"),
        ("MAIL FROM: \t <>", |t| &mut t.space_before_path, "MAIL FROM:<>"),
        ("RCPT TO: <a@b> X", |t| &mut t.space_before_path, "RCPT TO:<a@b> X"),
        ("MAIL FROM:a@b", |t| &mut t.bare_path, "MAIL FROM:<a@b>"),
        ("MAIL FROM:a@b X=1", |t| &mut t.bare_path, "MAIL FROM:<a@b> X=1"),
        ("RCPT TO:a@[192.0.2.1]", |t| &mut t.bare_path, "RCPT TO:<a@[192.0.2.1]>"),
        ("MAIL FROM:@a:b@c", |t| &mut t.bare_path, "MAIL FROM:<@a:b@c>"),
        ("RCPT TO:postmaster", |t| &mut t.bare_path, "RCPT TO:<Postmaster>"),
        ("RCPT TO:postmaster X", |t| &mut t.bare_path, "RCPT TO:<Postmaster> X"),
        ("MAIL  FROM:<a@b>", |t| &mut t.wide_space, "MAIL FROM:<a@b>"),
        ("MAIL\tFROM:<a@b>", |t| &mut t.wide_space, "MAIL FROM:<a@b>"),
        ("MAIL FROM:<a@b>  X=1", |t| &mut t.wide_space, "MAIL FROM:<a@b> X=1"),
        ("MAIL FROM:<a@b> X=1 \t Y", |t| &mut t.wide_space, "MAIL FROM:<a@b> X=1 Y"),
        ("EHLO  a", |t| &mut t.wide_space, "EHLO a"),
        ("NOOP  a", |t| &mut t.wide_space, "NOOP a"),
        ("XP\ta", |t| &mut t.wide_space, "XP a"),
        (&long, |t| &mut t.long_path, &long),
        (&route, |t| &mut t.long_path, &route),
        ("EHLO local_host", |t| &mut t.any_hello, "EHLO local_host"),
        ("HELO [", |t| &mut t.any_hello, "HELO ["),
        ("LHLO a..b", |t| &mut t.any_hello, "LHLO a..b"),
    ];
    let all = Tolerance {
        bare_path: true,
        ..Tolerance::DEFAULT
    };
    for (line, switch, written) in cases {
        let (mut alone, mut others) = (Tolerance::STRICT, all);
        *switch(&mut alone) = true;
        *switch(&mut others) = false;
        for tolerance in [Tolerance::STRICT, others] {
            assert!(
                Command::parse_with(line.as_bytes(), &tolerance).is_err(),
                "{line}"
            );
        }
        for tolerance in [alone, all] {
            let command = Command::parse_with(line.as_bytes(), &tolerance).unwrap();
            assert_eq!(&command.to_string(), written);
        }
    }
    for line in [
        "MAIL FROM :<a@b>",
        "MAIL FROM <a@b>",
        "MAIL FROM:<a@b>X=1",
        "MAIL FROM:<a@b>\tX= 1",
        "MAIL FROM:a b@c",
        "MAIL FROM:a@b>",
        "MAIL FROM:<a@b",
        "RCPT TO:postmasters",
        " QUIT",
        "RCPT TO:",
    ] {
        assert!(
            Command::parse_with(line.as_bytes(), &all).is_err(),
            "{line}"
        );
    }
}

/// No other octet is taken for a letter of a verb.
#[test]
fn verbs() {
    for line in [
        "HELO a",
        "EHLO a",
        "LHLO a",
        "MAIL FROM:<>",
        "RCPT TO:<a@b>",
        "DATA",
        "RSET",
        "QUIT",
        "VRFY a",
        "EXPN a",
        "HELP",
        "NOOP",
    ] {
        let expected = Command::parse(line.as_bytes()).unwrap();
        assert!(!matches!(expected, Command::Other { .. }));
        for at in 0..4 {
            for octet in 0..=255 {
                let mut other = Vec::from(line);
                other[at] = octet;
                let is_same = Command::parse(&other) == Ok(expected);
                assert_eq!(
                    is_same,
                    other.eq_ignore_ascii_case(line.as_bytes()),
                    "{}",
                    other.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn a_parameter_is_given_once() {
    for line in [
        "SIZE=1 Size=2",
        "SIZE=1 sIZE=2",
        "size SiZe",
        "A=1 B=1 C=1 a",
        "X-Y=1 X-Y",
    ] {
        let line = String::from("RCPT TO:<a@b> ") + line;
        let kind = Command::parse(line.as_bytes()).unwrap_err().kind();
        assert_eq!(
            kind,
            CommandErrorKind::Parameter(ParameterErrorKind::Duplicate),
            "{line}"
        );
    }
    // Their marks are the same, and they are not.
    assert!(Command::parse(b"RCPT TO:<a@b> SE=1 SIZE=1 SLICE=1 size-e").is_ok());
}

#[test]
fn replies() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        (b"?", "500 5.5.2 a command begins with a verb (RFC 5321 4.1.1)"),
        (b"EHLO", "501 5.5.4 the command needs an argument (RFC 5321 4.1.1)"),
        (b"MAIL FROM:<a>", "501 5.1.7 a mailbox has an \"@\" (RFC 5321 4.1.2)"),
        (b"RCPT TO:<a>", "501 5.1.3 a mailbox has an \"@\" (RFC 5321 4.1.2)"),
        (b"RCPT TO:<a@b> =", "501 5.5.4 a parameter is malformed (RFC 5321 4.1.2)"),
        (b"MAIL FROM:<\xc3\xa4@b>", "553 5.6.7 octets above 127 need SMTPUTF8 (RFC 6531 3.4)"),
        (b"MAIL FROM:<a@b>x", "501 5.5.2 one space stands between the parts of a command (RFC 5321 4.1.1)"),
    ];
    for (line, reply) in cases {
        let kind = Command::parse(line).unwrap_err().kind();
        assert_eq!(&kind.refusal().to_string(), reply);
    }
}

fn typed(line: &str) -> Result<TypedCommand<'_>, CommandError> {
    Command::parse(line.as_bytes())?.typed()
}

#[test]
fn verbs_of_extensions() {
    let bdat = |size, last| Ok(TypedCommand::Bdat(Bdat { size, last }));
    assert_eq!(typed("BDAT 0"), bdat(0, false));
    assert_eq!(
        typed("bdat  18446744073709551615 last"),
        bdat(u64::MAX, true)
    );
    assert_eq!(typed("starttls"), Ok(TypedCommand::StartTls));
    let Ok(TypedCommand::Auth(auth)) = typed("AUTH plain AGpvZQBzZWNyZXQ=") else {
        panic!()
    };
    assert_eq!(
        (auth.mechanism(), auth.initial()),
        (&b"plain"[..], Some(&b"AGpvZQBzZWNyZXQ="[..]))
    );
    let Ok(TypedCommand::Auth(auth)) = typed("AUTH SCRAM-SHA-256") else {
        panic!()
    };
    assert_eq!(
        (auth.mechanism(), auth.initial()),
        (&b"SCRAM-SHA-256"[..], None)
    );
    for (line, scope, node) in [
        ("ETRN example.org", EtrnScope::Domain, "example.org"),
        ("etrn @example.org", EtrnScope::Subdomains, "example.org"),
        ("ETRN #queue_1", EtrnScope::Queue, "queue_1"),
    ] {
        let Ok(TypedCommand::Etrn(etrn)) = typed(line) else {
            panic!()
        };
        assert_eq!((etrn.scope(), etrn.node()), (scope, node.as_bytes()));
    }
    let line = "xclient NAME=spike.example.org ADDR=192.0.2.1 PROTO=ESMTP LOGIN=joe+20public HELO=[tempunavail]";
    let Ok(TypedCommand::XClient(attributes)) = typed(line) else {
        panic!()
    };
    assert_eq!(attributes.iter().count(), 5);
    assert!(
        attributes
            .iter()
            .nth(4)
            .unwrap()
            .is_temporarily_unavailable()
    );
    assert_eq!(
        attributes.find("addr").unwrap().address(),
        "192.0.2.1".parse().ok()
    );
    assert!(
        attributes
            .find("login")
            .unwrap()
            .value()
            .octets()
            .eq(*b"joe public")
    );
    assert_eq!(attributes.find("PORT"), None);
    let made = Attribute::new("LOGIN", Xtext::of(b"joe public")).unwrap();
    assert_eq!(made, attributes.find("login").unwrap());
    assert_eq!(made.to_vec(), b"LOGIN=joe+20public");
    assert!(Attribute::new("A\r\n", Xtext::of(b"b")).is_err());
    assert!(Attribute::new("A", Xtext::of(b"")).is_err());

    // Both ways.
    for line in [
        "BDAT 86 LAST",
        "BDAT 0",
        "STARTTLS",
        "AUTH PLAIN",
        "AUTH PLAIN =",
        "AUTH X-A_b AAAA",
        "ETRN a.b",
        "ETRN @a",
        "ETRN #~",
        "XCLIENT A=b B=c",
        "XFORWARD SOURCE=LOCAL IDENT=+3D",
        "XUNKNOWN a",
    ] {
        let command = typed(line).unwrap();
        assert_eq!(command.to_vec(), (String::from(line) + "\r\n").as_bytes());
    }
}

#[test]
fn a_secret_is_not_shown() {
    let auth = AuthCommand::parse(b"PLAIN AGpvZQBzZWNyZXQ=").unwrap();
    assert_eq!(
        std::format!("{auth:?}"),
        "AuthCommand { mechanism: Ok(\"PLAIN\"), has_initial: true, .. }"
    );
}

#[test]
fn arguments_of_extensions_refused() {
    use CommandErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&str, CommandErrorKind, usize)] = &[
        ("BDAT", BadChunk, 4),
        ("BDAT LAST", BadChunk, 5),
        ("BDAT 1LAST", BadChunk, 6),
        ("BDAT 1 LASTS", BadChunk, 11),
        ("BDAT 1  LAST", BadChunk, 6),
        ("BDAT -1", BadChunk, 5),
        ("BDAT +1", BadChunk, 5),
        ("BDAT 18446744073709551616", BadChunk, 5),
        ("STARTTLS now", UnexpectedArgument, 9),
        ("AUTH", BadMechanism, 4),
        ("AUTH =", BadMechanism, 5),
        ("AUTH PLAIN=", BadMechanism, 10),
        ("AUTH ABCDEFGHIJKLMNOPQRSTU", BadMechanism, 26),
        ("AUTH PLAIN AAAA BBBB", BadInitialResponse, 15),
        ("AUTH PLAIN *", BadInitialResponse, 11),
        ("ETRN", BadNode, 4),
        ("ETRN @", BadNode, 6),
        ("ETRN #", BadNode, 6),
        ("ETRN a_b", BadNode, 5),
        ("ETRN b\u{fc}cher", BadNode, 5),
        ("ETRN #a b", BadNode, 6),
        ("XCLIENT", BadAttribute, 7),
        ("XCLIENT NAME", BadAttribute, 8),
        ("XCLIENT NAME=a+", BadAttribute, 8),
        ("XCLIENT NAME=a name=b", BadAttribute, 15),
        ("XCLIENT =a", BadAttribute, 8),
        ("XCLIENT NAME=", BadAttribute, 8),
        ("XCLIENT NAME= ADDR=b", BadAttribute, 8),
        ("XFORWARD A=b  C=d", BadAttribute, 13),
    ];
    for (line, kind, offset) in cases {
        let error = typed(line).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (*kind, *offset), "{line}");
    }
}

#[test]
fn a_value_holds_nothing_to_inject() {
    for text in [
        "a\r", "a\nb", "\0", " a", "a ", "\u{1b}", "\u{7f}", "\u{85}", "\t",
    ] {
        assert!(Argument::parse(text.as_bytes()).is_err());
        assert!(Verb::parse(text.as_bytes()).is_err());
    }
    assert!(
        Verb::parse(b"").is_err() && Verb::parse(b"A B").is_err() && Verb::parse(b"A ").is_err()
    );
    assert!(Argument::parse(b"").is_ok() && Verb::parse(b"XP").is_ok());
}

/// What is displayed of a command: its line, and of AUTH no more than the mechanism.
fn shown(line: &str) -> String {
    match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
        [verb, mechanism, _] if verb.eq_ignore_ascii_case("AUTH") => {
            std::format!("AUTH {mechanism} ...")
        }
        _ => line.into(),
    }
}

/// Every promise on one line that may be anything.
fn check(line: &[u8]) {
    for tolerance in [
        Tolerance::STRICT,
        Tolerance::DEFAULT,
        Tolerance {
            bare_path: true,
            ..Tolerance::DEFAULT
        },
    ] {
        let strict = tolerance == Tolerance::STRICT;
        let command = match Command::parse_with(line, &tolerance) {
            Ok(command) => command,
            Err(error) => {
                assert!(error.offset() <= line.len());
                let _ = error.kind().refusal();
                assert!(!strict || Command::parse_with(line, &tolerance).is_err());
                continue;
            }
        };
        let written = command.to_vec();
        let (body, end) = written.split_at(written.len() - 2);
        assert_eq!(end, b"\r\n");
        assert!(
            str::from_utf8(body)
                .unwrap()
                .chars()
                .all(|c| !c.is_control())
        );
        let again = Command::parse_with(body, &tolerance).unwrap();
        assert_eq!(again, command);
        assert_eq!(again.to_vec(), written);
        assert_eq!(command.to_string(), shown(str::from_utf8(body).unwrap()));
        if strict {
            // What the grammar has is read alike with every tolerance.
            assert_eq!(Command::parse(line), Ok(command));
        }
        if let Ok(typed) = command.typed() {
            assert_eq!(
                Command::parse(&typed.to_vec()[..typed.emitted_len() - 2]).unwrap(),
                command
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_octets(line in prop::collection::vec(any::<u8>(), 0..40)) {
        check(&line);
    }

    #[test]
    fn of_words(words in prop::collection::vec(prop::sample::select(&[
        "EHLO", "MAIL", "RCPT", "VRFY", "NOOP", "XP", "BDAT", "AUTH", "ETRN", "XCLIENT", "FROM:", "TO:", " ", " ", " ", "\t",
        "<", ">", "@", ":", ",", "a", "b.c", "[192.0.2.1]", "[IPv6:::1]", "\"", "\\", "postmaster", "SMTPUTF8", "SIZE=1",
        "=", "x", "\u{e4}", "\u{85}", "\r", "\n", "\0", "LAST", "7", "<>", "<a@b>", "-", ".",
    ][..]), 0..12)) {
        check(words.concat().as_bytes());
    }
}

#[test]
fn a_long_line_takes_no_longer_than_it_is_long() {
    // Parameters and attributes are compared with those before them, and are therefore limited.
    let names: Vec<String> = (0..200_000)
        .map(|number| std::format!("A{number}"))
        .collect();
    let line = std::format!("MAIL FROM:<a@b> {}", names.join(" "));
    let error = Command::parse(line.as_bytes()).unwrap_err();
    assert_eq!(
        error.kind(),
        CommandErrorKind::Parameter(ParameterErrorKind::TooMany)
    );
    let line = std::format!("XCLIENT {}=", names.join("= "));
    assert_eq!(
        typed(&line).unwrap_err().kind(),
        CommandErrorKind::BadAttribute
    );
    check(&std::vec![b'A'; 1 << 20]);
    check(&[&b"MAIL FROM:<"[..], &std::vec![b'a'; 1 << 20][..]].concat());
}

#[test]
fn the_response_of_auth_is_not_shown() {
    let command = Command::parse(b"auth PLAIN AGpvZQBzZWNyZXQ=").unwrap();
    assert_eq!(command.to_string(), "AUTH PLAIN ...");
    assert_eq!(std::format!("{command:?}"), "Command(AUTH PLAIN ...)");
    assert_eq!(command.to_vec(), b"auth PLAIN AGpvZQBzZWNyZXQ=\r\n");
    assert_eq!(
        Command::parse(b"AUTH PLAIN").unwrap().to_string(),
        "AUTH PLAIN"
    );
}
