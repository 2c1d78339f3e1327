//! The server's side of AUTH.
//!
//! [`Exchange::start`] takes the argument of the command, [`Exchange::respond`] each line after it. Each
//! gives a [`Step`]: a challenge to be sent, credentials for the host to judge, or the end. What has to
//! live from line to line is kept in a buffer of the caller: 512 octets are enough for passwords and
//! SCRAM; a token needs room for the whole of it. What does not fit is [`Failure::TooLong`].
//!
//! ```
//! use scop_smtp_proto::auth::server::{Exchange, Failure, Step};
//! use scop_smtp_proto::auth::{Credentials, Mechanism, MechanismSet};
//!
//! let allowed = MechanismSet::default().with(Mechanism::Login);
//! let mut buffer = [0; 512];
//! let mut exchange = Exchange::new(&mut buffer);
//! let mut out = Vec::new();
//!
//! assert_eq!(exchange.start(b"LOGIN", allowed), Step::Challenge);
//! exchange.emit_challenge(&mut out)?;
//! assert_eq!(exchange.respond(b"am9l"), Step::Challenge);
//! exchange.emit_challenge(&mut out)?;
//! assert_eq!(out, b"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n");
//! assert_eq!(exchange.respond(b"c2VjcmV0"), Step::Credentials);
//! let Some(Credentials::Password { user: "joe", password: b"secret", .. }) = exchange.credentials() else { panic!() };
//! assert_eq!(exchange.refuse(None), Step::Failed(Failure::Refused));
//! assert_eq!(Failure::Refused.reply().to_string(), "535 5.7.8 Authentication credentials invalid");
//! # Ok::<(), scop_core::Full>(())
//! ```

use core::fmt;
use core::str;

use scop_core::crypto::Hash;
use scop_core::{Cursor, Full, Sink, SliceSink, base64};
use zeroize::Zeroize;

