//! XCLIENT and XFORWARD, as Postfix documents them (`XCLIENT_README`, `XFORWARD_README`).
//!
//! A proxy in front of a server says whom it speaks for. Offer them to proxies that you trust and to nobody
//! else: the list of extensions is one per connection.

use scop_core::{Full, Sink};

use super::{Effect, Extension, Refusal, Session};
use crate::command::{Attribute, Attributes};

/// `XCLIENT NAME ADDR PORT ...`: the session goes on as that of the client which is told of, from the
/// greeting on, when the host consents.
#[derive(Clone, Copy, Debug)]
pub struct XClient<'a> {
    /// The attributes that are taken, such as `NAME`, `ADDR`, `PORT`, `PROTO`, `HELO`, `LOGIN`, `DESTADDR`.
    pub attributes: &'a [&'a str],
}

/// `XFORWARD NAME ADDR PORT ...`: the client which is told of is for the log; the session goes on.
#[derive(Clone, Copy, Debug)]
pub struct XForward<'a> {
    /// The attributes that are taken, such as `NAME`, `ADDR`, `PORT`, `PROTO`, `HELO`, `IDENT`, `SOURCE`.
    pub attributes: &'a [&'a str],
}

impl Extension for XClient<'_> {
    fn keyword(&self) -> &'static str {
        "XCLIENT"
    }

    fn verbs(&self) -> &[&str] {
        &["XCLIENT"]
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        emit(self.attributes, sink)
    }

    fn command(&self, _: &[u8], argument: &[u8], session: &Session) -> Result<Effect, Refusal> {
        judge(self.attributes, argument, session)?;
        Ok(Effect::AskAndRestart)
    }
}

impl Extension for XForward<'_> {
    fn keyword(&self) -> &'static str {
        "XFORWARD"
    }

    fn verbs(&self) -> &[&str] {
        &["XFORWARD"]
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        emit(self.attributes, sink)
    }

    fn command(&self, _: &[u8], argument: &[u8], session: &Session) -> Result<Effect, Refusal> {
        judge(self.attributes, argument, session)?;
        Ok(Effect::Ask)
    }
}

fn emit(attributes: &[&str], sink: &mut dyn Sink) -> Result<(), Full> {
    for (index, name) in attributes.iter().enumerate() {
        if index > 0 {
            sink.put_byte(b' ')?;
        }
        sink.put(name.as_bytes())?;
    }
    Ok(())
}

/// They come between transactions only, and with attributes that were announced.
fn judge(offered: &[&str], argument: &[u8], session: &Session) -> Result<(), Refusal> {
    if session.in_transaction {
        return Err(Refusal::OUT_OF_ORDER);
    }
    let attributes = Attributes::parse(argument).map_err(|error| error.kind().refusal())?;
    let is_offered = |attribute: Attribute<'_>| offered.iter().any(|name| attribute.is(name));
    if attributes.iter().all(is_offered) {
        Ok(())
    } else {
        Err(Refusal::BAD_ARGUMENT)
    }
}
