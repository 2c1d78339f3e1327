//! Replies out of a stream, at any chunks and within any limits, against a reader that follows RFC 5321 4.2
//! line by line.

use std::fmt::Write;

use scop_core::Emit;
use scop_smtp_proto::ehlo::{EhloReply, Keyword};
use scop_smtp_proto::reply::{ReplyErrorKind, ReplyLimits};
use scop_smtp_proto::{Reply, ReplyReader, ReplyView, Status, Tolerance};

use crate::choice::Choice;

/// What a server sends.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    let mut small = ReplyLimits::DEFAULT;
    small.lines = choice.pick(&[1, 2, 3, 200]);
    small.line_octets = choice.pick(&[4, 5, 9, 30, 2048]);
    small.octets = choice.pick(&[1, 10, 60, 16384]);
    let room = choice.pick(&[1, 20, 100, 16384]);
    for (limits, room) in [(ReplyLimits::DEFAULT, 16384), (small, room)] {
        for lf_line in [false, true] {
            let (replies, fails) = replies(data, lf_line, &limits, room);
            let mut error = None;
            for (index, chunks) in [
                vec![data],
                data.chunks(1).collect(),
                choice.chunks(data),
                choice.chunks(data),
            ]
            .into_iter()
            .enumerate()
            {
                let mut buffer = vec![0; room];
                let mut reader = ReplyReader::new(&mut buffer)
                    .with_limits(limits)
                    .with_lf_line(lf_line);
                let (raw, own_error) = read(&mut reader, &chunks);
                assert_eq!(raw, replies);
                assert_eq!(own_error.is_some(), fails, "{own_error:?}");
                if index == 0 {
                    error = own_error;
                }
                assert_eq!(own_error, error, "it depends on the chunks");
            }
            check_views(data, &replies, lf_line, &limits);
        }
    }
}

type Error = scop_core::ParseError<ReplyErrorKind>;

/// The bytes of each reply, and the error behind them.
fn read(reader: &mut ReplyReader<'_>, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Option<Error>) {
    let mut replies = Vec::new();
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match reader.read(&mut input) {
                Ok(Some(reply)) => replies.push(reply.raw().to_vec()),
                Ok(None) => {
                    assert!(input.is_empty());
                    break;
                }
                Err(error) => {
                    assert_eq!(reader.read(&mut &b"250 \r\n"[..]).unwrap_err(), error);
                    return (replies, Some(error));
                }
            }
        }
    }
    (replies, None)
}

/// The bytes of each reply of the stream, and whether an error stands behind them.
fn replies(data: &[u8], lf_line: bool, limits: &ReplyLimits, room: usize) -> (Vec<Vec<u8>>, bool) {
    let mut replies = Vec::new();
    let mut reply: Vec<u8> = Vec::new();
    let (mut codes, mut rest) = (Vec::new(), data);
    while !rest.is_empty() {
        let end = rest.iter().position(|&octet| octet == b'\n');
        let line = &rest[..end.map_or(rest.len(), |end| end + 1)];
        let is_too_long =
            line.len() > limits.line_octets || reply.len() + line.len() > limits.octets.min(room);
        if is_too_long {
            return (replies, true);
        }
        if end.is_none() {
            break;
        }
        rest = &rest[line.len()..];
        let text = match line {
            [text @ .., b'\r', b'\n'] => text,
            [text @ .., b'\n'] if lf_line => text,
            _ => return (replies, true),
        };
        let is_code = text.len() >= 3
            && (b'2'..=b'5').contains(&text[0])
            && text[1..3].iter().all(u8::is_ascii_digit)
            && matches!(text.get(3), None | Some(b' ' | b'-'));
        if !is_code || text.iter().any(|octet| b"\r\0".contains(octet)) {
            return (replies, true);
        }
        codes.push(&text[..3]);
        let is_last = text.get(3) != Some(&b'-');
        if codes[0] != codes[codes.len() - 1] || !is_last && codes.len() >= limits.lines {
            return (replies, true);
        }
        reply.extend(line);
        if is_last {
            replies.push(std::mem::take(&mut reply));
            codes.clear();
        }
    }
    (replies, false)
}

fn check_views(data: &[u8], replies: &[Vec<u8>], lf_line: bool, limits: &ReplyLimits) {
    let mut tolerance = Tolerance::DEFAULT;
    tolerance.lf_line = lf_line;
    let mut rest = data;
    for raw in replies {
        let (view, behind) = ReplyView::parse_prefix(rest, &tolerance).expect("it was read");
        assert_eq!(view.raw(), raw);
        rest = behind;
        let whole = ReplyView::parse_with(raw, &tolerance).expect("it was read");
        assert_eq!((whole.raw(), whole.code()), (view.raw(), view.code()));
        let longer = [&raw[..], b"2"].concat();
        let error = ReplyView::parse_with(&longer, &tolerance).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (ReplyErrorKind::Trailing, raw.len())
        );
        let shorter = &raw[..raw.len() - 1];
        let error = ReplyView::parse_with(shorter, &tolerance).unwrap_err();
        assert_eq!(error.kind(), ReplyErrorKind::Unfinished);
        check_view(&view, tolerance);
    }
    // What the reader refuses without being short of room is no reply either.
    if *limits == ReplyLimits::DEFAULT
        && let Err(error) = ReplyView::parse_prefix(rest, &tolerance)
    {
        assert!(error.offset() <= rest.len());
    }
}

