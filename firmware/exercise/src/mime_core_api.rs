//! scop-mime-core.

use core::hint::black_box;

use scop_core::{SliceSink, UnixTime};
use scop_mime_core::header::address::{AddressQuirk, Addresses, Domain, LocalPart};
use scop_mime_core::header::auth_results::{Value, WriteError};
use scop_mime_core::header::date::Zone;
use scop_mime_core::header::trace::Keyword;
use scop_mime_core::{
    AddrSpec, Address, AddressList, AuthResults, AuthResultsWriter, DateTime, Field, FieldDefect,
    FoldSink, HeaderBlock, HeaderEnd, Mailbox, Message, MessageId, MessageIds, Received,
    ReturnPath, find_header_end,
};

use crate::tally::Tally;

mod reports;
mod tree;
mod words;

const MESSAGE: &[u8] = b"\
Return-Path: <@relay.example:bounce@example.net>\r\n\
Authentication-Results: mx.example.org 1; spf=pass (it is)\r\n \
 reason=\"as it was\" smtp.mailfrom=example.net; dkim/1=fail header.d=example.com\r\n\
Received: from mail.example.net (mail [192.0.2.1]) by mx.example.org\r\n\
\tvia tcp with ESMTPS id 4711 for <joe@example.org>; Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
From: =?utf-8?q?Joe?= \"S. Pack\" <joe@(here)football.example.com>\r\n\
To: Team: suzie@shopping.example.net, \"b c\"@[192.0.2.2];, x@example.org\r\n\
Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n\
Message-ID: <1.2@football.example.com>\r\n\
References: <a@b.example> <\"c d\"@[e]>\r\n\
malformed\r\n\
Name : \xff\0 bad\r\n\
\r\n\
Hi.\r\n";

/// When `MESSAGE` was written.
const SENT: UnixTime = UnixTime(1_057_982_437);

/// Reads a message and `input` in every way, and writes dates, folds and authentication results.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let message = black_box(MESSAGE);
    split(message, &mut tally);
    split(input, &mut tally);
    values(input, &mut tally);
    known(message, &mut tally);
    dates(input, &mut tally);
    fold(input, &mut tally);
    reports::run(input, &mut tally);
    tree::run(input, &mut tally);
    words::run(input, &mut tally);
    let written = auth_results(input, &mut tally);
    tally.check(written.is_ok());
    tally.finish()
}

/// Nothing is lost by splitting.
fn split(bytes: &[u8], tally: &mut Tally) {
    let message = Message::split(bytes);
    let mut rest = bytes;
    let parts = message.header.fields().map(|field| field.raw());
    for part in parts.chain([message.separator, message.body]) {
        let after = rest.strip_prefix(part);
        tally.check(after.is_some());
        rest = after.unwrap_or_default();
    }
    tally.check(rest.is_empty());
    match find_header_end(bytes, 0) {
        HeaderEnd::Found {
            header_len,
            body_start,
        } => {
            tally.check(header_len == message.header.as_bytes().len());
            tally.check(bytes.get(body_start..) == Some(message.body));
        }
        HeaderEnd::NotYet { resume } => {
            tally.check(find_header_end(bytes, resume) == HeaderEnd::NotYet { resume });
        }
    }
    tally.flag(HeaderBlock::new(bytes).is_empty());
    for field in message.header.fields().rev() {
        tally.bytes(field.name());
        tally.add(field.offset());
        tally.add(field.value_start());
        tally.add(field.defects().count());
        tally.flag(field.defect() == Some(FieldDefect::BadName) || field.is_malformed());
        values(field.value(), tally);
    }
}

/// Reads bytes as the value of any field.
fn values(value: &[u8], tally: &mut Tally) {
    for address in Addresses::new(value).flatten() {
        read_address(address, tally);
    }
    if let Ok(list) = AddressList::parse(value) {
        tally.bytes(list.raw());
        tally.add(list.mailboxes().count());
        tally.add(list.iter().count());
        tally.emit(&list);
    }
    if let Ok(mailbox) = Mailbox::parse(value) {
        read_mailbox(mailbox, tally);
    }
    if let Ok(spec) = AddrSpec::parse(value) {
        read_addr_spec(spec, tally);
    }
    if let Ok(path) = ReturnPath::parse(value) {
        tally.emit(&path);
    }
    if let Ok(id) = MessageId::parse(value) {
        tally.bytes(id.raw());
    }
    let (ids, rest) = MessageIds::parse_prefix(value);
    tally.bytes(rest);
    tally.flag(MessageIds::parse(value).is_ok());
    tally.bytes(ids.raw());
    tally.emit(&ids);
    for id in ids.iter() {
        tally.add(id.offset());
        tally.add(id.left().count() + id.right().count());
        tally.equal(id, black_box(id));
        tally.emit(&id);
    }
    if let Ok(received) = Received::parse(value) {
        read_received(received, tally);
    }
    if let Ok(date) = DateTime::parse(value) {
        read_date(date, tally);
    }
    tally.flag(AuthResults::parse(value).is_ok());
    if let Ok((results, rest)) = AuthResults::parse_prefix(value) {
        tally.bytes(rest);
        read_auth_results(results, tally);
    }
}

