//! lettre 0.11.23.

use lettre::transport::smtp::response::Response;

use super::{Scratch, Seen};

/// A reply, with the text of its lines, each in a string of its own.
pub fn reply(wire: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let text = std::str::from_utf8(wire).expect("the reply is ASCII");
    let reply: Response = text.parse().expect("the reply is well-formed");
    seen.add(0, u16::from(reply.code()).into());
    for line in reply.message() {
        seen.add(2, line.len());
    }
    seen
}
