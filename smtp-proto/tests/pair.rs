//! The client machine and the server machine on one connection, in memory, at every interleaving that
//! chance finds: cut, refused, garbled and late. The message arrives as it was sent, or a failure names the
//! recipient; what the client tells of a recipient is true of the server; no deadlock, and always an end.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use scop_core::Instant;
use scop_smtp_proto::auth::client::Exchange;
use scop_smtp_proto::auth::{Credentials, Mechanism, MechanismSet};
use scop_smtp_proto::client::{self, Client, Fate, TlsPolicy};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, EightBitMime, EnhancedStatusCodes, Extension, Pipelining, Protocol,
    Size, SmtpUtf8, StartTls,
};
use scop_smtp_proto::server::{self, Server};
use scop_smtp_proto::{Domain, ForwardPath, Parameter, Reply, ReversePath};

const AUTH: Auth = Auth {
    mechanisms: MechanismSet::WITHOUT_TLS.with(Mechanism::Plain),
    plaintext_allowed: false,
};

/// What may be on either side.
const EXTENSIONS: [&dyn Extension; 8] = [
    &EnhancedStatusCodes,
    &EightBitMime,
    &SmtpUtf8,
    &Size(1_000_000),
    &AUTH,
    &StartTls,
    &Pipelining,
    &Chunking,
];

#[derive(Clone, Debug)]
struct Plan {
    recipients: u32,
    content: Vec<Vec<u8>>,
    is_binary: bool,
}

#[derive(Clone, Debug)]
struct Setup {
    lmtp: bool,
    prefer_bdat: bool,
    data_in_group: bool,
    tls: u8,
    /// Bits: which of the last three extensions each side has.
    client_has: u8,
    server_has: u8,
    group: u16,
}

/// Something that goes wrong after so many steps.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Cut(usize),
    /// Octets that are no reply reach the client.
    Garbage(usize),
    /// The timer of the client runs out.
    Late(usize),
}

fn plan() -> impl Strategy<Value = Plan> {
    let piece = prop::collection::vec(
        prop::sample::select(vec![
            &b"\r\n"[..],
            b".",
            b"..",
            b"a",
            b"\r\n.\r\n",
            b"\xc3\xa9bc",
            b"\0",
        ]),
        0..6,
    );
    let content = prop::collection::vec(piece.prop_map(|parts| parts.concat()), 0..4);
    (0..5_u32, content, prop::bool::weighted(0.2)).prop_map(|(recipients, content, is_binary)| {
        Plan {
            recipients,
            content,
            is_binary,
        }
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    (
        any::<(bool, bool, bool)>(),
        prop::sample::select(vec![0, 0, 1, 1, 1, 2]),
        0..8_u8,
        0..8_u8,
        1..6_u16,
    )
        .prop_map(
            |((lmtp, prefer_bdat, data_in_group), tls, client_has, server_has, group)| Setup {
                lmtp,
                prefer_bdat,
                data_in_group,
                tls,
                client_has,
                server_has,
                group,
            },
        )
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        2 => Just(None),
        3 => (0..400_usize).prop_map(|at| Some(Fault::Cut(at))),
        1 => (0..200_usize).prop_map(|at| Some(Fault::Garbage(at))),
        1 => (0..200_usize).prop_map(|at| Some(Fault::Late(at))),
    ]
}

fn list(has: u8) -> Vec<&'static dyn Extension> {
    let mut list = EXTENSIONS[..5].to_vec();
    list.extend(
        (0..3)
            .filter(|bit| has & (1 << bit) != 0)
            .map(|bit| EXTENSIONS[5 + bit]),
    );
    if has & 4 != 0 {
        list.push(&BinaryMime);
    }
    list
}

/// The side of the server, and what it took over for whom.
struct ServerSide<'a> {
    machine: Server<'a>,
    choices: std::vec::IntoIter<u8>,
    recipients: Vec<String>,
    content: Vec<u8>,
    delivered: BTreeMap<String, Vec<u8>>,
}

