//! scop-smtp-proto: the server alone, with the extensions of a mail exchanger. What a device that takes
//! mail links.

use core::hint::black_box;

use scop_core::{Instant, Sink, SliceSink};
use scop_smtp_proto::Reply;
use scop_smtp_proto::extension::{
    Chunking, EightBitMime, EnhancedStatusCodes, Extension, Pipelining, Size, SmtpUtf8, StartTls,
};
use scop_smtp_proto::server::{Buffers, Config, End, Event, Server, Step};

use crate::tally::Tally;

const ASKED: &[u8] = b"EHLO client.example.org\r\n\
    MAIL FROM:<joe@example.org> SIZE=20\r\nRCPT TO:<ann@example.net>\r\nRCPT TO:<bob@example.com>\r\n\
    DATA\r\n";
const SENT: &[u8] = b"Subject: hi\r\n\r\n..\r\n.\r\nHELO\r\n";
const LEAVE: &[u8] = b"QUIT\r\n";

const SAID: &[u8] =
    b"220 mx.example.net ESMTP\r\n250-mx.example.net\r\n250-PIPELINING\r\n250-SIZE 1000\r\n\
    250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n\
    250 2.1.0 OK\r\n250 2.1.5 OK\r\n550 5.7.1 Not here\r\n\
    354 Start mail input; end with <CRLF>.<CRLF>\r\n250 2.0.0 OK\r\n501 5.5.4 ";

/// Takes a message, with a limit on its first line, and reads what is none.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let mut said = [0; 768];
    let mut content = [0; 64];
    for size in [1, 7, 1000] {
        let script = [ASKED, SENT, LEAVE];
        let mut said = SliceSink::new(&mut said);
        let mut content = SliceSink::new(&mut content);
        let end = serve(&script, size, &mut said, &mut content, &mut tally);
        tally.equal(end, Some(End::Quit));
        tally.check(said.written().starts_with(SAID));
        tally.check(content.written() == b"Subject: hi\r\n\r\n.\r\n");
    }
    let script = [input, b"\r\n", ASKED, input];
    let mut said = SliceSink::new(&mut said);
    let mut content = SliceSink::new(&mut content);
    let end = serve(&script, 1000, &mut said, &mut content, &mut tally);
    tally.equal(end, Some(End::Closed));
    tally.finish()
}

fn serve(
    script: &[&[u8]],
    size: usize,
    said: &mut SliceSink<'_>,
    content: &mut SliceSink<'_>,
    tally: &mut Tally,
) -> Option<End> {
    let extensions: [&dyn Extension; 7] = [
        &Pipelining,
        &Size(black_box(1000)),
        &EightBitMime,
        &SmtpUtf8,
        &Chunking,
        &StartTls,
        &EnhancedStatusCodes,
    ];
    let (mut input, mut output) = ([0; Buffers::MIN_INPUT], [0; Buffers::MIN_OUTPUT]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let config = Config::new("mx.example.net", &extensions);
    let mut server = Server::new(config, buffers, Instant(0)).ok()?;
    let mut pieces = script.iter().flat_map(|part| part.chunks(size.max(1)));
    let mut rest: &[u8] = &[];
    loop {
        match server.poll() {
            Step::Transmit => {
                let octets = server.transmit();
                tally.flag(said.put(octets).is_ok());
                let count = octets.len();
                server.transmitted(count, Instant(1)).ok()?;
            }
            Step::Event => {
                let is_ours = match server.event()? {
                    Event::Recipient { path, .. } => {
                        let domain = path.mailbox().and_then(|mailbox| mailbox.domain().name());
                        domain.is_some_and(|name| name.is(b"example.net"))
                    }
                    Event::Discarded(_) => continue,
                    _ => true,
                };
                if is_ours {
                    server.accept().ok()?;
                } else {
                    let reply = Reply::new(
                        550,
                        scop_smtp_proto::Status::new(5, 7, 1).into(),
                        "Not here",
                    );
                    server.answer(&reply.ok()?).ok()?;
                }
            }
            Step::Wait(until) => {
                if rest.is_empty() {
                    match pieces.next() {
                        Some(piece) => rest = piece,
                        None => server.handle_closed(),
                    }
                }
                tally.check(until > Instant(1));
                let octets = server.handle_input(&mut rest, Instant(1));
                tally.flag(content.put(octets).is_ok());
            }
            Step::StartTls => return None,
            Step::Done => return server.end(),
        }
    }
}
