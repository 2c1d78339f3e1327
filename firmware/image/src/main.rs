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
    #[cfg(feature = "smtp-server")]
    ("smtp-server", exercise::smtp_server_api::run),
    #[cfg(feature = "smtp-client")]
    ("smtp-client", exercise::smtp_client_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_proto),
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

/// All of scop-smtp-proto. What comes back is the first number that is not well.
#[cfg(feature = "smtp-proto")]
fn smtp_proto(input: &[u8]) -> usize {
    let all: [Exercise; 7] = [
        exercise::smtp_auth_api::run,
        exercise::smtp_client_api::run,
        exercise::smtp_codec_api::run,
        exercise::smtp_extension_api::run,
        exercise::smtp_policy_api::run,
        exercise::smtp_server_api::run,
        exercise::smtp_session_api::run,
    ];
    let mut number = 0;
    for run in all {
        // Not inlined, so that the stack is that of the deepest and not the sum.
        number = black_box(run)(input);
        if !exercise::is_ok(number) {
            break;
        }
    }
    number
}

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
