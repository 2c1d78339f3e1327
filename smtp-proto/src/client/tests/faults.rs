//! A server or a network that does not keep the rules.

use super::*;
use crate::client::Awaited;
use crate::extension::Protocol;

const MAIL: &str = "MAIL FROM:<s@c.example>\r\n";
const RCPT: &str = "RCPT TO:<j@a.example>\r\n";

/// What is said of the one recipient when the session stops after so many lines of a script.
const POINTS: [(Line, &str); 6] = [
    (("", "220 hi\r\n"), ""),
    (("EHLO c.example\r\n", PLAIN), ""),
    ((MAIL, "250 ok\r\n"), ""),
    ((RCPT, "250 ok\r\n"), "failed 0"),
    (("DATA\r\n", "354 go\r\n"), "failed 0"),
    (("hi\r\n.\r\n", "250 ok\r\n"), "unknown 0"),
];

#[test]
fn stops_at_each_point() {
    let awaited = [
        Awaited::Greeting,
        Awaited::Hello,
        Awaited::Mail,
        Awaited::Recipient,
        Awaited::Data,
        Awaited::Message,
    ];
    for (point, awaited) in awaited.into_iter().enumerate() {
        let fate = POINTS[point].1;
        let closing = if fate.is_empty() {
            vec![]
        } else {
            vec![format!("failed 0 {awaited:?} 421")]
        };
        let lost = if fate.is_empty() {
            vec![]
        } else {
            vec![format!("{fate} end")]
        };
        for (what, end, want) in [
            ("CLOSE", End::Closed, &lost),
            ("TIMEOUT", End::Timeout(awaited), &lost),
            ("421 bye\r\n", End::Closing, &closing),
        ] {
            let mut script: Vec<Line> = POINTS[..point].iter().map(|point| point.0).collect();
            script.push((POINTS[point].0.0, what));
            let mut told = play(config(), &script, &[ONE]);
            assert_eq!(told.end, Some(end), "{point} {what}");
            told.log
                .retain(|line| line.contains(" end") || line.contains("ed 0 "));
            assert_eq!(&told.log, want, "{point} {what}");
        }
    }
}

