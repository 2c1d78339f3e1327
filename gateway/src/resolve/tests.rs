use std::net::UdpSocket;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use scop_core::{AnswerError, Lookup, Query, QueryId, QueryName, Step};

use super::driver::Driver;
use super::*;

/// A server that answers with 192.0.2.1, or that there is no such name for `gone.*`; and the names it
/// was asked for. It stops when nobody has asked for a while.
fn server(ttl: u32) -> (SocketAddr, mpsc::Receiver<String>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let address = socket.local_addr().unwrap();
    let (sender, names) = mpsc::channel();
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((_, client)) = socket.recv_from(&mut query) {
            let mut end = 12;
            let mut name = String::new();
            while query[end] != 0 {
                let next = end + 1 + usize::from(query[end]);
                name.push_str(std::str::from_utf8(&query[end + 1..next]).unwrap());
                name.push('.');
                end = next;
            }
            name.make_ascii_lowercase();
            end += 5;
            let mut reply = query[..end].to_vec();
            let missing = name.starts_with("gone.");
            let (code, answers, authorities) = if missing { (3, 0, 1) } else { (0, 1, 0) };
            reply[2..12].copy_from_slice(&[
                0x81,
                0x80 | code,
                0,
                1,
                0,
                answers,
                0,
                authorities,
                0,
                0,
            ]);
            let (rtype, data) = if missing {
                // Names: the root. Of the numbers the last is the TTL of negative answers.
                (6, [&[0; 18][..], &ttl.to_be_bytes()].concat())
            } else {
                (1, vec![192, 0, 2, 1])
            };
            reply.extend(if missing { vec![0] } else { vec![0xc0, 12] });
            reply.extend([0, rtype, 0, 1]);
            reply.extend(if missing { 1_000_000 } else { ttl }.to_be_bytes());
            reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            reply.extend(data);
            if sender.send(name).is_err() {
                return;
            }
            socket.send_to(&reply, client).unwrap();
        }
    });
    (address, names)
}

/// How many questions have come to a socket since; the second transmission of one is not counted again.
fn questions(socket: &UdpSocket) -> usize {
    socket.set_nonblocking(true).unwrap();
    let mut datagram = [0; 512];
    let questions: std::collections::HashSet<Vec<u8>> = std::iter::from_fn(|| {
        let count = socket.recv(&mut datagram).ok()?;
        Some(datagram[12..count].to_ascii_lowercase())
    })
    .collect();
    questions.len()
}

/// Asks for addresses, and keeps what it is told.
struct Machine {
    names: Vec<&'static str>,
    asked: usize,
    answers: Vec<(u32, String)>,
}

impl Machine {
    fn new(names: &[&'static str]) -> Self {
        Self {
            names: names.to_vec(),
            asked: 0,
            answers: Vec::new(),
        }
    }
}

impl Lookup for Machine {
    type Verdict = ();

    fn poll(&mut self) -> Step {
        if self.asked < self.names.len() {
            self.asked += 1;
            return Step::Query(QueryId::new(u32::try_from(self.asked).unwrap() - 1));
        }
        if self.answers.len() < self.names.len() {
            Step::Wait
        } else {
            Step::Done
        }
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        let name = self.names.get(usize::try_from(id.number()).ok()?)?;
        Some(Query {
            name: QueryName::dotted([name.as_bytes(), b"", b""]),
            rtype: Rtype::A,
        })
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        let words = match answer {
            Answer::Records(..) => "records".to_owned(),
            other => format!("{other:?}"),
        };
        self.answers.push((id.number(), words));
        Ok(())
    }

