//! Sessions that go well, and refusals at each command.

use super::*;
use crate::client::Awaited;
use crate::extension::Protocol;
use std::string::ToString;

const QUIT: Line = ("QUIT\r\n", "221 bye\r\n");
pub(super) const MAIL: &str = "MAIL FROM:<s@c.example>\r\n";
pub(super) const ONE_GROUP: &str = "MAIL FROM:<s@c.example>\r\nRCPT TO:<j@a.example>\r\n";
const THREE_GROUP: &str = "MAIL FROM:<s@c.example>\r\nRCPT TO:<a@a.example>\r\nRCPT TO:<b@a.example>\r\nRCPT TO:<c@b.example>\r\n";

/// Events behind those of the greeting and EHLO.
#[track_caller]
pub(super) fn told(
    config: Config<'_>,
    keywords: &'static str,
    rest: &[Line],
    orders: &[Order],
    log: &str,
) {
    let mut script = after_hello(keywords, rest);
    script.push(QUIT);
    let log = if log.is_empty() {
        READY.to_string()
    } else {
        format!("{READY}, {log}")
    };
    check(config, &script, orders, &log, End::Quit);
}

#[test]
fn one_by_one() {
    told(
        config(),
        PLAIN,
        &[
            (MAIL, "250 ok\r\n"),
            ("RCPT TO:<a@a.example>\r\n", "250 ok\r\n"),
            ("RCPT TO:<b@a.example>\r\n", "550-no\r\n550 no\r\n"),
            ("RCPT TO:<c@b.example>\r\n", "251 will forward\r\n"),
            ("DATA\r\n", "354 go\r\n"),
            ("hi\r\n.\r\n", "250 ok\r\n"),
        ],
        &[THREE],
        "mail 250, rcpt 0 250, failed 1 Recipient 550, rcpt 2 251, delivered 0 250, delivered 2 250",
    );
}

#[test]
fn in_a_group() {
    told(
        config(),
        GROUPS,
        &[
            (THREE_GROUP, "250 ok\r\n250 ok\r\n450 later\r\n250 ok\r\n"),
            ("DATA\r\n", "354 go\r\n"),
            ("hi\r\n.\r\n", "550 no\r\n"),
            (ONE_GROUP, "250 ok\r\n"),
            ("", "250 ok\r\n"),
            ("DATA\r\n", "354 go\r\n"),
            ("hi\r\n.\r\n", "250 ok\r\n"),
        ],
        &[THREE, ONE],
        "mail 250, rcpt 0 250, failed 1 Recipient 450, rcpt 2 250, failed 0 Message 550, failed 2 Message 550, \
         mail 250, rcpt 0 250, delivered 0 250",
    );
}

