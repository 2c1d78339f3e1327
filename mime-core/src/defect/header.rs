//! What is wrong with one header: fields that are none, fields that stand too often or not at all, and
//! values.

use super::DefectKind;
use super::lines::wide;
use crate::coding::encoding::{Encoding, EncodingErrorKind};
use crate::header::address::{Address, AddressList, AddressQuirk, Mailbox};
use crate::header::content::content_type::ContentType;
use crate::header::content::disposition::ContentDisposition;
use crate::header::content::mime_version::MimeVersion;
use crate::header::encoded_word::{DecodedText, EncodedWordErrorKind};
use crate::header::lexical::is_wsp;
use crate::header::scan::{Field, FieldDefect};
use crate::header::typed::{FieldName, Typed};
use crate::limits::Limits;

/// Whoever is told of a defect, and at which byte of the input it stands.
pub(super) type Found<'f> = &'f mut dyn FnMut(DefectKind, u64);

/// The header that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    place: Place,
    /// The byte of the input at which it begins.
    start: u64,
    fields: usize,
    len: usize,
    /// Whether [`DefectKind::HeaderLimit`] was said.
    limit_said: bool,
    /// One bit for each [`FieldName`].
    seen: u64,
}

/// Whose header it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The message's own.
    Message,
    /// That of a message in it (RFC 2046 5.2.1).
    Nested,
    /// That of a part.
    Part,
}

/// One word holds all names.
const _: () = assert!(FieldName::ALL.len() <= 64);

impl Header {
    pub(super) const fn new(place: Place, start: u64) -> Self {
        Self {
            place,
            start,
            fields: 0,
            len: 0,
            limit_said: false,
            seen: 0,
        }
    }

    pub(super) fn field(&mut self, field: &Field<'_>, limits: &Limits, found: Found<'_>) {
        let start = self.start.saturating_add(wide(field.offset()));
        if self.fields == limits.fields {
            found(DefectKind::FieldsLimit, start);
        }
        self.fields = self.fields.saturating_add(1);
        self.len = self.len.saturating_add(field.raw().len());
        self.check_len(limits, found);
        let mut is_mbox_line = false;
        for defect in field.defects() {
            if defect == FieldDefect::MboxLine {
                // An mbox has such a line before a message, never before a part.
                if start != 0 {
                    continue;
                }
                is_mbox_line = true;
            }
            let is_said =
                is_mbox_line && matches!(defect, FieldDefect::NoColon | FieldDefect::BadName);
            if let Some(kind) = of_field(defect)
                && !is_said
            {
                found(kind, start);
            }
        }
        if let Some(name) = field.known() {
            if self.has(name) && name.occurs().is_singleton() {
                found(duplicate(name), start);
            }
            self.seen |= bit(name);
        }
        let value = start.saturating_add(wide(field.value_start()));
        field_value(field, limits, &mut |kind, offset| {
            found(kind, value.saturating_add(wide(offset)));
        });
    }

    /// A piece of a field that is too long to be read.
    pub(super) const fn long_field(&mut self, bytes: &[u8]) {
        // Nothing is said before the field is over, so that it does not matter how it was cut.
        self.len = self.len.saturating_add(bytes.len());
    }

    /// The header is over.
    pub(super) fn end(&mut self, limits: &Limits, found: Found<'_>) {
        self.check_len(limits, found);
        match self.place {
            Place::Message => {
                let needed = FieldName::ALL
                    .iter()
                    .filter(|name| name.occurs().is_required());
                for _ in needed.filter(|name| !self.has(**name)) {
                    found(DefectKind::MissingField, self.start);
                }
            }
            // One of the three is enough.
            Place::Nested => {
                let mut names = [FieldName::From, FieldName::Subject, FieldName::Date].into_iter();
                if !names.any(|name| self.has(name)) {
                    found(DefectKind::MissingField, self.start);
                }
            }
            Place::Part => {}
        }
        let mime = [
            FieldName::ContentType,
            FieldName::ContentTransferEncoding,
            FieldName::ContentDisposition,
        ];
        let has_mime = mime.into_iter().any(|name| self.has(name));
        if self.place != Place::Part && has_mime && !self.has(FieldName::MimeVersion) {
            found(DefectKind::MissingMimeVersion, self.start);
        }
    }

