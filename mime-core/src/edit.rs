//! Changes to a message that leave every other byte as it is.
//!
//! An [`Edit`] is a list of splices over the bytes of a message, in memory of the caller's. It is asked
//! for changes by what was read from those bytes, a [`Field`] or a [`HeaderBlock`] (of the message or of
//! any part of it), which shows its place by where it borrows from. Written, it gives the message with
//! the changes; without any it gives the very bytes, whatever they are.
//!
//! - A field that is inserted must be one that is well formed. A part that is added is bytes of any kind
//!   with an empty line behind the header, if no multipart that it is put in ends or goes on in it. Both
//!   are written as they were given, but for the line ends: those are the ones of the message, which are
//!   those of its first line, and CRLF where there is none. (So a part in the encoding binary is not for a
//!   message with lines of another kind.)
//! - A part is dropped with the delimiter before it. The last one that a multipart has stays: add another
//!   one first.
//! - What is inserted at the same place stands in the order of the calls.
//! - Changes that touch the same bytes are an error, as is one more than the memory holds; a call that
//!   fails changes nothing.
//!
//! Nothing panics or allocates. A change of a field costs time linear in what it inserts and in the number of
//! changes that lie behind it, one of a part reads the message up to the end of the multipart; writing
//! costs time linear in the output.
//!
//! ```
//! use scop_core::{Emit, SliceSink};
//! use scop_mime_core::edit::{Edit, Place, Splice};
//! use scop_mime_core::Message;
//!
//! let input = b"X-Spam: yes\nFrom : a@example.org\nsubject:x\n\nHi\r\n";
//! let message = Message::split(input);
//! let mut splices = [Splice::default(); 4];
//! let mut edit = Edit::new(input, &mut splices);
//! for field in message.header.fields() {
//!     if field.is(b"x-spam") {
//!         edit.remove_field(field)?;
//!     }
//! }
//! edit.insert_field(Place::First(message.header), b"Received: by mx.example.org;\r\n Fri, 1 Nov 2024 10:00:00 +0000")?;
//! let mut buffer = [0; 128];
//! let mut out = SliceSink::new(&mut buffer);
//! edit.emit(&mut out)?;
//! assert_eq!(
//!     out.written(),
//!     b"Received: by mx.example.org;\n Fri, 1 Nov 2024 10:00:00 +0000\nFrom : a@example.org\nsubject:x\n\nHi\r\n",
//! );
//!
//! // The changes can be taken back in what was written.
//! let mut splices = [Splice::default(); 4];
//! let undo = edit.undo(out.written(), &mut splices)?;
//! assert!(undo.is_of(input));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;

use scop_core::{Counter, Emit, Full, ParseError, Sink};

use crate::body::index::Part;
use crate::header::lexical::is_wsp;
use crate::header::scan::{Field, HeaderBlock};

mod field;
mod part;
mod splice;
#[cfg(test)]
mod tests;

use field::check_field;
pub use splice::Splice;
use splice::{Insertion, Joint, LineEnd, Tracked, emit_lines};

/// Why a change is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditErrorKind {
    /// The memory for the changes is full.
    TooManyEdits,
    /// It touches bytes that another change touches.
    Overlap,
    /// The field or header was not read from the message.
    NotOfMessage,
    /// The message is not what the changes gave.
    NotTheOutput,
    /// Nothing can stand before a continuation line or the `From ` line of an mbox, with which the
    /// header begins: the line would become part of it, or lose its meaning.
    MustStayFirst,
    /// A CR stands where a line must be ended with LF, and would become part of the line end.
    BareCr,
    /// A field that is inserted has no name of octets from 33 to 126 with a colon behind it, or one that
    /// begins like a delimiter, with `--` (RFC 5322 2.2, RFC 2046 5.1.1).
    BadName,
    /// A control character, CR and LF outside a fold among them, in a field that is inserted.
    Control,
    /// Octets in a field that is inserted that are not UTF-8 (RFC 6532 3.2).
    NotUtf8,
    /// A line of white space alone in a field that is inserted: some end the header there.
    BlankLine,
    /// A line of more than 998 octets in a field that is inserted (RFC 5322 2.1.1).
    LineTooLong,
    /// A second field behind the one that is inserted.
    NotOneField,
    /// The part is in no multipart.
    NotInMultipart,
    /// The last part that a multipart has may not be dropped (RFC 2046 5.1.1).
    OnlyPart,
    /// The part before ends in its header, without an empty line: what is put behind it, or would move up
    /// to it, would become part of that.
    CutOff,
    /// A part that is added has no empty line behind its header (RFC 2046 5.1).
    NoSeparator,
    /// A part that is added holds a delimiter of the multipart that it is put in, or of one around it, or
    /// is a multipart that would take one for its own (RFC 2046 5.1.1).
    HoldsBoundary,
}

