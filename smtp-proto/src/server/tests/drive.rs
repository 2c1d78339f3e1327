//! A host that drives a server over a script, and notes all that it sees.

use std::format;
use std::string::String;
use std::vec::Vec;

use scop_core::Instant;
use scop_crypto::SHA256;

use crate::Session;
use crate::auth::scram::{Nonce, StoredKeys};
use crate::auth::server::{Exchange, ScramUser};
use crate::reply::Reply;
use crate::server::{AnswerError, Buffers, Config, End, Event, Server, Step};

/// How events are answered.
pub(super) type Answer<'h> = &'h mut dyn FnMut(&Event<'_>) -> Option<(u16, &'static str)>;

/// What came of a script.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) sent: String,
    /// Events, one line each; content stands among them as the length and the octets.
    pub(super) events: Vec<String>,
    /// Content of each message that was accepted.
    pub(super) messages: Vec<Vec<u8>>,
    pub(super) end: Option<End>,
    pub(super) session: Session,
    /// How often something was sent.
    pub(super) writes: usize,
    /// Who has authenticated.
    pub(super) identity: Option<String>,
}

pub(super) fn describe(event: &Event<'_>) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    match event {
        Event::Mail { path, parameters } => format!("MAIL {path} {}", text(parameters.raw())),
        Event::Recipient {
            path,
            parameters,
            index,
        } => format!("RCPT {path} {} #{index}", text(parameters.raw())),
        Event::Hello { verb, domain } => format!("{verb:?} {}", text(domain)),
        Event::Verify(argument) => format!("VRFY {}", text(argument)),
        Event::Expand(argument) => format!("EXPN {}", text(argument)),
        Event::Help(argument) => format!("HELP {}", text(argument)),
        Event::Command { verb, argument } => format!("{} {}", text(verb), text(argument)),
        other => format!("{other:?}"),
    }
}

/// Hands in `input` in chunks that end at `cuts`, answers by `answer`, and closes at the end.
pub(super) fn run(config: Config<'_>, input: &[u8], cuts: &[usize], answer: Answer<'_>) -> Seen {
    let (mut lines, mut replies) = ([0; 1024], [0; 1024]);
    let buffers = Buffers {
        input: &mut lines,
        output: &mut replies,
    };
    let mut exchange = [0; 512];
    let mut server = Server::new(config, buffers, Instant(0))
        .unwrap()
        .with_auth(Exchange::new(&mut exchange).with_hash(&SHA256));
    let mut seen = Seen::default();
    let mut content = Vec::new();
    let mut cuts = cuts.iter().copied().chain([input.len()]);
    let mut read = 0;
    let mut held: &[u8] = &[];
    let mut turns = 0;
    loop {
        turns += 1;
        assert!(turns < 1_000_000, "the machine does not end");
        match server.poll() {
            Step::Transmit => {
                seen.writes += 1;
                // In two parts, so that a rest stays.
                let count = server.transmit().len() / 2;
                for count in [count, server.transmit().len() - count] {
                    seen.sent += str::from_utf8(&server.transmit()[..count]).unwrap();
                    server.transmitted(count, Instant(0)).unwrap();
                }
            }
            Step::Event => {
                let event = server.event().unwrap();
                seen.events.push(describe(&event));
                match event {
                    Event::Discarded(_) => content.clear(),
                    Event::MessageEnd { octets } => {
                        assert_eq!(octets, content.len() as u64);
                        seen.messages.push(core::mem::take(&mut content));
                        reply(&mut server, answer);
                    }
                    _ => reply(&mut server, answer),
                }
            }
            Step::StartTls => {
                server.tls_started(held, Instant(0)).ok();
            }
            Step::Wait(_) => {
                if held.is_empty() {
                    let Some(end) = cuts.next() else {
                        server.handle_closed();
                        continue;
                    };
                    held = input.get(read..end).unwrap_or_default();
                    read = end.max(read);
                    if held.is_empty() {
                        continue;
                    }
                }
                content.extend_from_slice(server.handle_input(&mut held, Instant(0)));
            }
            Step::Done => break,
        }
    }
    seen.end = server.end();
    seen.session = *server.session();
    seen.identity = server.identity().map(|who| who.user.into());
    seen
}

/// RFC 7677 3.
fn pencil() -> &'static StoredKeys {
    static KEYS: std::sync::OnceLock<StoredKeys> = std::sync::OnceLock::new();
    KEYS.get_or_init(|| StoredKeys::derive(b"pencil", SALT, 4096, &SHA256).unwrap())
}

const SALT: &[u8] = b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81";

fn reply(server: &mut Server<'_>, answer: Answer<'_>) {
    if let Some(Event::Scram { .. }) = server.event() {
        let user = ScramUser {
            salt: SALT,
            iterations: 4096,
            keys: *pencil(),
        };
        let nonce = Nonce::new(b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap();
        assert_eq!(server.accept(), Err(AnswerError::NeedsKeys));
        return server.scram(&user, &nonce).unwrap();
    }
    match answer(&server.event().unwrap()) {
        None => server.accept().unwrap(),
        Some((code, text)) => server
            .answer(&Reply::new(code, None, text).unwrap())
            .unwrap(),
    }
}

/// The code of each reply and its enhanced status code, with `|` between them.
pub(super) fn codes(sent: &str) -> String {
    let replies = sent.split_terminator("\r\n").filter_map(|line| {
        let (code, text) = line.split_at_checked(4)?;
        let code = code.strip_suffix(' ')?;
        let word = text.split(' ').next()?;
        let is_status =
            word.len() >= 5 && word.bytes().all(|octet| b"0123456789.".contains(&octet));
        Some(if is_status {
            format!("{code} {word}")
        } else {
            code.into()
        })
    });
    replies.collect::<Vec<_>>().join("|")
}

/// As [`run`], whole, cut at every place, and octet by octet: the same each time.
pub(super) fn at_every_cut(config: Config<'_>, input: &[u8], answer: Answer<'_>) -> Seen {
    let whole = run(config, input, &[], answer);
    let every: Vec<usize> = (0..input.len()).collect();
    for cuts in (0..input.len()).map(|cut| std::vec![cut]).chain([every]) {
        let mut cut = run(config, input, &cuts, answer);
        // Whether more was there behind a command, and what is sent together, depends on the chunks.
        cut.session.unsynchronised = whole.session.unsynchronised;
        cut.writes = whole.writes;
        assert_eq!(cut, whole, "cut at {cuts:?}");
    }
    whole
}
