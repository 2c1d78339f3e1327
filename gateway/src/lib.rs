//! The programs of SCoP: the runtime, the sockets, the files and the clock around its crates.
//!
//! `scop` has all commands; `scop-receiver` and `scop-sender` have one service each, so that neither holds
//! the code of the other. There is no interface but these three functions.

#![expect(
    clippy::std_instead_of_core,
    reason = "a program on std names it throughout; the rule is for crates that must build without"
)]

mod a_label;
mod body;
mod cli;
mod command;
mod deliver;
mod demo;
mod error;
mod http;
mod key_file;
mod maildir;
mod message;
mod queue;
mod receive;
mod report;
mod resolve;
mod send;
mod service;
mod spool;
mod terminal;
mod tls;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::LevelFilter;

use cli::{Cli, Command, Corpus};
use error::Error;

/// Wrong arguments, or input that cannot be read. The argument parser uses the same code.
const UNUSABLE: u8 = 2;

/// The program `scop`.
pub fn scop() -> ExitCode {
    let cli = Cli::parse();
    guard();
    // A service starts a log of its own.
    if !matches!(cli.command, Command::Receive(_) | Command::Send(_)) {
        start_log();
    }
    conclude(run(&cli))
}

/// The program `scop-receiver`: `scop receive` alone.
pub fn receiver() -> ExitCode {
    let arguments = cli::Receiver::parse();
    guard();
    conclude(receive::run(&arguments.receive).map(|()| 0))
}

/// The program `scop-sender`: `scop send` alone.
pub fn sender() -> ExitCode {
    let arguments = cli::Sender::parse();
    guard();
    conclude(send::run(&arguments.send).map(|()| 0))
}

fn guard() {
    // A fault of the program is one line for its users, not a trace through its insides.
    std::panic::set_hook(Box::new(|fault| {
        terminal::say(format_args!(
            "this is a fault of scop, please report it: {fault}"
        ));
    }));
}

fn conclude(ended: Result<u8, Error>) -> ExitCode {
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::say(error);
            ExitCode::from(UNUSABLE)
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Error> {
    let out = io::stdout();
    match &cli.command {
        Command::Check(arguments) => {
            let (text, code) = command::check::run(arguments)?;
            print(&text)?;
            Ok(code)
        }
        Command::Sign(arguments) => {
            let mut out = io::BufWriter::new(out.lock());
            command::sign::run(arguments, &mut out)?;
            // A message without its end is not what was asked for, whoever closed the output.
            out.flush().map_err(output_error)?;
            Ok(0)
        }
        Command::Keygen(arguments) => {
            print(&command::keygen::run(arguments)?)?;
            Ok(0)
        }
        Command::Parse(arguments) => {
            let mut out = io::BufWriter::new(out.lock());
            command::parse::run(arguments, &mut out)
        }
        Command::Corpus(Corpus::Roundtrip(arguments)) => {
            let (text, code) = command::corpus::roundtrip(arguments);
            print(&text)?;
            Ok(code)
        }
        Command::Corpus(Corpus::Generate(arguments)) => {
            command::corpus::generate(arguments)?;
            Ok(0)
        }
        Command::Report(arguments) => {
            print(&command::report::run(arguments)?)?;
            Ok(0)
        }
        Command::Queue(arguments) => {
            let mut out = io::BufWriter::new(out.lock());
            let code = command::queue::run(arguments, &mut out)?;
            unless_closed(out.flush())?;
            Ok(code)
        }
        Command::Receive(arguments) => receive::run(arguments).map(|()| 0),
        Command::Send(arguments) => send::run(arguments).map(|()| 0),
        Command::User(arguments) => {
            print(&receive::users::make(arguments)?)?;
            Ok(0)
        }
        Command::Demo(arguments) => demo::run(arguments),
    }
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Whoever reads a report may stop when they have seen enough.
pub(crate) fn unless_closed(written: io::Result<()>) -> Result<(), Error> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(output_error(error)),
        _ => Ok(()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
pub(crate) fn output_error(error: io::Error) -> Error {
    Error::new("standard output", message::reason(&error))
}

/// Writes events to standard error, from the level in `SCOP_LOG` on; none without it.
fn start_log() {
    let level = std::env::var("SCOP_LOG")
        .ok()
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::WARN);
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}
