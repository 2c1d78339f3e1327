//! Questions to the DNS and their answers, as data; and the one shape of a machine that asks them.
//!
//! SPF, DKIM and DMARC need the DNS, but none of them opens a socket: each is a [`Lookup`] that hands
//! out queries and takes answers, so a driver is written once. [`drive`] is one for a host that
//! answers at once; a host with a real resolver polls until [`Step::Wait`], sends all queries, and
//! answers each when its reply is there, in any order.
//!
//! # What the host owes the machine
//! - An alias is followed: for a name with a CNAME, the answer is that of its target. A chain that is
//!   too long or loops is a [`Failure`].
//! - NXDOMAIN and "no records of this type" are answers, not failures. A timeout, SERVFAIL or any other
//!   reply code is a failure.
//! - Each query is answered once. A second answer is refused with [`AnswerError`] and changes nothing.

use core::fmt;

use crate::name::{Labels, NameErrorKind, emit_text, same_labels};
use crate::record::CLASS_IN;
use crate::{Emit, FmtSink, Full, Name, NameBuf, Rdata, Record, Rtype, Sink};

/// Names a query of one machine, until it is answered.
///
/// A machine that contains others marks the ids of each with [`QueryId::tagged`] on the way out and
/// takes the mark off with [`QueryId::untagged`] on the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueryId {
    number: u32,
    /// One tag in each group of four bits, the outermost lowest; 0 is none.
    tags: u32,
}

impl QueryId {
    /// The id of a machine's `number`th query. Numbers are not used twice, so a stale id is known.
    pub const fn new(number: u32) -> Self {
        Self { number, tags: 0 }
    }

    /// What [`QueryId::new`] was given.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// The id as the outer machine hands it out. Tags are below 15, and at most eight machines nest.
    #[must_use]
    pub const fn tagged(self, tag: u8) -> Self {
        Self {
            number: self.number,
            tags: self.tags << 4 | (tag as u32 + 1) & 15,
        }
    }

    /// The tag and the id as the inner machine handed it out; `None` when there is no tag.
    pub const fn untagged(self) -> Option<(u8, Self)> {
        match self.tags & 15 {
            0 => None,
            #[expect(clippy::cast_possible_truncation, reason = "four bits")]
            tag => Some((
                tag as u8 - 1,
                Self {
                    number: self.number,
                    tags: self.tags >> 4,
                },
            )),
        }
    }
}

/// The name asked for: dotted text in up to three parts, or a name in wire form.
///
/// Parts are borrowed and joined when they are read, so `selector`, `_domainkey` and `domain` need no
/// common buffer. Text is raw: dots separate labels and there are no escapes.
#[derive(Clone, Copy)]
pub struct QueryName<'a>(NameSource<'a>);

#[derive(Clone, Copy)]
enum NameSource<'a> {
    Dotted([&'a [u8]; 3]),
    Wire(Name<'a>),
}

impl<'a> QueryName<'a> {
    /// Up to three dotted texts; empty parts are skipped.
    pub const fn dotted(parts: [&'a [u8]; 3]) -> Self {
        Self(NameSource::Dotted(parts))
    }

    /// The labels from the left.
    pub fn labels(&self) -> Labels<'a> {
        match self.0 {
            NameSource::Dotted(parts) => Labels::dotted(parts),
            NameSource::Wire(name) => name.labels(),
        }
    }

    /// The name in wire form.
    ///
    /// # Errors
    /// The rule when the text is not a domain name: an empty or too long label, or more than 255 octets.
    pub fn to_name(&self) -> Result<NameBuf, NameErrorKind> {
        NameBuf::from_labels(self.labels())
    }
}

impl<'a> From<Name<'a>> for QueryName<'a> {
    fn from(name: Name<'a>) -> Self {
        Self(NameSource::Wire(name))
    }
}

/// Writes presentation form, with the dot of the root.
impl Emit for QueryName<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        emit_text(self.labels(), sink)
    }
}

impl fmt::Display for QueryName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for QueryName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueryName({self})")
    }
}

impl PartialEq for QueryName<'_> {
    fn eq(&self, other: &QueryName<'_>) -> bool {
        same_labels(self.labels(), other.labels())
    }
}

impl Eq for QueryName<'_> {}

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// The name.
    pub name: QueryName<'a>,
    /// The type.
    pub rtype: Rtype,
}

/// How far DNSSEC vouches for an answer (RFC 4035 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Security {
    /// A chain of signatures leads to a trust anchor.
    Secure,
    /// It is proven that the zone is not signed.
    Insecure,
    /// Signatures are there and wrong, or missing where they must be. Machines take this as a failure.
    Bogus,
    /// Nobody looked, or it could not be found out.
    #[default]
    Indeterminate,
}

