//! Resource records as data: types, RDATA views, and one record of a DNS message (RFC 1035 3.2, 4.1.3).
//!
//! RDATA that holds names is read inside its message, because the names may be compressed; everything
//! borrows. A type without a variant of its own is [`Rdata::Other`] with its bytes (RFC 3597).

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::name::NameErrorKind;
use crate::{Cursor, Emit, FmtSink, Full, Name, ParseError, Sink};

/// A record type: a number with, for many, a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rtype(pub u16);

/// Names and numbers of the types, in one place.
macro_rules! rtypes {
    ($($name:ident = $number:literal, $source:literal;)+) => {
        impl Rtype {
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

rtypes! {
    A = 1, "RFC 1035 3.4.1";
    NS = 2, "RFC 1035 3.3.11";
    CNAME = 5, "RFC 1035 3.3.1";
    SOA = 6, "RFC 1035 3.3.13";
    PTR = 12, "RFC 1035 3.3.12";
    MX = 15, "RFC 1035 3.3.9";
    TXT = 16, "RFC 1035 3.3.14";
    AAAA = 28, "RFC 3596 2.1";
    OPT = 41, "RFC 6891 6.1";
    TLSA = 52, "RFC 6698 2";
}

/// The mnemonic, or `TYPE` and the number (RFC 3597 5).
impl fmt::Display for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(name) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

impl fmt::Debug for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The data of a TXT record: one text, possibly in several character-strings (RFC 1035 3.3.14).
///
/// Mail records join the strings without anything between them (RFC 7208 3.3, RFC 6376 3.6.2.2);
/// that is what [`Emit::emit`] writes.
#[derive(Clone, Copy, Debug)]
pub struct Txt<'a>(TxtSource<'a>);

#[derive(Clone, Copy, Debug)]
enum TxtSource<'a> {
    Wire(&'a [u8]),
    Joined(&'a [u8]),
}

impl<'a> Txt<'a> {
    /// Reads RDATA: one or more character-strings, each behind its length octet.
    ///
    /// # Errors
    /// When a string runs over the end, or there is none.
    pub fn parse(rdata: &'a [u8]) -> Result<Self, RecordError> {
        let mut cursor = Cursor::new(rdata);
        loop {
            let at = cursor.offset();
            let string = cursor
                .take_byte()
                .and_then(|length| cursor.take(length.into()));
            if string.is_none() {
                return Err(RecordError::new(RecordErrorKind::Truncated, at));
            }
            if cursor.is_at_end() {
                return Ok(Self(TxtSource::Wire(rdata)));
            }
        }
    }

    /// A text whose strings some resolver has joined already.
    pub const fn joined(text: &'a [u8]) -> Self {
        Self(TxtSource::Joined(text))
    }

    /// The character-strings in order; a joined text is a single one.
    pub fn strings(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (mut wire, mut joined) = match self.0 {
            TxtSource::Wire(rdata) => (Cursor::new(rdata), None),
            TxtSource::Joined(text) => (Cursor::new(&[]), Some(text)),
        };
        core::iter::from_fn(move || {
            joined.take().or_else(|| {
                let length = wire.take_byte()?;
                wire.take(length.into())
            })
        })
    }
}

/// Writes the strings one after the other.
impl Emit for Txt<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.strings().try_for_each(|string| sink.put(string))
    }
}

impl fmt::Display for Txt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// The data of one record.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Rdata<'a> {
    /// An IPv4 address (RFC 1035 3.4.1).
    A(Ipv4Addr),
    /// An IPv6 address (RFC 3596 2.2).
    Aaaa(Ipv6Addr),
    /// An alias (RFC 1035 3.3.1).
    Cname(Name<'a>),
    /// A mail exchange (RFC 1035 3.3.9); a preference of 0 with the root as exchange is a null MX (RFC 7505).
    Mx {
        /// Lower is preferred.
        preference: u16,
        /// The host.
        exchange: Name<'a>,
    },
    /// A name server (RFC 1035 3.3.11).
    Ns(Name<'a>),
    /// Any other type, as bytes (RFC 3597).
    Other {
        /// The type.
        rtype: Rtype,
        /// RDATA as it came.
        data: &'a [u8],
    },
    /// A pointer, used for reverse mapping (RFC 1035 3.3.12).
    Ptr(Name<'a>),
    /// The start of a zone (RFC 1035 3.3.13).
    Soa {
        /// The primary server.
        mname: Name<'a>,
        /// The mailbox of the person responsible.
        rname: Name<'a>,
        /// Serial, refresh, retry, expire and minimum; the last is the negative TTL (RFC 2308 4).
        numbers: [u32; 5],
    },
    /// Text (RFC 1035 3.3.14).
    Txt(Txt<'a>),
}

/// The data of a TLSA record: which certificate a TLS server must show (RFC 6698 2.1).
///
/// In [`Rdata`] the type has no variant of its own: read what [`Rdata::Other`] holds.
///
/// ```text
/// certificate usage (1 octet), selector (1), matching type (1), certificate association data
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tlsa<'a> {
    /// 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE (RFC 6698 2.1.1, RFC 7218 2.1).
    pub usage: u8,
    /// 0 the certificate, 1 its public key (RFC 6698 2.1.2).
    pub selector: u8,
    /// 0 the octets themselves, 1 their SHA-256, 2 their SHA-512 (RFC 6698 2.1.3).
    pub matching: u8,
    /// What must match; never empty.
    pub data: &'a [u8],
}

impl<'a> Tlsa<'a> {
    /// Reads RDATA.
    ///
    /// # Errors
    /// When there are less than four octets.
    pub fn parse(rdata: &'a [u8]) -> Result<Self, RecordError> {
        match rdata {
            &[usage, selector, matching, ref data @ ..] if !data.is_empty() => Ok(Self {
                usage,
                selector,
                matching,
                data,
            }),
            _ => Err(RecordError::new(RecordErrorKind::Truncated, rdata.len())),
        }
    }
}

impl Emit for Tlsa<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(&[self.usage, self.selector, self.matching])?;
        sink.put(self.data)
    }
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// A name in the record is broken.
    Name(NameErrorKind),
    /// RDATA is shorter than RDLENGTH says, or than its type needs.
    Truncated,
    /// RDATA is longer than its type needs.
    TrailingData,
}

impl fmt::Display for RecordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(kind) => kind.fmt(f),
            Self::Truncated => f.write_str("a record ends too early (RFC 1035 3.2.1)"),
            Self::TrailingData => {
                f.write_str("RDATA is longer than its type allows (RFC 1035 3.3)")
            }
        }
    }
}

