//! scop-dmarc.

use core::hint::black_box;

use scop_core::{
    Answer, Lookup, Query, Rdata, Rtype, Security, SliceSink, Step, Txt, UnixTime, lookup,
};
use scop_dmarc::alignment::{Alignment, Check, Mode};
use scop_dmarc::authenticator::{BodyEnded, Connection, Limits, Mechanism, Part, Reason, claims};
use scop_dmarc::discover::{Existence, Location, MAX_QUERIES};
use scop_dmarc::policy::{Disposition, Request, Scope};
use scop_dmarc::record::{FailureOptions, Psd, Uri};
use scop_dmarc::{
    Authenticator, Author, Discovery, DmarcResult, Domain, Findings, Policy, Record, Verdict,
};
use scop_mime_core::{AuthResults, HeaderBlock, Message};

use crate::crypto_api::PROVIDER;
use crate::dkim_api::{ED25519_KEY, RFC8463, RSA_KEY};
use crate::tally::Tally;

const RECORD: &[u8] = b"v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=r; t=n; psd=n; \
    fo=1:d; rua=mailto:a@example.com!10m,https://example.com/r; ruf=mailto:f@example.com; pct=9";
const SPF: &[u8] = b"v=spf1 ip4:192.0.2.0/24 -all";

/// Reads records, walks the tree, and authenticates whole messages: some pass, their twins do not.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    for text in [input, black_box(RECORD)] {
        record(text, &mut tally);
        domain(text, &mut tally);
        tally.flag(Author::of(HeaderBlock::new(text)).domain().is_some());
        tally.add(claims(HeaderBlock::new(text), input).count());
    }
    walk(&mut tally);

    let message = Message::split(black_box(RFC8463));
    let [ours, theirs] = [[192, 0, 2, 1], [198, 51, 100, 7]].map(|ip: [u8; 4]| Connection {
        ip: black_box(ip).into(),
        helo: black_box(b"mail.football.example.com"),
        mail_from: black_box(b"joe@football.example.com"),
        receiver: input,
    });
    let is_real = cfg!(feature = "crypto");
    // Whole, from the right server: by SPF, and by DKIM where the signatures can be computed.
    authenticate::<10, 4096>(message, &[], Some(ours), &mut tally, |verdict| {
        let passed = verdict.dkim().iter().filter(|it| is_pass(it)).count();
        verdict.result() == DmarcResult::Pass
            && verdict.spf_alignment() == Alignment::Strict
            && verdict.disposition() == Disposition::None
            && (passed == 2) == is_real
    });
    // Forwarded: by DKIM alone.
    authenticate::<4, 1024>(message, &[], None, &mut tally, |verdict| {
        (verdict.reason() == Reason::Aligned(Mechanism::Dkim(0))) == is_real
            && verdict.is_authentic() == is_real
    });
    // Changed, and from another server: by nothing.
    authenticate::<4, 1024>(message, b"more", Some(theirs), &mut tally, |verdict| {
        verdict.result() == DmarcResult::Fail && verdict.disposition() == Disposition::Quarantine
    });
    tally.finish()
}

fn is_pass(result: &scop_dkim::verify::SignatureResult<'_>) -> bool {
    result.result() == scop_dkim::verify::DkimResult::Pass
}

fn record(text: &[u8], tally: &mut Tally) {
    tally.flag(Policy::from_txt(Txt::joined(text)).is_ok());
    if let Some(uri) = Uri::parse(text) {
        tally.bytes(uri.scheme());
    }
    let Ok(record) = Record::parse(text) else {
        return;
    };
    tally.bytes(record.as_bytes());
    tally.emit(&record);
    tally.add(record.defects().count());
    for tag in record.tags() {
        tally.bytes(tag.name);
        tally.bytes(tag.value);
        tally.add(tag.offset);
    }
    for uri in record.rua().chain(record.ruf()) {
        tally.bytes(uri.as_bytes());
        tally.bytes(uri.mailto().unwrap_or_default());
        tally.emit(&uri);
    }
    let policy = record.policy();
    for scope in [Scope::Domain, Scope::Subdomain, Scope::NonExistent] {
        read_request(policy.request(scope), tally);
    }
    tally.flag(policy.psd() == Psd::No);
    tally.flag(policy.adkim() == Mode::Strict && policy.aspf() == Mode::Relaxed);
    tally.flag(policy.wants_aggregate_reports() || policy.is_testing());
    tally.flag(policy.wants_failure_reports() == Some(FailureOptions::DEFAULT));
}

