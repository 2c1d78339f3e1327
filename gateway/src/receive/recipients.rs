//! For whom mail is taken from outside: addresses, whole domains, and nobody else.
//!
//! Domains compare in A-labels and without regard to ASCII case (RFC 5321 2.3.5, RFC 5890 2.3.2.4). So do local parts, though RFC 5321 2.4 leaves
//! that to the host: nobody gives `Ann` and `ann` to two people. Quotes around a local part that needs none
//! change nothing (RFC 5321 4.1.2).

use std::collections::BTreeMap;

use scop_mime_core::AddrSpec;
use scop_smtp_proto::{ForwardPath, Mailbox};

use crate::a_label;
use crate::error::Error;

/// Whom mail is taken for, each with its place: the index of a Maildir, where there are several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipients {
    addresses: BTreeMap<String, usize>,
    /// For everyone else there.
    domains: BTreeMap<String, usize>,
    /// Of `<Postmaster>` without a domain.
    postmaster: Option<usize>,
}

/// Why mail for a recipient is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The domain is of others.
    Relay,
    /// The domain is here, and nobody has that name in it.
    Unknown,
}

impl Recipients {
    /// Of entries of the configuration: `ann@example.org`, `*@example.org` or `@example.org`, each with its place.
    ///
    /// `name` is that of this host: its postmaster is meant by `<Postmaster>` (RFC 5321 4.5.1). Where it has none, it
    /// is the first postmaster that is there, by name or among everyone else of a domain.
    pub(crate) fn new<'e>(
        name: &str,
        entries: impl IntoIterator<Item = (&'e str, usize)>,
    ) -> Result<Self, Error> {
        let mut recipients = Self::default();
        for (entry, place) in entries {
            let domain = entry.strip_prefix('*').unwrap_or(entry).strip_prefix('@');
            // A domain is read as part of an address, so that there is one grammar.
            let address = domain.map_or_else(|| entry.to_owned(), |domain| format!("x@{domain}"));
            let mailbox = Mailbox::parse(address.as_bytes())
                .map_err(|error| Error::new(format_args!("recipient {entry:?}"), error))?;
            let (kept, key) = if domain.is_some() {
                (&mut recipients.domains, domain_key(&mailbox))
            } else {
                (&mut recipients.addresses, key(&mailbox))
            };
            if kept.insert(key, place).is_some() {
                return Err(Error::new(
                    format_args!("recipient {entry:?}"),
                    "it is there twice",
                ));
            }
        }
        let own = format!("postmaster@{}", name.to_ascii_lowercase());
        let mut postmasters = recipients.addresses.iter();
        recipients.postmaster = (recipients.addresses.get(&own).copied())
            .or_else(|| {
                postmasters
                    .find(|(address, _)| address.starts_with("postmaster@"))
                    .map(|(_, &place)| place)
            })
            .or_else(|| recipients.domains.get(&name.to_ascii_lowercase()).copied())
            .or_else(|| recipients.domains.values().next().copied());
        Ok(recipients)
    }

    /// The place of a recipient.
    pub(crate) fn find(&self, path: &ForwardPath<'_>) -> Result<usize, Refused> {
        let Some(mailbox) = path.mailbox() else {
            return self.postmaster.ok_or(Refused::Unknown);
        };
        let domain = domain_key(&mailbox);
        let address = key(&mailbox);
        if let Some(&place) = self.addresses.get(&address) {
            return Ok(place);
        }
        if let Some(&place) = self.domains.get(&domain) {
            return Ok(place);
        }
        let is_of = |address: &String| {
            let at = address.len().saturating_sub(domain.len());
            address.get(at..) == Some(&domain)
                && address.get(..at).is_some_and(|l| l.ends_with('@'))
        };
        Err(if self.addresses.keys().any(is_of) {
            Refused::Unknown
        } else {
            Refused::Relay
        })
    }
}

/// An address in the form in which addresses are compared.
pub(crate) fn key(mailbox: &Mailbox<'_>) -> String {
    key_of(mailbox.local_part().text(), &domain_key(mailbox))
}

