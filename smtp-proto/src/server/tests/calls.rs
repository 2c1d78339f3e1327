//! Any input in any chunks, and any call in any order.

use std::vec::Vec;

use proptest::prelude::*;
use scop_core::Instant;

use super::drive::{describe, run};
use super::limits::server_with;
use super::transcript::OFFERED;
use crate::extension::Protocol;
use crate::reply::Reply;
use crate::server::{AnswerError, Config, Event, Step};

/// Pieces of sessions.
const PIECES: &[&str] = &[
    "STARTTLS\r\n",
    "EHLO c\r\n",
    "HELO c\r\n",
    "LHLO c\r\n",
    "MAIL FROM:<>\r\n",
    "MAIL FROM:<a@b> SIZE=5 BODY=8BITMIME\r\n",
    "RCPT TO:<a@b>\r\n",
    "RCPT TO:<no@b>\r\n",
    "DATA\r\n",
    "DATA\r\nx\r\n.\r\n",
    "BDAT 3\r\na\r\n",
    "BDAT 3 LAST\r\na\r\n",
    "BDAT 2\r\na\n",
    "BDAT 2 LAST\r\na\r",
    "BDAT 1\r\n\n",
    "BDAT 0\r\n",
    "BDAT 0 LAST\r\n",
    "BDAT x\r\n",
    "BDAT 2000\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "VRFY x\r\n",
    "ETRN x.example\r\n",
    "AUTH PLAIN\r\n",
    "*\r\n",
    "QUIT\r\n",
    "FOO\r\n",
    "\r\n.\r\n",
    ".\r\n",
    "..\r\n",
    ".",
    "\r",
    "\n",
    "\0",
    "text ",
    "\u{e9}",
];

fn input(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec());
    let begin = prop::sample::select(&[
        "EHLO c\r\n",
        "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n",
        "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n",
        "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\n",
    ]);
    (begin, prop::collection::vec(piece, 0..24))
        .prop_map(|(begin, pieces)| [begin.as_bytes(), &pieces.concat()].concat())
}

fn refuse_some(event: &Event<'_>) -> Option<(u16, &'static str)> {
    match event {
        Event::Recipient { path, .. } => {
            (std::format!("{path}") == "<no@b>").then_some((550, "no"))
        }
        Event::RecipientResult { index: 1 } => Some((452, "full")),
        Event::Command { .. } => Some((459, "no")),
        _ => None,
    }
}

fn config(lmtp: bool) -> Config<'static> {
    let mut config = Config::new("mx.example.org", OFFERED);
    config.limits.message_octets = 40;
    config.limits.errors = 6;
    if lmtp {
        config.protocol = Protocol::Lmtp;
    }
    config
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Behind STARTTLS they do: what is behind it in the same chunk ends the connection.
    #[test]
    fn chunks_do_not_matter(input in input(&PIECES[1..]), lmtp: bool, mut cuts in prop::collection::vec(0..400_usize, 0..8)) {
        cuts.sort_unstable();
        cuts.retain(|&cut| cut < input.len());
        let whole = run(config(lmtp), &input, &[], &mut refuse_some);
        let mut cut = run(config(lmtp), &input, &cuts, &mut refuse_some);
        cut.session.unsynchronised = whole.session.unsynchronised;
        cut.writes = whole.writes;
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn any_octets(octets in prop::collection::vec(any::<u8>(), 0..300), input in input(PIECES)) {
        run(config(false), &[octets.as_slice(), &input].concat(), &[], &mut refuse_some);
        run(config(false), &[input, octets].concat(), &[], &mut refuse_some);
    }

    /// Calls that can come, and calls that cannot: an error changes nothing, and the machine goes on to its end.
    #[test]
    fn calls_in_any_order(
        input in input(PIECES),
        calls in prop::collection::vec((0..20_u8, 0..30_usize), 0..300),
        lmtp: bool,
    ) {
        server_with(config(lmtp), |server| {
            let mut rest = input.as_slice();
            let mut now = Instant(0);
            // Content is due to an end.
            let mut is_open = false;
            for (call, number) in calls {
                let before = std::format!("{server:?} {:?}", server.transmit());
                match call {
                    0 | 1 => {
                        let mut chunk = rest.get(..number).unwrap_or(rest);
                        let len = chunk.len();
                        let content = server.handle_input(&mut chunk, now);
                        assert!(content.is_empty() || is_open, "content without consent");
                        rest = &rest[len - chunk.len()..];
                        continue;
                    }
                    2 => {
                        now = Instant(now.0 + number as u64 * 1000);
                        server.handle_timeout(now);
                        continue;
                    }
                    3 if number == 0 => {
                        server.shutdown(now);
                        continue;
                    }
                    4..12 => {
                        match server.poll() {
                            Step::Transmit => {
                                server.transmitted(server.transmit().len(), now).unwrap();
                            }
                            Step::Event => {
                                if let Event::Discarded(_) = server.event().unwrap() {
                                    assert!(is_open, "nothing to discard");
                                    is_open = false;
                                }
                            }
                            Step::StartTls | Step::Wait(_) | Step::Done => {}
                        }
                        continue;
                    }
                    _ => {}
                }
                // Before news is shown the event is that of the wish.
                let event = server.event().map(|event| describe(&event));
                let reply = |code| Reply::new(code, None, "text").unwrap();
                let (is_answer, result) = match call {
                    12 => (true, server.answer(&reply(250))),
                    13 => (true, server.answer(&reply(354))),
                    14 => (true, server.answer(&reply(if number == 0 { 421 } else { 550 }))),
                    15 => (false, server.transmitted(number, now)),
                    16 => (false, server.tls_started(b"", now).map_err(|_| AnswerError::NothingAsked)),
                    _ => (true, server.accept()),
                };
                if result.is_err() {
                    let after = std::format!("{server:?} {:?}", server.transmit());
                    assert_eq!(before, after, "call {call}");
                } else if is_answer && call != 14 && event.as_deref() == Some("Data") {
                    is_open = true;
                } else if is_answer && event.is_some_and(|event| event.starts_with("MessageEnd")) {
                    is_open = false;
                }
            }
            // Whatever was called, from here it ends; what was begun is discarded.
            server.handle_closed();
            for _ in 0..5 {
                match server.poll() {
                    Step::Done => break,
                    Step::Event => {
                        assert!(matches!(server.event(), Some(Event::Discarded(_))));
                        assert!(is_open);
                        is_open = false;
                    }
                    step => panic!("{step:?} after the end"),
                }
            }
            assert_eq!(server.poll(), Step::Done);
            assert!(!is_open, "neither answered nor discarded");
            assert!(server.end().is_some());
        });
    }
}
