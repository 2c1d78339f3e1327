use super::*;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::original::MAX_HEADER;
use scop_mime_core::Message;
use scop_mime_core::report::ReportKind;
use scop_mime_core::report::delivery::{DeliveryStatus, StatusField};
use scop_mime_core::report::utf8_address::Utf8Address;

const NOW: UnixTime = UnixTime(1_800_000_000);

struct World {
    folder: PathBuf,
    spool: Spool,
}

impl World {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("scop-dsn-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let spool = Spool::open(&folder.join("spool")).unwrap();
        Self { folder, spool }
    }

    fn entry(&self, envelope: &Envelope, message: &[u8]) -> Entry {
        let id = Id::parse("01j3xk8v00qabcdefghjkmnpqr").unwrap();
        let mut writer = self.spool.write(&id, envelope).unwrap();
        writer.put(message).unwrap();
        writer.commit().unwrap();
        self.spool.read(&id).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn envelope(from: &str, parameters: &str, to: &[(&str, &str)]) -> Envelope {
    let to = to.iter().map(|&(path, parameters)| Recipient {
        path: path.to_owned(),
        parameters: parameters.to_owned(),
    });
    Envelope {
        arrived: UnixTime(NOW.0 - 3_600),
        from: from.to_owned(),
        parameters: parameters.to_owned(),
        to: to.collect(),
        ..Envelope::default()
    }
}

fn failed(reply: &str) -> Fate {
    Fate::Failed {
        failure: Failure {
            status: "5.1.1".to_owned(),
            host: Some("mail.example.org".to_owned()),
            reply: Some(reply.to_owned()),
            why: "mail.example.org refused the recipient".to_owned(),
        },
        attempted: NOW.0 - 1,
    }
}

fn pending() -> Fate {
    Fate::Pending {
        attempts: 3,
        next: NOW.0 + 600,
        failure: Some(Failure {
            status: "4.4.1".to_owned(),
            host: None,
            reply: None,
            why: "no server of example.com could be reached".to_owned(),
        }),
    }
}

fn report() -> Report {
    Report {
        name: "mx.example.net".to_owned(),
        number: 0,
        is_late: true,
        now: NOW,
        end: UnixTime(NOW.0 + 86_400),
    }
}

fn notification(entry: &Entry, fates: Vec<Fate>) -> Rendered {
    let mut state = State::new(&entry.envelope);
    state.recipients = fates;
    let told = told(&entry.envelope, &state, &report());
    render(
        &entry.id.derived(0),
        entry,
        &told,
        &report(),
        *b"sixteen octets!!",
    )
    .unwrap()
}

/// The decoded octets of a part, and its media type.
fn part(octets: &[u8], path: &[usize]) -> (Vec<u8>, String) {
    let message = Message::index(octets);
    let part = message.part(path).unwrap();
    let mut decoded = Vec::new();
    part.decode(&mut decoded).unwrap();
    let raw = part
        .header()
        .fields()
        .find(|field| field.is(b"Content-Type"));
    let value = raw.map(|field| String::from_utf8_lossy(field.value()).trim().to_owned());
    (decoded, value.unwrap_or_default())
}

const MESSAGE: &[u8] = b"From: Joe <joe@example.net>\r\nTo: ann@example.org\r\nSubject: Caf\xc3\xa9\r\nMessage-ID: <1@example.net>\r\n\r\nHello\r\n";

#[test]
fn a_notification_octet_for_octet() {
    let world = World::new();
    let envelope = envelope(
        "<joe@example.net>",
        "RET=HDRS ENVID=QQ+2B314159",
        &[
            (
                "<ann@example.org>",
                "NOTIFY=FAILURE ORCPT=rfc822;Ann+2Bx@Example.ORG",
            ),
            ("<bob@example.com>", ""),
            ("<carol@example.com>", "NOTIFY=FAILURE"),
            ("<dave@example.org>", "NOTIFY=SUCCESS"),
        ],
    );
    let relayed = Fate::Relayed {
        host: "mail.example.org".to_owned(),
        reply: "250 2.0.0 taken".to_owned(),
        at: NOW.0 - 2,
    };
    let entry = world.entry(&envelope, MESSAGE);
    let fates = vec![
        failed("550 5.1.1 <ann@example.org>: no such user here, says \u{1b}[31mcaf\u{e9}"),
        pending(),
        pending(),
        relayed,
    ];
    let rendered = notification(&entry, fates);
    assert_eq!(rendered.parameters, "");
    let golden = include_str!("golden.eml").replace('\n', "\r\n");
    assert_eq!(String::from_utf8(rendered.octets).unwrap(), golden);
}

#[test]
fn a_notification_is_read_back() {
    let world = World::new();
    let to = [
        ("<ann@example.org>", "ORCPT=rfc822;Ann@Example.ORG"),
        ("<bob@example.com>", ""),
        ("<Postmaster>", ""),
    ];
    let entry = world.entry(&envelope("<joe@example.net>", "ENVID=x", &to), MESSAGE);
    let rendered = notification(&entry, vec![failed("550 no"), pending(), failed("550 no")]);
    let message = Message::strict(&rendered.octets).unwrap();
    let content = message.part(&[]).unwrap();
    assert!(content.content_type().is(b"multipart", b"report"));
    assert_eq!(message.parts().count(), 4);
    let status = message.part(&[2]).unwrap();
    assert_eq!(
        ReportKind::of(&status.content_type()),
        Some(ReportKind::DeliveryStatus)
    );
    let (body, _) = part(&rendered.octets, &[2]);
    let status = DeliveryStatus::new(&body);
    assert!(
        status
            .blocks()
            .flat_map(|block| block.fields().fields().collect::<Vec<_>>())
            .all(|field| StatusField::of(&field).error().is_none())
    );
    assert!(
        status
            .message()
            .unwrap()
            .reporting_mta()
            .unwrap()
            .text()
            .is(b"mx.example.net")
    );
    let recipients: Vec<_> = status.recipients().collect();
    let actions: Vec<_> = recipients.iter().map(|it| it.action().unwrap()).collect();
    assert_eq!(actions, [Action::Failed, Action::Delayed, Action::Failed]);
    assert!(
        recipients[0]
            .original_recipient()
            .unwrap()
            .text()
            .is(b"Ann@Example.ORG")
    );
    assert!(
        recipients[2]
            .final_recipient()
            .unwrap()
            .text()
            .is(b"postmaster@mx.example.net")
    );
    assert!(recipients[1].remote_mta().is_none() && recipients[1].diagnostic_code().is_none());
    assert!(
        recipients[1]
            .fields()
            .any(|field| matches!(field, StatusField::WillRetryUntil(_)))
    );
    let (header, media) = part(&rendered.octets, &[3]);
    assert!(media.starts_with("text/rfc822-headers"), "{media}");
    assert_eq!(header, &MESSAGE[..MESSAGE.len() - 9]);
}

#[test]
fn the_whole_message_is_given_back_where_that_is_asked_for() {
    let world = World::new();
    let entry = world.entry(
        &envelope(
            "<joe@example.net>",
            "RET=FULL",
            &[("<ann@example.org>", "")],
        ),
        MESSAGE,
    );
    let rendered = notification(&entry, vec![failed("550 no")]);
    // A header with UTF-8 cannot go without SMTPUTF8: it is encoded, and alone.
    assert_eq!(rendered.parameters, "");
    assert!(
        part(&rendered.octets, &[3])
            .1
            .starts_with("text/rfc822-headers")
    );
    drop(world);

    for (body, parameters) in [(&b"Hello\r\n"[..], ""), (b"Caf\xe9\r\n", "BODY=8BITMIME")] {
        let world = World::new();
        let message = [&b"From: joe@example.net\r\n\r\n"[..], body].concat();
        let entry = world.entry(
            &envelope(
                "<joe@example.net>",
                "RET=FULL",
                &[("<ann@example.org>", "")],
            ),
            &message,
        );
        let rendered = notification(&entry, vec![failed("550 no")]);
        assert_eq!(rendered.parameters, parameters);
        assert!(part(&rendered.octets, &[3]).1.starts_with("message/rfc822"));
        assert!(
            rendered
                .octets
                .windows(message.len())
                .any(|window| window == message)
        );
        // A notification of a delay gives back the header only (RFC 3461 4.3).
        let rendered = notification(&entry, vec![pending()]);
        assert!(
            part(&rendered.octets, &[3])
                .1
                .starts_with("text/rfc822-headers")
        );
    }
}

#[test]
fn what_is_too_long_or_no_mail_is_left_out_and_the_text_says_so() {
    let long = [&b"X: "[..], &vec![b'a'; MAX_HEADER], b"\r\n\r\nHello\r\n"].concat();
    for message in [&long[..], b"\r\nno header\r\n"] {
        let world = World::new();
        let entry = world.entry(
            &envelope("<joe@example.net>", "", &[("<ann@example.org>", "")]),
            message,
        );
        let rendered = notification(&entry, vec![failed("550 no")]);
        assert_eq!(Message::index(&rendered.octets).parts().count(), 3);
        let text = String::from_utf8(part(&rendered.octets, &[1]).0).unwrap();
        assert!(
            text.ends_with("What follows is the same for programs.\r\n"),
            "{text}"
        );
    }
    // NUL cannot be in a message: its header is given back.
    let world = World::new();
    let entry = world.entry(
        &envelope(
            "<joe@example.net>",
            "RET=FULL",
            &[("<ann@example.org>", "")],
        ),
        b"From: a@b.example\r\n\r\n\0\r\n",
    );
    let rendered = notification(&entry, vec![failed("550 no")]);
    assert!(
        part(&rendered.octets, &[3])
            .1
            .starts_with("text/rfc822-headers")
    );
}

#[test]
fn addresses_that_are_not_ascii() {
    let to = [(
        "<m\u{fc}ller@example.org>",
        "ORCPT=utf-8;m\\x{FC}ller@example.org",
    )];
    // Told to an address that is ASCII, in ASCII.
    let world = World::new();
    let entry = world.entry(&envelope("<joe@example.net>", "SMTPUTF8", &to), MESSAGE);
    let rendered = notification(&entry, vec![failed("550 no")]);
    assert_eq!(rendered.parameters, "");
    let (body, media) = part(&rendered.octets, &[2]);
    assert!(
        body.is_ascii() && media.starts_with("message/delivery-status"),
        "{media}"
    );
    let recipient = DeliveryStatus::new(&body).recipients().next().unwrap();
    assert_eq!(
        Utf8Address::of(&recipient.final_recipient().unwrap())
            .unwrap()
            .to_string(),
        "m\u{fc}ller@example.org"
    );
    drop(world);

    let world = World::new();
    let entry = world.entry(
        &envelope("<jos\u{e9}@example.net>", "SMTPUTF8", &to),
        MESSAGE,
    );
    let rendered = notification(&entry, vec![failed("550 no")]);
    assert_eq!(rendered.parameters, "BODY=8BITMIME SMTPUTF8");
    let (body, media) = part(&rendered.octets, &[2]);
    assert!(
        media.starts_with("message/global-delivery-status"),
        "{media}"
    );
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("Final-Recipient: utf-8; m\u{fc}ller@example.org\r\n")
    );
    let (header, media) = part(&rendered.octets, &[3]);
    assert!(
        media.starts_with("message/global-headers") && header.starts_with(b"From: Joe"),
        "{media}"
    );
    let text = String::from_utf8(rendered.octets).unwrap();
    assert!(
        text.contains("To: jos\u{e9}@example.net\r\n")
            && text.contains("report-type=global-delivery-status")
    );
}

#[test]
fn words_of_others_stay_one_line() {
    let world = World::new();
    let entry = world.entry(
        &envelope("<joe@example.net>", "", &[("<ann@example.org>", "")]),
        MESSAGE,
    );
    for reply in [
        "550 a\r\nAction: delivered\r\n\r\nFinal-Recipient: rfc822; x@y.example",
        &"x".repeat(5_000),
        "\u{0}\u{85}\u{2028}",
        "",
    ] {
        let rendered = notification(&entry, vec![failed(reply)]);
        let (body, _) = part(&rendered.octets, &[2]);
        let status = DeliveryStatus::new(&body);
        assert_eq!(status.recipients().count(), 1);
        assert_eq!(
            status.recipients().next().unwrap().action(),
            Some(Action::Failed)
        );
    }
}

#[test]
fn the_same_is_committed_once() {
    let world = World::new();
    let entry = world.entry(
        &envelope("<joe@example.net>", "", &[("<ann@example.org>", "")]),
        MESSAGE,
    );
    let mut state = State::new(&entry.envelope);
    state.recipients = vec![failed("550 no")];
    let bounces = Spool::open(&world.folder.join("bounces")).unwrap();
    let first = commit(&bounces, &entry, &state, &report())
        .unwrap()
        .unwrap();
    let again = commit(&bounces, &entry, &state, &report())
        .unwrap()
        .unwrap();
    assert_eq!((first.id, first.kinds), (again.id, vec!["failure"]));
    assert_eq!(bounces.scan().unwrap().len(), 1);
    // A beginning that was left by a killed process is no notification.
    let other = Spool::open(&world.folder.join("other")).unwrap();
    fs::write(
        world.folder.join(format!(
            "other/queue/.{}",
            name(&entry, &report(), true, true)
        )),
        b"",
    )
    .unwrap();
    let made = commit(&other, &entry, &state, &report()).unwrap().unwrap();
    assert!(other.has_own(&made.id).unwrap());
    // Nor is what another user put in under its name, such as this folder.
    let third = Spool::open(&world.folder.join("third")).unwrap();
    let taken = name(&entry, &report(), true, true);
    fs::create_dir(world.folder.join(format!("third/queue/{taken}"))).unwrap();
    let made = commit(&third, &entry, &state, &report()).unwrap().unwrap();
    assert!(made.id != taken && third.has_own(&made.id).unwrap());
}

#[test]
fn what_came_in_secret_goes_back_in_secret() {
    let world = World::new();
    let to = [("<ann@example.org>", "")];
    let entry = world.entry(
        &envelope("<joe@example.net>", "REQUIRETLS RET=HDRS", &to),
        MESSAGE,
    );
    let rendered = notification(&entry, vec![failed("550 no")]);
    assert_eq!(rendered.parameters, "REQUIRETLS");
}

/// RFC 8689 5: REQUIRETLS outranks RET=FULL.
#[test]
fn what_came_in_secret_is_not_given_back_whole() {
    for (parameters, expected) in [
        ("RET=FULL", "message/rfc822"),
        ("RET=FULL REQUIRETLS", "text/rfc822-headers"),
        ("requiretls RET=FULL", "text/rfc822-headers"),
    ] {
        let world = World::new();
        let to = [("<ann@example.org>", "")];
        let message = b"From: joe@example.net\r\n\r\nHello\r\n";
        let entry = world.entry(&envelope("<joe@example.net>", parameters, &to), message);
        let rendered = notification(&entry, vec![failed("550 no")]);
        let media_type = part(&rendered.octets, &[3]).1;
        assert!(
            media_type.starts_with(expected),
            "{parameters}: {media_type}"
        );
    }
}

/// A process is killed when it has told of a delay, and before it noted so: what comes next is told all the same.
#[test]
fn a_notification_of_a_delay_does_not_pass_for_one_of_a_failure() {
    let world = World::new();
    let to = [("<ann@example.org>", ""), ("<bob@example.org>", "")];
    let entry = world.entry(&envelope("<joe@example.net>", "", &to), MESSAGE);
    let bounces = Spool::open(&world.folder.join("bounces")).unwrap();
    let soon = Report {
        is_late: false,
        ..report()
    };
    let mut state = State::new(&entry.envelope);
    state.recipients = vec![pending(), pending()];
    let late = commit(&bounces, &entry, &state, &report()).unwrap();
    let late = late.unwrap().id;
    state.recipients = vec![failed("550 no"), pending()];
    let failure = commit(&bounces, &entry, &state, &soon).unwrap();
    let failure = failure.unwrap().id;
    assert_ne!(late, failure);
    assert_eq!(bounces.scan().unwrap().len(), 2);
    // One that told of both is found again, whatever it is looked for.
    let other = Spool::open(&world.folder.join("other")).unwrap();
    let both = commit(&other, &entry, &state, &report()).unwrap();
    let again = commit(&other, &entry, &state, &soon).unwrap();
    assert_eq!(both.unwrap().id, again.unwrap().id);
    assert_eq!(other.scan().unwrap().len(), 1);
}

/// Whatever is in the envelope, the message and the words of servers: there is a notification, and it has the form of
/// one.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table of what is foreign, and what is looked at"
)]
fn nothing_foreign_breaks_a_notification() {
    let long = "x".repeat(3_000);
    let words = format!("550 {long}");
    let spaces = " ".repeat(700);
    let replies = [
        "",
        " ",
        "550",
        "550 a\r\nFrom: x\r\n\r\n--b",
        "550 \u{0}\u{1b}[31m\u{202e}\u{e9}",
        "550 (((( \"",
        &words,
        &spaces,
    ];
    let parameters = [
        "",
        "ENVID=+20",
        "ENVID=+20+20x+20",
        "ENVID=+28+28+22+5C",
        "ENVID=x+0D+0AFrom:+20y",
        "ENVID=+00",
        "ENVID=a  REQUIRETLS",
        "RET=FULL ENVID=--b",
        "RET=",
    ];
    let recipient = [
        "",
        "ORCPT=rfc822;+20",
        "ORCPT=rfc822;+28",
        "ORCPT=rfc822;a+0D+0AFinal-Recipient:+20rfc822;b",
        "ORCPT=utf-8;\u{202e}\u{e9}@example.org",
        "ORCPT=utf-8;\\x{D}\\x{A}@example.org",
        "ORCPT=x;",
        "ORCPT=;;;;",
    ];
    let paths = [
        "<ann@example.org>",
        "<\"a\\\" b\"@example.org>",
        "<@a.example,@b.example:ann@example.org>",
        "<ann@[192.0.2.1]>",
        "<caf\u{e9}@example.org>",
        "<\u{202e}@example.org>",
        "<a b c>",
        "<postmaster>",
        &format!("<{}@example.org>", "x".repeat(240)),
    ];
    let messages: [&[u8]; 9] = [
        b"",
        b"\r\n",
        b"Hello",
        b"A: b\r\n\r\n--b\r\n--b--\r\n",
        b"A: b\nC: d\r\rE\n\r\n",
        b"A: \xff\x00\r\n\r\n\x00\xff\n",
        b": x\r\n\r\nx",
        &[b'x'; 5_000],
        &[&b"A: "[..], &[b'x'; 5_000], b"\r\n\r\n", &[b'y'; 5_000]].concat(),
    ];
    for from in ["<joe@example.net>", "<jos\u{e9}@example.net>"] {
        for (turn, path) in paths.iter().enumerate() {
            for (index, message) in messages.iter().enumerate() {
                let pick = |list: &[&str], step: usize| {
                    list[(index + turn * step) % list.len()].to_owned()
                };
                let parameters = pick(&parameters, 2);
                let of_recipient = pick(&recipient, 3);
                let to = [(*path, of_recipient.as_str()), ("<bob@example.org>", "")];
                let world = World::new();
                let entry = world.entry(&envelope(from, &parameters, &to), message);
                let fate = |reply: String| Fate::Failed {
                    failure: Failure {
                        status: "5.1.1".to_owned(),
                        host: Some(reply.clone()),
                        reply: Some(reply.clone()),
                        why: reply,
                    },
                    attempted: u64::MAX,
                };
                let rendered = notification(
                    &entry,
                    vec![fate(pick(&replies, 1)), fate(pick(&replies, 5))],
                );
                let case = format!("{from} {path:.40} {parameters} {of_recipient} {index}");
                let octets = &rendered.octets;
                assert!(octets.ends_with(b"\r\n") && !octets.contains(&0), "{case}");
                for line in octets.split_inclusive(|&octet| octet == b'\n') {
                    let line = line.strip_suffix(b"\r\n");
                    assert!(
                        line.is_some_and(|line| line.len() <= 998 && !line.contains(&b'\r')),
                        "{case}"
                    );
                }
                assert!(
                    !rendered.parameters.is_empty() || octets.is_ascii(),
                    "{case}"
                );
                let (status, media_type) = part(octets, &[2]);
                assert!(media_type.starts_with("message/"), "{case}: {media_type}");
                let status = String::from_utf8(status).unwrap();
                let count =
                    |name: &str| status.lines().filter(|line| line.starts_with(name)).count();
                assert!((1..=2).contains(&count("Final-Recipient:")), "{case}");
                assert_eq!(count("From:"), 0, "{case}");
            }
        }
    }
}