impl fmt::Display for EditErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyEdits => "the memory for edits is full",
            Self::Overlap => "two edits touch the same bytes",
            Self::NotOfMessage => "what is edited was not read from the message",
            Self::NotTheOutput => "the message is not what the edits gave",
            Self::MustStayFirst => {
                "nothing can stand before the line with which this header begins (RFC 5322 2.2.3, RFC 4155)"
            }
            Self::BareCr => "a CR would become part of a line end (RFC 5322 2.2)",
            Self::BadName => "a field needs a name and a colon (RFC 5322 2.2)",
            Self::Control => "a field cannot hold control characters (RFC 5322 2.2)",
            Self::NotUtf8 => "a field is not UTF-8 (RFC 6532 3.2)",
            Self::BlankLine => "a field cannot hold a line of white space (RFC 5322 3.2.2)",
            Self::LineTooLong => "a header line is longer than 998 octets (RFC 5322 2.1.1)",
            Self::NotOneField => "more than one field is inserted (RFC 5322 2.2)",
            Self::NotInMultipart => "the part is in no multipart",
            Self::OnlyPart => "a multipart needs a part (RFC 2046 5.1.1)",
            Self::CutOff => "nothing can follow a part that ends in its header (RFC 2046 5.1)",
            Self::NoSeparator => "a part needs an empty line behind its header (RFC 2046 5.1)",
            Self::HoldsBoundary => {
                "a part that is added holds a boundary of what it is put in (RFC 2046 5.1.1)"
            }
        })
    }
}

/// The error of every change. The byte is one of what is inserted when that is at fault, else of the
/// message.
pub type EditError = ParseError<EditErrorKind>;

