//! Authentication-Results (RFC 8601): what a receiver found out, read and written.
//!
//! Reading follows the grammar, comments anywhere included, and nothing beside it; only a local part
//! has no comments or white space around it (see [`Value`]). [`AuthResults::parse_prefix`] gives the name
//! of the server and the results before the first broken one, which is what RFC 8601 5 needs to remove
//! forged fields. A field that is broken before its first semicolon names no server, but a laxer reader
//! may find one in it: remove it as well. Writing is in [`AuthResultsWriter`].
//!
//! No function panics or allocates; each takes time linear in its input.
//!
//! ```
//! use scop_mime_core::AuthResults;
//!
//! let value = b" mx.example.org; dkim=pass (2048-bit key) header.i=@example.com;\r\n spf=softfail";
//! let results = AuthResults::parse(value)?;
//! assert!(results.authserv_id().is(b"mx.example.org"));
//! let dkim = results.results().next().unwrap();
//! assert!(dkim.is(b"dkim") && dkim.result() == b"pass");
//! assert!(dkim.property(b"header", b"i").unwrap().is(b"@example.com"));
//! # Ok::<(), scop_core::ParseError<scop_mime_core::header::auth_results::AuthResultsErrorKind>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, ParseError};

use super::lexical::{
    Comments, Enclosed, Gap, LexicalError, LexicalErrorKind, Text, is_atext, is_dot_atom, since,
    skip_cfws, take_enclosed, valid_utf8,
};

mod arc;
#[cfg(test)]
mod tests;
mod write;

pub use arc::ArcAuthResults;
pub use write::{AuthResultsWriter, WriteError};

/// Which rule of RFC 8601 2.2 is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthResultsErrorKind {
    /// A token is malformed.
    Lexical(LexicalErrorKind),
    /// Nothing stands where a value is due, or an octet that no token has.
    BadValue,
    /// A version that is not a number.
    BadVersion,
    /// Something else than `;` stands where a result or the end is due.
    NoSemicolon,
    /// Nothing stands where a keyword is due.
    NoKeyword,
    /// A keyword that ends with a hyphen.
    BadKeyword,
    /// A method without `=`.
    NoEqualSign,
    /// A property that is not `type.name=value`.
    BadProperty,
    /// A domain with an empty label or an octet that no label has.
    BadDomain,
    /// There are no results, and `none` is not said.
    NoResults,
    /// An ARC instance that is not `i=` and a number from 1 to 50.
    BadInstance,
}

impl fmt::Display for AuthResultsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::BadValue => "a value is missing or must be quoted (RFC 8601 2.2, RFC 2045 5.1)",
            Self::BadVersion => "the version is not a number (RFC 8601 2.2)",
            Self::NoSemicolon => "a \";\" is missing before a result (RFC 8601 2.2)",
            Self::NoKeyword => "a keyword is missing (RFC 8601 2.2)",
            Self::BadKeyword => "a keyword ends with a hyphen (RFC 5321 4.1.2)",
            Self::NoEqualSign => "a \"=\" is missing behind a method (RFC 8601 2.2)",
            Self::BadProperty => "a property is not \"type.name=value\" (RFC 8601 2.2)",
            Self::BadDomain => "a domain name is malformed (RFC 8601 2.2)",
            Self::BadInstance => "the instance is not \"i=\" and 1 to 50 (RFC 8617 4.2.1)",
            Self::NoResults => "there is neither a result nor \"none\" (RFC 8601 2.2)",
        })
    }
}

/// The error of every parser of this module.
pub type AuthResultsError = ParseError<AuthResultsErrorKind>;

/// The value of an Authentication-Results field.
///
/// ```text
/// authres-payload = [CFWS] authserv-id [ CFWS authres-version ]
///                   ( no-result / 1*resinfo ) [CFWS] CRLF         ; RFC 8601 2.2
/// authserv-id     = value
/// authres-version = 1*DIGIT [CFWS]
/// no-result       = [CFWS] ";" [CFWS] "none"
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AuthResults<'a> {
    authserv_id: Value<'a>,
    version: Option<u32>,
    /// Before the first semicolon.
    results: Cursor<'a>,
}

