//! The parts of a message as the index gives them: each with its bytes, its body, its decoded body.

use scop_core::Emit as _;
use scop_mime_core::{Message, Typed};

use super::Mismatch;
use super::trace::Nothing;
use crate::model::Body;
use crate::write::Expected;

/// Whether the index gives the parts that were written, in order.
pub(crate) fn check(
    expected: &[Expected<'_>],
    bytes: &[u8],
    decoded: &mut Vec<u8>,
) -> Result<(), (String, Mismatch)> {
    let index = Message::index(bytes);
    // The parts that are not over: where each began, and its number in the order of the message.
    let mut open: Vec<usize> = Vec::new();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut position = 0;
    let mut leaves = Vec::new();
    for event in expected {
        match event {
            Expected::Begin { .. } => {
                open.push(spans.len());
                spans.push((position, position));
            }
            Expected::End { .. } => {
                if let Some(span) = open.pop().and_then(|index| spans.get_mut(index)) {
                    span.1 = position;
                }
            }
            Expected::Field { range, .. }
            | Expected::HeaderEnd { range, .. }
            | Expected::Preamble(range)
            | Expected::Epilogue(range)
            | Expected::Delimiter { range, .. } => position = range.end,
            Expected::Body { range, entity } => {
                position = range.end;
                if let (Body::Leaf(leaf), Some(&part)) = (&entity.body, open.last()) {
                    leaves.push((part, leaf));
                }
            }
        }
    }
    let mut leaves = leaves.into_iter().peekable();
    let mut count: usize = 0;
    for (number, part) in index.parts().enumerate() {
        count = count.saturating_add(1);
        let place = || format!("part number {number}");
        let (start, end) = spans.get(number).copied().unwrap_or_default();
        let due = bytes.get(start..end).unwrap_or_default();
        // A part that holds others is read once more, to its end.
        let whole = index.whole(&part);
        let raw = whole.and_then(|part| part.raw());
        if raw != Some(due) {
            let raw = raw.unwrap_or_default();
            return Err((place(), Mismatch::bytes("raw part", due, raw)));
        }
        if let Some((_, leaf)) = leaves.next_if(|(part, _)| *part == number) {
            decoded.clear();
            // A vector is never full.
            let _ = part.decode(decoded);
            if leaf.content != *decoded {
                let mismatch = Mismatch::bytes("decoded part", &leaf.content, decoded);
                return Err((place(), mismatch));
            }
        }
    }
    if count != spans.len() {
        let mismatch = Mismatch::text("parts", spans.len().to_string(), count.to_string());
        return Err(("message".to_owned(), mismatch));
    }
    Ok(())
}

/// Reads all that there is to be read of bytes that may be anything: nothing may panic.
pub(crate) fn read_all(bytes: &[u8]) {
    let mut nothing = Nothing::default();
    for part in Message::index(bytes).parts() {
        for field in part.header().fields() {
            if let Typed::Unstructured(text) = field.typed() {
                let _ = text.text().emit(&mut nothing);
            }
        }
        let _ = part.decode(&mut nothing);
    }
}
