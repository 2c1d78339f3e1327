//! A server that blocks: one client on one thread, sockets of the standard library, TLS by rustls.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};
use scop_smtp_proto::auth::server::Exchange;
use scop_smtp_proto::server::{Buffers, Config, End, Server, Step};

use super::stream::{Stream, is_timeout};
use crate::host::{Mailroom, now, until};

/// Serves one client to its end.
pub fn serve(
    socket: TcpStream,
    config: Config<'_>,
    tls: &Arc<ServerConfig>,
    mailroom: &mut Mailroom<'_>,
) -> io::Result<Option<End>> {
    let mut stream = Stream::new(socket);
    let session = || ServerConnection::new(tls.clone()).map_err(io::Error::other);
    if config.secure {
        stream.start_tls(session()?.into())?;
    }
    let (mut input, mut output) = ([0; 2048], [0; 2048]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut memory = [0; 512];
    let exchange = Exchange::new(&mut memory).with_hash(&scop_crypto::SHA256);
    let server = Server::new(config, buffers, now()).map_err(io::Error::other)?;
    let mut server = server.with_auth(exchange);
    let mut received = [0; 16 * 1024];
    let (mut start, mut end) = (0, 0); // what of it was not taken yet
    loop {
        match server.poll() {
            Step::Transmit => match stream.write(server.transmit()) {
                Ok(count) => server.transmitted(count, now()).map_err(io::Error::other)?,
                Err(_) => server.handle_closed(),
            },
            Step::Event => mailroom.event(&mut server).map_err(io::Error::other)?,
            Step::Wait(moment) if start == end => {
                stream.set_read_timeout(until(moment))?;
                match stream.read(&mut received) {
                    Ok(0) => server.handle_closed(),
                    Ok(count) => (start, end) = (0, count),
                    Err(error) if is_timeout(&error) => server.handle_timeout(now()),
                    Err(_) => server.handle_closed(),
                }
            }
            Step::Wait(_) => {
                let mut unread = &received[start..end];
                mailroom.content(server.handle_input(&mut unread, now()));
                start = end - unread.len();
            }
            Step::StartTls => match stream.start_tls(session()?.into()) {
                // Octets in the clear behind STARTTLS end the connection; `end` says so.
                Ok(()) => {
                    let _ = server.tls_started(&received[start..end], now());
                }
                Err(_) => server.handle_closed(),
            },
            Step::Done => return Ok(server.end()),
        }
    }
}
