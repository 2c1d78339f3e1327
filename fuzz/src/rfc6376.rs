//! A second implementation of the parts of DKIM, word by word from RFC 6376, slow and with copies.
//!
//! It shares with `scop-dkim` the hash and the signature schemes, and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scop_core::crypto::{Digest, Hasher, MAX_SIGNATURE, Sign};
use scop_crypto::{Ed25519SigningKey, SHA256};

use crate::header_scan::Naive;

/// The private key of the fuzz targets.
pub fn signing_key() -> Ed25519SigningKey {
    Ed25519SigningKey::from_seed(&[7; 32])
}

/// Its key record.
pub fn key_record() -> String {
    let key = STANDARD.encode(signing_key().public_key());
    format!("v=DKIM1; k=ed25519; p={key}")
}

/// The two algorithms of RFC 6376 3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 3.4.1 and 3.4.3.
    Simple,
    /// 3.4.2 and 3.4.4.
    Relaxed,
}

impl Form {
    /// The name in `c=`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        }
    }

    /// A body in canonical form.
    pub fn body(self, body: &[u8]) -> Vec<u8> {
        let mut lines = split_at_crlf(body);
        if self == Self::Relaxed {
            for line in &mut lines {
                *line = one_space(line);
                if line.ends_with(b" ") {
                    line.pop();
                }
            }
        }
        // "Ignores all empty lines at the end of the message body."
        while lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        // "If there is no body or no trailing CRLF on the message body, a CRLF is added."
        let mut canonical: Vec<u8> = lines
            .iter()
            .flat_map(|line| [line, &b"\r\n"[..]].concat())
            .collect();
        if canonical.is_empty() && self == Self::Simple {
            canonical = b"\r\n".to_vec();
        }
        canonical
    }

    /// A field in canonical form, with its line end.
    pub fn field(self, raw: &[u8]) -> Vec<u8> {
        if self == Self::Simple {
            return raw.to_vec();
        }
        let colon = raw
            .iter()
            .position(|&byte| byte == b':')
            .expect("a field has a colon");
        let (name, value) = (&raw[..colon], &raw[colon + 1..]);
        // "Convert all header field names to lowercase." "Delete any WSP characters remaining before
        // and after the colon."
        let name = trim(name, b" \t").to_ascii_lowercase();
        // "Unfold all header field continuation lines."
        let value = without_line_ends(value);
        // "Convert all sequences of one or more WSP characters to a single SP." "Delete all WSP
        // characters at the end of each unfolded header field value."
        let value = one_space(&value);
        [&name, &b":"[..], trim(&value, b" "), b"\r\n"].concat()
    }
}

/// Lines without their CRLF; what follows the last CRLF is a line too, unless it is empty.
fn split_at_crlf(body: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut rest = body;
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"\r\n") {
            lines.push(Vec::new());
            rest = after;
        } else {
            lines.last_mut().expect("there is a line").push(byte);
            rest = after;
        }
    }
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

fn without_line_ends(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, &byte) in text.iter().enumerate() {
        let ends = byte == b'\n' || byte == b'\r' && text.get(at + 1) == Some(&b'\n');
        if !ends {
            out.push(byte);
        }
    }
    out
}

fn one_space(text: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for &byte in text {
        match byte {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b'\t' => out.push(b' '),
            byte => out.push(byte),
        }
    }
    out
}

fn trim<'a>(text: &'a [u8], spaces: &[u8]) -> &'a [u8] {
    let is_text = |byte: &u8| !spaces.contains(byte);
    match (
        text.iter().position(is_text),
        text.iter().rposition(is_text),
    ) {
        (Some(first), Some(last)) => &text[first..=last],
        _ => b"",
    }
}

/// Without FWS at the ends.
fn trim_fws(text: &[u8]) -> &[u8] {
    trim(text, b" \t\r\n")
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(&SHA256);
    hasher.update(bytes);
    hasher.finish()
}

/// A tag list as names and values, in order; `None` when it is not one (RFC 6376 3.2).
///
/// As `scop-dkim` says, it also takes white space after the last semicolon, octets above 127, and LF
/// for CRLF in FWS, and at most 64 tags.
pub fn tags(text: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    for (at, &byte) in text.iter().enumerate() {
        let next = text.get(at + 1).copied().unwrap_or_default();
        let allowed = match byte {
            b'\r' => next == b'\n',
            b'\n' => b" \t".contains(&next),
            b'\t' => true,
            byte => !byte.is_ascii_control(),
        };
        if !allowed {
            return None;
        }
    }
    let mut specs: Vec<&[u8]> = text.split(|&byte| byte == b';').collect();
    if specs.last().is_some_and(|last| trim_fws(last).is_empty()) {
        specs.pop();
    }
    let mut tags: Vec<(&[u8], &[u8])> = Vec::new();
    for spec in specs {
        let equals = spec.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (trim_fws(&spec[..equals]), trim_fws(&spec[equals + 1..]));
        let is_name = name.first()?.is_ascii_alphabetic()
            && name
                .iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || tags.iter().any(|(other, _)| *other == name) {
            return None;
        }
        tags.push((name, value));
    }
    (1..=64).contains(&tags.len()).then_some(tags)
}

