//! Attributes of XCLIENT and XFORWARD (`XCLIENT_README` and `XFORWARD_README` of Postfix).

use core::net::IpAddr;

use scop_core::{Cursor, Emit, Full, ParseError, Sink, ip};

use super::{CommandError, CommandErrorKind};
use crate::lexical::Class;
use crate::parameter::Xtext;
use crate::shown::debug_as_text;

/// What stands behind XCLIENT or XFORWARD: attributes with one space between, one at least, none twice.
///
/// ```text
/// xclient-command  = XCLIENT 1*( SP attribute-name"="attribute-value )
/// attribute-name   = ( NAME | ADDR | PORT | PROTO | HELO | LOGIN | DESTADDR | DESTPORT )
/// xforward-command = XFORWARD 1*( SP attribute-name"="attribute-value )
/// attribute-name   = ( NAME | ADDR | PORT | PROTO | HELO | IDENT | SOURCE )
/// attribute-value  = xtext                                           ; RFC 3461 4, and not empty
/// ```
///
/// ```
/// use scop_smtp_proto::command::Attributes;
/// let attributes = Attributes::parse(b"NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1")?;
/// assert!(attributes.find("name").unwrap().is_unavailable());
/// let address = attributes.find("ADDR").and_then(|attribute| attribute.address());
/// assert_eq!(address, "2001:db8::1".parse().ok());
/// # Ok::<(), scop_smtp_proto::command::CommandError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Attributes<'a> {
    raw: &'a [u8],
}

debug_as_text!(Attributes, raw);

impl<'a> Attributes<'a> {
    /// There are ten names; each attribute is compared with those before it.
    pub const MAX: usize = 16;

    /// Reads the argument. A name that is not known is read too.
    ///
    /// # Errors
    /// [`CommandErrorKind::BadAttribute`].
    pub fn parse(argument: &'a [u8]) -> Result<Self, CommandError> {
        let attributes = Self { raw: argument };
        let mut cursor = Cursor::new(argument);
        let mut count = 0_usize;
        loop {
            let offset = cursor.offset();
            let bad = ParseError::new(CommandErrorKind::BadAttribute, offset);
            let attribute = Attribute::take(&mut cursor).ok_or(bad)?;
            let is_twice = |before: Attribute<'_>| before.name.eq_ignore_ascii_case(attribute.name);
            if count >= Self::MAX || attributes.iter().take(count).any(is_twice) {
                return Err(bad);
            }
            count = count.saturating_add(1);
            if !cursor.skip_byte(b' ') {
                return Ok(attributes);
            }
        }
    }

    /// As written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.raw);
        core::iter::from_fn(move || {
            // They were read before, so that the only error left is that nothing is left.
            let attribute = Attribute::take(&mut cursor)?;
            cursor.skip_byte(b' ');
            Some(attribute)
        })
    }

    /// The one of this name, without regard to ASCII case.
    pub fn find(&self, name: &str) -> Option<Attribute<'a>> {
        self.iter().find(|attribute| attribute.is(name))
    }
}

impl PartialEq for Attributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Attributes<'_> {}

/// The argument, with one space between attributes.
impl Emit for Attributes<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, attribute) in self.iter().enumerate() {
            sink.put(if index > 0 { b" " } else { b"" })?;
            attribute.emit(sink)?;
        }
        Ok(())
    }
}

/// One attribute of XCLIENT or XFORWARD.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    name: &'a [u8],
    value: Xtext<'a>,
}

debug_as_text!(Attribute);

impl<'a> Attribute<'a> {
    /// An attribute to be written.
    ///
    /// # Errors
    /// When `name` is not letters, digits and hyphens, or the value is empty.
    pub fn new(name: &'a str, value: Xtext<'a>) -> Result<Self, CommandError> {
        let name = name.as_bytes();
        let len = Class::LDH.run(name);
        if name.is_empty() || len < name.len() || value.is_empty() {
            return Err(ParseError::new(CommandErrorKind::BadAttribute, len));
        }
        Ok(Self { name, value })
    }

    /// Takes an attribute that ends with the argument or at a space.
    fn take(cursor: &mut Cursor<'a>) -> Option<Self> {
        let name = cursor.take_while(|byte| Class::LDH.has(byte));
        if name.is_empty() || !cursor.skip_byte(b'=') {
            return None;
        }
        let value = cursor.take_while(|byte| Class::VISIBLE.has(byte));
        let value = Xtext::parse(value).ok().filter(|value| !value.is_empty())?;
        matches!(cursor.peek(), None | Some(b' ')).then_some(Self { name, value })
    }

    /// As written.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Its value; the octets need not be text.
    pub const fn value(&self) -> Xtext<'a> {
        self.value
    }

    /// Whether its name is `name`, without regard to ASCII case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// `[UNAVAILABLE]`: there is no such thing, as a name of an address that has none.
    pub fn is_unavailable(&self) -> bool {
        self.says(b"[UNAVAILABLE]")
    }

    /// `[TEMPUNAVAIL]`: it may be known later.
    pub fn is_temporarily_unavailable(&self) -> bool {
        self.says(b"[TEMPUNAVAIL]")
    }

    /// The address that ADDR or DESTADDR holds: a dotted quad, or one of IPv6 behind `IPV6:`.
    pub fn address(&self) -> Option<IpAddr> {
        /// `IPV6:` and the longest form of RFC 4291 2.2.
        const MAX: usize = 5 + 45;
        let mut text: heapless::Vec<u8, MAX> = heapless::Vec::new();
        for octet in self.value.octets() {
            text.push(octet).ok()?;
        }
        let mut cursor = Cursor::new(&text);
        if cursor.skip_ignore_case(b"IPV6:") {
            return ip::parse_v6(cursor.rest()).map(IpAddr::V6);
        }
        ip::parse_v4(&text).map(IpAddr::V4)
    }

    fn says(&self, word: &[u8]) -> bool {
        let octets = self.value.octets().map(|octet| octet.to_ascii_uppercase());
        octets.eq(word.iter().copied())
    }
}

/// `name=value`.
impl Emit for Attribute<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.name)?;
        sink.put_byte(b'=')?;
        self.value.emit(sink)
    }
}
