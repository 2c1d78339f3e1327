//! The examples of RFC 8460, what breaks each rule, and round trips.

mod record;

use super::*;
use core::fmt::Write;
use core::net::IpAddr;
use proptest::prelude::*;
use scop_core::json::{JsonErrorKind, WriteError};
use scop_core::{Emit, Full, Sink, SliceSink, Tlsa, UnixTime};
use std::borrow::ToOwned;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// RFC 8460 B, with the white space of the text.
const EXAMPLE: &str = r#"{
     "organization-name": "Company-X",
     "date-range": {
       "start-datetime": "2016-04-01T00:00:00Z",
       "end-datetime": "2016-04-01T23:59:59Z"
     },
     "contact-info": "sts-reporting@company-x.example",
     "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
     "policies": [{
       "policy": {
         "policy-type": "sts",
         "policy-string": ["version: STSv1","mode: testing",
               "mx: *.mail.company-y.example","max_age: 86400"],
         "policy-domain": "company-y.example",
         "mx-host": "*.mail.company-y.example"
       },
       "summary": {
         "total-successful-session-count": 5326,
         "total-failure-session-count": 303
       },
       "failure-details": [{
         "result-type": "certificate-expired",
         "sending-mta-ip": "2001:db8:abcd:0012::1",
         "receiving-mx-hostname": "mx1.mail.company-y.example",
         "failed-session-count": 100
       }, {
         "result-type": "starttls-not-supported",
         "sending-mta-ip": "2001:db8:abcd:0013::1",
         "receiving-mx-hostname": "mx2.mail.company-y.example",
         "receiving-ip": "203.0.113.56",
         "failed-session-count": 200,
         "additional-information": "https://reports.company-x.example/report_info ? id = 5065427 c - 23 d3# StarttlsNotSupported "
       }, {
         "result-type": "validation-failure",
         "sending-mta-ip": "198.51.100.62",
         "receiving-ip": "203.0.113.58",
         "receiving-mx-hostname": "mx-backup.mail.company-y.example",
         "failed-session-count": 3,
         "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
       }]
     }]
   }"#;

/// What a report says, as lines.
fn show(report: &Report<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let (start, end) = (report.start().0, report.end().0);
    let (organization, contact, id) = (report.organization(), report.contact(), report.id());
    lines.push(format!("{organization} {contact} {id} {start}-{end}"));
    for policy in report.policies() {
        let known = policy.policy_type().map(PolicyType::as_str);
        assert!(known.is_none_or(|known| policy.policy_type_text().is(known)));
        let strings: Vec<String> = policy.strings().map(|text| text.to_string()).collect();
        let mx: Vec<String> = policy.mx_hosts().map(|text| text.to_string()).collect();
        let (text, domain) = (policy.policy_type_text(), policy.domain());
        let (successes, failed) = (policy.successes(), policy.failed());
        lines.push(format!(
            "{text} {domain} {strings:?} {mx:?} {successes}/{failed}"
        ));
        for failure in policy.failures() {
            let mut line = format!("{} {}", failure.result_type_text(), failure.sessions());
            let known = failure.result_type().map(ResultType::as_str);
            assert!(known.is_none_or(|known| failure.result_type_text().is(known)));
            for (mark, text) in [
                ('s', failure.sending_ip().map(|ip| ip.to_string())),
                ('n', failure.mx_hostname().map(|text| text.to_string())),
                ('h', failure.mx_helo().map(|text| text.to_string())),
                ('r', failure.receiving_ip().map(|ip| ip.to_string())),
                (
                    'a',
                    failure
                        .additional_information()
                        .map(|text| text.to_string()),
                ),
                ('c', failure.reason_code().map(|text| text.to_string())),
            ] {
                if let Some(text) = text {
                    let _ = write!(line, " {mark}={text}");
                }
            }
            lines.push(line);
        }
    }
    lines
}

