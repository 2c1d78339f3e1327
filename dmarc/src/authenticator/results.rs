//! The Authentication-Results field of a verdict, and the fields that claim to be it (RFC 8601).

use scop_core::{Full, Sink, SliceSink};
use scop_dkim::verify::SignatureResult;
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::{AuthResults, AuthResultsWriter, Field, HeaderBlock};

use super::Verdict;
use crate::author::{Author, lookalike};

/// Octets of `b=` that tell signatures apart (RFC 6008 4).
const SIGNATURE_START: usize = 8;

/// Octets in the longest address: 64 before the `@`, 255 behind it (RFC 5321 4.5.3.1). Quoted, it still
/// fits a line of 998 octets (RFC 5322 2.1.1), which cannot be folded there.
const MAX_IDENTITY: usize = 320;

impl<const N: usize, const TEXT: usize> Verdict<'_, '_, N, TEXT> {
    /// Writes the Authentication-Results field, with its line end: DKIM for each signature, SPF for
    /// each identity, DMARC.
    ///
    /// Nothing in a message or in the DNS can break out of its place: names are checked labels, and all
    /// else is quoted. An identity that is no text of one line (a control character, a line separator,
    /// not UTF-8) or longer than any address (320 octets) is left out; its result stands without it.
    ///
    /// A test key is given as the reason of a result, and a comment behind the last signature says how
    /// many more were not looked at.
    ///
    /// # Errors
    /// When the sink is full, or `authserv_id` is empty, too long for a line or holds a control character.
    pub fn write_results<S: Sink + ?Sized>(
        &self,
        authserv_id: &[u8],
        sink: &mut S,
    ) -> Result<(), WriteError> {
        let mut field = AuthResultsWriter::new(sink, authserv_id)?;
        let skipped = self.skipped_signatures();
        if self.dkim().is_empty() {
            let is_signed = skipped > 0;
            field.result(b"dkim", if is_signed { b"policy" } else { b"none" })?;
        }
        for signature in self.dkim() {
            write_signature(signature, &mut field)?;
        }
        if skipped > 0 {
            let mut buffer = [0; 48];
            let mut text = SliceSink::new(&mut buffer);
            let count = u64::try_from(skipped).unwrap_or(u64::MAX);
            text.put_decimal(count)
                .and_then(|()| text.put(b" more not looked at"))
                .map_err(|Full| WriteError::Full)?;
            field.comment(text.written())?;
        }
        if let (Some(verdict), Some(connection)) = (self.mail_from(), self.connection()) {
            field.result(b"spf", verdict.result().as_str().as_bytes())?;
            property(&mut field, b"smtp", b"mailfrom", connection.mail_from)?;
        }
        if let (Some(verdict), Some(connection)) = (self.helo(), self.connection()) {
            field.result(b"spf", verdict.result().as_str().as_bytes())?;
            property(&mut field, b"smtp", b"helo", connection.helo)?;
        }
        field.result(b"dmarc", self.result().as_str().as_bytes())?;
        if let Author::One(domain) = self.author() {
            property(&mut field, b"header", b"from", domain.as_bytes())?;
        }
        if let Some(request) = self.request() {
            let disposition = request.disposition.as_str();
            property(&mut field, b"policy", b"dmarc", disposition.as_bytes())?;
        }
        field.finish()
    }
}

fn write_signature<S: Sink + ?Sized>(
    result: &SignatureResult<'_>,
    field: &mut AuthResultsWriter<'_, S>,
) -> Result<(), WriteError> {
    field.result(b"dkim", result.result().as_str().as_bytes())?;
    if result.is_testing() {
        field.reason(b"test key")?;
    }
    let Some(signature) = result.signature() else {
        return Ok(());
    };
    property(field, b"header", b"d", signature.domain())?;
    property(field, b"header", b"s", signature.selector())?;
    if let Some(auid) = signature.tags().tag(b"i") {
        property(field, b"header", b"i", auid.value())?;
    }
    if let Some(tag) = signature.tags().tag(b"b") {
        // The text may be folded anywhere.
        let text = tag
            .value()
            .iter()
            .filter(|byte| !byte.is_ascii_whitespace());
        let mut start = [0; SIGNATURE_START];
        let mut len = 0;
        for (to, from) in start.iter_mut().zip(text) {
            *to = *from;
            len += 1;
        }
        property(field, b"header", b"b", start.get(..len).unwrap_or_default())?;
    }
    Ok(())
}

/// Adds a property, if a field can hold its value.
fn property<S: Sink + ?Sized>(
    field: &mut AuthResultsWriter<'_, S>,
    ptype: &[u8],
    name: &[u8],
    value: &[u8],
) -> Result<(), WriteError> {
    let is_line = core::str::from_utf8(value).is_ok_and(|text| !text.chars().any(ends_a_line));
    if !is_line || value.len() > MAX_IDENTITY {
        return Ok(());
    }
    field.property(ptype, name, value).map(|_| ())
}

/// Whether some reader may end a line there, or takes it for a control character.
fn ends_a_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// The name of the field.
const FIELD: &[u8] = b"Authentication-Results";

/// Whether a reader may take `text` for the name: one who sees neither white space nor octets above 127, and no dot at
/// the end, which is that of the root of the DNS.
fn reads_as_name(text: impl Iterator<Item = u8>, mut name: &[u8]) -> bool {
    while let Some(rest) = name.strip_suffix(b".") {
        name = rest;
    }
    let mut seen = text.filter(u8::is_ascii_graphic);
    let is_next = |byte: &u8| {
        seen.next()
            .is_some_and(|seen| seen.eq_ignore_ascii_case(byte))
    };
    name.iter().all(is_next) && seen.all(|byte| byte == b'.')
}

/// The Authentication-Results fields of a message that claim to come from `authserv_id`, or do not say
/// from whom, and what some reader takes for such a field. A host removes them from what it receives,
/// before it adds its own (RFC 8601 5).
pub fn claims<'h, 'i>(
    header: HeaderBlock<'h>,
    authserv_id: &'i [u8],
) -> impl Iterator<Item = Field<'h>> + use<'h, 'i> {
    header.fields().filter(move |field| {
        let is_claim = || match AuthResults::parse_prefix(field.value()) {
            Ok((results, _)) => reads_as_name(results.authserv_id().text(), authserv_id),
            Err(_) => true,
        };
        (field.is(FIELD) && is_claim()) || lookalike(*field, FIELD).is_some()
    })
}
