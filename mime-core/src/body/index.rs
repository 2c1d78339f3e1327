//! A message in memory, as borrowed spans: its events, its parts.
//!
//! An [`Index`] stores no tree. Each of its methods reads the message when it is asked to, from the start
//! to what it is asked for: one pass, linear, without allocation. Where a header announces a body that
//! is no multipart, the body is not looked at.
//!
//! A path names a part: `[2, 1]` is the first child of the second child of the message, `[]` the message
//! itself. A multipart has its parts as children; a message/rfc822 has one child, the message in it. The
//! last element of a path is [`Entity::number`], its length [`Entity::depth`]; [`Parts::path`] is that of
//! the part that came last.
//!
//! ```
//! use scop_mime_core::{Kind, Message};
//!
//! let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\
//!     --b\r\n\r\nText\r\n\
//!     --b\r\nContent-Transfer-Encoding: base64\r\n\r\nSGk=\r\n\
//!     --b--\r\n";
//! let index = Message::index(message);
//! let leaves = index.parts().filter(|part| part.content().kind == Kind::Leaf);
//! assert_eq!(leaves.count(), 2);
//!
//! let second = index.part(&[2]).unwrap();
//! assert_eq!(second.body(), Some(&b"SGk="[..]));
//! let mut octets = Vec::new();
//! second.decode(&mut octets)?;
//! assert_eq!(octets, b"Hi");
//! # Ok::<(), scop_core::Full>(())
//! ```

use core::iter::FusedIterator;

use scop_core::{Full, Sink};

use super::event::{Content, Entity, Event, Kind};
use super::structure::{Step, Structure};
use crate::coding::Decoder;
use crate::defect::DefectSet;
use crate::header::content::content_type::ContentType;
use crate::header::scan::{Field, HeaderBlock, Message};
use crate::limits::Limits;

/// How many multiparts and messages inside one another an [`Index`] follows, whatever
/// [`Limits::depth`] says.
pub const MAX_DEPTH: usize = 32;

impl<'a> Message<'a> {
    /// The message `input` and the tree of its parts. Any bytes are a message.
    pub const fn index(input: &'a [u8]) -> Index<'a> {
        Index::with_limits(input, Limits::DEFAULT)
    }
}

/// A message in memory.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    input: &'a [u8],
    limits: Limits,
}

impl<'a> Index<'a> {
    /// The message `input`, read within `limits`.
    pub const fn with_limits(input: &'a [u8], limits: Limits) -> Self {
        Self { input, limits }
    }

    /// The limits of its readers.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The bytes of the message.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.input
    }

    /// All that a reader says of the message, in the order of its bytes.
    pub const fn events(&self) -> Events<'a> {
        Events {
            input: self.input,
            rest: self.input,
            structure: Structure::new(self.limits),
        }
    }

    /// The parts in the order in which they begin, the message itself first.
    ///
    /// A part that holds others comes before them, when its end is not known yet: its [`Part::body`] is
    /// `None`. [`Index::part`] and [`Index::whole`] know it.
    pub const fn parts(&self) -> Parts<'a> {
        Parts {
            events: self.events(),
            limits: self.limits,
            numbers: [0; MAX_DEPTH],
            depth: 0,
        }
    }

    /// The part at `path`, with its body.
    pub fn part(&self, path: &[usize]) -> Option<Part<'a>> {
        let mut parts = self.parts();
        // How many elements of the path the entities around the position have.
        let mut matched = 0;
        loop {
            match parts.events.next()? {
                Event::Begin(entity) if entity.depth == 0 && path.is_empty() => {
                    return parts.whole_part(entity);
                }
                Event::Begin(entity)
                    if entity.depth == matched + 1 && path.get(matched) == Some(&entity.number) =>
                {
                    matched += 1;
                    if matched == path.len() {
                        return parts.whole_part(entity);
                    }
                }
                Event::End(entity) if entity.depth <= matched => return None,
                _ => {}
            }
        }
    }

    /// A part of this message, with its body: the whole of a part that [`Index::parts`] gave.
    pub fn whole(&self, part: &Part<'a>) -> Option<Part<'a>> {
        if part.body_end.is_some() {
            return Some(*part);
        }
        let mut parts = self.parts();
        loop {
            match parts.events.next()? {
                Event::Begin(entity) if entity == part.entity => return parts.whole_part(entity),
                _ => {}
            }
        }
    }
}

/// The events of a message in memory; [`super`] says in which order they come.
///
/// ```
/// use scop_mime_core::{Event, Message};
///
/// let mut events = Message::index(b"Subject: Hi\r\n\r\nText\r\n").events();
/// assert!(matches!(events.next(), Some(Event::Begin(entity)) if entity.depth == 0));
/// assert!(matches!(events.next(), Some(Event::Field(field)) if field.is(b"subject")));
/// assert!(matches!(events.next(), Some(Event::HeaderEnd { separator: b"\r\n", .. })));
/// assert!(matches!(events.next(), Some(Event::Body(b"Text\r\n"))));
/// assert!(matches!(events.next(), Some(Event::End(_))));
/// assert!(events.next().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct Events<'a> {
    input: &'a [u8],
    rest: &'a [u8],
    structure: Structure<MAX_DEPTH>,
}

impl Events<'_> {
    /// How many bytes of the message the events so far stand for.
    const fn position(&self) -> usize {
        self.input.len().saturating_sub(self.rest.len())
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let Step::Take(len, what) = self.structure.advance(self.rest, true) else {
            return None;
        };
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(what.event(bytes))
    }
}

impl FusedIterator for Events<'_> {}

