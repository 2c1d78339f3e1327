//! `scop report`: reports that other mail servers sent, for people or as JSON.
//!
//! Read are reports of TLS (RFC 8460): the JSON, the same as gzip, or the message that brought it. What a file is,
//! its first octets say. All of it is foreign: octets are bounded before and after they are unpacked.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use scop_mime_core::{Kind, Message};
use scop_smtp_proto::policy::tls_rpt;
use serde::Serialize;

use crate::cli;
use crate::error::Error;
use crate::message::{Source, reason};
use crate::terminal::shown_within;

/// The longest file that is read.
const MAX_FILE: u64 = 64 << 20;

/// Characters of a text of the report that are shown.
const WIDTH: usize = 60;

/// The version of the JSON document, raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// Parts of a message that are looked at.
const PARTS: usize = 100;

#[derive(Debug, Serialize)]
struct Document {
    format: &'static str,
    version: u32,
    reports: Vec<Report>,
}

/// One report.
#[derive(Debug, Serialize)]
struct Report {
    file: String,
    /// What it reports on: `tls`.
    kind: &'static str,
    organization: String,
    contact: String,
    id: String,
    /// Seconds since 1970.
    start: u64,
    end: u64,
    policies: Vec<Policy>,
}

#[derive(Debug, Serialize)]
struct Policy {
    domain: String,
    #[serde(rename = "type")]
    kind: String,
    text: Vec<String>,
    mx: Vec<String>,
    successes: u64,
    failures: u64,
    details: Vec<Detail>,
}

#[derive(Debug, Serialize)]
struct Detail {
    result: String,
    sessions: u64,
    sending_address: Option<String>,
    host: Option<String>,
    helo: Option<String>,
    address: Option<String>,
    information: Option<String>,
    reason: Option<String>,
}

