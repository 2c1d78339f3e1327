use super::*;
use crate::header::lexical::LexicalErrorKind;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// `name|local-part|domain` of each mailbox, groups as `name:...;`, joined by `, `.
fn outline(value: &[u8]) -> Result<String, (AddressErrorKind, usize)> {
    let mailbox = |mailbox: Mailbox<'_>| {
        let name = mailbox.display_name();
        std::format!(
            "{}|{}|{}",
            name.map_or("-".into(), |name| name.text().to_string()),
            mailbox.addr_spec().local_part().text(),
            mailbox.addr_spec().domain().text()
        )
    };
    let list = AddressList::parse(value).map_err(|error| (error.kind(), error.offset()))?;
    let addresses: Vec<String> = list
        .iter()
        .map(|address| match address {
            Address::Mailbox(one) => mailbox(one),
            Address::Group(group) => {
                let members: Vec<String> = group.mailboxes().map(mailbox).collect();
                std::format!("{}:{};", group.name(), members.join(", "))
            }
        })
        .collect();
    Ok(addresses.join(", "))
}

/// A value, what it means, and its canonical form.
#[test]
fn rfc_5322_appendix_a() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str)] = &[
        // A.1.1
        ("John Doe <jdoe@machine.example>", "John Doe|jdoe|machine.example", "John Doe <jdoe@machine.example>"),
        ("Michael Jones <mjones@machine.example>", "Michael Jones|mjones|machine.example", "Michael Jones <mjones@machine.example>"),
        // A.1.2
        ("\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public|john.q.public|example.com", "\"Joe Q. Public\" <john.q.public@example.com>"),
        ("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
         "Mary Smith|mary|x.test, -|jdoe|example.org, Who?|one|y.test",
         "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
        ("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
         "-|boss|nil.test, Giant; \"Big\" Box|sysservices|example.net",
         "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
        // A.1.3
        ("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
         "A Group:Ed Jones|c|a.test, -|joe|where.test, John|jdoe|one.test;",
         "A Group: Ed Jones <c@a.test>, joe@where.test, John <jdoe@one.test>;"),
        ("Undisclosed recipients:;", "Undisclosed recipients:;", "Undisclosed recipients:;"),
        // A.2
        ("\"Mary Smith: Personal Account\" <smith@home.example>",
         "Mary Smith: Personal Account|smith|home.example",
         "\"Mary Smith: Personal Account\" <smith@home.example>"),
        // A.5
        ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete|silly.test", "Pete <pete@silly.test>"),
        ("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
         "A Group:Chris Jones|c|public.example, -|joe|example.org, John|jdoe|one.test;",
         "A Group: Chris Jones <c@public.example>, joe@example.org, John <jdoe@one.test>;"),
        ("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "Hidden recipients:;", "Hidden recipients:;"),
        // A.6.1
        ("Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|john.q.public|example.com", "Joe \"Q.\" Public <john.q.public@example.com>"),
        ("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
         "Mary Smith|mary|example.net, -|jdoe|test.example",
         "Mary Smith <mary@example.net>, jdoe@test.example"),
        // A.6.3
        ("John Doe <jdoe@machine(comment).  example>", "John Doe|jdoe|machine.example", "John Doe <jdoe@machine.example>"),
        ("Mary Smith\r\n  \r\n          <mary@example.net>", "Mary Smith|mary|example.net", "Mary Smith <mary@example.net>"),
        // RFC 6854 1 and 3
        ("Managing Partners:ben@example.com,carol@example.com;", "Managing Partners:-|ben|example.com, -|carol|example.com;", "Managing Partners: ben@example.com, carol@example.com;"),
        ("Nightly Monitor Robot:;", "Nightly Monitor Robot:;", "Nightly Monitor Robot:;"),
        // RFC 6532
        ("J\u{f6}rg <j\u{f6}rg@m\u{fc}ller.example>", "J\u{f6}rg|j\u{f6}rg|m\u{fc}ller.example", "J\u{f6}rg <j\u{f6}rg@m\u{fc}ller.example>"),
    ];
    for (value, meaning, canonical) in cases {
        assert_eq!(
            outline(value.as_bytes()).as_deref(),
            Ok(*meaning),
            "{value}"
        );
        let list = AddressList::parse(value.as_bytes()).unwrap();
        assert_eq!(&list.to_string(), canonical);
        assert_eq!(
            list.to_string(),
            AddressList::parse(canonical.as_bytes())
                .unwrap()
                .to_string()
        );
        assert_eq!(
            outline(canonical.as_bytes()).as_deref(),
            Ok(*meaning),
            "{canonical}"
        );
    }
}

#[test]
fn forms_of_the_grammar() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        (b"a@b", "-|a|b"),
        (b" a @ b ", "-|a|b"),
        (b"<a@b>", "-|a|b"),
        (b"\"a b\"@c", "-|a b|c"),
        (b"\"a\\\"\\\\b\"@c", "-|a\"\\b|c"),
        (b"\"\"@c", "-||c"),
        (b"a.\"b\" . c@d", "-|a.b.c|d"),
        (b"a@[192.0.2.1]", "-|a|[192.0.2.1]"),
        (b"a@[ IPv6:2001:db8::1 ]", "-|a|[IPv6:2001:db8::1]"),
        (b"\"x\" y . z \"w\" <a@b>", "x y . z w|a|b"),
        (b"x\"y\" <a@b>", "xy|a|b"),
        (b",, a@b ,(c), d@e,", "-|a|b, -|d|e"),
        (b"g:,,;", "g:;"),
        (b"g: a@b,, c@d ;, h:; (x)", "g:-|a|b, -|c|d;, h:;"),
        (b"<,,@x , , @y:a@b>", "-|a|b"),
        (b"=?utf-8?q?a=40b?= <c@d>", "=?utf-8?q?a=40b?=|c|d"),
        (b"\"a,b\" <c@d>", "a,b|c|d"),
        (b"\"a\r\n b\" <c@d>", "a b|c|d"),
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
    use AddressErrorKind::*;
    use LexicalErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], AddressErrorKind, usize)] = &[
        (b"", NoAddress, 0),
        (b" (x) , ,", NoAddress, 8),
        (b"a", NoAtSign, 1),
        (b"a b", NoAtSign, 3),
        (b"a b@c", NoAtSign, 2),
        (b"a, b@c", NoAtSign, 1),
        (b"@b", NoLocalPart, 0),
        (b".a@b", Unexpected, 0),
        (b"a..b@c", NoLocalPart, 2),
        (b"a.@c", NoLocalPart, 2),
        (b"a@", NoDomain, 2),
        (b"a@.b", NoDomain, 2),
        (b"a@b.", NoDomain, 4),
        (b"a@b..c", NoDomain, 4),
        (b"a@b@c", TextAfterAddress, 3),
        (b"a@b c", TextAfterAddress, 4),
        (b"a@b <c@d>", TextAfterAddress, 4),
        (b"<a@b>c@d", TextAfterAddress, 5),
        (b"<a@b> c", TextAfterAddress, 6),
        (b"<a@b", NoAngleEnd, 4),
        (b"<a@b@c>", NoAngleEnd, 4),
        (b"<a@b c>", NoAngleEnd, 5),
        (b"<>", NoLocalPart, 1),
        (b"<a>", NoAtSign, 2),
        (b"<<a@b>>", NoLocalPart, 1),
        (b"<@a:>", NoLocalPart, 4),
        (b"<@a b@c>", BadRoute, 4),
        (b"<@a@b:c@d>", BadRoute, 3),
        (b"<,:c@d>", BadRoute, 2),
        (b"a@[b]c", TextAfterAddress, 5),
        (b"a@b[c]", TextAfterAddress, 3),
        (b"g: a@b", GroupNotClosed, 6),
        (b"g: h: a@b;;", NestedGroup, 2),
        (b"g: a@b; c@d", TextAfterAddress, 8),
        (b"g: a@b; ; ", TextAfterAddress, 8),
        (b": a@b;", Unexpected, 0),
        (b"a@b; c@d", TextAfterAddress, 3),
        (b"a@b,;", NoAtSign, 4),
        (b"a\\@b", Unexpected, 1),
        (b"a@b\r\n", TextAfterAddress, 3),
        (b"a\0b@c", Unexpected, 1),
        (b"a@b\x01", TextAfterAddress, 3),
        (b"\"a@b", Lexical(UnclosedQuotedString), 0),
        (b"a@b (c", Lexical(UnclosedComment), 4),
        (b"a@[b", Lexical(UnclosedLiteral), 2),
        (b"\xe9@b", Lexical(NotUtf8), 0),
        (b"a@b, x\xe9 <c@d>", Lexical(NotUtf8), 6),
        (b"\"a\0\"@b", Lexical(StrayControl), 2),
    ];
    for (value, kind, offset) in cases {
        let expected = Err((*kind, *offset));
        assert_eq!(outline(value), expected, "{}", value.escape_ascii());
    }
}

