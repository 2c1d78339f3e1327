//! Ours.

use std::hint::black_box;

use scop_core::{Emit, Full, Sink, UnixTime};
use scop_mime_core::build::{self, Body, Draft, Options};
use scop_mime_core::coding::Decoder;
use scop_mime_core::header::address::Addresses;
use scop_mime_core::header::date::Zone;
use scop_mime_core::header::unstructured::Unstructured;
use scop_mime_core::{
    Address, Charset, CharsetDecoder, DateTime, Encoding, Event, Field, Kind, Limits, Mailbox,
    Message, MessageId, Reader,
};

use super::{Scratch, Seen};
use crate::input::{html, plain};

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
    let mut first: [Option<Field<'_>>; 5] = [None; 5];
    let mut depth = 0;
    for event in Message::index(mail).events() {
        match event {
            Event::Begin(entity) => depth = entity.depth,
            Event::Field(field) if depth == 0 => {
                if let Some(place) = NAMES.iter().position(|name| field.is(name)) {
                    first[place].get_or_insert(field);
                }
            }
            _ => {}
        }
    }
    let [from, to, subject, date, id] = first;
    let mut seen = Seen::default();
    for field in [from, to].into_iter().flatten() {
        addresses(field.value(), &mut seen, scratch);
    }
    if let Some(field) = subject {
        scratch.octets.clear();
        put(Unstructured::new(field.value()).text(), scratch);
        seen.add(1, 1);
        seen.add(2, scratch.octets.len());
    }
    if let Some(Ok(date)) = date.map(|field| DateTime::parse(field.value())) {
        seen.add(1, 1);
        seen.add(2, usize::from(date.day()));
    }
    if let Some(Ok(id)) = id.map(|field| MessageId::parse(field.value())) {
        scratch.octets.clear();
        put(id, scratch);
        seen.add(1, 1);
        // The others give it without angle brackets.
        seen.add(2, scratch.octets.len() - 2);
    }
    seen
}

const NAMES: [&[u8]; 5] = [b"from", b"to", b"subject", b"date", b"message-id"];

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

/// A message with text, HTML and, where there are octets, an attachment, in a buffer that is used again.
pub fn build(attachment: &[u8], scratch: &mut Scratch) -> Seen {
    let date = DateTime::from_unix(UnixTime(1_861_869_600), Zone::UTC).expect("the year is 2029");
    let to = [build::Address::new("Suzie Q.", "suzie@example.com")];
    let fields = [
        build::Field::to(&to),
        build::Field::subject("Gr\u{fc}\u{df}e aus K\u{f6}ln, und der Bericht f\u{fc}r das Jahr"),
        build::Field::message_id("20290101100000.1234@example.org"),
    ];
    let texts = [Body::text(plain()), Body::html(html())];
    let parts = [
        Body::alternative(&texts),
        Body::attachment("application/octet-stream", "data.bin", attachment),
    ];
    let body = if attachment.is_empty() {
        parts[0]
    } else {
        Body::mixed(&parts)
    };
    let from = build::Mailbox::new("J\u{f6}rg M\u{fc}ller", "joerg@example.org");
    scratch.octets.clear();
    Draft::new(date, from, &fields, body)
        .write(&Options::new(*b"sixteen octets!!"), &mut scratch.octets)
        .expect("all values are lawful");
    let mut seen = Seen::default();
    seen.add(0, 1);
    seen.add(2, scratch.octets.len());
    seen
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
