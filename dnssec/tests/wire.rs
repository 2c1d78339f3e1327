//! The message codec: known answers, round trips, hostile messages.
#![expect(
    clippy::unwrap_used,
    clippy::large_enum_variant,
    clippy::type_complexity,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use core::time::Duration;
use std::time::Instant;

use proptest::prelude::*;
use scop_core::record::{CLASS_IN, RecordErrorKind};
use scop_core::{Emit, Full, NameBuf, Rdata, Record, Rtype, Sink, Txt, name::NameErrorKind};
use scop_dnssec::wire::{
    BuildError, Builder, Case, EdnsOption, ExtendedError, Flags, Header, Message, MessageErrorKind,
    Opt, OptErrorKind, Options, Question, Rcode, RecordLine,
};

fn name(text: &str) -> NameBuf {
    NameBuf::from_text(text.as_bytes()).unwrap()
}

/// What is emitted, as a vector.
#[derive(Default)]
struct Octets(Vec<u8>);

impl Sink for Octets {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn octets(value: &impl Emit) -> Vec<u8> {
    let mut octets = Octets::default();
    value.emit(&mut octets).unwrap();
    octets.0
}

/// A message as text, one line for each question and record.
fn show(message: &Message<'_>) -> Vec<String> {
    let mut lines = vec![format!(
        "{:#06x} {} {}",
        message.id(),
        message.flags(),
        message.rcode()
    )];
    for question in message.questions() {
        lines.push(format!(
            "? {} {} {}",
            question.name, question.class, question.rtype
        ));
    }
    for (section, mark) in [
        (message.answers(), '='),
        (message.authorities(), '^'),
        (message.additionals(), '+'),
    ] {
        for record in section {
            lines.push(format!("{mark} {}", RecordLine(&record)));
        }
    }
    lines
}

#[test]
fn known_messages() {
    // RFC 1034 6.2.1, 6.2.3, 6.2.5 and 6.2.7, put into the wire form of RFC 1035 4; then a query with
    // OPT (RFC 6891 6.1) and a reply that extends its RCODE and explains itself (RFC 8914).
    for (bytes, lines) in [
        (
            &b"\x00\x01\x84\x00\x00\x01\x00\x02\x00\x00\x00\x00\
               \x07SRI-NIC\x04ARPA\x00\x00\x01\x00\x01\
               \xc0\x0c\x00\x01\x00\x01\x00\x01\x51\x80\x00\x04\x1a\x00\x00\x49\
               \xc0\x0c\x00\x01\x00\x01\x00\x01\x51\x80\x00\x04\x0a\x00\x00\x33"[..],
            &[
                "0x0001 qr aa opcode 0 NOERROR NOERROR",
                "? SRI-NIC.ARPA. 1 A",
                "= SRI-NIC.ARPA. 86400 IN A 26.0.0.73",
                "= SRI-NIC.ARPA. 86400 IN A 10.0.0.51",
            ][..],
        ),
        (
            b"\x00\x02\x84\x00\x00\x01\x00\x01\x00\x00\x00\x01\
              \x07SRI-NIC\x04ARPA\x00\x00\x0f\x00\x01\
              \xc0\x0c\x00\x0f\x00\x01\x00\x01\x51\x80\x00\x04\x00\x00\xc0\x0c\
              \xc0\x0c\x00\x01\x00\x01\x00\x01\x51\x80\x00\x04\x1a\x00\x00\x49",
            &[
                "0x0002 qr aa opcode 0 NOERROR NOERROR",
                "? SRI-NIC.ARPA. 1 MX",
                "= SRI-NIC.ARPA. 86400 IN MX 0 SRI-NIC.ARPA.",
                "+ SRI-NIC.ARPA. 86400 IN A 26.0.0.73",
            ],
        ),
        (
            b"\x00\x03\x84\x03\x00\x01\x00\x00\x00\x01\x00\x00\
              \x07SIR-NIC\x04ARPA\x00\x00\x01\x00\x01\
              \x00\x00\x06\x00\x01\x00\x01\x51\x80\x00\x2b\x07SRI-NIC\xc0\x14\x0aHOSTMASTER\xc0\x29\
              \x00\x0d\x48\xd3\x00\x00\x07\x08\x00\x00\x01\x2c\x00\x09\x3a\x80\x00\x01\x51\x80",
            &[
                "0x0003 qr aa opcode 0 NXDOMAIN NXDOMAIN",
                "? SIR-NIC.ARPA. 1 A",
                "^ . 86400 IN SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400",
            ],
        ),
        (
            b"\x00\x04\x84\x00\x00\x01\x00\x02\x00\x00\x00\x00\
              \x08USC-ISIC\x04ARPA\x00\x00\x01\x00\x01\
              \xc0\x0c\x00\x05\x00\x01\x00\x01\x51\x80\x00\x0b\x01C\x03ISI\x03EDU\x00\
              \xc0\x2b\x00\x01\x00\x01\x00\x01\x51\x80\x00\x04\x0a\x00\x00\x34",
            &[
                "0x0004 qr aa opcode 0 NOERROR NOERROR",
                "? USC-ISIC.ARPA. 1 A",
                "= USC-ISIC.ARPA. 86400 IN CNAME C.ISI.EDU.",
                "= C.ISI.EDU. 86400 IN A 10.0.0.52",
            ],
        ),
        (
            b"\xab\xcd\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01\
              \x07eXample\x03ORG\x00\x00\x1c\x00\x01\
              \x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00",
            &[
                "0xabcd rd ad opcode 0 NOERROR NOERROR",
                "? eXample.ORG. 1 AAAA",
                "+ . 32768 CLASS1232 OPT \\# 0",
            ],
        ),
        (
            b"\x00\x05\x81\x90\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x02\x00\x01\
              \x00\x00\x29\x04\xd0\x01\x00\x00\x00\x00\x08\x00\x0f\x00\x04\x00\x12no",
            &[
                "0x0005 qr rd ra cd opcode 0 NOERROR BADVERS",
                "? . 1 NS",
                "+ . 16777216 CLASS1232 OPT \\# 8 000f000400126e6f",
            ],
        ),
    ] {
        let message = Message::parse(bytes).unwrap();
        assert_eq!(show(&message), lines);
        assert_eq!(message.as_bytes(), bytes);
        // Written again they are the same octets: compression finds what a person would.
        let mut buffer = [0; 512];
        let rebuilt = rebuild(&message, &mut buffer, Case::Exact).unwrap();
        assert_eq!(rebuilt, bytes, "{lines:?}");
        for cut in 0..bytes.len() {
            assert!(Message::parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}

/// Reads every part of a message and writes it again.
fn rebuild<'b>(
    message: &Message<'_>,
    buffer: &'b mut [u8],
    case: Case,
) -> Result<&'b [u8], BuildError> {
    let mut builder = Builder::new(buffer, message.id(), message.flags())?;
    builder.set_case(case);
    builder.set_rcode(message.rcode());
    if let Some(opt) = message.opt() {
        builder.opt(opt)?;
    }
    for question in message.questions() {
        builder.question(&question)?;
    }
    for record in message.answers() {
        builder.answer(&record)?;
    }
    for record in message.authorities() {
        builder.authority(&record)?;
    }
    for record in message
        .additionals()
        .filter(|record| record.rdata.rtype() != Rtype::OPT)
    {
        builder.additional(&record)?;
    }
    builder.finish()
}

#[test]
fn extended_errors_are_read() {
    let bytes = b"\x00\x05\x81\x82\x00\x00\x00\x00\x00\x00\x00\x01\
        \x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x12\xfd\xe9\x00\x00\x00\x0f\x00\x06\x00\x06evil\x00\x03\x00\x00";
    let message = Message::parse(bytes).unwrap();
    let opt = message.opt().unwrap();
    assert!(opt.dnssec_ok());
    assert_eq!(
        opt.options
            .iter()
            .map(|option| option.code)
            .collect::<Vec<_>>(),
        [65001, 15, 3]
    );
    let errors: Vec<_> = opt.extended_errors().collect();
    assert_eq!(
        errors,
        [ExtendedError {
            code: 6,
            text: b"evil"
        }]
    );
}

#[test]
fn errors_say_the_rule_and_the_byte() {
    use MessageErrorKind as Kind;
    let question = b"\x01a\x00\x00\x01\x00\x01";
    let opt = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
    let message = |counts: [u8; 4], parts: &[&[u8]]| {
        let mut bytes = vec![0; 4];
        bytes.extend(counts.iter().flat_map(|&count| [0, count]));
        bytes.extend(parts.concat());
        bytes
    };
    for (bytes, kind, at) in [
        (vec![0; 11], Kind::Truncated, 11),
        (
            message([1, 0, 0, 0], &[]),
            Kind::Record(RecordErrorKind::Name(NameErrorKind::Truncated)),
            12,
        ),
        (
            message([1, 0, 0, 0], &[&question[..6]]),
            Kind::Record(RecordErrorKind::Truncated),
            15,
        ),
        (
            message([2, 0, 0, 0], &[question]),
            Kind::Record(RecordErrorKind::Name(NameErrorKind::Truncated)),
            19,
        ),
        (
            message([1, 0, 0, 0], &[question, b"x"]),
            Kind::TrailingData,
            19,
        ),
        (message([0, 0, 0, 0], &[question]), Kind::TrailingData, 12),
        (message([0, 1, 0, 0], &[opt]), Kind::OptSection, 12),
        (message([0, 0, 1, 0], &[opt]), Kind::OptSection, 12),
        (message([0, 0, 0, 2], &[opt, opt]), Kind::OptTwice, 23),
        (
            message([0, 0, 0, 1], &[b"\x01a", opt]),
            Kind::Opt(OptErrorKind::Owner),
            25,
        ),
        (
            message(
                [0, 0, 0, 1],
                &[&opt[..9], b"\x00\x09\x00\x01\x00\x00\x00\x01\x00\x02z"],
            ),
            Kind::Opt(OptErrorKind::OptionLength),
            27,
        ),
        // An answer that begins with a pointer to itself, and one to what follows.
        (
            message([0, 1, 0, 0], &[b"\xc0\x0c", &[0; 10]]),
            Kind::Record(RecordErrorKind::Name(NameErrorKind::Pointer)),
            12,
        ),
        (
            message([0, 1, 0, 0], &[b"\xc0\x0e", &[0; 10]]),
            Kind::Record(RecordErrorKind::Name(NameErrorKind::Pointer)),
            12,
        ),
        // RDATA of a name that ends in the next record.
        (
            message(
                [0, 2, 0, 0],
                &[
                    b"\x00\x00\x05\x00\x01\0\0\0\0\x00\x01\x01",
                    b"a\x00\x00\x01\x00\x01\0\0\0\0\x00\x00",
                ],
            ),
            Kind::Record(RecordErrorKind::Name(NameErrorKind::Truncated)),
            24,
        ),
    ] {
        let error = Message::parse(&bytes).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{bytes:?}");
        assert!(error.to_string().contains("RFC"), "{error}");
    }
    let (message, rest) = Message::parse_prefix(b"\0\0\0\0\0\0\0\0\0\0\0\0rest").unwrap();
    assert_eq!((message.as_bytes().len(), rest), (12, &b"rest"[..]));
}

#[test]
fn counts_that_lie() {
    // Each count claims 65535; the bytes hold fewer: the end of the bytes is the end of the work.
    for at in [4, 6, 8, 10] {
        let mut bytes = vec![0; 12];
        bytes[at] = 0xff;
        bytes[at + 1] = 0xff;
        bytes.extend(core::iter::repeat_n([0, 0, 99, 0, 1, 0, 0, 0, 0, 0, 0], 5956).flatten());
        assert!(bytes.len() <= 65535);
        assert!(Message::parse(&bytes).is_err());
    }
    // And 65535 records that are there, in more bytes than TCP can carry.
    let mut bytes = vec![0; 12];
    (bytes[6], bytes[7]) = (0xff, 0xff);
    bytes.extend(core::iter::repeat_n([0, 0, 99, 0, 1, 0, 0, 0, 0, 0, 0], 65535).flatten());
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        (message.answers().len(), message.answers().count()),
        (65535, 65535)
    );
}

/// Ten times what an unoptimised build needs on a slow machine; the attacks take minutes.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn pointer_chains_cost_little() {
    // One opaque record full of pointers, each to the one before; then records that enter the chain at
    // its deepest allowed place. Without a limit that place would be 8000 pointers deep.
    let mut bytes =
        b"\0\0\0\0\0\0\0\0\0\0\0\0\x00\x00\x63\x00\x01\0\0\0\0\x3f\xe0\x00\x00".to_vec();
    let chain = bytes.len();
    bytes.extend([0xc0, 23]);
    while bytes.len() < 23 + 0x3fe0 {
        let before = bytes.len() as u16 - 2;
        bytes.extend((0xc000 | before).to_be_bytes());
    }
    let mut records = 1_u16;
    let allowed = (chain + 2 * 125) as u16;
    while bytes.len() < 65500 {
        bytes.extend((0xc000 | allowed).to_be_bytes());
        bytes.extend([0, 99, 0, 1, 0, 0, 0, 0, 0, 0]);
        records += 1;
    }
    bytes[6..8].copy_from_slice(&records.to_be_bytes());
    let start = Instant::now();
    assert_eq!(
        Message::parse(&bytes).unwrap().answers().count(),
        records.into()
    );
    assert!(start.elapsed() < SOON);
    let last = bytes.len() - 12;
    bytes[last..last + 2].copy_from_slice(&(0xc000 | (allowed + 2)).to_be_bytes());
    let error = Message::parse(&bytes).unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (
            MessageErrorKind::Record(RecordErrorKind::Name(NameErrorKind::Pointer)),
            chain
        )
    );
}

