//! The sender of a message is told, when something is new.

use std::io;
use std::sync::Arc;

use scop_core::UnixTime;

use super::super::state::{Fate, State};
use super::super::{Outgoing, Transport, dsn};
use super::Work;
use super::disk::blocking;
use crate::message::reason;
use crate::spool::Entry;
use crate::terminal::shown;

impl<T: Transport> Work<T> {
    /// Tells the sender what is to be told, and with `late` also that it takes longer, if it does by then; false when
    /// that could not be done.
    pub(super) async fn tell(
        &self,
        outgoing: &Arc<Outgoing>,
        state: &mut State,
        late: Option<UnixTime>,
    ) -> bool {
        let Entry { id, envelope, .. } = &outgoing.entry;
        let is_pending = |fate: &Fate| {
            matches!(
                fate,
                Fate::Pending {
                    failure: Some(_),
                    ..
                }
            )
        };
        let is_late = !state.warned
            && late.is_some_and(|now| self.backoff.is_late(envelope.arrived, now))
            && state.recipients.iter().any(is_pending);
        if !is_late && !state.is_to_be_reported() {
            return true;
        }
        match self.commit(outgoing, state, is_late).await {
            Ok(Some(made)) => {
                state.reports = state.reports.wrapping_add(1);
                for kind in made.kinds {
                    self.options.figures.notifications.add([kind]);
                }
                let to = shown(envelope.from.as_bytes());
                tracing::info!(%id, notification = %made.id, to, "its sender is told");
            }
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                tracing::error!(%id, error = reason(&error), "its sender cannot be told; the message is kept in `failed`");
                state.kept = true;
            }
            Err(error) => {
                tracing::error!(%id, error = reason(&error), "its sender cannot be told yet; later again");
                return false;
            }
        }
        for fate in &mut state.recipients {
            if matches!(fate, Fate::Relayed { .. } | Fate::Failed { .. }) {
                *fate = Fate::Done;
            }
        }
        state.warned |= is_late;
        if !state.is_over() {
            self.keep(id, state, true).await;
        }
        true
    }

    /// Writes a notification; none when nobody wants to know.
    async fn commit(
        &self,
        outgoing: &Arc<Outgoing>,
        state: &State,
        is_late: bool,
    ) -> io::Result<Option<dsn::Made>> {
        let envelope = &outgoing.entry.envelope;
        let Some(bounces) = self.bounces.clone().filter(|_| envelope.from != "<>") else {
            if state.is_to_be_reported() {
                let rule = "there is nowhere to put notifications any more";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, rule));
            }
            return Ok(None);
        };
        let report = dsn::Report {
            name: self.options.name.clone(),
            number: state.reports,
            is_late,
            now: self.options.clock.now(),
            end: self.backoff.end(envelope.arrived),
        };
        let (outgoing, told) = (Arc::clone(outgoing), state.clone());
        blocking(move || dsn::commit(&bounces, &outgoing.entry, &told, &report)).await
    }
}
