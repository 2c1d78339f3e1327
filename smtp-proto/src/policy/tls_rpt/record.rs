//! The TXT record that says where reports go (RFC 8460 3).

use core::fmt;

use scop_core::lookup::Failure;
use scop_core::{Answer, AnswerError, Lookup, ParseError, Query, QueryId, Step};

use crate::policy::text_record::{Fields, Only, Question, is_extension_value, only, trim};

/// The label under which the record is (RFC 8460 3).
const LABEL: &[u8] = b"_smtp._tls";
const VERSION: &[u8] = b"v=TLSRPTv1";

/// A record that was read.
///
/// ```text
/// tlsrpt-record    = tlsrpt-version 1*(field-delim tlsrpt-field) [field-delim]
/// field-delim      = *WSP ";" *WSP
/// tlsrpt-field     = tlsrpt-rua / tlsrpt-extension                  ; RFC 8460 3
/// tlsrpt-version   = %s"v=TLSRPTv1"
/// tlsrpt-rua       = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
/// tlsrpt-uri       = URI                  ; RFC 3986; "," "!" and ";" are encoded
/// tlsrpt-extension = tlsrpt-ext-name "=" tlsrpt-ext-value
/// tlsrpt-ext-name  = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
/// tlsrpt-ext-value = 1*(%x21-3A / %x3C / %x3E-7E)
/// ```
///
/// A `rua` is required, and a second one makes the record invalid.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    text: &'a [u8],
    rua: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        let error = |kind, at| Err(RecordError::new(kind, at));
        let Some(fields) = Fields::new(text, VERSION) else {
            return error(RecordErrorKind::Version, 0);
        };
        let mut found = None;
        for field in fields {
            let (at, name, value) =
                field.map_err(|at| RecordError::new(RecordErrorKind::Syntax, at))?;
            if name != b"rua" {
                if !is_extension_value(value) {
                    return error(RecordErrorKind::Syntax, at);
                }
                continue;
            }
            if found.is_some() || !pieces(value).all(is_uri) {
                return error(RecordErrorKind::BadRua, at);
            }
            found = Some(value);
        }
        let rua = found.ok_or(RecordError::new(RecordErrorKind::NoRua, text.len()))?;
        Ok(Self { text, rua })
    }

    /// The record as it came.
    pub const fn raw(&self) -> &'a [u8] {
        self.text
    }

    /// Where reports go, in order; never none. A report goes to each (RFC 8460 3).
    pub fn rua(&self) -> impl Iterator<Item = Rua<'a>> + use<'a> {
        pieces(self.rua).map(Rua::of)
    }

    /// The fields behind the version, unknown ones among them.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        Fields::new(self.text, VERSION)
            .into_iter()
            .flatten()
            .filter_map(|field| field.ok().map(|(_, name, value)| (name, value)))
    }
}

fn pieces(rua: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(rua);
    core::iter::from_fn(move || {
        let text = rest?;
        let comma = memchr::memchr(b',', text);
        rest = comma.and_then(|comma| text.get(comma + 1..));
        Some(trim(text.get(..comma.unwrap_or(text.len()))?))
    })
}

/// Whether it is a scheme, a colon and something of the characters of RFC 3986 2, `%` among them only
/// before two hexadecimal digits.
fn is_uri(uri: &[u8]) -> bool {
    let colon = memchr::memchr(b':', uri).and_then(|colon| uri.split_at_checked(colon));
    let Some((scheme, [_, rest @ ..])) = colon else {
        return false;
    };
    let is_part = |byte: &u8| {
        let refused = matches!(
            byte,
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        );
        byte.is_ascii_graphic() && !refused && *byte != b'!'
    };
    let in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(in_scheme)
        && !rest.is_empty()
        && rest.iter().all(is_part)
        && has_whole_escapes(rest)
}

/// ```text
/// pct-encoded = "%" HEXDIG HEXDIG                         ; RFC 3986 2.1
/// ```
fn has_whole_escapes(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let mut is_digit = || bytes.next().is_some_and(u8::is_ascii_hexdigit);
        if *byte == b'%' && !(is_digit() && is_digit()) {
            return false;
        }
    }
    true
}

