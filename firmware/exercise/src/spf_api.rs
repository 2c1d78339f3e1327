//! scop-spf.

use core::hint::black_box;
use core::net::IpAddr;

use scop_core::{
    Answer, Emit, Lookup, NameBuf, Query, Rdata, Rtype, Security, SliceSink, Step, Txt, UnixTime,
    lookup,
};
use scop_spf::{
    Directive, DomainSpec, Evaluator, Identity, Limit, Limits, MacroContext, MacroString,
    Mechanism, Qualifier, ReasonKind, ReceivedSpf, ReceivedSpfView, Record, Request, SpfResult,
    TermKind, Verdict,
};

use crate::tally::Tally;

const OUTER: &[u8] = b"v=spf1 exists:%{l1r-}.no.%{d2} a:a.example.org/24//64 mx:m.example.org ptr \
    include:inner.example.org ip6:2001:db8::/32 ip4:203.0.113.0/24 exp=why.example.org -all";
const INNER: &[u8] = b"v=spf1 exists:%{ir}.%{v}._spf.%{o} -all";
const WHY: &[u8] = b"%{i} is not one of %{o}: %{S} %{h} %{c} %{r} %{t} %{p}%%%_%-";

/// Reads records and fields, and evaluates: a pass, a fail with its explanation, and the limits.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    for text in [input, black_box(OUTER), black_box(INNER), black_box(WHY)] {
        read(text, &mut tally);
    }
    let four = IpAddr::from(black_box([192, 0, 2, 9]));
    let six = IpAddr::from(black_box([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9]));
    let other = IpAddr::from(black_box([198, 51, 100, 7]));
    // The A record of inner.example.org is that of 192.0.2.9; 2001:db8::/32 is listed.
    for (ip, result, explained) in [
        (four, SpfResult::Pass, false),
        (six, SpfResult::Pass, false),
        (other, SpfResult::Fail, true),
    ] {
        for identity in [Identity::MailFrom, Identity::Helo] {
            let request = request(ip, identity, input);
            evaluate::<4096>(request, &Limits::DEFAULT, &mut tally, |verdict| {
                verdict.result() == result && verdict.explanation().is_some() == explained
            });
        }
    }
    let request = request(other, Identity::MailFrom, input);
    let mut limits = Limits::DEFAULT;
    limits.lookups = black_box(2);
    limits.resolve_p = black_box(false);
    evaluate::<1024>(request, &limits, &mut tally, |verdict| {
        verdict.result() == SpfResult::PermError
            && verdict.reason().kind() == ReasonKind::Limit(Limit::Lookups)
    });
    tally.finish()
}

fn request<'r>(ip: IpAddr, identity: Identity, receiver: &'r [u8]) -> Request<'r> {
    Request {
        ip,
        helo: black_box(b"mail.example.org"),
        mail_from: black_box(b"strong-bad@mail.example.org"),
        identity,
        receiver,
        now: black_box(UnixTime(1_800_000_000)),
    }
}

/// Reads a text as all that SPF reads.
fn read(text: &[u8], tally: &mut Tally) {
    tally.flag(Record::is_selected(&Txt::joined(text)));
    if let Ok(record) = Record::parse(text) {
        tally.bytes(record.as_bytes());
        tally.flag(record.redirect().is_some() || record.explanation().is_some());
        for term in record.terms() {
            tally.bytes(term.text);
            tally.add(term.offset);
            match term.kind {
                TermKind::Directive(directive) => read_directive(directive, tally),
                TermKind::Redirect(spec) | TermKind::Explanation(spec) => read_spec(spec, tally),
                _ => {}
            }
        }
    }
    if let Ok(spec) = DomainSpec::parse(text) {
        read_spec(spec, tally);
    }
    if let Ok(string) = MacroString::parse(text) {
        read_string(string, tally);
    }
    if let Ok(string) = MacroString::parse_explanation(text) {
        read_string(string, tally);
    }
    tally.flag(SpfResult::parse(text).is_some());
    read_field(text, tally);
}

fn read_directive(directive: Directive<'_>, tally: &mut Tally) {
    tally.flag(directive.qualifier == Qualifier::Pass);
    tally.bytes(directive.qualifier.result().as_str().as_bytes());
    match directive.mechanism {
        Mechanism::Include(spec) | Mechanism::Exists(spec) | Mechanism::Ptr(Some(spec)) => {
            read_spec(spec, tally);
        }
        Mechanism::A(spec, cidr) | Mechanism::Mx(spec, cidr) => {
            tally.add(usize::from(cidr.ip4) + usize::from(cidr.ip6));
            if let Some(spec) = spec {
                read_spec(spec, tally);
            }
        }
        Mechanism::Ip4(_, length) | Mechanism::Ip6(_, length) => tally.add(length.into()),
        _ => {}
    }
}

fn read_spec(spec: DomainSpec<'_>, tally: &mut Tally) {
    tally.bytes(spec.as_bytes());
    read_string(spec.as_macro_string(), tally);
}

