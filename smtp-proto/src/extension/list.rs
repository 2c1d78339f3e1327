//! The list of extensions that a server or client is given, checked once and searched by name.

use core::fmt;

use scop_core::{Cursor, FmtSink, Sink};

use super::Extension;
use crate::parameter::Parameter;
use crate::shown::{Octets, Shown};

/// Why a list of extensions cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListErrorKind {
    /// There are more than 64.
    TooMany,
    /// A keyword or verb is not of the form that RFC 5321 4.1.1.1 and 4.1.2 give it.
    BadName,
    /// A keyword, parameter or verb belongs to an extension before it, or a verb to RFC 5321 itself.
    Claimed,
    /// An extension that it needs is not in the list.
    Needs,
}

impl fmt::Display for ListErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "a list holds 64 extensions at most",
            Self::BadName => {
                "a name is letters, digits and hyphens, and does not begin with a hyphen"
            }
            Self::Claimed => "a keyword, parameter or verb belongs to one extension of a list",
            Self::Needs => "an extension stands in a list with those that it needs",
        })
    }
}

/// What is wrong with a list of extensions, and with which of them. It keeps the names for its message itself,
/// so that it can outlive the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListError {
    kind: ListErrorKind,
    index: u8,
    other: Option<u8>,
    keyword: Word,
    name: Word,
    owner: Word,
}

impl ListError {
    /// The broken rule.
    pub const fn kind(&self) -> ListErrorKind {
        self.kind
    }

    /// The position in the list of the extension that breaks it, from 0.
    pub const fn index(&self) -> usize {
        self.index as usize
    }

    /// The position of the extension that owns the name, from 0; `None` when it is a verb of RFC 5321, and for
    /// other kinds than [`ListErrorKind::Claimed`].
    pub fn other(&self) -> Option<usize> {
        self.other.map(usize::from)
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            index,
            keyword,
            name,
            owner,
            ..
        } = self;
        match (kind, self.other) {
            (ListErrorKind::TooMany, _) => fmt::Display::fmt(kind, f),
            (ListErrorKind::BadName, _) => {
                let position = index.saturating_add(1);
                write!(f, "{name:?} of extension {position} of the list: {kind}")
            }
            (ListErrorKind::Needs, _) => {
                write!(f, "{keyword} needs {name}, which is not in the list")
            }
            (ListErrorKind::Claimed, None) => {
                write!(f, "{name} of {keyword} is a verb of RFC 5321")
            }
            (ListErrorKind::Claimed, Some(other)) if other == *index => {
                write!(f, "{keyword} claims {name} twice")
            }
            (ListErrorKind::Claimed, Some(_)) if name == keyword => {
                write!(f, "{keyword} stands in the list twice")
            }
            (ListErrorKind::Claimed, Some(_)) => {
                write!(f, "{name} of {keyword} belongs to {owner} already")
            }
        }
    }
}

/// The start of a name, for a message.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word {
    text: [u8; Self::MAX],
    len: u8,
}

impl Word {
    /// ENHANCEDSTATUSCODES fits.
    const MAX: usize = 19;

    fn new(name: &str) -> Self {
        let mut text = [0; Self::MAX];
        for (to, from) in text.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        let len = u8::try_from(name.len()).unwrap_or(u8::MAX);
        Self { text, len }
    }

    /// What is kept, and what stands for the rest.
    fn parts(&self) -> (&[u8], &'static str) {
        match self.text.get(..self.len.into()) {
            Some(text) => (text, ""),
            None => (&self.text, "..."),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, rest) = self.parts();
        FmtSink(f).put(text).map_err(|_| fmt::Error)?;
        f.write_str(rest)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, rest) = self.parts();
        fmt::Debug::fmt(&Shown(Octets(text)), f)?;
        f.write_str(rest)
    }
}

impl core::error::Error for ListError {}

/// A checked list. A name in it has one owner at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extensions<'a>(&'a [&'a dyn Extension]);

/// An extension and its position in the list.
pub(crate) type Found<'a> = (usize, &'a dyn Extension);

impl<'a> Extensions<'a> {
    /// So that a [`Set`] is one word.
    pub(crate) const MAX: usize = 64;