#[test]
fn names_that_repeat_themselves_cost_little() {
    // RUSTSEC-2026-0119: names of 127 equal labels, for which every suffix resembles every other.
    let mut long = NameBuf::ROOT;
    for _ in 0..126 {
        long.push_label(b"a").unwrap();
    }
    let mut buffer = vec![0; 65535];
    let mut builder = Builder::<64>::with_names(&mut buffer, 1, Flags::QR).unwrap();
    let start = Instant::now();
    let mut records = 0;
    for number in 0_u32.. {
        // Another first label each time, so that the whole name is never found.
        let mut wire = long.as_wire().to_vec();
        wire[1] = b'b' + (number % 20) as u8;
        wire[3] = b'b' + (number / 20 % 20) as u8;
        let owner = scop_core::Name::parse(&wire).unwrap();
        let record = Record {
            owner,
            class: 1,
            ttl: 0,
            rdata: Rdata::A([0; 4].into()),
        };
        if builder.answer(&record) == Err(BuildError::Full) {
            break;
        }
        records += 1;
    }
    assert!(start.elapsed() < SOON);
    let message = Message::parse(builder.finish().unwrap()).unwrap();
    assert!(records > 200 && message.answers().count() == records);
    assert!(message.flags().contains(Flags::TC));
}

#[test]
fn responses_are_cut_between_records() {
    let query = b"\x12\x34\x29\x10\x00\x01\x00\x00\x00\x00\x00\x00\x03wWw\x00\x00\x10\x00\x01";
    let query = Message::parse(query).unwrap();
    let owner = query.questions().next().unwrap().name;
    let text = [b'x'; 100];
    let record = |rdata| Record {
        owner,
        class: CLASS_IN,
        ttl: 5,
        rdata,
    };
    let (long, short) = (
        record(Rdata::Txt(Txt::joined(&text))),
        record(Rdata::A([1; 4].into())),
    );
    let mut buffer = [0xee; 164];
    let mut builder = Builder::response(&mut buffer, &query).unwrap();
    builder.opt(Opt::new(512)).unwrap();
    assert_eq!(builder.answer(&long), Ok(()));
    assert_eq!(builder.answer(&long), Err(BuildError::Full));
    assert_eq!(builder.authority(&short), Ok(()));
    assert_eq!(builder.answer(&short), Err(BuildError::Order));
    assert_eq!(
        builder.question(&query.questions().next().unwrap()),
        Err(BuildError::Order)
    );
    // Three octets are left, and eleven that are reserved.
    assert_eq!(builder.additional(&short), Err(BuildError::Full));
    builder.set_rcode(Rcode::BADVERS);
    let message = Message::parse(builder.finish().unwrap()).unwrap();
    assert_eq!(
        message.header(),
        Header {
            id: 0x1234,
            flags: Flags(0xab10), // QR, OPCODE 5, TC, RD and CD
            questions: 1,
            answers: 1,
            authorities: 1,
            additionals: 1,
        }
    );
    assert_eq!(message.rcode(), Rcode::BADVERS);
    assert_eq!(message.questions().next().unwrap().name.to_string(), "wWw.");
    // A section that may be left out does not set TC, and an RCODE of more than four bits needs OPT.
    let mut buffer = [0; 34];
    let mut builder = Builder::response(&mut buffer, &query).unwrap();
    assert_eq!(builder.opt(Opt::new(0)), Ok(()));
    assert_eq!(
        builder.opt(Opt::new(0).with_options(Options::parse(&[0, 9, 0, 0]).unwrap())),
        Err(BuildError::Full)
    );
    assert_eq!(builder.additional(&long), Err(BuildError::Full));
    assert!(
        !Message::parse(builder.finish().unwrap())
            .unwrap()
            .flags()
            .contains(Flags::TC)
    );
    let mut builder = Builder::response(&mut buffer, &query).unwrap();
    builder.set_rcode(Rcode::BADVERS);
    assert_eq!(builder.finish(), Err(BuildError::RcodeWithoutOpt));
    assert_eq!(
        Builder::new(&mut [0; 11], 0, Flags::RD).unwrap_err(),
        BuildError::Full
    );
}

