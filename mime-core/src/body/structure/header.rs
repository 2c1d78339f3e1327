//! Headers: their fields, where they end, and what that says of the body.

use memchr::memchr;

use super::{Level, Role, Seen, State, Step, Structure, What};
use crate::body::boundary::Boundary;
use crate::body::event::{Content, Entity, Kind};
use crate::body::media::Media;
use crate::coding::encoding::Encoding;
use crate::defect::DefectKind;
use crate::header::scan::Field;

/// Where a field ends.
enum FieldEnd {
    At(usize),
    Long,
    Undecided,
}

impl<const DEPTH: usize> Structure<DEPTH> {
    pub(super) fn header(&mut self, window: &[u8], last: bool) -> Option<Step> {
        match window {
            [b'\n', ..] => {
                self.end_header(1);
                return None;
            }
            [b'\r', b'\n', ..] => {
                self.end_header(2);
                return None;
            }
            [] | [b'\r'] if !last => return Some(Step::NeedMore),
            [] => {
                self.end_header(0);
                return None;
            }
            [b'-', ..] if self.line_start && self.multiparts > 0 => match self.see(window, last) {
                Seen::Delimiter(_) => {
                    self.say(DefectKind::TruncatedHeader, self.offset);
                    self.end_header(0);
                    return None;
                }
                Seen::Odd(kind) => return Some(self.odd(kind)),
                Seen::Undecided => return Some(Step::NeedMore),
                Seen::Other => self.line_start = false,
            },
            _ => {}
        }
        match self.field_end(window, last) {
            FieldEnd::At(len) => {
                let raw = window.get(..len).unwrap_or_default();
                self.note(raw);
                self.line_start = true;
                Some(Step::Take(len, What::Field(self.field_offset())))
            }
            FieldEnd::Long => {
                self.state = State::LongField { line_feed: false };
                Some(self.defect(DefectKind::FieldLimit))
            }
            FieldEnd::Undecided => Some(Step::NeedMore),
        }
    }

    /// A field ends at each line end that no white space follows (see [`crate::header::scan`]).
    fn field_end(&mut self, window: &[u8], last: bool) -> FieldEnd {
        let mut from = core::mem::take(&mut self.searched);
        let len = loop {
            let found = window.get(from..).and_then(|rest| memchr(b'\n', rest));
            let next = found.map_or(window.len(), |at| from.saturating_add(at).saturating_add(1));
            match window.get(next) {
                Some(b' ' | b'\t') => {}
                None if !last => {
                    if window.len() > self.limits.field {
                        return FieldEnd::Long;
                    }
                    // The last line feed is looked at again.
                    self.searched = found.map_or(next, |_| next.saturating_sub(1));
                    return FieldEnd::Undecided;
                }
                Some(_) | None => break next,
            }
            if next > self.limits.field {
                break next;
            }
            from = next;
        };
        if len > self.limits.field {
            FieldEnd::Long
        } else {
            FieldEnd::At(len)
        }
    }

    pub(super) fn long_field(
        &mut self,
        window: &[u8],
        last: bool,
        line_feed: bool,
    ) -> Option<Step> {
        let is_over = match window.first() {
            None if !last => return Some(Step::NeedMore),
            None => true,
            Some(byte) => line_feed && !matches!(byte, b' ' | b'\t'),
        };
        self.state = State::Header;
        self.line_start = true;
        if is_over {
            return None;
        }
        let mut from = 0;
        let len = loop {
            let found = window.get(from..).and_then(|rest| memchr(b'\n', rest));
            let next = found.map_or(window.len(), |at| from.saturating_add(at).saturating_add(1));
            match window.get(next) {
                Some(b' ' | b'\t') => from = next,
                Some(_) => break next,
                None => {
                    self.state = State::LongField {
                        line_feed: found.is_some(),
                    };
                    break next;
                }
            }
        };
        Some(Step::Take(len, What::LongField))
    }

    /// Looks at the two fields that say what follows; the first of each counts.
    fn note(&mut self, raw: &[u8]) {
        if !matches!(raw, [b'C' | b'c', ..]) {
            return;
        }
        let field = Field::new(raw, 0);
        if self.media.is_none() && field.is(b"Content-Type") {
            let media = Media::read(field.value(), &self.limits, &mut self.boundary);
            self.media = Some((media, self.offset));
        } else if self.encoding.is_none() && field.is(b"Content-Transfer-Encoding") {
            let (encoding, _) = Encoding::recover(field.value());
            self.encoding = Some((encoding, self.offset));
        }
    }

