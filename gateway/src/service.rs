//! What both services have in common: configuration, log, figures, confinement, the order of starting and
//! stopping.
//!
//! A service starts in this order: its configuration is read and its log is started ([`log::start`]), sockets
//! are bound ([`listen::bind`]), folders and keys are opened; then [`run`] confines the process, makes the
//! threads, and does the work.

pub(crate) mod config;
pub(crate) mod files;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod notify;
pub(crate) mod sandbox;

use std::num::NonZeroUsize;
use std::process;
use std::thread::available_parallelism;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use self::notify::Notify;
use self::sandbox::Sandbox;
use crate::error::Error;
use crate::message::reason;
use crate::terminal::shown;

/// Threads for work on files. Each waits for the disk most of its time, and several flushes at once cost
/// hardly more than one.
const FILE_THREADS: usize = 64;

/// What is still being written when all else has stopped gets this long.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// The exit code after a second signal.
const CUT_SHORT: i32 = 1;

/// How a service is run.
#[derive(Debug)]
pub(crate) struct Setup {
    /// The configuration.
    pub(crate) file: config::File,
    /// None with `--no-sandbox`.
    pub(crate) sandbox: Option<Sandbox>,
    /// One for each core without it.
    pub(crate) threads: Option<NonZeroUsize>,
}

/// Confines the process, makes the threads, and does `work` until that ends, which it does after [`Stop`].
///
/// SIGTERM and SIGINT ask for the stop; a second one ends the process at once. SIGHUP asks for the reading of
/// files again ([`Reload`]).
pub(crate) fn run<F>(setup: &Setup, work: impl FnOnce(Stop, Reload) -> F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    raise_file_limit();
    // These look at files and make sockets, which is over with the confinement.
    let notify = Notify::open();
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = setup.threads.map_or(cores, NonZeroUsize::get);
    if let Some(sandbox) = &setup.sandbox {
        sandbox.confine()?;
    } else {
        warn!("{}", sandbox::LOST);
    }
    let runtime = runtime(threads)?;
    let ended = runtime.block_on(async {
        let (stopper, stop) = Stop::new();
        let (reloader, reload) = Reload::new();
        let mut signals = Signals::new()?;
        let work = work(stop.clone(), reload);
        notify.ready();
        tokio::pin!(work);
        loop {
            let signal = tokio::select! {
                ended = &mut work => return ended,
                signal = signals.next() => signal,
            };
            match signal {
                Told::Stop(name) if stop.is_requested() => {
                    warn!(
                        signal = name,
                        "told to stop a second time: what was begun is cut short"
                    );
                    process::exit(CUT_SHORT);
                }
                Told::Stop(name) => {
                    info!(signal = name, "stopping: what was begun is finished");
                    notify.stopping();
                    // Nobody listens when the work has just ended.
                    let _ = stopper.send(true);
                }
                Told::Reload => {
                    info!("told to read certificates, users and keys again");
                    if setup.file.has_changed().await {
                        warn!(
                            file = %shown(setup.file.path().as_os_str().as_encoded_bytes()),
                            "the configuration has changed since the start: a restart reads it again, SIGHUP does not"
                        );
                    }
                    let _ = reloader.send(());
                }
            }
        }
    });
    runtime.shutdown_timeout(LAST_WRITES);
    ended
}

/// Threads for the work, and for files.
fn runtime(threads: usize) -> Result<Runtime, Error> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(FILE_THREADS)
        .thread_name("scop")
        .enable_all()
        .build()
        .map_err(|error| Error::new("the threads cannot be made", reason(&error)))
}

/// Each connection and each message takes a file descriptor: as many as the system allows.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "the limit of open files stays as it is");
    }
}

/// How many files may be open; none when there is no limit.
pub(crate) fn file_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Says when the service is to stop: no new work then, and what was begun is finished.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// The other end says `true` when it is time.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is time, at once if it was before.
    pub(crate) async fn requested(&mut self) {
        // An end that went away is one that stops.
        let _ = self.0.wait_for(|&stop| stop).await;
    }
}

/// Says when files are to be read again: certificates, users, keys.
#[derive(Clone, Debug)]
pub(crate) struct Reload(watch::Receiver<()>);

impl Reload {
    pub(crate) fn new() -> (watch::Sender<()>, Self) {
        let (sender, receiver) = watch::channel(());
        (sender, Self(receiver))
    }

    /// Returns at the next time; never when nobody is left to say so.
    pub(crate) async fn requested(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The signals that a service listens to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal says.
enum Told {
    Stop(&'static str),
    Reload,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|error| Error::new("signals", reason(&error)));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Told::Stop("SIGINT"),
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}
