//! The processor time that a message takes from the connection to the disk: checked in several ways, and in programs
//! of others.
//!
//! All get the same message, one after the other in each round, and have it in a Maildir in the same file system.
//! Storage is the greater part, most of it in the kernel, and file systems differ: ext4 without a journal searches
//! long for room for a new file while many files were removed in the last minutes. So nothing is removed before the
//! last round is over, and what is compared comes from the same round. `TMPDIR` names another file system; 300 MB and
//! 50,000 files are written.

use std::fs;
use std::path::{Path, PathBuf};

use super::{
    LIMITS, NO_CHECKS, ROUNDS, Receiver, maildir, median, processor_seconds,
    processor_seconds_of_all, smtp_source,
};
use crate::program::{Folder, Program, crlf};
use crate::service::scop;

/// Of a round: enough for what the checks take, as the system counts hundredths of a second.
const MESSAGES: u32 = 2_000;

/// The same for programs that take much longer.
const FEWER_MESSAGES: u32 = 300;

/// What publishes the sender: of the client's name, of the address, of the author.
const RECORDS: [(&str, &str); 3] = [
    ("client.example.test", "v=spf1 ip4:127.0.0.1 -all"),
    ("example.test", "v=spf1 ip4:127.0.0.1 -all"),
    ("_dmarc.example.test", "v=DMARC1; p=reject"),
];

/// Who gets the load.
struct Subject {
    name: &'static str,
    program: Kind,
    message: PathBuf,
    /// Stands in what is stored.
    finds: &'static str,
    /// Microseconds for a message, in each round.
    figures: Vec<f64>,
}

enum Kind {
    Receiver(Receiver),
    /// Postfix, and a milter.
    Postfix(Box<Program>, Option<Box<Program>>),
}

impl Subject {
    fn new(name: &'static str, program: Kind, message: &Path, finds: &'static str) -> Self {
        Self {
            name,
            program,
            message: message.to_owned(),
            finds,
            figures: Vec::new(),
        }
    }

    /// Returns when all are delivered.
    fn send(&self, messages: u32) {
        let message = self.message.to_str().unwrap_or_default();
        let switches = ["-d", "-M", "client.example.test", "-F", message];
        let address = match &self.program {
            Kind::Receiver(receiver) => receiver.address,
            Kind::Postfix(postfix, _) => postfix.address(),
        };
        let _ = smtp_source(address, messages, &switches);
        if let Kind::Postfix(postfix, _) = &self.program {
            let _ = postfix.delivered_count(u64::from(messages));
        }
    }

    fn processor_seconds(&self) -> f64 {
        match &self.program {
            Kind::Receiver(receiver) => processor_seconds(receiver.service.id()),
            Kind::Postfix(postfix, milter) => {
                let master = fs::read_to_string(postfix.folder().join("spool/pid/master.pid"));
                let master = master.unwrap_or_default().trim().parse().unwrap_or(0);
                let milter = milter.as_ref().map_or(0, |milter| milter.id());
                processor_seconds_of_all(master) + processor_seconds(milter)
            }
        }
    }

    fn round(&mut self) {
        let messages = match self.program {
            Kind::Receiver(_) => MESSAGES,
            Kind::Postfix(..) => FEWER_MESSAGES,
        };
        let before = self.processor_seconds();
        self.send(messages);
        let seconds = self.processor_seconds() - before;
        self.figures.push(seconds / f64::from(messages) * 1e6);
    }

    /// What was found stands in one of the messages as in all.
    fn check(&self) {
        let folder = match &self.program {
            Kind::Receiver(receiver) => receiver.folder.path(),
            Kind::Postfix(postfix, _) => postfix.folder(),
        };
        let new = fs::read_dir(folder.join("box/inbox/new"));
        let mut stored = new.into_iter().flatten().flatten();
        let message = stored.next().and_then(|file| fs::read(file.path()).ok());
        let message = String::from_utf8_lossy(&message.unwrap_or_default()).into_owned();
        assert!(
            message.contains(self.finds),
            "{}: no {}: {message}",
            self.name,
            self.finds
        );
    }
}

/// A receiver that stores; `rest` is more of its configuration.
fn storing(rest: &str) -> Kind {
    Kind::Receiver(Receiver::start(|folder| {
        format!("{}{LIMITS}{rest}", maildir(folder))
    }))
}

/// Postfix without the brakes that would be measured.
fn postfix(milter: Option<Box<Program>>) -> Option<Kind> {
    let mut settings = vec![
        "in_flow_delay=0".to_owned(),
        "smtpd_client_connection_count_limit=0".to_owned(),
    ];
    if let Some(milter) = &milter {
        settings.push(format!("smtpd_milters=inet:{}", milter.address()));
    }
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let postfix = Program::postfix(&settings, None)?;
    Some(Kind::Postfix(Box::new(postfix), milter))
}

