//! Dates (RFC 5322 3.3 and 4.3).
//!
//! [`DateTime`] is a value: a day of the calendar, a time of day and a zone. Reading takes the
//! obsolete forms, with comments and white space anywhere, years of two and three digits, and zones by
//! name; what is read has been checked against the calendar. Writing gives the one modern form.
//!
//! ```
//! use scop_core::UnixTime;
//! use scop_mime_core::DateTime;
//!
//! let date = DateTime::parse(b" Tue, 1 Jul 2003 10:52:37 +0200 (CEST)")?;
//! assert_eq!(date.to_unix(), Some(UnixTime(1_057_049_557)));
//! assert_eq!(DateTime::parse(b"1 Jul 03 8:52 GMT").map_err(|error| error.offset()), Err(9));
//! assert_eq!(DateTime::parse(b"Mon, 1 Jul 03 08:52 GMT")?.to_string(), "Tue, 1 Jul 2003 08:52:00 +0000");
//! # Ok::<(), scop_core::ParseError<scop_mime_core::header::date::DateErrorKind>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink, UnixTime};

use super::lexical::{LexicalErrorKind, display, skip_cfws};

#[cfg(test)]
mod tests;

/// Which rule of the date grammar is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateErrorKind {
    /// A comment is malformed.
    Lexical(LexicalErrorKind),
    /// A day of the week that is none, or has no comma behind it.
    BadWeekday,
    /// A day that the month does not have, or no number where the day is due.
    BadDay,
    /// No name of a month where it is due.
    BadMonth,
    /// A year before 1900 or after 9999, or of one digit.
    BadYear,
    /// A time that is not `hh:mm` or `hh:mm:ss`, or is beyond 23:59:60.
    BadTime,
    /// No zone, or one beyond 99 hours 59 minutes.
    BadZone,
    /// Text behind the date.
    TextAfterDate,
}

impl fmt::Display for DateErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::BadWeekday => "the day of the week is none, or lacks its comma (RFC 5322 3.3)",
            Self::BadDay => "the day is missing or not in the month (RFC 5322 3.3)",
            Self::BadMonth => "the month is missing (RFC 5322 3.3)",
            Self::BadYear => "the year is not from 1900 to 9999 (RFC 5322 3.3)",
            Self::BadTime => "the time is not \"hh:mm\" or \"hh:mm:ss\" of a day (RFC 5322 3.3)",
            Self::BadZone => "the zone is missing or no zone (RFC 5322 3.3)",
            Self::TextAfterDate => "text stands behind the date (RFC 5322 3.3)",
        })
    }
}

/// The error of [`DateTime::parse`].
pub type DateError = ParseError<DateErrorKind>;

/// A day, a time and a zone.
///
/// ```text
/// date-time   = [ day-of-week "," ] day month year time-of-day zone [CFWS]    ; RFC 5322 3.3
/// day-of-week = [CFWS] ("Mon" / "Tue" / "Wed" / "Thu" / "Fri" / "Sat" / "Sun") [CFWS]
/// day         = [CFWS] 1*2DIGIT [CFWS]                            ; RFC 5322 4.3
/// month       = "Jan" / "Feb" / "Mar" / "Apr" / "May" / "Jun" / "Jul" / "Aug" / "Sep" / "Oct"
///             / "Nov" / "Dec"
/// year        = [CFWS] 2*DIGIT [CFWS]
/// time-of-day = hour ":" minute [ ":" second ]
/// hour        = [CFWS] 2DIGIT [CFWS]                              ; minute and second too
/// zone        = ( "+" / "-" ) 4DIGIT / obs-zone
/// obs-zone    = "UT" / "GMT" / "EST" / "EDT" / "CST" / "CDT" / "MST" / "MDT" / "PST" / "PDT"
///             / 1*ALPHA                                           ; others mean -0000
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    zone: Zone,
    wrong_weekday: bool,
}

/// The first year that RFC 5322 3.3 allows.
const FIRST_YEAR: u16 = 1900;
/// The last year that has four digits.
const LAST_YEAR: u16 = 9999;

const DAY: i64 = 86_400;
/// The offset of the first day of 1970 in [`days_of`].
const EPOCH: i64 = 719_468;

const WEEKDAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

impl DateTime {
    /// The given day (from 1) of the given month (from 1) at the given time, as a clock in `zone`
    /// shows it. Second 60 is a leap second.
    ///
    /// `None` when there is no such day or time, or the year is not from 1900 to 9999.
    pub fn new(
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
        zone: Zone,
    ) -> Option<Self> {
        let valid = (FIRST_YEAR..=LAST_YEAR).contains(&year)
            && day >= 1
            && day <= days_in(year, month)
            && hour < 24
            && minute < 60
            && second <= 60;
        valid.then_some(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            zone,
            wrong_weekday: false,
        })
    }

    /// What a clock in `zone` shows at `time`; `None` after the year 9999.
    pub fn from_unix(time: UnixTime, zone: Zone) -> Option<Self> {
        let local = i64::try_from(time.0).ok()?.checked_add(zone.seconds())?;
        let of_day = local.rem_euclid(DAY);
        let (year, month, day) = civil(local.div_euclid(DAY))?;
        Self::new(
            year,
            month,
            day,
            u8::try_from(of_day / 3600).ok()?,
            u8::try_from(of_day / 60 % 60).ok()?,
            u8::try_from(of_day % 60).ok()?,
            zone,
        )
    }

    /// Reads the value of a Date field, or the date of a trace field.
    ///
    /// # Errors
    /// The first rule that is broken. A day of the week that is not that of the date is no error: see
    /// [`Self::has_wrong_weekday`].
    pub fn parse(value: &[u8]) -> Result<Self, DateError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let weekday = take_weekday(&mut cursor)?;
        let day_at = cursor.offset();
        let day =
            take_number(&mut cursor, 1..=2).ok_or_else(|| error(DateErrorKind::BadDay, day_at))?;
        gap(&mut cursor)?;
        let month = take_name(&mut cursor, &MONTHS, DateErrorKind::BadMonth)?;
        gap(&mut cursor)?;
        let year = take_year(&mut cursor)?;
        gap(&mut cursor)?;
        let time_at = cursor.offset();
        let (hour, minute, second) = take_time(&mut cursor)?;
        let zone = take_zone(&mut cursor)?;
        gap(&mut cursor)?;
        if !cursor.is_at_end() {
            return Err(error(DateErrorKind::TextAfterDate, cursor.offset()));
        }
        let Some(midnight) = Self::new(year, month, day, 0, 0, 0, zone) else {
            return Err(error(DateErrorKind::BadDay, day_at));
        };
        let Some(mut date) = Self::new(year, month, day, hour, minute, second, zone) else {
            return Err(error(DateErrorKind::BadTime, time_at));
        };
        date.wrong_weekday = weekday.is_some_and(|weekday| weekday != midnight.weekday());
        Ok(date)
    }

    /// The year, from 1900 to 9999.
    pub const fn year(&self) -> u16 {
        self.year
    }

    /// The month, from 1 to 12.
    pub const fn month(&self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub const fn day(&self) -> u8 {
        self.day
    }

    /// The hour, from 0 to 23.
    pub const fn hour(&self) -> u8 {
        self.hour
    }

    /// The minute, from 0 to 59.
    pub const fn minute(&self) -> u8 {
        self.minute
    }

    /// The second, from 0 to 60.
    pub const fn second(&self) -> u8 {
        self.second
    }

    /// The zone.
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// The day of the week of the date: 0 is Sunday.
    pub fn weekday(&self) -> u8 {
        let days = days_of(self.year, self.month, self.day);
        // The first day of 1970 was a Thursday.
        u8::try_from((days + 4).rem_euclid(7)).unwrap_or(0)
    }

    /// Whether the date was read with another day of the week than it has.
    pub const fn has_wrong_weekday(&self) -> bool {
        self.wrong_weekday
    }

    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted; negative before. A leap second is
    /// the second after it. Of an unknown zone, as if it were UTC (RFC 5322 4.3).
    pub fn unix_seconds(&self) -> i64 {
        let of_day = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60;
        days_of(self.year, self.month, self.day) * DAY + of_day + i64::from(self.second)
            - self.zone.seconds()
    }

    /// The same as [`Self::unix_seconds`]; `None` before 1970.
    pub fn to_unix(&self) -> Option<UnixTime> {
        u64::try_from(self.unix_seconds()).ok().map(UnixTime)
    }
}

