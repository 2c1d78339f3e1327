//! When a recipient is tried again, and when no more (RFC 5321 4.5.4.1).
//!
//! After the first attempt `first` passes, then twice as long after each, `longest` at most; each wait is up to a
//! fifth shorter or longer by chance, so that what failed together is not tried together again. One attempt is made
//! when the sender is to be warned and one when the time is over, so that what the sender reads is news.
//!
//! The clock on the wall may jump, and it alone outlives the process. So no wait is longer than `longest`, whatever
//! it says. A clock that jumped ahead makes every message look old: none is given up before as many attempts were
//! made as fit into its time, or five. One that jumped back makes a message look as if it came from the future:
//! its age is unknown then, and the attempts tell it.

use std::time::Duration;

use scop_core::UnixTime;

use crate::service::config::Retry;

/// So many attempts are made at least, if they fit into the time at all.
const LEAST: u32 = 5;

/// More attempts than anyone waits for; the count of those that fit stops here.
const MOST: u32 = 10_000;

/// The rules, from the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    warn: Duration,
    give_up: Duration,
    /// So many attempts fit into `give_up`.
    fit: u32,
}

/// Where a recipient stands after an attempt that failed for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// After so long.
    In(Duration),
    /// Its time is over.
    Never,
}

impl Backoff {
    pub(crate) fn new(retry: &Retry) -> Self {
        // Nothing is tried without a pause.
        let first = retry.first.0.max(Duration::from_millis(100));
        let mut backoff = Self {
            first,
            longest: retry.longest.0.max(first),
            warn: retry.warn.0,
            give_up: retry.give_up.0,
            fit: 1,
        };
        let mut time = Duration::ZERO;
        while backoff.fit < MOST && time < backoff.give_up {
            time = time.saturating_add(backoff.wait(backoff.fit));
            backoff.fit += 1;
        }
        backoff
    }

    /// After this many attempts, of which the last was now and failed; `chance` is any number.
    pub(crate) fn next(
        &self,
        attempts: u32,
        arrived: UnixTime,
        now: UnixTime,
        warned: bool,
        chance: u32,
    ) -> Next {
        let age = now.0.checked_sub(arrived.0).map(Duration::from_secs);
        let least = self.fit.min(LEAST);
        let is_over = match age {
            Some(age) => age >= self.give_up && attempts >= least,
            None => attempts >= self.fit,
        };
        if is_over {
            return Next::Never;
        }
        let wait = self.wait(attempts);
        // From four fifths to six fifths.
        let fifth = wait / 5;
        let share = fifth
            .saturating_mul(2)
            .mul_f64(f64::from(chance) / f64::from(u32::MAX));
        let mut wait = wait
            .saturating_sub(fifth)
            .saturating_add(share)
            .min(self.longest);
        if let Some(age) = age {
            let marks = [(!warned).then_some(self.warn), Some(self.give_up)];
            for left in marks
                .into_iter()
                .flatten()
                .filter_map(|mark| mark.checked_sub(age))
            {
                if !left.is_zero() {
                    wait = wait.min(left);
                }
            }
        }
        Next::In(wait)
    }

    /// How long until a time that was noted before: not longer than any wait.
    pub(crate) fn until(&self, next: u64, now: UnixTime) -> Duration {
        Duration::from_secs(next.saturating_sub(now.0)).min(self.longest)
    }

    /// Whether it is time to tell the sender that it takes longer.
    pub(crate) fn is_late(&self, arrived: UnixTime, now: UnixTime) -> bool {
        Duration::from_secs(now.0.saturating_sub(arrived.0)) >= self.warn
    }

    /// Until when a message is tried.
    pub(crate) fn end(&self, arrived: UnixTime) -> UnixTime {
        UnixTime(arrived.0.saturating_add(self.give_up.as_secs()))
    }

    pub(crate) const fn first(&self) -> Duration {
        self.first
    }

