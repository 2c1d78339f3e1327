//! What operators ask for.

use super::*;

use crate::spool::fault::{Fault, after};

fn removal(id: &Id, tells: bool) -> Request {
    let id = id.clone();
    Request::Remove { id, tells }
}

impl World {
    /// Asks while nobody runs.
    fn ask(&self, request: &Request) {
        self.spool.hear().unwrap();
        self.spool.ask(request).unwrap();
    }

    /// Runs for so many seconds, and is asked after some of them.
    async fn run_and_ask(&self, transport: &Scripted, seconds: u64, at: u64, request: &Request) {
        let asking = async {
            sleep(Duration::from_secs(at)).await;
            self.spool.ask(request).unwrap();
        };
        tokio::join!(self.run(transport, seconds), asking);
        assert_eq!(self.spool.requests().unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn one_message_is_tried_now() {
    let world = World::new();
    let ids = ["<ann@example.org>", "<bob@example.org>"].map(|to| world.put("<>", &[(to, "")]));
    let transport = world.transport(|_, _| deferred());
    let request = Request::Try(Some(ids[0].clone()));
    world.run_and_ask(&transport, 200, 100, &request).await;
    let times = transport.times("<ann@example.org>");
    assert!(
        times.len() == 2 && (100..103).contains(&times[1]),
        "{times:?}"
    );
    assert_eq!(transport.times("<bob@example.org>").len(), 1);
    assert_eq!(transport.wakes.load(Ordering::Relaxed), 1);
}

/// Also those that a restarted process would try much later.
#[tokio::test(start_paused = true)]
async fn all_messages_are_tried_now() {
    let world = World::new();
    for number in 0..40 {
        world.put("<>", &[(&format!("<x@d{number}.example>"), "")]);
    }
    let transport = world.transport(|_, _| deferred());
    world.run(&transport, 100).await;
    assert_eq!(transport.count(), 40);
    world.ask(&Request::Try(None));
    world.run(&transport, 100).await;
    assert_eq!(transport.count(), 80);
    assert_eq!(world.spool.requests().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn one_is_removed_and_nobody_is_told() {
    let world = World::new();
    let to = [("<ann@example.org>", ""), ("<bob@example.com>", "")];
    let [one, other] = [(); 2].map(|()| world.put("<joe@example.net>", &to));
    let transport = world.transport(|_, _| deferred());
    let request = removal(&one, false);
    world.run_and_ask(&transport, 200, 100, &request).await;
    assert_eq!(world.spool.scan().unwrap(), [other]);
    assert_eq!(transport.count(), 4);
    assert!(world.spool.state(&one).unwrap().is_none());
    assert_eq!((world.kept(), world.notifications().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_is_removed_and_its_sender_is_told() {
    let world = World::new();
    let to = [
        ("<ann@example.org>", ""),
        ("<done@example.org>", ""),
        ("<silent@example.org>", "NOTIFY=NEVER"),
        ("<bob@example.com>", ""),
    ];
    let id = world.put("<joe@example.net>", &to);
    let transport = world.transport(|path, _| match path {
        "<done@example.org>" => delivered(),
        _ => deferred(),
    });
    let request = removal(&id, true);
    world.run_and_ask(&transport, 200, 100, &request).await;
    assert_eq!((world.left(), world.kept()), (0, 0));
    let [(envelope, text)] = <[_; 1]>::try_from(world.notifications()).unwrap();
    assert_eq!(envelope.to[0].path, "<joe@example.net>");
    let count = |words: &str| text.matches(words).count();
    assert_eq!(count("Final-Recipient: rfc822; "), 2);
    assert_eq!(count("Final-Recipient: rfc822; ann@example.org\r\n"), 1);
    assert_eq!(count("Final-Recipient: rfc822; bob@example.com\r\n"), 1);
    assert_eq!(count("Action: failed\r\nStatus: 5.3.0\r\n"), 2);
    // What the server said, at a time that is not kept.
    assert_eq!(count("450 4.2.0 come back later"), 4);
    assert_eq!(count("Last-Attempt-Date"), 0);
}

/// What is asked for before the start is done before anything is tried.
#[tokio::test(start_paused = true)]
async fn many_are_removed_that_were_never_tried() {
    let world = World::new();
    let to = [("<ann@example.org>", "")];
    let stays = world.put("<joe@example.net>", &to);
    for number in 0..50 {
        let id = world.put("<joe@example.net>", &to);
        world.ask(&removal(&id, number % 10 == 0));
    }
    let transport = world.transport(|_, _| deferred());
    world.run(&transport, 60).await;
    assert_eq!(transport.count(), 1);
    assert_eq!(world.spool.scan().unwrap(), [stays]);
    assert_eq!(world.notifications().len(), 5);
    assert_eq!(world.spool.requests().unwrap(), []);
}

/// An attempt that is under way ends first, and counts.
#[tokio::test(start_paused = true)]
async fn removed_while_it_is_delivered() {
    for (is_delivered, told) in [(true, 0), (false, 1)] {
        let world = World::new().retry(1, 1, 10_000, 20_000);
        let id = world.put("<joe@example.net>", &[("<ann@example.org>", "")]);
        let mut transport = world.transport(move |_, _| {
            if is_delivered {
                delivered()
            } else {
                deferred()
            }
        });
        transport.delay = |_| Duration::from_secs(50);
        let request = removal(&id, true);
        world.run_and_ask(&transport, 200, 10, &request).await;
        assert_eq!((transport.count(), world.left(), world.kept()), (1, 0, 0));
        assert_eq!(world.notifications().len(), told);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_removed_unless_somebody_is_to_be_told() {
    let world = World::new();
    let id = world.put("<>", &[("<ann@example.org>", "")]);
    let transport = world.transport(|_, _| refused());
    world.run(&transport, 10).await;
    assert_eq!(world.kept(), 1);
    for (tells, left) in [(true, 1), (false, 0), (false, 0)] {
        let request = removal(&id, tells);
        world.run_and_ask(&transport, 20, 10, &request).await;
        assert_eq!(world.kept(), left);
    }
    let folder = world.folder.join("spool/failed");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

/// The process is killed, or the disk refuses, at each step of a removal in turn.
#[test]
fn a_fault_at_any_step_of_a_removal() {
    fn block_on<F: Future>(work: F) -> F::Output {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let builder = builder.enable_time().start_paused(true);
        builder.build().unwrap().block_on(work)
    }
    const NO_SPACE: i32 = 28;
    let to = [("<ann@example.org>", ""), ("<bob@example.com>", "")];
    for fault in [Fault::Death, Fault::Code(NO_SPACE)] {
        for tells in [false, true] {
            for steps in 0.. {
                let mut world = World::new();
                let [id, other] = [(); 2].map(|()| world.put("<joe@example.net>", &to));
                let transport = world.transport(|_, _| deferred());
                block_on(world.run(&transport, 100));
                world.ask(&removal(&id, tells));
                world.poll = Duration::from_secs(10);
                let run = || block_on(world.run(&transport, 100));
                let ((), happened) = after(steps, fault, run);
                block_on(world.run(&transport, 100));
                let what = format!("{fault:?} at step {steps}, {tells}");
                let left = world.spool.scan().unwrap();
                assert!(left.len() == 1 && left[0] == other, "{what}");
                assert!(world.spool.state(&other).unwrap().is_some(), "{what}");
                assert!(world.spool.state(&id).unwrap().is_none(), "{what}");
                assert_eq!(world.spool.requests().unwrap(), [], "{what}");
                assert_eq!((transport.count(), world.kept()), (4, 0), "{what}");
                assert_eq!(world.notifications().len(), usize::from(tells), "{what}");
                if !happened {
                    assert!(steps > 3, "{steps}");
                    break;
                }
            }
        }
    }
}