fn read_address(address: Address<'_>, tally: &mut Tally) {
    tally.emit(&address);
    match address {
        Address::Mailbox(mailbox) => read_mailbox(mailbox, tally),
        Address::Group(group) => {
            tally.bytes(group.raw());
            tally.add(group.offset());
            tally.emit(&group.name());
            tally.emit(&group);
            group.mailboxes().for_each(|it| read_mailbox(it, tally));
        }
    }
}

fn read_mailbox(mailbox: Mailbox<'_>, tally: &mut Tally) {
    tally.bytes(mailbox.raw());
    tally.add(mailbox.offset());
    tally.bytes(mailbox.route().unwrap_or_default());
    tally.flag(mailbox.is_ambiguous());
    tally.add(mailbox.quirks().filter(|it| it.is_ambiguous()).count());
    tally.emit(&mailbox);
    if let Some(name) = mailbox.display_name() {
        tally.bytes(name.raw());
        tally.add(name.offset());
        tally.emit(&name.text());
        tally.emit(&name);
    }
    for comment in mailbox.comments() {
        tally.bytes(comment.raw());
        tally.emit(&comment.text());
    }
    read_addr_spec(mailbox.addr_spec(), tally);
}

fn read_addr_spec(spec: AddrSpec<'_>, tally: &mut Tally) {
    let (local, domain): (LocalPart<'_>, Domain<'_>) = (spec.local_part(), spec.domain());
    tally.equal(spec, black_box(spec));
    tally.equal(local, black_box(local));
    tally.equal(domain, black_box(domain));
    tally.emit(&spec);
    tally.emit(&local);
    tally.emit(&domain);
    tally.bytes(local.raw());
    tally.bytes(domain.raw());
    tally.add(local.offset() + domain.offset());
    tally.emit(&local.text());
    tally.emit(&domain.text());
    tally.flag(local.is(domain.raw()));
    tally.flag(domain.is(local.raw()));
    tally.flag(domain.is_literal());
    tally.bytes(domain.as_dot_atom().unwrap_or_default());
}

fn read_received(received: Received<'_>, tally: &mut Tally) {
    tally.bytes(received.raw());
    tally.bytes(received.date_raw().unwrap_or_default());
    if let Some(Ok(date)) = received.date() {
        read_date(date, tally);
    }
    tally.flag(received.clause(Keyword::From).is_some());
    for clause in received.clauses() {
        tally.flag(clause.keyword() == Some(Keyword::For));
        tally.bytes(clause.raw());
        tally.add(clause.offset());
        tally.bytes(clause.value());
        tally.add(clause.words().count());
        tally.add(clause.comments().count());
        tally.bytes(clause.address_literal().unwrap_or_default());
    }
}

fn read_date(date: DateTime, tally: &mut Tally) {
    tally.add(date.year().into());
    for number in [
        date.month(),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        date.weekday(),
    ] {
        tally.add(number.into());
    }
    tally.flag(date.has_wrong_weekday());
    tally.flag(date.zone().is_unknown());
    tally.flag(date.unix_seconds() > 0);
    tally.emit(&date.zone());
    tally.emit(&date);
    if let Some(time) = date.to_unix() {
        tally.flag(DateTime::from_unix(time, date.zone()) == Some(date));
    }
}

fn read_auth_results(results: AuthResults<'_>, tally: &mut Tally) {
    let value = |value: Value<'_>, tally: &mut Tally| {
        tally.bytes(value.raw());
        tally.add(value.offset());
        tally.emit(&value.text());
        tally.check(value.text().is(value.raw()) == value.is(value.raw()));
        tally.flag(value.is_ignore_case(b"a") || value.text().is_ignore_case(b"b"));
    };
    value(results.authserv_id(), tally);
    tally.flag(results.version().is_some());
    for result in results.results() {
        tally.bytes(result.raw());
        tally.add(result.offset());
        tally.bytes(result.method());
        tally.bytes(result.result());
        tally.flag(result.is(b"spf"));
        tally.flag(result.method_version().is_some());
        tally.add(result.comments().count());
        if let Some(reason) = result.reason() {
            value(reason, tally);
        }
        tally.flag(result.property(b"smtp", b"mailfrom").is_some());
        for property in result.properties() {
            tally.bytes(property.ptype());
            tally.bytes(property.name());
            value(property.value(), tally);
        }
    }
}

