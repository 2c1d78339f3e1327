//! What clients are told, each reply a constant.

use scop_smtp_proto::extension::Refusal;
use scop_smtp_proto::{Reply, Status};

const fn reply(code: u16, status: [u16; 3], text: &'static str) -> Reply<'static> {
    let [class, subject, detail] = status;
    // The classes are 2, 4 and 5.
    let class = if class == 4 { 4 } else { 5 };
    Refusal::new(code, Status::new(class, subject, detail), text).reply()
}

/// RFC 3207 4.
pub(super) const TLS_FIRST: Reply<'static> =
    reply(530, [5, 7, 0], "Must issue a STARTTLS command first");

/// RFC 4954 6.
pub(super) const LOGIN_FIRST: Reply<'static> = reply(530, [5, 7, 0], "Authentication required");

/// RFC 4954 6.
pub(super) const WRONG_LOGIN: Reply<'static> =
    reply(535, [5, 7, 8], "Authentication credentials invalid");

/// RFC 4954 6.
pub(super) const LOGIN_LATER: Reply<'static> =
    reply(454, [4, 7, 0], "Temporary authentication failure");

pub(super) const NOT_YOUR_ADDRESS: Reply<'static> =
    reply(550, [5, 7, 1], "This sender address is not one of yours");

/// RFC 6409 6.1.
pub(super) const NOT_YOUR_FROM: Reply<'static> = reply(
    550,
    [5, 7, 1],
    "An address in the From field is not one of yours",
);

/// RFC 6409 6.1 and 8.1.
pub(super) const NOT_YOUR_SENDER: Reply<'static> = reply(
    550,
    [5, 7, 1],
    "The address in the Sender field is not one of yours",
);

/// RFC 5322 3.6.2, RFC 3463 3.7.
pub(super) const BAD_FROM: Reply<'static> = reply(
    554,
    [5, 6, 0],
    "One From field with plain addresses is needed",
);

/// RFC 5322 3.6.2, RFC 3463 3.7.
pub(super) const BAD_SENDER: Reply<'static> = reply(
    554,
    [5, 6, 0],
    "One Sender field with one plain address is allowed",
);

/// RFC 5321 3.6.2.
pub(super) const NO_RELAY: Reply<'static> = reply(550, [5, 7, 1], "Relaying is not allowed");

pub(super) const NO_SUCH_USER: Reply<'static> = reply(550, [5, 1, 1], "No such user here");

/// RFC 5321 4.2.2, RFC 3463 3.4.
pub(super) const NO_SPACE: Reply<'static> = reply(
    452,
    [4, 3, 1],
    "Insufficient system storage, try again later",
);

/// RFC 5321 4.5.3.1.10: the client sends what is left in another transaction.
pub(super) const TOO_MANY_RECIPIENTS: Reply<'static> = reply(452, [4, 5, 3], "Too many recipients");

pub(super) const STORAGE: Reply<'static> =
    reply(451, [4, 3, 0], "Local error in processing, try again later");

pub(super) const HEADER_TOO_LARGE: Reply<'static> =
    reply(552, [5, 3, 4], "The header of the message is too large");

/// The fields of this host are put above the header, and would swallow such a line (RFC 5322 2.2.3).
pub(super) const BAD_HEADER: Reply<'static> = reply(
    554,
    [5, 6, 0],
    "The header begins with a line that continues none",
);

/// RFC 5321 6.3.
pub(super) const LOOP: Reply<'static> = reply(554, [5, 4, 6], "Too many hops: a mail loop");

/// RFC 9989 and RFC 7372.
pub(super) const DMARC: Reply<'static> = reply(
    550,
    [5, 7, 1],
    "Refused as the policy of the author's domain asks (DMARC)",
);
