//! CHUNKING and BINARYMIME (RFC 3030).

use scop_core::Cursor;

use super::{Effect, Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::parameter::{Body, Parameter};

/// `CHUNKING`: the message comes in counted chunks, with BDAT (RFC 3030 2).
#[derive(Clone, Copy, Debug)]
pub struct Chunking;

impl Extension for Chunking {
    fn keyword(&self) -> &'static str {
        "CHUNKING"
    }

    fn verbs(&self) -> &[&str] {
        &["BDAT"]
    }

    /// ```text
    /// bdat-cmd   = "BDAT" SP chunk-size [ SP end-marker ] CR LF       ; RFC 3030 2
    /// chunk-size = 1*DIGIT
    /// end-marker = "LAST"
    /// ```
    fn command(&self, _: &[u8], argument: &[u8], _: &Session) -> Result<Effect, Refusal> {
        let mut cursor = Cursor::new(argument);
        let Some(size) = cursor.take_decimal() else {
            return Ok(Effect::Disconnect(Refusal::BAD_ARGUMENT));
        };
        let last = cursor.skip_ignore_case(b" LAST");
        Ok(if cursor.is_at_end() {
            Effect::Chunk { size, last }
        } else {
            Effect::Disconnect(Refusal::BAD_ARGUMENT)
        })
    }

    fn announced(&self, _: &[u8], peer: &mut Peer) {
        peer.chunking = true;
    }
}

/// `BINARYMIME`: any octets may stand in a message, after `MAIL BODY=BINARYMIME` and in chunks (RFC 3030 3).
#[derive(Clone, Copy, Debug)]
pub struct BinaryMime;

impl Extension for BinaryMime {
    fn keyword(&self) -> &'static str {
        "BINARYMIME"
    }

    fn needs(&self) -> &[&str] {
        &["CHUNKING"]
    }

    fn mail_keywords(&self) -> &[&str] {
        &["BODY=BINARYMIME"]
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
        peer: &Peer,
        envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        if !peer.chunking {
            return Err("the server does not take chunks (RFC 3030 3)");
        }
        envelope.body = value(parameter, Body::parse)?;
        Ok(())
    }
}
