//! scop-mime-core: fields by their names, encoded words, parameters, transfer encodings, edits.

use core::hint::black_box;

use scop_core::{Counter, Emit, Sink, SliceSink};
use scop_mime_core::coding::decoder::Decoder;
use scop_mime_core::coding::{Encoder, Form, Stats, base64};
use scop_mime_core::edit::{Edit, Place, Splice};
use scop_mime_core::header::content::disposition::ContentDisposition;
use scop_mime_core::header::content::location::ContentLocation;
use scop_mime_core::header::encoded_word::{Utf8, emit_phrase, emit_unstructured};
use scop_mime_core::header::parameter::{Parameter, Parameters, emit_parameter};
use scop_mime_core::{
    Charset, CharsetDecoder, ContentType, DecodedText, EncodedWord, Encoding, FieldName, Limits,
    Message, Typed, Unstructured,
};

use crate::tally::Tally;

const MESSAGE: &[u8] = b"\
From: =?utf-8?q?Joe?= \"S. Pack\" <joe@football.example.com>\r\n\
Subject: =?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n \
 =?ISO-8859-2*cs?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?= =?utf-8?q?=C3?=\r\n\
Content-Type: text/plain; charset*0*=utf-8'en'%61; charset*1=b; charset=c; x=\"y\\z\"\r\n\
Content-Disposition: attachment; filename*=iso-8859-1''%e9; size=12;\r\n \
 creation-date=\"Fri, 11 Jul 2003 21:00:37 -0700\"\r\n\
Content-Transfer-Encoding: (odd) base64\r\n\
Content-Location: http://a.example/\r\n b\r\n\
Content-Language: en, de;q=0.5\r\n\
List-Id: \"A list\" <list.example.org>\r\n\
List-Post: NO (closed)\r\n\
List-Unsubscribe: <mailto:a@b.example>, (or) <http://b.example/>\r\n\
List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
Auto-Submitted: auto-replied; owner-email=\"a@b.example\"\r\n\
Keywords: a, \"b c\", =?utf-8?q?d?=\r\n\
DKIM-Signature: v=1; a=rsa-sha256; d=example.org\r\n\
ARC-Authentication-Results: i=1; mx.example.org; spf=pass\r\n\
\r\n\
SGkh\r\n";

/// Reads `input` as every field and in every encoding, and writes it in every way.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let message = black_box(MESSAGE);
    for name in FieldName::ALL {
        tally.flag(name.occurs().is_singleton());
        tally.bytes(name.as_str().as_bytes());
        typed(name.read(input), &mut tally);
    }
    for field in Message::split(message).header.fields() {
        tally.check(field.typed().error().is_none());
        typed(field.typed(), &mut tally);
        values(field.value(), &mut tally);
    }
    values(input, &mut tally);
    charsets(input, &mut tally);
    codings(input, &mut tally);
    texts(input, &mut tally);
    edits(message, input, &mut tally);
    tally.finish()
}

fn typed(value: Typed<'_>, tally: &mut Tally) {
    match value {
        Typed::Malformed { error, raw, .. } => {
            tally.bytes(raw);
            tally.add(error.offset());
        }
        Typed::Unstructured(text) => decoded(text.text(), tally),
        Typed::From(list) => {
            for mailbox in list.mailboxes() {
                if let Some(name) = mailbox.display_name() {
                    decoded(name.decoded(), tally);
                }
                for comment in mailbox.comments() {
                    decoded(comment.decoded(), tally);
                }
            }
        }
        Typed::Keywords(keywords) => {
            tally.bytes(keywords.raw());
            for phrase in keywords.iter() {
                decoded(phrase.decoded(), tally);
            }
        }
        Typed::ContentLanguage(languages) => {
            for language in languages.iter() {
                tally.bytes(language.tag());
                tally.add(language.quality().into());
            }
        }
        Typed::ListId(id) => {
            tally.bytes(id.id());
            tally.bytes(id.label());
            tally.add(id.offset() + id.comments().count());
            tally.emit(&id);
            if let Some(phrase) = id.phrase() {
                decoded(phrase.decoded(), tally);
            }
        }
        Typed::ListUnsubscribe(urls) => {
            tally.bytes(urls.raw());
            tally.flag(urls.with_scheme(b"mailto").is_some());
            for url in urls.iter() {
                tally.add(url.offset());
                tally.bytes(url.scheme().unwrap_or_default());
                tally.flag(url.is(b"mailto:a"));
            }
        }
        Typed::AutoSubmitted(auto) => {
            tally.bytes(auto.keyword());
            tally.flag(auto.is_automatic() || auto.is(b"no"));
            parameters(auto.parameters(), tally);
        }
        Typed::DkimSignature(tags) => {
            tally.bytes(tags.as_bytes());
            tally.flag(tags.tag(b"d").is_some());
            for tag in tags.iter() {
                tally.bytes(tag.name());
                tally.bytes(tag.value());
                tally.add(tag.value_offset());
            }
        }
        _ => {}
    }
}

