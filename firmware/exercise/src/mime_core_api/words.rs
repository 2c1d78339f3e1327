//! Encoded words and character sets.

use scop_core::SliceSink;
use scop_mime_core::header::encoded_word::{
    Octets, TextError, Utf8, emit_phrase, emit_unstructured,
};
use scop_mime_core::header::lexical::Comment;
use scop_mime_core::{Charset, CharsetDecoder, DecodedText, EncodedWord, Mailbox, Unstructured};

use crate::tally::Tally;

pub(super) fn run(input: &[u8], tally: &mut Tally) {
    read(input, tally);
    known(tally);
    for label in [&b"utf-8"[..], b"latin1", b"us-ascii", input] {
        if let Some(charset) = Charset::of_label(label) {
            decode(charset, input, tally);
        }
    }
    let text = core::str::from_utf8(input).unwrap_or("caf\u{e9} \u{1f642} \"a\" ");
    for utf8 in [Utf8::Encode, Utf8::Raw] {
        let mut buffer = [0; 1024];
        let mut out = SliceSink::new(&mut buffer);
        if emit_unstructured(text, utf8, &mut out).is_ok() {
            tally.check(Unstructured::new(out.written()).text().is(text));
        }
        let mut out = SliceSink::new(&mut buffer);
        let written = emit_phrase(text, utf8, &mut out);
        tally.flag(matches!(written, Err(TextError::Control { .. })));
        tally.bytes(out.written());
    }
}

fn read(value: &[u8], tally: &mut Tally) {
    let unstructured = Unstructured::new(value);
    tally.bytes(unstructured.raw());
    read_text(unstructured.text(), tally);
    if let Ok(word) = EncodedWord::parse(value) {
        tally.bytes(word.raw());
        tally.bytes(word.charset_label());
        tally.bytes(word.language().unwrap_or_default());
        tally.bytes(word.payload());
        tally.flag(word.charset().is_some() || word.loose().is_some());
        tally.add(Octets::count(word.octets()));
    }
}

fn known(tally: &mut Tally) {
    let value = b" =?utf-8*en?q?a=C3?=\r\n =?utf-8?b?qQ==?= (=?latin1?q?=E9?=) b";
    let text = Unstructured::new(value).text();
    tally.check(text.is("a\u{e9} (=?latin1?q?=E9?=) b"));
    tally.check(text.encoded_word_defects().misplaced.is_some());
    let value = b"=?latin1?q?=E9?= \"x\" <a@example.org> (=?latin1?q?=E9?= (b))";
    let Ok(mailbox) = Mailbox::parse(value) else {
        return tally.check(false);
    };
    let name = mailbox.display_name().map(|name| name.decoded());
    tally.check(name.is_some_and(|name| name.is("\u{e9} x")));
    let comment = mailbox
        .comments()
        .next()
        .map(|it: Comment<'_>| it.decoded());
    tally.check(comment.is_some_and(|text| text.is("\u{e9} (b)")));
}

fn read_text(text: DecodedText<'_>, tally: &mut Tally) {
    tally.emit(&text);
    let defects = text.encoded_word_defects();
    for defect in [defects.bad, defects.misplaced, defects.loose]
        .into_iter()
        .flatten()
    {
        tally.add(defect.offset());
    }
}

fn decode(charset: Charset, input: &[u8], tally: &mut Tally) {
    let mut buffer = [0; 1024];
    let mut out = SliceSink::new(&mut buffer);
    let mut decoder = CharsetDecoder::new(charset);
    let done = decoder
        .put(input, &mut out)
        .and_then(|()| decoder.finish(&mut out));
    tally.flag(done.is_ok() && decoder.had_errors() && decoder.charset() == charset);
    tally.bytes(charset.name().as_bytes());
    tally.bytes(out.written());
}
