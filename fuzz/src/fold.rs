//! Folding: what is folded and unfolded is what was put, whatever the pieces it came in.

use scop_core::Sink;
use scop_mime_core::FoldSink;
use scop_mime_core::header::fold::{FoldError, PREFERRED_LINE};

use crate::choice::Choice;
use crate::date::unfold;

/// A field without its line end.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    let chunks = choice.chunks(data);
    let whole = fold(&[data]);
    assert_eq!(fold(&chunks), whole, "the pieces show");
    let is_broken = data.iter().any(|byte| b"\0\r\n".contains(byte));
    let folded = match whole {
        Ok(folded) => folded,
        Err(FoldError::LineEnd) => return assert!(is_broken),
        // Some stretch cannot be broken; what comes behind it was not looked at.
        Err(FoldError::LineTooLong) => {
            return assert!(is_broken || longest_stretch(data) > 998 - PREFERRED_LINE);
        }
        Err(FoldError::Full) => panic!("a vector is never full"),
        Err(error) => panic!("{error}"),
    };
    assert!(!is_broken);
    let body = folded.strip_suffix(b"\r\n").expect("a field ends its line");
    assert_eq!(unfold(body), data);
    let lines: Vec<&[u8]> = body.split(|&byte| byte == b'\n').collect();
    for line in &lines {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 998);
        // Longer than wanted only where there is no place to break: after text, before white space.
        let text = line
            .iter()
            .position(|byte| !b" \t".contains(byte))
            .unwrap_or(line.len());
        let word = &line[text..];
        let breaks = word.iter().any(|byte| b" \t".contains(byte));
        let is_short = line.len() <= PREFERRED_LINE || word.trim_ascii_end().len() < word.len();
        assert!(is_short || !breaks, "{}", line.escape_ascii());
        // A line of white space alone would end the header for some readers. No field begins with it.
        let begins = data.first().is_some_and(|byte| b" \t".contains(byte));
        assert!(begins || lines.len() == 1 || text < line.len());
    }
}

/// Octets of a word and the white space next to it.
fn longest_stretch(data: &[u8]) -> usize {
    let runs = data.chunk_by(|one, other| b" \t".contains(one) == b" \t".contains(other));
    let lengths: Vec<usize> = runs.map(<[u8]>::len).chain([0]).collect();
    let pairs = lengths.windows(2).map(|pair| pair[0] + pair[1]);
    pairs.max().unwrap_or(0)
}

fn fold(pieces: &[&[u8]]) -> Result<Vec<u8>, FoldError> {
    let mut out = Vec::new();
    let mut sink = FoldSink::new(&mut out);
    for piece in pieces {
        let put = sink.put(piece);
        assert_eq!(put.is_err(), sink.error().is_some());
    }
    sink.finish()?;
    Ok(out)
}
