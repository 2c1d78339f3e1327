//! The reply to EHLO and LHLO (RFC 5321 4.1.1.1, RFC 2033 4.1).
//!
//! [`EhloReply`] reads what stands in such a reply: the server's name and its keywords, each with its
//! arguments, and the registered ones as a [`Capability`]. A client machine does not need it: there an
//! [`Extension`](crate::Extension) reads its own keyword.
//!
//! A line that is not `ehlo-line` is passed over by [`EhloReply::keywords`], because what a server announces
//! beside it can be used all the same; [`EhloReply::lines`] still shows it. No function panics on any input,
//! and each takes time linear in it.
//!
//! ```
//! use scop_smtp_proto::ehlo::{Capability, EhloReply};
//! use scop_smtp_proto::{ReplyView, Tolerance};
//!
//! let reply = ReplyView::parse(b"250-mx.example.org greets you\r\n250-SIZE 1000\r\n250 XCOLOUR red blue\r\n")?;
//! let ehlo = EhloReply::new(reply, &Tolerance::DEFAULT).unwrap();
//! assert_eq!(ehlo.domain(), b"mx.example.org");
//! let mut keywords = ehlo.keywords();
//! assert_eq!(keywords.next().unwrap().typed(), Ok(Capability::Size(Some(1000))));
//! let colour = keywords.next().unwrap();
//! assert!(colour.is("xcolour") && colour.words().eq([&b"red"[..], b"blue"]));
//! # Ok::<(), scop_smtp_proto::reply::ReplyError>(())
//! ```

use core::fmt;

use scop_core::ParseError;

use crate::auth::MechanismSet;
use crate::command::Tolerance;
use crate::extension::{DeliverBy, FutureRelease, Limits, Size};
use crate::lexical::Class;
use crate::parameter::{HoldFor, Timestamp};
use crate::reply::{Lines, ReplyView};
use crate::shown::{Octets, Shown, debug_as_text};

/// A reply that accepts EHLO or LHLO.
///
/// ```text
/// ehlo-ok-rsp = ( "250" SP Domain [ SP ehlo-greet ] CRLF )
///             / ( "250-" Domain [ SP ehlo-greet ] CRLF
///                 *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF )
/// ```
#[derive(Clone, Copy)]
pub struct EhloReply<'a> {
    reply: ReplyView<'a>,
    greeting: &'a [u8],
    /// Behind the line of the greeting.
    behind: &'a [u8],
    tolerance: Tolerance,
}

impl fmt::Debug for EhloReply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EhloReply").field(&self.reply).finish()
    }
}

impl<'a> EhloReply<'a> {
    /// Reads `reply`; `None` when it does not accept. A keyword line may have what
    /// [`Tolerance::trailing_space`], [`Tolerance::wide_space`] and [`Tolerance::old_auth`] say.
    pub fn new(reply: ReplyView<'a>, tolerance: &Tolerance) -> Option<Self> {
        if !reply.code().is_success() {
            return None;
        }
        let mut lines = reply.raw_lines();
        let greeting = lines.next().unwrap_or_default();
        Some(Self {
            reply,
            greeting,
            behind: lines.rest(),
            tolerance: *tolerance,
        })
    }

    /// The reply.
    pub const fn reply(&self) -> ReplyView<'a> {
        self.reply
    }

    /// The first line: the name of the server, and what it says behind it.
    pub const fn greeting(&self) -> &'a [u8] {
        self.greeting
    }

    /// The name of the server, as it calls itself and not checked.
    pub fn domain(&self) -> &'a [u8] {
        let end = memchr::memchr(b' ', self.greeting).unwrap_or(self.greeting.len());
        self.greeting.get(..end).unwrap_or_default()
    }

    /// The lines behind the first, whatever they hold; [`Keyword::parse`] says what is wrong with one.
    pub const fn lines(&self) -> Lines<'a> {
        Lines::new(self.behind)
    }

    /// The keywords, in order and as often as they come; lines that are malformed are passed over.
    pub const fn keywords(&self) -> Keywords<'a> {
        Keywords {
            lines: self.lines(),
            tolerance: self.tolerance,
        }
    }

    /// The first keyword of this name, which is compared without regard to ASCII case.
    pub fn find(&self, name: &str) -> Option<Keyword<'a>> {
        self.keywords().find(|keyword| keyword.is(name))
    }
}

/// The keywords of a reply to EHLO.
#[derive(Clone, Debug)]
pub struct Keywords<'a> {
    lines: Lines<'a>,
    tolerance: Tolerance,
}

