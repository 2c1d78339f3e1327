//! The process is killed, or the disk refuses, at each step in turn.

use super::*;

use crate::spool::fault::{Fault, after};

const TO: [(&str, &str); 6] = [
    ("<good@one.example>", ""),
    ("<bad@one.example>", ""),
    ("<later@two.example>", ""),
    ("<bad-later@one.example>", ""),
    ("<told@two.example>", "NOTIFY=SUCCESS"),
    ("<bad@three.example>", ""),
];

fn script(path: &str, before: usize) -> Outcome {
    match path {
        path if path.contains("later") && before < 2 => deferred(),
        path if path.contains("bad") => refused(),
        _ => delivered(),
    }
}

/// Runs a queue on a clock of its own, in which `fault` happens at step `steps`; says whether it came so far.
fn run(world: &World, transport: &Scripted, seconds: u64, steps: u32, fault: Fault) -> bool {
    after(steps, fault, || block_on(world.run(transport, seconds))).1
}

fn block_on<F: Future>(work: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

/// Recipients that are done, as the disk says.
fn done(world: &World, id: &Id) -> Vec<String> {
    let Ok(entry) = world.spool.read(id) else {
        return TO.iter().map(|to| to.0.to_owned()).collect();
    };
    let Some(text) = world.spool.state(id).unwrap() else {
        return Vec::new();
    };
    let state = State::parse(&text, &entry.envelope).unwrap();
    let pairs = TO.iter().zip(&state.recipients);
    pairs
        .filter(|(_, fate)| !matches!(fate, Fate::Pending { .. }))
        .map(|(to, _)| to.0.to_owned())
        .collect()
}

fn check(fault: Fault) -> u32 {
    let mut steps = 0;
    loop {
        let mut world = World::new();
        // Nothing new comes.
        world.poll = Duration::from_secs(600);
        let id = world.put("<joe@example.net>", &TO);
        let transport = world.transport(script);
        let happened = run(&world, &transport, 3_000, steps, fault);
        let (before, done) = (
            transport.attempts.lock().unwrap().clone(),
            done(&world, &id),
        );
        let after_restart = world.transport(move |path, before| script(path, before + 2));
        block_on(world.run(&after_restart, 20_000));
        // Nobody is forgotten.
        assert_eq!(
            (world.left(), world.kept()),
            (0, 0),
            "{fault:?} at step {steps}"
        );
        let again = after_restart.attempts.lock().unwrap().clone();
        for (path, _) in TO {
            assert!(
                before.iter().chain(&again).any(|it| it.1 == path),
                "{path}: {fault:?} at step {steps}"
            );
            let is_done = done.iter().any(|done| done == path);
            assert!(
                !is_done || !again.iter().any(|it| it.1 == path),
                "{path} twice: {fault:?} at step {steps}"
            );
        }
        // Each failure and the success are told of once.
        let told: Vec<_> = world.notifications().into_iter().map(|it| it.1).collect();
        for path in [
            "bad@one.example",
            "told@two.example",
            "bad@three.example",
            "bad-later@one.example",
        ] {
            let line = format!("Final-Recipient: rfc822; {path}\r\n");
            let times: usize = told.iter().map(|text| text.matches(&line).count()).sum();
            assert_eq!(times, 1, "{path}: {fault:?} at step {steps}");
        }
        if !happened {
            return steps;
        }
        steps += 1;
    }
}

#[test]
fn a_kill_at_any_step_forgets_nobody_and_repeats_nobody_who_is_done() {
    let steps = check(Fault::Death);
    assert!(steps > 20, "{steps}");
}

#[test]
fn a_refusal_at_any_step_passes() {
    const NO_SPACE: i32 = 28;
    let steps = check(Fault::Code(NO_SPACE));
    assert!(steps > 20, "{steps}");
}
