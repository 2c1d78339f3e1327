//! Clients of others send to the server machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::program::{Folder, installed};
use scop_smtp_proto::extension::Protocol;
use scop_smtp_proto::server::{Config, End};
use serde_json::{Value, json};

use crate::host::serving::Message;
use crate::host::{Certificate, EXTENSIONS, Mailroom, Rules};
use crate::{DRIVERS, Driver, carried, messages, run, threads, tokio_driven};

const RULES: Rules<'static> = Rules {
    users: &[("joe", "secret")],
    tokens: &["a-token"],
    refused: &["<nobody@d.test>"],
    full: &["<full@d.test>"],
};

fn config(configure: fn(&mut Config<'_>)) -> Config<'static> {
    let mut config = Config::new("mx.example.test", EXTENSIONS);
    configure(&mut config);
    config
}

fn smtp(_: &mut Config<'_>) {}

fn lmtp(config: &mut Config<'_>) {
    config.protocol = Protocol::Lmtp;
}

/// A server of ours, which serves until the test process ends.
pub struct Ours {
    pub address: SocketAddr,
    sessions: Receiver<(Vec<Message>, Option<End>)>,
}

impl Ours {
    fn start(driver: Driver, configure: fn(&mut Config<'_>)) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sessions) = channel();
        let tls = Certificate::new("mx.example.test")
            .unwrap()
            .server()
            .unwrap();
        thread::spawn(move || match driver {
            Driver::Threads => {
                for socket in listener.incoming() {
                    let (socket, tls, sender) = (socket.unwrap(), tls.clone(), sender.clone());
                    thread::spawn(move || {
                        let mut mailroom = Mailroom::new(RULES);
                        let end =
                            threads::server::serve(socket, config(configure), &tls, &mut mailroom);
                        let _ = sender.send((mailroom.taken, end.unwrap_or_default()));
                    });
                }
            }
            Driver::Tokio => run(async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let ((socket, _), tls, sender) = (
                        listener.accept().await.unwrap(),
                        tls.clone(),
                        sender.clone(),
                    );
                    tokio::spawn(async move {
                        let mut mailroom = Mailroom::new(RULES);
                        let end = tokio_driven::server::serve(
                            socket,
                            config(configure),
                            &tls,
                            &mut mailroom,
                        )
                        .await;
                        let _ = sender.send((mailroom.taken, end.unwrap_or_default()));
                    });
                }
            }),
        });
        Self { address, sessions }
    }

    pub fn smtp(driver: Driver) -> Self {
        Self::start(driver, smtp)
    }

    fn lmtp(driver: Driver) -> Self {
        Self::start(driver, lmtp)
    }

    /// What the next session that ended has brought.
    fn session(&self) -> (Vec<Message>, Option<End>) {
        self.sessions.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// What `count` messages were taken, in whatever sessions.
    pub fn take(&self, count: usize) -> Vec<Message> {
        let mut taken = Vec::new();
        while taken.len() < count {
            taken.extend(self.session().0);
        }
        taken
    }
}

// smtplib.

fn smtplib() -> Option<Peer> {
    Peer::python("smtplib_peer.py", "smtplib")
}

fn request(ours: &Ours, message: &[u8], more: &Value) -> Value {
    let mut request = json!({
        "port": ours.address.port(),
        "from": "joe@example.org",
        "to": ["x@d.test", "y@d.test"],
        "message": STANDARD.encode(message),
    });
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[test]
fn smtplib_sends_every_message() {
    let Some(mut peer) = smtplib() else { return };
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        for (name, message) in messages() {
            for more in [
                json!({}),
                json!({"starttls": true}),
                json!({"mail_options": ["BODY=8BITMIME", "SMTPUTF8"], "rcpt_options": ["NOTIFY=NEVER"]}),
            ] {
                let answer = peer.ask(&request(&ours, &message, &more));
                assert_eq!(answer["refused"], json!({}), "{name} {more} {answer}");
                let [taken] = ours.session().0.try_into().unwrap();
                assert!(
                    taken.content == carried(&message),
                    "{driver:?} {name} {more}"
                );
                assert_eq!(
                    (&*taken.from, &*taken.to),
                    (
                        "<joe@example.org>",
                        &["<x@d.test>".into(), "<y@d.test>".into()][..]
                    )
                );
                let with = match more {
                    _ if more["starttls"] == true => "ESMTPS",
                    _ if more["mail_options"].is_array() => "UTF8SMTP",
                    _ => "ESMTP",
                };
                assert_eq!(taken.with, with);
            }
        }
    }
}

#[test]
fn smtplib_sends_to_lmtp() {
    let Some(mut peer) = smtplib() else { return };
    for driver in DRIVERS {
        let ours = Ours::lmtp(driver);
        for (name, message) in messages() {
            // smtplib reads one reply after the data and takes the others for those of its next commands,
            // so one recipient is all that it can send to.
            let more = json!({"lmtp": true, "to": ["x@d.test"]});
            let answer = peer.ask(&request(&ours, &message, &more));
            assert_eq!(answer["refused"], json!({}), "{name} {answer}");
            let [taken] = ours.session().0.try_into().unwrap();
            assert!(taken.content == carried(&message), "{driver:?} {name}");
            assert_eq!(taken.with, "LMTP");
        }
    }
}

#[test]
fn smtplib_is_told_who_is_refused() {
    let Some(mut peer) = smtplib() else { return };
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        let more = json!({"to": ["x@d.test", "nobody@d.test"]});
        let answer = peer.ask(&request(&ours, b"Hi\r\n", &more));
        assert_eq!(
            answer["refused"]["nobody@d.test"],
            json!([550, "5.1.1 No such user here"]),
            "{answer}"
        );
        assert_eq!(ours.take(1)[0].to, ["<x@d.test>"]);

        let answer = peer.ask(&request(
            &ours,
            b"Hi\r\n",
            &json!({"to": ["nobody@d.test"]}),
        ));
        assert_eq!(answer["error"], "SMTPRecipientsRefused", "{answer}");
        assert!(ours.session().0.is_empty());
    }
}

#[test]
fn smtplib_authenticates() {
    let Some(mut peer) = smtplib() else { return };
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        for mechanism in ["PLAIN", "LOGIN"] {
            let user = json!({"starttls": true, "user": "joe", "password": "secret", "mechanism": mechanism});
            let answer = peer.ask(&request(&ours, b"Hi\r\n", &user));
            assert_eq!(answer["refused"], json!({}), "{answer}");
            assert_eq!(ours.take(1)[0].with, "ESMTPSA");

            let wrong = json!({"starttls": true, "user": "joe", "password": "guess", "mechanism": mechanism});
            let answer = peer.ask(&request(&ours, b"Hi\r\n", &wrong));
            assert_eq!(
                (&answer["error"], &answer["code"]),
                (&json!("SMTPAuthenticationError"), &json!(535)),
                "{answer}"
            );
            assert!(ours.session().0.is_empty());

            // Without TLS no mechanism that shows the password is offered or taken.
            let clear = json!({"user": "joe", "password": "secret", "mechanism": mechanism});
            let answer = peer.ask(&request(&ours, b"Hi\r\n", &clear));
            assert!(answer["error"].is_string(), "{answer}");
            assert!(ours.session().0.is_empty());
        }
    }
}

#[test]
fn smtplib_shows_tokens() {
    let Some(mut peer) = smtplib() else { return };
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
            for (token, is_right) in [("a-token", true), ("another", false)] {
                let token = json!({"starttls": true, "user": "joe", "password": token, "mechanism": mechanism});
                let answer = peer.ask(&request(&ours, b"Hi\r\n", &token));
                if is_right {
                    assert_eq!(answer["refused"], json!({}), "{answer}");
                    assert_eq!(ours.take(1)[0].with, "ESMTPSA");
                } else {
                    assert_eq!(answer["code"], 535, "{answer}");
                    assert!(ours.session().0.is_empty());
                }
            }
        }
    }
}

