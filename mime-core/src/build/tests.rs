use super::*;
use crate::build::boundary::Boundary;
use std::string::{String, ToString};
use std::vec::Vec;

const OPTIONS: Options = Options::new([0xab; 16]);

fn date() -> DateTime {
    DateTime::parse(b"Fri, 1 Nov 2024 10:00:00 +0000").unwrap()
}

const FROM: Mailbox<'_> = Mailbox::new("", "a@example.org");

fn write(draft: &Draft<'_>, options: &Options) -> Result<String, BuildError> {
    let mut out = Vec::new();
    draft.write(options, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// What is written behind From.
fn field(field: Field<'_>, transport: Transport) -> Result<String, BuildError> {
    let fields = [field];
    let draft = Draft::new(date(), FROM, &fields, Body::text(""));
    let text = write(&draft, &OPTIONS.transport(transport))?;
    let start = "Date: Fri, 1 Nov 2024 10:00:00 +0000\r\nFrom: a@example.org\r\n";
    let end = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
    let written = text
        .strip_prefix(start)
        .and_then(|text| text.strip_suffix(end));
    Ok(written.unwrap().to_string())
}

/// What is written behind MIME-Version.
fn body(body: Body<'_>, transport: Transport) -> Result<String, BuildError> {
    let draft = Draft::new(date(), FROM, &[], body);
    let text = write(&draft, &OPTIONS.transport(transport))?;
    let (_, written) = text.split_once("MIME-Version: 1.0\r\n").unwrap();
    Ok(written.to_string())
}

#[test]
fn fields() {
    let (joe, ann) = (
        Address::new("Joe Q. Public", "joe@example.org"),
        Address::new("", "ann@[192.0.2.1]"),
    );
    let addresses = [joe, ann, Address::new("Ren\u{e9}", "\"r e\"@example.net")];
    let members = [
        Mailbox::new("", "a@example.org"),
        Mailbox::new("B", "b@example.org"),
    ];
    let groups = [
        Address::Group("Team, all", &members),
        Address::Group("none", &[]),
    ];
    let cases = [
        (
            Field::to(&addresses),
            "To: \"Joe Q. Public\" <joe@example.org>, ann@[192.0.2.1], =?UTF-8?B?UmVuw6k=?=\r\n <\"r e\"@example.net>\r\n",
        ),
        (
            Field::cc(&groups),
            "Cc: \"Team, all\": a@example.org, B <b@example.org>;, none:;\r\n",
        ),
        (
            Field::sender(Mailbox::new("Joe Q. Public", "joe@example.org")),
            "Sender: \"Joe Q. Public\" <joe@example.org>\r\n",
        ),
        (
            Field::reply_to(&addresses[1..2]),
            "Reply-To: ann@[192.0.2.1]\r\n",
        ),
        (Field::bcc(&addresses[1..2]), "Bcc: ann@[192.0.2.1]\r\n"),
        (Field::subject(""), "Subject:\r\n"),
        (Field::subject("Hi  there"), "Subject: Hi  there\r\n"),
        (Field::subject(" \u{fc}"), "Subject: =?UTF-8?B?IMO8?=\r\n"),
        (
            Field::message_id("1.2@example.org"),
            "Message-ID: <1.2@example.org>\r\n",
        ),
        (
            Field::references(&["a@b.example", "c@d.example"]),
            "References: <a@b.example> <c@d.example>\r\n",
        ),
        (
            Field::in_reply_to(&["a@b.example"]),
            "In-Reply-To: <a@b.example>\r\n",
        ),
        (
            Field::list_id("The list", "list.example.org"),
            "List-Id: The list <list.example.org>\r\n",
        ),
        (
            Field::list_id("", "list.example.org"),
            "List-Id: <list.example.org>\r\n",
        ),
        (
            Field::list_unsubscribe(&["mailto:leave@example.org", "https://example.org/?u=1"]),
            "List-Unsubscribe: <mailto:leave@example.org>, <https://example.org/?u=1>\r\n",
        ),
        (
            Field::list_unsubscribe_post(),
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        ),
        (
            Field::auto_submitted("auto-replied"),
            "Auto-Submitted: auto-replied\r\n",
        ),
        (
            Field::new("Resent-Date", Value::Date(date())),
            "Resent-Date: Fri, 1 Nov 2024 10:00:00 +0000\r\n",
        ),
        (
            Field::new("X-Mine", Value::Structured("a=b; c")),
            "X-Mine: a=b; c\r\n",
        ),
        (
            Field::new("Keywords", Value::Structured("one, two")),
            "Keywords: one, two\r\n",
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(field(given, Transport::SevenBit).as_deref(), Ok(expected));
    }
    let raw = [Address::new("Ren\u{e9}", "ren\u{e9}@b\u{fc}cher.example")];
    let cases = [
        (
            Field::to(&raw),
            "To: \"Ren\u{e9}\" <ren\u{e9}@b\u{fc}cher.example>\r\n",
        ),
        (
            Field::subject("Gr\u{fc}\u{df}e"),
            "Subject: Gr\u{fc}\u{df}e\r\n",
        ),
    ];
    for (given, expected) in cases {
        let written = field(given, Transport::Utf8).unwrap();
        assert_eq!(written.replace('"', ""), expected.replace('"', ""));
    }
}

#[test]
fn fields_that_cannot_be_written() {
    use crate::header::address::AddressErrorKind;
    use BuildErrorKind::*;
    let address = |text| [Address::new("", text)];
    let long = "a".repeat(990) + "@example.org";
    let (crlf, none, two, comment) = (
        address("a@b.example\r\nBcc: x"),
        address("joe"),
        address("a@b.example, c@d.example"),
        address("a(x)@b.example"),
    );
    let (space, word, utf8, long) = (
        address(" a@b.example"),
        address("=?utf-8?q?x?=@b.example"),
        address("\u{e9}@b.example"),
        address(&long),
    );
    let name = [Address::new("a\0b", "a@b.example")];
    let route = address("<@a.example:b@c.example>");
    // The space would be lost.
    let literal = address("a@[192.0.2. 1]");
    let cases = [
        (Field::to(&crlf), Control, 11),
        (Field::to(&none), BadAddress(AddressErrorKind::NoAtSign), 3),
        (
            Field::to(&two),
            BadAddress(AddressErrorKind::NotOneMailbox),
            12,
        ),
        (Field::to(&comment), AmbiguousAddress, 0),
        (Field::to(&space), AmbiguousAddress, 0),
        (Field::to(&route), AmbiguousAddress, 0),
        (Field::to(&word), AmbiguousAddress, 0),
        (Field::to(&utf8), NotAscii, 0),
        (Field::to(&long), LineTooLong, 0),
        (Field::to(&name), Control, 1),
        (Field::to(&[]), BadValue, 0),
        (Field::subject("a\nb"), Control, 1),
        (Field::subject("a\u{85}b"), Control, 1),
        (Field::message_id("a"), BadMessageId, 0),
        (Field::message_id("<a@b>"), BadMessageId, 0),
        (Field::message_id("a@b\r\n"), Control, 3),
        (Field::references(&["a@b", "c d@e"]), BadMessageId, 0),
        (Field::list_unsubscribe(&["https://a,b"]), BadUri, 9),
        (Field::list_unsubscribe(&["a b"]), BadUri, 1),
        (Field::list_id("", "a b"), BadValue, 0),
        (Field::list_id("", "list"), BadValue, 0),
        (Field::to(&literal), AmbiguousAddress, 0),
        (Field::auto_submitted("\r\nX: y"), BadValue, 0),
        (Field::new("", Value::Text("")), BadName, 0),
        (Field::new("A:", Value::Text("")), BadName, 1),
        (Field::new("A\r\nB", Value::Text("")), BadName, 1),
        (Field::new("--b", Value::Text("")), BadName, 0),
        (Field::new("date", Value::Text("")), ReservedName, 0),
        (Field::new("FROM", Value::Addresses(&name)), ReservedName, 0),
        (Field::new("content-x", Value::Text("")), ReservedName, 0),
        (Field::new("To", Value::Text("a@b.example")), BadValue, 0),
        (Field::new("Sender", Value::Addresses(&[])), BadValue, 0),
        (Field::new("X-Mine", Value::Structured(" a")), BadValue, 0),
        (Field::new("X-Mine", Value::Structured("a\tb")), Control, 1),
        (Field::new("To", Value::Structured("nobody")), BadValue, 6),
    ];
    for (given, kind, offset) in cases {
        let error = field(given, Transport::SevenBit).unwrap_err();
        assert_eq!(
            (error.kind(), error.item(), error.part()),
            (kind, Item::Field(0), 0),
            "{given:?}"
        );
        assert_eq!(error.offset(), offset, "{given:?}");
    }
    let twice = [Field::subject("a"), Field::new("subject", Value::Text("b"))];
    let error = write(&Draft::new(date(), FROM, &twice, Body::text("")), &OPTIONS).unwrap_err();
    assert_eq!(
        (error.kind(), error.item()),
        (DuplicateField, Item::Field(1))
    );
    let from = Mailbox::new("", "x");
    let error = write(&Draft::new(date(), from, &[], Body::text("")), &OPTIONS).unwrap_err();
    assert_eq!(error.item(), Item::From);
}

#[test]
fn text() {
    let plain =
        |text: &str| std::format!("Content-Type: text/plain; charset=us-ascii\r\n\r\n{text}");
    let qp = |charset: &str, text: &str| {
        std::format!(
            "Content-Type: text/plain; charset={charset}\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n{text}"
        )
    };
    let long = "x".repeat(999);
    let cases = [
        ("a\nb\r\nc", plain("a\r\nb\r\nc")),
        ("a\r\n\nc\n", plain("a\r\n\r\nc\r\n")),
        (&long[1..], plain(&long[1..])),
        (
            "Gr\u{fc}\u{df}e an Joe Q. Public\n",
            qp("utf-8", "Gr=C3=BC=C3=9Fe an Joe Q. Public\r\n"),
        ),
        ("abcdef\rb\n", qp("us-ascii", "abcdef=0Db\r\n")),
        ("abcdef\0b", qp("us-ascii", "abcdef=00b")),
        ("a\nFrom b", qp("us-ascii", "a\r\nFrom=20b")),
        ("--=_x", qp("us-ascii", "--=3D_x")),
    ];
    for (given, expected) in cases {
        assert_eq!(
            body(Body::text(given), Transport::SevenBit).unwrap(),
            expected
        );
    }
    let written = body(Body::text(&long), Transport::SevenBit).unwrap();
    assert!(written.contains("quoted-printable") && written.contains("x=\r\nx"));
    assert_eq!(
        body(
            Body::html("\u{442}\u{435}\u{43a}\u{441}\u{442}\n"),
            Transport::SevenBit
        )
        .unwrap(),
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n0YLQtdC60YHRgg0K\r\n"
    );
    assert_eq!(
        body(Body::text("\u{442}\n"), Transport::EightBit).unwrap(),
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\u{442}\r\n"
    );
}

#[test]
fn a_tree() {
    let related = [
        Body::html("<img src=\"cid:1@a.example\">\n"),
        Body::octets("image/png", b"\0\xff")
            .content_id("1@a.example")
            .inline(),
    ];
    let versions = [Body::text("Hi\n"), Body::related(&related)];
    let parts = [
        Body::alternative(&versions),
        Body::attachment("application/pdf", "B\u{fc}cher.pdf", b"pdf").description("Three books"),
        Body::message(b"From: x@example.org\n\n--=_\n"),
    ];
    let b = |number: usize| std::format!("=_{}_{number:04}", "ab".repeat(16));
    let expected = [
        "Content-Type: multipart/mixed;\r\n boundary=\"",
        &b(0),
        "\"\r\n\r\n--",
        &b(0),
        "\r\nContent-Type: multipart/alternative;\r\n boundary=\"",
        &b(1),
        "\"\r\n\r\n--",
        &b(1),
        "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nHi\r\n\r\n--",
        &b(1),
        "\r\nContent-Type: multipart/related;\r\n boundary=\"",
        &b(2),
        "\"; type=\"text/html\"\r\n\r\n--",
        &b(2),
        "\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n<img src=\"cid:1@a.example\">\r\n\r\n--",
        &b(2),
        "\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\
         Content-ID: <1@a.example>\r\nContent-Disposition: inline\r\n\r\nAP8=\r\n\r\n--",
        &b(2),
        "--\r\n--",
        &b(1),
        "--\r\n--",
        &b(0),
        "\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Description: Three books\r\n\
         Content-Disposition: attachment; filename*=utf-8''B%C3%BCcher.pdf\r\n\r\ncGRm\r\n\r\n--",
        &b(0),
        "\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@example.org\r\n\r\n--=_\r\n\r\n--",
        &b(0),
        "--\r\n",
    ];
    assert_eq!(
        body(Body::mixed(&parts), Transport::SevenBit).unwrap(),
        expected.concat()
    );
}

#[test]
fn drafts_and_reports() {
    let inner = Draft::new(
        date(),
        Mailbox::new("", "\u{e9}@example.org"),
        &[],
        Body::text("\u{e9}"),
    );
    let parts = [Body::draft(&inner)];
    let written = body(Body::digest(&parts), Transport::Utf8).unwrap();
    assert!(written.contains("multipart/digest;"));
    assert_eq!(
        written
            .matches("Content-Transfer-Encoding: 8bit\r\n")
            .count(),
        3
    );
    assert!(written.contains("Content-Type: message/global\r\n"));
    let error = body(Body::digest(&parts), Transport::EightBit).unwrap_err();
    assert_eq!(
        (error.kind(), error.item(), error.part()),
        (BuildErrorKind::NotAscii, Item::From, 2)
    );

    let failed = crate::Message::split(b"Reporting-MTA: dns; mx.example.org\n").header;
    let lines = Lines(failed.as_bytes());
    let parts = [
        Body::text("It failed.\n"),
        Body::machine("message/delivery-status", &lines),
        Body::returned_header(b"Subject: \xff\r\n"),
    ];
    let written = body(Body::report("delivery-status", &parts), Transport::SevenBit).unwrap();
    for wanted in [
        "\";\r\n report-type=delivery-status\r\n",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n--",
        "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: =FF\r\n",
    ] {
        assert!(written.contains(wanted), "{written}");
    }
}

#[derive(Debug)]
struct Lines<'a>(&'a [u8]);

impl scop_core::Emit for Lines<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), scop_core::Full> {
        self.0.chunks(3).try_for_each(|piece| sink.put(piece))
    }
}

