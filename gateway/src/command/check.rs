//! `scop check`: reads a message, makes the lookups, and says who it is from.

use std::io::Read;
use std::sync::Arc;
use std::time::SystemTime;

use scop_core::{Lookup as _, UnixTime};
use scop_crypto::RUST_CRYPTO;
use scop_dmarc::Authenticator;
use scop_dmarc::authenticator::{Connection, Limits};
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::{AuthResultsWriter, HeaderBlock};

use crate::body::BodyHashes;
use crate::cli::Check;
use crate::error::Error;
use crate::message::{MessageReader, Source};
use crate::report::{self, Facts, json, text};
use crate::resolve::Resolver;
use crate::resolve::client::Client;
use crate::resolve::driver::Driver;
use crate::resolve::system::Servers;
use crate::resolve::zone::Zones;
use crate::terminal::Style;

/// What the library finds out about a message.
pub(crate) type Authentication<'h> = scop_dmarc::Verdict<'h, 'static>;

/// What is to be printed, and the exit code.
pub(crate) fn run(arguments: &Check) -> Result<(String, u8), Error> {
    let authserv_id = authserv_id(arguments)?;
    let source = Source::from_argument(arguments.file.as_deref());
    let zones = Zones::read(&arguments.zone)?;
    let servers = match arguments.dns {
        Some(address) => Some(Servers::one(address)),
        None if arguments.zone.is_empty() => Some(Servers::of_system()),
        None => None,
    };
    let driver = Driver::new(Arc::new(Resolver::new(zones, servers.map(Client::new))));
    match &source {
        Source::Stdin => check(arguments, &authserv_id, &source, Source::stdin(), driver),
        Source::File(path) => check(
            arguments,
            &authserv_id,
            &source,
            Source::open_file(path)?,
            driver,
        ),
    }
}

fn check(
    arguments: &Check,
    authserv_id: &str,
    source: &Source,
    reader: impl Read,
    mut driver: Driver,
) -> Result<(String, u8), Error> {
    let checked_at = arguments.at.unwrap_or_else(now);
    let (mut message, header) = MessageReader::new(source.clone(), reader)?;
    let block = HeaderBlock::new(header.as_bytes());
    let mut notes = Vec::new();
    if header.is_from_mbox() {
        notes.push(
            "the first line separates messages in an mbox file; it was passed over (RFC 4155)"
                .to_owned(),
        );
    }
    let mut authenticator: Authenticator<'_, 'static> = Authenticator::new(
        block,
        connection(arguments, authserv_id, &mut notes),
        RUST_CRYPTO,
        checked_at,
        &Limits::DEFAULT,
    );
    let mut bodies = if arguments.json || arguments.explain {
        BodyHashes::new(block)
    } else {
        BodyHashes::none()
    };
    let mut body_bytes = 0;
    while let Some(chunk) = message.body_chunk()? {
        body_bytes += chunk.len() as u64;
        bodies.update(chunk);
        authenticator
            .body(chunk)
            .map_err(|fault| Error::new(source, fault))?;
    }
    bodies.finish();
    authenticator
        .finish_body()
        .map_err(|fault| Error::new(source, fault))?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new("the network", crate::message::reason(&error)))?;
    let driven = runtime.block_on(driver.drive(&mut authenticator));
    let (Ok(()), Some(found)) = (driven, authenticator.verdict()) else {
        let rule = "the check did not come to an end; this is a fault of scop";
        return Err(Error::new(source, rule));
    };
    let facts = Facts {
        source,
        header: &header,
        bytes: message.len(),
        body_bytes,
        line_ends: message.line_ends(),
        bodies: &bodies,
        connection: report::Connection {
            ip: arguments.ip.map(|ip| ip.to_string()),
            helo: arguments.helo.clone(),
            mail_from: arguments.mail_from.clone(),
        },
        checked_at,
        authserv_id,
        asked: driver.asked(),
        notes: &notes,
    };
    let report = report::build(facts, found).map_err(unusable_id)?;
    let output = if arguments.json {
        json::render(&report)
    } else {
        text::render(&report, arguments.explain, Style::of_stdout())
    };
    Ok((output, report.verdict.exit_code))
}

/// The name of the checker, which can stand in an Authentication-Results field: one is written to see.
fn authserv_id(arguments: &Check) -> Result<String, Error> {
    let name = arguments.authserv_id.clone().unwrap_or_else(host_name);
    if name.is_empty() {
        return Err(Error::new("--authserv-id", "is empty"));
    }
    AuthResultsWriter::new(&mut Vec::new(), name.as_bytes())
        .and_then(AuthResultsWriter::finish)
        .map_err(unusable_id)?;
    Ok(name)
}

fn unusable_id(rule: WriteError) -> Error {
    Error::new("--authserv-id", rule)
}

/// What SPF needs to know; a note for what is missing.
fn connection<'a>(
    arguments: &'a Check,
    receiver: &'a str,
    notes: &mut Vec<String>,
) -> Option<Connection<'a>> {
    let helo = arguments.helo.as_deref().unwrap_or_default();
    let mail_from = arguments.mail_from.as_deref().unwrap_or_default();
    let Some(ip) = arguments.ip else {
        notes.push(
            "SPF was not checked: --ip is missing, the address that the message came from"
                .to_owned(),
        );
        return None;
    };
    if helo.is_empty() && mail_from.is_empty() {
        notes.push(
            "SPF was not checked: --mail-from is missing or empty, and so is --helo".to_owned(),
        );
        return None;
    }
    if arguments.mail_from.is_none() {
        notes.push("--mail-from is missing: SPF was checked for the name in --helo alone, as for a bounce (RFC 7208 2.4)".to_owned());
    }
    Some(Connection {
        ip,
        helo: helo.as_bytes(),
        mail_from: mail_from.as_bytes(),
        receiver: receiver.as_bytes(),
    })
}

/// The time of this host.
pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

/// The name of this host, or `localhost` when the system does not tell.
fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}
