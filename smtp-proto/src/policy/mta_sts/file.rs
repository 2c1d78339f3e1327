//! The policy file (RFC 8461 3.2) and what it says of a mail exchange (RFC 8461 4.1).

use core::fmt;

use memchr::memchr;
use scop_core::{Cursor, FmtSink, ParseError, Sink};

use crate::policy::route::is_host_name;
use crate::policy::text_record::{trim_end, trim_start};

/// The greatest `max_age`, about a year (RFC 8461 3.2).
pub const MAX_AGE: u32 = 31_557_600;

/// How much of a policy file is read. A file beyond a limit is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyLimits {
    /// Octets (RFC 8461 3.3 suggests 64 KiB). Stops a policy host that sends without end. Default: 65,536.
    pub octets: usize,
    /// Lines. Bounds the work for each match of a mail exchange. Default: 1024.
    pub lines: u16,
}

impl PolicyLimits {
    /// 64 KiB and 1024 lines.
    pub const DEFAULT: Self = Self {
        octets: 65_536,
        lines: 1024,
    };
}

/// What a sender does when a mail exchange does not match the policy, or offers no TLS with a valid
/// certificate (RFC 8461 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It does not deliver there.
    Enforce,
    /// It delivers, and reports (RFC 8460).
    Testing,
    /// Nothing: the domain has no policy any more (RFC 8461 8.3).
    None,
}

impl Mode {
    /// As it is written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

/// A policy file that was read; it borrows the text.
///
/// ```text
/// sts-policy-record    = sts-policy-field *WSP
///                        *(sts-policy-term sts-policy-field *WSP) [sts-policy-term]
/// sts-policy-field     = name ":" *WSP value           ; RFC 8461 3.2, in short
/// sts-policy-term      = LF / CRLF
/// version = "STSv1"    mode = "testing" / "enforce" / "none"
/// max_age = 1*10DIGIT  mx = ["*."] Domain              ; Domain as in RFC 5321 4.1.2
/// name    = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
/// ```
///
/// All is case-sensitive but the domains. Of fields that may stand once only, the first counts. Names
/// that are not known are passed over, and so are empty lines, which the grammar does not have.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    text: &'a [u8],
    mode: Mode,
    max_age: u32,
}

impl<'a> Policy<'a> {
    /// Reads a policy file within the limits [`PolicyLimits::DEFAULT`].
    ///
    /// # Errors
    /// On the first line that breaks the grammar, a required field that is missing, or a limit. Then
    /// the domain has no policy (RFC 8461 3.3), and an older one that is not expired stays in force.
    pub fn parse(text: &'a [u8]) -> Result<Self, PolicyError> {
        Self::parse_with(text, &PolicyLimits::DEFAULT)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn parse_with(text: &'a [u8], limits: &PolicyLimits) -> Result<Self, PolicyError> {
        if text.len() > limits.octets {
            return Err(PolicyError::new(PolicyErrorKind::TooLong, limits.octets));
        }
        let end = text.len();
        let missing = |field| PolicyError::new(PolicyErrorKind::Missing(field), end);
        let (mut version, mut mode, mut max_age, mut has_mx) = (false, None, None, false);
        let mut lines = Lines(Cursor::new(text));
        let mut left = limits.lines;
        loop {
            let start = lines.0.offset();
            let Some(line) = lines.next() else { break };
            left = (left.checked_sub(1))
                .ok_or(PolicyError::new(PolicyErrorKind::TooManyLines, start))?;
            if line.is_empty() {
                continue;
            }
            let (name, value) =
                parse_field(line).map_err(|error: PolicyError| error.nested(start))?;
            let invalid = |field| PolicyError::new(PolicyErrorKind::Invalid(field), start);
            match Field::named(name) {
                Some(Field::Version) => {
                    if !version && value != b"STSv1" {
                        return Err(invalid(Field::Version));
                    }
                    version = true;
                }
                Some(Field::Mode) => {
                    let read = [Mode::Enforce, Mode::Testing, Mode::None]
                        .into_iter()
                        .find(|mode| mode.as_str().as_bytes() == value);
                    mode = Some(match mode {
                        Some(first) => first,
                        None => read.ok_or(invalid(Field::Mode))?,
                    });
                }
                Some(Field::MaxAge) => {
                    max_age = Some(match max_age {
                        Some(first) => first,
                        None => parse_max_age(value).ok_or(invalid(Field::MaxAge))?,
                    });
                }
                Some(Field::Mx) => {
                    if !is_host_name(value.strip_prefix(b"*.").unwrap_or(value)) {
                        return Err(invalid(Field::Mx));
                    }
                    has_mx = true;
                }
                None => {}
            }
        }
        if !version {
            return Err(missing(Field::Version));
        }
        let mode = mode.ok_or(missing(Field::Mode))?;
        let max_age = max_age.ok_or(missing(Field::MaxAge))?;
        if !has_mx && mode != Mode::None {
            return Err(missing(Field::Mx));
        }
        Ok(Self {
            text,
            mode,
            max_age,
        })
    }

    /// The file as it came.
    pub const fn raw(&self) -> &'a [u8] {
        self.text
    }