#[test]
fn the_example() {
    let report = Report::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(
        show(&report),
        [
            "Company-X sts-reporting@company-x.example 5065427c-23d3-47ca-b6e0-946ea0e8c4be \
             1459468800-1459555199",
            "sts company-y.example [\"version: STSv1\", \"mode: testing\", \
             \"mx: *.mail.company-y.example\", \"max_age: 86400\"] [\"*.mail.company-y.example\"] \
             5326/303",
            "certificate-expired 100 s=2001:db8:abcd:12::1 n=mx1.mail.company-y.example",
            "starttls-not-supported 200 s=2001:db8:abcd:13::1 n=mx2.mail.company-y.example \
             r=203.0.113.56 a=https://reports.company-x.example/report_info ? id = 5065427 c - 23 d3# \
             StarttlsNotSupported ",
            "validation-failure 3 s=198.51.100.62 n=mx-backup.mail.company-y.example r=203.0.113.58 \
             c=X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED",
        ]
    );
}

/// The example with one piece of its text replaced.
fn with(old: &str, new: &str) -> String {
    assert!(EXAMPLE.contains(old), "{old}");
    EXAMPLE.replacen(old, new, 1)
}

#[test]
fn what_a_report_may_leave_out_or_add() {
    for text in [
        with(
            r#""organization-name""#,
            r#""x": [{"policies": 1}], "organization-name""#,
        ),
        with(
            r#""mx-host": "*.mail.company-y.example""#,
            r#""mx-host": ["a", "b"]"#,
        ),
        with(",\n         \"mx-host\": \"*.mail.company-y.example\"", ""),
        with("\"policy-type\": \"sts\"", "\"policy-type\": \"new\""),
        with("certificate-expired", "something-new"),
        with("\"failure-details\"", "\"other\""),
        with("2016-04-01T00:00:00Z", "2016-04-01t00:00:00.25+00:00"),
        with("2016-04-01T00:00:00Z", "\\u0032016-04-01T00:00:00Z"),
        with("\"report-id\"", "\"report\\u002did\""),
        with("198.51.100.62", "unknown"),
        with("5326", "18446744073709551615"),
        with("5326", "0"),
    ] {
        let report = Report::parse(text.as_bytes());
        assert!(report.is_ok(), "{report:?} {text}");
        show(&report.unwrap());
    }
    let text = with(
        r#""mx-host": "*.mail.company-y.example""#,
        r#""mx-host": ["a", "b"]"#,
    );
    let report = Report::parse(text.as_bytes()).unwrap();
    assert_eq!(report.policies().next().unwrap().mx_hosts().count(), 2);
    let none = with("\"policies\": [{", "\"policies\": [], \"x\": [{");
    assert_eq!(
        Report::parse(none.as_bytes()).unwrap().policies().count(),
        0
    );
}

#[test]
fn broken_reports() {
    use ReportErrorKind::{BadDate, Duplicate, Json, Missing, WrongKind};
    for (text, kind) in [
        (String::new(), Json(JsonErrorKind::Unfinished)),
        ("[]".into(), WrongKind),
        ("{}".into(), Missing("date-range")),
        (EXAMPLE.to_owned() + "x", Json(JsonErrorKind::TrailingData)),
        (
            with("\"organization-name\"", "\"o\""),
            Missing("organization-name"),
        ),
        (with("\"contact-info\"", "\"o\""), Missing("contact-info")),
        (with("\"report-id\"", "\"o\""), Missing("report-id")),
        (with("\"policies\"", "\"o\""), Missing("policies")),
        (with("\"end-datetime\"", "\"o\""), Missing("end-datetime")),
        (with("\"policy\"", "\"o\""), Missing("policy")),
        (with("\"policy-type\"", "\"o\""), Missing("policy-type")),
        (with("\"policy-domain\"", "\"o\""), Missing("policy-domain")),
        (with("\"summary\"", "\"o\""), Missing("summary")),
        (
            with("\"total-failure-", "\"o"),
            Missing("total-failure-session-count"),
        ),
        (with("\"result-type\"", "\"o\""), Missing("result-type")),
        (
            with("\"failed-session-count\"", "\"o\""),
            Missing("failed-session-count"),
        ),
        // Readers would differ over which one counts.
        (
            with("\"report-id\"", "\"report-id\": \"a\", \"report\\u002did\""),
            Duplicate("report-id"),
        ),
        (
            with("\"summary\"", "\"summary\": {}, \"summary\""),
            Duplicate("summary"),
        ),
        (
            with("\"result-type\"", "\"result-type\": \"a\", \"result-type\""),
            Duplicate("result-type"),
        ),
        (with("\"Company-X\"", "7"), WrongKind),
        (with("5326", "\"5326\""), WrongKind),
        (with("5326", "-1"), WrongKind),
        (with("5326", "1.0"), WrongKind),
        (with("5326", "18446744073709551616"), WrongKind),
        (with(": 100", ": null"), WrongKind),
        (with("\"mode: testing\"", "1"), WrongKind),
        (with("\"*.mail.company-y.example\"", "{}"), WrongKind),
        (with("\"2001:db8:abcd:0012::1\"", "1"), WrongKind),
        (
            with("\"policies\": [{", "\"policies\": {}, \"x\": [{"),
            WrongKind,
        ),
        (with("2016-04-01T00:00:00Z", "2016-04-01"), BadDate),
        (
            with("2016-04-01T00:00:00Z", "2016-02-30T00:00:00Z"),
            BadDate,
        ),
        (
            with("2016-04-01T00:00:00Z", "1969-12-31T23:59:59Z"),
            BadDate,
        ),
        (with("2016-04-01T00:00:00Z", &"2".repeat(100)), BadDate),
        (
            with(
                "{\n         \"result-type\": \"cert",
                "[], {\"result-type\": \"cert",
            ),
            WrongKind,
        ),
    ] {
        let error = Report::parse(text.as_bytes()).expect_err(&text);
        assert_eq!(error.kind(), kind, "{text}");
    }
    // The byte is that of the value.
    let text = with("5326", "\"many\"");
    let at = text.find("\"many\"").unwrap();
    assert_eq!(Report::parse(text.as_bytes()).unwrap_err().offset(), at);
}