impl ServerSide<'_> {
    /// Refuses when chance says so.
    fn answer(&mut self) -> bool {
        let refusal = match self.choices.next().unwrap_or(255) {
            0..=15 => (450, "Later"),
            16..=31 => (550, "No\nNever"),
            32..=33 => (421, "Bye"),
            _ => {
                self.machine.accept().unwrap();
                return true;
            }
        };
        let reply = Reply::new(refusal.0, None, refusal.1).unwrap();
        let is_taken = self.machine.answer(&reply).is_ok();
        if !is_taken {
            // To MessageEnd of LMTP only consent is an answer.
            self.machine.accept().unwrap();
        }
        !is_taken
    }

    fn event(&mut self) {
        match self.machine.event().unwrap() {
            server::Event::Connected | server::Event::Hello { .. } => {
                self.machine.accept().unwrap();
            }
            server::Event::Mail { .. } => {
                self.recipients.clear();
                self.answer();
            }
            server::Event::Recipient { path, index, .. } => {
                let path = path.to_string();
                if self.answer() {
                    assert_eq!(index as usize, self.recipients.len());
                    self.recipients.push(path);
                }
            }
            server::Event::Data => {
                self.content.clear();
                // In LMTP a refused last chunk has a reply for each recipient (RFC 2033 4.3), which a host
                // gives best by refusing each.
                if self.machine.session().protocol == Protocol::Lmtp {
                    self.machine.accept().unwrap();
                } else {
                    self.answer();
                }
            }
            server::Event::MessageEnd { octets } => {
                assert_eq!(octets, self.content.len() as u64);
                let each = self.machine.session().protocol == Protocol::Lmtp;
                if self.answer() && !each {
                    for path in self.recipients.drain(..) {
                        self.delivered.insert(path, self.content.clone());
                    }
                }
            }
            server::Event::RecipientResult { index } => {
                if self.answer() {
                    let path = self.recipients[index as usize].clone();
                    self.delivered.insert(path, self.content.clone());
                }
            }
            server::Event::Discarded(_) => self.content.clear(),
            _ => {
                self.answer();
            }
        }
    }
}

/// What the client told.
#[derive(Default)]
struct Told {
    given: BTreeSet<String>,
    delivered: BTreeSet<String>,
    failed: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

fn path(transaction: usize, index: u32) -> String {
    format!("<r{transaction}-{index}@a.example>")
}

const BINARY: [Parameter<'_>; 1] = [Parameter {
    keyword: b"BODY",
    value: Some(b"BINARYMIME"),
}];

