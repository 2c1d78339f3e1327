//! scop-spf.

use scop_core::{Answer, Emit, Lookup, Rdata, Rtype, Security, SliceSink, Txt, UnixTime, lookup};
use scop_spf::{
    DomainSpec, Evaluator, Identity, Limits, MacroString, ReceivedSpf, ReceivedSpfView, Record,
    Request, SpfResult,
};

const RECORD: &[u8] =
    b"v=spf1 a:%{i}.example.org mx include:inner.example.org exists:%{l1r-}.example.org \
    ptr ip4:192.0.2.0/24 exp=why.example.org -all";

/// Reads records and fields, and evaluates; the highest bit that is set says that a pass was due and came.
pub fn run(input: &[u8]) -> usize {
    let mut sum = 0;
    if let Ok(record) = Record::parse(input) {
        sum += record.terms().count();
        sum +=
            usize::from(record.redirect().is_some()) + usize::from(record.explanation().is_some());
    }
    sum += usize::from(MacroString::parse(input).is_ok());
    sum += usize::from(MacroString::parse_explanation(input).is_ok());
    sum += usize::from(DomainSpec::parse(input).is_ok());
    if let Ok(view) = ReceivedSpfView::parse(input) {
        sum += view.pairs().count() + usize::from(view.get(b"helo").is_some());
    }
    for identity in [Identity::MailFrom, Identity::Helo] {
        sum += evaluate(input, identity);
    }
    sum
}

fn evaluate(input: &[u8], identity: Identity) -> usize {
    let request = Request {
        ip: core::net::Ipv4Addr::new(192, 0, 2, 9).into(),
        helo: b"mx.example.org",
        mail_from: b"a@example.org",
        identity,
        receiver: input,
        now: UnixTime(9),
    };
    let outer = [Rdata::Txt(Txt::joined(RECORD))];
    let inner = [Rdata::Txt(Txt::joined(b"v=spf1 ?all"))];
    let odd = [Rdata::Txt(Txt::joined(input))];
    let mut machine = Evaluator::<4096>::new(request, &Limits::DEFAULT);
    let _ = machine.poll();
    let mut machine = Evaluator::<4096>::new(request, &Limits::DEFAULT);
    let Some(verdict) = lookup::drive(&mut machine, |query| {
        match (query.rtype, query.name.labels().next()) {
            (Rtype::TXT, Some(b"inner")) => Answer::records(&inner),
            (Rtype::TXT, Some(b"why")) => Answer::records(&odd),
            (Rtype::TXT, _) => Answer::records(&outer),
            _ => Answer::NoData(Security::Insecure),
        }
    }) else {
        return 0;
    };
    let mut field = [0; 600];
    let mut sink = SliceSink::new(&mut field);
    if let Ok(received) = ReceivedSpf::new(request, verdict) {
        let _ = received.emit(&mut sink);
    }
    let explained = verdict.explanation().map_or(0, <[u8]>::len);
    let counts = usize::from(verdict.lookups()) + usize::from(verdict.void_lookups());
    let passed = usize::from(verdict.result() == SpfResult::Pass);
    sink.written().len() + explained + counts + verdict.domain().len() + (passed << 20)
}
