//! smtp-proto 0.2.5.

use std::hint::black_box;

use smtp_proto::request::receiver::DataReceiver;

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
