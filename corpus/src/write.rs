//! From the model to bytes, in every form that the grammars allow, and what a reader must see in them.
//!
//! This is written straight from the RFCs and shares no code with the reader under test. A share of the
//! fields and bodies goes through mime-core's own writers instead (see [`crate::model::Hand::Library`]).

use std::ops::Range;

use scop_mime_core::{Encoding, FieldName, Kind};

mod address;
mod base64;
mod body;
mod date;
mod library;
mod list;
mod mime;
pub(crate) mod pen;
mod text;
pub(crate) mod trace;

use crate::feature::{Feature, Features};
use crate::model::{Body, Entity, Field, Hand, How, LineEnd, Message, Multipart, Value};
use pen::Pen;

pub(crate) use body::only_line_ends;

/// What a reader must report of the bytes, in order.
#[derive(Clone, Debug)]
pub enum Expected<'m> {
    /// An entity begins.
    Begin {
        /// How many entities it is in.
        depth: usize,
        /// Which child of its parent it is.
        number: usize,
    },
    /// A field.
    Field {
        /// What it says.
        field: &'m Field,
        /// All of it, with its line end.
        range: Range<usize>,
        /// Where the value begins, behind the colon.
        value: usize,
    },
    /// The header is over.
    HeaderEnd {
        /// The empty line, or nothing.
        range: Range<usize>,
        /// How the body is read.
        kind: Kind,
        /// Its transfer encoding.
        encoding: Encoding,
    },
    /// A preamble.
    Preamble(Range<usize>),
    /// The body of a leaf.
    Body {
        /// The encoded octets.
        range: Range<usize>,
        /// The entity.
        entity: &'m Entity,
    },
    /// A delimiter, with the line end before it; with its own unless it closes the multipart.
    Delimiter {
        /// The bytes.
        range: Range<usize>,
        /// Whether it closes the multipart.
        close: bool,
    },
    /// An epilogue, with the line end before it.
    Epilogue(Range<usize>),
    /// An entity ends.
    End {
        /// How many entities it is in.
        depth: usize,
        /// Which child of its parent it is.
        number: usize,
        /// Where it began.
        offset: usize,
    },
}

/// Writes `message` behind what `out` holds, which should be nothing: the ranges count from its start.
pub fn message<'m>(
    message: &'m Message,
    out: &mut Vec<u8>,
    features: &mut Features,
) -> Vec<Expected<'m>> {
    features.count(match message.line_end {
        LineEnd::Crlf => Feature::CrlfMessage,
        LineEnd::Lf => Feature::LfMessage,
    });
    let expected = entity(&message.root, message.line_end, out, features);
    if out.last() != Some(&b'\n') {
        features.count(Feature::NoFinalLineEnd);
    }
    expected
}

/// Writes `root` as a message of its own.
pub(crate) fn entity<'m>(
    root: &'m Entity,
    line_end: LineEnd,
    out: &mut Vec<u8>,
    features: &mut Features,
) -> Vec<Expected<'m>> {
    let mut writer = Writer {
        line_end,
        out,
        features,
        expected: Vec::with_capacity(64),
        body_start: 0,
        boundaries: Vec::new(),
    };
    writer.entity(root, 0, 1);
    writer.expected
}

struct Writer<'m, 'o> {
    line_end: LineEnd,
    out: &'o mut Vec<u8>,
    features: &'o mut Features,
    expected: Vec<Expected<'m>>,
    /// Where the last empty line of a header ended.
    body_start: usize,
    /// Of the multiparts that are open.
    boundaries: Vec<&'m str>,
}

