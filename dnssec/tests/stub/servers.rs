//! Servers that fail, are slow, or know less: TCP, EDNS, the next server, time (RFC 7766, RFC 6891).

use core::time::Duration;

use scop_core::{Query, QueryName, Rtype};
use scop_dnssec::wire::{Flags, Message, Rcode};
use scop_dnssec::{Problem, Step, Stub, StubConfig};

use crate::network::{
    A, Act, BEGIN, Case, ROUND_TRIP, acts, check, cut, entropy, error, longer, plain, reply, run,
    servers, show,
};

#[test]
fn truncation_and_tcp() {
    let good = reply(&[A]);
    let result = "A 192.0.2.1 of www.example. for 60 Indeterminate";
    let truncated = reply(&[]).flags(Flags::TC);
    let case = |what, config, script, result| Case {
        what,
        query: ("www.example", Rtype::A),
        config,
        script,
        result,
    };
    check(&[
        case(
            "TC",
            plain,
            vec![
                ("udp0", acts(core::slice::from_ref(&truncated))),
                ("tcp0", acts(core::slice::from_ref(&good))),
            ],
            result,
        ),
        case(
            "TC in a message that ends within a record",
            plain,
            vec![
                ("udp0", acts(&[good.clone().flags(Flags::TC).edit(cut)])),
                ("tcp0", acts(core::slice::from_ref(&good))),
            ],
            result,
        ),
        case(
            "TC over TCP",
            servers::<2>,
            vec![
                ("udp0", acts(core::slice::from_ref(&truncated))),
                ("tcp0", acts(&[good.clone().flags(Flags::TC)])),
                ("tcp1", acts(core::slice::from_ref(&good))),
            ],
            result,
        ),
        case(
            "the connection is refused, and closed; the question stays with TCP",
            servers::<3>,
            vec![
                ("udp0", acts(core::slice::from_ref(&truncated))),
                ("tcp0", vec![Act::Closed]),
                ("tcp1", vec![Act::Octets(b"\x00\x40abc"), Act::Closed]),
                ("tcp2", acts(core::slice::from_ref(&good))),
            ],
            result,
        ),
        case(
            "the next question begins with UDP, at the server that knew",
            servers::<2>,
            vec![
                ("udp0", vec![]),
                ("udp1", acts(core::slice::from_ref(&truncated))),
                ("tcp1", acts(&[reply(&["www.example. 99 CNAME x."])])),
                ("udp1", acts(&[reply(&["x. 60 A 192.0.2.1"])])),
            ],
            "A 192.0.2.1 of x. for 60 Indeterminate",
        ),
        case(
            "a malformed message over TCP",
            servers::<2>,
            vec![
                ("udp0", acts(core::slice::from_ref(&truncated))),
                ("tcp0", acts(&[good.clone().edit(longer)])),
                ("tcp1", acts(core::slice::from_ref(&good))),
            ],
            result,
        ),
        case(
            "a reply longer than the buffer",
            servers::<2>,
            vec![
                ("udp0", acts(core::slice::from_ref(&truncated))),
                ("tcp0", vec![Act::Octets(b"\xff\xff\x00\x00\x00")]),
                ("tcp1", vec![Act::Octets(b"\x10\x01")]),
            ],
            "failed: Malformed",
        ),
        case(
            "slow over TCP",
            plain,
            vec![
                ("udp0", acts(&[truncated])),
                ("tcp0", vec![Act::Octets(b"\x00\x64\x00"); 20]),
                ("tcp0", vec![]),
                ("tcp0", vec![]),
            ],
            "failed: Timeout",
        ),
    ]);
}

