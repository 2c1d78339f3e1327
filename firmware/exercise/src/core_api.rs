//! scop-core.

mod text;

use core::hint::black_box;
use core::time::Duration;

use scop_core::name::{MAX_LABEL, NameErrorKind};
use scop_core::record::{CLASS_IN, RecordErrorKind};
use scop_core::{
    Answer, AnswerError, Counter, Cursor, Failure, Instant, Lookup, Name, NameBuf, ParseError,
    Query, QueryId, QueryName, Rdata, Record, Records, Rtype, Security, Sink, SliceSink, Step, Txt,
    UnixTime, lookup,
};

use crate::tally::Tally;

/// Two names, the second with a pointer, and an MX record with one.
const MESSAGE: &[u8] = b"\x07example\x03org\0\x02mx\xc0\0\
    \xc0\x0d\0\x0f\0\x01\0\0\x0e\x10\0\x04\0\x0a\xc0\x0d";

/// Reads and writes in every way that core offers, and drives a machine.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let message = black_box(MESSAGE);
    records(message, 18, &mut tally);
    for start in [0, 1, input.len()] {
        records(input, start, &mut tally);
    }
    names(message, input, &mut tally);
    txt(input, &mut tally);
    sinks(input, &mut tally);
    cursor(input, &mut tally);
    text::run(input, &mut tally);
    once(input, &mut tally);
    let later = Instant(black_box(1)) + Duration::from_secs(input.len() as u64);
    tally.add(later.since(Instant(9)).as_secs() as usize);
    tally.flag(later - Instant(9) == Duration::ZERO && UnixTime(later.0) > UnixTime(9));
    let error = ParseError::new(RecordErrorKind::Truncated, input.len()).nested(input.len());
    let error = error.map(|kind| kind == RecordErrorKind::Truncated);
    tally.check(error.kind() && error.offset() == 2 * input.len());
    tally.finish()
}

fn records(message: &[u8], start: usize, tally: &mut Tally) {
    for rtype in [
        Rtype::A,
        Rtype::AAAA,
        Rtype::CNAME,
        Rtype::MX,
        Rtype::NS,
        Rtype::PTR,
        Rtype::SOA,
        Rtype::TXT,
        Rtype::OPT,
    ] {
        if let Ok(rdata) = Rdata::parse_in(message, start, message.len(), rtype) {
            tally.check(rdata.rtype() == rtype);
            tally.emit(&rdata);
        }
    }
    let Ok((record, end)) = Record::parse_in(message, start) else {
        return tally.check(message.len() != MESSAGE.len());
    };
    tally.add(end);
    tally.add(record.ttl as usize);
    tally.flag(record.class == CLASS_IN);
    tally.emit(&record.owner);
    tally.emit(&record.rdata);
    let rtype = record.rdata.rtype();
    let records = Records::in_section(message, start, 2, record.owner, rtype);
    tally.check(records.iter().count() >= 1);
    for rdata in &records {
        tally.emit(&rdata);
    }
}

fn names(message: &[u8], input: &[u8], tally: &mut Tally) {
    let (Ok((parent, next)), Ok(written)) = (
        Name::parse_in(message, 0),
        NameBuf::from_text(black_box(b"MX.example.org.")),
    ) else {
        return tally.check(false);
    };
    let child = Name::parse_in(message, next);
    tally.check(child.is_ok_and(|(child, end)| {
        child == written.as_name() && child.is_within(&parent) && end == 18
    }));
    tally.check(child.is_ok_and(|(child, _)| NameBuf::from(child) == written));
    tally.check(!parent.is_root() && NameBuf::ROOT.as_name().is_root());
    tally.check(written.as_wire().len() == 16 && written.as_name().labels().count() == 3);
    tally.check_emit(&QueryName::from(parent), b"example.org.");
    tally.emit(&written);
    if let Ok(name) = Name::parse(input) {
        tally.flag(name.is_within(&parent));
        tally.emit(&NameBuf::from(name));
    }
    if let Ok(mut name) = NameBuf::from_text(input) {
        let pushed = name.push_label(input);
        tally.check(pushed.is_ok() == (1..=MAX_LABEL).contains(&input.len()));
        tally.emit(&name);
    }
    let dotted = QueryName::dotted([input, b"_domainkey", input]);
    tally.equal(dotted, black_box(dotted));
    tally.flag(dotted.to_name() == Err(NameErrorKind::NameTooLong));
    tally.emit(&dotted);
}

