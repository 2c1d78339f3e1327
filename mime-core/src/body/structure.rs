//! The state machine that decides what each byte of a message is. Both readers are fronts of it.
//!
//! It sees a window that begins at its position, and says how many bytes at the start of the window are
//! what, or that the window is too short to say. It keeps nothing of the window but the boundaries of
//! the open multiparts, so that its memory is fixed. What it says does not depend on how the input is
//! cut into windows, except that text may come in several pieces.
//!
//! A window that is too short is at most [`Limits::field`] octets long in a header, and less than
//! [`MAX_HELD`] elsewhere.

use super::boundary::{self, Boundary, Candidate, Line};
use super::event::{Content, Entity, Event};
use super::media::Media;
use crate::coding::encoding::Encoding;
use crate::defect::{Defect, DefectKind};
use crate::header::scan::{Field, MAX_LINE};
use crate::limits::Limits;

mod header;

/// The longest window that can be too short, outside fields: a delimiter line with the line end before
/// it and all of its own but the last octet.
pub(super) const MAX_HELD: usize = 2 + MAX_LINE + 1;

/// What the bytes at the start of the window are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// So many of them are this.
    Take(usize, What),
    /// That depends on those that follow the window.
    NeedMore,
    /// There are none, and nothing is to be said.
    Done,
}

/// An [`Event`] without its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Begin(Entity),
    /// With its place in the header.
    Field(usize),
    LongField,
    HeaderEnd(Content),
    Text(Role),
    Delimiter {
        close: bool,
    },
    End(Entity),
    Defect(Defect),
}

impl What {
    /// The event, with its bytes.
    pub(super) fn event(self, bytes: &[u8]) -> Event<'_> {
        match self {
            Self::Begin(entity) => Event::Begin(entity),
            Self::Field(offset) => Event::Field(Field::new(bytes, offset)),
            Self::LongField => Event::LongField(bytes),
            Self::HeaderEnd(content) => Event::HeaderEnd {
                separator: bytes,
                content,
            },
            Self::Text(Role::Preamble) => Event::Preamble(bytes),
            Self::Text(Role::Body) => Event::Body(bytes),
            Self::Text(Role::Epilogue) => Event::Epilogue(bytes),
            Self::Delimiter { close } => Event::Delimiter { line: bytes, close },
            Self::End(entity) => Event::End(entity),
            Self::Defect(defect) => Event::Defect(defect),
        }
    }
}

/// Where text stands that is not in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Preamble,
    Body,
    Epilogue,
}

/// The state of a reader: where it stands in the tree, and what it knows of the header that it reads.
///
/// The levels come last. Between two fields that begin as zero, compilers would clear their memory, which
/// takes half as long as to read a usual message.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Structure<const DEPTH: usize> {
    state: State,
    limits: Limits,
    /// How many bytes were taken.
    offset: u64,
    /// Whether the window begins with a line that may be a delimiter and was not judged.
    line_start: bool,
    /// How many bytes of the window hold no end of the field.
    searched: usize,
    /// The entity that began last; while `is_open`, it is neither ended nor in `levels`.
    entity: Entity,
    is_open: bool,
    /// How many of `levels` are multiparts.
    multiparts: usize,
    /// How many entities began, without the first.
    parts: usize,
    /// Whether [`DefectKind::PartsLimit`] was said.
    parts_limit_said: bool,
    /// From the first Content-Type of the header; its boundary is in `boundary`.
    media: Option<(Media, u64)>,
    boundary: Boundary,
    /// From the first Content-Transfer-Encoding of the header.
    encoding: Option<(Encoding, u64)>,
    /// Those of the header that ends.
    defects: heapless::Deque<Defect, 8>,
    /// The multiparts and messages around the position.
    levels: heapless::Vec<Level, DEPTH>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Begin,
    /// At the start of a field.
    Header,
    /// In a field that is longer than the limit; the last byte taken may be a line feed.
    LongField {
        line_feed: bool,
    },
    /// At the empty line, of so many bytes.
    HeaderEnd(usize, Content),
    Text(Role),
    /// What is inside the multipart of the delimiter ends; without one, everything does.
    Closing(Option<Delimiter>),
    Delimiter(Delimiter),
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Delimiter {
    level: usize,
    close: bool,
    /// With the line end before it.
    len: usize,
}

