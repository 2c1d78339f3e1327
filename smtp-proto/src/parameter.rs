//! Parameters of MAIL and RCPT (RFC 5321 4.1.2).
//!
//! [`Parameters`] are the list behind a path, as it was written; [`Parameter`] is one of it.
//! [`Parameter::typed`] reads what it means, where this crate knows its extension, and
//! [`Parameter::write`] makes one of a typed value, in memory that is lent. No function panics on any
//! input; each takes time linear in it, and a list holds [`Parameters::MAX`] at most.
//!
//! ```
//! use scop_smtp_proto::Parameters;
//! use scop_smtp_proto::parameter::{Size, Typed};
//!
//! let parameters = Parameters::parse(b"SIZE=1000 BODY=8BITMIME SMTPUTF8")?;
//! assert_eq!(parameters.iter().count(), 3);
//! let size = parameters.find("size").unwrap();
//! assert_eq!((size.keyword(), size.value()), (&b"SIZE"[..], Some(&b"1000"[..])));
//! assert!(matches!(size.typed()?, Typed::Size(Size(1000))));
//! # Ok::<(), scop_smtp_proto::parameter::ParameterError>(())
//! ```

use core::fmt;

use scop_core::{Emit, FmtSink, Full, ParseError, Sink, SliceSink};

use crate::lexical::{Class, first_bad_utf8};
use crate::shown::debug_as_text;

mod dsn;
mod list;
mod timestamp;
mod typed;
mod xtext;

pub use dsn::{EnvelopeId, Notify, OriginalAddress, OriginalRecipient, Ret};
pub use list::{Iter, Parameters};
pub use timestamp::Timestamp;
pub(crate) use typed::nine_digits;
pub use typed::{
    ByMode, DeliverBy, HoldFor, HoldUntil, Priority, RrvsAction, Size, Submitter, Typed, ValidSince,
};
pub use xtext::{Octets, Xtext};

/// Which rule a parameter breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterErrorKind {
    /// A keyword is letters, digits and hyphens, the first no hyphen (RFC 5321 4.1.2, `esmtp-keyword`).
    BadKeyword,
    /// A value is visible characters without `=`, one at least (RFC 5321 4.1.2, `esmtp-value`).
    BadValue,
    /// Octets above 127 in a value are UTF-8, and no control characters (RFC 6531 3.3).
    BadUtf8,
    /// One space stands between two parameters (RFC 5321 4.1.2, `Mail-parameters`).
    BadSpace,
    /// Two of them have the same keyword, and readers disagree on which counts.
    Duplicate,
    /// More than [`Parameters::MAX`].
    TooMany,
    /// The keyword stands without the value that it needs.
    NoValue,
    /// The keyword has a value and takes none.
    UnexpectedValue,
    /// The value is none of the words that there are.
    BadWord,
    /// The value is no number, or out of range.
    BadNumber,
    /// The value is no xtext of visible characters (RFC 3461 4).
    BadXtext,
    /// The value is longer than its RFC allows.
    TooLong,
    /// The value is no mailbox in US-ASCII, nor `<>` (RFC 4954 5).
    BadMailbox,
    /// ORCPT begins with the type of the address and `;` (RFC 3461 4.2).
    BadAddressType,
    /// The address is not of the type `utf-8` (RFC 6533 3).
    BadUtf8Address,
    /// The value is no date and time, or no such moment is there (RFC 3339 5.6).
    BadDateTime,
    /// The value is no time and mode of BY (RFC 2852).
    BadDeliverBy,
    /// The room that was lent for writing is too small.
    NoRoom,
}

