//! Writing a report (RFC 8460 4.4) from the counters of a host.

use core::net::IpAddr;

use scop_core::json::{WriteError, Writer};
use scop_core::{Emit, Full, Sink, Tlsa, UnixTime};

use super::{PolicyType, ResultType};
use crate::parameter::Timestamp;

/// What a report says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a> {
    /// Who reports.
    pub organization: &'a str,
    /// A mail address to ask about the report.
    pub contact: &'a str,
    /// Names the report, among all of the organization.
    pub id: &'a str,
    /// The first second of what is reported: the start of a day in UTC (RFC 8460 4.1).
    pub start: UnixTime,
    /// The last second of what is reported.
    pub end: UnixTime,
}

/// What happened under one policy.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Which kind of policy.
    pub policy_type: PolicyType,
    /// The domain that it belongs to.
    pub domain: &'a str,
    /// How many sessions came about over TLS.
    pub successes: u64,
    /// How many failed.
    pub failed: u64,
}

/// One string of a policy.
#[derive(Clone, Copy, Debug)]
pub enum PolicyString<'a> {
    /// A field of an MTA-STS policy, as [`Policy::fields`](crate::policy::mta_sts::Policy::fields)
    /// gives it.
    Field(&'a [u8], &'a [u8]),
    /// A TLSA record, in presentation form (RFC 6698 2.2).
    Tlsa(Tlsa<'a>),
    /// Anything else.
    Text(&'a str),
}

impl Emit for PolicyString<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Field(name, value) => {
                sink.put(name)?;
                sink.put(b": ")?;
                sink.put(value)
            }
            Self::Tlsa(tlsa) => {
                for number in [tlsa.usage, tlsa.selector, tlsa.matching] {
                    sink.put_decimal(number.into())?;
                    sink.put_byte(b' ')?;
                }
                let digit = |nibble| nibble + if nibble < 10 { b'0' } else { b'A' - 10 };
                (tlsa.data.iter())
                    .try_for_each(|octet| sink.put(&[digit(octet >> 4), digit(octet & 15)]))
            }
            Self::Text(text) => sink.put(text.as_bytes()),
        }
    }
}

/// Sessions that failed in the same way.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// What went wrong.
    pub result_type: ResultType,
    /// How many sessions.
    pub sessions: u64,
    /// The address of the sender.
    pub sending_ip: Option<IpAddr>,
    /// The name of the mail exchange.
    pub mx_hostname: Option<&'a str>,
    /// The name that the mail exchange gave itself in its reply to EHLO.
    pub mx_helo: Option<&'a str>,
    /// The address of the mail exchange.
    pub receiving_ip: Option<IpAddr>,
    /// A URI with more about it.
    pub additional_information: Option<&'a str>,
    /// An error code of the TLS library.
    pub reason_code: Option<&'a str>,
}

impl Failure<'_> {
    /// A failure of which nothing more is told.
    pub const fn new(result_type: ResultType, sessions: u64) -> Self {
        Self {
            result_type,
            sessions,
            sending_ip: None,
            mx_hostname: None,
            mx_helo: None,
            receiving_ip: None,
            additional_information: None,
            reason_code: None,
        }
    }
}

/// Writes a report as it goes: each policy, and behind it its failures.
///
/// ```
/// use scop_core::{SliceSink, UnixTime};
/// use scop_smtp_proto::policy::tls_rpt::{Entry, Failure, Metadata, PolicyString, PolicyType};
/// use scop_smtp_proto::policy::tls_rpt::{Report, ReportWriter, ResultType};
/// let mut buffer = [0; 1024];
/// let mut sink = SliceSink::new(&mut buffer);
/// let metadata = Metadata {
///     organization: "Example",
///     contact: "tls@example.org",
///     id: "2026-04-01.example.com",
///     start: UnixTime(1_775_001_600),
///     end: UnixTime(1_775_087_999),
/// };
/// let mut writer = ReportWriter::new(&mut sink, &metadata)?;
/// let entry = Entry {
///     policy_type: PolicyType::Sts,
///     domain: "example.com",
///     successes: 9,
///     failed: 1,
/// };
/// writer.policy(&entry, [PolicyString::Text("version: STSv1")], ["mx.example.com"])?;
/// writer.failure(&Failure::new(ResultType::CertificateExpired, 1))?;
/// writer.finish()?;
/// assert!(Report::parse(sink.written()).is_ok());
/// # Ok::<(), scop_core::json::WriteError>(())
/// ```
#[derive(Debug)]
pub struct ReportWriter<S> {
    json: Writer<S>,
    /// A policy is open, and the array of its failures.
    open: Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    Nothing,
    Policy,
    Failures,
}

