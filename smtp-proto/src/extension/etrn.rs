//! ETRN (RFC 1985).

use super::{Effect, Extension, Refusal, Session};
use crate::command;

/// `ETRN`: the client asks that the queue for a host be sent to it. The host of the server decides.
#[derive(Clone, Copy, Debug)]
pub struct Etrn;

impl Extension for Etrn {
    fn keyword(&self) -> &'static str {
        "ETRN"
    }

    fn verbs(&self) -> &[&str] {
        &["ETRN"]
    }

    fn command(&self, _: &[u8], argument: &[u8], session: &Session) -> Result<Effect, Refusal> {
        command::Etrn::parse(argument).map_err(|error| error.kind().refusal())?;
        if session.in_transaction {
            return Err(Refusal::OUT_OF_ORDER);
        }
        Ok(Effect::Ask)
    }
}
