use std::collections::BTreeSet;
use std::vec::Vec;

use super::DefectKind as Kind;
use super::inspect::Inspector;
use super::lines::Lines;
use super::{Defect, DefectSet};
use crate::Limits;
use crate::body::index::Index;

fn inspect(input: &[u8], limits: &Limits) -> Inspector<64> {
    Index::with_limits(input, *limits).inspect()
}

const HEAD: &str = "From: a@example.org\r\nDate: 1 Jul 03 10:52 GMT\r\nMIME-Version: 1.0\r\n";

/// What follows `HEAD`, and the defects with the text at which each stands.
const CASES: &[(&str, &[(Kind, &str)])] = &[
    ("\r\nHi\r\n", &[]),
    ("\r\nHi\0\r\n", &[(Kind::Nul, "\0\r")]),
    ("\r\nHi\rHo\r\n", &[(Kind::BareCr, "\rHo")]),
    ("\r\nHi\r", &[(Kind::BareCr, "\r")]),
    (
        "\r\nHi\nHo\r\n",
        &[(Kind::BareLf, "\nHo"), (Kind::MixedLineEnds, "\nHo")],
    ),
    ("\r\nH\u{e9}\r\n", &[(Kind::UndeclaredEightBit, "\u{e9}")]),
    ("Content-Transfer-Encoding: 8bit\r\n\r\nH\u{e9}\r\n", &[]),
    ("Content-Transfer-Encoding: binary\r\n\r\nH\0\rx\n", &[]),
    ("Subject: a\x1b[2J\r\n\r\n", &[(Kind::Control, "Subject")]),
    ("no colon\r\n\r\n", &[(Kind::NoColon, "no colon")]),
    ("b\u{e9}d: x\r\n\r\n", &[(Kind::BadFieldName, "b\u{e9}d")]),
    (
        "To : a@example.org\r\n\r\n",
        &[(Kind::SpaceBeforeColon, "To :")],
    ),
    (
        "Subject: a\r\nSUBJECT: b\r\n\r\n",
        &[(Kind::DuplicateField, "SUBJECT")],
    ),
    (
        "From: b@example.org\r\n\r\n",
        &[(Kind::DuplicateField, "From: b")],
    ),
    ("Message-ID: 12\r\n\r\n", &[(Kind::BadValue, "12")]),
    (
        "To: <@a.example:b@example.org>\r\n\r\n",
        &[(Kind::AmbiguousAddress, " <@a")],
    ),
    (
        "To: \"a@b\"@example.org\r\n\r\n",
        &[(Kind::AmbiguousAddress, " \"a@b")],
    ),
    ("To: \"a b\"@example.org\r\n\r\n", &[]),
    (
        "To: =?utf-8?q?a?=@example.org\r\n\r\n",
        &[(Kind::AmbiguousAddress, " =?utf")],
    ),
    (
        "Subject: =?utf-8?q?=C3?=\r\n\r\n",
        &[(Kind::BadEncodedWord, "=?utf")],
    ),
    (
        "Subject: x=?utf-8?q?a?=\r\n\r\n",
        &[(Kind::MisplacedEncodedWord, "x=?utf")],
    ),
    (
        "To: \"=?utf-8?q?a?=\" <a@example.org>\r\n\r\n",
        &[(Kind::MisplacedEncodedWord, "\"=?utf")],
    ),
    (
        "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n",
        &[(Kind::DuplicateContentType, "Content-Type: text/html")],
    ),
    (
        "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        &[(
            Kind::DuplicateTransferEncoding,
            "Content-Transfer-Encoding: base64",
        )],
    ),
    (
        "Content-Type: text\r\n\r\n",
        &[(Kind::BadContentType, "\r\n\r\n")],
    ),
    (
        "Content-Type: text/(x)plain\r\n\r\n",
        &[(Kind::CommentInContent, "(x)")],
    ),
    (
        "Content-Type: text/plain; charset=utf-8; charset=us-ascii\r\n\r\n",
        &[(Kind::DuplicateParameter, "charset=us")],
    ),
    (
        "Content-Disposition: attachment; filename=\"a\r\n\r\n",
        &[(Kind::BadParameter, "\"a")],
    ),
    (
        "Content-Transfer-Encoding: base 64\r\n\r\n",
        &[(Kind::UnknownTransferEncoding, "64")],
    ),
    (
        "Content-Transfer-Encoding: x-gzip64\r\n\r\n",
        &[(Kind::UnknownTransferEncoding, " x-gzip64")],
    ),
    (
        "Content-Type: message/x-mine\r\n\r\n",
        &[(Kind::UnusualMessage, " message/x-mine")],
    ),
    (
        "Content-Disposition: attachment; filename=\"a\r\n b\"\r\n\r\n",
        &[(Kind::UnusualContent, "\"a")],
    ),
    (
        "Content-Type: message/partial; id=x; number=1\r\n\r\n",
        &[(Kind::UnusualMessage, " message/partial")],
    ),
    (
        "Content-Transfer-Encoding: base64\r\n\r\nSGk*\r\n",
        &[(Kind::Base64Junk, "*"), (Kind::Base64Padding, "")],
    ),
];

