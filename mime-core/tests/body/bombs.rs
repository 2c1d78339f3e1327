//! Much of what nests, repeats and does not end. All readers are linear, so this takes seconds; a
//! quadratic one would take hours. And with twice the input there are at most twice as many events.

use scop_mime_core::body::push::MIN_BUFFER;
use scop_mime_core::{Event, Index, Limits, Reader};

/// A bomb of so many pieces.
type Bomb = fn(usize) -> String;

const MIXED: &str = "Content-Type: multipart/mixed; boundary=a\n\n";

const BOMBS: [(&str, Bomb); 14] = [
    ("multiparts in one another", |count| {
        let level = |n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
        (0..count).map(level).collect()
    }),
    ("multiparts with one boundary in one another", |count| {
        format!("{MIXED}--a\n").repeat(count)
    }),
    ("messages in one another", |count| {
        "Content-Type: message/rfc822\n\n".repeat(count)
    }),
    ("parts", |count| {
        format!("{MIXED}{}", "--a\n\nx\n".repeat(count))
    }),
    ("parts without anything", |count| {
        format!("{MIXED}{}", "--a\n".repeat(count))
    }),
    ("boundaries that begin with one another", |count| {
        let level = |n| {
            let boundary = "a".repeat(n);
            format!("Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n")
        };
        let levels: String = (1..32).map(level).collect();
        levels + "\n" + &format!("--{}x\n", "a".repeat(30)).repeat(count)
    }),
    ("multiparts opened and left", |count| {
        let level = |n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
        let levels: String = (1..31).map(level).collect();
        format!("{MIXED}{}", format!("--a\n{levels}").repeat(count / 200))
    }),
    ("lines like delimiters", |count| {
        format!("{MIXED}{}", "--ab\n".repeat(count))
    }),
    ("delimiters behind the close", |count| {
        format!("{MIXED}--a--\n{}", "--a\n".repeat(count))
    }),
    ("lines of hyphens", |count| {
        format!("{MIXED}{}", "\n--".repeat(count))
    }),
    ("a delimiter with padding", |count| {
        format!("{MIXED}--a{}\n", " ".repeat(10 * count))
    }),
    ("delimiters with padding", |count| {
        format!(
            "{MIXED}{}",
            format!("--a{}x\n", " ".repeat(900)).repeat(count / 100)
        )
    }),
    ("a field of many lines", |count| {
        format!("A: b\n{}", " c\n".repeat(count))
    }),
    ("fields", |count| "Content-Type:\n".repeat(count)),
];

const COUNT: usize = 10_000;
/// For the reader, which is fed octet by octet.
const FEW: usize = 2_000;

#[test]
fn bombs() {
    let mut limits = Limits::DEFAULT;
    limits.parts = usize::MAX;
    for (name, bomb) in BOMBS {
        for limits in [Limits::DEFAULT, limits] {
            let (small, large) = (bomb(COUNT), bomb(2 * COUNT));
            let (few, many) = (events(&small, limits), events(&large, limits));
            assert!(many <= 2 * few + 100, "{name}: {few} and {many} events");
            let parts = Index::with_limits(large.as_bytes(), limits).parts();
            assert!(parts.count() <= limits.parts.saturating_add(1), "{name}");
            let small = bomb(FEW);
            for (chunk, buffer) in [(1, MIN_BUFFER), (1, 1 << 17), (100, 4096)] {
                assert_eq!(pushed(&small, limits, chunk, buffer), small.len(), "{name}");
            }
        }
    }
}

fn events(input: &str, limits: Limits) -> usize {
    let mut len = 0;
    let events = Index::with_limits(input.as_bytes(), limits).events();
    let count = events.inspect(|event| len += event.raw().len()).count();
    assert_eq!(len, input.len());
    count
}

fn pushed(input: &str, limits: Limits, chunk: usize, buffer: usize) -> usize {
    let mut buffer = vec![0; buffer];
    let mut reader = Reader::new(&mut buffer, limits).unwrap();
    let mut len = 0;
    let mut take = |event: Event<'_>| len += event.raw().len();
    for mut chunk in input.as_bytes().chunks(chunk) {
        while let Some(event) = reader.read(&mut chunk) {
            take(event);
        }
    }
    while let Some(event) = reader.finish() {
        take(event);
    }
    len
}
