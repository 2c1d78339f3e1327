//! AUTH (RFC 4954).

use scop_core::{Full, Sink};

use super::{Effect, Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::auth::MechanismSet;
use crate::parameter::{Parameter, Submitter};

/// `AUTH mechanisms`: the client shows who it is; `MAIL AUTH=` says who submitted a message.
///
/// Mechanisms that show the secret to whoever reads the channel are offered, taken and used only when the
/// host says that the channel is encrypted, or that it does not matter. A server offers what it can serve:
/// nothing without [`Server::with_auth`](crate::server::Server::with_auth), and SCRAM only when the exchange
/// has a hash.
#[derive(Clone, Copy, Debug)]
pub struct Auth {
    /// Server: what it takes. Client: what it would use.
    pub mechanisms: MechanismSet,
    /// Whether a secret may cross a channel that is not encrypted, as over a local socket.
    pub plaintext_allowed: bool,
}

impl Auth {
    /// What may be used over this channel.
    fn usable(self, secure: bool) -> MechanismSet {
        if secure || self.plaintext_allowed {
            self.mechanisms
        } else {
            self.mechanisms.and(MechanismSet::PROOFS)
        }
    }

    /// What a server offers: of that, what it can serve.
    fn served(self, session: &Session) -> MechanismSet {
        self.usable(session.secure).and(session.mechanisms)
    }
}

impl Extension for Auth {
    fn keyword(&self) -> &'static str {
        "AUTH"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["AUTH"]
    }

    fn verbs(&self) -> &[&str] {
        &["AUTH"]
    }

    fn is_offered(&self, session: &Session) -> bool {
        !self.served(session).is_empty()
    }

    fn emit_arguments(&self, session: &Session, mut sink: &mut dyn Sink) -> Result<(), Full> {
        self.served(session).emit(&mut sink)
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        _: &mut Envelope,
    ) -> Result<(), Refusal> {
        value(parameter, Submitter::parse)?;
        Ok(())
    }

    /// Once in a session, and in no transaction (RFC 4954 4).
    fn command(&self, _: &[u8], argument: &[u8], session: &Session) -> Result<Effect, Refusal> {
        if argument.is_empty() {
            return Err(Refusal::BAD_ARGUMENT);
        }
        if session.authenticated || session.in_transaction {
            return Err(Refusal::OUT_OF_ORDER);
        }
        Ok(Effect::Authenticate(self.served(session)))
    }

    fn announced(&self, arguments: &[u8], peer: &mut Peer) {
        peer.mechanisms = MechanismSet::parse(arguments).and(self.usable(peer.secure));
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        _: &mut Envelope,
    ) -> Result<(), &'static str> {
        value(parameter, Submitter::parse)?;
        Ok(())
    }
}