    /// How strict a sender is to be.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// For how many seconds from its fetch the policy may be used.
    pub const fn max_age(&self) -> u32 {
        self.max_age
    }

    /// The fields in the order of the file, the unknown ones among them.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        Lines(Cursor::new(self.text)).filter_map(|line| parse_field(line).ok())
    }

    /// The patterns of the mail exchanges: names, or `*.` and a name.
    pub fn mx(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.fields()
            .filter_map(|(name, value)| (name == b"mx").then_some(value))
    }

    /// Whether a mail exchange, as an A-label name without a last dot, matches one of the patterns
    /// (RFC 8461 4.1).
    pub fn matches(&self, host: &[u8]) -> bool {
        self.mx().any(|pattern| matches_pattern(pattern, host))
    }
}

/// Whether a host matches a name, or `*.` and a name, where `*` stands for exactly one label, the
/// left-most: the rule for mail exchanges (RFC 8461 4.1) and for the DNS-IDs of their certificates
/// (RFC 8461 4.2, RFC 6125 6.4.3).
pub fn matches_pattern(pattern: &[u8], host: &[u8]) -> bool {
    let same = |one: &[u8], other: &[u8]| !one.is_empty() && one.eq_ignore_ascii_case(other);
    let Some(suffix) = pattern.strip_prefix(b"*.") else {
        return same(pattern, host);
    };
    match memchr(b'.', host) {
        None | Some(0) => false,
        Some(dot) => (host.get(dot + 1..)).is_some_and(|parent| same(suffix, parent)),
    }
}

/// A field that RFC 8461 3.2 defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `version`
    Version,
    /// `mode`
    Mode,
    /// `max_age`
    MaxAge,
    /// `mx`
    Mx,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Mode => "mode",
            Self::MaxAge => "max_age",
            Self::Mx => "mx",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        [Self::Version, Self::Mode, Self::MaxAge, Self::Mx]
            .into_iter()
            .find(|field| field.name().as_bytes() == name)
    }
}

/// Which rule a policy file breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// A line is not a name, a colon and a value.
    Syntax,
    /// A value holds a control character, or something that is not UTF-8.
    BadCharacter,
    /// The value of a field is not what it must be.
    Invalid(Field),
    /// A required field is missing.
    Missing(Field),
    /// More octets than [`PolicyLimits::octets`].
    TooLong,
    /// More lines than [`PolicyLimits::lines`].
    TooManyLines,
}

impl fmt::Display for PolicyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => {
                f.write_str("a line of a policy is a name, a colon and a value (RFC 8461 3.2)")
            }
            Self::BadCharacter => {
                f.write_str("a policy holds UTF-8 text without control characters (RFC 8461 3.2)")
            }
            Self::Invalid(field) => {
                f.write_str("the policy field ")?;
                FmtSink(f)
                    .put(field.name().as_bytes())
                    .map_err(|_| fmt::Error)?;
                f.write_str(" has an invalid value (RFC 8461 3.2)")
            }
            Self::Missing(field) => {
                f.write_str("the policy field ")?;
                f.write_str(field.name())?;
                f.write_str(" is missing (RFC 8461 3.2)")
            }
            Self::TooLong => f.write_str("the policy is longer than the limit"),
            Self::TooManyLines => f.write_str("the policy has more lines than the limit"),
        }
    }
}

/// Why bytes are not a policy, and at which byte.
pub type PolicyError = ParseError<PolicyErrorKind>;

/// The lines without their ends and without white space before them.
struct Lines<'a>(Cursor<'a>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_at_end() {
            return None;
        }
        let rest = self.0.rest();
        let len = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = self.0.take(len)?;
        // At the end of the file there is no LF to take, and a CR before it belongs to no line end.
        let line = if self.0.skip_byte(b'\n') {
            line.strip_suffix(b"\r").unwrap_or(line)
        } else {
            line
        };
        Some(trim_end(line))
    }
}

fn parse_field(line: &[u8]) -> Result<(&[u8], &[u8]), PolicyError> {
    let mut cursor = Cursor::new(line);
    let name = cursor
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    let starts_well = name.first().is_some_and(u8::is_ascii_alphanumeric);
    if !starts_well || name.len() > 32 || !cursor.skip_byte(b':') {
        return Err(PolicyError::new(PolicyErrorKind::Syntax, cursor.offset()));
    }
    let value = trim_start(cursor.rest());
    let start = line.len() - value.len();
    let bad = |at| PolicyError::new(PolicyErrorKind::BadCharacter, start + at);
    if let Some(at) = value.iter().position(u8::is_ascii_control) {
        return Err(bad(at));
    }
    if let Err(error) = core::str::from_utf8(value) {
        return Err(bad(error.valid_up_to()));
    }
    Ok((name, value))
}

fn parse_max_age(value: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(value);
    let seconds = u32::try_from(cursor.take_decimal()?).ok()?;
    (cursor.is_at_end() && value.len() <= 10 && seconds <= MAX_AGE).then_some(seconds)
}
