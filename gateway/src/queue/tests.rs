use super::*;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use tokio::time::sleep;

use crate::service::config::Span;
use crate::spool::{Envelope, Recipient};

mod asked;
mod faults;

const START: u64 = 1_800_000_000;

/// A folder with two spools, removed with this value, and a clock.
struct World {
    folder: PathBuf,
    spool: Spool,
    bounces: Spool,
    began: Instant,
    /// How far the clock on the wall has jumped.
    jump: Arc<AtomicI64>,
    retry: Retry,
    poll: Duration,
}

/// What a server does with a recipient: by its path, and the number of attempts before.
type Script = Arc<dyn Fn(&str, usize) -> Outcome + Send + Sync>;

/// A way to servers that follow a script, after a time that depends on the domain.
#[derive(Clone)]
struct Scripted {
    script: Script,
    delay: fn(&str) -> Duration,
    began: Instant,
    attempts: Arc<Mutex<Vec<(Id, String, Duration)>>>,
    counts: Arc<Mutex<HashMap<(Id, String), usize>>>,
    wakes: Arc<AtomicU32>,
}

impl Transport for Scripted {
    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }

    async fn deliver(
        &self,
        message: &Outgoing,
        domain: &str,
        recipients: &[usize],
    ) -> Vec<Outcome> {
        let paths: Vec<_> = recipients
            .iter()
            .map(|&index| message.entry.envelope.to[index].path.clone())
            .collect();
        sleep((self.delay)(domain)).await;
        let mut attempts = self.attempts.lock().unwrap();
        paths
            .into_iter()
            .map(|path| {
                let id = &message.entry.id;
                let mut counts = self.counts.lock().unwrap();
                let count = counts.entry((id.clone(), path.clone())).or_default();
                let outcome = (self.script)(&path, *count);
                *count += 1;
                attempts.push((id.clone(), path, self.began.elapsed()));
                outcome
            })
            .collect()
    }
}

impl Scripted {
    /// When these were tried, in seconds.
    fn times(&self, path: &str) -> Vec<u64> {
        let attempts = self.attempts.lock().unwrap();
        attempts
            .iter()
            .filter(|it| it.1 == path)
            .map(|it| it.2.as_secs())
            .collect()
    }

    fn count(&self) -> usize {
        self.attempts.lock().unwrap().len()
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered {
        host: "mx.example.org".to_owned(),
        reply: "250 2.0.0 taken".to_owned(),
        reports: false,
    }
}

fn failure(host: Option<&str>, status: &str, reply: &str) -> Failure {
    Failure {
        status: status.to_owned(),
        host: host.map(ToOwned::to_owned),
        reply: host.map(|_| reply.to_owned()),
        why: if host.is_some() {
            "the server refused it"
        } else {
            "no server could be reached"
        }
        .to_owned(),
    }
}

fn refused() -> Outcome {
    Outcome::Failed(failure(
        Some("mx.example.org"),
        "5.1.1",
        "550 5.1.1 no such user",
    ))
}

fn deferred() -> Outcome {
    Outcome::Deferred(failure(
        Some("mx.example.org"),
        "4.2.0",
        "450 4.2.0 come back later",
    ))
}

fn unreachable() -> Outcome {
    Outcome::Deferred(failure(None, "4.4.1", ""))
}

impl World {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("scop-queue-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let spool = Spool::open(&folder.join("spool")).unwrap();
        spool.hear().unwrap();
        Self {
            spool,
            bounces: Spool::open(&folder.join("bounces")).unwrap(),
            folder,
            began: Instant::now(),
            jump: Arc::default(),
            retry: Retry::default(),
            poll: Duration::from_secs(1),
        }
    }

    fn retry(mut self, first: u64, longest: u64, warn: u64, give_up: u64) -> Self {
        let span = |seconds| Span(Duration::from_secs(seconds));
        self.retry = Retry {
            first: span(first),
            longest: span(longest),
            warn: span(warn),
            give_up: span(give_up),
        };
        self
    }

