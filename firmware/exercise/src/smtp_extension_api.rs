//! scop-smtp-proto: parameters, and the extensions that both machines use.

use core::hint::black_box;

use scop_core::{Instant, SliceSink, UnixTime};
use scop_smtp_proto::auth::{Mechanism, MechanismSet};
use scop_smtp_proto::client::{self, Client};
use scop_smtp_proto::command::Attributes;
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, DeliverBy, Dsn, EightBitMime, EnhancedStatusCodes, Etrn, Expn,
    FutureRelease, Help, Limits, MtPriority, Pipelining, RequireTls, Rrvs, Size, SmtpUtf8,
    StartTls, Vrfy, XClient, XForward,
};
use scop_smtp_proto::parameter::{
    self, Body, ByMode, EnvelopeId, HoldFor, HoldUntil, Notify, OriginalRecipient, Priority, Ret,
    Submitter, Timestamp, Typed, ValidSince, Xtext,
};
use scop_smtp_proto::server::{self, Server};
use scop_smtp_proto::{Domain, Extension, ForwardPath, Parameter, Parameters, ReversePath};

use crate::tally::Tally;

const MAIL: &[u8] =
    b"SIZE=1000 BODY=8BITMIME SMTPUTF8 AUTH=joe+2Btag@example.org RET=HDRS ENVID=a+20b \
    BY=120;RT HOLDFOR=60 MT-PRIORITY=-3 REQUIRETLS";
const RCPT: &[u8] =
    b"NOTIFY=SUCCESS,DELAY ORCPT=utf-8;j\\x{F6}e@example.net RRVS=2014-04-03T23:01:00.5-05:00;C";
const OTHER: &[u8] = b"HOLDUNTIL=2007-03-07T00:00:00Z BODY=BINARYMIME ORCPT=rfc822;joe@example.net NOTIFY=NEVER XA=1";

/// Reads and writes parameters, and has them judged on both sides.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    for text in [input, black_box(MAIL), black_box(RCPT), black_box(OTHER)] {
        read(text, &mut tally);
    }
    write(input, &mut tally);
    machines(input, &mut tally);
    tally.finish()
}

fn read(text: &[u8], tally: &mut Tally) {
    let Ok(parameters) = Parameters::parse(text) else {
        return;
    };
    tally.emit(&parameters);
    tally.flag(parameters.find("SIZE").is_some());
    for parameter in parameters {
        match parameter.typed() {
            Ok(value) => {
                tally.emit(&value);
                tally.flag(matches!(value, Typed::Unknown(_)));
                if let Typed::OriginalRecipient(recipient) = value {
                    tally.bytes(recipient.address_type());
                    tally.emit(&recipient.address());
                    tally.flag(recipient.is_ascii());
                }
                if let Typed::ValidSince(ValidSince { since, .. }) = value {
                    tally.bytes(since.fraction());
                    tally.flag(since.to_unix() > Some(UnixTime(0)));
                }
                if let Typed::Notify(notify) = value {
                    tally.check(notify == Notify::NEVER || notify.wants(Notify::SUCCESS));
                }
                if let Typed::DeliverBy(by) = value {
                    tally.check(by.seconds() == 120);
                }
                if let Typed::HoldFor(time) = value {
                    tally.check(time.seconds() == 60);
                }
                if let Typed::Auth(submitter) = value {
                    tally.flag(submitter.mailbox().is_some());
                }
            }
            Err(error) => {
                tally.bytes(error.kind().rule().as_bytes());
                tally.add(error.offset());
            }
        }
    }
    for attribute in Attributes::parse(text).iter().flat_map(Attributes::iter) {
        tally.flag((attribute.value().octets()).eq(attribute.name().iter().copied()));
    }
}

