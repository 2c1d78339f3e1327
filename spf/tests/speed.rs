//! How long an evaluation takes, without the DNS.
//!
//! `cargo test --release -p scop-spf --test speed -- --ignored --nocapture`

#![expect(clippy::unwrap_used, reason = "tests")]

use core::hint::black_box;
use std::time::Instant;

use scop_core::{Answer, NameBuf, Rdata, Txt, UnixTime, lookup};
use scop_spf::{Evaluator, Identity, Limits, Request, SpfResult};

/// Evaluates with these answers in order; the best of several series, in nanoseconds.
fn measure(answers: &[Answer<'_>], result: SpfResult) -> u128 {
    const ROUNDS: u32 = 20_000;
    let request = Request {
        ip: [192, 0, 2, 25].into(),
        helo: b"mx.example.org",
        mail_from: b"news@example.org",
        identity: Identity::MailFrom,
        receiver: b"mx.example.net",
        now: UnixTime(1_800_000_000),
    };
    let series = (0..20).map(|_| {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            let mut machine: Evaluator<'_> = Evaluator::new(black_box(request), &Limits::DEFAULT);
            let mut next = answers.iter();
            let verdict = lookup::drive(&mut machine, |query| {
                black_box(query);
                *next.next().unwrap()
            });
            assert_eq!(verdict.unwrap().result(), result);
        }
        start.elapsed().as_nanos() / u128::from(ROUNDS)
    });
    series.min().unwrap()
}

#[test]
#[ignore = "a measurement"]
fn evaluations() {
    let txt = |text: &'static [u8]| [Rdata::Txt(Txt::joined(text))];
    let direct = txt(b"v=spf1 ip4:192.0.2.0/24 -all");
    let pass = measure(&[Answer::records(&direct)], SpfResult::Pass);

    let exchange = NameBuf::from_text(b"mx.example.org").unwrap();
    let other = [Rdata::A([192, 0, 2, 1].into())];
    let mx = [Rdata::Mx {
        preference: 10,
        exchange: exchange.as_name(),
    }];
    let record = txt(b"v=spf1 a mx include:_spf.example.com include:_spf.example.net -all");
    let first = txt(b"v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ~all");
    for (last, result) in [
        (txt(b"v=spf1 ip4:192.0.2.0/24 -all"), SpfResult::Pass),
        (txt(b"v=spf1 ip4:192.0.3.0/24 -all"), SpfResult::Fail),
    ] {
        let answers = [&record, &other, &mx, &other, &first, &last].map(|it| Answer::records(it));
        let time = measure(&answers, result);
        println!("a + mx + 2 includes, {result}: {time} ns");
    }
    println!("direct ip4, pass: {pass} ns");
    println!("the machine: {} octets", size_of::<Evaluator<'_>>());
}