impl<'a> Iterator for Keywords<'a> {
    type Item = Keyword<'a>;

    fn next(&mut self) -> Option<Keyword<'a>> {
        // Most lines are a keyword alone, the end of which is the end of the line.
        if let [_, _, _, b'-' | b' ', text @ ..] = self.lines.rest()
            && let Some((name, [b'\r', b'\n', rest @ ..])) =
                text.split_at_checked(Class::LDH.run(text))
            && is_keyword(name)
        {
            self.lines = Lines::new(rest);
            return Some(Keyword {
                name,
                arguments: &[],
            });
        }
        self.lines
            .find_map(|line| Keyword::parse_with(line, &self.tolerance).ok())
    }
}

impl core::iter::FusedIterator for Keywords<'_> {}

/// A keyword with its arguments.
///
/// ```text
/// ehlo-line    = ehlo-keyword *( SP ehlo-param )
/// ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
/// ehlo-param   = 1*(%d33-126)
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Keyword<'a> {
    name: &'a [u8],
    arguments: &'a [u8],
}

impl fmt::Debug for Keyword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyword")
            .field("name", &Shown(Octets(self.name)))
            .field("arguments", &Shown(Octets(self.arguments)))
            .finish()
    }
}

impl<'a> Keyword<'a> {
    /// Reads a line without its code and end.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(line: &'a [u8]) -> Result<Self, KeywordError> {
        Self::parse_with(line, &Tolerance::STRICT)
    }

    /// The same, with [`Tolerance::trailing_space`], [`Tolerance::wide_space`] and [`Tolerance::old_auth`].
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse_with(line: &'a [u8], tolerance: &Tolerance) -> Result<Self, KeywordError> {
        let (name, behind) = line
            .split_at_checked(Class::LDH.run(line))
            .unwrap_or_default();
        let arguments: &[u8] = match behind {
            [] => &[],
            [b' ', arguments @ ..] => arguments,
            [b'\t', arguments @ ..] if tolerance.wide_space => arguments,
            [b'=', arguments @ ..] if tolerance.old_auth && name.eq_ignore_ascii_case(b"AUTH") => {
                arguments
            }
            _ => return Err(ParseError::new(KeywordErrorKind::BadKeyword, name.len())),
        };
        if !is_keyword(name) {
            return Err(ParseError::new(KeywordErrorKind::BadKeyword, 0));
        }
        let mut arguments = arguments;
        while let ([before @ .., b' ' | b'\t'], true) = (arguments, tolerance.trailing_space) {
            arguments = before;
        }
        if arguments.is_empty() && (behind.is_empty() || tolerance.trailing_space) {
            return Ok(Self { name, arguments });
        }
        let mut rest = arguments;
        loop {
            while let ([b' ' | b'\t', behind @ ..], true) = (rest, tolerance.wide_space) {
                rest = behind;
            }
            let argument = Class::VISIBLE.run(rest);
            match rest.get(argument..) {
                Some([]) if argument > 0 => break,
                Some([b' ', behind @ ..]) if argument > 0 => rest = behind,
                Some([b'\t', behind @ ..]) if argument > 0 && tolerance.wide_space => rest = behind,
                _ => {
                    // One octet stands behind the name, and what was trimmed is in neither.
                    let before = arguments.len().saturating_sub(rest.len());
                    let offset = name.len() + 1 + before + argument;
                    return Err(ParseError::new(KeywordErrorKind::BadArgument, offset));
                }
            }
        }
        let arguments = arguments.trim_ascii_start();
        Ok(Self { name, arguments })
    }

    /// As written; it compares without regard to ASCII case.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// What stands behind the space; empty when there is nothing.
    pub const fn arguments(&self) -> &'a [u8] {
        self.arguments
    }

    /// Whether it has this name, without regard to ASCII case.
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The arguments one by one.
    pub fn words(&self) -> Words<'a> {
        Words::new(self.arguments)
    }

    /// Whether this stands behind the first eight octets of the name.
    fn goes_on(&self, rest: &[u8]) -> bool {
        let behind = self.name.get(8..);
        behind.is_some_and(|behind| behind.eq_ignore_ascii_case(rest))
    }

    /// What it means, if it is registered with IANA or used widely. Arguments of a keyword that has none are
    /// passed over.
    ///
    /// # Errors
    /// When its arguments are not of the form that its RFC gives them.
    pub fn typed(&self) -> Result<Capability<'a>, KeywordError> {
        let bad = || ParseError::new(KeywordErrorKind::BadArguments, self.name.len());
        Ok(match first_eight(self.name) {
            EIGHTBITMIME if self.name.len() == 8 => Capability::EightBitMime,
            ATRN => Capability::Atrn,
            AUTH => Capability::Auth(MechanismSet::parse(self.arguments)),
            BINARYMIME if self.goes_on(b"ME") => Capability::BinaryMime,
            BURL => Capability::Burl(*self),
            CHECKPOINT if self.goes_on(b"NT") => Capability::Checkpoint,
            CHUNKING if self.name.len() == 8 => Capability::Chunking,
            CONNEG => Capability::ConNeg,
            CONPERM => Capability::ConPerm,
            DELIVERBY if self.goes_on(b"Y") => {
                Capability::DeliverBy(DeliverBy::shortest(self.arguments).map_err(|_| bad())?)
            }
            DSN => Capability::Dsn,
            ENHANCEDSTATUSCODES if self.goes_on(b"STATUSCODES") => Capability::EnhancedStatusCodes,
            ETRN => Capability::Etrn,
            EXPN => Capability::Expn,
            FUTURERELEASE if self.goes_on(b"LEASE") => {
                let FutureRelease {
                    max_interval,
                    max_time,
                } = FutureRelease::parse(self.arguments).map_err(|_| bad())?;
                Capability::FutureRelease {
                    max_interval,
                    max_time,
                }
            }
            HELP => Capability::Help,
            LIMITS => Capability::Limits(Limits::parse(self.arguments)),
            MT_PRIORITY if self.goes_on(b"ITY") => Capability::MtPriority(self.words().next()),
            MTRK => Capability::Mtrk,
            NO_SOLICITING if self.goes_on(b"ITING") => Capability::NoSoliciting(*self),
            PIPELINING if self.goes_on(b"NG") => Capability::Pipelining,
            REQUIRETLS if self.goes_on(b"LS") => Capability::RequireTls,
            RRVS => Capability::Rrvs,
            SIZE => Capability::Size(Size::largest(self.arguments).map_err(|_| bad())?),
            SMTPUTF8 if self.name.len() == 8 => Capability::SmtpUtf8,
            STARTTLS if self.name.len() == 8 => Capability::StartTls,
            SUBMITTER if self.goes_on(b"R") => Capability::Submitter,
            VRFY => Capability::Vrfy,
            XCLIENT => Capability::XClient(*self),
            XFORWARD if self.name.len() == 8 => Capability::XForward(*self),
            _ => Capability::Other(*self),
        })
    }
}

