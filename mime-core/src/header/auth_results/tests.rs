use super::*;
use core::fmt::Write;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// `id[ version]; method[/version]=result[ reason=r][ ptype.name=value]...`
fn outline(value: &[u8]) -> Result<String, (AuthResultsErrorKind, usize)> {
    let results = AuthResults::parse(value).map_err(|error| (error.kind(), error.offset()))?;
    Ok(outline_of(&results))
}

fn outline_of(results: &AuthResults<'_>) -> String {
    let mut out = results.authserv_id().to_string();
    if let Some(version) = results.version() {
        let _ = write!(out, " {version}");
    }
    for resinfo in results.results() {
        out += "; ";
        out += core::str::from_utf8(resinfo.method()).unwrap();
        if let Some(version) = resinfo.method_version() {
            let _ = write!(out, "/{version}");
        }
        let _ = write!(out, "={}", resinfo.result().escape_ascii());
        if let Some(reason) = resinfo.reason() {
            let _ = write!(out, " reason={reason}");
        }
        for property in resinfo.properties() {
            let (ptype, name) = (property.ptype(), property.name());
            let _ = write!(
                out,
                " {}.{}={}",
                ptype.escape_ascii(),
                name.escape_ascii(),
                property.value()
            );
        }
    }
    out
}

#[test]
fn rfc_8601_appendix_b() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        // B.2
        (b" example.org 1; none", "example.org 1"),
        // B.3
        (b" example.com;\r\n          spf=pass smtp.mailfrom=example.net", "example.com; spf=pass smtp.mailfrom=example.net"),
        // B.4
        (b" example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n          spf=pass smtp.mailfrom=example.net",
         "example.com; auth=pass smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net"),
        (b" example.com; iprev=pass\r\n          policy.iprev=192.0.2.200", "example.com; iprev=pass policy.iprev=192.0.2.200"),
        // B.5
        (b" example.com;\r\n          dkim=pass (good signature) header.d=example.com", "example.com; dkim=pass header.d=example.com"),
        (b" example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.com;\r\n          spf=fail smtp.mailfrom=example.com",
         "example.com; auth=pass smtp.auth=sender@example.com; spf=fail smtp.mailfrom=example.com"),
        // B.6
        (b" example.com;\r\n          dkim=pass reason=\"good signature\"\r\n            header.i=@mail-router.example.net;\r\n          dkim=fail reason=\"bad signature\"\r\n            header.i=@newyork.example.com",
         "example.com; dkim=pass reason=good signature header.i=@mail-router.example.net; dkim=fail reason=bad signature header.i=@newyork.example.com"),
        (b" example.net;\r\n          dkim=pass (good signature) header.i=@newyork.example.com", "example.net; dkim=pass header.i=@newyork.example.com"),
        // B.7
        (b" foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n      policy (A dot can go here) . (like that) expired\r\n      (this surprised me) = (as I wasn't expecting it) 1362471462",
         "foo.example.net 1; dkim/1=fail policy.expired=1362471462"),
    ];
    for (value, expected) in cases {
        assert_eq!(outline(value).as_deref(), Ok(*expected));
    }
}

#[test]
fn forms_of_the_grammar() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        (b"a;none", "a"),
        (b"a ; (x) NONE (y) ", "a"),
        (b"a;none=pass", "a; none=pass"),
        (b"\"a b\" 2 ; none", "a b 2"),
        (b"a;x=y reason=z", "a; x=y reason=z"),
        (b"a;x=y Reason (c) = \"\"", "a; x=y reason="),
        (b"a;x=y reason.z=w", "a; x=y reason.z=w"),
        (b"a;x=y b.c=\"d;e\"f.g=h ; i=j", "a; x=y b.c=d;e f.g=h; i=j"),
        (b"a;x=y b.c=\"d\\\"\\\\e\r\n f\"", "a; x=y b.c=d\"\\e f"),
        (b"a;x=y b.c=d/e@f.g", "a; x=y b.c=d/e@f.g"),
        (b"a;x=y b.c=\"d e\"@f", "a; x=y b.c=\"d e\"@f"),
        (b"a;x=y b.c=@f_g", "a; x=y b.c=@f_g"),
        (b"a;x=y b.c=legitimate.com'a.attack.com", "a; x=y b.c=legitimate.com'a.attack.com"),
        (b"\xc3\xa9;x=y b.c=\xc3\xa9@\xc3\xa9.\xc3\xa9", "\u{e9}; x=y b.c=\u{e9}@\u{e9}.\u{e9}"),
    ];
    for (value, expected) in cases {
        assert_eq!(
            outline(value).as_deref(),
            Ok(*expected),
            "{}",
            value.escape_ascii()
        );
    }
}

