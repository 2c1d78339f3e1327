//! An authoritative DNS server on the loopback interface (RFC 1034 4.3.2, RFC 1035 4.2), for as long as the
//! demonstration lasts.
//!
//! It answers from [`Zones`] over UDP and TCP on one port that the system gives. A reply that is too long for
//! UDP is cut at a record and has TC set (RFC 2181 9); a name or a type that is not there comes with the SOA
//! of its zone (RFC 2308 2). Everything is bounded: the length of a query, the connections at once, and how
//! long each may be silent. Octets that are no query get no reply, or the response code that says so.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use scop_core::record::CLASS_IN;
use scop_core::{Name, NameBuf, Rdata, Record, Rtype};
use scop_dnssec::wire::{BuildError, Builder, Flags, Message, Opt, Question, Rcode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use crate::resolve::zone::{Found, Zones};

/// How long answers may be kept, in seconds; a zone of `Zones` does not say.
const TTL: u32 = 60;

/// What a reply over UDP may have without fragments on the way, and what is said in OPT.
const UDP_SIZE: u16 = 1232;

/// What every client takes over UDP (RFC 1035 4.2.1).
const LEAST_UDP_SIZE: u16 = 512;

/// The longest message over TCP (RFC 1035 4.2.2).
const TCP_SIZE: usize = 65_535;

/// Connections at once.
const CONNECTIONS: usize = 32;

/// How long a connection may be silent (RFC 7766 6.2.3: of the order of a few seconds).
const IDLE: Duration = Duration::from_secs(2);

/// How often a free port is looked for that is free for UDP and TCP.
const BIND_ATTEMPTS: usize = 64;

/// How long a socket that fails is left alone.
const PAUSE: Duration = Duration::from_millis(50);

/// Both sockets.
#[derive(Debug)]
pub(crate) struct Server {
    udp: UdpSocket,
    tcp: TcpListener,
    address: SocketAddr,
    zones: Arc<Zones>,
}

impl Server {
    /// Takes a port of 127.0.0.1.
    pub(crate) async fn bind(zones: Zones) -> io::Result<Self> {
        let mut attempt = 0;
        loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = udp.local_addr()?;
            match TcpListener::bind(address).await {
                Ok(tcp) => {
                    return Ok(Self {
                        udp,
                        tcp,
                        address,
                        zones: Arc::new(zones),
                    });
                }
                // Somebody has the same port for TCP.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    attempt += 1;
                    if attempt == BIND_ATTEMPTS {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(self) {
        let Self {
            udp, tcp, zones, ..
        } = self;
        tokio::join!(serve_udp(&udp, &zones), serve_tcp(&tcp, &zones));
    }
}

async fn serve_udp(socket: &UdpSocket, zones: &Zones) {
    // A query with one question and OPT has less; what is cut off here is no message, and so not answered.
    let mut query = vec![0; usize::from(UDP_SIZE)];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut query).await else {
            // The system reports here, too, that a client went away before its reply came.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let reply = respond(
            zones,
            query.get(..length).unwrap_or_default(),
            Transport::Udp,
        );
        if let Some(reply) = reply {
            // Who does not get it asks again.
            let _ = socket.send_to(&reply, from).await;
        }
    }
}

async fn serve_tcp(listener: &TcpListener, zones: &Arc<Zones>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    // They end with the server.
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let zones = Arc::clone(zones);
        tasks.spawn(async move {
            // Whatever ends a connection, its client asks again.
            let _ = converse(stream, &zones).await;
            drop(permit);
        });
    }
}

/// One connection: queries one after the other, each with its length before it.
async fn converse(mut stream: TcpStream, zones: &Zones) -> io::Result<()> {
    loop {
        let query = tokio::time::timeout(IDLE, async {
            let length = stream.read_u16().await?;
            let mut query = vec![0; length.into()];
            stream.read_exact(&mut query).await?;
            io::Result::Ok(query)
        })
        .await??;
        let Some(reply) = respond(zones, &query, Transport::Tcp) else {
            return Ok(());
        };
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        let framed = [&length.to_be_bytes()[..], &reply].concat();
        tokio::time::timeout(IDLE, stream.write_all(&framed)).await??;
    }
}

/// What carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

/// The reply to some octets; none to those that are no query.
fn respond(zones: &Zones, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let query = Message::parse(query).ok()?;
    if query.flags().contains(Flags::QR) {
        return None; // no reply to a reply, or two servers talk for ever
    }
    let size = match (transport, query.opt()) {
        (Transport::Tcp, _) => TCP_SIZE,
        (Transport::Udp, Some(opt)) => opt.udp_size.clamp(LEAST_UDP_SIZE, UDP_SIZE).into(),
        (Transport::Udp, None) => LEAST_UDP_SIZE.into(),
    };
    let mut buffer = vec![0; size];
    // The questions fit: over UDP no more octets are read than a reply may have, and over TCP all are.
    let mut builder = Builder::response(&mut buffer, &query).ok()?;
    if let Some(opt) = query.opt() {
        builder
            .opt(Opt::new(UDP_SIZE).with_dnssec_ok(opt.dnssec_ok()))
            .ok()?;
    }
    match check(&query) {
        Err(rcode) => builder.set_rcode(rcode),
        Ok(question) => match answer(zones, &question, &mut builder) {
            // Cut at a record: TC is set.
            Ok(()) | Err(BuildError::Full) => {}
            Err(_) => builder.set_rcode(Rcode::SERVFAIL),
        },
    }
    Some(builder.finish().ok()?.to_vec())
}

/// The one question, if it is one that this server answers.
fn check<'q>(query: &Message<'q>) -> Result<Question<'q>, Rcode> {
    if query.flags().opcode() != 0 {
        return Err(Rcode::NOTIMP);
    }
    if query.opt().is_some_and(|opt| opt.version != 0) {
        return Err(Rcode::BADVERS);
    }
    let mut questions = query.questions();
    let (Some(question), None) = (questions.next(), questions.next()) else {
        return Err(Rcode::FORMERR);
    };
    if question.class != CLASS_IN {
        return Err(Rcode::REFUSED);
    }
    // Transfers, ANY and other types that only questions have (RFC 6895 3.1).
    if (128..=255).contains(&question.rtype.0) {
        return Err(Rcode::NOTIMP);
    }
    Ok(question)
}