/// The arguments of a keyword.
#[derive(Clone)]
pub struct Words<'a> {
    rest: &'a [u8],
}

debug_as_text!(Words, rest);

impl<'a> Words<'a> {
    /// Of these arguments.
    pub(crate) const fn new(arguments: &'a [u8]) -> Self {
        Self { rest: arguments }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.trim_ascii_start();
        let (word, rest) = rest.split_at_checked(Class::VISIBLE.run(rest))?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }
}

impl core::iter::FusedIterator for Words<'_> {}

/// What a keyword says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability<'a> {
    /// 8BITMIME (RFC 6152).
    EightBitMime,
    /// ATRN (RFC 2645).
    Atrn,
    /// AUTH (RFC 4954), with the mechanisms that this crate knows; [`Keyword::words`] gives all.
    Auth(MechanismSet),
    /// BINARYMIME (RFC 3030).
    BinaryMime,
    /// BURL (RFC 4468).
    Burl(Keyword<'a>),
    /// CHECKPOINT (RFC 1845).
    Checkpoint,
    /// CHUNKING (RFC 3030).
    Chunking,
    /// CONNEG (RFC 4141).
    ConNeg,
    /// CONPERM (RFC 4141).
    ConPerm,
    /// DELIVERBY (RFC 2852), with the shortest time in seconds.
    DeliverBy(Option<u32>),
    /// DSN (RFC 3461).
    Dsn,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    EnhancedStatusCodes,
    /// ETRN (RFC 1985).
    Etrn,
    /// EXPN (RFC 5321 3.5).
    Expn,
    /// FUTURERELEASE (RFC 4865).
    FutureRelease {
        /// The longest HOLDFOR.
        max_interval: HoldFor,
        /// The latest HOLDUNTIL.
        max_time: Timestamp<'a>,
    },
    /// HELP (RFC 5321 4.1.1.8).
    Help,
    /// LIMITS (RFC 9422).
    Limits(Limits),
    /// MT-PRIORITY (RFC 6710), with the name of the profile.
    MtPriority(Option<&'a [u8]>),
    /// MTRK (RFC 3885).
    Mtrk,
    /// NO-SOLICITING (RFC 3865), with the classes that are not wanted.
    NoSoliciting(Keyword<'a>),
    /// PIPELINING (RFC 2920).
    Pipelining,
    /// REQUIRETLS (RFC 8689).
    RequireTls,
    /// RRVS (RFC 7293).
    Rrvs,
    /// SIZE (RFC 1870), with the largest message; 0 says that there is no fixed limit.
    Size(Option<u64>),
    /// SMTPUTF8 (RFC 6531).
    SmtpUtf8,
    /// STARTTLS (RFC 3207).
    StartTls,
    /// SUBMITTER (RFC 4405).
    Submitter,
    /// VRFY (RFC 5321 3.5).
    Vrfy,
    /// XCLIENT, as Postfix has it.
    XClient(Keyword<'a>),
    /// XFORWARD, as Postfix has it.
    XForward(Keyword<'a>),
    /// Any other.
    Other(Keyword<'a>),
}

/// Which rule a keyword line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeywordErrorKind {
    /// It does not begin with a keyword that ends at a space or with the line.
    BadKeyword,
    /// An argument is missing behind a space, or holds something that is not printable US-ASCII.
    BadArgument,
    /// The arguments are not those of the keyword.
    BadArguments,
}

impl fmt::Display for KeywordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadKeyword => {
                "a keyword is letters, digits and hyphens up to a space (RFC 5321 4.1.1.1)"
            }
            Self::BadArgument => {
                "an argument is printable US-ASCII, with one space before it (RFC 5321 4.1.1.1)"
            }
            Self::BadArguments => "the arguments are not those of the keyword",
        })
    }
}

