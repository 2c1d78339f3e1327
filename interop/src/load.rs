//! What `scop receive` bears, beside programs of others in the same run.
//!
//! Wall time means little where machines are shared, so each figure is the median of ratios: in each round both
//! sides get the same load one after the other. The processor time of a program is what the system accounts to
//! its process and its children.

mod checks;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{Folder, Program, free_port, installed};
use crate::service::Service;

/// Rounds of each comparison.
const ROUNDS: u32 = 5;

/// Runs the parts that are named, or all: `sink`, `postfix`, `checks`, `sessions`, `slow`, `flood`.
pub fn run(parts: &[&str]) {
    let parts_known: [(&str, fn()); 6] = [
        ("sink", sink),
        ("postfix", postfix),
        ("checks", checks::run),
        ("sessions", sessions),
        ("slow", slow),
        ("flood", flood),
    ];
    for (name, part) in parts_known {
        if parts.is_empty() || parts.contains(&name) {
            part();
        }
    }
}

/// A receiver of mail for d.test; `rest` is more of its configuration.
struct Receiver {
    service: Service,
    address: SocketAddr,
    folder: Folder,
}

const DISCARD: &str = "[deliver]\nto = \"discard\"\nrecipients = [\"@d.test\"]\n";
const NO_CHECKS: &str = "[checks]\nenabled = false\n";
const LIMITS: &str = "[limits]\nconnections = 8000\nconnections_per_client = 8000\n";

impl Receiver {
    fn start(rest: impl FnOnce(&Path) -> String) -> Self {
        let folder = Folder::new("load");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let config = format!(
            "name = \"mx.example.test\"\nstate = \"{}/state\"\n[[listen]]\naddress = \"{address}\"\nkind = \"mx\"\n{}",
            folder.path().display(),
            rest(folder.path())
        );
        Self {
            service: Service::receiver(folder.path(), &config),
            address,
            folder,
        }
    }

    fn discarding() -> Self {
        Self::start(|_| format!("{DISCARD}{NO_CHECKS}{LIMITS}"))
    }
}

fn maildir(folder: &Path) -> String {
    format!(
        "[deliver]\nto = \"maildir\"\nfolder = \"{}/box\"\nmailboxes = {{ \"*@d.test\" = \"inbox\" }}\n",
        folder.display()
    )
}

/// Sends a load and gives the seconds that it took; `None` when the program is not installed. A message that no file
/// holds (`-F`) has 4096 octets.
fn smtp_source(to: SocketAddr, messages: u32, switches: &[&str]) -> Option<f64> {
    let program = installed("smtp-source", "postfix")?;
    let length = if switches.contains(&"-F") {
        &[][..]
    } else {
        &["-l", "4096"]
    };
    let begin = Instant::now();
    let output = Command::new(program)
        .args(switches)
        .args(length)
        .args(["-s", "10", "-m", &messages.to_string()])
        .args(["-f", "joe@example.test", "-t", "x@d.test"])
        .arg(to.to_string())
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "smtp-source: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(begin.elapsed().as_secs_f64())
}

/// What the system says of a process behind its name: the state, and then numbers (`proc_pid_stat(5)`).
fn stat(id: u32) -> Vec<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields = fields.split_ascii_whitespace().skip(1);
    fields.filter_map(|field| field.parse().ok()).collect()
}

/// Seconds of processor time of a process and of its children that have ended.
fn processor_seconds(id: u32) -> f64 {
    stat(id).iter().skip(10).take(4).sum::<f64>() / 100.0
}

/// The same with the children that have not ended, and theirs.
fn processor_seconds_of_all(id: u32) -> f64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = processes.filter_map(|entry| {
        let child: u32 = entry.file_name().to_str()?.parse().ok()?;
        let parent = *stat(child).first()?;
        (parent.total_cmp(&f64::from(id)).is_eq()).then_some(child)
    });
    processor_seconds(id) + children.map(processor_seconds_of_all).sum::<f64>()
}

