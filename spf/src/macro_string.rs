//! Macros (RFC 7208 7): strings in which parts of the message's envelope are filled in.
//!
//! A [`MacroString`] or [`DomainSpec`] is checked when it is made, so expanding it cannot fail; its
//! text streams into a [`Sink`] and is never held as a whole. Expanding takes time linear in the
//! string times the longest value.
//!
//! ```
//! use scop_core::{SliceSink, UnixTime};
//! use scop_spf::{MacroContext, MacroString};
//!
//! let context = MacroContext {
//!     local_part: b"strong-bad",
//!     sender_domain: b"email.example.com",
//!     domain: b"email.example.com",
//!     ip: [192, 0, 2, 3].into(),
//!     helo: b"mx.example.org",
//!     validated_name: b"mx.example.org",
//!     receiver: b"mx.example.net",
//!     now: UnixTime(1_400_000_000),
//! };
//! let mut buffer = [0; 64];
//! let mut sink = SliceSink::new(&mut buffer);
//! MacroString::parse(b"%{ir}.%{v}._spf.%{d2}")?.expand(&context, &mut sink).unwrap();
//! assert_eq!(sink.written(), b"3.2.0.192.in-addr._spf.example.com");
//! # Ok::<(), scop_spf::macro_string::MacroError>(())
//! ```

mod expand;

use core::fmt;

use scop_core::{Cursor, Full, ParseError, Sink};

pub use self::expand::MacroContext;
use self::expand::Tail;
use crate::domain::MAX_TEXT;

/// A macro-string of a term (RFC 7208 7.1), or an explain-string (RFC 7208 6.2).
///
/// ```text
/// macro-string     = *( macro-expand / macro-literal )
/// macro-expand     = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
/// macro-literal    = %x21-24 / %x26-7E
/// macro-letter     = "s" / "l" / "o" / "d" / "i" / "p" / "h" / "c" / "r" / "t" / "v"
/// transformers     = *DIGIT [ "r" ]
/// delimiter        = "." / "-" / "+" / "," / "/" / "_" / "="
/// explain-string   = *( macro-string / SP )
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacroString<'a> {
    text: &'a [u8],
    scope: Scope,
}

/// Where a macro-string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// In a term of a record: the letters c, r and t may not be used (RFC 7208 7.2).
    Term,
    /// In an explanation: all letters, and spaces.
    Explanation,
}

impl<'a> MacroString<'a> {
    /// Reads the argument of a term.
    ///
    /// # Errors
    /// When a byte or a macro breaks a rule of RFC 7208 7.
    pub fn parse(text: &'a [u8]) -> Result<Self, MacroError> {
        Self::checked(text, Scope::Term)
    }

    /// Reads an explanation, in which spaces and the letters c, r and t are allowed (RFC 7208 6.2).
    ///
    /// # Errors
    /// When a byte or a macro breaks a rule of RFC 7208 7.
    pub fn parse_explanation(text: &'a [u8]) -> Result<Self, MacroError> {
        Self::checked(text, Scope::Explanation)
    }

    fn checked(text: &'a [u8], scope: Scope) -> Result<Self, MacroError> {
        let string = Self { text, scope };
        for piece in string.pieces() {
            piece?;
        }
        Ok(string)
    }

    /// The string as it was read.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// Whether the letter p occurs, which has to be resolved before the string is expanded.
    pub fn uses_validated_name(&self) -> bool {
        self.pieces()
            .any(|piece| matches!(piece, Ok(Piece::Macro(Macro { letter: b'p', .. }))))
    }

    /// Writes the string with its macros filled in (RFC 7208 7.3).
    ///
    /// # Errors
    /// `Full` when the sink cannot take it.
    pub fn expand<S: Sink + ?Sized>(
        &self,
        context: &MacroContext<'_>,
        sink: &mut S,
    ) -> Result<(), Full> {
        let mut sink = sink;
        // The string was checked, so no piece is an error.
        self.pieces().flatten().try_for_each(|piece| match piece {
            Piece::Literal(text) => sink.put(text),
            Piece::Macro(it) => it.expand(context, &mut sink),
        })
    }

