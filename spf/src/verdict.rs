//! What an evaluation came to, and why (RFC 7208 2.6, 4.6).

use core::fmt;

use scop_core::lookup::Failure;
use scop_core::{FmtSink, Rtype, Sink};

use crate::domain::DomainError;
use crate::limits::Limit;
use crate::record::RecordError;
use crate::result::SpfResult;

/// The outcome of an [`Evaluator`](crate::Evaluator); `B` is its text buffer, which the texts here
/// are read from.
#[derive(Debug)]
pub struct Verdict<'r, B: ?Sized = [u8]> {
    pub(crate) result: SpfResult,
    pub(crate) kind: ReasonKind,
    pub(crate) place: PlaceSpan,
    pub(crate) inner: Option<PlaceSpan>,
    pub(crate) domain: &'r [u8],
    pub(crate) lookups: u8,
    pub(crate) void_lookups: u8,
    pub(crate) queries: u32,
    pub(crate) explanation: Option<Span>,
    pub(crate) text: B,
}

impl<const TEXT: usize> Verdict<'_, [u8; TEXT]> {
    pub(crate) const fn new() -> Self {
        Self {
            result: SpfResult::None,
            kind: ReasonKind::NoMatch,
            place: PlaceSpan::NOWHERE,
            inner: None,
            domain: b"",
            lookups: 0,
            void_lookups: 0,
            queries: 0,
            explanation: None,
            text: [0; TEXT],
        }
    }
}

impl<'r> Verdict<'r> {
    /// The result.
    pub fn result(&self) -> SpfResult {
        self.result
    }

    /// Why it is so.
    pub fn reason(&self) -> Reason<'_> {
        Reason {
            kind: self.kind,
            place: self.place.of(&self.text),
            inner: self.inner.map(|inner| inner.of(&self.text)),
        }
    }

    /// The domain that was checked, as the identity gave it, without the dot of the root. With
    /// [`ReasonKind::Malformed`] it is no domain.
    pub fn domain(&self) -> &'r [u8] {
        self.domain
    }

    /// With [`SpfResult::Fail`], why the domain says so: visible ASCII and spaces, at most
    /// [`Limits::explanation`](crate::Limits) octets.
    ///
    /// `None` when the domain gives no explanation, or none that is valid, short enough for the limit
    /// and the buffer, and free of other characters (RFC 7208 6.2). The text is the publisher's, not the receiver's; a host says so
    /// when it passes it on (RFC 7208 11.5.2).
    pub fn explanation(&self) -> Option<&[u8]> {
        self.explanation.map(|span| span.of(&self.text))
    }

    /// Terms that asked the DNS, as RFC 7208 4.6.4 counts them.
    pub fn lookups(&self) -> u8 {
        self.lookups
    }

    /// Terms that asked for what does not exist (RFC 7208 4.6.4).
    pub fn void_lookups(&self) -> u8 {
        self.void_lookups
    }

    /// Queries handed out, at most [`Limits::max_queries`](crate::Limits::max_queries).
    pub fn queries(&self) -> u32 {
        self.queries
    }
}

/// Why an evaluation ended as it did.
///
/// Its `Display` is one line without control characters, such as `mx matched (term 1 of the record of
/// example.org)`; parts of it come from the DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'v> {
    kind: ReasonKind,
    place: Place<'v>,
    inner: Option<Place<'v>>,
}

impl<'v> Reason<'v> {
    /// What happened.
    pub const fn kind(&self) -> ReasonKind {
        self.kind
    }

    /// Where it happened. For a match, in the record that decides: that of the domain, or the one it
    /// redirects to.
    pub const fn place(&self) -> Place<'v> {
        self.place
    }

    /// When an `include` matched, the term that matched in the innermost record.
    pub const fn inner(&self) -> Option<Place<'v>> {
        self.inner
    }
}

/// A term of a record, or a record as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'v> {
    /// The domain that has the record.
    pub domain: &'v [u8],
    /// The term as it stands; `None` for the whole record.
    pub term: Option<&'v [u8]>,
    /// Which term it is, counted from 1; 0 for the whole record.
    pub position: u16,
}

/// What ended an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReasonKind {
    /// A limit is exceeded: a permanent error.
    Limit(Limit),
    /// A lookup failed: a temporary error.
    LookupFailed(Rtype, Failure),
    /// The domain that was checked is malformed: none.
    Malformed(DomainError),
    /// A mechanism matched; its qualifier is the result.
    Matched,
    /// Several SPF records at one name: a permanent error (RFC 7208 4.5).
    MultipleRecords,
    /// No mechanism matched: neutral (RFC 7208 4.7).
    NoMatch,
    /// The domain that was checked has no SPF record: none (RFC 7208 4.5).
    NoRecord,
    /// The domain that was checked does not exist: none (RFC 7208 4.3).
    NoSuchDomain,
    /// An `include` or `redirect` leads to a name without an SPF record, or to no well-formed name: a
    /// permanent error (RFC 7208 5.2, 6.1).
    NoTarget,
    /// A record has a syntax error; the offset counts from the start of the record: a permanent error.
    Syntax(RecordError),
}