/// Megabytes of memory that a process holds.
fn resident(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1024.0 / 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The receiver without checks and storage, and `smtp-sink`, which has neither.
fn sink() {
    const MESSAGES: u32 = 20_000;
    let Some(sink) = Program::smtp_sink_that_forgets() else {
        return;
    };
    let ours = Receiver::discarding();
    for switches in [&["-d"][..], &[]] {
        let messages = if switches.is_empty() {
            MESSAGES / 4
        } else {
            MESSAGES
        };
        let (mut ratios, mut rates) = (Vec::new(), Vec::new());
        let before = (
            processor_seconds(sink.id()),
            processor_seconds(ours.service.id()),
        );
        for _ in 0..ROUNDS {
            let theirs = smtp_source(sink.address(), messages, switches).unwrap_or_default();
            let own = smtp_source(ours.address, messages, switches).unwrap_or_default();
            ratios.push(theirs / own);
            rates.push(f64::from(messages) / own);
        }
        let all = f64::from(messages * ROUNDS);
        println!(
            "smtp-source {}-s 10 -l 4096: {:.2}x the rate of smtp-sink ({:.0} messages/s); \
             processor time of a message {:.0} us, of smtp-sink {:.0} us",
            if switches.is_empty() { "" } else { "-d " },
            median(ratios),
            median(rates),
            (processor_seconds(ours.service.id()) - before.1) / all * 1e6,
            (processor_seconds(sink.id()) - before.0) / all * 1e6,
        );
    }
}

/// The receiver with storage on disk, and postfix, in the same file system.
fn postfix() {
    const MESSAGES: u32 = 2_000;
    let Some(postfix) = Program::postfix(
        &["in_flow_delay=0", "smtpd_client_connection_count_limit=0"],
        None,
    ) else {
        return;
    };
    let ours = Receiver::start(|folder| format!("{}{NO_CHECKS}{LIMITS}", maildir(folder)));
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    let before = processor_seconds(ours.service.id());
    for _ in 0..ROUNDS {
        let theirs = smtp_source(postfix.address(), MESSAGES, &["-d"]).unwrap_or_default();
        // Its delivery goes on behind its replies, and would slow whoever comes next.
        let _ = postfix.delivered_count(u64::from(MESSAGES));
        let own = smtp_source(ours.address, MESSAGES, &["-d"]).unwrap_or_default();
        ratios.push(theirs / own);
        rates.push(f64::from(MESSAGES) / own);
    }
    let all = f64::from(MESSAGES * ROUNDS);
    println!(
        "on disk before 250: {:.2}x the rate at which postfix accepts ({:.0} messages/s); processor time of a message {:.0} us",
        median(ratios),
        median(rates),
        (processor_seconds(ours.service.id()) - before) / all * 1e6,
    );
    let stored = crate::service::maildir(&ours.folder.path().join("box/inbox")).len();
    assert_eq!(stored, (MESSAGES * ROUNDS) as usize, "messages are missing");
}

/// A connection that has said EHLO.
fn session(address: SocketAddr) -> std::io::Result<BufReader<TcpStream>> {
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut from = BufReader::new(socket);
    let mut line = String::new();
    from.read_line(&mut line)?;
    if !line.starts_with("220") {
        return Err(std::io::Error::other(line));
    }
    from.get_mut().write_all(b"EHLO client.example.test\r\n")?;
    while line.as_bytes().get(..4) != Some(b"250 ") {
        line.clear();
        from.read_line(&mut line)?;
    }
    Ok(from)
}

/// Many sessions at once that have said EHLO and MAIL, and say nothing more.
fn sessions() {
    const SESSIONS: u32 = 5_000;
    let ours = Receiver::discarding();
    let empty = resident(ours.service.id());
    let mut open = Vec::new();
    for number in 0..SESSIONS {
        match session(ours.address) {
            Ok(mut socket) => {
                let _ = socket
                    .get_mut()
                    .write_all(b"MAIL FROM:<joe@example.test>\r\n");
                open.push(socket);
            }
            Err(error) => panic!("session {number}: {error}"),
        }
    }
    thread::sleep(Duration::from_millis(500));
    let full = resident(ours.service.id());
    println!(
        "{SESSIONS} open sessions: {:.1} MB in all, {:.1} MB without them, {:.1} KB each",
        full,
        empty,
        (full - empty) * 1e3 / f64::from(SESSIONS)
    );
}

/// The rate beside clients that write one octet at a time, and others that do not read what they are told.
fn slow() {
    const MESSAGES: u32 = 5_000;
    let ours = Receiver::discarding();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let alone = smtp_source(ours.address, MESSAGES, &["-d"]).unwrap_or_default();
        let writers: Vec<_> = (0..50).filter_map(|_| session(ours.address).ok()).collect();
        let readers: Vec<_> = (0..50).filter_map(|_| session(ours.address).ok()).collect();
        let done = std::sync::atomic::AtomicBool::new(false);
        let beside = thread::scope(|scope| {
            scope.spawn(|| {
                let mut writers = writers;
                let mut readers = readers;
                // The replies to these fill every buffer on the way.
                for reader in &mut readers {
                    let _ = reader.get_mut().set_nonblocking(true);
                    let _ = reader.get_mut().write(&b"HELP\r\n".repeat(10_000));
                }
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    for writer in &mut writers {
                        let _ = writer.get_mut().write(b"N");
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
            let beside = smtp_source(ours.address, MESSAGES, &["-d"]).unwrap_or_default();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            beside
        });
        ratios.push(alone / beside);
    }
    println!(
        "beside 50 slow writers and 50 slow readers: {:.2}x the rate without them",
        median(ratios)
    );
}

/// Connections without end from one address, beside a client from another; and how soon it is served afterwards.
fn flood() {
    let ours = Receiver::start(|_| {
        format!("{DISCARD}{NO_CHECKS}[limits]\nconnections = 500\nconnections_per_client = 100\n")
    });
    let begin = Instant::now();
    let (mut served, mut refused, mut held) = (0, 0, Vec::new());
    while begin.elapsed() < Duration::from_secs(3) {
        let Ok(mut socket) = TcpStream::connect(ours.address) else {
            continue;
        };
        let _ = socket.set_read_timeout(Some(Duration::from_secs(5)));
        let mut code = [0; 3];
        match socket.read_exact(&mut code) {
            Ok(()) if &code == b"220" => {
                served += 1;
                held.push(socket);
            }
            _ => refused += 1,
        }
    }
    // The flood's own connections stay open: others are served all the same.
    let other = Instant::now();
    let served_beside = from_another_address(ours.address);
    let beside = other.elapsed();
    drop(held);
    let after = Instant::now();
    while session(ours.address).is_err() {
        assert!(
            after.elapsed() < Duration::from_secs(10),
            "it is not served after the flood"
        );
    }
    println!(
        "a flood of 3 s: {served} connections served, {refused} refused at once ({:.0}/s); another client {} after {:.0} ms during it; \
         the flooding one served again {:.0} ms after it",
        f64::from(refused) / 3.0,
        if served_beside {
            "served"
        } else {
            "not served"
        },
        beside.as_secs_f64() * 1e3,
        after.elapsed().as_secs_f64() * 1e3
    );
}

/// Whether a client with another loopback address is greeted; Python binds the address before it connects.
fn from_another_address(to: SocketAddr) -> bool {
    let script = format!(
        "import socket; s = socket.create_connection(('127.0.0.1', {}), 5, ('127.0.0.9', 0)); print(s.recv(3).decode())",
        to.port()
    );
    let output = Command::new("python3").args(["-c", &script]).output();
    output.is_ok_and(|output| output.stdout.starts_with(b"220"))
}
