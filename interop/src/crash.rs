//! Services that are killed under load, again and again: what was acknowledged must be there.
//!
//! The receiver: clients send messages, each with a name of its own and octets that follow from it, and note
//! which were acknowledged with 250. Every so often the service is ended by SIGKILL and started again. At the end
//! each acknowledged message lies in each of its Maildirs exactly once, octet for octet, and no other more than
//! once.
//!
//! The sender: messages are put into its spool, and a server takes them, or refuses for a time, or breaks the
//! connection. At the end the server has taken each message for each recipient at least once, and the spool
//! is empty.
//!
//! Everything is drawn from a seed but the moments, which depend on the machine.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{Folder, free_port};
use crate::service::{Service, maildir, scop};

/// How many clients send at once.
const CLIENTS: u64 = 8;

/// How long the sender may take at the end to send what is left.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run has shown.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How often the service was killed.
    pub kills: u32,
    /// Messages that were acknowledged, one for each recipient.
    pub acknowledged: usize,
    /// Of these, those that are not there.
    pub lost: usize,
    /// Those that are there more than once.
    pub repeated: usize,
    /// Those whose octets are others.
    pub damaged: usize,
    /// Those that are there and were not acknowledged: the kill came between.
    pub unacknowledged: usize,
    /// Files that no one needs and that are there.
    pub left: usize,
}

impl Outcome {
    /// Whether the receiver keeps its promise: everything once.
    pub const fn exactly_once(&self) -> bool {
        self.lost == 0 && self.repeated == 0 && self.damaged == 0 && self.left == 0
    }

    /// Whether the sender keeps its promise: everything.
    pub const fn at_least_once(&self) -> bool {
        self.lost == 0 && self.damaged == 0 && self.left == 0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} acknowledged, {} lost, {} more than once, {} damaged, {} there without acknowledgement, {} files left",
            self.kills,
            self.acknowledged,
            self.lost,
            self.repeated,
            self.damaged,
            self.unacknowledged,
            self.left
        )
    }
}

/// Numbers that follow from a seed (splitmix64).
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The message of a name: a header, and lines that follow from the name. One in sixteen is long.
fn message(name: u64) -> Vec<u8> {
    let mut chance = Chance(name);
    let lines = match chance.below(16) {
        0 => 6_000,
        _ => chance.below(200),
    };
    let mut message = format!(
        "From: joe@example.test\r\nSubject: {name}\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\n"
    );
    for _ in 0..lines {
        // Writing to a string does not fail.
        let _ = write!(
            message,
            "{:016x} {:016x} {:016x}\r\n",
            chance.next(),
            chance.next(),
            chance.next()
        );
    }
    message.into_bytes()
}

/// The name in a message, and whether its octets are those of that name.
fn named(stored: &[u8]) -> Option<(u64, bool)> {
    let at = stored.windows(6).position(|six| six == b"From: ")?;
    let stored = &stored[at..];
    let subject = stored.windows(9).position(|nine| nine == b"Subject: ")? + 9;
    let digits: String = stored[subject..]
        .iter()
        .take_while(|octet| octet.is_ascii_digit())
        .map(|&digit| char::from(digit))
        .collect();
    let name = digits.parse().ok()?;
    Some((name, stored == message(name)))
}

/// A connection to an SMTP server, one command after the other.
struct Connection {
    from: BufReader<TcpStream>,
    to: TcpStream,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let to = TcpStream::connect(address)?;
        to.set_nodelay(true)?;
        to.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut connection = Self {
            from: BufReader::new(to.try_clone()?),
            to,
        };
        connection.expect("2")?;
        connection.say("EHLO client.example.test\r\n", "2")?;
        Ok(connection)
    }

    fn say(&mut self, line: &str, code: &str) -> io::Result<()> {
        self.to.write_all(line.as_bytes())?;
        self.expect(code)
    }

    fn expect(&mut self, code: &str) -> io::Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.from.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        if line.starts_with(code) {
            return Ok(());
        }
        Err(io::Error::other(line))
    }

    fn send(&mut self, recipients: &[&str], content: &[u8]) -> io::Result<()> {
        self.say("MAIL FROM:<joe@example.test>\r\n", "250")?;
        for recipient in recipients {
            self.say(&format!("RCPT TO:<{recipient}>\r\n"), "250")?;
        }
        self.say("DATA\r\n", "354")?;
        self.to.write_all(content)?;
        self.say(".\r\n", "250")
    }
}

/// The mailboxes of a message: one, or both.
const fn mailboxes(name: u64) -> &'static [&'static str] {
    match name % 3 {
        0 => &["a", "b"],
        1 => &["a"],
        _ => &["b"],
    }
}

