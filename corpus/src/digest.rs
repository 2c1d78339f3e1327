//! One number that stands for a whole corpus.
//!
//! Messages are hashed in blocks of [`BLOCK`], counted from the first one of the run, so that threads can
//! work on them side by side: each block is the SHA-256 of its messages, each with its length before it
//! (8 octets, least significant first); the digest is the SHA-256 of the blocks, in order.

use sha2::{Digest as _, Sha256};

/// Messages in a block.
pub const BLOCK: u64 = 1000;

/// The hash of a block.
pub type Hash = [u8; 32];

/// Takes the messages of one block.
#[derive(Clone, Debug, Default)]
pub struct Block(Sha256);

impl Block {
    /// Takes the next message.
    pub fn put(&mut self, message: &[u8]) {
        let len = u64::try_from(message.len()).unwrap_or(u64::MAX);
        self.0.update(len.to_le_bytes());
        self.0.update(message);
    }

    /// The hash of the messages.
    pub fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

/// The digest of blocks.
pub fn of_blocks<'h>(blocks: impl IntoIterator<Item = &'h Hash>) -> Hash {
    let mut all = Sha256::default();
    for block in blocks {
        all.update(block);
    }
    all.finalize().into()
}

/// In hexadecimal digits.
pub fn hex(hash: &Hash) -> String {
    use std::fmt::Write as _;
    hash.iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
