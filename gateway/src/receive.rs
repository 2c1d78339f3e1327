//! The Receiver: takes mail over SMTP and LMTP, checks it while it arrives, and keeps it or hands it on.

pub(crate) mod checks;
pub(crate) mod config;
pub(crate) mod trace;
pub(crate) mod users;

use crate::cli::Receive;
use crate::error::Error;

/// Runs until it is told to stop.
pub(crate) fn run(arguments: &Receive) -> Result<(), Error> {
    Err(Error::new(arguments.config.display(), "not yet"))
}
