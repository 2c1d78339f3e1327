//! Mail programs of other people, each started on a free port of 127.0.0.1 with a folder of its own.
//!
//! What is not installed is skipped, see [`skip`](crate::skip). A program ends when its value is dropped.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A server that runs.
#[derive(Debug)]
pub struct Program {
    child: Option<Child>,
    stop: Option<Command>,
    folder: Folder,
    address: SocketAddr,
    auth_port: u16,
    /// Messages that were counted so far.
    seen: Cell<u64>,
}

/// A folder for the files of one test; it is removed when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one, in the system's folder for such files.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("scop-{name}-{}-{next}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder can be made");
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A certificate for `mx.example.test` and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, signed by its own key.
    pub certificate: String,
    /// PKCS#8.
    pub key: String,
}

impl Certificate {
    /// A new one.
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["mx.example.test".to_owned()])
            .expect("a certificate can be made");
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    /// Writes `cert.pem` and `key.pem` into `folder`.
    pub fn write(&self, folder: &Path) {
        fs::write(folder.join("cert.pem"), &self.certificate).expect("the certificate is written");
        fs::write(folder.join("key.pem"), &self.key).expect("the key is written");
    }
}

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let mut parameters = CertificateParams::new([]).expect("no name is no problem");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(DnType::CommonName, "An authority for tests");
        let certificate = parameters.self_signed(&key).expect("it signs itself").pem();
        Self {
            issuer: Issuer::new(parameters, key),
            certificate,
        }
    }

    /// Its own certificate in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for these names; one that is out of date is asked for with `expired`.
    pub fn certify(&self, names: &[String], expired: bool) -> Certificate {
        let key = KeyPair::generate().expect("a key can be made");
        let mut parameters = CertificateParams::new(names).expect("they are names");
        parameters.is_ca = IsCa::ExplicitNoCa;
        if expired {
            parameters.not_before = rcgen::date_time_ymd(2024, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(2025, 1, 1);
        }
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .expect("the authority signs");
        Certificate {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// The same for TCP and UDP.
fn free_port_of_both() -> u16 {
    let free = |_| {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let address = tcp.local_addr().ok()?;
        UdpSocket::bind(address).ok().map(|_| address.port())
    };
    (0..100).find_map(free).expect("a port is free")
}

/// The path of an installed program, looked for where Debian puts those of administrators too.
pub fn installed(name: &str, package: &str) -> Option<PathBuf> {
    let found = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .into_iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        crate::skip(&format!(
            "{name} is not installed (Debian: apt-get install {package})"
        ));
    }
    found
}

impl Program {
    /// Postfix: mail for every user of d.test and e.test goes into one maildir. `settings` are lines of
    /// `main.cf`; with a certificate it offers STARTTLS.
    pub fn postfix(settings: &[&str], certificate: Option<&Certificate>) -> Option<Self> {
        installed("postfix", "postfix")?;
        if !is_root() {
            crate::skip("postfix must be started as root");
            return None;
        }
        let folder = Folder::new("postfix");
        if let Some(certificate) = certificate {
            certificate.write(folder.path());
        }
        let port = free_port();
        let started = Command::new(script("postfix"))
            .arg(folder.path())
            .arg(port.to_string())
            .args(settings)
            .output()
            .expect("the script of interop/programs runs");
        assert!(
            started.status.success(),
            "postfix does not start: {}",
            String::from_utf8_lossy(&started.stderr)
        );
        let mut stop = Command::new("timeout");
        stop.args(["20", "postfix", "-c"])
            .arg(folder.path().join("conf"))
            .arg("stop");
        Some(
            Self {
                child: None,
                stop: Some(stop),
                folder,
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                auth_port: 0,
                seen: Cell::new(0),
            }
            .ready(),
        )
    }

    /// opendkim, which checks the signatures of all mail that a server hands to it as a milter. `keys` are lines of a
    /// name and a record, instead of the DNS.
    pub fn opendkim(keys: &str) -> Option<Self> {
        let program = installed("opendkim", "opendkim")?;
        let folder = Folder::new("opendkim");
        let port = free_port();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a file is written");
            path
        };
        let settings = format!(
            "Mode v\nTestPublicKeys {}\nSocket inet:{port}@127.0.0.1\nSyslog no\nAlwaysAddARHeader yes\n\
             InternalHosts 192.0.2.1\nRequireSafeKeys no\n",
            file("keys", keys).display()
        );
        let mut command = Command::new(program);
        command.arg("-f").arg("-x").arg(file("conf", &settings));
        Some(Self::start(&mut command, port, folder))
    }

    /// Dovecot's LMTP server: mail for every address goes into one maildir. Its authentication service knows
    /// every user by the password "secret".
    pub fn dovecot() -> Option<Self> {
        installed("dovecot", "dovecot-lmtpd")?;
        if !is_root() {
            crate::skip("dovecot must be started as root");
            return None;
        }
        let folder = Folder::new("dovecot");
        let (port, auth_port) = (free_port(), free_port());
        let mut command = Command::new(script("dovecot"));
        command
            .arg(folder.path())
            .args([port.to_string(), auth_port.to_string()]);
        let mut dovecot = Self::start(&mut command, port, folder);
        dovecot.auth_port = auth_port;
        Some(dovecot)
    }

    /// Postfix's `smtp-sink`, with its switches; what it receives is written to the folder, one file for
    /// each message.
    pub fn smtp_sink(switches: &[&str]) -> Option<Self> {
        Self::smtp_sink_at(
            SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())),
            switches,
        )
    }

    /// The same at an address of the caller's choice.
    pub fn smtp_sink_at(address: SocketAddr, switches: &[&str]) -> Option<Self> {
        let program = installed("smtp-sink", "postfix")?;
        let folder = Folder::new("sink");
        let mut command = Command::new(program);
        command.args(switches);
        if is_root() {
            // It gives up its rights before it writes.
            let _ = Command::new("chmod").arg("777").arg(folder.path()).status();
            command.args(["-u", "nobody"]);
        }
        command
            .current_dir(folder.path())
            .args(["-d", "message."])
            .arg(address.to_string())
            .arg("100");
        Some(Self::start_at(&mut command, address, folder))
    }

    /// `smtp-sink` that keeps nothing, for measuring.
    pub fn smtp_sink_that_forgets() -> Option<Self> {
        let program = installed("smtp-sink", "postfix")?;
        let port = free_port();
        let mut command = Command::new(program);
        if is_root() {
            command.args(["-u", "nobody"]);
        }
        command.arg(format!("127.0.0.1:{port}")).arg("1000");
        Some(Self::start(&mut command, port, Folder::new("sink")))
    }

    /// dnsmasq, which answers for what `zone` says in its own words, and for `test` that there is nothing else.
    pub fn dnsmasq(zone: &str) -> Option<Self> {
        let program = installed("dnsmasq", "dnsmasq-base")?;
        let folder = Folder::new("dns");
        let port = free_port_of_both();
        let file = folder.path().join("dnsmasq.conf");
        let settings = format!(
            "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nlocal=/test/\n\
             edns-packet-max=1232\ncache-size=0\npid-file=\n{zone}"
        );
        fs::write(&file, settings).expect("the configuration is written");
        let mut command = Command::new(program);
        command
            .arg("-C")
            .arg(file)
            .args(["--no-daemon", "--user=root"]);
        Some(Self::start(&mut command, port, folder))
    }

    fn start(command: &mut Command, port: u16, folder: Folder) -> Self {
        Self::start_at(
            command,
            SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            folder,
        )
    }

    fn start_at(command: &mut Command, address: SocketAddr, folder: Folder) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("stderr")).expect("a file is made"))
            .spawn()
            .expect("an installed program starts");
        Self {
            child: Some(child),
            stop: None,
            folder,
            address,
            auth_port: 0,
            seen: Cell::new(0),
        }
        .ready()
    }

    /// Waits until it listens. The connection that shows it is closed at once.
    fn ready(self) -> Self {
        let begin = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "a program does not listen: {}",
                fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
            );
            sleep(Duration::from_millis(20));
        }
        self
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where dovecot's authentication service listens.
    pub const fn auth_port(&self) -> u16 {
        self.auth_port
    }

    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until `count` messages lie in its maildir, and reads them, with LF made CRLF: the trace
    /// fields that it added stand before each. In the order of their contents.
    ///
    /// # Panics
    /// When they do not come within 20 seconds.
    pub fn delivered(&self, count: usize) -> Vec<Vec<u8>> {
        let begin = Instant::now();
        loop {
            let mut messages: Vec<_> = files_below(&self.folder.path().join("box"))
                .into_iter()
                .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("new")))
                .filter_map(|path| fs::read(path).ok())
                .map(|message| crlf(&message))
                .collect();
            if messages.len() >= count {
                messages.sort();
                return messages;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "{} of {count} messages came: {}",
                messages.len(),
                fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `count` more messages than at the last call lie in its maildir.
    ///
    /// # Panics
    /// When they do not come within two minutes.
    pub fn delivered_count(&self, count: u64) -> u64 {
        let begin = Instant::now();
        let seen = self.seen.get() + count;
        loop {
            let files = files_below(&self.folder.path().join("box"));
            let there = files
                .iter()
                .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("new")))
                .count() as u64;
            if there >= seen {
                self.seen.set(there);
                return there;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(120),
                "{there} of {seen} messages came"
            );
            sleep(Duration::from_millis(50));
        }
    }

    /// Its process, where it is one that was started here.
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// The files that `smtp-sink` wrote.
    pub fn dumps(&self) -> Vec<Vec<u8>> {
        let mut paths = files_below(self.folder.path());
        paths.retain(|path| !path.ends_with("stderr"));
        paths
            .into_iter()
            .filter_map(|path| fs::read(path).ok())
            .collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(stop) = &mut self.stop {
            let _ = stop.output();
        }
        if let Some(child) = &mut self.child {
            // Dovecot ends its own children when it is asked to end.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            for _ in 0..100 {
                if matches!(child.try_wait(), Ok(Some(_))) {
                    return;
                }
                sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/programs")).join(name)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut todo = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                Ok(_) => files.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    files.sort();
    files
}

/// With CRLF for each LF that has no CR before it.
pub fn crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for &byte in text {
        if byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}
