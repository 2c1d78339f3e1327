//! TLS reports: JSON is what `serde_json` takes for JSON, a report is read as `serde_json` reads it, and what
//! is written of it is read as the same; the record agrees with a naive reading.

use std::net::IpAddr;

use scop_core::json::{Kind, Text, Value};
use scop_smtp_proto::policy::tls_rpt::{
    Entry, Failure, FailureDetail, Limits, Metadata, PolicyReport, PolicyString, PolicyType,
    Record, Report, ReportWriter, ResultType, Rua,
};

/// `serde_json` takes one level less than 128.
const DEPTH: u8 = 127;

/// A report, or a record.
pub fn run(data: &[u8]) {
    let serde = serde_json::from_slice::<serde_json::Value>(data).ok();
    let value = Value::parse_with_depth(data, DEPTH);
    assert_eq!(value.ok().map(of), serde);
    match Report::parse(data) {
        Ok(report) => check_report(&report, &serde.expect("it is JSON")),
        Err(error) => assert!(error.offset() <= data.len()),
    }
    let mut limits = Limits::DEFAULT;
    (limits.policies, limits.failures, limits.depth) = (1, 1, 6);
    if let Ok(report) = Report::parse_with(data, &limits) {
        assert!(Report::parse(data).is_ok());
        assert!(report.policies().count() <= 1);
    }
    let record = Record::parse(data).ok();
    let read = record.map(|record| record.rua().map(uri_of).collect::<Vec<_>>());
    assert_eq!(read, naive_record(data));
}

/// As `serde_json` has it: of members of one name the last counts.
fn of(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool(value) => value.into(),
        Kind::Number(number) => serde_json::Value::Number(
            serde_json::from_str(number.raw()).expect("serde_json knows it"),
        ),
        Kind::String(text) => characters(text).into(),
        Kind::Array => value.elements().map(of).collect(),
        Kind::Object => value
            .members()
            .map(|(name, value)| (characters(name), of(value)))
            .collect(),
    }
}

fn check_report(report: &Report<'_>, serde: &serde_json::Value) {
    assert_eq!(
        serde["organization-name"],
        characters(report.organization())
    );
    assert_eq!(serde["contact-info"], characters(report.contact()));
    assert_eq!(serde["report-id"], characters(report.id()));
    let policies: Vec<PolicyReport<'_>> = report.policies().collect();
    let list = serde["policies"].as_array().expect("a list");
    assert_eq!(policies.len(), list.len());
    for (policy, serde) in policies.iter().zip(list) {
        let (own, summary) = (&serde["policy"], &serde["summary"]);
        assert_eq!(own["policy-type"], characters(policy.policy_type_text()));
        assert_eq!(own["policy-domain"], characters(policy.domain()));
        check_list(&own["policy-string"], policy.strings());
        check_list(&own["mx-host"], policy.mx_hosts());
        let counts = (policy.successes().to_string(), policy.failed().to_string());
        assert_eq!(
            summary["total-successful-session-count"].to_string(),
            counts.0
        );
        assert_eq!(summary["total-failure-session-count"].to_string(), counts.1);
        let none = Vec::new();
        let details = serde["failure-details"].as_array().unwrap_or(&none);
        assert_eq!(policy.failures().count(), details.len());
        for (failure, serde) in policy.failures().zip(details) {
            assert_eq!(serde["result-type"], characters(failure.result_type_text()));
            assert_eq!(
                serde["failed-session-count"].to_string(),
                failure.sessions().to_string()
            );
            let texts = [
                ("sending-mta-ip", failure.sending_ip_text()),
                ("receiving-ip", failure.receiving_ip_text()),
                ("receiving-mx-hostname", failure.mx_hostname()),
                ("receiving-mx-helo", failure.mx_helo()),
                ("additional-information", failure.additional_information()),
                ("failure-reason-code", failure.reason_code()),
            ];
            for (name, text) in texts {
                assert_eq!(
                    serde.get(name).cloned(),
                    text.map(|text| characters(text).into())
                );
            }
        }
    }
    check_written(report, &policies);
}

fn check_list<'t>(serde: &serde_json::Value, texts: impl Iterator<Item = Text<'t>>) {
    let none = Vec::new();
    let texts: Vec<serde_json::Value> = texts.map(|text| characters(text).into()).collect();
    assert_eq!(serde.as_array().unwrap_or(&none), &texts);
}

fn characters(text: Text<'_>) -> String {
    text.chars().collect()
}

/// What is known of a failure, and the texts of it.
type Known = (ResultType, u64, [Option<IpAddr>; 2], [Option<String>; 4]);

fn known(failure: &FailureDetail<'_>) -> Known {
    let texts = [
        failure.mx_hostname(),
        failure.mx_helo(),
        failure.additional_information(),
        failure.reason_code(),
    ];
    (
        failure
            .result_type()
            .unwrap_or(ResultType::ValidationFailure),
        failure.sessions(),
        [failure.sending_ip(), failure.receiving_ip()],
        texts.map(|text| text.map(characters)),
    )
}

