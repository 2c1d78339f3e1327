//! DSN (RFC 3461, RFC 6533).

use super::{Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::parameter::{EnvelopeId, Notify, OriginalRecipient, Parameter, Ret};
use crate::reply::Status;

/// `DSN`: the sender says of what it wants to be notified: `MAIL RET= ENVID=`, `RCPT NOTIFY= ORCPT=`.
///
/// The host gets the parameters and acts on them. An ORCPT that is written in UTF-8 is taken and sent only
/// after `MAIL SMTPUTF8` (RFC 6533 3).
#[derive(Clone, Copy, Debug)]
pub struct Dsn;

impl Dsn {
    const UTF8_RECIPIENT: Refusal =
        Refusal::new(553, Status::new(5, 6, 7), "ORCPT in UTF-8 needs SMTPUTF8");
}

impl Extension for Dsn {
    fn keyword(&self) -> &'static str {
        "DSN"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["RET", "ENVID"]
    }

    fn rcpt_keywords(&self) -> &[&str] {
        &["NOTIFY", "ORCPT"]
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        _: &mut Envelope,
    ) -> Result<(), Refusal> {
        if parameter.is("RET") {
            value(parameter, Ret::parse)?;
            Ok(())
        } else {
            value(parameter, EnvelopeId::parse)?;
            Ok(())
        }
    }

    fn rcpt_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        envelope: &Envelope,
    ) -> Result<(), Refusal> {
        if parameter.is("NOTIFY") {
            value(parameter, Notify::parse)?;
            return Ok(());
        }
        let recipient = value(parameter, OriginalRecipient::parse)?;
        if recipient.is_ascii() || envelope.utf8 {
            Ok(())
        } else {
            Err(Self::UTF8_RECIPIENT)
        }
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        if parameter.is("RET") {
            value(parameter, Ret::parse)?;
        } else if parameter.is("ENVID") {
            value(parameter, EnvelopeId::parse)?;
        } else if parameter.is("NOTIFY") {
            value(parameter, Notify::parse)?;
        } else if !value(parameter, OriginalRecipient::parse)?.is_ascii() && !envelope.utf8 {
            return Err("ORCPT in UTF-8 needs SMTPUTF8 (RFC 6533 3)");
        }
        Ok(())
    }
}
