//! Calls the whole API of one library on a Cortex-M4F without an allocator, and prints how much stack
//! that took.

#![no_std]
#![no_main]

mod stack;

use core::hint::black_box;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use panic_semihosting as _;

fn library(input: &[u8]) -> usize {
    if cfg!(feature = "core") {
        exercise::core_api::run(input)
    } else {
        input.len()
    }
}

#[entry]
fn main() -> ! {
    let mut sum = 0;
    let used = stack::used_by(|| sum = library(black_box(&[b'a'; 64])));
    hprintln!("stack {} sum {}", used, black_box(sum));
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}
