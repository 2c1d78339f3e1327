//! Domains of internationalised mail as the DNS has them: U-labels become A-labels (RFC 5890 2.3.2.1, RFC 6531 3.2).
//!
//! The mapping is that of UTS 46, without transitional forms, and with the rules of host names (STD 3). What comes
//! out is what is looked up, what certificates and policies are held against, and what keys are chosen by. A label
//! that is none is an error, and nothing is looked up in its place.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// A domain holds a label that IDNA does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadLabel;

impl std::fmt::Display for BadLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the domain has a label that is no U-label (RFC 5890 2.3.2.1)")
    }
}

/// The domain in A-labels. One in ASCII, and an address literal, stay as they are.
///
/// # Errors
/// A label cannot be one, or the domain is too long for the DNS.
pub(crate) fn a_labels(domain: &str) -> Result<Cow<'_, str>, BadLabel> {
    if domain.is_ascii() {
        return Ok(Cow::Borrowed(domain));
    }
    let domain = domain.as_bytes();
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::Check);
    let mapped = Uts46::new().to_ascii(domain, deny, hyphens, DnsLength::Verify);
    mapped.map_err(|_| BadLabel)
}

/// Two domains that are the same have the same key: in A-labels, and without regard to ASCII case. One that has a bad
/// label is the same as itself alone.
pub(crate) fn key(domain: &str) -> String {
    let mut key = a_labels(domain)
        .unwrap_or(Cow::Borrowed(domain))
        .into_owned();
    key.make_ascii_lowercase();
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (domain, expected) in [
            ("example.org", Ok("example.org")),
            // ASCII is the business of the DNS.
            ("EXAMPLE.org", Ok("EXAMPLE.org")),
            ("_x.example.org.", Ok("_x.example.org.")),
            ("[IPv6:::1]", Ok("[IPv6:::1]")),
            ("b\u{fc}cher.example", Ok("xn--bcher-kva.example")),
            ("B\u{dc}CHER.Example", Ok("xn--bcher-kva.example")),
            // Composed or not, it is one name.
            ("bu\u{308}cher.example", Ok("xn--bcher-kva.example")),
            ("stra\u{df}e.example", Ok("xn--strae-oqa.example")),
            ("\u{65e5}\u{672c}.example", Ok("xn--wgv71a.example")),
            // Another full stop that IDNA takes for one (RFC 3490 3.1, UTS 46 2.3).
            ("b\u{fc}cher\u{3002}example", Ok("xn--bcher-kva.example")),
            (
                "b\u{fc}cher.xn--bcher-kva",
                Ok("xn--bcher-kva.xn--bcher-kva"),
            ),
            // Not allowed in a label, a mark at its start, a wrong A-label beside it, hyphens, an empty label.
            ("b\u{fc}cher_.example", Err(BadLabel)),
            ("b\u{fc}ch er.example", Err(BadLabel)),
            ("\u{308}bu.example", Err(BadLabel)),
            ("b\u{fc}cher.xn--a", Err(BadLabel)),
            ("ab--\u{fc}.example", Err(BadLabel)),
            ("-\u{fc}.example", Err(BadLabel)),
            ("b\u{fc}cher..example", Err(BadLabel)),
            ("b\u{fc}cher.example.", Err(BadLabel)),
            ("\u{2028}.example", Err(BadLabel)),
            ("\u{fffd}.example", Err(BadLabel)),
            // Left to right and right to left in one label (RFC 5893 2).
            ("a\u{5d0}.example", Err(BadLabel)),
        ] {
            assert_eq!(
                a_labels(domain).as_deref(),
                expected.as_ref().map(|text| *text),
                "{domain}"
            );
        }
        let long = format!("{}.example", "\u{fc}".repeat(60));
        assert_eq!(a_labels(&long), Err(BadLabel));
    }

    #[test]
    fn keys() {
        assert_eq!(key("B\u{dc}CHER.Example"), key("XN--Bcher-KVA.example"));
        assert_ne!(key("b\u{fc}cher_.example"), key("bcher_.example"));
    }
}
