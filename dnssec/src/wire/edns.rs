//! The OPT record: EDNS(0) (RFC 6891) and extended DNS errors (RFC 8914).

use core::fmt;

use scop_core::{Cursor, Emit, FmtSink, Full, ParseError, Rdata, Record, Rtype, Sink};

/// Why an OPT record is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptErrorKind {
    /// An option runs over the end of RDATA.
    OptionLength,
    /// The owner is not the root.
    Owner,
}

impl fmt::Display for OptErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OptionLength => "an EDNS option runs over its record (RFC 6891 6.1.2)",
            Self::Owner => "the owner of OPT is not the root (RFC 6891 6.1.2)",
        })
    }
}

/// Why, and at which byte of the options.
pub type OptError = ParseError<OptErrorKind>;

/// The content of an OPT record (RFC 6891 6.1.2, 6.1.3). Reading and writing it again gives the same bytes.
///
/// | field of the record | use |
/// |---|---|
/// | CLASS | the sender's UDP payload size |
/// | TTL | extended RCODE, version, flags |
/// | RDATA | options |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opt<'a> {
    /// The largest UDP payload that the sender can take; less than 512 counts as 512 (RFC 6891 6.2.3).
    pub udp_size: u16,
    /// The upper eight bits of the response code.
    pub extended_rcode: u8,
    /// The version; EDNS(0) has 0.
    pub version: u8,
    /// DO is 0x8000; the others are zero so far (RFC 6891 6.1.4).
    pub flags: u16,
    /// The options, known or not.
    pub options: Options<'a>,
}

impl<'a> Opt<'a> {
    /// DNSSEC OK: the sender wants signatures (RFC 3225 3).
    pub const DO: u16 = 0x8000;
    /// Octets of an OPT record without options.
    pub const LEN: usize = 11;

    /// Version 0 with no flags and no options.
    pub const fn new(udp_size: u16) -> Self {
        Self {
            udp_size,
            extended_rcode: 0,
            version: 0,
            flags: 0,
            options: Options(&[]),
        }
    }

    /// The same with DO set or not.
    #[must_use]
    pub const fn with_dnssec_ok(self, dnssec_ok: bool) -> Self {
        let flags = self.flags & !Self::DO | if dnssec_ok { Self::DO } else { 0 };
        Self { flags, ..self }
    }

    /// The same with other options.
    #[must_use]
    pub const fn with_options(self, options: Options<'a>) -> Self {
        Self { options, ..self }
    }

    /// Reads a record of type OPT.
    ///
    /// # Errors
    /// When its owner is not the root, or an option runs over the end.
    pub(super) fn from_record(record: &Record<'a>) -> Result<Self, OptError> {
        if !record.owner.is_root() {
            return Err(OptError::new(OptErrorKind::Owner, 0));
        }
        let data = match record.rdata {
            Rdata::Other { data, .. } => data,
            _ => &[],
        };
        let [extended_rcode, version, high, low] = record.ttl.to_be_bytes();
        Ok(Self {
            udp_size: record.class,
            extended_rcode,
            version,
            flags: u16::from_be_bytes([high, low]),
            options: Options::parse(data)?,
        })
    }

    /// Whether DO is set.
    pub const fn dnssec_ok(&self) -> bool {
        self.flags & Self::DO != 0
    }

    /// The extended errors among the options (RFC 8914 2).
    pub fn extended_errors(&self) -> impl Iterator<Item = ExtendedError<'a>> + use<'a> {
        self.options
            .iter()
            .filter_map(|option| ExtendedError::from_option(&option))
    }
}

/// Writes the whole record.
impl Emit for Opt<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let [high, low] = self.flags.to_be_bytes();
        let length = u16::try_from(self.options.0.len()).map_err(|_| Full)?;
        sink.put_byte(0)?; // the root
        sink.put(&Rtype::OPT.0.to_be_bytes())?;
        sink.put(&self.udp_size.to_be_bytes())?;
        sink.put(&[self.extended_rcode, self.version, high, low])?;
        sink.put(&length.to_be_bytes())?;
        sink.put(self.options.0)
    }
}

/// EDNS options, checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Checks the RDATA of an OPT record: `*( OPTION-CODE OPTION-LENGTH OPTION-DATA )`.
    ///
    /// # Errors
    /// When an option runs over the end; the offset is that of the option.
    pub fn parse(rdata: &'a [u8]) -> Result<Self, OptError> {
        let mut cursor = Cursor::new(rdata);
        while !cursor.is_at_end() {
            let at = cursor.offset();
            take_option(&mut cursor).ok_or(OptError::new(OptErrorKind::OptionLength, at))?;
        }
        Ok(Self(rdata))
    }

    /// The options in order.
    pub fn iter(&self) -> impl Iterator<Item = EdnsOption<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.0);
        core::iter::from_fn(move || take_option(&mut cursor))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

