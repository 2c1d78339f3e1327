//! `scop keygen`: a signing key, and the record that publishes it.

use std::path::PathBuf;

use scop_core::{NameBuf, QueryName};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::sign::{SignOptions, Signer, SignerError};
use scop_mime_core::HeaderBlock;

use crate::cli::{KeyAlgorithm, Keygen};
use crate::error::Error;
use crate::key_file::SigningKey;
use crate::terminal::say;

/// How long resolvers may keep the record, in seconds: short, so that a key can be replaced in an hour.
const TTL: u32 = 3600;

/// What is to be printed.
pub(crate) fn run(arguments: &Keygen) -> Result<String, Error> {
    let owner = key_name(&arguments.selector, &arguments.domain)?;
    let key = match arguments.algorithm {
        KeyAlgorithm::Ed25519 => SigningKey::new_ed25519()?,
        KeyAlgorithm::Rsa2048 => SigningKey::new_rsa(2048)?,
    };
    let (selector, domain) = (&arguments.selector, &arguments.domain);
    // A key for names that `sign` refuses would be of no use: asked before anything is written.
    let header = HeaderBlock::new(b"From: a@example.org\r\n");
    let options = SignOptions::new(domain.as_bytes(), selector.as_bytes());
    Signer::new(header, key.as_sign(), RUST_CRYPTO, options).map_err(|error| match error {
        SignerError::Domain => Error::new("--domain", error),
        _ => Error::new("--selector", error),
    })?;
    let path = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{selector}.{domain}.pem")));
    key.write_new(&path)?;
    say(format_args!(
        "the private key is in {} (mode 0600); publish this record:",
        path.display()
    ));
    Ok(zone_entry(&owner, &key.record()))
}

/// `selector._domainkey.domain` (RFC 6376 3.6.2.1), of letters, digits, hyphens and underscores only:
/// what else a name can hold has no business in the name of a key, or in a zone file without escapes.
pub(crate) fn key_name(selector: &str, domain: &str) -> Result<NameBuf, Error> {
    for (option, text) in [("--selector", selector), ("--domain", domain)] {
        if text.is_empty() {
            return Err(Error::new(option, "is empty"));
        }
        let odd = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
        if let Some(byte) = odd {
            let rule = "letters, digits, hyphens and dots make a name here (RFC 5890 2.3.1); write an international name as xn--";
            return Err(Error::at(option, byte as u64, rule));
        }
    }
    QueryName::dotted([selector.as_bytes(), b"_domainkey", domain.as_bytes()])
        .to_name()
        .map_err(|rule| Error::new(format_args!("{selector}._domainkey.{domain}"), rule))
}

/// A TXT record as it stands in a zone file; a character-string has at most 255 octets (RFC 1035 3.3).
pub(crate) fn zone_entry(owner: &NameBuf, text: &[u8]) -> String {
    let strings: Vec<String> = text
        .chunks(255)
        // Base64 and tags have neither a quote nor a backslash.
        .map(|string| format!("\"{}\"", String::from_utf8_lossy(string)))
        .collect();
    match strings.as_slice() {
        [string] => format!("{owner} {TTL} IN TXT {string}\n"),
        strings => format!("{owner} {TTL} IN TXT (\n  {}\n)\n", strings.join("\n  ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_records_are_cut_into_strings() {
        let owner = key_name("s", "example.org").unwrap();
        assert_eq!(
            zone_entry(&owner, b"v=DKIM1"),
            "s._domainkey.example.org. 3600 IN TXT \"v=DKIM1\"\n"
        );
        let entry = zone_entry(&owner, &[b'a'; 300]);
        assert_eq!(entry.matches('"').count(), 4);
        assert!(entry.contains(&format!(
            "(\n  \"{}\"\n  \"{}\"\n)\n",
            "a".repeat(255),
            "a".repeat(45)
        )));
    }

    #[test]
    fn names_of_keys() {
        for (selector, domain, words) in [
            ("", "example.org", "--selector: is empty"),
            ("a b", "example.org", "--selector: byte 1: letters"),
            ("a", "ex\u{e4}mple.org", "--domain: byte 2: letters"),
            ("a", "x..y", "a._domainkey.x..y: "),
            ("a\"", "x.y", "--selector: byte 1"),
        ] {
            let error = key_name(selector, domain).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
        assert!(key_name(&"a".repeat(64), "example.org").is_err());
        assert!(key_name("2026.a-b", "example.org").is_ok());
    }
}
