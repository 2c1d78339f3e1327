//! Lines of a client: cut out of a stream at any chunks as a naive reader cuts them, and each line as a
//! command under every tolerance.

use scop_core::Emit;
use scop_smtp_proto::Parameter;
use scop_smtp_proto::command::{Command, Hello, Tolerance, TypedCommand};
use scop_smtp_proto::line::{LineErrorKind, LineReader};

use crate::choice::Choice;

/// What a client sends.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    let limit = choice.pick(&[0, 1, 2, 9, 40, 512]);
    for lf_line in [false, true] {
        let (lines, rest) = lines(data, lf_line);
        for chunks in [
            vec![data],
            data.chunks(1).collect(),
            choice.chunks(data),
            choice.chunks(data),
        ] {
            for copy in [false, true] {
                check_reader(&lines, rest, &chunks, (limit, lf_line, copy));
            }
        }
        if !lf_line {
            for line in lines.iter().chain([&data]) {
                check_line(line, &mut choice);
            }
        }
    }
}

/// The lines without their ends, and what has no end yet.
fn lines(data: &[u8], lf_line: bool) -> (Vec<&[u8]>, &[u8]) {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, &octet) in data.iter().enumerate() {
        let line = &data[start..at];
        let (line, has_cr) = match line {
            [line @ .., b'\r'] => (line, true),
            _ => (line, false),
        };
        if octet == b'\n' && (has_cr || lf_line) {
            lines.push(line);
            start = at + 1;
        }
    }
    (lines, &data[start..])
}

/// `limit`, `lf_line`, and whether lines are copied to the buffer.
fn check_reader(
    lines: &[&[u8]],
    rest: &[u8],
    chunks: &[&[u8]],
    (limit, lf_line, copy): (usize, bool, bool),
) {
    let mut buffer = [0; 512];
    let mut reader = LineReader::new(&mut buffer)
        .with_limit(limit)
        .with_lf_line(lf_line);
    let mut expected = lines.iter();
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            let line = if copy {
                reader.fill(&mut input);
                reader.line()
            } else {
                reader.read(&mut input)
            };
            let Some(line) = line else {
                assert!(input.is_empty());
                break;
            };
            let whole = expected.next().expect("the stream has such a line");
            assert_eq!(line.raw(), &whole[..whole.len().min(limit)]);
            let bad = whole
                .iter()
                .position(|octet| matches!(octet, b'\r' | b'\n' | 0));
            match line.octets() {
                Ok(octets) => assert_eq!((octets, bad), (*whole, None)),
                Err(error) if error.kind() == LineErrorKind::TooLong => {
                    assert!(whole.len() > limit);
                }
                Err(error) => {
                    let kind = match whole[error.offset()] {
                        b'\r' => LineErrorKind::BareCr,
                        b'\n' => LineErrorKind::BareLf,
                        _ => LineErrorKind::Nul,
                    };
                    assert_eq!((Some(error.offset()), error.kind()), (bad, kind));
                }
            }
        }
    }
    assert!(expected.next().is_none(), "a line is missing");
    assert_eq!(reader.is_in_line(), !rest.is_empty());
}

/// Under no tolerance a line means anything else than what the grammar says, and what it means can be
/// written.
fn check_line(line: &[u8], choice: &mut Choice) {
    let strict = Command::parse_with(line, &Tolerance::STRICT);
    check_simple(line, strict.ok());
    let mut tolerances = vec![Tolerance::STRICT, Tolerance::DEFAULT, tolerance(0x3f)];
    tolerances.extend((0..6).map(|bit| tolerance(1 << bit)));
    tolerances.extend((0..3).map(|_| tolerance(choice.bits())));
    for tolerance in &tolerances {
        match Command::parse_with(line, tolerance) {
            Ok(command) => {
                if let Ok(strict) = strict {
                    assert_eq!(command, strict, "{tolerance:?}");
                }
                check_command(&command, *tolerance);
            }
            Err(error) => {
                assert!(error.offset() <= line.len());
                assert!(
                    strict.is_err(),
                    "{tolerance:?} refuses what the grammar has"
                );
                let reply = error.kind().refusal();
                assert!(reply.reply().code().is_permanent());
            }
        }
    }
}

