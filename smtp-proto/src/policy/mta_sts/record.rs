//! The TXT record that says that there is a policy, and which (RFC 8461 3.1).

use core::fmt;

use scop_core::{
    Answer, AnswerError, Emit, Failure, FmtSink, Full, Lookup, ParseError, Query, QueryId, Sink,
    Step,
};

use crate::policy::text_record::{Fields, Only, Question, is_extension_value, only};

/// The label under which the record is (RFC 8461 3.1).
const LABEL: &[u8] = b"_mta-sts";
const VERSION: &[u8] = b"v=STSv1";
/// Octets of an id (RFC 8461 3.1).
const MAX_ID: usize = 32;

/// Names one version of the policy of a domain: 1 to 32 letters and digits (RFC 8461 3.1).
///
/// Ids are equal or not; they have no order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    octets: [u8; MAX_ID],
    len: u8,
}

impl Id {
    /// Reads an id; `None` when it is not 1 to 32 letters and digits.
    pub fn new(id: &[u8]) -> Option<Self> {
        let len = u8::try_from(id.len()).ok()?;
        if id.is_empty() || id.len() > MAX_ID || !id.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut octets = [0; MAX_ID];
        for (to, from) in octets.iter_mut().zip(id) {
            *to = *from;
        }
        Some(Self { octets, len })
    }

    /// Its octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len.into()).unwrap_or_default()
    }
}

impl Emit for Id {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.as_bytes())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

/// A record that was read.
///
/// ```text
/// sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
/// sts-field-delim = *WSP ";" *WSP
/// sts-field       = sts-id / sts-extension
/// sts-version     = %s"v=STSv1"
/// sts-id          = %s"id=" 1*32(ALPHA / DIGIT)
/// sts-extension   = sts-ext-name "=" sts-ext-value                  ; RFC 8461 3.1
/// sts-ext-name    = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
/// sts-ext-value   = 1*(%x21-3A / %x3C / %x3E-7E)
/// ```
///
/// An `id` is required; of several the first counts (RFC 8461 3.2).
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    text: &'a [u8],
    id: Id,
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
            if name == b"id" && found.is_none() {
                let id = Id::new(value).ok_or(RecordError::new(RecordErrorKind::BadId, at))?;
                found = Some(id);
            } else if !is_extension_value(value) {
                return error(RecordErrorKind::Syntax, at);
            }
        }
        let id = found.ok_or(RecordError::new(RecordErrorKind::NoId, text.len()))?;
        Ok(Self { text, id })
    }

    /// The record as it came.
    pub const fn raw(&self) -> &'a [u8] {
        self.text
    }

    /// Which policy is current.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// The fields behind the version, unknown ones among them.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        Fields::new(self.text, VERSION)
            .into_iter()
            .flatten()
            .filter_map(|field| field.ok().map(|(_, name, value)| (name, value)))
    }
}

/// Which rule a record breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// It does not begin with `v=STSv1;`.
    Version,
    /// A field is not a name, `=` and a value.
    Syntax,
    /// The id is not 1 to 32 letters and digits.
    BadId,
    /// There is no id.
    NoId,
}

impl fmt::Display for RecordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "the record begins with v=STSv1; (RFC 8461 3.1)",
            Self::Syntax => "a field is a name, = and a value (RFC 8461 3.1)",
            Self::BadId => "an id is 1 to 32 letters and digits (RFC 8461 3.1)",
            Self::NoId => "the id is missing (RFC 8461 3.1)",
        })
    }
}

/// Why bytes are not a record, and at which byte.
pub type RecordError = ParseError<RecordErrorKind>;

/// What a domain says of its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Found {
    /// There is a policy with this id.
    Policy(Id),
    /// There is no record.
    NoRecord,
    /// There are several records, which counts as none (RFC 8461 3.1).
    Several,
    /// The record is not valid, or longer than 1024 octets, which counts as none (RFC 8461 3.1).
    Invalid,
    /// The lookup failed.
    Failed(Failure),
}

/// Looks for the record of a domain: one query.
///
/// ```
/// use scop_core::{Answer, Rdata, Txt, lookup};
/// use scop_smtp_proto::policy::mta_sts::{Discovery, Found, Id};
/// let zone = [Rdata::Txt(Txt::joined(b"v=STSv1; id=20160831085700Z;"))];
/// let mut discovery = Discovery::new(b"example.com");
/// let found = lookup::drive(&mut discovery, |query| {
///     assert_eq!(query.name.to_string(), "_mta-sts.example.com.");
///     Answer::records(&zone)
/// });
/// assert_eq!(found, Some(&Found::Policy(Id::new(b"20160831085700Z").unwrap())));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Discovery<'a> {
    question: Option<Question<'a>>,
    found: Option<Found>,
}

impl<'a> Discovery<'a> {
    /// A machine that looks below `domain`, in A-labels. What is no host name has no record.
    pub fn new(domain: &'a [u8]) -> Self {
        let question = Question::new(LABEL, domain);
        Self {
            question,
            found: question.is_none().then_some(Found::NoRecord),
        }
    }
}

impl Lookup for Discovery<'_> {
    type Verdict = Found;

    fn poll(&mut self) -> Step {
        (self.question.as_mut()).map_or(Step::Done, Question::poll)
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        self.question.as_ref()?.query(id)
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        (self.question.as_ref().ok_or(AnswerError)?).check(id)?;
        let read = |text: &[u8]| Record::parse(text).ok().map(|record| record.id());
        self.found = Some(match only(answer, VERSION, read) {
            Err(failure) => Found::Failed(failure),
            Ok(Only::One(id)) => Found::Policy(id),
            Ok(Only::None) => Found::NoRecord,
            Ok(Only::Several) => Found::Several,
            Ok(Only::Invalid) => Found::Invalid,
        });
        self.question = None;
        Ok(())
    }

    fn verdict(&self) -> Option<&Found> {
        self.found.as_ref()
    }
}
