//! Groups of commands (RFC 2920): how many go in one packet, and what does not fit.

use super::*;
use crate::client::OrderError;
use crate::extension::{Dsn, XClient};

const DSN: &[&dyn Extension] = &[&Pipelining, &Dsn];

/// A client that has said EHLO, and waits for an order.
fn idle<'a>(config: Config<'a>, buffers: Buffers<'a>, hello: &'static str) -> Client<'a> {
    let mut client = Client::new(config, buffers, Instant(0)).unwrap();
    for reply in ["220 hi\r\n", hello] {
        client.handle_input(&mut reply.as_bytes(), Instant(0));
        while let Step::Event | Step::Transmit = client.poll() {
            let count = client.transmit().len();
            client.transmitted(count, Instant(0)).unwrap();
        }
    }
    assert_eq!(client.poll(), Step::Order);
    client
}

#[test]
fn many_commands_in_one_packet() {
    for (room, packets) in [(512, 8), (1024, 4), (4096, 1)] {
        let (mut input, mut output) = ([0; 512], vec![0; room]);
        let buffers = Buffers {
            input: &mut input,
            output: &mut output,
        };
        let mut client = idle(config(), buffers, GROUPS);
        client.mail(&ReversePath::Null, &[]).unwrap();
        let (mut sent, mut answered) = (0, 0);
        loop {
            match client.poll() {
                Step::Recipient(90) => client.end_recipients().unwrap(),
                Step::Recipient(_) => client.recipient(&ForwardPath::Postmaster, &[]).unwrap(),
                Step::Transmit => {
                    sent += 1;
                    client
                        .transmitted(client.transmit().len(), Instant(0))
                        .unwrap();
                }
                Step::Event => answered += 1,
                Step::Wait(_) if answered < 91 => {
                    client.handle_input(&mut &b"250 ok\r\n"[..], Instant(0));
                }
                _ => break,
            }
        }
        // DATA goes alone.
        assert_eq!(sent, packets + 1, "{room}");
    }
}

#[test]
fn a_long_command_waits_for_room() {
    let (mut input, mut output) = ([0; 512], [0; 1024]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let config = Config {
        extensions: DSN,
        ..config()
    };
    let mut client = idle(config, buffers, "250-hi\r\n250-PIPELINING\r\n250 DSN\r\n");
    client.mail(&ReversePath::Null, &[]).unwrap();
    let value = format!("rfc822;{}", "a".repeat(480));
    let original = Parameter::new("ORCPT", Some(value.as_bytes())).unwrap();
    let long = format!("<{}@{}.example>", "a".repeat(60), "b.".repeat(40) + "b");
    let long = ForwardPath::parse(long.as_bytes()).unwrap();
    let path = ForwardPath::parse(b"<a@a.example>").unwrap();
    for index in 0..4 {
        assert_eq!(client.poll(), Step::Recipient(index));
        client.recipient(&path, &[]).unwrap();
    }
    assert_eq!(client.recipient(&long, &[original]), Ok(()));
    assert_eq!(client.poll(), Step::Transmit);
    client
        .transmitted(client.transmit().len(), Instant(0))
        .unwrap();
    for index in 5..22 {
        assert_eq!(client.poll(), Step::Recipient(index));
        client.recipient(&path, &[]).unwrap();
    }
    let before = client.transmit().len();
    let pair = [
        original,
        Parameter::new("NOTIFY", Some(b"SUCCESS,FAILURE,DELAY")).unwrap(),
    ];
    assert_eq!(client.recipient(&long, &pair), Err(OrderError::OutputFull));
    assert_eq!(client.transmit().len(), before);
    assert_eq!(client.poll(), Step::Transmit);
    client.transmitted(before, Instant(0)).unwrap();
    assert_eq!(client.poll(), Step::Recipient(22));
    assert_eq!(client.recipient(&long, &pair), Ok(()));
    // One that never fits says so.
    assert_eq!(client.poll(), Step::Transmit);
    client
        .transmitted(client.transmit().len(), Instant(0))
        .unwrap();
    let value = format!("rfc822;{}", "a".repeat(1000));
    let endless = Parameter::new("ORCPT", Some(value.as_bytes())).unwrap();
    let refused = client.recipient(&path, &[endless]);
    assert!(
        matches!(
            refused,
            Err(OrderError::TooLong | OrderError::CannotSend(..))
        ),
        "{refused:?}"
    );
}

#[test]
fn a_session_that_begins_anew() {
    const LIST: &[&dyn Extension] = &[
        &Pipelining,
        &XClient {
            attributes: &["ADDR", "NAME"],
        },
    ];
    let config = Config {
        extensions: LIST,
        ..config()
    };
    let proxied = "250-hi\r\n250-PIPELINING\r\n250 XCLIENT ADDR NAME\r\n";
    let script = after_hello(
        proxied,
        &[
            ("XCLIENT ADDR=192.0.2.1\r\n", "220 hi\r\n"),
            ("EHLO c.example\r\n", PLAIN),
            ("MAIL FROM:<s@c.example>\r\n", "550 no\r\n"),
            ("QUIT\r\n", "221 bye\r\n"),
        ],
    );
    let order = Order::Command("XCLIENT", "ADDR=192.0.2.1");
    let log = format!("{READY}, reply 220, Ehlo 250, mail 550");
    check(config, &script, &[order, ONE], &log, End::Quit);
    let script = after_hello(
        proxied,
        &[
            ("XCLIENT ADDR=192.0.2.1\r\n", "550 no\r\n"),
            ("QUIT\r\n", "221 bye\r\n"),
        ],
    );
    check(
        config,
        &script,
        &[order],
        &format!("{READY}, reply 550"),
        End::Quit,
    );
}

#[test]
fn utf8_needs_its_parameter() {
    let hello = "250-hi\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n";
    let local = Order::Send(&["<j\u{f6}@a.example>"], &[], "");
    let script = after_hello(
        hello,
        &[
            ("MAIL FROM:<s@c.example>\r\n", "250 ok\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
            (
                "MAIL FROM:<s@c.example> SMTPUTF8\r\nRCPT TO:<j\u{f6}@a.example>\r\n",
                "250 ok\r\n550 no\r\n",
            ),
            ("RSET\r\n", "250 ok\r\n"),
            ("QUIT\r\n", "221 bye\r\n"),
        ],
    );
    let with = Order::Send(&["<j\u{f6}@a.example>"], &[], "SMTPUTF8");
    let log = format!("{READY}, NeedsUtf8, mail 250, mail 250, failed 0 Recipient 550");
    check(config(), &script, &[local, with], &log, End::Quit);
}
