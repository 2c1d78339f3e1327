//! A server that takes everything, but for the faults that it is told to have.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::tls::channel::Channel;

/// What a server does instead of its duty.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Say(&'static str),
    Close,
    /// It says nothing more, and does not close.
    Silence,
    /// It says this and closes.
    SayAndClose(&'static str),
}

/// Where a fault happens: once in a connection.
#[derive(Clone)]
pub(super) struct At {
    /// `""` is the greeting, `"."` the message.
    pub(super) command: &'static str,
    pub(super) fault: Fault,
    /// So many times the command is answered as it should be.
    pub(super) skip: usize,
    pub(super) connections: Range<usize>,
}

#[derive(Clone, Default)]
pub(super) struct Rules {
    pub(super) announce: Vec<&'static str>,
    pub(super) faults: Vec<At>,
    pub(super) lmtp: bool,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) implicit_tls: bool,
    /// Reads nothing more once DATA is there.
    pub(super) stops_reading: bool,
    /// Says this behind the first 1000 octets of content, reads nothing more, and does not close.
    pub(super) refuses_midway: Option<&'static str>,
    /// Reads the message in small pieces.
    pub(super) reads_slowly: bool,
}

impl Rules {
    /// The first time that the command comes in each connection.
    pub(super) fn with_fault(self, command: &'static str, fault: Fault) -> Self {
        self.with(At {
            command,
            fault,
            skip: 0,
            connections: 0..usize::MAX,
        })
    }

    pub(super) fn with(mut self, at: At) -> Self {
        self.faults.push(at);
        self
    }
}

/// What a server saw.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) connections: usize,
    /// At once.
    pub(super) open: usize,
    pub(super) most_open: usize,
    /// Lines.
    pub(super) commands: Vec<String>,
    pub(super) messages: Vec<Arc<Vec<u8>>>,
}

