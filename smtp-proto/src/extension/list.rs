//! The list of extensions that a server or client is given, checked once and searched by name.

use core::fmt;

use scop_core::Cursor;

use super::Extension;
use crate::parameter::Parameter;

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

/// What is wrong with a list of extensions, and with which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListError {
    kind: ListErrorKind,
    index: u32,
}

impl ListError {
    fn new(kind: ListErrorKind, index: usize) -> Self {
        Self {
            kind,
            index: u32::try_from(index).unwrap_or(u32::MAX),
        }
    }

    /// The broken rule.
    pub const fn kind(&self) -> ListErrorKind {
        self.kind
    }

    /// The position in the list of the extension that breaks it.
    pub const fn index(&self) -> usize {
        self.index as usize
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (extension {})", self.kind, self.index)
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
        for (index, extension) in list.iter().enumerate() {
            let error = |kind| Err(ListError::new(kind, index));
            if index >= Self::MAX {
                return error(ListErrorKind::TooMany);
            }
            let before = list.get(..index).unwrap_or_default();
            let mine = names(*extension);
            let are_keywords =
                (mine.iter().flat_map(|names| *names)).all(|name| is_keyword(split(name).0));
            if !are_keywords || !is_keyword(extension.keyword().as_bytes()) {
                return error(ListErrorKind::BadName);
            }
            let same_keyword =
                |other: &&dyn Extension| other.keyword().eq_ignore_ascii_case(extension.keyword());
            let within = mine.iter().any(|mine| {
                (mine.iter().enumerate())
                    .any(|(n, name)| mine.iter().skip(n + 1).any(|other| overlap(name, other)))
            });
            let between = before.iter().any(|other| {
                (names(*other).iter().zip(&mine)).any(|(theirs, mine)| {
                    theirs
                        .iter()
                        .any(|name| mine.iter().any(|other| overlap(name, other)))
                })
            });
            if within
                || between
                || before.iter().any(same_keyword)
                || extension.verbs().iter().any(|verb| is_base_verb(verb))
            {
                return error(ListErrorKind::Claimed);
            }
            let has =
                |need: &&str| (list.iter()).any(|other| other.keyword().eq_ignore_ascii_case(need));
            if !extension.needs().iter().all(has) {
                return error(ListErrorKind::Needs);
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
