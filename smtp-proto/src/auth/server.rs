//! The server's side of AUTH.
//!
//! [`Exchange::start`] takes the argument of the command, [`Exchange::respond`] each line after it. Each
//! gives a [`Step`]: a challenge to be sent, credentials for the host to judge, or the end. What has to
//! live from line to line is kept in a buffer of the caller: 512 octets are enough for SCRAM and for
//! passwords, except that RFC 4616 2 wants room for three times 255 octets and two; a token needs room for
//! the whole of its message. What does not fit is [`Failure::TooLong`].
//!
//! ```
//! use scop_core::SliceSink;
//! use scop_smtp_proto::auth::server::{Exchange, Failure, Step};
//! use scop_smtp_proto::auth::{Credentials, Mechanism, MechanismSet};
//!
//! let allowed = MechanismSet::default().with(Mechanism::Login);
//! let mut buffer = [0; 512];
//! let mut exchange = Exchange::new(&mut buffer);
//! let mut replies = [0; 64];
//! let mut out = SliceSink::new(&mut replies);
//!
//! assert_eq!(exchange.start(b"LOGIN", allowed), Step::Challenge);
//! exchange.emit_challenge(&mut out)?;
//! assert_eq!(exchange.respond(b"am9l"), Step::Challenge);
//! exchange.emit_challenge(&mut out)?;
//! assert_eq!(out.written(), b"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n");
//! assert_eq!(exchange.respond(b"c2VjcmV0"), Step::Credentials);
//! let Some(Credentials::Password { user: "joe", password: b"secret", .. }) = exchange.credentials() else { panic!() };
//! assert_eq!(exchange.refuse(None), Step::Failed(Failure::Refused));
//! assert_eq!(Failure::Refused.reply().to_string(), "535 5.7.8 Authentication credentials invalid");
//! # Ok::<(), scop_core::Full>(())
//! ```

use core::{fmt, str};

use scop_core::crypto::Hash;
use scop_core::{Full, Sink, base64};
use zeroize::Zeroize;

use super::scram::{self, Nonce, StoredKeys};
use super::{Credentials, Identity, Mechanism, MechanismSet};
use crate::command::{AuthCommand, CommandErrorKind};
use crate::extension::Refusal;
use crate::reply::Status;

mod read;

/// Exchanges of one connection, one after the other.
pub struct Exchange<'b> {
    buffer: &'b mut [u8],
    hash: Option<&'b dyn Hash>,
    mechanism: Mechanism,
    state: State,
    /// Where in the buffer things are.
    user: Span,
    authorization: Span,
    secret: Span,
    host: Span,
    port: Option<u16>,
    /// Of SCRAM: the GS2 header begins the buffer, and the first message of the client ends here.
    header_end: usize,
    first_end: usize,
    server_first: Span,
    /// Octets of the buffer in use.
    used: usize,
    keys: StoredKeys,
    signature: [u8; 32],
}

/// Part of the buffer.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Send what [`Exchange::emit_challenge`] writes, and hand the next line to [`Exchange::respond`].
    Challenge,
    /// Judge [`Exchange::credentials`], and call [`Exchange::accept`] or [`Exchange::refuse`].
    Credentials,
    /// Look up the user of [`Exchange::identity`], and call [`Exchange::scram`]: also for a user who does
    /// not exist, with [`StoredKeys::decoy`]. [`Exchange::refuse`] would tell that there is none.
    ScramUser,
    /// [`Exchange::identity`] is who it says: reply 235.
    Verified,
    /// The exchange is over: reply with [`Failure::reply`], or in words of your own.
    Failed(Failure),
}

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The mechanism is not known, or not allowed here.
    Mechanism,
    /// The client cancelled.
    Cancelled,
    /// A line is not base64.
    Base64,
    /// A message does not follow the mechanism.
    Malformed,
    /// A message does not fit the buffer.
    TooLong,
    /// The credentials or the proof are wrong.
    Refused,
    /// The host cannot judge now, or gave keys that cannot be used.
    Host,
    /// A method was called that could not come.
    OutOfOrder,
}

impl Failure {
    /// The reply of RFC 4954 4 and 6.
    pub const fn reply(self) -> Refusal {
        match self {
            Self::Mechanism => Refusal::new(
                504,
                Status::new(5, 5, 4),
                "Unrecognized authentication type",
            ),
            Self::Cancelled => Refusal::new(501, Status::new(5, 7, 0), "Authentication cancelled"),
            Self::Base64 => Refusal::new(501, Status::new(5, 5, 2), "Cannot decode response"),
            Self::Malformed => Refusal::new(501, Status::new(5, 5, 2), "Malformed response"),
            Self::TooLong => Refusal::new(
                500,
                Status::new(5, 5, 6),
                "Authentication Exchange line is too long",
            ),
            Self::Refused => Refusal::new(
                535,
                Status::new(5, 7, 8),
                "Authentication credentials invalid",
            ),
            Self::Host => Refusal::new(
                454,
                Status::new(4, 7, 0),
                "Temporary authentication failure",
            ),
            Self::OutOfOrder => Refusal::OUT_OF_ORDER,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reply(), f)
    }
}

