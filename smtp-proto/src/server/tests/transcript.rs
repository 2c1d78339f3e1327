//! What the client says, what the server says, and what the host is asked.

use super::drive::at_every_cut;
use crate::server::{Config, End};

#[test]
fn a_message() {
    let seen = at_every_cut(
        Config::new("mx.example.org", &[]),
        b"EHLO client.example.org\r\nMAIL FROM:<joe@example.org>\r\nRCPT TO:<ann@example.org>\r\n\
          DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
        &mut |_| None,
    );
    assert_eq!(
        seen.sent,
        "220 mx.example.org ESMTP\r\n250 mx.example.org\r\n250 OK\r\n250 OK\r\n\
         354 Start mail input; end with <CRLF>.<CRLF>\r\n250 OK\r\n221 mx.example.org Bye\r\n"
    );
    assert_eq!(seen.messages, [b"Subject: x\r\n\r\n.dot\r\n"]);
    assert_eq!(
        seen.events,
        [
            "Connected",
            "Ehlo client.example.org",
            "MAIL <joe@example.org> ",
            "RCPT <ann@example.org>  #0",
            "Data",
            "MessageEnd { octets: 20 }",
        ]
    );
    assert_eq!(seen.end, Some(End::Quit));
}
