//! The record and its lookup.

use super::super::*;
use scop_core::{Answer, Lookup, QueryId, Rdata, Security, Step, Txt, lookup};
use std::format;
use std::vec::Vec;

#[test]
fn records() {
    use RecordErrorKind::{BadRua, NoRua, Syntax, Version};
    // RFC 8460 3.1 and A.
    let mail = Record::parse(b"v=TLSRPTv1;rua=mailto:reports@example.com").unwrap();
    assert!(mail.rua().eq([Rua::Mailto(b"reports@example.com")]));
    let https = Record::parse(b"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt").unwrap();
    assert!(
        https
            .rua()
            .eq([Rua::Https(b"https://reporting.example.com/v1/tlsrpt")])
    );
    let text =
        b"v=TLSRPTv1 ;\t x.y=z ; rua=MAILTO:a@b.example?subject=x , HTTPS://c.example/?d=e,ftp:x;";
    let both = Record::parse(text).unwrap();
    let expected = [
        Rua::Mailto(b"a@b.example"),
        Rua::Https(b"HTTPS://c.example/?d=e"),
        Rua::Other(b"ftp:x"),
    ];
    assert!(
        both.rua().eq(expected),
        "{:?}",
        both.rua().collect::<Vec<_>>()
    );
    assert_eq!((both.raw(), both.fields().count()), (&text[..], 2));
    let escaped = Record::parse(b"v=TLSRPTv1;rua=mailto:a%21%2c@b.example").unwrap();
    assert!(escaped.rua().eq([Rua::Mailto(b"a%21%2c@b.example")]));
    // Nowhere to send to.
    for uri in [
        "mailto:?to=a@b.example",
        "https://",
        "https:///x",
        "https://?x",
        "https:a",
    ] {
        let text = format!("v=TLSRPTv1;rua={uri}");
        let record = Record::parse(text.as_bytes()).unwrap();
        assert!(record.rua().eq([Rua::Other(uri.as_bytes())]), "{uri}");
    }
    for (text, kind, offset) in [
        ("", Version, 0),
        ("v=TLSRPTv1", Version, 0),
        ("v=TLSRPTv2;rua=mailto:a@b", Version, 0),
        ("v=tlsrptv1;rua=mailto:a@b", Version, 0),
        ("v=TLSRPTv1;", NoRua, 11),
        ("v=TLSRPTv1;RUA=mailto:a@b", NoRua, 25),
        ("v=TLSRPTv1;rua=", BadRua, 11),
        ("v=TLSRPTv1; rua=mailto:", BadRua, 12),
        ("v=TLSRPTv1;rua=a@b", BadRua, 11),
        ("v=TLSRPTv1;rua=:a", BadRua, 11),
        ("v=TLSRPTv1;rua=1a:b", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b,", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b,,mailto:c@d", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b mailto:c@d", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b!10m", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:<a@b>", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b%", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b%2", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a%%20@b", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a%2g@b", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b\r\nBcc:c", BadRua, 11),
        ("v=TLSRPTv1;rua=mailto:a@b;rua=mailto:c@d", BadRua, 26),
        ("v=TLSRPTv1;;rua=mailto:a@b", Syntax, 11),
        ("v=TLSRPTv1;rua", Syntax, 11),
        ("v=TLSRPTv1;rua=mailto:a@b;x=a b", Syntax, 26),
    ] {
        let error = Record::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}");
    }
}

#[test]
fn exactly_one_record() {
    let good = "v=TLSRPTv1;rua=mailto:a@example.com";
    let long = format!("{good}, mailto:{}@example.com", "b".repeat(600));
    for (texts, expected) in [
        (&[good][..], None),
        (&["v=spf1 -all", good], None),
        (&[good, good], Some(NoRecord::Several)),
        (&[good, "v=TLSRPTv1;"], Some(NoRecord::Several)),
        (&["v=TLSRPTv1;"], Some(NoRecord::Invalid)),
        (&["v=STSv1; id=1"], Some(NoRecord::Missing)),
        (&[&long], Some(NoRecord::TooLong)),
    ] {
        let rdata: Vec<_> = (texts.iter())
            .map(|text| Rdata::Txt(Txt::joined(text.as_bytes())))
            .collect();
        let mut machine: Discovery<'_> = Discovery::new(b"example.com");
        assert!(machine.verdict().is_none());
        assert!(
            machine
                .answer(QueryId::new(0), Answer::records(&rdata))
                .is_err()
        );
        let found = lookup::drive(&mut machine, |_| Answer::records(&rdata)).unwrap();
        assert_eq!(found.record().err(), expected, "{texts:?}");
        assert_eq!(machine.poll(), Step::Done);
        assert!(
            machine
                .answer(QueryId::new(0), Answer::records(&rdata))
                .is_err()
        );
    }
    let failure = scop_core::Failure::Bogus;
    let mut machine: Discovery<'_> = Discovery::new(b"example.com");
    let found = lookup::drive(&mut machine, |_| Answer::NoData(Security::Bogus)).unwrap();
    assert_eq!(found.record().err(), Some(NoRecord::Failed(failure)));
    let mut machine: Discovery<'_> = Discovery::new(b"not a name");
    assert_eq!(machine.poll(), Step::Done);
    assert_eq!(
        machine.verdict().unwrap().record().err(),
        Some(NoRecord::Missing)
    );
}
