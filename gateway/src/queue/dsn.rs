//! What the sender of a message is told of it: delivery status notifications (RFC 3461, 3464, 6522, 6533).
//!
//! One notification tells of all that is new: recipients that failed, those that it takes longer for, and, where the
//! sender asked, those whose next server does not report itself. It comes from `<>`, so that it is never answered with
//! another, and says that no person wrote it (RFC 3834). Its name follows from that of the message, the number of
//! notifications before it, and whether it tells of a delay: one that is there is not written again.
//!
//! The words of other servers are quoted with what is not printable ASCII made visible. Where the sender's own
//! address is not ASCII, the notification is of the `global` types and needs SMTPUTF8, as its sender did.

mod machine;
mod original;
#[cfg(test)]
mod tests;
mod text;

use std::io;

use scop_core::{Emit, Full, Sink, UnixTime};
use scop_mime_core::build::{Address, Body, BuildError, Draft, Field, Mailbox, Options, Transport};
use scop_mime_core::header::date::{DateTime, Zone};
use scop_mime_core::header::encoded_word::Utf8;
use scop_mime_core::report::delivery::{Action, StatusCode};
use scop_smtp_proto::parameter::{Notify, Parameters};
use scop_smtp_proto::{ForwardPath, ReversePath};

use self::machine::machine;
use self::original::Original;
use self::text::text;
use super::Failure;
use super::state::{Fate, State};
use super::work::notify;
use crate::spool::{Entry, Envelope, Id, Recipient, Spool};

/// What a notification is to say, besides what became of the recipients.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Of this host.
    pub(crate) name: String,
    /// Notifications before it.
    pub(crate) number: u32,
    /// Recipients that are still tried are told of.
    pub(crate) is_late: bool,
    pub(crate) now: UnixTime,
    /// Until when it is tried.
    pub(crate) end: UnixTime,
}

/// A notification that is in the spool.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) id: Id,
    /// What it tells of: `failure`, `delay`, `success`.
    pub(crate) kinds: Vec<&'static str>,
}

/// One recipient as the notification tells of it.
#[derive(Debug)]
struct Told<'a> {
    recipient: &'a Recipient,
    /// Without brackets; with this host where there is no domain.
    address: String,
    action: Action,
    status: StatusCode,
    failure: Option<&'a Failure>,
    host: Option<&'a str>,
    reply: Option<&'a str>,
    attempted: Option<UnixTime>,
}

/// Writes the notification into the spool; none when nobody wants to know.
///
/// # Errors
/// `InvalidInput` when it can never be written; any other may pass.
pub(crate) fn commit(
    spool: &Spool,
    entry: &Entry,
    state: &State,
    report: &Report,
) -> io::Result<Option<Made>> {
    let told = told(&entry.envelope, state, report);
    if told.is_empty() {
        return Ok(None);
    }
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(io::Error::from)?;
    let id = match name(entry, report, report.is_late, state.is_to_be_reported()) {
        // What is new was told together with a delay by a process that was killed before it noted so.
        _ if spool.has_own(&name(entry, report, true, true))? => name(entry, report, true, true),
        id => id,
    };
    let written = render(&id, entry, &told, report, entropy)?;
    let envelope = Envelope {
        arrived: report.now,
        from: "<>".to_owned(),
        parameters: written.parameters,
        to: vec![Recipient {
            path: entry.envelope.from.clone(),
            parameters: String::new(),
        }],
        ..Envelope::default()
    };
    let id = put(spool, id, &envelope, &written.octets)?;
    let kinds = [
        (Action::Failed, "failure"),
        (Action::Delayed, "delay"),
        (Action::Relayed, "success"),
    ];
    let is_told = |action| told.iter().any(|told| told.action == action);
    let kinds = kinds.into_iter().filter(|(action, _)| is_told(*action));
    Ok(Some(Made {
        id,
        kinds: kinds.map(|(_, kind)| kind).collect(),
    }))
}

/// The name of a notification. One of a delay must not pass for one of what comes next, which may be a failure.
fn name(entry: &Entry, report: &Report, is_late: bool, is_new: bool) -> Id {
    let kind = u32::from(is_late) << 1 | u32::from(is_new);
    entry.id.derived(report.number.wrapping_mul(4) | kind)
}

