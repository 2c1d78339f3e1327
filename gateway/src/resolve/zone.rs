//! Zone files (RFC 1035 5): the DNS of a test, of a demonstration, of a host without a network.
//!
//! `domain` reads the text (`$ORIGIN`, `$TTL`, parentheses, strings in parts); here is what a server does
//! with it (RFC 1034 4.3.2): aliases, wildcards (RFC 4592), and the difference between a name that does not
//! exist and one without data. A file with an SOA record answers for everything below its owner; a file
//! without one is a list of records, and answers for the names in it and no others.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use domain::base::iana::Class;
use domain::base::name::ToName;
use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use scop_core::{Name, NameBuf, Rdata, Rtype};

use crate::error::Error;
use crate::message::{Source, reason};

/// The longest zone file that is read.
const MAX_ZONE_FILE: u64 = 64 << 20;

/// The most names that all zone files together may hold: they are held in memory, with those between an
/// owner and its zone.
const MAX_NAMES: usize = 1 << 18;

/// Octets of records of one name and type, each with the 12 that it has in a message besides its data: no
/// message could carry more (RFC 1035 4.2.2).
const MAX_RRSET: usize = 65_535;

/// The longest chain of aliases that is followed; resolvers stop at 8 to 16.
pub(crate) const MAX_ALIASES: usize = 8;

/// Why a file with such a line is refused.
const INCLUDE: &str = "$INCLUDE is not followed: name the file with another --zone";

/// [`MAX_NAMES`] in words.
const TOO_MANY_NAMES: &str = "the zone files hold more than 262144 names, the limit";

/// DNAME (RFC 6672) redirects a whole tree, which is not done here.
const DNAME: u16 = 39;

/// All zones that were given.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    /// Each name that exists, also those between an owner and its zone, which have no records.
    nodes: HashMap<NameBuf, Node>,
    /// The owners of SOA records.
    apexes: HashSet<NameBuf>,
}

/// The records of one name: RDATA without compression, by type.
#[derive(Debug, Default)]
struct Node(HashMap<Rtype, Vec<Vec<u8>>>);

/// What the zones say of a name and a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// RDATA without compression.
    Records(Vec<Vec<u8>>),
    NoData,
    NxDomain,
    /// The aliases go on too long.
    AliasChain,
    /// No zone here answers for the name, or for where its aliases lead.
    Outside,
}

/// Where a name is.
enum Place<'z> {
    /// In no zone here.
    Outside,
    /// In a zone, and does not exist.
    Missing,
    Node(&'z Node),
}

