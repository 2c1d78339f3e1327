//! Who may submit mail: the file of users, each line a name, its SCRAM keys and its addresses.
//!
//! ```text
//! line    = name SP secret *( SP address )
//! secret  = "SCRAM-SHA-256$" iterations ":" salt "$" StoredKey ":" ServerKey   ; RFC 5803, in base64
//! address = "ann@example.org" / "*@example.org" / "*"
//! ```
//!
//! Lines that are empty or begin with `#` are passed over. The file holds no password; whoever has it can try
//! passwords against it, so that it should be for its owner alone.
//!
//! The addresses are those that a user may put into MAIL, From and Sender ([`author`](super::author)); `<>` in MAIL
//! is everyone's, because receipts have it. A user without any may use its own name, if that is an address, or else
//! none, which the log says when the file is read.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_crypto::SHA256;
use scop_mime_core::AddrSpec;
use scop_smtp_proto::auth::scram::StoredKeys;
use scop_smtp_proto::auth::server::ScramUser;
use scop_smtp_proto::{Mailbox, ReversePath};
use tracing::warn;
use zeroize::Zeroizing;

use super::recipients;
use crate::cli;
use crate::error::Error;
use crate::message::reason;

/// The mechanism before the secret (RFC 5803 2).
const SCHEME: &str = "SCRAM-SHA-256";

/// How often a new password is hashed. RFC 7677 4 wants 4096 at least; this many take about 30 ms, on the side of
/// the client for SCRAM, on ours for PLAIN.
const ITERATIONS: u32 = 100_000;

/// What a line may ask for at most: a login must not take minutes.
const MAX_ITERATIONS: u32 = 10_000_000;

/// Octets of a new salt.
const SALT: usize = 16;

/// The longest password (RFC 4616 2).
const MAX_PASSWORD: usize = 255;

/// The largest file.
const MAX_FILE: u64 = 64 << 20;

/// The users of one file.
#[derive(Debug, Default)]
pub(crate) struct Users {
    by_name: HashMap<String, Arc<User>>,
    /// Of each user, in order: one who does not exist has one of them.
    shapes: Vec<Shape>,
    /// What a user who does not exist looks like follows from this and the name.
    secret: [u8; 32],
}

/// What a client learns of a user before it has proven anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    iterations: u32,
    /// Octets of the salt.
    salt: usize,
}

/// One of them, or one who does not exist and fails to log in as a real one does.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    salt: Vec<u8>,
    iterations: u32,
    keys: StoredKeys,
    senders: Senders,
}

/// What may stand in MAIL, From and Sender.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Senders {
    Any,
    /// Addresses and `@domain`, as [`recipients::key`] has them.
    These(Vec<String>),
}

