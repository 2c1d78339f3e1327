//! Queries, and which replies belong to them (RFC 5452).

use scop_core::{Query, QueryName, Rtype};
use scop_dnssec::wire::{Flags, Header, Message, Opt, Rcode};
use scop_dnssec::{Step, Stub, StubConfig, Transport};

use crate::network::{
    A, Act, BEGIN, Case, Edit, FROM_ELSEWHERE, Reply, acts, begin, check, cut, entropy, error,
    longer, no_response, other_case, other_class, other_id, other_name, other_opcode, other_type,
    plain, reply, run, show,
};

#[test]
fn replies_that_do_not_belong() {
    let good = reply(&[A]);
    let result = "A 192.0.2.1 of www.example. for 60 Indeterminate";
    let forged = reply(&["www.example. 60 A 192.0.2.66"]);
    let case = |what, acts: Vec<Act>| Case {
        what,
        query: ("www.example", Rtype::A),
        config: plain,
        script: vec![("udp0", acts)],
        result,
    };
    let edits: [(&str, Reply, Edit); 10] = [
        ("id", forged.clone(), other_id),
        ("name", forged.clone(), other_name),
        ("class", reply(&[]), other_class),
        ("type", reply(&[]), other_type),
        ("QR", forged.clone(), no_response),
        ("OPCODE", forged.clone(), other_opcode),
        ("cut", forged.clone(), cut),
        ("longer", forged.clone(), longer),
        ("no question", forged.clone().without_question(), |_| ()),
        ("error with another id", error(Rcode::FORMERR), other_id),
    ];
    for (what, reply, edit) in edits {
        let case = case(what, acts(&[reply.edit(edit), good.clone()]));
        let end = run(&case, false, 1);
        assert_eq!(
            (end.result.as_str(), end.counters.ignored),
            (result, 1 + FROM_ELSEWHERE),
            "{what}"
        );
    }
    let mut both = vec![
        Act::Octets(b""),
        Act::Octets(b"\x00"),
        Act::Octets(&[0xff; 12]),
        Act::Octets(&[0xff; 600]),
    ];
    both.extend(acts(core::slice::from_ref(&good)));
    check(&[case("octets", both)]);
    check(&[
        Case {
            what: "wrong case alone: the question goes over TCP, where case does not count",
            script: vec![
                (
                    "udp0",
                    acts(&[
                        forged.clone().edit(other_case),
                        forged.clone().edit(other_case),
                    ]),
                ),
                ("tcp0", acts(&[good.clone().edit(other_case)])),
            ],
            ..case("", vec![])
        },
        Case {
            what: "wrong case, where it may come twice",
            config: |config| config.limits.wrong_case = 3,
            script: vec![(
                "udp0",
                acts(&[
                    forged.clone().edit(other_case),
                    forged.clone().edit(other_case),
                    good.clone(),
                ]),
            )],
            ..case("", vec![])
        },
        Case {
            what: "wrong case, where case is not random",
            config: |config| config.randomize_case = false,
            script: vec![("udp0", acts(&[good.clone().edit(other_case)]))],
            ..case("", vec![])
        },
        Case {
            what: "many forgeries: the question goes over TCP",
            script: vec![
                ("udp0", acts(&vec![forged.clone().edit(other_id); 33])),
                ("tcp0", acts(core::slice::from_ref(&good))),
            ],
            ..case("", vec![])
        },
        Case {
            what: "not so many",
            script: vec![("udp0", {
                let mut replies = vec![forged.clone().edit(other_id); 32];
                replies.push(good.clone());
                acts(&replies)
            })],
            ..case("", vec![])
        },
        Case {
            what: "they are counted for each transmission",
            script: vec![
                ("udp0", acts(&vec![forged.clone().edit(other_id); 32])),
                ("udp0", acts(&[forged.clone().edit(other_id), good.clone()])),
            ],
            ..case("", vec![])
        },
        Case {
            what: "other messages on the connection are passed over",
            config: |config| config.tcp_only = true,
            script: vec![(
                "tcp0",
                acts(&[
                    forged.clone().edit(other_id),
                    forged.clone().edit(other_name),
                    good.clone(),
                ]),
            )],
            ..case("", vec![])
        },
        Case {
            what: "but not for ever",
            config: |config| (config.tcp_only, config.servers) = (true, 2),
            script: vec![
                ("tcp0", acts(&vec![forged.edit(other_id); 40])),
                ("tcp1", acts(core::slice::from_ref(&good))),
            ],
            ..case("", vec![])
        },
    ]);
}

