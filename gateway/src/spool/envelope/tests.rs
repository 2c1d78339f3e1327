use super::*;

fn read(text: &[u8]) -> Result<(Envelope, u64, u64), Broken> {
    Envelope::read(text).unwrap()
}

fn small() -> Envelope {
    Envelope {
        from: "<>".to_owned(),
        to: vec![Recipient {
            path: "<ann@example.net>".to_owned(),
            parameters: String::new(),
        }],
        ..Envelope::default()
    }
}

#[test]
fn has_one_form() {
    let text = b"scop-spool 1\noctets 00000000000000004096\narrived 1764000000\nclient 192.0.2.1\n\
        helo mail.example.org\nuser joe\nfrom <joe@example.org>\nfrom-parameters BODY=8BITMIME RET=HDRS\n\
        to <ann@example.net>\nto-parameters NOTIFY=NEVER\nto <bob@example.net>\n\nMessage";
    let (envelope, octets, start) = read(text).unwrap();
    assert_eq!(octets, 4_096);
    assert_eq!(&text[usize::try_from(start).unwrap()..], b"Message");
    assert_eq!(envelope.arrived, UnixTime(1_764_000_000));
    assert_eq!(envelope.client, "192.0.2.1");
    assert_eq!(envelope.helo, "mail.example.org");
    assert_eq!(envelope.user, "joe");
    assert_eq!(envelope.from, "<joe@example.org>");
    assert_eq!(envelope.parameters, "BODY=8BITMIME RET=HDRS");
    assert_eq!(envelope.to[0].path, "<ann@example.net>");
    assert_eq!(envelope.to[0].parameters, "NOTIFY=NEVER");
    assert_eq!(envelope.to[1].path, "<bob@example.net>");
    assert_eq!(envelope.to.len(), 2);
    let again = envelope.emit().unwrap();
    let text = String::from_utf8_lossy(text).replace("4096", "0000");
    assert_eq!(String::from_utf8(again).unwrap() + "Message", text);
}

#[test]
fn an_error_names_line_and_rule() {
    let text = String::from_utf8(small().emit().unwrap()).unwrap();
    for (from, to, error) in [
        (
            "scop-spool 1",
            "scop-spool 2",
            "line 1: the file does not begin with `scop-spool 1`",
        ),
        ("octets 0", "octets ", "line 2: a number of 20 digits"),
        ("octets 0", "octets +", "line 2: a number of 20 digits"),
        ("octets 0", "octets 9", "line 2: the number is too large"),
        ("octets", "octet", "line 2: `octets` is expected"),
        ("arrived 0", "arrived 00", "line 3: a number is expected"),
        ("arrived 0", "arrived -1", "line 3: a number is expected"),
        ("arrived 0", "arrived ", "line 3: the value is empty"),
        ("arrived 0\n", "", "line 3: `arrived` is expected"),
        ("from <>", "from <", "line 4: a path is written with"),
        ("from <>", "from <>\r", "line 4: a control character"),
        ("from <>", "from <>\nfrom <>", "line 5: `to` is expected"),
        ("from <>", "to <a>", "line 4: `from` is expected"),
        (
            "from <>",
            "user joe\nhelo x\nfrom <>",
            "line 5: `from` is expected",
        ),
        ("from <>", "From <>", "line 4: `from` is expected"),
        (
            "to <ann@example.net>",
            "to <>",
            "line 5: the forward path is empty",
        ),
        ("to <ann@example.net>\n", "", "line 5: `to` is expected"),
        (
            "net>\n\n",
            "net>\nto-parameters A\nto-parameters B\n\n",
            "line 7: `to` is expected",
        ),
        ("net>\n\n", "net>\nx y\n\n", "line 6: `to` is expected"),
        (
            "net>\n\n",
            "net>\n",
            "line 6: the file ends within the envelope",
        ),
        ("net>\n\n", "net>\r\n\r\n", "line 5: a control character"),
        (
            "net>",
            &"x".repeat(5_000),
            "line 5: the line is longer than 4096 octets",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let broken = read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(broken.to_string().starts_with(error), "{from:?}: {broken}");
    }
    let octets: Vec<u8> = text
        .bytes()
        .map(|octet| if octet == b'n' { 0xff } else { octet })
        .collect();
    let broken = read(&octets).unwrap_err().to_string();
    assert_eq!(broken, "line 5: the line is not UTF-8");
}

/// Whatever else an envelope says, there is room for so many octets of recipients, and the reader takes as many.
#[test]
fn the_longest_envelope() {
    let long = "x".repeat(4_000);
    let recipient = Recipient {
        path: format!("<{}@example.net>", "a".repeat(200)),
        parameters: "NOTIFY=NEVER".to_owned(),
    };
    let count = usize::try_from(MAX_RECIPIENT_OCTETS / recipient.octets()).unwrap();
    assert!(count > 10_000 && count <= MAX_RECIPIENTS, "{count}");
    let envelope = Envelope {
        arrived: UnixTime(u64::MAX),
        client: long.clone(),
        helo: long.clone(),
        user: long.clone(),
        from: format!("<{long}>"),
        parameters: long,
        to: vec![recipient; count],
    };
    let text = envelope.emit().unwrap();
    assert_eq!(read(&text).unwrap().0, envelope);
    let mut text = String::from_utf8(small().emit().unwrap()).unwrap();
    let line = "to <ann@example.net>\n";
    assert!(text.contains(line));
    text = text.replace(line, &line.repeat(MAX_RECIPIENTS + 1));
    let broken = read(text.as_bytes()).unwrap_err();
    assert!(broken.to_string().contains("more than 20000"), "{broken}");
}

#[test]
fn is_refused_wherever_it_is_cut() {
    let text = small().emit().unwrap();
    for cut in 0..text.len() {
        assert!(read(&text[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    type Change = fn(&mut Envelope);
    let cases: [(Change, &str); 10] = [
        (|e| e.from = "<>\r".to_owned(), "from: a control character"),
        (|e| e.from.clear(), "from: the value is empty"),
        (|e| e.from = "joe".to_owned(), "from: a path"),
        (
            |e| e.helo = "a\nfrom <x>".to_owned(),
            "helo: a control character",
        ),
        (
            |e| e.parameters = "\0".to_owned(),
            "from-parameters: a control character",
        ),
        (
            |e| e.to[0].path = "<>".to_owned(),
            "to: the forward path is empty",
        ),
        (|e| e.to.clear(), "there is no recipient"),
        (
            |e| e.user = "u".repeat(5_000),
            "user: the line is longer than 4096 octets",
        ),
        (
            |e| e.to = vec![e.to[0].clone(); MAX_RECIPIENTS + 1],
            "there are more than 20000 recipients, the limit",
        ),
        (
            |e| {
                e.to[0].parameters = "p".repeat(300);
                e.to = vec![e.to[0].clone(); MAX_RECIPIENTS];
            },
            "the envelope is longer than 4194304 octets",
        ),
    ];
    for (change, error) in cases {
        let mut envelope = small();
        change(&mut envelope);
        let refused = envelope.emit().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert!(
            refused
                .to_string()
                .starts_with(&format!("envelope: {error}")),
            "{refused}"
        );
    }
}
