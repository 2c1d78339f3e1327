//! The Receiver: takes mail over SMTP and LMTP, checks it while it arrives, and keeps it or hands it on.
//!
//! [`listener`] accepts connections within limits; [`session`] drives the server machine for each; [`recipients`]
//! and [`users`] say for whom and from whom mail is taken; [`transaction`] takes the content of a message through
//! [`author`] or [`checks`] into [`content`], and [`deliver`] commits it. Only then is it answered for.
//!
//! In the folder `state`: `arriving` for bodies that are too long for memory, which have no name there; and a
//! [`spool`](crate::spool) for messages on their way from here.

mod author;
pub(crate) mod checks;
pub(crate) mod config;
mod content;
mod deliver;
mod listener;
mod login;
mod offer;
mod recipients;
mod replies;
mod session;
pub(crate) mod trace;
mod transaction;
pub(crate) mod users;
mod way;

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use scop_smtp_proto::server::{Buffers, Limits, Server, Timeouts};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use self::checks::Checker;
use self::config::{Authors, Config, OnDmarc};
use self::content::Folder;
use self::deliver::Destination;
use self::listener::{Gate, Listener, Pass};
use self::offer::Offer;
use self::users::Users;
use self::way::Way;
use crate::cli::Receive;
use crate::deliver::Fixed;
use crate::error::Error;
use crate::message::reason;
use crate::queue::Queue;
use crate::resolve::Resolver;
use crate::service::{self, Reload, Setup, Stop, metrics};
use crate::tls::server::Certificate;

/// Passwords that are judged at once: each takes a core for its time.
const LOGINS: usize = 4;

/// Messages of one connection. The server of a list keeps one for hours; the machine ends it after a day.
const TRANSACTIONS: u32 = 1_000_000;

/// What could not be delivered to one of several Maildirs is tried again after this time.
const SWEEP: Duration = Duration::from_secs(60);

/// What all sessions share.
struct Receiver {
    name: String,
    limits: Limits,
    timeouts: Timeouts,
    free_space: u64,
    authserv_id: String,
    checker: Option<Checker>,
    enforce: bool,
    folder: Folder,
    users: Option<RwLock<Arc<Users>>>,
    /// From and Sender are held against the addresses of the user.
    own_authors: bool,
    logins: Semaphore,
    certificate: Option<Arc<Certificate>>,
    figures: metrics::Receiver,
}

/// What the sessions of one listener share.
struct Desk {
    kind: config::Kind,
    offer: Offer,
    way: Arc<Way>,
}

