//! A client that blocks: sockets of the standard library, TLS by rustls.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use scop_smtp_proto::client::{Buffers, Client, Config, End, Step};

use crate::host::{Errand, now, until};

/// Runs an errand over a connection to its end. The certificate has to be one for `server_name`.
pub fn send(
    stream: TcpStream,
    config: Config<'_>,
    tls: Arc<ClientConfig>,
    server_name: &str,
    errand: &mut Errand<'_>,
) -> Result<Option<End>, Box<dyn Error>> {
    let mut tls = Some(ClientConnection::new(tls, ServerName::try_from(server_name.to_owned())?)?);
    let mut stream = Stream::Plain(stream);
    if config.secure {
        stream = stream.start_tls(tls.take())?;
    }
    let (mut input, mut output) = ([0; 2048], [0; 2048]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut client = Client::new(config, buffers, now())?;
    loop {
        match client.poll() {
            Step::Transmit => match stream.write(client.transmit()) {
                Ok(count) => client.transmitted(count, now())?,
                Err(_) => client.handle_closed(),
            },
            Step::Event => errand.event(&client),
            Step::Order => errand.order(&mut client)?,
            Step::Recipient(index) => errand.recipient(index, &mut client)?,
            Step::Content => {
                // What cannot be sent ends the session; the machine says so in its events.
                let octets = errand.content(&mut client).unwrap_or_default();
                if stream.write_all(octets).is_err() {
                    client.handle_closed();
                }
            }
            Step::StartTls => match stream.start_tls(tls.take()) {
                Ok(secured) => {
                    stream = secured;
                    client.tls_started(&[], now())?;
                }
                Err(error) => {
                    client.handle_closed();
                    errand.refusals.push(error.to_string());
                    stream = Stream::Gone;
                }
            },
            Step::Wait(moment) => {
                let mut received = [0; 4096];
                stream.set_read_timeout(until(moment))?;
                match stream.read(&mut received) {
                    Ok(0) => client.handle_closed(),
                    Ok(count) => {
                        let mut unread = &received[..count];
                        while !unread.is_empty() {
                            client.handle_input(&mut unread, now());
                        }
                    }
                    Err(error)
                        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                    {
                        client.handle_timeout(now());
                    }
                    Err(_) => client.handle_closed(),
                }
            }
            Step::Done => return Ok(client.end()),
            other => return Err(format!("a step that is not for this client: {other:?}").into()),
        }
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Gone,
}

impl Stream {
    fn start_tls(self, tls: Option<ClientConnection>) -> Result<Self, Box<dyn Error>> {
        let (Self::Plain(mut stream), Some(mut tls)) = (self, tls) else {
            return Err("there is no channel to encrypt".into());
        };
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(tls, stream))))
    }

    fn set_read_timeout(&self, wait: Duration) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.set_read_timeout(Some(wait)),
            Self::Tls(stream) => stream.sock.set_read_timeout(Some(wait)),
            Self::Gone => Ok(()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
            Self::Gone => Ok(0),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(octets),
            Self::Tls(stream) => {
                let count = stream.write(octets)?;
                stream.flush()?;
                Ok(count)
            }
            Self::Gone => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
            Self::Gone => Ok(()),
        }
    }
}
