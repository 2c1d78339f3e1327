//! Refusals of a message before its end.

use super::sessions::ONE_GROUP;
use super::*;
use crate::extension::Protocol;

const BEGIN: [Line; 2] = [("", "220 hi\r\n"), ("EHLO c.example\r\n", GROUPS)];

/// A session up to DATA, and what the server says to that.
fn after_data(reply: &'static str) -> Vec<Line> {
    let mut script = BEGIN.to_vec();
    script.push((ONE_GROUP, "250 ok\r\n250 ok\r\n"));
    script.push(("DATA\r\n", reply));
    script
}

#[test]
fn decide_about_the_message() {
    for (reply, told, end) in [
        (
            "354 go\r\n552-5.3.4 it is\r\n552 5.3.4 too long\r\n",
            "failed 0 Message 552",
            End::RefusedEarly(code(552)),
        ),
        (
            "354 go\r\n451 4.3.0 later\r\n",
            "failed 0 Message 451",
            End::RefusedEarly(code(451)),
        ),
        (
            "354 go\r\n421 bye\r\n",
            "closing 421, failed 0 end",
            End::Closing,
        ),
        // Consent to half a message is none.
        ("354 go\r\n250 ok\r\n", "failed 0 end", End::Unsolicited),
        ("354 go\r\n354 go\r\n", "failed 0 end", End::Unsolicited),
    ] {
        let log = format!("{READY}, mail 250, rcpt 0 250, {told}");
        check(config(), &after_data(reply), &[ONE], &log, end);
    }
    // It decides for all that were accepted, and in LMTP too.
    let lmtp = Config {
        protocol: Protocol::Lmtp,
        ..config()
    };
    let group = "MAIL FROM:<s@c.example>\r\nRCPT TO:<a@a.example>\r\nRCPT TO:<b@a.example>\r\nRCPT TO:<c@b.example>\r\n";
    for (config, hello, word) in [
        (config(), "EHLO c.example\r\n", "Ehlo"),
        (lmtp, "LHLO c.example\r\n", "Lhlo"),
    ] {
        let script = [
            ("", "220 hi\r\n"),
            (hello, GROUPS),
            (group, "250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n"),
            ("DATA\r\n", "354 go\r\n554 no\r\n"),
        ];
        let log = format!(
            "greeting 220, {word} 250, mail 250, rcpt 0 250, failed 1 Recipient 550, rcpt 2 250, \
             failed 0 Message 554, failed 2 Message 554"
        );
        check(
            config,
            &script,
            &[THREE],
            &log,
            End::RefusedEarly(code(554)),
        );
    }
}

#[test]
fn speak_of_no_message_that_was_not_begun() {
    // Before DATA is answered, and before a chunk is announced.
    let bdat = Config {
        prefer_bdat: true,
        ..config()
    };
    for (config, keywords) in [(config(), GROUPS), (bdat, CHUNKS)] {
        let script = [
            ("", "220 hi\r\n"),
            ("EHLO c.example\r\n", keywords),
            (ONE_GROUP, "250 ok\r\n250 ok\r\n554 no\r\n"),
        ];
        let told = run(config, &script, &[ONE], usize::MAX);
        assert_eq!(told.end, Some(End::Unsolicited));
        assert_eq!(told.log.last().unwrap(), "failed 0 end");
    }
}

/// How far the host has come with the message when the refusal arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Piece,
    /// All of it was given, and the end waits to be sent.
    AllButEnd,
    /// The command of the last chunk.
    Command,
    /// That, and a part of the chunk.
    Part,
}

/// What is told of the recipient of a message, refused at some point with `reply`.
fn refused_at(sent: Sent, reply: &str) -> (String, Option<End>) {
    let by_chunks = matches!(sent, Sent::Command | Sent::Part);
    let (mut input, mut output) = ([0; 512], [0; 512]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let config = Config {
        prefer_bdat: by_chunks,
        ..config()
    };
    let now = Instant(0);
    let mut client = Client::new(config, buffers, now).unwrap();
    let mut replies = vec!["220 hi\r\n", CHUNKS, "250 ok\r\n250 ok\r\n", "354 go\r\n"].into_iter();
    let (mut log, mut message, mut is_refused) = (vec![], &b"hi\r\nthere\r\n"[..], false);
    let mut has_sent = false;
    loop {
        let step = client.poll();
        let is_here = match sent {
            _ if is_refused => false,
            Sent::Piece | Sent::Part => message.len() == 7,
            Sent::AllButEnd => step == Step::Transmit && message.is_empty(),
            Sent::Command => step == Step::Content && has_sent,
        };
        if is_here {
            is_refused = true;
            let mut reply = reply.as_bytes();
            client.handle_input(&mut reply, now);
            continue;
        }
        match step {
            Step::Transmit => {
                has_sent |= client.transmit().starts_with(b"BDAT");
                let count = client.transmit().len();
                client.transmitted(count, now).unwrap();
            }
            Step::Event => log.push(name(&client.event().unwrap())),
            Step::Order => client.mail(&ReversePath::Null, &[]).unwrap(),
            Step::Recipient(0) => {
                let path = ForwardPath::parse(b"<j@a.example>").unwrap();
                client.recipient(&path, &[]).unwrap();
            }
            Step::Recipient(_) => client.end_recipients().unwrap(),
            Step::Content if message.is_empty() => client.content_end(now).unwrap(),
            Step::Content => {
                let count = if by_chunks && !has_sent {
                    message.len()
                } else {
                    4
                };
                let (mut piece, rest) = message.split_at(count.min(message.len()));
                let given = if by_chunks {
                    client.last_content(&mut piece, now)
                } else {
                    client.content(&mut piece, now)
                };
                if given.unwrap().is_empty() {
                    continue;
                }
                message = rest;
            }
            Step::Wait(_) => {
                let mut reply = replies.next().unwrap().as_bytes();
                while !reply.is_empty() {
                    client.handle_input(&mut reply, now);
                    if client.poll() == Step::Event {
                        log.push(name(&client.event().unwrap()));
                    }
                }
            }
            Step::Done => return (log.last().unwrap().clone(), client.end()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn at_each_point() {
    for sent in [Sent::Piece, Sent::AllButEnd, Sent::Command, Sent::Part] {
        for number in [452, 554] {
            let (told, end) = refused_at(sent, &format!("{number} no\r\n"));
            assert_eq!(told, format!("failed 0 Message {number}"), "{sent:?}");
            assert_eq!(end, Some(End::RefusedEarly(code(number))), "{sent:?}");
        }
        let (told, end) = refused_at(sent, "250 ok\r\n");
        let fate = if sent == Sent::AllButEnd {
            "unknown"
        } else {
            "failed"
        };
        assert_eq!(told, format!("{fate} 0 end"), "{sent:?}");
        assert_eq!(end, Some(End::Unsolicited), "{sent:?}");
    }
}
