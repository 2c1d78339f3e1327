//! The Received-SPF field, both ways (RFC 7208 9.1).

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod zone;

use proptest::prelude::*;
use scop_core::{Emit, Lookup, Rtype};
use scop_spf::received_spf::ReceivedSpfErrorKind;
use scop_spf::{Evaluator, Identity, Limits, ReceivedSpf, ReceivedSpfView, Request, SpfResult};

use crate::zone::{Found, request, run, zone};

fn evaluated(request: Request<'_>, zone: impl Fn(&str, Rtype) -> Found) -> Evaluator<'_> {
    let mut machine = Evaluator::new(request, &Limits::DEFAULT);
    run(&mut machine, zone, |_| 0);
    machine
}

fn emitted(field: &ReceivedSpf<'_>) -> String {
    let mut out = heapless::Vec::<u8, 8192>::new();
    field.emit(&mut out).unwrap();
    assert_eq!(field.emitted_len(), out.len());
    String::from_utf8(out.to_vec()).unwrap()
}

fn field(request: Request<'_>, lines: &str) -> String {
    let machine = evaluated(request, zone(lines));
    emitted(&ReceivedSpf::new(request, machine.verdict().unwrap()).unwrap())
}

#[test]
fn fields_as_written() {
    let pass = field(
        request("192.0.2.1", "user@d.test"),
        "d.test TXT v=spf1 -a ip4:192.0.2.0/24 -all",
    );
    assert_eq!(
        pass,
        "Received-SPF: pass (receiver.example: domain of user@d.test designates\r\n\
         \t192.0.2.1 as permitted sender) receiver=receiver.example;\r\n\
         \tclient-ip=192.0.2.1; identity=mailfrom; envelope-from=\"user@d.test\";\r\n\
         \thelo=mx.example.org; mechanism=\"ip4:192.0.2.0/24\";\r\n"
    );
    let helo = Request {
        identity: Identity::Helo,
        helo: b"odd (name",
        receiver: b"",
        ..request("2001:db8::1", "\"x y\"@d.test")
    };
    assert_eq!(
        field(helo, ""),
        "Received-SPF: none (unknown: domain of postmaster@odd \\(name does not\r\n\
         \tdesignate permitted sender hosts) receiver=unknown; client-ip=\"2001:db8::1\";\r\n\
         \tidentity=helo; helo=\"odd (name\"; problem=\"a malformed domain\";\r\n"
    );
    let error = field(request("192.0.2.1", ""), "mx.example.org TXT v=spf1 moo");
    let end = "\tclient-ip=192.0.2.1; identity=mailfrom; envelope-from=\"\";\r\n\
               \thelo=mx.example.org; problem=\"a syntax error in a record\";\r\n";
    assert!(error.ends_with(end), "{error}");
    let neutral = field(
        request("192.0.2.1", "a@d.test"),
        "d.test TXT v=spf1 include:e.test\ne.test TXT v=spf1 -all",
    );
    assert!(
        neutral.starts_with("Received-SPF: neutral ")
            && neutral.ends_with("mechanism=default;\r\n"),
        "{neutral}"
    );
    let included = field(
        request("192.0.2.1", "a@d.test"),
        "d.test TXT v=spf1 ~include:e.test\ne.test TXT v=spf1 +all",
    );
    assert!(
        included.starts_with("Received-SPF: softfail ") && included.ends_with("mechanism=all;\r\n"),
        "{included}"
    );
}

/// The three examples of RFC 7208 9.1; the last has an unquoted colon, against the grammar.
#[test]
fn examples_of_the_rfc() {
    for (value, result, pairs) in [
        (
            " pass (mybox.example.org: domain of\r\n myname@example.com designates 192.0.2.1 as permitted sender)\r\n    \
             receiver=mybox.example.org; client-ip=192.0.2.1;\r\n    envelope-from=\"myname@example.com\"; helo=foo.example.com;",
            SpfResult::Pass,
            &[
                ("receiver", "mybox.example.org"),
                ("client-ip", "192.0.2.1"),
                ("envelope-from", "myname@example.com"),
                ("helo", "foo.example.com"),
            ][..],
        ),
        (
            " fail (mybox.example.org: domain of\n  myname@example.com does not designate\n   192.0.2.1 as permitted sender)\n \
             identity=mailfrom; client-ip=192.0.2.1;\n  envelope-from=\"myname@example.com\";\n",
            SpfResult::Fail,
            &[
                ("identity", "mailfrom"),
                ("client-ip", "192.0.2.1"),
                ("envelope-from", "myname@example.com"),
            ],
        ),
        (
            " pass (x)\r\n receiver=mybox.example.org; client-ip=192.0.2.1;\r\n mechanism=ip4:192.0.2.1; helo=foo.example.com;",
            SpfResult::Pass,
            &[
                ("receiver", "mybox.example.org"),
                ("client-ip", "192.0.2.1"),
                ("mechanism", "ip4:192.0.2.1"),
                ("helo", "foo.example.com"),
            ],
        ),
    ] {
        let view = ReceivedSpfView::parse(value.as_bytes()).unwrap();
        assert_eq!(view.result(), result);
        assert!(view.comment().is_some());
        let read: Vec<(String, String)> = view
            .pairs()
            .map(|(key, value)| (String::from_utf8(key.to_vec()).unwrap(), value.to_string()))
            .collect();
        let read: Vec<(&str, &str)> = read.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(read, pairs);
    }
}

#[test]
fn odd_forms() {
    let view = ReceivedSpfView::parse(
        b"(first) SoftFail (a (nested \\) one)) (another) helo (c) = (c) \"a\\\"b\\\\\r\n c\" (c) ; X-y_z.1=(c)v(c)",
    )
    .unwrap();
    assert_eq!(
        (view.result(), view.comment()),
        (SpfResult::SoftFail, Some(&b"a (nested \\) one)"[..]))
    );
    let helo = view.get(b"HELO").unwrap();
    assert_eq!(
        (helo.to_string().as_str(), helo.is_quoted()),
        ("a\"b\\ c", true)
    );
    assert_eq!(helo.raw(), b"a\\\"b\\\\\r\n c");
    assert_eq!(view.get(b"x-Y_z.1").unwrap().raw(), b"v");
    assert!(view.get(b"receiver").is_none());
    let bare = ReceivedSpfView::parse(b"none").unwrap();
    assert_eq!((bare.comment(), bare.pairs().count()), (None, 0));
}

#[test]
fn errors_say_where() {
    use ReceivedSpfErrorKind::*;
    for (value, kind, at) in [
        ("", UnknownResult, 0),
        (" passed", UnknownResult, 1),
        (" pass (x", Unclosed, 6),
        (" pass (x\\)", Unclosed, 6),
        (" pass helo", Key, 6),
        (" pass =x", Key, 6),
        (" pass 1a=x", Key, 6),
        (" pass helo=", Value, 11),
        (" pass helo=;", Value, 11),
        (" pass helo=x y=z", Value, 13),
        (" pass helo=\"x", Unclosed, 11),
        (" pass helo=\"x\\\"", Unclosed, 11),
        (" pass a=b;;", Key, 10),
        (" pass a=b\0", Value, 9),
    ] {
        let error = ReceivedSpfView::parse(value.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
    }
}

#[test]
fn hostile_text_is_refused() {
    let good = request("192.0.2.1", "user@d.test");
    let machine = evaluated(good, zone(""));
    let verdict = machine.verdict().unwrap();
    let kind = |request| {
        ReceivedSpf::new(request, verdict)
            .map(|_| ())
            .map_err(|error| (error.kind(), error.offset()))
    };
    let bad = |at| Err((ReceivedSpfErrorKind::BadByte, at));
    assert_eq!(kind(good), Ok(()));
    assert_eq!(
        kind(Request {
            helo: b"x\r\nBcc: y",
            ..good
        }),
        bad(1)
    );
    assert_eq!(
        kind(Request {
            helo: b"x\0",
            ..good
        }),
        bad(1)
    );
    assert_eq!(
        kind(Request {
            mail_from: b"x\n@y",
            ..good
        }),
        bad(1)
    );
    assert_eq!(
        kind(Request {
            receiver: b"\x7f",
            ..good
        }),
        bad(0)
    );
    // Control characters beyond ASCII; the characters around them may stand.
    for (helo, expected) in [
        ("a\u{80}", bad(1)),
        ("a\u{9b}31m", bad(1)),
        ("\u{fc}\u{9f}", bad(2)),
        ("\u{a0}\u{c2}", Ok(())),
    ] {
        let helo = helo.as_bytes();
        assert_eq!(kind(Request { helo, ..good }), expected, "{helo:?}");
    }
    assert_eq!(
        kind(Request {
            helo: b"ab\xff",
            ..good
        }),
        bad(2)
    );
    assert_eq!(
        kind(Request {
            helo: &[b'x'; 481],
            ..good
        }),
        Err((ReceivedSpfErrorKind::TooLong, 480))
    );
    // A publisher cannot prevent the field with a long mechanism.
    let lines = format!(
        "d.test TXT v=spf1 ?exists:{}%{{d}} -all\n{}d.test A 127.0.0.2",
        "a.".repeat(400),
        "a.".repeat(123)
    );
    let machine = evaluated(good, zone(&lines));
    let field = emitted(&ReceivedSpf::new(good, machine.verdict().unwrap()).unwrap());
    assert!(field.ends_with("mechanism=exists;\r\n"), "{field}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// One field, whatever the client said, and it reads back as what was written.
    #[test]
    fn round_trip(
        helo in "[ -~\u{e9}]{0,60}|[a-z.]{0,480}", mail_from in "[ -~\u{e9}]{0,40}(@d\\.test)?|[\"\\\\]{480}", receiver in "[a-z()\\\\.]{0,30}",
        v6: bool, record in "v=spf1 (-all|a|include:%\\{d\\}|exists:%\\{s\\}\\.x|moo|mx:\"\\\\\\.d\\.test)", is_helo: bool,
    ) {
        let request = Request {
            ip: if v6 { "2001:db8::1" } else { "192.0.2.1" }.parse().unwrap(),
            helo: helo.as_bytes(),
            receiver: receiver.as_bytes(),
            identity: if is_helo { Identity::Helo } else { Identity::MailFrom },
            ..request("192.0.2.1", &mail_from)
        };
        let machine = evaluated(request, |_, rtype| if rtype == Rtype::TXT { Found::Texts(vec![record.clone()]) } else { Found::NxDomain });
        let verdict = machine.verdict().unwrap();
        let field = match ReceivedSpf::new(request, verdict) {
            Ok(field) => emitted(&field),
            Err(error) => {
                prop_assert_eq!(error.kind(), ReceivedSpfErrorKind::TooLong);
                return Ok(());
            }
        };
        let body = field.strip_suffix("\r\n").unwrap();
        for (number, line) in body.split("\r\n").enumerate() {
            prop_assert!(line.len() <= 998);
            prop_assert!(number == 0 || line.starts_with('\t'));
            prop_assert!(!line[1..].contains(|c: char| c.is_ascii_control()));
        }
        let value = body.strip_prefix("Received-SPF:").unwrap();
        let view = ReceivedSpfView::parse(value.as_bytes()).unwrap();
        let get = |key: &str| view.get(key.as_bytes()).map(|value| value.to_string());
        prop_assert_eq!(view.result(), verdict.result());
        prop_assert_eq!(get("helo"), Some(helo.clone()).filter(|helo| !helo.is_empty()));
        prop_assert_eq!(get("client-ip").unwrap(), request.ip.to_string());
        prop_assert_eq!(get("receiver").unwrap(), if receiver.is_empty() { "unknown" } else { &receiver });
        prop_assert_eq!(get("envelope-from"), (!is_helo).then(|| mail_from.clone()));
        prop_assert_eq!(get("identity").unwrap(), request.identity.as_str());
    }

    #[test]
    fn any_bytes(value: Vec<u8>, tail in "[ -~\r\n]{0,60}") {
        let _ = ReceivedSpfView::parse(&value);
        let value = format!("pass {tail}");
        if let Ok(view) = ReceivedSpfView::parse(value.as_bytes()) {
            for (key, value) in view.pairs() {
                prop_assert!(!key.is_empty());
                prop_assert!(value.emitted_len() <= value.raw().len());
            }
        }
    }
}