impl Users {
    /// Reads the file. What others may read or write is said in the log.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let place = || path.display();
        let failed = |error: io::Error| Error::new(place(), reason(&error));
        // A pipe would be waited for without end, and of a longer file the rest would be forgotten.
        let metadata = path.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(Error::new(place(), "a plain file is needed"));
        }
        if metadata.len() > MAX_FILE {
            return Err(Error::new(place(), "it is longer than 64 MiB, the limit"));
        }
        let file = File::open(path).map_err(failed)?;
        let mode = metadata.mode();
        if mode & 0o077 != 0 {
            let mode = format!("{:03o}", mode & 0o777);
            warn!(file = %place(), mode, "others may use this file of users; mode 600 would be right");
        }
        let mut text = String::new();
        file.take(MAX_FILE)
            .read_to_string(&mut text)
            .map_err(failed)?;
        let users = Self::parse(&text, random().map_err(failed)?)
            .map_err(|(line, rule)| Error::at_line(place(), format_args!("{line}: {rule}")))?;
        for user in users.by_name.values() {
            if user.senders == Senders::These(Vec::new()) {
                warn!(
                    user = user.name,
                    "may send from no address: none is in its line, and its name is none; `*` behind its keys is all"
                );
            }
        }
        Ok(users)
    }

    fn parse(text: &str, secret: [u8; 32]) -> Result<Self, (usize, String)> {
        let mut users = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = |rule: String| (index.saturating_add(1), rule);
            let user = User::parse(line).map_err(at)?;
            let name = user.name.clone();
            if users.insert(name, Arc::new(user)).is_some() {
                return Err(at("this user is there twice".to_owned()));
            }
        }
        let mut shapes: Vec<Shape> = users.values().map(|user| user.shape()).collect();
        shapes.sort_unstable();
        Ok(Self {
            by_name: users,
            shapes,
            secret,
        })
    }

    /// These users in the place of others: those who do not exist stay as they were.
    pub(crate) fn in_place_of(self, others: &Self) -> Self {
        Self {
            secret: others.secret,
            ..self
        }
    }

    /// The user of a name that is there.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<User>> {
        self.by_name.get(name).cloned()
    }

    /// The user of a name, or one who looks like one and whom no password fits.
    pub(crate) fn find_or_decoy(&self, name: &str) -> Option<Arc<User>> {
        self.find(name).or_else(|| self.decoy(name).map(Arc::new))
    }

    /// A user with the shape of a real one, each as likely as the other, and always the same for one name (RFC 5802 9).
    fn decoy(&self, name: &str) -> Option<User> {
        let (_, keys) = StoredKeys::decoy(&self.secret, name, &SHA256)?;
        // A name in SASL has no NUL, so that no two of these are the same.
        let part =
            |what: &str| StoredKeys::decoy(&self.secret, &format!("{what}\0{name}"), &SHA256);
        let (chance, _) = part("shape")?;
        // The lot falls on the same place of the order when users come and go, so that few decoys change with them.
        let lot = u128::from(u64::from_be_bytes(*chance.first_chunk()?));
        let place = usize::try_from((lot * self.shapes.len() as u128) >> 64).ok()?;
        let shape = self.shapes.get(place).copied().unwrap_or(Shape {
            iterations: ITERATIONS,
            salt: SALT,
        });
        let mut salt = Vec::with_capacity(shape.salt);
        while salt.len() < shape.salt {
            let (more, _) = part(&format!("salt {}", salt.len()))?;
            salt.extend_from_slice(&more);
        }
        salt.truncate(shape.salt);
        Some(User {
            name: name.to_owned(),
            salt,
            iterations: shape.iterations,
            keys,
            senders: Senders::These(Vec::new()),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }
}

impl User {
    fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(secret)) = (words.next(), words.next()) else {
            return Err("a line is a name, a secret and addresses".to_owned());
        };
        let (iterations, salt, keys) = parse_secret(secret)?;
        let mut senders = Senders::These(Vec::new());
        for address in words {
            senders = senders.with(address)?;
        }
        if senders == Senders::These(Vec::new()) && name.contains('@') {
            senders = senders.with(name)?;
        }
        Ok(Self {
            name: name.to_owned(),
            salt,
            iterations,
            keys,
            senders,
        })
    }

    /// Whether a password is right. This takes its time, on purpose.
    pub(crate) fn is_password(&self, password: &[u8]) -> bool {
        self.keys
            .is_password(password, &self.salt, self.iterations, &SHA256)
    }

    fn shape(&self) -> Shape {
        Shape {
            iterations: self.iterations,
            salt: self.salt.len(),
        }
    }

    pub(crate) fn scram(&self) -> ScramUser<'_> {
        ScramUser {
            salt: &self.salt,
            iterations: self.iterations,
            keys: self.keys,
        }
    }

    /// Whether it may send with this reverse path.
    pub(crate) fn may_send_as(&self, path: &ReversePath<'_>) -> bool {
        path.mailbox().is_none_or(|mailbox| {
            let domain = recipients::domain_key(&mailbox);
            self.senders.has(&recipients::key(&mailbox), &domain)
        })
    }

    /// Whether it may write as this author.
    pub(crate) fn may_write_as(&self, author: &AddrSpec<'_>) -> bool {
        let domain = recipients::field_domain_key(author);
        self.senders.has(&recipients::field_key(author), &domain)
    }
}

