//! Addresses that could not be reached a moment ago: a batch of messages does not wait for each of them again.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{BUSY, Delivery, TlsResult};
use crate::queue::Failure;

/// Addresses that are remembered. When there are more, the rest is tried each time.
const ADDRESSES: usize = 4096;

/// Why each of them was not reached, and until when it is left alone. Nothing of it outlives the process.
#[derive(Debug)]
pub(crate) struct Rest {
    time: Duration,
    known: Mutex<HashMap<SocketAddr, (Instant, Failure)>>,
    /// One more address is known.
    noted: Notify,
}

impl Rest {
    /// Each is left alone for this time; with none, nothing is remembered.
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            time,
            known: Mutex::default(),
            noted: Notify::new(),
        }
    }

    /// A delivery has ended: whether the address was reached.
    pub(crate) fn learn(&self, address: SocketAddr, delivery: &Delivery) {
        let Err(failure) = &delivery.outcomes else {
            return;
        };
        // A server that said something is there, and one for which there was no turn may be.
        if failure.reply.is_some() || delivery.tls != TlsResult::None || failure.status == BUSY {
            return;
        }
        if self.time.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut known = self.known();
        if known.len() >= ADDRESSES {
            known.retain(|_, (until, _)| *until > now);
        }
        if known.len() < ADDRESSES {
            known.insert(address, (now + self.time, failure.clone()));
            self.noted.notify_waiters();
        }
    }

    /// Why it is left alone now.
    pub(crate) fn of(&self, address: SocketAddr) -> Option<Failure> {
        let mut known = self.known();
        let (until, failure) = known.get(&address)?;
        if *until > Instant::now() {
            return Some(failure.clone());
        }
        known.remove(&address);
        None
    }

    /// Waits until it is left alone, and says why.
    pub(crate) async fn begins(&self, address: SocketAddr) -> Failure {
        loop {
            let noted = self.noted.notified();
            tokio::pin!(noted);
            // From here on nothing is missed.
            noted.as_mut().enable();
            if let Some(failure) = self.of(address) {
                return failure;
            }
            noted.await;
        }
    }

    /// All are tried again.
    pub(crate) fn end(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SocketAddr, (Instant, Failure)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
