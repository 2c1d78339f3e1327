//! scop-mime-core: new messages, and edits of parts.

use core::hint::black_box;

use scop_core::SliceSink;
use scop_mime_core::build::{
    Address, Body, BuildErrorKind, Draft, Field, Item, Mailbox, Options, Transport, Value,
};
use scop_mime_core::edit::{Edit, EditErrorKind, PartPlace, Place, Splice};
use scop_mime_core::{DateTime, HeaderBlock, Kind, Message};

use crate::tally::Tally;

/// Writes messages with `input` as every value, reads them back, and changes their parts.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let text = core::str::from_utf8(input).unwrap_or("?");
    if let Ok(date) = DateTime::parse(black_box(b"Fri, 1 Nov 2024 10:00:00 +0000")) {
        for transport in [Transport::SevenBit, Transport::EightBit, Transport::Utf8] {
            values(text, date, black_box(transport), &mut tally);
            bodies(text, date, black_box(transport), &mut tally);
        }
        written(date, &mut tally);
    } else {
        tally.check(false);
    }
    tally.finish()
}

/// `text` as the value of every field.
fn values(text: &str, date: DateTime, transport: Transport, tally: &mut Tally) {
    let mailbox = Mailbox::new(text, text);
    let members = [mailbox, Mailbox::new("", "a@b.example")];
    let addresses = [
        Address::Mailbox(mailbox),
        Address::Group(text, &members),
        Address::new(text, "\"a b\"@[192.0.2.1]"),
    ];
    let (named, list) = (addresses.get(2..).unwrap_or_default(), [text]);
    for field in [
        Field::sender(mailbox),
        Field::to(&addresses),
        Field::cc(named),
        Field::bcc(&[]),
        Field::reply_to(named),
        Field::subject(text),
        Field::message_id(text),
        Field::references(&list),
        Field::in_reply_to(&list),
        Field::list_id(text, text),
        Field::list_unsubscribe(&list),
        Field::list_unsubscribe_post(),
        Field::auto_submitted(text),
        Field::new(text, Value::Structured(text)),
        Field::new("Resent-Date", Value::Date(date)),
    ] {
        let fields = [black_box(field)];
        let draft = Draft::new(
            date,
            Mailbox::new("", "a@b.example"),
            &fields,
            Body::text(""),
        );
        write(&draft, transport, tally);
    }
}

/// `text` as the content and the description of every body.
fn bodies(text: &str, date: DateTime, transport: Transport, tally: &mut Tally) {
    let header = HeaderBlock::new(text.as_bytes());
    let lines = Raw(header.as_bytes());
    let parameters = [(text, text)];
    let parts = [Body::text(text), Body::octets(text, text.as_bytes())];
    let inner = Draft::new(
        date,
        Mailbox::new(text, "a@b.example"),
        &[],
        Body::digest(&parts),
    );
    for body in [
        Body::html(text).content_id(text).inline(),
        Body::text_of(text, text).description(text),
        Body::attachment("a/b", text, text.as_bytes()),
        Body::message(text.as_bytes()),
        Body::machine("a/b", &lines),
        Body::returned_header(text.as_bytes()),
        Body::related(&parts),
        Body::mixed(&[]),
        Body::draft(&inner),
        Body::report(text, &parts).parameters(&parameters),
    ] {
        let parts = [black_box(body)];
        let from = Mailbox::new("", "a@b.example");
        write(
            &Draft::new(date, from, &[], Body::alternative(&parts)),
            transport,
            tally,
        );
    }
}

#[derive(Debug)]
struct Raw<'a>(&'a [u8]);

impl scop_core::Emit for Raw<'_> {
    fn emit<S: scop_core::Sink + ?Sized>(&self, sink: &mut S) -> Result<(), scop_core::Full> {
        sink.put(self.0)
    }
}

fn write(draft: &Draft<'_>, transport: Transport, tally: &mut Tally) {
    let mut buffer = [0; 1024];
    let mut sink = SliceSink::new(&mut buffer);
    let options = Options::new(black_box([7; 16])).transport(transport);
    match draft.write(&options, &mut sink) {
        // Octets of the caller's may have defects.
        Ok(()) => tally.flag(Message::strict(sink.written()).is_ok()),
        Err(error) => {
            tally.flag(error.kind() == BuildErrorKind::Full);
            tally.flag(error.item() == Item::Whole);
            tally.add(error.part());
            tally.add(error.offset());
        }
    }
}

/// A message that is known, and its parts.
fn written(date: DateTime, tally: &mut Tally) {
    let to = [Address::new("Ren\u{e9}", "rene@example.org")];
    let fields = [Field::to(&to), Field::subject("Gr\u{fc}\u{df}e")];
    let parts = [
        Body::text("Hi\n"),
        Body::attachment("a/b", "c", black_box(b"\0\xff")),
    ];
    let from = Mailbox::new("Joe", "joe@example.net");
    let draft = Draft::new(date, from, &fields, black_box(Body::mixed(&parts)));
    let mut buffer = [0; 1024];
    let mut sink = SliceSink::new(&mut buffer);
    tally.check(draft.write(&Options::new([7; 16]), &mut sink).is_ok());
    let message = sink.written();
    tally.check(Message::strict(message).is_ok());
    let index = Message::index(message);
    let (Some(first), Some(second)) = (index.part(&[1]), index.part(&[2])) else {
        return tally.check(false);
    };
    tally.check(first.body() == Some(b"Hi\r\n") && first.content().kind == Kind::Leaf);

    let mut splices = [Splice::default(); 4];
    let mut edit = Edit::new(message, &mut splices);
    let place = Place::First(second.header());
    tally.check(edit.insert_field(place, black_box(b"X: y")).is_ok());
    tally.check(
        edit.add_part(PartPlace::Before(second), black_box(b"\nnew"))
            .is_ok(),
    );
    tally.check(
        edit.add_part(PartPlace::After(second), black_box(b"A: b"))
            .is_err(),
    );
    tally.check(edit.drop_part(first).is_ok());
    let again = edit.drop_part(first).map_err(|error| error.kind());
    tally.check(again == Err(EditErrorKind::Overlap));
    let mut buffer = [0; 1024];
    let mut edited = SliceSink::new(&mut buffer);
    tally.check(scop_core::Emit::emit(&edit, &mut edited).is_ok());
    let changed = Message::index(edited.written());
    tally.check(changed.part(&[1]).and_then(|part| part.body()) == Some(b"new"));
    let fields = changed
        .part(&[2])
        .map(|part| part.header().fields().count());
    tally.check(fields == Some(second.header().fields().count() + 1));
    let mut splices = [Splice::default(); 4];
    let undone = edit.undo(edited.written(), &mut splices);
    tally.check(undone.is_ok_and(|undo| undo.is_of(message)));
}