    /// Decides how the reader goes on behind the header, which ends with an empty line of `len` bytes.
    fn end_header(&mut self, len: usize) {
        let here = self.offset;
        let (encoding, encoding_at) = self.encoding.unwrap_or((Encoding::SevenBit, here));
        let (media, media_at) = self.media.unwrap_or_else(|| {
            let media = if self.is_in_digest() {
                Media::Message { is_global: false }
            } else {
                Media::Other
            };
            (media, here)
        });
        let kind = match media {
            Media::Other => Kind::Leaf,
            Media::Multipart { boundary, .. } => {
                if let Some(kind) = boundary.defect {
                    self.say(kind, media_at);
                }
                if !encoding.is_identity() {
                    self.say(DefectKind::EncodedMultipart, encoding_at);
                }
                if boundary.is_usable {
                    if let Some(kind) = self.clash() {
                        self.say(kind, media_at);
                    }
                    self.within_depth(Kind::Multipart, media_at)
                } else {
                    Kind::Leaf
                }
            }
            Media::Message { is_global } if !encoding.is_identity() => {
                if !is_global {
                    self.say(DefectKind::EncodedMessage, encoding_at);
                }
                Kind::EncodedMessage
            }
            Media::Message { .. } => match self.within_depth(Kind::Message, media_at) {
                Kind::Message if self.parts >= self.limits.parts => {
                    if !self.parts_limit_said {
                        self.parts_limit_said = true;
                        self.say(DefectKind::PartsLimit, media_at);
                    }
                    Kind::Leaf
                }
                kind => kind,
            },
        };
        self.state = State::HeaderEnd(len, Content::new(kind, encoding));
    }

    fn within_depth(&mut self, kind: Kind, offset: u64) -> Kind {
        if self.levels.len() < self.limits.depth.min(DEPTH) {
            return kind;
        }
        self.say(DefectKind::DepthLimit, offset);
        Kind::Leaf
    }

    /// What is wrong with the boundary of the header beside those around it.
    fn clash(&self) -> Option<DefectKind> {
        let outer = || {
            self.levels
                .iter()
                .filter_map(|level| level.boundary.as_deref())
        };
        let inner = self.boundary.as_slice();
        if outer().any(|outer| outer == inner) {
            Some(DefectKind::BoundaryReused)
        } else if outer().any(|outer| outer.starts_with(inner) || inner.starts_with(outer)) {
            Some(DefectKind::BoundaryPrefix)
        } else {
            None
        }
    }

    pub(super) fn header_end(&mut self, len: usize, content: Content) -> Step {
        if let Some(defect) = self.defects.pop_front() {
            return Step::Take(0, What::Defect(defect));
        }
        self.line_start = true;
        self.state = match content.kind {
            Kind::Leaf | Kind::EncodedMessage => State::Text(Role::Body),
            Kind::Multipart => {
                let is_digest = matches!(
                    self.media,
                    Some((
                        Media::Multipart {
                            is_digest: true,
                            ..
                        },
                        _
                    ))
                );
                self.multiparts = self.multiparts.saturating_add(1);
                self.enter(Some(self.boundary.clone()), is_digest);
                State::Text(Role::Preamble)
            }
            Kind::Message => {
                self.enter(None, false);
                self.parts = self.parts.saturating_add(1);
                self.entity = Entity::new(self.levels.len(), 1, 0);
                State::Begin
            }
        };
        Step::Take(len, What::HeaderEnd(content))
    }

    /// The entity that began last is one around those that follow.
    fn enter(&mut self, boundary: Option<Boundary>, is_digest: bool) {
        self.is_open = false;
        // There is room: `within_depth` has seen to it.
        let _ = self.levels.push(Level {
            number: self.entity.number,
            offset: self.entity.offset,
            children: 0,
            boundary,
            is_digest,
            is_closed: false,
            epilogue_said: false,
        });
    }

    /// How many bytes of the header were taken.
    fn field_offset(&self) -> usize {
        let offset = self.offset.saturating_sub(self.entity.offset);
        usize::try_from(offset).unwrap_or(usize::MAX)
    }
}
