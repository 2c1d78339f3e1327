//! The way to the next server where it is always the same one.

use super::{Pool, Target};
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
            // There is no other server, and who demanded TLS is told at once that this one lacks it (RFC 8689
            // 4.2.1). All else may be better tomorrow.
            Err(failure) if matches!(failure.status.as_str(), "5.7.10" | "5.7.30") => {
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
