//! The verifier as a machine: any order of calls, wrong calls, and answers of every kind.

use scop_core::{
    Answer, AnswerError, Failure, Lookup, QueryId, Rdata, Rtype, Security, Step, Txt, UnixTime,
};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::sign::SignOptions;
use scop_dkim::verify::{BodyEnded, DkimResult, Limits, Reason, SignatureResult, Verifier};
use scop_mime_core::Message;

use crate::keys::{self, Bytes, NOW, emitted, signed};
use scop_core::Emit;
use scop_dkim::key_record::Publish;

/// Three signatures: with `s=ed`, `s=rsa`, and `s=ed` of another canonicalisation.
fn message() -> Vec<u8> {
    let options = |selector| SignOptions::new(b"example.org", selector).signed_at(NOW);
    let simple = scop_dkim::canonical::Canonicalization::SIMPLE;
    let once = signed(
        b"From: a@example.org\r\nSubject: x\r\n\r\nbody \r\n",
        &keys::ed25519(),
        options(b"ed").canonicalization(simple),
    );
    let twice = signed(&once, &keys::rsa(), options(b"rsa"));
    signed(&twice, &keys::ed25519(), options(b"ed"))
}

fn records() -> [Vec<u8>; 2] {
    [
        emitted(&Publish::ed25519(&keys::ed25519().public_key())),
        emitted(&Publish::rsa(keys::rsa().public_key_der())),
    ]
}

/// What is handed to the machine, in some order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Answer(usize),
    Body(usize),
    End,
}

/// All orders in which the body stays in order.
fn orders() -> Vec<Vec<Event>> {
    fn extend(done: &[Event], left: &[Event], all: &mut Vec<Vec<Event>>) {
        if left.is_empty() {
            all.push(done.to_vec());
        }
        let mut body_seen = false;
        for (at, event) in left.iter().enumerate() {
            let is_body = !matches!(event, Event::Answer(_));
            if is_body && body_seen {
                continue;
            }
            body_seen |= is_body;
            let mut rest = left.to_vec();
            rest.remove(at);
            extend(&[done, &[*event]].concat(), &rest, all);
        }
    }
    let mut all = Vec::new();
    let events = [
        Event::Answer(0),
        Event::Answer(1),
        Event::Answer(2),
        Event::Body(0),
        Event::Body(1),
        Event::End,
    ];
    extend(&[], &events, &mut all);
    all
}

fn poll_all(verifier: &mut Verifier<'_, '_>) -> Vec<QueryId> {
    let mut ids = Vec::new();
    while let Step::Query(id) = verifier.poll() {
        ids.push(id);
    }
    ids
}

/// Runs all orders; `answer` gives the answer to each of the three queries.
fn run(message: &[u8], answer: impl Fn(usize) -> Answer<'static>) -> Vec<Reason> {
    let parts = Message::split(message);
    let (head, tail) = parts.body.split_at(parts.body.len() / 2);
    let mut first = None;
    let orders = orders();
    assert_eq!(orders.len(), 120); // 6! / 3!
    for order in orders {
        let mut verifier = Verifier::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
        assert!(verifier.verdict().is_none());
        let ids = poll_all(&mut verifier);
        assert_eq!(ids.len(), 3);
        for (done, event) in order.iter().enumerate() {
            let step = verifier.poll();
            let may_be_done = order[done..]
                .iter()
                .all(|event| !matches!(event, Event::Answer(_)));
            assert!(
                step == Step::Wait || step == Step::Done && may_be_done,
                "{order:?} after {done}: {step:?}"
            );
            match *event {
                Event::Answer(at) => {
                    let name = verifier.query(ids[at]).unwrap().name.to_string();
                    let selector = ["ed", "rsa", "ed"][at];
                    assert_eq!(name, format!("{selector}._domainkey.example.org."));
                    assert_eq!(verifier.query(ids[at]).unwrap().rtype, Rtype::TXT);
                    assert_eq!(verifier.answer(ids[at], answer(at)), Ok(()));
                    // Not a second time, whatever comes.
                    assert!(verifier.query(ids[at]).is_none());
                    for other in [answer(at), Answer::NxDomain(Security::Secure)] {
                        assert_eq!(verifier.answer(ids[at], other), Err(AnswerError));
                    }
                }
                Event::Body(0) => verifier.body(head).unwrap(),
                Event::Body(_) => verifier.body(tail).unwrap(),
                Event::End => verifier.finish_body().unwrap(),
            }
        }
        assert_eq!(verifier.poll(), Step::Done);
        assert_eq!(verifier.poll(), Step::Done);
        let reasons: Vec<_> = verifier
            .verdict()
            .unwrap()
            .iter()
            .map(SignatureResult::reason)
            .collect();
        let first = first.get_or_insert_with(|| reasons.clone());
        assert_eq!(*first, reasons, "{order:?}");
    }
    first.unwrap()
}