/// The parts of a message, in the order in which they begin.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    events: Events<'a>,
    limits: Limits,
    /// Of the part that came last and those that it is in, from the outside.
    numbers: [usize; MAX_DEPTH],
    depth: usize,
}

impl<'a> Parts<'a> {
    /// The path of the part that came last, for [`Index::part`]. Empty before the first part, as it is of
    /// the message itself.
    ///
    /// ```
    /// # use scop_mime_core::Message;
    /// # let input = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n";
    /// let index = Message::index(input);
    /// let mut parts = index.parts();
    /// while let Some(part) = parts.next() {
    ///     assert_eq!(index.part(parts.path()).unwrap().entity(), part.entity());
    /// }
    /// assert_eq!(parts.path(), [2]);
    /// ```
    pub fn path(&self) -> &[usize] {
        self.numbers.get(..self.depth).unwrap_or_default()
    }

    /// The part that just began, read up to the end of its header.
    fn read_header(&mut self, entity: Entity) -> Option<Part<'a>> {
        let in_digest = self.events.structure.is_in_digest();
        let header_start = self.events.position();
        loop {
            let header_end = self.events.position();
            if let Event::HeaderEnd { content, .. } = self.events.next()? {
                return Some(Part {
                    input: self.events.input,
                    limits: self.limits,
                    entity,
                    content,
                    in_digest,
                    header_start,
                    header_end,
                    body_start: self.events.position(),
                    body_end: None,
                });
            }
        }
    }

    /// Reads to the end of `part`.
    fn read_body(&mut self, mut part: Part<'a>) -> Option<Part<'a>> {
        loop {
            match self.events.next()? {
                Event::End(entity) if entity == part.entity => {
                    part.body_end = Some(self.events.position());
                    return Some(part);
                }
                _ => {}
            }
        }
    }

    fn whole_part(&mut self, entity: Entity) -> Option<Part<'a>> {
        let part = self.read_header(entity)?;
        self.read_body(part)
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        loop {
            if let Event::Begin(entity) = self.events.next()? {
                self.depth = entity.depth;
                let last = entity.depth.checked_sub(1);
                if let Some(number) = last.and_then(|last| self.numbers.get_mut(last)) {
                    *number = entity.number;
                }
                let part = self.read_header(entity)?;
                return match part.content.kind {
                    Kind::Leaf | Kind::EncodedMessage => self.read_body(part),
                    Kind::Message | Kind::Multipart => Some(part),
                };
            }
        }
    }
}

impl FusedIterator for Parts<'_> {}

/// An entity of a message in memory: a header and a body.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    input: &'a [u8],
    limits: Limits,
    entity: Entity,
    content: Content,
    in_digest: bool,
    header_start: usize,
    header_end: usize,
    body_start: usize,
    body_end: Option<usize>,
}

impl<'a> Part<'a> {
    /// Where it stands in the tree.
    pub const fn entity(&self) -> Entity {
        self.entity
    }

    /// What kind of body it has.
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Its fields.
    pub fn header(&self) -> HeaderBlock<'a> {
        HeaderBlock::exact(self.span(self.header_start, self.header_end))
    }

    /// The empty line between header and body; nothing where there is none.
    pub fn separator(&self) -> &'a [u8] {
        self.span(self.header_end, self.body_start)
    }

    /// The body as it was sent, still encoded, without the line end that belongs to the delimiter behind
    /// it. `None` of a multipart or message that [`Index::parts`] gave.
    pub fn body(&self) -> Option<&'a [u8]> {
        Some(self.span(self.body_start, self.body_end?))
    }

    /// Header, separator and body: what a multipart/signed signs of its first part (RFC 1847 2.1), in the
    /// line ends of the message. `None` where [`Part::body`] is.
    pub fn raw(&self) -> Option<&'a [u8]> {
        Some(self.span(self.header_start, self.body_end?))
    }

    /// The first Content-Type, read as far as it goes. Where there is none, the default: text/plain, in a
    /// multipart/digest message/rfc822 (RFC 2046 5.1.5). Where it cannot be read, text/plain (RFC 2045
    /// 5.2).
    pub fn content_type(&self) -> ContentType<'a> {
        let content_type = match self.field(b"Content-Type") {
            Some(field) => ContentType::recover_within(field.value(), &self.limits).0,
            None if self.in_digest => ContentType::recover(b"message/rfc822").0,
            None => None,
        };
        content_type.unwrap_or(ContentType::DEFAULT)
    }

    /// Writes the octets of a leaf or of an encoded message, and says what is wrong with how they are
    /// encoded. The octets of other parts are those of the parts in them; nothing is written.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn decode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<DefectSet, Full> {
        let mut decoder = Decoder::new(self.content.encoding);
        if let (Kind::Leaf | Kind::EncodedMessage, Some(body)) = (self.content.kind, self.body()) {
            decoder.put(body, sink)?;
            decoder.finish(sink)?;
        }
        Ok(decoder.defects())
    }

    /// The first field of a name, among those that are read.
    pub(super) fn field(&self, name: &[u8]) -> Option<Field<'a>> {
        let mut fields = self.header().fields();
        fields.find(|field| field.raw().len() <= self.limits.field && field.is(name))
    }

    /// Whether it is a message unless it says what it is (RFC 2046 5.1.5).
    pub(crate) const fn is_in_digest(&self) -> bool {
        self.in_digest
    }

    /// The message that it is a part of, as it is read.
    pub(crate) const fn index(&self) -> Index<'a> {
        Index::with_limits(self.input, self.limits)
    }

    fn span(&self, start: usize, end: usize) -> &'a [u8] {
        self.input.get(start..end).unwrap_or_default()
    }
}