#[test]
fn an_error_ends_the_iteration() {
    let mut addresses = Addresses::new(b"a@b, c, d@e");
    assert!(matches!(addresses.next(), Some(Ok(Address::Mailbox(_)))));
    assert!(matches!(addresses.next(), Some(Err(_))));
    assert!(addresses.next().is_none());
}

#[test]
fn comments() {
    let list = AddressList::parse(b"g(1):(2)a(3)@b;(4), \"(no)\" (5 (x)) <c@d>(6)").unwrap();
    let texts: Vec<Vec<String>> = list
        .iter()
        .map(|address| match address {
            Address::Mailbox(mailbox) => mailbox.comments(),
            Address::Group(group) => group.comments(),
        })
        .map(|comments| comments.map(|c| c.text().to_string()).collect())
        .collect();
    assert_eq!(texts, [vec!["1", "2", "3", "4"], vec!["5 (x)", "6"]]);
}

#[test]
fn one_mailbox() {
    let kind = |value| {
        Mailbox::parse(value)
            .map(|_| ())
            .map_err(|e| (e.kind(), e.offset()))
    };
    assert_eq!(kind(b"A <a@b>,"), Ok(()));
    assert_eq!(kind(b""), Err((AddressErrorKind::NoAddress, 0)));
    assert_eq!(kind(b"a@b, c@d"), Err((AddressErrorKind::NotOneMailbox, 4)));
    assert_eq!(kind(b"g: a@b;"), Err((AddressErrorKind::NotOneMailbox, 0)));
    assert_eq!(AddrSpec::parse(b" a@b (c)").unwrap().to_string(), "a@b");
    assert!(AddrSpec::parse(b"<a@b>").is_err());
}

