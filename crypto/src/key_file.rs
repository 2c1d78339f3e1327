//! Private keys as files hold them: PEM (RFC 7468) around PKCS#8 (RFC 5958) or PKCS#1 (RFC 8017 A.1.2).

use core::fmt;

#[cfg(feature = "alloc")]
use alloc::string::String;
#[cfg(feature = "alloc")]
use pem_rfc7468::LineEnding;
#[cfg(feature = "alloc")]
use zeroize::Zeroizing;

/// A private key could not be read, made or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is of another algorithm.
    Algorithm,
    /// The key is encrypted with a password.
    Encrypted,
    /// The DER is not that of a private key, or its numbers do not belong together.
    Malformed,
    /// Not the PEM text of one private key.
    Pem,
    /// The random number generator failed.
    Random,
    /// The modulus has not 1024 to 4096 bits, or the exponent is not one that verifiers here take.
    Size,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Algorithm => "the key is of another algorithm",
            Self::Encrypted => "the key is encrypted",
            Self::Malformed => "the key is malformed",
            Self::Pem => "not the PEM text of one private key",
            Self::Random => "the random number generator failed",
            Self::Size => "the key is too small or too large",
        })
    }
}

impl core::error::Error for KeyError {}

/// What a PEM text holds (RFC 7468 10; the other label is from before there was PKCS#8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Pkcs1,
    Pkcs8,
}

/// Decodes the PEM text of one private key into `buffer`.
pub(crate) fn from_pem<'b>(pem: &[u8], buffer: &'b mut [u8]) -> Result<(Form, &'b [u8]), KeyError> {
    let (label, der) = pem_rfc7468::decode(pem, buffer).map_err(|error| match error {
        // Only encryption ever wrote headers here (RFC 1421 4.6.1.1).
        pem_rfc7468::Error::HeaderDisallowed => KeyError::Encrypted,
        _ => KeyError::Pem,
    })?;
    match label {
        "PRIVATE KEY" => Ok((Form::Pkcs8, der)),
        "RSA PRIVATE KEY" => Ok((Form::Pkcs1, der)),
        "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
        _ => Err(KeyError::Pem),
    }
}

/// The PEM text of a key in PKCS#8.
#[cfg(feature = "alloc")]
pub(crate) fn to_pem(der: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    let (label, ending) = ("PRIVATE KEY", LineEnding::LF);
    let len = pem_rfc7468::encoded_len(label, ending, der).map_err(|_| KeyError::Pem)?;
    let mut buffer = Zeroizing::new(alloc::vec![0; len]);
    let pem = pem_rfc7468::encode(label, ending, der, &mut buffer).map_err(|_| KeyError::Pem)?;
    Ok(Zeroizing::new(String::from(pem)))
}

// Tags of DER (X.690 8.1.2).
const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const ATTRIBUTES: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0x81;

/// The parts of `OneAsymmetricKey` (RFC 5958 2), for whatever algorithm.
pub(crate) struct Pkcs8<'a> {
    pub(crate) algorithm: &'a [u8],
    pub(crate) private_key: &'a [u8],
    public_key: Option<&'a [u8]>,
}

impl<'a> Pkcs8<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Option<Self> {
        let (body, end) = element(SEQUENCE, der)?;
        let (version, body) = element(INTEGER, body)?;
        let (algorithm, body) = element(SEQUENCE, body)?;
        let (private_key, body) = element(OCTET_STRING, body)?;
        let body = element(ATTRIBUTES, body).map_or(body, |(_, rest)| rest);
        let (public_key, rest) = match element(PUBLIC_KEY, body) {
            Some((public_key, rest)) if version == [1] => (Some(public_key), rest),
            _ => (None, body),
        };
        let whole = matches!(version, [0 | 1]) && rest.is_empty() && end.is_empty();
        whole.then_some(Self {
            algorithm,
            private_key,
            public_key,
        })
    }

    /// Whether the public key in it, if there is one, is this.
    pub(crate) fn belongs_to(&self, public_key: &[u8]) -> bool {
        match self.public_key {
            Some([0, found @ ..]) => found == public_key,
            Some(_) => false,
            None => true,
        }
    }
}

/// The content of the DER element with this tag, and what follows it.
pub(crate) fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match der {
        [found, len @ ..=0x7f, rest @ ..] if *found == tag => (usize::from(*len), rest),
        [found, 0x81, len @ 0x80..=0xff, rest @ ..] if *found == tag => (usize::from(*len), rest),
        [found, 0x82, high @ 1..=0xff, low, rest @ ..] if *found == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_der_have_one_form_each() {
        let content = [7; 256];
        for len in [0u16, 1, 127, 128, 255, 256] {
            let [high, low] = len.to_be_bytes();
            let content = &content[..len.into()];
            let forms: [&[u8]; 3] = [&[4, low], &[4, 0x81, low], &[4, 0x82, high, low]];
            let good =
                forms.map(|start| element(4, &[start, content].concat()) == Some((content, &[])));
            assert_eq!(
                good,
                [len < 128, (128..256).contains(&len), len > 255],
                "{len}"
            );
        }
        assert_eq!(element(4, &[4, 0x80, 0, 0]), None);
        assert_eq!(element(4, &[4, 2, 0]), None);
        assert_eq!(element(4, &[5, 0]), None);
        assert_eq!(element(4, &[4, 1, 9, 8]), Some((&[9][..], &[8][..])));
    }
}
