//! Files that hold a private key.
//!
//! Read: PEM with `PRIVATE KEY` (PKCS#8, RFC 5958; RSA, and Ed25519 by RFC 8410) or `RSA PRIVATE KEY` (PKCS#1,
//! RFC 8017 A.1.2), and an Ed25519 seed as 32 octets in base64. Written: PKCS#8 in PEM.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use scop_core::Emit as _;
use scop_core::crypto::Sign;
use scop_crypto::{Ed25519SigningKey, KeyError, RsaSigningKey};
use scop_dkim::key_record::Publish;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::message::{Source, reason};

/// The longest key file that is read: RSA with 4096 bits needs 3.3 KiB.
const MAX_KEY_FILE: u64 = 64 << 10;

/// A private key that can sign mail.
pub(crate) enum SigningKey {
    Ed25519(Ed25519SigningKey),
    Rsa(RsaSigningKey),
}

impl SigningKey {
    /// A new Ed25519 key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new_ed25519() -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice())
            .map_err(|error| Error::new("the system's random numbers", error))?;
        Ok(Self::Ed25519(Ed25519SigningKey::from_seed(&seed)))
    }

    /// A new RSA key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new_rsa(bits: usize) -> Result<Self, Error> {
        RsaSigningKey::generate(bits, &mut SysRng)
            .map(Self::Rsa)
            .map_err(|error| Error::new("a new RSA key", error))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read, or is not a key in a form listed above.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let place = path.display();
        let file = Source::open_file(path)?;
        let mut text = Zeroizing::new(Vec::new());
        file.take(MAX_KEY_FILE + 1)
            .read_to_end(&mut text)
            .map_err(|error| Error::new(&place, reason(&error)))?;
        if text.len() as u64 > MAX_KEY_FILE {
            let rule = "the key file goes on after 64 KiB, the limit";
            return Err(Error::at(&place, MAX_KEY_FILE, rule));
        }
        Self::parse(&text).map_err(|(byte, rule)| Error::at(&place, byte as u64, rule))
    }

    /// Reads the text of a key file; an error has its byte.
    fn parse(text: &[u8]) -> Result<Self, (usize, String)> {
        const BEGIN: &[u8] = b"-----BEGIN ";
        const END: &[u8] = b"-----END ";
        let Some(begin) = find(text, BEGIN) else {
            return Self::parse_seed(text);
        };
        // Other text may stand around the key: what it is for, or its certificate.
        let pem = text.get(begin..).unwrap_or_default();
        let end = find(pem, END).map_or(pem.len(), |end| {
            let rest = pem.get(end..).unwrap_or_default();
            end + find(rest, b"\n").map_or(rest.len(), |line| line + 1)
        });
        let pem = pem.get(..end).unwrap_or_default();
        match Ed25519SigningKey::from_pem(pem) {
            Err(KeyError::Algorithm) => RsaSigningKey::from_pem(pem).map(Self::Rsa),
            key => key.map(Self::Ed25519),
        }
        .map_err(|error| {
            let rule = match error {
                KeyError::Algorithm => {
                    "the key is for another algorithm; DKIM signs with RSA or Ed25519 (RFC 8463 3)"
                        .to_owned()
                }
                KeyError::Encrypted => {
                    "the key is encrypted; decrypt it first, with `openssl pkey`".to_owned()
                }
                KeyError::Size => {
                    "the key is too small or too large; RSA needs 1024 to 4096 bits (RFC 8301 3.2)"
                        .to_owned()
                }
                error => format!("{error}; PKCS#8 or PKCS#1 in PEM is needed (RFC 7468 10)"),
            };
            (begin, rule)
        })
    }

    fn parse_seed(text: &[u8]) -> Result<Self, (usize, String)> {
        let start = text.len() - text.trim_ascii_start().len();
        let seed = Zeroizing::new(STANDARD.decode(text.trim_ascii()).unwrap_or_default());
        <&[u8; 32]>::try_from(seed.as_slice())
            .map(|seed| Self::Ed25519(Ed25519SigningKey::from_seed(seed)))
            .map_err(|_| {
                let rule = "neither PEM (`-----BEGIN PRIVATE KEY-----`) nor 32 octets in base64";
                (start, rule.to_owned())
            })
    }

    /// Writes the key to a new file that only its owner can read; a file that is there stays as it is.
    ///
    /// # Errors
    /// When the file is there already, or cannot be written.
    pub(crate) fn write_new(&self, path: &Path) -> Result<(), Error> {
        let fail = |error: std::io::Error| {
            Error::new(
                path.display(),
                match error.kind() {
                    std::io::ErrorKind::AlreadyExists => {
                        "is there already; a key is never written over a file".to_owned()
                    }
                    _ => reason(&error),
                },
            )
        };
        let pem = match self {
            Self::Ed25519(key) => key.to_pkcs8_pem(),
            Self::Rsa(key) => key.to_pkcs8_pem(),
        }
        .map_err(|error| Error::new(path.display(), error))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(fail)?;
        file.write_all(pem.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(fail)
    }

    /// The key as the signer takes it.
    pub(crate) fn as_sign(&self) -> &dyn Sign {
        match self {
            Self::Ed25519(key) => key,
            Self::Rsa(key) => key,
        }
    }

    /// The text of the record that publishes the public key (RFC 6376 3.6.1).
    pub(crate) fn record(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => Publish::ed25519(&key.public_key()).to_vec(),
            Self::Rsa(key) => Publish::rsa(key.public_key_der()).to_vec(),
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// What is to be said when others than the owner can read the key.
pub(crate) fn warning(path: &Path) -> Option<String> {
    let metadata = path.metadata().ok()?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
    (metadata.is_file() && mode & 0o077 != 0).then(|| {
        format!(
            "{}: mode {:04o} opens the private key to others; `chmod 600` it",
            path.display(),
            mode & 0o7777
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_at_its_byte() {
        for (text, byte, words) in [
            (&b""[..], 0, "neither PEM"),
            (b"\n AAAA\n", 2, "neither PEM"),
            (b"\xff\xfe", 0, "neither PEM"),
            (b"note\n-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n", 5, "not the PEM"),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0, "malformed"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0, "not the PEM"),
            (
                b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                0,
                "encrypted",
            ),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n", 0, "not the PEM"),
        ] {
            let Err((at, rule)) = SigningKey::parse(text) else {
                panic!("{text:?}")
            };
            assert_eq!(at, byte, "{rule}");
            assert!(rule.contains(words), "{rule}");
        }
    }

    #[test]
    fn a_seed_in_base64() {
        // RFC 8463 A.2.
        let key = SigningKey::parse(b" nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n")
            .ok()
            .unwrap();
        let record = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(key.record(), record);
    }
}
