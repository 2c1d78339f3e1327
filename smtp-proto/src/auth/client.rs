//! The client's side of AUTH.
//!
//! [`Exchange::start`] writes the command, [`Exchange::respond`] the answer to each 334, and
//! [`Exchange::finish`] judges the 235: with SCRAM it is not enough, because the server has to prove that
//! it knows the password too. A server that cannot do so is one to which nothing more should be sent.
//!
//! When `respond` fails, send [`CANCEL`]; the server refuses the command then (RFC 4954 4).
//!
//! ```
//! use scop_core::SliceSink;
//! use scop_crypto::SHA256;
//! use scop_smtp_proto::auth::client::{Error, Exchange, MAX_COMMAND, Scram};
//! use scop_smtp_proto::auth::{Credentials, Mechanism, scram};
//!
//! // RFC 7677 3, as SMTP carries it.
//! let credentials = Credentials::Password { authorization: "", user: "user", password: b"pencil" };
//! let nonce = scram::Nonce::new(b"rOprNGfwEbeRWgbNEkqO").unwrap(); // from_random() outside of an example
//! let scram = Scram { hash: &SHA256, nonce, limits: scram::Limits::DEFAULT };
//! let mut exchange = Exchange::new(Mechanism::ScramSha256, credentials)?.with_scram(scram);
//!
//! let mut line = [0; MAX_COMMAND];
//! let mut out = SliceSink::new(&mut line);
//! exchange.start(&mut out)?;
//! assert_eq!(out.written(), b"AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n");
//! assert_eq!(exchange.finish(), Err(Error::Unverified)); // 235 now would be a fraud
//! # Ok::<(), Error>(())
//! ```

use core::fmt;

use scop_core::crypto::Hash;
use scop_core::{Emit, Full, Sink, SliceSink, base64};
use zeroize::Zeroize;

use super::hmac::{Hmac, same};
use super::scram::message::{ServerFinal, ServerFirst, put_name};
use super::scram::{self, ClientKeys, Limits, Nonce};
use super::{Credentials, Mechanism, has_control, is_token};

/// The line that cancels an exchange (RFC 4954 4).
pub const CANCEL: &[u8] = b"*\r\n";

/// Octets in the longest AUTH command with an initial response, with CRLF (RFC 5321 4.5.3.1.4): a longer
/// response waits for a 334 (RFC 4954 4).
pub const MAX_COMMAND: usize = 512;

/// Octets in the longest message of a server that is read.
const MAX_MESSAGE: usize = 512;

/// An exchange from the command AUTH to its reply. It borrows the credentials and keeps no copy.
pub struct Exchange<'c> {
    mechanism: Mechanism,
    credentials: Credentials<'c>,
    scram: Option<Scram<'c>>,
    state: State,
}

/// What SCRAM needs besides a password.
#[derive(Clone, Copy)]
pub struct Scram<'c> {
    /// SHA-256.
    pub hash: &'c dyn Hash,
    /// Random, for each exchange another one.
    pub nonce: Nonce,
    /// What is taken from a server.
    pub limits: Limits,
}

impl fmt::Debug for Scram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scram")
            .field("hash", &self.hash.algorithm())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What comes next.
#[derive(Clone, Copy)]
enum State {
    /// The command was not written.
    New,
    /// The command was written without the first response.
    First,
    /// LOGIN wants the password.
    Password,
    /// SCRAM wants the first message of the server.
    ServerFirst,
    /// SCRAM wants the signature of the server, which is this one.
    Signature([u8; 32]),
    /// All was said that there is to say; the reply of the server decides.
    Said,
    /// The server's signature was right.
    Verified,
    /// A token was refused in a challenge, or something failed.
    Failed,
}