/// What is written of a report is read as it was meant.
fn check_written(report: &Report<'_>, policies: &[PolicyReport<'_>]) {
    let (organization, contact, id) = (
        characters(report.organization()),
        characters(report.contact()),
        characters(report.id()),
    );
    let metadata = Metadata {
        organization: &organization,
        contact: &contact,
        id: &id,
        start: report.start(),
        end: report.end(),
    };
    let mut writer = ReportWriter::new(Vec::new(), &metadata).expect("it was read");
    for policy in policies {
        let domain = characters(policy.domain());
        let entry = Entry {
            policy_type: policy.policy_type().unwrap_or(PolicyType::NoPolicyFound),
            domain: &domain,
            successes: policy.successes(),
            failed: policy.failed(),
        };
        let strings: Vec<String> = policy.strings().map(characters).collect();
        let hosts: Vec<String> = policy.mx_hosts().map(characters).collect();
        writer
            .policy(
                &entry,
                strings.iter().map(|text| PolicyString::Text(text)),
                hosts.iter().map(String::as_str),
            )
            .expect("it was read");
        for failure in policy.failures() {
            let (result_type, sessions, [sending_ip, receiving_ip], texts) = known(&failure);
            let [mx_hostname, mx_helo, information, reason] = &texts;
            let mut written = Failure::new(result_type, sessions);
            written.sending_ip = sending_ip;
            written.receiving_ip = receiving_ip;
            written.mx_hostname = mx_hostname.as_deref();
            written.mx_helo = mx_helo.as_deref();
            written.additional_information = information.as_deref();
            written.reason_code = reason.as_deref();
            writer.failure(&written).expect("it was read");
        }
    }
    let written = writer.finish().expect("it was read");
    let again = Report::parse(&written).expect("it was written");
    assert_eq!(
        (again.organization(), again.contact(), again.id()),
        (report.organization(), report.contact(), report.id())
    );
    assert_eq!((again.start(), again.end()), (report.start(), report.end()));
    assert_eq!(again.policies().count(), policies.len());
    for (again, policy) in again.policies().zip(policies) {
        let kind = policy.policy_type().unwrap_or(PolicyType::NoPolicyFound);
        assert_eq!(again.policy_type(), Some(kind));
        assert_eq!(again.domain(), policy.domain());
        assert_eq!(
            (again.successes(), again.failed()),
            (policy.successes(), policy.failed())
        );
        assert!(again.strings().eq(policy.strings()) && again.mx_hosts().eq(policy.mx_hosts()));
        let failures = |policy: &PolicyReport<'_>| policy.failures().map(|f| known(&f)).collect();
        let (own, other): (Vec<Known>, Vec<Known>) = (failures(&again), failures(policy));
        assert_eq!(own, other);
    }
}

fn uri_of(rua: Rua<'_>) -> (u8, Vec<u8>) {
    match rua {
        Rua::Mailto(address) => (0, address.to_vec()),
        Rua::Https(uri) => (1, uri.to_vec()),
        Rua::Other(uri) => (2, uri.to_vec()),
    }
}

/// RFC 8460 3.
fn naive_record(data: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let text: String = data.iter().map(|&byte| char::from(byte)).collect();
    let trim = |piece: &str| piece.trim_matches([' ', '\t']).to_owned();
    let mut pieces: Vec<String> = text.split(';').map(trim).collect();
    if !text.starts_with("v=TLSRPTv1") || pieces.remove(0) != "v=TLSRPTv1" || pieces.is_empty() {
        return None;
    }
    if pieces.last().is_some_and(String::is_empty) {
        pieces.pop();
    }
    let mut rua = None;
    for piece in &pieces {
        let (name, value) = piece.split_once('=')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts_well || name.len() > 32 || !name.chars().all(is_name) {
            return None;
        }
        if name == "rua" {
            let uris: Option<Vec<_>> = value.split(',').map(|uri| naive_uri(&trim(uri))).collect();
            if rua.replace(uris?).is_some() {
                return None;
            }
        } else if value.is_empty() || !value.chars().all(|c| c.is_ascii_graphic() && c != '=') {
            return None;
        }
    }
    rua
}

fn naive_uri(uri: &str) -> Option<(u8, Vec<u8>)> {
    let (scheme, rest) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let is_rest = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}!".contains(c);
    let escapes_well = rest.split('%').skip(1).all(|behind| {
        let digits = behind.get(..2);
        digits.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))
    });
    if !is_scheme || rest.is_empty() || !rest.chars().all(is_rest) || !escapes_well {
        return None;
    }
    let address = rest.split('?').next()?;
    let host = rest
        .strip_prefix("//")
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    Some(match &*scheme.to_ascii_lowercase() {
        "mailto" if !address.is_empty() => (0, address.as_bytes().to_vec()),
        "https" if host.is_some_and(|host| !host.is_empty()) => (1, uri.as_bytes().to_vec()),
        _ => (2, uri.as_bytes().to_vec()),
    })
}
