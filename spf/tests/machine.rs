//! The machine as a machine: orders of answers, wrong calls, ends, memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "tests"
)]

mod zone;

use scop_core::lookup::Failure;
use scop_core::{Answer, AnswerError, Lookup, QueryId, Rdata, Rtype, Security, Step, Txt};
use scop_spf::{Evaluator, Limit, Limits, ReasonKind, SpfResult};

use crate::zone::{Found, Outcome, check, outcome, request, text_of, zone};

const SENDER: &str = "user@d.test";

fn machine<const TEXT: usize>(limits: Limits) -> Evaluator<'static, TEXT> {
    Evaluator::new(request("192.0.2.1", SENDER), &limits)
}

/// Polls until there is nothing more to ask.
fn open<L: Lookup>(machine: &mut L) -> Vec<QueryId> {
    let mut open = Vec::new();
    while let Step::Query(id) = machine.poll() {
        open.push(id);
    }
    open
}

/// A machine whose mail exchanges m0 to m(`count - 1`) are to be asked.
fn with_exchanges(count: usize, record: &str) -> (Evaluator<'static>, Vec<QueryId>) {
    let mut machine: Evaluator<'_> = machine(Limits::DEFAULT);
    for found in [
        Found::Texts(vec![record.to_owned()]),
        Found::Names((0..count).map(|number| format!("m{number}.test")).collect()),
    ] {
        let [id] = open(&mut machine)[..] else {
            panic!("one query")
        };
        let rtype = machine.query(id).unwrap().rtype;
        found
            .answer(rtype, |answer| machine.answer(id, answer))
            .unwrap();
    }
    let open = open(&mut machine);
    assert_eq!(open.len(), count);
    (machine, open)
}

/// Calls `f` with every order of `0..count`.
fn permutations(count: usize, f: &mut impl FnMut(&[usize])) {
    fn fill(rest: &mut Vec<usize>, order: &mut Vec<usize>, f: &mut impl FnMut(&[usize])) {
        if rest.is_empty() {
            f(order);
        }
        for at in 0..rest.len() {
            let item = rest.remove(at);
            order.push(item);
            fill(rest, order, f);
            order.pop();
            rest.insert(at, item);
        }
    }
    fill(&mut (0..count).collect(), &mut Vec::new(), f);
}

#[test]
fn a_parallel_mx_in_every_order() {
    let own = || Found::Addresses(vec!["192.0.2.1".parse().unwrap()]);
    let other = || Found::Addresses(vec!["192.0.2.2".parse().unwrap()]);
    let failed = Found::Failed;
    for (answers, result, reason, void_lookups) in [
        (
            [other(), other(), other(), other(), other()],
            SpfResult::Fail,
            "-all (term 2 of the record of d.test) matched",
            0,
        ),
        (
            [other(), own(), other(), Found::NxDomain, other()],
            SpfResult::Pass,
            "mx (term 1 of the record of d.test) matched",
            0,
        ),
        (
            [own(), own(), failed(Failure::Timeout), Found::NoData, own()],
            SpfResult::Pass,
            "mx (term 1 of the record of d.test) matched",
            0,
        ),
        (
            [
                other(),
                failed(Failure::Timeout),
                Found::NoData,
                failed(Failure::Refused),
                other(),
            ],
            SpfResult::TempError,
            "mx (term 1 of the record of d.test): its A lookup failed: no reply in time",
            0,
        ),
        (
            [
                Found::NoData,
                Found::NxDomain,
                Found::NoData,
                Found::NoData,
                Found::NoData,
            ],
            SpfResult::Fail,
            "-all (term 2 of the record of d.test) matched",
            1,
        ),
    ] {
        let mut orders = 0;
        permutations(5, &mut |order| {
            orders += 1;
            let (mut machine, ids) = with_exchanges(5, "v=spf1 mx -all");
            for &at in order {
                assert_eq!(machine.poll(), Step::Wait);
                assert!(machine.verdict().is_none());
                let name = text_of(&machine.query(ids[at]).unwrap().name);
                assert_eq!(name, format!("m{at}.test"));
                answers[at]
                    .answer(Rtype::A, |answer| machine.answer(ids[at], answer))
                    .unwrap();
            }
            assert_eq!(machine.poll(), Step::Done);
            let verdict = machine.verdict().unwrap();
            assert_eq!(
                (verdict.result(), verdict.void_lookups()),
                (result, void_lookups)
            );
            assert_eq!(verdict.reason().to_string(), reason);
        });
        assert_eq!(orders, 120);
    }
}