impl<'m> Writer<'m, '_> {
    /// The model is at most a dozen levels deep, so this may recurse.
    fn entity(&mut self, entity: &'m Entity, depth: usize, number: usize) {
        if depth >= 4 {
            self.features.count(Feature::DeepMultipart);
        }
        let offset = self.out.len();
        self.expected.push(Expected::Begin { depth, number });
        for field in &entity.fields {
            self.field(field);
        }
        self.body(entity, depth);
        self.expected.push(Expected::End {
            depth,
            number,
            offset,
        });
    }

    fn field(&mut self, field: &'m Field) {
        let start = self.out.len();
        self.count_field(field);
        let mut pen = Pen::new(self.out, self.features, self.line_end, field.how);
        pen.text(&field.name);
        if pen.odd(2) {
            pen.features.count(Feature::SpaceBeforeColon);
            for _ in 0..pen.rng.range(1, 3) {
                let blank = pen.rng.pick(b" \t");
                pen.put(&[blank]);
            }
        }
        pen.put(b":");
        let value_start = pen.out.len();
        if !(field.how.hand == Hand::Library && library::value(&mut pen, &field.value)) {
            value(&mut pen, &field.value);
        }
        pen.put(pen.line_end.bytes());
        let written = self.out.get(value_start..).unwrap_or_default();
        if !written.is_ascii() {
            self.features.count(Feature::RawUtf8);
        }
        self.expected.push(Expected::Field {
            field,
            range: start..self.out.len(),
            value: value_start,
        });
    }

    fn body(&mut self, entity: &'m Entity, depth: usize) {
        let encoding = declared_encoding(entity);
        let kind = match &entity.body {
            Body::Absent => {
                self.features.count(Feature::NoBody);
                let end = self.out.len();
                self.expected.push(Expected::HeaderEnd {
                    range: end..end,
                    kind: Kind::Leaf,
                    encoding,
                });
                return;
            }
            Body::Leaf(_) => Kind::Leaf,
            Body::Multipart(_) => Kind::Multipart,
            Body::Message(_) => Kind::Message,
            Body::EncodedMessage(..) => Kind::EncodedMessage,
        };
        let separator = self.out.len();
        self.out.extend_from_slice(self.line_end.bytes());
        let start = self.out.len();
        self.body_start = start;
        self.expected.push(Expected::HeaderEnd {
            range: separator..start,
            kind,
            encoding,
        });
        match &entity.body {
            Body::Absent => {}
            Body::Leaf(leaf) => {
                self.count_leaf(&leaf.content, leaf.encoding);
                self.encoded(&leaf.content, leaf.encoding, leaf.how);
                self.count_lookalikes(start);
            }
            Body::EncodedMessage(inner, encoding, how) => {
                self.features.count(Feature::EncodedMessage);
                let mut content = Vec::new();
                self::entity(inner, self.line_end, &mut content, self.features);
                self.encoded(&content, *encoding, *how);
            }
            Body::Message(inner) => {
                self.features.count(Feature::NestedMessage);
                return self.entity(inner, depth.saturating_add(1), 1);
            }
            Body::Multipart(multipart) => return self.multipart(multipart, depth),
        }
        self.expected.push(Expected::Body {
            range: start..self.out.len(),
            entity,
        });
    }

    fn encoded(&mut self, content: &[u8], encoding: Encoding, how: How) {
        let mut pen = Pen::new(self.out, self.features, self.line_end, how);
        body::encoded(&mut pen, content, encoding, how);
    }

    fn multipart(&mut self, multipart: &'m Multipart, depth: usize) {
        self.features.count(Feature::Multipart);
        self.count_boundary(&multipart.boundary);
        self.boundaries.push(&multipart.boundary);
        if let Some(preamble) = &multipart.preamble {
            self.features.count(Feature::Preamble);
            let start = self.out.len();
            self.out.extend_from_slice(preamble);
            self.expected
                .push(Expected::Preamble(start..self.out.len()));
        }
        let mut padding = crate::rng::Rng::new(multipart.how.seed);
        for (index, part) in multipart.parts.iter().enumerate() {
            let start = self.out.len();
            if index > 0 || multipart.preamble.is_some() {
                self.line_end_before_delimiter(multipart, &mut padding);
            }
            self.delimiter(multipart, b"", &mut padding);
            self.out.extend_from_slice(self.line_end.bytes());
            self.expected.push(Expected::Delimiter {
                range: start..self.out.len(),
                close: false,
            });
            self.entity(part, depth.saturating_add(1), index.saturating_add(1));
        }
        let start = self.out.len();
        self.line_end_before_delimiter(multipart, &mut padding);
        self.delimiter(multipart, b"--", &mut padding);
        let end = self.out.len();
        self.expected.push(Expected::Delimiter {
            range: start..end,
            close: true,
        });
        if let Some(epilogue) = &multipart.epilogue {
            if !epilogue.is_empty() {
                self.features.count(Feature::Epilogue);
            }
            // The line end before it is not that of the delimiter, which may have none (RFC 2046 5.1.1).
            self.out.extend_from_slice(self.line_end.bytes());
            self.out.extend_from_slice(epilogue);
            self.expected.push(Expected::Epilogue(end..self.out.len()));
        }
        self.boundaries.pop();
    }

    /// A delimiter right behind the empty line of a header shares its line end: the body is empty either
    /// way.
    fn line_end_before_delimiter(&mut self, multipart: &Multipart, padding: &mut crate::rng::Rng) {
        let shared = multipart.how.hand == Hand::Odd
            && self.out.len() == self.body_start
            && padding.percent(30);
        if shared {
            self.features.count(Feature::SharedLineEnd);
        } else {
            self.out.extend_from_slice(self.line_end.bytes());
        }
    }

    fn delimiter(&mut self, multipart: &Multipart, end: &[u8], padding: &mut crate::rng::Rng) {
        self.out.extend_from_slice(b"--");
        self.out.extend_from_slice(multipart.boundary.as_bytes());
        self.out.extend_from_slice(end);
        if multipart.how.hand == Hand::Odd && padding.percent(20) {
            self.features.count(Feature::PaddedDelimiter);
            for _ in 0..padding.range(1, 4) {
                self.out.push(padding.pick(b" \t"));
            }
        }
    }

    fn count_field(&mut self, field: &Field) {
        self.features.count(Feature::Field);
        match FieldName::of(field.name.as_bytes()) {
            None if field.name.starts_with('X') => self.features.count(Feature::OptionalField),
            Some(name) if name.as_str() != field.name => self.features.count(Feature::NameCase),
            _ => {}
        }
        match &field.value {
            Value::ContentType(type_name, subtype, _) if type_name == "multipart" => {
                match subtype.as_str() {
                    "digest" => self.features.count(Feature::Digest),
                    "report" => self.features.count(Feature::Report),
                    "signed" => self.features.count(Feature::Signed),
                    _ => {}
                }
            }
            Value::Disposition(_, parameters)
                if parameters.iter().any(|one| one.name == "filename") =>
            {
                self.features.count(Feature::Filename);
            }
            _ => {}
        }
    }

    fn count_boundary(&mut self, boundary: &'m str) {
        let is_prefix = |open: &&str| open.starts_with(boundary) || boundary.starts_with(*open);
        if self.boundaries.iter().any(is_prefix) {
            self.features.count(Feature::PrefixBoundary);
        }
    }

    fn count_lookalikes(&mut self, start: usize) {
        let body = self.out.get(start..).unwrap_or_default();
        let is_lookalike = |line: &[u8]| {
            let behind = line.strip_prefix(b"--");
            behind.is_some_and(|line| {
                self.boundaries
                    .iter()
                    .any(|boundary| line.starts_with(boundary.as_bytes()))
            })
        };
        if !self.boundaries.is_empty() && body.split(|&byte| byte == b'\n').any(is_lookalike) {
            self.features.count(Feature::Lookalike);
        }
    }

    fn count_leaf(&mut self, content: &[u8], encoding: Encoding) {
        self.features.count(Feature::Leaf);
        if content.is_empty() {
            self.features.count(Feature::EmptyLeaf);
        }
        if content.contains(&0) || !only_line_ends(content, self.line_end) {
            self.features.count(Feature::OddOctets);
        }
        self.features.count(match encoding {
            Encoding::EightBit => Feature::EightBit,
            Encoding::Binary => Feature::Binary,
            Encoding::QuotedPrintable => Feature::QuotedPrintable,
            Encoding::Base64 => Feature::Base64,
            Encoding::Uuencode => Feature::Uuencode,
            _ => Feature::SevenBit,
        });
    }
}