#[test]
fn bodies_that_cannot_be_written() {
    use BuildErrorKind::*;
    let long = "x".repeat(999);
    let (nul, bytes) = (Lines(b"a\0"), Lines(b"\xff"));
    let same = [("name", "a"), ("NAME", "b")];
    let cases = [
        (Body::text_of("text", ""), BadMediaType, Item::MediaType, 4),
        (
            Body::text_of("text/a b", ""),
            BadMediaType,
            Item::MediaType,
            5,
        ),
        (
            Body::text_of("image/png", ""),
            BadMediaType,
            Item::MediaType,
            0,
        ),
        (
            Body::octets("message/rfc822", b""),
            BadMediaType,
            Item::MediaType,
            0,
        ),
        (
            Body::octets("multipart/mixed", b""),
            BadMediaType,
            Item::MediaType,
            0,
        ),
        (
            Body::octets("a/b\r\nX: y", b""),
            Control,
            Item::MediaType,
            3,
        ),
        (
            Body::attachment("a/b", "a\nb", b""),
            Control,
            Item::FileName,
            1,
        ),
        (
            Body::text("").content_id("a"),
            BadMessageId,
            Item::ContentId,
            0,
        ),
        (
            Body::text("").description("a\0"),
            Control,
            Item::Description,
            1,
        ),
        (
            Body::text("").parameters(&[("a b", "")]),
            BadMediaType,
            Item::Parameter(0),
            1,
        ),
        (
            Body::text("").parameters(&[("a", "\r")]),
            Control,
            Item::Parameter(0),
            0,
        ),
        (
            Body::text("").parameters(&[("Charset", "x")]),
            BadMediaType,
            Item::Parameter(0),
            0,
        ),
        (
            Body::text("").parameters(&same),
            BadMediaType,
            Item::Parameter(1),
            0,
        ),
        (Body::message(b"a\0"), NotLines, Item::Content, 1),
        (Body::message(b"a\rb"), NotLines, Item::Content, 1),
        (Body::message(b"a\r"), NotLines, Item::Content, 1),
        (Body::message(b"a:\n\n\xff"), EightBit, Item::Content, 4),
        (
            Body::message(long.as_bytes()),
            LineTooLong,
            Item::Content,
            998,
        ),
        (Body::machine("a/b", &nul), NotLines, Item::Content, 1),
        (Body::machine("a/b", &bytes), EightBit, Item::Content, 0),
    ];
    for (given, kind, item, offset) in cases {
        let error = body(given, Transport::SevenBit).unwrap_err();
        assert_eq!(
            (error.kind(), error.item(), error.offset()),
            (kind, item, offset),
            "{given:?}"
        );
        assert_eq!(error.part(), 1);
    }
}

