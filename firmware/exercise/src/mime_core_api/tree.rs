//! The tree of a message, by index and by reader, and what is wrong with it.

use core::hint::black_box;

use scop_core::{Emit, SliceSink};
use scop_mime_core::body::push::MIN_BUFFER;
use scop_mime_core::{DefectKind, Event, Inspector, Kind, Limits, Message, Reader};

use crate::tally::Tally;

const MESSAGE: &[u8] = b"\
Content-Type: multipart/mixed; boundary*0=b; boundary*1=\"c\"\r\n\
\r\n\
pre\n--bc\r\nContent-Transfer-Encoding: base64\r\n\r\nSGk=\r\n\
--bc \t\r\nContent-Type: message/rfc822\r\n\r\n\
Content-Type: multipart/digest; boundary=b\n\n--b\n\nS: x\n\ny\n--b--\r\n\
--bc--\r\npost\r\n";

pub(super) fn run(input: &[u8], tally: &mut Tally) {
    let message = black_box(MESSAGE);
    for bytes in [message, input] {
        let indexed = index(bytes, tally);
        let pushed = push(bytes, tally);
        tally.check(pushed == Some(indexed));
    }
    let index = Message::index(message);
    tally.check(index.parts().count() == 6);
    defects(message, input, tally);
    let signed = index.part(&[2, 1]).and_then(|part| part.body());
    tally.check(signed == Some(b"--b\n\nS: x\n\ny\n--b--"));
}

/// How many events there are that are not text.
fn index(bytes: &[u8], tally: &mut Tally) -> usize {
    let index = Message::index(bytes);
    let mut parts = index.parts();
    while let Some(part) = parts.next() {
        tally.add(parts.path().len());
        let mut buffer = [0; 64];
        let mut sink = SliceSink::new(&mut buffer);
        tally.flag(
            part.decode(&mut sink)
                .is_ok_and(|defects| defects.is_empty()),
        );
        tally.bytes(sink.written());
        let mut text = SliceSink::new(&mut buffer);
        tally.flag(part.text(&mut text).is_ok_and(|found| found.is_clean()));
        tally.bytes(text.written());
        let mut name = [0; 64];
        let mut name = SliceSink::new(&mut name);
        if let Some(file_name) = part.file_name() {
            tally.flag(file_name.emit(&mut name).is_ok() && file_name.is("x"));
            tally.flag(file_name.had_errors() || file_name.has_encoded_words());
            tally.bytes(name.written());
        }
        tally.bytes(part.header().as_bytes());
        tally.bytes(part.separator());
        tally.bytes(part.content_type().subtype());
        tally.flag(part.content().kind == Kind::Leaf);
        tally.add(part.entity().depth);
        tally.bytes(
            index
                .whole(&part)
                .and_then(|part| part.raw())
                .unwrap_or_default(),
        );
    }
    index.events().filter(|event| note(event, tally)).count()
}

/// The same; `None` when bytes are lost.
fn push(bytes: &[u8], tally: &mut Tally) -> Option<usize> {
    let mut buffer = [0; MIN_BUFFER];
    tally.check(Reader::<2>::with_depth(&mut [], Limits::DEFAULT).is_err());
    let mut reader = Reader::new(&mut buffer, Limits::DEFAULT).ok()?;
    let mut count = 0;
    let mut len = 0;
    for mut chunk in bytes.chunks(7) {
        while let Some(event) = reader.read(&mut chunk) {
            len += event.raw().len();
            count += usize::from(note(&event, tally));
        }
    }
    while let Some(event) = reader.finish() {
        len += event.raw().len();
        count += usize::from(note(&event, tally));
    }
    (len == bytes.len()).then_some(count)
}

fn defects(message: &[u8], input: &[u8], tally: &mut Tally) {
    // It has no From, a part with LF alone, and text behind its end.
    let wrong = Message::index(message).inspect::<2>();
    tally.check(wrong.is_ambiguous() && wrong.omitted() > 0);
    tally.check(wrong.kinds().contains(DefectKind::Epilogue));
    let first = wrong.defects().first().copied();
    tally.check(first.is_some() && Message::strict(message).err() == first);
    tally.flag(Message::strict(input).is_ok());

    let mut limits = Limits::DEFAULT;
    limits.header = black_box(9);
    limits.fields = 1;
    let mut buffer = [0; MIN_BUFFER];
    let mut inspector = Inspector::<8>::new(&limits);
    if let Ok(mut reader) = Reader::<4>::with_depth(&mut buffer, limits) {
        for mut chunk in input.chunks(5) {
            while let Some(event) = reader.read(&mut chunk) {
                inspector.event(&event);
            }
        }
        while let Some(event) = reader.finish() {
            inspector.event(&event);
        }
    }
    inspector.finish();
    for defect in inspector.defects() {
        tally.flag(defect.kind.is_ambiguous());
        tally.add(usize::try_from(defect.offset).unwrap_or(0));
    }
}

fn note(event: &Event<'_>, tally: &mut Tally) -> bool {
    tally.bytes(event.raw());
    !matches!(
        event,
        Event::Body(_) | Event::Preamble(_) | Event::Epilogue(_)
    )
}