/// A multipart or message around the position; its place in the stack is its depth.
#[derive(Clone, Debug)]
struct Level {
    number: usize,
    offset: u64,
    /// How many parts began.
    children: usize,
    /// `None` for a message.
    boundary: Option<Boundary>,
    /// Whether its parts are messages unless they say what they are (RFC 2046 5.1.5).
    is_digest: bool,
    is_closed: bool,
    /// Whether [`DefectKind::Epilogue`] was said.
    epilogue_said: bool,
}

/// What a line is, within the limits.
enum Seen {
    Delimiter(Delimiter),
    Odd(DefectKind),
    Other,
    Undecided,
}

impl<const DEPTH: usize> Structure<DEPTH> {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            state: State::Begin,
            limits,
            offset: 0,
            line_start: true,
            searched: 0,
            entity: Entity::new(0, 1, 0),
            is_open: false,
            levels: heapless::Vec::new(),
            multiparts: 0,
            parts: 0,
            parts_limit_said: false,
            media: None,
            boundary: Boundary::new(),
            encoding: None,
            defects: heapless::Deque::new(),
        }
    }

    /// What it was given.
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// How many bytes were taken.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the parts at the position are messages unless they say what they are (RFC 2046 5.1.5).
    pub(super) fn is_in_digest(&self) -> bool {
        self.levels.last().is_some_and(|level| level.is_digest)
    }

    /// Says what the bytes at the start of `window` are, and takes them. `last` says that nothing follows
    /// the window. After [`Step::NeedMore`] the next window must begin with this one.
    pub(super) fn advance(&mut self, window: &[u8], last: bool) -> Step {
        let step = self.decide(window, last);
        if let Step::Take(len, _) = step {
            self.offset = self.offset.saturating_add(len as u64);
        }
        step
    }

    fn decide(&mut self, window: &[u8], last: bool) -> Step {
        loop {
            let step = match self.state {
                State::Begin => Some(self.begin()),
                State::Header => self.header(window, last),
                State::LongField { line_feed } => self.long_field(window, last, line_feed),
                State::HeaderEnd(len, content) => Some(self.header_end(len, content)),
                State::Text(role) => self.text(window, last, role),
                State::Closing(delimiter) => self.close(delimiter),
                State::Delimiter(delimiter) => {
                    if window.len() < delimiter.len {
                        return Step::NeedMore;
                    }
                    Some(self.delimiter(delimiter))
                }
                State::Done => Some(Step::Done),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn begin(&mut self) -> Step {
        self.entity.offset = self.offset;
        self.is_open = true;
        self.media = None;
        self.encoding = None;
        self.state = State::Header;
        self.line_start = true;
        Step::Take(0, What::Begin(self.entity))
    }

    fn text(&mut self, window: &[u8], last: bool, role: Role) -> Option<Step> {
        if window.is_empty() {
            if !last {
                return Some(Step::NeedMore);
            }
            self.state = State::Closing(None);
            return None;
        }
        if self.multiparts == 0 {
            return Some(Step::Take(window.len(), What::Text(role)));
        }
        if self.line_start {
            match self.see(window, last) {
                Seen::Delimiter(delimiter) => {
                    self.state = State::Closing(Some(delimiter));
                    return None;
                }
                Seen::Odd(kind) => return Some(self.odd(kind)),
                Seen::Undecided => return Some(Step::NeedMore),
                Seen::Other => self.line_start = false,
            }
        }
        let mut from = 0;
        let mut stops_at_line = false;
        let mut len = loop {
            let Some(line_feed) = boundary::next_candidate(window, from) else {
                let undecided = if last {
                    0
                } else {
                    boundary::undecided_end(window)
                };
                break window.len().saturating_sub(undecided);
            };
            let line = line_feed.saturating_add(1);
            let start = match window.get(..line_feed) {
                Some([.., b'\r']) => line_feed.saturating_sub(1),
                _ => line_feed,
            };
            match self.see(window.get(line..).unwrap_or_default(), last) {
                Seen::Other => from = line,
                Seen::Undecided => break start,
                Seen::Odd(_) => {
                    stops_at_line = true;
                    break line;
                }
                Seen::Delimiter(mut delimiter) => {
                    if start > 0 {
                        break start;
                    }
                    delimiter.len = delimiter.len.saturating_add(line);
                    self.state = State::Closing(Some(delimiter));
                    return None;
                }
            }
        };
        if len == 0 {
            return Some(Step::NeedMore);
        }
        if let (Role::Epilogue, Some(level)) = (role, self.levels.last_mut())
            && !level.epilogue_said
        {
            let text = window.get(..len).unwrap_or_default();
            match text.iter().position(|byte| !b" \t\r\n".contains(byte)) {
                Some(0) => {
                    level.epilogue_said = true;
                    return Some(self.defect(DefectKind::Epilogue));
                }
                Some(white) => {
                    len = white;
                    stops_at_line = false;
                }
                None => {}
            }
        }
        self.line_start = stops_at_line;
        Some(Step::Take(len, What::Text(role)))
    }

    /// Says what the line at the start of `window` is.
    fn see(&self, window: &[u8], last: bool) -> Seen {
        let levels = self.levels.iter().enumerate().rev();
        let candidates = levels.filter_map(|(level, open)| {
            Some(Candidate {
                level,
                boundary: open.boundary.as_deref()?,
                closed: open.is_closed,
            })
        });
        match boundary::judge(window, last, candidates) {
            Line::Delimiter { close: false, .. } if self.parts >= self.limits.parts => {
                if self.parts_limit_said {
                    Seen::Other
                } else {
                    Seen::Odd(DefectKind::PartsLimit)
                }
            }
            Line::Delimiter { level, close, len } => {
                Seen::Delimiter(Delimiter { level, close, len })
            }
            Line::AfterClose => Seen::Odd(DefectKind::DelimiterAfterClose),
            Line::Lookalike => Seen::Odd(DefectKind::DelimiterLookalike),
            Line::Other => Seen::Other,
            Line::Undecided => Seen::Undecided,
        }
    }

    /// The line at the start of the window is text, of a kind to be named.
    fn odd(&mut self, kind: DefectKind) -> Step {
        self.line_start = false;
        self.parts_limit_said |= kind == DefectKind::PartsLimit;
        self.defect(kind)
    }

    /// One of the entities that end; `None` when all have.
    fn close(&mut self, delimiter: Option<Delimiter>) -> Option<Step> {
        if self.is_open {
            self.is_open = false;
            return Some(Step::Take(0, What::End(self.entity)));
        }
        let keep = delimiter.map_or(0, |delimiter| delimiter.level.saturating_add(1));
        let depth = self.levels.len().saturating_sub(1);
        let Some(level) = self.levels.last_mut().filter(|_| depth >= keep) else {
            self.state = delimiter.map_or(State::Done, State::Delimiter);
            return None;
        };
        if level.boundary.is_some() {
            if !level.is_closed {
                level.is_closed = true;
                return Some(self.defect(DefectKind::MissingClose));
            }
            if level.children == 0 {
                level.children = 1; // said
                return Some(self.defect(DefectKind::NoParts));
            }
            self.multiparts = self.multiparts.saturating_sub(1);
        }
        let entity = Entity::new(depth, level.number, level.offset);
        self.levels.truncate(depth);
        Some(Step::Take(0, What::End(entity)))
    }

    fn delimiter(&mut self, delimiter: Delimiter) -> Step {
        let depth = self.levels.len();
        if let Some(level) = self.levels.last_mut() {
            if delimiter.close {
                level.is_closed = true;
                self.state = State::Text(Role::Epilogue);
                self.line_start = false;
            } else {
                level.children = level.children.saturating_add(1);
                self.parts = self.parts.saturating_add(1);
                self.entity = Entity::new(depth, level.children, 0);
                self.state = State::Begin;
            }
        }
        let close = delimiter.close;
        Step::Take(delimiter.len, What::Delimiter { close })
    }

    /// A defect of the header that ends.
    fn say(&mut self, kind: DefectKind, offset: u64) {
        // There is room for all that one header can have.
        let _ = self.defects.push_back(Defect::new(kind, offset));
    }

    /// A defect of what comes next.
    fn defect(&self, kind: DefectKind) -> Step {
        Step::Take(0, What::Defect(Defect::new(kind, self.offset)))
    }
}