/// Commits under this name, or finds that it was done.
fn put(spool: &Spool, id: Id, envelope: &Envelope, octets: &[u8]) -> io::Result<Id> {
    let mut writer = match spool.write(&id, envelope) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if spool.has_own(&id)? {
                return Ok(id);
            }
            // A beginning that a killed process left in a spool that others clear up, or a file of another user.
            spool.write(&Id::new()?, envelope)?
        }
        writer => writer?,
    };
    writer.put(octets)?;
    writer.commit()
}

/// The recipients that the sender wants to be told of.
fn told<'a>(envelope: &'a Envelope, state: &'a State, report: &Report) -> Vec<Told<'a>> {
    let pairs = envelope.to.iter().zip(&state.recipients);
    let told = pairs.filter_map(|(recipient, fate)| {
        let (action, failure, attempted) = match fate {
            Fate::Failed { failure, attempted } => {
                let attempted = (*attempted != 0).then_some(UnixTime(*attempted));
                (Action::Failed, Some(failure), attempted)
            }
            Fate::Relayed { at, .. } => (Action::Relayed, None, Some(UnixTime(*at))),
            Fate::Pending { failure, .. } if report.is_late => {
                let wants =
                    notify(&recipient.parameters).is_none_or(|notify| notify.wants(Notify::DELAY));
                if !wants {
                    return None;
                }
                (Action::Delayed, failure.as_ref(), None)
            }
            _ => return None,
        };
        let class = match action {
            Action::Failed => 5,
            Action::Relayed => 2,
            _ => 4,
        };
        let status = failure.and_then(|failure| StatusCode::parse(failure.status.as_bytes()).ok());
        let (host, reply) = match fate {
            Fate::Relayed { host, reply, .. } => (Some(host.as_str()), Some(reply.as_str())),
            _ => (
                failure.and_then(|failure| failure.host.as_deref()),
                failure.and_then(|failure| failure.reply.as_deref()),
            ),
        };
        Some(Told {
            recipient,
            address: address(&recipient.path, &report.name),
            action,
            status: status.or_else(|| StatusCode::new(class, 0, 0))?,
            failure,
            host,
            reply,
            attempted,
        })
    });
    told.collect()
}

fn address(path: &str, name: &str) -> String {
    match ForwardPath::parse(path.as_bytes()) {
        Ok(ForwardPath::Mailbox { mailbox, .. }) => mailbox.to_string(),
        Ok(ForwardPath::Postmaster) => format!("postmaster@{name}"),
        Err(_) => path
            .trim_start_matches('<')
            .trim_end_matches('>')
            .to_owned(),
    }
}

/// A notification, and what MAIL must say of it.
struct Rendered {
    octets: Vec<u8>,
    parameters: String,
}

/// All that a notification is made of.
struct Notice<'a> {
    id: &'a Id,
    envelope: &'a Envelope,
    told: &'a [Told<'a>],
    report: &'a Report,
    now: DateTime,
    status: Lines,
}

