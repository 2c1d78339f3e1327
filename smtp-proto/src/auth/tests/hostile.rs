//! What a hostile or broken side sends, and callers that call what cannot come.

use proptest::prelude::*;
use std::format;

use super::client::Error;
use super::*;
use crate::auth::hmac::Hmac;
use crate::auth::scram::{ClientKeys, signature};

/// One iteration, so that it is quick.
fn quick() -> ScramUser<'static> {
    ScramUser {
        salt: SALT,
        iterations: 1,
        keys: StoredKeys::derive(b"pencil", SALT, 1, &SHA256).unwrap(),
    }
}

fn one_of_each() -> [(Mechanism, Credentials<'static>); 5] {
    [
        (Mechanism::Plain, password("act", "user", b"pencil")),
        (Mechanism::Login, password("", "user", b"pencil")),
        (Mechanism::XOAuth2, token("joe", None)),
        (Mechanism::OAuthBearer, token("joe", Some(587))),
        (Mechanism::ScramSha256, password("act", "user", b"pencil")),
    ]
}

/// No octet can change on its way and both sides be content, unless it means nothing: the case of the
/// mechanism's name, and the prompts of LOGIN.
#[test]
fn each_octet_altered() {
    for (mechanism, credentials) in one_of_each() {
        let lines = converse(mechanism, credentials, credentials, &quick(), |_, _| {}).lines;
        for (number, line) in lines.iter().enumerate() {
            let from = if number == 0 { "AUTH ".len() } else { 0 };
            for at in from..line.len() {
                for mask in [0x01, 0x20, 0x80] {
                    let outcome =
                        converse(mechanism, credentials, credentials, &quick(), |n, line| {
                            if n == number {
                                line[at] ^= mask;
                            }
                        });
                    let name = number == 0 && at < "AUTH ".len() + mechanism.name().len();
                    let prompt = mechanism == Mechanism::Login && number % 2 == 1;
                    let harmless = prompt || name && outcome.lines[0].eq_ignore_ascii_case(line);
                    assert_eq!(
                        outcome.both_are_content(),
                        harmless,
                        "{mechanism:?} line {number} octet {at} mask {mask:#x}: {outcome:?}"
                    );
                }
            }
        }
    }
}

/// Lines that are cut, doubled, or longer.
#[test]
fn each_line_cut() {
    for (mechanism, credentials) in one_of_each() {
        let lines = converse(mechanism, credentials, credentials, &quick(), |_, _| {}).lines;
        for (number, line) in lines.iter().enumerate() {
            for len in 0..=line.len() + 4 {
                let outcome = converse(mechanism, credentials, credentials, &quick(), |n, line| {
                    if n == number {
                        line.truncate(line.len() - 2);
                        line.resize(len, b'A');
                    }
                });
                // Without its initial response, or with an empty one, a client goes on all the same.
                let command = "AUTH ".len() + mechanism.name().len();
                let prompt = mechanism == Mechanism::Login && number % 2 == 1;
                let harmless = len == line.len() || prompt;
                if number > 0 || len != command {
                    assert_eq!(
                        outcome.both_are_content(),
                        harmless,
                        "{mechanism:?} {number} {len} {outcome:?}"
                    );
                }
            }
        }
    }
}

/// Each size of buffer is enough, or said to be too small.
#[test]
fn each_size_of_buffer() {
    for (mechanism, credentials) in one_of_each() {
        let lines = converse(mechanism, credentials, credentials, &quick(), |_, _| {}).lines;
        let mut enough = None;
        for size in 0..512 {
            let mut buffer = std::vec![0; size];
            let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
            let mut said = lines.iter().step_by(2);
            let argument = said.next().unwrap().strip_prefix("AUTH ").unwrap();
            let mut step = server.start(argument.as_bytes(), everything());
            loop {
                step = match step {
                    Step::Challenge => server.respond(said.next().unwrap().as_bytes()),
                    Step::Credentials => server.accept(),
                    Step::ScramUser => server.scram(&quick(), &server_nonce()),
                    Step::Verified | Step::Failed(_) => break,
                };
            }
            match (enough, step) {
                (None, Step::Verified) => enough = Some(size),
                (None, step) => assert_eq!(step, Step::Failed(Failure::TooLong), "{size}"),
                (Some(_), step) => assert_eq!(step, Step::Verified, "{size}"),
            }
        }
        assert!(
            enough.is_some_and(|size| size < 300),
            "{mechanism:?} {enough:?}"
        );
    }
}

/// A client of SCRAM takes no 235 before the server has proved itself.
#[test]
fn mutual() {
    let lines = plainly(Mechanism::ScramSha256, password("", "user", b"pencil")).lines;
    let challenge = |number: usize| lines[number].strip_prefix("334 ").unwrap().as_bytes();
    let mut out = Vec::new();
    let begun = |out: &mut Vec<u8>| {
        let mut exchange = client_of(Mechanism::ScramSha256, password("", "user", b"pencil"));
        assert_eq!(exchange.finish(), Err(Error::OutOfOrder));
        exchange.start(out).unwrap();
        assert_eq!(exchange.finish(), Err(Error::Unverified));
        exchange.respond(challenge(1), out).unwrap();
        assert_eq!(exchange.finish(), Err(Error::Unverified));
        exchange
    };
    let mut exchange = begun(&mut out);
    exchange.respond(challenge(3), &mut out).unwrap();
    assert_eq!(exchange.finish(), Ok(()));
    assert_eq!(exchange.respond(b"", &mut out), Err(Error::Unexpected));
    assert_eq!(exchange.finish(), Err(Error::Refused));

    let forged = format!("v={}", b64([0; 32]));
    for (message, error) in [
        (&*forged, Error::Forged),
        ("e=other-error", Error::Refused),
        ("v=", Error::Malformed),
        ("v=AAAA", Error::Malformed),
        ("", Error::Malformed),
        ("r=x,s=QQ==,i=4096", Error::Malformed),
    ] {
        let mut exchange = begun(&mut out);
        assert_eq!(
            exchange.respond(b64(message).as_bytes(), &mut out),
            Err(error),
            "{message}"
        );
        assert_eq!(exchange.finish(), Err(Error::Refused));
    }
    let mut exchange = begun(&mut out);
    assert_eq!(exchange.respond(b"*", &mut out), Err(Error::Malformed));
}

/// First messages of hostile servers.
#[test]
fn hostile_servers() {
    let long = format!("r=rOprNGfwEbeRWgbNEkqO{},s=QQ==,i=4096", "x".repeat(500));
    for (message, error) in [
        ("r=rOprNGfwEbeRWgbNEkqO,s=QQ==,i=4096", Error::Nonce),
        ("r=rOprNGfwEbeRWgbNEkq,s=QQ==,i=4096", Error::Nonce),
        ("r=ROprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096", Error::Nonce),
        ("r=xrOprNGfwEbeRWgbNEkqO,s=QQ==,i=4096", Error::Nonce),
        ("r=,s=QQ==,i=4096", Error::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4095", Error::Iterations),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=1", Error::Iterations),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=1000001",
            Error::Iterations,
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4294971392",
            Error::Iterations,
        ), // 2^32 + 4096
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=18446744073709555712",
            Error::Iterations,
        ), // 2^64 + 4096
        ("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=0", Error::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=QQ=,i=4096", Error::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=Q Q==,i=4096", Error::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096", Error::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,i=4096", Error::Malformed),
        (
            "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096",
            Error::Malformed,
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096,m=x",
            Error::Malformed,
        ),
        ("e=unknown-user", Error::Malformed),
        ("", Error::Malformed),
        (&long, Error::Malformed),
    ] {
        let mut exchange = client_of(Mechanism::ScramSha256, password("", "user", b"pencil"));
        let mut out = Vec::new();
        exchange.start(&mut out).unwrap();
        assert_eq!(
            exchange.respond(b64(message).as_bytes(), &mut out),
            Err(error),
            "{message}"
        );
        assert_eq!(exchange.finish(), Err(Error::Refused));
    }
    let mut exchange = client_of(Mechanism::ScramSha256, password("", "user", b"pencil"));
    let mut out = Vec::new();
    exchange.start(&mut out).unwrap();
    let message = b64("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096,x=future");
    assert_eq!(exchange.respond(message.as_bytes(), &mut out), Ok(()));
}

