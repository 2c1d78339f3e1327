//! One host of a route.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::tlsa::TlsaRecords;

/// What TLS must show before mail goes to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsRequirement<'r> {
    /// STARTTLS if the host offers it, with whatever certificate; in the clear otherwise.
    Opportunistic,
    /// STARTTLS, with whatever certificate: there are TLSA records, none of them usable (RFC 7672 2.2).
    Encrypted,
    /// STARTTLS with a certificate for the name of the host, from a trusted root, not expired
    /// (RFC 8461 4.2, RFC 8689 4.2.1).
    WebPki,
    /// STARTTLS with a certificate that matches one of the records (RFC 7672 3). For usage 2 it must also
    /// be for one of the [`Host::certificate_names`] (RFC 7672 3.2.2).
    Dane(TlsaRecords<'r>),
}

/// What the MTA-STS policy of the domain says of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sts {
    /// There is no policy, its mode is `none`, or the message wants it ignored.
    None,
    /// It matches a policy in `testing` mode: a certificate for its name is expected, and reported when
    /// it fails, but mail is delivered all the same (RFC 8461 5).
    Testing,
    /// It matches a policy in `enforce` mode.
    Enforce,
    /// It does not match; the policy is in `testing` mode, or DANE outranks it. To be reported as
    /// `validation-failure` (RFC 8460 4.3.1).
    Mismatch,
}

/// A host that mail may go to.
#[derive(Clone, Debug)]
pub struct Host<'r> {
    pub(super) name: Option<&'r str>,
    /// That of the recipient, where it has a name.
    pub(super) domain: Option<&'r str>,
    pub(super) preference: u16,
    pub(super) tls: TlsRequirement<'r>,
    pub(super) sts: Sts,
    pub(super) addresses: Addresses<'r>,
    pub(super) max_addresses: u8,
}

impl<'r> Host<'r> {
    /// Its name as the MX record gives it, without a last dot; `None` for an address literal.
    pub const fn name(&self) -> Option<&'r str> {
        self.name
    }

    /// The preference of its MX record; 0 where there is none.
    pub const fn preference(&self) -> u16 {
        self.preference
    }

    /// What TLS must show.
    pub const fn tls(&self) -> TlsRequirement<'r> {
        self.tls
    }

    /// The names of which the certificate must be for one, where TLS must show a name: that of the host,
    /// and with DANE also the domain of the recipient (RFC 8461 4.2, RFC 7672 3.2.2). A record of usage 3
    /// needs no name at all (RFC 7672 3.1.1).
    ///
    /// How a name in a certificate is compared is [`matches_pattern`](crate::policy::mta_sts::matches_pattern).
    pub fn certificate_names(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        let (host, domain) = match self.tls {
            TlsRequirement::Opportunistic | TlsRequirement::Encrypted => (None, None),
            TlsRequirement::WebPki => (self.name, None),
            TlsRequirement::Dane(_) => (self.name, self.domain),
        };
        host.into_iter()
            .chain(domain.filter(|_| self.domain != self.name))
    }

    /// What the MTA-STS policy says of it.
    pub const fn sts(&self) -> Sts {
        self.sts
    }

    /// Its addresses in the order to try them: IPv6 and IPv4 in turn, each in the order of the answer.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<'r> {
        self.addresses
            .clone()
            .take(self.max_addresses.max(1).into())
    }
}

/// Addresses, IPv6 and IPv4 in turn as RFC 8305 4 has it, so that no family shuts the other out.
#[derive(Clone, Debug)]
pub(super) struct Addresses<'r> {
    v6: &'r [Ipv6Addr],
    v4: &'r [Ipv4Addr],
    v4_next: bool,
}

impl<'r> Addresses<'r> {
    pub(super) const fn new(v6: &'r [Ipv6Addr], v4: &'r [Ipv4Addr]) -> Self {
        Self {
            v6,
            v4,
            v4_next: false,
        }
    }
}

impl Iterator for Addresses<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        let v4_next = self.v4_next && !self.v4.is_empty() || self.v6.is_empty();
        self.v4_next = !v4_next;
        if v4_next {
            let (&first, rest) = self.v4.split_first()?;
            self.v4 = rest;
            Some(first.into())
        } else {
            let (&first, rest) = self.v6.split_first()?;
            self.v6 = rest;
            Some(first.into())
        }
    }
}
