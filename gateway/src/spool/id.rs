//! The stable name of a message: in the log, in Received, in the names of files.

use std::fmt;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use scop_core::UnixTime;
use sha2::{Digest as _, Sha256};

/// Digits whose order is that of their values; no letter that is taken for a digit (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Digits of the time: 55 bits of microseconds, enough until the year 3111.
const TIME: usize = 11;

/// Digits of chance: 75 bits.
const CHANCE: usize = 15;

/// The name of a message: 26 digits and small letters.
///
/// Sorting by name is sorting by time. The rest is chance, so that nobody guesses a name. It is an atom of
/// RFC 5322 3.2.3, and a file name everywhere: no dot, no slash, no difference by case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(String);

impl Id {
    /// A new one, of time and chance.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new() -> io::Result<Self> {
        let mut chance = [0; CHANCE];
        getrandom::fill(&mut chance).map_err(io::Error::from)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let time = (0..TIME).rev().map(|place| micros >> (5 * place));
        let chance = chance.iter().map(|&octet| u64::from(octet));
        let digits = time.chain(chance).filter_map(|value| {
            let digit = usize::try_from(value % 32).ok()?;
            DIGITS.get(digit).copied().map(char::from)
        });
        Ok(Self(digits.collect()))
    }

    /// The name of the notification of this number about the message of this name: always the same.
    pub(crate) fn derived(&self, number: u32) -> Self {
        let digest = Sha256::new()
            .chain_update(self.0.as_bytes())
            .chain_update(number.to_be_bytes())
            .finalize();
        let time = self.0.chars().take(TIME);
        let chance = digest.iter().take(CHANCE).filter_map(|&octet| {
            let digit = DIGITS.get(usize::from(octet % 32)).copied();
            digit.map(char::from)
        });
        Self(time.chain(chance).collect())
    }

    /// Reads a name that [`Id::new`] made. Nothing else is one: no path, no other case, no other length.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_id =
            text.len() == TIME + CHANCE && text.bytes().all(|octet| DIGITS.contains(&octet));
        is_id.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// When it was made.
    pub(crate) fn time(&self) -> UnixTime {
        let value = |octet| DIGITS.iter().position(|&digit| digit == octet);
        let digits = self.0.bytes().take(TIME).filter_map(value);
        let micros = digits.fold(0, |micros, digit| micros * 32 + digit as u64);
        UnixTime(micros / 1_000_000)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_again_and_says_its_time() {
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let id = Id::new().unwrap();
        assert_eq!(Id::parse(id.as_str()), Some(id.clone()));
        let after = id.time().0 - before.as_secs();
        assert!(after <= 1, "{after}");
    }

    #[test]
    fn is_sorted_by_time() {
        let mut ids: Vec<Id> = Vec::new();
        for _ in 0..20 {
            ids.push(Id::new().unwrap());
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), 20);
    }

    #[test]
    fn notifications_have_names_of_their_own() {
        let id = Id::new().unwrap();
        let first = id.derived(0);
        assert_eq!(Id::parse(first.as_str()), Some(first.clone()));
        assert_eq!(first, id.derived(0));
        assert_eq!(first.time(), id.time());
        assert!(first != id && first != id.derived(1) && first != Id::new().unwrap().derived(0));
    }

    #[test]
    fn nothing_else_is_one() {
        let id = Id::new().unwrap();
        let id = id.as_str();
        for other in [
            "",
            ".",
            "..",
            "../../../../../../etc/passwd",
            &id[1..],
            &format!("{id}0"),
            &format!("/{}", &id[1..]),
            &format!(".{}", &id[1..]),
            &format!("{}\n", &id[1..]),
            &format!("{}\0", &id[1..]),
            &format!("{}U", &id[1..]),
            &format!("{}u", &id[1..]),
            &format!("{}\u{e9}", &id[2..]),
        ] {
            assert_eq!(Id::parse(other), None, "{other:?}");
        }
    }
}
