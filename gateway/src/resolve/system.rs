//! The resolvers of the system, from `/etc/resolv.conf` (resolv.conf(5)).

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::Path;
use std::time::Duration;

use scop_dnssec::StubConfig;
use tracing::debug;

use crate::message::reason;

/// Where the file is.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The port of DNS over UDP and TCP (RFC 1035 4.2).
pub(crate) const PORT: u16 = 53;

/// Servers beyond the third are not read, nor does the C library read them.
const MAX_SERVERS: usize = 3;

/// Whom to ask, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Servers {
    /// In order of preference; never empty.
    pub(crate) addresses: Vec<SocketAddr>,
    /// How long to wait for a reply; the stub's own limits when the file does not say.
    pub(crate) timeout: Option<Duration>,
    /// How often each server is asked; likewise.
    pub(crate) attempts: Option<u8>,
    /// The servers validate, and the way to them is safe (`options trust-ad`).
    pub(crate) trust_ad: bool,
}

impl Servers {
    /// One server of the user's choice.
    pub(crate) fn one(address: SocketAddr) -> Self {
        Self {
            addresses: vec![address],
            timeout: None,
            attempts: None,
            trust_ad: false,
        }
    }

    /// The same for the stub resolver.
    pub(crate) fn stub_config(&self) -> StubConfig {
        let mut config = StubConfig::new(self.addresses.len());
        config.trusted = self.trust_ad;
        if let Some(timeout) = self.timeout {
            config.limits.udp_timeout = timeout;
            config.limits.udp_timeout_max = config.limits.udp_timeout_max.max(timeout);
            config.limits.tcp_timeout = config.limits.tcp_timeout.max(timeout);
        }
        if let Some(attempts) = self.attempts {
            config.limits.rounds = attempts;
        }
        config
    }

    /// What the system's file says. Without a file, or without a server in it, that is the server on this
    /// host, as resolv.conf(5) says.
    pub(crate) fn of_system() -> Self {
        match std::fs::read(Path::new(RESOLV_CONF)) {
            Ok(text) => Self::parse(&text),
            Err(error) => {
                debug!("{RESOLV_CONF}: {}; asking this host", reason(&error));
                Self::parse(b"")
            }
        }
    }

    /// Reads the text: `nameserver`, and of `options` `timeout:` (1 to 30 seconds), `attempts:` (1 to 5)
    /// and `trust-ad`.
    ///
    /// Other lines concern names that are not complete, or a choice among servers; mail asks for complete names.
    /// As in the C library, a line that is not understood is passed over.
    fn parse(text: &[u8]) -> Self {
        let mut servers = Self::one(SocketAddr::from(([127, 0, 0, 1], PORT)));
        let mut addresses = Vec::new();
        for line in String::from_utf8_lossy(text).lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(server_address);
                    if let Some(address) = address.filter(|_| addresses.len() < MAX_SERVERS) {
                        addresses.push(address);
                    } else {
                        debug!("{RESOLV_CONF}: passed over {line:?}");
                    }
                }
                Some("options") => words.for_each(|option| servers.set(option)),
                _ => {}
            }
        }
        if !addresses.is_empty() {
            servers.addresses = addresses;
        }
        servers
    }

    fn set(&mut self, option: &str) {
        match option.split_once(':') {
            Some(("timeout", seconds)) => {
                if let Ok(seconds) = seconds.parse::<u64>() {
                    self.timeout = Some(Duration::from_secs(seconds.clamp(1, 30)));
                }
            }
            Some(("attempts", count)) => {
                if let Ok(count) = count.parse::<u8>() {
                    self.attempts = Some(count.clamp(1, 5));
                }
            }
            None if option == "trust-ad" => self.trust_ad = true,
            _ => {}
        }
    }
}

/// An address, perhaps IPv6 with the number of a link (`fe80::1%2`).
fn server_address(text: &str) -> Option<SocketAddr> {
    if let Some((address, scope)) = text.split_once('%') {
        let address: Ipv6Addr = address.parse().ok()?;
        let scope = scope.parse().ok()?;
        return Some(SocketAddrV6::new(address, PORT, 0, scope).into());
    }
    text.parse::<IpAddr>()
        .ok()
        .map(|address| SocketAddr::new(address, PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_the_c_library_does() {
        let servers = Servers::parse(
            b"# a comment\n; another\nsearch example.org\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 \n\
              nameserver fe80::1%3\nnameserver 192.0.2.4\noptions timeout:2 rotate trust-ad attempts:3\n",
        );
        let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), PORT, 0, 3);
        let addresses = vec![
            "192.0.2.1:53".parse().unwrap(),
            "[2001:db8::1]:53".parse().unwrap(),
            scoped.into(),
        ];
        let expected = Servers {
            addresses,
            timeout: Some(Duration::from_secs(2)),
            attempts: Some(3),
            trust_ad: true,
        };
        assert_eq!(servers, expected);
    }

    #[test]
    fn what_is_missing_or_wild_is_bounded() {
        let local = Servers::one("127.0.0.1:53".parse().unwrap());
        assert_eq!(Servers::parse(b""), local);
        assert_eq!(
            Servers::parse(b"nameserver one.example\noptions timeout:x attempts:-1"),
            local
        );
        let wild = Servers::parse(b"options timeout:900 attempts:0\nnameserver 192.0.2.1");
        assert_eq!(
            (wild.timeout, wild.attempts),
            (Some(Duration::from_secs(30)), Some(1))
        );
        assert!(Servers::parse(&[0xff; 4096]).addresses == local.addresses);
    }
}
