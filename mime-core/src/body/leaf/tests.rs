use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use scop_core::SliceSink;

use super::TextError;
use crate::{Charset, DefectKind, Message};

fn text(header: &str, body: &[u8]) -> Result<(String, Charset, Vec<DefectKind>, bool), TextError> {
    let mut input = format!("{header}\r\n\r\n").into_bytes();
    input.extend_from_slice(body);
    let part = Message::index(&input).part(&[]).unwrap();
    let mut buffer = [0; 256];
    let mut sink = SliceSink::new(&mut buffer);
    let found = part.text(&mut sink);
    if found.is_err() {
        assert_eq!(sink.written(), b"", "{header}");
    }
    let found = found?;
    let text = String::from_utf8(sink.written().to_vec()).unwrap();
    assert_eq!(
        found.is_clean(),
        found.encoding.is_empty() && !found.not_in_charset
    );
    let kinds = found.encoding.iter().collect();
    Ok((text, found.charset, kinds, found.not_in_charset))
}

#[test]
fn text_is_decoded_and_converted() {
    const B64: &str = "Content-Transfer-Encoding: base64\r\nContent-Type: text/html; charset=";
    let good = |text: &str, charset| Ok((text.to_string(), charset, Vec::new(), false));
    assert_eq!(text("A: b", b"Hi\r\n"), good("Hi\r\n", Charset::US_ASCII));
    // A character that two lines of base64 share.
    assert_eq!(
        text(&format!("{B64}\"UTF-8\""), b"YWLD\r\nqQ==\r\n"),
        good("ab\u{e9}", Charset::UTF_8)
    );
    assert_eq!(
        text(&format!("{B64}latin1"), b"6Q=="),
        good("\u{e9}", Charset::ISO_8859_1)
    );
    assert_eq!(
        text(&format!("{B64}utf-8"), b"w!6k="),
        Ok((
            "\u{e9}".to_string(),
            Charset::UTF_8,
            Vec::from([DefectKind::Base64Junk]),
            false
        ))
    );
    // A character that is cut off at the end.
    assert_eq!(
        text(&format!("{B64}utf-8"), b"YcM="),
        Ok(("a\u{fffd}".to_string(), Charset::UTF_8, Vec::new(), true))
    );
    assert_eq!(
        text("A: b", b"\xe9"),
        Ok(("\u{fffd}".to_string(), Charset::US_ASCII, Vec::new(), true))
    );
}

#[test]
fn what_is_no_text_is_an_error() {
    let long = format!("Content-Type: text/plain; charset=utf-8{}", "x".repeat(100));
    // Its first run of octets alone is a known name.
    let runs = format!(
        "Content-Type: text/plain; charset=\"utf-8\\{}\"",
        "x".repeat(100)
    );
    for (header, error) in [
        ("Content-Type: image/png", TextError::NotText),
        ("Content-Type: message/rfc822", TextError::NotText),
        (
            "Content-Type: multipart/mixed; boundary=b",
            TextError::NotText,
        ),
        (
            "Content-Type: text/plain; charset=klingon",
            TextError::UnknownCharset,
        ),
        (
            "Content-Type: text/plain; charset=\"\"",
            TextError::UnknownCharset,
        ),
        (&long, TextError::UnknownCharset),
        (&runs, TextError::UnknownCharset),
        (
            "Content-Transfer-Encoding: x-mine",
            TextError::UnknownEncoding,
        ),
    ] {
        assert_eq!(text(header, b"Hi"), Err(error), "{header}");
    }
    let part = Message::index(b"\r\nHi").part(&[]).unwrap();
    assert_eq!(
        part.text(&mut SliceSink::new(&mut [0])),
        Err(TextError::Full)
    );
}

#[test]
fn another_charset_may_be_chosen() {
    let input = b"Content-Type: text/plain; charset=klingon\r\n\r\n\xe9";
    let part = Message::index(input).part(&[]).unwrap();
    let mut buffer = [0; 8];
    let mut sink = SliceSink::new(&mut buffer);
    let found = part.text_in(Charset::ISO_8859_1, &mut sink).unwrap();
    assert!(found.is_clean());
    assert_eq!(sink.written(), "\u{e9}".as_bytes());
}

#[test]
fn file_names() {
    const NAME: &str = "Content-Type: image/png; name=old.png\r\n";
    for (header, name, encoded_words, had_errors) in [
        ("A: b", None, false, false),
        (NAME, Some("old.png"), false, false),
        ("Content-Disposition: attachment", None, false, false),
        (
            "Content-Disposition: attachment; filename=\"a \\\"b.png\"",
            Some("a \"b.png"),
            false,
            false,
        ),
        (
            "Content-Disposition: inline; filename*0*=utf-8''%C3; filename*1*=%A9",
            Some("\u{e9}"),
            false,
            false,
        ),
        (
            "Content-Disposition: inline; filename*=klingon''a%C3",
            Some("a\u{fffd}"),
            false,
            true,
        ),
        (
            "Content-Disposition: inline; filename=\"=?utf-8?Q?caf=C3=A9?=\"",
            Some("caf\u{e9}"),
            true,
            false,
        ),
        (
            "Content-Disposition: inline; filename=\"=?klingon?Q?caf=C3=A9?=\"",
            Some("=?klingon?Q?caf=C3=A9?="),
            true,
            true,
        ),
        ("Content-Disposition: ; filename=x", None, false, false),
    ] {
        let input = format!("{header}\r\n\r\n");
        let part = Message::index(input.as_bytes()).part(&[]).unwrap();
        let file_name = part.file_name();
        assert_eq!(
            file_name.map(|it| it.to_string()).as_deref(),
            name,
            "{header}"
        );
        if let (Some(file_name), Some(name)) = (file_name, name) {
            assert!(file_name.is(name), "{header}");
            assert!(!file_name.is("x"), "{header}");
            assert_eq!(file_name.has_encoded_words(), encoded_words, "{header}");
            assert_eq!(file_name.had_errors(), had_errors, "{header}");
        }
    }
    // Content-Disposition comes first, wherever it stands; without a name it does not hide another.
    for (disposition, name) in [
        ("inline; filename=new.png", "new.png"),
        ("inline", "old.png"),
    ] {
        let input = format!("{NAME}Content-Disposition: {disposition}\r\n\r\n");
        let part = Message::index(input.as_bytes()).part(&[]).unwrap();
        assert!(part.file_name().unwrap().is(name));
    }
}
