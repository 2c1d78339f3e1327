//! ENHANCEDSTATUSCODES (RFC 2034).

use super::{Extension, Peer, Terms};

/// `ENHANCEDSTATUSCODES`: the text of replies begins with a code of three numbers.
#[derive(Clone, Copy, Debug)]
pub struct EnhancedStatusCodes;

impl Extension for EnhancedStatusCodes {
    fn keyword(&self) -> &'static str {
        "ENHANCEDSTATUSCODES"
    }

    fn offered(&self, terms: &mut Terms) {
        terms.enhanced_status = true;
    }

    fn announced(&self, _: &[u8], peer: &mut Peer) {
        peer.terms.enhanced_status = true;
    }
}