fn leak(text: Vec<u8>) -> &'static [Rdata<'static>] {
    vec![Rdata::Txt(Txt::joined(text.leak()))].leak()
}

#[test]
fn every_order_gives_the_same_verdict() {
    let [ed, rsa] = records().map(leak);
    let keys = [ed, rsa, ed];
    let message = message();
    let good = |at: usize| Answer::records(keys[at]);
    assert_eq!(run(&message, good), [Reason::Verified; 3]);

    // The relaxed body does not see this.
    let text = String::from_utf8(message.clone()).unwrap();
    let changed = text.replace("body \r\n", "body\r\n");
    assert_eq!(
        run(changed.as_bytes(), good),
        [Reason::Verified, Reason::Verified, Reason::BodyHashMismatch]
    );
    let changed = text.replace("body \r\n", "bodies\r\n");
    assert_eq!(run(changed.as_bytes(), good), [Reason::BodyHashMismatch; 3]);
    let changed = text.replace("Subject: x\r\n", "Subject: y\r\n");
    assert_eq!(
        run(changed.as_bytes(), good),
        [Reason::SignatureMismatch; 3]
    );
    let changed = changed.replace("body \r\n", "bodies\r\n");
    assert_eq!(
        run(changed.as_bytes(), good),
        [Reason::SignatureMismatch; 3]
    );
    // The wrong keys.
    assert_eq!(
        run(&message, |at| Answer::records(keys[(at + 1) % 3])),
        [
            Reason::KeyTypeMismatch,
            Reason::KeyTypeMismatch,
            Reason::Verified
        ]
    );
    let timeout = |_| Answer::Failed(Failure::Timeout);
    assert_eq!(
        run(&message, timeout),
        [Reason::KeyUnavailable(Failure::Timeout); 3]
    );
}

#[test]
fn answers_of_every_kind() {
    let [ed, rsa] = records();
    let long = [&ed[..], b"; n=", &[b'x'; 2048]].concat();
    let message = message();
    let odd = [Rdata::Other {
        rtype: Rtype(99),
        data: b"odd",
    }];
    let unavailable = Reason::KeyUnavailable;
    let texts = |texts: &[&[u8]]| -> &'static [Rdata<'static>] {
        let records: Vec<_> = texts
            .iter()
            .map(|text| Rdata::Txt(Txt::joined(text.to_vec().leak())))
            .collect();
        records.leak()
    };
    let empty = |name: &str| {
        use scop_dkim::key_record::{KeyRecord, KeyRecordErrorKind as Kind};
        let kind: Kind = KeyRecord::parse(name.as_bytes()).unwrap_err().kind();
        Reason::KeyRecord(kind)
    };
    for (answer, expected) in [
        (Answer::records(texts(&[&ed])), Reason::Verified),
        // A wildcard brought something else too.
        (
            Answer::records(texts(&[b"v=spf1 -all", &ed, b"hello"])),
            Reason::Verified,
        ),
        (
            Answer::records(texts(&[b"v=spf1 -all"])),
            empty("v=spf1 -all"),
        ),
        (Answer::records(texts(&[b""])), empty("")),
        (Answer::records(texts(&[&ed, &rsa])), Reason::SeveralKeys),
        (Answer::records(texts(&[&ed, &ed])), Reason::SeveralKeys),
        (Answer::records(texts(&[&rsa])), Reason::KeyTypeMismatch),
        (
            Answer::records(texts(&[b"k=ed25519; p="])),
            Reason::KeyRevoked,
        ),
        (
            Answer::records(texts(&[&long])),
            Reason::KeyRecord(scop_dkim::key_record::KeyRecordErrorKind::TextTooLong),
        ),
        (Answer::records(&odd), Reason::KeyNotFound),
        (Answer::records(&[]), Reason::KeyNotFound),
        (Answer::NxDomain(Security::Secure), Reason::KeyNotFound),
        (Answer::NoData(Security::Insecure), Reason::KeyNotFound),
        (
            Answer::NxDomain(Security::Bogus),
            unavailable(Failure::Bogus),
        ),
        (
            Answer::Failed(Failure::ServerFailure),
            unavailable(Failure::ServerFailure),
        ),
        (
            Answer::Failed(Failure::AliasChain),
            unavailable(Failure::AliasChain),
        ),
    ] {
        let parts = Message::split(&message);
        let mut verifier: Verifier<'_, '_> =
            Verifier::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
        let ids = poll_all(&mut verifier);
        for id in ids {
            verifier.answer(id, answer).unwrap();
        }
        verifier.body(parts.body).unwrap();
        verifier.finish_body().unwrap();
        assert_eq!(
            verifier.verdict().unwrap()[0].reason(),
            expected,
            "{answer:?}"
        );
    }
}

