use super::*;
use proptest::prelude::*;
use scop_core::Emit;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const LF: Tolerance = {
    let mut tolerance = Tolerance::STRICT;
    tolerance.lf_line = true;
    tolerance
};

/// What a good reply says: code, status, the texts without status.
type Known = (
    &'static [u8],
    u16,
    Option<(u8, u16, u16)>,
    &'static [&'static str],
);

const KNOWN: &[Known] = &[
        // RFC 5321 D.1.
        (
            b"220 foo.com Simple Mail Transfer Service Ready\r\n",
            220,
            None,
            &["foo.com Simple Mail Transfer Service Ready"],
        ),
        (
            b"250-foo.com greets bar.com\r\n250-8BITMIME\r\n250-SIZE\r\n250-DSN\r\n250 HELP\r\n",
            250,
            None,
            &["foo.com greets bar.com", "8BITMIME", "SIZE", "DSN", "HELP"],
        ),
        (b"250 OK\r\n", 250, None, &["OK"]),
        (b"550 No such user here\r\n", 550, None, &["No such user here"]),
        (
            b"354 Start mail input; end with <CRLF>.<CRLF>\r\n",
            354,
            None,
            &["Start mail input; end with <CRLF>.<CRLF>"],
        ),
        (
            b"221 foo.com Service closing transmission channel\r\n",
            221,
            None,
            &["foo.com Service closing transmission channel"],
        ),
        // RFC 5321 D.3, 4.2.1, 4.2.3.
        (
            b"551-User not local; please try <Jones@foo.com>\r\n551 More\r\n",
            551,
            None,
            &["User not local; please try <Jones@foo.com>", "More"],
        ),
        (
            b"250-First line\r\n250-Second line\r\n250-234 Text beginning with numbers\r\n250 The last line\r\n",
            250,
            None,
            &[
                "First line",
                "Second line",
                "234 Text beginning with numbers",
                "The last line",
            ],
        ),
        // RFC 2034 6.
        (
            b"250 2.1.0 Originator <ned@ymir.claremont.edu> ok\r\n",
            250,
            Some((2, 1, 0)),
            &["Originator <ned@ymir.claremont.edu> ok"],
        ),
        (
            b"550 5.1.1 Mailbox \"nosuchuser\" does not exist\r\n",
            550,
            Some((5, 1, 1)),
            &["Mailbox \"nosuchuser\" does not exist"],
        ),
        (
            b"551-5.7.1 Forwarding to remote hosts disabled\r\n551 5.7.1 Select another host to act as your forwarder\r\n",
            551,
            Some((5, 7, 1)),
            &[
                "Forwarding to remote hosts disabled",
                "Select another host to act as your forwarder",
            ],
        ),
        // The status on the first line only; another on the second.
        (
            b"550-5.7.1 one\r\n550 two\r\n",
            550,
            Some((5, 7, 1)),
            &["one", "two"],
        ),
        (
            b"550-5.7.1 one\r\n550 5.7.2 two\r\n",
            550,
            Some((5, 7, 1)),
            &["one", "5.7.2 two"],
        ),
        (b"550-one\r\n550 5.7.2 two\r\n", 550, None, &["one", "5.7.2 two"]),
        // A status of another class than the code is text, and so is what only looks like one.
        (b"550 4.4.7 expired\r\n", 550, None, &["4.4.7 expired"]),
        (b"354 3.0.0 go\r\n", 354, None, &["3.0.0 go"]),
        (b"250 2.0.0.example greets\r\n", 250, None, &["2.0.0.example greets"]),
        (b"250 2.01.0 x\r\n", 250, None, &["2.01.0 x"]),
        (b"250 2.1000.0 x\r\n", 250, None, &["2.1000.0 x"]),
        (b"250 2.1\r\n", 250, None, &["2.1"]),
        (b"250 2.0.0\r\n", 250, Some((2, 0, 0)), &[""]),
        (b"250 2.0.0 \r\n", 250, Some((2, 0, 0)), &[""]),
        (b"250 2.0.0  x\r\n", 250, Some((2, 0, 0)), &[" x"]),
        // Without text, with and without the space.
        (b"334\r\n", 334, None, &[""]),
        (b"334 \r\n", 334, None, &[""]),
        (b"250-\r\n250\r\n", 250, None, &["", ""]),
        // Codes that no RFC has, and octets that no RFC allows.
        (b"571 go away\r\n", 571, None, &["go away"]),
        (b"599 x\r\n", 599, None, &["x"]),
        (b"250 \x1b[1m\ttab\r\n", 250, None, &["\x1b[1m\ttab"]),
        ("250 5.1.1 Жук\r\n".as_bytes(), 250, None, &["5.1.1 Жук"]),
    ];

