use core::cell::RefCell;
use std::vec::Vec;

use super::*;

/// Where the slices lie that came.
struct Places<'p>(&'p RefCell<Vec<*const u8>>);

impl Sink for Places<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.borrow_mut().push(bytes.as_ptr());
        Ok(())
    }
}

#[test]
fn identity_copies_nothing() {
    let text = b"any octets \0\xff =41";
    for encoding in [
        Encoding::SevenBit,
        Encoding::EightBit,
        Encoding::Binary,
        Encoding::Unknown,
    ] {
        let places = RefCell::default();
        let mut decoder = Decoder::new(encoding);
        decoder.put(text, &mut Places(&places)).unwrap();
        decoder.finish(&mut Places(&places)).unwrap();
        assert_eq!(places.take(), [text.as_ptr()]);
        assert!(decoder.defects().is_empty());
        assert_eq!(decoder.first_defects().count(), 0);
    }
}

#[test]
fn each_encoding() {
    for (encoding, text, octets) in [
        (Encoding::Base64, &b"Zm9v"[..], &b"foo"[..]),
        (Encoding::QuotedPrintable, b"=66oo", b"foo"),
        (Encoding::Uuencode, b"begin 644 a\n#9F]O\n`\nend\n", b"foo"),
    ] {
        let mut decoder = Decoder::new(encoding);
        let mut out = Vec::new();
        decoder.put(text, &mut out).unwrap();
        decoder.finish(&mut out).unwrap();
        assert_eq!(out, octets);
        assert!(decoder.defects().is_empty());
    }
    let mut decoder = Decoder::new(Encoding::Base64);
    decoder
        .put(b"Zm9v!", &mut scop_core::Counter::default())
        .unwrap();
    assert_eq!(decoder.first(DefectKind::Base64Junk), Some(4));
    assert!(decoder.defects().contains(DefectKind::Base64Junk));
    assert!(
        decoder
            .first_defects()
            .eq([Defect::new(DefectKind::Base64Junk, 4)])
    );
}
