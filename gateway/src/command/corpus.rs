//! `scop corpus`: messages from seeds, written, or checked against what reading and writing must keep.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scop_corpus::run::{self, Plan, Report};
use scop_corpus::{Failure, Features, digest, generate, mbox, shrink, write};

use crate::cli::{Generate, Roundtrip};
use crate::error::Error;
use crate::message::reason;
use crate::terminal::shown;

/// A message of the corpus failed.
const FAILED: u8 = 1;

/// What is to be printed, and the exit code.
pub(crate) fn roundtrip(arguments: &Roundtrip) -> (String, u8) {
    let threads = arguments
        .threads
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let plan = Plan {
        seed: arguments.seed,
        count: arguments.count,
        threads,
    };
    let bar = progress_bar(arguments.count);
    let start = Instant::now();
    // A panic is a failure of the message here, and is shown as one.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = run::roundtrip(plan, &|done| bar.set_position(done));
    let outcome = match result {
        Ok(report) => {
            bar.finish_and_clear();
            (summary(plan, &report, start.elapsed()), 0)
        }
        Err(failure) => {
            bar.abandon();
            (failed(&failure), FAILED)
        }
    };
    std::panic::set_hook(hook);
    outcome
}

/// Rate and time left on a terminal; nothing elsewhere.
fn progress_bar(count: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(5)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(count), target);
    let template = "{bar:30} {pos}/{len} messages, {per_sec}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn summary(plan: Plan, report: &Report, time: Duration) -> String {
    let seconds = time.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let (rate, volume) = (plan.count as f64 / seconds, report.bytes as f64 / 1e6);
    let mut text = format!("{}", report.features);
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\n{} messages from seed {}, {volume:.1} MB, in {seconds:.1} s on {} threads: {rate:.0} messages/s, {:.1} MB/s\n\
         digest {}\nno failure\n",
        plan.count,
        plan.seed,
        plan.threads,
        volume / seconds,
        digest::hex(&report.digest),
    );
    text
}

/// The failure, the shrunk case, and how to run it again.
fn failed(failure: &Failure) -> String {
    let small = shrink::failure(failure);
    let mut text = format!("{failure}\n\n{}\n", small.failure);
    text.push_str("\nThe smallest message that fails so, line by line:\n");
    for line in small.bytes.split_inclusive(|&byte| byte == b'\n') {
        let _ = writeln!(text, "  {}", shown(line));
    }
    let _ = writeln!(
        text,
        "\nRun it again with: scop corpus roundtrip --count 1 --seed {}",
        failure.seed
    );
    text
}

/// Writes the messages.
pub(crate) fn generate(arguments: &Generate) -> Result<(), Error> {
    let out = arguments.out.as_path();
    if out.as_os_str() == "-" {
        let stdout = io::BufWriter::new(io::stdout().lock());
        // Whoever reads may stop when they have seen enough.
        return crate::unless_closed(into_mbox(arguments, stdout));
    }
    if out.extension().is_some_and(|extension| extension == "mbox") {
        let file = File::create_new(out).map_err(|error| failure(out, &error))?;
        return into_mbox(arguments, io::BufWriter::new(file))
            .map_err(|error| failure(out, &error));
    }
    if out.exists() && !out.is_dir() {
        let rule = "is there and is no folder; a file for messages ends in .mbox";
        return Err(Error::new(out.display(), rule));
    }
    fs::create_dir_all(out).map_err(|error| failure(out, &error))?;
    each(arguments, |seed, message| {
        let path = out.join(format!("{seed}.eml"));
        fs::write(&path, message).map_err(|error| failure(&path, &error))
    })
}

fn into_mbox(arguments: &Generate, mut out: impl io::Write) -> io::Result<()> {
    each(arguments, |_, message| mbox::write(message, &mut out))?;
    out.flush()
}

/// Hands each message to `take`.
fn each<E>(
    arguments: &Generate,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = Vec::new();
    let mut features = Features::default();
    for index in 0..arguments.count {
        let seed = arguments.seed.wrapping_add(index);
        let message = generate::message(seed);
        bytes.clear();
        write::message(&message, &mut bytes, &mut features);
        take(seed, &bytes)?;
    }
    Ok(())
}

fn failure(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => Error::new(
            path.display(),
            "is there already; an mbox is never written over a file",
        ),
        _ => Error::new(path.display(), reason(error)),
    }
}
