//! What a queue knows of a message, as it is kept beside it: what became of each recipient, and what its sender
//! was told.
//!
//! JSON with a version, read strictly: an unknown key, another version or another number of recipients is an error.
//! The caller then begins anew with all recipients, because a message that is delivered twice is a nuisance, and one
//! that is not delivered is lost.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::spool::Envelope;

/// The form of the file.
const VERSION: u32 = 1;

/// Octets of a file; a spool takes twice as many. Servers may say much of a message with thousands of recipients, and
/// who has it must not be forgotten for that.
const LONG: usize = 8 << 20;

/// Octets that are kept of a text where a state is too long. Of [`crate::spool::MAX_RECIPIENTS`] recipients there is
/// room for it then, even where each octet takes six in JSON.
const BRIEF: usize = 100;

/// The same of a status, `5.999.999`.
const STATUS: usize = 9;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    version: u32,
    /// Notifications that were made; their names are counted, so that none is made twice.
    pub(crate) reports: u32,
    /// The sender was told that it takes longer.
    pub(crate) warned: bool,
    /// A recipient has failed, and nobody could be told: the message is kept when it is over.
    pub(crate) kept: bool,
    /// In the order of the envelope.
    pub(crate) recipients: Vec<Fate>,
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "is")]
pub(crate) enum Fate {
    /// Neither delivered nor failed.
    Pending {
        attempts: u32,
        /// Seconds since 1970 of the next attempt; 0 for at once.
        next: u64,
        /// Why the last attempt came to nothing.
        failure: Option<Failure>,
    },
    /// The next server has it, and the sender is yet to be told so.
    Relayed {
        host: String,
        reply: String,
        at: u64,
    },
    /// It has failed, and the sender is yet to be told so; `attempted` is when it was tried last, 0 where an operator
    /// ended it.
    Failed { failure: Failure, attempted: u64 },
    /// Nothing is left to be done.
    Done,
}

impl State {
    /// Of a message that was not tried yet.
    pub(crate) fn new(envelope: &Envelope) -> Self {
        let pending = Fate::Pending {
            attempts: 0,
            next: 0,
            failure: None,
        };
        Self {
            version: VERSION,
            reports: 0,
            warned: false,
            kept: false,
            recipients: vec![pending; envelope.to.len()],
        }
    }

    /// Reads the state of the message with this envelope.
    pub(crate) fn parse(text: &[u8], envelope: &Envelope) -> Result<Self, String> {
        let state: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if state.version != VERSION {
            return Err(format!(
                "version {VERSION} is needed, and it is {}",
                state.version
            ));
        }
        let (has, needs) = (state.recipients.len(), envelope.to.len());
        if has != needs {
            return Err(format!(
                "it is of {has} recipients, and the message has {needs}"
            ));
        }
        Ok(state)
    }

    /// For the file. Where it is longer than [`LONG`], without what other servers said, and each reason is cut.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Numbers, texts and lists: there is nothing that JSON could not say.
        let octets = serde_json::to_vec(self).unwrap_or_default();
        if octets.len() <= LONG {
            return octets;
        }
        let mut brief = self.clone();
        for fate in &mut brief.recipients {
            match fate {
                Fate::Pending { failure, .. } => *failure = None,
                Fate::Failed { failure, .. } => {
                    failure.reply = None;
                    failure.host = None;
                    cut(&mut failure.why, BRIEF);
                    cut(&mut failure.status, STATUS);
                }
                Fate::Relayed { host, reply, .. } => {
                    host.clear();
                    cut(reply, BRIEF);
                }
                Fate::Done => {}
            }
        }
        serde_json::to_vec(&brief).unwrap_or_default()
    }

    /// Whether nobody is left to be tried or to be told of.
    pub(crate) fn is_over(&self) -> bool {
        self.recipients.iter().all(|fate| *fate == Fate::Done)
    }

    /// Whether the sender is yet to be told of a recipient.
    pub(crate) fn is_to_be_reported(&self) -> bool {
        let is_open = |fate: &Fate| matches!(fate, Fate::Relayed { .. } | Fate::Failed { .. });
        self.recipients.iter().any(is_open)
    }
}

/// At most so many octets.
fn cut(text: &mut String, octets: usize) {
    let mut end = octets.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{MAX_RECIPIENTS, MAX_STATE, Recipient};
    use scop_core::UnixTime;

    fn envelope(recipients: usize) -> Envelope {
        let recipient = Recipient {
            path: "<ann@example.org>".to_owned(),
            parameters: String::new(),
        };
        Envelope {
            arrived: UnixTime(1_800_000_000),
            from: "<joe@example.net>".to_owned(),
            to: vec![recipient; recipients],
            ..Envelope::default()
        }
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let mut state = State::new(&envelope(4));
        let failure = Failure {
            status: "4.2.0".to_owned(),
            host: Some("mx.example.org".to_owned()),
            reply: Some("450 4.2.0 \"later\"\u{e9}".to_owned()),
            why: "the server said so".to_owned(),
        };
        state.reports = 2;
        state.recipients[1] = Fate::Pending {
            attempts: 3,
            next: 1_800_000_300,
            failure: Some(failure.clone()),
        };
        state.recipients[2] = Fate::Failed {
            failure,
            attempted: 1_800_000_000,
        };
        state.recipients[3] = Fate::Done;
        let text = state.to_bytes();
        assert_eq!(State::parse(&text, &envelope(4)), Ok(state));
    }

    /// Whatever became of the recipients of the longest message: its state can be kept.
    #[test]
    fn the_longest_state() {
        let text = "\u{1}".repeat(400);
        let failure = Failure {
            status: text.clone(),
            host: Some(text.clone()),
            reply: Some(text.clone()),
            why: text.clone(),
        };
        let fates = [
            Fate::Pending {
                attempts: u32::MAX,
                next: u64::MAX,
                failure: Some(failure.clone()),
            },
            Fate::Relayed {
                host: text.clone(),
                reply: text,
                at: u64::MAX,
            },
            Fate::Failed {
                failure,
                attempted: u64::MAX,
            },
            Fate::Done,
        ];
        for fate in fates {
            let mut state = State::new(&envelope(1));
            state.recipients = vec![fate; MAX_RECIPIENTS];
            let octets = state.to_bytes();
            assert!(octets.len() as u64 <= MAX_STATE, "{}", octets.len());
            // It is read again, too.
            State::parse(&octets, &envelope(MAX_RECIPIENTS)).unwrap();
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let good = String::from_utf8(State::new(&envelope(1)).to_bytes()).unwrap();
        assert!(State::parse(good.as_bytes(), &envelope(1)).is_ok());
        for bad in [
            String::new(),
            good[..good.len() - 1].to_owned(),
            good.clone() + "x",
            good.replace("\"version\":1", "\"version\":2"),
            good.replace("\"version\":1", "\"version\":1,\"other\":1"),
            good.replace("\"attempts\"", "\"attempt\""),
            good.replace("pending", "waiting"),
        ] {
            assert!(State::parse(bad.as_bytes(), &envelope(1)).is_err(), "{bad}");
        }
        let words = State::parse(good.as_bytes(), &envelope(2)).unwrap_err();
        assert_eq!(words, "it is of 1 recipients, and the message has 2");
    }
}
