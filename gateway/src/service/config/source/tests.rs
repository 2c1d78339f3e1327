use super::*;
use crate::receive::config::Config as Receiver;
use crate::send::config::Config as Sender;

fn errors<T: DeserializeOwned>(text: &str) -> Vec<String> {
    let path = Path::new("x.toml");
    match Source::parse(path, text).and_then(|source| source.values::<T>()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(Error::to_string).collect(),
    }
}

/// A receiver that is fine but for what comes before and after.
fn receiver(first: &str, last: &str) -> Vec<String> {
    errors::<Receiver>(&format!(
        "{first}\nname = 'mail.example.org'\nstate = '/s'\n{last}\n"
    ))
}

const LISTEN: &str = "[[listen]]\naddress = '0.0.0.0:25'\nkind = 'mx'\n";

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn errors_have_their_line_and_key() {
    assert!(receiver("", LISTEN).is_empty());
    for (last, expected) in [
        (
            format!("{LISTEN}[limits]\nfoo = 1"),
            "x.toml:8: unknown key \"foo\" in [limits]; known: message, recipients, connections, connections_per_client",
        ),
        (
            format!("{LISTEN}kid = 'mx'"),
            "x.toml:7: unknown key \"kid\" in [[listen]]; known: address, kind",
        ),
        (
            format!("nmae = 'x'\n{LISTEN}"),
            "x.toml:4: unknown key \"nmae\"; known: name, authserv_id, state, listen",
        ),
        (
            format!(
                "{LISTEN}[deliver]\nto = 'maildir'\nfolder = '/m'\nmailboxes = {{}}\nquota = 1"
            ),
            "x.toml:11: unknown key \"quota\" in [deliver]; known: ",
        ),
        (
            format!("{LISTEN}[tls]\ncertificate = '/a'"),
            "x.toml:7: the key \"key\" is missing in [tls]",
        ),
        (
            "[[listen]]\naddress = '0.0.0.0:25'".to_owned(),
            "x.toml:4: the key \"kind\" is missing in [[listen]]",
        ),
        (String::new(), "x.toml: the key \"listen\" is missing"),
        (
            format!("{LISTEN}[limits]\nconnections = 'x'"),
            "x.toml:8: connections: a whole number from 0 on is needed, not the text \"x\"",
        ),
        (
            format!("{LISTEN}[limits]\nstop = '5 apples'"),
            "x.toml:8: stop: a time is a number and s, m, h or d, like 30s: \"5 apples\"",
        ),
        (
            "[[listen]]\naddress = '0.0.0.0'\nkind = 'mx'".to_owned(),
            "x.toml:5: address: an address with a port, like 127.0.0.1:25 or [::1]:25, is needed",
        ),
        (
            "[[listen]]\naddress = '0.0.0.0:25'\nkind = 'mux'".to_owned(),
            "x.toml:6: kind: \"mux\" is unknown; known: mx, submission, submissions, lmtp",
        ),
        (
            format!("{LISTEN}[deliver]\nto = 'nowhere'"),
            "x.toml:8: to: \"nowhere\" is unknown; known: maildir, lmtp, smtp, spool, discard",
        ),
        (
            format!("{LISTEN}threads = 0"),
            "x.toml:7: unknown key \"threads\" in [[listen]]; known: address, kind",
        ),
        (
            format!("{LISTEN}[log]\nlevel = 'loud'"),
            "x.toml:8: level: \"loud\" is unknown; known: error, warn, info, debug, trace",
        ),
        (
            format!("threads = 0\n{LISTEN}"),
            "x.toml:4: threads: a whole number from 1 on is needed, not 0",
        ),
        (
            format!("tls = true\n{LISTEN}"),
            "x.toml:4: tls: a table is needed, not true",
        ),
        (
            format!("{LISTEN}[limits]\nstop = 5"),
            "x.toml:8: stop: a time in quotes, like \"30s\", is needed, not 5",
        ),
        (
            format!("{LISTEN}[limits]\nrecipients = -1"),
            "x.toml:8: recipients: a whole number from 0 to 4294967295 is needed, not -1",
        ),
        // In a table of several forms.
        (
            format!(
                "{LISTEN}[deliver]\nto = 'lmtp'\naddress = '127.0.0.1'\nrecipients = ['@example.org']"
            ),
            "x.toml:9: address: an address with a port, like 127.0.0.1:25 or [::1]:25, is needed",
        ),
        (
            format!("{LISTEN}[deliver]\nto = 'lmtp'\naddress = '127.0.0.1:24'\nrecipients = 'x'"),
            "x.toml:10: recipients: a list in brackets is needed, not the text \"x\"",
        ),
        (
            format!(
                "{LISTEN}[deliver]\nto = 'smtp'\nrecipients = []\naddress = '127.0.0.1:24'\nbounces = 'x'"
            ),
            "x.toml:11: bounces: a path begins with /: \"x\"",
        ),
        (
            format!("{LISTEN}[dns]\nzones = ['/x', 'x']"),
            "x.toml:8: zones: a path begins with /: \"x\"",
        ),
        (
            format!("{LISTEN}[deliver]\nto = 'maildir'\nmailboxes = {{}}\nfolder = 'mail'"),
            "x.toml:10: folder: a path begins with /: \"mail\"",
        ),
        (
            format!("name = 'twice'\n{LISTEN}"),
            "x.toml:4: duplicate key",
        ),
        (format!("x =\n{LISTEN}"), "x.toml:4: "),
    ] {
        let found = receiver("", &last);
        let [one] = found.as_slice() else {
            panic!("{last}\n{found:#?}");
        };
        assert!(one.starts_with(expected), "{last}\n{one}");
        assert!(!one.contains('\n'), "{one}");
    }
}