#[test]
fn rdata_of_other_types_is_not_compressed() {
    // RFC 3597 4: an SRV target stays as it is, although the name stands earlier.
    let owner = name("host.example");
    let srv = [&[0, 1, 0, 2, 0, 25][..], owner.as_wire()].concat();
    let rdata = Rdata::Other {
        rtype: Rtype(33),
        data: &srv,
    };
    let mut buffer = [0; 512];
    let mut builder = Builder::new(&mut buffer, 0, Flags::QR).unwrap();
    builder
        .answer(&Record {
            owner: owner.as_name(),
            class: 1,
            ttl: 0,
            rdata,
        })
        .unwrap();
    assert!(builder.finish().unwrap().ends_with(&srv));
    // RDLENGTH has 16 bits.
    let data = vec![0; 65536];
    let mut buffer = vec![0; 70000];
    let mut builder = Builder::new(&mut buffer, 0, Flags::QR).unwrap();
    let rdata = Rdata::Other {
        rtype: Rtype(33),
        data: &data,
    };
    let record = Record {
        owner: owner.as_name(),
        class: 1,
        ttl: 0,
        rdata,
    };
    assert_eq!(builder.answer(&record), Err(BuildError::Full));
}

// Values for the property tests.

#[derive(Clone, Debug)]
enum Data {
    Name(u16, NameBuf),
    Mx(u16, NameBuf),
    Soa(NameBuf, NameBuf, [u32; 5]),
    Txt(Vec<u8>),
    Address([u8; 16]),
    Other(u16, Vec<u8>),
}

