//! Trees by name: what is a part, and what is wrong.
use crate::events::{check_order, indexed, sketch};
use scop_mime_core::{Kind, Limits, Message};

const MIXED: &str = "Content-Type: multipart/mixed; boundary=a\r\n\r\n";

/// Name, message and [`sketch`]; `MIXED` stands for a header.
const CASES: &[(&str, &str, &str)] = &[
    ("nothing", "", "{.}"),
    ("no header", "\r\nHi", "{.b2}"),
    ("no body", "A: b\r\n\r\n", "{h.}"),
    ("no empty line", "A: b\r\nB: c", "{hh.}"),
    ("a bare CR is a field", "A: b\r\n\r", "{hh.}"),
    (
        "text that looks like a delimiter",
        "\r\n--a\r\n\r\n--a--",
        "{.b12}",
    ),
    (
        "two parts",
        "MIXED--a\r\n\r\nx\r\n--a\r\nB: c\r\n\r\ny\r\n--a--\r\n",
        "{h*-{.b1}-{h.b1}=e2}",
    ),
    (
        "preamble and epilogue",
        "MIXEDpre\r\n--a\r\n\r\nx\r\n--a--\r\n\r\npost\r\n",
        "{h*p3-{.b1}=e4!Epilogue e6}",
    ),
    (
        "LF only",
        "Content-Type: multipart/mixed; boundary=a\n\npre\n--a\n\nx\n--a--\n",
        "{h*p3-{.b1}=e1}",
    ),
    (
        "mixed line ends",
        "MIXEDpre\n--a\r\n\nx\r\n--a--\n",
        "{h*p3-{.b1}=e1}",
    ),
    (
        "a bare CR is no line end",
        "MIXEDx\r--a\r\n",
        "{h*p7!MissingClose !NoParts }",
    ),
    (
        "a bare CR ends no delimiter",
        "MIXED--a\r\r\n",
        "{h*!DelimiterLookalike p6!MissingClose !NoParts }",
    ),
    (
        "padding",
        "MIXED--a \t \r\n\r\nx\r\n--a-- \r\n",
        "{h*-{.b1}=e2}",
    ),
    (
        "no line end at the end",
        "MIXED--a\r\n\r\nx\r\n--a--",
        "{h*-{.b1}=}",
    ),
    (
        "missing close",
        "MIXED--a\r\n\r\nx\r\n",
        "{h*-{.b3}!MissingClose }",
    ),
    ("closed at once", "MIXED--a--\r\n", "{h*=e2!NoParts }"),
    (
        "no delimiter",
        "MIXEDpre\r\n",
        "{h*p5!MissingClose !NoParts }",
    ),
    (
        "no boundary",
        "Content-Type: multipart/mixed\r\n\r\n--a\r\n",
        "{h!MissingBoundary .b5}",
    ),
    (
        "a part that ends in its header",
        "MIXED--a\r\nB: c\r\n--a\r\n--a--\r\n",
        "{h*-{h!TruncatedHeader .}-{!TruncatedHeader .}=e2}",
    ),
    (
        "a part that ends in its header with the message",
        "MIXED--a\r\nB: c\r\n",
        "{h*-{h.}!MissingClose }",
    ),
    (
        "a part without a body",
        "MIXED--a\r\nB: c\r\n\r\n--a--",
        "{h*-{h.}=}",
    ),
    ("an empty body", "MIXED--a\r\n\r\n\r\n--a--", "{h*-{.}=}"),
    (
        "the inner boundary begins with the outer",
        "MIXED--a\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n--ab--\r\n--a--\r\n",
        "{h*-{h!BoundaryPrefix *-{.b1}=}=e2}",
    ),
    (
        "the outer boundary begins with the inner",
        "Content-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n--ab--\r\n",
        "{h*-{h!BoundaryPrefix *-{.b1}=}=e2}",
    ),
    (
        "the inner delimiter is the outer close: the inner wins",
        "MIXED--a\r\nContent-Type: multipart/mixed; boundary=\"a--\"\r\n\r\n--a--\r\n\r\nx\r\n--a----\r\n--a--\r\n",
        "{h*-{h!BoundaryPrefix *-{.b1}=}=e2}",
    ),
    (
        "a boundary used again",
        "MIXED--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n--a--\r\n",
        "{h*-{h!BoundaryReused *-{.b1}=}=e2}",
    ),
    (
        "an outer delimiter ends an inner multipart",
        "MIXED--a\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--a--\r\n",
        "{h*-{h*-{.b1}!MissingClose }=e2}",
    ),
    (
        "a delimiter behind the close",
        "MIXED--a\r\n\r\nx\r\n--a--\r\n--a\r\n\r\ny\r\n--a--",
        "{h*-{.b1}=e2!DelimiterAfterClose !Epilogue e10!DelimiterAfterClose e5}",
    ),
    (
        "a delimiter that goes on",
        "MIXED--a\r\n\r\nx\r\n--ab\r\n--a--",
        "{h*-{.b3!DelimiterLookalike b4}=}",
    ),
    (
        "a close that goes on",
        "MIXED--a\r\n\r\nx\r\n--a--x\r\n--a--",
        "{h*-{.b3!DelimiterLookalike b6}=}",
    ),
    (
        "in a header",
        "MIXED--a\r\n--ab: c\r\n\r\nx\r\n--a--",
        "{h*-{!DelimiterLookalike h.b1}=}",
    ),
    (
        "a digest",
        "Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nS: x\r\n\r\ny\r\n--a\r\nContent-Type: text/plain\r\n\r\nz\r\n--a--",
        "{h*-{@{h.b1}}-{h.b1}=}",
    ),
    (
        "a message in a multipart in a message",
        "Content-Type: message/rfc822\r\n\r\nMIXED--a\r\nContent-Type: Message/RFC822\r\n\r\nS: x\r\n\r\ny\r\n--a--\r\n",
        "{h@{h*-{h@{h.b1}}=e2}}",
    ),
    (
        "an encoded message",
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQTog",
        "{hh!EncodedMessage ~b4}",
    ),
    (
        "message/global may be encoded",
        "Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\nQTog",
        "{hh~b4}",
    ),
    (
        "an encoded multipart",
        "Content-Transfer-Encoding: base64\r\nMIXED--a\r\n\r\nx\r\n--a--",
        "{hh!EncodedMultipart *-{.b1}=}",
    ),
    (
        "the first of two counts",
        "Content-Type: text/plain\r\nMIXED--a\r\n",
        "{hh.b5}",
    ),
    (
        "a boundary of other octets",
        "Content-Type: multipart/mixed; boundary=\"a*b \"\r\n\r\n--a*b\r\n\r\nx\r\n--a*b--",
        "{h!BadBoundary *-{.b1}=}",
    ),
    (
        "a boundary in sections",
        "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n\r\nx\r\n--ab--",
        "{h*-{.b1}=}",
    ),
    (
        "an empty boundary",
        "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n",
        "{h!BadBoundary .b4}",
    ),
];

