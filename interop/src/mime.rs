//! What we and `CPython`'s email package see of a message: its parts, in the order in which they begin.

use base64::prelude::{BASE64_STANDARD, Engine};
use scop_mime_core::defect::DefectSet;
use scop_mime_core::header::content::content_type::ContentType;
use scop_mime_core::header::content::disposition::ContentDisposition;
use scop_mime_core::{Encoding, Event, Kind, Limits, Message, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::peer::Peer;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How many parts it is in.
    pub depth: usize,
    /// Type and subtype in lower case.
    pub media_type: String,
    /// Length and SHA-256 of the decoded octets; `None` of a part that holds others.
    pub octets: Option<(usize, [u8; 32])>,
    /// The name of the file, in the octets that are meant.
    pub filename: Option<Vec<u8>>,
}

/// Our parts, and the kinds of defects that we found, by name.
pub fn ours(message: &[u8]) -> (Vec<Seen>, DefectSet) {
    let index = Message::index(message);
    (index.parts().map(|part| seen(&part)).collect(), defects(message))
}

fn seen(part: &Part<'_>) -> Seen {
    let content_type = part.content_type();
    let media_type = [content_type.type_name(), b"/", content_type.subtype()].concat();
    let octets = match part.content().kind {
        Kind::Leaf | Kind::EncodedMessage => {
            let mut octets = Vec::new();
            part.decode(&mut octets).expect("a vector is never full");
            Some((octets.len(), Sha256::digest(&octets).into()))
        }
        Kind::Message | Kind::Multipart => None,
    };
    Seen {
        depth: part.entity().depth,
        media_type: String::from_utf8_lossy(&media_type).to_ascii_lowercase(),
        octets,
        filename: filename(part, &content_type),
    }
}

/// The `filename` of Content-Disposition, else the `name` of Content-Type.
fn filename(part: &Part<'_>, content_type: &ContentType<'_>) -> Option<Vec<u8>> {
    let mut fields = part.header().fields();
    let disposition = fields.find(|field| field.is(b"Content-Disposition"));
    let disposition = disposition.and_then(|field| ContentDisposition::recover(field.value()).0);
    let parameter = disposition
        .and_then(|disposition| disposition.filename())
        .or_else(|| content_type.parameters().get(b"name"))?;
    let mut octets = Vec::new();
    parameter.octets(&mut octets).expect("a vector is never full");
    Some(octets)
}
