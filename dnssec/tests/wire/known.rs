//! Known messages, and what the builder refuses.

use scop_core::record::CLASS_IN;
use scop_core::{Rdata, Record, Rtype, Txt};
use scop_dnssec::wire::{
    BuildError, Builder, Case, ExtendedError, Flags, Header, Message, Opt, Options, Rcode,
};

use crate::{name, rebuild, show};

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
