//! Addresses and identifiers, with their obsolete forms (RFC 5322 3.4, 3.6.4, 4.4, 4.5.4).

use super::pen::{Pen, is_atom, is_dot_atom};
use super::text::phrase;
use crate::feature::Feature;
use crate::model::{AddrSpec, Address, Domain, Id, Mailbox, Path};

/// A list of addresses, perhaps with empty members.
pub(crate) fn addresses(pen: &mut Pen<'_>, list: &[Address]) {
    empty_members(pen);
    for (index, address) in list.iter().enumerate() {
        if index > 0 {
            pen.put(b",");
            empty_members(pen);
            pen.space();
            pen.optional_gap();
        }
        match address {
            Address::Mailbox(one) => mailbox(pen, one),
            Address::Group(name, members) => group(pen, name, members),
        }
        pen.optional_gap();
    }
    if !list.is_empty() && pen.odd(3) {
        pen.put(b",");
        empty_members(pen);
    }
}

fn empty_members(pen: &mut Pen<'_>) {
    while pen.odd(3) {
        pen.features.count(Feature::EmptyMember);
        pen.optional_gap();
        pen.put(b",");
    }
}

fn group(pen: &mut Pen<'_>, name: &crate::model::Phrase, members: &[Mailbox]) {
    pen.features.count(Feature::Group);
    phrase(pen, name);
    pen.optional_gap();
    pen.put(b":");
    if members.is_empty() {
        pen.features.count(Feature::EmptyGroup);
    }
    empty_members(pen);
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            pen.put(b",");
            empty_members(pen);
        }
        pen.space();
        mailbox(pen, member);
        pen.optional_gap();
    }
    pen.put(b";");
}

fn mailbox(pen: &mut Pen<'_>, mailbox: &Mailbox) {
    pen.features.count(Feature::Mailbox);
    if !mailbox.angle {
        return addr_spec(pen, &mailbox.addr_spec);
    }
    if let Some(name) = &mailbox.name {
        phrase(pen, name);
        if pen.odd(10) {
            pen.optional_gap();
        } else {
            pen.gap();
        }
    }
    pen.put(b"<");
    route(pen, &mailbox.route);
    addr_spec(pen, &mailbox.addr_spec);
    pen.optional_gap();
    pen.put(b">");
}

/// ```text
/// obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])   ; RFC 5322 4.4
/// ```
fn route(pen: &mut Pen<'_>, domains: &[Domain]) {
    if domains.is_empty() {
        return;
    }
    pen.features.count(Feature::Route);
    empty_members(pen);
    for (index, one) in domains.iter().enumerate() {
        if index > 0 {
            pen.put(b",");
            empty_members(pen);
            pen.optional_gap();
        }
        pen.put(b"@");
        domain(pen, one);
        pen.optional_gap();
    }
    pen.put(b":");
}

/// `local@domain`, with the gap that may stand before it.
pub(crate) fn addr_spec(pen: &mut Pen<'_>, addr_spec: &AddrSpec) {
    pen.optional_gap();
    local_part(pen, &addr_spec.local);
    pen.optional_gap();
    pen.put(b"@");
    domain(pen, &addr_spec.domain);
}

fn local_part(pen: &mut Pen<'_>, local: &str) {
    if !is_dot_atom(local) {
        pen.features.count(Feature::QuotedLocal);
        // obs-local-part: words with dots between them. Only dots that part two words are such.
        let words = local.split('.');
        let split = pen.odd(30) && words.clone().all(|word| !word.is_empty());
        if !split {
            return pen.quoted(local);
        }
        return dotted(pen, local, Pen::word);
    }
    if pen.odd(4) {
        pen.quoted(local);
    } else if pen.odd(8) {
        dotted(pen, local, |pen, word| {
            if pen.odd(20) {
                pen.quoted(word);
            } else {
                pen.text(word);
            }
        });
    } else {
        pen.text(local);
    }
}

fn dotted<'o>(pen: &mut Pen<'o>, text: &str, word: impl Fn(&mut Pen<'o>, &str)) {
    for (index, part) in text.split('.').enumerate() {
        if index > 0 {
            pen.features.count(Feature::ObsoleteDots);
            pen.optional_gap();
            pen.put(b".");
            pen.optional_gap();
        }
        word(pen, part);
    }
}

/// A domain, with the gap that may stand before it.
pub(crate) fn domain(pen: &mut Pen<'_>, domain: &Domain) {
    pen.optional_gap();
    match domain {
        Domain::Name(name) if pen.odd(8) => dotted(pen, name, |pen, atom| {
            debug_assert!(is_atom(atom), "{name}");
            pen.text(atom);
        }),
        Domain::Name(name) => pen.text(name),
        Domain::Literal(inner) => {
            pen.features.count(Feature::Literal);
            pen.put(b"[");
            for byte in inner.bytes() {
                if pen.odd(2) {
                    pen.space();
                }
                pen.put(&[byte]);
            }
            if pen.odd(5) {
                pen.space();
            }
            pen.put(b"]");
        }
    }
}

/// `<left@right>`.
pub(crate) fn id(pen: &mut Pen<'_>, id: &Id) {
    pen.features.count(Feature::Id);
    pen.put(b"<");
    addr_spec(pen, &id.0);
    pen.optional_gap();
    pen.put(b">");
}

/// Identifiers, perhaps with words between them.
pub(crate) fn ids(pen: &mut Pen<'_>, list: &[Id]) {
    for (index, one) in list.iter().enumerate() {
        if index > 0 {
            if pen.odd(20) {
                pen.optional_gap();
            } else {
                pen.gap();
            }
        }
        if pen.odd(3) {
            pen.features.count(Feature::WordsBetweenIds);
            let words =
                pen.rng
                    .pick(&["Your message of", "\"a <quoted@word>\"", "Joe's msg.", "x"]);
            pen.text(words);
            pen.gap();
        }
        id(pen, one);
    }
}

/// `<>` or `<local@domain>`.
pub(crate) fn path(pen: &mut Pen<'_>, path: &Path) {
    pen.features.count(Feature::ReturnPath);
    pen.put(b"<");
    if let Some((domains, address)) = &path.0 {
        route(pen, domains);
        addr_spec(pen, address);
    }
    pen.optional_gap();
    pen.put(b">");
}
