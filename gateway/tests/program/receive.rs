//! `scop receive` and clients that speak with it over real sockets, each rule of its own.

mod service;
mod start;
mod submission;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use self::service::{Service, behind_trace, certificate};
use crate::run::{folder, scop};

const MAILBOXES: &str = r#"
[deliver]
to = "maildir"
folder = "FOLDER/mail"
[deliver.mailboxes]
"ann@example.org" = "ann"
"Postmaster@example.org" = "admin"
"*@example.net" = "net"
"#;

fn mailboxes(test: &str, more: &str) -> Service {
    Service::start(test, &["mx", "lmtp"], &format!("{MAILBOXES}{more}"))
}

fn id(reply: &str) -> &str {
    reply.split(' ').next_back().unwrap()
}

#[test]
fn mail_is_taken_for_its_own_and_nobody_else() {
    let service = mailboxes("recipients", "");
    let mut peer = service.greeted("mx");
    peer.says("MAIL FROM:<joe@example.com>", "250 2.1.0");
    for (path, reply) in [
        ("<ann@example.org>", "250 2.1.5"),
        ("<ANN@EXAMPLE.ORG>", "250 2.1.5"),
        ("<Postmaster>", "250 2.1.5"),
        ("<anyone@Example.Net>", "250 2.1.5"),
        ("<bob@example.org>", "550 5.1.1"),
        ("<ann@example.com>", "550 5.7.1"),
        ("<ann%example.com@sub.example.org>", "550 5.7.1"),
        ("<@example.org:ann@example.com>", "550 5.7.1"),
        ("<>", "5"),
    ] {
        peer.says(&format!("RCPT TO:{path}"), reply);
    }
}

#[test]
fn what_is_kept_is_what_was_sent_behind_the_trace() {
    let service = mailboxes("exact", "");
    let mut peer = service.greeted("mx");
    let mut long = b"Subject: long\r\n\r\n".to_vec();
    for line in 0..9_000_u32 {
        long.extend_from_slice(format!("{line} \u{fc}\t..\r\n\r\n.\r\n").as_bytes());
        long.extend_from_slice(b"\xff\0\r\n");
    }
    // In pieces as large as they come.
    let plain = [
        &b"Subject: plain\r\n\r\n"[..],
        &b"a line of text\r\n".repeat(50_000),
    ]
    .concat();
    for message in [
        &b"Subject: hi\r\nX:\r\n\r\nbody\r\n.one\r\n..two\r\n"[..],
        b"Subject: no body\r\n",
        b"\r\nno header\r\n",
        b"",
        &long,
        &plain,
    ] {
        peer.begin("joe@example.com", &["ann@example.org"]);
        let mut stuffed = String::new();
        let text = message
            .iter()
            .map(|&octet| char::from(octet))
            .collect::<String>();
        for line in text.split_inclusive("\r\n") {
            stuffed += if line.starts_with('.') { "." } else { "" };
            stuffed += line;
        }
        let mut octets: Vec<u8> = stuffed.chars().map(|c| u8::try_from(c).unwrap()).collect();
        octets.extend_from_slice(b".\r\n");
        peer.send(&octets);
        let reply = peer.reply();
        assert!(reply.starts_with("250 2.0.0 Taken as "), "{reply}");
        let kept = service.files("mail/ann/new").pop().unwrap();
        let head = String::from_utf8_lossy(&kept[..200]).into_owned();
        assert!(
            head.starts_with("Return-Path: <joe@example.com>\r\nReceived: from client.example.net ([127.0.0.1])\r\n"),
            "{head}"
        );
        assert!(head.contains(&format!(" id {}", id(&reply))), "{head}");
        assert!(behind_trace(&kept) == message, "{} octets", message.len());
    }
    assert!(service.files("mail/ann/tmp").is_empty());
    assert!(service.files("state/arriving").is_empty());
}

#[test]
fn several_recipients_in_several_mailboxes() {
    let service = mailboxes("several", "");
    let mut peer = service.greeted("mx");
    let to = [
        "ann@example.org",
        "a@example.net",
        "b@example.net",
        "postmaster@example.org",
    ];
    peer.begin("", &to);
    peer.send(b"Subject: hi\r\n\r\n.\r\n");
    peer.reply();
    let kept = ["ann", "net", "admin"].map(|name| service.files(&format!("mail/{name}/new")));
    for files in &kept {
        assert_eq!(files.len(), 1);
        assert_eq!(files, &kept[0]);
    }
    let text = String::from_utf8(kept[0][0].clone()).unwrap();
    // Nobody learns of the others.
    assert!(
        text.starts_with("Return-Path: <>\r\n") && !text.contains("for <"),
        "{text}"
    );
    assert!(service.files("state/queue").is_empty());
}

