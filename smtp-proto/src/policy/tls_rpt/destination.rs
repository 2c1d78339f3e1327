//! How a report is named on its way (RFC 8460 5.1, 5.3).

use core::fmt;

use scop_core::{Emit, FmtSink, Full, Sink, UnixTime};

use crate::policy::route::is_host_name;

/// The name of the file that a report is in.
///
/// ```text
/// filename        = sender "!" policy-domain "!" begin-timestamp "!" end-timestamp
///                   [ "!" unique-id ] "." extension        ; RFC 8460 5.1
/// unique-id       = 1*(ALPHA / DIGIT)
/// extension       = "json" / "json.gz"
/// ```
///
/// ```
/// use scop_core::UnixTime;
/// use scop_smtp_proto::policy::tls_rpt::FileName;
/// let name = FileName::new(
///     b"mail.sndr.example.com",
///     b"example.net",
///     UnixTime(1_470_013_207),
///     UnixTime(1_470_186_007),
/// );
/// let name = name.unwrap().with_unique_id(b"001").unwrap().compressed();
/// assert_eq!(
///     name.to_string(),
///     "mail.sndr.example.com!example.net!1470013207!1470186007!001.json.gz",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName<'a> {
    sender: &'a [u8],
    domain: &'a [u8],
    start: UnixTime,
    end: UnixTime,
    unique_id: &'a [u8],
    is_compressed: bool,
}

impl<'a> FileName<'a> {
    /// A name for the report of `sender` on `domain`, both in A-labels; `None` when one is no host name.
    pub fn new(sender: &'a [u8], domain: &'a [u8], start: UnixTime, end: UnixTime) -> Option<Self> {
        (is_host_name(sender) && is_host_name(domain)).then_some(Self {
            sender,
            domain,
            start,
            end,
            unique_id: b"",
            is_compressed: false,
        })
    }

    /// With an id that tells it from others of the same time; `None` when it is not letters and digits.
    pub fn with_unique_id(self, unique_id: &'a [u8]) -> Option<Self> {
        let is_good = !unique_id.is_empty() && unique_id.iter().all(u8::is_ascii_alphanumeric);
        is_good.then_some(Self { unique_id, ..self })
    }

    /// For a file that gzip has compressed.
    #[must_use]
    pub const fn compressed(self) -> Self {
        Self {
            is_compressed: true,
            ..self
        }
    }

    /// The media type of the file (RFC 8460 6.4, 6.5).
    pub const fn media_type(&self) -> &'static str {
        if self.is_compressed {
            "application/tlsrpt+gzip"
        } else {
            "application/tlsrpt+json"
        }
    }
}

impl Emit for FileName<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.sender)?;
        sink.put_byte(b'!')?;
        sink.put(self.domain)?;
        sink.put_byte(b'!')?;
        sink.put_decimal(self.start.0)?;
        sink.put_byte(b'!')?;
        sink.put_decimal(self.end.0)?;
        if !self.unique_id.is_empty() {
            sink.put_byte(b'!')?;
            sink.put(self.unique_id)?;
        }
        sink.put(if self.is_compressed {
            b".json.gz"
        } else {
            b".json"
        })
    }
}

impl fmt::Display for FileName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// The id of a report in the subject of its message: what stands between `<` and `>` of a msg-id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportId<'a>(&'a [u8]);

impl<'a> ReportId<'a> {
    /// An id such as `735ff.e317@mail.example.net`: dot-atoms on both sides of one `@`
    /// (RFC 5322 3.6.4). `None` when it is none.
    pub fn new(id: &'a [u8]) -> Option<Self> {
        let at = memchr::memchr(b'@', id)?;
        let (left, right) = id.split_at_checked(at)?;
        (is_dot_atom(left) && is_dot_atom(right.get(1..)?)).then_some(Self(id))
    }
}

/// ```text
/// dot-atom-text = 1*atext *("." 1*atext)                  ; RFC 5322 3.2.3
/// ```
fn is_dot_atom(text: &[u8]) -> bool {
    let mut after_dot = true;
    for byte in text {
        match byte {
            b'.' if after_dot => return false,
            b'.' => after_dot = true,
            b'!'
            | b'#'..=b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'/'
            | b'='
            | b'?'
            | b'^'..=b'`'
            | b'{'..=b'~' => after_dot = false,
            _ if byte.is_ascii_alphanumeric() => after_dot = false,
            _ => return false,
        }
    }
    !after_dot
}

/// The subject of the message that brings a report.
///
/// ```text
/// tlsrpt-subject = %s"Report" FWS %s"Domain:" FWS domain-name FWS
///                  %s"Submitter:" FWS domain-name FWS %s"Report-ID:" FWS "<" id-left "@" id-right ">"
/// ```
///
/// It is written on one line; folding it is left to who writes the header. The message also has the
/// fields `TLS-Report-Domain` and `TLS-Report-Submitter`, is `multipart/report; report-type="tlsrpt"`,
/// and must be signed with DKIM (RFC 8460 5.3, 3).
///
/// ```
/// use scop_smtp_proto::policy::tls_rpt::{ReportId, Subject};
/// let id = ReportId::new(b"735ff.e317+bf22029@example.net").unwrap();
/// let subject = Subject::new(b"example.net", b"mail.sender.example.com", id).unwrap();
/// assert_eq!(
///     subject.to_string(),
///     "Report Domain: example.net Submitter: mail.sender.example.com \
///      Report-ID: <735ff.e317+bf22029@example.net>",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    domain: &'a [u8],
    submitter: &'a [u8],
    id: ReportId<'a>,
}

impl<'a> Subject<'a> {
    /// For the report of `submitter` on `domain`, both in A-labels; `None` when one is no host name.
    pub fn new(domain: &'a [u8], submitter: &'a [u8], id: ReportId<'a>) -> Option<Self> {
        (is_host_name(domain) && is_host_name(submitter)).then_some(Self {
            domain,
            submitter,
            id,
        })
    }
}

impl Emit for Subject<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"Report Domain: ")?;
        sink.put(self.domain)?;
        sink.put(b" Submitter: ")?;
        sink.put(self.submitter)?;
        sink.put(b" Report-ID: <")?;
        sink.put(self.id.0)?;
        sink.put_byte(b'>')
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}
