//! DELIVERBY (RFC 2852).

use scop_core::{Full, Sink};

use super::{Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::parameter::{self, ByMode, Parameter, ParameterError};
use crate::reply::Status;

/// `DELIVERBY [min-by-time]`: `MAIL BY=` says by when a message should be delivered.
#[derive(Clone, Copy, Debug)]
pub struct DeliverBy {
    /// The shortest time in seconds after which a message is returned; 0 announces none. At most nine
    /// digits of it are announced (RFC 2852).
    pub min: u32,
}

impl DeliverBy {
    const TOO_SOON: Refusal = Refusal::new(
        554,
        Status::new(5, 4, 7),
        "The time of BY is shorter than this server can keep",
    );

    /// Reads the arguments of the keyword: `[1*9DIGIT]` (RFC 2852 2).
    pub(crate) fn shortest(arguments: &[u8]) -> Result<Option<u32>, ParameterError> {
        if arguments.is_empty() {
            return Ok(None);
        }
        parameter::nine_digits(arguments).map(Some)
    }

    fn is_too_soon(by: parameter::DeliverBy, min: u32) -> bool {
        by.mode() == ByMode::Return && i64::from(by.seconds()) < i64::from(min)
    }
}

impl Extension for DeliverBy {
    fn keyword(&self) -> &'static str {
        "DELIVERBY"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["BY"]
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        match self.min {
            0 => Ok(()),
            min => sink.put_decimal(min.min(parameter::DeliverBy::MAX.unsigned_abs()).into()),
        }
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        _: &mut Envelope,
    ) -> Result<(), Refusal> {
        let by = value(parameter, parameter::DeliverBy::parse)?;
        if Self::is_too_soon(by, self.min) {
            return Err(Self::TOO_SOON);
        }
        Ok(())
    }

    fn announced(&self, arguments: &[u8], peer: &mut Peer) {
        peer.min_by_time = Self::shortest(arguments).ok().flatten().unwrap_or(0);
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        peer: &Peer,
        _: &mut Envelope,
    ) -> Result<(), &'static str> {
        let by = value(parameter, parameter::DeliverBy::parse)?;
        if Self::is_too_soon(by, peer.min_by_time) {
            return Err("the time of BY is shorter than the server can keep (RFC 2852)");
        }
        Ok(())
    }
}