/// `Tue, 1 Jul 2003 10:52:37 +0200`.
impl Emit for DateTime {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(name(&WEEKDAYS, self.weekday()))?;
        sink.put(b", ")?;
        sink.put_decimal(u64::from(self.day))?;
        sink.put(b" ")?;
        sink.put(name(&MONTHS, self.month.saturating_sub(1)))?;
        sink.put(b" ")?;
        sink.put_decimal(u64::from(self.year))?; // four digits
        sink.put(b" ")?;
        two_digits(self.hour, sink)?;
        sink.put(b":")?;
        two_digits(self.minute, sink)?;
        sink.put(b":")?;
        two_digits(self.second, sink)?;
        sink.put(b" ")?;
        self.zone.emit(sink)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// How far a clock is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    minutes: i16,
    /// `-0000`: the time is UTC, and says nothing about where it was taken.
    unknown: bool,
}

impl Zone {
    /// `+0000`.
    pub const UTC: Self = Self {
        minutes: 0,
        unknown: false,
    };
    /// `-0000`: the time is UTC, the zone of its writer is not known (RFC 5322 3.3).
    pub const UNKNOWN: Self = Self {
        minutes: 0,
        unknown: true,
    };

    /// So many minutes east of Greenwich; `None` beyond 99 hours and 59 minutes.
    pub const fn from_minutes(minutes: i16) -> Option<Self> {
        if minutes.unsigned_abs() > 99 * 60 + 59 {
            return None;
        }
        Some(Self {
            minutes,
            unknown: false,
        })
    }

    /// Minutes east of Greenwich; 0 when unknown.
    pub const fn minutes(&self) -> i16 {
        self.minutes
    }

    /// Whether it is `-0000`.
    pub const fn is_unknown(&self) -> bool {
        self.unknown
    }

    fn seconds(self) -> i64 {
        i64::from(self.minutes) * 60
    }
}

/// `+hhmm` or `-hhmm`.
impl Emit for Zone {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let west = self.unknown || self.minutes < 0;
        sink.put(if west { b"-" } else { b"+" })?;
        let minutes = self.minutes.unsigned_abs();
        two_digits(u8::try_from(minutes / 60).unwrap_or(99), sink)?;
        two_digits(u8::try_from(minutes % 60).unwrap_or(59), sink)
    }
}

/// Takes `day-of-week ","`, if a letter is next.
fn take_weekday(cursor: &mut Cursor<'_>) -> Result<Option<u8>, DateError> {
    if !cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
        return Ok(None);
    }
    let index = take_name(cursor, &WEEKDAYS, DateErrorKind::BadWeekday)?;
    gap(cursor)?;
    if !cursor.skip_byte(b',') {
        return Err(error(DateErrorKind::BadWeekday, cursor.offset()));
    }
    gap(cursor)?;
    Ok(Some(index.saturating_sub(1)))
}

/// Takes one of `names`, and gives its number, from 1.
fn take_name(
    cursor: &mut Cursor<'_>,
    names: &[&[u8; 3]],
    missing: DateErrorKind,
) -> Result<u8, DateError> {
    let at = cursor.offset();
    let word = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    let found = names
        .iter()
        .zip(1..)
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    found
        .map(|(_, number)| number)
        .ok_or_else(|| error(missing, at))
}

fn take_year(cursor: &mut Cursor<'_>) -> Result<u16, DateError> {
    let at = cursor.offset();
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    let year = Cursor::new(digits)
        .take_decimal()
        .and_then(|year| u16::try_from(year).ok());
    let year = match (digits.len(), year) {
        (2, Some(year @ 0..50)) => 2000_u16.checked_add(year),
        (2 | 3, Some(year)) => FIRST_YEAR.checked_add(year),
        (4.., year) => year.filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year)),
        _ => None,
    };
    year.ok_or_else(|| error(DateErrorKind::BadYear, at))
}

