//! scop-smtp-proto: a client and a server in memory, with all that both can do.

mod client_host;
mod colour;
mod server_host;

use core::hint::black_box;

use scop_core::crypto::{Hash, HashAlgorithm};
use scop_core::{Full, Instant, Sink, SliceSink};
use scop_smtp_proto::Domain;
use scop_smtp_proto::auth::{self, Mechanism, MechanismSet};
use scop_smtp_proto::client::{self, Client, TlsPolicy};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, Dsn, EightBitMime, EnhancedStatusCodes, Etrn, Extension,
    Pipelining, Protocol, RequireTls, Size, SmtpUtf8, StartTls, Vrfy,
};
use scop_smtp_proto::server::{self, Server};

use crate::crypto_api::PROVIDER;
use crate::tally::Tally;
use client_host::ClientHost;
use colour::Colour;
use server_host::ServerHost;

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\n.\r\n..two\r\n";
const BINARY: &[u8] = b"\0\x80\r\n.\r\n\xff";

/// What one session is to show.
#[derive(Clone, Copy)]
struct Plan<'a> {
    protocol: Protocol,
    message: &'a [u8],
    by_chunks: bool,
    mechanism: Option<Mechanism>,
    password: &'a [u8],
    hash: &'a dyn Hash,
}

/// What both sides saw of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    delivered: u32,
    refused: u32,
    lost: u32,
    authenticated: bool,
    secure: bool,
    answers: u32,
    messages: u32,
    ends: (Option<client::End>, Option<server::End>),
}

/// Lets both talk: SMTP with DATA and with BDAT, AUTH by each kind of mechanism, LMTP; then with a message
/// that must not be sent, and with credentials that are wrong.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let Some(hash) = PROVIDER.hash(HashAlgorithm::Sha256) else {
        tally.check(false);
        return tally.finish();
    };
    let smtp = Plan {
        protocol: Protocol::Smtp,
        message: black_box(MESSAGE),
        by_chunks: false,
        mechanism: Some(Mechanism::Plain),
        password: b"pencil",
        hash,
    };
    let binary = Plan {
        message: black_box(BINARY),
        by_chunks: true,
        mechanism: Some(Mechanism::ScramSha256),
        ..smtp
    };
    let lmtp = Plan {
        protocol: Protocol::Lmtp,
        mechanism: None,
        ..smtp
    };
    let good = Seen {
        delivered: 2,
        refused: 1,
        lost: 0,
        authenticated: true,
        secure: true,
        answers: 4,
        messages: 1,
        ends: (Some(client::End::Quit), Some(server::End::Quit)),
    };
    let seen = session(&smtp, &mut tally);
    tally.equal(seen, Some(good));
    let seen = session(&binary, &mut tally);
    tally.equal(seen, Some(good));
    // One of the recipients fails behind the message.
    let each = Seen {
        delivered: 1,
        refused: 2,
        authenticated: false,
        ..good
    };
    let seen = session(&lmtp, &mut tally);
    tally.equal(seen, Some(each));

    let wrong = Plan {
        password: b"wrong",
        ..smtp
    };
    let unknown = Seen {
        authenticated: false,
        ..good
    };
    let seen = session(&wrong, &mut tally);
    tally.equal(seen, Some(unknown));
    let wrong = Plan {
        password: b"wrong",
        ..binary
    };
    let seen = session(&wrong, &mut tally);
    tally.equal(seen, Some(unknown));
    let bare = Plan {
        message: black_box(b"a\nb"),
        ..smtp
    };
    let seen = session(&bare, &mut tally);
    tally.check(seen.is_some_and(|seen| {
        let is_bare = matches!(seen.ends.0, Some(client::End::BareLineEnd(_)));
        is_bare && seen.lost == 2 && seen.messages == 0
    }));
    let other = Plan {
        message: input,
        by_chunks: true,
        ..lmtp
    };
    let seen = session(&other, &mut tally);
    tally.flag(seen.is_some());
    injected(&mut tally);
    late(&mut tally);
    tally.finish()
}

/// Octets on their way, of which a few at a time arrive.
struct Pipe<'b> {
    octets: &'b mut [u8],
    len: usize,
    read: usize,
}

impl<'b> Pipe<'b> {
    fn new(octets: &'b mut [u8]) -> Self {
        Self {
            octets,
            len: 0,
            read: 0,
        }
    }