impl ParameterErrorKind {
    /// The rule in words.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::BadKeyword => {
                "the keyword of a parameter is letters, digits and hyphens (RFC 5321 4.1.2)"
            }
            Self::BadValue => {
                "the value of a parameter is visible characters without \"=\" (RFC 5321 4.1.2)"
            }
            Self::BadUtf8 => {
                "the value of a parameter is not UTF-8, or holds a control (RFC 6531 3.3)"
            }
            Self::BadSpace => "one space stands between parameters (RFC 5321 4.1.2)",
            Self::Duplicate => "a parameter is given twice",
            Self::TooMany => "there are more than 32 parameters",
            Self::NoValue => "a parameter lacks its value",
            Self::UnexpectedValue => "a parameter has a value and takes none",
            Self::BadWord => "the value of a parameter is none of the words that it takes",
            Self::BadNumber => "the value of a parameter is no number in its range",
            Self::BadXtext => "the value of a parameter is no xtext of printable text (RFC 3461 4)",
            Self::TooLong => "the value of a parameter is too long",
            Self::BadMailbox => "AUTH of MAIL is no mailbox as xtext, nor \"<>\" (RFC 4954 5)",
            Self::BadAddressType => "ORCPT begins with an address type and \";\" (RFC 3461 4.2)",
            Self::BadUtf8Address => "the address is none of the type utf-8 (RFC 6533 3)",
            Self::BadDateTime => "the value of a parameter is no date and time (RFC 3339 5.6)",
            Self::BadDeliverBy => "BY is seconds, \";\", N or R and perhaps T (RFC 2852)",
            Self::NoRoom => "the parameters do not fit the room for them",
        }
    }
}

impl fmt::Display for ParameterErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())
    }
}

/// Why bytes are no parameters, and at which byte.
pub type ParameterError = ParseError<ParameterErrorKind>;

/// `esmtp-keyword ["=" esmtp-value]`. Two are equal when their keywords are, without regard to ASCII case, and
/// their values, octet for octet.
#[derive(Clone, Copy)]
pub struct Parameter<'a> {
    keyword: &'a [u8],
    value: Option<&'a [u8]>,
}

debug_as_text!(Parameter);

impl<'a> Parameter<'a> {
    /// A parameter to be written.
    ///
    /// ```
    /// use scop_smtp_proto::Parameter;
    /// assert_eq!(Parameter::new("XTINT", Some(b"3")), Parameter::parse(b"XTINT=3"));
    /// assert!(Parameter::new("XTINT", Some(b"3\r\nRCPT TO:<root>")).is_err());
    /// ```
    ///
    /// # Errors
    /// Where the keyword or the value is none; offsets count as if `=` stood between them.
    pub fn new(keyword: &'a str, value: Option<&'a [u8]>) -> Result<Self, ParameterError> {
        let parameter = Self::parse(keyword.as_bytes())?;
        if parameter.value.is_some() {
            let end = parameter.keyword.len();
            return Err(ParseError::new(ParameterErrorKind::BadKeyword, end));
        }
        let Some(value) = value else {
            return Ok(parameter);
        };
        let start = keyword.len().saturating_add(1);
        let len = value_len(value).map_err(|error| error.nested(start))?;
        if len < value.len() {
            let offset = start.saturating_add(len);
            return Err(ParseError::new(ParameterErrorKind::BadValue, offset));
        }
        let value = Some(value);
        Ok(Self { value, ..parameter })
    }

