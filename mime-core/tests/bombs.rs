//! Much of what nests, repeats and does not end. Every reader is linear, so this takes seconds;
//! a quadratic one would take hours, and a recursive one would overflow the stack.

use scop_core::Counter;
use scop_mime_core::coding::{Decoder, Encoder, Form};
use scop_mime_core::{
    AddressList, AuthResults, DateTime, Encoding, HeaderBlock, MessageIds, Received, ReturnPath,
    find_header_end,
};

const SIZE: usize = 60_000;

#[test]
fn long_and_deep_values() {
    let units = [
        "(",
        "()",
        "(x) ",
        "\"",
        "\"\" ",
        "\\",
        "[",
        "<",
        ",",
        ";",
        ":",
        "@",
        ".",
        "a",
        " ",
        "=",
        "a.",
        "a ",
        "a@b,",
        "<a@b>",
        "<a@b> ",
        "@a,",
        "<@a,@b:",
        "g:;,",
        "g:",
        ";a=b",
        ";a=b c.d=e",
        "a=b ",
        "from ",
        "a (x) .",
        "\r\n ",
        "=?a?q?b?=",
        "1 ",
        "1:",
        "\u{e9}",
    ];
    for unit in units {
        let body = unit.repeat(SIZE / unit.len());
        for start in [
            "", "a", "a@b ", "<", "\"", "(", "a; b=c ", "from a; ", "1 Jul ",
        ] {
            let value = [start, &body].concat();
            read(value.as_bytes());
        }
    }
}

fn read(value: &[u8]) {
    if let Ok(list) = AddressList::parse(value) {
        assert!(
            list.mailboxes()
                .map(|mailbox| mailbox.quirks().count())
                .sum::<usize>()
                < value.len()
        );
        assert!(list.iter().count() <= value.len());
    }
    if let Ok((results, _)) = AuthResults::parse_prefix(value) {
        let properties = results.results().map(|result| result.properties().count());
        assert!(properties.sum::<usize>() < value.len());
    }
    if let Ok(received) = Received::parse(value) {
        assert!(received.clauses().count() <= value.len());
    }
    assert!(MessageIds::parse_prefix(value).0.iter().count() <= value.len());
    let _ = (
        AuthResults::parse(value),
        DateTime::parse(value),
        ReturnPath::parse(value),
    );
}

#[test]
fn many_fields_and_long_ones() {
    for unit in [
        "a:\r\n",
        "a\n",
        "a: b\n c\n",
        " x\n",
        "a: b",
        "\r",
        "a:\r\n \r\n",
    ] {
        let header = unit.repeat(SIZE / unit.len());
        let block = HeaderBlock::new(header.as_bytes());
        let defects: usize = block.fields().map(|field| field.defects().count()).sum();
        let backward: usize = block
            .fields()
            .rev()
            .map(|field| field.defects().count())
            .sum();
        assert_eq!(defects, backward);
    }
    // Byte by byte, without a line end.
    let line = vec![b'a'; 50_000];
    let mut resume = 0;
    for len in 1..line.len() {
        match find_header_end(&line[..len], resume) {
            scop_mime_core::HeaderEnd::NotYet { resume: next } => resume = next,
            found @ scop_mime_core::HeaderEnd::Found { .. } => panic!("{found:?}"),
        }
        assert_eq!(resume, len);
    }
}

#[test]
fn damaged_encodings() {
    let units = [
        "A",
        "AA",
        "AAA",
        "AAAA",
        "=",
        "A=",
        "AA==",
        "*",
        "AAAA*",
        "A*A*A*A",
        " ",
        "\r",
        "\n",
        "\r\n",
        "AAAA\n",
        "AAAA\r\n",
        " \n",
        "= ",
        "=\r",
        "=4",
        "=41",
        "=\r\n",
        " =\n",
        "\0",
        "\u{e9}",
        "M",
        "M\n",
        "#0V%T\n",
        "begin 644 a\n",
        "end\n",
        "begin 644 a\nend\n",
    ];
    // Whole lines of base64, and one bad character in so many.
    let line = "A".repeat(76) + "\r\n";
    let lines = [1, 4, 15, 16, 17].map(|count| line.repeat(count) + "*");
    let units = units
        .iter()
        .copied()
        .chain(lines.iter().map(String::as_str));
    for unit in units {
        let body = unit.repeat((5 * SIZE).div_ceil(unit.len()));
        for encoding in [
            Encoding::Base64,
            Encoding::QuotedPrintable,
            Encoding::Uuencode,
        ] {
            for (piece, len) in [(body.len(), body.len()), (4096, body.len()), (1, SIZE)] {
                let body = body.as_bytes().get(..len).unwrap_or_default();
                let mut decoder = Decoder::new(encoding);
                let mut octets = Counter::default();
                for piece in body.chunks(piece) {
                    decoder.put(piece, &mut octets).unwrap();
                }
                decoder.finish(&mut octets).unwrap();
                assert!(octets.len() <= 48 * len);
                for form in [Form::Text, Form::Binary] {
                    let mut encoder = Encoder::new(encoding, form);
                    let mut text = Counter::default();
                    for piece in body.chunks(piece) {
                        if let Some(encoder) = &mut encoder {
                            encoder.put(piece, &mut text).unwrap();
                        }
                    }
                    assert!(text.len() <= 4 * len);
                }
            }
        }
    }
}