impl ReasonKind {
    /// A few words for the `problem` key of Received-SPF; `None` when there is no problem.
    pub(crate) const fn problem(self) -> Option<&'static str> {
        match self {
            Self::Limit(limit) => Some(limit.as_str()),
            Self::LookupFailed(..) => Some("a DNS lookup failed"),
            Self::MultipleRecords => Some("several SPF records"),
            Self::NoTarget => Some("include or redirect without a record"),
            Self::Syntax(_) => Some("a syntax error in a record"),
            Self::Malformed(_) => Some("a malformed domain"),
            Self::Matched | Self::NoMatch | Self::NoRecord | Self::NoSuchDomain => None,
        }
    }
}

/// The term, its position and its domain.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(term) = self.term {
            put(f, term)?;
            write!(f, " (term {} of the record of ", self.position)?;
            put(f, self.domain)?;
            f.write_str(")")
        } else {
            f.write_str("the record of ")?;
            put(f, self.domain)
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place;
        match self.kind {
            ReasonKind::Limit(limit) => write!(f, "{place}: {limit}"),
            ReasonKind::LookupFailed(rtype, failure) if place.term.is_some() => {
                write!(f, "{place}: its {rtype} lookup failed: {failure}")
            }
            ReasonKind::LookupFailed(rtype, failure) => {
                write!(f, "the {rtype} lookup of ")?;
                put(f, place.domain)?;
                write!(f, " failed: {failure}")
            }
            ReasonKind::Malformed(error) => write!(f, "the domain is malformed: {error}"),
            ReasonKind::Matched => match self.inner {
                Some(inner) => write!(f, "{place} matched by {inner}"),
                None => write!(f, "{place} matched"),
            },
            ReasonKind::MultipleRecords => {
                put(f, place.domain)?;
                f.write_str(" has several SPF records (RFC 7208 4.5)")
            }
            ReasonKind::NoMatch => write!(f, "no mechanism matched in {place} (RFC 7208 4.7)"),
            ReasonKind::NoRecord => {
                put(f, place.domain)?;
                f.write_str(" has no SPF record")
            }
            ReasonKind::NoSuchDomain => {
                put(f, place.domain)?;
                f.write_str(" does not exist")
            }
            ReasonKind::NoTarget => write!(f, "{place} leads to no SPF record (RFC 7208 5.2, 6.1)"),
            ReasonKind::Syntax(error) => write!(f, "{place}: {error}"),
        }
    }
}

/// Writes bytes on one line.
fn put(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    struct OneLine<'a, 'f>(FmtSink<'a, fmt::Formatter<'f>>);
    impl Sink for OneLine<'_, '_> {
        fn put(&mut self, bytes: &[u8]) -> Result<(), scop_core::Full> {
            for line in bytes.split_inclusive(u8::is_ascii_control) {
                match line {
                    [text @ .., last] if last.is_ascii_control() => {
                        self.0.put(text)?;
                        self.0.put("\u{fffd}".as_bytes())?;
                    }
                    text => self.0.put(text)?,
                }
            }
            Ok(())
        }
    }
    OneLine(FmtSink(f)).put(bytes).map_err(|_| fmt::Error)
}

/// A place in the text buffer. That has at most `u16::MAX` bytes, so nothing is lost here.
pub(crate) fn short(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// A stretch of the text buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u16,
    pub(crate) end: u16,
}

impl Span {
    pub(crate) const EMPTY: Self = Self { start: 0, end: 0 };

    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self {
            start: short(start),
            end: short(end),
        }
    }

    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start.into()..self.end.into())
            .unwrap_or_default()
    }

    pub(crate) fn end(self) -> usize {
        self.end.into()
    }
}

/// A [`Place`] whose texts are in the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceSpan {
    pub(crate) domain: Span,
    pub(crate) term: Span,
    /// 0 for no term.
    pub(crate) position: u16,
}

impl PlaceSpan {
    pub(crate) const NOWHERE: Self = Self::record(Span::EMPTY);

    /// The record of a domain as a whole.
    pub(crate) const fn record(domain: Span) -> Self {
        Self {
            domain,
            term: Span::EMPTY,
            position: 0,
        }
    }

    fn of(self, text: &[u8]) -> Place<'_> {
        Place {
            domain: self.domain.of(text),
            term: (self.position > 0).then(|| self.term.of(text)),
            position: self.position,
        }
    }
}