impl core::error::Error for Failure {}

impl From<base64::DecodeError> for Failure {
    fn from(error: base64::DecodeError) -> Self {
        match error {
            base64::DecodeError::Syntax => Self::Base64,
            base64::DecodeError::Full => Self::TooLong,
        }
    }
}

impl From<Full> for Failure {
    fn from(_: Full) -> Self {
        Self::TooLong
    }
}

/// What the host knows of a user of SCRAM.
#[derive(Clone, Copy, Debug)]
pub struct ScramUser<'a> {
    /// The salt of the password; not empty.
    pub salt: &'a [u8],
    /// How often it was hashed; not 0.
    pub iterations: u32,
    /// What is kept in place of the password.
    pub keys: StoredKeys,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No exchange.
    Idle,
    /// The first message of the client; the challenge is empty.
    First,
    /// LOGIN: the user's name.
    UserName,
    /// LOGIN: the password.
    Password,
    /// The host judges.
    Judge,
    /// A token was refused, and the client is told why: any line ends it.
    TokenRefused,
    /// SCRAM: the host looks up the user.
    LookUp,
    /// SCRAM: the final message of the client.
    ClientFinal,
    /// SCRAM: an empty line, after our signature.
    Signed,
    /// The end, and it was good.
    Verified,
}

impl<'b> Exchange<'b> {
    /// Exchanges in this buffer, without SCRAM.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            hash: None,
            mechanism: Mechanism::Plain,
            state: State::Idle,
            user: Span::NONE,
            authorization: Span::NONE,
            secret: Span::NONE,
            host: Span::NONE,
            port: None,
            header_end: 0,
            first_end: 0,
            server_first: Span::NONE,
            used: 0,
            keys: StoredKeys {
                stored_key: [0; 32],
                server_key: [0; 32],
            },
            signature: [0; 32],
        }
    }

    /// With SHA-256, and so with SCRAM.
    #[must_use]
    pub const fn with_hash(mut self, hash: &'b dyn Hash) -> Self {
        self.hash = Some(hash);
        self
    }

    /// What it can serve: SCRAM only with a hash that is SHA-256.
    pub fn mechanisms(&self) -> MechanismSet {
        if self.has_sha256() {
            MechanismSet::ALL
        } else {
            MechanismSet::ALL.without(Mechanism::ScramSha256)
        }
    }

    /// Begins an exchange: takes what stands behind `AUTH` and its space. An exchange before it is
    /// forgotten. [`AuthCommand`] has its grammar.
    ///
    /// `AUTH LOGIN` with a name behind it is taken, because programs send it.
    pub fn start(&mut self, argument: &[u8], allowed: MechanismSet) -> Step {
        self.reset();
        let command = match AuthCommand::parse(argument) {
            Ok(command) => command,
            Err(error) if error.kind() == CommandErrorKind::BadInitialResponse => {
                return self.fail(Failure::Base64);
            }
            Err(_) => return self.fail(Failure::Mechanism),
        };
        let Some(mechanism) = Mechanism::parse(command.mechanism())
            .filter(|&known| allowed.and(self.mechanisms()).contains(known))
        else {
            return self.fail(Failure::Mechanism);
        };
        self.mechanism = mechanism;
        self.state = match mechanism {
            Mechanism::Login => State::UserName,
            _ => State::First,
        };
        match command.initial() {
            None => Step::Challenge,
            Some(b"=") => self.message(b""),
            Some(text) => self.message(text),
        }
    }

    /// Takes a line of the client, without its CRLF.
    ///
    /// ```abnf
    /// cancel-response = "*"
    /// ```
    pub fn respond(&mut self, line: &[u8]) -> Step {
        if line == b"*" {
            return self.fail(Failure::Cancelled);
        }
        self.message(line)
    }

    /// The host takes the credentials.
    pub fn accept(&mut self) -> Step {
        if self.state != State::Judge {
            return self.fail(Failure::OutOfOrder);
        }
        self.verified()
    }

    /// The host refuses. A client that showed a token is told why in a challenge first, as its mechanism
    /// wants it: `error` is the JSON object of RFC 7628 3.2.2; `None` is one that says no more than that
    /// the token is invalid. With passwords it is not used.
    pub fn refuse(&mut self, error: Option<&[u8]>) -> Step {
        match (self.state, self.mechanism) {
            (State::Judge, Mechanism::OAuthBearer) => {
                self.refuse_token(error.unwrap_or(br#"{"status":"invalid_token"}"#))
            }
            (State::Judge, Mechanism::XOAuth2) => {
                self.refuse_token(error.unwrap_or(br#"{"status":"401","schemes":"bearer"}"#))
            }
            (State::Judge | State::LookUp, _) => self.fail(Failure::Refused),
            _ => self.fail(Failure::OutOfOrder),
        }
    }

    /// The host cannot judge, now.
    pub fn give_up(&mut self) -> Step {
        self.fail(Failure::Host)
    }

    /// The host knows the user of SCRAM, or pretends to. `nonce` is random, and another one for each
    /// exchange.
    pub fn scram(&mut self, user: &ScramUser<'_>, nonce: &Nonce) -> Step {
        if self.state != State::LookUp {
            return self.fail(Failure::OutOfOrder);
        }
        if user.salt.is_empty() || user.iterations == 0 {
            return self.fail(Failure::Host);
        }
        self.keys = user.keys;
        match self.put_server_first(user, nonce) {
            Ok(()) => {
                self.state = State::ClientFinal;
                Step::Challenge
            }
            Err(failure) => self.fail(failure),
        }
    }

    /// Forgets the exchange, and overwrites what it kept.
    pub fn reset(&mut self) {
        self.buffer.zeroize();
        self.signature.zeroize();
        self.keys.stored_key.zeroize();
        self.keys.server_key.zeroize();
        self.state = State::Idle;
        self.user = Span::NONE;
        self.authorization = Span::NONE;
        self.secret = Span::NONE;
        self.host = Span::NONE;
        self.server_first = Span::NONE;
        (self.port, self.used, self.header_end, self.first_end) = (None, 0, 0, 0);
    }

    /// Writes the 334 reply that [`Step::Challenge`] speaks of.
    ///
    /// # Errors
    /// When the sink is full.
    pub fn emit_challenge<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"334 ")?;
        match self.state {
            // Base64 of what clients know: `Username:` and `Password:`.
            State::UserName => sink.put(b"VXNlcm5hbWU6")?,
            State::Password => sink.put(b"UGFzc3dvcmQ6")?,
            State::TokenRefused => base64::encode(self.octets(self.secret), sink)?,
            State::ClientFinal => base64::encode(self.octets(self.server_first), sink)?,
            State::Signed => {
                let mut text = base64::Encoder::new(&mut *sink);
                text.put(b"v=")?;
                base64::encode(&self.signature, &mut text)?;
                text.finish()?;
            }
            _ => {}
        }
        sink.put(b"\r\n")
    }

    /// What the host is to judge, after [`Step::Credentials`] and until it has.
    pub fn credentials(&self) -> Option<Credentials<'_>> {
        if self.state != State::Judge {
            return None;
        }
        let Identity {
            authorization,
            user,
        } = self.names();
        Some(if self.mechanism.takes_token() {
            Credentials::Token {
                authorization,
                token: self.text(self.secret),
                host: self.text(self.host),
                port: self.port,
            }
        } else {
            Credentials::Password {
                authorization,
                user,
                password: self.octets(self.secret),
            }
        })
    }

    /// Who it is about, as the client says it; proved after [`Step::Verified`], and until the next
    /// exchange or [`Exchange::reset`].
    pub fn identity(&self) -> Option<Identity<'_>> {
        matches!(
            self.state,
            State::Judge | State::LookUp | State::ClientFinal | State::Signed | State::Verified
        )
        .then(|| self.names())
    }

    /// The mechanism of the exchange, if there is one.
    pub fn mechanism(&self) -> Option<Mechanism> {
        (self.state != State::Idle).then_some(self.mechanism)
    }

    fn names(&self) -> Identity<'_> {
        Identity {
            authorization: self.text(self.authorization),
            user: self.text(self.user),
        }
    }

    fn octets(&self, span: Span) -> &[u8] {
        self.buffer.get(span.start..span.end).unwrap_or_default()
    }

    fn text(&self, span: Span) -> &str {
        str::from_utf8(self.octets(span)).unwrap_or_default()
    }

    fn has_sha256(&self) -> bool {
        self.hash.is_some_and(scram::is_sha256)
    }

    fn fail(&mut self, failure: Failure) -> Step {
        self.reset();
        Step::Failed(failure)
    }

    /// Overwrites all but the names.
    fn verified(&mut self) -> Step {
        let names = [self.user, self.authorization];
        for (at, octet) in self.buffer.iter_mut().enumerate() {
            if !names
                .iter()
                .any(|name| (name.start..name.end).contains(&at))
            {
                octet.zeroize();
            }
        }
        self.keys.stored_key.zeroize();
        self.keys.server_key.zeroize();
        self.signature.zeroize();
        self.state = State::Verified;
        Step::Verified
    }
}

/// Secrets do not outlive it.
impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.reset();
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("mechanism", &self.mechanism())
            .field("identity", &self.identity())
            .finish_non_exhaustive()
    }
}

impl Span {
    /// Not there. What is there never ends at 0.
    const NONE: Self = Self { start: 0, end: 0 };

    const fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    const fn is_none(self) -> bool {
        self.end == 0
    }

    /// `len` octets from `offset` on.
    const fn part(self, offset: usize, len: usize) -> Self {
        let start = self.start.saturating_add(offset);
        Self {
            start,
            end: start.saturating_add(len),
        }
    }

    /// What is left behind the first `count` octets.
    const fn skip(self, count: usize) -> Self {
        Self {
            start: self.start.saturating_add(count),
            end: self.end,
        }
    }
}
