//! ARC-Authentication-Results (RFC 8617 4.1.1).

use scop_core::Cursor;

use super::{AuthResults, AuthResultsError, AuthResultsErrorKind, error, gap};

/// The value of an ARC-Authentication-Results field: the results, and which set of ARC fields they belong
/// to.
///
/// ```text
/// arc-info = instance [CFWS] ";" authres-payload                  ; RFC 8617 4.1.1
/// instance = [CFWS] "i" [CFWS] "=" [CFWS] position
/// position = 1*2DIGIT                                             ; 1 to 50, RFC 8617 4.2.1
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ArcAuthResults<'a> {
    instance: u8,
    results: AuthResults<'a>,
}

/// The most sets of ARC fields that a message may have (RFC 8617 4.2.1).
const MAX_INSTANCE: u8 = 50;

impl<'a> ArcAuthResults<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, AuthResultsError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let start = cursor;
        let named = cursor.skip_byte(b'i');
        gap(&mut cursor)?;
        let named = named && cursor.skip_byte(b'=');
        gap(&mut cursor)?;
        let digits = cursor.take_while(|byte| byte.is_ascii_digit());
        let number = Cursor::new(digits)
            .take_decimal()
            .and_then(|number| u8::try_from(number).ok());
        let instance = match number {
            Some(instance @ 1..=MAX_INSTANCE) if named && digits.len() <= 2 => instance,
            _ => return error(AuthResultsErrorKind::BadInstance, &start),
        };
        gap(&mut cursor)?;
        if !cursor.skip_byte(b';') {
            return error(AuthResultsErrorKind::NoSemicolon, &cursor);
        }
        let results =
            AuthResults::parse(cursor.rest()).map_err(|error| error.nested(cursor.offset()))?;
        Ok(Self { instance, results })
    }

    /// Which set of ARC fields it belongs to, from 1 to 50.
    pub const fn instance(&self) -> u8 {
        self.instance
    }

    /// What the server found out. Offsets in it count from behind the first semicolon.
    pub const fn results(&self) -> AuthResults<'a> {
        self.results
    }
}
