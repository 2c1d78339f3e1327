//! The little of HTTPS that a sender needs: a policy fetched (RFC 8461 3.3), a report posted (RFC 8460 5.4).
//!
//! One request for one connection. The certificate must be good for the host; redirects, cookies, caches,
//! proxies and compression are not there. Time and octets are bounded by whoever asks.

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::terminal::shown_within;

/// For one address to connect.
const CONNECT: Duration = Duration::from_secs(15);

/// Octets of the header of a response; hyper takes no smaller bound.
const HEADER: usize = 8192;

/// Fields of it.
const FIELDS: usize = 64;

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// A name in A-labels: of which the certificate must be, and in the field Host.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// With its query, from the first slash.
    pub(crate) path: &'a str,
    /// Tried in order until one takes the connection.
    pub(crate) addresses: &'a [IpAddr],
}

/// What may a request cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// For all of it.
    pub(crate) time: Duration,
    /// Of the content of the response.
    pub(crate) octets: usize,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Empty where there is none.
    pub(crate) content_type: Vec<u8>,
    pub(crate) content: Vec<u8>,
}

/// Why nothing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HttpError {
    /// Nobody took the connection, or it broke.
    Connection(String),
    /// The certificate is not good for the host.
    Certificate(String),
    /// The request or the response is none of HTTP.
    Protocol(String),
    /// The content of the response has more octets than this.
    TooLong(usize),
    /// It took longer than this.
    Timeout(Duration),
}

/// A client.
#[derive(Clone)]
pub(crate) struct Https(TlsConnector);

impl Https {
    /// The configuration says who is trusted.
    pub(crate) fn new(config: Arc<ClientConfig>) -> Self {
        Self(TlsConnector::from(config))
    }

    /// GET.
    pub(crate) async fn get(
        &self,
        place: &Place<'_>,
        bounds: Bounds,
    ) -> Result<Response, HttpError> {
        let request = request(place, Request::get(place.path), Vec::new())?;
        self.exchange(place, request, bounds).await
    }

    /// POST of a content.
    pub(crate) async fn post(
        &self,
        place: &Place<'_>,
        content_type: &'static str,
        content: Vec<u8>,
        bounds: Bounds,
    ) -> Result<Response, HttpError> {
        let head = Request::post(place.path).header(CONTENT_TYPE, content_type);
        let request = request(place, head, content)?;
        self.exchange(place, request, bounds).await
    }

    async fn exchange(
        &self,
        place: &Place<'_>,
        request: Request<Full<Bytes>>,
        bounds: Bounds,
    ) -> Result<Response, HttpError> {
        let work = async {
            let stream = self.connect(place).await?;
            converse(stream, request, bounds.octets).await
        };
        (timeout(bounds.time, work).await).unwrap_or(Err(HttpError::Timeout(bounds.time)))
    }

    async fn connect(&self, place: &Place<'_>) -> Result<TlsStream<TcpStream>, HttpError> {
        let mut failure = HttpError::Connection(format!("{} has no address", place.host));
        let name = ServerName::try_from(place.host.to_owned())
            .map_err(|_| HttpError::Protocol(format!("{} is no host name", place.host)))?;
        for &ip in place.addresses {
            let address = SocketAddr::new(ip, place.port);
            let stream = match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    failure = HttpError::Connection(format!("{address}: {error}"));
                    continue;
                }
                Err(_) => {
                    let seconds = CONNECT.as_secs();
                    let words = format!("{address}: not connected within {seconds} seconds");
                    failure = HttpError::Connection(words);
                    continue;
                }
            };
            return (self.0.connect(name, stream).await)
                .map_err(|error| tls_error(address, &error));
        }
        Err(failure)
    }
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Https")
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(words) | Self::Certificate(words) | Self::Protocol(words) => {
                f.write_str(words)
            }
            Self::TooLong(octets) => write!(f, "the content has more than {octets} octets"),
            Self::Timeout(time) => write!(f, "no response within {} seconds", time.as_secs()),
        }
    }
}

fn request(
    place: &Place<'_>,
    head: hyper::http::request::Builder,
    content: Vec<u8>,
) -> Result<Request<Full<Bytes>>, HttpError> {
    let host = match place.port {
        443 => HeaderValue::from_str(place.host),
        port => HeaderValue::from_str(&format!("{}:{port}", place.host)),
    };
    let host = host.map_err(|error| HttpError::Protocol(error.to_string()))?;
    head.header(HOST, host)
        .header(USER_AGENT, "scop")
        .body(Full::from(content))
        .map_err(|error| HttpError::Protocol(error.to_string()))
}

/// One request, one response.
async fn converse(
    stream: TlsStream<TcpStream>,
    request: Request<Full<Bytes>>,
    octets: usize,
) -> Result<Response, HttpError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADER)
        .max_headers(FIELDS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| protocol(&error))?;
    // It ends with this function.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let response = (sender.send_request(request).await).map_err(|error| protocol(&error))?;
    let status = response.status().as_u16();
    let content_type = (response.headers().get(CONTENT_TYPE))
        .map(|value| value.as_bytes().to_vec())
        .unwrap_or_default();
    let content = (Limited::new(response.into_body(), octets).collect())
        .await
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                HttpError::TooLong(octets)
            } else {
                protocol(&*error)
            }
        })?;
    Ok(Response {
        status,
        content_type,
        content: content.to_bytes().to_vec(),
    })
}

/// What hyper says, with the cause that it keeps for itself.
fn protocol(error: &(dyn std::error::Error + 'static)) -> HttpError {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    HttpError::Protocol(shown_within(words.as_bytes(), 300))
}

fn tls_error(address: SocketAddr, error: &std::io::Error) -> HttpError {
    let inner = (error.get_ref()).and_then(|inner| inner.downcast_ref::<rustls::Error>());
    // A certificate may be quoted in it.
    let words = shown_within(format!("{address}: {error}").as_bytes(), 300);
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => HttpError::Certificate(words),
        _ => HttpError::Connection(words),
    }
}
