//! What Ann finds: the messages of her Maildir, and what the receiver wrote into them and into its log.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use scop_mime_core::header::auth_results::Resinfo;
use scop_mime_core::header::trace::Keyword;
use scop_mime_core::{AuthResults, HeaderBlock, Received};

use super::service::Event;
use super::stage::RECEIVER;
use super::table::Results;
use crate::error::Error;
use crate::message::{MessageReader, Source, reason};

/// How a message may come.
pub(crate) const ENCRYPTED: &str = "encrypted (TLS)";
pub(crate) const CLEAR: &str = "in the clear";
const UNKNOWN: &str = "not known";

/// A message that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The value of From.
    pub(crate) from: String,
    /// How it came, as the receiver wrote into Received.
    pub(crate) connection: &'static str,
    /// As the receiver wrote into Authentication-Results.
    pub(crate) results: Results,
    /// What the sender sent: the message from its first signature on, with CRLF.
    pub(crate) signed: Vec<u8>,
}

/// The first message that is there; nothing while there is none.
pub(crate) fn first(maildir: &Path) -> Option<Result<Letter, Error>> {
    let file = match files(maildir) {
        Ok(files) => files.into_iter().next()?,
        Err(error) => return Some(Err(error)),
    };
    Some(read(&file))
}

/// How many are there.
pub(crate) fn count(maildir: &Path) -> Result<usize, Error> {
    files(maildir).map(|files| files.len())
}

fn files(maildir: &Path) -> Result<Vec<std::path::PathBuf>, Error> {
    let folder = maildir.join("new");
    let fail = |error: io::Error| Error::new(folder.display(), reason(&error));
    match fs::read_dir(&folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()).map_err(fail))
            .collect(),
        // The receiver makes it with the first message.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(fail(error)),
    }
}

fn read(path: &Path) -> Result<Letter, Error> {
    let source = Source::File(path.to_owned());
    let (mut message, header) = MessageReader::new(source, Source::open_file(path)?)?;
    let block = HeaderBlock::new(header.as_bytes());
    let fail = |rule: &str| Error::new(path.display(), rule);
    let value = |name: &[u8]| {
        let field = block.fields().find(|field| field.is(name));
        field.map(|field| field.value())
    };
    // The receiver's own is the first: it puts its fields before all others.
    let results = value(b"Authentication-Results").and_then(of_field);
    let signature = block.fields().find(|field| field.is(b"DKIM-Signature"));
    let start = signature
        .ok_or_else(|| fail("has no DKIM-Signature field"))?
        .offset();
    let mut signed = header.as_bytes().get(start..).unwrap_or_default().to_vec();
    signed.extend_from_slice(b"\r\n");
    while let Some(chunk) = message.body_chunk()? {
        signed.extend_from_slice(chunk);
    }
    Ok(Letter {
        from: value(b"From").map_or_else(String::new, address),
        connection: value(b"Received").map_or(UNKNOWN, connection),
        results: results.ok_or_else(|| fail("has no Authentication-Results of the receiver"))?,
        signed,
    })
}

/// The address in angle brackets, or all of it.
fn address(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let address = text
        .rsplit_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(text.as_ref(), |(address, _)| address);
    address.trim().to_owned()
}

/// By the protocol that Received names (RFC 3848, RFC 6531 4.3).
fn connection(value: &[u8]) -> &'static str {
    let Ok(received) = Received::parse(value) else {
        return UNKNOWN;
    };
    let protocol = received
        .clause(Keyword::With)
        .map(|clause| String::from_utf8_lossy(clause.value()).into_owned())
        .unwrap_or_default();
    match protocol.to_ascii_uppercase().trim_start_matches("UTF8") {
        "ESMTPS" | "SMTPS" | "ESMTPSA" => ENCRYPTED,
        _ => CLEAR,
    }
}

/// The results in a field of the receiver.
fn of_field(value: &[u8]) -> Option<Results> {
    let field = AuthResults::parse(value).ok()?;
    if !field.authserv_id().is(RECEIVER.as_bytes()) {
        return None;
    }
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    // With the key of each signature.
    let dkim: Vec<String> = field
        .results()
        .filter(|result| result.is(b"dkim"))
        .map(|result| match result.property(b"header", b"s") {
            Some(key) => format!("{} ({key})", text(result.result())),
            None => text(result.result()),
        })
        .collect();
    // Of SPF, that of MAIL FROM: the name in HELO has one of its own.
    let spf = field
        .results()
        .find(|result| result.is(b"spf") && result.property(b"smtp", b"mailfrom").is_some());
    let dmarc = field.results().find(|result| result.is(b"dmarc"));
    let or_none = |result: Option<Resinfo<'_>>| {
        result.map_or_else(String::new, |result| text(result.result()))
    };
    Some(Results {
        spf: or_none(spf),
        dkim: dkim.join(", "),
        dmarc: or_none(dmarc),
    })
}

