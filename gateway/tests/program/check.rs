//! `scop check` as its users meet it.

use std::time::{Duration, Instant};

use crate::run::{Run, folder, root, scop, scop_with};
use serde_json::Value;

/// Checks a sample in the world of `samples/example.zone`.
fn sample(name: &str, more: &[&str]) -> Run {
    let file = format!("samples/{name}");
    scop(
        &[
            &[
                "check",
                &file,
                "--zone",
                "samples/example.zone",
                "--authserv-id",
                "mx.example.net",
            ],
            more,
        ]
        .concat(),
    )
}

const FROM_GARDENS: [&str; 6] = [
    "--ip",
    "192.0.2.25",
    "--helo",
    "mx.example.org",
    "--mail-from",
    "news@example.org",
];

#[test]
fn every_sample_has_its_answer() {
    for (name, connection, code, words) in [
        (
            "newsletter.eml",
            &FROM_GARDENS[..],
            0,
            "PASS  This message is from example.org.",
        ),
        (
            "newsletter.eml",
            &[],
            0,
            "PASS  This message is from example.org.",
        ),
        (
            "forged.eml",
            &[
                "--ip",
                "203.0.113.66",
                "--helo",
                "out.example.net",
                "--mail-from",
                "x@example.net",
            ],
            1,
            "FAIL  This message says it is from example.org, and nothing proves it.",
        ),
        (
            "two-from.eml",
            &FROM_GARDENS,
            1,
            "FAIL  This message has 2 From fields (lines 1, 20)",
        ),
        (
            "unsigned.eml",
            &FROM_GARDENS,
            0,
            "+ example.org lets 192.0.2.25 send its mail (SPF)",
        ),
        (
            "unsigned.eml",
            &["--ip", "198.51.100.7", "--mail-from", "news@example.org"],
            1,
            "- example.org does not let 198.51.100.7 send its mail (SPF)",
        ),
        (
            "unsigned.eml",
            &[],
            1,
            "- example.org asks to reject such mail (DMARC)",
        ),
        (
            "changed.eml",
            &[],
            1,
            "the body was changed after it was signed",
        ),
        ("no-policy.eml", &[], 0, "? example.com has no DMARC record"),
    ] {
        let run = sample(name, connection);
        assert_eq!(
            run.code,
            code,
            "{name} {connection:?}: {}{}",
            run.text(),
            run.err
        );
        assert!(
            run.text().contains(words),
            "{name} {connection:?}: {}",
            run.text()
        );
        assert_eq!(run.err, "");
    }
}

#[test]
fn the_command_of_the_readme() {
    let line = "check samples/newsletter.eml --zone samples/example.zone --ip 192.0.2.25 --helo mx.example.org --mail-from news@example.org";
    let run = scop(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.text().contains("dmarc   pass"), "{}", run.text());
    assert!(
        run.text().contains("\nAuthentication-Results: "),
        "{}",
        run.text()
    );
    assert!(!run.text().contains('\x1b'), "no colour in a pipe");
}

#[test]
fn json_is_the_document_that_the_readme_describes() {
    let golden = root().join("gateway/tests/program/golden/newsletter.json");
    let run = sample(
        "newsletter.eml",
        &[
            &FROM_GARDENS[..],
            &["--json", "--at", "2026-01-01T00:00:00Z"],
        ]
        .concat(),
    );
    assert_eq!(run.code, 0);
    // New keys make a new document: then run once with this variable, and look at the difference.
    if std::env::var_os("SCOP_BLESS").is_some_and(|value| !value.is_empty()) {
        std::fs::write(&golden, &run.out).unwrap();
    }
    let expected = std::fs::read(&golden).unwrap();
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    assert_eq!(parse(&run.out), parse(&expected));
    assert_eq!(run.text(), String::from_utf8(expected).unwrap());

    let document = parse(&run.out);
    assert_eq!(document["format"], "scop-check");
    assert_eq!(document["version"], 1);
    assert_eq!(document["verdict"]["exit_code"], 0);
    for (path, text) in [
        ("/verdict/outcome", "pass"),
        (
            "/dkim/0/body/hash",
            document["dkim"][0]["body"]["signed_hash"].as_str().unwrap(),
        ),
        ("/dmarc/author_domain", "example.org"),
        ("/spf/0/identity", "mailfrom"),
    ] {
        assert_eq!(document.pointer(path).unwrap(), text, "{path}");
    }
    // The same with all steps asked for: one document, one form.
    let explained = sample(
        "newsletter.eml",
        &[
            &FROM_GARDENS[..],
            &["--json", "--explain", "--at", "1767225600"],
        ]
        .concat(),
    );
    assert_eq!(explained.out, run.out);
}

