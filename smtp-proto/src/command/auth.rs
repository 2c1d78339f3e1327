//! AUTH (RFC 4954 4).

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::{CommandError, CommandErrorKind};

/// What stands behind AUTH.
///
/// ```text
/// auth-command     = "AUTH" SP sasl-mech [SP initial-response] ...   ; RFC 4954 8
/// initial-response = base64 / "="
/// sasl-mech        = 1*20mech-char                                   ; RFC 4422 3.1
/// mech-char        = UPPER-ALPHA / DIGIT / HYPHEN / UNDERSCORE
/// ```
///
/// A mechanism may be written in lower case. Whether the response decodes is for the mechanism to say.
#[derive(Clone, Copy)]
pub struct AuthCommand<'a> {
    mechanism: &'a [u8],
    initial: Option<&'a [u8]>,
}

impl<'a> AuthCommand<'a> {
    /// Reads the argument.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(argument: &'a [u8]) -> Result<Self, CommandError> {
        let mut cursor = Cursor::new(argument);
        let mechanism =
            cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let is_name = (1..=20).contains(&mechanism.len());
        if !is_name || !matches!(cursor.peek(), None | Some(b' ')) {
            let kind = CommandErrorKind::BadMechanism;
            return Err(ParseError::new(kind, cursor.offset()));
        }
        if !cursor.skip_byte(b' ') {
            let initial = None;
            return Ok(Self { mechanism, initial });
        }
        let response = cursor
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        if response.is_empty() || !cursor.is_at_end() {
            let kind = CommandErrorKind::BadInitialResponse;
            return Err(ParseError::new(kind, cursor.offset()));
        }
        let initial = Some(response);
        Ok(Self { mechanism, initial })
    }

    /// The name as written; it compares without regard to ASCII case.
    pub const fn mechanism(&self) -> &'a [u8] {
        self.mechanism
    }

    /// The initial response, still in base64; `=` is the empty one (RFC 4954 4).
    pub const fn initial(&self) -> Option<&'a [u8]> {
        self.initial
    }
}

/// Without the response, which may be a password.
impl fmt::Debug for AuthCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthCommand")
            .field("mechanism", &str::from_utf8(self.mechanism))
            .field("has_initial", &self.initial.is_some())
            .finish_non_exhaustive()
    }
}

impl PartialEq for AuthCommand<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.mechanism.eq_ignore_ascii_case(other.mechanism) && self.initial == other.initial
    }
}

impl Eq for AuthCommand<'_> {}

/// The argument.
impl Emit for AuthCommand<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.mechanism)?;
        let Some(initial) = self.initial else {
            return Ok(());
        };
        sink.put_byte(b' ')?;
        sink.put(initial)
    }
}
