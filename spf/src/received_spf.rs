//! The Received-SPF header field (RFC 7208 9.1): written from a verdict, read back as a view.
//!
//! Contract: a [`ReceivedSpf`] writes exactly one header field whatever the SMTP client and the DNS
//! said: values are quoted, and those with a control character or without valid UTF-8 are refused when
//! it is made. Reading never panics, takes linear time, and does not recurse into comments.
//!
//! ```
//! use scop_spf::{ReceivedSpfView, SpfResult};
//!
//! let field = ReceivedSpfView::parse(
//!     b" pass (mybox.example.org: domain of\r\n myname@example.com designates 192.0.2.1)\r\n \
//!       receiver=mybox.example.org; envelope-from=\"myname@example.com\";",
//! )?;
//! assert_eq!(field.result(), SpfResult::Pass);
//! assert_eq!(field.get(b"envelope-from").unwrap().to_string(), "myname@example.com");
//! # Ok::<(), scop_spf::received_spf::ReceivedSpfError>(())
//! ```

use core::fmt;
use core::net::IpAddr;

use scop_core::{Counter, Cursor, Emit, FmtSink, Full, ParseError, Sink};

use crate::request::{Identity, Request};
use crate::result::SpfResult;
use crate::verdict::{ReasonKind, Verdict};

/// Where lines are folded if they can be (RFC 5322 2.1.1).
const LINE: usize = 78;

/// Octets of a value. Quoted and with its key it stays below the 998 of RFC 5322 2.1.1.
const MAX_VALUE: usize = 480;

/// The field for a verdict, to be put above the header (RFC 7208 9.1).
///
/// ```text
/// header-field     = "Received-SPF:" [CFWS] result [ FWS comment ] [ FWS key-value-list ] [FWS] CRLF
///                  ; as erratum 5436 corrects it
/// key-value-list   = key-value-pair *( ";" [CFWS] key-value-pair ) [";"]
/// key-value-pair   = key [CFWS] "=" ( dot-atom / quoted-string )
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReceivedSpf<'a> {
    request: Request<'a>,
    result: SpfResult,
    mechanism: Option<&'a [u8]>,
    problem: Option<&'static str>,
}

impl<'a> ReceivedSpf<'a> {
    /// The field that records `verdict` on `request`; without a name in HELO when that is empty.
    ///
    /// # Errors
    /// When the HELO name, the reverse-path or the name of the receiver holds a control character or
    /// invalid UTF-8, or has more than 480 octets. The offset is in that text.
    pub fn new(request: Request<'a>, verdict: &'a Verdict<'_>) -> Result<Self, ReceivedSpfError> {
        for text in [request.helo, request.mail_from, request.receiver] {
            if text.len() > MAX_VALUE {
                return Err(ReceivedSpfError::new(
                    ReceivedSpfErrorKind::TooLong,
                    MAX_VALUE,
                ));
            }
            let ascii = text.iter().position(u8::is_ascii_control);
            // U+0080 to U+009F: a terminal takes U+009B for the start of an escape sequence.
            let mut pairs = text.iter().zip(text.iter().skip(1));
            let control = ascii.or(pairs.position(|pair| matches!(pair, (0xc2, 0x80..=0x9f))));
            let invalid = core::str::from_utf8(text)
                .err()
                .map(|error| error.valid_up_to());
            if let Some(at) = control.or(invalid) {
                return Err(ReceivedSpfError::new(ReceivedSpfErrorKind::BadByte, at));
            }
        }
        let reason = verdict.reason();
        let mechanism = match reason.kind() {
            ReasonKind::Matched => reason.inner().unwrap_or(reason.place()).term.map(bare),
            ReasonKind::NoMatch => Some(&b"default"[..]),
            _ => None,
        };
        Ok(Self {
            request,
            result: verdict.result(),
            mechanism,
            problem: reason.kind().problem(),
        })
    }

