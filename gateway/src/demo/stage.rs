//! The folder of the demonstration: keys, a zone, a certificate, a message, and a configuration for each
//! service, as an administrator would write them.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use scop_core::Emit as _;
use scop_mime_core::DateTime;
use scop_mime_core::header::date::Zone;

use crate::command::check::now;
use crate::command::keygen::{key_name, zone_entry};
use crate::error::Error;
use crate::key_file::SigningKey;
use crate::message::reason;
use crate::resolve::zone::Zones;

pub(crate) const JOE: &str = "joe@example.org";
pub(crate) const ANN: &str = "ann@example.net";

/// The receiver's name, also in Authentication-Results.
pub(crate) const RECEIVER: &str = "mx.example.net";

/// The forger's name in EHLO. It is honest about that; the address is what gives it away.
pub(crate) const FORGER: &str = "forger.example.com";

/// What Joe asks Ann for. The forgeries ask for another account.
pub(crate) const ACCOUNT: &str = "4711";
pub(crate) const OTHER_ACCOUNT: &str = "6660";

/// The whole internet of the demonstration. Names that are not in it do not exist.
const ZONE: &str = "\
$ORIGIN .
$TTL 60
. SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60

; Joe's: one address sends its mail, signed; whatever else says it is from there is to be refused.
example.org. MX 10 mail.example.org.
example.org. TXT \"v=spf1 ip4:127.0.0.1 -all\"
_dmarc.example.org. TXT \"v=DMARC1; p=reject\"
mail.example.org. A 127.0.0.1
mail.example.org. TXT \"v=spf1 ip4:127.0.0.1 -all\"

; Ann's.
example.net. MX 10 mx.example.net.
mx.example.net. A 127.0.0.1

; The forger's.
forger.example.com. A 127.0.0.2

; Joe's keys.
";

/// The selectors of the two keys, with their files. Receivers that do not know Ed25519 yet go by RSA.
const ED25519: &str = "ed";
const RSA: &str = "rsa";

/// The folder; it goes away with this value, unless it is kept.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: PathBuf,
    keep: bool,
}

impl Stage {
    /// A new folder among the temporary ones, which nobody else can open.
    pub(crate) fn new(keep: bool) -> Result<Self, Error> {
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new("the system's random numbers", error))?;
        let name = format!("scop-demo-{:016x}", u64::from_ne_bytes(random));
        let folder = std::env::temp_dir().join(name);
        make_folder(&folder)?;
        Ok(Self { folder, keep })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the keys and the rest; gives the zone.
    pub(crate) fn furnish(&self) -> Result<Zones, Error> {
        for folder in [
            "receiver",
            "receiver/state",
            "receiver/mail",
            "sender",
            "sender/state",
            "sender/spool",
        ] {
            make_folder(&self.folder.join(folder))?;
        }
        let mut zone = ZONE.to_owned();
        for (selector, key) in [
            (ED25519, SigningKey::new_ed25519()?),
            (RSA, SigningKey::new_rsa(2048)?),
        ] {
            key.write_new(&self.folder.join(format!("sender/{selector}.pem")))?;
            zone += &zone_entry(&key_name(selector, "example.org")?, &key.record());
        }
        self.write("example.zone", &zone)?;
        self.certify()?;
        self.write("message.eml", &message(&date(), ACCOUNT))?;
        let mut zones = Zones::default();
        zones.add(&self.folder.join("example.zone"), zone.as_bytes())?;
        Ok(zones)
    }

    /// A certificate that the receiver signs itself: enough for a sender that encrypts with whoever answers.
    fn certify(&self) -> Result<(), Error> {
        let made = rcgen::generate_simple_self_signed([RECEIVER.to_owned()])
            .map_err(|error| Error::new("the certificate", error))?;
        self.write("receiver/certificate.pem", &made.cert.pem())?;
        self.write(
            "receiver/certificate.key",
            &made.signing_key.serialize_pem(),
        )
    }

    /// Writes what [`receiver`] says.
    pub(crate) fn configure_receiver(&self, dns: SocketAddr) -> Result<PathBuf, Error> {
        let folder = self.text()?;
        self.write("receiver/receiver.toml", &receiver(folder, dns))?;
        Ok(self.folder.join("receiver/receiver.toml"))
    }

    /// Writes what [`sender`] says; `port` is the receiver's.
    pub(crate) fn configure_sender(&self, dns: SocketAddr, port: u16) -> Result<PathBuf, Error> {
        let folder = self.text()?;
        self.write("sender/sender.toml", &sender(folder, dns, port))?;
        Ok(self.folder.join("sender/sender.toml"))
    }