fn decoded(text: DecodedText<'_>, tally: &mut Tally) {
    tally.emit(&text);
    tally.flag(text.is("a"));
    let defects = text.encoded_word_defects();
    for defect in [defects.bad, defects.misplaced, defects.loose] {
        tally.add(defect.map_or(0, |error| error.offset()));
    }
}

fn values(value: &[u8], tally: &mut Tally) {
    decoded(Unstructured::new(value).text(), tally);
    tally.flag(ContentType::parse(value).is_ok());
    tally.add(ContentType::defects(value, &Limits::DEFAULT).count());
    tally.add(ContentDisposition::defects(value, &Limits::DEFAULT).count());
    if let (Some(content), _) = ContentType::recover(value) {
        tally.bytes(content.raw());
        tally.bytes(content.type_name());
        tally.bytes(content.subtype());
        tally.flag(content.is(b"text", b"plain") || content.is_type(b"message"));
        tally.add(content.comment_seen().unwrap_or(0));
        tally.flag(content.boundary().is_some());
        if let Some(charset) = content.charset() {
            parameter(charset, tally);
        }
        parameters(content.parameters(), tally);
    }
    if let (Some(disposition), _) = ContentDisposition::recover(value) {
        tally.bytes(disposition.disposition_type());
        tally.flag(disposition.is_attachment() || disposition.is(b"inline"));
        tally.flag(disposition.size().is_some());
        tally.flag(disposition.creation_date().is_some());
        if let Some(filename) = disposition.filename() {
            parameter(filename, tally);
        }
    }
    if let Ok(location) = ContentLocation::parse(value) {
        tally.bytes(location.raw());
        tally.flag(location.uri().is(b"http"));
        tally.add(location.uri().octets().count());
    }
    let (encoding, odd) = Encoding::recover(value);
    tally.bytes(encoding.name().unwrap_or_default().as_bytes());
    tally.flag(odd.is_some() || encoding.is_identity() || Encoding::parse(value).is_ok());
    if let Ok(word) = EncodedWord::parse(value) {
        tally.bytes(word.raw());
        tally.bytes(word.charset_label());
        tally.bytes(word.language().unwrap_or_default());
        tally.bytes(word.payload());
        tally.add(word.octets().count());
        tally.flag(word.loose().is_some());
    }
}

fn parameters(parameters: Parameters<'_>, tally: &mut Tally) {
    tally.bytes(parameters.raw());
    for section in parameters.sections() {
        tally.bytes(section.raw());
        tally.bytes(section.name());
        tally.add(section.offset());
        tally.flag(section.is_extended() || section.error().is_some());
        tally.add(section.number().unwrap_or(0) as usize);
        if let Some(value) = section.value() {
            tally.bytes(value.raw());
            tally.emit(&value.text());
        }
        if let Some(found) = parameters.get(section.name()) {
            parameter(found, tally);
        }
    }
}

fn parameter(parameter: Parameter<'_>, tally: &mut Tally) {
    tally.bytes(parameter.name());
    tally.bytes(parameter.charset().unwrap_or_default());
    tally.bytes(parameter.language().unwrap_or_default());
    tally.emit(&parameter.value());
    tally.flag(parameter.is(b"a") || parameter.is_ignore_case(b"b"));
    tally.flag(parameter.octets(&mut Counter::default()).is_ok());
    if let Some(text) = parameter.value_with_encoded_words() {
        decoded(text, tally);
    }
}