pub(super) struct Fake {
    pub(super) address: SocketAddr,
    lmtp: bool,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(super) async fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (lmtp, shared) = (rules.lmtp, seen.clone());
        let task = tokio::spawn(async move {
            let mut sessions = tokio::task::JoinSet::new();
            for number in 0.. {
                let (socket, _) = listener.accept().await.unwrap();
                {
                    let mut seen = shared.lock().unwrap();
                    seen.connections += 1;
                    seen.open += 1;
                    seen.most_open = seen.most_open.max(seen.open);
                }
                let (rules, shared) = (rules.clone(), shared.clone());
                sessions.spawn(async move {
                    let session = Session {
                        rules,
                        number,
                        seen: shared.clone(),
                        last: None,
                    };
                    let _ = session.serve(socket).await;
                    shared.lock().unwrap().open -= 1;
                });
            }
        });
        Self {
            address,
            lmtp,
            seen,
            task,
        }
    }

    pub(super) fn is_lmtp(&self) -> bool {
        self.lmtp
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

struct Session {
    rules: Rules,
    number: usize,
    seen: Arc<Mutex<Seen>>,
    /// The command that had its fault last.
    last: Option<&'static str>,
}

type Io = BufReader<Box<dyn Channel>>;

impl Session {
    async fn serve(mut self, socket: TcpStream) -> std::io::Result<()> {
        let mut channel: Box<dyn Channel> = Box::new(socket);
        if self.rules.implicit_tls {
            let acceptor = self.rules.tls.clone().unwrap();
            channel = Box::new(acceptor.accept(channel).await?);
        }
        let mut io = BufReader::new(channel);
        if !self.say(&mut io, "", "220 fake\r\n").await? {
            return Ok(());
        }
        let mut recipients = 0;
        let mut secure = self.rules.implicit_tls;
        let mut chunks = Vec::new();
        loop {
            let mut line = Vec::new();
            if io.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let line = String::from_utf8(line).unwrap().trim_end().to_owned();
            self.seen.lock().unwrap().commands.push(line.clone());
            let verb = line.split(' ').next().unwrap().to_owned();
            let goes_on = match &*verb {
                "EHLO" | "LHLO" => {
                    let mut reply = "250-fake\r\n".to_owned();
                    for keyword in &self.rules.announce {
                        let hidden =
                            *keyword == "STARTTLS" && secure || *keyword == "REQUIRETLS" && !secure;
                        if !hidden {
                            reply.extend(["250-", keyword, "\r\n"]);
                        }
                    }
                    reply += "250 HELP\r\n";
                    self.say(&mut io, "EHLO", &reply).await?
                }
                "MAIL" => {
                    recipients = 0;
                    self.say(&mut io, "MAIL", "250 2.1.0 ok\r\n").await?
                }
                "RCPT" => {
                    recipients += 1;
                    self.say(&mut io, "RCPT", "250 2.1.5 ok\r\n").await?
                }
                "DATA" => {
                    if !self.say(&mut io, "DATA", "354 go\r\n").await? {
                        return Ok(());
                    }
                    if self.hit_now("DATA") {
                        continue;
                    }
                    self.refuse_midway(&mut io).await?;
                    if self.rules.stops_reading {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                    let slowness = self.rules.reads_slowly.then_some(Duration::from_millis(5));
                    let message = read_data(&mut io, slowness).await?;
                    self.took(&mut io, message, recipients).await?
                }
                "BDAT" => {
                    let mut words = line.split(' ').skip(1);
                    let size: usize = words.next().unwrap().parse().unwrap();
                    self.refuse_midway(&mut io).await?;
                    let from = chunks.len();
                    chunks.resize(from + size, 0);
                    io.read_exact(&mut chunks[from..]).await?;
                    if words.next() == Some("LAST") {
                        let message = std::mem::take(&mut chunks);
                        self.took(&mut io, message, recipients).await?
                    } else {
                        self.say(&mut io, "BDAT", "250 ok\r\n").await?
                    }
                }
                "STARTTLS" => {
                    let goes_on = self.say(&mut io, "STARTTLS", "220 go\r\n").await?;
                    if goes_on && !self.hit_now("STARTTLS") {
                        let acceptor = self.rules.tls.clone().unwrap();
                        io = BufReader::new(Box::new(acceptor.accept(io.into_inner()).await?));
                        secure = true;
                    }
                    goes_on
                }
                "RSET" => self.say(&mut io, "RSET", "250 ok\r\n").await?,
                "QUIT" => {
                    self.say(&mut io, "QUIT", "221 bye\r\n").await?;
                    io.shutdown().await?;
                    return Ok(());
                }
                _ => self.say(&mut io, &verb, "500 what\r\n").await?,
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    async fn took(
        &mut self,
        io: &mut Io,
        message: Vec<u8>,
        recipients: usize,
    ) -> std::io::Result<bool> {
        self.seen.lock().unwrap().messages.push(Arc::new(message));
        let replies = if self.rules.lmtp { recipients } else { 1 };
        for _ in 0..replies {
            if !self.say(io, ".", "250 2.0.0 taken\r\n").await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn refuse_midway(&self, io: &mut Io) -> std::io::Result<()> {
        if let Some(words) = self.rules.refuses_midway {
            io.read_exact(&mut [0; 1000]).await?;
            io.write_all(words.as_bytes()).await?;
            io.flush().await?;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok(())
    }

    /// Says what belongs to a command, or has a fault; false when the connection is over.
    async fn say(&mut self, io: &mut Io, command: &str, duty: &str) -> std::io::Result<bool> {
        self.last = None;
        let number = self.number;
        let place = (self.rules.faults.iter_mut()).position(|at| {
            let is_here = at.command == command && at.connections.contains(&number);
            let is_due = is_here && at.skip == 0;
            at.skip -= usize::from(is_here && !is_due);
            is_due
        });
        let Some(place) = place else {
            io.write_all(duty.as_bytes()).await?;
            io.flush().await?;
            return Ok(true);
        };
        let At { command, fault, .. } = self.rules.faults.remove(place);
        self.last = Some(command);
        match fault {
            Fault::Say(words) => {
                io.write_all(words.as_bytes()).await?;
                io.flush().await?;
                Ok(true)
            }
            Fault::SayAndClose(words) => {
                io.write_all(words.as_bytes()).await?;
                io.shutdown().await?;
                Ok(false)
            }
            Fault::Close => Ok(false),
            Fault::Silence => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(false)
            }
        }
    }

    /// Whether this command had its fault just now.
    fn hit_now(&self, command: &str) -> bool {
        self.last == Some(command)
    }
}

/// Up to the dot, without what was put in (RFC 5321 4.5.2).
async fn read_data(io: &mut Io, slowness: Option<Duration>) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        if let Some(pause) = slowness
            && io.buffer().is_empty()
        {
            tokio::time::sleep(pause).await;
        }
        let start = message.len();
        if io.read_until(b'\n', &mut message).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if &message[start..] == b".\r\n" {
            message.truncate(start);
            return Ok(message);
        }
        if message[start] == b'.' {
            message.remove(start);
        }
    }
}
