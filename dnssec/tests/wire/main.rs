//! The message codec.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::large_enum_variant,
    clippy::type_complexity,
    reason = "tests"
)]

mod hostile;
mod known;
mod round_trip;

use scop_core::{Emit, Full, NameBuf, Rtype, Sink};
use scop_dnssec::wire::{BuildError, Builder, Case, Message, RecordLine};

fn name(text: &str) -> NameBuf {
    NameBuf::from_text(text.as_bytes()).unwrap()
}

/// What is emitted, as a vector.
#[derive(Default)]
struct Octets(Vec<u8>);

impl Sink for Octets {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn octets(value: &impl Emit) -> Vec<u8> {
    let mut octets = Octets::default();
    value.emit(&mut octets).unwrap();
    octets.0
}

/// A message as text, one line for each question and record.
fn show(message: &Message<'_>) -> Vec<String> {
    let mut lines = vec![format!(
        "{:#06x} {} {}",
        message.id(),
        message.flags(),
        message.rcode()
    )];
    for question in message.questions() {
        lines.push(format!(
            "? {} {} {}",
            question.name, question.class, question.rtype
        ));
    }
    for (section, mark) in [
        (message.answers(), '='),
        (message.authorities(), '^'),
        (message.additionals(), '+'),
    ] {
        for record in section {
            lines.push(format!("{mark} {}", RecordLine(&record)));
        }
    }
    lines
}

/// Reads every part of a message and writes it again.
fn rebuild<'b>(
    message: &Message<'_>,
    buffer: &'b mut [u8],
    case: Case,
) -> Result<&'b [u8], BuildError> {
    let mut builder = Builder::new(buffer, message.id(), message.flags())?;
    builder.set_case(case);
    builder.set_rcode(message.rcode());
    if let Some(opt) = message.opt() {
        builder.opt(opt)?;
    }
    for question in message.questions() {
        builder.question(&question)?;
    }
    for record in message.answers() {
        builder.answer(&record)?;
    }
    for record in message.authorities() {
        builder.authority(&record)?;
    }
    for record in message
        .additionals()
        .filter(|record| record.rdata.rtype() != Rtype::OPT)
    {
        builder.additional(&record)?;
    }
    builder.finish()
}