impl Zones {
    /// Reads the files.
    ///
    /// # Errors
    /// When a file cannot be read, or breaks a rule; the line is named.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut zones = Self::default();
        for path in paths {
            let mut text = Vec::new();
            Source::open_file(path)?
                .take(MAX_ZONE_FILE + 1)
                .read_to_end(&mut text)
                .map_err(|error| Error::new(path.display(), reason(&error)))?;
            if text.len() as u64 > MAX_ZONE_FILE {
                let rule = "the zone file goes on after 64 MiB, the limit";
                return Err(Error::at(path.display(), MAX_ZONE_FILE, rule));
            }
            zones.add(path, &text)?;
        }
        Ok(zones)
    }

    /// Adds the records of a text; `path` is what errors call it.
    ///
    /// # Errors
    /// When it breaks a rule; the line is named.
    pub(crate) fn add(&mut self, path: &Path, text: &[u8]) -> Result<(), Error> {
        let place = &path.display();
        let mut owners = Vec::new();
        let mut apexes = Vec::new();
        if let Some(line) = open_parenthesis(text) {
            let rule = format!("{line}: a parenthesis is not closed (RFC 1035 5.1)");
            return Err(Error::at_line(place, rule));
        }
        if let Some(offset) = include(text) {
            return Err(at_line(place, text, offset, INCLUDE));
        }
        let mut file = scanner(text);
        loop {
            let entry = file
                .next_entry()
                .map_err(|error| scan_error(place, text, &error))?;
            let record = match entry {
                None => break,
                Some(Entry::Record(record)) => record,
                Some(Entry::Include { .. }) => {
                    return Err(at_line(place, text, file.current_offset(), INCLUDE));
                }
            };
            let fail = |rule: &str| at_line(place, text, file.current_offset(), rule);
            if record.class() != Class::IN {
                return Err(fail("the class is not IN (RFC 1035 3.2.4)"));
            }
            let mut wire = Vec::new();
            // A vector takes everything.
            let _ = record.owner().compose(&mut wire);
            let owner = Name::parse(&wire)
                .map(NameBuf::from)
                .map_err(|error| fail(&error.kind().to_string()))?;
            let rtype = Rtype(record.rtype().to_int());
            if rtype == Rtype(DNAME) {
                return Err(fail("DNAME (RFC 6672) is not followed"));
            }
            let mut data = Vec::new();
            let _ = record.data().compose_rdata(&mut data);
            Rdata::parse_in(&data, 0, data.len(), rtype)
                .map_err(|error| fail(&error.kind().to_string()))?;
            if rtype == Rtype::SOA {
                apexes.push(owner);
            }
            let node = self.nodes.entry(owner).or_default();
            let rrset = node.0.entry(rtype).or_default();
            if !rrset.contains(&data) {
                rrset.push(data);
                let octets: usize = rrset.iter().map(|data| data.len() + 12).sum();
                if octets > MAX_RRSET {
                    return Err(fail(
                        "more records of one type than a message holds (RFC 1035 4.2.2)",
                    ));
                }
            }
            let alone = node.0.get(&Rtype::CNAME).is_none_or(|targets| {
                targets.len() == 1 && node.0.keys().all(|&other| may_stand_with_alias(other))
            });
            if !alone {
                return Err(fail(
                    "a name with a CNAME record has no other data (RFC 1034 3.6.2)",
                ));
            }
            if self.nodes.len() > MAX_NAMES {
                return Err(fail(TOO_MANY_NAMES));
            }
            owners.push(owner);
        }
        self.apexes.extend(apexes);
        // Names between an owner and its zone exist too, without records (RFC 4592 2.2.2).
        for owner in owners {
            let Some(apex) = self.apex(&owner) else {
                continue;
            };
            let mut name = owner;
            while name != apex {
                self.nodes.entry(name).or_default();
                if self.nodes.len() > MAX_NAMES {
                    return Err(Error::new(place, TOO_MANY_NAMES));
                }
                let Some(parent) = parent(&name) else { break };
                name = parent;
            }
        }
        Ok(())
    }

    /// Answers a question; each name on the way is added to `aliases`.
    pub(crate) fn lookup(&self, name: &NameBuf, rtype: Rtype, aliases: &mut Vec<NameBuf>) -> Found {
        let mut name = *name;
        loop {
            let node = match self.place(&name) {
                Place::Outside => return Found::Outside,
                Place::Missing => return Found::NxDomain,
                Place::Node(node) => node,
            };
            if let Some(rrset) = node.0.get(&rtype) {
                return Found::Records(rrset.clone());
            }
            let target = node
                .0
                .get(&Rtype::CNAME)
                .and_then(|targets| targets.first());
            let Some(target) = target.and_then(|wire| Name::parse(wire).ok()) else {
                return Found::NoData;
            };
            if aliases.len() >= MAX_ALIASES {
                return Found::AliasChain;
            }
            name = NameBuf::from(target);
            aliases.push(name);
        }
    }

    /// Where a name is; a wildcard may stand for one that does not exist itself.
    fn place(&self, name: &NameBuf) -> Place<'_> {
        let Some(apex) = self.apex(name) else {
            return self.nodes.get(name).map_or(Place::Outside, Place::Node);
        };
        // From the name up to the apex: the closest name that exists, and any cut between zones.
        let mut encloser = None;
        let mut at = *name;
        while at != apex {
            if let Some(node) = self.nodes.get(&at) {
                if node.0.contains_key(&Rtype::NS) {
                    return Place::Outside; // delegated
                }
                encloser.get_or_insert(at);
            }
            let Some(up) = parent(&at) else { break };
            at = up;
        }
        let encloser = encloser.unwrap_or(apex);
        let mut found = encloser;
        if encloser != *name {
            found = NameBuf::ROOT;
            for label in core::iter::once(&b"*"[..]).chain(encloser.as_name().labels()) {
                if found.push_label(label).is_err() {
                    return Place::Missing; // no room for a wildcard below the encloser
                }
            }
        }
        self.nodes.get(&found).map_or(Place::Missing, Place::Node)
    }

    /// The closest zone that a name is in.
    pub(crate) fn apex(&self, name: &NameBuf) -> Option<NameBuf> {
        let mut at = *name;
        loop {
            if self.apexes.contains(&at) {
                return Some(at);
            }
            at = parent(&at)?;
        }
    }
}

