//! A scripted network.
//!
//! A case is a script: which transmissions the machine must make, in order, and what comes back to
//! each. Every case runs with the records in both orders and with TCP in chunks of one octet, seven
//! and all, and around each step the harness makes calls that must do nothing: early timeouts, input
//! from elsewhere, input and closings after the end.

use core::time::Duration;

use scop_core::{Answer, Instant, NameBuf, Query, QueryName, Rdata, Record, Rtype, Txt};
use scop_dnssec::stub::Counters;
use scop_dnssec::wire::{
    Builder, Case as NameCase, Flags, Message, Opt, Options, Presentation, Rcode,
};
use scop_dnssec::{Entropy, Problem, Step, Stub, StubConfig, Transport};

// The network.

pub(crate) type Edit = fn(&mut Vec<u8>);

/// A reply in the making.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) flags: Flags,
    pub(crate) rcode: Rcode,
    pub(crate) question: bool,
    pub(crate) answers: Vec<&'static str>,
    pub(crate) authorities: Vec<&'static str>,
    pub(crate) options: Option<Vec<u8>>,
    pub(crate) edits: Vec<Edit>,
}

pub(crate) fn reply(answers: &[&'static str]) -> Reply {
    Reply {
        flags: Flags::QR.with(Flags::RD).with(Flags::RA),
        rcode: Rcode::NOERROR,
        question: true,
        answers: answers.to_vec(),
        authorities: Vec::new(),
        options: None,
        edits: Vec::new(),
    }
}

pub(crate) fn error(rcode: Rcode) -> Reply {
    Reply {
        rcode,
        ..reply(&[])
    }
}

impl Reply {
    pub(crate) fn rcode(self, rcode: Rcode) -> Self {
        Self { rcode, ..self }
    }

    pub(crate) fn flags(self, flags: Flags) -> Self {
        Self {
            flags: self.flags.with(flags),
            ..self
        }
    }

    pub(crate) fn authorities(self, records: &[&'static str]) -> Self {
        Self {
            authorities: records.to_vec(),
            ..self
        }
    }

    pub(crate) fn options(self, options: &[u8]) -> Self {
        Self {
            options: Some(options.to_vec()),
            ..self
        }
    }

    pub(crate) fn without_question(self) -> Self {
        Self {
            question: false,
            ..self
        }
    }

    pub(crate) fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    pub(crate) fn to_message(&self, query: &[u8], reversed: bool) -> Vec<u8> {
        let query = Message::parse(query).unwrap();
        let mut buffer = vec![0; 65535];
        let flags = self.flags.without(Flags::TC);
        let mut builder = Builder::new(&mut buffer, query.id(), flags).unwrap();
        builder.set_case(NameCase::Fold);
        if self.question {
            builder
                .question(&query.questions().next().unwrap())
                .unwrap();
        }
        builder.set_flags(self.flags);
        builder.set_rcode(self.rcode);
        if let Some(options) = &self.options {
            builder
                .opt(Opt::new(1232).with_options(Options::parse(options).unwrap()))
                .unwrap();
        }
        let mut answers = self.answers.clone();
        if reversed {
            answers.reverse();
        }
        for line in answers {
            with_record(line, |record| builder.answer(record).unwrap());
        }
        for line in &self.authorities {
            with_record(line, |record| builder.authority(record).unwrap());
        }
        let mut bytes = builder.finish().unwrap().to_vec();
        self.edits.iter().for_each(|edit| edit(&mut bytes));
        bytes
    }
}

/// Reads `owner ttl TYPE data`; of SOA the data is MINIMUM.
pub(crate) fn with_record(line: &str, then: impl FnOnce(&Record<'_>)) {
    let name = |text: &str| NameBuf::from_text(text.as_bytes()).unwrap();
    let mut words = line.splitn(4, ' ');
    let mut word = || words.next().unwrap();
    let (owner, ttl, rtype, data) = (name(word()), word().parse().unwrap(), word(), word());
    let target = if matches!(rtype, "CNAME" | "NS" | "MX") {
        name(data)
    } else {
        NameBuf::ROOT
    };
    let target = target.as_name();
    let rdata = match rtype {
        "A" => Rdata::A(data.parse().unwrap()),
        "CNAME" => Rdata::Cname(target),
        "NS" => Rdata::Ns(target),
        "MX" => Rdata::Mx {
            preference: 10,
            exchange: target,
        },
        "TXT" => Rdata::Txt(Txt::joined(data.as_bytes())),
        "SOA" => Rdata::Soa {
            mname: target,
            rname: target,
            numbers: [1, 2, 3, 4, data.parse().unwrap()],
        },
        _ => panic!("{line}"),
    };
    then(&Record {
        owner: owner.as_name(),
        class: 1,
        ttl,
        rdata,
    });
}

/// What the network does after a transmission.
#[derive(Clone)]
pub(crate) enum Act {
    /// A reply comes from the server.
    Reply(Reply),
    /// These octets come.
    Octets(&'static [u8]),
    /// Nothing can be sent, or the connection ends.
    Closed,
}

/// `lost`, `closed`, or replies.
pub(crate) fn acts(replies: &[Reply]) -> Vec<Act> {
    replies.iter().cloned().map(Act::Reply).collect()
}

pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) query: (&'static str, Rtype),
    pub(crate) config: fn(&mut StubConfig),
    /// Each transmission, as `udp0` or `tcp1`, and what comes of it; nothing is a timeout.
    pub(crate) script: Vec<(&'static str, Vec<Act>)>,
    /// See [`show`].
    pub(crate) result: &'static str,
}

pub(crate) fn entropy(seed: u8) -> Entropy {
    let mut state = u32::from(seed) + 1;
    Entropy(core::array::from_fn(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }))
}

pub(crate) struct End {
    pub(crate) result: String,
    pub(crate) counters: Counters,
    pub(crate) problem: Option<Problem>,
    pub(crate) at: Instant,
    pub(crate) queries: Vec<Vec<u8>>,
}

/// Begins at a time that is not zero.
pub(crate) const BEGIN: Instant = Instant(1_000_000);

pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(10);

pub(crate) fn run(case: &Case, reversed: bool, chunk: usize) -> End {
    let mut config = StubConfig::new(1);
    (case.config)(&mut config);
    let mut response = vec![0; 4096];
    let mut stub = begin(case.query, &config, &mut response);
    let (mut now, mut script, mut queries) = (BEGIN, case.script.iter(), Vec::new());
    loop {
        match stub.poll() {
            Step::Done => break,
            step @ Step::Wait(until) => {
                assert!(until > now && stub.answer().is_none(), "{}", case.what);
                stub.handle_timeout(now);
                stub.handle_timeout(Instant(until.0 - 1));
                assert_eq!(stub.poll(), step, "{}: an early timeout", case.what);
                now = until;
                stub.handle_timeout(now);
            }
            Step::Transmit(transport, server) => {
                let made = format!("{transport:?}{server}").to_lowercase();
                let Some((expected, acts)) = script.next() else {
                    panic!("{}: more: {made}", case.what)
                };
                let number = queries.len();
                assert_eq!(made, *expected, "{}: transmission {number}", case.what);
                let query = message_sent(&stub, transport);
                from_elsewhere(&mut stub, transport, server, &query, now);
                for act in acts {
                    now = now + ROUND_TRIP;
                    let bytes = match act {
                        Act::Closed => {
                            stub.handle_closed(transport, server, now);
                            continue;
                        }
                        Act::Octets(octets) => octets.to_vec(),
                        Act::Reply(reply) => framed(transport, reply.to_message(&query, reversed)),
                    };
                    let size = match transport {
                        Transport::Tcp => chunk,
                        Transport::Udp => bytes.len().max(1),
                    };
                    if bytes.is_empty() {
                        stub.handle_input(transport, server, &bytes, now);
                    }
                    for piece in bytes.chunks(size) {
                        stub.handle_input(transport, server, piece, now);
                    }
                }
                queries.push(query);
            }
        }
        assert!(now <= BEGIN + config.limits.total, "{}: late", case.what);
    }
    let left = script.count();
    assert_eq!(left, 0, "{}: transmissions that were not made", case.what);
    let end = End {
        result: show(&stub),
        counters: stub.counters(),
        problem: stub.problem(),
        at: now,
        queries,
    };
    if let Some(Answer::Failed(failure)) = stub.answer() {
        let problem = end.problem.map(Problem::failure);
        assert_eq!(problem, Some(failure), "{}: a failure says why", case.what);
    }
    let made = usize::from(end.counters.transmissions);
    assert_eq!(made, end.queries.len(), "{}", case.what);
    after_the_end(&mut stub, &end);
    end
}

pub(crate) fn begin<'b>(
    (name, rtype): (&str, Rtype),
    config: &StubConfig,
    response: &'b mut [u8],
) -> Stub<'b> {
    let query = Query {
        name: QueryName::dotted([name.as_bytes(), b"", b""]),
        rtype,
    };
    Stub::new(query, config, entropy(7), response, BEGIN).unwrap()
}

/// The message that goes out.
pub(crate) fn message_sent(stub: &Stub<'_>, transport: Transport) -> Vec<u8> {
    assert!(stub.source_port() >= 1024);
    let octets = stub.transmit();
    let message = match transport {
        Transport::Udp => octets,
        Transport::Tcp => octets.split_at(2).1,
    };
    assert_eq!(octets, framed(transport, message.to_vec()));
    message.to_vec()
}

/// Over TCP the length stands before a message.
fn framed(transport: Transport, message: Vec<u8>) -> Vec<u8> {
    match transport {
        Transport::Udp => message,
        Transport::Tcp => [&(message.len() as u16).to_be_bytes()[..], &message].concat(),
    }
}

/// Two replies that would be good, and closings, where nothing is open.
fn from_elsewhere(
    stub: &mut Stub<'_>,
    transport: Transport,
    server: usize,
    query: &[u8],
    now: Instant,
) {
    let good = reply(&["x. 1 A 192.0.2.99"]).to_message(query, false);
    let other = match transport {
        Transport::Tcp => Transport::Udp,
        Transport::Udp => Transport::Tcp,
    };
    let (step, ignored) = (stub.poll(), stub.counters().ignored);
    for (transport, server) in [(transport, server + 1), (other, server)] {
        stub.handle_input(transport, server, &good, now);
        stub.handle_closed(transport, server, now);
    }
    assert_eq!(stub.poll(), step);
    assert_eq!(stub.counters().ignored, ignored + FROM_ELSEWHERE);
}

/// How many inputs [`run`] makes from elsewhere for each transmission.
pub(crate) const FROM_ELSEWHERE: u32 = 2;

/// The end is the end.
fn after_the_end(stub: &mut Stub<'_>, end: &End) {
    let query = end.queries.last().map_or(&[][..], Vec::as_slice);
    let other = error(Rcode::NXDOMAIN).to_message(query, false);
    for transport in [Transport::Udp, Transport::Tcp] {
        stub.handle_input(transport, 0, &framed(transport, other.clone()), end.at);
        stub.handle_closed(transport, 0, end.at);
    }
    stub.handle_timeout(end.at + Duration::from_secs(3600));
    assert_eq!(stub.poll(), Step::Done);
    assert_eq!(
        (show(stub), stub.counters()),
        (end.result.clone(), end.counters)
    );
}

/// The answer in one line; records sorted.
pub(crate) fn show(stub: &Stub<'_>) -> String {
    let (what, security) = match stub.answer().unwrap() {
        Answer::Failed(failure) => return format!("failed: {failure:?}"),
        Answer::NoData(security) => ("no data".into(), security),
        Answer::NxDomain(security) => ("no name".into(), security),
        Answer::Records(records, security) => {
            let mut lines: Vec<_> = records
                .iter()
                .map(|rdata| format!("{} {}", rdata.rtype(), Presentation(&rdata)))
                .collect();
            lines.sort();
            (lines.join(", "), security)
        }
    };
    let ttl = stub.ttl().map_or("-".into(), |ttl| ttl.to_string());
    format!("{what} of {} for {ttl} {security:?}", stub.name())
}

pub(crate) fn check(cases: &[Case]) {
    for case in cases {
        for reversed in [false, true] {
            for chunk in [1, 7, 65537] {
                let end = run(case, reversed, chunk);
                assert_eq!(
                    end.result, case.result,
                    "{} (reversed: {reversed})",
                    case.what
                );
            }
        }
    }
}

pub(crate) fn plain(_: &mut StubConfig) {}

pub(crate) fn servers<const N: usize>(config: &mut StubConfig) {
    config.servers = N;
}

// What the edits of replies do.

pub(crate) fn other_id(bytes: &mut Vec<u8>) {
    *bytes.get_mut(1).unwrap() ^= 1;
}

pub(crate) fn other_case(bytes: &mut Vec<u8>) {
    *bytes.get_mut(13).unwrap() ^= 0x20;
}

pub(crate) fn other_name(bytes: &mut Vec<u8>) {
    *bytes.get_mut(13).unwrap() = b'0';
}

/// The last octet of the question of a reply without records.
pub(crate) fn other_class(bytes: &mut Vec<u8>) {
    *bytes.last_mut().unwrap() = 3;
}

pub(crate) fn other_type(bytes: &mut Vec<u8>) {
    let at = bytes.len() - 3;
    *bytes.get_mut(at).unwrap() ^= 2;
}

pub(crate) fn no_response(bytes: &mut Vec<u8>) {
    *bytes.get_mut(2).unwrap() &= 0x7f;
}

pub(crate) fn other_opcode(bytes: &mut Vec<u8>) {
    *bytes.get_mut(2).unwrap() |= 0x10;
}

pub(crate) fn cut(bytes: &mut Vec<u8>) {
    bytes.pop();
}

pub(crate) fn longer(bytes: &mut Vec<u8>) {
    bytes.push(0);
}

pub(crate) const A: &str = "www.example. 60 A 192.0.2.1";
