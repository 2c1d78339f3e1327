//! AUTH with a hostile other side: nobody is content without the secret, and each exchange ends.
//!
//! The first line of an input chooses, the others are what the hostile side says: the argument of AUTH and
//! lines of a client, or the challenges of a server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_core::crypto::Hash as _;
use scop_crypto::SHA256;
use scop_smtp_proto::auth::client::{self, Scram};
use scop_smtp_proto::auth::scram::{Limits, Nonce, StoredKeys};
use scop_smtp_proto::auth::server::{self, Failure, ScramUser, Step};
use scop_smtp_proto::auth::{Credentials, Mechanism, MechanismSet};

const USER: &str = "user";
const SECRET: &str = "pencil";
const SALT: &[u8] = b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e";
const ITERATIONS: u32 = 2;
const CLIENT_NONCE: &[u8] = b"rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &[u8] = b"hvYDpWUa2RaTCAfuxFIlj";

/// A line of choices, five bits of each octet, and what the hostile side says.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|&octet| octet == b'\n').map(|line| match line {
        [line @ .., b'\r'] => line,
        _ => line,
    });
    let choices = lines.next().unwrap_or_default();
    let choice = |at: usize| choices.get(at).map_or(0, |octet| octet & 31);
    let lines: Vec<&[u8]> = lines.collect();
    let mechanism = Mechanism::ALL[usize::from(choice(1)) % 5];
    match choice(0) % 3 {
        0 => hostile_client(&lines, usize::from(choice(1)) * 24),
        1 => hostile_server(mechanism, &lines),
        _ => altered(mechanism, usize::from(choice(2)), lines.first().copied()),
    }
}

fn everything() -> MechanismSet {
    Mechanism::ALL
        .into_iter()
        .fold(MechanismSet::default(), MechanismSet::with)
}

fn keys() -> StoredKeys {
    StoredKeys::derive(SECRET.as_bytes(), SALT, ITERATIONS, &SHA256).expect("it is SHA-256")
}

fn is_right(credentials: &Credentials<'_>) -> bool {
    match credentials {
        Credentials::Password { user, password, .. } => {
            *user == USER && *password == SECRET.as_bytes()
        }
        Credentials::Token { token, .. } => *token == SECRET,
        _ => false,
    }
}

/// A server with its host: what it says to each line, and whether it is content.
struct Server<'b> {
    exchange: server::Exchange<'b>,
    /// Its challenges, decoded.
    said: Vec<Vec<u8>>,
}

impl<'b> Server<'b> {
    fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            exchange: server::Exchange::new(buffer).with_hash(&SHA256),
            said: Vec::new(),
        }
    }

    /// The challenge to a line, or the end.
    fn hear(&mut self, line: &[u8], is_first: bool) -> Result<Vec<u8>, Result<(), Failure>> {
        let mut step = if is_first {
            self.exchange.start(line, everything())
        } else {
            self.exchange.respond(line)
        };
        loop {
            step = match step {
                Step::Credentials => {
                    let credentials = self.exchange.credentials().expect("they are there");
                    if is_right(&credentials) {
                        self.exchange.accept()
                    } else {
                        self.exchange.refuse(None)
                    }
                }
                Step::ScramUser => {
                    let user = self.exchange.identity().expect("there is one").user;
                    let (salt, keys) = if user == USER {
                        (SALT.to_vec(), keys())
                    } else {
                        let decoy = StoredKeys::decoy(b"secret", user, &SHA256);
                        decoy
                            .map(|(salt, keys)| (salt.to_vec(), keys))
                            .expect("as above")
                    };
                    let nonce = Nonce::new(SERVER_NONCE).expect("it is printable");
                    let user = ScramUser {
                        salt: &salt,
                        iterations: ITERATIONS,
                        keys,
                    };
                    self.exchange.scram(&user, &nonce)
                }
                Step::Challenge => {
                    let mut line = Vec::new();
                    self.exchange.emit_challenge(&mut line).expect("a vector");
                    let text = line.strip_prefix(b"334 ").expect("its code");
                    let text = text.strip_suffix(b"\r\n").expect("its end").to_vec();
                    self.said
                        .push(STANDARD.decode(&text).expect("it is base64"));
                    return Ok(text);
                }
                Step::Verified => return Err(Ok(())),
                Step::Failed(failure) => {
                    assert!(self.exchange.identity().is_none());
                    assert!(!failure.reply().reply().code().is_positive());
                    return Err(Err(failure));
                }
            }
        }
    }
}

fn hostile_client(lines: &[&[u8]], room: usize) {
    let mut buffer = vec![0; room];
    let mut server = Server::new(&mut buffer);
    for (at, line) in lines.iter().enumerate() {
        // LOGIN has two, SCRAM has three.
        assert!(at < 4, "it does not end");
        match server.hear(line, at == 0) {
            Ok(_) => {}
            Err(Err(_)) => return,
            Err(Ok(())) => return check_client(&lines[..=at], &server),
        }
    }
}

