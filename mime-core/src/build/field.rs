//! The header fields of a draft and their values.

use scop_core::{Emit, Sink};

use super::Options;
use super::Transport;
use super::error::{BuildErrorKind, Fault};
use crate::header::address::{AddressQuirk, Mailbox as ReadMailbox};
use crate::header::date::DateTime;
use crate::header::encoded_word::{emit_phrase, emit_unstructured};
use crate::header::lexical::is_dot_atom;
use crate::header::list::{MAX_LIST_ID, is_list_id};
use crate::header::typed::{FieldName, Grammar, Typed};

/// One mailbox: what [`crate::Mailbox`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox<'a> {
    name: &'a str,
    address: &'a str,
}

impl<'a> Mailbox<'a> {
    /// A display name, or `""` for none, and an address: `local@domain`, where the local part may be a
    /// quoted string.
    pub const fn new(name: &'a str, address: &'a str) -> Self {
        Self { name, address }
    }
}

/// A mailbox or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// One mailbox.
    Mailbox(Mailbox<'a>),
    /// A name for zero or more mailboxes (RFC 5322 3.4).
    Group(&'a str, &'a [Mailbox<'a>]),
}

impl<'a> Address<'a> {
    /// A mailbox: a display name, or `""` for none, and an address.
    pub const fn new(name: &'a str, address: &'a str) -> Self {
        Self::Mailbox(Mailbox::new(name, address))
    }
}

/// One header field of a draft.
///
/// A field with a known name must have the value that its grammar asks for.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub(super) name: &'a str,
    value: Value<'a>,
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Text, with encoded words where it needs them.
    Text(&'a str),
    /// What the grammar of the field asks for, as it is. It is read back when the field has a known
    /// name; else it is only free of control characters.
    Structured(&'a str),
    /// One mailbox.
    Mailbox(Mailbox<'a>),
    /// Mailboxes and groups, one at least.
    Addresses(&'a [Address<'a>]),
    /// An identifier `left@right`, without angle brackets.
    Id(&'a str),
    /// Identifiers `left@right`, without angle brackets, one at least.
    Ids(&'a [&'a str]),
    /// A date.
    Date(DateTime),
    /// URIs, without angle brackets, one at least.
    Uris(&'a [&'a str]),
    /// A name, or `""` for none, and a list identifier without angle brackets (RFC 2919 3).
    ListId(&'a str, &'a str),
}

impl<'a> Field<'a> {
    /// A field of any name.
    pub const fn new(name: &'a str, value: Value<'a>) -> Self {
        Self { name, value }
    }

    /// The mailbox that sends for the author.
    pub const fn sender(mailbox: Mailbox<'a>) -> Self {
        Self::new("Sender", Value::Mailbox(mailbox))
    }

    /// Where answers go.
    pub const fn reply_to(addresses: &'a [Address<'a>]) -> Self {
        Self::new("Reply-To", Value::Addresses(addresses))
    }

    /// Who it is for.
    pub const fn to(addresses: &'a [Address<'a>]) -> Self {
        Self::new("To", Value::Addresses(addresses))
    }

    /// Who gets a copy.
    pub const fn cc(addresses: &'a [Address<'a>]) -> Self {
        Self::new("Cc", Value::Addresses(addresses))
    }

    /// Who gets a copy unseen. All who get these bytes see it.
    pub const fn bcc(addresses: &'a [Address<'a>]) -> Self {
        Self::new("Bcc", Value::Addresses(addresses))
    }

    /// What it is about.
    pub const fn subject(text: &'a str) -> Self {
        Self::new("Subject", Value::Text(text))
    }

    /// The identifier of the message, `left@right`.
    pub const fn message_id(id: &'a str) -> Self {
        Self::new("Message-ID", Value::Id(id))
    }

    /// The messages that it answers.
    pub const fn in_reply_to(ids: &'a [&'a str]) -> Self {
        Self::new("In-Reply-To", Value::Ids(ids))
    }

    /// The messages before it.
    pub const fn references(ids: &'a [&'a str]) -> Self {
        Self::new("References", Value::Ids(ids))
    }

    /// The mailing list that it comes from: a name and an identifier (RFC 2919).
    pub const fn list_id(name: &'a str, id: &'a str) -> Self {
        Self::new("List-Id", Value::ListId(name, id))
    }

    /// How to leave the list (RFC 2369 3.2).
    pub const fn list_unsubscribe(uris: &'a [&'a str]) -> Self {
        Self::new("List-Unsubscribe", Value::Uris(uris))
    }

    /// That the first `https` URI of List-Unsubscribe needs no page and no question (RFC 8058).
    pub const fn list_unsubscribe_post() -> Self {
        let value = Value::Structured("List-Unsubscribe=One-Click");
        Self::new("List-Unsubscribe-Post", value)
    }

    /// That no person wrote it: `auto-generated`, `auto-replied` (RFC 3834 5).
    pub const fn auto_submitted(keyword: &'a str) -> Self {
        Self::new("Auto-Submitted", Value::Structured(keyword))
    }

    /// Whether the field may stand in this place, and its value in it.
    pub(super) fn check(&self, before: &[Self]) -> Result<(), Fault> {
        let name = self.name.as_bytes();
        let ftext = |byte: &u8| (33..=126).contains(byte) && *byte != b':';
        if name.is_empty() || !name.iter().all(ftext) || name.starts_with(b"--") {
            let at = name.iter().position(|byte| !ftext(byte)).unwrap_or(0);
            return Err(Fault::new(BuildErrorKind::BadName, at));
        }
        let own = name
            .get(..CONTENT.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(CONTENT));
        let own = own || OWN_NAMES.iter().any(|own| own.eq_ignore_ascii_case(name));
        if own {
            return Err(Fault::new(BuildErrorKind::ReservedName, 0));
        }
        let Some(known) = FieldName::of(name) else {
            return Ok(());
        };
        let same = |field: &Self| field.name.as_bytes().eq_ignore_ascii_case(name);
        if known.occurs().is_singleton() && before.iter().any(same) {
            return Err(Fault::new(BuildErrorKind::DuplicateField, 0));
        }
        let fits = match (self.value, known.grammar()) {
            (Value::Structured(value), _) => {
                return match known.read(value.as_bytes()) {
                    Typed::Malformed { error, .. } => {
                        Err(Fault::new(BuildErrorKind::BadValue, error.offset()))
                    }
                    _ => Ok(()),
                };
            }
            (Value::Mailbox(_), grammar) => grammar == Grammar::Address,
            (Value::Id(_), grammar) => grammar == Grammar::MessageId,
            (Value::Text(_), grammar) => grammar == Grammar::Unstructured,
            (Value::Addresses(_), grammar) => {
                matches!(grammar, Grammar::AddressList | Grammar::AddressListOrNone)
            }
            (Value::Ids(_), grammar) => grammar == Grammar::MessageIds,
            (Value::Date(_), grammar) => grammar == Grammar::Date,
            (Value::Uris(_), grammar) => matches!(grammar, Grammar::ListUrls | Grammar::ListPost),
            (Value::ListId(..), grammar) => grammar == Grammar::ListId,
        };
        if fits {
            Ok(())
        } else {
            Err(Fault::new(BuildErrorKind::BadValue, 0))
        }
    }

    /// Writes what stands behind the colon.
    pub(super) fn emit<S: Sink + ?Sized>(
        &self,
        options: &Options,
        sink: &mut S,
    ) -> Result<(), Fault> {
        match self.value {
            // An empty value, without a space at the end of the line.
            Value::Text("") => return Ok(()),
            Value::Text(text) => {
                sink.put(b" ")?;
                emit_unstructured(text, options.utf8(), sink)?;
            }
            Value::Structured(value) => {
                check_text(value, options)?;
                if value.trim_ascii().len() != value.len() || value.is_empty() {
                    return Err(Fault::new(BuildErrorKind::BadValue, 0));
                }
                sink.put(b" ")?;
                sink.put(value.as_bytes())?;
            }
            Value::Addresses(list) => emit_list(list, b", ", sink, |address, sink| {
                emit_address(address, options, sink)
            })?,
            Value::Mailbox(mailbox) => {
                sink.put(b" ")?;
                emit_mailbox(mailbox, options, sink)?;
            }
            Value::Id(id) => {
                sink.put(b" ")?;
                emit_id(id, options, sink)?;
            }
            Value::Ids(list) => emit_list(list, b" ", sink, |id, sink| emit_id(id, options, sink))?,
            Value::Date(date) => {
                sink.put(b" ")?;
                date.emit(sink)?;
            }
            Value::Uris(list) => emit_list(list, b", ", sink, |uri, sink| emit_uri(uri, sink))?,
            Value::ListId(name, id) => {
                check_text(id, options)?;
                // A label and a namespace (RFC 2919 2).
                if !is_list_id(id.as_bytes()) || id.len() > MAX_LIST_ID {
                    return Err(Fault::new(BuildErrorKind::BadValue, 0));
                }
                sink.put(b" ")?;
                if !name.is_empty() {
                    emit_phrase(name, options.utf8(), sink)?;
                    sink.put(b" ")?;
                }
                emit_angle(id, sink)?;
            }
        }
        Ok(())
    }
}

