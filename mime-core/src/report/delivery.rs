//! Delivery status (RFC 3464, with the address type of RFC 6533): what became of a message.
//!
//! ```
//! use scop_mime_core::report::delivery::{Action, DeliveryStatus};
//!
//! let body = b"Reporting-MTA: dns; cs.example.org\r\n\r\n\
//!              Final-Recipient: rfc822; louisl@example.net\r\nAction: failed\r\nStatus: 4.0.0 (busy)\r\n\
//!              Diagnostic-Code: smtp; 426 connection timed out\r\n";
//! let status = DeliveryStatus::new(body);
//! let recipient = status.recipients().next().unwrap();
//! assert_eq!(recipient.action(), Some(Action::Failed));
//! assert_eq!(recipient.status().unwrap().to_string(), "4.0.0");
//! assert!(recipient.diagnostic_code().unwrap().text().is(b"426 connection timed out"));
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::{Block, Blocks, ReportError, ReportErrorKind, TypedText, at_end, error, gap};
use crate::header::date::DateTime;
use crate::header::lexical::display;
use crate::header::scan::HeaderBlock;
use crate::header::typed::field_table;
use crate::header::unstructured::Unstructured;

field_table! {
    /// The name of a field of a delivery status: the first five are about the message, the others about
    /// one recipient.
    names StatusFieldName;
    /// A field of a delivery status.
    typed StatusField;

    OriginalEnvelopeId "Original-Envelope-Id" Unstructured<'a>, AtMostOnce "RFC 3464 2.2.1";
    ReportingMta "Reporting-MTA" TypedText<'a>, Once "RFC 3464 2.2.2";
    DsnGateway "DSN-Gateway" TypedText<'a>, AtMostOnce "RFC 3464 2.2.3";
    ReceivedFromMta "Received-From-MTA" TypedText<'a>, AtMostOnce "RFC 3464 2.2.4";
    ArrivalDate "Arrival-Date" DateTime, AtMostOnce "RFC 3464 2.2.5";
    OriginalRecipient "Original-Recipient" TypedText<'a>, AtMostOnce "RFC 3464 2.3.1";
    FinalRecipient "Final-Recipient" TypedText<'a>, Once "RFC 3464 2.3.2";
    Action "Action" Action, Once "RFC 3464 2.3.3";
    Status "Status" StatusCode, Once "RFC 3464 2.3.4";
    RemoteMta "Remote-MTA" TypedText<'a>, AtMostOnce "RFC 3464 2.3.5";
    DiagnosticCode "Diagnostic-Code" TypedText<'a>, AtMostOnce "RFC 3464 2.3.6";
    LastAttemptDate "Last-Attempt-Date" DateTime, AtMostOnce "RFC 3464 2.3.7";
    FinalLogId "Final-Log-ID" Unstructured<'a>, AtMostOnce "RFC 3464 2.3.8";
    WillRetryUntil "Will-Retry-Until" DateTime, AtMostOnce "RFC 3464 2.3.9";
    LocalizedDiagnostic "Localized-Diagnostic" TypedText<'a>, Often "RFC 6533 4";
}

/// The body of message/delivery-status or message/global-delivery-status.
///
/// ```text
/// delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )   ; RFC 3464 2.1
/// ```
///
/// Any bytes are one: blocks of fields with empty lines between.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryStatus<'a> {
    body: &'a [u8],
}

impl<'a> DeliveryStatus<'a> {
    /// Over the decoded body of the part.
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body }
    }

    /// The body as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.body
    }

    /// All blocks, in order.
    pub const fn blocks(&self) -> Blocks<'a> {
        Blocks::new(self.body)
    }

    /// What is said of the message: the first block. `None` when there is nothing at all.
    pub fn message(&self) -> Option<StatusBlock<'a>> {
        self.blocks().next().map(StatusBlock)
    }

    /// What is said of each recipient: the blocks behind the first one, and the first one too where a
    /// careless writer put a recipient there.
    pub fn recipients(&self) -> impl Iterator<Item = StatusBlock<'a>> + Clone + use<'a> {
        self.blocks()
            .map(StatusBlock)
            .enumerate()
            .filter(|(index, block)| {
                *index > 0 || block.field(StatusFieldName::FinalRecipient).is_some()
            })
            .map(|(_, block)| block)
    }
}

/// The fields of the message, or of one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusBlock<'a>(Block<'a>);

