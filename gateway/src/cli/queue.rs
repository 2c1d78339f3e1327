//! `scop queue`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// See what waits to be sent, have it tried now, or end it
#[derive(Debug, Subcommand)]
#[command(after_help = "\
All of it works while the service runs and while it does not. What is asked of a service that does not
run is done when it starts, before anything is sent.")]
pub(crate) enum Queue {
    List(List),
    Show(Show),
    Try(Try),
    Remove(Remove),
}

/// Whose queue it is.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// The configuration of a sender, or of a receiver that hands on
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The folder itself
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
}

/// Show each message, who is still to get it, what was said last, and when it is tried again
#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) whose: Whose,

    /// Print one JSON object on each line; gateway/README.md describes it
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show the envelope of a message and what became of each recipient; never its content
#[derive(Args, Debug)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) whose: Whose,

    /// The message
    pub(crate) id: String,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Print the header of the message behind it
    #[arg(long, conflicts_with = "json")]
    pub(crate) header: bool,
}

/// Try messages now, whenever they would be tried again
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
  0  the service has heard it
  1  no service has heard it yet; it will when it starts
  2  the arguments are wrong, or there is no such message")]
pub(crate) struct Try {
    #[command(flatten)]
    pub(crate) whose: Whose,

    /// These messages [default: all]
    pub(crate) id: Vec<String>,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// End messages: they are not tried any more
#[derive(Args, Debug)]
#[command(after_help = "\
An attempt that is under way ends first. A message in `failed` is removed, too, with --silent.

Exit status:
  0  they are gone
  1  they are not gone yet: the service will do it when it starts, or when an attempt that is under way has ended
  2  the arguments are wrong, or there is no such message")]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) whose: Whose,

    /// The messages
    #[arg(required = true)]
    pub(crate) id: Vec<String>,

    #[command(flatten)]
    pub(crate) told: Told,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// Whether anybody is told.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Told {
    /// Nobody is told
    #[arg(long)]
    pub(crate) silent: bool,

    /// The sender is told that it failed, for the recipients who did not get it
    #[arg(long)]
    pub(crate) notify: bool,
}

/// How long to wait for the service.
#[derive(Args, Debug)]
pub(crate) struct Patience {
    /// Wait so many seconds for the service
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) wait: u16,
}
