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

use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::combinator::{eof, map, map_opt, opt, peek, value};
use nom::sequence::{delimited, preceded, terminated};
use nom::{Err, Parser};
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

/// A day, a time and a zone. What was read with a wrong day of the week is not equal to the same with
/// the right one.
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
        match date_time(value) {
            Ok((_, date)) => Ok(date),
            Err(Err::Error(broken) | Err::Failure(broken)) => {
                let offset = value.len().saturating_sub(broken.left);
                Err(ParseError::new(broken.kind, offset))
            }
            // The parsers are of the `complete` flavour, which never asks for more.
            Err(Err::Incomplete(_)) => Err(ParseError::new(DateErrorKind::BadDay, value.len())),
        }
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

/// The rule that is broken, and how many bytes were left then.
#[derive(Debug)]
struct Broken {
    kind: DateErrorKind,
    left: usize,
}

impl nom::error::ParseError<&[u8]> for Broken {
    fn from_error_kind(input: &[u8], _: nom::error::ErrorKind) -> Self {
        // `rule` puts the true kind in its place.
        Self {
            kind: DateErrorKind::TextAfterDate,
            left: input.len(),
        }
    }

    fn append(_: &[u8], _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'a, T> = nom::IResult<&'a [u8], T, Broken>;

/// `parser`, whose failure breaks the rule `kind` where it began, and is final.
fn rule<'a, T>(
    kind: DateErrorKind,
    mut parser: impl Parser<&'a [u8], Output = T, Error = Broken>,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |input| {
        parser.parse(input).map_err(|error| match error {
            Err::Failure(_) => error,
            _ => Err::Failure(Broken {
                kind,
                left: input.len(),
            }),
        })
    }
}

fn date_time(input: &[u8]) -> Parsed<'_, DateTime> {
    let (input, ()) = cfws(input)?;
    let (input, weekday) = opt(preceded(peek(take_while1(is_letter)), weekday)).parse(input)?;
    let at_day = input;
    let (input, day) = terminated(rule(DateErrorKind::BadDay, number(1..=2)), cfws).parse(input)?;
    let month = rule(DateErrorKind::BadMonth, name_of(&MONTHS));
    let (input, month) = terminated(month, cfws).parse(input)?;
    let (input, year) = terminated(rule(DateErrorKind::BadYear, year), cfws).parse(input)?;
    let at_time = input;
    let (input, (hour, minute, second)) = rule(DateErrorKind::BadTime, time_of_day).parse(input)?;
    let (input, zone) = terminated(rule(DateErrorKind::BadZone, zone), cfws).parse(input)?;
    let (input, _) = rule(DateErrorKind::TextAfterDate, eof).parse(input)?;

    let in_range = |date: Option<DateTime>, kind, at: &[u8]| {
        date.ok_or(Err::Failure(Broken {
            kind,
            left: at.len(),
        }))
    };
    let midnight = DateTime::new(year, month, day, 0, 0, 0, zone);
    let midnight = in_range(midnight, DateErrorKind::BadDay, at_day)?;
    let date = DateTime::new(year, month, day, hour, minute, second, zone);
    let mut date = in_range(date, DateErrorKind::BadTime, at_time)?;
    date.wrong_weekday = weekday.is_some_and(|weekday| weekday != midnight.weekday());
    Ok((input, date))
}

/// `day-of-week ","`, 0 for Sunday.
fn weekday(input: &[u8]) -> Parsed<'_, u8> {
    let weekday = (name_of(&WEEKDAYS), cfws, char(','), cfws);
    let number = map(weekday, |(number, ..)| number.saturating_sub(1));
    rule(DateErrorKind::BadWeekday, number).parse(input)
}

fn year(input: &[u8]) -> Parsed<'_, u16> {
    map_opt(take_while1(is_digit), |digits: &[u8]| {
        let year = decimal(digits).and_then(|year| u16::try_from(year).ok())?;
        match (digits.len(), year) {
            (2, 0..50) => Some(2000_u16.saturating_add(year)),
            (2 | 3, _) => Some(FIRST_YEAR.saturating_add(year)),
            (4.., FIRST_YEAR..=LAST_YEAR) => Some(year),
            _ => None,
        }
    })
    .parse(input)
}

/// `hour ":" minute [ ":" second ]`, and the gap behind.
fn time_of_day(input: &[u8]) -> Parsed<'_, (u8, u8, u8)> {
    let part = || delimited(cfws, number(2..=2), cfws);
    let second = opt(preceded(char(':'), rule(DateErrorKind::BadTime, part())));
    let (input, (hour, _, minute, second)) = (part(), char(':'), part(), second).parse(input)?;
    Ok((input, (hour, minute, second.unwrap_or(0))))
}

fn zone(input: &[u8]) -> Parsed<'_, Zone> {
    let sign = alt((value(false, char('+')), value(true, char('-'))));
    let offset = map_opt(
        (sign, take_while1(is_digit)),
        |(west, digits): (_, &[u8])| {
            let &[h1, h2, m1 @ b'0'..b'6', m2] = digits else {
                return None;
            };
            let hours = decimal(&[h1, h2])?;
            let minutes = decimal(&[m1, m2])?.saturating_add(hours.saturating_mul(60));
            match (west, i16::try_from(minutes).ok()?) {
                (true, 0) => Some(Zone::UNKNOWN),
                (true, minutes) => Zone::from_minutes(minutes.checked_neg()?),
                (false, minutes) => Zone::from_minutes(minutes),
            }
        },
    );
    alt((offset, map_opt(take_while1(is_letter), named_zone))).parse(input)
}

fn named_zone(name: &[u8]) -> Option<Zone> {
    let mut upper = [0; 3];
    for (to, from) in upper.iter_mut().zip(name) {
        *to = from.to_ascii_uppercase();
    }
    let hours = match (name.len(), &upper) {
        (2, b"UT\0") | (3, b"GMT") => return Some(Zone::UTC),
        (3, b"EDT") => -4,
        (3, b"EST" | b"CDT") => -5,
        (3, b"CST" | b"MDT") => -6,
        (3, b"MST" | b"PDT") => -7,
        (3, b"PST") => -8,
        _ => return Some(Zone::UNKNOWN),
    };
    Zone::from_minutes(hours * 60)
}

/// One of `names`, as its number from 1.
fn name_of<'a>(
    names: &'static [&'static [u8; 3]],
) -> impl Parser<&'a [u8], Output = u8, Error = Broken> {
    map_opt(take_while1(is_letter), move |word: &[u8]| {
        let mut numbered = names.iter().zip(1..);
        let found = numbered.find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, number)| number)
    })
}

/// A number of so many digits.
fn number<'a>(
    count: core::ops::RangeInclusive<usize>,
) -> impl Parser<&'a [u8], Output = u8, Error = Broken> {
    map_opt(take_while1(is_digit), move |digits: &[u8]| {
        let number = decimal(digits).filter(|_| count.contains(&digits.len()))?;
        u8::try_from(number).ok()
    })
}

fn cfws(input: &[u8]) -> Parsed<'_, ()> {
    let mut cursor = Cursor::new(input);
    match skip_cfws(&mut cursor) {
        Ok(_) => Ok((cursor.rest(), ())),
        Err(error) => Err(Err::Failure(Broken {
            kind: DateErrorKind::Lexical(error.kind()),
            left: input.len().saturating_sub(error.offset()),
        })),
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    Cursor::new(digits).take_decimal()
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
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
