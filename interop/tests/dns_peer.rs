//! The stub resolver against dnsmasq, and the message codec against dnspython.
//!
//! dnsmasq: Debian package `dnsmasq-base`, started here on a free port of 127.0.0.1. dnspython: in the
//! Python of `SCOP_PYTHON`, or `.venv/bin/python` at the root of the project. What is absent is skipped.
#![expect(clippy::unwrap_used, reason = "tests")]

use core::time::Duration;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use std::process::{Command, Stdio};
use std::time::Instant as Clock;

use scop_core::{Answer, Emit, Instant, NameBuf, Query, QueryName, Rdata, Record, Rtype, Txt};
use scop_dnssec::wire::{
    Builder, Case, EdnsOption, Flags, Message, Opt, Options, Presentation, Question, Rcode,
};
use scop_dnssec::{Entropy, Problem, Step, Stub, StubConfig, Transport};
use scop_interop::program::Program;

// A blocking driver, as short as one can be.

fn random() -> Entropy {
    Entropy(core::array::from_fn(|at| {
        RandomState::new().hash_one(at).to_le_bytes()[0]
    }))
}

/// What came of a query: records in presentation form, and what it took.
#[derive(Debug)]
struct Resolved {
    answer: String,
    transports: Vec<Transport>,
    problem: Option<Problem>,
}

fn resolve(name: &str, rtype: Rtype, servers: &[SocketAddr], config: &StubConfig) -> Resolved {
    let begin = Clock::now();
    let now = || Instant(u64::try_from(begin.elapsed().as_millis()).unwrap());
    let query = Query {
        name: QueryName::dotted([name.as_bytes(), b"", b""]),
        rtype,
    };
    let mut response = vec![0; 65535];
    let mut stub = Stub::new(query, config, random(), &mut response, now()).unwrap();
    let mut udp = None;
    let mut tcp: Option<TcpStream> = None;
    let mut open = (Transport::Udp, 0);
    let mut transports = Vec::new();
    loop {
        match stub.poll() {
            Step::Done => break,
            Step::Transmit(transport, server) => {
                transports.push(transport);
                open = (transport, server);
                let sent = match transport {
                    Transport::Udp => {
                        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
                            socket.connect(servers[server])?;
                            socket.send(stub.transmit())?;
                            udp = Some(socket);
                            Ok(())
                        })
                    }
                    Transport::Tcp => TcpStream::connect(servers[server]).and_then(|mut stream| {
                        stream.write_all(stub.transmit())?;
                        tcp = Some(stream);
                        Ok(())
                    }),
                };
                if sent.is_err() {
                    stub.handle_closed(transport, server, now());
                }
            }
            Step::Wait(until) => {
                let wait = Some((until - now()).max(Duration::from_millis(1)));
                let (transport, server) = open;
                let mut buffer = [0; 4096];
                let received = match transport {
                    Transport::Udp => {
                        let socket = udp.as_ref().unwrap();
                        socket
                            .set_read_timeout(wait)
                            .and_then(|()| socket.recv(&mut buffer))
                    }
                    Transport::Tcp => {
                        let stream = tcp.as_mut().unwrap();
                        // Seven octets at a time, to have many chunks.
                        stream
                            .set_read_timeout(wait)
                            .and_then(|()| stream.read(&mut buffer[..7]))
                    }
                };
                match received {
                    Ok(0) if transport == Transport::Tcp => {
                        stub.handle_closed(transport, server, now());
                    }
                    Ok(count) => stub.handle_input(transport, server, &buffer[..count], now()),
                    Err(error)
                        if matches!(
                            error.kind(),
                            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                        ) =>
                    {
                        stub.handle_timeout(now());
                    }
                    Err(_) => stub.handle_closed(transport, server, now()),
                }
            }
        }
    }
    let answer = match stub.answer().unwrap() {
        Answer::NoData(_) => "no data".into(),
        Answer::NxDomain(_) => "no name".into(),
        Answer::Failed(failure) => failure.to_string(),
        Answer::Records(records, _) => {
            let lines: BTreeSet<_> = records
                .iter()
                .map(|rdata| Presentation(&rdata).to_string())
                .collect();
            let all: Vec<_> = [stub.name().to_string()].into_iter().chain(lines).collect();
            all.join(" ")
        }
    };
    Resolved {
        answer,
        transports,
        problem: stub.problem(),
    }
}