/// What Content-Transfer-Encoding says; 7bit without one.
fn declared_encoding(entity: &Entity) -> Encoding {
    entity
        .fields
        .iter()
        .find_map(|field| match field.value {
            Value::Encoding(encoding) => Some(encoding),
            _ => None,
        })
        .unwrap_or_default()
}

/// The value of a field, from the colon on, spelled by the corpus.
pub(crate) fn value(pen: &mut Pen<'_>, value: &Value) {
    match value {
        Value::Text(text) => return text::text(pen, text),
        Value::Tags(tags) => {
            pen.fold_space();
            return trace::tags(pen, tags);
        }
        // White space, but no comments.
        Value::Location(location) => {
            pen.space();
            pen.text(location);
            return pen.optional_space();
        }
        Value::OneClick => {
            pen.features.count(Feature::ListField);
            pen.space();
            pen.any_case("List-Unsubscribe=One-Click");
            return pen.optional_space();
        }
        _ => pen.start(),
    }
    match value {
        Value::Text(_) | Value::Tags(_) | Value::Location(_) | Value::OneClick => {}
        Value::Addresses(list) => address::addresses(pen, list),
        Value::Path(path) => address::path(pen, path),
        Value::Date(date) => date::date(pen, date),
        Value::Id(id) => address::id(pen, id),
        Value::Ids(ids) => address::ids(pen, ids),
        Value::Received(received) => trace::received(pen, received),
        Value::Keywords(keywords) => list::keywords(pen, keywords),
        Value::Version => mime::version(pen),
        Value::ContentType(type_name, subtype, parameters) => {
            mime::content_type(pen, type_name, subtype, parameters);
        }
        Value::Disposition(kind, parameters) => mime::worded(pen, kind, parameters),
        Value::Encoding(encoding) => mime::encoding(pen, *encoding),
        Value::Languages(languages) => mime::languages(pen, languages),
        Value::Urls(urls) => list::urls(pen, urls),
        Value::NoPosting => {
            pen.features.count(Feature::ListField);
            pen.any_case("NO");
        }
        Value::ListId(description, id) => list::list_id(pen, description.as_ref(), id),
        Value::AutoSubmitted(keyword, parameters) => {
            pen.features.count(Feature::AutoSubmitted);
            mime::worded(pen, keyword, parameters);
        }
        Value::Results(results) => trace::results(pen, results),
    }
    pen.end();
}
