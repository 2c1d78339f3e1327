//! A zone in memory, and one run of the machine over it.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::{BTreeMap, BTreeSet};

use scop_core::{Answer, Failure, Query, Rdata, Rtype, Security, Txt, UnixTime, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dmarc::Authenticator;
use scop_dmarc::authenticator::{Connection, Limits, Verdict};
use scop_mime_core::Message;

/// When all messages arrive.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
/// The server of the honest domain, and that of the attacker.
pub(crate) const GOOD: [u8; 4] = [192, 0, 2, 25];
pub(crate) const EVIL: [u8; 4] = [203, 0, 113, 66];

/// Records by name and type. A name exists when it or a name below it has a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zone {
    records: BTreeMap<(String, Rtype), Vec<Rdata<'static>>>,
    failing: BTreeSet<String>,
}

impl Zone {
    pub(crate) fn txt(mut self, name: &str, text: &str) -> Self {
        let text: &'static str = text.to_owned().leak();
        let rdata = Rdata::Txt(Txt::joined(text.as_bytes()));
        self.records
            .entry((name.to_ascii_lowercase(), Rtype::TXT))
            .or_default()
            .push(rdata);
        self
    }

    pub(crate) fn a(mut self, name: &str, address: [u8; 4]) -> Self {
        self.records
            .entry((name.to_ascii_lowercase(), Rtype::A))
            .or_default()
            .push(Rdata::A(address.into()));
        self
    }

    /// Queries for the name time out.
    pub(crate) fn failing(mut self, name: &str) -> Self {
        self.failing.insert(name.to_ascii_lowercase());
        self
    }

    pub(crate) fn answer(&self, query: Query<'_>) -> Answer<'_> {
        query.name.to_name().expect("every query is a name");
        let name = query.name.to_string().to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        if self.failing.contains(name) {
            return Answer::Failed(Failure::Timeout);
        }
        if let Some(records) = self.records.get(&(name.to_owned(), query.rtype)) {
            return Answer::records(records);
        }
        let below = format!(".{name}");
        let exists = self
            .records
            .keys()
            .any(|(known, _)| known == name || known.ends_with(&below));
        if exists {
            Answer::NoData(Security::Indeterminate)
        } else {
            Answer::NxDomain(Security::Indeterminate)
        }
    }
}

/// Who brings a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session<'c> {
    pub(crate) ip: [u8; 4],
    pub(crate) helo: &'c [u8],
    pub(crate) mail_from: &'c [u8],
}

impl<'c> Session<'c> {
    pub(crate) fn connection(self) -> Connection<'c> {
        Connection {
            ip: IpAddr::V4(Ipv4Addr::from(self.ip)),
            helo: self.helo,
            mail_from: self.mail_from,
            receiver: b"mx.example.net",
        }
    }
}

pub(crate) type Machine<'h> = Authenticator<'h, 'static>;

pub(crate) fn machine<'h>(message: &Message<'h>, from: Option<Session<'h>>) -> Machine<'h> {
    let connection = from.map(Session::connection);
    Authenticator::new(
        message.header,
        connection,
        RUST_CRYPTO,
        NOW,
        &Limits::DEFAULT,
    )
}

/// Runs a message to its end, and hands the verdict to `look`.
pub(crate) fn judge<T>(
    zone: &Zone,
    message: &[u8],
    from: Option<Session<'_>>,
    look: impl FnOnce(&Verdict<'_, '_>) -> T,
) -> T {
    let message = Message::split(message);
    let mut machine = machine(&message, from);
    machine.body(message.body).unwrap();
    machine.finish_body().unwrap();
    let verdict = lookup::drive(&mut machine, |query| zone.answer(query));
    look(verdict.expect("a verdict"))
}
