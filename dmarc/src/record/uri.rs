//! Reporting URIs (RFC 9989 4.6, 4.8; RFC 3986 3).

use core::fmt;

use scop_core::{Emit, Full, Sink};

use super::tag::is_wsp;

const MAILTO: &[u8] = b"mailto";

/// A reporting URI, without the obsolete size behind it.
///
/// ```text
/// dmarc-uri             = URI        ; RFC 3986 3, with "," and "!" encoded
/// obs-dmarc-uri         = dmarc-uri obs-dmarc-report-size
/// obs-dmarc-report-size = "!" 1*DIGIT [ "k" / "m" / "g" / "t" ]
/// URI                   = scheme ":" hier-part [ "?" query ] [ "#" fragment ]
/// scheme                = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
/// ```
///
/// After the scheme something must follow; after `mailto:` an address, as nothing else can be reported
/// to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uri<'a>(&'a [u8]);

impl<'a> Uri<'a> {
    /// Reads a whole slice, a size at its end included; `None` when it is not a URI.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let mut check = Check::default();
        for &byte in text {
            check.push(byte);
        }
        if !check.finish() {
            return None;
        }
        let size = text.iter().position(|&byte| byte == b'!');
        text.get(..size.unwrap_or(text.len())).map(Self)
    }

    /// The URI.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The part before the colon, in the case it was written.
    pub fn scheme(&self) -> &'a [u8] {
        self.0
            .split(|&byte| byte == b':')
            .next()
            .unwrap_or_default()
    }

    /// The address, percent-encoded as in the URI, if this is a `mailto` (RFC 6068 2).
    pub fn mailto(&self) -> Option<&'a [u8]> {
        let scheme = self.scheme();
        if !scheme.eq_ignore_ascii_case(MAILTO) {
            return None;
        }
        let rest = self.0.get(scheme.len() + 1..)?;
        rest.split(|&byte| matches!(byte, b'?' | b'#')).next()
    }
}

impl Emit for Uri<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0)
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URI that was read is ASCII.
        f.write_str(core::str::from_utf8(self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({self})")
    }
}

/// The valid URIs of a list in order.
#[derive(Clone, Debug)]
pub struct Uris<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Uris<'a> {
    pub(super) const fn new(list: &'a [u8]) -> Self {
        Self { rest: Some(list) }
    }
}

impl<'a> Iterator for Uris<'a> {
    type Item = Uri<'a>;

    fn next(&mut self) -> Option<Uri<'a>> {
        loop {
            let list = self.rest?;
            let comma = list.iter().position(|&byte| byte == b',');
            let item = list.get(..comma.unwrap_or(list.len()))?;
            self.rest = comma.and_then(|comma| list.get(comma + 1..));
            if let Some(uri) = Uri::parse(trim(item)) {
                return Some(uri);
            }
        }
    }
}

/// Whether a list has a valid URI.
pub(super) fn any_valid(list: impl Iterator<Item = u8>) -> bool {
    let mut check = Check::default();
    for byte in list {
        if byte == b',' {
            if check.finish() {
                return true;
            }
            check = Check::default();
        } else {
            check.push(byte);
        }
    }
    check.finish()
}

/// Where the invalid URIs of a list start.
pub(super) fn invalid(list: &[u8]) -> impl Iterator<Item = usize> + use<'_> {
    let mut at = 0;
    list.split(|&byte| byte == b',').filter_map(move |item| {
        let start = at + item.iter().take_while(|&&byte| is_wsp(byte)).count();
        at += item.len() + 1;
        Uri::parse(trim(item)).is_none().then_some(start)
    })
}

/// Without blanks at the ends. Other white space may not stand in a record.
fn trim(mut item: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = item
        && is_wsp(*first)
    {
        item = rest;
    }
    while let [rest @ .., last] = item
        && is_wsp(*last)
    {
        item = rest;
    }
    item
}

/// The part of a URI that an octet belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Blanks before it, or nothing yet.
    #[default]
    Start,
    Scheme,
    /// The colon behind the scheme.
    Colon,
    /// A slash behind that colon.
    Slash,
    Authority,
    Path,
    Query,
    Fragment,
    /// The exclamation mark before a size.
    Size,
    Digits,
    Unit,
    /// Blanks after it.
    End,
    Bad,
}

/// Checks the syntax of one URI, octet by octet.
#[derive(Clone, Copy, Debug, Default)]
struct Check {
    part: Part,
    /// Hexadecimal digits still due behind a percent sign.
    hex: u8,
    /// Octets of the scheme.
    scheme: usize,
    /// How many of them, from the first on, are those of `mailto`.
    mailto: usize,
    /// In the path: octets before the first `@`, whether it came, octets after it.
    address: (usize, bool, usize),
}

impl Check {
    fn push(&mut self, byte: u8) {
        self.part = match self.hex.checked_sub(1) {
            Some(left) => {
                self.hex = left;
                if byte.is_ascii_hexdigit() {
                    self.part
                } else {
                    Part::Bad
                }
            }
            None => self.next(byte),
        };
        match self.part {
            Part::Scheme => {
                if MAILTO.get(self.scheme) == Some(&byte.to_ascii_lowercase()) {
                    self.mailto += 1;
                }
                self.scheme += 1;
            }
            Part::Path => {
                let (before, at, after) = &mut self.address;
                match (byte, *at) {
                    (b'@', false) => *at = true,
                    (_, false) => *before += 1,
                    (_, true) => *after += 1,
                }
            }
            _ => {}
        }
    }

