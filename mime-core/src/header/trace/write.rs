//! Writing a Received field (RFC 5321 4.4).

use core::fmt;
use core::net::IpAddr;

use scop_core::{Emit, Full, Sink};

use crate::header::address::AddrSpec;
use crate::header::date::DateTime;
use crate::header::fold::{FoldError, FoldSink};
use crate::header::lexical::{is_atext, is_dot_atom};
use crate::header::message_id::MessageId;

/// Why a Received field cannot be written. What the sink took so far is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StampError {
    /// The sink is full.
    Full,
    /// A line would exceed 998 octets (RFC 5322 2.1.1).
    LineTooLong,
    /// A name that is neither a domain nor an address literal (RFC 5321 4.1.2).
    BadDomain,
    /// A link, protocol or cipher suite that is no atom (RFC 5321 4.4).
    BadAtom,
    /// An identifier that is neither a dot-atom nor a msg-id (RFC 5321 4.4).
    BadId,
    /// A recipient with a control character.
    Control,
}

impl fmt::Display for StampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => return Full.fmt(f),
            Self::LineTooLong => return FoldError::LineTooLong.fmt(f),
            Self::BadDomain => "a name is neither a domain nor a literal (RFC 5321 4.1.2)",
            Self::BadAtom => "a link, protocol or cipher suite is no atom (RFC 5321 4.4)",
            Self::BadId => "an identifier is neither a dot-atom nor a msg-id (RFC 5321 4.4)",
            Self::Control => "a recipient holds a control character (RFC 5321 4.1.2)",
        })
    }
}

impl core::error::Error for StampError {}

impl From<FoldError> for StampError {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Full => Self::Full,
            FoldError::LineEnd => Self::Control,
            FoldError::LineTooLong => Self::LineTooLong,
        }
    }
}

/// The Received field that a server puts above a message. [`super::Received`] has the grammar.
///
/// Every value is checked when it is written, because most of them are what a client said. A name that a
/// client gave and that is none is an error: leave it out then, so that the address literal stands in its
/// place.
///
/// ```
/// use scop_core::{SliceSink, UnixTime};
/// use scop_mime_core::{AddrSpec, DateTime};
/// use scop_mime_core::header::date::Zone;
/// use scop_mime_core::header::trace::{Client, Stamp};
///
/// let date = DateTime::from_unix(UnixTime(880_128_343), Zone::UTC).unwrap();
/// let mut stamp = Stamp::new(b"mx.example.net", date);
/// stamp.from = Some(Client {
///     name: Some(b"x.y.example"),
///     reverse: Some(b"mail.y.example"),
///     ip: [192, 0, 2, 1].into(),
/// });
/// stamp.with = Some(b"ESMTPS");
/// stamp.id = Some(b"ABC12345");
/// stamp.recipient = Some(AddrSpec::parse(b"mary@example.net")?);
/// let mut buffer = [0; 256];
/// let mut out = SliceSink::new(&mut buffer);
/// stamp.write(&mut out)?;
/// assert_eq!(
///     out.written(),
///     &b"Received: from x.y.example (mail.y.example [192.0.2.1])\r\n \
///        by mx.example.net with ESMTPS id ABC12345 for <mary@example.net>;\r\n \
///        Fri, 21 Nov 1997 16:05:43 +0000\r\n"[..],
/// );
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Stamp<'a> {
    /// Who handed the message over; nobody where it was submitted within the host.
    pub from: Option<Client<'a>>,
    /// The name of the server that writes.
    pub by: &'a [u8],
    /// The physical link, where it is not TCP.
    pub via: Option<&'a [u8]>,
    /// The protocol: `ESMTPSA` (RFC 3848), `UTF8SMTP` (RFC 6531 4.3).
    pub with: Option<&'a [u8]>,
    /// The name of the message in the queue or log of the server, or a msg-id.
    pub id: Option<&'a [u8]>,
    /// The recipient, where there is one alone (RFC 5321 7.2).
    pub recipient: Option<AddrSpec<'a>>,
    /// The TLS cipher suite (RFC 8314 4.3): `TLS_AES_128_GCM_SHA256`.
    pub tls: Option<&'a [u8]>,
    /// When the message came.
    pub date: DateTime,
}

/// The peer of a server.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// What it called itself: a domain, or an address literal with its brackets.
    pub name: Option<&'a [u8]>,
    /// The name that DNS gives its address, where it does and that name was confirmed.
    pub reverse: Option<&'a [u8]>,
    /// Its address.
    pub ip: IpAddr,
}

