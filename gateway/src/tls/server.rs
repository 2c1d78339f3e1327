//! The certificate of a server, which is read again when its files change.
//!
//! TLS 1.2 and 1.3 with the suites of rustls, which are those of RFC 9325 4.2. A new pair of files takes the
//! place of the old one when both can be read and belong together; otherwise the old one stays. Connections
//! that are there keep what they began with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::error::Error;
use crate::service::files::{self, Stamp};
use crate::service::{Reload, Stop};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);

/// A certificate with its key, and the files they are from.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: [PathBuf; 2],
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

/// What clients are shown.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.0.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Certificate {
    /// Reads the chain, that of the server first, and its key.
    pub(crate) fn open(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let files = [certificate.to_owned(), key.to_owned()];
        let pair = read(&files, &provider)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(pair))));
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Current>::clone(&current);
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new("TLS", error))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        Ok(Self {
            files,
            provider,
            current,
            config: Arc::new(config),
        })
    }

    /// What makes TLS of a connection; it stays good when the certificate changes.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Whether a client that knows the server by this name will take the certificate for its own.
    pub(crate) fn is_for(&self, name: &str) -> bool {
        let pair = self.pair();
        let Ok(name) = ServerName::try_from(name) else {
            return false;
        };
        pair.end_entity_cert()
            .and_then(ParsedCertificate::try_from)
            .is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
    }

    /// Reads the files again; the old pair stays when the new one is broken. Blocks.
    pub(crate) fn read_again(&self) -> Result<(), Error> {
        let pair = read(&self.files, &self.provider)?;
        let mut current = self
            .current
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(pair);
        Ok(())
    }

    /// Reads the files again when asked to, and when they have changed, until it is time to stop.
    pub(crate) async fn watch(self: Arc<Self>, mut reload: Reload, mut stop: Stop) {
        let mut stamps = self.stamps();
        loop {
            let asked = tokio::select! {
                () = reload.requested() => true,
                () = tokio::time::sleep(LOOK) => false,
                () = stop.requested() => return,
            };
            // Before the files are read, so that what changes meanwhile is seen the next time.
            let now = self.stamps();
            if !asked && now == stamps {
                continue;
            }
            stamps = now;
            let this = Arc::clone(&self);
            let read = tokio::task::spawn_blocking(move || this.read_again()).await;
            match read {
                Ok(Ok(())) => info!(
                    certificate = %self.files[0].display(),
                    "the certificate was read again"
                ),
                Ok(Err(error)) => {
                    error!(%error, "the new certificate is not used, the old one stays");
                }
                Err(error) => error!(%error, "the certificate was not read again"),
            }
        }
    }

    fn pair(&self) -> Arc<CertifiedKey> {
        Arc::clone(
            &self
                .current
                .0
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        self.files.each_ref().map(|file| Stamp::of(file))
    }
}

