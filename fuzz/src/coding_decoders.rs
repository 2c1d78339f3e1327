//! Transfer encodings: each decoder agrees with a naive reading of the whole body, cut in any way; what is
//! encoded comes back and keeps the rules of lines.

use scop_core::{Counter, Sink, SliceSink};
use scop_mime_core::coding::{Decoder, Encoder, Form, Stats};
use scop_mime_core::{Defect, DefectKind, Encoding};

use crate::choice::Choice;
use crate::rfc2045::{self, Decoded};

/// A body, read in every encoding; octets, written in each.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    check_decoder(data, Encoding::Base64, &rfc2045::base64(data), &mut choice);
    let naive = rfc2045::quoted_printable(data);
    check_decoder(data, Encoding::QuotedPrintable, &naive, &mut choice);
    let naive = rfc2045::uuencode(data);
    check_decoder(data, Encoding::Uuencode, &naive, &mut choice);
    for form in [Form::Text, Form::Binary] {
        check_encoders(data, form, &mut choice);
    }
}

fn decode<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    encoding: Encoding,
) -> (Vec<u8>, Vec<Defect>) {
    let mut octets = Vec::new();
    let mut decoder = Decoder::new(encoding);
    for chunk in chunks {
        decoder.put(chunk, &mut octets).unwrap();
    }
    decoder.finish(&mut octets).unwrap();
    let defects: Vec<Defect> = decoder.first_defects().collect();
    for defect in &defects {
        assert!(decoder.defects().contains(defect.kind));
        assert_eq!(decoder.first(defect.kind), Some(defect.offset));
    }
    (octets, defects)
}

fn check_decoder(data: &[u8], encoding: Encoding, naive: &Decoded, choice: &mut Choice) {
    let whole = decode([data], encoding);
    assert_eq!(whole.0, naive.octets, "{encoding:?}");
    let mut ours: Vec<(DefectKind, u64)> = whole
        .1
        .iter()
        .map(|defect| (defect.kind, defect.offset))
        .collect();
    ours.sort_unstable();
    let theirs: Vec<(DefectKind, u64)> =
        naive.first.iter().map(|(&kind, &at)| (kind, at)).collect();
    assert_eq!(ours, theirs, "{encoding:?}");

    assert_eq!(decode(data.chunks(1), encoding), whole, "{encoding:?}");
    assert_eq!(decode(choice.chunks(data), encoding), whole, "{encoding:?}");
    let cut = choice.below(data.len() + 1);
    assert_eq!(
        decode([&data[..cut], &data[cut..]], encoding),
        whole,
        "{encoding:?}"
    );

    // A sink that is too small is full, and has what came before.
    if let Some(room) = naive.octets.len().checked_sub(1 + choice.below(3)) {
        let mut buffer = vec![0; room];
        let mut sink = SliceSink::new(&mut buffer);
        let mut decoder = Decoder::new(encoding);
        let result = decoder
            .put(data, &mut sink)
            .and_then(|()| decoder.finish(&mut sink));
        assert!(result.is_err());
        assert!(naive.octets.starts_with(sink.written()));
    }
}

fn encode<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    encoding: Encoding,
    form: Form,
) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let mut encoder = Encoder::new(encoding, form)?;
    for chunk in chunks {
        encoder.put(chunk, &mut body).unwrap();
    }
    encoder.finish(&mut body).unwrap();
    Some(body)
}

fn check_encoders(data: &[u8], form: Form, choice: &mut Choice) {
    let meant = match form {
        Form::Text => rfc2045::with_crlf(data),
        Form::Binary => data.to_vec(),
    };
    for encoding in [Encoding::Base64, Encoding::QuotedPrintable] {
        let body = encode([data], encoding, form).unwrap();
        assert_eq!(encode(choice.chunks(data), encoding, form).unwrap(), body);
        let (octets, defects) = decode([body.as_slice()], encoding);
        assert_eq!(octets, meant, "{encoding:?}");
        assert_eq!(defects, [], "{encoding:?}");
        check_lines(&body, 76);
        assert!(!body.windows(2).any(|pair| pair == b"=_"));
    }
    for encoding in [Encoding::Uuencode, Encoding::Unknown] {
        assert!(Encoder::new(encoding, form).is_none());
    }
    let mut stats = Stats::new();
    let mut pieces = Stats::new();
    stats.put(data);
    for chunk in choice.chunks(data) {
        Sink::put(&mut pieces, chunk).unwrap();
    }
    assert_eq!(pieces, stats);
    for allow_8bit in [false, true] {
        let encoding = stats.encoding(form, allow_8bit);
        let body = encode([data], encoding, form).unwrap();
        let (octets, defects) = decode([body.as_slice()], encoding);
        assert_eq!(octets, meant);
        assert_eq!(defects, []);
        check_lines(&body, 998);
        assert!(body.is_ascii() || (allow_8bit && encoding == Encoding::EightBit));
    }
    let mut counter = Counter::default();
    counter.put(&meant).unwrap();
    assert!(form == Form::Text || counter.len() as u64 == stats.octets());
}

/// Lines end with CRLF, hold no CR, LF or NUL, and have at most `longest` octets.
pub(crate) fn check_lines(body: &[u8], longest: usize) {
    for line in body.split(|&byte| byte == b'\n') {
        let line = match line {
            [line @ .., b'\r'] => line,
            _ => line,
        };
        assert!(line.len() <= longest);
        assert!(!line.iter().any(|byte| b"\r\0".contains(byte)));
    }
    let line_feeds = body.split(|&byte| byte == b'\n').count() - 1;
    assert_eq!(
        body.windows(2).filter(|pair| *pair == b"\r\n").count(),
        line_feeds
    );
}
