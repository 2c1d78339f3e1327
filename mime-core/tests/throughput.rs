//! How fast a header is cut into fields, and folded. Run with
//! `cargo test --release -p scop-mime-core --test throughput -- --ignored --nocapture`.
#![expect(clippy::cast_precision_loss, reason = "tests")]

use core::hint::black_box;
use scop_core::{Sink, SliceSink};
use scop_mime_core::{FoldSink, Message};
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
