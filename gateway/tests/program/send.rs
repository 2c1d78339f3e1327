//! `scop send` with a small server of its own on the other side.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::run::{command, folder, scop};

/// What a server took: the envelope as commands, and the message as it came over the line.
#[derive(Clone, Debug)]
struct Taken {
    envelope: Vec<String>,
    message: String,
}

/// A server of SMTP that refuses recipients with `bad`, and those with `later` the first time.
struct Server {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let (all, deferred) = (Arc::clone(&taken), Arc::<Mutex<Vec<String>>>::default());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (all, deferred) = (Arc::clone(&all), Arc::clone(&deferred));
                // A client that is killed goes away in the middle of a line.
                std::thread::spawn(move || drop(serve(&stream.unwrap(), &all, &deferred)));
            }
        });
        Self { address, taken }
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    fn wait_for(&self, messages: usize) -> Vec<Taken> {
        until("the messages", || self.taken().len() >= messages);
        self.taken()
    }
}

fn serve(
    stream: &TcpStream,
    taken: &Mutex<Vec<Taken>>,
    deferred: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let say = |line: &str| (&*stream).write_all(format!("{line}\r\n").as_bytes());
    say("220 mx.example.net ESMTP")?;
    let mut envelope = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let text = line.trim_end().to_owned();
        line.clear();
        let upper = text.to_ascii_uppercase();
        if upper.starts_with("EHLO") {
            say("250-mx.example.net\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES")?;
        } else if upper.starts_with("RCPT") && text.contains("bad") {
            say("550 5.1.1 no such user here")?;
        } else if upper.starts_with("RCPT")
            && text.contains("later")
            && !deferred.lock().unwrap().contains(&text)
        {
            deferred.lock().unwrap().push(text);
            say("450 4.2.0 come back later")?;
        } else if upper.starts_with("MAIL") || upper.starts_with("RCPT") {
            envelope.push(text);
            say("250 2.1.0 ok")?;
        } else if upper == "DATA" {
            say("354 go on")?;
            let mut message = String::new();
            loop {
                reader.read_line(&mut line)?;
                if line == ".\r\n" {
                    break;
                }
                message.push_str(line.strip_prefix('.').unwrap_or(&line));
                line.clear();
            }
            line.clear();
            let envelope = std::mem::take(&mut envelope);
            taken.lock().unwrap().push(Taken { envelope, message });
            say("250 2.0.0 taken")?;
        } else if upper == "QUIT" {
            return say("221 2.0.0 bye");
        } else {
            envelope.clear();
            say("250 2.0.0 ok")?;
        }
    }
    Ok(())
}

/// A sender that is stopped with this value.
struct Sender(Child);

