//! Addresses that could not be reached a moment ago: a batch of messages does not wait for each of them again.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::queue::Failure;

/// Addresses that are remembered. When there are more, the rest is tried each time.
const ADDRESSES: usize = 4096;

/// Why each of them was not reached, and until when it is left alone. Nothing of it outlives the process.
#[derive(Debug)]
pub(super) struct Rest {
    time: Duration,
    known: Mutex<HashMap<SocketAddr, (Instant, Failure)>>,
}

impl Rest {
    pub(super) fn new(time: Duration) -> Self {
        Self {
            time,
            known: Mutex::default(),
        }
    }

    /// It was not reached.
    pub(super) fn note(&self, address: SocketAddr, failure: &Failure) {
        if self.time.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES {
            known.retain(|_, (until, _)| *until > now);
        }
        if known.len() < ADDRESSES {
            known.insert(address, (now + self.time, failure.clone()));
        }
    }

    /// Why it is left alone now.
    pub(super) fn of(&self, address: SocketAddr) -> Option<Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, failure) = known.get(&address)?;
        if *until > Instant::now() {
            return Some(failure.clone());
        }
        known.remove(&address);
        None
    }
}