impl<S: Sink> ReportWriter<S> {
    /// Begins a report.
    ///
    /// # Errors
    /// See [`WriteError`], here and in what follows. A time after the year 9999 is [`WriteError::Order`].
    pub fn new(sink: S, metadata: &Metadata<'_>) -> Result<Self, WriteError> {
        let time = |time| Timestamp::from_unix(time).ok_or(WriteError::Order);
        let (start, end) = (time(metadata.start)?, time(metadata.end)?);
        let mut json = Writer::new(sink);
        json.begin_object()?;
        json.name("organization-name")?;
        json.string(metadata.organization)?;
        json.name("date-range")?;
        json.begin_object()?;
        json.name("start-datetime")?;
        json.string_of(&start)?;
        json.name("end-datetime")?;
        json.string_of(&end)?;
        json.end()?;
        json.name("contact-info")?;
        json.string(metadata.contact)?;
        json.name("report-id")?;
        json.string(metadata.id)?;
        json.name("policies")?;
        json.begin_array()?;
        Ok(Self {
            json,
            open: Open::Nothing,
        })
    }

    /// Begins a policy with its strings and the patterns of its mail exchanges; where there are none,
    /// the member is left out.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn policy<'p>(
        &mut self,
        entry: &Entry<'_>,
        strings: impl IntoIterator<Item = PolicyString<'p>>,
        mx_hosts: impl IntoIterator<Item = &'p str>,
    ) -> Result<(), WriteError> {
        self.close()?;
        let json = &mut self.json;
        json.begin_object()?;
        json.name("policy")?;
        json.begin_object()?;
        json.name("policy-type")?;
        json.string(entry.policy_type.as_str())?;
        list(json, "policy-string", strings)?;
        json.name("policy-domain")?;
        json.string(entry.domain)?;
        list(
            json,
            "mx-host",
            mx_hosts.into_iter().map(PolicyString::Text),
        )?;
        json.end()?;
        json.name("summary")?;
        json.begin_object()?;
        json.name("total-successful-session-count")?;
        json.unsigned(entry.successes)?;
        json.name("total-failure-session-count")?;
        json.unsigned(entry.failed)?;
        json.end()?;
        self.open = Open::Policy;
        Ok(())
    }

    /// Adds a failure to the last policy.
    ///
    /// # Errors
    /// See [`WriteError`]; [`WriteError::Order`] before the first policy.
    pub fn failure(&mut self, failure: &Failure<'_>) -> Result<(), WriteError> {
        let json = &mut self.json;
        match self.open {
            Open::Nothing => return Err(WriteError::Order),
            Open::Policy => {
                json.name("failure-details")?;
                json.begin_array()?;
                self.open = Open::Failures;
            }
            Open::Failures => {}
        }
        json.begin_object()?;
        json.name("result-type")?;
        json.string(failure.result_type.as_str())?;
        optional(json, "sending-mta-ip", failure.sending_ip)?;
        optional(
            json,
            "receiving-mx-hostname",
            failure.mx_hostname.map(PolicyString::Text),
        )?;
        optional(
            json,
            "receiving-mx-helo",
            failure.mx_helo.map(PolicyString::Text),
        )?;
        optional(json, "receiving-ip", failure.receiving_ip)?;
        json.name("failed-session-count")?;
        json.unsigned(failure.sessions)?;
        let information = failure.additional_information.map(PolicyString::Text);
        optional(json, "additional-information", information)?;
        optional(
            json,
            "failure-reason-code",
            failure.reason_code.map(PolicyString::Text),
        )?;
        json.end()
    }

    /// Ends the report, and hands the sink back.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn finish(mut self) -> Result<S, WriteError> {
        self.close()?;
        self.json.end()?;
        self.json.end()?;
        self.json.finish()
    }

    fn close(&mut self) -> Result<(), WriteError> {
        if self.open == Open::Failures {
            self.json.end()?;
        }
        if self.open != Open::Nothing {
            self.json.end()?;
        }
        self.open = Open::Nothing;
        Ok(())
    }
}

fn optional<S: Sink>(
    json: &mut Writer<S>,
    name: &str,
    value: Option<impl Emit>,
) -> Result<(), WriteError> {
    let Some(value) = value else { return Ok(()) };
    json.name(name)?;
    json.string_of(&value)
}

fn list<'p, S: Sink>(
    json: &mut Writer<S>,
    name: &str,
    strings: impl IntoIterator<Item = PolicyString<'p>>,
) -> Result<(), WriteError> {
    let mut strings = strings.into_iter().peekable();
    if strings.peek().is_none() {
        return Ok(());
    }
    json.name(name)?;
    json.begin_array()?;
    for string in strings {
        json.string_of(&string)?;
    }
    json.end()
}
