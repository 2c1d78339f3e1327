//! XCLIENT and XFORWARD, as Postfix documents them (`XCLIENT_README`, `XFORWARD_README`).
//!
//! A proxy in front of a server says whom it speaks for. Offer them to proxies that you trust and to nobody
//! else: the list of extensions is one per connection.

use scop_core::{Cursor, Full, Sink};

use super::{Effect, Extension, Refusal, Session};
use crate::parameter::Xtext;

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

/// Reads the argument of XCLIENT or XFORWARD.
///
/// ```text
/// xclient-command = "XCLIENT" 1*( SP attribute-name "=" attribute-value )
/// attribute-value = xtext                                   ; "[UNAVAILABLE]" and "[TEMPUNAVAIL]" say that there is none
/// ```
///
/// ```
/// use scop_smtp_proto::extension::Attributes;
/// let mut attributes = Attributes::new(b"ADDR=192.0.2.1 NAME=[UNAVAILABLE]");
/// let (name, value) = attributes.next().unwrap().unwrap();
/// assert!(name == b"ADDR" && value.octets().eq(*b"192.0.2.1"));
/// ```
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Attributes<'a> {
    /// At the first.
    pub const fn new(argument: &'a [u8]) -> Self {
        let cursor = Cursor::new(argument);
        Self { cursor }
    }
}

/// Each with its value; `Err` for what is none, and nothing after that.
impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(&'a [u8], Xtext<'a>), Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_at_end() {
            return None;
        }
        let name = self
            .cursor
            .take_while(|octet| octet.is_ascii_alphanumeric());
        let has_value = !name.is_empty() && self.cursor.skip_byte(b'=');
        let value = self.cursor.take_while(|octet| octet != b' ');
        let is_followed = self.cursor.skip_byte(b' ') && !self.cursor.is_at_end();
        match Xtext::parse(value) {
            Ok(text)
                if has_value && !value.is_empty() && (is_followed || self.cursor.is_at_end()) =>
            {
                Some(Ok((name, text)))
            }
            _ => {
                self.cursor.seek(usize::MAX);
                Some(Err(Refusal::BAD_ARGUMENT))
            }
        }
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
    if argument.is_empty() {
        return Err(Refusal::BAD_ARGUMENT);
    }
    for attribute in Attributes::new(argument) {
        let (name, _) = attribute?;
        if !(offered.iter()).any(|offered| name.eq_ignore_ascii_case(offered.as_bytes())) {
            return Err(Refusal::BAD_ARGUMENT);
        }
    }
    Ok(())
}
