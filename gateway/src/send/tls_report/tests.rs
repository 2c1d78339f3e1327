//! Counts over a restart, and reports read back from the spool and from a web server.

use std::io::Read as _;

use flate2::read::GzDecoder;
use scop_mime_core::Message;
use scop_smtp_proto::policy::tls_rpt::{PolicyType, Report, ResultType};

use super::count::{Counts, DETAILS, DOMAINS, OCTETS, POLICIES, TEXT};
use super::hand_over::unescape;
use super::*;
use crate::http::tests::{Answer, Authority, Site};
use crate::resolve::zone::Zones;
use crate::send::config;
use crate::spool::tests::Place;
use crate::spool::{Envelope, Id};

const POLICY: &[u8] = b"version: STSv1\r\nmode: testing\r\nmx: *.example.org\r\nmax_age: 86400\r\n";

/// 2026-11-24.
const DAY_NUMBER: u64 = 20_781;

const NOON: UnixTime = UnixTime(DAY_NUMBER * DAY + 43_200);

fn config(from: &str) -> (config::Report, Vec<config::Key>) {
    let report = config::Report {
        organization: "Example \u{fc}ber".to_owned(),
        contact: "tls@example.net".to_owned(),
        from: from.to_owned(),
        delay: crate::service::config::Span(Duration::ZERO),
        ports: Vec::new(),
    };
    let key = config::Key {
        domain: "Example.net".to_owned(),
        selector: "s".to_owned(),
        file: PathBuf::new(),
    };
    (report, vec![key])
}

struct Stand {
    folder: Place,
    authority: Authority,
    site: Site,
}

impl Stand {
    async fn new() -> Self {
        let authority = Authority::new();
        let acceptor = authority.acceptor("reports.example.org", 2999);
        Self {
            folder: Place::new(),
            site: Site::start(acceptor, Answer::text("")).await,
            authority,
        }
    }

    /// As after a restart. The domain wants reports at these URIs.
    fn reports(&self, rua: &str) -> Reports {
        let rua = rua.replace("PORT", &self.site.port.to_string());
        self.reports_by(&format!("_smtp._tls 60 TXT \"v=TLSRPTv1; rua={rua}\"\n"))
    }

    /// The same with these lines in the zone of example.org.
    fn reports_by(&self, lines: &str) -> Reports {
        let zone = self.folder.0.join("zone");
        let text = format!(
            "$ORIGIN example.org.\n@ 60 SOA ns hostmaster 1 1 1 1 1\nreports 60 A 127.0.0.1\n{lines}"
        );
        fs::write(&zone, text).unwrap();
        let (report, keys) = config("tls-reports@example.net");
        let setup = Setup {
            submitter: Submitter::new(&report, &keys).unwrap(),
            delay: Duration::ZERO,
            spool: self.spool(),
            resolver: Arc::new(Resolver::new(Zones::read(&[zone]).unwrap(), None)),
            https: self.authority.https(),
            ports: vec![self.site.port],
            private_addresses: true,
            figures: metrics::Sender::new(),
        };
        Reports::open(&self.counts(), setup).unwrap()
    }

    fn spool(&self) -> Spool {
        Spool::open(&self.folder.0.join("spool")).unwrap()
    }

