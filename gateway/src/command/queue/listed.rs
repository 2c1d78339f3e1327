//! A message of a queue, as it is shown.

use std::collections::HashMap;
use std::io;

use serde::Serialize;

use crate::message::reason;
use crate::queue::{Failure, Fate, State};
use crate::spool::{Entry, Id, Looked, Request, Spool};

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Queue,
    Failed,
}

/// A message, with its fields in the order of the JSON.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) place: Place,
    /// Seconds since 1970.
    pub(super) arrived: u64,
    pub(super) octets: u64,
    pub(super) from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) parameters: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) client: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) helo: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user: String,
    /// What an operator asked and was not done yet: `try`, `remove`, `notify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<&'static str>,
    /// Why its file, or what is known of it, cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    /// Of the envelope.
    pub(super) count: usize,
    pub(super) recipients: Vec<Recipient>,
}

/// What was asked of a spool and not done yet.
#[derive(Debug, Default)]
pub(super) struct Asked {
    all: Option<&'static str>,
    each: HashMap<String, &'static str>,
}

/// One recipient.
#[derive(Debug, Serialize)]
pub(super) struct Recipient {
    pub(super) to: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) parameters: String,
    pub(super) is: Is,
    pub(super) attempts: u32,
    /// Seconds since 1970; 0 for at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<u64>,
    #[serde(flatten)]
    pub(super) last: Option<Last>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Is {
    /// It is tried again.
    Waiting,
    /// It has it, and the sender is to be told.
    Relayed,
    /// It will not get it, and the sender is to be told.
    Failed,
    /// Nothing is left to be done.
    Done,
}

/// The last attempt.
#[derive(Debug, Serialize)]
pub(super) struct Last {
    pub(super) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<String>,
    pub(super) why: String,
}

impl Place {
    pub(super) fn names(self, spool: &Spool) -> io::Result<Vec<Id>> {
        match self {
            Self::Queue => spool.list(),
            Self::Failed => spool.list_failed(),
        }
    }
}

impl Listed {
    /// None where it is not there any more. One that cannot be read does not hide the others.
    pub(super) fn read(spool: &Spool, place: Place, id: &Id) -> Option<(Self, Option<Entry>)> {
        let looked = match place {
            Place::Queue => spool.look(id),
            Place::Failed => spool.look_failed(id),
        };
        let Looked { entry, state } = match looked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => Looked {
                entry: Err(format!("it cannot be read: {}", reason(&error))),
                state: None,
            },
            Ok(looked) => looked,
        };
        let mut listed = Self {
            id: id.as_str().to_owned(),
            place,
            arrived: id.time().0,
            octets: 0,
            from: String::new(),
            parameters: String::new(),
            client: String::new(),
            helo: String::new(),
            user: String::new(),
            asked: None,
            problem: None,
            count: 0,
            recipients: Vec::new(),
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(rule) => {
                listed.problem = Some(rule);
                return Some((listed, None));
            }
        };
        let envelope = &entry.envelope;
        let state = match state.map(|text| State::parse(&text, envelope)) {
            Some(Ok(state)) => state,
            None => State::new(envelope),
            Some(Err(rule)) => {
                listed.problem = Some(format!("its state is broken: {rule}"));
                State::new(envelope)
            }
        };
        listed.arrived = envelope.arrived.0;
        listed.octets = entry.octets;
        listed.from.clone_from(&envelope.from);
        listed.parameters.clone_from(&envelope.parameters);
        listed.client.clone_from(&envelope.client);
        listed.helo.clone_from(&envelope.helo);
        listed.user.clone_from(&envelope.user);
        listed.count = envelope.to.len();
        let pairs = envelope.to.iter().zip(state.recipients);
        let recipients = pairs.map(|(to, fate)| Recipient::new(&to.path, &to.parameters, fate));
        listed.recipients = recipients.collect();
        Some((listed, Some(entry)))
    }

    /// Recipients that are not done.
    pub(super) fn owed(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(|it| it.is != Is::Done)
    }

    pub(super) fn retain_owed(&mut self) {
        self.recipients.retain(|it| it.is != Is::Done);
    }

    /// What was asked of it.
    pub(super) fn note(&mut self, asked: &Asked) {
        let of_all = asked.all.filter(|_| self.place == Place::Queue);
        self.asked = asked.each.get(&self.id).copied().or(of_all);
    }
}

impl Asked {
    pub(super) fn new(requests: Vec<Request>) -> Self {
        let mut asked = Self::default();
        for request in requests {
            let (id, what) = match request {
                Request::Try(None) => {
                    asked.all = Some("try");
                    continue;
                }
                Request::Try(Some(id)) => (id, "try"),
                Request::Remove { id, tells: true } => (id, "notify"),
                Request::Remove { id, tells: false } => (id, "remove"),
            };
            let known = asked.each.entry(id.as_str().to_owned()).or_insert(what);
            // It is not tried any more.
            if *known == "try" {
                *known = what;
            }
        }
        asked
    }
}

impl Recipient {
    fn new(path: &str, parameters: &str, fate: Fate) -> Self {
        let mut recipient = Self {
            to: path.to_owned(),
            parameters: parameters.to_owned(),
            is: Is::Done,
            attempts: 0,
            next: None,
            last: None,
        };
        match fate {
            Fate::Pending {
                attempts,
                next,
                failure,
            } => {
                recipient.is = Is::Waiting;
                recipient.attempts = attempts;
                recipient.next = Some(next);
                recipient.last = failure.map(Last::from);
            }
            Fate::Relayed { .. } => recipient.is = Is::Relayed,
            Fate::Failed { failure, .. } => {
                recipient.is = Is::Failed;
                recipient.last = Some(failure.into());
            }
            Fate::Done => {}
        }
        recipient
    }
}

impl From<Failure> for Last {
    fn from(failure: Failure) -> Self {
        let Failure {
            status,
            host,
            reply,
            why,
        } = failure;
        Self {
            status,
            host,
            reply,
            why,
        }
    }
}
