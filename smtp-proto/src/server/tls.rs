//! STARTTLS (RFC 3207).

use core::fmt;

use scop_core::Instant;

use super::{Discarded, End, Server, State};
use crate::reply::Status;

/// Why TLS cannot have started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// The machine did not ask for it, or 220 is not sent yet. Nothing has changed.
    NotAsked,
    /// Octets in the clear were received behind STARTTLS: the connection is done.
    Surplus,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "TLS starts when the machine asks for it",
            Self::Surplus => "octets in the clear stood behind STARTTLS (RFC 3207 4.2)",
        })
    }
}

impl core::error::Error for TlsError {}

impl Server<'_> {
    /// TLS is negotiated, as [`Step::StartTls`](super::Step::StartTls) asked. `surplus` is what was received in
    /// the clear and not handed in: there must be none. All that the client said before is forgotten.
    ///
    /// # Errors
    /// When it was not asked for, or there is a surplus.
    pub fn tls_started(&mut self, surplus: &[u8], now: Instant) -> Result<(), TlsError> {
        if self.state != State::Tls || !self.output.is_empty() {
            return Err(TlsError::NotAsked);
        }
        if !surplus.is_empty() {
            self.close(End::PlaintextBehindStartTls);
            return Err(TlsError::Surplus);
        }
        self.restart();
        self.session.secure = true;
        self.state = State::Command;
        self.counts.idle_commands = 0;
        self.unread = false;
        self.clock.is_stale = true;
        self.refresh(now);
        Ok(())
    }

    /// 220; what comes from now on is an error until TLS is there.
    pub(super) fn start_tls(&mut self) {
        self.write(220, Some(Status::new(2, 0, 0)), &["Ready to start TLS"]);
        self.drop_content(Discarded::Reset);
        self.end_transaction();
        self.state = State::Tls;
        self.flush = true;
    }
}