#[test]
fn comparisons() {
    let spec = |value| AddrSpec::parse(value).unwrap();
    assert_eq!(spec(b"\"a.b\"@C.d"), spec(b"a . b@c.D"));
    assert_ne!(spec(b"A@c"), spec(b"a@c"));
    assert_ne!(spec(b"a@c"), spec(b"a@cd"));
    assert!(spec(b"\"a\\ b\"@c").local_part().is(b"a b"));
    assert!(!spec(b"a@c").domain().is(b"c.d") && spec(b"a@c . d").domain().is(b"C.D"));
    assert_eq!(spec(b"a@c.d").domain().as_dot_atom(), Some(&b"c.d"[..]));
    assert_eq!(spec(b"a@c. d").domain().as_dot_atom(), None);
    assert_eq!(spec(b"a@[1]").domain().as_dot_atom(), None);
}

#[test]
fn canonical_local_parts() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str)] = &[
        (b"\"ab\"@c", "ab@c"),
        (b"\"a b\"@c", "\"a b\"@c"),
        (b"a.\" \"@c", "\"a. \"@c"),
        (b"\"a..b\"@c", "\"a..b\"@c"),
        (b"\".a\"@c", "\".a\"@c"),
        (b"\"\"@c", "\"\"@c"),
        (b"\"a\\bc\"@d", "abc@d"),
        (b"\"a@b\"@c", "\"a@b\"@c"),
        (b"\"a\\\"\\\\\"@c", "\"a\\\"\\\\\"@c"),
        // No encoded word comes of a quoted one.
        (b"\"=\\?u?q?a?=\"@c", "\"=?u?q?a?=\"@c"),
        (b"=?u?q?a?=@c", "\"=?u?q?a?=\"@c"),
        (b"a=b?c@d", "a=b?c@d"),
    ];
    for (value, canonical) in cases {
        assert_eq!(&AddrSpec::parse(value).unwrap().to_string(), canonical);
    }
}

fn quirks(value: &[u8]) -> Vec<AddressQuirk> {
    Mailbox::parse(value).unwrap().quirks().collect()
}

