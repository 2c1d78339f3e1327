//! What the parameters of the extensions that this crate knows mean.

use core::fmt;

use scop_core::{Cursor, Emit, FmtSink, Full, ParseError, Sink};

use super::dsn::{EnvelopeId, Notify, OriginalRecipient, Ret};
use super::timestamp::Timestamp;
use super::xtext::Xtext;
use super::{Body, Parameter, ParameterError, ParameterErrorKind, word};
use crate::path::Mailbox;

/// A parameter of a known extension, its value checked. It emits `KEYWORD=value`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Typed<'a> {
    /// MAIL SIZE (RFC 1870).
    Size(Size),
    /// MAIL BODY (RFC 6152, RFC 3030).
    Body(Body),
    /// MAIL SMTPUTF8 (RFC 6531 3.4).
    SmtpUtf8,
    /// MAIL AUTH (RFC 4954 5).
    Auth(Submitter<'a>),
    /// MAIL RET (RFC 3461 4.3).
    Ret(Ret),
    /// MAIL ENVID (RFC 3461 4.4).
    EnvelopeId(EnvelopeId<'a>),
    /// RCPT NOTIFY (RFC 3461 4.1).
    Notify(Notify),
    /// RCPT ORCPT (RFC 3461 4.2).
    OriginalRecipient(OriginalRecipient<'a>),
    /// MAIL BY (RFC 2852).
    DeliverBy(DeliverBy),
    /// MAIL HOLDFOR (RFC 4865).
    HoldFor(HoldFor),
    /// MAIL HOLDUNTIL (RFC 4865).
    HoldUntil(HoldUntil<'a>),
    /// MAIL MT-PRIORITY (RFC 6710).
    Priority(Priority),
    /// MAIL REQUIRETLS (RFC 8689 2).
    RequireTls,
    /// RCPT RRVS (RFC 7293 5.1).
    ValidSince(ValidSince<'a>),
    /// Of an extension that this crate does not know.
    Unknown(Parameter<'a>),
}

impl<'a> Typed<'a> {
    /// Reads the value of `parameter`.
    ///
    /// # Errors
    /// The first rule that is broken; offsets count from the start of the value.
    pub fn of(parameter: Parameter<'a>) -> Result<Self, ParameterError> {
        let is = |keyword| parameter.is(keyword);
        let Some(value) = parameter.value() else {
            return if is("SMTPUTF8") {
                Ok(Self::SmtpUtf8)
            } else if is("REQUIRETLS") {
                Ok(Self::RequireTls)
            } else if KEYWORDS.iter().any(|keyword| is(keyword)) {
                Err(ParseError::new(ParameterErrorKind::NoValue, 0))
            } else {
                Ok(Self::Unknown(parameter))
            };
        };
        match parameter.keyword().len() {
            2 if is("BY") => DeliverBy::parse(value).map(Self::DeliverBy),
            3 if is("RET") => Ret::parse(value).map(Self::Ret),
            4 if is("SIZE") => Size::parse(value).map(Self::Size),
            4 if is("BODY") => Body::parse(value).map(Self::Body),
            4 if is("AUTH") => Submitter::parse(value).map(Self::Auth),
            4 if is("RRVS") => ValidSince::parse(value).map(Self::ValidSince),
            5 if is("ENVID") => EnvelopeId::parse(value).map(Self::EnvelopeId),
            5 if is("ORCPT") => OriginalRecipient::parse(value).map(Self::OriginalRecipient),
            6 if is("NOTIFY") => Notify::parse(value).map(Self::Notify),
            7 if is("HOLDFOR") => HoldFor::parse(value).map(Self::HoldFor),
            9 if is("HOLDUNTIL") => HoldUntil::parse(value).map(Self::HoldUntil),
            11 if is("MT-PRIORITY") => Priority::parse(value).map(Self::Priority),
            8 if is("SMTPUTF8") => Err(ParseError::new(ParameterErrorKind::UnexpectedValue, 0)),
            10 if is("REQUIRETLS") => Err(ParseError::new(ParameterErrorKind::UnexpectedValue, 0)),
            _ => Ok(Self::Unknown(parameter)),
        }
    }
}

/// Those that have a value.
const KEYWORDS: [&str; 12] = [
    "SIZE",
    "BODY",
    "AUTH",
    "RET",
    "ENVID",
    "NOTIFY",
    "ORCPT",
    "BY",
    "HOLDFOR",
    "HOLDUNTIL",
    "MT-PRIORITY",
    "RRVS",
];

impl Emit for Typed<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Size(value) => value.emit(sink),
            Self::Body(value) => value.emit(sink),
            Self::SmtpUtf8 => Parameter::SMTPUTF8.emit(sink),
            Self::Auth(value) => value.emit(sink),
            Self::Ret(value) => value.emit(sink),
            Self::EnvelopeId(value) => value.emit(sink),
            Self::Notify(value) => value.emit(sink),
            Self::OriginalRecipient(value) => value.emit(sink),
            Self::DeliverBy(value) => value.emit(sink),
            Self::HoldFor(value) => value.emit(sink),
            Self::HoldUntil(value) => value.emit(sink),
            Self::Priority(value) => value.emit(sink),
            Self::RequireTls => Parameter::REQUIRETLS.emit(sink),
            Self::ValidSince(value) => value.emit(sink),
            Self::Unknown(parameter) => parameter.emit(sink),
        }
    }
}

/// As on the line of the command.
impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// SIZE: how many octets the message has, about (RFC 1870 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl Size {
    /// Reads `1*20DIGIT` (RFC 1870 5). What is beyond `u64` is taken for `u64::MAX`, which no server takes.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadNumber`].
    pub fn parse(value: &[u8]) -> Result<Self, ParameterError> {
        let bad = Err(ParseError::new(ParameterErrorKind::BadNumber, 0));
        if !matches!(value.len(), 1..=20) {
            return bad;
        }
        let mut number: u64 = 0;
        for octet in value {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                return bad;
            }
            number = number.saturating_mul(10).saturating_add(digit.into());
        }
        Ok(Self(number))
    }
}