#[test]
fn by_name() {
    for (name, input, expected) in CASES {
        let input = input.replace("MIXED", MIXED);
        assert_eq!(sketch(input.as_bytes()), *expected, "{name}");
        check_order(&indexed(input.as_bytes(), Limits::DEFAULT).events);
    }
}

#[test]
fn limits() {
    let part = format!("{MIXED}--a\r\n\r\nx\r\n--a\r\n\r\ny\r\n--a--\r\n");
    let mut limits = Limits::DEFAULT;
    limits.parts = 1;
    let text = format!("{:?}", indexed(part.as_bytes(), limits).events);
    assert_eq!(text.matches("PartsLimit").count(), 1);
    assert_eq!(text.matches("Begin").count(), 2);
    assert!(!text.contains("MissingClose"));

    limits = Limits::DEFAULT;
    limits.depth = 0;
    let text = format!("{:?}", indexed(part.as_bytes(), limits).events);
    assert!(text.contains("DepthLimit") && text.contains("Leaf"));

    limits = Limits::DEFAULT;
    limits.field = 10;
    let header = b"A: 345678\nB: 3456\n 8\nC: 45678\n\n";
    let text = format!("{:?}", indexed(header, limits).events);
    assert_eq!(text.matches("FieldLimit").count(), 1);
    assert_eq!(text.matches("LongField").count(), 1);
}

