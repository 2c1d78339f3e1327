//! Dates: read as a naive reader reads them, written and read again, and back from the clock.

use scop_core::Emit;
use scop_mime_core::DateTime;
use scop_mime_core::header::date::Zone;

/// The value of a Date field.
pub fn run(data: &[u8]) {
    let naive = Naive::read(data);
    let date = match DateTime::parse(data) {
        Ok(date) => date,
        Err(error) => {
            assert!(error.offset() <= data.len());
            return assert_eq!(naive, None, "{error}");
        }
    };
    let naive = naive.expect("the naive reader refuses it");
    assert_eq!(Naive::of(&date, naive.named), naive);
    assert_eq!(i64::from(date.weekday()), naive.days().rem_euclid(7));
    assert_eq!(
        date.has_wrong_weekday(),
        naive.named.is_some_and(|day| day != date.weekday())
    );
    let seconds =
        naive.days() * 86_400 + naive.clock[0] * 3600 + naive.clock[1] * 60 + naive.clock[2]
            - naive.zone * 60
            - EPOCH * 86_400;
    assert_eq!(date.unix_seconds(), seconds);
    assert_eq!(
        date.to_unix().map(|time| time.0),
        u64::try_from(seconds).ok()
    );

    let written = date.to_vec();
    let again = DateTime::parse(&written).expect("what was emitted can be read");
    assert!(!again.has_wrong_weekday());
    assert_eq!(again.to_vec(), written);
    let made = DateTime::new(
        date.year(),
        date.month(),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        date.zone(),
    );
    assert_eq!(made, Some(again));
    if let Some(time) = date.to_unix()
        && let Some(shown) = DateTime::from_unix(time, date.zone())
    {
        assert_eq!(shown.to_unix(), Some(time));
        // A leap second is shown as the second after it.
        assert!(shown == again || date.second() == 60);
    }
    assert!(Zone::from_minutes(date.zone().minutes()).is_some());
}

/// Days from Sunday, 31 December 1899 to the first of 1970.
const EPOCH: i64 = 25_568;

#[derive(Debug, PartialEq, Eq)]
struct Naive {
    /// Year, month and day.
    date: [i64; 3],
    /// Hour, minute and second.
    clock: [i64; 3],
    /// Minutes.
    zone: i64,
    is_unknown: bool,
    /// The day of the week that was written.
    named: Option<u8>,
}

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

impl Naive {
    fn of(date: &DateTime, named: Option<u8>) -> Self {
        Self {
            date: [date.year().into(), date.month().into(), date.day().into()],
            clock: [
                date.hour().into(),
                date.minute().into(),
                date.second().into(),
            ],
            zone: date.zone().minutes().into(),
            is_unknown: date.zone().is_unknown(),
            named,
        }
    }

