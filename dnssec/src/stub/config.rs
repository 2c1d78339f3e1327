//! What a stub is told: policy, limits, entropy.

use core::fmt;
use core::time::Duration;

/// How a [`Stub`](super::Stub) asks.
///
/// ```
/// let mut config = scop_dnssec::StubConfig::new(2);
/// config.dnssec_ok = true;
/// assert!(config.randomize_case);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StubConfig {
    /// How many servers the host knows, 1 to 16. The machine names them by index.
    pub servers: usize,
    /// The server to begin with; a host that spreads its load varies it.
    pub first: usize,
    /// Ask over TCP from the start.
    pub tcp_only: bool,
    /// Send an OPT record (RFC 6891). A server that answers FORMERR or NOTIMP is asked again without.
    pub edns: bool,
    /// The largest UDP reply to ask for, at most the response buffer. 1232 octets pass every path
    /// without fragments, which an attacker could replace (RFC 9715 3.2).
    pub udp_size: u16,
    /// Set DO: ask for signatures (RFC 3225). Needs EDNS.
    pub dnssec_ok: bool,
    /// Set CD: ask the server not to validate (RFC 4035 3.2.2).
    pub checking_disabled: bool,
    /// The servers validate, and the channel to them cannot be changed by others (loopback, a tunnel).
    /// Then AD is asked for and believed: [`Security::Secure`](scop_core::Security) (RFC 6840 5.7, 5.8).
    pub trusted: bool,
    /// Send the name in random case over UDP and want it back so (draft-vixie-dnsext-dns0x20).
    pub randomize_case: bool,
    /// What ends the work.
    pub limits: Limits,
}

impl StubConfig {
    /// The usual ways with `servers` servers.
    pub const fn new(servers: usize) -> Self {
        Self {
            servers,
            first: 0,
            tcp_only: false,
            edns: true,
            udp_size: 1232,
            dnssec_ok: false,
            checking_disabled: false,
            trusted: false,
            randomize_case: true,
            limits: Limits::DEFAULT,
        }
    }
}

/// What ends the work of a [`Stub`](super::Stub), whatever servers and attackers send.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Time for the whole query, all questions and servers together. Mail waits; RFC 7208 4.6.4 gives
    /// an SPF check 20 seconds for everything.
    pub total: Duration,
    /// Time for the first UDP reply; it doubles each time all servers were asked (RFC 1035 4.2.1).
    pub udp_timeout: Duration,
    /// What doubling ends at.
    pub udp_timeout_max: Duration,
    /// Time for a TCP exchange from its begin to the last octet; one octet at a time does not extend
    /// it (RFC 7766 6.2.3).
    pub tcp_timeout: Duration,
    /// How often each server is asked one question.
    pub rounds: u8,
    /// Transmissions for the whole query; at most 16, for each of which there is [`Entropy`].
    pub transmissions: u8,
    /// Aliases followed, within and across messages: a loop ends here (RFC 1034 5.2.2).
    pub aliases: u8,
    /// Questions asked because a chain of aliases leaves its message.
    pub questions: u8,
    /// Datagrams that do not belong to the question. More than this, and it is asked over TCP: somebody
    /// is guessing (RFC 5452 9.1 has the arithmetic). Over TCP the server is given up instead.
    pub strays: u16,
    /// Datagrams that differ only in the case of the name. With this many the question is asked over
    /// TCP: the server does not keep case, or somebody guessed everything else.
    pub wrong_case: u8,
}

impl Limits {
    /// The usual ones.
    pub const DEFAULT: Self = Self {
        total: Duration::from_secs(15),
        udp_timeout: Duration::from_secs(1),
        udp_timeout_max: Duration::from_secs(4),
        tcp_timeout: Duration::from_secs(5),
        rounds: 3,
        transmissions: 16,
        aliases: 8,
        questions: 4,
        strays: 32,
        wrong_case: 1,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Random octets for one query: eight for each of sixteen transmissions.
///
/// They must come from a cryptographic generator and be used for one [`Stub`](super::Stub) only: whoever
/// can guess them can forge replies.
#[derive(Clone)]
pub struct Entropy(pub [u8; Self::LEN]);

impl Entropy {
    /// Octets needed.
    pub const LEN: usize = 128;

    /// What the `number`th transmission is made with.
    pub(super) fn draw(&self, number: u8) -> Option<Draw> {
        let start = usize::from(number) * 8;
        let &[i0, i1, p0, p1, c0, c1, c2, c3] = self.0.get(start..)?.first_chunk()?;
        Some(Draw {
            id: u16::from_be_bytes([i0, i1]),
            port: u16::from_be_bytes([p0, p1]),
            case: u32::from_be_bytes([c0, c1, c2, c3]),
        })
    }
}

/// Shows nothing.
impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

/// The entropy of one transmission.
#[derive(Clone, Copy)]
pub(super) struct Draw {
    pub(super) id: u16,
    pub(super) port: u16,
    pub(super) case: u32,
}
