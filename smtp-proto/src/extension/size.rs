//! SIZE (RFC 1870).

use scop_core::{Full, Sink};

use super::{Extension, Peer, Refusal, Session, Terms, value};
use crate::Envelope;
use crate::parameter::{self, Parameter, ParameterError};
use crate::reply::Status;

/// `SIZE limit`: the largest message that is taken, in octets; 0 announces no limit (RFC 1870 4).
///
/// Server: `MAIL SIZE=n` above the limit is refused with 552 (RFC 1870 6.1), and so is a message that turns
/// out to be longer; where [`Limits::message_octets`](crate::server::Limits::message_octets) is smaller, that
/// holds for both. Client: a SIZE above the limit of the server is not sent.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub u64);

impl Size {
    const TOO_LARGE: Refusal = Refusal::new(
        552,
        Status::new(5, 3, 4),
        "Message size exceeds fixed maximum message size",
    );

    /// Reads the arguments of the keyword: `[1*20DIGIT]` (RFC 1870 3 and 5).
    pub(crate) fn largest(arguments: &[u8]) -> Result<Option<u64>, ParameterError> {
        if arguments.is_empty() {
            return Ok(None);
        }
        parameter::Size::parse(arguments).map(|size| Some(size.0))
    }
}

impl Extension for Size {
    fn keyword(&self) -> &'static str {
        "SIZE"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["SIZE"]
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        sink.put_decimal(self.0)
    }

    fn offered(&self, terms: &mut Terms) {
        terms.max_size = (self.0 > 0).then_some(self.0);
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        envelope: &mut Envelope,
    ) -> Result<(), Refusal> {
        let size = value(parameter, parameter::Size::parse)?.0;
        if self.0 > 0 && size > self.0 {
            return Err(Self::TOO_LARGE);
        }
        envelope.size = Some(size);
        Ok(())
    }

    fn announced(&self, arguments: &[u8], peer: &mut Peer) {
        // Without a number, and with 0, it is not told whether there is a limit (RFC 1870 4).
        let limit = Self::largest(arguments).ok().flatten();
        peer.terms.max_size = limit.filter(|&limit| limit > 0);
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        peer: &Peer,
        envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        let size = value(parameter, parameter::Size::parse)?.0;
        if peer.terms.max_size.is_some_and(|limit| size > limit) {
            return Err("the message is larger than the server takes (RFC 1870 6.1)");
        }
        envelope.size = Some(size);
        Ok(())
    }
}