    fn unread(&self) -> &[u8] {
        self.octets.get(self.read..self.len).unwrap_or_default()
    }

    fn note_read(&mut self, count: usize) {
        self.read += count;
        if self.read == self.len {
            (self.read, self.len) = (0, 0);
        }
    }
}

impl Sink for Pipe<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let room = self.octets.get_mut(self.len..).ok_or(Full)?;
        let mut room = SliceSink::new(room);
        room.put(bytes)?;
        self.len += bytes.len();
        Ok(())
    }
}

/// The mechanisms that this server knows.
fn offered() -> Auth {
    Auth {
        mechanisms: MechanismSet::default()
            .with(Mechanism::Plain)
            .with(Mechanism::ScramSha256),
        plaintext_allowed: black_box(false),
    }
}

fn session(plan: &Plan<'_>, tally: &mut Tally) -> Option<Seen> {
    let auth = offered();
    let extensions: [&dyn Extension; 14] = [
        &Pipelining,
        &Size(black_box(1000)),
        &EightBitMime,
        &SmtpUtf8,
        &EnhancedStatusCodes,
        &Dsn,
        &Chunking,
        &BinaryMime,
        &StartTls,
        &auth,
        &RequireTls,
        &Etrn,
        &Vrfy,
        &Colour,
    ];
    let (mut lines, mut said) = ([0; 1024], [0; 1024]);
    let mut server_config = server::Config::new("mx.example.net", &extensions);
    server_config.protocol = plan.protocol;
    let buffers = server::Buffers {
        input: &mut lines,
        output: &mut said,
    };
    let server = Server::new(server_config, buffers, Instant(0)).ok()?;
    let mut room = [0; 512];
    let exchange = auth::server::Exchange::new(&mut room).with_hash(plan.hash);
    let mut server = server.with_auth(exchange);
    let (mut replies, mut orders) = ([0; 1024], [0; 1024]);
    let buffers = client::Buffers {
        input: &mut replies,
        output: &mut orders,
    };
    let mut config = client::Config::new(Domain::parse(black_box(b"client.example.org")).ok()?);
    config.protocol = plan.protocol;
    config.extensions = &extensions;
    config.tls = TlsPolicy::Require;
    config.prefer_bdat = plan.by_chunks;
    config.data_in_group = true;
    config.limits.command_line = 512;
    let mut client = Client::new(config, buffers, Instant(0)).ok()?;

    let (mut up, mut down) = ([0; 2048], [0; 2048]);
    let (mut up, mut down) = (Pipe::new(&mut up), Pipe::new(&mut down));
    let mut host = ClientHost::new(plan)?;
    let mut store = ServerHost::new(plan);
    let mut seen = Seen::default();
    // Far more than it takes: a session that does not end gets no verdict.
    for size in [3, 64, 1000].into_iter().cycle().take(3000) {
        let is_over = host.turn(&mut client, &mut up, &mut seen, tally)?;
        if let client::Step::Wait(_) = client.poll()
            && !down.unread().is_empty()
        {
            let mut input = down.unread().get(..size).unwrap_or(down.unread());
            let before = input.len();
            client.handle_input(&mut input, Instant(2));
            let taken = before - input.len();
            down.note_read(taken);
        }
        if is_over && up.unread().is_empty() {
            server.handle_closed();
        }
        let is_done = store.turn(&mut server, &mut down, &mut seen, tally)?;
        if !is_done {
            let mut input = up.unread().get(..size).unwrap_or(up.unread());
            let before = input.len();
            let content = server.handle_input(&mut input, Instant(2));
            store.take(content, tally);
            let taken = before - input.len();
            up.note_read(taken);
        } else if down.unread().is_empty() && !is_over {
            client.handle_closed();
        }
        if is_over && is_done {
            seen.secure = server.session().secure && client.peer().secure;
            seen.authenticated = client.is_authenticated();
            let user = server.identity().map(|identity| identity.user);
            tally.check((user == Some("joe@example.org")) == client.is_authenticated());
            seen.ends = (client.end(), server.end());
            if seen.messages > 0 {
                tally.check(store.message() == plan.message);
            }
            return Some(seen);
        }
    }
    None
}

