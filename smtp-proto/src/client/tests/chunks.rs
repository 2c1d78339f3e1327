//! Messages in chunks of BDAT (RFC 3030).

use super::sessions::{MAIL, ONE_GROUP, told};
use super::*;

#[test]
fn in_chunks() {
    let bdat = Config {
        prefer_bdat: true,
        ..config()
    };
    let two = Order::Send(&["<j@a.example>"], &[b"hi\r\n", b".\r\n"], "");
    told(
        bdat,
        CHUNKS,
        &[
            (ONE_GROUP, "250 ok\r\n250 ok\r\n"),
            (
                "BDAT 4\r\nhi\r\nBDAT 3 LAST\r\n.\r\n",
                "250 ok\r\n250 ok\r\n",
            ),
        ],
        &[two],
        "mail 250, rcpt 0 250, delivered 0 250",
    );
    // A refused chunk: those behind it are answered too, and mean nothing.
    told(
        bdat,
        CHUNKS,
        &[
            (ONE_GROUP, "250 ok\r\n250 ok\r\n"),
            (
                "BDAT 4\r\nhi\r\nBDAT 3 LAST\r\n.\r\n",
                "452 full\r\n503 no\r\n",
            ),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[two],
        "mail 250, rcpt 0 250, failed 0 Block 452",
    );
    told(
        bdat,
        CHUNKS,
        &[
            (ONE_GROUP, "250 ok\r\n250 ok\r\n"),
            (
                "BDAT 4\r\nhi\r\nBDAT 3 LAST\r\n.\r\n",
                "250 ok\r\n554 no\r\n",
            ),
        ],
        &[two],
        "mail 250, rcpt 0 250, failed 0 Message 554",
    );
    // Without PIPELINING a chunk waits for the one before.
    let no_groups = "250-hi\r\n250 CHUNKING\r\n";
    let recipients = [
        (MAIL, "250 ok\r\n"),
        ("RCPT TO:<j@a.example>\r\n", "250 ok\r\n"),
    ];
    let mut script = recipients.to_vec();
    script.extend([
        ("BDAT 4\r\nhi\r\n", "250 ok\r\n"),
        ("BDAT 3 LAST\r\n.\r\n", "250 ok\r\n"),
    ]);
    told(
        bdat,
        no_groups,
        &script,
        &[two],
        "mail 250, rcpt 0 250, delivered 0 250",
    );
    let mut script = recipients.to_vec();
    script.extend([
        ("BDAT 4\r\nhi\r\n", "554 no\r\n"),
        ("RSET\r\n", "250 ok\r\n"),
    ]);
    told(
        bdat,
        no_groups,
        &script,
        &[two],
        "mail 250, rcpt 0 250, failed 0 Block 554",
    );
    // Binary needs chunks; here the host does not know which is the last.
    let binary = Order::Send(&["<j@a.example>"], &[b"a\nb\r", b"\0"], "BODY=BINARYMIME");
    told(
        config(),
        CHUNKS,
        &[
            (
                "MAIL FROM:<s@c.example> BODY=BINARYMIME\r\nRCPT TO:<j@a.example>\r\n",
                "250 ok\r\n250 ok\r\n",
            ),
            (
                "BDAT 4\r\na\nb\rBDAT 1\r\n\0BDAT 0 LAST\r\n",
                "250 ok\r\n250 ok\r\n250 ok\r\n",
            ),
        ],
        &[binary],
        "mail 250, rcpt 0 250, delivered 0 250",
    );
}

/// A server may count each chunk behind a refused one as an error, and hang up.
#[test]
fn chunks_without_a_reply_are_bounded() {
    let mut bdat = Config {
        prefer_bdat: true,
        ..config()
    };
    bdat.limits.chunks = 2;
    let four = Order::Send(
        &["<j@a.example>"],
        &[b"1\r\n", b"2\r\n", b"3\r\n", b"4\r\n"],
        "",
    );
    told(
        bdat,
        CHUNKS,
        &[
            (ONE_GROUP, "250 ok\r\n250 ok\r\n"),
            ("BDAT 3\r\n1\r\nBDAT 3\r\n2\r\n", "250 ok\r\n"),
            ("BDAT 3\r\n3\r\n", "250 ok\r\n"),
            ("BDAT 3 LAST\r\n4\r\n", "250 ok\r\n250 ok\r\n"),
        ],
        &[four],
        "mail 250, rcpt 0 250, delivered 0 250",
    );
    told(
        bdat,
        CHUNKS,
        &[
            (ONE_GROUP, "250 ok\r\n250 ok\r\n"),
            ("BDAT 3\r\n1\r\nBDAT 3\r\n2\r\n", "452 full\r\n503 no\r\n"),
            ("RSET\r\n", "250 ok\r\n"),
        ],
        &[four],
        "mail 250, rcpt 0 250, failed 0 Block 452",
    );
}