    fn receiver(&self) -> &'a [u8] {
        match self.request.receiver {
            [] => b"unknown",
            receiver => receiver,
        }
    }

    /// What the comment says; `S` stands for the sender and `I` for the client.
    const fn comment(&self) -> &'static str {
        match self.result {
            SpfResult::None => "domain of S does not designate permitted sender hosts",
            SpfResult::Neutral => "I is neither permitted nor denied by domain of S",
            SpfResult::Pass => "domain of S designates I as permitted sender",
            SpfResult::Fail => "domain of S does not designate I as permitted sender",
            SpfResult::SoftFail => {
                "transitioning domain of S does not designate I as permitted sender"
            }
            SpfResult::TempError => "temporary error while domain of S was looked up",
            SpfResult::PermError => "permanent error in the records of domain of S",
        }
    }
}

/// A mechanism without its qualifier; only its name when it is very long.
fn bare(term: &[u8]) -> &[u8] {
    let term = match term {
        [b'+' | b'-' | b'?' | b'~', rest @ ..] => rest,
        term => term,
    };
    if term.len() <= MAX_VALUE {
        return term;
    }
    term.split(|byte| matches!(byte, b':' | b'/'))
        .next()
        .unwrap_or_default()
}

/// Writes the whole field, folded, with its line end.
impl Emit for ReceivedSpf<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let request = &self.request;
        let sender = request.sender();
        let mut lines = Lines { sink, column: 0 };
        lines.word(&[Part::Plain(b"Received-SPF:")])?;
        lines.word(&[Part::Plain(self.result.as_str().as_bytes())])?;
        lines.word(&[
            Part::Plain(b"("),
            Part::Comment(self.receiver()),
            Part::Plain(b":"),
        ])?;
        // Bytes, because splitting a `str` holds a panic path.
        let mut words = self
            .comment()
            .as_bytes()
            .split(|&byte| byte == b' ')
            .peekable();
        while let Some(word) = words.next() {
            let end: &[u8] = if words.peek().is_none() { b")" } else { b"" };
            match word {
                b"S" => lines.word(&[
                    Part::Comment(sender.local_part),
                    Part::Plain(b"@"),
                    Part::Comment(sender.domain),
                    Part::Plain(end),
                ])?,
                b"I" => lines.word(&[Part::Address(request.ip), Part::Plain(end)])?,
                word => lines.word(&[Part::Plain(word), Part::Plain(end)])?,
            }
        }
        lines.word(&[
            Part::Plain(b"receiver="),
            Part::Value(self.receiver()),
            Part::Plain(b";"),
        ])?;
        let (before, after): (&[u8], &[u8]) = match request.ip {
            IpAddr::V4(_) => (b"client-ip=", b";"),
            IpAddr::V6(_) => (b"client-ip=\"", b"\";"), // a colon is not in a dot-atom
        };
        lines.word(&[
            Part::Plain(before),
            Part::Address(request.ip),
            Part::Plain(after),
        ])?;
        let pairs = [
            ("identity", Some(request.identity.as_str().as_bytes())),
            (
                "envelope-from",
                match request.identity {
                    Identity::MailFrom => Some(request.mail_from),
                    Identity::Helo => None,
                },
            ),
            // Empty when it is not known.
            ("helo", Some(request.helo).filter(|helo| !helo.is_empty())),
            ("mechanism", self.mechanism),
            ("problem", self.problem.map(str::as_bytes)),
        ];
        for (key, value) in pairs {
            let Some(value) = value else { continue };
            lines.word(&[
                Part::Plain(key.as_bytes()),
                Part::Plain(b"="),
                Part::Value(value),
                Part::Plain(b";"),
            ])?;
        }
        lines.sink.put(b"\r\n")
    }
}

/// Puts words on lines.
struct Lines<'s, S: ?Sized> {
    sink: &'s mut S,
    column: usize,
}

impl<S: Sink + ?Sized> Lines<'_, S> {
    fn word(&mut self, parts: &[Part<'_>]) -> Result<(), Full> {
        let mut counter = Counter::default();
        parts.iter().try_for_each(|part| part.emit(&mut counter))?;
        if self.column > 0 && self.column + 1 + counter.len() > LINE {
            self.sink.put(b"\r\n\t")?;
            self.column = 1;
        } else if self.column > 0 {
            self.sink.put_byte(b' ')?;
            self.column += 1;
        }
        self.column += counter.len();
        parts.iter().try_for_each(|part| part.emit(self.sink))
    }
}

