//! The connection under a session: what comes and goes, with an end to every wait.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant as Clock};

use scop_core::Instant;
use scop_smtp_proto::server::{Server, Step};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use crate::receive::content::Share;
use crate::service::Stop;

/// Room for commands. Thousands of sessions wait for one at any moment, so it is small; a group of them comes in
/// several pieces.
const FOR_COMMANDS: usize = 1 << 10;

/// Room for content, to begin with: one record of TLS, or a message of usual size.
const FOR_CONTENT: usize = 16 << 10;

/// Room for content of which there is much.
const FOR_MUCH_CONTENT: usize = 64 << 10;

/// For saying goodbye, when all else is done.
const GOODBYE: Duration = Duration::from_secs(2);

/// What octets go through.
pub(in crate::receive) enum Channel {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between the two.
    None,
}

/// A connection, with what came and was not taken.
pub(in crate::receive) struct Wire {
    channel: Channel,
    buffer: Vec<u8>,
    /// Octets of the buffer that were taken.
    taken: usize,
    room: usize,
    /// Of the memory of this client, for a large buffer while content comes.
    share: Option<Share>,
    timer: Pin<Box<Sleep>>,
    /// When the timer is due: at the deadline or before, so that it is not set for every wait.
    due: Instant,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_stopping: bool,
    /// For the client to take what is sent.
    patience: Duration,
    /// It did not.
    pub(in crate::receive) is_slow: bool,
}

/// What the machine wants of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::receive) enum Turn {
    /// There is input: [`Wire::take`] hands it to the machine.
    Input,
    Event,
    StartTls,
    Done,
}

/// What ended a wait for input.
enum Woken {
    Read(io::Result<usize>),
    Late,
    Stop,
}