    fn verdict(&self) -> Option<&()> {
        None
    }
}

fn resolver(zone: &str, server: SocketAddr) -> Resolver {
    let mut zones = Zones::default();
    zones.add(Path::new("zone"), zone.as_bytes()).unwrap();
    Resolver::new(zones, Some(Client::new(Servers::one(server))))
}

async fn drive(resolver: &Arc<Resolver>, names: &[&'static str]) -> (Vec<String>, Driver) {
    let mut driver = Driver::new(Arc::clone(resolver));
    let mut machine = Machine::new(names);
    driver.drive(&mut machine).await.unwrap();
    machine.answers.sort();
    (
        machine
            .answers
            .into_iter()
            .map(|(_, words)| words)
            .collect(),
        driver,
    )
}

#[tokio::test]
async fn messages_share_what_is_known() {
    let (address, names) = server(60);
    let resolver = Arc::new(resolver("", address).keeping(100));
    for _ in 0..3 {
        let (answers, _) = drive(&resolver, &["a.example", "gone.example"]).await;
        assert_eq!(answers, ["records", "NxDomain(Indeterminate)"]);
    }
    let mut asked: Vec<String> = names.try_iter().collect();
    asked.sort();
    assert_eq!(asked, ["a.example.", "gone.example."]);
}

#[tokio::test]
async fn what_has_no_time_to_live_is_asked_again() {
    let (address, names) = server(0);
    let kept = Arc::new(resolver("", address).keeping(100));
    for _ in 0..2 {
        drive(&kept, &["a.example", "gone.example"]).await;
    }
    assert_eq!(names.try_iter().count(), 4);
    // Nor is anything kept for one message alone.
    let (address, names) = server(60);
    let alone = Arc::new(resolver("", address));
    for _ in 0..2 {
        drive(&alone, &["a.example"]).await;
    }
    assert_eq!(names.try_iter().count(), 2);
}

#[tokio::test]
async fn aliases_in_zone_files_stand_before_what_is_kept() {
    let zone = "one.example. CNAME a.example.\ntwo.example. CNAME one.example.\n";
    let (address, names) = server(60);
    let resolver = Arc::new(resolver(zone, address).keeping(100));
    for (name, aliases) in [
        ("a.example", &[][..]),
        ("one.example", &["a.example."]),
        ("two.example", &["one.example.", "a.example."]),
        ("a.example", &[]),
    ] {
        let (answers, driver) = drive(&resolver, &[name]).await;
        assert_eq!(answers, ["records"]);
        let reply = driver.asked()[0].reply.clone().unwrap();
        let led: Vec<String> = reply.aliases.iter().map(ToString::to_string).collect();
        assert_eq!(led, aliases, "{name}");
    }
    assert_eq!(names.try_iter().count(), 1);
}

/// Questions go out, and answers are taken, before anybody waits for the end.
#[tokio::test]
async fn lookups_advance_while_a_message_arrives() {
    let (address, _names) = server(60);
    let mut driver = Driver::new(Arc::new(resolver("", address)));
    let mut machine = Machine::new(&["a.example", "b.example"]);
    let end = Instant::now() + Duration::from_secs(5);
    while machine.answers.len() < 2 && Instant::now() < end {
        driver.advance(&mut machine);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(machine.answers.len(), 2);
    driver.advance(&mut machine);
    // Nothing is left to wait for.
    let done = driver.drive(&mut machine);
    assert!(tokio::time::timeout(Duration::ZERO, done).await.is_ok());
}

/// A message that went away leaves no question and no permit behind.
#[tokio::test]
async fn questions_end_with_their_driver() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = Arc::new(
        resolver("", silent.local_addr().unwrap())
            .keeping(100)
            .at_once(1, 8),
    );
    let mut driver = Driver::new(Arc::clone(&resolver));
    driver.advance(&mut Machine::new(&["a.example", "b.example"]));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(resolver.permits.available_permits(), 0);
    drop(driver);
    let permit = resolver.permits.acquire();
    assert!(
        tokio::time::timeout(Duration::from_secs(5), permit)
            .await
            .is_ok()
    );
    assert_eq!(questions(&silent), 1, "one lookup at once");
}

/// Waiting for one's turn counts against the budget.
#[tokio::test]
async fn who_waits_for_a_turn_gives_up_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = Arc::new(resolver("", silent.local_addr().unwrap()).at_once(1, 8));
    let _only = resolver.permits.acquire().await.unwrap();
    let mut driver = Driver::new(Arc::clone(&resolver)).within(Duration::from_millis(100));
    let mut machine = Machine::new(&["a.example"]);
    let begun = Instant::now();
    driver.drive(&mut machine).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(machine.answers, [(0, "Failed(Timeout)".to_owned())]);
}

/// A message full of slow names holds up itself, and not who asks for the same as it.
#[tokio::test]
async fn a_message_has_so_many_turns() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = resolver("", silent.local_addr().unwrap());
    let resolver = Arc::new(resolver.keeping(100).at_once(100, 2));
    let mut driver = Driver::new(Arc::clone(&resolver));
    driver.advance(&mut Machine::new(&["a.example", "b.example", "c.example"]));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(questions(&silent), 2);
    let mut other = Driver::new(Arc::clone(&resolver));
    other.advance(&mut Machine::new(&["c.example"]));
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Beside it, what the first one asks again.
    assert!((1..=3).contains(&questions(&silent)));
    assert_eq!(resolver.permits.available_permits(), 97);
}
