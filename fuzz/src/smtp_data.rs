//! Content behind DATA and in chunks of BDAT, read and written at any chunks, against readings of the whole
//! octet by octet.

use scop_core::Sink;
use scop_smtp_proto::data::{
    BareLineEnd, Checker, LineEndOctet, LineEnds, Piece, StuffError, StuffSink, Stuffer, Unstuffer,
};

use crate::choice::Choice;

/// Streams up to this length are cut in two at every octet.
const SHORT: usize = 48;

/// What stands behind DATA, and what is to be sent.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    for chunks in all_chunks(data, &mut choice) {
        for policy in [LineEnds::Refuse, LineEnds::Keep, LineEnds::Normalise] {
            check_unstuffer(data, &chunks, policy);
            check_checker(data, &chunks, policy);
        }
        for normalise in [false, true] {
            check_stuffer(data, &chunks, normalise);
        }
    }
    // What was stuffed is the same again, at other chunks.
    let sent = stuffed(&normalised(data));
    for policy in [LineEnds::Refuse, LineEnds::Keep, LineEnds::Normalise] {
        let mut unstuffer = Unstuffer::new(policy);
        let (content, rest) = unstuff(&mut unstuffer, &choice.chunks(&sent));
        let mut expected = normalised(data);
        if !expected.is_empty() && !expected.ends_with(b"\r\n") {
            expected.extend(b"\r\n");
        }
        assert_eq!((content, rest), (expected, 0), "{policy:?}");
        assert!(unstuffer.is_ended() && unstuffer.bare_line_end().is_none());
    }
}

fn all_chunks<'a>(data: &'a [u8], choice: &mut Choice) -> Vec<Vec<&'a [u8]>> {
    let mut all = vec![vec![data], data.chunks(1).collect()];
    all.extend((0..3).map(|_| choice.chunks(data)));
    if data.len() <= SHORT {
        all.extend((0..=data.len()).map(|cut| vec![&data[..cut], &data[cut..]]));
    }
    all
}

/// The first CR without LF or LF without CR.
fn bare(data: &[u8]) -> Option<BareLineEnd> {
    let octet_of = |at: usize| {
        let before = at.checked_sub(1).map(|before| data[before]);
        match data[at] {
            b'\r' if data.get(at + 1) != Some(&b'\n') => Some(LineEndOctet::Cr),
            b'\n' if before != Some(b'\r') => Some(LineEndOctet::Lf),
            _ => None,
        }
    };
    (0..data.len()).find_map(|at| {
        let offset = u64::try_from(at).expect("it fits");
        octet_of(at).map(|octet| BareLineEnd { octet, offset })
    })
}

/// Each bare CR and each bare LF as CRLF.
pub(crate) fn normalised(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = data;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match octet {
            b'\r' | b'\n' => {
                if octet == b'\r' && rest.first() == Some(&b'\n') {
                    rest = &rest[1..];
                }
                out.extend(b"\r\n");
            }
            _ => out.push(octet),
        }
    }
    out
}

/// A dot before each line that begins with one; the terminator behind.
fn stuffed(data: &[u8]) -> Vec<u8> {
    let mut out = dotted(data);
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend(b"\r\n");
    }
    out.extend(b".\r\n");
    out
}

pub(crate) fn dotted(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, &octet) in data.iter().enumerate() {
        let begins_line = at == 0 || data[..at].ends_with(b"\r\n");
        if octet == b'.' && begins_line {
            out.push(b'.');
        }
        out.push(octet);
    }
    out
}

/// Where the octets before the terminator end, and where those behind it begin.
pub(crate) fn terminator(data: &[u8]) -> Option<(usize, usize)> {
    if data.starts_with(b".\r\n") {
        return Some((0, 3));
    }
    let mark = b"\r\n.\r\n";
    let at = data.windows(mark.len()).position(|window| window == mark)?;
    Some((at + 2, at + mark.len()))
}

/// Without the first dot of each line, without what is not yet known to be content, and its line ends as the
/// policy has them.
pub(crate) fn unstuffed(
    raw: &[u8],
    is_whole: bool,
    dots: bool,
    policy: LineEnds,
) -> (Vec<u8>, Option<BareLineEnd>) {
    // A CR at the end is held back, and it may be the end.
    let known = match raw {
        [known @ .., b'\r'] if !is_whole => known,
        _ => raw,
    };
    let bare = bare(known).filter(|_| policy != LineEnds::Keep);
    let known = match bare {
        Some(bare) if policy == LineEnds::Refuse => {
            &known[..usize::try_from(bare.offset).expect("it was an index")]
        }
        _ => known,
    };
    let mut content = Vec::new();
    for (at, &octet) in known.iter().enumerate() {
        let begins_line = at == 0 || known[..at].ends_with(b"\r\n");
        let before = at.checked_sub(1).map(|before| known[before]);
        match octet {
            b'.' if begins_line && dots => {}
            b'\r' if policy == LineEnds::Normalise && known.get(at + 1) != Some(&b'\n') => {
                content.extend(b"\r\n");
            }
            b'\n' if policy == LineEnds::Normalise && before != Some(b'\r') => {
                content.extend(b"\r\n");
            }
            _ => content.push(octet),
        }
    }
    (content, bare)
}

