//! DMARC Policy Records (RFC 9989 4.7, 4.8).
//!
//! [`Policy`] is what a record says, as a small value that borrows nothing: it is read from a TXT
//! record in place, whose strings are joined as they are read. [`Record`] is a view of a record that
//! lies in one slice, with its reporting addresses and its mistakes.
//!
//! Only the version is strict. It must be first, and be `DMARC1` in capitals; else the text is no
//! DMARC record. Everything else gives way: a tag that is unknown, historic (`pct`, `rf`, `ri`),
//! repeated or malformed is passed over and its default holds. Names and words are compared without
//! regard to case, as strings in ABNF are.

mod tag;
mod uri;

use core::fmt;

use scop_core::{Emit, Full, ParseError, Sink, Txt};

pub use tag::{Tag, TagDefect, Tags};
pub use uri::{Uri, Uris};

use crate::alignment::Mode;
use crate::policy::Disposition;
use tag::{Token, Tokens};

/// Why a text is not a DMARC record. It is to be ignored then, as if it were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// The first tag is not `v`.
    VersionFirst,
    /// The value of `v` is not `DMARC1`.
    Version,
}

impl fmt::Display for RecordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VersionFirst => "a DMARC record starts with the tag v (RFC 9989 4.7)",
            Self::Version => "the version is DMARC1, in capitals (RFC 9989 4.7)",
        })
    }
}

/// Why, and at which byte.
pub type RecordError = ParseError<RecordErrorKind>;

/// Whether a domain is a public suffix (`dmarc-psd`, RFC 9989 4.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Psd {
    /// `y`: it is one; organizations lie one label below.
    Yes,
    /// `n`: it is not, and it is an organizational domain.
    No,
    /// `u`: not said; the tree walk finds out.
    #[default]
    Unknown,
}

/// When failure reports are wanted (`dmarc-fo`, RFC 9989 4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailureOptions {
    /// `1`: when any mechanism fails to give an aligned pass; otherwise (`0`) when all do.
    pub any: bool,
    /// `d`: when a DKIM signature fails, aligned or not.
    pub dkim: bool,
    /// `s`: when SPF fails, aligned or not.
    pub spf: bool,
}

impl FailureOptions {
    /// Without a valid tag: `0`.
    pub const DEFAULT: Self = Self {
        any: false,
        dkim: false,
        spf: false,
    };

    /// ```text
    /// dmarc-fo = options in any order between ":", each at most once, not both "0" and "1"
    /// ```
    fn parse(value: &[u8]) -> Option<Self> {
        let mut all = false;
        let mut options = Self::DEFAULT;
        for option in value.split(|&byte| byte == b':') {
            let seen = match option {
                b"0" => &mut all,
                b"1" => &mut options.any,
                [b'd' | b'D'] => &mut options.dkim,
                [b's' | b'S'] => &mut options.spf,
                _ => return None,
            };
            if core::mem::replace(seen, true) {
                return None;
            }
        }
        (!(all && options.any)).then_some(options)
    }
}

impl Default for FailureOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A tag that must hold one of a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Word<T> {
    Absent,
    Valid(T),
    Invalid,
}

impl<T: Copy> Word<T> {
    /// An invalid value gives way to the default (RFC 9989 4.8).
    fn or(self, default: T) -> T {
        match self {
            Self::Valid(value) => value,
            Self::Absent | Self::Invalid => default,
        }
    }

    /// An invalid value is an error (RFC 9989 4.10.1).
    fn strict(self) -> Result<Option<T>, InvalidRequest> {
        match self {
            Self::Valid(value) => Ok(Some(value)),
            Self::Absent => Ok(None),
            Self::Invalid => Err(InvalidRequest),
        }
    }
}

/// `p`, `sp` or `np` holds an unknown word.
pub(crate) struct InvalidRequest;

/// What a record says, without borrowing it.
///
/// `request` gives the policy for a domain; see the module [`policy`](crate::policy).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    p: Word<Disposition>,
    sp: Word<Disposition>,
    np: Word<Disposition>,
    psd: Word<Psd>,
    t: Word<bool>,
    adkim: Word<Mode>,
    aspf: Word<Mode>,
    fo: Word<FailureOptions>,
    /// Whether the tag is there with a valid URI; invalid when it is there without one.
    rua: Word<()>,
    ruf: Word<()>,
}

