//! Disposition-Notification-Options (RFC 8098 2.2): what a disposition notification should be like.
//!
//! ```
//! use scop_mime_core::header::notification_options::NotificationOptions;
//!
//! let options = NotificationOptions::parse(
//!     b" signed-receipt-protocol=optional,pkcs7-signature;\r\n signed-receipt-micalg=required, sha-256, sha-512",
//! )?;
//! let micalg = options.iter().nth(1).unwrap();
//! assert!(micalg.is(b"signed-receipt-micalg") && micalg.is_required());
//! assert!(micalg.values().eq([&b"sha-256"[..], b"sha-512"]));
//! # Ok::<(), scop_mime_core::header::notification_options::NotificationOptionsError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, ParseError};

use super::lexical::{
    Enclosed, LexicalError, LexicalErrorKind, is_atext, since, skip_cfws, take_enclosed,
};

/// Which rule of RFC 8098 2.2 is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotificationOptionsErrorKind {
    /// A token is malformed.
    Lexical(LexicalErrorKind),
    /// No attribute where one is due.
    NoAttribute,
    /// No `=` behind an attribute.
    NoEqualSign,
    /// Neither `required` nor `optional`.
    BadImportance,
    /// No value where one is due.
    NoValue,
    /// Something else than `;` behind an option.
    NoSemicolon,
}

impl fmt::Display for NotificationOptionsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::NoAttribute => "an attribute is missing (RFC 8098 2.2)",
            Self::NoEqualSign => "a \"=\" is missing behind an attribute (RFC 8098 2.2)",
            Self::BadImportance => "an option is neither required nor optional (RFC 8098 2.2)",
            Self::NoValue => "an option has no value (RFC 8098 2.2)",
            Self::NoSemicolon => "something else than \";\" follows an option (RFC 8098 2.2)",
        })
    }
}

/// The error of [`NotificationOptions::parse`].
pub type NotificationOptionsError = ParseError<NotificationOptionsErrorKind>;

/// The options of a field, all of them valid.
///
/// ```text
/// list      = parameter *([CFWS] ";" [CFWS] parameter)            ; RFC 8098 2.2
/// parameter = attribute [CFWS] "=" [CFWS] importance [CFWS] "," [CFWS] value
///             *([CFWS] "," [CFWS] value)
/// importance = "required" / "optional"
/// attribute  = atom
/// value      = word
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NotificationOptions<'a> {
    value: &'a [u8],
}

impl<'a> NotificationOptions<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, NotificationOptionsError> {
        let mut cursor = Cursor::new(value);
        loop {
            take_option(&mut cursor)?;
            if cursor.is_at_end() {
                return Ok(Self { value });
            }
            if !cursor.skip_byte(b';') {
                return error(NotificationOptionsErrorKind::NoSemicolon, &cursor);
            }
        }
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The options, in order.
    pub fn iter(&self) -> impl Iterator<Item = NotificationOption<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.value);
        core::iter::from_fn(move || {
            let option = take_option(&mut cursor).ok()?;
            cursor.skip_byte(b';');
            Some(option)
        })
    }
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct NotificationOption<'a> {
    attribute: &'a [u8],
    required: bool,
    values: Cursor<'a>,
}

impl<'a> NotificationOption<'a> {
    /// What it is about, as written. Compare without ASCII case.
    pub const fn attribute(&self) -> &'a [u8] {
        self.attribute
    }

    /// Whether it is about `attribute`, without regard to ASCII case.
    pub fn is(&self, attribute: &[u8]) -> bool {
        self.attribute.eq_ignore_ascii_case(attribute)
    }

    /// Whether a reader that does not know the attribute may send no notification.
    pub const fn is_required(&self) -> bool {
        self.required
    }

    /// The values, as written, with their quotes.
    pub fn values(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let mut cursor = self.values;
        core::iter::from_fn(move || take_value(&mut cursor).ok().flatten())
    }
}

