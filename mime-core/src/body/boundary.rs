//! Delimiter lines (RFC 2046 5.1.1), matched whole against the boundaries of all open multiparts.
//!
//! ```text
//! boundary          = 0*69bchars bcharsnospace                          ; RFC 2046 5.1.1
//! bchars            = bcharsnospace / " "
//! bcharsnospace     = DIGIT / ALPHA / "'" / "(" / ")" / "+" / "_" / "," / "-" / "." / "/" / ":"
//!                   / "=" / "?"
//! dash-boundary     = "--" boundary
//! delimiter         = CRLF dash-boundary
//! close-delimiter   = delimiter "--"
//! transport-padding = *LWSP-char
//! ```
//!
//! What is matched here is the line: `dash-boundary ["--"] transport-padding` and its end, which is CRLF,
//! LF or the end of the input. It has at most 998 octets without its end (RFC 5322 2.1.1), so that a
//! reader which gets it in pieces never holds more. The line end before it is the caller's matter, and so
//! is the one behind a close delimiter, which may be that before the delimiter of an outer multipart.

use memchr::memchr;

use crate::header::scan::MAX_LINE;

/// The longest boundary that is held. RFC 2046 5.1.1 allows 70 octets; programs have written longer ones.
pub(crate) const MAX_BOUNDARY: usize = 128;

/// The longest boundary that is allowed (RFC 2046 5.1.1).
pub(super) const MAX_LAWFUL: usize = 70;

/// The octets of a boundary.
pub(crate) type Boundary = heapless::Vec<u8, MAX_BOUNDARY>;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A delimiter of the multipart at this level; `len` is the line, with its end unless it closes.
    Delimiter {
        level: usize,
        close: bool,
        len: usize,
    },
    /// One of a multipart that is closed.
    AfterClose,
    /// It begins like the delimiter of an open multipart, and goes on.
    Lookalike,
    /// Something else.
    Other,
    /// More bytes decide.
    Undecided,
}

/// An enclosing multipart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) level: usize,
    pub(crate) boundary: &'a [u8],
    pub(crate) closed: bool,
}

/// Says what the line at the start of `window` is. `last` says that nothing follows the window.
///
/// The first candidate that matches wins, and one that is open over one that is closed; so the
/// innermost must come first.
pub(crate) fn judge<'a>(
    window: &[u8],
    last: bool,
    candidates: impl Iterator<Item = Candidate<'a>>,
) -> Line {
    let Some(line) = window.strip_prefix(b"--") else {
        return if !last && b"--".starts_with(window) {
            Line::Undecided
        } else {
            Line::Other
        };
    };
    let mut answer = Line::Other;
    for candidate in candidates {
        match (matches(line, last, candidate.boundary), candidate.closed) {
            (Match::Undecided, _) => return Line::Undecided,
            (Match::Whole { close, len }, false) => {
                return Line::Delimiter {
                    level: candidate.level,
                    close,
                    len,
                };
            }
            (Match::Whole { .. }, true) => answer = Line::AfterClose,
            (Match::Longer, false) if answer == Line::Other => answer = Line::Lookalike,
            (Match::Longer | Match::Not, _) => {}
        }
    }
    answer
}

/// Where, from `from` on, the next line begins with two hyphens: the place of the LF before it.
///
/// Text without hyphens (base64) is passed over at the speed of memory, whatever its lines. Where a hyphen
/// turns up elsewhere, there will be more of them, so whole blocks are looked at. (A search for the three
/// bytes with `memmem` takes half as long again on base64, and leaves checks that can panic.)
pub(crate) fn next_candidate(window: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let behind = window.get(from.saturating_add(1)..)?;
        from = from.saturating_add(memchr(b'-', behind)?);
        if window.get(from..)?.starts_with(b"\n--") {
            return Some(from);
        }
        from = skip_blocks(window, from.saturating_add(1));
        from = from.saturating_add(memchr(b'\n', window.get(from..)?)?);
    }
}

/// Where, from `from` on, in steps of a block, a line may begin with a hyphen, or less than a block is
/// left. Without branches in a block, so that it becomes a few vector instructions.
fn skip_blocks(window: &[u8], mut from: usize) -> usize {
    const BLOCK: usize = 64;
    let block = |at| {
        window
            .get(at..)
            .and_then(|rest| rest.first_chunk::<BLOCK>())
    };
    while let (Some(here), Some(next)) = (block(from), block(from.saturating_add(1))) {
        let pairs = here.iter().zip(next);
        let found = pairs.fold(0, |found, (&end, &start)| {
            found | (u8::from(end == b'\n') & u8::from(start == b'-'))
        });
        if found != 0 {
            break;
        }
        from = from.saturating_add(BLOCK);
    }
    from
}

/// How many bytes at the end of `window`, in which there is no candidate, may be the start of one: of CR,
/// LF and a hyphen.
pub(super) fn undecided_end(window: &[u8]) -> usize {
    match window {
        [.., b'\r', b'\n', b'-'] => 3,
        [.., b'\r', b'\n'] | [.., b'\n', b'-'] => 2,
        [.., b'\n' | b'\r'] => 1,
        _ => 0,
    }
}

enum Match {
    Whole { close: bool, len: usize },
    Longer,
    Not,
    Undecided,
}

/// Compares what stands behind the two hyphens of a line.
fn matches(line: &[u8], last: bool, boundary: &[u8]) -> Match {
    let Some(rest) = line.strip_prefix(boundary) else {
        return if !last && boundary.starts_with(line) {
            Match::Undecided
        } else {
            Match::Not
        };
    };
    let (close, rest) = match rest {
        [b'-', b'-', rest @ ..] => (true, rest),
        [b'-'] if !last => return Match::Undecided,
        _ => (false, rest),
    };
    let head = line.len().saturating_sub(rest.len()).saturating_add(2);
    let padding = rest
        .iter()
        .take(MAX_LINE)
        .take_while(|&&byte| matches!(byte, b' ' | b'\t'))
        .count();
    let len = head.saturating_add(padding);
    if len > MAX_LINE {
        return Match::Longer;
    }
    let end = match rest.get(padding..).unwrap_or_default() {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [] if last => 0,
        [] | [b'\r'] if !last => return Match::Undecided,
        _ => return Match::Longer,
    };
    Match::Whole {
        close,
        len: len.saturating_add(if close { 0 } else { end }),
    }
}

/// Whether RFC 2046 5.1.1 allows `byte` in a boundary.
pub(super) const fn is_boundary_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'\''
                | b'('
                | b')'
                | b'+'
                | b'_'
                | b','
                | b'-'
                | b'.'
                | b'/'
                | b':'
                | b'='
                | b'?'
                | b' '
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    use super::next_candidate;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            pieces in prop::collection::vec(
                (prop::sample::select(vec!["-", "\n", "\n-", "\n--", "x"]), 1..80_usize),
                0..12,
            ),
            from in 0..40_usize,
        ) {
            let window: Vec<u8> = pieces
                .iter()
                .flat_map(|&(piece, count)| piece.repeat(if piece.len() == 1 { count } else { 1 }).into_bytes())
                .collect();
            let rest = window.get(from..).unwrap_or_default();
            let plain = rest.windows(3).position(|bytes| bytes == b"\n--");
            prop_assert_eq!(next_candidate(&window, from), plain.map(|at| from + at));
        }
    }
}
