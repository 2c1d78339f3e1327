//! The tokens that structured field bodies share (RFC 5322 3.2 and 4.1, RFC 6532 3.2).
//!
//! Every function works on a [`Cursor`] and either moves past what it returns or says which rule is
//! broken and where. Nothing here recurses: comments nest by a counter, which is bounded by the
//! length of the input, so that depth costs neither stack nor time.
//!
//! Obsolete forms are read (RFC 5322 4), except those on which readers disagree: NUL, and CR or LF
//! that are not part of a fold, are refused everywhere, also behind a backslash; a domain literal
//! holds no backslash and no control.

use core::fmt;

use scop_core::{Cursor, Emit, FmtSink, Full, ParseError, Sink};

use super::encoded_word::{self, DecodedText};

#[cfg(test)]
mod tests;

/// Which lexical rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LexicalErrorKind {
    /// A comment without its last parenthesis (RFC 5322 3.2.2).
    UnclosedComment,
    /// A quoted string without its closing quote (RFC 5322 3.2.4).
    UnclosedQuotedString,
    /// A domain literal without its closing bracket (RFC 5322 3.4.1).
    UnclosedLiteral,
    /// A backslash at the end, or before NUL, CR or LF (RFC 5322 3.2.1).
    BadQuotedPair,
    /// NUL, or CR or LF that are not part of a fold (RFC 5322 3.2.2, 4.1).
    StrayControl,
    /// A bracket, backslash or control in a domain literal (RFC 5322 3.4.1).
    BadLiteral,
    /// Octets above 127 that are not UTF-8 (RFC 6532 3.2).
    NotUtf8,
}

impl fmt::Display for LexicalErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnclosedComment => "a comment is not closed (RFC 5322 3.2.2)",
            Self::UnclosedQuotedString => "a quoted string is not closed (RFC 5322 3.2.4)",
            Self::UnclosedLiteral => "a domain literal is not closed (RFC 5322 3.4.1)",
            Self::BadQuotedPair => "a backslash quotes nothing, or NUL, CR or LF (RFC 5322 3.2.1)",
            Self::StrayControl => "NUL, or CR or LF outside a fold (RFC 5322 3.2.2, 4.1)",
            Self::BadLiteral => {
                "a domain literal holds a bracket, a backslash or a control (RFC 5322 3.4.1)"
            }
            Self::NotUtf8 => "octets above 127 that are not UTF-8 (RFC 6532 3.2)",
        })
    }
}

pub(crate) type LexicalError = ParseError<LexicalErrorKind>;

/// What lay between two tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gap {
    /// White space or a fold.
    pub(crate) space: bool,
    pub(crate) comment: bool,
}

impl Gap {
    pub(crate) const fn is_empty(self) -> bool {
        !self.space && !self.comment
    }

    /// Notes the gap `other` as well.
    pub(crate) fn join(&mut self, other: Self) {
        self.space |= other.space;
        self.comment |= other.comment;
    }
}

/// ```text
/// atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" / "="
///       / "?" / "^" / "_" / "`" / "{" / "|" / "}" / "~"            ; RFC 5322 3.2.3
///       / UTF8-non-ascii                                           ; RFC 6532 3.2
/// ```
#[inline]
pub(crate) fn is_atext(byte: u8) -> bool {
    // There is one for each octet.
    ATEXT.get(usize::from(byte)).copied().unwrap_or_default()
}

/// For each octet whether it is atext: one look instead of a dozen comparisons.
static ATEXT: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte: u8 = 0;
    while let Some((is_atext, others)) = rest.split_first_mut() {
        *is_atext = matches!(
            byte,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/'
                | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~' | 0x80..
        );
        (rest, byte) = (others, byte.wrapping_add(1));
    }
    table
};

