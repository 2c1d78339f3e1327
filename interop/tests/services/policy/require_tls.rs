//! Messages that demand TLS (REQUIRETLS, RFC 8689), and those that care for none (`TLS-Required: No`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::service::Service;
use serde_json::json;

use super::stage::{Letter, Shown, Site, Stage, lines, site};
use crate::send::{files, wait};

/// With REQUIRETLS.
const fn capable(site: Site) -> Site {
    Site {
        require_tls: true,
        ..site
    }
}

const ENFORCE: Option<&str> = Some("enforce");
const TESTING: Option<&str> = Some("testing");

/// Domains, with the status and the words of the notification for what is not delivered to them.
const CASES: [(Site, Option<(&str, &str)>); 11] = [
    (capable(site("good", ENFORCE, Shown::Good)), None),
    (capable(site("testing", TESTING, Shown::Good)), None),
    (
        site("lacking", ENFORCE, Shown::Good),
        Some(("5.7.30", "does not offer REQUIRETLS")),
    ),
    (
        site("clear", ENFORCE, Shown::Nothing),
        Some(("5.7.10", "does not offer STARTTLS")),
    ),
    (
        capable(site("name", ENFORCE, Shown::OtherName)),
        Some(("5.7.10", "not valid for name")),
    ),
    (
        capable(site("expired", ENFORCE, Shown::Expired)),
        Some(("5.7.10", "expired")),
    ),
    (
        capable(site("self", ENFORCE, Shown::SelfSigned)),
        Some(("5.7.10", "UnknownIssuer")),
    ),
    // A policy that is being tested lets other messages through.
    (
        capable(site("tested", TESTING, Shown::Expired)),
        Some(("5.7.10", "expired")),
    ),
    (
        site("tested-clear", TESTING, Shown::Nothing),
        Some(("5.7.10", "does not offer STARTTLS")),
    ),
    // Nobody vouches for the name of its server.
    (
        capable(site("unknown", None, Shown::Good)),
        Some(("5.7.10", "neither DNSSEC nor MTA-STS")),
    ),
    (
        capable(site("untrusted", None, Shown::SelfSigned)),
        Some(("5.7.10", "vouches")),
    ),
];

/// Where notifications go: `example.test`.
const HOME: Site = capable(site("example", ENFORCE, Shown::Good));

fn message(to: &str, more: &str) -> Vec<u8> {
    format!("From: joe@example.test\r\nTo: {to}\r\nSubject: a test\r\n{more}\r\nthe secret\r\n")
        .into_bytes()
}

fn stage() -> Option<Stage> {
    let sites: Vec<Site> = CASES.iter().map(|(site, _)| *site).chain([HOME]).collect();
    Stage::new(&sites, |_, _, _| "mailto:nobody@example.test".to_owned())
}

/// Arrived with the demand, at the server that was to have it.
fn arrived_under_demand(stage: &mut Stage, name: &str, to: &str) -> Vec<Letter> {
    let all = stage.arrived().iter().filter(|letter| letter.site == name);
    let mine: Vec<_> = all.filter(|letter| letter.to == [to]).cloned().collect();
    for letter in &mine {
        assert!(
            letter.tls && letter.options.contains(&"REQUIRETLS".to_owned()),
            "{name}"
        );
    }
    mine
}

/// Whether it is the notification for a recipient: it gives back no content (RFC 8689 5), and says why.
fn tells(letter: &Letter, to: &str, status: &str, words: &str) -> bool {
    let text = String::from_utf8_lossy(&letter.data);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((explanation, fields)) = text.split_once(&format!("Final-Recipient: rfc822; {to} "))
    else {
        return false;
    };
    assert!(explanation.contains(words), "{to}: {words}");
    let expected = format!("Action: failed Status: {status} ");
    assert!(fields.starts_with(&expected), "{to}: {expected}");
    assert!(
        fields.contains("Subject: a test") && !text.contains("the secret"),
        "{to}"
    );
    true
}