fn read_request(request: Option<Request>, tally: &mut Tally) {
    if let Some(request) = request {
        tally.bytes(request.disposition.lowered().as_str().as_bytes());
        tally.bytes(request.published.as_str().as_bytes());
        tally.add(request.basis as usize);
    }
}

fn domain(text: &[u8], tally: &mut Tally) {
    let (Ok(domain), Ok(other)) = (
        Domain::parse(text),
        Domain::parse(black_box(b"a.example.org")),
    ) else {
        return;
    };
    tally.bytes(domain.as_bytes());
    tally.add(domain.label_count().into());
    tally.add(domain.common_labels(&other).into());
    tally.emit(&domain);
    let parent = other.suffix(text.len().to_le_bytes()[0]);
    tally.check(other.is_within(&parent));
    tally.equal(domain, black_box(domain));
}

fn read_findings(findings: &Findings<'_>, tally: &mut Tally) {
    tally.bytes(findings.domain().as_bytes());
    if let Some(found) = findings.record() {
        tally.bytes(found.domain.as_bytes());
        tally.flag(found.location == Location::Author);
        tally.flag(found.security == Security::Secure);
        tally.flag(found.policy.is_testing());
    }
    if let Some(organizational) = findings.organizational() {
        tally.bytes(organizational.as_bytes());
    }
    tally.flag(findings.existence() == Existence::Exists);
    tally.flag(findings.failure().is_some());
    read_request(findings.request().ok(), tally);
}

/// The tree walk, and the alignment of identifiers with what it found.
fn walk(tally: &mut Tally) {
    let (Ok(author), Ok(near), Ok(far)) = (
        Domain::parse(black_box(b"a.b.c.d.e.f.g.h.i.football.example.com")),
        Domain::parse(black_box(b"news.example.com")),
        Domain::parse(black_box(b"example.net")),
    ) else {
        return tally.check(false);
    };
    let mut discovery = Discovery::new(author);
    discovery.seek_organizational();
    let records = [Rdata::Txt(Txt::joined(black_box(RECORD)))];
    let mut queries = 0;
    let findings = lookup::drive(&mut discovery, |query| {
        queries += 1;
        zone(query, &records)
    });
    let Some(findings) = findings.copied() else {
        return tally.check(false);
    };
    tally.check(queries <= MAX_QUERIES + 1);
    read_findings(&findings, tally);
    for (identifier, mode, due) in [
        (author, Mode::Strict, Alignment::Strict),
        (near, Mode::Relaxed, Alignment::Relaxed),
        (near, Mode::Strict, Alignment::NotAligned),
        (far, Mode::Relaxed, Alignment::NotAligned),
    ] {
        let mut check = Check::new(identifier, &findings, black_box(mode));
        let alignment = lookup::drive(&mut check, |query| zone(query, &records)).copied();
        tally.check(alignment == Some(due));
        tally.flag(alignment.is_some_and(Alignment::is_aligned));
    }
}

/// `_dmarc.example.com` has the record; no other name below `_dmarc` has one.
fn zone<'z>(query: Query<'_>, records: &'z [Rdata<'z>]) -> Answer<'z> {
    let mut labels = query.name.labels();
    match (labels.next(), labels.next(), labels.count()) {
        (Some(b"_dmarc"), Some(b"example"), 1) => Answer::records(records),
        _ => Answer::NxDomain(Security::Insecure),
    }
}