#[test]
fn a_match_ends_the_asking() {
    let lines = "
        d.test TXT v=spf1 mx -all
        d.test MX m0.test
        d.test MX m1.test
        d.test MX m2.test
        m0.test A 192.0.2.2
        m1.test A 192.0.2.1";
    let outcome = check("192.0.2.1", SENDER, lines);
    assert_eq!(outcome.result, SpfResult::Pass);
    assert_eq!(
        outcome.asked,
        ["d.test TXT", "d.test MX", "m0.test A", "m1.test A"]
    );
}

#[test]
fn wrong_calls_change_nothing() {
    let (mut machine, ids) = with_exchanges(3, "v=spf1 mx -all");
    let nothing = || Answer::NxDomain(Security::Secure);
    let stale = QueryId::new(0);
    let never = QueryId::new(ids[2].number() + 1);
    let tagged = ids[1].tagged(2);
    for id in [stale, never, tagged, QueryId::new(u32::MAX)] {
        assert_eq!(machine.query(id), None);
        assert_eq!(machine.answer(id, nothing()), Err(AnswerError));
    }
    assert_eq!(machine.answer(ids[0], nothing()), Ok(()));
    let own = [Rdata::A([192, 0, 2, 1].into())];
    assert_eq!(machine.query(ids[0]), None);
    assert_eq!(
        machine.answer(ids[0], Answer::records(&own)),
        Err(AnswerError)
    );
    assert_eq!(machine.poll(), Step::Wait);
    for id in [ids[1], ids[2]] {
        assert_eq!(machine.answer(id, nothing()), Ok(()));
    }
    // The second answer of m0 was not taken: the exchanges do not match.
    assert_eq!(machine.poll(), Step::Done);
    assert_eq!(machine.poll(), Step::Done);
    for id in ids {
        assert_eq!(machine.query(id), None);
        assert_eq!(machine.answer(id, Answer::records(&own)), Err(AnswerError));
    }
    assert_eq!(machine.verdict().unwrap().result(), SpfResult::Fail);
}

#[test]
fn a_query_is_open_when_it_was_handed_out() {
    let mut machine: Evaluator<'_> = machine(Limits::DEFAULT);
    let first = QueryId::new(0);
    assert_eq!(
        (machine.query(first), machine.verdict().is_none()),
        (None, true)
    );
    assert_eq!(
        machine.answer(first, Answer::NoData(Security::Secure)),
        Err(AnswerError)
    );
    assert_eq!(machine.poll(), Step::Query(first));
    assert!(machine.query(first).is_some());
    assert_eq!(machine.poll(), Step::Wait);
}

#[test]
fn failures_are_temporary_errors() {
    for failure in [
        Failure::AliasChain,
        Failure::Bogus,
        Failure::Malformed,
        Failure::Refused,
        Failure::ServerFailure,
        Failure::Timeout,
    ] {
        let mut machine: Evaluator<'_> = machine(Limits::DEFAULT);
        let id = open(&mut machine)[0];
        machine.answer(id, Answer::Failed(failure)).unwrap();
        let verdict = machine.verdict().unwrap();
        assert_eq!(verdict.result(), SpfResult::TempError);
        assert_eq!(
            verdict.reason().kind(),
            ReasonKind::LookupFailed(Rtype::TXT, failure)
        );
        assert_eq!(
            verdict.reason().to_string(),
            format!("the TXT lookup of d.test failed: {failure}")
        );
    }
}

