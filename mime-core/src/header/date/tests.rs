use super::*;
use proptest::prelude::*;
use std::string::ToString;
use std::vec::Vec;

/// Values, the form they are written in, and the seconds.
#[test]
fn dates_of_the_rfc() {
    #[rustfmt::skip]
    let cases: &[(&[u8], &str, i64)] = &[
        // RFC 5322 A.1.1, A.1.2, A.1.3
        (b"Fri, 21 Nov 1997 09:55:06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706),
        (b"Tue, 1 Jul 2003 10:52:37 +0200", "Tue, 1 Jul 2003 10:52:37 +0200", 1_057_049_557),
        (b"Thu, 13 Feb 1969 23:32:54 -0330", "Thu, 13 Feb 1969 23:32:54 -0330", -27_723_426),
        // A.5
        (b"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)", "Thu, 13 Feb 1969 23:32:00 -0330", -27_723_480),
        // A.6.2
        (b"21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000", 880_106_106),
        // A.6.3
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706),
        // 4.3: years
        (b"1 Jan 49 00:00 UT", "Fri, 1 Jan 2049 00:00:00 +0000", 2_493_072_000),
        (b"1 Jan 50 00:00 UT", "Sun, 1 Jan 1950 00:00:00 +0000", -631_152_000),
        (b"1 Jan 103 00:00 UT", "Wed, 1 Jan 2003 00:00:00 +0000", 1_041_379_200),
        // 4.3: zones
        (b"1 Jan 1970 00:00 edt", "Thu, 1 Jan 1970 00:00:00 -0400", 14_400),
        (b"1 Jan 1970 00:00 EST", "Thu, 1 Jan 1970 00:00:00 -0500", 18_000),
        (b"1 Jan 1970 00:00 CDT", "Thu, 1 Jan 1970 00:00:00 -0500", 18_000),
        (b"1 Jan 1970 00:00 CST", "Thu, 1 Jan 1970 00:00:00 -0600", 21_600),
        (b"1 Jan 1970 00:00 MDT", "Thu, 1 Jan 1970 00:00:00 -0600", 21_600),
        (b"1 Jan 1970 00:00 MST", "Thu, 1 Jan 1970 00:00:00 -0700", 25_200),
        (b"1 Jan 1970 00:00 PDT", "Thu, 1 Jan 1970 00:00:00 -0700", 25_200),
        (b"1 Jan 1970 00:00 PST", "Thu, 1 Jan 1970 00:00:00 -0800", 28_800),
        (b"1 Jan 1970 00:00 A", "Thu, 1 Jan 1970 00:00:00 -0000", 0),
        (b"1 Jan 1970 00:00 CEST", "Thu, 1 Jan 1970 00:00:00 -0000", 0),
        (b"1 Jan 1970 00:00 -0000", "Thu, 1 Jan 1970 00:00:00 -0000", 0),
        (b"1 Jan 1970 00:00 -0030", "Thu, 1 Jan 1970 00:00:00 -0030", 1_800),
        (b"1 Jan 1970 00:00 +9959", "Thu, 1 Jan 1970 00:00:00 +9959", -359_940),
        // The calendar
        (b"29 Feb 2000 00:00 +0000", "Tue, 29 Feb 2000 00:00:00 +0000", 951_782_400),
        (b"31 Dec 2016 23:59:60 +0000", "Sat, 31 Dec 2016 23:59:60 +0000", 1_483_228_800),
        (b"1 Jan 1900 00:00 +0000", "Mon, 1 Jan 1900 00:00:00 +0000", -2_208_988_800),
        (b"31 Dec 9999 23:59:59 +0000", "Fri, 31 Dec 9999 23:59:59 +0000", 253_402_300_799),
        (b"01jan(x)2021 09:55:06+0200", "Fri, 1 Jan 2021 09:55:06 +0200", 1_609_487_706),
    ];
    for (value, written, seconds) in cases {
        let date = DateTime::parse(value).unwrap();
        assert_eq!(&date.to_string(), written);
        assert_eq!(date.unix_seconds(), *seconds, "{written}");
        assert!(!date.has_wrong_weekday());
        assert_eq!(DateTime::parse(written.as_bytes()), Ok(date));
        assert_eq!(
            date.to_unix().map(|time| time.0),
            u64::try_from(*seconds).ok()
        );
    }
}

