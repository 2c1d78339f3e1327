//! Reports, flowed text, Resent blocks and Received fields, read and written.

use scop_core::{Sink, SliceSink, UnixTime, ip};
use scop_mime_core::flowed::{Flowed, FlowedEvent, FlowedWriter};
use scop_mime_core::header::date::Zone;
use scop_mime_core::header::encoded_word::Utf8;
use scop_mime_core::header::list::{ListId, ListPost, ListUrls, OneClick};
use scop_mime_core::header::resent::ResentBlocks;
use scop_mime_core::header::trace::{Client, Stamp};
use scop_mime_core::report::delivery::{Action, DeliveryStatus, StatusCode, StatusField};
use scop_mime_core::report::disposition::{DispositionNotification, Mode};
use scop_mime_core::report::feedback::{FeedbackField, FeedbackReport};
use scop_mime_core::report::utf8_address::Utf8Address;
use scop_mime_core::report::write::{
    DeliveryStatusWriter, DispositionNotificationWriter, FeedbackReportWriter, ReportWriteError,
};
use scop_mime_core::{AddrSpec, DateTime, HeaderBlock, MessageId, ReturnPath};

use crate::tally::Tally;

const STATUS: &[u8] = b"Reporting-MTA: dns; mx.example.org\r\n\r\n\
    Final-Recipient: utf-8; m\\x{FC}ller@example.net\r\nAction: failed (x)\r\nStatus: 5.1.1\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 no\r\n";

pub(super) fn run(input: &[u8], tally: &mut Tally) {
    for body in [STATUS, input] {
        status(body, tally);
        others(body, tally);
        lists(body, tally);
    }
    let known = DeliveryStatus::new(STATUS).recipients().next();
    tally.check(known.and_then(|known| known.action()) == Some(Action::Failed));
    for text in [&b"> a \r\n> b\r\n-- \r\n"[..], input] {
        for del_sp in [false, true] {
            flowed(text, del_sp, tally);
        }
    }
    let addresses = [AddrSpec::parse(b"joe@example.net"), AddrSpec::parse(input)];
    for address in addresses.into_iter().flatten() {
        for utf8 in [Utf8::Encode, Utf8::Raw] {
            let mut buffer = [0; 1024];
            let mut out = SliceSink::new(&mut buffer);
            tally.flag(write_status(&mut out, utf8, &address, input).is_ok());
            tally.bytes(out.written());
            let mut out = SliceSink::new(&mut buffer);
            tally.flag(write_others(&mut out, utf8, &address, input).is_ok());
            tally.bytes(out.written());
        }
    }
    stamps(input, tally);
}

fn status(body: &[u8], tally: &mut Tally) {
    let status = DeliveryStatus::new(body);
    tally.flag(status.message().is_some());
    for block in status.recipients() {
        tally.add(block.offset());
        for field in block.fields() {
            match field {
                StatusField::FinalRecipient(recipient) => {
                    tally.emit(&recipient);
                    if let Some(address) = Utf8Address::of(&recipient) {
                        tally.emit(&address);
                    }
                }
                StatusField::Status(code) => tally.emit(&code),
                field => tally.flag(field.error().is_some()),
            }
        }
    }
}

fn others(body: &[u8], tally: &mut Tally) {
    let notification = DispositionNotification::new(body);
    for field in notification.fields() {
        tally.flag(field.error().is_some());
    }
    if let Some(disposition) = notification.disposition() {
        tally.emit(&disposition);
    }
    let report = FeedbackReport::new(body);
    tally.flag(report.feedback_type().is_some_and(|kind| kind.is(b"abuse")));
    for field in report.fields() {
        match field {
            FeedbackField::SourceIp(ip) => tally.emit(&ip),
            field => tally.flag(field.error().is_some()),
        }
    }
    for block in ResentBlocks::new(HeaderBlock::new(body)) {
        tally.add(block.offset());
        tally.bytes(block.trace().as_bytes());
        tally.bytes(block.resent().as_bytes());
    }
}