#[test]
fn known_replies() {
    for (raw, code, status, lines) in KNOWN {
        let view = ReplyView::parse(raw).unwrap();
        assert_eq!(view.code().number(), *code, "{view}");
        let status = status.map(|(class, subject, detail)| Status::new(class, subject, detail));
        assert_eq!(view.status(), status, "{view}");
        assert!(
            view.lines().eq(lines.iter().map(|line| line.as_bytes())),
            "{view}"
        );
        assert_eq!(view.raw(), *raw);
        assert_eq!(view.to_vec(), *raw);
        assert_eq!(naive(raw, false), Ok((*code, raw.len())));
        for cut in 0..raw.len() {
            let error = ReplyView::parse(&raw[..cut]).unwrap_err();
            assert_eq!(error.kind(), ReplyErrorKind::Unfinished);
            assert_eq!(error.offset(), cut);
        }
    }
}

#[test]
fn known_errors() {
    use ReplyErrorKind::{
        BadCode, BadSeparator, BareCr, BareLf, CodesDiffer, Nul, Trailing, Unfinished,
    };
    let table: &[(&[u8], ReplyErrorKind, usize)] = &[
        (b"", Unfinished, 0),
        (b"250-OK\r\n", Unfinished, 8),
        (b"\r\n", BadCode, 0),
        (b"25\r\n", BadCode, 0),
        (b"25O OK\r\n", BadCode, 0),
        (b"150 wait\r\n", BadCode, 0),
        (b"600 x\r\n", BadCode, 0),
        (b" 250 x\r\n", BadCode, 0),
        (b"SSH-2.0-x\r\n", BadCode, 0),
        (b"250-a\r\nb\r\n", BadCode, 7),
        (b"2500 x\r\n", BadSeparator, 3),
        (b"250\tx\r\n", BadSeparator, 3),
        (b"250-a\r\n250+b\r\n", BadSeparator, 10),
        (b"250-a\r\n251 b\r\n", CodesDiffer, 7),
        (b"250-a\r\n550 b\r\n", CodesDiffer, 7),
        (b"250-a\r\n250-b\r\n550 c\r\n", CodesDiffer, 14),
        // Response injection by what one reader takes for the end of a line and another does not.
        (b"250 OK\r221 bye\r\n", BareCr, 6),
        (b"250 OK\r\r\n", BareCr, 6),
        (b"250 OK\n221 bye\r\n", BareLf, 6),
        (b"250 OK\r", Unfinished, 7),
        (b"250 OK\n", BareLf, 6),
        (b"250 O\0K\r\n", Nul, 5),
        (b"250 OK\r\n221 bye\r\n", Trailing, 8),
    ];
    for (raw, kind, offset) in table {
        let error = ReplyView::parse(raw).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (*kind, *offset),
            "{}",
            raw.escape_ascii()
        );
        if !matches!(kind, Unfinished | Trailing) {
            assert_eq!(naive(raw, false), Err(Some(error)));
        }
    }
    let lf = b"250-a\n250-b\r\n250 c\n";
    assert!(
        ReplyView::parse_with(lf, &LF)
            .unwrap()
            .lines()
            .eq([b"a", b"b", b"c"])
    );
    assert!(ReplyView::parse(lf).is_err());
    assert!(ReplyView::parse_with(b"250 a\rb\n", &LF).is_err());
}

#[test]
fn statuses() {
    for (text, status) in [
        ("2.0.0", Some((2, 0, 0))),
        ("4.999.999", Some((4, 999, 999))),
        ("5.7.30", Some((5, 7, 30))),
        ("5.1000.0", None),
        ("5.1.1 ", None),
        ("5.1.01", None),
        ("5.00.1", None),
        ("5.1.", None),
        ("5.1", None),
        ("5..1", None),
        ("3.1.1", None),
        ("52.1.1", None),
        ("X.1.1", None),
        ("", None),
    ] {
        let parsed = Status::parse(text.as_bytes()).ok();
        let status = status.map(|(class, subject, detail)| Status::new(class, subject, detail));
        assert_eq!(parsed, status, "{text}");
        if let Some(status) = status {
            assert_eq!(status.to_string(), text);
            assert!(status.is_valid());
        }
    }
    let error = Status::parse(b"5.1.01").unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (StatusErrorKind::Malformed, 3)
    );
    assert_eq!(Status::parse(b"5.1.1x").unwrap_err().offset(), 5);
    // The registry has no holes up to its last entries.
    for (subject, last) in [
        (0, 0),
        (1, 10),
        (2, 4),
        (3, 6),
        (4, 7),
        (5, 6),
        (6, 10),
        (7, 30),
    ] {
        for detail in 0..=last {
            assert!(Status::new(5, subject, detail).description().is_some());
        }
        assert!(Status::new(5, subject, last + 1).description().is_none());
    }
}

