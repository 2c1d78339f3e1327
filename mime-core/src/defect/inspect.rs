//! Looks for everything that is wrong with a message (RFC 7103), in one pass and fixed memory.
//!
//! An [`Inspector`] is fed with the [`Event`]s of a reader, of either kind, and keeps the first `N`
//! defects, how many more there were, and which kinds occurred at all. It changes nothing: what a reader
//! hands out is the same with and without it.
//!
//! ```
//! use scop_mime_core::{DefectKind, Message};
//!
//! let input = b"From: joe@example.org\r\nDate: 1 Jul 03 10:52 GMT\r\nSubject: a\r\nSubject: b\r\n\r\nHi\r\n";
//! let inspector = Message::index(input).inspect::<8>();
//! assert!(inspector.is_ambiguous());
//! let duplicate = inspector.defects()[0];
//! assert_eq!((duplicate.kind, duplicate.offset), (DefectKind::DuplicateField, 61));
//! assert_eq!(Message::strict(input).unwrap_err(), duplicate);
//! ```

use scop_core::Counter;

use super::header::{Header, Place};
use super::lines::{Lines, wide};
use super::{Defect, DefectKind, DefectSet};
use crate::body::event::{Content, Event, Kind};
use crate::body::index::Index;
use crate::coding::decoder::Decoder;
use crate::coding::encoding::Encoding;
use crate::header::scan::Message;
use crate::limits::Limits;

/// Keeps what is wrong with a message. `N` is how many defects it can hold.
#[derive(Clone, Debug)]
pub struct Inspector<const N: usize = 32> {
    limits: Limits,
    lines: Lines,
    header: Header,
    leaf: Leaf,
    /// What begins next: the first entity is a message, and so is what a message/rfc822 holds.
    next: Place,
    findings: Findings<N>,
}

impl<const N: usize> Inspector<N> {
    /// Nothing came yet. The limits should be those of the reader.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            lines: Lines::default(),
            header: Header::new(Place::Message, 0),
            leaf: Leaf::default(),
            next: Place::Message,
            findings: Findings::default(),
        }
    }

    /// Takes the next event of a reader.
    pub fn event(&mut self, event: &Event<'_>) {
        let at = self.lines.offset();
        match event {
            Event::Begin(entity) => {
                let place = core::mem::replace(&mut self.next, Place::Part);
                self.header = Header::new(place, entity.offset);
                self.lines.begin();
            }
            Event::Field(field) => {
                let findings = &mut self.findings;
                self.header
                    .field(field, &self.limits, &mut |kind, at| findings.note(kind, at));
            }
            Event::LongField(bytes) => self.header.long_field(bytes),
            Event::HeaderEnd { content, .. } => self.header_end(*content),
            Event::Body(bytes) => self.leaf.put(bytes, at),
            Event::End(_) => self.leaf_end(),
            Event::Defect(defect) => self.findings.note(defect.kind, defect.offset),
            Event::Preamble(_) | Event::Delimiter { .. } | Event::Epilogue(_) => {}
        }
        self.octets(event);
    }

    /// The message is over.
    pub fn finish(&mut self) {
        let findings = &mut self.findings;
        self.lines.finish(&mut |kind, at| findings.note(kind, at));
    }

    /// The first `N` defects, in the order in which they were found: those of lines and encoded bodies
    /// come behind those of the fields and the tree that stand before them. How a message is cut into
    /// pieces changes the order of those of lines, and nothing else.
    pub fn defects(&self) -> &[Defect] {
        &self.findings.defects
    }

    /// How many defects there were beyond the first `N`.
    pub const fn omitted(&self) -> u64 {
        self.findings.omitted
    }

    /// The kinds of all defects, omitted ones included.
    pub const fn kinds(&self) -> DefectSet {
        self.findings.kinds
    }

    /// Whether two reasonable readers may see different content in the message.
    pub fn is_ambiguous(&self) -> bool {
        self.kinds().is_ambiguous()
    }

    fn header_end(&mut self, content: Content) {
        let findings = &mut self.findings;
        self.header
            .end(&self.limits, &mut |kind, at| findings.note(kind, at));
        self.next = if content.kind == Kind::Message {
            Place::Nested
        } else {
            Place::Part
        };
        self.leaf = match content.kind {
            Kind::Leaf | Kind::EncodedMessage => Leaf::new(content.encoding),
            Kind::Message | Kind::Multipart => Leaf::default(),
        };
    }

    fn leaf_end(&mut self) {
        let leaf = core::mem::take(&mut self.leaf);
        let findings = &mut self.findings;
        leaf.finish(&mut |kind, at| findings.note(kind, at));
    }

    /// Looks at the octets themselves.
    fn octets(&mut self, event: &Event<'_>) {
        match event {
            Event::Body(bytes) if self.leaf.encoding == Encoding::Binary => self.lines.skip(bytes),
            _ => {
                let findings = &mut self.findings;
                self.lines
                    .put(event.raw(), &mut |kind, at| findings.note(kind, at));
            }
        }
    }
}

impl<'a> Message<'a> {
    /// Reads a message that must have no defect at all: the strict mode.
    ///
    /// # Errors
    /// The first defect.
    pub fn strict(input: &'a [u8]) -> Result<Index<'a>, Defect> {
        let index = Self::index(input);
        match index.inspect::<1>().defects() {
            [first, ..] => Err(*first),
            [] => Ok(index),
        }
    }
}

impl Index<'_> {
    /// Looks for everything that is wrong with the message; keeps the first `N` defects.
    pub fn inspect<const N: usize>(&self) -> Inspector<N> {
        let mut inspector = Inspector::new(&self.limits());
        for event in self.events() {
            inspector.event(&event);
        }
        inspector.finish();
        inspector
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
struct Findings<const N: usize> {
    defects: heapless::Vec<Defect, N>,
    omitted: u64,
    kinds: DefectSet,
}

impl<const N: usize> Findings<N> {
    fn note(&mut self, kind: DefectKind, offset: u64) {
        self.kinds.insert(kind);
        if self.defects.push(Defect::new(kind, offset)).is_err() {
            self.omitted = self.omitted.saturating_add(1);
        }
    }
}

/// The body of a leaf.
#[derive(Clone, Debug)]
struct Leaf {
    encoding: Encoding,
    decoder: Decoder,
    /// The byte of the input at which the body begins, when something of it came.
    start: Option<u64>,
    /// The first octet above 127 in a body that may hold none.
    eight_bit: Option<u64>,
}

impl Leaf {
    fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            decoder: Decoder::new(encoding),
            start: None,
            eight_bit: None,
        }
    }

    fn put(&mut self, bytes: &[u8], at: u64) {
        self.start.get_or_insert(at);
        if self.encoding == Encoding::SevenBit && self.eight_bit.is_none() {
            let found = bytes.iter().position(|byte| !byte.is_ascii());
            self.eight_bit = found.map(|index| at.saturating_add(wide(index)));
        }
        // A counter is never full.
        let _ = self.decoder.put(bytes, &mut Counter::default());
    }

    fn finish(mut self, found: &mut impl FnMut(DefectKind, u64)) {
        let _ = self.decoder.finish(&mut Counter::default());
        let start = self.start.unwrap_or_default();
        if let Some(at) = self.eight_bit {
            found(DefectKind::UndeclaredEightBit, at);
        }
        for defect in self.decoder.first_defects() {
            found(defect.kind, start.saturating_add(defect.offset));
        }
    }
}

impl Default for Leaf {
    fn default() -> Self {
        Self::new(Encoding::Binary)
    }
}
