//! Deliveries to the server machine, with AUTH, through the transport for one address.

use scop_smtp_proto::auth::scram::{Nonce, StoredKeys};
use scop_smtp_proto::auth::server::{Exchange, ScramUser};
use scop_smtp_proto::auth::{Credentials as Shown, Mechanism, MechanismSet};
use scop_smtp_proto::extension::{
    Auth, EnhancedStatusCodes, Extension, Pipelining, Protocol, Size,
};
use scop_smtp_proto::server::{Buffers, Config, Event, Server, Step};
use scop_smtp_proto::{Reply, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::tls::NAME;
use super::*;
use crate::http::tests::Authority;
use crate::queue::Transport as _;
use crate::tls::channel::Channel;

const ITERATIONS: u32 = 4096;
const SALT: &[u8] = b"a salt per user.";

/// How the server is: which mechanisms it offers, and whether in the clear.
#[derive(Clone, Copy)]
struct Offer {
    mechanisms: MechanismSet,
    plaintext_allowed: bool,
    protocol: Protocol,
}

fn fixed(settings: Settings, target: Target) -> Fixed {
    Fixed::new(Pool::new(settings).unwrap(), target)
}

/// Serves one client, and says by which mechanism it proved itself.
async fn serve(mut stream: impl Channel, offer: Offer) -> (Vec<u8>, Option<&'static str>) {
    let auth = Auth {
        mechanisms: offer.mechanisms,
        plaintext_allowed: offer.plaintext_allowed,
    };
    let extensions: [&dyn Extension; 4] = [&Pipelining, &Size(0), &EnhancedStatusCodes, &auth];
    let mut config = Config::new("mx.example.org", &extensions);
    config.protocol = offer.protocol;
    let now = || scop_core::Instant(0);
    let (mut input, mut output, mut memory) = ([0; 2048], [0; 2048], [0; 512]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let exchange = Exchange::new(&mut memory).with_hash(&scop_crypto::SHA256);
    let server = Server::new(config, buffers, now()).unwrap();
    let mut server = server.with_auth(exchange);
    let keys = StoredKeys::derive(b"secret", SALT, ITERATIONS, &scop_crypto::SHA256).unwrap();
    let mut received = vec![0; 4096];
    let (mut start, mut end) = (0, 0);
    let (mut message, mut proved) = (Vec::new(), None);
    loop {
        match server.poll() {
            Step::Transmit => {
                let count = stream.write(server.transmit()).await.unwrap();
                server.transmitted(count, now()).unwrap();
            }
            Step::Event => match server.event() {
                Some(Event::Scram { .. }) => {
                    proved = Some("SCRAM");
                    let user = ScramUser {
                        salt: SALT,
                        iterations: ITERATIONS,
                        keys,
                    };
                    server.scram(&user, &Nonce::from_random([7; 18])).unwrap();
                }
                Some(Event::Authenticate(Shown::Password { password, .. })) => {
                    proved = Some("PLAIN");
                    if password == b"secret" {
                        server.accept().unwrap();
                    } else {
                        let status = Status::new(5, 7, 8);
                        let reply = Reply::new(535, Some(status), "Not you").unwrap();
                        server.answer(&reply).unwrap();
                    }
                }
                Some(Event::Discarded(_)) => {}
                _ => server.accept().unwrap(),
            },
            Step::Wait(_) if start == end => match stream.read(&mut received).await {
                Ok(count) if count > 0 => (start, end) = (0, count),
                _ => server.handle_closed(),
            },
            Step::Wait(_) => {
                let mut unread = &received[start..end];
                message.extend_from_slice(server.handle_input(&mut unread, now()));
                start = end - unread.len();
            }
            _ => return (message, proved),
        }
    }
}

#[tokio::test]
async fn auth() {
    let scram = MechanismSet::PROOFS;
    let plain = MechanismSet::default().with(Mechanism::Plain);
    let login = MechanismSet::default().with(Mechanism::Login);
    let both = scram.with(Mechanism::Plain);
    // What the server offers and whether in the clear, the password, what is sent and comes of it.
    let cases = [
        (both, true, "secret", Some("SCRAM"), "+ +"),
        (scram, false, "secret", Some("SCRAM"), "+ +"),
        (scram, false, "wrong", Some("SCRAM"), "~4.7.8 ~4.7.8"),
        // No secret goes over a line that is not encrypted, whatever the server offers.
        (plain, true, "secret", None, "~4.7.0 ~4.7.0"),
        (login, true, "secret", None, "~4.7.0 ~4.7.0"),
        (
            MechanismSet::default(),
            false,
            "secret",
            None,
            "~4.7.0 ~4.7.0",
        ),
    ];
    for (mechanisms, plaintext_allowed, password, proof, result) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = settings();
        settings.credentials = Some(Credentials {
            user: "joe".to_owned(),
            password: Zeroizing::new(password.to_owned()),
        });
        let fixed = fixed(settings, Target::fixed(false, address, None, false));
        let offer = Offer {
            mechanisms,
            plaintext_allowed,
            protocol: Protocol::Smtp,
        };
        let served = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, offer).await
        });
        let message = message("", TO, TEXT);
        let outcomes = fixed.deliver(&message, "example.net", &[0, 1]).await;
        let delivery = Delivery {
            outcomes: Ok(outcomes),
            tls: TlsResult::None,
        };
        assert_eq!(short(&delivery), result, "{proof:?}");
        fixed.close().await;
        let (taken, proved) = served.await.unwrap();
        assert_eq!(proved, proof);
        if result == "+ +" {
            assert_eq!(taken, [b"DKIM-Signature: x\r\n", TEXT].concat());
        }
    }
}