impl Emit for Size {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"SIZE=")?;
        sink.put_decimal(self.0)
    }
}

impl Body {
    /// Reads `"7BIT" / "8BITMIME" / "BINARYMIME"`.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadWord`].
    pub fn parse(value: &[u8]) -> Result<Self, ParameterError> {
        word(
            value,
            &[
                ("7BIT", Self::SevenBit),
                ("8BITMIME", Self::EightBitMime),
                ("BINARYMIME", Self::BinaryMime),
            ],
        )
    }

    /// As a parameter of MAIL.
    pub const fn parameter(self) -> Parameter<'static> {
        Parameter {
            keyword: b"BODY",
            value: Some(match self {
                Self::SevenBit => b"7BIT",
                Self::EightBitMime => b"8BITMIME",
                Self::BinaryMime => b"BINARYMIME",
            }),
        }
    }
}

impl Emit for Body {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.parameter().emit(sink)
    }
}

const MAX_SUBMITTER: usize = 500;

/// AUTH of MAIL: who submitted the message first (RFC 4954 5). A server believes it of clients it trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitter<'a>(Option<Xtext<'a>>);

impl<'a> Submitter<'a> {
    /// `<>`: not known, or not believed.
    pub const UNKNOWN: Self = Self(None);

    /// The longest value as it is written (RFC 4954 5: the line grows by 500 octets).
    pub const MAX_LEN: usize = MAX_SUBMITTER;

    /// The submitter is `mailbox`.
    ///
    /// # Errors
    /// When it is no mailbox in US-ASCII, or too long as xtext.
    pub fn new(mailbox: &'a [u8]) -> Result<Self, ParameterError> {
        Self::checked(Xtext::of(mailbox))
    }

    /// Reads `"<>"` or a mailbox as xtext.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParameterError> {
        let text = Xtext::parse(value)?;
        if text.octets().eq(*b"<>") {
            return Ok(Self::UNKNOWN);
        }
        Self::checked(text)
    }

    /// The mailbox.
    pub const fn mailbox(&self) -> Option<Xtext<'a>> {
        self.0
    }

    fn checked(text: Xtext<'a>) -> Result<Self, ParameterError> {
        if text.emitted_len() > Self::MAX_LEN {
            return Err(ParseError::new(ParameterErrorKind::TooLong, Self::MAX_LEN));
        }
        let mut mailbox: heapless::Vec<u8, MAX_SUBMITTER> = heapless::Vec::new();
        for octet in text.octets() {
            // Decoding makes nothing longer.
            let _ = mailbox.push(octet);
        }
        if !mailbox.is_ascii() || Mailbox::parse(&mailbox).is_err() {
            return Err(ParseError::new(ParameterErrorKind::BadMailbox, 0));
        }
        Ok(Self(Some(text)))
    }
}