fn write(input: &[u8], tally: &mut Tally) {
    tally.emit(&Xtext::of(input));
    tally.flag(Xtext::parse(input) == Ok(Xtext::of(input)));
    tally.check_emit(&Ret::Full, b"RET=FULL");
    tally.check_emit(&Notify::SUCCESS.and(Notify::DELAY), b"NOTIFY=SUCCESS,DELAY");
    if let Ok(id) = EnvelopeId::new(black_box(b"a b")) {
        tally.check_emit(&id, b"ENVID=a+20b");
    }
    if let Ok(submitter) = Submitter::new(black_box(b"e=mc2@example.org")) {
        tally.check_emit(&submitter, b"AUTH=e+3Dmc2@example.org");
    }
    if let Ok(recipient) = OriginalRecipient::utf8(black_box("j\u{f6}e@example.org")) {
        tally.check_emit(&recipient, b"ORCPT=utf-8;j\\x{F6}e@example.org");
    }
    if let Some(by) = parameter::DeliverBy::new(black_box(-5), ByMode::Notify, black_box(true)) {
        tally.check_emit(&by, b"BY=-5;NT");
    }
    if let Some(priority) = Priority::new(black_box(-3)) {
        tally.check_emit(&priority, b"MT-PRIORITY=-3");
    }
    if let Some(until) = Timestamp::from_unix(UnixTime(black_box(1_900_000_000))) {
        tally.check_emit(&HoldUntil(until), b"HOLDUNTIL=2030-03-17T17:46:40Z");
    }
    let mut buffer = [0; 64];
    let mut room = &mut buffer[..];
    let size = Parameter::write(&parameter::Size(black_box(12)), &mut room);
    let other = OriginalRecipient::rfc822(input).and_then(|recipient| {
        Parameter::write(&recipient, &mut room)
            .map_err(|_| scop_core::ParseError::new(parameter::ParameterErrorKind::TooLong, 0))
    });
    tally.check(size.is_ok_and(|size| size.value() == Some(b"12")));
    tally.flag(other.is_ok());
    let mut buffer = [0; 64];
    let size = Typed::Size(parameter::Size(black_box(12)));
    let list = Parameters::write(&[size, Typed::SmtpUtf8], &mut &mut buffer[..]);
    tally.check(list.is_ok_and(|list| list.raw() == b"SIZE=12 SMTPUTF8"));
}

/// A server and a client with every extension.
fn machines(input: &[u8], tally: &mut Tally) {
    let auth = Auth {
        mechanisms: MechanismSet::default()
            .with(Mechanism::Plain)
            .with(Mechanism::ScramSha256),
        plaintext_allowed: black_box(false),
    };
    let (Some(max_interval), Some(max_time)) = (
        HoldFor::new(black_box(3600)),
        Timestamp::from_unix(UnixTime(black_box(1_900_000_000))),
    ) else {
        return;
    };
    let future = FutureRelease {
        max_interval,
        max_time,
    };
    let limits = Limits {
        transactions: Some(black_box(5)),
        recipients: Some(9),
        domains: Some(3),
    };
    let attributes = ["ADDR", "NAME"];
    let extensions: [&dyn Extension; 22] = [
        &Size(black_box(1000)),
        &EightBitMime,
        &SmtpUtf8,
        &Pipelining,
        &EnhancedStatusCodes,
        &Dsn,
        &Chunking,
        &BinaryMime,
        &StartTls,
        &auth,
        &RequireTls,
        &limits,
        &DeliverBy { min: black_box(60) },
        &future,
        &MtPriority { profile: "MIXER" },
        &Rrvs,
        &Etrn,
        &XClient {
            attributes: &attributes,
        },
        &XForward {
            attributes: &attributes,
        },
        &Vrfy,
        &Expn,
        &Help,
    ];
    let (mut sent, mut orders) = ([0; 2048], [0; 2048]);
    let script: [&[u8]; 6] = [
        b"EHLO client.example.org\r\n",
        b"ETRN @example.org\r\nXFORWARD ADDR=192.0.2.1\r\nXCLIENT ADDR\r\n",
        b"MAIL FROM:<joe@example.org> SIZE=1000 BODY=8BITMIME SMTPUTF8 BY=120;R HOLDFOR=60 MT-PRIORITY=1 RET=FULL\r\n",
        b"RCPT TO:<ann@example.net> NOTIFY=NEVER RRVS=2014-04-03T23:01:00Z\r\nBDAT 2 LAST\r\nhiRSET\r\n",
        b"MAIL FROM:<joe@example.org> REQUIRETLS\r\nVRFY ann\r\n",
        input,
    ];
    let Some(said) = serve(&extensions, &script, &mut sent) else {
        return tally.check(false);
    };
    tally.bytes(said);
    let mut rest = said;
    let mut is_announced = false;
    while let Some(line) = take_line(&mut rest) {
        is_announced |= line == b"250-LIMITS MAILMAX=5 RCPTMAX=9 RCPTDOMAINMAX=3\r\n";
    }
    tally.check(is_announced);
    let sends = order(&extensions, said, input, &mut orders);
    tally.check(sends == Some(true));
}