/// What the writer of messages writes itself.
const OWN_NAMES: [&[u8]; 3] = [b"Date", b"From", b"MIME-Version"];
const CONTENT: &[u8] = b"Content-";

/// Writes a list that is not empty.
fn emit_list<T, S: Sink + ?Sized>(
    list: &[T],
    separator: &[u8],
    sink: &mut S,
    mut emit: impl FnMut(&T, &mut S) -> Result<(), Fault>,
) -> Result<(), Fault> {
    if list.is_empty() {
        return Err(Fault::new(BuildErrorKind::BadValue, 0));
    }
    for (index, item) in list.iter().enumerate() {
        sink.put(if index == 0 { b" " } else { separator })?;
        emit(item, sink)?;
    }
    Ok(())
}

fn emit_address<S: Sink + ?Sized>(
    address: &Address<'_>,
    options: &Options,
    sink: &mut S,
) -> Result<(), Fault> {
    match *address {
        Address::Mailbox(mailbox) => emit_mailbox(mailbox, options, sink),
        Address::Group(name, members) => {
            emit_phrase(name, options.utf8(), sink)?;
            sink.put(b":")?;
            for (index, member) in members.iter().enumerate() {
                sink.put(if index == 0 { b" " } else { b", " })?;
                emit_mailbox(*member, options, sink)?;
            }
            Ok(sink.put(b";")?)
        }
    }
}