/// Why a client does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The mechanism needs other credentials: a token, or a password, or no authorization identity.
    Credentials,
    /// A name, password or token is empty or holds what the mechanism cannot carry.
    Character,
    /// SCRAM needs [`Exchange::with_scram`] with SHA-256.
    NoHash,
    /// A method was called that cannot come now.
    OutOfOrder,
    /// The output does not fit.
    Full,
    /// The server asks for more than the mechanism has.
    Unexpected,
    /// A challenge is not base64, not what the mechanism says, or longer than 512 octets.
    Malformed,
    /// The server's nonce does not begin with ours and go on (RFC 5802 5.1).
    Nonce,
    /// The count of iterations is outside the limits.
    Iterations,
    /// The server says that it refuses.
    Refused,
    /// The server's signature is wrong: it does not know the password (RFC 5802 3).
    Forged,
    /// The server consents without having proved that it knows the password.
    Unverified,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "the mechanism needs credentials of another kind",
            Self::Character => "a name, password or token has a character that cannot be sent",
            Self::NoHash => "SCRAM needs SHA-256 and a nonce",
            Self::OutOfOrder => "the exchange is not where this can come",
            Self::Full => "the output does not fit",
            Self::Unexpected => "the server asks for more than the mechanism has",
            Self::Malformed => "the server's challenge is malformed",
            Self::Nonce => "the server's nonce does not extend ours (RFC 5802 5.1)",
            Self::Iterations => "the server's count of iterations is outside the limits",
            Self::Refused => "the server refuses the credentials",
            Self::Forged => "the server does not know the password (RFC 5802 3)",
            Self::Unverified => "the server did not prove that it knows the password (RFC 5802 3)",
        })
    }
}

impl core::error::Error for Error {}

impl From<Full> for Error {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl<'c> Exchange<'c> {
    /// An exchange that nothing was written of.
    ///
    /// # Errors
    /// When the mechanism cannot carry the credentials; nothing is cleaned.
    pub fn new(mechanism: Mechanism, credentials: Credentials<'c>) -> Result<Self, Error> {
        let printable = match credentials {
            Credentials::Password {
                authorization,
                user,
                password,
            } => {
                if mechanism.takes_token()
                    || mechanism == Mechanism::Login && !authorization.is_empty()
                {
                    return Err(Error::Credentials);
                }
                !user.is_empty()
                    && !password.is_empty()
                    && !has_control(authorization)
                    && !has_control(user)
                    && !password.iter().any(u8::is_ascii_control)
            }
            Credentials::Token {
                authorization,
                token,
                host,
                ..
            } => {
                if !mechanism.takes_token()
                    || mechanism == Mechanism::XOAuth2 && authorization.is_empty()
                {
                    return Err(Error::Credentials);
                }
                is_token(token.as_bytes()) && !has_control(authorization) && !has_control(host)
            }
        };
        printable.then_some(()).ok_or(Error::Character)?;
        Ok(Self {
            mechanism,
            credentials,
            scram: None,
            state: State::New,
        })
    }

    /// With what SCRAM needs.
    #[must_use]
    pub const fn with_scram(mut self, scram: Scram<'c>) -> Self {
        self.scram = Some(scram);
        self
    }

    /// Writes the command, with CRLF. The initial response is in it unless it is too long, or the server
    /// speaks first.
    ///
    /// # Errors
    /// The exchange cannot begin, or not with this little room; nothing should be sent.
    pub fn start<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Error> {
        matches!(self.state, State::New)
            .then_some(())
            .ok_or(Error::OutOfOrder)?;
        if self.mechanism == Mechanism::ScramSha256
            && !self.scram.is_some_and(|scram| scram::is_sha256(scram.hash))
        {
            return Err(Error::NoHash);
        }
        let name = self.mechanism.name().as_bytes();
        sink.put(b"AUTH ")?;
        sink.put(name)?;
        let encoded = self.first().emitted_len().div_ceil(3).saturating_mul(4);
        let command = encoded.saturating_add(b"AUTH  \r\n".len() + name.len());
        let is_first = self.mechanism != Mechanism::Login && command <= MAX_COMMAND;
        if is_first {
            sink.put_byte(b' ')?;
            put_base64(&self.first(), sink)?;
        }
        sink.put(b"\r\n")?;
        self.state = if is_first {
            self.said_first()
        } else {
            State::First
        };
        Ok(())
    }

    /// Takes the text of a 334 reply, and writes the line that answers it, with CRLF.
    ///
    /// # Errors
    /// [`Error::Full`]: nothing was said; it can be called again with more room. All others: the exchange
    /// is over; send [`CANCEL`], or close.
    pub fn respond<S: Sink + ?Sized>(
        &mut self,
        challenge: &[u8],
        sink: &mut S,
    ) -> Result<(), Error> {
        let answered = self.answer(challenge, sink).and_then(|next| {
            sink.put(b"\r\n")?;
            Ok(next)
        });
        match answered {
            Ok(next) => self.state = next,
            Err(Error::Full) => {}
            Err(_) => self.state = State::Failed,
        }
        answered.map(|_| ())
    }

