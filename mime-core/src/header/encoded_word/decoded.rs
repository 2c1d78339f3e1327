//! Text with encoded words in it, as a person reads it (RFC 2047 5, 6).

use core::fmt;

use memchr::memchr3_iter;
use scop_core::{Counter, Cursor, Emit, Full, ParseError, Sink};

use super::{EncodedWord, EncodedWordError, EncodedWordErrorKind};
use crate::charset::{Charset, CharsetDecoder};
use crate::header::lexical::{
    Enclosed, Text, display, fold_len, is_atext, is_wsp, since, skip_cfws, skip_fws, take_enclosed,
};

/// Begins a sequence that switches to another set of characters (ISO/IEC 2022).
const ESCAPE: u8 = 0x1b;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// A span as a person reads it: unfolded, its encoded words decoded, in UTF-8.
///
/// - A word is decoded only where RFC 2047 5 allows it, and once: what comes out of it is text.
/// - White space between two words goes (RFC 2047 6.2). Words of one charset that follow one another are
///   decoded as one text, so that a character that a writer has cut comes out whole.
/// - A word that cannot be decoded, or stands where none may, is shown as written;
///   [`Self::encoded_word_defects`] tells of it.
/// - The text holds no control character but TAB: each other one, CR, LF, NUL, DEL and those from U+0080
///   to U+009F, becomes U+FFFD, be it written or encoded. So do octets that are not UTF-8.
///
/// It can hold characters that mislead a person: those that change the direction of writing, `@` or `<`.
#[derive(Clone, Copy, Debug)]
pub struct DecodedText<'a> {
    span: &'a [u8],
    place: Place,
}

/// The grammar of the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Unstructured,
    Phrase,
    /// With its parentheses.
    Comment,
    /// The value of a parameter without its quotes. No encoded word may stand there (RFC 2047 5), and who
    /// decodes them nevertheless does so wherever one stands.
    Value,
}

/// The first encoded word of each sort that is not as it should be; bytes count from the start of the span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedWordDefects {
    /// One that cannot be decoded and is shown as written, or with U+FFFD for `NotInCharset`. Any other kind
    /// comes before `UnknownCharset`.
    pub bad: Option<EncodedWordError>,
    /// One that stands where none may, shown as written; some programs decode it.
    pub misplaced: Option<EncodedWordError>,
    /// One that is decoded though it breaks a rule: [`EncodedWord::loose`], `CutCharacter` or `Control`.
    pub loose: Option<EncodedWordError>,
}

impl<'a> DecodedText<'a> {
    pub(crate) const fn new(span: &'a [u8], place: Place) -> Self {
        Self { span, place }
    }

    /// Whether the text is `text`.
    pub fn is(&self, text: &str) -> bool {
        let mut compare = Compare(Cursor::new(text.as_bytes()));
        self.emit(&mut compare).is_ok() && compare.0.is_at_end()
    }

    /// What is wrong with the encoded words.
    pub fn encoded_word_defects(&self) -> EncodedWordDefects {
        let mut nothing = Counter::default();
        // A counter is never full.
        self.decode(&mut nothing, true).unwrap_or_default()
    }

    /// Looks for defects when `inspects`, and else for those only that are there to be seen.
    fn decode<S: Sink + ?Sized>(
        &self,
        sink: &mut S,
        inspects: bool,
    ) -> Result<EncodedWordDefects, Full> {
        let mut out = Joiner {
            sink: Printable(sink),
            inspects,
            likeness: Likeness::default(),
            likeness_at: 0,
            cut_at: None,
            words: None,
            word_at: 0,
            gap: &[],
            gap_joins: true,
            defects: EncodedWordDefects::default(),
        };
        match self.place {
            Place::Unstructured => unstructured(self.span, &mut out)?,
            Place::Phrase => phrase(self.span, &mut out)?,
            Place::Comment => comment(self.span, &mut out)?,
            Place::Value => value(self.span, &mut out)?,
        }
        out.end_words()?;
        Ok(out.defects)
    }
}

/// Written as it reads, without any quoting. Not for use inside a header field.
impl Emit for DecodedText<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.decode(sink, false).map(drop)
    }
}