fn lists(value: &[u8], tally: &mut Tally) {
    let (urls, rest) = ListUrls::parse_prefix(value);
    tally.emit(&urls);
    tally.bytes(rest);
    tally.flag(urls.with_scheme(b"mailto").is_some());
    tally.flag(OneClick::parse(value).is_ok());
    if let Ok(post) = ListPost::parse(value) {
        tally.emit(&post);
    }
    if let Ok(id) = ListId::parse(value) {
        tally.emit(&id);
        tally.bytes(id.label());
    }
    if let Some(address) = ip::parse(value) {
        tally.emit(&address);
    }
}

/// Read, and written again.
fn flowed(text: &[u8], del_sp: bool, tally: &mut Tally) {
    let mut buffer = [0; 256];
    let mut out = SliceSink::new(&mut buffer);
    let mut reader = Flowed::new(del_sp);
    let mut rest = text;
    while let Some(event) = reader.read(&mut rest).or_else(|| reader.finish()) {
        match event {
            FlowedEvent::Begin { depth } => tally.add(depth),
            FlowedEvent::Text(text) => tally.flag(out.put(text).is_ok()),
            FlowedEvent::End(_) => {}
        }
    }
    let mut again = [0; 512];
    let mut sink = SliceSink::new(&mut again);
    let mut writer = FlowedWriter::new(&mut sink);
    tally.flag(writer.paragraph(1, out.written()).is_ok());
    tally.flag(writer.fixed_line(0, text).is_ok());
    tally.flag(writer.signature(0).is_ok());
    tally.bytes(sink.written());
}

fn write_status(
    out: &mut SliceSink<'_>,
    utf8: Utf8,
    address: &AddrSpec<'_>,
    input: &[u8],
) -> Result<(), ReportWriteError> {
    let mut report = DeliveryStatusWriter::new(out, utf8, b"dns", b"mx.example.org")?;
    let code =
        StatusCode::parse_prefix(input).map_or(StatusCode::new(5, 0, 0), |read| Some(read.0));
    if let Some(code) = code {
        report.recipient(address, Action::Delayed, code)?;
    }
    report.diagnostic_code(b"smtp", input)?;
    report.extension(input, b"x")?;
    report.finish()
}

fn write_others(
    out: &mut SliceSink<'_>,
    utf8: Utf8,
    address: &AddrSpec<'_>,
    input: &[u8],
) -> Result<(), ReportWriteError> {
    let mut feedback = FeedbackReportWriter::new(out, b"abuse", b"a")?;
    feedback.original_mail_from(&ReturnPath::Null)?;
    feedback.source_ip([192, 0, 2, 1].into())?.incidents(2)?;
    feedback
        .original_rcpt_to(address)?
        .reported_domain(b"example.org")?;
    let mode = Mode {
        manual_action: true,
        sent_manually: false,
    };
    let mut notification =
        DispositionNotificationWriter::new(out, utf8, address, mode, b"displayed", &[])?;
    if let Ok(id) = MessageId::parse(input) {
        notification.original_message_id(&id)?;
    }
    notification.reporting_ua(input, b"b")?;
    Ok(())
}

fn stamps(input: &[u8], tally: &mut Tally) {
    let Some(date) = DateTime::from_unix(UnixTime(880_128_343), Zone::UTC) else {
        return tally.check(false);
    };
    for name in [&b"a.example"[..], input] {
        let mut stamp = Stamp::new(b"mx.example.org", date);
        stamp.from = Some(Client {
            name: Some(name),
            reverse: None,
            ip: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(),
        });
        stamp.id = Some(name);
        stamp.recipient = AddrSpec::parse(name).ok();
        let mut buffer = [0; 512];
        let mut out = SliceSink::new(&mut buffer);
        tally.flag(stamp.write(&mut out).is_ok());
        tally.bytes(out.written());
    }
}
