//! Ours, for SMTP.

use std::hint::black_box;

use scop_smtp_proto::command::TypedCommand;
use scop_smtp_proto::data::{LineEnds, Piece, Unstuffer};
use scop_smtp_proto::ehlo::EhloReply;
use scop_smtp_proto::line::LineReader;
use scop_smtp_proto::{Command, Parameters, ReplyView, Tolerance};

use super::{Scratch, Seen};

/// The content of a message after DATA, as it comes in chunks of `CHUNK` octets, in slices of the input.
/// Bare line ends are kept, as the other side does.
pub fn unstuff<const CHUNK: usize>(wire: &[u8], _: &mut Scratch) -> Seen {
    receive::<CHUNK>(LineEnds::Keep, wire, |piece| {
        black_box(piece);
    })
}

/// The same, and bare line ends are looked for.
pub fn unstuff_strictly<const CHUNK: usize>(wire: &[u8], _: &mut Scratch) -> Seen {
    receive::<CHUNK>(LineEnds::Refuse, wire, |piece| {
        black_box(piece);
    })
}

/// As the first, and gathered in one buffer, as the other side does.
pub fn unstuff_copied<const CHUNK: usize>(wire: &[u8], scratch: &mut Scratch) -> Seen {
    scratch.octets.clear();
    let put = |piece: &[u8]| scratch.octets.extend_from_slice(piece);
    let seen = receive::<CHUNK>(LineEnds::Keep, wire, put);
    black_box(&scratch.octets);
    seen
}

fn receive<const CHUNK: usize>(
    line_ends: LineEnds,
    wire: &[u8],
    mut put: impl FnMut(&[u8]),
) -> Seen {
    let mut seen = Seen::default();
    let mut unstuffer = Unstuffer::new(line_ends);
    for mut chunk in wire.chunks(CHUNK) {
        while let Piece::Content(piece) = unstuffer.read(&mut chunk) {
            seen.add(2, piece.len());
            put(piece);
        }
    }
    assert!(unstuffer.is_ended() && unstuffer.bare_line_end().is_none());
    seen.add(0, 1);
    seen
}

/// A command in its line; its parameters with what they mean.
pub fn command(wire: &[u8], scratch: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    scratch.octets.resize(LINE, 0);
    let mut lines = LineReader::new(&mut scratch.octets);
    let mut input = wire;
    let line = lines.read(&mut input).expect("the line is whole");
    let line = line.octets().expect("the line is well-formed");
    match Command::parse(line).expect("the command is well-formed") {
        Command::Mail(path, parameters) => {
            seen.add(2, path.mailbox().map_or(0, |mailbox| mailbox.raw().len()));
            typed(parameters, &mut seen);
        }
        Command::Rcpt(path, parameters) => {
            seen.add(2, path.mailbox().map_or(0, |mailbox| mailbox.raw().len()));
            typed(parameters, &mut seen);
        }
        Command::Hello(_, name) => seen.add(2, name.raw().len()),
        command @ Command::Other { .. } => {
            if let TypedCommand::Bdat(chunk) = command.typed().expect("it is well-formed") {
                seen.add(2, usize::try_from(chunk.size).expect("it is small"));
            }
        }
        command => {
            black_box(&command);
        }
    }
    seen.add(0, 1);
    seen
}

fn typed(parameters: Parameters<'_>, seen: &mut Seen) {
    for parameter in parameters {
        let typed = parameter.typed();
        assert!(black_box(&typed).is_ok());
        seen.add(1, 1);
    }
}

/// A reply, with the text of its lines.
pub fn reply(wire: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    // As the peers do: it lies whole in memory.
    let reply = ReplyView::parse(wire).expect("the reply is well-formed");
    seen.add(0, usize::from(reply.code().number()));
    black_box(reply.status());
    for line in reply.lines() {
        seen.add(2, line.len());
    }
    seen
}

/// The reply to EHLO, with its keywords and what they mean.
pub fn ehlo_reply(wire: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    // As the peer does: it lies whole in memory.
    let reply = ReplyView::parse(wire).expect("the reply is well-formed");
    let reply = EhloReply::new(reply, &Tolerance::DEFAULT).expect("it accepts");
    for keyword in reply.keywords() {
        let typed = keyword.typed();
        assert!(black_box(&typed).is_ok());
        seen.add(1, 1);
    }
    seen.add(2, reply.domain().len());
    seen
}

/// A command line, and a reply: what a server and a client lend.
const LINE: usize = 2_048;
