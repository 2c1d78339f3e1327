//! How many bytes the large machines have on this target, without what they borrow.

use core::mem::size_of;

use cortex_m_semihosting::hprintln;
use scop_dkim::verify::Verifier;
use scop_dmarc::Authenticator;
use scop_dnssec::Stub;
use scop_spf::Evaluator;

pub fn print() {
    for (name, size) in [
        (
            "scop_spf::Evaluator<4096>",
            size_of::<Evaluator<'_, 4096>>(),
        ),
        (
            "scop_spf::Evaluator<1024>",
            size_of::<Evaluator<'_, 1024>>(),
        ),
        ("scop_dkim::Verifier<1>", size_of::<Verifier<'_, '_, 1>>()),
        ("scop_dkim::Verifier<4>", size_of::<Verifier<'_, '_, 4>>()),
        ("scop_dkim::Verifier<10>", size_of::<Verifier<'_, '_, 10>>()),
        (
            "scop_dmarc::Authenticator<4, 1024>",
            size_of::<Authenticator<'_, '_, 4, 1024>>(),
        ),
        (
            "scop_dmarc::Authenticator<10, 4096>",
            size_of::<Authenticator<'_, '_, 10, 4096>>(),
        ),
        ("scop_dnssec::Stub", size_of::<Stub<'_>>()),
    ] {
        hprintln!("size {} | {}", name, size);
    }
}