    /// The keyword as written; it compares without regard to ASCII case.
    pub const fn keyword(&self) -> &'a [u8] {
        self.keyword
    }

    /// What stands behind `=`; not empty.
    pub const fn value(&self) -> Option<&'a [u8]> {
        self.value
    }

    /// Reads one parameter.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, ParameterError> {
        let (parameter, rest) = Self::parse_prefix(raw)?;
        if rest.is_empty() {
            return Ok(parameter);
        }
        let kind = match parameter.value {
            Some(_) => ParameterErrorKind::BadValue,
            None => ParameterErrorKind::BadKeyword,
        };
        Err(ParseError::new(kind, raw.len().saturating_sub(rest.len())))
    }

    /// Reads one parameter at the start of `raw`; what is left begins with an octet that is none of it.
    ///
    /// ```text
    /// esmtp-param    = esmtp-keyword ["=" esmtp-value]               ; RFC 5321 4.1.2
    /// esmtp-keyword  = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
    /// esmtp-value    = 1*(%d33-60 / %d62-126)
    ///                                     ; any CHAR excluding "=", SP, and control characters
    /// esmtp-value    =/ UTF8-non-ascii                               ; RFC 6531 3.3
    /// ```
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_prefix(raw: &'a [u8]) -> Result<(Self, &'a [u8]), ParameterError> {
        Self::take(raw)
    }

    #[expect(
        clippy::inline_always,
        reason = "the result is large; to hand it over takes as long as to find it"
    )]
    #[inline(always)]
    fn take(raw: &'a [u8]) -> Result<(Self, &'a [u8]), ParameterError> {
        let error = |kind, offset| Err(ParseError::new(kind, offset));
        let len = Class::LDH.run(raw);
        let (keyword, rest) = raw.split_at_checked(len).unwrap_or_default();
        if matches!(keyword.first(), None | Some(b'-')) {
            return error(ParameterErrorKind::BadKeyword, 0);
        }
        let Some(behind) = rest.strip_prefix(b"=") else {
            let value = None;
            return Ok((Self { keyword, value }, rest));
        };
        let value_len = value_len(behind).map_err(|error| error.nested(len.saturating_add(1)))?;
        let (value, rest) = behind.split_at_checked(value_len).unwrap_or_default();
        let value = Some(value);
        Ok((Self { keyword, value }, rest))
    }

    /// What it means, when this crate knows its extension.
    ///
    /// # Errors
    /// The first rule that its value breaks; offsets count from the start of the value.
    pub fn typed(&self) -> Result<Typed<'a>, ParameterError> {
        Typed::of(*self)
    }

    /// Writes a typed value to the start of `room`, which moves on to what is left of it: the parameters
    /// of a command share one buffer.
    ///
    /// ```
    /// use scop_smtp_proto::Parameter;
    /// use scop_smtp_proto::parameter::{Body, Notify, OriginalRecipient, Size};
    ///
    /// let mut buffer = [0; 128];
    /// let mut room = &mut buffer[..];
    /// let mail = [Parameter::write(&Size(1234), &mut room)?, Body::EightBitMime.parameter()];
    /// let recipient = OriginalRecipient::rfc822(b"joe@example.org").unwrap();
    /// let rcpt = [Parameter::write(&recipient, &mut room)?, Parameter::write(&Notify::NEVER, &mut room)?];
    /// // client.mail(&path, &mail), client.recipient(&path, &rcpt)
    /// assert_eq!(mail[0].value(), Some(&b"1234"[..]));
    /// assert_eq!(rcpt[0].value(), Some(&b"rfc822;joe@example.org"[..]));
    /// # Ok::<(), scop_core::Full>(())
    /// ```
    ///
    /// # Errors
    /// `Full` when it does not fit, and when what `value` writes is no parameter.
    #[expect(
        clippy::mut_mut,
        reason = "the room shrinks, as the slices that std::io reads do"
    )]
    pub fn write<E: Emit>(value: &E, room: &mut &'a mut [u8]) -> Result<Self, Full> {
        let len = value.emitted_len();
        let buffer = core::mem::take(room);
        let Some((written, rest)) = buffer.split_at_mut_checked(len) else {
            return Err(Full);
        };
        *room = rest;
        let mut sink = SliceSink::new(written);
        value.emit(&mut sink)?;
        Self::parse(sink.into_written()).map_err(|_| Full)
    }

    /// SMTPUTF8 of MAIL (RFC 6531 3.4).
    pub const SMTPUTF8: Parameter<'static> = Parameter {
        keyword: b"SMTPUTF8",
        value: None,
    };

    /// REQUIRETLS of MAIL (RFC 8689 2).
    pub const REQUIRETLS: Parameter<'static> = Parameter {
        keyword: b"REQUIRETLS",
        value: None,
    };

    /// Whether its keyword is `keyword`, without regard to ASCII case.
    pub fn is(&self, keyword: &str) -> bool {
        self.keyword.eq_ignore_ascii_case(keyword.as_bytes())
    }
}

impl PartialEq for Parameter<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.keyword.eq_ignore_ascii_case(other.keyword) && self.value == other.value
    }
}

