//! A web server on loopback with certificates of an authority of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::Response as Reply;
use hyper::body::Incoming;
use hyper::service::service_fn;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::spool::tests::Place as Folder;
use crate::tls::client::Trust;

/// An authority, and who trusts it.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) trust: Trust,
}

impl Authority {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::named(&format!("authority {number}"))
    }

    /// Of this name, which others may have too.
    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let folder = Folder::new();
        let path = folder.0.join("authority.pem");
        std::fs::write(&path, certificate.pem()).unwrap();
        let trust = Trust::new(Some(&path)).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            trust,
        }
    }

    pub(crate) fn https(&self) -> Https {
        Https::new(self.trust.https().unwrap())
    }

    /// A server's side with a certificate for `name`, valid to the end of `year`.
    pub(crate) fn acceptor(&self, name: &str, year: i32) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What a site answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) content: Vec<u8>,
    pub(crate) delay: Duration,
}

impl Answer {
    pub(crate) fn text(content: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            fields: vec![("content-type", "text/plain".to_owned())],
            content: content.into(),
            delay: Duration::ZERO,
        }
    }
}

/// A request as it came: `GET host path`, and its content.
pub(crate) type Seen = (String, Vec<u8>);

/// A web server, which ends with this value.
pub(crate) struct Site {
    pub(crate) port: u16,
    pub(crate) answer: Arc<Mutex<Answer>>,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    _task: JoinSet<()>,
}

impl Site {
    pub(crate) async fn start(tls: TlsAcceptor, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new(answer));
        let seen = Arc::default();
        let mut task = JoinSet::new();
        task.spawn(serve(listener, tls, answer.clone(), Arc::clone(&seen)));
        Self {
            port,
            answer,
            seen,
            _task: task,
        }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(line, _)| line.clone()).collect()
    }
}

async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    answer: Arc<Mutex<Answer>>,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    let mut tasks = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, answer, seen) = (tls.clone(), answer.clone(), seen.clone());
        tasks.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let service = service_fn(|request: Request<Incoming>| {
                let (answer, seen) = (answer.lock().unwrap().clone(), seen.clone());
                async move {
                    let host = request.headers()[HOST].to_str().unwrap();
                    let host = host.split(':').next().unwrap();
                    let line = format!("{} {host} {}", request.method(), request.uri());
                    let content = request.into_body().collect().await.unwrap();
                    let content = content.to_bytes().to_vec();
                    seen.lock().unwrap().push((line, content));
                    tokio::time::sleep(answer.delay).await;
                    let mut reply = Reply::builder().status(answer.status);
                    for (name, value) in answer.fields {
                        reply = reply.header(name, value);
                    }
                    reply.body(Full::<Bytes>::from(answer.content))
                }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

const HOST_NAME: &str = "policy.example.org";

const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(20),
    octets: 1000,
};

fn place(port: u16, addresses: &[IpAddr]) -> Place<'_> {
    Place {
        host: HOST_NAME,
        port,
        path: "/a?b=c",
        addresses,
    }
}

fn loopback() -> Vec<IpAddr> {
    vec!["127.0.0.1".parse().unwrap()]
}

#[tokio::test]
async fn a_response() {
    let ours = Authority::new();
    let site = Site::start(ours.acceptor(HOST_NAME, 2999), Answer::text("hello")).await;
    // The first address takes no connection.
    let addresses: Vec<IpAddr> = ["127.9.9.9", "127.0.0.1"]
        .map(|ip| ip.parse().unwrap())
        .to_vec();
    let place = place(site.port, &addresses);
    let response = ours.https().get(&place, BOUNDS).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.content_type, b"text/plain");
    assert_eq!(response.content, b"hello");
    let posted = ours
        .https()
        .post(&place, "application/x", b"report".to_vec(), BOUNDS)
        .await
        .unwrap();
    assert_eq!(posted.status, 200);
    assert_eq!(
        site.requests(),
        [
            "GET policy.example.org /a?b=c",
            "POST policy.example.org /a?b=c"
        ]
    );
    assert_eq!(site.seen.lock().unwrap()[1].1, b"report");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let ours = Authority::new();
    let mut answer = Answer::text("elsewhere");
    answer.status = 301;
    let site = Site::start(ours.acceptor(HOST_NAME, 2999), answer).await;
    let location = format!("https://{HOST_NAME}:{}/other", site.port);
    site.answer.lock().unwrap().fields = vec![("location", location)];
    let response = ours
        .https()
        .get(&place(site.port, &loopback()), BOUNDS)
        .await
        .unwrap();
    assert_eq!((response.status, response.content_type), (301, Vec::new()));
    assert_eq!(site.requests().len(), 1);
}

#[tokio::test]
async fn certificates() {
    let (ours, other) = (Authority::new(), Authority::new());
    for acceptor in [
        ours.acceptor(HOST_NAME, 2021),
        ours.acceptor("example.org", 2999),
        other.acceptor(HOST_NAME, 2999),
    ] {
        let site = Site::start(acceptor, Answer::text("no")).await;
        let got = ours
            .https()
            .get(&place(site.port, &loopback()), BOUNDS)
            .await;
        assert!(matches!(got, Err(HttpError::Certificate(_))), "{got:?}");
        assert!(site.requests().is_empty());
    }
}

#[tokio::test]
async fn bounds() {
    let ours = Authority::new();
    let site = Site::start(
        ours.acceptor(HOST_NAME, 2999),
        Answer::text(vec![b'x'; 1000]),
    )
    .await;
    let (https, addresses) = (ours.https(), loopback());
    let place = place(site.port, &addresses);
    let got = https.get(&place, BOUNDS).await.unwrap();
    assert_eq!(got.content.len(), 1000);
    site.answer.lock().unwrap().content.push(b'x');
    let got = https.get(&place, BOUNDS).await;
    assert_eq!(got.unwrap_err(), HttpError::TooLong(1000));
    site.answer.lock().unwrap().fields = vec![("x", "x".repeat(20_000))];
    let got = https.get(&place, BOUNDS).await;
    assert!(matches!(got, Err(HttpError::Protocol(_))), "{got:?}");
    site.answer.lock().unwrap().fields.clear();
    site.answer.lock().unwrap().delay = Duration::from_secs(60);
    let time = Duration::from_millis(300);
    let got = https.get(&place, Bounds { time, ..BOUNDS }).await;
    assert_eq!(got.unwrap_err(), HttpError::Timeout(time));
}

#[tokio::test]
async fn nobody_there() {
    let ours = Authority::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    for addresses in [loopback(), Vec::new()] {
        let got = ours.https().get(&place(port, &addresses), BOUNDS).await;
        assert!(matches!(got, Err(HttpError::Connection(_))), "{got:?}");
    }
    // A server that speaks no TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    });
    let got = ours.https().get(&place(port, &loopback()), BOUNDS).await;
    assert!(matches!(got, Err(HttpError::Connection(_))), "{got:?}");
}
