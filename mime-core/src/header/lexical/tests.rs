use super::*;
use proptest::prelude::*;
use std::string::ToString;
use std::vec::Vec;

#[test]
fn atext_is_the_table_of_the_rfc() {
    for byte in 0..=127_u8 {
        let specials = b"()<>[]:;@\\,.\"";
        let expected = (33..127).contains(&byte) && !specials.contains(&byte);
        assert_eq!(is_atext(byte), expected, "{byte}");
    }
}

/// The length of a token, or the error and its byte.
type Outcome = Result<usize, (LexicalErrorKind, usize)>;

/// The kind of token is told by its first byte.
fn enclosed(input: &[u8]) -> Outcome {
    let what = match input[0] {
        b'(' => Enclosed::Comment,
        b'"' => Enclosed::QuotedString,
        _ => Enclosed::Literal,
    };
    let raw = take_enclosed(&mut Cursor::new(input), what);
    raw.map(<[u8]>::len).map_err(|e| (e.kind(), e.offset()))
}

#[test]
fn enclosed_tokens() {
    use LexicalErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], Outcome)] = &[
        (b"(a(b)\\)c)d", Ok(9)),
        (b"(\"))", Ok(3)),
        (b"((a)", Err((UnclosedComment, 0))),
        (b"(a\\", Err((BadQuotedPair, 2))),
        (b"(a\r\n b\n\tc)", Ok(10)),
        (b"(a\r\nb)", Err((StrayControl, 2))),
        (b"(a\rb)", Err((StrayControl, 2))),
        (b"(a\nb)", Err((StrayControl, 2))),
        (b"\"a\nb\"", Err((StrayControl, 2))),
        (b"(a\\\n b)", Ok(7)),
        (b"(a\\\nb)", Err((BadQuotedPair, 2))),
        (b"(a\0)", Err((StrayControl, 2))),
        (b"(a\\\0)", Err((BadQuotedPair, 2))),
        (b"(\x01\x7f)", Ok(4)),
        (b"(\xc3\xa9)", Ok(4)),
        (b"(\xe9)", Err((NotUtf8, 1))),
        (b"\"a\\\"(\"b", Ok(6)),
        (b"\"a\\\"", Err((UnclosedQuotedString, 0))),
        (b"\"\"", Ok(2)),
        (b"[1.2.3.4]", Ok(9)),
        (b"[ 1\r\n .2 ]", Ok(10)),
        (b"[a[b]", Err((BadLiteral, 2))),
        (b"[a\\]b]", Err((BadLiteral, 2))),
        (b"[a\x01]", Err((BadLiteral, 2))),
        (b"[a", Err((UnclosedLiteral, 0))),
    ];
    for (input, expected) in cases {
        assert_eq!(&enclosed(input), expected, "{}", input.escape_ascii());
    }
}

#[test]
fn a_million_parentheses() {
    let mut bomb = std::vec![b'('; 500_000];
    assert_eq!(enclosed(&bomb), Err((LexicalErrorKind::UnclosedComment, 0)));
    bomb.resize(1_000_000, b')');
    assert_eq!(enclosed(&bomb), Ok(1_000_000));
}

#[test]
fn gaps() {
    let gap = |input: &[u8]| {
        let mut cursor = Cursor::new(input);
        let gap = skip_cfws(&mut cursor).unwrap();
        (gap.space, gap.comment, cursor.offset())
    };
    assert_eq!(gap(b"a"), (false, false, 0));
    assert_eq!(gap(b" \t\r\n \r\n\tb"), (true, false, 8));
    assert_eq!(gap(b"(a)(b) c"), (true, true, 7));
    assert_eq!(gap(b"(a)"), (false, true, 3));
    assert_eq!(gap(b" \r\n"), (true, false, 1));
    assert_eq!(gap(b"\r\n\r\n x"), (false, false, 0));
}

#[test]
fn text_is_what_is_meant() {
    let spaced = |input| Text::spaced(input).to_string();
    assert_eq!(
        spaced(b" Joe \"Q. \\\"P\\\"\" (x)  Public"),
        "Joe Q. \"P\" Public"
    );
    assert_eq!(spaced(b"\"a\r\n b\\\r\n c\""), "a b c");
    assert_eq!(spaced(b"a\"b\".c"), "ab.c");
    assert_eq!(spaced(b"\"\" a"), " a");
    assert_eq!(Text::joined(b"a . (x) \"b c\"").to_string(), "a.b c");
    assert_eq!(Text::joined(b"[ 1. 2\r\n\t.3]").to_string(), "[1.2.3]");
    let comments: Vec<_> = Comments::new(b"(a (b)\\)) \"(no)\" x(c)")
        .map(|comment| comment.text().to_string())
        .collect();
    assert_eq!(comments, ["a (b))", "c"]);
}

proptest! {
    #[test]
    fn never_panics(input: Vec<u8>) {
        let _ = skip_cfws(&mut Cursor::new(&input));
        for what in [Enclosed::Comment, Enclosed::QuotedString, Enclosed::Literal] {
            let _ = take_enclosed(&mut Cursor::new(&input), what);
        }
        let _ = Text::spaced(&input).count() + Comments::new(&input).count();
    }

    #[test]
    fn quoting_reads_back(text in "[^\r\n\0]*") {
        let mut quoted = Vec::new();
        emit_quoted([text.as_bytes()], &mut quoted).unwrap();
        prop_assert_eq!(enclosed(&quoted), Ok(quoted.len()));
        prop_assert!(Text::joined(&quoted).is(text.as_bytes()));
    }
}
