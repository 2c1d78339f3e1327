//! Connections that are kept: how many, how long, and what becomes of those that die.

use std::sync::Arc;

use super::*;

#[tokio::test]
async fn a_dead_connection_is_replaced() {
    let at = |command, skip, fault| At {
        command,
        fault,
        skip,
        connections: 0..1,
    };
    let cases = [
        // It closes behind the message, with and without a word, and when it is spoken to again.
        at(".", 0, Fault::SayAndClose("250 2.0.0 taken\r\n")),
        at(
            ".",
            0,
            Fault::SayAndClose("250 2.0.0 taken\r\n421 4.4.2 too long\r\n"),
        ),
        at("MAIL", 1, Fault::Close),
        at("MAIL", 1, Fault::Silence),
        at("MAIL", 1, Fault::SayAndClose("421 4.4.2 too long\r\n")),
        at("MAIL", 1, Fault::Say("421 4.4.2 too long\r\n")),
        at("MAIL", 1, Fault::Say("what\r\n")),
    ];
    for announce in [vec![], vec!["PIPELINING"]] {
        for case in &cases {
            for wait in [0, 50] {
                let rules = Rules {
                    announce: announce.clone(),
                    ..Rules::default()
                };
                let server = Fake::start(rules.with(case.clone())).await;
                let pool = Pool::new(settings_for(case.fault)).unwrap();
                for _ in 0..3 {
                    let delivery = pool
                        .deliver(&target(&server), &message("", TO, TEXT), &[0, 1])
                        .await;
                    assert_eq!(short(&delivery), "+ +", "{:?}", case.fault);
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                }
                let seen = server.seen();
                assert_eq!(
                    (seen.connections, seen.messages.len()),
                    (2, 3),
                    "{:?}",
                    case.fault
                );
            }
        }
    }
}

/// Once the server has taken something, nothing is tried again at once.
#[tokio::test]
async fn a_connection_that_dies_later_is_not_replaced() {
    for (command, skip) in [("RCPT", 2), ("DATA", 1), (".", 1)] {
        let at = At {
            command,
            fault: Fault::Close,
            skip,
            connections: 0..1,
        };
        let server = Fake::start(Rules::default().with(at)).await;
        let pool = Pool::new(settings()).unwrap();
        for result in ["+ +", "~4.4.2 ~4.4.2", "+ +"] {
            let delivery = pool
                .deliver(&target(&server), &message("", TO, TEXT), &[0, 1])
                .await;
            assert_eq!(short(&delivery), result, "{command}");
        }
        assert_eq!(server.seen().connections, 2);
    }
}

#[tokio::test]
async fn never_more_connections_than_there_may_be() {
    let server = Fake::start(Rules::default()).await;
    let mut settings = settings();
    settings.connections_per_host = 3;
    settings.messages = 4;
    let pool = Pool::new(settings).unwrap();
    let message = Arc::new(message("", TO, TEXT));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let (pool, message) = (pool.clone(), message.clone());
        let mut target = target(&server);
        // Two kinds of connections to one address.
        if number % 2 == 0 {
            target.host = "mx2.example.org".to_owned();
        }
        tasks.spawn(async move { short(&pool.deliver(&target, &message, &[0, 1]).await) });
    }
    while let Some(result) = tasks.join_next().await {
        assert_eq!(result.unwrap(), "+ +");
    }
    let seen = server.seen();
    assert_eq!(seen.messages.len(), 60);
    assert!(seen.most_open <= 3, "{}", seen.most_open);
    assert!(seen.connections >= 15, "{}", seen.connections);
    pool.close().await;
    let seen = server.seen();
    let quits = seen.commands.iter().filter(|line| *line == "QUIT").count();
    assert_eq!(quits, seen.connections);
}

