//! The Authentication-Results field of a verdict, and the fields that claim to be it (RFC 8601).

use scop_core::Sink;
use scop_dkim::verify::SignatureResult;
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::{AuthResults, AuthResultsWriter, Field, HeaderBlock};

use super::Verdict;
use crate::author::Author;

/// Octets of `b=` that tell signatures apart (RFC 6008 4).
const SIGNATURE_START: usize = 8;

impl<const N: usize, const TEXT: usize> Verdict<'_, '_, N, TEXT> {
    /// Writes the Authentication-Results field, with its line end: DKIM for each signature, SPF for
    /// each identity, DMARC.
    ///
    /// Nothing in a message or in the DNS can break out of its place: names are checked labels, and all
    /// else is quoted. An identity that no field can hold (a control character, not UTF-8) is left
    /// out; its result stands without it.
    ///
    /// # Errors
    /// When the sink is full, or `authserv_id` is empty or holds a control character.
    pub fn write_results<S: Sink + ?Sized>(
        &self,
        authserv_id: &[u8],
        sink: &mut S,
    ) -> Result<(), WriteError> {
        let mut field = AuthResultsWriter::new(sink, authserv_id)?;
        if self.dkim().is_empty() {
            field.result(b"dkim", b"none")?;
        }
        for signature in self.dkim() {
            write_signature(signature, &mut field)?;
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
    field.result(b"dkim", result.result().name().as_bytes())?;
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
    let has_control = value.iter().any(u8::is_ascii_control);
    if has_control || core::str::from_utf8(value).is_err() {
        return Ok(());
    }
    field.property(ptype, name, value).map(|_| ())
}

/// The Authentication-Results fields of a message that claim to come from `authserv_id`, or do not say
/// from whom. A host removes them from what it receives, before it adds its own (RFC 8601 5).
pub fn claims<'h, 'i>(
    header: HeaderBlock<'h>,
    authserv_id: &'i [u8],
) -> impl Iterator<Item = Field<'h>> + use<'h, 'i> {
    header
        .fields()
        .filter(|field| field.is(b"Authentication-Results"))
        .filter(
            move |field| match AuthResults::parse_prefix(field.value()) {
                Ok((results, _)) => results.authserv_id().is_ignore_case(authserv_id),
                Err(_) => true,
            },
        )
}
