//! Users: TLS before AUTH before MAIL, and whose address may be used.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::service::{Peer, Service, behind_trace, certificate};
use crate::run::{folder, scop_with};

const SUBMIT: &str = "[tls]\ncertificate = \"FOLDER/cert.pem\"\nkey = \"FOLDER/key.pem\"\n\
    [submit]\nusers = \"FOLDER/users\"\nspool = \"FOLDER/spool\"\n";

fn add_user(folder: &Path, name: &str, password: &str, addresses: &str) {
    let made = scop_with(&["user", name, "*"], format!("{password}\n").as_bytes());
    assert_eq!(made.code, 0, "{}", made.err);
    let mut users = fs::read_to_string(folder.join("users")).unwrap_or_default();
    users += made.text().trim_end().trim_end_matches(" *");
    users += addresses;
    users += "\n";
    fs::write(folder.join("users"), users).unwrap();
}

fn log_in<S: Read + Write>(peer: &mut Peer<S>, user: &str, password: &str, code: &str) {
    let credentials = STANDARD.encode(format!("\0{user}\0{password}"));
    peer.says(&format!("AUTH PLAIN {credentials}"), code);
}

#[test]
fn users_log_in_under_tls_and_use_their_own_addresses() {
    let folder = folder("receive-submission");
    let certificate = certificate(&folder);
    add_user(
        &folder,
        "joe",
        "s\u{e9}cret word",
        " joe@example.org *@example.net",
    );
    let service = Service::start_in(folder, &["submission", "submissions"], SUBMIT);

    // In the clear there is no AUTH, and no MAIL.
    let mut peer = service.connect("submission");
    peer.reply();
    let offered = peer.says("EHLO client.example.net", "250");
    assert!(
        offered.contains("STARTTLS") && !offered.contains("AUTH"),
        "{offered}"
    );
    peer.says("AUTH PLAIN AGpvZQBzZWNyZXQ=", "5");
    peer.says("AUTH SCRAM-SHA-256 biwsbj1qb2Uscj1hYmNk", "5");
    peer.says(
        "MAIL FROM:<joe@example.org>",
        "530 5.7.0 Must issue a STARTTLS",
    );
    peer.says("STARTTLS", "220");
    let mut peer = peer.into_tls(&certificate);
    let offered = peer.says("EHLO client.example.net", "250");
    assert!(
        offered.contains("AUTH SCRAM-SHA-256 PLAIN LOGIN"),
        "{offered}"
    );
    peer.says(
        "MAIL FROM:<joe@example.org>",
        "530 5.7.0 Authentication required",
    );
    log_in(&mut peer, "joe", "wrong", "535 5.7.8");
    log_in(&mut peer, "nobody", "s\u{e9}cret word", "535 5.7.8");
    log_in(&mut peer, "joe", "s\u{e9}cret word", "235 2.7.0");
    peer.says("MAIL FROM:<ann@example.org>", "550 5.7.1");
    peer.says("MAIL FROM:<any@example.net>", "250");
    peer.says("RSET", "250");
    peer.begin("joe@example.org", &["ann@example.com", "bob@example.net"]);
    peer.send(b"From: joe@example.org\r\nSubject: hi\r\n\r\n.\r\n");
    assert!(peer.reply().starts_with("250 2.0.0 Taken"));
    let kept = service.files("spool/queue").remove(0);
    let text = String::from_utf8(kept.clone()).unwrap();
    assert!(
        text.contains("\nuser joe\n") && text.contains("\nto <bob@example.net>\n"),
        "{text}"
    );
    assert!(text.contains("with ESMTPSA"), "{text}");
    let behind = String::from_utf8(behind_trace(&kept).to_vec()).unwrap();
    assert!(
        behind.starts_with("Date: ") && behind.contains("\r\nMessage-ID: <"),
        "{behind}"
    );
    assert!(
        behind.ends_with("@mx.example.org>\r\nFrom: joe@example.org\r\nSubject: hi\r\n\r\n"),
        "{behind}"
    );
    // What is there stays as it is.
    peer.begin("joe@example.org", &["ann@example.com"]);
    let whole = b"date: Tue, 24 Nov 2026 00:00:00 +0000\r\nMESSAGE-ID: <1@example.org>\r\nFROM: joe@example.org\r\n\r\n";
    peer.send(&[&whole[..], b".\r\n"].concat());
    assert!(peer.reply().starts_with("250 2.0.0 Taken"));
    assert_eq!(behind_trace(&service.files("spool/queue")[1]), whole);

    // TLS from the first octet, and LOGIN.
    let mut peer = service.connect("submissions").into_tls(&certificate);
    assert!(peer.reply().starts_with("220"));
    peer.says("EHLO client.example.net", "250");
    peer.says("AUTH LOGIN", "334");
    peer.says(&STANDARD.encode("joe"), "334");
    peer.says(&STANDARD.encode("s\u{e9}cret word"), "235");
    let log = service.log();
    assert!(
        log.contains("login refused") && log.contains("logged in"),
        "{log}"
    );
    assert!(!log.contains("nobody") && !log.contains("cret"), "{log}");
}

