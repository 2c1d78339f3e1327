//! Domains and address literals (RFC 5321 4.1.2, 4.1.3, RFC 6531 3.3).

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use scop_core::{Cursor, Emit, FmtSink, Full, ParseError, Sink, ip};

use super::{MAX_DOMAIN, MAX_LABEL, PathError, PathErrorKind, at_end, since};
use crate::lexical::{Class, first_bad_utf8};
use crate::shown::debug_as_text;

/// What stands behind `@`, or behind HELO and EHLO.
///
/// ```text
/// address-literal  = "[" ( IPv4-address-literal / IPv6-address-literal /
///                    General-address-literal ) "]"                 ; RFC 5321 4.1.2, 4.1.3
/// IPv4-address-literal    = Snum 3("."  Snum)
/// IPv6-address-literal    = "IPv6:" IPv6-addr
/// General-address-literal = Standardized-tag ":" 1*dcontent
/// ```
///
/// Two names are equal without regard to ASCII case, two addresses when they are the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain<'a> {
    /// Dotted labels.
    Name(DomainName<'a>),
    /// `[192.0.2.1]`.
    V4(Ipv4Addr),
    /// `[IPv6:2001:db8::1]`.
    V6(Ipv6Addr),
    /// `[tag:content]`.
    Tagged(TaggedLiteral<'a>),
}

impl<'a> Domain<'a> {
    /// Reads a name or a literal.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, PathError> {
        let mut cursor = Cursor::new(raw);
        let domain = Self::take(&mut cursor)?;
        at_end(&cursor, domain)
    }

    /// Reads a name or a literal at the start of `raw`; what is left begins with an octet that is none
    /// of it.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_prefix(raw: &'a [u8]) -> Result<(Self, &'a [u8]), PathError> {
        let mut cursor = Cursor::new(raw);
        let domain = Self::take(&mut cursor)?;
        Ok((domain, cursor.rest()))
    }

    #[inline]
    pub(crate) fn take(cursor: &mut Cursor<'a>) -> Result<Self, PathError> {
        if cursor.peek() == Some(b'[') {
            return Self::take_literal(cursor);
        }
        DomainName::take(cursor).map(Self::Name)
    }

    /// The domain that `raw` is known to be.
    pub(super) fn known(raw: &'a [u8]) -> Self {
        let name = Self::Name(DomainName { raw });
        if raw.starts_with(b"[") {
            return Self::take_literal(&mut Cursor::new(raw)).unwrap_or(name);
        }
        name
    }

    fn take_literal(cursor: &mut Cursor<'a>) -> Result<Self, PathError> {
        let start = cursor.offset();
        let bad = ParseError::new(PathErrorKind::BadLiteral, start);
        cursor.skip_byte(b'[');
        let content = cursor.take_while(|byte| Class::DCONTENT.has(byte));
        if !cursor.skip_byte(b']') {
            let kind = PathErrorKind::BadLiteral;
            return Err(ParseError::new(kind, cursor.offset()));
        }
        if cursor.offset().saturating_sub(start) > MAX_DOMAIN {
            return Err(ParseError::new(PathErrorKind::DomainTooLong, start));
        }
        let mut inner = Cursor::new(content);
        if inner.skip_ignore_case(b"IPv6:") {
            return ip::parse_v6(inner.rest()).map(Self::V6).ok_or(bad);
        }
        if let Some(tagged) = TaggedLiteral::new(content) {
            return Ok(Self::Tagged(tagged));
        }
        ip::parse_v4(content).map(Self::V4).ok_or(bad)
    }

    /// The name; `None` for a literal.
    pub const fn name(&self) -> Option<DomainName<'a>> {
        match self {
            Self::Name(name) => Some(*name),
            _ => None,
        }
    }

    /// Whether all octets are below 128.
    pub const fn is_ascii(&self) -> bool {
        match self {
            Self::Name(name) => name.is_ascii(),
            Self::V4(_) | Self::V6(_) | Self::Tagged(_) => true,
        }
    }
}

/// A literal in its brackets; an address in the form of RFC 5952, all else as written.
impl Emit for Domain<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Name(name) => return name.emit(sink),
            Self::V4(ip) => {
                sink.put_byte(b'[')?;
                ip.emit(sink)?;
            }
            Self::V6(ip) => {
                sink.put(b"[IPv6:")?;
                ip.emit(sink)?;
            }
            Self::Tagged(tagged) => {
                sink.put_byte(b'[')?;
                sink.put(tagged.raw())?;
            }
        }
        sink.put_byte(b']')
    }
}

impl fmt::Display for Domain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// Dotted labels.
///
/// ```text
/// Domain     = sub-domain *("." sub-domain)                        ; RFC 5321 4.1.2
/// sub-domain = Let-dig [Ldh-str]
/// Ldh-str    = *( ALPHA / DIGIT / "-" ) Let-dig
/// sub-domain =/ U-label                                            ; RFC 6531 3.3, RFC 5890 2.3.2.1
/// ```
#[derive(Clone, Copy)]
pub struct DomainName<'a> {
    raw: &'a [u8],
}

debug_as_text!(DomainName, raw);