/// The same of an address in a header field.
pub(crate) fn field_key(address: &AddrSpec<'_>) -> String {
    key_of(address.local_part().text(), &field_domain_key(address))
}

/// The domain of an address in the form in which domains are compared.
pub(crate) fn domain_key(mailbox: &Mailbox<'_>) -> String {
    a_label::key(&mailbox.domain().to_string())
}

/// The same of an address in a header field.
pub(crate) fn field_domain_key(address: &AddrSpec<'_>) -> String {
    a_label::key(&address.domain().to_string())
}

fn key_of(local: impl Iterator<Item = u8>, domain: &str) -> String {
    let mut key: Vec<u8> = local.collect();
    key.make_ascii_lowercase();
    key.push(b'@');
    key.extend_from_slice(domain.as_bytes());
    // A local part is UTF-8 (RFC 6531 3.3), and a backslash before a part of a character is no way to break it.
    String::from_utf8_lossy(&key).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipients() -> Recipients {
        let entries = [
            ("ann@example.org", 0),
            ("Postmaster@example.org", 1),
            ("*@example.net", 2),
            ("joe@example.net", 3),
            ("@[192.0.2.1]", 4),
            ("\u{fc}@example.org", 5),
        ];
        Recipients::new("mx.example.org", entries).unwrap()
    }

    #[test]
    fn whom_mail_is_taken_for() {
        let recipients = recipients();
        for (path, place) in [
            ("<ann@example.org>", Ok(0)),
            ("<ANN@Example.ORG>", Ok(0)),
            ("<\"ann\"@example.org>", Ok(0)),
            ("<\"a\\nn\"@example.org>", Ok(0)),
            ("<@relay.example:ann@example.org>", Ok(0)),
            ("<Postmaster>", Ok(1)),
            ("<postmaster@example.org>", Ok(1)),
            ("<anyone@example.net>", Ok(2)),
            ("<joe@EXAMPLE.net>", Ok(3)),
            ("<x@[192.0.2.1]>", Ok(4)),
            ("<\u{fc}@example.org>", Ok(5)),
            ("<bob@example.org>", Err(Refused::Unknown)),
            ("<\u{dc}@example.org>", Err(Refused::Unknown)),
            ("<ann@example.com>", Err(Refused::Relay)),
            ("<ann@sub.example.org>", Err(Refused::Relay)),
            ("<ann@sub.example.net>", Err(Refused::Relay)),
            ("<ann@xexample.org>", Err(Refused::Relay)),
            ("<\"ann@example.org\"@example.com>", Err(Refused::Relay)),
            ("<ann%example.org@example.com>", Err(Refused::Relay)),
            ("<ann@[192.0.2.2]>", Err(Refused::Relay)),
        ] {
            let path_read = ForwardPath::parse(path.as_bytes()).unwrap();
            assert_eq!(recipients.find(&path_read), place, "{path}");
        }
    }

    #[test]
    fn postmaster_without_a_domain() {
        let find = |name, entries: &[(&str, usize)]| {
            let recipients = Recipients::new(name, entries.iter().copied()).unwrap();
            recipients.find(&ForwardPath::Postmaster)
        };
        assert_eq!(
            find("mx.example.org", &[("a@example.org", 0)]),
            Err(Refused::Unknown)
        );
        let both = [
            ("postmaster@example.org", 0),
            ("postmaster@mx.example.org", 1),
        ];
        assert_eq!(find("MX.example.org", &both), Ok(1));
        assert_eq!(find("mx.example.com", &both), Ok(0));
        assert_eq!(find("mx.example.org", &[("*@mx.example.org", 7)]), Ok(7));
        assert_eq!(find("mx.example.org", &[("*@example.org", 7)]), Ok(7));
    }

    #[test]
    fn entries_that_are_none() {
        for entry in ["ann", "*@", "@", "", "a b@example.org", "ann@example.org "] {
            assert!(
                Recipients::new("mx.example.org", [(entry, 0)]).is_err(),
                "{entry:?}"
            );
        }
        let twice = [("ann@example.org", 0), ("Ann@Example.org", 1)];
        let error = Recipients::new("mx.example.org", twice).unwrap_err();
        assert!(error.to_string().contains("twice"), "{error}");
    }
}
