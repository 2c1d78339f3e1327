//! RRVS (RFC 7293).

use super::{Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::parameter::{Parameter, ValidSince};

/// `RRVS`: `RCPT RRVS=` says since when the recipient should have had the same owner. The host judges that.
#[derive(Clone, Copy, Debug)]
pub struct Rrvs;

impl Extension for Rrvs {
    fn keyword(&self) -> &'static str {
        "RRVS"
    }

    fn rcpt_keywords(&self) -> &[&str] {
        &["RRVS"]
    }

    fn rcpt_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        _: &Envelope,
    ) -> Result<(), Refusal> {
        value(parameter, ValidSince::parse)?;
        Ok(())
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        _: &mut Envelope,
    ) -> Result<(), &'static str> {
        value(parameter, ValidSince::parse)?;
        Ok(())
    }
}