impl Sender {
    fn start(config: &Path) -> Self {
        let child = command(&["send", "--config", text(config)])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Tells it to stop, and gives its log.
    fn stop(mut self) -> String {
        let id = i32::try_from(self.0.id()).unwrap();
        let process = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        let began = Instant::now();
        let code = self.0.wait().unwrap();
        let mut log = String::new();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        assert!(
            code.success() && began.elapsed() < Duration::from_secs(20),
            "{log}"
        );
        log
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{what} did not come"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn config(folder: &Path, server: SocketAddr, more: &str) -> PathBuf {
    let path = folder.join("sender.toml");
    let text = format!(
        "name = \"mail.example.org\"\nspool = \"{}\"\nstate = \"{}\"\n{more}\n\
         [route]\nto = \"smtp\"\naddress = \"{server}\"\n\
         [retry]\nfirst = \"1s\"\nlongest = \"2s\"\n",
        folder.join("spool").display(),
        folder.join("state").display()
    );
    fs::write(&path, text).unwrap();
    path
}

fn put(config: &Path, message: &Path, to: &[&str]) -> String {
    let mut arguments = vec![
        "send",
        "--config",
        text(config),
        text(message),
        "--from",
        "joe@example.org",
    ];
    for to in to {
        arguments.extend(["--to", to]);
    }
    let run = scop(&arguments);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    run.text().trim_end().to_owned()
}

fn left(folder: &Path) -> usize {
    fs::read_dir(folder.join("spool/queue")).unwrap().count()
}

fn message(folder: &Path) -> PathBuf {
    let path = folder.join("message.eml");
    fs::write(
        &path,
        "From: Joe <joe@example.org>\nSubject: Hi\n\nHello\n.dot\n",
    )
    .unwrap();
    path
}

#[test]
fn mail_is_signed_and_delivered() {
    let folder = folder("send-delivers");
    let key = folder.join("key.pem");
    let keygen = scop(&[
        "keygen",
        "--algorithm",
        "ed25519",
        "--domain",
        "example.org",
        "--selector",
        "s1",
        "--out",
        text(&key),
    ]);
    assert_eq!(keygen.code, 0, "{}", keygen.err);
    let server = Server::start();
    let sign = format!("[[sign]]\ndomain = \"example.org\"\nselector = \"s1\"\nkey = {key:?}\n");
    let config = config(&folder, server.address, &sign);
    let id = put(
        &config,
        &message(&folder),
        &["ann@example.net", "<bob@example.com>"],
    );
    let sender = Sender::start(&config);
    server.wait_for(2);
    // New ones are noticed.
    put(&config, &message(&folder), &["carol@example.net"]);
    let taken = server.wait_for(3);
    until("the end", || left(&folder) == 0);
    let log = sender.stop();
    assert!(
        log.contains(&id) && log.contains("delivered") && !log.contains("Hello"),
        "{log}"
    );
    for taken in &taken {
        assert_eq!(taken.envelope[0], "MAIL FROM:<joe@example.org>");
        let (signature, rest) = taken.message.split_once("From: Joe").unwrap();
        assert!(
            signature.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;"),
            "{signature}"
        );
        assert_eq!(
            rest,
            " <joe@example.org>\r\nSubject: Hi\r\n\r\nHello\r\n.dot\r\n"
        );
    }
}

#[test]
fn failures_are_told_and_delays_are_tried_again() {
    let folder = folder("send-fails");
    let server = Server::start();
    let config = config(&folder, server.address, "");
    put(
        &config,
        &message(&folder),
        &["good@example.net", "bad@example.net", "later@example.net"],
    );
    let sender = Sender::start(&config);
    let taken = server.wait_for(3);
    until("the end", || left(&folder) == 0);
    sender.stop();
    let of = |to: &str| {
        let line = format!("RCPT TO:<{to}>");
        taken
            .iter()
            .filter(|taken| taken.envelope.contains(&line))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (of("good@example.net").len(), of("later@example.net").len()),
        (1, 1)
    );
    let told = of("joe@example.org");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].envelope[0], "MAIL FROM:<>");
    for line in [
        "Final-Recipient: rfc822; bad@example.net",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user here",
        "Auto-Submitted: auto-replied",
    ] {
        assert!(
            told[0].message.contains(&format!("{line}\r\n")),
            "{}",
            told[0].message
        );
    }
}

#[test]
fn a_killed_sender_forgets_nothing() {
    let folder = folder("send-killed");
    let server = Server::start();
    let config = config(&folder, server.address, "");
    let message = message(&folder);
    for number in 0..30 {
        put(
            &config,
            &message,
            &[
                &format!("n{number}@example.net"),
                &format!("later{number}@example.com"),
            ],
        );
    }
    for wait in [5, 20, 40, 80, 160] {
        let sender = Sender::start(&config);
        std::thread::sleep(Duration::from_millis(wait));
        drop(sender);
    }
    let sender = Sender::start(&config);
    until("the end", || left(&folder) == 0);
    sender.stop();
    let taken = server.taken();
    for number in 0..30 {
        for to in [
            format!("RCPT TO:<n{number}@example.net>"),
            format!("RCPT TO:<later{number}@example.com>"),
        ] {
            assert!(
                taken.iter().any(|taken| taken.envelope.contains(&to)),
                "{to}"
            );
        }
    }
}

#[test]
fn what_is_wrong_is_one_line() {
    let folder = folder("send-wrong");
    let server: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let wrong = |more: &str, words: &str| {
        let config = config(&folder, server, more);
        for arguments in [
            &["send", "--check-config", "--config", text(&config)][..],
            &["send", "--config", text(&config)],
        ] {
            let run = scop(arguments);
            let last = run.err.lines().last().unwrap_or_default();
            assert!(run.code == 2 && last.contains(words), "{}", run.err);
        }
    };
    wrong("nonsense = 1", "unknown key \"nonsense\"");
    wrong(
        "[[sign]]\ndomain = \"example.org\"\nselector = \"s\"\nkey = \"/nowhere/key.pem\"\n",
        "/nowhere/key.pem: no such file",
    );
    wrong(
        "[tls]\nroots = \"/nowhere/roots.pem\"\n",
        "/nowhere/roots.pem",
    );
    let good = config(&folder, server, "");
    let run = scop(&["send", "--check-config", "--config", text(&good)]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    // Two cannot work on one spool.
    let first = Sender::start(&good);
    until("the lock", || folder.join("spool/lock").exists());
    std::thread::sleep(Duration::from_millis(200));
    let second = scop(&["send", "--no-sandbox", "--config", text(&good)]);
    assert!(
        second.code == 2 && second.err.contains("another process works on this spool"),
        "{}",
        second.err
    );
    first.stop();
}
