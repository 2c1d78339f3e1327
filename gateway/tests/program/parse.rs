//! `scop parse`.

use serde_json::Value;

use crate::run::scop_with;

const MESSAGE: &[u8] = b"From: =?utf-8?q?J=C3=B6?= <joe@example.org>\r\nTo: Team: ann@example.net;\r\n\
    Date: Fri, 1 Nov 2024 10:00:00 +0000\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?q?s?=\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\n\r\nHello\r\n\
    --b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\
    Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.pdf\r\n\r\nSGkh\r\n\
    --b--\r\n";

/// SHA-256 of `Hi!`, from another program.
const HI: &str = "ca51ce1fb15acc6d69b8a5700256172fcc507e02073e6f19592e341bd6508ab8";

#[test]
fn the_tree_as_text() {
    let run = scop_with(&["parse"], MESSAGE);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(
        run.text(),
        "message  multipart/mixed  165 octets\n  \
         From: J\u{f6} <joe@example.org>\n  \
         To: Team: ann@example.net;\n  \
         Date: Fri, 1 Nov 2024 10:00:00 +0000\n  \
         Subject: caf\u{e9}s\n  \
         1  text/plain  7bit, 5 octets, 5 decoded\n  \
         2  application/pdf  base64, 4 octets, 3 decoded  \"caf\u{e9}.pdf\"\n\
         ambiguous: no\n\
         no defects\n"
    );
}