/// A part of a word.
enum Part<'a> {
    Address(IpAddr),
    /// Text inside a comment (RFC 5322 3.2.2).
    Comment(&'a [u8]),
    Plain(&'a [u8]),
    /// A dot-atom where it is one, a quoted-string otherwise (RFC 5322 3.2.3, 3.2.4).
    Value(&'a [u8]),
}

impl Emit for Part<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let escaped = |text: &[u8], special: &[u8], sink: &mut S| {
            text.iter().try_for_each(|byte| {
                if special.contains(byte) {
                    sink.put_byte(b'\\')?;
                }
                sink.put_byte(*byte)
            })
        };
        match *self {
            Self::Address(ip) => ip.emit(sink),
            Self::Comment(text) => escaped(text, b"()\\", sink),
            Self::Plain(text) => sink.put(text),
            Self::Value(text) if is_dot_atom(text) => sink.put(text),
            Self::Value(text) => {
                sink.put_byte(b'"')?;
                escaped(text, b"\"\\", sink)?;
                sink.put_byte(b'"')
            }
        }
    }
}

fn is_dot_atom(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'.')
        .all(|atom| !atom.is_empty() && atom.iter().all(|&byte| is_atext(byte)))
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// A Received-SPF field that was read.
///
/// Beyond the grammar, an unquoted value may hold any visible character but `;`, `"`, `(` and `)`:
/// the RFC's own example has `mechanism=ip4:192.0.2.1`. White space and comments may stand between all
/// tokens.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedSpfView<'a> {
    value: &'a [u8],
    result: SpfResult,
    comment: Option<&'a [u8]>,
    /// Where the list of pairs starts.
    pairs_at: usize,
}

impl<'a> ReceivedSpfView<'a> {
    /// Reads the value of the field: what follows `Received-SPF:`, folds kept, with or without the
    /// line end.
    ///
    /// # Errors
    /// When the result is unknown, or the pairs break the grammar.
    pub fn parse(value: &'a [u8]) -> Result<Self, ReceivedSpfError> {
        let mut cursor = Cursor::new(value);
        skip_cfws(&mut cursor)?;
        let at = cursor.offset();
        let word = cursor.take_while(|byte| byte.is_ascii_alphabetic());
        let result = SpfResult::parse(word).ok_or(ReceivedSpfError::new(
            ReceivedSpfErrorKind::UnknownResult,
            at,
        ))?;
        let comment = skip_cfws(&mut cursor)?;
        let view = Self {
            value,
            result,
            comment,
            pairs_at: cursor.offset(),
        };
        while next_pair(&mut cursor)?.is_some() {}
        Ok(view)
    }

    /// The result.
    pub const fn result(&self) -> SpfResult {
        self.result
    }

    /// The inside of the comment behind the result, as it stands.
    pub const fn comment(&self) -> Option<&'a [u8]> {
        self.comment
    }

    /// The keys and their values in order, repeated keys among them.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a [u8], PairValue<'a>)> + use<'a> {
        let mut cursor = Cursor::at(self.value, self.pairs_at);
        // The field was checked, so no pair is an error.
        core::iter::from_fn(move || next_pair(&mut cursor).ok().flatten())
    }

    /// The first value of a key, which is compared without regard to case.
    pub fn get(&self, key: &[u8]) -> Option<PairValue<'a>> {
        self.pairs()
            .find_map(|(name, value)| name.eq_ignore_ascii_case(key).then_some(value))
    }
}

/// A value as it stands; [`Emit`] and `Display` give what it means, without quotes.
#[derive(Clone, Copy, Debug)]
pub struct PairValue<'a> {
    /// Without the quotes around it, escapes and folds kept.
    raw: &'a [u8],
    quoted: bool,
}

impl<'a> PairValue<'a> {
    /// The bytes of the field, without the quotes around them.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether it was quoted.
    pub const fn is_quoted(&self) -> bool {
        self.quoted
    }
}

