use super::*;
use crate::Parameters;
use crate::parameter::Body;
use proptest::prelude::*;
use scop_core::UnixTime;
use std::format;
use std::string::String;
use std::vec::Vec;

use ParameterErrorKind::*;

fn typed(text: &str) -> Result<Typed<'_>, ParameterError> {
    Parameter::parse(text.as_bytes()).unwrap().typed()
}

/// What is read is written as it was.
#[test]
fn canonical_forms() {
    #[rustfmt::skip]
    let cases = [
        "SIZE=0", "SIZE=18446744073709551615",
        "BODY=7BIT", "BODY=8BITMIME", "BODY=BINARYMIME",
        "SMTPUTF8", "REQUIRETLS",
        "AUTH=<>", "AUTH=e+3Dmc2@example.com", "AUTH=\"joe+20public\"@[192.0.2.1]",
        "RET=FULL", "RET=HDRS",
        "ENVID=QQ314159", "ENVID=a+20b+2B+3D",
        "NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=SUCCESS,FAILURE,DELAY", "NOTIFY=FAILURE,DELAY",
        "ORCPT=rfc822;Bob@example.com", "ORCPT=rfc822;joe+2Btag@example.com", "ORCPT=x400;/S+3Dpublic",
        "ORCPT=utf-8;joe@example.com", "ORCPT=utf-8;j\\x{F6}e\\x{2B}\\x{1F600}@example.com",
        "ORCPT=utf-8;j\u{f6}e@example.com", "ORCPT=utf-8;j\u{f6}\\x{E9}@example.com",
        "BY=120;R", "BY=-1;NT", "BY=0;N", "BY=999999999;RT", "BY=-999999999;N",
        "HOLDFOR=1", "HOLDFOR=999999999",
        "HOLDUNTIL=2007-03-07T00:00:00.5+01:00",
        "MT-PRIORITY=-9", "MT-PRIORITY=0", "MT-PRIORITY=9",
        "RRVS=2014-04-03T23:01:00Z", "RRVS=2014-04-03T23:01:00Z;C", "RRVS=2014-04-03T23:01:00-05:00;R",
        "XUNKNOWN=1", "XUNKNOWN", "NOTIF=x",
    ];
    for text in cases {
        let value = typed(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(str::from_utf8(&value.to_vec()), Ok(text));
        assert_eq!(
            matches!(value, Typed::Unknown(_)),
            text.starts_with("XU") || text.starts_with("NOTIF="),
            "{text}"
        );
    }
}

/// Other ways to write the same.
#[test]
fn other_forms() {
    for (text, want) in [
        ("size=007", "SIZE=7"),
        ("SIZE=99999999999999999999", "SIZE=18446744073709551615"),
        ("body=8BitMime", "BODY=8BITMIME"),
        ("ret=hdrs", "RET=HDRS"),
        ("Notify=delay,Success,success", "NOTIFY=SUCCESS,DELAY"),
        ("notify=never", "NOTIFY=NEVER"),
        ("BY=+5;nt", "BY=5;NT"),
        (
            "HOLDUNTIL=2007-03-07t00:00:00z",
            "HOLDUNTIL=2007-03-07T00:00:00Z",
        ),
        ("rrvs=2014-04-03T23:01:00Z;c", "RRVS=2014-04-03T23:01:00Z;C"),
        (
            "orcpt=RFC822;joe@example.com",
            "ORCPT=RFC822;joe@example.com",
        ),
    ] {
        assert_eq!(str::from_utf8(&typed(text).unwrap().to_vec()), Ok(want));
    }
}

#[test]
fn errors_name_the_rule() {
    let long = |keyword: &str, len: usize| format!("{keyword}{}", "a".repeat(len));
    let encoded = format!("ENVID={}", "+20".repeat(34));
    #[rustfmt::skip]
    let cases = [
        ("SIZE", NoValue), ("NOTIFY", NoValue), ("by", NoValue), ("RRVS", NoValue),
        ("SMTPUTF8=1", UnexpectedValue), ("requiretls=yes", UnexpectedValue),
        ("SIZE=-1", BadNumber), ("SIZE=1k", BadNumber), ("SIZE=000000000000000000001", BadNumber),
        ("BODY=9BIT", BadWord), ("RET=ALL", BadWord),
        ("AUTH=joe", BadMailbox), ("AUTH=<joe@example.com>", BadMailbox), ("AUTH=j+", BadXtext),
        ("AUTH=j+C3+A9@example.com", BadMailbox), ("AUTH=a@b+0D+0Ac", BadMailbox),
        ("ENVID=+0A", BadXtext), ("ENVID=+C3+A9", BadXtext), ("ENVID=+2b", BadXtext),
        (&encoded, TooLong), (&long("ENVID=", 101), TooLong),
        ("NOTIFY=NEVER,DELAY", BadWord), ("NOTIFY=,DELAY", BadWord), ("NOTIFY=DELAY,", BadWord), ("NOTIFY=BOUNCE", BadWord),
        ("ORCPT=joe@example.com", BadAddressType), ("ORCPT=;joe", BadAddressType), ("ORCPT=rfc822;+0Ajoe", BadXtext),
        ("ORCPT=rfc822;", BadXtext), ("ORCPT=rfc822;j\u{f6}e@example.com", BadXtext), ("ORCPT=rfc822;joe+", BadXtext),
        ("ORCPT=utf-8;", BadUtf8Address), ("ORCPT=utf-8;joe+2Btag@example.com", BadUtf8Address),
        ("ORCPT=utf-8;\\x{0A}@example.com", BadUtf8Address), ("ORCPT=utf-8;\\x{61}@example.com", BadUtf8Address),
        ("ORCPT=utf-8;j\\oe@example.com", BadUtf8Address), ("ORCPT=utf-8;\\x{D800}@example.com", BadUtf8Address),
        (&long("ORCPT=rfc822;", 494), TooLong),
        ("BY=120", BadDeliverBy), ("BY=0;R", BadDeliverBy), ("BY=-1;R", BadDeliverBy), ("BY=1;X", BadDeliverBy),
        ("BY=1000000000;N", BadDeliverBy), ("BY=0000000001;N", BadDeliverBy), ("BY=1;NTT", BadDeliverBy), ("BY=+-1;N", BadDeliverBy),
        ("BY=;N", BadDeliverBy),
        ("HOLDFOR=0", BadNumber), ("HOLDFOR=01", BadNumber), ("HOLDFOR=1000000000", BadNumber), ("HOLDFOR=1s", BadNumber),
        ("HOLDUNTIL=2007-02-30T00:00:00Z", BadDateTime), ("HOLDUNTIL=1175000000", BadDateTime),
        ("MT-PRIORITY=10", BadNumber), ("MT-PRIORITY=-0", BadNumber), ("MT-PRIORITY=+1", BadNumber), ("MT-PRIORITY=-", BadNumber),
        ("RRVS=2014-04-03", BadDateTime), ("RRVS=2014-04-03T23:01:00Z;", BadWord), ("RRVS=2014-04-03T23:01:00Z;X", BadWord),
    ];
    for (text, kind) in cases {
        match typed(text) {
            Err(error) => assert_eq!(error.kind(), kind, "{text}"),
            Ok(value) => panic!("{text}: {value:?}"),
        }
    }
    assert!(typed(&long("ENVID=", 100)).is_ok());
    assert!(typed(&long("ORCPT=rfc822;", 493)).is_ok());
    assert_eq!(typed("NOTIFY=DELAY,BOUNCE").unwrap_err().offset(), 6);
    assert_eq!(typed("ORCPT=rfc822;joe+").unwrap_err().offset(), 10);
}

/// Nothing that is made can be malformed or cut a line.
#[test]
fn constructors_refuse() {
    assert!(EnvelopeId::new(b"").is_err() && EnvelopeId::new(b"a\r\nb").is_err());
    assert!(EnvelopeId::new(&[b' '; 34]).is_err() && EnvelopeId::new(&[b' '; 33]).is_ok());
    assert!(Submitter::new(b"joe@example.org\r\nDATA").is_err() && Submitter::new(b"joe").is_err());
    assert!(OriginalRecipient::rfc822(b"").is_err() && OriginalRecipient::rfc822(b"j\0").is_err());
    assert!(OriginalRecipient::rfc822("j\u{f6}e".as_bytes()).is_err());
    assert!(OriginalRecipient::utf8("j\r\n").is_err() && OriginalRecipient::utf8("").is_err());
    assert!(OriginalRecipient::utf8("j\u{85}").is_err());
    assert!(DeliverBy::new(1_000_000_000, ByMode::Notify, false).is_none());
    assert!(DeliverBy::new(i32::MIN, ByMode::Notify, false).is_none());
    assert!(DeliverBy::new(0, ByMode::Return, false).is_none());
    assert!(HoldFor::new(0).is_none() && HoldFor::new(1_000_000_000).is_none());
    assert!(Priority::new(10).is_none() && Priority::new(-10).is_none());
    assert_eq!(Priority::new(i8::MIN), None);
}

#[test]
fn values_share_a_buffer() {
    let mut buffer = [0; 100];
    let mut room = &mut buffer[..];
    let mail = [
        Parameter::write(&Size(1234), &mut room).unwrap(),
        Parameter::write(&EnvelopeId::new(b"a b").unwrap(), &mut room).unwrap(),
        Parameter::write(&Body::BinaryMime, &mut room).unwrap(),
        Parameter::SMTPUTF8,
        Parameter::write(&Submitter::UNKNOWN, &mut room).unwrap(),
    ];
    assert_eq!(
        room.len(),
        100 - "SIZE=1234ENVID=a+20bBODY=BINARYMIMEAUTH=<>".len()
    );
    let text: Vec<_> = mail.iter().map(Emit::to_vec).collect();
    let line = text.join(&b' ');
    assert_eq!(
        line,
        b"SIZE=1234 ENVID=a+20b BODY=BINARYMIME SMTPUTF8 AUTH=<>"
    );
    assert!(Parameters::parse(&line).unwrap().iter().eq(mail));
    // What does not fit leaves no room, and what is no parameter is none.
    let mut small = [0; 8];
    let mut room = &mut small[..];
    assert!(Parameter::write(&Size(1234), &mut room).is_err() && room.is_empty());
    let mut buffer = [0; 8];
    assert!(Parameter::write(&Raw(b"A=\r\n"), &mut &mut buffer[..]).is_err());
}

#[test]
fn meanings() {
    let Ok(Typed::Auth(unknown)) = typed("AUTH=+3C>") else {
        panic!()
    };
    assert_eq!(unknown, Submitter::UNKNOWN);

    let Ok(Typed::Auth(submitter)) = typed("AUTH=e+3Dmc2@example.com") else {
        panic!()
    };
    assert!(
        submitter
            .mailbox()
            .unwrap()
            .octets()
            .eq(*b"e=mc2@example.com")
    );
    let Ok(Typed::OriginalRecipient(recipient)) = typed("ORCPT=utf-8;j\\x{F6}e\\x{2B}@example.com")
    else {
        panic!()
    };
    assert_eq!(
        recipient.address().to_vec(),
        "j\u{f6}e+@example.com".as_bytes()
    );
    assert!(recipient.is_ascii() && recipient.address_type() == b"utf-8");
    let Ok(Typed::OriginalRecipient(recipient)) = typed("ORCPT=utf-8;j\u{f6}e@example.com") else {
        panic!()
    };
    assert!(!recipient.is_ascii());
    assert_eq!(
        recipient.address().to_vec(),
        "j\u{f6}e@example.com".as_bytes()
    );
    let Ok(Typed::HoldUntil(until)) = typed("HOLDUNTIL=1970-01-01T01:00:00.9+01:00") else {
        panic!()
    };
    assert_eq!(
        (until.0.to_unix(), until.0.fraction()),
        (Some(UnixTime(0)), &b"9"[..])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Any value is read without panic; what is read is written in a form that reads the same and stays.
    #[test]
    fn any_value(
        keyword in prop::sample::select(&KEYWORDS[..]),
        value in "([0-9:;,+=TZNRCa-f<>@.\\\\x{}-]|NEVER|DELAY|rfc822;|utf-8;|2014-04-03T23:01:00|\u{f6}|\\PC){1,12}",
    ) {
        let text = format!("{keyword}={value}");
        if let Ok(parameter) = Parameter::parse(text.as_bytes())
            && let Ok(value) = parameter.typed()
        {
            let written = value.to_vec();
            prop_assert!(written.len() <= 516);
            let again = Parameter::parse(&written).unwrap().typed().unwrap();
            prop_assert_eq!(format!("{:?}", &again.to_vec()), format!("{:?}", &written));
        }
    }

    /// What a constructor takes is read back as it was meant.
    #[test]
    fn made_values(address in "\\PC{1,40}", octets in prop::collection::vec(32_u8..127, 1..30), seconds in any::<i32>(), trace: bool) {
        if let Ok(recipient) = OriginalRecipient::utf8(&address) {
            let written = recipient.to_vec();
            prop_assert!(written.is_ascii());
            let Ok(Typed::OriginalRecipient(read)) = Parameter::parse(&written).unwrap().typed() else { panic!() };
            prop_assert_eq!(read.address().to_vec(), address.as_bytes());
        }
        let written = EnvelopeId::new(&octets).unwrap().to_vec();
        let Ok(Typed::EnvelopeId(read)) = Parameter::parse(&written).unwrap().typed() else { panic!() };
        prop_assert_eq!(read.octets().collect::<Vec<_>>(), &octets[..]);
        let recipient = OriginalRecipient::rfc822(&octets).unwrap().to_vec();
        let Ok(Typed::OriginalRecipient(read)) = Parameter::parse(&recipient).unwrap().typed() else { panic!() };
        prop_assert_eq!(read.address().to_vec(), &octets[..]);
        if let Some(by) = DeliverBy::new(seconds, ByMode::Notify, trace) {
            let text = String::from_utf8(by.to_vec()).unwrap();
            let Ok(Typed::DeliverBy(read)) = typed(&text) else { panic!() };
            prop_assert_eq!(read, by);
        }
    }
}

/// A value that writes what it holds.
struct Raw(&'static [u8]);

impl Emit for Raw {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0)
    }
}
