//! `scop demo`: both services on this computer, with a DNS of their own. A signed message travels from one to
//! the other, a forger writes to the receiver, and what came of it is shown.
//!
//! Nothing is played: the services are this program, started as an administrator would start it, in a folder
//! that goes away afterwards. What is shown was read from the mailbox, from the receiver's replies and log,
//! and from the kernel. Every wait has an end.

pub(crate) mod dns;
pub(crate) mod forger;
pub(crate) mod service;
pub(crate) mod stage;
pub(crate) mod table;

mod mailbox;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use self::dns::Server;
use self::mailbox::Letter;
use self::service::{Confinement, Event, Log, Service, program};
use self::stage::{ACCOUNT, ANN, JOE, OTHER_ACCOUNT, Stage};
use self::table::{Act, Fate, Process, Results, Story};
use crate::cli::Demo;
use crate::error::Error;
use crate::message::reason;
use crate::resolve::zone::Zones;
use crate::terminal::{Style, say};

/// How long each thing may take that the services do. All together take seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it takes until one looks again.
const GLANCE: Duration = Duration::from_millis(10);

/// Something did not happen as it should.
const FAILED: u8 = 1;

/// Shows it; gives the exit code.
pub(crate) fn run(arguments: &Demo) -> Result<u8, Error> {
    let stage = Stage::new(arguments.keep)?;
    let zones = stage.furnish()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Error::new("the threads cannot be made", reason(&error)))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = play(&stage, zones) => ended,
            ended = interrupted() => ended,
        }
    });
    if arguments.keep {
        say(format_args!("all of it is in {}", stage.folder().display()));
    }
    match ended {
        Ok(story) => {
            crate::print(&table::render(&story, Style::of_stdout()))?;
            Ok(if story.went_well() { 0 } else { FAILED })
        }
        Err(error) => {
            say(error);
            Ok(FAILED)
        }
    }
}

/// Returns when somebody wants the end.
async fn interrupted() -> Result<Story, Error> {
    let listen = |kind| signal(kind).map_err(|error| Error::new("signals", reason(&error)));
    let (mut interrupt, mut terminate) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Err(Error::new("demo", "interrupted"))
}

/// Starts all, lets the messages travel, and stops all.
async fn play(stage: &Stage, zones: Zones) -> Result<Story, Error> {
    let mut services = Vec::new();
    let story = perform(stage, zones, &mut services).await;
    if story.is_err() {
        // Who has ended says why; otherwise either may know.
        let any_ended = services.iter_mut().any(|service| service.ended().is_some());
        for service in &mut services {
            if !any_ended || service.ended().is_some() {
                service.say_last_lines();
            }
        }
    }
    let mut stopped = Ok(());
    for service in services {
        let result = service.stop().await;
        stopped = stopped.and(result);
    }
    // What went wrong first is what counts.
    let story = story?;
    stopped.map(|()| story)
}

async fn perform(stage: &Stage, zones: Zones, services: &mut Vec<Service>) -> Result<Story, Error> {
    let server = Server::bind(zones)
        .await
        .map_err(|error| Error::new("the DNS server", reason(&error)))?;
    let dns = server.address();
    tokio::spawn(server.serve());

    let config = stage.configure_receiver(dns)?;
    let folder = stage.folder().join("receiver");
    let receiver = Service::start("receiver", "receive", &config, &folder)?;
    let log = receiver.log().clone();
    services.push(receiver);
    all_ready(services).await?;
    let what = "the receiver's log says where it listens";
    let address = until(services, what, |_| listening(&log)).await?;

    let config = stage.configure_sender(dns, address.port())?;
    let folder = stage.folder().join("sender");
    services.push(Service::start("sender", "send", &config, &folder)?);
    all_ready(services).await?;
    let processes = services
        .iter()
        .zip([
            format!("takes Ann's mail at {address}; knows no key of Joe's"),
            "sends Joe's mail with his keys; listens nowhere".to_owned(),
        ])
        .map(|(service, does)| Process {
            name: service.name(),
            pid: service.pid(),
            does,
            confinement: Confinement::of(service),
        })
        .collect();

    submit(stage, config.as_ref()).await?;
    let mailbox = stage.folder().join("receiver/mail/ann");
    let letter = until(services, "Joe's message is in Ann's mailbox", |_| {
        mailbox::first(&mailbox).transpose()
    })
    .await?;
    let genuine = Act {
        title: "Joe's message",
        genuine: true,
        says_from: letter.from.clone(),
        really_from: "Joe's sender, 127.0.0.1".to_owned(),
        text: format!("to account {ACCOUNT}"),
        connection: letter.connection,
        results: letter.results.clone(),
        fate: Fate::Kept,
    };
    let forged = stage::message(&stage::date(), OTHER_ACCOUNT);
    let forged = forge(services, &log, address, "forged", forged.as_bytes()).await?;
    let altered = altered(&letter)?;
    let altered = forge(services, &log, address, "altered on its way", &altered).await?;
    Ok(Story {
        services: processes,
        acts: vec![genuine, forged, altered],
        kept: mailbox::count(&mailbox)?,
    })
}

