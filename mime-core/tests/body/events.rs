//! Events that can be kept and compared, with adjacent pieces of text joined.

use scop_mime_core::{Content, Defect, Entity, Event, Index, Kind, Limits, Reader};

/// An event of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    Begin(Entity),
    Field(usize, Vec<u8>),
    LongField(Vec<u8>),
    HeaderEnd(Vec<u8>, Content),
    Preamble(Vec<u8>),
    Body(Vec<u8>),
    Delimiter(Vec<u8>, bool),
    Epilogue(Vec<u8>),
    End(Entity),
    Defect(Defect),
}

/// Takes events, and joins the pieces of a text.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    pub(crate) events: Vec<Owned>,
    /// The bytes of all events.
    pub(crate) raw: Vec<u8>,
}

impl Joined {
    pub(crate) fn take(&mut self, event: &Event<'_>) {
        self.raw.extend_from_slice(event.raw());
        let last = self.events.last_mut();
        let owned = match (event, last) {
            (Event::Preamble(more), Some(Owned::Preamble(bytes)))
            | (Event::Body(more), Some(Owned::Body(bytes)))
            | (Event::Epilogue(more), Some(Owned::Epilogue(bytes)))
            | (Event::LongField(more), Some(Owned::LongField(bytes))) => {
                return bytes.extend_from_slice(more);
            }
            (Event::Begin(entity), _) => Owned::Begin(*entity),
            (Event::Field(field), _) => Owned::Field(field.offset(), field.raw().to_vec()),
            (Event::LongField(bytes), _) => Owned::LongField(bytes.to_vec()),
            (Event::HeaderEnd { separator, content }, _) => {
                Owned::HeaderEnd(separator.to_vec(), *content)
            }
            (Event::Preamble(bytes), _) => Owned::Preamble(bytes.to_vec()),
            (Event::Body(bytes), _) => Owned::Body(bytes.to_vec()),
            (Event::Delimiter { line, close }, _) => Owned::Delimiter(line.to_vec(), *close),
            (Event::Epilogue(bytes), _) => Owned::Epilogue(bytes.to_vec()),
            (Event::End(entity), _) => Owned::End(*entity),
            (Event::Defect(defect), _) => Owned::Defect(*defect),
            (other, _) => panic!("{other:?}"),
        };
        self.events.push(owned);
    }
}

/// The events of the index.
pub(crate) fn indexed(input: &[u8], limits: Limits) -> Joined {
    let mut joined = Joined::default();
    for event in Index::with_limits(input, limits).events() {
        joined.take(&event);
    }
    joined
}

/// The events of a reader that is fed with `chunks`.
pub(crate) fn pushed<'i, const DEPTH: usize>(
    chunks: impl IntoIterator<Item = &'i [u8]>,
    limits: Limits,
    buffer: &mut [u8],
) -> Joined {
    let mut joined = Joined::default();
    let mut reader = Reader::<DEPTH>::with_depth(buffer, limits).unwrap();
    for mut chunk in chunks {
        while let Some(event) = reader.read(&mut chunk) {
            joined.take(&event);
        }
        assert!(chunk.is_empty());
    }
    while let Some(event) = reader.finish() {
        joined.take(&event);
    }
    assert!(reader.read(&mut &b"more"[..]).is_none() && reader.finish().is_none());
    joined
}

/// The tree in one line: `{` and `}` around an entity; `h` a field, `L` a long one; then the kind of
/// body: `.` leaf, `~` encoded message, `@` message, `*` multipart; `p`, `b` and `e` with the length of a
/// text; `-` a delimiter and `=` one that closes; `!Kind` a defect.
pub(crate) fn sketch(input: &[u8]) -> String {
    let joined = indexed(input, Limits::DEFAULT);
    assert_eq!(joined.raw, input);
    let signs = joined.events.iter().map(|event| match event {
        Owned::Begin(_) => "{".to_string(),
        Owned::Field(..) => "h".to_string(),
        Owned::LongField(_) => "L".to_string(),
        Owned::HeaderEnd(_, content) => match content.kind {
            Kind::Leaf => ".".to_string(),
            Kind::EncodedMessage => "~".to_string(),
            Kind::Message => "@".to_string(),
            _ => "*".to_string(),
        },
        Owned::Preamble(bytes) => format!("p{}", bytes.len()),
        Owned::Body(bytes) => format!("b{}", bytes.len()),
        Owned::Delimiter(_, false) => "-".to_string(),
        Owned::Delimiter(_, true) => "=".to_string(),
        Owned::Epilogue(bytes) => format!("e{}", bytes.len()),
        Owned::End(_) => "}".to_string(),
        Owned::Defect(defect) => format!("!{:?} ", defect.kind),
    });
    signs.collect()
}

/// Whether the events have the order that `body` documents, and each `End` is that of its `Begin`.
pub(crate) fn check_order(events: &[Owned]) {
    let mut open: Vec<(Entity, usize)> = Vec::new();
    let mut in_header = false;
    let mut offset = 0;
    for event in events {
        match event {
            Owned::Begin(entity) => {
                assert!(!in_header && entity.offset == offset && entity.depth == open.len());
                let number = open.last_mut().map_or(1, |(_, children)| {
                    *children += 1;
                    *children
                });
                assert_eq!(entity.number, number);
                open.push((*entity, 0));
                in_header = true;
            }
            Owned::Field(at, bytes) => {
                let start = open.last().unwrap().0.offset;
                assert!(in_header && *at as u64 + start == offset);
                offset += bytes.len() as u64;
            }
            Owned::LongField(bytes) => {
                assert!(in_header);
                offset += bytes.len() as u64;
            }
            Owned::HeaderEnd(bytes, _) => {
                assert!(in_header);
                in_header = false;
                offset += bytes.len() as u64;
            }
            Owned::Preamble(bytes)
            | Owned::Body(bytes)
            | Owned::Epilogue(bytes)
            | Owned::Delimiter(bytes, _) => {
                assert!(!in_header && !bytes.is_empty());
                offset += bytes.len() as u64;
            }
            Owned::End(entity) => assert_eq!(*entity, open.pop().unwrap().0),
            Owned::Defect(_) => {}
        }
    }
    assert!(open.is_empty() && !in_header);
}
