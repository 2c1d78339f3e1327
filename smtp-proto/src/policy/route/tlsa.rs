//! The TLSA records of a host (RFC 7672 2.2.3, 3.1).

use scop_core::lookup::Failure;
use scop_core::{Answer, Cursor, Rdata, Rtype, Security};

use super::request::Limits;

/// What the TLSA lookup of a host came to.
#[derive(Clone, Debug)]
pub(super) enum Tlsa<const TLSA: usize> {
    /// There are none, they are not secure, or nobody asked.
    Absent,
    /// The lookup failed.
    Failed(Failure),
    /// There are more than a limit or the room allows.
    TooMany,
    /// There are secure ones, but none of a kind that SMTP can use.
    Unusable,
    /// The usable ones: each with its length as two octets before it.
    Usable(heapless::Vec<u8, TLSA>),
}

impl<const TLSA: usize> Tlsa<TLSA> {
    pub(super) fn take(&mut self, answer: Answer<'_>, limits: Limits) {
        let records = match answer {
            Answer::Failed(failure) => return *self = Self::Failed(failure),
            Answer::Records(records, Security::Secure) => records,
            _ => return,
        };
        let mut kept = heapless::Vec::new();
        let mut count = 0_u8;
        for rdata in records {
            let Rdata::Other {
                rtype: Rtype::TLSA,
                data,
            } = rdata
            else {
                continue;
            };
            count = count.saturating_add(1);
            let length = u16::try_from(data.len()).map(u16::to_be_bytes);
            let (Ok(length), true) = (length, count <= limits.tlsa_records) else {
                return *self = Self::TooMany;
            };
            let Ok(tlsa) = scop_core::Tlsa::parse(data) else {
                continue;
            };
            if !is_usable(tlsa) {
                continue;
            }
            let fits =
                kept.extend_from_slice(&length).is_ok() && kept.extend_from_slice(data).is_ok();
            if !fits {
                return *self = Self::TooMany;
            }
        }
        *self = if kept.is_empty() {
            Self::Unusable
        } else {
            Self::Usable(kept)
        };
    }
}

/// Whether SMTP can use a record: usage DANE-TA or DANE-EE (RFC 7672 3.1), a known selector, and a
/// known matching type whose digest has its length (RFC 6698 2.1).
fn is_usable(tlsa: scop_core::Tlsa<'_>) -> bool {
    let length_is_right = match tlsa.matching {
        0 => true,
        1 => tlsa.data.len() == 32,
        2 => tlsa.data.len() == 64,
        _ => false,
    };
    matches!(tlsa.usage, 2 | 3) && tlsa.selector <= 1 && length_is_right
}

/// The usable TLSA records of a host; one of them must match its certificate (RFC 7672 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsaRecords<'r>(&'r [u8]);

impl<'r> TlsaRecords<'r> {
    pub(super) const fn new(kept: &'r [u8]) -> Self {
        Self(kept)
    }

    /// The records in the order of the answer; never none.
    pub fn iter(&self) -> impl Iterator<Item = scop_core::Tlsa<'r>> + use<'r> {
        let mut cursor = Cursor::new(self.0);
        core::iter::from_fn(move || {
            let length = cursor.take_u16()?;
            scop_core::Tlsa::parse(cursor.take(length.into())?).ok()
        })
    }
}