    fn pieces(&self) -> Pieces<'a> {
        Pieces {
            cursor: Cursor::new(self.text),
            scope: self.scope,
        }
    }
}

/// A macro-string that expands to a domain name (RFC 7208 7.1).
///
/// ```text
/// domain-spec      = macro-string domain-end
/// domain-end       = ( "." toplabel [ "." ] ) / macro-expand
/// toplabel         = ( *alphanum ALPHA *alphanum ) /
///                    ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainSpec<'a>(&'a [u8]);

impl<'a> DomainSpec<'a> {
    /// Reads a domain-spec.
    ///
    /// # Errors
    /// When it breaks a rule of RFC 7208 7, or ends neither in a macro nor in a top label.
    pub fn parse(text: &'a [u8]) -> Result<Self, MacroError> {
        let mut pieces = Self(text).as_macro_string().pieces();
        let (mut literal, mut literal_at, mut macro_at_end) = (&b""[..], 0, false);
        loop {
            let start = pieces.cursor.offset();
            match pieces.next() {
                None => break,
                Some(Err(error)) => return Err(error),
                Some(Ok(Piece::Literal(text))) if !text.starts_with(b"%") && text != b" " => {
                    (literal, literal_at, macro_at_end) = (text, start, false);
                }
                // `%%`, `%_` and `%-` are macros too.
                Some(Ok(_)) => macro_at_end = true,
            }
        }
        if text.is_empty() {
            return Err(MacroError::new(MacroErrorKind::Empty, 0));
        }
        if macro_at_end {
            return Ok(Self(text));
        }
        let literal = literal.strip_suffix(b".").unwrap_or(literal);
        let label_at = literal
            .iter()
            .rposition(|&byte| byte == b'.')
            .map(|dot| dot + 1);
        match label_at.and_then(|at| literal.get(at..)) {
            Some(label) if is_top_label(label) => Ok(Self(text)),
            _ => Err(MacroError::new(
                MacroErrorKind::TopLabel,
                literal_at + label_at.unwrap_or(0),
            )),
        }
    }

    /// What was parsed before, and read again from where it was kept.
    pub(crate) const fn reread(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The domain-spec as it was read.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The domain-spec as a macro-string, to expand it in full.
    pub const fn as_macro_string(&self) -> MacroString<'a> {
        MacroString {
            text: self.0,
            scope: Scope::Term,
        }
    }

    /// The name, when there is no macro in it and nothing to take away but the dot of the root.
    pub(crate) fn as_literal(&self) -> Option<&'a [u8]> {
        let text = self.0;
        let name = text.strip_suffix(b".").unwrap_or(text);
        (name.len() <= MAX_TEXT && !text.contains(&b'%')).then_some(name)
    }

    /// Writes the target-name (RFC 7208 4.8) at the start of `room` and says how long it is.
    ///
    /// The dot of the root is left out. While the name has more than 253 characters, labels are taken
    /// off its left side (RFC 7208 7.3); a name that cannot be cut that way is left too long.
    pub(crate) fn expand_name(
        &self,
        context: &MacroContext<'_>,
        room: &mut [u8],
    ) -> Result<usize, Full> {
        let mut tail = Tail::default();
        self.as_macro_string().expand(context, &mut tail)?;
        tail.write(room)
    }
}

fn is_top_label(label: &[u8]) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    ends(label.first())
        && ends(label.last())
        && label
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && !label.iter().all(u8::is_ascii_digit)
}

/// Why bytes are not a macro-string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacroErrorKind {
    /// A byte that is not a visible ASCII character.
    BadByte,
    /// A domain-spec of no characters.
    Empty,
    /// c, r or t outside an explanation.
    ExplanationOnly,
    /// An unknown macro letter.
    Letter,
    /// `%` before something else than `{`, `%`, `_` or `-`.
    Percent,
    /// The last label of a domain-spec is no top label, or there is only one.
    TopLabel,
    /// A macro holds something other than a letter, digits, `r` and delimiters, or has no `}`.
    Unclosed,
    /// The number of parts to keep is zero.
    Zero,
}

