//! How many bytes the large machines have on this target, without what they borrow.

use core::mem::size_of;

use cortex_m_semihosting::hprintln;
use scop_dkim::verify::Verifier;
use scop_dmarc::Authenticator;
use scop_dnssec::Stub;
use scop_smtp_proto::auth;
use scop_smtp_proto::client::Client;
use scop_smtp_proto::policy::{mta_sts, route, tls_rpt};
use scop_smtp_proto::server::Server;
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
        ("scop_smtp_proto::server::Server", size_of::<Server<'_>>()),
        ("scop_smtp_proto::client::Client", size_of::<Client<'_>>()),
        (
            "scop_smtp_proto::auth::server::Exchange",
            size_of::<auth::server::Exchange<'_>>(),
        ),
        (
            "scop_smtp_proto::auth::client::Exchange",
            size_of::<auth::client::Exchange<'_>>(),
        ),
        (
            "scop_smtp_proto::policy::route::Router<8, 8, 320>",
            size_of::<route::Router<'_>>(),
        ),
        (
            "scop_smtp_proto::policy::route::Router<2, 2, 80>",
            size_of::<route::Router<'_, 2, 2, 80>>(),
        ),
        (
            "scop_smtp_proto::policy::mta_sts::Discovery",
            size_of::<mta_sts::Discovery<'_>>(),
        ),
        (
            "scop_smtp_proto::policy::tls_rpt::Discovery<512>",
            size_of::<tls_rpt::Discovery<'_>>(),
        ),
    ] {
        hprintln!("size {} | {}", name, size);
    }
}