/// Writes what the zones say.
fn answer(
    zones: &Zones,
    question: &Question<'_>,
    builder: &mut Builder<'_, '_>,
) -> Result<(), BuildError> {
    let mut aliases = Vec::new();
    let name = NameBuf::from(question.name);
    let found = zones.lookup(&name, question.rtype, &mut aliases);
    if found == Found::Outside && aliases.is_empty() {
        builder.set_rcode(Rcode::REFUSED);
        return Ok(());
    }
    builder.set_flags(Flags::AA);
    let mut owner = &name;
    for alias in &aliases {
        let target = Rdata::Cname(alias.as_name());
        builder.answer(&record(owner.as_name(), target))?;
        owner = alias;
    }
    match found {
        Found::Records(records) => {
            for data in &records {
                // It was read once already when the zone was.
                if let Ok(rdata) = Rdata::parse_in(data, 0, data.len(), question.rtype) {
                    builder.answer(&record(owner.as_name(), rdata))?;
                }
            }
            Ok(())
        }
        Found::NoData => soa(zones, owner, builder),
        Found::NxDomain => {
            builder.set_rcode(Rcode::NXDOMAIN);
            soa(zones, owner, builder)
        }
        Found::AliasChain => {
            builder.set_rcode(Rcode::SERVFAIL);
            Ok(())
        }
        // Who asked goes on where the aliases lead.
        Found::Outside => Ok(()),
    }
}

/// What says how long it may be remembered that something is not there.
fn soa(zones: &Zones, name: &NameBuf, builder: &mut Builder<'_, '_>) -> Result<(), BuildError> {
    let Some(apex) = zones.apex(name) else {
        return Ok(());
    };
    if let Found::Records(records) = zones.lookup(&apex, Rtype::SOA, &mut Vec::new())
        && let Some(data) = records.first()
        && let Ok(rdata) = Rdata::parse_in(data, 0, data.len(), Rtype::SOA)
    {
        builder.authority(&record(apex.as_name(), rdata))?;
    }
    Ok(())
}

fn record<'a>(owner: Name<'a>, rdata: Rdata<'a>) -> Record<'a> {
    Record {
        owner,
        class: CLASS_IN,
        ttl: TTL,
        rdata,
    }
}

#[cfg(test)]
mod tests;
