//! REQUIRETLS (RFC 8689).

use super::{Extension, Peer, Refusal, Session, no_value};
use crate::Envelope;
use crate::parameter::Parameter;

/// `REQUIRETLS`: after `MAIL REQUIRETLS` the message goes on over TLS with a verified certificate or not
/// at all. It is announced and used under TLS only (RFC 8689 2).
#[derive(Clone, Copy, Debug)]
pub struct RequireTls;

impl Extension for RequireTls {
    fn keyword(&self) -> &'static str {
        "REQUIRETLS"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["REQUIRETLS"]
    }

    fn is_offered(&self, session: &Session) -> bool {
        session.secure
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        envelope: &mut Envelope,
    ) -> Result<(), Refusal> {
        no_value(parameter)?;
        envelope.require_tls = true;
        Ok(())
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        peer: &Peer,
        envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        no_value(parameter)?;
        if !peer.secure {
            return Err("REQUIRETLS is for channels under TLS (RFC 8689 4.2.1)");
        }
        envelope.require_tls = true;
        Ok(())
    }
}
