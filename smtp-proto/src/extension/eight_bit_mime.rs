//! 8BITMIME (RFC 6152).

use super::{Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::parameter::{Body, Parameter};

/// `8BITMIME`: octets above 127 may stand in a message, in lines, after `MAIL BODY=8BITMIME`.
#[derive(Clone, Copy, Debug)]
pub struct EightBitMime;

impl Extension for EightBitMime {
    fn keyword(&self) -> &'static str {
        "8BITMIME"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["BODY=7BIT", "BODY=8BITMIME"]
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        envelope: &mut Envelope,
    ) -> Result<(), Refusal> {
        envelope.body = value(parameter, Body::parse)?;
        Ok(())
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        envelope.body = value(parameter, Body::parse)?;
        Ok(())
    }
}