/// Milliseconds since the first call.
pub(in crate::receive) fn now() -> Instant {
    let elapsed = begin().elapsed();
    Instant(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

fn begin() -> Clock {
    static BEGIN: OnceLock<Clock> = OnceLock::new();
    *BEGIN.get_or_init(Clock::now)
}

/// A moment as the runtime has it.
pub(in crate::receive) fn at(moment: Instant) -> tokio::time::Instant {
    let moment = begin().checked_add(Duration::from_millis(moment.0));
    moment.map_or_else(
        || tokio::time::Instant::now() + Duration::from_secs(86_400),
        tokio::time::Instant::from_std,
    )
}

impl Wire {
    pub(in crate::receive) fn new(channel: Channel, patience: Duration, mut stop: Stop) -> Self {
        let due = now() + patience;
        Self {
            channel,
            buffer: Vec::new(),
            taken: 0,
            room: FOR_COMMANDS,
            share: None,
            timer: Box::pin(tokio::time::sleep_until(at(due))),
            due,
            stop: Box::pin(async move { stop.requested().await }),
            is_stopping: false,
            patience,
            is_slow: false,
        }
    }

    /// Drives the machine until it wants something of its host.
    pub(in crate::receive) async fn turn(&mut self, server: &mut Server<'_>) -> Turn {
        loop {
            match server.poll() {
                Step::Transmit => self.send(server).await,
                Step::Event => return Turn::Event,
                Step::Wait(_) if self.taken < self.buffer.len() => return Turn::Input,
                Step::Wait(deadline) => self.receive(server, deadline).await,
                Step::StartTls => return Turn::StartTls,
                Step::Done => return Turn::Done,
            }
        }
    }

    /// Hands input to the machine, and returns what of it is content.
    pub(in crate::receive) fn take(&mut self, server: &mut Server<'_>) -> &[u8] {
        let mut unread = self.buffer.get(self.taken..).unwrap_or_default();
        let content = server.handle_input(&mut unread, now());
        self.taken = self.buffer.len().saturating_sub(unread.len());
        content
    }

    /// Content comes, with the share of memory from which a large buffer may be had; or commands, without one.
    pub(in crate::receive) fn expect_content(&mut self, share: Option<Share>) {
        self.room = if share.is_some() {
            FOR_CONTENT
        } else {
            FOR_COMMANDS
        };
        self.share = share;
    }

    /// What came and was not taken.
    pub(in crate::receive) fn unread(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    pub(in crate::receive) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Takes the channel away, to put another in its place.
    pub(in crate::receive) fn replace(&mut self, channel: Channel) -> Channel {
        std::mem::replace(&mut self.channel, channel)
    }

    /// Closes the connection: what was sent is still delivered, if the client takes it soon.
    pub(in crate::receive) async fn close(mut self) {
        let goodbye = async {
            match &mut self.channel {
                Channel::Plain(stream) => stream.shutdown().await,
                Channel::Tls(stream) => stream.shutdown().await,
                Channel::None => Ok(()),
            }
        };
        // The client may be gone.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    /// Sends what is ready, all of it.
    async fn send(&mut self, server: &mut Server<'_>) {
        let deadline = now() + self.patience;
        while !server.transmit().is_empty() {
            let written = poll_fn(|context| {
                if let Poll::Ready(written) = self.channel.poll_write(context, server.transmit()) {
                    return Poll::Ready(Some(written));
                }
                self.poll_late(context, deadline).map(|()| None)
            });
            match written.await {
                Some(Ok(count)) if count > 0 => {
                    // As many as were there.
                    let _ = server.transmitted(count, now());
                }
                Some(_) => return server.handle_closed(),
                None => {
                    self.is_slow = true;
                    return server.handle_closed();
                }
            }
        }
        let flushed = poll_fn(|context| {
            if let Poll::Ready(flushed) = self.channel.poll_flush(context) {
                return Poll::Ready(Some(flushed));
            }
            self.poll_late(context, deadline).map(|()| None)
        });
        let flushed = flushed.await;
        self.is_slow |= flushed.is_none();
        if !matches!(flushed, Some(Ok(()))) {
            server.handle_closed();
        }
    }

    /// Waits for input, until `deadline` at most.
    async fn receive(&mut self, server: &mut Server<'_>, deadline: Instant) {
        self.make_room();
        let woken = poll_fn(|context| {
            if let Poll::Ready(read) = self.channel.poll_read(context, &mut self.buffer) {
                return Poll::Ready(Woken::Read(read));
            }
            if !self.is_stopping && self.stop.as_mut().poll(context).is_ready() {
                self.is_stopping = true;
                return Poll::Ready(Woken::Stop);
            }
            self.poll_late(context, deadline).map(|()| Woken::Late)
        });
        match woken.await {
            Woken::Read(Ok(count)) if count > 0 => {}
            Woken::Read(_) => server.handle_closed(),
            Woken::Late => server.handle_timeout(now()),
            Woken::Stop => server.shutdown(now()),
        }
    }

    /// Empties the buffer, and makes it as large as what is expected.
    fn make_room(&mut self) {
        if self.buffer.len() >= self.room
            && (self.share.as_mut()).is_some_and(|share| share.grow_if_spare(FOR_MUCH_CONTENT))
        {
            self.room = FOR_MUCH_CONTENT;
        }
        self.buffer.clear();
        self.taken = 0;
        if self.buffer.capacity() != self.room {
            self.buffer = Vec::with_capacity(self.room);
        }
    }

    fn poll_late(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        loop {
            if self.due > deadline {
                self.set_timer(deadline);
            }
            ready!(self.timer.as_mut().poll(context));
            if now() >= deadline {
                return Poll::Ready(());
            }
            self.set_timer(deadline);
        }
    }

    fn set_timer(&mut self, moment: Instant) {
        self.due = moment;
        // The clock of the machine counts whole milliseconds.
        self.timer
            .as_mut()
            .reset(at(moment) + Duration::from_millis(1));
    }
}

impl Channel {
    /// The version and the cipher suite of TLS.
    pub(in crate::receive) fn tls(&self) -> Option<(rustls::ProtocolVersion, rustls::CipherSuite)> {
        let Self::Tls(stream) = self else {
            return None;
        };
        let (_, connection) = stream.get_ref();
        let suite = connection.negotiated_cipher_suite()?.suite();
        Some((connection.protocol_version()?, suite))
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => pin!(stream.read_buf(buffer)).poll(context),
            Self::Tls(stream) => pin!(stream.read_buf(buffer)).poll(context),
            Self::None => Poll::Ready(Ok(0)),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, octets),
            Self::None => Poll::Ready(Ok(0)),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            // A socket keeps nothing back.
            Self::Plain(_) | Self::None => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }
}