impl Senders {
    /// Whether an address is among them; it and its domain are in the form in which they are compared.
    fn has(&self, address: &str, domain: &str) -> bool {
        let Self::These(addresses) = self else {
            return true;
        };
        addresses
            .iter()
            .any(|known| known == address || known.strip_prefix('@') == Some(domain))
    }

    fn with(self, address: &str) -> Result<Self, String> {
        let Self::These(mut addresses) = self else {
            return Ok(self);
        };
        if address == "*" {
            return Ok(Self::Any);
        }
        let domain = address.strip_prefix("*@");
        let mailbox = domain.map_or_else(|| address.to_owned(), |domain| format!("x@{domain}"));
        let mailbox = Mailbox::parse(mailbox.as_bytes())
            .map_err(|rule| format!("address {address:?}: {rule}"))?;
        addresses.push(if domain.is_some() {
            format!("@{}", recipients::domain_key(&mailbox))
        } else {
            recipients::key(&mailbox)
        });
        Ok(Self::These(addresses))
    }
}

fn parse_secret(secret: &str) -> Result<(u32, Vec<u8>, StoredKeys), String> {
    let form = || format!("a secret is {SCHEME}$iterations:salt$StoredKey:ServerKey (RFC 5803)");
    let parts: Vec<&str> = secret.split('$').collect();
    let [scheme, info, value] = parts.as_slice() else {
        return Err(form());
    };
    let (Some((iterations, salt)), Some((stored_key, server_key))) =
        (info.split_once(':'), value.split_once(':'))
    else {
        return Err(form());
    };
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(form());
    }
    let iterations = iterations
        .parse()
        .ok()
        .filter(|iterations| (4096..=MAX_ITERATIONS).contains(iterations))
        .ok_or_else(|| format!("iterations are 4096 (RFC 7677 4) to {MAX_ITERATIONS}"))?;
    let salt = STANDARD
        .decode(salt)
        .ok()
        .filter(|salt| !salt.is_empty())
        .ok_or("the salt is not base64")?;
    let key = |text: &str, which| {
        let key = STANDARD.decode(text).ok();
        key.and_then(|key| <[u8; 32]>::try_from(key).ok())
            .ok_or_else(|| format!("{which} is not base64 of 32 octets"))
    };
    let keys = StoredKeys {
        stored_key: key(stored_key, "StoredKey")?,
        server_key: key(server_key, "ServerKey")?,
    };
    Ok((iterations, salt, keys))
}

/// The line for a new user; its password comes from standard input.
pub(crate) fn make(arguments: &cli::User) -> Result<String, Error> {
    let name = &arguments.name;
    let is_word = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    if !is_word || name.starts_with('#') {
        return Err(Error::new(
            format_args!("{name:?}"),
            "a name has no spaces and does not begin with #",
        ));
    }
    let password = read_password()?;
    let salt = random::<SALT>().map_err(|error| Error::new("randomness", reason(&error)))?;
    let mut line = line(name, &password, &salt, ITERATIONS)?;
    for address in &arguments.address {
        line.insert(line.len().saturating_sub(1), ' ');
        line.insert_str(line.len().saturating_sub(1), address);
    }
    match User::parse(&line)
        .map_err(|rule| Error::new(name, rule))?
        .senders
    {
        Senders::These(addresses) if addresses.is_empty() => Err(Error::new(
            name,
            "what may this user send from? Addresses go behind the name: joe@example.org, *@example.org, or * for all",
        )),
        _ => Ok(line),
    }
}

fn line(name: &str, password: &[u8], salt: &[u8], iterations: u32) -> Result<String, Error> {
    let keys = StoredKeys::derive(password, salt, iterations, &SHA256)
        .ok_or_else(|| Error::new(name, "no keys come of this"))?;
    Ok(format!(
        "{name} {SCHEME}${iterations}:{}${}:{}\n",
        STANDARD.encode(salt),
        STANDARD.encode(keys.stored_key),
        STANDARD.encode(keys.server_key),
    ))
}