#[test]
fn servers_that_fail() {
    let good = || acts(&[reply(&[A])]);
    let result = "A 192.0.2.1 of www.example. for 60 Indeterminate";
    let case = |what, config, script, result| Case {
        what,
        query: ("www.example", Rtype::A),
        config,
        script,
        result,
    };
    let fails = |rcode| acts(&[error(rcode)]);
    check(&[
        case(
            "SERVFAIL, then the next",
            servers::<2>,
            vec![("udp0", fails(Rcode::SERVFAIL)), ("udp1", good())],
            result,
        ),
        case(
            "all SERVFAIL: none is asked twice",
            servers::<3>,
            vec![
                ("udp0", fails(Rcode::SERVFAIL)),
                ("udp1", fails(Rcode::SERVFAIL)),
                ("udp2", fails(Rcode::SERVFAIL)),
            ],
            "failed: ServerFailure",
        ),
        case(
            "REFUSED",
            plain,
            vec![("udp0", fails(Rcode::REFUSED))],
            "failed: Refused",
        ),
        case(
            "YXDOMAIN",
            plain,
            vec![("udp0", fails(Rcode::YXDOMAIN))],
            "failed: Refused",
        ),
        case(
            "REFUSED without the question",
            plain,
            vec![("udp0", acts(&[error(Rcode::REFUSED).without_question()]))],
            "failed: Refused",
        ),
        case(
            "SERVFAIL, and silence after it: what was said counts",
            servers::<2>,
            vec![
                ("udp0", fails(Rcode::SERVFAIL)),
                ("udp1", vec![]),
                ("udp1", vec![]),
                ("udp1", vec![]),
            ],
            "failed: ServerFailure",
        ),
        case(
            "an extended RCODE",
            servers::<2>,
            vec![
                (
                    "udp0",
                    acts(&[reply(&[A]).rcode(Rcode::BADVERS).options(&[])]),
                ),
                ("udp1", good()),
            ],
            result,
        ),
        case(
            "a referral",
            servers::<2>,
            vec![
                (
                    "udp0",
                    acts(&[reply(&[]).authorities(&["example. 9 NS ns.example."])]),
                ),
                ("udp1", good()),
            ],
            result,
        ),
        case(
            "records of a name that does not exist; the chain of that reply does not count",
            servers::<2>,
            vec![
                (
                    "udp0",
                    acts(&[reply(&["www.example. 9 CNAME x.", "x. 9 A 192.0.2.66"])
                        .rcode(Rcode::NXDOMAIN)]),
                ),
                ("udp1", good()),
            ],
            result,
        ),
        case(
            "unreachable",
            servers::<2>,
            vec![("udp0", vec![Act::Closed]), ("udp1", good())],
            result,
        ),
        case(
            "unreachable, all of them, three times",
            servers::<2>,
            ["udp0", "udp1", "udp0", "udp1", "udp0", "udp1"]
                .map(|made| (made, vec![Act::Closed]))
                .to_vec(),
            "failed: Timeout",
        ),
        case(
            "each question is a new one: all servers, all rounds, and what went wrong",
            servers::<2>,
            vec![
                ("udp0", vec![]),
                ("udp1", fails(Rcode::SERVFAIL)),
                ("udp0", acts(&[reply(&["www.example. 9 CNAME x."])])),
                ("udp0", vec![]),
                ("udp1", vec![]),
                ("udp0", vec![]),
                ("udp1", vec![]),
                ("udp0", vec![]),
                ("udp1", vec![]),
            ],
            "failed: Timeout",
        ),
        case(
            "begins where it is told, and comes round",
            |config| (config.servers, config.first) = (3, 2),
            vec![
                ("udp2", vec![]),
                ("udp0", vec![]),
                ("udp1", vec![]),
                ("udp2", good()),
            ],
            result,
        ),
        case(
            "a first server that is none",
            |config| (config.servers, config.first) = (2, 2),
            vec![("udp0", good())],
            result,
        ),
    ]);
    let explained = error(Rcode::SERVFAIL).options(b"\x00\x0f\x00\x02\x00\x06");
    let case = case(
        "",
        plain,
        vec![("udp0", acts(&[explained]))],
        "failed: ServerFailure",
    );
    let end = run(&case, false, 1);
    assert_eq!(end.problem, Some(Problem::Rcode(Rcode::SERVFAIL, Some(6))));
    assert_eq!(
        end.problem.unwrap().to_string(),
        "the server says SERVFAIL (EDE 6)"
    );
}

