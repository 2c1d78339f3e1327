//! SPF on a zone that the input writes: it ends within its bound, the verdict depends neither on the
//! order of answers nor on how texts are cut into strings, and it is that of a second evaluation.
//!
//! ```text
//! input   = client SP helo SP mail-from LF zone      ; `zone` as in the module of that name
//! ```

use std::net::IpAddr;

use scop_core::{Lookup, UnixTime, lookup};
use scop_spf::{Evaluator, Identity, Limit, Limits, ReasonKind, Request, SpfResult, Verdict};

use crate::check_host::{Outcome, check_host};
use crate::choice::Choice;
use crate::order::Host;
use crate::zone::{Texts, Zone};

/// A session and a zone.
pub fn run(data: &[u8]) {
    let (line, zone) = split_line(data);
    let (ip, helo, mail_from) = session(line);
    let zone = Zone::parse(zone);
    let mut choice = Choice::of(data);
    let mut limits = Limits::DEFAULT;
    limits.resolve_p = choice.one_in(2);
    for identity in [Identity::MailFrom, Identity::Helo] {
        let request = Request {
            ip,
            helo,
            mail_from,
            identity,
            receiver: b"mx.example.net",
            now: UnixTime(1_800_000_000),
        };
        check::<4096>(request, limits, &zone, &mut choice);
        check::<256>(request, limits, &zone, &mut choice);
        if !limits.resolve_p {
            compare(request, limits, &zone);
        }
    }
}

/// The evaluation by another implementation, where there is room for all records.
fn compare(request: Request<'_>, limits: Limits, zone: &Zone) {
    let resolver = zone.open(Texts::Joined);
    let mut machine: Evaluator<'_, 65_535> = Evaluator::new(request, &limits);
    let verdict = lookup::drive(&mut machine, |query| resolver.answer(query));
    let verdict = verdict.expect("it is done");
    if verdict.reason().kind() == ReasonKind::Limit(Limit::Text) {
        return;
    }
    let outcome = Outcome {
        result: verdict.result(),
        counts: (verdict.lookups(), verdict.void_lookups()),
        explanation: verdict.explanation().map(<[u8]>::to_vec),
    };
    assert_eq!(
        outcome,
        check_host(&request, &resolver),
        "{}",
        verdict.reason()
    );
}

/// The first line, without its line end, and the rest.
pub(crate) fn split_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|&byte| byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, b""),
    }
}

/// Client, HELO and MAIL FROM.
pub(crate) fn session(line: &[u8]) -> (IpAddr, &[u8], &[u8]) {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let mut word = || words.next().unwrap_or_default();
    let ip = std::str::from_utf8(word())
        .ok()
        .and_then(|text| text.parse().ok());
    (ip.unwrap_or([192, 0, 2, 1].into()), word(), word())
}

fn check<const TEXT: usize>(
    request: Request<'_>,
    limits: Limits,
    zone: &Zone,
    choice: &mut Choice,
) {
    let mut first = None;
    for (order, texts) in [
        (false, Texts::Joined),
        (true, Texts::Joined),
        (true, Texts::Cut),
    ] {
        let resolver = zone.open(texts);
        let mut machine: Evaluator<'_, TEXT> = Evaluator::new(request, &limits);
        let queries = Host {
            resolve: &|query| resolver.answer(query),
            feed: &mut |_| false,
            most: usize::try_from(limits.max_queries()).expect("it is small"),
        }
        .run(&mut machine, order.then_some(&mut *choice));
        let verdict = machine.verdict().expect("it is done");
        assert_eq!(usize::try_from(verdict.queries()), Ok(queries));
        check_verdict(verdict, limits);
        let outline = outline(verdict);
        assert_eq!(*first.get_or_insert_with(|| outline.clone()), outline);
    }
}

fn check_verdict(verdict: &Verdict<'_>, limits: Limits) {
    assert!(verdict.lookups() <= limits.lookups);
    assert!(verdict.void_lookups() <= limits.void_lookups + 1);
    let reason = verdict.reason().to_string();
    assert!(!reason.chars().any(char::is_control), "{reason}");
    if let Some(explanation) = verdict.explanation() {
        assert_eq!(verdict.result(), SpfResult::Fail);
        assert!(explanation.len() <= limits.explanation.into());
        assert!(explanation.iter().all(|byte| (b' '..=b'~').contains(byte)));
    }
    if verdict.queries() == 0 {
        assert!(matches!(
            verdict.result(),
            SpfResult::None | SpfResult::PermError
        ));
    }
}

/// All but the number of queries: a match saves those that were not handed out yet.
pub(crate) fn outline(verdict: &Verdict<'_>) -> String {
    format!(
        "{} {} {} {} {:?}",
        verdict.result(),
        verdict.reason(),
        verdict.lookups(),
        verdict.void_lookups(),
        verdict
            .explanation()
            .map(<[u8]>::escape_ascii)
            .map(|text| text.to_string()),
    )
}