fn read_string(string: MacroString<'_>, tally: &mut Tally) {
    tally.bytes(string.as_bytes());
    tally.flag(string.uses_validated_name());
    let context = MacroContext {
        local_part: black_box(b"strong-bad"),
        sender_domain: black_box(b"mail.example.org"),
        domain: string.as_bytes(),
        ip: IpAddr::from(black_box([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9])),
        helo: string.as_bytes(),
        validated_name: b"",
        receiver: string.as_bytes(),
        now: black_box(UnixTime(9)),
    };
    let mut buffer = [0; 256];
    let mut sink = SliceSink::new(&mut buffer);
    tally.flag(string.expand(&context, &mut sink).is_ok());
    tally.bytes(sink.written());
}

fn read_field(value: &[u8], tally: &mut Tally) {
    let Ok(view) = ReceivedSpfView::parse(value) else {
        return;
    };
    tally.bytes(view.result().as_str().as_bytes());
    tally.bytes(view.comment().unwrap_or_default());
    tally.flag(view.get(b"helo").is_some());
    for (key, value) in view.pairs() {
        tally.bytes(key);
        tally.bytes(value.raw());
        tally.flag(value.is_quoted());
        tally.emit(&value);
    }
}

/// Drives the machine to its end over a zone; `holds` has to hold for the verdict.
// Not inlined, so that the frames of several machines do not add up.
#[inline(never)]
fn evaluate<const TEXT: usize>(
    request: Request<'_>,
    limits: &Limits,
    tally: &mut Tally,
    holds: impl Fn(&Verdict<'_>) -> bool,
) {
    let Ok(host) = NameBuf::from_text(black_box(b"mx.example.org")) else {
        return tally.check(false);
    };
    let text = |text| [Rdata::Txt(Txt::joined(black_box(text)))];
    let [outer, inner, why] = [text(OUTER), text(INNER), text(WHY)];
    let mx = [Rdata::Mx {
        preference: 10,
        exchange: host.as_name(),
    }];
    let ptr = [Rdata::Ptr(host.as_name())];
    let far = [Rdata::A([203, 0, 113, 9].into())];
    let far6 = [Rdata::Aaaa([0x2001, 0xdb9, 0, 0, 0, 0, 0, 1].into())];
    let zone = |query: Query<'_>| match (query.rtype, query.name.labels().next()) {
        (Rtype::TXT, Some(b"inner")) => Answer::records(&inner),
        (Rtype::TXT, Some(b"why")) => Answer::records(&why),
        (Rtype::TXT, Some(b"mail")) => Answer::records(&outer),
        (Rtype::MX, _) => Answer::records(&mx),
        (Rtype::PTR, _) => Answer::records(&ptr),
        // What %{ir} makes of 192.0.2.9.
        (Rtype::A, Some(b"9")) => Answer::records(&far),
        (Rtype::A, Some(b"mx" | b"a")) => Answer::records(&far),
        (Rtype::AAAA, Some(b"mx" | b"a")) => Answer::records(&far6),
        _ => Answer::NxDomain(Security::Insecure),
    };
    let mut machine = Evaluator::<TEXT>::new(request, limits);
    tally.add(limits.max_queries() as usize);
    if let Step::Query(id) = machine.poll() {
        let answer = machine
            .query(id)
            .map(zone)
            .unwrap_or(Answer::NoData(Security::Insecure));
        tally.check(machine.answer(id, answer).is_ok());
        tally.check(machine.answer(id, answer).is_err());
    }
    let Some(verdict) = lookup::drive(&mut machine, zone) else {
        return tally.check(false);
    };
    let place = verdict.reason().place();
    tally.bytes(place.domain);
    tally.bytes(place.term.unwrap_or_default());
    tally.add(place.position.into());
    tally.flag(verdict.reason().inner().is_some());
    tally.bytes(verdict.domain());
    tally.bytes(verdict.explanation().unwrap_or_default());
    tally.add(usize::from(verdict.lookups()) + usize::from(verdict.void_lookups()));
    tally.add(verdict.queries() as usize);
    tally.bytes(request.identity.as_str().as_bytes());
    tally.bytes(request.sender().local_part);
    received_spf(request, verdict, tally);
    tally.check(holds(verdict));
}

/// Writes the field and reads it back.
fn received_spf(request: Request<'_>, verdict: &Verdict<'_>, tally: &mut Tally) {
    let mut buffer = [0; 800];
    let mut sink = SliceSink::new(&mut buffer);
    let received = ReceivedSpf::new(request, verdict);
    let written = received.is_ok_and(|received| received.emit(&mut sink).is_ok());
    tally.check(written);
    let value = sink.written().strip_prefix(b"Received-SPF:");
    let value = value.unwrap_or_default().trim_ascii();
    let view = ReceivedSpfView::parse(value);
    tally.check(
        view.is_ok_and(|view| {
            view.result() == verdict.result() && view.get(b"client-ip").is_some()
        }),
    );
    read_field(value, tally);
}