/// Why, and at which byte.
pub type RecordError = ParseError<RecordErrorKind>;

impl<'a> Rdata<'a> {
    /// Reads the RDATA of type `rtype` that fills bytes `start..end` of `message`.
    ///
    /// # Errors
    /// When the bytes do not fit the type; the offset is in `message`.
    pub fn parse_in(
        message: &'a [u8],
        start: usize,
        end: usize,
        rtype: Rtype,
    ) -> Result<Self, RecordError> {
        let truncated = RecordError::new(RecordErrorKind::Truncated, start);
        let data = message.get(start..end).ok_or(truncated)?;
        // Compression targets lie before the RDATA, nothing of a name lies behind it.
        let message = message.get(..end).ok_or(truncated)?;
        let mut cursor = Cursor::at(message, start);
        let name = |cursor: &mut Cursor<'a>| {
            let (name, next) = Name::parse_in(message, cursor.offset())
                .map_err(|error| error.map(RecordErrorKind::Name))?;
            cursor.seek(next);
            Ok::<_, RecordError>(name)
        };
        let rdata = match rtype {
            Rtype::A => Self::A(cursor.take_array::<4>().ok_or(truncated)?.into()),
            Rtype::AAAA => Self::Aaaa(cursor.take_array::<16>().ok_or(truncated)?.into()),
            Rtype::CNAME => Self::Cname(name(&mut cursor)?),
            Rtype::MX => Self::Mx {
                preference: cursor.take_u16().ok_or(truncated)?,
                exchange: name(&mut cursor)?,
            },
            Rtype::NS => Self::Ns(name(&mut cursor)?),
            Rtype::PTR => Self::Ptr(name(&mut cursor)?),
            Rtype::SOA => {
                let (mname, rname) = (name(&mut cursor)?, name(&mut cursor)?);
                let mut numbers = [0; 5];
                for number in &mut numbers {
                    *number = cursor.take_u32().ok_or(truncated)?;
                }
                Self::Soa {
                    mname,
                    rname,
                    numbers,
                }
            }
            Rtype::TXT => {
                return Txt::parse(data)
                    .map(Self::Txt)
                    .map_err(|error| error.nested(start));
            }
            rtype => return Ok(Self::Other { rtype, data }),
        };
        if !cursor.is_at_end() {
            return Err(RecordError::new(
                RecordErrorKind::TrailingData,
                cursor.offset(),
            ));
        }
        Ok(rdata)
    }

    /// The type.
    pub const fn rtype(&self) -> Rtype {
        match self {
            Self::A(_) => Rtype::A,
            Self::Aaaa(_) => Rtype::AAAA,
            Self::Cname(_) => Rtype::CNAME,
            Self::Mx { .. } => Rtype::MX,
            Self::Ns(_) => Rtype::NS,
            Self::Other { rtype, .. } => *rtype,
            Self::Ptr(_) => Rtype::PTR,
            Self::Soa { .. } => Rtype::SOA,
            Self::Txt(_) => Rtype::TXT,
        }
    }
}