#[derive(Clone, Debug)]
struct Entry {
    section: u8,
    owner: NameBuf,
    class: u16,
    ttl: u32,
    data: Data,
}

impl Entry {
    fn record(&self) -> Record<'_> {
        let rdata = match &self.data {
            Data::Name(2, name) => Rdata::Ns(name.as_name()),
            Data::Name(5, name) => Rdata::Cname(name.as_name()),
            Data::Name(_, name) => Rdata::Ptr(name.as_name()),
            Data::Mx(preference, name) => Rdata::Mx {
                preference: *preference,
                exchange: name.as_name(),
            },
            Data::Soa(mname, rname, numbers) => Rdata::Soa {
                mname: mname.as_name(),
                rname: rname.as_name(),
                numbers: *numbers,
            },
            Data::Txt(text) => Rdata::Txt(Txt::joined(text)),
            Data::Address(octets) if octets[0] & 1 == 0 => {
                Rdata::A([octets[1], octets[2], octets[3], octets[4]].into())
            }
            Data::Address(octets) => Rdata::Aaaa((*octets).into()),
            Data::Other(rtype, data) => Rdata::Other {
                rtype: Rtype(*rtype),
                data,
            },
        };
        Record {
            owner: self.owner.as_name(),
            class: self.class,
            ttl: self.ttl,
            rdata,
        }
    }
}

