//! AUTH (RFC 4954) and the mechanisms of SASL (RFC 4422) that mail uses, both sides, without an allocator.
//!
//! [`client::Exchange`] and [`server::Exchange`] speak lines: what the one writes, the other reads. They
//! know no socket, no clock and no source of randomness. Neither panics on any input; both end after a
//! few lines whatever the other side sends.
//!
//! | Mechanism | Source | The secret crosses the channel |
//! |---|---|---|
//! | `PLAIN` | RFC 4616 | yes |
//! | `LOGIN` | draft-murchison-sasl-login, and what programs do | yes |
//! | `XOAUTH2` | as Google and Microsoft document it | yes, a token |
//! | `OAUTHBEARER` | RFC 7628 | yes, a token |
//! | `SCRAM-SHA-256` | RFC 5802, RFC 7677 | no; both sides prove that they know it |
//!
//! **Names and passwords** are sent and compared as they are given: there is no table of Unicode here.
//! Printable ASCII is what `SASLprep` (RFC 4013) and `OpaqueString` (RFC 8265 4.2) map to itself. Whoever
//! lets people type other characters normalises them (NFC) before they come here, and where accounts
//! are made (RFC 5802 2.2); a form that differs fails to authenticate and does no other harm. Control
//! characters, which both profiles prohibit, are refused in names and in what a client sends.
//!
//! **Secrets** are never shown by `Debug`, are compared in constant time, and are overwritten in the
//! buffers here when an exchange ends. The lines that carry them are the caller's.
//!
//! ```
//! use scop_core::SliceSink;
//! use scop_smtp_proto::auth::{Credentials, Mechanism, MechanismSet, client, server};
//!
//! let credentials = Credentials::Password { authorization: "", user: "joe", password: b"secret" };
//! let mut client = client::Exchange::new(Mechanism::Plain, credentials)?;
//! let mut line = [0; client::MAX_COMMAND];
//! let mut command = SliceSink::new(&mut line);
//! client.start(&mut command)?;
//! assert_eq!(command.written(), b"AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n");
//!
//! let mut buffer = [0; 512];
//! let mut server = server::Exchange::new(&mut buffer);
//! let allowed = MechanismSet::default().with(Mechanism::Plain);
//! assert_eq!(server.start(b"PLAIN AGpvZQBzZWNyZXQ=", allowed), server::Step::Credentials);
//! assert_eq!(server.credentials(), Some(credentials));
//! assert_eq!(server.accept(), server::Step::Verified);
//! # Ok::<(), client::Error>(())
//! ```

use core::fmt;

use scop_core::{Full, Sink};

use self::hmac::same;
use crate::ehlo::Words;

pub mod client;
pub mod hmac;
pub mod scram;
pub mod server;
#[cfg(test)]
mod tests;

/// Strict base64, as RFC 4954 4 asks for it.
pub use scop_core::base64;

/// A mechanism of SASL (RFC 4422).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// As Microsoft and others send it; never registered as more than obsolete.
    Login,
    /// A bearer token as Google and Microsoft take it.
    XOAuth2,
    /// RFC 7628.
    OAuthBearer,
    /// RFC 7677 over RFC 5802, without channel binding.
    ScramSha256,
}

impl Mechanism {
    /// All of them, what is to be preferred first: a proof, a token with an end, a password.
    pub const ALL: [Self; 5] = [
        Self::ScramSha256,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::Plain,
        Self::Login,
    ];

    /// The mechanism of this name, which is compared without regard to ASCII case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| mechanism.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The registered name (RFC 4422 3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::XOAuth2 => "XOAUTH2",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::ScramSha256 => "SCRAM-SHA-256",
        }
    }

    /// Whether whoever reads the channel learns the secret: not to be offered or used unless the channel
    /// is encrypted (RFC 4954 4, RFC 4616 4, RFC 7628 4).
    pub const fn reveals_secret(self) -> bool {
        !matches!(self, Self::ScramSha256)
    }

    /// Whether it takes a token; the others take a password.
    pub const fn takes_token(self) -> bool {
        matches!(self, Self::XOAuth2 | Self::OAuthBearer)
    }
}

/// A set of mechanisms.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct MechanismSet(u8);

impl fmt::Debug for MechanismSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl MechanismSet {
    /// Those that prove the secret and do not reveal it, so that TLS is not needed for them.
    pub const PROOFS: Self = Self(0).with(Mechanism::ScramSha256);

