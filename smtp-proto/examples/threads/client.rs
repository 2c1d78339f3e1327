//! A client that blocks: sockets of the standard library, TLS by rustls.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use scop_smtp_proto::client::{Buffers, Client, Config, End, Step};

use super::stream::{Stream, is_timeout};
use crate::host::{Errand, now, until};

/// Runs an errand over a connection to its end. The certificate has to be one for `server_name`.
pub fn send(
    socket: TcpStream,
    config: Config<'_>,
    tls: &Arc<ClientConfig>,
    server_name: &str,
    errand: &mut Errand<'_>,
) -> Result<Option<End>, Box<dyn Error>> {
    socket.set_nodelay(true)?; // a chunk follows its command, not the acknowledgement
    let mut stream = Stream::new(socket);
    let server_name = ServerName::try_from(server_name.to_owned())?;
    let session = || ClientConnection::new(tls.clone(), server_name.clone());
    if config.secure {
        stream.start_tls(session()?.into())?;
    }
    let (mut input, mut output) = ([0; 2048], [0; 2048]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut client = Client::new(config, buffers, now())?;
    let mut received = [0; 4096];
    let (mut start, mut end) = (0, 0); // what of it was not taken yet
    loop {
        match client.poll() {
            Step::Transmit => match stream.write(client.transmit()) {
                Ok(count) => client.transmitted(count, now())?,
                Err(_) => client.handle_closed(),
            },
            Step::Event => errand.event(&client),
            Step::Order => errand.order(&mut client)?,
            Step::Recipient(index) => errand.recipient(index, &mut client)?,
            Step::Auth => errand.auth(&mut client)?,
            Step::Content => {
                let octets = errand.content(&mut client);
                if stream.write_all(octets).is_err() {
                    client.handle_closed();
                }
            }
            Step::StartTls => match stream.start_tls(session()?.into()) {
                // Octets in the clear behind the reply end the connection; `end` says so.
                Ok(()) => {
                    let _ = client.tls_started(&received[start..end], now());
                }
                Err(error) => {
                    errand.refusals.push(error.to_string());
                    client.handle_closed();
                }
            },
            Step::Wait(moment) if start == end => {
                stream.set_read_timeout(until(moment))?;
                match stream.read(&mut received) {
                    Ok(0) => client.handle_closed(),
                    Ok(count) => (start, end) = (0, count),
                    Err(error) if is_timeout(&error) => client.handle_timeout(now()),
                    Err(_) => client.handle_closed(),
                }
            }
            Step::Wait(_) => {
                let mut unread = &received[start..end];
                client.handle_input(&mut unread, now());
                start = end - unread.len();
            }
            Step::Done => return Ok(client.end()),
            other => return Err(format!("this client knows no {other:?}").into()),
        }
    }
}
