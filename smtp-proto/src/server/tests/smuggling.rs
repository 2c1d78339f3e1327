//! One message never becomes two: the terminators that other servers took for an end of DATA.

use std::string::ToString;
use std::vec::Vec;

use super::drive::{at_every_cut, codes};
use super::transcript::OFFERED;
use crate::data::LineEnds;
use crate::server::Config;

/// `LF.LF`, `LF.CRLF`, `CRLF.LF`, `CR.CR`, `CRLF.CR` and NUL variants (VU#302671).
const TERMINATORS: [&[u8]; 9] = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\0\n",
];

#[test]
fn one_message_or_a_refusal() {
    for terminator in TERMINATORS {
        let mut input =
            b"EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nbody"
                .to_vec();
        input.extend(terminator);
        input.extend(
            b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsmuggled\r\n.\r\nQUIT\r\n",
        );
        let mut config = Config::new("mx.example.org", OFFERED);
        let is_bare = !terminator.contains(&0) || terminator.ends_with(b"\0\n");
        let seen = at_every_cut(config, &input, &mut |_| None);
        let reply = if is_bare { "550 5.6.0" } else { "250 2.0.0" };
        assert_eq!(
            codes(&seen.sent),
            std::format!("220|250|250 2.1.0|250 2.1.5|354|{reply}|221 2.0.0"),
            "{terminator:?}"
        );
        assert_eq!(seen.messages.len(), usize::from(!is_bare));
        assert_eq!(
            seen.events.last().unwrap() == "Discarded(BareLineEnd)",
            is_bare
        );
        for (policy, changed) in [(LineEnds::Keep, false), (LineEnds::Normalise, true)] {
            config.line_ends = policy;
            let seen = at_every_cut(config, &input, &mut |_| None);
            assert_eq!(seen.messages.len(), 1, "{terminator:?}");
            let message: Vec<u8> = seen.messages[0].clone();
            assert!(memchr::memmem::find(&message, b"evil").is_some());
            let lone = |octets: &[u8]| {
                let text = octets.escape_ascii().to_string().replace("\\r\\n", "");
                text.contains("\\r") || text.contains("\\n")
            };
            assert_eq!(lone(&message), is_bare && !changed, "{terminator:?}");
        }
    }
}
