//! A socket that may become encrypted on its way.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::Connection;

pub struct Stream {
    socket: TcpStream,
    tls: Option<Connection>,
}

impl Stream {
    pub const fn new(socket: TcpStream) -> Self {
        Self { socket, tls: None }
    }

    /// Negotiates TLS, to the end of the handshake.
    pub fn start_tls(&mut self, mut tls: Connection) -> io::Result<()> {
        self.set_read_timeout(Duration::from_secs(30))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut self.socket)?;
        }
        self.tls = Some(tls);
        Ok(())
    }

    pub fn set_read_timeout(&self, wait: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(wait))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.socket.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if tls.read_tls(&mut self.socket)? == 0 {
                        return Ok(0);
                    }
                    tls.process_new_packets().map_err(io::Error::other)?;
                }
                read => return read,
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.socket.write(octets);
        };
        let count = tls.writer().write(octets)?;
        self.flush()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
        }
        self.socket.flush()
    }
}

/// Whether a read ended because nothing came in time.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