#[test]
fn what_cannot_be_sent() {
    use ReplyTextErrorKind::{BadCode, BadStatus, Control, LineTooLong};
    type Case<'a> = (
        u16,
        Option<Status>,
        &'a str,
        Option<(ReplyTextErrorKind, usize)>,
    );
    let status = |class, subject, detail| Some(Status::new(class, subject, detail));
    let long = "x".repeat(506);
    let table: &[Case<'_>] = &[
        (250, None, "OK", None),
        (250, None, "", None),
        (559, None, "a\n\nb\n", None),
        (250, status(2, 0, 0), "O\tK \u{e9}\u{a0}", None),
        (199, None, "", Some((BadCode, 0))),
        (260, None, "", Some((BadCode, 0))),
        (560, None, "", Some((BadCode, 0))),
        (600, None, "", Some((BadCode, 0))),
        (0, None, "", Some((BadCode, 0))),
        (250, status(5, 0, 0), "", Some((BadStatus, 0))),
        (354, status(3, 0, 0), "", Some((BadStatus, 0))),
        (550, status(5, 1000, 0), "", Some((BadStatus, 0))),
        (550, status(5, 0, 1000), "", Some((BadStatus, 0))),
        (250, None, "OK\r\n221 bye", Some((Control, 2))),
        (250, None, "a\0", Some((Control, 1))),
        (250, None, "\x7f", Some((Control, 0))),
        (250, None, "a\u{85}", Some((Control, 1))),
        (250, None, &long, None),
        (250, status(2, 0, 0), &long, Some((LineTooLong, 500))),
        (250, status(2, 999, 99), &long, Some((LineTooLong, 497))),
    ];
    for (code, status, text, expected) in table {
        let reply = Reply::new(*code, *status, text);
        let error = reply.err().map(|error| (error.kind(), error.offset()));
        assert_eq!(error, *expected, "{code} {status:?} {text:?}");
    }
    let longer = std::format!("a\n{long}x");
    assert_eq!(Reply::new(250, None, &longer).unwrap_err().offset(), 508);
    let longest = Reply::new(250, None, &long).unwrap();
    assert_eq!(longest.emitted_len(), Reply::MAX_LINE);
    let longest = Reply::new(550, status(5, 123, 4), &long[..498]).unwrap();
    assert_eq!(longest.emitted_len(), Reply::MAX_LINE);
}

#[test]
fn written_replies() {
    let reply = Reply::new(452, Some(Status::new(4, 5, 3)), "Too many\n\nrecipients").unwrap();
    assert_eq!(
        reply.to_vec(),
        b"452-4.5.3 Too many\r\n452-4.5.3 \r\n452 4.5.3 recipients\r\n"
    );
    assert_eq!(
        reply.without_status().to_vec(),
        b"452-Too many\r\n452-\r\n452 recipients\r\n"
    );
    assert_eq!(reply.to_string(), "452 4.5.3 Too many\n\nrecipients");
    assert_eq!(Reply::new(250, None, "").unwrap().to_vec(), b"250 \r\n");
    let view = ReplyView::parse(b"250-a\x1b\r\n250 b\xff\r\n").unwrap();
    assert_eq!(view.to_string(), "250 a\u{fffd}\nb\u{fffd}");
}

