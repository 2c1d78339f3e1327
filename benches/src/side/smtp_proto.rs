//! smtp-proto 0.2.5.

use std::hint::black_box;

use smtp_proto::request::receiver::{DataReceiver, RequestReceiver};
use smtp_proto::response::parser::ResponseReceiver;
use smtp_proto::{EhloResponse, MailFrom, RcptTo, Request};

use super::{Scratch, Seen};

/// The content of a message after DATA, as it comes in chunks of `CHUNK` octets, gathered in a buffer that
/// is used again. Bare line ends are kept.
pub fn unstuff<const CHUNK: usize>(wire: &[u8], scratch: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    scratch.octets.clear();
    let mut receiver = DataReceiver::new();
    for chunk in wire.chunks(CHUNK) {
        if receiver.ingest(&mut chunk.iter(), &mut scratch.octets) {
            seen.add(0, 1);
        }
    }
    black_box(&scratch.octets);
    seen.add(2, scratch.octets.len());
    seen
}

/// A command in its line; its parameters with what they mean.
pub fn command(wire: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let mut receiver = RequestReceiver::default();
    match receiver.ingest(&mut wire.iter()) {
        Ok(Request::Mail { from }) => {
            let MailFrom {
                address,
                flags,
                size,
                env_id,
                auth,
                ..
            } = black_box(&from);
            let some = [*size > 0, env_id.is_some(), auth.is_some()];
            let values = some.iter().filter(|&&is| is).count();
            seen.add(1, values + bits(*flags));
            seen.add(2, address.len());
        }
        Ok(Request::Rcpt { to }) => {
            let RcptTo {
                address,
                orcpt,
                flags,
                ..
            } = black_box(&to);
            // NOTIFY is one parameter, whatever it asks for.
            seen.add(1, usize::from(orcpt.is_some()) + usize::from(*flags > 0));
            seen.add(2, address.len());
        }
        Ok(Request::Ehlo { host }) => seen.add(2, host.len()),
        Ok(Request::Bdat { chunk_size, .. }) => seen.add(2, chunk_size),
        Ok(other) => {
            black_box(&other);
        }
        Err(error) => panic!("{error}"),
    }
    seen.add(0, 1);
    seen
}

/// A reply, with its text in one string of its own.
pub fn reply(wire: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let mut receiver = ResponseReceiver::default();
    let reply = receiver.parse(&mut wire.iter());
    let reply = reply.expect("the reply is well-formed");
    black_box(reply.esc);
    seen.add(0, usize::from(reply.code));
    seen.add(2, reply.message.len());
    seen
}

/// The reply to EHLO, with its keywords and what they mean.
pub fn ehlo_reply(wire: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let reply = EhloResponse::parse(&mut wire.iter()).expect("the reply is well-formed");
    black_box(&reply);
    seen.add(1, bits(reply.capabilities().into()));
    seen.add(2, reply.hostname().len());
    seen
}

fn bits(flags: u64) -> usize {
    usize::try_from(flags.count_ones()).expect("a count of bits fits")
}
