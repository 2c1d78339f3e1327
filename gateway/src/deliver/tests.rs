//! Deliveries to small servers on loopback, which follow rules and break them where they are told to.

mod content;
mod fake;
mod kept;
mod own;
mod tls;

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::LazyLock;
use std::time::Duration;

use scop_smtp_proto::client::TlsPolicy;

use super::*;
use crate::queue::Outgoing;
use crate::spool::{Entry, Envelope, Id, Recipient};
use fake::{At, Fake, Fault, Rules};

/// The authorities of the platform, read once for all tests.
static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::new(None).unwrap());

/// Waits that are long enough for a busy machine.
fn settings() -> Settings {
    with_waits(Duration::from_secs(20))
}

/// Short waits, so that silence is over soon.
fn impatient() -> Settings {
    with_waits(Duration::from_millis(400))
}

fn with_waits(wait: Duration) -> Settings {
    let mut settings = Settings::new("client.example.org", TRUST.clone());
    let timeouts = &mut settings.timeouts;
    timeouts.greeting = wait;
    timeouts.mail = wait;
    timeouts.rcpt = wait;
    timeouts.data = wait;
    timeouts.block = wait;
    timeouts.end = wait;
    timeouts.command = wait;
    timeouts.tls = wait;
    settings.quit = wait;
    settings.idle = Duration::from_secs(20);
    settings
}

/// For a server with this fault.
fn settings_for(fault: Fault) -> Settings {
    match fault {
        Fault::Silence => impatient(),
        _ => settings(),
    }
}

fn target(server: &Fake) -> Target {
    Target {
        host: "mx.example.org".to_owned(),
        address: server.address,
        lmtp: server.is_lmtp(),
        implicit_tls: false,
        tls: TlsPolicy::None,
        names: Vec::new(),
    }
}

fn temporary_path() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("scop-deliver-{:x}", getrandom::u64().unwrap()))
}

/// A message in a file without a name, behind what stands for its envelope.
fn message(parameters: &str, to: &[(&str, &str)], content: &[u8]) -> Outgoing {
    let path = temporary_path();
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(b"envelope\n").unwrap();
    file.write_all(content).unwrap();
    file.seek(SeekFrom::Start(9)).unwrap();
    let to = to.iter().map(|(path, parameters)| Recipient {
        path: (*path).to_owned(),
        parameters: (*parameters).to_owned(),
    });
    Outgoing {
        entry: Entry {
            id: Id::new().unwrap(),
            envelope: Envelope {
                from: "<joe@example.org>".to_owned(),
                parameters: parameters.to_owned(),
                to: to.collect(),
                ..Envelope::default()
            },
            file,
            octets: content.len() as u64,
            start: 9,
        },
        prefix: b"DKIM-Signature: x\r\n".to_vec(),
    }
}

const TO: &[(&str, &str)] = &[("<ann@example.net>", ""), ("<bob@example.net>", "")];
const TEXT: &[u8] = b"Subject: hi\r\n\r\n.\r\nHello\r\n";

/// `+` delivered, `-` failed, `~` deferred, with the status.
fn short(delivery: &Delivery) -> String {
    match &delivery.outcomes {
        Err(failure) => format!("! {}", failure.status),
        Ok(outcomes) => {
            let words: Vec<_> = outcomes
                .iter()
                .map(|outcome| match outcome {
                    Outcome::Delivered { reports: false, .. } => "+".to_owned(),
                    Outcome::Delivered { reports: true, .. } => "+reports".to_owned(),
                    Outcome::Failed(failure) => format!("-{}", failure.status),
                    Outcome::Deferred(failure) => format!("~{}", failure.status),
                })
                .collect();
            words.join(" ")
        }
    }
}

#[tokio::test]
async fn three_messages_over_one_connection() {
    let server = Fake::start(Rules::default()).await;
    let pool = Pool::new(settings()).unwrap();
    for _ in 0..3 {
        let delivery = pool
            .deliver(&target(&server), &message("", TO, TEXT), &[0, 1])
            .await;
        assert_eq!(short(&delivery), "+ +");
        assert_eq!(delivery.tls, TlsResult::Plain);
    }
    let seen = server.seen();
    assert_eq!(seen.connections, 1);
    assert_eq!(seen.messages.len(), 3);
    for message in &seen.messages {
        assert_eq!(**message, [b"DKIM-Signature: x\r\n", TEXT].concat());
    }
    pool.close().await;
    assert_eq!(server.seen().commands.last().unwrap(), "QUIT");
}

/// Each fault at each command: what becomes of one of two recipients.
#[tokio::test]
async fn faults() {
    const FAULTS: [Fault; 6] = [
        Fault::Say("451 4.1.2 later\r\n"),
        Fault::Say("554 5.1.3 never\r\n"),
        Fault::Say("421 4.3.2 closing\r\n"),
        Fault::Close,
        Fault::Say("hello there\r\n"),
        Fault::Silence,
    ];
    #[rustfmt::skip]
    let cases = [
        ("",     ["! 4.1.2", "! 5.1.3", "! 4.3.2", "! 4.4.2", "! 4.5.0", "! 4.4.2"]),
        ("EHLO", ["! 4.1.2", "! 5.1.3", "! 4.3.2", "! 4.4.2", "! 4.5.0", "! 4.4.2"]),
        ("MAIL", ["~4.1.2 ~4.1.2", "-5.1.3 -5.1.3", "! 4.3.2", "! 4.4.2", "! 4.5.0", "! 4.4.2"]),
        ("RCPT", ["~4.1.2 +", "-5.1.3 +", "~4.3.2 ~4.3.2", "~4.4.2 ~4.4.2", "~4.5.0 ~4.5.0", "~4.4.2 ~4.4.2"]),
        ("DATA", ["~4.1.2 ~4.1.2", "-5.1.3 -5.1.3", "~4.3.2 ~4.3.2", "~4.4.2 ~4.4.2", "~4.5.0 ~4.5.0", "~4.4.2 ~4.4.2"]),
        (".",    ["~4.1.2 ~4.1.2", "-5.1.3 -5.1.3", "~4.3.2 ~4.3.2", "~4.4.2 ~4.4.2", "~4.5.0 ~4.5.0", "~4.4.2 ~4.4.2"]),
        ("QUIT", ["+ +"; 6]),
    ];
    for pipelining in [false, true] {
        for (command, results) in cases {
            for (fault, result) in FAULTS.into_iter().zip(results) {
                let mut rules = Rules::default().with_fault(command, fault);
                if pipelining {
                    rules.announce.push("PIPELINING");
                }
                let server = Fake::start(rules).await;
                let pool = Pool::new(settings_for(fault)).unwrap();
                let message = message("", TO, TEXT);
                let delivery = pool.deliver(&target(&server), &message, &[0, 1]).await;
                pool.close().await;
                assert_eq!(short(&delivery), result, "{fault:?} at {command:?}");
                let failure = match &delivery.outcomes {
                    Err(failure) => failure,
                    Ok(list) => match list.first() {
                        Some(Outcome::Failed(failure) | Outcome::Deferred(failure)) => failure,
                        _ => continue,
                    },
                };
                assert_eq!(
                    failure.why.contains("twice"),
                    command == "." && result.contains("4.4.2") | result.contains("4.5.0"),
                    "{fault:?} at {command:?}: {failure:?}"
                );
            }
        }
    }
}
