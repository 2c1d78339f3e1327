//! The client machine sends to servers of others.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant as Clock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::program::{self, Folder, Program};
use scop_smtp_proto::Domain;
use scop_smtp_proto::auth::Mechanism;
use scop_smtp_proto::client::{Awaited, Config, End, TlsPolicy};
use scop_smtp_proto::extension::Protocol;
use serde_json::{Value, json};

use crate::host::sending::Fate;
use crate::host::{EXTENSIONS, Errand, Letter, any_certificate};
use crate::{DRIVERS, Driver, carried, messages, run, threads, tokio_driven};

pub fn config() -> Config<'static> {
    let mut config = Config::new(Domain::parse(b"client.example.org").unwrap());
    config.extensions = EXTENSIONS;
    config
}

pub fn letter(to: &[&str], content: &[u8]) -> Letter {
    Letter {
        from: "<joe@example.org>".into(),
        to: to.iter().map(|&to| to.into()).collect(),
        parameters: String::new(),
        content: content.to_vec(),
    }
}

/// Runs an errand, and gives why the session ended.
pub fn send(
    driver: Driver,
    address: SocketAddr,
    config: Config<'_>,
    errand: &mut Errand<'_>,
) -> Option<End> {
    let tls = any_certificate().unwrap();
    match driver {
        Driver::Threads => {
            let socket = TcpStream::connect(address).unwrap();
            threads::client::send(socket, config, &tls, "mx.example.test", errand).unwrap()
        }
        Driver::Tokio => run(async {
            let socket = tokio::net::TcpStream::connect(address).await.unwrap();
            tokio_driven::client::send(socket, config, &tls, "mx.example.test", errand)
                .await
                .unwrap()
        }),
    }
}

/// Every way of sending that the configuration knows.
fn ways() -> Vec<(&'static str, Config<'static>)> {
    let mut ways = Vec::new();
    let mut way = |name, change: fn(&mut Config<'_>)| {
        let mut config = config();
        change(&mut config);
        ways.push((name, config));
    };
    way("as it comes", |_| ());
    way("one command at a time", |config| config.extensions = &[]);
    way("DATA in the group", |config| config.data_in_group = true);
    way("BDAT", |config| config.prefer_bdat = true);
    way("without TLS", |config| config.tls = TlsPolicy::None);
    ways
}

pub fn all_delivered(errand: &Errand<'_>) -> bool {
    let mut fates = errand.fates.iter().flatten();
    errand.refusals.is_empty() && fates.all(|fate| matches!(fate, Some(Fate::Delivered(_))))
}

// Postfix.

#[test]
fn postfix_gets_every_message() {
    let certificate = program::Certificate::new();
    let Some(postfix) = Program::postfix(&[], Some(&certificate)) else {
        return;
    };
    let mut expected = Vec::new();
    for driver in DRIVERS {
        for (way, config) in ways() {
            for piece in [7, 1 << 20] {
                let letters: Vec<_> = messages()
                    .into_iter()
                    .filter(|(name, _)| piece > 7 || *name != "large")
                    .map(|(_, message)| letter(&["<x@d.test>"], &message))
                    .collect();
                let mut errand = Errand::new(&letters, piece);
                let end = send(driver, postfix.address(), config, &mut errand);
                assert_eq!(end, Some(End::Quit), "{driver:?} {way} {piece}: {errand:?}");
                assert!(
                    all_delivered(&errand),
                    "{driver:?} {way} {piece}: {errand:?}"
                );
                expected.extend(letters.iter().map(|letter| carried(&letter.content)));
            }
        }
    }
    let delivered: Vec<_> = postfix
        .delivered(expected.len())
        .iter()
        .map(|message| without_trace(message).to_vec())
        .collect();
    same(delivered, expected);
}

/// The same messages, in whatever order they were delivered.
fn same(mut delivered: Vec<Vec<u8>>, mut expected: Vec<Vec<u8>>) {
    delivered.sort();
    expected.sort();
    assert_eq!(delivered.len(), expected.len());
    for (got, sent) in delivered.iter().zip(&expected) {
        assert_eq!(String::from_utf8_lossy(got), String::from_utf8_lossy(sent));
    }
}

