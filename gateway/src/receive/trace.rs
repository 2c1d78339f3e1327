//! What a server writes above a message (RFC 5321 4.4), and what it takes out: fields that claim to be its own
//! (RFC 8601 5).
//!
//! Contract: linear time, and whatever a client said, each function writes one field. A name or recipient
//! that cannot stand in Received is left out; the grammar allows that, and has the address of the client in the
//! place of its name.

use std::net::IpAddr;

use scop_core::UnixTime;
use scop_dmarc::authenticator::claims;
use scop_mime_core::header::date::Zone;
use scop_mime_core::header::trace::{Client, Stamp, StampError};
use scop_mime_core::{AddrSpec, DateTime, HeaderBlock};

use crate::error::Error;

/// The longest domain (RFC 5321 4.5.3.1.2).
const MAX_DOMAIN: usize = 255;

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    /// The client.
    pub(crate) ip: IpAddr,
    /// What it said in EHLO, HELO or LHLO.
    pub(crate) helo: &'a [u8],
    /// The name of this host.
    pub(crate) by: &'a str,
    /// `ESMTP`, `ESMTPSA` and so on (RFC 3848, RFC 6531 4.3).
    pub(crate) with: &'a str,
    /// The name of the message in the log.
    pub(crate) id: &'a str,
    /// The recipient, where there is one alone: several would tell each of the others.
    pub(crate) recipient: Option<&'a str>,
    /// The TLS cipher suite (RFC 8314 4.3).
    pub(crate) tls: Option<&'a str>,
    pub(crate) at: UnixTime,
}

/// What stays of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept<'h> {
    /// In order; together with what was removed they are the whole.
    pub(crate) pieces: Vec<&'h [u8]>,
    /// How many fields were removed.
    pub(crate) removed: usize,
}

/// The Received field, folded, with its line end.
///
/// # Errors
/// When what this host says of itself cannot stand there: its name, the protocol, the id, the cipher suite, its
/// clock. [`check_name`] finds a wrong name at the start.
pub(crate) fn received(arrival: &Arrival<'_>) -> Result<Vec<u8>, Error> {
    let date = DateTime::from_unix(arrival.at, Zone::UTC)
        .ok_or_else(|| Error::new("Received", "the clock is beyond the year 9999"))?;
    let mut stamp = Stamp::new(arrival.by.as_bytes(), date);
    stamp.from = Some(Client {
        name: name(arrival.helo),
        reverse: None,
        ip: arrival.ip.to_canonical(),
    });
    stamp.with = Some(arrival.with.as_bytes());
    stamp.id = Some(arrival.id.as_bytes());
    stamp.tls = arrival.tls.map(str::as_bytes);
    stamp.recipient = arrival.recipient.and_then(|recipient| {
        let is_international = arrival.with.starts_with("UTF8");
        let address = AddrSpec::parse(recipient.as_bytes()).ok()?;
        (recipient.is_ascii() || is_international).then_some(address)
    });
    let mut field = Vec::new();
    let mut written = stamp.write(&mut field);
    if let Err(StampError::Control | StampError::LineTooLong) = written {
        stamp.recipient = None;
        field.clear();
        written = stamp.write(&mut field);
    }
    written.map_err(|rule| Error::new("Received", rule))?;
    Ok(field)
}

/// # Errors
/// When the name of a host cannot stand in Received.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if self::name(name.as_bytes()).is_some() {
        return Ok(());
    }
    Err(Error::new("name", StampError::BadDomain))
}

/// The Return-Path field for a message that is delivered for good, with its line end; `mail_from` is empty for a
/// bounce.
///
/// # Errors
/// When the path is none that a header field can hold. Nobody who speaks SMTP well sends such a one.
pub(crate) fn return_path(mail_from: &str) -> Result<Vec<u8>, Error> {
    let field = format!("Return-Path: <{mail_from}>\r\n");
    let value = mail_from.as_bytes();
    if mail_from.chars().any(char::is_control) || field.len() > 1000 {
        return Err(Error::new(
            "Return-Path",
            "the path holds a control character or is too long (RFC 5322 2.1.1)",
        ));
    }
    if !value.is_empty() {
        AddrSpec::parse(value).map_err(|rule| Error::new("Return-Path", rule))?;
    }
    Ok(field.into_bytes())
}

/// How many servers a message has passed (RFC 5321 6.3).
pub(crate) fn hops(header: &[u8]) -> usize {
    let fields = HeaderBlock::new(header).fields();
    fields.filter(|field| field.is(b"Received")).count()
}

/// A header without the Authentication-Results fields that claim to be of `authserv_id` in a spelling that some reader
/// takes for it, or that do not say whose they are (RFC 8601 5).
///
/// `header` may hold the empty line behind it, and all else that is not removed stays to the octet.
///
/// # Errors
/// When the header begins with white space: above it stand the fields of this host, and its first line would
/// become a part of the last of them (RFC 5322 2.2.3). Such a message is to be refused.
pub(crate) fn without_claims<'h>(header: &'h [u8], authserv_id: &str) -> Result<Kept<'h>, Error> {
    if let Some(b' ' | b'\t') = header.first() {
        return Err(Error::new(
            "line 1 of the header",
            "it continues a field, and there is none before it (RFC 5322 2.2.3)",
        ));
    }
    let mut kept = Kept {
        pieces: Vec::new(),
        removed: 0,
    };
    let mut start = 0;
    let mut keep = |start, end| {
        let piece = header.get(start..end).unwrap_or_default();
        if !piece.is_empty() {
            kept.pieces.push(piece);
        }
    };
    for claim in claims(HeaderBlock::new(header), authserv_id.as_bytes()) {
        keep(start, claim.offset());
        start = claim.offset() + claim.raw().len();
        kept.removed += 1;
    }
    keep(start, header.len());
    Ok(kept)
}

/// A name that a host may have in Received: a domain, or an address literal. One beyond ASCII is none there
/// (RFC 6531 3.7.3 wants A-labels).
fn name(text: &[u8]) -> Option<&[u8]> {
    let date = DateTime::from_unix(UnixTime(0), Zone::UTC)?;
    let is_name = text.len() <= MAX_DOMAIN
        && text.is_ascii()
        && Stamp::new(text, date).write(&mut Vec::new()).is_ok();
    is_name.then_some(text)
}

#[cfg(test)]
mod tests;
