//! What a route is looked for, and what that may cost.

use core::net::IpAddr;

use crate::Domain;
use crate::policy::mta_sts::Policy;

/// What is to be routed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The domain of the recipient, in A-labels (a U-label is no host name), or an address literal.
    pub domain: Domain<'a>,
    /// Random bits of the host, which order hosts of equal preference.
    pub entropy: u64,
    /// The names of this host; `localhost` always counts as one of them.
    pub own_names: &'a [&'a [u8]],
    /// The addresses of this host.
    pub own_addresses: &'a [IpAddr],
    /// Whether hosts may have loopback addresses. Otherwise these count as this host's own.
    pub loopback: bool,
    /// The address families that this host can send from.
    pub families: Families,
    /// The policy of the domain that is in force (RFC 8461 3.3), if there is one.
    pub sts: Option<Policy<'a>>,
    /// What the message asks for.
    pub tls: TlsWish,
}

impl<'a> Request<'a> {
    /// A request for `domain` without a policy, for a host whose names and addresses are not known.
    pub const fn new(domain: Domain<'a>, entropy: u64) -> Self {
        Self {
            domain,
            entropy,
            own_names: &[],
            own_addresses: &[],
            loopback: false,
            families: Families::Both,
            sts: None,
            tls: TlsWish::Policy,
        }
    }

    pub(super) fn is_own_name(&self, name: &[u8]) -> bool {
        let bare = |own: &'a [u8]| own.strip_suffix(b".").unwrap_or(own);
        name.eq_ignore_ascii_case(b"localhost")
            || (self.own_names.iter()).any(|own| bare(own).eq_ignore_ascii_case(name))
    }

    pub(super) fn is_own_address(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        (ip.is_loopback() && !self.loopback)
            || (self.own_addresses.iter()).any(|own| own.to_canonical() == ip)
    }
}

/// Address families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Families {
    /// IPv6 and IPv4.
    #[default]
    Both,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

/// What a message asks of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsWish {
    /// Nothing: the policies of the recipient's domain hold.
    #[default]
    Policy,
    /// REQUIRETLS was given: a verified host, or none (RFC 8689 4.2.1).
    Required,
    /// The field `TLS-Required: No`: policies are ignored (RFC 8689 4.2.2). It counts for nothing beside
    /// REQUIRETLS (RFC 8689 3).
    Optional,
}

/// What a route may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Hosts that are kept, the best; the room of the machine is a limit too. Stops a domain that has
    /// a sender try hundreds of hosts (RFC 5321 5.1 allows a limit of at least two). Default: 8.
    pub hosts: u8,
    /// Addresses of one host that are handed out, IPv6 and IPv4 in turn (RFC 5321 5.1 allows a limit,
    /// and says two at least). Stops a host that has a sender try hundreds of addresses. Default: 8.
    pub addresses: u8,
    /// TLSA records of one host. Each may cost a certificate check; a host with more is unusable,
    /// because leaving some out could lock the right one out. Default: 16.
    pub tlsa_records: u8,
    /// Queries in all. A host costs up to three beside the one for MX, and those that could not be
    /// paid for are left out. Stops an MX set that makes a sender flood name servers. Default: 64.
    pub queries: u8,
}

impl Limits {
    /// 8 hosts with 8 addresses and 16 TLSA records each; 64 queries.
    pub const DEFAULT: Self = Self {
        hosts: 8,
        addresses: 8,
        tlsa_records: 16,
        queries: 64,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