fn txt(input: &[u8], tally: &mut Tally) {
    let txt = Txt::joined(input);
    tally.check(txt.strings().count() == 1);
    tally.check_emit(&txt, input);
    tally.emit(&Rdata::Txt(txt));
    if let Ok(txt) = Txt::parse(input) {
        tally.emit(&txt);
        tally.add(txt.strings().count());
    }
}

fn sinks(input: &[u8], tally: &mut Tally) {
    let mut buffer = [0; 24];
    let mut sink = SliceSink::new(&mut buffer);
    tally.flag(sink.put(input).is_ok());
    tally.flag(sink.put_byte(b' ').is_ok());
    let number = input.len() as u64;
    tally.flag(sink.put_decimal(number).is_ok());
    tally.bytes(sink.written());
    tally.bytes(sink.into_written());
    let mut vec = vector();
    tally.flag(vec.put(input).is_ok());
    tally.bytes(&vec);
    let mut counter = Counter::default();
    tally.check(counter.is_empty());
    tally.check(counter.put_decimal(black_box(1234)).is_ok() && counter.len() == 4);
}

/// A vector of fixed capacity is a sink too.
fn vector() -> heapless::Vec<u8, 40> {
    heapless::Vec::new()
}

fn cursor(input: &[u8], tally: &mut Tally) {
    let mut cursor = Cursor::new(input);
    tally.flag(cursor.take_decimal().is_some());
    tally.flag(cursor.skip_ignore_case(b"abc") || cursor.skip_byte(b'a'));
    tally.flag(cursor.take_array::<7>().is_some());
    tally.add(cursor.take_u16().unwrap_or(0).into());
    tally.add(cursor.take_u32().unwrap_or(0) as usize);
    tally.add(cursor.take_byte().or(cursor.peek()).unwrap_or(0).into());
    tally.bytes(cursor.take(black_box(3)).unwrap_or_default());
    tally.bytes(cursor.take_while(|byte| byte > 9));
    tally.check(cursor.is_at_end() == cursor.rest().is_empty());
    cursor.seek(black_box(1));
    tally.check(cursor.offset() == Cursor::at(input, 1).offset());
}

/// A machine that asks one thing, to link the driver.
struct Once<'a> {
    name: &'a [u8],
    asked: bool,
    verdict: Option<Security>,
}

impl Lookup for Once<'_> {
    type Verdict = Security;

    fn poll(&mut self) -> Step {
        match (self.verdict, core::mem::replace(&mut self.asked, true)) {
            (Some(_), _) => Step::Done,
            (None, true) => Step::Wait,
            (None, false) => Step::Query(QueryId::new(1).tagged(2)),
        }
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        let (2, inner) = id.untagged()? else {
            return None;
        };
        let name = QueryName::dotted([self.name, b"_domainkey", b"example"]);
        (inner.number() == 1).then_some(Query {
            name,
            rtype: Rtype::TXT,
        })
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        if id.untagged().is_none_or(|(tag, _)| tag != 2) {
            return Err(AnswerError);
        }
        self.verdict = match answer.trusted() {
            Answer::Records(_, security) | Answer::NoData(security) => Some(security),
            Answer::Failed(Failure::Bogus) => Some(Security::Bogus),
            _ => None,
        };
        Ok(())
    }

    fn verdict(&self) -> Option<&Security> {
        self.verdict.as_ref()
    }
}

fn once(input: &[u8], tally: &mut Tally) {
    let records = [Rdata::Txt(Txt::joined(input))];
    for (due, answer) in [
        (Some(Security::Indeterminate), Answer::records(&records)),
        (Some(Security::Bogus), Answer::NoData(Security::Bogus)),
        (None, Answer::NxDomain(Security::Secure)),
    ] {
        let mut machine = Once {
            name: input,
            asked: false,
            verdict: None,
        };
        let verdict = lookup::drive(&mut machine, |query| {
            tally.flag(query.name.to_name().is_ok());
            answer
        });
        let verdict = verdict.copied();
        tally.check(verdict == due);
    }
}