impl Policy {
    const EMPTY: Self = Self {
        p: Word::Absent,
        sp: Word::Absent,
        np: Word::Absent,
        psd: Word::Absent,
        t: Word::Absent,
        adkim: Word::Absent,
        aspf: Word::Absent,
        fo: Word::Absent,
        rua: Word::Absent,
        ruf: Word::Absent,
    };

    /// Reads a TXT record, its strings joined (RFC 9989 4.5).
    ///
    /// # Errors
    /// When it is not a DMARC record; offsets count through all strings.
    pub fn from_txt(txt: Txt<'_>) -> Result<Self, RecordError> {
        Self::read(|| txt.strings().flatten().copied())
    }

    /// Reads the record that `bytes` gives, as often as it is called.
    fn read<I: Iterator<Item = u8>>(bytes: impl Fn() -> I) -> Result<Self, RecordError> {
        let mut policy = Self::EMPTY;
        for token in checked(&bytes)? {
            // A tag that is wrong keeps its default or is marked invalid; `Record::defects` names it.
            let _ = policy.set(&token, &bytes);
        }
        Ok(policy)
    }

    /// Takes one tag; the first of a name counts (RFC 6376 3.2 allows no second).
    fn set<I: Iterator<Item = u8>>(
        &mut self,
        token: &Token,
        bytes: impl Fn() -> I,
    ) -> Result<(), TagDefect> {
        fn put<T: Copy>(slot: &mut Word<T>, value: Option<T>) -> Result<(), TagDefect> {
            if !matches!(slot, Word::Absent) {
                return Err(TagDefect::Repeated);
            }
            *slot = value.map_or(Word::Invalid, Word::Valid);
            value.map(|_| ()).ok_or(TagDefect::Value)
        }
        let Some(name) = token.name() else {
            return Err(TagDefect::NoEquals);
        };
        let word = token.value().unwrap_or_default();
        let letter = match word {
            [letter] => letter.to_ascii_lowercase(),
            _ => 0,
        };
        let mode = match letter {
            b'r' => Some(Mode::Relaxed),
            b's' => Some(Mode::Strict),
            _ => None,
        };
        // A repeated list is not read: many of them would make the work quadratic.
        let uris = |slot: Word<()>| {
            let list = bytes().take(token.end).skip(token.start);
            (matches!(slot, Word::Absent) && uri::any_valid(list)).then_some(())
        };
        let mut lower = [0; tag::LONGEST_NAME];
        for (to, from) in lower.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        match lower.get(..name.len()).unwrap_or_default() {
            b"p" => put(&mut self.p, Disposition::parse(word)),
            b"sp" => put(&mut self.sp, Disposition::parse(word)),
            b"np" => put(&mut self.np, Disposition::parse(word)),
            b"psd" => put(
                &mut self.psd,
                match letter {
                    b'y' => Some(Psd::Yes),
                    b'n' => Some(Psd::No),
                    b'u' => Some(Psd::Unknown),
                    _ => None,
                },
            ),
            b"t" => put(
                &mut self.t,
                match letter {
                    b'y' => Some(true),
                    b'n' => Some(false),
                    _ => None,
                },
            ),
            b"adkim" => put(&mut self.adkim, mode),
            b"aspf" => put(&mut self.aspf, mode),
            b"fo" => put(&mut self.fo, FailureOptions::parse(word)),
            b"rua" => {
                let valid = uris(self.rua);
                put(&mut self.rua, valid)
            }
            b"ruf" => {
                let valid = uris(self.ruf);
                put(&mut self.ruf, valid)
            }
            b"pct" | b"rf" | b"ri" => Err(TagDefect::Historic),
            b"v" => Err(TagDefect::Repeated),
            _ => Err(TagDefect::Unknown),
        }
    }

    /// `p`, `sp` and `np` as they stand.
    pub(crate) fn tags(&self) -> Result<[Option<Disposition>; 3], InvalidRequest> {
        Ok([self.p.strict()?, self.sp.strict()?, self.np.strict()?])
    }

    /// Whether the domain is a public suffix.
    pub fn psd(&self) -> Psd {
        self.psd.or(Psd::Unknown)
    }

    /// `t=y`: the policy is being tested.
    pub fn is_testing(&self) -> bool {
        self.t.or(false)
    }

    /// How the domains of DKIM signatures must align.
    pub fn adkim(&self) -> Mode {
        self.adkim.or(Mode::Relaxed)
    }

