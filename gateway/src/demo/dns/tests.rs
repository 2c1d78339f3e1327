use std::path::Path;

use super::*;
use crate::resolve::client::Client;
use crate::resolve::system::Servers;
use crate::resolve::{Origin, Outcome, Reply};

/// `long` has more than UDP takes.
fn zones() -> Zones {
    let long = "x".repeat(200);
    let text = format!(
        "\
$ORIGIN example.org.
@ SOA ns hostmaster 1 3600 600 86400 300
  MX 10 mx
  MX 20 mx2
  TXT \"v=spf1 ip4:127.0.0.1 -all\"
ns A 192.0.2.1
mx A 192.0.2.2
   AAAA 2001:db8::2
www CNAME web
web CNAME mx
gone CNAME nowhere
out CNAME there.example.com.
loop CNAME loop
long TXT \"1{long}\" \"{long}\"
     TXT \"2{long}\" \"{long}\"
     TXT \"3{long}\" \"{long}\"
     TXT \"4{long}\" \"{long}\"
"
    );
    let mut zones = Zones::default();
    zones.add(Path::new("zone"), text.as_bytes()).unwrap();
    zones
}

fn query(name: &str, rtype: Rtype, opt: Option<Opt<'_>>) -> Vec<u8> {
    let name = NameBuf::from_text(name.as_bytes()).unwrap();
    let mut buffer = [0; 512];
    let mut builder: Builder<'_, '_> = Builder::new(&mut buffer, 0x1234, Flags::RD).unwrap();
    if let Some(opt) = opt {
        builder.opt(opt).unwrap();
    }
    builder
        .question(&Question::new(name.as_name(), rtype))
        .unwrap();
    builder.finish().unwrap().to_vec()
}

/// Code, flags, and how many records are in each section.
fn shape(reply: &[u8]) -> (Rcode, Flags, [usize; 3]) {
    let message = Message::parse(reply).unwrap();
    assert_eq!(message.id(), 0x1234);
    let flags = message.flags().only(Flags::AA.with(Flags::TC));
    let counts = [
        message.answers().count(),
        message.authorities().count(),
        message.additionals().count(),
    ];
    (message.rcode(), flags, counts)
}

#[test]
fn each_section_has_what_belongs_there() {
    let zones = zones();
    let none = Flags::default();
    for (name, rtype, rcode, flags, counts) in [
        (
            "mx.example.org",
            Rtype::A,
            Rcode::NOERROR,
            Flags::AA,
            [1, 0, 0],
        ),
        (
            "MX.example.ORG",
            Rtype::AAAA,
            Rcode::NOERROR,
            Flags::AA,
            [1, 0, 0],
        ),
        (
            "example.org",
            Rtype::MX,
            Rcode::NOERROR,
            Flags::AA,
            [2, 0, 0],
        ),
        (
            "example.org",
            Rtype::SOA,
            Rcode::NOERROR,
            Flags::AA,
            [1, 0, 0],
        ),
        (
            "www.example.org",
            Rtype::A,
            Rcode::NOERROR,
            Flags::AA,
            [3, 0, 0],
        ),
        (
            "www.example.org",
            Rtype::CNAME,
            Rcode::NOERROR,
            Flags::AA,
            [1, 0, 0],
        ),
        (
            "www.example.org",
            Rtype::TXT,
            Rcode::NOERROR,
            Flags::AA,
            [2, 1, 0],
        ),
        (
            "mx.example.org",
            Rtype::TXT,
            Rcode::NOERROR,
            Flags::AA,
            [0, 1, 0],
        ),
        (
            "no.example.org",
            Rtype::A,
            Rcode::NXDOMAIN,
            Flags::AA,
            [0, 1, 0],
        ),
        (
            "gone.example.org",
            Rtype::A,
            Rcode::NXDOMAIN,
            Flags::AA,
            [1, 1, 0],
        ),
        (
            "out.example.org",
            Rtype::A,
            Rcode::NOERROR,
            Flags::AA,
            [1, 0, 0],
        ),
        (
            "loop.example.org",
            Rtype::A,
            Rcode::SERVFAIL,
            Flags::AA,
            [8, 0, 0],
        ),
        ("example.com", Rtype::A, Rcode::REFUSED, none, [0, 0, 0]),
        ("example.org", Rtype(255), Rcode::NOTIMP, none, [0, 0, 0]),
        ("example.org", Rtype(252), Rcode::NOTIMP, none, [0, 0, 0]),
    ] {
        let query = query(name, rtype, None);
        let reply = respond(&zones, &query, Transport::Udp).unwrap();
        assert_eq!(shape(&reply), (rcode, flags, counts), "{name} {rtype}");
    }
}

