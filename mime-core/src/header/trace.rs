//! Trace fields: Received and Return-Path (RFC 5321 4.4, RFC 5322 3.6.7).
//!
//! Programs write Received as they like, so it is read loosely: the date behind the last semicolon,
//! and before it clauses that each begin with one of the known keywords. What stands between two
//! keywords belongs to the first, whatever it is; other semicolons end a clause too. Only comments,
//! quoted strings and angle brackets that do not close are errors. Return-Path is read strictly. Writing
//! is strict: [`Stamp`] takes no value that could be read as anything else.
//!
//! ```
//! use scop_mime_core::{Received, header::trace::Keyword};
//!
//! let received = Received::parse(
//!     b" from x.y.test (mail.y.test [192.0.2.1]) by example.net\r\n via TCP with ESMTP id ABC12345\r\n \
//!       for <mary@example.net>;  21 Nov 1997 10:05:43 -0600",
//! )?;
//! assert_eq!(received.clause(Keyword::With).unwrap().value(), b"ESMTP");
//! let from = received.clause(Keyword::From).unwrap();
//! assert_eq!(from.address_literal(), Some(&b"192.0.2.1"[..]));
//! assert_eq!(received.date().unwrap()?.year(), 1997);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::address::{AddrSpec, AddressError, AddressErrorKind, take_angle_addr, take_gap};
use super::date::{DateError, DateTime};
use super::lexical::{
    Comment, Enclosed, LexicalError, LexicalErrorKind, display, fold_len, is_wsp, since, skip_cfws,
    skip_fws, take_enclosed,
};

#[cfg(test)]
mod tests;
mod write;

pub use write::{Client, Stamp, StampError};

/// Which rule a Received field breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceivedErrorKind {
    /// A comment or quoted string is malformed.
    Lexical(LexicalErrorKind),
    /// `<` without `>`.
    NoAngleEnd,
}

impl fmt::Display for ReceivedErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lexical(kind) => kind.fmt(f),
            Self::NoAngleEnd => f.write_str("\"<\" without \">\" (RFC 5321 4.4)"),
        }
    }
}

/// The error of [`Received::parse`].
pub type ReceivedError = ParseError<ReceivedErrorKind>;

/// One hop of a message.
///
/// ```text
/// Stamp           = From-domain By-domain Opt-info [CFWS] ";" FWS date-time    ; RFC 5321 4.4
/// From-domain     = "FROM" FWS Extended-Domain
/// By-domain       = CFWS "BY" FWS Extended-Domain
/// Extended-Domain = Domain / ( Domain FWS "(" TCP-info ")" )
///                 / ( address-literal FWS "(" TCP-info ")" )
/// TCP-info        = address-literal / ( Domain FWS address-literal )
/// Opt-info        = [Via] [With] [ID] [For] [Additional-Registered-Clauses]
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    value: &'a [u8],
    clauses: &'a [u8],
    date: Option<&'a [u8]>,
}

impl<'a> Received<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// A comment, quoted string or `<` that does not end.
    pub fn parse(value: &'a [u8]) -> Result<Self, ReceivedError> {
        let start = Cursor::new(value);
        let mut cursor = start;
        let mut semicolon = None;
        loop {
            skip_cfws(&mut cursor).map_err(lexical)?;
            if cursor.peek() == Some(b';') {
                semicolon = Some(cursor);
                cursor.take_byte();
            } else if take_word(&mut cursor)?.is_none() {
                break;
            }
        }
        Ok(Self {
            value,
            clauses: semicolon.map_or(value, |semicolon| since(start, &semicolon)),
            date: semicolon.and_then(|semicolon| semicolon.rest().get(1..)),
        })
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The clauses, in order. Words before the first keyword have none.
    pub const fn clauses(&self) -> Clauses<'a> {
        Clauses {
            cursor: Cursor::new(self.clauses),
        }
    }

    /// The first clause with this keyword.
    pub fn clause(&self, keyword: Keyword) -> Option<Clause<'a>> {
        self.clauses()
            .find(|clause| clause.keyword == Some(keyword))
    }

    /// What stands behind the last semicolon.
    pub const fn date_raw(&self) -> Option<&'a [u8]> {
        self.date
    }

    /// The date; `None` where there is no semicolon. Offsets of the error count from
    /// [`Self::date_raw`].
    pub fn date(&self) -> Option<Result<DateTime, DateError>> {
        self.date.map(DateTime::parse)
    }
}

