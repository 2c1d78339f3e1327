//! Reading a report (RFC 8460 4.4).

use core::fmt;
use core::net::IpAddr;

use scop_core::json::{JsonErrorKind, Kind, Text, Value};
use scop_core::{Emit, ParseError, UnixTime, ip};

use super::{PolicyType, ResultType};
use crate::parameter::Timestamp;

/// How much of a report is read. A report beyond a limit is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of the text, unpacked. Reports are compressed, so that few octets can become many.
    /// Default: 10 MiB.
    pub octets: usize,
    /// Objects and arrays inside one another. A report needs five. Default: 16.
    pub depth: u8,
    /// Policies. Default: 10,000.
    pub policies: u32,
    /// Failure details of all policies. Default: 100,000.
    pub failures: u32,
}

impl Limits {
    /// 10 MiB, 16 deep, 10,000 policies and 100,000 failure details.
    pub const DEFAULT: Self = Self {
        octets: 10 << 20,
        depth: 16,
        policies: 10_000,
        failures: 100_000,
    };
}

/// A report that was read and checked whole; it borrows the text.
///
/// Members that are not known are passed over; one that is known and comes twice is an error, because
/// readers would differ over it. Required is all that RFC 8460 4.4 does not call optional, but the
/// policy string and the failure details, which senders leave out where they have nothing to say.
///
/// ```
/// use scop_smtp_proto::policy::tls_rpt::{PolicyType, Report, ResultType};
/// let report = Report::parse(br#"{
///   "organization-name": "Example", "contact-info": "tls@example.org", "report-id": "1",
///   "date-range": {"start-datetime": "2026-04-01T00:00:00Z", "end-datetime": "2026-04-01T23:59:59Z"},
///   "policies": [{
///     "policy": {"policy-type": "sts", "policy-domain": "example.com"},
///     "summary": {"total-successful-session-count": 9, "total-failure-session-count": 1},
///     "failure-details": [{"result-type": "certificate-expired", "failed-session-count": 1}]
///   }]
/// }"#)?;
/// assert!(report.organization().is("Example"));
/// let policy = report.policies().next().unwrap();
/// assert_eq!((policy.policy_type(), policy.successes()), (Some(PolicyType::Sts), 9));
/// let failure = policy.failures().next().unwrap();
/// assert_eq!(failure.result_type(), Some(ResultType::CertificateExpired));
/// # Ok::<(), scop_smtp_proto::policy::tls_rpt::ReportError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    organization: Text<'a>,
    contact: Text<'a>,
    id: Text<'a>,
    start: UnixTime,
    end: UnixTime,
    policies: Value<'a>,
}

impl<'a> Report<'a> {
    /// Reads a report within the limits [`Limits::DEFAULT`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(text: &'a [u8]) -> Result<Self, ReportError> {
        Self::parse_with(text, &Limits::DEFAULT)
    }

    /// Reads a report.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_with(text: &'a [u8], limits: &Limits) -> Result<Self, ReportError> {
        let limit = |at| ReportError::new(ReportErrorKind::Limit, at);
        if text.len() > limits.octets {
            return Err(limit(limits.octets));
        }
        let value = Value::parse_with_depth(text, limits.depth)
            .map_err(|error| error.map(ReportErrorKind::Json))?;
        let report = Self::of(value)?;
        let (mut policies, mut failures) = (limits.policies, limits.failures);
        for value in report.policies.elements() {
            policies = policies.checked_sub(1).ok_or(limit(value.offset()))?;
            let policy = PolicyReport::of(value)?;
            for value in policy.details.iter().flat_map(Value::elements) {
                failures = failures.checked_sub(1).ok_or(limit(value.offset()))?;
                FailureDetail::of(value)?;
            }
        }
        Ok(report)
    }

    fn of(value: Value<'a>) -> Result<Self, ReportError> {
        let members = Members::of(
            value,
            [
                "organization-name",
                "date-range",
                "contact-info",
                "report-id",
                "policies",
            ],
        )?;
        let [organization, range, contact, id, policies] = members.values;
        let range = members.require(range, "date-range")?;
        let dates = Members::of(range, ["start-datetime", "end-datetime"])?;
        let [start, end] = dates.values;
        Ok(Self {
            organization: text(members.require(organization, "organization-name")?)?,
            contact: text(members.require(contact, "contact-info")?)?,
            id: text(members.require(id, "report-id")?)?,
            start: time(dates.require(start, "start-datetime")?)?,
            end: time(dates.require(end, "end-datetime")?)?,
            policies: array(members.require(policies, "policies")?)?,
        })
    }

    /// Who reports.
    pub const fn organization(&self) -> Text<'a> {
        self.organization
    }

    /// Whom to ask about the report.
    pub const fn contact(&self) -> Text<'a> {
        self.contact
    }

    /// Names the report, among all of the organization.
    pub const fn id(&self) -> Text<'a> {
        self.id
    }

    /// The first second of what is reported.
    pub const fn start(&self) -> UnixTime {
        self.start
    }

    /// The last second of what is reported.
    pub const fn end(&self) -> UnixTime {
        self.end
    }

    /// What happened under each policy.
    pub fn policies(&self) -> impl Iterator<Item = PolicyReport<'a>> + use<'a> {
        (self.policies.elements()).filter_map(|value| PolicyReport::of(value).ok())
    }
}