/// One reply at the start of a stream, by another way: line by line over copies, without memchr. The error
/// is `None` when the stream ends before the reply does.
fn naive(stream: &[u8], lf_line: bool) -> Result<(u16, usize), Option<ReplyError>> {
    let mut start = 0;
    let mut first: Option<String> = None;
    loop {
        let mut text = Vec::new();
        let mut at = start;
        let end = loop {
            let fail = |kind| Err(Some(ReplyError::new(kind, at)));
            match (stream.get(at), stream.get(at + 1)) {
                (None, _) | (Some(b'\r'), None) => return Err(None),
                (Some(b'\r'), Some(b'\n')) => break at + 2,
                (Some(b'\n'), _) if lf_line => break at + 1,
                (Some(b'\r'), _) => return fail(ReplyErrorKind::BareCr),
                (Some(b'\n'), _) => return fail(ReplyErrorKind::BareLf),
                (Some(0), _) => return fail(ReplyErrorKind::Nul),
                (Some(octet), _) => text.push(*octet),
            }
            at += 1;
        };
        let fail = |kind, at| Err(Some(ReplyError::new(kind, start + at)));
        let code: String = text
            .iter()
            .take(3)
            .map(|octet| char::from(*octet))
            .collect();
        let is_code = code.len() == 3
            && code.chars().all(|c| c.is_ascii_digit())
            && ('2'..='5').contains(&code.chars().next().unwrap());
        if !is_code {
            return fail(ReplyErrorKind::BadCode, 0);
        }
        if !matches!(text.get(3), None | Some(b' ' | b'-')) {
            return fail(ReplyErrorKind::BadSeparator, 3);
        }
        if first.get_or_insert_with(|| code.clone()) != &code {
            return fail(ReplyErrorKind::CodesDiffer, 0);
        }
        start = end;
        if text.get(3) != Some(&b'-') {
            return Ok((code.parse().unwrap(), end));
        }
    }
}

/// All replies of a stream, and the error at which reading it ends.
fn read(
    chunks: &[&[u8]],
    limits: ReplyLimits,
    lf_line: bool,
) -> (Vec<Vec<u8>>, Option<ReplyError>) {
    let mut buffer = [0; 64];
    let mut reader = ReplyReader::new(&mut buffer)
        .with_limits(limits)
        .with_lf_line(lf_line);
    let mut replies = Vec::new();
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match reader.read(&mut input) {
                Ok(Some(reply)) => {
                    assert_eq!(
                        ReplyView::parse_with(
                            reply.raw(),
                            if lf_line { &LF } else { &Tolerance::STRICT }
                        )
                        .unwrap()
                        .code(),
                        reply.code()
                    );
                    replies.push(reply.raw().to_vec());
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.read(&mut input).err(), Some(error));
                    assert!(reader.reply().is_none());
                    return (replies, Some(error));
                }
            }
        }
        assert!(input.is_empty());
    }
    (replies, None)
}

#[test]
fn limits_of_the_reader() {
    type Expected = Option<(ReplyErrorKind, usize)>;
    let limits = ReplyLimits {
        lines: 3,
        line_octets: 12,
        octets: 30,
    };
    let table: &[(&[u8], Expected)] = &[
        (b"250-1\r\n250-2\r\n250 3\r\n", None),
        (
            b"250-1\r\n250-2\r\n250-3\r\n",
            Some((ReplyErrorKind::TooManyLines, 21)),
        ),
        (b"250 456789\r\n", None),
        (b"250 4567890\r\n", Some((ReplyErrorKind::LineTooLong, 12))),
        (
            b"250-1\r\n250 4567890\r\n",
            Some((ReplyErrorKind::LineTooLong, 19)),
        ),
        (
            b"250-1\r\n250-4567890\r\n250 3\r\n",
            Some((ReplyErrorKind::LineTooLong, 19)),
        ),
        (b"250-456789\r\n250-456789\r\n250 \r\n", None),
        (
            b"250-456789\r\n250-456789\r\n250 1\r\n",
            Some((ReplyErrorKind::TooLong, 30)),
        ),
    ];
    for (stream, expected) in table {
        for size in 1..=stream.len() {
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            let (replies, error) = read(&chunks, limits, false);
            assert_eq!(error.map(|error| (error.kind(), error.offset())), *expected);
            assert_eq!(replies.len(), usize::from(expected.is_none()));
        }
    }
}

#[test]
fn a_reply_without_end() {
    let mut buffer = vec![0; 1 << 20];
    let mut reader = ReplyReader::new(&mut buffer);
    let mut lines = 0;
    let error = loop {
        match reader.read(&mut &b"250-again\r\n"[..]) {
            Ok(reply) => assert!(reply.is_none()),
            Err(error) => break error,
        }
        lines += 1;
        assert!(lines < 100_000);
    };
    assert_eq!(error.kind(), ReplyErrorKind::TooManyLines);
    reader.clear();
    let mut limits = ReplyLimits::DEFAULT;
    limits.lines = usize::MAX;
    limits.octets = usize::MAX;
    let mut reader = ReplyReader::new(&mut buffer).with_limits(limits);
    // 10^5 lines are read in linear time, when they are allowed.
    let many = "250-a\r\n".repeat(100_000) + "250 b\r\n";
    let reply = reader.read(&mut many.as_bytes()).unwrap().unwrap();
    assert_eq!(reply.lines().count(), 100_001);
    assert_eq!(
        ReplyView::parse(many.as_bytes()).unwrap().raw(),
        many.as_bytes()
    );
}

