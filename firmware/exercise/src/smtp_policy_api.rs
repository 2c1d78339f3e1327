//! scop-smtp-proto: the route to a domain, MTA-STS, and reports on TLS.

use core::hint::black_box;

use scop_core::{Answer, Name, Query, Rdata, Records, Rtype, Security, SliceSink, Tlsa};
use scop_core::{Txt, UnixTime, lookup};
use scop_smtp_proto::Domain;
use scop_smtp_proto::policy::mta_sts::{self, Cached, Found, Id, Policy, PolicyUrl, plan};
use scop_smtp_proto::policy::route::{Limits, NoRoute, Request, Router, TlsRequirement, TlsWish};
use scop_smtp_proto::policy::tls_rpt::{
    self, Entry, Failure, FileName, Metadata, PolicyString, PolicyType, Report, ReportId,
    ReportWriter, ResultType, Subject,
};

use crate::tally::Tally;

const FILE: &[u8] =
    b"version: STSv1\r\nmode: enforce\r\nmx: *.example.org\r\nx: y\r\nmax_age: 86400\r\n";
const STS: &[u8] = b"v=STSv1; id=20160831085700Z; x=y";
const RPT: &[u8] = b"v=TLSRPTv1; rua=mailto:tls@example.org,https://example.org/tls";
const TLSA: &[u8] = b"\x03\x01\x010123456789abcdef0123456789abcdef";

/// Finds routes, reads policies and records, writes a report and reads it.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    for text in [input, black_box(FILE), black_box(STS), black_box(RPT)] {
        read(text, &mut tally);
    }
    discover(input, &mut tally);
    for tls in [TlsWish::Policy, TlsWish::Required, TlsWish::Optional] {
        route(black_box(b"example.org"), tls, true, &mut tally);
    }
    route(input, TlsWish::Policy, false, &mut tally);
    route(black_box(b"[192.0.2.1]"), TlsWish::Policy, true, &mut tally);
    report(input, &mut tally);
    tally.finish()
}

fn read(text: &[u8], tally: &mut Tally) {
    if let Ok(policy) = Policy::parse(text) {
        tally.add(policy.fields().count() + policy.mx().count());
        tally.check(policy.matches(b"a.example.org") && !policy.matches(b"example.org"));
        let now = UnixTime(1_800_000_000);
        if let Some(id) = Id::new(b"1") {
            let cached = Cached::new(id, &policy, now);
            tally.check(plan(&Found::NoRecord, Some(&cached), None, now).keep);
            tally.emit(&id);
        }
    }
    if let Ok(record) = mta_sts::Record::parse(text) {
        tally.add(record.fields().count());
        tally.bytes(record.id().as_bytes());
    }
    if let Ok(record) = tls_rpt::Record::parse(text) {
        tally.add(record.fields().count());
        tally.check(record.rua().count() == 2);
    }
    if let Some(url) = PolicyUrl::new(text) {
        tally.emit(&url);
    }
    tally.flag(PolicyUrl::accepts(200, text));
}

fn discover(input: &[u8], tally: &mut Tally) {
    let texts = [STS, RPT, input].map(|text| Rdata::Txt(Txt::joined(black_box(text))));
    for domain in [input, black_box(b"example.org")] {
        let mut machine = mta_sts::Discovery::new(domain);
        let found = lookup::drive(&mut machine, |_| Answer::records(&texts));
        tally.check(matches!(found, Some(Found::Policy(_) | Found::NoRecord)));
        let mut machine: tls_rpt::Discovery<'_> = tls_rpt::Discovery::new(domain);
        let found = lookup::drive(&mut machine, |_| Answer::records(&texts));
        let record = found.map(tls_rpt::Found::record);
        tally.flag(record.is_some_and(|record| record.is_ok()));
    }
}