impl fmt::Display for DecodedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// ```text
/// unstructured = (*([FWS] VCHAR) *WSP) / obs-unstruct             ; RFC 5322 3.2.5
/// ```
///
/// White space at both ends is no part of the text.
fn unstructured<'a, S: Sink + ?Sized>(
    span: &'a [u8],
    out: &mut Joiner<'_, 'a, S>,
) -> Result<(), Full> {
    let mut cursor = Cursor::new(span);
    skip_fws(&mut cursor);
    while !cursor.is_at_end() {
        let start = cursor;
        if let Some(text) = take_plain(&mut cursor) {
            out.text(text, start.offset())?;
        } else {
            take_token(&mut cursor, |byte| {
                matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
            });
            out.token(since(start, &cursor), start.offset())?;
        }
        let end = cursor;
        skip_fws(&mut cursor);
        out.gap(since(end, &cursor), true);
    }
    Ok(())
}

/// The words of a phrase that was read before, one space for each gap. A word in a quoted string is not
/// decoded (RFC 2047 5, 6.1), nor is one that touches a quoted string.
fn phrase<'a, S: Sink + ?Sized>(span: &'a [u8], out: &mut Joiner<'_, 'a, S>) -> Result<(), Full> {
    let mut cursor = Cursor::new(span);
    let mut behind_quotes = false;
    while let Ok(gap) = skip_cfws(&mut cursor) {
        if !gap.is_empty() {
            out.gap(b" ", !gap.comment);
            behind_quotes = false;
        }
        let start = cursor;
        if cursor.peek() == Some(b'"') {
            let Ok(quoted) = take_enclosed(&mut cursor, Enclosed::QuotedString) else {
                break;
            };
            out.flush_gap()?;
            Text::joined(quoted)
                .runs()
                .try_for_each(|run| out.text(run, start.offset()))?;
            behind_quotes = true;
            continue;
        }
        let atoms = cursor.take_while(|byte| is_atext(byte) || byte == b'.');
        if atoms.is_empty() {
            break;
        }
        if behind_quotes || cursor.peek() == Some(b'"') {
            out.text(atoms, start.offset())?;
        } else {
            out.token(atoms, start.offset())?;
        }
        behind_quotes = false;
    }
    Ok(())
}

/// What stands between the outermost parentheses; a parenthesis bounds a word as white space does
/// (RFC 2047 5).
fn comment<'a, S: Sink + ?Sized>(span: &'a [u8], out: &mut Joiner<'_, 'a, S>) -> Result<(), Full> {
    let inner = match span {
        [inner @ .., b')'] => inner,
        _ => span,
    };
    let mut cursor = Cursor::new(inner);
    cursor.skip_byte(b'(');
    loop {
        let start = cursor;
        skip_fws(&mut cursor);
        out.gap(since(start, &cursor), true);
        let start = cursor;
        match cursor.peek() {
            None => return out.flush_gap(),
            Some(b'(' | b')') => {
                cursor.take_byte();
                out.text(since(start, &cursor), start.offset())?;
            }
            Some(_) => {
                take_comment_token(&mut cursor);
                let token = since(start, &cursor);
                if token.contains(&b'\\') {
                    Text::comment(token)
                        .runs()
                        .try_for_each(|run| out.text(run, start.offset()))?;
                } else {
                    out.token(token, start.offset())?;
                }
            }
        }
    }
}

/// Encoded words at any place, backslashes and folds removed.
fn value<'a, S: Sink + ?Sized>(span: &'a [u8], out: &mut Joiner<'_, 'a, S>) -> Result<(), Full> {
    let mut cursor = Cursor::new(span);
    loop {
        let start = cursor;
        skip_fws(&mut cursor);
        out.gap(since(start, &cursor), true);
        let start = cursor;
        match cursor.peek() {
            None => return out.flush_gap(),
            Some(b'=') => match take_word(&mut cursor) {
                Some(word) => out.token(word, start.offset())?,
                None => out.text(b"=", start.offset())?,
            },
            Some(b'\\') => {
                cursor.take_byte();
                if let Some(len) = fold_len(cursor.rest()) {
                    cursor.take(len);
                }
                let quoted = cursor;
                cursor.take_byte();
                // What is quoted may be the first octet of a character.
                cursor.take_while(|byte| byte >= 0x80);
                out.text(since(quoted, &cursor), start.offset())?;
            }
            Some(_) => {
                take_token(&mut cursor, |byte| {
                    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'=' | b'\\')
                });
                out.text(since(start, &cursor), start.offset())?;
            }
        }
    }
}

