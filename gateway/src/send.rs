//! The Sender: takes mail from its spool, signs it, finds the servers of its recipients, and tries until it is
//! delivered or has failed.

pub(crate) mod address;
pub(crate) mod config;
pub(crate) mod mx;
mod sign;
pub(crate) mod sts;

use crate::cli::Send;
use crate::error::Error;

/// Runs until it is told to stop; or puts a message into the spool.
pub(crate) fn run(arguments: &Send) -> Result<(), Error> {
    Err(Error::new(arguments.config.display(), "not yet"))
}
