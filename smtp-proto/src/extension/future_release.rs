//! FUTURERELEASE (RFC 4865).

use scop_core::{Emit, Full, ParseError, Sink};

use super::{Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::ehlo::Words;
use crate::parameter::{
    HoldFor, HoldUntil, Parameter, ParameterError, ParameterErrorKind, Timestamp,
};
use crate::reply::Status;

/// `FUTURERELEASE max-interval max-date-time`: `MAIL HOLDFOR=` or `HOLDUNTIL=` says when the message is to be
/// sent on. It is for submission (RFC 4865).
#[derive(Clone, Copy, Debug)]
pub struct FutureRelease<'a> {
    /// The longest HOLDFOR.
    pub max_interval: HoldFor,
    /// The latest HOLDUNTIL.
    pub max_time: Timestamp<'a>,
}

impl<'a> FutureRelease<'a> {
    /// Reads the arguments of the keyword: the longest interval and the latest time (RFC 4865 3).
    pub(crate) fn parse(arguments: &'a [u8]) -> Result<Self, ParameterError> {
        let mut words = Words::new(arguments);
        let max_interval = HoldFor::parse(words.next().unwrap_or_default())?;
        let max_time = Timestamp::parse(words.next().unwrap_or_default())?;
        if words.next().is_some() {
            return Err(ParseError::new(ParameterErrorKind::BadDateTime, 0));
        }
        Ok(Self {
            max_interval,
            max_time,
        })
    }
}

impl FutureRelease<'_> {
    const TOO_LONG: Refusal = Refusal::new(
        501,
        Status::new(5, 5, 4),
        "The message cannot be held for so long",
    );

    fn is_too_late(until: Timestamp<'_>, max: Timestamp<'_>) -> bool {
        until.time().unix_seconds() > max.time().unix_seconds()
    }
}

impl Extension for FutureRelease<'_> {
    fn keyword(&self) -> &'static str {
        "FUTURERELEASE"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["HOLDFOR", "HOLDUNTIL"]
    }

    fn emit_arguments(&self, _: &Session, mut sink: &mut dyn Sink) -> Result<(), Full> {
        sink.put_decimal(self.max_interval.seconds().into())?;
        sink.put_byte(b' ')?;
        self.max_time.emit(&mut sink)
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        envelope: &mut Envelope,
    ) -> Result<(), Refusal> {
        let too_long = if parameter.is("HOLDFOR") {
            value(parameter, HoldFor::parse)? > self.max_interval
        } else {
            Self::is_too_late(value(parameter, HoldUntil::parse)?.0, self.max_time)
        };
        // One of them at most (RFC 4865).
        if core::mem::replace(&mut envelope.held, true) {
            return Err(Refusal::BAD_ARGUMENT);
        }
        if too_long {
            Err(Self::TOO_LONG)
        } else {
            Ok(())
        }
    }

    fn announced(&self, arguments: &[u8], peer: &mut Peer) {
        // Malformed, it is announced without limits.
        let limits = FutureRelease::parse(arguments).ok();
        peer.max_hold = limits.map(|limits| limits.max_interval.seconds());
        peer.max_hold_until = limits.and_then(|limits| limits.max_time.to_unix());
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        peer: &Peer,
        envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        let too_long = if parameter.is("HOLDFOR") {
            let hold = value(parameter, HoldFor::parse)?;
            peer.max_hold.is_some_and(|max| hold.seconds() > max)
        } else {
            let until = value(parameter, HoldUntil::parse)?.0.to_unix();
            peer.max_hold_until.is_some_and(|max| until > Some(max))
        };
        if core::mem::replace(&mut envelope.held, true) {
            return Err("HOLDFOR and HOLDUNTIL exclude each other (RFC 4865)");
        }
        if too_long {
            return Err("the server does not hold a message for so long (RFC 4865)");
        }
        Ok(())
    }
}
