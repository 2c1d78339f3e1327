//! The octets of a message, block by block.

use std::io;
use std::sync::Arc;

use super::letter::Letter;

/// Octets that are read at once, and the size of a chunk of BDAT.
pub(super) const BLOCK: usize = 64 << 10;

/// A reader of one message.
#[derive(Debug)]
pub(super) struct Content {
    letter: Arc<Letter>,
    /// Where the next block begins.
    offset: u64,
    block: Vec<u8>,
    /// Octets of the block that were sent.
    sent: usize,
}

impl Content {
    /// From the first octet.
    pub(super) fn new(letter: Arc<Letter>) -> Self {
        Self {
            letter,
            offset: 0,
            block: Vec::new(),
            sent: 0,
        }
    }

    /// Reads the next block if all of this one was sent.
    pub(super) async fn fill(&mut self) -> io::Result<()> {
        if !self.rest().is_empty() || self.is_last() {
            return Ok(());
        }
        let left = usize::try_from(self.letter.len() - self.offset).unwrap_or(usize::MAX);
        let mut block = std::mem::take(&mut self.block);
        block.resize(left.min(BLOCK), 0);
        let (letter, offset) = (self.letter.clone(), self.offset);
        let read = move || letter.read(offset, &mut block).map(|()| block);
        self.block = tokio::task::spawn_blocking(read)
            .await
            .map_err(io::Error::other)??;
        self.offset = self.offset.saturating_add(self.block.len() as u64);
        self.sent = 0;
        Ok(())
    }

    /// What is left of the block.
    pub(super) fn rest(&self) -> &[u8] {
        self.block.get(self.sent..).unwrap_or_default()
    }

    /// So many octets of [`Content::rest`] are sent.
    pub(super) fn advance(&mut self, octets: usize) {
        self.sent = self.sent.saturating_add(octets);
    }

    /// The message ends with this block.
    pub(super) fn is_last(&self) -> bool {
        self.offset >= self.letter.len()
    }
}
