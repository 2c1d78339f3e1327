use super::*;
use crate::report::delivery::{DeliveryStatus, StatusField, StatusFieldName};
use crate::report::disposition::DispositionNotification;
use crate::report::feedback::FeedbackReport;
use crate::report::utf8_address::Utf8Address;
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn address(text: &str) -> AddrSpec<'_> {
    AddrSpec::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_delivery_status_is_written() {
    let date = DateTime::parse(b"Fri, 8 Jul 1994 09:21:47 -0400").unwrap();
    for (utf8, expected) in [
        (Utf8::Encode, "utf-8; \\x{E9}\\x{2B}x@example.org"),
        (Utf8::Raw, "utf-8; \u{e9}+x@example.org"),
    ] {
        let mut out = Vec::new();
        let mut report =
            DeliveryStatusWriter::new(&mut out, utf8, b"dns", b"mx.example.org").unwrap();
        report.original_envelope_id(b"QQ314159").unwrap();
        report
            .received_from_mta(b"dns", b"a.example")
            .unwrap()
            .arrival_date(&date)
            .unwrap();
        let code = StatusCode::new(5, 1, 1).unwrap();
        report
            .recipient(&address("joe@example.net"), Action::Failed, code)
            .unwrap();
        report
            .original_recipient(b"rfc822", b"Joe@example.net")
            .unwrap();
        report.remote_mta(b"dns", b"mx.example.net").unwrap();
        report.diagnostic_code(b"smtp", b"550 5.1.1 <joe@example.net>: Recipient address rejected: User unknown in the table").unwrap();
        report.last_attempt_date(&date).unwrap();
        let code = StatusCode::new(4, 0, 0).unwrap();
        report
            .recipient(&address("\u{e9}+x@example.org"), Action::Delayed, code)
            .unwrap();
        report
            .will_retry_until(&date)
            .unwrap()
            .extension(b"X-Queue", b"42")
            .unwrap();
        report.finish().unwrap();

        let text = String::from_utf8(out.clone()).unwrap();
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
        assert!(text.contains(expected), "{text}");
        let status = DeliveryStatus::new(&out);
        assert!(
            status
                .blocks()
                .flat_map(|block| block.fields().fields())
                .all(|field| StatusField::of(&field).error().is_none())
        );
        assert_eq!(status.message().unwrap().fields().count(), 4);
        let recipients: Vec<_> = status.recipients().collect();
        assert_eq!(recipients.len(), 2);
        assert!(
            recipients[0]
                .final_recipient()
                .unwrap()
                .text()
                .is(b"joe@example.net")
        );
        let second = recipients[1].final_recipient().unwrap();
        assert_eq!(
            Utf8Address::of(&second).unwrap().to_string(),
            "\u{e9}+x@example.org"
        );
        assert!(
            matches!(recipients[1].field(StatusFieldName::WillRetryUntil), Some(StatusField::WillRetryUntil(read)) if read == date)
        );
    }
}

#[test]
fn what_is_refused() {
    use ReportWriteError::*;
    let new = |mta_type: &[u8], mta: &[u8]| {
        DeliveryStatusWriter::new(&mut Vec::new(), Utf8::Encode, mta_type, mta).map(|_| ())
    };
    assert_eq!(new(b"", b"a"), Err(BadToken));
    assert_eq!(new(b"d ns", b"a"), Err(BadToken));
    assert_eq!(new(b"dns", b"a\r\nStatus: 2.0.0"), Err(Control));
    assert_eq!(new(b"dns", b"a\x7f"), Err(Control));
    assert_eq!(new(b"dns", b"a\x00"), Err(Control));
    assert_eq!(new(b"dns", "\u{e9}".as_bytes()), Err(BadCharacter));
    assert_eq!(new(b"dns", b"\xff"), Err(BadCharacter));
    assert_eq!(new(b"dns", &[b'a'; 1000]), Err(LineTooLong));
    let raw = |text: &str| {
        DeliveryStatusWriter::new(&mut Vec::new(), Utf8::Raw, b"dns", text.as_bytes()).map(|_| ())
    };
    assert_eq!(raw("\u{e9}"), Ok(()));
    assert_eq!(raw("\u{85}"), Err(Control));
    assert_eq!(raw("\u{2028}"), Err(Control));

    let mut out = Vec::new();
    let mut report = DeliveryStatusWriter::new(&mut out, Utf8::Encode, b"dns", b"a").unwrap();
    let date = DateTime::parse(b"Fri, 8 Jul 1994 09:21:47 -0400").unwrap();
    assert_eq!(report.last_attempt_date(&date).map(|_| ()), Err(OutOfOrder));
    assert_eq!(report.extension(b"a b", b"").map(|_| ()), Err(BadToken));
    assert_eq!(report.extension(b"", b"").map(|_| ()), Err(BadToken));
    let code = StatusCode::new(2, 0, 0).unwrap();
    let control = address("\"a\x01\"@example.org");
    assert_eq!(
        report
            .recipient(&control, Action::Relayed, code)
            .map(|_| ()),
        Err(Control)
    );
    report
        .recipient(&address("a@example.org"), Action::Relayed, code)
        .unwrap();
    assert_eq!(report.arrival_date(&date).map(|_| ()), Err(OutOfOrder));
    let empty = DeliveryStatusWriter::new(&mut out, Utf8::Encode, b"dns", b"a").unwrap();
    assert_eq!(empty.finish(), Err(OutOfOrder));

    let mut small = [0; 20];
    let mut sink = scop_core::SliceSink::new(&mut small);
    let full = DeliveryStatusWriter::new(&mut sink, Utf8::Encode, b"dns", b"mx.example.org");
    assert_eq!(full.map(|_| ()), Err(Full));
}

