//! scop-smtp-proto: from a domain to its hosts, with MTA-STS, DANE, and reports on TLS.

use core::hint::black_box;
use core::net::IpAddr;

use scop_core::{
    Answer, Failure, Lookup, Name, Query, Rdata, Records, Rtype, Security, SliceSink, Tlsa, Txt,
    UnixTime, lookup,
};
use scop_smtp_proto::Domain;
use scop_smtp_proto::policy::mta_sts::{
    self, Cached, FailedFetch, Fetch, Field, Mode, Policy, PolicyUrl, plan,
};
use scop_smtp_proto::policy::route::{
    Families, Limits, NoRoute, Request, Router, Sts, TlsRequirement, TlsWish, Unusable,
};
use scop_smtp_proto::policy::tls_rpt::{
    self, Entry, FileName, Metadata, PolicyString, PolicyType, Report, ReportId, ReportWriter,
    ResultType, Rua, Subject,
};

use crate::tally::Tally;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// Looks for policies, routes mail by them, and writes and reads a report on how it went.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    policy_file(input, &mut tally);
    records(input, &mut tally);
    discover(input, &mut tally);
    cache(&mut tally);
    routes(input, &mut tally);
    report(input, &mut tally);
    tally.finish()
}

const FILE: &[u8] =
    b"version: STSv1\r\nmode: enforce\r\nmx: *.example.org\r\nmax_age: 86400\r\nx: y\r\n";

fn policy_file(input: &[u8], tally: &mut Tally) {
    match Policy::parse(black_box(FILE)) {
        Ok(policy) => {
            tally.equal((policy.mode(), policy.max_age()), (Mode::Enforce, 86_400));
            tally.check(policy.matches(b"mx.EXAMPLE.org") && !policy.matches(b"a.mx.example.org"));
            tally.check(policy.mx().count() == 1 && policy.fields().count() == 5);
            tally.equal(policy.raw(), FILE);
        }
        Err(_) => tally.check(false),
    }
    let wrong = Policy::parse(black_box(b"version: STSv1\nmode: testing\nmx: a.example\n"));
    let missing = mta_sts::PolicyErrorKind::Missing(Field::MaxAge);
    tally.check(wrong.is_err_and(|error| error.kind() == missing));
    let limits = &mta_sts::PolicyLimits::DEFAULT;
    tally.flag(Policy::parse_with(input, limits).is_ok());
    tally.check(mta_sts::matches_pattern(
        black_box(b"*.a.example"),
        b"b.a.example",
    ));
}

fn records(input: &[u8], tally: &mut Tally) {
    let record = mta_sts::Record::parse(black_box(b"v=STSv1; id=20260401T000000; a=b"));
    tally.check(record.is_ok_and(|record| record.id().as_bytes() == b"20260401T000000"));
    tally
        .check(record.is_ok_and(|record| record.fields().count() == 2 && record.raw().len() == 32));
    let wrong = mta_sts::Record::parse(black_box(b"v=STSv1; id=a b"));
    tally.check(wrong.is_err_and(|error| error.kind() == mta_sts::RecordErrorKind::BadId));
    tally.flag(mta_sts::Record::parse(input).is_ok());
    tally.flag(mta_sts::Id::new(input).is_some());
    let text = black_box(b"v=TLSRPTv1; rua=mailto:tls@example.org,https://example.org/tls");
    match tls_rpt::Record::parse(text) {
        Ok(record) => {
            let mut rua = record.rua();
            tally.check(rua.next() == Some(Rua::Mailto(b"tls@example.org")));
            tally.check(rua.next() == Some(Rua::Https(b"https://example.org/tls")));
            tally.check(rua.next().is_none() && record.fields().count() == 1);
            tally.bytes(record.raw());
        }
        Err(_) => tally.check(false),
    }
    tally.flag(tls_rpt::Record::parse(input).is_ok());
    match PolicyUrl::new(black_box(b"example.org")) {
        Some(url) => {
            tally.check_emit(&url, b"https://mta-sts.example.org/.well-known/mta-sts.txt");
            let mut host = [0; 32];
            let mut sink = SliceSink::new(&mut host);
            tally.check(url.emit_host(&mut sink).is_ok());
            tally.check(sink.written() == b"mta-sts.example.org");
        }
        None => tally.check(false),
    }
    tally.check(PolicyUrl::accepts(
        black_box(200),
        black_box(b"Text/Plain; charset=utf-8"),
    ));
    tally.check(!PolicyUrl::accepts(black_box(302), b"text/plain"));
}

