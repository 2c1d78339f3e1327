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
            format!("{LISTEN}[tls]\ncertificate = 'a'"),
            "x.toml:7: the key \"key\" is missing in [tls]",
        ),
        (
            "[[listen]]\naddress = '0.0.0.0:25'".to_owned(),
            "x.toml:4: the key \"kind\" is missing in [[listen]]",
        ),
        (String::new(), "x.toml: the key \"listen\" is missing"),
        (
            format!("{LISTEN}[limits]\nconnections = 'x'"),
            "x.toml:8: connections: invalid type: string \"x\", expected usize",
        ),
        (
            format!("{LISTEN}[limits]\nstop = '5 apples'"),
            "x.toml:8: stop: a time is a number and s, m, h or d, like 30s: \"5 apples\"",
        ),
        (
            "[[listen]]\naddress = '0.0.0.0'\nkind = 'mx'".to_owned(),
            "x.toml:5: address: invalid socket address syntax",
        ),
        (
            "[[listen]]\naddress = '0.0.0.0:25'\nkind = 'mux'".to_owned(),
            "x.toml:6: kind: unknown variant \"mux\", expected one of \"mx\", \"submission\", \"submissions\", \"lmtp\"",
        ),
        (
            format!("{LISTEN}[deliver]\nto = 'nowhere'"),
            "x.toml:8: to: unknown variant \"nowhere\"",
        ),
        (
            format!("{LISTEN}threads = 0"),
            "x.toml:7: unknown key \"threads\" in [[listen]]; known: address, kind",
        ),
        (
            format!("{LISTEN}[log]\nlevel = 'loud'"),
            "x.toml:8: level: unknown variant \"loud\", expected one of \"error\", \"warn\", \"info\"",
        ),
        (format!("threads = 0\n{LISTEN}"), "x.toml:4: threads: "),
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
        "x.toml:10: message: invalid type",
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
        "name = 'x'\nspool = 's'\nstate = 't'\n[tls]\n[tls.report]\norganization = 'x'\ncontact = 'x'\nfrm = 'x'",
    );
    assert_eq!(
        found,
        [
            "x.toml:5: the key \"from\" is missing in [tls.report]",
            "x.toml:8: unknown key \"frm\" in [tls.report]; known: organization, contact, from, delay, ports"
        ]
    );
    let found = errors::<Sender>(
        "name = 'x'\nspool = 's'\nstate = 't'\nroute = { to = 'lmtp', address = '127.0.0.1:24', host = 'x' }",
    );
    assert_eq!(
        found,
        ["x.toml:4: unknown key \"host\" in [route]; known: address"]
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

#[test]
fn the_examples_have_every_key() {
    let read = |name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("dist")
            .join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let example = read("receiver.toml");
    for table in [
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
    ] {
        let known = known::<Receiver>(&format!("{table}\nzzz = 1"));
        assert!(!known.is_empty());
        for key in known {
            is_shown(&example, &key);
        }
    }
    let example = read("sender.toml");
    for table in [
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
    ] {
        for key in known::<Sender>(&format!("{table}\nzzz = 1")) {
            is_shown(&example, &key);
        }
    }
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
