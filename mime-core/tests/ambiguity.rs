//! One clean message, and every way known to make two readers see two messages in it: each must be told.
//!
//! The classes are those of "Inbox Invasion" (CCS 2024), draft-chen-email-mime-ambiguity-defense and RFC 7103.

#![expect(clippy::unwrap_used, reason = "tests")]

use scop_mime_core::{Inspector, Limits, Message, Reader};

const CLEAN: &str = "From: Joe Public <joe@example.org>\r\n\
    To: Mary <mary@example.net>\r\n\
    Date: Tue, 1 Jul 2003 10:52:37 +0200\r\n\
    Message-ID: <1@example.org>\r\n\
    Subject: =?utf-8?q?caf=C3=A9?= au lait\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"outer 1\"\r\n\
    \r\n\
    A preamble.\r\n\
    --outer 1\r\n\
    Content-Type: multipart/alternative; boundary=inner\r\n\
    \r\n\
    --inner\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\
    \r\n\
    caf=C3=A9, a line that is =\r\n\
    long\r\n\
    --inner\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\
    \r\n\
    <p>caf\u{e9}</p>\r\n\
    --inner--\r\n\
    \r\n\
    --outer 1\r\n\
    Content-Type: application/octet-stream; name=\"a b.bin\"\r\n\
    Content-Transfer-Encoding: base64\r\n\
    Content-Disposition: attachment; filename=\"a b.bin\"\r\n\
    \r\n\
    SGVsbG8sIEpvZSE=\r\n\
    --outer 1--\r\n";