    const fn has(&self, name: FieldName) -> bool {
        self.seen & bit(name) != 0
    }

    /// Says where the first byte beyond the limit stands.
    fn check_len(&mut self, limits: &Limits, found: Found<'_>) {
        if self.len > limits.header && !self.limit_said {
            self.limit_said = true;
            let at = self.start.saturating_add(wide(limits.header));
            found(DefectKind::HeaderLimit, at);
        }
    }
}

const fn bit(name: FieldName) -> u64 {
    1 << name as u8
}

/// What a defect of a field is called; none for those that are looked for in all octets.
const fn of_field(defect: FieldDefect) -> Option<DefectKind> {
    Some(match defect {
        FieldDefect::NothingToContinue => DefectKind::NothingToContinue,
        FieldDefect::MboxLine => DefectKind::MboxLine,
        FieldDefect::NoColon => DefectKind::NoColon,
        FieldDefect::BadName => DefectKind::BadFieldName,
        FieldDefect::Control => DefectKind::Control,
        FieldDefect::NotUtf8 => DefectKind::NotUtf8,
        FieldDefect::SpaceBeforeColon => DefectKind::SpaceBeforeColon,
        FieldDefect::BlankLine => DefectKind::BlankHeaderLine,
        FieldDefect::Nul | FieldDefect::BareCr | FieldDefect::LineTooLong => return None,
    })
}

const fn duplicate(name: FieldName) -> DefectKind {
    match name {
        FieldName::ContentType => DefectKind::DuplicateContentType,
        FieldName::ContentTransferEncoding => DefectKind::DuplicateTransferEncoding,
        _ => DefectKind::DuplicateField,
    }
}

fn transfer_encoding(value: &[u8], found: &mut dyn FnMut(DefectKind, usize)) {
    let (encoding, odd) = Encoding::recover(value);
    match odd {
        Some(odd) if odd.kind() == EncodingErrorKind::Comment => {
            found(DefectKind::CommentInContent, odd.offset());
        }
        Some(odd) => found(DefectKind::UnknownTransferEncoding, odd.offset()),
        None => {
            // One that is folded, or has white space behind it, some do not know again.
            let start = value.iter().take_while(|&&byte| is_wsp(byte)).count();
            let token = value.get(start..).unwrap_or_default();
            if let Some(space) = token.iter().position(|byte| b" \t\r\n".contains(byte)) {
                found(DefectKind::UnusualContent, start.saturating_add(space));
            }
        }
    }
    if encoding == Encoding::Unknown && odd.is_none() {
        found(DefectKind::UnknownTransferEncoding, 0);
    }
}

fn addresses(list: AddressList<'_>, found: &mut dyn FnMut(DefectKind, usize)) {
    for address in list.iter() {
        if let Address::Group(group) = address {
            words(group.name().decoded(), group.name().offset(), found);
        }
    }
    for mailbox in list.mailboxes() {
        if is_misleading(&mailbox) {
            found(DefectKind::AmbiguousAddress, mailbox.offset());
        }
        if let Some(name) = mailbox.display_name() {
            words(name.decoded(), name.offset(), found);
        }
    }
}

/// Whether two readers may see two addresses. A quoted local part alone does not do it: only what some
/// take for the end of the address does.
fn is_misleading(mailbox: &Mailbox<'_>) -> bool {
    mailbox.quirks().any(|quirk| match quirk {
        AddressQuirk::QuotedLocalPart => mailbox
            .addr_spec()
            .local_part()
            .text()
            .any(|byte| matches!(byte, b'@' | b'<' | b'>' | b',' | b';' | b':')),
        quirk => quirk.is_ambiguous(),
    })
}

