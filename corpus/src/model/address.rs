//! Addresses and identifiers (RFC 5322 3.4, 3.6.4).

use super::text::Phrase;

/// A mailbox or a group.
#[derive(Clone, Debug)]
pub enum Address {
    /// One mailbox.
    Mailbox(Mailbox),
    /// A named list of mailboxes, perhaps empty.
    Group(Phrase, Vec<Mailbox>),
}

/// One mailbox.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    /// The display name; only with angle brackets.
    pub name: Option<Phrase>,
    /// Whether the address stands in angle brackets.
    pub angle: bool,
    /// The domains of the obsolete source route; only with angle brackets.
    pub route: Vec<Domain>,
    /// The address.
    pub addr_spec: AddrSpec,
}

/// `local-part@domain`.
#[derive(Clone, Debug, Default)]
pub struct AddrSpec {
    /// What the local part means, without quotes.
    pub local: String,
    /// The domain.
    pub domain: Domain,
}

/// A domain.
#[derive(Clone, Debug)]
pub enum Domain {
    /// Atoms with dots.
    Name(String),
    /// What stands between brackets.
    Literal(String),
}

impl Default for Domain {
    fn default() -> Self {
        Self::Name("example.org".to_owned())
    }
}

impl Domain {
    /// As a reader must report it.
    pub fn text(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Literal(inner) => format!("[{inner}]"),
        }
    }
}

/// An identifier: `<left@right>`.
#[derive(Clone, Debug, Default)]
pub struct Id(pub AddrSpec);

/// The path of Return-Path: null, or a route and an address.
#[derive(Clone, Debug, Default)]
pub struct Path(pub Option<(Vec<Domain>, AddrSpec)>);
