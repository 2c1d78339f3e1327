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
        Self::parse_with(text, |_| {})
    }

    /// As [`Record::parse`]; shows each term as it is read, also when an error follows.
    pub(crate) fn parse_with(
        text: &'a [u8],
        mut show: impl FnMut(&Term<'a>),
    ) -> Result<Self, RecordError> {
        let version = text.split(|&byte| byte == b' ').next().unwrap_or_default();
        if !version.eq_ignore_ascii_case(VERSION) {
            return Err(RecordError::new(RecordErrorKind::Version, 0));
        }
        let (mut redirect, mut explanation) = (false, false);
        let mut terms = Terms::resume(text, Self::TERMS_AT.into());
        while let Some(term) = terms.next_checked() {
            let term = term?;
            show(&term);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::{DualCidr, Mechanism, Qualifier};
    use crate::result::SpfResult;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn spec(text: &str) -> DomainSpec<'_> {
        DomainSpec::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_mechanism() {
        use Mechanism::*;
        let cidr = |ip4, ip6| DualCidr { ip4, ip6 };
        for (term, mechanism) in [
            ("all", All),
            ("ALL", All),
            ("include:a.org", Include(spec("a.org"))),
            ("exists:%{ir}.a.org", Exists(spec("%{ir}.a.org"))),
            ("a", A(None, cidr(32, 128))),
            ("A/24", A(None, cidr(24, 128))),
            ("a//64", A(None, cidr(32, 64))),
            ("a/0//0", A(None, cidr(0, 0))),
            ("a:a.org", A(Some(spec("a.org")), cidr(32, 128))),
            ("a:a.org/32//128", A(Some(spec("a.org")), cidr(32, 128))),
            ("a:x/y:z.org/24", A(Some(spec("x/y:z.org")), cidr(24, 128))),
            ("a:%{d}/24", A(Some(spec("%{d}")), cidr(24, 128))),
            ("a:%{d2/}", A(Some(spec("%{d2/}")), cidr(32, 128))),
            ("a:%{d2/}//8", A(Some(spec("%{d2/}")), cidr(32, 8))),
            ("a:%{d}/8/%{d}", A(Some(spec("%{d}/8/%{d}")), cidr(32, 128))),
            ("mx", Mx(None, cidr(32, 128))),
            ("mX:a.org.//5", Mx(Some(spec("a.org.")), cidr(32, 5))),
            ("ptr", Ptr(None)),
            ("ptr:a.org", Ptr(Some(spec("a.org")))),
            ("ip4:192.0.2.0/24", Ip4([192, 0, 2, 0].into(), 24)),
            ("ip4:192.0.2.1", Ip4([192, 0, 2, 1].into(), 32)),
            (
                "ip6:2001:db8::cd30/33",
                Ip6("2001:db8::cd30".parse().unwrap(), 33),
            ),
            ("ip6:::1.1.1.1", Ip6("::1.1.1.1".parse().unwrap(), 128)),
        ] {
            for (sign, qualifier, result) in [
                ("", Qualifier::Pass, SpfResult::Pass),
                ("+", Qualifier::Pass, SpfResult::Pass),
                ("-", Qualifier::Fail, SpfResult::Fail),
                ("~", Qualifier::SoftFail, SpfResult::SoftFail),
                ("?", Qualifier::Neutral, SpfResult::Neutral),
            ] {
                let text = std::format!("v=spf1  {sign}{term}");
                let record = Record::parse(text.as_bytes()).unwrap();
                let terms: Vec<Term<'_>> = record.terms().collect();
                let directive = Directive {
                    qualifier,
                    mechanism,
                };
                assert_eq!(terms.len(), 1);
                assert_eq!(terms[0].kind, TermKind::Directive(directive), "{text}");
                assert_eq!((terms[0].offset, terms[0].text), (8, &text.as_bytes()[8..]));
                assert_eq!(qualifier.result(), result);
            }
        }
    }

    #[test]
    fn modifiers() {
        let text = b"V=SPF1 moo.cow-far_out=man:dog/cat REDIRECT=%{d}.org mx Exp=why.org. x= ";
        let record = Record::parse(text).unwrap();
        let kinds: Vec<TermKind<'_>> = record.terms().map(|term| term.kind).collect();
        let unknown = |name, value| TermKind::Unknown {
            name,
            value: MacroString::parse(value).unwrap(),
        };
        assert_eq!(kinds.len(), 5);
        assert_eq!(kinds[0], unknown(b"moo.cow-far_out", b"man:dog/cat"));
        assert_eq!(kinds[4], unknown(b"x", b""));
        assert_eq!(record.redirect(), Some(spec("%{d}.org")));
        assert_eq!(record.explanation(), Some(spec("why.org.")));
        assert_eq!(record.as_bytes(), text);
        let bare = Record::parse(b"v=spf1").unwrap();
        assert_eq!(
            (bare.redirect(), bare.explanation(), bare.terms().count()),
            (None, None, 0)
        );
    }

    #[test]
    fn errors_say_where() {
        use RecordErrorKind::*;
        for (text, kind, at) in [
            ("", Version, 0),
            ("v=spf10", Version, 0),
            ("v=spf1\tall", Version, 0),
            (" v=spf1", Version, 0),
            ("v=spf1 a\tmx", UnknownMechanism, 7),
            ("v=spf1 -all moo", UnknownMechanism, 12),
            ("v=spf1 -all.", UnknownMechanism, 8),
            ("v=spf1 --all", UnknownMechanism, 8),
            ("v=spf1 -", UnknownMechanism, 8),
            ("v=spf1 1up=foo", UnknownMechanism, 7),
            ("v=spf1 =all", UnknownMechanism, 7),
            ("v=spf1 -redirect=a.org", UnknownMechanism, 8),
            ("v=spf1 redirect:a.org", UnknownMechanism, 7),
            ("v=spf1 moo/x=y", UnknownMechanism, 7),
            ("v=spf1 \u{96}all", UnknownMechanism, 7),
            ("v=spf1 -all:foobar", Argument, 11),
            ("v=spf1 -all/8", Argument, 11),
            ("v=spf1 ptr/0", Argument, 10),
            ("v=spf1 include/8", Argument, 14),
            ("v=spf1 ip4/8", Argument, 10),
            ("v=spf1 include", MissingArgument, 14),
            ("v=spf1 exists", MissingArgument, 13),
            ("v=spf1 ip4", MissingArgument, 10),
            ("v=spf1 ip6", MissingArgument, 10),
            ("v=spf1 ip4:", Network, 11),
            ("v=spf1 ip4:192.0.2", Network, 11),
            ("v=spf1 ip4:192.0.2.1:25", Network, 11),
            ("v=spf1 ip6::CAFE::BABE", Network, 11),
            ("v=spf1 ip4:192.0.2.5\n", Network, 11),
            ("v=spf1 ip4:192.0.2.0/33", PrefixLength, 20),
            ("v=spf1 ip4:192.0.2.0/032", PrefixLength, 20),
            ("v=spf1 ip4:192.0.2.0//32", PrefixLength, 20),
            ("v=spf1 ip4:192.0.2.0/", PrefixLength, 20),
            ("v=spf1 ip6:::1/129", PrefixLength, 14),
            ("v=spf1 ip6:::1//33", PrefixLength, 14),
            ("v=spf1 a/33", PrefixLength, 8),
            ("v=spf1 a//129", PrefixLength, 8),
            ("v=spf1 a/24/64", PrefixLength, 11),
            ("v=spf1 a/24//64/", PrefixLength, 15),
            ("v=spf1 a///64", PrefixLength, 8),
            ("v=spf1 a/", PrefixLength, 8),
            ("v=spf1 a//", PrefixLength, 8),
            ("v=spf1 a:a.org/33", PrefixLength, 14),
            ("v=spf1 a:a.org/24//129", PrefixLength, 17),
            ("v=spf1 a:", Macro(MacroErrorKind::Empty), 9),
            ("v=spf1 a:/24", Macro(MacroErrorKind::Empty), 9),
            ("v=spf1 a:museum", Macro(MacroErrorKind::TopLabel), 9),
            ("v=spf1 a:a.org/24/64", PrefixLength, 17),
            (
                "v=spf1 include:a.org/24",
                Macro(MacroErrorKind::TopLabel),
                17,
            ),
            ("v=spf1 a:x.org\rptr", Macro(MacroErrorKind::BadByte), 14),
            ("v=spf1 ?all exp=", Macro(MacroErrorKind::Empty), 16),
            ("v=spf1 redirect=-all", Macro(MacroErrorKind::TopLabel), 16),
            ("v=spf1 foo=%abc", Macro(MacroErrorKind::Percent), 11),
            (
                "v=spf1 foo=%{t}",
                Macro(MacroErrorKind::ExplanationOnly),
                13,
            ),
            ("v=spf1 exp=a.org mx exp=a.org", Repeated, 20),
            ("v=spf1 redirect=a.org -all REDIRECT=a.org", Repeated, 27),
        ] {
            let error = Record::parse(text.as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{text:?}");
        }
    }

    /// RFC 7208 4.5, also over the seams of character-strings (RFC 7208 3.3).
    #[test]
    fn selection() {
        for (strings, selected) in [
            (&b"\x06v=spf1"[..], true),
            (b"\x0av=sPf1 all", true),
            (b"\x02v=\x00\x04SPF1\x04 all", true),
            (b"\x06v=spf1\x02mx", false),
            (b"\x07v=spf10", false),
            (b"\x06v=spf2", false),
            (b"\x05v=spf", false),
            (b"\x07 v=spf1", false),
            (b"\x07v=spf1\t", false),
            (b"\x00", false),
        ] {
            assert_eq!(
                Record::is_selected(&Txt::parse(strings).unwrap()),
                selected,
                "{strings:?}"
            );
        }
    }

    proptest! {
        /// A record is its terms: nothing is lost but spaces, and each term reads alike alone.
        #[test]
        fn terms_cover_the_record(text in "v=spf1( {1,2}([+?~-]?(all|a|mx/24|ptr|ip4:192\\.0\\.2\\.1|include:%\\{d\\}|exists:a\\.b)|x=y)){0,8} {0,2}") {
            let record = Record::parse(text.as_bytes()).unwrap();
            let mut plain = std::string::String::from("v=spf1");
            for term in record.terms() {
                prop_assert_eq!(&text.as_bytes()[term.offset..term.offset + term.text.len()], term.text);
                plain.push(' ');
                plain.push_str(core::str::from_utf8(term.text).unwrap());
            }
            let words: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(plain, words.join(" "));
        }

        #[test]
        fn any_bytes(text: Vec<u8>, rest in "[ -~]{0,60}") {
            let _ = Record::parse(&text);
            let text = std::format!("v=spf1 {rest}");
            match Record::parse(text.as_bytes()) {
                Ok(record) => prop_assert_eq!(record.terms().count(), rest.split(' ').filter(|term| !term.is_empty()).count()),
                Err(error) => prop_assert!(error.offset() <= text.len()),
            }
        }
    }
}