use super::scram::{self, ClientFinal, ClientFirst, Gs2, Nonce, ServerFirst, StoredKeys};
use super::{Credentials, Identity, Mechanism, MechanismSet, has_control, is_token};
use crate::extension::Refusal;
use crate::reply::Status;

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

    /// Begins an exchange: takes what stands behind `AUTH` and its space. An exchange before it is
    /// forgotten.
    ///
    /// ```abnf
    /// auth-command     = "AUTH" SP sasl-mech [SP initial-response]
    ///                    *(CRLF [base64]) [CRLF cancel-response] CRLF
    /// initial-response = base64 / "="                                  ; RFC 4954 8
    /// ```
    ///
    /// `AUTH LOGIN` with a name behind it is taken, because programs send it.
    pub fn start(&mut self, argument: &[u8], allowed: MechanismSet) -> Step {
        self.reset();
        let mut cursor = Cursor::new(argument);
        let name = cursor.take_while(|byte| byte != b' ');
        let initial = cursor.skip_byte(b' ').then(|| cursor.rest());
        let Some(mechanism) = Mechanism::parse(name).filter(|&known| {
            allowed.contains(known) && (known != Mechanism::ScramSha256 || self.has_sha256())
        }) else {
            return self.fail(Failure::Mechanism);
        };
        self.mechanism = mechanism;
        self.state = match mechanism {
            Mechanism::Login => State::UserName,
            _ => State::First,
        };
        match initial {
            None => Step::Challenge,
            Some(b"=") => self.message(b""),
            Some(b"") => self.fail(Failure::Base64),
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

    /// Takes a message of the client, in base64.
    fn message(&mut self, text: &[u8]) -> Step {
        let read = match self.state {
            State::TokenRefused => Err(Failure::Refused),
            State::Idle | State::Judge | State::LookUp | State::Verified => {
                Err(Failure::OutOfOrder)
            }
            _ => self.decode(text).and_then(|message| self.read(message)),
        };
        read.unwrap_or_else(|failure| self.fail(failure))
    }

    /// Decodes to behind what the buffer has.
    fn decode(&mut self, text: &[u8]) -> Result<Span, Failure> {
        let free = self.buffer.get_mut(self.used..).unwrap_or_default();
        let mut sink = SliceSink::new(free);
        base64::decode(text, &mut sink)?;
        let len = sink.written().len();
        Ok(self.keep(len))
    }

    /// Notes that so many octets more are in use.
    fn keep(&mut self, count: usize) -> Span {
        let start = self.used;
        self.used = start.saturating_add(count);
        Span {
            start,
            end: self.used,
        }
    }

    fn read(&mut self, message: Span) -> Result<Step, Failure> {
        match (self.state, self.mechanism) {
            (State::UserName, _) => {
                self.user = self.name(message)?;
                self.state = State::Password;
                Ok(Step::Challenge)
            }
            (State::Password, _) => {
                self.secret = message;
                self.judge()
            }
            (State::First, Mechanism::XOAuth2) => self.xoauth2(message),
            (State::First, Mechanism::OAuthBearer) => self.oauthbearer(message),
            (State::First, Mechanism::ScramSha256) => self.client_first(message),
            (State::First, _) => self.plain(message),
            (State::ClientFinal, _) => self.client_final(message),
            (State::Signed, _) => {
                (message.len() == 0)
                    .then_some(())
                    .ok_or(Failure::Malformed)?;
                Ok(self.verified())
            }
            _ => Err(Failure::OutOfOrder),
        }
    }

    /// The host judges, if there is a secret: an empty one means "nobody" to some directories (RFC 4513
    /// 5.1.2), and RFC 4616 2 has none.
    fn judge(&mut self) -> Result<Step, Failure> {
        let secret = self.octets(self.secret);
        let sound = if self.mechanism.takes_token() {
            is_token(secret)
        } else {
            !secret.is_empty() && !secret.contains(&0)
        };
        sound.then_some(()).ok_or(Failure::Malformed)?;
        self.state = State::Judge;
        Ok(Step::Credentials)
    }

    /// ```abnf
    /// message = [authzid] UTF8NUL authcid UTF8NUL passwd               ; RFC 4616 2
    /// ```
    fn plain(&mut self, message: Span) -> Result<Step, Failure> {
        let (authorization, rest) = self.split(message, 0).ok_or(Failure::Malformed)?;
        let (user, password) = self.split(rest, 0).ok_or(Failure::Malformed)?;
        self.authorization = self.name_or_none(authorization)?;
        self.user = self.name(user)?;
        self.secret = password;
        self.judge()
    }

    /// ```abnf
    /// xoauth2 = "user=" user %x01 "auth=Bearer " token %x01 %x01
    /// ```
    fn xoauth2(&mut self, message: Span) -> Result<Step, Failure> {
        let user = self.behind(message, b"user=").ok_or(Failure::Malformed)?;
        let (user, pairs) = self.split(user, 1).ok_or(Failure::Malformed)?;
        self.authorization = self.name(user)?;
        self.pairs(pairs)
    }

    /// ```abnf
    /// client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep           ; RFC 7628 3.1
    /// ```
    fn oauthbearer(&mut self, message: Span) -> Result<Step, Failure> {
        let gs2 = Gs2::parse(self.octets(message)).ok_or(Failure::Malformed)?;
        let name = authorization_of(message, &gs2);
        let pairs = message.skip(gs2.header.len());
        self.authorization = self.unescaped(name)?;
        let pairs = self.behind(pairs, b"\x01").ok_or(Failure::Malformed)?;
        self.pairs(pairs)
    }

    /// Reads the pairs, of which `auth` must be there; others than it, `host` and `port` are passed over.
    ///
    /// ```abnf
    /// kvpair = key "=" value kvsep
    /// key    = 1*(ALPHA)
    /// ```
    fn pairs(&mut self, pairs: Span) -> Result<Step, Failure> {
        let mut rest = pairs;
        let malformed = Failure::Malformed;
        loop {
            let (pair, after) = self.split(rest, 1).ok_or(malformed)?;
            if pair.len() == 0 {
                (after.len() == 0).then_some(()).ok_or(malformed)?;
                return self.judge();
            }
            let (key, value) = self.split(pair, b'=').ok_or(malformed)?;
            let octets = self.octets(value);
            match self.octets(key) {
                b"auth" if self.secret.is_none() => {
                    let mut cursor = Cursor::new(octets);
                    cursor
                        .skip_ignore_case(b"Bearer ")
                        .then_some(())
                        .ok_or(malformed)?;
                    self.secret = value.skip(cursor.offset());
                }
                b"host" if self.host.is_none() => self.host = self.name(value)?,
                b"port" if self.port.is_none() => {
                    let mut cursor = Cursor::new(octets);
                    let port = cursor.take_decimal().filter(|_| cursor.is_at_end());
                    let port = port.and_then(|port| u16::try_from(port).ok());
                    self.port = Some(port.ok_or(malformed)?);
                }
                b"auth" | b"host" | b"port" => return Err(malformed),
                _ => {}
            }
            rest = after;
        }
    }

    fn refuse_token(&mut self, error: &[u8]) -> Step {
        self.buffer.zeroize();
        let mut sink = SliceSink::new(self.buffer);
        if sink.put(error).is_err() {
            return self.fail(Failure::Refused);
        }
        self.used = 0;
        self.secret = self.keep(error.len());
        self.state = State::TokenRefused;
        Step::Challenge
    }

    fn client_first(&mut self, message: Span) -> Result<Step, Failure> {
        let gs2 = Gs2::parse(self.octets(message)).ok_or(Failure::Malformed)?;
        let first = ClientFirst::parse(gs2.rest).ok_or(Failure::Malformed)?;
        let bare = message.skip(gs2.header.len());
        let (authorization, user) = (
            authorization_of(message, &gs2),
            bare.part(2, first.user.len()),
        );
        (self.header_end, self.first_end) = (bare.start, message.end);
        self.authorization = self.unescaped(authorization)?;
        self.user = self.unescaped(user)?;
        (self.user.len() > 0)
            .then_some(())
            .ok_or(Failure::Malformed)?;
        self.state = State::LookUp;
        Ok(Step::ScramUser)
    }

    fn put_server_first(&mut self, user: &ScramUser<'_>, nonce: &Nonce) -> Result<(), Failure> {
        let (kept, free) = self
            .buffer
            .split_at_mut_checked(self.used)
            .ok_or(Failure::TooLong)?;
        let bare = kept
            .get(self.header_end..self.first_end)
            .unwrap_or_default();
        let first = ClientFirst::parse(bare).ok_or(Failure::OutOfOrder)?;
        let mut sink = SliceSink::new(free);
        sink.put(b"r=")?;
        sink.put(first.nonce)?;
        sink.put(nonce.as_bytes())?;
        sink.put(b",s=")?;
        base64::encode(user.salt, &mut sink)?;
        sink.put(b",i=")?;
        sink.put_decimal(user.iterations.into())?;
        let len = sink.written().len();
        self.server_first = self.keep(len);
        Ok(())
    }

    fn client_final(&mut self, message: Span) -> Result<Step, Failure> {
        let hash = self.hash.ok_or(Failure::OutOfOrder)?;
        let last = ClientFinal::parse(self.octets(message)).ok_or(Failure::Malformed)?;
        let header = self.buffer.get(..self.header_end).unwrap_or_default();
        let mut binding = Compare(header);
        let bound = base64::decode(last.binding, &mut binding).is_ok() && binding.0.is_empty();
        let server_first = self.octets(self.server_first);
        let nonce = ServerFirst::parse(server_first).map(|first| first.nonce);
        if !bound || nonce != Some(last.nonce) {
            return Err(Failure::Refused);
        }
        let bare = self
            .buffer
            .get(self.header_end..self.first_end)
            .unwrap_or_default();
        let sign = |key| {
            scram::signature(hash, key, |hmac| {
                hmac.put(bare)?;
                hmac.put(b",")?;
                hmac.put(server_first)?;
                hmac.put(b",")?;
                hmac.put(last.without_proof)
            })
            .ok_or(Failure::OutOfOrder)
        };
        let expected = sign(&self.keys.stored_key)?;
        if !self.keys.proves(&expected, &last.proof, hash) {
            return Err(Failure::Refused);
        }
        self.signature = sign(&self.keys.server_key)?;
        self.state = State::Signed;
        Ok(Step::Challenge)
    }

    /// A name: UTF-8, not empty, without control characters.
    fn name(&self, span: Span) -> Result<Span, Failure> {
        let octets = self.octets(span);
        (!octets.is_empty() && !has_control(octets) && str::from_utf8(octets).is_ok())
            .then_some(span)
            .ok_or(Failure::Malformed)
    }

    fn name_or_none(&self, span: Span) -> Result<Span, Failure> {
        if span.len() == 0 {
            Ok(Span::NONE)
        } else {
            self.name(span)
        }
    }

    /// A name, or none, that has `,` and `=` escaped: when it does, it is written again behind all else.
    fn unescaped(&mut self, span: Span) -> Result<Span, Failure> {
        if !self.octets(span).contains(&b'=') {
            return self.name_or_none(span);
        }
        let (kept, free) = self
            .buffer
            .split_at_mut_checked(self.used)
            .ok_or(Failure::TooLong)?;
        let mut sink = SliceSink::new(free);
        let escaped = kept.get(span.start..span.end).unwrap_or_default();
        scram::put_unescaped(escaped, &mut sink).map_err(|error| match error {
            base64::DecodeError::Syntax => Failure::Malformed,
            base64::DecodeError::Full => Failure::TooLong,
        })?;
        let len = sink.written().len();
        let name = self.keep(len);
        self.name(name)
    }

    /// What stands before and behind the first `byte`.
    fn split(&self, span: Span, byte: u8) -> Option<(Span, Span)> {
        let at = memchr::memchr(byte, self.octets(span))?;
        Some((span.part(0, at), span.skip(at.saturating_add(1))))
    }

    /// What stands behind `prefix`.
    fn behind(&self, span: Span, prefix: &[u8]) -> Option<Span> {
        self.octets(span)
            .starts_with(prefix)
            .then(|| span.skip(prefix.len()))
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

/// Where in `message` the authorization identity is: behind `n,a=`.
const fn authorization_of(message: Span, gs2: &Gs2<'_>) -> Span {
    message.part(b"n,a=".len(), gs2.authorization.len())
}

/// Takes what it is made of, and nothing else.
struct Compare<'a>(&'a [u8]);

impl Sink for Compare<'_> {
    fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        self.0 = self.0.strip_prefix(octets).ok_or(Full)?;
        Ok(())
    }
}