impl Emit for Submitter<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"AUTH=")?;
        match self.0 {
            Some(text) => text.emit(sink),
            None => sink.put(b"<>"),
        }
    }
}

/// What is done when the time of BY is over (RFC 2852).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByMode {
    /// `N`: the sender is told of the delay.
    Notify,
    /// `R`: the message is returned.
    Return,
}

/// BY: in how many seconds the message should be delivered (RFC 2852).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    seconds: i32,
    mode: ByMode,
    trace: bool,
}

impl DeliverBy {
    /// The highest number of seconds, and with a minus the lowest: nine digits.
    pub const MAX: i32 = 999_999_999;

    /// `None` when there are more than nine digits, or none of them above 0 with [`ByMode::Return`].
    /// With `trace` the sender is told of relaying (RFC 2852).
    pub const fn new(seconds: i32, mode: ByMode, trace: bool) -> Option<Self> {
        let returns = matches!(mode, ByMode::Return);
        if seconds > Self::MAX || seconds < -Self::MAX || returns && seconds <= 0 {
            return None;
        }
        Some(Self {
            seconds,
            mode,
            trace,
        })
    }

    /// Reads the value.
    ///
    /// ```text
    /// by-value = by-time ";" by-mode [by-trace]                      ; RFC 2852
    /// by-time  = ["-" / "+"] 1*9digit
    /// by-mode  = "N" / "R"
    /// by-trace = "T"
    /// ```
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadDeliverBy`], also when it is to be returned at once (RFC 2852).
    pub fn parse(value: &[u8]) -> Result<Self, ParameterError> {
        let mut cursor = Cursor::new(value);
        Self::take(&mut cursor)
            .ok_or_else(|| ParseError::new(ParameterErrorKind::BadDeliverBy, cursor.offset()))
    }

    fn take(cursor: &mut Cursor<'_>) -> Option<Self> {
        let negative = cursor.skip_byte(b'-');
        if !negative {
            cursor.skip_byte(b'+');
        }
        let seconds = i32::try_from(take_nine_digits(cursor)?).ok()?;
        if !cursor.skip_byte(b';') {
            return None;
        }
        let mode = if cursor.skip_ignore_case(b"N") {
            ByMode::Notify
        } else if cursor.skip_ignore_case(b"R") {
            ByMode::Return
        } else {
            return None;
        };
        let trace = cursor.skip_ignore_case(b"T");
        let seconds = if negative {
            seconds.saturating_neg()
        } else {
            seconds
        };
        cursor
            .is_at_end()
            .then(|| Self::new(seconds, mode, trace))
            .flatten()
    }

    /// Counted from the moment of MAIL; 0 or less when the time is over.
    pub const fn seconds(&self) -> i32 {
        self.seconds
    }

    /// What is done when the time is over.
    pub const fn mode(&self) -> ByMode {
        self.mode
    }

    /// Whether the sender is told of relaying.
    pub const fn trace(&self) -> bool {
        self.trace
    }
}

impl Emit for DeliverBy {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(if self.seconds < 0 { b"BY=-" } else { b"BY=" })?;
        sink.put_decimal(self.seconds.unsigned_abs().into())?;
        sink.put(match self.mode {
            ByMode::Notify => b";N",
            ByMode::Return => b";R",
        })?;
        sink.put(if self.trace { b"T" } else { b"" })
    }
}

/// HOLDFOR: for how many seconds the server keeps the message (RFC 4865).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldFor(u32);

impl HoldFor {
    /// Nine digits (RFC 4865).
    pub const MAX: u32 = 999_999_999;

    /// `None` for 0 and above [`Self::MAX`].
    pub const fn new(seconds: u32) -> Option<Self> {
        if seconds == 0 || seconds > Self::MAX {
            return None;
        }
        Some(Self(seconds))
    }

    /// Reads `%x31-39 *8DIGIT`.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadNumber`].
    pub fn parse(value: &[u8]) -> Result<Self, ParameterError> {
        let bad = ParseError::new(ParameterErrorKind::BadNumber, 0);
        if value.first() == Some(&b'0') {
            return Err(bad);
        }
        Self::new(nine_digits(value)?).ok_or(bad)
    }

    /// At least 1.
    pub const fn seconds(&self) -> u32 {
        self.0
    }
}

