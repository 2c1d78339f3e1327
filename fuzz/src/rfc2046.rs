//! The tree of a message, straight from RFC 2046 5.1: a multipart is cut at its delimiter lines before
//! anything is known of what is between them, then each piece in turn. Nothing streams.
//!
//! Where a boundary is, or begins with, that of an enclosing multipart, a reader that goes from line to
//! line sees another tree, and both are right.

use std::ops::Range;

use scop_mime_core::{ContentType, Encoding, Kind};

/// An entity, by its places in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number in each multipart and message around it, its own last.
    pub path: Vec<usize>,
    /// How its body is read.
    pub kind: Kind,
    /// Its fields.
    pub header: Range<usize>,
    /// Its body, behind the empty line.
    pub body: Range<usize>,
}

/// The parts of a message in the order in which they begin.
pub fn parts(input: &[u8]) -> Vec<Part> {
    let mut reader = Reader {
        input,
        parts: Vec::new(),
    };
    reader.entity(0..input.len(), &[], false, false);
    reader.parts
}

struct Reader<'a> {
    input: &'a [u8],
    parts: Vec<Part>,
}

impl Reader<'_> {
    /// Reads what stands in `span`; `delimited` says that a delimiter line follows, to which the line end
    /// before it belongs. Gives the end without that.
    fn entity(
        &mut self,
        span: Range<usize>,
        path: &[usize],
        digest: bool,
        delimited: bool,
    ) -> usize {
        let mut fields: Vec<Vec<u8>> = Vec::new();
        let (mut header_end, mut body) = (span.end, span.end..span.end);
        for line in self.lines(span.clone()) {
            let bytes = &self.input[line.clone()];
            if matches!(bytes, b"\n" | b"\r\n") {
                (header_end, body) = (line.start, line.end..span.end);
                break;
            }
            match fields.last_mut() {
                Some(field) if b" \t".contains(&bytes[0]) => field.extend(bytes),
                _ => fields.push(bytes.to_vec()),
            }
        }
        let first = |wanted: &str| {
            fields.iter().find_map(|field| {
                let colon = field.iter().position(|&byte| byte == b':')?;
                let white = |byte: &&u8| b" \t".contains(byte);
                let name = colon - field[..colon].iter().rev().take_while(white).count();
                let is = field[..name].eq_ignore_ascii_case(wanted.as_bytes());
                is.then(|| field[colon + 1..].trim_ascii_end().to_vec())
            })
        };
        let encoding = first("Content-Transfer-Encoding")
            .map_or(Encoding::SevenBit, |value| Encoding::recover(&value).0);
        let default: &[u8] = if digest {
            b"message/rfc822"
        } else {
            b"text/plain"
        };
        let value = first("Content-Type").unwrap_or_else(|| default.to_vec());
        let media = ContentType::recover(&value).0;
        let is_message = media.is_some_and(|media| {
            media.is_type(b"message")
                && [&b"rfc822"[..], b"global", b"news"]
                    .iter()
                    .any(|subtype| media.subtype().eq_ignore_ascii_case(subtype))
        });
        let boundary = media
            .filter(|media| media.is_type(b"multipart"))
            .and_then(|media| boundary(&media));
        let kind = match boundary {
            Some(_) => Kind::Multipart,
            None if is_message && encoding.is_identity() => Kind::Message,
            None if is_message => Kind::EncodedMessage,
            None => Kind::Leaf,
        };
        let index = self.parts.len();
        self.parts.push(Part {
            path: path.to_vec(),
            kind,
            header: span.start..header_end,
            body: body.clone(),
        });
        let end = match (kind, boundary) {
            (Kind::Multipart, Some(boundary)) => {
                let is_digest =
                    media.is_some_and(|media| media.subtype().eq_ignore_ascii_case(b"digest"));
                self.multipart(body, &boundary, path, is_digest, delimited)
            }
            (Kind::Message, _) => self.entity(body, &child(path, 1), false, delimited),
            _ => self.text_end(body, delimited),
        };
        self.parts[index].body.end = end;
        end
    }

    fn multipart(
        &mut self,
        body: Range<usize>,
        boundary: &[u8],
        path: &[usize],
        is_digest: bool,
        delimited: bool,
    ) -> usize {
        let mut start = body.start;
        let mut number = 0;
        for line in self.lines(body.clone()) {
            let Some(close) = delimiter(&self.input[line.clone()], boundary) else {
                continue;
            };
            if number > 0 {
                self.entity(start..line.start, &child(path, number), is_digest, true);
            }
            start = line.end;
            if close {
                // The line end behind it is no part of it: it may be that of the next delimiter.
                let end = self.text_end(line, true);
                return self.text_end(end..body.end, delimited);
            }
            number += 1;
        }
        if number == 0 {
            return self.text_end(body, delimited);
        }
        self.entity(start..body.end, &child(path, number), is_digest, delimited)
    }

    /// Text loses its last line end to the delimiter that follows.
    fn text_end(&self, text: Range<usize>, delimited: bool) -> usize {
        let lost = match &self.input[text.clone()] {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        text.end - if delimited { lost } else { 0 }
    }

    fn lines(&self, span: Range<usize>) -> Vec<Range<usize>> {
        let mut start = span.start;
        let lines = self.input[span].split_inclusive(|&byte| byte == b'\n');
        lines
            .map(|line| {
                start += line.len();
                start - line.len()..start
            })
            .collect()
    }
}

fn child(path: &[usize], number: usize) -> Vec<usize> {
    [path, &[number]].concat()
}

fn boundary(media: &ContentType<'_>) -> Option<Vec<u8>> {
    let mut boundary = Vec::new();
    media.boundary()?.octets(&mut boundary).unwrap();
    boundary.truncate(boundary.trim_ascii_end().len());
    let is_usable = !boundary.is_empty() && !boundary.iter().any(|byte| b"\0\r\n".contains(byte));
    is_usable.then_some(boundary)
}

/// Whether a line is a delimiter of this boundary, and the last one.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let text = match line {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] | text => text,
    };
    let rest = text.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let is_padding = |rest: &[u8]| rest.iter().all(|byte| b" \t".contains(byte));
    if text.len() > 998 {
        return None;
    }
    match rest.strip_prefix(b"--") {
        _ if is_padding(rest) => Some(false),
        Some(rest) if is_padding(rest) => Some(true),
        _ => None,
    }
}
