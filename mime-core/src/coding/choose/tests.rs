use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::coding::tests::{damaged, in_pieces};

fn of(pieces: &[&[u8]]) -> Stats {
    let mut stats = Stats::new();
    for piece in pieces {
        stats.put(piece);
    }
    stats
}

#[test]
fn choices() {
    use Encoding::{Base64, EightBit, QuotedPrintable, SevenBit};
    let words = b"words that are read ";
    let long = |len: usize| std::vec![b'a'; len];
    for (octets, seven, eight, binary) in [
        (b"".to_vec(), SevenBit, SevenBit, SevenBit),
        (b"a\r\nb\r\n".to_vec(), SevenBit, SevenBit, SevenBit),
        (b"\x1b$B\x1b(B\t\r\n".to_vec(), SevenBit, SevenBit, SevenBit),
        (
            [&words[..], b"\n"].concat(),
            SevenBit,
            SevenBit,
            QuotedPrintable,
        ),
        (long(998), SevenBit, SevenBit, SevenBit),
        (
            [&long(998)[..], b"\r\n"].concat(),
            SevenBit,
            SevenBit,
            SevenBit,
        ),
        (long(999), QuotedPrintable, QuotedPrintable, QuotedPrintable),
        (
            [&words[..], b"\xc3\xa4\r\n"].concat(),
            QuotedPrintable,
            EightBit,
            EightBit,
        ),
        (
            [&words[..], b"\r"].concat(),
            QuotedPrintable,
            QuotedPrintable,
            QuotedPrintable,
        ),
        (
            [&words[..], b"\0"].concat(),
            QuotedPrintable,
            QuotedPrintable,
            QuotedPrintable,
        ),
        // One of six, one of five.
        (
            b"abcde\0".to_vec(),
            QuotedPrintable,
            QuotedPrintable,
            QuotedPrintable,
        ),
        (b"abcd\0".to_vec(), Base64, Base64, Base64),
        (
            b"abcd=\0abcdef".to_vec(),
            QuotedPrintable,
            QuotedPrintable,
            QuotedPrintable,
        ),
        (b"abcd=\0abcde".to_vec(), Base64, Base64, Base64),
        ("Привет\r\n".as_bytes().to_vec(), Base64, EightBit, EightBit),
    ] {
        let stats = of(&[&octets]);
        let show = octets.escape_ascii();
        assert_eq!(stats.encoding(Form::Text, false), seven, "{show}");
        assert_eq!(stats.encoding(Form::Text, true), eight, "{show}");
        assert_eq!(stats.encoding(Form::Binary, true), binary, "{show}");
    }
}

proptest! {
    #[test]
    fn counts(octets in damaged(b"abc ", b"=\r\n\r\n\0\x80\x1b\x7f\t", 600), cuts: Vec<u16>) {
        let stats = of(&[&octets]);
        prop_assert_eq!(&of(&in_pieces(&octets, &cuts)), &stats);
        let count = |is: &dyn Fn(usize, u8) -> bool| {
            let all = octets.iter().enumerate();
            u64::try_from(all.filter(|&(at, &octet)| is(at, octet)).count()).unwrap()
        };
        let after_cr = |at: usize| at > 0 && octets[at - 1] == b'\r';
        prop_assert_eq!(stats.octets(), count(&|_, _| true));
        prop_assert_eq!(stats.eight_bit(), count(&|_, octet| octet > 127));
        prop_assert_eq!(stats.nul(), count(&|_, octet| octet == 0));
        let control = |_, octet: u8| octet.is_ascii_control() && !b"\t\r\n".contains(&octet);
        prop_assert_eq!(stats.controls(), count(&control));
        prop_assert_eq!(stats.bare_lf(), count(&|at, octet| octet == b'\n' && !after_cr(at)));
        let bare_cr = |at, octet| octet == b'\r' && octets.get(at + 1) != Some(&b'\n');
        prop_assert_eq!(stats.bare_cr(), count(&bare_cr));
        let lines: Vec<&[u8]> = octets.split(|&octet| octet == b'\n').collect();
        let last = lines.len() - 1;
        let longest = lines.iter().enumerate().map(|(number, line)| {
            let with_end = if number < last { line.strip_suffix(b"\r") } else { None };
            with_end.unwrap_or(line).len()
        });
        prop_assert_eq!(stats.longest_line(), u64::try_from(longest.max().unwrap()).unwrap());
    }
}
