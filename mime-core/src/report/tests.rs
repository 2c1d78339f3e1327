use super::delivery::{Action, DeliveryStatus, StatusCode, StatusField, StatusFieldName};
use super::disposition::{
    Disposition, DispositionField, DispositionFieldName, DispositionNotification, ReportingUa,
};
use super::feedback::{FeedbackField, FeedbackFieldName, FeedbackReport};
use super::utf8_address::Utf8Address;
use super::*;
use crate::header::typed::TypedErrorKind;
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

#[test]
fn typed_texts() {
    let cases: [(&[u8], &[u8], &str); 9] = [
        (
            b" rfc822;louisl@larry.slip.umd.edu",
            b"rfc822",
            "louisl@larry.slip.umd.edu",
        ),
        (
            b" dns; sun2.nsfnet-relay.ac.uk",
            b"dns",
            "sun2.nsfnet-relay.ac.uk",
        ),
        (
            b"smtp; 550 \"no\" (really); x \r\n ",
            b"smtp",
            "550 \"no\" (really); x",
        ),
        (b"X-Local (a;b) ; a\r\n  b", b"X-Local", "a  b"),
        (b"x400; /C=gb/", b"x400", "/C=gb/"),
        (
            b"utf-8;\xc3\xa9@example.org",
            b"utf-8",
            "\u{e9}@example.org",
        ),
        (b"rfc822;", b"rfc822", ""),
        (b"rfc822; ", b"rfc822", ""),
        (b"rfc822;;", b"rfc822", ";"),
    ];
    for (value, type_name, text) in cases {
        let read = TypedText::parse(value).unwrap();
        assert!(read.is_type(type_name) && read.is_type(&type_name.to_ascii_uppercase()));
        assert_eq!((read.type_name(), read.raw()), (type_name, value));
        assert_eq!(read.text().to_string(), text);
        assert!(
            value
                .get(read.text_offset()..)
                .unwrap()
                .starts_with(read.text_raw())
        );
        let written = read.to_vec();
        let again = TypedText::parse(&written).unwrap();
        assert_eq!(again.text().to_string(), text);
    }
    for (value, kind, at) in [
        (&b""[..], ReportErrorKind::NoType, 0),
        (b" ; x", ReportErrorKind::NoType, 1),
        (b"louisl@example.org", ReportErrorKind::NoSemicolon, 6),
        (b"mx.example.org", ReportErrorKind::NoSemicolon, 2),
        (b"\"rfc822\"; x", ReportErrorKind::NoType, 0),
        (b"a b; x", ReportErrorKind::NoSemicolon, 2),
        (
            b"a; \xff",
            ReportErrorKind::Lexical(LexicalErrorKind::NotUtf8),
            3,
        ),
        (
            b"(a; x",
            ReportErrorKind::Lexical(LexicalErrorKind::UnclosedComment),
            0,
        ),
    ] {
        let error = TypedText::parse(value).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
    }
}

#[test]
fn status_codes() {
    for (value, class, subject, detail) in [
        (&b" 4.0.0"[..], 4, 0, 0),
        (b"5.1.1 (bad mailbox)", 5, 1, 1),
        (b"2.999.999", 2, 999, 999),
        (b" 5.7.26\r\n ", 5, 7, 26),
    ] {
        let code = StatusCode::parse(value).unwrap();
        assert_eq!(
            (code.class(), code.subject(), code.detail()),
            (class, subject, detail)
        );
        assert_eq!(StatusCode::new(class, subject, detail), Some(code));
        assert_eq!(StatusCode::parse(&code.to_vec()), Ok(code));
    }
    for (value, kind, at) in [
        (&b""[..], ReportErrorKind::BadStatus, 0),
        (b"5", ReportErrorKind::BadStatus, 0),
        (b"5.1", ReportErrorKind::BadStatus, 0),
        (b" 5.1.", ReportErrorKind::BadStatus, 1),
        (b"5.1.1.1", ReportErrorKind::BadStatus, 0),
        (b"5.1.1000", ReportErrorKind::BadStatus, 0),
        (b"5.01.1", ReportErrorKind::BadStatus, 0),
        (b"3.1.1", ReportErrorKind::BadStatus, 0),
        (b"55.1.1", ReportErrorKind::BadStatus, 0),
        (b"5 .1.1", ReportErrorKind::BadStatus, 0),
        (b"5.1.1 no user", ReportErrorKind::TextBehind, 6),
        (
            b"5.1.1 (no user",
            ReportErrorKind::Lexical(LexicalErrorKind::UnclosedComment),
            6,
        ),
    ] {
        let error = StatusCode::parse(value).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
    }
    assert_eq!(
        StatusCode::parse_prefix(b"5.1.1 no user").unwrap(),
        (StatusCode::new(5, 1, 1).unwrap(), &b" no user"[..])
    );
    assert_eq!(StatusCode::new(2, 1000, 0), None);
}

