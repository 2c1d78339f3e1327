//! Adding and dropping parts of a multipart (RFC 2046 5.1.1).

use scop_core::ParseError;

use super::{Edit, EditError, EditErrorKind, Insertion, Joint, PartPlace, Splice};
use crate::body::boundary::{Boundary, Candidate, Line, judge, next_candidate};
use crate::body::event::{Event, Kind};
use crate::body::index::{MAX_DEPTH, Part};
use crate::header::scan::Message;

#[cfg(test)]
mod tests;

impl<'a> Edit<'a, '_> {
    /// Adds a part: header, empty line and body.
    ///
    /// # Errors
    /// See [`EditErrorKind`].
    pub fn add_part(&mut self, place: PartPlace<'a>, entity: &'a [u8]) -> Result<(), EditError> {
        let (PartPlace::Before(part) | PartPlace::After(part)) = place;
        let around = self.around(&part)?;
        around.check(entity)?;
        let line = around.line();
        let mut insertion = Insertion::new(entity, false);
        let at = if let PartPlace::Before(_) = place {
            // Only the last delimiter of a message that is cut off lacks a line end.
            insertion.before = Joint::EndOfLine;
            insertion.after = Joint::Delimiter {
                line_end: true,
                line,
            };
            around.start
        } else {
            let raw = self.input.get(around.start..around.end);
            let raw = raw.unwrap_or_default();
            // Another line end would be part of its header, or end that.
            if around.is_cut && around.end == self.input.len() {
                return Err(ParseError::new(EditErrorKind::CutOff, around.end));
            }
            // What follows a part without a body may be a delimiter that has no line end of its own.
            let line_end = self.ends_line(around.end);
            if line_end {
                self.can_end_line(raw, around.end)?;
            } else {
                insertion.after = Joint::Owed(self.line_end());
            }
            insertion.before = Joint::Delimiter { line_end, line };
            around.end
        };
        self.add(Splice {
            start: at,
            end: at,
            insertion,
        })
    }

    /// Drops a part, with the delimiter before it.
    ///
    /// # Errors
    /// See [`EditErrorKind`].
    pub fn drop_part(&mut self, part: Part<'a>) -> Result<(), EditError> {
        let around = self.around(&part)?;
        if around.others == 0 {
            return Err(ParseError::new(EditErrorKind::OnlyPart, around.start));
        }
        let (start, _) = around.delimiter;
        if around.after_cut {
            // The header of the part before would go on or end with what follows.
            return Err(ParseError::new(EditErrorKind::CutOff, start));
        }
        // The delimiter behind may have no line end of its own.
        let line_end = line_end_len(self.input, start);
        let line_end = self.input.get(start..start.saturating_add(line_end));
        let mut insertion = Insertion::NOTHING;
        if let Some(line_end @ [_, ..]) = line_end {
            insertion.after = Joint::Owed(line_end);
        }
        self.add(Splice {
            start,
            end: around.end,
            insertion,
        })
    }

    /// Whether a line end stands there, or nothing more.
    pub(super) fn ends_line(&self, at: usize) -> bool {
        at >= self.input.len() || line_end_len(self.input, at) > 0
    }

    /// Finds the part and what is around it.
    fn around(&self, part: &Part<'a>) -> Result<Around<'a>, EditError> {
        let error = |kind| ParseError::new(kind, 0);
        let index = part.index();
        if !core::ptr::eq(index.as_bytes(), self.input) {
            return Err(error(EditErrorKind::NotOfMessage));
        }
        let target = part.entity();
        let mut around = None;
        // By the depth of the entity that follows.
        let mut delimiters = [None; MAX_DEPTH + 1];
        let (mut position, mut pending) = (0_usize, None);
        let (mut others, mut parent_start, mut sibling_start) = (0_usize, 0, 0);
        let (mut in_cut, mut after_cut) = (false, false);
        for event in index.events() {
            let start = position;
            position = position.saturating_add(event.raw().len());
            match event {
                Event::Delimiter { close: false, .. } => {
                    pending = Some((start, position));
                    after_cut = core::mem::take(&mut in_cut);
                }
                Event::HeaderEnd { separator, .. } => in_cut = separator.is_empty(),
                Event::Begin(entity) => {
                    if let Some(slot) = delimiters.get_mut(entity.depth) {
                        *slot = pending.take();
                    }
                    if entity.depth.saturating_add(1) == target.depth {
                        (others, parent_start) = (0, start);
                    } else if entity.depth == target.depth {
                        sibling_start = start;
                    }
                    if entity == target {
                        let delimiter = delimiters.get(entity.depth).copied().flatten();
                        around = Some(Around {
                            input: self.input,
                            delimiter: delimiter.ok_or(error(EditErrorKind::NotInMultipart))?,
                            open: delimiters,
                            depth: entity.depth,
                            start,
                            end: start,
                            others: 0,
                            after_cut,
                            is_cut: false,
                            in_digest: part.is_in_digest(),
                        });
                    }
                }
                Event::End(entity) if entity == target => {
                    if let Some(around) = &mut around {
                        around.end = position;
                        around.is_cut = in_cut;
                    }
                }
                Event::End(entity) if entity.depth == target.depth => {
                    others =
                        others.saturating_add(usize::from(!self.removes(sibling_start, position)));
                }
                Event::End(entity) if entity.depth.saturating_add(1) == target.depth => {
                    if let Some(mut around) = around {
                        let added = self.added(around.line(), parent_start, position);
                        around.others = others.saturating_add(added);
                        return Ok(around);
                    }
                }
                _ => in_cut &= event.raw().is_empty(),
            }
        }
        Err(error(EditErrorKind::NotOfMessage))
    }

    /// Whether a change removes all of these bytes.
    fn removes(&self, start: usize, end: usize) -> bool {
        let mut splices = self.splices.iter().take(self.used);
        splices
            .any(|splice| splice.start < splice.end && splice.start <= start && end <= splice.end)
    }

    /// How many parts are added between these bytes with this delimiter.
    fn added(&self, wanted: &[u8], start: usize, end: usize) -> usize {
        let splices = self.splices.iter().take(self.used);
        let between = splices.filter(|splice| (start..=end).contains(&splice.start));
        let is_added = |splice: &&Splice<'_>| {
            [splice.insertion.before, splice.insertion.after]
                .iter()
                .any(|joint| match joint {
                    Joint::Delimiter { line, .. } => {
                        without_padding(line) == without_padding(wanted)
                    }
                    _ => false,
                })
        };
        between.filter(is_added).count()
    }
}