#[test]
fn quirks_of_an_address() {
    use AddressQuirk::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], &[AddressQuirk])] = &[
        (b"a@b", &[]),
        (b"\"A, B\" (c) < a@b > (d)", &[]),
        (b"\"a\"@b", &[]),
        (b"\"a b\"@c", &[QuotedLocalPart]),
        (b"\"\"@c", &[QuotedLocalPart]),
        (b"<=?utf-8?q?a?=@b>", &[EncodedWord]),
        (b"a@=?utf-8?q?b?=", &[EncodedWord]),
        (b"\"=?utf-8?q?a?=\"@b", &[EncodedWord]),
        (b"\"=\\?utf-8?q?a?=\"@b", &[EncodedWord]),
        (b"\"\\=\\?\"@b", &[EncodedWord]),
        (b"\"= ?\"@b", &[QuotedLocalPart]),
        (b"<@x:a@b>", &[SourceRoute]),
        (b"<a(x)@b>", &[CommentInside]),
        (b"<(x)a@b>", &[CommentInside]),
        (b"<a@b(x)>", &[CommentInside]),
        (b"a@b(x)", &[]),
        (b"a@b(x).c", &[CommentInside]),
        (b"a@ b", &[SpaceInside]),
        (b"a @(x)b", &[CommentInside, SpaceInside]),
        (b"a@b .c", &[SpaceInside]),
        (b"a@[1]", &[DomainLiteral]),
        (b"a@\xc3\xa9", &[NonAscii]),
        (b"\"x@y\" <a@b>", &[AtSignInName]),
        (b"\"<x@y>\" <a@b>", &[AngleInText, AtSignInName]),
        (b"a@b (<x@y>)", &[AngleInText]),
    ];
    for (value, expected) in cases {
        assert_eq!(&quirks(value), expected, "{}", value.escape_ascii());
    }
}

/// "Composition Kills" (USENIX Security 2020), the attacks of section 5 that work on From, as sent by
/// the authors' tool: what our parser says. A12 and A13 have no From but a malformed field.
mod composition_kills {
    use super::*;
    use crate::{FieldDefect, HeaderBlock};

    /// The fields that are From, and the defects of the first field.
    fn from_fields(header: &[u8]) -> (usize, Option<FieldDefect>) {
        let header = HeaderBlock::new(header);
        let count = header.fields().filter(|field| field.is(b"From")).count();
        (
            count,
            header.fields().next().and_then(|field| field.defect()),
        )
    }

    #[test]
    fn a12_from_and_sender() {
        let header = b"From\r\n : <first@attack.com>\r\nSender: <admin@legitimate.com>\r\n";
        assert_eq!(from_fields(header), (0, Some(FieldDefect::NoColon)));
    }

    #[test]
    fn a13_from_and_resent_from() {
        let header = b"From\r\n : <first@attack.com>\r\nResent-From: <admin@legitimate.com>\r\n";
        assert_eq!(from_fields(header), (0, Some(FieldDefect::NoColon)));
    }

    #[test]
    fn a14_two_addresses() {
        let value = b" <first@attack.com>, <admin@legitimate.com>";
        assert_eq!(AddressList::parse(value).unwrap().mailboxes().count(), 2);
    }

    #[test]
    fn a15_encoded_address() {
        // bs64(<admin@legitimate.com>),<second@attack.com>
        let value = b" =?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=,<second@attack.com>";
        assert_eq!(outline(value), Err((AddressErrorKind::NoAtSign, 45)));
        // The same where a local part is due.
        let value = b"=?utf-8?B?YWRtaW5AbGVnaXRpbWF0ZS5jb20=?=@attack.com";
        assert_eq!(quirks(value), [AddressQuirk::EncodedWord]);
    }

    #[test]
    fn a16_source_route() {
        let value = b" <@attack.com,@any.com:admin@legitimate.com>";
        assert_eq!(quirks(value), [AddressQuirk::SourceRoute]);
        assert_eq!(outline(value).as_deref(), Ok("-|admin|legitimate.com"));
    }

    #[test]
    fn a17_quoted_pair() {
        let value = b" <admin@legitimate.com>\\,<second@attack.com>";
        assert_eq!(
            outline(value),
            Err((AddressErrorKind::TextAfterAddress, 23))
        );
        // The same inside the grammar.
        let value = b" \"admin@legitimate.com,\"@attack.com";
        assert_eq!(quirks(value), [AddressQuirk::QuotedLocalPart]);
    }

    #[test]
    fn a18_precedence_of_specials() {
        let value = b" admin@legitimate.com,<second@attack.com>";
        assert_eq!(AddressList::parse(value).unwrap().mailboxes().count(), 2);
    }

    #[test]
    fn a19_display_name_after_the_address() {
        let value = b" <any@attack.com>admin@legitimate.com";
        assert_eq!(
            outline(value),
            Err((AddressErrorKind::TextAfterAddress, 17))
        );
    }