/// Where a field is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Before the first field of this header, but behind the `From ` line of an mbox.
    First(HeaderBlock<'a>),
    /// Behind the last field of this header.
    Last(HeaderBlock<'a>),
    /// Before this field.
    Before(Field<'a>),
    /// Behind this field.
    After(Field<'a>),
}

/// Where a part is added, in the multipart in which this one is.
#[derive(Clone, Copy, Debug)]
pub enum PartPlace<'a> {
    /// Before this part.
    Before(Part<'a>),
    /// Behind this part.
    After(Part<'a>),
}

/// Changes to one message.
#[derive(Debug)]
pub struct Edit<'a, 's> {
    input: &'a [u8],
    /// In the order of the message, none overlapping another; the first `used` count.
    splices: &'s mut [Splice<'a>],
    used: usize,
    line_end: LineEnd,
}

impl<'a, 's> Edit<'a, 's> {
    /// No changes yet. Each change takes one splice, but moving a field takes two.
    pub fn new(input: &'a [u8], splices: &'s mut [Splice<'a>]) -> Self {
        Self {
            input,
            splices,
            used: 0,
            line_end: LineEnd::of(input),
        }
    }

    /// Inserts a field: name, colon and value, folded or not, with or without its line end.
    ///
    /// Behind a last field that has no line end, the new one gets none either.
    ///
    /// # Errors
    /// See [`EditErrorKind`].
    pub fn insert_field(&mut self, place: Place<'a>, field: &'a [u8]) -> Result<(), EditError> {
        let content = check_field(field)?;
        let (at, glue) = self.resolve(place)?;
        let mut insertion = Insertion::new(content, false);
        // The line before a header without a field is a delimiter, which may have no line end either.
        insertion.before = Joint::EndOfLine;
        if glue == Glue::LineEndAfter {
            insertion.after = Joint::LineEnd;
        }
        self.add(Splice {
            start: at,
            end: at,
            insertion,
        })
    }

    /// Puts another field in the place of `field`, which may be malformed.
    ///
    /// # Errors
    /// See [`EditErrorKind`].
    pub fn replace_field(&mut self, field: Field<'a>, by: &'a [u8]) -> Result<(), EditError> {
        let mut insertion = Insertion::new(check_field(by)?, false);
        if field.raw().ends_with(b"\n") {
            insertion.after = Joint::LineEnd;
        }
        let (start, end) = self.span(field.raw())?;
        self.add(Splice {
            start,
            end,
            insertion,
        })
    }

    /// Removes a field, with its line end.
    ///
    /// # Errors
    /// `NotOfMessage`, `Overlap`, `TooManyEdits`.
    pub fn remove_field(&mut self, field: Field<'a>) -> Result<(), EditError> {
        let (start, end) = self.span(field.raw())?;
        self.add(Splice {
            start,
            end,
            insertion: Insertion::NOTHING,
        })
    }

    /// Moves a field, its bytes unchanged, within its header or to another. Its line end changes only
    /// where one of the two places has none.
    ///
    /// # Errors
    /// See [`EditErrorKind`]; `MustStayFirst` also for a field that can stand nowhere else, `BadName` also
    /// for one that may be a delimiter elsewhere.
    pub fn move_field(&mut self, field: Field<'a>, place: Place<'a>) -> Result<(), EditError> {
        let (start, end) = self.span(field.raw())?;
        if must_stay_first(&field) {
            return Err(ParseError::new(EditErrorKind::MustStayFirst, start));
        }
        if field.raw().starts_with(b"--") {
            return Err(ParseError::new(EditErrorKind::BadName, start));
        }
        let (at, glue) = self.resolve(place)?;
        let mut insertion = Insertion::new(field.raw(), true);
        insertion.before = Joint::EndOfLine;
        match (glue, field.raw()) {
            (
                Glue::LineEndBefore,
                [content @ .., b'\r', b'\n'] | [content @ .., b'\n'] | content,
            ) => {
                // Something else may be put behind it.
                self.can_end_line(content, end)?;
                insertion.content = content;
            }
            (Glue::LineEndAfter, [.., b'\n']) => {}
            (Glue::LineEndAfter, content) => {
                self.can_end_line(content, end)?;
                insertion.after = Joint::LineEnd;
            }
        }
        let removal = Splice {
            start,
            end,
            insertion: Insertion::NOTHING,
        };
        let insertion = Splice {
            start: at,
            end: at,
            insertion,
        };
        if self.splices.len().saturating_sub(self.used) < 2 {
            return Err(ParseError::new(EditErrorKind::TooManyEdits, start));
        }
        // The insertion is the one that a removal may lie around, so that nothing is left half done.
        self.conflicts(&insertion)?;
        self.add(removal)?;
        self.add(insertion)
    }

    /// The changes that lead back from `output`, which this edit gave, to the message. They are as many
    /// as those of this edit.
    ///
    /// # Errors
    /// `NotTheOutput` when `output` is of another length, `TooManyEdits`.
    pub fn undo<'b, 't>(
        &self,
        output: &'b [u8],
        splices: &'t mut [Splice<'b>],
    ) -> Result<Edit<'b, 't>, EditError>
    where
        'a: 'b,
    {
        let mut undo = Edit::new(output, splices);
        let mut counter = Counter::default();
        let mut sink = Tracked::new(&mut counter);
        let mut done = 0;
        for (index, splice) in self.splices.iter().take(self.used).enumerate() {
            let start = self.emit_splice(done, index, splice, &mut sink);
            // A counter is never full.
            let Ok(start) = start else { break };
            let removed = self.input.get(splice.start..splice.end);
            undo.add(Splice {
                start,
                end: sink.written,
                insertion: Insertion::new(removed.unwrap_or_default(), true),
            })?;
            done = splice.end;
        }
        let rest = self.input.len().saturating_sub(done);
        if sink.written.saturating_add(rest) != output.len() {
            return Err(ParseError::new(EditErrorKind::NotTheOutput, output.len()));
        }
        Ok(undo)
    }

    /// What ends the lines that are inserted: `CRLF` or `LF`.
    pub const fn line_end(&self) -> &'static [u8] {
        self.line_end.as_bytes()
    }

    /// How many splices are taken.
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether nothing is changed.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Whether the edited message is `bytes`.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        let mut rest = Rest(bytes);
        self.emit(&mut rest).is_ok() && rest.0.is_empty()
    }

    /// Where a field goes, and where its line end does.
    fn resolve(&self, place: Place<'a>) -> Result<(usize, Glue), EditError> {
        let (first, last) = match place {
            Place::Before(field) => (Some(field), None),
            Place::After(field) => (None, Some(field)),
            Place::First(header) => match header.fields().next() {
                Some(field) if is_mbox_line(&field) => (None, Some(field)),
                Some(field) => (Some(field), None),
                None => return Ok((self.span(header.as_bytes())?.0, Glue::LineEndAfter)),
            },
            Place::Last(header) => match header.fields().next_back() {
                Some(field) => (None, Some(field)),
                None => return Ok((self.span(header.as_bytes())?.0, Glue::LineEndAfter)),
            },
        };
        if let Some(field) = first {
            let (start, _) = self.span(field.raw())?;
            if must_stay_first(&field) {
                return Err(ParseError::new(EditErrorKind::MustStayFirst, start));
            }
            return Ok((start, Glue::LineEndAfter));
        }
        let raw = last.map(|field| field.raw()).unwrap_or_default();
        let (_, end) = self.span(raw)?;
        if raw.ends_with(b"\n") {
            return Ok((end, Glue::LineEndAfter));
        }
        self.can_end_line(raw, end)?;
        Ok((end, Glue::LineEndBefore))
    }

    /// LF behind a CR would make it part of the line end.
    fn can_end_line(&self, content: &[u8], end: usize) -> Result<(), EditError> {
        if self.line_end == LineEnd::Lf && content.ends_with(b"\r") {
            return Err(ParseError::new(
                EditErrorKind::BareCr,
                end.saturating_sub(1),
            ));
        }
        Ok(())
    }

    /// Where `view` lies in the message. What borrows from elsewhere has no place in it.
    fn span(&self, view: &[u8]) -> Result<(usize, usize), EditError> {
        let start = view.as_ptr().addr().checked_sub(self.input.as_ptr().addr());
        start
            .and_then(|start| Some((start, start.checked_add(view.len())?)))
            .filter(|&(_, end)| end <= self.input.len())
            .ok_or_else(|| ParseError::new(EditErrorKind::NotOfMessage, 0))
    }

    fn add(&mut self, splice: Splice<'a>) -> Result<(), EditError> {
        let index = self.conflicts(&splice)?;
        if self.used >= self.splices.len() {
            return Err(ParseError::new(EditErrorKind::TooManyEdits, splice.start));
        }
        self.used = self.used.saturating_add(1);
        let mut next = splice;
        for slot in self.splices.iter_mut().take(self.used).skip(index) {
            next = core::mem::replace(slot, next);
        }
        Ok(())
    }

    /// Writes what is between the last splice, which ends at `done`, and this one, and what stands
    /// instead of it. Says where that begins in the output.
    fn emit_splice<S: Sink + ?Sized>(
        &self,
        done: usize,
        index: usize,
        splice: &Splice<'a>,
        sink: &mut Tracked<'_, S>,
    ) -> Result<usize, Full> {
        sink.put(self.input.get(done..splice.start).unwrap_or_default())?;
        let start = sink.written;
        let insertion = &splice.insertion;
        insertion.before.emit(self.line_end, sink)?;
        if insertion.exact {
            sink.put(insertion.content)?;
        } else {
            emit_lines(insertion.content, self.line_end, sink)?;
        }
        match insertion.after {
            Joint::Owed(line_end) if !self.line_follows(index, splice.end) => sink.put(line_end)?,
            joint => joint.emit(self.line_end, sink)?,
        }
        Ok(start)
    }

    /// Whether what is written behind this splice, which ends at `end`, begins with a line end or sees to
    /// one itself, or is nothing.
    fn line_follows(&self, index: usize, end: usize) -> bool {
        let mut end = end;
        for next in self.splices.iter().take(self.used).skip(index).skip(1) {
            let Insertion {
                before,
                content,
                after,
                ..
            } = next.insertion;
            if next.start > end {
                break;
            }
            match (before, content, after) {
                (Joint::Nothing, [], Joint::Nothing) => end = next.end,
                (Joint::Nothing, [], after) => return matches!(after, Joint::Owed(_)),
                (before, ..) => return matches!(before, Joint::Delimiter { line_end: true, .. }),
            }
        }
        self.ends_line(end)
    }

    /// Where `new` belongs in the list.
    fn conflicts(&self, new: &Splice<'a>) -> Result<usize, EditError> {
        let mut index = self.used;
        for old in self.splices.iter().take(self.used).rev() {
            // They are in order and none overlaps another, so no earlier one can reach further.
            if old.touches(new) || new.touches(old) {
                return Err(ParseError::new(EditErrorKind::Overlap, new.start));
            }
            if old.rank() <= new.rank() {
                break;
            }
            index = index.saturating_sub(1);
        }
        Ok(index)
    }
}

/// The message with the changes.
impl Emit for Edit<'_, '_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let mut sink = Tracked::new(sink);
        let mut done = 0;
        for (index, splice) in self.splices.iter().take(self.used).enumerate() {
            self.emit_splice(done, index, splice, &mut sink)?;
            done = splice.end;
        }
        sink.put(self.input.get(done..).unwrap_or_default())
    }
}

/// Which side of an inserted field its line end is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glue {
    LineEndAfter,
    /// The field before has none.
    LineEndBefore,
}

/// Takes the bytes that it expects.
struct Rest<'a>(&'a [u8]);

impl Sink for Rest<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0 = self.0.strip_prefix(bytes).ok_or(Full)?;
        Ok(())
    }
}

/// Whether the field means something only at the start of its header.
fn must_stay_first(field: &Field<'_>) -> bool {
    field.raw().first().copied().is_some_and(is_wsp) || is_mbox_line(field)
}

fn is_mbox_line(field: &Field<'_>) -> bool {
    field.offset() == 0 && field.is_malformed() && field.raw().starts_with(b"From ")
}