    fn text(&self) -> Result<&str, Error> {
        let rule = "the name is not UTF-8, as a configuration must be; TMPDIR names another folder";
        self.folder
            .to_str()
            .ok_or_else(|| Error::new(self.folder.display(), rule))
    }

    /// Writes a new file that nobody else can read.
    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| Error::new(path.display(), reason(&error)))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.keep {
            // What stays is in a folder for temporary files.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn make_folder(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| Error::new(path.display(), reason(&error)))
}

/// A text in quotes: what JSON escapes, TOML reads the same way.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn receiver(folder: &str, dns: SocketAddr) -> String {
    let path = |name: &str| quoted(&format!("{folder}/receiver/{name}"));
    format!(
        "\
name = \"{RECEIVER}\"
state = {state}

# Port 25 on a real server; here one that the system gives.
[[listen]]
address = \"127.0.0.1:0\"
kind = \"mx\"

[tls]
certificate = {certificate}
key = {key}

[deliver]
to = \"maildir\"
folder = {mail}
mailboxes = {{ \"{ANN}\" = \"ann\" }}

# Where the owner of the author's domain asks to refuse forgeries, they are refused.
[checks]
dmarc = \"enforce\"

[dns]
server = \"{dns}\"

[log]
format = \"json\"
",
        state = path("state"),
        certificate = path("certificate.pem"),
        key = path("certificate.key"),
        mail = path("mail"),
    )
}

fn sender(folder: &str, dns: SocketAddr, port: u16) -> String {
    let path = |name: &str| quoted(&format!("{folder}/sender/{name}"));
    format!(
        "\
name = \"mail.example.org\"
spool = {spool}
state = {state}

[[sign]]
domain = \"example.org\"
selector = \"{ED25519}\"
key = {ed25519}

[[sign]]
domain = \"example.org\"
selector = \"{RSA}\"
key = {rsa}

# The servers of each recipient's domain. A real sender needs neither line: the port is 25, and servers have
# public addresses.
[route]
to = \"mx\"
port = {port}
private_addresses = true

[dns]
server = \"{dns}\"

[log]
format = \"json\"
",
        spool = path("spool"),
        state = path("state"),
        ed25519 = path(&format!("{ED25519}.pem")),
        rsa = path(&format!("{RSA}.pem")),
    )
}

/// The time now, as RFC 5322 3.3 writes it.
pub(crate) fn date() -> String {
    DateTime::from_unix(now(), Zone::UTC)
        .map(|date| String::from_utf8_lossy(&date.to_vec()).into_owned())
        .unwrap_or_default()
}

/// A message from Joe to Ann, or so it says.
pub(crate) fn message(date: &str, account: &str) -> String {
    format!(
        "\
From: Joe Public <{JOE}>
To: Ann <{ANN}>
Subject: The rent of May
Date: {date}
Message-ID: <{account}.may@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hello Ann,

please pay the rent of May to the account that ends in {account}.

Joe
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{receive, send};

    #[test]
    fn the_configurations_are_read_by_the_services() {
        // A folder may have any name.
        let folder = "/tmp/a \"b\" \\c";
        let dns = "127.0.0.1:5353".parse().unwrap();
        let read: receive::config::Config = toml::from_str(&receiver(folder, dns)).unwrap();
        assert_eq!(read.dns.server, Some(dns));
        assert_eq!(read.state, Path::new(folder).join("receiver/state"));
        assert_eq!(read.checks.dmarc, receive::config::OnDmarc::Enforce);
        let read: send::config::Config = toml::from_str(&sender(folder, dns, 2525)).unwrap();
        assert_eq!(read.sign.len(), 2);
        assert!(matches!(
            read.route,
            send::config::Route::Mx {
                port: 2525,
                private_addresses: true,
                ..
            }
        ));
    }

    #[test]
    fn the_folder_is_private_and_goes_away() {
        use std::os::unix::fs::PermissionsExt as _;
        let stage = Stage::new(false).unwrap();
        let folder = stage.folder().to_owned();
        stage.furnish().unwrap();
        let key = fs::metadata(folder.join("sender/ed.pem")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(stage);
        assert!(!folder.exists());
    }

    #[test]
    fn the_date_is_one() {
        let date = date();
        assert!(DateTime::parse(date.as_bytes()).is_ok(), "{date}");
    }
}