#[test]
fn report_limits() {
    let limits = Limits::DEFAULT;
    for (limits, is_good) in [
        (
            Limits {
                octets: EXAMPLE.len(),
                ..limits
            },
            true,
        ),
        (
            Limits {
                octets: EXAMPLE.len() - 1,
                ..limits
            },
            false,
        ),
        (Limits { depth: 6, ..limits }, true),
        (Limits { depth: 5, ..limits }, true),
        (Limits { depth: 4, ..limits }, false),
        (
            Limits {
                policies: 1,
                ..limits
            },
            true,
        ),
        (
            Limits {
                policies: 0,
                ..limits
            },
            false,
        ),
        (
            Limits {
                failures: 3,
                ..limits
            },
            true,
        ),
        (
            Limits {
                failures: 2,
                ..limits
            },
            false,
        ),
    ] {
        let report = Report::parse_with(EXAMPLE.as_bytes(), &limits);
        assert_eq!(report.is_ok(), is_good, "{limits:?}");
    }
}

struct Out<'a>(&'a mut Vec<u8>);

impl Sink for Out<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

const DAY: Metadata<'static> = Metadata {
    organization: "Example \"quoted\" \u{e9}",
    contact: "tls@example.org",
    id: "2026-04-01\n.example.com",
    start: UnixTime(1_775_001_600),
    end: UnixTime(1_775_087_999),
};

