//! What is sent: octets, parameters, transactions.

use std::time::Instant;

use super::*;

/// Octets that look like chance, and are the same each time.
fn noise(len: usize) -> impl Iterator<Item = u8> {
    let mut state = 1_u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(len)
}

#[tokio::test]
async fn large_messages_are_the_same_octet_for_octet() {
    let mut text = b"Subject: large\r\n\r\n".to_vec();
    for (count, octet) in noise(5 << 20).enumerate() {
        match octet {
            // Dots and line ends in all places, across the edges of blocks too.
            b'\r' | b'\n' | 0 => text.extend(b"\r\n."),
            octet if count % 70 == 0 => text.extend([octet | 0x80, b'\r', b'\n']),
            octet => text.push(octet),
        }
    }
    text.extend(b"\r\n.\r\n..\r\n");
    let mut binary = b"Subject: binary\r\n\r\n".to_vec();
    binary.extend(noise(1 << 20));
    for (parameters, content) in [("BODY=8BITMIME", &text), ("BODY=BINARYMIME", &binary)] {
        let rules = Rules {
            announce: vec!["8BITMIME", "PIPELINING", "CHUNKING", "BINARYMIME"],
            ..Rules::default()
        };
        let server = Fake::start(rules).await;
        let pool = Pool::new(settings()).unwrap();
        let delivery = pool
            .deliver(&target(&server), &message(parameters, TO, content), &[0, 1])
            .await;
        assert_eq!(short(&delivery), "+ +");
        let seen = server.seen();
        let sent = [b"DKIM-Signature: x\r\n", &content[..]].concat();
        assert!(*seen.messages[0] == sent, "{parameters}");
        let mail = seen.commands.iter().find(|line| line.starts_with("MAIL"));
        assert!(mail.unwrap().ends_with(parameters));
    }
}

#[tokio::test]
async fn a_message_without_its_last_line_end_or_without_octets() {
    for (content, taken) in [
        (&b"a: b\r\n\r\nx"[..], &b"a: b\r\n\r\nx\r\n"[..]),
        (b"", b""),
    ] {
        let server = Fake::start(Rules::default()).await;
        let pool = Pool::new(settings()).unwrap();
        let delivery = pool
            .deliver(&target(&server), &message("", TO, content), &[0])
            .await;
        assert_eq!(short(&delivery), "+");
        let seen = server.seen();
        assert_eq!(seen.messages[0][19..], *taken);
    }
}

