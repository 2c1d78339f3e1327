//! Resent blocks (RFC 5322 3.6.6): each time a person sends a message on as it is, a set of Resent-
//! fields is put above it.
//!
//! ```
//! use scop_mime_core::HeaderBlock;
//! use scop_mime_core::header::resent::ResentBlocks;
//!
//! let header = HeaderBlock::new(
//!     b"Received: by b.example; 21 Nov 1997 10:05:43 -0600\r\nResent-From: mary@example.net\r\n\
//!       Resent-To: jane@example.net\r\nReceived: by a.example; 21 Nov 1997 09:05:43 -0600\r\n\
//!       From: john@example.org\r\n",
//! );
//! let block = ResentBlocks::new(header).next().unwrap();
//! assert_eq!(block.resent().fields().count(), 2);
//! assert_eq!(block.trace().fields().count(), 1);
//! ```

use super::scan::{Field, Fields, HeaderBlock};
use super::typed::FieldName;

/// The Resent blocks of a header, the latest first.
///
/// ```text
/// fields = *(trace *optional-field / *(resent-date / resent-from / resent-sender / resent-to /
///            resent-cc / resent-bcc / resent-msg-id)) ...         ; RFC 5322 3.6
/// ```
///
/// Resent- fields that follow one another are one block, up to a name that the block already holds: there
/// the block of an earlier sending begins. Two sendings without any such name are not told apart, because
/// nothing does. Trace fields, and optional fields behind them, belong to the block below.
#[derive(Clone, Debug)]
pub struct ResentBlocks<'a> {
    header: &'a [u8],
    fields: Fields<'a>,
    /// A field that was taken and not used.
    pending: Option<Field<'a>>,
}

impl<'a> ResentBlocks<'a> {
    /// Over a header.
    pub const fn new(header: HeaderBlock<'a>) -> Self {
        Self {
            header: header.as_bytes(),
            fields: header.fields(),
            pending: None,
        }
    }

    fn block(&self, trace: usize, resent: usize, end: usize) -> ResentBlock<'a> {
        let span = |from, to| HeaderBlock::exact(self.header.get(from..to).unwrap_or_default());
        ResentBlock {
            trace: span(trace, resent),
            resent: span(resent, end),
            offset: trace,
        }
    }
}

impl<'a> Iterator for ResentBlocks<'a> {
    type Item = ResentBlock<'a>;

    fn next(&mut self) -> Option<ResentBlock<'a>> {
        // Where the trace fields and the Resent- fields begin, where they end, and which names came.
        let mut trace = None;
        let mut resent: Option<(usize, usize, u16)> = None;
        while let Some(field) = self.pending.take().or_else(|| self.fields.next()) {
            let start = field.offset();
            let end = start.saturating_add(field.raw().len());
            match (place(&field), &mut resent) {
                (Place::Resent(name), None) => resent = Some((start, end, name)),
                (Place::Resent(name), Some((_, last, names))) if *names & name == 0 => {
                    (*last, *names) = (end, *names | name);
                }
                (_, Some(_)) => {
                    self.pending = Some(field);
                    break;
                }
                (Place::Trace, None) => trace = trace.or(Some(start)),
                (Place::Optional, None) => {}
                (Place::Message, None) => trace = None,
            }
        }
        let (start, end, _) = resent?;
        Some(self.block(trace.unwrap_or(start), start, end))
    }
}

/// What one sending put above a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResentBlock<'a> {
    trace: HeaderBlock<'a>,
    resent: HeaderBlock<'a>,
    offset: usize,
}

impl<'a> ResentBlock<'a> {
    /// The trace fields above the Resent- fields, and optional fields among them. The servers that carried
    /// the message after it was resent wrote them.
    pub const fn trace(&self) -> HeaderBlock<'a> {
        self.trace
    }

    /// The Resent- fields.
    pub const fn resent(&self) -> HeaderBlock<'a> {
        self.resent
    }

    /// Where the block begins in the header; offsets in [`Self::trace`] count from there, those in
    /// [`Self::resent`] from its end.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// Where RFC 5322 3.6 puts a field.
