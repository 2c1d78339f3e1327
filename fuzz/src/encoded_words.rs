//! Encoded words: text is written so that readers give it back; what is read agrees with a naive reader;
//! character sets do not see how octets are cut.

use scop_core::{Emit, Sink};
use scop_mime_core::header::encoded_word::{
    EncodedWordDefects, TextError, Utf8, emit_phrase, emit_unstructured,
};
use scop_mime_core::{Charset, CharsetDecoder, FoldSink, Mailbox, Unstructured};

use crate::choice::Choice;
use crate::date::unfold;
use crate::rfc2045;

/// A value with encoded words, or a text to be written with them.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    check_read(data);
    if let Ok(text) = str::from_utf8(data) {
        for utf8 in [Utf8::Encode, Utf8::Raw] {
            check_written(text, utf8);
        }
    }
    for label in [
        "utf-8",
        "us-ascii",
        "latin1",
        "iso-2022-jp",
        "shift_jis",
        "utf-16",
        "gb18030",
    ] {
        if let Some(charset) = Charset::of_label(label.as_bytes()) {
            check_charset(data, charset, &mut choice);
        }
    }
}

fn check_charset(data: &[u8], charset: Charset, choice: &mut Choice) {
    let decode = |chunks: Vec<&[u8]>| {
        let mut text = Vec::new();
        let mut decoder = CharsetDecoder::new(charset);
        for chunk in chunks {
            let before = text.len();
            decoder.put(chunk, &mut text).unwrap();
            assert!(str::from_utf8(&text[before..]).is_ok());
        }
        decoder.finish(&mut text).unwrap();
        let text = String::from_utf8(text).expect("whole characters");
        (text, decoder.had_errors())
    };
    let whole = decode(vec![data]);
    assert_eq!(decode(choice.chunks(data)), whole, "{charset}");
    assert_eq!(decode(data.chunks(1).collect()), whole, "{charset}");
    if let Some(naive) = to_text(charset.name(), data) {
        assert_eq!(whole.0, naive, "{charset}");
        let is_whole = match charset.name() {
            "UTF-8" => str::from_utf8(data).is_ok(),
            "US-ASCII" => data.is_ascii(),
            _ => true,
        };
        assert_eq!(whole.1, !is_whole, "{charset}");
    }
}

/// Octets of the three character sets that are simple.
fn to_text(charset: &str, octets: &[u8]) -> Option<String> {
    let ascii = |byte: &u8| {
        if byte.is_ascii() {
            char::from(*byte)
        } else {
            '\u{fffd}'
        }
    };
    match charset {
        "UTF-8" => Some(String::from_utf8_lossy(octets).into_owned()),
        "US-ASCII" => Some(octets.iter().map(ascii).collect()),
        "ISO-8859-1" => Some(octets.iter().copied().map(char::from).collect()),
        _ => None,
    }
}

fn check_read(data: &[u8]) {
    let value = Unstructured::new(data);
    assert_eq!(value.raw(), data);
    let text = value.text();
    let shown = String::from_utf8(text.to_vec()).expect("text is UTF-8");
    assert!(text.is(&shown) && !text.is(&format!("{shown}x")));
    assert!(!shown.chars().any(|c| c.is_control() && c != '\t'));
    let defects = text.encoded_word_defects();
    for error in [defects.bad, defects.misplaced, defects.loose]
        .into_iter()
        .flatten()
    {
        assert!(error.offset() <= data.len());
    }
    if let Some(naive) = naive_text(data) {
        assert_eq!(shown, naive);
    }
}

