//! Whatever comes, in whatever order.

use core::time::Duration;

use proptest::prelude::*;
use scop_core::{Answer, Query, QueryName, Rtype};
use scop_dnssec::wire::{Flags, Rcode};
use scop_dnssec::{Step, Stub, StubConfig, StubError, Transport};

use crate::network::{A, BEGIN, Case, acts, entropy, error, plain, reply, run};

#[test]
fn what_cannot_begin() {
    let mut response = [0; 512];
    let mut new = |text: &[u8], rtype, servers, room| {
        let query = Query {
            name: QueryName::dotted([text, b"", b""]),
            rtype: Rtype(rtype),
        };
        let response = &mut response[..room];
        Stub::new(
            query,
            &StubConfig::new(servers),
            entropy(0),
            response,
            BEGIN,
        )
        .err()
    };
    assert_eq!(new(b"a", 1, 1, 512), None);
    assert_eq!(new(b"a", 1, 16, 512), None);
    assert!(matches!(new(b"a..b", 1, 1, 512), Some(StubError::Name(_))));
    assert_eq!(new(b"a", 1, 1, 511), Some(StubError::ResponseBuffer));
    assert_eq!(new(b"a", 1, 0, 512), Some(StubError::Servers));
    assert_eq!(new(b"a", 1, 17, 512), Some(StubError::Servers));
    for rtype in [0, 41, 252, 255] {
        assert_eq!(new(b"a", rtype, 1, 512), Some(StubError::MetaType));
    }
}

#[test]
fn the_size_is_what_the_documentation_says() {
    let size = size_of::<Stub<'_>>();
    assert!((800..=960).contains(&size), "{size}");
    assert_eq!(format!("{:?}", entropy(1)), "Entropy");
}

// Whatever comes, in whatever order.

#[derive(Clone, Debug)]
enum Call {
    Poll,
    Octets(bool, usize, Vec<u8>),
    /// A reply to the open query, of these records, with octets changed.
    Reply(usize, Vec<(prop::sample::Index, u8)>, bool),
    Closed(bool, usize),
    Timeout(u64),
}

fn any_call() -> impl Strategy<Value = Call> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    prop_oneof![
        3 => Just(Call::Poll),
        1 => (any::<bool>(), 0_usize..3, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(tcp, server, bytes)| Call::Octets(tcp, server, bytes)),
        3 => (0_usize..6, changes, any::<bool>()).prop_map(|(which, changes, cut)| Call::Reply(which, changes, cut)),
        1 => (any::<bool>(), 0_usize..3).prop_map(|(tcp, server)| Call::Closed(tcp, server)),
        2 => (0_u64..6000).prop_map(Call::Timeout),
    ]
}

fn transport(tcp: bool) -> Transport {
    if tcp { Transport::Tcp } else { Transport::Udp }
}

proptest! {
    #[test]
    fn any_calls_in_any_order(calls in prop::collection::vec(any_call(), 0..60), seed: u8, tcp_only: bool) {
        let replies = [
            reply(&[A]),
            reply(&["www.example. 60 CNAME x."]),
            reply(&["x. 60 CNAME www.example."]).authorities(&["example. 1 SOA 2"]),
            reply(&[]).flags(Flags::TC),
            error(Rcode::SERVFAIL),
            error(Rcode::FORMERR).options(b"\x00\x0f\x00\x02\x00\x06"),
        ];
        let mut config = StubConfig::new(2);
        config.tcp_only = tcp_only;
        let query = Query { name: QueryName::dotted([b"www.example", b"", b""]), rtype: Rtype::A };
        let mut response = [0; 600];
        let mut stub = Stub::new(query, &config, entropy(seed), &mut response, BEGIN).unwrap();
        let (mut now, mut transmissions) = (BEGIN, 0);
        let mut open = None;
        for call in calls {
            match call {
                Call::Poll => match stub.poll() {
                    Step::Transmit(transport, server) => {
                        transmissions += 1;
                        let skip = if transport == Transport::Tcp { 2 } else { 0 };
                        open = Some((transport, server, stub.transmit()[skip..].to_vec()));
                    }
                    Step::Wait(until) => prop_assert!(until <= BEGIN + config.limits.total),
                    Step::Done => prop_assert!(stub.answer().is_some()),
                },
                Call::Octets(tcp, server, bytes) => stub.handle_input(transport(tcp), server, &bytes, now),
                Call::Reply(which, changes, cut) => {
                    let Some((transport, server, query)) = &open else { continue };
                    let mut bytes = replies[which].to_message(query, false);
                    for (index, octet) in changes {
                        let at = index.index(bytes.len());
                        bytes[at] = octet;
                    }
                    if cut {
                        bytes.pop();
                    }
                    if *transport == Transport::Tcp {
                        bytes = [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
                    }
                    stub.handle_input(*transport, *server, &bytes, now);
                }
                Call::Closed(tcp, server) => stub.handle_closed(transport(tcp), server, now),
                Call::Timeout(later) => {
                    now = now + Duration::from_millis(later);
                    stub.handle_timeout(now);
                }
            }
        }
        // A host that does its duty reaches the end.
        for _ in 0..64 {
            match stub.poll() {
                Step::Transmit(..) => transmissions += 1,
                Step::Wait(until) => {
                    now = now.max(until);
                    stub.handle_timeout(now);
                }
                Step::Done => break,
            }
        }
        prop_assert_eq!(stub.poll(), Step::Done);
        prop_assert!(transmissions <= 16 && stub.counters().aliases <= 8 && stub.counters().questions <= 4);
        prop_assert!(stub.answer().is_some());
        if let Some(Answer::Records(records, _)) = stub.answer() {
            prop_assert!(records.iter().all(|rdata| rdata.rtype() == Rtype::A) && records.iter().count() > 0);
        }
    }

    #[test]
    fn records_in_any_order(order in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(), name in 0_usize..4) {
        const LINES: [&str; 7] = [
            "a. 60 CNAME b.", "b. 50 CNAME c.", "c. 40 CNAME d.", "d. 70 A 192.0.2.1", "d. 30 A 192.0.2.2",
            "d. 1 TXT no", "e. 1 A 192.0.2.9",
        ];
        let lines: Vec<_> = order.iter().map(|&at| LINES[at]).collect();
        let case = Case {
            what: "shuffled",
            query: (["a", "b", "c", "d"][name], Rtype::A),
            config: plain,
            script: vec![("udp0", acts(&[reply(&lines)]))],
            result: "",
        };
        prop_assert_eq!(run(&case, false, 1).result, "A 192.0.2.1, A 192.0.2.2 of d. for 30 Indeterminate");
    }
}