#[test]
fn wholes_that_cannot_be_written() {
    use BuildErrorKind::*;
    let error = body(Body::mixed(&[]), Transport::SevenBit).unwrap_err();
    assert_eq!(
        (error.kind(), error.item(), error.part()),
        (NoParts, Item::Whole, 1)
    );
    let error = body(
        Body::message("\u{e9}: x\n\n".as_bytes()),
        Transport::EightBit,
    )
    .unwrap_err();
    assert_eq!((error.kind(), error.item()), (NotAscii, Item::Content));
    let deep = |levels| {
        (0..levels).fold(Body::text(""), |inner, _| {
            Body::mixed(std::vec![inner].leak())
        })
    };
    assert!(body(deep(MAX_DEPTH), Transport::SevenBit).is_ok());
    assert_eq!(
        body(deep(MAX_DEPTH + 1), Transport::SevenBit)
            .unwrap_err()
            .kind(),
        TooDeep
    );
    let many = std::vec![Body::text(""); 10_001];
    assert_eq!(
        body(Body::mixed(&many), Transport::SevenBit)
            .unwrap_err()
            .kind(),
        TooManyParts
    );
    let mut small = [0; 100];
    let mut small = scop_core::SliceSink::new(&mut small);
    let error = Draft::new(date(), FROM, &[], Body::text("")).write(&OPTIONS, &mut small);
    assert_eq!(error.unwrap_err().kind(), Full);
}