fn check_view(view: &ReplyView<'_>, tolerance: Tolerance) {
    let lines: Vec<&[u8]> = view
        .raw()
        .split_inclusive(|&octet| octet == b'\n')
        .map(|line| {
            line.strip_suffix(b"\r\n")
                .or(line.strip_suffix(b"\n"))
                .expect("it has its end")
        })
        .collect();
    let code: u16 = String::from_utf8_lossy(&lines[0][..3])
        .parse()
        .expect("three digits");
    assert_eq!(view.code().number(), code);
    let texts: Vec<&[u8]> = lines
        .iter()
        .map(|line| line.get(4..).unwrap_or_default())
        .collect();
    assert_eq!(view.raw_lines().collect::<Vec<_>>(), texts);
    let class = (code / 100).to_string();
    let found = status(texts[0]).filter(|(status, _)| status.split('.').next() == Some(&class));
    let own = view.status().map(|status| status.to_string());
    assert_eq!(own, found.clone().map(|(status, _)| status));
    let without: Vec<&[u8]> = texts
        .iter()
        .map(|&text| match (status(text), &found) {
            (Some((own, text)), Some((status, _))) if own == *status => text,
            _ => text,
        })
        .collect();
    assert_eq!(view.lines().collect::<Vec<_>>(), without);
    check_again(view, &without);
    check_ehlo(view, &texts, tolerance);
}

/// The status at the start of a text, and what stands behind its space (RFC 2034 4, RFC 3463 2).
fn status(text: &[u8]) -> Option<(String, &[u8])> {
    let end = text.iter().position(|octet| b" \t".contains(octet));
    let word = std::str::from_utf8(&text[..end.unwrap_or(text.len())]).ok()?;
    let numbers: Vec<&str> = word.split('.').collect();
    let is_number = |number: &&str| {
        let is_plain = *number == "0" || !number.starts_with('0');
        (1..=3).contains(&number.len()) && number.bytes().all(|o| o.is_ascii_digit()) && is_plain
    };
    let is_status = numbers.len() == 3
        && ["2", "4", "5"].contains(&numbers[0])
        && numbers.iter().all(is_number);
    let rest = end.map_or(&b""[..], |end| &text[end + 1..]);
    is_status.then(|| (word.to_owned(), rest))
}

/// A reply that can be sent with these texts is read as it was meant.
fn check_again(view: &ReplyView<'_>, texts: &[&[u8]]) {
    let joined = texts.join(&b'\n');
    let Ok(text) = std::str::from_utf8(&joined) else {
        return;
    };
    let Ok(reply) = Reply::new(view.code().number(), view.status(), text) else {
        return;
    };
    let written = reply.to_vec();
    assert!(
        written
            .split(|&octet| octet == b'\n')
            .all(|line| line.len() < Reply::MAX_LINE)
    );
    let again = ReplyView::parse(&written).expect("it was written");
    assert_eq!(again.code(), view.code());
    assert_eq!(again.raw_lines().count(), texts.len());
    if view.status().is_some() {
        assert_eq!(again.status(), view.status());
        assert_eq!(again.lines().collect::<Vec<_>>(), texts);
    }
    let mut shown = String::new();
    write!(shown, "{reply}{}", Status::new(2, 0, 0)).expect("a string takes all");
}

/// RFC 5321 4.1.1.1.
fn check_ehlo(view: &ReplyView<'_>, texts: &[&[u8]], tolerance: Tolerance) {
    for tolerance in [Tolerance::STRICT, tolerance] {
        let Some(ehlo) = EhloReply::new(*view, &tolerance) else {
            return assert!(view.code().number() >= 300);
        };
        assert_eq!(
            ehlo.domain(),
            texts[0].split(|&octet| octet == b' ').next().unwrap_or(b"")
        );
        assert_eq!(ehlo.lines().collect::<Vec<_>>(), texts[1..]);
        let expected = texts[1..]
            .iter()
            .filter_map(|line| keyword(line, tolerance));
        let read = ehlo.keywords().map(|keyword| {
            let words = keyword.words().map(<[u8]>::to_vec).collect();
            (keyword.name().to_vec(), words)
        });
        assert_eq!(read.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        for line in &texts[1..] {
            match Keyword::parse_with(line, &tolerance) {
                Ok(keyword) => {
                    let first = ehlo.find(&String::from_utf8_lossy(keyword.name()));
                    assert!(first.is_some());
                    // What it means is a question of its arguments only.
                    if let Err(error) = keyword.typed() {
                        assert!(error.offset() <= line.len());
                    }
                }
                Err(error) => assert!(error.offset() <= line.len()),
            }
        }
    }
}

/// A keyword and its arguments.
fn keyword(line: &[u8], tolerance: Tolerance) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut line = line.to_vec();
    let is_name = |name: &[u8]| {
        name.iter().all(|o| o.is_ascii_alphanumeric() || *o == b'-')
            && !name.is_empty()
            && name[0] != b'-'
    };
    if tolerance.old_auth && line.to_ascii_uppercase().starts_with(b"AUTH=") {
        line[4] = b' ';
    }
    let is_bare = is_name(&line);
    let space = |octet: &u8| *octet == b' ' || tolerance.wide_space && *octet == b'\t';
    let end = line.iter().position(space).unwrap_or(line.len());
    let name = line[..end].to_vec();
    let mut rest = &line[end..];
    while let ([before @ .., b' ' | b'\t'], true) = (rest, tolerance.trailing_space) {
        rest = before;
    }
    let words: Vec<Vec<u8>> = match rest {
        [] if is_bare || tolerance.trailing_space => Vec::new(),
        [] => return None,
        [_, rest @ ..] => {
            let words = rest.split(space);
            let is_wide = |word: &&[u8]| !(tolerance.wide_space && word.is_empty());
            words.filter(is_wide).map(<[u8]>::to_vec).collect()
        }
    };
    let is_word = |word: &Vec<u8>| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
    let ends_well = !matches!(rest, [.., b' ' | b'\t']);
    (is_name(&name) && words.iter().all(is_word) && ends_well).then_some((name, words))
}