/// What is wrong with a keyword line, and at which byte.
pub type KeywordError = ParseError<KeywordErrorKind>;

/// Whether letters, digits and hyphens make a keyword: the first is no hyphen.
fn is_keyword(name: &[u8]) -> bool {
    !matches!(name, [] | [b'-', ..])
}

/// The first eight octets of a name as one number, without regard to ASCII case: without bit 5, no two letters,
/// digits and hyphens are the same but a letter in its two cases.
#[inline]
const fn first_eight(name: &[u8]) -> u64 {
    if let Some(eight) = name.first_chunk() {
        return u64::from_be_bytes(*eight) & 0xdfdf_dfdf_dfdf_dfdf;
    }
    let mut number = 0;
    let mut rest = name;
    while let Some((octet, behind)) = rest.split_first() {
        number = number << 8 | (*octet & 0xdf) as u64;
        rest = behind;
    }
    number
}

const EIGHTBITMIME: u64 = first_eight(b"8BITMIME");
const ATRN: u64 = first_eight(b"ATRN");
const AUTH: u64 = first_eight(b"AUTH");
const BINARYMIME: u64 = first_eight(b"BINARYMIME");
const BURL: u64 = first_eight(b"BURL");
const CHECKPOINT: u64 = first_eight(b"CHECKPOINT");
const CHUNKING: u64 = first_eight(b"CHUNKING");
const CONNEG: u64 = first_eight(b"CONNEG");
const CONPERM: u64 = first_eight(b"CONPERM");
const DELIVERBY: u64 = first_eight(b"DELIVERBY");
const DSN: u64 = first_eight(b"DSN");
const ENHANCEDSTATUSCODES: u64 = first_eight(b"ENHANCEDSTATUSCODES");
const ETRN: u64 = first_eight(b"ETRN");
const EXPN: u64 = first_eight(b"EXPN");
const FUTURERELEASE: u64 = first_eight(b"FUTURERELEASE");
const HELP: u64 = first_eight(b"HELP");
const LIMITS: u64 = first_eight(b"LIMITS");
const MT_PRIORITY: u64 = first_eight(b"MT-PRIORITY");
const MTRK: u64 = first_eight(b"MTRK");
const NO_SOLICITING: u64 = first_eight(b"NO-SOLICITING");
const PIPELINING: u64 = first_eight(b"PIPELINING");
const REQUIRETLS: u64 = first_eight(b"REQUIRETLS");
const RRVS: u64 = first_eight(b"RRVS");
const SIZE: u64 = first_eight(b"SIZE");
const SMTPUTF8: u64 = first_eight(b"SMTPUTF8");
const STARTTLS: u64 = first_eight(b"STARTTLS");
const SUBMITTER: u64 = first_eight(b"SUBMITTER");
const VRFY: u64 = first_eight(b"VRFY");
const XCLIENT: u64 = first_eight(b"XCLIENT");
const XFORWARD: u64 = first_eight(b"XFORWARD");

#[cfg(test)]
mod tests;
