//! How the content of a body is written: which encoding it needs, and whether it can do without.

use memchr::{memchr, memchr_iter, memchr2_iter};
use scop_core::{Full, Sink};

use super::Transport;
use super::error::{BuildErrorKind, Fault};
use crate::coding::encoding::Encoding;
use crate::coding::{Encoder, Form, Stats};
use crate::header::scan::MAX_LINE;

/// How text is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) encoding: Encoding,
    pub(super) is_ascii: bool,
    /// [`Form::Binary`] where the line ends need no change.
    pub(super) form: Form,
}

pub(super) fn of_text(text: &[u8], transport: Transport) -> Plan {
    let mut stats = Stats::new();
    stats.put(text);
    let encoding = match stats.encoding(Form::Text, transport >= Transport::EightBit) {
        plain if plain.is_identity() && has_risky_line(text) => {
            match stats.encoding(Form::Text, false) {
                Encoding::SevenBit => Encoding::QuotedPrintable,
                encoded => encoded,
            }
        }
        encoding => encoding,
    };
    let is_ready = stats.bare_lf() == 0 && encoding != Encoding::QuotedPrintable;
    Plan {
        encoding,
        is_ascii: stats.eight_bit() == 0,
        form: if is_ready { Form::Binary } else { Form::Text },
    }
}

/// Whether a line could be taken for a delimiter of ours, or begins with `From `, before which mail
/// stores write `>` (RFC 2049 3 (3)).
fn has_risky_line(text: &[u8]) -> bool {
    let is_risky = |line: &[u8]| line.starts_with(b"--=_") || line.starts_with(b"From ");
    // Few texts have many of these two letters, while all have many lines.
    let risky = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        let begins_line = before.is_empty() || before.ends_with(b"\n");
        begins_line && text.get(at..).is_some_and(is_risky)
    };
    memchr2_iter(b'-', b'F', text).any(risky)
}

/// Writes content in this encoding.
pub(super) fn emit<S: Sink + ?Sized>(
    content: &[u8],
    encoding: Encoding,
    form: Form,
    sink: &mut S,
) -> Result<(), Full> {
    let Some(mut encoder) = Encoder::new(encoding, form) else {
        return Ok(());
    };
    encoder.put(content, sink)?;
    encoder.finish(sink)
}

/// A sink that ends each line with CRLF on the way to another one.
#[derive(Debug)]
pub(super) struct Lines<'s, S: ?Sized> {
    encoder: Option<Encoder>,
    sink: &'s mut S,
}

impl<'s, S: Sink + ?Sized> Lines<'s, S> {
    pub(super) fn new(sink: &'s mut S) -> Self {
        Self {
            encoder: Encoder::new(Encoding::SevenBit, Form::Text),
            sink,
        }
    }
}

impl<S: Sink + ?Sized> Sink for Lines<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        match &mut self.encoder {
            Some(encoder) => encoder.put(bytes, self.sink),
            None => Err(Full),
        }
    }
}

/// A sink that finds out whether what comes can be written without an encoding, and where not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlainCheck {
    octets: usize,
    /// The first octet above 127.
    eight_bit: Option<usize>,
    /// The first NUL or CR that no LF follows.
    stray: Option<usize>,
    /// Where the first line that is too long reaches beyond 998 octets.
    long: Option<usize>,
    line_start: usize,
    /// A CR came last.
    cr: bool,
}

impl PlainCheck {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut check = Self::default();
        // A check is never full.
        let _ = check.put(bytes);
        check
    }

    pub(super) const fn is_ascii(&self) -> bool {
        self.eight_bit.is_none()
    }

    /// The bytes are over: 7bit or 8bit, or why not.
    pub(super) fn finish(mut self, transport: Transport) -> Result<Encoding, Fault> {
        self.end_line(self.octets);
        if self.cr {
            self.note_stray(self.octets.saturating_sub(1));
        }
        let fault = |kind, offset| Err(Fault::new(kind, offset));
        match (self.stray, self.long, self.eight_bit) {
            (Some(at), ..) => fault(BuildErrorKind::NotLines, at),
            (_, Some(at), _) => fault(BuildErrorKind::LineTooLong, at),
            (.., None) => Ok(Encoding::SevenBit),
            (.., Some(at)) if transport < Transport::EightBit => {
                fault(BuildErrorKind::EightBit, at)
            }
            _ => Ok(Encoding::EightBit),
        }
    }

    fn note_stray(&mut self, at: usize) {
        self.stray = Some(self.stray.map_or(at, |before| before.min(at)));
    }

    fn end_line(&mut self, end: usize) {
        if end.saturating_sub(self.line_start) > MAX_LINE && self.long.is_none() {
            self.long = Some(self.line_start.saturating_add(MAX_LINE));
        }
    }
}

impl Sink for PlainCheck {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let Some(&last) = bytes.last() else {
            return Ok(());
        };
        let base = self.octets;
        let at = |index: usize| base.saturating_add(index);
        let mut cr = core::mem::replace(&mut self.cr, last == b'\r');
        if cr && !bytes.starts_with(b"\n") {
            self.note_stray(base.saturating_sub(1));
        }
        if let Some(nul) = memchr(0, bytes) {
            self.note_stray(at(nul));
        }
        let is_bare = |index: &usize| {
            let next = bytes.get(index.saturating_add(1));
            next.is_some_and(|next| *next != b'\n')
        };
        if let Some(bare) = memchr_iter(b'\r', bytes).find(is_bare) {
            self.note_stray(at(bare));
        }
        if self.eight_bit.is_none() && !bytes.is_ascii() {
            self.eight_bit = bytes.iter().position(|byte| !byte.is_ascii()).map(at);
        }
        for line_feed in memchr_iter(b'\n', bytes) {
            if let Some(before) = line_feed.checked_sub(1).and_then(|at| bytes.get(at)) {
                cr = *before == b'\r';
            }
            self.end_line(at(line_feed).saturating_sub(cr.into()));
            self.line_start = at(line_feed).saturating_add(1);
        }
        self.octets = at(bytes.len());
        Ok(())
    }
}