/// Runs until it is told to stop.
pub(crate) fn run(arguments: &Receive) -> Result<(), Error> {
    let (config, file) = service::config::open::<Config>(&arguments.config)?;
    if arguments.check_config {
        file.say_warnings();
        Opened::new(&config, true)?;
        return crate::print(&service::config::report(&arguments.config, &config));
    }
    service::log::start(&config.log);
    file.log_warnings();
    let listeners = (config.listen.iter().enumerate())
        .map(|(index, listen)| {
            Listener::bind(listen)
                .map_err(|error| file.error(&format!("listen.{index}.address"), error))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let figures = (config.metrics.map(service::listen::bind).transpose())
        .map_err(|error| file.error("metrics", error))?;
    let opened = Opened::new(&config, false)?;
    let setup = Setup {
        file,
        sandbox: (!arguments.no_sandbox).then(|| config.sandbox()),
        threads: config.threads,
    };
    service::run(&setup, |stop, reload| async move {
        if let Some(socket) = figures {
            let socket = tokio::net::TcpListener::from_std(socket)
                .map_err(|error| Error::new("metrics", reason(&error)))?;
            let registry = opened.receiver.figures.registry();
            tokio::spawn(metrics::serve(socket, registry, stop.clone()));
        }
        opened.work(&config, listeners, stop, reload).await
    })
}

/// A receiver with all that its configuration names.
struct Opened {
    receiver: Arc<Receiver>,
    /// Of `[deliver]`.
    inside: Option<Arc<Way>>,
    /// Of `[submit]`.
    submit: Option<Arc<Way>>,
    /// Of messages that are handed on.
    queue: Option<Queue<Fixed>>,
}

impl Opened {
    /// Opens all of it; for a check no folder is made and none is locked, as the service may be running.
    fn new(config: &Config, is_check: bool) -> Result<Self, Error> {
        trace::check_name(&config.name)?;
        let place = |path: &Path, error: &io::Error| Error::new(path.display(), reason(error));
        let figures = metrics::Receiver::new();
        let arriving = config.state.join("arriving");
        let folder = Folder::new(&arriving);
        if !is_check {
            folder.make().map_err(|error| place(&arriving, &error))?;
        }
        let (inside, queue) = match &config.deliver {
            Some(deliver) => {
                let (way, queue) = Way::inside(config, deliver, &figures, is_check)?;
                (Some(way), queue)
            }
            None => (None, None),
        };
        let users = (config.submit.as_ref())
            .map(|submit| Users::read(&submit.users))
            .transpose()?;
        let submit = (config.submit.as_ref())
            .map(|submit| Way::submit(&submit.spool, is_check))
            .transpose()?;
        let authserv_id = config.authserv_id.as_ref().unwrap_or(&config.name);
        let checker = if config.checks.enabled {
            let resolver = Resolver::of_service(&config.dns)?;
            Some(Checker::new(resolver, authserv_id.clone())?)
        } else {
            None
        };
        let mut limits = Limits::DEFAULT;
        limits.message_octets = config.limits.message;
        limits.recipients = config.limits.recipients;
        limits.transactions = TRANSACTIONS;
        let receiver = Receiver {
            name: config.name.clone(),
            limits,
            timeouts: session::timeouts(config.limits.timeout.0),
            free_space: config.limits.free_space,
            authserv_id: authserv_id.clone(),
            checker,
            enforce: config.checks.dmarc == OnDmarc::Enforce,
            folder,
            users: users.map(|users| RwLock::new(Arc::new(users))),
            own_authors: (config.submit.as_ref()).is_some_and(|submit| submit.from == Authors::Own),
            logins: Semaphore::new(LOGINS),
            certificate: (config.tls.as_ref())
                .map(|tls| Certificate::open(&tls.certificate, &tls.key).map(Arc::new))
                .transpose()?,
            figures,
        };
        let opened = Self {
            receiver: Arc::new(receiver),
            inside: inside.map(Arc::new),
            submit: submit.map(Arc::new),
            queue,
        };
        for listen in &config.listen {
            opened.desk(config, listen.kind)?;
        }
        Ok(opened)
    }

    /// What a listener needs, if it has all of it.
    fn desk(&self, config: &Config, kind: config::Kind) -> Result<Desk, Error> {
        let place = || format!("listener of kind {}", kind.name());
        let (way, table) = if kind.is_submission() {
            (&self.submit, "[submit]")
        } else {
            (&self.inside, "[deliver]")
        };
        let way = (way.as_ref()).ok_or_else(|| Error::new(place(), format!("it needs {table}")))?;
        if kind.is_submission() && self.receiver.certificate.is_none() {
            return Err(Error::new(
                place(),
                "it needs [tls]: users log in under TLS only",
            ));
        }
        let has_tls = self.receiver.certificate.is_some();
        let offer = Offer::new(kind, config.limits.message, has_tls, way.honours);
        let extensions = offer.list();
        let machine = scop_smtp_proto::server::Config::new(&config.name, &extensions);
        let (mut input, mut output) = ([0; 2048], [0; 2048]);
        let buffers = Buffers {
            input: &mut input,
            output: &mut output,
        };
        Server::new(machine, buffers, session::now()).map_err(|rule| Error::new("name", rule))?;
        drop(extensions);
        Ok(Desk {
            kind,
            offer,
            way: Arc::clone(way),
        })
    }

    async fn work(
        mut self,
        config: &Config,
        listeners: Vec<Listener>,
        mut stop: Stop,
        reload: Reload,
    ) -> Result<(), Error> {
        let gate = Gate::new(&config.limits);
        // Each session holds a sender; when all are gone, so are the sessions.
        let (alive, mut ended) = mpsc::channel::<Infallible>(1);
        let mut accepting = JoinSet::new();
        for listener in listeners {
            let desk = Arc::new(self.desk(config, listener.kind)?);
            let (receiver, alive) = (Arc::clone(&self.receiver), alive.clone());
            let sessions_stop = stop.clone();
            let begin = move |stream, peer, pass: Pass| {
                let receiver = Arc::clone(&receiver);
                let desk = Arc::clone(&desk);
                let (alive, stop) = (alive.clone(), sessions_stop.clone());
                receiver.figures.connections.inc();
                receiver.figures.open.inc();
                tokio::spawn(async move {
                    let figures = receiver.figures.clone();
                    session::serve(receiver, desk, stream, peer, pass.client(), stop).await;
                    figures.open.dec();
                    drop((pass, alive));
                });
            };
            let refused = self.receiver.figures.refused.clone();
            accepting.spawn(listener.serve(Arc::clone(&gate), refused, stop.clone(), begin));
        }
        if let Some(certificate) = &self.receiver.certificate {
            let watch = Arc::clone(certificate).watch(reload.clone(), stop.clone());
            tokio::spawn(watch);
        }
        tokio::spawn(read_again(
            Arc::clone(&self.receiver),
            config.clone(),
            reload,
        ));
        if let Some(way) = &self.inside {
            tokio::spawn(sweep(Arc::clone(way)));
        }
        let mut working = JoinSet::new();
        if let Some(queue) = self.queue.take() {
            working.spawn(queue.run(stop.clone()));
        }
        drop(alive);
        stop.requested().await;
        while let Some(listener) = accepting.join_next().await {
            if let Ok(Err(error)) = listener {
                error!(error = reason(&error), "a listener failed");
            }
        }
        let open = gate.count();
        let all_ended = tokio::time::timeout(config.limits.stop.0, async {
            ended.recv().await;
            while working.join_next().await.is_some() {}
        });
        if all_ended.await.is_err() {
            warn!(sessions = gate.count(), "cut short");
        }
        info!(sessions = open, "stopped");
        Ok(())
    }
}

/// Delivers what is left for several Maildirs: now, and from time to time.
async fn sweep(way: Arc<Way>) {
    loop {
        let swept = Arc::clone(&way);
        let work = tokio::task::spawn_blocking(move || {
            if let (Destination::Mailboxes(mailboxes), Some(recipients)) =
                (&swept.destination, &swept.recipients)
            {
                mailboxes.sweep(recipients);
            }
        });
        if let Err(error) = work.await {
            error!(%error, "the spool was not swept");
        }
        tokio::time::sleep(SWEEP).await;
    }
}

/// Reads the users again when asked to. What cannot be read leaves the old in place.
async fn read_again(receiver: Arc<Receiver>, config: Config, mut reload: Reload) {
    loop {
        reload.requested().await;
        let (receiver, config) = (Arc::clone(&receiver), config.clone());
        let work = tokio::task::spawn_blocking(move || {
            if let (Some(users), Some(submit)) = (&receiver.users, &config.submit) {
                match Users::read(&submit.users) {
                    Ok(read) => {
                        info!(users = read.len(), "users read again");
                        let mut users = users.write().unwrap_or_else(PoisonError::into_inner);
                        *users = Arc::new(read.in_place_of(&users));
                    }
                    Err(error) => error!(%error, "the users stay as they were"),
                }
            }
        });
        if let Err(error) = work.await {
            error!(%error, "reading again failed");
        }
    }
}

impl Receiver {
    /// The users of now; none where nobody can log in.
    fn users(&self) -> Arc<Users> {
        self.users.as_ref().map_or_else(Arc::default, |users| {
            Arc::clone(&users.read().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Whether a message of this size finds room on the disk.
    fn has_room(&self, way: &Way, size: u64) -> bool {
        let need = self.free_space.saturating_add(size);
        way.free_space(&self.folder) >= need
    }
}