impl<'a> DomainName<'a> {
    /// Reads a name.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, PathError> {
        let mut cursor = Cursor::new(raw);
        let name = Self::take(&mut cursor)?;
        at_end(&cursor, name)
    }

    #[inline]
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Result<Self, PathError> {
        let start = *cursor;
        let mut seen = 0;
        loop {
            let offset = cursor.offset();
            let label = Class::LDH.or(Class::NON_ASCII).take(cursor, &mut seen);
            let hyphen = Some(&b'-');
            if label.is_empty() || label.first() == hyphen {
                return Err(ParseError::new(PathErrorKind::BadLabel, offset));
            }
            if label.last() == hyphen {
                let last = cursor.offset().saturating_sub(1);
                return Err(ParseError::new(PathErrorKind::BadLabel, last));
            }
            if label.len() > MAX_LABEL && label.is_ascii() {
                return Err(ParseError::new(PathErrorKind::LabelTooLong, offset));
            }
            if !cursor.skip_byte(b'.') {
                break;
            }
        }
        let raw = since(start, cursor);
        if raw.len() > MAX_DOMAIN {
            let kind = PathErrorKind::DomainTooLong;
            return Err(ParseError::new(kind, start.offset()));
        }
        if !seen.is_ascii() {
            check_unicode(raw).map_err(|error| error.nested(start.offset()))?;
        }
        Ok(Self { raw })
    }

    /// As written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// As written; it is UTF-8.
    pub fn as_str(&self) -> &'a str {
        str::from_utf8(self.raw).unwrap_or_default()
    }

    /// Whether all octets are below 128.
    pub const fn is_ascii(&self) -> bool {
        self.raw.is_ascii()
    }

    /// Whether it is `name`, without regard to ASCII case. A U-label is not its A-label here.
    pub fn is(&self, name: &[u8]) -> bool {
        self.raw.eq_ignore_ascii_case(name)
    }
}

impl PartialEq for DomainName<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.raw)
    }
}

impl Eq for DomainName<'_> {}

/// As written.
impl Emit for DomainName<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.raw)
    }
}

impl fmt::Display for DomainName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a literal holds that is no IPv4 or IPv6 address.
///
/// ```text
/// General-address-literal = Standardized-tag ":" 1*dcontent        ; RFC 5321 4.1.3
/// Standardized-tag        = Ldh-str
/// Ldh-str                 = *( ALPHA / DIGIT / "-" ) Let-dig       ; RFC 5321 4.1.2
/// ```
///
/// No tag but `IPv6` was ever registered, so that no one knows what it means; an IPv6 address without its tag
/// is one too. Two are equal when the octets are; the tag in any ASCII case.
#[derive(Clone, Copy)]
pub struct TaggedLiteral<'a> {
    raw: &'a [u8],
    tag_len: usize,
}

debug_as_text!(TaggedLiteral, raw);

impl<'a> TaggedLiteral<'a> {
    /// `content` is dcontent.
    fn new(content: &'a [u8]) -> Option<Self> {
        let tag_len = Class::LDH.run(content);
        let (tag, rest) = content.split_at_checked(tag_len)?;
        let well_formed = tag.last().is_some_and(|&last| last != b'-')
            && rest.len() > 1
            && rest.starts_with(b":");
        well_formed.then_some(Self {
            raw: content,
            tag_len,
        })
    }

    /// Without the brackets, as written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The tag.
    pub fn tag(&self) -> &'a [u8] {
        self.raw.get(..self.tag_len).unwrap_or_default()
    }

    /// What stands behind its colon.
    pub fn content(&self) -> &'a [u8] {
        let start = self.tag_len.saturating_add(1);
        self.raw.get(start..).unwrap_or_default()
    }
}

impl PartialEq for TaggedLiteral<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.tag().eq_ignore_ascii_case(other.tag()) && self.content() == other.content()
    }
}

impl Eq for TaggedLiteral<'_> {}

/// The rules of a name that is not ASCII, whose ASCII is right.
#[cold]
fn check_unicode(raw: &[u8]) -> Result<(), PathError> {
    /// `xn--` and one octet at least for each character make the A-label (RFC 3492 3.1, RFC 5890 2.3.2.1).
    const MAX_CHARACTERS: usize = MAX_LABEL - 4;
    if let Some(offset) = first_bad_utf8(raw) {
        return Err(ParseError::new(PathErrorKind::BadUtf8, offset));
    }
    let (mut characters, mut is_ascii) = (0_usize, true);
    for (offset, character) in str::from_utf8(raw).unwrap_or_default().char_indices() {
        if character == '.' {
            (characters, is_ascii) = (0, true);
            continue;
        }
        // The full stops that IDNA maps to a dot (RFC 5895 2).
        if matches!(character, '\u{3002}' | '\u{ff0e}' | '\u{ff61}') || character.is_whitespace() {
            return Err(ParseError::new(PathErrorKind::BadLabel, offset));
        }
        characters = characters.saturating_add(1);
        is_ascii &= character.is_ascii();
        if !is_ascii && characters > MAX_CHARACTERS {
            return Err(ParseError::new(PathErrorKind::LabelTooLong, offset));
        }
    }
    Ok(())
}