fn charsets(input: &[u8], tally: &mut Tally) {
    for label in [b"utf-8", &b"us-ascii"[..], b"latin1", input] {
        let Some(charset) = Charset::of_label(black_box(label)) else {
            continue;
        };
        tally.bytes(charset.name().as_bytes());
        let mut buffer = [0; 80];
        let mut out = SliceSink::new(&mut buffer);
        let mut decoder = CharsetDecoder::new(charset);
        for piece in input.chunks(3) {
            tally.flag(decoder.put(piece, &mut out).is_ok());
        }
        tally.flag(decoder.finish(&mut out).is_ok());
        tally.flag(decoder.had_errors());
        tally.bytes(out.written());
    }
}

fn codings(input: &[u8], tally: &mut Tally) {
    let encodings = [
        Encoding::SevenBit,
        Encoding::EightBit,
        Encoding::Binary,
        Encoding::Base64,
        Encoding::QuotedPrintable,
        Encoding::Uuencode,
        Encoding::Unknown,
    ];
    for encoding in encodings {
        let mut buffer = [0; 80];
        let mut out = SliceSink::new(&mut buffer);
        let mut decoder = Decoder::new(black_box(encoding));
        for piece in input.chunks(7) {
            tally.flag(decoder.put(piece, &mut out).is_ok());
        }
        tally.flag(decoder.finish(&mut out).is_ok());
        tally.flag(decoder.defects().is_ambiguous());
        for defect in decoder.first_defects() {
            tally.add(usize::try_from(defect.offset).unwrap_or(0));
            tally.flag(decoder.first(defect.kind).is_some());
        }
        tally.bytes(out.written());
    }
    let mut buffer = [0; 256];
    let mut out = SliceSink::new(&mut buffer);
    let mut encoder = base64::Encoder::new();
    tally.flag(
        encoder
            .put(input, &mut out)
            .and_then(|()| encoder.finish(&mut out))
            .is_ok(),
    );
    let mut decoded = [0; 80];
    let mut back = SliceSink::new(&mut decoded);
    let mut decoder = Decoder::new(Encoding::Base64);
    tally.flag(decoder.put(out.written(), &mut back).is_ok());
    tally.flag(decoder.finish(&mut back).is_ok());
    tally.check(back.written() == input && decoder.defects().is_empty());
    for form in [Form::Text, Form::Binary] {
        let mut stats = Stats::new();
        stats.put(input);
        tally.flag(stats.encoding(black_box(form), false).is_identity());
        tally.add(usize::try_from(stats.longest_line()).unwrap_or(0));
        for encoding in encodings {
            let Some(mut encoder) = Encoder::new(encoding, black_box(form)) else {
                continue;
            };
            let mut out = SliceSink::new(&mut buffer);
            tally.flag(
                encoder
                    .put(input, &mut out)
                    .and_then(|()| encoder.finish(&mut out))
                    .is_ok(),
            );
            tally.bytes(out.written());
        }
    }
}

fn texts(input: &[u8], tally: &mut Tally) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    for utf8 in [Utf8::Encode, Utf8::Raw] {
        let mut buffer = [0; 256];
        let mut out = SliceSink::new(&mut buffer);
        tally.flag(emit_unstructured(text, black_box(utf8), &mut out).is_ok());
        tally.flag(emit_phrase(text, black_box(utf8), &mut out).is_ok());
        tally.flag(emit_parameter("filename", text, black_box(utf8), &mut out).is_ok());
        tally.flag(out.put(b"\r\n").is_ok());
        tally.bytes(out.written());
    }
}

fn edits(message: &[u8], input: &[u8], tally: &mut Tally) {
    let header = Message::split(message).header;
    let mut splices = [Splice::default(); 8];
    let mut edit = Edit::new(message, &mut splices);
    tally.check(edit.is_empty() && edit.is_of(message));
    tally.flag(edit.insert_field(Place::First(header), input).is_ok());
    let fields = || header.fields();
    if let (Some(first), Some(last)) = (fields().next(), fields().next_back()) {
        tally.check(edit.move_field(first, Place::After(last)).is_ok());
        tally.check(edit.remove_field(first).is_err());
        tally.check(edit.replace_field(last, b"X: y").is_ok());
    }
    tally.add(edit.len());
    let mut buffer = [0; 2048];
    let mut out = SliceSink::new(&mut buffer);
    tally.check(edit.emit(&mut out).is_ok());
    let output = out.into_written();
    let mut splices = [Splice::default(); 8];
    tally.check(
        edit.undo(output, &mut splices)
            .is_ok_and(|undo| undo.is_of(message)),
    );
}