#[test]
fn what_a_reader_would_not_take_is_not_written() {
    let text = "word ".repeat(20_000);
    let too_long = |fields: &[Field<'_>], content: Body<'_>| {
        write(&Draft::new(date(), FROM, fields, content), &OPTIONS).map_err(|error| {
            assert_eq!(error.kind(), BuildErrorKind::TooLong);
            error.item()
        })
    };
    let subject = [Field::subject(text.trim_end())];
    let found = too_long(&subject, Body::text(""));
    assert_eq!(found, Err(Item::Field(0)));
    let found = too_long(&[], Body::text("").description(text.trim_end()));
    assert_eq!(found, Err(Item::Description));
    // With Date, From, MIME-Version and Content-Type.
    let many = std::vec![Field::new("X-A", Value::Text("b")); 997];
    assert_eq!(too_long(&many, Body::text("")), Err(Item::Whole));
    let written = too_long(&many[1..], Body::text("")).unwrap();
    assert!(crate::Message::strict(written.as_bytes()).is_ok());
    let half = Field::new("X-A", Value::Text(&text[..59_999]));
    assert_eq!(too_long(&[half; 5], Body::text("")), Err(Item::Whole));
    // Each header has its own limit.
    let parts = [Body::text("").description(&text[..59_999]); 5];
    let written = too_long(&[], Body::mixed(&parts)).unwrap();
    assert!(crate::Message::strict(written.as_bytes()).is_ok());

    let lines = Lines(b"A: b\r\n");
    for media_type in ["message/partial", "Message/RFC822", "message/external-body"] {
        let error = body(Body::machine(media_type, &lines), Transport::SevenBit).unwrap_err();
        assert_eq!(error.kind(), BuildErrorKind::BadMediaType);
    }
}

/// RFC 2045 6.4: what a multipart or message holds is no more than it says.
#[test]
fn a_header_of_utf8_is_declared() {
    let fields = [Field::subject("\u{e9}")];
    let inner = Draft::new(date(), FROM, &fields, Body::text(""));
    let parts = [Body::draft(&inner)];
    let text = body(Body::mixed(&parts), Transport::Utf8).unwrap();
    assert_eq!(text.matches("Encoding: 8bit\r\n").count(), 2, "{text}");
    let text = body(Body::mixed(&parts), Transport::EightBit).unwrap();
    assert!(!text.contains("Encoding"));
}

#[test]
fn a_boundary_that_is_taken_is_not_used() {
    let first = std::format!("x: =_{}\n\n", "ab".repeat(16));
    let parts = [Body::message(first.as_bytes())];
    let written = body(Body::mixed(&parts), Transport::SevenBit).unwrap();
    assert_eq!(written.matches(&first[3..37]).count(), 1);
    // All that are tried.
    let mut all = String::from("x:\n");
    for attempt in 0..Boundary::ATTEMPTS {
        let mut text = Vec::new();
        Boundary::derive([0xab; 16], attempt)
            .emit(0, &mut text)
            .unwrap();
        all = all + " " + core::str::from_utf8(&text).unwrap() + "\n";
    }
    let parts = [Body::message(all.as_bytes())];
    let error = body(Body::mixed(&parts), Transport::SevenBit).unwrap_err();
    assert_eq!(error.kind(), BuildErrorKind::NoBoundary);
}

#[test]
fn a_boundary_is_found_in_any_pieces() {
    let boundary = Boundary::derive([0x0f; 16], 0);
    let mut text = b"=_0f=_0f0==__--".to_vec();
    boundary.emit(3, &mut text).unwrap();
    for cut in 0..text.len() {
        for len in [1, 3, text.len()] {
            let mut search = boundary.search();
            let (head, tail) = text.split_at(cut);
            search.put(head).unwrap();
            tail.chunks(len)
                .for_each(|piece| search.put(piece).unwrap());
            assert!(search.found);
        }
    }
    let mut search = boundary.search();
    search.put(&text[..text.len() - 6]).unwrap();
    assert!(!search.found);
}

#[test]
fn a_file_name_is_not_folded() {
    let name = "a fairly long name of a file, of several words for the year.pdf";
    let written = body(
        Body::octets("application/pdf", b"x").file_name(name),
        Transport::SevenBit,
    );
    let line = std::format!("Content-Disposition: attachment;\r\n filename=\"{name}\"\r\n");
    assert!(written.unwrap().contains(&line));
}