/// Takes what has the form of an encoded word; the cursor must stand at `=`. Otherwise takes that alone.
fn take_word<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = *cursor;
    cursor.take_byte();
    let mut ahead = *cursor;
    for _ in 0..3 {
        if !ahead.skip_byte(b'?') {
            return None;
        }
        ahead.take_while(|byte| byte != b'?' && byte.is_ascii_graphic());
    }
    if !(ahead.skip_byte(b'?') && ahead.skip_byte(b'=')) {
        return None;
    }
    *cursor = ahead;
    Some(since(start, cursor))
}

/// Takes tokens that hold no `=?`, with single octets of white space or more between them but no line end:
/// nearly every value is all of that.
fn take_plain<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let rest = cursor.rest();
    let mut marks = memchr3_iter(b'=', b'\r', b'\n', rest);
    let end =
        marks.find(|&at| !matches!(rest.get(at..), Some([b'=', other, ..]) if *other != b'?'));
    let line = rest.get(..end.unwrap_or(rest.len()))?;
    // The last token may go on behind the line.
    let tokens = match (end, line.iter().rposition(|&byte| is_wsp(byte))) {
        (None, _) => line,
        (Some(_), last_wsp) => line.get(..last_wsp?)?,
    };
    let last = tokens.iter().rposition(|&byte| !is_wsp(byte))?;
    cursor.take(last.saturating_add(1))
}

/// Takes octets up to one that `ends` the token; CR and LF end it when they begin a fold.
fn take_token(cursor: &mut Cursor<'_>, ends: impl Fn(u8) -> bool) {
    loop {
        cursor.take_while(|byte| !ends(byte));
        let is_text = matches!(cursor.peek(), Some(b'\r' | b'\n'));
        if !is_text || fold_len(cursor.rest()).is_some() {
            return;
        }
        cursor.take_byte();
    }
}

fn take_comment_token(cursor: &mut Cursor<'_>) {
    loop {
        take_token(cursor, |byte| {
            matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b'\\')
        });
        if !cursor.skip_byte(b'\\') {
            return;
        }
        // The fold is removed first (RFC 5322 2.2.3): what is quoted is the white space.
        if let Some(len) = fold_len(cursor.rest()) {
            cursor.take(len);
        }
        cursor.take_byte();
    }
}

/// Whether a text is [like](Likeness) an encoded word somewhere.
pub(crate) fn is_like_encoded_word(mut text: impl Iterator<Item = u8>) -> bool {
    let mut likeness = Likeness::default();
    text.any(|byte| likeness.completes(byte))
}

/// Whether `=?` came, then two `?` or more, then `?=`, whatever lies between: what programs that look for
/// nothing else decode.
#[derive(Clone, Copy, Debug, Default)]
struct Likeness {
    last: u8,
    marks: usize,
}

impl Likeness {
    fn completes(&mut self, byte: u8) -> bool {
        match (core::mem::replace(&mut self.last, byte), byte) {
            (b'=', b'?') if self.marks == 0 => self.marks = 1,
            (b'?', b'=') if self.marks >= 4 => return true,
            (_, b'?') if self.marks > 0 => self.marks = self.marks.saturating_add(1),
            _ => {}
        }
        false
    }
}

/// Joins pieces of text, gaps and encoded words.
struct Joiner<'s, 'a, S: ?Sized> {
    sink: Printable<'s, S>,
    /// Whether defects are looked for.
    inspects: bool,
    /// Of the text since the last encoded word; what it looks like began in the token at `likeness_at`.
    likeness: Likeness,
    likeness_at: usize,
    /// Where the last encoded word stands, when its octets are no text without those of the next.
    cut_at: Option<usize>,
    /// Decodes the encoded words that follow one another.
    words: Option<CharsetDecoder>,
    /// Where the last encoded word stands.
    word_at: usize,
    /// White space that has not been written: it goes when it lies between two encoded words.
    gap: &'a [u8],
    /// Whether there is nothing but white space in the gap.
    gap_joins: bool,
    defects: EncodedWordDefects,
}