    /// Words of letters or digits and single marks, whatever stands between them (RFC 5322 4.3).
    fn read(value: &[u8]) -> Option<Self> {
        let words = words(value)?;
        let mut words = words
            .iter()
            .map(|(word, glued)| (word.as_str(), *glued))
            .peekable();
        let mut named = None;
        if words.peek()?.0.as_bytes()[0].is_ascii_alphabetic() {
            let day = words.next()?.0.to_ascii_lowercase();
            named = Some(u8::try_from(DAYS.iter().position(|name| *name == day)?).ok()?);
            words.next().filter(|(word, _)| *word == ",")?;
        }
        let number = |(word, _): (&str, bool), lengths: &[usize]| -> Option<i64> {
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
            (is_number && lengths.contains(&word.len())).then(|| word.parse().ok())?
        };
        let day = number(words.next()?, &[1, 2])?;
        let month = words.next()?.0.to_ascii_lowercase();
        let month = MONTHS.iter().position(|name| *name == month)? + 1;
        let (word, _) = words.next()?;
        let mut year: i64 = word
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| word.parse().ok())??;
        year += match (word.len(), year) {
            (1, _) => return None,
            (2, 0..50) => 2000,
            (2 | 3, _) => 1900,
            _ => 0,
        };
        let mut clock = [number(words.next()?, &[2])?, 0, 0];
        words.next().filter(|(word, _)| *word == ":")?;
        clock[1] = number(words.next()?, &[2])?;
        if words.next_if(|(word, _)| *word == ":").is_some() {
            clock[2] = number(words.next()?, &[2])?;
        }
        let (word, _) = words.next()?;
        let (zone, is_unknown) = match word {
            "+" | "-" => {
                let digits = words.next().filter(|(_, glued)| *glued)?;
                let digits = number(digits, &[4])?;
                let minutes = digits / 100 * 60 + digits % 100;
                if digits % 100 > 59 {
                    return None;
                }
                let is_west = word == "-";
                (
                    if is_west { -minutes } else { minutes },
                    is_west && minutes == 0,
                )
            }
            name if name.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                let hours = match &name.to_ascii_uppercase()[..] {
                    "UT" | "GMT" => Some(0),
                    "EDT" => Some(-4),
                    "EST" | "CDT" => Some(-5),
                    "CST" | "MDT" => Some(-6),
                    "MST" | "PDT" => Some(-7),
                    "PST" => Some(-8),
                    _ => None,
                };
                (hours.unwrap_or(0) * 60, hours.is_none())
            }
            _ => return None,
        };
        if words.next().is_some() {
            return None;
        }
        let month = i64::try_from(month).ok()?;
        let naive = Self {
            date: [year, month, day],
            clock,
            zone,
            is_unknown,
            named,
        };
        let is_valid = (1900..=9999).contains(&year)
            && (1..=days_in(year, month)).contains(&day)
            && clock[0] < 24
            && clock[1] < 60
            && clock[2] <= 60;
        is_valid.then_some(naive)
    }

    /// Days since Sunday, 31 December 1899, counted year by year.
    fn days(&self) -> i64 {
        let [year, month, day] = self.date;
        let years: i64 = (1900..year).map(|year| 337 + days_in(year, 2)).sum();
        let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
        years + months + day
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The words of a structured field, and whether each stands directly behind the one before. `None` when
/// a comment is broken (RFC 5322 3.2.2).
fn words(value: &[u8]) -> Option<Vec<(String, bool)>> {
    let text = unfold(value);
    let mut words: Vec<(String, bool)> = Vec::new();
    let mut glued = true;
    let mut rest = &text[..];
    while let Some(&byte) = rest.first() {
        if b" \t".contains(&byte) {
            rest = &rest[1..];
            glued = false;
            continue;
        }
        if byte == b'(' {
            rest = &rest[comment(rest)?..];
            glued = false;
            continue;
        }
        let same = |other: &&u8| match byte {
            b'0'..=b'9' => other.is_ascii_digit(),
            _ => byte.is_ascii_alphabetic() && other.is_ascii_alphabetic(),
        };
        let length = rest.iter().take_while(same).count().max(1);
        words.push((rest[..length].escape_ascii().to_string(), glued));
        rest = &rest[length..];
        glued = true;
    }
    Some(words)
}

/// Without the line ends that white space follows.
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some(&byte) = rest.first() {
        rest = match rest {
            [b'\r', b'\n', b' ' | b'\t', ..] => &rest[2..],
            [b'\n', b' ' | b'\t', ..] => &rest[1..],
            _ => {
                out.push(byte);
                &rest[1..]
            }
        };
    }
    out
}

/// The length of the comment at the start.
fn comment(text: &[u8]) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    loop {
        match text.get(at)? {
            0 | b'\r' | b'\n' => return None,
            b'\\' => {
                at += 1;
                text.get(at).filter(|byte| !b"\0\r\n".contains(byte))?;
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return std::str::from_utf8(&text[..at]).ok().map(|_| at);
        }
    }
}