/// What is to be printed.
pub(crate) fn run(arguments: &cli::Report) -> Result<String, Error> {
    let mut reports = Vec::new();
    for path in &arguments.files {
        read(path, &mut reports)?;
    }
    if arguments.json {
        let document = Document {
            format: "scop-report",
            version: VERSION,
            reports,
        };
        return serde_json::to_string_pretty(&document)
            .map(|text| text + "\n")
            .map_err(|error| Error::new("the report", error));
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_all(&mut text, &reports);
    Ok(text)
}

/// Reads all reports of a file.
fn read(path: &Path, reports: &mut Vec<Report>) -> Result<(), Error> {
    let source = Source::from_argument(Some(path));
    let fail = |rule: &dyn std::fmt::Display| Error::new(&source, rule);
    let mut octets = Vec::new();
    let reader: Box<dyn std::io::Read> = match &source {
        Source::File(path) => Box::new(Source::open_file(path)?),
        Source::Stdin => Box::new(Source::stdin()),
    };
    let read = reader.take(MAX_FILE + 1).read_to_end(&mut octets);
    read.map_err(|error| fail(&reason(&error)))?;
    if octets.len() as u64 > MAX_FILE {
        return Err(fail(&"the file goes on after 64 MiB, the limit"));
    }
    let before = reports.len();
    if is_gzip(&octets) || octets.trim_ascii_start().first() == Some(&b'{') {
        reports.push(Report::read(&source, &octets)?);
    } else {
        let index = Message::index(&octets);
        for part in index.parts().take(PARTS) {
            if part.content().kind != Kind::Leaf {
                continue;
            }
            let content_type = part.content_type();
            let subtype = content_type.subtype().to_ascii_lowercase();
            let is_report = content_type
                .type_name()
                .eq_ignore_ascii_case(b"application")
                && matches!(
                    subtype.as_slice(),
                    b"tlsrpt+gzip" | b"tlsrpt+json" | b"gzip" | b"x-gzip" | b"json"
                );
            if !is_report {
                continue;
            }
            let mut content = Vec::new();
            // A vector takes everything.
            let _ = part.decode(&mut content);
            reports.push(Report::read(&source, &content)?);
        }
    }
    if reports.len() == before {
        return Err(fail(
            &"neither a report of TLS (JSON, or JSON as gzip) nor a message with one (RFC 8460)",
        ));
    }
    Ok(())
}

fn is_gzip(octets: &[u8]) -> bool {
    octets.starts_with(&[0x1f, 0x8b])
}

impl Report {
    /// Reads JSON, or JSON as gzip.
    fn read(source: &Source, octets: &[u8]) -> Result<Self, Error> {
        let limit = tls_rpt::Limits::DEFAULT.octets;
        let unpacked;
        let json = if is_gzip(octets) {
            let mut json = Vec::new();
            let read = GzDecoder::new(octets)
                .take(limit as u64 + 1)
                .read_to_end(&mut json);
            read.map_err(|error| Error::new(source, format_args!("the gzip is broken: {error}")))?;
            if json.len() > limit {
                let rule = "the gzip holds more than 10 MiB, the limit";
                return Err(Error::new(source, rule));
            }
            unpacked = json;
            unpacked.as_slice()
        } else {
            octets
        };
        let report = tls_rpt::Report::parse(json).map_err(|error| Error::new(source, error))?;
        Ok(Self {
            file: source.to_string(),
            kind: "tls",
            organization: report.organization().to_string(),
            contact: report.contact().to_string(),
            id: report.id().to_string(),
            start: report.start().0,
            end: report.end().0,
            policies: report
                .policies()
                .map(|policy| Policy::new(&policy))
                .collect(),
        })
    }
}

impl Policy {
    fn new(policy: &tls_rpt::PolicyReport<'_>) -> Self {
        let details = policy.failures().map(|failure| {
            let text = |text: Option<scop_core::json::Text<'_>>| text.map(|text| text.to_string());
            Detail {
                result: failure.result_type_text().to_string(),
                sessions: failure.sessions(),
                sending_address: text(failure.sending_ip_text()),
                host: text(failure.mx_hostname()),
                helo: text(failure.mx_helo()),
                address: text(failure.receiving_ip_text()),
                information: text(failure.additional_information()),
                reason: text(failure.reason_code()),
            }
        });
        Self {
            domain: policy.domain().to_string(),
            kind: policy.policy_type_text().to_string(),
            text: policy.strings().map(|text| text.to_string()).collect(),
            mx: policy.mx_hosts().map(|text| text.to_string()).collect(),
            successes: policy.successes(),
            failures: policy.failed(),
            details: details.collect(),
        }
    }

    /// `sts (enforce)`.
    fn label(&self) -> String {
        let mode = self.text.iter().find_map(|line| line.strip_prefix("mode:"));
        let mode = mode.map_or_else(String::new, |mode| format!(" ({})", mode.trim()));
        shown(&(self.kind.clone() + &mode))
    }
}

fn shown(text: &str) -> String {
    shown_within(text.as_bytes(), WIDTH)
}

fn write_all(out: &mut String, reports: &[Report]) -> std::fmt::Result {
    let policies = || reports.iter().flat_map(|report| &report.policies);
    let width = |texts: &mut dyn Iterator<Item = String>, least: usize| {
        texts
            .map(|text| text.chars().count())
            .fold(least, usize::max)
    };
    let domain_width = width(&mut policies().map(|policy| shown(&policy.domain)), 6);
    let label_width = width(&mut policies().map(Policy::label), 6);
    for (index, report) in reports.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(
            out,
            "{}: TLS, {} to {}, by {} ({}), id {}",
            shown(&report.file),
            time(report.start),
            time(report.end),
            shown(&report.organization),
            shown(&report.contact),
            shown(&report.id)
        )?;
        writeln!(
            out,
            "  {:domain_width$}  {:label_width$}  {:>10}  {:>10}",
            "domain", "policy", "successes", "failures"
        )?;
        for policy in &report.policies {
            writeln!(
                out,
                "  {:domain_width$}  {:label_width$}  {:>10}  {:>10}",
                shown(&policy.domain),
                policy.label(),
                policy.successes,
                policy.failures
            )?;
            for detail in &policy.details {
                write!(out, "{:>12}  {}", detail.sessions, shown(&detail.result))?;
                let host = detail.host.as_ref().or(detail.helo.as_ref());
                for text in [host, detail.address.as_ref(), detail.reason.as_ref()] {
                    if let Some(text) = text {
                        write!(out, "  {}", shown(text))?;
                    }
                }
                writeln!(out)?;
            }
        }
    }
    Ok(())
}

/// RFC 3339; the number where no calendar has it.
fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|time| jiff::Timestamp::from_second(time).ok());
    time.map_or_else(|| seconds.to_string(), |time| time.to_string())
}