/// One line of standard input. A terminal shows a prompt, and not what is typed.
fn read_password() -> Result<Zeroizing<Vec<u8>>, Error> {
    let place = "password";
    let stdin = io::stdin();
    let hidden = stdin.is_terminal().then(Hidden::begin);
    // No more than one octet beyond what is allowed with its line end, and never a growing buffer that would leave
    // copies behind.
    let mut password = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD + 3));
    let read = stdin
        .lock()
        .take(MAX_PASSWORD as u64 + 3)
        .read_until(b'\n', &mut password);
    drop(hidden);
    read.map_err(|error| Error::new(place, reason(&error)))?;
    for end in [b'\n', b'\r'] {
        if password.last() == Some(&end) {
            password.pop();
        }
    }
    let rule = match str::from_utf8(&password) {
        Ok("") => "it is empty",
        Ok(_) if password.len() > MAX_PASSWORD => "it is longer than 255 octets (RFC 4616 2)",
        Ok(text) if text.chars().any(char::is_control) => {
            "it holds a control character (RFC 8265 4.2)"
        }
        Ok(_) => return Ok(password),
        Err(_) => "it is not UTF-8 (RFC 4616 2)",
    };
    Err(Error::new(place, rule))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut hidden) = before.clone() {
            hidden.local_modes -= LocalModes::ECHO;
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &hidden);
        }
        eprint_prompt("Password: ");
        Self(before)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(io::stdin(), now, before);
        }
        eprint_prompt("\n");
    }
}

