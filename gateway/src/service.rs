//! What both services have in common: configuration, log, figures, confinement, the order of starting and
//! stopping.

pub(crate) mod config;
pub(crate) mod metrics;
pub(crate) mod sandbox;

use tokio::sync::watch;

/// Says when the service is to stop: no new work then, and what was begun is finished.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// The other end says `true` when it is time.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is time, at once if it was before.
    pub(crate) async fn requested(&mut self) {
        // An end that went away is one that stops.
        let _ = self.0.wait_for(|&stop| stop).await;
    }
}