/// Why there is no answer. Every machine takes this as a temporary error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The chain of aliases loops or is too long.
    AliasChain,
    /// DNSSEC validation failed.
    Bogus,
    /// The reply could not be read.
    Malformed,
    /// The server refused to answer (RCODE 5), or gave another code that is neither 0 nor 3.
    Refused,
    /// The server failed (RCODE 2).
    ServerFailure,
    /// No reply in time.
    Timeout,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AliasChain => "the chain of aliases is too long",
            Self::Bogus => "DNSSEC validation failed",
            Self::Malformed => "the reply is malformed",
            Self::Refused => "the server refused",
            Self::ServerFailure => "the server failed",
            Self::Timeout => "no reply in time",
        })
    }
}

/// What came of a query.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// Records of the type that was asked for; never none.
    Records(Records<'a>, Security),
    /// The name exists, but has no record of the type.
    NoData(Security),
    /// The name does not exist (RCODE 3).
    NxDomain(Security),
    /// It is not known.
    Failed(Failure),
}

impl<'a> Answer<'a> {
    /// An answer made of `records`, with unknown security; no data when there are none.
    pub const fn records(records: &'a [Rdata<'a>]) -> Self {
        if records.is_empty() {
            Self::NoData(Security::Indeterminate)
        } else {
            Self::Records(
                Records(RecordSource::Slice(records)),
                Security::Indeterminate,
            )
        }
    }

    /// The same answer, where bogus data has become a failure. Each machine starts with this.
    #[must_use]
    pub const fn trusted(self) -> Self {
        match self {
            Self::Records(_, Security::Bogus)
            | Self::NoData(Security::Bogus)
            | Self::NxDomain(Security::Bogus) => Self::Failed(Failure::Bogus),
            answer => answer,
        }
    }
}

/// The records of an answer: a slice of the host's, or a section of a DNS message read in place.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a>(RecordSource<'a>);

#[derive(Clone, Copy, Debug)]
enum RecordSource<'a> {
    Slice(&'a [Rdata<'a>]),
    Section {
        message: &'a [u8],
        start: usize,
        count: u16,
        owner: Name<'a>,
        rtype: Rtype,
    },
}

impl<'a> Records<'a> {
    /// The records of class IN that belong to `owner` and have type `rtype`, among the `count` records
    /// from byte `start` of a message.
    ///
    /// Reading stops at a malformed record: the host has checked the message.
    pub const fn in_section(
        message: &'a [u8],
        start: usize,
        count: u16,
        owner: Name<'a>,
        rtype: Rtype,
    ) -> Self {
        Self(RecordSource::Section {
            message,
            start,
            count,
            owner,
            rtype,
        })
    }

    /// The data of each record in order.
    pub fn iter(&self) -> RecordsIter<'a> {
        RecordsIter(self.0)
    }
}

impl<'a> From<&'a [Rdata<'a>]> for Records<'a> {
    fn from(records: &'a [Rdata<'a>]) -> Self {
        Self(RecordSource::Slice(records))
    }
}

impl<'a> IntoIterator for Records<'a> {
    type Item = Rdata<'a>;
    type IntoIter = RecordsIter<'a>;

    fn into_iter(self) -> RecordsIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Records<'a> {
    type Item = Rdata<'a>;
    type IntoIter = RecordsIter<'a>;

    fn into_iter(self) -> RecordsIter<'a> {
        self.iter()
    }
}

/// Iterates over [`Records`].
#[derive(Clone, Debug)]
pub struct RecordsIter<'a>(RecordSource<'a>);

impl<'a> Iterator for RecordsIter<'a> {
    type Item = Rdata<'a>;

    fn next(&mut self) -> Option<Rdata<'a>> {
        match &mut self.0 {
            RecordSource::Slice(records) => {
                let (first, rest) = records.split_first()?;
                *records = rest;
                Some(*first)
            }
            RecordSource::Section {
                message,
                start,
                count,
                owner,
                rtype,
            } => {
                while let Some(left) = count.checked_sub(1) {
                    *count = left;
                    let Ok((record, next)) = Record::parse_in(message, *start) else {
                        *count = 0;
                        break;
                    };
                    *start = next;
                    if record.class == CLASS_IN
                        && record.rdata.rtype() == *rtype
                        && record.owner == *owner
                    {
                        return Some(record.rdata);
                    }
                }
                None
            }
        }
    }
}

/// The id is not that of an open query: never handed out, or answered already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerError;

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id is not that of an open query")
    }
}

impl core::error::Error for AnswerError {}

