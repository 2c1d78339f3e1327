//! The client machine with its octets and its clock: what it sends, what it receives, and how long each may take.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use scop_core::Instant;
use scop_smtp_proto::client::Client;
use tokio::io::{
    AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, BufWriter, ReadBuf,
};
use tokio::sync::mpsc;
use tokio::time::{Instant as Moment, sleep, timeout, timeout_at};

use super::Job;
use crate::tls::channel::Channel;

/// A channel that gathers what is written: lines with dots come in small pieces.
pub(super) type Stream = BufWriter<Box<dyn Channel>>;

pub(super) fn stream(channel: Box<dyn Channel>) -> Stream {
    BufWriter::with_capacity(16 << 10, channel)
}

/// One connection.
pub(super) struct Wire<'b> {
    pub(super) client: Client<'b>,
    stream: Stream,
    clock: Clock,
    /// How long the server may take to take what is sent.
    block: Duration,
    received: Vec<u8>,
    /// What of it the machine has not taken yet.
    start: usize,
    end: usize,
    /// When the patience with QUIT is over.
    leaving: Option<Moment>,
}

/// What came of a piece of content.
enum Exchanged {
    /// So many octets of it went out; none when it cannot be sent.
    Sent(usize),
    /// So many octets came in; none when nothing comes any more.
    Heard(usize),
}

/// What came to an idle connection.
#[derive(Debug)]
pub(super) enum Idle {
    Job(Job),
    /// There will be none, or there was none for too long.
    NoMore,
    /// The server said something, or closed; the machine knows.
    Heard,
}

