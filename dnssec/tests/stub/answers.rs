//! What replies say: records, their absence, aliases (RFC 1034 4.3.2, RFC 2308, RFC 6604).

use scop_core::Rtype;
use scop_dnssec::Problem;
use scop_dnssec::wire::{Flags, Rcode};

use crate::network::{A, Act, Case, Reply, acts, check, error, plain, reply, run, servers};

#[test]
fn answers() {
    let www = ("www.example", Rtype::A);
    let case = |what, answers: Reply, result| Case {
        what,
        query: www,
        config: plain,
        script: vec![("udp0", acts(&[answers]))],
        result,
    };
    check(&[
        case(
            "one record",
            reply(&[A]),
            "A 192.0.2.1 of www.example. for 60 Indeterminate",
        ),
        case(
            "among others",
            reply(&[
                "www.example. 60 TXT A",
                A,
                "ww.example. 1 A 192.0.2.9",
                "WWW.Example. 50 A 192.0.2.2",
            ]),
            "A 192.0.2.1, A 192.0.2.2 of www.example. for 50 Indeterminate",
        ),
        case(
            "a TTL with the highest bit counts as zero (RFC 2181 8)",
            reply(&["www.example. 2147483648 A 192.0.2.1"]),
            "A 192.0.2.1 of www.example. for 0 Indeterminate",
        ),
        case(
            "the highest TTL",
            reply(&["www.example. 2147483647 A 192.0.2.1"]),
            "A 192.0.2.1 of www.example. for 2147483647 Indeterminate",
        ),
        case(
            "AD of a server that is not trusted",
            reply(&[A]).flags(Flags::AD),
            "A 192.0.2.1 of www.example. for 60 Indeterminate",
        ),
        case(
            "RFC 2308 2.2, type 3",
            reply(&[]),
            "no data of www.example. for - Indeterminate",
        ),
        case(
            "RFC 2308 2.2, type 2: the SOA record counts, or its MINIMUM",
            reply(&[]).authorities(&["example. 100 SOA 30"]),
            "no data of www.example. for 30 Indeterminate",
        ),
        case(
            "RFC 2308 2.2, type 1",
            reply(&["www.example. 60 TXT A"])
                .authorities(&["example. 20 SOA 30", "example. 1 NS ns.example."]),
            "no data of www.example. for 20 Indeterminate",
        ),
        case(
            "the SOA record of a zone that does not hold the name",
            reply(&[]).authorities(&["ww.example. 20 SOA 30"]),
            "no data of www.example. for - Indeterminate",
        ),
        case(
            "RFC 2308 2.1",
            error(Rcode::NXDOMAIN).authorities(&["example. 20 SOA 30"]),
            "no name of www.example. for 20 Indeterminate",
        ),
        case(
            "no name, without SOA",
            error(Rcode::NXDOMAIN),
            "no name of www.example. for - Indeterminate",
        ),
        case(
            "only records of another name",
            reply(&["other.example. 9 A 192.0.2.9"]),
            "no data of www.example. for - Indeterminate",
        ),
    ]);
    check(&[
        Case {
            what: "an alias is asked for",
            query: ("www.example", Rtype::CNAME),
            config: plain,
            script: vec![("udp0", acts(&[reply(&["www.example. 60 CNAME x."])]))],
            result: "CNAME x. of www.example. for 60 Indeterminate",
        },
        Case {
            what: "the root is asked for",
            query: ("", Rtype::NS),
            config: plain,
            script: vec![("udp0", acts(&[reply(&[". 60 NS a."])]))],
            result: "NS a. of . for 60 Indeterminate",
        },
        Case {
            what: "trusted, with AD",
            query: www,
            config: |config| config.trusted = true,
            script: vec![("udp0", acts(&[reply(&[A]).flags(Flags::AD)]))],
            result: "A 192.0.2.1 of www.example. for 60 Secure",
        },
        Case {
            what: "trusted, without AD",
            query: www,
            config: |config| config.trusted = true,
            script: vec![("udp0", acts(&[reply(&[A])]))],
            result: "A 192.0.2.1 of www.example. for 60 Indeterminate",
        },
        Case {
            what: "trusted, with AD for the last part of the chain only",
            query: www,
            config: |config| config.trusted = true,
            script: vec![
                ("udp0", acts(&[reply(&["www.example. 60 CNAME x."])])),
                (
                    "udp0",
                    acts(&[reply(&["x. 60 A 192.0.2.1"]).flags(Flags::AD)]),
                ),
            ],
            result: "A 192.0.2.1 of x. for 60 Indeterminate",
        },
    ]);
}