    /// Checks a list. It takes time in the square of the number of names, once for a configuration.
    pub(crate) fn new(list: &'a [&'a dyn Extension]) -> Result<Self, ListError> {
        let small = |index| u8::try_from(index).unwrap_or(u8::MAX);
        for (index, extension) in list.iter().enumerate() {
            let keyword = extension.keyword();
            let error = |kind, name: &str, other: Option<usize>| {
                let owner = other.and_then(|other| list.get(other));
                Err(ListError {
                    kind,
                    index: small(index),
                    other: other.map(small),
                    keyword: Word::new(keyword),
                    name: Word::new(name),
                    owner: Word::new(owner.map_or("", |owner| owner.keyword())),
                })
            };
            if index >= Self::MAX {
                return error(ListErrorKind::TooMany, "", None);
            }
            let mine = names(*extension);
            if !is_keyword(keyword.as_bytes()) {
                return error(ListErrorKind::BadName, keyword, None);
            }
            let mut all = mine.into_iter().flatten();
            if let Some(bad) = all.find(|name| !is_keyword(split(name).0)) {
                return error(ListErrorKind::BadName, bad, None);
            }
            if let Some(verb) = extension.verbs().iter().find(|verb| is_base_verb(verb)) {
                return error(ListErrorKind::Claimed, verb, None);
            }
            let twice = mine.iter().find_map(|mine| {
                let mut rest = mine.iter();
                rest.clone().find(|name| {
                    rest.next();
                    rest.clone().any(|other| overlap(name, other))
                })
            });
            if let Some(name) = twice {
                return error(ListErrorKind::Claimed, name, Some(index));
            }
            for (at, other) in list.iter().take(index).enumerate() {
                if other.keyword().eq_ignore_ascii_case(keyword) {
                    return error(ListErrorKind::Claimed, keyword, Some(at));
                }
                let shared = (names(*other).iter().zip(&mine)).find_map(|(theirs, mine)| {
                    let is_theirs = |name: &&&str| theirs.iter().any(|other| overlap(name, other));
                    mine.iter().find(is_theirs)
                });
                if let Some(name) = shared {
                    return error(ListErrorKind::Claimed, name, Some(at));
                }
            }
            let is_missing = |need: &&&str| {
                !(list.iter()).any(|other| other.keyword().eq_ignore_ascii_case(need))
            };
            if let Some(need) = extension.needs().iter().find(is_missing) {
                return error(ListErrorKind::Needs, need, None);
            }
        }
        Ok(Self(list))
    }

    /// All, with their positions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Found<'a>> + use<'a> {
        self.0.iter().copied().enumerate()
    }

    /// The owner of an EHLO keyword.
    pub(crate) fn keyword(&self, keyword: &[u8]) -> Option<Found<'a>> {
        self.iter()
            .find(|(_, extension)| keyword.eq_ignore_ascii_case(extension.keyword().as_bytes()))
    }

    /// The owner of a parameter of MAIL.
    pub(crate) fn mail(&self, parameter: Parameter<'_>) -> Option<Found<'a>> {
        self.iter().find(|(_, extension)| {
            (extension.mail_keywords().iter()).any(|name| claims(name, parameter))
        })
    }

    /// The owner of a parameter of RCPT.
    pub(crate) fn rcpt(&self, parameter: Parameter<'_>) -> Option<Found<'a>> {
        self.iter().find(|(_, extension)| {
            (extension.rcpt_keywords().iter()).any(|name| claims(name, parameter))
        })
    }

    /// The owner of a verb.
    pub(crate) fn verb(&self, verb: &[u8]) -> Option<Found<'a>> {
        self.iter().find(|(_, extension)| {
            (extension.verbs().iter()).any(|name| verb.eq_ignore_ascii_case(name.as_bytes()))
        })
    }
}

/// Positions of a list: the extensions that a server announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(u64);

impl Set {
    pub(crate) fn insert(&mut self, index: usize) {
        self.0 |= bit(index);
    }

    pub(crate) fn contains(self, index: usize) -> bool {
        self.0 & bit(index) != 0
    }
}