    #[test]
    fn a8_to_a11_several_from_fields() {
        assert_eq!(from_fields(b"From: <a@x>\r\nFrom: <b@y>\r\n"), (2, None));
        let leading = from_fields(b" From: <a@x>\r\nFrom: <b@y>\r\n");
        assert_eq!(leading, (1, Some(FieldDefect::NothingToContinue)));
        assert_eq!(from_fields(b"From: <a@x>\r\nFrom : <b@y>\r\n"), (2, None));
        let folded = from_fields(b"From\r\n : <a@x>\r\nFrom: <b@y>\r\n");
        assert_eq!(folded, (1, Some(FieldDefect::NoColon)));
    }
}

/// Every promise on one value that may be anything.
fn check(value: &[u8]) {
    let Ok(list) = AddressList::parse(value) else {
        return;
    };
    // The elements are cut at commas; what is left out holds no address.
    let mut end = 0;
    for address in list.iter() {
        let (raw, offset) = match address {
            Address::Mailbox(mailbox) => (mailbox.raw(), mailbox.offset()),
            Address::Group(group) => (group.raw(), group.offset()),
        };
        assert_eq!(&value[offset..offset + raw.len()], raw);
        let gap = &value[end..offset];
        assert!(end == 0 || gap.starts_with(b","));
        let nothing = AddressList::parse(gap)
            .map(|_| ())
            .map_err(|error| error.kind());
        assert_eq!(
            nothing,
            Err(AddressErrorKind::NoAddress),
            "{}",
            value.escape_ascii()
        );
        end = offset + raw.len();
    }
    for mailbox in list.mailboxes() {
        let spec = mailbox.addr_spec();
        for (raw, offset) in [
            (spec.local_part().raw(), spec.local_part().offset()),
            (spec.domain().raw(), spec.domain().offset()),
        ] {
            assert_eq!(&value[offset..offset + raw.len()], raw);
        }
        if let Some(name) = mailbox.display_name() {
            assert_eq!(&value[name.offset()..][..name.raw().len()], name.raw());
        }
    }
    // The canonical form is one line, means the same, and is its own canonical form.
    let canonical = list.to_vec();
    assert!(
        !canonical
            .iter()
            .any(|byte| matches!(byte, b'\r' | b'\n' | 0))
    );
    let again = AddressList::parse(&canonical).unwrap();
    assert_eq!(again.to_vec(), canonical, "{}", value.escape_ascii());
    assert_eq!(
        outline(&canonical),
        outline(value),
        "{}",
        value.escape_ascii()
    );
    assert!(
        list.mailboxes()
            .map(|m| m.addr_spec())
            .eq(again.mailboxes().map(|m| m.addr_spec()))
    );
    assert!(
        !again
            .mailboxes()
            .any(|mailbox| mailbox.quirks().any(|quirk| matches!(
                quirk,
                AddressQuirk::SourceRoute | AddressQuirk::CommentInside | AddressQuirk::SpaceInside
            )))
    );
}

proptest! {
    #[test]
    fn any_bytes(value: Vec<u8>) {
        check(&value);
    }

    #[test]
    fn tokens(value in "([ab.@<>,:;\"\\\\() \u{e9}]|\r\n |=\\?a\\?q\\?b\\?=|\\[1\\]|a@b|\"x\"){0,14}") {
        check(value.as_bytes());
    }

    #[test]
    fn valid_lists(value in list()) {
        prop_assert!(AddressList::parse(value.as_bytes()).is_ok(), "{value}");
        check(value.as_bytes());
    }
}

/// Values that the grammar produces.
fn list() -> impl Strategy<Value = String> {
    let gap = "( |\t|\r\n |\\((a|\\\\[a()]|\\(b\\))*\\))?";
    let word = || std::format!("([a-z=?\u{e9}]{{1,3}}|\"([a-z @,.<]|\\\\[\"a ])*\"){gap}");
    let dotted = std::format!("{gap}{}(\\.{gap}{}){{0,2}}", word(), word());
    let domain =
        std::format!("{gap}([a-z0-9-]{{1,3}}{gap}(\\.{gap}[a-z]{{1,3}}){{0,2}}|\\[ 1\\]){gap}");
    let name = std::format!("{gap}{}({}|\\.){{0,2}}", word(), word());
    let spec = std::format!("{dotted}@{domain}");
    let mailbox = std::format!("({spec}|({name})?{gap}<{gap}(@x,@y:)?{spec}>{gap})");
    let group = std::format!("{name}:(({mailbox}|{gap}),){{0,2}}{mailbox}?{gap};{gap}");
    proptest::string::string_regex(&std::format!(
        "(,{gap}){{0,2}}({mailbox}|{group})(,({mailbox}|{group}|{gap})){{0,3}}"
    ))
    .unwrap()
}