/// A class, what stands in the clean message, and what stands there instead.
#[rustfmt::skip]
const MUTATIONS: &[(&str, &str, &str)] = &[
    // Fields that stand twice.
    ("From twice", "To: ", "From: a@example.com\r\nTo: "),
    ("Sender twice", "To: ", "Sender: a@example.com\r\nSender: b@example.com\r\nTo: "),
    ("Date twice", "To: ", "Date: Tue, 1 Jul 2003 10:52:38 +0200\r\nTo: "),
    ("Message-ID twice", "To: ", "Message-ID: <2@example.org>\r\nTo: "),
    ("Subject twice", "To: ", "subject: b\r\nTo: "),
    ("MIME-Version twice", "To: ", "Mime-Version: 1.0\r\nTo: "),
    ("Content-Type twice", "To: ", "Content-Type: text/plain\r\nTo: "),
    ("Content-Type twice in a part", "text/html; charset=utf-8", "text/html\r\nContent-type: text/plain"),
    ("Content-Transfer-Encoding twice", "8bit", "8bit\r\nContent-Transfer-Encoding: base64"),
    ("Content-Disposition twice", "attachment;", "inline\r\nContent-Disposition: attachment;"),
    // Parameters that stand twice.
    ("boundary twice", "=inner\r\n", "=inner; boundary=other\r\n"),
    ("boundary twice, in two cases", "=inner\r\n", "=inner; BOUNDARY=other\r\n"),
    ("boundary plain and extended", "=inner\r\n", "=inner; boundary*=us-ascii''other\r\n"),
    ("boundary plain and in pieces", "=inner\r\n", "=inner; boundary*0=ot; boundary*1=her\r\n"),
    ("charset twice", "html; charset=utf-8", "html; charset=utf-8; charset=us-ascii"),
    ("filename twice", "filename=\"a b.bin\"", "filename=a.txt; filename=\"a b.bin\""),
    ("filename plain and extended", "filename=\"a b.bin\"", "filename=a.txt; filename*=utf-8''a.exe"),
    ("a piece twice", "filename=\"a b.bin\"", "filename*0=a; filename*0=b"),
    ("a piece is missing", "filename=\"a b.bin\"", "filename*0=a; filename*2=b"),
    ("a piece with a leading zero", "filename=\"a b.bin\"", "filename*00=a; filename*01=b"),
    // Forms that not all readers know.
    ("boundary extended", "boundary=inner", "boundary*=us-ascii''inner"),
    ("boundary in pieces", "boundary=inner", "boundary*0=in; boundary*1=ner"),
    ("charset extended", "html; charset=utf-8", "html; charset*=''utf-8"),
    ("a backslash in a boundary", "boundary=inner", "boundary=\"in\\ner\""),
    ("a backslash at the end", "multipart/alternative;", "multipart/alternative; x=\"\\\\\";"),
    ("a backslash in a filename", "filename=\"a b.bin\"", "filename=\"a\\b.bin\""),
    ("a space before the equals sign", "boundary=inner", "boundary =inner"),
    ("a space behind the equals sign", "boundary=inner", "boundary= inner"),
    ("a space before the slash", "multipart/alternative", "multipart /alternative"),
    ("a fold behind the slash", "multipart/alternative", "multipart/\r\n alternative"),
    ("two semicolons", "multipart/alternative;", "multipart/alternative;;"),
    ("an encoded word in a parameter", "filename=\"a b.bin\"", "filename=\"=?utf-8?q?a.exe?=\""),
    // Comments.
    ("a comment in a boundary", "boundary=inner", "boundary=inner(x)"),
    ("a comment before a boundary", "boundary=inner", "(x)boundary=inner"),
    ("a comment in a type", "text/html", "text(x)/html"),
    ("a comment before a type", "text/html", "(x)text/html"),
    ("a comment in a transfer encoding", "base64", "base64 (x)"),
    ("a comment before a transfer encoding", "base64", "(x) base64"),
    ("a comment in a disposition", "attachment;", "attachment (x);"),
    ("a comment that does not close", "boundary=inner", "boundary=inner (x"),
    // Quotes.
    ("no closing quote", "\"outer 1\"", "\"outer 1"),
    ("no opening quote", "\"outer 1\"", "outer 1\""),
    ("a quote in the middle", "=inner\r\n", "=in\"ner\"\r\n"),
    ("text behind a quoted string", "=inner\r\n", "=\"inner\"x\r\n"),
    ("no quotes around a space", "\"outer 1\"", "outer 1"),
    ("single quotes", "\"outer 1\"", "'outer 1'"),
    // Content types.
    ("no subtype", "text/html", "text"),
    ("no type", "text/html", "/html"),
    ("two types", "text/html", "text/plain, text/html"),
    ("nothing", "text/html; charset=utf-8", ""),
    ("no semicolon", "html; charset", "html charset"),
    ("a colon for a semicolon", "html; charset", "html: charset"),
    ("a comma for a semicolon", "html; charset", "html, charset"),
    ("a parameter without a value", "html; charset=utf-8", "html; charset"),
    ("an empty value", "html; charset=utf-8", "html; charset="),
    ("message/partial", "application/octet-stream", "message/partial; id=x; number=1; total=2"),
    // Transfer encodings.
    ("an unknown encoding", "base64", "base-64"),
    ("an encoding of one's own", "base64", "x-base64"),
    ("an encoding in quotes", "base64", "\"base64\""),
    ("an encoding and a semicolon", "base64", "base64;"),
    ("two encodings", "base64", "base64, 7bit"),
    ("a space in an encoding", "base64", "base 64"),
    ("a space behind an encoding", "base64", "base64 "),
    ("an encoding on the next line", "base64", "\r\n base64"),
    ("an empty encoding", ": base64", ":"),
    ("a character that looks like another", "base64", "b\u{430}se64"),
    ("an encoded multipart", "boundary=inner\r\n", "boundary=inner\r\nContent-Transfer-Encoding: base64\r\n"),
    ("an encoded message", "application/octet-stream", "message/rfc822"),
    // Boundaries.
    ("no boundary", "; boundary=inner", ""),
    ("an empty boundary", "boundary=inner", "boundary=\"\""),
    ("a boundary with a space at its end", "boundary=inner", "boundary=\"inner \""),
    ("a boundary with an octet that it may not have", "boundary=inner", "boundary=\"inner*\""),
    ("a boundary that is too long", "boundary=inner", "boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("a boundary used again", "boundary=inner", "boundary=\"outer 1\""),
    ("a boundary that begins with another", "boundary=inner", "boundary=\"outer 12\""),
    ("a boundary that another begins with", "boundary=inner", "boundary=outer"),
    // Delimiters.
    ("no close delimiter", "--inner--\r\n", ""),
    ("no close delimiter of all", "--outer 1--\r\n", ""),
    ("two close delimiters", "--inner--\r\n", "--inner--\r\n--inner--\r\n"),
    ("a part behind the close", "--inner--\r\n", "--inner--\r\n--inner\r\n\r\nx\r\n"),
    ("a delimiter that goes on", "<p>", "--innerx\r\n<p>"),
    ("text behind the close delimiter", "--inner--\r\n", "--inner--x\r\n"),
    ("an epilogue", "--outer 1--\r\n", "--outer 1--\r\nPayload\r\n"),
    ("an epilogue within", "--inner--\r\n", "--inner--\r\nPayload\r\n"),
    ("a part that is all header", "\r\n\r\n<p>caf\u{e9}</p>", ""),
    // Base64.
    ("junk in base64", "SGVsbG8s", "SGVs*bG8s"),
    ("padding in the middle", "SGVsbG8sIEpvZSE=", "SGVsbG8sIEpvZSE=SGVs"),
    ("padding in the middle, twice", "SGVsbG8sIEpvZSE=", "SGk=\r\nSGVsbG8sIEpvZSE="),
    ("padding within a group", "SGVsbG8s", "SG=VsbG8s"),
    ("no padding", "SGVsbG8sIEpvZSE=", "SGVsbG8sIEpvZSE"),
    ("too much padding", "SGVsbG8sIEpvZSE=", "SGVsbG8sIEpvZSE=="),
    ("half a group", "SGVsbG8sIEpvZSE=", "SGVsbG8sI"),
    ("another alphabet", "SGVsbG8s", "SG-sb_8s"),
    ("text behind base64", "SGVsbG8sIEpvZSE=", "SGVsbG8sIEpvZSE=\r\n\r\nPayload."),
    // Quoted-printable.
    ("one digit", "=C3=A9", "=C"),
    ("no digits", "=C3=A9", "=XY"),
    ("`=` at the end", "\r\nlong", "\r\nlong="),
    ("two `=`", "=C3=A9", "==A9"),
    ("white space behind a soft break", "is =\r\n", "is = \r\n"),
    // Lines.
    ("one LF", "Date: Tue, 1 Jul 2003 10:52:37 +0200\r\n", "Date: Tue, 1 Jul 2003 10:52:37 +0200\n"),
    ("LF in a body", "<p>", "x\n<p>"),
    ("LF before a delimiter", "long\r\n--inner", "long\n--inner"),
    ("LF for the empty line", "+0200\r\n", "+0200\r\nX: y\n"),
    ("CR in a header", "au lait", "au\rlait"),
    ("CR in a body", "<p>", "x\r<p>"),
    ("CR before a delimiter", "long\r\n--inner", "long\r--inner"),
    ("CR CR LF", "au lait\r\n", "au lait\r\r\n"),
    ("NUL in a header", "au lait", "au\0lait"),
    ("NUL in a type", "text/html", "text/html\0"),
    ("NUL in a body", "<p>", "\0<p>"),
    // Fields.
    ("a space before the colon", "Subject:", "Subject :"),
    ("a space before the colon of a type", "Content-Type: text/html", "Content-Type : text/html"),
    ("no colon", "Subject: ", "no colon\r\nSubject: "),
    ("no colon in a part", "Content-Type: text/html", "no colon\r\nContent-Type: text/html"),
    ("no name", "Subject: ", ": x\r\nSubject: "),
    ("a name that is not ASCII", "Content-Type: text/html", "C\u{43e}ntent-Type: text/html"),
    ("a continuation of nothing", "From: Joe", " x\r\nFrom: Joe"),
    ("a continuation of nothing in a part", "Content-Type: text/html", " x\r\nContent-Type: text/html"),
    ("a line of white space", "Subject: ", "X: y\r\n \r\nSubject: "),
    ("a line of white space at the end", "boundary=\"outer 1\"\r\n", "boundary=\"outer 1\"\r\n\t\r\n"),
    // Addresses.
    ("two authors", "From: Joe", "From: a@example.com, Joe"),
    ("no author", "From: Joe Public <joe@example.org>", "From: team:;"),
    ("a malformed author", "From: Joe Public <joe@example.org>", "From: <a@example.com> <joe@example.org>"),
    ("a source route", "<joe@", "<@example.com:joe@"),
    ("an address in a local part", "<joe@", "<\"a@example.com\"@"),
    ("an encoded word in an address", "<joe@", "<=?utf-8?q?a?=@"),
    ("a comment in an address", "<joe@", "<joe(a@example.com)@"),
    ("a space in an address", "joe@example.org>", "joe@example.org .example.com>"),
    // Encoded words.
    ("an encoded word in a word", "=?utf-8?q?caf=C3=A9?=", "x=?utf-8?q?caf=C3=A9?="),
    ("two encoded words in one", "=?utf-8?q?caf=C3=A9?=", "=?utf-8?q?caf?==?utf-8?q?a?="),
    ("an encoded word in quotes", "To: Mary", "To: \"=?utf-8?q?Mary?=\""),
    ("a space in an encoded word", "?caf=", "?c af="),
    ("a space in an encoded word in a word", "=?utf-8?q?caf=", "x=?utf-8?q?c af="),
    ("an unknown encoding of a word", "?q?", "?x?"),
    ("no charset", "=?utf-8?", "=??"),
    ("no name of a charset", "=?utf-8?", "=?utf-8,?"),
    ("a bad escape", "=C3=A9?=", "=C3=A?="),
    ("bad base64", "?q?caf=C3=A9?=", "?b?Y2Fmw6k*?="),
    ("half a character", "=C3=A9?=", "=C3?="),
    ("a character in two words", "=C3=A9?=", "=C3?= =?utf-8?q?=A9?="),
    ("a line end in an encoded word", "?caf=C3=A9?=", "?caf=0D=0ABcc:_a?="),
    ("an encoded word without text", "caf=C3=A9?=", "?="),
    ("a bad word behind an unknown charset", "=?utf-8?q?caf=C3=A9?=", "=?x-none?q?a?= =?utf-8?q?=C3?="),
];

