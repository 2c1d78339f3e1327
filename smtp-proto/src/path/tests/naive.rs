//! A second reader of paths: the ABNF of RFC 5321 4.1.2 and 4.1.3 and of RFC 6531 3.3, rule by rule.
//!
//! A rule takes the positions at which it may begin and gives those at which it may end, all of them. So
//! nothing here is greedy, fast, or cut short, and none of it is shared with the reader under test.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

type Positions = BTreeSet<usize>;

struct Reader {
    text: Vec<char>,
}

/// Whether `bytes` are a mailbox.
pub(super) fn is_mailbox(bytes: &[u8]) -> bool {
    accepts(bytes, Reader::mailbox) && bytes.len() <= 254
}

/// Whether `bytes` are a path, other than `<>` and `<Postmaster>`.
pub(super) fn is_path(bytes: &[u8]) -> bool {
    accepts(bytes, Reader::path) && bytes.len() <= 256
}

/// Whether `bytes` are a domain or an address literal.
pub(super) fn is_domain(bytes: &[u8]) -> bool {
    accepts(bytes, Reader::domain_or_literal)
}

fn accepts(bytes: &[u8], rule: impl Fn(&Reader, Positions) -> Positions) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    let reader = Reader {
        text: text.chars().collect(),
    };
    rule(&reader, Positions::from([0])).contains(&reader.text.len())
}

fn is_non_ascii(character: char) -> bool {
    character >= '\u{a0}'
}

impl Reader {
    fn one(&self, from: Positions, belongs: impl Fn(char) -> bool) -> Positions {
        let from = from.into_iter();
        from.filter(|&at| self.text.get(at).copied().is_some_and(&belongs))
            .map(|at| at + 1)
            .collect()
    }

    fn literal(&self, from: Positions, word: &str) -> Positions {
        word.chars().fold(from, |from, expected| {
            self.one(from, |found| found.eq_ignore_ascii_case(&expected))
        })
    }

    /// `*rule`: until it ends nowhere new.
    fn many(&self, from: Positions, rule: impl Fn(&Self, Positions) -> Positions) -> Positions {
        let mut all = from;
        loop {
            let before = all.len();
            all.extend(rule(self, all.clone()));
            if all.len() == before {
                return all;
            }
        }
    }

    /// For each begin the ends that `accepts` what lies between.
    fn between(
        &self,
        from: Positions,
        rule: impl Fn(&Self, Positions) -> Positions,
        accepts: impl Fn(&str) -> bool,
    ) -> Positions {
        let each = from.into_iter().flat_map(|begin| {
            let ends = rule(self, Positions::from([begin]));
            let accepted = ends.into_iter().filter(|&end| {
                let text: String = self.text[begin..end].iter().collect();
                accepts(&text)
            });
            accepted.collect::<Vec<_>>()
        });
        each.collect()
    }

    /// `Path = "<" [ A-d-l ":" ] Mailbox ">"`
    fn path(&self, from: Positions) -> Positions {
        let mut inside = self.literal(from, "<");
        let routed = self.literal(self.a_d_l(inside.clone()), ":");
        inside.extend(routed);
        self.literal(self.mailbox(inside), ">")
    }

    /// `A-d-l = At-domain *( "," At-domain )`, `At-domain = "@" Domain`
    fn a_d_l(&self, from: Positions) -> Positions {
        let at_domain = |reader: &Self, from| reader.domain(reader.literal(from, "@"));
        self.many(at_domain(self, from), |reader, from| {
            at_domain(reader, reader.literal(from, ","))
        })
    }

    /// `Mailbox = Local-part "@" ( Domain / address-literal )`
    fn mailbox(&self, from: Positions) -> Positions {
        let local_part = self.between(from, Self::local_part, |text| text.len() <= 64);
        self.domain_or_literal(self.literal(local_part, "@"))
    }

    fn domain_or_literal(&self, from: Positions) -> Positions {
        let mut ends = self.domain(from.clone());
        ends.extend(self.address_literal(from));
        ends
    }

    /// `Local-part = Dot-string / Quoted-string`
    fn local_part(&self, from: Positions) -> Positions {
        // Dot-string = Atom *("." Atom), Atom = 1*atext
        let atext = |reader: &Self, from| {
            reader.one(from, |c| {
                c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_non_ascii(c)
            })
        };
        let atom = |reader: &Self, from| reader.many(atext(reader, from), atext);
        let mut ends = self.many(atom(self, from.clone()), |reader, from| {
            atom(reader, reader.literal(from, "."))
        });
        // Quoted-string = DQUOTE *QcontentSMTP DQUOTE
        let content = self.many(self.literal(from, "\""), |reader, from| {
            let mut ends = reader.one(from.clone(), |c| {
                matches!(c, ' '..='!' | '#'..='[' | ']'..='~') || is_non_ascii(c)
            });
            let pair = reader.one(reader.literal(from, "\\"), |c| matches!(c, ' '..='~'));
            ends.extend(pair);
            ends
        });
        ends.extend(self.literal(content, "\""));
        ends
    }

    /// `Domain = sub-domain *("." sub-domain)`
    fn domain(&self, from: Positions) -> Positions {
        let sub_domain = |reader: &Self, from| reader.between(from, Self::label, is_label);
        let dotted = |reader: &Self, from| {
            reader.many(sub_domain(reader, from), |reader, from| {
                sub_domain(reader, reader.literal(from, "."))
            })
        };
        self.between(from, dotted, |text| text.len() <= 255)
    }

    /// `sub-domain = Let-dig [Ldh-str]`, `Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig`, and U-labels
    fn label(&self, from: Positions) -> Positions {
        let let_dig = |reader: &Self, from| {
            reader.one(from, |c| c.is_ascii_alphanumeric() || is_non_ascii(c))
        };
        let first = let_dig(self, from);
        let middle = self.many(first.clone(), |reader, from| {
            reader.one(from, |c| {
                c.is_ascii_alphanumeric() || c == '-' || is_non_ascii(c)
            })
        });
        let mut ends = let_dig(self, middle);
        ends.extend(first);
        ends
    }

    /// `"[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"`
    fn address_literal(&self, from: Positions) -> Positions {
        let dcontent =
            |reader: &Self, from| reader.one(from, |c| matches!(c, '!'..='Z' | '^'..='~'));
        let inside = |reader: &Self, from| reader.many(from, dcontent);
        let whole =
            |reader: &Self, from| reader.literal(inside(reader, reader.literal(from, "[")), "]");
        self.between(from, whole, |text| {
            text.len() <= 255 && is_literal(&text[1..text.len() - 1])
        })
    }
}

fn is_label(label: &str) -> bool {
    if label.is_ascii() {
        return label.len() <= 63;
    }
    // A U-label: characters that IDNA disallows, and so many that "xn--" and a digit for each are too long.
    label.chars().count() + 4 <= 63
        && !label.contains(|c: char| c.is_whitespace() || "\u{3002}\u{ff0e}\u{ff61}".contains(c))
}

fn is_literal(inside: &str) -> bool {
    if inside
        .get(..5)
        .is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"))
    {
        return inside[5..].parse::<Ipv6Addr>().is_ok();
    }
    if inside.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let Some((tag, content)) = inside.split_once(':') else {
        return false;
    };
    let is_ldh = tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_ldh && tag.ends_with(|c: char| c.is_ascii_alphanumeric()) && !content.is_empty()
}
