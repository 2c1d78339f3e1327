//! Writing the machine-readable part of a report.
//!
//! Each writer writes the body of the part, field by field, with CRLF and folded lines. What a report must
//! hold is asked for where it begins. A value with a control character, CR and LF among them, is refused;
//! so is one that is not ASCII, unless [`Utf8::Raw`] says that the part is of a `global` type (RFC 6533).
//! The address of a recipient that is not ASCII has the type `utf-8`, in ASCII where the part must be.
//! White space at the ends of a value is not read back. A call that fails leaves the report unfinished:
//! what the sink took is void.
//!
//! ```
//! use scop_core::{SliceSink, UnixTime};
//! use scop_mime_core::AddrSpec;
//! use scop_mime_core::header::encoded_word::Utf8;
//! use scop_mime_core::report::delivery::{Action, StatusCode};
//! use scop_mime_core::report::write::DeliveryStatusWriter;
//!
//! let joe = AddrSpec::parse(b"joe@example.net")?;
//! let mut buffer = [0; 256];
//! let mut out = SliceSink::new(&mut buffer);
//! let mut report = DeliveryStatusWriter::new(&mut out, Utf8::Encode, b"dns", b"mx.example.org")?;
//! report.recipient(&joe, Action::Failed, StatusCode::new(5, 1, 1).unwrap())?;
//! report.diagnostic_code(b"smtp", b"550 5.1.1 no such user")?;
//! report.finish()?;
//! assert_eq!(
//!     out.written(),
//!     &b"Reporting-MTA: dns; mx.example.org\r\n\r\n\
//!        Final-Recipient: rfc822; joe@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\
//!        Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"[..],
//! );
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;
use core::net::IpAddr;

use scop_core::{Counter, Emit, Full, Sink};

use super::delivery::{Action, StatusCode};
use super::disposition::Mode;
use super::is_type;
use super::utf8_address::Xtext;
use crate::header::address::AddrSpec;
use crate::header::date::DateTime;
use crate::header::encoded_word::Utf8;
use crate::header::fold::{FoldError, FoldSink};
use crate::header::lexical::{Text, is_dot_atom};
use crate::header::message_id::MessageId;
use crate::header::parameter::read::is_token_byte;
use crate::header::trace::ReturnPath;

#[cfg(test)]
mod tests;

/// Why a report cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportWriteError {
    /// The sink is full.
    Full,
    /// A control character in a value.
    Control,
    /// A value that is not UTF-8, or not ASCII in a part that must be.
    BadCharacter,
    /// A type, token or field name with other octets than it may have, or with none.
    BadToken,
    /// A line would exceed 998 octets (RFC 5322 2.1.1).
    LineTooLong,
    /// A field of a recipient before the first recipient, or of the message behind it; or a report
    /// without a recipient.
    OutOfOrder,
}

impl fmt::Display for ReportWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => return Full.fmt(f),
            Self::LineTooLong => return FoldError::LineTooLong.fmt(f),
            Self::Control => "a value holds a control character (RFC 5322 2.2)",
            Self::BadCharacter => "a value is not ASCII, or not UTF-8 (RFC 3464 2.1, RFC 6533 4)",
            Self::BadToken => "a type or token is empty or malformed (RFC 3464 2.1.2)",
            Self::OutOfOrder => "fields of the message come first, then recipients (RFC 3464 2.1)",
        })
    }
}

impl core::error::Error for ReportWriteError {}

impl From<FoldError> for ReportWriteError {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Full => Self::Full,
            FoldError::LineEnd => Self::Control,
            FoldError::LineTooLong => Self::LineTooLong,
        }
    }
}

/// Writes the body of message/delivery-status (RFC 3464): the fields of the message, then those of each
/// recipient.
#[derive(Debug)]
pub struct DeliveryStatusWriter<'s, S: ?Sized> {
    fields: Fields<'s, S>,
    recipients: bool,
}