impl<'a> Stamp<'a> {
    /// Of the server `by`, with nothing else said than when.
    pub const fn new(by: &'a [u8], date: DateTime) -> Self {
        Self {
            from: None,
            by,
            via: None,
            with: None,
            id: None,
            recipient: None,
            tls: None,
            date,
        }
    }

    /// Writes the field, folded, with its line end.
    ///
    /// # Errors
    /// The first value that cannot stand where it should, or `Full`.
    pub fn write<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), StampError> {
        self.check()?;
        let mut line = FoldSink::new(sink);
        match self.emit(&mut line) {
            Ok(()) => Ok(line.finish()?),
            Err(Full) => Err(line.error().unwrap_or(FoldError::Full).into()),
        }
    }

    fn check(&self) -> Result<(), StampError> {
        let client = self.from.and_then(|client| client.name);
        let reverse = self.from.and_then(|client| client.reverse);
        let names = [client, reverse, Some(self.by)];
        if !names.into_iter().flatten().all(is_name) {
            return Err(StampError::BadDomain);
        }
        let atoms = [self.via, self.with, self.tls];
        if !atoms.into_iter().flatten().all(is_atom) {
            return Err(StampError::BadAtom);
        }
        if !self.id.is_none_or(is_id) {
            return Err(StampError::BadId);
        }
        match self.recipient {
            Some(address) if has_control(&address) => Err(StampError::Control),
            _ => Ok(()),
        }
    }

    fn emit<S: Sink + ?Sized>(&self, line: &mut FoldSink<'_, S>) -> Result<(), Full> {
        line.put(b"Received:")?;
        if let Some(client) = self.from {
            line.put(b" from ")?;
            match client.name {
                Some(name) => line.put(name)?,
                None => emit_literal(client.ip, line)?,
            }
            line.put(b" (")?;
            if let Some(reverse) = client.reverse {
                line.put(reverse)?;
                line.put_byte(b' ')?;
            }
            emit_literal(client.ip, line)?;
            line.put(b")")?;
            line.end_line()?;
        }
        let clauses = [
            (&b" by "[..], Some(self.by)),
            (b" via ", self.via),
            (b" with ", self.with),
            (b" id ", self.id),
        ];
        for (keyword, value) in clauses {
            if let Some(value) = value {
                line.put(keyword)?;
                line.put(value)?;
            }
        }
        if let Some(recipient) = self.recipient {
            line.put(b" for <")?;
            recipient.emit(line)?;
            line.put(b">")?;
        }
        if let Some(tls) = self.tls {
            line.put(b" tls ")?;
            line.put(tls)?;
        }
        line.put(b";")?;
        line.end_line()?;
        line.put(b" ")?;
        self.date.emit(line)
    }
}

/// `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 4.1.3).
fn emit_literal<S: Sink + ?Sized>(ip: IpAddr, sink: &mut S) -> Result<(), Full> {
    sink.put(if ip.is_ipv4() { b"[" } else { b"[IPv6:" })?;
    ip.emit(sink)?;
    sink.put(b"]")
}

/// ```text
/// Domain          = sub-domain *("." sub-domain)                  ; RFC 5321 4.1.2, also with "_"
/// sub-domain     =/ U-label                                       ; RFC 6531 3.3
/// address-literal = "[" 1*dcontent "]"                            ; RFC 5321 4.1.3
/// dcontent        = %d33-90 / %d94-126
/// ```
///
/// Of dcontent only what an IP address or a tag holds is taken: a parenthesis would begin a comment.
fn is_name(name: &[u8]) -> bool {
    if let [b'[', inner @ .., b']'] = name {
        return !inner.is_empty()
            && inner
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-'));
    }
    let is_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..);
    is_dot_atom(name.iter().copied())
        && name.iter().all(|&byte| is_label(byte) || byte == b'.')
        && is_text(name)
}

fn is_atom(atom: &[u8]) -> bool {
    !atom.is_empty() && atom.iter().all(|&byte| is_atext(byte) && byte.is_ascii())
}

fn is_id(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b'!'..=b'~');
    id.iter().all(is_plain)
        && (is_dot_atom(id.iter().copied())
            || MessageId::parse(id).is_ok_and(|read| read.raw() == id))
}

fn has_control(address: &AddrSpec<'_>) -> bool {
    let texts = [address.local_part().text(), address.domain().text()];
    !texts.into_iter().all(|text| text.runs().all(is_text))
}

/// UTF-8 without controls, and without the two separators at which some readers end a line.
fn is_text(text: &[u8]) -> bool {
    core::str::from_utf8(text).is_ok_and(|text| {
        !text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    })
}
