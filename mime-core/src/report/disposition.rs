//! Disposition notifications (RFC 8098): what a reader, or the program of a reader, did with a message.
//!
//! ```
//! use scop_mime_core::report::disposition::DispositionNotification;
//!
//! let body = b"Reporting-UA: pc.example.org; Foomail 97.1\r\n\
//!              Final-Recipient: rfc822;joe@example.org\r\n\
//!              Disposition: manual-action/MDN-sent-manually; displayed\r\n";
//! let disposition = DispositionNotification::new(body).disposition().unwrap();
//! assert!(disposition.is_manual_action() && disposition.is_type(b"displayed"));
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, Sink};

use super::{ReportError, ReportErrorKind, TypedText, error, gap, take_token, trim};
use crate::header::lexical::{display, since, valid_utf8};
use crate::header::message_id::MessageId;
use crate::header::scan::HeaderBlock;
use crate::header::typed::field_table;
use crate::header::unstructured::Unstructured;

field_table! {
    /// The name of a field of a disposition notification.
    names DispositionFieldName;
    /// A field of a disposition notification.
    typed DispositionField;

    ReportingUa "Reporting-UA" ReportingUa<'a>, AtMostOnce "RFC 8098 3.2.1";
    MdnGateway "MDN-Gateway" TypedText<'a>, AtMostOnce "RFC 8098 3.2.2";
    OriginalRecipient "Original-Recipient" TypedText<'a>, AtMostOnce "RFC 8098 3.2.3";
    FinalRecipient "Final-Recipient" TypedText<'a>, Once "RFC 8098 3.2.4";
    OriginalMessageId "Original-Message-ID" MessageId<'a>, AtMostOnce "RFC 8098 3.2.5";
    Disposition "Disposition" Disposition<'a>, Once "RFC 8098 3.2.6";
    Error "Error" Unstructured<'a>, Often "RFC 8098 3.2.7";
    Failure "Failure" Unstructured<'a>, Often "RFC 3798 3.2.7";
    Warning "Warning" Unstructured<'a>, Often "RFC 3798 3.2.7";
}

/// The body of message/disposition-notification or message/global-disposition-notification. Any bytes are
/// one.
///
/// What stands behind an empty line is no part of it; [`Self::raw`] has it.
#[derive(Clone, Copy, Debug)]
pub struct DispositionNotification<'a> {
    body: &'a [u8],
}

impl<'a> DispositionNotification<'a> {
    /// Over the decoded body of the part.
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body }
    }

    /// The body as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.body
    }

    /// The fields as they stand.
    pub fn header(&self) -> HeaderBlock<'a> {
        let first = super::Blocks::new(self.body).next();
        first.map_or(HeaderBlock::new(b""), |block| block.fields)
    }

    /// The fields in order, typed.
    pub fn fields(&self) -> impl Iterator<Item = DispositionField<'a>> + Clone + use<'a> {
        let fields = self.header().fields();
        fields.map(|field| DispositionField::of(&field))
    }

    /// The first field of this name; it may be malformed.
    pub fn field(&self, name: DispositionFieldName) -> Option<DispositionField<'a>> {
        let mut fields = self.header().fields();
        fields
            .find(|field| field.is(name.as_str().as_bytes()))
            .map(|field| DispositionField::of(&field))
    }

    /// What was done; `None` also where the first such field is malformed.
    pub fn disposition(&self) -> Option<Disposition<'a>> {
        match self.field(DispositionFieldName::Disposition) {
            Some(DispositionField::Disposition(disposition)) => Some(disposition),
            _ => None,
        }
    }

    /// Whose disposition it is; `None` also where the first such field is malformed.
    pub fn final_recipient(&self) -> Option<TypedText<'a>> {
        match self.field(DispositionFieldName::FinalRecipient) {
            Some(DispositionField::FinalRecipient(recipient)) => Some(recipient),
            _ => None,
        }
    }

    /// The message that it is about; `None` also where the first such field is malformed.
    pub fn original_message_id(&self) -> Option<MessageId<'a>> {
        match self.field(DispositionFieldName::OriginalMessageId) {
            Some(DispositionField::OriginalMessageId(id)) => Some(id),
            _ => None,
        }
    }
}

/// The program that made the notification.
///
/// ```text
/// reporting-ua = OWS ua-name OWS [ ";" OWS ua-product OWS ]       ; RFC 8098 3.2.1
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReportingUa<'a> {
    name: &'a [u8],
    product: Option<&'a [u8]>,
}

impl<'a> ReportingUa<'a> {
    /// Reads a value.
    ///
    /// # Errors
    /// Octets above 127 that are not UTF-8.
    pub fn parse(value: &'a [u8]) -> Result<Self, ReportError> {
        valid_utf8(value, 0).map_err(|error| error.map(ReportErrorKind::Lexical))?;
        let mut cursor = Cursor::new(value);
        let (name, _) = trim(cursor.take_while(|byte| byte != b';'));
        let product = cursor.skip_byte(b';').then(|| trim(cursor.rest()).0);
        Ok(Self { name, product })
    }

