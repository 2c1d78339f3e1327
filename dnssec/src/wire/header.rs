//! The header of a message (RFC 1035 4.1.1, RFC 4035 3.2 for AD and CD).

use core::fmt;

use scop_core::{Cursor, Emit, Full, Sink};

/// Octets of the header (RFC 1035 4.1.1).
pub const HEADER_LEN: usize = 12;

/// The second 16 bits of the header: QR, OPCODE, AA, TC, RD, RA, Z, AD, CD, RCODE.
///
/// ```text
///   0  1  2  3  4  5  6  7  8  9  10 11 12 13 14 15
/// |QR|   OPCODE  |AA|TC|RD|RA| Z|AD|CD|   RCODE   |
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// Authoritative answer (RFC 1035 4.1.1).
    pub const AA: Self = Self(0x0400);
    /// Authentic data (RFC 4035 3.2.3; in a query RFC 6840 5.7).
    pub const AD: Self = Self(0x0020);
    /// Checking disabled (RFC 4035 3.2.2).
    pub const CD: Self = Self(0x0010);
    /// A response (RFC 1035 4.1.1).
    pub const QR: Self = Self(0x8000);
    /// Recursion available (RFC 1035 4.1.1).
    pub const RA: Self = Self(0x0080);
    /// Recursion desired (RFC 1035 4.1.1).
    pub const RD: Self = Self(0x0100);
    /// Truncated (RFC 1035 4.1.1, RFC 2181 9).
    pub const TC: Self = Self(0x0200);

    const OPCODE: u16 = 0x7800;
    const RCODE: u16 = 0x000f;

    /// Whether every flag of `flags` is set.
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags and those of `flags`.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// These flags and, when `wanted`, those of `flags`.
    #[must_use]
    pub const fn with_if(self, wanted: bool, flags: Self) -> Self {
        if wanted { self.with(flags) } else { self }
    }

    /// These flags without those of `flags`.
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// Those flags that are also in `flags`.
    #[must_use]
    pub const fn only(self, flags: Self) -> Self {
        Self(self.0 & flags.0)
    }

    /// The kind of query; 0 is a standard query (RFC 1035 4.1.1).
    pub const fn opcode(self) -> u8 {
        (self.0 >> 11).to_le_bytes()[0] & 15
    }

    /// The flags with another OPCODE; of `opcode` the low four bits count.
    #[must_use]
    pub const fn with_opcode(self, opcode: u8) -> Self {
        Self(self.0 & !Self::OPCODE | (opcode as u16 & 15) << 11)
    }

    /// The four bits of RCODE that the header holds; [`Message::rcode`](super::Message::rcode) is the whole.
    pub const fn rcode(self) -> Rcode {
        Rcode(self.0 & Self::RCODE)
    }

    /// The flags with another RCODE; of `rcode` the low four bits count.
    #[must_use]
    pub const fn with_rcode(self, rcode: Rcode) -> Self {
        Self(self.0 & !Self::RCODE | rcode.0 & Self::RCODE)
    }
}

/// The names of the flags that are set, as `dig` shows them, then OPCODE and RCODE.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, name) in [
            (Self::QR, "qr "),
            (Self::AA, "aa "),
            (Self::TC, "tc "),
            (Self::RD, "rd "),
            (Self::RA, "ra "),
            (Self::AD, "ad "),
            (Self::CD, "cd "),
        ] {
            if self.contains(flag) {
                f.write_str(name)?;
            }
        }
        write!(f, "opcode {} {}", self.opcode(), self.rcode())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// A response code: four bits in the header, eight more in OPT (RFC 6891 6.1.3).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rcode(pub u16);

/// Names and numbers of the codes, in one place.
macro_rules! rcodes {
    ($($name:ident = $number:literal, $source:literal;)+) => {
        impl Rcode {
            $(#[doc = concat!("`", stringify!($name), "`, ", $source)] pub const $name: Self = Self($number);)+

            const fn mnemonic(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)+
                    _ => None,
                }
            }
        }
    };
}

rcodes! {
    NOERROR = 0, "RFC 1035 4.1.1";
    FORMERR = 1, "RFC 1035 4.1.1";
    SERVFAIL = 2, "RFC 1035 4.1.1";
    NXDOMAIN = 3, "RFC 1035 4.1.1";
    NOTIMP = 4, "RFC 1035 4.1.1";
    REFUSED = 5, "RFC 1035 4.1.1";
    YXDOMAIN = 6, "RFC 6672 2.2: a name made by DNAME is too long";
    NOTAUTH = 9, "RFC 2136 2.2";
    BADVERS = 16, "RFC 6891 9";
    BADCOOKIE = 23, "RFC 7873 8";
}

impl Rcode {
    /// The eight bits that OPT holds.
    pub(super) const fn high(self) -> u8 {
        (self.0 >> 4).to_le_bytes()[0]
    }
}

/// The mnemonic, or `RCODE` and the number.
impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(name) => f.write_str(name),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

impl fmt::Debug for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Copied from the query to its response.
    pub id: u16,
    /// Flags, OPCODE and RCODE.
    pub flags: Flags,
    /// QDCOUNT: entries in the question section.
    pub questions: u16,
    /// ANCOUNT: records in the answer section.
    pub answers: u16,
    /// NSCOUNT: records in the authority section.
    pub authorities: u16,
    /// ARCOUNT: records in the additional section.
    pub additionals: u16,
}

impl Header {
    /// A header with no counts.
    pub const fn new(id: u16, flags: Flags) -> Self {
        Self {
            id,
            flags,
            questions: 0,
            answers: 0,
            authorities: 0,
            additionals: 0,
        }
    }

    /// Reads the header of a message; `None` when there are fewer than twelve octets.
    pub fn read(message: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message.get(..HEADER_LEN)?);
        Some(Self {
            id: cursor.take_u16()?,
            flags: Flags(cursor.take_u16()?),
            questions: cursor.take_u16()?,
            answers: cursor.take_u16()?,
            authorities: cursor.take_u16()?,
            additionals: cursor.take_u16()?,
        })
    }
}

impl Emit for Header {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        [
            self.id,
            self.flags.0,
            self.questions,
            self.answers,
            self.authorities,
            self.additionals,
        ]
        .iter()
        .try_for_each(|number| sink.put(&number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn flags_take_their_bits() {
        let flags = Flags::QR
            .with(Flags::RD)
            .with_opcode(5)
            .with_rcode(Rcode(0x9_3));
        assert_eq!(flags.0, 0xa903);
        assert_eq!((flags.opcode(), flags.rcode()), (5, Rcode::NXDOMAIN));
        assert_eq!(flags.with_opcode(0).with_rcode(Rcode::NOERROR).0, 0x8100);
        assert_eq!(flags.to_string(), "qr rd opcode 5 NXDOMAIN");
        let all = Flags(0xffff);
        assert_eq!((all.opcode(), all.rcode()), (15, Rcode(15)));
        assert_eq!(all.with_opcode(0xf0).opcode(), 0);
        assert_eq!(Rcode(0x123).high(), 0x12);
        assert_eq!(Rcode(12).to_string(), "RCODE12");
    }

    #[test]
    fn headers_round_trip() {
        let bytes = b"\x12\x34\x85\xb3\x00\x01\x00\x02\x00\x03\x00\x04";
        let header = Header::read(bytes).unwrap();
        assert_eq!((header.id, header.additionals), (0x1234, 4));
        let mut out: heapless::Vec<u8, 12> = heapless::Vec::new();
        header.emit(&mut out).unwrap();
        assert_eq!(out, bytes);
        assert_eq!(Header::read(&bytes[..11]), None);
    }
}
