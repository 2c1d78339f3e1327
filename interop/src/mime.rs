//! What we and `CPython`'s email package see of a message: its parts, in the order in which they begin.

use base64::prelude::{BASE64_STANDARD, Engine};
use scop_mime_core::header::content::content_type::ContentType;
use scop_mime_core::header::content::disposition::ContentDisposition;
use scop_mime_core::{Inspector, Kind, Limits, Message, Part};
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

/// A message as one side sees it.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Its parts.
    pub parts: Vec<Seen>,
    /// Whether something is wrong that may make another reader see other content.
    pub is_doubtful: bool,
}

/// What we see.
pub fn ours(message: &[u8]) -> Tree {
    let index = Message::index(message);
    let mut inspector = Inspector::<1>::new(&Limits::DEFAULT);
    index.events().for_each(|event| inspector.event(&event));
    inspector.finish();
    Tree {
        parts: index.parts().map(|part| seen(&part)).collect(),
        is_doubtful: inspector.is_ambiguous(),
    }
}

/// `CPython`'s email package.
#[derive(Debug)]
pub struct Email(Peer);

impl Email {
    /// `None` when there is no Python.
    pub fn start() -> Option<Self> {
        Peer::python("email_peer.py", "email").map(Self)
    }

    /// What it sees.
    ///
    /// # Panics
    /// When it raises an exception, or has ended.
    pub fn theirs(&mut self, message: &[u8]) -> Tree {
        self.ask(message, false)
    }

    /// What it sees when it is given lines of quoted-printable without white space at their ends, which
    /// must be deleted (RFC 2045 6.7) and it keeps.
    ///
    /// # Panics
    /// As [`Email::theirs`].
    pub fn strict(&mut self, message: &[u8]) -> Tree {
        self.ask(message, true)
    }

    fn ask(&mut self, message: &[u8], strict: bool) -> Tree {
        let message = BASE64_STANDARD.encode(message);
        let answer = self.0.ask(&json!({ "message": message, "strict": strict }));
        assert!(
            answer["error"].is_null(),
            "the email package fails: {answer}"
        );
        let parts = answer["parts"].as_array().expect("a list of parts");
        Tree {
            parts: parts.iter().map(from_json).collect(),
            is_doubtful: answer["defects"] != json!([]),
        }
    }
}

fn from_json(part: &Value) -> Seen {
    let octets = part["length"].as_u64().map(|length| {
        let mut digest = [0; 32];
        let hex = part["sha256"].as_str().expect("a digest in hexadecimal");
        for (octet, digits) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).expect("digits are ASCII");
            *octet = u8::from_str_radix(digits, 16).expect("two digits");
        }
        (usize::try_from(length).expect("a length fits"), digest)
    });
    let filename = part["filename"].as_str();
    Seen {
        depth: usize::try_from(part["depth"].as_u64().unwrap_or_default()).expect("a depth fits"),
        media_type: part["type"].as_str().unwrap_or_default().into(),
        octets,
        filename: filename.map(|name| BASE64_STANDARD.decode(name).expect("a name in base64")),
    }
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
        _ => None,
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
    parameter
        .octets(&mut octets)
        .expect("a vector is never full");
    Some(octets)
}

/// We are right: white space at the end of a line of quoted-printable must be deleted (RFC 2045 6.7).
pub const TRAILING_SPACE: &str = "quoted-printable: CPython keeps white space at the end of a line";
/// We are right: the body of a message/delivery-status is octets (RFC 3464 2.1).
pub const DELIVERY_STATUS: &str =
    "message/delivery-status: CPython gives its fields, not its octets";

/// Why `CPython` sees another tree than we do; `None` when it sees the same.
///
/// # Errors
/// When it is for no reason that is known.
pub fn difference(
    message: &[u8],
    ours: &Tree,
    theirs: &Tree,
    email: &mut Email,
) -> Result<Option<&'static str>, String> {
    if ours.parts == theirs.parts {
        return Ok(None);
    }
    let mut parts = ours.parts.clone();
    for part in &mut parts {
        if part.media_type == "message/delivery-status" {
            part.octets = None;
        }
    }
    if parts == theirs.parts {
        return Ok(Some(DELIVERY_STATUS));
    }
    if parts == email.strict(message).parts {
        return Ok(Some(TRAILING_SPACE));
    }
    let both = parts.iter().zip(&theirs.parts);
    let first = both.clone().position(|(ours, theirs)| ours != theirs);
    Err(first.map_or_else(
        || format!("{} parts and {}", parts.len(), theirs.parts.len()),
        |at| {
            format!(
                "part {at}: ours {:?}, theirs {:?}",
                Brief(&parts[at]),
                Brief(&theirs.parts[at])
            )
        },
    ))
}

/// A part without a word of it.
struct Brief<'a>(&'a Seen);

impl std::fmt::Debug for Brief<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Seen {
            depth,
            media_type,
            octets,
            filename,
        } = self.0;
        let len = octets.map(|(len, _)| len);
        let name = filename.as_ref().map(Vec::len);
        write!(
            f,
            "depth {depth}, {media_type}, {len:?} octets, file name of {name:?} octets"
        )
    }
}
