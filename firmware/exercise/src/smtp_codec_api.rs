//! scop-smtp-proto: paths, commands, lines, replies and the dots of a message, read and written.

use core::hint::black_box;

use scop_core::{Sink, SliceSink};
use scop_mime_core::AddrSpec;
use scop_smtp_proto::command::{
    self, Argument, Attribute, Attributes, AuthCommand, Bdat, CommandErrorKind, Etrn, EtrnScope,
    Hello, TypedCommand, Verb,
};
use scop_smtp_proto::data::{Checker, LineEnds, Piece, StuffSink, Stuffer, Unstuffer};
use scop_smtp_proto::ehlo::{Capability, EhloReply, Keyword};
use scop_smtp_proto::line::{LineErrorKind, LineReader};
use scop_smtp_proto::parameter::Xtext;
use scop_smtp_proto::path::{DomainName, LocalPart, Route};
use scop_smtp_proto::reply::{ReplyLimits, ReplyReader};
use scop_smtp_proto::{
    Code, Command, Domain, ForwardPath, Mailbox, Reply, ReplyView, ReversePath, Status, Tolerance,
};

use crate::tally::Tally;

/// Reads and writes all that stands on the wire, in pieces of each small size.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    paths(input, &mut tally);
    commands(input, &mut tally);
    arguments(input, &mut tally);
    lines(input, &mut tally);
    replies(input, &mut tally);
    for size in [1, 2, 7, 64] {
        receive(input, size, &mut tally);
        send(input, size, &mut tally);
    }
    tally.finish()
}