#[test]
fn smtplib_cannot_smuggle() {
    let Some(mut peer) = smtplib() else { return };
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        for end in [
            "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\n.\r", "\r.\r\n",
        ] {
            // smtplib stuffs the dot at the start of what it takes for a line, so that a CR or LF stays.
            let text = format!(
                "Subject: one\r\n\r\nhi{end}MAIL FROM:<evil@example.net>\r\nRCPT TO:<z@d.test>\r\nDATA\r\ntwo\r\n"
            );
            let answer = peer.ask(&request(&ours, text.as_bytes(), &json!({})));
            assert_eq!(answer["code"], 550, "{end:?} {answer}");
            assert!(ours.session().0.is_empty(), "{end:?}");
        }
    }
}

#[test]
fn smtplib_sends_many_over_one_connection_and_other_commands() {
    let Some(mut peer) = smtplib() else { return };
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        let more = json!({"count": 50, "commands": [["NOOP", ""], ["VRFY", "joe"], ["HELP", ""], ["RSET", ""], ["XYZ", ""], ["ehlo", "again"]]});
        let answer = peer.ask(&request(&ours, b"Hi\r\n", &more));
        let codes: Vec<_> = answer["replies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reply| reply[0].as_u64().unwrap())
            .collect();
        assert_eq!(codes, [250, 252, 214, 250, 500, 250], "{answer}");
        let (taken, end) = ours.session();
        assert_eq!((taken.len(), end), (50, Some(End::Quit)));
        assert!(taken.iter().all(|message| message.content == b"Hi\r\n"));
    }
}

// swaks.