#[test]
fn data_in_the_group() {
    let config = Config {
        data_in_group: true,
        ..config()
    };
    let group = "MAIL FROM:<s@c.example>\r\nRCPT TO:<j@a.example>\r\nDATA\r\n";
    let message = ("hi\r\n.\r\n", "250 ok\r\n");
    told(
        config,
        GROUPS,
        &[(group, "250 ok\r\n250 ok\r\n354 go\r\n"), message],
        &[ONE],
        "mail 250, rcpt 0 250, delivered 0 250",
    );
    // No recipient, and yet 354: a lone dot. The reply to it means nothing, even 250.
    for reply in ["554 no recipients\r\n", "250 ok\r\n"] {
        told(
            config,
            GROUPS,
            &[(group, "250 ok\r\n550 no\r\n354 go\r\n"), (".\r\n", reply)],
            &[ONE],
            "mail 250, failed 0 Recipient 550",
        );
    }
    told(
        config,
        GROUPS,
        &[
            (group, "250 ok\r\n550 no\r\n503 no\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[ONE],
        "mail 250, failed 0 Recipient 550",
    );
    told(
        config,
        GROUPS,
        &[
            (group, "250 ok\r\n250 ok\r\n451 no\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[ONE],
        "mail 250, rcpt 0 250, failed 0 Data 451",
    );
    told(
        config,
        GROUPS,
        &[
            (group, "550 no\r\n503 no\r\n503 no\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[ONE],
        "mail 550, failed 0 Mail 550",
    );
    // MAIL is refused, and all else is accepted: still nobody gets it.
    told(
        config,
        GROUPS,
        &[
            (group, "550 no\r\n250 ok\r\n354 go\r\n"),
            (".\r\n", "250 ok\r\n"),
        ],
        &[ONE],
        "mail 550, failed 0 Mail 550",
    );
}

#[test]
fn refused_at_each_command() {
    for (rest, log) in [
        (&[(MAIL, "451 later\r\n")][..], "mail 451"),
        (
            &[
                (MAIL, "250 ok\r\n"),
                ("RCPT TO:<j@a.example>\r\n", "550 no\r\n"),
                ("RSET\r\n", "250 ok\r\n"),
            ],
            "mail 250, failed 0 Recipient 550",
        ),
        (
            &[
                (MAIL, "250 ok\r\n"),
                ("RCPT TO:<j@a.example>\r\n", "250 ok\r\n"),
                ("DATA\r\n", "554 no\r\n"),
                ("RSET\r\n", "250 ok\r\n"),
            ],
            "mail 250, rcpt 0 250, failed 0 Data 554",
        ),
        (
            &[
                (MAIL, "250 ok\r\n"),
                ("RCPT TO:<j@a.example>\r\n", "250 ok\r\n"),
                ("DATA\r\n", "354 go\r\n"),
                ("hi\r\n.\r\n", "452 full\r\n"),
            ],
            "mail 250, rcpt 0 250, failed 0 Message 452",
        ),
    ] {
        told(config(), PLAIN, rest, &[ONE], log);
    }
    told(
        config(),
        GROUPS,
        &[
            (ONE_GROUP, "550 no\r\n503 no\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[ONE],
        "mail 550, failed 0 Mail 550",
    );
    told(
        config(),
        GROUPS,
        &[
            (ONE_GROUP, "550 no\r\n250 what\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[ONE],
        "mail 550, failed 0 Mail 550",
    );
    let none = Order::Send(&[], &[], "");
    told(
        config(),
        GROUPS,
        &[(MAIL, "250 ok\r\n"), ("RSET\r\n", "250 ok\r\n")],
        &[none],
        "mail 250",
    );
    told(
        config(),
        PLAIN,
        &[(MAIL, "250 ok\r\n"), ("RSET\r\n", "250 ok\r\n")],
        &[none],
        "mail 250",
    );
}

#[test]
fn greetings() {
    for (reply, number) in [("554 no\r\n", 554), ("450-later\r\n450 later\r\n", 450)] {
        let end = End::Refused {
            to: Awaited::Greeting,
            code: code(number),
        };
        check(
            config(),
            &[("", reply), QUIT],
            &[],
            &format!("greeting {number}"),
            end,
        );
    }
    for number in [250, 354] {
        let reply: &str = format!("{number} hi\r\n").leak();
        let end = End::Unexpected {
            to: Awaited::Greeting,
            code: code(number),
        };
        check(
            config(),
            &[("", reply)],
            &[],
            &format!("greeting {number}"),
            end,
        );
    }
    check(
        config(),
        &[("", "421 busy\r\n")],
        &[],
        "closing 421",
        End::Closing,
    );
    // Octets behind the greeting, or before it.
    check(
        config(),
        &[("", "220 hi\r\n250 you\r\n"), ("EHLO c.example\r\n", "")],
        &[],
        "greeting 220",
        End::Unsolicited,
    );
    let end = run(config(), &[("", "\r\n220 hi\r\n")], &[], 99).end;
    assert!(matches!(end, Some(End::BadReply(_))), "{end:?}");
}

#[test]
fn hello_falls_back() {
    for reply in ["500 what\r\n", "502 no\r\n", "504 no\r\n"] {
        let script = [
            ("", "220 hi\r\n"),
            ("EHLO c.example\r\n", reply),
            ("HELO c.example\r\n", "250-hi\r\n250 PIPELINING\r\n"),
            (MAIL, "250 ok\r\n"),
            ("RCPT TO:<j@a.example>\r\n", "250 ok\r\n"),
            ("DATA\r\n", "354 go\r\n"),
            ("hi\r\n.\r\n", "250 ok\r\n"),
            QUIT,
        ];
        check(
            config(),
            &script,
            &[ONE],
            "greeting 220, Helo 250, mail 250, rcpt 0 250, delivered 0 250",
            End::Quit,
        );
    }
    let refused = |number| End::Refused {
        to: Awaited::Hello,
        code: code(number),
    };
    let script = |reply| [("", "220 hi\r\n"), ("EHLO c.example\r\n", reply), QUIT];
    check(
        config(),
        &script("550 no\r\n"),
        &[],
        "greeting 220, hello refused 550",
        refused(550),
    );
    check(
        config(),
        &script("451 no\r\n"),
        &[],
        "greeting 220, hello refused 451",
        refused(451),
    );
    let strict = Config {
        helo_fallback: false,
        ..config()
    };
    check(
        strict,
        &script("500 no\r\n"),
        &[],
        "greeting 220, hello refused 500",
        refused(500),
    );
    let script = [
        ("", "220 hi\r\n"),
        ("EHLO c.example\r\n", "502 no\r\n"),
        ("HELO c.example\r\n", "502 no\r\n"),
        QUIT,
    ];
    check(
        config(),
        &script,
        &[],
        "greeting 220, hello refused 502",
        refused(502),
    );
    let lmtp = Config {
        protocol: Protocol::Lmtp,
        ..config()
    };
    let script = [
        ("", "220 hi\r\n"),
        ("LHLO c.example\r\n", "500 no\r\n"),
        QUIT,
    ];
    check(
        lmtp,
        &script,
        &[],
        "greeting 220, hello refused 500",
        refused(500),
    );
}

#[test]
fn lmtp_has_a_reply_for_each() {
    let lmtp = Config {
        protocol: Protocol::Lmtp,
        ..config()
    };
    let script = [
        ("", "220 hi\r\n"),
        ("LHLO c.example\r\n", GROUPS),
        (THREE_GROUP, "250 ok\r\n550 no\r\n250 ok\r\n250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
        ("hi\r\n.\r\n", "250 ok\r\n452 full\r\n"),
        QUIT,
    ];
    check(
        lmtp,
        &script,
        &[THREE],
        "greeting 220, Lhlo 250, mail 250, failed 0 Recipient 550, rcpt 1 250, rcpt 2 250, \
         delivered 1 250, failed 2 Message 452",
        End::Quit,
    );
    // One reply too many.
    let script = [
        ("", "220 hi\r\n"),
        ("LHLO c.example\r\n", GROUPS),
        (ONE_GROUP, "250 ok\r\n250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
        ("hi\r\n.\r\n", "250 ok\r\n250 ok\r\n"),
    ];
    let told = run(lmtp, &script, &[ONE], usize::MAX);
    assert_eq!(told.end, Some(End::Unsolicited));
    assert_eq!(told.log.last().unwrap(), "delivered 0 250");
}

#[test]
fn dots_and_line_ends() {
    let start = [
        (ONE_GROUP, "250 ok\r\n250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
    ];
    let session = |order, config, sent, log| {
        let mut script = start.to_vec();
        script.push((sent, "250 ok\r\n"));
        told(config, GROUPS, &script, &[order], log);
    };
    let delivered = "mail 250, rcpt 0 250, delivered 0 250";
    session(
        Order::Send(&["<j@a.example>"], &[b".", b"\r", b"\n.\r\n.", b"x"], ""),
        config(),
        "..\r\n..\r\n..x\r\n.\r\n",
        delivered,
    );
    session(
        Order::Send(&["<j@a.example>"], &[], ""),
        config(),
        ".\r\n",
        delivered,
    );
    let mends = Config {
        normalise_line_ends: true,
        ..config()
    };
    session(
        Order::Send(&["<j@a.example>"], &[b"a\n.\r", b"b\n"], ""),
        mends,
        "a\r\n..\r\nb\r\n.\r\n",
        delivered,
    );
}

#[test]
fn limits_and_parameters() {
    let keywords = "250-hi\r\n250-SIZE 100\r\n250-8BITMIME\r\n250-LIMITS MAILMAX=2 RCPTMAX=2 RCPTDOMAINMAX=1\r\n250 XOTHER\r\n";
    let short = Order::Send(&["<j@a.example>"], &[], "SIZE=100 BODY=8BITMIME");
    let long = Order::Send(&["<j@a.example>"], &[], "SIZE=101");
    let mail = "MAIL FROM:<s@c.example> SIZE=100 BODY=8BITMIME\r\n";
    let parameter = |text| Order::Send(&["<j@a.example>"], &[], text);
    told(
        config(),
        keywords,
        &[
            (mail, "550 no\r\n"),
            (MAIL, "250 ok\r\n"),
            ("RCPT TO:<a@a.example>\r\n", "250 ok\r\n"),
            ("RCPT TO:<b@a.example>\r\n", "550 no\r\n"),
            ("DATA\r\n", "354 go\r\n"),
            ("hi\r\n.\r\n", "250 ok\r\n"),
        ],
        &[
            long,
            parameter("SMTPUTF8"),
            parameter("BODY=BINARYMIME"),
            parameter("SIZE=1 size=1"),
            parameter("XOTHER"),
            parameter("BODY=8BITMIME\u{e9}"),
            short,
            THREE,
            THREE,
        ],
        &format!(
            "CannotSend({:?}, \"the message is larger than the server takes (RFC 1870 6.1)\"), NotAnnounced({:?}), \
         NotAnnounced({:?}), Repeated({:?}), NotListed({:?}), NotListed({:?}), mail 550, mail 250, \
         rcpt 0 250, failed 1 Recipient 550, Limit, delivered 0 250, Limit",
            "SIZE", "SMTPUTF8", "BODY", "size", "XOTHER", "BODY"
        ),
    );
    // The domain of the second one is another one.
    let domains = Order::Send(
        &["<a@a.example>", "<b@A.EXAMPLE>", "<c@b.example>"],
        &[],
        "",
    );
    let keywords = "250-hi\r\n250 LIMITS RCPTDOMAINMAX=1\r\n";
    told(
        config(),
        keywords,
        &[
            (MAIL, "250 ok\r\n"),
            ("RCPT TO:<a@a.example>\r\n", "550 ok\r\n"),
            ("RCPT TO:<b@A.EXAMPLE>\r\n", "550 no\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[domains],
        "mail 250, failed 0 Recipient 550, failed 1 Recipient 550, Limit",
    );
    // RFC 9422 4.3: it counts for the session.
    told(
        config(),
        keywords,
        &[
            (MAIL, "250 ok\r\n"),
            ("RCPT TO:<a@a.example>\r\n", "550 no\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
            (MAIL, "250 ok\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[
            Order::Send(&["<a@a.example>"], &[], ""),
            Order::Send(&["<c@b.example>"], &[], ""),
        ],
        "mail 250, failed 0 Recipient 550, mail 250, Limit",
    );
}

#[test]
fn commands_and_reset() {
    told(
        config(),
        PLAIN,
        &[
            ("NOOP\r\n", "250 ok\r\n"),
            ("vrfy joe\r\n", "252 maybe\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[
            Order::Command("NOOP", ""),
            Order::Command("vrfy", "joe"),
            Order::Reset,
            Order::Command("BDAT", "1"),
            Order::Command("DATA", ""),
            Order::Command("NOOP", "\r\nDATA"),
            Order::Command("NOOP", "\r\n"),
            Order::Command("NOOP", " a"),
            Order::Command("HELP", "\u{e9}"),
        ],
        &format!(
            "reply 250, reply 252, reply 250, NotAnnounced({:?}), NotListed({:?}), BadOctet, BadOctet, BadOctet, NeedsUtf8",
            "BDAT", "DATA"
        ),
    );
    let chunks = after_hello(CHUNKS, &[QUIT]);
    let told = play(config(), &chunks, &[Order::Command("BDAT", "1")]);
    assert!(told.log[2].starts_with("CannotSend"), "{told:?}");
}

#[test]
fn groups_are_bounded() {
    let mut small = config();
    small.limits.group = 2;
    told(
        small,
        GROUPS,
        &[
            (
                ONE_GROUP.strip_suffix("RCPT TO:<j@a.example>\r\n").unwrap(),
                "250 ok\r\n",
            ),
            ("RCPT TO:<a@a.example>\r\n", "250 ok\r\n"),
            ("RCPT TO:<b@a.example>\r\n", "250 ok\r\n"),
            ("RCPT TO:<c@b.example>\r\n", "250 ok\r\n"),
            ("DATA\r\n", "354 go\r\n"),
            ("hi\r\n.\r\n", "250 ok\r\n"),
        ],
        &[THREE],
        "mail 250, rcpt 0 250, rcpt 1 250, rcpt 2 250, delivered 0 250, delivered 1 250, delivered 2 250",
    );
}

#[test]
fn a_client_is_small_and_can_be_sent() {
    const fn is_send<T: Send>() {}
    is_send::<Client<'static>>();
    let size = size_of::<Client<'_>>();
    assert!(size <= 1024, "{size}");
}
