//! Tag lists, the syntax of DKIM-Signature (RFC 6376 3.2), ARC-Seal and ARC-Message-Signature (RFC 8617
//! 4.1), and of key records.
//!
//! A [`TagList`] is checked when it is made, so reading its tags cannot fail. It borrows; every tag
//! knows the exact bytes it came from, so a value can be cut out of the text by its span.
//!
//! ```
//! use scop_mime_core::header::tag_list::TagList;
//! let list = TagList::parse(b" v=1; b = AB\r\n CD ; x_1=")?;
//! let b = list.tag(b"b").unwrap();
//! assert_eq!((b.value(), b.raw()), (&b"AB\r\n CD"[..], &b" AB\r\n CD "[..]));
//! assert_eq!(list.iter().count(), 3);
//! # Ok::<(), scop_mime_core::header::tag_list::TagListError>(())
//! ```

use core::fmt;
use core::ops::Range;

use memchr::memchr;
use scop_core::ParseError;

/// Tags in a list. The RFCs define 17 for signatures; the bound keeps the search for duplicates cheap.
pub const MAX_TAGS: usize = 64;

/// A checked tag list.
///
/// ```abnf
/// tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]
/// tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
/// tag-name  = ALPHA *ALNUMPUNC
/// tag-value = [ tval *( 1*(WSP / FWS) tval ) ]
/// tval      = 1*VALCHAR
/// VALCHAR   = %x21-3A / %x3C-7E
/// ALNUMPUNC = ALPHA / DIGIT / "_"
/// FWS       = [*WSP CRLF] 1*WSP                       ; RFC 6376 2.8
/// ```
///
/// Three things more than the grammar are taken: white space after the last semicolon, octets above
/// 127 in values (RFC 8616 5; and notes in key records have them), and a bare LF as a line end in FWS,
/// because the header scanner ends lines there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagList<'a> {
    text: &'a [u8],
}

impl<'a> TagList<'a> {
    /// Reads a whole slice as a tag list.
    ///
    /// # Errors
    /// On any deviation from the grammar, and when a tag is there twice: the list is void then.
    pub fn parse(text: &'a [u8]) -> Result<Self, TagListError> {
        check_octets(text)?;
        // No name is empty, so an empty slot is free.
        let mut names: [&[u8]; MAX_TAGS] = [&[]; MAX_TAGS];
        let mut any = false;
        for spec in Specs::new(text) {
            let tag = spec?;
            let error = |kind| Err(TagListError::new(kind, tag.name_start));
            let mut known = names.iter_mut();
            match known.find(|name| name.is_empty() || **name == tag.name) {
                Some(slot) if slot.is_empty() => *slot = tag.name,
                Some(_) => return error(TagListErrorKind::DuplicateTag),
                None => return error(TagListErrorKind::TooManyTags),
            }
            any = true;
        }
        if !any {
            return Err(TagListError::new(TagListErrorKind::Empty, 0));
        }
        Ok(Self { text })
    }

    /// The bytes it was read from.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// The tags in order.
    pub fn iter(&self) -> Tags<'a> {
        Tags(Specs::new(self.text))
    }

    /// The tag of that name. Names are case-sensitive.
    pub fn tag(&self, name: &[u8]) -> Option<Tag<'a>> {
        self.iter().find(|tag| tag.name == name)
    }
}

impl<'a> IntoIterator for TagList<'a> {
    type Item = Tag<'a>;
    type IntoIter = Tags<'a>;

    fn into_iter(self) -> Tags<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &TagList<'a> {
    type Item = Tag<'a>;
    type IntoIter = Tags<'a>;

    fn into_iter(self) -> Tags<'a> {
        self.iter()
    }
}

/// One tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    name: &'a [u8],
    name_start: usize,
    raw: &'a [u8],
    raw_start: usize,
}