/// What a clause of Received is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keyword {
    /// The name by which the client called itself (RFC 5321 4.4).
    From,
    /// The server that writes.
    By,
    /// The physical link.
    Via,
    /// The protocol: `ESMTPS` (RFC 3848).
    With,
    /// The name of the message in the server's queue or log.
    Id,
    /// The recipient.
    For,
    /// The TLS cipher suite (RFC 8314 4.3).
    Tls,
}

impl Keyword {
    const ALL: [(Self, &'static [u8]); 7] = [
        (Self::From, b"from"),
        (Self::By, b"by"),
        (Self::Via, b"via"),
        (Self::With, b"with"),
        (Self::Id, b"id"),
        (Self::For, b"for"),
        (Self::Tls, b"tls"),
    ];

    fn of(word: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(word))
            .map(|(keyword, _)| keyword)
    }
}

/// The clauses of a Received field.
#[derive(Clone, Debug)]
pub struct Clauses<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Clauses<'a> {
    type Item = Clause<'a>;

    fn next(&mut self) -> Option<Clause<'a>> {
        skip_cfws(&mut self.cursor).ok()?;
        while self.cursor.skip_byte(b';') {
            skip_cfws(&mut self.cursor).ok()?;
        }
        let start = self.cursor;
        let first = take_word(&mut self.cursor).ok()??;
        let keyword = Keyword::of(first);
        let body = if keyword.is_some() {
            self.cursor
        } else {
            start
        };
        // The word behind a keyword is its value even if it looks like a keyword.
        let mut is_value = keyword.is_some();
        loop {
            skip_cfws(&mut self.cursor).ok()?;
            let mut ahead = self.cursor;
            match take_word(&mut ahead) {
                Ok(Some(word)) if is_value || Keyword::of(word).is_none() => self.cursor = ahead,
                _ => break,
            }
            is_value = false;
        }
        Some(Clause {
            keyword,
            raw: since(start, &self.cursor),
            offset: start.offset(),
            body: since(body, &self.cursor),
        })
    }
}

/// A keyword and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub struct Clause<'a> {
    keyword: Option<Keyword>,
    raw: &'a [u8],
    offset: usize,
    body: &'a [u8],
}

impl<'a> Clause<'a> {
    /// The keyword; none for words that stand before the first one.
    pub const fn keyword(&self) -> Option<Keyword> {
        self.keyword
    }

    /// The clause as written, from its keyword to the next.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The first word behind the keyword, as written; empty when there is none.
    pub fn value(&self) -> &'a [u8] {
        self.words().next().unwrap_or_default()
    }

    /// All words behind the keyword, as written, comments left out.
    pub fn words(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.body);
        core::iter::from_fn(move || {
            skip_cfws(&mut cursor).ok()?;
            take_word(&mut cursor).ok()?
        })
    }

    /// The comments between the words, in order: the first of From is where TCP-info stands. What looks
    /// like one within a word is part of the word, which a client may have chosen.
    pub fn comments(&self) -> impl Iterator<Item = Comment<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.body);
        core::iter::from_fn(move || {
            loop {
                skip_fws(&mut cursor);
                if cursor.peek() == Some(b'(') {
                    return Comment::take(&mut cursor).ok();
                }
                take_word(&mut cursor).ok()??;
            }
        })
    }

    /// The address of the peer: what stands between brackets in the first comment that has some, else
    /// in the value. `IPv6:` stays.
    pub fn address_literal(&self) -> Option<&'a [u8]> {
        self.comments()
            .map(|comment| comment.raw())
            .chain([self.value()])
            .find_map(bracketed)
    }
}