impl<'a> StatusBlock<'a> {
    /// The fields as they stand.
    pub const fn header(&self) -> HeaderBlock<'a> {
        self.0.fields
    }

    /// Where the block begins in the body.
    pub const fn offset(&self) -> usize {
        self.0.offset
    }

    /// The fields in order, typed.
    pub fn fields(&self) -> impl Iterator<Item = StatusField<'a>> + Clone + use<'a> {
        self.header().fields().map(|field| StatusField::of(&field))
    }

    /// The first field of this name; it may be malformed.
    pub fn field(&self, name: StatusFieldName) -> Option<StatusField<'a>> {
        let mut fields = self.header().fields();
        fields
            .find(|field| field.is(name.as_str().as_bytes()))
            .map(|field| StatusField::of(&field))
    }

    /// The server that reports. Of this and all that follow: `None` also where the first such field is
    /// malformed; [`Self::field`] tells the two apart.
    pub fn reporting_mta(&self) -> Option<TypedText<'a>> {
        self.typed_text(StatusFieldName::ReportingMta)
    }

    /// The address that the sender gave.
    pub fn original_recipient(&self) -> Option<TypedText<'a>> {
        self.typed_text(StatusFieldName::OriginalRecipient)
    }

    /// The address to which delivery was attempted.
    pub fn final_recipient(&self) -> Option<TypedText<'a>> {
        self.typed_text(StatusFieldName::FinalRecipient)
    }

    /// What the server did.
    pub fn action(&self) -> Option<Action> {
        match self.field(StatusFieldName::Action) {
            Some(StatusField::Action(action)) => Some(action),
            _ => None,
        }
    }

    /// How it went.
    pub fn status(&self) -> Option<StatusCode> {
        match self.field(StatusFieldName::Status) {
            Some(StatusField::Status(status)) => Some(status),
            _ => None,
        }
    }

    /// The server that gave the diagnostic code.
    pub fn remote_mta(&self) -> Option<TypedText<'a>> {
        self.typed_text(StatusFieldName::RemoteMta)
    }

    /// What the transport said.
    pub fn diagnostic_code(&self) -> Option<TypedText<'a>> {
        self.typed_text(StatusFieldName::DiagnosticCode)
    }

    fn typed_text(&self, name: StatusFieldName) -> Option<TypedText<'a>> {
        match self.field(name)? {
            StatusField::ReportingMta(text)
            | StatusField::OriginalRecipient(text)
            | StatusField::FinalRecipient(text)
            | StatusField::RemoteMta(text)
            | StatusField::DiagnosticCode(text) => Some(text),
            _ => None,
        }
    }
}

/// What a server did with a message.
///
/// ```text
/// action-value = "failed" / "delayed" / "delivered" / "relayed" / "expanded"    ; RFC 3464 2.3.3
/// ```
///
/// Comments may stand around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It gave up.
    Failed,
    /// It still tries.
    Delayed,
    /// It delivered the message.
    Delivered,
    /// It handed the message to a server that sends no delivery status.
    Relayed,
    /// It delivered the message to several others in the place of the recipient.
    Expanded,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::Failed,
        Self::Delayed,
        Self::Delivered,
        Self::Relayed,
        Self::Expanded,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }

    /// Reads the value of an Action field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &[u8]) -> Result<Self, ReportError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let start = cursor;
        let word = cursor.take_while(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        let action = Self::ALL
            .iter()
            .copied()
            .find(|action| action.as_str().as_bytes().eq_ignore_ascii_case(word));
        let Some(action) = action else {
            return error(ReportErrorKind::BadAction, &start);
        };
        at_end(&mut cursor)?;
        Ok(action)
    }
}

impl Emit for Action {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.as_str().as_bytes())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An enhanced status code.
///
/// ```text
/// status-code = class "." subject "." detail                      ; RFC 3463 2
/// class       = "2" / "4" / "5"
/// subject     = 1*3digit                                          ; without leading zeros
/// detail      = 1*3digit
/// ```
///
/// A comment may stand behind it (RFC 3464 2.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode {
    class: u8,
    subject: u16,
    detail: u16,
}

impl StatusCode {
    /// The code of these numbers; `None` when there is no such code.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        if !matches!(class, 2 | 4 | 5) || subject > 999 || detail > 999 {
            return None;
        }
        Some(Self {
            class,
            subject,
            detail,
        })
    }

    /// Reads the value of a Status field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &[u8]) -> Result<Self, ReportError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let (code, mut cursor) = Self::take(cursor)?;
        at_end(&mut cursor)?;
        Ok(code)
    }

    /// Reads the code that a text begins with, as the text of an SMTP reply does (RFC 2034 4). Also gives
    /// the rest.
    ///
    /// # Errors
    /// When it begins with none.
    pub fn parse_prefix(text: &[u8]) -> Result<(Self, &[u8]), ReportError> {
        Self::take(Cursor::new(text)).map(|(code, cursor)| (code, cursor.rest()))
    }

    /// 2 for success, 4 for a temporary failure, 5 for a permanent one.
    pub const fn class(&self) -> u8 {
        self.class
    }

    /// What it is about: 1 the address, 2 the mailbox, 3 the mail system, 4 the network, 5 the protocol, 6
    /// the content, 7 security (RFC 3463 3).
    pub const fn subject(&self) -> u16 {
        self.subject
    }

    /// What exactly.
    pub const fn detail(&self) -> u16 {
        self.detail
    }

    fn take(start: Cursor<'_>) -> Result<(Self, Cursor<'_>), ReportError> {
        let mut cursor = start;
        let mut number = || {
            let digits = cursor.take_while(|byte| byte.is_ascii_digit());
            let leading_zero = digits.len() > 1 && digits.starts_with(b"0");
            let number = Cursor::new(digits).take_decimal();
            let dot = cursor.skip_byte(b'.');
            number
                .and_then(|number| u16::try_from(number).ok())
                .filter(|_| !leading_zero && digits.len() <= 3)
                .map(|number| (number, dot))
        };
        let numbers = (number(), number(), number());
        let code = match numbers {
            (Some((class, true)), Some((subject, true)), Some((detail, false))) => {
                u8::try_from(class)
                    .ok()
                    .and_then(|class| Self::new(class, subject, detail))
            }
            _ => None,
        };
        match code {
            Some(code) => Ok((code, cursor)),
            None => Err(ParseError::new(ReportErrorKind::BadStatus, start.offset())),
        }
    }
}

impl Emit for StatusCode {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put_decimal(u64::from(self.class))?;
        sink.put_byte(b'.')?;
        sink.put_decimal(u64::from(self.subject))?;
        sink.put_byte(b'.')?;
        sink.put_decimal(u64::from(self.detail))
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}
