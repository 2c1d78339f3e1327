//! Fields by their names: the value comes back byte for byte, a canonical form is read again and is its own
//! canonical form, and what is written into reports is read from them.

use scop_core::Emit;
use scop_mime_core::flowed::{Ending, Flowed, FlowedError, FlowedEvent, FlowedWriter};
use scop_mime_core::header::encoded_word::Utf8;
use scop_mime_core::header::resent::ResentBlocks;
use scop_mime_core::header::trace::{Client, Keyword, StampError};
use scop_mime_core::report::delivery::{Action, DeliveryStatus, StatusCode};
use scop_mime_core::report::disposition::DispositionNotification;
use scop_mime_core::report::feedback::FeedbackReport;
use scop_mime_core::report::write::{DeliveryStatusWriter, FeedbackReportWriter, ReportWriteError};
use scop_mime_core::report::{Blocks, TypedText};
use scop_mime_core::{AddrSpec, DateTime, FieldName, HeaderBlock, Message, Received, Stamp, Typed};

use crate::choice::Choice;

/// A header; or the body of a report.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    let header = Message::split(data).header;
    for field in header.fields() {
        let typed = field.typed();
        match field.known() {
            Some(name) if !field.is_malformed() => check_typed(name, field.value(), &typed),
            _ => assert!(matches!(
                typed,
                Typed::Unstructured(_) | Typed::NotAField { .. }
            )),
        }
    }
    // The same value under any name.
    if let Some(field) = header.fields().next() {
        let name = choice.pick(FieldName::ALL);
        check_typed(name, field.value(), &name.read(field.value()));
    }
    check_resent(header);
    check_blocks(data);
    check_reports(data);
    check_stamp(data);
    check_flowed(data, &mut choice);
}

/// Does the same with each variant that is named.
macro_rules! of_each {
    ($typed:expr, $value:ident => $get:expr, $($variant:ident)*) => {
        match $typed {
            $(Typed::$variant($value) => Some($get),)*
            _ => None,
        }
    };
}

/// The bytes that a view was made of.
fn raw<'a>(typed: &Typed<'a>) -> Option<&'a [u8]> {
    of_each!(typed, view => view.raw(),
        Subject Comments ContentDescription Keywords Received ContentType ContentDisposition ContentLanguage
        AcceptLanguage ContentLocation ContentBase ListHelp ListUnsubscribe ListSubscribe ListOwner
        ListArchive ListId AutoSubmitted DispositionNotificationOptions OriginalRecipient)
}

/// The canonical form, where there is one.
fn canonical(typed: &Typed<'_>) -> Option<Vec<u8>> {
    of_each!(typed, value => value.to_vec(),
        Date From Sender ReplyTo To Cc MessageId InReplyTo References Keywords ResentDate ResentFrom
        ResentSender ResentTo ResentCc ResentReplyTo ResentMessageId ReturnPath MimeVersion ContentType
        ContentDisposition ContentId ContentLanguage AcceptLanguage ListHelp ListUnsubscribe ListSubscribe
        ListPost ListOwner ListArchive ListId ListUnsubscribePost AutoSubmitted DispositionNotificationTo
        OriginalRecipient)
}

fn check_typed(name: FieldName, value: &[u8], typed: &Typed<'_>) {
    assert_eq!(
        FieldName::of(name.as_str().to_ascii_uppercase().as_bytes()),
        Some(name)
    );
    if let Typed::Malformed { field, error, raw } = typed {
        assert_eq!((*field, *raw), (name, value));
        assert!(error.offset() <= value.len());
        assert!(!error.to_string().is_empty());
        return;
    }
    assert!(typed.error().is_none());
    assert_eq!(raw(typed).unwrap_or(value), value);
    let Some(written) = canonical(typed) else {
        return;
    };
    let again = name.read(&written);
    assert!(
        again.error().is_none(),
        "{name:?}: {}",
        written.escape_ascii()
    );
    let twice = canonical(&again).expect("it is the same field");
    assert_eq!(
        twice.escape_ascii().to_string(),
        written.escape_ascii().to_string()
    );
}

fn check_resent(header: HeaderBlock<'_>) {
    let mut end = 0;
    for block in ResentBlocks::new(header) {
        let (trace, resent) = (block.trace(), block.resent());
        assert!(block.offset() >= end);
        let text = [trace.as_bytes(), resent.as_bytes()].concat();
        assert_eq!(&header.as_bytes()[block.offset()..][..text.len()], text);
        end = block.offset() + text.len();
        assert!(
            resent
                .fields()
                .all(|field| { field.name().to_ascii_lowercase().starts_with(b"resent-") })
        );
        assert!(resent.fields().next().is_some());
    }
}