#[tokio::test]
async fn connections_end_when_nobody_needs_them() {
    let server = Fake::start(Rules::default()).await;
    let mut settings = settings();
    settings.idle = Duration::from_millis(100);
    let pool = Pool::new(settings).unwrap();
    let delivery = pool
        .deliver(&target(&server), &message("", TO, TEXT), &[0, 1])
        .await;
    assert_eq!(short(&delivery), "+ +");
    // Nothing is remembered of the address.
    while !pool.is_empty() || server.seen().open > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.seen().commands.last().unwrap(), "QUIT");
}

/// Whoever gives up waiting leaves no trace.
#[tokio::test]
async fn deliveries_that_are_dropped() {
    let silent = Rules::default().with(At {
        command: "EHLO",
        fault: Fault::Silence,
        skip: 0,
        connections: 0..2,
    });
    let server = Fake::start(silent).await;
    let mut settings = impatient();
    settings.connections_per_host = 2;
    let pool = Pool::new(settings).unwrap();
    let message = message("", TO, TEXT);
    let target = target(&server);
    for _ in 0..8 {
        let delivery = pool.deliver(&target, &message, &[0, 1]);
        let dropped = tokio::time::timeout(Duration::from_millis(20), delivery).await;
        assert!(dropped.is_err());
    }
    let delivery = pool.deliver(&target, &message, &[0, 1]).await;
    assert_eq!(short(&delivery), "+ +");
}

/// A silent server holds up the deliveries that wait for it no longer than a turn may take.
#[tokio::test]
async fn a_wait_for_a_turn_ends() {
    let server = Fake::start(Rules::default().with_fault("", Fault::Silence)).await;
    let mut settings = settings();
    settings.turn = Duration::from_millis(200);
    let pool = Pool::new(settings).unwrap();
    let message = Arc::new(message("", TO, TEXT));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (pool, message, target) = (pool.clone(), message.clone(), target(&server));
        tasks.spawn(async move { short(&pool.deliver(&target, &message, &[0, 1]).await) });
    }
    let waited = async {
        for _ in 0..60 {
            assert_eq!(tasks.join_next().await.unwrap().unwrap(), "! 4.4.5");
        }
    };
    (tokio::time::timeout(Duration::from_secs(10), waited).await).unwrap();
    // Four have a connection, and wait for the server.
    assert_eq!(tasks.len(), 4);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let server = Fake::start(Rules::default()).await;
    let mut target = target(&server);
    target.address = address;
    let pool = Pool::new(settings()).unwrap();
    let delivery = pool.deliver(&target, &message("", TO, TEXT), &[0, 1]).await;
    assert_eq!(short(&delivery), "! 4.4.1");
    assert_eq!(delivery.tls, TlsResult::None);
    let Err(failure) = delivery.outcomes else {
        panic!()
    };
    assert_eq!(failure.host, None);
    assert!(failure.why.contains("connection refused"), "{failure:?}");
}

/// Who waits for a turn at an address that turns out not to be there is told so, and so is who comes next.
#[tokio::test]
async fn an_address_that_is_not_reached_is_left_alone() {
    let server = Fake::start(Rules::default().with_fault("", Fault::Silence)).await;
    let mut settings = impatient();
    settings.rest = Duration::from_secs(60);
    settings.connections_per_host = 1;
    let pool = Pool::new(settings).unwrap();
    let message = Arc::new(message("", TO, TEXT));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (pool, message, target) = (pool.clone(), message.clone(), target(&server));
        tasks.spawn(async move { short(&pool.deliver(&target, &message, &[0, 1]).await) });
    }
    while let Some(result) = tasks.join_next().await {
        assert_eq!(result.unwrap(), "! 4.4.2");
    }
    assert_eq!(server.seen().connections, 1);
    assert!(pool.rests(server.address).is_some());
    // Until an operator knows better.
    pool.wake();
    assert!(pool.rests(server.address).is_none());
    let delivery = pool.deliver(&target(&server), &message, &[0, 1]).await;
    assert_eq!(short(&delivery), "! 4.4.2");
    assert_eq!(server.seen().connections, 2);
}
