use super::*;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

fn fold(text: &[u8]) -> Result<String, FoldError> {
    let mut out = Vec::new();
    let mut sink = FoldSink::new(&mut out);
    let _ = sink.put(text);
    sink.finish()?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[test]
fn folds_before_white_space() {
    let text = |len: usize| "x".repeat(len);
    let cases = [
        (String::new(), "\r\n".to_string()),
        (text(78), text(78) + "\r\n"),
        (text(77) + " ", text(77) + " \r\n"),
        // White space at the end never stands on a line of its own.
        (text(78) + "   ", text(78) + "   \r\n"),
        (text(70) + " abcdefg", text(70) + " abcdefg\r\n"),
        (text(70) + " abcdefgh", text(70) + "\r\n abcdefgh\r\n"),
        (text(70) + "  \tabcdefg", text(70) + "\r\n  \tabcdefg\r\n"),
        (
            "A: ".to_string() + &text(90) + " b",
            "A:\r\n ".to_string() + &text(90) + "\r\n b\r\n",
        ),
        (
            "A: ".to_string() + &text(77),
            "A:\r\n ".to_string() + &text(77) + "\r\n",
        ),
        (
            "A: ".to_string() + &text(78) + " b",
            "A:\r\n ".to_string() + &text(78) + "\r\n b\r\n",
        ),
        (text(998), text(998) + "\r\n"),
        // A run of white space as long as a line has a place to break, too.
        (
            text(50) + &" ".repeat(78) + &text(20),
            text(50) + &" ".repeat(77) + "\r\n " + &text(20) + "\r\n",
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(fold(given.as_bytes()), Ok(expected));
    }
}

#[test]
fn errors() {
    assert_eq!(fold(&[b'x'; 999]), Err(FoldError::LineTooLong));
    let blank = std::format!("a{}b", " ".repeat(1100));
    assert_eq!(fold(blank.as_bytes()), Err(FoldError::LineTooLong));
    for byte in [b'\r', b'\n', 0] {
        assert_eq!(fold(&[b'A', b':', byte, b' ']), Err(FoldError::LineEnd));
    }
    let mut small = [0; 3];
    let mut small = scop_core::SliceSink::new(&mut small);
    let mut sink = FoldSink::new(&mut small);
    assert_eq!(sink.put(b"abc"), Ok(()));
    assert_eq!(sink.finish(), Err(FoldError::Full));
}

#[test]
fn a_line_can_be_ended() {
    let mut out = Vec::new();
    let mut sink = FoldSink::new(&mut out);
    for text in [&b"A: b;"[..], b" c;", b" d e"] {
        sink.put(text).unwrap();
        sink.end_line().unwrap();
    }
    sink.finish().unwrap();
    assert_eq!(out, b"A: b;\r\n c;\r\n d e\r\n");
}

#[test]
fn an_error_is_kept() {
    let mut out = Vec::new();
    let mut sink = FoldSink::new(&mut out);
    assert_eq!(sink.put(b"a\nb"), Err(Full));
    assert_eq!(sink.put(b"c"), Err(Full));
    assert_eq!(sink.finish(), Err(FoldError::LineEnd));
}

proptest! {
    #[test]
    fn unfolds_to_the_same(words in "([a-z]{1,100}|[ \t]{1,3}|\u{e9}){0,60}", cuts: Vec<u8>) {
        let longest = words.split([' ', '\t']).map(str::len).max().unwrap_or(0);
        let folded = match fold(words.as_bytes()) {
            Err(FoldError::LineTooLong) if longest > MAX_LINE - PREFERRED_LINE => return Ok(()),
            folded => folded.unwrap(),
        };
        let mut unfolded = folded.replace("\r\n ", " ").replace("\r\n\t", "\t");
        prop_assert!(unfolded.ends_with("\r\n"));
        unfolded.truncate(unfolded.len() - 2);
        prop_assert_eq!(&unfolded, &words);
        for line in folded.split("\r\n").filter(|_| !words.trim().is_empty()) {
            let fits = line.trim_end().len() <= PREFERRED_LINE;
            // A longer line has no white space between two words, or nothing but that at its end.
            prop_assert!(fits || !line.trim().contains([' ', '\t']), "{}", line);
            prop_assert!(line.is_empty() || !line.trim().is_empty());
        }
        // The pieces do not matter.
        let mut out = Vec::new();
        let mut sink = FoldSink::new(&mut out);
        let mut rest = words.as_bytes();
        for cut in cuts {
            let (piece, after) = rest.split_at(usize::from(cut).min(rest.len()));
            sink.put(piece).unwrap();
            rest = after;
        }
        sink.put(rest).unwrap();
        sink.finish().unwrap();
        prop_assert_eq!(out, folded.as_bytes());
    }

    /// Taking as much as fits a line at once is no more than quick.
    #[test]
    fn a_line_at_once_is_byte_by_byte(
        words in "([a-z]{1,9}|[a-z]{60,100}|[ \t]{1,3}|[ ]{70,90}){0,30}",
        cuts: Vec<(u8, bool)>,
    ) {
        let (mut out, mut slow_out) = (Vec::new(), Vec::new());
        let (mut sink, mut slow) = (FoldSink::new(&mut out), FoldSink::new(&mut slow_out));
        let mut rest = words.as_bytes();
        for (cut, end_line) in cuts.into_iter().chain([(255, false); 12]) {
            let (piece, after) = rest.split_at(usize::from(cut).min(rest.len()));
            sink.put(piece).unwrap();
            for &byte in piece {
                slow.push(byte).unwrap();
            }
            rest = after;
            if end_line {
                sink.end_line().unwrap();
                slow.end_line().unwrap();
            }
        }
        sink.finish().unwrap();
        slow.finish().unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&slow_out));
    }
}