impl fmt::Display for MacroErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadByte => "only visible ASCII characters are allowed (RFC 7208 7.1)",
            Self::Empty => "a domain is missing (RFC 7208 7.1)",
            Self::ExplanationOnly => "%{c}, %{r} and %{t} belong in explanations (RFC 7208 7.2)",
            Self::Letter => "there is no such macro letter (RFC 7208 7.1)",
            Self::Percent => "a % needs one of {, %, _ and - behind it (RFC 7208 7.3)",
            Self::TopLabel => {
                "a domain needs a dot and a top label, or a macro, at its end (RFC 7208 7.1)"
            }
            Self::Unclosed => {
                "a macro is a letter, digits, r and delimiters in braces (RFC 7208 7.1)"
            }
            Self::Zero => "the number of labels to keep must not be zero (RFC 7208 7.3)",
        })
    }
}

/// Why, and at which byte.
pub type MacroError = ParseError<MacroErrorKind>;

/// A stretch of a macro-string.
#[derive(Clone, Copy)]
enum Piece<'a> {
    /// Stands for itself; also what `%%`, `%_` and `%-` stand for.
    Literal(&'a [u8]),
    Macro(Macro<'a>),
}

struct Pieces<'a> {
    cursor: Cursor<'a>,
    scope: Scope,
}

/// After an error the rest is not read.
impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, MacroError>;

    fn next(&mut self) -> Option<Self::Item> {
        let space = self.scope == Scope::Explanation;
        let literal = self
            .cursor
            .take_while(|byte| matches!(byte, b'!'..=b'$' | b'&'..=b'~') || space && byte == b' ');
        if !literal.is_empty() {
            return Some(Ok(Piece::Literal(literal)));
        }
        let at = self.cursor.offset();
        let error = match self.cursor.take_byte()? {
            b'%' => match self.take_macro(at) {
                Ok(piece) => return Some(Ok(piece)),
                Err(error) => error,
            },
            _ => MacroError::new(MacroErrorKind::BadByte, at),
        };
        self.cursor = Cursor::new(&[]);
        Some(Err(error))
    }
}

impl<'a> Pieces<'a> {
    /// What follows the `%` at byte `at`.
    fn take_macro(&mut self, at: usize) -> Result<Piece<'a>, MacroError> {
        let error = |kind, at| Err(MacroError::new(kind, at));
        match self.cursor.take_byte() {
            Some(b'{') => {}
            Some(b'%') => return Ok(Piece::Literal(b"%")),
            Some(b'_') => return Ok(Piece::Literal(b" ")),
            Some(b'-') => return Ok(Piece::Literal(b"%20")),
            _ => return error(MacroErrorKind::Percent, at),
        }
        let letter_at = self.cursor.offset();
        let Some(spelled) = self.cursor.take_byte() else {
            return error(MacroErrorKind::Unclosed, letter_at);
        };
        let letter = spelled.to_ascii_lowercase();
        match letter {
            b's' | b'l' | b'o' | b'd' | b'i' | b'p' | b'h' | b'v' => {}
            b'c' | b'r' | b't' if self.scope == Scope::Explanation => {}
            b'c' | b'r' | b't' => return error(MacroErrorKind::ExplanationOnly, letter_at),
            _ => return error(MacroErrorKind::Letter, letter_at),
        }
        let digits_at = self.cursor.offset();
        let digits = self.cursor.take_while(|byte| byte.is_ascii_digit());
        // A number above what a value has parts means all of them, so saturating changes nothing.
        let keep = digits.iter().fold(0, |number: u32, digit| {
            number
                .saturating_mul(10)
                .saturating_add(u32::from(digit & 15))
        });
        if keep == 0 && !digits.is_empty() {
            return error(MacroErrorKind::Zero, digits_at);
        }
        let reverse = self.cursor.skip_ignore_case(b"r");
        let delimiters = self
            .cursor
            .take_while(|byte| matches!(byte, b'.' | b'-' | b'+' | b',' | b'/' | b'_' | b'='));
        if !self.cursor.skip_byte(b'}') {
            return error(MacroErrorKind::Unclosed, self.cursor.offset());
        }
        Ok(Piece::Macro(Macro {
            letter,
            escape: spelled.is_ascii_uppercase(),
            keep: usize::try_from(keep).ok().filter(|&keep| keep > 0),
            reverse,
            delimiters,
        }))
    }
}