/// Behind the fields that a server puts before a message.
pub fn without_trace(message: &[u8]) -> &[u8] {
    let at = message.windows(6).position(|six| six == b"From: ").unwrap();
    &message[at..]
}

#[test]
fn postfix_refuses_some() {
    let Some(postfix) = Program::postfix(
        &[
            "message_size_limit=20000",
            "smtpd_recipient_restrictions=reject_unauth_destination",
        ],
        None,
    ) else {
        return;
    };
    for driver in DRIVERS {
        for (way, config) in ways() {
            let letters = [
                letter(
                    &[
                        "<x@d.test>",
                        "<y@elsewhere.test>",
                        "<z@d.test>",
                        "<a@d.test> XUNKNOWN=1",
                    ],
                    b"Subject: hi\r\n\r\nhi\r\n",
                ),
                letter(&["<y@elsewhere.test>"], b"Subject: hi\r\n\r\nhi\r\n"),
                letter(
                    &["<x@d.test>"],
                    &[
                        &b"Subject: large\r\n\r\n"[..],
                        &b"0123456789\r\n".repeat(3000),
                    ]
                    .concat(),
                ),
                letter(&["<x@d.test>"], b"Subject: last\r\n\r\nhi\r\n"),
            ];
            let mut errand = Errand::new(&letters[..1], 8192);
            // A parameter that no extension has is the host's mistake, told before anything is sent.
            let failed = match driver {
                Driver::Threads => {
                    let socket = TcpStream::connect(postfix.address()).unwrap();
                    threads::client::send(
                        socket,
                        config,
                        &any_certificate().unwrap(),
                        "mx.example.test",
                        &mut errand,
                    )
                    .is_err()
                }
                Driver::Tokio => true,
            };
            assert!(failed, "{way}");
            let letters = [letters.to_vec(), vec![]].concat();
            let letters: Vec<_> = letters
                .into_iter()
                .map(|mut letter| {
                    letter.to.retain(|to| !to.contains("XUNKNOWN"));
                    letter
                })
                .collect();
            let mut errand = Errand::new(&letters, 8192);
            let end = send(driver, postfix.address(), config, &mut errand);
            let fates = &errand.fates;
            assert!(
                matches!(&fates[0][..], [Some(Fate::Delivered(_)), Some(Fate::Failed(why)), Some(Fate::Delivered(_))]
                if why.starts_with("554 5.7.1 <y@elsewhere.test>")),
                "{way} {end:?} {errand:?}"
            );
            assert!(
                matches!(&fates[1][..], [Some(Fate::Failed(why))] if why.starts_with("554 5.7.1")),
                "{way} {end:?} {errand:?}"
            );
            assert!(
                matches!(&fates[2][..], [Some(Fate::Failed(why))] if why.starts_with("552 5.3.4")),
                "{way} {end:?} {errand:?}"
            );
            assert!(
                matches!(&fates[3][..], [Some(Fate::Delivered(_))]),
                "{way} {end:?} {errand:?}"
            );
            assert_eq!(end, Some(End::Quit), "{way}");
        }
    }
}

#[test]
fn postfix_takes_addresses_of_any_kind() {
    let Some(postfix) = Program::postfix(&[], None) else {
        return;
    };
    for driver in DRIVERS {
        let mut utf8 = letter(
            &["<grüße@d.test>"],
            "Subject: Grüße\r\n\r\nhi\r\n".as_bytes(),
        );
        utf8.from = "<jörg@example.org>".into();
        utf8.parameters = "SMTPUTF8 BODY=8BITMIME SIZE=25".into();
        let mut null = letter(
            &["<\"a b\"@d.test> NOTIFY=NEVER ORCPT=rfc822;x@d.test"],
            b"Subject: bounce\r\n\r\nhi\r\n",
        );
        null.from = "<>".into();
        null.parameters = "RET=HDRS ENVID=QQ314159".into();
        let letters = [utf8, null];
        let mut errand = Errand::new(&letters, 1000);
        let end = send(driver, postfix.address(), config(), &mut errand);
        assert!(all_delivered(&errand), "{errand:?}");
        assert_eq!(end, Some(End::Quit));
    }
}

