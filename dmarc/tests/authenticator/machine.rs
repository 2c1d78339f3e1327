//! The machine as a machine: any order of answers and body, wrong ids, failures, and its bounds.

use std::sync::LazyLock;

use proptest::prelude::*;
use scop_core::{Answer, Failure, Lookup, Query, QueryId, Rdata, Rtype, Security, Step, Txt};
use scop_crypto::RUST_CRYPTO;
use scop_dmarc::authenticator::{BodyEnded, Limits, Part, Verdict};
use scop_dmarc::{Authenticator, DmarcResult};
use scop_mime_core::Message;
use scop_spf::SpfResult;

use crate::signing::{EVIL_KEY, GOOD_KEY, key_record, sign};
use crate::zone::{GOOD, Machine, NOW, Session, Zone, machine};

const SERVER: Session<'static> = Session {
    ip: GOOD,
    helo: b"mx.example.org",
    mail_from: b"bounce@mail.example.org",
};

fn zone() -> Zone {
    Zone::default()
        .txt(
            "mail.example.org",
            "v=spf1 a:mx.example.org include:_spf.example.org ~all",
        )
        .txt("_spf.example.org", "v=spf1 ip4:192.0.2.25 -all")
        .txt("mx.example.org", "v=spf1 a -all")
        .a("mx.example.org", [192, 0, 2, 9])
        .txt(
            "_dmarc.example.org",
            "v=DMARC1; p=none; sp=quarantine; np=reject",
        )
        .txt("s._domainkey.example.org", &key_record(GOOD_KEY))
        .txt("s._domainkey.sub.example.org", &key_record(GOOD_KEY))
        .txt("s._domainkey.evil.example", &key_record(EVIL_KEY))
}

/// Three signatures, made once.
static MESSAGE: LazyLock<String> = LazyLock::new(|| {
    let message = "From: a@news.example.org\r\n\r\nHello\r\nWorld\r\n";
    let message = sign(message, "sub.example.org", "s", GOOD_KEY, "");
    let message = sign(&message, "evil.example", "s", EVIL_KEY, "");
    sign(&message, "example.org", "s", EVIL_KEY, "")
});

static ZONE: LazyLock<Zone> = LazyLock::new(zone);

/// All that a verdict says, to compare.
fn sum(verdict: &Verdict<'_, '_>) -> String {
    let dkim: Vec<_> = verdict
        .dkim()
        .iter()
        .enumerate()
        .map(|(index, result)| (result.reason(), verdict.dkim_alignment(index)))
        .collect();
    let spf = |verdict: Option<&scop_spf::Verdict<'_>>| {
        verdict.map(|verdict| (verdict.result(), verdict.reason().to_string()))
    };
    format!(
        "{} {} {:?} {:?} {dkim:?} {:?} {:?} {:?} {:?}",
        verdict.result(),
        verdict.reason(),
        verdict.request(),
        verdict.existence(),
        spf(verdict.helo()),
        spf(verdict.mail_from()),
        verdict.spf_alignment(),
        verdict.organizational_domain(),
    )
}

/// Whether `nth` query fails, and in which order answers and body come: `choices` picks what is next.
fn run(choices: &[u8], fails: impl Fn(usize) -> bool) -> (String, usize) {
    let message = Message::split(MESSAGE.as_bytes());
    let mut machine = machine(&message, Some(SERVER));
    let mut open: Vec<QueryId> = Vec::new();
    let mut closed: Vec<QueryId> = Vec::new();
    let mut choices = choices.iter().copied().chain(core::iter::repeat(0));
    let mut body = Some(message.body);
    for _ in 0..10_000 {
        match machine.poll() {
            Step::Query(id) => {
                assert!(
                    !open.contains(&id) && !closed.contains(&id),
                    "{id:?} comes twice"
                );
                assert!(machine.query(id).is_some());
                open.push(id);
            }
            Step::Wait => {
                assert!(machine.verdict().is_none());
                let options = open.len() + usize::from(body.is_some());
                assert!(options > 0, "it waits for nothing");
                let choice = usize::from(choices.next().unwrap_or(0)) % options;
                if choice == open.len() {
                    feed(&mut machine, &mut body, choices.next().unwrap_or(0));
                } else {
                    let id = open.remove(choice);
                    let answer = if fails(closed.len()) {
                        Answer::Failed(Failure::Timeout)
                    } else {
                        ZONE.answer(machine.query(id).unwrap())
                    };
                    machine.answer(id, answer).unwrap();
                    closed.push(id);
                }
                refuses(&mut machine, &closed);
            }
            Step::Done => {
                refuses(&mut machine, &closed);
                assert_eq!(machine.poll(), Step::Done);
                let verdict = machine.verdict().expect("a verdict");
                return (sum(verdict), closed.len() + open.len());
            }
        }
    }
    panic!("it does not end");
}

