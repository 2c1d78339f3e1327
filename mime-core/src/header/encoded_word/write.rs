//! Writing text and display names (RFC 2047 2, 5; RFC 6532 3).

use core::fmt;

use scop_core::{Cursor, Full, Sink, SliceSink};

use super::decoded::may_hold_control;
use super::{MAX_ENCODED_WORD, WordEncoding};
use crate::coding::base64::encode_group;
use crate::header::lexical::{emit_quoted, is_atext, is_wsp, since};

/// How text beyond ASCII is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Utf8 {
    /// As encoded words, for any mail.
    #[default]
    Encode,
    /// As it is (RFC 6532), for a way on which every server has the extension SMTPUTF8.
    Raw,
}

/// Why a text cannot be written. What the sink took so far is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// The sink is full.
    Full,
    /// A control character other than TAB, CR and LF among them. Nothing was written.
    Control {
        /// The byte of the text.
        offset: usize,
    },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Full.fmt(f),
            Self::Control { offset } => write!(
                f,
                "a text holds a control character (RFC 5322 3.2.5) at byte {offset}"
            ),
        }
    }
}

impl core::error::Error for TextError {}

impl From<Full> for TextError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Writes the value of a field that is text, such as Subject, without the space behind the colon.
///
/// What is plain stays so. Each run of words that are not ASCII, or that could be taken for encoded words,
/// becomes encoded words in UTF-8, with the spaces inside it; so does white space at either end, and what
/// is too long to be folded. [`Unstructured::text`](crate::Unstructured::text) gives the text back, also
/// when the field went through a [`FoldSink`](crate::FoldSink), for which this is meant.
///
/// ```
/// use scop_core::SliceSink;
/// use scop_mime_core::{Unstructured, header::encoded_word::{Utf8, emit_unstructured}};
///
/// let mut buffer = [0; 64];
/// let mut out = SliceSink::new(&mut buffer);
/// emit_unstructured("A discoth\u{e8}que, please", Utf8::Encode, &mut out)?;
/// assert_eq!(out.written(), b"A =?UTF-8?Q?discoth=C3=A8que=2C?= please");
/// assert!(Unstructured::new(out.written()).text().is("A discoth\u{e8}que, please"));
/// # Ok::<(), scop_mime_core::header::encoded_word::TextError>(())
/// ```
///
/// # Errors
/// `Control`, `Full`.
pub fn emit_unstructured<S: Sink + ?Sized>(
    text: &str,
    utf8: Utf8,
    sink: &mut S,
) -> Result<(), TextError> {
    let form = Form {
        utf8,
        is_phrase: false,
    };
    refuse_controls(text)?;
    Ok(form.emit(text.as_bytes(), sink)?)
}

/// Writes a display name or another phrase.
///
/// It is written as atoms where the grammar allows them, as one quoted string where it allows that, and
/// else with encoded words for each run of words that are no atoms. Nothing at all is `""`.
/// [`Phrase::decoded`](crate::header::address::Phrase::decoded) gives the text back, also when the field
/// went through a [`FoldSink`](crate::FoldSink).
///
/// ```
/// use scop_core::SliceSink;
/// use scop_mime_core::header::encoded_word::{Utf8, emit_phrase};
///
/// for (name, phrase) in [
///     ("Joe Public", "Joe Public"),
///     ("Joe Q. Public", "\"Joe Q. Public\""),
///     ("Andr\u{e9} Public", "=?UTF-8?B?QW5kcsOp?= Public"),
/// ] {
///     let mut buffer = [0; 64];
///     let mut out = SliceSink::new(&mut buffer);
///     emit_phrase(name, Utf8::Encode, &mut out)?;
///     assert_eq!(out.written(), phrase.as_bytes());
/// }
/// # Ok::<(), scop_mime_core::header::encoded_word::TextError>(())
/// ```
///
/// # Errors
/// `Control`, `Full`.
pub fn emit_phrase<S: Sink + ?Sized>(
    text: &str,
    utf8: Utf8,
    sink: &mut S,
) -> Result<(), TextError> {
    let form = Form {
        utf8,
        is_phrase: true,
    };
    refuse_controls(text)?;
    let text = text.as_bytes();
    let is_atoms = !text.is_empty() && Words::new(text).all(|word| form.is_plain(&word));
    let is_quotable = Words::new(text).all(|word| {
        word.gap.len() <= MAX_GAP && word.gap_behind.len() <= MAX_GAP && form.is_text(word.text)
    });
    if !is_atoms && is_quotable {
        emit_quoted([text], sink)?;
    } else {
        form.emit(text, sink)?;
    }
    Ok(())
}

