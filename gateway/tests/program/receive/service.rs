//! A receiver that runs, and a client that speaks with it octet by octet.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::run::{command, folder};

/// For what is to happen soon.
const PATIENCE: Duration = Duration::from_secs(20);

/// `scop receive` in a folder of its own; it is killed when this is dropped.
pub(super) struct Service {
    child: Child,
    listening: Vec<(SocketAddr, String)>,
    log: Arc<Mutex<String>>,
    pub(super) folder: PathBuf,
}

impl Service {
    /// Starts it with listeners of these kinds and the rest of a configuration, in which `FOLDER` is its folder.
    pub(super) fn start(test: &str, kinds: &[&str], rest: &str) -> Self {
        let folder = folder(&format!("receive-{test}"));
        Self::start_in(folder, kinds, rest)
    }

    pub(super) fn start_in(folder: PathBuf, kinds: &[&str], rest: &str) -> Self {
        let mut config = "name = \"mx.example.org\"\nstate = \"FOLDER/state\"\n".to_owned();
        for kind in kinds {
            config += "[[listen]]\naddress = \"127.0.0.1:0\"\nkind = \"";
            config += kind;
            config += "\"\n";
        }
        config += "[checks]\nenabled = false\n";
        config += rest;
        fs::create_dir_all(folder.join("state")).unwrap();
        let path = folder.join("receiver.toml");
        fs::write(&path, config.replace("FOLDER", folder.to_str().unwrap())).unwrap();
        let arguments = ["receive", "--config", path.to_str().unwrap()];
        let mut child = command(&arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut listening = Vec::new();
        while listening.len() < kinds.len() {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "{}",
                log.lock().unwrap()
            );
            if let Some((_, said)) = line.split_once("listening address=") {
                let (address, kind) = said.trim().split_once(" kind=").unwrap();
                listening.push((address.parse().unwrap(), kind.to_owned()));
            }
            log.lock().unwrap().push_str(&line);
        }
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
                kept.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self {
            child,
            listening,
            log,
            folder,
        }
    }

    pub(super) fn address(&self, kind: &str) -> SocketAddr {
        self.listening.iter().find(|(_, is)| is == kind).unwrap().0
    }

    pub(super) fn connect(&self, kind: &str) -> Peer<TcpStream> {
        let stream = TcpStream::connect(self.address(kind)).unwrap();
        Self::peer(stream)
    }

    /// A client that comes from an address of its own.
    pub(super) fn connect_from(&self, ip: Ipv4Addr, kind: &str) -> Peer<TcpStream> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((ip, 0).into()).unwrap();
            let stream = socket.connect(self.address(kind)).await.unwrap();
            stream.into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        Self::peer(stream)
    }

    fn peer(stream: TcpStream) -> Peer<TcpStream> {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer { stream }
    }

    /// After the greeting and EHLO or LHLO.
    pub(super) fn greeted(&self, kind: &str) -> Peer<TcpStream> {
        let mut peer = self.connect(kind);
        assert_eq!(
            peer.reply(),
            if kind == "lmtp" {
                "220 mx.example.org LMTP"
            } else {
                "220 mx.example.org ESMTP"
            }
        );
        let hello = if kind == "lmtp" { "LHLO" } else { "EHLO" };
        peer.says(&format!("{hello} client.example.net"), "250");
        peer
    }

    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log has these words so many times.
    pub(super) fn wait_for(&self, words: &str, times: usize) {
        let begin = Instant::now();
        while self.log().matches(words).count() < times {
            assert!(begin.elapsed() < PATIENCE, "{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub(super) fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    pub(super) fn wait(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The messages of a folder, in the order of their names.
    pub(super) fn files(&self, folder: &str) -> Vec<Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.folder.join(folder)) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client.
pub(super) struct Peer<S> {
    pub(super) stream: S,
}

impl<S: Read + Write> Peer<S> {
    pub(super) fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
        self.stream.flush().unwrap();
    }

    /// A reply of any number of lines, without its last line end.
    pub(super) fn reply(&mut self) -> String {
        let mut text = String::new();
        loop {
            let line = self.line().expect("a reply");
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            text += &line;
            if is_last {
                return text;
            }
            text += "\n";
        }
    }

    /// None at the end of the connection.
    pub(super) fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let mut octet = [0];
        while !line.ends_with(b"\r\n") {
            match self.stream.read(&mut octet) {
                Ok(1) => line.push(octet[0]),
                Ok(_) => return None,
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::WouldBlock, "nothing comes");
                    return None;
                }
            }
        }
        line.truncate(line.len() - 2);
        Some(String::from_utf8(line).unwrap())
    }

    /// Sends a command, and looks at the start of its reply.
    pub(super) fn says(&mut self, command: &str, start: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        let reply = self.reply();
        assert!(reply.starts_with(start), "{command}: {reply}");
        reply
    }

    /// Everything up to the content of a message for these recipients.
    pub(super) fn begin(&mut self, from: &str, to: &[&str]) {
        self.says(&format!("MAIL FROM:<{from}>"), "250 2.1.0");
        for to in to {
            self.says(&format!("RCPT TO:<{to}>"), "250 2.1.5");
        }
        self.says("DATA", "354");
    }

    pub(super) fn is_closed(&mut self) -> bool {
        self.line().is_none()
    }
}

impl Peer<TcpStream> {
    pub(super) fn into_tls(
        self,
        certificate: &CertificateDer<'static>,
    ) -> Peer<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("mx.example.org").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        Peer {
            stream: StreamOwned::new(session, self.stream),
        }
    }
}

/// Puts a certificate and its key into a folder, and gives the certificate.
pub(super) fn certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["mx.example.org".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// What follows the fields of the receiver: those down to its Received field with its continuations.
pub(super) fn behind_trace(message: &[u8]) -> &[u8] {
    let text = String::from_utf8_lossy(message);
    let received = text.find("Received: ").unwrap();
    let date_line = received + text[received..].find("\r\n ").unwrap();
    let mut end = date_line;
    while text[end..].starts_with("\r\n ") {
        end += 2 + text[end + 2..].find("\r\n").unwrap();
    }
    &message[end + 2..]
}