/// The lines of a client that was taken for the user show the secret, or that it is known.
fn check_client(lines: &[&[u8]], server: &Server<'_>) {
    let words: Vec<&[u8]> = lines[0].splitn(2, |&octet| octet == b' ').collect();
    let name = words[0].to_ascii_uppercase();
    let said = words[1..].iter().chain(&lines[1..]);
    let said: Vec<Vec<u8>> = said
        .filter(|text| !matches!(text, [] | [b'=']))
        .map(|text| STANDARD.decode(text).expect("it was read"))
        .collect();
    let holds = |text: &str| {
        let mut windows = said.iter().flat_map(|text_| text_.windows(text.len()));
        windows.any(|window| window == text.as_bytes())
    };
    if name != b"SCRAM-SHA-256" {
        assert!(holds(SECRET));
        return assert!(name == b"XOAUTH2" || name == b"OAUTHBEARER" || holds(USER));
    }
    assert!(!holds(SECRET));
    let [first, last] = &said[..] else {
        panic!("two messages");
    };
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).expect("it was read");
    let (first, last) = (text(first), text(last));
    let bare = first
        .splitn(3, ',')
        .nth(2)
        .expect("a header stands before it");
    let header = &first[..first.len() - bare.len()];
    let challenge = server.said.iter().find(|text| text.starts_with(b"r="));
    let challenge = text(challenge.expect("it said its nonce"));
    let (without_proof, proof) = last.rsplit_once(",p=").expect("it has a proof");
    let message = format!("{bare},{challenge},{without_proof}");
    let keys = Keys::of(SECRET.as_bytes(), SALT, ITERATIONS);
    assert_eq!(
        STANDARD.decode(proof).expect("it was read"),
        keys.proof(&message)
    );
    let nonce = challenge.split(',').next().expect("there is one");
    let nonce_of_client = &bare[bare.find(",r=").expect("its nonce") + 1..];
    assert!(nonce.starts_with(nonce_of_client.split(',').next().expect("as before")));
    assert!(nonce.ends_with(&*String::from_utf8_lossy(SERVER_NONCE)));
    let fields: Vec<&str> = without_proof.split(',').collect();
    assert_eq!(fields[0], format!("c={}", STANDARD.encode(header)));
    assert_eq!(fields[1], nonce);
    let user = bare.split(',').next().expect("a name");
    assert_eq!(user, format!("n={USER}"));
}

/// A client that knows the secret.
fn client_of(mechanism: Mechanism) -> client::Exchange<'static> {
    let credentials = if mechanism.takes_token() {
        Credentials::Token {
            authorization: USER,
            token: SECRET,
            host: "mx.example.org",
            port: Some(587),
        }
    } else {
        Credentials::Password {
            authorization: "",
            user: USER,
            password: SECRET.as_bytes(),
        }
    };
    let mut limits = Limits::DEFAULT;
    (limits.min_iterations, limits.max_iterations) = (2, 40);
    let scram = Scram {
        hash: &SHA256,
        nonce: Nonce::new(CLIENT_NONCE).expect("it is printable"),
        limits,
    };
    client::Exchange::new(mechanism, credentials)
        .expect("they go together")
        .with_scram(scram)
}

/// What a client says, decoded: one line, and never a secret that the mechanism does not show.
fn line_of(client: &client::Exchange<'_>, line: &[u8]) -> Vec<u8> {
    let text = line.strip_suffix(b"\r\n").expect("it has its end");
    assert!(!text.iter().any(u8::is_ascii_control));
    if client.mechanism() == Mechanism::ScramSha256 {
        for word in text.split(|&octet| octet == b' ') {
            let decoded = STANDARD.decode(word).unwrap_or_default();
            let mut windows = decoded.windows(SECRET.len());
            assert!(!windows.any(|window| window == SECRET.as_bytes()));
        }
    }
    text.to_vec()
}