#[test]
fn require_tls_fails_closed() {
    let certificate = program::Certificate::new();
    let (Some(with), Some(without)) = (
        Program::postfix(&[], Some(&certificate)),
        Program::postfix(&[], None),
    ) else {
        return;
    };
    for driver in DRIVERS {
        let mut config = config();
        config.tls = TlsPolicy::Require;
        let letters = [letter(&["<x@d.test>"], b"Subject: hi\r\n\r\nhi\r\n")];
        let mut errand = Errand::new(&letters, 1000);
        assert_eq!(
            send(driver, with.address(), config, &mut errand),
            Some(End::Quit)
        );
        assert!(all_delivered(&errand), "{errand:?}");
        let mut errand = Errand::new(&letters, 1000);
        assert_eq!(
            send(driver, without.address(), config, &mut errand),
            Some(End::NoStartTls)
        );
        assert_eq!(errand.fates, [[None]]);
    }
}

#[test]
fn postfix_and_dovecot_authenticate() {
    let certificate = program::Certificate::new();
    let Some(dovecot) = Program::dovecot() else {
        return;
    };
    let path = format!("smtpd_sasl_path=inet:127.0.0.1:{}", dovecot.auth_port());
    let settings = [
        "smtpd_sasl_auth_enable=yes",
        "smtpd_sasl_type=dovecot",
        "smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
        "smtpd_tls_auth_only=yes",
        &path,
    ];
    let Some(postfix) = Program::postfix(&settings, Some(&certificate)) else {
        return;
    };
    let letters = [letter(&["<x@d.test>"], b"Subject: hi\r\n\r\nhi\r\n")];
    for driver in DRIVERS {
        for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256] {
            for (user, password, is_right) in [
                ("joe", "secret", true),
                ("a,b=c", "secret", true),
                ("joe", "guess", false),
            ] {
                let errand = Errand::new(&letters, 1000).with_user(mechanism, user, password);
                let mut errand = errand.unwrap();
                let end = send(driver, postfix.address(), config(), &mut errand);
                let what = format!("{mechanism:?} {user} {password}: {errand:?}");
                assert_eq!(end, Some(End::Quit), "{what}");
                assert_eq!(all_delivered(&errand), is_right, "{what}");
                assert!(
                    is_right || errand.refusals[0].starts_with("535 5.7.8"),
                    "{what}"
                );
            }
        }
        // Without a user it relays for nobody.
        let mut errand = Errand::new(&letters, 1000);
        send(driver, postfix.address(), config(), &mut errand);
        assert!(matches!(errand.fates[0][0], Some(Fate::Failed(_))));
    }
}

// Dovecot.

#[test]
fn dovecot_gets_every_message() {
    let Some(dovecot) = Program::dovecot() else {
        return;
    };
    let mut expected = Vec::new();
    for driver in DRIVERS {
        for (way, mut config) in ways() {
            config.protocol = Protocol::Lmtp;
            let letters: Vec<_> = messages()
                .into_iter()
                .map(|(_, message)| letter(&["<x@d.test>", "<y@d.test>"], &message))
                .collect();
            let mut errand = Errand::new(&letters, 1000);
            let end = send(driver, dovecot.address(), config, &mut errand);
            assert!(all_delivered(&errand), "{driver:?} {way}: {errand:?}");
            assert_eq!(end, Some(End::Quit));
            for letter in &letters {
                // BDAT carries a last line without its end too (RFC 3030 2).
                let message = if way == "BDAT" {
                    letter.content.clone()
                } else {
                    carried(&letter.content)
                };
                expected.extend([message.clone(), message]);
            }
        }
    }
    let delivered: Vec<_> = dovecot
        .delivered(expected.len())
        .iter()
        .map(|message| without_trace(message).to_vec())
        .collect();
    same(delivered, expected);
}

// aiosmtpd.

pub fn aiosmtpd(arguments: &[&str]) -> Option<Peer> {
    Peer::python_with("aiosmtpd_peer.py", arguments, "aiosmtpd")
}

pub fn address(peer: &Peer) -> SocketAddr {
    let port = peer.greeting()["port"].as_u64().unwrap();
    (Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap()).into()
}

