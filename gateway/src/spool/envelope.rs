//! The envelope of a message, and its form in a file.
//!
//! One line for each fact, `key value`, in this order; those in brackets are left out where they are empty:
//!
//! ```text
//! scop-spool 1
//! octets 00000000000000004096
//! arrived 1764000000
//! [client 192.0.2.1]
//! [helo mail.example.org]
//! [user joe]
//! from <joe@example.org>
//! [from-parameters BODY=8BITMIME RET=HDRS]
//! to <ann@example.net>
//! [to-parameters NOTIFY=NEVER]
//! to <bob@example.net>
//!
//! ```
//!
//! After the empty line come the octets of the message, as many as the second line says: a file that was cut is
//! found out. Lines end with LF, and are UTF-8 without control characters. The reader trusts nothing, and has
//! one interpretation: another order, another key, a second `from` are errors.

use std::fmt;
use std::io::{self, BufRead, Read as _};

use scop_core::UnixTime;

/// The first line, and the key of the second.
const BEGIN: &str = "scop-spool 1\noctets ";

/// Where in a file the number of octets stands, and its digits: it is known last, and written into its place.
pub(super) const OCTETS: u64 = BEGIN.len() as u64;
pub(super) const OCTETS_DIGITS: usize = 20;

/// The longest line. A path has 256 octets (RFC 5321 4.5.3.1.3), an ORCPT 500 (RFC 3461 4.2), ENVID 100.
const MAX_LINE: u64 = 4 << 10;

/// The longest envelope: some thousand recipients, each with all parameters.
const MAX_ENVELOPE: u64 = 4 << 20;

/// Octets of all recipients, for which there is room whatever else an envelope says.
pub(crate) const MAX_RECIPIENT_OCTETS: u64 = MAX_ENVELOPE - 8 * MAX_LINE;

/// Recipients of one message, of whom a queue must be able to keep what became of each. RFC 5321 4.5.3.1.8 wants 100
/// at least.
pub(crate) const MAX_RECIPIENTS: usize = 20_000;

/// Where a message comes from and goes to (RFC 5321 2.3.1), and what else is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// When it was taken over.
    pub(crate) arrived: UnixTime,
    /// The address that it came from over the network; empty where there is none.
    pub(crate) client: String,
    /// What that client called itself; empty where it did not.
    pub(crate) helo: String,
    /// The user who submitted it; empty where nobody was known.
    pub(crate) user: String,
    /// The reverse path with its brackets.
    pub(crate) from: String,
    /// Parameters of MAIL that travel on: `BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x REQUIRETLS`.
    pub(crate) parameters: String,
    /// At least one.
    pub(crate) to: Vec<Recipient>,
}

/// One recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// The forward path with its brackets.
    pub(crate) path: String,
    /// Parameters of RCPT that travel on: `NOTIFY=NEVER ORCPT=rfc822;ann@example.org`.
    pub(crate) parameters: String,
}

impl Recipient {
    /// Octets in the file.
    pub(crate) const fn octets(&self) -> u64 {
        let parameters = match self.parameters.len() {
            0 => 0,
            octets => octets + "to-parameters \n".len(),
        };
        (self.path.len() + "to \n".len() + parameters) as u64
    }
}

/// Why a file is none of a spool: the line, counted from 1, and the rule.
#[derive(Debug)]
pub(super) struct Broken {
    line: u32,
    rule: String,
}

impl Envelope {
    /// The text with its empty line; the number of octets is still zero.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for what the reader would refuse.
    pub(super) fn emit(&self) -> io::Result<Vec<u8>> {
        let mut text = format!("{BEGIN}{:0OCTETS_DIGITS$}\n", 0);
        let mut put = |key: &str, value: &str| {
            let rule = check(key, value).err();
            text.extend([key, " ", value, "\n"]);
            match rule {
                Some(rule) => Err(invalid(format!("envelope: {key}: {rule}"))),
                None if (key.len() + value.len() + 2) as u64 > MAX_LINE => {
                    Err(invalid(format!("envelope: {key}: {}", rule_of_line())))
                }
                None if text.len() as u64 >= MAX_ENVELOPE => {
                    Err(invalid(format!("envelope: {}", rule_of_envelope())))
                }
                None => Ok(()),
            }
        };
        put("arrived", &self.arrived.to_string())?;
        for (key, value) in [
            ("client", &self.client),
            ("helo", &self.helo),
            ("user", &self.user),
            ("from", &self.from),
            ("from-parameters", &self.parameters),
        ] {
            if key == "from" || !value.is_empty() {
                put(key, value)?;
            }
        }
        if self.to.len() > MAX_RECIPIENTS {
            return Err(invalid(format!("envelope: {}", rule_of_recipients())));
        }
        for Recipient { path, parameters } in &self.to {
            put("to", path)?;
            if !parameters.is_empty() {
                put("to-parameters", parameters)?;
            }
        }
        if self.to.is_empty() {
            return Err(invalid("envelope: there is no recipient".to_owned()));
        }
        text.push('\n');
        Ok(text.into_bytes())
    }