    fn counts(&self) -> PathBuf {
        self.folder.0.join("tls-report")
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.counts()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// Envelope and text of each message in the spool.
    fn mail(&self) -> Vec<(Envelope, Vec<u8>)> {
        let spool = self.spool();
        let _lock = spool.lock().unwrap();
        let ids = spool.scan().unwrap();
        let read = |id: &Id| {
            let mut entry = spool.read(id).unwrap();
            let mut octets = Vec::new();
            entry.file.read_to_end(&mut octets).unwrap();
            (entry.envelope, octets)
        };
        ids.iter().map(read).collect()
    }
}

fn count(reports: &Reports, policy: Option<&[u8]>, fault: Option<(ResultType, &str)>) {
    let session = Session {
        domain: "Example.ORG",
        policy,
        fault: fault.map(|(kind, host)| Fault {
            kind,
            host: Some(host),
            address: Some([192, 0, 2, 1].into()),
        }),
    };
    reports.count_at(&session, NOON);
}

fn count_some(reports: &Reports) {
    for _ in 0..3 {
        count(reports, Some(POLICY), None);
    }
    for host in ["a.example.org", "b.example.org", "a.example.org"] {
        let kind = ResultType::CertificateExpired;
        count(reports, Some(POLICY), Some((kind, host)));
    }
    let kind = ResultType::StartTlsNotSupported;
    count(reports, None, Some((kind, "c.example.org")));
}

/// What a report says, as lines.
fn lines(gzip: &[u8]) -> Vec<String> {
    let mut json = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut json).unwrap();
    let report = Report::parse(&json).unwrap();
    assert_eq!(report.organization().to_string(), "Example \u{fc}ber");
    assert_eq!(report.contact().to_string(), "tls@example.net");
    assert_eq!(
        report.id().to_string(),
        "2026-11-24.example.org@example.net"
    );
    assert_eq!(report.start().0, DAY_NUMBER * DAY);
    assert_eq!(report.end().0, DAY_NUMBER * DAY + DAY - 1);
    let mut lines = Vec::new();
    for policy in report.policies() {
        if policy.policy_type() == Some(PolicyType::Sts) {
            let strings: Vec<String> = policy.strings().map(|text| text.to_string()).collect();
            let served = [
                "version: STSv1",
                "mode: testing",
                "mx: *.example.org",
                "max_age: 86400",
            ];
            assert_eq!(strings, served);
            assert!(policy.mx_hosts().all(|host| host.is("*.example.org")));
        }
        lines.push(format!(
            "{} {} {}/{}",
            policy.policy_type_text(),
            policy.domain(),
            policy.successes(),
            policy.failed()
        ));
        for failure in policy.failures() {
            let host = failure.mx_hostname().map(|host| host.to_string());
            lines.push(format!(
                "{} {} {} {:?}",
                failure.result_type_text(),
                failure.sessions(),
                host.unwrap_or_default(),
                failure.receiving_ip()
            ));
        }
    }
    lines
}

const LINES: [&str; 5] = [
    "sts example.org 3/3",
    "certificate-expired 2 a.example.org Some(192.0.2.1)",
    "certificate-expired 1 b.example.org Some(192.0.2.1)",
    "no-policy-found example.org 0/1",
    "starttls-not-supported 1 c.example.org Some(192.0.2.1)",
];

#[tokio::test]
async fn counts_outlive_the_process_and_are_mailed() {
    let stand = Stand::new().await;
    let rua = "mailto:tls%2Breports@example.org?subject=x";
    let reports = stand.reports(rua);
    count_some(&reports);
    reports.save().await;
    assert_eq!(stand.files(), ["2026-11-24.json"]);
    let reports = stand.reports(rua);
    let (_stopper, mut stop) = Stop::new();
    reports.send(DAY_NUMBER, NOON, &mut stop).await;
    assert!(stand.files().is_empty());
    let mail = stand.mail();
    let [(envelope, octets)] = mail.as_slice() else {
        panic!("{} messages", mail.len());
    };
    assert_eq!(envelope.from, "<tls-reports@example.net>");
    assert_eq!(envelope.to[0].path, "<tls+reports@example.org>");
    let text = String::from_utf8(octets.clone()).unwrap();
    for line in [
        "To: tls+reports@example.org\r\n",
        "TLS-Report-Domain: example.org\r\n",
        "TLS-Report-Submitter: example.net\r\n",
        "TLS-Required: No\r\n",
        "Auto-Submitted: auto-generated\r\n",
    ] {
        assert!(text.contains(line), "{line}");
    }
    let unfolded = text.replace("\r\n ", " ");
    let subject = "Subject: Report Domain: example.org Submitter: example.net \
                   Report-ID: <2026-11-24.example.org@example.net>\r\n";
    assert!(unfolded.contains(subject), "{unfolded}");
    let index = Message::index(octets);
    let parts: Vec<_> = index.parts().collect();
    let top = parts[0].content_type();
    assert_eq!(
        (top.type_name(), top.subtype()),
        (&b"multipart"[..], &b"report"[..])
    );
    let report_type = top.parameters().get(b"report-type").unwrap();
    assert_eq!(report_type.value().to_string(), "tlsrpt");
    let attached = parts[2].content_type();
    assert_eq!(attached.subtype(), b"tlsrpt+gzip");
    assert!(unfolded.contains("example.net!example.org!1795478400!1795564799.json.gz"));
    let mut gzip = Vec::new();
    parts[2].decode(&mut gzip).unwrap();
    assert_eq!(lines(&gzip), LINES);
}