#[test]
fn what_was_left_for_several_is_delivered_at_the_next_start() {
    let folder = folder("receive-left");
    let id = "1k10zpdttv8zyqk5qmx842jw8v";
    let message = "Return-Path: <>\r\nSubject: hi\r\n\r\nleft\r\n";
    fs::create_dir_all(folder.join("state/queue")).unwrap();
    fs::create_dir_all(folder.join("state/state")).unwrap();
    fs::create_dir_all(folder.join("state/failed")).unwrap();
    let entry = format!(
        "scop-spool 1\noctets {:020}\narrived 1795536526\nfrom <>\nto <ann@example.org>\nto <x@example.net>\n\n{message}",
        message.len()
    );
    fs::write(folder.join("state/queue").join(id), entry).unwrap();
    // One has it already, and has read it.
    fs::create_dir_all(folder.join("mail/ann/cur")).unwrap();
    fs::write(
        folder.join(format!(
            "mail/ann/cur/1795536526.{id}.mx.example.org,S=9:2,S"
        )),
        message,
    )
    .unwrap();
    let service = Service::start_in(folder, &["mx"], MAILBOXES);
    let begin = Instant::now();
    while !service.files("state/queue").is_empty() || service.files("mail/net/new").is_empty() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{}",
            service.log()
        );
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(service.files("mail/net/new"), [message.as_bytes()]);
    assert!(service.files("mail/ann/new").is_empty());
}

