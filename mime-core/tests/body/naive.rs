//! The rules once more, line by line over vectors, without defects and limits.

use scop_mime_core::{Content, ContentType, Encoding, Entity, Kind};

use crate::events::Owned;

struct Level {
    entity: Entity,
    children: usize,
    boundary: Option<Vec<u8>>,
    digest: bool,
    closed: bool,
}

#[derive(Clone, Copy)]
enum Place {
    Header,
    Preamble,
    Body,
    Epilogue,
}

pub(crate) fn events(input: &[u8]) -> Vec<Owned> {
    let mut naive = Naive {
        events: Vec::new(),
        stack: Vec::new(),
        leaf: None,
        fields: Vec::new(),
        text: Vec::new(),
        place: Place::Header,
        offset: 0,
    };
    naive.begin(Entity::new(0, 1, 0));
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        naive.line(line);
        naive.offset += line.len() as u64;
    }
    naive.over();
    naive.events
}

struct Naive {
    events: Vec<Owned>,
    stack: Vec<Level>,
    leaf: Option<Entity>,
    fields: Vec<Vec<u8>>,
    text: Vec<u8>,
    place: Place,
    offset: u64,
}

impl Naive {
    fn begin(&mut self, entity: Entity) {
        self.leaf = Some(entity);
        self.place = Place::Header;
        self.events.push(Owned::Begin(entity));
    }

    fn line(&mut self, line: &[u8]) {
        if let Some((level, close)) = self.delimiter(line) {
            if let Place::Header = self.place {
                self.end_header(b"");
            }
            // A message in a message without a header of its own.
            while let Place::Header = self.place {
                self.end_header(b"");
            }
            // The boundary of the header that just ended is open now.
            let (level, close) = self.delimiter(line).unwrap_or((level, close));
            let mut delimiter = Vec::new();
            let start = self.text.len() - line_end(&self.text).len();
            delimiter.extend(self.text.drain(start..));
            let end = line.len() - if close { line_end(line).len() } else { 0 };
            delimiter.extend_from_slice(&line[..end]);
            self.flush();
            self.close(level + 1);
            self.events.push(Owned::Delimiter(delimiter, close));
            let depth = self.stack.len();
            let top = self.stack.last_mut().unwrap();
            if close {
                top.closed = true;
                self.place = Place::Epilogue;
                self.text.extend_from_slice(&line[end..]);
            } else {
                top.children += 1;
                let number = top.children;
                self.begin(Entity::new(depth, number, self.offset + line.len() as u64));
            }
            return;
        }
        match self.place {
            Place::Header if matches!(line, b"\n" | b"\r\n") => self.end_header(line),
            Place::Header => match self.fields.last_mut() {
                Some(field) if matches!(line[0], b' ' | b'\t') => field.extend_from_slice(line),
                _ => self.fields.push(line.to_vec()),
            },
            _ => self.text.extend_from_slice(line),
        }
    }

    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let text = &line[..line.len() - line_end(line).len()];
        let mut rest = text.strip_prefix(b"--")?;
        while let [before @ .., b' ' | b'\t'] = rest {
            rest = before;
        }
        if text.len() > 998 {
            return None;
        }
        for (level, open) in self.stack.iter().enumerate().rev() {
            if let Some(boundary) = open.boundary.as_ref().filter(|_| !open.closed) {
                if rest == boundary {
                    return Some((level, false));
                }
                if rest == [boundary.as_slice(), b"--"].concat() {
                    return Some((level, true));
                }
            }
        }
        None
    }

    fn end_header(&mut self, separator: &[u8]) {
        let entity = self.leaf.unwrap();
        let mut at = usize::try_from(self.offset - entity.offset).unwrap()
            - self.fields.iter().map(Vec::len).sum::<usize>();
        let mut content_type = None;
        let mut encoding = None;
        for raw in self.fields.drain(..) {
            let colon = raw
                .iter()
                .position(|&byte| byte == b':')
                .unwrap_or(raw.len());
            let name = raw[..colon].trim_ascii_end().to_ascii_lowercase();
            let value = raw.get(colon + 1..).unwrap_or_default();
            match name.as_slice() {
                b"content-type" if content_type.is_none() => content_type = Some(value.to_vec()),
                b"content-transfer-encoding" if encoding.is_none() => {
                    encoding = Some(Encoding::recover(value.trim_ascii_end()).0);
                }
                _ => {}
            }
            let len = raw.len();
            self.events.push(Owned::Field(at, raw));
            at += len;
        }
        let encoding = encoding.unwrap_or_default();
        let in_digest = self.stack.last().is_some_and(|level| level.digest);
        let default: &[u8] = if in_digest {
            b"message/rfc822"
        } else {
            b"text/plain"
        };
        let value = content_type.as_deref().unwrap_or(default).trim_ascii_end();
        let media = ContentType::recover(value)
            .0
            .unwrap_or(ContentType::DEFAULT);
        let mut boundary = Vec::new();
        let mut kind = Kind::Leaf;
        if media.is_type(b"multipart") {
            if let Some(parameter) = media.boundary() {
                parameter.octets(&mut boundary).unwrap();
                boundary.truncate(boundary.trim_ascii_end().len());
                // Of these no line consists.
                if !boundary.is_empty() && !boundary.iter().any(|byte| b"\0\r\n".contains(byte)) {
                    kind = Kind::Multipart;
                }
            }
        } else if media.is(b"message", b"rfc822") || media.is(b"message", b"global") {
            kind = if encoding.is_identity() {
                Kind::Message
            } else {
                Kind::EncodedMessage
            };
        }
        self.events.push(Owned::HeaderEnd(
            separator.to_vec(),
            Content::new(kind, encoding),
        ));
        match kind {
            Kind::Multipart => {
                self.push(
                    entity,
                    Some(boundary),
                    media.subtype().eq_ignore_ascii_case(b"digest"),
                );
                self.place = Place::Preamble;
            }
            Kind::Message => {
                self.push(entity, None, false);
                let offset = self.offset + separator.len() as u64;
                self.begin(Entity::new(self.stack.len(), 1, offset));
            }
            _ => self.place = Place::Body,
        }
    }

    fn push(&mut self, entity: Entity, boundary: Option<Vec<u8>>, digest: bool) {
        self.leaf = None;
        self.stack.push(Level {
            entity,
            children: 0,
            boundary,
            digest,
            closed: false,
        });
    }

    fn flush(&mut self) {
        let text = core::mem::take(&mut self.text);
        if !text.is_empty() {
            self.events.push(match self.place {
                Place::Preamble => Owned::Preamble(text),
                Place::Epilogue => Owned::Epilogue(text),
                _ => Owned::Body(text),
            });
        }
    }

    fn close(&mut self, keep: usize) {
        self.events.extend(self.leaf.take().map(Owned::End));
        while self.stack.len() > keep {
            self.events
                .extend(self.stack.pop().map(|level| Owned::End(level.entity)));
        }
    }

    fn over(&mut self) {
        while let Place::Header = self.place {
            self.end_header(b"");
        }
        self.flush();
        self.close(0);
    }
}

fn line_end(bytes: &[u8]) -> &[u8] {
    let ends = [&b"\r\n"[..], b"\n", b""];
    ends.into_iter().find(|end| bytes.ends_with(end)).unwrap()
}