/// What happened under one policy.
#[derive(Clone, Copy, Debug)]
pub struct PolicyReport<'a> {
    policy_type: Text<'a>,
    domain: Text<'a>,
    strings: Option<Value<'a>>,
    mx_hosts: Option<Value<'a>>,
    successes: u64,
    failed: u64,
    details: Option<Value<'a>>,
}

impl<'a> PolicyReport<'a> {
    fn of(value: Value<'a>) -> Result<Self, ReportError> {
        let members = Members::of(value, ["policy", "summary", "failure-details"])?;
        let [policy, summary, details] = members.values;
        let policy = Members::of(
            members.require(policy, "policy")?,
            ["policy-type", "policy-string", "policy-domain", "mx-host"],
        )?;
        let [policy_type, strings, domain, mx_hosts] = policy.values;
        let (successful, failed) = (
            "total-successful-session-count",
            "total-failure-session-count",
        );
        let summary = Members::of(members.require(summary, "summary")?, [successful, failed])?;
        let [successes, failures] = summary.values;
        Ok(Self {
            policy_type: text(policy.require(policy_type, "policy-type")?)?,
            domain: text(policy.require(domain, "policy-domain")?)?,
            strings: strings.map(texts).transpose()?,
            mx_hosts: mx_hosts.map(texts).transpose()?,
            successes: count(summary.require(successes, successful)?)?,
            failed: count(summary.require(failures, failed)?)?,
            details: details.map(array).transpose()?,
        })
    }

    /// Which kind of policy, when it is known.
    pub fn policy_type(&self) -> Option<PolicyType> {
        let known = PolicyType::ALL.iter().copied();
        known
            .into_iter()
            .find(|kind| self.policy_type.is(kind.as_str()))
    }

    /// The kind of policy as it was written.
    pub const fn policy_type_text(&self) -> Text<'a> {
        self.policy_type
    }

    /// The domain that the policy belongs to.
    pub const fn domain(&self) -> Text<'a> {
        self.domain
    }

    /// The policy: lines of the policy file, or TLSA records.
    pub fn strings(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        each_text(self.strings)
    }

    /// The patterns of the mail exchanges of an MTA-STS policy.
    pub fn mx_hosts(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        each_text(self.mx_hosts)
    }

    /// How many sessions came about over TLS.
    pub const fn successes(&self) -> u64 {
        self.successes
    }

    /// How many failed.
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// How they failed.
    pub fn failures(&self) -> impl Iterator<Item = FailureDetail<'a>> + use<'a> {
        let values = self.details.into_iter().flat_map(|list| list.elements());
        values.filter_map(|value| FailureDetail::of(value).ok())
    }
}

/// Sessions that failed in the same way.
#[derive(Clone, Copy, Debug)]
pub struct FailureDetail<'a> {
    result_type: Text<'a>,
    sessions: u64,
    optional: [Option<Text<'a>>; 6],
}

impl<'a> FailureDetail<'a> {
    fn of(value: Value<'a>) -> Result<Self, ReportError> {
        let members = Members::of(
            value,
            [
                "result-type",
                "failed-session-count",
                "sending-mta-ip",
                "receiving-mx-hostname",
                "receiving-mx-helo",
                "receiving-ip",
                "additional-information",
                "failure-reason-code",
            ],
        )?;
        let [result_type, sessions, optional @ ..] = members.values;
        let mut texts = [None; 6];
        for (to, value) in texts.iter_mut().zip(optional) {
            *to = value.map(text).transpose()?;
        }
        Ok(Self {
            result_type: text(members.require(result_type, "result-type")?)?,
            sessions: count(members.require(sessions, "failed-session-count")?)?,
            optional: texts,
        })
    }

    /// What went wrong, when it is known.
    pub fn result_type(&self) -> Option<ResultType> {
        let known = ResultType::ALL.iter().copied();
        known
            .into_iter()
            .find(|kind| self.result_type.is(kind.as_str()))
    }

