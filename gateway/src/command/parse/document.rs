//! What `scop parse` says of a message, for text and JSON alike.

use std::fmt::Write as _;

use scop_core::{Full, Sink};
use scop_mime_core::header::encoded_word::EncodedWordErrorKind;
use scop_mime_core::header::parameter::{Parameter, ParameterTextError};
use scop_mime_core::header::typed::Grammar;
use scop_mime_core::{
    Address, AddressList, ContentDisposition, ContentType, DecodedText, Encoding, Field,
    HeaderBlock, Kind, Mailbox, Message, Typed, Unstructured,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::inspect::{Broken, Findings, LineEnds};

/// The version of the JSON document, raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// What is said of a message.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    format: &'static str,
    version: u32,
    /// In octets.
    size: usize,
    /// Whether two reasonable readers may see different content.
    pub(crate) ambiguous: bool,
    pub(crate) line_ends: LineEnds,
    /// The message first, then its parts in order.
    pub(crate) parts: Vec<Part>,
    /// What could not be decoded though no rule is broken.
    pub(crate) notes: Vec<Note>,
    /// By the byte at which they stand.
    pub(crate) defects: Vec<Broken>,
    /// How many more defects there are.
    pub(crate) defects_omitted: u64,
}

/// Something that is no defect of the message.
#[derive(Debug, Serialize)]
pub(crate) struct Note {
    pub(crate) offset: u64,
    pub(crate) text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Part {
    /// Empty for the message.
    pub(crate) path: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) kind: &'static str,
    pub(crate) encoding: &'static str,
    /// The octet of the message at which its header begins.
    pub(crate) offset: u64,
    /// Of its body, encoded.
    pub(crate) size: usize,
    /// Of a leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decoded_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filename: Option<String>,
    pub(crate) fields: Vec<OneField>,
}

#[derive(Debug, Serialize)]
pub(crate) struct OneField {
    /// Empty where there is no field but other text.
    pub(crate) name: String,
    /// The octet of the message at which it begins.
    pub(crate) offset: u64,
    /// Of all of it, with its line end.
    pub(crate) size: usize,
    /// Text decoded; other values as written, without folds.
    pub(crate) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) addresses: Option<Vec<OneAddress>>,
    /// Which rule the value breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// What stands between two commas.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum OneAddress {
    Group {
        group: String,
        members: Vec<OneMailbox>,
    },
    Mailbox(OneMailbox),
}

#[derive(Debug, Serialize)]
pub(crate) struct OneMailbox {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) address: String,
}

impl Document {
    pub(crate) fn new(bytes: &[u8], findings: Findings) -> Self {
        let index = Message::index(bytes);
        let mut path: Vec<usize> = Vec::new();
        let mut parts = Vec::new();
        let mut notes = Vec::new();
        let mut ends = findings.ends.iter().copied();
        for part in index.parts() {
            let entity = part.entity();
            path.truncate(entity.depth.saturating_sub(1));
            if entity.depth > 0 {
                path.push(entity.number);
            }
            let begin = usize::try_from(entity.offset).unwrap_or(usize::MAX);
            let body_start = begin
                .saturating_add(part.header().as_bytes().len())
                .saturating_add(part.separator().len());
            let end = ends.next().unwrap_or(body_start);
            let mut hash = Hash::default();
            let is_leaf = matches!(part.content().kind, Kind::Leaf | Kind::EncodedMessage);
            // A hash is never full.
            let _ = part.decode(&mut hash);
            let content_type = part.content_type();
            parts.push(Part {
                path: dotted(&path),
                type_name: format!(
                    "{}/{}",
                    String::from_utf8_lossy(content_type.type_name()),
                    String::from_utf8_lossy(content_type.subtype())
                )
                .to_ascii_lowercase(),
                kind: match part.content().kind {
                    Kind::Leaf => "leaf",
                    Kind::EncodedMessage => "encoded message",
                    Kind::Message => "message",
                    Kind::Multipart => "multipart",
                    _ => "other",
                },
                encoding: name_of(part.content().encoding),
                offset: entity.offset,
                size: end.saturating_sub(body_start),
                decoded_size: is_leaf.then_some(hash.len),
                sha256: is_leaf.then(|| hash.finish()),
                filename: filename(&part.header(), content_type.parameters().get(b"name")),
                fields: part
                    .header()
                    .fields()
                    .map(|field| OneField::new(&field, entity.offset, &mut notes))
                    .collect(),
            });
        }
        Self {
            format: "scop-parse",
            version: VERSION,
            size: bytes.len(),
            ambiguous: findings.ambiguous,
            line_ends: findings.line_ends,
            parts,
            notes,
            defects: findings.broken,
            defects_omitted: findings.omitted,
        }
    }
}

pub(crate) fn dotted(path: &[usize]) -> String {
    let numbers: Vec<String> = path.iter().map(usize::to_string).collect();
    numbers.join(".")
}

fn name_of(encoding: Encoding) -> &'static str {
    encoding.name().unwrap_or("unknown")
}

/// What Content-Disposition calls the file, else what Content-Type does.
fn filename(header: &HeaderBlock<'_>, name: Option<Parameter<'_>>) -> Option<String> {
    let disposition = header
        .fields()
        .find(|field| field.is(b"Content-Disposition"))
        .and_then(|field| ContentDisposition::recover(field.value()).0);
    disposition
        .and_then(|disposition| disposition.filename())
        .or(name)
        .map(|name| name.value().to_string())
}

