//! Which names are well-formed: the domain that is checked (RFC 7208 4.3) and the target-names that
//! records lead to (RFC 7208 4.8).

use core::fmt;

use scop_core::ParseError;
use scop_core::name::MAX_LABEL;

/// Characters in a domain name in text form, without the dot of the root (RFC 7208 7.3).
pub(crate) const MAX_TEXT: usize = 253;

/// Why a text is not a domain that could be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainErrorKind {
    /// A byte that has no place in a domain name: a control character, or, in the domain that is
    /// checked, anything but letters, digits, `-` and `_`.
    BadByte,
    /// Two dots in a row, a dot at the start, or nothing at all.
    EmptyLabel,
    /// A label is longer than 63 octets.
    LabelTooLong,
    /// A byte above 127: internationalised names have to be A-labels (RFC 7208 4.3, RFC 8616 4).
    NonAscii,
    /// Only one label.
    NotQualified,
    /// More than 253 characters.
    TooLong,
}

impl fmt::Display for DomainErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadByte => "a character may not stand in a domain (RFC 7208 4.3)",
            Self::EmptyLabel => "a label is empty (RFC 7208 4.3)",
            Self::LabelTooLong => "a label is longer than 63 octets (RFC 7208 4.3)",
            Self::NonAscii => "a domain has to be in A-labels (RFC 7208 4.3)",
            Self::NotQualified => "the domain has only one label (RFC 7208 4.3)",
            Self::TooLong => "the domain is longer than 253 characters (RFC 1035 2.3.4)",
        })
    }
}

/// Why, and at which byte of the domain.
pub type DomainError = ParseError<DomainErrorKind>;

/// Checks the domain of the identity. Its bytes come from the SMTP client, so only host name
/// characters and `_` pass: no literal, no NUL, no parenthesis reaches a resolver.
pub(crate) fn check_identity(domain: &[u8]) -> Result<(), DomainError> {
    let labels = check(domain, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
    })?;
    qualified(domain, labels)
}

/// Checks a target-name to look up in: any visible character, and the space of `%_`.
pub(crate) fn check_target(name: &[u8]) -> Result<(), DomainError> {
    check(name, |byte| matches!(byte, b' '..=b'~')).map(|_| ())
}

/// Checks a target-name that becomes the `<domain>` of another `check_host()` (RFC 7208 5.2, 6.1).
pub(crate) fn check_policy_target(name: &[u8]) -> Result<(), DomainError> {
    let labels = check(name, |byte| matches!(byte, b' '..=b'~'))?;
    qualified(name, labels)
}

fn qualified(domain: &[u8], labels: usize) -> Result<(), DomainError> {
    if labels < 2 {
        return Err(DomainError::new(
            DomainErrorKind::NotQualified,
            domain.len(),
        ));
    }
    Ok(())
}

/// How many labels there are.
fn check(domain: &[u8], allowed: impl Fn(u8) -> bool) -> Result<usize, DomainError> {
    if domain.len() > MAX_TEXT {
        return Err(DomainError::new(DomainErrorKind::TooLong, MAX_TEXT));
    }
    let (mut labels, mut length) = (1, 0);
    for (at, &byte) in domain.iter().enumerate() {
        if byte == b'.' {
            if length == 0 {
                return Err(DomainError::new(DomainErrorKind::EmptyLabel, at));
            }
            labels += 1;
            length = 0;
            continue;
        }
        length += 1;
        if !byte.is_ascii() {
            return Err(DomainError::new(DomainErrorKind::NonAscii, at));
        }
        if !allowed(byte) {
            return Err(DomainError::new(DomainErrorKind::BadByte, at));
        }
        if length > MAX_LABEL {
            return Err(DomainError::new(DomainErrorKind::LabelTooLong, at));
        }
    }
    if length == 0 {
        return Err(DomainError::new(DomainErrorKind::EmptyLabel, domain.len()));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::DomainErrorKind::*;
    use super::*;
    use std::format;

    #[test]
    fn identities() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        for good in ["a.b", "_x.Example.ORG", "1.2.3.4", &longest] {
            assert_eq!(check_identity(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, kind, at) in [
            ("", EmptyLabel, 0),
            ("localhost", NotQualified, 9),
            ("a..b", EmptyLabel, 2),
            (".a.b", EmptyLabel, 0),
            ("a.b..", EmptyLabel, 4),
            ("a.b.", EmptyLabel, 4), // the dot of the root is gone when this is asked
            ("[1.2.3.5]", BadByte, 0),
            ("a.b\0.example", BadByte, 3),
            ("a.example(.b", BadByte, 9),
            ("a b.example", BadByte, 1),
            ("ex\u{e4}mple.org", NonAscii, 2),
            (&format!("{label}a.b"), LabelTooLong, 63),
            (&format!("{longest}b"), TooLong, 253),
        ] {
            let error = check_identity(bad.as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{bad}");
        }
    }

    #[test]
    fn targets() {
        assert_eq!(check_target(b"foo:bar/baz (x)"), Ok(()));
        assert_eq!(check_policy_target(b"l+o=1._at_.example.org"), Ok(()));
        assert_eq!(
            check_policy_target(b"com").unwrap_err().kind(),
            NotQualified
        );
        assert_eq!(check_target(b"a\rb.c").unwrap_err().kind(), BadByte);
        assert_eq!(check_target(b"\xc3\xa9.c").unwrap_err().kind(), NonAscii);
    }
}
