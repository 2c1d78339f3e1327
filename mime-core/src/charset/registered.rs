//! The character sets of the Encoding Standard, but for the three that are always there.

use core::fmt;

use encoding_rs::{CoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, X_USER_DEFINED};
use scop_core::{Cursor, Full, Sink};

/// Aliases that IANA registers and the Encoding Standard does not have.
const ALIASES: &[(&str, &str)] = &[("cp936", "gbk"), ("ms936", "gbk"), ("windows-936", "gbk")];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Whatwg(&'static Encoding),
    /// UTF-16 of the byte order that its first octets tell, big-endian without them (RFC 2781 4.3).
    Utf16,
}

impl Charset {
    pub(super) fn of_label(label: &[u8]) -> Option<Self> {
        // The search below would trim white space, and so find names that we have read otherwise.
        if !label.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        if label.eq_ignore_ascii_case(b"utf-16") {
            return Some(Self::Utf16);
        }
        let label = ALIASES
            .iter()
            .find(|(alias, _)| alias.as_bytes().eq_ignore_ascii_case(label))
            .map_or(label, |(_, name)| name.as_bytes());
        // Labels of encodings that are dangerous to read (ISO-2022-KR, HZ) are no labels here. The web
        // has private labels for UTF-8, and a private encoding.
        Encoding::for_label_no_replacement(label)
            .filter(|&encoding| encoding != UTF_8 && encoding != X_USER_DEFINED)
            .map(Self::Whatwg)
    }

    pub(super) fn is_shifting(self) -> bool {
        self == Self::Whatwg(ISO_2022_JP)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Whatwg(encoding) => encoding.name(),
            Self::Utf16 => "UTF-16",
        }
    }
}

pub(super) struct Decoder(encoding_rs::Decoder);

impl Decoder {
    pub(super) fn new(charset: Charset) -> Self {
        Self(match charset {
            Charset::Whatwg(encoding) => encoding.new_decoder_without_bom_handling(),
            Charset::Utf16 => UTF_16BE.new_decoder(),
        })
    }

    pub(super) fn put<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        errors: &mut bool,
        sink: &mut S,
    ) -> Result<(), Full> {
        self.decode(bytes, false, errors, sink)
    }

    /// The decoder cannot be used after it.
    pub(super) fn finish<S: Sink + ?Sized>(
        &mut self,
        errors: &mut bool,
        sink: &mut S,
    ) -> Result<(), Full> {
        self.decode(b"", true, errors, sink)
    }

    fn decode<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        last: bool,
        errors: &mut bool,
        sink: &mut S,
    ) -> Result<(), Full> {
        let mut cursor = Cursor::new(bytes);
        let mut text = [0; 128];
        loop {
            let (result, read, written, replaced) =
                self.0.decode_to_utf8(cursor.rest(), &mut text, last);
            cursor.take(read);
            *errors |= replaced;
            match text.get(..written) {
                None | Some([]) => {}
                Some(text) => sink.put(text)?,
            }
            if result == CoderResult::InputEmpty {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.encoding().name())
    }
}