fn mutated(from: &str, to: &str) -> String {
    assert!(CLEAN.contains(from), "{from:?} stands nowhere");
    CLEAN.replacen(from, to, 1)
}

/// What the other reader makes of it.
fn pushed(input: &[u8]) -> Inspector<64> {
    let limits = Limits::DEFAULT;
    let mut buffer = vec![0; limits.field + 2048];
    let mut reader: Reader<'_> = Reader::new(&mut buffer, limits).unwrap();
    let mut inspector = Inspector::new(&limits);
    for piece in input.chunks(7) {
        let mut piece = piece;
        while let Some(event) = reader.read(&mut piece) {
            inspector.event(&event);
        }
    }
    while let Some(event) = reader.finish() {
        inspector.event(&event);
    }
    inspector.finish();
    inspector
}

#[test]
fn the_clean_message_is_clean() {
    if let Err(defect) = Message::strict(CLEAN.as_bytes()) {
        panic!("{defect}");
    }
}

#[test]
fn each_mutation_is_ambiguous() {
    let missed: Vec<_> = MUTATIONS
        .iter()
        .filter(|(_, from, to)| {
            let message = mutated(from, to);
            let inspector = Message::index(message.as_bytes()).inspect::<64>();
            !inspector.is_ambiguous()
        })
        .map(|(class, ..)| *class)
        .collect();
    assert_eq!(missed, [""; 0]);
}

#[test]
fn both_readers_tell_the_same() {
    for (class, from, to) in MUTATIONS {
        let message = mutated(from, to);
        let found = Message::index(message.as_bytes()).inspect::<64>();
        let pushed = pushed(message.as_bytes());
        let sorted = |inspector: &Inspector<64>| {
            let mut defects = inspector.defects().to_vec();
            defects.sort_by_key(|defect| (defect.offset, defect.kind));
            defects
        };
        assert_eq!(sorted(&found), sorted(&pushed), "{class}");
    }
}
