use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{advance, sleep};

use super::*;

fn question(text: &str) -> Question {
    (NameBuf::from_text(text.as_bytes()).unwrap(), Rtype::TXT)
}

fn reply(outcome: Outcome, ttl: Option<u32>) -> Reply {
    Reply {
        ttl,
        ..Reply::unasked(outcome)
    }
}

/// An answer that is known by its octet.
fn octet(octet: u8, ttl: u32) -> Reply {
    reply(Outcome::Records(vec![vec![octet]]), Some(ttl))
}

fn octet_of(reply: &Arc<Reply>) -> u8 {
    match &reply.outcome {
        Outcome::Records(records) => records[0][0],
        other => panic!("{other}"),
    }
}

fn cache(entries: usize) -> Arc<Cache> {
    Arc::new(Cache::new(entries))
}

/// Asks, where `fresh` is what the server would say now.
async fn ask(cache: &Arc<Cache>, question: &Question, fresh: Reply) -> Arc<Reply> {
    match cache.place(question) {
        Place::Kept(reply) => reply,
        Place::Seat(seat) => seat.wait(async { fresh }).await,
    }
}

fn under_way(cache: &Cache) -> usize {
    cache.lock().under_way.len()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time() {
    let cache = cache(100);
    let own = question("a.example");
    for (ttl, kept, gone) in [
        (60, Some(59), 60),
        (3600, Some(3599), 3600),
        (u32::MAX, Some(3599), 3600),
        (1, None, 1),
        (0, None, 0),
    ] {
        assert_eq!(octet_of(&ask(&cache, &own, octet(1, ttl)).await), 1);
        if let Some(kept) = kept {
            advance(Duration::from_secs(kept)).await;
            let upper = question("A.Example");
            assert_eq!(
                octet_of(&ask(&cache, &upper, octet(2, ttl)).await),
                1,
                "{ttl}"
            );
        }
        advance(Duration::from_secs(gone - kept.unwrap_or(0))).await;
        assert_eq!(octet_of(&ask(&cache, &own, octet(3, 0)).await), 3, "{ttl}");
    }
    let other = (own.0, Rtype::A);
    ask(&cache, &own, octet(1, 60)).await;
    assert_eq!(octet_of(&ask(&cache, &other, octet(4, 60)).await), 4);
}

#[tokio::test(start_paused = true)]
async fn negative_answers_and_failures_too() {
    let failed = || Outcome::Failed {
        failure: scop_core::Failure::Timeout,
        why: String::new(),
    };
    for (outcome, ttl, kept) in [
        (Outcome::NoData, Some(30), 30),
        (Outcome::NxDomain, Some(30), 30),
        (Outcome::NxDomain, None, 0), // without an SOA record (RFC 2308 5)
        (failed(), None, 1),
        (
            Outcome::Records(vec![vec![0; HEAVIEST - RECORD]]),
            Some(30),
            30,
        ),
        (
            Outcome::Records(vec![vec![0; HEAVIEST - RECORD + 1]]),
            Some(30),
            0,
        ),
        (
            Outcome::Records(vec![vec![0; 4]; HEAVIEST / 52 + 1]),
            Some(30),
            0,
        ),
    ] {
        let words = format!("{outcome:.40} {ttl:?}");
        let cache = cache(100);
        let own = question("a.example");
        ask(&cache, &own, reply(outcome, ttl)).await;
        for second in 0..=kept {
            let is_kept = matches!(cache.place(&own), Place::Kept(_));
            assert_eq!(is_kept, second < kept, "{words} after {second}");
            advance(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_wait_for_one_question() {
    let cache = cache(100);
    let asked = Arc::new(AtomicUsize::new(0));
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (cache, asked) = (Arc::clone(&cache), Arc::clone(&asked));
        waiting.spawn(async move {
            let Place::Seat(seat) = cache.place(&question("a.example")) else {
                panic!("kept before it was asked")
            };
            let ask = async {
                asked.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(3)).await;
                octet(7, 0)
            };
            octet_of(&seat.wait(ask).await)
        });
    }
    while let Some(octet) = waiting.join_next().await {
        assert_eq!(octet.unwrap(), 7);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(under_way(&cache), 0);
}

/// A message that goes away takes its own question with it, and not that of others.
#[tokio::test(start_paused = true)]
async fn whoever_leaves_holds_up_nobody() {
    let cache = cache(100);
    let wait = |time: u64, octet_: u8| {
        let Place::Seat(seat) = cache.place(&question("a.example")) else {
            panic!("kept before it was asked")
        };
        tokio::spawn(async move {
            let ask = async {
                sleep(Duration::from_secs(time)).await;
                octet(octet_, 60)
            };
            octet_of(&seat.wait(ask).await)
        })
    };
    let first = wait(1000, 1);
    tokio::task::yield_now().await;
    let second = wait(2, 2);
    let third = wait(2, 3);
    tokio::task::yield_now().await;
    assert_eq!(under_way(&cache), 1);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!((second.await.unwrap(), third.await.unwrap()), (2, 2));
    assert_eq!(under_way(&cache), 0);
    let alone = {
        let Place::Kept(reply) = cache.place(&question("a.example")) else {
            panic!("not kept")
        };
        reply
    };
    assert_eq!(octet_of(&alone), 2);
    // A seat that is never used leaves nothing behind either.
    drop(cache.place(&question("b.example")));
    assert_eq!(under_way(&cache), 0);
}

#[tokio::test(start_paused = true)]
async fn there_is_room_for_so_many_and_what_is_used_stays() {
    let cache = cache(100);
    let used = question("used.example");
    ask(&cache, &used, octet(1, 3600)).await;
    for number in 0..1000 {
        let own = question(&format!("n{number}.example"));
        ask(&cache, &own, octet(2, 3600)).await;
        assert_eq!(
            octet_of(&ask(&cache, &used, octet(3, 3600)).await),
            1,
            "{number}"
        );
        let inside = cache.lock();
        assert!(inside.young.len() + inside.old.len() <= 100);
    }
    assert!(matches!(
        cache.place(&question("n999.example")),
        Place::Kept(_)
    ));
    assert!(matches!(
        cache.place(&question("n970.example")),
        Place::Kept(_)
    ));
    assert!(matches!(
        cache.place(&question("n0.example")),
        Place::Seat(_)
    ));
}
