//! Messages in one file: mboxrd (RFC 4155, with the quoting that can be undone).

use std::io::{self, Write};

/// Writes a message as an entry: the separator line, the message with `>` before each line that begins
/// with `From ` behind any number of `>`, and an empty line.
///
/// A message whose last line has no end gets one, as the format wants.
///
/// # Errors
/// Those of `out`.
pub fn write(message: &[u8], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n")?;
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        let unquoted = line.iter().position(|&byte| byte != b'>').unwrap_or(0);
        if line
            .get(unquoted..)
            .is_some_and(|rest| rest.starts_with(b"From "))
        {
            out.write_all(b">")?;
        }
        out.write_all(line)?;
    }
    if !message.is_empty() && message.last() != Some(&b'\n') {
        out.write_all(b"\n")?;
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_that_begin_like_a_separator_are_quoted() {
        let mut out = Vec::new();
        super::write(b"A: b\n\nFrom x\n>From y\n> From\nFrom", &mut out).unwrap();
        assert_eq!(
            out,
            b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nA: b\n\n>From x\n>>From y\n> From\nFrom\n\n"
        );
    }
}
