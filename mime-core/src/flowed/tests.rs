use super::*;
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

/// A paragraph: its depth, its text, and how it ends.
type Paragraph = (usize, Vec<u8>, Ending);

/// Reads the pieces, and checks the order of the events.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, del_sp: bool) -> Vec<Paragraph> {
    let mut flowed = Flowed::new(del_sp);
    let mut paragraphs = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    let mut take = |event: FlowedEvent<'_>| match event {
        FlowedEvent::Begin { depth } => assert!(open.replace((depth, Vec::new())).is_none()),
        FlowedEvent::Text(text) => {
            assert!(!text.is_empty());
            open.as_mut().unwrap().1.extend_from_slice(text);
        }
        FlowedEvent::End(ending) => {
            let (depth, text) = open.take().unwrap();
            paragraphs.push((depth, text, ending));
        }
    };
    for mut piece in pieces {
        while let Some(event) = flowed.read(&mut piece) {
            take(event);
        }
        assert!(piece.is_empty());
    }
    while let Some(event) = flowed.finish() {
        take(event);
    }
    assert!(open.is_none());
    paragraphs
}

/// The same line by line, with the text as a whole in memory.
fn second(text: &[u8], del_sp: bool) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut goes_on = false;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let line = line
            .strip_suffix(b"\n")
            .map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        let depth = line.iter().take_while(|&&byte| byte == b'>').count();
        let line = &line[depth..];
        let line = line.strip_prefix(b" ").unwrap_or(line);
        let is_signature = line == b"-- ";
        let flows = line.ends_with(b" ") && !is_signature;
        let joins =
            goes_on && !is_signature && paragraphs.last().is_some_and(|last| last.0 == depth);
        if !joins {
            paragraphs.push((depth, Vec::new(), Ending::Unfinished));
        }
        let paragraph = paragraphs.last_mut().unwrap();
        let line = if flows && del_sp {
            &line[..line.len() - 1]
        } else {
            line
        };
        paragraph.1.extend_from_slice(line);
        paragraph.2 = match (is_signature, flows) {
            (true, _) => Ending::Signature,
            (false, true) => Ending::Unfinished,
            (false, false) => Ending::Fixed,
        };
        goes_on = flows;
    }
    paragraphs
}

fn text(paragraphs: &[Paragraph]) -> Vec<(usize, String, Ending)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    paragraphs
        .iter()
        .map(|(depth, bytes, ending)| (*depth, text(bytes), *ending))
        .collect()
}