impl<'s, S: Sink + ?Sized> DeliveryStatusWriter<'s, S> {
    /// Begins a report of the server `mta`, whose name is of the type `mta_type`: `dns`.
    ///
    /// # Errors
    /// What the name breaks, or `Full`.
    pub fn new(
        sink: &'s mut S,
        utf8: Utf8,
        mta_type: &[u8],
        mta: &[u8],
    ) -> Result<Self, ReportWriteError> {
        let mut fields = Fields { sink, utf8 };
        fields.typed("Reporting-MTA", mta_type, mta)?;
        Ok(Self {
            fields,
            recipients: false,
        })
    }

    /// Adds the ENVID of the transaction (RFC 3461 4.4), decoded.
    ///
    /// # Errors
    /// What the value breaks; `OutOfOrder` behind a recipient.
    pub fn original_envelope_id(&mut self, id: &[u8]) -> Result<&mut Self, ReportWriteError> {
        self.of_message()?.text("Original-Envelope-Id", id)?;
        Ok(self)
    }

    /// Adds the server from which the message came.
    ///
    /// # Errors
    /// What the value breaks; `OutOfOrder` behind a recipient.
    pub fn received_from_mta(
        &mut self,
        mta_type: &[u8],
        mta: &[u8],
    ) -> Result<&mut Self, ReportWriteError> {
        self.of_message()?
            .typed("Received-From-MTA", mta_type, mta)?;
        Ok(self)
    }

    /// Adds when the message came.
    ///
    /// # Errors
    /// `OutOfOrder` behind a recipient.
    pub fn arrival_date(&mut self, date: &DateTime) -> Result<&mut Self, ReportWriteError> {
        self.of_message()?.value("Arrival-Date", date)?;
        Ok(self)
    }

    /// Begins a recipient: the address to which delivery was attempted, and what became of it.
    ///
    /// # Errors
    /// What the address breaks.
    pub fn recipient(
        &mut self,
        address: &AddrSpec<'_>,
        action: Action,
        status: StatusCode,
    ) -> Result<&mut Self, ReportWriteError> {
        self.fields.sink.put(b"\r\n").map_err(FoldError::from)?;
        self.recipients = true;
        self.fields.address("Final-Recipient", address)?;
        self.fields.value("Action", &action)?;
        self.fields.value("Status", &status)?;
        Ok(self)
    }

    /// Adds the ORCPT of the recipient (RFC 3461 4.2), decoded from xtext.
    ///
    /// # Errors
    /// What the value breaks; `OutOfOrder` before a recipient.
    pub fn original_recipient(
        &mut self,
        address_type: &[u8],
        address: &[u8],
    ) -> Result<&mut Self, ReportWriteError> {
        let fields = self.of_recipient()?;
        fields.typed("Original-Recipient", address_type, address)?;
        Ok(self)
    }

    /// Adds the server that gave the diagnostic code.
    ///
    /// # Errors
    /// What the value breaks; `OutOfOrder` before a recipient.
    pub fn remote_mta(
        &mut self,
        mta_type: &[u8],
        mta: &[u8],
    ) -> Result<&mut Self, ReportWriteError> {
        self.of_recipient()?.typed("Remote-MTA", mta_type, mta)?;
        Ok(self)
    }

    /// Adds what the transport said: `smtp`, the reply as one line.
    ///
    /// # Errors
    /// What the value breaks; `OutOfOrder` before a recipient.
    pub fn diagnostic_code(
        &mut self,
        diagnostic_type: &[u8],
        text: &[u8],
    ) -> Result<&mut Self, ReportWriteError> {
        let fields = self.of_recipient()?;
        fields.typed("Diagnostic-Code", diagnostic_type, text)?;
        Ok(self)
    }

    /// Adds when the last attempt was made.
    ///
    /// # Errors
    /// `OutOfOrder` before a recipient.
    pub fn last_attempt_date(&mut self, date: &DateTime) -> Result<&mut Self, ReportWriteError> {
        self.of_recipient()?.value("Last-Attempt-Date", date)?;
        Ok(self)
    }

    /// Adds until when the server tries, where the action is `delayed`.
    ///
    /// # Errors
    /// `OutOfOrder` before a recipient.
    pub fn will_retry_until(&mut self, date: &DateTime) -> Result<&mut Self, ReportWriteError> {
        self.of_recipient()?.value("Will-Retry-Until", date)?;
        Ok(self)
    }

