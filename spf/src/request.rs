//! What is checked: the client, and the identity it used (RFC 7208 2.3, 2.4, 4.1).

use core::net::IpAddr;

use scop_core::UnixTime;

/// Which identity of the SMTP session is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The reverse-path; when that is null, `postmaster` at the HELO name (RFC 7208 2.4).
    MailFrom,
    /// The name given in HELO or EHLO (RFC 7208 2.3).
    Helo,
}

impl Identity {
    /// The word for the `identity` key of Received-SPF (RFC 7208 9.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MailFrom => "mailfrom",
            Self::Helo => "helo",
        }
    }
}

/// The arguments of `check_host()` (RFC 7208 4.1), and what macros may ask for (RFC 7208 7.2).
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The SMTP client. An IPv4-mapped IPv6 address counts as IPv4 (RFC 7208 5).
    pub ip: IpAddr,
    /// The argument of HELO or EHLO, as it came.
    pub helo: &'r [u8],
    /// The reverse-path without its angle brackets; empty when null. Internationalised domains are
    /// A-labels (RFC 7208 4.3).
    pub mail_from: &'r [u8],
    /// What to check.
    pub identity: Identity,
    /// The name of the host that checks, for `%{r}` and Received-SPF; `unknown` stands in when empty.
    pub receiver: &'r [u8],
    /// The time, for `%{t}`.
    pub now: UnixTime,
}

impl<'r> Request<'r> {
    /// The `<sender>` that this request checks.
    ///
    /// A reverse-path is split at its last `@`, so a quoted local-part may hold others. Without a
    /// local-part, `postmaster` stands in (RFC 7208 4.3). The dot of the root is taken off the domain.
    pub fn sender(&self) -> Sender<'r> {
        const POSTMASTER: &[u8] = b"postmaster";
        let (local_part, domain) = match self.identity {
            Identity::Helo => (POSTMASTER, self.helo),
            Identity::MailFrom if self.mail_from.is_empty() => (POSTMASTER, self.helo),
            Identity::MailFrom => match self.mail_from.iter().rposition(|&byte| byte == b'@') {
                None | Some(0) => (
                    POSTMASTER,
                    self.mail_from.strip_prefix(b"@").unwrap_or(self.mail_from),
                ),
                Some(at) => (
                    self.mail_from.get(..at).unwrap_or_default(),
                    self.mail_from.get(at + 1..).unwrap_or_default(),
                ),
            },
        };
        Sender {
            local_part,
            domain: domain.strip_suffix(b".").unwrap_or(domain),
        }
    }
}

/// The identity in two parts: an address without its `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender<'r> {
    /// Before the `@`, never empty.
    pub local_part: &'r [u8],
    /// After the `@`, as it came: it may be no domain at all.
    pub domain: &'r [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders() {
        use Identity::{Helo, MailFrom};
        for (identity, mail_from, local_part, domain) in [
            (
                MailFrom,
                &b"a@example.org"[..],
                &b"a"[..],
                &b"example.org"[..],
            ),
            (MailFrom, b"a@example.org.", b"a", b"example.org"),
            (MailFrom, b"", b"postmaster", b"mx.example"),
            (MailFrom, b"@example.org", b"postmaster", b"example.org"),
            (MailFrom, b"example.org", b"postmaster", b"example.org"),
            (MailFrom, b"\"x@y\"@example.org", b"\"x@y\"", b"example.org"),
            (MailFrom, b"a@", b"a", b""),
            (MailFrom, b"@", b"postmaster", b""),
            (Helo, b"a@example.org", b"postmaster", b"mx.example"),
        ] {
            let request = Request {
                ip: [192, 0, 2, 1].into(),
                helo: b"mx.example",
                mail_from,
                identity,
                receiver: b"",
                now: UnixTime(0),
            };
            assert_eq!(request.sender(), Sender { local_part, domain });
        }
    }
}
