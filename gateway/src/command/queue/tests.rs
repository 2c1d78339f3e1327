use super::*;

use std::fs;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::queue::{Failure, Fate, State};
use crate::spool::tests::Place as Folder;
use crate::spool::{Envelope, Recipient};

/// What `scop queue` says, with its exit code or its error.
fn scop(arguments: &[&str]) -> (String, Result<u8, String>) {
    let arguments = ["scop", "queue"].iter().chain(arguments);
    let Command::Queue(command) = Cli::try_parse_from(arguments).unwrap().command else {
        panic!()
    };
    let mut out = Vec::new();
    let code = run(&command, &mut out).map_err(|error| error.to_string());
    (String::from_utf8(out).unwrap(), code)
}

/// A spool with a message, of which one recipient is done and one was deferred.
struct Stand {
    folder: Folder,
    spool: Spool,
    id: Id,
}

impl Stand {
    fn new() -> Self {
        let folder = Folder::new();
        let spool = Spool::open(&folder.0).unwrap();
        let recipient = |path: &str, parameters: &str| Recipient {
            path: path.to_owned(),
            parameters: parameters.to_owned(),
        };
        let mut envelope = Envelope {
            arrived: now(),
            client: "192.0.2.1".to_owned(),
            from: "<joe@example.org>".to_owned(),
            to: vec![
                recipient("<done@example.net>", ""),
                recipient("<ann@example.net>", "NOTIFY=FAILURE"),
            ],
            ..Envelope::default()
        };
        envelope.arrived.0 -= 7_265;
        let id = Id::new().unwrap();
        let mut writer = spool.write(&id, &envelope).unwrap();
        let message = b"Subject: \x1b[31mred\r\n\tfolded\r\n\r\nsecret content\r\n";
        writer.put(message).unwrap();
        writer.commit().unwrap();
        let mut state = State::new(&envelope);
        state.recipients[0] = Fate::Done;
        state.recipients[1] = Fate::Pending {
            attempts: 2,
            next: now().0 + 605,
            failure: Some(Failure {
                status: "4.2.0".to_owned(),
                host: Some("mx.example.net".to_owned()),
                reply: Some("450 4.2.0 later\u{202e}".to_owned()),
                why: "it said so".to_owned(),
            }),
        };
        spool.set_state(&id, &state.to_bytes()).unwrap();
        Self { folder, spool, id }
    }

    fn scop(&self, arguments: &[&str]) -> (String, Result<u8, String>) {
        let folder = self.folder.0.to_str().unwrap();
        let place = ["--spool", folder];
        let arguments: Vec<_> = arguments.iter().chain(&place).copied().collect();
        scop(&arguments)
    }

    fn bounce(&self) -> Id {
        let envelope = Envelope {
            from: "<>".to_owned(),
            to: vec![Recipient {
                path: "<joe@example.org>".to_owned(),
                parameters: String::new(),
            }],
            ..Envelope::default()
        };
        let mut writer = self.spool.write(&Id::new().unwrap(), &envelope).unwrap();
        writer.put(b"A: b\r\n").unwrap();
        writer.commit().unwrap()
    }
}

#[test]
fn what_is_listed() {
    let stand = Stand::new();
    let id = stand.id.as_str();
    let (text, code) = stand.scop(&["list"]);
    assert_eq!(code, Ok(0));
    let next = text
        .split_once("next in ")
        .and_then(|(_, rest)| rest.split_once('\n'))
        .unwrap()
        .0
        .to_owned();
    assert!(next.starts_with("10m") || next.starts_with("9m"), "{next}");
    assert_eq!(
        text,
        format!(
            "id                              age      size  from\n\
             {id}     2h1m      46 B  <joe@example.org>\n    \
             <ann@example.net>  2 attempts, next in {next}\n        \
             mx.example.net said: 450 4.2.0 later\\u{{202e}}\n\
             1 message in the queue, 46 B\n"
        )
    );
    let failed = stand.bounce();
    stand.spool.fail(&failed).unwrap();
    let broken = Id::new().unwrap();
    fs::write(stand.folder.0.join("queue").join(broken.as_str()), "none").unwrap();
    let (text, _) = stand.scop(&["list"]);
    assert!(text.contains(&format!("{broken}")) && text.contains("line 1: the file"));
    assert!(text.ends_with(&format!(
        "in `failed`, never tried again:\n{failed}  {:>7}       6 B  <>\n    <joe@example.org>\n\
         2 messages in the queue, 46 B; 1 message in `failed`\n",
        text.split_once(failed.as_str()).unwrap().1.split_whitespace().next().unwrap(),
    )));
    // One that cannot be read hides none of the others.
    let unread = stand.folder.0.join("state").join(broken.as_str());
    fs::create_dir(&unread).unwrap();
    let (text, code) = stand.scop(&["list"]);
    assert_eq!(code, Ok(0));
    assert!(text.contains("    it cannot be read: is a directory\n") && text.contains(id));
    let (_, code) = stand.scop(&["remove", "--notify", broken.as_str()]);
    assert!(code.unwrap_err().contains("nobody can be told"));
    fs::remove_dir(unread).unwrap();
    // Nothing was changed, made or set aside.
    assert!(!stand.folder.0.join("requests").exists());
    assert_eq!(stand.spool.list_failed().unwrap(), [failed]);
}

