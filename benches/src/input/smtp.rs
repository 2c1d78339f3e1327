//! What goes over an SMTP connection.

use std::sync::LazyLock;

use super::Input;

/// What follows DATA: a text of 4 KB in lines of 77 octets.
pub static DATA_4K: LazyLock<Input> = LazyLock::new(|| data("text of 4 KB", 4_096, usize::MAX));
/// The message with an attachment of 750 KB.
pub static DATA_1M: LazyLock<Input> = LazyLock::new(|| Input {
    name: "1 MB attachment",
    mails: vec![[&super::ATTACHMENT.mails[0], &b".\r\n"[..]].concat()],
});
/// A text of 1 MB.
pub static DATA_TEXT: LazyLock<Input> = LazyLock::new(|| data("text of 1 MB", 1 << 20, usize::MAX));
/// One of which every tenth line begins with a dot.
pub static DATA_DOTS: LazyLock<Input> =
    LazyLock::new(|| data("text of 1 MB, every tenth line dotted", 1 << 20, 10));

/// About `octets` octets, with a dot put in before every line number `dotted`.
fn data(name: &'static str, octets: usize, dotted: usize) -> Input {
    const LINE: &[u8] =
        b"The quick brown fox jumps over the lazy dog. Nobody has found out why, yet.\r\n";
    let mut wire = Vec::new();
    let mut number = 0;
    while wire.len() + LINE.len() <= octets {
        number += 1;
        if number % dotted == 0 {
            wire.extend_from_slice(b"..");
        }
        wire.extend_from_slice(LINE);
    }
    wire.extend_from_slice(b".\r\n");
    Input {
        name,
        mails: vec![wire],
    }
}
