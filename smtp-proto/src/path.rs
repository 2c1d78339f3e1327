//! Paths, mailboxes and domains (RFC 5321 4.1.2 and 4.1.3, RFC 6531 3.3).

use core::net::{Ipv4Addr, Ipv6Addr};

/// What stands behind `@`, or behind HELO and EHLO.
#[derive(Clone, Copy, Debug)]
pub enum Domain<'a> {
    /// Dotted labels; U-labels are UTF-8.
    Name(&'a [u8]),
    /// `[192.0.2.1]`.
    V4(Ipv4Addr),
    /// `[IPv6:2001:db8::1]`.
    V6(Ipv6Addr),
    /// `[tag:content]` (General-address-literal).
    Tagged {
        /// The tag.
        tag: &'a [u8],
        /// What stands behind its colon.
        content: &'a [u8],
    },
}

/// `Local-part "@" ( Domain / address-literal )`.
#[derive(Clone, Copy, Debug)]
pub struct Mailbox<'a> {
    raw: &'a [u8],
    local_len: usize,
    domain: Domain<'a>,
}

impl<'a> Mailbox<'a> {
    /// As it was written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What stands before the `@`, as written.
    pub fn local_part(&self) -> &'a [u8] {
        self.raw.get(..self.local_len).unwrap_or_default()
    }

    /// What stands behind the `@`.
    pub const fn domain(&self) -> Domain<'a> {
        self.domain
    }
}

/// The path of MAIL.
#[derive(Clone, Copy, Debug)]
pub enum ReversePath<'a> {
    /// `<>`: a notification, which must not be answered (RFC 5321 4.5.5).
    Null,
    /// A mailbox; a source route before it is kept in `route` and means nothing (RFC 5321 F.2).
    Mailbox {
        /// `@one,@two`, or empty.
        route: &'a [u8],
        /// The mailbox.
        mailbox: Mailbox<'a>,
    },
}

/// The path of RCPT.
#[derive(Clone, Copy, Debug)]
pub enum ForwardPath<'a> {
    /// `<Postmaster>`, without a domain (RFC 5321 4.1.1.3).
    Postmaster,
    /// A mailbox; a source route before it is kept in `route` and means nothing (RFC 5321 F.2).
    Mailbox {
        /// `@one,@two`, or empty.
        route: &'a [u8],
        /// The mailbox.
        mailbox: Mailbox<'a>,
    },
}
