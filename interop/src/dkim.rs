//! Signed messages with their keys: the files of `../shared/vectors/dkim`.
//!
//! The first lines of a file are a name and the TXT record there, then comes an empty line, then the
//! message. Its line ends may be LF: they are made CRLF, which is what was signed.

use std::collections::BTreeMap;
use std::fmt;

use scop_core::{Answer, Lookup, Query, Rdata, Security, Txt, UnixTime, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::verify::{DkimResult, Limits, Reason, Verifier};
use scop_mime_core::Message;

/// One signature of a message.
#[derive(Clone, Debug)]
pub struct Case {
    /// `d=` and `s=`, where they can be read.
    pub signer: String,
    /// What came of it.
    pub result: DkimResult,
    /// Why.
    pub reason: Reason,
}

impl Case {
    /// Whether the signature verifies.
    pub fn passed(&self) -> bool {
        self.result == DkimResult::Pass
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.result, self.signer, self.reason)
    }
}

/// Verifies the signatures of the message in a file, at the time `now`.
///
/// # Errors
/// When the file does not have the format.
pub fn run(file: &[u8], now: UnixTime) -> Result<Vec<Case>, String> {
    let text = crlf(file);
    let mut keys = BTreeMap::new();
    let mut rest = &text[..];
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let line = &rest[..end.ok_or("no empty line before the message")?];
        rest = &rest[line.len() + 2..];
        if line.is_empty() {
            break;
        }
        let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
        let (name, record) = line.split_once(' ').ok_or("a line has no record")?;
        keys.insert(
            format!("{name}."),
            [Rdata::Txt(Txt::joined(record.as_bytes()))],
        );
    }
    let message = Message::split(rest);
    let mut verifier = Verifier::<10>::new(message.header, RUST_CRYPTO, now, &Limits::DEFAULT);
    let _ = verifier.body(message.body);
    let _ = verifier.finish_body();
    lookup::drive(&mut verifier, |query: Query<'_>| {
        let records = keys.get(&query.name.to_string());
        records.map_or(Answer::NxDomain(Security::Indeterminate), |records| {
            Answer::records(records)
        })
    });
    let verdict = verifier.verdict().ok_or("no verdict")?;
    let cases = verdict.iter().map(|result| Case {
        signer: result.signature().map_or_else(String::new, |signature| {
            let text = String::from_utf8_lossy;
            format!(
                "{} {}",
                text(signature.domain()),
                text(signature.selector())
            )
        }),
        result: result.result(),
        reason: result.reason(),
    });
    Ok(cases.collect())
}

/// The text with each line end made CRLF.
pub fn crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for (at, &byte) in text.iter().enumerate() {
        if byte == b'\n' && (at == 0 || text[at - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}
