//! How fast a header is cut into fields and folded, and its encoded words read and written; how fast bodies are
//! decoded and encoded, and messages written. Run with
//! `cargo test --release -p scop-mime-core --test throughput -- --ignored --nocapture`, for base64 also
//! with `--features simd`.
#![expect(clippy::cast_precision_loss, clippy::unwrap_used, reason = "tests")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::hint::black_box;
use scop_core::{Emit, Sink, SliceSink};
use scop_mime_core::build::{Address, Body, Draft, Field, Mailbox, Options};
use scop_mime_core::coding::{Decoder, Encoder, Form, Stats};
use scop_mime_core::header::encoded_word::{Utf8, emit_unstructured};
use scop_mime_core::{DateTime, Encoding, FoldSink, Message, Unstructured};
use std::time::Instant;

type Measure = fn(&[u8]) -> usize;

#[test]
#[ignore = "a measurement, not a check"]
fn index_a_header() {
    let mut mail = Vec::new();
    for number in 0..30 {
        let start = format!("X-Header-{number:02}: ");
        mail.extend_from_slice(start.as_bytes());
        mail.resize(mail.len() + 70 - 2 - start.len(), b'v');
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"\r\nbody\r\n");

    let measures: [(&str, Measure); 3] = [
        ("spans", |mail| {
            let fields = Message::split(mail).header.fields();
            fields.map(|field| field.raw().len()).sum()
        }),
        ("names and values", |mail| {
            let fields = Message::split(mail).header.fields();
            fields.map(|f| f.name().len() + f.value().len()).sum()
        }),
        ("names and values, backward", |mail| {
            let fields = Message::split(mail).header.fields().rev();
            fields.map(|f| f.name().len() + f.value().len()).sum()
        }),
    ];
    for (what, measure) in measures {
        let mut best = f64::INFINITY;
        for _ in 0..50 {
            let start = Instant::now();
            for _ in 0..2000 {
                black_box(measure(black_box(&mail)));
            }
            best = best.min(start.elapsed().as_secs_f64() / 2000.0);
        }
        println!(
            "{what}: {:.0} ns, {:.2} GB/s",
            best * 1e9,
            mail.len() as f64 / best / 1e9
        );
    }
}

#[test]
#[ignore = "a measurement, not a check"]
fn fold_a_header() {
    let text = "Subject: a text of words, some short, others considerably longer, as they come ";
    let text = text.repeat(4).into_bytes();
    let text = text.get(..300).unwrap_or_default();
    let mut buffer = [0; 512];
    for piece in [300, 20, 11, 3, 1] {
        let mut best = f64::INFINITY;
        for _ in 0..50 {
            let start = Instant::now();
            for _ in 0..2000 {
                let mut out = SliceSink::new(&mut buffer);
                let mut sink = FoldSink::new(&mut out);
                for bytes in black_box(text).chunks(piece) {
                    let _ = sink.put(bytes);
                }
                let _ = black_box(sink.finish());
            }
            best = best.min(start.elapsed().as_secs_f64() / 2000.0);
        }
        println!("300 octets in pieces of {piece}: {:.0} ns", best * 1e9);
    }
}

/// The best of many runs over `len` bytes.
fn report(what: &str, len: usize, mut run: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    let rate = len as f64 / best / 1e9;
    println!("{what}: {:.0} us, {rate:.2} GB/s", best * 1e6);
}

fn encode(encoding: Encoding, octets: &[u8], buffer: &mut [u8]) -> usize {
    let form = match encoding {
        Encoding::QuotedPrintable => Form::Text,
        _ => Form::Binary,
    };
    let mut encoder = Encoder::new(encoding, form).unwrap();
    let mut sink = SliceSink::new(buffer);
    encoder.put(octets, &mut sink).unwrap();
    encoder.finish(&mut sink).unwrap();
    sink.written().len()
}

fn decode(encoding: Encoding, text: &[u8], buffer: &mut [u8]) -> usize {
    let mut decoder = Decoder::new(encoding);
    let mut sink = SliceSink::new(buffer);
    decoder.put(text, &mut sink).unwrap();
    decoder.finish(&mut sink).unwrap();
    assert!(decoder.defects().is_empty());
    sink.written().len()
}

