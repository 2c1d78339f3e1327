//! Both readers give the same events on every input, however it is cut; all bytes come back; a second
//! implementation sees the same tree.

use proptest::prelude::*;
use scop_mime_core::body::push::MIN_BUFFER;
use scop_mime_core::{Limits, Message, Reader};

use crate::events::{Joined, Owned, check_order, indexed, pushed};
use crate::naive;

const TOKENS: [&str; 14] = [
    "--a",
    "--ab",
    "--",
    "\r\n",
    "\n",
    "\r",
    "x",
    " ",
    "Content-Type: multipart/mixed; boundary=ab\n\n",
    "\n--a\n",
    "Content-Type: multipart/digest; boundary=a--\r\n",
    "Content-Type: message/rfc822\n\n",
    "--a--\r\n",
    "Content-Transfer-Encoding: base64\n",
];

fn message(tokens: &[usize]) -> Vec<u8> {
    let mut message = b"Content-Type: multipart/mixed; boundary=a\n\n".to_vec();
    for &token in tokens {
        message.extend_from_slice(TOKENS[token].as_bytes());
    }
    message
}

/// What holds of the index alone.
fn check_index(input: &[u8]) -> Joined {
    let joined = indexed(input, Limits::DEFAULT);
    assert_eq!(joined.raw, input);
    check_order(&joined.events);
    let mut tree = joined.events.clone();
    tree.retain(|event| !matches!(event, Owned::Defect(_)));
    // Without the defects between them, pieces of text are one.
    let mut joined_tree: Vec<Owned> = Vec::new();
    for event in tree {
        match (joined_tree.last_mut(), event) {
            (Some(Owned::Preamble(bytes)), Owned::Preamble(more))
            | (Some(Owned::Body(bytes)), Owned::Body(more))
            | (Some(Owned::Epilogue(bytes)), Owned::Epilogue(more)) => bytes.extend(more),
            (_, event) => joined_tree.push(event),
        }
    }
    assert_eq!(
        joined_tree,
        naive::events(input),
        "{}",
        input.escape_ascii()
    );
    joined
}

fn check_chunks(
    input: &[u8],
    cuts: &[usize],
    expected: &Joined,
    limits: Limits,
    buffer: &mut [u8],
) {
    let mut chunks = Vec::new();
    let mut start = 0;
    for &cut in cuts {
        chunks.push(&input[start..cut]);
        start = cut;
    }
    chunks.push(&input[start..]);
    let joined = pushed::<32>(chunks, limits, buffer);
    assert_eq!(joined.raw, input);
    assert_eq!(
        joined.events,
        expected.events,
        "{} cut at {cuts:?}",
        input.escape_ascii()
    );
}

/// Every sequence of at most `len` of the first `count` tokens.
fn every(count: usize, len: usize, mut check: impl FnMut(&[usize])) {
    let mut tokens = Vec::new();
    loop {
        check(&tokens);
        if tokens.len() < len {
            tokens.push(0);
            continue;
        }
        while let Some(last) = tokens.pop() {
            if last + 1 < count {
                tokens.push(last + 1);
                break;
            }
        }
        if tokens.is_empty() {
            return;
        }
    }
}

#[test]
fn every_short_body() {
    let mut buffer = [0; MIN_BUFFER];
    every(9, 5, |tokens| {
        let input = message(tokens);
        let expected = check_index(&input);
        let each: Vec<_> = (1..input.len()).collect();
        check_chunks(&input, &each, &expected, Limits::DEFAULT, &mut buffer);
    });
    every(TOKENS.len(), 3, |tokens| {
        let input = message(tokens);
        let expected = check_index(&input);
        for cut in 42..input.len() {
            check_chunks(&input, &[cut], &expected, Limits::DEFAULT, &mut buffer);
        }
    });
    every(10, 2, |tokens| {
        let input = message(tokens);
        let expected = indexed(&input, Limits::DEFAULT);
        for first in 0..input.len() {
            for second in first..input.len() {
                let cuts = [first, second];
                check_chunks(&input, &cuts, &expected, Limits::DEFAULT, &mut buffer);
            }
        }
    });
}