/// Writes the uncompressed wire form, without RDLENGTH. A joined text is cut into strings of 255 octets.
impl Emit for Rdata<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::A(address) => sink.put(&address.octets()),
            Self::Aaaa(address) => sink.put(&address.octets()),
            Self::Cname(name) | Self::Ns(name) | Self::Ptr(name) => name.emit(sink),
            Self::Mx {
                preference,
                exchange,
            } => {
                sink.put(&preference.to_be_bytes())?;
                exchange.emit(sink)
            }
            Self::Other { data, .. } => sink.put(data),
            Self::Soa {
                mname,
                rname,
                numbers,
            } => {
                mname.emit(sink)?;
                rname.emit(sink)?;
                numbers
                    .iter()
                    .try_for_each(|number| sink.put(&number.to_be_bytes()))
            }
            Self::Txt(Txt(TxtSource::Wire(rdata))) => sink.put(rdata),
            Self::Txt(Txt(TxtSource::Joined([]))) => sink.put_byte(0),
            Self::Txt(Txt(TxtSource::Joined(text))) => text.chunks(255).try_for_each(|string| {
                sink.put_byte(u8::try_from(string.len()).map_err(|_| Full)?)?;
                sink.put(string)
            }),
        }
    }
}

/// One record of a DNS message (RFC 1035 4.1.3).
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Whom it belongs to.
    pub owner: Name<'a>,
    /// The class as it stands; OPT keeps the sender's UDP size here (RFC 6891 6.1.2).
    pub class: u16,
    /// The time to live as it stands, in seconds; OPT keeps flags here (RFC 6891 6.1.3).
    pub ttl: u32,
    /// The data.
    pub rdata: Rdata<'a>,
}

/// The internet class (RFC 1035 3.2.4).
pub const CLASS_IN: u16 = 1;

