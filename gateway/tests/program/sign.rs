//! `scop keygen` and `scop sign`, and that `scop check` believes what they make.

use std::path::Path;

use crate::run::{Run, command, folder, scop, scop_with};

const MESSAGE: &str = "From: Robin <robin@example.org>\nTo: Kim <kim@example.net>\nSubject: The ladder\n\
    \t is behind the shed\n\nHello  Kim, \n\n caf\u{e9}\t\n\n\n";

fn keygen(folder: &Path, selector: &str, algorithm: &str) -> Run {
    let out = folder.join(selector);
    let run = scop(&[
        "keygen",
        "--algorithm",
        algorithm,
        "--selector",
        selector,
        "--domain",
        "example.org",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

fn sign(folder: &Path, selector: &str, more: &[&str], input: &[u8]) -> Run {
    let key = folder.join(selector);
    let arguments = [
        "sign",
        "--domain",
        "example.org",
        "--selector",
        selector,
        "--key",
        key.to_str().unwrap(),
    ];
    scop_with(&[&arguments[..], more].concat(), input)
}

/// A zone with everything but the keys.
fn world(folder: &Path, records: &str) -> String {
    let zone = folder.join("world.zone");
    let text = format!(
        ". 60 IN SOA . . 1 2 3 4 5\n_dmarc.example.org. 60 IN TXT \"v=DMARC1; p=reject\"\n{records}"
    );
    std::fs::write(&zone, text).unwrap();
    zone.to_str().unwrap().to_owned()
}

#[test]
fn a_round_trip_for_every_key_and_form() {
    let folder = folder("round-trip");
    for (selector, algorithm) in [("ed", "ed25519"), ("rsa", "rsa2048")] {
        let zone = world(&folder, keygen(&folder, selector, algorithm).text());
        for canon in [
            "relaxed/relaxed",
            "relaxed/simple",
            "simple/relaxed",
            "simple/simple",
            "simple",
        ] {
            for message in [MESSAGE.to_owned(), MESSAGE.replace('\n', "\r\n")] {
                let run = sign(&folder, selector, &["--canon", canon], message.as_bytes());
                assert_eq!(run.code, 0, "{}", run.err);
                assert!(
                    run.out.ends_with(message.as_bytes()),
                    "the message itself is as it was"
                );
                let field = run.text().strip_suffix(&message).unwrap();
                assert!(field.starts_with("DKIM-Signature: "));
                let line_end = if message.contains("\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                assert!(
                    field
                        .split_inclusive(line_end)
                        .all(|line| line.ends_with(line_end))
                );
                assert_eq!(
                    field.matches('\r').count(),
                    message.matches("\r\n").count().min(1) * field.matches('\n').count()
                );
                assert_eq!(
                    run.err.contains("signed as CRLF"),
                    !message.contains('\r'),
                    "{}",
                    run.err
                );

                let check = scop_with(&["check", "--zone", &zone], &run.out);
                assert_eq!(check.code, 0, "{algorithm} {canon}: {}", check.text());
                for (from, to) in [("Kim, ", "Tim, "), ("behind", "before"), ("Robin", "Robyn")] {
                    let changed = run.text().replacen(from, to, 1);
                    assert_eq!(
                        scop_with(&["check", "--zone", &zone], changed.as_bytes()).code,
                        1
                    );
                }
            }
        }
    }
}

/// DMARC does not count a signature by a test key, so it must not be a reason for the author either.
#[test]
fn a_test_key_speaks_for_nobody() {
    let folder = folder("test-key");
    let record = keygen(&folder, "ed", "ed25519").text().to_owned();
    let signed = sign(&folder, "ed", &[], MESSAGE.as_bytes());
    assert_eq!(signed.code, 0, "{}", signed.err);
    let zone = world(&folder, &record);
    let trusted = scop_with(&["check", "--zone", &zone], &signed.out);
    assert_eq!(trusted.code, 0, "{}", trusted.text());
    assert!(
        trusted
            .text()
            .contains("\n  + example.org signed it (DKIM, key ed)")
    );

    let zone = world(&folder, &record.replace("v=DKIM1; ", "v=DKIM1; t=y; "));
    let words =
        "example.org signed it (DKIM, key ed), but that is a test key (t=y), which does not count";
    let text = scop_with(&["check", "--zone", &zone], &signed.out);
    assert_eq!(text.code, 1, "{}", text.text());
    assert!(
        text.text().contains(&format!("\n  ? {words}")),
        "{}",
        text.text()
    );
    assert!(!text.text().contains("\n  + "), "{}", text.text());

    let json = scop_with(&["check", "--zone", &zone, "--json"], &signed.out);
    assert_eq!(json.code, 1);
    let document: serde_json::Value = serde_json::from_slice(&json.out).unwrap();
    assert_eq!(document["dkim"][0]["result"], "pass");
    assert_eq!(document["dkim"][0]["testing"], true);
    let because = document["verdict"]["because"].as_array().unwrap();
    assert!(because.iter().all(|reason| reason["speaks"] != "for"));
    assert_eq!(because[0]["speaks"], "neither");
    assert!(because[0]["text"].as_str().unwrap().starts_with(words));
}

#[test]
fn a_file_and_standard_input_are_signed_alike() {
    let folder = folder("alike");
    keygen(&folder, "ed", "ed25519");
    // Longer than what is held in memory.
    let message = format!("{MESSAGE}{}", "and so on\n".repeat(300_000));
    let path = folder.join("message.eml");
    std::fs::write(&path, &message).unwrap();
    let at = ["--at", "2026-01-01T00:00:00Z"];
    let streamed = sign(&folder, "ed", &at, message.as_bytes());
    let read = sign(
        &folder,
        "ed",
        &[&at[..], &[path.to_str().unwrap()]].concat(),
        b"",
    );
    assert_eq!(
        (streamed.code, read.code),
        (0, 0),
        "{}{}",
        streamed.err,
        read.err
    );
    assert!(streamed.out == read.out && streamed.out.ends_with(message.as_bytes()));
}

#[cfg(unix)]
#[test]
fn a_key_file_is_its_owners_and_is_never_overwritten() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let folder = folder("owner");
    keygen(&folder, "ed", "ed25519");
    let path = folder.join("ed");
    let key = std::fs::read(&path).unwrap();
    assert!(key.starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);

    let again = scop(&[
        "keygen",
        "--algorithm",
        "ed25519",
        "--selector",
        "ed",
        "--domain",
        "example.org",
        "--out",
        path.to_str().unwrap(),
    ]);
    assert_eq!(again.code, 2);
    assert!(
        again
            .err
            .contains("is there already; a key is never written over a file"),
        "{}",
        again.err
    );
    assert_eq!(again.text(), "");
    assert_eq!(std::fs::read(&path).unwrap(), key);

    let quiet = sign(&folder, "ed", &[], MESSAGE.as_bytes());
    assert!(!quiet.err.contains("warning"), "{}", quiet.err);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warned = sign(&folder, "ed", &[], MESSAGE.as_bytes());
    assert_eq!(warned.code, 0);
    assert!(
        warned
            .err
            .contains("mode 0644 opens the private key to others"),
        "{}",
        warned.err
    );
}

#[test]
fn keygen_writes_a_record_that_a_zone_file_takes() {
    let folder = folder("record");
    let run = keygen(&folder, "2026.rsa", "rsa2048");
    assert!(
        run.text()
            .starts_with("2026.rsa._domainkey.example.org. 3600 IN TXT (\n  \"v=DKIM1; k=rsa; p=")
    );
    assert!(
        run.text()
            .split('"')
            .skip(1)
            .step_by(2)
            .all(|string| string.len() <= 255)
    );
    let short = keygen(&folder, "ed", "ed25519");
    assert_eq!(short.text().lines().count(), 1);
    // Without --out the file is named after the key, in the current folder.
    let output = command(&[
        "keygen",
        "--algorithm",
        "ed25519",
        "--selector",
        "s",
        "--domain",
        "example.org",
    ])
    .current_dir(&folder)
    .output()
    .unwrap();
    assert!(output.status.success() && folder.join("s.example.org.pem").exists());
}

/// A key is made for names that `sign` takes, and for no others.
#[test]
fn keygen_and_sign_take_the_same_names() {
    let folder = folder("names");
    std::fs::write(folder.join("message"), MESSAGE).unwrap();
    // A value that begins with a hyphen is taken only behind a sign of equality.
    let run = |arguments: &[&str], selector: &str, domain: &str| {
        let names = [
            format!("--selector={selector}"),
            format!("--domain={domain}"),
        ];
        let names = [names[0].as_str(), names[1].as_str()];
        let output = command(&[arguments, &names].concat())
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let keygen = ["keygen", "--algorithm", "ed25519"];
    let sign = ["sign", "--key", "s.example.org.pem", "message"];
    // The dot of the root is no part of the name.
    assert_eq!(run(&keygen, "s", "example.org.").0, 0);
    assert!(folder.join("s.example.org.pem").exists());
    assert_eq!(run(&sign, "s", "example.org.").0, 0);
    assert_eq!(run(&sign, "s", "example.org").0, 0);
    for (selector, domain, words) in [
        ("s", ".", "--domain: "),
        ("s", "example", "--domain: "),
        ("s", "example.org..", "--domain: "),
        ("s", "-a.example", "--domain: "),
        ("s", "a_b.example", "--domain: "),
        ("s.", "example.org", "--selector: "),
        ("-s", "example.org", "--selector: "),
        ("s-", "example.org", "--selector: "),
    ] {
        let made = run(&keygen, selector, domain);
        assert_eq!(made.0, 2, "{selector} {domain}");
        assert!(made.1.starts_with(&format!("scop: {words}")), "{}", made.1);
        assert_eq!(made, run(&sign, selector, domain));
    }
    // The key, the message, and nothing else.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let folder = folder("refused");
    keygen(&folder, "ed", "ed25519");
    std::fs::write(folder.join("text"), "this is no key").unwrap();
    for (selector, more, input, words) in [
        ("text", &[][..], MESSAGE, "text: byte 0: neither PEM"),
        ("none", &[], MESSAGE, "none: no such file"),
        (
            "ed",
            &["--canon", "tight"],
            MESSAGE,
            "--canon: relaxed or simple is needed",
        ),
        (
            "ed",
            &[],
            "To: x@example.net\n\nbody\n",
            "standard input: the message has no From",
        ),
        (
            "ed",
            &[],
            "From: a@example.org\nFrom: b@example.org\n\nbody\n",
            "standard input: the message has several From",
        ),
        (
            "ed",
            &[],
            "From: a@example.org\r\n\r\na\nb\r\n",
            "standard input: byte 24: a line does not end with CRLF",
        ),
        (
            "ed",
            &[],
            "From: a@example.org\n\na\rb\n",
            "standard input: byte 22: a line does not end with CRLF",
        ),
        // The end of the file comes too soon.
        (
            "ed",
            &[],
            "From: a@example.org",
            "standard input: byte 19: a line does not end with CRLF",
        ),
        (
            "ed",
            &["--at", "18446744073709551615"],
            MESSAGE,
            "--at: t= and x= are not in order, or too large",
        ),
        ("ed", &[], "", "standard input: is empty"),
        (
            "ed",
            &[],
            "From a@b.example Sun Nov  2 06:00:00 2025\nFrom: a@b.example\n\n",
            "byte 0: this line separates",
        ),
        ("ed", &["."], MESSAGE, ".: is a folder, not a file"),
    ] {
        let run = sign(&folder, selector, more, input.as_bytes());
        assert_eq!(run.code, 2, "{words}: {}", run.err);
        assert!(run.err.contains(words), "{words}: {}", run.err);
        assert_eq!(run.text(), "", "nothing is written before all is known");
    }
    let key = folder.join("ed");
    let arguments = ["sign", "--domain", "example", "--selector", "s", "--key"];
    let bad = scop_with(
        &[&arguments[..], &[key.to_str().unwrap()]].concat(),
        MESSAGE.as_bytes(),
    );
    assert_eq!(bad.code, 2);
    let words = "scop: --domain: the domain is not a domain name";
    assert!(bad.err.starts_with(words), "{}", bad.err);
    let bad = scop(&[
        "keygen",
        "--algorithm",
        "ed25519",
        "--selector",
        "a b",
        "--domain",
        "example.org",
    ]);
    assert_eq!(bad.code, 2);
    assert!(
        bad.err.contains("--selector: byte 1: letters"),
        "{}",
        bad.err
    );
}

/// Standard error may be a full disk or a closed pipe: the key is made and its record printed all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_standard_error_that_takes_nothing_stops_nothing() {
    let folder = folder("speechless");
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let key = folder.join("key");
    let key = key.to_str().unwrap();
    let mut keygen = command(&[
        "keygen",
        "--algorithm",
        "ed25519",
        "--selector",
        "s",
        "--domain",
        "example.org",
        "--out",
        key,
    ]);
    let output = keygen.stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"s._domainkey.example.org."));
    // The second time the file is there already.
    let output = keygen.stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// A message without its end is not what was asked for, however short it is.
#[test]
fn an_output_that_is_closed_early_is_an_error() {
    let folder = folder("closed");
    keygen(&folder, "ed", "ed25519");
    let key = folder.join("ed");
    let long = "x\n".repeat(1 << 20);
    for body in ["x\n", &long] {
        let message = folder.join("message");
        std::fs::write(&message, format!("From: a@example.org\n\n{body}")).unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(&[
            "sign",
            "--domain",
            "example.org",
            "--selector",
            "s",
            "--key",
            key.to_str().unwrap(),
            message.to_str().unwrap(),
        ])
        .stdout(writer)
        .output()
        .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains("standard output: broken pipe"), "{err}");
    }
}

