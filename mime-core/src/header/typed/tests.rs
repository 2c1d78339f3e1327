use super::*;
use crate::header::scan::{FieldDefect, HeaderBlock};
use proptest::prelude::*;
use std::vec::Vec;

fn typed(field: &[u8]) -> Typed<'_> {
    HeaderBlock::new(field).fields().next().unwrap().typed()
}

/// A value that each grammar takes.
fn example(grammar: Grammar) -> &'static [u8] {
    match grammar {
        Grammar::Unstructured => b" text",
        Grammar::Date => b" Fri, 21 Nov 1997 09:55:06 -0600",
        Grammar::Address => b" Joe Q. Public <joe@example.org>",
        Grammar::AddressList => b" joe@example.org, Team: a@example.net;",
        Grammar::AddressListOrNone => b" (none)",
        Grammar::MessageId => b" <1@example.org>",
        Grammar::MessageIds => b" <1@example.org> your note <2@example.org>",
        Grammar::Keywords => b" mail, header",
        Grammar::ReturnPath => b" <>",
        Grammar::Received => b" from a by b; Fri, 21 Nov 1997 09:55:06 -0600",
        Grammar::ContentType => b" text/plain; charset=utf-8",
        Grammar::Languages => b" de, en-gb",
        Grammar::ContentDisposition => b" attachment; filename=a",
        Grammar::TransferEncoding => b" base64",
        Grammar::MimeVersion => b" 1.0",
        Grammar::ContentLocation => b" http://example.org/a",
        Grammar::ListUrls | Grammar::ListPost => b" <mailto:a@example.org>",
        Grammar::ListId => b" A list <a.example.org>",
        Grammar::OneClick => b" List-Unsubscribe=One-Click",
        Grammar::AutoSubmitted => b" no",
        Grammar::AuthResults => b" mx.example.org; spf=pass",
        Grammar::ArcAuthResults => b" i=1; mx.example.org; spf=pass",
        Grammar::TagList => b" v=1; a=b",
        Grammar::NotificationOptions => b" signed-receipt=optional,pkcs7-signature",
        Grammar::TypedText => b" rfc822; joe@example.org",
        Grammar::Token => b" abuse",
        Grammar::Number => b" 1",
        Grammar::Ip => b" 192.0.2.1",
        Grammar::Domain => b" example.org",
        Grammar::Action => b" failed",
        Grammar::StatusCode => b" 5.1.1",
        Grammar::ReportingUa => b" pc.example.org; Foomail",
        Grammar::Disposition => b" manual-action/MDN-sent-manually; displayed",
    }
}

#[test]
fn every_name_is_read() {
    for &name in FieldName::ALL {
        assert_eq!(FieldName::of(name.as_str().as_bytes()), Some(name));
        let upper = name.as_str().to_ascii_uppercase();
        assert_eq!(FieldName::of(upper.as_bytes()), Some(name));
        let field = [upper.as_bytes(), b":", example(name.grammar()), b"\r\n"].concat();
        assert_eq!(typed(&field).error(), None, "{name}");
        assert!(!matches!(
            typed(&field),
            Typed::Unstructured(_) | Typed::NotAField { .. }
        ));
        if name.grammar() != Grammar::Unstructured {
            let field = [name.as_str().as_bytes(), b": (\0\r\n"].concat();
            let Typed::Malformed { field, raw, .. } = typed(&field) else {
                panic!("{name} takes a NUL in an open comment")
            };
            assert_eq!((field, raw), (name, &b" (\0"[..]));
        }
    }
}

#[test]
fn the_views() {
    assert!(matches!(typed(b"Sender: a@example.org, b@example.org\r\n"),
        Typed::Malformed { field: FieldName::Sender, error, .. }
            if error == ParseError::new(TypedErrorKind::Address(AddressErrorKind::NotOneMailbox), 15)));
    assert!(matches!(
        typed(b"SENDER: team: a@example.org;\r\n"),
        Typed::Sender(Address::Group(_))
    ));
    assert!(matches!(typed(b"Bcc:\r\n"), Typed::Bcc(None)));
    assert!(matches!(
        typed(b"bcc: a@example.org\r\n"),
        Typed::Bcc(Some(_))
    ));
    assert!(matches!(typed(b"To:\r\n"), Typed::Malformed { .. }));
    assert!(matches!(
        typed(b"Subject: x\r\n y\r\n"),
        Typed::Subject(text) if text.raw() == b" x\r\n y"
    ));
    assert!(matches!(
        typed(b"Precedence: bulk\r\n"),
        Typed::Unstructured(text) if text.raw() == b" bulk"
    ));
    let Typed::ArcAuthenticationResults(results) =
        typed(b"ARC-Authentication-Results: i=50; a; none")
    else {
        panic!()
    };
    assert_eq!(results.instance(), 50);
    assert!(results.results().authserv_id().is(b"a"));
}

#[test]
fn what_is_no_field() {
    for (field, expected) in [
        (&b"stray\r\n"[..], FieldDefect::NoColon),
        (b" stray\r\n", FieldDefect::NothingToContinue),
        (b": a\r\n", FieldDefect::BadName),
    ] {
        let Typed::NotAField { defect, raw } = typed(field) else {
            panic!("{field:?} is a field")
        };
        assert_eq!(defect, expected);
        assert_eq!([raw, b"\r\n"].concat(), field);
    }
}

#[test]
fn arc_instances() {
    for (value, at) in [
        (&b"i=0; a; none"[..], 0),
        (b"i=51; a; none", 0),
        (b"i=001; a; none", 0),
        (b" j=1; a; none", 1),
        (b"i=1 a; none", 4),
        (b"i=1", 3),
        (b"i=1; ; none", 5),
    ] {
        let error = ArcAuthResults::parse(value).unwrap_err();
        assert_eq!(error.offset(), at, "{value:?}: {error}");
    }
    assert_eq!(
        ArcAuthResults::parse(b"(x) i = 07 ;a; none")
            .unwrap()
            .instance(),
        7
    );
}

/// The errors are as small as those of the parsers.
#[test]
fn sizes() {
    assert!(size_of::<TypedError>() <= 8);
    assert!(size_of::<Typed<'_>>() <= 144, "{}", size_of::<Typed<'_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any value of any field is read without a panic, and what is malformed is whole.
    #[test]
    fn nothing_is_lost(value: Vec<u8>) {
        for &name in FieldName::ALL {
            match name.read(&value) {
                Typed::Malformed { raw, error, field } => {
                    prop_assert_eq!((raw, field), (&value[..], name));
                    prop_assert!(error.offset() <= value.len());
                }
                Typed::Unstructured(_) | Typed::NotAField { .. } => prop_assert!(false),
                _ => {}
            }
        }
    }
}