#[tokio::test]
async fn what_could_not_be_posted_is_posted_later_and_nothing_twice() {
    let stand = Stand::new().await;
    let rua = "https://reports.example.org:PORT/in?x=1,mailto:a@example.org,ftp://example.org/,mailto:%00";
    let (_stopper, mut stop) = Stop::new();
    let reports = stand.reports(rua);
    count_some(&reports);
    stand.site.answer.lock().unwrap().status = 503;
    reports.send(DAY_NUMBER, NOON, &mut stop).await;
    assert_eq!(stand.site.requests().len(), 1);
    assert_eq!(stand.files(), ["2026-11-24.json"]);
    assert_eq!(stand.mail().len(), 1);
    stand.site.answer.lock().unwrap().status = 201;
    let reports = stand.reports(rua);
    reports.send(DAY_NUMBER, NOON, &mut stop).await;
    assert_eq!(stand.site.requests()[1], "POST reports.example.org /in?x=1");
    assert_eq!(lines(&stand.site.seen.lock().unwrap()[1].1), LINES);
    assert_eq!(stand.mail().len(), 1);
    assert!(stand.files().is_empty());
    assert_eq!(reports.0.setup.figures.reports.count(["sent"]), 1);
}

#[tokio::test]
async fn who_wants_none_gets_none() {
    let stand = Stand::new().await;
    let (_stopper, mut stop) = Stop::new();
    for rua in ["", "nonsense"] {
        let reports = stand.reports(rua);
        count_some(&reports);
        reports.save().await;
        reports.send(DAY_NUMBER, NOON, &mut stop).await;
        assert!(stand.files().is_empty());
    }
    // No zone answers for this domain: the lookup fails, and for a day it is tried again.
    let reports = stand.reports("mailto:a@example.org");
    let session = Session {
        domain: "example.net",
        policy: None,
        fault: None,
    };
    reports.count_at(&session, NOON);
    for domain in ["[192.0.2.1]", "b\u{fc}cher.example"] {
        reports.count_at(&Session { domain, ..session }, NOON);
    }
    reports.send(DAY_NUMBER, NOON, &mut stop).await;
    assert_eq!(stand.files().len(), 1);
    let late = UnixTime((DAY_NUMBER + 1) * DAY + GIVE_UP + 1);
    reports.send(DAY_NUMBER, late, &mut stop).await;
    assert!(stand.files().is_empty());
    assert!(stand.mail().is_empty());
    assert_eq!(reports.0.setup.figures.reports.count(["failed"]), 1);
}

#[tokio::test]
async fn a_broken_file_is_put_aside() {
    let stand = Stand::new().await;
    let reports = stand.reports("mailto:a@example.org");
    count_some(&reports);
    reports.save().await;
    let path = stand.counts().join("2026-11-24.json");
    let good = fs::read_to_string(&path).unwrap();
    for bad in [
        String::new(),
        good.replace("certificate-expired", "certificate-lost"),
        good.replace("\"omitted\":0", "\"omitted\":0,\"more\":1"),
        good.replace("20781", "20782"),
        good + "{}",
    ] {
        fs::write(&path, bad).unwrap();
        fs::write(stand.counts().join("2026-11-24.new"), "").unwrap();
        let reports = stand.reports("mailto:a@example.org");
        assert!(reports.days().is_empty());
        assert_eq!(stand.files(), ["2026-11-24.broken"]);
    }
}

