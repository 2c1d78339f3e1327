//! The tags of a record, found in one pass over its bytes (RFC 9989 4.8).
//!
//! The bytes come from an iterator, because a TXT record joins several strings. Names and words are
//! short, so a token carries them itself; longer values are found by their offsets.

use core::fmt;

/// Octets in the longest name of a tag that means something: `adkim`.
pub(super) const LONGEST_NAME: usize = 5;
/// Octets in the longest word: `quarantine`.
const LONGEST_WORD: usize = 10;

/// Up to `N` octets, without blanks at the ends; it remembers whether there were more.
#[derive(Clone, Copy, Debug)]
struct Short<const N: usize> {
    bytes: [u8; N],
    /// Octets that came, without those blanks.
    len: usize,
    /// Blanks since then.
    blanks: usize,
}

impl<const N: usize> Short<N> {
    const EMPTY: Self = Self {
        bytes: [0; N],
        len: 0,
        blanks: 0,
    };

    fn push(&mut self, byte: u8) {
        if is_wsp(byte) {
            self.blanks += usize::from(self.len > 0);
            return;
        }
        // A blank inside belongs to no word; its place stays as it was, a zero.
        let at = self.len.saturating_add(self.blanks);
        if let Some(slot) = self.bytes.get_mut(at) {
            *slot = byte;
        }
        self.len = at.saturating_add(1);
        self.blanks = 0;
    }

    fn get(&self) -> Option<&[u8]> {
        self.bytes.get(..self.len)
    }
}

pub(super) const fn is_wsp(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// One part between semicolons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// The offset of the first octet that is not blank.
    pub(super) at: usize,
    /// The offset behind the name.
    name_end: usize,
    name: Short<LONGEST_NAME>,
    equals: bool,
    /// The offset of the value.
    pub(super) start: usize,
    /// The offset behind the value.
    pub(super) end: usize,
    word: Short<LONGEST_WORD>,
}

impl Token {
    const fn at(offset: usize) -> Self {
        Self {
            at: offset,
            name_end: offset,
            name: Short::EMPTY,
            equals: false,
            start: offset,
            end: offset,
            word: Short::EMPTY,
        }
    }

    /// The name; empty when it is longer than all known ones, `None` without an equals sign.
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.equals.then(|| self.name.get().unwrap_or_default())
    }

    /// The value, if it is no longer than the longest word.
    pub(super) fn value(&self) -> Option<&[u8]> {
        self.word.get()
    }

    /// Nothing but blanks.
    const fn is_blank(&self) -> bool {
        !self.equals && self.name.len == 0
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::at(0)
    }
}

/// Cuts at semicolons; parts that are blank are passed over.
#[derive(Clone, Debug)]
pub(super) struct Tokens<I> {
    bytes: I,
    offset: usize,
}

impl<I> Tokens<I> {
    pub(super) const fn new(bytes: I) -> Self {
        Self { bytes, offset: 0 }
    }
}

impl<I: Iterator<Item = u8>> Iterator for Tokens<I> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let mut token = Token::at(self.offset);
        loop {
            let at = self.offset;
            let byte = self.bytes.next();
            self.offset += usize::from(byte.is_some());
            match byte {
                None | Some(b';') if !token.is_blank() => return Some(token),
                None => return None,
                Some(b';') => token = Token::at(self.offset),
                Some(b'=') if !token.equals => {
                    token.equals = true;
                    (token.start, token.end) = (self.offset, self.offset);
                }
                Some(byte) if token.equals => {
                    token.word.push(byte);
                    extend(&mut token.start, &mut token.end, at, byte);
                }
                Some(byte) => {
                    token.name.push(byte);
                    extend(&mut token.at, &mut token.name_end, at, byte);
                }
            }
        }
    }
}

/// Takes the octet at `at` into a span; blanks at its ends stay outside.
const fn extend(start: &mut usize, end: &mut usize, at: usize, byte: u8) {
    if !is_wsp(byte) {
        *end = at + 1;
    } else if *start == *end {
        (*start, *end) = (at + 1, at + 1);
    }
}

/// A tag as it stands in a record.
#[derive(Clone, Copy)]
pub struct Tag<'a> {
    /// The name, in the case it was written; empty when there is no equals sign.
    pub name: &'a [u8],
    /// The value without blanks at its ends; all of the part when there is no equals sign.
    pub value: &'a [u8],
    /// Where the tag starts in the record.
    pub offset: usize,
    pub(super) token: Token,
}

impl Tag<'_> {
    pub(super) fn is_uri_list(&self) -> bool {
        self.name.eq_ignore_ascii_case(b"rua") || self.name.eq_ignore_ascii_case(b"ruf")
    }
}

impl fmt::Debug for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value) = (self.name.escape_ascii(), self.value.escape_ascii());
        write!(f, "Tag({name}={value} at byte {})", self.offset)
    }
}

/// The tags of a record in order.
#[derive(Clone, Debug)]
pub struct Tags<'a> {
    text: &'a [u8],
    tokens: Tokens<core::iter::Copied<core::slice::Iter<'a, u8>>>,
}

impl<'a> Tags<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            tokens: Tokens::new(text.iter().copied()),
        }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let token = self.tokens.next()?;
        let slice = |from, to| self.text.get(from..to).unwrap_or_default();
        let (name, value) = if token.equals {
            (
                slice(token.at, token.name_end),
                slice(token.start, token.end),
            )
        } else {
            (&[][..], slice(token.at, token.name_end))
        };
        Some(Tag {
            name,
            value,
            offset: token.at,
            token,
        })
    }
}

/// What is wrong with a tag, or why it has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TagDefect {
    /// `pct`, `rf` or `ri`: meant something in RFC 7489.
    Historic,
    /// There is no equals sign.
    NoEquals,
    /// The name has come before; the first one counts.
    Repeated,
    /// The name is not registered.
    Unknown,
    /// A URI of a list is not one.
    Uri,
    /// The value is none of those that the tag may have.
    Value,
}

impl fmt::Display for TagDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Historic => "pct, rf and ri have no effect any more (RFC 9989 9.3)",
            Self::NoEquals => "a tag has a name, an equals sign and a value (RFC 9989 4.8)",
            Self::Repeated => "a tag may come only once (RFC 6376 3.2)",
            Self::Unknown => "the tag is not registered and has no effect (RFC 9989 4.7)",
            Self::Uri => "a URI in the list is invalid (RFC 3986 3)",
            Self::Value => "the tag cannot have this value (RFC 9989 4.8)",
        })
    }
}
