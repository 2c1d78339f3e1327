//! Measures stack by painting it: fill what lies below the stack pointer, call, look how far down the
//! paint is gone.

use core::ptr::{read_volatile, write_volatile};
use cortex_m::register::msp;

/// What is painted, in bytes; a call that needs more reads as this much.
const PAINTED: u32 = 128 * 1024;
/// Left alone below the stack pointer for the frame of `paint` itself.
const MARGIN: u32 = 64;
const PAINT: u32 = 0xa5a5_5a5a;

/// The bytes of stack that `call` used, to about a hundred.
pub fn used_by(call: impl FnOnce()) -> u32 {
    let top = (msp::read() - MARGIN) & !3;
    let bottom = top - PAINTED;
    paint(bottom, top);
    barrier(call);
    let mut lowest = bottom;
    // SAFETY: the range is RAM below the stack pointer, which nothing else uses.
    while lowest < top && unsafe { read_volatile(lowest as *const u32) } == PAINT {
        lowest += 4;
    }
    top + MARGIN - lowest
}

#[inline(never)]
fn paint(bottom: u32, top: u32) {
    for address in (bottom..top).step_by(4) {
        // SAFETY: as above; `MARGIN` keeps the frame of this function out of the range.
        unsafe { write_volatile(address as *mut u32, PAINT) }
    }
}

/// Keeps the call out of the frame of the caller, which is not painted.
#[inline(never)]
fn barrier(call: impl FnOnce()) {
    call();
}
