//! BDAT (RFC 3030 2).

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::{CommandError, CommandErrorKind};

/// What stands behind BDAT; so many octets of the message follow the line.
///
/// ```text
/// bdat-cmd   = "BDAT" SP chunk-size [ SP end-marker ] CR LF           ; RFC 3030 2
/// chunk-size = 1*DIGIT
/// end-marker = "LAST"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bdat {
    /// Octets of the chunk.
    pub size: u64,
    /// Whether the message ends with it.
    pub last: bool,
}

impl Bdat {
    /// Reads the argument. A size that does not fit 64 bits is refused, never wrapped.
    ///
    /// # Errors
    /// [`CommandErrorKind::BadChunk`].
    pub fn parse(argument: &[u8]) -> Result<Self, CommandError> {
        let mut cursor = Cursor::new(argument);
        let error = |offset| Err(ParseError::new(CommandErrorKind::BadChunk, offset));
        let Some(size) = cursor.take_decimal() else {
            return error(0);
        };
        let last = cursor.skip_ignore_case(b" LAST");
        if !cursor.is_at_end() {
            return error(cursor.offset());
        }
        Ok(Self { size, last })
    }
}

/// The argument.
impl Emit for Bdat {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put_decimal(self.size)?;
        sink.put(if self.last { b" LAST" } else { b"" })
    }
}