impl<'a> AuthResults<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, AuthResultsError> {
        let mut cursor = Cursor::new(value);
        let start = Self::take_start(&mut cursor)?;
        if take_none(&mut cursor) {
            return Ok(start);
        }
        let mut count: usize = 0;
        while take_resinfo(&mut cursor)?.is_some() {
            count = count.saturating_add(1);
        }
        if count == 0 {
            return error(AuthResultsErrorKind::NoResults, &cursor);
        }
        Ok(start)
    }

    /// Reads the name of the server and the version; [`Self::results`] ends before the first result
    /// that is broken. Also gives what no result covers: empty, or from the broken one on.
    ///
    /// # Errors
    /// A rule broken before the first semicolon.
    pub fn parse_prefix(value: &'a [u8]) -> Result<(Self, &'a [u8]), AuthResultsError> {
        let mut cursor = Cursor::new(value);
        let start = Self::take_start(&mut cursor)?;
        let mut rest = cursor;
        if take_none(&mut rest) {
            return Ok((start, rest.rest()));
        }
        while let Ok(Some(_)) = take_resinfo(&mut cursor) {
            rest = cursor;
        }
        Ok((start, rest.rest()))
    }

    /// The name of the server that wrote the field.
    pub const fn authserv_id(&self) -> Value<'a> {
        self.authserv_id
    }

    /// The version of the grammar; absent means 1. A field of another version should be ignored.
    pub const fn version(&self) -> Option<u32> {
        self.version
    }

    /// The results, in order; none when the field says `none`.
    pub const fn results(&self) -> Resinfos<'a> {
        Resinfos {
            cursor: self.results,
        }
    }

    fn take_start(cursor: &mut Cursor<'a>) -> Result<Self, AuthResultsError> {
        gap(cursor)?;
        let authserv_id = take_value(cursor)?;
        let mut results = *cursor;
        let separated = !gap(cursor)?.is_empty();
        let mut version = None;
        if separated && cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            version = Some(take_version(cursor)?);
            results = *cursor;
            gap(cursor)?;
        }
        match cursor.peek() {
            None | Some(b';') => {}
            Some(_) => return error(AuthResultsErrorKind::NoSemicolon, cursor),
        }
        *cursor = results;
        Ok(Self {
            authserv_id,
            version,
            results,
        })
    }
}

/// The results of a field.
#[derive(Clone, Debug)]
pub struct Resinfos<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Resinfos<'a> {
    type Item = Resinfo<'a>;

    fn next(&mut self) -> Option<Resinfo<'a>> {
        // What is broken, and `none`, end the results.
        let resinfo = take_resinfo(&mut self.cursor).ok().flatten();
        if resinfo.is_none() {
            self.cursor.seek(usize::MAX);
        }
        resinfo
    }
}

/// What one method found.
///
/// ```text
/// resinfo        = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]
/// methodspec     = [CFWS] method [CFWS] "=" [CFWS] result         ; RFC 8601 2.2
/// reasonspec     = "reason" [CFWS] "=" [CFWS] value
/// method         = Keyword [ [CFWS] "/" [CFWS] method-version ]
/// method-version = 1*DIGIT [CFWS]
/// result         = Keyword
/// Keyword        = *( ALPHA / DIGIT / "-" ) ( ALPHA / DIGIT )     ; RFC 5321 4.1.2
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Resinfo<'a> {
    raw: &'a [u8],
    offset: usize,
    method: &'a [u8],
    method_version: Option<u32>,
    result: &'a [u8],
    reason: Option<Value<'a>>,
    properties: Cursor<'a>,
}

impl<'a> Resinfo<'a> {
    /// From behind the semicolon to the next one.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where [`Self::raw`] begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The method, as written.
    pub const fn method(&self) -> &'a [u8] {
        self.method
    }

    /// Whether the method is `method`, without regard to ASCII case.
    pub fn is(&self, method: &[u8]) -> bool {
        self.method.eq_ignore_ascii_case(method)
    }

    /// The version of the method; absent means 1.
    pub const fn method_version(&self) -> Option<u32> {
        self.method_version
    }

    /// The result, as written: `pass`, `fail`, `none` (RFC 8601 2.7). Compare without ASCII case.
    pub const fn result(&self) -> &'a [u8] {
        self.result
    }

    /// Why, for people.
    pub const fn reason(&self) -> Option<Value<'a>> {
        self.reason
    }

    /// The properties of the message that were looked at, in order.
    pub const fn properties(&self) -> Properties<'a> {
        Properties {
            cursor: self.properties,
        }
    }

    /// The value of the first property `ptype.name`, both without regard to ASCII case.
    pub fn property(&self, ptype: &[u8], name: &[u8]) -> Option<Value<'a>> {
        self.properties()
            .find(|property| {
                property.ptype.eq_ignore_ascii_case(ptype)
                    && property.name.eq_ignore_ascii_case(name)
            })
            .map(|property| property.value)
    }

    /// The comments, in order.
    pub const fn comments(&self) -> Comments<'a> {
        Comments::new(self.raw)
    }
}