fn hostile_server(mechanism: Mechanism, challenges: &[&[u8]]) {
    let mut client = client_of(mechanism);
    let mut line = Vec::new();
    client.start(&mut line).expect("it can begin");
    line_of(&client, &line);
    let mut heard = Vec::new();
    for (at, challenge) in challenges.iter().enumerate() {
        let mut line = Vec::new();
        if client.respond(challenge, &mut line).is_err() {
            assert!(client.finish().is_err());
            break;
        }
        assert!(at < 4, "it does not end");
        line_of(&client, &line);
        heard.push(STANDARD.decode(challenge).unwrap_or_default());
    }
    if client.finish().is_err() || mechanism != Mechanism::ScramSha256 {
        return;
    }
    // The server has proved that it knows the password.
    let [first, last] = &heard[..] else {
        panic!("two messages");
    };
    let challenge = String::from_utf8(first.clone()).expect("it was read");
    let fields: Vec<&str> = challenge.split(',').collect();
    let field = |at: usize, name: &str| fields[at].strip_prefix(name).expect("it was read");
    let salt = STANDARD.decode(field(1, "s=")).expect("it was read");
    let iterations: u32 = field(2, "i=").parse().expect("it was read");
    assert!((2..=40).contains(&iterations));
    let own = String::from_utf8_lossy(CLIENT_NONCE);
    let nonce = field(0, "r=");
    assert!(nonce.starts_with(&*own) && nonce.len() > own.len());
    let keys = Keys::of(SECRET.as_bytes(), &salt, iterations);
    let message = format!("n={USER},r={own},{challenge},c=biws,r={nonce}");
    let verifier = format!("v={}", STANDARD.encode(keys.verifier(&message)));
    assert_eq!(
        last.split(|&octet| octet == b',').next(),
        Some(verifier.as_bytes())
    );
}

/// Both sides know the secret, and one line is another one: they are content only if nothing hangs on it.
fn altered(mechanism: Mechanism, at: usize, other: Option<&[u8]>) {
    let (whole, lines) = converse(mechanism, None);
    assert!(whole, "{mechanism:?}");
    let Some(other) = other.filter(|_| at < lines.len()) else {
        return;
    };
    let (is_content, altered) = converse(mechanism, Some((at, other)));
    if !is_content {
        return;
    }
    if mechanism == Mechanism::ScramSha256 {
        // The name of the mechanism has no case; an initial response may come a line later.
        let same = altered.len() == lines.len() && altered[at].eq_ignore_ascii_case(&lines[at]);
        let without = at == 0 && other.eq_ignore_ascii_case(mechanism.name().as_bytes());
        return assert!(same || without, "{at} {}", other.escape_ascii());
    }
    // What took the place of a line shows the secret as well.
    let said = altered.iter().step_by(2);
    let words = said.flat_map(|line| line.split(|&octet| octet == b' '));
    let decoded = words.map(|word| STANDARD.decode(word).unwrap_or_default());
    let shows = |text: Vec<u8>| {
        text.windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes())
    };
    assert!(decoded.into_iter().any(shows), "{mechanism:?} {at}");
}

/// Whether both sides are content, and the lines of both, the client first.
fn converse(mechanism: Mechanism, other: Option<(usize, &[u8])>) -> (bool, Vec<Vec<u8>>) {
    let mut buffer = [0; 512];
    let mut server = Server::new(&mut buffer);
    let mut client = client_of(mechanism);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut line = Vec::new();
    client.start(&mut line).expect("it can begin");
    let mut line = line_of(&client, &line)[b"AUTH ".len()..].to_vec();
    loop {
        assert!(lines.len() < 10, "it does not end");
        let is_first = lines.is_empty();
        let on_the_way = |lines: &Vec<Vec<u8>>, line: Vec<u8>| match other {
            Some((at, other)) if at == lines.len() => other.to_vec(),
            _ => line,
        };
        line = on_the_way(&lines, line);
        lines.push(line.clone());
        let challenge = match server.hear(&line, is_first) {
            Ok(challenge) => challenge,
            Err(end) => return (end.is_ok() && client.finish().is_ok(), lines),
        };
        let challenge = on_the_way(&lines, challenge);
        lines.push(challenge.clone());
        let mut answer = Vec::new();
        if client.respond(&challenge, &mut answer).is_err() {
            return (false, lines);
        }
        line = line_of(&client, &answer);
    }
}

/// RFC 5802 3 word by word.
struct Keys {
    client: Vec<u8>,
    stored: Vec<u8>,
    server: Vec<u8>,
}

impl Keys {
    fn of(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let mut block = hmac(password, &[salt, b"\0\0\0\x01"].concat());
        let mut salted = block.clone();
        for _ in 1..iterations {
            block = hmac(password, &block);
            salted = xor(&salted, &block);
        }
        let client = hmac(&salted, b"Client Key");
        Self {
            stored: hash(&client),
            client,
            server: hmac(&salted, b"Server Key"),
        }
    }

    fn proof(&self, message: &str) -> Vec<u8> {
        xor(&self.client, &hmac(&self.stored, message.as_bytes()))
    }

    fn verifier(&self, message: &str) -> Vec<u8> {
        hmac(&self.server, message.as_bytes())
    }
}

fn hash(octets: &[u8]) -> Vec<u8> {
    let mut state = SHA256.start();
    SHA256.update(&mut state, octets);
    SHA256.finish(state).as_bytes().to_vec()
}

/// RFC 2104 2, for keys that fit a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = key.to_vec();
    block.resize(64, 0);
    let inner = hash(&[&xor(&block, &[0x36; 64]), message].concat());
    hash(&[xor(&block, &[0x5c; 64]), inner].concat())
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one ^ other)
        .collect()
}
