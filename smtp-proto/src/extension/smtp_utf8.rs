//! SMTPUTF8 (RFC 6531).

use super::{Extension, Peer, Refusal, Session, no_value};
use crate::Envelope;
use crate::parameter::Parameter;

/// `SMTPUTF8`: UTF-8 may stand in paths and in the header, after `MAIL SMTPUTF8`.
#[derive(Clone, Copy, Debug)]
pub struct SmtpUtf8;

impl Extension for SmtpUtf8 {
    fn keyword(&self) -> &'static str {
        "SMTPUTF8"
    }

    /// RFC 6531 3.1, item 8.
    fn needs(&self) -> &[&str] {
        &["8BITMIME"]
    }

    fn mail_keywords(&self) -> &[&str] {
        &["SMTPUTF8"]
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        envelope: &mut Envelope,
    ) -> Result<(), Refusal> {
        no_value(parameter)?;
        envelope.utf8 = true;
        Ok(())
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        no_value(parameter)?;
        envelope.utf8 = true;
        Ok(())
    }
}