    fn options(&self) -> Options {
        let figures = metrics::Sender::new().queue;
        let (began, jump) = (self.began, Arc::clone(&self.jump));
        Options {
            clock: Clock(Arc::new(move || {
                let now = START + began.elapsed().as_secs();
                UnixTime(now.saturating_add_signed(jump.load(Ordering::Relaxed)))
            })),
            poll: self.poll,
            stop: Duration::ZERO,
            ..Options::new("mx.example.net".to_owned(), self.retry.clone(), figures)
        }
    }

    fn transport(
        &self,
        script: impl Fn(&str, usize) -> Outcome + Send + Sync + 'static,
    ) -> Scripted {
        Scripted {
            script: Arc::new(script),
            delay: |_| Duration::from_millis(10),
            began: self.began,
            attempts: Arc::default(),
            counts: Arc::default(),
            wakes: Arc::default(),
        }
    }

    fn envelope(&self, from: &str, parameters: &str, to: &[(&str, &str)]) -> Envelope {
        let to = to.iter().map(|&(path, parameters)| Recipient {
            path: path.to_owned(),
            parameters: parameters.to_owned(),
        });
        Envelope {
            arrived: self.options().clock.now(),
            from: from.to_owned(),
            parameters: parameters.to_owned(),
            to: to.collect(),
            ..Envelope::default()
        }
    }

    fn put(&self, from: &str, to: &[(&str, &str)]) -> Id {
        let envelope = self.envelope(from, "", to);
        let mut writer = self.spool.write(&Id::new().unwrap(), &envelope).unwrap();
        writer
            .put(b"From: joe@example.net\r\nSubject: Hi\r\n\r\nHello\r\n")
            .unwrap();
        writer.commit().unwrap()
    }

    /// Runs a queue for so many seconds, and breaks it off.
    async fn run(&self, transport: &Scripted, seconds: u64) {
        self.run_with(
            transport,
            Some(self.bounces.clone()),
            self.options(),
            Duration::from_secs(seconds),
        )
        .await;
    }

    async fn run_with(
        &self,
        transport: &Scripted,
        bounces: Option<Spool>,
        options: Options,
        time: Duration,
    ) {
        let queue = Queue::new(self.spool.clone(), bounces, transport.clone(), options).unwrap();
        let (stopper, stop) = Stop::new();
        let stopping = async {
            sleep(time).await;
            stopper.send(true).unwrap();
        };
        tokio::join!(queue.run(stop), stopping);
    }

    fn left(&self) -> usize {
        self.spool.scan().unwrap().len()
    }

    fn kept(&self) -> usize {
        let names = fs::read_dir(self.folder.join("spool/failed")).unwrap();
        names
            .filter(|name| {
                !name
                    .as_ref()
                    .unwrap()
                    .file_name()
                    .to_str()
                    .unwrap()
                    .contains('.')
            })
            .count()
    }