#[test]
fn late_replies_are_ignored() {
    let mut response = [0; 512];
    let mut stub = begin(
        ("www.example", Rtype::A),
        &StubConfig::new(1),
        &mut response,
    );
    assert_eq!(stub.poll(), Step::Transmit(Transport::Udp, 0));
    let first = reply(&["www.example. 60 A 192.0.2.66"]).to_message(stub.transmit(), false);
    let Step::Wait(until) = stub.poll() else {
        panic!()
    };
    stub.handle_timeout(until);
    // Not handed out yet, so nobody can have answered it.
    let second = reply(&[A]).to_message(stub.transmit(), false);
    stub.handle_input(Transport::Udp, 0, &second, until);
    assert_eq!(stub.poll(), Step::Transmit(Transport::Udp, 0));
    stub.handle_input(Transport::Udp, 0, &first, until);
    assert!(stub.answer().is_none() && stub.counters().ignored == 2);
    stub.handle_input(Transport::Udp, 0, &second, until);
    let result = "A 192.0.2.1 of www.example. for 60 Indeterminate";
    assert_eq!(show(&stub), result);
}

#[test]
fn queries() {
    let case = |config| Case {
        what: "silence",
        query: ("a-long.Name-with-letters.example", Rtype::TXT),
        config,
        script: vec![("udp0", vec![]), ("udp0", vec![]), ("udp0", vec![])],
        result: "",
    };
    let end = run(&case(plain), false, 1);
    let messages: Vec<_> = end
        .queries
        .iter()
        .map(|query| Message::parse(query).unwrap())
        .collect();
    let names: Vec<_> = messages
        .iter()
        .map(|message| message.questions().next().unwrap().name.to_string())
        .collect();
    for (message, name) in messages.iter().zip(&names) {
        let header = Header {
            id: message.id(),
            flags: Flags::RD,
            questions: 1,
            answers: 0,
            authorities: 0,
            additionals: 1,
        };
        assert_eq!(message.header(), header);
        assert_eq!(message.opt(), Some(Opt::new(1232)));
        assert_eq!(name.to_lowercase(), "a-long.name-with-letters.example.");
        assert!(name.bytes().any(|octet| octet.is_ascii_uppercase()));
        assert!(name.bytes().any(|octet| octet.is_ascii_lowercase()));
    }
    // Each transmission has its own id and case.
    assert!(messages[0].id() != messages[1].id() && messages[1].id() != messages[2].id());
    assert!(names[0] != names[1] && names[1] != names[2]);

    let end = run(
        &case(|config| {
            (config.trusted, config.checking_disabled, config.dnssec_ok) = (true, true, true);
            (config.udp_size, config.randomize_case) = (65535, false);
        }),
        false,
        1,
    );
    let message = Message::parse(&end.queries[0]).unwrap();
    assert_eq!(message.flags(), Flags::RD.with(Flags::AD).with(Flags::CD));
    // What can be taken is what the response buffer holds.
    assert_eq!(message.opt(), Some(Opt::new(4096).with_dnssec_ok(true)));
    assert_eq!(
        message.questions().next().unwrap().name.to_string(),
        "a-long.Name-with-letters.example."
    );
}

#[test]
fn the_longest_name_fits() {
    let labels = [
        &[b'a'; 63][..],
        b".",
        &[b'b'; 63],
        b".",
        &[b'c'; 63],
        b".",
        &[b'd'; 61],
    ]
    .concat();
    for tcp_only in [false, true] {
        let mut config = StubConfig::new(1);
        config.tcp_only = tcp_only;
        let mut response = [0; 512];
        let query = Query {
            name: QueryName::dotted([&labels, b"", b""]),
            rtype: Rtype::TXT,
        };
        let mut stub = Stub::new(query, &config, entropy(0), &mut response, BEGIN).unwrap();
        assert!(matches!(stub.poll(), Step::Transmit(..)));
        assert_eq!(
            stub.transmit().len(),
            12 + 255 + 4 + 11 + if tcp_only { 2 } else { 0 }
        );
    }
}