#[test]
fn a_report_is_written() {
    let mut out = Vec::new();
    let mut writer = ReportWriter::new(Out(&mut out), &DAY).unwrap();
    let failure = Failure::new(ResultType::TlsaInvalid, 2);
    assert_eq!(writer.failure(&failure), Err(WriteError::Order));
    let tlsa = Tlsa {
        usage: 3,
        selector: 1,
        matching: 1,
        data: &[0x1f, 0x85, 0xac],
    };
    let entry = Entry {
        policy_type: PolicyType::Tlsa,
        domain: "example.com",
        successes: 7,
        failed: 3,
    };
    writer
        .policy(&entry, [PolicyString::Tlsa(tlsa)], [])
        .unwrap();
    writer.failure(&failure).unwrap();
    let failure = Failure {
        sending_ip: Some([192, 0, 2, 1].into()),
        mx_hostname: Some("mx.example.com"),
        mx_helo: Some("helo\u{0}"),
        receiving_ip: Some("2001:db8::1".parse().unwrap()),
        additional_information: Some("https://example.org/"),
        reason_code: Some("X\\Y"),
        ..Failure::new(ResultType::DaneRequired, 1)
    };
    writer.failure(&failure).unwrap();
    let entry = Entry {
        policy_type: PolicyType::NoPolicyFound,
        domain: "example.net",
        successes: 0,
        failed: 0,
    };
    writer.policy(&entry, [], []).unwrap();
    writer.finish().unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"organization-name\":\"Example \\\"quoted\\\" \u{e9}\",\"date-range\":{\"start-datetime\":\
         \"2026-04-01T00:00:00Z\",\"end-datetime\":\"2026-04-01T23:59:59Z\"},\"contact-info\":\
         \"tls@example.org\",\"report-id\":\"2026-04-01\\n.example.com\",\"policies\":[{\"policy\":{\
         \"policy-type\":\"tlsa\",\"policy-string\":[\"3 1 1 1F85AC\"],\"policy-domain\":\
         \"example.com\"},\"summary\":{\"total-successful-session-count\":7,\
         \"total-failure-session-count\":3},\"failure-details\":[{\"result-type\":\"tlsa-invalid\",\
         \"failed-session-count\":2},{\"result-type\":\"dane-required\",\"sending-mta-ip\":\
         \"192.0.2.1\",\"receiving-mx-hostname\":\"mx.example.com\",\"receiving-mx-helo\":\
         \"helo\\u0000\",\"receiving-ip\":\"2001:db8::1\",\"failed-session-count\":1,\
         \"additional-information\":\"https://example.org/\",\"failure-reason-code\":\"X\\\\Y\"}]},{\
         \"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"example.net\"},\
         \"summary\":{\"total-successful-session-count\":0,\"total-failure-session-count\":0}}]}"
    );
    let late = Metadata {
        end: UnixTime(u64::MAX),
        ..DAY
    };
    let mut out = Vec::new();
    assert_eq!(
        ReportWriter::new(Out(&mut out), &late).err(),
        Some(WriteError::Order)
    );
    let mut small = [0; 20];
    let full = ReportWriter::new(SliceSink::new(&mut small), &DAY);
    assert_eq!(full.err(), Some(WriteError::Full));
}

#[test]
fn names_on_the_way() {
    let (start, end) = (UnixTime(1), UnixTime(2));
    let name = FileName::new(b"a.example", b"b.example", start, end).unwrap();
    assert_eq!(name.to_string(), "a.example!b.example!1!2.json");
    assert_eq!(name.media_type(), "application/tlsrpt+json");
    assert_eq!(name.compressed().media_type(), "application/tlsrpt+gzip");
    for bad in ["", "a b", "a!b", "../x", "a\r\nb", "a/b", "\u{e9}.example"] {
        assert!(FileName::new(bad.as_bytes(), b"b.example", start, end).is_none());
        assert!(FileName::new(b"a.example", bad.as_bytes(), start, end).is_none());
        assert!(name.with_unique_id(bad.as_bytes()).is_none(), "{bad}");
        let id = ReportId::new(b"1@a.example").unwrap();
        assert!(Subject::new(bad.as_bytes(), b"a.example", id).is_none());
        assert!(Subject::new(b"a.example", bad.as_bytes(), id).is_none());
    }
    for (id, is_good) in [
        ("735ff.e317+bf22029@mailexample.net", true),
        ("a!#$%&'*+-/=?^_`{|}~@b", true),
        ("", false),
        ("a", false),
        ("@b", false),
        ("a@", false),
        ("a@b@c", false),
        ("a..b@c", false),
        (".a@b", false),
        ("a.@b", false),
        ("a b@c", false),
        ("a>@b", false),
        ("a\r\n@b", false),
    ] {
        assert_eq!(ReportId::new(id.as_bytes()).is_some(), is_good, "{id}");
    }
}

