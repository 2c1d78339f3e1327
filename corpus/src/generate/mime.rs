//! Media types, parameters, boundaries.

use std::borrow::Cow;

use super::Generator;
use crate::model::Parameter;

impl Generator {
    /// The type of a leaf that is neither a message nor a multipart.
    pub(crate) fn leaf_type(&mut self) -> (String, String, Vec<Parameter>) {
        let (kind, subtype) = match self.rng.below(12) {
            0..5 => ("text", self.rng.pick(&["plain", "html", "csv"])),
            5 => ("image", self.rng.pick(&["png", "svg+xml"])),
            6 => (
                "application",
                self.rng.pick(&["octet-stream", "pdf", "vnd.ms-excel"]),
            ),
            7 => ("message", self.rng.pick(&["partial", "external-body"])),
            8 => ("x-new", "type"),
            _ => ("text", "plain"),
        };
        let mut parameters = self.parameters(2);
        if kind == "text" && self.rng.percent(60) {
            parameters.push(Parameter {
                name: Cow::Borrowed("charset"),
                value: self
                    .rng
                    .pick(&["utf-8", "us-ascii", "iso-8859-1", "ISO-8859-15"])
                    .to_owned(),
                language: None,
            });
        }
        if self.rng.one_in(15) {
            parameters.push(Parameter {
                name: Cow::Borrowed("format"),
                value: "flowed".to_owned(),
                language: None,
            });
        }
        (kind.to_owned(), subtype.to_owned(), parameters)
    }

    /// Parameters under different names.
    pub(crate) fn parameters(&mut self, most: u32) -> Vec<Parameter> {
        let mut names = vec!["name", "x-a", "title", "URL", "a%b", "it's"];
        self.shuffle(&mut names);
        let count = self.rng.below(most.saturating_add(1));
        let count = usize::try_from(count).unwrap_or(0);
        names
            .into_iter()
            .take(count)
            .map(|name| self.parameter(name))
            .collect()
    }

    pub(crate) fn parameter(&mut self, name: &'static str) -> Parameter {
        let value = match self.rng.below(12) {
            0..5 => self.atom(),
            5..10 => self.line(4),
            10 => self
                .rng
                .pick(&[
                    "",
                    "100%",
                    "a'b'c",
                    "%41",
                    "a*b",
                    "..\\..\\x",
                    "\u{202e}gpj.exe",
                ])
                .to_owned(),
            _ => self.line(30),
        };
        let language = self
            .rng
            .pick(&[None, None, None, None, None, Some("en"), Some("de-CH")]);
        Parameter {
            name: Cow::Borrowed(name),
            // What looks like an encoded word is decoded by some, although RFC 2047 5 forbids it.
            value: value.replace("=?", "=_"),
            language,
        }
    }

    /// Where a part is shown, and its file name.
    pub(crate) fn disposition(&mut self) -> (String, Vec<Parameter>) {
        let kind = self
            .rng
            .pick(&["inline", "attachment", "x-hidden"])
            .to_owned();
        let mut parameters = Vec::new();
        if self.rng.percent(80) {
            parameters.push(self.parameter("filename"));
        }
        if self.rng.one_in(6) {
            parameters.push(Parameter {
                name: Cow::Borrowed("size"),
                value: self.rng.below(1_000_000).to_string(),
                language: None,
            });
        }
        (kind, parameters)
    }

    /// A boundary that is none of those that are open, nor can be taken for one.
    ///
    /// ```text
    /// boundary      = 0*69<bchars> bcharsnospace                  ; RFC 2046 5.1.1
    /// bcharsnospace = DIGIT / ALPHA / "'" / "(" / ")" / "+" / "_" / "," / "-" / "." / "/" / ":" / "=" / "?"
    /// ```
    pub(crate) fn boundary(&mut self) -> String {
        loop {
            let mut boundary = match self.rng.below(10) {
                0..3 => format!("----=_Part_{}", self.rng.below(1_000_000)),
                3 => self
                    .rng
                    .pick(&["a", "abc", "b-", "-", "=", "x y", "0"])
                    .to_owned(),
                4 => self.any_boundary(70),
                5..7 => {
                    // It begins with one that is open, or one that is open begins with it.
                    let open = self.boundaries.last().cloned().unwrap_or_default();
                    if self.rng.one_in(2) {
                        open + self.rng.pick(&["x", "-", "--x", " 1", "a"])
                    } else {
                        open.get(..open.len().saturating_sub(1))
                            .unwrap_or_default()
                            .trim_end()
                            .to_owned()
                    }
                }
                _ => self.any_boundary(20),
            };
            boundary.truncate(70);
            let taken = |open: &String| {
                *open == boundary
                    || open.strip_suffix("--") == Some(&boundary)
                    || boundary.strip_suffix("--") == Some(open)
            };
            if !boundary.is_empty()
                && !boundary.ends_with(' ')
                && !self.boundaries.iter().any(taken)
            {
                return boundary;
            }
        }
    }

    fn any_boundary(&mut self, most: u32) -> String {
        let len = self.rng.range(1, most);
        let alphabet =
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+_,-./:=? ";
        let text: String = (0..len)
            .map(|_| char::from(self.rng.pick(alphabet)))
            .collect();
        text.trim_end().replace("=?", "==")
    }
}