/// The properties of a result.
#[derive(Clone, Debug)]
pub struct Properties<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Properties<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        gap(&mut self.cursor).ok()?;
        match self.cursor.peek()? {
            b';' => None,
            _ => take_property(&mut self.cursor).ok(),
        }
    }
}

/// One property of the message, and its value.
///
/// ```text
/// propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue   ; RFC 8601 2.2
/// ptype    = Keyword
/// property = special-smtp-verb / Keyword
/// pvalue   = [CFWS] ( value / [ [ local-part ] "@" ] domain-name ) [CFWS]
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Property<'a> {
    ptype: &'a [u8],
    name: &'a [u8],
    value: Value<'a>,
}

impl<'a> Property<'a> {
    /// The type, as written: `smtp`, `header`, `body`, `policy`. Compare without ASCII case.
    pub const fn ptype(&self) -> &'a [u8] {
        self.ptype
    }

    /// The name within the type, as written. Compare without ASCII case.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The value.
    pub const fn value(&self) -> Value<'a> {
        self.value
    }
}

/// A token, a quoted string or an address.
///
/// ```text
/// value       = token / quoted-string                             ; RFC 2045 5.1
/// token       = 1*<any CHAR except SPACE, CTLs or tspecials, and UTF8-non-ascii>
/// tspecials   = "(" / ")" / "<" / ">" / "@" / "," / ";" / ":" / "\" / <"> / "/" / "[" / "]"
///             / "?" / "="
/// domain-name = sub-domain 1*("." sub-domain)                     ; RFC 6376 3.5
/// ```
///
/// A domain name may also be one label, and labels may hold `_`. A local part is a dot-atom or a
/// quoted string without white space or comments around it.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    raw: &'a [u8],
    offset: usize,
}

impl<'a> Value<'a> {
    /// As written, with its quotes.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it begins in the parsed value of the field.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What a value that is a token or a quoted string means. An address is given as written, because
    /// the quotes of its local part are part of it.
    pub fn text(&self) -> Text<'a> {
        if self.raw.ends_with(b"\"") {
            Text::joined(self.raw)
        } else {
            Text::verbatim(self.raw)
        }
    }

    /// Whether [`Self::text`] is `bytes`, octet for octet.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.text().is(bytes)
    }

    /// Whether [`Self::text`] is `bytes`, without regard to ASCII case.
    pub fn is_ignore_case(&self, bytes: &[u8]) -> bool {
        self.text().is_ignore_case(bytes)
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

/// Takes `[CFWS] ";" [CFWS] "none" [CFWS]` if nothing else is left.
fn take_none(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    let found = gap(&mut ahead).is_ok()
        && ahead.skip_byte(b';')
        && gap(&mut ahead).is_ok()
        && ahead.skip_ignore_case(b"none")
        && gap(&mut ahead).is_ok()
        && ahead.is_at_end();
    if found {
        *cursor = ahead;
    }
    found
}

/// Takes a semicolon and what stands before the next one; `None` when there is nothing more.
fn take_resinfo<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Resinfo<'a>>, AuthResultsError> {
    gap(cursor)?;
    if cursor.is_at_end() {
        return Ok(None);
    }
    if !cursor.skip_byte(b';') {
        return error(AuthResultsErrorKind::NoSemicolon, cursor);
    }
    let start = *cursor;
    gap(cursor)?;
    let method = take_keyword(cursor)?;
    gap(cursor)?;
    let mut method_version = None;
    if cursor.skip_byte(b'/') {
        gap(cursor)?;
        method_version = Some(take_version(cursor)?);
        gap(cursor)?;
    }
    if !cursor.skip_byte(b'=') {
        return error(AuthResultsErrorKind::NoEqualSign, cursor);
    }
    gap(cursor)?;
    let result = take_keyword(cursor)?;
    gap(cursor)?;
    let reason = take_reason(cursor)?;
    let properties = *cursor;
    let separated = reason.is_none() || !gap(cursor)?.is_empty();
    while !matches!(cursor.peek(), None | Some(b';')) {
        if !separated {
            return error(AuthResultsErrorKind::NoSemicolon, cursor);
        }
        take_property(cursor)?;
        gap(cursor)?;
    }
    Ok(Some(Resinfo {
        raw: since(start, cursor),
        offset: start.offset(),
        method,
        method_version,
        result,
        reason,
        properties,
    }))
}

