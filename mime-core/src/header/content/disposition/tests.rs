use super::{ContentDisposition, ContentErrorKind as Kind, MAX_DATE};
use crate::header::date::DateErrorKind;
use crate::header::parameter::ParameterErrorKind as P;
use scop_core::Emit;
use std::format;

#[test]
fn rfc_2183() {
    let value = b" attachment; filename=genome.jpeg;\r\n\
        \x20modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\";";
    // RFC 2183 2.10 gives the example with this semicolon at its end, which the grammar of 2 does not allow.
    let error = ContentDisposition::parse(value).unwrap_err();
    assert_eq!(error.kind(), Kind::Parameter(P::Empty));
    let disposition = ContentDisposition::recover(value).0.unwrap();
    assert!(disposition.filename().unwrap().value().is("genome.jpeg"));
    let date = disposition.modification_date().unwrap().unwrap();
    assert_eq!((date.year(), date.hour()), (1997, 16));
    assert_eq!(
        disposition.to_vec(),
        b"attachment; filename=genome.jpeg; modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"",
    );

    let inline = ContentDisposition::parse(b" inline").unwrap();
    assert!(inline.is(b"INLINE") && !inline.is_attachment());
    assert!(inline.filename().is_none() && inline.size().is_none());
    // RFC 2183 2.8
    let unknown = ContentDisposition::parse(b"x-unknown").unwrap();
    assert!(unknown.is_attachment());
}

#[test]
fn sizes() {
    for (size, expected) in [
        ("0", Some(0)),
        ("\"512\"", Some(512)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("-1", None),
        ("5k", None),
        ("\"\"", None),
        ("000000000000000000000000000001", None),
    ] {
        let value = format!("attachment; size={size}");
        let disposition = ContentDisposition::parse(value.as_bytes()).unwrap();
        assert_eq!(disposition.size(), expected, "{size}");
    }
}

#[test]
fn dates() {
    let comment = format!("({})", "x".repeat(MAX_DATE));
    for (date, kind) in [
        ("yesterday", DateErrorKind::BadWeekday),
        // A comment that makes it too long: no date, and not one that is cut.
        (
            &*format!("12 Feb 1997 16:29:51 -0500 {comment}"),
            DateErrorKind::TextAfterDate,
        ),
    ] {
        let value = format!(
            "attachment; read-date=\"{date}\"; creation-date=\"12 Feb 1997 16:29 -0500 (x)\""
        );
        let disposition = ContentDisposition::parse(value.as_bytes()).unwrap();
        assert_eq!(disposition.read_date().unwrap().unwrap_err().kind(), kind);
        assert_eq!(disposition.creation_date().unwrap().unwrap().minute(), 29);
        assert!(disposition.modification_date().is_none());
    }
}

#[test]
fn recovered() {
    let (disposition, error) =
        ContentDisposition::recover(b"attachment filename=my menu.txt; size=3");
    assert_eq!(error.unwrap().kind(), Kind::Parameter(P::NoSemicolon));
    let disposition = disposition.unwrap();
    assert!(disposition.filename().unwrap().is(b"my menu.txt"));
    assert_eq!(disposition.size(), Some(3));
    let (nothing, error) = ContentDisposition::recover(b"; filename=x");
    assert!(nothing.is_none());
    assert_eq!(error.unwrap().kind(), Kind::NoType);
}
