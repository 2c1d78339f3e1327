//! Suites and programs that others wrote, run against the SCoP crates.
//!
//! Each suite is a module with a function that runs a file of the suite's format, so that the tests
//! and the command line run the same code.

pub mod crash;
pub mod dkim;
pub mod load;
pub mod machine;
pub mod mime;
pub mod peer;
pub mod program;
pub mod real_mail;
pub mod service;
pub mod spf;

use std::path::PathBuf;

pub use real_mail::{RealMail, real_mail};

/// The folder of the public test suites: `SCOP_VECTORS`, or `../shared/vectors` beside the project.
///
/// `None` when it is not there; a test says then that it skips, and why.
pub fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("SCOP_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors")),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

/// Says that a test cannot look, and why. Where `SCOP_NO_SKIP` is set, that is a failure: the checks set
/// it when they have installed every peer, so that none of them is missed without a word.
///
/// # Panics
/// When `SCOP_NO_SKIP` is set.
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("SCOP_NO_SKIP").is_none(),
        "nothing may be skipped, but: {why}"
    );
    println!("skipped: {why}");
}
