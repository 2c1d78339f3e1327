//! Client against server, the examples of the RFCs, and what a hostile side sends.

use scop_crypto::SHA256;
use std::string::{String, ToString};
use std::vec::Vec;

use super::scram::{Limits, Nonce, StoredKeys};
use super::server::{Failure, ScramUser, Step};
use super::{Credentials, Identity, Mechanism, MechanismSet, base64, client, server};

mod hostile;

const SALT: &[u8] = b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81"; // RFC 7677 3

fn everything() -> MechanismSet {
    Mechanism::ALL
        .into_iter()
        .fold(MechanismSet::default(), MechanismSet::with)
}

fn b64(octets: impl AsRef<[u8]>) -> String {
    let mut text = Vec::new();
    base64::encode(octets.as_ref(), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn password<'a>(authorization: &'a str, user: &'a str, password: &'a [u8]) -> Credentials<'a> {
    Credentials::Password {
        authorization,
        user,
        password,
    }
}

const fn token(authorization: &'static str, port: Option<u16>) -> Credentials<'static> {
    Credentials::Token {
        authorization,
        token: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
        host: if port.is_some() {
            "server.example.com"
        } else {
            ""
        },
        port,
    }
}

fn scram() -> client::Scram<'static> {
    client::Scram {
        hash: &SHA256,
        nonce: Nonce::new(b"rOprNGfwEbeRWgbNEkqO").unwrap(),
        limits: Limits::DEFAULT,
    }
}

fn server_nonce() -> Nonce {
    Nonce::new(b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap()
}

fn pencil() -> ScramUser<'static> {
    ScramUser {
        salt: SALT,
        iterations: 4096,
        keys: StoredKeys::derive(b"pencil", SALT, 4096, &SHA256).unwrap(),
    }
}