/// What a lookup machine wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Ask this; each query is handed out once. Poll again before waiting: there may be more.
    Query(QueryId),
    /// Nothing to do until an answer comes, or other input that the machine takes.
    Wait,
    /// The verdict is there.
    Done,
}

/// A machine that asks the DNS and comes to a verdict.
///
/// Calls may come in any order and any number. The machine counts its own limits, so it always ends.
pub trait Lookup {
    /// What it finds out.
    type Verdict: ?Sized;

    /// What to do next.
    fn poll(&mut self) -> Step;

    /// The question behind an id, while it is open.
    fn query(&self, id: QueryId) -> Option<Query<'_>>;

    /// Takes the answer to a query. Nothing of it is kept.
    ///
    /// # Errors
    /// When `id` is not that of an open query.
    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError>;

    /// The result, once [`Step::Done`] was returned.
    fn verdict(&self) -> Option<&Self::Verdict>;
}

/// Runs a machine on a host that answers at once: a table, a cache, a blocking resolver.
///
/// Returns when the machine is done, or when it waits for something that is no answer.
///
/// ```
/// use scop_core::{lookup, Answer, Query};
/// # use scop_core::*;
/// # struct Never;
/// # impl Lookup for Never {
/// #     type Verdict = ();
/// #     fn poll(&mut self) -> Step { Step::Done }
/// #     fn query(&self, _: QueryId) -> Option<Query<'_>> { None }
/// #     fn answer(&mut self, _: QueryId, _: Answer<'_>) -> Result<(), AnswerError> { Err(AnswerError) }
/// #     fn verdict(&self) -> Option<&()> { Some(&()) }
/// # }
/// # let mut machine = Never;
/// let verdict = lookup::drive(&mut machine, |query: Query<'_>| {
///     println!("{} {}?", query.name, query.rtype);
///     Answer::NxDomain(Default::default())
/// });
/// assert!(verdict.is_some());
/// ```
pub fn drive<'z, L: Lookup>(
    machine: &mut L,
    mut resolve: impl FnMut(Query<'_>) -> Answer<'z>,
) -> Option<&L::Verdict> {
    while let Step::Query(id) = machine.poll() {
        let Some(answer) = machine.query(id).map(&mut resolve) else {
            break;
        };
        if machine.answer(id, answer).is_err() {
            break;
        }
    }
    machine.verdict()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn tags_nest() {
        let id = QueryId::new(7);
        assert_eq!(id.untagged(), None);
        let outer = id.tagged(3).tagged(0);
        assert_ne!(outer, id);
        let (tag, inner) = outer.untagged().unwrap();
        assert_eq!((tag, inner.untagged()), (0, Some((3, id))));
    }

    #[test]
    fn names_in_parts() {
        let name = QueryName::dotted([b"sel.2026", b"_domainkey", b"Example.org"]);
        assert_eq!(name.to_string(), "sel.2026._domainkey.Example.org.");
        let wire = name.to_name().unwrap();
        assert_eq!(QueryName::from(wire.as_name()), name);
        assert_eq!(
            QueryName::dotted([b"", b"", b"a."])
                .to_name()
                .unwrap()
                .to_string(),
            "a."
        );
        let bad = QueryName::dotted([b"a..b", b"", b"c"]);
        assert_eq!(bad.to_name(), Err(NameErrorKind::EmptyLabel));
    }

    #[test]
    fn a_section_is_filtered() {
        // www CNAME x, x A, y A, x of class 3: only the second is the answer for x A.
        let mut message = std::vec::Vec::from(&b"\x03www\x00\x01x\x00\x01y\x00"[..]);
        let start = message.len();
        for (owner, rtype, class, data) in [
            (0, 5, 1, &b"\xc0\x05"[..]),
            (5, 1, 1, &[1; 4]),
            (8, 1, 1, &[2; 4]),
            (5, 1, 3, &[3; 4]),
        ] {
            message.extend([0xc0, owner, 0, rtype, 0, class, 0, 0, 0, 9, 0]);
            message.push(u8::try_from(data.len()).unwrap());
            message.extend(data);
        }
        let owner = NameBuf::from_text(b"X").unwrap();
        let records = Records::in_section(&message, start, 4, owner.as_name(), Rtype::A);
        let mut iter = records.iter();
        assert!(matches!(iter.next(), Some(Rdata::A(address)) if address.octets() == [1; 4]));
        assert!(iter.next().is_none() && iter.next().is_none());
    }

    #[test]
    fn bogus_is_a_failure() {
        let answer = Answer::NxDomain(Security::Bogus).trusted();
        assert!(matches!(answer, Answer::Failed(Failure::Bogus)));
        assert!(matches!(Answer::records(&[]).trusted(), Answer::NoData(_)));
    }
}
