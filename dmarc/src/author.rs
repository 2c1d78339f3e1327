//! The author domain: the domain of the one From field (RFC 9989 5.3.1, 11.5; RFC 5322 3.6.2).
//!
//! Everything that DMARC says is about this domain, so a message that can be read in two ways must not
//! have one. [`Author::of`] looks at every From field, and at malformed lines that some reader may take
//! for one; it reads the field by the whole grammar; and it gives a domain only when there is no second
//! reading. Encoded words are never decoded in an address.
//!
//! Several mailboxes in one field are one author domain when they share it: the rule counts domains.

use core::fmt;

use scop_core::ParseError;
use scop_mime_core::header::address::{AddressErrorKind, AddressQuirk};
use scop_mime_core::{Address, AddressList, Field, FieldDefect, HeaderBlock, Mailbox};

use crate::Domain;
use crate::domain::DomainErrorKind;

/// Whose mail a message claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author<'a> {
    /// One domain, beyond doubt. Only such a message can pass.
    One(Domain<'a>),
    /// No From field, or no address in it.
    None,
    /// Several From fields, or mailboxes of several domains.
    Many,
    /// It can be read in two ways, or cannot be read; why, and at which byte of the header.
    Ambiguous(ParseError<Ambiguity>),
}

/// Why a From field gives no author domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ambiguity {
    /// A malformed line, or what stands behind a bare CR, that some readers take for a From field.
    Lookalike,
    /// The value is not an address list.
    Syntax(AddressErrorKind),
    /// It holds a group (RFC 6854); its members are not the author.
    Group,
    /// An address has a form that misleads readers.
    Quirk(AddressQuirk),
    /// The domain is not one that DMARC can look up.
    Domain(DomainErrorKind),
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookalike => {
                f.write_str("something malformed may be read as a From field (RFC 5322 2.2)")
            }
            Self::Syntax(kind) => kind.fmt(f),
            Self::Group => f.write_str("From holds a group (RFC 6854 3)"),
            Self::Quirk(quirk) => quirk.fmt(f),
            Self::Domain(kind) => kind.fmt(f),
        }
    }
}

impl<'a> Author<'a> {
    /// The author domain of a message.
    pub fn of(header: HeaderBlock<'a>) -> Self {
        let list = match mailboxes(header, b"From") {
            Ok(Some(list)) => list,
            Ok(None) => return Self::None,
            Err(NotRead::Several) => return Self::Many,
            Err(NotRead::Ambiguous(error)) => {
                return match error.kind() {
                    Ambiguity::Syntax(AddressErrorKind::NoAddress) => Self::None,
                    _ => Self::Ambiguous(error),
                };
            }
        };
        let mut author = None;
        let mut many = false;
        for mailbox in list.mailboxes() {
            let domain = mailbox.addr_spec().domain();
            let domain = match Domain::parse(domain.raw()) {
                Ok(parsed) => parsed,
                Err(error) => {
                    let error = error.map(Ambiguity::Domain).nested(domain.offset());
                    return Self::Ambiguous(error.nested(list.offset()));
                }
            };
            many |= author.replace(domain).is_some_and(|other| other != domain);
        }
        match author {
            None => Self::None,
            Some(_) if many => Self::Many,
            Some(domain) => Self::One(domain),
        }
    }

    /// The domain, if there is exactly one.
    pub const fn domain(&self) -> Option<Domain<'a>> {
        match self {
            Self::One(domain) => Some(*domain),
            Self::None | Self::Many | Self::Ambiguous(_) => None,
        }
    }
}

impl fmt::Display for Author<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(domain) => domain.fmt(f),
            Self::None => f.write_str("no author: there is no address in From (RFC 5322 3.6.2)"),
            Self::Many => f.write_str("several authors of different domains (RFC 9989 11.5)"),
            Self::Ambiguous(error) => write!(f, "no certain author: {error} of the header"),
        }
    }
}

/// Why the mailboxes of a field are not beyond doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRead {
    /// There are several fields of the name (RFC 5322 3.6).
    Several,
    /// It can be read in two ways, or cannot be read; why, and at which byte of the header.
    Ambiguous(ParseError<Ambiguity>),
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Several => f.write_str("there are several such fields (RFC 5322 3.6)"),
            Self::Ambiguous(error) => write!(f, "{error} of the header"),
        }
    }
}

