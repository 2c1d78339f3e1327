//! How long a client waits for what (RFC 5321 4.5.3.2).

use super::*;
use crate::client::Awaited;

const MINUTE: u64 = 60_000;

#[test]
fn each_wait_has_its_time() {
    let (mut input, mut output) = ([0; 512], [0; 512]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let required = Config {
        tls: TlsPolicy::Require,
        ..config()
    };
    let mut client = Client::new(required, buffers, Instant(0)).unwrap();
    let mut waits = vec![];
    let mut now = 0;
    let mut is_sent = false;
    loop {
        now += 1000;
        match client.poll() {
            Step::Transmit => {
                // The time that passes before all is sent does not count.
                client.transmitted(1, Instant(now)).unwrap();
                let rest = client.transmit().len();
                now += MINUTE;
                client.transmitted(rest, Instant(now)).unwrap();
                waits.push((client.awaited(), client.deadline().map(|at| at.0 - now)));
            }
            Step::Wait(until) => {
                assert_eq!(client.deadline(), Some(until));
                let reply = match client.awaited() {
                    Some(Awaited::Greeting) if waits.is_empty() => {
                        waits.push((client.awaited(), Some(until.0)));
                        "220 hi\r\n"
                    }
                    Some(Awaited::StartTls) => "220 go\r\n",
                    Some(Awaited::Hello) => "250-hi\r\n250 STARTTLS\r\n",
                    Some(Awaited::Data) => "354 go\r\n",
                    _ => "250 ok\r\n",
                };
                // Octets of a reply that is not complete do not put it off.
                client.handle_input(&mut &reply.as_bytes()[..3], Instant(now));
                assert_eq!(client.deadline(), Some(until));
                client.handle_input(&mut &reply.as_bytes()[3..], Instant(now));
            }
            Step::StartTls => {
                waits.push((None, client.deadline().map(|at| at.0 + 1000 - now)));
                client.tls_started(&[], Instant(now)).unwrap();
            }
            Step::Order if is_sent => client.quit().unwrap(),
            Step::Order => {
                assert_eq!(client.deadline(), None);
                is_sent = true;
                client.mail(&ReversePath::Null, &[]).unwrap();
            }
            Step::Recipient(0) => client.recipient(&ForwardPath::Postmaster, &[]).unwrap(),
            Step::Recipient(_) => client.end_recipients().unwrap(),
            Step::Content => client.content_end(Instant(now)).unwrap(),
            Step::Done => break,
            _ => {}
        }
    }
    let minutes = |awaited, minutes: u64| (Some(awaited), Some(minutes * MINUTE));
    assert_eq!(
        waits,
        [
            minutes(Awaited::Greeting, 5),
            minutes(Awaited::Hello, 5),
            minutes(Awaited::StartTls, 5),
            (None, Some(MINUTE)),
            minutes(Awaited::Hello, 5),
            minutes(Awaited::Mail, 5),
            minutes(Awaited::Recipient, 5),
            minutes(Awaited::Data, 2),
            minutes(Awaited::Message, 10),
            minutes(Awaited::Quit, 5),
        ]
    );
}

#[test]
fn a_block_that_is_not_taken() {
    let (mut input, mut output) = ([0; 512], [0; 512]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let secure = Config {
        secure: true,
        ..config()
    };
    let mut client = Client::new(secure, buffers, Instant(0)).unwrap();
    assert_eq!(client.deadline(), Some(Instant(300_000)));
    let mut replies = [
        "220 hi\r\n",
        PLAIN,
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
    ]
    .iter();
    loop {
        match client.poll() {
            Step::Transmit => client
                .transmitted(client.transmit().len(), Instant(5))
                .unwrap(),
            Step::Wait(_) => {
                client.handle_input(&mut replies.next().unwrap().as_bytes(), Instant(7));
            }
            Step::Order => {
                assert_eq!(client.deadline(), None);
                client.mail(&ReversePath::Null, &[]).unwrap();
            }
            Step::Recipient(0) => client.recipient(&ForwardPath::Postmaster, &[]).unwrap(),
            Step::Recipient(_) => client.end_recipients().unwrap(),
            Step::Content => break,
            _ => {}
        }
    }
    client.handle_timeout(Instant(u64::MAX));
    assert_eq!(client.poll(), Step::Content);
    let mut octets = &b"hi\r\n"[..];
    assert_eq!(client.content(&mut octets, Instant(10)).unwrap(), b"hi\r\n");
    assert_eq!(client.deadline(), Some(Instant(180_010)));
    client.transmitted(0, Instant(99)).unwrap(); // says nothing
    assert_eq!(client.deadline(), Some(Instant(180_010)));
    client.handle_timeout(Instant(180_009));
    assert_eq!(client.poll(), Step::Content);
    client.handle_timeout(Instant(180_010));
    assert_eq!(client.poll(), Step::Event);
    assert!(matches!(
        client.event(),
        Some(Event::Failed {
            index: 0,
            fate: Fate::NotDelivered,
            ..
        })
    ));
    assert_eq!(
        (client.poll(), client.end()),
        (Step::Done, Some(End::Timeout(Awaited::Block)))
    );
}
