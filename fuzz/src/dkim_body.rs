//! Body canonicalisation in any chunking against RFC 6376 3.4 word by word, and what `l=` makes of a
//! signature.

use scop_core::{Answer, Rdata, Txt, UnixTime, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::canonical;
use scop_dkim::canonical::body::BodyCanonicalizer;
use scop_dkim::verify::{Limits, Reason, Verifier};
use scop_mime_core::HeaderBlock;

use crate::choice::Choice;
use crate::rfc6376::{Form, Order, key_record, sign};

/// Bodies up to this length are cut in two at every byte.
const SHORT: usize = 48;

/// Any bytes are a body.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    for form in [Form::Simple, Form::Relaxed] {
        let expected = form.body(data);
        if data.len() <= SHORT {
            for cut in 0..=data.len() {
                let (head, tail) = data.split_at(cut);
                assert_eq!(canonical(form, [head, tail]), expected, "{form:?} at {cut}");
            }
        }
        assert_eq!(canonical(form, data.chunks(1)), expected, "{form:?}");
        let chunks = choice.chunks(data);
        assert_eq!(canonical(form, chunks), expected, "{form:?}");
        assert_eq!(canonical(form, [&expected[..]]), expected, "{form:?} twice");
        // Signatures cost a hundred times as much as the rest.
        if choice.one_in(4) {
            check_length(form, data, expected.len(), &mut choice);
        }
    }
}

fn canonical<'a>(form: Form, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut canonicalizer = BodyCanonicalizer::new(match form {
        Form::Simple => canonical::Form::Simple,
        Form::Relaxed => canonical::Form::Relaxed,
    });
    for chunk in chunks {
        canonicalizer
            .update(chunk, &mut out)
            .expect("a vector is never full");
    }
    canonicalizer
        .finish(&mut out)
        .expect("a vector is never full");
    out
}

/// A signature over part of the body is told from one over all of it, and from one over more.
fn check_length(body: Form, data: &[u8], total: usize, choice: &mut Choice) {
    let length = match choice.below(5) {
        0 => None,
        1 => Some(0),
        2 => Some(total),
        3 => Some(total + 1 + choice.below(9)),
        _ => Some(choice.below(total + 1)),
    };
    let order = Order {
        header: Form::Relaxed,
        body,
        names: &["From"],
        length,
    };
    let mut header = sign(b"From: joe@example.org\r\n", data, &order);
    header.extend(b"From: joe@example.org\r\n");
    let header = HeaderBlock::new(&header);
    let mut verifier = Verifier::<1>::new(header, RUST_CRYPTO, UnixTime(0), &Limits::DEFAULT);
    for chunk in choice.chunks(data) {
        verifier.body(chunk).expect("the body goes on");
    }
    verifier.finish_body().expect("the body ends once");
    let text = key_record();
    let key = [Rdata::Txt(Txt::joined(text.as_bytes()))];
    let verdict = lookup::drive(&mut verifier, |_| Answer::records(&key)).expect("it is done");
    let expected = match length {
        Some(length) if length < total => Reason::BodyLengthLimit,
        Some(length) if length > total => Reason::BodyTooShort,
        _ => Reason::Verified,
    };
    assert_eq!(verdict[0].reason(), expected, "l={length:?} of {total}");
}
