//! Connections that are kept for the next message, and no more of them than there may be.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use scop_smtp_proto::Domain;
use scop_smtp_proto::client::TlsPolicy;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::letter::{self, Letter};
use super::rest::Rest;
use super::{Delivery, Job, Settings, Target, TlsResult, connection};
use crate::error::Error;
use crate::queue::{Failure, Outcome, Outgoing};

/// The status where a delivery had no turn (RFC 3463 3.5): nothing is known of the server then.
pub(crate) const BUSY: &str = "4.4.5";

/// Connections to servers.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    settings: Arc<Settings>,
    rest: Arc<Rest>,
    hosts: Arc<Mutex<HashMap<SocketAddr, Weak<Host>>>>,
}

/// What is known of one address, as long as there is a delivery or a connection to it.
#[derive(Debug)]
struct Host {
    address: SocketAddr,
    /// Deliveries that may work; first come, first served.
    turns: Semaphore,
    /// Connections that may be there, to their very end.
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A connection, which lives in a task of its own until this is dropped or the server ends it.
#[derive(Debug)]
struct Connection {
    target: Target,
    jobs: mpsc::Sender<Job>,
}

impl Pool {
    /// Without connections.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        if Domain::parse(settings.name.as_bytes()).is_err() {
            return Err(Error::new(
                format_args!("name = {:?}", settings.name),
                "a server calls itself by a domain name or an address in brackets (RFC 5321 4.1.1.1)",
            ));
        }
        Ok(Self {
            rest: Arc::new(Rest::new(settings.rest)),
            settings: Arc::new(settings),
            hosts: Arc::default(),
        })
    }

    /// Hands the message over for the recipients of these indices. A connection of before that turns out to be
    /// dead is replaced by a new one, as long as the server has taken nothing of the message.
    ///
    /// An address that is left alone is not tried; nor is one that comes to be while this waits for its turn.
    pub(crate) async fn deliver(
        &self,
        target: &Target,
        message: &Outgoing,
        recipients: &[usize],
    ) -> Delivery {
        let letter = match Letter::new(message) {
            Ok(letter) => Arc::new(letter),
            Err(error) => return unreadable(&error, recipients.len()),
        };
        let target = demands(target, &letter);
        let host = self.host(target.address);
        let turn = tokio::select! {
            biased;
            failure = self.rest.begins(target.address) => return no_session(failure),
            turn = tokio::time::timeout(self.settings.turn, host.turns.acquire()) => turn,
        };
        let _turn = match turn {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) => return no_session(no_connection()),
            Err(_) => return no_session(busy(&target)),
        };
        let delivery = self.hand_over(&host, target, &letter, recipients).await;
        // While the turn is held, so that whoever has it next knows.
        self.rest.learn(host.address, &delivery);
        delivery
    }

    /// Why this address is left alone now.
    pub(crate) fn rests(&self, address: SocketAddr) -> Option<Failure> {
        self.rest.of(address)
    }

    /// No address is left alone any more.
    pub(crate) fn wake(&self) {
        self.rest.end();
    }

    /// With a turn.
    async fn hand_over(
        &self,
        host: &Arc<Host>,
        mut target: Target,
        letter: &Arc<Letter>,
        recipients: &[usize],
    ) -> Delivery {
        let mut outcomes = vec![None; recipients.len()];
        let parcel = (letter, recipients);
        let (tls, mut failure) = self.send(host, &target, parcel, &mut outcomes).await;
        if let (TlsResult::Failed { words, .. }, Some(_)) = (&tls, &failure)
            && target.tls == TlsPolicy::Opportunistic
            && !target.implicit_tls
            && outcomes.iter().all(Option::is_none)
        {
            // What opportunistic means (RFC 7435 3): rather in the clear than not at all.
            let (id, host_name) = (letter.id.as_str(), target.name());
            tracing::warn!(%id, host = %host_name, why = %words, "TLS failed; the message goes in the clear");
            target.tls = TlsPolicy::None;
            (_, failure) = self.send(host, &target, parcel, &mut outcomes).await;
        }
        if let Some(failure) = failure {
            if outcomes.iter().all(Option::is_none) {
                return Delivery {
                    outcomes: Err(failure),
                    tls,
                };
            }
            for outcome in &mut outcomes {
                outcome.get_or_insert_with(|| Outcome::Deferred(failure.clone()));
            }
        }
        Delivery {
            outcomes: Ok(outcomes.into_iter().flatten().collect()),
            tls,
        }
    }

    /// Ends the connections that wait for messages, and returns when they said QUIT.
    pub(crate) async fn close(&self) {
        let hosts: Vec<_> = lock(&self.hosts)
            .values()
            .filter_map(Weak::upgrade)
            .collect();
        for host in &hosts {
            lock(&host.idle).clear();
        }
        let most = u32::try_from(self.most()).unwrap_or(u32::MAX);
        let ended = async {
            for host in &hosts {
                // All of them are free.
                let _ = host.slots.acquire_many(most).await;
            }
        };
        // QUIT itself takes no longer than that.
        let _ = tokio::time::timeout(self.settings.quit.saturating_mul(2), ended).await;
    }

    /// Sends over as many connections as it takes: those of before while they last, and new ones while they get
    /// on. What TLS came to with the last one, and why not all have an outcome.
    async fn send(
        &self,
        host: &Arc<Host>,
        target: &Target,
        (letter, recipients): (&Arc<Letter>, &[usize]),
        outcomes: &mut [Option<Outcome>],
    ) -> (TlsResult, Option<Failure>) {
        let mut is_fresh = false;
        loop {
            let open: Vec<_> = (recipients.iter().zip(&mut *outcomes))
                .filter(|(_, outcome)| outcome.is_none())
                .collect();
            let reused = if is_fresh { None } else { host.take(target) };
            let is_reused = reused.is_some();
            let connection = match reused {
                Some(connection) => Some(connection),
                None => self.open(host, target).await,
            };
            let Some(connection) = connection else {
                return (TlsResult::None, Some(no_connection()));
            };
            let (answer, answered) = oneshot::channel();
            let job = Job {
                letter: letter.clone(),
                recipients: open.iter().map(|(index, _)| **index).collect(),
                answer,
            };
            let answer = match connection.jobs.send(job).await {
                Ok(()) => answered.await.ok(),
                Err(_) => None,
            };
            let Some(answer) = answer else {
                // It ended before it saw the job.
                if is_reused {
                    continue;
                }
                return (TlsResult::None, Some(no_connection()));
            };
            if answer.is_reusable {
                host.put(connection);
            }
            match answer.outcomes {
                // It was dead: the server has seen nothing of the message.
                Err(_) if is_reused => is_fresh = true,
                Err(failure) => return (answer.tls, Some(failure)),
                Ok(list) => {
                    let mut is_idle = true;
                    for ((_, place), outcome) in open.into_iter().zip(list) {
                        is_idle &= outcome.is_none();
                        *place = outcome;
                    }
                    if outcomes.iter().all(Option::is_some) {
                        return (answer.tls, None);
                    }
                    // The rest goes over another connection, unless a new one does not take any of it.
                    if is_idle && !is_reused {
                        return (answer.tls, Some(takes_none(target)));
                    }
                    is_fresh = true;
                }
            }
        }
    }

    /// There is neither a delivery nor a connection.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let hosts = lock(&self.hosts);
        hosts.values().all(|host| host.strong_count() == 0)
    }

    /// What is known of an address.
    fn host(&self, address: SocketAddr) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(&address).and_then(Weak::upgrade) {
            return host;
        }
        hosts.retain(|_, host| host.strong_count() > 0);
        let most = self.most();
        let host = Arc::new(Host {
            address,
            turns: Semaphore::new(most),
            slots: Arc::new(Semaphore::new(most)),
            idle: Mutex::default(),
        });
        hosts.insert(address, Arc::downgrade(&host));
        host
    }

    /// Connections that there may be to one address.
    fn most(&self) -> usize {
        self.settings.connections_per_host.max(1)
    }

    /// A new connection, which begins with its first job. Where there are as many as there may be, one that
    /// nobody uses goes.
    async fn open(&self, host: &Arc<Host>, target: &Target) -> Option<Connection> {
        let slots = host.slots.clone();
        if slots.available_permits() == 0 {
            // Whoever has a turn finds a connection that is idle, or about to end.
            host.drop_oldest();
        }
        let slot = slots.acquire_owned().await.ok()?;
        let (sender, jobs) = mpsc::channel(1);
        let settings = self.settings.clone();
        let (task_target, task_host) = (target.clone(), host.clone());
        tokio::spawn(async move {
            connection::run(&settings, &task_target, jobs).await;
            task_host.sweep();
            drop(slot);
        });
        Some(Connection {
            target: target.clone(),
            jobs: sender,
        })
    }
}