#[test]
fn edns() {
    let good = || acts(&[reply(&[A]).options(&[])]);
    let result = "A 192.0.2.1 of www.example. for 60 Indeterminate";
    let case = |what, config, script, result| Case {
        what,
        query: ("www.example", Rtype::A),
        config,
        script,
        result,
    };
    let fails = |rcode| acts(&[error(rcode)]);
    let cases = [
        case(
            "FORMERR",
            plain,
            vec![("udp0", fails(Rcode::FORMERR)), ("udp0", good())],
            result,
        ),
        case(
            "FORMERR as a bare header",
            plain,
            vec![
                ("udp0", acts(&[error(Rcode::FORMERR).without_question()])),
                ("udp0", good()),
            ],
            result,
        ),
        case(
            "NOTIMP",
            plain,
            vec![("udp0", fails(Rcode::NOTIMP)), ("udp0", good())],
            result,
        ),
        case(
            "FORMERR without EDNS too",
            plain,
            vec![
                ("udp0", fails(Rcode::FORMERR)),
                ("udp0", fails(Rcode::FORMERR)),
            ],
            "failed: Refused",
        ),
        case(
            "FORMERR, never asked with EDNS",
            |config| config.edns = false,
            vec![("udp0", fails(Rcode::FORMERR))],
            "failed: Refused",
        ),
        case(
            "each server by itself, and remembered for the next question",
            servers::<2>,
            vec![
                ("udp0", fails(Rcode::FORMERR)),
                ("udp0", fails(Rcode::SERVFAIL)),
                ("udp1", fails(Rcode::NOTIMP)),
                ("udp1", acts(&[reply(&["www.example. 99 CNAME x."])])),
                ("udp1", acts(&[reply(&["x. 60 A 192.0.2.1"])])),
            ],
            "A 192.0.2.1 of x. for 60 Indeterminate",
        ),
    ];
    check(&cases);
    let with_opt = |case: &Case| -> Vec<bool> {
        run(case, false, 1)
            .queries
            .iter()
            .map(|query| Message::parse(query).unwrap().opt().is_some())
            .collect()
    };
    let expected: [&[bool]; 6] = [
        &[true, false],
        &[true, false],
        &[true, false],
        &[true, false],
        &[false],
        &[true, false, true, false, false],
    ];
    for (case, expected) in cases.iter().zip(expected) {
        assert_eq!(with_opt(case), expected, "{}", case.what);
    }
}

#[test]
fn silence_ends_in_time() {
    // (servers, configuration, milliseconds until the end)
    let rows: [(usize, fn(&mut StubConfig), u64); 7] = [
        (1, plain, 1000 + 2000 + 4000),
        (2, servers::<2>, 2 * (1000 + 2000 + 4000)),
        (
            1,
            |config| config.limits.rounds = 4,
            1000 + 2000 + 4000 + 4000,
        ),
        // Three servers would take 21 seconds.
        (3, servers::<3>, 15_000),
        (1, |config| config.tcp_only = true, 15_000),
        (1, |config| config.limits.total = Duration::ZERO, 0),
        (
            16,
            |config| {
                config.servers = 16;
                config.limits.rounds = 255;
                config.limits.udp_timeout = Duration::from_millis(1);
                config.limits.udp_timeout_max = Duration::MAX;
                config.limits.transmissions = 255;
            },
            16, // as many as there is entropy for
        ),
    ];
    for (servers, configure, expected) in rows {
        let mut config = StubConfig::new(servers);
        configure(&mut config);
        let query = Query {
            name: QueryName::dotted([b"x", b"", b""]),
            rtype: Rtype::A,
        };
        let mut response = [0; 512];
        let mut stub = Stub::new(query, &config, entropy(0), &mut response, BEGIN).unwrap();
        let mut now = BEGIN;
        loop {
            match stub.poll() {
                Step::Transmit(..) => {}
                Step::Wait(until) => {
                    assert!(until > now);
                    now = until;
                    stub.handle_timeout(now);
                }
                Step::Done => break,
            }
        }
        assert_eq!(show(&stub), "failed: Timeout");
        assert_eq!(now.0 - BEGIN.0, expected, "{servers} servers");
    }
    // A reply that comes when the time is over, or an error that would need another transmission.
    let case = Case {
        what: "",
        query: ("www.example", Rtype::A),
        config: |config| (config.servers, config.limits.total) = (2, Duration::from_millis(10)),
        script: vec![("udp0", acts(&[error(Rcode::SERVFAIL)]))],
        result: "failed: ServerFailure",
    };
    let end = run(&case, false, 1);
    assert_eq!(
        (end.result.as_str(), end.at),
        (case.result, BEGIN + ROUND_TRIP)
    );
}