fn names(extension: &dyn Extension) -> [&[&str]; 3] {
    [
        extension.mail_keywords(),
        extension.rcpt_keywords(),
        extension.verbs(),
    ]
}

fn bit(index: usize) -> u64 {
    u32::try_from(index)
        .ok()
        .and_then(|index| 1_u64.checked_shl(index))
        .unwrap_or(0)
}

/// `KEYWORD` or `KEYWORD=VALUE`.
fn split(name: &str) -> (&[u8], Option<&[u8]>) {
    let mut cursor = Cursor::new(name.as_bytes());
    let keyword = cursor.take_while(|octet| octet != b'=');
    (keyword, cursor.skip_byte(b'=').then(|| cursor.rest()))
}

fn claims(name: &str, parameter: Parameter<'_>) -> bool {
    let (keyword, claimed) = split(name);
    let same_value =
        |claimed| (parameter.value()).is_some_and(|value| value.eq_ignore_ascii_case(claimed));
    parameter.keyword().eq_ignore_ascii_case(keyword) && claimed.is_none_or(same_value)
}

/// Whether one parameter can be claimed by both.
fn overlap(one: &str, other: &str) -> bool {
    let ((one, value), (other, other_value)) = (split(one), split(other));
    one.eq_ignore_ascii_case(other)
        && match (value, other_value) {
            (Some(value), Some(other)) => value.eq_ignore_ascii_case(other),
            _ => true,
        }
}