/// The value of a tag.
pub fn tag<'a>(tags: &[(&'a [u8], &'a [u8])], name: &[u8]) -> Option<&'a [u8]> {
    tags.iter()
        .find_map(|(other, value)| (*other == name).then_some(*value))
}

/// The text without the value of `b=` (RFC 6376 3.7): between the equals sign and the semicolon.
pub fn without_b(text: &[u8]) -> Vec<u8> {
    let specs = text.split(|&byte| byte == b';').map(|spec| {
        match spec.iter().position(|&byte| byte == b'=') {
            Some(equals) if trim_fws(&spec[..equals]) == b"b" => &spec[..=equals],
            _ => spec,
        }
    });
    specs.collect::<Vec<_>>().join(&b';')
}

/// The octets that base64 with FWS inside stands for; `None` when it is not canonical base64.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !b" \t\r\n".contains(byte))
        .collect();
    STANDARD.decode(digits).ok()
}

/// The names in a list between colons.
pub fn names(list: &[u8]) -> Vec<&[u8]> {
    list.split(|&byte| byte == b':').map(trim_fws).collect()
}

/// What is hashed of a header (RFC 6376 3.7, 5.4.2): for each name the lowest field of that name that
/// was not taken before, `signature` not among them; then `signature` itself without the value of `b=`
/// and without its line end.
pub fn header_input(form: Form, fields: &[&[u8]], names: &[&[u8]], signature: &[u8]) -> Vec<u8> {
    let mut left: Vec<&[u8]> = fields.to_vec();
    let mut input = Vec::new();
    for name in names {
        let lowest = left.iter().rposition(|raw| {
            !std::ptr::eq(*raw, signature) && field_name(raw).eq_ignore_ascii_case(name)
        });
        if let Some(lowest) = lowest {
            input.extend(form.field(left.remove(lowest)));
        }
    }
    let colon = signature
        .iter()
        .position(|&byte| byte == b':')
        .expect("it has a colon")
        + 1;
    let (name, value) = signature.split_at(colon);
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    let bare = form.field(&[name, &without_b(value)].concat());
    input.extend(bare.strip_suffix(b"\r\n").unwrap_or(&bare));
    input
}

/// The name of a well-formed field, empty otherwise.
pub(crate) fn field_name(raw: &[u8]) -> &[u8] {
    let Some(colon) = raw.iter().position(|&byte| byte == b':') else {
        return b"";
    };
    let name = raw[..colon].trim_ascii_end();
    if name.iter().all(u8::is_ascii_graphic)
        && raw[name.len()..colon]
            .iter()
            .all(|byte| b" \t".contains(byte))
    {
        name
    } else {
        b""
    }
}

/// What [`sign`] is to say.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// For header fields.
    pub header: Form,
    /// For the body.
    pub body: Form,
    /// `h=`.
    pub names: &'a [&'a str],
    /// `l=`.
    pub length: Option<usize>,
}

/// Signs a message with [`signing_key`] for selector `fuzz` of `example.org`; gives the whole field.
pub fn sign(header: &[u8], body: &[u8], order: &Order<'_>) -> Vec<u8> {
    let mut canonical = order.body.body(body);
    canonical.truncate(order.length.unwrap_or(usize::MAX));
    let length = order
        .length
        .map(|length| format!(" l={length};"))
        .unwrap_or_default();
    let mut field = format!(
        "DKIM-Signature: v=1; a=ed25519-sha256; c={}/{};\r\n\td=example.org; s=fuzz;{length} h={};\r\n\tbh={}; b=",
        order.header.name(),
        order.body.name(),
        order.names.join(" : "),
        STANDARD.encode(sha256(&canonical).as_bytes()),
    )
    .into_bytes();
    let header = Naive::read(header);
    let names: Vec<&[u8]> = order.names.iter().map(|name| name.as_bytes()).collect();
    let input = header_input(order.header, &header.fields, &names, &field);
    let mut signature = [0; MAX_SIGNATURE];
    let length = signing_key()
        .sign(sha256(&input).as_bytes(), &mut signature)
        .expect("the key signs");
    field.extend(STANDARD.encode(&signature[..length]).into_bytes());
    field.extend(b"\r\n");
    field
}