#[test]
fn actions() {
    for &action in Action::ALL {
        let value = format!(" {} (x)", action.as_str().to_uppercase());
        assert_eq!(Action::parse(value.as_bytes()), Ok(action));
        assert_eq!(Action::parse(&action.to_vec()), Ok(action));
    }
    for (value, kind, at) in [
        (&b" "[..], ReportErrorKind::BadAction, 1),
        (b"fail", ReportErrorKind::BadAction, 0),
        (b"failed-permanently", ReportErrorKind::BadAction, 0),
        (b"failed now", ReportErrorKind::TextBehind, 7),
    ] {
        let error = Action::parse(value).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
    }
}

/// RFC 3464 appendix E, the delivery status of the multi-recipient example.
const MULTIPLE: &[u8] = b"Reporting-MTA: dns; cs.utk.edu\n\n\
    Original-Recipient: rfc822;arathib@vnet.ibm.com\n\
    Final-Recipient: rfc822;arathib@vnet.ibm.com\n\
    Action: failed\n\
    Status: 5.0.0 (permanent failure)\n\
    Diagnostic-Code: smtp;\n 550 'arathib@vnet.IBM.COM' is not a\n  registered gateway user\n\
    Remote-MTA: dns; vnet.ibm.com\n\n\
    Original-Recipient: rfc822;johnh@hpnjld.njd.hp.com\n\
    Final-Recipient: rfc822;johnh@hpnjld.njd.hp.com\n\
    Action: delayed\n\
    Status: 4.0.0 (hpnjld.njd.jp.com: host name lookup failure)\n\n\
    Original-Recipient: rfc822;wsnell@sdcc13.ucsd.edu\n\
    Final-Recipient: rfc822;wsnell@sdcc13.ucsd.edu\n\
    Action: failed\n\
    Status: 5.0.0\n\
    Diagnostic-Code: smtp; 550 user unknown\n\
    Remote-MTA: dns; sdcc13.ucsd.edu\n";

#[test]
fn several_recipients() {
    let status = DeliveryStatus::new(MULTIPLE);
    let message = status.message().unwrap();
    assert!(message.reporting_mta().unwrap().text().is(b"cs.utk.edu"));
    assert_eq!(message.action(), None);
    let recipients: Vec<_> = status.recipients().collect();
    let actions: Vec<_> = recipients.iter().map(|r| r.action().unwrap()).collect();
    assert_eq!(actions, [Action::Failed, Action::Delayed, Action::Failed]);
    let first = recipients[0];
    assert!(
        first
            .final_recipient()
            .unwrap()
            .text()
            .is(b"arathib@vnet.ibm.com")
    );
    assert!(first.original_recipient().unwrap().is_type(b"rfc822"));
    assert!(
        first
            .diagnostic_code()
            .unwrap()
            .text()
            .is(b"550 'arathib@vnet.IBM.COM' is not a  registered gateway user")
    );
    assert!(first.remote_mta().unwrap().text().is(b"vnet.ibm.com"));
    assert_eq!(recipients[1].status(), StatusCode::new(4, 0, 0));
    assert!(recipients[1].remote_mta().is_none());
    for block in status.blocks() {
        let fields = block.fields();
        assert!(MULTIPLE[block.offset()..].starts_with(fields.as_bytes()));
        assert!(
            fields
                .fields()
                .all(|field| StatusField::of(&field).error().is_none())
        );
    }
}

