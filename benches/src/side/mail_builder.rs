//! mail-builder 2.0.1. It draws its boundaries from a clock and a counter, and does not look whether they
//! are in a part. Lines, names and addresses are checked for control characters.

use mail_builder::MessageBuilder;

use super::{Scratch, Seen};
use crate::input::{html, plain};

/// A message with text, HTML and, where there are octets, an attachment, in a buffer that is used again.
pub fn build(attachment: &[u8], scratch: &mut Scratch) -> Seen {
    let mut builder = MessageBuilder::new()
        .from(("J\u{f6}rg M\u{fc}ller", "joerg@example.org"))
        .to(("Suzie Q.", "suzie@example.com"))
        .subject("Gr\u{fc}\u{df}e aus K\u{f6}ln, und der Bericht f\u{fc}r das Jahr")
        .date(1_861_869_600_i64)
        .message_id("20290101100000.1234@example.org")
        .text_body(plain())
        .html_body(html());
    if !attachment.is_empty() {
        builder = builder.attachment("application/octet-stream", "data.bin", attachment);
    }
    scratch.octets.clear();
    builder.serialize(&mut scratch.octets);
    let mut seen = Seen::default();
    seen.add(0, 1);
    seen.add(2, scratch.octets.len());
    seen
}