/// A macro in braces.
#[derive(Clone, Copy)]
struct Macro<'a> {
    /// In lower case.
    letter: u8,
    /// Written in upper case: URL-escaped.
    escape: bool,
    /// How many of the parts at the right end to keep.
    keep: Option<usize>,
    reverse: bool,
    /// Split at these; at dots when empty.
    delimiters: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scop_core::UnixTime;
    use std::vec::Vec;

    #[test]
    fn errors_say_where() {
        use MacroErrorKind::*;
        for (text, kind, at) in [
            ("%(ir).x.org", Percent, 0),
            ("foo%.x.org", Percent, 3),
            ("foo%", Percent, 3),
            ("a%{", Unclosed, 3),
            ("a%{d", Unclosed, 4),
            ("a%{d2r.x", Unclosed, 7),
            ("a%{d r}", Unclosed, 4),
            ("a%{dr2}", Unclosed, 5),
            ("a%{d@}", Unclosed, 4),
            ("a%{}", Letter, 3),
            ("a%{a}", Letter, 3),
            ("a%{c}.x.org", ExplanationOnly, 3),
            ("a%{R}.x.org", ExplanationOnly, 3),
            ("%{t}", ExplanationOnly, 2),
            ("%{d0}", Zero, 3),
            ("%{d000r}", Zero, 3),
            ("a b.org", BadByte, 1),
            ("a\tb.org", BadByte, 1),
            ("a.\u{e9}.org", BadByte, 2),
            ("a\0.org", BadByte, 1),
            ("", Empty, 0),
            ("org", TopLabel, 0),
            ("org.", TopLabel, 0),
            (".", TopLabel, 0),
            ("a..", TopLabel, 2),
            ("a.123", TopLabel, 2),
            ("a.-com", TopLabel, 2),
            ("a.com-", TopLabel, 2),
            ("a.b_c", TopLabel, 2),
            ("%{d}com", TopLabel, 4),
            ("%{d}.", TopLabel, 4),
            ("a.b%{d}c", TopLabel, 7),
            ("a.com/24", TopLabel, 2),
        ] {
            let error = DomainSpec::parse(text.as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{text}");
        }
        for good in [
            "a.org",
            "a.org.",
            "%{d}",
            "x%{d}",
            "%{d}.org",
            "a%%",
            "a%_",
            "a%-",
            "..org",
            "a.1-1",
            "a.xn--p1ai",
            "foo:bar/baz.org",
            "$!#&~.org",
        ] {
            assert!(DomainSpec::parse(good.as_bytes()).is_ok(), "{good}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(text: Vec<u8>, one in "[ -~]{0,40}", room in 0_usize..300) {
            for text in [&text[..], one.as_bytes()] {
                if let Ok(spec) = DomainSpec::parse(text) {
                    prop_assert!(MacroString::parse(text).is_ok());
                    let context = MacroContext {
                        local_part: b"a+b",
                        sender_domain: b"a.org",
                        domain: text,
                        ip: [192, 0, 2, 3].into(),
                        helo: text,
                        validated_name: b"",
                        receiver: b"",
                        now: UnixTime(0),
                    };
                    let mut room = std::vec![0; room];
                    if let Ok(len) = spec.expand_name(&context, &mut room) {
                        prop_assert!(len <= 254);
                    }
                }
                if let Ok(string) = MacroString::parse(text) {
                    prop_assert_eq!(MacroString::parse_explanation(text).unwrap().as_bytes(), string.as_bytes());
                }
            }
        }
    }
}
