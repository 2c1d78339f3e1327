//! Asks DNS servers: the sockets, the clock and the randomness around `scop-dnssec`'s stub resolver.
//!
//! Each transmission has a socket of its own, connected to its server, on a port that the system chooses
//! at random (RFC 5452 9.2).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use scop_core::{
    Answer, Emit as _, Failure, Instant, NameBuf, Query, QueryName, Rdata, Rtype, Security,
};
use scop_dnssec::stub::Problem;
use scop_dnssec::{Entropy, Step, Stub, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tracing::{debug, trace};

use super::system::Servers;
use super::{Origin, Outcome, Reply};
use crate::message::reason;

/// Room for the longest reply there is (RFC 1035 4.2.2).
const MAX_REPLY: usize = 65_535;

/// Octets received at once: more than the stub lets servers send over UDP, and a chunk of a TCP stream.
const CHUNK: usize = 4096;

/// The servers, and how to ask them.
#[derive(Clone, Debug)]
pub(crate) struct Client(Arc<Servers>);

/// One question on its way to the servers.
#[derive(Debug)]
pub(crate) struct Lookup {
    servers: Arc<Servers>,
    name: NameBuf,
    rtype: Rtype,
}

impl Client {
    pub(crate) fn new(servers: Servers) -> Self {
        Self(Arc::new(servers))
    }

    /// Prepares to ask.
    pub(crate) fn lookup(&self, name: NameBuf, rtype: Rtype) -> Lookup {
        Lookup {
            servers: Arc::clone(&self.0),
            name,
            rtype,
        }
    }
}

impl Lookup {
    /// What is asked.
    pub(crate) const fn question(&self) -> (NameBuf, Rtype) {
        (self.name, self.rtype)
    }

    /// Asks, and waits for the reply. It ends by the limits of the stub.
    pub(crate) async fn run(self) -> Reply {
        let clock = tokio::time::Instant::now();
        let addresses = &self.servers.addresses;
        let mut asked = addresses.first().copied();
        let mut reply = match self.ask(clock, &mut asked).await {
            Ok(reply) => reply,
            Err(why) => Reply::unasked(Outcome::Failed {
                failure: Failure::ServerFailure,
                why,
            }),
        };
        reply.origin = asked.map_or(Origin::Nobody, Origin::Server);
        reply.elapsed = Some(clock.elapsed());
        reply
    }

    async fn ask(
        &self,
        clock: tokio::time::Instant,
        asked: &mut Option<SocketAddr>,
    ) -> Result<Reply, String> {
        let now = || Instant(u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX));
        let mut entropy = [0; Entropy::LEN];
        getrandom::fill(&mut entropy)
            .map_err(|error| format!("the system has no randomness: {error}"))?;
        let query = Query {
            name: QueryName::from(self.name.as_name()),
            rtype: self.rtype,
        };
        let mut response = vec![0; MAX_REPLY];
        let mut stub = Stub::new(
            query,
            &self.servers.stub_config(),
            Entropy(entropy),
            &mut response,
            now(),
        )
        .map_err(|error| error.to_string())?;
        let mut channel = Channel::closed();
        let mut fault = None;
        let mut buffer = vec![0; CHUNK];
        loop {
            match stub.poll() {
                Step::Done => break,
                Step::Transmit(transport, server) => {
                    let address = self.servers.addresses.get(server).copied();
                    *asked = address.or(*asked);
                    trace!(
                        "{} {} to {address:?} over {transport:?}",
                        self.name, self.rtype
                    );
                    channel = Channel {
                        transport,
                        server,
                        socket: address.map_or(Socket::Closed, |address| Socket::New {
                            address,
                            octets: stub.transmit().to_vec(),
                        }),
                    };
                }
                Step::Wait(until) => {
                    let until = clock + Duration::from_millis(until.0);
                    let received = channel.receive(&mut buffer);
                    match tokio::time::timeout_at(until, received).await {
                        Ok(Ok(count)) => {
                            let octets = buffer.get(..count).unwrap_or_default();
                            stub.handle_input(channel.transport, channel.server, octets, now());
                        }
                        Ok(Err(error)) => {
                            debug!("{} {}: {error}", self.name, self.rtype);
                            fault = Some(reason(&error));
                            channel.socket = Socket::Closed;
                            stub.handle_closed(channel.transport, channel.server, now());
                        }
                        // The clock of the timer may be behind by a part of a millisecond.
                        Err(_) => stub.handle_timeout(now() + Duration::from_millis(1)),
                    }
                }
            }
        }
        Ok(self.read(&stub, fault))
    }

    /// What the stub came to, with storage of its own.
    fn read(&self, stub: &Stub<'_>, fault: Option<String>) -> Reply {
        let answer = stub.answer().unwrap_or(Answer::Failed(Failure::Timeout));
        let mut security = Security::Indeterminate;
        let outcome = match answer {
            Answer::Records(records, found) => {
                security = found;
                Outcome::Records(records.iter().map(|rdata| rdata.to_vec()).collect())
            }
            Answer::NoData(found) => {
                security = found;
                Outcome::NoData
            }
            Answer::NxDomain(found) => {
                security = found;
                Outcome::NxDomain
            }
            Answer::Failed(failure) => Outcome::Failed {
                failure,
                why: self.explain(stub, failure, fault),
            },
        };
        let mut aliases = Vec::new();
        if let Some(message) = stub.response() {
            for record in message.answers() {
                if let Rdata::Cname(target) = record.rdata {
                    aliases.push(NameBuf::from(target));
                }
            }
        }
        // The aliases of earlier messages of a chain are gone; where they led is known.
        if aliases.is_empty() && stub.counters().aliases > 0 {
            aliases.push(NameBuf::from(stub.name()));
        }
        Reply {
            aliases,
            security,
            ttl: stub.ttl(),
            ..Reply::unasked(outcome)
        }
    }

    /// The servers, and what became of the question; `fault` is why the system closed the last socket.
    fn explain(&self, stub: &Stub<'_>, failure: Failure, fault: Option<String>) -> String {
        let servers: Vec<String> = self
            .servers
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        let servers = servers.join(", ");
        match (stub.problem(), fault) {
            (Some(Problem::Closed), Some(fault)) => format!("{servers}: {fault}"),
            (Some(problem), _) => format!("{servers}: {problem}"),
            (None, _) => format!("{servers}: {failure}"),
        }
    }
}

