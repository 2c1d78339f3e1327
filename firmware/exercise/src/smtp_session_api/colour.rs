//! An extension that nobody has: a keyword with arguments, a parameter, a verb.

use scop_core::{Full, Sink};
use scop_smtp_proto::extension::{Effect, Refusal, Terms};
use scop_smtp_proto::{Envelope, Extension, Parameter, Peer, Session, Status};

/// `XCOLOUR red`: the colour of a message, and a verb that paints.
pub(super) struct Colour;

impl Colour {
    const WRONG: Refusal = Refusal::new(555, Status::new(5, 5, 4), "No such colour");

    fn is_known(parameter: Parameter<'_>) -> bool {
        parameter.value() == Some(b"red")
    }
}

impl Extension for Colour {
    fn keyword(&self) -> &'static str {
        "XCOLOUR"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["XTINT"]
    }

    fn verbs(&self) -> &[&str] {
        &["XPAINT"]
    }

    fn is_offered(&self, session: &Session) -> bool {
        session.secure
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        sink.put(b"red")
    }

    fn offered(&self, terms: &mut Terms) {
        terms.max_transactions = Some(2);
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        _: &mut Envelope,
    ) -> Result<(), Refusal> {
        if Self::is_known(parameter) {
            Ok(())
        } else {
            Err(Self::WRONG)
        }
    }

    fn command(&self, _: &[u8], argument: &[u8], _: &Session) -> Result<Effect, Refusal> {
        if argument == b"red" {
            Ok(Effect::Ask)
        } else {
            Err(Self::WRONG)
        }
    }

    fn announced(&self, arguments: &[u8], peer: &mut Peer) {
        peer.terms.max_transactions = (arguments == b"red").then_some(2);
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        _: &mut Envelope,
    ) -> Result<(), &'static str> {
        if Self::is_known(parameter) {
            Ok(())
        } else {
            Err("there is no such colour")
        }
    }
}
