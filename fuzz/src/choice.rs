//! Choices that the input makes: an order, a chunking, which byte to change.
//!
//! They come from a hash of the input, so that a corpus file is nothing but the thing it tests (a
//! message, a zone, a record), and the same file always makes the same choices.

/// A stream of choices (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Choice(u64);

impl Choice {
    /// The choices that `data` makes (FNV-1a).
    pub fn of(data: &[u8]) -> Self {
        Self(data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// The choices of a number.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("usize fits u64");
        usize::try_from(self.bits().checked_rem(bound).unwrap_or(0)).expect("it is below a usize")
    }

    /// Yes in one of `times` cases.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of `options`.
    pub fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// Cuts `bytes` into chunks, some of them empty.
    pub fn chunks<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let most = self.pick(&[1, 2, 3, 7, 64, 1024]);
        let mut chunks = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(self.below(most + 1).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks
    }
}