    /// What went wrong, as it was written.
    pub const fn result_type_text(&self) -> Text<'a> {
        self.result_type
    }

    /// How many sessions failed in this way.
    pub const fn sessions(&self) -> u64 {
        self.sessions
    }

    /// The address of the sender, as it was written.
    pub const fn sending_ip_text(&self) -> Option<Text<'a>> {
        let [text, ..] = self.optional;
        text
    }

    /// The address of the sender, if it is one.
    pub fn sending_ip(&self) -> Option<IpAddr> {
        address(self.sending_ip_text()?)
    }

    /// The name of the mail exchange.
    pub const fn mx_hostname(&self) -> Option<Text<'a>> {
        let [_, text, ..] = self.optional;
        text
    }

    /// The name that the mail exchange gave itself in its reply to EHLO.
    pub const fn mx_helo(&self) -> Option<Text<'a>> {
        let [_, _, text, ..] = self.optional;
        text
    }

    /// The address of the mail exchange, as it was written.
    pub const fn receiving_ip_text(&self) -> Option<Text<'a>> {
        let [_, _, _, text, ..] = self.optional;
        text
    }

    /// The address of the mail exchange, if it is one.
    pub fn receiving_ip(&self) -> Option<IpAddr> {
        address(self.receiving_ip_text()?)
    }

    /// A URI with more about it.
    pub const fn additional_information(&self) -> Option<Text<'a>> {
        let [.., text, _] = self.optional;
        text
    }

    /// An error code of the sender's TLS library.
    pub const fn reason_code(&self) -> Option<Text<'a>> {
        let [.., text] = self.optional;
        text
    }
}

/// Which rule a report breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportErrorKind {
    /// It is not JSON.
    Json(JsonErrorKind),
    /// A member comes twice.
    Duplicate(&'static str),
    /// A member is missing.
    Missing(&'static str),
    /// A value is of another kind: no object, array, string or count where there must be one.
    WrongKind,
    /// A date is not one of RFC 3339, or it is before 1970.
    BadDate,
    /// More than a limit.
    Limit,
}

impl fmt::Display for ReportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(kind) => kind.fmt(f),
            Self::Duplicate(name) => write!(f, "the member {name} comes twice"),
            Self::Missing(name) => write!(f, "the member {name} is missing (RFC 8460 4.4)"),
            Self::WrongKind => f.write_str("the value is of another kind (RFC 8460 4.4)"),
            Self::BadDate => f.write_str("the date is none of RFC 3339 5.6"),
            Self::Limit => f.write_str("the report is larger than a limit"),
        }
    }
}

/// Why bytes are not a report, and at which byte.
pub type ReportError = ParseError<ReportErrorKind>;

/// The members of an object that are known.
struct Members<'a, const N: usize> {
    values: [Option<Value<'a>>; N],
    at: usize,
}

impl<'a, const N: usize> Members<'a, N> {
    fn of(object: Value<'a>, names: [&'static str; N]) -> Result<Self, ReportError> {
        if object.kind() != Kind::Object {
            return Err(ReportError::new(
                ReportErrorKind::WrongKind,
                object.offset(),
            ));
        }
        let mut values = [None; N];
        for (name, value) in object.members() {
            let known = values
                .iter_mut()
                .zip(names)
                .find(|(_, known)| name.is(known));
            let Some((slot, known)) = known else { continue };
            if slot.replace(value).is_some() {
                let kind = ReportErrorKind::Duplicate(known);
                return Err(ReportError::new(kind, value.offset()));
            }
        }
        Ok(Self {
            values,
            at: object.offset(),
        })
    }

    fn require(
        &self,
        value: Option<Value<'a>>,
        name: &'static str,
    ) -> Result<Value<'a>, ReportError> {
        value.ok_or(ReportError::new(ReportErrorKind::Missing(name), self.at))
    }
}

fn wrong_kind(value: Value<'_>) -> ReportError {
    ReportError::new(ReportErrorKind::WrongKind, value.offset())
}

fn text(value: Value<'_>) -> Result<Text<'_>, ReportError> {
    value.text().ok_or(wrong_kind(value))
}

fn count(value: Value<'_>) -> Result<u64, ReportError> {
    let number = value.number().and_then(|number| number.to_u64());
    number.ok_or(wrong_kind(value))
}

fn array(value: Value<'_>) -> Result<Value<'_>, ReportError> {
    match value.kind() {
        Kind::Array => Ok(value),
        _ => Err(wrong_kind(value)),
    }
}

/// Strings in an array, or one alone, as the example of RFC 8460 B has it.
fn texts(value: Value<'_>) -> Result<Value<'_>, ReportError> {
    if value.text().is_none() {
        for element in array(value)?.elements() {
            text(element)?;
        }
    }
    Ok(value)
}

fn each_text(value: Option<Value<'_>>) -> impl Iterator<Item = Text<'_>> {
    let alone = value.and_then(|value| value.text());
    let list = value.into_iter().flat_map(|value| value.elements());
    alone
        .into_iter()
        .chain(list.filter_map(|value| value.text()))
}

fn time(value: Value<'_>) -> Result<UnixTime, ReportError> {
    let mut unescaped: heapless::Vec<u8, 64> = heapless::Vec::new();
    let whole = text(value)?.emit(&mut unescaped);
    let time = whole
        .ok()
        .and_then(|()| Timestamp::parse(&unescaped).ok()?.to_unix());
    time.ok_or(ReportError::new(ReportErrorKind::BadDate, value.offset()))
}

fn address(text: Text<'_>) -> Option<IpAddr> {
    let mut unescaped: heapless::Vec<u8, 64> = heapless::Vec::new();
    text.emit(&mut unescaped).ok()?;
    ip::parse(&unescaped)
}
