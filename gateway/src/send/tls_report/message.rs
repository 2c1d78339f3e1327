//! A report as JSON (RFC 8460 4.4), and the message that brings it (RFC 8460 5.3).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use scop_core::UnixTime;
use scop_mime_core::build::{Address, Body, Draft, Field, Mailbox, Options, Value};
use scop_mime_core::header::date::{DateTime, Zone};
use scop_smtp_proto::policy::mta_sts;
use scop_smtp_proto::policy::tls_rpt::{
    Entry, Failure, FileName, Metadata, PolicyString, PolicyType, ReportId, ReportWriter, Subject,
};
use scop_smtp_proto::{Domain, ReversePath};

use super::count::{Counts, Policy, date};
use super::{DAY, LONGEST_DELAY};
use crate::error::Error;
use crate::send::config;

/// Of a report that is compressed (RFC 8460 6.5).
pub(super) const MEDIA_TYPE: &str = "application/tlsrpt+gzip";

/// Instead of the texts of policies that are not kept.
const UNTOLD: &str = "(policies that are not repeated here: too long, or too many in one day)";

/// Who reports.
#[derive(Clone, Debug)]
pub(crate) struct Submitter {
    organization: String,
    contact: String,
    /// An address.
    pub(super) from: String,
    /// Of that address.
    domain: String,
}

impl Submitter {
    /// As it is configured.
    ///
    /// # Errors
    /// When the sender of the reports is no address, its domain has no key, or the delay is too long.
    pub(crate) fn new(report: &config::Report, keys: &[config::Key]) -> Result<Self, Error> {
        let place = "tls.report.from";
        let path = format!("<{}>", report.from);
        let mailbox = ReversePath::parse(path.as_bytes()).ok();
        let domain = match mailbox
            .and_then(|path| path.mailbox())
            .map(|mailbox| mailbox.domain())
        {
            Some(Domain::Name(name)) if path.is_ascii() => name.as_str().to_ascii_lowercase(),
            _ => {
                return Err(Error::new(
                    place,
                    "an address at a domain in A-labels is needed",
                ));
            }
        };
        if !keys
            .iter()
            .any(|key| key.domain.eq_ignore_ascii_case(&domain))
        {
            let rule = format!(
                "{domain} has no key under [[sign]], and reports must be signed (RFC 8460 3)"
            );
            return Err(Error::new(place, rule));
        }
        if report.delay.0 > LONGEST_DELAY {
            return Err(Error::new("tls.report.delay", "4h is the most"));
        }
        Ok(Self {
            organization: report.organization.clone(),
            contact: report.contact.clone(),
            from: report.from.clone(),
            domain,
        })
    }
}

/// A report.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    /// `2026-11-24.example.org@example.net`.
    pub(super) id: String,
    pub(super) gzip: Vec<u8>,
    file_name: String,
    day: u64,
}

/// What cannot be written.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Writes the report on one domain.
pub(super) fn render(
    submitter: &Submitter,
    day: u64,
    domain: &str,
    counts: &Counts,
) -> Result<Rendered, Broken> {
    let start = UnixTime(day.saturating_mul(DAY));
    let end = UnixTime(start.0.saturating_add(DAY - 1));
    let id = format!("{}.{domain}@{}", date(day), submitter.domain);
    let metadata = Metadata {
        organization: &submitter.organization,
        contact: &submitter.contact,
        id: &id,
        start,
        end,
    };
    let mut json = Vec::new();
    let mut writer = ReportWriter::new(&mut json, &metadata)?;
    for policy in counts.policies() {
        let text = policy.text.as_deref().map(str::as_bytes);
        let parsed = text.and_then(|text| mta_sts::Policy::parse(text).ok());
        let entry = Entry {
            policy_type: match policy.text {
                Some(_) => PolicyType::Sts,
                None => PolicyType::NoPolicyFound,
            },
            domain,
            successes: policy.successes,
            failed: policy.failed,
        };
        let fields = parsed.iter().flat_map(mta_sts::Policy::fields);
        let unknown =
            (policy.text.is_some() && parsed.is_none()).then_some(PolicyString::Text(UNTOLD));
        let hosts = parsed.iter().flat_map(mta_sts::Policy::mx);
        writer.policy(
            &entry,
            fields
                .map(|(name, value)| PolicyString::Field(name, value))
                .chain(unknown),
            // The name of a host is ASCII.
            hosts.filter_map(|host| str::from_utf8(host).ok()),
        )?;
        write_failures(&mut writer, policy)?;
    }
    writer.finish()?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json)?;
    let file_name = FileName::new(submitter.domain.as_bytes(), domain.as_bytes(), start, end)
        .ok_or("the domain is no host name")?
        .compressed();
    Ok(Rendered {
        id,
        gzip: encoder.finish()?,
        file_name: file_name.to_string(),
        day,
    })
}

fn write_failures(writer: &mut ReportWriter<&mut Vec<u8>>, policy: &Policy) -> Result<(), Broken> {
    for detail in &policy.details {
        let failure = Failure {
            mx_hostname: detail.host.as_deref(),
            receiving_ip: detail.address,
            ..Failure::new(detail.kind, detail.sessions)
        };
        writer.failure(&failure)?;
    }
    Ok(())
}

/// The message that brings the report to an address.
pub(super) fn mail(
    submitter: &Submitter,
    domain: &str,
    report: &Rendered,
    to: &str,
    now: UnixTime,
    entropy: [u8; 16],
) -> Result<Vec<u8>, Broken> {
    let subject = ReportId::new(report.id.as_bytes())
        .and_then(|id| Subject::new(domain.as_bytes(), submitter.domain.as_bytes(), id))
        .ok_or("the names of the report make no subject")?
        .to_string();
    let text = format!(
        "This is a report of TLS (RFC 8460) on mail to {domain}, sent by {} on {} (UTC).\n\
         The figures are in the attachment. Questions go to {}.\n",
        submitter.organization,
        date(report.day),
        submitter.contact,
    );
    let to = [Address::new("", to)];
    let unique = entropy.map(|octet| format!("{octet:02x}")).concat();
    let message_id = format!("{unique}@{}", submitter.domain);
    let fields = [
        Field::to(&to),
        Field::subject(&subject),
        Field::message_id(&message_id),
        Field::new("TLS-Report-Domain", Value::Structured(domain)),
        Field::new("TLS-Report-Submitter", Value::Structured(&submitter.domain)),
        Field::new("TLS-Required", Value::Structured("No")),
        Field::auto_submitted("auto-generated"),
    ];
    let parts = [
        Body::text(&text),
        Body::attachment(MEDIA_TYPE, &report.file_name, &report.gzip),
    ];
    let date = DateTime::from_unix(now, Zone::UTC).ok_or("the clock is beyond the year 9999")?;
    let from = Mailbox::new(&submitter.organization, &submitter.from);
    let mut octets = Vec::new();
    Draft::new(date, from, &fields, Body::report("tlsrpt", &parts))
        .write(&Options::new(entropy), &mut octets)?;
    Ok(octets)
}