pub(crate) const fn is_wsp(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Skips white space and folds.
///
/// ```text
/// FWS     = ([*WSP CRLF] 1*WSP) / obs-FWS                         ; RFC 5322 3.2.2
/// obs-FWS = 1*([CRLF] WSP)                                        ; RFC 5322 4.2, erratum 1908
/// ```
pub(crate) fn skip_fws(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.offset();
    loop {
        cursor.take_while(is_wsp);
        match fold_len(cursor.rest()) {
            Some(len) => cursor.take(len),
            None => return cursor.offset() > start,
        };
    }
}

/// Skips white space, folds and comments.
///
/// ```text
/// CFWS = (1*([FWS] comment) [FWS]) / FWS                          ; RFC 5322 3.2.2
/// ```
#[inline]
pub(crate) fn skip_cfws(cursor: &mut Cursor<'_>) -> Result<Gap, LexicalError> {
    // There is none between most tokens.
    match cursor.peek() {
        Some(b' ' | b'\t' | b'\r' | b'\n' | b'(') => skip_some_cfws(cursor),
        _ => Ok(Gap::default()),
    }
}

fn skip_some_cfws(cursor: &mut Cursor<'_>) -> Result<Gap, LexicalError> {
    let mut gap = Gap::default();
    loop {
        gap.space |= skip_fws(cursor);
        if cursor.peek() != Some(b'(') {
            return Ok(gap);
        }
        take_enclosed(cursor, Enclosed::Comment)?;
        gap.comment = true;
    }
}

/// The three tokens that have an end of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enclosed {
    /// ```text
    /// comment  = "(" *([FWS] ccontent) [FWS] ")"                  ; RFC 5322 3.2.2
    /// ccontent = ctext / quoted-pair / comment
    /// ctext    = %d33-39 / %d42-91 / %d93-126 / UTF8-non-ascii / obs-NO-WS-CTL
    /// ```
    Comment,
    /// ```text
    /// quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE       ; RFC 5322 3.2.4
    /// qcontent      = qtext / quoted-pair
    /// qtext         = %d33 / %d35-91 / %d93-126 / UTF8-non-ascii / obs-NO-WS-CTL
    /// ```
    QuotedString,
    /// ```text
    /// domain-literal = "[" *([FWS] dtext) [FWS] "]"               ; RFC 5322 3.4.1
    /// dtext          = %d33-90 / %d94-126 / UTF8-non-ascii
    /// ```
    Literal,
}

impl Enclosed {
    const fn delimiters(self) -> (u8, u8) {
        match self {
            Self::Comment => (b'(', b')'),
            Self::QuotedString => (b'"', b'"'),
            Self::Literal => (b'[', b']'),
        }
    }

    const fn unclosed(self) -> LexicalErrorKind {
        match self {
            Self::Comment => LexicalErrorKind::UnclosedComment,
            Self::QuotedString => LexicalErrorKind::UnclosedQuotedString,
            Self::Literal => LexicalErrorKind::UnclosedLiteral,
        }
    }
}

/// Takes a whole comment, quoted string or domain literal, with its delimiters. The cursor must
/// stand at the opening one.
pub(crate) fn take_enclosed<'a>(
    cursor: &mut Cursor<'a>,
    what: Enclosed,
) -> Result<&'a [u8], LexicalError> {
    let before = *cursor;
    let (open, close) = what.delimiters();
    let mut depth: usize = 0;
    loop {
        let at = cursor.offset();
        let error = |kind| Err(ParseError::new(kind, at));
        let Some(byte) = cursor.peek() else {
            return Err(ParseError::new(what.unclosed(), before.offset()));
        };
        if let Some(len) = fold_len(cursor.rest()) {
            cursor.take(len);
            continue;
        }
        cursor.take_byte();
        match byte {
            0 | b'\r' | b'\n' => return error(LexicalErrorKind::StrayControl),
            _ if byte == close && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return valid_utf8(since(before, cursor), before.offset());
                }
            }
            _ if byte == open && (depth == 0 || what == Enclosed::Comment) => {
                depth = depth.saturating_add(1);
            }
            b'[' | b'\\' | 1..=8 | 11 | 12 | 14..=31 | 127 if what == Enclosed::Literal => {
                return error(LexicalErrorKind::BadLiteral);
            }
            b'\\' => {
                // The fold is removed first (RFC 5322 2.2.3): what is quoted is the white space.
                if let Some(len) = fold_len(cursor.rest()) {
                    cursor.take(len);
                }
                if matches!(cursor.take_byte(), None | Some(0 | b'\r' | b'\n')) {
                    return error(LexicalErrorKind::BadQuotedPair);
                }
            }
            _ => {}
        }
    }
}

/// Takes a run of atext, which may be empty.
///
/// ```text
/// atom = [CFWS] 1*atext [CFWS]                                    ; RFC 5322 3.2.3
/// ```
pub(crate) fn take_atext<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], LexicalError> {
    let at = cursor.offset();
    let mut seen = 0;
    let atext = cursor.take_while(|byte| {
        let belongs = is_atext(byte);
        seen |= if belongs { byte } else { 0 };
        belongs
    });
    if seen.is_ascii() {
        Ok(atext)
    } else {
        valid_utf8(atext, at)
    }
}

