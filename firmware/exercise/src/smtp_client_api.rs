//! scop-smtp-proto: the client alone, with the extensions that any sender uses. What a device that sends
//! mail links.

use core::hint::black_box;

use scop_core::{Instant, Sink, SliceSink};
use scop_smtp_proto::client::{Buffers, Cause, Client, Config, End, Event, Step};
use scop_smtp_proto::extension::{
    Chunking, EightBitMime, EnhancedStatusCodes, Extension, Pipelining, Size, SmtpUtf8, StartTls,
};
use scop_smtp_proto::parameter::{self, Parameter};
use scop_smtp_proto::{Domain, ForwardPath, ReversePath};

use crate::tally::Tally;

const SAID: [&[u8]; 9] = [
    b"220 mx.example.net ESMTP\r\n",
    b"250-mx.example.net\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
    b"250 2.1.0 OK\r\n",
    b"250 2.1.5 OK\r\n",
    b"550-5.7.1 Not\r\n550 5.7.1 here\r\n",
    b"354 go\r\n",
    b"250 2.0.0 Kept\r\n",
    b"221 bye\r\n",
    b"",
];

const SENT: &[u8] = b"EHLO client.example.org\r\nMAIL FROM:<joe@example.org> SIZE=18\r\n\
    RCPT TO:<ann@example.net>\r\nRCPT TO:<bob@example.com>\r\n\
    DATA\r\nSubject: hi\r\n\r\n..\r\n.\r\nQUIT\r\n";

/// What became of a session: which recipients the server took, and which not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fates {
    delivered: u32,
    refused: u32,
    lost: u32,
    end: Option<End>,
}

/// Sends a message; then to a server that closes the connection, and to one that says what is no reply.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let mut sent = [0; 384];
    let mut sink = SliceSink::new(&mut sent);
    let fates = send(black_box(&SAID), &mut sink, &mut tally);
    let due = Fates {
        delivered: 1,
        refused: 1,
        lost: 0,
        end: Some(End::Quit),
    };
    tally.equal(fates, Some(due));
    tally.check(sink.written() == SENT);

    let fates = SAID.get(..4).and_then(|said| {
        let mut sink = SliceSink::new(&mut sent);
        send(black_box(said), &mut sink, &mut tally)
    });
    let due = Fates {
        lost: 2,
        end: Some(End::Closed),
        ..Fates::default()
    };
    tally.equal(fates, Some(due));

    let mut sink = SliceSink::new(&mut sent);
    let fates = send(&[b"220 hi\r\n", input, b"\r\n"], &mut sink, &mut tally);
    tally.check(fates.is_some_and(|fates| fates.end != Some(End::Quit)));
    tally.finish()
}

fn send(said: &[&[u8]], sent: &mut SliceSink<'_>, tally: &mut Tally) -> Option<Fates> {
    let extensions: [&dyn Extension; 7] = [
        &Pipelining,
        &Size(0),
        &EightBitMime,
        &SmtpUtf8,
        &Chunking,
        &StartTls,
        &EnhancedStatusCodes,
    ];
    let (mut reply, mut output) = ([0; Buffers::MIN_INPUT], [0; Buffers::MIN_OUTPUT]);
    let buffers = Buffers {
        input: &mut reply,
        output: &mut output,
    };
    let mut config = Config::new(Domain::parse(black_box(b"client.example.org")).ok()?);
    config.extensions = &extensions;
    config.limits.command_line = 512;
    let now = Instant(1);
    let mut client = Client::new(config, buffers, now).ok()?;
    let mut said = said.iter();
    let mut message = black_box(&b"Subject: hi\r\n\r\n.\r\n"[..]);
    let mut fates = Fates::default();
    let mut is_sent = false;
    loop {
        match client.poll() {
            Step::Transmit => {
                let octets = client.transmit();
                tally.flag(sent.put(octets).is_ok());
                let count = octets.len();
                client.transmitted(count, now).ok()?;
            }
            Step::Order if is_sent => client.quit().ok()?,
            Step::Order => {
                let mut room = [0; 24];
                let mut room = &mut room[..];
                let size = Parameter::write(&parameter::Size(black_box(18)), &mut room).ok()?;
                let sender = ReversePath::parse(black_box(b"<joe@example.org>")).ok()?;
                client.mail(&sender, &[size]).ok()?;
                is_sent = true;
            }
            Step::Recipient(index) => {
                let path: &[u8] = match index {
                    0 => b"<ann@example.net>",
                    1 => b"<bob@example.com>",
                    _ => {
                        client.end_recipients().ok()?;
                        continue;
                    }
                };
                let path = ForwardPath::parse(black_box(path)).ok()?;
                client.recipient(&path, &[]).ok()?;
            }
            Step::Content if message.is_empty() => client.content_end(now).ok()?,
            Step::Content => {
                let octets = client.content(&mut message, now).ok()?;
                tally.flag(sent.put(octets).is_ok());
            }
            Step::Event => match client.event()? {
                Event::Delivered { index, reply } => {
                    tally.check(index == 0 && reply.code().is_success());
                    fates.delivered += 1;
                }
                Event::Failed { cause, .. } => match cause {
                    Cause::Reply { reply, .. } => {
                        tally.check(reply.lines().last() == Some(b"here"));
                        fates.refused += 1;
                    }
                    Cause::End(_) => fates.lost += 1,
                },
                _ => {}
            },
            Step::Wait(until) => {
                tally.check(until > now);
                match said.next() {
                    Some(octets) => {
                        let mut octets = *octets;
                        client.handle_input(&mut octets, now);
                    }
                    None => client.handle_closed(),
                }
            }
            Step::Done => {
                fates.end = client.end();
                return Some(fates);
            }
            _ => return None,
        }
    }
}
