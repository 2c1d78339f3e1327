//! DNS messages: read as a second reader reads them; written again, compressed, they mean the same;
//! and where there is no room, what was written is the beginning, and says so.

use scop_core::{Emit, Name, Rtype};
use scop_dnssec::wire::{BuildError, Builder, Case, Flags, Message, MessageErrorKind, Section};

use crate::choice::Choice;
use crate::rfc1035;

/// A message.
pub fn run(data: &[u8]) {
    let naive = rfc1035::Message::read(data);
    let message = match Message::parse_prefix(data) {
        Ok((message, rest)) => {
            let naive = naive.expect("the naive reader refuses it");
            assert_eq!(message.as_bytes().len() + rest.len(), data.len());
            assert_eq!(meaning(&message), naive);
            message
        }
        Err(error) => {
            assert!(error.offset() <= data.len());
            assert_eq!(naive, None, "{error}");
            return assert_eq!(Message::parse(data).unwrap_err(), error);
        }
    };
    match Message::parse(data) {
        Ok(whole) => assert_eq!(whole.as_bytes(), data),
        Err(error) => {
            assert_eq!(error.kind(), MessageErrorKind::TrailingData);
            assert_eq!(error.offset(), message.as_bytes().len());
        }
    }
    check_writing(&message, &mut Choice::of(data));
}

/// A message in the terms of the naive reader.
fn meaning(message: &Message<'_>) -> rfc1035::Message {
    let section = |section: Section<'_>| {
        let records = section.map(|record| rfc1035::Record {
            owner: labels(&record.owner),
            numbers: (record.rdata.rtype().0, record.class),
            ttl: record.ttl,
            data: record.rdata.to_vec(),
        });
        records.collect()
    };
    let questions = message.questions().map(|question| rfc1035::Question {
        name: labels(&question.name),
        numbers: (question.rtype.0, question.class),
    });
    rfc1035::Message {
        head: (message.id(), message.flags().0),
        questions: questions.collect(),
        sections: [
            section(message.answers()),
            section(message.authorities()),
            section(message.additionals()),
        ],
        len: message.as_bytes().len(),
    }
}

fn labels(name: &Name<'_>) -> rfc1035::Labels {
    name.labels().map(<[u8]>::to_vec).collect()
}

fn check_writing(message: &Message<'_>, choice: &mut Choice) {
    let expected = without_opt(meaning(message));
    let mut buffer = vec![0xee; usize::from(u16::MAX)];
    let written = match rebuild(message, &mut buffer, Case::Exact) {
        Ok(written) => written.to_vec(),
        // Without compression it may be longer than a message can be.
        Err(BuildError::Full) => return,
        Err(error) => panic!("{error}"),
    };
    let again = Message::parse(&written).expect("what was written can be read");
    assert_eq!(meaning(&again).len, written.len());
    assert_eq!(without_opt(meaning(&again)), expected);
    assert_eq!(
        (again.opt(), again.rcode()),
        (message.opt(), message.rcode())
    );

    let folded = rebuild(message, &mut buffer, Case::Fold).expect("it is no longer");
    assert!(folded.len() <= written.len());
    let folded = Message::parse(folded).expect("what was written can be read");
    assert_eq!(
        lower(without_opt(meaning(&folded))),
        lower(expected.clone())
    );

    check_truncation(message, &expected, choice.below(written.len()), &mut buffer);
}

/// In a shorter buffer each section holds the first of its records, and TC says when answers or
/// authorities are missing.
fn check_truncation(
    message: &Message<'_>,
    expected: &rfc1035::Message,
    room: usize,
    buffer: &mut [u8],
) {
    let Ok(mut builder) = Builder::<24>::with_names(
        &mut buffer[..room],
        message.id(),
        message.flags().without(Flags::TC),
    ) else {
        return assert!(room < 12);
    };
    let mut opt = message.opt();
    if opt.is_some_and(|opt| builder.opt(opt).is_err()) {
        opt = None;
    }
    let mut counts = [0; 4];
    for (index, question) in message.questions().enumerate() {
        if builder.question(&question).is_err() {
            break;
        }
        counts[0] = index + 1;
    }
    for (number, section) in [
        message.answers(),
        message.authorities(),
        message.additionals(),
    ]
    .into_iter()
    .enumerate()
    {
        for record in section.filter(|record| record.rdata.rtype() != Rtype::OPT) {
            let written = match number {
                0 => builder.answer(&record),
                1 => builder.authority(&record),
                _ => builder.additional(&record),
            };
            match written {
                Ok(()) => counts[number + 1] += 1,
                Err(BuildError::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    let written = builder.finish().expect("OPT has its room");
    assert!(written.len() <= room);
    let short = Message::parse(written).expect("what was written can be read");
    assert_eq!(short.opt().is_some(), opt.is_some());
    let is_short = (1..3).any(|part| counts[part] < expected.sections[part - 1].len());
    assert_eq!(short.flags().contains(Flags::TC), is_short);
    let short = without_opt(meaning(&short));
    assert_eq!(short.questions[..], expected.questions[..counts[0]]);
    for (part, section) in short.sections.iter().enumerate() {
        assert_eq!(section[..], expected.sections[part][..counts[part + 1]]);
    }
}

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

/// OPT is written last, wherever it was; and the length is that of one encoding.
fn without_opt(mut message: rfc1035::Message) -> rfc1035::Message {
    message.sections[2].retain(|record| record.numbers.0 != Rtype::OPT.0);
    message.len = 0;
    message
}

/// With all octets of names, and more, in lower case.
fn lower(mut message: rfc1035::Message) -> rfc1035::Message {
    let lower = |labels: &mut rfc1035::Labels| {
        for label in labels {
            label.make_ascii_lowercase();
        }
    };
    message
        .questions
        .iter_mut()
        .for_each(|question| lower(&mut question.name));
    for record in message.sections.iter_mut().flatten() {
        lower(&mut record.owner);
        record.data.make_ascii_lowercase();
    }
    message
}
