//! `scop parse`: what a message is made of.

use std::fmt::Write as _;
use std::io::{Read, Write};

use scop_core::{Full, Sink};
use scop_mime_core::header::parameter::Parameter;
use scop_mime_core::header::typed::Grammar;
use scop_mime_core::{
    Address, AddressList, ContentDisposition, Defect, Encoding, Field, Kind, Mailbox, Message,
    Typed, Unstructured,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::cli::{Parse, PartPath};
use crate::error::Error;
use crate::message::{Source, reason};
use crate::report::json;
use crate::terminal::{Style, Tone, say, shown, shown_within};

mod inspect;

/// The message breaks a rule, and that was asked for.
const REFUSED: u8 = 1;

/// How many characters of a value are shown.
const WIDTH: usize = 100;

/// Writes what was asked for, and gives the exit code.
pub(crate) fn run(arguments: &Parse, out: &mut impl Write) -> Result<u8, Error> {
    let source = Source::from_argument(arguments.file.as_deref());
    let bytes = read(&source)?;
    let findings = inspect::inspect(&bytes);
    if let (true, Some(defect)) = (arguments.strict, findings.defects.first()) {
        say(format_args!("{source}: {defect}"));
        return Ok(REFUSED);
    }
    if let Some(path) = &arguments.part {
        write_part(&source, &bytes, path, out)?;
        return Ok(0);
    }
    let document = Document::new(&bytes, &findings);
    let text = if arguments.json {
        json::document(&document)
    } else {
        text(&document, Style::of_stdout())
    };
    crate::unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(0)
}

fn read(source: &Source) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    match source {
        Source::Stdin => Source::stdin().read_to_end(&mut bytes),
        Source::File(path) => Source::open_file(path)?.read_to_end(&mut bytes),
    }
    .map_err(|error| Error::new(source, reason(&error)))?;
    Ok(bytes)
}

/// Writes the decoded body of a part; what a multipart or message holds, as it is.
fn write_part(
    source: &Source,
    bytes: &[u8],
    path: &PartPath,
    out: &mut impl Write,
) -> Result<(), Error> {
    let Some(part) = Message::index(bytes).part(&path.0) else {
        let place = format!("{source}: part {}", dotted(&path.0));
        return Err(Error::new(place, "there is none"));
    };
    let mut body = Vec::new();
    match part.content().kind {
        // A vector is never full.
        Kind::Leaf | Kind::EncodedMessage => drop(part.decode(&mut body)),
        _ => body.extend_from_slice(part.body().unwrap_or_default()),
    }
    out.write_all(&body)
        .and_then(|()| out.flush())
        .map_err(crate::output_error)
}

/// What is said of a message.
#[derive(Debug, Serialize)]
struct Document {
    /// In octets.
    size: usize,
    /// Whether two reasonable readers may see different content.
    ambiguous: bool,
    /// The message first, then its parts in order.
    parts: Vec<Part>,
    defects: Vec<Broken>,
    /// How many more defects there are.
    defects_omitted: u64,
}

#[derive(Debug, Serialize)]
struct Part {
    /// Empty for the message.
    path: String,
    #[serde(rename = "type")]
    type_name: String,
    kind: &'static str,
    encoding: &'static str,
    /// The octet of the message at which its header begins.
    offset: u64,
    /// Of its body, encoded.
    size: usize,
    /// Of a leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    fields: Vec<OneField>,
}

#[derive(Debug, Serialize)]
struct OneField {
    /// Empty where there is no field but other text.
    name: String,
    /// The octet of the message at which it begins.
    offset: u64,
    /// Of all of it, with its line end.
    size: usize,
    /// Text decoded; other values as written, without folds.
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<OneAddress>>,
    /// Which rule the value breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct OneAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    address: String,
}

#[derive(Debug, Serialize)]
struct Broken {
    offset: u64,
    rule: String,
    ambiguous: bool,
}

impl From<&Defect> for Broken {
    fn from(defect: &Defect) -> Self {
        Self {
            offset: defect.offset,
            rule: defect.kind.to_string(),
            ambiguous: defect.kind.is_ambiguous(),
        }
    }
}

impl Document {
    fn new(bytes: &[u8], findings: &inspect::Findings) -> Self {
        let index = Message::index(bytes);
        let mut path: Vec<usize> = Vec::new();
        let mut parts = Vec::new();
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
                    .map(|field| OneField::new(&field, entity.offset))
                    .collect(),
            });
        }
        Self {
            size: bytes.len(),
            ambiguous: findings.ambiguous,
            parts,
            defects: findings.defects.iter().map(Broken::from).collect(),
            defects_omitted: findings.omitted,
        }
    }
}

fn dotted(path: &[usize]) -> String {
    let numbers: Vec<String> = path.iter().map(usize::to_string).collect();
    numbers.join(".")
}