/// Few labels, so that names share suffixes, in both cases.
fn any_name() -> impl Strategy<Value = NameBuf> {
    let label = prop::sample::select(vec![
        &b"a"[..],
        b"A",
        b"b",
        b"\x00.",
        b"mail",
        b"MAIL",
        b"example",
        b"_dmarc",
        &[b'x'; 63],
    ]);
    prop::collection::vec(label, 0..6).prop_filter_map("too long", |labels| {
        let mut name = NameBuf::ROOT;
        labels
            .iter()
            .try_for_each(|label| name.push_label(label))
            .ok()
            .map(|()| name)
    })
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let data = prop_oneof![
        (prop::sample::select(vec![2_u16, 5, 12]), any_name())
            .prop_map(|(rtype, name)| Data::Name(rtype, name)),
        (any::<u16>(), any_name()).prop_map(|(number, name)| Data::Mx(number, name)),
        (any_name(), any_name(), any::<[u32; 5]>())
            .prop_map(|(m, r, numbers)| Data::Soa(m, r, numbers)),
        prop::collection::vec(any::<u8>(), 0..600).prop_map(Data::Txt),
        any::<[u8; 16]>().prop_map(Data::Address),
        (50_u16..100, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(rtype, data)| Data::Other(rtype, data)),
    ];
    (0_u8..3, any_name(), any::<u16>(), any::<u32>(), data).prop_map(
        |(section, owner, class, ttl, data)| Entry {
            section,
            owner,
            class,
            ttl,
            data,
        },
    )
}