fn discover(input: &[u8], tally: &mut Tally) {
    let sts = [Rdata::Txt(Txt::joined(black_box(b"v=STSv1; id=7;")))];
    let rua = [Rdata::Txt(Txt::joined(black_box(
        b"v=TLSRPTv1;rua=mailto:a@example.org",
    )))];
    let other = [Rdata::Txt(Txt::joined(input))];
    for (answer, is_found) in [
        (Answer::records(&sts), true),
        (Answer::records(&other), false),
        (Answer::NoData(Security::Secure), false),
        (Answer::Failed(Failure::Timeout), false),
    ] {
        let mut discovery = mta_sts::Discovery::new(black_box(b"example.org"));
        let found = lookup::drive(&mut discovery, |query| {
            tally.emit(&query.name);
            answer
        });
        let id = mta_sts::Id::new(b"7").filter(|_| is_found);
        tally.check(match found {
            Some(mta_sts::Found::Policy(found)) => Some(*found) == id,
            other => other.is_some() && id.is_none(),
        });
    }
    for (answer, is_found) in [
        (Answer::records(&rua), true),
        (Answer::NxDomain(Security::Secure), false),
    ] {
        let mut discovery: tls_rpt::Discovery<'_, 64> =
            tls_rpt::Discovery::new(black_box(b"example.org"));
        let found = lookup::drive(&mut discovery, |_| answer);
        tally.check(found.is_some_and(|found| found.record().is_ok() == is_found));
    }
    let mut discovery = mta_sts::Discovery::new(input);
    tally.flag(lookup::drive(&mut discovery, |_| Answer::records(&sts)).is_some());
}

fn cache(tally: &mut Tally) {
    let (Ok(policy), Some(id), Some(newer)) = (
        Policy::parse(black_box(FILE)),
        mta_sts::Id::new(black_box(b"1")),
        mta_sts::Id::new(black_box(b"2")),
    ) else {
        return tally.check(false);
    };
    let cached = Cached::new(id, &policy, NOW);
    let soon = UnixTime(NOW.0 + 60);
    let late = UnixTime(NOW.0 + 50_000);
    tally.check(cached.is_in_force(late) && !cached.is_in_force(UnixTime(NOW.0 + 86_401)));
    let failed = FailedFetch { id: newer, at: NOW };
    for (found, cached, failed, now, fetch) in [
        (id, None, None, NOW, Fetch::First),
        (id, Some(&cached), None, soon, Fetch::No),
        (id, Some(&cached), None, late, Fetch::Refresh),
        (newer, Some(&cached), Some(&failed), soon, Fetch::No),
    ] {
        let plan = plan(&mta_sts::Found::Policy(found), cached, failed, now);
        tally.equal((plan.fetch, plan.keep), (fetch, cached.is_some()));
    }
}

type Small<'a> = Router<'a, 3, 2, 80>;

/// What the DNS of a test says.
struct Zone<'a> {
    mx: Answer<'a>,
    a: Answer<'a>,
    aaaa: Answer<'a>,
    tlsa: Answer<'a>,
}

impl Zone<'_> {
    fn answer(&self, query: Query<'_>) -> Answer<'_> {
        match query.rtype {
            Rtype::MX => self.mx,
            Rtype::A => self.a,
            Rtype::AAAA => self.aaaa,
            Rtype::TLSA => self.tlsa,
            _ => Answer::Failed(Failure::Timeout),
        }
    }
}

