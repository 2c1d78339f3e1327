//! scop-dnssec.

use core::hint::black_box;
use core::net::Ipv4Addr;

use scop_core::{
    Answer, Emit, Instant, Name, NameBuf, Query, QueryName, Rdata, Record, Rtype, SliceSink, Txt,
};
use scop_dnssec::stub::Counters;
use scop_dnssec::wire::{
    BuildError, Builder, Case, EdnsOption, ExtendedError, Flags, HEADER_LEN, Header, Message, Opt,
    Options, Question, Rcode, Section,
};
use scop_dnssec::{Entropy, Problem, Step, Stub, StubConfig, StubError, Transport};

use crate::tally::Tally;

/// The name that is asked for; it is an alias of the other.
const ALIAS: &[u8] = b"www.example.org";
const TARGET: &[u8] = b"host.example.org";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// Reads `input` as a message, writes messages and reads them back, and drives the stub resolver.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    read_message(input, &mut tally);
    tally.flag(Question::parse_in(input, input.len() / 2).is_ok());
    tally.flag(Message::parse_prefix(input).is_ok());
    options(input, &mut tally);
    flags(input, &mut tally);

    let mut query = [0; 300];
    let mut response = [0; 1500];
    let written = write_query(&mut query, input)
        .and_then(|query| write_response(query, &mut response, input));
    tally.check(written.is_ok());
    if let Ok(response) = written {
        read_message(response, &mut tally);
        let message = Message::parse(response);
        tally.check(message.is_ok_and(|message| {
            message.answers().count() == 2 && message.additionals().count() == 2
        }));
        for len in 0..response.len() {
            let cut = response.get(..len).unwrap_or_default();
            tally.flag(Message::parse(cut).is_ok());
        }
    }
    tally.check(matches!(
        write_query(&mut query, black_box(&[0; 300])),
        Err(BuildError::Full)
    ));

    let udp = |server: &mut Server| server.datagram = true;
    let tcp = |server: &mut Server| server.datagram = false;
    let broken = |server: &mut Server| server.rcode = black_box(Rcode::SERVFAIL);
    let silent = |server: &mut Server| server.silent = black_box(true);
    resolve(udp, &mut tally, |stub| {
        is_address(stub.answer()) && stub.counters().aliases == 1
    });
    resolve(tcp, &mut tally, |stub| is_address(stub.answer()));
    resolve(broken, &mut tally, |stub| {
        matches!(
            stub.problem(),
            Some(Problem::Rcode(Rcode::SERVFAIL, Some(22)))
        ) && matches!(stub.answer(), Some(Answer::Failed(_)))
    });
    resolve(silent, &mut tally, |stub| {
        stub.problem() == Some(Problem::Timeout)
    });
    tally.finish()
}

fn is_address(answer: Option<Answer<'_>>) -> bool {
    matches!(answer, Some(Answer::Records(records, _))
        if records.iter().any(|rdata| matches!(rdata, Rdata::A(ADDRESS))))
}

fn read_message(bytes: &[u8], tally: &mut Tally) {
    tally.flag(Header::read(bytes).is_some_and(|header| header.answers > 1));
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    tally.bytes(message.as_bytes());
    tally.emit(&message.header());
    tally.add(message.id().into());
    tally.add(message.rcode().0.into());
    tally.flag(message.flags().contains(Flags::QR));
    for question in message.questions() {
        tally.emit(&question);
        let records = message.answers().records(question.name, question.rtype);
        tally.add(records.iter().count());
    }
    section(message.answers(), tally);
    section(message.authorities(), tally);
    section(message.additionals(), tally);
    if let Some(opt) = message.opt() {
        tally.emit(&opt);
        tally.flag(opt.dnssec_ok());
        for error in opt.extended_errors() {
            tally.add(error.code.into());
            tally.bytes(error.text);
        }
    }
}

fn section(section: Section<'_>, tally: &mut Tally) {
    for record in section {
        tally.emit(&record.owner);
        tally.emit(&record.rdata);
        tally.add(record.ttl as usize);
    }
}

fn options(input: &[u8], tally: &mut Tally) {
    let option = EdnsOption {
        code: ExtendedError::OPTION,
        data: input,
    };
    tally.flag(ExtendedError::from_option(&option).is_some());
    tally.emit(&option);
    if let Ok(options) = Options::parse(input) {
        tally.bytes(options.as_bytes());
        options.iter().for_each(|option| tally.bytes(option.data));
    }
}

fn flags(input: &[u8], tally: &mut Tally) {
    let number = input
        .first_chunk()
        .map_or(9, |two| u16::from_be_bytes(*two));
    let flags = Flags(black_box(number));
    tally.add(flags.without(Flags::AD).only(Flags::CD).0.into());
    let flags = flags.with_opcode(black_box(5)).with_rcode(Rcode::NXDOMAIN);
    tally.check(flags.opcode() == 5 && flags.rcode() == Rcode::NXDOMAIN);
    tally.flag(flags.with(Flags::TC).with_if(input.is_empty(), Flags::AA) == flags);
    tally.check_emit(
        &Header::new(black_box(7), Flags::RD),
        b"\0\x07\x01\0\0\0\0\0\0\0\0\0",
    );
}

fn write_query<'b>(buffer: &'b mut [u8], option: &[u8]) -> Result<&'b [u8], BuildError> {
    let mut rdata = [0; 300];
    let mut sink = SliceSink::new(&mut rdata);
    let code = black_box(10);
    EdnsOption { code, data: option }.emit(&mut sink)?;
    let options = Options::parse(sink.into_written()).unwrap_or_default();
    let name = name(ALIAS);
    let mut builder = Builder::new(buffer, black_box(0x1234), Flags::RD)?;
    let opt = Opt::new(black_box(1232)).with_dnssec_ok(true);
    builder.opt(opt.with_options(options))?;
    builder.question(&Question::new(name.as_name(), Rtype::A))?;
    builder.finish()
}

