//! Runs the exercise of one library on a Cortex-M4F without an allocator. Prints whether all verdicts
//! were those due, and how much stack it took; the exit code says the former too.

#![no_std]
#![no_main]

#[cfg(feature = "sizes")]
mod sizes;
mod stack;

use core::hint::black_box;

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use exercise::Exercise;
use exercise::tally::Tally;
use panic_semihosting as _;

/// What the features chose comes first.
const CHOICES: &[(&str, Exercise)] = &[
    #[cfg(feature = "core")]
    ("core", exercise::core_api::run),
    #[cfg(feature = "mime-core")]
    ("mime-core", exercise::mime_core_api::run),
    #[cfg(feature = "spf")]
    ("spf", exercise::spf_api::run),
    #[cfg(feature = "dkim")]
    ("dkim", exercise::dkim_api::run),
    #[cfg(feature = "dmarc")]
    ("dmarc", exercise::dmarc_api::run),
    #[cfg(feature = "dnssec")]
    ("dnssec", exercise::dnssec_api::run),
    #[cfg(feature = "crypto")]
    ("crypto", exercise::crypto_api::run),
    #[cfg(feature = "crypto-ed25519")]
    ("crypto-ed25519", |_| {
        exercise::crypto_api::fixtures::ed25519()
    }),
    #[cfg(feature = "crypto-rsa-2048")]
    ("crypto-rsa-2048", |_| {
        exercise::crypto_api::fixtures::rsa_2048()
    }),
    #[cfg(feature = "crypto-rsa-4096")]
    ("crypto-rsa-4096", |_| {
        exercise::crypto_api::fixtures::rsa_4096()
    }),
    #[cfg(feature = "crypto-ecdsa-p256")]
    ("crypto-ecdsa-p256", |_| {
        exercise::crypto_api::fixtures::ecdsa_p256()
    }),
    ("empty", |_| Tally::default().finish()),
];
const CHOSEN: (&str, Exercise) = CHOICES[0];

#[entry]
fn main() -> ! {
    #[cfg(feature = "sizes")]
    sizes::print();
    let (name, run) = CHOSEN;
    let mut number = 0;
    let used = stack::used_by(|| number = run(black_box(&[b'a'; 64])));
    if exercise::is_ok(number) {
        hprintln!("{} ok stack {}", name, used);
        debug::exit(debug::EXIT_SUCCESS);
    } else {
        hprintln!("{} FAILED line {}", name, number);
        debug::exit(debug::EXIT_FAILURE);
    }
    loop {
        cortex_m::asm::wfi();
    }
}
