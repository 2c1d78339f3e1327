//! Mechanisms with their qualifiers (RFC 7208 4.6.2, 5, 12): the syntax, not the evaluation.

use core::net::{Ipv4Addr, Ipv6Addr};

use scop_core::{Cursor, ip};

use crate::address::parse_prefix_length;
use crate::macro_string::DomainSpec;
use crate::record::{RecordError, RecordErrorKind};
use crate::result::SpfResult;

/// A mechanism and what its match means.
///
/// ```text
/// directive = [ qualifier ] mechanism
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive<'a> {
    /// The result of a match.
    pub qualifier: Qualifier,
    /// The test.
    pub mechanism: Mechanism<'a>,
}

/// What a match means (RFC 7208 4.6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// `+`, and where none is written.
    #[default]
    Pass,
    /// `-`
    Fail,
    /// `~`
    SoftFail,
    /// `?`
    Neutral,
}

impl Qualifier {
    /// The result of a record in which the mechanism matches.
    pub const fn result(self) -> SpfResult {
        match self {
            Self::Pass => SpfResult::Pass,
            Self::Fail => SpfResult::Fail,
            Self::SoftFail => SpfResult::SoftFail,
            Self::Neutral => SpfResult::Neutral,
        }
    }
}

/// A test of the client (RFC 7208 5).
///
/// ```text
/// mechanism        = ( all / include / a / mx / ptr / ip4 / ip6 / exists )
/// all              = "all"
/// include          = "include"  ":" domain-spec
/// a                = "a"      [ ":" domain-spec ] [ dual-cidr-length ]
/// mx               = "mx"     [ ":" domain-spec ] [ dual-cidr-length ]
/// ptr              = "ptr"    [ ":" domain-spec ]
/// ip4              = "ip4"      ":" ip4-network   [ ip4-cidr-length ]
/// ip6              = "ip6"      ":" ip6-network   [ ip6-cidr-length ]
/// exists           = "exists"   ":" domain-spec
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism<'a> {
    /// Always matches (RFC 7208 5.1).
    All,
    /// The record of another domain passes the client (RFC 7208 5.2).
    Include(DomainSpec<'a>),
    /// The client is among the addresses of a name (RFC 7208 5.3).
    A(Option<DomainSpec<'a>>, DualCidr),
    /// The client is among the addresses of the mail exchanges of a name (RFC 7208 5.4).
    Mx(Option<DomainSpec<'a>>, DualCidr),
    /// A validated name of the client is within a domain (RFC 7208 5.5).
    Ptr(Option<DomainSpec<'a>>),
    /// The client is in an IPv4 network: an address and the number of bits that count (RFC 7208 5.6).
    Ip4(Ipv4Addr, u8),
    /// The client is in an IPv6 network: an address and the number of bits that count (RFC 7208 5.6).
    Ip6(Ipv6Addr, u8),
    /// A name has an A record (RFC 7208 5.7).
    Exists(DomainSpec<'a>),
}

/// How many leading bits of an address are compared, for each family (RFC 7208 5.6).
///
/// ```text
/// dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
/// ip4-cidr-length  = "/" ("0" / %x31-39 0*1DIGIT) ; value range 0-32
/// ip6-cidr-length  = "/" ("0" / %x31-39 0*2DIGIT) ; value range 0-128
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DualCidr {
    /// At most 32.
    pub ip4: u8,
    /// At most 128.
    pub ip6: u8,
}

impl Default for DualCidr {
    /// Whole addresses.
    fn default() -> Self {
        Self { ip4: 32, ip6: 128 }
    }
}

impl<'a> Directive<'a> {
    /// Reads a whole term. Offsets count from its start.
    #[inline]
    pub(crate) fn parse(term: &'a [u8]) -> Result<Self, RecordError> {
        let mut cursor = Cursor::new(term);
        let qualifier = match cursor.peek() {
            Some(b'+') => Some(Qualifier::Pass),
            Some(b'-') => Some(Qualifier::Fail),
            Some(b'~') => Some(Qualifier::SoftFail),
            Some(b'?') => Some(Qualifier::Neutral),
            _ => None,
        };
        if qualifier.is_some() {
            cursor.take_byte();
        }
        let name_at = cursor.offset();
        let name = cursor.take_while(|byte| byte != b':' && byte != b'/');
        let argument = Argument {
            text: cursor.rest(),
            at: cursor.offset(),
        };
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let mechanism = if is(b"all") {
            argument.none()?;
            Mechanism::All
        } else if is(b"include") {
            Mechanism::Include(argument.domain()?)
        } else if is(b"a") {
            let (target, cidr) = argument.target_and_cidr()?;
            Mechanism::A(target, cidr)
        } else if is(b"mx") {
            let (target, cidr) = argument.target_and_cidr()?;
            Mechanism::Mx(target, cidr)
        } else if is(b"ptr") {
            Mechanism::Ptr(argument.optional_domain()?)
        } else if is(b"ip4") {
            let (network, prefix) = argument.network(ip::parse_v4, 32)?;
            Mechanism::Ip4(network, prefix)
        } else if is(b"ip6") {
            let (network, prefix) = argument.network(ip::parse_v6, 128)?;
            Mechanism::Ip6(network, prefix)
        } else if is(b"exists") {
            Mechanism::Exists(argument.domain()?)
        } else {
            return Err(RecordError::new(RecordErrorKind::UnknownMechanism, name_at));
        };
        Ok(Self {
            qualifier: qualifier.unwrap_or_default(),
            mechanism,
        })
    }
}

/// What follows the name of a mechanism: empty, or it starts with `:` or `/`.
#[derive(Clone, Copy)]
struct Argument<'a> {
    text: &'a [u8],
    /// Where in the term it starts.
    at: usize,
}

impl<'a> Argument<'a> {
    fn error(self, kind: RecordErrorKind, at: usize) -> RecordError {
        RecordError::new(kind, self.at + at)
    }

    fn none(self) -> Result<(), RecordError> {
        match self.text {
            [] => Ok(()),
            _ => Err(self.error(RecordErrorKind::Argument, 0)),
        }
    }

    /// What follows the colon.
    fn value(self) -> Result<&'a [u8], RecordError> {
        match self.text {
            [b':', value @ ..] => Ok(value),
            [] => Err(self.error(RecordErrorKind::MissingArgument, 0)),
            _ => Err(self.error(RecordErrorKind::Argument, 0)),
        }
    }

    fn domain(self) -> Result<DomainSpec<'a>, RecordError> {
        self.parse_domain(self.value()?)
    }

    fn optional_domain(self) -> Result<Option<DomainSpec<'a>>, RecordError> {
        match self.text {
            [] => Ok(None),
            _ => self.domain().map(Some),
        }
    }

    fn parse_domain(self, value: &'a [u8]) -> Result<DomainSpec<'a>, RecordError> {
        DomainSpec::parse(value).map_err(|error| {
            error
                .map(RecordErrorKind::Macro)
                .nested(self.at.saturating_add(1))
        })
    }

    fn network<A>(
        self,
        parse: impl FnOnce(&[u8]) -> Option<A>,
        max: u8,
    ) -> Result<(A, u8), RecordError> {
        let value = self.value()?;
        let slash = value.iter().position(|&byte| byte == b'/');
        let end = slash.unwrap_or(value.len());
        let address = value
            .get(..end)
            .and_then(parse)
            .ok_or(self.error(RecordErrorKind::Network, 1))?;
        let prefix = match value.get(end..) {
            Some([b'/', digits @ ..]) => parse_prefix_length(digits, max)
                .ok_or(self.error(RecordErrorKind::PrefixLength, 1 + end))?,
            _ => max,
        };
        Ok((address, prefix))
    }

    /// A slash may also stand in a domain-spec, so the prefix lengths are found from the end.
    fn target_and_cidr(self) -> Result<(Option<DomainSpec<'a>>, DualCidr), RecordError> {
        let start = match self.text {
            [b':', ..] => cidr_start(self.text),
            _ => 0,
        };
        let cidr = self.cidr(start)?;
        let target = match self.text.get(..start) {
            Some([b':', spec @ ..]) => Some(self.parse_domain(spec)?),
            _ => None,
        };
        Ok((target, cidr))
    }

    /// The prefix lengths that fill the argument from byte `start`.
    fn cidr(self, start: usize) -> Result<DualCidr, RecordError> {
        let mut cidr = DualCidr::default();
        let mut cursor = Cursor::at(self.text, start);
        let mut length = |max, slashes: &[u8]| {
            let mut ahead = cursor;
            if !ahead.skip_ignore_case(slashes) || ahead.peek() == Some(b'/') {
                return Ok(None);
            }
            let digits = ahead.take_while(|byte| byte != b'/');
            let error = self.error(RecordErrorKind::PrefixLength, cursor.offset());
            cursor = ahead;
            parse_prefix_length(digits, max).map(Some).ok_or(error)
        };
        if let Some(ip4) = length(32, b"/")? {
            cidr.ip4 = ip4;
        }
        if let Some(ip6) = length(128, b"//")? {
            cidr.ip6 = ip6;
        }
        if cursor.is_at_end() {
            Ok(cidr)
        } else {
            Err(self.error(RecordErrorKind::PrefixLength, cursor.offset()))
        }
    }
}

/// Where the prefix lengths at the end of `text` start; its length when there are none.
fn cidr_start(text: &[u8]) -> usize {
    let slash = |end: usize| {
        let before = text.get(..end)?;
        let digits = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let slash = end.checked_sub(digits + 1)?;
        (digits > 0 && text.get(slash) == Some(&b'/')).then_some(slash)
    };
    let Some(last) = slash(text.len()) else {
        return text.len();
    };
    match last.checked_sub(1) {
        Some(first) if text.get(first) == Some(&b'/') => slash(first).unwrap_or(first),
        _ => last,
    }
}
