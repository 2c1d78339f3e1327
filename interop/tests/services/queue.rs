//! `scop queue`: what operators see of a queue and ask of the service that works on it.

use std::path::Path;
use std::process::Command;

use scop_interop::program::{Program, free_port};
use scop_interop::service::scop;
use serde_json::Value;

use crate::send::{files, wait};
use crate::world::World;

const MESSAGE: &[u8] = b"From: joe@example.test\r\nTo: x@d.test\r\nSubject: queued\r\n\r\nhi\r\n";

/// What `scop queue` says of the spool of the sender, and its exit code.
fn queue(world: &World, arguments: &[&str]) -> (String, Option<i32>) {
    let config = world.path("send.toml");
    let place = ["--config", config.to_str().unwrap()];
    let arguments: Vec<_> = ["queue"]
        .iter()
        .chain(arguments)
        .chain(&place)
        .copied()
        .collect();
    let output = scop(&arguments, b"");
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

/// The messages that wait.
fn listed(world: &World) -> Vec<Value> {
    let (text, code) = queue(world, &["list", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// How often each was tried, and what was said last.
fn attempts(world: &World) -> Vec<(u64, String)> {
    let listed = listed(world);
    let recipients = listed.iter().map(|message| &message["recipients"][0]);
    let attempts = recipients.map(|recipient| {
        let reply = recipient["reply"].as_str().or(recipient["why"].as_str());
        let reply = reply.unwrap_or_default().to_owned();
        (recipient["attempts"].as_u64().unwrap(), reply)
    });
    attempts.collect()
}

fn dumps(sink: &Program, words: &str) -> usize {
    let dumps = sink.dumps();
    let with = dumps
        .iter()
        .filter(|dump| String::from_utf8_lossy(dump).contains(words));
    with.count()
}

#[test]
fn an_operator_lists_tries_and_removes() {
    let zone = "mx-host=example.test,home.test,10\nhost-record=home.test,127.0.2.1\n";
    let Some(world) = World::new(zone) else {
        return;
    };
    let port = free_port();
    let [away, home] = ["127.0.0.1", "127.0.2.1"].map(|ip| format!("{ip}:{port}").parse().unwrap());
    let Some(home) = Program::smtp_sink_at(home, &[]) else {
        return;
    };
    let bad = Program::smtp_sink_at(away, &["-r", "rcpt"]).unwrap();
    // Nothing is tried twice within this test, unless it is asked for.
    let config = format!(
        "[route]\nto = \"mx\"\nport = {port}\nprivate_addresses = true\n[retry]\nfirst = \"1h\"\nlongest = \"2h\"\n"
    );
    let sender = world.sender(&config);
    for to in ["x@d.test", "y@d.test"] {
        world.submit_file("joe@example.test", &[to], MESSAGE);
    }
    let tried = |counts: &[u64], words: &str| {
        let attempts = attempts(&world);
        let are = attempts
            .iter()
            .zip(counts)
            .all(|((count, said), wanted)| count == wanted && said.contains(words));
        are && attempts.len() == counts.len()
    };
    wait("not tried", || sender.log(), || tried(&[1, 1], "450"));
    let all = listed(&world);
    let [first, second] = [0, 1].map(|at| all[at]["id"].as_str().unwrap().to_owned());
    let (text, _) = queue(&world, &["list"]);
    assert!(
        text.contains("    <x@d.test>  1 attempt, next in ")
            && text.contains("mx.example.test said: 450 ")
            && text.contains("2 messages in the queue, "),
        "{text}"
    );
    let (text, _) = queue(&world, &["show", "--header", &first]);
    assert!(
        text.contains("  from        <joe@example.test>\n") && text.contains("Subject: queued\n"),
        "{text}"
    );
    // One, and then all of them.
    let heard = ("the service tries now\n".to_owned(), Some(0));
    assert_eq!(queue(&world, &["try", &second]), heard);
    wait("not tried", || sender.log(), || tried(&[1, 2], "450"));
    drop(bad);
    assert_eq!(queue(&world, &["try"]), heard);
    wait("not tried", || sender.log(), || tried(&[2, 3], "refused"));
    // One ends, and its sender is told.
    let removed = ("1 message removed\n".to_owned(), Some(0));
    assert_eq!(queue(&world, &["remove", "--notify", &first]), removed);
    wait(
        "no notification",
        || sender.log(),
        || dumps(&home, "operator of this mail system") == 1,
    );
    assert_eq!(dumps(&home, "Final-Recipient: rfc822; x@d.test"), 1);
    assert_eq!(listed(&world).len(), 1);
    // The server is back: its address is not left alone any more once an operator asks.
    let good = Program::smtp_sink_at(away, &[]).unwrap();
    assert_eq!(queue(&world, &["try"]), heard);
    wait(
        "not delivered",
        || sender.log(),
        || dumps(&good, "Subject: queued") == 1 && listed(&world).is_empty(),
    );
    // What is asked while nobody runs is done before anything is sent.
    assert!(sender.stop().success());
    world.submit_file("joe@example.test", &["z@d.test"], MESSAGE);
    let third = listed(&world)[0]["id"].as_str().unwrap().to_owned();
    let (text, code) = queue(&world, &["remove", "--silent", &third, "--wait", "0"]);
    assert!(
        code == Some(1) && text.contains("1 message asked to be removed, and not gone yet"),
        "{text}"
    );
    assert_eq!(listed(&world)[0]["asked"], "remove");
    only_its_user_can_ask(&world.path("spool"));
    let sender = world.sender(&config);
    let spool = || files(&world.path("spool"));
    wait(
        "the spool is not empty",
        || format!("{:?} {}", spool(), sender.log()),
        || spool().is_empty(),
    );
    assert_eq!((dumps(&good, "queued"), home.dumps().len()), (1, 1));
    for line in [
        format!("to be tried now, as asked id={second}"),
        "all messages are to be tried now, as asked".to_owned(),
        format!("to be removed, as asked id={first} told=true"),
        format!("to be removed, as asked id={third} told=false"),
    ] {
        assert!(sender.log().contains(&line), "{line}: {}", sender.log());
    }
}

/// The user of the receiver may put messages into the spool, and cannot remove any.
fn only_its_user_can_ask(spool: &Path) {
    let put = |name: &str| {
        let mut touch = Command::new("setpriv");
        touch
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "touch"])
            .arg(spool.join(name));
        touch.output().is_ok_and(|output| output.status.success())
    };
    let open = |mode: &str, name: &str| {
        let mut chmod = Command::new("chmod");
        let status = chmod.arg(mode).arg(spool.join(name)).status();
        assert!(status.is_ok_and(|status| status.success()));
    };
    // As docs/running.md has it.
    open("0711", "..");
    open("0711", "");
    open("3777", "queue");
    if !put("queue/.try") {
        scop_interop::skip("another user's rights are tried by root alone");
        return;
    }
    std::fs::remove_file(spool.join("queue/.try")).unwrap();
    assert!(!put("requests/try"));
}