/// What lies between the positions of `start` and `end`.
pub(crate) fn since<'a>(start: Cursor<'a>, end: &Cursor<'a>) -> &'a [u8] {
    let len = end.offset().saturating_sub(start.offset());
    start.rest().get(..len).unwrap_or_default()
}

pub(crate) fn valid_utf8(bytes: &[u8], offset: usize) -> Result<&[u8], LexicalError> {
    match core::str::from_utf8(bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(ParseError::new(
            LexicalErrorKind::NotUtf8,
            offset.saturating_add(error.valid_up_to()),
        )),
    }
}

/// The length of the line end that `bytes` begins with, when white space follows it.
pub(crate) fn fold_len(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\r', b'\n', b' ' | b'\t', ..] => Some(2),
        [b'\n', b' ' | b'\t', ..] => Some(1),
        _ => None,
    }
}

/// What a span means: quotes, backslashes, folds and comments removed.
///
/// The span must have been read by the functions of this module; on other bytes the text may end
/// early.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    runs: Runs<'a>,
    run: &'a [u8],
}

impl<'a> Text<'a> {
    /// Words with one space where a gap was.
    pub(crate) const fn spaced(span: &'a [u8]) -> Self {
        Self::new(span, Place::Outside, true)
    }

    /// Tokens without their gaps.
    pub(crate) const fn joined(span: &'a [u8]) -> Self {
        Self::new(span, Place::Outside, false)
    }

    /// What is written, folds removed.
    pub(crate) const fn verbatim(span: &'a [u8]) -> Self {
        Self::new(span, Place::Verbatim, false)
    }

    /// What stands in a comment, backslashes and folds removed.
    pub(crate) const fn comment(span: &'a [u8]) -> Self {
        Self::new(span, Place::Comment, false)
    }

    const fn new(span: &'a [u8], place: Place, spaced: bool) -> Self {
        Self {
            runs: Runs {
                cursor: Cursor::new(span),
                place,
                spaced,
                begun: false,
            },
            run: &[],
        }
    }

    /// Whether the text is `bytes`.
    pub fn is(self, bytes: &[u8]) -> bool {
        self.eq(bytes.iter().copied())
    }

    /// Whether the text is `bytes`, without regard to ASCII case.
    pub fn is_ignore_case(self, bytes: &[u8]) -> bool {
        self.map(|byte| byte.to_ascii_lowercase())
            .eq(bytes.iter().map(u8::to_ascii_lowercase))
    }

    /// The text in slices of the input; no character is split.
    pub(crate) fn runs(self) -> Runs<'a> {
        self.runs
    }
}

impl Iterator for Text<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        loop {
            if let Some((&byte, rest)) = self.run.split_first() {
                self.run = rest;
                return Some(byte);
            }
            self.run = self.runs.next()?;
        }
    }
}

/// The text of a span in slices.
#[derive(Clone, Debug)]
pub(crate) struct Runs<'a> {
    cursor: Cursor<'a>,
    place: Place,
    /// Whether white space or a comment between two tokens reads as one space, or as nothing.
    spaced: bool,
    /// Whether a token came.
    begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    QuotedString,
    Literal,
    Comment,
    Verbatim,
}

impl Place {
    /// Whether `byte` is not text as it stands.
    const fn ends_run(self, byte: u8) -> bool {
        match self {
            Self::Outside => matches!(byte, b'"' | b'[' | b'(' | b' ' | b'\t' | b'\r' | b'\n'),
            Self::QuotedString => matches!(byte, b'"' | b'\\' | b'\r' | b'\n'),
            Self::Literal => matches!(byte, b']' | b' ' | b'\t' | b'\r' | b'\n'),
            Self::Comment => matches!(byte, b'\\' | b'\r' | b'\n'),
            Self::Verbatim => matches!(byte, b'\r' | b'\n'),
        }
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let place = self.place;
            if place == Place::Outside {
                let gap = skip_cfws(&mut self.cursor).ok()?;
                if self.spaced && self.begun && !gap.is_empty() && !self.cursor.is_at_end() {
                    return Some(b" ");
                }
                self.begun = true;
            } else if let Some(len) = fold_len(self.cursor.rest()) {
                self.cursor.take(len);
            }
            let mut start = self.cursor;
            let first = self.cursor.take_byte()?;
            match (place, first) {
                (Place::Outside, b'"') => {
                    self.place = Place::QuotedString;
                    continue;
                }
                (Place::QuotedString, b'"') => {
                    self.place = Place::Outside;
                    continue;
                }
                (Place::Literal, b' ' | b'\t') => continue,
                (Place::Outside, b'[') => self.place = Place::Literal,
                (Place::Literal, b']') => {
                    self.place = Place::Outside;
                    return Some(since(start, &self.cursor));
                }
                (Place::QuotedString | Place::Comment, b'\\') => {
                    if let Some(len) = fold_len(self.cursor.rest()) {
                        self.cursor.take(len);
                    }
                    start = self.cursor;
                    self.cursor.take_byte()?;
                }
                _ => {}
            }
            let place = self.place;
            self.cursor.take_while(|byte| !place.ends_run(byte));
            return Some(since(start, &self.cursor));
        }
    }
}

