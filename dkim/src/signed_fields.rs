//! Which fields a list of names means, and what is hashed of them (RFC 6376 3.7, 5.4.2).

use core::cmp::Ordering;

use scop_core::{Full, Sink};
use scop_mime_core::{Field, HeaderBlock};

use crate::canonical::Form;
use crate::canonical::header::{Unfolder, canonicalize, relaxed_name};
use crate::signature::Signature;

/// Names in `h=`, counted with repetitions. Lists with more than 60 have not been seen.
pub const MAX_HEADER_NAMES: usize = 128;

/// The fields that a list of names selects.
///
/// For each name in turn it is the lowest field of that name that was not selected before, or nothing.
/// All are found in one pass over the header, from the bottom: each field is looked up by binary
/// search, so the time is that of the header and not its product with the list.
#[derive(Debug)]
pub(crate) struct SignedFields<'a> {
    /// In the order of the list.
    entries: heapless::Vec<Entry<'a>, MAX_HEADER_NAMES>,
    /// Places in `entries`, as many as these, ordered by name, and by place where names are the same.
    by_name: [u8; MAX_HEADER_NAMES],
}

#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    name: &'a [u8],
    /// The selected field.
    field: Option<Span>,
    /// Used in the first entry of a name: how many of them have a field.
    filled: u8,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl<'a> SignedFields<'a> {
    /// Selects from `header`, where the field at `except` counts as absent.
    ///
    /// `None` when there are more than [`MAX_HEADER_NAMES`] names.
    pub(crate) fn select(
        header: HeaderBlock<'_>,
        names: impl Iterator<Item = &'a [u8]>,
        except: Option<usize>,
    ) -> Option<Self> {
        let mut fields = Self {
            entries: heapless::Vec::new(),
            by_name: [0; MAX_HEADER_NAMES],
        };
        for name in names {
            fields.add(name)?;
        }
        for field in header.fields().rev() {
            if !field.is_malformed() && Some(field.offset()) != except {
                fields.offer(&field);
            }
        }
        Some(fields)
    }

    fn add(&mut self, name: &'a [u8]) -> Option<()> {
        let used = self.entries.len();
        let place = u8::try_from(used).ok()?;
        let at = self.first_place(|other| compare(other, name) != Ordering::Greater);
        let entry = Entry {
            name,
            field: None,
            filled: 0,
        };
        self.entries.push(entry).ok()?;
        // Inserts: each place from there on takes what was in the one before.
        let mut carried = place;
        for slot in self.by_name.get_mut(at..=used)? {
            core::mem::swap(slot, &mut carried);
        }
        Some(())
    }

    /// Selects the field if its name still lacks one.
    fn offer(&mut self, field: &Field<'_>) {
        let name = field.name();
        let first = self.first_place(|other| compare(other, name) == Ordering::Less);
        let span = Span {
            start: saturate(field.offset()),
            end: saturate(field.offset().saturating_add(field.raw().len())),
        };
        let Some(head) = self.entry_mut(first).filter(|head| head.has_name(name)) else {
            return;
        };
        let next = first.saturating_add(head.filled.into());
        let Some(entry) = self.entry_mut(next).filter(|entry| entry.has_name(name)) else {
            return;
        };
        entry.field = Some(span);
        if let Some(head) = self.entry_mut(first) {
            head.filled = head.filled.saturating_add(1);
        }
    }

    fn entry_mut(&mut self, place: usize) -> Option<&mut Entry<'a>> {
        let used = self.by_name.get(..self.entries.len())?;
        let index = *used.get(place)?;
        self.entries.get_mut(usize::from(index))
    }

    /// The first place in the order of names for which `before` does not hold.
    fn first_place(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        self.by_name
            .get(..self.entries.len())
            .unwrap_or_default()
            .partition_point(|&index| {
                let entry = self.entries.get(usize::from(index));
                entry.is_some_and(|entry| before(entry.name))
            })
    }

    /// Writes the selected fields of `header` in canonical form.
    pub(crate) fn emit<S: Sink + ?Sized>(
        &self,
        header: HeaderBlock<'_>,
        form: Form,
        sink: &mut S,
    ) -> Result<(), Full> {
        for span in self.entries.iter().filter_map(|entry| entry.field) {
            let raw = header
                .as_bytes()
                .get(span.start as usize..span.end as usize)
                .unwrap_or_default();
            for field in HeaderBlock::new(raw).fields() {
                canonicalize(form, &field, sink)?;
            }
        }
        Ok(())
    }
}

