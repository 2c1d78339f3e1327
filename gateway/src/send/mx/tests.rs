//! Routes from zone files, and servers that do what a table says.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use scop_core::UnixTime;
use scop_smtp_proto::policy::tls_rpt::ResultType;

use super::*;
use crate::deliver::Rest;
use crate::http::tests::{Answer, Authority, Site};
use crate::resolve::zone::Zones;
use crate::send::config;
use crate::send::tls_report::{self, Submitter};
use crate::service::config::Span;
use crate::spool::tests::Place;
use crate::spool::{Envelope, Id, Recipient, Spool};

/// What a server does, by its address; the last answer is for all further sessions.
struct Servers {
    rest: Rest,
    answers: Mutex<HashMap<&'static str, Vec<Delivery>>>,
    /// Address, policy and names, recipients.
    seen: Mutex<Vec<String>>,
}

impl HandOver for Arc<Servers> {
    async fn hand_over(
        &self,
        target: &Target,
        _message: &Outgoing,
        recipients: &[usize],
    ) -> Delivery {
        let ip = target.address.ip().to_string();
        let line = format!(
            "{} {ip} {:?} {:?} {recipients:?}",
            target.host, target.tls, target.names
        );
        self.seen.lock().unwrap().push(line);
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(ip.as_str()).unwrap();
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        };
        self.rest.learn(target.address, &answer);
        answer
    }

    fn rests(&self, address: SocketAddr) -> Option<Failure> {
        self.rest.of(address)
    }
}

const ZONE: &str = "\
$ORIGIN example.org.
$TTL 60
@ SOA ns hostmaster 1 1 1 1 1
@ MX 10 mx1
@ MX 20 mx2
mx1 A 9.0.0.1
mx1 AAAA 2606::1
mx2 A 9.0.0.2
_mta-sts TXT \"v=STSv1; id=1;\"
mta-sts A 127.0.0.1
null MX 0 .
inside MX 10 router
router A 192.168.0.1
router AAAA ::1
half MX 10 router
half MX 20 mx2
many MX 10 many-a
many MX 20 many-b
many-a A 9.0.1.1
many-a A 9.0.1.2
many-a A 9.0.1.3
many-a A 9.0.1.4
many-b A 9.0.1.5
many-b A 9.0.1.6
own MX 10 mx1
own MX 20 mx2
plain A 9.0.0.9
$ORIGIN xn--bcher-kva.example.
@ SOA ns hostmaster 1 1 1 1 1
@ MX 10 mx
mx A 9.0.0.7
";

fn settings() -> Settings {
    Settings {
        port: 25,
        private_addresses: false,
        own_names: Vec::new(),
        own_addresses: Vec::new(),
    }
}