/// Servers that ask on and on.
#[test]
fn a_client_says_no_more_than_it_has() {
    for (mechanism, credentials) in one_of_each() {
        let mut exchange = client_of(mechanism, credentials);
        let mut out = Vec::new();
        exchange.start(&mut out).unwrap();
        let mut asked = 0;
        while asked < 9 && exchange.respond(b"", &mut out).is_ok() {
            asked += 1;
        }
        assert!(asked <= 2, "{mechanism:?}");
        assert!(exchange.finish().is_err());
        assert_eq!(exchange.start(&mut out), Err(Error::OutOfOrder));
    }
    // A token that was refused in a challenge stays refused, whatever the reply says.
    let mut exchange = client_of(Mechanism::OAuthBearer, token("joe", None));
    let mut out = Vec::new();
    exchange.start(&mut out).unwrap();
    exchange
        .respond(b64(r#"{"status":"invalid_token"}"#).as_bytes(), &mut out)
        .unwrap();
    assert!(out.ends_with(b"\r\nAQ==\r\n"));
    assert_eq!(exchange.finish(), Err(Error::Refused));
}

/// LOGIN: the prompts are not read (`User Name`, `Username:`, `Benutzername`, nothing, no base64).
#[test]
fn odd_prompts() {
    for (first, second) in [
        ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"),
        ("VXNlciBOYW1lAA==", "UGFzc3dvcmQA"),
        ("dXNlcm5hbWU6", "cGFzc3dvcmQ6"),
        ("Username:", "Password:"),
        ("", ""),
    ] {
        let mut exchange = client_of(Mechanism::Login, password("", "joe", b"secret"));
        let mut out = Vec::new();
        exchange.start(&mut out).unwrap();
        exchange.respond(first.as_bytes(), &mut out).unwrap();
        assert_eq!(exchange.finish(), Err(Error::OutOfOrder));
        exchange.respond(second.as_bytes(), &mut out).unwrap();
        assert_eq!(out, b"AUTH LOGIN\r\nam9l\r\nc2VjcmV0\r\n");
        assert_eq!(exchange.finish(), Ok(()));
    }
    let mut buffer = [0; 64];
    let mut server = server::Exchange::new(&mut buffer);
    assert_eq!(server.start(b"login am9l", everything()), Step::Challenge);
    assert_eq!(server.respond(b"c2VjcmV0"), Step::Credentials);
    assert_eq!(server.credentials(), Some(password("", "joe", b"secret")));
}

#[test]
fn credentials_that_cannot_be_sent() {
    let with_token = |token, host| Credentials::Token {
        authorization: "joe",
        token,
        host,
        port: None,
    };
    let cases = [
        (Mechanism::Plain, password("", "", b"x"), Error::Character),
        (Mechanism::Plain, password("", "joe", b""), Error::Character),
        (
            Mechanism::Plain,
            password("", "j\0oe", b"x"),
            Error::Character,
        ),
        (
            Mechanism::Plain,
            password("a\0", "joe", b"x"),
            Error::Character,
        ),
        (
            Mechanism::Plain,
            password("", "joe", b"x\0y"),
            Error::Character,
        ),
        (
            Mechanism::Login,
            password("", "joe\r\n", b"x"),
            Error::Character,
        ),
        (
            Mechanism::Login,
            password("act", "joe", b"x"),
            Error::Credentials,
        ),
        (
            Mechanism::ScramSha256,
            password("", "joe", b"x\x7f"),
            Error::Character,
        ),
        (
            Mechanism::ScramSha256,
            token("joe", None),
            Error::Credentials,
        ),
        (Mechanism::Plain, token("joe", None), Error::Credentials),
        (
            Mechanism::XOAuth2,
            password("", "joe", b"x"),
            Error::Credentials,
        ),
        (Mechanism::XOAuth2, token("", None), Error::Credentials),
        (Mechanism::XOAuth2, token("jo\x01e", None), Error::Character),
        (Mechanism::OAuthBearer, with_token("", ""), Error::Character),
        (
            Mechanism::OAuthBearer,
            with_token("a b", ""),
            Error::Character,
        ),
        (
            Mechanism::OAuthBearer,
            with_token("a\x01host=x", ""),
            Error::Character,
        ),
        (
            Mechanism::OAuthBearer,
            with_token("a", "h\x01"),
            Error::Character,
        ),
    ];
    for (mechanism, credentials, error) in cases {
        let got = client::Exchange::new(mechanism, credentials).map(|_| ());
        assert_eq!(got, Err(error), "{mechanism:?} {credentials:?}");
    }
    let mut out = Vec::new();
    let credentials = password("", "joe", b"x");
    let mut exchange = client::Exchange::new(Mechanism::ScramSha256, credentials).unwrap();
    assert_eq!(exchange.start(&mut out), Err(Error::NoHash));
    let wrong = client::Scram {
        hash: &scop_crypto::SHA512,
        ..scram()
    };
    let mut exchange = exchange.with_scram(wrong);
    assert_eq!(exchange.start(&mut out), Err(Error::NoHash));
    assert_eq!(out, b"");
}

/// What clients send that a server refuses; each part of a line behind a `|` is a line, in base64 when it
/// begins with `~`.
const HOSTILE_CLIENTS: &[(&str, Failure)] = {
    use Failure::{Base64, Cancelled, Malformed, Mechanism, Refused};
    &[
        ("", Mechanism),
        ("GSSAPI", Mechanism),
        ("PLAIN=", Mechanism),
        (" PLAIN", Mechanism),
        ("PLAINX AHRpbQB0YW4=", Mechanism),
        ("SCRAM-SHA-256-PLUS ~p=tls-unique,,n=u,r=a", Mechanism),
        ("PLAIN|*", Cancelled),
        ("LOGIN|*", Cancelled),
        ("LOGIN|~joe|*", Cancelled),
        ("SCRAM-SHA-256 ~n,,n=user,r=abc|*", Cancelled),
        ("PLAIN *", Base64), // only a line of its own cancels
        ("PLAIN ", Base64),
        ("PLAIN  AHRpbQB0YW4=", Base64),
        ("PLAIN AHRpbQB0YW4= ", Base64),
        ("PLAIN AHRpbQB0YW4", Base64),
        ("PLAIN AHRpbQB0YW5=", Base64), // bits behind the end
        ("PLAIN|=", Base64),
        ("PLAIN|AHRpbQB0YW4=\n", Base64),
        ("PLAIN =", Malformed),
        ("PLAIN|", Malformed),
        ("PLAIN ~tim", Malformed),
        ("PLAIN ~\0tim", Malformed),
        ("PLAIN ~\0tim\0", Malformed), // RFC 4513 5.1.2
        ("PLAIN ~\0\0x", Malformed),
        ("PLAIN ~\0tim\0x\0", Malformed),
        ("PLAIN ~\0tim\0x\0y", Malformed),
        ("PLAIN ~a\nb\0tim\0x", Malformed),
        ("PLAIN ~\0t\rim\0x", Malformed),
        ("LOGIN|", Malformed),
        ("LOGIN|~j\0oe", Malformed),
        ("LOGIN|~joe|", Malformed),
        ("LOGIN|~joe|~a\0b", Malformed),
        ("LOGIN =", Malformed),
        ("XOAUTH2 ~auth=Bearer x\x01\x01", Malformed),
        ("XOAUTH2 ~user=joe\x01auth=Bearer x\x01", Malformed),
        ("XOAUTH2 ~user=joe\x01auth=Bearer x", Malformed),
        ("XOAUTH2 ~user=\x01auth=Bearer x\x01\x01", Malformed),
        ("XOAUTH2 ~user=joe\x01auth=Bearer \x01\x01", Malformed),
        ("XOAUTH2 ~user=joe\x01auth=Basic x\x01\x01", Malformed),
        ("XOAUTH2 ~user=joe\x01auth=Bearer x y\x01\x01", Malformed),
        ("XOAUTH2 ~user=joe\x01\x01", Malformed),
        ("XOAUTH2 ~user=joe\x01auth=Bearer x\x01\x01z", Malformed),
        ("OAUTHBEARER ~\x01", Malformed),
        ("OAUTHBEARER ~n,,auth=Bearer x\x01\x01", Malformed),
        (
            "OAUTHBEARER ~p=tls-unique,,\x01auth=Bearer x\x01\x01",
            Malformed,
        ),
        ("OAUTHBEARER ~n,a=,\x01auth=Bearer x\x01\x01", Malformed),
        ("OAUTHBEARER ~n,a=j=oe,\x01auth=Bearer x\x01\x01", Malformed),
        (
            "OAUTHBEARER ~n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01",
            Malformed,
        ),
        (
            "OAUTHBEARER ~n,,\x01auth=Bearer \x01auth=Bearer y\x01\x01",
            Malformed,
        ),
        (
            "OAUTHBEARER ~n,,\x01port=65536\x01auth=Bearer x\x01\x01",
            Malformed,
        ),
        (
            "OAUTHBEARER ~n,,\x01port=\x01auth=Bearer x\x01\x01",
            Malformed,
        ),
        (
            "OAUTHBEARER ~n,,\x01port=1\x01port=1\x01auth=Bearer x\x01\x01",
            Malformed,
        ),
        (
            "OAUTHBEARER ~n,,\x01host=a\x01host=a\x01auth=Bearer x\x01\x01",
            Malformed,
        ),
        (
            "OAUTHBEARER ~n,,\x01host\x01auth=Bearer x\x01\x01",
            Malformed,
        ),
        ("SCRAM-SHA-256 ~p=tls-unique,,n=user,r=abc", Malformed),
        ("SCRAM-SHA-256 ~n,,m=x,n=user,r=abc", Malformed),
        ("SCRAM-SHA-256 ~n,,n=user,r=abc,m=x", Malformed),
        ("SCRAM-SHA-256 ~n,,n=user,r=", Malformed),
        ("SCRAM-SHA-256 ~n,,n=user", Malformed),
        ("SCRAM-SHA-256 ~n,,n=,r=abc", Malformed),
        ("SCRAM-SHA-256 ~n,,n=us=er,r=abc", Malformed),
        ("SCRAM-SHA-256 ~n,,n=us=2cer,r=abc", Malformed),
        ("SCRAM-SHA-256 ~n,a=a=b,n=user,r=abc", Malformed),
        ("SCRAM-SHA-256 ~n,,n=us\x07er,r=abc", Malformed),
        ("SCRAM-SHA-256 =", Malformed),
        ("SCRAM-SHA-256 ~n,,n=user,r=abc|", Malformed),
        (
            "SCRAM-SHA-256 ~n,,n=user,r=abc|~c=biws,r=abcNONCE",
            Malformed,
        ),
        (
            "SCRAM-SHA-256 ~n,,n=user,r=abc|~c=biws,r=abcNONCE,p=AAAA",
            Malformed,
        ),
        (
            "SCRAM-SHA-256 ~n,,n=user,r=abc|~c=biws,r=abcNONCE,p=ZEROS",
            Refused,
        ),
        (
            "SCRAM-SHA-256 ~n,,n=user,r=abc|~c=biws,r=abc,p=ZEROS",
            Refused,
        ),
        (
            "SCRAM-SHA-256 ~n,,n=user,r=abc|~c=biws,r=NONCE,p=ZEROS",
            Refused,
        ),
        (
            "SCRAM-SHA-256 ~n,,n=user,r=abc|~c=eSws,r=abcNONCE,p=ZEROS",
            Refused,
        ),
    ]
};

#[test]
fn hostile_clients() {
    let long = format!("PLAIN {}", "A".repeat(1024));
    for &(lines, failure) in HOSTILE_CLIENTS {
        let mut buffer = [0; 512];
        let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
        let mut step = None;
        for line in lines.split('|') {
            assert!(!matches!(step, Some(Step::Failed(_))), "{lines:?}");
            let line = match line.split_once('~') {
                Some((before, message)) => {
                    let message = message
                        .replace(
                            "NONCE",
                            core::str::from_utf8(server_nonce().as_bytes()).unwrap(),
                        )
                        .replace("ZEROS", &b64([0; 32]));
                    format!("{before}{}", b64(message))
                }
                None => line.to_string(),
            };
            let mut next = match step {
                None => server.start(line.as_bytes(), everything()),
                Some(_) => server.respond(line.as_bytes()),
            };
            if next == Step::ScramUser {
                next = server.scram(&quick(), &server_nonce());
            }
            step = Some(next);
        }
        assert_eq!(step, Some(Step::Failed(failure)), "{lines:?}");
        let code = failure.reply().reply().code();
        assert!(code.is_permanent(), "{failure:?}");
    }
    let mut buffer = [0; 512];
    let mut server = server::Exchange::new(&mut buffer);
    assert_eq!(
        server.start(long.as_bytes(), everything()),
        Step::Failed(Failure::TooLong)
    );
    // Without a hash, and not allowed.
    assert_eq!(
        server.start(b"SCRAM-SHA-256", everything()),
        Step::Failed(Failure::Mechanism)
    );
    assert_eq!(
        server.start(b"PLAIN", MechanismSet::PROOFS),
        Step::Failed(Failure::Mechanism)
    );
}

/// `y`: the client could bind, and believes that the server cannot, which is so. Whoever turns `n` into
/// `y` on the way, or back, is found out.
#[test]
fn channel_binding_flags() {
    let mut buffer = [0; 512];
    let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
    let argument = format!("SCRAM-SHA-256 {}", b64("y,,n=user,r=abc"));
    assert_eq!(
        server.start(argument.as_bytes(), everything()),
        Step::ScramUser
    );
    assert_eq!(server.identity().unwrap().user, "user");
    let credentials = password("", "user", b"pencil");
    let outcome = converse(
        Mechanism::ScramSha256,
        credentials,
        credentials,
        &quick(),
        |number, line| {
            if number == 0 {
                let altered = b64("y,,n=user,r=rOprNGfwEbeRWgbNEkqO");
                *line = format!("AUTH SCRAM-SHA-256 {altered}\r\n").into_bytes();
            }
        },
    );
    assert_eq!(outcome.server, Step::Failed(Failure::Refused));
}

/// Who knows the password, and signs what it says rightly, still has to say the nonce and the header of
/// this exchange.
#[test]
fn proofs_of_something_else() {
    let nonce = "abc%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    for (without_proof, is_right) in [
        (format!("c=biws,r={nonce}"), true),
        (format!("c=biws,r={nonce},x=future"), true),
        (format!("c=eSws,r={nonce}"), false),     // y,,
        (format!("c=biwsbg==,r={nonce}"), false), // n,,n
        (format!("c=biw=,r={nonce}"), false),     // n,
        (format!("c=,,r={nonce}"), false),
        ("c=biws,r=abc".into(), false),
        (format!("c=biws,r={nonce}x"), false),
        (format!("c=biws,r=x{nonce}"), false),
        (format!("c=biws,r={}", nonce.to_uppercase()), false),
    ] {
        let mut buffer = [0; 512];
        let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
        let argument = format!("SCRAM-SHA-256 {}", b64("n,,n=user,r=abc"));
        assert_eq!(
            server.start(argument.as_bytes(), everything()),
            Step::ScramUser
        );
        assert_eq!(server.scram(&quick(), &server_nonce()), Step::Challenge);
        let hmac = Hmac::new(&SHA256, b"pencil");
        let mut salted = hmac.clone();
        salted.update(SALT);
        let keys = ClientKeys::derive(&hmac, salted, 1, &SHA256).unwrap();
        let message = format!("n=user,r=abc,r={nonce},s={},i=1,{without_proof}", b64(SALT));
        let signed = signature(&SHA256, &keys.stored.stored_key, |hmac| {
            hmac.update(message.as_bytes());
            Ok(())
        });
        let proof = keys.proof(&signed.unwrap());
        let step = server.respond(b64(format!("{without_proof},p={}", b64(proof))).as_bytes());
        let refused = matches!(step, Step::Failed(Failure::Refused | Failure::Malformed));
        assert_eq!(
            (step == Step::Challenge, refused),
            (is_right, !is_right),
            "{without_proof}"
        );
    }
}

/// A sink that is full changes nothing: with more room the same is said.
#[test]
fn full_sinks() {
    for (mechanism, credentials) in one_of_each() {
        let lines = converse(mechanism, credentials, credentials, &quick(), |_, _| {}).lines;
        let mut scram = scram();
        scram.limits.min_iterations = 1;
        let mut exchange = client_of(mechanism, credentials).with_scram(scram);
        let mut last = "";
        for (number, line) in lines.iter().enumerate() {
            if number % 2 == 1 {
                last = line.strip_prefix("334 ").unwrap();
                continue;
            }
            let expected = format!("{line}\r\n");
            for room in 0..=expected.len() {
                let mut buffer = std::vec![0; room];
                let mut sink = scop_core::SliceSink::new(&mut buffer);
                let said = if number == 0 {
                    exchange.start(&mut sink)
                } else {
                    exchange.respond(last.as_bytes(), &mut sink)
                };
                if room < expected.len() {
                    assert_eq!(said, Err(Error::Full));
                } else {
                    assert_eq!(said, Ok(()));
                    assert_eq!(buffer, expected.as_bytes());
                }
            }
        }
        assert_eq!(exchange.finish(), Ok(()), "{mechanism:?}");
    }
}

/// For a user who does not exist the exchange is the same, up to the same refusal.
#[test]
fn unknown_users() {
    let (salt, keys) = StoredKeys::decoy(b"of the server", "user", &SHA256).unwrap();
    let decoy = ScramUser {
        salt: &salt,
        iterations: 1,
        keys,
    };
    let known = password("", "user", b"pencil");
    let wrong = password("", "user", b"pencils");
    let unknown = converse(Mechanism::ScramSha256, known, known, &decoy, |_, _| {});
    let refused = converse(Mechanism::ScramSha256, wrong, wrong, &quick(), |_, _| {});
    assert_eq!(unknown.server, Step::Failed(Failure::Refused));
    assert_eq!(unknown.server, refused.server);
    let lengths = |outcome: &Outcome| outcome.lines.iter().map(String::len).collect::<Vec<_>>();
    assert_eq!(lengths(&unknown), lengths(&refused));
}

#[test]
fn secrets_are_wiped_and_not_shown() {
    for (mechanism, credentials) in one_of_each() {
        let lines = converse(mechanism, credentials, credentials, &quick(), |_, _| {}).lines;
        let mut buffer = [0; 512];
        let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
        let mut said = lines.iter().step_by(2);
        let argument = said.next().unwrap().strip_prefix("AUTH ").unwrap();
        let mut step = server.start(argument.as_bytes(), everything());
        loop {
            let shown = format!("{server:?} {:?}", server.credentials());
            assert!(
                !shown.contains("pencil") && !shown.contains("vF9df"),
                "{shown}"
            );
            step = match step {
                Step::Challenge => server.respond(said.next().unwrap().as_bytes()),
                Step::Credentials => server.accept(),
                Step::ScramUser => server.scram(&quick(), &server_nonce()),
                _ => break,
            };
        }
        assert_eq!(step, Step::Verified);
        assert_eq!(server.credentials(), None);
        let identity = server.identity().unwrap();
        assert!(!identity.user.is_empty() || !identity.authorization.is_empty());
        let names = identity.user.len() + identity.authorization.len();
        core::mem::forget(server);
        let left = buffer.iter().filter(|&&octet| octet != 0).count();
        assert_eq!(left, names, "{mechanism:?}");

        let client = client_of(mechanism, credentials);
        let shown = format!("{client:?}");
        assert!(
            !shown.contains("pencil") && !shown.contains("vF9df"),
            "{shown}"
        );
    }
    let mut buffer = [0; 512];
    let mut server = server::Exchange::new(&mut buffer);
    assert_eq!(
        server.start(b"PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", everything()),
        Step::Credentials
    );
    drop(server);
    assert_eq!(buffer, [0; 512]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is called with whatever: no panic, an end, and nobody is verified whom nobody accepted.
    #[test]
    fn any_calls(calls in prop::collection::vec((0..9_u8, any::<Vec<u8>>()), 0..12), size in 0..200_usize) {
        let mut buffer = std::vec![0; size];
        let mut server = server::Exchange::new(&mut buffer).with_hash(&SHA256);
        let mut asked = false;
        for (call, octets) in calls {
            let text = b64(&octets);
            let step = match call {
                0 => server.start(&octets, everything()),
                1 => {
                    let mechanism = Mechanism::ALL[octets.len() % 5].name();
                    server.start(format!("{mechanism} {text}").as_bytes(), everything())
                }
                2 => server.respond(&octets),
                3 | 4 => server.respond(text.as_bytes()),
                5 => server.accept(),
                6 => server.refuse(Some(&octets)),
                7 => server.scram(&ScramUser { salt: &octets, ..quick() }, &server_nonce()),
                _ => server.start(b"LOGIN", everything()),
            };
            let mut reply = Vec::new();
            server.emit_challenge(&mut reply).unwrap();
            prop_assert!(reply.starts_with(b"334 ") && reply.ends_with(b"\r\n"));
            prop_assert_eq!(reply.iter().filter(|byte| byte.is_ascii_control()).count(), 2);
            prop_assert_eq!(step == Step::Credentials, server.credentials().is_some());
            prop_assert!(step != Step::Verified || call == 5 && asked);
            asked = step == Step::Credentials;
        }
    }

    #[test]
    fn any_challenges(challenges in prop::collection::vec(any::<Vec<u8>>(), 0..4), which in 0..5_usize, encode: bool) {
        let (mechanism, credentials) = one_of_each()[which];
        let mut client = client_of(mechanism, credentials);
        let mut out = Vec::new();
        client.start(&mut out).unwrap();
        let mut lines = 1;
        for challenge in challenges {
            let text = if encode { b64(&challenge).into_bytes() } else { challenge };
            lines += usize::from(client.respond(&text, &mut out).is_ok());
        }
        if mechanism == Mechanism::ScramSha256 {
            prop_assert!(client.finish().is_err());
        }
        // What a failed call wrote is void; here it writes nothing.
        prop_assert_eq!(out.split(|&byte| byte == b'\n').count() - 1, lines);
    }
}

/// U+0085 is a control as LF is, and credentials differ in each of their parts.
#[test]
fn controls_beyond_ascii_and_equal_credentials() {
    for user in ["joe\u{85}", "\u{9b}31m", "joe\n"] {
        let refused = client::Exchange::new(Mechanism::Plain, password("", user, b"secret"));
        assert_eq!(refused.err(), Some(Error::Character));
        let message = format!("\0{user}\0secret");
        let mut text = Vec::new();
        text.extend_from_slice(b"PLAIN ");
        base64::encode(message.as_bytes(), &mut text).unwrap();
        let mut buffer = [0; 64];
        let mut server = server::Exchange::new(&mut buffer);
        let step = server.start(&text, MechanismSet::default().with(Mechanism::Plain));
        assert_eq!(step, Step::Failed(Failure::Malformed));
    }
    let all = [
        password("", "joe", b"secret"),
        password("", "joe", b"secret2"),
        password("", "joe", b"Secret"),
        password("", "jo", b"secret"),
        password("a", "joe", b"secret"),
        token("joe", None),
        token("joe", Some(25)),
        token("jo", None),
    ];
    for (at, one) in all.iter().enumerate() {
        for (other_at, other) in all.iter().enumerate() {
            assert_eq!(one == other, at == other_at);
        }
    }
}
