use super::*;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

struct World(PathBuf);

impl World {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("scop-submit-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    /// The envelope and the octets in the spool, or why it was refused, without the folder's name.
    fn put(
        &self,
        message: &[u8],
        from: Option<&str>,
        to: &[&str],
    ) -> Result<(Envelope, Vec<u8>), String> {
        self.put_asking(message, from, to, false)
    }

    fn put_asking(
        &self,
        message: &[u8],
        from: Option<&str>,
        to: &[&str],
        require_tls: bool,
    ) -> Result<(Envelope, Vec<u8>), String> {
        let file = self.0.join("m.eml");
        fs::write(&file, message).unwrap();
        let config = format!(
            "name = \"mx.example.org\"\nspool = {:?}\nstate = {:?}\n",
            self.0.join("spool"),
            self.0.join("state")
        );
        let config: Config = toml::from_str(&config).unwrap();
        let arguments = Send {
            config: PathBuf::new(),
            check_config: false,
            no_sandbox: false,
            file: Some(file.clone()),
            from: from.map(ToOwned::to_owned),
            to: to.iter().map(|&to| to.to_owned()).collect(),
            require_tls,
        };
        let id = run(&config, &arguments, &file).map_err(|error| {
            let folder = format!("{}/", self.0.display());
            error.to_string().replace(&folder, "")
        })?;
        let spool = Spool::open(&config.spool).unwrap();
        assert_eq!(spool.scan().unwrap(), std::slice::from_ref(&id));
        let mut entry = spool.read(&id).unwrap();
        let mut octets = Vec::new();
        entry.file.read_to_end(&mut octets).unwrap();
        spool.remove(&id).unwrap();
        Ok((entry.envelope, octets))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const FROM: Option<&str> = Some("joe@example.org");
const TO: &[&str] = &["ann@example.net"];

#[test]
fn lines_end_as_they_travel() {
    let world = World::new();
    for (given, put) in [
        (&b"From: a\n\nHi\n"[..], &b"From: a\r\n\r\nHi\r\n"[..]),
        (b"From: a\r\n\r\nHi\r\n", b"From: a\r\n\r\nHi\r\n"),
        (
            b"From: a\n\nHi\r\nthere\n",
            b"From: a\r\n\r\nHi\r\nthere\r\n",
        ),
        (b"From: a\n\nno end", b"From: a\r\n\r\nno end\r\n"),
        (b"From: a\n", b"From: a\r\n"),
    ] {
        assert_eq!(world.put(given, FROM, TO).unwrap().1, put);
    }
    // Over many blocks, with a line end on the edge of each.
    let long = [
        &b"From: a\n\n"[..],
        &b"12345678901234567890123456789\n".repeat(10_000),
    ]
    .concat();
    let put = world.put(&long, FROM, TO).unwrap().1;
    assert_eq!(put.len(), long.len() + 10_002);
    assert_eq!(
        put,
        String::from_utf8(long)
            .unwrap()
            .replace('\n', "\r\n")
            .into_bytes()
    );
}

#[test]
fn what_does_not_travel_is_refused_at_its_byte() {
    let world = World::new();
    for (message, error) in [
        (&b""[..], "m.eml: there is no header field"),
        (b"\nHi\n", "m.eml: there is no header field"),
        (
            b"From joe Thu Nov 24 2026\nFrom: a\n\nHi\n",
            "m.eml: byte 0: the first line is no header field (RFC 5322 2.2)",
        ),
        (
            b"From: a\r\n\r\nHi\nthere\r\n",
            "m.eml: byte 13: a bare CR or LF, which no server takes (RFC 5321 2.3.8)",
        ),
        (
            b"From: a\r\n\r\nHi\rthere\r\n",
            "m.eml: byte 13: a bare CR or LF, which no server takes (RFC 5321 2.3.8)",
        ),
    ] {
        assert_eq!(world.put(message, FROM, TO).unwrap_err(), error);
    }
    let spool = Spool::open(&world.0.join("spool")).unwrap();
    assert!(spool.scan().unwrap().is_empty());
}

#[test]
fn addresses_are_those_of_smtp() {
    let world = World::new();
    let message = b"From: a\n\nHi\n";
    let (envelope, _) = world
        .put(
            message,
            Some("<>"),
            &["<ann@example.net>", "\"b c\"@[192.0.2.1]", "Postmaster"],
        )
        .unwrap();
    assert_eq!(
        (envelope.from.as_str(), envelope.parameters.as_str()),
        ("<>", "")
    );
    let to: Vec<_> = envelope.to.iter().map(|to| to.path.as_str()).collect();
    assert_eq!(
        to,
        ["<ann@example.net>", "<\"b c\"@[192.0.2.1]>", "<Postmaster>"]
    );
    for (from, to, error) in [
        (
            None,
            TO,
            "--from: who is told when the message cannot be delivered? An address, or <> for nobody",
        ),
        (
            Some("joe"),
            TO,
            "--from joe: byte 3: a mailbox has an \"@\" (RFC 5321 4.1.2)",
        ),
        (
            FROM,
            &["ann@exa_mple.net"][..],
            "--to ann@exa_mple.net: byte 7: text stands behind the address",
        ),
        (
            FROM,
            &["ann@example.net", "<>"],
            "--to <>: byte 1: a local part is atoms",
        ),
        (
            FROM,
            &["ann@example.net>\r\nRCPT TO:<bob@example.net"],
            "--to",
        ),
    ] {
        let refused = world.put(message, from, to).unwrap_err();
        assert!(refused.starts_with(error), "{refused}");
    }
}

#[test]
fn parameters_are_those_that_the_message_needs() {
    let world = World::new();
    for (message, to, parameters) in [
        ("From: a\n\nHi\n", "ann@example.net", ""),
        ("From: a\n\nCaf\u{e9}\n", "ann@example.net", "BODY=8BITMIME"),
        (
            "From: a\nSubject: Caf\u{e9}\n\nHi\n",
            "ann@example.net",
            "BODY=8BITMIME SMTPUTF8",
        ),
        (
            "From: a\n\nHi\n",
            "\u{e9}nn@example.net",
            "BODY=8BITMIME SMTPUTF8",
        ),
    ] {
        let (envelope, _) = world.put(message.as_bytes(), FROM, &[to]).unwrap();
        assert_eq!(envelope.parameters, parameters, "{message}");
    }
}

#[test]
fn tls_is_asked_for() {
    let world = World::new();
    for (message, parameters) in [
        (&b"From: a\n\nHi\n"[..], "REQUIRETLS"),
        ("From: a\n\n\u{fc}\n".as_bytes(), "BODY=8BITMIME REQUIRETLS"),
    ] {
        let (envelope, _) = world.put_asking(message, FROM, TO, true).unwrap();
        assert_eq!(envelope.parameters, parameters);
    }
}
