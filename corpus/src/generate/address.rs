//! Addresses, identifiers.

use super::Generator;
use crate::model::{AddrSpec, Address, Domain, Hand, Id, Mailbox, Path, Phrase};

const DOMAINS: &[&str] = &[
    "example.org",
    "example.com",
    "example.net",
    "mail.example.org",
    "a.b.c.example",
    "xn--bcher-kva.example",
    "EXAMPLE.Org",
    "localhost",
];

impl Generator {
    pub(crate) fn domain(&mut self) -> Domain {
        match self.rng.below(20) {
            0..15 => Domain::Name(self.rng.pick(DOMAINS).to_owned()),
            15..18 => {
                let atoms = self.several(1, 5, Self::atom);
                Domain::Name(atoms.join("."))
            }
            _ => {
                let literals = [
                    "192.0.2.1",
                    "IPv6:2001:db8::1",
                    "tag:x!y",
                    "",
                    "a@b,c;d\"(e)",
                ];
                Domain::Literal(self.rng.pick(&literals).to_owned())
            }
        }
    }

    pub(crate) fn addr_spec(&mut self) -> AddrSpec {
        let local = match self.rng.below(20) {
            0..10 => self.atom(),
            10..16 => self.several(1, 4, Self::atom).join("."),
            16..18 => self.line(2),
            _ => {
                let odd = [
                    "",
                    ".",
                    "a..b",
                    "a@b",
                    "\"",
                    " ",
                    "a,b",
                    "<x>",
                    "=?utf-8?q?x?=",
                    "a\x02b",
                    "x y.z",
                ];
                self.rng.pick(&odd).to_owned()
            }
        };
        AddrSpec {
            local,
            domain: self.domain(),
        }
    }

    fn display_name(&mut self, hand: Hand) -> Phrase {
        if hand == Hand::Library {
            self.library_phrase()
        } else {
            self.phrase()
        }
    }

    pub(crate) fn mailbox(&mut self, hand: Hand) -> Mailbox {
        let name = self.maybe(50, |generator| generator.display_name(hand));
        let angle = name.is_some() || self.rng.percent(30);
        let route = if angle && hand != Hand::Library && self.rng.one_in(25) {
            self.several(1, 3, Self::domain)
        } else {
            Vec::new()
        };
        Mailbox {
            name,
            angle,
            route,
            addr_spec: self.addr_spec(),
        }
    }

    /// Addresses; at least one.
    pub(crate) fn addresses(&mut self, hand: Hand, most: u32) -> Vec<Address> {
        self.several(1, most, |generator| generator.address(hand))
    }

    pub(crate) fn address(&mut self, hand: Hand) -> Address {
        if self.rng.one_in(10) {
            let name = self.display_name(hand);
            Address::Group(
                name,
                self.several(0, 3, |generator| generator.mailbox(hand)),
            )
        } else {
            Address::Mailbox(self.mailbox(hand))
        }
    }

    pub(crate) fn id(&mut self) -> Id {
        if self.rng.percent(70) {
            let number = self.rng.next();
            return Id(AddrSpec {
                local: format!("{number:x}.{}", number % 97),
                domain: Domain::Name(self.rng.pick(DOMAINS).to_owned()),
            });
        }
        Id(self.addr_spec())
    }

    pub(crate) fn ids(&mut self, most: u32) -> Vec<Id> {
        self.several(1, most, Self::id)
    }

    pub(crate) fn path(&mut self) -> Path {
        Path(self.maybe(80, |generator| {
            let route = if generator.rng.one_in(10) {
                generator.several(1, 2, Self::domain)
            } else {
                Vec::new()
            };
            (route, generator.addr_spec())
        }))
    }
}