/// What is known of `MESSAGE`.
fn known(bytes: &[u8], tally: &mut Tally) {
    let header = Message::split(bytes).header;
    let named = |name: &[u8]| header.fields().find(|field| field.is(name));
    let value = |name: &[u8]| named(name).map(|field| field.value()).unwrap_or_default();

    tally.check(header.fields().filter(Field::is_malformed).count() == 1);
    tally.check(named(b"name").and_then(|field| field.defect()).is_some());

    let from = Mailbox::parse(value(b"FROM"));
    tally.check(from.is_ok_and(|from| {
        from.addr_spec().domain().is(b"FOOTBALL.example.com")
            && from.addr_spec().local_part().is(b"joe")
            && from
                .quirks()
                .any(|quirk| quirk == AddressQuirk::CommentInside)
    }));
    let to = AddressList::parse(value(b"to"));
    tally.check(to.is_ok_and(|to| to.iter().count() == 2 && to.mailboxes().count() == 3));

    let date = DateTime::parse(value(b"date"));
    let received = Received::parse(value(b"received"));
    tally.check(date.is_ok_and(|date| date.to_unix() == Some(SENT)));
    tally.check(received.is_ok_and(|received| {
        received.clauses().count() == 6 && received.date().and_then(Result::ok) == date.ok()
    }));
    tally.check(matches!(
        ReturnPath::parse(value(b"return-path")),
        Ok(ReturnPath::Address(path)) if path.domain().is(b"example.net")
    ));
    let ids = MessageIds::parse(value(b"references"));
    tally.check(ids.is_ok_and(|ids| ids.iter().count() == 2));
    tally.check(MessageId::parse(value(b"message-id")).is_ok());

    let results = AuthResults::parse(value(b"authentication-results"));
    tally.check(results.is_ok_and(|results| {
        results.authserv_id().is(b"mx.example.org")
            && results.results().count() == 2
            && results.results().any(|result| {
                let property = result.property(b"smtp", b"mailfrom");
                result.is(b"spf")
                    && result.result() == b"pass"
                    && property.is_some_and(|value| value.is(b"example.net"))
            })
    }));
}

fn dates(input: &[u8], tally: &mut Tally) {
    let zone = Zone::from_minutes(black_box(-420)).unwrap_or(Zone::UTC);
    tally.check(zone.minutes() == -420 && !zone.is_unknown() && Zone::UNKNOWN.is_unknown());
    let date = DateTime::from_unix(black_box(SENT), zone);
    tally.check(date.is_some());
    if let Some(date) = date {
        tally.check_emit(&date, b"Fri, 11 Jul 2003 21:00:37 -0700");
        read_date(date, tally);
    }
    let number = |at: usize| input.get(at).copied().unwrap_or(9);
    let made = DateTime::new(
        black_box(2026),
        number(0),
        number(1),
        number(2),
        number(3),
        number(4),
        zone,
    );
    if let Some(date) = made {
        read_date(date, tally);
    }
}

/// Words of `input` on lines of their own, and folded where they are too long.
fn fold(input: &[u8], tally: &mut Tally) {
    use scop_core::Sink;

    let mut buffer = [0; 600];
    let mut out = SliceSink::new(&mut buffer);
    let mut lines = FoldSink::new(&mut out);
    for word in input.split(|&byte| byte == b'e') {
        tally.flag(lines.put(word).is_ok());
        tally.flag(lines.put(b" ").is_ok());
    }
    tally.flag(lines.error().is_none());
    tally.flag(lines.end_line().is_ok());
    tally.flag(lines.finish().is_ok());
    tally.bytes(out.into_written());
}

/// Writes a field and reads it back; what cannot be quoted is refused.
fn auth_results(input: &[u8], tally: &mut Tally) -> Result<(), WriteError> {
    let mut buffer = [0; 600];
    let mut out = SliceSink::new(&mut buffer);
    let mut field = AuthResultsWriter::new(&mut out, black_box(b"mx.example.org"))?;
    field.result(black_box(b"spf"), black_box(b"pass"))?;
    field.reason(black_box(b"as \"it\" was"))?.comment(input)?;
    field.property(black_box(b"smtp"), black_box(b"mailfrom"), input)?;
    field.finish()?;
    let field = HeaderBlock::new(out.written()).fields().next();
    let results = AuthResults::parse(field.map(|field| field.value()).unwrap_or_default());
    tally.check(results.is_ok_and(|results| {
        results.results().next().is_some_and(|result| {
            let value = result.property(b"smtp", b"mailfrom");
            value.is_some_and(|value| value.is(input))
        })
    }));
    let mut small = [0; 90];
    let mut out = SliceSink::new(&mut small);
    let mut field = AuthResultsWriter::new(&mut out, black_box(b"mx"))?;
    field.result(black_box(b"dkim"), black_box(b"pass"))?;
    tally.check(matches!(
        field.reason(black_box(b"line\r\nend")),
        Err(WriteError::Control)
    ));
    Ok(())
}