/// Without `HEAD`.
const WHOLE: &[(&str, &[(Kind, &str)])] = &[
    (
        " x\r\nFrom: a@example.org\r\nDate: 1 Jul 03 10:52 GMT\r\n\r\n",
        &[(Kind::NothingToContinue, " x")],
    ),
    (
        "From a Tue\r\nFrom: a@example.org\r\nDate: 1 Jul 03 10:52 GMT\r\n\r\n",
        &[(Kind::MboxLine, "From a")],
    ),
    (
        "From: a@example.org\r\n\r\n",
        &[(Kind::MissingField, "From: a")],
    ),
    (
        "From: team:;\r\nDate: 1 Jul 03 10:52 GMT\r\n\r\n",
        &[(Kind::AmbiguousAuthor, " team")],
    ),
    (
        "From: a@\r\nDate: 1 Jul 03 10:52 GMT\r\n\r\n",
        &[(Kind::AmbiguousAuthor, "\r\nDate")],
    ),
    (
        "From: a@example.org\r\nDate: 1 Jul 03 10:52 GMT\r\nContent-Type: text/plain\r\n\r\n",
        &[(Kind::MissingMimeVersion, "From: a")],
    ),
];

#[test]
fn each_defect_stands_where_it_is() {
    let with_head = CASES
        .iter()
        .map(|(text, defects)| (std::format!("{HEAD}{text}"), *defects));
    let whole = WHOLE
        .iter()
        .map(|(text, defects)| (std::string::String::from(*text), *defects));
    for (text, expected) in with_head.chain(whole) {
        let found = inspect(text.as_bytes(), &Limits::DEFAULT);
        let expected: Vec<_> = expected
            .iter()
            .map(|(kind, mark)| {
                let at = text.rfind(mark).unwrap();
                Defect::new(*kind, u64::try_from(at).unwrap())
            })
            .collect();
        assert_eq!(found.defects(), expected, "{text:?}");
    }
}

#[test]
fn octets_in_any_pieces() {
    let long = [b'x'; 999];
    let inputs: [&[u8]; 8] = [
        b"a\r\nb\nc\rd\0e\r",
        b"\r\r\n\n\r",
        b"\n\r\n",
        b"\0\0\r\n\n",
        &long,
        b"",
        b"\r",
        b"a\rb\r\nc",
    ];
    for input in inputs {
        let mut whole = BTreeSet::new();
        let mut lines = Lines::default();
        lines.put(input, &mut |kind, at| {
            whole.insert((kind, at));
        });
        lines.finish(&mut |kind, at| {
            whole.insert((kind, at));
        });
        for cut in 0..=input.len() {
            let mut pieces = BTreeSet::new();
            let mut lines = Lines::default();
            for piece in [&input[..cut], &input[cut..]] {
                lines.put(piece, &mut |kind, at| {
                    pieces.insert((kind, at));
                });
            }
            lines.finish(&mut |kind, at| {
                pieces.insert((kind, at));
            });
            assert_eq!(pieces, whole, "{input:?} {cut}");
        }
    }
}

#[test]
fn a_line_may_have_998_octets() {
    for (len, found) in [(998, false), (999, true), (5000, true)] {
        let text = std::format!("{HEAD}\r\n{}\r\n", "x".repeat(len));
        let inspector = inspect(text.as_bytes(), &Limits::DEFAULT);
        assert_eq!(
            inspector.kinds().contains(Kind::LineTooLong),
            found,
            "{len}"
        );
        if found {
            let at = HEAD.len() + 2 + 998;
            assert_eq!(inspector.defects()[0].offset, u64::try_from(at).unwrap());
        }
    }
}

#[test]
fn what_does_not_fit_is_counted() {
    let text = std::format!("{HEAD}{}\r\n", "x\r\n".repeat(100));
    let inspector = inspect(text.as_bytes(), &Limits::DEFAULT);
    assert_eq!((inspector.defects().len(), inspector.omitted()), (64, 36));
    assert!(inspector.is_ambiguous());
}

#[test]
fn limits_are_defects() {
    let mut limits = Limits::DEFAULT;
    limits.fields = 4;
    let text = std::format!("{HEAD}A: 1\r\nB: 2\r\nC: 3\r\n\r\n");
    let found = inspect(text.as_bytes(), &limits);
    let at = u64::try_from(text.find("B:").unwrap()).unwrap();
    assert_eq!(found.defects(), [Defect::new(Kind::FieldsLimit, at)]);
    limits = Limits::DEFAULT;
    limits.header = HEAD.len() + 1;
    let found = inspect(text.as_bytes(), &limits);
    // The first byte beyond.
    let at = u64::try_from(limits.header).unwrap();
    assert_eq!(found.defects(), [Defect::new(Kind::HeaderLimit, at)]);
}

#[test]
fn a_set_holds_every_kind() {
    let mut set = DefectSet::EMPTY;
    for &kind in Kind::ALL {
        assert!(!set.contains(kind));
        set.insert(kind);
        assert!(set.contains(kind));
        let mut one = DefectSet::EMPTY;
        one.insert(kind);
        assert_eq!(one.is_ambiguous(), kind.is_ambiguous());
    }
}