fn feed(machine: &mut Machine<'_>, body: &mut Option<&[u8]>, cut: u8) {
    let rest = body.unwrap();
    let (chunk, rest) = rest.split_at(usize::from(cut).min(rest.len()));
    machine.body(chunk).unwrap();
    if rest.is_empty() {
        machine.finish_body().unwrap();
        assert_eq!(machine.body(b"x"), Err(BodyEnded));
        assert_eq!(machine.finish_body(), Err(BodyEnded));
        *body = None;
    } else {
        *body = Some(rest);
        if cut == 0 {
            // Nothing taken: the rest follows at once, so that the run ends.
            machine.body(rest).unwrap();
            machine.finish_body().unwrap();
            *body = None;
        }
    }
}

/// Ids that were answered, and ids that never were.
fn refuses(machine: &mut Machine<'_>, closed: &[QueryId]) {
    let made_up = [
        QueryId::new(0),
        QueryId::new(0).tagged(9),
        QueryId::new(77).tagged(0).tagged(3),
        QueryId::new(77).tagged(1).tagged(3),
        QueryId::new(77).tagged(2),
        QueryId::new(0).tagged(2).tagged(3),
    ];
    for &id in closed.iter().chain(&made_up) {
        assert!(machine.query(id).is_none(), "{id:?}");
        let refused = machine.answer(id, Answer::NxDomain(Security::Secure));
        assert!(refused.is_err(), "{id:?}");
    }
}

#[test]
fn the_expected_verdict() {
    let (verdict, queries) = run(&[], |_| false);
    assert!(
        verdict.starts_with("pass SPF passed and is aligned"),
        "{verdict}"
    );
    // SPF: 2 and 3; DKIM: 3; the walk: 3; existence: 1; borders below example.org: 2.
    assert_eq!(queries, 14, "{verdict}");
}

proptest! {
    #[test]
    fn any_order(choices: Vec<u8>) {
        prop_assert_eq!(run(&choices, |_| false), run(&[], |_| false));
    }

    #[test]
    fn any_failures(choices: Vec<u8>, failing: u64) {
        let (verdict, _) = run(&choices, |nth| failing >> (nth % 64) & 1 == 1);
        prop_assert!(!verdict.starts_with("none"), "{}", verdict);
    }
}

#[test]
fn each_query_fails_in_turn_and_all_of_them() {
    let (_, queries) = run(&[], |_| false);
    for failing in 0..queries {
        let _ = run(&[], |nth| nth == failing);
    }
    let (verdict, _) = run(&[], |_| true);
    assert!(
        verdict.starts_with("temperror a DMARC lookup failed"),
        "{verdict}"
    );
}

#[test]
fn each_query_tells_its_part() {
    let message = Message::split(MESSAGE.as_bytes());
    let mut machine = machine(&message, Some(SERVER));
    machine.finish_body().unwrap();
    let mut asked = Vec::new();
    while let Step::Query(id) = machine.poll() {
        let query = machine.query(id).unwrap();
        asked.push((Part::of(id).unwrap(), query.name.to_string()));
        machine.answer(id, ZONE.answer(query)).unwrap();
    }
    for (part, name) in [
        (Part::Helo, "mx.example.org."),
        (Part::MailFrom, "_spf.example.org."),
        (Part::Dkim, "s._domainkey.evil.example."),
        (Part::Dmarc, "_dmarc.news.example.org."),
    ] {
        assert!(asked.contains(&(part, name.to_owned())), "{asked:?}");
    }
    assert_eq!(Part::of(QueryId::new(0)), None);
    assert_eq!(Part::of(QueryId::new(0).tagged(4)), None);
}

#[test]
fn it_waits_for_the_body() {
    let message = Message::split(MESSAGE.as_bytes());
    let mut machine = machine(&message, None);
    while let Step::Query(id) = machine.poll() {
        let answer = ZONE.answer(machine.query(id).unwrap());
        machine.answer(id, answer).unwrap();
    }
    assert_eq!(machine.poll(), Step::Wait);
    assert!(machine.verdict().is_none());
    machine.body(message.body).unwrap();
    assert_eq!(machine.poll(), Step::Wait);
    machine.finish_body().unwrap();
    while let Step::Query(id) = machine.poll() {
        assert!(machine.verdict().is_none());
        let answer = ZONE.answer(machine.query(id).unwrap());
        machine.answer(id, answer).unwrap();
    }
    assert_eq!(machine.poll(), Step::Done);
    assert_eq!(machine.verdict().unwrap().result(), DmarcResult::Pass);
}

/// What the README says.
#[test]
fn sizes() {
    assert!(size_of::<Authenticator<'_, '_>>() <= 16_000);
    assert!(size_of::<Authenticator<'_, '_, 3, 1024>>() <= 6_000);
    assert_eq!(Limits::DEFAULT.max_queries(10), 320);
}

