//! A message that an operator ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use scop_smtp_proto::parameter::Notify;
use tokio::time::sleep;

use super::super::state::{Fate, State};
use super::super::{Failure, Outgoing, Transport};
use super::Work;
use super::disk::blocking;
use super::outcome::notify;
use crate::message::reason;
use crate::spool::{Entry, Id};
use crate::terminal::shown;

/// What could not be done is done again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// What an operator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) id: Id,
    /// The sender is told that it failed for those who were still to get it.
    pub(crate) tells: bool,
}

impl<T: Transport> Work<T> {
    /// Ends a message of which no job is under way. The request stays until that is done, so that a process which
    /// is killed does it when it starts again; false when it is to be done again.
    pub(crate) async fn remove(&self, removal: &Removal) -> bool {
        let id = &removal.id;
        let result = match self.end_now(removal).await {
            Err(error) if is_absent(&error) && removal.tells => {
                // It may be in `failed`, to be looked at.
                tracing::info!(%id, "to be removed, and not in the queue any more");
                Ok(true)
            }
            // Who may put messages in may put in one that cannot be read.
            Err(error)
                if !removal.tells
                    && (is_absent(&error) || error.kind() == io::ErrorKind::PermissionDenied) =>
            {
                self.remove_unread(id).await
            }
            result => result,
        };
        let (spool, name) = (self.spool.clone(), id.clone());
        let done = match result {
            Ok(true) => blocking(move || spool.removed(&name)).await.map(|()| true),
            result => result,
        };
        let is_done = done.unwrap_or_else(|error| {
            tracing::error!(%id, error = reason(&error), "it cannot be removed yet; soon again");
            false
        });
        if !is_done {
            sleep(AGAIN).await;
        }
        is_done
    }

    async fn end_now(&self, Removal { id, tells }: &Removal) -> io::Result<bool> {
        let (entry, mut state) = self.read(id).await?;
        // Nothing is sent, so it is not signed.
        let outgoing = Arc::new(Outgoing {
            entry,
            prefix: Vec::new(),
        });
        // What an earlier process did not come to tell is told first, as before a job.
        if state.is_to_be_reported() && !self.tell(&outgoing, &mut state, None).await {
            return Ok(false);
        }
        self.give_up(&outgoing, &mut state, *tells);
        let now = self.options.clock.now();
        if !self.tell(&outgoing, &mut state, Some(now)).await {
            return Ok(false);
        }
        self.end(id, state.kept && *tells).await;
        Ok(true)
    }

    /// Nobody is tried any more.
    fn give_up(&self, outgoing: &Outgoing, state: &mut State, tells: bool) {
        let Entry { id, envelope, .. } = &outgoing.entry;
        let tells = tells && envelope.from != "<>" && self.bounces.is_some();
        for (recipient, fate) in envelope.to.iter().zip(&mut state.recipients) {
            let Fate::Pending { failure, .. } = fate else {
                continue;
            };
            let last = failure.take();
            let to = shown(recipient.path.as_bytes());
            let wants =
                notify(&recipient.parameters).is_none_or(|notify| notify.wants(Notify::FAILURE));
            let is_told = tells && wants;
            tracing::info!(%id, to, told = is_told, "removed, as asked");
            self.options.figures.recipients.add(["removed"]);
            *fate = if is_told {
                Fate::Failed {
                    failure: ended(last),
                    attempted: 0,
                }
            } else {
                Fate::Done
            };
        }
    }

    /// Whatever there is of that name, also what cannot be read and what was given up before.
    async fn remove_unread(&self, id: &Id) -> io::Result<bool> {
        let (spool, name) = (self.spool.clone(), id.clone());
        let remove = move || {
            spool.remove(&name)?;
            spool.remove_failed(&name)
        };
        if blocking(remove).await? {
            tracing::info!(%id, "removed from `failed`, as asked");
        } else {
            tracing::info!(%id, "to be removed, and nothing of it is left");
        }
        Ok(true)
    }
}

/// With what was said at the last attempt.
fn ended(last: Option<Failure>) -> Failure {
    const WHY: &str = "the operator of this mail system ended it";
    let (host, reply, why) = match last {
        None => (None, None, WHY.to_owned()),
        Some(last) => {
            let why = format!("{WHY}; at the last attempt: {}", last.why);
            (last.host, last.reply, why)
        }
    };
    Failure {
        // Another fault of the mail system (RFC 3463 3.4): no more is to be said of it.
        status: "5.3.0".to_owned(),
        host,
        reply,
        why,
    }
}

/// Also one that was none of a spool, and is in `failed` now.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidData
    )
}