fn took() -> Delivery {
    Delivery {
        outcomes: Ok(vec![delivered(); 2]),
        tls: TlsResult::Plain,
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered {
        host: "mx".to_owned(),
        reply: "250 ok".to_owned(),
        reports: false,
    }
}

fn said(status: &str, reply: &str) -> Failure {
    Failure {
        reply: Some(reply.to_owned()),
        ..failure(status, String::new())
    }
}

fn dead() -> Delivery {
    Delivery {
        outcomes: Err(failure("4.4.1", "refused".to_owned())),
        tls: TlsResult::None,
    }
}

fn refused(status: &str, reply: &str) -> Delivery {
    Delivery {
        outcomes: Err(said(status, reply)),
        tls: TlsResult::None,
    }
}

struct Try {
    /// `D`, `F5.1.1`, `T4.4.1`: what became of each recipient.
    outcomes: Vec<String>,
    seen: Vec<String>,
}

struct Stand {
    place: Place,
    servers: Arc<Servers>,
    mx: Mx<Arc<Servers>>,
    parameters: &'static str,
    header: &'static str,
}

impl Stand {
    fn new(settings: Settings, answers: &[(&'static str, &[Delivery])]) -> Self {
        let place = Place::new();
        let zone = place.0.join("zone");
        fs::write(&zone, ZONE).unwrap();
        let resolver = Arc::new(Resolver::new(Zones::read(&[zone]).unwrap(), None));
        let servers = Arc::new(Servers {
            rest: Rest::new(Duration::from_secs(60)),
            answers: Mutex::default(),
            seen: Mutex::default(),
        });
        for &(ip, deliveries) in answers {
            let mut answers = servers.answers.lock().unwrap();
            answers.insert(ip, deliveries.to_vec());
        }
        let policies = Policies {
            sts: None,
            reports: None,
            figures: metrics::Sender::new(),
        };
        Self {
            mx: Mx::new(settings, resolver, servers.clone(), policies),
            place,
            servers,
            parameters: "",
            header: "",
        }
    }

    fn message(&self) -> Outgoing {
        let spool = Spool::open(&self.place.0.join("spool")).unwrap();
        let envelope = Envelope {
            arrived: UnixTime(1_764_000_000),
            from: "<joe@example.org>".to_owned(),
            parameters: self.parameters.to_owned(),
            to: vec![
                Recipient {
                    path: "<ann@example.org>".to_owned(),
                    ..Recipient::default()
                };
                2
            ],
            ..Envelope::default()
        };
        let mut writer = spool.write(&Id::new().unwrap(), &envelope).unwrap();
        writer.put(self.header.as_bytes()).unwrap();
        writer
            .put(b"From: joe@example.org\r\n\r\nHello\r\n")
            .unwrap();
        let id = writer.commit().unwrap();
        Outgoing {
            entry: spool.read(&id).unwrap(),
            prefix: Vec::new(),
        }
    }

    fn send(&self, domain: &str) -> Try {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(self.attempt(domain))
    }

    async fn attempt(&self, domain: &str) -> Try {
        let message = self.message();
        let outcomes = self.mx.deliver(&message, domain, &[0, 1]).await;
        let word = |outcome: &Outcome| match outcome {
            Outcome::Delivered { .. } => "D".to_owned(),
            Outcome::Failed(failure) => format!("F{}", failure.status),
            Outcome::Deferred(failure) => format!("T{}", failure.status),
        };
        Try {
            outcomes: outcomes.iter().map(word).collect(),
            seen: std::mem::take(&mut self.servers.seen.lock().unwrap()),
        }
    }
}

#[test]
fn hosts_in_order_and_their_addresses() {
    let stand = Stand::new(
        settings(),
        &[
            ("2606::1", &[dead()]),
            ("9.0.0.1", &[dead()]),
            ("9.0.0.2", &[took()]),
        ],
    );
    let sent = stand.send("example.org");
    assert_eq!(sent.outcomes, ["D", "D"]);
    assert_eq!(
        sent.seen,
        [
            "mx1.example.org 2606::1 Opportunistic [] [0, 1]",
            "mx1.example.org 9.0.0.1 Opportunistic [] [0, 1]",
            "mx2.example.org 9.0.0.2 Opportunistic [] [0, 1]",
        ]
    );
    // What was dead a moment ago is left alone.
    assert_eq!(
        stand.send("example.org").seen,
        ["mx2.example.org 9.0.0.2 Opportunistic [] [0, 1]"]
    );
}

#[test]
fn who_is_put_off_goes_to_the_next_host() {
    let first = Delivery {
        outcomes: Ok(vec![
            Outcome::Failed(said("5.1.1", "550 no")),
            Outcome::Deferred(said("4.2.2", "452 full")),
        ]),
        tls: TlsResult::Plain,
    };
    let one = Delivery {
        outcomes: Ok(vec![delivered()]),
        tls: TlsResult::Plain,
    };
    let answers = [("2606::1", [first.clone()]), ("9.0.0.2", [one])];
    let answers: Vec<_> = answers.iter().map(|(ip, list)| (*ip, &list[..])).collect();
    let sent = Stand::new(settings(), &answers).send("example.org");
    assert_eq!(sent.outcomes, ["F5.1.1", "D"]);
    assert_eq!(sent.seen[1], "mx2.example.org 9.0.0.2 Opportunistic [] [1]");
    // The reply of the first tells more than the silence of the second.
    let answers = [("2606::1", [first]), ("9.0.0.2", [dead()])];
    let answers: Vec<_> = answers.iter().map(|(ip, list)| (*ip, &list[..])).collect();
    let sent = Stand::new(settings(), &answers).send("example.org");
    assert_eq!(sent.outcomes, ["F5.1.1", "T4.2.2"]);
}

#[test]
fn no_host_takes_it() {
    let no = [refused("5.3.2", "521 no mail here")];
    let busy = [refused("4.3.2", "421 busy")];
    for (first, second, expected) in [
        (&no, &no, "F5.3.2"),
        (&no, &busy, "T4.3.2"),
        (&busy, &no, "T4.3.2"),
        (&[dead()], &busy, "T4.3.2"),
        (&busy, &[dead()], "T4.3.2"),
    ] {
        let answers: [(_, &[_]); 3] = [("2606::1", first), ("9.0.0.1", first), ("9.0.0.2", second)];
        let sent = Stand::new(settings(), &answers).send("example.org");
        assert_eq!(sent.outcomes, [expected, expected]);
        assert_eq!(sent.seen.len(), 3);
    }
}

#[test]
fn no_more_than_five_addresses() {
    let no = [refused("5.3.2", "521 no mail here")];
    let answers: Vec<(_, &[_])> = [
        "9.0.1.1", "9.0.1.2", "9.0.1.3", "9.0.1.4", "9.0.1.5", "9.0.1.6",
    ]
    .map(|ip| (ip, &no[..]))
    .to_vec();
    let sent = Stand::new(settings(), &answers).send("many.example.org");
    // One that was not tried may take it.
    assert_eq!(sent.outcomes, ["T4.3.2", "T4.3.2"]);
    assert_eq!(sent.seen.len(), SESSIONS);
}

#[test]
fn domains_without_a_way() {
    for (domain, expected) in [
        ("null.example.org", "F5.1.10"),
        ("nothing.example.org", "F5.1.2"),
        ("nothing.b\u{fc}cher.example", "F5.1.2"),
        ("b\u{fc}cher_.example.org", "F5.1.2"),
        ("xn--b\u{fc}cher.example.org", "F5.1.2"),
        ("bad name", "F5.1.2"),
        // No zone answers, and nobody can be asked.
        ("example.net", "T4.4.3"),
        ("[127.0.0.1]", "F5.4.6"),
        ("[10.0.0.1]", "F5.4.4"),
        ("[IPv6:::ffff:9.0.0.9]", "F5.4.4"),
    ] {
        let sent = Stand::new(settings(), &[]).send(domain);
        assert_eq!(sent.outcomes, [expected, expected], "{domain}");
        assert!(sent.seen.is_empty(), "{domain}");
    }
}

#[test]
fn domains_in_u_labels_are_looked_up_in_a_labels() {
    let answers = [("9.0.0.7", &[took()][..])];
    for domain in [
        "b\u{fc}cher.example",
        "B\u{dc}cher.example",
        "xn--bcher-kva.example",
    ] {
        let sent = Stand::new(settings(), &answers).send(domain);
        assert_eq!(sent.outcomes, ["D", "D"], "{domain}");
        assert_eq!(
            sent.seen,
            ["mx.xn--bcher-kva.example 9.0.0.7 Opportunistic [] [0, 1]"]
        );
    }
}

#[test]
fn the_domain_itself_and_literals() {
    for (domain, seen) in [
        (
            "plain.example.org",
            "plain.example.org 9.0.0.9 Opportunistic [] [0, 1]",
        ),
        ("[9.0.0.9]", "9.0.0.9 9.0.0.9 Opportunistic [] [0, 1]"),
    ] {
        let sent = Stand::new(settings(), &[("9.0.0.9", &[took()])]).send(domain);
        assert_eq!(sent.outcomes, ["D", "D"]);
        assert_eq!(sent.seen, [seen]);
    }
}

#[test]
fn addresses_inside() {
    let sent = Stand::new(settings(), &[]).send("inside.example.org");
    // One of the addresses is loopback: the router takes it for this host.
    assert_eq!(sent.outcomes, ["F5.4.6", "F5.4.6"]);
    let sent = Stand::new(settings(), &[("9.0.0.2", &[took()])]).send("half.example.org");
    assert_eq!(sent.outcomes, ["F5.4.6", "F5.4.6"]);
    let open = Settings {
        private_addresses: true,
        ..settings()
    };
    let stand = Stand::new(open, &[("::1", &[dead()]), ("192.168.0.1", &[took()])]);
    let sent = stand.send("inside.example.org");
    assert_eq!(sent.outcomes, ["D", "D"]);
    assert_eq!(sent.seen.len(), 2);
}

#[test]
fn servers_that_would_hand_it_back() {
    let own = Settings {
        own_names: vec!["MX2.example.org".to_owned()],
        ..settings()
    };
    let stand = Stand::new(own, &[("2606::1", &[dead()]), ("9.0.0.1", &[dead()])]);
    let sent = stand.send("own.example.org");
    assert_eq!(sent.outcomes, ["T4.4.1", "T4.4.1"]);
    assert_eq!(sent.seen.len(), 2);
    let own = Settings {
        own_addresses: vec!["9.0.0.1".parse().unwrap()],
        ..settings()
    };
    let sent = Stand::new(own, &[]).send("own.example.org");
    assert_eq!(sent.outcomes, ["F5.4.6", "F5.4.6"]);
}

#[test]
fn what_the_message_asks_of_tls() {
    // Nobody vouches for the names of the servers.
    let mut stand = Stand::new(settings(), &[]);
    stand.parameters = "BODY=8BITMIME requiretls";
    assert_eq!(stand.send("example.org").outcomes, ["F5.7.10", "F5.7.10"]);
    // But the domain itself needs nobody.
    let mut stand = Stand::new(settings(), &[("9.0.0.9", &[took()])]);
    stand.parameters = "REQUIRETLS";
    stand.header = "TLS-Required: No\r\n";
    assert_eq!(
        stand.send("plain.example.org").seen,
        ["plain.example.org 9.0.0.9 Require [\"plain.example.org\"] [0, 1]"]
    );
}

#[test]
fn a_session_that_broke_is_no_dead_address() {
    let broke = Delivery {
        outcomes: Err(failure("4.7.5", "handshake".to_owned())),
        tls: TlsResult::Failed {
            kind: ResultType::CertificateExpired,
            words: String::new(),
        },
    };
    let stand = Stand::new(settings(), &[("9.0.0.9", &[broke])]);
    for _ in 0..2 {
        assert_eq!(stand.send("plain.example.org").seen.len(), 1);
    }
}

fn encrypted() -> Delivery {
    Delivery {
        outcomes: Ok(vec![delivered(); 2]),
        tls: TlsResult::Encrypted {
            words: "TLS".to_owned(),
            verified: true,
        },
    }
}

fn expired() -> Delivery {
    Delivery {
        outcomes: Err(failure("4.7.5", "the certificate has expired".to_owned())),
        tls: TlsResult::Failed {
            kind: ResultType::CertificateExpired,
            words: "expired".to_owned(),
        },
    }
}

/// A domain with this policy, and what is counted for its reports.
struct Guarded {
    stand: Stand,
    _site: Site,
}

impl Guarded {
    async fn new(policy: &'static str, answers: &[(&'static str, &[Delivery])]) -> Self {
        let authority = Authority::new();
        let acceptor = authority.acceptor("mta-sts.example.org", 2999);
        let site = Site::start(acceptor, Answer::text(policy)).await;
        let mut stand = Stand::new(settings(), answers);
        let folder = &stand.place.0;
        let resolver = stand.mx.resolver.clone();
        let report = config::Report {
            organization: "Example".to_owned(),
            contact: "tls@example.net".to_owned(),
            from: "tls@example.net".to_owned(),
            delay: Span(Duration::ZERO),
            ports: Vec::new(),
        };
        let key = config::Key {
            domain: "example.net".to_owned(),
            selector: "s".to_owned(),
            file: PathBuf::new(),
        };
        let sts = Sts::open(
            &folder.join("sts"),
            resolver.clone(),
            authority.https(),
            site.port,
            true,
        );
        let setup = tls_report::Setup {
            submitter: Submitter::new(&report, &[key]).unwrap(),
            delay: Duration::ZERO,
            spool: Spool::open(&folder.join("spool")).unwrap(),
            resolver,
            https: authority.https(),
            ports: Vec::new(),
            private_addresses: true,
            figures: metrics::Sender::new(),
        };
        stand.mx.policies.sts = Some(sts.unwrap());
        let reports = Reports::open(&folder.join("tls"), setup).unwrap();
        stand.mx.policies.reports = Some(reports);
        Self { stand, _site: site }
    }

    /// The counts as they are kept.
    async fn counts(&self) -> String {
        let reports = self.stand.mx.reports().unwrap();
        reports.save().await;
        let folder = self.stand.place.0.join("tls");
        let files = fs::read_dir(folder).unwrap();
        files
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect()
    }
}

const MODES: [&str; 3] = [
    "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmax_age: 86400\n",
    "version: STSv1\nmode: testing\nmx: mx1.example.org\nmax_age: 86400\n",
    "version: STSv1\nmode: none\nmax_age: 86400\n",
];

#[tokio::test]
async fn a_policy_that_is_kept() {
    for (mode, demand) in MODES.into_iter().zip([
        "mx1.example.org 2606::1 Require [\"mx1.example.org\"] [0, 1]",
        "mx1.example.org 2606::1 Require [\"mx1.example.org\"] [0, 1]",
        "mx1.example.org 2606::1 Opportunistic [] [0, 1]",
    ]) {
        let guarded = Guarded::new(mode, &[("2606::1", &[encrypted()])]).await;
        let sent = guarded.stand.attempt("example.org").await;
        assert_eq!(sent.outcomes, ["D", "D"]);
        assert_eq!(sent.seen, [demand]);
        let counts = guarded.counts().await;
        assert!(counts.contains("\"successes\":1,\"failed\":0"), "{counts}");
        assert_eq!(counts.contains("version: STSv1"), !mode.contains("none"));
    }
}

#[tokio::test]
async fn a_policy_in_enforce_mode_lets_nothing_through() {
    let answers: [(_, &[_]); 2] = [("2606::1", &[expired()]), ("9.0.0.1", &[dead()])];
    let guarded = Guarded::new(MODES[0], &answers).await;
    let sent = guarded.stand.attempt("example.org").await;
    // Not to mx2, which the policy does not name.
    assert_eq!(sent.outcomes, ["T4.7.5", "T4.7.5"]);
    assert_eq!(sent.seen.len(), 2);
    assert!(sent.seen.iter().all(|seen| seen.contains("Require [\"mx1")));
    let counts = guarded.counts().await;
    assert!(counts.contains("\"successes\":0,\"failed\":2"), "{counts}");
    for detail in [
        "{\"kind\":\"validation-failure\",\"host\":\"mx2.example.org\",\"address\":null,\"sessions\":1}",
        "{\"kind\":\"certificate-expired\",\"host\":\"mx1.example.org\",\"address\":\"2606::1\",\"sessions\":1}",
    ] {
        assert!(counts.contains(detail), "{counts}");
    }
}

#[tokio::test]
async fn a_policy_in_testing_mode_stops_nothing_and_counts_all() {
    // Its certificate is no good, and it takes the message without one.
    let answers: [(_, &[_]); 1] = [("2606::1", &[expired(), took()])];
    let guarded = Guarded::new(MODES[1], &answers).await;
    let sent = guarded.stand.attempt("example.org").await;
    assert_eq!(sent.outcomes, ["D", "D"]);
    assert_eq!(
        sent.seen[1],
        "mx1.example.org 2606::1 Opportunistic [] [0, 1]"
    );
    let counts = guarded.counts().await;
    assert!(counts.contains("\"successes\":0,\"failed\":1"), "{counts}");
    assert!(counts.contains("certificate-expired"), "{counts}");
    // A server that the policy does not name is used, and told of.
    let answers: [(_, &[_]); 3] = [
        ("2606::1", &[dead()]),
        ("9.0.0.1", &[dead()]),
        ("9.0.0.2", &[encrypted()]),
    ];
    let guarded = Guarded::new(MODES[1], &answers).await;
    let sent = guarded.stand.attempt("example.org").await;
    assert_eq!(sent.outcomes, ["D", "D"]);
    let counts = guarded.counts().await;
    assert!(counts.contains("validation-failure"), "{counts}");
}

#[tokio::test]
async fn a_message_that_wants_policies_ignored_is_not_counted() {
    let mut guarded = Guarded::new(MODES[0], &[("2606::1", &[took()])]).await;
    guarded.stand.header = "TLS-Required: No\r\n";
    let sent = guarded.stand.attempt("example.org").await;
    assert_eq!(
        sent.seen,
        ["mx1.example.org 2606::1 Opportunistic [] [0, 1]"]
    );
    assert_eq!(guarded.counts().await, "");
}

#[tokio::test]
async fn require_tls_under_a_policy() {
    let mut guarded = Guarded::new(
        MODES[1],
        &[("2606::1", &[expired()]), ("9.0.0.1", &[took()])],
    )
    .await;
    guarded.stand.parameters = "REQUIRETLS";
    let sent = guarded.stand.attempt("example.org").await;
    // The policy vouches for the name; what it is good for is not tried without.
    assert!(sent.seen.iter().all(|seen| seen.contains("Require [\"mx1")));
    assert_eq!(sent.seen.len(), 2);
}

#[tokio::test]
async fn a_policy_that_could_not_be_had_is_counted() {
    let guarded = Guarded::new("nonsense", &[("2606::1", &[encrypted()])]).await;
    let sent = guarded.stand.attempt("example.org").await;
    assert_eq!(sent.outcomes, ["D", "D"]);
    let counts = guarded.counts().await;
    assert!(counts.contains("sts-policy-invalid"), "{counts}");
    assert!(counts.contains("\"successes\":1,\"failed\":1"), "{counts}");
}
