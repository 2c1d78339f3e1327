//! What a connection needs of a message: its envelope, and its octets read at any place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use scop_smtp_proto::data::{Checker, LineEnds};
use scop_smtp_proto::{Parameter, Parameters};
use tokio::sync::OnceCell;

use super::content::BLOCK;
use crate::queue::{Failure, Outgoing};
use crate::spool::{Envelope, Id};

/// A message that several connections may send side by side: its file is read at offsets, and never as a whole.
pub(super) struct Letter {
    pub(super) id: Id,
    pub(super) envelope: Envelope,
    /// The signatures, which go first.
    prefix: Vec<u8>,
    file: File,
    /// Where the message begins in the file.
    start: u64,
    /// Octets of it.
    octets: u64,
    facts: OnceCell<Facts>,
}

/// What is in a message, which decides what a server must be able to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// An octet above 127, anywhere.
    pub(super) eight_bit: bool,
    /// The same in the header.
    pub(super) eight_bit_header: bool,
    /// CR or LF alone, at this octet.
    pub(super) bare_line_end: Option<u64>,
    /// NUL, or a line beyond 998 octets (RFC 5321 4.5.3.1.6).
    pub(super) binary: bool,
}

impl Letter {
    pub(super) fn new(message: &Outgoing) -> io::Result<Self> {
        let entry = &message.entry;
        Ok(Self {
            id: entry.id.clone(),
            envelope: entry.envelope.clone(),
            prefix: message.prefix.clone(),
            file: entry.file.try_clone()?,
            start: entry.start,
            octets: entry.octets,
            facts: OnceCell::new(),
        })
    }

    /// Octets that are sent, with the signatures (RFC 1870 3).
    pub(super) fn len(&self) -> u64 {
        let prefix = u64::try_from(self.prefix.len()).unwrap_or(u64::MAX);
        self.octets.saturating_add(prefix)
    }

    /// The message goes over TLS with a certificate that is verified, or not at all (RFC 8689).
    pub(super) fn requires_tls(&self) -> bool {
        self.parameters()
            .any(|parameter| parameter.is("REQUIRETLS"))
    }

    /// The parameters of MAIL. The queue has none that are malformed.
    pub(super) fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        Parameters::parse(self.envelope.parameters.as_bytes())
            .unwrap_or_default()
            .iter()
    }

    /// Reads octets at `offset`, all that `block` has room for; blocks.
    pub(super) fn read(&self, offset: u64, block: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let head = self.prefix.get(at..).unwrap_or_default();
        let head = head.get(..block.len()).unwrap_or(head);
        let (before, rest) = block.split_at_mut_checked(head.len()).unwrap_or_default();
        before.copy_from_slice(head);
        let behind = offset.saturating_sub(self.prefix.len() as u64);
        self.file
            .read_exact_at(rest, self.start.saturating_add(behind))
    }

    /// Looks through the whole message, once.
    pub(super) async fn facts(self: &Arc<Self>) -> io::Result<Facts> {
        let find = || async {
            let letter = self.clone();
            tokio::task::spawn_blocking(move || letter.look())
                .await
                .map_err(io::Error::other)?
        };
        self.facts.get_or_try_init(find).await.copied()
    }

    fn look(&self) -> io::Result<Facts> {
        let mut facts = Facts::default();
        let mut checker = Checker::new(LineEnds::Refuse);
        let mut block = vec![0; BLOCK];
        let mut offset = 0;
        // The last octets of the header so far, for the empty line at its end; none behind it.
        let mut header = Some(*b"xx\r\n");
        while offset < self.len() {
            let left = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
            let Some(piece) = block.get_mut(..left.min(BLOCK)) else {
                break;
            };
            self.read(offset, piece)?;
            offset = offset.saturating_add(piece.len() as u64);
            let piece = &*piece;
            if !piece.is_ascii() {
                facts.eight_bit = true;
            }
            facts.binary |= piece.contains(&0);
            if let Some(tail) = &mut header {
                for &octet in piece {
                    facts.eight_bit_header |= !octet.is_ascii();
                    let [_, a, b, c] = *tail;
                    *tail = [a, b, c, octet];
                    if tail == b"\r\n\r\n" {
                        header = None;
                        break;
                    }
                }
            }
            let mut rest = piece;
            while !rest.is_empty() {
                checker.read(&mut rest);
            }
        }
        checker.finish();
        facts.bare_line_end = checker.bare_line_end().map(|bare| bare.offset);
        facts.binary |= checker.long_line().is_some();
        Ok(facts)
    }
}

/// The disk has a fault: the message waits.
pub(super) fn unreadable(error: &io::Error) -> Failure {
    Failure {
        status: "4.3.0".to_owned(),
        host: None,
        reply: None,
        why: format!(
            "the message cannot be read: {}",
            crate::message::reason(error)
        ),
    }
}

/// Nothing of what is in it.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
