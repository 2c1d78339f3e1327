//! Parameters of delivery status notifications (RFC 3461 4, RFC 6533 3).

use scop_core::{Cursor, Emit, Full, ParseError, Sink};
use scop_mime_core::report::utf8_address::{Encoded, Utf8Address};

use super::xtext::{Octets, Xtext};
use super::{ParameterError, ParameterErrorKind, word};
use crate::shown::debug_as_text;

/// RET: how much of the message a notification of failure gives back (RFC 3461 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

impl Ret {
    /// Reads `"FULL" / "HDRS"`.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadWord`].
    pub fn parse(value: &[u8]) -> Result<Self, ParameterError> {
        word(value, &[("FULL", Self::Full), ("HDRS", Self::Headers)])
    }
}

impl Emit for Ret {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(match self {
            Self::Full => b"RET=FULL",
            Self::Headers => b"RET=HDRS",
        })
    }
}

/// ENVID: what the sender calls the message (RFC 3461 4.4); notifications give it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeId<'a>(Xtext<'a>);

impl<'a> EnvelopeId<'a> {
    /// The longest value as it is written (RFC 3461: "up to 100 characters").
    pub const MAX_LEN: usize = 100;

    /// This text.
    ///
    /// # Errors
    /// When it is not printable US-ASCII of at least one character, or too long as xtext.
    pub fn new(text: &'a [u8]) -> Result<Self, ParameterError> {
        Self::checked(Xtext::of(text))
    }

    /// Reads xtext.
    ///
    /// # Errors
    /// When it is none, stands for something else than printable US-ASCII, or is too long.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParameterError> {
        Self::checked(Xtext::parse(value)?)
    }

    /// The text.
    pub fn octets(&self) -> Octets<'a> {
        self.0.octets()
    }

    fn checked(text: Xtext<'a>) -> Result<Self, ParameterError> {
        printable(&text)?;
        at_most(Self::MAX_LEN, &text)?;
        Ok(Self(text))
    }
}

impl Emit for EnvelopeId<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"ENVID=")?;
        self.0.emit(sink)
    }
}

/// NOTIFY: of what the sender wants to hear (RFC 3461 4.1).
///
/// ```
/// use scop_smtp_proto::parameter::Notify;
/// let notify = Notify::SUCCESS.and(Notify::FAILURE);
/// assert_eq!(Notify::parse(b"failure,success"), Ok(notify));
/// assert!(!notify.wants(Notify::DELAY) && Notify::parse(b"NEVER") == Ok(Notify::NEVER));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notify(u8);

impl Notify {
    /// Of nothing.
    pub const NEVER: Self = Self(0);
    /// Of delivery.
    pub const SUCCESS: Self = Self(1);
    /// Of failure.
    pub const FAILURE: Self = Self(2);
    /// Of delay.
    pub const DELAY: Self = Self(4);