impl<'a> Record<'a> {
    /// Reads the record that starts at byte `start` of a message; also gives the byte after it.
    ///
    /// # Errors
    /// When the record breaks a rule of RFC 1035; the offset is in `message`.
    pub fn parse_in(message: &'a [u8], start: usize) -> Result<(Self, usize), RecordError> {
        let (owner, end) =
            Name::parse_in(message, start).map_err(|error| error.map(RecordErrorKind::Name))?;
        let mut cursor = Cursor::at(message, end);
        let mut fixed = || {
            let rtype = Rtype(cursor.take_u16()?);
            Some((
                rtype,
                cursor.take_u16()?,
                cursor.take_u32()?,
                usize::from(cursor.take_u16()?),
            ))
        };
        let (rtype, class, ttl, rdlength) =
            fixed().ok_or(RecordError::new(RecordErrorKind::Truncated, end))?;
        let start = cursor.offset();
        let rdata = Rdata::parse_in(message, start, start + rdlength, rtype)?;
        Ok((
            Self {
                owner,
                class,
                ttl,
                rdata,
            },
            start + rdlength,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{string::ToString, vec::Vec};

    #[test]
    fn texts() {
        let txt = Txt::parse(b"\x03abc\x00\x02de").unwrap();
        assert_eq!(txt.to_string(), "abcde");
        assert!(txt.strings().eq([&b"abc"[..], b"", b"de"]));
        assert!(Txt::joined(b"abcde").strings().eq([&b"abcde"[..]]));
        assert_eq!(Txt::parse(b"").unwrap_err().offset(), 0);
        assert_eq!(Txt::parse(b"\x01a\x05abc").unwrap_err().offset(), 2);
        let mut wire: heapless::Vec<u8, 600> = heapless::Vec::new();
        Rdata::Txt(Txt::joined(&[b'x'; 300]))
            .emit(&mut wire)
            .unwrap();
        assert_eq!((wire[0], wire[256], wire.len()), (255, 45, 302));
        assert_eq!(Txt::parse(&wire).unwrap().emitted_len(), 300);
    }

    #[test]
    fn tlsa() {
        let rdata = b"\x03\x01\x01\xab\xcd";
        let tlsa = Tlsa::parse(rdata).unwrap();
        assert_eq!((tlsa.usage, tlsa.selector, tlsa.matching), (3, 1, 1));
        let mut wire: heapless::Vec<u8, 8> = heapless::Vec::new();
        tlsa.emit(&mut wire).unwrap();
        assert_eq!(wire, rdata);
        for len in 0..4 {
            assert!(Tlsa::parse(&rdata[..len]).is_err());
        }
    }

    #[test]
    fn rdata_must_fill_its_length() {
        for (rtype, data) in [
            (Rtype::A, &b"\x7f\x00\x00\x01"[..]),
            (Rtype::AAAA, &[9; 16]),
            (Rtype::CNAME, b"\x01a\x00"),
            (Rtype::NS, b"\x01a\x00"),
            (Rtype::PTR, b"\x01a\x00"),
            (Rtype::MX, b"\x00\x0a\x01a\x00"),
            (
                Rtype::SOA,
                b"\x01a\x00\x01b\x00\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
            ),
            (Rtype::TXT, b"\x01a\x01b"),
        ] {
            let rdata = Rdata::parse_in(data, 0, data.len(), rtype).unwrap();
            assert_eq!(rdata.rtype(), rtype);
            let mut wire: heapless::Vec<u8, 64> = heapless::Vec::new();
            rdata.emit(&mut wire).unwrap();
            assert_eq!(wire, data);
            assert!(
                Rdata::parse_in(data, 0, data.len() - 1, rtype).is_err(),
                "{rtype}"
            );
            let longer = [data, b"\x09"].concat();
            assert!(
                Rdata::parse_in(&longer, 0, longer.len(), rtype).is_err(),
                "{rtype}"
            );
            assert!(
                Rdata::parse_in(data, 0, data.len() + 1, rtype).is_err(),
                "{rtype}"
            );
        }
    }

    #[test]
    fn a_record_in_a_message() {
        let message =
            b"\x03org\x00\xc0\x00\x00\x0f\x00\x01\x00\x00\x0e\x10\x00\x07\x00\x05\x02mx\xc0\x00!";
        let (record, end) = Record::parse_in(message, 5).unwrap();
        assert_eq!(
            (record.ttl, record.class, end),
            (3600, CLASS_IN, message.len() - 1)
        );
        let Rdata::Mx {
            preference,
            exchange,
        } = record.rdata
        else {
            panic!("{record:?}")
        };
        assert_eq!((preference, exchange.to_string().as_str()), (5, "mx.org."));
        assert_eq!(Rtype(65_280).to_string(), "TYPE65280");
    }

    proptest! {
        #[test]
        fn any_bytes(message: Vec<u8>, start in 0_usize..8, end in 0_usize..64, rtype in 0_u16..50) {
            let _ = Record::parse_in(&message, start);
            if let Ok(rdata) = Rdata::parse_in(&message, start, end, Rtype(rtype)) {
                prop_assert_eq!(rdata.rtype(), Rtype(rtype));
                let wire = rdata.emitted_len();
                prop_assert!(wire >= end - start || wire < 600);
            }
        }
    }
}