/// Where a report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rua<'a> {
    /// By mail, to the address behind `mailto:`, in which octets may be percent-encoded (RFC 6068 2);
    /// header fields behind `?` are cut off. The message must be signed with DKIM (RFC 8460 3).
    Mailto(&'a [u8]),
    /// By POST to this URI (RFC 8460 5.4).
    Https(&'a [u8]),
    /// A URI that cannot be used: of another scheme, or without an address or a host.
    Other(&'a [u8]),
}

impl<'a> Rua<'a> {
    fn of(uri: &'a [u8]) -> Self {
        let behind = |scheme: &[u8]| {
            let (head, rest) = uri.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some(rest)
        };
        let until = |text: &'a [u8], ends: fn(&u8) -> bool| {
            let len = text.iter().position(ends).unwrap_or(text.len());
            text.get(..len).filter(|part| !part.is_empty())
        };
        let address = behind(b"mailto:").and_then(|rest| until(rest, |byte| *byte == b'?'));
        if let Some(address) = address {
            return Self::Mailto(address);
        }
        let host = behind(b"https://")
            .and_then(|rest| until(rest, |byte| matches!(byte, b'/' | b'?' | b'#')));
        if host.is_some() {
            Self::Https(uri)
        } else {
            Self::Other(uri)
        }
    }
}

/// Which rule a record breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// It does not begin with `v=TLSRPTv1;`.
    Version,
    /// A field is not a name, `=` and a value.
    Syntax,
    /// The list of URIs is broken, or there is a second one.
    BadRua,
    /// There is no `rua`.
    NoRua,
}

impl fmt::Display for RecordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "the record begins with v=TLSRPTv1; (RFC 8460 3)",
            Self::Syntax => "a field is a name, = and a value (RFC 8460 3)",
            Self::BadRua => "there is one rua, a list of URIs (RFC 8460 3)",
            Self::NoRua => "the rua is missing (RFC 8460 3)",
        })
    }
}

/// Why bytes are not a record, and at which byte.
pub type RecordError = ParseError<RecordErrorKind>;

/// Why a domain gets no reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoRecord {
    /// There is no record.
    Missing,
    /// There are several, which counts as none (RFC 8460 3).
    Several,
    /// It is not valid, or longer than 1024 octets.
    Invalid,
    /// It is longer than the room of the machine.
    TooLong,
    /// The lookup failed.
    Failed(Failure),
}

/// What the lookup came to.
#[derive(Clone, Debug)]
pub struct Found<const TEXT: usize = 512> {
    text: heapless::Vec<u8, TEXT>,
    none: Option<NoRecord>,
}

impl<const TEXT: usize> Found<TEXT> {
    /// The record.
    ///
    /// # Errors
    /// When there is none, and why.
    pub fn record(&self) -> Result<Record<'_>, NoRecord> {
        match self.none {
            Some(reason) => Err(reason),
            None => Record::parse(&self.text).map_err(|_| NoRecord::Invalid),
        }
    }
}

/// Looks for the record of a domain: one query. The record is kept in `TEXT` octets.
///
/// ```
/// use scop_core::{Answer, Rdata, Txt, lookup};
/// use scop_smtp_proto::policy::tls_rpt::{Discovery, Rua};
/// let zone = [Rdata::Txt(Txt::joined(b"v=TLSRPTv1;rua=mailto:reports@example.com"))];
/// let mut discovery: Discovery<'_> = Discovery::new(b"example.com");
/// let found = lookup::drive(&mut discovery, |query| {
///     assert_eq!(query.name.to_string(), "_smtp._tls.example.com.");
///     Answer::records(&zone)
/// });
/// let record = found.unwrap().record().unwrap();
/// assert!(record.rua().eq([Rua::Mailto(b"reports@example.com")]));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Discovery<'a, const TEXT: usize = 512> {
    question: Option<Question<'a>>,
    found: Found<TEXT>,
}

impl<'a, const TEXT: usize> Discovery<'a, TEXT> {
    /// A machine that looks below `domain`, in A-labels. What is no host name has no record.
    pub fn new(domain: &'a [u8]) -> Self {
        Self {
            question: Question::new(LABEL, domain),
            found: Found {
                text: heapless::Vec::new(),
                none: Some(NoRecord::Missing),
            },
        }
    }
}

impl<const TEXT: usize> Lookup for Discovery<'_, TEXT> {
    type Verdict = Found<TEXT>;

    fn poll(&mut self) -> Step {
        (self.question.as_mut()).map_or(Step::Done, Question::poll)
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        self.question.as_ref()?.query(id)
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        (self.question.as_ref().ok_or(AnswerError)?).check(id)?;
        let kept = &mut self.found.text;
        let read = |text: &[u8]| {
            Record::parse(text).ok()?;
            Some(kept.extend_from_slice(text).is_ok())
        };
        self.found.none = match only(answer, VERSION, read) {
            Err(failure) => Some(NoRecord::Failed(failure)),
            Ok(Only::One(true)) => None,
            Ok(Only::One(false)) => Some(NoRecord::TooLong),
            Ok(Only::None) => Some(NoRecord::Missing),
            Ok(Only::Several) => Some(NoRecord::Several),
            Ok(Only::Invalid) => Some(NoRecord::Invalid),
        };
        self.question = None;
        Ok(())
    }

    fn verdict(&self) -> Option<&Found<TEXT>> {
        self.question.is_none().then_some(&self.found)
    }
}