impl Host {
    /// The connection to this target that was used last.
    fn take(&self, target: &Target) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        idle.retain(|connection| !connection.jobs.is_closed());
        let place = idle
            .iter()
            .rposition(|connection| connection.target == *target)?;
        Some(idle.remove(place))
    }

    fn drop_oldest(&self) {
        let mut idle = lock(&self.idle);
        if !idle.is_empty() {
            idle.remove(0);
        }
    }

    fn put(&self, connection: Connection) {
        lock(&self.idle).push(connection);
    }

    /// Forgets connections that have ended.
    fn sweep(&self) {
        lock(&self.idle).retain(|connection| !connection.jobs.is_closed());
    }
}

/// No code that holds these locks can fail in between.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The target as this message needs it: REQUIRETLS and names have TLS for certain.
fn demands(target: &Target, letter: &Letter) -> Target {
    let mut target = target.clone();
    if letter.requires_tls() && target.names.is_empty() {
        target.names.push(target.name());
    }
    if !target.names.is_empty() {
        target.tls = TlsPolicy::Require;
    }
    target
}

fn unreadable(error: &io::Error, recipients: usize) -> Delivery {
    let failure = letter::unreadable(error);
    Delivery {
        outcomes: Ok(vec![Outcome::Deferred(failure); recipients]),
        tls: TlsResult::None,
    }
}

fn no_session(failure: Failure) -> Delivery {
    Delivery {
        outcomes: Err(failure),
        tls: TlsResult::None,
    }
}

fn busy(target: &Target) -> Failure {
    Failure {
        status: BUSY.to_owned(),
        host: None,
        reply: None,
        why: format!(
            "all connections to {} were in use for too long",
            target.name()
        ),
    }
}

fn no_connection() -> Failure {
    Failure {
        status: "4.3.0".to_owned(),
        host: None,
        reply: None,
        why: "the connection ended on this side".to_owned(),
    }
}

fn takes_none(target: &Target) -> Failure {
    Failure {
        status: "4.5.3".to_owned(),
        host: Some(target.name()),
        reply: None,
        why: format!(
            "{} announces limits that leave no room for a recipient (RFC 9422)",
            target.name()
        ),
    }
}