    /// All that this crate knows.
    pub const ALL: Self = Self::PROOFS
        .with(Mechanism::Plain)
        .with(Mechanism::Login)
        .with(Mechanism::XOAuth2)
        .with(Mechanism::OAuthBearer);

    /// The mechanisms in the arguments of the EHLO keyword AUTH (RFC 4954 3) that this crate knows.
    pub fn parse(arguments: &[u8]) -> Self {
        Words::new(arguments)
            .filter_map(Mechanism::parse)
            .fold(Self::default(), Self::with)
    }

    /// Whether `mechanism` is in it.
    pub const fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & (1 << mechanism as u8) != 0
    }

    /// With `mechanism` in it.
    #[must_use]
    pub const fn with(self, mechanism: Mechanism) -> Self {
        Self(self.0 | 1 << mechanism as u8)
    }

    /// Without `mechanism` in it.
    #[must_use]
    pub const fn without(self, mechanism: Mechanism) -> Self {
        Self(self.0 & !(1 << mechanism as u8))
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The mechanisms, what is to be preferred first.
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL
            .into_iter()
            .filter(move |&mechanism| self.contains(mechanism))
    }

    /// Writes the names with a space between, as the EHLO keyword AUTH wants them.
    ///
    /// # Errors
    /// When the sink is full.
    pub fn emit<S: Sink + ?Sized>(self, sink: &mut S) -> Result<(), Full> {
        let mut first = true;
        for mechanism in self.iter() {
            if !core::mem::take(&mut first) {
                sink.put_byte(b' ')?;
            }
            sink.put(mechanism.name().as_bytes())?;
        }
        Ok(())
    }
}

/// What a client shows to prove who it is. Secrets are compared in a time that does not tell where they differ.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Credentials<'a> {
    /// For PLAIN, LOGIN and, on the client, SCRAM.
    Password {
        /// As whom to act; empty: as the user. LOGIN has no place for it.
        authorization: &'a str,
        /// Whose password it is.
        user: &'a str,
        /// The password. LOGIN has no charset; elsewhere it is UTF-8.
        password: &'a [u8],
    },
    /// For XOAUTH2 and OAUTHBEARER (RFC 6750 2.1).
    Token {
        /// As whom to act. XOAUTH2 calls it the user and must have it; elsewhere it may be empty.
        authorization: &'a str,
        /// The bearer token.
        token: &'a str,
        /// The host that the client means to talk to (RFC 7628 3.1); empty: not said.
        host: &'a str,
        /// The port that it connected to (RFC 7628 3.1).
        port: Option<u16>,
    },
}

impl PartialEq for Credentials<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (mine, its) = (self.secret(), other.secret());
        self.public() == other.public() && mine.len() == its.len() && same(mine, its)
    }
}

impl Eq for Credentials<'_> {}

/// Shows whom it is about, and no secret.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password {
                authorization,
                user,
                ..
            } => f
                .debug_struct("Password")
                .field("authorization", authorization)
                .field("user", user)
                .finish_non_exhaustive(),
            Self::Token {
                authorization,
                host,
                port,
                ..
            } => f
                .debug_struct("Token")
                .field("authorization", authorization)
                .field("host", host)
                .field("port", port)
                .finish_non_exhaustive(),
        }
    }
}

impl<'a> Credentials<'a> {
    const fn secret(&self) -> &'a [u8] {
        match self {
            Self::Password { password, .. } => password,
            Self::Token { token, .. } => token.as_bytes(),
        }
    }

    /// All but the secret; the first says of which kind it is.
    const fn public(&self) -> (bool, &'a str, &'a str, Option<u16>) {
        match *self {
            Self::Password {
                authorization,
                user,
                ..
            } => (false, authorization, user, None),
            Self::Token {
                authorization,
                host,
                port,
                ..
            } => (true, authorization, host, port),
        }
    }
}

/// Who an exchange is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// As whom to act; empty: as the user.
    pub authorization: &'a str,
    /// Who proved to be it; empty for a token, which says it itself.
    pub user: &'a str,
}

/// Whether text holds a control character: `SASLprep` and `OpaqueString` prohibit them (RFC 3454 C.2.1 and
/// C.2.2, RFC 8264 9.2), among them NUL and %x01, which stand between the parts of messages here.
fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// ```abnf
/// vschars = 1*VCHAR        ; RFC 7628 3.1 has wider values, RFC 6750 2.1 narrower tokens
/// ```
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}