#[test]
fn two_messages_in_one_group() {
    let service = mailboxes("pipelined", "");
    let mut peer = service.greeted("mx");
    peer.send(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n");
    for code in ["250", "250", "354"] {
        assert!(peer.reply().starts_with(code));
    }
    peer.send(
        b"Subject: one\r\n\r\n1\r\n.\r\nMAIL FROM:<b@example.com>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n",
    );
    for code in ["250 2.0.0 Taken", "250", "250", "354"] {
        assert!(peer.reply().starts_with(code));
    }
    peer.send(b"Subject: two\r\n\r\n2\r\n.\r\nQUIT\r\n");
    for code in ["250 2.0.0 Taken", "221"] {
        assert!(peer.reply().starts_with(code));
    }
    assert!(peer.is_closed());
    let kept = service.files("mail/ann/new");
    assert_eq!(kept.len(), 2);
    assert_eq!(behind_trace(&kept[0]), b"Subject: one\r\n\r\n1\r\n");
    assert_eq!(behind_trace(&kept[1]), b"Subject: two\r\n\r\n2\r\n");
}

#[test]
fn messages_in_chunks() {
    let service = mailboxes("chunks", "");
    let mut peer = service.greeted("mx");
    peer.send(
        b"MAIL FROM:<a@example.com>\r\nRCPT TO:<ann@example.org>\r\nBDAT 17\r\nSubject: one\r\n\r\n1BDAT 8 LAST\r\n\r\n.\r\n2\r\n",
    );
    for code in ["250", "250", "250 2.0.0 17 octets", "250 2.0.0 Taken"] {
        let reply = peer.reply();
        assert!(reply.starts_with(code), "{reply}");
    }
    assert_eq!(
        behind_trace(&service.files("mail/ann/new")[0]),
        b"Subject: one\r\n\r\n1\r\n.\r\n2\r\n"
    );
    // Given up between two chunks: nothing stays, and the next message is whole.
    peer.send(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<ann@example.org>\r\nBDAT 4\r\ngoneRSET\r\n");
    for code in ["250", "250", "250", "250"] {
        assert!(peer.reply().starts_with(code));
    }
    peer.begin("a@example.com", &["ann@example.org"]);
    peer.send(b"Subject: three\r\n\r\n.\r\n");
    assert!(peer.reply().starts_with("250"));
    let kept = service.files("mail/ann/new");
    assert_eq!(kept.len(), 2);
    assert_eq!(behind_trace(&kept[1]), b"Subject: three\r\n\r\n");
}

#[test]
fn nothing_is_smuggled() {
    let service = mailboxes("smuggling", "");
    let second = "MAIL FROM:<evil@example.com>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\n";
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n"] {
        let mut peer = service.greeted("mx");
        peer.begin("joe@example.com", &["ann@example.org"]);
        peer.send(format!("Subject: hi\r\n\r\nbody{end}{second}x\r\n.\r\n").as_bytes());
        let reply = peer.reply();
        assert!(reply.starts_with("550 5.6.0"), "{end:?}: {reply}");
        // There was one message, and so there is one reply.
        peer.says("NOOP", "250");
    }
    assert!(service.files("mail/ann/new").is_empty());
}

#[test]
fn headers_that_are_refused() {
    let service = mailboxes("headers", "");
    let mut peer = service.greeted("mx");
    let hops = "Received: from a by b; Tue, 24 Nov 2026 00:00:00 +0000\r\n".repeat(101);
    let long = "X: y\r\n".repeat(180_000);
    for (header, code) in [
        (&hops, "554 5.4.6"),
        (&long, "552 5.3.4"),
        (&" x\r\n".to_owned(), "554 5.6.0"),
    ] {
        peer.begin("joe@example.com", &["ann@example.org"]);
        peer.send(format!("{header}\r\nbody\r\n.\r\n").as_bytes());
        let reply = peer.reply();
        assert!(reply.starts_with(code), "{reply}");
    }
    assert!(service.files("mail/ann/new").is_empty());
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let service = mailboxes("lmtp", "");
    let mut peer = service.greeted("lmtp");
    peer.says("MAIL FROM:<joe@example.com>", "250");
    peer.says("RCPT TO:<ann@example.org>", "250");
    peer.says("RCPT TO:<bob@example.org>", "550");
    peer.says("RCPT TO:<x@example.net>", "250");
    peer.says("DATA", "354");
    peer.send(b"Authentication-Results: mx.example.org; none\r\n\r\nbody\r\n.\r\nNOOP\r\n");
    let first = peer.reply();
    assert!(first.starts_with("250 2.0.0 Taken"), "{first}");
    assert_eq!(peer.reply(), first);
    assert!(peer.reply().starts_with("250 2.0.0 OK"));
    let kept = service.files("mail/net/new");
    // What the server before this one has found stays.
    assert!(behind_trace(&kept[0]).starts_with(b"Authentication-Results:"));
}

#[test]
fn the_next_server_has_the_certificate_of_its_name() {
    let store = folder("receive-next-store");
    certificate(&store);
    let tls = "[tls]\ncertificate = \"FOLDER/cert.pem\"\nkey = \"FOLDER/key.pem\"\n";
    let store = Service::start_in(store, &["lmtp"], &format!("{MAILBOXES}{tls}"));
    for (host, is_good) in [("mx.example.org", true), ("lmtp.example.org", false)] {
        let next = format!(
            "[deliver]\nto = \"lmtp\"\naddress = \"{}\"\nrecipients = [\"@example.org\"]\n\
             host = \"{host}\"\nroots = \"{}\"\n",
            store.address("lmtp"),
            store.folder.join("cert.pem").display()
        );
        let service = Service::start(&format!("next-{host}"), &["mx"], &next);
        let mut peer = service.greeted("mx");
        peer.begin("joe@example.com", &["ann@example.org"]);
        peer.send(b"Subject: to the next\r\n\r\n.\r\n");
        assert!(peer.reply().starts_with("250"));
        if is_good {
            service.wait_for(" delivered ", 1);
            assert!(store.log().contains("received"));
        } else {
            service.wait_for("4.7.5", 1);
            assert!(!service.files("state/queue").is_empty());
        }
    }
}

#[test]
fn results_that_claim_to_be_ours_are_removed() {
    let service = mailboxes("claims", "");
    let mut peer = service.greeted("mx");
    peer.begin("joe@example.com", &["ann@example.org"]);
    peer.send(b"Authentication-Results: mx.example.org; dkim=pass\r\nSubject: hi\r\n\r\n.\r\n");
    assert!(peer.reply().starts_with("250"));
    assert_eq!(
        behind_trace(&service.files("mail/ann/new")[0]),
        b"Subject: hi\r\n\r\n"
    );
}

#[test]
fn whoever_goes_away_leaves_nothing() {
    let service = mailboxes("gone", "");
    for cut in [
        &b"Subject: hi\r\n"[..],
        b"Subject: hi\r\n\r\nbody\r\n",
        b"Subject: hi\r\n\r\nbody\r\n.",
    ] {
        let mut peer = service.greeted("mx");
        peer.begin("joe@example.com", &["ann@example.org", "x@example.net"]);
        peer.send(cut);
        peer.send(&b"line\r\n".repeat(60_000));
    }
    service.wait_for("not whole", 3);
    for place in [
        "mail/ann/new",
        "mail/ann/tmp",
        "mail/net/new",
        "state/queue",
        "state/arriving",
    ] {
        assert!(service.files(place).is_empty(), "{place}");
    }
}

#[test]
fn a_disk_without_room() {
    let service = mailboxes("room", "[limits]\nfree_space = 4611686018427387904\n");
    let mut peer = service.greeted("mx");
    peer.says("MAIL FROM:<joe@example.com>", "452 4.3.1");
}

#[test]
fn one_client_does_not_take_the_memory_of_all() {
    let service = mailboxes("memory", "[limits]\nmemory = 16777216\n");
    let header = |octets: usize| "X: y\r\n".repeat(octets / 6);
    // Together they would hold more than there is; the reply to a chunk says that it was read.
    let many = header(400_000);
    let mut peers: Vec<_> = (0..30).map(|_| service.greeted("mx")).collect();
    for peer in &mut peers {
        peer.says("MAIL FROM:<joe@example.com>", "250");
        peer.says("RCPT TO:<ann@example.org>", "250");
        peer.send(format!("BDAT {}\r\n{many}", many.len()).as_bytes());
        assert!(peer.reply().starts_with("250"));
    }
    let mut other = service.connect_from([127, 0, 0, 2].into(), "mx");
    assert!(other.reply().starts_with("220"));
    other.says("EHLO other.example.net", "250");
    other.begin("joe@example.com", &["ann@example.org"]);
    other.send(format!("{}\r\nbody\r\n.\r\n", header(900_000)).as_bytes());
    let reply = other.reply();
    assert!(reply.starts_with("250"), "{reply}");
    for (number, peer) in peers.iter_mut().enumerate() {
        let code = if number < 2 { "250 2.0.0" } else { "452 4.3.1" };
        peer.says("BDAT 2 LAST\r\n", code);
    }
    // All is given back.
    let mut again = service.greeted("mx");
    again.begin("joe@example.com", &["ann@example.org"]);
    again.send(format!("{}\r\n.\r\n", header(900_000)).as_bytes());
    let reply = again.reply();
    assert!(reply.starts_with("250"), "{reply}");
}

#[test]
fn too_many_connections() {
    let service = mailboxes("limits", "[limits]\nconnections_per_client = 2\n");
    let _first = service.greeted("mx");
    let second = service.greeted("mx");
    let mut third = service.connect("mx");
    assert_eq!(
        third.reply(),
        "421 4.7.0 Too many connections, try again later"
    );
    assert!(third.is_closed());
    drop(second);
    let begin = Instant::now();
    while service.connect("mx").reply().starts_with("421") {
        assert!(begin.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_silent_and_the_deaf_are_dropped() {
    let service = mailboxes("slow", "[limits]\ntimeout = \"1s\"\nrecipients = 20000\n");
    // One that says nothing.
    let mut silent = service.greeted("mx");
    let begin = Instant::now();
    assert!(silent.reply().starts_with("421 4.4.2"));
    assert!(silent.is_closed());
    assert!(begin.elapsed() >= Duration::from_millis(900));
    // One that does not read. No message has recipients enough for replies that find no room.
    let mut deaf = service.greeted("mx");
    deaf.stream
        .set_write_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let group = [
        &b"RSET\r\nMAIL FROM:<joe@example.com>\r\n"[..],
        &b"RCPT TO:<x@example.net>\r\n".repeat(10_000),
    ]
    .concat();
    let begin = Instant::now();
    let error = loop {
        if let Err(error) = deaf.stream.write_all(&group) {
            break error;
        }
        assert!(begin.elapsed() < Duration::from_secs(20));
    };
    assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}");
    // Others are served meanwhile, and afterwards.
    service.greeted("mx").says("NOOP", "250");
    service.wait_for("it did not take the replies", 1);
}

#[test]
fn a_stop_finishes_what_was_begun() {
    let mut service = mailboxes("stop", "");
    let mut idle = service.greeted("mx");
    let mut peer = service.greeted("mx");
    peer.begin("joe@example.com", &["ann@example.org"]);
    peer.send(b"Subject: hi\r\n");
    service.terminate();
    assert!(idle.reply().starts_with("421 4.3.2"));
    // The listener closes beside the sessions, not before them.
    let is_closed = || TcpStream::connect(service.address("mx")).is_err();
    assert!((0..500).any(|_| is_closed() || {
        thread::sleep(Duration::from_millis(10));
        false
    }));
    peer.send(b"\r\nbody\r\n.\r\n");
    assert!(peer.reply().starts_with("250 2.0.0 Taken"));
    assert!(peer.reply().starts_with("421 4.3.2"));
    assert!(peer.is_closed());
    assert!(service.wait().success());
    assert_eq!(service.files("mail/ann/new").len(), 1);
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let mut service = mailboxes("stop-late", "[limits]\nstop = \"1s\"\n");
    let mut peer = service.greeted("mx");
    peer.begin("joe@example.com", &["ann@example.org"]);
    service.terminate();
    assert!(service.wait().success());
    assert!(peer.is_closed());
    service.wait_for("cut short", 1);
    assert!(service.files("mail/ann/new").is_empty());
}

#[test]
fn nothing_in_the_clear_goes_into_tls() {
    let folder = folder("receive-tls");
    let certificate = certificate(&folder);
    let tls = "[tls]\ncertificate = \"FOLDER/cert.pem\"\nkey = \"FOLDER/key.pem\"\n";
    let service = Service::start_in(folder, &["mx"], &format!("{MAILBOXES}{tls}"));
    // Behind STARTTLS nothing may come in the clear (CVE-2011-0411).
    let mut peer = service.greeted("mx");
    peer.send(b"STARTTLS\r\nMAIL FROM:<evil@example.com>\r\n");
    let mut rest = String::new();
    let _ = peer.stream.read_to_string(&mut rest);
    assert!(!rest.contains("250"), "{rest}");
    service.wait_for("in the clear stood behind STARTTLS", 1);
    let mut peer = service.greeted("mx");
    peer.says("MAIL FROM:<joe@example.com>", "250");
    peer.says("STARTTLS", "220");
    let mut peer = peer.into_tls(&certificate);
    // All that was said before is forgotten.
    peer.says("RCPT TO:<ann@example.org>", "503");
    let offered = peer.says("EHLO client.example.net", "250");
    assert!(
        !offered.contains("STARTTLS") && offered.contains("REQUIRETLS"),
        "{offered}"
    );
    peer.begin("joe@example.com", &["ann@example.org"]);
    peer.send(b"Subject: hi\r\n\r\n.\r\n");
    assert!(peer.reply().starts_with("250"));
    let kept = service.files("mail/ann/new").remove(0);
    let text = String::from_utf8(kept).unwrap();
    assert!(
        text.contains("with ESMTPS") && text.contains("TLS_AES_"),
        "{text}"
    );
    // Garbage in place of a handshake ends the connection.
    let mut peer = service.greeted("mx");
    peer.says("STARTTLS", "220");
    peer.send(b"MAIL FROM:<evil@example.com>\r\n");
    let mut rest = Vec::new();
    let _ = peer.stream.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"250"), "{rest:?}");
}

#[test]
fn configurations_that_cannot_be() {
    let folder = folder("receive-config");
    let file = folder.join("receiver.toml");
    for (text, rule) in [
        ("kind = \"submission\"", "it needs [submit]"),
        ("kind = \"mx\"", "it needs [deliver]"),
        (
            "kind = \"mx\"\n[deliver]\nto = \"discard\"\nrecipients = [\"nobody\"]",
            "\"nobody\" is not an address",
        ),
    ] {
        let text = format!(
            "name = \"mx.example.org\"\nstate = \"{0}/state\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n{text}\n",
            folder.display()
        );
        fs::write(&file, text).unwrap();
        let run = scop(&[
            "receive",
            "--check-config",
            "--config",
            file.to_str().unwrap(),
        ]);
        assert!(run.code == 2 && run.err.contains(rule), "{}", run.err);
    }
    assert!(!folder.join("state").exists());
}