    /// Which copy of the program: often the name of its host; folding is kept.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Which program, and its version; folding is kept.
    pub const fn product(&self) -> Option<&'a [u8]> {
        self.product
    }
}

/// What was done with a message, and who did it.
///
/// ```text
/// disposition      = disposition-mode OWS ";" OWS disposition-type
///                    [ OWS "/" OWS disposition-modifier *( OWS "," OWS disposition-modifier ) ] OWS
/// disposition-mode = action-mode OWS "/" OWS sending-mode         ; RFC 8098 3.2.6
/// action-mode      = "manual-action" / "automatic-action"
/// sending-mode     = "MDN-sent-manually" / "MDN-sent-automatically"
/// disposition-type = "displayed" / "deleted" / "dispatched" / "processed"
/// disposition-modifier = "error" / atom
/// OWS              = [CFWS]
/// ```
///
/// Any token is taken for a type: RFC 3798 had more of them.
#[derive(Clone, Copy, Debug)]
pub struct Disposition<'a> {
    value: &'a [u8],
    manual_action: bool,
    sent_manually: bool,
    done: &'a [u8],
    /// From the first modifier on.
    modifiers: Cursor<'a>,
}

impl<'a> Disposition<'a> {
    /// Reads the value of a Disposition field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ReportError> {
        let mut cursor = Cursor::new(value);
        let manual_action = take_mode(&mut cursor, b"manual-action", b"automatic-action")?;
        if !cursor.skip_byte(b'/') {
            return error(ReportErrorKind::BadMode, &cursor);
        }
        let sent_manually =
            take_mode(&mut cursor, b"MDN-sent-manually", b"MDN-sent-automatically")?;
        if !cursor.skip_byte(b';') {
            return error(ReportErrorKind::NoSemicolon, &cursor);
        }
        gap(&mut cursor)?;
        let done = take_token(&mut cursor)?;
        gap(&mut cursor)?;
        let mut modifiers = Cursor::new(&[]);
        if cursor.skip_byte(b'/') {
            modifiers = cursor;
            take_modifier(&mut cursor)?;
            while cursor.skip_byte(b',') {
                take_modifier(&mut cursor)?;
            }
        }
        super::at_end(&mut cursor)?;
        Ok(Self {
            value,
            manual_action,
            sent_manually,
            done,
            modifiers,
        })
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// Whether a person did it, rather than a program.
    pub const fn is_manual_action(&self) -> bool {
        self.manual_action
    }

    /// Whether a person had the notification sent, rather than a program.
    pub const fn is_sent_manually(&self) -> bool {
        self.sent_manually
    }

    /// What was done, as written: `displayed`. Compare without ASCII case.
    pub const fn disposition_type(&self) -> &'a [u8] {
        self.done
    }

    /// Whether this was done, without regard to ASCII case.
    pub fn is_type(&self, disposition_type: &[u8]) -> bool {
        self.done.eq_ignore_ascii_case(disposition_type)
    }

    /// The modifiers, as written: `error`. Compare without ASCII case.
    pub fn modifiers(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let mut cursor = self.modifiers;
        core::iter::from_fn(move || {
            let modifier = take_modifier(&mut cursor).ok()?;
            cursor.skip_byte(b',');
            Some(modifier)
        })
    }
}

/// Without comments.
impl Emit for Disposition<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let mode = Mode {
            manual_action: self.manual_action,
            sent_manually: self.sent_manually,
        };
        mode.emit(sink)?;
        sink.put(b"; ")?;
        sink.put(self.done)?;
        for (index, modifier) in self.modifiers().enumerate() {
            sink.put_byte(if index > 0 { b',' } else { b'/' })?;
            sink.put(modifier)?;
        }
        Ok(())
    }
}

impl fmt::Display for Disposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Who acted, and who had the notification sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Whether a person acted, rather than a program.
    pub manual_action: bool,
    /// Whether a person had the notification sent, rather than a program.
    pub sent_manually: bool,
}

impl Emit for Mode {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(if self.manual_action {
            b"manual-action/"
        } else {
            b"automatic-action/"
        })?;
        sink.put(if self.sent_manually {
            b"MDN-sent-manually"
        } else {
            b"MDN-sent-automatically"
        })
    }
}

/// Takes one of two words with what stands around it; says whether it is the first.
fn take_mode(
    cursor: &mut Cursor<'_>,
    manual: &[u8],
    automatic: &[u8],
) -> Result<bool, ReportError> {
    gap(cursor)?;
    let start = *cursor;
    cursor.take_while(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let word = since(start, cursor);
    let is_manual = word.eq_ignore_ascii_case(manual);
    if !is_manual && !word.eq_ignore_ascii_case(automatic) {
        return error(ReportErrorKind::BadMode, &start);
    }
    gap(cursor)?;
    Ok(is_manual)
}

/// Takes a modifier with what stands around it.
fn take_modifier<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ReportError> {
    gap(cursor)?;
    let modifier = take_token(cursor)?;
    gap(cursor)?;
    Ok(modifier)
}
