//! A queue for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use scop_core::UnixTime;

use super::listed::{Is, Listed, Place, Recipient};
use crate::terminal::{shown, shown_within};

/// Characters that are shown of what a server said.
const WIDTH: usize = 200;

/// What was listed so far.
#[derive(Debug, Default)]
pub(super) struct Totals {
    messages: usize,
    octets: u64,
    failed: usize,
}

impl Totals {
    pub(super) fn message(
        &mut self,
        listed: &Listed,
        now: UnixTime,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if self.messages + self.failed == 0 {
            writeln!(out, "{:26}  {:>7}  {:>8}  from", "id", "age", "size")?;
        }
        if listed.place == Place::Failed {
            if self.failed == 0 {
                writeln!(out, "in `failed`, never tried again:")?;
            }
            self.failed += 1;
        } else {
            self.messages += 1;
            self.octets = self.octets.saturating_add(listed.octets);
        }
        let age = span(now.0.saturating_sub(listed.arrived));
        let (size, from) = (size(listed.octets), shown(listed.from.as_bytes()));
        writeln!(out, "{:26}  {age:>7}  {size:>8}  {from}", listed.id)?;
        notes(listed, out)?;
        if listed.place == Place::Failed {
            for recipient in &listed.recipients {
                writeln!(out, "    {}", shown(recipient.to.as_bytes()))?;
            }
            return Ok(());
        }
        for recipient in listed.owed() {
            write!(out, "    {}", shown(recipient.to.as_bytes()))?;
            fate(recipient, now, out)?;
        }
        Ok(())
    }

    pub(super) fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.messages == 0 {
            write!(out, "the queue is empty")?;
        } else {
            let (messages, size) = (count(self.messages, "message"), size(self.octets));
            write!(out, "{messages} in the queue, {size}")?;
        }
        if self.failed > 0 {
            write!(out, "; {} in `failed`", count(self.failed, "message"))?;
        }
        writeln!(out)
    }
}

/// All that is known of a message but its content.
pub(super) fn envelope(listed: &Listed, now: UnixTime, out: &mut dyn Write) -> io::Result<()> {
    let place = match listed.place {
        Place::Queue => "in the queue",
        Place::Failed => "in `failed`, never tried again",
    };
    writeln!(out, "{}  {place}", listed.id)?;
    notes(listed, out)?;
    let age = span(now.0.saturating_sub(listed.arrived));
    let seconds = i64::try_from(listed.arrived).ok();
    let arrived = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let arrived = arrived.map_or_else(|| listed.arrived.to_string(), |time| time.to_string());
    writeln!(out, "  arrived     {arrived}, {age} ago")?;
    writeln!(out, "  size        {} octets", listed.octets)?;
    for (key, value) in [
        ("client", &listed.client),
        ("helo", &listed.helo),
        ("user", &listed.user),
        ("from", &listed.from),
        ("parameters", &listed.parameters),
    ] {
        if !value.is_empty() {
            writeln!(out, "  {key:10}  {}", shown(value.as_bytes()))?;
        }
    }
    for recipient in &listed.recipients {
        write!(out, "  to          {}", shown(recipient.to.as_bytes()))?;
        if !recipient.parameters.is_empty() {
            write!(out, " {}", shown(recipient.parameters.as_bytes()))?;
        }
        fate(recipient, now, out)?;
    }
    Ok(())
}

/// So many of them.
pub(super) fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

fn notes(listed: &Listed, out: &mut dyn Write) -> io::Result<()> {
    if let Some(problem) = &listed.problem {
        writeln!(out, "    {}", shown(problem.as_bytes()))?;
    }
    let asked = match listed.asked {
        Some("try") => "it is asked to be tried now, and the service has not heard it yet",
        Some("remove") => "it is asked to be removed, and nobody is told",
        Some(_) => "it is asked to be removed, and its sender is told",
        None => return Ok(()),
    };
    writeln!(out, "    {asked}")
}

/// What became of a recipient, behind its address.
fn fate(recipient: &Recipient, now: UnixTime, out: &mut dyn Write) -> io::Result<()> {
    match (recipient.is, recipient.next) {
        (Is::Done, _) => write!(out, "  done")?,
        (Is::Relayed, _) => write!(out, "  delivered, its sender is to be told")?,
        (Is::Failed, _) => write!(out, "  failed, its sender is to be told")?,
        (Is::Waiting, next) => {
            match usize::try_from(recipient.attempts).unwrap_or(usize::MAX) {
                0 => write!(out, "  not tried yet")?,
                attempts => write!(out, "  {}", count(attempts, "attempt"))?,
            }
            match next.unwrap_or_default().saturating_sub(now.0) {
                0 => write!(out, ", due now")?,
                left => write!(out, ", next in {}", span(left))?,
            }
        }
    }
    writeln!(out)?;
    let Some(last) = &recipient.last else {
        return Ok(());
    };
    let host = last
        .host
        .as_ref()
        .map(|host| shown_within(host.as_bytes(), WIDTH));
    let why = shown_within(last.why.as_bytes(), WIDTH);
    match (&last.reply, host) {
        (Some(reply), host) => {
            let host = host.as_deref().unwrap_or("the server");
            let reply = shown_within(reply.as_bytes(), WIDTH);
            writeln!(out, "        {host} said: {reply}")
        }
        (None, Some(host)) => writeln!(out, "        {host}: {why}"),
        (None, None) => writeln!(out, "        {why}"),
    }
}

/// The two greatest units of a time.
fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut text = String::new();
    let (mut left, mut shown) = (seconds, 0);
    for (unit, name) in UNITS {
        let number = left / unit;
        left %= unit;
        if shown > 0 {
            shown += 1;
        }
        if number > 0 && shown <= 2 {
            shown = shown.max(1);
            // Writing to a string does not fail.
            let _ = write!(text, "{number}{name}");
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

/// In the unit that leaves one to four digits.
fn size(octets: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if octets < 10_000 {
        return format!("{octets} B");
    }
    let mut number = octets;
    let mut unit = "B";
    for next in UNITS {
        if number < 10_000 {
            break;
        }
        number = number.div_ceil(1024);
        unit = next;
    }
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m59s"),
            (3_601, "1h"),
            (7_260, "2h1m"),
            (86_400 * 3 + 3_600 * 4 + 5, "3d4h"),
            (86_400 * 3 + 60, "3d"),
        ] {
            assert_eq!(span(seconds), text, "{seconds}");
        }
        for (octets, text) in [
            (0, "0 B"),
            (9_999, "9999 B"),
            (10_240, "10 KiB"),
            (50 << 20, "50 MiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(size(octets), text, "{octets}");
        }
    }
}