fn render(
    id: &Id,
    entry: &Entry,
    told: &[Told<'_>],
    report: &Report,
    entropy: [u8; 16],
) -> io::Result<Rendered> {
    let envelope = &entry.envelope;
    let utf8 = if envelope.from.is_ascii() {
        Utf8::Encode
    } else {
        Utf8::Raw
    };
    let notice = Notice {
        id,
        envelope,
        told,
        report,
        now: date(report.now).ok_or_else(|| unwritable("the clock is beyond the year 9999"))?,
        status: Lines(machine(envelope, told, report, utf8).map_err(unwritable)?),
    };
    let original = Original::read(entry, told)?;
    let full = original
        .is_full
        .then_some(Returned::Message(&original.octets));
    let header = original.octets.get(..original.header_len);
    let header = header
        .filter(|header| !header.is_empty())
        .map(Returned::Header);
    // The whole message; its header where that cannot be; the notification alone where that cannot be either.
    let mut last = None;
    for returned in [full, header].into_iter().flatten().map(Some).chain([None]) {
        let transport = match (utf8, returned) {
            (Utf8::Raw, _) => Transport::Utf8,
            (_, Some(Returned::Message(octets))) if !octets.is_ascii() => Transport::EightBit,
            _ => Transport::SevenBit,
        };
        let options = Options::new(entropy).transport(transport);
        match notice.write(returned, &options) {
            Ok(octets) => {
                let parameters = match transport {
                    Transport::SevenBit => "",
                    Transport::EightBit => "BODY=8BITMIME",
                    Transport::Utf8 => "BODY=8BITMIME SMTPUTF8",
                };
                let secret = if is_secret(envelope) {
                    "REQUIRETLS"
                } else {
                    ""
                };
                let words = [parameters, secret];
                let words = words.into_iter().filter(|word| !word.is_empty());
                return Ok(Rendered {
                    octets,
                    parameters: words.collect::<Vec<_>>().join(" "),
                });
            }
            Err(error) => {
                tracing::debug!(id = %entry.id, notification = %id, %error, "the notification gives back less of the message");
                last = Some(error);
            }
        }
    }
    Err(last.map_or_else(|| io::ErrorKind::InvalidInput.into(), unwritable))
}

/// A notification tells of what its message may only say in secret (RFC 8689 5).
fn is_secret(envelope: &Envelope) -> bool {
    let mut words = envelope.parameters.split_ascii_whitespace();
    words.any(|word| word.eq_ignore_ascii_case("REQUIRETLS"))
}

fn unwritable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// What is given back of the message.
#[derive(Clone, Copy)]
enum Returned<'a> {
    Message(&'a [u8]),
    Header(&'a [u8]),
}

impl Notice<'_> {
    fn write(
        &self,
        returned: Option<Returned<'_>>,
        options: &Options,
    ) -> Result<Vec<u8>, BuildError> {
        let is_told = |action| self.told.iter().any(|told| told.action == action);
        let subject = if is_told(Action::Failed) {
            "Your message could not be delivered"
        } else if is_told(Action::Delayed) {
            "Your message is delayed, and still being tried"
        } else {
            "Your message was handed on"
        };
        let from = format!("postmaster@{}", self.report.name);
        let to = ReversePath::parse(self.envelope.from.as_bytes()).ok();
        let to = to.and_then(|path| path.mailbox().map(|mailbox| mailbox.to_string()));
        let to = [Address::new("", to.as_deref().unwrap_or_default())];
        let message_id = format!("{}@{}", self.id, self.report.name);
        let fields = [
            Field::to(&to),
            Field::subject(subject),
            Field::message_id(&message_id),
            Field::auto_submitted("auto-replied"),
        ];
        let text = text(self.envelope, self.told, self.report, returned);
        // RFC 6533 4 and 6.
        let (status_type, header_type) = if self.envelope.from.is_ascii() {
            ("message/delivery-status", None)
        } else {
            (
                "message/global-delivery-status",
                Some("message/global-headers"),
            )
        };
        let mut bodies = vec![Body::text(&text), Body::machine(status_type, &self.status)];
        let lines;
        bodies.extend(match (returned, header_type) {
            (None, _) => None,
            (Some(Returned::Message(message)), _) => Some(Body::message(message)),
            (Some(Returned::Header(header)), Some(header_type))
                if str::from_utf8(header).is_ok() =>
            {
                lines = Lines(header.to_vec());
                Some(Body::machine(header_type, &lines))
            }
            (Some(Returned::Header(header)), _) => Some(Body::returned_header(header)),
        });
        let report_type = status_type.trim_start_matches("message/");
        let body = Body::report(report_type, &bodies);
        let from = Mailbox::new("Mail Delivery System", &from);
        let mut octets = Vec::new();
        Draft::new(self.now, from, &fields, body).write(options, &mut octets)?;
        Ok(octets)
    }
}

fn parameter<'a>(parameters: &'a str, keyword: &str) -> Option<&'a [u8]> {
    Parameters::parse(parameters.as_bytes())
        .ok()?
        .find(keyword)?
        .value()
}

/// In UTC; none beyond the year 9999.
fn date(time: UnixTime) -> Option<DateTime> {
    DateTime::from_unix(time, Zone::UTC)
}

/// Lines that were written before.
#[derive(Debug)]
struct Lines(Vec<u8>);

impl Emit for Lines {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(&self.0)
    }
}
