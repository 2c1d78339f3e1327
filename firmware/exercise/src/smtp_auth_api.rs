//! scop-smtp-proto: AUTH, client against server, with each mechanism.

use core::hint::black_box;

use scop_core::SliceSink;
use scop_core::crypto::{Hash, HashAlgorithm};
use scop_smtp_proto::auth::hmac::Hmac;
use scop_smtp_proto::auth::scram::{Limits, Nonce, StoredKeys};
use scop_smtp_proto::auth::server::{ScramUser, Step};
use scop_smtp_proto::auth::{Credentials, Mechanism, MechanismSet, client, server};

use crate::crypto_api::PROVIDER;
use crate::tally::Tally;

/// Lets a client and a server talk, with credentials that are right and some that nobody knows.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    let Some(hash) = PROVIDER.hash(HashAlgorithm::Sha256) else {
        tally.check(false);
        return tally.finish();
    };
    let announced =
        MechanismSet::parse(black_box(b"PLAIN LOGIN XOAUTH2 OAUTHBEARER SCRAM-SHA-256"));
    let mut names = [0; 64];
    let mut sink = SliceSink::new(&mut names);
    tally.check(announced.emit(&mut sink).is_ok());
    tally.equal(MechanismSet::parse(sink.written()), announced);
    let code = |octets| {
        let mut hmac = Hmac::new(hash, input);
        hmac.update(octets);
        hmac.finish()
    };
    tally.check(code(black_box(b"one")) != code(black_box(b"two")));
    for mechanism in announced.iter() {
        let is_scram = mechanism == Mechanism::ScramSha256;
        tally.check(mechanism.reveals_secret() != is_scram);
        tally.equal(
            Mechanism::parse(mechanism.name().as_bytes()),
            Some(mechanism),
        );
        let good = if mechanism.takes_token() {
            Credentials::Token {
                authorization: black_box("joe,@example.org"),
                token: black_box("b2F1dGg="),
                host: black_box("mx.example.org"),
                port: black_box(Some(587)),
            }
        } else {
            Credentials::Password {
                authorization: "",
                user: black_box("joe=@example.org"),
                password: black_box(b"pencil"),
            }
        };
        let verified = converse(mechanism, good, true, hash, &mut tally);
        tally.check(verified);
        let text = core::str::from_utf8(input).unwrap_or_default();
        for other in [
            Credentials::Password {
                authorization: text,
                user: text,
                password: input,
            },
            Credentials::Token {
                authorization: text,
                token: text,
                host: text,
                port: None,
            },
        ] {
            let verified = converse(mechanism, other, false, hash, &mut tally);
            tally.check(!verified);
        }
    }
    tally.finish()
}

/// Whether both sides are content in the end.
fn converse(
    mechanism: Mechanism,
    credentials: Credentials<'_>,
    are_known: bool,
    hash: &dyn Hash,
    tally: &mut Tally,
) -> bool {
    let Ok(exchange) = client::Exchange::new(mechanism, credentials) else {
        return false;
    };
    let mut limits = Limits::DEFAULT;
    limits.min_iterations = 2;
    let scram = client::Scram {
        hash,
        nonce: Nonce::from_random(black_box([7; 18])),
        limits,
    };
    let mut client = exchange.with_scram(scram);
    let mut buffer = [0; 512];
    let mut server = server::Exchange::new(&mut buffer).with_hash(hash);
    let mut line = [0; 768];
    let mut reply = [0; 768];

    let mut sink = SliceSink::new(&mut line);
    let mut said = client.start(&mut sink).is_ok();
    let argument = content(sink.written(), "AUTH ".len());
    let mut step = server.start(argument, MechanismSet::default().with(mechanism));
    while said {
        step = match step {
            Step::Challenge => {
                let mut sink = SliceSink::new(&mut reply);
                tally.flag(server.emit_challenge(&mut sink).is_ok());
                let challenge = content(sink.into_written(), "334 ".len());
                let mut sink = SliceSink::new(&mut line);
                said = client.respond(challenge, &mut sink).is_ok();
                server.respond(content(sink.written(), 0))
            }
            Step::Credentials if are_known && server.credentials().is_some() => server.accept(),
            Step::Credentials => server.refuse(None),
            Step::ScramUser => {
                let user = server.identity().map_or("", |identity| identity.user);
                let Some((salt, decoy)) = StoredKeys::decoy(b"secret", user, hash) else {
                    return false;
                };
                let keys = StoredKeys::derive(b"pencil", &salt, black_box(2), hash);
                let user = ScramUser {
                    salt: &salt,
                    iterations: 2,
                    keys: keys.filter(|_| are_known).unwrap_or(decoy),
                };
                server.scram(&user, &Nonce::from_random(black_box([9; 18])))
            }
            Step::Verified => return client.finish().is_ok(),
            Step::Failed(failure) => {
                tally.flag(failure.reply().reply().code().is_permanent());
                break;
            }
        };
    }
    server.reset();
    tally.flag(server.give_up() == step);
    false
}

/// A line without its CRLF, and without what stands before `start`.
fn content(line: &[u8], start: usize) -> &[u8] {
    let end = line.len().saturating_sub("\r\n".len());
    line.get(start..end).unwrap_or_default()
}