impl<'a, S: Sink + ?Sized> Joiner<'_, 'a, S> {
    fn gap(&mut self, gap: &'a [u8], joins: bool) {
        self.gap = gap;
        self.gap_joins = joins;
    }

    /// A token that is text, or an encoded word where one may stand.
    fn token(&mut self, token: &'a [u8], offset: usize) -> Result<(), Full> {
        use EncodedWordErrorKind as Kind;
        if !token.starts_with(b"=?") {
            return self.text(token, offset);
        }
        let word = EncodedWord::parse(token).and_then(|word| match word.charset() {
            Some(charset) => Ok((word, charset)),
            None => Err(ParseError::new(Kind::UnknownCharset, 2)),
        });
        let error = match word {
            Ok((word, charset)) => return self.word(&word, charset, offset),
            Err(error) => error.nested(offset),
        };
        // A malformed word before it is noted first.
        self.end_words()?;
        match error.kind() {
            Kind::NotEncodedWord => return self.text(token, offset),
            Kind::Misplaced => self.misplaced(offset),
            _ => self.bad(error),
        }
        // What it looks like is said.
        self.likeness = Likeness::default();
        self.put_text(token)
    }

    fn misplaced(&mut self, offset: usize) {
        self.defects
            .misplaced
            .get_or_insert(ParseError::new(EncodedWordErrorKind::Misplaced, offset));
    }

    fn word(
        &mut self,
        word: &EncodedWord<'_>,
        charset: Charset,
        offset: usize,
    ) -> Result<(), Full> {
        if self.words.is_some() && self.gap_joins {
            self.gap = &[];
        }
        // A word begins in ASCII whatever the one before it left behind (RFC 2047 6.2), unless characters
        // go on at once.
        let begins_anew = charset.is_shifting() && word.octets().next() == Some(ESCAPE);
        let continues = self.words.as_ref().map(CharsetDecoder::charset) == Some(charset);
        if !self.gap.is_empty() || begins_anew || !continues {
            self.flush_gap()?;
        }
        self.likeness = Likeness::default();
        self.word_at = offset;
        let was_cut = self.cut_at.take();
        let words = self
            .words
            .get_or_insert_with(|| CharsetDecoder::new(charset));
        let mut octets = word.octets();
        let mut buffer = [0; 64];
        loop {
            let mut len: usize = 0;
            for (slot, octet) in buffer.iter_mut().zip(&mut octets) {
                *slot = octet;
                len = len.saturating_add(1);
            }
            match buffer.get(..len) {
                None | Some([]) => break,
                Some(octets) => words.put(octets, &mut self.sink)?,
            }
        }
        if words.had_errors() {
            self.not_in_charset();
        } else if let Some(offset) = was_cut {
            self.loose(EncodedWordErrorKind::CutCharacter, offset);
        }
        if let Some(kind) = word.loose() {
            self.loose(kind, offset);
        }
        if self.inspects {
            self.look_at(word, charset, offset);
        }
        Ok(())
    }

    /// Looks at a word without those around it.
    fn look_at(&mut self, word: &EncodedWord<'_>, charset: Charset, offset: usize) {
        let mut alone = CharsetDecoder::new(charset);
        let mut found = FindControl::default();
        // It is never full.
        for octet in word.octets() {
            let _ = alone.put(&[octet], &mut found);
        }
        let _ = alone.finish(&mut found);
        if alone.had_errors() {
            self.cut_at = Some(offset);
        }
        if found.0 {
            self.loose(EncodedWordErrorKind::Control, offset);
        }
    }

    fn loose(&mut self, kind: EncodedWordErrorKind, offset: usize) {
        self.defects
            .loose
            .get_or_insert(ParseError::new(kind, offset));
    }

    fn not_in_charset(&mut self) {
        let kind = EncodedWordErrorKind::NotInCharset;
        self.bad(ParseError::new(kind, self.word_at));
    }

    /// A charset that this build does not know hides nothing of the words behind it.
    fn bad(&mut self, error: EncodedWordError) {
        let is_weak = |bad: EncodedWordError| bad.kind() == EncodedWordErrorKind::UnknownCharset;
        if self
            .defects
            .bad
            .is_none_or(|bad| is_weak(bad) && !is_weak(error))
        {
            self.defects.bad = Some(error);
        }
    }

    /// Text that is no encoded word, whatever it looks like, of the token at `offset`.
    fn text(&mut self, bytes: &[u8], offset: usize) -> Result<(), Full> {
        if self.inspects {
            if !self.gap.is_empty() {
                self.likeness.last = b' ';
            }
            for &byte in bytes {
                let begun = self.likeness.marks > 0;
                if self.likeness.completes(byte) {
                    self.misplaced(self.likeness_at);
                    self.likeness = Likeness::default();
                } else if !begun {
                    self.likeness_at = offset;
                }
            }
        }
        self.put_text(bytes)
    }

    /// Text that stands for itself; what is not UTF-8 in it becomes U+FFFD.
    fn put_text(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.flush_gap()?;
        let mut utf8 = CharsetDecoder::new(Charset::UTF_8);
        utf8.put(bytes, &mut self.sink)?;
        utf8.finish(&mut self.sink)
    }

    /// Ends the encoded words, and writes the gap behind them without its line ends.
    fn flush_gap(&mut self) -> Result<(), Full> {
        self.end_words()?;
        let mut gap = Cursor::new(core::mem::take(&mut self.gap));
        while !gap.is_at_end() {
            let spaces = gap.take_while(is_wsp);
            if !spaces.is_empty() {
                self.sink.put(spaces)?;
            }
            gap.take_while(|byte| !is_wsp(byte));
        }
        Ok(())
    }

    fn end_words(&mut self) -> Result<(), Full> {
        self.cut_at = None;
        if let Some(mut words) = self.words.take() {
            words.finish(&mut self.sink)?;
            if words.had_errors() {
                self.not_in_charset();
            }
        }
        Ok(())
    }
}