fn received(peer: &mut Peer) -> Vec<(Value, Vec<u8>)> {
    let answer = peer.ask(&json!({}));
    let messages = answer["messages"].as_array().unwrap();
    let data = |message: &Value| STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
    messages
        .iter()
        .map(|message| (message.clone(), data(message)))
        .collect()
}

#[test]
fn aiosmtpd_gets_every_message() {
    for protocol in [Protocol::Smtp, Protocol::Lmtp] {
        let switches: &[&str] = if protocol == Protocol::Lmtp {
            &["--lmtp"]
        } else {
            &[]
        };
        let Some(mut peer) = aiosmtpd(switches) else {
            return;
        };
        for driver in DRIVERS {
            for (way, mut config) in ways() {
                config.protocol = protocol;
                for (name, message) in messages() {
                    if name == "a line of 998" {
                        continue; // it takes lines of 1000 octets with the CRLF, stuffed, and this is in `dots` too
                    }
                    let letters = [letter(&["<x@d.test>"], &message)];
                    let mut errand = Errand::new(&letters, 1000);
                    let end = send(driver, address(&peer), config, &mut errand);
                    assert!(
                        all_delivered(&errand),
                        "{driver:?} {way} {name}: {errand:?}"
                    );
                    assert_eq!(end, Some(End::Quit));
                    let [(_, data)] = received(&mut peer).try_into().unwrap();
                    assert!(data == carried(&message), "{driver:?} {way} {name}");
                }
            }
        }
    }
}