enum Item {
    White(Vec<u8>),
    Text(Vec<u8>),
    Word(&'static str, Vec<u8>),
}

/// What a person reads (RFC 2047 6): the tokens, without white space between two words, and words of one
/// character set joined. `None` when a word is in a character set that is not simple.
fn naive_text(value: &[u8]) -> Option<String> {
    let unfolded = unfold(value);
    let is_white = |byte: &u8| b" \t".contains(byte);
    let end = unfolded
        .iter()
        .rposition(|byte| !is_white(byte))
        .map_or(0, |at| at + 1);
    let start = unfolded
        .iter()
        .position(|byte| !is_white(byte))
        .unwrap_or(0);
    let mut items: Vec<Item> = Vec::new();
    for piece in
        unfolded[start.min(end)..end].chunk_by(|one, other| is_white(one) == is_white(other))
    {
        let item = match decode_word(piece) {
            Some((charset, octets)) => {
                to_text(charset, b"")?;
                if let [.., Item::Word(..), Item::White(_)] = items[..] {
                    items.pop();
                }
                Item::Word(charset, octets)
            }
            None if is_white(&piece[0]) => Item::White(piece.to_vec()),
            None => Item::Text(piece.to_vec()),
        };
        items.push(item);
    }
    let mut out = String::new();
    let same = |one: &Item, other: &Item| match (one, other) {
        (Item::Word(one, _), Item::Word(other, _)) => one == other,
        _ => false,
    };
    for run in items.chunk_by(same) {
        let (mut charset, mut octets) = ("UTF-8", Vec::new());
        for item in run {
            match item {
                Item::White(bytes) | Item::Text(bytes) => octets.extend(bytes),
                Item::Word(of_word, bytes) => {
                    charset = of_word;
                    octets.extend(bytes);
                }
            }
        }
        out += &to_text(charset, &octets)?;
    }
    let shown = |c: char| {
        if c.is_control() && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    Some(out.chars().map(shown).collect())
}

/// The character set and the octets of an encoded word (RFC 2047 2).
fn decode_word(token: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let inner = token.strip_prefix(b"=?")?.strip_suffix(b"?=")?;
    let parts: Vec<&[u8]> = inner.split(|&byte| byte == b'?').collect();
    let [label, encoding, payload] = parts[..] else {
        return None;
    };
    if !inner.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let charset = Charset::of_label(label.split(|&byte| byte == b'*').next()?)?.name();
    let octets = match encoding {
        b"Q" | b"q" => {
            // With lines that are short enough, quoted-printable is nearly the same.
            let mut octets = Vec::new();
            for (index, piece) in payload.split(|&byte| byte == b'=').enumerate() {
                let digits = if index == 0 { 0 } else { 2 };
                let escape = [&b"="[..], piece.get(..digits)?].concat();
                let decoded = rfc2045::quoted_printable(&escape);
                if index > 0 {
                    let [octet] = decoded.octets[..] else {
                        return None;
                    };
                    octets.push(octet);
                }
                let plain = piece[digits..].iter();
                octets.extend(plain.map(|&byte| if byte == b'_' { b' ' } else { byte }));
            }
            octets
        }
        b"B" | b"b" => {
            let pads = payload
                .iter()
                .rev()
                .take_while(|&&byte| byte == b'=')
                .count();
            let digits = &payload[..payload.len() - pads];
            let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
            if pads > 2 || digits.len() % 4 == 1 || !digits.iter().all(is_digit) {
                return None;
            }
            rfc2045::base64(digits).octets
        }
        _ => return None,
    };
    Some((charset, octets))
}

/// Folds what `write` puts; the field without its line end and name.
fn fold(
    write: impl FnOnce(&mut FoldSink<'_, Vec<u8>>) -> Result<(), TextError>,
) -> Result<Vec<u8>, TextError> {
    let mut field = Vec::new();
    let mut sink = FoldSink::new(&mut field);
    sink.put(b"Subject: ").unwrap();
    write(&mut sink)?;
    sink.finish().expect("what is long is encoded");
    crate::coding_decoders::check_lines(&field, 998);
    Ok(field["Subject:".len()..field.len() - 2].to_vec())
}

fn check_written(text: &str, utf8: Utf8) {
    let control = text
        .char_indices()
        .find(|&(_, c)| c.is_control() && c != '\t');
    let expected = control.map(|(offset, _)| TextError::Control { offset });
    let value = fold(|sink| emit_unstructured(text, utf8, sink));
    let phrase = fold(|sink| emit_phrase(text, utf8, sink));
    assert_eq!(
        (value.as_ref().err(), phrase.as_ref().err()),
        (expected.as_ref(), expected.as_ref())
    );
    let (Ok(value), Ok(phrase)) = (value, phrase) else {
        return;
    };
    let read = Unstructured::new(&value);
    assert!(read.text().is(text), "{}", value.escape_ascii());
    assert_eq!(
        read.text().encoded_word_defects(),
        EncodedWordDefects::default()
    );
    let mailbox = [phrase.as_slice(), b" <a@example.org>"].concat();
    let mailbox = Mailbox::parse(&mailbox)
        .unwrap_or_else(|error| panic!("{error}: {}", mailbox.escape_ascii()));
    let name = mailbox.display_name().expect("it has one").decoded();
    assert!(name.is(text), "{}", phrase.escape_ascii());
    assert_eq!(name.encoded_word_defects(), EncodedWordDefects::default());
    for written in [&value, &phrase] {
        assert!(utf8 == Utf8::Raw || written.is_ascii());
        let words = written.split(|byte| b" \t\r\n".contains(byte));
        for word in words.filter(|word| decode_word(word).is_some()) {
            assert!(word.len() <= 75);
        }
    }
}