impl core::error::Error for NotRead {}

/// Mailboxes that every reader sees alike: there is one at least, no group, and no quirk that
/// [is ambiguous](AddressQuirk::is_ambiguous).
#[derive(Clone, Copy, Debug)]
pub struct PlainMailboxes<'a> {
    list: AddressList<'a>,
    offset: usize,
}

impl<'a> PlainMailboxes<'a> {
    /// In order.
    pub fn mailboxes(&self) -> impl Iterator<Item = Mailbox<'a>> + use<'a> {
        self.list.mailboxes()
    }

    /// Where the value begins in the header.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// The mailboxes in the field of a name that may stand once in a message, as From and Sender may (RFC 5322 3.6);
/// `None` when there is no such field.
///
/// # Errors
/// When some reader may see other mailboxes, or none.
pub fn mailboxes<'a>(
    header: HeaderBlock<'a>,
    name: &[u8],
) -> Result<Option<PlainMailboxes<'a>>, NotRead> {
    let mut sole = None;
    for field in header.fields() {
        if let Some(at) = lookalike(field, name) {
            let at = field.offset().saturating_add(at);
            return Err(NotRead::Ambiguous(ParseError::new(
                Ambiguity::Lookalike,
                at,
            )));
        }
        if field.is(name) && sole.replace(field).is_some() {
            return Err(NotRead::Several);
        }
    }
    let Some(field) = sole else {
        return Ok(None);
    };
    let offset = field.offset().saturating_add(field.value_start());
    let list = plain_list(field.value());
    let list = list.map_err(|error| NotRead::Ambiguous(error.nested(offset)))?;
    Ok(Some(PlainMailboxes { list, offset }))
}

fn plain_list(value: &[u8]) -> Result<AddressList<'_>, ParseError<Ambiguity>> {
    let list = AddressList::parse(value).map_err(|error| error.map(Ambiguity::Syntax))?;
    for address in list.iter() {
        let mailbox = match address {
            Address::Group(group) => {
                return Err(ParseError::new(Ambiguity::Group, group.offset()));
            }
            Address::Mailbox(mailbox) => mailbox,
        };
        // The other quirks are none here: a display name counts for nothing (RFC 9989 11.4), and a local part
        // may be of any script.
        if let Some(quirk) = mailbox.quirks().find(|quirk| quirk.is_ambiguous()) {
            let at = mailbox.addr_spec().local_part().offset();
            return Err(ParseError::new(Ambiguity::Quirk(quirk), at));
        }
    }
    Ok(list)
}

/// Where something begins in a field that some reader takes for a field called `name`, though it is none:
/// a line without a proper name, or what follows a bare CR, which ends a line for some. The first line
/// of an mbox is no such line.
pub(crate) fn lookalike(field: Field<'_>, name: &[u8]) -> Option<usize> {
    let raw = field.raw();
    if field.is_malformed() && !is_mbox_line(field) && reads_as(name, raw) {
        return Some(0);
    }
    let mut at = 0;
    for piece in raw.split(|&byte| byte == b'\r') {
        // An LF makes the CR before it a line end, and the field goes on behind that.
        if at > 0 && piece.first() != Some(&b'\n') && reads_as(name, piece) {
            return Some(at);
        }
        at = at.saturating_add(piece.len()).saturating_add(1);
    }
    None
}

fn is_mbox_line(field: Field<'_>) -> bool {
    let raw = field.raw();
    field.defect() == Some(FieldDefect::MboxLine)
        && raw
            .get(5)
            .is_some_and(|byte| byte.is_ascii_graphic() && *byte != b':')
        && !raw.strip_suffix(b"\n").unwrap_or(raw).contains(&b'\n')
}