/// Writes the value; of a quoted-string the meaning (RFC 5322 3.2.4): escapes and line ends taken away.
impl Emit for PairValue<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if !self.quoted {
            return sink.put(self.raw);
        }
        // In runs, so that a character of several octets is not torn: the first octet after a
        // backslash belongs to the run that it begins.
        let mut rest = self.raw;
        let mut escaped = false;
        while !rest.is_empty() {
            let special = |byte: &u8| matches!(byte, b'\\' | b'\r' | b'\n');
            let start = usize::from(escaped);
            let run = rest.iter().skip(start).position(special);
            let end = run.map_or(rest.len(), |run| start + run);
            sink.put(rest.get(..end).unwrap_or_default())?;
            rest = rest.get(end..).unwrap_or_default();
            escaped = rest.first() == Some(&b'\\');
            rest = rest.get(1..).unwrap_or_default();
        }
        Ok(())
    }
}

impl fmt::Display for PairValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// Why a text is not a Received-SPF field, or cannot be put into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceivedSpfErrorKind {
    /// A control character, or bytes that are not UTF-8.
    BadByte,
    /// A key is not a name, or has no `=`.
    Key,
    /// A text is longer than a line may be.
    TooLong,
    /// A comment or a quoted-string does not end.
    Unclosed,
    /// The word is no result of SPF.
    UnknownResult,
    /// A key has no value, or something other than `;` follows it.
    Value,
}

impl fmt::Display for ReceivedSpfErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadByte => "a header field takes no control characters (RFC 7208 9.1)",
            Self::Key => "a key is a name with = behind it (RFC 7208 9.1)",
            Self::TooLong => "a header field takes no overlong text (RFC 7208 9.1)",
            Self::Unclosed => "a comment or quoted-string does not end (RFC 5322 3.2)",
            Self::UnknownResult => "there is no such result (RFC 7208 9.1)",
            Self::Value => "a value is a dot-atom or a quoted-string (RFC 7208 9.1)",
        })
    }
}

/// Why, and at which byte.
pub type ReceivedSpfError = ParseError<ReceivedSpfErrorKind>;

/// Passes white space, line ends and comments; gives the inside of the first comment.
fn skip_cfws<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, ReceivedSpfError> {
    let mut first = None;
    loop {
        cursor.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        let at = cursor.offset();
        if !cursor.skip_byte(b'(') {
            return Ok(first);
        }
        let text = cursor.rest();
        let mut depth = 1_usize;
        while depth > 0 {
            match cursor.take_byte() {
                Some(b'(') => depth += 1,
                Some(b')') => depth -= 1,
                Some(b'\\') => {
                    cursor.take_byte();
                }
                Some(_) => {}
                None => return Err(ReceivedSpfError::new(ReceivedSpfErrorKind::Unclosed, at)),
            }
        }
        let len = text.len() - cursor.rest().len();
        first = first.or(text.get(..len.saturating_sub(1)));
    }
}

/// Reads a pair with the `;` behind it; `None` at the end.
fn next_pair<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<Option<(&'a [u8], PairValue<'a>)>, ReceivedSpfError> {
    let error = |kind, at| Err(ReceivedSpfError::new(kind, at));
    skip_cfws(cursor)?;
    if cursor.is_at_end() {
        return Ok(None);
    }
    let at = cursor.offset();
    let key = cursor
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let named = key.first().is_some_and(u8::is_ascii_alphabetic);
    skip_cfws(cursor)?;
    if !named || !cursor.skip_byte(b'=') {
        return error(ReceivedSpfErrorKind::Key, at);
    }
    skip_cfws(cursor)?;
    let at = cursor.offset();
    let quoted = cursor.skip_byte(b'"');
    let raw = if quoted {
        let text = cursor.rest();
        loop {
            match cursor.take_byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    cursor.take_byte();
                }
                Some(_) => {}
                None => return error(ReceivedSpfErrorKind::Unclosed, at),
            }
        }
        let len = text.len() - cursor.rest().len();
        text.get(..len.saturating_sub(1)).unwrap_or_default()
    } else {
        cursor.take_while(|byte| byte > b' ' && byte != 0x7f && !b";\"()".contains(&byte))
    };
    if raw.is_empty() && !quoted {
        return error(ReceivedSpfErrorKind::Value, at);
    }
    skip_cfws(cursor)?;
    if !cursor.is_at_end() && !cursor.skip_byte(b';') {
        return error(ReceivedSpfErrorKind::Value, cursor.offset());
    }
    Ok(Some((key, PairValue { raw, quoted })))
}
