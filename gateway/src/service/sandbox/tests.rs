//! A child of the test, confined as a receiver is, tries what it may do and what it may not.

#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use landlock::{AccessFs, LandlockStatus, Ruleset, RulesetAttr as _};
use rustix::net::{AddressFamily, SocketType};

use crate::receive::config::Config;
use crate::service;
use crate::spool::{Envelope, Id, Recipient, Spool};

/// Tells the child its folder.
const FOLDER: &str = "SCOP_TEST_CONFINED";

/// The configuration of a receiver, with its folders and files, and the files of its neighbours.
fn lay_out(folder: &Path, dns: u16) {
    for name in ["state", "mail", "tls", "users", "sender-keys", "other"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    for (name, text) in [
        ("tls/certificate.pem", "first"),
        ("tls/key.pem", "first"),
        ("users/users", ""),
        ("sender-keys/mail.pem", "secret"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    Spool::open(&folder.join("sender-spool")).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "name = 'mail.example.org'\nstate = '{}'\nlisten = []\n\
         [tls]\ncertificate = '{}'\nkey = '{}'\n\
         [deliver]\nto = 'maildir'\nfolder = '{}'\nmailboxes = {{}}\n\
         [submit]\nusers = '{}'\nspool = '{}'\n\
         [dns]\nserver = '127.0.0.1:{dns}'\n",
        path("state"),
        path("tls/certificate.pem"),
        path("tls/key.pem"),
        path("mail"),
        path("users/users"),
        path("sender-spool"),
    );
    fs::write(folder.join("receiver.toml"), text).unwrap();
}

/// What is tried, each with whether it is to work.
#[expect(clippy::too_many_lines, reason = "a table")]
fn attempts(
    folder: &Path,
    dns: u16,
    other: u16,
    parent: u32,
    version: i32,
) -> Vec<(&'static str, bool, io::Result<()>)> {
    let join = |name: &str| folder.join(name);
    let local = |port: u16| ("127.0.0.1", port);
    vec![
        ("write", true, fs::write(join("state/new"), "x")),
        (
            "flush",
            true,
            fs::File::open(join("state/new")).and_then(|file| file.sync_all()),
        ),
        (
            "flush a folder",
            true,
            fs::File::open(join("state")).and_then(|file| file.sync_all()),
        ),
        (
            "lock",
            true,
            fs::File::create(join("state/lock")).and_then(|file| {
                let how = rustix::fs::FlockOperation::NonBlockingLockExclusive;
                rustix::fs::flock(file, how).map_err(io::Error::from)
            }),
        ),
        ("make a folder", true, fs::create_dir(join("mail/ann"))),
        (
            "move between folders",
            true,
            fs::rename(join("state/new"), join("mail/ann/new")),
        ),
        ("list", true, fs::read_dir(join("mail/ann")).map(drop)),
        (
            "link",
            true,
            fs::hard_link(join("mail/ann/new"), join("mail/ann/again")),
        ),
        (
            "cut",
            true,
            fs::File::create(join("mail/ann/new")).map(drop),
        ),
        ("remove", true, fs::remove_file(join("mail/ann/new"))),
        (
            "space",
            true,
            rustix::fs::statvfs(join("state"))
                .map(drop)
                .map_err(io::Error::from),
        ),
        ("message", true, put(&join("sender-spool"))),
        (
            "spool",
            true,
            fs::write(join("sender-spool/queue/message"), "x"),
        ),
        (
            "cut a message of another",
            version < 3,
            fs::File::create(join("sender-spool/queue/message")).map(drop),
        ),
        (
            "message of another",
            false,
            fs::read(join("sender-spool/queue/message")).map(drop),
        ),
        (
            "state of another",
            false,
            fs::write(join("sender-spool/state/message"), "x"),
        ),
        (
            "certificate",
            true,
            fs::read(join("tls/certificate.pem")).map(drop),
        ),
        ("users", true, fs::read(join("users/users")).map(drop)),
        (
            "thread",
            true,
            std::thread::Builder::new()
                .name("a".to_owned())
                .spawn(|| ())
                .map(|thread| thread.join().unwrap()),
        ),
        (
            "chance",
            true,
            getrandom::fill(&mut [0; 32]).map_err(io::Error::other),
        ),
        (
            "device of chance",
            true,
            fs::File::open("/dev/urandom").map(drop),
        ),
        (
            "udp",
            true,
            UdpSocket::bind("127.0.0.1:0")
                .and_then(|socket| socket.send_to(b"q", local(dns)))
                .map(drop),
        ),
        ("tcp", true, TcpStream::connect(local(dns)).map(drop)),
        (
            "key of the sender",
            false,
            fs::read(join("sender-keys/mail.pem")).map(drop),
        ),
        (
            "another folder",
            false,
            fs::read_dir(join("sender-keys")).map(drop),
        ),
        ("folder above", false, fs::read_dir(folder).map(drop)),
        (
            "own configuration",
            false,
            fs::read(join("receiver.toml")).map(drop),
        ),
        ("system file", false, fs::read("/etc/passwd").map(drop)),
        (
            "memory of the parent",
            false,
            fs::read(format!("/proc/{parent}/environ")).map(drop),
        ),
        ("write elsewhere", false, fs::write(join("other/new"), "x")),
        (
            "write a certificate",
            false,
            fs::write(join("tls/certificate.pem"), "x"),
        ),
        (
            "move out",
            false,
            fs::rename(join("sender-spool/queue/message"), join("other/message")),
        ),
        (
            "link to the key",
            false,
            std::os::unix::fs::symlink(join("sender-keys/mail.pem"), join("state/key")),
        ),
        (
            "start a program",
            false,
            Command::new("/bin/true").status().map(drop),
        ),
        (
            "become a program",
            false,
            Err(Command::new("/bin/true").exec()),
        ),
        (
            "socket of the kernel",
            false,
            rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None)
                .map(drop)
                .map_err(io::Error::from),
        ),
        ("local socket", false, UnixDatagram::unbound().map(drop)),
        ("listen", false, TcpListener::bind("127.0.0.1:0").map(drop)),
        (
            "other port",
            version < 4,
            TcpStream::connect(local(other)).map(drop),
        ),
        ("signal", false, kill(parent)),
        (
            "mount point",
            false,
            rustix::process::chroot(folder).map_err(io::Error::from),
        ),
        (
            "file without a name",
            false,
            rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC)
                .map(drop)
                .map_err(io::Error::from),
        ),
        (
            "owner",
            false,
            std::os::unix::fs::chown(join("sender-spool/queue/message"), Some(1), None),
        ),
    ]
}