/// Joe's message with another account in it, and his signatures.
fn altered(letter: &Letter) -> Result<Vec<u8>, Error> {
    let text = String::from_utf8_lossy(&letter.signed);
    let altered = text.replace(
        &format!("ends in {ACCOUNT}"),
        &format!("ends in {OTHER_ACCOUNT}"),
    );
    if altered == text {
        return Err(Error::new("Joe's message", "has arrived without its text"));
    }
    Ok(altered.into_bytes())
}

/// Hands the message to the sender, as its users do.
async fn submit(stage: &Stage, config: &OsStr) -> Result<(), Error> {
    let message = stage.folder().join("message.eml");
    let arguments: [&OsStr; 8] = [
        "send".as_ref(),
        "--config".as_ref(),
        config,
        message.as_ref(),
        "--from".as_ref(),
        JOE.as_ref(),
        "--to".as_ref(),
        ANN.as_ref(),
    ];
    let ended = tokio::time::timeout(PATIENCE, program(arguments)?.output())
        .await
        .map_err(|_| Error::new("scop send", "does not end in time"))?
        .map_err(|error| Error::new("scop send", reason(&error)))?;
    if ended.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    Err(Error::new("scop send", words.trim_end()))
}

/// The forger's message, and what came of it.
async fn forge(
    services: &mut [Service],
    log: &Log,
    receiver: SocketAddr,
    title: &'static str,
    message: &[u8],
) -> Result<Act, Error> {
    // Of other clients, the log may still say what they did before.
    let found = || -> Vec<Results> {
        let events = log.events();
        let of_forger = |event: &Event| mailbox::of_event(event, forger::ADDRESS.into());
        events.iter().filter_map(of_forger).collect()
    };
    let before = found().len();
    let answer = forger::send(receiver, message).await?;
    let what = "the receiver's log says what it found out";
    let results = until(services, what, |_| Ok(found().into_iter().nth(before))).await?;
    Ok(Act {
        title,
        genuine: false,
        says_from: JOE.to_owned(),
        really_from: format!("a forger, {}", forger::ADDRESS),
        text: format!("to account {OTHER_ACCOUNT}"),
        // The forger does not ask for more.
        connection: mailbox::CLEAR,
        results,
        fate: if answer.accepted {
            Fate::Taken {
                reply: answer.reply,
            }
        } else {
            Fate::Refused {
                reply: answer.reply,
            }
        },
    })
}

/// Waits until each service does its work.
async fn all_ready(services: &mut [Service]) -> Result<(), Error> {
    until(services, "the services are ready", |services| {
        Ok(services.iter().all(Service::is_ready).then_some(()))
    })
    .await
}

/// Looks again and again, as long as the services live, and not for ever.
async fn until<T>(
    services: &mut [Service],
    what: &str,
    mut look: impl FnMut(&[Service]) -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look(services)? {
            return Ok(found);
        }
        for service in &mut *services {
            if let Some(status) = service.ended() {
                return Err(Error::new(
                    service.name(),
                    format_args!("ended too soon, with {status}"),
                ));
            }
        }
        if Instant::now() >= end {
            let rule = format!("not within {} s", PATIENCE.as_secs());
            return Err(Error::new(what, rule));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Where the receiver listens, as its log says.
fn listening(log: &Log) -> Result<Option<SocketAddr>, Error> {
    let events = log.events();
    let found = events
        .iter()
        .find(|event| event.get("message").and_then(Value::as_str) == Some("listening"));
    found
        .map(|event| {
            let address = event
                .get("address")
                .and_then(Value::as_str)
                .unwrap_or_default();
            address.parse().map_err(|_| {
                Error::new(
                    "the receiver's log",
                    format_args!("no address: {address:?}"),
                )
            })
        })
        .transpose()
}