#[test]
fn a_message_that_demands_tls() {
    let Some(mut stage) = stage() else { return };
    let sender = Service::sender(stage.world.folder.path(), &stage.sender(""));
    for (site, _) in &CASES {
        let to = format!("x@{}.test", site.name);
        stage.world.submit_with(
            &["--require-tls"],
            "joe@example.test",
            &[&to],
            &message(&to, ""),
        );
    }
    // Its sender can be told nothing: the notification has the same demand.
    let to = "y@lacking.test";
    stage.world.submit_with(
        &["--require-tls"],
        "joe@clear.test",
        &[to],
        &message(to, ""),
    );
    // It is kept for whoever runs the sender.
    let kept = stage.world.path("spool/failed");
    let left = || files(&stage.world.path("spool"));
    wait(
        "messages are left",
        || format!("{:?} {}", left(), sender.log()),
        || left().len() == 1 && left()[0].starts_with(&kept),
    );
    sender.wait_for("nobody can be told of the failure");
    let refused = CASES.iter().filter(|(_, refusal)| refusal.is_some());
    let told = arrived_under_demand(&mut stage, "example", "joe@example.test");
    assert_eq!(told.len(), refused.count());
    for (site, refusal) in &CASES {
        let to = format!("x@{}.test", site.name);
        let count = arrived_under_demand(&mut stage, site.name, &to).len();
        assert_eq!(count, usize::from(refusal.is_none()), "{}", site.name);
        let any = stage
            .arrived()
            .iter()
            .filter(|letter| letter.site == site.name);
        assert_eq!(any.count(), count, "{}", site.name);
        if let Some((status, words)) = refusal {
            let telling = told
                .iter()
                .filter(|letter| tells(letter, &to, status, words));
            assert_eq!(telling.count(), 1, "{to}");
            let lines = lines(&sender);
            let logged = lines.iter().any(|line| {
                line["message"] == "failed"
                    && line.to_string().contains(&to)
                    && line["status"] == *status
            });
            assert!(logged, "{to}: {}", sender.log());
        }
    }
}

/// From a user who submits it, through both services.
#[test]
fn a_message_that_is_submitted_with_the_demand() {
    let Some(mut stage) = stage() else { return };
    let Some(mut peer) = Peer::python("smtplib_peer.py", "smtplib") else {
        return;
    };
    let more = stage.world.maildir() + &stage.world.submit();
    let receiver = stage.world.receiver(&["submission"], &more);
    let sender = Service::sender(stage.world.folder.path(), &stage.sender(""));
    for (number, to) in ["x@good.test", "x@lacking.test"].into_iter().enumerate() {
        let answer = peer.ask(&json!({
            "port": receiver.port("submission"), "starttls": true,
            "user": "joe", "password": "secret", "mechanism": "PLAIN",
            "from": "joe@example.test", "to": [to], "message": STANDARD.encode(message(to, "")),
            "mail_options": ["REQUIRETLS"],
        }));
        assert_eq!(answer["refused"], json!({}), "{answer}");
        assert!(answer["features"].get("requiretls").is_some(), "{answer}");
        let (site, at) = [("good", to), ("example", "joe@example.test")][number];
        let mut letters = Vec::new();
        wait(
            to,
            || sender.log(),
            || {
                letters = arrived_under_demand(&mut stage, site, at);
                !letters.is_empty()
            },
        );
        if site == "example" {
            assert!(tells(
                &letters[0],
                to,
                "5.7.30",
                "does not offer REQUIRETLS"
            ));
        }
    }
    // Without TLS there is no demand to be made.
    let answer = peer.ask(&json!({"port": receiver.port("submission")}));
    assert!(answer["features"].get("requiretls").is_none(), "{answer}");
}

/// Policies are ignored, and TLS is used where it can be had (RFC 8689 4.2.2). The demand outranks the wish.
#[test]
fn a_message_that_cares_for_no_policy() {
    let Some(mut stage) = stage() else { return };
    let sender = Service::sender(stage.world.folder.path(), &stage.sender(""));
    let from = "joe@example.test";
    for (name, tls) in [
        ("expired", true),
        ("name", true),
        ("self", true),
        ("clear", false),
    ] {
        let to = format!("x@{name}.test");
        let message = message(&to, "TLS-Required: No\r\n");
        stage.world.submit_with(&[], from, &[&to], &message);
        let mut letters = Vec::new();
        wait(
            name,
            || sender.log(),
            || {
                let all = stage.arrived().iter().filter(|letter| letter.site == name);
                letters = all.cloned().collect();
                !letters.is_empty()
            },
        );
        assert_eq!((letters.len(), letters[0].tls), (1, tls), "{name}");
        assert!(!letters[0].options.contains(&"REQUIRETLS".to_owned()));
    }
    let to = "y@expired.test";
    stage.world.submit_with(
        &["--require-tls"],
        from,
        &[to],
        &message(to, "TLS-Required: No\r\n"),
    );
    let mut told = Vec::new();
    wait(
        to,
        || sender.log(),
        || {
            told = arrived_under_demand(&mut stage, "example", from);
            !told.is_empty()
        },
    );
    assert!(tells(&told[0], to, "5.7.10", "expired"));
    // The policy of that domain was asked for, and that of no other but the sender's own.
    let asked = stage.asked();
    assert_eq!(
        asked,
        json!(["mta-sts.expired.test", "mta-sts.example.test"])
    );
}