fn routes(input: &[u8], tally: &mut Tally) {
    let (Ok(one), Ok(two), Ok(domain)) = (
        Name::parse(black_box(b"\x02m1\x07example\x03org\0")),
        Name::parse(black_box(b"\x02m2\x07example\x03net\0")),
        Domain::parse(black_box(b"example.org")),
    ) else {
        return tally.check(false);
    };
    let mx = [
        Rdata::Mx {
            preference: 20,
            exchange: one,
        },
        Rdata::Mx {
            preference: 10,
            exchange: two,
        },
    ];
    let a = [Rdata::A([192, 0, 2, 25].into())];
    let aaaa = [Rdata::Aaaa([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into())];
    let mut data = [7; 35];
    if let Some(head) = data.first_chunk_mut() {
        *head = [3, 1, 1];
    }
    let tlsa = [Rdata::Other {
        rtype: Rtype::TLSA,
        data: black_box(&data),
    }];
    let plain = Zone {
        mx: Answer::records(&mx),
        a: Answer::records(&a),
        aaaa: Answer::records(&aaaa),
        tlsa: Answer::NoData(Security::Indeterminate),
    };
    let dane = Zone {
        mx: secure(&mx),
        a: secure(&a),
        aaaa: secure(&aaaa),
        tlsa: secure(&tlsa),
    };
    let mut request = Request::new(domain, black_box(4));
    route(request, &plain, tally, |route| {
        let mut hosts = route.hosts().map(|host| (host.name(), host.preference()));
        hosts.next() == Some((Some("m2.example.net"), 10))
            && hosts.next() == Some((Some("m1.example.org"), 20))
            && route
                .hosts()
                .all(|host| host.tls() == TlsRequirement::Opportunistic)
            && route.hosts().all(|host| host.addresses().count() == 2)
            && route
                .hosts()
                .all(|host| host.certificate_names().next().is_none())
    });
    route(request, &dane, tally, |route| {
        route.hosts().count() == 2
            && route.security() == Security::Secure
            && route
                .hosts()
                .all(|host| host.certificate_names().count() == 2)
            && route.hosts().all(|host| match host.tls() {
                TlsRequirement::Dane(records) => records
                    .iter()
                    .all(|record| record.usage == 3 && record.data.len() == 32),
                _ => false,
            })
    });
    request.sts = Policy::parse(black_box(FILE)).ok();
    route(request, &plain, tally, |route| {
        let host = route.hosts().next().map(|host| (host.tls(), host.sts()));
        host == Some((TlsRequirement::WebPki, Sts::Enforce))
            && route.unusable().all(|(_, preference, why)| {
                preference == 10 && why == Unusable::StsMismatch && why.status().class == 4
            })
    });
    request.sts = None;
    request.tls = TlsWish::Required;
    request.families = Families::V4;
    route(request, &plain, tally, |route| {
        route.failure() == Some(NoRoute::Host(Unusable::NotAuthentic))
    });
    request.tls = TlsWish::Optional;
    let own: [&[u8]; 1] = [b"m2.example.net"];
    request.own_names = &own;
    route(request, &plain, tally, |route| {
        route.failure() == Some(NoRoute::Loop) && route.omitted().loops == 2
    });
    request.own_names = &[];
    let own: [IpAddr; 1] = [[192, 0, 2, 25].into()];
    request.own_addresses = &own;
    let nobody = Zone {
        mx: Answer::NoData(Security::Secure),
        ..plain
    };
    route(request, &nobody, tally, |route| {
        route.is_implicit() && route.failure().is_some_and(|why| !why.is_temporary())
    });
    let null = [Rdata::Mx {
        preference: 0,
        exchange: Name::ROOT,
    }];
    let null = Zone {
        mx: Answer::records(&null),
        ..nobody
    };
    route(request, &null, tally, |route| {
        route.failure() == Some(NoRoute::NullMx) && route.domain() == domain
    });
    if let Ok(domain) = Domain::parse(input) {
        let request = Request::new(domain, 0);
        route(request, &dane, tally, |route| route.hosts().count() == 2);
    }
    if let Ok(literal) = Domain::parse(black_box(b"[192.0.2.25]")) {
        let request = Request::new(literal, 0);
        route(request, &dane, tally, |route| route.hosts().count() == 1);
    }
}

fn secure<'a>(records: &'a [Rdata<'a>]) -> Answer<'a> {
    Answer::Records(Records::from(records), Security::Secure)
}

type SmallRoute<'a> = <Small<'a> as Lookup>::Verdict;

#[track_caller]
fn route<'a>(
    request: Request<'a>,
    zone: &Zone<'_>,
    tally: &mut Tally,
    is_due: impl FnOnce(&SmallRoute<'a>) -> bool,
) {
    let mut router = Small::new(request, &Limits::DEFAULT);
    let route = lookup::drive(&mut router, |query| zone.answer(query));
    tally.check(route.is_some_and(is_due));
}

fn report(input: &[u8], tally: &mut Tally) {
    let mut buffer = [0; 1024];
    let mut sink = SliceSink::new(&mut buffer);
    let text = core::str::from_utf8(input).unwrap_or_default();
    tally.check(write(&mut sink, text).is_some());
    match Report::parse(sink.written()) {
        Ok(report) => {
            tally.check(report.organization().is(text) && report.contact().is("tls@example.org"));
            tally.check(report.id().is("1@example.org"));
            tally.check(report.start() == UnixTime(1_775_001_600) && report.end() > report.start());
            tally.check(report.policies().count() == 2);
            for policy in report.policies() {
                tally.add(policy.strings().count() + policy.mx_hosts().count());
                tally.check(policy.policy_type().is_some() && policy.domain().is("example.com"));
                tally.check(policy.successes() == 9 && policy.failed() == 1);
                tally.bytes(policy.policy_type_text().raw().as_bytes());
                for failure in policy.failures() {
                    tally.equal(failure.result_type(), Some(ResultType::CertificateExpired));
                    tally.check(failure.sending_ip() == Some([192, 0, 2, 1].into()));
                    tally.check(failure.receiving_ip().is_none() && failure.sessions() == 1);
                    tally.check(
                        failure
                            .mx_hostname()
                            .is_some_and(|name| name.is("mx.example.com")),
                    );
                    tally.check(failure.mx_helo().is_none() && failure.reason_code().is_none());
                    tally.flag(failure.additional_information().is_some());
                    tally.bytes(failure.result_type_text().raw().as_bytes());
                    tally.flag(failure.sending_ip_text().is_some());
                    tally.flag(failure.receiving_ip_text().is_some());
                }
            }
        }
        Err(_) => tally.check(false),
    }
    tally.check(Report::parse_with(input, &tls_rpt::Limits::DEFAULT).is_err());
    let name = FileName::new(
        black_box(b"example.org"),
        b"example.com",
        UnixTime(black_box(1)),
        UnixTime(2),
    );
    match name.and_then(|name| name.with_unique_id(black_box(b"7"))) {
        Some(name) => {
            tally.check_emit(&name.compressed(), b"example.org!example.com!1!2!7.json.gz");
            tally.bytes(name.media_type().as_bytes());
        }
        None => tally.check(false),
    }
    let id = ReportId::new(black_box(b"1@example.org"));
    match id.and_then(|id| Subject::new(b"example.com", black_box(b"example.org"), id)) {
        Some(subject) => tally.check_emit(
            &subject,
            b"Report Domain: example.com Submitter: example.org Report-ID: <1@example.org>",
        ),
        None => tally.check(false),
    }
}

fn write(sink: &mut SliceSink<'_>, organization: &str) -> Option<()> {
    let metadata = Metadata {
        organization,
        contact: "tls@example.org",
        id: "1@example.org",
        start: UnixTime(black_box(1_775_001_600)),
        end: UnixTime(black_box(1_775_087_999)),
    };
    let mut writer = ReportWriter::new(sink, &metadata).ok()?;
    let mut entry = Entry {
        policy_type: PolicyType::Sts,
        domain: "example.com",
        successes: 9,
        failed: 1,
    };
    let policy = Policy::parse(black_box(FILE)).ok()?;
    let fields = policy
        .fields()
        .map(|(name, value)| PolicyString::Field(name, value));
    writer.policy(&entry, fields, ["*.example.org"]).ok()?;
    let mut failure = tls_rpt::Failure::new(ResultType::CertificateExpired, 1);
    failure.sending_ip = Some([192, 0, 2, 1].into());
    failure.mx_hostname = Some("mx.example.com");
    writer.failure(&failure).ok()?;
    entry.policy_type = PolicyType::Tlsa;
    let tlsa = Tlsa::parse(black_box(&[3, 1, 1, 0xab])).ok()?;
    writer.policy(&entry, [PolicyString::Tlsa(tlsa)], []).ok()?;
    writer.finish().ok()?;
    Some(())
}
