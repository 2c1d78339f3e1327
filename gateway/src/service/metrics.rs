//! The figures of a service, for Prometheus (text format 0.0.4): counted where the work is done, shown over
//! HTTP on a loopback address.
//!
//! Values of labels are words of this program, never text of others: that bounds how many there are, and
//! keeps addresses and content out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::encoding::{EncodeLabel as _, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tracing::debug;

use super::Stop;

/// Who reads the figures at once. Prometheus is one, a person is another; when one more comes, the one that came first
/// makes room: it had its time.
const CONNECTIONS: usize = 8;

/// One request and its response.
const TIME: Duration = Duration::from_secs(10);

/// A refusal to accept, such as for want of file descriptors, passes.
const PAUSE: Duration = Duration::from_millis(200);

/// Octets of a request; hyper takes no smaller bound.
const REQUEST: usize = 8192;

/// Upper bounds in seconds: a commit on a fast disk takes a millisecond, the slowest DNS half a minute.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0,
];

/// What a receiver counts.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    /// Connections that were accepted and got a session.
    pub(crate) connections: Counter,
    /// Sessions at this moment.
    pub(crate) open: Gauge,
    /// Connections without a session, by `reason`: `full`, `client`, `stop`.
    pub(crate) refused: Counts<1>,
    /// Handshakes of TLS, by `result`: `done`, `failed`.
    pub(crate) tls: Counts<1>,
    /// Logins, by `result`: `accepted`, `refused`.
    pub(crate) logins: Counts<1>,
    /// Messages whose content was begun, by `result`: `accepted`, `rejected`, `deferred`, `broken` (it never ended).
    pub(crate) messages: Counts<1>,
    /// Octets of the messages that were accepted, as they came.
    pub(crate) octets: Counter,
    /// RCPT commands, by `result`: `accepted`, `rejected`, `deferred`.
    pub(crate) recipients: Counts<1>,
    /// Results of checks, by `method` and `result`, in the words of RFC 8601 2.7.
    pub(crate) checks: Counts<2>,
    /// From the end of a message to the verdict of all checks.
    pub(crate) check_seconds: Histogram,
    /// From there until it is on disk.
    pub(crate) commit_seconds: Histogram,
    /// Messages that are handed on.
    pub(crate) queue: Queue,
    registry: Arc<Registry>,
}

/// What a sender counts.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) queue: Queue,
    /// Connections to other servers, by `result`: `plain`, `encrypted`, `verified`, or the failure in the words
    /// of RFC 8460 4.3.
    pub(crate) tls: Counts<1>,
    /// Reports of TLS, by `result`: `sent`, `failed`.
    pub(crate) reports: Counts<1>,
    registry: Arc<Registry>,
}

/// What the queue of either counts.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    /// Messages that are there.
    pub(crate) messages: Gauge,
    /// Octets of these.
    pub(crate) octets: Gauge,
    /// Attempts to hand over the recipients of one domain.
    pub(crate) attempts: Counter,
    /// What they came to, by `outcome`: `delivered`, `failed`, `deferred`.
    pub(crate) recipients: Counts<1>,
    /// Notifications written (RFC 3464), by `kind`: `failure`, `delay`, `success`.
    pub(crate) notifications: Counts<1>,
}