    /// Reads the text with its empty line.
    ///
    /// Returns the envelope, the octets of the message, and where they begin.
    ///
    /// # Errors
    /// The outer one is of the reader.
    pub(super) fn read(reader: impl BufRead) -> io::Result<Result<(Self, u64, u64), Broken>> {
        let mut lines = Lines {
            reader: reader.take(MAX_ENVELOPE),
            line: Vec::new(),
            number: 0,
        };
        match lines.envelope() {
            Ok(read) => Ok(Ok(read)),
            Err(Stop::Broken(broken)) => Ok(Err(broken)),
            Err(Stop::Io(error)) => Err(error),
        }
    }
}

/// The value that a key may have, for the writer as for the reader.
fn check(key: &str, value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("the value is empty");
    }
    if value.chars().any(char::is_control) {
        return Err("a control character in the value");
    }
    let is_path = value.starts_with('<') && value.ends_with('>') && value.len() >= 2;
    match key {
        "octets"
            if value.len() != OCTETS_DIGITS
                || value.bytes().any(|octet| !octet.is_ascii_digit()) =>
        {
            Err("a number of 20 digits is expected")
        }
        "octets" if value.parse::<u64>().is_err() => Err("the number is too large"),
        "arrived"
            if !value
                .parse()
                .is_ok_and(|number: u64| number.to_string() == value) =>
        {
            Err("a number is expected, without zeros before it")
        }
        "from" | "to" if !is_path => Err("a path is written with < and > (RFC 5321 4.1.2)"),
        "to" if value == "<>" => Err("the forward path is empty (RFC 5321 4.1.1.3)"),
        _ => Ok(()),
    }
}

struct Lines<R> {
    reader: io::Take<R>,
    /// The line under way, without its end.
    line: Vec<u8>,
    number: u32,
}

enum Stop {
    Io(io::Error),
    Broken(Broken),
}

impl<R: BufRead> Lines<R> {
    fn envelope(&mut self) -> Result<(Envelope, u64, u64), Stop> {
        self.next()?;
        if self.line != b"scop-spool 1" {
            return Err(self.broken("the file does not begin with `scop-spool 1`"));
        }
        self.next()?;
        let octets = self.number("octets")?;
        let arrived = self.number("arrived")?;
        let mut envelope = Envelope {
            arrived: UnixTime(arrived),
            client: self.optional("client")?,
            helo: self.optional("helo")?,
            user: self.optional("user")?,
            from: self.required("from")?,
            parameters: self.optional("from-parameters")?,
            to: Vec::new(),
        };
        while envelope.to.is_empty() || !self.line.is_empty() {
            if envelope.to.len() == MAX_RECIPIENTS {
                return Err(self.broken(rule_of_recipients()));
            }
            envelope.to.push(Recipient {
                path: self.required("to")?,
                parameters: self.optional("to-parameters")?,
            });
        }
        let start = MAX_ENVELOPE - self.reader.limit();
        Ok((envelope, octets, start))
    }

    fn number(&mut self, key: &str) -> Result<u64, Stop> {
        let value = self.required(key)?;
        value
            .parse()
            .map_err(|_| self.broken("a number is expected"))
    }

    /// The value of this key, and on to the next line.
    fn required(&mut self, key: &str) -> Result<String, Stop> {
        let value = self.optional(key)?;
        if value.is_empty() {
            return Err(self.broken(format!("`{key}` is expected")));
        }
        Ok(value)
    }

    /// The same; empty where the line has another key.
    fn optional(&mut self, key: &str) -> Result<String, Stop> {
        let line = str::from_utf8(&self.line).map_err(|_| self.broken("the line is not UTF-8"))?;
        let Some(value) = line
            .strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(' '))
        else {
            return Ok(String::new());
        };
        check(key, value).map_err(|rule| self.broken(rule))?;
        let value = value.to_owned();
        self.next()?;
        Ok(value)
    }

    fn next(&mut self) -> Result<(), Stop> {
        self.number += 1;
        self.line.clear();
        let left = self.reader.limit();
        let mut line = (&mut self.reader).take(MAX_LINE);
        line.read_until(b'\n', &mut self.line).map_err(Stop::Io)?;
        if self.line.pop_if(|octet| *octet == b'\n').is_some() {
            return Ok(());
        }
        Err(if self.line.len() as u64 == left {
            self.broken(rule_of_envelope())
        } else if self.line.len() as u64 == MAX_LINE {
            self.broken(rule_of_line())
        } else {
            self.broken("the file ends within the envelope")
        })
    }

    fn broken(&self, rule: impl Into<String>) -> Stop {
        Stop::Broken(Broken {
            line: self.number,
            rule: rule.into(),
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.rule)
    }
}

fn rule_of_line() -> String {
    format!("the line is longer than {MAX_LINE} octets, the limit")
}

fn rule_of_envelope() -> String {
    format!("the envelope is longer than {MAX_ENVELOPE} octets, the limit")
}

fn rule_of_recipients() -> String {
    format!("there are more than {MAX_RECIPIENTS} recipients, the limit")
}

fn invalid(rule: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, rule)
}

#[cfg(test)]
mod tests;