impl Emit for HoldFor {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"HOLDFOR=")?;
        sink.put_decimal(self.0.into())
    }
}

/// HOLDUNTIL: until when the server keeps the message (RFC 4865, erratum 2040).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldUntil<'a>(pub Timestamp<'a>);

impl<'a> HoldUntil<'a> {
    /// Reads a `date-time` of RFC 3339.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadDateTime`].
    pub fn parse(value: &'a [u8]) -> Result<Self, ParameterError> {
        Timestamp::parse(value).map(Self)
    }
}

impl Emit for HoldUntil<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"HOLDUNTIL=")?;
        self.0.emit(sink)
    }
}

/// MT-PRIORITY: how urgent the message is (RFC 6710).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i8);

impl Priority {
    /// From -9 to 9, the most urgent; `None` for another.
    pub const fn new(priority: i8) -> Option<Self> {
        if priority < -9 || priority > 9 {
            return None;
        }
        Some(Self(priority))
    }

    /// Reads `(["-"] NZDIGIT) / "0"`.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadNumber`].
    pub fn parse(value: &[u8]) -> Result<Self, ParameterError> {
        match *value {
            [digit @ b'0'..=b'9'] => Ok(Self((digit - b'0').cast_signed())),
            [b'-', digit @ b'1'..=b'9'] => Ok(Self((digit - b'0').cast_signed().saturating_neg())),
            _ => Err(ParseError::new(ParameterErrorKind::BadNumber, 0)),
        }
    }

    /// From -9 to 9; 0 is that of a message without it.
    pub const fn value(&self) -> i8 {
        self.0
    }
}

impl Emit for Priority {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(if self.0 < 0 {
            b"MT-PRIORITY=-"
        } else {
            b"MT-PRIORITY="
        })?;
        sink.put_decimal(self.0.unsigned_abs().into())
    }
}

/// What a server that does not know whether the recipient was valid then does (RFC 7293 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RrvsAction {
    /// `C`: it goes on without RRVS.
    Continue,
    /// `R`: it refuses.
    Reject,
}

/// RRVS: since when the mailbox should have had the same owner (RFC 7293 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidSince<'a> {
    /// The moment.
    pub since: Timestamp<'a>,
    /// What is done when it cannot be told.
    pub action: Option<RrvsAction>,
}

impl<'a> ValidSince<'a> {
    /// Reads `date-time [ ";" ( "C" / "R" ) ]`.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadDateTime`], or [`ParameterErrorKind::BadWord`] for what stands behind it.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParameterError> {
        let mut cursor = Cursor::new(value);
        let Some(since) = Timestamp::take(&mut cursor) else {
            return Err(ParseError::new(
                ParameterErrorKind::BadDateTime,
                cursor.offset(),
            ));
        };
        let action = match cursor.rest() {
            b"" => None,
            b";C" | b";c" => Some(RrvsAction::Continue),
            b";R" | b";r" => Some(RrvsAction::Reject),
            _ => {
                return Err(ParseError::new(
                    ParameterErrorKind::BadWord,
                    cursor.offset(),
                ));
            }
        };
        Ok(Self { since, action })
    }
}

impl Emit for ValidSince<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"RRVS=")?;
        self.since.emit(sink)?;
        sink.put(match self.action {
            None => b"",
            Some(RrvsAction::Continue) => b";C",
            Some(RrvsAction::Reject) => b";R",
        })
    }
}

/// `1*9DIGIT`, and nothing else.
pub(crate) fn nine_digits(value: &[u8]) -> Result<u32, ParameterError> {
    let mut cursor = Cursor::new(value);
    let number = take_nine_digits(&mut cursor).filter(|_| cursor.is_at_end());
    number.ok_or(ParseError::new(ParameterErrorKind::BadNumber, 0))
}

/// A number of one to nine digits.
fn take_nine_digits(cursor: &mut Cursor<'_>) -> Option<u32> {
    let start = cursor.offset();
    let number = cursor.take_decimal()?;
    let count = cursor.offset().saturating_sub(start);
    (count <= 9).then(|| u32::try_from(number).ok()).flatten()
}

#[cfg(test)]
mod tests;