#[test]
fn errors_name_the_rule_and_the_byte() {
    use DateErrorKind::*;
    #[rustfmt::skip]
    let cases: &[(&[u8], DateErrorKind, usize)] = &[
        (b"", BadDay, 0),
        (b"Tuesday, 1 Jul 2003 10:52 +0200", BadWeekday, 0),
        (b"Tue 1 Jul 2003 10:52 +0200", BadWeekday, 0),
        (b"Foo, 1 Jul 2003 10:52 +0200", BadWeekday, 0),
        (b"Tue, Jul 1 2003 10:52 +0200", BadDay, 5),
        (b"Tue, 100 Jul 2003 10:52 +0200", BadDay, 5),
        (b"0 Jul 2003 10:52 +0200", BadDay, 0),
        (b"32 Jul 2003 10:52 +0200", BadDay, 0),
        (b"31 Jun 2003 10:52 +0200", BadDay, 0),
        (b"29 Feb 2100 10:52 +0200", BadDay, 0),
        (b"1 7 2003 10:52 +0200", BadMonth, 2),
        (b"1 July 2003 10:52 +0200", BadMonth, 2),
        (b"1 Jul 3 10:52 +0200", BadYear, 6),
        (b"1 Jul 1899 10:52 +0200", BadYear, 6),
        (b"1 Jul 10000 10:52 +0200", BadYear, 6),
        (b"1 Jul 99999999999999999999999 10:52 +0200", BadYear, 6),
        (b"1 Jul 2003 1:52 +0200", BadTime, 11),
        (b"1 Jul 2003 24:00 +0200", BadTime, 11),
        (b"1 Jul 2003 10:60 +0200", BadTime, 11),
        (b"1 Jul 2003 10:52:61 +0200", BadTime, 11),
        (b"1 Jul 2003 10 +0200", BadTime, 11),
        (b"1 Jul 2003 10:5 +0200", BadTime, 11),
        (b"1 Jul 2003 10:52: +0200", BadTime, 17),
        (b"1 Jul 2003 10:52", BadZone, 16),
        (b"1 Jul 2003 10:52 200", BadZone, 17),
        (b"1 Jul 2003 10:52 +200", BadZone, 17),
        (b"1 Jul 2003 10:52 +02000", BadZone, 17),
        (b"1 Jul 2003 10:52 +0260", BadZone, 17),
        (b"1 Jul 2003 10:52 EST5EDT", TextAfterDate, 20),
        (b"1 Jul 2003 10:52 +0200 x", TextAfterDate, 23),
        (b"1 Jul 2003 10:52 +0200\r\n", TextAfterDate, 22),
        (b"1 Jul (2003 10:52 +0200", Lexical(LexicalErrorKind::UnclosedComment), 6),
    ];
    for (value, kind, offset) in cases {
        let read = DateTime::parse(value).map_err(|error| (error.kind(), error.offset()));
        assert_eq!(read, Err((*kind, *offset)), "{}", value.escape_ascii());
    }
}

#[test]
fn a_wrong_weekday_is_told() {
    let date = DateTime::parse(b"Mon, 1 Jul 2003 10:52:37 +0200").unwrap();
    assert!(date.has_wrong_weekday());
    assert_eq!(date.weekday(), 2);
    assert!(date.to_string().starts_with("Tue"));
}

#[test]
fn the_bounds_of_time() {
    assert_eq!(Zone::from_minutes(6000), None);
    assert_eq!(Zone::from_minutes(i16::MIN), None);
    assert_eq!(
        DateTime::from_unix(UnixTime(253_402_300_800), Zone::UTC),
        None
    );
    assert_eq!(DateTime::from_unix(UnixTime(u64::MAX), Zone::UTC), None);
    let west = Zone::from_minutes(-60).unwrap();
    let date = DateTime::from_unix(UnixTime(0), west).unwrap();
    assert_eq!(date.to_string(), "Wed, 31 Dec 1969 23:00:00 -0100");
    assert_eq!(DateTime::new(2003, 13, 1, 0, 0, 0, Zone::UTC), None);
    assert_eq!(DateTime::new(2003, 0, 1, 0, 0, 0, Zone::UTC), None);
}

/// Every day of the range, counted one by one.
#[test]
fn every_day_of_the_calendar() {
    let mut days = days_of(FIRST_YEAR, 1, 1);
    for year in FIRST_YEAR..=LAST_YEAR {
        for month in 1..=12 {
            for day in 1..=days_in(year, month) {
                assert_eq!(days_of(year, month, day), days);
                assert_eq!(civil(days), Some((year, month, day)));
                days += 1;
            }
        }
    }
    assert_eq!(civil(i64::MAX), None);
    assert_eq!(civil(i64::MIN), None);
}

prop_compose! {
    fn dates()(
        year in FIRST_YEAR..=LAST_YEAR, month in 1..=12_u8, day in 1..=28_u8,
        hour in 0..24_u8, minute in 0..60_u8, second in 0..=60_u8,
        zone in prop_oneof![Just(None), (-5999..=5999_i16).prop_map(Some)],
    ) -> DateTime {
        let zone = zone.map_or(Zone::UNKNOWN, |minutes| Zone::from_minutes(minutes).unwrap());
        DateTime::new(year, month, day, hour, minute, second, zone).unwrap()
    }
}

proptest! {
    #[test]
    fn reads_back(date in dates()) {
        let written = date.to_vec();
        prop_assert_eq!(DateTime::parse(&written), Ok(date));
        prop_assert!(written.iter().all(|byte| (32..127).contains(byte)));
    }

    #[test]
    fn seconds_and_back(date in dates()) {
        if let (Some(time), true) = (date.to_unix(), date.second() < 60) {
            prop_assert_eq!(DateTime::from_unix(time, date.zone()), Some(date));
        }
    }

    #[test]
    fn any_bytes(value: Vec<u8>) {
        let _ = DateTime::parse(&value);
    }

    #[test]
    fn tokens(value in "((Mon|Jul|Feb|GMT|[0-9]{1,4}|[+-][0-9]{4}|:|,| |\\(x\\)|\r\n ){1,2}){0,8}") {
        if let Ok(date) = DateTime::parse(value.as_bytes()) {
            let again = DateTime::parse(&date.to_vec()).unwrap();
            prop_assert_eq!(again.unix_seconds(), date.unix_seconds());
            prop_assert!(!again.has_wrong_weekday());
        }
    }
}
