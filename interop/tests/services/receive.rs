//! Clients of others send to `scop receive`.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::program::{Program, installed};
use scop_interop::service::maildir;
use serde_json::{Value, json};

use crate::world::{Receiver, World, arrived, field, messages, trace, without_trace};

fn smtplib() -> Option<Peer> {
    Peer::python("smtplib_peer.py", "smtplib")
}

fn request(port: u16, message: &[u8], more: &Value) -> Value {
    let mut request = json!({
        "port": port,
        "from": "joe@example.test",
        "to": ["x@d.test"],
        "message": STANDARD.encode(message),
    });
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// Messages in a Maildir, once there are `count`.
pub fn kept(folder: &std::path::Path, count: usize) -> Vec<Vec<u8>> {
    let begin = Instant::now();
    loop {
        let messages = maildir(folder);
        if messages.len() >= count {
            return messages;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{} of {count} came",
            messages.len()
        );
        sleep(Duration::from_millis(20));
    }
}

/// Every message, in the clear and after STARTTLS: the octets, the trace, and what `scop check` says of it.
#[test]
fn smtplib_on_the_port_of_servers() {
    let Some(world) = World::new("") else { return };
    let Some(mut peer) = smtplib() else { return };
    let receiver = world.receiver(&["mx"], &world.maildir());
    let mut sent = Vec::new();
    for (name, message) in messages() {
        for more in [
            json!({}),
            json!({"starttls": true, "mail_options": ["BODY=8BITMIME"]}),
        ] {
            let answer = peer.ask(&request(receiver.port("mx"), &message, &more));
            assert_eq!(answer["refused"], json!({}), "{name} {more} {answer}");
            sent.push(message.clone());
        }
    }
    let stored = kept(&world.path("box/inbox"), sent.len());
    for message in &stored {
        let trace = trace(message);
        let results = field(message, "Authentication-Results:");
        assert!(results.contains("spf=pass"), "{trace}");
        assert_eq!(
            results,
            world.check(message, "client.example.org", "joe@example.test")
        );
        assert!(field(message, "Received-SPF:").contains("pass"), "{trace}");
        let received = field(message, "Received:");
        let with = if received.contains("with ESMTPS ") {
            1
        } else {
            usize::from(received.contains("with ESMTP "))
        };
        assert_eq!(with, 1, "{trace}");
        assert!(
            received.contains("[127.0.0.1]") && received.contains("by mx.example.test"),
            "{trace}"
        );
        assert!(
            field(message, "Return-Path:").contains("<joe@example.test>"),
            "{trace}"
        );
    }
    let encrypted = stored
        .iter()
        .filter(|message| trace(message).contains("with ESMTPS"));
    assert_eq!(encrypted.count(), sent.len() / 2);
    arrived(&stored, sent);
}

/// What a server of mail must not do.
#[test]
fn smtplib_is_refused() {
    let Some(world) = World::new("") else { return };
    let Some(mut peer) = smtplib() else { return };
    let rest = format!(
        "{}{}[checks]\ndmarc = \"enforce\"\n",
        world.maildir(),
        world.submit()
    );
    let receiver = world.receiver(&["mx", "submission"], &rest);
    let (_, message) = messages().swap_remove(0);
    // No relay.
    let answer = peer.ask(&request(
        receiver.port("mx"),
        &message,
        &json!({"to": ["a@elsewhere.test"]}),
    ));
    assert_eq!(
        answer["refused"]["a@elsewhere.test"][0],
        json!(550),
        "{answer}"
    );
    // No AUTH without TLS, no mail without AUTH.
    let answer =
        peer.ask(&json!({"port": receiver.port("submission"), "commands": [["EHLO", "a.test"]]}));
    assert!(
        answer["features"].get("auth").is_none() && answer["features"].get("starttls").is_some(),
        "{answer}"
    );
    let answer = peer.ask(&request(
        receiver.port("submission"),
        &message,
        &json!({"starttls": true}),
    ));
    assert_eq!(answer["code"], json!(530), "{answer}");
    // A wrong password.
    let wrong = json!({"starttls": true, "user": "joe", "password": "wrong", "mechanism": "PLAIN"});
    let answer = peer.ask(&request(receiver.port("submission"), &message, &wrong));
    assert_eq!(answer["code"], json!(535), "{answer}");
    // A forged author whose domain asks for refusal: neither signed nor from its network.
    let forged = json!({"from": "mallory@forger.test"});
    let answer = peer.ask(&request(receiver.port("mx"), &message, &forged));
    assert_eq!(answer["code"], json!(550), "{answer}");
    assert!(
        answer["text"].as_str().unwrap().contains("5.7.1"),
        "{answer}"
    );
    assert_eq!(maildir(&world.path("box/inbox")).len(), 0);
}

/// Users: 587 with STARTTLS, 465; every mechanism that smtplib has.
#[test]
fn smtplib_submits() {
    let Some(world) = World::new("") else { return };
    let Some(mut peer) = smtplib() else { return };
    let receiver = world.receiver(&["submission"], &world.submit());
    let (_, message) = messages().swap_remove(0);
    for mechanism in ["PLAIN", "LOGIN"] {
        let more = json!({
            "starttls": true, "user": "joe", "password": "secret", "mechanism": mechanism, "to": ["a@elsewhere.test"],
        });
        let answer = peer.ask(&request(receiver.port("submission"), &message, &more));
        assert_eq!(answer["refused"], json!({}), "{mechanism} {answer}");
    }
    assert!(
        !receiver.service.log().contains("secret"),
        "a password in the log"
    );
}

fn swaks(
    receiver: &Receiver,
    kind: &str,
    switches: &[&str],
    message: &[u8],
    folder: &std::path::Path,
) -> String {
    let data = folder.join("swaks.eml");
    // It sends what lines it reads with CRLF.
    fs::write(
        &data,
        String::from_utf8_lossy(message).replace("\r\n", "\n"),
    )
    .unwrap();
    let output = Command::new("swaks")
        .args([
            "--server",
            "127.0.0.1",
            "--port",
            &receiver.port(kind).to_string(),
        ])
        .args([
            "--helo",
            "client.example.test",
            "--from",
            "joe@example.test",
            "--to",
            "x@d.test",
        ])
        .arg("--data")
        .arg(format!("@{}", data.display()))
        .args(switches)
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        output.status
    )
}