/// Long fields are those that are longer than the limit, and no others.
#[test]
fn every_short_header() {
    let mut limits = Limits::DEFAULT;
    limits.field = 4;
    let mut buffer = [0; MIN_BUFFER];
    every(4, 8, |tokens| {
        let input: Vec<u8> = tokens.iter().map(|&token| b"a\n \r"[token]).collect();
        let joined = indexed(&input, limits);
        let fields: Vec<_> = (joined.events.iter())
            .filter_map(|event| match event {
                Owned::Field(_, raw) => Some((raw.as_slice(), false)),
                Owned::LongField(raw) => Some((raw.as_slice(), true)),
                _ => None,
            })
            .collect();
        let header = Message::split(&input).header;
        let expected: Vec<_> = (header.fields())
            .map(|field| (field.raw(), field.raw().len() > limits.field))
            .collect();
        assert_eq!(fields, expected, "{}", input.escape_ascii());
        let each: Vec<_> = (1..input.len()).collect();
        check_chunks(&input, &each, &joined, limits, &mut buffer);
    });
}

fn cuts(input: &[u8], seeds: &[u16]) -> Vec<usize> {
    let mut cuts: Vec<_> = seeds
        .iter()
        .map(|&seed| usize::from(seed) % (input.len() + 1))
        .collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn longer_bodies(
        tokens in prop::collection::vec(0..TOKENS.len(), 0..40),
        seeds in prop::collection::vec(any::<u16>(), 0..8),
    ) {
        let input = message(&tokens);
        let expected = check_index(&input);
        let mut buffer = [0; MIN_BUFFER];
        check_chunks(&input, &cuts(&input, &seeds), &expected, Limits::DEFAULT, &mut buffer);
    }

    /// With limits that are reached, long fields, long padding, and buffers of any size.
    #[test]
    fn limits_and_buffers(
        tokens in prop::collection::vec((0..TOKENS.len() + 4, 1..1200_usize), 0..20),
        seeds in prop::collection::vec(any::<u16>(), 0..8),
        parts in 0..5_usize,
        depth in 0..4_usize,
        field in 0..3000_usize,
        buffer in MIN_BUFFER..3000,
        step in prop::option::of(1..50_usize),
    ) {
        let mut input = message(&[]);
        for (token, count) in tokens {
            match token.checked_sub(TOKENS.len()) {
                None => input.extend_from_slice(TOKENS[token].as_bytes()),
                Some(0) => input.extend(core::iter::repeat_n(b' ', count)),
                Some(1) => input.extend_from_slice("A:\r\n b".repeat(count / 6).as_bytes()),
                Some(2) => input.extend_from_slice("x\n--a".repeat(count / 5).as_bytes()),
                Some(_) => input.extend_from_slice("--a ".repeat(count / 99).as_bytes()),
            }
        }
        let mut limits = Limits::DEFAULT;
        limits.parts = parts;
        limits.depth = depth;
        limits.field = field;
        let mut buffer = vec![0; buffer];
        let mut same = limits;
        same.field = field.min(buffer.len() - 1);
        let expected = indexed(&input, same);
        assert_eq!(expected.raw, input);
        check_order(&expected.events);
        let cuts = match step {
            Some(step) => (step..input.len()).step_by(step).collect(),
            None => cuts(&input, &seeds),
        };
        check_chunks(&input, &cuts, &expected, limits, &mut buffer);
    }

    #[test]
    fn any_bytes(
        input in prop::collection::vec(prop::sample::select(b"\r\n-a: \t\0\xff".as_slice()), 0..60),
        seeds in prop::collection::vec(any::<u16>(), 0..4),
    ) {
        let mut buffer = [0; MIN_BUFFER];
        let expected = check_index(&input);
        check_chunks(&input, &cuts(&input, &seeds), &expected, Limits::DEFAULT, &mut buffer);
    }

    /// Calls in a wrong order, with chunks that do not begin with what was left: nothing panics, and it
    /// ends.
    #[test]
    fn wrong_calls(
        calls in prop::collection::vec((prop::collection::vec(0..TOKENS.len(), 0..8), 0..6_usize), 0..20),
        finish in 0..20_usize,
    ) {
        let mut buffer = [0; MIN_BUFFER];
        let mut reader = Reader::new(&mut buffer, Limits::DEFAULT).unwrap();
        for (at, (tokens, events)) in calls.iter().enumerate() {
            let input = message(tokens);
            let mut chunk = &input[..];
            for _ in 0..*events {
                let event = reader.read(&mut chunk).map(|event| event.raw().len());
                prop_assert!(event.is_none() || at <= finish);
            }
            if at == finish {
                let _ = reader.finish();
            }
        }
        while reader.finish().is_some() {}
        prop_assert!(reader.read(&mut &b"x"[..]).is_none());
    }
}