impl<'b> Wire<'b> {
    pub(super) fn new(client: Client<'b>, stream: Stream, clock: Clock, block: Duration) -> Self {
        Self {
            client,
            stream,
            clock,
            block,
            received: vec![0; 4 << 10],
            start: 0,
            end: 0,
            leaving: None,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Sends what the machine wants to be sent.
    pub(super) async fn transmit(&mut self) {
        let until = self.until(Moment::now() + self.block);
        match timeout_at(until, self.stream.write(self.client.transmit())).await {
            Ok(Ok(count)) if count > 0 => {
                // So many were there.
                let _ = self.client.transmitted(count, self.clock.now());
            }
            _ => self.lost().await,
        }
    }

    /// Sends content, and listens: a server may refuse it before its end, and take nothing more.
    pub(super) async fn send(&mut self, mut piece: &[u8]) {
        let until = self.until(Moment::now() + self.block);
        while !piece.is_empty() && self.client.end().is_none() {
            match timeout_at(until, self.exchange(piece)).await {
                Ok(Exchanged::Sent(count @ 1..)) => piece = piece.get(count..).unwrap_or_default(),
                Ok(Exchanged::Heard(count @ 1..)) => {
                    (self.start, self.end) = (0, count);
                    self.hand_in();
                }
                Ok(Exchanged::Heard(0)) => self.client.handle_closed(),
                Ok(Exchanged::Sent(0)) | Err(_) => self.lost().await,
            }
        }
    }

    /// Sends some of a piece, or receives. What was received is handed in before more is.
    async fn exchange(&mut self, piece: &[u8]) -> Exchanged {
        let may_read = self.start == self.end;
        poll_fn(|context| {
            if may_read {
                let mut buffer = ReadBuf::new(&mut self.received);
                if let Poll::Ready(read) =
                    Pin::new(&mut self.stream).poll_read(context, &mut buffer)
                {
                    let count = buffer.filled().len();
                    return Poll::Ready(Exchanged::Heard(read.map_or(0, |()| count)));
                }
            }
            Pin::new(&mut self.stream)
                .poll_write(context, piece)
                .map(|written| Exchanged::Sent(written.unwrap_or(0)))
        })
        .await
    }

    /// Hands the machine what was received, up to the end of a reply.
    fn hand_in(&mut self) {
        let mut unread = self.received.get(self.start..self.end).unwrap_or_default();
        self.client.handle_input(&mut unread, self.clock.now());
        self.start = self.end - unread.len();
    }

    /// Hands the machine what comes, until `moment`.
    pub(super) async fn wait(&mut self, moment: Instant) {
        if self.start < self.end {
            return self.hand_in();
        }
        let until = self.until(Moment::now() + self.block);
        let Ok(Ok(())) = timeout_at(until, self.stream.flush()).await else {
            return self.lost().await;
        };
        let until = self.until(self.clock.at(moment));
        match timeout_at(until, self.stream.read(&mut self.received)).await {
            Ok(Ok(count)) if count > 0 => (self.start, self.end) = (0, count),
            Ok(_) => self.client.handle_closed(),
            Err(_) if self.leaving.is_some() => self.client.handle_closed(),
            Err(_) => self.client.handle_timeout(self.clock.now()),
        }
    }

    /// Waits for a job as long as `patience`. A job that comes at the last moment is not lost: it is taken when
    /// the channel is closed, and is the last one.
    pub(super) async fn idle(
        &mut self,
        jobs: &mut mpsc::Receiver<Job>,
        patience: Duration,
    ) -> Idle {
        let count = tokio::select! {
            biased;
            job = jobs.recv() => return job.map_or(Idle::NoMore, Idle::Job),
            count = self.stream.read(&mut self.received) => count,
            () = sleep(patience) => {
                jobs.close();
                return jobs.recv().await.map_or(Idle::NoMore, Idle::Job);
            }
        };
        // Nothing was asked: it is the end, or 421 before it.
        match count {
            Ok(count) if count > 0 => {
                let mut unread = self.received.get(..count).unwrap_or_default();
                self.client.handle_input(&mut unread, self.clock.now());
            }
            _ => self.client.handle_closed(),
        }
        Idle::Heard
    }

    /// Says QUIT to an idle server; its reply may take so long.
    pub(super) fn quit(&mut self, patience: Duration) {
        self.leaving = Some(Moment::now() + patience);
        // It is idle.
        let _ = self.client.quit();
    }

    /// When the negotiation of TLS is to be over.
    pub(super) fn handshake_end(&self) -> Moment {
        let deadline = self.client.deadline().unwrap_or_else(|| self.clock.now());
        self.clock.at(deadline)
    }

    /// The channel, for TLS; none if what was to be sent does not go out in time.
    pub(super) async fn take_channel(&mut self, until: Moment) -> Option<Box<dyn Channel>> {
        timeout_at(until, self.stream.flush()).await.ok()?.ok()?;
        let nothing = stream(Box::new(tokio::io::empty()));
        Some(std::mem::replace(&mut self.stream, nothing).into_inner())
    }

    /// TLS was negotiated.
    pub(super) fn secured(&mut self, channel: Box<dyn Channel>) {
        self.stream = stream(channel);
        let surplus = self.received.get(self.start..self.end).unwrap_or_default();
        // Octets in the clear behind the reply end the session; `end` says so.
        let _ = self.client.tls_started(surplus, self.clock.now());
        (self.start, self.end) = (0, 0);
    }

    /// Closes the channel. TLS says goodbye too (RFC 8446 6.1), but nobody waits for it for long.
    pub(super) async fn close(mut self) {
        let _ = timeout(LAST_WORDS, self.stream.shutdown()).await;
    }

    /// Nothing more can be sent. What the server said before is taken: a 421 says why.
    async fn lost(&mut self) {
        if self.start < self.end {
            self.hand_in();
        } else if let Ok(Ok(count)) =
            timeout(LAST_WORDS, self.stream.read(&mut self.received)).await
        {
            let mut unread = self.received.get(..count).unwrap_or_default();
            self.client.handle_input(&mut unread, self.clock.now());
        }
        self.client.handle_closed();
    }

    /// `moment`, or the end of patience before it.
    fn until(&self, moment: Moment) -> Moment {
        self.leaving.map_or(moment, |leaving| leaving.min(moment))
    }
}

/// How long a connection that is over is listened to.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A clock for the machine, which begins with the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Moment);

impl Clock {
    pub(super) fn new() -> Self {
        Self(Moment::now())
    }

    pub(super) fn now(self) -> Instant {
        Instant(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// A moment of the machine for the runtime, a day ahead at most. A millisecond more, because the machine
    /// does nothing before its moment, and counts whole ones.
    fn at(self, moment: Instant) -> Moment {
        const DAY: Duration = Duration::from_secs(86_400);
        Moment::now() + (moment - self.now()).min(DAY) + Duration::from_millis(1)
    }
}