#[test]
fn what_is_listed_in_json() {
    let stand = Stand::new();
    stand.spool.hear().unwrap();
    stand.spool.ask(&Request::Try(None)).unwrap();
    let (text, code) = stand.scop(&["list", "--json"]);
    assert_eq!(code, Ok(0));
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["id"], stand.id.as_str());
    assert_eq!(line["place"], "queue");
    assert_eq!(line["octets"], 46);
    assert_eq!(line["asked"], "try");
    assert_eq!(line["count"], 2);
    assert_eq!(line["recipients"].as_array().unwrap().len(), 1);
    let recipient = &line["recipients"][0];
    assert_eq!(recipient["to"], "<ann@example.net>");
    assert_eq!(recipient["is"], "waiting");
    assert_eq!(recipient["attempts"], 2);
    assert_eq!(recipient["host"], "mx.example.net");
    assert_eq!(recipient["status"], "4.2.0");
    // On a terminal it steers nothing.
    assert_eq!(recipient["reply"], "450 4.2.0 later\u{202e}");
    assert!(text.is_ascii() && text.lines().count() == 1, "{text}");
    let (text, _) = stand.scop(&["show", "--json", stand.id.as_str()]);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["client"], "192.0.2.1");
    assert_eq!(line["recipients"][0]["is"], "done");
}

#[test]
fn what_is_shown() {
    let stand = Stand::new();
    let id = stand.id.as_str();
    let (text, code) = stand.scop(&["show", id]);
    assert_eq!(code, Ok(0));
    assert!(text.starts_with(&format!("{id}  in the queue\n  arrived     20")));
    for line in [
        "  client      192.0.2.1\n",
        "  to          <done@example.net>  done\n",
        "  to          <ann@example.net> NOTIFY=FAILURE  2 attempts, next in ",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("Subject"));
    let (text, _) = stand.scop(&["show", id, "--header"]);
    assert!(
        text.ends_with("\n\nSubject: \\u{1b}[31mred\n\tfolded\n"),
        "{text}"
    );
    assert!(!text.contains("secret"));
}

#[test]
fn an_empty_queue_and_none() {
    let folder = Folder::new();
    let path = folder.0.to_str().unwrap();
    let (_, code) = scop(&["list", "--spool", path]);
    assert_eq!(code, Err(format!("{path}: there is no spool")));
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    Spool::open(&folder.0).unwrap();
    let said = ("the queue is empty\n".to_owned(), Ok(0));
    assert_eq!(scop(&["list", "--spool", path]), said);
    // As the configurations of both services name it.
    for config in [
        format!("name = 'x'\nspool = '{path}'\nstate = '/none'\n[route]\nto = 'mx'\n"),
        format!("state = '{path}'\n[[listen]]\naddress = '127.0.0.1:25'\nkind = 'mx'\n"),
    ] {
        let file = folder.0.join("config.toml");
        fs::write(&file, config).unwrap();
        assert_eq!(scop(&["list", "--config", file.to_str().unwrap()]), said);
    }
    let file = folder.0.join("config.toml");
    fs::write(&file, "name = 'x'\n").unwrap();
    let (_, code) = scop(&["list", "--config", file.to_str().unwrap()]);
    assert!(code.unwrap_err().contains("it is of no sender"));
}

#[test]
fn what_is_asked_and_what_is_not() {
    let stand = Stand::new();
    let (id, bounce) = (stand.id.as_str(), stand.bounce());
    let (_, code) = stand.scop(&["try", "--wait", "0"]);
    assert!(
        code.unwrap_err()
            .ends_with("no service with a queue has worked on it yet")
    );
    stand.spool.hear().unwrap();
    let other = Id::new().unwrap();
    for (arguments, rule) in [
        (["try", "x", id], "26 digits and small letters"),
        (["try", id, other.as_str()], "there is no such message"),
        (
            ["remove", "--silent", other.as_str()],
            "there is no such message",
        ),
        (
            ["remove", "--notify", bounce.as_str()],
            "nobody can be told",
        ),
    ] {
        let (_, code) = stand.scop(&arguments);
        assert!(
            code.as_ref().is_err_and(|error| error.contains(rule)),
            "{code:?}"
        );
        assert_eq!(stand.spool.requests().unwrap(), []);
    }
    let (text, code) = stand.scop(&["try", id, id, "--wait", "0"]);
    assert_eq!(code, Ok(1));
    assert!(text.starts_with("asked; no service has heard it yet"));
    let id = Some(stand.id.clone());
    assert_eq!(stand.spool.requests().unwrap(), [Request::Try(id)]);
    let (text, code) = stand.scop(&["remove", "--silent", bounce.as_str(), "--wait", "0"]);
    assert_eq!(code, Ok(1));
    assert!(text.starts_with("1 message asked to be removed, and not gone yet"));
    let (text, _) = stand.scop(&["show", bounce.as_str()]);
    assert!(text.contains("it is asked to be removed, and nobody is told"));
}
