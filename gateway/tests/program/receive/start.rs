//! What a receiver says when it starts and when it is told to read again.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;

use super::MAILBOXES;
use super::service::Service;
use crate::run::{command, folder, scop};

fn config(test: &str, address: &str, more: &str) -> String {
    let folder = folder(test);
    let path = folder.join("receiver.toml");
    let text = format!(
        "name = \"mx.example.org\"\nstate = \"FOLDER/state\"\n{more}\n[[listen]]\naddress = \"{address}\"\nkind = \"mx\"\n{MAILBOXES}"
    );
    fs::write(&path, text.replace("FOLDER", folder.to_str().unwrap())).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_port_in_use_has_its_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (file, line) in [
        (config("start-port", &address, ""), 5),
        (
            config(
                "start-metrics",
                "127.0.0.1:0",
                &format!("metrics = '{address}'"),
            ),
            3,
        ),
    ] {
        let run = scop(&["receive", "--config", &file]);
        assert_eq!(run.code, 2);
        assert_eq!(
            run.err.lines().last().unwrap(),
            format!("scop: {file}:{line}: {address}: address already in use")
        );
    }
}

#[test]
fn a_log_of_json_is_one_from_its_first_line() {
    let more = "log.format = \"json\"";
    let file = config("start-json", "127.0.0.1:0", more);
    let mut child = command(&["receive", "--config", &file]).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut messages = Vec::new();
    while !messages.contains(&"ready".to_owned()) {
        let line = lines.next().unwrap().unwrap();
        let entry: serde_json::Value = serde_json::from_str(&line).expect(&line);
        messages.push(entry["message"].as_str().unwrap().to_owned());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let warning =
        format!("{file}:4: there is no [tls]: other servers send their mail in the clear");
    assert_eq!(messages[0], warning);
}

#[test]
fn a_changed_configuration_is_not_read_again_and_that_is_said() {
    let service = Service::start("start-changed", &["mx"], MAILBOXES);
    service.wait_for("ready", 1);
    let changed = "the configuration has changed since the start";
    service.hang_up();
    service.wait_for("told to read", 1);
    // It is looked at before the next signal is.
    service.hang_up();
    service.wait_for("told to read", 2);
    assert!(!service.log().contains(changed));
    let path = service.folder.join("receiver.toml");
    let text = fs::read_to_string(&path).unwrap() + "# new\n";
    fs::write(&path, text).unwrap();
    service.hang_up();
    service.wait_for(changed, 1);
}
