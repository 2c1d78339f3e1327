//! Whole ways: through programs of others and ours in turn.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::program::Program;
use serde_json::json;

use crate::receive::kept;
use crate::send::to_servers;
use crate::world::{World, arrived, field, messages, trace};

/// smtplib -> postfix -> `scop receive` -> dovecot.
#[test]
fn postfix_receiver_dovecot() {
    let Some(world) = World::new("") else { return };
    let (Some(mut peer), Some(dovecot)) = (
        Peer::python("smtplib_peer.py", "smtplib"),
        Program::dovecot(),
    ) else {
        return;
    };
    let deliver = format!(
        "[deliver]\nto = \"lmtp\"\naddress = \"{}\"\nrecipients = [\"@d.test\"]\n",
        dovecot.address()
    );
    let receiver = world.receiver(&["mx"], &deliver);
    let relay = format!("relayhost=[127.0.0.1]:{}", receiver.port("mx"));
    let settings = [
        &relay,
        "virtual_mailbox_domains=",
        "smtp_tls_security_level=encrypt",
    ];
    let Some(postfix) = Program::postfix(&settings, None) else {
        return;
    };
    let mut sent = Vec::new();
    for (name, message) in messages() {
        let answer = peer.ask(&json!({
            "port": postfix.address().port(), "from": "joe@example.test", "to": ["x@d.test"],
            "message": STANDARD.encode(&message),
        }));
        assert_eq!(answer["refused"], json!({}), "{name} {answer}");
        sent.push(message);
    }
    let delivered = dovecot.delivered(sent.len());
    for message in &delivered {
        // Three servers wrote there; ours in the middle, from postfix under TLS.
        let trace = trace(message);
        assert_eq!(
            trace.matches("\nReceived:").count() + usize::from(trace.starts_with("Received:")),
            3,
            "{trace}"
        );
        assert!(trace.contains("by mx.example.test with ESMTPS"), "{trace}");
        assert!(
            field(message, "Authentication-Results:").contains("spf=pass"),
            "{trace}"
        );
    }
    arrived(&delivered, sent);
}

/// smtplib -> `scop receive` (submission) -> `scop send` -> postfix -> Maildir.
#[test]
fn submission_sender_postfix() {
    let Some(world) = World::new("") else { return };
    let (Some(mut peer), Some(postfix)) = (
        Peer::python("smtplib_peer.py", "smtplib"),
        Program::postfix(&[], Some(&world.certificate)),
    ) else {
        return;
    };
    let receiver = world.receiver(&["submission"], &world.submit());
    let _sender = world.sender(&to_servers(postfix.address().port()));
    let sent = submit(&mut peer, receiver.port("submission"));
    let delivered = postfix.delivered(sent.len());
    passes(&world, &delivered);
    arrived(&delivered, sent);
}

/// smtplib -> `scop receive` (submission) -> `scop send` -> another `scop receive` -> its Maildir.
#[test]
fn both_services_of_ours() {
    let Some(world) = World::new("") else { return };
    let Some(mut peer) = Peer::python("smtplib_peer.py", "smtplib") else {
        return;
    };
    let receiver = world.receiver(
        &["submission", "mx"],
        &format!("{}{}", world.submit(), world.maildir()),
    );
    let _sender = world.sender(&to_servers(receiver.port("mx")));
    let sent = submit(&mut peer, receiver.port("submission"));
    let stored = kept(&world.path("box/inbox"), sent.len());
    for message in &stored {
        let results = field(message, "Authentication-Results:");
        assert!(
            results.contains("dkim=pass")
                && results.contains("spf=pass")
                && results.contains("dmarc=pass"),
            "{results}"
        );
        assert_eq!(
            results,
            world.check(message, "client.example.test", "joe@example.test")
        );
        assert!(
            trace(message).contains("with ESMTPSA"),
            "the submission left its trace"
        );
        assert!(
            trace(message).contains("with ESMTPS id"),
            "and so did the port of servers"
        );
    }
    arrived(&stored, sent);
}

fn submit(peer: &mut Peer, port: u16) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for (name, message) in messages() {
        let answer = peer.ask(&json!({
            "port": port, "from": "joe@example.test", "to": ["x@d.test"], "starttls": true, "user": "joe",
            "password": "secret", "mechanism": "PLAIN", "message": STANDARD.encode(&message),
        }));
        assert_eq!(answer["refused"], json!({}), "{name} {answer}");
        sent.push(message);
    }
    sent
}

fn passes(world: &World, delivered: &[Vec<u8>]) {
    for message in delivered {
        let results = world.check(message, "client.example.test", "joe@example.test");
        assert!(
            results.contains("dkim=pass") && results.contains("dmarc=pass"),
            "{results}"
        );
    }
}
