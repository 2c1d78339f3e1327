//! What both examples do with mail, whoever drives the machines: a server that keeps what it receives, and
//! a client that sends letters and notes what became of each recipient.

pub mod sending;
pub mod serving;
mod tls;

pub use sending::{Errand, Letter};
pub use serving::{Mailroom, Rules};
pub use tls::{Certificate, any_certificate};

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::time::Instant as Clock;

use scop_core::Instant;
use scop_smtp_proto::auth::{Mechanism, MechanismSet};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, Dsn, EightBitMime, EnhancedStatusCodes, Extension, Pipelining,
    RequireTls, Size, SmtpUtf8, StartTls,
};

/// What the server offers and the client uses.
pub static EXTENSIONS: &[&dyn Extension] = &[
    &Pipelining,
    &Size(50 << 20),
    &EightBitMime,
    &SmtpUtf8,
    &Dsn,
    &Chunking,
    &BinaryMime,
    &EnhancedStatusCodes,
    &StartTls,
    &RequireTls,
    &Auth {
        mechanisms: MechanismSet::PROOFS
            .with(Mechanism::Plain)
            .with(Mechanism::Login)
            .with(Mechanism::XOAuth2)
            .with(Mechanism::OAuthBearer),
        plaintext_allowed: false,
    },
];

/// Milliseconds since the first call.
pub fn now() -> Instant {
    static BEGIN: OnceLock<Clock> = OnceLock::new();
    let elapsed = BEGIN.get_or_init(Clock::now).elapsed();
    Instant(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// How long it is until `moment`; never nothing, because a socket takes that for "for ever".
pub fn until(moment: Instant) -> core::time::Duration {
    (moment - now()).max(core::time::Duration::from_millis(1))
}

/// Octets that nobody can guess.
pub fn random() -> [u8; 18] {
    let random = |at: usize| RandomState::new().hash_one(at).to_le_bytes()[0];
    core::array::from_fn(random)
}