/// Whether UTF-8 may hold a control character: without a branch, so that the compiler looks at many octets at
/// once.
pub(super) fn may_hold_control(text: &[u8]) -> bool {
    let is_suspect = |byte: u8| matches!(byte, 0..=31 | 127 | 0xc2);
    text.iter()
        .fold(false, |found, &byte| found | is_suspect(byte))
}

/// Whether there is a control but TAB in the UTF-8 that it takes in whole characters.
#[derive(Default)]
struct FindControl(bool);

impl Sink for FindControl {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let mut text = bytes.utf8_chunks().flat_map(|chunk| chunk.valid().chars());
        self.0 |= text.any(|c| c.is_control() && c != '\t');
        Ok(())
    }
}

/// Takes UTF-8 in whole characters, and passes U+FFFD for each control but TAB.
pub(crate) struct Printable<'s, S: ?Sized>(pub(crate) &'s mut S);

impl<S: Sink + ?Sized> Sink for Printable<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if !may_hold_control(bytes) {
            return self.0.put(bytes);
        }
        let mut cursor = Cursor::new(bytes);
        while !cursor.is_at_end() {
            let start = cursor;
            let control = loop {
                cursor.take_while(|byte| matches!(byte, b'\t' | 32..=126 | 0xc3..));
                match cursor.rest() {
                    [] => break 0,
                    // U+0080 to U+009F
                    [0xc2, 0x80..=0x9f, ..] => break 2,
                    [0..=31 | 127, ..] => break 1,
                    // U+00A0 to U+00BF, and the later octets of any character
                    [0xc2, _, ..] => cursor.take(2),
                    _ => cursor.take(1),
                };
            };
            let text = since(start, &cursor);
            if !text.is_empty() {
                self.0.put(text)?;
            }
            if control > 0 {
                cursor.take(control);
                self.0.put(REPLACEMENT)?;
            }
        }
        Ok(())
    }
}

/// Full as soon as something other than the text comes.
pub(crate) struct Compare<'t>(pub(crate) Cursor<'t>);

impl Sink for Compare<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.0.take(bytes.len()) == Some(bytes) {
            Ok(())
        } else {
            Err(Full)
        }
    }
}