#[test]
fn keys_of_other_programs_are_read() {
    let folder = folder("foreign");
    // RFC 8463 A.2: the seed, and the public key that belongs to it.
    std::fs::write(
        folder.join("seed"),
        "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n",
    )
    .unwrap();
    let record = "seed._domainkey.example.org. TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n";
    let zone = world(&folder, record);
    let signed = sign(&folder, "seed", &[], MESSAGE.as_bytes());
    assert_eq!(
        scop_with(&["check", "--zone", &zone], &signed.out).code,
        0,
        "{}",
        signed.err
    );

    let openssl = |arguments: &[&str]| {
        let run = std::process::Command::new("openssl")
            .args(arguments)
            .current_dir(&folder)
            .output();
        run.ok()
            .filter(|run| run.status.success())
            .map(|run| run.stdout)
    };
    let Some(_) = openssl(&["genrsa", "-traditional", "-out", "rsa", "2048"]) else {
        eprintln!(
            "skipped: no openssl here to make PKCS#1 and PKCS#8 keys; Debian's package openssl has it"
        );
        return;
    };
    assert!(
        std::fs::read(folder.join("rsa"))
            .unwrap()
            .starts_with(b"-----BEGIN RSA PRIVATE KEY-----")
    );
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "ed"]).unwrap();
    let mut records = Vec::new();
    for (selector, kind, skip) in [("rsa", "rsa", 0), ("ed", "ed25519", 12)] {
        // SubjectPublicKeyInfo in DER; an Ed25519 record has only its last 32 octets (RFC 8463 4).
        let der = openssl(&["pkey", "-in", selector, "-pubout", "-outform", "DER"]).unwrap();
        let key = base64(der.get(skip..).unwrap());
        let strings: Vec<&str> = key
            .as_bytes()
            .chunks(200)
            .map(|part| str::from_utf8(part).unwrap())
            .collect();
        let strings = strings.join("\" \"");
        records.push(format!(
            "{selector}._domainkey.example.org. TXT \"v=DKIM1; k={kind}; p=\" \"{strings}\"\n"
        ));
    }
    let zone = world(&folder, &records.concat());
    for selector in ["rsa", "ed"] {
        let signed = sign(&folder, selector, &[], MESSAGE.as_bytes());
        let check = scop_with(&["check", "--zone", &zone], &signed.out);
        assert_eq!(check.code, 0, "{selector}: {}{}", signed.err, check.text());
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
