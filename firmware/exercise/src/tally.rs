//! What one exercise saw.

use core::panic::Location;

use scop_core::{Emit, SliceSink};

/// Set in the number of an exercise whose checks all held.
const HELD: usize = 1 << 30;

/// Whether every verdict in an exercise was the one due, by the number that it returned; if not, the
/// number is the line of the first check that did not hold.
pub fn is_ok(number: usize) -> bool {
    number & HELD != 0
}

/// Adds up what calls return, so that none is optimised away, and keeps where a check did not hold.
#[derive(Debug, Default)]
pub struct Tally {
    sum: usize,
    failed: Option<u32>,
}

impl Tally {
    /// Counts a number in.
    pub fn add(&mut self, number: usize) {
        self.sum = self.sum.wrapping_mul(31).wrapping_add(number);
    }

    /// Counts bytes in, by their length and their last.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.add(bytes.len());
        self.add(bytes.last().copied().unwrap_or(0).into());
    }

    /// Counts whether something is so.
    pub fn flag(&mut self, flag: bool) {
        self.add(flag.into());
    }

    /// Emits into a slice that may be too short.
    pub fn emit(&mut self, value: &impl Emit) {
        let mut buffer = [0; 96];
        let mut sink = SliceSink::new(&mut buffer);
        self.flag(value.emit(&mut sink).is_ok());
        self.bytes(sink.written());
        self.add(value.emitted_len());
    }

    /// `value` has to emit exactly `bytes`.
    #[track_caller]
    pub fn check_emit(&mut self, value: &impl Emit, bytes: &[u8]) {
        let mut buffer = [0; 512];
        let mut sink = SliceSink::new(&mut buffer);
        let emitted = value.emit(&mut sink).is_ok();
        self.check(emitted && sink.written() == bytes);
    }

    /// What has to be so.
    #[track_caller]
    pub fn check(&mut self, holds: bool) {
        if !holds {
            let line = Location::caller().line();
            self.failed.get_or_insert(line);
        }
    }

    /// Two values that have to be equal.
    #[track_caller]
    pub fn equal<T: PartialEq>(&mut self, one: T, other: T) {
        self.check(one == other);
    }

    /// The number of the exercise.
    pub fn finish(self) -> usize {
        match self.failed {
            Some(line) => line as usize,
            None => self.sum | HELD,
        }
    }
}