    /// Without chance.
    fn wait(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(30);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::config::Span;

    fn rules(first: u64, longest: u64, warn: u64, give_up: u64) -> Backoff {
        let span = |seconds| Span(Duration::from_secs(seconds));
        Backoff::new(&Retry {
            first: span(first),
            longest: span(longest),
            warn: span(warn),
            give_up: span(give_up),
        })
    }

    const ARRIVED: UnixTime = UnixTime(1_800_000_000);

    fn after(seconds: u64) -> UnixTime {
        UnixTime(ARRIVED.0 + seconds)
    }

    #[test]
    fn waits_double_and_stay_within_a_fifth() {
        let backoff = Backoff::new(&Retry::default());
        let mut nominal = 300;
        for attempts in 1..12 {
            for chance in [0, 1, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
                // Warned already, so that the mark of the warning does not come between.
                let Next::In(wait) = backoff.next(attempts, ARRIVED, after(1), true, chance) else {
                    panic!("given up after {attempts} attempts");
                };
                let (low, high) = (nominal * 800, (nominal * 1_200).min(4 * 3_600_000));
                let wait = wait.as_millis();
                assert!(
                    (low..=high).contains(&wait),
                    "{attempts}: {wait} not in {low}..={high}"
                );
            }
            nominal = (nominal * 2).min(4 * 3_600);
        }
        let low = backoff.next(1, ARRIVED, after(1), true, 0);
        let high = backoff.next(1, ARRIVED, after(1), true, u32::MAX);
        assert_eq!(low, Next::In(Duration::from_secs(240)));
        assert_eq!(high, Next::In(Duration::from_secs(360)));
    }

    #[test]
    fn an_attempt_is_made_at_the_warning_and_at_the_end() {
        let backoff = rules(300, 14_400, 3_600, 10_000);
        let next = backoff.next(5, ARRIVED, after(3_000), false, 0);
        assert_eq!(next, Next::In(Duration::from_secs(600)));
        let next = backoff.next(6, ARRIVED, after(9_990), true, 0);
        assert_eq!(next, Next::In(Duration::from_secs(10)));
        assert_eq!(
            backoff.next(7, ARRIVED, after(10_000), true, 0),
            Next::Never
        );
        assert!(!backoff.is_late(ARRIVED, after(3_599)) && backoff.is_late(ARRIVED, after(3_600)));
    }

    #[test]
    fn a_jump_ahead_gives_nothing_up_at_once() {
        let backoff = Backoff::new(&Retry::default());
        let year = after(365 * 86_400);
        for attempts in 1..LEAST {
            assert!(
                matches!(backoff.next(attempts, ARRIVED, year, true, 0), Next::In(wait) if !wait.is_zero())
            );
        }
        assert_eq!(backoff.next(LEAST, ARRIVED, year, true, 0), Next::Never);
        // Where the time has room for less, less is asked for.
        let short = rules(300, 300, 1, 3);
        assert_eq!(short.fit, 2);
        assert!(
            matches!(short.next(1, ARRIVED, after(0), true, 0), Next::In(wait) if wait.as_secs() == 3)
        );
        assert_eq!(short.next(2, ARRIVED, after(3), true, 0), Next::Never);
    }

    #[test]
    fn a_jump_back_neither_stops_nor_keeps_for_ever() {
        let backoff = Backoff::new(&Retry::default());
        let longest = Duration::from_secs(4 * 3_600);
        assert_eq!(backoff.until(ARRIVED.0 + 86_400 * 365, ARRIVED), longest);
        assert_eq!(backoff.until(ARRIVED.0, after(1)), Duration::ZERO);
        let before = UnixTime(1_000_000_000);
        // Five days hold 36 attempts.
        assert_eq!(backoff.fit, 36);
        assert!(
            matches!(backoff.next(35, ARRIVED, before, true, u32::MAX), Next::In(wait) if wait == longest)
        );
        assert_eq!(backoff.next(36, ARRIVED, before, true, 0), Next::Never);
    }

    #[test]
    fn nothing_is_tried_without_a_pause() {
        let backoff = rules(0, 0, 0, 0);
        assert!(matches!(
            backoff.next(1, ARRIVED, before_jump(), true, 0),
            Next::Never | Next::In(_)
        ));
        assert_eq!(backoff.first(), Duration::from_millis(100));
    }

    fn before_jump() -> UnixTime {
        UnixTime(ARRIVED.0 - 1)
    }
}