/// The open transmission.
struct Channel {
    transport: Transport,
    server: usize,
    socket: Socket,
}

enum Socket {
    /// To be opened, and the octets to be sent.
    New {
        address: SocketAddr,
        octets: Vec<u8>,
    },
    Udp(UdpSocket),
    Tcp(TcpStream),
    Closed,
}

impl Channel {
    fn closed() -> Self {
        Self {
            transport: Transport::Udp,
            server: 0,
            socket: Socket::Closed,
        }
    }

    /// Sends what is to be sent, and waits for octets. A closed channel never has any.
    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Socket::New { address, octets } = &self.socket {
            self.socket = match self.transport {
                Transport::Udp => {
                    let any: SocketAddr = match address {
                        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                    };
                    let socket = UdpSocket::bind(any).await?;
                    socket.connect(address).await?;
                    socket.send(octets).await?;
                    Socket::Udp(socket)
                }
                Transport::Tcp => {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.write_all(octets).await?;
                    Socket::Tcp(stream)
                }
            };
        }
        match &mut self.socket {
            Socket::Udp(socket) => socket.recv(buffer).await,
            Socket::Tcp(stream) => match stream.read(buffer).await? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                count => Ok(count),
            },
            Socket::New { .. } | Socket::Closed => std::future::pending().await,
        }
    }
}
