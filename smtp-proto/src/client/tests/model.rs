//! A client and a model of a server that refuses, cuts and closes where chance says: what the client tells
//! of each recipient is true.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::extension::Protocol;

/// A server that obeys the RFCs, and notes when its client does not.
struct Model {
    lmtp: bool,
    groups: bool,
    /// One for each reply; when they are used up it consents.
    choices: vec::IntoIter<u8>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// It closed the connection, or the connection broke.
    is_closed: bool,
    mail: bool,
    accepted: Vec<String>,
    /// After DATA; or what is left of a chunk, and whether it is the last.
    mode: Mode,
    content: Vec<u8>,
    chunk_refused: bool,
    /// Whom it took which message over for.
    delivered: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Commands,
    Data,
    Chunk(usize, bool),
}

impl Model {
    /// Replies with consent, or what chance has. Whether it consented.
    fn reply(&mut self, consent: &str) -> bool {
        let choice = self.choices.next().unwrap_or(255);
        let (reply, consents, closes) = match choice {
            0..=9 => ("450 later\r\n", false, false),
            10..=19 => ("550-no\r\n550 no\r\n", false, false),
            20..=22 => ("421 bye\r\n", false, true),
            23 => ("", false, true),
            // The connection breaks behind what was decided.
            24 => ("", true, true),
            25 => ("2", true, true),
            _ => (consent, true, false),
        };
        self.output.extend_from_slice(reply.as_bytes());
        self.is_closed |= closes;
        consents
    }

    fn is_over(&self) -> bool {
        self.is_closed
    }

    fn run(&mut self) {
        while !self.is_over() && !self.input.is_empty() {
            let went_on = match self.mode {
                Mode::Commands => self.command(),
                Mode::Data => self.data(),
                Mode::Chunk(left, last) => self.chunk(left, last),
            };
            if !went_on {
                return;
            }
        }
    }

