//! Whom a client of TLS trusts: the authorities of the platform and those of the configuration.
//!
//! A certificate is held against them in every case (RFC 5280, RFC 6125 as webpki has them). Where names are
//! demanded, TLS comes about with one of them only; where none is, with whoever answers, and it is said
//! whether the certificate was good (RFC 7435). Sessions are not resumed: a ticket would stand for a
//! certificate that was never held against the demands of this connection.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use scop_smtp_proto::policy::tls_rpt::ResultType;
use tokio_rustls::TlsConnector;

use super::channel::Channel;
use crate::error::Error;
use crate::terminal::shown_within;

/// The authorities that are trusted; read once.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    provider: Arc<CryptoProvider>,
    /// None where there is no authority at all: then no certificate is good.
    webpki: Option<Arc<dyn ServerCertVerifier>>,
}

/// TLS that came about.
pub(crate) struct Secured {
    pub(crate) channel: Box<dyn Channel>,
    /// Version and cipher suite: `TLSv1.3 TLS_AES_128_GCM_SHA256`.
    pub(crate) words: String,
    /// The certificate has one of the names and leads to an authority that is trusted.
    pub(crate) verified: bool,
}

/// Why TLS did not come about.
#[derive(Clone, Debug)]
pub(crate) struct TlsError {
    pub(crate) kind: ResultType,
    pub(crate) words: String,
}

impl Trust {
    /// The authorities of the platform, and those of a PEM file.
    pub(crate) fn new(roots: Option<&Path>) -> Result<Self, Error> {
        let mut extra = Vec::new();
        if let Some(path) = roots {
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|error| Error::new(path.display(), error))?;
            for certificate in certificates {
                extra.push(certificate.map_err(|error| Error::new(path.display(), error))?);
            }
            if extra.is_empty() {
                return Err(Error::new(path.display(), "there is no certificate in it"));
            }
        }
        let place = || roots.map_or_else(String::new, |path| path.display().to_string());
        let is_needed = !extra.is_empty();
        let provider = Arc::new(ring::default_provider());
        let webpki: Option<Arc<dyn ServerCertVerifier>> =
            match rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider.clone())
            {
                Ok(verifier) => Some(Arc::new(verifier)),
                Err(error) if is_needed => return Err(Error::new(place(), error)),
                Err(error) => {
                    tracing::warn!(%error, "no certificate of a server can be verified");
                    None
                }
            };
        Ok(Self { provider, webpki })
    }

    /// For HTTPS: the certificate must be good for the name that is asked for.
    pub(crate) fn https(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let verifier = Verifier {
            trust: self.clone(),
            names: Vec::new(),
            is_demanded: true,
            verified: OnceLock::new(),
        };
        self.config(Arc::new(verifier))
    }

    /// Negotiates TLS over a channel to `host`. The certificate must have one of `names`; without names any
    /// certificate is good, and is held against `host`. How long it may take is for the caller to say.
    pub(crate) async fn connect(
        &self,
        channel: Box<dyn Channel>,
        host: &str,
        address: IpAddr,
        names: &[String],
    ) -> Result<Secured, TlsError> {
        let name = server_name(host).unwrap_or_else(|| ServerName::from(address));
        let demanded: Option<Vec<_>> = names.iter().map(|name| server_name(name)).collect();
        let Some(demanded) = demanded else {
            return Err(TlsError {
                kind: ResultType::ValidationFailure,
                words: "a name that is demanded of the certificate is none of DNS".to_owned(),
            });
        };
        let verifier = Arc::new(Verifier {
            trust: self.clone(),
            is_demanded: !demanded.is_empty(),
            names: demanded,
            verified: OnceLock::new(),
        });
        let config = self.config(verifier.clone()).map_err(|error| TlsError {
            kind: ResultType::ValidationFailure,
            words: error.to_string(),
        })?;
        let stream = TlsConnector::from(config)
            .connect(name, channel)
            .await
            .map_err(|error| TlsError::new(&error))?;
        let (_, session) = stream.get_ref();
        let version = session
            .protocol_version()
            .and_then(|version| version.as_str().map(|text| text.replace('_', ".")));
        let suite = session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str());
        let words = format!(
            "{} {}",
            version.as_deref().unwrap_or("TLS"),
            // The names of RFC 8446 have no version in them.
            suite.unwrap_or("unknown suite").replace("TLS13_", "TLS_")
        );
        Ok(Secured {
            words,
            verified: verifier.verified.get().copied().unwrap_or(false),
            channel: Box::new(stream),
        })
    }

    fn config(&self, verifier: Arc<Verifier>) -> Result<Arc<ClientConfig>, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

impl TlsError {
    fn new(error: &std::io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        let kind = match inner {
            Some(rustls::Error::InvalidCertificate(error)) => kind(error),
            _ => ResultType::ValidationFailure,
        };
        // What the server sent may be quoted in it.
        let words = shown_within(error.to_string().as_bytes(), 300);
        Self { kind, words }
    }
}

/// The word of RFC 8460 4.3.1 for what is wrong with a certificate.
fn kind(error: &CertificateError) -> ResultType {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ResultType::CertificateHostMismatch
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ResultType::CertificateExpired
        }
        // Who calls himself like an authority that is trusted has not its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            ResultType::CertificateNotTrusted
        }
        _ => ResultType::ValidationFailure,
    }
}

/// A name or an address, without the dot at its end.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    let host = host.strip_suffix('.').unwrap_or(host);
    ServerName::try_from(host.to_owned()).ok()
}

/// The verifier of one connection.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    /// Those of which the certificate must have one; the name that was connected to without them.
    names: Vec<ServerName<'static>>,
    /// A certificate that is not good ends the handshake.
    is_demanded: bool,
    verified: OnceLock<bool>,
}

impl Verifier {
    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(webpki) = &self.trust.webpki else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        let verify = |name| webpki.verify_server_cert(certificate, intermediates, name, ocsp, now);
        let Some((first, others)) = self.names.split_first() else {
            return verify(server_name);
        };
        let mut result = verify(first);
        for name in others {
            if result.is_ok() {
                break;
            }
            result = verify(name);
        }
        result
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result = self.verify(certificate, intermediates, server_name, ocsp, now);
        // One connection has one handshake.
        let _ = self.verified.set(result.is_ok());
        if self.is_demanded {
            return result;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