fn check_blocks(data: &[u8]) {
    let mut end = 0;
    for block in Blocks::new(data) {
        let fields = block.fields().as_bytes();
        assert!(!fields.is_empty());
        assert!(
            data[end..block.offset()]
                .iter()
                .all(|byte| b"\r\n".contains(byte))
        );
        assert_eq!(&data[block.offset()..][..fields.len()], fields);
        end = block.offset() + fields.len();
    }
    assert!(data[end..].iter().all(|byte| b"\r\n".contains(byte)));
}

/// A text that a report can hold is read as it was written.
fn check_reports(data: &[u8]) {
    check_delivery(data);
    check_feedback(data);
    let report = DispositionNotification::new(data);
    assert_eq!(report.raw(), data);
    let _ = (
        report.disposition(),
        report.final_recipient(),
        report.original_message_id(),
    );
    assert!(report.fields().count() <= report.header().fields().count());
}

/// What is read of a text: without white space at its ends, folds removed.
fn read(text: &TypedText<'_>) -> Vec<u8> {
    text.text().collect()
}

fn check_delivery(data: &[u8]) {
    let report = DeliveryStatus::new(data);
    assert_eq!(report.raw(), data);
    for recipient in report.recipients() {
        let _ = (
            recipient.action(),
            recipient.status(),
            recipient.diagnostic_code(),
        );
    }
    let joe = AddrSpec::parse(b"joe@example.net").unwrap();
    let status = StatusCode::new(5, 1, 1).unwrap();
    for charset in [Utf8::Encode, Utf8::Raw] {
        let mut body = Vec::new();
        let result = (|| {
            let mut report =
                DeliveryStatusWriter::new(&mut body, charset, b"dns", b"mx.example.org")?;
            report.recipient(&joe, Action::Failed, status)?;
            report.diagnostic_code(b"smtp", data)?;
            report.finish()
        })();
        let is_text = str::from_utf8(data).is_ok_and(|text| {
            !text
                .chars()
                .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
                && (text.is_ascii() || charset == Utf8::Raw)
        });
        match result {
            Ok(()) => assert!(is_text),
            Err(ReportWriteError::LineTooLong) => {
                assert!(data.len() > 900);
                continue;
            }
            Err(_) => {
                assert!(!is_text);
                continue;
            }
        }
        let report = DeliveryStatus::new(&body);
        let recipient = report.recipients().next().expect("one was written");
        assert_eq!(recipient.action(), Some(Action::Failed));
        assert_eq!(recipient.status(), Some(status));
        let code = recipient.diagnostic_code().expect("it was written");
        assert_eq!(read(&code), trim(data));
        crate::coding_decoders::check_lines(&body, 998);
    }
}

fn trim(text: &[u8]) -> &[u8] {
    let white = |byte: &&u8| b" \t".contains(byte);
    let start = text.iter().take_while(white).count();
    let text = &text[start..];
    &text[..text.len() - text.iter().rev().take_while(white).count()]
}

fn check_feedback(data: &[u8]) {
    let report = FeedbackReport::new(data);
    assert_eq!(report.raw(), data);
    assert!(report.fields().count() <= report.header().fields().count());
    let mut body = Vec::new();
    let result = (|| {
        let mut report = FeedbackReportWriter::new(&mut body, b"abuse", b"Example/1")?;
        report.extension(b"X-Text", data).map(drop)
    })();
    if result.is_ok() {
        let report = FeedbackReport::new(&body);
        assert!(report.feedback_type().is_some_and(|kind| kind.is(b"abuse")));
        let text = report
            .header()
            .fields()
            .find(|field| field.is(b"X-Text"))
            .unwrap();
        assert_eq!(trim(&crate::date::unfold(text.value())), trim(data));
        crate::coding_decoders::check_lines(&body, 998);
    }
}