    /// Adds any other field to the message or recipient that came last.
    ///
    /// # Errors
    /// What the name or value breaks.
    pub fn extension(&mut self, name: &[u8], text: &[u8]) -> Result<&mut Self, ReportWriteError> {
        self.fields.extension(name, text)?;
        Ok(self)
    }

    /// Ends the report.
    ///
    /// # Errors
    /// `OutOfOrder` when there is no recipient.
    pub fn finish(self) -> Result<(), ReportWriteError> {
        if self.recipients {
            Ok(())
        } else {
            Err(ReportWriteError::OutOfOrder)
        }
    }

    const fn of_message(&mut self) -> Result<&mut Fields<'s, S>, ReportWriteError> {
        if self.recipients {
            Err(ReportWriteError::OutOfOrder)
        } else {
            Ok(&mut self.fields)
        }
    }

    const fn of_recipient(&mut self) -> Result<&mut Fields<'s, S>, ReportWriteError> {
        if self.recipients {
            Ok(&mut self.fields)
        } else {
            Err(ReportWriteError::OutOfOrder)
        }
    }
}

/// Writes the body of message/disposition-notification (RFC 8098).
#[derive(Debug)]
pub struct DispositionNotificationWriter<'s, S: ?Sized> {
    fields: Fields<'s, S>,
}

impl<'s, S: Sink + ?Sized> DispositionNotificationWriter<'s, S> {
    /// Begins a notification: whose it is, and what was done, as in `displayed`, with modifiers.
    ///
    /// # Errors
    /// What a value breaks, or `Full`.
    pub fn new(
        sink: &'s mut S,
        utf8: Utf8,
        final_recipient: &AddrSpec<'_>,
        mode: Mode,
        disposition_type: &[u8],
        modifiers: &[&[u8]],
    ) -> Result<Self, ReportWriteError> {
        let mut words = modifiers.iter().copied().chain([disposition_type]);
        if !words.all(is_word) {
            return Err(ReportWriteError::BadToken);
        }
        let mut fields = Fields { sink, utf8 };
        fields.address("Final-Recipient", final_recipient)?;
        fields.field("Disposition", |line| {
            mode.emit(line)?;
            line.put(b"; ")?;
            line.put(disposition_type)?;
            for (index, modifier) in modifiers.iter().enumerate() {
                line.put_byte(if index > 0 { b',' } else { b'/' })?;
                line.put(modifier)?;
            }
            Ok(())
        })?;
        Ok(Self { fields })
    }

    /// Adds the program that makes the notification: the name of its host, and its own.
    ///
    /// # Errors
    /// What a value breaks; `BadToken` for a name with a semicolon.
    pub fn reporting_ua(
        &mut self,
        name: &[u8],
        product: &[u8],
    ) -> Result<&mut Self, ReportWriteError> {
        if name.contains(&b';') {
            return Err(ReportWriteError::BadToken);
        }
        self.fields.check(name)?;
        self.fields.check(product)?;
        self.fields.field("Reporting-UA", |line| {
            line.put(name)?;
            line.put(b"; ")?;
            line.put(product)
        })?;
        Ok(self)
    }

    /// Adds the Original-Recipient of the message.
    ///
    /// # Errors
    /// What a value breaks.
    pub fn original_recipient(
        &mut self,
        address_type: &[u8],
        address: &[u8],
    ) -> Result<&mut Self, ReportWriteError> {
        let fields = &mut self.fields;
        fields.typed("Original-Recipient", address_type, address)?;
        Ok(self)
    }

    /// Adds the Message-ID of the message.
    ///
    /// # Errors
    /// `Control` or `BadCharacter` for one that holds what the part may not.
    pub fn original_message_id(
        &mut self,
        id: &MessageId<'_>,
    ) -> Result<&mut Self, ReportWriteError> {
        self.fields.check_text(id.left())?;
        self.fields.check_text(id.right())?;
        self.fields.value("Original-Message-ID", id)?;
        Ok(self)
    }

