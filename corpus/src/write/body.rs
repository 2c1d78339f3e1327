//! Bodies in their transfer encodings, in every layout (RFC 2045 6).

use scop_core::Full;
use scop_mime_core::Encoding;
use scop_mime_core::coding::{Form, base64, quoted_printable};

use super::pen::Pen;
use crate::feature::Feature;
use crate::model::{Hand, How, LineEnd};

/// The longest line of quoted-printable or base64 (RFC 2045 6.7, 6.8).
const MAX_LINE: usize = 76;

/// Writes `content` in `encoding`.
pub(crate) fn encoded(pen: &mut Pen<'_>, content: &[u8], encoding: Encoding, how: How) {
    if how.hand == Hand::Library && by_library(pen, content, encoding) {
        pen.features.count(Feature::LibraryBody);
        return;
    }
    match encoding {
        Encoding::QuotedPrintable => quoted_printable(pen, content),
        Encoding::Base64 => base64(pen, content),
        Encoding::Uuencode => uuencode(pen, content),
        _ => pen.put(content),
    }
}

/// Whether the encoders of mime-core can write it. They end lines with CRLF; where the message has LF,
/// no other LF is in what they write.
fn by_library(pen: &mut Pen<'_>, content: &[u8], encoding: Encoding) -> bool {
    let mut out = Vec::new();
    let written = match encoding {
        Encoding::Base64 => with_base64(pen, content, &mut out),
        Encoding::QuotedPrintable => with_quoted_printable(pen, content, &mut out),
        _ => return false,
    };
    // That encoder writes hyphens at the start of a line: its caller must choose a boundary for the text,
    // and here the boundary was there first.
    let hyphens = |line: &[u8]| line.starts_with(b"--");
    if written.is_err() || out.split(|&byte| byte == b'\n').any(hyphens) {
        return false;
    }
    if pen.line_end == LineEnd::Lf {
        out.retain(|&byte| byte != b'\r');
    }
    pen.put(&out);
    true
}

/// In pieces, because an encoder may not care how its input is cut.
fn with_base64(pen: &mut Pen<'_>, content: &[u8], out: &mut Vec<u8>) -> Result<(), Full> {
    let mut encoder = base64::Encoder::new();
    for piece in content.chunks(pieces(pen)) {
        encoder.put(piece, out)?;
    }
    encoder.finish(out)
}

fn with_quoted_printable(pen: &mut Pen<'_>, content: &[u8], out: &mut Vec<u8>) -> Result<(), Full> {
    // As text every line end is that of the message, so the content must have no other.
    let is_text = only_line_ends(content, pen.line_end);
    let form = if is_text { Form::Text } else { Form::Binary };
    let mut encoder = quoted_printable::Encoder::new(form);
    for piece in content.chunks(pieces(pen)) {
        encoder.put(piece, out)?;
    }
    encoder.finish(out)
}

fn pieces(pen: &mut Pen<'_>) -> usize {
    pen.rng.pick(&[1, 7, 64, 4096])
}

/// Whether CR and LF stand in line ends of this kind only.
pub(crate) fn only_line_ends(content: &[u8], line_end: LineEnd) -> bool {
    let mut before = 0;
    for &byte in content {
        let good = match (line_end, before, byte) {
            (LineEnd::Crlf, b'\r', _) => byte == b'\n',
            (LineEnd::Crlf, _, b'\n') | (LineEnd::Lf, _, b'\r') => false,
            _ => true,
        };
        if !good {
            return false;
        }
        before = byte;
    }
    line_end == LineEnd::Lf || before != b'\r'
}

