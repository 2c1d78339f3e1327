//! How fast a header is cut into fields, folded, and its encoded words decoded. Run with
//! `cargo test --release -p scop-mime-core --test throughput -- --ignored --nocapture`.
#![expect(clippy::cast_precision_loss, reason = "tests")]

use core::hint::black_box;
use scop_core::{Emit, Sink, SliceSink};
use scop_mime_core::header::encoded_word::{Utf8, emit_unstructured};
use scop_mime_core::{FoldSink, Message, Unstructured};
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