fn name_of(encoding: Encoding) -> &'static str {
    encoding.name().unwrap_or("unknown")
}

/// What Content-Disposition calls the file, else what Content-Type does.
fn filename(
    header: &scop_mime_core::HeaderBlock<'_>,
    name: Option<Parameter<'_>>,
) -> Option<String> {
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
    fn new(field: &Field<'_>, base: u64) -> Self {
        let is_text = field
            .known()
            .is_none_or(|name| name.grammar() == Grammar::Unstructured);
        let value = if is_text {
            Unstructured::new(field.value()).text().to_string()
        } else {
            unfolded(field.value())
        };
        let typed = field.typed();
        Self {
            name: String::from_utf8_lossy(field.name()).into_owned(),
            offset: base.saturating_add(u64::try_from(field.offset()).unwrap_or(u64::MAX)),
            size: field.raw().len(),
            value,
            addresses: addresses(&typed),
            error: match typed {
                Typed::NotAField { defect, .. } => Some(defect.to_string()),
                _ => typed.error().map(|error| error.to_string()),
            },
        }
    }
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
fn addresses(typed: &Typed<'_>) -> Option<Vec<OneAddress>> {
    let list: AddressList<'_> = match *typed {
        Typed::From(list)
        | Typed::ReplyTo(list)
        | Typed::To(list)
        | Typed::Cc(list)
        | Typed::Bcc(Some(list)) => list,
        Typed::Sender(address) => {
            let mut found = Vec::new();
            add_address(address, &mut found);
            return Some(found);
        }
        _ => return None,
    };
    let mut found = Vec::new();
    for address in list.iter() {
        add_address(address, &mut found);
    }
    Some(found)
}

fn add_address(address: Address<'_>, found: &mut Vec<OneAddress>) {
    match address {
        Address::Mailbox(mailbox) => found.push(OneAddress::new(None, &mailbox)),
        Address::Group(group) => {
            let name = group.name().decoded().to_string();
            for mailbox in group.mailboxes() {
                found.push(OneAddress::new(Some(name.clone()), &mailbox));
            }
        }
    }
}

impl OneAddress {
    fn new(group: Option<String>, mailbox: &Mailbox<'_>) -> Self {
        Self {
            group,
            name: mailbox
                .display_name()
                .map(|name| name.decoded().to_string()),
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

/// The fields that a person looks at first.
const SUMMARY: [&str; 6] = ["From", "Sender", "To", "Cc", "Date", "Subject"];

/// The tree as a person reads it.
fn text(document: &Document, style: Style) -> String {
    let mut out = String::new();
    for part in &document.parts {
        let depth = part
            .path
            .split('.')
            .filter(|number| !number.is_empty())
            .count();
        let indent = "  ".repeat(depth);
        let label = if part.path.is_empty() {
            "message"
        } else {
            &part.path
        };
        let _ = write!(
            out,
            "{indent}{}  {}",
            style.paint(Tone::Strong, label),
            shown_within(part.type_name.as_bytes(), WIDTH)
        );
        match part.decoded_size {
            Some(decoded) => {
                let _ = write!(
                    out,
                    "  {}, {} octets, {decoded} decoded",
                    part.encoding, part.size
                );
            }
            None => {
                let _ = write!(out, "  {} octets", part.size);
            }
        }
        if let Some(filename) = &part.filename {
            let _ = write!(out, "  \"{}\"", shown_within(filename.as_bytes(), WIDTH));
        }
        out.push('\n');
        for name in SUMMARY {
            for field in &part.fields {
                if field.name.eq_ignore_ascii_case(name) {
                    let _ = writeln!(out, "{indent}  {name}: {}", summary(field));
                }
            }
        }
    }
    if document.defects.is_empty() {
        out.push_str("no defects\n");
        return out;
    }
    out.push_str("defects\n");
    for defect in &document.defects {
        let (tone, note) = if defect.ambiguous {
            (Tone::Bad, " - readers may differ")
        } else {
            (Tone::Doubt, "")
        };
        let rule = style.paint(tone, shown(defect.rule.as_bytes()));
        let _ = writeln!(out, "  byte {}: {rule}{note}", defect.offset);
    }
    if document.defects_omitted > 0 {
        let _ = writeln!(out, "  and {} more", document.defects_omitted);
    }
    out
}

/// A value on one line: addresses with their names, other text as it is.
fn summary(field: &OneField) -> String {
    let Some(addresses) = &field.addresses else {
        return shown_within(field.value.as_bytes(), WIDTH);
    };
    let list: Vec<String> = addresses
        .iter()
        .map(|one| match &one.name {
            Some(name) => format!("{name} <{}>", one.address),
            None => one.address.clone(),
        })
        .collect();
    shown_within(list.join(", ").as_bytes(), WIDTH)
}
