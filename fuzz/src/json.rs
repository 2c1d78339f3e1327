//! JSON: the reader agrees with a naive one, and what is written of its tokens is read as the same.

use scop_core::json::{Kind, MAX_DEPTH, Reader, Token, Value, Writer};

use crate::choice::Choice;
use crate::rfc8259::{Json, read};

/// A text.
pub fn run(data: &[u8]) {
    let depth = Choice::of(data).pick(&[MAX_DEPTH, 3, 0]);
    let value = Value::parse_with_depth(data, depth);
    let naive = read(data, depth.into());
    assert_eq!(value.ok().map(|value| walk(value, data)), naive);
    let mut writer = Writer::new(Vec::new());
    let mut reader = Reader::with_depth(data, depth);
    let end = loop {
        match reader.read() {
            Ok(Some(token)) => writer.token(token).expect("tokens of a text make a text"),
            end => break end,
        }
    };
    // A broken text stays broken, and is broken somewhere.
    assert_eq!(reader.read(), end);
    let Some(naive) = naive else {
        assert!(end.is_err_and(|error| error.offset() <= data.len()));
        assert!(writer.finish().is_err() || data.len() > 1);
        return;
    };
    assert_eq!(end, Ok(None::<Token<'_>>));
    let small = writer.finish().expect("it is complete");
    assert!(small.len() <= data.len() * 6);
    let again = Value::parse(&small).expect("it is JSON");
    assert_eq!(walk(again, &small), naive);
}

/// What the views show; each lies where it says.
fn walk(value: Value<'_>, text: &[u8]) -> Json {
    let raw = value.raw();
    assert_eq!(&text[value.offset()..][..raw.len()], raw);
    match value.kind() {
        Kind::Null => Json::Null,
        Kind::Bool(value) => Json::Bool(value),
        Kind::Number(number) => Json::Number(number.raw().to_owned()),
        Kind::String(text) => Json::String(text.to_string_of()),
        Kind::Array => Json::Array(value.elements().map(|value| walk(value, text)).collect()),
        Kind::Object => Json::Object(
            value
                .members()
                .map(|(name, value)| (name.to_string_of(), walk(value, text)))
                .collect(),
        ),
    }
}

/// The characters of a text, by both ways to them.
trait ToStringOf {
    fn to_string_of(&self) -> String;
}

impl ToStringOf for scop_core::json::Text<'_> {
    fn to_string_of(&self) -> String {
        let emitted = scop_core::Emit::to_vec(self);
        let chars: String = self.chars().collect();
        assert_eq!(emitted, chars.as_bytes());
        assert!(self.is(&chars) && self.plain().is_none_or(|plain| plain == chars));
        chars
    }
}