impl Eq for Parameter<'_> {}

/// As written.
impl Emit for Parameter<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.keyword)?;
        let Some(value) = self.value else {
            return Ok(());
        };
        sink.put_byte(b'=')?;
        sink.put(value)
    }
}

/// As on the line of the command.
impl fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// How many octets at the start of `bytes` are a value: one at least.
#[inline]
fn value_len(bytes: &[u8]) -> Result<usize, ParameterError> {
    let len = Class::VALUE.or(Class::NON_ASCII).run(bytes);
    let value = bytes.get(..len).unwrap_or_default();
    if value.is_empty() {
        return Err(ParseError::new(ParameterErrorKind::BadValue, 0));
    }
    if !value.is_ascii()
        && let Some(bad) = first_bad_utf8(value)
    {
        return Err(ParseError::new(ParameterErrorKind::BadUtf8, bad));
    }
    Ok(len)
}

/// What stands before the first octet that is `end`, and the rest, which begins with it.
fn before(bytes: &[u8], end: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let len = bytes.iter().position(|&byte| end(byte));
    bytes
        .split_at_checked(len.unwrap_or(bytes.len()))
        .unwrap_or_default()
}

/// The one of `words` that `value` is, without regard to ASCII case.
fn word<T: Copy>(value: &[u8], words: &[(&str, T)]) -> Result<T, ParameterError> {
    (words.iter())
        .find(|(word, _)| value.eq_ignore_ascii_case(word.as_bytes()))
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| ParseError::new(ParameterErrorKind::BadWord, 0))
}

