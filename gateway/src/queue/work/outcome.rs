//! What became of a recipient, noted and logged.

use scop_core::UnixTime;
use scop_smtp_proto::parameter::{Notify, Parameters};

use super::super::backoff::Next;
use super::super::state::{Fate, State};
use super::super::{Failure, Outcome, Outgoing, Transport};
use super::Work;
use crate::spool::{Entry, Id};
use crate::terminal::shown;

impl<T: Transport> Work<T> {
    /// Notes an outcome; whether there is now something that must not be forgotten.
    pub(super) fn apply(
        &self,
        outgoing: &Outgoing,
        state: &mut State,
        index: usize,
        outcome: Outcome,
        now: UnixTime,
        chance: u32,
    ) -> bool {
        let Entry { id, envelope, .. } = &outgoing.entry;
        let (Some(recipient), Some(fate)) =
            (envelope.to.get(index), state.recipients.get_mut(index))
        else {
            return false;
        };
        let notify = notify(&recipient.parameters);
        let to = shown(recipient.path.as_bytes());
        let figures = &self.options.figures.recipients;
        let tells = envelope.from != "<>" && self.bounces.is_some();
        let failure = match outcome {
            Outcome::Delivered {
                host,
                reply,
                reports,
            } => {
                tracing::info!(%id, to, host = shown(host.as_bytes()), reply = shown(reply.as_bytes()), "delivered");
                figures.add(["delivered"]);
                *fate = if tells
                    && !reports
                    && notify.is_some_and(|notify| notify.wants(Notify::SUCCESS))
                {
                    let at = now.0;
                    Fate::Relayed { host, reply, at }
                } else {
                    Fate::Done
                };
                return true;
            }
            Outcome::Failed(failure) => failure,
            Outcome::Deferred(failure) => {
                let attempts = match fate {
                    Fate::Pending { attempts, .. } => attempts.saturating_add(1),
                    _ => 1,
                };
                let next = self
                    .backoff
                    .next(attempts, envelope.arrived, now, state.warned, chance);
                if let Next::In(wait) = next {
                    log_failure(id, &to, &failure, Some(wait.as_secs().max(1)));
                    figures.add(["deferred"]);
                    *fate = Fate::Pending {
                        attempts,
                        next: now.0.saturating_add(wait.as_secs().max(1)),
                        failure: Some(failure),
                    };
                    return false;
                }
                Failure {
                    why: format!("{}; given up after {attempts} attempts", failure.why),
                    ..failure
                }
            }
        };
        log_failure(id, &to, &failure, None);
        figures.add(["failed"]);
        *fate = if envelope.from == "<>"
            || notify.is_none_or(|notify| notify.wants(Notify::FAILURE))
        {
            if tells {
                let attempted = now.0;
                Fate::Failed { failure, attempted }
            } else {
                tracing::error!(%id, to, "nobody can be told of the failure; the message is kept in `failed`");
                state.kept = true;
                Fate::Done
            }
        } else {
            tracing::info!(%id, to, "its sender does not want to be told of the failure");
            Fate::Done
        };
        true
    }
}

/// Of what the sender wants to be told; none when it did not say.
pub(in crate::queue) fn notify(parameters: &str) -> Option<Notify> {
    let parameters = Parameters::parse(parameters.as_bytes()).ok()?;
    let value = parameters.find("NOTIFY")?.value()?;
    Notify::parse(value).ok()
}

/// `next` is in seconds; none where there is no other attempt.
fn log_failure(id: &Id, to: &str, failure: &Failure, next: Option<u64>) {
    let said = |text: &Option<String>| text.as_ref().map(|text| shown(text.as_bytes()));
    let (host, reply) = (said(&failure.host), said(&failure.reply));
    let what = if next.is_some() { "deferred" } else { "failed" };
    let why = shown(failure.why.as_bytes());
    tracing::info!(%id, to, host, reply, status = failure.status, why, next, "{what}");
}
