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

use scop_core::{Cursor, ParseError};

use crate::auth::MechanismSet;
use crate::command::Tolerance;
use crate::extension::Limits;
use crate::lexical::Class;
use crate::parameter::{HoldFor, Size, Timestamp};
use crate::reply::{Lines, ReplyView};

/// A reply that accepts EHLO or LHLO.
///
/// ```text
/// ehlo-ok-rsp = ( "250" SP Domain [ SP ehlo-greet ] CRLF )
///             / ( "250-" Domain [ SP ehlo-greet ] CRLF
///                 *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF )
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EhloReply<'a> {
    reply: ReplyView<'a>,
    tolerance: Tolerance,
}

impl<'a> EhloReply<'a> {
    /// Reads `reply`; `None` when it does not accept. A keyword line may have what
    /// [`Tolerance::trailing_space`], [`Tolerance::wide_space`] and [`Tolerance::old_auth`] say.
    pub const fn new(reply: ReplyView<'a>, tolerance: &Tolerance) -> Option<Self> {
        if !reply.code().is_success() {
            return None;
        }
        Some(Self {
            reply,
            tolerance: *tolerance,
        })
    }

    /// The reply.
    pub const fn reply(&self) -> ReplyView<'a> {
        self.reply
    }

    /// The first line: the name of the server, and what it says behind it.
    pub fn greeting(&self) -> &'a [u8] {
        self.reply.raw_lines().next().unwrap_or_default()
    }

    /// The name of the server, as it calls itself and not checked.
    pub fn domain(&self) -> &'a [u8] {
        let greeting = self.greeting();
        let end = memchr::memchr(b' ', greeting).unwrap_or(greeting.len());
        greeting.get(..end).unwrap_or_default()
    }

    /// The lines behind the first, whatever they hold; [`Keyword::parse`] says what is wrong with one.
    pub fn lines(&self) -> Lines<'a> {
        let mut lines = self.reply.raw_lines();
        lines.next();
        lines
    }

    /// The keywords, in order and as often as they come; lines that are malformed are passed over.
    pub fn keywords(&self) -> Keywords<'a> {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword<'a> {
    /// As written; it compares without regard to ASCII case.
    pub name: &'a [u8],
    /// What stands behind the space; empty when there is nothing.
    pub arguments: &'a [u8],
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
        let bad = |place: usize| {
            let offset = name.len().saturating_add(1).saturating_add(place);
            Err(ParseError::new(KeywordErrorKind::BadArgument, offset))
        };
        let mut gap = true;
        for (place, &octet) in arguments.iter().enumerate() {
            gap = match octet {
                b' ' if !gap => true,
                b' ' | b'\t' if tolerance.wide_space => true,
                _ if Class::VISIBLE.has(octet) => false,
                _ => return bad(place),
            };
        }
        if gap {
            return bad(arguments.len());
        }
        let arguments = arguments.trim_ascii_start();
        Ok(Self { name, arguments })
    }

    /// Whether it has this name, without regard to ASCII case.
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The arguments one by one.
    pub fn words(&self) -> Words<'a> {
        Words {
            rest: self.arguments,
        }
    }

    /// What it means, if it is registered with IANA or used widely. Arguments of a keyword that has none are
    /// passed over.
    ///
    /// # Errors
    /// When its arguments are not of the form that its RFC gives them.
    pub fn typed(&self) -> Result<Capability<'a>, KeywordError> {
        let bad = || ParseError::new(KeywordErrorKind::BadArguments, self.name.len());
        let is = |name: &str| self.is(name);
        // By length first, so that few names are compared.
        Ok(match self.name.len() {
            8 if is("8BITMIME") => Capability::EightBitMime,
            4 if is("ATRN") => Capability::Atrn,
            4 if is("AUTH") => Capability::Auth(MechanismSet::parse(self.arguments)),
            10 if is("BINARYMIME") => Capability::BinaryMime,
            4 if is("BURL") => Capability::Burl(*self),
            10 if is("CHECKPOINT") => Capability::Checkpoint,
            8 if is("CHUNKING") => Capability::Chunking,
            6 if is("CONNEG") => Capability::ConNeg,
            7 if is("CONPERM") => Capability::ConPerm,
            9 if is("DELIVERBY") => Capability::DeliverBy(match self.arguments {
                [] => None,
                // min-by-time = 1*9DIGIT (RFC 2852 2)
                digits => Some(decimal(digits, 999_999_999).ok_or_else(bad)?),
            }),
            3 if is("DSN") => Capability::Dsn,
            19 if is("ENHANCEDSTATUSCODES") => Capability::EnhancedStatusCodes,
            4 if is("ETRN") => Capability::Etrn,
            4 if is("EXPN") => Capability::Expn,
            13 if is("FUTURERELEASE") => {
                let mut words = self.words();
                let (Some(interval), Some(time), None) = (words.next(), words.next(), words.next())
                else {
                    return Err(bad());
                };
                Capability::FutureRelease {
                    max_interval: HoldFor::parse(interval).map_err(|_| bad())?,
                    max_time: Timestamp::parse(time).map_err(|_| bad())?,
                }
            }
            4 if is("HELP") => Capability::Help,
            6 if is("LIMITS") => Capability::Limits(Limits::parse(self.arguments)),
            11 if is("MT-PRIORITY") => Capability::MtPriority(self.words().next()),
            4 if is("MTRK") => Capability::Mtrk,
            13 if is("NO-SOLICITING") => Capability::NoSoliciting(*self),
            10 if is("PIPELINING") => Capability::Pipelining,
            10 if is("REQUIRETLS") => Capability::RequireTls,
            4 if is("RRVS") => Capability::Rrvs,
            4 if is("SIZE") => Capability::Size(match self.arguments {
                [] => None,
                digits => Some(Size::parse(digits).map_err(|_| bad())?.0),
            }),
            8 if is("SMTPUTF8") => Capability::SmtpUtf8,
            8 if is("STARTTLS") => Capability::StartTls,
            9 if is("SUBMITTER") => Capability::Submitter,
            4 if is("VRFY") => Capability::Vrfy,
            7 if is("XCLIENT") => Capability::XClient(*self),
            8 if is("XFORWARD") => Capability::XForward(*self),
            _ => Capability::Other(*self),
        })
    }
}

/// The arguments of a keyword.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a [u8],
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

/// Digits, all of them, as a number up to `max`.
fn decimal(digits: &[u8], max: u32) -> Option<u32> {
    let mut cursor = Cursor::new(digits);
    let number = u32::try_from(cursor.take_decimal()?).ok()?;
    (cursor.is_at_end() && number <= max).then_some(number)
}

#[cfg(test)]
mod tests;
