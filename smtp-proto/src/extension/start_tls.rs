//! STARTTLS (RFC 3207).

use super::{Effect, Extension, Peer, Refusal, Session};

/// `STARTTLS`: the channel becomes encrypted. It is announced until it is, and the session begins anew then.
#[derive(Clone, Copy, Debug)]
pub struct StartTls;

impl Extension for StartTls {
    fn keyword(&self) -> &'static str {
        "STARTTLS"
    }

    fn verbs(&self) -> &[&str] {
        &["STARTTLS"]
    }

    fn is_offered(&self, session: &Session) -> bool {
        !session.secure
    }

    fn command(&self, _: &[u8], argument: &[u8], _: &Session) -> Result<Effect, Refusal> {
        if !argument.is_empty() {
            return Err(Refusal::BAD_ARGUMENT);
        }
        Ok(Effect::StartTls)
    }

    fn announced(&self, _: &[u8], peer: &mut Peer) {
        // A server must not announce it twice (RFC 3207 4.2).
        peer.start_tls = !peer.secure;
    }
}