    /// The part that `byte` belongs to, as the last one was `self.part`.
    #[expect(clippy::match_same_arms, reason = "the arms follow the parts of a URI")]
    fn next(&mut self, byte: u8) -> Part {
        use Part::{
            Authority, Bad, Colon, Digits, End, Fragment, Path, Query, Scheme, Size, Slash, Start,
            Unit,
        };
        match (self.part, byte) {
            (Start, b' ' | b'\t') => Start,
            (Start, _) if byte.is_ascii_alphabetic() => Scheme,
            (Scheme, b':') => Colon,
            (Scheme, b'+' | b'-' | b'.') => Scheme,
            (Scheme, _) if byte.is_ascii_alphanumeric() => Scheme,
            (Start | Scheme | Bad, _) | (Colon, b'!' | b' ' | b'\t') => Bad,

            (Size | Digits, b'0'..=b'9') => Digits,
            (Digits, b'k' | b'K' | b'm' | b'M' | b'g' | b'G' | b't' | b'T') => Unit,
            (Size, _) => Bad,
            (_, b' ' | b'\t') => End,
            (Digits | Unit | End, _) => Bad,
            (_, b'!') => Size,

            (Fragment, b'/' | b'?') => Fragment,
            (Query, b'/' | b'?') => Query,
            (Fragment, b'#') => Bad,
            (_, b'#') => Fragment,
            (_, b'?') => Query,
            (Colon, b'/') => Slash,
            (Slash, b'/') => Authority,
            (_, b'/') => Path,
            (Authority, b'[' | b']') => Authority,
            (part, _) if self.is_pchar(byte) => match part {
                Colon | Slash => Path,
                part => part,
            },
            _ => Bad,
        }
    }

    /// `pchar` of RFC 3986 3.3 without `!`, `,` and `;`, which must be encoded in a record.
    fn is_pchar(&mut self, byte: u8) -> bool {
        if byte == b'%' {
            self.hex = 2;
        }
        byte.is_ascii_alphanumeric() || b"%-._~$&'()*+=:@".contains(&byte)
    }

    /// Whether the octets so far are a URI.
    fn finish(&self) -> bool {
        let complete = !matches!(
            self.part,
            Part::Start | Part::Scheme | Part::Colon | Part::Size | Part::Bad
        );
        let mailto = self.scheme == MAILTO.len() && self.mailto == MAILTO.len();
        let (before, _, after) = self.address;
        complete && self.hex == 0 && (!mailto || (before > 0 && after > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Uri, Uris, any_valid, invalid};
    use std::vec::Vec;

    #[test]
    fn valid_and_not() {
        for (text, uri) in [
            ("mailto:a@b.example", "mailto:a@b.example"),
            ("mailto:a@b.example!10m", "mailto:a@b.example"),
            (
                "MAILTO:a%2Cb@b.example?subject=x%21#f",
                "MAILTO:a%2Cb@b.example?subject=x%21#f",
            ),
            (
                "https://[2001:db8::1]:443/a/b?c=/?#d",
                "https://[2001:db8::1]:443/a/b?c=/?#d",
            ),
            ("https://host", "https://host"),
            ("urn:x", "urn:x"),
            ("x+y-z.1:/p!5", "x+y-z.1:/p"),
            ("mailtox:y", "mailtox:y"),
            ("m:y", "m:y"),
        ] {
            let parsed = Uri::parse(text.as_bytes()).map(|uri| uri.as_bytes());
            assert_eq!(parsed, Some(uri.as_bytes()), "{text}");
            assert!(any_valid(text.bytes()), "{text}");
        }
        for text in [
            "",
            "a@b.example",
            "mailto",
            "mailto:",
            "mailto:a",
            "mailto:@b",
            "mailto:a@",
            "mailto:?a@b",
            "mailto://a@b",
            "1x:y",
            "x y:z",
            ":y",
            "x:!5",
            "x:a b",
            "x:%2",
            "x:%2g",
            "x:a,b",
            "x:a!",
            "x:a!m",
            "x:a!5mm",
            "x:a!5x",
            "x:a!5!5",
            "x:[y]",
            "x://h/[y]",
            "x:a#b#c",
            "x:a\\b",
            "x:\"a\"",
            "x:<a>",
            "x:\u{e9}",
            "x:a\0",
        ] {
            assert_eq!(Uri::parse(text.as_bytes()), None, "{text}");
            if !text.contains(',') {
                assert!(!any_valid(text.bytes()), "{text}");
            }
        }
    }

    #[test]
    fn a_list_drops_what_is_invalid() {
        let list = b" mailto:a@x.example , b@x.example,, https://x.example/!5k ,mailto:c";
        let uris: Vec<_> = Uris::new(list).map(|uri| uri.as_bytes()).collect();
        assert_eq!(uris, [&b"mailto:a@x.example"[..], b"https://x.example/"]);
        assert_eq!(invalid(list).collect::<Vec<_>>(), [22, 34, 59]);
        assert!(any_valid(list.iter().copied()));
        assert!(!any_valid(b"x,,y".iter().copied()));
        assert!(any_valid(b"x,u:y ,".iter().copied()));
        assert_eq!(Uris::new(b"").count() + invalid(b"x:y").count(), 0);
        // A line end is no blank.
        assert_eq!(
            Uris::new(b"\nx:y").count() + usize::from(any_valid("\nx:y".bytes())),
            0
        );
        assert_eq!(invalid(b"\tx:y,\rx:y").collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn mailto() {
        let address = |text: &'static str| Uri::parse(text.as_bytes()).unwrap().mailto();
        assert_eq!(
            address("MailTo:a%40c@b.example?x=y!5"),
            Some(&b"a%40c@b.example"[..])
        );
        assert_eq!(address("https://a@b.example"), None);
    }
}