impl<'a> Tag<'a> {
    /// The name.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The value without the white space around it; white space inside is kept.
    pub fn value(&self) -> &'a [u8] {
        trim(self.raw)
    }

    /// Everything between the equals sign and the semicolon or the end: the value with the white
    /// space around it, which is what RFC 6376 3.7 removes of `b=`.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where [`Tag::raw`] lies in the list.
    pub fn raw_span(&self) -> Range<usize> {
        self.raw_start..self.raw_start.saturating_add(self.raw.len())
    }

    /// Where [`Tag::value`] starts in the list.
    pub fn value_offset(&self) -> usize {
        let leading = self.raw.iter().take_while(|&&byte| is_fws(byte)).count();
        self.raw_start.saturating_add(leading)
    }
}

/// The tags of a [`TagList`] in order.
#[derive(Clone, Debug)]
pub struct Tags<'a>(Specs<'a>);

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        // The list was checked as a whole, so there is no error to drop.
        self.0.next()?.ok()
    }
}

/// Why bytes are not a tag list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagListErrorKind {
    /// The same name twice.
    DuplicateTag,
    /// No tag at all.
    Empty,
    /// Nothing between two semicolons, or before the first.
    EmptyTag,
    /// A line end that is not followed by white space, or a CR without LF.
    Folding,
    /// No equals sign.
    MissingEquals,
    /// A name that does not start with a letter, or has something other than letters, digits and `_`.
    Name,
    /// More than [`MAX_TAGS`] tags.
    TooManyTags,
    /// A control character.
    Value,
}

impl fmt::Display for TagListErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuplicateTag => "a tag is there twice (RFC 6376 3.2)",
            Self::Empty => "a tag list has no tag (RFC 6376 3.2)",
            Self::EmptyTag => "a semicolon has no tag before it (RFC 6376 3.2)",
            Self::Folding => "a line end in a tag list does not fold the line (RFC 6376 2.8)",
            Self::MissingEquals => "a tag has no equals sign (RFC 6376 3.2)",
            Self::Name => "a tag name is not a letter and letters, digits or _ (RFC 6376 3.2)",
            Self::TooManyTags => "a tag list has more than 64 tags",
            Self::Value => "a tag list has a control character (RFC 6376 3.2)",
        })
    }
}

/// Why, and at which byte.
pub type TagListError = ParseError<TagListErrorKind>;

/// The white space of RFC 6376 2.8 as single octets; [`TagList::parse`] sees to their order.
pub const fn is_fws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without white space at both ends.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let Some((&first, rest)) = text.split_first()
        && is_fws(first)
    {
        text = rest;
    }
    while let Some((&last, rest)) = text.split_last()
        && is_fws(last)
    {
        text = rest;
    }
    text
}

/// Visible octets, and white space whose line ends all fold.
fn check_octets(text: &[u8]) -> Result<(), TagListError> {
    let next = text.iter().skip(1).map(Some).chain([None]);
    for (offset, (&byte, next)) in text.iter().zip(next).enumerate() {
        let kind = match (byte, next) {
            (b' ' | b'\t' | b'!'..=b'~' | 0x80.., _)
            | (b'\r', Some(b'\n'))
            | (b'\n', Some(b' ' | b'\t')) => continue,
            (b'\r' | b'\n', _) => TagListErrorKind::Folding,
            _ => TagListErrorKind::Value,
        };
        return Err(TagListError::new(kind, offset));
    }
    Ok(())
}

/// The parts between semicolons, each read as a tag.
#[derive(Clone, Debug)]
struct Specs<'a> {
    rest: Option<&'a [u8]>,
    start: usize,
}

impl<'a> Specs<'a> {
    const fn new(text: &'a [u8]) -> Self {
        Self {
            rest: Some(text),
            start: 0,
        }
    }
}

impl<'a> Iterator for Specs<'a> {
    type Item = Result<Tag<'a>, TagListError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        let start = self.start;
        let semicolon = memchr(b';', rest);
        let spec = rest.get(..semicolon.unwrap_or(rest.len()))?;
        self.rest = semicolon.and_then(|at| rest.get(at + 1..));
        self.start = start.saturating_add(spec.len()).saturating_add(1);
        if semicolon.is_none() && trim(spec).is_empty() {
            return None;
        }
        Some(tag(spec, start))
    }
}