#[test]
fn careless_writers() {
    // No empty line, several of them, a recipient first, a malformed value, and nothing.
    let merged =
        DeliveryStatus::new(b"Reporting-MTA: dns; a\nFinal-Recipient: rfc822; b\nAction: failed\n");
    assert_eq!(merged.recipients().count(), 1);
    assert!(merged.message().unwrap().reporting_mta().is_some());
    let spaced =
        DeliveryStatus::new(b"\r\n\nReporting-MTA: dns; a\r\n\r\n\n\r\nAction: failed\r\n\n");
    assert_eq!(spaced.recipients().count(), 1);
    assert_eq!(spaced.recipients().next().unwrap().offset(), 31);
    let bare = DeliveryStatus::new(b"Final-Recipient: joe@example.org\nStatus: 5.0\n");
    let recipient = bare.recipients().next().unwrap();
    assert_eq!(
        (recipient.status(), recipient.final_recipient().is_none()),
        (None, true)
    );
    let Some(StatusField::Malformed { error, raw, field }) =
        recipient.field(StatusFieldName::Status)
    else {
        panic!()
    };
    assert_eq!((raw, field), (&b" 5.0"[..], StatusFieldName::Status));
    assert_eq!(
        (error.kind(), error.offset()),
        (TypedErrorKind::Report(ReportErrorKind::BadStatus), 1)
    );
    assert!(DeliveryStatus::new(b"").message().is_none());
    assert!(DeliveryStatus::new(b"\r\n\r\n").message().is_none());
}

/// RFC 8098 9, and RFC 3798 types.
#[test]
fn dispositions() {
    let body = b"Reporting-UA: joes-pc.cs.example.com; Foomail 97.1\r\n\
        Original-Recipient: rfc822;Joe_Recipient@example.com\r\n\
        Final-Recipient: rfc822;Joe_Recipient@example.com\r\n\
        Original-Message-ID: <199509192301.23456@example.org>\r\n\
        Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\nrest";
    let notification = DispositionNotification::new(body);
    assert_eq!(notification.raw(), body);
    assert_eq!(notification.fields().count(), 5);
    assert!(notification.fields().all(|field| field.error().is_none()));
    let Some(DispositionField::ReportingUa(ua)) =
        notification.field(DispositionFieldName::ReportingUa)
    else {
        panic!()
    };
    assert_eq!(ua.name(), b"joes-pc.cs.example.com");
    assert_eq!(ua.product(), Some(&b"Foomail 97.1"[..]));
    let id = notification.original_message_id().unwrap();
    assert!(id.right().is(b"example.org"));
    assert!(notification.final_recipient().unwrap().is_type(b"RFC822"));
}

/// A value, whether a person acted, whether a person sent, the type, the modifiers, and the whole.
type DispositionCase = (
    &'static [u8],
    bool,
    bool,
    &'static [u8],
    &'static [&'static [u8]],
    &'static str,
);

#[test]
fn disposition_values() {
    use ReportErrorKind::*;
    let cases: [DispositionCase; 5] = [
        (
            b" manual-action/MDN-sent-manually; displayed",
            true,
            true,
            b"displayed",
            &[],
            "manual-action/MDN-sent-manually; displayed",
        ),
        (
            b"automatic-action/MDN-sent-automatically;deleted/error",
            false,
            false,
            b"deleted",
            &[b"error"],
            "automatic-action/MDN-sent-automatically; deleted/error",
        ),
        (
            b"Automatic-Action / mdn-SENT-manually ;\r\n processed / error , warning",
            false,
            true,
            b"processed",
            &[b"error", b"warning"],
            "automatic-action/MDN-sent-manually; processed/error,warning",
        ),
        (
            b"manual-action (by hand) / MDN-sent-automatically; denied",
            true,
            false,
            b"denied",
            &[],
            "manual-action/MDN-sent-automatically; denied",
        ),
        (
            b"manual-action/MDN-sent-manually; (x) dispatched (y)",
            true,
            true,
            b"dispatched",
            &[],
            "manual-action/MDN-sent-manually; dispatched",
        ),
    ];
    for (value, action, sending, done, modifiers, written) in cases {
        let read = Disposition::parse(value).unwrap();
        assert_eq!(
            (read.is_manual_action(), read.is_sent_manually()),
            (action, sending)
        );
        assert_eq!(read.disposition_type(), done);
        assert!(read.modifiers().eq(modifiers.iter().copied()));
        assert_eq!(read.to_string(), written);
        assert_eq!(read.raw(), value);
        assert_eq!(
            Disposition::parse(written.as_bytes()).unwrap().to_string(),
            written
        );
    }
    for (value, kind, at) in [
        (&b""[..], BadMode, 0),
        (b"displayed", BadMode, 0),
        (b"manual-action", BadMode, 13),
        (b"manual-action/displayed", BadMode, 14),
        (b"manual-action/MDN-sent-manually", NoSemicolon, 31),
        (b"manual-action/MDN-sent-manually;", BadToken, 32),
        (b"manual-action/MDN-sent-manually; displayed/", BadToken, 43),
        (
            b"manual-action/MDN-sent-manually; displayed/error,",
            BadToken,
            49,
        ),
        (
            b"manual-action/MDN-sent-manually; displayed read",
            TextBehind,
            43,
        ),
        (b"MDN-sent-manually/manual-action; displayed", BadMode, 0),
    ] {
        let error = Disposition::parse(value).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
    }
    let ua = ReportingUa::parse(b" pc.example.org ").unwrap();
    assert_eq!((ua.name(), ua.product()), (&b"pc.example.org"[..], None));
    assert!(ReportingUa::parse(b"\xff").is_err());
}

