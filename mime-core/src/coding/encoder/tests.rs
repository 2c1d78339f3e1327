use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::coding::tests::{canonical, damaged, in_pieces};
use crate::coding::{Decoder, Stats};

fn encode(encoding: Encoding, form: Form, pieces: &[&[u8]]) -> Vec<u8> {
    let mut encoder = Encoder::new(encoding, form).unwrap();
    let mut body = Vec::new();
    for piece in pieces {
        encoder.put(piece, &mut body).unwrap();
    }
    encoder.finish(&mut body).unwrap();
    body
}

#[test]
fn only_what_is_written() {
    assert!(Encoder::new(Encoding::Uuencode, Form::Text).is_none());
    assert!(Encoder::new(Encoding::Unknown, Form::Text).is_none());
}

proptest! {
    #[test]
    fn round_trip(
        octets in damaged(b"From abc", b"= \t\r\n\r\n\0\x80.", 400),
        cuts: Vec<u16>,
    ) {
        let mut stats = Stats::new();
        stats.put(&octets);
        for form in [Form::Text, Form::Binary] {
            let chosen = [stats.encoding(form, false), stats.encoding(form, true)];
            for encoding in [Encoding::Binary, Encoding::Base64, Encoding::QuotedPrintable]
                .into_iter()
                .chain(chosen)
            {
                let body = encode(encoding, form, &[&octets]);
                prop_assert_eq!(&encode(encoding, form, &in_pieces(&octets, &cuts)), &body);

                let mut decoder = Decoder::new(encoding);
                let mut back = Vec::new();
                decoder.put(&body, &mut back).unwrap();
                decoder.finish(&mut back).unwrap();
                prop_assert!(decoder.defects().is_empty());
                let expected = if form == Form::Text { canonical(&octets) } else { octets.clone() };
                prop_assert_eq!(back, expected);

                if encoding != Encoding::Binary {
                    // What any hop takes.
                    let mut sent = Stats::new();
                    sent.put(&body);
                    prop_assert_eq!((sent.nul(), sent.bare_cr(), sent.bare_lf()), (0, 0, 0));
                    prop_assert!(sent.longest_line() <= 998);
                    prop_assert!(encoding == Encoding::EightBit || sent.eight_bit() == 0);
                }
            }
        }
    }
}
