//! SHA-1 and SHA-2 (FIPS 180-4) over core's plain [`HashState`].
//!
//! The compression functions are those of the `sha1` and `sha2` crates, with whatever hardware
//! support these find. Buffering and padding are the same for all of them and live here. Whole
//! blocks go to the compression function in one call, straight from the input.
//!
//! A [`HashState`] that `start` of the same hash did not make gives a meaningless digest, and never
//! a panic.

use core::array;
use core::fmt;

use scop_core::crypto::{Digest, Hash, HashAlgorithm, HashState};

/// A hash of the Merkle-Damgard kind, with blocks of `BLOCK` octets (FIPS 180-4 1, figure 1).
pub struct BlockHash<const BLOCK: usize> {
    algorithm: HashAlgorithm,
    start: [u64; 8],
    compress: fn(&mut [u64; 8], &[[u8; BLOCK]]),
}

impl<const BLOCK: usize> BlockHash<BLOCK> {
    /// Octets in a word, of which a block has sixteen.
    const WORD: usize = BLOCK / 16;

    /// Octets in the count of bits that ends the padding: two words (FIPS 180-4 5.1).
    const COUNT: usize = BLOCK / 8;
}

impl<const BLOCK: usize> Hash for BlockHash<BLOCK> {
    fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    fn start(&self) -> HashState {
        HashState {
            words: self.start,
            block: [0; 128],
            filled: 0,
            total: 0,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "less than a block")]
    fn update(&self, state: &mut HashState, mut bytes: &[u8]) {
        state.total = state.total.wrapping_add(bytes.len() as u128);
        let Some(block) = state.block.first_chunk_mut::<BLOCK>() else {
            return;
        };
        if state.filled > 0 {
            let free = block.get_mut(state.filled.into()..).unwrap_or_default();
            let Some((head, rest)) = bytes.split_at_checked(free.len()) else {
                copy(free, bytes);
                state.filled += bytes.len() as u8;
                return;
            };
            copy(free, head);
            (self.compress)(&mut state.words, array::from_ref(block));
            bytes = rest;
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        if !blocks.is_empty() {
            (self.compress)(&mut state.words, blocks);
        }
        copy(block, rest);
        state.filled = rest.len() as u8;
    }

    fn finish(&self, mut state: HashState) -> Digest {
        let mut bytes = [0; 64];
        let Some(block) = state.block.first_chunk_mut::<BLOCK>() else {
            return Digest::new(self.algorithm, bytes);
        };
        // A one bit, zeros to the end of a block, and over the last of them the count of bits; the
        // count goes into a block of its own when it does not fit after the one bit.
        let free = block.get_mut(state.filled.into()..).unwrap_or_default();
        let fits = free.len() > Self::COUNT;
        free.fill(0);
        if let Some(first) = free.first_mut() {
            *first = 0x80;
        }
        if !fits {
            (self.compress)(&mut state.words, array::from_ref(block));
            block.fill(0);
        }
        let count = state.total.wrapping_shl(3).to_le_bytes();
        let tail = block.iter_mut().rev().take(Self::COUNT);
        tail.zip(count).for_each(|(slot, byte)| *slot = byte);
        (self.compress)(&mut state.words, array::from_ref(block));

        let length = self.algorithm.output_len();
        let words = bytes.chunks_exact_mut(Self::WORD).zip(state.words);
        for (slots, word) in words {
            copy(
                slots,
                word.to_be_bytes().get(8 - Self::WORD..).unwrap_or_default(),
            );
        }
        bytes.iter_mut().skip(length).for_each(|byte| *byte = 0);
        Digest::new(self.algorithm, bytes)
    }
}

impl<const BLOCK: usize> fmt::Debug for BlockHash<BLOCK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.algorithm)
    }
}

/// SHA-1 (FIPS 180-4 6.1). It is broken: only to read old data.
#[cfg(feature = "sha1")]
pub static SHA1: BlockHash<64> = BlockHash {
    algorithm: HashAlgorithm::Sha1,
    // FIPS 180-4 5.3.1
    start: [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
        0,
        0,
        0,
    ],
    compress: |words, blocks| with_u32(words, |words| sha1::block_api::compress(words, blocks)),
};

/// SHA-256 (FIPS 180-4 6.2).
pub static SHA256: BlockHash<64> = BlockHash {
    algorithm: HashAlgorithm::Sha256,
    // FIPS 180-4 5.3.3
    start: [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ],
    compress: |words, blocks| with_u32(words, |words| sha2::block_api::compress256(words, blocks)),
};

/// SHA-384 (FIPS 180-4 6.5).
pub static SHA384: BlockHash<128> = BlockHash {
    algorithm: HashAlgorithm::Sha384,
    // FIPS 180-4 5.3.4
    start: [
        0xcbbb_9d5d_c105_9ed8,
        0x629a_292a_367c_d507,
        0x9159_015a_3070_dd17,
        0x152f_ecd8_f70e_5939,
        0x6733_2667_ffc0_0b31,
        0x8eb4_4a87_6858_1511,
        0xdb0c_2e0d_64f9_8fa7,
        0x47b5_481d_befa_4fa4,
    ],
    compress: sha2::block_api::compress512,
};

/// SHA-512 (FIPS 180-4 6.4).
pub static SHA512: BlockHash<128> = BlockHash {
    algorithm: HashAlgorithm::Sha512,
    // FIPS 180-4 5.3.5
    start: [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ],
    compress: sha2::block_api::compress512,
};

/// Lends the chaining value as the 32-bit words that SHA-1 and SHA-256 work on.
#[expect(clippy::cast_possible_truncation, reason = "the high half is zero")]
fn with_u32<const N: usize>(words: &mut [u64; 8], compress: impl FnOnce(&mut [u32; N])) {
    let mut narrow = [0; N];
    for (narrow, word) in narrow.iter_mut().zip(&*words) {
        *narrow = *word as u32;
    }
    compress(&mut narrow);
    for (word, narrow) in words.iter_mut().zip(narrow) {
        *word = narrow.into();
    }
}

/// Copies as much as both have.
fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}