/// The longest line that is too long.
fn long_line(content: &[u8]) -> Option<u64> {
    let lines = content.split_inclusive(|&octet| octet == b'\n');
    lines
        .map(|line| line.len() as u64)
        .filter(|&len| len > 1000)
        .max()
}

fn unstuff(unstuffer: &mut Unstuffer, chunks: &[&[u8]]) -> (Vec<u8>, usize) {
    let mut content = Vec::new();
    let mut rest = 0;
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match unstuffer.read(&mut input) {
                Piece::Content(piece) => {
                    assert!(!piece.is_empty());
                    content.extend(piece);
                }
                Piece::More => {
                    assert!(input.is_empty());
                    break;
                }
                Piece::End => {
                    rest += input.len();
                    break;
                }
            }
        }
    }
    (content, rest)
}

fn check_unstuffer(data: &[u8], chunks: &[&[u8]], policy: LineEnds) {
    let mut unstuffer = Unstuffer::new(policy);
    let (content, rest) = unstuff(&mut unstuffer, chunks);
    let end = terminator(data);
    let raw = end.map_or(data, |(end, _)| &data[..end]);
    let expected = unstuffed(raw, end.is_some(), true, policy);
    assert_eq!(content, expected.0, "{policy:?}");
    assert_eq!(unstuffer.bare_line_end(), expected.1, "{policy:?}");
    assert_eq!(unstuffer.is_ended(), end.is_some());
    assert_eq!(rest, end.map_or(0, |(_, behind)| data.len() - behind));
    assert_eq!(unstuffer.octets(), content.len() as u64);
    assert_eq!(unstuffer.long_line(), long_line(&content));
}

fn check_checker(data: &[u8], chunks: &[&[u8]], policy: LineEnds) {
    let mut checker = Checker::new(policy);
    let mut content = Vec::<u8>::new();
    for chunk in chunks {
        let mut input = *chunk;
        while !input.is_empty() {
            content.extend(checker.read(&mut input));
        }
    }
    let held = unstuffed(data, false, false, policy);
    assert_eq!(content, held.0, "{policy:?}");
    assert_eq!(checker.bare_line_end(), held.1, "{policy:?}");
    content.extend(checker.finish());
    let expected = unstuffed(data, true, false, policy);
    assert_eq!(content, expected.0, "{policy:?}");
    assert_eq!(checker.bare_line_end(), expected.1, "{policy:?}");
    assert_eq!(checker.octets(), content.len() as u64);
    assert_eq!(checker.long_line(), long_line(&content));
}

fn check_stuffer(data: &[u8], chunks: &[&[u8]], normalise: bool) {
    let new = || {
        if normalise {
            Stuffer::normalising()
        } else {
            Stuffer::new()
        }
    };
    let mut stuffer = new();
    let mut sent = Vec::new();
    let mut error = None;
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match stuffer.stuff(&mut input) {
                Ok([]) => {
                    assert!(input.is_empty());
                    break;
                }
                Ok(piece) => sent.extend(piece),
                Err(bare) => {
                    error = Some(bare);
                    break;
                }
            }
        }
    }
    let bare = bare(data).filter(|_| !normalise);
    let has_nul = stuffer.has_nul();
    match stuffer.finish() {
        Ok(end) => sent.extend(end),
        Err(bare) => {
            assert!(error.is_none_or(|error| error == bare));
            error = Some(bare);
        }
    }
    assert_eq!(error, bare);
    let expected = match bare {
        Some(bare) => dotted(&data[..usize::try_from(bare.offset).expect("it was an index")]),
        None => stuffed(&normalised(data)),
    };
    assert_eq!(sent, expected);
    assert!(bare.is_some() || has_nul == data.contains(&0));
    // Whatever was sent has no bare line end, and no terminator before its end.
    assert_eq!(self::bare(&sent), None);
    assert_eq!(
        terminator(&sent),
        bare.is_none().then(|| (sent.len() - 3, sent.len()))
    );

    let mut sink = StuffSink::new(Vec::new(), new());
    for chunk in chunks {
        if sink.put(chunk).is_err() {
            break;
        }
    }
    match sink.finish() {
        Ok(written) => assert_eq!((written, bare), (sent, None)),
        Err(error) => assert_eq!(Some(error), bare.map(StuffError::BareLineEnd)),
    }
}