#[test]
#[ignore = "a measurement, not a check"]
fn encodings() {
    let octets: Vec<u8> = (0..750_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    let latin = "Some words of plain text, and a letter für every few lines of it all.\r\n\
        A line that needs nothing, as most lines of most texts do not need it\r\n"
        .repeat(7000);
    let russian = "Съешь же ещё этих мягких французских булок, да выпей чаю.\r\n".repeat(10_000);
    let mut text = vec![0; 4_000_000];
    let mut back = vec![0; 4_000_000];
    for (what, encoding, octets) in [
        ("base64", Encoding::Base64, &octets[..]),
        (
            "quoted-printable, few",
            Encoding::QuotedPrintable,
            latin.as_bytes(),
        ),
        (
            "quoted-printable, many",
            Encoding::QuotedPrintable,
            russian.as_bytes(),
        ),
    ] {
        let len = encode(encoding, octets, &mut text);
        report(&format!("{what}: encode, octets in"), octets.len(), || {
            black_box(encode(encoding, black_box(octets), &mut text));
        });
        let text = &text[..len];
        report(&format!("{what}: decode, text in"), len, || {
            black_box(decode(encoding, black_box(text), &mut back));
        });
        report(&format!("{what}: statistics"), octets.len(), || {
            let mut stats = Stats::new();
            stats.put(black_box(octets));
            black_box(stats.encoding(Form::Binary, false));
        });
    }
    // The crate `base64` knows no lines.
    let len = STANDARD.encode_slice(&octets, &mut text).unwrap();
    report("crate base64: encode, octets in", octets.len(), || {
        black_box(
            STANDARD
                .encode_slice(black_box(&octets), &mut text)
                .unwrap(),
        );
    });
    report("crate base64: decode, text in", len, || {
        black_box(
            STANDARD
                .decode_slice(black_box(&text[..len]), &mut back)
                .unwrap(),
        );
    });
}

#[test]
#[ignore = "a measurement, not a check"]
fn read_and_write_a_subject() {
    let subjects = [
        " Re: [list] a subject of some words, as they come in mail every day",
        " =?UTF-8?Q?Re:_caf=C3=A9_noir_et_autres_choses_=C3=A0_boire?=",
        " =?UTF-8?B?UmU6IGNhZsOpIG5vaXIgZXQgYXV0cmVzIGNob3NlcyDDoCBib2lyZQ==?=",
    ];
    let mut buffer = [0; 512];
    for subject in subjects {
        let (mut read, mut write) = (f64::INFINITY, f64::INFINITY);
        let text = Unstructured::new(subject.as_bytes()).text().to_string();
        for _ in 0..50 {
            let start = Instant::now();
            for _ in 0..2000 {
                let mut out = SliceSink::new(&mut buffer);
                let value = Unstructured::new(black_box(subject.as_bytes()));
                let _ = black_box(value.text().emit(&mut out));
            }
            read = read.min(start.elapsed().as_secs_f64() / 2000.0);
            let start = Instant::now();
            for _ in 0..2000 {
                let mut out = SliceSink::new(&mut buffer);
                let _ = black_box(emit_unstructured(black_box(&text), Utf8::Encode, &mut out));
            }
            write = write.min(start.elapsed().as_secs_f64() / 2000.0);
        }
        println!(
            "read {:.0} ns, write {:.0} ns:{subject}",
            read * 1e9,
            write * 1e9
        );
    }
}

/// What a mail client writes: names and a subject beyond ASCII, and two versions of a text.
#[test]
#[ignore = "a measurement, not a check"]
fn build_a_message() {
    let date = DateTime::parse(b"Fri, 1 Nov 2024 10:00:00 +0000").unwrap();
    let text = "A line of plain text, as people write it, until about here it ends.\r\n".repeat(29);
    let html = "<p>A line of <b>plain</b> text, as people write it, ends here.</p>\r\n".repeat(29);
    let pdf: Vec<u8> = (0..75_000_u32).map(|n| n.to_le_bytes()[1] ^ 0x5a).collect();
    let to = [Address::new("Ren\u{e9} Public", "rene@example.org")];
    let fields = [
        Field::to(&to),
        Field::subject("Gr\u{fc}\u{df}e aus K\u{f6}ln am Rhein"),
        Field::message_id("1.2.3@example.net"),
    ];
    let from = Mailbox::new("J\u{f6} Public", "joe@example.net");
    let versions = [Body::text(&text), Body::html(&html)];
    let accents = (
        text.replace("people", "p\u{e9}ople"),
        html.replace("people", "p\u{e9}ople"),
    );
    let accented = [Body::text(&accents.0), Body::html(&accents.1)];
    let parts = [
        Body::alternative(&versions),
        Body::attachment("application/pdf", "a.pdf", &pdf),
    ];
    let mut out = Vec::with_capacity(200_000);
    for (what, body) in [
        ("header and a word", Body::text("word")),
        ("text and html", Body::alternative(&versions)),
        ("text and html beyond ASCII", Body::alternative(&accented)),
        ("and 75 KB", Body::mixed(&parts)),
    ] {
        let draft = Draft::new(date, from, &fields, body);
        let options = Options::new([7; 16]);
        let mut best = f64::INFINITY;
        for _ in 0..50 {
            let start = Instant::now();
            for _ in 0..500 {
                out.clear();
                let _ = black_box(black_box(&draft).write(&options, &mut out));
            }
            best = best.min(start.elapsed().as_secs_f64() / 500.0);
        }
        println!("{what}: {:.2} us for {} octets", best * 1e6, out.len());
    }
}