#[test]
fn users_write_in_their_own_name() {
    let forged = b"From: ann@example.org\r\n\r\nhi\r\n.\r\n";
    for (test, more, reply) in [
        ("own", "", "550 5.7.1 An address in the From field"),
        ("any", "from = \"any\"\n", "250 2.0.0 Taken"),
    ] {
        let folder = folder(&format!("receive-author-{test}"));
        let certificate = certificate(&folder);
        add_user(&folder, "joe", "secret", " joe@example.org");
        let service = Service::start_in(folder, &["submissions"], &format!("{SUBMIT}{more}"));
        let mut peer = service.connect("submissions").into_tls(&certificate);
        peer.reply();
        peer.says("EHLO client.example.net", "250");
        log_in(&mut peer, "joe", "secret", "235");
        peer.begin("joe@example.org", &["bob@example.net"]);
        peer.send(forged);
        let said = peer.reply();
        assert!(said.starts_with(reply), "{test}: {said}");
        if test == "any" {
            continue;
        }
        assert!(service.files("spool/queue").is_empty());
        service.wait_for("From: an address of others", 1);
        assert!(!service.log().contains("ann@"), "{}", service.log());
        // Of a bounce or a receipt, too, the author is the user; and the session goes on.
        peer.begin("", &["bob@example.net"]);
        peer.send(forged);
        assert!(peer.reply().starts_with("550 5.7.1"));
        peer.begin("", &["bob@example.net"]);
        peer.send(b"Subject: nobody's\r\n\r\n.\r\n");
        assert!(peer.reply().starts_with("554 5.6.0 One From field"));
        peer.begin("joe@example.org", &["bob@example.net"]);
        peer.send(b"From: joe@example.org\r\nSender: ann@example.org\r\n\r\n.\r\n");
        assert!(
            peer.reply()
                .starts_with("550 5.7.1 The address in the Sender field")
        );
        peer.begin("", &["bob@example.net"]);
        peer.send(b"From: Joe <joe@example.org>\r\n\r\n.\r\n");
        assert!(peer.reply().starts_with("250 2.0.0 Taken"));
        assert_eq!(service.files("spool/queue").len(), 1);
    }
}

#[test]
fn too_many_wrong_passwords_end_the_connection() {
    let folder = folder("receive-guess");
    let certificate = certificate(&folder);
    add_user(&folder, "joe", "secret", " *");
    let service = Service::start_in(folder, &["submissions"], SUBMIT);
    let mut peer = service.connect("submissions").into_tls(&certificate);
    peer.reply();
    peer.says("EHLO client.example.net", "250");
    for _ in 0..4 {
        log_in(&mut peer, "joe", "wrong", "535");
    }
    assert!(peer.reply().starts_with("421"));
    assert!(peer.is_closed());
}

#[test]
fn users_are_read_again() {
    let folder = folder("receive-users");
    let certificate = certificate(&folder);
    add_user(&folder, "joe", "secret", " *");
    let service = Service::start_in(folder.clone(), &["submissions"], SUBMIT);
    let connect = || {
        let mut peer = service.connect("submissions").into_tls(&certificate);
        peer.reply();
        peer.says("EHLO client.example.net", "250");
        peer
    };
    log_in(&mut connect(), "ann", "other", "535");
    add_user(&folder, "ann", "other", "");
    service.hang_up();
    service.wait_for("users read again", 1);
    log_in(&mut connect(), "ann", "other", "235");
    // One that is broken changes nothing.
    fs::write(folder.join("users"), "joe plain\n").unwrap();
    service.hang_up();
    service.wait_for("the users stay as they were", 1);
    log_in(&mut connect(), "ann", "other", "235");
}

#[test]
fn lines_for_users() {
    for (arguments, password, rule) in [
        (["user", "two words"], "secret\n", "no spaces"),
        (["user", "joe"], "\n", "it is empty"),
        (["user", "joe"], "a\tb\n", "control"),
    ] {
        let run = scop_with(&arguments, password.as_bytes());
        assert!(run.code == 2 && run.err.contains(rule), "{}", run.err);
    }
    let run = scop_with(&["user", "joe", "joe@example.org"], b"secret\n");
    assert!(
        run.text().starts_with("joe SCRAM-SHA-256$100000:"),
        "{}",
        run.text()
    );
    assert!(!run.text().contains("secret"));
}
