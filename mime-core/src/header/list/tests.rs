use super::*;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// RFC 2369 3.1 to 3.6.
#[test]
fn urls() {
    let cases: [(&[u8], &[&str]); 10] = [
        (
            b" <mailto:list@host.com?subject=help> (List Instructions)",
            &["mailto:list@host.com?subject=help"],
        ),
        (b" <mailto:list-info@host.com>", &["mailto:list-info@host.com"]),
        (
            b" <http://www.host.com/list.cgi?cmd=sub&lst=list>,\r\n <mailto:list-manager@host.com?body=subscribe%20list>",
            &[
                "http://www.host.com/list.cgi?cmd=sub&lst=list",
                "mailto:list-manager@host.com?body=subscribe%20list",
            ],
        ),
        (
            b" (Use this command to join the list)\r\n <mailto:list-manager@host.com?body=subscribe%20list>",
            &["mailto:list-manager@host.com?body=subscribe%20list"],
        ),
        (
            b" <ftp://ftp.host.com/list.txt> (FTP),\r\n <mailto:list@host.com?subject=help>",
            &["ftp://ftp.host.com/list.txt", "mailto:list@host.com?subject=help"],
        ),
        (b"<http:\r\n //a.example/\t>", &["http://a.example/"]),
        (b"<http://a.example/(b),c>", &["http://a.example/(b),c"]),
        (b"(<x>,)<a:b> , (,) <c>", &["a:b", "c"]),
        (b"<a>,<b>", &["a", "b"]),
        (b"< a b >", &["ab"]),
    ];
    for (value, expected) in cases {
        let urls = ListUrls::parse(value).unwrap();
        let read: Vec<String> = urls.iter().map(|url| url.to_string()).collect();
        assert_eq!(read, expected, "{value:?}");
        for url in urls.iter() {
            assert!(value.get(url.offset()..).unwrap().starts_with(url.raw()));
        }
        let written = urls.to_vec();
        assert!(ListUrls::parse(&written).unwrap().iter().eq(urls.iter()));
        assert_eq!(ListUrls::parse_prefix(value).1, b"");
        assert!(matches!(ListPost::parse(value), Ok(ListPost::Urls(_))));
    }
    let urls = ListUrls::parse(b"<HTTPS://a.example>, <mailto:b@example.org>").unwrap();
    assert!(urls.with_scheme(b"https").unwrap().is(b"HTTPS://a.example"));
    assert!(urls.with_scheme(b"ftp").is_none());
}

#[test]
fn refused_urls() {
    use ListErrorKind::*;
    for (value, kind, at, before) in [
        (&b""[..], NoAngle, 0, 0),
        (b" http://a.example", NoAngle, 1, 0),
        (b"NO", NoAngle, 0, 0),
        (b"<a:b", NoAngleEnd, 1, 0),
        (b"<a:b> <c:d>", NoComma, 6, 1),
        (b"<a:b>,", NoAngle, 6, 1),
        (b"<a:b>, c:d", NoAngle, 7, 1),
        (b"<a:b>,,<c:d>", NoAngle, 6, 1),
        (b"<>", NoUrl, 1, 0),
        (b"<a:b>, < >", NoUrl, 9, 1),
        (b"<a<b>", BadOctet, 2, 0),
        (b"<a\x00b>", BadOctet, 2, 0),
        (b"<a\rb>", BadOctet, 2, 0),
        (b"<\xc3\xa9>", BadOctet, 1, 0),
        (b"(", Lexical(LexicalErrorKind::UnclosedComment), 0, 0),
    ] {
        let error = ListUrls::parse(value).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
        let (prefix, rest) = ListUrls::parse_prefix(value);
        assert_eq!(prefix.iter().count(), before, "{value:?}");
        assert_eq!([prefix.raw(), rest].concat(), value);
    }
}

#[test]
fn post() {
    for value in [
        &b"NO"[..],
        b" no (posting not allowed on this list)",
        b"(x) NO\r\n ",
    ] {
        assert!(
            matches!(ListPost::parse(value), Ok(ListPost::No)),
            "{value:?}"
        );
    }
    for (value, kind) in [
        (&b"NO <mailto:a@example.org>"[..], ListErrorKind::TextBehind),
        (b"NOT", ListErrorKind::TextBehind),
        (b"YES", ListErrorKind::NoAngle),
    ] {
        assert_eq!(
            ListPost::parse(value).unwrap_err().kind(),
            kind,
            "{value:?}"
        );
    }
}

/// A value, and its phrase, identifier and label.
type Id = (
    &'static [u8],
    Option<&'static str>,
    &'static [u8],
    &'static [u8],
);