#[test]
fn the_other_two_are_written() {
    let mut out = Vec::new();
    let mode = Mode {
        manual_action: true,
        sent_manually: false,
    };
    let joe = address("joe@example.org");
    let mut report = DispositionNotificationWriter::new(
        &mut out,
        Utf8::Encode,
        &joe,
        mode,
        b"deleted",
        &[b"error", b"x"],
    )
    .unwrap();
    report
        .reporting_ua(b"pc.example.org", b"Foomail; 97.1")
        .unwrap();
    report
        .original_recipient(b"rfc822", b"Joe@example.org")
        .unwrap();
    report
        .original_message_id(&MessageId::parse(b"<1@example.org>").unwrap())
        .unwrap();
    report.extension(b"Error", b"no room").unwrap();
    let notification = DispositionNotification::new(&out);
    assert!(notification.fields().all(|field| field.error().is_none()));
    let disposition = notification.disposition().unwrap();
    assert_eq!(
        disposition.to_string(),
        "manual-action/MDN-sent-automatically; deleted/error,x"
    );
    assert_eq!(notification.fields().count(), 6);
    let mut void = Vec::new();
    let refused =
        DispositionNotificationWriter::new(&mut void, Utf8::Encode, &joe, mode, b"a b", &[]);
    assert_eq!(refused.map(|_| ()), Err(ReportWriteError::BadToken));

    let mut out = Vec::new();
    let mut report = FeedbackReportWriter::new(&mut out, b"abuse", b"SCoP/1.0 (test)").unwrap();
    report.original_mail_from(&ReturnPath::Null).unwrap();
    report
        .original_rcpt_to(&joe)
        .unwrap()
        .original_rcpt_to(&address("ann@example.org"))
        .unwrap();
    report
        .source_ip([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into())
        .unwrap();
    report
        .incidents(7)
        .unwrap()
        .reported_domain(b"example.net")
        .unwrap();
    report
        .extension(b"Reported-URI", b"http://example.net/")
        .unwrap();
    report
        .arrival_date(&DateTime::parse(b"8 Jul 1994 09:21:47 -0400").unwrap())
        .unwrap();
    assert_eq!(
        report.reported_domain(b"a b").map(|_| ()),
        Err(ReportWriteError::BadToken)
    );
    assert_eq!(
        report.original_rcpt_to(&address("\u{e9}@a")).map(|_| ()),
        Err(ReportWriteError::BadCharacter)
    );
    let report = FeedbackReport::new(&out);
    for field in report.fields() {
        assert_eq!(field.error(), None, "{field:?}");
    }
    assert_eq!(report.fields().count(), 11);
}

proptest! {
    /// What is written is one field whatever the value, and reads the same.
    #[test]
    fn values_round_trip(text in "[!-~]([ -~\u{e9}\u{1f600}]{0,200}[!-~])?") {
        let mut out = Vec::new();
        let written = DeliveryStatusWriter::new(&mut out, Utf8::Raw, b"x", text.as_bytes()).map(|_| ());
        if written.is_ok() {
            let status = DeliveryStatus::new(&out);
            let read = status.message().unwrap();
            prop_assert_eq!(read.fields().count(), 1);
            prop_assert!(read.reporting_mta().unwrap().text().is(text.as_bytes()));
        } else {
            prop_assert_eq!(written, Err(ReportWriteError::LineTooLong));
        }
    }

    #[test]
    fn utf8_addresses_round_trip(local in "[a-z\\\\+=\u{e9}\u{5be6}\u{1f600}]{1,8}\u{e9}") {
        let text = format!("\"{}\"@example.org", local.replace('\\', "\\\\"));
        let expected = address(&text).to_string();
        for utf8 in [Utf8::Encode, Utf8::Raw] {
            let mut out = Vec::new();
            let mut report = DeliveryStatusWriter::new(&mut out, utf8, b"dns", b"a").unwrap();
            report.recipient(&address(&text), Action::Failed, StatusCode::new(5, 0, 0).unwrap()).unwrap();
            report.finish().unwrap();
            let status = DeliveryStatus::new(&out);
            let recipient = status.recipients().next().unwrap().final_recipient().unwrap();
            let read = Utf8Address::of(&recipient).unwrap().to_string();
            // In UTF-8 the address stands as it is, and a backslash before `x{` is not tried here.
            prop_assert_eq!(&read, &expected);
            prop_assert!(utf8 == Utf8::Raw || out.is_ascii());
        }
    }
}

/// Not even embedded, where its characters are.
#[test]
fn an_address_with_a_control_is_refused() {
    for (text, error) in [
        ("\"a\u{1}\"@example.org", ReportWriteError::Control),
        ("\"\u{e9}\u{1}\"@example.org", ReportWriteError::Control),
        ("\"\u{e9}\u{85}\"@example.org", ReportWriteError::Control),
    ] {
        for utf8 in [Utf8::Encode, Utf8::Raw] {
            let mut out = Vec::new();
            let mut report = DeliveryStatusWriter::new(&mut out, utf8, b"dns", b"mx").unwrap();
            let code = StatusCode::new(5, 1, 1).unwrap();
            let written = report.recipient(&address(text), Action::Failed, code);
            assert_eq!(written.err(), Some(error), "{text:?}");
        }
    }
}
