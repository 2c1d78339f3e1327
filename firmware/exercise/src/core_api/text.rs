//! JSON and base64.

use core::hint::black_box;

use scop_core::base64::{DecodeError, Encoder, decode, encode};
use scop_core::json::{JsonErrorKind, Kind, Number, Reader, Token, Value, WriteError, Writer};
use scop_core::{QueryName, Sink, SliceSink};

use crate::tally::Tally;

/// Reads and writes both.
pub(super) fn run(input: &[u8], tally: &mut Tally) {
    base64(input, tally);
    read(tally);
    for text in [
        input,
        black_box(br#" {"a\u00e9":[1,{"b":"\ud83d\ude00"},-2.5e3,false],"c":null} "#),
    ] {
        for cut in 0..text.len().saturating_add(1) {
            let text = text.get(..cut).unwrap_or_default();
            tally.flag(Value::parse(text).is_ok());
        }
        copy(text, tally);
    }
    write(tally);
}

fn base64(input: &[u8], tally: &mut Tally) {
    let mut text = [0; 96];
    let mut sink = SliceSink::new(&mut text);
    tally.check(encode(input, &mut sink).is_ok());
    let mut octets = [0; 72];
    let mut back = SliceSink::new(&mut octets);
    tally.check(decode(sink.written(), &mut back) == Ok(()) && back.written() == input);
    tally.flag(decode(input, &mut back).is_ok());
    let mut short = [0; 1];
    let mut short = SliceSink::new(&mut short);
    tally.equal(
        decode(black_box(b"YWI="), &mut short),
        Err(DecodeError::Full),
    );
    tally.equal(
        decode(black_box(b"YWJ="), &mut back),
        Err(DecodeError::Syntax),
    );
    let mut text = [0; 12];
    let mut sink = SliceSink::new(&mut text);
    let mut encoder = Encoder::new(&mut sink);
    let put = encoder
        .put(black_box(b"a"))
        .and_then(|()| encoder.put(black_box(b"bcd")));
    tally.check(put.is_ok() && encoder.finish().is_ok() && sink.written() == b"YWJjZA==");
}

fn read(tally: &mut Tally) {
    let text = black_box(br#"{"name": [1, -2, 1.5e3, true, null, "\u00e9"], "o": {}}"#);
    let Ok(value) = Value::parse(text) else {
        return tally.check(false);
    };
    tally.check(value.kind() == Kind::Object && value.raw() == text && value.offset() == 0);
    tally.check(value.members().count() == 2 && value.text().is_none());
    for (name, member) in value.members() {
        if name.is("name") {
            let numbers = member.elements().filter_map(|element| element.number());
            let sum: i64 = numbers.filter_map(|number| number.to_i64()).sum();
            tally.equal(sum, -1);
            let text = member.elements().find_map(|element| element.text());
            tally.check(text.is_some_and(|text| text.is("\u{e9}") && text.plain().is_none()));
            tally.add(text.map_or(0, |text| text.chars().count() + text.raw().len()));
            if let Some(text) = text {
                tally.check_emit(&text, "\u{e9}".as_bytes());
                tally.flag(text < name);
            }
        } else {
            tally.check(member.kind() == Kind::Object && name.plain() == Some("o"));
        }
    }
    let deep = Value::parse_with_depth(black_box(b"[[[1]]]"), black_box(2));
    tally.check(deep.is_err_and(|error| error.kind() == JsonErrorKind::TooDeep));
    let mut reader = Reader::with_depth(black_box(b"[{\"a\":1},2"), 9);
    tally.check(matches!(reader.read(), Ok(Some(Token::BeginArray))) && reader.depth() == 1);
    let first = reader.read_value();
    tally.check(matches!(first, Ok(Some(value)) if value.kind() == Kind::Object));
    tally.check(matches!(reader.read(), Ok(Some(Token::Number(two))) if two.to_u64() == Some(2)));
    let end = reader.read();
    tally.check(end.is_err_and(|error| error.kind() == JsonErrorKind::Unfinished));
    tally.check(reader.offset() == 10 && reader.read() == end);
    tally.check(Number::new(black_box("01")).is_none());
}

/// Writes what it reads.
fn copy(text: &[u8], tally: &mut Tally) {
    let mut buffer = [0; 96];
    let mut writer = Writer::new(SliceSink::new(&mut buffer));
    let mut reader = Reader::new(text);
    while let Ok(Some(token)) = reader.read() {
        tally.check(writer.token(token).is_ok());
    }
    if let Ok(sink) = writer.finish() {
        let copy = sink.into_written();
        tally.check(Value::parse(copy).is_ok() == Value::parse(text).is_ok());
    }
}

fn write(tally: &mut Tally) {
    let mut buffer = [0; 96];
    let mut sink = SliceSink::new(&mut buffer);
    let written = write_each(&mut sink);
    tally.check(written.is_ok());
    let due = br#"{"n":"a\n\"","q":[1,-2,1.5,true,null,"a.b."],"a.b.":""}"#;
    tally.check(sink.written() == due);
    let mut writer = Writer::new(&mut sink);
    tally.equal(writer.name(black_box("a")), Err(WriteError::Order));
}

fn write_each(sink: &mut SliceSink<'_>) -> Result<(), WriteError> {
    let name = QueryName::dotted([black_box(b"a"), b"b", b""]);
    let mut writer = Writer::new(sink);
    writer.begin_object()?;
    writer.name("n")?;
    writer.string(black_box("a\n\""))?;
    writer.name("q")?;
    writer.begin_array()?;
    writer.unsigned(black_box(1))?;
    writer.integer(black_box(-2))?;
    writer.number(Number::new(black_box("1.5")).ok_or(WriteError::Order)?)?;
    writer.boolean(black_box(true))?;
    writer.null()?;
    writer.string_of(&name)?;
    writer.end()?;
    writer.name_of(&name)?;
    writer.string("")?;
    writer.end()?;
    writer.finish().map(|_| ())
}