#[test]
fn a_real_server_is_asked() {
    let long = |letter: &str| letter.repeat(250);
    let two = |name: &str, one: &str, other: &str| {
        format!("txt-record={name},\"{}\",\"{}\"\n", long(one), long(other))
    };
    let large =
        ["a", "b", "c", "d", "e", "f", "g", "h"].map(|letter| two("large.test", letter, letter));
    let zone = [
        "host-record=mx.example.test,192.0.2.25,2001:db8::25\n\
         host-record=target.test,192.0.2.80\n\
         cname=alias.test,middle.test\ncname=middle.test,target.test\n\
         mx-host=example.test,mx.example.test,10\nmx-host=example.test,backup.example.test,20\n\
         txt-record=example.test,\"v=spf1 mx -all\"\n",
        &two("key.test", "z", "y"),
        &large.concat(),
    ]
    .concat();
    let two = format!("\"{}\" \"{}\"", long("z"), long("y"));
    let Some(server) = Program::dnsmasq(&zone) else {
        return;
    };
    let ask = |name: &str, rtype| resolve(name, rtype, &[server.address()], &StubConfig::new(1));
    for (name, rtype, expected) in [
        ("mx.example.test", Rtype::A, "mx.example.test. 192.0.2.25"),
        (
            "MX.Example.Test",
            Rtype::AAAA,
            "mx.example.test. 2001:db8::25",
        ),
        ("alias.test", Rtype::A, "target.test. 192.0.2.80"),
        ("alias.test", Rtype::MX, "no data"),
        (
            "example.test",
            Rtype::MX,
            "example.test. 10 mx.example.test. 20 backup.example.test.",
        ),
        (
            "example.test",
            Rtype::TXT,
            "example.test. \"v=spf1 mx -all\"",
        ),
        ("key.test", Rtype::TXT, &format!("key.test. {two}")),
        ("target.test", Rtype::TXT, "no data"),
        ("nothing.test", Rtype::A, "no name"),
        ("example.org", Rtype::A, "the server refused"),
    ] {
        let resolved = ask(name, rtype);
        assert_eq!(
            resolved.answer.to_lowercase(),
            expected,
            "{name} {rtype}: {resolved:?}"
        );
        assert!(
            resolved
                .transports
                .iter()
                .all(|&transport| transport == Transport::Udp),
            "{resolved:?}"
        );
    }
    let large = ask("large.test", Rtype::TXT);
    assert_eq!(large.transports, [Transport::Udp, Transport::Tcp]);
    for letter in ["a", "h"] {
        assert!(
            large
                .answer
                .contains(&format!("\"{}\" \"{}\"", long(letter), long(letter)))
        );
    }
    // The same over TCP from the start, without random case, and without EDNS.
    for configure in [
        |config: &mut StubConfig| config.tcp_only = true,
        |config: &mut StubConfig| config.randomize_case = false,
        |config: &mut StubConfig| config.edns = false,
        |config: &mut StubConfig| {
            (config.dnssec_ok, config.trusted, config.checking_disabled) = (true, true, true);
        },
    ] {
        let mut config = StubConfig::new(1);
        configure(&mut config);
        let resolved = resolve("large.test", Rtype::TXT, &[server.address()], &config);
        assert_eq!(resolved.answer, large.answer);
    }
    // A first server where nobody listens.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let servers = [nobody, server.address()];
    let resolved = resolve("target.test", Rtype::A, &servers, &StubConfig::new(2));
    assert_eq!(resolved.answer, "target.test. 192.0.2.80", "{resolved:?}");
    assert_eq!(resolved.problem, Some(Problem::Closed));
}

// The oracle.

