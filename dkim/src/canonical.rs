//! Canonicalisation: what of a message is signed, whatever happens to it on the way (RFC 6376 3.4).
//!
//! Both parts stream into a [`Sink`](scop_core::Sink), normally a hash, and hold no text: the body
//! needs a counter and three flags. Nothing here panics on any input, and time is linear in it.

pub mod body;
pub mod header;

use core::fmt;

/// One of the two algorithms of RFC 6376 3.4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// White space may change on the way.
    Relaxed,
    /// Almost nothing may change on the way. The default where `c=` says nothing.
    #[default]
    Simple,
}

impl Form {
    /// The name in `c=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relaxed => "relaxed",
            Self::Simple => "simple",
        }
    }

    fn parse(name: &[u8]) -> Option<Self> {
        match name {
            b"relaxed" => Some(Self::Relaxed),
            b"simple" => Some(Self::Simple),
            _ => None,
        }
    }
}

/// The pair of algorithms of a signature (RFC 6376 3.5, `c=`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Canonicalization {
    /// For header fields.
    pub header: Form,
    /// For the body.
    pub body: Form,
}

impl Canonicalization {
    /// `relaxed/relaxed`, which survives most of what relays do.
    pub const RELAXED: Self = Self {
        header: Form::Relaxed,
        body: Form::Relaxed,
    };
    /// `simple/simple`.
    pub const SIMPLE: Self = Self {
        header: Form::Simple,
        body: Form::Simple,
    };

    /// Reads the value of `c=`; a body form that is not given is `simple`.
    ///
    /// ```abnf
    /// sig-c-tag     = %x63 [FWS] "=" [FWS] sig-c-tag-alg ["/" sig-c-tag-alg]
    /// sig-c-tag-alg = "simple" / "relaxed" / x-sig-c-tag-alg
    /// ```
    ///
    /// `None` when a name is neither of the two.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut names = value.split(|&byte| byte == b'/');
        let header = Form::parse(names.next()?)?;
        let body = names.next().map_or(Some(Form::Simple), Form::parse)?;
        names.next().is_none().then_some(Self { header, body })
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.header.as_str(), self.body.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn names() {
        for text in [
            "simple/simple",
            "simple/relaxed",
            "relaxed/simple",
            "relaxed/relaxed",
        ] {
            let pair = Canonicalization::parse(text.as_bytes()).unwrap();
            assert_eq!(pair.to_string(), text);
        }
        let short = Canonicalization::parse(b"relaxed").unwrap();
        assert_eq!(short.to_string(), "relaxed/simple");
        for bad in [
            &b""[..],
            b"nowsp",
            b"relaxed/",
            b"relaxed/x",
            b"simple/simple/simple",
            b"Simple",
        ] {
            assert_eq!(Canonicalization::parse(bad), None);
        }
    }
}