#[test]
fn long_boundaries() {
    let tree = |len: usize| {
        let boundary = "b".repeat(len);
        sketch(
            format!(
                "Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n\r\n"
            )
            .as_bytes(),
        )
    };
    assert_eq!(tree(70), "{h*-{.}!MissingClose }");
    assert_eq!(tree(71), "{h!BadBoundary *-{.}!MissingClose }");
    assert_eq!(tree(128), "{h!BadBoundary *-{.}!MissingClose }");
    assert_eq!(tree(129), "{h!BoundaryLimit .b135}");
}

#[test]
fn long_padding() {
    for (padding, expected) in [
        (995, "{h*-{.}!MissingClose }"),
        (996, "{h*!DelimiterLookalike p1003!MissingClose !NoParts }"),
    ] {
        let input = format!("{MIXED}--a{}\r\n\r\n", " ".repeat(padding));
        assert_eq!(sketch(input.as_bytes()), expected);
    }
}

#[test]
fn parts() {
    let input = format!(
        "{MIXED}pre\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nS: x\r\n\r\ny\r\n--a\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n\r\nz\r\n--d--\r\n\r\n--a--\r\n"
    );
    let index = Message::index(input.as_bytes());
    let list: Vec<_> = index.parts().collect();
    let places: Vec<_> = list
        .iter()
        .map(|part| {
            (
                part.entity().depth,
                part.entity().number,
                part.content().kind,
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (0, 1, Kind::Multipart),
            (1, 1, Kind::Message),
            (2, 1, Kind::Leaf),
            (1, 2, Kind::Multipart),
            (2, 1, Kind::Message),
            (3, 1, Kind::Leaf),
        ]
    );
    let paths: [&[usize]; 6] = [&[], &[1], &[1, 1], &[2], &[2, 1], &[2, 1, 1]];
    let mut parts = index.parts();
    assert!(parts.path().is_empty());
    for (part, path) in list.iter().zip(paths) {
        assert!(parts.next().is_some());
        assert_eq!(parts.path(), path);
        let whole = index.part(path).unwrap();
        assert_eq!(whole.entity(), part.entity());
        assert_eq!(index.whole(part).unwrap().raw(), whole.raw());
        let is_leaf = part.content().kind == Kind::Leaf;
        assert_eq!(part.body(), whole.body().filter(|_| is_leaf));
        assert_eq!(
            whole.raw().unwrap(),
            [
                whole.header().as_bytes(),
                whole.separator(),
                whole.body().unwrap()
            ]
            .concat()
        );
    }
    assert_eq!(index.part(&[]).unwrap().raw(), Some(input.as_bytes()));
    assert_eq!(
        index.part(&[1]).unwrap().body(),
        Some(&b"S: x\r\n\r\ny"[..])
    );
    assert_eq!(
        index.part(&[2]).unwrap().body(),
        Some(&b"--d\r\n\r\n\r\nz\r\n--d--\r\n"[..])
    );
    assert!(
        index
            .part(&[2, 1])
            .unwrap()
            .content_type()
            .is(b"message", b"rfc822")
    );
    assert!(
        index
            .part(&[2, 1, 1])
            .unwrap()
            .content_type()
            .is(b"text", b"plain")
    );
    for path in [&[3][..], &[0], &[1, 2], &[1, 1, 1], &[2, 2], &[2, 1, 1, 1]] {
        assert!(index.part(path).is_none(), "{path:?}");
    }
}
