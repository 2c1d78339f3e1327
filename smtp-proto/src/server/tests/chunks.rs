//! BDAT (RFC 3030).

use super::drive::{at_every_cut, codes};
use crate::extension::{
    BinaryMime, Chunking, EnhancedStatusCodes, Extension, Pipelining, Protocol,
};
use crate::server::{Config, Event};

const OFFERED: &[&dyn Extension] = &[&Pipelining, &Chunking, &BinaryMime, &EnhancedStatusCodes];

fn check(input: &str, want: &str, messages: &[&str], events: &[&str]) {
    let seen = at_every_cut(
        Config::new("cnri.reston.va.us", OFFERED),
        input.as_bytes(),
        &mut |_| None,
    );
    assert_eq!(codes(&seen.sent), want, "{input:?}");
    let messages: std::vec::Vec<_> = messages.iter().map(|text| text.as_bytes()).collect();
    assert_eq!(seen.messages, messages, "{input:?}");
    assert_eq!(seen.events[2..], *events, "{input:?}");
}

/// RFC 3030 4.1 and 4.2, with shorter content.
#[test]
fn simple_and_pipelined() {
    check(
        "EHLO ymir.claremont.edu\r\nMAIL FROM:<Sam@Random.com>\r\nRCPT TO:<Susan@Random.com>\r\n\
         BDAT 10 LAST\r\nTo: x\r\n\r\n.QUIT\r\n",
        "220|250|250 2.1.0|250 2.1.5|250 2.0.0|221 2.0.0",
        &["To: x\r\n\r\n."],
        &[
            "MAIL <Sam@Random.com> ",
            "RCPT <Susan@Random.com>  #0",
            "Data",
            "MessageEnd { octets: 10 }",
        ],
    );
    check(
        "EHLO ymir.claremont.edu\r\nMAIL FROM:<ned@ymir.claremont.edu> BODY=BINARYMIME\r\n\
         RCPT TO:<gvaudre@cnri.reston.va.us>\r\nRCPT TO:<jstewart@cnri.reston.va.us>\r\n\
         BDAT 6\r\na\nb\0\r.BDAT 0\r\nBDAT 3\r\n\r\n\rBDAT 0 LAST\r\nQUIT\r\n",
        "220|250|250 2.1.0|250 2.1.5|250 2.1.5|250 2.0.0|250 2.0.0|250 2.0.0|250 2.0.0|221 2.0.0",
        &["a\nb\0\r.\r\n\r"],
        &[
            "MAIL <ned@ymir.claremont.edu> BODY=BINARYMIME",
            "RCPT <gvaudre@cnri.reston.va.us>  #0",
            "RCPT <jstewart@cnri.reston.va.us>  #1",
            "Data",
            "MessageEnd { octets: 9 }",
        ],
    );
}

const BEGIN: &str = "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n";
const ASKED: [&str; 3] = ["MAIL <> ", "RCPT <a@b>  #0", "Data"];

#[test]
fn line_ends_across_chunks() {
    let whole = std::format!("{BEGIN}BDAT 2\r\na\rBDAT 3 LAST\r\n\nb\nNOOP\r\n");
    check(
        &whole,
        "220|250|250 2.1.0|250 2.1.5|250 2.0.0|550 5.6.0|250 2.0.0",
        &[],
        &[ASKED[0], ASKED[1], ASKED[2], "Discarded(BareLineEnd)"],
    );
    let split = std::format!("{BEGIN}BDAT 2\r\na\rBDAT 1 LAST\r\n\nNOOP\r\n");
    check(
        &split,
        "220|250|250 2.1.0|250 2.1.5|250 2.0.0|250 2.0.0|250 2.0.0",
        &["a\r\n"],
        &[ASKED[0], ASKED[1], ASKED[2], "MessageEnd { octets: 3 }"],
    );
    let lone = std::format!("{BEGIN}BDAT 2\r\na\rBDAT 0 LAST\r\nNOOP\r\n");
    check(
        &lone,
        "220|250|250 2.1.0|250 2.1.5|250 2.0.0|550 5.6.0|250 2.0.0",
        &[],
        &[ASKED[0], ASKED[1], ASKED[2], "Discarded(BareLineEnd)"],
    );
    // The reply does not wait for more input.
    let at_end = std::format!("{BEGIN}BDAT 2\r\na\n");
    check(
        &at_end,
        "220|250|250 2.1.0|250 2.1.5|550 5.6.0",
        &[],
        &[ASKED[0], ASKED[1], ASKED[2], "Discarded(BareLineEnd)"],
    );
    // A chunk that is refused is read all the same, and those behind it; commands in it are content.
    let first = std::format!("{BEGIN}BDAT 7\r\na\nQUIT\rBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    check(
        &first,
        "220|250|250 2.1.0|250 2.1.5|550 5.6.0|503 5.5.1|250 2.0.0",
        &[],
        &[ASKED[0], ASKED[1], ASKED[2], "Discarded(BareLineEnd)"],
    );
}

