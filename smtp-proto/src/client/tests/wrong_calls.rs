//! Calls in any order and any octets: a wrong call changes nothing, and nothing panics.

use proptest::prelude::*;

use super::*;
use crate::client::{Awaited, OrderError};
use crate::parameter::Body;

const REPLIES: [&str; 18] = [
    "220 hi\r\n",
    "250 ok\r\n",
    "250 ok\r\n250 ok\r\n",
    CHUNKS,
    GROUPS,
    "250-hi\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
    "354 go\r\n",
    "550 no\r\n",
    "452 full\r\n",
    "334 \r\n",
    "235 ok\r\n",
    "25",
    "0 ok\r\n",
    "421 bye\r\n",
    "hm\r\n",
    "250-x\r\n",
    "221 bye\r\n",
    "\n",
];

const CONTENTS: [&[u8]; 6] = [b"", b"hi\r\n", b".\r\n", b"a\r", b"\nb", b"a\nb"];

/// A call that the step has to allow, or else it is refused and changes nothing.
fn call(
    client: &mut Client<'_>,
    exchange: &mut Exchange<'_>,
    which: u8,
    choice: u8,
) -> Result<(), OrderError<'static>> {
    let now = Instant(1000);
    let sender = ReversePath::Null;
    let unknown = [Parameter::new("XUNKNOWN", None).unwrap()];
    let content = CONTENTS[usize::from(choice) % CONTENTS.len()];
    match which {
        0 => client.mail(&sender, if choice < 64 { BINARY } else { &[] }),
        1 => client.recipient(&ForwardPath::Postmaster, &[]),
        2 => client.end_recipients(),
        3 => client.content(&mut &*content, now).map(|_| ()),
        4 => client.last_content(&mut &*content, now).map(|_| ()),
        5 => client.content_end(now),
        6 => client.start_tls(),
        7 => client.tls_started(b"", now),
        8 => client.authenticate(exchange),
        9 => client.continue_auth(exchange),
        10 => client.command(b"NOOP", b""),
        11 => client.reset(),
        12 => client.quit(),
        13 => client.transmitted(client.transmit().len() + 1, now),
        14 => client.mail(&sender, &unknown),
        15 => client.recipient(&ForwardPath::Postmaster, &unknown),
        _ => client.command(b"NOOP", b"a\r\nb"),
    }
}

const BINARY: &[Parameter<'static>] = &[Body::BinaryMime.parameter()];

/// Whether the step asks for such a [`call`].
fn needs(which: u8, step: Step) -> bool {
    match which {
        0 | 6 | 8 | 10 | 11 | 12 => step == Step::Order,
        1 | 2 => matches!(step, Step::Recipient(_)),
        3..=5 => step == Step::Content,
        7 => step == Step::StartTls,
        9 => step == Step::Auth,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_order(
        tls in 0..3u8,
        bdat: bool,
        calls in prop::collection::vec((0..54u8, any::<u8>()), 0..150),
    ) {
        let (mut input, mut output) = ([0; 512], [0; 512]);
        let buffers = Buffers { input: &mut input, output: &mut output };
        let tls = [TlsPolicy::None, TlsPolicy::Opportunistic, TlsPolicy::Require][usize::from(tls)];
        let config = Config { tls, prefer_bdat: bdat, ..config() };
        let mut client = Client::new(config, buffers, Instant(0)).unwrap();
        let mut exchange = Exchange::new(
            Mechanism::Plain,
            Credentials::Password { authorization: "", user: "joe", password: b"secret" },
        ).unwrap();
        // Recipients that were given and have no final event.
        let mut open: Vec<u32> = vec![];
        let note = |client: &mut Client<'_>, open: &mut Vec<u32>| {
            let step = client.poll();
            // It never waits for ever.
            assert_ne!(step, Step::Wait(Instant(u64::MAX)));
            if let Some(Event::Delivered { index, .. } | Event::Failed { index, .. }) = client.event() {
                let place = open.iter().position(|&given| given == index);
                open.remove(place.expect("a final event, once"));
            }
            step
        };
        for (which, choice) in calls {
            match which {
                0..=16 => {
                    let step = client.step();
                    let before = format!("{client:?}");
                    let called = call(&mut client, &mut exchange, which, choice);
                    if needs(which, step) {
                        if let (1, Step::Recipient(index), Ok(())) = (which, step, called) {
                            open.push(index);
                        }
                    } else {
                        prop_assert!(called.is_err(), "{which} at {step:?}");
                    }
                    match called {
                        Ok(()) | Err(OrderError::Ended(_) | OrderError::Auth(_) | OrderError::OutputFull) => {}
                        Err(error) => prop_assert_eq!(before, format!("{client:?}"), "{:?}", error),
                    }
                }
                17..=26 => {
                    let _ = note(&mut client, &mut open);
                }
                27..=29 => {
                    let count = client.transmit().len().min(usize::from(choice));
                    client.transmitted(count, Instant(2)).unwrap();
                }
                30 => client.handle_timeout(Instant(u64::from(choice))),
                31 => {
                    if choice < 20 {
                        client.handle_timeout(Instant(u64::MAX));
                    } else if choice < 40 {
                        client.handle_closed();
                    }
                }
                32..=50 => {
                    // What a host and a server would do.
                    match client.step() {
                        Step::Transmit => {
                            let count = client.transmit().len();
                            client.transmitted(count, Instant(2)).unwrap();
                        }
                        Step::Wait(_) => {
                            let mut reply = match client.awaited() {
                                Some(Awaited::Greeting | Awaited::StartTls) => "220 hi\r\n",
                                Some(Awaited::Hello) => CHUNKS,
                                Some(Awaited::Data) => "354 go\r\n",
                                _ => "250 ok\r\n",
                            }.as_bytes();
                            client.handle_input(&mut reply, Instant(3));
                        }
                        Step::Event => {
                            let _ = note(&mut client, &mut open);
                        }
                        _ => {}
                    }
                }
                _ => {
                    let mut reply = REPLIES[usize::from(choice) % REPLIES.len()].as_bytes();
                    client.handle_input(&mut reply, Instant(3));
                }
            }
        }
        client.handle_closed();
        for _ in 0..300 {
            if note(&mut client, &mut open) == Step::Done {
                break;
            }
        }
        prop_assert_eq!(client.poll(), Step::Done);
        prop_assert!(client.end().is_some());
        prop_assert!(open.is_empty(), "{:?}", open);
        prop_assert!(client.transmit().is_empty());
    }
}