fn swaks(ours: &Ours, arguments: &[&str], message: &[u8]) -> (bool, String) {
    let folder = Folder::new("swaks");
    let file = folder.path().join("message");
    // swaks reads lines that end with LF.
    let text = String::from_utf8_lossy(message).replace("\r\n", "\n");
    std::fs::write(&file, text).unwrap();
    let out = Command::new("swaks")
        .args([
            "--server",
            "127.0.0.1",
            "--port",
            &ours.address.port().to_string(),
        ])
        .args([
            "--from",
            "joe@example.org",
            "--helo",
            "client.example.org",
            "--timeout",
            "20",
        ])
        .args(["--data", &format!("@{}", file.display())])
        .args(arguments)
        .output()
        .unwrap();
    (
        out.status.success(),
        String::from_utf8_lossy(&out.stdout).into(),
    )
}

#[test]
fn swaks_sends_every_way() {
    if installed("swaks", "swaks").is_none() {
        return;
    }
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        let to = ["--to", "x@d.test,y@d.test"];
        for (arguments, with) in [
            (&[][..], "ESMTP"),
            (&["--pipeline"], "ESMTP"),
            (&["--tls"], "ESMTPS"),
            (&["--tls", "--pipeline"], "ESMTPS"),
            (&["--protocol", "SMTP"], "SMTP"),
            (
                &[
                    "--tls",
                    "--auth",
                    "PLAIN",
                    "--auth-user",
                    "joe",
                    "--auth-password",
                    "secret",
                ],
                "ESMTPSA",
            ),
            (
                &[
                    "--tls",
                    "--auth",
                    "LOGIN",
                    "--auth-user",
                    "joe",
                    "--auth-password",
                    "secret",
                ],
                "ESMTPSA",
            ),
        ] {
            for (name, mut message) in messages() {
                // At the end it takes a dot away and adds line ends.
                message.extend_from_slice(b"\r\nthe end");
                let arguments = [&to[..], arguments].concat();
                let (sent, transcript) = swaks(&ours, &arguments, &message);
                assert!(sent, "{name} {arguments:?}\n{transcript}");
                let [taken] = ours.session().0.try_into().unwrap();
                let got = String::from_utf8_lossy(&taken.content);
                let sent = String::from_utf8_lossy(&message);
                assert_eq!(got.trim_end(), sent, "{name} {arguments:?}");
                assert_eq!((taken.to.len(), taken.with), (2, with));
            }
        }
        let (sent, transcript) = swaks(&ours, &["--to", "nobody@d.test"], b"Hi\r\n");
        assert!(
            !sent && transcript.contains("<** 550 5.1.1 No such user here"),
            "{transcript}"
        );
    }
}

#[test]
fn swaks_sends_to_lmtp() {
    if installed("swaks", "swaks").is_none() {
        return;
    }
    for driver in DRIVERS {
        let ours = Ours::lmtp(driver);
        let (_, transcript) = swaks(
            &ours,
            &[
                "--protocol",
                "LMTP",
                "--to",
                "x@d.test,full@d.test,y@d.test",
            ],
            b"Hi\r\n",
        );
        let replies: Vec<_> = transcript
            .lines()
            .skip_while(|line| *line != " -> .")
            .skip(1)
            .take(3)
            .collect();
        assert!(
            matches!(replies[..], [a, b, c] if a.contains("250 ") && b.contains("452 4.2.2") && c.contains("250 ")),
            "{transcript}"
        );
        assert_eq!(ours.take(1)[0].with, "LMTP");
    }
}

// smtp-source.

#[test]
fn smtp_source_sends_in_parallel() {
    let Some(program) = installed("smtp-source", "postfix") else {
        return;
    };
    for driver in DRIVERS {
        for is_lmtp in [false, true] {
            let ours = if is_lmtp {
                Ours::lmtp(driver)
            } else {
                Ours::smtp(driver)
            };
            for switches in [
                &["-d", "-s", "5"][..],
                &["-s", "5"],
                &["-d", "-s", "2", "-r", "3"],
            ] {
                if is_lmtp && switches.contains(&"-r") {
                    continue; // it reads one reply after the data
                }
                let out = Command::new(&program)
                    .args(switches)
                    .args(if is_lmtp { &["-L"][..] } else { &[] })
                    .args([
                        "-m",
                        "200",
                        "-l",
                        "4096",
                        "-f",
                        "joe@example.org",
                        "-t",
                        "x@d.test",
                    ])
                    .arg(format!("inet:{}", ours.address))
                    .output()
                    .unwrap();
                assert!(
                    out.status.success(),
                    "{}",
                    String::from_utf8_lossy(&out.stderr)
                );
                let taken = ours.take(200);
                assert_eq!(taken.len(), 200);
                // Every message has the same lines behind its header.
                let body = |message: &Message| {
                    let at = message
                        .content
                        .windows(4)
                        .position(|four| four == b"\r\n\r\n")
                        .unwrap();
                    message.content[at..].to_vec()
                };
                assert!(taken.iter().all(|message| body(message) == body(&taken[0])));
                assert!(body(&taken[0]).len() >= 4096);
            }
        }
    }
}
