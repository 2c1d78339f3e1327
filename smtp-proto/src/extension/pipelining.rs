//! PIPELINING (RFC 2920).

use super::{Extension, Peer, Terms};

/// `PIPELINING`: commands come in groups, without a wait for each reply.
#[derive(Clone, Copy, Debug)]
pub struct Pipelining;

impl Extension for Pipelining {
    fn keyword(&self) -> &'static str {
        "PIPELINING"
    }

    fn offered(&self, terms: &mut Terms) {
        terms.pipelining = true;
    }

    fn announced(&self, _: &[u8], peer: &mut Peer) {
        peer.terms.pipelining = true;
    }
}