/// What DNSSEC puts beside an alias (RFC 4034 2.5).
fn may_stand_with_alias(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::CNAME | Rtype(46 | 47))
}

/// The name without its first label; none for the root.
fn parent(name: &NameBuf) -> Option<NameBuf> {
    let mut labels = name.as_name().labels();
    labels.next()?;
    let mut up = NameBuf::ROOT;
    labels.try_for_each(|label| up.push_label(label)).ok()?;
    Some(up)
}

/// `domain` on the text of a file.
fn scanner(text: &[u8]) -> Zonefile {
    let mut file = Zonefile::from(text);
    // A last line without an end is a whole line for the user, and for `domain` a truncated one.
    if text.last() != Some(&b'\n') {
        file.extend_from_slice(b"\n");
    }
    file.set_default_class(Class::IN);
    file
}

/// What `domain` says, at the line of the entry.
///
/// It shows its position as `line:column:`, and that is behind the item it could not read: at the start of
/// the next line when the item was the last of its line. Then the text without that next line fails too.
fn scan_error(place: impl std::fmt::Display, text: &[u8], error: &impl std::fmt::Display) -> Error {
    let error = error.to_string();
    let mut parts = error.splitn(3, ':');
    let (line, column, rule) = (parts.next(), parts.next(), parts.next());
    let Some(mut line) = line.and_then(|line| line.parse::<usize>().ok()) else {
        return Error::new(place, error);
    };
    if column == Some("1") && line > 1 {
        let before: usize = text
            .split_inclusive(|&byte| byte == b'\n')
            .take(line - 1)
            .map(<[u8]>::len)
            .sum();
        if scanner(text.get(..before).unwrap_or(text)).any(|entry| entry.is_err()) {
            line -= 1;
        }
    }
    let rule = rule.unwrap_or_default();
    Error::at_line(place, format_args!("{line}:{rule}"))
}

/// The line of the first parenthesis that the file does not close; `domain` would panic at its end.
fn open_parenthesis(text: &[u8]) -> Option<usize> {
    let mut open = Vec::new();
    let mut bytes = text.iter();
    let mut line = 1;
    let mut quoted = false;
    while let Some(byte) = bytes.next() {
        match byte {
            // A string does not run over the end of its line: `domain` says so first.
            b'\n' if quoted => return None,
            b'\n' => line += 1,
            b'\\' => line += usize::from(bytes.next() == Some(&b'\n')),
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                // A comment lasts to the end of its line.
                line += usize::from(bytes.by_ref().any(|&byte| byte == b'\n'));
            }
            b'(' if !quoted => open.push(line),
            b')' if !quoted => drop(open.pop()),
            _ => {}
        }
    }
    open.first().copied()
}