/// A part, and what is around it.
#[derive(Clone, Copy)]
struct Around<'a> {
    input: &'a [u8],
    /// The delimiter before it, with its line ends.
    delimiter: (usize, usize),
    /// The delimiters before it and before all that it is in.
    open: [Option<(usize, usize)>; MAX_DEPTH + 1],
    depth: usize,
    start: usize,
    end: usize,
    /// How many other parts the multipart has after the changes.
    others: usize,
    /// Whether the part before it ends in a header.
    after_cut: bool,
    /// Whether it ends in a header itself, its own or that of a part in it.
    is_cut: bool,
    /// Whether it is a message unless it says what it is (RFC 2046 5.1.5).
    in_digest: bool,
}

impl<'a> Around<'a> {
    /// The delimiter without line ends.
    fn line(&self) -> &'a [u8] {
        delimiter_line(self.input, self.delimiter)
    }

    /// Refuses what would not be one part.
    fn check(&self, entity: &[u8]) -> Result<(), EditError> {
        let error = |kind, offset| Err(ParseError::new(kind, offset));
        let message = if self.in_digest {
            message_in_digest(entity)
        } else {
            None
        };
        if ends_in_header(entity) || message.is_some_and(ends_in_header) {
            return error(EditErrorKind::NoSeparator, entity.len());
        }
        if entity.ends_with(b"\r") {
            return error(EditErrorKind::BareCr, entity.len().saturating_sub(1));
        }
        let open = self
            .open
            .iter()
            .take(self.depth.saturating_add(1))
            .flatten();
        let candidates = open.filter_map(|span| {
            let boundary =
                without_padding(delimiter_line(self.input, *span)).strip_prefix(b"--")?;
            Some(Candidate {
                level: 0,
                boundary,
                closed: false,
            })
        });
        for lines in [Some(entity), message].into_iter().flatten() {
            let base = entity.len().saturating_sub(lines.len());
            for part in Message::index(lines).parts() {
                let at = usize::try_from(part.entity().offset).unwrap_or(usize::MAX);
                let takes = |outer: Candidate<'_>| takes_delimiters(&part, outer.boundary);
                if candidates.clone().any(takes) {
                    return error(EditErrorKind::HoldsBoundary, base.saturating_add(at));
                }
            }
        }
        let mut line_start = Some(0);
        while let Some(at) = line_start {
            let lines = entity.get(at..).unwrap_or_default();
            if let Line::Delimiter { .. } = judge(lines, true, candidates.clone()) {
                return error(EditErrorKind::HoldsBoundary, at);
            }
            line_start = next_candidate(entity, at).map(|line_feed| line_feed.saturating_add(1));
        }
        Ok(())
    }
}

/// Whether what follows would be part of a header, that of the entity or of a part in it.
fn ends_in_header(entity: &[u8]) -> bool {
    Message::index(entity)
        .events()
        .fold(true, |cut, event| match event {
            Event::HeaderEnd { separator, .. } => separator.is_empty(),
            _ => cut && event.raw().is_empty(),
        })
}

/// The message that an entity of a multipart/digest is, when it does not say that it is something else.
fn message_in_digest(entity: &[u8]) -> Option<&[u8]> {
    let entity = Message::split(entity);
    let mut fields = entity.header.fields();
    let is_message = !fields.any(|field| field.is(b"Content-Type"));
    (is_message && !entity.separator.is_empty()).then_some(entity.body)
}

/// Whether the part is a multipart that takes a delimiter of the multipart around it for its own: the
/// innermost one wins.
fn takes_delimiters(part: &Part<'_>, outer: &[u8]) -> bool {
    let mut inner = Boundary::new();
    // One that a reader cannot hold has no parts.
    let is_held = part.content().kind == Kind::Multipart
        && (part.content_type().boundary())
            .is_some_and(|boundary| boundary.octets(&mut inner).is_ok());
    let inner = inner.trim_ascii_end();
    is_held
        && (inner == outer
            || inner.strip_suffix(b"--") == Some(outer)
            || outer.strip_suffix(b"--") == Some(inner))
}

/// A delimiter without line ends.
fn delimiter_line(input: &[u8], (start, end): (usize, usize)) -> &[u8] {
    let start = start.saturating_add(line_end_len(input, start));
    match input.get(start..end).unwrap_or_default() {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] | line => line,
    }
}

fn without_padding(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

/// The length of the line end at `at`; 0 when there is none.
fn line_end_len(input: &[u8], at: usize) -> usize {
    match input.get(at..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([b'\n', ..]) => 1,
        _ => 0,
    }
}