impl OneField {
    fn new(field: &Field<'_>, base: u64, notes: &mut Vec<Note>) -> Self {
        let offset = base.saturating_add(wide(field.offset()));
        let mut unknown = Unknown {
            base: offset.saturating_add(wide(field.value_start())),
            field: field.name(),
            value: field.value(),
            notes,
        };
        let is_text = field
            .known()
            .is_none_or(|name| name.grammar() == Grammar::Unstructured);
        let value = if is_text {
            unknown.decoded(Unstructured::new(field.value()).text(), 0)
        } else {
            unfolded(field.value())
        };
        unknown.filename();
        let typed = field.typed();
        Self {
            name: String::from_utf8_lossy(field.name()).into_owned(),
            offset,
            size: field.raw().len(),
            value,
            addresses: addresses(&typed, &mut unknown),
            error: match typed {
                Typed::NotAField { defect, .. } => Some(defect.to_string()),
                _ => typed.error().map(|error| error.to_string()),
            },
        }
    }
}

/// Notes what is written in a charset that is not known.
struct Unknown<'a, 'n> {
    /// The byte of the message at which the value begins.
    base: u64,
    field: &'a [u8],
    value: &'a [u8],
    notes: &'n mut Vec<Note>,
}

impl Unknown<'_, '_> {
    /// The text of what begins at byte `at` of the value.
    fn decoded(&mut self, text: DecodedText<'_>, at: usize) -> String {
        let bad = text.encoded_word_defects().bad;
        if let Some(bad) = bad.filter(|bad| bad.kind() == EncodedWordErrorKind::UnknownCharset) {
            // The byte is that of the name of the charset.
            let at = at.saturating_add(bad.offset());
            let label = self.value.get(at..).unwrap_or_default();
            let label = label.split(|byte| b"?*".contains(byte)).next();
            self.note(
                at,
                label.unwrap_or_default(),
                "the encoded word stays as written",
            );
        }
        text.to_string()
    }

    /// Looks at the name of a file, if the field has one.
    fn filename(&mut self) {
        let name = if self.field.eq_ignore_ascii_case(b"Content-Disposition") {
            ContentDisposition::recover(self.value)
                .0
                .and_then(|disposition| disposition.filename())
        } else if self.field.eq_ignore_ascii_case(b"Content-Type") {
            ContentType::recover(self.value)
                .0
                .and_then(|content| content.parameters().get(b"name"))
        } else {
            None
        };
        if let Some(name) = name
            && let Some(label) = name.charset()
            && name.value().error() == Some(ParameterTextError::UnknownCharset)
        {
            let why = "in the name of the file U+FFFD stands for what is not ASCII";
            self.note(name.first().offset(), label, why);
        }
    }

    fn note(&mut self, at: usize, label: &[u8], what: &str) {
        let label = String::from_utf8_lossy(label);
        let field = String::from_utf8_lossy(self.field);
        self.notes.push(Note {
            offset: self.base.saturating_add(wide(at)),
            text: format!("the charset {label} in {field} is not known: {what}"),
        });
    }
}

fn wide(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

/// As written, on one line.
fn unfolded(value: &[u8]) -> String {
    let text: Vec<u8> = value
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    String::from_utf8_lossy(text.trim_ascii()).into_owned()
}

/// The addresses of a field that has such.
fn addresses(typed: &Typed<'_>, unknown: &mut Unknown<'_, '_>) -> Option<Vec<OneAddress>> {
    let list: AddressList<'_> = match *typed {
        Typed::From(list)
        | Typed::ReplyTo(list)
        | Typed::To(list)
        | Typed::Cc(list)
        | Typed::Bcc(Some(list))
        | Typed::ResentFrom(list)
        | Typed::ResentReplyTo(list)
        | Typed::ResentTo(list)
        | Typed::ResentCc(list)
        | Typed::ResentBcc(Some(list)) => list,
        Typed::Sender(address) | Typed::ResentSender(address) => {
            return Some(vec![OneAddress::new(address, unknown)]);
        }
        _ => return None,
    };
    Some(
        list.iter()
            .map(|address| OneAddress::new(address, unknown))
            .collect(),
    )
}

impl OneAddress {
    fn new(address: Address<'_>, unknown: &mut Unknown<'_, '_>) -> Self {
        match address {
            Address::Mailbox(mailbox) => Self::Mailbox(OneMailbox::new(&mailbox, unknown)),
            Address::Group(group) => Self::Group {
                group: unknown.decoded(group.name().decoded(), group.name().offset()),
                members: group
                    .mailboxes()
                    .map(|mailbox| OneMailbox::new(&mailbox, unknown))
                    .collect(),
            },
        }
    }
}

impl OneMailbox {
    fn new(mailbox: &Mailbox<'_>, unknown: &mut Unknown<'_, '_>) -> Self {
        Self {
            name: mailbox
                .display_name()
                .map(|name| unknown.decoded(name.decoded(), name.offset())),
            address: mailbox.addr_spec().to_string(),
        }
    }
}

/// Counts and hashes.
#[derive(Default)]
struct Hash {
    hash: Sha256,
    len: u64,
}

impl Sink for Hash {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.hash.update(bytes);
        self.len = self
            .len
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

impl Hash {
    fn finish(self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.hash.finalize() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