/// Each query in turn fails, and the evaluation ends there with a temporary error, but for `ptr`.
#[test]
fn every_lookup_can_time_out() {
    let good = "
        d.test TXT v=spf1 include:i.test a:x.test mx:x.test exists:x.test redirect=r.test
        i.test TXT v=spf1 a:y.test
        r.test TXT v=spf1 -all
        x.test A 192.0.2.7
        x.test MX y.test
        y.test A 192.0.2.8";
    let never = check("192.0.2.1", SENDER, &good.replace("exists:x", "exists:z"));
    assert_eq!(never.result, SpfResult::Fail);
    for query in &never.asked {
        let (name, rtype) = query.split_once(' ').unwrap();
        let (mut machine, zone) = (
            machine::<4096>(Limits::DEFAULT),
            zone(&good.replace("exists:x", "exists:z")),
        );
        zone::run(
            &mut machine,
            |at, of| {
                if at == name && of.to_string() == rtype {
                    Found::Failed(Failure::Timeout)
                } else {
                    zone(at, of)
                }
            },
            |_| 0,
        );
        let verdict = machine.verdict().unwrap();
        assert_eq!(
            verdict.result(),
            SpfResult::TempError,
            "{query}: {}",
            verdict.reason()
        );
        assert!(
            verdict.reason().to_string().contains("lookup"),
            "{}",
            verdict.reason()
        );
    }
}

#[test]
fn bogus_data_is_a_failure() {
    let record = [Rdata::Txt(Txt::joined(b"v=spf1 +all"))];
    let Answer::Records(records, _) = Answer::records(&record) else {
        panic!()
    };
    let mut machine: Evaluator<'_> = machine(Limits::DEFAULT);
    let id = open(&mut machine)[0];
    machine
        .answer(id, Answer::Records(records, Security::Bogus))
        .unwrap();
    assert_eq!(machine.verdict().unwrap().result(), SpfResult::TempError);
}

/// A resolver that answers with records of another type says nothing.
#[test]
fn records_of_another_type() {
    let odd = [Rdata::Other {
        rtype: Rtype(65_280),
        data: b"odd",
    }];
    let mut machine: Evaluator<'_> = machine(Limits::DEFAULT);
    let id = open(&mut machine)[0];
    machine.answer(id, Answer::records(&odd)).unwrap();
    assert_eq!(machine.verdict().unwrap().result(), SpfResult::None);
    for term in ["a", "mx", "ptr", "exists:%{d}"] {
        let mut machine: Evaluator<'_> = self::machine(Limits::DEFAULT);
        let id = open(&mut machine)[0];
        let record = format!("v=spf1 {term} ~all");
        let record = [Rdata::Txt(Txt::joined(record.as_bytes()))];
        machine.answer(id, Answer::records(&record)).unwrap();
        let id = open(&mut machine)[0];
        machine.answer(id, Answer::records(&odd)).unwrap();
        assert_eq!(
            machine.verdict().unwrap().result(),
            SpfResult::SoftFail,
            "{term}"
        );
    }
}