#[test]
fn too_long_for_udp_is_cut_and_says_so() {
    let zones = zones();
    let full = Flags::AA.with(Flags::TC);
    for (opt, transport, limit, flags, counts) in [
        (None, Transport::Udp, 512, full, [1, 0, 0]),
        // OPT stays when records are left out (RFC 6891 7).
        (Some(Opt::new(100)), Transport::Udp, 512, full, [1, 0, 1]),
        (Some(Opt::new(1000)), Transport::Udp, 1000, full, [2, 0, 1]),
        (
            Some(Opt::new(65_535)),
            Transport::Udp,
            1232,
            full,
            [2, 0, 1],
        ),
        (None, Transport::Tcp, 65_535, Flags::AA, [4, 0, 0]),
        (
            Some(Opt::new(512)),
            Transport::Tcp,
            65_535,
            Flags::AA,
            [4, 0, 1],
        ),
    ] {
        let query = query("long.example.org", Rtype::TXT, opt);
        let reply = respond(&zones, &query, transport).unwrap();
        assert!(reply.len() <= limit, "{}", reply.len());
        assert_eq!(
            shape(&reply),
            (Rcode::NOERROR, flags, counts),
            "{opt:?} {transport:?}"
        );
        let message = Message::parse(&reply).unwrap();
        assert_eq!(message.opt().map(|opt| opt.udp_size), opt.map(|_| 1232));
    }
}

#[test]
fn what_is_no_query_for_it() {
    let zones = zones();
    let plain = query("example.org", Rtype::MX, None);
    let changed = |at: usize, octet: u8| {
        let mut query = plain.clone();
        query[at] = octet;
        respond(&zones, &query, Transport::Udp).map(|reply| shape(&reply).0)
    };
    assert_eq!(changed(2, 0x81), None, "a reply");
    assert_eq!(changed(2, 0x29), Some(Rcode::NOTIMP), "UPDATE");
    assert_eq!(changed(5, 0), None, "octets after the last record");
    let class = plain.len() - 1;
    assert_eq!(changed(class, 3), Some(Rcode::REFUSED), "CHAOS");
    let mut opt = Opt::new(1232);
    opt.version = 1;
    let reply = respond(
        &zones,
        &query("example.org", Rtype::MX, Some(opt)),
        Transport::Udp,
    );
    assert_eq!(reply.map(|reply| shape(&reply).0), Some(Rcode::BADVERS));
    let header = respond(
        &zones,
        &[0x12, 0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        Transport::Udp,
    );
    assert_eq!(header.map(|reply| shape(&reply).0), Some(Rcode::FORMERR));
    for length in 0..plain.len() {
        assert_eq!(respond(&zones, &plain[..length], Transport::Udp), None);
    }
}

/// Each question answered through the sockets.
fn ask(questions: &[(&str, Rtype)]) -> Vec<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = Server::bind(zones()).await.unwrap();
        let client = Client::new(Servers::one(server.address()));
        let origin = Origin::Server(server.address());
        let service = tokio::spawn(server.serve());
        let mut replies = Vec::new();
        for (name, rtype) in questions {
            let name = NameBuf::from_text(name.as_bytes()).unwrap();
            let reply = client.lookup(name, *rtype).run().await;
            assert_eq!(reply.origin, origin);
            replies.push(reply);
        }
        service.abort();
        replies
    })
}

#[test]
fn the_resolver_is_answered() {
    let replies = ask(&[
        ("www.example.org", Rtype::A),
        ("example.org", Rtype::MX),
        ("no.example.org", Rtype::A),
        ("mx.example.org", Rtype::TXT),
        // Over UDP first, and then over TCP.
        ("long.example.org", Rtype::TXT),
        ("long.example.org", Rtype::TXT),
    ]);
    let shown: Vec<String> = replies
        .iter()
        .map(|reply| format!("{} {}", reply.outcome, reply.aliases.len()))
        .collect();
    assert_eq!(
        shown,
        [
            "1 record 2",
            "2 records 0",
            "no such name 0",
            "no data: the name has no record of this type 0",
            "4 records 0",
            "4 records 0"
        ]
    );
    assert!(
        matches!(&replies[0].outcome, Outcome::Records(records) if records == &[vec![192, 0, 2, 2]])
    );
}

#[test]
fn connections_that_say_nothing_end_and_make_room() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = Server::bind(zones()).await.unwrap();
        let address = server.address();
        let service = tokio::spawn(server.serve());
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS + 4 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut last = silent.pop().unwrap();
        let query = query("mx.example.org", Rtype::A, None);
        let length = u16::try_from(query.len()).unwrap().to_be_bytes();
        last.write_all(&[&length[..], &query].concat())
            .await
            .unwrap();
        // Answered when the first ones are cut off.
        let answered = tokio::time::timeout(IDLE * 2, last.read_u16()).await;
        assert!(answered.unwrap().unwrap() > 12);
        let ended = tokio::time::timeout(IDLE, silent[0].read(&mut [0; 1])).await;
        assert_eq!(ended.unwrap().unwrap(), 0);
        service.abort();
    });
}
