//! What goes wrong around a service: a full disk, one that may only be read, a clock that jumps, files that change.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::{Peer, python};
use scop_interop::program::{Certificate, Program, free_port};
use scop_interop::service::{Service, maildir};
use serde_json::{Value, json};

use crate::send::{files, to_servers, wait};
use crate::world::{World, arrived, messages, private};

/// A small disk.
struct Disk(PathBuf);

impl Disk {
    /// `None` where disks cannot be mounted.
    fn new(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(&at);
        if !mount.status().is_ok_and(|status| status.success()) {
            scop_interop::skip("a small disk cannot be mounted: that is for root alone");
            return None;
        }
        Some(Self(at))
    }

    fn remount(&self, how: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(&self.0)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{how}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn send(peer: &mut Peer, port: u16, message: &[u8]) -> Value {
    peer.ask(&json!({
        "port": port, "from": "joe@example.test", "to": ["x@d.test"], "message": STANDARD.encode(message),
    }))
}

/// Mail is deferred while the disk is full or may only be read, nothing half-written stays, and it goes on afterwards.
#[test]
fn a_disk_that_takes_no_more() {
    let Some(world) = World::new("") else { return };
    let Some(mut peer) = Peer::python("smtplib_peer.py", "smtplib") else {
        return;
    };
    let Some(disk) = Disk::new(world.path("box"), "4m") else {
        return;
    };
    let rest = format!("{}[limits]\nfree_space = 0\n", world.maildir());
    let receiver = world.receiver(&["mx"], &rest);
    let all = messages();
    let (_, large) = all.last().unwrap();
    let port = receiver.port("mx");
    let mut taken = Vec::new();
    let full = loop {
        let answer = send(&mut peer, port, large);
        if answer.get("error").is_some() {
            break answer;
        }
        taken.push(large.clone());
        assert!(taken.len() < 100, "the disk is never full");
    };
    assert_eq!(full["code"], json!(452), "{full}");
    assert!(full["text"].as_str().unwrap().contains("4.3.1"), "{full}");
    let inbox = world.path("box/inbox");
    arrived(&maildir(&inbox), taken.clone());
    assert_eq!(files(&inbox.join("tmp")).len(), 0, "half-written files");
    // Room again.
    for file in files(&inbox.join("new")) {
        fs::remove_file(file).unwrap();
    }
    assert_eq!(send(&mut peer, port, large)["refused"], json!({}));
    disk.remount("ro");
    let refused = send(&mut peer, port, large);
    assert!(
        refused["code"]
            .as_u64()
            .is_some_and(|code| (450..460).contains(&code)),
        "{refused}"
    );
    disk.remount("rw");
    assert_eq!(send(&mut peer, port, large)["refused"], json!({}));
    assert_eq!(maildir(&inbox).len(), 2);
    drop(receiver);
}

/// The fingerprint of the certificate that a server shows behind STARTTLS.
fn shown(port: u16) -> String {
    let script = format!(
        "import hashlib, smtplib, ssl\nc = ssl.create_default_context()\nc.check_hostname, c.verify_mode = False, ssl.CERT_NONE\n\
         s = smtplib.SMTP('127.0.0.1', {port})\ns.starttls(context=c)\nprint(hashlib.sha256(s.sock.getpeercert(True)).hexdigest())"
    );
    let output = Command::new(python())
        .args(["-c", &script])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A new certificate is shown after SIGHUP; broken files change nothing and are told of.
#[test]
fn files_that_change() {
    let Some(world) = World::new("") else { return };
    if Peer::python("smtplib_peer.py", "smtplib").is_none() {
        return;
    }
    let receiver = world.receiver(&["mx"], &world.maildir());
    let port = receiver.port("mx");
    let first = shown(port);
    Certificate::new().write(world.folder.path());
    private(&world.path("key.pem"));
    receiver.service.signal("HUP");
    wait(
        "the new certificate",
        || receiver.service.log(),
        || shown(port) != first,
    );
    let second = shown(port);
    fs::write(world.path("cert.pem"), "no certificate").unwrap();
    fs::write(world.path("receive.toml"), "no = [configuration").unwrap();
    receiver.service.signal("HUP");
    receiver.service.wait_for("cert.pem");
    sleep(Duration::from_millis(200));
    assert_eq!(shown(port), second);
    assert!(receiver.service.stop().success());
}

/// The clock goes back by ten days, or forward by three: what waits is tried soon, and is not given up.
#[test]
fn a_clock_that_jumps() {
    for (before, after) in [("+10d", "+0d"), ("+0d", "+3d")] {
        let Some(world) = World::new("") else { return };
        let port = free_port();
        let at = format!("127.0.0.1:{port}").parse().unwrap();
        let config = world.sender_config(&to_servers(port));
        let Some(sink) = Program::smtp_sink_at(at, &["-r", "rcpt"]) else {
            return;
        };
        let Some(sender) = Service::sender_at(world.folder.path(), &config, before) else {
            return;
        };
        let (_, message) = messages().swap_remove(0);
        world.submit_file("joe@example.test", &["x@d.test"], &message);
        sender.wait_for("450");
        assert!(sender.stop().success());
        drop(sink);
        let Some(sink) = Program::smtp_sink_at(at, &[]) else {
            return;
        };
        let Some(sender) = Service::sender_at(world.folder.path(), &config, after) else {
            return;
        };
        wait(
            &format!("{before} to {after}"),
            || sender.log(),
            || !sink.dumps().is_empty(),
        );
        assert!(
            String::from_utf8_lossy(&sink.dumps()[0]).contains("Hello"),
            "a report instead of the message"
        );
    }
}
