use super::EncodingErrorKind::{Comment, Empty, Lexical, NotToken, Quoted, Trailing};
use super::*;

#[test]
fn names() {
    for (name, encoding) in NAMES {
        assert_eq!(Encoding::parse(name.as_bytes()), Ok(encoding));
        let written = encoding.name().unwrap();
        assert_eq!(Encoding::parse(written.as_bytes()), Ok(encoding));
    }
    assert_eq!(Encoding::Unknown.name(), None);
    assert_eq!(Encoding::Uuencode.name(), Some("x-uuencode"));
}

#[test]
fn values() {
    use Encoding::{Base64, QuotedPrintable, SevenBit, Unknown};
    for (value, encoding, odd) in [
        (&b"base64"[..], Base64, None),
        (b" \tBASE64 ", Base64, None),
        (b"\r\n Quoted-Printable\r\n ", QuotedPrintable, None),
        (b"base65", Unknown, None),
        (b"base64(x)", Base64, Some((Comment, 6))),
        (b" (x (y)) base64 (z)", Base64, Some((Comment, 0))),
        (b"", SevenBit, Some((Empty, 0))),
        (b" (x) ", SevenBit, Some((Empty, 5))),
        (b"\"base64\"", Base64, Some((Quoted, 0))),
        (b" \"BASE\\64\" x", Base64, Some((Quoted, 1))),
        (
            b"\"base64",
            Unknown,
            Some((Lexical(LexicalErrorKind::UnclosedQuotedString), 0)),
        ),
        (
            b"base64 (x",
            Base64,
            Some((Lexical(LexicalErrorKind::UnclosedComment), 7)),
        ),
        (
            b"(x base64",
            Unknown,
            Some((Lexical(LexicalErrorKind::UnclosedComment), 0)),
        ),
        (b"base64;", Base64, Some((Trailing, 6))),
        (b"(x) base64 base64", Base64, Some((Trailing, 11))),
        (b"7 bit", Unknown, Some((Trailing, 2))),
        (b"base64\0", Base64, Some((Trailing, 6))),
        (b"base64\xa0", Base64, Some((Trailing, 6))),
        (b";base64", Unknown, Some((NotToken, 0))),
        (b"=?us-ascii?q?base64?=", Unknown, Some((NotToken, 0))),
    ] {
        let (read, why) = Encoding::recover(value);
        let why = why.map(|error| (error.kind(), error.offset()));
        assert_eq!((read, why), (encoding, odd), "{}", value.escape_ascii());
        let strict = odd.is_none_or(|(kind, _)| kind == Comment);
        assert_eq!(Encoding::parse(value).ok(), strict.then_some(encoding));
    }
}