/// A word that is longer is encoded, so that it can be folded: a line of 998 octets (RFC 5322 2.1.1) holds
/// it even when each octet is quoted.
const MAX_PLAIN_WORD: usize = 400;

/// White space that is longer is encoded: a fold would leave a line that holds nothing else.
const MAX_GAP: usize = 60;

/// What is around the text of an encoded word.
const PREFIX_Q: &[u8] = b"=?UTF-8?Q?";
const PREFIX_B: &[u8] = b"=?UTF-8?B?";
const SUFFIX: &[u8] = b"?=";

/// The longest encoded word at the start of a value: it fits 76 characters (RFC 2047 2) on the line of the
/// field name for all usual names, `Content-Description: ` being the longest.
const MAX_FIRST_WORD: usize = 55;

fn refuse_controls(text: &str) -> Result<(), TextError> {
    if !may_hold_control(text.as_bytes()) {
        return Ok(());
    }
    let is_control = |&(_, c): &(usize, char)| c.is_control() && c != '\t';
    match text.char_indices().find(is_control) {
        Some((offset, _)) => Err(TextError::Control { offset }),
        None => Ok(()),
    }
}

/// What a plain word may be.
#[derive(Clone, Copy)]
struct Form {
    utf8: Utf8,
    is_phrase: bool,
}

impl Form {
    fn emit<S: Sink + ?Sized>(self, text: &[u8], sink: &mut S) -> Result<(), Full> {
        let mut words = Words::new(text);
        let mut is_first = true;
        while let Some(word) = words.next() {
            // White space at the start cannot be plain, so it is part of the first word.
            let mut start = word.start;
            if !is_first {
                sink.put(word.gap)?;
                start.take(word.gap.len());
            }
            if self.is_plain(&word) {
                sink.put(word.text)?;
            } else {
                loop {
                    let mut ahead = words.clone();
                    match ahead.next() {
                        Some(next) if !self.is_plain(&next) => words = ahead,
                        _ => break,
                    }
                }
                emit_encoded(since(start, &words.cursor), is_first, sink)?;
            }
            is_first = false;
        }
        Ok(())
    }

    /// Whether a word can stand as it is, and the white space on both sides of it.
    fn is_plain(self, word: &Word<'_>) -> bool {
        let is_gap = |gap: &[u8], is_edge: bool| match (is_edge, self.is_phrase) {
            (true, _) => gap.is_empty(),
            (false, true) => gap == b" ",
            (false, false) => gap.len() <= MAX_GAP,
        };
        !word.text.is_empty()
            && is_gap(word.gap, word.start.offset() == 0)
            && is_gap(word.gap_behind, word.is_last)
            && self.is_text(word.text)
            && (!self.is_phrase || word.text.iter().copied().all(is_atext))
    }

    /// Whether a word needs at most to be quoted. The line separators of Unicode (U+2028, U+2029) end
    /// lines for some programs.
    fn is_text(self, word: &[u8]) -> bool {
        word.len() <= MAX_PLAIN_WORD
            && !word.windows(2).any(|pair| pair == b"=?")
            && match self.utf8 {
                Utf8::Encode => word.is_ascii(),
                Utf8::Raw => !word
                    .windows(3)
                    .any(|triple| matches!(triple, [0xe2, 0x80, 0xa8 | 0xa9])),
            }
    }
}

/// The words of a text, each with the white space on both sides of it. White space alone, and that at the
/// end, has an empty word.
#[derive(Clone)]
struct Words<'a> {
    cursor: Cursor<'a>,
}

struct Word<'a> {
    /// Where the gap before it begins.
    start: Cursor<'a>,
    gap: &'a [u8],
    text: &'a [u8],
    gap_behind: &'a [u8],
    /// Whether no other word follows.
    is_last: bool,
}