/// Behind the first line that begins with `$INCLUDE`; on odd forms of it `domain` would panic.
fn include(text: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"$INCLUDE";
    let mut end = 0;
    text.split_inclusive(|&byte| byte == b'\n')
        .find_map(|line| {
            end += line.len();
            let name = line.get(..NAME.len())?;
            name.eq_ignore_ascii_case(NAME).then_some(end)
        })
}

/// An error at the line that ends at or before byte `offset`.
fn at_line(place: impl std::fmt::Display, text: &[u8], offset: usize, rule: &str) -> Error {
    let read = text.get(..offset).unwrap_or(text);
    let read = read.strip_suffix(b"\n").unwrap_or(read);
    let line = read.split(|&byte| byte == b'\n').count();
    Error::at_line(place, format_args!("{line}: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "\
$ORIGIN example.org.
$TTL 3600
@ SOA ns hostmaster ( 1 ; serial
      3600 600 86400 300 )
  NS ns
ns A 192.0.2.1
www CNAME Web.Example.ORG.
web A 192.0.2.2
    A 192.0.2.3
    A 192.0.2.2
deep.down TXT \"one \" \"two\" ; strings in parts
loop CNAME loop2
loop2 CNAME loop
out CNAME there.example.net.
gone CNAME nowhere
*.wild TXT \"any\"
a.b.wild TXT \"exact\"
sub NS ns.sub
ns.sub A 192.0.2.9
";

    fn zones(texts: &[&str]) -> Result<Zones, String> {
        let mut zones = Zones::default();
        for (number, text) in texts.iter().enumerate() {
            let path = PathBuf::from(format!("zone{number}"));
            zones
                .add(&path, text.as_bytes())
                .map_err(|error| error.to_string())?;
        }
        Ok(zones)
    }

    fn name(text: &str) -> NameBuf {
        NameBuf::from_text(text.as_bytes()).unwrap()
    }

    fn txt(text: &str) -> Found {
        let length = u8::try_from(text.len()).unwrap();
        Found::Records(vec![[&[length], text.as_bytes()].concat()])
    }

    #[test]
    fn a_zone_answers_as_a_server_does() {
        let zones = zones(&[ZONE]).unwrap();
        for (asked, rtype, found, aliases) in [
            (
                "ns.example.org",
                Rtype::A,
                Found::Records(vec![vec![192, 0, 2, 1]]),
                0,
            ),
            (
                "WWW.example.org",
                Rtype::A,
                Found::Records(vec![vec![192, 0, 2, 2], vec![192, 0, 2, 3]]),
                1,
            ),
            ("www.example.org", Rtype::MX, Found::NoData, 1),
            ("gone.example.org", Rtype::A, Found::NxDomain, 1),
            ("out.example.org", Rtype::A, Found::Outside, 1),
            ("loop.example.org", Rtype::A, Found::AliasChain, MAX_ALIASES),
            ("down.example.org", Rtype::TXT, Found::NoData, 0), // between names: it exists
            ("up.example.org", Rtype::TXT, Found::NxDomain, 0),
            ("x.deep.down.example.org", Rtype::TXT, Found::NxDomain, 0),
            ("x.wild.example.org", Rtype::TXT, txt("any"), 0),
            ("x.y.wild.example.org", Rtype::TXT, txt("any"), 0),
            ("x.wild.example.org", Rtype::A, Found::NoData, 0),
            ("a.b.wild.example.org", Rtype::TXT, txt("exact"), 0),
            ("b.wild.example.org", Rtype::TXT, Found::NoData, 0), // exists, so no wildcard (RFC 4592 2.2.2)
            ("x.b.wild.example.org", Rtype::TXT, Found::NxDomain, 0), // its encloser has no wildcard
            ("ns.sub.example.org", Rtype::A, Found::Outside, 0),
            ("example.com", Rtype::A, Found::Outside, 0),
            ("org", Rtype::TXT, Found::Outside, 0),
        ] {
            let mut seen = Vec::new();
            assert_eq!(
                zones.lookup(&name(asked), rtype, &mut seen),
                found,
                "{asked} {rtype}"
            );
            assert_eq!(seen.len(), aliases, "{asked} {rtype}");
        }
        let soa = zones.lookup(&name("example.org"), Rtype::SOA, &mut Vec::new());
        assert!(matches!(soa, Found::Records(records) if records.len() == 1));
        let strings = zones.lookup(&name("deep.down.example.org"), Rtype::TXT, &mut Vec::new());
        assert_eq!(strings, Found::Records(vec![b"\x04one \x03two".to_vec()]));
    }

    #[test]
    fn zones_join_and_lists_answer_for_their_names_only() {
        let other =
            "example.net. 60 IN SOA . . 1 2 3 4 5\nthere.example.net. 60 IN A 192.0.2.7\r\n";
        let list = "k._domainkey.list.example. TXT \"v=DKIM1\"";
        let zones = zones(&[ZONE, other, list]).unwrap();
        let lookup = |asked: &str, rtype| zones.lookup(&name(asked), rtype, &mut Vec::new());
        assert_eq!(
            lookup("out.example.org", Rtype::A),
            Found::Records(vec![vec![192, 0, 2, 7]])
        );
        assert_eq!(
            lookup("k._domainkey.list.example", Rtype::TXT),
            txt("v=DKIM1")
        );
        assert_eq!(lookup("k._domainkey.list.example", Rtype::A), Found::NoData);
        for outside in ["_domainkey.list.example", "_dmarc.list.example"] {
            assert_eq!(lookup(outside, Rtype::TXT), Found::Outside);
        }
    }

    #[test]
    fn a_broken_file_is_refused_at_its_line() {
        for (text, words) in [
            (
                "a.example. IN A 192.0.2.1\nb.example. IN A 192.0.2.\n",
                "zone0:2: expected IPv4",
            ),
            (
                "a.example. IN A 192.0.2.1\n\nrelative IN A 192.0.2.1\n",
                "zone0:3:",
            ),
            ("\na.example. IN TXT (\"x\" ; )\n", "zone0:2: a parenthesis"),
            ("a.example. IN TXT \"x\n(y\"\n", "zone0:1: bad symbol"),
            ("$INCLUDE other\n", "zone0:1: $INCLUDE"),
            ("\n$include \"a\"b c\n", "zone0:2: $INCLUDE"),
            ("\na.example. DNAME b.example.\n", "zone0:2: DNAME"),
            (
                "a.example. A 192.0.2.1\na.example. CNAME b.example.\n",
                "zone0:2: a name with a CNAME",
            ),
            (
                "a.example. CNAME b.example.\na.example. CNAME c.example.\n",
                "zone0:2: a name with a CNAME",
            ),
            ("a.example. CH TXT \"x\"\n", "zone0:1"),
            ("\x7fELF\x02\x01\x01\0\0\0", "zone0:1:"),
        ] {
            let error = zones(&[text]).unwrap_err();
            assert!(error.starts_with(words), "{text:?}: {error}");
        }
        assert!(zones(&[""]).is_ok());
    }

    /// Without the limits these files take minutes and gigabytes.
    #[test]
    fn a_file_of_too_many_records_is_refused() {
        let addresses = |count: u32| {
            (0..count).fold(String::new(), |text, number| {
                text + &format!("a.example. A {}\n", std::net::Ipv4Addr::from(number))
            })
        };
        assert!(zones(&[&addresses(4095)]).is_ok());
        let error = zones(&[&addresses(4096)]).unwrap_err();
        assert!(error.starts_with("zone0:4096: more records"), "{error}");
        let deep = "a.".repeat(20);
        let names = (0..MAX_NAMES / 20).fold(
            "example. SOA a. b. 1 2 3 4 5\n".to_owned(),
            |text, number| text + &format!("{deep}{number}.example. A 192.0.2.1\n"),
        );
        assert_eq!(
            zones(&[&names]).unwrap_err(),
            format!("zone0: {TOO_MANY_NAMES}")
        );
    }
}
