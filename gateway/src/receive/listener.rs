//! The sockets on which clients are awaited, how many clients there may be, and what each may have.
//!
//! Whoever comes when there is no place is told 421 and closed at once, before any other work: so a flood costs
//! two system calls for each connection, and those that were there before do not notice it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::config::{Kind, Limits, Listen};
use super::content::Memory;
use super::transaction::LONGEST_HEADER;
use crate::error::Error;
use crate::message::reason;
use crate::service::Stop;
use crate::service::listen::bind;
use crate::service::metrics::Counts;

/// A refusal to accept, such as for want of file descriptors, passes.
const PAUSE: Duration = Duration::from_millis(100);

/// What is logged of a flood, at most so often.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// RFC 5321 3.1 has 421 for it; no name of the host, so that it is one constant.
const FULL: &[u8] = b"421 4.7.0 Too many connections, try again later\r\n";

/// A socket that is bound.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    pub(crate) kind: Kind,
}

impl Listener {
    /// Binds, and says in the log where: the port may have been left to the system.
    pub(crate) fn bind(listen: &Listen) -> Result<Self, Error> {
        let Listen { address, kind } = *listen;
        let socket = bind(address)?;
        let address = (socket.local_addr())
            .map_err(|error| Error::new(format_args!("listen {address}"), reason(&error)))?;
        info!(%address, kind = %kind.name(), "listening");
        Ok(Self { socket, kind })
    }

    /// Accepts until it is time to stop; then the socket is closed.
    pub(crate) async fn serve(
        self,
        gate: Arc<Gate>,
        refused: Counts<1>,
        mut stop: Stop,
        mut begin: impl FnMut(TcpStream, SocketAddr, Pass),
    ) -> io::Result<()> {
        let socket = tokio::net::TcpListener::from_std(self.socket)?;
        let mut failures = Seldom::default();
        let mut refusals = Seldom::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match gate.enter(peer.ip()) {
                    Ok(pass) => begin(stream, peer, pass),
                    Err(full) => {
                        refuse(&stream, self.kind);
                        refused.add([full.word()]);
                        if let Some(times) = refusals.note() {
                            warn!(client = %peer.ip(), %full, times, "connections refused");
                        }
                    }
                },
                // The client is gone already.
                Err(error) if is_of_the_client(&error) => debug!(%error, "not accepted"),
                Err(error) => {
                    if let Some(times) = failures.note() {
                        warn!(error = reason(&error), times, "cannot accept connections");
                    }
                    tokio::select! {
                        () = stop.requested() => return Ok(()),
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
    }
}

/// Says so, if the socket takes it at once.
fn refuse(stream: &TcpStream, kind: Kind) {
    // Whoever awaits TLS could not read it.
    if kind != Kind::Submissions {
        let _ = stream.try_write(FULL);
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Counts who is there.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: usize,
    per_client: usize,
    memory: Arc<Memory>,
    /// Octets of it that one client may have.
    share: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    clients: HashMap<IpAddr, Entry>,
}

#[derive(Debug)]
struct Entry {
    count: usize,
    client: Arc<Client>,
}

/// What all connections of one client share.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) memory: Arc<Memory>,
    /// One password at a time is judged.
    pub(crate) login: Semaphore,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    key: IpAddr,
    client: Arc<Client>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    All,
    Client,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::All => "limits.connections",
            Self::Client => "limits.connections_per_client",
        })
    }
}

impl Full {
    /// As the figures have it.
    const fn word(self) -> &'static str {
        match self {
            Self::All => "full",
            Self::Client => "client",
        }
    }
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limit: limits.connections,
            per_client: limits.connections_per_client,
            memory: Memory::new(limits.memory),
            share: share(limits),
            inside: Mutex::default(),
        })
    }

    /// A place for a client.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Result<Pass, Full> {
        let key = key(ip);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.total >= self.limit {
            return Err(Full::All);
        }
        let count = inside.clients.get(&key).map_or(0, |entry| entry.count);
        if count >= self.per_client {
            return Err(Full::Client);
        }
        let entry = inside.clients.entry(key).or_insert_with(|| Entry {
            count: 0,
            client: Arc::new(Client {
                memory: self.memory.part(self.share),
                login: Semaphore::new(1),
            }),
        });
        entry.count = entry.count.saturating_add(1);
        let client = Arc::clone(&entry.client);
        inside.total = inside.total.saturating_add(1);
        drop(inside);
        Ok(Pass {
            gate: Arc::clone(self),
            key,
            client,
        })
    }

    /// How many are there.
    pub(crate) fn count(&self) -> usize {
        self.inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .total
    }
}

