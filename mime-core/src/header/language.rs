//! Content-Language and Accept-Language (RFC 3282).
//!
//! ```
//! use scop_mime_core::header::language::Languages;
//! let languages = Languages::parse(b" da, en-gb (British) ;q=0.8")?;
//! let tags: Vec<&[u8]> = languages.iter().map(|language| language.tag()).collect();
//! assert_eq!(tags, [&b"da"[..], b"en-gb"]);
//! # Ok::<(), scop_mime_core::header::language::LanguageError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::lexical::{LexicalErrorKind, skip_cfws};

/// Which rule of RFC 3282 is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LanguageErrorKind {
    /// A comment is malformed.
    Lexical(LexicalErrorKind),
    /// No tag where one is due, or one that is not subtags of 1 to 8 letters and digits.
    BadTag,
    /// A quality that is not `q=` and a number from 0 to 1 of at most three digits.
    BadQuality,
    /// Something else than a comma between two languages.
    NoComma,
}

impl fmt::Display for LanguageErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::BadTag => "a language is not subtags of 1 to 8 letters or digits (RFC 3282 2)",
            Self::BadQuality => "a quality is not \"q=\" and a number from 0 to 1 (RFC 3282 3)",
            Self::NoComma => "something else than a comma stands between languages (RFC 3282 2)",
        })
    }
}

/// The error of [`Languages::parse`].
pub type LanguageError = ParseError<LanguageErrorKind>;

/// The languages of a field, all of them valid.
///
/// ```text
/// Language-List  = Language-Tag [CFWS] *("," [CFWS] Language-Tag [CFWS])    ; RFC 3282 2
/// language-q     = [CFWS] ";" [CFWS] "q" [CFWS] "=" qvalue       ; RFC 3282 3, Accept-Language
/// qvalue         = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3("0") ]
/// Language-Tag   = subtag *("-" subtag)                           ; RFC 5646 2.1 in outline
/// subtag         = 1*8(ALPHA / DIGIT)
/// ```
///
/// Also `*` stands for a language, in Accept-Language.
#[derive(Clone, Copy, Debug)]
pub struct Languages<'a> {
    value: &'a [u8],
}

impl<'a> Languages<'a> {
    /// Reads the value of Content-Language or Accept-Language.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, LanguageError> {
        let mut cursor = Cursor::new(value);
        loop {
            take_language(&mut cursor)?;
            if cursor.is_at_end() {
                return Ok(Self { value });
            }
            if !cursor.skip_byte(b',') {
                return error(LanguageErrorKind::NoComma, &cursor);
            }
        }
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The languages, in order.
    pub fn iter(&self) -> impl Iterator<Item = Language<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.value);
        core::iter::from_fn(move || {
            let language = take_language(&mut cursor).ok()?;
            cursor.skip_byte(b',');
            Some(language)
        })
    }
}

/// Without comments.
impl Emit for Languages<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, language) in self.iter().enumerate() {
            if index > 0 {
                sink.put(b", ")?;
            }
            sink.put(language.tag)?;
            if language.quality < 1000 {
                sink.put(b";q=0.")?;
                for place in [100, 10, 1] {
                    sink.put_decimal(u64::from(language.quality / place % 10))?;
                }
            }
        }
        Ok(())
    }
}

/// One language, and how much it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language<'a> {
    tag: &'a [u8],
    quality: u16,
}

impl<'a> Language<'a> {
    /// The tag, as written. Compare without ASCII case.
    pub const fn tag(&self) -> &'a [u8] {
        self.tag
    }

    /// The quality in thousandths; 1000 where none is written, as in Content-Language.
    pub const fn quality(&self) -> u16 {
        self.quality
    }
}

