//! SPF records (RFC 7208 4.5, 4.6.1, 6, 12): a view that is checked as a whole, and its terms.
//!
//! Contract: [`Record::parse`] refuses a record with a syntax error anywhere, so reading the terms of
//! a [`Record`] cannot fail. Nothing panics on any input, and all takes time linear in the text.
//!
//! ```
//! use scop_spf::{Mechanism, Record, TermKind};
//!
//! let record = Record::parse(b"v=spf1 mx ip4:192.0.2.0/24 -all exp=why.%{d}")?;
//! let first = record.terms().next().unwrap();
//! assert!(matches!(first.kind, TermKind::Directive(it) if matches!(it.mechanism, Mechanism::Mx(None, _))));
//! assert_eq!(record.explanation().unwrap().as_bytes(), b"why.%{d}");
//!
//! let error = Record::parse(b"v=spf1 ip4:192.0.2 -all").unwrap_err();
//! assert_eq!(error.to_string(), "no IP address in the usual form (RFC 7208 5.6) at byte 11");
//! # Ok::<(), scop_spf::record::RecordError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, ParseError, Txt};

use crate::macro_string::{DomainSpec, MacroErrorKind, MacroString};
use crate::mechanism::Directive;

/// The version section, without the space or the end that closes it (RFC 7208 4.5).
const VERSION: &[u8; 6] = b"v=spf1";

/// A valid record.
///
/// ```text
/// record           = version terms *SP
/// version          = "v=spf1"
/// terms            = *( 1*SP ( directive / modifier ) )
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    /// Where the terms start.
    pub(crate) const TERMS_AT: u16 = 6;

    /// Reads the whole text of a TXT record.
    ///
    /// # Errors
    /// The first syntax error, wherever it is (RFC 7208 4.6).
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        let version = text.split(|&byte| byte == b' ').next().unwrap_or_default();
        if !version.eq_ignore_ascii_case(VERSION) {
            return Err(RecordError::new(RecordErrorKind::Version, 0));
        }
        let (mut redirect, mut explanation) = (false, false);
        let mut terms = Terms::resume(text, Self::TERMS_AT.into());
        while let Some(term) = terms.next_checked() {
            let term = term?;
            let seen = match term.kind {
                TermKind::Redirect(_) => &mut redirect,
                TermKind::Explanation(_) => &mut explanation,
                TermKind::Directive(_) | TermKind::Unknown { .. } => continue,
            };
            if core::mem::replace(seen, true) {
                return Err(RecordError::new(RecordErrorKind::Repeated, term.offset));
            }
        }
        Ok(Self(text))
    }

    /// Whether a TXT record is an SPF record at all, to be judged by [`Record::parse`] then: it begins
    /// with the version section, which a space or the end closes (RFC 7208 4.5).
    pub fn is_selected(txt: &Txt<'_>) -> bool {
        let mut bytes = txt.strings().flatten();
        VERSION.iter().all(|expected| {
            bytes
                .next()
                .is_some_and(|byte| byte.eq_ignore_ascii_case(expected))
        }) && matches!(bytes.next(), None | Some(b' '))
    }

    /// The record as it was read.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The terms from the left.
    pub fn terms(&self) -> Terms<'a> {
        Terms::resume(self.0, Self::TERMS_AT.into())
    }

    /// Where to go when nothing matches (RFC 7208 6.1).
    pub fn redirect(&self) -> Option<DomainSpec<'a>> {
        self.terms().find_map(|term| match term.kind {
            TermKind::Redirect(target) => Some(target),
            _ => None,
        })
    }

    /// Where the explanation of a fail is (RFC 7208 6.2).
    pub fn explanation(&self) -> Option<DomainSpec<'a>> {
        self.terms().find_map(|term| match term.kind {
            TermKind::Explanation(target) => Some(target),
            _ => None,
        })
    }
}

/// A directive or a modifier, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term<'a> {
    /// The term as it stands.
    pub text: &'a [u8],
    /// The byte of the record at which it starts.
    pub offset: usize,
    /// What it says.
    pub kind: TermKind<'a>,
}