/// The results for a message of `client` in a line of the receiver's log, which has them as `dkim=fail spf=fail
/// dmarc=fail`.
pub(crate) fn of_event(event: &Event, client: IpAddr) -> Option<Results> {
    let told = event.get("client")?.as_str()?.parse();
    if told != Ok(client) {
        return None;
    }
    let words = || {
        event
            .values()
            .filter_map(|value| value.as_str())
            .flat_map(str::split_whitespace)
    };
    let of = |method: &str| {
        words()
            .filter_map(|word| word.strip_prefix(method)?.strip_prefix('='))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let results = Results {
        spf: of("spf"),
        dkim: of("dkim"),
        dmarc: of("dmarc"),
    };
    (!results.dmarc.is_empty()).then_some(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "\
Received: from mail.example.org (mail.example.org [127.0.0.1])
 by mx.example.net with ESMTPS id 1 for <ann@example.net>;
 Tue, 24 Nov 2026 06:00:00 +0000
Authentication-Results: mx.example.net; dkim=pass header.d=example.org header.s=ed;
 dkim=fail header.d=example.org header.s=rsa; spf=none smtp.helo=mail.example.org;
 spf=pass smtp.mailfrom=joe@example.org;
 dmarc=pass header.from=example.org
Authentication-Results: elsewhere.example; dmarc=fail
DKIM-Signature: v=1
From: Joe Public <joe@example.org>

Hello
";

    #[test]
    fn a_letter_is_read() {
        let folder = std::env::temp_dir().join(format!("scop-mailbox-{}", std::process::id()));
        assert!(first(&folder).is_none());
        assert_eq!(count(&folder).unwrap(), 0);
        fs::create_dir_all(folder.join("new")).unwrap();
        assert!(first(&folder).is_none());
        fs::write(folder.join("new/1"), MESSAGE).unwrap();
        let letter = first(&folder).unwrap().unwrap();
        assert_eq!(count(&folder).unwrap(), 1);
        assert_eq!(letter.from, "joe@example.org");
        assert_eq!(letter.connection, ENCRYPTED);
        assert_eq!(letter.results.dkim, "pass (ed), fail (rsa)");
        assert_eq!(letter.results.spf, "pass");
        assert_eq!(letter.results.dmarc, "pass");
        assert_eq!(
            letter.signed,
            b"DKIM-Signature: v=1\r\nFrom: Joe Public <joe@example.org>\r\n\r\nHello\r\n"
        );
        let forged = MESSAGE.replace("mx.example.net; dkim", "mx.example.com; dkim");
        fs::write(folder.join("new/1"), forged).unwrap();
        assert!(first(&folder).unwrap().is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn protocols() {
        for (with, words) in [
            ("ESMTP", CLEAR),
            ("SMTP", CLEAR),
            ("ESMTPSA", ENCRYPTED),
            ("UTF8SMTPS", ENCRYPTED),
            ("ESMTPA", CLEAR),
        ] {
            let value = format!(" from a by b with {with} id 1; Tue, 24 Nov 2026 06:00:00 +0000");
            assert_eq!(connection(value.as_bytes()), words);
        }
    }

    #[test]
    fn a_line_of_the_log() {
        let event = |text: &str| serde_json::from_str::<Event>(text).unwrap();
        let forger = IpAddr::from([127, 0, 0, 2]);
        let checked = event(
            r#"{"message":"checked","client":"127.0.0.2","checks":"dkim=none spf=fail dmarc=fail"}"#,
        );
        assert_eq!(
            of_event(&checked, forger),
            Some(Results {
                spf: "fail".to_owned(),
                dkim: "none".to_owned(),
                dmarc: "fail".to_owned(),
            })
        );
        assert_eq!(of_event(&checked, IpAddr::from([127, 0, 0, 1])), None);
        let other = event(r#"{"message":"refused","client":"127.0.0.2","n":1}"#);
        assert_eq!(of_event(&other, forger), None);
    }
}
