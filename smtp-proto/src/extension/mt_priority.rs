//! MT-PRIORITY (RFC 6710).

use scop_core::{Full, Sink};

use super::{Extension, Peer, Refusal, Session, value};
use crate::Envelope;
use crate::parameter::{Parameter, Priority};

/// `MT-PRIORITY [profile]`: `MAIL MT-PRIORITY=` says how urgent a message is, from -9 to 9.
#[derive(Clone, Copy, Debug)]
pub struct MtPriority<'a> {
    /// The name of the profile of priorities that the server keeps (RFC 6710); empty announces none.
    pub profile: &'a str,
}

impl Extension for MtPriority<'_> {
    fn keyword(&self) -> &'static str {
        "MT-PRIORITY"
    }

    fn mail_keywords(&self) -> &[&str] {
        &["MT-PRIORITY"]
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        sink.put(self.profile.as_bytes())
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        _: &Session,
        _: &mut Envelope,
    ) -> Result<(), Refusal> {
        value(parameter, Priority::parse)?;
        Ok(())
    }

    fn can_send(
        &self,
        parameter: Parameter<'_>,
        _: &Peer,
        _: &mut Envelope,
    ) -> Result<(), &'static str> {
        value(parameter, Priority::parse)?;
        Ok(())
    }
}
