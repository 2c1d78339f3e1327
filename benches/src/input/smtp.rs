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

/// One command or reply, often.
macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $octets:expr;)*) => {$(
        $(#[$doc])*
        pub static $name: LazyLock<Input> = LazyLock::new(|| Input {
            name: $what,
            mails: vec![$octets.to_vec(); 100],
        });
    )*};
}

lines! {
    /// With a name.
    EHLO: "EHLO", b"EHLO mail.example.org\r\n";
    /// Without parameters.
    MAIL_FROM: "MAIL without parameters", b"MAIL FROM:<joe.public@example.org>\r\n";
    /// With those that most clients send.
    MAIL_2: "MAIL with 2 parameters",
        b"MAIL FROM:<joe.public@example.org> SIZE=10240 BODY=8BITMIME\r\n";
    /// With what a relay sends.
    MAIL_6: "MAIL with 6 parameters",
        b"MAIL FROM:<joe.public@example.org> SIZE=10240 BODY=8BITMIME SMTPUTF8 RET=HDRS \
        ENVID=QQ314159 AUTH=joe@example.org\r\n";
    /// Without parameters.
    RCPT: "RCPT without parameters", b"RCPT TO:<suzie.q@mail.example.com>\r\n";
    /// With a wish for notifications.
    RCPT_DSN: "RCPT with NOTIFY and ORCPT",
        b"RCPT TO:<suzie.q@mail.example.com> NOTIFY=SUCCESS,FAILURE \
        ORCPT=rfc822;suzie@example.com\r\n";
    /// The shortest.
    DATA: "DATA", b"DATA\r\n";
    /// With a size.
    BDAT: "BDAT", b"BDAT 86000 LAST\r\n";
    /// What a server of some age offers.
    EHLO_REPLY: "reply to EHLO, 11 lines",
        b"250-mx.example.org at your service\r\n250-PIPELINING\r\n250-SIZE 35882577\r\n\
        250-ETRN\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n\
        250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n";
    /// That of RCPT.
    REPLY: "reply of one line", b"250 2.1.5 Recipient address is accepted\r\n";
}
