//! The parameters behind a path, as a list (RFC 5321 4.1.2).

use core::fmt;

use scop_core::{Emit, FmtSink, Full, ParseError, Sink, SliceSink};

use super::{Parameter, ParameterError, ParameterErrorKind, before};
use crate::shown::debug_as_text;

/// Parameters as they stand behind a path, all of them well formed, none of them twice.
#[derive(Clone, Copy, Default)]
pub struct Parameters<'a> {
    raw: &'a [u8],
}

debug_as_text!(Parameters, raw);

impl<'a> Parameters<'a> {
    /// There are not many more in the registry; each is compared with those before it.
    pub const MAX: usize = 32;

    /// None.
    pub const EMPTY: Self = Self { raw: b"" };

    /// Reads all of them; there may be none.
    ///
    /// ```text
    /// Mail-parameters = esmtp-param *(SP esmtp-param)                ; RFC 5321 4.1.2
    /// Rcpt-parameters = esmtp-param *(SP esmtp-param)
    /// ```
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, ParameterError> {
        Self::read(raw, false)
    }

    /// The same, also with more spaces and tabs where `wide` says so.
    pub(crate) fn read(raw: &'a [u8], wide: bool) -> Result<Self, ParameterError> {
        let mut rest = raw;
        let mut count = 0_usize;
        let mut seen = 0_u64;
        while !rest.is_empty() {
            let offset = raw.len().saturating_sub(rest.len());
            let (parameter, behind) =
                Parameter::take(rest).map_err(|error| error.nested(offset))?;
            if count >= Self::MAX {
                return Err(ParseError::new(ParameterErrorKind::TooMany, offset));
            }
            let mark = mark(parameter.keyword);
            if seen & mark != 0 {
                // The first `count` are well formed.
                let mut before = Iter { rest: raw }.take(count);
                if before.any(|other| other.keyword.eq_ignore_ascii_case(parameter.keyword)) {
                    return Err(ParseError::new(ParameterErrorKind::Duplicate, offset));
                }
            }
            seen |= mark;
            count = count.saturating_add(1);
            let Some((&space, mut next)) = behind.split_first() else {
                break;
            };
            let at = raw.len().saturating_sub(behind.len());
            if !(space == b' ' || wide && space == b'\t') {
                let kind = match parameter.value {
                    _ if space == b'\t' => ParameterErrorKind::BadSpace,
                    Some(_) => ParameterErrorKind::BadValue,
                    None => ParameterErrorKind::BadKeyword,
                };
                return Err(ParseError::new(kind, at));
            }
            if wide {
                next = skip_space(next);
            }
            if matches!(next.first(), None | Some(b' ' | b'\t')) {
                return Err(ParseError::new(ParameterErrorKind::BadSpace, at));
            }
            rest = next;
        }
        Ok(Self { raw })
    }

    /// Writes `values` to the start of `room`, which moves on to what is left of it, for a
    /// [`Command`](crate::Command) that is to be written. A value is a [`Typed`](super::Typed) or a [`Parameter`].
    ///
    /// ```
    /// use scop_core::Emit;
    /// use scop_smtp_proto::parameter::{Notify, OriginalRecipient, Typed};
    /// use scop_smtp_proto::{Command, ForwardPath, Parameters};
    ///
    /// let original = OriginalRecipient::rfc822(b"joe@example.org")?;
    /// let values = [Typed::Notify(Notify::NEVER), Typed::OriginalRecipient(original)];
    /// let mut buffer = [0; 128];
    /// let parameters = Parameters::write(&values, &mut &mut buffer[..])?;
    /// let command = Command::Rcpt(ForwardPath::parse(b"<ann@example.net>")?, parameters);
    /// let mut line: [u8; 512] = [0; 512];
    /// let mut sink = scop_core::SliceSink::new(&mut line);
    /// command.emit(&mut sink)?;
    /// assert_eq!(sink.written(), b"RCPT TO:<ann@example.net> NOTIFY=NEVER ORCPT=rfc822;joe@example.org\r\n");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Parameters::parse`], [`ParameterErrorKind::Duplicate`] among them; and
    /// [`ParameterErrorKind::NoRoom`], after which `room` is as it was.
    #[expect(
        clippy::mut_mut,
        reason = "the room shrinks, as the slices that std::io reads do"
    )]
    pub fn write<E: Emit>(values: &[E], room: &mut &'a mut [u8]) -> Result<Self, ParameterError> {
        let list = Spaced(values);
        let len = list.emitted_len();
        let no_room = ParseError::new(ParameterErrorKind::NoRoom, room.len());
        if len > room.len() {
            return Err(no_room);
        }
        let buffer = core::mem::take(room);
        let (written, rest) = buffer.split_at_mut_checked(len).ok_or(no_room)?;
        *room = rest;
        let mut sink = SliceSink::new(written);
        list.emit(&mut sink).map_err(|Full| no_room)?;
        Self::parse(sink.into_written())
    }

    /// The bytes, without the space before the first.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// One after the other.
    pub const fn iter(&self) -> Iter<'a> {
        Iter { rest: self.raw }
    }

    /// The one whose keyword is `keyword`, without regard to ASCII case.
    pub fn find(&self, keyword: &str) -> Option<Parameter<'a>> {
        self.iter().find(|parameter| parameter.is(keyword))
    }
}

/// As written, with one space between them.
impl Emit for Parameters<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, parameter) in self.iter().enumerate() {
            if index > 0 {
                sink.put_byte(b' ')?;
            }
            parameter.emit(sink)?;
        }
        Ok(())
    }
}

/// As on the line of the command.
impl fmt::Display for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// With one space between them.
struct Spaced<'r, E>(&'r [E]);

impl<E: Emit> Emit for Spaced<'_, E> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, value) in self.0.iter().enumerate() {
            sink.put(if index > 0 { b" " } else { b"" })?;
            value.emit(sink)?;
        }
        Ok(())
    }
}

impl PartialEq for Parameters<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Parameters<'_> {}

impl<'a> IntoIterator for Parameters<'a> {
    type Item = Parameter<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Parameters<'a> {
    type Item = Parameter<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Reads [`Parameters`].
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

debug_as_text!(Iter, rest);

impl<'a> Iterator for Iter<'a> {
    type Item = Parameter<'a>;

    #[inline]
    fn next(&mut self) -> Option<Parameter<'a>> {
        // They were read before: there is no space but between them, and no `=` but behind a keyword.
        let (raw, rest) = before(self.rest, |byte| matches!(byte, b' ' | b'\t'));
        let (keyword, value) = before(raw, |byte| byte == b'=');
        if keyword.is_empty() {
            return None;
        }
        self.rest = skip_space(rest);
        let value = value.split_first().map(|(_, value)| value);
        Some(Parameter { keyword, value })
    }
}

/// One bit of 64, the same for the same keyword in any case: keywords with different bits need not be compared.
fn mark(keyword: &[u8]) -> u64 {
    let low = |byte: Option<&u8>| u32::from(byte.copied().unwrap_or_default() & 0x1f);
    let mix = low(keyword.first()) ^ low(keyword.last()).wrapping_mul(9);
    1 << (mix & 63)
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    before(bytes, |byte| !matches!(byte, b' ' | b'\t')).1
}
