//! A server's host: it takes mail, keeps it in memory, and refuses whom it is told to refuse.

use scop_smtp_proto::auth::Credentials;
use scop_smtp_proto::auth::scram::{Nonce, StoredKeys};
use scop_smtp_proto::auth::server::ScramUser;
use scop_smtp_proto::server::{AnswerError, Event, Server};
use scop_smtp_proto::{Reply, Status};

use super::random;

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
    /// Bearer tokens that are good.
    pub tokens: &'r [&'r str],
    /// Recipients that are refused.
    pub refused: &'r [&'r str],
    /// LMTP: recipients for which a message is refused that was received (RFC 2033 4.2).
    pub full: &'r [&'r str],
}

const ITERATIONS: u32 = 4096;

struct Kept {
    salt: [u8; 16],
    keys: StoredKeys,
}

impl Kept {
    const fn user(&self) -> ScramUser<'_> {
        ScramUser {
            salt: &self.salt,
            iterations: ITERATIONS,
            keys: self.keys,
        }
    }
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
const WRONG_CREDENTIALS: Reply<'static> = reply(
    535,
    Status::new(5, 7, 8),
    "Authentication credentials invalid",
);
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
            Event::Authenticate(credentials) => {
                (!self.is_right(&credentials)).then_some(WRONG_CREDENTIALS)
            }
            Event::Scram { user, .. } => {
                let found = self.kept(user);
                return server.scram(&found.user(), &Nonce::from_random(random()));
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

    fn is_right(&self, credentials: &Credentials<'_>) -> bool {
        match *credentials {
            Credentials::Password {
                authorization,
                user,
                password,
            } => {
                let is_self = authorization.is_empty() || authorization == user;
                let Kept { salt, keys } = self.kept(user);
                keys.is_password(password, &salt, ITERATIONS, &scop_crypto::SHA256) && is_self
            }
            // A real host asks the one that issued the token.
            Credentials::Token { token, .. } => self.rules.tokens.contains(&token),
            _ => false,
        }
    }

    /// What a server keeps of a user for SCRAM and for passwords that are shown; here made anew each time from
    /// the password.
    fn kept(&self, user: &str) -> Kept {
        let found = self.rules.users.iter().find(|(name, _)| *name == user);
        let salt = *b"a salt per user.";
        let keys = found.and_then(|(_, password)| {
            StoredKeys::derive(password.as_bytes(), &salt, ITERATIONS, &scop_crypto::SHA256)
        });
        // Who is not known looks like any other user.
        let decoy = || StoredKeys::decoy(b"a secret of the server", user, &scop_crypto::SHA256);
        let kept = keys.map(|keys| (salt, keys)).or_else(decoy);
        let (salt, keys) = kept.expect("SHA-256 has 32 octets, and the count is in bounds");
        Kept { salt, keys }
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