#[test]
fn explain_names_bytes_names_and_answers() {
    let run = sample(
        "newsletter.eml",
        &[&FROM_GARDENS[..], &["--explain"]].concat(),
    );
    assert_eq!(run.code, 0);
    let text = run.text();
    let message = std::fs::read(root().join("samples/newsletter.eml")).unwrap();
    let from = message
        .windows(7)
        .position(|window| window == b"\nFrom: ")
        .unwrap()
        + 1;
    for words in [
        "header: 13 fields in ",
        &format!("byte {from}: From: Example Gardens"),
        "d=example.org, s=ed2025, a=ed25519-sha256, c=relaxed/relaxed",
        "Reply-To                   there is none, and none may be added",
        "asked: rsa2025._domainkey.example.org. TXT\n    v=DKIM1; k=rsa; p=",
        "asked: example.org. MX\n    10 mx.example.org.",
        "asked: _dmarc.example.org. TXT\n    v=DMARC1; p=reject",
        "policy of example.org: reject (by tag p)",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let hashes: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("its SHA-256 is") || line.contains("bh= says"))
        .filter_map(|line| line.split_whitespace().next_back())
        .collect();
    assert_eq!(hashes.len(), 4);
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

#[test]
fn standard_input_and_either_line_end_give_one_answer() {
    let lf = std::fs::read(root().join("samples/newsletter.eml")).unwrap();
    let crlf = String::from_utf8(lf.clone())
        .unwrap()
        .replace('\n', "\r\n")
        .into_bytes();
    let first_crlf = String::from_utf8(lf.clone())
        .unwrap()
        .replacen('\n', "\r\n", 1)
        .into_bytes();
    let arguments = ["check", "-", "--zone", "samples/example.zone"];
    for (input, code, said) in [
        (
            &lf,
            0,
            "standard input, 2108 bytes; line ends were LF; checked as CRLF",
        ),
        (&crlf, 0, "line ends were CRLF\n"),
        // A bare LF in a message with CRLF is a byte of the message, and was not signed.
        (&first_crlf, 1, "bare LF (the first at byte "),
    ] {
        let run = scop_with(&arguments, input);
        assert_eq!(run.code, code, "{}{}", run.text(), run.err);
        assert!(run.text().contains(said), "{}", run.text());
    }
    // The line of an mbox file before it is no part of the message.
    let run = scop_with(
        &arguments,
        &[b"From a@b.example Sun Nov  2 06:00:00 2025\n", &lf[..]].concat(),
    );
    assert_eq!(run.code, 0, "{}", run.text());
    assert!(
        run.text()
            .contains("note: the first line separates messages in an mbox file")
    );
    // Without an argument it is standard input too.
    assert_eq!(
        scop_with(&["check", "--zone", "samples/example.zone"], &lf).code,
        0
    );
}

#[test]
fn what_cannot_be_read_is_said_in_one_line() {
    let folder = folder("unreadable");
    let place = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    std::fs::write(place("empty"), b"").unwrap();
    std::fs::write(
        place("junk"),
        [0x7f, b'E', b'L', b'F', 0, 0xff, b'\n', 0xfe].repeat(9000),
    )
    .unwrap();
    std::fs::write(place("body"), b"\nno header\n").unwrap();
    std::fs::write(place("long"), b"X-Long: yes\n".repeat(10_000_000 / 12)).unwrap();
    for (file, words) in [
        (
            place("empty"),
            "empty: is empty: a message starts with a header field (RFC 5322 3.5)",
        ),
        (place("junk"), "junk: byte 0: no header field"),
        (place("body"), "body: byte 0: no header field"),
        (
            place("long"),
            "long: byte 1048576: the header goes on after 1048576 bytes, the limit",
        ),
        (place("absent"), "absent: no such file or directory"),
        (place(""), "unreadable/: is a folder, not a file"),
    ] {
        let run = scop(&["check", &file, "--zone", "samples/example.zone"]);
        assert_eq!(run.code, 2, "{file}: {}", run.err);
        assert!(
            run.err.starts_with("scop: ") && run.err.contains(words),
            "{}",
            run.err
        );
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
        assert_eq!(run.text(), "");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    for (arguments, words) in [
        (&["check", "--ip", "mx.example.org"][..], "--ip"),
        (
            &["check", "--at", "yesterday"],
            "a time since 1970 is needed",
        ),
        (
            &["check", "--dns", "dns.example"],
            "an IP address is needed",
        ),
        (
            &["check", "samples/newsletter.eml", "--zone", "no.zone"],
            "no.zone: no such file",
        ),
        (
            &[
                "check",
                "samples/newsletter.eml",
                "--zone",
                "samples/newsletter.eml",
            ],
            "samples/newsletter.eml:1: ",
        ),
        (
            &["check", "no.eml", "--authserv-id", "a\nb"],
            "--authserv-id: a value holds a control character (RFC 5322 3.2.4)",
        ),
        (&["judge"], "unrecognized subcommand"),
        (&[], "Usage: scop"),
    ] {
        let run = scop(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
    }
    assert_eq!(scop(&["check", "--help"]).code, 0);
}

/// A name that the field cannot hold is refused before anything is read, and never cuts the field.
#[test]
fn a_name_of_the_checker_that_no_field_holds_is_refused() {
    let control = "--authserv-id: a value holds a control character (RFC 5322 3.2.4)";
    let long = "--authserv-id: a header line cannot be folded within 998 octets (RFC 5322 2.1.1)";
    for (name, words) in [
        ("", "--authserv-id: is empty"),
        ("a\tb", control),
        ("a\x1b[2Jb", control),
        ("a\u{85}b", control),
        ("a\u{2028}b", control),
        (&"a".repeat(5000), long),
        // Each of these takes two octets.
        (&"\"".repeat(500), long),
    ] {
        let run = scop(&["check", "no.eml", "--authserv-id", name]);
        assert_eq!((run.code, run.text()), (2, ""), "{name:?}");
        assert_eq!(run.err, format!("scop: {words}\n"), "{name:?}");
    }
    // What is not refused is written whole, with the last result behind it.
    for name in ["a".repeat(900), "a ".repeat(900), "\"".repeat(400)] {
        let zone = [
            "check",
            "samples/newsletter.eml",
            "--zone",
            "samples/example.zone",
        ];
        let run = scop(&[&zone[..], &["--authserv-id", &name]].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(
            run.text()
                .contains("dmarc=pass header.from=example.org policy.dmarc=reject\n")
        );
    }
}

#[test]
fn zone_errors_name_the_line() {
    let path = folder("zones").join("broken.zone");
    std::fs::write(
        &path,
        "$ORIGIN example.org.\n$TTL 60\n@ IN TXT \"fine\"\n@ IN A 192.0.2.300\n",
    )
    .unwrap();
    let run = scop(&[
        "check",
        "samples/newsletter.eml",
        "--zone",
        path.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 2);
    let expected = format!("scop: {}:4: expected IPv4 address\n", path.display());
    assert_eq!(run.err, expected);

    std::fs::write(&path, "a.example. IN \x1b[31m 192.0.2.3\n").unwrap();
    let run = scop(&[
        "check",
        "samples/newsletter.eml",
        "--zone",
        path.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("broken.zone:1: ") && !run.err.contains('\x1b'),
        "{}",
        run.err
    );
}

#[test]
fn a_name_that_no_zone_answers_for_is_a_temporary_failure() {
    let path = folder("outside").join("little.zone");
    std::fs::write(
        &path,
        "_dmarc.example.org. 60 IN TXT \"v=DMARC1; p=reject\"\n",
    )
    .unwrap();
    let run = scop(&[
        "check",
        "samples/newsletter.eml",
        "--zone",
        path.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 75, "{}", run.text());
    assert!(
        run.text()
            .starts_with("LATER  Whether this message is from example.org is not known now")
    );
    let run = scop(&[
        "check",
        "samples/newsletter.eml",
        "--json",
        "--zone",
        path.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 75);
    assert!(
        run.text()
            .contains("no zone file answers for ed2025._domainkey.example.org.")
    );
}

/// What failed for now could only have spoken for another domain, so a later try cannot pass either: whoever
/// runs a broken name server must not turn a failure into "try again".
#[test]
fn a_failed_lookup_for_another_domain_is_not_temporary() {
    let path = folder("elsewhere").join("zone");
    std::fs::write(
        &path,
        "example. 60 IN SOA . . 1 2 3 4 5\nelsewhere.example. 60 IN NS ns.elsewhere.example.\n",
    )
    .unwrap();
    let signed = |domain: &str| {
        format!(
            "DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=s; h=from; b=AAAA;\n \
             bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nFrom: a@author.example\n\n"
        )
    };
    let check = |domain: &str, more: &[&str]| {
        let arguments = [&["check", "--zone", path.to_str().unwrap()], more].concat();
        scop_with(&arguments, signed(domain).as_bytes()).code
    };
    let from = |address| ["--ip", "192.0.2.1", "--mail-from", address];
    assert_eq!(check("elsewhere.example", &[]), 1);
    assert_eq!(check("author.example", &from("x@elsewhere.example")), 1);
    // Of the author itself nothing is known, neither its key nor its record.
    std::fs::write(
        &path,
        "_dmarc.author.example. 60 IN TXT \"\"\n_dmarc.example. 60 IN TXT \"\"\n",
    )
    .unwrap();
    assert_eq!(check("author.example", &[]), 75);
    assert_eq!(check("elsewhere.example", &from("x@author.example")), 75);
}

/// Some programs show the first of these as the author (RFC 5322 4.5); it is no line of an mbox file.
#[test]
fn a_from_field_with_a_space_is_not_passed_over() {
    let newsletter = std::fs::read(root().join("samples/newsletter.eml")).unwrap();
    let hidden = [b"From : Your Bank <ceo@bank.example>\n", &newsletter[..]].concat();
    let run = scop_with(&["check", "--zone", "samples/example.zone"], &hidden);
    assert_eq!(run.code, 1, "{}", run.text());
    assert!(
        run.text().contains("This message has 2 From fields") && !run.text().contains("mbox"),
        "{}",
        run.text()
    );
}

/// A client chooses its name; it must not be taken for an option.
#[test]
fn a_helo_name_may_look_like_an_option() {
    let run = sample(
        "newsletter.eml",
        &["--ip", "192.0.2.25", "--helo", "--explain.example.org"],
    );
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.text().contains("helo --explain.example.org"));
}

#[test]
fn what_is_missing_for_spf_is_said() {
    for (connection, note) in [
        (&[][..], "note: SPF was not checked: --ip is missing"),
        (
            &["--helo", "mx.example.org"],
            "note: SPF was not checked: --ip is missing",
        ),
        (
            &["--ip", "192.0.2.25"],
            "note: SPF was not checked: --mail-from is missing or empty, and so is --helo",
        ),
        (
            &["--ip", "192.0.2.25", "--mail-from", "<>"],
            "note: SPF was not checked: --mail-from is missing",
        ),
        (
            &["--ip", "192.0.2.25", "--helo", "mx.example.org"],
            "note: --mail-from is missing: SPF was checked for the name in --helo",
        ),
    ] {
        let run = sample("unsigned.eml", connection);
        assert!(run.text().contains(note), "{connection:?}: {}", run.text());
    }
    // A bounce: the null path, checked for the name in HELO (RFC 7208 2.4).
    let run = sample(
        "unsigned.eml",
        &[
            "--ip",
            "192.0.2.25",
            "--helo",
            "mx.example.org",
            "--mail-from",
            "<>",
        ],
    );
    assert_eq!(run.code, 0, "{}", run.text());
    assert!(
        run.text().contains("spf     pass    helo mx.example.org"),
        "{}",
        run.text()
    );
    assert!(!run.text().contains("note:"), "{}", run.text());
}

#[test]
fn nothing_of_the_message_steers_the_terminal() {
    let input = b"From: \x1b[2J\x07<news@example.org>\nSubject: a\x9b31mb \xe2\x80\xaegro.elpmaxe \xc2\x9b\n\
        Authentication-Results: mx.example.net; dkim=pass\x1b[0m\nX-\x1b]0;owned\x07: y\n\nbody\n";
    for form in [&[][..], &["--explain"], &["--json"]] {
        let arguments = [
            &[
                "check",
                "--zone",
                "samples/example.zone",
                "--authserv-id",
                "mx.example.net",
            ][..],
            &[
                "--ip",
                "192.0.2.9",
                "--helo",
                "\x1b[1mx",
                "--mail-from",
                "\u{202e}x@\u{9b}example.org",
            ][..],
            form,
        ]
        .concat();
        let run = scop_with(&arguments, input);
        assert_eq!(run.code, 1, "{}", run.text());
        let text = run.text();
        for hidden in ['\x1b', '\x07', '\u{202e}', '\u{9b}', '\x7f', '\r'] {
            assert!(!text.contains(hidden), "{form:?}: {hidden:?} in {text}");
        }
        assert!(
            text.contains("owned") || form.is_empty() || text.contains("byte"),
            "{text}"
        );
    }
}

#[test]
fn a_field_that_claims_to_be_ours_is_pointed_out() {
    let mut input = b"Authentication-Results: mx.example.net; dmarc=pass\n".to_vec();
    input.extend(std::fs::read(root().join("samples/forged.eml")).unwrap());
    let run = scop_with(
        &[
            "check",
            "--zone",
            "samples/example.zone",
            "--authserv-id",
            "MX.example.net",
        ],
        &input,
    );
    assert_eq!(run.code, 1);
    assert!(
        run.text()
            .contains("note: line 1: this Authentication-Results field came with the message")
    );
    let other = scop_with(
        &[
            "check",
            "--zone",
            "samples/example.zone",
            "--authserv-id",
            "else.example",
        ],
        &input,
    );
    assert!(!other.text().contains("line 1: this"), "{}", other.text());
}

#[test]
fn a_header_full_of_fields_ends_soon() {
    let signature = std::fs::read_to_string(root().join("samples/newsletter.eml")).unwrap();
    let signature = signature.split("\nFrom").next().unwrap();
    for field in [
        "From: a@example.org\n",
        "From:\n",
        "Authentication-Results: mx.example.net; none\n",
        "x\n",
        "X:\n",
        &format!("{signature}\n"),
    ] {
        let mut input = format!("{signature}\nFrom: a@example.org\n").into_bytes();
        let room = (1 << 20) - input.len() * 2;
        // Each line end gets a CR.
        let grown = field.len() + field.matches('\n').count();
        input.extend(field.repeat(room / grown).as_bytes());
        input.extend(b"\nbody\n");
        let begun = Instant::now();
        let arguments = [
            "check",
            "--zone",
            "samples/example.zone",
            "--authserv-id",
            "mx.example.net",
            "--json",
        ];
        let run = scop_with(&arguments, &input);
        assert_eq!(run.code, 1, "{field}: {}", run.err);
        let length = run.out.len();
        assert!(length < 1 << 20, "{field}: {length} bytes of output");
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{field}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn the_time_is_that_of_at() {
    // Signed on 2 November 2025: an hour before, the signature is from the future.
    for (at, code) in [
        ("2025-11-02T06:00:00Z", 0),
        ("2025-11-02T05:00:00Z", 1),
        ("1762063200", 0),
    ] {
        assert_eq!(sample("newsletter.eml", &["--at", at]).code, code, "{at}");
    }
}
