//! `scop report`: reports that other mail servers sent, for people or as JSON.
//!
//! Read are reports of TLS (RFC 8460): the JSON, the same as gzip, or the message that brought it. What a file is,
//! its first octets say. All of it is foreign: octets are bounded before and after they are unpacked, those of all
//! reports of a message together.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use scop_core::json::Text;
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
        return Ok(crate::report::json::document(&document));
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
    let mut room = tls_rpt::Limits::DEFAULT.octets;
    if is_gzip(&octets) || octets.trim_ascii_start().first() == Some(&b'{') {
        reports.push(Report::read(&source, &octets, &mut room)?);
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
            reports.push(Report::read(&source, &content, &mut room)?);
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
    /// Reads JSON, or JSON as gzip; takes its octets from `room`.
    fn read(source: &Source, octets: &[u8], room: &mut usize) -> Result<Self, Error> {
        let limit = *room;
        let unpacked;
        let json = if is_gzip(octets) {
            let mut json = Vec::new();
            let read = GzDecoder::new(octets)
                .take(limit as u64 + 1)
                .read_to_end(&mut json);
            read.map_err(|error| Error::new(source, format_args!("the gzip is broken: {error}")))?;
            if json.len() > limit {
                let rule = "it holds more than 10 MiB unpacked, the limit";
                return Err(Error::new(source, rule));
            }
            unpacked = json;
            unpacked.as_slice()
        } else {
            octets
        };
        *room = limit.saturating_sub(json.len());
        let report = tls_rpt::Report::parse(json).map_err(|error| Error::new(source, error))?;
        Ok(Self {
            file: source.to_string(),
            kind: "tls",
            organization: exact(report.organization()),
            contact: exact(report.contact()),
            id: exact(report.id()),
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
            let text = |text: Option<Text<'_>>| text.map(exact);
            Detail {
                result: exact(failure.result_type_text()),
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
            domain: exact(policy.domain()),
            kind: exact(policy.policy_type_text()),
            text: policy.strings().map(exact).collect(),
            mx: policy.mx_hosts().map(exact).collect(),
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

/// All characters of a text, those that would steer a terminal too.
fn exact(text: Text<'_>) -> String {
    text.chars().collect()
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
                let texts = [host, detail.address.as_ref(), detail.reason.as_ref()];
                for text in texts.into_iter().flatten() {
                    write!(out, "  {}", shown(text))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::fs;
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    const JSON: &str = r#"{
  "organization-name": "Company-X \u001b[31m", "contact-info": "tls@example.net", "report-id": "7",
  "date-range": {"start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z"},
  "policies": [{
    "policy": {"policy-type": "sts", "policy-domain": "example.org", "policy-string": ["version: STSv1", "mode: testing"]},
    "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
    "failure-details": [
      {"result-type": "certificate-expired", "failed-session-count": 100, "receiving-mx-hostname": "mx1.example.org"},
      {"result-type": "starttls-not-supported", "failed-session-count": 203, "receiving-ip": "192.0.2.56"}]
  }]
}"#;

    fn gzip(octets: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    }

    fn message(content_type: &str, octets: &[u8]) -> Vec<u8> {
        let text = base64::engine::general_purpose::STANDARD.encode(octets);
        format!(
            "From: a@example.net\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=tlsrpt; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nHello {{}}\r\n\
             --b\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}\r\n--b--\r\n"
        )
        .into_bytes()
    }

    fn report(octets: &[u8], json: bool) -> Result<String, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("scop-report-{}-{number}", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        fs::write(&path, octets).unwrap();
        let arguments = cli::Report {
            files: vec![path.clone()],
            json,
        };
        let said = run(&arguments);
        fs::remove_file(&path).unwrap();
        let place = path.display().to_string();
        said.map(|text| text.replace(&place, "FILE"))
            .map_err(|error| error.to_string().replace(&place, "FILE"))
    }

    #[test]
    fn every_form_says_the_same() {
        let expected = "\
FILE: TLS, 2016-04-01T00:00:00Z to 2016-04-01T23:59:59Z, by Company-X \\u{1b}[31m (tls@example.net), id 7
  domain       policy          successes    failures
  example.org  sts (testing)        5326         303
         100  certificate-expired  mx1.example.org
         203  starttls-not-supported  192.0.2.56
";
        let json = JSON.as_bytes();
        for octets in [
            json.to_vec(),
            gzip(json),
            message("application/tlsrpt+gzip", &gzip(json)),
            message("Application/TLSRPT+JSON; x=y", json),
            message("application/gzip", &gzip(json)),
        ] {
            let said = report(&octets, false).unwrap();
            let said = said.replace(said.split(':').next().unwrap(), "FILE");
            assert_eq!(said, expected);
            let document = report(&octets, true).unwrap();
            let document: serde_json::Value = serde_json::from_str(&document).unwrap();
            let policy = &document["reports"][0]["policies"][0];
            assert_eq!(
                (&policy["successes"], &policy["failures"]),
                (&5326.into(), &303.into())
            );
            assert_eq!(policy["details"][1]["address"], "192.0.2.56");
        }
    }

    /// A few octets must not become a hundred reports of the longest kind.
    #[test]
    fn many_reports_in_one_message() {
        let padded = JSON.replace("\"7\"", &format!("\"{}\"", "7".repeat(6 << 20)));
        let part = message("application/tlsrpt+gzip", &gzip(padded.as_bytes()));
        let one = String::from_utf8(part).unwrap();
        assert!(report(one.as_bytes(), false).is_ok());
        let start = one.rfind("--b\r\nContent-Type").unwrap();
        let (head, tail) = one.split_at(start);
        let many = [head, &tail.replace("--b--\r\n", "").repeat(2), "--b--\r\n"].concat();
        let error = report(many.as_bytes(), false).unwrap_err();
        assert!(error.contains("more than 10 MiB unpacked"), "{error}");
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let bomb = gzip(&vec![b' '; 11 << 20]);
        assert!(bomb.len() < 20_000);
        let deep = "[".repeat(100_000);
        let deep = JSON.replace("\"7\"", &format!("\"7\", \"x\": {deep}"));
        let broken = gzip(JSON.as_bytes());
        let broken = &broken[..broken.len() - 10];
        for (octets, words) in [
            (&b""[..], "neither a report"),
            (b"From: a@example.net\r\n\r\n{}\r\n", "neither a report"),
            (b"{}", "FILE: "),
            (&bomb, "more than 10 MiB unpacked"),
            (
                &message("application/tlsrpt+gzip", &bomb),
                "more than 10 MiB unpacked",
            ),
            (broken, "the gzip is broken"),
            (&message("application/tlsrpt+gzip", b"x"), "FILE: "),
            (deep.as_bytes(), "FILE: "),
        ] {
            let error = report(octets, false).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