/// A standard error that takes nothing stops nothing.
fn eprint_prompt(text: &str) {
    let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(io::Error::from)?;
    Ok(octets)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const SALT: &[u8] = &[7; 16];

    fn users(more: &str) -> Users {
        let line = line("joe", b"secret", SALT, 4096).unwrap();
        Users::parse(&format!("# users\n\n{}{more}\n", line.trim_end()), [1; 32]).unwrap()
    }

    /// A user with these addresses.
    pub(in crate::receive) fn user(name: &str, addresses: &str) -> User {
        let line = line(name, b"secret", SALT, 4096).unwrap();
        User::parse(&format!("{} {addresses}", line.trim_end())).unwrap()
    }

    fn sends(user: &User, address: &str) -> bool {
        user.may_send_as(&ReversePath::parse(format!("<{address}>").as_bytes()).unwrap())
    }

    #[test]
    fn only_a_plain_file_is_read_and_all_of_it() {
        let folder = std::env::temp_dir().join(format!("scop-users-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("users");
        let file = File::create(&path).unwrap();
        file.set_len(MAX_FILE + 1).unwrap();
        let error = Users::read(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("it is longer than 64 MiB, the limit"),
            "{error}"
        );
        let error = Users::read(&folder).unwrap_err().to_string();
        assert!(error.ends_with("a plain file is needed"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn passwords() {
        let users = users("");
        let joe = users.find("joe").unwrap();
        assert!(joe.is_password(b"secret"));
        assert!(!joe.is_password(b"Secret"));
        assert!(users.find("Joe").is_none());
    }

    #[test]
    fn rfc_7677_3() {
        let user = User::parse(
            "user SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
        )
        .unwrap();
        assert!(user.is_password(b"pencil"));
    }

    #[test]
    fn nobody_can_tell_who_is_there() {
        let users = users("");
        let decoy = users.find_or_decoy("ann").unwrap();
        let again = users.find_or_decoy("ann").unwrap();
        assert_eq!(decoy.salt, again.salt);
        assert_eq!(decoy.salt.len(), SALT.len());
        assert_eq!(decoy.iterations, 4096);
        assert!(!decoy.is_password(b"secret"));
        assert!(!sends(&decoy, "joe@example.org"));
        assert_eq!(users.find_or_decoy("joe").unwrap().salt, SALT);
    }

    #[test]
    fn those_who_are_not_there_are_like_those_who_are() {
        let shapes = [
            (4096, 16),
            (4096, 16),
            (4096, 8),
            (10_000, 16),
            (10_000, 40),
        ];
        let text: String = (shapes.iter().enumerate())
            .map(|(index, &(iterations, salt))| {
                line(
                    &format!("user{index}"),
                    b"secret",
                    &vec![7; salt],
                    iterations,
                )
                .unwrap()
            })
            .collect();
        let users = Users::parse(&text, [1; 32]).unwrap();
        let shape = |users: &Users, index: usize| {
            let decoy = users.find_or_decoy(&format!("nobody{index}")).unwrap();
            (decoy.iterations, decoy.salt.len())
        };
        let of_decoys: Vec<_> = (0..2000).map(|index| shape(&users, index)).collect();
        for wanted in shapes {
            let share =
                shapes.iter().filter(|&&shape| shape == wanted).count() * 2000 / shapes.len();
            let count = of_decoys.iter().filter(|&&shape| shape == wanted).count();
            // Six standard deviations at most: the names are the same each time.
            assert!(
                count.abs_diff(share) < 130,
                "{wanted:?}: {count} of {share}"
            );
        }
        // Salts are not made of one another, nor of the same octets for two names.
        let salt = |name: &str| users.find_or_decoy(name).unwrap().salt.clone();
        let long = (0..2000)
            .map(|index| format!("nobody{index}"))
            .find(|name| salt(name).len() == 40);
        let salt = salt(&long.unwrap());
        assert!(salt[..16] != salt[16..32] && salt[32..] != salt[..8]);
        // Reading the file again changes no decoy; one user more changes few.
        let same = Users::parse(&text, [2; 32]).unwrap().in_place_of(&users);
        assert!((0..2000).all(|index| shape(&same, index) == of_decoys[index]));
        let more = text + &line("more", b"secret", SALT, 4096).unwrap();
        let more = Users::parse(&more, [2; 32]).unwrap().in_place_of(&users);
        let changed = (0..2000).filter(|&index| shape(&more, index) != of_decoys[index]);
        assert!(changed.count() < 500);
        // In a file without users there are decoys, too.
        let none = Users::parse("", [1; 32]).unwrap();
        assert_eq!(shape(&none, 0), (ITERATIONS, 16));
    }

    #[test]
    fn addresses_of_a_user() {
        let joe = user("joe", "joe@example.org *@example.net");
        for (address, may) in [
            ("joe@example.org", true),
            ("JOE@EXAMPLE.org", true),
            ("ann@example.org", false),
            ("ann@example.net", true),
            ("ann@sub.example.net", false),
            ("", true),
        ] {
            assert_eq!(sends(&joe, address), may, "{address}");
        }
        assert!(!sends(&user("joe", ""), "anyone@example.com"));
        assert!(sends(&user("joe", "*"), "anyone@example.com"));
        let own = user("ann@example.org", "");
        assert!(sends(&own, "Ann@example.org"));
        assert!(!sends(&own, "joe@example.org"));
    }

    #[test]
    fn lines_that_are_none() {
        let line = line("joe", b"secret", SALT, 4096).unwrap();
        for (text, place, rule) in [
            ("joe", 1, "a line is"),
            ("\njoe plain", 2, "RFC 5803"),
            ("joe SCRAM-SHA-1$4096:AA==$AA==:AA==", 1, "RFC 5803"),
            ("joe SCRAM-SHA-256$100:AA==$AA==:AA==", 1, "4096"),
            ("joe SCRAM-SHA-256$4096:$AA==:AA==", 1, "salt"),
            ("joe SCRAM-SHA-256$4096:AA==$AA==:AA==", 1, "StoredKey"),
            (&format!("{line}{line}"), 2, "twice"),
            (&format!("{} joe@", line.trim_end()), 1, "address"),
        ] {
            let (line, why) = Users::parse(text, [0; 32]).unwrap_err();
            assert!(line == place && why.contains(rule), "{text}: {line}: {why}");
        }
    }
}
