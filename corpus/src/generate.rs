//! From a seed to the abstract message.
//!
//! Everything is drawn from one [`Rng`] in one fixed order. A change here changes the corpus: the tests
//! hold its digest.

use scop_mime_core::Encoding;

use crate::model::{Body, Entity, Field, Hand, How, LineEnd, Message, Value};
use crate::rng::Rng;

mod address;
mod body;
mod header;
mod mime;
mod report;
mod text;
mod trace;

/// The message of a seed.
pub fn message(seed: u64) -> Message {
    let mut rng = Rng::new(seed);
    let line_end = if rng.percent(25) {
        LineEnd::Lf
    } else {
        LineEnd::Crlf
    };
    let parts = rng.pick(&[1, 1, 2, 3, 9]);
    let mut generator = Generator {
        rng,
        line_end,
        boundaries: Vec::new(),
        parts,
    };
    let root = generator.root();
    Message {
        seed,
        line_end,
        root,
    }
}

/// Draws values.
pub(crate) struct Generator {
    pub(crate) rng: Rng,
    pub(crate) line_end: LineEnd,
    /// Of the multiparts that are open.
    pub(crate) boundaries: Vec<String>,
    /// How many more entities the message may have.
    parts: u32,
}

impl Generator {
    /// Draws from a seed of its own.
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            line_end: LineEnd::Crlf,
            boundaries: Vec::new(),
            parts: 0,
        }
    }

    fn root(&mut self) -> Entity {
        let mut entity = self.content(0);
        // RFC 2045 4; a message without it is read the same.
        if !entity.fields.is_empty() && self.rng.percent(95) {
            entity.fields.push(Field {
                structural: true,
                ..self.field("MIME-Version", Value::Version)
            });
        }
        self.header(&mut entity.fields);
        self.shuffle(&mut entity.fields);
        entity
    }

    /// A message in a message.
    fn nested(&mut self, depth: usize) -> Entity {
        let mut entity = self.content(depth);
        if self.rng.percent(80) {
            self.short_header(&mut entity.fields);
        }
        self.shuffle(&mut entity.fields);
        entity
    }

    /// A part of a multipart; `is_digest` when it is a message unless it says otherwise.
    fn part(&mut self, depth: usize, is_digest: bool) -> Entity {
        let mut entity = if is_digest && self.rng.percent(70) {
            let inner = self.nested(depth.saturating_add(1));
            Entity {
                fields: Vec::new(),
                body: Body::Message(Box::new(inner)),
            }
        } else {
            self.content(depth)
        };
        if is_digest
            && !matches!(entity.body, Body::Message(_))
            && !entity.fields.iter().any(is_content_type)
        {
            let plain = Value::ContentType("text".to_owned(), "plain".to_owned(), Vec::new());
            entity.fields.push(Field {
                structural: true,
                ..self.field("Content-Type", plain)
            });
        }
        self.part_header(&mut entity.fields);
        self.shuffle(&mut entity.fields);
        entity
    }

    /// A body and the fields without which it cannot be read.
    fn content(&mut self, depth: usize) -> Entity {
        self.parts = self.parts.saturating_sub(1);
        if depth == 0 && self.rng.one_in(50) {
            return Entity::default();
        }
        let may_nest = self.parts > 0 && depth < 8;
        match self.rng.below(100) {
            0..45 if may_nest => self.multipart(depth),
            45..52 if may_nest => self.message_part(depth),
            52..55 if may_nest => self.encoded_message(depth),
            55..60 if may_nest => self.report(depth),
            _ => self.leaf(),
        }
    }

    /// A field that the corpus or, by choice, mime-core spells.
    pub(crate) fn field(&mut self, name: &'static str, value: Value) -> Field {
        let how = self.how();
        Field {
            name: self.name(name),
            value,
            how,
            structural: false,
        }
    }

    /// Who spells, and from which seed.
    pub(crate) fn how(&mut self) -> How {
        let hand = match self.rng.below(10) {
            0..3 => Hand::Plain,
            3..8 => Hand::Odd,
            _ => Hand::Library,
        };
        How {
            hand,
            seed: self.rng.next(),
        }
    }

    fn name(&mut self, name: &'static str) -> std::borrow::Cow<'static, str> {
        match self.rng.below(20) {
            0 => name.to_ascii_lowercase().into(),
            1 => name.to_ascii_uppercase().into(),
            _ => name.into(),
        }
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        if self.rng.percent(60) {
            let mut count = items.len();
            while count > 1 {
                let chosen = self.rng.index(count);
                count -= 1;
                items.swap(chosen, count);
            }
        }
    }

    /// As many draws of `one` as fall between the bounds, few more often than many.
    pub(crate) fn several<T>(
        &mut self,
        low: u32,
        high: u32,
        mut one: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let most = self.rng.range(low, high);
        let count = self.rng.range(low, most);
        (0..count).map(|_| one(self)).collect()
    }

    /// Something or nothing.
    pub(crate) fn maybe<T>(&mut self, percent: u32, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.rng.percent(percent).then(|| one(self))
    }
}

fn is_content_type(field: &Field) -> bool {
    matches!(field.value, Value::ContentType(..))
}

/// The fields that announce an encoding.
pub(crate) fn encoding_field(generator: &mut Generator, encoding: Encoding) -> Field {
    Field {
        structural: true,
        ..generator.field("Content-Transfer-Encoding", Value::Encoding(encoding))
    }
}
