use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser as _;
use scop_mime_core::Message;

use super::*;
use crate::cli::{Cli, Command};
use crate::demo::dns::Server;
use crate::resolve::client::Client as Servers;
use crate::resolve::system;
use crate::resolve::zone::Zones;

const AT: &str = "2025-11-02T07:00:00Z";
const ID: &str = "mx.example.net";

/// A sample, and the connection that it comes over.
type Case = (&'static str, &'static str, &'static str, &'static str);

const CASES: [Case; 8] = [
    (
        "newsletter.eml",
        "192.0.2.25",
        "mx.example.org",
        "news@example.org",
    ),
    (
        "newsletter.eml",
        "198.51.100.7",
        "elsewhere.example",
        "news@example.org",
    ),
    (
        "forged.eml",
        "203.0.113.66",
        "out.example.net",
        "bounce@example.net",
    ),
    (
        "two-from.eml",
        "192.0.2.25",
        "mx.example.org",
        "news@example.org",
    ),
    ("changed.eml", "203.0.113.66", "[203.0.113.66]", ""),
    ("unsigned.eml", "192.0.2.25", "mx.example.org", ""),
    (
        "unsigned.eml",
        "198.51.100.7",
        "mx.example.org",
        "\"a b\"@example.org",
    ),
    (
        "no-policy.eml",
        "2001:db8::1",
        "mail.example.com",
        "me@example.com",
    ),
];

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples")
}

/// As it comes over SMTP.
fn sample(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(samples().join(name)).unwrap();
    text.replace("\r\n", "\n")
        .replace('\n', "\r\n")
        .into_bytes()
}

fn checker(resolver: Resolver) -> Checker {
    Checker::new(Arc::new(resolver), ID.to_owned()).unwrap()
}

fn of_zones() -> Checker {
    let zones = Zones::read(&[samples().join("example.zone")]).unwrap();
    checker(Resolver::new(zones, None))
}

fn client((_, ip, helo, mail_from): &Case) -> Client<'_> {
    Client {
        ip: ip.parse().unwrap(),
        helo,
        mail_from,
    }
}

