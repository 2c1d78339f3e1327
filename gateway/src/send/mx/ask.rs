//! What a message asks of TLS: REQUIRETLS in its envelope, `TLS-Required` in its header (RFC 8689).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use scop_mime_core::{HeaderBlock, HeaderEnd, find_header_end};
use scop_smtp_proto::policy::route::TlsWish;
use tokio::task::spawn_blocking;

use crate::spool::Entry;

/// How far the end of the header is looked for. What comes later asks for nothing: that is the safe side.
const HEADER: u64 = 1 << 20;

/// Read at once: most headers.
const CHUNK: usize = 16_384;

/// What the message asks for. REQUIRETLS outranks the field (RFC 8689 3).
pub(super) async fn wish(entry: &Entry) -> io::Result<TlsWish> {
    let mut parameters = entry.envelope.parameters.split_ascii_whitespace();
    if parameters.any(|parameter| parameter.eq_ignore_ascii_case("REQUIRETLS")) {
        return Ok(TlsWish::Required);
    }
    let file = entry.file.try_clone()?;
    let (start, octets) = (entry.start, entry.octets);
    let is_optional = spawn_blocking(move || {
        read_header(&file, start, octets).map(|header| is_optional(&header))
    })
    .await
    .map_err(io::Error::other)??;
    Ok(if is_optional {
        TlsWish::Optional
    } else {
        TlsWish::Policy
    })
}

/// The header, and what was read behind it.
fn read_header(file: &File, start: u64, octets: u64) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    let mut resume = 0;
    let wanted = octets.min(HEADER);
    let mut chunk = vec![0; CHUNK];
    while (header.len() as u64) < wanted {
        let length = header.len() as u64;
        let room = usize::try_from(wanted - length).unwrap_or(CHUNK).min(CHUNK);
        let part = chunk.get_mut(..room).unwrap_or_default();
        // The position of the file belongs to whoever reads the message.
        let read = file.read_at(part, start.saturating_add(length))?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        header.extend_from_slice(part.get(..read).unwrap_or_default());
        match find_header_end(&header, resume) {
            HeaderEnd::Found { .. } => break,
            HeaderEnd::NotYet { resume: next } => resume = next,
        }
    }
    Ok(header)
}

/// Whether the one field `TLS-Required` says `No`; several say nothing (RFC 8689 3).
fn is_optional(header: &[u8]) -> bool {
    let mut fields = (HeaderBlock::new(header).fields()).filter(|field| field.is(b"TLS-Required"));
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return false;
    };
    field.value().trim_ascii().eq_ignore_ascii_case(b"No")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field() {
        for (header, expected) in [
            ("TLS-Required: No\r\nFrom: a@example.org\r\n", true),
            ("From: a@example.org\r\ntls-required:no\r\n\r\n", true),
            ("TLS-Required:\r\n No\r\n", true),
            ("TLS-Required: Yes\r\n", false),
            ("TLS-Required: No way\r\n", false),
            ("TLS-Required: No\r\nTLS-Required: No\r\n", false),
            ("TLS-Required: No\r\nTLS-Required: Yes\r\n", false),
            ("From: a@example.org\r\n\r\nTLS-Required: No\r\n", false),
            ("X-TLS-Required: No\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_optional(header.as_bytes()), expected, "{header}");
        }
    }
}
