//! A host program without `std`, without an allocator and without `main`, that calls the whole public
//! API of the libraries. That it links proves that they need no allocator. With the feature `no-panic`
//! it links only if no panic can be reached in them. It returns 0 if all verdicts were those due.

#![no_std]
#![no_main]

#[cfg(feature = "allocates")]
extern crate alloc;

use core::hint::black_box;

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "no-panic")]
    {
        unsafe extern "C" {
            fn a_panic_can_be_reached() -> !;
        }
        // SAFETY: the symbol exists nowhere, so a program that gets here was never linked.
        unsafe { a_panic_can_be_reached() }
    }
    #[cfg(not(feature = "no-panic"))]
    loop {}
}

// The C library starts the program; nothing else of it is used but its memory functions.
#[link(name = "c")]
unsafe extern "C" {}

/// # Safety
/// Called by the start-up code of the C library, once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: i32, _argv: *const *const u8) -> i32 {
    let input = black_box(&[b'a'; 64][..]);
    let input = input
        .get(..usize::try_from(argc).unwrap_or(0))
        .unwrap_or_default();
    #[cfg(feature = "panics")]
    black_box(input[input.len()]);
    let mut exercises = exercise::EXERCISES.iter();
    i32::from(!exercises.all(|(_, run)| exercise::is_ok(black_box(run)(input))))
}
