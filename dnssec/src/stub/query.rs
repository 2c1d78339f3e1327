//! The query as it is sent, and whether a reply belongs to it (RFC 5452 9.1).

use scop_core::{NameBuf, Rtype};

use super::Transport;
use super::config::{Draw, StubConfig};
use crate::wire::{Builder, Flags, HEADER_LEN, Header, Opt, Question, Rcode};

/// The longest query with the length octets of TCP: 2, header 12, name 255, type and class 4, OPT 11.
const LEN: usize = 2 + HEADER_LEN + 255 + 4 + Opt::LEN;

/// The query of one transmission.
#[derive(Debug)]
pub(super) struct Sent {
    /// Length octets, then the message.
    octets: [u8; LEN],
    /// Octets of the message.
    len: u16,
    /// Whether the case of the name is random, so that a reply must have the same.
    exact: bool,
}

/// What a reply is to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It belongs to the query.
    Ours,
    /// It does not.
    Stray,
    /// It would, but for the case of the name.
    WrongCase,
}

impl Sent {
    pub(super) const NONE: Self = Self {
        octets: [0; LEN],
        len: 0,
        exact: false,
    };

    /// Writes the query; `None` cannot be, as there is room for every name.
    pub(super) fn write(
        name: &NameBuf,
        rtype: Rtype,
        transport: Transport,
        opt: Option<Opt<'_>>,
        config: &StubConfig,
        draw: Draw,
    ) -> Option<Self> {
        let flags = Flags::RD
            .with_if(config.checking_disabled, Flags::CD)
            .with_if(config.trusted, Flags::AD);
        let mut sent = Self {
            exact: config.randomize_case && transport == Transport::Udp,
            ..Self::NONE
        };
        let (prefix, message) = sent.octets.split_first_chunk_mut::<2>()?;
        let mut builder = Builder::<1>::with_names(message, draw.id, flags).ok()?;
        if let Some(opt) = opt {
            builder.opt(opt).ok()?;
        }
        builder
            .question(&Question::new(name.as_name(), rtype))
            .ok()?;
        sent.len = u16::try_from(builder.finish().ok()?.len()).ok()?;
        *prefix = sent.len.to_be_bytes();
        if sent.exact {
            let name = message
                .get_mut(HEADER_LEN..)?
                .get_mut(..name.as_wire().len())?;
            randomize_case(name, draw.case);
        }
        Some(sent)
    }

    /// What goes out: the message, behind its length on TCP (RFC 1035 4.2.2).
    pub(super) fn octets(&self, transport: Transport) -> &[u8] {
        let whole = self
            .octets
            .get(..2 + usize::from(self.len))
            .unwrap_or_default();
        match transport {
            Transport::Tcp => whole,
            Transport::Udp => whole.get(2..).unwrap_or_default(),
        }
    }

    /// Whether `reply` answers this query: id, QR, OPCODE and the question, the name octet by octet when
    /// its case is random.
    ///
    /// An error may come without the question (servers that do not understand it, or refuse before
    /// reading it, send a bare header). It is believed as far as such a reply goes: to the next server,
    /// or to a query without EDNS.
    pub(super) fn matches(&self, reply: &[u8]) -> Match {
        let query = self.octets(Transport::Udp);
        let (Some(asked), Some(header)) = (Header::read(query), Header::read(reply)) else {
            return Match::Stray;
        };
        let flags = header.flags;
        if header.id != asked.id || !flags.contains(Flags::QR) || flags.opcode() != 0 {
            return Match::Stray;
        }
        let refused = matches!(
            flags.rcode(),
            Rcode::FORMERR | Rcode::SERVFAIL | Rcode::NOTIMP | Rcode::REFUSED
        );
        if header.questions == 0 && refused {
            return Match::Ours;
        }
        let (Ok((question, end)), Ok((other, other_end))) = (
            Question::parse_in(query, HEADER_LEN),
            Question::parse_in(reply, HEADER_LEN),
        ) else {
            return Match::Stray;
        };
        if header.questions != 1 || question != other {
            Match::Stray
        } else if self.exact && query.get(HEADER_LEN..end) != reply.get(HEADER_LEN..other_end) {
            Match::WrongCase
        } else {
            Match::Ours
        }
    }
}

/// Gives each letter the case that the next bit says; after 32 letters the bits come again.
fn randomize_case(wire: &mut [u8], bits: u32) {
    let mut bits = bits;
    // Length octets are below 64, so they are no letters.
    for octet in wire.iter_mut().filter(|octet| octet.is_ascii_alphabetic()) {
        *octet = if bits & 1 == 1 {
            octet.to_ascii_uppercase()
        } else {
            octet.to_ascii_lowercase()
        };
        bits = bits.rotate_right(1);
    }
}