    /// The notifications so far, with their envelopes.
    fn notifications(&self) -> Vec<(Envelope, String)> {
        let ids = self.bounces.scan().unwrap();
        ids.iter()
            .map(|id| {
                let mut entry = self.bounces.read(id).unwrap();
                let mut text = String::new();
                io::Read::read_to_string(&mut entry.file, &mut text).unwrap();
                (entry.envelope, text)
            })
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_gone() {
    let world = World::new();
    world.put(
        "<joe@example.net>",
        &[("<ann@example.org>", ""), ("<bob@example.com>", "")],
    );
    let transport = world.transport(|_, _| delivered());
    world.run(&transport, 10).await;
    assert_eq!((transport.count(), world.left(), world.kept()), (2, 0, 0));
    assert!(world.notifications().is_empty());
}

#[tokio::test(start_paused = true)]
async fn new_messages_are_noticed() {
    let world = World::new();
    let transport = world.transport(|_, _| delivered());
    let putting = async {
        for _ in 0..5 {
            sleep(Duration::from_secs(7)).await;
            world.put("<joe@example.net>", &[("<ann@example.org>", "")]);
        }
    };
    tokio::join!(world.run(&transport, 60), putting);
    let late: Vec<_> = transport
        .times("<ann@example.org>")
        .iter()
        .zip(1..)
        .map(|(time, nth)| time - 7 * nth)
        .collect();
    assert!(
        late.len() == 5 && late.iter().all(|&late| late <= 2),
        "{late:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_deferred_is_tried_again_and_only_that() {
    let world = World::new();
    world.put(
        "<joe@example.net>",
        &[("<now@example.org>", ""), ("<later@example.org>", "")],
    );
    let transport = world.transport(|path, before| match path {
        "<now@example.org>" => delivered(),
        _ if before < 3 => deferred(),
        _ => delivered(),
    });
    world.run(&transport, 3_600).await;
    assert_eq!(transport.times("<now@example.org>").len(), 1);
    let times = transport.times("<later@example.org>");
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits.len(), 3);
    for (wait, nominal) in waits.iter().zip([300, 600, 1_200]) {
        assert!(
            (nominal * 8 / 10..=nominal * 12 / 10 + 2).contains(wait),
            "{waits:?}"
        );
    }
    assert_eq!((world.left(), world.notifications().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_sender_is_warned_once_and_told_at_the_end() {
    let world = World::new().retry(60, 600, 1_000, 5_000);
    world.put("<joe@example.net>", &[("<ann@example.org>", "")]);
    let transport = world.transport(|_, _| deferred());
    world.run(&transport, 1_100).await;
    let warned = world.notifications();
    assert_eq!(warned.len(), 1);
    assert!(
        warned[0].1.contains("Action: delayed\r\n") && warned[0].1.contains("Will-Retry-Until:")
    );
    // It is told of an attempt that was just made.
    assert!(
        transport
            .times("<ann@example.org>")
            .iter()
            .any(|time| (1_000..1_010).contains(time))
    );
    world.run(&transport, 10_000).await;
    let told = world.notifications();
    assert_eq!((told.len(), world.left(), world.kept()), (2, 0, 0));
    let failed: Vec<_> = told
        .iter()
        .filter(|(_, text)| text.contains("Action: failed\r\n"))
        .collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].1.contains("Status: 4.2.0\r\n") && failed[0].1.contains("given up after"));
    assert_eq!(failed[0].0.from, "<>");
    assert_eq!(failed[0].0.to[0].path, "<joe@example.net>");
    let last = *transport.times("<ann@example.org>").last().unwrap();
    assert!((5_000..5_010).contains(&last), "{last}");
}

#[tokio::test(start_paused = true)]
async fn one_notification_tells_of_all_that_failed_together() {
    let world = World::new();
    let to = [
        ("<a@one.example>", ""),
        ("<b@two.example>", ""),
        ("<c@three.example>", ""),
        ("<d@one.example>", "NOTIFY=NEVER"),
    ];
    world.put("<joe@example.net>", &to);
    let mut transport = world.transport(|path, _| {
        if path.contains("three") {
            delivered()
        } else {
            refused()
        }
    });
    transport.delay = |domain| Duration::from_secs(domain.len() as u64);
    world.run(&transport, 60).await;
    let told = world.notifications();
    assert_eq!((told.len(), world.left(), world.kept()), (1, 0, 0));
    assert_eq!(told[0].1.matches("Final-Recipient").count(), 2);
    assert!(!told[0].1.contains("d@one.example"));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_who_does_not_want_to_know() {
    let world = World::new().retry(60, 600, 600, 3_000);
    for notify in ["NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=DELAY"] {
        world.put("<joe@example.net>", &[("<ann@example.org>", notify)]);
    }
    let transport = world.transport(|_, _| deferred());
    world.run(&transport, 20_000).await;
    let told = world.notifications();
    assert_eq!((told.len(), world.left(), world.kept()), (1, 0, 0));
    assert!(told[0].1.contains("Action: delayed"));
}

#[tokio::test(start_paused = true)]
async fn success_is_told_where_it_is_asked_for_and_the_next_server_does_not() {
    let world = World::new();
    let to = [
        ("<a@example.org>", "NOTIFY=SUCCESS"),
        ("<b@example.org>", "NOTIFY=SUCCESS"),
        ("<c@example.org>", ""),
    ];
    world.put("<joe@example.net>", &to);
    let transport = world.transport(|path, _| Outcome::Delivered {
        host: "mx.example.org".to_owned(),
        reply: "250 ok".to_owned(),
        reports: path.starts_with("<b"),
    });
    world.run(&transport, 60).await;
    let told = world.notifications();
    assert_eq!((told.len(), world.left()), (1, 0));
    assert!(told[0].1.contains("Action: relayed\r\nStatus: 2.0.0\r\n"));
    assert_eq!(told[0].1.matches("Final-Recipient").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_be_told_of_is_kept() {
    let world = World::new();
    // A notification, and what has no spool for notifications.
    world.put(
        "<>",
        &[("<ann@example.org>", ""), ("<good@example.org>", "")],
    );
    let transport = world.transport(|path, _| {
        if path.contains("good") {
            delivered()
        } else {
            refused()
        }
    });
    world.run(&transport, 60).await;
    assert_eq!(
        (world.left(), world.kept(), world.notifications().len()),
        (0, 1, 0)
    );
    world.put("<joe@example.net>", &[("<ann@example.org>", "")]);
    world
        .run_with(&transport, None, world.options(), Duration::from_secs(60))
        .await;
    assert_eq!((world.left(), world.kept()), (0, 2));
    assert_eq!(transport.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_domain_does_not_hold_up_the_others() {
    let world = World::new();
    for number in 0..300 {
        // The dead come first, as they would after a long night.
        let domain = if number < 200 {
            "dead.example"
        } else {
            "live.example"
        };
        world.put(
            "<joe@example.net>",
            &[(&format!("<n{number}@{domain}>"), "")],
        );
    }
    let mut transport = world.transport(|path, _| {
        if path.contains("dead") {
            unreachable()
        } else {
            delivered()
        }
    });
    transport.delay = |domain| Duration::from_secs(if domain == "dead.example" { 300 } else { 1 });
    world.run(&transport, 120).await;
    let attempts = transport.attempts.lock().unwrap();
    let live = attempts.iter().filter(|it| it.1.contains("live"));
    assert_eq!(live.clone().count(), 100);
    assert!(live.map(|it| it.2.as_secs()).max() < Some(20));
    assert_eq!(world.left(), 200);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_messages() {
    let world = World::new();
    let kinds = ["<now@example.org>", "<later@example.org>"];
    let firsts = kinds.map(|to| world.put("<joe@example.net>", &[(to, "")]));
    let queue = world.folder.join("spool/queue");
    for number in 2..10_000 {
        // A copy is not flushed, which is most of the time that it would take.
        let first = &firsts[usize::from(number % 10 == 0)];
        let copy = Id::new().unwrap();
        fs::copy(queue.join(first.as_str()), queue.join(copy.as_str())).unwrap();
    }
    let transport = world.transport(|path, before| {
        if before == 0 && path == "<later@example.org>" {
            deferred()
        } else {
            delivered()
        }
    });
    let mut options = world.options();
    options.share = 64;
    world
        .run_with(&transport, None, options, Duration::from_secs(7_200))
        .await;
    assert_eq!(
        (transport.count(), world.left(), world.kept()),
        (11_000, 0, 0)
    );
    let counts = transport.counts.lock().unwrap();
    let is_right = |((_, path), count): (&(Id, String), &usize)| {
        *count == 1 + usize::from(path.contains("later"))
    };
    assert!(counts.len() == 10_000 && counts.iter().all(is_right));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_loses_nothing_and_gives_nothing_up() {
    for jump in [86_400 * 365, -86_400 * 365] {
        let world = World::new();
        world.put("<joe@example.net>", &[("<ann@example.org>", "")]);
        let transport =
            world.transport(|_, before| if before < 4 { deferred() } else { delivered() });
        let jumping = async {
            sleep(Duration::from_secs(10)).await;
            world.jump.store(jump, Ordering::Relaxed);
        };
        tokio::join!(world.run(&transport, 30), jumping);
        // Restarted, the next attempt is no later than the longest wait.
        world.run(&transport, 2 * 4 * 3_600 + 60).await;
        world.run(&transport, 4 * 4 * 3_600).await;
        assert_eq!(
            (transport.count(), world.left(), world.kept()),
            (5, 0, 0),
            "{jump}"
        );
        let failures = world
            .notifications()
            .iter()
            .filter(|it| it.1.contains("Action: failed"))
            .count();
        assert_eq!(failures, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_state_is_begun_anew() {
    let world = World::new();
    let id = world.put(
        "<joe@example.net>",
        &[("<ann@example.org>", ""), ("<bob@example.org>", "")],
    );
    let transport = world.transport(|path, before| {
        if path.contains("ann") || before > 0 {
            delivered()
        } else {
            deferred()
        }
    });
    world.run(&transport, 30).await;
    assert_eq!(transport.count(), 2);
    world.spool.set_state(&id, b"{\"version\":1").unwrap();
    world.run(&transport, 30).await;
    assert_eq!(
        (transport.times("<ann@example.org>").len(), world.left()),
        (2, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_transport_with_a_fault_loses_nothing() {
    let world = World::new();
    world.put("<joe@example.net>", &[("<ann@example.org>", "")]);
    let mut faulty = world.transport(|_, _| delivered());
    faulty.delay = |_| panic!("a fault that the test wants");
    world.run(&faulty, 60).await;
    assert_eq!((faulty.count(), world.left()), (0, 1));
    let healed = world.transport(|_, _| delivered());
    world.run(&healed, 4_000).await;
    assert_eq!(world.left(), 0);
}

#[tokio::test]
async fn a_second_queue_is_refused() {
    let world = World::new();
    let transport = world.transport(|_, _| delivered());
    let first = Queue::new(
        world.spool.clone(),
        None,
        transport.clone(),
        world.options(),
    )
    .unwrap();
    let spool = Spool::open(&world.folder.join("spool")).unwrap();
    let refused = Queue::new(spool, None, transport, world.options()).map(|_| ());
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .ends_with("another process works on this spool")
    );
    drop(first);
}

/// Servers say more of the recipients than a spool keeps of a message: who has it is not tried again.
#[tokio::test(start_paused = true)]
async fn much_said_of_many_recipients() {
    let world = World::new();
    let paths: Vec<String> = (0..20_000)
        .map(|number| format!("<{number}@example.org>"))
        .collect();
    let to: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
    world.put("<joe@example.net>", &to);
    let long = "x".repeat(1_000);
    let transport = world.transport(move |path, before| {
        if path.starts_with("<0@") || before > 0 {
            return delivered();
        }
        Outcome::Deferred(failure(Some("mx.example.org"), "4.2.0", &long))
    });
    world.run(&transport, 600).await;
    assert_eq!((transport.count(), world.left()), (40_000 - 1, 0));
}

/// A domain that takes connections and says nothing has one place after a while.
#[tokio::test(start_paused = true)]
async fn a_silent_domain_does_not_hold_up_the_others() {
    let world = World::new();
    for _ in 0..100 {
        world.put("<joe@example.net>", &[("<ann@silent.example>", "")]);
    }
    let mut transport = world.transport(|path, _| {
        if path.contains("silent") {
            Outcome::Deferred(Failure {
                host: Some("mx.silent.example".to_owned()),
                ..failure(None, "4.4.2", "")
            })
        } else {
            delivered()
        }
    });
    transport.delay =
        |domain| Duration::from_secs(if domain == "silent.example" { 300 } else { 0 });
    world.run(&transport, 1_000).await;
    let times = transport.times("<ann@silent.example>");
    let later = times.iter().filter(|&&time| time > 310).count();
    assert!(later <= 3, "{times:?}");
}
