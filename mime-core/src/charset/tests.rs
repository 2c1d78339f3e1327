use super::*;
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

/// Decodes the pieces one after the other.
fn decode<'a>(charset: Charset, pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, bool) {
    let mut out = Vec::new();
    let mut decoder = CharsetDecoder::new(charset);
    for piece in pieces {
        decoder.put(piece, &mut WholeCharacters(&mut out)).unwrap();
    }
    decoder.finish(&mut WholeCharacters(&mut out)).unwrap();
    (String::from_utf8(out).unwrap(), decoder.had_errors())
}

struct WholeCharacters<'a>(&'a mut Vec<u8>);

impl Sink for WholeCharacters<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        assert!(!bytes.is_empty() && core::str::from_utf8(bytes).is_ok());
        self.0.put(bytes)
    }
}

#[test]
fn labels() {
    for (label, name) in [
        ("UTF-8", "UTF-8"),
        ("utf8", "UTF-8"),
        ("us-ascii", "US-ASCII"),
        ("ANSI_X3.4-1968", "US-ASCII"),
        ("ascii", "US-ASCII"),
        ("Latin1", "ISO-8859-1"),
        ("L1", "ISO-8859-1"),
        ("ISO_8859-1:1987", "ISO-8859-1"),
    ] {
        let charset = Charset::of_label(label.as_bytes()).map(Charset::name);
        assert_eq!(charset, Some(name), "{label}");
    }
    for label in [
        "",
        " utf-8",
        "utf-8 ",
        "\"utf-8\"",
        "utf-7",
        "x-user-defined",
        "utf-8*en",
        "hz-gb-2312",
    ] {
        assert_eq!(Charset::of_label(label.as_bytes()), None, "{label:?}");
    }
}

#[test]
fn the_three() {
    let all: Vec<u8> = (0..=255).collect();
    let latin: String = (0..=255_u8).map(char::from).collect();
    assert_eq!(decode(Charset::ISO_8859_1, [&all[..]]), (latin, false));
    let ascii: String = (0..=255_u8)
        .map(|byte| {
            if byte < 128 {
                char::from(byte)
            } else {
                '\u{fffd}'
            }
        })
        .collect();
    assert_eq!(decode(Charset::US_ASCII, [&all[..]]), (ascii, true));
    assert!(!decode(Charset::US_ASCII, [&all[..128]]).1);
}

#[test]
fn a_decoder_begins_again() {
    let mut out = Vec::new();
    let mut decoder = CharsetDecoder::new(Charset::UTF_8);
    decoder.put(b"\xe2\x82", &mut out).unwrap();
    decoder.finish(&mut out).unwrap();
    decoder.put(b"\xac", &mut out).unwrap();
    decoder.put(b"\xe2\x82\xac", &mut out).unwrap();
    decoder.finish(&mut out).unwrap();
    assert_eq!(out, "\u{fffd}\u{fffd}\u{20ac}".as_bytes());
    assert!(decoder.had_errors());
}

/// Octets that begin, continue and break characters.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let edges = b"a\x80\xbf\xc0\xc3\xe0\xe2\xed\xf0\xf4\x1b$B(";
    let biased = prop_oneof![proptest::sample::select(&edges[..]), any::<u8>()];
    proptest::collection::vec(biased, 0..12)
}

proptest! {
    #[test]
    fn utf8_is_that_of_std(octets in octets()) {
        let expected = String::from_utf8_lossy(&octets).into_owned();
        let malformed = core::str::from_utf8(&octets).is_err();
        prop_assert_eq!(decode(Charset::UTF_8, [&octets[..]]), (expected, malformed));
    }

    #[test]
    fn cuts_change_nothing(octets in octets(), label in 0..LABELS_TO_CUT.len()) {
        let Some(charset) = Charset::of_label(LABELS_TO_CUT[label].as_bytes()) else {
            return Ok(());
        };
        let whole = decode(charset, [&octets[..]]);
        for cut in 0..=octets.len() {
            for second in cut..=octets.len() {
                let pieces = [&octets[..cut], &octets[cut..second], &octets[second..]];
                prop_assert_eq!(&decode(charset, pieces), &whole, "{} {}", cut, second);
            }
        }
        let bytes = octets.chunks(1);
        prop_assert_eq!(&decode(charset, bytes), &whole);
    }
}

const LABELS_TO_CUT: &[&str] = &[
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "utf-16",
    "utf-16le",
    "iso-2022-jp",
    "shift_jis",
    "gb18030",
    "big5",
    "koi8-r",
];

#[cfg(feature = "charset")]
mod registered {
    use super::*;

    #[test]
    fn labels() {
        for (label, name) in [
            ("ISO-8859-2", "ISO-8859-2"),
            ("windows-1252", "windows-1252"),
            ("cp936", "GBK"),
            ("gb2312", "GBK"),
            ("ks_c_5601-1987", "EUC-KR"),
            ("UTF-16", "UTF-16"),
            ("utf-16be", "UTF-16BE"),
        ] {
            let charset = Charset::of_label(label.as_bytes()).map(Charset::name);
            assert_eq!(charset, Some(name), "{label}");
        }
        for label in [
            " iso-8859-2",
            "iso-8859-2\t",
            "unicode11utf8",
            "iso-2022-kr",
        ] {
            assert_eq!(Charset::of_label(label.as_bytes()), None, "{label:?}");
        }
    }

    /// No label that is read without the feature is read in another way by the crate behind it, and none
    /// that it takes for one of ours is left to it.
    #[test]
    fn ours_come_first() {
        for label in [
            "ascii",
            "us-ascii",
            "iso-8859-1",
            "latin1",
            "l1",
            "cp819",
            "ibm819",
            "iso88591",
        ] {
            let charset = Charset::of_label(label.as_bytes()).unwrap();
            assert!(!matches!(charset.0, Known::Registered(_)), "{label}");
        }
    }

    #[test]
    fn texts() {
        for (label, octets, text) in [
            (
                "iso-8859-8",
                &b"\xed\xe5\xec\xf9"[..],
                "\u{5dd}\u{5d5}\u{5dc}\u{5e9}",
            ),
            ("windows-1252", b"\x80", "\u{20ac}"),
            ("iso-2022-jp", b"\x1b$B$\"\x1b(B!", "\u{3042}!"),
            ("shift_jis", b"\x82\xa0", "\u{3042}"),
            ("utf-16", b"\xff\xfea\0", "a"),
            ("utf-16", b"\xfe\xff\0a", "a"),
            ("utf-16", b"\0a", "a"),
            ("utf-16le", b"a\0", "a"),
            ("koi8-r", b"\xc1", "\u{430}"),
        ] {
            let charset = Charset::of_label(label.as_bytes()).unwrap();
            assert_eq!(
                decode(charset, [octets]),
                (String::from(text), false),
                "{label}"
            );
        }
    }

    proptest! {
        #[test]
        fn as_the_crate_behind_it_decodes_the_whole(octets in octets()) {
            for label in ["gb18030", "iso-2022-jp", "euc-kr", "iso-8859-15", "utf-16be"] {
                let charset = Charset::of_label(label.as_bytes()).unwrap();
                let mut whole = encoding_rs::Encoding::for_label(label.as_bytes())
                    .unwrap()
                    .new_decoder_without_bom_handling();
                let mut text = [0; 256];
                let (_, read, len, malformed) = whole.decode_to_utf8(&octets, &mut text, true);
                prop_assert_eq!(read, octets.len());
                let text = String::from_utf8(text[..len].to_vec()).unwrap();
                prop_assert_eq!(decode(charset, [&octets[..]]), (text, malformed));
            }
        }
    }
}
