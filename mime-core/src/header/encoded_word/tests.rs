use super::*;
use crate::header::address::Mailbox;
use crate::header::lexical::Comments;
use crate::header::unstructured::Unstructured;
use scop_core::Emit;
use std::format;
use std::string::String;
use std::vec::Vec;

mod second;
mod write;

/// What is emitted; `Display` would hide controls that should not be there.
fn octets_of(text: DecodedText<'_>) -> String {
    String::from_utf8(text.to_vec()).unwrap()
}

fn text(value: &str) -> String {
    octets_of(Unstructured::new(value.as_bytes()).text())
}

fn comment(value: &str) -> String {
    let comment = Comments::new(value.as_bytes()).next().unwrap();
    assert_eq!(comment.raw(), value.as_bytes());
    octets_of(comment.decoded())
}

fn phrase(value: &str) -> String {
    let value = format!("{value} <a@example.org>");
    let mailbox = Mailbox::parse(value.as_bytes()).unwrap();
    octets_of(mailbox.display_name().unwrap().decoded())
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
        ("=?x?B?AP8==?=", "x", None, WordEncoding::B, b"\0\xff"),
        ("=?x?B?AAAA=?=", "x", None, WordEncoding::B, b"\0\0\0"),
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
        ("=?x?b?A?=", BadBase64, 6),
        ("=?x?b?AAAAA?=", BadBase64, 10),
        ("=?x?b?AA===?=", BadBase64, 10),
        ("=?x?b?A===?=", BadBase64, 6),
        ("=?x?b?AA=A?=", BadBase64, 9),
        ("=?x?b?AA-A?=", BadBase64, 8),
        ("=?x?b?====?=", BadBase64, 8),
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

/// Each word begins in ASCII (RFC 2047 6.2), so that its first escape sequence is not the second in a row;
/// but some programs cut the octets anywhere.
#[cfg(feature = "charset")]
#[test]
fn words_that_shift() {
    for (value, shown) in [
        (
            "=?iso-2022-jp?b?GyRCJCIbKEI=?= =?iso-2022-jp?b?GyRCJCIbKEI=?=",
            "\u{3042}\u{3042}",
        ),
        (
            "=?iso-2022-jp?b?GyRCJCI=?= =?iso-2022-jp?b?GyRCJCI=?=",
            "\u{3042}\u{3042}",
        ),
        (
            "=?iso-2022-jp?b?GyRCJCI=?= =?iso-2022-jp?b?JCIbKEI=?=",
            "\u{3042}\u{3042}",
        ),
        (
            "=?iso-2022-jp?b?GyRCJA==?= =?iso-2022-jp?b?IhsoQg==?=",
            "\u{3042}",
        ),
        (
            "=?utf-16be?b?AA==?= =?utf-16be?b?G2E=?=",
            "\u{fffd}\u{fffd}",
        ),
    ] {
        assert_eq!(text(value), shown, "{value}");
    }
}

/// What has been done with encoded words to mislead readers ("Composition Kills", USENIX Security 2020,
/// section 5.2; RFC 2047 5, 6.2, 6.3), and what is merely unusual.
#[test]
fn attacks() {
    for (value, shown) in [
        // What is decoded cannot end the field, nor the line, nor the text.
        (
            "=?utf-8?q?a=0D=0ABcc:_b=00?=",
            "a\u{fffd}\u{fffd}Bcc: b\u{fffd}",
        ),
        ("=?utf-8?b?YQ0KQmNjOiBi?=", "a\u{fffd}\u{fffd}Bcc: b"),
        (
            "=?utf-8?q?=1B[31m=7F=C2=85?= \u{1b}",
            "\u{fffd}[31m\u{fffd}\u{fffd} \u{fffd}",
        ),
        ("=?latin1?q?=85=9B?=", "\u{fffd}\u{fffd}"),
        ("a\0b\rc\u{9b}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
        ("a\r\nb", "a\u{fffd}\u{fffd}b"),
        ("=?utf-8?q?a=09b?=", "a\tb"),
        // What comes out of a word is not decoded again, alone or with its neighbours.
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?="),
        (
            "=?utf-8?q?=3D=3F?= =?utf-8?q?utf-8=3Fq=3Fa=3F=3D?=",
            "=?utf-8?q?a?=",
        ),
        ("=?=?utf-8?q?a?=?q?b?=", "=?=?utf-8?q?a?=?q?b?="),
        // Characters of which no part is one: overlong forms, surrogates.
        (
            "=?utf-8?q?=C0=AE=ED=A0=80?=",
            "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
        ),
        ("=?utf-8?q?=E2=82?= =?latin1?q?=AC?=", "\u{fffd}\u{ac}"),
        ("=?utf-8?q?=E2=82?= =?UTF8*en?b?rA==?=", "\u{20ac}"),
        (
            "=?utf-8?q?=E2=82?= x =?utf-8?q?=AC?=",
            "\u{fffd} x \u{fffd}",
        ),
        // The direction of writing is text.
        ("=?utf-8?q?=E2=80=AEgpj.exe?=", "\u{202e}gpj.exe"),
        // White space, line ends and parentheses.
        (" =?utf-8?q?a?= \r\n\t=?utf-8?q?b?=\r\n ", "ab"),
        ("a \r\n  =?utf-8?q?b?=  c ", "a   b  c"),
        ("(=?utf-8?q?a?=)", "(=?utf-8?q?a?=)"),
        ("\"=?utf-8?q?a?=\"", "\"=?utf-8?q?a?=\""),
        ("\" =?utf-8?q?a?= \"", "\" a \""),
        ("=?utf-8?q?a?==?utf-8?q?b?=", "=?utf-8?q?a?==?utf-8?q?b?="),
        ("=?utf-8?q?a b?=", "=?utf-8?q?a b?="),
        ("=?utf-9?q?a?= =?utf-8?q?b?=", "=?utf-9?q?a?= b"),
        ("=?utf-8?q??= =?utf-8?q?b?=", "b"),
        ("\u{e9} =?utf-8?q?=C3=A9?=", "\u{e9} \u{e9}"),
    ] {
        assert_eq!(text(value), shown, "{value:?}");
    }
    let text = |value| octets_of(Unstructured::new(value).text());
    assert_eq!(text(b"a\xff\xc3 \xa9"), "a\u{fffd}\u{fffd} \u{fffd}");
}

#[test]
fn defects() {
    use EncodedWordErrorKind::*;
    type Found = Option<(EncodedWordErrorKind, usize)>;
    let found = |error: Option<EncodedWordError>| error.map(|it| (it.kind(), it.offset()));
    let long = format!("=?utf-8?q?{}?=", "a".repeat(64));
    #[rustfmt::skip]
    let cases: &[(&str, Found, Found, Found)] = &[
        ("a =? b ?= =?c", None, None, None),
        ("a =?utf-8?q?=C3?= =?utf-8?q?=A9?=", None, None, Some((CutCharacter, 2))),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9=C3?=", Some((NotInCharset, 16)), None, Some((CutCharacter, 0))),
        ("=?utf-8?q?=C3?= x =?utf-8?q?y?=", Some((NotInCharset, 0)), None, None),
        ("=?utf-8?q?a=0D=0Ab?=", None, None, Some((Control, 0))),
        ("=?utf-8?q?a=09b?= =?latin1?q?=85?=", None, None, Some((Control, 18))),
        ("=?utf-8,?q?a?=", Some((NoCharset, 2)), None, None),
        ("=?utf-8/?q?a?=", Some((NoCharset, 2)), None, None),
        ("a x=?utf-8?q?a b?= c", None, Some((Misplaced, 2)), None),
        ("a =? b =? c?q?d e?=", None, Some((Misplaced, 2)), None),
        ("x=?a =?utf-8?q?a?= b?q?c?=", None, None, None),
        (" =?utf-8?q?a b?=", Some((NotClosed, 12)), None, None),
        ("=?x?q?a?= =?y?q?a?=", Some((UnknownCharset, 2)), None, None),
        ("=?x?q?a?= =?utf-8?z?a?=", Some((UnknownEncoding, 18)), None, None),
        ("a =?utf-8?q?=4?=", Some((BadEscape, 12)), None, None),
        ("a =?us-ascii?q?b?= =?us-ascii?q?=E9?= =?x?q?y?=", Some((NotInCharset, 19)), None, None),
        ("=?utf-8?q?=C3?= =?x?q?y?=", Some((NotInCharset, 0)), None, None),
        ("a=?utf-8?q?b?= =?utf-8?q?b?=c", None, Some((Misplaced, 0)), None),
        ("a (=?utf-8?q?b?=)", None, Some((Misplaced, 2)), None),
        ("=?utf-8?q?a?==?utf-8?q?b?=", None, Some((Misplaced, 0)), None),
        ("a =?utf-8?q??= =?utf-8?b?YQ?=", None, None, Some((NoText, 2))),
        ("a =?utf-8?b?YQ?=", None, None, Some((BadPadding, 2))),
        ("a =?utf-8?b?YWI==?=", None, None, Some((BadPadding, 2))),
        (&long, None, None, Some((TooLong, 0))),
        (&long[1..], None, None, None),
    ];
    for (value, bad, misplaced, loose) in cases {
        let defects = Unstructured::new(value.as_bytes())
            .text()
            .encoded_word_defects();
        assert_eq!(found(defects.bad), *bad, "{value}");
        assert_eq!(found(defects.misplaced), *misplaced, "{value}");
        assert_eq!(found(defects.loose), *loose, "{value}");
    }
    for (value, at) in [
        ("a \"=?utf-8?q?b?=\"", 2),
        ("a \"=\\?utf-8?q?b c?=\"", 2),
        ("\"\"=?utf-8?q?b?=", 2),
        ("=?utf-8?q?b?=.", 0),
    ] {
        let value = format!("{value} <a@example.org>");
        let mailbox = Mailbox::parse(value.as_bytes()).unwrap();
        let defects = mailbox
            .display_name()
            .unwrap()
            .decoded()
            .encoded_word_defects();
        assert_eq!(found(defects.misplaced), Some((Misplaced, at)), "{value}");
    }
    for (value, at) in [("(a \"=?utf-8?q?b?=\")", 3), ("(\\=?utf-8?q?b?=)", 1)] {
        let comment = Comments::new(value.as_bytes()).next().unwrap();
        let defects = comment.decoded().encoded_word_defects();
        assert_eq!(found(defects.misplaced), Some((Misplaced, at)), "{value}");
    }
}

/// Much of each: linear, or this does not end.
#[test]
fn long_values() {
    for unit in [
        "=?",
        "=?utf-8?q?",
        "=?utf-8?q?a?= ",
        "=?utf-8?q?a?=",
        "?",
        "=",
        "(",
        " ",
        "\\",
        "\r\n ",
    ] {
        let value = unit.repeat(200_000 / unit.len());
        let defects = Unstructured::new(value.as_bytes()).text();
        assert!(defects.emitted_len() <= 3 * value.len());
        let comment = format!("({})", value.replace(['(', '\\'], "()"));
        let comment = Comments::new(comment.as_bytes()).next().unwrap();
        assert!(comment.decoded().emitted_len() <= 3 * comment.raw().len());
        let name = format!("a\"{}\"", value.replace(['\\'], ""));
        let mailbox = format!("{name} <a@example.org>");
        let mailbox = Mailbox::parse(mailbox.as_bytes()).unwrap();
        assert!(mailbox.display_name().unwrap().decoded().emitted_len() <= 3 * name.len());
    }
}