/// What is announced, the message, and the commands or why there are none.
#[tokio::test]
async fn parameters() {
    const ASCII: &[u8] = TEXT;
    const EIGHT: &[u8] = b"Subject: hi\r\n\r\n\xc3\xbc\r\n";
    const HEADER: &[u8] = b"Subject: \xc3\xbc\r\n\r\nhi\r\n";
    const BARE: &[u8] = b"Subject: hi\r\n\r\na\nb\r\n";
    const NUL: &[u8] = b"Subject: hi\r\n\r\na\0b\r\n";
    type Case = (
        &'static [&'static str],
        &'static str,
        (&'static str, &'static str),
        &'static [u8],
        Result<(&'static str, &'static str), &'static str>,
    );
    const ANN: &str = "<ann@example.net>";
    const UTF8: &str = "<\u{fc}@example.net>";
    const UTF8_ORCPT: &str = "ORCPT=utf-8;\u{fc}@example.net";
    #[rustfmt::skip]
    let cases: &[Case] = &[
        (&[], "", (ANN, ""), ASCII, Ok(("", ""))),
        (&["SIZE"], "", (ANN, ""), ASCII, Ok((" SIZE=44", ""))),
        (&["SIZE 44"], "SIZE=7", (ANN, ""), ASCII, Ok((" SIZE=44", ""))),
        (&["SIZE 43"], "", (ANN, ""), ASCII, Err("-5.3.4")),
        (&["8BITMIME"], "BODY=8BITMIME", (ANN, ""), ASCII, Ok(("", ""))),
        (&["8BITMIME"], "BODY=8BITMIME", (ANN, ""), EIGHT, Ok((" BODY=8BITMIME", ""))),
        (&["8BITMIME"], "", (ANN, ""), EIGHT, Ok((" BODY=8BITMIME", ""))),
        (&[], "BODY=8BITMIME", (ANN, ""), ASCII, Ok(("", ""))),
        (&[], "BODY=8BITMIME", (ANN, ""), EIGHT, Err("-5.6.3")),
        (&["8BITMIME"], "BODY=8BITMIME", (ANN, ""), BARE, Err("-5.6.0")),
        (&["8BITMIME"], "BODY=BINARYMIME", (ANN, ""), BARE, Err("-5.6.3")),
        (&["8BITMIME"], "BODY=BINARYMIME", (ANN, ""), NUL, Err("-5.6.3")),
        (&["BINARYMIME"], "BODY=BINARYMIME", (ANN, ""), NUL, Err("-5.6.3")),
        (&["8BITMIME"], "body=binarymime", (ANN, ""), EIGHT, Ok((" BODY=8BITMIME", ""))),
        (&["BINARYMIME", "CHUNKING"], "BODY=BINARYMIME", (ANN, ""), NUL, Ok((" BODY=BINARYMIME", ""))),
        (&["BINARYMIME", "CHUNKING"], "BODY=BINARYMIME", (ANN, ""), ASCII, Ok(("", ""))),
        (&["8BITMIME", "SMTPUTF8"], "SMTPUTF8", (ANN, ""), ASCII, Ok((" SMTPUTF8", ""))),
        (&["8BITMIME"], "SMTPUTF8", (ANN, ""), ASCII, Ok(("", ""))),
        (&["8BITMIME"], "SMTPUTF8", (ANN, ""), EIGHT, Ok((" BODY=8BITMIME", ""))),
        (&["8BITMIME"], "SMTPUTF8", (ANN, ""), HEADER, Err("-5.6.7")),
        (&["8BITMIME"], "SMTPUTF8", (UTF8, ""), ASCII, Err("-5.6.7")),
        (&["8BITMIME", "SMTPUTF8"], "SMTPUTF8", (UTF8, ""), HEADER, Ok((" BODY=8BITMIME SMTPUTF8", ""))),
        (&["DSN"], "RET=HDRS ENVID=x", (ANN, "NOTIFY=SUCCESS ORCPT=rfc822;ann@example.net"), ASCII,
            Ok((" RET=HDRS ENVID=x", " NOTIFY=SUCCESS ORCPT=rfc822;ann@example.net"))),
        (&[], "RET=HDRS ENVID=x", (ANN, "NOTIFY=SUCCESS ORCPT=rfc822;ann@example.net"), ASCII, Ok(("", ""))),
        (&["DSN", "SMTPUTF8"], "SMTPUTF8", (ANN, UTF8_ORCPT), ASCII, Ok((" SMTPUTF8", " ORCPT=utf-8;\u{fc}@example.net"))),
        (&["DSN"], "SMTPUTF8", (ANN, UTF8_ORCPT), ASCII, Ok(("", " ORCPT=utf-8;\\x{FC}@example.net"))),
        (&["DSN"], "AUTH=<>", (ANN, ""), ASCII, Ok(("", ""))),
        (&["DSN"], "XTINT=3", (ANN, ""), ASCII, Err("-5.5.4")),
        (&["DSN"], "", (ANN, "XTINT=3"), ASCII, Err("-5.5.4")),
        (&[], "", ("ann@example.net", ""), ASCII, Err("-5.1.3")),
        (&["STARTTLS"], "", (ANN, ""), ASCII, Ok(("", ""))),
    ];
    for case in cases {
        let &(announce, mail, to, content, expected) = case;
        let rules = Rules {
            announce: announce.to_vec(),
            ..Rules::default()
        };
        let server = Fake::start(rules).await;
        let pool = Pool::new(settings()).unwrap();
        let delivery = pool
            .deliver(&target(&server), &message(mail, &[to], content), &[0])
            .await;
        let seen = server.seen();
        let line = |verb: &str| {
            let found = seen.commands.iter().find(|line| line.starts_with(verb));
            found.cloned().unwrap_or_default()
        };
        match expected {
            Ok((mail, rcpt)) => {
                let reports = if announce.contains(&"DSN") {
                    "+reports"
                } else {
                    "+"
                };
                assert_eq!(short(&delivery), reports, "{case:?}");
                assert_eq!(line("MAIL"), format!("MAIL FROM:<joe@example.org>{mail}"));
                assert_eq!(line("RCPT"), format!("RCPT TO:{}{rcpt}", to.0));
            }
            Err(status) => {
                assert_eq!(short(&delivery), status, "{case:?}");
                assert_eq!(line("DATA"), "");
                assert!(seen.messages.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let to = &[
        ("<ann@example.net>", ""),
        ("<bob@example.net>", ""),
        ("<joe@example.net>", ""),
        ("<jane@example.net>", ""),
    ];
    let full = At {
        command: ".",
        fault: Fault::Say("452 4.2.2 full\r\n"),
        skip: 1,
        connections: 0..9,
    };
    for (last, result) in [
        (Fault::Say("550 5.7.1 no\r\n"), "+ -5.1.1 ~4.2.2 -5.7.1"),
        (Fault::Close, "+ -5.1.1 ~4.2.2 ~4.4.2"),
        (
            Fault::Say("421 4.3.2 closing\r\n"),
            "+ -5.1.1 ~4.2.2 ~4.3.2",
        ),
    ] {
        let rules = Rules {
            lmtp: true,
            announce: vec!["PIPELINING"],
            ..Rules::default()
        };
        let rules = rules.with(full.clone());
        let rules = rules.with(At {
            fault: last,
            ..full.clone()
        });
        let rules = rules.with(At {
            command: "RCPT",
            fault: Fault::Say("550 5.1.1 no such user\r\n"),
            ..full.clone()
        });
        let server = Fake::start(rules).await;
        let pool = Pool::new(settings()).unwrap();
        let delivery = pool
            .deliver(&target(&server), &message("", to, TEXT), &[0, 1, 2, 3])
            .await;
        assert_eq!(short(&delivery), result);
        assert_eq!(server.seen().commands[0], "LHLO client.example.org");
    }
}

/// What a server says over its limits: another transaction, another connection.
#[tokio::test]
async fn limits() {
    let to: Vec<_> = [("<ann@example.net>", ""); 5].into();
    for (limits, messages, connections) in [
        ("LIMITS RCPTMAX=2", 3, 1),
        ("LIMITS RCPTMAX=2 MAILMAX=1", 3, 3),
        ("LIMITS MAILMAX=1", 1, 1),
    ] {
        for pipelining in [&[][..], &["PIPELINING"]] {
            let rules = Rules {
                announce: [&[limits], pipelining].concat(),
                ..Rules::default()
            };
            let server = Fake::start(rules).await;
            let pool = Pool::new(settings()).unwrap();
            let message = message("", &to, TEXT);
            for round in 1..3 {
                // Not in order, and not all.
                let delivery = pool
                    .deliver(&target(&server), &message, &[4, 0, 1, 2, 3])
                    .await;
                assert_eq!(short(&delivery), "+ + + + +");
                let seen = server.seen();
                assert_eq!(seen.messages.len(), messages * round);
                if limits.contains("MAILMAX") {
                    assert_eq!(seen.connections, connections * round, "{limits}");
                } else {
                    assert_eq!(seen.connections, 1, "{limits}");
                }
            }
        }
    }
    // More recipients than a machine keeps in mind.
    let to = vec![("<ann@example.net>", ""); 1500];
    let indices: Vec<_> = (0..to.len()).collect();
    let server = Fake::start(Rules {
        announce: vec!["PIPELINING"],
        ..Rules::default()
    })
    .await;
    let pool = Pool::new(settings()).unwrap();
    let delivery = pool
        .deliver(&target(&server), &message("", &to, TEXT), &indices)
        .await;
    assert_eq!(short(&delivery), vec!["+"; 1500].join(" "));
    assert_eq!(server.seen().messages.len(), 2);
}

/// A server that reads a little at a time gets all of it, and does not hold up another delivery.
#[tokio::test]
async fn a_slow_reader() {
    let large = [TEXT, &b"x\r\n".repeat(1 << 20)].concat();
    let slow = Fake::start(Rules {
        reads_slowly: true,
        ..Rules::default()
    })
    .await;
    let quick = Fake::start(Rules::default()).await;
    let pool = Pool::new(settings()).unwrap();
    let (slow_target, quick_target) = (target(&slow), target(&quick));
    let message = message("", TO, &large);
    let slowly = pool.deliver(&slow_target, &message, &[0]);
    let quickly = async {
        let delivery = pool.deliver(&quick_target, &message, &[1]).await;
        (delivery, slow.seen().messages.len())
    };
    let (slowly, (quickly, before)) = tokio::join!(slowly, quickly);
    assert_eq!((&*short(&slowly), &*short(&quickly), before), ("+", "+", 0));
    assert!(slow.seen().messages == quick.seen().messages);
}

/// A server that does not read, or says something in the middle of the message.
#[tokio::test]
async fn servers_that_do_not_take_the_message() {
    let large = [TEXT, &b"x\r\n".repeat(3 << 20)].concat();
    let rules = Rules {
        stops_reading: true,
        ..Rules::default()
    };
    let server = Fake::start(rules).await;
    let pool = Pool::new(impatient()).unwrap();
    let start = Instant::now();
    let delivery = pool
        .deliver(&target(&server), &message("", TO, &large), &[0, 1])
        .await;
    assert_eq!(short(&delivery), "~4.4.2 ~4.4.2");
    assert!(start.elapsed() < Duration::from_secs(5));
    // 421 instead of reading: what it says is what becomes known.
    let closing = Fault::SayAndClose("354 go\r\n421 4.3.1 disk full\r\n");
    let server = Fake::start(Rules::default().with_fault("DATA", closing)).await;
    let delivery = pool
        .deliver(&target(&server), &message("", TO, &large), &[0, 1])
        .await;
    let Ok([Outcome::Deferred(failure), _]) = delivery.outcomes.as_deref() else {
        panic!("{delivery:?}");
    };
    assert!(!failure.why.contains("twice"), "{failure:?}");
    assert!(server.seen().messages.is_empty());
}

/// A refusal before the end of a message decides about it, whether the server then closes or not.
#[tokio::test]
async fn refusals_in_the_middle_of_content() {
    let large = [TEXT, &b"x\r\n".repeat(3 << 20)].concat();
    let pool = Pool::new(settings()).unwrap();
    for (refusal, result) in [
        ("552 5.3.4 too large\r\n", "-5.3.4 -5.3.4"),
        ("451 4.3.0 not now\r\n", "~4.3.0 ~4.3.0"),
        ("421 4.3.2 bye\r\n", "~4.3.2 ~4.3.2"),
        ("250 2.0.0 fine\r\n", "~4.5.0 ~4.5.0"),
    ] {
        for announce in [vec![], vec!["PIPELINING", "CHUNKING"]] {
            let start = Instant::now();
            let server = Fake::start(Rules {
                announce: announce.clone(),
                refuses_midway: Some(refusal),
                ..Rules::default()
            })
            .await;
            let delivery = pool
                .deliver(&target(&server), &message("", TO, &large), &[0, 1])
                .await;
            assert_eq!(short(&delivery), result, "{refusal} {announce:?}");
            // It was heard, and no piece was waited for.
            assert!(start.elapsed() < Duration::from_secs(5));
        }
        if refusal.starts_with("250") {
            continue;
        }
        let words: &str = Box::leak(format!("354 go\r\n{refusal}").into_boxed_str());
        let server =
            Fake::start(Rules::default().with_fault("DATA", Fault::SayAndClose(words))).await;
        for content in [TEXT, &large] {
            let delivery = pool
                .deliver(&target(&server), &message("", TO, content), &[0, 1])
                .await;
            assert_eq!(short(&delivery), result, "{refusal}");
        }
    }
}

/// A file that is shorter than it should be: nothing of it is ever ended as a message.
#[tokio::test]
async fn a_message_that_cannot_be_read() {
    for announce in [vec![], vec!["CHUNKING", "BINARYMIME"]] {
        let server = Fake::start(Rules {
            announce,
            ..Rules::default()
        })
        .await;
        let pool = Pool::new(settings()).unwrap();
        let mut message = message("BODY=BINARYMIME", TO, TEXT);
        message.entry.octets += 1;
        let delivery = pool.deliver(&target(&server), &message, &[0, 1]).await;
        assert_eq!(short(&delivery), "! 4.3.0");
        assert!(server.seen().messages.is_empty());
    }
}

/// Replies of many lines, with controls, without a text, of any length.
#[tokio::test]
async fn what_is_kept_of_a_reply() {
    let long: &str = Box::leak(format!("550 5.7.1 {}\r\n", "x".repeat(490)).into_boxed_str());
    let cases = [
        ("550 5.1.1 no\r\n", "550 5.1.1 no"),
        (
            "550-5.1.1 a\r\n550 5.1.1 \x1b[31mb\r\n",
            "550 5.1.1 a 5.1.1 \\u{1b}[31mb",
        ),
        ("550\r\n", "550"),
        (long, &long.trim_end()[..500]),
    ];
    for (reply, line) in cases {
        let server = Fake::start(Rules::default().with_fault("RCPT", Fault::Say(reply))).await;
        let pool = Pool::new(settings()).unwrap();
        let delivery = pool
            .deliver(&target(&server), &message("", TO, TEXT), &[0])
            .await;
        let Ok([Outcome::Failed(failure)]) = delivery.outcomes.as_deref() else {
            panic!("{delivery:?}");
        };
        assert_eq!(failure.reply.as_deref(), Some(line));
        assert_eq!(failure.host.as_deref(), Some("mx.example.org"));
    }
}

/// RFC 5321 4.5.3.1.10: 552 stands for 452 where a recipient is refused, and nowhere else.
#[tokio::test]
async fn one_recipient_too_many() {
    const FAULT: Fault = Fault::Say("552 5.5.3 too many recipients\r\n");
    for (command, expected) in [
        ("RCPT", "~4.5.3 +"),
        ("MAIL", "-5.5.3 -5.5.3"),
        (".", "-5.5.3 -5.5.3"),
    ] {
        let server = Fake::start(Rules::default().with_fault(command, FAULT)).await;
        let pool = Pool::new(settings()).unwrap();
        let delivery = pool
            .deliver(&target(&server), &message("", TO, TEXT), &[0, 1])
            .await;
        assert_eq!(short(&delivery), expected, "{command}");
    }
}

/// Parameters that cannot be read may ask for anything: nothing is left out of them, and nothing sent.
#[tokio::test]
async fn parameters_that_are_malformed() {
    let broken = [
        ("<ann@example.net>", "NOTIFY=NEVER =x"),
        ("<bob@example.net>", ""),
    ];
    for (parameters, to, expected) in [
        ("BODY=8BITMIME =x REQUIRETLS", TO, "-5.5.4 -5.5.4"),
        ("", &broken, "-5.5.4 +"),
    ] {
        let server = Fake::start(Rules::default()).await;
        let pool = Pool::new(settings()).unwrap();
        let delivery = pool
            .deliver(&target(&server), &message(parameters, to, TEXT), &[0, 1])
            .await;
        assert_eq!(short(&delivery), expected);
        assert!(
            !server
                .seen()
                .commands
                .iter()
                .any(|line| line.contains("ann@"))
                || parameters.is_empty()
        );
    }
}
