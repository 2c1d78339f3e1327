//! scop-core.

use scop_core::{
    Answer, Counter, Cursor, Emit, Instant, Lookup, Name, NameBuf, Query, QueryId, QueryName,
    Rdata, Record, Records, Rtype, Security, Sink, SliceSink, Step, Txt, lookup,
};

/// Reads `input` in every way that core offers, and writes what it read.
pub fn run(input: &[u8]) -> usize {
    let mut sum = Counter::default();
    let mut buffer = [0; 600];
    if let Ok((record, end)) = Record::parse_in(input, 0) {
        sum = count(sum, &record.owner);
        sum = count(sum, &record.rdata);
        let records = Records::in_section(input, end, 9, record.owner, record.rdata.rtype());
        for rdata in records {
            sum = count(sum, &rdata);
        }
    }
    if let Ok(name) = Name::parse(input) {
        let copy = NameBuf::from(name);
        sum = count(sum, &QueryName::from(copy.as_name()));
        if copy.as_name().is_within(&name) && name == copy.as_name() {
            sum = count(sum, &copy);
        }
    }
    if let Ok(mut name) = NameBuf::from_text(input) {
        let _ = name.push_label(input);
        sum = count(sum, &name);
    }
    if let Ok(txt) = Txt::parse(input) {
        let mut sink = SliceSink::new(&mut buffer);
        let _ = txt.emit(&mut sink);
        let _ = sink.put_decimal(sink.written().len() as u64);
        let _ = Rdata::Txt(Txt::joined(input)).emit(&mut sink);
    }
    let mut cursor = Cursor::new(input);
    let _ = (
        cursor.take_decimal(),
        cursor.skip_ignore_case(b"abc"),
        cursor.take_array::<7>(),
    );
    sum.len() + cursor.take_while(|byte| byte > 9).len() + once(input)
}

fn count(mut sum: Counter, value: &impl Emit) -> Counter {
    // A counter is never full.
    let _ = value.emit(&mut sum);
    sum
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

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), lookup::AnswerError> {
        if id.untagged().is_none_or(|(tag, _)| tag != 2) {
            return Err(lookup::AnswerError);
        }
        self.verdict = match answer.trusted() {
            Answer::Records(_, security) | Answer::NoData(security) => Some(security),
            _ => None,
        };
        Ok(())
    }

    fn verdict(&self) -> Option<&Security> {
        self.verdict.as_ref()
    }
}

fn once(input: &[u8]) -> usize {
    let mut machine = Once {
        name: input,
        asked: false,
        verdict: None,
    };
    let records = [Rdata::Txt(Txt::joined(input))];
    let verdict = lookup::drive(&mut machine, |query| match query.name.to_name() {
        Ok(_) => Answer::records(&records),
        Err(_) => Answer::NoData(Security::Bogus),
    });
    let later = Instant(1) + core::time::Duration::from_secs(input.len() as u64);
    usize::from(verdict.is_some()) + usize::from(later > Instant(9))
}