#[test]
fn aiosmtpd_authenticates() {
    let folder = Folder::new("certificate");
    program::Certificate::new().write(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let Some(mut peer) = aiosmtpd(&[
        "--cert",
        &file("cert.pem"),
        &file("key.pem"),
        "--auth",
        "joe",
        "secret",
    ]) else {
        return;
    };
    let letters = [letter(&["<x@d.test>"], b"Subject: hi\r\n\r\nhi\r\n")];
    for driver in DRIVERS {
        for mechanism in [Mechanism::Plain, Mechanism::Login] {
            for (password, is_right) in [("secret", true), ("guess", false)] {
                let errand = Errand::new(&letters, 1000).with_user(mechanism, "joe", password);
                let mut errand = errand.unwrap();
                let end = send(driver, address(&peer), config(), &mut errand);
                assert_eq!(end, Some(End::Quit), "{errand:?}");
                assert_eq!(all_delivered(&errand), is_right, "{errand:?}");
                assert_eq!(received(&mut peer).len(), usize::from(is_right));
                if !is_right {
                    assert!(errand.refusals[0].starts_with("535 5.7.8"), "{errand:?}");
                }
            }
        }
        // The password is not shown where the channel is clear.
        let mut config = config();
        config.tls = TlsPolicy::None;
        let errand = Errand::new(&letters, 1000).with_user(Mechanism::Plain, "joe", "secret");
        let mut errand = errand.unwrap();
        send(driver, address(&peer), config, &mut errand);
        assert!(
            received(&mut peer).is_empty() && errand.refusals.len() == 1,
            "{errand:?}"
        );
    }
}

// smtp-sink, which fails where it is told to.

/// At each command: the switch, and what must become of the recipient.
const COMMANDS: [(&str, Awaited); 6] = [
    ("CONNECT", Awaited::Greeting),
    ("EHLO", Awaited::Hello),
    ("MAIL", Awaited::Mail),
    ("RCPT", Awaited::Recipient),
    ("DATA", Awaited::Data),
    (".", Awaited::Message),
];

#[test]
fn smtp_sink_fails_at_each_command() {
    let letters = [letter(
        &["<x@d.test>", "<y@d.test>"],
        b"Subject: hi\r\n\r\nhi\r\n",
    )];
    for driver in DRIVERS {
        for (command, awaited) in COMMANDS {
            for switch in ["-f", "-r", "-q", "-Q"] {
                for in_group in [false, true] {
                    let Some(sink) = Program::smtp_sink(&[switch, command]) else {
                        return;
                    };
                    let mut config = config();
                    config.data_in_group = in_group;
                    config.helo_fallback = false;
                    let mut errand = Errand::new(&letters, 1000);
                    let end = send(driver, sink.address(), config, &mut errand).unwrap();
                    let what =
                        format!("{driver:?} {switch} {command} {in_group}: {end:?} {errand:?}");
                    let was_begun = !matches!(awaited, Awaited::Greeting | Awaited::Hello);
                    for fate in &errand.fates[0] {
                        let is_right = match (switch, fate) {
                            (_, None) => !was_begun || awaited == Awaited::Mail,
                            ("-f", Some(Fate::Failed(why))) => why.starts_with("500 5.3.0"),
                            ("-r", Some(Fate::Failed(why))) => why.starts_with("450 4.3.0"),
                            ("-q", Some(Fate::Failed(_))) => awaited != Awaited::Message,
                            ("-q", Some(Fate::Unknown(_))) => awaited == Awaited::Message,
                            // What was not read when it closed takes the reply with it.
                            ("-Q", Some(Fate::Failed(why))) => {
                                why.contains("421") || why.contains("lost")
                            }
                            _ => false,
                        };
                        assert!(is_right, "{what}");
                    }
                    if !was_begun || awaited == Awaited::Mail {
                        assert!(end != End::Quit || !errand.refusals.is_empty(), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn smtp_sink_delays_at_each_command() {
    let letters = [letter(
        &["<x@d.test>", "<y@d.test>"],
        b"Subject: hi\r\n\r\nhi\r\n",
    )];
    for driver in DRIVERS {
        for (command, awaited) in COMMANDS {
            let Some(sink) = Program::smtp_sink(&["-W", &format!("{command}:5")]) else {
                return;
            };
            let mut config = config();
            let timeouts = &mut config.timeouts;
            for timeout in [
                &mut timeouts.greeting,
                &mut timeouts.mail,
                &mut timeouts.rcpt,
                &mut timeouts.data,
                &mut timeouts.block,
                &mut timeouts.end,
                &mut timeouts.command,
            ] {
                *timeout = Duration::from_millis(300);
            }
            let mut errand = Errand::new(&letters, 1000);
            let begin = Clock::now();
            let end = send(driver, sink.address(), config, &mut errand).unwrap();
            assert!(begin.elapsed() < Duration::from_secs(4), "{command}");
            assert!(
                matches!(end, End::Timeout(_)),
                "{command}: {end:?} {errand:?}"
            );
            for fate in &errand.fates[0] {
                let is_right = match awaited {
                    Awaited::Greeting | Awaited::Hello => fate.is_none(),
                    Awaited::Message => matches!(fate, Some(Fate::Unknown(_))),
                    _ => matches!(fate, None | Some(Fate::Failed(_))),
                };
                assert!(is_right, "{command}: {end:?} {errand:?}");
            }
        }
    }
}

#[test]
fn smtp_sink_gives_up_within_the_message() {
    for driver in DRIVERS {
        let Some(sink) = Program::smtp_sink(&["-A", "0"]) else {
            return;
        };
        let large = [
            &b"Subject: large\r\n\r\n"[..],
            &b"0123456789\r\n".repeat(100_000),
        ]
        .concat();
        let letters = [letter(&["<x@d.test>"], &large)];
        let mut errand = Errand::new(&letters, 8192);
        let end = send(driver, sink.address(), config(), &mut errand).unwrap();
        assert!(
            matches!(errand.fates[0][0], Some(Fate::Failed(_))),
            "{end:?} {errand:?}"
        );
    }
}

#[test]
fn smtp_sink_speaks_only_helo() {
    for driver in DRIVERS {
        let Some(sink) = Program::smtp_sink(&["-e"]) else {
            return;
        };
        let letters = [letter(&["<x@d.test>"], b"Subject: hi\r\n\r\n.\r\nhi\r\n")];
        let mut errand = Errand::new(&letters, 8192);
        let end = send(driver, sink.address(), config(), &mut errand);
        assert!(
            end == Some(End::Quit) && all_delivered(&errand),
            "{end:?} {errand:?}"
        );
        let [dump] = sink.dumps().try_into().unwrap();
        assert!(
            dump.ends_with(b"Subject: hi\n\n.\nhi\n\n"),
            "{}",
            String::from_utf8_lossy(&dump)
        );
    }
}