/// `(ALPHA / DIGIT) *(ALPHA / DIGIT / "-")` (RFC 5321 4.1.1.1 and 4.1.2).
fn is_keyword(name: &[u8]) -> bool {
    let mut octets = name.iter();
    octets.next().is_some_and(u8::is_ascii_alphanumeric)
        && octets.all(|&octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

/// A verb of RFC 5321 4.1.1 or RFC 2033 4.1, which never comes to an extension.
fn is_base_verb(verb: &str) -> bool {
    const VERBS: [&str; 12] = [
        "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "RSET", "VRFY", "EXPN", "HELP", "NOOP",
        "QUIT",
    ];
    VERBS.iter().any(|base| base.eq_ignore_ascii_case(verb))
}

#[cfg(test)]
mod tests {
    use super::{Extensions, ListErrorKind, Set, overlap};
    use crate::extension::Extension;
    use crate::parameter::Parameter;

    #[derive(Debug)]
    struct Made(
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    );

    impl Extension for Made {
        fn keyword(&self) -> &str {
            self.0
        }
        fn mail_keywords(&self) -> &[&str] {
            self.1
        }
        fn verbs(&self) -> &[&str] {
            self.2
        }
        fn needs(&self) -> &[&str] {
            if self.0 == "XNEEDS" { &["xfirst"] } else { &[] }
        }
    }

    const FIRST: Made = Made("XFIRST", &["XM", "XB=ONE"], &["XV"]);

    #[test]
    fn names_have_one_owner() {
        for (second, want) in [
            (Made("XSECOND", &["XB=TWO", "XN"], &["XW"]), None),
            (Made("XNEEDS", &[], &[]), None),
            (Made("xfirst", &[], &[]), Some(ListErrorKind::Claimed)),
            (Made("X2", &["xm"], &[]), Some(ListErrorKind::Claimed)),
            (Made("X2", &["XM=1"], &[]), Some(ListErrorKind::Claimed)),
            (Made("X2", &["XB=one"], &[]), Some(ListErrorKind::Claimed)),
            (Made("X2", &["XB"], &[]), Some(ListErrorKind::Claimed)),
            (Made("X2", &["XA", "XA"], &[]), Some(ListErrorKind::Claimed)),
            (Made("X2", &[], &["xv"]), Some(ListErrorKind::Claimed)),
            (Made("X2", &[], &["Data"]), Some(ListErrorKind::Claimed)),
            (Made("", &[], &[]), Some(ListErrorKind::BadName)),
            (Made("-X", &[], &[]), Some(ListErrorKind::BadName)),
            (Made("X=1", &[], &[]), Some(ListErrorKind::BadName)),
            (Made("X Y", &[], &[]), Some(ListErrorKind::BadName)),
            (Made("X2", &["=1"], &[]), Some(ListErrorKind::BadName)),
            (Made("X2", &[], &["X\r\n"]), Some(ListErrorKind::BadName)),
        ] {
            let got = Extensions::new(&[&FIRST, &second]).err();
            assert_eq!(
                got.map(|error| (error.kind(), error.index())),
                want.map(|kind| (kind, 1)),
                "{second:?}"
            );
        }
        let alone = Extensions::new(&[&Made("XNEEDS", &[], &[])]).unwrap_err();
        assert_eq!(alone.kind(), ListErrorKind::Needs);
    }

    #[test]
    fn errors_name_what_they_are_about() {
        const LONG: Made = Made("XABCDEFGHIJKLMNOPQRST", &["XM"], &[]);
        for (second, want) in [
            (
                Made("XNEEDS", &[], &[]),
                "XNEEDS needs xfirst, which is not in the list",
            ),
            (Made("x0", &[], &[]), "x0 stands in the list twice"),
            (
                Made("X2", &["XA", "xm"], &[]),
                "xm of X2 belongs to X0 already",
            ),
            (Made("X2", &[], &["XV"]), "XV of X2 belongs to X0 already"),
            (Made("X2", &["XA", "XB", "XA"], &[]), "X2 claims XA twice"),
            (
                Made("X2", &[], &["Data"]),
                "Data of X2 is a verb of RFC 5321",
            ),
            (LONG, "XM of XABCDEFGHIJKLMNOPQR... belongs to X0 already"),
            (
                Made("X Y\u{e9}", &[], &[]),
                "\"X Y\u{e9}\" of extension 2 of the list: a name is letters, digits and hyphens, and does not \
                 begin with a hyphen",
            ),
        ] {
            let list: [&dyn Extension; 2] = [&Made("X0", &["XM"], &["XV"]), &second];
            let error = Extensions::new(&list).unwrap_err();
            assert_eq!(std::format!("{error}"), want);
            let other = want.contains("X0 already") || want.contains("stands in");
            assert_eq!(error.other() == Some(0), other, "{want}");
        }
        assert!(size_of::<super::ListError>() <= 64);
    }

    #[test]
    fn finds_without_regard_to_case() {
        let second = Made("XSECOND", &["XB=TWO"], &["XW"]);
        let list: [&dyn Extension; 2] = [&FIRST, &second];
        let list = Extensions::new(&list).unwrap();
        let at = |found: Option<super::Found<'_>>| found.map(|(index, _)| index);
        assert_eq!(at(list.keyword(b"xSecond")), Some(1));
        assert_eq!(at(list.keyword(b"XSEC")), None);
        assert_eq!(at(list.verb(b"xw")), Some(1));
        for (value, want) in [
            (Some(&b"two"[..]), Some(1)),
            (Some(b"ONE"), Some(0)),
            (Some(b"x"), None),
            (None, None),
        ] {
            assert_eq!(at(list.mail(Parameter::new("xb", value).unwrap())), want);
            assert_eq!(at(list.rcpt(Parameter::new("xb", value).unwrap())), None);
        }
        assert_eq!(at(list.mail(Parameter::new("Xm", None).unwrap())), Some(0));
    }

    #[test]
    fn sixty_four_at_most() {
        let names: std::vec::Vec<_> = (0..65)
            .map(|n| std::format!("X{n}").leak() as &'static str)
            .collect();
        let made: std::vec::Vec<_> = names.iter().map(|name| Made(name, &[], &[])).collect();
        let list: std::vec::Vec<_> = made.iter().map(|made| made as &dyn Extension).collect();
        assert!(Extensions::new(&list[..64]).is_ok());
        assert_eq!(
            Extensions::new(&list).unwrap_err().kind(),
            ListErrorKind::TooMany
        );
        let mut set = Set::default();
        set.insert(63);
        set.insert(64);
        assert!(set.contains(63) && !set.contains(64) && !set.contains(0));
        assert!(!overlap("A=1", "A=2") && overlap("A", "a=2"));
    }
}