fn write_response<'b>(
    query: &[u8],
    buffer: &'b mut [u8],
    text: &[u8],
) -> Result<&'b [u8], BuildError> {
    let query = Message::parse(query).map_err(|_| BuildError::Full)?;
    let mut builder = Builder::response(buffer, &query)?;
    answer(&mut builder, Rcode::NOERROR)?;
    let zone = name(b"example.org");
    let owner = zone.as_name();
    builder.set_case(Case::Fold);
    let soa = Rdata::Soa {
        mname: owner,
        rname: owner,
        numbers: black_box([1; 5]),
    };
    builder.authority(&record(owner, soa))?;
    builder.additional(&record(owner, Rdata::Txt(Txt::joined(text))))?;
    let mut order = builder.answer(&record(owner, Rdata::Ns(owner)));
    if order == Err(BuildError::Order) {
        order = Ok(());
    }
    order?;
    builder.finish()
}

/// The alias and the address, with an extended error.
fn answer<'o, const N: usize>(
    builder: &mut Builder<'_, 'o, N>,
    rcode: Rcode,
) -> Result<(), BuildError> {
    let (alias, target) = (name(ALIAS), name(TARGET));
    builder.set_flags(Flags::QR.with(Flags::RA));
    builder.set_rcode(rcode);
    // Option 15 (RFC 8914), two octets: 22, no reachable authority.
    let options = Options::parse(black_box(b"\0\x0f\0\x02\0\x16")).unwrap_or_default();
    builder.opt(Opt::new(1232).with_options(options))?;
    if rcode == Rcode::NOERROR {
        builder.answer(&record(alias.as_name(), Rdata::Cname(target.as_name())))?;
        builder.answer(&record(target.as_name(), Rdata::A(black_box(ADDRESS))))?;
    }
    Ok(())
}

fn name(text: &[u8]) -> NameBuf {
    NameBuf::from_text(black_box(text)).unwrap_or_default()
}

fn record<'a>(owner: Name<'a>, rdata: Rdata<'a>) -> Record<'a> {
    Record {
        owner,
        class: 1,
        ttl: black_box(3600),
        rdata,
    }
}

/// A server that answers what it is asked.
struct Server {
    /// Over UDP it answers whole; otherwise it asks for TCP.
    datagram: bool,
    rcode: Rcode,
    silent: bool,
}

impl Server {
    fn reply<'b>(&self, query: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], BuildError> {
        let query = Message::parse(query).map_err(|_| BuildError::Order)?;
        let mut flags = Flags::QR.with(Flags::RD);
        flags = flags.with_if(!self.datagram, Flags::TC);
        let mut builder = Builder::<8>::with_names(buffer, query.id(), flags)?;
        for question in query.questions() {
            builder.question(&question)?;
        }
        answer(&mut builder, self.rcode)?;
        builder.set_flags(flags);
        builder.set_rcode(self.rcode);
        builder.finish()
    }
}

/// Drives the stub to its end; `holds` has to hold for it then.
fn resolve(change: impl Fn(&mut Server), tally: &mut Tally, holds: impl Fn(&Stub<'_>) -> bool) {
    let mut server = Server {
        datagram: true,
        rcode: Rcode::NOERROR,
        silent: false,
    };
    change(&mut server);
    let mut config = StubConfig::new(black_box(2));
    config.trusted = black_box(true);
    config.dnssec_ok = black_box(true);
    let mut buffer = [0; 1232];
    let entropy = Entropy(black_box([0x5a; Entropy::LEN]));
    let query = Query {
        name: QueryName::dotted([black_box(ALIAS), b"", b""]),
        rtype: black_box(Rtype::A),
    };
    let mut small = [0; 9];
    let started = Stub::new(query, &config, entropy.clone(), &mut small, Instant(0));
    tally.check(matches!(started, Err(StubError::ResponseBuffer)));
    let Ok(mut stub) = Stub::new(query, &config, entropy, &mut buffer, Instant(0)) else {
        return tally.check(false);
    };
    let mut now = Instant(0);
    loop {
        match stub.poll() {
            Step::Done => break,
            Step::Wait(until) => {
                now = until;
                stub.handle_timeout(now);
            }
            Step::Transmit(_, at) if server.silent => {
                tally.add(stub.source_port().into());
                stub.handle_closed(Transport::Udp, at + 1, now);
                if at > 0 {
                    stub.handle_input(Transport::Udp, at, b"stray", now);
                }
            }
            Step::Transmit(transport, at) => {
                let mut message = [0; 600];
                let prefixed = transport == Transport::Tcp;
                server.datagram |= prefixed;
                let query = stub.transmit();
                let query = query.get(2 * usize::from(prefixed)..).unwrap_or_default();
                let Ok(reply) = server.reply(query, &mut message) else {
                    return tally.check(false);
                };
                if prefixed {
                    let length = u16::try_from(reply.len()).unwrap_or(0).to_be_bytes();
                    stub.handle_input(transport, at, &length, now);
                    for chunk in reply.chunks(7) {
                        stub.handle_input(transport, at, chunk, now);
                    }
                } else {
                    stub.handle_input(transport, at, reply, now);
                }
            }
        }
    }
    tally.add(stub.ttl().unwrap_or(0) as usize);
    tally.emit(&stub.name());
    tally.flag(stub.response().is_some());
    let Counters { transmissions, .. } = stub.counters();
    tally.check(transmissions > 0);
    tally.add(HEADER_LEN);
    tally.check(holds(&stub));
}