impl<'a> Words<'a> {
    const fn new(text: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(text),
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        if self.cursor.is_at_end() {
            return None;
        }
        let start = self.cursor;
        let gap = self.cursor.take_while(is_wsp);
        let text = self.cursor.take_while(|byte| !is_wsp(byte));
        let mut behind = self.cursor;
        let gap_behind = behind.take_while(is_wsp);
        Some(Word {
            start,
            gap,
            text,
            gap_behind,
            is_last: behind.is_at_end(),
        })
    }
}

/// Writes UTF-8 as encoded words of whole characters, with one space between them.
fn emit_encoded<S: Sink + ?Sized>(text: &[u8], is_first: bool, sink: &mut S) -> Result<(), Full> {
    let q_len: usize = text.iter().copied().map(q_cost).sum();
    let b_len = text.len().div_ceil(3).saturating_mul(4);
    let encoding = if q_len <= b_len {
        WordEncoding::Q
    } else {
        WordEncoding::B
    };
    let mut longest = if is_first {
        MAX_FIRST_WORD
    } else {
        MAX_ENCODED_WORD
    };
    let mut cursor = Cursor::new(text);
    loop {
        let room = longest - PREFIX_Q.len() - SUFFIX.len();
        let octets = take_characters(&mut cursor, encoding, room);
        let mut buffer = [0; MAX_ENCODED_WORD];
        let mut word = SliceSink::new(&mut buffer);
        match encoding {
            WordEncoding::Q => put_q(octets, &mut word)?,
            WordEncoding::B => put_b(octets, &mut word)?,
        }
        sink.put(word.written())?;
        if cursor.is_at_end() {
            return Ok(());
        }
        sink.put_byte(b' ')?;
        longest = MAX_ENCODED_WORD;
    }
}

/// Takes the whole characters whose encoded form has `room`, one at least.
fn take_characters<'a>(cursor: &mut Cursor<'a>, encoding: WordEncoding, room: usize) -> &'a [u8] {
    let start = *cursor;
    let mut used: usize = 0;
    let room = match encoding {
        WordEncoding::Q => room,
        WordEncoding::B => room / 4 * 3,
    };
    loop {
        let before = *cursor;
        let mut cost = |byte| match encoding {
            WordEncoding::Q => q_cost(byte),
            WordEncoding::B => 1,
        };
        let Some(first) = cursor.take_byte() else {
            return since(start, cursor);
        };
        let rest = cursor.take_while(|byte| matches!(byte, 0x80..=0xbf));
        used = used.saturating_add(cost(first));
        used = used.saturating_add(rest.iter().copied().map(&mut cost).sum());
        if used > room && before.offset() > start.offset() {
            *cursor = before;
            return since(start, cursor);
        }
    }
}

/// What stands for itself in Q: the octets that RFC 2047 5 (3) allows in a phrase, for every place.
const fn is_plain_in_q(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'!' | b'*' | b'+' | b'-' | b'/')
}

const fn q_cost(byte: u8) -> usize {
    if is_plain_in_q(byte) || byte == b' ' {
        1
    } else {
        3
    }
}

fn put_q(octets: &[u8], word: &mut SliceSink<'_>) -> Result<(), Full> {
    word.put(PREFIX_Q)?;
    for &octet in octets {
        match octet {
            b' ' => word.put_byte(b'_')?,
            _ if is_plain_in_q(octet) => word.put_byte(octet)?,
            _ => word.put(&[b'=', hex(octet >> 4), hex(octet & 15)])?,
        }
    }
    word.put(SUFFIX)
}

/// Upper case should be used (RFC 2047 4.2).
const fn hex(digit: u8) -> u8 {
    match digit {
        0..=9 => b'0' + digit,
        _ => b'A' + (digit & 15) - 10,
    }
}

fn put_b(octets: &[u8], word: &mut SliceSink<'_>) -> Result<(), Full> {
    word.put(PREFIX_B)?;
    let (triples, rest) = octets.as_chunks::<3>();
    for triple in triples {
        word.put(&encode_group(*triple))?;
    }
    match *rest {
        [first] => {
            let [a, b, ..] = encode_group([first, 0, 0]);
            word.put(&[a, b, b'=', b'='])?;
        }
        [first, second] => {
            let [a, b, c, _] = encode_group([first, second, 0]);
            word.put(&[a, b, c, b'='])?;
        }
        _ => {}
    }
    word.put(SUFFIX)
}