#[test]
fn errors_name_the_rule_and_the_byte() {
    use AuthResultsErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], AuthResultsErrorKind, usize)] = &[
        (b"", BadValue, 0),
        (b" ; none", BadValue, 1),
        (b"a", NoResults, 1),
        (b"a@b; none", NoSemicolon, 1),
        (b"a/b; none", NoSemicolon, 1),
        (b"a b; none", NoSemicolon, 2),
        (b"a 1 2; none", NoSemicolon, 4),
        (b"\"a\"1; none", NoSemicolon, 3),
        (b"a 99999999999; none", BadVersion, 2),
        (b"a; none; none", NoEqualSign, 7),
        (b"a;", NoKeyword, 2),
        (b"a; spf=pass;", NoKeyword, 12),
        (b"a; spf=pass; ;", NoKeyword, 13),
        (b"a; spf", NoEqualSign, 6),
        (b"a; spf pass", NoEqualSign, 7),
        (b"a; spf/=pass", BadVersion, 7),
        (b"a; spf=", NoKeyword, 7),
        (b"a; spf-=pass", BadKeyword, 7),
        (b"a; spf=pass x", BadProperty, 13),
        (b"a; spf=pass x=y", BadProperty, 13),
        (b"a; spf=pass x.=y", NoKeyword, 14),
        (b"a; spf=pass x.y", BadProperty, 15),
        (b"a; spf=pass x.y=", BadValue, 16),
        (b"a; spf=pass x.y=a=b", NoKeyword, 17),
        (b"a; spf=pass x.y=a/b", NoKeyword, 17),
        (b"a; spf=pass x.y=<a@b>", BadValue, 16),
        (b"a; spf=pass x.y=a@", BadDomain, 18),
        (b"a; spf=pass x.y=a@b..c", BadDomain, 20),
        (b"a; spf=pass x.y=a..b@c", NoKeyword, 20),
        (b"a; spf=pass x.y=z reason=w", BadProperty, 24),
        (b"a; spf=pass reason=a b", BadProperty, 22),
        (b"a; spf=pass reason=\"a\"x.y=z", NoSemicolon, 22),
        (b"a; spf=pass (x", Lexical(LexicalErrorKind::UnclosedComment), 12),
        (b"a; spf=pass x.y=\"z", Lexical(LexicalErrorKind::UnclosedQuotedString), 16),
        (b"a; spf=pass x.y=\xe9", Lexical(LexicalErrorKind::NotUtf8), 16),
        (b"a; spf=pass x.y=\xe9@b", Lexical(LexicalErrorKind::NotUtf8), 16),
        (b"a; spf=pass\r\nb: c", NoKeyword, 11),
    ];
    for (value, kind, offset) in cases {
        let expected = Err((*kind, *offset));
        assert_eq!(outline(value), expected, "{}", value.escape_ascii());
    }
}

#[test]
fn what_stands_before_an_error() {
    let prefix = |value| {
        let (results, rest) = AuthResults::parse_prefix(value).unwrap();
        (outline_of(&results), rest)
    };
    let (outline, rest) = prefix(b"a; spf=pass ; dkim=pass b.c=d; action; x=y");
    assert_eq!(
        (outline.as_str(), rest),
        ("a; spf=pass; dkim=pass b.c=d", &b"; action; x=y"[..])
    );
    assert_eq!(prefix(b"a (b)").0, "a");
    assert_eq!(prefix(b"a; none "), ("a".into(), &b""[..]));
    assert_eq!(prefix(b"a; spf=pass (").1, b"; spf=pass (");
    assert!(AuthResults::parse_prefix(b"spf=pass smtp.mailfrom=b").is_err());
}

#[test]
fn lookups() {
    let value = b"a; dkim=pass (one (two)) (three) header.d=b Header.D=c policy.x=1";
    let results = AuthResults::parse(value).unwrap();
    let dkim = results.results().next().unwrap();
    assert!(dkim.is(b"DKIM") && !dkim.is(b"dki"));
    assert!(dkim.property(b"HEADER", b"d").unwrap().is(b"b"));
    assert!(dkim.property(b"policy", b"d").is_none());
    let comments: Vec<String> = dkim.comments().map(|c| c.text().to_string()).collect();
    assert_eq!(comments, ["one (two)", "three"]);
    assert_eq!(&value[dkim.offset()..][..dkim.raw().len()], dkim.raw());
    let x = dkim.property(b"policy", b"x").unwrap();
    assert_eq!(&value[x.offset()..][..x.raw().len()], x.raw());
}