/// A text, and its paragraphs.
type Case = (&'static [u8], &'static [(usize, &'static str, Ending)]);

#[test]
fn known_answers() {
    use Ending::{Fixed, Signature, Unfinished};
    let cases: [Case; 22] = [
        (b"", &[]),
        (b"a\r\n", &[(0, "a", Fixed)]),
        (b"a", &[(0, "a", Fixed)]),
        (b"\r\n", &[(0, "", Fixed)]),
        (b"a \r\nb\r\n", &[(0, "a b", Fixed)]),
        (b"a \nb \nc\nd\n", &[(0, "a b c", Fixed), (0, "d", Fixed)]),
        (b"a \r\n", &[(0, "a ", Unfinished)]),
        (b"a ", &[(0, "a ", Unfinished)]),
        (
            b"> a \r\n> b\r\n>> c\r\n",
            &[(1, "a b", Fixed), (2, "c", Fixed)],
        ),
        (
            b">a \r\n>> b\r\n",
            &[(1, "a ", Unfinished), (2, "b", Fixed)],
        ),
        (b"> > a\r\n", &[(1, "> a", Fixed)]),
        (
            b" > a\r\n  b\r\n From c\r\n",
            &[(0, "> a", Fixed), (0, " b", Fixed), (0, "From c", Fixed)],
        ),
        (
            b"a \r\n-- \r\nb\r\n",
            &[
                (0, "a ", Unfinished),
                (0, "-- ", Signature),
                (0, "b", Fixed),
            ],
        ),
        (
            b"> -- \r\n> b\r\n",
            &[(1, "-- ", Signature), (1, "b", Fixed)],
        ),
        (b" -- \r\n", &[(0, "-- ", Signature)]),
        (b"-- ", &[(0, "-- ", Signature)]),
        (
            b"--\r\n--  \r\n-\r\n",
            &[(0, "--", Fixed), (0, "--  -", Fixed)],
        ),
        (b"-- \rx\r\n", &[(0, "-- \rx", Fixed)]),
        (
            b"a \r\r\n \r\r \r\n",
            &[(0, "a \r", Fixed), (0, "\r\r ", Unfinished)],
        ),
        (b" \r\n  \r\na\r\n", &[(0, "", Fixed), (0, " a", Fixed)]),
        (b">", &[(1, "", Fixed)]),
        (b"> ", &[(1, "", Fixed)]),
    ];
    for (input, expected) in cases {
        let expected: Vec<_> = expected
            .iter()
            .map(|(depth, text, end)| (*depth, String::from(*text), *end))
            .collect();
        assert_eq!(text(&read([input], false)), expected, "{input:?}");
        assert_eq!(text(&second(input, false)), expected, "{input:?}");
    }
    // DelSp, RFC 3676 4.1.
    let paragraphs = read([&b"ab \r\ncd  \r\ne\r\n"[..]], true);
    assert_eq!(text(&paragraphs), [(0, "abcd e".into(), Fixed)]);
}

/// The example of RFC 3676 5.
#[test]
fn the_example() {
    let input = b"`Take some more tea,' the March Hare said to Alice, very \r\nearnestly.\r\n\r\n\
        `I've had nothing yet,' Alice replied in an offended \r\ntone, `so I can't take more.'\r\n";
    let expected = [
        "`Take some more tea,' the March Hare said to Alice, very earnestly.",
        "",
        "`I've had nothing yet,' Alice replied in an offended tone, `so I can't take more.'",
    ];
    let paragraphs = read([&input[..]], false);
    let read: Vec<_> = paragraphs
        .iter()
        .map(|(_, text, _)| core::str::from_utf8(text).unwrap())
        .collect();
    assert_eq!(read, expected);
}

fn write(depth: usize, text: &[u8]) -> Result<Vec<u8>, FlowedError> {
    let mut out = Vec::new();
    FlowedWriter::new(&mut out).paragraph(depth, text)?;
    Ok(out)
}

#[test]
fn lines_are_broken_and_stuffed() {
    let word = "a".repeat(77);
    let cases: [(usize, String, String); 9] = [
        (0, String::new(), "\r\n".into()),
        (2, String::new(), ">>\r\n".into()),
        (1, "a".into(), "> a\r\n".into()),
        (0, " a".into(), "  a\r\n".into()),
        (0, ">a".into(), " >a\r\n".into()),
        (0, "From a".into(), " From a\r\n".into()),
        (0, [&word, " b"].concat(), [&word, " \r\nb\r\n"].concat()),
        (
            1,
            [&word, " b"].concat(),
            ["> ", &word, " \r\n> b\r\n"].concat(),
        ),
        (
            0,
            ["-- ", &word, " b"].concat(),
            ["-- ", &word, " \r\nb\r\n"].concat(),
        ),
    ];
    for (depth, text, expected) in cases {
        let written = write(depth, text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
    // Characters count, not octets.
    let umlauts = "\u{fc}".repeat(78);
    assert_eq!(
        write(0, umlauts.as_bytes()).unwrap(),
        [umlauts.as_bytes(), b"\r\n"].concat()
    );
}

#[test]
fn what_is_refused() {
    assert_eq!(write(0, b"a\r"), Err(FlowedError::LineEnd));
    assert_eq!(write(0, b"a\nb"), Err(FlowedError::LineEnd));
    assert_eq!(write(0, b"a\0"), Err(FlowedError::LineEnd));
    assert_eq!(write(0, b"a "), Err(FlowedError::SpaceAtEnd));
    assert_eq!(write(0, &[b'a'; 999]), Err(FlowedError::LineTooLong));
    assert!(write(0, &[b'a'; 998]).is_ok());
    assert_eq!(write(1, &[b'a'; 997]), Err(FlowedError::LineTooLong));
    assert_eq!(write(998, b"a"), Err(FlowedError::LineTooLong));
    let mut small = [0; 3];
    let mut sink = scop_core::SliceSink::new(&mut small);
    let mut writer = FlowedWriter::new(&mut sink);
    assert_eq!(
        writer.fixed_line(0, b"abc").map(|_| ()),
        Err(FlowedError::Full)
    );
    assert_eq!(
        writer.signature(999).map(|_| ()),
        Err(FlowedError::LineTooLong)
    );
}

proptest! {
    #[test]
    fn agrees_with_a_second_reader(input in "(>|-| |a|\r|\n|\r\n|-- \r\n|b ){0,24}", del_sp: bool) {
        prop_assert_eq!(read([input.as_bytes()], del_sp), second(input.as_bytes(), del_sp));
    }

    #[test]
    fn any_pieces(input in "(>|-| |a|\r|\n|\r\n|-- \r\n|b ){0,16}", cuts in prop::collection::vec(0_usize..40, 0..6)) {
        let input = input.as_bytes();
        let whole = read([input], false);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]);
        prop_assert_eq!(read(pieces, false), &whole[..]);
        prop_assert_eq!(read(input.chunks(1), false), whole);
    }

    /// What is written is read back, whatever it is, and its lines are as long as they should be.
    #[test]
    fn paragraphs_round_trip(
        paragraphs in prop::collection::vec((0_usize..4, "([ >-]|From |[a-z]{1,12} |\u{e9}){0,40}"), 0..6),
    ) {
        let mut out = Vec::new();
        let mut writer = FlowedWriter::new(&mut out);
        let mut expected = Vec::new();
        for (depth, text) in &paragraphs {
            let text = text.trim_end_matches(' ');
            writer.paragraph(*depth, text.as_bytes()).unwrap();
            expected.push((*depth, text.as_bytes().to_vec(), Ending::Fixed));
        }
        writer.signature(1).unwrap().fixed_line(0, b"end").unwrap();
        expected.push((1, b"-- ".to_vec(), Ending::Signature));
        expected.push((0, b"end".to_vec(), Ending::Fixed));
        prop_assert_eq!(read([&out[..]], false), expected);
        for line in String::from_utf8(out).unwrap().lines() {
            let unbroken = line.trim_end().trim_start_matches(['>', ' ']);
            prop_assert!(line.chars().count() <= FLOWED_LINE || !unbroken.contains(' ') || unbroken.starts_with("-- "), "{line:?}");
        }
    }
}