/// What a term says.
///
/// ```text
/// modifier         = redirect / explanation / unknown-modifier
/// redirect         = "redirect" "=" domain-spec
/// explanation      = "exp" "=" domain-spec
/// unknown-modifier = name "=" macro-string
/// name             = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermKind<'a> {
    /// A test and its result.
    Directive(Directive<'a>),
    /// The record to use when no mechanism matches (RFC 7208 6.1).
    Redirect(DomainSpec<'a>),
    /// Where to find the text that explains a fail (RFC 7208 6.2).
    Explanation(DomainSpec<'a>),
    /// A modifier of another specification; it is ignored (RFC 7208 6).
    Unknown {
        /// Before the `=`.
        name: &'a [u8],
        /// After the `=`.
        value: MacroString<'a>,
    },
}

impl<'a> TermKind<'a> {
    /// A name and `=` make a modifier; everything else must be a directive (RFC 7208 4.6.1).
    fn parse(term: &'a [u8]) -> Result<Self, RecordError> {
        let mut cursor = Cursor::new(term);
        let name = cursor
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let named = name.first().is_some_and(u8::is_ascii_alphabetic);
        if !named || !cursor.skip_byte(b'=') {
            return Directive::parse(term).map(Self::Directive);
        }
        let (value, at) = (cursor.rest(), cursor.offset());
        if name.eq_ignore_ascii_case(b"redirect") {
            DomainSpec::parse(value).map(Self::Redirect)
        } else if name.eq_ignore_ascii_case(b"exp") {
            DomainSpec::parse(value).map(Self::Explanation)
        } else {
            MacroString::parse(value).map(|value| Self::Unknown { name, value })
        }
        .map_err(|error| error.map(RecordErrorKind::Macro).nested(at))
    }
}

/// Iterates over the terms of a record.
#[derive(Clone, Debug)]
pub struct Terms<'a>(Cursor<'a>);

impl<'a> Terms<'a> {
    /// The terms of `text` from byte `offset`.
    pub(crate) fn resume(text: &'a [u8], offset: usize) -> Self {
        Self(Cursor::at(text, offset))
    }

    /// The byte after the last term read.
    pub(crate) const fn offset(&self) -> usize {
        self.0.offset()
    }

    fn next_checked(&mut self) -> Option<Result<Term<'a>, RecordError>> {
        self.0.take_while(|byte| byte == b' ');
        let offset = self.0.offset();
        let text = self.0.take_while(|byte| byte != b' ');
        if text.is_empty() {
            return None;
        }
        Some(match TermKind::parse(text) {
            Ok(kind) => Ok(Term { text, offset, kind }),
            Err(error) => Err(error.nested(offset)),
        })
    }
}

impl<'a> Iterator for Terms<'a> {
    type Item = Term<'a>;

    fn next(&mut self) -> Option<Term<'a>> {
        // The record was checked, so no term is an error.
        self.next_checked()?.ok()
    }
}

/// Why a text is not an SPF record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// A mechanism has an argument that it does not take.
    Argument,
    /// A domain-spec or macro-string is broken.
    Macro(MacroErrorKind),
    /// A mechanism lacks the argument that it needs.
    MissingArgument,
    /// An address of `ip4` or `ip6` is broken.
    Network,
    /// A prefix length is no number, has a leading zero, or is too large.
    PrefixLength,
    /// `redirect` or `exp` for the second time.
    Repeated,
    /// There is no such mechanism.
    UnknownMechanism,
    /// The text does not begin with `v=spf1` and a space or the end.
    Version,
}

impl fmt::Display for RecordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argument => "the mechanism does not take this argument (RFC 7208 5)",
            Self::Macro(kind) => return kind.fmt(f),
            Self::MissingArgument => "the mechanism needs an argument (RFC 7208 5)",
            Self::Network => "no IP address in the usual form (RFC 7208 5.6)",
            Self::PrefixLength => "no prefix length of the address family (RFC 7208 5.6)",
            Self::Repeated => "redirect and exp may each stand only once (RFC 7208 6)",
            Self::UnknownMechanism => "there is no such mechanism (RFC 7208 4.6.1)",
            Self::Version => "a record begins with v=spf1 (RFC 7208 4.5)",
        })
    }
}

/// Why, and at which byte.
pub type RecordError = ParseError<RecordErrorKind>;