fn paths(input: &[u8], tally: &mut Tally) {
    let mut loose = Tolerance::DEFAULT;
    loose.bare_path = true;
    for text in [
        input,
        black_box(br#"<"joe\ q"@[192.0.2.1]>"#),
        black_box(b"<@a.example,@b.example:joe@example.org>"),
        black_box(b"<postMASTER>"),
        black_box(b"<>"),
        black_box(b"joe@[x-tag:1]"),
        black_box("<j\u{f6}e@b\u{fc}cher.example>".as_bytes()),
    ] {
        if let Ok(path) = ReversePath::parse_with(text, &loose) {
            tally.emit(&path);
            tally.flag(path.is_ascii());
            mailbox(path.mailbox(), tally);
        }
        if let Ok(path) = ForwardPath::parse_with(text, &loose) {
            tally.emit(&path);
            tally.flag(path.is_ascii());
            mailbox(path.mailbox(), tally);
            if let ForwardPath::Mailbox { route, .. } = path {
                tally.bytes(route.raw());
                tally.check(route.is_empty() == (route.domains().count() == 0));
                tally.equal(Route::parse(route.raw()), Ok(route));
                tally.flag(route.is_ascii());
            }
        }
        tally.flag(ReversePath::parse(text).is_ok_and(|path| path == ReversePath::Null));
        tally.flag(ForwardPath::parse(text).is_ok_and(|path| path == ForwardPath::Postmaster));
    }
    let quoted = Mailbox::parse(black_box(b"\"joe\"@EXAMPLE.org"));
    let plain = Mailbox::parse(black_box(b"joe@example.org"));
    tally.check(quoted.is_ok() && quoted == plain);
    if let Ok(mailbox) = quoted {
        tally.check_emit(&ReversePath::from(mailbox), b"<joe@EXAMPLE.org>");
        tally.check_emit(&ForwardPath::from(mailbox), b"<joe@EXAMPLE.org>");
    }
    let behind = ForwardPath::parse_prefix(black_box(b"<joe@example.org> X=1"));
    tally.check(behind.is_ok_and(|(_, rest)| rest == b" X=1"));
    let behind = ReversePath::parse_prefix(black_box(b"<>rest"));
    tally.check(behind == Ok((ReversePath::Null, b"rest")));
    let wrong = Mailbox::parse(black_box(b"joe@example..org"));
    tally.check(wrong.is_err_and(|error| error.offset() == 12));
    let name = DomainName::parse(black_box(b"MX.example.org"));
    tally.check(name.is_ok_and(|name| name.is(b"mx.EXAMPLE.org") && name.as_str().len() == 14));
    let literal = Domain::parse(black_box(b"[IPv6:2001:db8::0:1]"));
    tally.check(literal.is_ok_and(|domain| domain.name().is_none()));
    if let Ok(literal) = literal {
        tally.check_emit(&literal, b"[IPv6:2001:db8::1]");
    }
    let prefix = Domain::parse_prefix(black_box(b"example.org:25"));
    tally.check(prefix.is_ok_and(|(domain, rest)| domain.is_ascii() && rest == b":25"));
}

fn mailbox(mailbox: Option<Mailbox<'_>>, tally: &mut Tally) {
    let Some(mailbox) = mailbox else { return };
    tally.bytes(mailbox.raw());
    tally.add(mailbox.as_str().len());
    tally.flag(mailbox.is_ascii());
    tally.emit(&mailbox);
    tally.equal(
        Mailbox::parse_with(mailbox.raw(), &Tolerance::DEFAULT),
        Ok(mailbox),
    );
    let local: LocalPart<'_> = mailbox.local_part();
    tally.bytes(local.raw());
    tally.emit(&local.text());
    tally.add(local.text().count());
    tally.flag(local.is(b"joe"));
    match mailbox.domain() {
        Domain::Name(name) => tally.bytes(name.raw()),
        Domain::Tagged(literal) => {
            tally.bytes(literal.raw());
            tally.bytes(literal.tag());
            tally.bytes(literal.content());
        }
        other => tally.emit(&other),
    }
    if let Ok(address) = AddrSpec::try_from(mailbox) {
        tally.emit(&address);
        tally.flag(Mailbox::try_from(address) == Ok(mailbox));
    }
}

/// Lines without their CRLF, and what each is when it is written again.
const COMMANDS: &[(&[u8], &[u8])] = &[
    (b"helo mx.example.org", b"HELO mx.example.org\r\n"),
    (b"EHLO [192.0.2.1] ", b"EHLO [192.0.2.1]\r\n"),
    (b"lhlo mx.example.org", b"LHLO mx.example.org\r\n"),
    (
        b"MAIL FROM: <joe@example.org>  SIZE=1000 BODY=8BITMIME",
        b"MAIL FROM:<joe@example.org> SIZE=1000 BODY=8BITMIME\r\n",
    ),
    (
        b"Rcpt To:<@a.example:\"ann\"@example.net>",
        b"RCPT TO:<@a.example:ann@example.net>\r\n",
    ),
    (b"data", b"DATA\r\n"),
    (b"RSET", b"RSET\r\n"),
    (b"vrfy joe", b"VRFY joe\r\n"),
    (b"EXPN list", b"EXPN list\r\n"),
    (b"HELP", b"HELP\r\n"),
    (b"noop x", b"NOOP x\r\n"),
    (b"QUIT", b"QUIT\r\n"),
    (b"STARTTLS", b"STARTTLS\r\n"),
    (b"AUTH PLAIN AGEAYg==", b"AUTH PLAIN AGEAYg==\r\n"),
    (b"BDAT 0086 last", b"BDAT 86 LAST\r\n"),
    (b"ETRN @example.org", b"ETRN @example.org\r\n"),
    (
        b"XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]",
        b"XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]\r\n",
    ),
    (b"XFORWARD HELO=a+2Bb", b"XFORWARD HELO=a+2Bb\r\n"),
    (b"XCOLOUR blue", b"XCOLOUR blue\r\n"),
];

fn commands(input: &[u8], tally: &mut Tally) {
    for (line, written) in black_box(COMMANDS) {
        let typed = Command::parse(line).and_then(|command| command.typed());
        tally.check(typed.is_ok());
        if let Ok(typed) = typed {
            tally.check_emit(&typed, written);
        }
    }
    let hello = Command::parse(black_box(b"EHLO mx"));
    tally.check(matches!(hello, Ok(Command::Hello(Hello::Ehlo, name)) if name.raw() == b"mx"));
    for (line, code) in [
        (&b"MAIL FROM:<a@b.example>"[..], None),
        (b"MAIL FROM:<a@b..example>", Some(501)),
        (b"RCPT TO:<>", Some(501)),
        (b"DATA now", Some(501)),
        (b"\x80", Some(500)),
        (b"BDAT -1", Some(501)),
    ] {
        let typed = Command::parse_with(black_box(line), &Tolerance::STRICT)
            .and_then(|command| command.typed());
        let refusal = typed.err().map(|error| error.kind().refusal().reply());
        tally.equal(refusal.map(|reply| reply.code().number()), code);
    }
    if let Ok(command) = Command::parse(input) {
        tally.emit(&command);
        match command.typed() {
            Ok(TypedCommand::Plain(command)) => tally.emit(&command),
            typed => tally.flag(typed.is_ok()),
        }
    }
}

fn arguments(input: &[u8], tally: &mut Tally) {
    let parsed: [Option<usize>; 6] = [
        Argument::parse(input)
            .ok()
            .map(|argument| argument.as_str().len()),
        Verb::parse(input).ok().map(|verb| verb.as_str().len()),
        Attributes::parse(input).ok().map(|list| list.raw().len()),
        AuthCommand::parse(input)
            .ok()
            .map(|auth| auth.mechanism().len()),
        Bdat::parse(input).ok().map(|chunk| usize::from(chunk.last)),
        Etrn::parse(input).ok().map(|etrn| etrn.node().len()),
    ];
    for len in parsed {
        tally.add(len.unwrap_or(0));
    }
    let auth = AuthCommand::parse(black_box(b"PLAIN ="));
    tally
        .check(auth.is_ok_and(|auth| auth.mechanism() == b"PLAIN" && auth.initial() == Some(b"=")));
    let etrn = Etrn::parse(black_box(b"#queue"));
    tally.check(etrn.is_ok_and(|etrn| etrn.scope() == EtrnScope::Queue && etrn.node() == b"queue"));
    let attribute = Attribute::new("ADDR", Xtext::of(black_box(b"IPv6:2001:db8::1")));
    tally
        .check(attribute.is_ok_and(|attribute| attribute.address().is_some_and(|ip| ip.is_ipv6())));
    if let Ok(attribute) = attribute {
        tally.check_emit(&attribute, b"ADDR=IPv6:2001:db8::1");
    }
    let list = Attributes::parse(black_box(b"NAME=[TEMPUNAVAIL] PROTO=[UNAVAILABLE]"));
    let (name, proto) = match list {
        Ok(list) => (list.find("name"), list.find("PROTO")),
        Err(_) => (None, None),
    };
    tally.check(
        name.is_some_and(|name| name.is_temporarily_unavailable() && name.name() == b"NAME"),
    );
    tally.check(proto.is_some_and(|proto| proto.is_unavailable()));
    tally.check(proto.is_some_and(|proto| proto.value() == Xtext::of(b"[UNAVAILABLE]")));
    tally.check(list.is_ok_and(|list| list.iter().count() == 2));
    let many = Attribute::new("A B", Xtext::of(b""));
    tally.check(many.is_err_and(|error| error.kind() == CommandErrorKind::BadAttribute));
    tally.check(
        Argument::EMPTY.is_empty() && Verb::parse(b"noop").is_ok_and(|verb| verb.is("NOOP")),
    );
    tally.add(command::Attributes::MAX);
}

fn lines(input: &[u8], tally: &mut Tally) {
    let text = black_box(b"one\r\n\r\na\rb\r\nfar too long\r\nx\ny\r\n\0\r\nlast");
    for size in 1..8 {
        let mut buffer = [0; 8];
        let mut reader = LineReader::new(&mut buffer).with_limit(8);
        let mut wrong = [None; 6];
        let mut read = 0;
        for piece in text.chunks(size.max(1)) {
            let mut piece = piece;
            while let Some(line) = reader.read(&mut piece) {
                tally.bytes(line.raw());
                if let Some(place) = wrong.get_mut(read) {
                    *place = line.octets().err().map(|error| error.kind());
                }
                read += 1;
            }
        }
        tally.equal(
            wrong,
            [
                None,
                None,
                Some(LineErrorKind::BareCr),
                Some(LineErrorKind::TooLong),
                Some(LineErrorKind::BareLf),
                Some(LineErrorKind::Nul),
            ],
        );
        tally.check(read == wrong.len() && reader.is_in_line() && !reader.is_too_long());
        reader.clear();
        tally.check(reader.line().is_none() && !reader.is_in_line());
    }
    let mut buffer = [0; 16];
    let mut reader = LineReader::new(&mut buffer).with_lf_line(black_box(true));
    reader.set_limit(10);
    let mut rest = black_box(&b"hi\nthere\r\n"[..]);
    tally.check(reader.fill(&mut rest));
    tally.check(reader.line().is_some_and(|line| line.octets() == Ok(b"hi")));
    let mut rest = input;
    tally.flag(reader.fill(&mut rest));
    tally.flag(reader.is_too_long());
}

const EHLO: &[u8] = b"250-mx.example.org greets you\r\n250-SIZE 1000\r\n250-AUTH PLAIN LOGIN\r\n\
    250-AUTH=PLAIN\r\n250-LIMITS RCPTMAX=20\r\n250-FUTURERELEASE 60 2030-03-17T17:46:40Z\r\n\
    250-DELIVERBY 60\r\n250-MT-PRIORITY MIXER\r\n250-\x01\r\n250 XCOLOUR red blue\r\n";

fn replies(input: &[u8], tally: &mut Tally) {
    let text = black_box("No\nreally");
    match Reply::new(black_box(550), Some(Status::new(5, 1, 1)), text) {
        Ok(reply) => {
            tally.check_emit(&reply, b"550-5.1.1 No\r\n550 5.1.1 really\r\n");
            tally.check_emit(&reply.without_status(), b"550-No\r\n550 really\r\n");
            tally.equal(
                (reply.text(), reply.status()),
                (text, Some(Status::new(5, 1, 1))),
            );
        }
        Err(_) => tally.check(false),
    }
    let text = core::str::from_utf8(input).unwrap_or_default();
    tally.flag(Reply::new(black_box(250), None, text).is_ok());
    tally.check(Reply::new(black_box(250), None, black_box("a\rb")).is_err());
    tally.check(Code::new(black_box(600)).is_none());

    let stream = black_box(b"250-2.1.0 one\r\n250 2.1.0 two\r\n452 4.5.3\r\n334 \r\n");
    for size in 1..8 {
        let mut buffer = [0; 32];
        let mut reader = ReplyReader::new(&mut buffer).with_limits(ReplyLimits::DEFAULT);
        let mut read = 0;
        for piece in stream.chunks(size.max(1)) {
            let mut piece = piece;
            while let Ok(Some(reply)) = reader.read(&mut piece) {
                tally.bytes(reply.raw());
                let (code, lines) = (reply.code(), reply.lines().count());
                let due = match read {
                    0 => code.is_success() && lines == 2 && reply.status().is_some(),
                    1 => code.is_transient() && reply.lines().all(<[u8]>::is_empty),
                    _ => code.is_intermediate() && code.is_positive() && !code.is_permanent(),
                };
                tally.check(due);
                read += 1;
            }
        }
        tally.check(read == 3 && !reader.is_in_reply());
        tally.flag(reader.reply().is_some());
        reader.clear();
        let mut rest = input;
        tally.flag(reader.read(&mut rest).is_err());
        tally.flag(reader.read(&mut &b"220 hi\r\n"[..]).is_err());
    }
    ehlo(tally);
    if let Ok(reply) = ReplyView::parse_with(input, &Tolerance::DEFAULT) {
        tally.emit(&reply);
    }
    let prefix = ReplyView::parse_prefix(black_box(b"220 a\r\n250 b\r\n"), &Tolerance::STRICT);
    tally.check(prefix.is_ok_and(|(_, rest)| rest == b"250 b\r\n"));
    let status = Status::parse(black_box(b"4.7.1"));
    tally.check(status.is_ok_and(|status| status.is_valid() && status.description().is_some()));
    tally.check(Status::parse_prefix(black_box(b"5.07.1")).is_err());
    if let Ok(status) = status {
        tally.check_emit(&status, b"4.7.1");
    }
}

fn ehlo(tally: &mut Tally) {
    let reply = ReplyView::parse(black_box(EHLO));
    let Some(ehlo) = reply
        .ok()
        .and_then(|reply| EhloReply::new(reply, &Tolerance::DEFAULT))
    else {
        return tally.check(false);
    };
    tally.check(ehlo.domain() == b"mx.example.org" && ehlo.greeting().len() == 25);
    tally.check(ehlo.lines().count() == 9 && ehlo.keywords().count() == 8);
    tally.check(ehlo.reply().raw_lines().count() == 10);
    for keyword in ehlo.keywords() {
        match keyword.typed() {
            Ok(Capability::Size(size)) => tally.equal(size, Some(1000)),
            Ok(Capability::Auth(mechanisms)) => tally.check(!mechanisms.is_empty()),
            Ok(Capability::Limits(limits)) => tally.equal(limits.recipients, Some(20)),
            Ok(Capability::Other(other)) => tally.check(other.words().count() == 2),
            typed => tally.check(typed.is_ok()),
        }
    }
    tally.check(
        ehlo.find("xcolour")
            .is_some_and(|keyword| keyword.arguments() == b"red blue"),
    );
    tally.check(Keyword::parse(black_box(b"-X")).is_err());
}

/// A message on the wire, with what stands behind it, and the message.
const STUFFED: &[u8] = b"Subject: hi\r\n\r\n..\r\n...two\r\n.\r\nQUIT\r\n";
const PLAIN: &[u8] = b"Subject: hi\r\n\r\n.\r\n..two\r\n";

fn receive(input: &[u8], size: usize, tally: &mut Tally) {
    for (text, line_ends) in [
        (STUFFED, LineEnds::Refuse),
        (b"a\nb\r\n.\r\n", LineEnds::Refuse),
        (b"a\nb\r\n.\r\n", LineEnds::Keep),
        (b"a\nb\r\n.\r\n", LineEnds::Normalise),
        (input, LineEnds::Refuse),
    ] {
        let mut buffer = [0; 96];
        let mut sink = SliceSink::new(&mut buffer);
        let mut unstuffer = Unstuffer::new(line_ends);
        let mut rest: &[u8] = &[];
        for piece in black_box(text).chunks(size.max(1)) {
            rest = piece;
            while let Piece::Content(content) = unstuffer.read(&mut rest) {
                tally.flag(sink.put(content).is_ok());
            }
            if unstuffer.is_ended() {
                break;
            }
        }
        tally.bytes(rest);
        let content = sink.into_written();
        tally.check(unstuffer.octets() == content.len() as u64);
        tally.flag(unstuffer.long_line().is_some());
        let bare = unstuffer.bare_line_end().map(|bare| bare.offset);
        match (line_ends, text.len()) {
            (LineEnds::Refuse, len) if len == STUFFED.len() => {
                tally.check(content == PLAIN && bare.is_none() && unstuffer.is_ended());
            }
            (LineEnds::Refuse, 8) => tally.check(bare == Some(1) && unstuffer.is_ended()),
            (LineEnds::Keep, _) => tally.check(content == b"a\nb\r\n"),
            (LineEnds::Normalise, _) => tally.check(content == b"a\r\nb\r\n"),
            _ => tally.check(!unstuffer.is_ended()),
        }

        let mut checker = Checker::new(line_ends);
        let mut octets = 0;
        for piece in text.chunks(size.max(1)) {
            let mut rest = piece;
            while !rest.is_empty() {
                octets += checker.read(&mut rest).len();
            }
        }
        octets += checker.finish().len();
        tally.check(checker.octets() == octets as u64);
        tally.flag(checker.bare_line_end().is_some());
        tally.flag(checker.long_line().is_some());
    }
}

fn send(input: &[u8], size: usize, tally: &mut Tally) {
    for (text, stuffer, due) in [
        (PLAIN, Stuffer::new(), STUFFED.get(..30)),
        (b"a\nb", Stuffer::new(), None),
        (
            b"a\n.\rb",
            Stuffer::normalising(),
            Some(&b"a\r\n..\r\nb\r\n.\r\n"[..]),
        ),
        (input, Stuffer::new(), None),
    ] {
        let mut buffer = [0; 96];
        let mut sink = SliceSink::new(&mut buffer);
        let mut pieces = stuffer.clone();
        'pieces: for piece in black_box(text).chunks(size.max(1)) {
            let mut rest = piece;
            loop {
                match pieces.stuff(&mut rest) {
                    Ok([]) => break,
                    Ok(octets) => tally.flag(sink.put(octets).is_ok()),
                    Err(_) => break 'pieces,
                }
            }
        }
        let end = pieces.finish();
        tally.flag(sink.put(end.unwrap_or_default()).is_ok());
        tally.flag(pieces.has_nul());
        tally.flag(pieces.long_line().is_some());
        let sent = sink.into_written();

        let mut buffer = [0; 96];
        let mut sink = StuffSink::new(SliceSink::new(&mut buffer), stuffer);
        for piece in text.chunks(size.max(1)) {
            tally.flag(sink.put(piece).is_ok());
        }
        tally.check(!sink.stuffer().has_nul());
        let through_sink = sink.finish();
        tally.check(through_sink.is_ok() == end.is_ok());
        if let Ok(sink) = through_sink {
            tally.check(sink.written() == sent);
        }
        match due {
            Some(due) => tally.check(end.is_ok() && sent == due),
            None if text == b"a\nb" => tally.check(end.is_err()),
            None => tally.bytes(sent),
        }
    }
}
