//! Received-SPF: what is written is one field that says what it was made of; what is read is what a
//! naive reader finds, or is refused.

use scop_core::{Answer, Emit, Lookup, Rdata, Txt, UnixTime, lookup};
use scop_mime_core::HeaderBlock;
use scop_spf::{Evaluator, Identity, Limits, ReceivedSpf, ReceivedSpfView, Request, SpfResult};

use crate::choice::Choice;
use crate::date::unfold;

/// The value of a field; also what a client says, between bars.
pub fn run(data: &[u8]) {
    check_reading(data);
    check_writing(data);
}

fn check_reading(data: &[u8]) {
    let view = match ReceivedSpfView::parse(data) {
        Ok(view) => view,
        Err(error) => return assert!(error.offset() <= data.len()),
    };
    let first = data
        .iter()
        .position(u8::is_ascii_alphabetic)
        .expect("there is a word");
    // A comment may stand before the result.
    if !data[..first].contains(&b'(') {
        let word = view.result().as_str().as_bytes();
        assert!(data[first..first + word.len()].eq_ignore_ascii_case(word));
    }
    // Its pairs, written in the shortest way, are its pairs.
    let mut written = view.result().as_str().as_bytes().to_vec();
    let mut pairs = Vec::new();
    for (key, value) in view.pairs() {
        let meaning = value.to_vec();
        if !value.is_quoted() {
            assert_eq!(value.raw(), meaning);
        }
        let escaped = meaning.iter().flat_map(|&byte| match byte {
            b'"' | b'\\' => vec![b'\\', byte],
            byte => vec![byte],
        });
        written.extend([&b" "[..], key, b"=\""].concat());
        written.extend(escaped);
        written.extend(b"\";");
        let named = view.get(key).expect("it is there");
        let before = pairs
            .iter()
            .find(|(other, _): &&(Vec<u8>, Vec<u8>)| other.eq_ignore_ascii_case(key));
        assert_eq!(
            named.to_vec(),
            before.map_or(&meaning, |(_, value)| value)[..]
        );
        pairs.push((key.to_vec(), meaning));
    }
    let again = ReceivedSpfView::parse(&written).expect("what was written can be read");
    assert_eq!(again.result(), view.result());
    let again: Vec<(Vec<u8>, Vec<u8>)> = again
        .pairs()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect();
    // Line ends inside a quoted-string mean nothing, but a quoted-pair may hold one.
    if !written.iter().any(|byte| b"\r\n".contains(byte)) {
        assert_eq!(again, pairs);
    }
}

fn check_writing(data: &[u8]) {
    let mut pieces = data.split(|&byte| byte == b'|');
    let mut piece = || pieces.next().unwrap_or(b"mx.example.org");
    let mut choice = Choice::of(data);
    let request = Request {
        ip: choice.pick(&[[192, 0, 2, 1].into(), [0x20; 16].into()]),
        helo: piece(),
        mail_from: piece(),
        identity: choice.pick(&[Identity::MailFrom, Identity::Helo]),
        receiver: piece(),
        now: UnixTime(0),
    };
    let record = [Rdata::Txt(Txt::joined(piece()))];
    let mut machine: Evaluator<'_> = Evaluator::new(request, &Limits::DEFAULT);
    lookup::drive(&mut machine, |_| Answer::records(&record));
    let verdict = machine.verdict().expect("it is done");
    let texts = [request.helo, request.mail_from, request.receiver];
    let is_bad = |text: &&[u8]| {
        let is_plain = |text: &str| !text.chars().any(char::is_control);
        text.len() > 480 || !std::str::from_utf8(text).is_ok_and(is_plain)
    };
    let field = match ReceivedSpf::new(request, verdict) {
        Ok(field) => field.to_vec(),
        Err(_) => return assert!(texts.iter().any(is_bad)),
    };
    assert!(!texts.iter().any(is_bad));

    let header = HeaderBlock::new(&field);
    assert_eq!(header.as_bytes(), field);
    let fields: Vec<_> = header.fields().collect();
    assert_eq!(fields.len(), 1);
    assert!(fields[0].is(b"Received-SPF") && field.ends_with(b"\r\n"));
    assert_eq!(fields[0].defect(), None, "{}", field.escape_ascii());
    let view = ReceivedSpfView::parse(fields[0].value()).expect("what was written can be read");
    assert_eq!(view.result(), verdict.result());
    let says = |key: &str, value: &[u8]| {
        let found = view.get(key.as_bytes()).map(|value| value.to_vec());
        assert_eq!(found.as_deref(), Some(value), "{key}");
    };
    if request.helo.is_empty() {
        assert!(view.get(b"helo").is_none());
    } else {
        says("helo", request.helo);
    }
    says("identity", request.identity.as_str().as_bytes());
    says("client-ip", request.ip.to_string().as_bytes());
    if request.identity == Identity::MailFrom {
        says("envelope-from", request.mail_from);
    }
    says(
        "receiver",
        if request.receiver.is_empty() {
            b"unknown"
        } else {
            request.receiver
        },
    );
    let comment = unfold(view.comment().expect("there is a comment"));
    assert!(!comment.is_empty());
    let has_problem = matches!(
        verdict.result(),
        SpfResult::PermError | SpfResult::TempError
    );
    assert!(!has_problem || view.get(b"problem").is_some());
}