/// The encoded words of a text. One in a charset that this build does not know is no defect of the message.
fn words(text: DecodedText<'_>, base: usize, found: &mut dyn FnMut(DefectKind, usize)) {
    let defects = text.encoded_word_defects();
    if let Some(bad) = defects.bad
        && bad.kind() != EncodedWordErrorKind::UnknownCharset
    {
        let at = base.saturating_add(bad.offset());
        found(DefectKind::BadEncodedWord, at);
    }
    if let Some(misplaced) = defects.misplaced {
        let at = base.saturating_add(misplaced.offset());
        found(DefectKind::MisplacedEncodedWord, at);
    }
    if let Some(loose) = defects.loose {
        found(
            DefectKind::BadEncodedWord,
            base.saturating_add(loose.offset()),
        );
    }
}

/// The types of message/* that readers treat alike: those that they open, and those that are reports.
const USUAL_MESSAGES: [&[u8]; 9] = [
    b"rfc822",                          // RFC 2046 5.2.1
    b"global",                          // RFC 6532 3.7
    b"delivery-status",                 // RFC 3464
    b"global-delivery-status",          // RFC 6533
    b"disposition-notification",        // RFC 8098
    b"global-disposition-notification", // RFC 6533
    b"global-headers",                  // RFC 6533
    b"feedback-report",                 // RFC 5965
    b"tracking-status",                 // RFC 3886
];

fn is_unusual_message(content: &ContentType<'_>) -> bool {
    let is_usual = |name: &&[u8]| content.subtype().eq_ignore_ascii_case(name);
    content.is_type(b"message") && !USUAL_MESSAGES.iter().any(is_usual)
}

/// Tells what is wrong with the value of `field`; offsets count from the value.
fn field_value(field: &Field<'_>, limits: &Limits, found: &mut dyn FnMut(DefectKind, usize)) {
    match field.known() {
        // The first one counts; a second one is a defect whatever it says.
        Some(FieldName::ContentType) => {
            for (kind, offset) in ContentType::defects(field.value(), limits) {
                found(kind, offset);
            }
            let (content, _) = ContentType::recover_within(field.value(), limits);
            if content.is_some_and(|content| is_unusual_message(&content)) {
                found(DefectKind::UnusualMessage, 0);
            }
            return;
        }
        Some(FieldName::ContentDisposition) => {
            for (kind, offset) in ContentDisposition::defects(field.value(), limits) {
                found(kind, offset);
            }
            return;
        }
        Some(FieldName::ContentTransferEncoding) => {
            transfer_encoding(field.value(), found);
            return;
        }
        _ => {}
    }
    match field.typed() {
        Typed::Malformed { field, error, .. } => {
            let kind = match field {
                FieldName::From => DefectKind::AmbiguousAuthor,
                _ => DefectKind::BadValue,
            };
            found(kind, error.offset());
        }
        Typed::From(list) => {
            if list.mailboxes().take(2).count() != 1 {
                found(DefectKind::AmbiguousAuthor, 0);
            }
            addresses(list, found);
        }
        Typed::To(list)
        | Typed::Cc(list)
        | Typed::ReplyTo(list)
        | Typed::ResentFrom(list)
        | Typed::ResentTo(list)
        | Typed::ResentCc(list)
        | Typed::ResentReplyTo(list)
        | Typed::DispositionNotificationTo(list)
        | Typed::Bcc(Some(list))
        | Typed::ResentBcc(Some(list)) => addresses(list, found),
        Typed::Sender(_) | Typed::ResentSender(_) => {
            if let Ok(list) = AddressList::parse(field.value()) {
                addresses(list, found);
            }
        }
        Typed::MimeVersion(version) if version != MimeVersion::ONE => {
            found(DefectKind::MissingMimeVersion, 0);
        }
        Typed::Keywords(keywords) => {
            for phrase in keywords.iter() {
                words(phrase.decoded(), phrase.offset(), found);
            }
        }
        Typed::Subject(text)
        | Typed::Comments(text)
        | Typed::ContentDescription(text)
        | Typed::Unstructured(text) => words(text.text(), 0, found),
        _ => {}
    }
}