/// Counters told apart by `N` labels.
#[derive(Clone, Debug)]
pub(crate) struct Counts<const N: usize> {
    labels: [&'static str; N],
    family: Family<Words<N>, Counter>,
}

impl<const N: usize> Counts<N> {
    fn new(labels: [&'static str; N]) -> Self {
        Self {
            labels,
            family: Family::default(),
        }
    }

    /// One more of these.
    pub(crate) fn add(&self, values: [&'static str; N]) {
        self.add_many(values, 1);
    }

    pub(crate) fn add_many(&self, values: [&'static str; N], number: u64) {
        self.family
            .get_or_create(&self.words(values))
            .inc_by(number);
    }

    /// How many there were.
    #[cfg(test)]
    pub(crate) fn count(&self, values: [&'static str; N]) -> u64 {
        self.family
            .get(&self.words(values))
            .map_or(0, |counter| counter.get())
    }

    fn words(&self, values: [&'static str; N]) -> Words<N> {
        Words {
            labels: self.labels,
            values,
        }
    }
}

/// Labels with their values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Words<const N: usize> {
    labels: [&'static str; N],
    values: [&'static str; N],
}

impl<const N: usize> EncodeLabelSet for Words<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for pair in self.labels.into_iter().zip(self.values) {
            pair.encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

impl Receiver {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("scop_receiver");
        let figures = Self {
            connections: Counter::default(),
            open: Gauge::default(),
            refused: Counts::new(["reason"]),
            tls: Counts::new(["result"]),
            logins: Counts::new(["result"]),
            messages: Counts::new(["result"]),
            octets: Counter::default(),
            recipients: Counts::new(["result"]),
            checks: Counts::new(["method", "result"]),
            check_seconds: Histogram::new(SECONDS),
            commit_seconds: Histogram::new(SECONDS),
            queue: Queue::new(&mut registry),
            registry: Arc::default(),
        };
        register_start(&mut registry);
        registry.register(
            "connections",
            "Connections that got a session",
            figures.connections.clone(),
        );
        registry.register(
            "connections_open",
            "Sessions at this moment",
            figures.open.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that got no session",
            figures.refused.family.clone(),
        );
        registry.register("tls", "Handshakes of TLS", figures.tls.family.clone());
        registry.register("logins", "Logins", figures.logins.family.clone());
        registry.register(
            "messages",
            "Messages whose content was begun",
            figures.messages.family.clone(),
        );
        registry.register_with_unit(
            "messages_accepted",
            "Octets of the messages that were accepted",
            Unit::Bytes,
            figures.octets.clone(),
        );
        registry.register(
            "recipients",
            "RCPT commands",
            figures.recipients.family.clone(),
        );
        registry.register(
            "checks",
            "Results of SPF, DKIM and DMARC",
            figures.checks.family.clone(),
        );
        registry.register_with_unit(
            "check",
            "From the end of a message to the verdict of all checks",
            Unit::Seconds,
            figures.check_seconds.clone(),
        );
        registry.register_with_unit(
            "commit",
            "From the verdict until the message is on disk",
            Unit::Seconds,
            figures.commit_seconds.clone(),
        );
        Self {
            registry: Arc::new(registry),
            ..figures
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }
}

impl Sender {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("scop_sender");
        let figures = Self {
            queue: Queue::new(&mut registry),
            tls: Counts::new(["result"]),
            reports: Counts::new(["result"]),
            registry: Arc::default(),
        };
        register_start(&mut registry);
        registry.register(
            "tls",
            "Connections to other servers, and what TLS came to",
            figures.tls.family.clone(),
        );
        registry.register(
            "tls_reports",
            "Reports of TLS to other domains",
            figures.reports.family.clone(),
        );
        Self {
            registry: Arc::new(registry),
            ..figures
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }
}

impl Queue {
    fn new(registry: &mut Registry) -> Self {
        let figures = Self {
            messages: Gauge::default(),
            octets: Gauge::default(),
            attempts: Counter::default(),
            recipients: Counts::new(["outcome"]),
            notifications: Counts::new(["kind"]),
        };
        registry.register(
            "queue_messages",
            "Messages in the queue",
            figures.messages.clone(),
        );
        registry.register_with_unit(
            "queue",
            "Octets of the messages in the queue",
            Unit::Bytes,
            figures.octets.clone(),
        );
        registry.register(
            "queue_attempts",
            "Attempts to hand over the recipients of one domain",
            figures.attempts.clone(),
        );
        registry.register(
            "queue_recipients",
            "Recipients, and what an attempt came to",
            figures.recipients.family.clone(),
        );
        registry.register(
            "queue_notifications",
            "Delivery status notifications that were written",
            figures.notifications.family.clone(),
        );
        figures
    }
}

/// When the service started, so that counters which begin anew are understood.
fn register_start(registry: &mut Registry) {
    let start: Gauge = Gauge::default();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    start.set(i64::try_from(now.as_secs()).unwrap_or_default());
    registry.register_with_unit(
        "start_time",
        "When the service started, since 1970",
        Unit::Seconds,
        start,
    );
}

/// Answers `GET /metrics` until it is time to stop.
pub(crate) async fn serve(listener: TcpListener, registry: Arc<Registry>, mut stop: Stop) {
    let mut readers: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.requested() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                readers.retain(|reader| !reader.is_finished());
                if readers.len() >= CONNECTIONS
                    && let Some(oldest) = readers.pop_front()
                {
                    oldest.abort();
                }
                // One that takes longer is dropped.
                let reader = tokio::time::timeout(TIME, answer(stream, Arc::clone(&registry)));
                readers.push_back(tokio::spawn(reader).abort_handle());
            }
            Err(error) => {
                debug!(%error, "a reader of the figures was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One request on one connection.
async fn answer(stream: TcpStream, registry: Arc<Registry>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, &registry);
        async { Ok::<_, Infallible>(response) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIME)
        .max_buf_size(REQUEST)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        debug!(%error, "a reader of the figures went away");
    }
}

fn respond(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return words(StatusCode::NOT_FOUND, "the figures are at /metrics\n");
    }
    if request.method() != Method::GET {
        let mut response = words(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let mut text = String::new();
    match prometheus_text::encode(&mut text, registry) {
        Ok(()) => typed(StatusCode::OK, prometheus_text::CONTENT_TYPE, text.into()),
        Err(fmt::Error) => words(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the figures cannot be written\n",
        ),
    }
}

fn words(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    typed(
        status,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}

fn typed(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn what_is_counted_is_shown() {
        let figures = Receiver::new();
        let copy = figures.clone();
        copy.connections.inc();
        copy.refused.add(["full"]);
        copy.checks.add(["dkim", "pass"]);
        copy.checks.add_many(["spf", "fail"], 2);
        copy.octets.inc_by(4096);
        copy.commit_seconds.observe(0.002);
        copy.queue.recipients.add(["delivered"]);
        assert_eq!(figures.checks.count(["spf", "fail"]), 2);
        assert_eq!(figures.checks.count(["spf", "pass"]), 0);
        let shown = text(&figures.registry());
        for line in [
            "# TYPE scop_receiver_connections_total counter",
            "scop_receiver_connections_total 1",
            "scop_receiver_connections_open 0",
            "scop_receiver_connections_refused_total{reason=\"full\"} 1",
            "scop_receiver_messages_accepted_bytes_total 4096",
            "scop_receiver_checks_total{method=\"dkim\",result=\"pass\"} 1",
            "scop_receiver_checks_total{method=\"spf\",result=\"fail\"} 2",
            "scop_receiver_commit_seconds_bucket{le=\"0.0025\"} 1",
            "scop_receiver_commit_seconds_bucket{le=\"0.001\"} 0",
            "scop_receiver_check_seconds_count 0",
            "scop_receiver_queue_recipients_total{outcome=\"delivered\"} 1",
        ] {
            assert!(
                shown.lines().any(|shown| shown == line),
                "{line}\n\n{shown}"
            );
        }
        assert!(shown.contains("\nscop_receiver_start_time_seconds 1"));

        let figures = Sender::new();
        figures.tls.add(["verified"]);
        figures.queue.messages.set(3);
        figures.queue.notifications.add(["failure"]);
        let shown = text(&figures.registry());
        for line in [
            "scop_sender_tls_total{result=\"verified\"} 1",
            "scop_sender_queue_messages 3",
            "scop_sender_queue_notifications_total{kind=\"failure\"} 1",
        ] {
            assert!(
                shown.lines().any(|shown| shown == line),
                "{line}\n\n{shown}"
            );
        }
    }

    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    }

    #[tokio::test]
    async fn over_http() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stopper, stop) = Stop::new();
        let figures = Receiver::new();
        figures.messages.add(["accepted"]);
        let served = tokio::spawn(serve(listener, figures.registry(), stop));

        // Those who say nothing take no place from others.
        let mut idle = Vec::new();
        for _ in 0..3 * CONNECTIONS {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let begin = Instant::now();
        let response = ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(begin.elapsed() < TIME);
        assert!(response.contains("content-type: text/plain; version=0.0.4"));
        assert!(response.ends_with("} 1\n") || response.contains("result=\"accepted\"} 1\n"));
        for (request, status) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            ("POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405),
            ("EHLO x\r\n\r\n", 400),
        ] {
            let response = ask(address, request).await;
            let line = format!("HTTP/1.1 {status} ");
            assert!(response.starts_with(&line), "{request}: {response}");
        }
        let long = format!(
            "GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n",
            "x".repeat(REQUEST)
        );
        assert!(ask(address, &long).await.starts_with("HTTP/1.1 431 "));

        // And those who came first are gone.
        let mut nothing = String::new();
        let end = idle[0].read_to_string(&mut nothing).await;
        assert!(end.is_err() || nothing.is_empty());

        stopper.send(true).unwrap();
        served.await.unwrap();
    }
}