/// RFC 2919 3, and what is around it.
#[test]
fn ids() {
    let cases: [Id; 6] = [
        (
            b" List Header Mailing List <list-header.nisto.com>",
            Some("List Header Mailing List"),
            b"list-header.nisto.com",
            b"list-header",
        ),
        (b" <commonspace-users.list-id.within.com>", None, b"commonspace-users.list-id.within.com", b"commonspace-users"),
        (
            b"\"Lena's Personal Joke List\"\r\n <lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost> (x)",
            Some("Lena's Personal Joke List"),
            b"lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost",
            b"lenas-jokes",
        ),
        (b"\"An internal CMU List\" <0Jks9449.list-id.cmu.edu>", Some("An internal CMU List"), b"0Jks9449.list-id.cmu.edu", b"0Jks9449"),
        (b"<da39efc25c530ad145d41b86f7420c3b.052000.localhost>", None, b"da39efc25c530ad145d41b86f7420c3b.052000.localhost", b"da39efc25c530ad145d41b86f7420c3b"),
        (b"J. B. <a.b>", Some("J. B."), b"a.b", b"a"),
    ];
    for (value, phrase, id, label) in cases {
        let read = ListId::parse(value).unwrap();
        assert_eq!(
            read.phrase().map(|phrase| phrase.to_string()).as_deref(),
            phrase
        );
        assert_eq!((read.id(), read.label()), (id, label));
        assert!(value.get(read.offset()..).unwrap().starts_with(id));
        let written = read.to_vec();
        assert_eq!(ListId::parse(&written).unwrap(), read);
    }
    assert_eq!(
        ListId::parse(b"<A.B>").unwrap(),
        ListId::parse(b"x <a.b>").unwrap()
    );
}

#[test]
fn refused_ids() {
    use ListErrorKind::*;
    let long = ["<a.", &"b".repeat(254), ">"].concat();
    for (value, kind, at) in [
        (&b""[..], NoAngle, 0),
        (b" list.example.org", NoAngle, 17),
        (b"a, b <c.d>", NoAngle, 1),
        (b"<a.b", NoAngleEnd, 1),
        (b"<list>", BadId, 1),
        (b"<a..b>", BadId, 1),
        (b"<a.b.>", BadId, 1),
        (b"< a.b>", BadId, 1),
        (b"<a@b.c>", BadId, 1),
        (b"<\xc3\xa9.b>", BadId, 1),
        (b"<>", BadId, 1),
        (b"<a.b> c", TextBehind, 6),
        (b"<a.b>, <c.d>", TextBehind, 5),
        (
            b"\"x <a.b>",
            Lexical(LexicalErrorKind::UnclosedQuotedString),
            0,
        ),
        (long.as_bytes(), LongId, 1),
    ] {
        let error = ListId::parse(value).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
    }
    let fits = ["<a.", &"b".repeat(253), ">"].concat();
    assert!(ListId::parse(fits.as_bytes()).is_ok());
}

#[test]
fn one_click() {
    for value in [
        &b" List-Unsubscribe=One-Click"[..],
        b"list-unsubscribe=one-click\r\n ",
    ] {
        assert_eq!(OneClick::parse(value), Ok(OneClick));
    }
    for value in [
        &b""[..],
        b"List-Unsubscribe",
        b"List-Unsubscribe=One-Click (x)",
        b"List-Unsubscribe=One-Click;",
        b"List-Unsubscribe = One-Click",
        b"\"List-Unsubscribe=One-Click\"",
    ] {
        let error = OneClick::parse(value).unwrap_err();
        assert_eq!(error.kind(), ListErrorKind::NotOneClick, "{value:?}");
    }
    assert!(OneClick::parse(&OneClick.to_vec()).is_ok());
}

/// What a reader that strips comments first, then brackets, sees in values without quoted-pairs in
/// comments.
fn second(value: &str) -> Option<Vec<String>> {
    let mut urls = Vec::new();
    let mut rest = value;
    loop {
        rest = strip(rest)?;
        let (url, behind) = rest.strip_prefix('<')?.split_once('>')?;
        let url: String = url.replace(' ', "");
        if url.is_empty() || url.contains('<') {
            return None;
        }
        urls.push(url);
        rest = strip(behind)?;
        if rest.is_empty() {
            return Some(urls);
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// Without the white space and comments at its start.
fn strip(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start_matches(' ');
        if !text.starts_with('(') {
            return Some(text);
        }
        let mut depth = 0;
        let end = text.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        })?;
        text = &text[end + 1..];
    }
}

proptest! {
    #[test]
    fn agrees_with_a_second_reader(value in "([ <>,(a:b)]|<a>|,<b>){0,12}") {
        let ours = ListUrls::parse(value.as_bytes())
            .ok()
            .map(|urls| urls.iter().map(|url| url.to_string()).collect());
        prop_assert_eq!(ours, second(&value));
    }

    #[test]
    fn nothing_is_lost(value: Vec<u8>) {
        let (prefix, rest) = ListUrls::parse_prefix(&value);
        prop_assert_eq!([prefix.raw(), rest].concat(), &value[..]);
        if let Ok(id) = ListId::parse(&value) {
            prop_assert_eq!(id.raw(), &value[..]);
        }
    }
}
