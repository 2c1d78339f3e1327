//! `scop demo`: both services on this computer, with a DNS of their own.

pub(crate) mod dns;

use crate::cli::Demo;
use crate::error::Error;

/// Shows it; gives the exit code.
pub(crate) fn run(_arguments: &Demo) -> Result<u8, Error> {
    Err(Error::new("demo", "not yet"))
}
