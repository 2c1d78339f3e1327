//! Enhanced status codes (RFC 3463) and their registry (RFC 5248).

use core::fmt;

use scop_core::{Emit, FmtSink, Full, ParseError, Sink};

/// An enhanced status code, `class.subject.detail` (RFC 3463 2).
///
/// ```text
/// status-code = class "." subject "." detail
/// class       = "2" / "4" / "5"
/// subject     = 1*3digit      ; without leading zeros
/// detail      = 1*3digit
/// ```
///
/// ```
/// use scop_smtp_proto::Status;
/// let status = Status::parse(b"5.7.1")?;
/// assert_eq!(status, Status::new(5, 7, 1));
/// assert_eq!(status.description(), Some("Delivery not authorized, message refused"));
/// # Ok::<(), scop_smtp_proto::reply::StatusError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status {
    /// 2, 4 or 5.
    pub class: u8,
    /// 0 to 999.
    pub subject: u16,
    /// 0 to 999.
    pub detail: u16,
}

impl Status {
    /// `class.subject.detail`. [`Reply::new`](crate::Reply::new) refuses numbers that are out of range.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }

    /// Reads the bytes, all of them.
    ///
    /// # Errors
    /// When they are not a status code.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatusError> {
        let (status, rest) = Self::parse_prefix(bytes)?;
        if rest.is_empty() {
            return Ok(status);
        }
        let offset = bytes.len().saturating_sub(rest.len());
        Err(ParseError::new(StatusErrorKind::Malformed, offset))
    }

    /// Reads the status code at the start of `bytes`, and hands back what stands behind it. The last number
    /// goes on as long as there are digits.
    ///
    /// # Errors
    /// When they do not begin with one.
    pub fn parse_prefix(bytes: &[u8]) -> Result<(Self, &[u8]), StatusError> {
        let [class @ (b'2' | b'4' | b'5'), rest @ ..] = bytes else {
            return Err(ParseError::new(StatusErrorKind::BadClass, 0));
        };
        let malformed = |rest: &[u8]| {
            let offset = bytes.len().saturating_sub(rest.len());
            ParseError::new(StatusErrorKind::Malformed, offset)
        };
        let (subject, rest) = number(rest).ok_or_else(|| malformed(rest))?;
        let (detail, rest) = number(rest).ok_or_else(|| malformed(rest))?;
        Ok((Self::new(class - b'0', subject, detail), rest))
    }

    /// Whether the numbers are in their ranges.
    pub const fn is_valid(self) -> bool {
        matches!(self.class, 2 | 4 | 5) && self.subject <= 999 && self.detail <= 999
    }

    /// What the registry calls this subject and detail, whatever the class (RFC 5248 2.4).
    pub const fn description(self) -> Option<&'static str> {
        Some(match (self.subject, self.detail) {
            // RFC 3463, except where another is named.
            (0, 0) => "Other undefined status",
            (1, 0) => "Other address status",
            (1, 1) => "Bad destination mailbox address",
            (1, 2) => "Bad destination system address",
            (1, 3) => "Bad destination mailbox address syntax",
            (1, 4) => "Destination mailbox address ambiguous",
            (1, 5) => "Destination address valid",
            (1, 6) => "Destination mailbox has moved, no forwarding address",
            (1, 7) => "Bad sender's mailbox address syntax",
            (1, 8) => "Bad sender's system address",
            (1, 9) => "Message relayed to non-compliant mailer", // RFC 3886, RFC 5248
            (1, 10) => "Recipient address has null MX",          // RFC 7505
            (2, 0) => "Other or undefined mailbox status",
            (2, 1) => "Mailbox disabled, not accepting messages",
            (2, 2) => "Mailbox full",
            (2, 3) => "Message length exceeds administrative limit",
            (2, 4) => "Mailing list expansion problem",
            (3, 0) => "Other or undefined mail system status",
            (3, 1) => "Mail system full",
            (3, 2) => "System not accepting network messages", // RFC 7504 too
            (3, 3) => "System not capable of selected features",
            (3, 4) => "Message too big for system",
            (3, 5) => "System incorrectly configured",
            (3, 6) => "Requested priority was changed", // RFC 6710
            (4, 0) => "Other or undefined network or routing status",
            (4, 1) => "No answer from host",
            (4, 2) => "Bad connection",
            (4, 3) => "Directory server failure",
            (4, 4) => "Unable to route",
            (4, 5) => "Mail system congestion",
            (4, 6) => "Routing loop detected",
            (4, 7) => "Delivery time expired",
            (5, 0) => "Other or undefined protocol status",
            (5, 1) => "Invalid command",
            (5, 2) => "Syntax error",
            (5, 3) => "Too many recipients",
            (5, 4) => "Invalid command arguments",
            (5, 5) => "Wrong protocol version",
            (5, 6) => "Authentication exchange line is too long", // RFC 4954
            (6, 0) => "Other or undefined media error",
            (6, 1) => "Media not supported",
            (6, 2) => "Conversion required and prohibited",
            (6, 3) => "Conversion required but not supported",
            (6, 4) => "Conversion with loss performed",
            (6, 5) => "Conversion failed",
            (6, 6) => "Message content not available", // RFC 4468
            (6, 7) => "Non-ASCII addresses not permitted for that sender or recipient", // RFC 6531
            // RFC 6531; 6.10 is an older double of it.
            (6, 8 | 10) => "UTF-8 string reply is required, but not permitted by the SMTP client",
            (6, 9) => {
                "UTF-8 header message cannot be transferred to one or more recipients" // RFC 6531
            }
            (7, 0) => "Other or undefined security status",
            (7, 1) => "Delivery not authorized, message refused",
            (7, 2) => "Mailing list expansion prohibited",
            (7, 3) => "Security conversion required but not possible",
            (7, 4) => "Security features not supported",
            (7, 5) => "Cryptographic failure",
            (7, 6) => "Cryptographic algorithm not supported",
            (7, 7) => "Message integrity failure",
            (7, 8) => "Authentication credentials invalid", // RFC 4954
            (7, 9) => "Authentication mechanism is too weak", // RFC 4954
            (7, 10) => "Encryption needed",                 // RFC 5248
            // RFC 4954.
            (7, 11) => "Encryption required for requested authentication mechanism",
            (7, 12) => "A password transition is needed", // RFC 4954
            (7, 13) => "User account disabled",           // RFC 5248
            (7, 14) => "Trust relationship required",     // RFC 5248, for 7.8 of RFC 4468
            (7, 15) => "Priority level is too low",       // RFC 6710
            (7, 16) => "Message is too big for the specified priority", // RFC 6710
            (7, 17) => "Mailbox owner has changed",       // RFC 7293
            (7, 18) => "Domain owner has changed",        // RFC 7293
            (7, 19) => "RRVS test cannot be completed",   // RFC 7293
            (7, 20) => "No passing DKIM signature found", // RFC 7372, to 7.26
            (7, 21) => "No acceptable DKIM signature found",
            (7, 22) => "No valid author-matched DKIM signature found",
            (7, 23) => "SPF validation failed",
            (7, 24) => "SPF validation error",
            (7, 25) => "Reverse DNS validation failed",
            (7, 26) => "Multiple authentication checks failed",
            (7, 27) => "Sender address has null MX", // RFC 7505
            (7, 28) => "Mail flood detected",
            (7, 29) => "ARC validation failure",      // RFC 8617
            (7, 30) => "REQUIRETLS support required", // RFC 8689
            _ => return None,
        })
    }
}

impl Emit for Status {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put_decimal(self.class.into())?;
        sink.put_byte(b'.')?;
        sink.put_decimal(self.subject.into())?;
        sink.put_byte(b'.')?;
        sink.put_decimal(self.detail.into())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// Which rule a status code breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusErrorKind {
    /// The first digit is not 2, 4 or 5.
    BadClass,
    /// Not three numbers of one to three digits, without leading zeros, with dots between them.
    Malformed,
}

impl fmt::Display for StatusErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadClass => "the class of a status code is 2, 4 or 5 (RFC 3463 3.1)",
            Self::Malformed => {
                "a status code is three numbers up to 999, without leading zeros, with dots between (RFC 3463 2)"
            }
        })
    }
}

/// Why bytes are no status code, and at which byte.
pub type StatusError = ParseError<StatusErrorKind>;

/// A dot and one to three digits, without a leading zero, and what stands behind them.
fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let [b'.', first @ b'0'..=b'9', rest @ ..] = bytes else {
        return None;
    };
    let (mut number, mut rest) = (u16::from(first - b'0'), rest);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        if number == 0 || number > 99 {
            return None;
        }
        number = number * 10 + u16::from(digit - b'0');
        rest = behind;
    }
    Some((number, rest))
}