    /// The reply was 235: whether to believe it.
    ///
    /// # Errors
    /// The server did not prove itself, consents before it heard all, or refused before: send it nothing.
    pub const fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Said | State::Verified => Ok(()),
            State::ServerFirst | State::Signature(_) => Err(Error::Unverified),
            State::New | State::First | State::Password => Err(Error::OutOfOrder),
            State::Failed => Err(Error::Refused),
        }
    }

    /// The mechanism.
    pub const fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    const fn first(&self) -> First<'_, 'c> {
        First(self)
    }

    /// What comes after the first message.
    const fn said_first(&self) -> State {
        match self.mechanism {
            Mechanism::Login => State::Password,
            Mechanism::ScramSha256 => State::ServerFirst,
            _ => State::Said,
        }
    }

    /// Writes the answer to a challenge, and says what comes next.
    fn answer<S: Sink + ?Sized>(&self, challenge: &[u8], sink: &mut S) -> Result<State, Error> {
        match self.state {
            State::New => Err(Error::OutOfOrder),
            // The prompts of LOGIN are not read: servers write `Username:`, `User Name`, and what
            // not, but none asks for the password first. Nor is there anything to read in the
            // challenge that asks for a first response.
            State::First => {
                put_base64(&self.first(), sink)?;
                Ok(self.said_first())
            }
            State::Password => {
                let Credentials::Password { password, .. } = self.credentials else {
                    return Err(Error::Credentials);
                };
                base64::encode(password, sink)?;
                Ok(State::Said)
            }
            State::ServerFirst => {
                let mut buffer = [0; MAX_MESSAGE];
                let signature = self.client_final(decoded(challenge, &mut buffer)?, sink)?;
                Ok(State::Signature(signature))
            }
            State::Signature(expected) => {
                let mut buffer = [0; MAX_MESSAGE];
                match ServerFinal::parse(decoded(challenge, &mut buffer)?) {
                    Some(ServerFinal::Verifier(got)) if same(&got, &expected) => {
                        Ok(State::Verified)
                    }
                    Some(ServerFinal::Verifier(_)) => Err(Error::Forged),
                    Some(ServerFinal::Error) => Err(Error::Refused),
                    None => Err(Error::Malformed),
                }
            }
            // The challenge says why the token was refused, in JSON; an answer must come before the
            // server may say so in its reply: %x01 (RFC 7628 3.2.3), or nothing with XOAUTH2.
            State::Said if self.mechanism == Mechanism::OAuthBearer => {
                base64::encode(b"\x01", sink)?;
                Ok(State::Failed)
            }
            State::Said if self.mechanism == Mechanism::XOAuth2 => Ok(State::Failed),
            State::Said | State::Verified | State::Failed => Err(Error::Unexpected),
        }
    }

    /// Writes the final message of SCRAM, and gives the signature that the server must show.
    ///
    /// ```text
    /// AuthMessage     := client-first-message-bare + "," + server-first-message + ","
    ///                    + client-final-message-without-proof           ; RFC 5802 3
    /// ```
    fn client_final<S: Sink + ?Sized>(
        &self,
        message: &[u8],
        sink: &mut S,
    ) -> Result<[u8; 32], Error> {
        let Scram {
            hash,
            nonce,
            limits,
        } = self.scram.ok_or(Error::NoHash)?;
        let Credentials::Password { password, .. } = self.credentials else {
            return Err(Error::Credentials);
        };
        let server = ServerFirst::parse(message).ok_or(Error::Malformed)?;
        match server.nonce.strip_prefix(nonce.as_bytes()) {
            None | Some([]) => return Err(Error::Nonce),
            Some(_) => {}
        }
        if !(limits.min_iterations..=limits.max_iterations).contains(&server.iterations) {
            return Err(Error::Iterations);
        }
        let password = Hmac::new(hash, password);
        let mut salted = password.clone();
        base64::decode(server.salt, &mut salted).map_err(|_| Error::Malformed)?;
        let keys =
            ClientKeys::derive(&password, salted, server.iterations, hash).ok_or(Error::NoHash)?;

        let without_proof = WithoutProof {
            exchange: self,
            nonce: server.nonce,
        };
        let sign = |key| {
            scram::signature(hash, key, |hmac| {
                self.put_bare(hmac)?;
                hmac.put(b",")?;
                hmac.put(message)?;
                hmac.put(b",")?;
                without_proof.emit(hmac)
            })
            .ok_or(Error::NoHash)
        };
        let mut proof = keys.proof(&sign(&keys.stored.stored_key)?);
        let mut text = base64::Encoder::new(sink);
        without_proof.emit(&mut text)?;
        text.put(b",p=")?;
        base64::encode(&proof, &mut text)?;
        text.finish()?;
        proof.zeroize();
        sign(&keys.stored.server_key)
    }

    /// `gs2-header`: this side cannot bind the exchange to the channel.
    fn put_gs2<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let (Credentials::Password { authorization, .. }
        | Credentials::Token { authorization, .. }) = self.credentials;
        sink.put(b"n,")?;
        if !authorization.is_empty() {
            sink.put(b"a=")?;
            put_name(authorization, sink)?;
        }
        sink.put(b",")
    }

    /// `client-first-message-bare`
    fn put_bare<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if let Credentials::Password { user, .. } = self.credentials {
            sink.put(b"n=")?;
            put_name(user, sink)?;
        }
        sink.put(b",r=")?;
        match &self.scram {
            Some(scram) => sink.put(scram.nonce.as_bytes()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("mechanism", &self.mechanism)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// The first message of a client.
///
/// ```abnf
/// message   = [authzid] UTF8NUL authcid UTF8NUL passwd            ; PLAIN, RFC 4616 2
/// xoauth2   = "user=" user %x01 "auth=Bearer " token %x01 %x01
/// client-resp = gs2-header kvsep *kvpair kvsep                    ; OAUTHBEARER, RFC 7628 3.1
/// kvpair    = key "=" value kvsep
/// kvsep     = %x01
/// ```
struct First<'e, 'c>(&'e Exchange<'c>);

impl Emit for First<'_, '_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match (self.0.mechanism, self.0.credentials) {
            (Mechanism::Login, Credentials::Password { user, .. }) => sink.put(user.as_bytes()),
            (Mechanism::ScramSha256, _) => {
                self.0.put_gs2(sink)?;
                self.0.put_bare(sink)
            }
            (
                _,
                Credentials::Password {
                    authorization,
                    user,
                    password,
                },
            ) => {
                sink.put(authorization.as_bytes())?;
                sink.put(b"\0")?;
                sink.put(user.as_bytes())?;
                sink.put(b"\0")?;
                sink.put(password)
            }
            (
                mechanism,
                Credentials::Token {
                    authorization,
                    token,
                    host,
                    port,
                },
            ) => {
                if mechanism == Mechanism::XOAuth2 {
                    sink.put(b"user=")?;
                    sink.put(authorization.as_bytes())?;
                } else {
                    self.0.put_gs2(sink)?;
                    if !host.is_empty() {
                        sink.put(b"\x01host=")?;
                        sink.put(host.as_bytes())?;
                    }
                    if let Some(port) = port {
                        sink.put(b"\x01port=")?;
                        sink.put_decimal(port.into())?;
                    }
                }
                sink.put(b"\x01auth=Bearer ")?;
                sink.put(token.as_bytes())?;
                sink.put(b"\x01\x01")
            }
        }
    }
}

/// `client-final-message-without-proof`
struct WithoutProof<'e, 'c> {
    exchange: &'e Exchange<'c>,
    nonce: &'e [u8],
}

impl Emit for WithoutProof<'_, '_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"c=")?;
        let mut binding = base64::Encoder::new(&mut *sink);
        self.exchange.put_gs2(&mut binding)?;
        binding.finish()?;
        sink.put(b",r=")?;
        sink.put(self.nonce)
    }
}

/// Writes a message in base64.
fn put_base64<S: Sink + ?Sized>(message: &impl Emit, sink: &mut S) -> Result<(), Full> {
    let mut text = base64::Encoder::new(sink);
    message.emit(&mut text)?;
    text.finish()
}

/// A challenge without its base64.
fn decoded<'b>(challenge: &[u8], buffer: &'b mut [u8; MAX_MESSAGE]) -> Result<&'b [u8], Error> {
    let mut sink = SliceSink::new(buffer);
    base64::decode(challenge, &mut sink).map_err(|_| Error::Malformed)?;
    Ok(sink.into_written())
}