/// Numbers from a seed (Numerical Recipes' constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn short(&mut self) -> u16 {
        u16::try_from(self.below(65536)).unwrap()
    }

    fn octets(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit))
            .map(|_| self.short().to_le_bytes()[0])
            .collect()
    }

    fn name(&mut self) -> NameBuf {
        const LABELS: [&[u8]; 8] = [
            b"a",
            b"A",
            b"mail",
            b"example",
            b"test",
            b"\x00.\xff",
            b"_spf",
            &[b'x'; 60],
        ];
        let mut name = NameBuf::ROOT;
        for _ in 0..self.below(5) {
            let _ = name.push_label(LABELS[self.below(LABELS.len())]);
        }
        name
    }

    /// A response with records of every type that core reads, and of one that it does not.
    fn message(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 65535];
        let flags = Flags(self.short())
            .with_opcode(0)
            .with(Flags::QR)
            .without(Flags::TC);
        let mut builder = Builder::new(&mut buffer, self.short(), flags).unwrap();
        builder.set_case([Case::Exact, Case::Fold][self.below(2)]);
        builder.set_rcode(Rcode(flags.rcode().0));
        let mut options = Vec::new();
        for _ in 0..self.below(3) {
            let data = self.octets(20);
            EdnsOption {
                code: 65001 + self.short() % 100,
                data: &data,
            }
            .emit(&mut options)
            .unwrap();
        }
        if self.below(2) == 0 {
            builder.set_rcode(Rcode(self.short() & 0x0fff));
            let opt = Opt::new(self.short()).with_dnssec_ok(self.below(2) == 0);
            builder
                .opt(opt.with_options(Options::parse(&options).unwrap()))
                .unwrap();
        }
        builder
            .question(&Question::new(self.name().as_name(), Rtype::MX))
            .unwrap();
        for section in 0..3 {
            for _ in 0..self.below(6) {
                let (owner, one, other) = (self.name(), self.name(), self.name());
                let (one, other, octets) = (one.as_name(), other.as_name(), self.octets(700));
                let rdata = match self.below(9) {
                    0 => Rdata::A(u32::try_from(self.below(1 << 31)).unwrap().into()),
                    1 => Rdata::Aaaa(u128::from(self.short()).into()),
                    2 => Rdata::Cname(one),
                    3 => Rdata::Mx {
                        preference: self.short(),
                        exchange: one,
                    },
                    4 => Rdata::Ns(one),
                    5 => Rdata::Ptr(one),
                    6 => Rdata::Soa {
                        mname: one,
                        rname: other,
                        numbers: [1, 2, 3, 4, 5],
                    },
                    7 => Rdata::Txt(Txt::joined(&octets)),
                    _ => Rdata::Other {
                        rtype: Rtype(65300),
                        data: &octets,
                    },
                };
                let ttl = u32::try_from(self.below(1 << 31)).unwrap();
                let record = Record {
                    owner: owner.as_name(),
                    class: 1,
                    ttl,
                    rdata,
                };
                match section {
                    0 => builder.answer(&record),
                    1 => builder.authority(&record),
                    _ => builder.additional(&record),
                }
                .unwrap();
            }
        }
        builder.finish().unwrap().to_vec()
    }
}

/// Everything that a message says, without regard to case and compression.
fn meaning(bytes: &[u8]) -> Vec<Vec<u8>> {
    let message = Message::parse(bytes).unwrap();
    let mut all = vec![message.as_bytes()[..12].to_vec()];
    all.extend(message.questions().map(|question| question.to_vec()));
    for section in [
        message.answers(),
        message.authorities(),
        message.additionals(),
    ] {
        for record in section {
            let mut octets = record.owner.to_vec();
            octets.extend(record.rdata.rtype().0.to_be_bytes());
            octets.extend(record.class.to_be_bytes());
            octets.extend(record.ttl.to_be_bytes());
            octets.extend(record.rdata.to_vec());
            all.push(octets.to_ascii_lowercase());
        }
    }
    all.get_mut(1).unwrap().make_ascii_lowercase();
    all
}

#[test]
fn dnspython_understands_the_same() {
    let python = scop_interop::peer::python();
    let there = Command::new(&python)
        .args(["-c", "import dns.message"])
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        scop_interop::skip(&format!(
            "{} has no dnspython (pip install dnspython)",
            python.display()
        ));
        return;
    }
    let mut numbers = Numbers(20_260_710);
    let messages: Vec<_> = (0..500).map(|_| numbers.message()).collect();
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/dns_codec.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = messages.iter().map(|message| hex(message) + "\n").collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.lines().count(), messages.len());
    let (mut ours, mut theirs) = (0, 0);
    for (message, line) in messages.iter().zip(output.lines()) {
        let again = unhex(line);
        assert_eq!(meaning(&again), meaning(message), "{}", hex(message));
        (ours, theirs) = (ours + message.len(), theirs + again.len());
    }
    eprintln!(
        "{} messages, {ours} octets of ours, {theirs} of dnspython's",
        messages.len()
    );
}

fn hex(bytes: &[u8]) -> String {
    let digits = |octet: &u8| {
        [octet >> 4, octet & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap())
    };
    bytes.iter().flat_map(digits).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