/// 25, 587, 465, LMTP.
#[test]
fn swaks_in_all_ways() {
    let Some(world) = World::new("") else { return };
    if installed("swaks", "swaks").is_none() {
        return;
    }
    let rest = format!("{}{}", world.maildir(), world.submit());
    let receiver = world.receiver(&["mx", "submission", "submissions", "lmtp"], &rest);
    let (_, message) = messages().swap_remove(0);
    let user = ["--auth-user", "joe", "--auth-password", "secret"];
    let mut to_maildir = 0;
    for (kind, switches) in [
        ("mx", vec![]),
        ("mx", vec!["--tls"]),
        ("mx", vec!["--pipeline"]),
        ("lmtp", vec!["--protocol", "LMTP"]),
        (
            "submission",
            [&["--tls", "--auth", "PLAIN"][..], &user].concat(),
        ),
        (
            "submission",
            [&["--tls", "--auth", "LOGIN"][..], &user].concat(),
        ),
        (
            "submissions",
            [&["--tls-on-connect", "--auth", "PLAIN"][..], &user].concat(),
        ),
    ] {
        let transcript = swaks(&receiver, kind, &switches, &message, world.folder.path());
        assert!(
            transcript.ends_with("exit status: 0"),
            "{kind} {switches:?}: {transcript}"
        );
        to_maildir += usize::from(matches!(kind, "mx" | "lmtp"));
    }
    let stored = kept(&world.path("box/inbox"), to_maildir);
    assert_eq!(stored.len(), to_maildir);
    for message in stored
        .iter()
        .filter(|message| !trace(message).contains("with LMTP"))
    {
        let results = field(message, "Authentication-Results:");
        assert_eq!(
            results,
            world.check(message, "client.example.test", "joe@example.test")
        );
    }
    // It sends what it was given, and a line end more.
    for stored in &stored {
        assert!(without_trace(stored).starts_with(&message));
    }
}

/// A load of messages, over SMTP and LMTP: each arrives once.
#[test]
fn smtp_source_in_parallel() {
    let Some(world) = World::new("") else { return };
    let Some(source) = installed("smtp-source", "postfix") else {
        return;
    };
    let receiver = world.receiver(&["mx", "lmtp"], &world.maildir());
    for (kind, switches) in [("mx", &["-d"][..]), ("mx", &[]), ("lmtp", &["-L", "-d"])] {
        let status = Command::new(&source)
            .args(switches)
            .args([
                "-s",
                "10",
                "-m",
                "200",
                "-l",
                "4096",
                "-f",
                "joe@example.test",
                "-t",
                "x@d.test",
            ])
            .arg(receiver.address(kind).to_string())
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{}",
            String::from_utf8_lossy(&status.stderr)
        );
    }
    sleep(Duration::from_millis(200));
    assert_eq!(maildir(&world.path("box/inbox")).len(), 600);
}

/// From the port to dovecot, over LMTP; the octets are the same there.
#[test]
fn onward_to_dovecot() {
    let Some(world) = World::new("") else { return };
    let (Some(mut peer), Some(dovecot)) = (smtplib(), Program::dovecot()) else {
        return;
    };
    let deliver = format!(
        "[deliver]\nto = \"lmtp\"\naddress = \"{}\"\nrecipients = [\"@d.test\"]\n",
        dovecot.address()
    );
    let receiver = world.receiver(&["mx"], &deliver);
    let mut sent = Vec::new();
    for (name, message) in messages() {
        let answer = peer.ask(&request(
            receiver.port("mx"),
            &message,
            &json!({"to": ["x@d.test", "y@d.test"]}),
        ));
        assert_eq!(answer["refused"], json!({}), "{name} {answer}");
        sent.extend([message.clone(), message]);
    }
    let delivered = dovecot.delivered(sent.len());
    assert!(
        delivered
            .iter()
            .all(|message| trace(message).contains("Authentication-Results: mx.example.test"))
    );
    arrived(&delivered, sent);
}
