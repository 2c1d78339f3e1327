//! The Sender: takes mail from its spool, signs it, finds the servers of its recipients, and tries until it is
//! delivered or has failed.

pub(crate) mod address;
pub(crate) mod config;
pub(crate) mod mx;
mod sign;
pub(crate) mod sts;
mod submit;
pub(crate) mod tls_report;
mod way;

use std::fs::DirBuilder;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tokio::task::spawn_blocking;

use self::config::{Config, Route};
use self::sign::Keys;
use self::tls_report::Reports;
use self::way::Way;
use crate::cli::Send;
use crate::deliver::Pool;
use crate::error::Error;
use crate::message::reason;
use crate::queue::{Options, Queue};
use crate::service::{self, Reload, Setup, Stop, listen, log, metrics};
use crate::spool::Spool;

/// One domain gets this share of all that is under way at most, so that four slow ones are needed to slow the others.
const SHARE: usize = 4;

/// Runs until it is told to stop; or puts a message into the spool.
pub(crate) fn run(arguments: &Send) -> Result<(), Error> {
    if let Some(file) = &arguments.file {
        // Whoever puts a message in has no part in the keys.
        let config: Config = service::config::read(&arguments.config)?;
        let id = submit::run(&config, arguments, file)?;
        return crate::print(&format!("{id}\n"));
    }
    let (config, file) = service::config::open::<Config>(&arguments.config)?;
    let figures = metrics::Sender::new();
    if arguments.check_config {
        file.say_warnings();
        let keys = Keys::read(&config.sign)?;
        Way::new(&config, keys, None, &figures)?;
        return crate::print(&service::config::report(&arguments.config, &config));
    }
    log::start(&config.log);
    file.log_warnings();
    let socket = (config.metrics.map(listen::bind).transpose())
        .map_err(|error| file.error("metrics", error))?;
    let opened = Opened::new(&config, &figures)?;
    let setup = Setup {
        file,
        sandbox: (!arguments.no_sandbox).then(|| config.sandbox()),
        threads: config.threads,
    };
    service::run(&setup, |stop, reload| {
        opened.work(&config, &figures, socket, stop, reload)
    })
}

/// A sender with all that its configuration names.
struct Opened {
    keys: Keys,
    queue: Queue<Way>,
    pool: Pool,
    /// None where no reports of TLS are sent.
    reports: Option<Reports>,
}

impl Opened {
    fn new(config: &Config, figures: &metrics::Sender) -> Result<Self, Error> {
        let spool = open(&config.spool)?;
        make(&config.state)?;
        let keys = Keys::read(&config.sign)?;
        let way = Way::new(config, keys.clone(), Some(&spool), figures)?;
        let (pool, reports) = (way.pool(), way.reports());
        let places = config.limits.messages.max(1);
        let share = match &config.route {
            Route::Mx { .. } => places.div_ceil(SHARE),
            // All domains go to one server.
            Route::Smtp { .. } | Route::Lmtp { .. } => places,
        };
        let options = Options {
            places,
            share,
            stop: config.limits.stop.0,
            ..Options::new(
                config.name.clone(),
                config.retry.clone(),
                figures.queue.clone(),
            )
        };
        let queue = Queue::new(spool.clone(), Some(spool), way, options)?;
        Ok(Self {
            keys,
            queue,
            pool,
            reports,
        })
    }

    async fn work(
        self,
        config: &Config,
        figures: &metrics::Sender,
        socket: Option<TcpListener>,
        stop: Stop,
        reload: Reload,
    ) -> Result<(), Error> {
        if let Some(socket) = socket {
            let socket = tokio::net::TcpListener::from_std(socket)
                .map_err(|error| Error::new("metrics", reason(&error)))?;
            tokio::spawn(metrics::serve(socket, figures.registry(), stop.clone()));
        }
        tracing::info!(name = config.name, spool = %config.spool.display(), keys = config.sign.len(), "sending");
        if let Some(reports) = self.reports.clone() {
            tokio::spawn(reports.run(stop.clone()));
        }
        let reading = read_keys_again(config.sign.clone(), self.keys, reload);
        tokio::select! {
            () = self.queue.run(stop) => {}
            () = reading => {}
        }
        self.pool.close().await;
        if let Some(reports) = self.reports {
            reports.save().await;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// At each SIGHUP. Never returns.
async fn read_keys_again(config: Vec<config::Key>, keys: Keys, mut reload: Reload) {
    loop {
        reload.requested().await;
        let (keys, config) = (keys.clone(), config.clone());
        match spawn_blocking(move || keys.read_again(&config)).await {
            Ok(Ok(())) => tracing::info!("keys read again"),
            Ok(Err(error)) => tracing::error!(%error, "a key cannot be used; those of before stay"),
            Err(_) => tracing::error!("a fault of scop: keys were not read again"),
        }
    }
}

fn open(folder: &Path) -> Result<Spool, Error> {
    Spool::open(folder).map_err(|error| Error::new(folder.display(), reason(&error)))
}

fn make(folder: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Error::new(folder.display(), reason(&error)))
}