/// What the octets of a message may be: BODY (RFC 6152 2, RFC 3030 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// US-ASCII in lines.
    #[default]
    SevenBit,
    /// Any octets but NUL, CR and LF, in lines.
    EightBitMime,
    /// Any octets, in BDAT chunks.
    BinaryMime,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    #[test]
    fn a_list_is_written_as_it_is_read() {
        let size = Typed::Size(Size(7));
        let mut buffer = [0; 16];
        let mut room = &mut buffer[..];
        let one = Parameters::write(&[size, Typed::SmtpUtf8], &mut room);
        assert_eq!(one.unwrap().raw(), b"SIZE=7 SMTPUTF8");
        assert_eq!(room.len(), 1);
        let kind = |list: &[Typed<'_>], len| {
            let mut buffer = [0; 16];
            let list = Parameters::write(list, &mut &mut buffer[..len]);
            list.map_or_else(|error| Some(error.kind()), |_| None)
        };
        assert_eq!(
            Parameters::write(&[size], &mut room).unwrap_err().kind(),
            ParameterErrorKind::NoRoom
        );
        assert_eq!(room.len(), 1);
        assert_eq!(kind(&[], 0), None);
        let (twice, full) = (kind(&[size, size], 13), kind(&[size, size], 12));
        assert_eq!(twice, Some(ParameterErrorKind::Duplicate));
        assert_eq!(full, Some(ParameterErrorKind::NoRoom));
    }

    #[test]
    fn well_formed() {
        #[rustfmt::skip]
        let cases: &[(&str, &str)] = &[
            ("", ""),
            ("SMTPUTF8", "SMTPUTF8 -"),
            ("size=1 X-y=<>", "size 1, X-y <>"),
            ("8=~", "8 ~"),
            ("A=\u{e9}", "A \u{e9}"),
        ];
        for (raw, expected) in cases {
            let parameters = Parameters::parse(raw.as_bytes()).unwrap();
            let read: Vec<String> = parameters
                .iter()
                .map(|parameter| {
                    let [keyword, value] = [parameter.keyword, parameter.value.unwrap_or(b"-")]
                        .map(|bytes| str::from_utf8(bytes).unwrap());
                    format!("{keyword} {value}")
                })
                .collect();
            assert_eq!(read.join(", "), *expected);
            assert_eq!(parameters.to_vec(), raw.as_bytes());
        }
        let wide = Parameters::read(b"A \t B=1", true).unwrap();
        assert_eq!(wide.to_vec(), b"A B=1");
    }

    #[test]
    fn errors_name_the_rule_and_the_byte() {
        use ParameterErrorKind::*;
        #[rustfmt::skip]
        let cases: &[(&[u8], ParameterErrorKind, usize)] = &[
            (b" A", BadKeyword, 0),
            (b"-A", BadKeyword, 0),
            (b"=1", BadKeyword, 0),
            (b"A_B", BadKeyword, 1),
            (b"A\0", BadKeyword, 1),
            (b"A=", BadValue, 2),
            (b"A= B", BadValue, 2),
            (b"A=1=2", BadValue, 3),
            (b"A=1\r\nB", BadValue, 3),
            (b"A=1\0", BadValue, 3),
            (b"A=1 ", BadSpace, 3),
            (b"A  B", BadSpace, 1),
            (b"A\tB", BadSpace, 1),
            (b"A=\xe9", BadUtf8, 2),
            (b"A=1\xc2\x85", BadUtf8, 3),
            (b"A=1 B a", Duplicate, 6),
        ];
        for (raw, kind, offset) in cases {
            let error = Parameters::parse(raw).unwrap_err();
            assert_eq!(
                (error.kind(), error.offset()),
                (*kind, *offset),
                "{}",
                raw.escape_ascii()
            );
        }
        assert_eq!(
            Parameters::read(b"A=1 \t", true).unwrap_err().kind(),
            BadSpace
        );
    }

    #[test]
    fn made_of_pieces() {
        use ParameterErrorKind::*;
        type Error = Option<(ParameterErrorKind, usize)>;
        #[rustfmt::skip]
        let cases: &[(&str, Option<&[u8]>, Error)] = &[
            ("X-a", None, None),
            ("8", Some(b"~"), None),
            ("A", Some("\u{e9}".as_bytes()), None),
            ("", None, Some((BadKeyword, 0))),
            ("", Some(b"1"), Some((BadKeyword, 0))),
            ("-A", Some(b"1"), Some((BadKeyword, 0))),
            ("A ", None, Some((BadKeyword, 1))),
            ("A\r\nB", None, Some((BadKeyword, 1))),
            ("A=1", None, Some((BadKeyword, 1))),
            ("A=1", Some(b"2"), Some((BadKeyword, 1))),
            ("A\u{e9}", None, Some((BadKeyword, 1))),
            ("A", Some(b""), Some((BadValue, 2))),
            ("A", Some(b"\r\n"), Some((BadValue, 2))),
            ("A", Some(b"1\r\nRSET"), Some((BadValue, 3))),
            ("A", Some(b"1 B=2"), Some((BadValue, 3))),
            ("A", Some(b"1=2"), Some((BadValue, 3))),
            ("A", Some(b"1\0"), Some((BadValue, 3))),
            ("A", Some(b"1\x7f"), Some((BadValue, 3))),
            ("A", Some(b"1\xff"), Some((BadUtf8, 3))),
            ("A", Some("1\u{9b}".as_bytes()), Some((BadUtf8, 3))),
        ];
        for (keyword, value, expected) in cases {
            let made = Parameter::new(keyword, *value);
            let error = made.err().map(|error| (error.kind(), error.offset()));
            assert_eq!(error, *expected, "{keyword:?} {value:?}");
            if let Ok(made) = made {
                let written = made.to_vec();
                assert_eq!(Parameter::parse(&written), Ok(made));
                assert_eq!((made.keyword(), made.value()), (keyword.as_bytes(), *value));
            }
        }
        let [one, other] = ["size=1", "SIZE=1"].map(|text| Parameter::parse(text.as_bytes()));
        assert_eq!(one, other);
    }

    #[test]
    fn many() {
        let text = |count: usize| {
            let all: Vec<String> = (0..count).map(|number| format!("A{number}")).collect();
            all.join(" ")
        };
        assert!(Parameters::parse(text(32).as_bytes()).is_ok());
        let error = Parameters::parse(text(33).as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ParameterErrorKind::TooMany);
    }
}