/// Prints a row for each.
pub(super) fn run() {
    let folder = Folder::new("checks");
    let file = |name: &str, octets: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, octets).expect("a file is written");
        path
    };
    let key = Key::new(folder.path());
    let text = message();
    let plain = &file("plain", text.as_bytes());
    let signed = &file("signed", &key.sign(text.as_bytes()));
    let mut subjects = vec![
        Subject::new("not checked", storing(NO_CHECKS), plain, "Received"),
        Subject::new(
            "SPF, DMARC: a zone file",
            storing(&format!(
                "[dns]\nzones = [\"{}\"]\n",
                file("zone", zone().as_bytes()).display()
            )),
            plain,
            "dmarc=pass",
        ),
    ];
    let dns = Program::dnsmasq(&key.zone());
    if let Some(dns) = &dns {
        let server = format!("[dns]\nserver = \"{}\"\n", dns.address());
        for (name, message, finds) in [
            ("SPF, DMARC: DNS over UDP", plain, "dmarc=pass"),
            ("SPF, DMARC, DKIM (RSA 2048)", signed, "dkim=pass"),
        ] {
            subjects.push(Subject::new(name, storing(&server), message, finds));
        }
    }
    if let Some(program) = postfix(None) {
        subjects.push(Subject::new("postfix", program, plain, "Received"));
    }
    if let Some(milter) = Program::opendkim(&key.line())
        && let Some(program) = postfix(Some(Box::new(milter)))
    {
        let name = "postfix + opendkim: DKIM alone";
        subjects.push(Subject::new(name, program, signed, "dkim=pass"));
    }
    for subject in &mut subjects {
        // Threads, connections to a milter, and answers in the cache are there then.
        subject.send(200);
        subject.check();
    }
    for _ in 0..ROUNDS {
        for subject in &mut subjects {
            subject.round();
        }
    }
    print(&subjects);
}

/// Microseconds, in all and beyond those of the first row; and how many times those of the most that is checked here.
fn print(subjects: &[Subject]) {
    println!(
        "processor time of a message of 4 KiB on disk, medians of {ROUNDS} rounds\n\
         {:32} {:>9} {:>14} {:>9}",
        "", "in all", "for the checks", "ratio"
    );
    let receives = |subject: &&Subject| matches!(subject.program, Kind::Receiver(_));
    let (Some(stored), Some(most)) = (
        subjects.first(),
        subjects.iter().rfind(|subject| receives(subject)),
    ) else {
        return;
    };
    for subject in subjects {
        let pairs = subject.figures.iter().zip(&stored.figures);
        let beyond = if receives(&subject) {
            let beyond = median(pairs.map(|(own, stored)| own - stored).collect());
            format!("{beyond:.0} us")
        } else {
            String::new()
        };
        let pairs = subject.figures.iter().zip(&most.figures);
        println!(
            "{:32} {:>6.0} us {beyond:>14} {:>8.2}x",
            subject.name,
            median(subject.figures.clone()),
            median(pairs.map(|(own, most)| own / most).collect()),
        );
    }
}

/// 4 KiB; with LF, as `smtp-source` reads it.
fn message() -> String {
    let header = "From: Joe Public <joe@example.test>\nTo: x@d.test\nSubject: A message\n\
                  Date: Mon, 1 Jan 2029 00:00:00 +0000\nMessage-ID: <1@example.test>\n\n";
    let line = "The quick brown fox jumps over the lazy dog, and does so again.\n";
    [header, &line.repeat((4096 - header.len()) / line.len())].concat()
}

/// The records as a zone file.
fn zone() -> String {
    let soa = "example.test. 3600 IN SOA ns.example.test. joe.example.test. 1 2 3 4 5\n";
    let records = RECORDS.map(|(name, record)| format!("{name}. 3600 IN TXT \"{record}\"\n"));
    [soa, &records.concat()].concat()
}

/// A key that signs for example.test.
struct Key {
    path: PathBuf,
    /// Its record, in strings of 255 octets.
    record: Vec<String>,
}

impl Key {
    const SELECTOR: &str = "s1";

    fn new(folder: &Path) -> Self {
        let path = folder.join("key.pem");
        let made = scop(
            &[
                "keygen",
                "--algorithm",
                "rsa2048",
                "--selector",
                Self::SELECTOR,
                "--domain",
                "example.test",
                "--out",
                path.to_str().unwrap_or_default(),
            ],
            b"",
        );
        let entry = String::from_utf8_lossy(&made.stdout).into_owned();
        let record = entry.split('"').skip(1).step_by(2);
        Self {
            path,
            record: record.map(str::to_owned).collect(),
        }
    }

    fn name() -> String {
        format!("{}._domainkey.example.test", Self::SELECTOR)
    }

    /// The message with a signature, lines ending as in the message.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signed = scop(
            &[
                "sign",
                "--selector",
                Self::SELECTOR,
                "--domain",
                "example.test",
                "--key",
                self.path.to_str().unwrap_or_default(),
            ],
            &crlf(message),
        );
        assert!(signed.status.success(), "the message is not signed");
        let mut octets = signed.stdout;
        octets.retain(|&octet| octet != b'\r');
        octets
    }

    /// For opendkim.
    fn line(&self) -> String {
        format!("{} {}\n", Self::name(), self.record.concat())
    }

    /// All records, for dnsmasq; for as long as in the zone file.
    fn zone(&self) -> String {
        let records = RECORDS.map(|(name, record)| format!("txt-record={name},\"{record}\"\n"));
        let strings = self.record.join("\",\"");
        format!(
            "local-ttl=3600\n{}txt-record={},\"{strings}\"\n",
            records.concat(),
            Self::name()
        )
    }
}