impl Pass {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = (self.gate.inside.lock()).unwrap_or_else(PoisonError::into_inner);
        inside.total = inside.total.saturating_sub(1);
        if let Some(entry) = inside.clients.get_mut(&self.key) {
            entry.count = entry.count.saturating_sub(1);
            if entry.count == 0 {
                inside.clients.remove(&self.key);
            }
        }
    }
}

/// Who is counted as one: an IPv4 address, a /64 of IPv6, as one customer of a provider has all of it.
fn key(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let network = u128::from(ip) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        ip @ IpAddr::V4(_) => ip,
    }
}

/// Octets of memory that one client may have: an eighth, more if it may have more of the connections than that, and
/// never less than one message needs.
fn share(limits: &Limits) -> usize {
    let memory = limits.memory as u128;
    let by_connections = memory
        .saturating_mul(limits.connections_per_client as u128)
        .checked_div(limits.connections as u128)
        .unwrap_or(memory)
        .min(memory);
    usize::try_from(by_connections)
        .unwrap_or(limits.memory)
        .max(limits.memory / 8)
        .max(LONGEST_HEADER)
}

/// Notes events of which there may be floods.
#[derive(Debug, Default)]
struct Seldom {
    times: u64,
    told: Option<Instant>,
}

impl Seldom {
    /// How many there were since it was told, when it is to be told again.
    fn note(&mut self) -> Option<u64> {
        self.times = self.times.saturating_add(1);
        let now = Instant::now();
        if self.told.is_some_and(|told| now - told < LOG_EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(connections: usize, connections_per_client: usize) -> Arc<Gate> {
        Gate::new(&Limits {
            connections,
            connections_per_client,
            ..Limits::default()
        })
    }

    #[test]
    fn places() {
        let gate = gate(3, 2);
        let ip = |text: &str| text.parse().unwrap();
        let first = gate.enter(ip("192.0.2.1")).unwrap();
        let _second = gate.enter(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(gate.enter(ip("192.0.2.1")).unwrap_err(), Full::Client);
        let _third = gate.enter(ip("2001:db8::1")).unwrap();
        assert_eq!(gate.enter(ip("192.0.2.2")).unwrap_err(), Full::All);
        drop(first);
        assert_eq!(gate.count(), 2);
        let _fourth = gate.enter(ip("2001:db8::ffff:1")).unwrap();
        assert_eq!(gate.enter(ip("192.0.2.1")).unwrap_err(), Full::All);
    }

    #[test]
    fn networks_of_ipv6_are_one_client() {
        let gate = gate(9, 1);
        let ip = |text: &str| text.parse().unwrap();
        let pass = gate.enter(ip("2001:db8:0:1::1")).unwrap();
        assert!(gate.enter(ip("2001:db8:0:1:ffff::9")).is_err());
        let _other = gate.enter(ip("2001:db8:0:2::1")).unwrap();
        drop(pass);
        assert!(gate.enter(ip("2001:db8:0:1:ffff::9")).is_ok());
        // Nothing is kept of those who are gone.
        assert_eq!(gate.inside.lock().unwrap().clients.len(), 1);
    }

    #[test]
    fn what_one_client_may_have() {
        let gate = gate(5_000, 50);
        let ip = |text: &str| text.parse().unwrap();
        let first = gate.enter(ip("2001:db8:0:1::1")).unwrap();
        let same = gate.enter(ip("2001:db8:0:1::2")).unwrap();
        let other = gate.enter(ip("2001:db8:0:2::1")).unwrap();
        let eighth = Limits::default().memory / 8;
        let mut held = first.client().memory.share();
        assert!(!held.grow(eighth + 1));
        assert!(held.grow(eighth));
        assert!(!same.client().memory.share().grow(1));
        assert!(other.client().memory.share().grow(eighth));
        let _turn = first.client().login.try_acquire().unwrap();
        assert!(same.client().login.try_acquire().is_err());
        assert!(other.client().login.try_acquire().is_ok());
    }

    #[test]
    fn shares() {
        let share = |memory, connections, connections_per_client| {
            share(&Limits {
                connections,
                connections_per_client,
                memory,
                ..Limits::default()
            })
        };
        assert_eq!(share(64 << 20, 5_000, 50), 8 << 20);
        assert_eq!(share(64 << 20, 100, 50), 32 << 20);
        assert_eq!(share(64 << 20, 100, 1_000), 64 << 20);
        assert_eq!(share(64 << 20, 0, 0), 64 << 20);
        assert_eq!(share(1 << 20, 5_000, 50), LONGEST_HEADER);
        assert_eq!(share(usize::MAX, 1, usize::MAX), usize::MAX);
    }

    #[test]
    fn nobody_may_come() {
        let gate = gate(9, 0);
        assert!(gate.enter([192, 0, 2, 1].into()).is_err());
        assert!(gate.inside.lock().unwrap().clients.is_empty());
    }
}