#[test]
fn out_of_order() {
    for (commands, want, last) in [
        // Without a transaction or recipients, the octets are dropped.
        (
            "EHLO c\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n",
            "250|503 5.5.1|250 2.0.0",
            "Ehlo c",
        ),
        ("BDAT 6\r\nQUIT\r\nNOOP\r\n", "503|250", "Connected"),
        (
            "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n",
            "250|250|250|502|250",
            "RCPT <a@b>  #0",
        ),
        (
            "EHLO c\r\nMAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
            "250|250 2.1.0|554 5.5.1|250 2.0.0",
            "MAIL <> ",
        ),
        // Mixed with DATA (RFC 3030 2 and 3).
        (
            "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 1\r\naDATA\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRSET\r\n",
            "250|250 2.1.0|250 2.1.5|250 2.0.0|503 5.5.1|503 5.5.1|503 5.5.1|250 2.0.0",
            "Discarded(Reset)",
        ),
        (
            "EHLO c\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a@b>\r\nDATA\r\n",
            "250|250 2.1.0|250 2.1.5|503 5.5.1",
            "RCPT <a@b>  #0",
        ),
        // What cannot be read cannot be skipped.
        ("EHLO c\r\nBDAT x\r\nQUIT\r\n", "250|501 5.5.4", "Ehlo c"),
        ("EHLO c\r\nBDAT\r\nQUIT\r\n", "250|501 5.5.4", "Ehlo c"),
        (
            "EHLO c\r\nBDAT 18446744073709551616\r\nQUIT\r\n",
            "250|501 5.5.4",
            "Ehlo c",
        ),
        (
            "EHLO c\r\nBDAT 1 FIRST\r\nQUIT\r\n",
            "250|501 5.5.4",
            "Ehlo c",
        ),
        (
            "EHLO c\r\nBDAT 6\x01\r\nQUIT\r\n",
            "250|501 5.5.4",
            "Ehlo c",
        ),
        (
            "EHLO c\r\nBDAT 6 LAST\0\r\nQUIT\r\n",
            "250|500 5.5.2",
            "Ehlo c",
        ),
        ("EHLO c\r\nBDAT 6\n\r\nQUIT\r\n", "250|500 5.5.2", "Ehlo c"),
        (
            "EHLO c\r\nbdat\u{a0}6\r\nQUIT\r\n",
            "250|500 5.5.2",
            "Ehlo c",
        ),
        // Given up, and begun again.
        (
            "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 1\r\naEHLO d\r\n",
            "250|250 2.1.0|250 2.1.5|250 2.0.0|250",
            "Discarded(Reset)",
        ),
        (
            "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 1\r\naQUIT\r\n",
            "250|250 2.1.0|250 2.1.5|250 2.0.0|221 2.0.0",
            "Discarded(Ended)",
        ),
        (
            "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 9\r\na",
            "250|250 2.1.0|250 2.1.5",
            "Discarded(Ended)",
        ),
    ] {
        let seen = at_every_cut(
            Config::new("mx.example.org", OFFERED),
            commands.as_bytes(),
            &mut |_| None,
        );
        assert_eq!(
            codes(&seen.sent),
            std::format!("220|{want}"),
            "{commands:?}"
        );
        assert_eq!(seen.events.last().unwrap(), last, "{commands:?}");
        assert!(seen.messages.is_empty());
    }
}

#[test]
fn the_host_refuses_the_first_chunk() {
    let input = std::format!("{BEGIN}BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<>\r\n");
    let seen = at_every_cut(
        Config::new("mx.example.org", OFFERED),
        input.as_bytes(),
        &mut |event| matches!(event, Event::Data).then_some((452, "no room")),
    );
    assert_eq!(
        codes(&seen.sent),
        "220|250|250 2.1.0|250 2.1.5|452 4.0.0|503 5.5.1|250 2.1.0"
    );
    // A reply that leaves no room for others, and is held until the octets are read.
    let long: &str =
        std::boxed::Box::leak(("z".repeat(490) + "\n" + &"z".repeat(200)).into_boxed_str());
    let seen = at_every_cut(
        Config::new("mx.example.org", OFFERED),
        input.as_bytes(),
        &mut |event| matches!(event, Event::Data).then_some((452, long)),
    );
    assert_eq!(
        codes(&seen.sent),
        "220|250|250 2.1.0|250 2.1.5|452 4.0.0|503 5.5.1|250 2.1.0"
    );
}

#[test]
fn lmtp_replies_for_each_recipient_at_a_last_chunk_that_is_refused() {
    let mut config = Config::new("mx.example.org", OFFERED);
    config.protocol = Protocol::Lmtp;
    for (chunks, want) in [
        ("BDAT 2 LAST\r\nab", "452 4.0.0|452 4.0.0"),
        ("BDAT 1\r\na", "452 4.0.0"),
    ] {
        let input = std::format!(
            "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@b>\r\n{chunks}NOOP\r\n"
        );
        let seen = at_every_cut(config, input.as_bytes(), &mut |event| {
            matches!(event, Event::Data).then_some((452, "Full"))
        });
        assert_eq!(
            codes(&seen.sent),
            std::format!("220|250|250 2.1.0|250 2.1.5|250 2.1.5|{want}|250 2.0.0")
        );
    }
}

#[test]
fn lmtp_replies_for_each_recipient_at_the_last_chunk() {
    let mut config = Config::new("mx.example.org", OFFERED);
    config.protocol = Protocol::Lmtp;
    for (content, want) in [
        ("ab", "250 2.1.5|250 2.1.5"),
        ("a\n", "550 5.6.0|550 5.6.0"),
    ] {
        let input = std::format!(
            "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@b>\r\nBDAT 1\r\nxBDAT 2 LAST\r\n{content}NOOP\r\n"
        );
        let seen = at_every_cut(config, input.as_bytes(), &mut |_| None);
        assert_eq!(
            codes(&seen.sent),
            std::format!("220|250|250 2.1.0|250 2.1.5|250 2.1.5|250 2.0.0|{want}|250 2.0.0")
        );
    }
}

/// A line that is too long, with octets behind it that the client says are none of it.
#[test]
fn a_long_line_of_bdat() {
    let long = std::format!("EHLO c\r\nBDAT {}6\r\nQUIT\r\n", "0".repeat(3_000));
    let seen = at_every_cut(
        Config::new("mx.example.org", OFFERED),
        long.as_bytes(),
        &mut |_| None,
    );
    assert_eq!(codes(&seen.sent), "220|250|500 5.5.2");
}