    /// Adds any other field.
    ///
    /// # Errors
    /// What the name or value breaks.
    pub fn extension(&mut self, name: &[u8], text: &[u8]) -> Result<&mut Self, ReportWriteError> {
        self.fields.extension(name, text)?;
        Ok(self)
    }
}

/// Writes the body of message/feedback-report (RFC 5965).
#[derive(Debug)]
pub struct FeedbackReportWriter<'s, S: ?Sized> {
    fields: Fields<'s, S>,
}

impl<'s, S: Sink + ?Sized> FeedbackReportWriter<'s, S> {
    /// Begins a report of this type, `abuse`, made by this program, `SomeGenerator/1.0`.
    ///
    /// # Errors
    /// What a value breaks, or `Full`.
    pub fn new(
        sink: &'s mut S,
        feedback_type: &[u8],
        user_agent: &[u8],
    ) -> Result<Self, ReportWriteError> {
        let utf8 = Utf8::Encode;
        let mut fields = Fields { sink, utf8 };
        if !is_word(feedback_type) {
            return Err(ReportWriteError::BadToken);
        }
        fields.text("Feedback-Type", feedback_type)?;
        fields.text("User-Agent", user_agent)?;
        fields.text("Version", b"1")?;
        Ok(Self { fields })
    }

    /// Adds the reverse-path of the message.
    ///
    /// # Errors
    /// `Control` or `BadCharacter` for one that holds what the part may not.
    pub fn original_mail_from(
        &mut self,
        path: &ReturnPath<'_>,
    ) -> Result<&mut Self, ReportWriteError> {
        self.path("Original-Mail-From", path)
    }

    /// Adds a recipient of the message; there may be several.
    ///
    /// # Errors
    /// `Control` or `BadCharacter` for one that holds what the part may not.
    pub fn original_rcpt_to(
        &mut self,
        address: &AddrSpec<'_>,
    ) -> Result<&mut Self, ReportWriteError> {
        self.path("Original-Rcpt-To", &ReturnPath::Address(*address))
    }

    /// Adds when the message came.
    ///
    /// # Errors
    /// `Full`.
    pub fn arrival_date(&mut self, date: &DateTime) -> Result<&mut Self, ReportWriteError> {
        self.fields.value("Arrival-Date", date)?;
        Ok(self)
    }

    /// Adds the address from which the message came.
    ///
    /// # Errors
    /// `Full`.
    pub fn source_ip(&mut self, ip: IpAddr) -> Result<&mut Self, ReportWriteError> {
        self.fields.value("Source-IP", &ip)?;
        Ok(self)
    }

    /// Adds how many such messages the report stands for.
    ///
    /// # Errors
    /// `Full`.
    pub fn incidents(&mut self, count: u32) -> Result<&mut Self, ReportWriteError> {
        let write = |line: &mut FoldSink<'_, S>| line.put_decimal(count.into());
        self.fields.field("Incidents", write)?;
        Ok(self)
    }

    /// Adds a domain that the report is about; there may be several.
    ///
    /// # Errors
    /// What the value breaks.
    pub fn reported_domain(&mut self, domain: &[u8]) -> Result<&mut Self, ReportWriteError> {
        if !is_dot_atom(domain.iter().copied()) {
            return Err(ReportWriteError::BadToken);
        }
        self.fields.text("Reported-Domain", domain)?;
        Ok(self)
    }

    /// Adds any other field, as those of an authentication failure (RFC 6591).
    ///
    /// # Errors
    /// What the name or value breaks.
    pub fn extension(&mut self, name: &[u8], text: &[u8]) -> Result<&mut Self, ReportWriteError> {
        self.fields.extension(name, text)?;
        Ok(self)
    }

    fn path(&mut self, name: &str, path: &ReturnPath<'_>) -> Result<&mut Self, ReportWriteError> {
        if let ReturnPath::Address(address) = path {
            self.fields.check_text(address.local_part().text())?;
            self.fields.check_text(address.domain().text())?;
        }
        self.fields.value(name, path)?;
        Ok(self)
    }
}