/// A message and a zone made to cost as much as they can.
#[test]
fn the_most_queries() {
    // All lie below the organizational domain `z`, whose record has the author looked up. All that
    // passes lies behind a border at `h.z`, the last name that is asked for each.
    let author = "a.b.c.d.e.f.g.i.z";
    let mut text = format!("From: x@{author}\r\n\r\nHello\r\n");
    for number in 0..12 {
        text = sign(
            &text,
            &format!("k{number}.b.c.d.e.f.g.h.z"),
            "s",
            GOOD_KEY,
            "",
        );
    }
    let message = Message::split(text.as_bytes());
    let from = Session {
        ip: GOOD,
        helo: b"helo.z",
        mail_from: b"x@m.b.c.d.e.f.g.h.z",
    };
    let mut machine = Authenticator::<10, 4096>::new(
        message.header,
        Some(from.connection()),
        RUST_CRYPTO,
        NOW,
        &Limits::DEFAULT,
    );
    machine.body(message.body).unwrap();
    machine.finish_body().unwrap();

    let txt = |text: String| [Rdata::Txt(Txt::joined(text.leak().as_bytes()))];
    let terms = |last: u8| {
        let terms: Vec<_> = (0..=last).map(|n| format!(" mx:t{n}.z")).collect();
        terms.concat()
    };
    let helo = txt(format!("v=spf1{} exp=exp.z -all", terms(9)));
    let mail_from = txt(format!("v=spf1{} mx:last.z -all", terms(8)));
    let key = txt(key_record(GOOD_KEY));
    let dmarc = txt("v=DMARC1; p=none; np=reject".to_owned());
    let border = txt("v=DMARC1; psd=n".to_owned());
    let explanation = txt("no".to_owned());
    let exchange = |name: String| {
        let name = scop_core::NameBuf::from_text(name.as_bytes()).unwrap();
        let name = Box::leak(Box::new(name));
        Rdata::Mx {
            preference: 1,
            exchange: name.as_name(),
        }
    };
    let hosts: Vec<_> = (0..10).map(|n| exchange(format!("h{n}.z"))).collect();
    let last: Vec<_> = (0..10).map(|n| exchange(format!("l{n}.z"))).collect();
    let (other, own) = ([Rdata::A([1, 2, 3, 4].into())], [Rdata::A(GOOD.into())]);
    // Keys and the questions of DMARC, not the prologue of SPF.
    let answer = |query: Query<'_>| {
        let name = query.name.to_string();
        match (name.as_str(), query.rtype) {
            ("_dmarc.z.", _) => Answer::records(&dmarc),
            ("_dmarc.h.z.", _) => Answer::records(&border),
            ("helo.z.", _) => Answer::records(&helo),
            ("m.b.c.d.e.f.g.h.z.", _) => Answer::records(&mail_from),
            ("exp.z.", _) => Answer::records(&explanation),
            ("last.z.", _) => Answer::records(&last),
            ("l9.z.", _) => Answer::records(&own),
            (_, Rtype::MX) => Answer::records(&hosts),
            (name, Rtype::TXT) if name.starts_with("s._domainkey") => Answer::records(&key),
            (name, _) if name.starts_with("_dmarc") || name == "a.b.c.d.e.f.g.i.z." => {
                Answer::NxDomain(Security::Indeterminate)
            }
            _ => Answer::records(&other),
        }
    };
    let mut asked = Vec::new();
    let mut open = Vec::new();
    loop {
        match machine.poll() {
            Step::Query(id) => open.push(id),
            Step::Wait => {
                let id = open.remove(0);
                let query = machine.query(id).unwrap();
                asked.push((query.name.to_string(), query.rtype));
                machine.answer(id, answer(query)).unwrap();
            }
            Step::Done => break,
        }
    }
    let verdict = machine.verdict().unwrap();
    assert_eq!(verdict.helo().unwrap().result(), SpfResult::Fail);
    assert_eq!(verdict.spf().unwrap().result(), SpfResult::Pass);
    assert_eq!(verdict.dkim().len(), 10);
    assert_eq!(verdict.skipped_signatures(), 2);
    assert_eq!(verdict.result(), DmarcResult::Fail);
    let count = |begins: &str| {
        asked
            .iter()
            .filter(|(name, _)| name.starts_with(begins))
            .count()
    };
    assert_eq!(count("_dmarc."), 8 + 11 * 7);
    assert_eq!(count("a.b.c.d.e.f.g.i.z"), 1);
    assert_eq!(count("s._domainkey"), 10);
    // Only a check that fails has an explanation, so two checks cannot both ask for one and pass.
    let most = usize::try_from(Limits::DEFAULT.max_queries(10)).unwrap();
    assert_eq!(asked.len(), most - 1);
}