/// RFC 5965 B.2.
#[test]
fn feedback() {
    let body = b"Feedback-Type: abuse\n\
        User-Agent: SomeGenerator/1.0\n\
        Version: 1\n\
        Original-Mail-From: <somespammer@example.net>\n\
        Original-Rcpt-To: <user@example.com>\n\
        Arrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\n\
        Reporting-MTA: dns; mail.example.com\n\
        Source-IP: 192.0.2.1\n\
        Authentication-Results: mail.example.com;\n               spf=fail smtp.mail=somespammer@example.com\n\
        Reported-Domain: example.net\n\
        Reported-Uri: http://example.net/earn_money.html\n\
        Reported-Uri: mailto:user@example.com\n\
        Removal-Recipient: user@example.com\n";
    let report = FeedbackReport::new(body);
    assert_eq!(report.raw(), body);
    assert!(report.feedback_type().unwrap().is(b"ABUSE"));
    for field in report.fields() {
        assert_eq!(field.error(), None, "{field:?}");
    }
    let uris = report
        .fields()
        .filter(|field| matches!(field, FeedbackField::ReportedUri(_)))
        .count();
    assert_eq!(uris, 2);
    assert!(matches!(
        report.field(FeedbackFieldName::SourceIp),
        Some(FeedbackField::SourceIp(ip)) if ip == IpAddr::from([192, 0, 2, 1])
    ));
    assert!(matches!(
        report.field(FeedbackFieldName::Version),
        Some(FeedbackField::Version(1))
    ));
    assert!(
        matches!(report.fields().last(), Some(FeedbackField::Unstructured(text)) if text.raw() == b" user@example.com")
    );

    let bad = FeedbackReport::new(
        b"Feedback-Type: a b\nVersion: one\nSource-IP: [192.0.2.1]\nOriginal-Rcpt-To: a@example.org\nIncidents: 4294967296\nReported-Domain: .\nSource-IP: 192.0.2.1 x\n",
    );
    assert!(bad.feedback_type().is_none());
    let errors: Vec<_> = bad
        .fields()
        .map(|field| field.error().unwrap().offset())
        .collect();
    assert_eq!(errors, [3, 1, 1, 1, 1, 1, 11]);
}

#[test]
fn kinds() {
    for (content_type, kind) in [
        (
            &b"message/delivery-status"[..],
            Some(ReportKind::DeliveryStatus),
        ),
        (
            b"MESSAGE/Global-Delivery-Status; x=y",
            Some(ReportKind::DeliveryStatus),
        ),
        (
            b"message/disposition-notification",
            Some(ReportKind::DispositionNotification),
        ),
        (
            b"message/global-disposition-notification",
            Some(ReportKind::DispositionNotification),
        ),
        (b"message/feedback-report", Some(ReportKind::FeedbackReport)),
        (b"message/rfc822", Some(ReportKind::Message)),
        (b"message/global", Some(ReportKind::Message)),
        (b"text/rfc822-headers", Some(ReportKind::Headers)),
        (b"message/global-headers", Some(ReportKind::Headers)),
        (b"text/plain", None),
        (b"message/external-body", None),
    ] {
        assert_eq!(
            ReportKind::of(&ContentType::parse(content_type).unwrap()),
            kind
        );
    }
}

