//! Ours.

use std::hint::black_box;

use scop_core::{Emit, Full, Sink};
use scop_mime_core::coding::Decoder;
use scop_mime_core::header::address::Addresses;
use scop_mime_core::header::unstructured::Unstructured;
use scop_mime_core::{
    Address, Charset, CharsetDecoder, DateTime, Encoding, Event, Field, Kind, Limits, Mailbox,
    Message, MessageId, Reader,
};

use super::{Scratch, Seen};

/// The fields and parts of the whole tree.
pub fn tree(mail: &[u8], _: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    for event in Message::index(mail).events() {
        count(&event, &mut seen);
    }
    seen
}

/// The same with the push reader, fed with 64 KiB at a time.
pub fn push(mail: &[u8], scratch: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    scratch.octets.resize(BUFFER, 0);
    let mut reader =
        Reader::new(&mut scratch.octets, Limits::DEFAULT).expect("the buffer is large enough");
    for mut chunk in mail.chunks(CHUNK) {
        while let Some(event) = reader.read(&mut chunk) {
            count(&event, &mut seen);
        }
    }
    while let Some(event) = reader.finish() {
        count(&event, &mut seen);
    }
    seen
}

const BUFFER: usize = 4_096;
const CHUNK: usize = 65_536;

fn count(event: &Event<'_>, seen: &mut Seen) {
    match event {
        Event::Field(field) => {
            black_box(field.value());
            seen.add(0, 1);
        }
        Event::HeaderEnd { .. } => seen.add(1, 1),
        _ => {}
    }
}

/// The five fields with which a mail is listed, and the tree.
pub fn fields(mail: &[u8], scratch: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let mut todo = Todo::default();
    let mut depth = 0;
    for event in Message::index(mail).events() {
        match event {
            Event::Begin(entity) => depth = entity.depth,
            Event::Field(field) if depth == 0 => todo.field(field, &mut seen, scratch),
            _ => {}
        }
    }
    seen
}

/// Which of the five have not come.
#[derive(Default)]
struct Todo {
    from: bool,
    to: bool,
    subject: bool,
    date: bool,
    id: bool,
}

impl Todo {
    fn field(&mut self, field: Field<'_>, seen: &mut Seen, scratch: &mut Scratch) {
        if field.is(b"from") && !std::mem::replace(&mut self.from, true)
            || field.is(b"to") && !std::mem::replace(&mut self.to, true)
        {
            addresses(field.value(), seen, scratch);
        } else if field.is(b"subject") && !std::mem::replace(&mut self.subject, true) {
            scratch.octets.clear();
            put(Unstructured::new(field.value()).text(), scratch);
            seen.add(1, 1);
            seen.add(2, scratch.octets.len());
        } else if field.is(b"date") && !std::mem::replace(&mut self.date, true) {
            if let Ok(date) = DateTime::parse(field.value()) {
                seen.add(1, 1);
                seen.add(2, usize::from(date.day()));
            }
        } else if field.is(b"message-id") && !std::mem::replace(&mut self.id, true) {
            if let Ok(id) = MessageId::parse(field.value()) {
                scratch.octets.clear();
                put(id.left(), scratch);
                put(id.right(), scratch);
                seen.add(1, 1);
                // With the "@", without which the others do not give it.
                seen.add(2, scratch.octets.len() + 1);
            }
        }
    }
}

/// Each leaf without its transfer encoding, in one buffer.
pub fn decode(mail: &[u8], scratch: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    let mut decoder = Decoder::new(Encoding::SevenBit);
    for event in Message::index(mail).events() {
        count(&event, &mut seen);
        match event {
            Event::HeaderEnd { content, .. } => {
                scratch.octets.clear();
                decoder = Decoder::new(content.encoding);
            }
            Event::Body(bytes) => decoder
                .put(bytes, &mut scratch.octets)
                .expect("a vector is never full"),
            Event::End(_) => {
                decoder
                    .finish(&mut scratch.octets)
                    .expect("a vector is never full");
                seen.add(2, scratch.octets.len());
                scratch.octets.clear();
            }
            _ => {}
        }
    }
    seen
}

/// Each leaf as [`decode`] does, and those that are text in UTF-8.
pub fn text(mail: &[u8], scratch: &mut Scratch) -> Seen {
    let mut seen = Seen::default();
    for part in Message::index(mail).parts() {
        seen.add(0, part.header().fields().count());
        seen.add(1, 1);
        if !matches!(part.content().kind, Kind::Leaf | Kind::EncodedMessage) {
            continue;
        }
        scratch.octets.clear();
        let content_type = part.content_type();
        if content_type.is_type(b"text") {
            scratch.label.clear();
            if let Some(label) = content_type.charset() {
                label
                    .octets(&mut scratch.label)
                    .expect("a vector is never full");
            }
            let charset = Charset::of_label(&scratch.label).unwrap_or(Charset::UTF_8);
            let mut sink = Converted(CharsetDecoder::new(charset), &mut scratch.octets);
            part.decode(&mut sink).expect("a vector is never full");
            let Converted(mut converter, octets) = sink;
            converter.finish(octets).expect("a vector is never full");
        } else {
            part.decode(&mut scratch.octets)
                .expect("a vector is never full");
        }
        seen.add(2, scratch.octets.len());
    }
    seen
}

/// Takes octets in a charset, and writes them in UTF-8.
struct Converted<'a>(CharsetDecoder, &'a mut Vec<u8>);

impl Sink for Converted<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.put(bytes, self.1)
    }
}

/// A message with text, HTML and, where there are octets, an attachment.
pub fn build(attachment: &[u8], scratch: &mut Scratch) -> Seen {
    let _ = (attachment, scratch);
    Seen::default()
}

fn addresses(value: &[u8], seen: &mut Seen, scratch: &mut Scratch) {
    for address in Addresses::new(value).map_while(Result::ok) {
        match address {
            Address::Mailbox(mailbox) => one(mailbox, seen, scratch),
            Address::Group(group) => group
                .mailboxes()
                .for_each(|mailbox| one(mailbox, seen, scratch)),
        }
    }
}

/// The decoded name and the address.
fn one(mailbox: Mailbox<'_>, seen: &mut Seen, scratch: &mut Scratch) {
    scratch.octets.clear();
    if let Some(name) = mailbox.display_name() {
        put(name.decoded(), scratch);
    }
    put(mailbox.addr_spec(), scratch);
    seen.add(0, 1);
    seen.add(2, scratch.octets.len());
}

fn put(value: impl Emit, scratch: &mut Scratch) {
    value
        .emit(&mut scratch.octets)
        .expect("a vector is never full");
}