#[test]
fn octets_behind_a_reply_stay() {
    let mut buffer = [0; 32];
    let mut reader = ReplyReader::new(&mut buffer);
    let mut input = &b"220 go\r\n250 injected\r\n"[..];
    assert_eq!(
        reader.read(&mut input).unwrap().unwrap().raw(),
        b"220 go\r\n"
    );
    assert_eq!(input, b"250 injected\r\n");
    assert!(!reader.is_in_reply() && reader.reply().is_some());
    assert!(reader.read(&mut &b"2"[..]).unwrap().is_none());
    assert!(reader.is_in_reply() && reader.reply().is_none());
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"250"[..],
        b"251",
        b"550",
        b"-",
        b" ",
        b"\r\n",
        b"\r\n",
        b"\r",
        b"\n",
        b"\0",
        b"x",
        b"2",
        b"5.1.1",
        b"250-a\r\n",
        b"250 b\r\n",
        b"550 5.1.1 c\r\n",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_cut_gives_the_replies_of_the_naive_reader(
        stream in pieces(),
        cuts in prop::collection::vec(0usize..60, 0..6),
        lf_line: bool,
    ) {
        let tolerance = if lf_line { LF } else { Tolerance::STRICT };
        let (mut expected, mut rest) = ((Vec::new(), None), &stream[..]);
        loop {
            let parsed = ReplyView::parse_prefix(rest, &tolerance);
            match naive(rest, lf_line) {
                Ok((code, len)) => {
                    let (view, behind) = parsed.unwrap();
                    prop_assert_eq!(view.code().number(), code);
                    prop_assert_eq!(view.raw().len(), len);
                    expected.0.push(rest[..len].to_vec());
                    rest = behind;
                }
                Err(Some(error)) => {
                    prop_assert_eq!(parsed.unwrap_err(), error);
                    // The reader judges a line when its LF has come.
                    if rest[error.offset()..].contains(&b'\n') {
                        expected.1 = Some(error);
                    }
                    break;
                }
                Err(None) => {
                    prop_assert_eq!(parsed.unwrap_err().kind(), ReplyErrorKind::Unfinished);
                    break;
                }
            }
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        let mut limits = ReplyLimits::DEFAULT;
        limits.octets = usize::MAX;
        let whole = read(&[&stream], limits, lf_line);
        prop_assert_eq!(&read(&chunks, limits, lf_line), &whole);
        prop_assert_eq!(&read(&stream.chunks(1).collect::<Vec<_>>(), limits, lf_line), &whole);
        if whole.1.is_none_or(|error| error.kind() != ReplyErrorKind::TooLong) {
            prop_assert_eq!(&whole, &expected);
        }
        // Limits stop every cut at the same octet too.
        let limits = ReplyLimits { lines: 2, line_octets: 9, octets: 16 };
        let whole = read(&[&stream], limits, lf_line);
        prop_assert_eq!(&read(&chunks, limits, lf_line), &whole);
        prop_assert_eq!(&read(&stream.chunks(1).collect::<Vec<_>>(), limits, lf_line), &whole);
    }

    #[test]
    fn what_is_sent_is_read(
        code in 200u16..560,
        subject in 0u16..1000,
        detail in 0u16..1000,
        with_status: bool,
        text in "[ -~\t\n\u{a0}-\u{17f}]{0,60}",
    ) {
        let class = u8::try_from(code / 100).unwrap();
        let status = (with_status && class != 3).then(|| Status::new(class, subject, detail));
        let Ok(reply) = Reply::new(code, status, &text) else {
            prop_assert!(code / 10 % 10 > 5);
            return Ok(());
        };
        let wire = reply.to_vec();
        let view = ReplyView::parse(&wire).unwrap();
        prop_assert_eq!(view.code(), reply.code());
        prop_assert!(view.lines().count() == text.matches('\n').count() + 1);
        if status.is_some() {
            prop_assert_eq!(view.status(), status);
            let lines: Vec<&[u8]> = view.lines().collect();
            prop_assert_eq!(lines.join(&b'\n'), text.as_bytes());
        } else {
            let lines: Vec<&[u8]> = view.raw_lines().collect();
            prop_assert_eq!(lines.join(&b'\n'), text.as_bytes());
        }
    }
}
