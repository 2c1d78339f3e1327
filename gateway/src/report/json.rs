//! JSON in which no character can steer a terminal.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::Report;
use crate::terminal::is_hidden;

/// The document, with a line end.
pub(crate) fn render(report: &Report) -> String {
    document(report)
}

/// Any document, with a line end.
pub(crate) fn document(report: &impl Serialize) -> String {
    written(report, PrettyFormatter::new())
}

/// Any document on one line, with its end.
pub(crate) fn line(document: &impl Serialize) -> String {
    written(document, CompactFormatter)
}

fn written(document: &impl Serialize, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Harmless(formatter));
    // A vector takes everything, and no document has a map with other keys than text.
    let _ = document.serialize(&mut serializer);
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

/// In some form, with the hidden characters escaped that JSON itself would let stand.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for piece in fragment.split_inclusive(is_hidden) {
            let last = piece.chars().next_back().filter(|&c| is_hidden(c));
            let plain = piece.len() - last.map_or(0, char::len_utf8);
            writer.write_all(piece.as_bytes().get(..plain).unwrap_or_default())?;
            for unit in last
                .into_iter()
                .flat_map(|c| c.encode_utf16(&mut units).to_vec())
            {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_come_back() {
        let value = "a\u{202e}b\u{9b}\u{7f}\u{1b}\"\\\u{e0041}\u{fc}";
        let mut bytes = Vec::new();
        let formatter = Harmless(PrettyFormatter::new());
        value
            .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
            .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "\"a\\u202eb\\u009b\\u007f\\u001b\\\"\\\\\\udb40\\udc41\u{fc}\""
        );
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