#[test]
fn the_text_buffer_is_a_stack() {
    let long = |end: &str| format!("v=spf1 {}{end}", "ip4:203.0.113.9 ".repeat(60)); // 967 and more
    // Ten includes after one another, each of a kilobyte, in two kilobytes.
    let mut lines = "d.test TXT v=spf1".to_owned();
    for number in 0..10 {
        lines += &format!(" include:i{number}.test");
    }
    for number in 0..10 {
        let end = if number == 9 { "+all" } else { "-all" };
        lines += &format!("\ni{number}.test TXT {}", long(end));
    }
    let included = outcome(machine::<1300>(Limits::DEFAULT), &lines);
    assert_eq!(included.result, SpfResult::Pass);
    assert_eq!(
        included.reason,
        "include:i9.test (term 10 of the record of d.test) matched by +all (term 61 of the record of i9.test)"
    );
    // A chain of redirects takes the room of one record.
    let mut lines = String::new();
    for number in 0..9 {
        let owner = if number == 0 {
            "d".to_owned()
        } else {
            format!("r{number}")
        };
        lines += &format!(
            "\n{owner}.test TXT {}",
            long(&format!("redirect=r{}.%{{o1}}", number + 1))
        );
    }
    lines += &format!("\nr9.test TXT {}", long("?a:%{d} -all"));
    lines += "\nr9.test A 192.0.2.9";
    let redirected = outcome(machine::<1300>(Limits::DEFAULT), &lines);
    assert_eq!(redirected.result, SpfResult::Fail);
    assert_eq!(
        redirected.reason,
        "-all (term 62 of the record of r9.test) matched"
    );
    assert_eq!(redirected.asked.last().unwrap(), "r9.test A");
    // Includes within includes need room for all: 3 fit, 4 do not.
    let mut lines = format!("d.test TXT {}", long("include:i1.test"));
    for number in 1..4 {
        lines += &format!(
            "\ni{number}.test TXT {}",
            long(&format!("include:i{}.test", number + 1))
        );
    }
    lines += "\ni4.test TXT v=spf1 +all";
    let nested = outcome(machine::<4050>(Limits::DEFAULT), &lines);
    assert_eq!(nested.result, SpfResult::Pass);
    let nested = outcome(machine::<3000>(Limits::DEFAULT), &lines);
    assert_eq!(nested.result, SpfResult::PermError);
    assert_eq!(
        nested.reason,
        "the record of i3.test: the records do not fit the text buffer"
    );
}

/// Every size of the buffer gives the right result, or says that it is too small.
#[test]
fn every_size_of_the_buffer() {
    fn run<const TEXT: usize>(lines: &str) -> Outcome {
        outcome(machine::<TEXT>(Limits::DEFAULT), lines)
    }
    let lines = "
        d.test TXT v=spf1 a:%{l}.%{d} mx include:i.%{d} exp=why.%{d} -a
        user.d.test A 192.0.2.9
        d.test MX mx.d.test
        mx.d.test A 192.0.2.8
        i.d.test TXT v=spf1 -all
        d.test A 192.0.2.1
        why.d.test TXT %{i} is not ours";
    macro_rules! sizes {
        ($($size:literal)*) => { [$(($size, run::<$size>(lines))),*] };
    }
    let mut fits = 0;
    for (size, outcome) in sizes!(0 3 5 6 10 20 40 55 62 63 70 75 80 85 90 100 110 120 130 150 200)
    {
        if outcome.result == SpfResult::PermError {
            assert!(
                outcome.reason.contains("the records do not fit"),
                "{size}: {}",
                outcome.reason
            );
            assert_eq!(fits, 0, "{size}");
            continue;
        }
        fits += 1;
        assert_eq!(outcome.result, SpfResult::Fail, "{size}");
        assert_eq!(
            outcome.reason,
            "-a (term 5 of the record of d.test) matched"
        );
        if let Some(explanation) = outcome.explanation {
            assert_eq!(explanation, "192.0.2.1 is not ours");
        }
    }
    assert!((3..20).contains(&fits), "{fits}");
}

#[test]
fn nesting_is_bounded() {
    let mut limits = Limits::DEFAULT;
    limits.lookups = 50;
    let deep = |levels: usize| {
        let mut lines =
            format!("d.test TXT v=spf1 include:i1.test\ni{levels}.test TXT v=spf1 +all");
        for number in 1..levels {
            lines += &format!("\ni{number}.test TXT v=spf1 include:i{}.test", number + 1);
        }
        outcome(machine::<4096>(limits), &lines)
    };
    assert_eq!(deep(10).result, SpfResult::Pass);
    let too_deep = deep(11);
    assert_eq!(too_deep.result, SpfResult::PermError);
    assert_eq!(
        too_deep.reason,
        "the record of i11.test: records include one another too deeply"
    );
}