fn client_of(mechanism: Mechanism, credentials: Credentials<'_>) -> client::Exchange<'_> {
    client::Exchange::new(mechanism, credentials)
        .unwrap()
        .with_scram(scram())
}

/// How a conversation ended, on both sides, and what was said.
#[derive(Debug, PartialEq)]
struct Outcome {
    server: Step,
    client: Result<(), client::Error>,
    lines: Vec<String>,
}

impl Outcome {
    fn both_are_content(&self) -> bool {
        self.server == Step::Verified && self.client.is_ok()
    }
}

/// Lets a client and a server talk. `expected` is what the host takes; `alter` changes lines on their
/// way: it gets their number.
fn converse(
    mechanism: Mechanism,
    credentials: Credentials<'_>,
    expected: Credentials<'_>,
    user: &ScramUser<'_>,
    mut alter: impl FnMut(usize, &mut Vec<u8>),
) -> Outcome {
    let mut scram = scram();
    scram.limits.min_iterations = user.iterations;
    let mut client = client_of(mechanism, credentials).with_scram(scram);
    let mut buffer = [0; 512];
    let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    client.start(&mut line).unwrap();
    loop {
        alter(lines.len(), &mut line);
        let text = line.strip_suffix(b"\r\n").unwrap_or(&line).to_vec();
        lines.push(String::from_utf8_lossy(&text).into_owned());
        let mut step = if lines.len() == 1 {
            server.start(text.strip_prefix(b"AUTH ").unwrap_or(&text), everything())
        } else {
            server.respond(&text)
        };
        loop {
            step = match step {
                Step::Credentials if server.credentials() == Some(expected) => server.accept(),
                Step::Credentials => server.refuse(None),
                Step::ScramUser => server.scram(user, &server_nonce()),
                _ => break,
            };
        }
        line.clear();
        if step != Step::Challenge {
            let client = match step {
                Step::Verified => client.finish(),
                _ => Err(client::Error::Refused),
            };
            return Outcome {
                server: step,
                client,
                lines,
            };
        }
        server.emit_challenge(&mut line).unwrap();
        alter(lines.len(), &mut line);
        let reply = line.strip_suffix(b"\r\n").unwrap_or(&line).to_vec();
        lines.push(String::from_utf8_lossy(&reply).into_owned());
        line.clear();
        let text = reply.strip_prefix(b"334 ").unwrap_or(&reply);
        if let Err(error) = client.respond(text, &mut line) {
            let server = server.respond(client::CANCEL.strip_suffix(b"\r\n").unwrap());
            return Outcome {
                server,
                client: Err(error),
                lines,
            };
        }
    }
}

fn plainly(mechanism: Mechanism, credentials: Credentials<'_>) -> Outcome {
    converse(mechanism, credentials, credentials, &pencil(), |_, _| {})
}

/// The examples of the RFCs: what client and server say, in turn.
#[test]
fn examples() {
    let cases: [(Mechanism, Credentials<'_>, &[&str]); 7] = [
        // RFC 4954 4.1
        (
            Mechanism::Plain,
            password("test", "test", b"1234"),
            &["AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ="],
        ),
        // RFC 4616 4: "tim" "tanstaaftanstaaf", and "Kurt" who acts for "Ursel"
        (
            Mechanism::Plain,
            password("", "tim", b"tanstaaftanstaaf"),
            &["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"],
        ),
        (
            Mechanism::Plain,
            password("Ursel", "Kurt", b"xipj3plmq"),
            &["AUTH PLAIN VXJzZWwAS3VydAB4aXBqM3BsbXE="],
        ),
        (
            Mechanism::Login,
            password("", "joe", b"secret"),
            &[
                "AUTH LOGIN",
                "334 VXNlcm5hbWU6",
                "am9l",
                "334 UGFzc3dvcmQ6",
                "c2VjcmV0",
            ],
        ),
        // RFC 7628 4.4, written out
        (
            Mechanism::OAuthBearer,
            token("user@example.com", Some(587)),
            &[
                "AUTH OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1\
dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
            ],
        ),
        // As Google documents it
        (
            Mechanism::XOAuth2,
            Credentials::Token {
                authorization: "someuser@example.com",
                token: "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
                host: "",
                port: None,
            },
            &[
                "AUTH XOAUTH2 dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNS\
bGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
            ],
        ),
        // RFC 7677 3, as SMTP carries it
        (
            Mechanism::ScramSha256,
            password("", "user", b"pencil"),
            &[
                "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=",
                "334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlphSjBTTlk3\
c29Fc1VFamI2Z1E9PSxpPTQwOTY=",
                "Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAscD1kSHpiWmFw\
V0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ==",
                "334 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==",
                "",
            ],
        ),
    ];
    for (mechanism, credentials, lines) in cases {
        let outcome = plainly(mechanism, credentials);
        assert_eq!(outcome.lines, lines);
        assert_eq!(outcome.server, Step::Verified, "{mechanism:?}");
        assert_eq!(outcome.client, Ok(()));
    }
}

/// RFC 4954 4.1: without an initial response the challenge is empty, with a space.
#[test]
fn no_initial_response() {
    let long = [b'x'; 400];
    for (mechanism, credentials) in [
        (Mechanism::Plain, password("", "joe", &long)),
        (
            Mechanism::XOAuth2,
            Credentials::Token {
                authorization: "joe",
                token: core::str::from_utf8(&long).unwrap(),
                host: "",
                port: None,
            },
        ),
    ] {
        let outcome = plainly(mechanism, credentials);
        assert_eq!(outcome.lines[0], std::format!("AUTH {}", mechanism.name()));
        assert_eq!(outcome.lines[1], "334 ");
        assert_eq!((outcome.server, outcome.client), (Step::Verified, Ok(())));
    }
}

/// RFC 7628 3.2.3, and what Google and Microsoft document for XOAUTH2.
#[test]
fn refused_tokens() {
    for (mechanism, error, answer) in [
        (
            Mechanism::OAuthBearer,
            r#"{"status":"invalid_token"}"#,
            "AQ==",
        ),
        (
            Mechanism::XOAuth2,
            r#"{"status":"401","schemes":"bearer"}"#,
            "",
        ),
    ] {
        let credentials = token("user@example.com", None);
        let outcome = converse(
            mechanism,
            credentials,
            token("other", None),
            &pencil(),
            |_, _| {},
        );
        assert_eq!(
            outcome.lines[1..],
            [std::format!("334 {}", b64(error)), answer.to_string()]
        );
        assert_eq!(outcome.server, Step::Failed(Failure::Refused));
    }
    let json = br#"{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}"#;
    let mut buffer = [0; 512];
    let mut server = server::Exchange::new(&mut buffer);
    let argument = std::format!("OAUTHBEARER {}", b64("n,,\x01auth=Bearer x\x01\x01"));
    assert_eq!(
        server.start(argument.as_bytes(), everything()),
        Step::Credentials
    );
    assert_eq!(server.refuse(Some(json)), Step::Challenge);
    let mut line = Vec::new();
    server.emit_challenge(&mut line).unwrap();
    assert_eq!(line, b"334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=\r\n");
    assert_eq!(server.respond(b"AQ=="), Step::Failed(Failure::Refused));
}

/// Names that need escapes, the widest names, and authorization identities.
#[test]
fn every_mechanism_carries_every_name() {
    let wide = "\u{fc}=,".repeat(20);
    for name in [
        "joe",
        "a,b",
        "a=b",
        "=2C",
        "=3D=",
        ",,",
        "joe@example.org",
        &wide,
    ] {
        for authorization in ["", "other", "=,", &wide] {
            for mechanism in [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::Login] {
                if mechanism == Mechanism::Login && !authorization.is_empty() {
                    continue;
                }
                let credentials = password(authorization, name, b"pencil");
                let mut client = client_of(mechanism, credentials);
                let mut buffer = [0; 1024];
                let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
                let mut line = Vec::new();
                client.start(&mut line).unwrap();
                let argument = line["AUTH ".len()..].strip_suffix(b"\r\n").unwrap();
                let mut step = server.start(argument, everything());
                while step != Step::Verified {
                    step = match step {
                        Step::Challenge => {
                            let mut reply = Vec::new();
                            server.emit_challenge(&mut reply).unwrap();
                            let challenge = reply["334 ".len()..].strip_suffix(b"\r\n").unwrap();
                            line.clear();
                            client.respond(challenge, &mut line).unwrap();
                            server.respond(line.strip_suffix(b"\r\n").unwrap())
                        }
                        Step::Credentials => {
                            assert_eq!(server.credentials(), Some(credentials));
                            server.accept()
                        }
                        Step::ScramUser => server.scram(&pencil(), &server_nonce()),
                        other => panic!("{other:?} {name:?} {authorization:?} {mechanism:?}"),
                    };
                }
                let identity = Identity {
                    authorization,
                    user: name,
                };
                assert_eq!(server.identity(), Some(identity));
                assert_eq!(client.finish(), Ok(()));
            }
        }
    }
}

/// RFC 5802 3 with names to be escaped and a password that is not ASCII; the other side is Python's `hmac`
/// and `hashlib`.
#[test]
fn scram_as_another_computes_it() {
    let password = "p\u{e4}ssword".as_bytes();
    let salt = b"\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76";
    let credentials = Credentials::Password {
        authorization: "other",
        user: "jo,e=",
        password,
    };
    let mut exchange = client::Exchange::new(Mechanism::ScramSha256, credentials)
        .unwrap()
        .with_scram(client::Scram {
            nonce: Nonce::new(b"fyko+d2lbbFgONRv9qkxdawL").unwrap(),
            ..scram()
        });
    let mut line = Vec::new();
    exchange.start(&mut line).unwrap();
    assert_eq!(
        line,
        b"AUTH SCRAM-SHA-256 bixhPW90aGVyLG49am89MkNlPTNELHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM\r\n"
    );
    line.clear();
    let challenge = b"cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NTAwMA==";
    exchange.respond(challenge, &mut line).unwrap();
    assert_eq!(line, &b"Yz1iaXhoUFc5MGFHVnlMQT09LHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9UFlCTUNKVkhkNUM4UGRNMFIydVdNYUJRTFdvQ3pOdklpUnJKa2hUNzlBZz0=\r\n"[..]);
    line.clear();
    let verifier = b"dj1NcU14S21ybzd6Y2VhdnJpTzd6M0hhNEJISStYZitWYmZ1YUdyc0x4b1ZnPQ==";
    exchange.respond(verifier, &mut line).unwrap();
    assert_eq!(line, b"\r\n");
    assert_eq!(exchange.finish(), Ok(()));
    let keys = StoredKeys::derive(password, salt, 5000, &SHA256).unwrap();
    assert_eq!(keys.stored_key[..4], [0xc9, 0x77, 0xd2, 0xcc]);
    assert_eq!(keys.server_key[..4], [0xd0, 0xed, 0x3c, 0x8f]);
}

#[test]
fn sets() {
    let set = MechanismSet::parse(b"login GSSAPI PLAIN  SCRAM-SHA-256-PLUS Scram-Sha-256");
    let names: Vec<_> = set.iter().collect();
    assert_eq!(
        names,
        [Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login]
    );
    let mut out = Vec::new();
    set.emit(&mut out).unwrap();
    assert_eq!(out, b"SCRAM-SHA-256 PLAIN LOGIN");
    assert_eq!(MechanismSet::parse(&out), set);
    assert!(MechanismSet::parse(b"").is_empty());
    assert!(
        set.and(MechanismSet::PROOFS)
            .iter()
            .eq([Mechanism::ScramSha256])
    );
    for mechanism in everything().iter() {
        assert_eq!(
            Mechanism::parse(mechanism.name().as_bytes()),
            Some(mechanism)
        );
        assert_eq!(
            mechanism.reveals_secret(),
            !MechanismSet::PROOFS.contains(mechanism)
        );
    }
}