/// Takes a language with what stands around it.
fn take_language<'a>(cursor: &mut Cursor<'a>) -> Result<Language<'a>, LanguageError> {
    gap(cursor)?;
    let start = *cursor;
    let tag = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_tag = tag
        .split(|&byte| byte == b'-')
        .all(|subtag| (1..=8).contains(&subtag.len()));
    let tag = if is_tag {
        tag
    } else if tag.is_empty() && cursor.skip_byte(b'*') {
        b"*"
    } else {
        return error(LanguageErrorKind::BadTag, &start);
    };
    gap(cursor)?;
    let mut quality = 1000;
    if cursor.skip_byte(b';') {
        quality = take_quality(cursor)?;
        gap(cursor)?;
    }
    Ok(Language { tag, quality })
}

/// Takes what stands behind the semicolon.
fn take_quality(cursor: &mut Cursor<'_>) -> Result<u16, LanguageError> {
    gap(cursor)?;
    let start = *cursor;
    let named = cursor.skip_ignore_case(b"q");
    gap(cursor)?;
    if !named || !cursor.skip_byte(b'=') {
        return error(LanguageErrorKind::BadQuality, &start);
    }
    gap(cursor)?;
    let mut quality = match cursor.take_byte() {
        Some(b'0') => 0,
        Some(b'1') => 1000,
        _ => return error(LanguageErrorKind::BadQuality, &start),
    };
    if cursor.skip_byte(b'.') {
        let mut place: u16 = 100;
        for &digit in cursor.take_while(|byte| byte.is_ascii_digit()) {
            if place == 0 {
                return error(LanguageErrorKind::BadQuality, &start);
            }
            quality += u16::from(digit - b'0') * place;
            place /= 10;
        }
    }
    if quality > 1000 {
        return error(LanguageErrorKind::BadQuality, &start);
    }
    Ok(quality)
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), LanguageError> {
    skip_cfws(cursor).map_err(|error| error.map(LanguageErrorKind::Lexical))?;
    Ok(())
}

fn error<T>(kind: LanguageErrorKind, at: &Cursor<'_>) -> Result<T, LanguageError> {
    Err(ParseError::new(kind, at.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A value, its languages, and how they are written.
    type Case = (
        &'static [u8],
        &'static [(&'static [u8], u16)],
        &'static [u8],
    );

    #[test]
    fn known_answers() {
        // RFC 3282 2.1 and 3, and beyond.
        let cases: [Case; 6] = [
            (b" en", &[(b"en", 1000)], b"en"),
            (b" mi, en", &[(b"mi", 1000), (b"en", 1000)], b"mi, en"),
            (b"i-mingo", &[(b"i-mingo", 1000)], b"i-mingo"),
            (
                b" da, en-gb;q=0.8, en;q=0.7",
                &[(b"da", 1000), (b"en-gb", 800), (b"en", 700)],
                b"da, en-gb;q=0.800, en;q=0.700",
            ),
            (
                b"(x) zh-Hant (y) ; q = 0.125 ,\r\n * ;Q=0.",
                &[(b"zh-Hant", 125), (b"*", 0)],
                b"zh-Hant;q=0.125, *;q=0.000",
            ),
            (b"de;q=1.000", &[(b"de", 1000)], b"de"),
        ];
        for (value, expected, written) in cases {
            let languages = Languages::parse(value).unwrap();
            let read: Vec<_> = languages.iter().map(|l| (l.tag(), l.quality())).collect();
            assert_eq!(read, expected, "{value:?}");
            assert_eq!(languages.to_vec(), written);
            let again = Languages::parse(written).unwrap();
            assert!(again.iter().eq(languages.iter()));
        }
    }

    #[test]
    fn refused() {
        use LanguageErrorKind::*;
        for (value, kind, at) in [
            (&b""[..], BadTag, 0),
            (b"en,", BadTag, 3),
            (b"en--gb", BadTag, 0),
            (b"tag-thatistoolong", BadTag, 0),
            (b"en gb", NoComma, 3),
            (b"en;q=2", BadQuality, 3),
            (b"en;q=1.5", BadQuality, 3),
            (b"en;q=0.1234", BadQuality, 3),
            (b"en;x=1", BadQuality, 3),
            (b"en_US", NoComma, 2),
            (b"en (", Lexical(LexicalErrorKind::UnclosedComment), 3),
        ] {
            let error = Languages::parse(value).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
        }
    }
}
