//! Ours, for SMTP.

use std::hint::black_box;

use scop_smtp_proto::data::{LineEnds, Piece, Unstuffer};

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