/// What a client says about itself is in the field, or the field is not written.
fn check_stamp(data: &[u8]) {
    let date = DateTime::parse(b"Fri, 1 Nov 2024 10:00:00 +0000").unwrap();
    let parts: Vec<&[u8]> = data.splitn(3, |&byte| byte == b'\n').collect();
    let mut stamp = Stamp::new(b"mx.example.net", date);
    stamp.from = Some(Client {
        name: Some(parts[0]),
        reverse: None,
        ip: [192, 0, 2, 1].into(),
    });
    stamp.id = parts.get(1).copied();
    stamp.recipient = parts.get(2).and_then(|text| AddrSpec::parse(text).ok());
    let mut field = Vec::new();
    match stamp.write(&mut field) {
        Ok(()) => {}
        Err(StampError::LineTooLong) => return assert!(data.len() > 900),
        Err(error) => return assert!(!error.to_string().is_empty()),
    }
    crate::coding_decoders::check_lines(&field, 998);
    let header = HeaderBlock::new(&field);
    assert_eq!(header.fields().count(), 1);
    let value = header.fields().next().unwrap().value();
    let received = Received::parse(value).expect("what was written can be read");
    assert_eq!(received.date(), Some(Ok(date)));
    let clause = |keyword| {
        received
            .clause(keyword)
            .map(|clause| clause.value().to_vec())
    };
    assert_eq!(clause(Keyword::From), Some(parts[0].to_vec()));
    assert_eq!(clause(Keyword::By), Some(b"mx.example.net".to_vec()));
    assert_eq!(clause(Keyword::Id).as_deref(), stamp.id);
    let recipient = clause(Keyword::For);
    let recipient = recipient.as_deref().map(|path| {
        AddrSpec::parse(path.strip_prefix(b"<").unwrap().strip_suffix(b">").unwrap()).unwrap()
    });
    assert_eq!(recipient, stamp.recipient);
}

/// A paragraph: depth, text, ending.
type Paragraph = (usize, Vec<u8>, Ending);

fn paragraphs(chunks: Vec<&[u8]>, del_sp: bool) -> Vec<Paragraph> {
    let mut flowed = Flowed::new(del_sp);
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    let mut take = |event: FlowedEvent<'_>| match event {
        FlowedEvent::Begin { depth } => {
            assert!(open.replace((depth, Vec::new())).is_none());
        }
        FlowedEvent::Text(bytes) => open.as_mut().expect("it began").1.extend(bytes),
        FlowedEvent::End(ending) => {
            let (depth, text) = open.take().expect("it began");
            paragraphs.push((depth, text, ending));
        }
    };
    for mut chunk in chunks {
        while let Some(event) = flowed.read(&mut chunk) {
            take(event);
        }
        assert!(chunk.is_empty());
    }
    while let Some(event) = flowed.finish() {
        take(event);
    }
    assert!(open.is_none());
    paragraphs
}

/// RFC 3676 4, over whole lines.
fn naive_paragraphs(data: &[u8], del_sp: bool) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    // Whether the last line flows.
    let mut flows = false;
    for line in data.split_inclusive(|&byte| byte == b'\n') {
        let ([line @ .., b'\r', b'\n'] | [line @ .., b'\n'] | line) = line;
        let depth = line.iter().take_while(|&&byte| byte == b'>').count();
        let text = line[depth..].strip_prefix(b" ").unwrap_or(&line[depth..]);
        let is_signature = text == b"-- ";
        let (text, flowed) = match text {
            _ if is_signature => (text, false),
            [before @ .., b' '] => (if del_sp { before } else { text }, true),
            _ => (text, false),
        };
        let ending = if is_signature {
            Ending::Signature
        } else {
            Ending::Fixed
        };
        match paragraphs.last_mut() {
            Some((open, before, end)) if flows && *open == depth && !is_signature => {
                before.extend(text);
                *end = ending;
            }
            _ => paragraphs.push((depth, text.to_vec(), ending)),
        }
        flows = flowed;
        if let (true, Some(last)) = (flows, paragraphs.last_mut()) {
            last.2 = Ending::Unfinished;
        }
    }
    paragraphs
}

fn check_flowed(data: &[u8], choice: &mut Choice) {
    for del_sp in [false, true] {
        let whole = paragraphs(vec![data], del_sp);
        assert_eq!(whole, naive_paragraphs(data, del_sp));
        assert_eq!(paragraphs(choice.chunks(data), del_sp), whole);
        assert_eq!(paragraphs(data.chunks(1).collect(), del_sp), whole);
    }
    let depth = choice.below(4);
    let mut written = Vec::new();
    let mut expected = Vec::new();
    let mut writer = FlowedWriter::new(&mut written);
    for text in data.split(|&byte| byte == b'\n').take(40) {
        match writer.paragraph(depth, text).map(drop) {
            Ok(()) => {
                let ending = if text == b"-- " {
                    Ending::Signature
                } else {
                    Ending::Fixed
                };
                expected.push((depth, text.to_vec(), ending));
            }
            Err(FlowedError::LineTooLong) => assert!(text.len() > 900),
            Err(error) => {
                let at = text.iter().position(|byte| b"\r\0".contains(byte));
                assert!(at.is_some() || text.ends_with(b" "), "{error}");
            }
        }
    }
    assert_eq!(paragraphs(vec![&written], false), expected);
    crate::coding_decoders::check_lines(&written, 998);
}