#[expect(clippy::too_many_lines, reason = "one loop")]
fn session(
    setup: &Setup,
    plans: &[Plan],
    fault: Option<Fault>,
    choices: Vec<u8>,
    cuts: &[usize],
) -> Result<(), TestCaseError> {
    let protocol = if setup.lmtp {
        Protocol::Lmtp
    } else {
        Protocol::Smtp
    };
    let (client_list, server_list) = (list(setup.client_has), list(setup.server_has));
    let (mut a, mut b, mut c, mut d) = ([0; 1024], [0; 512], [0; 1024], [0; 1024]);

    let mut config = client::Config::new(Domain::parse(b"c.example").unwrap());
    config.protocol = protocol;
    config.extensions = &client_list;
    config.tls = [
        TlsPolicy::None,
        TlsPolicy::Opportunistic,
        TlsPolicy::Require,
    ][usize::from(setup.tls)];
    config.prefer_bdat = setup.prefer_bdat;
    config.data_in_group = setup.data_in_group;
    config.limits.group = setup.group;
    let buffers = client::Buffers {
        input: &mut a,
        output: &mut b,
    };
    let mut client = Client::new(config, buffers, Instant(0)).unwrap();

    let mut config = server::Config::new("s.example", &server_list);
    config.protocol = protocol;
    let buffers = server::Buffers {
        input: &mut c,
        output: &mut d,
    };
    let mut server = ServerSide {
        machine: Server::new(config, buffers, Instant(0)).unwrap(),
        choices: choices.into_iter(),
        recipients: vec![],
        content: vec![],
        delivered: BTreeMap::new(),
    };

    let (mut to_server, mut to_client): (Vec<u8>, Vec<u8>) = (vec![], vec![]);
    let (mut server_is_done, mut is_cut) = (false, false);
    let mut cuts = cuts.iter().copied().cycle();
    let mut told = Told::default();
    let (mut transaction, mut has_authenticated) = (0, false);
    let mut pieces: Vec<&[u8]> = vec![];
    let credentials = Credentials::Password {
        authorization: "",
        user: "joe",
        password: b"secret",
    };
    let mut exchange = Exchange::new(Mechanism::Plain, credentials).unwrap();
    let mut idle = 0;
    for step in 0..100_000 {
        let cut = cuts.next().unwrap();
        match fault {
            Some(Fault::Cut(at)) if at == step => {
                is_cut = true;
                to_server.truncate(to_server.len() / 2);
                to_client.truncate(to_client.len() / 2);
            }
            Some(Fault::Garbage(at)) if at == step => to_client.extend_from_slice(b"\r\n"),
            Some(Fault::Late(at)) if at == step => client.handle_timeout(Instant(u64::MAX)),
            _ => {}
        }
        let is_moving = if cut % 2 == 0 {
            match client.poll() {
                client::Step::Transmit => {
                    let count = client.transmit().len().min(cut);
                    if !is_cut {
                        to_server.extend_from_slice(&client.transmit()[..count]);
                    }
                    client.transmitted(count, Instant(0)).unwrap();
                    true
                }
                client::Step::Event => {
                    let set = match client.event().unwrap() {
                        client::Event::Delivered { index, .. } => {
                            Some((&mut told.delivered, index))
                        }
                        client::Event::Failed {
                            index,
                            fate: Fate::NotDelivered,
                            ..
                        } => Some((&mut told.failed, index)),
                        client::Event::Failed { index, .. } => Some((&mut told.unknown, index)),
                        _ => None,
                    };
                    if let Some((set, index)) = set {
                        prop_assert!(set.insert(path(transaction, index)), "told twice");
                    }
                    true
                }
                client::Step::Order => {
                    if !has_authenticated && client.peer().mechanisms.contains(Mechanism::Plain) {
                        prop_assert!(client.peer().secure);
                        has_authenticated = true;
                        client.authenticate(&mut exchange).unwrap();
                    } else if let Some(plan) = plans.get(transaction) {
                        transaction += 1;
                        let parameters = if plan.is_binary && client.is_announced("BINARYMIME") {
                            &BINARY[..]
                        } else {
                            &[]
                        };
                        pieces = plan.content.iter().map(Vec::as_slice).collect();
                        client.mail(&ReversePath::Null, parameters).unwrap();
                    } else {
                        client.quit().unwrap();
                    }
                    true
                }
                client::Step::Recipient(index) => {
                    if index < plans[transaction - 1].recipients {
                        let path = path(transaction, index);
                        client
                            .recipient(&ForwardPath::parse(path.as_bytes()).unwrap(), &[])
                            .unwrap();
                        told.given.insert(path);
                    } else {
                        client.end_recipients().unwrap();
                    }
                    true
                }
                client::Step::Content => {
                    pieces.retain(|piece| !piece.is_empty());
                    let octets = match pieces.as_mut_slice() {
                        [] => client.content_end(Instant(0)).map(|()| &b""[..]),
                        [last] if cut % 4 == 0 => client.last_content(last, Instant(0)),
                        [piece, ..] => client.content(piece, Instant(0)),
                    };
                    if !is_cut {
                        to_server.extend_from_slice(octets.unwrap());
                    }
                    true
                }
                client::Step::Auth => {
                    client.continue_auth(&mut exchange).unwrap();
                    true
                }
                client::Step::StartTls => {
                    let surplus = core::mem::take(&mut to_client);
                    let started = client.tls_started(&surplus, Instant(0));
                    prop_assert_eq!(started.is_ok(), surplus.is_empty());
                    true
                }
                client::Step::Wait(_) => {
                    let mut input = &to_client[..cut.min(to_client.len())];
                    let had = input.len();
                    client.handle_input(&mut input, Instant(0));
                    let taken = had - input.len();
                    to_client.drain(..taken);
                    if (server_is_done || is_cut) && to_client.is_empty() {
                        client.handle_closed();
                    }
                    taken > 0
                }
                client::Step::Done => break,
                other => panic!("{other:?}"),
            }
        } else if server_is_done {
            false
        } else {
            match server.machine.poll() {
                server::Step::Transmit => {
                    let count = server.machine.transmit().len().min(cut);
                    if !is_cut {
                        to_client.extend_from_slice(&server.machine.transmit()[..count]);
                    }
                    server.machine.transmitted(count).unwrap();
                    true
                }
                server::Step::Event => {
                    server.event();
                    true
                }
                server::Step::StartTls => {
                    server.machine.tls_started(&[], Instant(0)).unwrap();
                    true
                }
                server::Step::Wait(_) => {
                    let mut input = &to_server[..cut.min(to_server.len())];
                    let had = input.len();
                    let content = server.machine.handle_input(&mut input, Instant(0));
                    server.content.extend_from_slice(content);
                    let taken = had - input.len();
                    to_server.drain(..taken);
                    if is_cut && to_server.is_empty() {
                        server.machine.handle_closed();
                    }
                    taken > 0
                }
                server::Step::Done => {
                    server_is_done = true;
                    true
                }
            }
        };
        idle = if is_moving { 0 } else { idle + 1 };
        prop_assert!(idle < 200, "a deadlock");
    }
    prop_assert_eq!(client.poll(), client::Step::Done);
    // What is still on its way may be taken over after the client has gone.
    server.machine.handle_closed();
    for _ in 0..1000 {
        match server.machine.poll() {
            server::Step::Event => server.event(),
            server::Step::Transmit => {
                let count = server.machine.transmit().len();
                server.machine.transmitted(count).unwrap();
            }
            _ => break,
        }
    }
    let all: BTreeSet<_> = [&told.delivered, &told.failed, &told.unknown]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    prop_assert_eq!(
        all.len(),
        told.delivered.len() + told.failed.len() + told.unknown.len()
    );
    prop_assert_eq!(&all, &told.given);
    for path in &told.delivered {
        let plan = &plans[path[2..3].parse::<usize>().unwrap() - 1];
        let sent = plan.content.concat();
        let got = server.delivered.get(path).expect("it was taken over");
        let with_end = [&sent[..], b"\r\n"].concat();
        prop_assert!(*got == sent || !sent.ends_with(b"\r\n") && *got == with_end);
    }
    for path in &told.failed {
        prop_assert!(
            !server.delivered.contains_key(path),
            "{} was delivered",
            path
        );
    }
    if fault.is_none() && client.end() == Some(client::End::Quit) {
        prop_assert!(told.unknown.is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_true(
        setup in setup(),
        plans in prop::collection::vec(plan(), 1..4),
        fault in fault(),
        choices in prop::collection::vec(prop_oneof![4 => 34..=255_u8, 1 => 0..=255_u8], 0..25),
        cuts in prop::collection::vec(1..40_usize, 2..30),
    ) {
        // Both sides get a turn.
        let cuts = [&cuts[..], &[2, 3]].concat();
        session(&setup, &plans, fault, choices, &cuts)?;
    }
}