/// Kills `scop receive` `kills` times under load.
pub fn receiver(kills: u32, seed: u64) -> Outcome {
    let folder = Folder::new("crash-receiver");
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let place = folder.path().display();
    let config = format!(
        "name = \"mx.example.test\"\nstate = \"{place}/state\"\n[[listen]]\naddress = \"{address}\"\nkind = \"mx\"\n\
         [deliver]\nto = \"maildir\"\nfolder = \"{place}/box\"\n\
         mailboxes = {{ \"a@d.test\" = \"a\", \"b@d.test\" = \"b\" }}\n[checks]\nenabled = false\n"
    );
    let mut service = Service::receiver(folder.path(), &config);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let stop = stop.clone();
            thread::spawn(move || acknowledged_by(address, client + seed * CLIENTS, &stop))
        })
        .collect();
    let mut chance = Chance(seed);
    for _ in 0..kills {
        thread::sleep(Duration::from_micros(5_000 + chance.below(120_000)));
        service.kill();
        service = Service::receiver(folder.path(), &config);
    }
    thread::sleep(Duration::from_millis(50));
    stop.store(true, Ordering::Relaxed);
    let acknowledged: Vec<u64> = clients
        .into_iter()
        .flat_map(|client| client.join().expect("a client does not panic"))
        .collect();
    service.stop();
    // What was committed before a kill and not distributed is distributed at the next start.
    let service = Service::receiver(folder.path(), &config);
    thread::sleep(Duration::from_millis(500));
    service.stop();
    let mut outcome = Outcome {
        kills,
        left: leftovers(folder.path()),
        ..Outcome::default()
    };
    for mailbox in ["a", "b"] {
        let mut stored: HashMap<u64, usize> = HashMap::new();
        for message in maildir(&folder.path().join("box").join(mailbox)) {
            match named(&message) {
                Some((name, true)) => *stored.entry(name).or_default() += 1,
                _ => outcome.damaged += 1,
            }
        }
        outcome.repeated += stored.values().filter(|&&count| count > 1).count();
        let mut known = 0;
        for name in acknowledged
            .iter()
            .filter(|&&name| mailboxes(name).contains(&mailbox))
        {
            outcome.acknowledged += 1;
            if stored.contains_key(name) {
                known += 1;
            } else {
                outcome.lost += 1;
            }
        }
        outcome.unacknowledged += stored.len() - known;
    }
    outcome
}

/// Sends messages until it is told to stop; gives the names of those that were acknowledged.
fn acknowledged_by(address: SocketAddr, client: u64, stop: &AtomicBool) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    let mut connection = None;
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let Some(open) = &mut connection else {
            connection = Connection::open(address).ok();
            if connection.is_none() {
                thread::sleep(Duration::from_millis(2));
            }
            continue;
        };
        // A name is used for one attempt, so that whatever lies there twice was stored twice.
        let name = (client << 32) | number;
        let recipients: Vec<String> = mailboxes(name)
            .iter()
            .map(|name| format!("{name}@d.test"))
            .collect();
        let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
        match open.send(&recipients, &message(name)) {
            Ok(()) => acknowledged.push(name),
            Err(_) => connection = None,
        }
    }
    acknowledged
}

/// Files in folders named `queue`, `state` and `arriving` below `folder`: nothing of them is needed when all is delivered.
/// What a kill leaves in the `tmp` of a Maildir stays, as the convention has it: readers remove it after 36 hours.
fn leftovers(folder: &Path) -> usize {
    let is_passing = ["queue", "state", "arriving"]
        .iter()
        .any(|name| folder.ends_with(name));
    let mut count = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            count += leftovers(&path);
        } else if is_passing && path.file_name().is_some_and(|name| name != "lock") {
            count += 1;
        }
    }
    count
}

/// What the server of the second test has taken: how often each name, by recipient.
type Taken = Arc<Mutex<HashMap<(u64, String), usize>>>;