/// What the reason names survives the lookup of the explanation.
#[test]
fn an_explanation_does_not_disturb_the_reason() {
    let lines = "
        d.test TXT v=spf1 -include:i.%{d} exp=why.%{d}
        i.d.test TXT v=spf1 include:j.test
        j.test TXT v=spf1 ~ip4:198.51.100.1 ip4:192.0.2.0/24
        why.d.test TXT 100%% of %{d} say no to %{c} at %{t}";
    let outcome = check("192.0.2.1", SENDER, lines);
    assert_eq!(outcome.result, SpfResult::Fail);
    assert_eq!(
        outcome.reason,
        "-include:i.%{d} (term 1 of the record of d.test) matched by ip4:192.0.2.0/24 (term 2 of the record of j.test)"
    );
    assert_eq!(
        outcome.explanation.unwrap(),
        "100% of d.test say no to 192.0.2.1 at 1400000000"
    );
}

#[test]
fn reasons_name_the_place() {
    for (lines, result, reason) in [
        (
            "d.test A 192.0.2.1",
            SpfResult::None,
            "d.test has no SPF record",
        ),
        (
            "e.test A 192.0.2.1",
            SpfResult::None,
            "d.test does not exist",
        ),
        (
            "d.test TXT v=spf1 a",
            SpfResult::Neutral,
            "no mechanism matched in the record of d.test (RFC 7208 4.7)",
        ),
        (
            "d.test TXT v=spf1 redirect=e.test\ne.test TXT v=spf1",
            SpfResult::Neutral,
            "no mechanism matched in the record of e.test (RFC 7208 4.7)",
        ),
        (
            "d.test TXT v=spf1 mx include:e.test\ne.test TXT v=spf1 a ip4:1.2.3",
            SpfResult::PermError,
            "the record of e.test: no IP address in the usual form (RFC 7208 5.6) at byte 13",
        ),
        (
            "d.test TXT v=spf1 mx include:e.test",
            SpfResult::PermError,
            "include:e.test (term 2 of the record of d.test) leads to no SPF record (RFC 7208 5.2, 6.1)",
        ),
        (
            "d.test TXT v=spf1 redirect=%{h1}.%{d} x=y",
            SpfResult::PermError,
            "redirect=%{h1}.%{d} (term 1 of the record of d.test) leads to no SPF record (RFC 7208 5.2, 6.1)",
        ),
        (
            "d.test TXT v=spf1\nd.test TXT v=spf1 +all",
            SpfResult::PermError,
            "d.test has several SPF records (RFC 7208 4.5)",
        ),
        (
            "d.test TXT v=spf1 include:e.test\ne.test TXT FAIL",
            SpfResult::TempError,
            "include:e.test (term 1 of the record of d.test): its TXT lookup failed: the server failed",
        ),
        (
            "d.test TXT v=spf1 x=y ?a:e.test\ne.test A FAIL",
            SpfResult::TempError,
            "?a:e.test (term 2 of the record of d.test): its A lookup failed: the server failed",
        ),
    ] {
        let outcome = check("192.0.2.1", SENDER, lines);
        assert_eq!((outcome.result, &*outcome.reason), (result, reason));
    }
}

#[test]
fn the_size_of_the_machine() {
    let overhead = size_of::<Evaluator<'_, 4096>>() - 4096;
    eprintln!("Evaluator<4096> has {overhead} octets beside its text");
    assert!(overhead <= 640, "{overhead}");
    assert_eq!(
        Limit::Text.to_string(),
        "the records do not fit the text buffer"
    );
}