impl Entry<'_> {
    fn has_name(&self, name: &[u8]) -> bool {
        compare(self.name, name) == Ordering::Equal
    }
}

/// An order of names, without regard to case.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (one.iter(), other.iter());
    one.len().cmp(&other.len()).then_with(|| {
        let other = other.map(u8::to_ascii_lowercase);
        one.map(u8::to_ascii_lowercase).cmp(other)
    })
}

/// Headers longer than `u32::MAX` are refused before.
fn saturate(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Writes the signature field as it is hashed: `b=` empty, and no line end.
pub(crate) fn emit_unsigned<S: Sink + ?Sized>(
    field: &Field<'_>,
    signature: &Signature<'_>,
    sink: &mut S,
) -> Result<(), Full> {
    let pieces = signature.without_signature();
    match signature.canonicalization().header {
        Form::Relaxed => {
            relaxed_name(field.name(), sink)?;
            let mut value = Unfolder::new(sink);
            pieces.iter().try_for_each(|piece| value.put(piece))?;
            value.finish()
        }
        Form::Simple => {
            let start = field.raw().get(..field.value_start()).unwrap_or_default();
            sink.put(start)?;
            pieces.iter().try_for_each(|piece| sink.put(piece))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{string::String, vec::Vec};

    /// RFC 6376 5.4.2, word by word.
    fn naive(header: &[u8], names: &[&[u8]], except: Option<usize>) -> Vec<u8> {
        let mut left: Vec<Field<'_>> = HeaderBlock::new(header)
            .fields()
            .filter(|field| Some(field.offset()) != except)
            .collect();
        let mut out = Vec::new();
        for name in names {
            if let Some(at) = left.iter().rposition(|field| field.is(name)) {
                out.extend(left.remove(at).raw());
            }
        }
        out
    }

    fn selected(header: &[u8], names: &[&[u8]], except: Option<usize>) -> Vec<u8> {
        let header = HeaderBlock::new(header);
        let fields = SignedFields::select(header, names.iter().copied(), except).unwrap();
        let mut out: heapless::Vec<u8, 4096> = heapless::Vec::new();
        fields.emit(header, Form::Simple, &mut out).unwrap();
        out.to_vec()
    }

    #[test]
    fn from_the_bottom_and_not_twice() {
        let header = b"A: 1\r\nB: 2\r\na : 3\r\nnot a field\r\nB: 4\r\nA: 5\r\n";
        for (names, expected) in [
            (&[&b"a"[..]][..], &b"A: 5\r\n"[..]),
            (&[b"A", b"a"], b"A: 5\r\na : 3\r\n"),
            (
                &[b"a", b"B", b"a", b"a", b"a", b"b", b"b"],
                b"A: 5\r\nB: 4\r\na : 3\r\nA: 1\r\nB: 2\r\n",
            ),
            (&[b"C", b"not a field", b""], b""),
        ] {
            assert_eq!(selected(header, names, None), expected);
            assert_eq!(naive(header, names, None), expected);
        }
        // The field at byte 38 is A: 5.
        assert_eq!(selected(header, &[b"a"], Some(38)), b"a : 3\r\n");
    }

    #[test]
    fn the_list_is_bounded() {
        let names = |count| core::iter::repeat_n(&b"a"[..], count);
        let header = HeaderBlock::new(b"a:1\r\na:2\r\n");
        assert!(SignedFields::select(header, names(MAX_HEADER_NAMES), None).is_some());
        assert!(SignedFields::select(header, names(MAX_HEADER_NAMES + 1), None).is_none());
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_reference(
            header in prop::collection::vec("(a|b|B|bb|c|A)( )?:[xy]{0,2}(\r\n z)?\r\n|junk\r\n", 0..12),
            names in prop::collection::vec("a|A|b|bb|BB|c|d", 0..20),
            except in prop::option::of(0_usize..3),
        ) {
            let header = header.concat();
            let except = except.and_then(|nth| {
                HeaderBlock::new(header.as_bytes()).fields().nth(nth).map(|field| field.offset())
            });
            let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
            prop_assert_eq!(
                selected(header.as_bytes(), &names, except),
                naive(header.as_bytes(), &names, except)
            );
        }
    }
}
