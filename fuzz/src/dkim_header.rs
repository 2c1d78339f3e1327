//! Header canonicalisation field by field against RFC 6376 3.4 word by word, and the selection of
//! fields: what is signed by the naive rules verifies.

use scop_core::{Answer, Rdata, Txt, UnixTime, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::canonical;
use scop_dkim::canonical::header::canonicalize;
use scop_dkim::verify::{Limits, Reason, Verifier};
use scop_mime_core::{HeaderBlock, Message};

use crate::choice::Choice;
use crate::header_scan::Naive;
use crate::rfc6376::{Form, Order, key_record, sign};

/// Names in `h=` at most, and octets in them.
const MOST_NAMES: usize = 100;
const MOST_OCTETS: usize = 8192;

/// A header, with or without a body behind it.
pub fn run(data: &[u8]) {
    let header = Message::split(data).header;
    for field in header.fields().filter(|field| !field.is_malformed()) {
        for (form, naive) in [
            (canonical::Form::Simple, Form::Simple),
            (canonical::Form::Relaxed, Form::Relaxed),
        ] {
            let mut out = Vec::new();
            canonicalize(form, &field, &mut out).expect("a vector is never full");
            assert_eq!(out, naive.field(field.raw()), "{field:?}");
        }
    }
    check_selection(header, &mut Choice::of(data));
}

/// Signs some of the fields, some of them more often than they are there, and verifies.
fn check_selection(header: HeaderBlock<'_>, choice: &mut Choice) {
    let mut bytes = header.as_bytes().to_vec();
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.extend(b"\r\n");
    }
    let names = choose_names(header, choice);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let form = choice.pick(&[Form::Simple, Form::Relaxed]);
    let order = Order {
        header: form,
        body: Form::Simple,
        names: &names,
        length: None,
    };
    let signature = sign(&bytes, b"", &order);

    // The signature may stand anywhere, but not before a line that would continue it.
    let mut fields = Naive::read(&bytes).fields;
    let continues = fields
        .first()
        .is_some_and(|first| b" \t".contains(&first[0]));
    let at = choice.below(fields.len() + 1).max(usize::from(continues));
    fields.insert(at, &signature);
    let whole = fields.concat();

    let header = HeaderBlock::new(&whole);
    // Other signatures of the message may stand above it.
    let mut verifier = Verifier::<64>::new(header, RUST_CRYPTO, UnixTime(0), &limits());
    verifier.finish_body().expect("the body ends once");
    let text = key_record();
    let key = [Rdata::Txt(Txt::joined(text.as_bytes()))];
    let verdict = lookup::drive(&mut verifier, |_| Answer::records(&key)).expect("it is done");
    let offset = fields[..at].iter().map(|raw| raw.len()).sum::<usize>();
    match verdict
        .iter()
        .find(|result| result.field_offset() == offset)
    {
        Some(result) => assert_eq!(result.reason(), Reason::Verified, "{order:?}"),
        None => assert_eq!(verdict.len(), 64, "only a full verifier skips a signature"),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.max_signatures = 64;
    limits
}

/// Names of fields that are there, and of some that are not, From among them.
fn choose_names(header: HeaderBlock<'_>, choice: &mut Choice) -> Vec<String> {
    let mut names = vec!["From".to_owned()];
    for field in header.fields() {
        // A semicolon cannot stand in a tag list.
        if field.is_malformed() || field.name().contains(&b';') || choice.one_in(3) {
            continue;
        }
        let mut name = field.name().to_owned();
        if choice.one_in(2) {
            name.make_ascii_uppercase();
        }
        let name = String::from_utf8(name).expect("a name is ASCII");
        for _ in 0..=choice.below(3) {
            names.push(name.clone());
        }
    }
    names.push("X-Not-There".to_owned());
    while names.len() > MOST_NAMES || names.iter().map(String::len).sum::<usize>() > MOST_OCTETS {
        names.remove(1);
    }
    // Any order.
    for at in (1..names.len()).rev() {
        names.swap(at, choice.below(at + 1));
    }
    names
}
