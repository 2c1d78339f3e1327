//! Dates, with their obsolete forms (RFC 5322 3.3, 4.3).

use super::pen::Pen;
use crate::feature::Feature;
use crate::model::{Date, Zone};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A date; what stands before it is written.
pub(crate) fn date(pen: &mut Pen<'_>, date: &Date) {
    pen.features.count(Feature::Date);
    if date.wrong_weekday || !pen.odd(25) {
        let right = weekday(date);
        let written = if date.wrong_weekday {
            pen.features.count(Feature::WrongWeekday);
            right + 3
        } else {
            right
        };
        let name = WEEKDAYS.get(written % 7).copied().unwrap_or_default();
        pen.any_case(name);
        pen.optional_gap();
        pen.put(b",");
        if !pen.odd(5) {
            pen.gap();
        }
    }
    let width = if pen.odd(30) { 2 } else { 1 };
    pen.number(u64::from(date.day), width);
    if !pen.odd(3) {
        pen.gap();
    }
    let month = usize::from(date.month).saturating_sub(1);
    let name = MONTHS.get(month).copied().unwrap_or_default();
    pen.any_case(name);
    if !pen.odd(3) {
        pen.gap();
    }
    year(pen, date.year);
    pen.gap();
    pen.number(u64::from(date.hour), 2);
    colon(pen);
    pen.number(u64::from(date.minute), 2);
    if date.second != 0 || !pen.odd(50) {
        colon(pen);
        pen.number(u64::from(date.second), 2);
    }
    zone(pen, date.zone);
}

fn colon(pen: &mut Pen<'_>) {
    pen.optional_gap();
    pen.put(b":");
    pen.optional_gap();
}

/// Two digits mean 1950 to 2049, three mean 1900 and more (RFC 5322 4.3).
fn year(pen: &mut Pen<'_>, year: u16) {
    let year = u64::from(year);
    if (1950..2050).contains(&year) && pen.odd(30) {
        pen.features.count(Feature::ShortYear);
        pen.number(year % 100, 2);
    } else if year < 2900 && pen.odd(10) {
        pen.features.count(Feature::ShortYear);
        pen.number(year - 1900, 3);
    } else {
        pen.number(year, 4);
    }
}

fn zone(pen: &mut Pen<'_>, zone: Zone) {
    let name = match zone {
        Zone::Minutes(0) => pen.rng.pick(&["UT", "GMT", "gmt", "ut"]),
        Zone::Minutes(-240) => "EDT",
        Zone::Minutes(-300) => pen.rng.pick(&["EST", "CDT"]),
        Zone::Minutes(-360) => pen.rng.pick(&["CST", "MDT", "mdt"]),
        Zone::Minutes(-420) => pen.rng.pick(&["MST", "PDT"]),
        Zone::Minutes(-480) => "PST",
        Zone::Unknown => pen
            .rng
            .pick(&["A", "m", "Z", "J", "CEST", "Local", "UTC", "GMTT"]),
        Zone::Minutes(_) => "",
    };
    if !name.is_empty() && pen.odd(40) {
        pen.features.count(Feature::NamedZone);
        if !pen.odd(10) {
            pen.gap();
        }
        pen.text(name);
        return;
    }
    if !pen.odd(10) {
        pen.gap();
    }
    let (sign, minutes) = match zone {
        Zone::Unknown => (b'-', 0),
        Zone::Minutes(minutes) if minutes < 0 => (b'-', minutes.unsigned_abs()),
        Zone::Minutes(minutes) => (b'+', minutes.unsigned_abs()),
    };
    pen.put(&[sign]);
    pen.number(u64::from(minutes / 60), 2);
    pen.number(u64::from(minutes % 60), 2);
}

/// The day of the week: 0 is Sunday. Counted from the months of the Roman year, by the rule that
/// Zeller published in 1882.
pub(crate) fn weekday(date: &Date) -> usize {
    let (year, month, day) = (
        u64::from(date.year),
        u64::from(date.month),
        u64::from(date.day),
    );
    let (year, month) = if month < 3 {
        (year.saturating_sub(1), month + 12)
    } else {
        (year, month)
    };
    let saturday_is_0 =
        day + 13 * (month + 1) / 5 + year + year / 4 + year / 400 + 6 * (year / 100);
    usize::try_from((saturday_is_0 + 6) % 7).unwrap_or(0)
}