/// What a server says to a script.
fn serve<'o>(
    extensions: &[&dyn Extension],
    script: &[&[u8]],
    out: &'o mut [u8],
) -> Option<&'o [u8]> {
    let (mut input, mut output) = ([0; 1024], [0; 2048]);
    let buffers = server::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let config = server::Config::new("mx.example.org", extensions);
    let mut server = Server::new(config, buffers, Instant(0)).ok()?;
    let mut sink = SliceSink::new(out);
    let mut script = script.iter();
    let mut rest: &[u8] = &[];
    // A few steps for each command.
    for _ in 0..200 {
        match server.poll() {
            server::Step::Transmit => {
                scop_core::Sink::put(&mut sink, server.transmit()).ok()?;
                let count = server.transmit().len();
                server.transmitted(count, Instant(1)).ok()?;
            }
            server::Step::Event => {
                if server.accept().is_err() {
                    black_box(server.event().is_some());
                }
            }
            server::Step::Wait(_) => {
                if rest.is_empty() {
                    rest = match script.next() {
                        Some(next) => next,
                        None => break,
                    };
                }
                black_box(server.handle_input(&mut rest, Instant(1)));
            }
            _ => break,
        }
    }
    Some(sink.into_written())
}

/// Whether a client sends what that server takes.
fn order(
    extensions: &[&dyn Extension],
    said: &[u8],
    input: &[u8],
    room: &mut [u8],
) -> Option<bool> {
    let (mut reply, mut output) = ([0; 2048], [0; 2048]);
    let buffers = client::Buffers {
        input: &mut reply,
        output: &mut output,
    };
    let mut config = client::Config::new(Domain::parse(b"client.example.org").ok()?);
    config.extensions = extensions;
    config.tls = client::TlsPolicy::None;
    let mut client = Client::new(config, buffers, Instant(0)).ok()?;
    let mut rest = said;
    for _ in 0..50 {
        match client.poll() {
            client::Step::Transmit => {
                let count = client.transmit().len();
                client.transmitted(count, Instant(1)).ok()?;
            }
            client::Step::Wait(_) => {
                // One line at a time, as nothing may come before it is asked for.
                let mut line = take_line(&mut rest)?;
                client.handle_input(&mut line, Instant(1));
            }
            client::Step::Event => {
                black_box(client.event().is_some());
            }
            _ => break,
        }
    }
    let sender = ReversePath::parse(b"<joe@example.org>").ok()?;
    let unknown = Parameter::new("XUNKNOWN", Some(input)).unwrap_or(Parameter::REQUIRETLS);
    let refused = client.mail(&sender, &[unknown]).is_err();
    let mut room = room;
    let mail = [
        Parameter::write(&parameter::Size(1000), &mut room).ok()?,
        Body::EightBitMime.parameter(),
        Parameter::SMTPUTF8,
    ];
    let mailed = client.mail(&sender, &mail).is_ok();
    if client.poll() == client::Step::Transmit {
        let count = client.transmit().len();
        client.transmitted(count, Instant(1)).ok()?;
    }
    let recipient = ForwardPath::parse(b"<ann@example.net>").ok()?;
    let rcpt = [Parameter::write(&Notify::NEVER, &mut room).ok()?];
    let given = client.recipient(&recipient, &rcpt).is_ok();
    Some(refused && mailed && given && client.peer().max_hold == Some(3600))
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&octet| octet == b'\n')?;
    let (line, behind) = rest.split_at_checked(end.saturating_add(1))?;
    *rest = behind;
    Some(line)
}