/// Drives the machine to its end; `holds` has to hold for the verdict.
// Not inlined, so that the frames of several machines do not add up.
#[inline(never)]
fn authenticate<const N: usize, const TEXT: usize>(
    message: Message<'_>,
    added: &[u8],
    connection: Option<Connection<'_>>,
    tally: &mut Tally,
    holds: impl Fn(&Verdict<'_, '_, N, TEXT>) -> bool,
) {
    let text = |text| [Rdata::Txt(Txt::joined(black_box(text)))];
    let [dmarc, spf, ed25519, rsa] = [text(RECORD), text(SPF), text(ED25519_KEY), text(RSA_KEY)];
    let zone = |query: Query<'_>| match (query.rtype, query.name.labels().next()) {
        (Rtype::TXT, Some(b"_dmarc")) => zone(query, &dmarc),
        (Rtype::TXT, Some(b"football" | b"mail")) => Answer::records(&spf),
        (Rtype::TXT, Some(b"brisbane")) => Answer::records(&ed25519),
        (Rtype::TXT, Some(b"test")) => Answer::records(&rsa),
        _ => Answer::NoData(Security::Secure),
    };
    let limits = Limits::DEFAULT;
    let now = black_box(UnixTime(1_800_000_000));
    let mut machine =
        Authenticator::<N, TEXT>::new(message.header, connection, PROVIDER, now, &limits);
    tally.add(limits.max_queries(2) as usize);
    for chunk in [message.body, added] {
        tally.check(machine.body(chunk).is_ok());
    }
    tally.check(machine.finish_body().is_ok());
    tally.check(machine.finish_body() == Err(BodyEnded));
    while let Step::Query(id) = machine.poll() {
        tally.flag(Part::of(id) == Some(Part::Dmarc));
        let Some(answer) = machine.query(id).map(zone) else {
            return tally.check(false);
        };
        tally.check(machine.answer(id, answer).is_ok());
        tally.check(machine.answer(id, answer).is_err());
    }
    let Some(verdict) = machine.verdict() else {
        return tally.check(false);
    };
    read_verdict(verdict, tally);
    write_results(verdict, tally);
    tally.check(holds(verdict));
}

fn read_verdict<const N: usize, const TEXT: usize>(
    verdict: &Verdict<'_, '_, N, TEXT>,
    tally: &mut Tally,
) {
    tally.flag(verdict.author().domain().is_some());
    tally.bytes(verdict.result().as_str().as_bytes());
    read_request(verdict.request(), tally);
    tally.flag(verdict.aligned() == Some(Mechanism::Spf));
    if let Some(findings) = verdict.findings() {
        read_findings(findings, tally);
    }
    tally.flag(verdict.record().is_some());
    let organizational = verdict.organizational_domain();
    tally.check(organizational.is_some_and(|domain| domain.as_bytes() == b"example.com"));
    tally.flag(verdict.existence() == Some(Existence::Irrelevant));
    tally.check(verdict.connection().is_some() == verdict.spf().is_some());
    for spf in [verdict.helo(), verdict.mail_from()].into_iter().flatten() {
        tally.bytes(spf.result().as_str().as_bytes());
    }
    tally.add(verdict.skipped_signatures());
    for index in 0..=verdict.dkim().len() {
        tally.flag(verdict.dkim_alignment(index).is_aligned());
    }
}

/// Writes the field, and reads the result of DMARC back.
fn write_results<const N: usize, const TEXT: usize>(
    verdict: &Verdict<'_, '_, N, TEXT>,
    tally: &mut Tally,
) {
    let mut buffer = [0; 1024];
    let mut sink = SliceSink::new(&mut buffer);
    let written = verdict.write_results(black_box(b"mx.example.org"), &mut sink);
    tally.check(written.is_ok());
    let header = HeaderBlock::new(sink.written());
    tally.check(claims(header, b"MX.example.org").count() == 1);
    let field = header.fields().next();
    let results = AuthResults::parse(field.map(|field| field.value()).unwrap_or_default());
    tally.check(results.is_ok_and(|results| {
        results.results().any(|result| {
            result.is(b"dmarc") && result.result() == verdict.result().as_str().as_bytes()
        })
    }));
}
