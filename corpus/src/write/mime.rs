//! MIME fields and their parameters (RFC 2045, 2183, 2231).

use std::borrow::Cow;
use std::fmt::Write as _;

use scop_mime_core::Encoding;

use super::pen::{Pen, is_token};
use crate::feature::Feature;
use crate::model::{Charset, Parameter};

/// `type/subtype` and parameters.
pub(crate) fn content_type(
    pen: &mut Pen<'_>,
    type_name: &str,
    subtype: &str,
    parameters: &[Parameter],
) {
    pen.any_case(type_name);
    pen.optional_gap();
    pen.put(b"/");
    pen.optional_gap();
    pen.any_case(subtype);
    self::parameters(pen, parameters);
}

/// A word and parameters.
pub(crate) fn worded(pen: &mut Pen<'_>, word: &str, parameters: &[Parameter]) {
    pen.any_case(word);
    self::parameters(pen, parameters);
}

/// `1.0`, with gaps.
pub(crate) fn version(pen: &mut Pen<'_>) {
    pen.put(b"1");
    pen.optional_gap();
    pen.put(b".");
    pen.optional_gap();
    pen.put(b"0");
}

/// The name of an encoding.
pub(crate) fn encoding(pen: &mut Pen<'_>, encoding: Encoding) {
    let name = match encoding {
        Encoding::SevenBit => "7bit",
        Encoding::EightBit => "8bit",
        Encoding::Binary => "binary",
        Encoding::QuotedPrintable => "quoted-printable",
        Encoding::Base64 => "base64",
        Encoding::Uuencode => pen.rng.pick(&["x-uuencode", "uuencode", "x-uue"]),
        _ => "x-unknown",
    };
    pen.any_case(name);
}

/// Words with commas between.
pub(crate) fn languages(pen: &mut Pen<'_>, languages: &[String]) {
    for (index, language) in languages.iter().enumerate() {
        if index > 0 {
            pen.optional_gap();
            pen.put(b",");
            pen.space();
            pen.optional_gap();
        }
        pen.text(language);
    }
}

/// A section of a parameter, as it will stand.
struct Section {
    name: String,
    extended: bool,
    value: String,
}

fn parameters(pen: &mut Pen<'_>, parameters: &[Parameter]) {
    let mut sections = Vec::new();
    for parameter in parameters {
        pen.features.count(Feature::Parameter);
        split(pen, parameter, &mut sections);
    }
    // RFC 2231 3: the order of the sections is free. So a section may go behind any other.
    if sections.iter().any(|section| section.name.contains('*')) && pen.odd(30) {
        pen.features.count(Feature::SectionsOutOfOrder);
        let mut count = sections.len();
        while count > 1 {
            let chosen = pen.rng.index(count);
            count -= 1;
            sections.swap(chosen, count);
        }
    }
    for section in &sections {
        pen.optional_gap();
        pen.put(b";");
        pen.space();
        pen.optional_gap();
        pen.any_case(&section.name);
        if section.extended {
            pen.put(b"*");
        }
        pen.optional_gap();
        pen.put(b"=");
        pen.optional_gap();
        if section.extended {
            pen.text(&section.value);
        } else {
            pen.token_or_quoted(&section.value);
        }
    }
}

/// Cuts a parameter into sections.
fn split(pen: &mut Pen<'_>, parameter: &Parameter, sections: &mut Vec<Section>) {
    let Parameter {
        name,
        value,
        language,
    } = parameter;
    let name: &Cow<'_, str> = name;
    let charset_due = language.is_some() || pen.odd(if value.is_ascii() { 10 } else { 50 });
    if !charset_due && !pen.odd(5) {
        sections.push(Section {
            name: name.to_string(),
            extended: false,
            value: value.clone(),
        });
        return;
    }
    let charset = if !charset_due {
        Charset::Utf8
    } else if Charset::Ascii.holds(value) && pen.odd(50) {
        Charset::Ascii
    } else if Charset::Latin1.holds(value) && pen.odd(50) {
        Charset::Latin1
    } else {
        Charset::Utf8
    };
    let octets = charset.encode(value);
    let pieces = if charset_due && !pen.odd(40) {
        1
    } else {
        pen.rng.range(1, 12)
    };
    if charset_due {
        pen.features.count(Feature::ExtendedParameter);
    }
    if pieces > 1 {
        pen.features.count(Feature::ContinuedParameter);
    }
    let mut rest = octets.as_slice();
    for number in 0..pieces {
        let left = usize::try_from(pieces - number).unwrap_or(1);
        let mut size = rest.len() / left;
        // Without percent-encoding a piece holds whole characters, because the field is UTF-8.
        let text = core::str::from_utf8(rest).unwrap_or_default();
        if !charset_due {
            while !text.is_char_boundary(size) {
                size += 1;
            }
        }
        let (piece, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        rest = after;
        let first = number == 0;
        let text = core::str::from_utf8(piece).unwrap_or_default();
        // RFC 2231 4.1: sections with and without percent-encoding can be mixed.
        let plain = !charset_due || !first && piece.is_ascii() && is_token(text) && pen.odd(50);
        let mut section = Section {
            name: name.to_string(),
            extended: !plain,
            value: String::new(),
        };
        if pieces > 1 || !charset_due {
            // Writing to a string does not fail.
            let _ = write!(section.name, "*{number}");
        }
        if plain {
            section.value.push_str(text);
        } else {
            if first {
                section.value.push_str(match charset {
                    Charset::Utf8 => "utf-8",
                    Charset::Ascii => "us-ascii",
                    Charset::Latin1 => "iso-8859-1",
                });
                section.value.push('\'');
                section.value.push_str(language.unwrap_or_default());
                section.value.push('\'');
            }
            percent(pen, piece, &mut section.value);
        }
        sections.push(section);
    }
}

/// Octets in the percent-encoding of RFC 2231 7.
fn percent(pen: &mut Pen<'_>, octets: &[u8], text: &mut String) {
    for &octet in octets {
        let attribute = octet.is_ascii_graphic() && !b"*'%()<>@,;:\\\"/[]?=".contains(&octet);
        if attribute && !pen.odd(5) {
            text.push(char::from(octet));
        } else {
            let digits = if pen.odd(20) {
                format!("%{octet:02x}")
            } else {
                format!("%{octet:02X}")
            };
            text.push_str(&digits);
        }
    }
}
