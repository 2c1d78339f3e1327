//! A server's host: it takes mail, keeps it in memory, and refuses whom it is told to refuse.

use scop_smtp_proto::server::{AnswerError, Event, Server};
use scop_smtp_proto::{Reply, Status};

/// A message that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The reverse path, as written.
    pub from: String,
    /// The accepted forward paths, as written.
    pub to: Vec<String>,
    /// The parameters of MAIL, then of each RCPT, as written.
    pub parameters: Vec<String>,
    /// Its octets, unstuffed.
    pub content: Vec<u8>,
    /// What a Received field would say behind "with" (RFC 3848).
    pub with: &'static str,
}

/// Whom it takes mail from and for.
#[derive(Debug, Default)]
pub struct Rules<'r> {
    /// Users and their passwords.
    pub users: &'r [(&'r str, &'r str)],
    /// Recipients that are refused.
    pub refused: &'r [&'r str],
    /// LMTP: recipients for which a message is refused that was received (RFC 2033 4.2).
    pub full: &'r [&'r str],
}

/// What one connection brings.
#[derive(Debug, Default)]
pub struct Mailroom<'r> {
    rules: Rules<'r>,
    message: Message,
    /// What was taken.
    pub taken: Vec<Message>,
}

const NO_SUCH_USER: Reply<'static> = reply(550, Status::new(5, 1, 1), "No such user here");
const MAILBOX_FULL: Reply<'static> = reply(452, Status::new(4, 2, 2), "The mailbox is full");
const NOT_VERIFIED: Reply<'static> = reply(
    252,
    Status::new(2, 5, 0),
    "Cannot VRFY user, but will accept message and attempt delivery",
);
const HELP: Reply<'static> = reply(214, Status::new(2, 0, 0), "See RFC 5321");

const fn reply(code: u16, status: Status, text: &'static str) -> Reply<'static> {
    match Reply::new(code, Some(status), text) {
        Ok(reply) => reply,
        Err(_) => panic!("a constant is not a reply"),
    }
}

impl<'r> Mailroom<'r> {
    /// An empty one.
    pub fn new(rules: Rules<'r>) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Answers what the machine asks. A real host may ask a database or another server first: the machine
    /// waits, and takes no input meanwhile.
    pub fn event(&mut self, server: &mut Server<'_>) -> Result<(), AnswerError> {
        let Some(event) = server.event() else {
            return Ok(());
        };
        let reply = match event {
            Event::Mail { path, parameters } => {
                self.message = Message {
                    from: path.to_string(),
                    parameters: words(parameters.raw()),
                    with: server.session().with_keyword(server.envelope()),
                    ..Message::default()
                };
                None
            }
            Event::Recipient {
                path, parameters, ..
            } => {
                let path = path.to_string();
                let refused = self.rules.refused.contains(&path.as_str());
                if !refused {
                    self.message.to.push(path);
                    self.message.parameters.extend(words(parameters.raw()));
                }
                refused.then_some(NO_SUCH_USER)
            }
            Event::MessageEnd { .. } => {
                // On disk before this is answered, were it not an example.
                self.taken.push(core::mem::take(&mut self.message));
                None
            }
            Event::RecipientResult { index } => {
                let message = self.taken.last_mut();
                let recipient = message.and_then(|message| message.to.get(index as usize));
                let is_full =
                    recipient.is_some_and(|path| self.rules.full.contains(&path.as_str()));
                is_full.then_some(MAILBOX_FULL)
            }
            Event::Discarded(_) => {
                self.message = Message::default();
                return Ok(());
            }
            Event::Verify(_) | Event::Expand(_) => Some(NOT_VERIFIED),
            Event::Help(_) => Some(HELP),
            _ => None,
        };
        match reply {
            None => server.accept(),
            Some(reply) => server.answer(&reply),
        }
    }

    /// Keeps content of the message.
    pub fn content(&mut self, octets: &[u8]) {
        self.message.content.extend_from_slice(octets);
    }
}

fn words(parameters: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(parameters);
    text.split_ascii_whitespace().map(Into::into).collect()
}