/// RFC 5965 3.5, RFC 5321 4.1.3.
#[test]
fn ip_addresses() {
    let ip = |text: &str| text.parse().ok();
    for (value, address) in [
        (" 192.0.2.1 (x)", ip("192.0.2.1")),
        ("2001:db8::1", ip("2001:db8::1")),
        ("IPv6:2001:db8::1", ip("2001:db8::1")),
        ("ipv6:::1", ip("::1")),
        ("IPv6:192.0.2.1", None),
        ("IPv6: ::1", None),
        ("", None),
    ] {
        assert_eq!(parse_ip(value.as_bytes()).ok(), address, "{value}");
    }
}

/// RFC 6533 3.
#[test]
fn utf8_addresses() {
    let cases: [(&str, &str); 11] = [
        (
            "\\x{5BE6}\\x{9A57}@example.org",
            "\u{5be6}\u{9a57}@example.org",
        ),
        ("\u{e9}\\x{2B}b@example.org", "\u{e9}+b@example.org"),
        ("\\x{1F600}", "\u{1f600}"),
        ("\\x{D800}", "\\x{D800}"),
        ("\\x{e9}", "\\x{e9}"),
        ("\\x{9}", "\\x{9}"),
        (
            "\\x{0010FFFF}\\x{10FFFF}\\x{110000}",
            "\\x{0010FFFF}\u{10ffff}\\x{110000}",
        ),
        ("a\\\\x{5C}\\", "a\\\\\\"),
        // No HEXPOINT: plain characters, zeros in front. Controls are text that ends lines elsewhere.
        ("\\x{41}\\x{2B}\\x{02B}", "\\x{41}+\\x{02B}"),
        ("a\\x{0D}\\x{0A}Bcc: b", "a\\x{0D}\\x{0A}Bcc: b"),
        (
            "\\x{00}\\x{09}\\x{7F}\\x{85}",
            "\\x{00}\\x{09}\\x{7F}\\x{85}",
        ),
    ];
    for (text, meaning) in cases {
        let value = format!("utf-8; {text}");
        let recipient = TypedText::parse(value.as_bytes()).unwrap();
        let read = Utf8Address::of(&recipient).unwrap();
        assert_eq!(read.to_vec(), meaning.as_bytes(), "{text}");
    }
    assert!(Utf8Address::of(&TypedText::parse(b"rfc822; a").unwrap()).is_none());
}

/// Everything before the first empty line, then before the next, by the standard library.
fn second_blocks(body: &str) -> Vec<String> {
    let lines: Vec<&str> = body.split_inclusive('\n').collect();
    lines
        .split(|line| matches!(*line, "\n" | "\r\n"))
        .filter(|block| !block.is_empty())
        .map(<[&str]>::concat)
        .collect()
}

proptest! {
    #[test]
    fn blocks_agree_with_a_second_reader(body in "(a: b|x|\r|\n|\r\n| ){0,20}") {
        let ours: Vec<String> = Blocks::new(body.as_bytes())
            .map(|block| String::from_utf8(block.fields().as_bytes().to_vec()).unwrap())
            .collect();
        prop_assert_eq!(ours, second_blocks(&body));
    }

    #[test]
    fn nothing_is_lost(body: Vec<u8>) {
        let mut rest = &body[..];
        for block in Blocks::new(&body) {
            let at = block.offset() - (body.len() - rest.len());
            prop_assert!(rest[..at].iter().all(|byte| b"\r\n".contains(byte)));
            let fields = block.fields().as_bytes();
            prop_assert!(rest[at..].starts_with(fields));
            rest = &rest[at + fields.len()..];
        }
        prop_assert!(rest.iter().all(|byte| b"\r\n".contains(byte)));
    }

    #[test]
    fn any_value(value in "[ ;/,.a-c0-9(\"\\\\\u{e9}\r\n-]{0,16}") {
        for &name in StatusFieldName::ALL {
            if let StatusField::Malformed { raw, error, .. } = name.read(value.as_bytes()) {
                prop_assert_eq!(raw, value.as_bytes());
                prop_assert!(error.offset() <= value.len());
            }
        }
        for &name in DispositionFieldName::ALL {
            if let DispositionField::Malformed { raw, .. } = name.read(value.as_bytes()) {
                prop_assert_eq!(raw, value.as_bytes());
            }
        }
        for &name in FeedbackFieldName::ALL {
            if let FeedbackField::Malformed { raw, .. } = name.read(value.as_bytes()) {
                prop_assert_eq!(raw, value.as_bytes());
            }
        }
    }
}