fn quoted_printable(pen: &mut Pen<'_>, content: &[u8]) {
    let as_text = !pen.odd(20);
    let soft = pen.rng.pick(&[0, 1, 3, 15]);
    let line_end = pen.line_end.bytes();
    let mut column = 0;
    let mut rest = content;
    while let Some((&octet, after)) = rest.split_first() {
        if as_text && rest.starts_with(line_end) {
            if column < 70 && pen.odd(3) {
                // What a transport adds, and a decoder takes away.
                pen.features.count(Feature::TransportPadding);
                pen.put(b" \t");
            }
            pen.put(line_end);
            column = 0;
            rest = rest.get(line_end.len()..).unwrap_or_default();
            continue;
        }
        let before_end = after.is_empty() || as_text && after.starts_with(line_end);
        let stands = match octet {
            b' ' | b'\t' => !before_end,
            b'=' => false,
            // A line may not become a delimiter, nor one that is part of SMTP or an mbox.
            b'-' | b'.' | b'F' => column > 0,
            _ => octet.is_ascii_graphic(),
        };
        let escaped = !stands || pen.odd(2);
        let width = if escaped { 3 } else { 1 };
        if column + width >= MAX_LINE || pen.odd(soft) {
            pen.features.count(Feature::SoftBreak);
            pen.put(b"=");
            if column < 70 && pen.odd(3) {
                pen.features.count(Feature::TransportPadding);
                pen.put(b" ");
            }
            pen.put(line_end);
            column = 0;
            // The octet may not stand at the start of a line.
            continue;
        }
        if escaped {
            pen.hex(b'=', octet);
        } else {
            pen.put(&[octet]);
        }
        column += width;
        rest = after;
    }
    if pen.odd(5) {
        pen.features.count(Feature::SoftBreak);
        pen.put(b"=");
        pen.put(line_end);
    }
}

fn base64(pen: &mut Pen<'_>, content: &[u8]) {
    let mut digits = Vec::with_capacity(content.len() / 3 * 4 + 4);
    super::base64::line(content, &mut digits);
    let line_end = pen.line_end.bytes();
    if !pen.odd {
        for line in digits.chunks(MAX_LINE) {
            pen.put(line);
            pen.put(line_end);
        }
        return;
    }
    if pen.odd(3) {
        // Some writers leave the padding out, and every reader knows what is meant.
        while digits.last() == Some(&b'=') {
            digits.pop();
        }
    }
    let widths: &[usize] = match pen.rng.below(6) {
        0 => &[1, 2, 3, 5, 76],
        1 => &[4],
        2 => &[60],
        3 => &[75, 73, 74],
        _ => &[76],
    };
    if pen.odd(5) {
        pen.put(line_end);
    }
    let mut rest = digits.as_slice();
    while !rest.is_empty() {
        let width = pen.rng.pick(widths).max(1);
        let (line, after) = rest.split_at_checked(width).unwrap_or((rest, &[]));
        rest = after;
        pen.put(line);
        if pen.odd(2) {
            pen.put(b" ");
        }
        if rest.is_empty() && pen.odd(30) {
            return;
        }
        pen.put(line_end);
        if pen.odd(2) {
            pen.put(line_end);
        }
    }
}

/// Uuencode as POSIX describes it under that name.
fn uuencode(pen: &mut Pen<'_>, content: &[u8]) {
    let line_end = pen.line_end.bytes();
    let zero = if pen.odd(30) { b' ' } else { b'`' };
    let digit = |bits: u32| match u8::try_from(bits & 63).unwrap_or(0) {
        0 => zero,
        bits => bits + b' ',
    };
    pen.put(b"begin 644 ");
    let name = pen.rng.pick(&["data", "a file.txt", "x"]);
    pen.text(name);
    pen.put(line_end);
    let width = if pen.odd(30) {
        usize::try_from(pen.rng.range(1, 45)).unwrap_or(45)
    } else {
        45
    };
    for line in content.chunks(width) {
        pen.put(&[digit(u32::try_from(line.len()).unwrap_or(0))]);
        for group in line.chunks(3) {
            let octet = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
            pen.put(&[18, 12, 6, 0].map(|shift| digit(bits >> shift)));
        }
        pen.put(line_end);
    }
    pen.put(b"`");
    pen.put(line_end);
    pen.put(b"end");
    pen.put(line_end);
}