fn tag(spec: &[u8], start: usize) -> Result<Tag<'_>, TagListError> {
    let leading = spec.iter().take_while(|&&byte| is_fws(byte)).count();
    let name_start = start.saturating_add(leading);
    let error = |kind| Err(TagListError::new(kind, name_start));
    if leading == spec.len() {
        return error(TagListErrorKind::EmptyTag);
    }
    let Some((before, raw)) = memchr(b'=', spec).and_then(|equals| {
        let (before, after) = spec.split_at_checked(equals)?;
        Some((before, after.split_first()?.1))
    }) else {
        return error(TagListErrorKind::MissingEquals);
    };
    let name = trim(before);
    let well_formed = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !well_formed {
        return error(TagListErrorKind::Name);
    }
    Ok(Tag {
        name,
        name_start,
        raw,
        raw_start: start.saturating_add(before.len()).saturating_add(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{format, vec::Vec};

    #[test]
    fn values_and_spans() {
        let text =
            b" v=1; a=rsa-sha256;\r\n\tb\t= AB\r\n CD \t; c_2=; bh=x=y; n=caf\xc3\xa9 ;\r\n ";
        let list = TagList::parse(text).unwrap();
        let tags: Vec<_> = list.iter().map(|tag| (tag.name(), tag.value())).collect();
        let expected: [(&[u8], &[u8]); 6] = [
            (b"v", b"1"),
            (b"a", b"rsa-sha256"),
            (b"b", b"AB\r\n CD"),
            (b"c_2", b""),
            (b"bh", b"x=y"),
            (b"n", b"caf\xc3\xa9"),
        ];
        assert_eq!(tags, expected);
        for tag in list {
            assert_eq!(&text[tag.raw_span()], tag.raw());
            assert!(text[tag.value_offset()..].starts_with(tag.value()));
        }
        assert_eq!(list.tag(b"b").unwrap().raw(), b" AB\r\n CD \t");
        assert_eq!(list.tag(b"B"), None);
    }

    #[test]
    fn errors_say_where() {
        use TagListErrorKind::*;
        let many = (0..65)
            .map(|i| format!("a{i}=;"))
            .collect::<Vec<_>>()
            .concat();
        for (text, kind, at) in [
            (&b""[..], Empty, 0),
            (b" \t", Empty, 0),
            (b";", EmptyTag, 0),
            (b"a=1;;b=2", EmptyTag, 4),
            (b"a=1; ;", EmptyTag, 5),
            (b"a=1; b", MissingEquals, 5),
            (b"a=1; =b", Name, 5),
            (b"1a=1", Name, 0),
            (b"a-b=1", Name, 0),
            (b"a b=1", Name, 0),
            (b"a=1; b=2;a=1", DuplicateTag, 9),
            (b"a=\x00", Value, 2),
            (b"a=\x7f", Value, 2),
            (b"a=b\r\nc", Folding, 4),
            (b"a=b\rc", Folding, 3),
            (b"a=b\r\n", Folding, 4),
            (many.as_bytes(), TooManyTags, 310),
        ] {
            let error = TagList::parse(text).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{text:?}");
        }
        // Case matters, so these are two tags.
        assert!(TagList::parse(b"a=1;A=2").is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes(text: Vec<u8>) {
            if let Ok(list) = TagList::parse(&text) {
                prop_assert_eq!(list.as_bytes(), &text[..]);
                for tag in list {
                    prop_assert_eq!(&text[tag.raw_span()], tag.raw());
                }
            }
        }

        #[test]
        fn lists_round_trip(tags in prop::collection::btree_map("[a-z][a-zA-Z0-9_]{0,4}", "([!-:<-~]([!-:<-~ ]{0,6}[!-:<-~])?)?", 1..20)) {
            let text: Vec<_> = tags.iter().map(|(name, value)| format!("{name} =\t{value}\r\n ;")).collect();
            let text = text.concat();
            let list = TagList::parse(text.as_bytes()).unwrap();
            let read: Vec<_> = list.iter().map(|tag| (tag.name(), tag.value())).collect();
            let written: Vec<_> = tags.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            prop_assert_eq!(read, written);
        }
    }
}
