use super::*;
use crate::header::address::Mailbox;
use crate::header::lexical::Comments;
use crate::header::unstructured::Unstructured;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

mod write;

fn text(value: &str) -> String {
    Unstructured::new(value.as_bytes()).text().to_string()
}

fn comment(value: &str) -> String {
    let comment = Comments::new(value.as_bytes()).next().unwrap();
    assert_eq!(comment.raw(), value.as_bytes());
    comment.decoded().to_string()
}

fn phrase(value: &str) -> String {
    let value = format!("{value} <a@example.org>");
    let mailbox = Mailbox::parse(value.as_bytes()).unwrap();
    mailbox.display_name().unwrap().decoded().to_string()
}

/// A word, its charset, language, encoding and octets.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, WordEncoding, &'a [u8]);

#[test]
fn words() {
    #[rustfmt::skip]
    let cases: &[Case<'_>] = &[
        ("=?US-ASCII?Q?Keith_Moore?=", "US-ASCII", None, WordEncoding::Q, b"Keith Moore"),
        ("=?US-ASCII*EN?Q?Keith_Moore?=", "US-ASCII", Some("EN"), WordEncoding::Q, b"Keith Moore"),
        ("=?US-ASCII*?q?a?=", "US-ASCII", None, WordEncoding::Q, b"a"),
        ("=?a*b*c?q?a?=", "a", Some("b*c"), WordEncoding::Q, b"a"),
        ("=?ANSI_X3.4-1968?q?=e4=E4=0a_=5f?=", "ANSI_X3.4-1968", None, WordEncoding::Q, b"\xe4\xe4\n _"),
        ("=?x?b?AP8=?=", "x", None, WordEncoding::B, b"\0\xff"),
        ("=?x?B?AP8?=", "x", None, WordEncoding::B, b"\0\xff"),
        ("=?x?B?/w=?=", "x", None, WordEncoding::B, b"\xff"),
        ("=?x?B?+/+/?=", "x", None, WordEncoding::B, b"\xfb\xff\xbf"),
        ("=?x?B??=", "x", None, WordEncoding::B, b""),
        ("=?x?q?\"(a,b)\"?=", "x", None, WordEncoding::Q, b"\"(a,b)\""),
    ];
    for (raw, charset, language, encoding, octets) in cases {
        let word = EncodedWord::parse(raw.as_bytes()).unwrap();
        assert_eq!(word.raw(), raw.as_bytes());
        assert_eq!(word.charset_label(), charset.as_bytes(), "{raw}");
        assert_eq!(word.language(), language.map(str::as_bytes), "{raw}");
        assert_eq!(word.encoding(), *encoding, "{raw}");
        assert_eq!(word.octets().collect::<Vec<u8>>(), *octets, "{raw}");
    }
}

#[test]
fn malformed_words() {
    use EncodedWordErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&str, EncodedWordErrorKind, usize)] = &[
        ("", NotEncodedWord, 0),
        ("=", NotEncodedWord, 0),
        ("a=?x?q?a?=", NotEncodedWord, 0),
        ("=?", NotEncodedWord, 2),
        ("=?utf-8", NotEncodedWord, 7),
        ("=?utf-8?=", NotEncodedWord, 9),
        ("=?ut f-8?q?a?=", NotEncodedWord, 4),
        ("=??q?a?=", NoCharset, 2),
        ("=?*en?q?a?=", NoCharset, 2),
        ("=?x??a?=", UnknownEncoding, 4),
        ("=?x?qb?a?=", UnknownEncoding, 4),
        ("=?x?q?a b?=", BadOctet, 7),
        ("=?x?q?a?b?=", BadOctet, 7),
        ("=?x?q?\u{e9}?=", BadOctet, 6),
        ("=?x?q?a", NotClosed, 7),
        ("=?x?q?a?", NotClosed, 7),
        ("=?x?q?a=?=", BadEscape, 7),
        ("=?x?q?=4g?=", BadEscape, 6),
        ("=?x?b?A?=", BadBase64, 7),
        ("=?x?b?AAAAA?=", BadBase64, 11),
        ("=?x?b?AA===?=", BadBase64, 8),
        ("=?x?b?AAA==?=", BadBase64, 9),
        ("=?x?b?AAAA=?=", BadBase64, 10),
        ("=?x?b?AA=A?=", BadBase64, 9),
        ("=?x?b?AA-A?=", BadBase64, 8),
        ("=?x?b?====?=", BadBase64, 6),
        ("=?x?q?a?=b", Misplaced, 9),
        ("=?x?q?a?==?x?q?b?=", Misplaced, 9),
    ];
    for (raw, kind, offset) in cases {
        let error = EncodedWord::parse(raw.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (*kind, *offset), "{raw}");
    }
}

/// The table of RFC 2047 8.
#[test]
fn rfc_2047_8() {
    for (encoded, displayed) in [
        ("(=?ISO-8859-1?Q?a?=)", "a"),
        ("(=?ISO-8859-1?Q?a?= b)", "a b"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "ab"),
        ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "ab"),
        ("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "ab"),
        ("(=?ISO-8859-1?Q?a_b?=)", "a b"),
        #[cfg(feature = "charset")]
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "a b"),
    ] {
        assert_eq!(comment(encoded), displayed, "{encoded}");
        // In text a parenthesis is a character like others: the word is not delimited.
        if !encoded.contains(' ') {
            assert_eq!(text(encoded), encoded);
        }
    }
}

#[test]
fn phrases() {
    for (encoded, displayed) in [
        ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        ("John =?US-ASCII*EN?Q?Doe?=", "John Doe"),
        ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\u{e9} Pirard"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= (c) =?utf-8?q?b?=", "a b"),
        ("\"John\" =?utf-8?q?Doe?=", "John Doe"),
        ("\"=?utf-8?q?a?= b\"", "=?utf-8?q?a?= b"),
        ("\"John\"=?utf-8?q?Doe?=", "John=?utf-8?q?Doe?="),
        ("=?utf-8?q?Doe?=\"John\"", "=?utf-8?q?Doe?=John"),
        ("=?utf-8?q?a.b?= c.d", "a.b c.d"),
        ("a \"b\\\"  c\"", "a b\"  c"),
        ("=?utf-8?b?w6k?=\t=?utf-8?b?YQ==?=", "\u{e9}a"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\u{e9}"),
        ("\u{e9} \"\u{e9}\\\u{e9}\"", "\u{e9} \u{e9}\u{e9}"),
        ("\"\"", ""),
    ] {
        assert_eq!(phrase(encoded), displayed, "{encoded}");
    }
}