/// Takes a time of day, and the gap behind it.
fn take_time(cursor: &mut Cursor<'_>) -> Result<(u8, u8, u8), DateError> {
    let mut parts = [0; 3];
    for (index, part) in parts.iter_mut().enumerate() {
        if index > 0 && !cursor.skip_byte(b':') {
            if index == 2 {
                break;
            }
            return Err(error(DateErrorKind::BadTime, cursor.offset()));
        }
        gap(cursor)?;
        let at = cursor.offset();
        *part = take_number(cursor, 2..=2).ok_or_else(|| error(DateErrorKind::BadTime, at))?;
        gap(cursor)?;
    }
    let [hour, minute, second] = parts;
    Ok((hour, minute, second))
}

fn take_zone(cursor: &mut Cursor<'_>) -> Result<Zone, DateError> {
    let at = cursor.offset();
    let bad = || error(DateErrorKind::BadZone, at);
    let west = cursor.skip_byte(b'-');
    if west || cursor.skip_byte(b'+') {
        let digits = cursor.take_while(|byte| byte.is_ascii_digit());
        let &[h1, h2, m1 @ b'0'..b'6', m2] = digits else {
            return Err(bad());
        };
        let number = |tens: u8, ones: u8| {
            i16::from(tens.saturating_sub(b'0')) * 10 + i16::from(ones.saturating_sub(b'0'))
        };
        let minutes = number(h1, h2) * 60 + number(m1, m2);
        return match (west, minutes) {
            (true, 0) => Ok(Zone::UNKNOWN),
            (true, _) => Zone::from_minutes(-minutes).ok_or_else(bad),
            (false, _) => Zone::from_minutes(minutes).ok_or_else(bad),
        };
    }
    let name = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    let mut upper = [0; 3];
    for (to, from) in upper.iter_mut().zip(name) {
        *to = from.to_ascii_uppercase();
    }
    let hours = match (name.len(), &upper) {
        (0, _) => return Err(bad()),
        (2, b"UT\0") | (3, b"GMT") => return Ok(Zone::UTC),
        (3, b"EDT") => -4,
        (3, b"EST" | b"CDT") => -5,
        (3, b"CST" | b"MDT") => -6,
        (3, b"MST" | b"PDT") => -7,
        (3, b"PST") => -8,
        _ => return Ok(Zone::UNKNOWN),
    };
    Zone::from_minutes(hours * 60).ok_or_else(bad)
}

/// Takes a number that has so many digits and fits.
fn take_number(cursor: &mut Cursor<'_>, digits: core::ops::RangeInclusive<usize>) -> Option<u8> {
    let taken = cursor.take_while(|byte| byte.is_ascii_digit());
    let number = Cursor::new(taken).take_decimal()?;
    u8::try_from(number)
        .ok()
        .filter(|_| digits.contains(&taken.len()))
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), DateError> {
    skip_cfws(cursor).map_err(|error| error.map(DateErrorKind::Lexical))?;
    Ok(())
}

fn error(kind: DateErrorKind, at: usize) -> DateError {
    ParseError::new(kind, at)
}

fn name<'n>(names: &[&'n [u8; 3]], index: u8) -> &'n [u8] {
    names
        .get(usize::from(index))
        .map_or(&[], |name| name.as_slice())
}

fn two_digits<S: Sink + ?Sized>(number: u8, sink: &mut S) -> Result<(), Full> {
    if number < 10 {
        sink.put(b"0")?;
    }
    sink.put_decimal(u64::from(number))
}

/// 0 for a month that does not exist.
const fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

/// The days from the first day of 1970 to a day of the Gregorian calendar.
///
/// Years are counted from the first of March, so that the leap day is the last of its year.
fn days_of(year: u16, month: u8, day: u8) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before_month = (153 * month + 2) / 5;
    year * 365 + year / 4 - year / 100 + year / 400 + before_month + day - 1 - EPOCH
}

/// The day that is `days` after the first of 1970; `None` outside the years of a [`DateTime`].
fn civil(days: i64) -> Option<(u16, u8, u8)> {
    let days = days.checked_add(EPOCH)?;
    let era = days.div_euclid(146_097); // 400 years
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (carry, month) = if month < 10 {
        (0, month + 3)
    } else {
        (1, month - 9)
    };
    let year = era.checked_mul(400)?.checked_add(year_of_era + carry)?;
    let year = u16::try_from(year).ok()?;
    Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}
