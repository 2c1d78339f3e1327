//! Trace fields: the clauses of Received, put together again, are the same clauses; Return-Path is
//! parsed, emitted and parsed again.

use scop_core::Emit;
use scop_mime_core::header::trace::Keyword;
use scop_mime_core::{Mailbox, Received, ReturnPath};

/// The value of a Received or Return-Path field.
pub fn run(data: &[u8]) {
    check_received(data);
    check_return_path(data);
}

fn check_received(data: &[u8]) {
    let received = match Received::parse(data) {
        Ok(received) => received,
        Err(error) => return assert!(error.offset() <= data.len()),
    };
    assert_eq!(received.raw(), data);
    let mut end = 0;
    for clause in received.clauses() {
        let (raw, offset) = (clause.raw(), clause.offset());
        assert!(end <= offset);
        assert_eq!(&data[offset..offset + raw.len()], raw);
        end = offset + raw.len();
        assert_eq!(clause.words().next().unwrap_or_default(), clause.value());
        assert!(clause.words().all(|word| !word.is_empty()));
        // A keyword begins a clause, unless it stands directly behind another.
        let value = usize::from(clause.keyword().is_some());
        assert!(!clause.words().skip(value).any(is_keyword));
        if let Some(keyword) = clause.keyword() {
            assert!(
                received
                    .clause(keyword)
                    .is_some_and(|first| first.offset() <= offset)
            );
        }
        for comment in clause.comments() {
            assert!(comment.raw().starts_with(b"(") && comment.raw().ends_with(b")"));
        }
        if let Some(address) = clause.address_literal() {
            let literal = [b"[", address, b"]"].concat();
            assert!(raw.windows(literal.len()).any(|window| window == literal));
        }
    }
    if let Some(date) = received.date_raw() {
        assert!(data.ends_with(date) && data[..data.len() - date.len()].ends_with(b";"));
        assert!(end < data.len() - date.len());
    }

    let outline = outline(&received);
    // With a space behind it, a line end in a word would be a fold.
    if outline
        .0
        .iter()
        .any(|(_, words)| words.iter().any(|word| word.ends_with(b"\n")))
    {
        return;
    }
    let written = write(&outline);
    let again = Received::parse(&written).expect("what was put together can be read");
    assert_eq!(self::outline(&again), outline, "{}", written.escape_ascii());
    assert_eq!(again.date(), received.date());
}

fn is_keyword(word: &[u8]) -> bool {
    [&b"from"[..], b"by", b"via", b"with", b"id", b"for", b"tls"]
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(word))
}

type Outline = (Vec<(Option<Keyword>, Vec<Vec<u8>>)>, Option<Vec<u8>>);

/// The clauses, and the date as it stands.
fn outline(received: &Received<'_>) -> Outline {
    let clauses = received.clauses().map(|clause| {
        let words = clause.words().map(<[u8]>::to_vec).collect();
        (clause.keyword(), words)
    });
    (clauses.collect(), received.date_raw().map(<[u8]>::to_vec))
}

/// Words with one space between. A semicolon ends each clause where there is one at all.
fn write((clauses, date): &Outline) -> Vec<u8> {
    let clauses: Vec<Vec<u8>> = clauses
        .iter()
        .map(|(keyword, words)| {
            let keyword = keyword.map(|keyword| format!("{keyword:?}").into_bytes());
            let words: Vec<Vec<u8>> = keyword.into_iter().chain(words.iter().cloned()).collect();
            words.join(&b' ')
        })
        .collect();
    match date {
        None => clauses.join(&b' '),
        Some(date) => [clauses.join(&b" ; "[..]), b" ;".to_vec(), date.clone()].concat(),
    }
}

fn check_return_path(data: &[u8]) {
    let path = match ReturnPath::parse(data) {
        Ok(path) => path,
        Err(error) => return assert!(error.offset() <= data.len()),
    };
    let canonical = path.to_vec();
    let again = ReturnPath::parse(&canonical).expect("what was emitted can be read");
    assert_eq!(again, path);
    assert_eq!(again.to_vec(), canonical);
    // But for `<>`, a path is a mailbox without a name.
    match path {
        ReturnPath::Null => assert_eq!(canonical, b"<>"),
        ReturnPath::Address(addr_spec) => {
            let mailbox = Mailbox::parse(data).expect("a path is a mailbox");
            assert_eq!(mailbox.addr_spec(), addr_spec);
        }
    }
}
