//! Against a second implementation that looks at one octet after the other, cut in every way.

use core::iter;

use proptest::prelude::*;
use scop_core::{Full, Sink, SliceSink};
use std::vec;
use std::vec::Vec;

use super::{
    BareLineEnd, Checker, LineEndOctet, LineEnds, MAX_TEXT_LINE, Piece, StuffError, StuffSink,
    Stuffer, Unstuffer,
};

const POLICIES: [LineEnds; 3] = [LineEnds::Refuse, LineEnds::Keep, LineEnds::Normalise];

/// What came out of reading.
#[derive(Debug, PartialEq, Eq)]
struct Received {
    content: Vec<u8>,
    /// Where the input stands.
    read: usize,
    ended: bool,
    bare: Option<BareLineEnd>,
    long_line: Option<u64>,
}

fn bare(octet: u8, offset: usize) -> BareLineEnd {
    BareLineEnd {
        octet: if octet == b'\r' {
            LineEndOctet::Cr
        } else {
            LineEndOctet::Lf
        },
        offset: offset.try_into().unwrap(),
    }
}

/// The rules, one octet after the other. `whole` says that nothing follows.
fn naive_receive(input: &[u8], line_ends: LineEnds, dots: bool, whole: bool) -> Received {
    let (mut content, mut ended, mut first_bare) = (Vec::new(), false, None);
    let (mut at, mut line_start) = (0, true);
    while at < input.len() {
        let rest = &input[at..];
        let refused = line_ends == LineEnds::Refuse && first_bare.is_some();
        let mut give = |octets: &[u8]| {
            if !refused {
                content.extend_from_slice(octets);
            }
        };
        let dot = dots && line_start && rest[0] == b'.';
        line_start = false;
        match rest {
            b"." | b".\r" if dot => at = input.len(),
            [b'.', b'\r', b'\n', ..] if dot => {
                at += 3;
                ended = true;
                break;
            }
            _ if dot => at += 1,
            [b'\r', b'\n', ..] => {
                give(b"\r\n");
                line_start = true;
                at += 2;
            }
            b"\r" if !whole => at += 1,
            &[octet @ (b'\r' | b'\n'), ..] => {
                if line_ends != LineEnds::Keep {
                    first_bare.get_or_insert(bare(octet, at));
                }
                match line_ends {
                    LineEnds::Refuse => {}
                    LineEnds::Keep => give(&[octet]),
                    LineEnds::Normalise => give(b"\r\n"),
                }
                at += 1;
            }
            &[octet, ..] => {
                give(&[octet]);
                at += 1;
            }
            [] => break,
        }
    }
    Received {
        long_line: naive_long_line(&content),
        content,
        read: at,
        ended,
        bare: first_bare,
    }
}

fn naive_long_line(content: &[u8]) -> Option<u64> {
    let lines = content.split_inclusive(|&octet| octet == b'\n');
    let longest = lines.map(<[u8]>::len).max()?.try_into().unwrap();
    (longest > MAX_TEXT_LINE).then_some(longest)
}

fn unstuff<'i>(chunks: impl Iterator<Item = &'i [u8]>, line_ends: LineEnds) -> Received {
    let mut unstuffer = Unstuffer::new(line_ends);
    let (mut content, mut read, mut ended) = (Vec::new(), 0, false);
    for chunk in chunks {
        let mut input = chunk;
        loop {
            match unstuffer.read(&mut input) {
                Piece::Content(piece) => {
                    assert!(!piece.is_empty());
                    content.extend_from_slice(piece);
                }
                Piece::End => {
                    ended = true;
                    break;
                }
                Piece::More => {
                    assert!(input.is_empty() && !ended);
                    break;
                }
            }
        }
        read += chunk.len() - input.len();
    }
    assert_eq!(unstuffer.is_ended(), ended);
    assert_eq!(unstuffer.octets(), u64::try_from(content.len()).unwrap());
    Received {
        content,
        read,
        ended,
        bare: unstuffer.bare_line_end(),
        long_line: unstuffer.long_line(),
    }
}

fn check<'i>(chunks: impl Iterator<Item = &'i [u8]>, line_ends: LineEnds) -> Received {
    let mut checker = Checker::new(line_ends);
    let (mut content, mut read) = (Vec::new(), 0);
    for chunk in chunks {
        let mut input = chunk;
        loop {
            let piece = checker.read(&mut input);
            if piece.is_empty() {
                break;
            }
            content.extend_from_slice(piece);
        }
        assert!(input.is_empty());
        read += chunk.len();
    }
    content.extend_from_slice(checker.finish());
    assert_eq!(checker.octets(), u64::try_from(content.len()).unwrap());
    Received {
        content,
        read,
        ended: false,
        bare: checker.bare_line_end(),
        long_line: checker.long_line(),
    }
}