/// A pair that belongs together.
fn read(files: &[PathBuf; 2], provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
    let [certificate, key] = files.each_ref().map(PathBuf::as_path);
    let chain = CertificateDer::pem_slice_iter(&files::read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::new(certificate.display(), error))?;
    if chain.is_empty() {
        return Err(Error::new(
            certificate.display(),
            "there is no certificate in PEM in it",
        ));
    }
    let secret =
        PrivateKeyDer::from_pem_slice(&files::read(key)?).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                Error::new(key.display(), "there is no private key in PEM in it")
            }
            error => Error::new(key.display(), error),
        })?;
    let secret = provider
        .key_provider
        .load_private_key(secret)
        .map_err(|error| Error::new(key.display(), error))?;
    let pair = CertifiedKey::new(chain, secret);
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => Err(Error::new(
            key.display(),
            format_args!(
                "it is not the key of the certificate in {}",
                certificate.display()
            ),
        )),
        Err(error) => Err(Error::new(certificate.display(), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("scop-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn new_pair(name: &str) -> (String, String) {
        let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    }

    /// Whether a client that trusts nothing but this certificate can speak with the server.
    async fn is_shown(certificate: &Certificate, pem: &str, name: &'static str) -> bool {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (near, far) = tokio::io::duplex(1024);
        let server = certificate.acceptor().accept(far);
        let connector = TlsConnector::from(Arc::new(client));
        let client = connector.connect(ServerName::try_from(name).unwrap(), near);
        let (Ok(mut server), Ok(mut client)) = tokio::join!(server, client) else {
            return false;
        };
        server.write_all(b"220").await.unwrap();
        server.flush().await.unwrap();
        let mut octets = [0; 3];
        client.read_exact(&mut octets).await.unwrap();
        octets == *b"220"
    }

    #[tokio::test]
    async fn a_new_pair_takes_over_and_a_broken_one_does_not() {
        let folder = Folder::new("certificate");
        let (first, first_key) = new_pair("mail.example.org");
        let (second, second_key) = new_pair("mail.example.org");
        let path = folder.write("certificate.pem", &first);
        let key_path = folder.write("key.pem", &first_key);
        let certificate = Certificate::open(&path, &key_path).unwrap();
        let name = "mail.example.org";
        assert!(certificate.is_for(name) && !certificate.is_for("mail.example.net"));
        assert!(is_shown(&certificate, &first, name).await);
        assert!(!is_shown(&certificate, &second, name).await);

        let (path, key_path) = (path.display(), key_path.display());
        for (octets, key, rule) in [
            (
                &second,
                &first_key,
                format!("{key_path}: it is not the key of the certificate in {path}"),
            ),
            (
                &second_key,
                &second_key,
                format!("{path}: there is no certificate in PEM in it"),
            ),
            (
                &second,
                &second,
                format!("{key_path}: there is no private key in PEM in it"),
            ),
        ] {
            folder.write("certificate.pem", octets);
            folder.write("key.pem", key);
            assert_eq!(certificate.read_again().unwrap_err().to_string(), rule);
            assert!(is_shown(&certificate, &first, name).await);
        }
        std::fs::remove_file(folder.0.join("key.pem")).unwrap();
        assert_eq!(
            certificate.read_again().unwrap_err().to_string(),
            format!("{key_path}: no such file or directory")
        );

        folder.write("certificate.pem", &second);
        folder.write("key.pem", &second_key);
        certificate.read_again().unwrap();
        assert!(is_shown(&certificate, &second, name).await);
        assert!(!is_shown(&certificate, &first, name).await);
    }

    #[tokio::test]
    async fn files_that_change_are_read_again() {
        let folder = Folder::new("watch");
        let (first, first_key) = new_pair("mail.example.org");
        let (second, second_key) = new_pair("mail.example.org");
        let (third, third_key) = new_pair("mail.example.org");
        let path = folder.write("certificate.pem", &first);
        let key_path = folder.write("key.pem", &first_key);
        let certificate = Arc::new(Certificate::open(&path, &key_path).unwrap());
        let (stopper, stop) = Stop::new();
        let (reloader, reload) = Reload::new();
        let watch = tokio::spawn(Arc::clone(&certificate).watch(reload, stop));
        let until_shown = async |pem: &str| {
            while !is_shown(&certificate, pem, "mail.example.org").await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::task::yield_now().await;

        // By request.
        folder.write("certificate.pem", &second);
        folder.write("key.pem", &second_key);
        reloader.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), until_shown(&second))
            .await
            .unwrap();

        // By itself, within a minute.
        folder.write("certificate.pem", &third);
        folder.write("key.pem", &third_key);
        tokio::time::pause();
        tokio::time::advance(LOOK).await;
        tokio::time::resume();
        tokio::time::timeout(Duration::from_secs(10), until_shown(&third))
            .await
            .unwrap();

        stopper.send(true).unwrap();
        watch.await.unwrap();
    }
}
