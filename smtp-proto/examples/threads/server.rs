//! A server on a thread of its own: sockets of the standard library, TLS by rustls.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use scop_smtp_proto::server::{Buffers, Config, End, Server, Step};

use crate::host::{Mailroom, now, until};

/// Serves one client to its end.
pub fn serve(
    stream: TcpStream,
    config: Config<'_>,
    tls: Option<&Arc<ServerConfig>>,
    mailroom: &mut Mailroom<'_>,
) -> io::Result<Option<End>> {
    let mut stream = Stream::Plain(stream);
    if config.secure {
        stream = stream.start_tls(tls)?;
    }
    let (mut input, mut output) = ([0; 2048], [0; 2048]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut server = Server::new(config, buffers, now()).map_err(io::Error::other)?;

    let mut received = [0; 16 * 1024];
    let (mut start, mut end) = (0, 0); // what of it was not taken yet
    loop {
        match server.poll() {
            Step::Transmit => match stream.write(server.transmit()) {
                Ok(count) => server.transmitted(count).map_err(io::Error::other)?,
                Err(_) => server.handle_closed(),
            },
            Step::Event => mailroom.event(&mut server).map_err(io::Error::other)?,
            Step::Wait(moment) => {
                if start == end {
                    stream.set_read_timeout(until(moment))?;
                    (start, end) = match stream.read(&mut received) {
                        Ok(0) => {
                            server.handle_closed();
                            continue;
                        }
                        Ok(count) => (0, count),
                        Err(error) if is_timeout(&error) => {
                            server.handle_timeout(now());
                            continue;
                        }
                        Err(_) => {
                            server.handle_closed();
                            continue;
                        }
                    };
                }
                let mut unread = &received[start..end];
                mailroom.content(server.handle_input(&mut unread, now()));
                start = end - unread.len();
            }
            Step::StartTls => {
                stream.flush()?;
                match stream.start_tls(tls) {
                    Ok(secured) => stream = secured,
                    Err(_) => return Ok(None),
                }
                // When something stands there in the clear, the server ends the connection by itself.
                let _ = server.tls_started(&received[start..end], now());
            }
            Step::Done => return Ok(server.end()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    fn start_tls(self, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        let (Self::Plain(stream), Some(tls)) = (self, tls) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        let connection = ServerConnection::new(tls.clone()).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, stream))))
    }

    fn set_read_timeout(&self, wait: Duration) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.set_read_timeout(Some(wait)),
            Self::Tls(stream) => stream.sock.set_read_timeout(Some(wait)),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(octets),
            Self::Tls(stream) => {
                let count = stream.write(octets)?;
                stream.flush()?;
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