/// A place that says nothing holds up nobody, and what is under way when the service stops is kept.
#[tokio::test]
async fn many_at_once() {
    let stand = Stand::new().await;
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut lines =
        format!("_smtp._tls.d00 60 TXT \"v=TLSRPTv1; rua=https://reports.example.org:{port}/\"\n");
    for number in 1..=40 {
        let line = format!(
            "_smtp._tls.d{number:02} 60 TXT \"v=TLSRPTv1; rua=mailto:d{number}@example.org\"\n"
        );
        lines.push_str(&line);
    }
    let mut reports = stand.reports_by(&lines);
    Arc::get_mut(&mut reports.0).unwrap().setup.ports = vec![port];
    for number in 0..=40 {
        let session = Session {
            domain: &format!("d{number:02}.example.org"),
            policy: None,
            fault: None,
        };
        reports.count_at(&session, NOON);
    }
    let (stopper, mut stop) = Stop::new();
    let sending = {
        let reports = reports.clone();
        tokio::spawn(async move { reports.send(DAY_NUMBER, NOON, &mut stop).await })
    };
    let left = || {
        let days = reports.days();
        days[&DAY_NUMBER].day.names().cloned().collect::<Vec<_>>()
    };
    let waiting = async {
        while left() != ["d00.example.org"] {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "{:?}", left());
    assert_eq!(stand.mail().len(), 40);
    stopper.send(true).unwrap();
    sending.await.unwrap();
    assert_eq!(left(), ["d00.example.org"]);
    assert_eq!(stand.files(), ["2026-11-24.json"]);
}

#[tokio::test]
async fn places_that_get_none() {
    let stand = Stand::new().await;
    let (_stopper, mut stop) = Stop::new();
    // A port that is not allowed, which is no matter of time.
    let reports = stand.reports("https://reports.example.org/");
    count_some(&reports);
    reports.send(DAY_NUMBER, NOON, &mut stop).await;
    assert!(stand.files().is_empty());
    assert_eq!(reports.0.setup.figures.reports.count(["failed"]), 1);
    // Too many of them.
    let all: Vec<String> = (0..12)
        .map(|number| format!("mailto:a@{number}.org"))
        .collect();
    let reports = stand.reports(&all.join(","));
    count_some(&reports);
    reports.send(DAY_NUMBER, NOON, &mut stop).await;
    assert_eq!(stand.mail().len(), 8);
}

/// Counts in the day 1.
fn counted<'a>(day: &'a mut Day, session: &Session<'_>) -> &'a Counts {
    day.count(session);
    day.counts(session.domain).unwrap()
}

/// All sessions and all failures of a domain, of which each failure has its detail.
fn sums(counts: &Counts) -> (u64, u64) {
    let policies = counts.policies();
    for policy in policies {
        let details: u64 = policy.details.iter().map(|detail| detail.sessions).sum();
        assert_eq!(details, policy.failed);
    }
    let sessions = policies
        .iter()
        .map(|policy| policy.successes + policy.failed);
    let failures = policies.iter().map(|policy| policy.failed);
    (sessions.sum(), failures.sum())
}

/// What is kept of a domain has an end, and its report has all of its sessions.
#[test]
fn bounds_of_a_domain() {
    let mut day = Day::new(1);
    let session = Session {
        domain: "example.org",
        policy: None,
        fault: None,
    };
    let long = "x".repeat(TEXT + 1);
    for number in 0..100 {
        let host = format!("mx{number}.example.org");
        let text = format!("policy {}", number.min(50));
        let kind = ResultType::ALL[number % 2];
        let fault = Some(Fault {
            kind,
            host: Some(&host),
            address: None,
        });
        for policy in [Some(text.as_str()), Some(&long), None] {
            let policy = policy.map(str::as_bytes);
            counted(&mut day, &Session { policy, ..session });
            counted(
                &mut day,
                &Session {
                    policy,
                    fault,
                    ..session
                },
            );
        }
    }
    let counts = day.counts("example.org").unwrap();
    assert_eq!(sums(counts), (600, 300));
    assert_eq!(counts.policies().len(), POLICIES + 2);
    let texts = counts
        .policies()
        .iter()
        .map(|policy| policy.text.as_deref());
    assert_eq!(texts.filter(|&text| text == Some("")).count(), 1);
    for policy in counts.policies().iter().filter(|policy| policy.failed > 64) {
        assert_eq!(policy.details.len(), DETAILS + 2);
    }
    // It is read as it was written, with what is left.
    let again = Day::parse(&day.emit().unwrap()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{day:?}"));
    let (from, keys) = config("tls@example.net");
    let submitter = Submitter::new(&from, &keys).unwrap();
    assert!(message::render(&submitter, 1, "example.org", counts).is_ok());
}

#[test]
fn bounds_of_a_day() {
    let mut day = Day::new(1);
    let of = |number: usize| format!("d{number}.example.org");
    let kind = ResultType::CertificateExpired;
    let host = "h".repeat(253);
    for number in 0..DOMAINS + 10 {
        let session = Session {
            domain: &of(number),
            policy: None,
            fault: None,
        };
        day.count(&session);
    }
    assert_eq!(day.names().count(), DOMAINS);
    assert!(day.counts(&of(DOMAINS)).is_none());
    // What is known is counted all the same, until there is no room for what is new in it.
    let text = "x".repeat(TEXT);
    let rounds = OCTETS / TEXT / 4;
    for number in 0..rounds {
        for part in 0..4 {
            let text = format!("{part}{}", &text[1..]);
            let session = Session {
                domain: &of(number),
                policy: Some(text.as_bytes()),
                fault: Some(Fault {
                    kind,
                    host: Some(&host),
                    address: None,
                }),
            };
            day.count(&session);
        }
    }
    let written = day.emit().unwrap();
    assert!(written.len() < OCTETS + OCTETS / 4, "{}", written.len());
    assert_eq!(sums(day.counts(&of(0)).unwrap()), (5, 4));
    let last = day.counts(&of(rounds - 1)).unwrap();
    assert_eq!((sums(last), last.policies().len()), ((5, 4), 2));
    assert_eq!(Day::parse(&written).unwrap().take_omitted(), 10);
    assert_eq!((day.take_omitted(), day.take_omitted()), (10, 0));
}

#[test]
fn who_reports() {
    for (from, words) in [
        ("tls@example.net", None),
        ("tls@example.org", Some("has no key")),
        ("tls", Some("is needed")),
        ("", Some("is needed")),
        ("tls@[192.0.2.1]", Some("is needed")),
    ] {
        let (report, keys) = config(from);
        let error = Submitter::new(&report, &keys)
            .err()
            .map(|error| error.to_string());
        match words {
            None => {
                assert_eq!(error, None);
                let delay = crate::service::config::Span(LONGEST_DELAY + Duration::from_secs(1));
                assert!(Submitter::new(&config::Report { delay, ..report }, &keys).is_err());
            }
            Some(words) => assert!(error.unwrap().contains(words), "{from}"),
        }
    }
}

#[test]
fn escapes() {
    for (text, unescaped) in [
        ("a%2Bb@example.org", Some("a+b@example.org")),
        ("a%2bb", Some("a+b")),
        ("a%0d%0ab", None),
        ("a%e4", None),
        ("a%", None),
        ("a%2", None),
        ("a%zz", None),
    ] {
        assert_eq!(unescape(text.as_bytes()).as_deref(), unescaped, "{text}");
    }
}
