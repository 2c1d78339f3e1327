//! The way to the next server where it is always the same one.

#[cfg(test)]
use std::net::SocketAddr;

#[cfg(test)]
use scop_smtp_proto::client::TlsPolicy;

#[cfg(test)]
use super::Settings;
use super::{Pool, Target};
#[cfg(test)]
use crate::error::Error;
use crate::queue::{Outcome, Outgoing, Transport};

/// One address for everything.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    pool: Pool,
    target: Target,
}

impl Fixed {
    pub(crate) const fn new(pool: Pool, target: Target) -> Self {
        Self { pool, target }
    }

    /// An SMTP server. With a name its certificate must be good for it, and TLS is required; without, TLS is used
    /// where the server has it.
    #[cfg(test)]
    pub(crate) fn smtp(
        settings: Settings,
        address: SocketAddr,
        host: Option<&str>,
        implicit_tls: bool,
    ) -> Result<Self, Error> {
        let target = Target {
            host: host.unwrap_or_default().to_owned(),
            address,
            lmtp: false,
            implicit_tls,
            tls: TlsPolicy::Opportunistic,
            names: host.map(str::to_owned).into_iter().collect(),
        };
        Ok(Self::new(Pool::new(settings)?, target))
    }

    /// An LMTP server near by, which is spoken to in the clear where it has no TLS.
    #[cfg(test)]
    pub(crate) fn lmtp(settings: Settings, address: SocketAddr) -> Result<Self, Error> {
        let target = Target {
            host: String::new(),
            address,
            lmtp: true,
            implicit_tls: false,
            tls: TlsPolicy::Opportunistic,
            names: Vec::new(),
        };
        Ok(Self::new(Pool::new(settings)?, target))
    }

    /// Ends the connections that wait for messages.
    #[cfg(test)]
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Transport for Fixed {
    async fn deliver(&self, message: &Outgoing, _: &str, recipients: &[usize]) -> Vec<Outcome> {
        let delivery = self.pool.deliver(&self.target, message, recipients).await;
        match delivery.outcomes {
            Ok(outcomes) => outcomes,
            // There is no other server: what this one lacks for the message it lacks tomorrow, and all else may
            // be better then.
            Err(failure) if failure.status == "5.7.30" => {
                vec![Outcome::Failed(failure); recipients.len()]
            }
            Err(mut failure) => {
                if let Some(rest) = failure.status.strip_prefix('5') {
                    failure.status = format!("4{rest}");
                }
                vec![Outcome::Deferred(failure); recipients.len()]
            }
        }
    }
}