/// Takes an option with what stands around it.
fn take_option<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<NotificationOption<'a>, NotificationOptionsError> {
    gap(cursor)?;
    let attribute = take_atom(cursor);
    if attribute.is_empty() {
        return error(NotificationOptionsErrorKind::NoAttribute, cursor);
    }
    gap(cursor)?;
    if !cursor.skip_byte(b'=') {
        return error(NotificationOptionsErrorKind::NoEqualSign, cursor);
    }
    gap(cursor)?;
    let start = *cursor;
    let importance = take_atom(cursor);
    let required = importance.eq_ignore_ascii_case(b"required");
    if !required && !importance.eq_ignore_ascii_case(b"optional") {
        return error(NotificationOptionsErrorKind::BadImportance, &start);
    }
    gap(cursor)?;
    let values = *cursor;
    if take_value(cursor)?.is_none() {
        return error(NotificationOptionsErrorKind::NoValue, cursor);
    }
    while take_value(cursor)?.is_some() {}
    Ok(NotificationOption {
        attribute,
        required,
        values,
    })
}

/// Takes a comma and the word behind it with what stands around that; `None` where no comma is next.
fn take_value<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, NotificationOptionsError> {
    if !cursor.skip_byte(b',') {
        return Ok(None);
    }
    gap(cursor)?;
    let word = if cursor.peek() == Some(b'"') {
        take_enclosed(cursor, Enclosed::QuotedString).map_err(lexical)?
    } else {
        take_atom(cursor)
    };
    if word.is_empty() {
        return error(NotificationOptionsErrorKind::NoValue, cursor);
    }
    gap(cursor)?;
    Ok(Some(word))
}

/// Of ASCII, without `=`, which ends an attribute.
fn take_atom<'a>(cursor: &mut Cursor<'a>) -> &'a [u8] {
    let start = *cursor;
    cursor.take_while(|byte| is_atext(byte) && byte.is_ascii() && byte != b'=');
    since(start, cursor)
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), NotificationOptionsError> {
    skip_cfws(cursor).map_err(lexical)?;
    Ok(())
}

fn lexical(error: LexicalError) -> NotificationOptionsError {
    error.map(NotificationOptionsErrorKind::Lexical)
}

fn error<T>(
    kind: NotificationOptionsErrorKind,
    at: &Cursor<'_>,
) -> Result<T, NotificationOptionsError> {
    Err(ParseError::new(kind, at.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// An attribute, whether it is required, and its values.
    type Read<'a> = (&'a [u8], bool, Vec<&'a [u8]>);

    #[test]
    fn known_answers() {
        let value = b" (a) x (b) = (c) OPTIONAL (d) , (e) \"1, 2\" (f) , b ;y=required,z";
        let options = NotificationOptions::parse(value).unwrap();
        let read: Vec<Read<'_>> = options
            .iter()
            .map(|option| {
                (
                    option.attribute(),
                    option.is_required(),
                    option.values().collect(),
                )
            })
            .collect();
        let expected: [Read<'_>; 2] = [
            (b"x", false, [&b"\"1, 2\""[..], b"b"].to_vec()),
            (b"y", true, [&b"z"[..]].to_vec()),
        ];
        assert_eq!(read, expected);
        assert_eq!(options.raw(), value);
    }

    #[test]
    fn refused() {
        use NotificationOptionsErrorKind::*;
        for (value, kind, at) in [
            (&b""[..], NoAttribute, 0),
            (b"x", NoEqualSign, 1),
            (b"x=", BadImportance, 2),
            (b"x=perhaps,a", BadImportance, 2),
            (b"x=optional", NoValue, 10),
            (b"x=optional,", NoValue, 11),
            (b"x=optional,a b", NoSemicolon, 13),
            (b"x=optional,a;", NoAttribute, 13),
            (
                b"x=optional,\"a",
                Lexical(LexicalErrorKind::UnclosedQuotedString),
                11,
            ),
        ] {
            let error = NotificationOptions::parse(value).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
        }
    }
}
