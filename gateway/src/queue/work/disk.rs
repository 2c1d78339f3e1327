//! What is known of a message, on disk.

use std::io;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::super::Transport;
use super::super::state::State;
use super::Work;
use crate::message::reason;
use crate::spool::{Id, Spool};

/// After a failed write, the next one; each further wait is twice as long.
const WRITE_AGAIN: Duration = Duration::from_secs(1);
const WRITE_AGAIN_LONGEST: Duration = Duration::from_secs(60);

impl<T: Transport> Work<T> {
    /// Writes the state. What must not be forgotten is tried until it is written: a recipient that has the message
    /// would get it again.
    pub(super) async fn keep(&self, id: &Id, state: &State, must: bool) {
        let text = state.to_bytes();
        self.until_done(id, "its state cannot be written", must, move |spool, id| {
            spool.set_state(id, &text)
        })
        .await;
    }

    /// It is over.
    pub(super) async fn end(&self, id: &Id, is_kept: bool) {
        if is_kept {
            self.until_done(id, "it cannot be moved to `failed`", true, Spool::fail)
                .await;
        } else {
            self.until_done(id, "it cannot be removed", true, Spool::remove)
                .await;
        }
        tracing::debug!(%id, "over");
    }

    async fn until_done(
        &self,
        id: &Id,
        what: &str,
        must: bool,
        step: impl Fn(&Spool, &Id) -> io::Result<()> + Clone + Send + 'static,
    ) {
        let mut wait = WRITE_AGAIN;
        loop {
            let (spool, name, step) = (self.spool.clone(), id.clone(), step.clone());
            let Err(error) = blocking(move || step(&spool, &name)).await else {
                return;
            };
            tracing::error!(%id, error = reason(&error), "{what}");
            // What is not there, or is never taken, is not there or taken later either.
            let is_final = matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
            );
            if !must || is_final {
                return;
            }
            sleep(wait).await;
            wait = wait.saturating_mul(2).min(WRITE_AGAIN_LONGEST);
        }
    }
}

/// Work on files, where it may wait. Tests do it in place, so that [`crate::spool::fault`] can stop it at each step.
pub(in crate::queue) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> io::Result<R> {
    if cfg!(test) {
        return work();
    }
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::Error::other("the work on a file was broken off")))
}