    /// How the domain of MAIL FROM must align.
    pub fn aspf(&self) -> Mode {
        self.aspf.or(Mode::Relaxed)
    }

    /// Whether `rua` has a valid URI.
    pub fn wants_aggregate_reports(&self) -> bool {
        matches!(self.rua, Word::Valid(()))
    }

    /// When failure reports are wanted; `None` when `ruf` has no valid URI.
    pub fn wants_failure_reports(&self) -> Option<FailureOptions> {
        matches!(self.ruf, Word::Valid(())).then_some(self.fo.or(FailureOptions::DEFAULT))
    }
}

/// The tags after the version, if that is right.
fn checked<I: Iterator<Item = u8>>(bytes: impl Fn() -> I) -> Result<Tokens<I>, RecordError> {
    let mut tokens = Tokens::new(bytes());
    let first = tokens.next().unwrap_or_default();
    // The grammar has no blank before the version, and `v` in either case.
    if first.at != 0 || !matches!(first.name(), Some([b'v' | b'V'])) {
        return Err(RecordError::new(RecordErrorKind::VersionFirst, 0));
    }
    if first.value() != Some(b"DMARC1") {
        return Err(RecordError::new(RecordErrorKind::Version, first.start));
    }
    Ok(tokens)
}

/// A record in one slice.
///
/// ```text
/// dmarc-record  = dmarc-version *(dmarc-sep dmarc-tag) [dmarc-sep]
/// dmarc-version = "v" equals %s"DMARC1"
/// dmarc-tag     = 1*ALPHA equals 1*dmarc-value
/// dmarc-value   = %x20-3A / %x3C-7E
/// dmarc-sep     = *WSP ";" *WSP
/// equals        = *WSP "=" *WSP
/// ```
///
/// ```
/// use scop_dmarc::{Record, policy::{Disposition, Scope}};
/// let record = Record::parse(b"v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@example.org!10m, no")?;
/// let request = record.policy().request(Scope::Domain).unwrap();
/// assert_eq!(request.disposition, Disposition::Reject);
/// assert!(record.rua().map(|uri| uri.as_bytes()).eq([b"mailto:dmarc@example.org"]));
/// assert_eq!(record.defects().next().unwrap().to_string(), "a URI in the list is invalid (RFC 3986 3) at byte 63");
/// # Ok::<(), scop_dmarc::record::RecordError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Record<'a> {
    text: &'a [u8],
    policy: Policy,
}

impl<'a> Record<'a> {
    /// Reads a record.
    ///
    /// # Errors
    /// When the text does not start with the right version.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        let policy = Policy::read(|| text.iter().copied())?;
        Ok(Self { text, policy })
    }

    /// The text as it was read.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// What it says.
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// All tags in order, the version among them.
    pub fn tags(&self) -> Tags<'a> {
        Tags::new(self.text)
    }

    /// Where aggregate reports are to go; invalid URIs are left out.
    pub fn rua(&self) -> Uris<'a> {
        self.uris(b"rua")
    }

    /// Where failure reports are to go; invalid URIs are left out.
    pub fn ruf(&self) -> Uris<'a> {
        self.uris(b"ruf")
    }

    fn uris(&self, name: &[u8]) -> Uris<'a> {
        let tag = self.tags().find(|tag| tag.name.eq_ignore_ascii_case(name));
        Uris::new(tag.map(|tag| tag.value).unwrap_or_default())
    }

    /// What is wrong or has no effect, tag by tag. None of it makes the record void.
    pub fn defects(&self) -> impl Iterator<Item = ParseError<TagDefect>> + use<'a> {
        let text = self.text;
        let mut seen = Policy::EMPTY;
        self.tags().skip(1).flat_map(move |tag| {
            let defect = seen.set(&tag.token, || text.iter().copied()).err();
            let list = matches!(defect, None | Some(TagDefect::Value)) && tag.is_uri_list();
            let uris = list.then(|| uri::invalid(tag.value));
            // In a list each URI speaks for itself.
            let own = defect.filter(|_| !list).map(|defect| (defect, tag.offset));
            let in_list = uris.into_iter().flatten();
            own.into_iter()
                .chain(in_list.map(move |at| (TagDefect::Uri, tag.token.start + at)))
                .map(|(defect, at)| ParseError::new(defect, at))
        })
    }
}

/// Writes the text as it was read.
impl Emit for Record<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.text)
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({:?})", self.policy)
    }
}

#[cfg(test)]
mod tests;