pub(super) fn emit_mailbox<S: Sink + ?Sized>(
    mailbox: Mailbox<'_>,
    options: &Options,
    sink: &mut S,
) -> Result<(), Fault> {
    if mailbox.name.is_empty() {
        return emit_addr_spec(mailbox.address, options, sink);
    }
    emit_phrase(mailbox.name, options.utf8(), sink)?;
    sink.put(b" <")?;
    emit_addr_spec(mailbox.address, options, sink)?;
    Ok(sink.put(b">")?)
}

/// Writes an address that nobody reads differently, but for a quoted local part, which has no other form.
fn emit_addr_spec<S: Sink + ?Sized>(
    address: &str,
    options: &Options,
    sink: &mut S,
) -> Result<(), Fault> {
    check_text(address, options)?;
    if is_plain_address(address) {
        return Ok(sink.put(address.as_bytes())?);
    }
    let mailbox = ReadMailbox::parse(address.as_bytes())
        .map_err(|error| Fault::new(BuildErrorKind::BadAddress(error.kind()), error.offset()))?;
    let (local, domain) = (
        mailbox.addr_spec().local_part(),
        mailbox.addr_spec().domain(),
    );
    let end = domain.offset().saturating_add(domain.raw().len());
    let misleads =
        |quirk: AddressQuirk| quirk.is_ambiguous() && quirk != AddressQuirk::QuotedLocalPart;
    // White space and backslashes in a domain literal would be lost (RFC 5321 4.1.3 allows neither).
    let loses = domain.raw().iter().any(|byte| matches!(byte, b' ' | b'\\'));
    if local.offset() > 0 || end < address.len() || loses || mailbox.quirks().any(misleads) {
        return Err(Fault::new(BuildErrorKind::AmbiguousAddress, 0));
    }
    Ok(mailbox.addr_spec().emit(sink)?)
}

/// Writes an identifier with its brackets.
pub(super) fn emit_id<S: Sink + ?Sized>(
    id: &str,
    options: &Options,
    sink: &mut S,
) -> Result<(), Fault> {
    check_text(id, options)?;
    if !is_plain_address(id) {
        return Err(Fault::new(BuildErrorKind::BadMessageId, 0));
    }
    Ok(emit_angle(id, sink)?)
}

/// ```text
/// URI = scheme ":" hier-part [ "?" query ] [ "#" fragment ]           ; RFC 3986 3
/// ```
///
/// A comma separates URIs (RFC 2369 2), and some readers look for no bracket before it.
fn emit_uri<S: Sink + ?Sized>(uri: &str, sink: &mut S) -> Result<(), Fault> {
    let is_uri = |byte: u8| matches!(byte, b'!'..=b'~') && !matches!(byte, b'<' | b'>' | b',');
    let scheme = uri.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if scheme == 0 || uri.as_bytes().get(scheme) != Some(&b':') {
        return Err(Fault::new(BuildErrorKind::BadUri, scheme));
    }
    if let Some(at) = uri.bytes().position(|byte| !is_uri(byte)) {
        return Err(Fault::new(BuildErrorKind::BadUri, at));
    }
    Ok(emit_angle(uri, sink)?)
}

fn emit_angle<S: Sink + ?Sized>(inner: &str, sink: &mut S) -> Result<(), scop_core::Full> {
    sink.put(b"<")?;
    sink.put(inner.as_bytes())?;
    sink.put(b">")
}

/// `dot-atom "@" dot-atom`, without what looks like an encoded word.
fn is_plain_address(address: &str) -> bool {
    let mut cursor = scop_core::Cursor::new(address.as_bytes());
    let local = cursor.take_while(|byte| byte != b'@');
    cursor.skip_byte(b'@')
        && is_dot_atom(local.iter().copied())
        && is_dot_atom(cursor.rest().iter().copied())
        && !address.as_bytes().windows(2).any(|pair| pair == b"=?")
}

/// Refuses control characters, also those beyond ASCII, and what the transport does not take.
pub(super) fn check_text(text: &str, options: &Options) -> Result<(), Fault> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    for (offset, character) in text.char_indices() {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            return Err(Fault::new(BuildErrorKind::Control, offset));
        }
        if !character.is_ascii() && options.transport < Transport::Utf8 {
            return Err(Fault::new(BuildErrorKind::NotAscii, offset));
        }
    }
    Ok(())
}
