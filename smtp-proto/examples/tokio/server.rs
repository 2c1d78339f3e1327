//! A server on tokio: many clients on one thread, TLS by tokio-rustls.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use scop_smtp_proto::auth::server::Exchange;
use scop_smtp_proto::server::{Buffers, Config, End, Server, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::stream::Channel;
use crate::host::{Mailroom, now, until};

/// Serves one client to its end.
pub async fn serve(
    socket: TcpStream,
    config: Config<'_>,
    tls: &Arc<ServerConfig>,
    mailroom: &mut Mailroom<'_>,
) -> io::Result<Option<End>> {
    let tls = TlsAcceptor::from(tls.clone());
    let mut stream: Box<dyn Channel> = Box::new(socket);
    if config.secure {
        stream = Box::new(tls.accept(stream).await?);
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
    let mut received = vec![0; 16 * 1024];
    let (mut start, mut end) = (0, 0); // what of it was not taken yet
    loop {
        match server.poll() {
            Step::Transmit => match stream.write(server.transmit()).await {
                Ok(count) => server.transmitted(count, now()).map_err(io::Error::other)?,
                Err(_) => server.handle_closed(),
            },
            Step::Event => mailroom.event(&mut server).map_err(io::Error::other)?,
            Step::Wait(moment) if start == end => {
                stream.flush().await?;
                match timeout(until(moment), stream.read(&mut received)).await {
                    Ok(Ok(count)) if count > 0 => (start, end) = (0, count),
                    Ok(_) => server.handle_closed(),
                    Err(_) => server.handle_timeout(now()),
                }
            }
            Step::Wait(_) => {
                let mut unread = &received[start..end];
                mailroom.content(server.handle_input(&mut unread, now()));
                start = end - unread.len();
            }
            Step::StartTls => {
                stream.flush().await?;
                let Ok(secured) = tls.accept(stream).await else {
                    server.handle_closed();
                    return Ok(server.end());
                };
                stream = Box::new(secured);
                // Octets in the clear behind STARTTLS end the connection; `end` says so.
                let _ = server.tls_started(&received[start..end], now());
            }
            Step::Done => {
                let _ = stream.shutdown().await;
                return Ok(server.end());
            }
        }
    }
}