/// Writes fields.
#[derive(Debug)]
struct Fields<'s, S: ?Sized> {
    sink: &'s mut S,
    utf8: Utf8,
}

impl<S: Sink + ?Sized> Fields<'_, S> {
    fn field(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut FoldSink<'_, S>) -> Result<(), Full>,
    ) -> Result<(), ReportWriteError> {
        let mut line = FoldSink::new(self.sink);
        let put = line
            .put(name.as_bytes())
            .and_then(|()| line.put(b": "))
            .and_then(|()| write(&mut line));
        match put {
            Ok(()) => Ok(line.finish()?),
            Err(Full) => Err(line.error().unwrap_or(FoldError::Full).into()),
        }
    }

    /// A value that holds nothing that must be looked at.
    fn value(&mut self, name: &str, value: &impl Emit) -> Result<(), ReportWriteError> {
        self.field(name, |line| value.emit(line))
    }

    fn text(&mut self, name: &str, text: &[u8]) -> Result<(), ReportWriteError> {
        self.check(text)?;
        self.field(name, |line| line.put(text))
    }

    fn typed(&mut self, name: &str, type_name: &[u8], text: &[u8]) -> Result<(), ReportWriteError> {
        if type_name.is_empty() || !type_name.iter().copied().all(is_type) {
            return Err(ReportWriteError::BadToken);
        }
        self.check(text)?;
        self.field(name, |line| {
            line.put(type_name)?;
            line.put(b"; ")?;
            line.put(text)
        })
    }

    /// An address of the type `rfc822`, or where it is not ASCII `utf-8` (RFC 6533 3).
    fn address(&mut self, name: &str, address: &AddrSpec<'_>) -> Result<(), ReportWriteError> {
        let (local, domain) = (address.local_part().text(), address.domain().text());
        if local
            .clone()
            .chain(domain.clone())
            .all(|byte| byte.is_ascii())
        {
            self.check_text(local)?;
            self.check_text(domain)?;
            return self.field(name, |line| {
                line.put(b"rfc822; ")?;
                address.emit(line)
            });
        }
        let utf8 = self.utf8;
        // Characters beyond ASCII can be written in any part; controls in none.
        let any = Fields {
            sink: &mut Counter::default(),
            utf8: Utf8::Raw,
        };
        any.check_text(local)?;
        any.check_text(domain)?;
        self.field(name, |line| {
            line.put(b"utf-8; ")?;
            match utf8 {
                Utf8::Encode => address.emit(&mut Xtext(line)),
                Utf8::Raw => address.emit(line),
            }
        })
    }

    fn extension(&mut self, name: &[u8], text: &[u8]) -> Result<(), ReportWriteError> {
        let is_ftext = |byte: &u8| matches!(byte, b'!'..=b'9' | b';'..=b'~');
        match core::str::from_utf8(name) {
            Ok(name) if !name.is_empty() && name.as_bytes().iter().all(is_ftext) => {
                self.text(name, text)
            }
            _ => Err(ReportWriteError::BadToken),
        }
    }

    fn check(&self, text: &[u8]) -> Result<(), ReportWriteError> {
        let text = core::str::from_utf8(text).map_err(|_| ReportWriteError::BadCharacter)?;
        self.check_characters(text.chars())
    }

    /// Text that was read before, so that no character is split between two of its runs.
    fn check_text(&self, text: Text<'_>) -> Result<(), ReportWriteError> {
        for run in text.runs() {
            self.check(run)?;
        }
        Ok(())
    }

    fn check_characters(
        &self,
        mut characters: impl Iterator<Item = char>,
    ) -> Result<(), ReportWriteError> {
        characters.try_for_each(|character| {
            // Some readers end a line at the last two.
            if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
                Err(ReportWriteError::Control)
            } else if self.utf8 == Utf8::Encode && !character.is_ascii() {
                Err(ReportWriteError::BadCharacter)
            } else {
                Ok(())
            }
        })
    }
}

/// `1*` of the octets of a token.
fn is_word(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|&byte| is_token_byte(byte))
}
