//! Dates and times as values of parameters carry them (RFC 3339 5.6).

use scop_core::{Cursor, Emit, Full, ParseError, Sink, UnixTime};
use scop_mime_core::DateTime;
use scop_mime_core::header::date::Zone;

use super::{ParameterError, ParameterErrorKind};
use crate::shown::debug_as_text;

/// A day, a time of day, the digits behind its second, and a zone.
///
/// ```text
/// date-time     = full-date "T" full-time                            ; RFC 3339 5.6
/// full-date     = 4DIGIT "-" 2DIGIT "-" 2DIGIT
/// full-time     = partial-time time-offset
/// partial-time  = 2DIGIT ":" 2DIGIT ":" 2DIGIT ["." 1*DIGIT]
/// time-offset   = "Z" / ("+" / "-") 2DIGIT ":" 2DIGIT
/// ```
///
/// `T` and `Z` may be lower case. The year is 1900 or later.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Timestamp<'a> {
    time: DateTime,
    fraction: &'a [u8],
}

debug_as_text!(Timestamp);

impl<'a> Timestamp<'a> {
    /// A time of whole seconds.
    pub const fn new(time: DateTime) -> Self {
        let fraction = b"";
        Self { time, fraction }
    }

    /// In UTC; `None` after the year 9999.
    pub fn from_unix(time: UnixTime) -> Option<Self> {
        DateTime::from_unix(time, Zone::UTC).map(Self::new)
    }

    /// Reads all of `value`.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadDateTime`].
    pub fn parse(value: &'a [u8]) -> Result<Self, ParameterError> {
        let mut cursor = Cursor::new(value);
        match Self::take(&mut cursor) {
            Some(time) if cursor.is_at_end() => Ok(time),
            _ => Err(ParseError::new(
                ParameterErrorKind::BadDateTime,
                cursor.offset(),
            )),
        }
    }

    /// Takes one. After `None` the position is somewhere in it.
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Option<Self> {
        let year = digits(cursor, 4)?;
        let month = part(cursor, b'-')?;
        let day = part(cursor, b'-')?;
        let hour = part(cursor, b'T').or_else(|| part(cursor, b't'))?;
        let minute = part(cursor, b':')?;
        let second = part(cursor, b':')?;
        let mut fraction = &b""[..];
        if cursor.skip_byte(b'.') {
            fraction = cursor.take_while(|octet| octet.is_ascii_digit());
            if fraction.is_empty() {
                return None;
            }
        }
        let zone = match cursor.take_byte()? {
            b'Z' | b'z' => Zone::UTC,
            sign @ (b'+' | b'-') => {
                let hours = digits(cursor, 2)?;
                let minutes = u16::from(part(cursor, b':')?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let minutes =
                    i16::try_from(hours.saturating_mul(60).saturating_add(minutes)).ok()?;
                match (sign, minutes) {
                    (b'-', 0) => Zone::UNKNOWN, // RFC 3339 4.3
                    (b'-', _) => Zone::from_minutes(minutes.saturating_neg())?,
                    _ => Zone::from_minutes(minutes)?,
                }
            }
            _ => return None,
        };
        let time = DateTime::new(year, month, day, hour, minute, second, zone)?;
        Some(Self { time, fraction })
    }

    /// Without the digits behind the second.
    pub const fn time(&self) -> DateTime {
        self.time
    }

    /// The digits behind the second; empty when there are none.
    pub const fn fraction(&self) -> &'a [u8] {
        self.fraction
    }

    /// In whole seconds; `None` before 1970.
    pub fn to_unix(&self) -> Option<UnixTime> {
        self.time.to_unix()
    }
}

impl Emit for Timestamp<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let time = &self.time;
        sink.put_decimal(time.year().into())?; // four digits
        for (separator, number) in [
            (b'-', time.month()),
            (b'-', time.day()),
            (b'T', time.hour()),
            (b':', time.minute()),
            (b':', time.second()),
        ] {
            sink.put_byte(separator)?;
            two_digits(number, sink)?;
        }
        if !self.fraction.is_empty() {
            sink.put_byte(b'.')?;
            sink.put(self.fraction)?;
        }
        let zone = time.zone();
        if zone == Zone::UTC {
            return sink.put_byte(b'Z');
        }
        let west = zone.is_unknown() || zone.minutes() < 0;
        sink.put_byte(if west { b'-' } else { b'+' })?;
        let minutes = zone.minutes().unsigned_abs();
        two_digits(u8::try_from(minutes / 60).unwrap_or(99), sink)?;
        sink.put_byte(b':')?;
        two_digits(u8::try_from(minutes % 60).unwrap_or(59), sink)
    }
}

fn two_digits<S: Sink + ?Sized>(number: u8, sink: &mut S) -> Result<(), Full> {
    sink.put(&[b'0' + number / 10 % 10, b'0' + number % 10])
}

/// A number of exactly so many digits, four at most.
fn digits(cursor: &mut Cursor<'_>, count: usize) -> Option<u16> {
    let mut number: u16 = 0;
    for _ in 0..count {
        let digit = cursor.peek().filter(u8::is_ascii_digit)?;
        cursor.take_byte();
        number = number
            .checked_mul(10)?
            .checked_add(u16::from(digit - b'0'))?;
    }
    Some(number)
}

/// A separator and two digits; when the separator is another, nothing is taken.
fn part(cursor: &mut Cursor<'_>, separator: u8) -> Option<u8> {
    if !cursor.skip_byte(separator) {
        return None;
    }
    u8::try_from(digits(cursor, 2)?).ok()
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use scop_core::{Emit, UnixTime};

    #[test]
    fn read_and_written() {
        for (text, unix) in [
            ("1996-12-19T16:39:57-08:00", 851_042_397), // RFC 3339 5.8
            ("1990-12-31T23:59:60Z", 662_688_000),
            ("1937-01-01T12:00:27.87+00:20", 0),
            ("1985-04-12T23:20:50.52Z", 482_196_050),
            ("2014-04-03T23:01:00Z", 1_396_566_060), // RFC 7293 5.1
            ("2024-02-29T00:00:00-00:00", 1_709_164_800),
        ] {
            let time = Timestamp::parse(text.as_bytes()).unwrap();
            assert_eq!(time.to_unix().unwrap_or_default(), UnixTime(unix), "{text}");
            assert_eq!(time.to_vec(), text.as_bytes());
        }
        let lower = Timestamp::parse(b"1985-04-12t23:20:50z").unwrap();
        assert_eq!(lower.to_vec(), b"1985-04-12T23:20:50Z");
        assert_eq!(Timestamp::from_unix(UnixTime(482_196_050)), Some(lower));
        for bad in [
            "",
            "1985-04-12",
            "1985-04-12T23:20:50",
            "1985-04-12 23:20:50Z",
            "1985-4-12T23:20:50Z",
            "1985-04-31T23:20:50Z",
            "1985-04-12T24:20:50Z",
            "1985-04-12T23:20:61Z",
            "1985-04-12T23:20:50.Z",
            "1985-04-12T23:20:50+24:00",
            "1985-04-12T23:20:50+0100",
            "1985-04-12T23:20:50+01:60",
            "1985-04-12T23:20:50Z ",
            "12345-04-12T23:20:50Z",
            "1985-04-12T23:20Z",
            "+985-04-12T23:20:50Z",
        ] {
            assert!(Timestamp::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