#[test]
fn all_unknown_keys_are_found_and_more() {
    let found = receiver(
        "a = 1\nb = 2",
        &format!("{LISTEN}[limits]\nc = 3\nmessage = 'long'\n[checks]\nd = 4"),
    );
    let expected = [
        "x.toml:1: unknown key \"a\"",
        "x.toml:2: unknown key \"b\"",
        "x.toml:9: unknown key \"c\" in [limits]; known: message",
        "x.toml:10: message: a whole number from 0 on is needed, not the text \"long\"",
        "x.toml:12: unknown key \"d\" in [checks]; known: enabled, dmarc",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    // Both errors of form.
    assert_eq!(receiver("a = \nb = ]", LISTEN).len(), 2);
}

#[test]
fn keys_within_keys() {
    let found = errors::<Sender>(
        "name = 'x'\nspool = '/s'\nstate = '/t'\n[tls]\n[tls.report]\norganization = 'x'\ncontact = 'x'\nfrm = 'x'",
    );
    assert_eq!(
        found,
        [
            "x.toml:5: the key \"from\" is missing in [tls.report]",
            "x.toml:8: unknown key \"frm\" in [tls.report]; known: organization, contact, from, delay, ports"
        ]
    );
    let found = errors::<Sender>(
        "name = 'x'\nspool = '/s'\nstate = '/t'\n[route]\nto = 'smtp'\naddress = '192.0.2.1:25'\npassword_file = 'x'",
    );
    assert_eq!(
        found,
        ["x.toml:7: password_file: a path begins with /: \"x\""]
    );
    let found = errors::<Sender>(
        "name = 'x'\nspool = '/s'\nstate = '/t'\nroute = { to = 'lmtp', address = '127.0.0.1:24', user = 'x' }",
    );
    assert_eq!(
        found,
        ["x.toml:4: unknown key \"user\" in [route]; known: address, host, implicit_tls"]
    );
}

#[test]
fn places_of_values() {
    let text = format!("name = 'x'\n[tls]\nkey = 'x'\n{LISTEN}{LISTEN}");
    let source = Source::parse(Path::new("x.toml"), &text).unwrap();
    for (way, line) in [
        ("name", "x.toml:1: no"),
        ("tls", "x.toml:2: no"),
        ("tls.key", "x.toml:3: no"),
        ("tls.certificate", "x.toml:2: no"),
        ("listen.1.kind", "x.toml:9: no"),
        ("listen.2.kind", "x.toml:4: no"),
        ("state", "x.toml: no"),
    ] {
        assert_eq!(source.error(way, "no").to_string(), line, "{way}");
    }
}

/// Of a table in a configuration that has an unknown key, the known ones.
fn known<T: DeserializeOwned>(text: &str) -> Vec<String> {
    let found = errors::<T>(text);
    let known = found.iter().find_map(|error| error.split_once("; known: "));
    let (_, known) = known.unwrap_or_else(|| panic!("{found:?}"));
    known.split(", ").map(str::to_owned).collect()
}

fn dist(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("dist")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

const TABLES_OF_RECEIVER: [&str; 13] = [
    "",
    "[[listen]]",
    "[tls]",
    "[deliver]\nto = 'maildir'",
    "[deliver]\nto = 'lmtp'",
    "[deliver]\nto = 'smtp'",
    "[deliver]\nto = 'spool'",
    "[submit]",
    "[retry]",
    "[checks]",
    "[limits]",
    "[dns]",
    "[log]",
];

const TABLES_OF_SENDER: [&str; 11] = [
    "",
    "[[sign]]",
    "[route]\nto = 'mx'",
    "[route]\nto = 'smtp'",
    "[route]\nto = 'lmtp'",
    "[retry]",
    "[tls]",
    "[tls.report]",
    "[limits]",
    "[dns]",
    "[log]",
];

#[test]
fn the_examples_have_every_key() {
    let example = dist("receiver.toml");
    for table in TABLES_OF_RECEIVER {
        let known = known::<Receiver>(&format!("{table}\nzzz = 1"));
        assert!(!known.is_empty());
        for key in known {
            is_shown(&example, &key);
        }
    }
    let example = dist("sender.toml");
    for table in TABLES_OF_SENDER {
        for key in known::<Sender>(&format!("{table}\nzzz = 1")) {
            is_shown(&example, &key);
        }
    }
}

/// Whatever stands at a key, nobody is told of the types of Rust.
#[test]
fn every_value_of_another_kind_is_told_in_our_words() {
    fn try_all<T: DeserializeOwned>(tables: &[&str]) {
        for table in tables {
            for key in known::<T>(&format!("{table}\nzzz = 1")) {
                for value in [
                    "'x y'",
                    "7",
                    "-1",
                    "0.5",
                    "true",
                    "[]",
                    "[7]",
                    "{}",
                    "1979-05-27",
                ] {
                    let text = format!("{table}\n{key} = {value}");
                    let line = text.lines().count();
                    for error in errors::<T>(&text) {
                        let serde = [
                            "invalid", "expected", "struct", "enum", "variant", "usize", "u32", "`",
                        ];
                        assert!(
                            !serde.iter().any(|word| error.contains(word)),
                            "{text}\n{error}"
                        );
                        let has_place = error.starts_with(&format!("x.toml:{line}: {key}: "));
                        let is_missing =
                            error.contains("is missing") || error.contains("unknown key");
                        assert!(has_place || is_missing, "{text}\n{error}");
                    }
                }
            }
        }
    }
    try_all::<Receiver>(&TABLES_OF_RECEIVER);
    try_all::<Sender>(&TABLES_OF_SENDER);
}

#[test]
fn every_path_begins_at_the_root() {
    fn try_all<T: DeserializeOwned>(example: &str) -> Vec<String> {
        let mut tried = Vec::new();
        for (index, line) in example.lines().enumerate() {
            let bare = line.trim_start_matches(['#', ' ']);
            let key = bare.split(' ').next().unwrap_or_default();
            let with = |line: &str| {
                let mut lines: Vec<&str> = example.lines().collect();
                lines[index] = line;
                errors::<T>(&lines.join("\n"))
            };
            // What is shown for another form of its table is tried elsewhere.
            if !bare.contains("= \"/") || !with(bare).is_empty() {
                continue;
            }
            let found = with(&bare.replacen("\"/", "\"", 1));
            let place = format!("x.toml:{}: {key}: a path begins with /: ", index + 1);
            assert!(
                found.len() == 1 && found[0].starts_with(&place),
                "{found:?}"
            );
            tried.push(key.to_owned());
        }
        tried
    }
    assert_eq!(
        try_all::<Receiver>(&dist("receiver.toml")),
        ["state", "certificate", "key", "folder", "users", "spool"]
    );
    assert_eq!(
        try_all::<Sender>(&dist("sender.toml")),
        ["spool", "state", "key", "roots"]
    );
}

fn is_shown(example: &str, key: &str) {
    let shown = example.lines().any(|line| {
        let line = line.trim_start_matches(['#', ' ']);
        line.starts_with(&format!("{key} = "))
            || (line.starts_with('[')
                && line.trim_matches(['[', ']']).rsplit('.').next() == Some(key))
    });
    assert!(shown, "{key}");
}

/// The example of a configuration, which is read as it is, and is the same with every key that is shown as its default.
pub(crate) fn example<T: DeserializeOwned + fmt::Debug>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("dist")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let read = |text: &str| -> T {
        let source = Source::parse(&path, text).unwrap();
        source
            .values()
            .unwrap_or_else(|errors| panic!("{errors:?}"))
    };
    let example = read(&text);
    let shown: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(format!("{:?}", read(&shown)), format!("{example:?}"));
    example
}