/// Octets in the clear behind STARTTLS, on both sides: received with it, or left over when TLS is there.
fn injected(tally: &mut Tally) {
    for is_handed_in in [true, false] {
        let end = injected_server(is_handed_in, tally);
        tally.equal(end, Some(server::End::PlaintextBehindStartTls));
        let end = injected_client(is_handed_in, tally);
        tally.equal(end, Some(client::End::Injected));
    }
}

fn injected_server(is_handed_in: bool, tally: &mut Tally) -> Option<server::End> {
    let extensions: [&dyn Extension; 1] = [&StartTls];
    let (mut input, mut output) = ([0; 512], [0; 1024]);
    let buffers = server::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let config = server::Config::new("mx.example.net", &extensions);
    let mut server = Server::new(config, buffers, Instant(0)).ok()?;
    let mut rest = black_box(&b"EHLO a.example\r\nSTARTTLS\r\nMAIL FROM:<>\r\n"[..]);
    let mut surplus: &[u8] = b"";
    if !is_handed_in {
        (rest, surplus) = rest.split_at_checked(26)?;
    }
    for _ in 0..30 {
        match server.poll() {
            server::Step::Transmit => {
                let count = server.transmit().len();
                server.transmitted(count, Instant(1)).ok()?;
            }
            server::Step::Event => server.accept().ok()?,
            server::Step::Wait(_) => {
                tally.check(server.handle_input(&mut rest, Instant(1)).is_empty());
            }
            server::Step::StartTls => {
                tally.check(server.tls_started(surplus, Instant(1)).is_err());
            }
            server::Step::Done => break,
        }
    }
    server.end()
}

fn injected_client(is_handed_in: bool, tally: &mut Tally) -> Option<client::End> {
    let (mut input, mut output) = ([0; 512], [0; 512]);
    let buffers = client::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let extensions: [&dyn Extension; 1] = [&StartTls];
    let mut config = client::Config::new(Domain::parse(black_box(b"client.example.org")).ok()?);
    config.extensions = &extensions;
    let mut client = Client::new(config, buffers, Instant(0)).ok()?;
    let greetings: [&[u8]; 2] = [b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n"];
    let consent: &[u8] = if is_handed_in {
        b"220 go\r\n250 hi\r\n"
    } else {
        b"220 go\r\n"
    };
    let mut said = greetings.into_iter().chain([consent]);
    for _ in 0..30 {
        match client.poll() {
            client::Step::Transmit => {
                let count = client.transmit().len();
                client.transmitted(count, Instant(1)).ok()?;
            }
            client::Step::Event => tally.check(client.event().is_some()),
            client::Step::Wait(_) => {
                let mut octets = black_box(said.next()?);
                client.handle_input(&mut octets, Instant(1));
            }
            client::Step::StartTls => {
                tally.check(client.tls_started(b"250 hi\r\n", Instant(1)).is_err());
            }
            _ => break,
        }
    }
    client.end()
}

/// Time passes, and the host stops.
fn late(tally: &mut Tally) {
    for is_late in [true, false] {
        let (mut input, mut output) = ([0; 512], [0; 1024]);
        let buffers = server::Buffers {
            input: &mut input,
            output: &mut output,
        };
        let config = server::Config::new("mx.example.net", &[]);
        let Ok(mut server) = Server::new(config, buffers, Instant(0)) else {
            return tally.check(false);
        };
        for _ in 0..10 {
            match server.poll() {
                server::Step::Transmit => {
                    let count = server.transmit().len();
                    tally.check(server.transmitted(count, Instant(1)).is_ok());
                }
                server::Step::Event => tally.check(server.accept().is_ok()),
                server::Step::Wait(until) if is_late => server.handle_timeout(until),
                server::Step::Wait(_) => server.shutdown(Instant(1)),
                _ => break,
            }
        }
        let due = if is_late {
            server::End::TimedOut
        } else {
            server::End::Shutdown
        };
        tally.equal(server.end(), Some(due));
    }
    let (mut input, mut output) = ([0; 512], [0; 512]);
    let buffers = client::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let client = Domain::parse(black_box(b"client.example.org")).ok();
    let client =
        client.and_then(|name| Client::new(client::Config::new(name), buffers, Instant(0)).ok());
    let Some(mut client) = client else {
        return tally.check(false);
    };
    if let client::Step::Wait(until) = client.poll() {
        client.handle_timeout(until);
    }
    tally.check(client.poll() == client::Step::Done);
    tally.equal(
        client.end(),
        Some(client::End::Timeout(client::Awaited::Greeting)),
    );
}