/// Kills `scop send` `kills` times under load.
pub fn sender(kills: u32, seed: u64) -> Outcome {
    let folder = Folder::new("crash-sender");
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let (taken, damaged): (Taken, Arc<AtomicU64>) = (Arc::default(), Arc::default());
    let is_kind = Arc::new(AtomicBool::new(false));
    let server = (taken.clone(), damaged.clone(), is_kind.clone());
    thread::spawn(move || {
        for (number, socket) in (0..).zip(listener.incoming().flatten()) {
            let (taken, damaged, is_kind) = (server.0.clone(), server.1.clone(), server.2.clone());
            thread::spawn(move || {
                // A connection that breaks is what this is about.
                let _ = take(&socket, Chance(seed ^ number), &taken, &damaged, &is_kind);
            });
        }
    });
    let place = folder.path().display();
    let config = format!(
        "name = \"client.example.test\"\nspool = \"{place}/spool\"\nstate = \"{place}/own\"\n\
         [route]\nto = \"smtp\"\naddress = \"{address}\"\n[retry]\nfirst = \"1s\"\nlongest = \"2s\"\n"
    );
    let mut service = Service::sender(folder.path(), &config);
    let stop = Arc::new(AtomicBool::new(false));
    let file = folder.path().join("send.toml");
    let feeders: Vec<_> = (0..2)
        .map(|feeder| {
            let (stop, file) = (stop.clone(), file.clone());
            thread::spawn(move || put(&file, feeder + 2 * seed, &stop))
        })
        .collect();
    let mut chance = Chance(seed);
    for _ in 0..kills {
        thread::sleep(Duration::from_micros(5_000 + chance.below(250_000)));
        service.kill();
        service = Service::sender(folder.path(), &config);
    }
    stop.store(true, Ordering::Relaxed);
    let queued: Vec<u64> = feeders
        .into_iter()
        .flat_map(|feeder| feeder.join().expect("a feeder does not panic"))
        .collect();
    is_kind.store(true, Ordering::Relaxed);
    let spool = folder.path().join("spool");
    let begin = Instant::now();
    while leftovers(&spool) > 0 && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
    service.stop();
    let taken = taken.lock().expect("no thread panics");
    let mut outcome = Outcome {
        kills,
        damaged: usize::try_from(damaged.load(Ordering::Relaxed)).unwrap_or(usize::MAX),
        left: leftovers(&spool),
        ..Outcome::default()
    };
    for name in queued {
        for recipient in RECIPIENTS {
            outcome.acknowledged += 1;
            match taken.get(&(name, recipient.to_owned())) {
                None => outcome.lost += 1,
                Some(1) => {}
                Some(_) => outcome.repeated += 1,
            }
        }
    }
    outcome
}

/// Of two domains, which are tried by themselves.
const RECIPIENTS: [&str; 2] = ["x@d.test", "y@e.test"];

/// Puts messages into the spool until it is told to stop; gives their names.
fn put(config: &Path, feeder: u64, stop: &AtomicBool) -> Vec<u64> {
    let mut queued = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = (feeder << 32) | number;
        let config = config.to_str().expect("the path is text");
        let arguments = [
            "send",
            "--config",
            config,
            "-",
            "--from",
            "joe@example.test",
            "--to",
            RECIPIENTS[0],
            "--to",
            RECIPIENTS[1],
        ];
        let output = scop(&arguments, &message(name));
        if output.status.success() {
            queued.push(name);
        } else {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
        thread::sleep(Duration::from_millis(10));
    }
    queued
}

/// A server that takes most messages, refuses some for a time, and breaks some connections.
fn take(
    socket: &TcpStream,
    mut chance: Chance,
    taken: &Taken,
    damaged: &AtomicU64,
    is_kind: &AtomicBool,
) -> io::Result<()> {
    let mut from = BufReader::new(socket.try_clone()?);
    let mut to = socket.try_clone()?;
    let mut recipients = Vec::new();
    to.write_all(b"220 sink\r\n")?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let command = String::from_utf8_lossy(&line).to_ascii_uppercase();
        let mood = if is_kind.load(Ordering::Relaxed) {
            0
        } else {
            chance.below(40)
        };
        let reply = match (command.get(..4).unwrap_or_default(), mood) {
            (_, 39) => return Ok(()),
            ("RCPT" | "MAIL", 38) => "451 later\r\n",
            ("EHLO", _) => "250 sink\r\n",
            ("MAIL" | "RSET", _) => {
                recipients.clear();
                "250 ok\r\n"
            }
            ("RCPT", _) => {
                let path = command.split(['<', '>']).nth(1).unwrap_or_default();
                recipients.push(path.to_ascii_lowercase());
                "250 ok\r\n"
            }
            ("DATA", _) => {
                to.write_all(b"354 go\r\n")?;
                let content = content(&mut from)?;
                match named(&content) {
                    Some((name, true)) => {
                        let mut taken = taken.lock().map_err(|_| io::ErrorKind::Other)?;
                        for recipient in recipients.drain(..) {
                            *taken.entry((name, recipient)).or_default() += 1;
                        }
                    }
                    // A report of non-delivery would be one: nothing here fails for good.
                    _ => {
                        damaged.fetch_add(1, Ordering::Relaxed);
                    }
                }
                "250 taken\r\n"
            }
            ("QUIT", _) => {
                to.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => "502 no\r\n",
        };
        to.write_all(reply.as_bytes())?;
    }
}

/// Content up to the dot, unstuffed.
fn content(from: &mut impl io::BufRead) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let begin = content.len();
        if from.read_until(b'\n', &mut content)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if content[begin..] == *b".\r\n" {
            content.truncate(begin);
            return Ok(content);
        }
        if content[begin] == b'.' {
            content.remove(begin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_known_again() {
        for name in 0..40 {
            let mut stored = b"Received: from x\r\n".to_vec();
            stored.extend(message(name));
            assert_eq!(named(&stored), Some((name, true)));
            if let Some(last) = stored.last_mut() {
                *last = b'x';
            }
            assert_eq!(named(&stored), Some((name, false)));
        }
    }
}