#[test]
fn the_tree_as_json() {
    let run = scop_with(&["parse", "--json", "-"], MESSAGE);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let document: Value = serde_json::from_str(run.text()).unwrap();
    assert_eq!(document["size"], MESSAGE.len());
    assert_eq!(document["format"], "scop-parse");
    assert_eq!(document["version"], 1);
    assert_eq!(document["ambiguous"], false);
    assert_eq!(document["line_ends"], "crlf");
    assert_eq!(document["notes"], Value::Array(Vec::new()));
    assert_eq!(document["defects"], Value::Array(Vec::new()));
    let parts = document["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 3);
    assert_eq!(parts[0]["fields"][3]["value"], "caf\u{e9}s");
    assert_eq!(parts[0]["fields"][1]["addresses"][0]["group"], "Team");
    assert_eq!(
        parts[0]["fields"][1]["addresses"][0]["members"][0]["address"],
        "ann@example.net"
    );
    assert_eq!(parts[0]["fields"][1]["offset"], 45);
    let pdf = &parts[2];
    assert_eq!(pdf["path"], "2");
    assert_eq!(pdf["sha256"], HI);
    assert_eq!(
        (&pdf["size"], &pdf["decoded_size"]),
        (&Value::from(4), &Value::from(3))
    );
    assert_eq!(pdf["filename"], "caf\u{e9}.pdf");
}

#[test]
fn one_part_decoded() {
    let run = scop_with(&["parse", "--part", "2"], MESSAGE);
    assert_eq!((run.code, run.out.as_slice()), (0, &b"Hi!"[..]));
    let run = scop_with(&["parse", "--part", "1.1"], MESSAGE);
    assert_eq!(
        (run.code, run.err.as_str()),
        (2, "scop: standard input: part 1.1: there is none\n")
    );
    assert_eq!(scop_with(&["parse", "--part", "x"], MESSAGE).code, 2);
}

#[test]
fn strict_refuses_what_breaks_a_rule() {
    assert_eq!(scop_with(&["parse", "--strict"], MESSAGE).code, 0);
    let run = scop_with(&["parse", "--strict"], b"From : joe@example.org\r\n\r\n");
    assert_eq!((run.code, run.text()), (1, ""));
    assert!(
        run.err.contains("white space stands between a field name"),
        "{}",
        run.err
    );
    let run = scop_with(&["parse"], b"From : joe@example.org\r\n\r\n");
    assert_eq!(run.code, 0);
    assert!(run.text().contains("readers may differ"), "{}", run.text());
}

/// The same message as files hold it, with LF.
fn stored() -> Vec<u8> {
    let mut bytes = MESSAGE.to_vec();
    bytes.retain(|&byte| byte != b'\r');
    bytes
}

#[test]
fn a_stored_message_has_lf() {
    let run = scop_with(&["parse", "--strict"], &stored());
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(
        run.text().ends_with(
            "\nline ends are LF, as in stored messages; read as CRLF\nambiguous: no\nno defects\n"
        ),
        "{}",
        run.text()
    );
    let run = scop_with(&["parse", "--json"], &stored());
    let document: Value = serde_json::from_str(run.text()).unwrap();
    assert_eq!(document["line_ends"], "lf");
    // Bytes are those of the file.
    assert_eq!(document["parts"][0]["fields"][1]["offset"], 44);

    let mixed = b"From: joe@example.org\nDate: Fri, 1 Nov 2024 10:00:00 +0000\r\n\r\n";
    let run = scop_with(&["parse", "--strict"], mixed);
    assert_eq!(
        (run.code, run.text(), run.err.as_str()),
        (
            1,
            "",
            "scop: standard input: byte 21: a line ends with LF alone (RFC 5322 2.3)\n\
             scop: standard input: byte 59: CRLF and LF both end lines (RFC 5322 2.3)\n"
        )
    );
}

#[test]
fn strict_tells_all_defects_by_their_byte() {
    let bad = b"Subject: a\r\nSubject : b\r\nX: \x01\r\n\r\n";
    let run = scop_with(&["parse", "--strict"], bad);
    assert_eq!((run.code, run.text()), (1, ""));
    let lines: Vec<&str> = run.err.lines().collect();
    assert_eq!(lines.len(), 5, "{}", run.err);
    let missing = "a field is missing that must stand (RFC 5322 3.6, RFC 2046 5.2.1)";
    for name in ["From", "Date"] {
        let line = format!("scop: standard input: byte 0: {missing}: {name}");
        assert_eq!(
            lines.iter().filter(|found| **found == line).count(),
            1,
            "{}",
            run.err
        );
    }
    let run = scop_with(&["parse", "--json"], bad);
    let document: Value = serde_json::from_str(run.text()).unwrap();
    let defects = document["defects"].as_array().unwrap();
    let offsets: Vec<u64> = defects
        .iter()
        .map(|defect| defect["offset"].as_u64().unwrap())
        .collect();
    assert!(offsets.is_sorted(), "{offsets:?}");
    assert_eq!(defects[0]["kind"], "missing_field");
    let run = scop_with(&["parse"], bad);
    assert!(
        run.text().contains("\nambiguous: yes\ndefects\n"),
        "{}",
        run.text()
    );

    let nested =
        b"From: a@example.org\r\nDate: Fri, 1 Nov 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
        Content-Type: message/rfc822\r\n\r\nX: y\r\n\r\n";
    let run = scop_with(&["parse"], nested);
    assert!(
        run.text()
            .contains(&format!("{missing}: one of From, Subject, Date\n")),
        "{}",
        run.text()
    );
}

#[test]
fn charsets() {
    let known = b"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?windows-1252?Q?=80?=\r\n\r\n";
    let run = scop_with(&["parse"], known);
    assert!(
        run.text().contains("Subject: \u{65e5}\u{672c}\u{20ac}\n"),
        "{}",
        run.text()
    );
    assert!(!run.text().contains("note"), "{}", run.text());

    let unknown = b"Subject: =?x-none?Q?=80?=\r\nTo: =?x-two*en?Q?=80?= <a@example.org>\r\n\
        Content-Disposition: attachment; filename*=x-three''a%80\r\n\r\n";
    let run = scop_with(&["parse"], unknown);
    for words in [
        "note: byte 11: the charset x-none in Subject is not known: the encoded word stays as written\n",
        "note: byte 33: the charset x-two in To is not known: the encoded word stays as written\n",
        "the charset x-three in Content-Disposition is not known: in the name of the file",
    ] {
        assert!(run.text().contains(words), "{words}\n{}", run.text());
    }
    let run = scop_with(&["parse", "--json"], unknown);
    let document: Value = serde_json::from_str(run.text()).unwrap();
    assert_eq!(document["notes"].as_array().unwrap().len(), 3);
    assert_eq!(document["notes"][0]["offset"], 11);
}

#[test]
fn groups_are_shown() {
    let run = scop_with(
        &["parse"],
        b"To: A: x@example.org, Joe <y@example.org>;, z@example.org\r\n\
          Cc: Undisclosed recipients:;\r\n\r\n",
    );
    for line in [
        "  To: A: x@example.org, Joe <y@example.org>;, z@example.org\n",
        "  Cc: Undisclosed recipients:;\n",
    ] {
        assert!(run.text().contains(line), "{}", run.text());
    }
}

/// Whatever a message holds, it cannot steer a terminal, and any bytes are a message.
#[test]
fn hostile_bytes_are_shown_harmless() {
    let hostile = b"Subject: \x1b]0;x\x07\xc2\x9b31m\r\nFrom: \"\x1b[2J\" <a@b>\r\n\
        Content-Type: \x1b[1m/\x1b; name=\"\xe2\x80\xae\x1b\"\r\n\0\r\n\r\n\x1b";
    for arguments in [&["parse"][..], &["parse", "--json"]] {
        let run = scop_with(arguments, hostile);
        assert_eq!(run.code, 0);
        let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!run.text().contains(hidden), "{:?}", run.text());
    }
    assert_eq!(scop_with(&["parse"], b"").code, 0);
}