fn any_failure() -> impl Strategy<Value = (usize, u64, [Option<String>; 4], [Option<IpAddr>; 2])> {
    (
        0..ResultType::ALL.len(),
        any::<u64>(),
        any::<[Option<String>; 4]>(),
        any::<[Option<IpAddr>; 2]>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read(
        texts: [String; 3], start in 0_u64..1 << 37, end in 0_u64..1 << 37,
        policies in proptest::collection::vec((0_usize..3, any::<[String; 3]>(), any::<[u64; 2]>(), proptest::collection::vec(any_failure(), 0..4)), 0..4),
    ) {
        let [organization, contact, id] = &texts;
        let metadata = Metadata { organization, contact, id, start: UnixTime(start), end: UnixTime(end) };
        let mut out = Vec::new();
        let mut writer = ReportWriter::new(Out(&mut out), &metadata).unwrap();
        let mut expected = Vec::from([format!("{} {} {} {start}-{end}", clean(organization), clean(contact), clean(id))]);
        for (kind, [domain, one, two], [successes, failed], failures) in &policies {
            let (successes, failed) = (*successes, *failed);
            let entry = Entry { policy_type: PolicyType::ALL[*kind], domain, successes, failed };
            writer.policy(&entry, [PolicyString::Text(one), PolicyString::Text(two)], [two.as_str()]).unwrap();
            let [domain, one, two] = [domain, one, two].map(|text| clean(text));
            let kind = PolicyType::ALL[*kind];
            expected.push(format!("{kind} {domain} {:?} {:?} {successes}/{failed}", [&one, &two], [&two]));
            for (kind, sessions, [name, helo, info, code], [from, to]) in failures {
                let failure = Failure {
                    sending_ip: *from, receiving_ip: *to,
                    mx_hostname: name.as_deref(), mx_helo: helo.as_deref(),
                    additional_information: info.as_deref(), reason_code: code.as_deref(),
                    ..Failure::new(ResultType::ALL[*kind], *sessions)
                };
                writer.failure(&failure).unwrap();
                let mut line = format!("{} {sessions}", ResultType::ALL[*kind]);
                for (mark, text) in [
                    ('s', from.map(|ip| ip.to_string())), ('n', name.as_deref().map(clean)), ('h', helo.as_deref().map(clean)),
                    ('r', to.map(|ip| ip.to_string())), ('a', info.as_deref().map(clean)), ('c', code.as_deref().map(clean)),
                ] {
                    if let Some(text) = text { let _ = write!(line, " {mark}={text}"); }
                }
                expected.push(line);
            }
        }
        writer.finish().unwrap();
        let report = Report::parse(&out).unwrap();
        prop_assert_eq!(show(&report), expected);
    }

    /// A report cut anywhere or with a byte changed is read or refused, and what is read can be shown.
    #[test]
    fn broken_anywhere(at in 0..EXAMPLE.len(), byte: u8) {
        prop_assert!(Report::parse(&EXAMPLE.as_bytes()[..at]).is_err());
        let mut text = EXAMPLE.as_bytes().to_vec();
        text[at] = byte;
        if let Ok(report) = Report::parse(&text) {
            prop_assert_eq!(report.policies().count(), 1);
            prop_assert!(show(&report).len() >= 2);
        }
    }

    #[test]
    fn any_record(text in "(v=TLSRPTv1 ?; ?)?[a-z=;:@, 1\u{e9}\r\n]{0,40}") {
        if let Ok(record) = Record::parse(text.as_bytes()) {
            prop_assert!(record.rua().count() >= 1);
        }
    }
}

/// As `Display` shows a text: control characters are hidden.
fn clean(text: &str) -> String {
    struct Plain<'a>(&'a str);
    impl fmt::Display for Plain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            scop_core::FmtSink(f)
                .put(self.0.as_bytes())
                .map_err(|_| fmt::Error)
        }
    }
    Plain(text).to_string()
}

/// The text of a TLSA record is that of RFC 6698 2.2.
#[test]
fn tlsa_text() {
    let tlsa = Tlsa {
        usage: 0,
        selector: 0,
        matching: 1,
        data: &[0xd2, 0xab, 0x0c],
    };
    let mut text: heapless::Vec<u8, 32> = heapless::Vec::new();
    PolicyString::Tlsa(tlsa).emit(&mut text).unwrap();
    assert_eq!(text, b"0 0 1 D2AB0C");
    let mut text: heapless::Vec<u8, 32> = heapless::Vec::new();
    PolicyString::Field(b"mx", b"*.example.com")
        .emit(&mut text)
        .unwrap();
    assert_eq!(text, b"mx: *.example.com");
}