/// A field with one result and one property.
fn written(id: &[u8], reason: &[u8], value: &[u8]) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    let mut field = AuthResultsWriter::new(&mut out, id)?;
    let result = field.result(b"x", b"y")?;
    result
        .comment(reason)?
        .reason(reason)?
        .property(b"a", b"b", value)?;
    field.finish()?;
    Ok(out)
}

#[test]
fn values_are_quoted_unless_plain() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &[u8])] = &[
        (b"example.com", b"example.com"),
        (b"a@b.c", b"a@b.c"),
        (b"@b.c", b"@b.c"),
        (b"a+b_c-d@b", b"a+b_c-d@b"),
        (b"", b"\"\""),
        (b"@", b"\"@\""),
        (b"a@b@c", b"\"a@b@c\""),
        (b"a..b@c", b"\"a..b@c\""),
        (b"a@b..c", b"\"a@b..c\""),
        (b"a@b+c", b"\"a@b+c\""),
        (b"a b", b"\"a b\""),
        (b"\"a b\"@c", b"\"\\\"a b\\\"@c\""),
        (b"<>", b"\"<>\""),
        (b"\xc3\xa9", b"\"\xc3\xa9\""),
        // "Composition Kills" A4, A5, A6 (figure 5): what is in a value stays in it.
        (b"legitimate.com'a.attack.com", b"\"legitimate.com'a.attack.com\""),
        (b"any@legitimate.com(.attack.com", b"\"any@legitimate.com(.attack.com\""),
        (b"any@legitimate.com'@a.attack.com", b"\"any@legitimate.com'@a.attack.com\""),
        (b"x; dkim=pass header.d=legitimate.com", b"\"x; dkim=pass header.d=legitimate.com\""),
        (b"x\"; dkim=pass", b"\"x\\\"; dkim=pass\""),
    ];
    for (value, expected) in cases {
        let field = written(b"id", b"r", value).unwrap();
        let mut line = b"Authentication-Results: id; x=y (r) reason=r a.b=".to_vec();
        line.extend_from_slice(expected);
        line.extend_from_slice(b"\r\n");
        let unfolded = field.escape_ascii().to_string().replace("\\r\\n ", " ");
        assert_eq!(unfolded, line.escape_ascii().to_string());
    }
}

#[test]
fn what_cannot_be_written() {
    for bad in [
        "a\r\nb",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\tb",
        "\x7f",
        "\u{80}",
        "a\u{85}b",
        "\u{9f}",
        "\u{2028}",
        "a\u{2029}b",
    ] {
        let bad = bad.as_bytes();
        assert_eq!(written(bad, b"r", b"v"), Err(WriteError::Control));
        assert_eq!(written(b"i", bad, b"v"), Err(WriteError::Control));
        assert_eq!(written(b"i", b"r", bad), Err(WriteError::Control));
    }
    for good in ["\u{a0}", "\u{2027}", "\u{202a}"] {
        assert!(written(b"i", b"r", good.as_bytes()).is_ok(), "{good:?}");
    }
    assert_eq!(written(b"i", b"r", b"\xe9"), Err(WriteError::NotUtf8));
    assert_eq!(written(b"", b"r", b"v"), Err(WriteError::BadKeyword));
    let long = [b'x'; 999];
    assert_eq!(written(b"i", b"r", &long), Err(WriteError::LineTooLong));
    assert_eq!(written(b"i", &long, b"v"), Err(WriteError::LineTooLong));

    let mut out = Vec::new();
    let mut field = AuthResultsWriter::new(&mut out, b"i").unwrap();
    for bad in [&b""[..], b"a b", b"a-", b"a.b", b"a;", b"a\n", b"\xc3\xa9"] {
        assert_eq!(field.result(bad, b"y").err(), Some(WriteError::BadKeyword));
        assert_eq!(field.result(b"x", bad).err(), Some(WriteError::BadKeyword));
    }
    let mut small = [0; 30];
    let mut small = scop_core::SliceSink::new(&mut small);
    let mut field = AuthResultsWriter::new(&mut small, b"id").unwrap();
    assert_eq!(field.result(b"abcdef", b"y").err(), None); // held back
    assert_eq!(field.finish(), Err(WriteError::Full));
}