fn at() -> UnixTime {
    let time: jiff::Timestamp = AT.parse().unwrap();
    UnixTime(time.as_second().cast_unsigned())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

async fn check(checker: &Checker, client: Client<'_>, message: &[u8], chunk: usize) -> Findings {
    let Message { header, body, .. } = Message::split(message);
    let mut checks = checker.begin_at(header.as_bytes(), client, at());
    for chunk in body.chunks(chunk) {
        checks.body(chunk);
    }
    checks.finish().await
}

/// The field that the command prints.
fn as_command(case: &Case) -> String {
    let (file, ip, helo, mail_from) = case;
    let file = samples().join(file);
    let zone = samples().join("example.zone");
    let arguments = [
        "scop",
        "check",
        file.to_str().unwrap(),
        "--json",
        "--at",
        AT,
        "--authserv-id",
        ID,
        "--zone",
        zone.to_str().unwrap(),
        "--ip",
        ip,
        "--helo",
        helo,
        "--mail-from",
        mail_from,
    ];
    let Command::Check(arguments) = Cli::parse_from(arguments).command else {
        panic!("another command")
    };
    let (text, _) = crate::command::check::run(&arguments).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    report["authentication_results"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_fields_are_those_of_the_command() {
    let checker = of_zones();
    for case in CASES {
        let findings = run(check(&checker, client(&case), &sample(case.0), 4096));
        let fields = String::from_utf8(findings.fields).unwrap();
        let (spf, results) = fields.split_at(fields.find("Authentication-Results:").unwrap());
        assert_eq!(results, as_command(&case), "{case:?}");
        assert!(
            spf.starts_with("Received-SPF: ") && spf.ends_with("\r\n"),
            "{spf}"
        );
        assert_eq!(spf.matches("Received-SPF").count(), 1);
        let (identity, sender) = match case.3 {
            "" => ("helo", false),
            _ => ("mailfrom", true),
        };
        assert!(spf.contains(&format!("identity={identity};")), "{spf}");
        assert_eq!(spf.contains("envelope-from="), sender, "{spf}");
        assert!(findings.notes.is_empty(), "{:?}", findings.notes);
        assert_eq!(findings.failed_lookups, 0);
        assert!(findings.lookups > 0);
    }
}

#[test]
fn findings_in_short() {
    let checker = of_zones();
    let expected = [
        ("dkim=pass spf=pass dmarc=pass", false),
        ("dkim=pass spf=fail dmarc=pass", false),
        ("dkim=pass spf=pass dmarc=fail", true),
        ("dkim=fail spf=pass dmarc=permerror", false),
        ("dkim=fail spf=none dmarc=fail", true),
        ("dkim=none spf=pass dmarc=pass", false),
        ("dkim=none spf=fail dmarc=fail", true),
        ("dkim=pass spf=softfail dmarc=none", false),
    ];
    for (case, (summary, rejected)) in CASES.iter().zip(expected) {
        let findings = run(check(&checker, client(case), &sample(case.0), 100));
        assert_eq!(
            (findings.summary.as_str(), findings.rejected),
            (summary, rejected),
            "{case:?}"
        );
        let fields = String::from_utf8(findings.fields).unwrap();
        for (method, result) in findings.results {
            assert!(
                fields.contains(&format!("\r\n {method}={result}")),
                "{method}={result}: {fields}"
            );
        }
    }
}

#[test]
fn a_mapped_address_is_one_of_ipv4() {
    let checker = of_zones();
    let message = sample("newsletter.eml");
    let plain = client(&CASES[0]);
    let mapped = Client {
        ip: "::ffff:192.0.2.25".parse().unwrap(),
        ..plain
    };
    let findings = run(check(&checker, mapped, &message, 100));
    assert_eq!(findings, run(check(&checker, plain, &message, 100)));
}

#[test]
fn chunks_of_every_size_come_to_the_same() {
    let checker = of_zones();
    for case in [CASES[0], CASES[4]] {
        let message = sample(case.0);
        let whole = run(check(&checker, client(&case), &message, usize::MAX));
        for chunk in 1..message.len() {
            let findings = run(check(&checker, client(&case), &message, chunk));
            assert_eq!(findings, whole, "{chunk}");
        }
    }
}

/// Answers come at their own time, between the chunks and after them.
#[test]
fn answers_from_a_server_come_to_the_same() {
    let zones = || Zones::read(&[samples().join("example.zone")]).unwrap();
    let of_zones = of_zones();
    run(async {
        let server = Server::bind(zones()).await.unwrap();
        let servers = Servers::new(system::Servers::one(server.address()));
        let service = tokio::spawn(server.serve());
        let resolver = Resolver::new(Zones::default(), Some(servers)).keeping(64);
        let of_server = checker(resolver);
        for pause in [0, 1, 20] {
            for case in &CASES {
                let message = sample(case.0);
                let expected = check(&of_zones, client(case), &message, 100).await;
                let Message { header, body, .. } = Message::split(&message);
                let mut checks = of_server.begin_at(header.as_bytes(), client(case), at());
                for chunk in body.chunks(100) {
                    checks.body(chunk);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                assert_eq!(checks.finish().await, expected, "{case:?}");
            }
        }
        service.abort();
    });
}

#[test]
fn lookups_go_out_with_the_header() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let servers = Servers::new(system::Servers::one(silent.local_addr().unwrap()));
    let checker = checker(Resolver::new(Zones::default(), Some(servers)));
    run(async {
        let message = sample("newsletter.eml");
        let _checks = checker.begin(&message, client(&CASES[0]));
        tokio::time::sleep(Duration::from_millis(200)).await;
    });
    // SPF of two names, two keys, the policy: each at least once.
    let received = std::iter::from_fn(|| silent.recv(&mut [0; 512]).ok()).count();
    assert!(received >= 5, "{received}");
}

/// What a client says stands in the fields or not at all.
#[test]
fn odd_names_cost_a_clause_and_no_more() {
    let checker = of_zones();
    let long = "x".repeat(481);
    for (helo, mail_from, has_spf, notes) in [
        ("a\x07b", "news@example.org", true, 1),
        ("a\r\nSubject: x", "news@example.org", true, 1),
        (long.as_str(), "news@example.org", true, 1),
        ("", "news@example.org", true, 0),
        ("a(b\"c", "news@example.org", true, 0),
        ("a\x07b", "", false, 1),
        ("mx.example.org", "a\r\nb@example.org", false, 1),
        ("", "", false, 0),
    ] {
        let client = Client {
            ip: [192, 0, 2, 25].into(),
            helo,
            mail_from,
        };
        let findings = run(check(&checker, client, &sample("newsletter.eml"), 100));
        let fields = String::from_utf8(findings.fields).unwrap();
        assert_eq!(fields.contains("Received-SPF"), has_spf, "{fields}");
        assert!(
            fields.contains("dmarc=pass header.from=example.org"),
            "{fields}"
        );
        assert_eq!(findings.notes.len(), notes, "{:?}", findings.notes);
        let lines = fields.strip_suffix("\r\n").unwrap().split("\r\n");
        for line in lines {
            let is_begun = line.starts_with([' ', '\t', 'R', 'A']);
            assert!(
                is_begun && !line.chars().any(|c| c.is_control() && c != '\t'),
                "{line:?}"
            );
        }
        let has_helo = fields.contains(" helo=") || fields.contains("\thelo=");
        assert_eq!(
            has_helo,
            has_spf && notes == 0 && !helo.is_empty(),
            "{fields}"
        );
    }
}

#[test]
fn a_fault_is_a_temporary_error_and_says_so() {
    let checker = of_zones();
    let header = sample("newsletter.eml");
    run(async {
        let checks = checker.begin(&header, client(&CASES[0]));
        let findings = checks.hidden("a test");
        assert_eq!(
            String::from_utf8(findings.fields).unwrap(),
            "Authentication-Results: mx.example.net;\r\n dkim=temperror;\r\n spf=temperror;\r\n dmarc=temperror\r\n"
        );
        assert!(!findings.rejected);
        assert_eq!(findings.notes, ["a test; this is a fault of scop"]);
    });
}

#[test]
fn a_name_that_no_field_holds_is_refused_at_the_start() {
    for name in ["", "a\nb", &"x".repeat(256)] {
        let resolver = Arc::new(Resolver::new(Zones::default(), None));
        assert!(Checker::new(resolver, name.to_owned()).is_err());
    }
}

/// Sockets of this process that are connected to `address`.
fn sockets_to(address: std::net::SocketAddr) -> usize {
    let port = format!(":{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/udp").unwrap();
    let remote = |line: &str| line.split_whitespace().nth(2).map(str::to_owned);
    table
        .lines()
        .filter_map(remote)
        .filter(|remote| remote.ends_with(&port))
        .count()
}

#[test]
fn a_silent_server_holds_nobody_longer_than_the_budget() {
    const AT_ONCE: usize = 32;
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let servers = Servers::new(system::Servers::one(address));
    let resolver = Resolver::new(Zones::default(), Some(servers))
        .keeping(64)
        .at_once(AT_ONCE, 8);
    let checker = Arc::new(checker(resolver).within(Duration::from_millis(1500)));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let begun = Instant::now();
    let mut most = 0;
    let all = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..200 {
            let checker = Arc::clone(&checker);
            tasks.spawn(async move {
                // Names of their own, so that nobody waits for the answer of another.
                let domain = format!("d{number}.example.org");
                let message = format!("From: a@{domain}\r\nSubject: x\r\n\r\nHello\r\n");
                let client = Client {
                    ip: [192, 0, 2, 1].into(),
                    helo: &domain,
                    mail_from: &format!("a@{domain}"),
                };
                check(&checker, client, message.as_bytes(), 5).await
            });
        }
        let mut all = Vec::new();
        loop {
            let tick = tokio::time::sleep(Duration::from_millis(20));
            tokio::select! {
                findings = tasks.join_next() => match findings {
                    Some(findings) => all.push(findings.unwrap()),
                    None => break,
                },
                () = tick => most = most.max(sockets_to(address)),
            }
        }
        all
    });
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(all.len(), 200);
    for findings in all {
        assert_eq!(findings.summary, "dkim=none spf=temperror dmarc=temperror");
        assert!(!findings.rejected);
        assert!(findings.failed_lookups > 0);
    }
    if cfg!(target_os = "linux") {
        assert!((1..=AT_ONCE).contains(&most), "{most}");
        // The sockets end with the messages, on the next turn of the runtime.
        let end = Instant::now() + Duration::from_secs(5);
        while sockets_to(address) > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(sockets_to(address), 0);
    }
}

#[test]
fn a_check_goes_from_thread_to_thread() {
    fn is_send<T: Send>() {}
    is_send::<Checks<'_>>();
    is_send::<Findings>();
}