/// Where a message came from, as the server that delivered it noted (RFC 5321 4.4).
///
/// ```text
/// return = "Return-Path:" path CRLF                               ; RFC 5322 3.6.7
/// path   = angle-addr / ([CFWS] "<" [CFWS] ">" [CFWS])
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnPath<'a> {
    /// `<>`: no bounce may be sent.
    Null,
    /// The address to which bounces go.
    Address(AddrSpec<'a>),
}

impl<'a> ReturnPath<'a> {
    /// Reads the value of a field. A source route is left out (RFC 5321 C).
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, AddressError> {
        let mut cursor = Cursor::new(value);
        take_gap(&mut cursor)?;
        let mut ahead = cursor;
        if ahead.skip_byte(b'<') {
            take_gap(&mut ahead)?;
            if ahead.skip_byte(b'>') {
                take_gap(&mut ahead)?;
                return at_end(&ahead).map(|()| Self::Null);
            }
        }
        if cursor.peek() != Some(b'<') {
            return Err(ParseError::new(
                AddressErrorKind::Unexpected,
                cursor.offset(),
            ));
        }
        let (addr_spec, _) = take_angle_addr(&mut cursor)?;
        take_gap(&mut cursor)?;
        at_end(&cursor).map(|()| Self::Address(addr_spec))
    }
}

/// `<>` or `<local@domain>`.
impl Emit for ReturnPath<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put_byte(b'<')?;
        if let Self::Address(addr_spec) = self {
            addr_spec.emit(sink)?;
        }
        sink.put_byte(b'>')
    }
}

impl fmt::Display for ReturnPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Takes what stands before the next white space, parenthesis or semicolon that is not within quotes
/// or angle brackets. `None` when nothing does.
fn take_word<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, ReceivedError> {
    let start = *cursor;
    loop {
        match cursor.peek() {
            Some(b'"') => {
                take_enclosed(cursor, Enclosed::QuotedString).map_err(lexical)?;
            }
            Some(b'<') => {
                let open = cursor.offset();
                skip_quoted_local_part(cursor);
                cursor.take_while(|byte| byte != b'>');
                if !cursor.skip_byte(b'>') {
                    return Err(ParseError::new(ReceivedErrorKind::NoAngleEnd, open));
                }
            }
            None | Some(b'(' | b';') => break,
            Some(byte) if is_wsp(byte) => break,
            Some(b'\r' | b'\n') if fold_len(cursor.rest()).is_some() => break,
            Some(_) => {
                cursor.take_byte();
            }
        }
    }
    let word = since(start, cursor);
    Ok((!word.is_empty()).then_some(word))
}

/// Skips the quoted string that begins a path, which may hold `>`: `<"a>b"@example.org>`.
fn skip_quoted_local_part(cursor: &mut Cursor<'_>) {
    let mut ahead = *cursor;
    if ahead.skip_byte(b'<')
        && ahead.peek() == Some(b'"')
        && take_enclosed(&mut ahead, Enclosed::QuotedString).is_ok()
        && ahead.peek() == Some(b'@')
    {
        *cursor = ahead;
    }
}

/// The first `[...]` of a text, without its brackets.
fn bracketed(text: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(text);
    cursor.take_while(|byte| byte != b'[');
    cursor.skip_byte(b'[');
    let inner = cursor.take_while(|byte| byte != b']');
    (cursor.peek() == Some(b']')).then_some(inner)
}

fn at_end(cursor: &Cursor<'_>) -> Result<(), AddressError> {
    if cursor.is_at_end() {
        return Ok(());
    }
    Err(ParseError::new(
        AddressErrorKind::TextAfterAddress,
        cursor.offset(),
    ))
}

fn lexical(error: LexicalError) -> ReceivedError {
    error.map(ReceivedErrorKind::Lexical)
}