#[test]
fn the_order_of_parts() {
    let mut out = Vec::new();
    let mut field = AuthResultsWriter::new(&mut out, b"i").unwrap();
    let out_of_order = Some(WriteError::OutOfOrder);
    assert_eq!(field.reason(b"r").err(), out_of_order);
    assert_eq!(field.comment(b"r").err(), out_of_order);
    assert_eq!(field.property(b"a", b"b", b"c").err(), out_of_order);
    let result = field.result(b"x", b"y").unwrap().reason(b"r").unwrap();
    assert_eq!(result.reason(b"r").err(), out_of_order);
    let result = field
        .result(b"z", b"y")
        .unwrap()
        .property(b"a", b"b", b"c")
        .unwrap();
    assert_eq!(result.reason(b"r").err(), out_of_order);
    field.finish().unwrap();
    assert_eq!(
        out,
        b"Authentication-Results: i;\r\n x=y reason=r;\r\n z=y a.b=c\r\n"
    );

    let mut out = Vec::new();
    AuthResultsWriter::new(&mut out, b"i")
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(out, b"Authentication-Results: i; none\r\n");
}

proptest! {
    #[test]
    fn any_bytes(value: Vec<u8>) {
        let _ = AuthResults::parse(&value);
    }

    /// The prefix of a value and its rest are the value.
    #[test]
    fn tokens(value in "[ab;=./1@ ]{0,4}(a=b|; ?|none|\\(x\\)|\"y\"|[ab;=./1@ ]|reason=|a\\.b=){0,12}") {
        let Ok((prefix, rest)) = AuthResults::parse_prefix(value.as_bytes()) else {
            return Ok(());
        };
        prop_assert!(value.as_bytes().ends_with(rest));
        let last = prefix.results().last();
        if let Some(last) = last {
            prop_assert_eq!(last.offset() + last.raw().len() + rest.len(), value.len());
        }
        match outline(value.as_bytes()) {
            Ok(outline) => prop_assert_eq!((outline_of(&prefix), rest), (outline, &b""[..])),
            Err((AuthResultsErrorKind::NoResults, _)) => prop_assert_eq!(prefix.results().count(), 0),
            Err(_) => prop_assert!(!rest.is_empty()),
        }
    }

    /// What is written reads back the same, in lines of the allowed length, as one field.
    #[test]
    fn writes_and_reads_back(
        id in "[^\\p{Cc}\\p{Zl}\\p{Zp}]{1,20}",
        results in proptest::collection::vec(
            (
                "[a-z0-9]{1,4}", "[a-z-]{0,3}[a-z0-9]",
                proptest::option::of("[^\\p{Cc}\\p{Zl}\\p{Zp}]{0,40}"), proptest::option::of("[^\\p{Cc}\\p{Zl}\\p{Zp}]{0,80}"),
                proptest::collection::vec(("[a-z]{1,6}", "[a-z]{1,6}", "([^\\p{Cc}\\p{Zl}\\p{Zp}]|[a-z.@'\"\\\\ ]){0,90}"), 0..4),
            ),
            0..5,
        ),
    ) {
        let mut out = Vec::new();
        let mut field = AuthResultsWriter::new(&mut out, id.as_bytes()).unwrap();
        for (method, result, comment, reason, properties) in &results {
            let writer = field.result(method.as_bytes(), result.as_bytes()).unwrap();
            if let Some(comment) = comment {
                writer.comment(comment.as_bytes()).unwrap();
            }
            if let Some(reason) = reason {
                writer.reason(reason.as_bytes()).unwrap();
            }
            for (ptype, name, value) in properties {
                writer.property(ptype.as_bytes(), name.as_bytes(), value.as_bytes()).unwrap();
            }
        }
        field.finish().unwrap();

        let header = crate::HeaderBlock::new(&out);
        let fields: Vec<_> = header.fields().collect();
        prop_assert_eq!((fields.len(), header.as_bytes()), (1, &out[..]));
        prop_assert!(fields[0].is(b"Authentication-Results"));
        prop_assert_eq!(fields[0].defect(), None);

        let read = AuthResults::parse(fields[0].value()).unwrap();
        prop_assert!(read.authserv_id().is(id.as_bytes()));
        prop_assert_eq!(read.results().count(), results.len());
        for (resinfo, (method, result, comment, reason, properties)) in read.results().zip(&results) {
            prop_assert_eq!((resinfo.method(), resinfo.result()), (method.as_bytes(), result.as_bytes()));
            prop_assert_eq!(resinfo.reason().map(|r| r.text().collect::<Vec<_>>()), reason.clone().map(String::into_bytes));
            let comments: Vec<Vec<u8>> = resinfo.comments().map(|c| c.text().collect()).collect();
            prop_assert_eq!(comments, comment.iter().map(|c| c.clone().into_bytes()).collect::<Vec<_>>());
            prop_assert_eq!(resinfo.properties().count(), properties.len());
            for (property, (ptype, name, value)) in resinfo.properties().zip(properties) {
                prop_assert_eq!((property.ptype(), property.name()), (ptype.as_bytes(), name.as_bytes()));
                prop_assert!(property.value().is(value.as_bytes()), "{}", value);
            }
        }
    }
}
