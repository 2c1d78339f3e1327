//! The numbers that everything is drawn from: xoshiro256** seeded by `SplitMix64`.
//!
//! Both are written from their definitions (D. Blackman and S. Vigna, "Scrambled linear pseudorandom
//! number generators", 2018; G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number
//! generators", 2014). Only `u64` arithmetic decides: no float, no `usize`, no order of a hash map. So
//! a seed gives the same numbers on every machine.
//!
//! ``
//! use scop_corpus::rng::Rng;
//! let mut rng = Rng::new(0);
//! assert_eq!(rng.next(), 0x99ec_5f36_cb75_f2b4);
//! assert!(rng.below(6) < 6);
//! ``

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

/// The next number of `SplitMix64` after `state`, which moves on.
pub(crate) const fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// The stream of a seed: its state is the first four numbers of `SplitMix64`.
    pub const fn new(seed: u64) -> Self {
        let mut state = seed;
        Self {
            state: [
                split_mix(&mut state),
                split_mix(&mut state),
                split_mix(&mut state),
                split_mix(&mut state),
            ],
        }
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `bound`: the upper half of the next number times `bound`, divided by 2^32. It is
    /// 0 for the bound 0.
    pub const fn below(&mut self, bound: u32) -> u32 {
        let product = (self.next() >> 32) * bound as u64;
        // The product is below bound * 2^32.
        (product >> 32) as u32
    }

    /// A number from `low` to `high`, both included.
    pub const fn range(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True once in `of` draws.
    pub const fn one_in(&mut self, of: u32) -> bool {
        self.below(of) == 0
    }

    /// True in `percent` of a hundred draws.
    pub const fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A position in something of this length; 0 for an empty one.
    pub fn index(&mut self, len: usize) -> usize {
        let bound = u32::try_from(len).unwrap_or(u32::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// One of `choices`; the default for none.
    pub fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        choices
            .get(self.index(choices.len()))
            .copied()
            .unwrap_or_default()
    }

    /// A byte.
    pub const fn byte(&mut self) -> u8 {
        // The upper bits are the best ones.
        (self.next() >> 56).to_le_bytes()[0]
    }
}
