//! Parameters: what is meant agrees with a naive reader of RFC 2231; what is written is read back and fits
//! its lines; the canonical form means the same.

use std::collections::BTreeMap;

use scop_core::{Emit, Sink};
use scop_mime_core::header::encoded_word::Utf8;
use scop_mime_core::header::parameter::{MAX_SECTIONS, WriteParameterError, emit_parameter};
use scop_mime_core::{ContentDisposition, ContentType, FoldSink, Parameters};

use crate::date::unfold;

/// The value of a Content-Type or Content-Disposition, or its parameters, or a text to be written as one.
pub fn run(data: &[u8]) {
    check_read(data);
    check_content(data);
    if let Ok(text) = str::from_utf8(data) {
        for utf8 in [Utf8::Encode, Utf8::Raw] {
            check_written("filename", text, utf8);
        }
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        check_written(name, value, Utf8::Encode);
    }
}

/// The octets of each parameter, by its name in lower case.
type Meant = BTreeMap<Vec<u8>, Vec<u8>>;

fn meant(parameters: &Parameters<'_>) -> Meant {
    let mut meant = Meant::new();
    for section in parameters.sections() {
        if let Some(parameter) = parameters.get(section.name()) {
            let mut octets = Vec::new();
            parameter.octets(&mut octets).unwrap();
            assert!(parameter.is(&octets));
            assert!(String::from_utf8(parameter.value().to_vec()).is_ok());
            meant.insert(section.name().to_ascii_lowercase(), octets);
        }
    }
    meant
}

fn check_read(data: &[u8]) {
    let (parameters, error) = Parameters::recover(data);
    let mut end = 0;
    let mut count = 0;
    for section in parameters.sections() {
        let (raw, offset) = (section.raw(), section.offset());
        assert!(end <= offset);
        assert_eq!(&data[offset..offset + raw.len()], raw);
        end = offset + raw.len();
        if let Some(value) = section.value() {
            let raw = value.raw();
            assert_eq!(&data[value.offset()..value.offset() + raw.len()], raw);
        }
        assert!(section.error().is_none() || error.is_some());
        count += 1;
    }
    if count > MAX_SECTIONS {
        return assert!(error.is_some());
    }
    let ours = meant(&parameters);
    assert_eq!(ours, naive(data));
    match Parameters::parse(data) {
        Err(found) => {
            assert_eq!(Some(found), error);
            assert!(found.offset() <= data.len());
        }
        Ok(strict) => {
            assert!(error.is_none());
            let canonical = strict.to_vec();
            let again = Parameters::parse(&canonical).expect("what was emitted can be read");
            assert_eq!(meant(&again), ours);
            assert_eq!(again.to_vec(), canonical);
        }
    }
}

fn check_content(data: &[u8]) {
    if let Ok(content) = ContentType::parse(data) {
        assert_eq!(content.raw(), data);
        let canonical = content.to_vec();
        let again = ContentType::parse(&canonical).expect("what was emitted can be read");
        assert!(again.is(content.type_name(), content.subtype()));
        assert_eq!(meant(&again.parameters()), meant(&content.parameters()));
        assert!(ContentType::recover(data).1.is_none());
    }
    if let Ok(disposition) = ContentDisposition::parse(data) {
        let canonical = disposition.to_vec();
        let again = ContentDisposition::parse(&canonical).expect("what was emitted can be read");
        assert!(again.is(disposition.disposition_type()));
        assert_eq!(meant(&again.parameters()), meant(&disposition.parameters()));
    }
}

fn check_written(name: &str, value: &str, utf8: Utf8) {
    let mut field = Vec::new();
    let mut sink = FoldSink::new(&mut field);
    sink.put(b"Content-Disposition: attachment").unwrap();
    let control = value
        .char_indices()
        .find(|&(_, c)| c.is_control() && c != '\t');
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| is_token(byte) && !b"*'%".contains(&byte));
    match emit_parameter(name, value, utf8, &mut sink) {
        Ok(()) => {}
        Err(WriteParameterError::BadName { offset }) => {
            return assert!(!is_name || (name.len() > 50 && offset <= name.len()));
        }
        Err(WriteParameterError::Control { offset }) => {
            return assert_eq!(Some(offset), control.map(|(offset, _)| offset));
        }
        Err(WriteParameterError::TooLong) => {
            let octets = value.len() + 2 * value.bytes().filter(|&byte| !is_token(byte)).count();
            return assert!(octets > MAX_SECTIONS * 10);
        }
        Err(error) => panic!("{error}"),
    }
    assert!(is_name && control.is_none());
    sink.finish().expect("it can be folded");
    crate::coding_decoders::check_lines(&field, 78);
    assert!(utf8 == Utf8::Raw || field.is_ascii());
    let written = &field["Content-Disposition:".len()..field.len() - 2];
    let disposition = ContentDisposition::parse(written).expect("what was written can be read");
    assert!(disposition.is_attachment());
    let parameter = disposition
        .parameters()
        .get(name.as_bytes())
        .expect("it is there");
    assert!(parameter.is(value.as_bytes()), "{}", written.escape_ascii());
    assert!(parameter.value().is(value));
    assert_eq!(parameter.value().error(), None);
    assert!(parameter.value_with_encoded_words().is_none());
}

const fn is_token(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~')
        && !matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"'
        )
        && !matches!(byte, b'/' | b'[' | b']' | b'?' | b'=')
}

