//! A client and a server of ours, connected in memory.

use std::hint::black_box;

use scop_core::Instant;
use scop_smtp_proto::client::{self, Client};
use scop_smtp_proto::extension::{
    Dsn, EightBitMime, EnhancedStatusCodes, Extension, Pipelining, Size,
};
use scop_smtp_proto::server::{self, Server};
use scop_smtp_proto::{Domain, ForwardPath, ReversePath};

use super::{Scratch, Seen};

/// From the greeting to QUIT: one message to two recipients, one command at a time.
pub fn one_by_one(message: &[u8], scratch: &mut Scratch) -> Seen {
    session(
        message,
        &[&Size(1 << 20), &EightBitMime, &EnhancedStatusCodes, &Dsn],
        scratch,
    )
}

/// The same with PIPELINING.
pub fn pipelined(message: &[u8], scratch: &mut Scratch) -> Seen {
    session(
        message,
        &[
            &Size(1 << 20),
            &EightBitMime,
            &EnhancedStatusCodes,
            &Dsn,
            &Pipelining,
        ],
        scratch,
    )
}

fn session(message: &[u8], extensions: &[&dyn Extension], scratch: &mut Scratch) -> Seen {
    const NOW: Instant = Instant(0);
    let Scratch {
        octets: received,
        to_server,
        to_client,
        ..
    } = scratch;
    received.clear();
    let mut seen = Seen::default();

    let (mut input, mut output) = ([0; 512], [0; 1024]);
    let buffers = server::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let config = server::Config::new("mx.example.com", extensions);
    let mut server = Server::new(config, buffers, NOW).expect("the server can work");

    let (mut input, mut output) = ([0; 1024], [0; 1024]);
    let buffers = client::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let name = Domain::parse(b"client.example.org").expect("it is a name");
    let mut config = client::Config::new(name);
    config.extensions = extensions;
    let mut client = Client::new(config, buffers, NOW).expect("the client can work");

    let from = ReversePath::parse(b"<joe@example.org>").expect("it is a path");
    let to = [&b"<suzie@example.com>"[..], b"<other@example.com>"]
        .map(|path| ForwardPath::parse(path).expect("it is a path"));
    let mut rest = message;
    let mut ordered = false;
    loop {
        match client.poll() {
            client::Step::Transmit => {
                let octets = client.transmit();
                let count = octets.len();
                to_server.extend_from_slice(octets);
                client.transmitted(count, NOW).expect("they were there");
            }
            client::Step::Event => {
                if let Some(client::Event::Delivered { .. }) = client.event() {
                    seen.add(0, 1);
                }
            }
            client::Step::Order if ordered => client.quit().expect("it is asked for"),
            client::Step::Order => {
                client.mail(&from, &[]).expect("it is asked for");
                ordered = true;
            }
            client::Step::Recipient(index) => {
                match to.get(usize::try_from(index).expect("it is small")) {
                    Some(path) => client.recipient(path, &[]).expect("it is asked for"),
                    None => client.end_recipients().expect("it is asked for"),
                }
            }
            client::Step::Content if rest.is_empty() => {
                client.content_end(NOW).expect("it is asked for");
            }
            client::Step::Content => {
                let octets = client
                    .content(&mut rest, NOW)
                    .expect("the message is well-formed");
                to_server.extend_from_slice(octets);
            }
            client::Step::Wait(_) => {
                seen.add(1, usize::from(!to_server.is_empty()));
                serve(&mut server, to_server, to_client, received);
                let mut replies = to_client.as_slice();
                assert!(!replies.is_empty(), "both wait");
                client.handle_input(&mut replies, NOW);
                to_client.drain(..to_client.len() - replies.len());
            }
            client::Step::Done => break,
            other => panic!("{other:?}"),
        }
    }
    seen.add(2, received.len());
    seen
}

/// Lets the server read what was sent, and takes its replies.
fn serve(
    server: &mut Server<'_>,
    to_server: &mut Vec<u8>,
    to_client: &mut Vec<u8>,
    received: &mut Vec<u8>,
) {
    const NOW: Instant = Instant(0);
    let mut input = to_server.as_slice();
    loop {
        match server.poll() {
            server::Step::Transmit => {
                let octets = server.transmit();
                let count = octets.len();
                to_client.extend_from_slice(octets);
                server.transmitted(count, NOW).expect("they were there");
            }
            server::Step::Event => {
                black_box(server.event());
                server.accept().expect("it is asked for");
            }
            server::Step::Wait(_) if input.is_empty() => break,
            server::Step::Wait(_) => {
                received.extend_from_slice(server.handle_input(&mut input, NOW));
            }
            server::Step::Done => break,
            server::Step::StartTls => panic!("it is not offered"),
        }
    }
    to_server.clear();
}