    fn command(&mut self) -> bool {
        let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") else {
            return false;
        };
        let line: Vec<u8> = self.input.drain(..end + 2).collect();
        let line = String::from_utf8(line[..end].to_vec()).unwrap();
        assert!(
            self.groups || self.input.is_empty() || line.starts_with("BDAT"),
            "{line}"
        );
        if line.starts_with("EHLO ") || line.starts_with("LHLO ") {
            assert_eq!(line.starts_with('L'), self.lmtp);
            self.output.extend_from_slice(
                if self.groups {
                    CHUNKS
                } else {
                    "250-hi\r\n250 CHUNKING\r\n"
                }
                .as_bytes(),
            );
        } else if line.starts_with("MAIL FROM:<") {
            assert!(!self.mail, "{line}");
            self.mail = self.reply("250 ok\r\n");
            self.accepted.clear();
            self.content.clear();
            self.chunk_refused = false;
        } else if let Some(path) = line.strip_prefix("RCPT TO:") {
            if !self.mail {
                assert!(self.groups);
                self.output.extend_from_slice(b"503 no\r\n");
            } else if self.reply("250 ok\r\n") {
                self.accepted.push(path.into());
            }
        } else if line == "DATA" {
            if self.accepted.is_empty() {
                assert!(self.groups);
                // Some refuse, and some do not.
                if self.reply("354 go\r\n") && !self.lmtp {
                    self.mode = Mode::Data;
                } else if self.output.ends_with(b"354 go\r\n") {
                    self.output.truncate(self.output.len() - 8);
                    self.output.extend_from_slice(b"503 no\r\n");
                }
            } else if self.reply("354 go\r\n") {
                self.mode = Mode::Data;
            }
        } else if let Some(arguments) = line.strip_prefix("BDAT ") {
            let last = arguments.ends_with(" LAST");
            let size = arguments.trim_end_matches(" LAST").parse().unwrap();
            self.mode = Mode::Chunk(size, last);
            self.chunk(size, last);
        } else if line == "RSET" {
            self.mail = false;
            self.accepted.clear();
            self.output.extend_from_slice(b"250 ok\r\n");
        } else if line == "QUIT" {
            self.output.extend_from_slice(b"221 bye\r\n");
            self.is_closed = true;
        } else {
            panic!("{line}");
        }
        true
    }

    fn data(&mut self) -> bool {
        let Some(end) = (0..self.input.len()).find(|&at| {
            self.input[at..].starts_with(b".\r\n")
                && (at == 0 || self.input[..at].ends_with(b"\r\n"))
        }) else {
            return false;
        };
        let stuffed: Vec<u8> = self.input.drain(..end + 3).collect();
        assert!(self.input.is_empty());
        self.content.clear();
        for line in stuffed[..end].split_inclusive(|&octet| octet == b'\n') {
            assert!(line.ends_with(b"\r\n") && !line[..line.len() - 2].contains(&b'\r'));
            self.content
                .extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        self.mode = Mode::Commands;
        self.message();
        true
    }

    fn chunk(&mut self, left: usize, last: bool) -> bool {
        let count = left.min(self.input.len());
        let octets: Vec<u8> = self.input.drain(..count).collect();
        self.content.extend_from_slice(&octets);
        if count < left {
            self.mode = Mode::Chunk(left - count, last);
            return false;
        }
        self.mode = Mode::Commands;
        if self.chunk_refused {
            self.output.extend_from_slice(b"503 no\r\n");
        } else if last {
            self.message();
        } else {
            self.chunk_refused = !self.reply("250 ok\r\n");
        }
        if last {
            self.content.clear();
        }
        true
    }

    fn message(&mut self) {
        self.mail = false;
        let accepted = core::mem::take(&mut self.accepted);
        if self.lmtp {
            for path in accepted {
                if self.is_closed {
                    return;
                }
                if self.reply("250 ok\r\n") {
                    self.delivered.insert(path, self.content.clone());
                }
            }
        } else if self.reply("250 ok\r\n") {
            for path in accepted {
                self.delivered.insert(path, self.content.clone());
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Plan {
    recipients: u32,
    content: Vec<Vec<u8>>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let piece = prop::collection::vec(
        prop::sample::select(vec![&b"\r\n"[..], b".", b"..", b"a", b"\r\n.\r\n", b"bc"]),
        0..5,
    );
    let content = prop::collection::vec(piece.prop_map(|parts| parts.concat()), 0..4);
    (0..5_u32, content).prop_map(|(recipients, content)| Plan {
        recipients,
        content,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_true(
        (lmtp, groups, data_in_group, bdat) in any::<(bool, bool, bool, bool)>(),
        plans in prop::collection::vec(plan(), 1..4),
        choices in prop::collection::vec(prop_oneof![3 => 26..=255_u8, 1 => 0..=255_u8, 1 => 0..40_u8], 0..25),
        cuts in prop::collection::vec(1..30_usize, 1..20),
    ) {
        let (mut input, mut output) = ([0; 512], [0; 512]);
        let buffers = Buffers { input: &mut input, output: &mut output };
        let protocol = if lmtp { Protocol::Lmtp } else { Protocol::Smtp };
        let config = Config { protocol, data_in_group, prefer_bdat: bdat, ..config() };
        let mut client = Client::new(config, buffers, Instant(0)).unwrap();
        let mut server = Model {
            lmtp, groups,
            choices: choices.into_iter(),
            input: vec![],
            output: b"220 hi\r\n".to_vec(),
            is_closed: false,
            mail: false,
            accepted: vec![],
            mode: Mode::Commands,
            content: vec![],
            chunk_refused: false,
            delivered: BTreeMap::new(),
        };
        let mut cuts = cuts.iter().copied().cycle();
        let mut transaction = 0;
        let mut pieces: Vec<&[u8]> = vec![];
        let path = |transaction: usize, index: u32| format!("<r{transaction}-{index}@a.example>");
        let mut given = BTreeSet::new();
        let (mut delivered, mut failed, mut unknown) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for _ in 0..20_000 {
            let cut = cuts.next().unwrap();
            match client.poll() {
                Step::Transmit => {
                    let count = client.transmit().len().min(cut);
                    server.input.extend_from_slice(&client.transmit()[..count]);
                    client.transmitted(count, Instant(0)).unwrap();
                }
                Step::Event => match client.event().unwrap() {
                    Event::Delivered { index, .. } => {
                        prop_assert!(delivered.insert(path(transaction, index)));
                    }
                    Event::Failed { index, fate: Fate::NotDelivered, .. } => {
                        prop_assert!(failed.insert(path(transaction, index)));
                    }
                    Event::Failed { index, .. } => {
                        prop_assert!(unknown.insert(path(transaction, index)));
                    }
                    _ => {}
                },
                Step::Order if transaction == plans.len() => client.quit().unwrap(),
                Step::Order => {
                    pieces = plans[transaction].content.iter().map(Vec::as_slice).collect();
                    transaction += 1;
                    client.mail(&ReversePath::Null, &[]).unwrap();
                }
                Step::Recipient(index) if index < plans[transaction - 1].recipients => {
                    let path = path(transaction, index);
                    client.recipient(&ForwardPath::parse(path.as_bytes()).unwrap(), &[]).unwrap();
                    given.insert(path);
                }
                Step::Recipient(_) => client.end_recipients().unwrap(),
                Step::Content => {
                    pieces.retain(|piece| !piece.is_empty());
                    let octets = match pieces.as_mut_slice() {
                        [] => client.content_end(Instant(0)).map(|()| &b""[..]),
                        [last] if cut % 2 == 0 => client.last_content(last, Instant(0)),
                        [piece, ..] => client.content(piece, Instant(0)),
                    };
                    // A CR may stand at the end of one piece and the LF at the start of the next.
                    server.input.extend_from_slice(octets.unwrap());
                }
                Step::Wait(_) => {
                    server.run();
                    let mut piece = &server.output[..cut.min(server.output.len())];
                    if piece.is_empty() {
                        prop_assert!(server.is_over(), "a deadlock");
                        client.handle_closed();
                    }
                    let had = piece.len();
                    client.handle_input(&mut piece, Instant(0));
                    let taken = had - piece.len();
                    server.output.drain(..taken);
                }
                Step::Done => break,
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(client.poll(), Step::Done);
        let all: BTreeSet<_> = delivered.iter().chain(&failed).chain(&unknown).cloned().collect();
        prop_assert_eq!(all.len(), delivered.len() + failed.len() + unknown.len(), "one final event each");
        prop_assert_eq!(&all, &given, "a final event for each");
        for path in &delivered {
            let mut content = plans[path[2..3].parse::<usize>().unwrap() - 1].content.concat();
            if !bdat && !content.is_empty() && !content.ends_with(b"\r\n") {
                content.extend_from_slice(b"\r\n");
            }
            prop_assert_eq!(server.delivered.get(path), Some(&content));
        }
        for path in &failed {
            prop_assert!(!server.delivered.contains_key(path), "{} was delivered", path);
        }
        if client.end() == Some(End::Quit) {
            prop_assert!(unknown.is_empty());
        }
    }
}