#[derive(Clone, Debug)]
struct Whole {
    id: u16,
    flags: u16,
    rcode: u16,
    questions: Vec<(NameBuf, u16, u16)>,
    entries: Vec<Entry>,
    opt: Option<(u16, u8, u16, Vec<(u16, Vec<u8>)>)>,
}

fn any_whole() -> impl Strategy<Value = Whole> {
    let option = (any::<u16>(), prop::collection::vec(any::<u8>(), 0..20));
    let opt = (
        any::<u16>(),
        any::<u8>(),
        any::<u16>(),
        prop::collection::vec(option, 0..4),
    );
    (
        any::<u16>(),
        any::<u16>(),
        0_u16..4096,
        prop::collection::vec((any_name(), any::<u16>(), any::<u16>()), 0..3),
        prop::collection::vec(any_entry(), 0..20),
        prop::option::of(opt),
    )
        .prop_map(|(id, flags, rcode, questions, mut entries, opt)| {
            entries.sort_by_key(|entry| entry.section);
            Whole {
                id,
                flags,
                rcode: if opt.is_some() { rcode } else { rcode & 15 },
                questions,
                entries,
                opt,
            }
        })
}

impl Whole {
    fn options(&self) -> Vec<u8> {
        let all = self.opt.iter().flat_map(|opt| &opt.3);
        all.flat_map(|(code, data)| octets(&EdnsOption { code: *code, data }))
            .collect()
    }

    /// Writes what fits and tells how many entries did.
    fn build<'b>(
        &self,
        buffer: &'b mut [u8],
        case: Case,
    ) -> Result<(&'b [u8], Vec<bool>), BuildError> {
        let options = self.options();
        let mut builder = Builder::new(buffer, self.id, Flags(self.flags))?;
        builder.set_case(case);
        builder.set_rcode(Rcode(self.rcode));
        if let Some((udp_size, version, flags, _)) = self.opt {
            let mut opt = Opt::new(udp_size).with_options(Options::parse(&options).unwrap());
            (opt.version, opt.flags) = (version, flags);
            builder.opt(opt)?;
        }
        for (name, rtype, class) in &self.questions {
            let question = Question {
                name: name.as_name(),
                rtype: Rtype(*rtype),
                class: *class,
            };
            builder.question(&question)?;
        }
        let fitted = self
            .entries
            .iter()
            .map(|entry| {
                let record = entry.record();
                match entry.section {
                    0 => builder.answer(&record),
                    1 => builder.authority(&record),
                    _ => builder.additional(&record),
                }
                .is_ok()
            })
            .collect();
        Ok((builder.finish()?, fitted))
    }
}

fn uncompressed(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = octets(&record.owner);
    bytes.extend(record.rdata.rtype().0.to_be_bytes());
    bytes.extend(record.class.to_be_bytes());
    bytes.extend(record.ttl.to_be_bytes());
    bytes.extend(octets(&record.rdata));
    bytes
}

/// The records without OPT, uncompressed.
fn records(message: &Message<'_>) -> Vec<Vec<u8>> {
    message
        .answers()
        .chain(message.authorities())
        .chain(message.additionals())
        .filter(|record| record.rdata.rtype() != Rtype::OPT)
        .map(|record| uncompressed(&record))
        .collect()
}

fn any_bytes(size: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![Just(0_u8), Just(0xc0), Just(1), any::<u8>()],
        0..size,
    )
}

