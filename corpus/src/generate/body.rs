//! Bodies: octets, multiparts, messages in messages.

use scop_mime_core::Encoding;

use super::{Generator, encoding_field};
use crate::model::{Body, Entity, Field, Hand, How, Leaf, LineEnd, Multipart, Value};

impl Generator {
    /// A leaf.
    pub(crate) fn leaf(&mut self) -> Entity {
        let mut fields = Vec::new();
        if self.rng.percent(70) {
            let (kind, subtype, parameters) = self.leaf_type();
            fields.push(self.field(
                "Content-Type",
                Value::ContentType(kind, subtype, parameters),
            ));
        }
        if self.rng.percent(25) {
            let (kind, parameters) = self.disposition();
            fields.push(self.field("Content-Disposition", Value::Disposition(kind, parameters)));
        }
        // Uuencode has no lower-case letters, so that it cannot hold such a boundary.
        let lower = |boundary: &String| boundary.bytes().any(|byte| byte.is_ascii_lowercase());
        let uuencode = self.boundaries.iter().all(lower);
        let encoding = match self.rng.below(20) {
            0..6 => Encoding::SevenBit,
            6..8 => Encoding::EightBit,
            8..10 => Encoding::Binary,
            10..14 => Encoding::QuotedPrintable,
            14..19 => Encoding::Base64,
            _ if uuencode => Encoding::Uuencode,
            _ => Encoding::Base64,
        };
        if encoding != Encoding::SevenBit || self.rng.percent(30) {
            fields.push(encoding_field(self, encoding));
        }
        let body = self.leaf_body(encoding);
        Entity {
            fields,
            body: Body::Leaf(body),
        }
    }

    /// Octets that the encoding allows.
    fn leaf_body(&mut self, encoding: Encoding) -> Leaf {
        let size = match self.rng.below(40) {
            0..3 => 0,
            3..24 => self.rng.below(100),
            24..37 => self.rng.below(400),
            37..39 => self.rng.below(1500),
            _ => self.rng.below(5000),
        };
        let size = usize::try_from(size).unwrap_or(0);
        let how = self.encoding_how();
        let mut content = match encoding {
            Encoding::SevenBit => self.lines(size, true),
            Encoding::EightBit => self.lines(size, false),
            _ if self.rng.percent(60) => self.lines(size, false),
            _ => self.octets(size),
        };
        if encoding.is_identity() {
            self.without_delimiters(&mut content);
        }
        Leaf {
            content,
            encoding,
            how,
            report: None,
        }
    }

    fn encoding_how(&mut self) -> How {
        let how = self.how();
        // The encoders of mime-core are few, so they take a larger share.
        let hand = match how.hand {
            Hand::Plain => Hand::Library,
            hand => hand,
        };
        How { hand, ..how }
    }

    /// Lines of text that end as the message does, perhaps without the last line end.
    pub(crate) fn lines(&mut self, size: usize, ascii: bool) -> Vec<u8> {
        let mut content = Vec::with_capacity(size.saturating_add(32));
        let mut line_start = 0;
        while content.len() < size {
            match self.rng.below(40) {
                0..4 => {
                    content.extend_from_slice(self.line_end.bytes());
                    line_start = content.len();
                }
                4 => {
                    if let Some(lookalike) = self.lookalike() {
                        content.extend_from_slice(self.line_end.bytes());
                        content.extend_from_slice(lookalike.as_bytes());
                        content.extend_from_slice(self.line_end.bytes());
                        line_start = content.len();
                    }
                }
                5 => content.extend_from_slice(
                    self.rng
                        .pick(&["From ", ".", "=", "=41", "\t", "  "])
                        .as_bytes(),
                ),
                6 if !ascii => {
                    let octet = self.rng.byte();
                    content.push(octet | 0x80);
                }
                7 => content.push(self.rng.pick(b"\x01\x07\x08\x0b\x0c\x1b\x7f")),
                _ => {
                    let word = self.word();
                    content.extend(word.bytes().filter(|byte| byte.is_ascii() || !ascii));
                    content.push(b' ');
                }
            }
            if content.len() > line_start + 900 {
                content.extend_from_slice(self.line_end.bytes());
                line_start = content.len();
            }
        }
        if size > 0 && self.rng.percent(75) {
            content.extend_from_slice(self.line_end.bytes());
        }
        content
    }

    /// Any octets, many of them NUL, CR or LF.
    fn octets(&mut self, size: usize) -> Vec<u8> {
        (0..size)
            .map(|_| {
                if self.rng.one_in(8) {
                    self.rng.pick(b"\0\r\n\r\n=-. ")
                } else {
                    self.rng.byte()
                }
            })
            .collect()
    }

    /// A line that begins like a delimiter and is none.
    fn lookalike(&mut self) -> Option<String> {
        let index = self.rng.index(self.boundaries.len());
        let boundary = self.boundaries.get(index)?;
        let line = match self.rng.below(6) {
            0 => format!("--{boundary}x"),
            1 => format!("--{boundary}--x"),
            2 => format!(" --{boundary}"),
            3 => format!("-{boundary}"),
            4 => format!("--{boundary} x"),
            _ => format!("--{}", boundary.to_ascii_uppercase()),
        };
        Some(line)
    }