/// The content with CRLF for each line end, and the first that was bare.
fn normalised(content: &[u8]) -> (Vec<u8>, Option<BareLineEnd>) {
    let all = naive_receive(content, LineEnds::Normalise, false, true);
    (all.content, all.bare)
}

/// What is sent for `content`, in lines.
fn naive_stuff(content: &[u8], normalise: bool) -> Result<Vec<u8>, BareLineEnd> {
    let (content, bare) = normalised(content);
    if let (Some(bare), false) = (bare, normalise) {
        return Err(bare);
    }
    let mut out = Vec::new();
    for line in content.split_inclusive(|&octet| octet == b'\n') {
        if line[0] == b'.' {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    Ok(out)
}

fn stuff<'i>(
    stuffer: &mut Stuffer,
    chunks: impl Iterator<Item = &'i [u8]>,
) -> Result<Vec<u8>, (BareLineEnd, Vec<u8>)> {
    let mut out = Vec::new();
    for chunk in chunks {
        let mut input = chunk;
        while !input.is_empty() {
            match stuffer.stuff(&mut input) {
                Ok(piece) => out.extend_from_slice(piece),
                Err(bare) => {
                    assert_eq!(stuffer.stuff(&mut input), Err(bare));
                    assert_eq!(stuffer.finish(), Err(bare));
                    return Err((bare, out));
                }
            }
        }
        assert_eq!(stuffer.stuff(&mut input), Ok(&[][..]));
    }
    match stuffer.finish() {
        Ok(terminator) => {
            out.extend_from_slice(terminator);
            Ok(out)
        }
        Err(bare) => Err((bare, out)),
    }
}

/// Everything that is said of one input under one cut.
fn judge(input: &[u8], cut: &dyn Fn() -> Vec<Vec<u8>>) {
    let chunks = cut();
    let chunks = || chunks.iter().map(Vec::as_slice);
    for line_ends in POLICIES {
        let naive = naive_receive(input, line_ends, true, false);
        assert_eq!(unstuff(chunks(), line_ends), naive, "{line_ends:?}");
        let naive = naive_receive(input, line_ends, false, true);
        assert_eq!(check(chunks(), line_ends), naive, "{line_ends:?}");
    }
    for normalise in [false, true] {
        let mut stuffer = if normalise {
            Stuffer::normalising()
        } else {
            Stuffer::new()
        };
        let naive = naive_stuff(input, normalise);
        match stuff(&mut stuffer, chunks()) {
            Ok(sent) => {
                // The terminator is the only one, and the other side reads what was to be sent.
                let received = unstuff(iter::once(&*sent), LineEnds::Refuse);
                let (mut content, _) = normalised(input);
                if !content.is_empty() && !content.ends_with(b"\n") {
                    content.extend_from_slice(b"\r\n");
                }
                assert_eq!(received.content, content);
                assert_eq!(
                    (received.read, received.ended, received.bare),
                    (sent.len(), true, None)
                );
                assert_eq!(Ok(sent), naive);
            }
            Err((bare, sent)) => {
                assert_eq!(Err(bare), naive);
                let before = usize::try_from(bare.offset).unwrap();
                let naive = naive_stuff(&input[..before], false).unwrap();
                assert!(naive.starts_with(&sent));
                let sent = unstuff(iter::once(&*sent), LineEnds::Keep);
                assert_eq!(sent.content, input[..before]);
            }
        }
    }
}

fn cut_at(input: &[u8], places: &[usize]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = places.iter().map(|at| at % (input.len() + 1)).collect();
    places.extend([0, input.len()]);
    places.sort_unstable();
    let ranges = places.windows(2);
    ranges
        .map(|ends| input[ends[0]..ends[1]].to_vec())
        .collect()
}

#[test]
fn all_short_inputs_cut_everywhere() {
    const ALPHABET: [u8; 4] = *b"\r\n.a";
    for len in 0..=7_u32 {
        for number in 0..4_usize.pow(len) {
            let input: Vec<u8> = (0..len)
                .map(|place| ALPHABET[number / 4_usize.pow(place) % 4])
                .collect();
            for at in 0..=input.len() {
                judge(&input, &|| cut_at(&input, &[at]));
            }
            judge(&input, &|| input.iter().map(|&octet| vec![octet]).collect());
        }
    }
}

/// Long enough for blocks: pieces that matter, with text of any length between them.
fn long_input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => (0..200_usize).prop_map(|len| vec![b'a'; len]),
        8 => Just(b"\r\n".to_vec()),
        2 => Just(b"\r\n.".to_vec()),
        1 => Just(b"\r\n.\r".to_vec()),
        1 => prop::sample::select(b"\r\n.\0\xff".to_vec()).prop_map(|octet| vec![octet]),
        1 => (900..2100_usize).prop_map(|len| vec![b'x'; len]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn long_inputs_cut_anywhere(
        input in long_input(),
        places in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        judge(&input, &|| cut_at(&input, &places));
    }

    #[test]
    fn lines_beside_the_limit(
        lengths in prop::collection::vec(prop_oneof![0..80_usize, 990..1010_usize], 0..12),
        places in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let lines = lengths.iter().map(|&len| [&vec![b'a'; len][..], b"\r\n"].concat());
        let input = lines.collect::<Vec<_>>().concat();
        judge(&input, &|| cut_at(&input, &places));
    }
}

/// `body TERMINATOR MAIL FROM...` and a real end: one message, or none.
#[test]
fn no_terminator_but_one() {
    const TERMINATORS: [&[u8]; 10] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\r\n.\r\0\n",
        b"\r\n.\r\r\n",
    ];
    for terminator in TERMINATORS {
        let input = [b"body", terminator, b"MAIL FROM:<joe@example.org>\r\n.\r\n"].concat();
        for line_ends in POLICIES {
            let chunks = input.chunks(1);
            let received = unstuff(chunks, line_ends);
            assert_eq!(received, unstuff(iter::once(&*input), line_ends));
            assert!(received.ended && received.read == input.len());
            let bare = line_ends != LineEnds::Keep
                && terminator != b"\r\n\0.\r\n"
                && terminator != b"\r\n.\0\r\n";
            assert_eq!(
                received.bare.is_some(),
                bare,
                "{}",
                terminator.escape_ascii()
            );
        }
    }
}

