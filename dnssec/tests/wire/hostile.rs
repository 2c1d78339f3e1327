//! Messages made to harm: broken rules, counts that lie, work out of proportion.

use core::time::Duration;
use std::time::Instant;

use scop_core::record::RecordErrorKind;
use scop_core::{NameBuf, Rdata, Record, name::NameErrorKind};
use scop_dnssec::wire::{BuildError, Builder, Flags, Message, MessageErrorKind, OptErrorKind};

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