fn route(domain: &[u8], tls: TlsWish, is_usable: bool, tally: &mut Tally) {
    let Ok(domain) = Domain::parse(domain) else {
        return;
    };
    let own = [&b"own.example.org"[..]];
    let mut request = Request::new(domain, black_box(7));
    request.own_names = &own;
    request.sts = Policy::parse(black_box(FILE)).ok();
    request.tls = tls;
    let mut router: Router<'_> = Router::new(request, &Limits::DEFAULT);
    let exchange = |wire: &'static [u8], preference| Rdata::Mx {
        preference: black_box(preference),
        exchange: Name::parse(black_box(wire)).unwrap_or(Name::ROOT),
    };
    let mx = [
        exchange(b"\x03own\x07example\x03org\0", 20),
        exchange(b"\x01a\x07example\x03org\0", 10),
        exchange(b"\x01b\x07example\x03net\0", 10),
        exchange(b"\x01a\x07example\x03org\0", 5),
        exchange(b"\0", 0),
    ];
    let a = [Rdata::A(black_box([192, 0, 2, 25]).into())];
    let tlsa = [Rdata::Other {
        rtype: Rtype::TLSA,
        data: black_box(TLSA),
    }];
    let found = lookup::drive(&mut router, |query: Query<'_>| match query.rtype {
        Rtype::MX => Answer::Records(Records::from(&mx[..]), black_box(Security::Secure)),
        Rtype::A => Answer::Records(Records::from(&a[..]), black_box(Security::Secure)),
        Rtype::TLSA => Answer::Records(Records::from(&tlsa[..]), black_box(Security::Secure)),
        _ => Answer::NoData(black_box(Security::Secure)),
    });
    let Some(route) = found else { return };
    tally.check(!is_usable || route.hosts().next().is_some());
    for host in route.hosts() {
        tally.bytes(host.name().unwrap_or_default().as_bytes());
        tally.add(host.addresses().count() + usize::from(host.preference()));
        if let TlsRequirement::Dane(records) = host.tls() {
            tally.check(records.iter().all(|tlsa: Tlsa<'_>| tlsa.data.len() == 32));
        }
    }
    for (name, _, reason) in route.unusable() {
        tally.bytes(name.as_bytes());
        tally.emit(&reason.status());
    }
    tally.add(route.omitted().loops.into());
    tally.emit(
        &route
            .failure()
            .map_or(NoRoute::Loop.status(), NoRoute::status),
    );
}

fn report(input: &[u8], tally: &mut Tally) {
    let text = str::from_utf8(input).unwrap_or_default();
    let metadata = Metadata {
        organization: text,
        contact: "tls@example.org",
        id: "1",
        start: black_box(UnixTime(1_775_001_600)),
        end: black_box(UnixTime(1_775_087_999)),
    };
    let mut buffer = [0; 1024];
    let written = write(SliceSink::new(&mut buffer), &metadata, text);
    let report = (written.as_ref()).and_then(|sink| Report::parse(sink.written()).ok());
    tally.check(report.is_some());
    let Some(report) = report else { return };
    tally.check(report.organization().is(text) && report.start() == metadata.start);
    tally.emit(&report.id());
    for policy in report.policies() {
        tally.check(policy.policy_type() == Some(PolicyType::Tlsa));
        tally.add(policy.strings().count() + policy.mx_hosts().count());
        for failure in policy.failures() {
            tally.check(failure.result_type() == Some(ResultType::TlsaInvalid));
            tally.check(failure.sending_ip().is_some() && failure.mx_helo().is_none());
        }
    }
    let name = FileName::new(
        b"a.example",
        black_box(b"b.example"),
        report.start(),
        report.end(),
    );
    if let Some(name) = name.and_then(|name| name.with_unique_id(b"7")) {
        tally.emit(&name.compressed());
    }
    let id = ReportId::new(black_box(b"1.2@a.example"));
    if let Some(subject) = id.and_then(|id| Subject::new(b"b.example", b"a.example", id)) {
        tally.emit(&subject);
    }
}

fn write<'b>(sink: SliceSink<'b>, metadata: &Metadata<'_>, text: &str) -> Option<SliceSink<'b>> {
    let mut writer = ReportWriter::new(sink, metadata).ok()?;
    let entry = Entry {
        policy_type: PolicyType::Tlsa,
        domain: "example.org",
        successes: black_box(7),
        failed: 1,
    };
    let tlsa = Tlsa::parse(black_box(TLSA)).ok()?;
    let strings = [
        PolicyString::Tlsa(tlsa),
        PolicyString::Field(b"mx", b"a.example"),
        PolicyString::Text(text),
    ];
    writer.policy(&entry, strings, ["a.example"]).ok()?;
    let failure = Failure {
        sending_ip: Some(black_box([192, 0, 2, 1]).into()),
        reason_code: Some(text),
        ..Failure::new(ResultType::TlsaInvalid, 1)
    };
    writer.failure(&failure).ok()?;
    writer.finish().ok()
}