proptest! {
    #[test]
    fn what_is_built_is_read(whole in any_whole(), fold: bool) {
        let mut buffer = vec![0; 65535];
        let case = if fold { Case::Fold } else { Case::Exact };
        let (bytes, fitted) = whole.build(&mut buffer, case).unwrap();
        prop_assert!(fitted.iter().all(|&fitted| fitted));
        let message = Message::parse(bytes).unwrap();
        prop_assert_eq!(message.id(), whole.id);
        prop_assert_eq!(message.rcode(), Rcode(whole.rcode));
        prop_assert_eq!(message.flags().0 & !15, whole.flags & !15);
        prop_assert_eq!(message.opt().map(|opt| (opt.udp_size, opt.version, opt.flags, opt.options.as_bytes().to_vec())),
            whole.opt.as_ref().map(|opt| (opt.0, opt.1, opt.2, whole.options())));
        let asked = whole.questions.iter().map(|(name, rtype, class)| (name.as_wire().to_vec(), *rtype, *class));
        let read: Vec<_> = message.questions().map(|q| (octets(&q.name), q.rtype.0, q.class)).collect();
        let written: Vec<_> = whole.entries.iter().map(|entry| uncompressed(&entry.record())).collect();
        if fold {
            let lower = |octets: &Vec<u8>| octets.to_ascii_lowercase();
            prop_assert_eq!(read.iter().map(|q| (lower(&q.0), q.1, q.2)).collect::<Vec<_>>(),
                asked.map(|q| (lower(&q.0), q.1, q.2)).collect::<Vec<_>>());
            prop_assert_eq!(records(&message).iter().map(lower).collect::<Vec<_>>(),
                written.iter().map(lower).collect::<Vec<_>>());
        } else {
            prop_assert_eq!(read, asked.collect::<Vec<_>>());
            prop_assert_eq!(records(&message), written);
        }
        for (section, number) in [(message.answers(), 0), (message.authorities(), 1)] {
            prop_assert_eq!(section.len(), whole.entries.iter().filter(|entry| entry.section == number).count());
        }
        // What was read and is written again stays the same, and a second time byte by byte.
        let mut other = vec![0; 65535];
        let again = rebuild(&message, &mut other, case).unwrap();
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn what_does_not_fit_leaves_a_whole_message(whole in any_whole(), size in 12_usize..900) {
        let mut buffer = vec![0; size];
        if let Ok((bytes, fitted)) = whole.build(&mut buffer, Case::Exact) {
            let message = Message::parse(bytes).unwrap();
            let kept = whole.entries.iter().zip(&fitted).filter(|(_, fitted)| **fitted);
            let kept: Vec<_> = kept.map(|(entry, _)| uncompressed(&entry.record())).collect();
            prop_assert_eq!(records(&message), kept);
            let lost = whole.entries.iter().zip(&fitted).any(|(entry, fitted)| !fitted && entry.section < 2);
            prop_assert_eq!(message.flags().contains(Flags::TC), lost || Flags(whole.flags).contains(Flags::TC));
            prop_assert_eq!(message.opt().is_some(), whole.opt.is_some());
        }
    }

    #[test]
    fn changed_messages_are_read_or_refused(
        whole in any_whole(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        short: bool,
    ) {
        let mut buffer = vec![0; 65535];
        let mut bytes = whole.build(&mut buffer, Case::Fold).unwrap().0.to_vec();
        for (index, octet) in changes {
            let at = index.index(bytes.len());
            bytes[at] = octet;
        }
        if short {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in any_bytes(300), counts: [u8; 4]) {
        for (at, count) in (4..12).step_by(2).zip(counts) {
            if let Some(place) = bytes.get_mut(at..at + 2) {
                place.copy_from_slice(&[0, count & 7]);
            }
        }
        check(&bytes)?;
    }
}

/// A message that was read holds what its counts say; an error is at a byte of it.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Message::parse_prefix(bytes) {
        Err(error) => prop_assert!(error.offset() <= bytes.len()),
        Ok((message, rest)) => {
            prop_assert_eq!([message.as_bytes(), rest].concat(), bytes);
            prop_assert_eq!(
                message.questions().count(),
                usize::from(message.header().questions)
            );
            for section in [
                message.answers(),
                message.authorities(),
                message.additionals(),
            ] {
                prop_assert_eq!(section.clone().count(), section.len());
            }
            let _ = show(&message);
            let mut buffer = vec![0; 65535];
            if let Ok(again) = rebuild(&message, &mut buffer, Case::Exact) {
                let other = Message::parse(again).unwrap();
                prop_assert_eq!(records(&other), records(&message));
            }
        }
    }
    Ok(())
}