#[test]
fn cut_within_groups() {
    let group = "MAIL FROM:<s@c.example>\r\nRCPT TO:<a@a.example>\r\nRCPT TO:<b@a.example>\r\nRCPT TO:<c@b.example>\r\n";
    for (replies, log) in [
        ("", "failed 0 end, failed 1 end, failed 2 end"),
        (
            "250 ok\r\n",
            "mail 250, failed 0 end, failed 1 end, failed 2 end",
        ),
        (
            "250 ok\r\n550 no\r\n250 ok\r\n",
            "mail 250, failed 0 Recipient 550, rcpt 1 250, failed 1 end, failed 2 end",
        ),
        (
            "550 no\r\n",
            "mail 550, failed 0 Mail 550, failed 1 Mail 550, failed 2 Mail 550",
        ),
    ] {
        let script = if replies.is_empty() {
            after_hello(GROUPS, &[(group, "CLOSE")])
        } else {
            after_hello(GROUPS, &[(group, replies), ("", "CLOSE")])
        };
        check(
            config(),
            &script,
            &[THREE],
            &format!("{READY}, {log}"),
            End::Closed,
        );
    }
    // 421 in the middle.
    let script = after_hello(GROUPS, &[(group, "250 ok\r\n250 ok\r\n421 bye\r\n")]);
    check(
        config(),
        &script,
        &[THREE],
        &format!(
            "{READY}, mail 250, rcpt 0 250, closing 421, \
             failed 0 Recipient 421, failed 1 Recipient 421, failed 2 Recipient 421"
        ),
        End::Closing,
    );
    let script = [
        ("", "220 hi\r\n"),
        ("LHLO c.example\r\n", GROUPS),
        (group, "250 ok\r\n550 no\r\n250 ok\r\n250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
        ("hi\r\n.\r\n", "250 ok\r\n421 bye\r\n"),
    ];
    let lmtp = Config {
        protocol: Protocol::Lmtp,
        ..config()
    };
    check(
        lmtp,
        &script,
        &[THREE],
        "greeting 220, Lhlo 250, mail 250, failed 0 Recipient 550, rcpt 1 250, rcpt 2 250, delivered 1 250, closing 421, unknown 2 end",
        End::Closing,
    );
    // LMTP: what was said of the first stands.
    let lmtp = Config {
        protocol: Protocol::Lmtp,
        ..config()
    };
    let script = [
        ("", "220 hi\r\n"),
        ("LHLO c.example\r\n", GROUPS),
        (group, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
        ("hi\r\n.\r\n", "250 ok\r\n"),
        ("", "CLOSE"),
    ];
    check(
        lmtp,
        &script,
        &[THREE],
        "greeting 220, Lhlo 250, mail 250, rcpt 0 250, rcpt 1 250, rcpt 2 250, delivered 0 250, unknown 1 end, unknown 2 end",
        End::Closed,
    );
}

#[test]
fn unexpected_codes() {
    for (point, reply, to) in [
        (1, "334 hm\r\n", Awaited::Hello),
        (2, "354 go\r\n", Awaited::Mail),
        (3, "354 go\r\n", Awaited::Recipient),
        (4, "250 ok\r\n", Awaited::Data),
        (5, "354 go\r\n", Awaited::Message),
    ] {
        let mut script: Vec<Line> = POINTS[..point].iter().map(|point| point.0).collect();
        script.push((POINTS[point].0.0, reply));
        let told = play(config(), &script, &[ONE]);
        assert!(
            matches!(told.end, Some(End::Unexpected { to: got, .. }) if got == to),
            "{told:?}"
        );
    }
}

#[test]
fn floods() {
    let lines: &str = "250-x\r\n".repeat(300).leak();
    let long: &str = std::format!("250 {}", "x".repeat(5000)).leak();
    let many: &str = "250-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
        .repeat(100)
        .leak();
    for reply in [
        lines,
        long,
        many,
        "25x hm\r\n",
        "hm\r\n",
        "250 a\0b\r\n",
        "250 a\rb\r\n",
        "250 a\n",
        "250-a\r\n251 b\r\n",
        "150 hm\r\n",
        "\r\n",
    ] {
        for cut in [1, 7, usize::MAX] {
            let told = run(
                config(),
                &[("", "220 hi\r\n"), ("EHLO c.example\r\n", reply)],
                &[ONE],
                cut,
            );
            assert!(
                matches!(told.end, Some(End::BadReply(_))),
                "{reply:?} {told:?}"
            );
        }
    }
}

#[test]
fn replies_that_nobody_asked_for() {
    // Behind each reply, in one piece: the next command must not be sent as if they answered it.
    for point in 0..6 {
        let mut script: Vec<Line> = POINTS[..point].iter().map(|point| point.0).collect();
        let (sent, reply) = POINTS[point].0;
        script.push((sent, format!("{reply}250 ok\r\n").leak()));
        // Also when they never come to an end. How far the client went by then depends on the cut.
        let mut endless = script.clone();
        endless.pop();
        endless.push((sent, format!("{reply}250 ok").leak()));
        endless.push(("", "TIMEOUT"));
        for cut in [1, 2, 3, 9, usize::MAX] {
            for script in [&script, &endless] {
                let end = run(config(), script, &[ONE], cut).end;
                // QUIT is the last word: what comes behind it does not matter.
                let quit = point == 5 && cut < 9 && end == Some(End::Quit);
                assert!(quit || end == Some(End::Unsolicited), "{point} {cut}");
            }
        }
    }
    // Behind QUIT nothing matters.
    let script = [("", "554 no\r\n220")];
    let mut script = script.to_vec();
    script.push(("QUIT\r\n", "CLOSE"));
    let told = run(config(), &script, &[], usize::MAX);
    assert!(matches!(told.end, Some(End::Refused { .. })), "{told:?}");
    // 421 is asked for at all times.
    let script = [("", "220 hi\r\n421 bye\r\n")];
    let told = run(config(), &script, &[ONE], usize::MAX);
    assert_eq!(told.log.join(", "), "greeting 220, closing 421");
    assert_eq!(told.end, Some(End::Closing));
}

/// Sends a message to two recipients, the second of which is refused: what was sent behind 354 or the
/// recipients, the last event, and the end.
fn transfer(config: Config<'_>, content: &[&[u8]]) -> (Vec<u8>, String, Option<End>) {
    let (mut input, mut output) = ([0; 512], [0; 512]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut client = Client::new(config, buffers, Instant(0)).unwrap();
    let mut pieces = content.iter();
    let mut piece: &[u8] = b"";
    let (mut wire, mut last) = (vec![], String::new());
    let mut is_sent = false;
    loop {
        match client.poll() {
            Step::Transmit => {
                wire.extend_from_slice(client.transmit());
                client
                    .transmitted(client.transmit().len(), Instant(0))
                    .unwrap();
            }
            Step::Wait(_) => {
                let mut reply = match client.awaited() {
                    Some(Awaited::Greeting) => "220 hi\r\n",
                    Some(Awaited::Hello) => CHUNKS,
                    Some(Awaited::Recipient) if client.transaction.answered == 1 => "550 no\r\n",
                    Some(Awaited::Data) => "354 go\r\n",
                    _ => "250 ok\r\n",
                }
                .as_bytes();
                client.handle_input(&mut reply, Instant(0));
            }
            Step::Event => last = name(&client.event().unwrap()),
            Step::Order if is_sent => client.handle_closed(),
            Step::Order => {
                is_sent = true;
                client.mail(&ReversePath::Null, &[]).unwrap();
            }
            Step::Recipient(0 | 1) => client.recipient(&ForwardPath::Postmaster, &[]).unwrap(),
            Step::Recipient(_) => client.end_recipients().unwrap(),
            Step::Content => {
                if wire.ends_with(b"DATA\r\n") || wire.ends_with(b"<Postmaster>\r\n") {
                    wire.clear();
                }
                if piece.is_empty() {
                    piece = pieces.next().copied().unwrap_or_default();
                }
                let given = if piece.is_empty() {
                    client.content_end(Instant(0)).map(|()| &b""[..])
                } else {
                    client.content(&mut piece, Instant(0))
                };
                wire.extend_from_slice(given.unwrap_or_default());
            }
            Step::Done => return (wire, last, client.end()),
            other => panic!("{other:?}"),
        }
    }
}

fn holds(wire: &[u8], what: &[u8]) -> usize {
    wire.windows(what.len())
        .filter(|window| *window == what)
        .count()
}

#[test]
fn bare_line_ends_end_the_connection() {
    for content in [
        &[&b"a\nb"[..]][..],
        &[b"a\r", b"b"],
        &[b"a\r\n.\n", b"b"],
        &[b"\r\r\n"],
        &[b"ok\r\n\r"],
        &[b"\n.\r\n"],
    ] {
        for prefer_bdat in [false, true] {
            let config = Config {
                prefer_bdat,
                ..config()
            };
            let (wire, last, end) = transfer(config, content);
            assert!(
                matches!(end, Some(End::BareLineEnd(_))),
                "{content:?} {end:?}"
            );
            assert_eq!(last, "failed 0 end");
            assert_eq!(holds(&wire, b".\r\n") + holds(&wire, b"LAST"), 0);
        }
    }
}

/// SMTP smuggling: whatever stands for the end of a message elsewhere.
#[test]
fn terminators_of_others_are_never_sent() {
    for terminator in [
        &b"\n.\n"[..],
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\r\n.\r\n",
        b"\r\n\0.\r\n",
    ] {
        let content = [b"one", terminator, b"MAIL FROM:<>\r\n"].concat();
        let octets: Vec<&[u8]> = content.chunks(1).collect();
        for pieces in [&[content.as_slice()][..], &octets] {
            for normalise_line_ends in [false, true] {
                let config = Config {
                    normalise_line_ends,
                    ..config()
                };
                let (wire, last, end) = transfer(config, pieces);
                let text = wire.escape_ascii().to_string();
                let ends = holds(&wire, b"\r\n.\r\n");
                let lone = (wire.iter().enumerate()).any(|(at, &octet)| match octet {
                    b'\r' => at + 1 < wire.len() && wire[at + 1] != b'\n',
                    b'\n' => at == 0 || wire[at - 1] != b'\r',
                    _ => false,
                });
                assert!(!lone, "{text}");
                if matches!(end, Some(End::BareLineEnd(_))) {
                    assert!(!normalise_line_ends && ends == 0, "{text}");
                    assert_eq!(last, "failed 0 end");
                } else {
                    assert_eq!(last, "delivered 0 250");
                    assert!(ends == 1 && wire.ends_with(b"\r\n.\r\n"), "{text}");
                }
            }
        }
    }
}