/// Whether text begins with a name, for a reader who passes over blanks, controls and octets
/// above 127, and who ends the name at what cannot be part of one.
fn reads_as(name: &[u8], text: &[u8]) -> bool {
    let mut bytes = text.iter();
    let spells = name.iter().all(|letter| {
        let next = bytes.find(|byte| byte.is_ascii_graphic());
        next.is_some_and(|byte| byte.eq_ignore_ascii_case(letter))
    });
    spells
        && bytes
            .next()
            .is_none_or(|byte| !byte.is_ascii_graphic() || *byte == b':')
}

#[cfg(test)]
mod tests {
    use super::{AddressErrorKind, AddressQuirk, Ambiguity, Author};
    use crate::domain::DomainErrorKind;
    use proptest::prelude::*;
    use scop_mime_core::HeaderBlock;
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn of(header: &str) -> Author<'_> {
        Author::of(HeaderBlock::new(header.as_bytes()))
    }

    #[test]
    fn one() {
        for header in [
            "From: a@Example.org\r\n",
            "from : a@Example.org\n",
            "To: x@y\r\nFROM:\r\n Ann <a@Example.org>\r\n",
            "From: \"b@evil.example\" <a@Example.org>\r\n",
            "From: a@Example.org (b@evil.example)\r\n",
            "From: =?utf-8?Q?b=40evil.example?= <a@Example.org>\r\n",
            "From: \u{e9}@Example.org\r\n",
            "From: \"a.b\"@Example.org\r\n",
            "From: a@Example.org, b@example.ORG\r\n",
            "From: ,a@Example.org,\r\n",
            "Sender: b@evil.example\r\nResent-From: b@evil.example\r\nFrom: a@Example.org\r\n",
            "From-Address: b@evil.example\r\nFrom: a@Example.org\r\n",
            "From b@evil.example Thu Jan  1 00:00:00 2026\nFrom: a@Example.org\n",
            "Subject: x\r\n From: b@evil.example\r\nFrom: a@Example.org\r\n",
            "Subject: x\rFromage: \r\nFrom: a@Example.org\r\n",
        ] {
            let Author::One(domain) = of(header) else {
                panic!("{header}: {}", of(header))
            };
            assert!(
                domain.to_string().eq_ignore_ascii_case("example.org"),
                "{header}"
            );
        }
    }

    #[test]
    fn none_and_many() {
        for header in [
            "",
            "To: a@b.example\r\n",
            "From:\r\n",
            "From: ,\r\n",
            "From: (a@b)\r\n",
        ] {
            assert_eq!(of(header), Author::None, "{header}");
        }
        for header in [
            "From: a@example.org\r\nFrom: a@example.org\r\n",
            "From: a@example.org\r\nFrom : b@evil.example\r\n",
            "FROM: a@example.org\r\nTo: x@y\r\nfrom:\r\n",
            "From: a@example.org, b@evil.example\r\n",
            "From: <a@example.org>,<b@sub.example.org>\r\n",
        ] {
            assert_eq!(of(header), Author::Many, "{header}");
        }
    }

    #[test]
    fn ambiguous_with_the_byte() {
        use AddressQuirk::{CommentInside, EncodedWord, QuotedLocalPart, SourceRoute, SpaceInside};
        use Ambiguity::{Domain, Group, Lookalike, Quirk};
        for (header, kind, at) in [
            (" From: a@x.example\r\nFrom: b@y.example\r\n", Lookalike, 0),
            (
                "From\r\n : a@x.example\r\nFrom: b@y.example\r\n",
                Lookalike,
                0,
            ),
            (
                "From \r\n : a@x.example\r\nFrom: b@y.example\r\n",
                Lookalike,
                0,
            ),
            (
                "From: b@y.example\r\nFrom\0: a@x.example\r\n",
                Lookalike,
                19,
            ),
            (
                "From: b@y.example\r\nfrom\u{a0}: a@x.example\r\n",
                Lookalike,
                19,
            ),
            (
                "From: b@y.example\r\n\0From: a@x.example\r\n",
                Lookalike,
                19,
            ),
            ("From: b@y.example\r\nFrom\r\n", Lookalike, 19),
            ("From: b@y.example\r\nfrom", Lookalike, 19),
            ("From \0: a@x.example\r\n", Lookalike, 0),
            ("F\0rom: a@x.example\r\nFrom: b@y.example\r\n", Lookalike, 0),
            (
                "From: b@y.example\r\nX: y\rFrom: a@x.example\r\n",
                Lookalike,
                24,
            ),
            (
                "From: b@y.example\r\nX: y\r\r \0from\t: a\r\n",
                Lookalike,
                25,
            ),
            ("From: b@y.example\rFROM: a@x.example\r\n", Lookalike, 18),
            ("From: Team: a@x.example;\r\n", Group, 5),
            ("From: Undisclosed:;\r\n", Group, 5),
            ("From: b@y.example, Team:a@x.example;\r\n", Group, 18),
            (
                "From: <@a.example,@b.example:c@d.example>\r\n",
                Quirk(SourceRoute),
                29,
            ),
            (
                "From: =?utf-8?Q?a=40x.example=2C?=@y.example\r\n",
                Quirk(EncodedWord),
                6,
            ),
            (
                "From: \"a@x.example,\"@y.example\r\n",
                Quirk(QuotedLocalPart),
                6,
            ),
            (
                "From: Ann <a@(x.example)y.example>\r\n",
                Quirk(CommentInside),
                11,
            ),
            ("From: a@x.example . y.example\r\n", Quirk(SpaceInside), 6),
            (
                "From: b@y.example, a@[192.0.2.1]\r\n",
                Domain(DomainErrorKind::Character),
                21,
            ),
            (
                "From: a@m\u{fc}nchen.example\r\n",
                Domain(DomainErrorKind::NotAscii),
                9,
            ),
            (
                "From: a@x!y.example\r\n",
                Domain(DomainErrorKind::Character),
                9,
            ),
        ] {
            let Author::Ambiguous(error) = of(header) else {
                panic!("{header}: {}", of(header))
            };
            assert_eq!((error.kind(), error.offset()), (kind, at), "{header}");
        }
    }

    #[test]
    fn what_is_no_address_list() {
        for header in [
            "From: a@x.example b@y.example\r\n",
            "From: <a@x.example> b@y.example\r\n",
            "From: a@x.example <b@y.example>\r\n",
            "From: a@x.example\\,<b@y.example>\r\n",
            "From: a@x.example@y.example\r\n",
            "From: a@x.example\0.y.example\r\n",
            "From: <a@x.example\r\n",
            "From: a\r\n",
            "From: a@\r\n",
            "From: a@x..example\r\n",
            "From: \"a@x.example\r\n",
            "From: =?utf-8?B?PGFAeC5leGFtcGxlPg==?=,<b@y.example>\r\n",
            "From: a@x.example; b@y.example\r\n",
        ] {
            let Author::Ambiguous(error) = of(header) else {
                panic!("{header}: {}", of(header))
            };
            assert!(
                matches!(error.kind(), Ambiguity::Syntax(_)),
                "{header} {error}"
            );
            assert_ne!(error.kind(), Ambiguity::Syntax(AddressErrorKind::NoAddress));
        }
    }

    proptest! {
        #[test]
        fn any_bytes(header: Vec<u8>) {
            let _ = Author::of(HeaderBlock::new(&header));
        }

        /// Where there is one domain, it is the text behind the last `@` of each address, and there
        /// is one From line.
        #[test]
        fn one_means_one(value in "[a@x.,<>:;()\"=? \\\\]{0,24}") {
            let header = format!("From: {value}\r\n");
            if let Author::One(domain) = of(&header) {
                let outside: String = without_comments_and_quotes(&value);
                for address in outside.split(',').filter(|part| part.contains('@')) {
                    let (_, after) = address.rsplit_once('@').unwrap();
                    let after = after.trim_matches([' ', '>']);
                    prop_assert_eq!(after, domain.to_string());
                }
            }
        }
    }

    fn without_comments_and_quotes(value: &str) -> String {
        let (mut out, mut depth, mut quoted) = (String::new(), 0, false);
        let mut chars = value.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' if quoted || depth > 0 => {
                    chars.next();
                }
                '"' if depth == 0 => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted && depth > 0 => depth -= 1,
                _ if quoted || depth > 0 => {}
                c => out.push(c),
            }
        }
        out
    }
}
