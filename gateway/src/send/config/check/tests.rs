use super::*;
use crate::service::config::check::Said;
use crate::service::config::source::Source;
use crate::service::config::source::tests::example;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn errors(text: &str) -> Vec<String> {
    let errors = said(text).errors;
    errors.iter().map(ToString::to_string).collect()
}

fn said(text: &str) -> Said {
    let source = Source::parse(Path::new("x"), text).unwrap();
    let config: Config = source
        .values()
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut findings = Findings::new(&source);
    config.check(&mut findings);
    findings.said()
}

#[test]
fn who_signs_for_this_host() {
    let folder = std::env::temp_dir().join(format!("scop-check-sign-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let place = folder.display();
    let key = folder.join("key");
    std::fs::write(&key, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n").unwrap();
    for (domain, is_warned) in [
        ("example.org", false),
        ("mail.example.org", false),
        ("a.mail.example.org", true),
        ("example.net", true),
    ] {
        let text = format!(
            "name = 'mail.example.org'\nspool = '{place}/spool'\nstate = '{place}/state'\n\
             [[sign]]\ndomain = '{domain}'\nselector = 'mail'\nkey = '{}'\n",
            key.display()
        );
        let said = said(&text);
        let has =
            (said.warnings.iter()).any(|warning| warning.to_string().contains("goes unsigned"));
        assert_eq!(has, is_warned, "{domain}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_makes_no_sense_has_its_line() {
    let folder = std::env::temp_dir().join(format!("scop-check-send-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.display().to_string();
    let key = format!("{folder}/key");
    std::fs::write(&key, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n").unwrap();
    let base =
        format!("name = 'mail.example.org'\nspool = '{folder}/spool'\nstate = '{folder}/state'\n");
    let sign = format!("[[sign]]\ndomain = 'example.org'\nselector = 'mail'\nkey = '{key}'\n");
    assert_eq!(errors(&format!("{base}{sign}")), Vec::<String>::new());
    for (text, expected) in [
        (
            base.replace("/state", "/spool"),
            "x:2: it is the folder of `state`, too".to_owned(),
        ),
        (
            format!("{base}{sign}{sign}"),
            "x:10: this domain and selector are there already".to_owned(),
        ),
        (
            format!("{base}{}", sign.replace("/key'", "/none'")),
            format!("x:7: {folder}/none: no such file or directory"),
        ),
        (
            format!("{base}{}", sign.replace("'mail'", "'a b'")),
            "x:6: \"a b\" is not a selector: letters, digits, `-` and dots".to_owned(),
        ),
        (
            format!("{base}[retry]\nfirst = '5h'\ngive_up = '2h'\n"),
            "x:5: it is longer than `longest`|x:4: it is longer than `give_up`|x:4: it is longer than `give_up`"
                .to_owned(),
        ),
        (
            format!("{base}[retry]\nfirst = '0s'\n"),
            "x:5: no time at all is not enough".to_owned(),
        ),
        (
            format!("{base}[route]\nto = 'smtp'\naddress = '192.0.2.1:587'\nuser = 'ann'\n"),
            "x:4: `user` and `password_file` go together|x:7: a password goes to a server with a certificate only: \
             `host` is needed"
                .to_owned(),
        ),
        (
            format!("{base}[tls.report]\norganization = 'x'\ncontact = 'nobody'\nfrom = 'a@example.org'\n"),
            "x:6: \"nobody\" is not an address like ann@example.org".to_owned(),
        ),
        (
            format!("{base}[tls.report]\norganization = 'x'\ncontact = 'a@example.org'\nfrom = 'a@example.org'\nports = [443, 0]\n"),
            "x:8: 0 is not enough".to_owned(),
        ),
        (
            format!("{base}[limits]\nmessages = 0\n"),
            "x:5: 0 is not enough".to_owned(),
        ),
    ] {
        assert_eq!(errors(&text).join("|"), expected, "{text}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_key_for_everyone_is_a_warning() {
    let folder = std::env::temp_dir().join(format!("scop-check-key-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let key = folder.join("key");
    std::fs::write(&key, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n").unwrap();
    let shown = folder.display();
    let text = format!(
        "name = 'mail.example.org'\nspool = '{shown}/spool'\nstate = '{shown}/state'\n\
         [[sign]]\ndomain = 'example.org'\nselector = 'mail'\nkey = '{shown}/key'\n"
    );
    let source = Source::parse(Path::new("x"), &text).unwrap();
    let config: Config = source.values().unwrap();
    let warnings = |mode: u32| -> Vec<String> {
        std::fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let mut findings = Findings::new(&source);
        config.check(&mut findings);
        let warnings = findings.said().warnings;
        warnings.iter().map(ToString::to_string).collect()
    };
    let said =
        format!("x:7: {shown}/key: mode 0640 opens the private key to others; `chmod 600` it");
    assert_eq!(warnings(0o640), [said]);
    assert_eq!(warnings(0o600), [""; 0]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_example_is_read() {
    let config: Config = example("sender.toml");
    assert!(config.summary().contains("signs mail of example.org"));
}