enum Place {
    Trace,
    /// With a bit for its name.
    Resent(u16),
    Optional,
    /// Among the fields of the message itself.
    Message,
}

fn place(field: &Field<'_>) -> Place {
    use FieldName as Name;
    let resent = match field.known() {
        Some(Name::Received | Name::ReturnPath) => return Place::Trace,
        Some(Name::ResentDate) => 1,
        Some(Name::ResentFrom) => 1 << 1,
        Some(Name::ResentSender) => 1 << 2,
        Some(Name::ResentTo) => 1 << 3,
        Some(Name::ResentCc) => 1 << 4,
        Some(Name::ResentBcc) => 1 << 5,
        Some(Name::ResentMessageId) => 1 << 6,
        Some(Name::ResentReplyTo) => 1 << 7,
        Some(
            Name::Date
            | Name::From
            | Name::Sender
            | Name::ReplyTo
            | Name::To
            | Name::Cc
            | Name::Bcc
            | Name::MessageId
            | Name::InReplyTo
            | Name::References
            | Name::Subject
            | Name::Comments
            | Name::Keywords,
        ) => return Place::Message,
        _ => return Place::Optional,
    };
    Place::Resent(resent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// The header as one letter per field.
    fn header(letters: &str) -> Vec<u8> {
        let name = |letter| match letter {
            'r' => "Received",
            'p' => "Return-Path",
            'x' => "X-Other",
            'k' => "DKIM-Signature",
            'f' => "Resent-From",
            'd' => "resent-date",
            't' => "Resent-To",
            _ => "Subject",
        };
        letters
            .chars()
            .flat_map(|letter| [name(letter).as_bytes(), b": a\r\n"].concat())
            .collect()
    }

    /// How many fields of trace and how many of Resent each block has.
    fn blocks(letters: &str) -> Vec<(usize, usize)> {
        let bytes = header(letters);
        ResentBlocks::new(HeaderBlock::new(&bytes))
            .map(|block| {
                let whole = [block.trace().as_bytes(), block.resent().as_bytes()].concat();
                assert!(bytes[block.offset()..].starts_with(&whole));
                (
                    block.trace().fields().count(),
                    block.resent().fields().count(),
                )
            })
            .collect()
    }

    #[test]
    fn known_answers() {
        let cases: [(&str, &[(usize, usize)]); 13] = [
            ("", &[]),
            ("prrs", &[]),
            ("fdts", &[(0, 3)]),
            ("rfdtrs", &[(1, 3)]),
            ("prkfdrrfts", &[(3, 2), (2, 2)]),
            ("fdfds", &[(0, 2), (0, 2)]),
            ("fdtdfs", &[(0, 3), (0, 2)]),
            ("rsfd", &[(0, 2)]),
            ("xrfx", &[(1, 1)]),
            ("rxxfd", &[(3, 2)]),
            ("fxd", &[(0, 1), (0, 1)]),
            ("frd", &[(0, 1), (1, 1)]),
            ("ff", &[(0, 1), (0, 1)]),
        ];
        for (letters, expected) in cases {
            assert_eq!(blocks(letters), expected, "{letters}");
        }
    }

    proptest! {
        /// Every Resent- field is in exactly one block, and no block names a field twice.
        #[test]
        fn every_field_once(letters in "[rpxkfdts]{0,16}") {
            let bytes = header(&letters);
            let resent: usize = blocks(&letters).iter().map(|(_, count)| count).sum();
            prop_assert_eq!(resent, letters.matches(['f', 'd', 't']).count());
            for block in ResentBlocks::new(HeaderBlock::new(&bytes)) {
                let mut names: Vec<_> = block.resent().fields().map(|field| field.known().unwrap()).collect();
                names.sort_unstable();
                let count = names.len();
                names.dedup();
                prop_assert_eq!(names.len(), count);
                prop_assert!(count > 0);
            }
        }
    }
}