/// A piece of a parameter.
#[derive(Default)]
struct Piece {
    name: Vec<u8>,
    number: Option<u32>,
    is_extended: bool,
    value: Option<Vec<u8>>,
}

/// The octets that are meant (RFC 2231 3, 4).
fn naive(text: &[u8]) -> Meant {
    let pieces = Naive {
        text: &unfold(text),
        at: 0,
    }
    .pieces();
    let mut meant = Meant::new();
    for Piece { name, .. } in &pieces {
        let mut of_name = pieces
            .iter()
            .filter(|piece| piece.name == *name && piece.value.is_some());
        let is_first = |piece: &&Piece| {
            piece.number == Some(0) || (piece.is_extended && piece.number.is_none())
        };
        let Some(first) = of_name
            .clone()
            .find(is_first)
            .or_else(|| of_name.clone().find(|piece| piece.number.is_none()))
        else {
            continue;
        };
        let mut octets = first.octets(true);
        if first.number.is_some() {
            for number in 1.. {
                match of_name.clone().find(|piece| piece.number == Some(number)) {
                    Some(piece) => octets.extend(piece.octets(false)),
                    None => break,
                }
            }
        }
        if !name.is_empty() && of_name.next().is_some() {
            meant.insert(name.clone(), octets);
        }
    }
    meant
}

impl Piece {
    /// Takes a name apart: `name`, `name*`, `name*0`, `name*0*`.
    fn named(written: &[u8], value: Option<Vec<u8>>) -> Self {
        // One character for each octet.
        let written: String = written.iter().copied().map(char::from).collect();
        let written = written.to_ascii_lowercase();
        let parts: Vec<&str> = written.split('*').collect();
        let number = |digits: &str| {
            let number: u32 = digits.parse().ok()?;
            (number.to_string() == digits).then_some(number)
        };
        let (name, number, is_extended) = match parts[..] {
            [name, ""] => (name, None, true),
            [name, digits] if number(digits).is_some() => (name, number(digits), false),
            [name, digits, ""] if number(digits).is_some() => (name, number(digits), true),
            _ => (written.as_str(), None, false),
        };
        let (name, number, is_extended) = if name.is_empty() {
            (written.as_str(), None, false)
        } else {
            (name, number, is_extended)
        };
        Self {
            name: name.chars().filter_map(|c| u8::try_from(c).ok()).collect(),
            number,
            is_extended,
            value,
        }
    }

    fn octets(&self, is_first: bool) -> Vec<u8> {
        let mut text = self.value.clone().unwrap_or_default();
        if !self.is_extended {
            return text;
        }
        let parts: Vec<&[u8]> = text.splitn(3, |&byte| byte == b'\'').collect();
        if let ([_, _, rest], true) = (&parts[..], is_first) {
            text = rest.to_vec();
        }
        let mut octets = Vec::new();
        let mut rest = text.as_slice();
        while let Some((&byte, after)) = rest.split_first() {
            let digits = after
                .get(..2)
                .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
            let digits = digits.and_then(|pair| str::from_utf8(pair).ok());
            if let (b'%', Some(digits)) = (byte, digits) {
                octets.push(u8::from_str_radix(digits, 16).expect("they are digits"));
                rest = &after[2..];
            } else {
                octets.push(byte);
                rest = after;
            }
        }
        octets
    }
}

/// Reads text without folds.
struct Naive<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Naive<'a> {
    fn pieces(mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        loop {
            self.gap();
            match self.peek() {
                None => return pieces,
                Some(b';') => self.at += 1,
                Some(_) => {
                    let name = self.run(|byte| is_token(byte) || byte > 127);
                    self.gap();
                    let value = if self.peek() == Some(b'=') {
                        self.at += 1;
                        self.gap();
                        Some(self.value())
                    } else {
                        self.run(|byte| byte != b';');
                        None
                    };
                    pieces.push(Piece::named(name, value));
                }
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|&&byte| belongs(byte)).count();
        self.at += len;
        &rest[..len]
    }

    /// White space and comments.
    fn gap(&mut self) {
        let mut depth = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.at += 1,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if depth > 0 => {}
                _ => return,
            }
            self.at += 1;
        }
        self.at = self.text.len();
    }

    /// Whether a parameter begins here.
    fn at_parameter(&self) -> bool {
        let rest = &self.text[self.at..];
        let name = rest.iter().take_while(|&&byte| is_token(byte)).count();
        name > 0 && rest.get(name) == Some(&b'=')
    }

    fn value(&mut self) -> Vec<u8> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            self.run(|byte| is_token(byte) || byte > 127);
            let end = self.at;
            self.gap();
            let is_next = self.at > end && self.at_parameter();
            if matches!(self.peek(), None | Some(b';')) || is_next {
                return self.text[start..end].to_vec();
            }
            self.run(|byte| byte != b';');
            let mut value = &self.text[start..self.at];
            while let [before @ .., b' ' | b'\t' | b'\r' | b'\n'] = value {
                value = before;
            }
            return value.to_vec();
        }
        self.at += 1;
        let mut value = Vec::new();
        loop {
            let byte = self.peek();
            self.at += 1;
            match byte {
                Some(b'\\') => {
                    value.extend(self.peek());
                    self.at += 1;
                }
                Some(b'"') => break,
                None => {
                    self.at = self.text.len();
                    return value;
                }
                Some(byte) => value.push(byte),
            }
        }
        self.gap();
        if !self.at_parameter() {
            self.run(|byte| byte != b';');
        }
        value
    }
}
