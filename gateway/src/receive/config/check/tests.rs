use super::*;
use crate::service::config::check::Said;
use crate::service::config::source::Source;
use crate::service::config::source::tests::example;
use std::path::{Path, PathBuf};

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("scop-check-{test}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("state")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn check(folder: &Folder, text: &str) -> Said {
    let text = text.replace('$', &folder.0.display().to_string());
    let source = Source::parse(Path::new("x"), &text).unwrap();
    let config: Config = source
        .values()
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut findings = Findings::new(&source);
    config.check(&mut findings);
    findings.said()
}

const MX: &str = "name = 'mail.example.org'\nstate = '$/state'\n[[listen]]\naddress = '127.0.0.1:2525'\nkind = 'mx'\n";

const MAIL: &str =
    "[deliver]\nto = 'maildir'\nfolder = '$/mail'\nmailboxes = { 'ann@example.org' = 'ann' }\n";

const NEXT: &str =
    "[deliver]\nto = 'lmtp'\naddress = '127.0.0.1:24'\nrecipients = ['@example.org']\n";

#[test]
fn whether_the_next_server_is_known() {
    let folder = Folder::new("next");
    let pair = rcgen::generate_simple_self_signed(["lmtp.example.org".to_owned()]).unwrap();
    folder.write("roots.pem", &pair.cert.pem());
    let warns = |text: &str| {
        let said = check(&folder, &format!("{MX}{text}bounces = '$/bounces'\n"));
        assert!(said.errors.is_empty(), "{said:?}");
        (said.warnings.iter()).any(|warning| warning.to_string().contains("no `host`"))
    };
    let remote = NEXT.replace("127.0.0.1", "192.0.2.1");
    assert!(!warns(NEXT));
    assert!(warns(&remote));
    assert!(!warns(&format!("{remote}host = 'lmtp.example.org'\n")));
    assert!(!warns(&format!(
        "{remote}host = 'lmtp.example.org'\nimplicit_tls = true\nroots = '$/roots.pem'\n"
    )));
    let said = check(&folder, &format!("{MX}{NEXT}roots = '$/roots.pem'\n"));
    let [error] = said.errors.as_slice() else {
        panic!("{said:?}");
    };
    assert!(
        error.to_string().starts_with("x:10: without `host`"),
        "{error}"
    );
    // A key of no server is one of none.
    let text = format!("{MX}{NEXT}hots = 'lmtp.example.org'\n");
    let text = text.replace('$', &folder.0.display().to_string());
    let source = Source::parse(Path::new("x"), &text).unwrap();
    let errors = source.values::<Config>().unwrap_err();
    assert!(format!("{errors:?}").contains("hots"), "{errors:?}");
}

#[test]
fn what_makes_no_sense_has_its_line() {
    let folder = Folder::new("sense");
    folder.write("file", "");
    assert_eq!(check(&folder, &format!("{MX}{MAIL}")).errors.len(), 0);
    for (text, expected) in [
        (MX.to_owned(), "x:5: it needs [deliver]"),
        (
            MX.replace("'mx'", "'submissions'") + MAIL,
            "x:5: it needs [tls]|x:5: it needs [submit]",
        ),
        (
            format!("metrics = '127.0.0.1:2525'\n{MX}{MAIL}"),
            "x:5: 127.0.0.1:2525 is there already",
        ),
        (
            format!("metrics = '192.0.2.1:9100'\n{MX}{MAIL}"),
            "x:1: the figures are for this computer alone: 192.0.2.1 is not a loopback address like 127.0.0.1 or [::1]",
        ),
        (
            MX.replace("mail.example.org", "no name") + MAIL,
            "x:1: \"no name\" is not a domain name: letters, digits, `-` and dots",
        ),
        (
            MX.replace("$/state", "$/file") + MAIL,
            "x:2: $/file is not a folder",
        ),
        (
            MX.to_owned() + &MAIL.replace("$/mail", "$/state"),
            "x:6: it is the folder of `state`, too",
        ),
        (
            MX.to_owned() + &MAIL.replace("'ann@example.org'", "'@example.org'"),
            "x:9: \"@example.org\" is not an address like ann@example.org",
        ),
        (
            format!("{MX}{MAIL}[tls]\ncertificate = '$/none'\nkey = '$/file'\n"),
            "x:10: $/none: no such file or directory",
        ),
        (
            format!("{MX}{MAIL}[limits]\nmessage = 0\nconnections_per_client = 0\n"),
            "x:11: 0 is not enough|x:12: 0 is not enough",
        ),
        (
            format!("{MX}{MAIL}[limits]\nrecipients = 20001\n"),
            "x:11: a message has 20000 recipients at most",
        ),
        (
            format!("{MX}{MAIL}[dns]\nzones = ['$/file', '$/none']\n"),
            "x:11: $/none: no such file or directory",
        ),
        (
            format!(
                "{MX}[deliver]\nto = 'spool'\nfolder = '$/spool'\nrecipients = ['@example.org', '@', 'ann']\n"
            ),
            "x:9: \"@\" is not `@` and a domain|x:9: \"ann\" is not an address like ann@example.org",
        ),
        (
            format!("{MX}{NEXT}host = 'no name'\n"),
            "x:10: \"no name\" is not a domain name: letters, digits, `-` and dots",
        ),
        (
            format!("{MX}{NEXT}host = 'lmtp.example.org'\nroots = '$/file'\n"),
            "x:11: $/file: there is no certificate in it",
        ),
    ] {
        let said = check(&folder, &text);
        let expected = expected.replace('$', &folder.0.display().to_string());
        let errors: Vec<String> = said.errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors.join("|"), expected, "{text}");
    }
}

#[test]
fn certificate_and_users_are_looked_at() {
    let folder = Folder::new("files");
    let pair = rcgen::generate_simple_self_signed(["mail.example.net".to_owned()]).unwrap();
    folder.write("cert.pem", &pair.cert.pem());
    folder.write("key.pem", &pair.signing_key.serialize_pem());
    folder.write("users", "not a line of users\n");
    let said = check(
        &folder,
        &format!(
            "{}[tls]\ncertificate = '$/cert.pem'\nkey = '$/key.pem'\n[submit]\nusers = '$/users'\nspool = '$/spool'\n",
            MX.replace("'mx'", "'submission'")
        ),
    );
    let [error] = said.errors.as_slice() else {
        panic!("{said:?}");
    };
    assert!(error.to_string().starts_with("x:10: "), "{error}");
    let warnings: Vec<String> = said.warnings.iter().map(ToString::to_string).collect();
    let has = |what: &str| warnings.iter().any(|warning| warning.contains(what));
    assert!(has("x:7: it is not for mail.example.org"), "{warnings:?}");
    assert!(
        has("x:8: ") && has("can be read by everyone"),
        "{warnings:?}"
    );
}

#[test]
fn the_example_is_read() {
    let config: Config = example("receiver.toml");
    assert!(config.summary().contains("Maildirs"));
}
