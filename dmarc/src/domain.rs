//! Domain names as mail writes them: dotted text of letters, digits, hyphens and underscores.
//!
//! DMARC compares such names and their suffixes, without regard to ASCII case (RFC 9989 4.4, RFC 4343).
//! The text is borrowed and never copied. A name that is not ASCII is refused: DMARC compares A-labels
//! (RFC 9989 5.3.1), and there is no conversion here.

use core::fmt;

use scop_core::name::MAX_LABEL;
use scop_core::{Emit, FmtSink, Full, ParseError, Sink};

/// Octets in the longest name as text: 255 in wire form, less the root and one length octet.
pub const MAX_TEXT: usize = 253;

/// Why bytes are not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DomainErrorKind {
    /// An octet that is neither a letter, digit, hyphen, underscore nor dot.
    Character,
    /// Nothing at all, two dots in a row, or a dot at an end.
    EmptyLabel,
    /// A label is longer than 63 octets.
    LabelTooLong,
    /// The name is longer than 253 octets.
    NameTooLong,
    /// An octet above 127: a U-label, which would have to become an A-label first.
    NotAscii,
}

impl fmt::Display for DomainErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "a domain name holds letters, digits and hyphens (RFC 5321 2.3.5)",
            Self::EmptyLabel => "a label is empty (RFC 1035 2.3.1)",
            Self::LabelTooLong => "a label is longer than 63 octets (RFC 1035 2.3.4)",
            Self::NameTooLong => "a name is longer than 253 octets (RFC 1035 2.3.4)",
            Self::NotAscii => "a U-label must be converted to an A-label (RFC 9989 5.3.1)",
        })
    }
}

/// Why, and at which byte.
pub type DomainError = ParseError<DomainErrorKind>;

/// A domain name, borrowed. Two are equal when they differ in ASCII case only.
///
/// ```text
/// domain = label *("." label)             ; at most 253 octets
/// label  = 1*63(ALPHA / DIGIT / "-" / "_")
/// ```
#[derive(Clone, Copy)]
pub struct Domain<'a>(&'a [u8]);

impl<'a> Domain<'a> {
    /// Reads a whole slice; there is no dot at the end.
    ///
    /// # Errors
    /// When the slice is anything but one domain name.
    pub fn parse(text: &'a [u8]) -> Result<Self, DomainError> {
        if text.len() > MAX_TEXT {
            return Err(DomainError::new(DomainErrorKind::NameTooLong, MAX_TEXT));
        }
        let mut at = 0;
        for label in text.split(|&byte| byte == b'.') {
            if label.is_empty() {
                return Err(DomainError::new(DomainErrorKind::EmptyLabel, at));
            }
            if label.len() > MAX_LABEL {
                return Err(DomainError::new(DomainErrorKind::LabelTooLong, at));
            }
            let bad = |byte: &u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if let Some((position, byte)) = label.iter().enumerate().find(|(_, byte)| bad(byte)) {
                let kind = if byte.is_ascii() {
                    DomainErrorKind::Character
                } else {
                    DomainErrorKind::NotAscii
                };
                return Err(DomainError::new(kind, at + position));
            }
            at += label.len() + 1;
        }
        Ok(Self(text))
    }

    /// The text as it was read.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// How many labels there are; at least 1 and at most 127.
    pub fn label_count(&self) -> u8 {
        let labels = self.0.split(|&byte| byte == b'.').count();
        u8::try_from(labels).unwrap_or(u8::MAX)
    }

    /// The name made of the last `labels` labels; the whole name when it has no more, and the last
    /// label for 0.
    #[must_use]
    pub fn suffix(&self, labels: u8) -> Self {
        let dots = self
            .0
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'.');
        let cut = dots
            .map(|(at, _)| at + 1)
            .nth(usize::from(labels.saturating_sub(1)));
        Self(self.0.get(cut.unwrap_or(0)..).unwrap_or_default())
    }

    /// How many labels both names end in.
    pub fn common_labels(&self, other: &Domain<'_>) -> u8 {
        let labels = |text: &'a [u8]| text.rsplit(|&byte| byte == b'.');
        let same = labels(self.0)
            .zip(other.0.rsplit(|&byte| byte == b'.'))
            .take_while(|(own, other)| own.eq_ignore_ascii_case(other))
            .count();
        u8::try_from(same).unwrap_or(u8::MAX)
    }

    /// Whether the name is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Domain<'_>) -> bool {
        self.common_labels(ancestor) == ancestor.label_count()
    }
}

impl PartialEq<Domain<'_>> for Domain<'_> {
    fn eq(&self, other: &Domain<'_>) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Domain<'_> {}

/// Writes the text as it was read.
impl Emit for Domain<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0)
    }
}

impl fmt::Display for Domain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Domain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{Domain, DomainErrorKind};

    #[test]
    fn valid_and_not() {
        use DomainErrorKind::{Character, EmptyLabel, LabelTooLong, NameTooLong, NotAscii};
        let label = "x".repeat(64);
        let long = "x.".repeat(126) + "yz";
        for (text, error) in [
            ("", (EmptyLabel, 0)),
            (".", (EmptyLabel, 0)),
            ("a..b", (EmptyLabel, 2)),
            ("a.b.", (EmptyLabel, 4)),
            (".a", (EmptyLabel, 0)),
            ("a b.c", (Character, 1)),
            ("a.b\0.c", (Character, 3)),
            ("[192.0.2.1]", (Character, 0)),
            ("a.(x)b", (Character, 2)),
            ("m\u{fc}nchen.example", (NotAscii, 1)),
            (label.as_str(), (LabelTooLong, 0)),
            (long.as_str(), (NameTooLong, 253)),
        ] {
            let got = Domain::parse(text.as_bytes()).unwrap_err();
            assert_eq!((got.kind(), got.offset()), error, "{text}");
        }
        for text in [
            "a",
            "EXAMPLE.com",
            "xn--mnchen-3ya.example",
            "a_b.-c",
            &long[2..],
        ] {
            assert_eq!(
                Domain::parse(text.as_bytes()).unwrap().as_bytes(),
                text.as_bytes()
            );
        }
    }

    #[test]
    fn suffixes() {
        let domain = Domain::parse(b"a.b.Example.COM").unwrap();
        assert_eq!(domain.label_count(), 4);
        for (labels, suffix) in [
            (0, "COM"),
            (1, "COM"),
            (2, "Example.COM"),
            (3, "b.Example.COM"),
            (4, "a.b.Example.COM"),
            (9, "a.b.Example.COM"),
        ] {
            assert_eq!(domain.suffix(labels).as_bytes(), suffix.as_bytes());
        }
        for (other, common, within) in [
            ("example.com", 2, true),
            ("ample.com", 1, false),
            ("x.example.com", 2, false),
            ("a.b.example.com", 4, true),
            ("z.a.b.example.com", 4, false),
            ("org", 0, false),
            ("COM", 1, true),
        ] {
            let other = Domain::parse(other.as_bytes()).unwrap();
            assert_eq!(domain.common_labels(&other), common, "{other}");
            assert_eq!(domain.is_within(&other), within, "{other}");
            assert_eq!(other.common_labels(&domain), common, "{other}");
        }
        assert_eq!(domain, Domain::parse(b"A.B.EXAMPLE.com").unwrap());
    }
}