    /// Takes care that no line is a delimiter of an open multipart, and that the text does not end in the
    /// middle of a line end.
    pub(crate) fn without_delimiters(&mut self, content: &mut Vec<u8>) {
        if self.line_end == LineEnd::Lf {
            while content.last() == Some(&b'\r') {
                content.pop();
            }
        }
        let is_delimiter = |line: &[u8]| {
            self.boundaries.iter().any(|boundary| {
                line.strip_prefix(b"--")
                    .and_then(|rest| rest.strip_prefix(boundary.as_bytes()))
                    .map(|rest| rest.strip_prefix(b"--").unwrap_or(rest))
                    .is_some_and(|rest| rest.iter().all(|byte| b" \t\r".contains(byte)))
            })
        };
        if !content.split(|&byte| byte == b'\n').any(is_delimiter) {
            return;
        }
        // A full stop before each hyphen at the start of a line.
        let mut mended = Vec::with_capacity(content.len().saturating_add(8));
        let mut start = true;
        for &byte in content.iter() {
            if start && byte == b'-' {
                mended.push(b'.');
            }
            mended.push(byte);
            start = byte == b'\n';
        }
        *content = mended;
    }

    /// A multipart of a common kind.
    pub(crate) fn multipart(&mut self, depth: usize) -> Entity {
        let kinds = [
            "mixed",
            "mixed",
            "alternative",
            "related",
            "digest",
            "signed",
            "parallel",
            "x-new",
        ];
        let subtype = self.rng.pick(&kinds);
        let count = if subtype == "signed" {
            2
        } else {
            self.rng.pick(&[1, 1, 2, 2, 3, 5])
        };
        let mut parameters = self.parameters(1);
        if subtype == "signed" {
            let mut signed = |name: &'static str, value: &str| {
                parameters.push(crate::model::Parameter {
                    name: name.into(),
                    value: value.to_owned(),
                    language: None,
                });
            };
            signed("protocol", "application/pkcs7-signature");
            signed("micalg", "sha-256");
        }
        self.multipart_of(subtype, parameters, |generator, parts| {
            for _ in 0..count {
                let part = generator.part(depth.saturating_add(1), subtype == "digest");
                parts.push(part);
            }
        })
    }

    /// A multipart whose parts `fill` draws.
    pub(crate) fn multipart_of(
        &mut self,
        subtype: &str,
        mut parameters: Vec<crate::model::Parameter>,
        fill: impl FnOnce(&mut Self, &mut Vec<Entity>),
    ) -> Entity {
        let boundary = self.boundary();
        parameters.push(crate::model::Parameter {
            name: "boundary".into(),
            value: boundary.clone(),
            language: None,
        });
        self.boundaries.push(boundary.clone());
        let mut multipart = Multipart {
            boundary,
            preamble: self.maybe(20, Self::filler),
            parts: Vec::new(),
            epilogue: None,
            how: self.how(),
        };
        fill(self, &mut multipart.parts);
        multipart.epilogue = match self.rng.below(10) {
            0..2 => None,
            2..8 => Some(Vec::new()),
            _ => Some(self.filler()),
        };
        self.boundaries.pop();
        let value = Value::ContentType("multipart".to_owned(), subtype.to_owned(), parameters);
        let mut fields = vec![Field {
            structural: true,
            ..self.field("Content-Type", value)
        }];
        if self.rng.one_in(6) {
            let encoding =
                self.rng
                    .pick(&[Encoding::SevenBit, Encoding::EightBit, Encoding::Binary]);
            fields.push(encoding_field(self, encoding));
        }
        Entity {
            fields,
            body: Body::Multipart(multipart),
        }
    }

    /// A preamble or an epilogue.
    fn filler(&mut self) -> Vec<u8> {
        let size = usize::try_from(self.rng.below(80)).unwrap_or(0);
        let mut text = self.lines(size, false);
        self.without_delimiters(&mut text);
        text
    }

    /// A message in a message, as it is.
    pub(crate) fn message_part(&mut self, depth: usize) -> Entity {
        let inner = self.nested(depth.saturating_add(1));
        let subtype = self.rng.pick(&["rfc822", "rfc822", "global", "news"]);
        let value =
            Value::ContentType("message".to_owned(), subtype.to_owned(), self.parameters(1));
        Entity {
            fields: vec![Field {
                structural: true,
                ..self.field("Content-Type", value)
            }],
            body: Body::Message(Box::new(inner)),
        }
    }

    /// A message in a message, behind a transfer encoding (RFC 6532 3.7).
    pub(crate) fn encoded_message(&mut self, depth: usize) -> Entity {
        // What is encoded ends all multiparts around it.
        let boundaries = std::mem::take(&mut self.boundaries);
        let inner = self.nested(depth.saturating_add(1));
        self.boundaries = boundaries;
        let value = Value::ContentType("message".to_owned(), "global".to_owned(), Vec::new());
        let encoding = self
            .rng
            .pick(&[Encoding::Base64, Encoding::QuotedPrintable]);
        let how = self.encoding_how();
        let mut fields = vec![Field {
            structural: true,
            ..self.field("Content-Type", value)
        }];
        fields.push(encoding_field(self, encoding));
        Entity {
            fields,
            body: Body::EncodedMessage(Box::new(inner), encoding, how),
        }
    }
}