#[test]
fn strings_of_a_record_are_joined() {
    let [_, rsa] = records();
    let options = SignOptions::new(b"example.org", b"rsa");
    let message = signed(b"From: a@example.org\r\n\r\n", &keys::rsa(), options);
    for size in [1, 7, 100, 255] {
        let mut rdata = Vec::new();
        for string in rsa.chunks(size) {
            rdata.push(string.len() as u8);
            rdata.extend(string);
        }
        let records = [Rdata::Txt(Txt::parse(&rdata).unwrap())];
        let parts = Message::split(&message);
        let mut verifier: Verifier<'_, '_, 1> =
            Verifier::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
        let Step::Query(id) = verifier.poll() else {
            panic!()
        };
        let answer = Answer::Records(records[..].into(), Security::Secure);
        verifier.answer(id, answer).unwrap();
        verifier.finish_body().unwrap();
        let result = verifier.verdict().unwrap()[0];
        assert_eq!(result.reason(), Reason::Verified);
        assert_eq!(result.key_security(), Security::Secure);
        assert_eq!(result.field_offset(), 0);
        assert!(!result.is_testing());
    }
}

#[test]
fn stale_and_made_up_ids() {
    let message = message();
    let parts = Message::split(&message);
    let mut verifier: Verifier<'_, '_> =
        Verifier::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    let no = Answer::NxDomain(Security::Secure);
    // Not handed out yet.
    assert!(verifier.query(QueryId::new(0)).is_none());
    assert_eq!(verifier.answer(QueryId::new(0), no), Err(AnswerError));
    let ids = poll_all(&mut verifier);
    for id in [
        QueryId::new(3),
        QueryId::new(u32::MAX),
        ids[0].tagged(0),
        QueryId::new(0).tagged(5),
    ] {
        assert!(verifier.query(id).is_none());
        assert_eq!(verifier.answer(id, no), Err(AnswerError));
    }
    assert_eq!(verifier.poll(), Step::Wait);
    assert!(ids.iter().all(|id| verifier.query(*id).is_some()));
}

#[test]
fn the_body_ends_once() {
    let message = message();
    let parts = Message::split(&message);
    let mut verifier: Verifier<'_, '_> =
        Verifier::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    verifier.finish_body().unwrap();
    assert_eq!(verifier.body(b"x"), Err(BodyEnded));
    assert_eq!(verifier.finish_body(), Err(BodyEnded));
    let [ed, rsa] = records().map(leak);
    for (id, key) in poll_all(&mut verifier).into_iter().zip([ed, rsa, ed]) {
        verifier.answer(id, Answer::records(key)).unwrap();
    }
    let reasons: Vec<_> = verifier
        .verdict()
        .unwrap()
        .iter()
        .map(SignatureResult::reason)
        .collect();
    assert_eq!(reasons, [Reason::BodyHashMismatch; 3]);
}

#[test]
fn nothing_is_asked_for_what_is_decided() {
    // Not signed at all: done before the body came, and it may still come.
    let header = Message::split(b"From: a@b\r\n\r\n").header;
    let mut verifier: Verifier<'_, '_> = Verifier::new(header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    assert_eq!(verifier.poll(), Step::Done);
    assert!(verifier.verdict().unwrap().is_empty());
    assert_eq!(verifier.body(b"x"), Ok(()));
    assert_eq!(verifier.finish_body(), Ok(()));

    let header = b"DKIM-Signature: nonsense\r\nFrom: a@b\r\n\r\n";
    let header = Message::split(header).header;
    let mut verifier: Verifier<'_, '_> = Verifier::new(header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    assert_eq!(verifier.poll(), Step::Done);
    let result = verifier.verdict().unwrap()[0];
    assert_eq!(result.result(), DkimResult::PermError);
    assert!(matches!(result.reason(), Reason::Malformed(_)) && result.signature().is_none());
}

#[test]
fn a_copy_goes_its_own_way() {
    let message = message();
    let parts = Message::split(&message);
    let mut verifier: Verifier<'_, '_> =
        Verifier::new(parts.header, RUST_CRYPTO, UnixTime(0), &Limits::DEFAULT);
    // 1970 is long before it was signed.
    assert_eq!(verifier.poll(), Step::Done);
    assert_eq!(
        verifier.clone().verdict().unwrap()[2].reason(),
        Reason::NotYetSigned
    );
    assert_eq!(verifier.clone().finish_body(), Ok(()));
    assert_eq!(verifier.finish_body(), Ok(()));
}

#[test]
fn reasons_read_well() {
    let mut text = Bytes(Vec::new());
    for reason in [
        Reason::BodyHashMismatch,
        Reason::KeyUnavailable(Failure::Timeout),
        Reason::Verified,
    ] {
        scop_core::Sink::put(
            &mut text,
            format!("{}: {reason}\n", reason.result()).as_bytes(),
        )
        .unwrap();
    }
    assert_eq!(
        String::from_utf8(text.0).unwrap(),
        "fail: body hash mismatch\ntemperror: key unavailable: no reply in time\npass: verified\n"
    );
    assert_eq!(
        emitted(&Publish::ed25519(&[0; 32])).len(),
        Publish::ed25519(&[0; 32]).emitted_len()
    );
}