    const WORDS: [(&'static str, Self); 3] = [
        ("SUCCESS", Self::SUCCESS),
        ("FAILURE", Self::FAILURE),
        ("DELAY", Self::DELAY),
    ];

    /// Of what either says.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is wanted.
    pub const fn wants(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads the value.
    ///
    /// ```text
    /// notify-esmtp-value = "NEVER" / 1#notify-list-element           ; RFC 3461 4.1
    /// notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
    /// ```
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadWord`], also for NEVER with another, and for an empty element.
    pub fn parse(value: &[u8]) -> Result<Self, ParameterError> {
        if value.eq_ignore_ascii_case(b"NEVER") {
            return Ok(Self::NEVER);
        }
        let mut cursor = Cursor::new(value);
        let mut notify = Self::NEVER;
        loop {
            let start = cursor.offset();
            let element = cursor.take_while(|octet| octet != b',');
            notify = notify.and(word(element, &Self::WORDS).map_err(|error| error.nested(start))?);
            if !cursor.skip_byte(b',') {
                return Ok(notify);
            }
        }
    }
}

impl Emit for Notify {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if *self == Self::NEVER {
            return sink.put(b"NOTIFY=NEVER");
        }
        let mut separator = &b"NOTIFY="[..];
        for (word, element) in Self::WORDS {
            if self.wants(element) {
                sink.put(separator)?;
                sink.put(word.as_bytes())?;
                separator = b",";
            }
        }
        Ok(())
    }
}

/// ORCPT: the recipient as the sender wrote it (RFC 3461 4.2).
///
/// ```
/// use scop_core::Emit;
/// use scop_smtp_proto::parameter::OriginalRecipient;
///
/// let recipient = OriginalRecipient::parse(b"rfc822;joe+2Btag@example.org")?;
/// assert_eq!(recipient.address().emitted_len(), "joe+tag@example.org".len());
/// let recipient = OriginalRecipient::utf8("jos\u{e9}@example.org")?;
/// let mut written: heapless::Vec<u8, 64> = heapless::Vec::new();
/// assert!(recipient.emit(&mut written).is_ok());
/// assert_eq!(written, b"ORCPT=utf-8;jos\\x{E9}@example.org");
/// # Ok::<(), scop_smtp_proto::parameter::ParameterError>(())
/// ```
#[derive(Clone, Copy)]
pub struct OriginalRecipient<'a> {
    address_type: &'a [u8],
    address: Address<'a>,
}

debug_as_text!(OriginalRecipient);

#[derive(Clone, Copy)]
enum Address<'a> {
    Xtext(Xtext<'a>),
    /// Of the type `utf-8`, as read.
    Utf8(&'a [u8]),
    /// To be written as `utf-8-addr-xtext`.
    Text(&'a str),
}

impl<'a> OriginalRecipient<'a> {
    /// The longest value as it is written (RFC 3461: "up to 500 characters").
    pub const MAX_LEN: usize = 500;

    /// An address of mail in US-ASCII.
    ///
    /// # Errors
    /// When it is empty, not printable US-ASCII, or too long as xtext.
    pub fn rfc822(address: &'a [u8]) -> Result<Self, ParameterError> {
        Self::checked(b"rfc822", Address::Xtext(Xtext::of(address)), 0)
    }

    /// An address of internationalised mail (RFC 6533 3). It is written in US-ASCII, as
    /// `utf-8-addr-xtext`, which every server with DSN takes.
    ///
    /// # Errors
    /// When it is empty, holds control characters, or is too long as it is written.
    pub fn utf8(address: &'a str) -> Result<Self, ParameterError> {
        Self::checked(b"utf-8", Address::Text(address), 0)
    }

    /// Reads the value.
    ///
    /// ```text
    /// original-recipient-address = addr-type ";" xtext               ; RFC 3461 4.2
    /// addr-type                  = atom
    /// original-recipient-address =/ "utf-8;" ( utf-8-addr-xtext / utf-8-addr-unitext )  ; RFC 6533 3
    /// ```
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParameterError> {
        let mut cursor = Cursor::new(value);
        let address_type = cursor.take_while(|octet| crate::lexical::Class::ATEXT.has(octet));
        if address_type.is_empty() || !cursor.skip_byte(b';') {
            return Err(ParseError::new(
                ParameterErrorKind::BadAddressType,
                cursor.offset(),
            ));
        }
        let start = cursor.offset();
        let address = if address_type.eq_ignore_ascii_case(b"utf-8") {
            Address::Utf8(cursor.rest())
        } else {
            let text = Xtext::parse(cursor.rest()).map_err(|error| error.nested(start))?;
            Address::Xtext(text)
        };
        Self::checked(address_type, address, start)
    }

    /// `rfc822`, `utf-8` or another, as written; it compares without regard to ASCII case.
    pub const fn address_type(&self) -> &'a [u8] {
        self.address_type
    }

    /// Whether it can be sent without SMTPUTF8 (RFC 6533 3): it is written in US-ASCII.
    pub const fn is_ascii(&self) -> bool {
        match self.address {
            Address::Utf8(written) => written.is_ascii(),
            Address::Xtext(_) | Address::Text(_) => true,
        }
    }

    /// The address that it stands for; it emits UTF-8 for the type `utf-8`, and US-ASCII for others.
    pub const fn address(&self) -> OriginalAddress<'a> {
        OriginalAddress(self.address)
    }

    /// `start` is where the address stands in what was read.
    fn checked(
        address_type: &'a [u8],
        address: Address<'a>,
        start: usize,
    ) -> Result<Self, ParameterError> {
        let is_utf8 = match address {
            Address::Xtext(text) => {
                printable(&text).map_err(|error| error.nested(start))?;
                true
            }
            Address::Utf8(written) => Utf8Address::parse(written).is_some(),
            Address::Text(text) => !text.is_empty() && !text.chars().any(char::is_control),
        };
        if !is_utf8 {
            return Err(ParseError::new(ParameterErrorKind::BadUtf8Address, start));
        }
        let recipient = Self {
            address_type,
            address,
        };
        at_most(Self::MAX_LEN, &Value(&recipient))?;
        Ok(recipient)
    }
}

impl Emit for OriginalRecipient<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"ORCPT=")?;
        Value(self).emit(sink)
    }
}

/// The address of an [`OriginalRecipient`], decoded.
#[derive(Clone, Copy)]
pub struct OriginalAddress<'a>(Address<'a>);

debug_as_text!(OriginalAddress);

impl Emit for OriginalAddress<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self.0 {
            Address::Xtext(text) => text.octets().try_for_each(|octet| sink.put_byte(octet)),
            // It was read before.
            Address::Utf8(written) => {
                Utf8Address::parse(written).map_or(Ok(()), |text| text.emit(sink))
            }
            Address::Text(text) => sink.put(text.as_bytes()),
        }
    }
}

struct Value<'r, 'a>(&'r OriginalRecipient<'a>);

impl Emit for Value<'_, '_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0.address_type)?;
        sink.put_byte(b';')?;
        match self.0.address {
            Address::Xtext(text) => text.emit(sink),
            Address::Utf8(written) => sink.put(written),
            Address::Text(text) => Encoded(text).emit(sink),
        }
    }
}

/// One printable character of US-ASCII at least, and nothing else (RFC 3461 4.2 and 4.4).
fn printable(text: &Xtext<'_>) -> Result<(), ParameterError> {
    let mut octets = text.octets();
    if octets.clone().next().is_none() || octets.any(|octet| !matches!(octet, 32..=126)) {
        return Err(ParseError::new(ParameterErrorKind::BadXtext, 0));
    }
    Ok(())
}

fn at_most(len: usize, value: &impl Emit) -> Result<(), ParameterError> {
    if value.emitted_len() > len {
        return Err(ParseError::new(ParameterErrorKind::TooLong, len));
    }
    Ok(())
}