/// Takes `"reason" [CFWS] "=" [CFWS] value`, if it is next.
fn take_reason<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Value<'a>>, AuthResultsError> {
    let mut ahead = *cursor;
    if !ahead.skip_ignore_case(b"reason") {
        return Ok(None);
    }
    gap(&mut ahead)?;
    if !ahead.skip_byte(b'=') {
        return Ok(None);
    }
    gap(&mut ahead)?;
    *cursor = ahead;
    take_value(cursor).map(Some)
}

/// Takes a property without the gap behind its value.
fn take_property<'a>(cursor: &mut Cursor<'a>) -> Result<Property<'a>, AuthResultsError> {
    let ptype = take_keyword(cursor)?;
    gap(cursor)?;
    if !cursor.skip_byte(b'.') {
        return error(AuthResultsErrorKind::BadProperty, cursor);
    }
    gap(cursor)?;
    let name = take_keyword(cursor)?;
    gap(cursor)?;
    if !cursor.skip_byte(b'=') {
        return error(AuthResultsErrorKind::BadProperty, cursor);
    }
    gap(cursor)?;
    let start = *cursor;
    let local = if cursor.peek() == Some(b'"') {
        take_enclosed(cursor, Enclosed::QuotedString).map_err(lexical)?;
        true
    } else {
        let local = cursor.take_while(|byte| is_atext(byte) || byte == b'.');
        local.is_empty() || is_dot_atom(local.iter().copied())
    };
    if local && cursor.skip_byte(b'@') {
        take_domain_name(cursor)?;
        valid_utf8(since(start, cursor), start.offset()).map_err(lexical)?;
    } else {
        *cursor = start;
        take_value(cursor)?;
    }
    Ok(Property {
        ptype,
        name,
        value: Value {
            raw: since(start, cursor),
            offset: start.offset(),
        },
    })
}

fn take_value<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, AuthResultsError> {
    let start = *cursor;
    if cursor.peek() == Some(b'"') {
        take_enclosed(cursor, Enclosed::QuotedString).map_err(lexical)?;
    } else {
        let token = cursor.take_while(is_token);
        valid_utf8(token, start.offset()).map_err(lexical)?;
        if token.is_empty() {
            return error(AuthResultsErrorKind::BadValue, cursor);
        }
    }
    Ok(Value {
        raw: since(start, cursor),
        offset: start.offset(),
    })
}

fn take_domain_name(cursor: &mut Cursor<'_>) -> Result<(), AuthResultsError> {
    loop {
        if cursor.take_while(is_label).is_empty() {
            return error(AuthResultsErrorKind::BadDomain, cursor);
        }
        if !cursor.skip_byte(b'.') {
            return Ok(());
        }
    }
}

fn take_keyword<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], AuthResultsError> {
    let keyword = cursor.take_while(is_keyword);
    match keyword.last() {
        None => error(AuthResultsErrorKind::NoKeyword, cursor),
        Some(b'-') => error(AuthResultsErrorKind::BadKeyword, cursor),
        Some(_) => Ok(keyword),
    }
}

fn take_version(cursor: &mut Cursor<'_>) -> Result<u32, AuthResultsError> {
    let mut ahead = *cursor;
    match ahead
        .take_decimal()
        .and_then(|number| u32::try_from(number).ok())
    {
        Some(version) => {
            *cursor = ahead;
            Ok(version)
        }
        None => error(AuthResultsErrorKind::BadVersion, cursor),
    }
}

const fn is_keyword(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..)
}

/// RFC 2045 5.1, with UTF-8 (RFC 6532 3.2).
fn is_token(byte: u8) -> bool {
    is_atext(byte) && !matches!(byte, b'/' | b'?' | b'=') || byte == b'.'
}

fn gap(cursor: &mut Cursor<'_>) -> Result<Gap, AuthResultsError> {
    skip_cfws(cursor).map_err(lexical)
}

fn lexical(error: LexicalError) -> AuthResultsError {
    error.map(AuthResultsErrorKind::Lexical)
}

fn error<T>(kind: AuthResultsErrorKind, at: &Cursor<'_>) -> Result<T, AuthResultsError> {
    Err(ParseError::new(kind, at.offset()))
}