fn take_option<'a>(cursor: &mut Cursor<'a>) -> Option<EdnsOption<'a>> {
    let code = cursor.take_u16()?;
    let length = cursor.take_u16()?;
    let data = cursor.take(length.into())?;
    Some(EdnsOption { code, data })
}

/// One option (RFC 6891 6.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdnsOption<'a> {
    /// What it is.
    pub code: u16,
    /// What it says.
    pub data: &'a [u8],
}

impl Emit for EdnsOption<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let length = u16::try_from(self.data.len()).map_err(|_| Full)?;
        sink.put(&self.code.to_be_bytes())?;
        sink.put(&length.to_be_bytes())?;
        sink.put(self.data)
    }
}

/// An extended DNS error (RFC 8914 2). It explains, nothing signs it, and no decision may rest on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedError<'a> {
    /// INFO-CODE; see RFC 8914 4 for their meanings.
    pub code: u16,
    /// EXTRA-TEXT, meant as UTF-8 for people; without a NUL that some senders put at the end.
    pub text: &'a [u8],
}

impl<'a> ExtendedError<'a> {
    /// The option code (RFC 8914 5.1).
    pub const OPTION: u16 = 15;

    /// Reads an option; `None` when it has another code or no INFO-CODE.
    pub fn from_option(option: &EdnsOption<'a>) -> Option<Self> {
        let mut cursor = Cursor::new(option.data);
        let code = cursor.take_u16()?;
        let text = cursor.rest();
        (option.code == Self::OPTION).then_some(Self {
            code,
            text: text.strip_suffix(&[0]).unwrap_or(text),
        })
    }
}

/// The code, and the text made safe for a terminal and a log: one line, controls as U+FFFD.
impl fmt::Display for ExtendedError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EDE {}", self.code)?;
        if self.text.is_empty() {
            return Ok(());
        }
        f.write_str(": ")?;
        // A FmtSink hides all other controls.
        let is_control = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r');
        for (index, part) in self.text.split(is_control).enumerate() {
            if index > 0 {
                f.write_str("\u{fffd}")?;
            }
            FmtSink(f).put(part).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::ToString, vec::Vec};

    #[test]
    fn options_are_kept_when_unknown() {
        let bytes = b"\xfd\xe9\x00\x02hi\x00\x0f\x00\x06\x00\x06bad\x00\x00\x0f\x00\x01\x07";
        let options = Options::parse(bytes).unwrap();
        assert_eq!(options.iter().count(), 3);
        let mut again: heapless::Vec<u8, 64> = heapless::Vec::new();
        for option in options.iter() {
            option.emit(&mut again).unwrap();
        }
        assert_eq!(again, bytes);
        let opt = Opt::new(1232).with_dnssec_ok(true).with_options(options);
        let errors: Vec<_> = opt.extended_errors().collect();
        // The last option is too short for an INFO-CODE and is not an error of anybody's.
        assert_eq!(
            errors,
            [ExtendedError {
                code: 6,
                text: b"bad"
            }]
        );
        assert_eq!(errors[0].to_string(), "EDE 6: bad");
        for cut in [1, 2, 3, 4, 5, 7, 10, 14, bytes.len() - 1] {
            let error = Options::parse(&bytes[..cut]).unwrap_err();
            assert!(error.offset() <= cut && error.kind() == OptErrorKind::OptionLength);
        }
    }

    #[test]
    fn the_text_of_an_error_is_one_line_without_controls() {
        let text = "a\r\nb\t\u{e9}\u{9b}1m\u{7f}\n".as_bytes();
        assert_eq!(
            ExtendedError { code: 1, text }.to_string(),
            "EDE 1: a\u{fffd}\u{fffd}b\u{fffd}\u{e9}\u{fffd}1m\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn a_record_both_ways() {
        // RFC 6891 6.1.2: root, OPT, 4096, rcode 1, version 2, DO and a Z bit, one option.
        let wire = b"\x00\x00\x29\x10\x00\x01\x02\x80\x01\x00\x05\x00\x0a\x00\x01\x99";
        let (record, end) = Record::parse_in(wire, 0).unwrap();
        assert_eq!(end, wire.len());
        let opt = Opt::from_record(&record).unwrap();
        assert_eq!(
            (opt.udp_size, opt.extended_rcode, opt.version, opt.flags),
            (4096, 1, 2, 0x8001)
        );
        let mut again: heapless::Vec<u8, 64> = heapless::Vec::new();
        opt.emit(&mut again).unwrap();
        assert_eq!(again, wire);
        assert_eq!(Opt::new(0).emitted_len(), Opt::LEN);
    }
}