fn check_command(command: &Command<'_>, tolerance: Tolerance) {
    let written = written(command);
    let line = &written[..written.len() - 2];
    let shown = command.to_string();
    match command.typed() {
        // What a client answers to AUTH is not shown.
        Ok(TypedCommand::Auth(auth)) if auth.initial().is_some() => {
            assert!(shown.ends_with(" ...") && shown.len() < line.len() + 4);
        }
        Err(_)
            if line
                .get(..5)
                .is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH ")) => {}
        _ => assert_eq!(shown.as_bytes(), line),
    }
    // All that may be left to tolerate is what a path or a name is.
    let mut narrow = Tolerance::STRICT;
    narrow.long_path = tolerance.long_path;
    narrow.any_hello = tolerance.any_hello;
    for tolerance in [tolerance, narrow] {
        let again = Command::parse_with(line, &tolerance);
        assert_eq!(again, Ok(*command), "{tolerance:?}");
        assert_eq!(again.expect("as before").to_vec(), written);
    }
    match command.typed() {
        Ok(typed) => {
            let written = self::written(&typed);
            let line = &written[..written.len() - 2];
            let again = Command::parse_with(line, &tolerance).expect("it was written");
            assert_eq!(again.typed(), Ok(typed));
        }
        Err(error) => assert!(error.offset() <= line.len()),
    }
    let (Command::Mail(_, parameters) | Command::Rcpt(_, parameters)) = command else {
        return;
    };
    for parameter in parameters {
        match parameter.typed() {
            Ok(typed) => {
                let written = typed.to_vec();
                let again = Parameter::parse(&written).expect("it was written");
                let again = again.typed().expect("as before");
                assert_eq!(format!("{again:?}"), format!("{typed:?}"));
            }
            Err(error) => assert!(error.offset() <= parameter.value().unwrap_or_default().len()),
        }
    }
}

/// A line with its end, and no control in it.
fn written(command: &impl Emit) -> Vec<u8> {
    let written = command.to_vec();
    let line = written.strip_suffix(b"\r\n").expect("it has its end");
    assert!(!line.iter().any(u8::is_ascii_control), "{line:?}");
    written
}

/// The six that concern commands, one for each bit.
fn tolerance(bits: u64) -> Tolerance {
    let mut tolerance = Tolerance::STRICT;
    let has = |bit: u32| bits >> bit & 1 == 1;
    tolerance.trailing_space = has(0);
    tolerance.space_before_path = has(1);
    tolerance.bare_path = has(2);
    tolerance.wide_space = has(3);
    tolerance.long_path = has(4);
    tolerance.any_hello = has(5);
    tolerance
}

/// The verb decides, and the commands without a path are told from their letters alone.
fn check_simple(line: &[u8], strict: Option<Command<'_>>) {
    let end = line.iter().position(|&octet| octet == b' ');
    let (verb, argument) = match end {
        Some(end) => (&line[..end], Some(&line[end + 1..])),
        None => (line, None),
    };
    let is_text = |text: &[u8]| {
        let characters =
            std::str::from_utf8(text).is_ok_and(|text| !text.contains(char::is_control));
        let has_edge = text.first() == Some(&b' ') || text.last() == Some(&b' ');
        characters && !has_edge && !text.is_empty()
    };
    let is_string = argument.is_none_or(|text| is_text(text) && text.is_ascii());
    let is_name = argument.is_some_and(|text| {
        let upper = text.to_ascii_uppercase();
        is_text(text) && (text.is_ascii() || upper.ends_with(b" SMTPUTF8"))
    });
    let text = argument.unwrap_or_default();
    let is_verb = verb
        .iter()
        .all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
        && !matches!(verb.first(), None | Some(b'-'));
    // Whether it is a command, where that can be told here, and which one was read.
    let (expected, is_it) = match (&verb.to_ascii_uppercase()[..], strict) {
        (b"DATA", read) => (
            Some(argument.is_none()),
            matches!(read, Some(Command::Data)),
        ),
        (b"RSET", read) => (
            Some(argument.is_none()),
            matches!(read, Some(Command::Rset)),
        ),
        (b"QUIT", read) => (
            Some(argument.is_none()),
            matches!(read, Some(Command::Quit)),
        ),
        (b"NOOP", read) => (
            Some(is_string),
            matches!(read, Some(Command::Noop(argument)) if argument.raw() == text),
        ),
        (b"HELP", read) => (
            Some(is_string),
            matches!(read, Some(Command::Help(argument)) if argument.raw() == text),
        ),
        (b"VRFY", read) => (
            Some(is_name),
            matches!(read, Some(Command::Vrfy(argument)) if argument.raw() == text),
        ),
        (b"EXPN", read) => (
            Some(is_name),
            matches!(read, Some(Command::Expn(argument)) if argument.raw() == text),
        ),
        (b"EHLO", read) => (None, matches!(read, Some(Command::Hello(Hello::Ehlo, _)))),
        (b"HELO", read) => (None, matches!(read, Some(Command::Hello(Hello::Helo, _)))),
        (b"LHLO", read) => (None, matches!(read, Some(Command::Hello(Hello::Lhlo, _)))),
        (b"MAIL", read) => (None, matches!(read, Some(Command::Mail(..)))),
        (b"RCPT", read) => (None, matches!(read, Some(Command::Rcpt(..)))),
        (_, read) => (
            Some(is_verb && argument.is_none_or(is_text)),
            matches!(read, Some(Command::Other { verb: own, argument })
                if own.raw() == verb && argument.raw() == text),
        ),
    };
    assert_eq!(is_it, expected.unwrap_or(strict.is_some()), "{strict:?}");
}
