//! What a queue hears of: new messages in its spool, and what an operator asks.

use std::io;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::work::blocking;
use crate::message::reason;
use crate::spool::{Id, Request, Spool};

/// How often the names of the messages are read in any case.
const FULL_SCAN: Duration = Duration::from_secs(60);

/// After the folder could not be read.
const AGAIN: Duration = Duration::from_secs(5);

/// What was heard.
#[derive(Debug)]
pub(super) enum News {
    /// All messages that are there.
    Messages(Vec<Id>),
    Requests(Vec<Request>),
}

/// When the folder of messages was read.
#[derive(Debug, Default)]
struct Scans {
    /// Its time of change then.
    seen: Option<SystemTime>,
    is_settled: bool,
    last: Option<Instant>,
    next: Option<Instant>,
}

/// Looks at the spool every `poll`, at the time of change of its folder of messages and at the requests. First come
/// the messages that are to be removed, so that they are not tried before; then all messages; then whatever is new.
pub(super) async fn watch(spool: Spool, poll: Duration, news: mpsc::Sender<News>) {
    let mut scans = Scans::default();
    let mut is_first = true;
    loop {
        let began = Instant::now();
        let looked = spool.clone();
        let look = move || Ok((looked.changed().ok(), requests(&looked)?));
        let (changed, requests) = match blocking(look).await {
            Ok(look) => look,
            Err(error) => {
                say(&spool, &error);
                sleep(AGAIN).await;
                continue;
            }
        };
        // Many requests are not read all the time.
        let pause = poll.max(began.elapsed().saturating_mul(10));
        let requests = if is_first {
            let is_removal = |request: &Request| matches!(request, Request::Remove { .. });
            requests.into_iter().filter(is_removal).collect()
        } else {
            take_up(&spool, requests).await
        };
        if !requests.is_empty() && news.send(News::Requests(requests)).await.is_err() {
            return;
        }
        if scans.is_due(changed) {
            match scans.scan(&spool, changed).await {
                Ok(ids) => {
                    if news.send(News::Messages(ids)).await.is_err() {
                        return;
                    }
                    is_first = false;
                }
                Err(error) => {
                    say(&spool, &error);
                    sleep(AGAIN).await;
                    continue;
                }
            }
        }
        sleep(pause).await;
    }
}

/// What is asked. Somebody may have tidied the folder away.
fn requests(spool: &Spool) -> io::Result<Vec<Request>> {
    match spool.requests() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => spool.hear().map(|()| Vec::new()),
        requests => requests,
    }
}

/// Requests to try are heard with this. One to remove stays until that is done.
async fn take_up(spool: &Spool, requests: Vec<Request>) -> Vec<Request> {
    let mut taken = Vec::with_capacity(requests.len());
    for request in requests {
        if let Request::Try(id) = &request {
            let (spool, heard) = (spool.clone(), request.clone());
            if let Err(error) = blocking(move || spool.heard(&heard)).await {
                // It would be tried for ever.
                tracing::error!(error = reason(&error), "a request cannot be taken up");
                continue;
            }
            if let Some(id) = id {
                tracing::info!(%id, "to be tried now, as asked");
            } else {
                tracing::info!("all messages are to be tried now, as asked");
            }
        }
        taken.push(request);
    }
    taken
}

impl Scans {
    /// A change in the same tick of the clock as the one that was seen looks the same; so the folder is read once
    /// more after it looks settled.
    fn is_due(&self, changed: Option<SystemTime>) -> bool {
        let is_same = changed.is_some() && changed == self.seen;
        let is_recent = self.last.is_some_and(|time| time.elapsed() < FULL_SCAN);
        // A large folder that changes all the time is not read all the time.
        let may_be = self.next.is_none_or(|next| next <= Instant::now());
        may_be && !(is_same && self.is_settled && is_recent)
    }

    async fn scan(&mut self, spool: &Spool, changed: Option<SystemTime>) -> io::Result<Vec<Id>> {
        self.is_settled = changed.is_some() && changed == self.seen;
        self.seen = None;
        let began = Instant::now();
        let read = spool.clone();
        let ids = blocking(move || read.scan()).await?;
        self.seen = changed;
        self.last = Some(began);
        let pause = began.elapsed().saturating_mul(10).min(FULL_SCAN);
        self.next = Some(began + pause);
        Ok(ids)
    }
}

fn say(spool: &Spool, error: &io::Error) {
    let folder = spool.folder().display();
    tracing::error!(%folder, error = reason(error), "the spool cannot be read");
}