/// Written as it reads, without any quoting. Not for use inside a header field.
impl Emit for Text<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.clone().runs().try_for_each(|run| sink.put(run))
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// A comment, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment<'a> {
    raw: &'a [u8],
}

impl<'a> Comment<'a> {
    /// Takes a comment; the cursor must stand at its parenthesis.
    pub(crate) fn take(cursor: &mut Cursor<'a>) -> Result<Self, LexicalError> {
        take_enclosed(cursor, Enclosed::Comment).map(|raw| Self { raw })
    }

    /// With the parentheses.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What stands between the outermost parentheses, backslashes and folds removed.
    pub fn text(&self) -> Text<'a> {
        let inner = match self.raw {
            [b'(', inner @ .., b')'] => inner,
            _ => &[],
        };
        Text::comment(inner)
    }

    /// The same with encoded words decoded.
    pub const fn decoded(&self) -> DecodedText<'a> {
        DecodedText::new(self.raw, encoded_word::Place::Comment)
    }
}

/// The comments of a span, in order; nested ones are part of the outer one.
#[derive(Clone, Debug)]
pub struct Comments<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Comments<'a> {
    pub(crate) const fn new(span: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(span),
        }
    }
}

impl<'a> Iterator for Comments<'a> {
    type Item = Comment<'a>;

    fn next(&mut self) -> Option<Comment<'a>> {
        loop {
            match self.cursor.peek()? {
                b'(' => return Comment::take(&mut self.cursor).ok(),
                b'"' => {
                    take_enclosed(&mut self.cursor, Enclosed::QuotedString).ok()?;
                }
                b'[' => {
                    take_enclosed(&mut self.cursor, Enclosed::Literal).ok()?;
                }
                _ => {
                    self.cursor.take_byte();
                }
            }
        }
    }
}

/// ```text
/// dot-atom-text = 1*atext *("." 1*atext)                          ; RFC 5322 3.2.3
/// ```
pub(crate) fn is_dot_atom(bytes: impl Iterator<Item = u8>) -> bool {
    let mut last = b'.';
    for byte in bytes {
        if !(is_atext(byte) || byte == b'.' && last != b'.') {
            return false;
        }
        last = byte;
    }
    last != b'.'
}

/// Whether the text holds `=?`, with which an encoded word begins (RFC 2047 2).
pub(crate) fn begins_encoded_word(mut text: Text<'_>) -> bool {
    let mut last = 0;
    text.any(|byte| core::mem::replace(&mut last, byte) == b'=' && byte == b'?')
}

/// Writes a text as one quoted string. It may not hold NUL, CR or LF, which that cannot express.
pub(crate) fn emit_quoted<'a, S: Sink + ?Sized>(
    runs: impl IntoIterator<Item = &'a [u8]>,
    sink: &mut S,
) -> Result<(), Full> {
    sink.put_byte(b'"')?;
    for run in runs {
        let mut run = Cursor::new(run);
        while !run.is_at_end() {
            sink.put(run.take_while(|byte| !is_quoted_special(byte)))?;
            if let Some(special) = run.take_byte() {
                sink.put(&[b'\\', special])?;
            }
        }
    }
    sink.put_byte(b'"')
}

/// Whether a quoted string needs a backslash before `byte`.
const fn is_quoted_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\')
}

/// `Display` through `Emit`: what is bad UTF-8 or a control is shown as U+FFFD.
pub(crate) fn display(value: &impl Emit, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    value.emit(&mut FmtSink(f)).map_err(|Full| fmt::Error)
}