#[test]
fn aliases() {
    let www = ("www.example", Rtype::A);
    let case = |what, replies: &[Reply], result| Case {
        what,
        query: www,
        config: plain,
        script: replies
            .iter()
            .map(|reply| ("udp0", acts(core::slice::from_ref(reply))))
            .collect(),
        result,
    };
    let chain = [
        "www.example. 60 CNAME a.example.",
        "A.example. 50 CNAME b.",
        "b. 70 CNAME c.d.",
        "c.D. 80 A 192.0.2.1",
        "c.d. 90 A 192.0.2.2",
    ];
    check(&[
        case(
            "in the message",
            &[reply(&chain)],
            "A 192.0.2.1, A 192.0.2.2 of c.d. for 50 Indeterminate",
        ),
        case(
            "out of the message",
            &[reply(&chain[..2]), reply(&chain[2..])],
            "A 192.0.2.1, A 192.0.2.2 of c.d. for 50 Indeterminate",
        ),
        case(
            "out of each message",
            &[
                reply(&chain[..1]),
                reply(&chain[1..2]),
                reply(&chain[2..3]),
                reply(&chain[3..4]),
            ],
            "A 192.0.2.1 of c.d. for 50 Indeterminate",
        ),
        case(
            "no such name at the end (RFC 6604 3)",
            &[reply(&chain[..2])
                .rcode(Rcode::NXDOMAIN)
                .authorities(&[". 55 SOA 99"])],
            "no name of b. for 50 Indeterminate",
        ),
        case(
            "no such name at the end, in the next message",
            &[reply(&chain[..2]), error(Rcode::NXDOMAIN)],
            "no name of b. for - Indeterminate",
        ),
        case(
            "no data at the end (RFC 2308 2.2)",
            &[reply(&chain[..2]).authorities(&["b. 55 SOA 40"])],
            "no data of b. for 40 Indeterminate",
        ),
        case(
            "the SOA record is that of the zone where the chain begins: it says nothing of the target",
            &[
                reply(&chain[..2]).authorities(&["example. 55 SOA 40"]),
                reply(&["b. 9 A 192.0.2.9"]),
            ],
            "A 192.0.2.9 of b. for 9 Indeterminate",
        ),
        case(
            "no data at the end, in the next message",
            &[reply(&chain[..2]), reply(&[])],
            "no data of b. for - Indeterminate",
        ),
        case(
            "to itself",
            &[reply(&["www.example. 60 CNAME www.example."])],
            "failed: AliasChain",
        ),
        case(
            "a loop",
            &[reply(&[
                "www.example. 60 CNAME a.",
                "a. 60 CNAME www.example.",
            ])],
            "failed: AliasChain",
        ),
        case(
            "a loop over messages",
            &[
                reply(&["www.example. 60 CNAME a."]),
                reply(&["a. 60 CNAME www.example."]),
                reply(&["www.example. 60 CNAME a."]),
                reply(&["a. 60 CNAME www.example."]),
                reply(&["www.example. 60 CNAME a."]),
            ],
            "failed: AliasChain",
        ),
        case(
            "eight aliases",
            &[reply(&[
                "www.example. 9 CNAME a.",
                "a. 9 CNAME b.",
                "b. 9 CNAME c.",
                "c. 9 CNAME d.",
                "d. 9 CNAME e.",
                "e. 9 CNAME f.",
                "f. 9 CNAME g.",
                "g. 9 CNAME h.",
                "h. 9 A 192.0.2.1",
            ])],
            "A 192.0.2.1 of h. for 9 Indeterminate",
        ),
        case(
            "nine aliases",
            &[reply(&[
                "www.example. 9 CNAME a.",
                "a. 9 CNAME b.",
                "b. 9 CNAME c.",
                "c. 9 CNAME d.",
                "d. 9 CNAME e.",
                "e. 9 CNAME f.",
                "f. 9 CNAME g.",
                "g. 9 CNAME h.",
                "h. 9 CNAME i.",
                "i. 9 A 192.0.2.1",
            ])],
            "failed: AliasChain",
        ),
        case(
            "a record beside an alias, against RFC 1034 3.6.2: the record counts",
            &[reply(&["www.example. 9 CNAME a.", A, "a. 9 A 192.0.2.9"])],
            "A 192.0.2.1 of www.example. for 60 Indeterminate",
        ),
        case(
            "aliases of other names",
            &[reply(&["a. 9 CNAME b.", "b. 9 A 192.0.2.9"])],
            "no data of www.example. for - Indeterminate",
        ),
    ]);
}

/// What [`Stub::problem`](scop_dnssec::Stub::problem) says is why the query failed, whatever servers said
/// before.
#[test]
fn a_failure_says_its_problem() {
    let fails = |script, problem| {
        let case = Case {
            what: "a failure",
            query: ("www.example", Rtype::A),
            config: servers::<2>,
            script,
            result: "",
        };
        assert_eq!(run(&case, false, 1).problem, Some(problem));
    };
    let to_itself = || acts(&[reply(&["www.example. 60 CNAME www.example."])]);
    fails(vec![("udp0", to_itself())], Problem::AliasChain);
    fails(
        vec![
            ("udp0", acts(&[error(Rcode::SERVFAIL)])),
            ("udp1", to_itself()),
        ],
        Problem::AliasChain,
    );
    fails(
        vec![
            ("udp0", vec![Act::Closed]),
            ("udp1", acts(&[error(Rcode::REFUSED)])),
            ("udp0", vec![]),
            ("udp0", vec![]),
        ],
        Problem::Rcode(Rcode::REFUSED, None),
    );
}