/// Commits a message.
fn put(spool: &Path) -> io::Result<()> {
    let envelope = Envelope {
        arrived: scop_core::UnixTime(1),
        client: String::new(),
        helo: String::new(),
        user: String::new(),
        from: "<>".to_owned(),
        parameters: String::new(),
        to: vec![Recipient {
            path: "<ann@example.org>".to_owned(),
            parameters: String::new(),
        }],
    };
    let mut writer = Spool::open(spool)?.write(&Id::new()?, &envelope)?;
    writer.put(b"Subject: x\r\n\r\nx\r\n")?;
    writer.commit().map(drop)
}

fn kill(process: u32) -> io::Result<()> {
    let process = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::CONT).map_err(io::Error::from)
}

/// The version of landlock, as a thread learns that confines itself.
fn version() -> i32 {
    let rules = Ruleset::default().handle_access(AccessFs::MakeBlock);
    let rules = rules.and_then(Ruleset::create).unwrap();
    let status = std::thread::spawn(|| rules.restrict_self().unwrap().landlock);
    match status.join().unwrap() {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    }
}

/// Runs in the child; does nothing where it is called as a test of its own.
#[test]
fn confined() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let ports = fs::read_to_string(folder.join("ports")).unwrap();
    let ports: Vec<u32> = ports.split(' ').map(|port| port.parse().unwrap()).collect();
    let parent = ports[2];
    let [dns, other] = [0, 1].map(|index| u16::try_from(ports[index]).unwrap());
    let path = folder.join("receiver.toml");
    let config: Config = service::config::read(&path).unwrap();
    let setup = service::Setup {
        file: service::config::File::read(&path).unwrap(),
        sandbox: Some(config.sandbox()),
        threads: std::num::NonZeroUsize::new(2),
    };
    let version = version();
    service::run(&setup, |_, _| async move {
        let trials = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            for (name, allowed, result) in attempts(&folder, dns, other, parent, version) {
                if allowed != result.is_ok() {
                    writeln!(text, "{name}: {result:?}").unwrap();
                }
            }
            // The parent replaces the certificate, as a program that renews it does.
            println!("\ntried");
            io::stdout().flush().unwrap();
            io::stdin().lines().next();
            let renewed = fs::read_to_string(folder.join("tls/certificate.pem"));
            if !matches!(renewed.as_deref(), Ok("second")) {
                writeln!(text, "renewed: {renewed:?}").unwrap();
            }
            text
        });
        println!("{}end", trials.await.unwrap());
        // What only the runtime does.
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(b"q", ("127.0.0.1", dns)).await.unwrap();
        tokio::net::TcpStream::connect(("127.0.0.1", dns))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_confined_process_does_its_work_and_no_other() {
    if version() < 2 {
        eprintln!("skipped: there is no landlock, or one that forbids to move files");
        return;
    }
    let folder = std::env::temp_dir().join(format!("scop-confined-{}", std::process::id()));
    let dns = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    lay_out(&folder, port(&dns));
    fs::write(
        folder.join("ports"),
        format!("{} {} {}", port(&dns), port(&other), std::process::id()),
    )
    .unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("service::sandbox::tests::confined")
        .env(FOLDER, &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    while next() != "tried" {}

    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapInh:\t0000000000000000"] {
        assert!(
            status.lines().any(|found| found == line),
            "{line}\n{status}"
        );
    }
    fs::write(folder.join("tls/new.pem"), "second").unwrap();
    fs::rename(
        folder.join("tls/new.pem"),
        folder.join("tls/certificate.pem"),
    )
    .unwrap();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();

    let mut wrong = Vec::new();
    loop {
        match next() {
            line if line == "end" => break,
            line => wrong.push(line),
        }
    }
    assert!(child.wait().unwrap().success());
    assert!(wrong.is_empty(), "{wrong:#?}");
    fs::remove_dir_all(folder).unwrap();
}
