//! CHUNKING and BINARYMIME (RFC 3030).

use super::{Effect, Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::command::Bdat;
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

    /// Without a size, nobody can tell the octets of the chunk from commands.
    fn command(&self, _: &[u8], argument: &[u8], _: &Session) -> Result<Effect, Refusal> {
        Ok(match Bdat::parse(argument) {
            Ok(Bdat { size, last }) => Effect::Chunk { size, last },
            Err(error) => Effect::Disconnect(error.kind().refusal()),
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