/// A password is shown to a server whose certificate is good for its name, and to no other.
#[tokio::test]
async fn passwords_under_tls() {
    let authority = Authority::new();
    let plain = MechanismSet::default().with(Mechanism::Plain);
    let all = MechanismSet::PROOFS.with(Mechanism::Plain);
    let cases = [
        (plain, NAME, Some(NAME), Some("PLAIN"), "+ +"),
        (plain, "127.0.0.1", None, Some("PLAIN"), "+ +"),
        (plain, NAME, None, None, "~4.7.0 ~4.7.0"),
        (all, NAME, None, Some("SCRAM"), "+ +"),
    ];
    for (mechanisms, certificate, host, proof, result) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = authority.acceptor(certificate, 2999);
        let mut settings = settings();
        settings.trust = authority.trust.clone();
        settings.credentials = Some(Credentials {
            user: "joe".to_owned(),
            password: Zeroizing::new("secret".to_owned()),
        });
        let fixed = fixed(settings, Target::fixed(false, address, host, true));
        let offer = Offer {
            mechanisms,
            plaintext_allowed: true,
            protocol: Protocol::Smtp,
        };
        let served = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(acceptor.accept(stream).await.unwrap(), offer).await
        });
        let outcomes = fixed
            .deliver(&message("", TO, TEXT), "example.net", &[0, 1])
            .await;
        let delivery = Delivery {
            outcomes: Ok(outcomes),
            tls: TlsResult::None,
        };
        assert_eq!(short(&delivery), result, "{host:?}");
        fixed.close().await;
        assert_eq!(served.await.unwrap().1, proof);
    }
}

#[tokio::test]
async fn lmtp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fixed = fixed(
        settings(),
        Target::fixed(true, listener.local_addr().unwrap(), None, false),
    );
    let offer = Offer {
        mechanisms: MechanismSet::default(),
        plaintext_allowed: false,
        protocol: Protocol::Lmtp,
    };
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, offer).await
    });
    let message = message("", TO, TEXT);
    let outcomes = fixed.deliver(&message, "example.net", &[0, 1]).await;
    let all = |outcome: &Outcome| matches!(outcome, Outcome::Delivered { host, .. } if host == "127.0.0.1");
    assert!(
        outcomes.len() == 2 && outcomes.iter().all(all),
        "{outcomes:?}"
    );
    fixed.close().await;
    let (taken, _) = served.await.unwrap();
    assert_eq!(taken, [b"DKIM-Signature: x\r\n", TEXT].concat());
}

#[tokio::test]
async fn the_certificate_of_a_server_with_a_name() {
    let (ours, other) = (Authority::named("ours"), Authority::named("other"));
    let cases = [
        (ours.acceptor(NAME, 2999), "+ +"),
        (ours.acceptor("mx.example.net", 2999), "4.7.5 4.7.5"),
        (ours.acceptor(NAME, 2021), "4.7.5 4.7.5"),
        (other.acceptor(NAME, 2999), "4.7.5 4.7.5"),
    ];
    for (tls, expected) in cases {
        for (lmtp, implicit_tls) in [(false, false), (false, true), (true, false), (true, true)] {
            let rules = Rules {
                announce: vec!["STARTTLS"],
                tls: Some(tls.clone()),
                implicit_tls,
                lmtp,
                ..Rules::default()
            };
            let server = Fake::start(rules).await;
            for (host, expected) in [(Some(NAME), expected), (None, "+ +")] {
                let mut settings = settings();
                settings.trust = ours.trust.clone();
                let target = Target::fixed(lmtp, server.address, host, implicit_tls);
                let fixed = fixed(settings, target);
                let outcomes = fixed.deliver(&message("", TO, TEXT), "", &[0, 1]).await;
                let words: Vec<&str> = (outcomes.iter())
                    .map(|outcome| match outcome {
                        Outcome::Delivered { .. } => "+",
                        Outcome::Deferred(failure) | Outcome::Failed(failure) => &failure.status,
                    })
                    .collect();
                assert_eq!(words.join(" "), expected, "{host:?} {lmtp} {implicit_tls}");
                fixed.close().await;
            }
        }
    }
    // A server with a name and without TLS gets nothing.
    let server = Fake::start(Rules::default()).await;
    let fixed = fixed(
        settings(),
        Target::fixed(false, server.address, Some(NAME), false),
    );
    let outcomes = fixed.deliver(&message("", TO, TEXT), "", &[0, 1]).await;
    let is_deferred = |outcome: &Outcome| matches!(outcome, Outcome::Deferred(failure) if failure.status == "4.7.10");
    assert!(outcomes.iter().all(is_deferred), "{outcomes:?}");
    assert!(server.seen().messages.is_empty());
}