#[test]
fn known_answers() {
    const ANSWERS: [(&[u8], &[u8]); 8] = [
        (b"", b".\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"..\r\n", b"...\r\n.\r\n"),
        (b"\r\n.\r\n", b"\r\n..\r\n.\r\n"),
        (b"a\r\n.b\r\n\r\n", b"a\r\n..b\r\n\r\n.\r\n"),
        (b"a.\r\n", b"a.\r\n.\r\n"),
    ];
    for (content, wire) in ANSWERS {
        let mut stuffer = Stuffer::new();
        // Twice: it is ready for the next message.
        for _ in 0..2 {
            assert_eq!(stuff(&mut stuffer, iter::once(content)).unwrap(), wire);
        }
        let received = unstuff(iter::once(wire), LineEnds::Refuse);
        assert!(received.ended && received.content.starts_with(content));
    }
}

#[test]
fn pieces_are_slices_of_the_input() {
    let input = b"one line\r\n.dotted\r\nlast".as_slice();
    let mut rest = input;
    let mut unstuffer = Unstuffer::new(LineEnds::Refuse);
    let Piece::Content(piece) = unstuffer.read(&mut rest) else {
        panic!("no content");
    };
    assert!(core::ptr::eq(piece, &raw const input[..10]));
    assert_eq!(unstuffer.read(&mut rest), Piece::Content(&input[11..]));
}

#[test]
fn facts_of_what_is_sent() {
    let mut stuffer = Stuffer::new();
    let long = vec![b'a'; 999];
    let mut input = long.as_slice();
    assert_eq!(stuffer.stuff(&mut input).unwrap(), long);
    assert_eq!((stuffer.has_nul(), stuffer.long_line()), (false, None));
    assert_eq!(stuffer.stuff(&mut &b"\0\r"[..]).unwrap(), b"\0");
    assert_eq!(stuffer.stuff(&mut &b"\n"[..]).unwrap(), b"\r\n");
    assert_eq!((stuffer.has_nul(), stuffer.long_line()), (true, Some(1002)));
    stuffer.finish().unwrap();
    assert_eq!((stuffer.has_nul(), stuffer.long_line()), (false, None));
}

#[test]
fn a_sink_keeps_its_error() {
    let mut buffer = [0; 8];
    let mut sink = StuffSink::new(SliceSink::new(&mut buffer), Stuffer::new());
    assert_eq!(sink.put(b"a\n"), Err(Full));
    assert_eq!(sink.put(b"b"), Err(Full));
    let error = StuffError::BareLineEnd(bare(b'\n', 1));
    assert_eq!(sink.finish().unwrap_err(), error);

    let mut sink = StuffSink::new(SliceSink::new(&mut buffer), Stuffer::new());
    assert_eq!(sink.put(b"123456789"), Err(Full));
    assert_eq!(sink.put(b"1"), Err(Full));
    assert_eq!(sink.finish().unwrap_err(), StuffError::Full);
    let mut sink = StuffSink::new(SliceSink::new(&mut buffer), Stuffer::new());
    assert_eq!(sink.put(b"1234\r"), Ok(()));
    assert_eq!(
        sink.finish().unwrap_err(),
        StuffError::BareLineEnd(bare(b'\r', 4))
    );
}
