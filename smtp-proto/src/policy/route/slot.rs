//! What is known of one host while its answers come in.

use core::cmp::Ordering;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use scop_core::lookup::Failure;
use scop_core::{Answer, Name, Rdata, Security};

use super::host::Addresses;
use super::request::{Limits, Request};
use super::tlsa::Tlsa;
use super::{MAX_TEXT, either};

/// A name as text, without a last dot.
pub(super) type Text = heapless::Vec<u8, MAX_TEXT>;

/// What a host is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    A,
    Aaaa,
    Tlsa,
}

impl Ask {
    pub(super) const ALL: [Self; 3] = [Self::A, Self::Aaaa, Self::Tlsa];

    const fn bit(self) -> u8 {
        match self {
            Self::A => 1,
            Self::Aaaa => 2,
            Self::Tlsa => 4,
        }
    }
}

/// One host.
#[derive(Clone, Debug)]
pub(super) struct Slot<const ADDRESSES: usize, const TLSA: usize> {
    /// Empty for an address literal.
    name: Text,
    pub(super) preference: u16,
    /// Its place among hosts of the same preference.
    rank: u64,
    asked: u8,
    answered: u8,
    v4: heapless::Vec<Ipv4Addr, ADDRESSES>,
    v6: heapless::Vec<Ipv6Addr, ADDRESSES>,
    a_failure: Option<Failure>,
    aaaa_failure: Option<Failure>,
    /// Some address is not secure.
    insecure: bool,
    /// Some address is that of this host, be it one that had no room.
    pub(super) is_own: bool,
    /// It matches the MTA-STS policy.
    pub(super) matches_sts: bool,
    pub(super) tlsa: Tlsa<TLSA>,
}

impl<const ADDRESSES: usize, const TLSA: usize> Slot<ADDRESSES, TLSA> {
    pub(super) const fn unnamed() -> Self {
        Self {
            name: Text::new(),
            preference: 0,
            rank: 0,
            asked: 0,
            answered: 0,
            v4: heapless::Vec::new(),
            v6: heapless::Vec::new(),
            a_failure: None,
            aaaa_failure: None,
            insecure: false,
            is_own: false,
            matches_sts: false,
            tlsa: Tlsa::Absent,
        }
    }

    pub(super) fn named(preference: u16, name: &[u8], entropy: u64) -> Self {
        let mut slot = Self::unnamed();
        let _ = slot.name.extend_from_slice(name); // a host name fits
        slot.preference = preference;
        slot.rank = rank(name, entropy);
        slot
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    pub(super) fn name_str(&self) -> &str {
        // A host name is ASCII.
        core::str::from_utf8(&self.name).unwrap_or_default()
    }

    pub(super) fn has_name(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The order of hosts: total, because no two have the same name.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let lower = |byte: &u8| byte.to_ascii_lowercase();
        (self.preference.cmp(&other.preference))
            .then(self.rank.cmp(&other.rank))
            .then_with(|| (self.name.iter().map(lower)).cmp(other.name.iter().map(lower)))
    }

    pub(super) const fn is_asked(&self, ask: Ask) -> bool {
        self.asked & ask.bit() != 0
    }

    pub(super) fn note_asked(&mut self, ask: Ask) {
        self.asked |= ask.bit();
    }

    pub(super) const fn is_answered(&self, ask: Ask) -> bool {
        self.answered & ask.bit() != 0
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.asked != self.answered
    }

    /// There are addresses, and DNSSEC vouches for all.
    pub(super) fn is_secure(&self) -> bool {
        !self.insecure && self.addresses().next().is_some()
    }

    /// Why addresses may be missing.
    pub(super) const fn failure(&self) -> Option<Failure> {
        either(self.a_failure, self.aaaa_failure)
    }

    pub(super) fn addresses(&self) -> Addresses<'_> {
        Addresses::new(&self.v6, &self.v4)
    }

    /// Keeps an address that mail can be sent to, once, if there is room.
    pub(super) fn add_address(&mut self, ip: IpAddr, request: &Request<'_>) {
        self.is_own |= request.is_own_address(ip);
        if !is_destination(ip) {
            return;
        }
        let _ = match ip {
            IpAddr::V4(ip) => self.v4.contains(&ip) || self.v4.push(ip).is_ok(),
            IpAddr::V6(ip) => self.v6.contains(&ip) || self.v6.push(ip).is_ok(),
        };
    }

    /// Takes a trusted answer.
    pub(super) fn answer(
        &mut self,
        ask: Ask,
        answer: Answer<'_>,
        limits: Limits,
        request: &Request<'_>,
    ) {
        self.answered |= ask.bit();
        match (ask, answer) {
            (Ask::Tlsa, answer) => self.tlsa.take(answer, limits),
            (Ask::A, Answer::Failed(failure)) => self.a_failure = Some(failure),
            (Ask::Aaaa, Answer::Failed(failure)) => self.aaaa_failure = Some(failure),
            (_, Answer::Records(records, security)) => {
                self.insecure |= security != Security::Secure;
                for rdata in records {
                    match (ask, rdata) {
                        (Ask::A, Rdata::A(ip)) => self.add_address(ip.into(), request),
                        (Ask::Aaaa, Rdata::Aaaa(ip)) => self.add_address(ip.into(), request),
                        _ => {}
                    }
                }
            }
            (_, Answer::NoData(_) | Answer::NxDomain(_)) => {}
        }
    }
}

/// Whether a connection to the address can make sense at all.
fn is_destination(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4([255; 4].into())
}

/// The text of a name, if it can be that of a host.
pub(super) fn text(name: Name<'_>) -> Option<Text> {
    let mut text = Text::new();
    for label in name.labels() {
        if !text.is_empty() {
            text.push(b'.').ok()?;
        }
        if label.contains(&b'.') {
            return None;
        }
        text.extend_from_slice(label).ok()?;
    }
    is_host_name(&text).then_some(text)
}

/// Whether a text is the name of a host: labels of letters, digits, hyphens and underscores, the last
/// one not of digits alone, which would make it an address (RFC 1123 2.1).
pub(crate) fn is_host_name(name: &[u8]) -> bool {
    let (mut length, mut digits) = (0_u8, true);
    for &byte in name {
        match byte {
            b'.' => {
                if length == 0 {
                    return false;
                }
                (length, digits) = (0, true);
                continue;
            }
            b'0'..=b'9' => {}
            b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => digits = false,
            _ => return false,
        }
        length = length.saturating_add(1);
        if length > 63 {
            return false;
        }
    }
    length > 0 && !digits && name.len() <= MAX_TEXT
}

/// A number that depends on all of `name` and `entropy`, and on nothing else.
fn rank(name: &[u8], entropy: u64) -> u64 {
    let mix = |mut word: u64| {
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    };
    name.iter().fold(mix(entropy), |hash, byte| {
        mix(hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_add(0x9e37_79b9_7f4a_7c15)
    })
}
