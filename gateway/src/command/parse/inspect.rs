//! What is wrong with a message, and where its parts end.

use scop_mime_core::{Defect, Event, Inspector, Limits, Message};

/// How many defects are told one by one.
const MOST: usize = 200;

/// What was found.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) defects: Vec<Defect>,
    /// How many more there are.
    pub(crate) omitted: u64,
    /// Whether two reasonable readers may see different content.
    pub(crate) ambiguous: bool,
    /// Where each part ends, in the order in which they begin.
    pub(crate) ends: Vec<usize>,
}

/// Reads a message once.
pub(crate) fn inspect(bytes: &[u8]) -> Findings {
    let mut inspector = Inspector::<MOST>::new(&Limits::DEFAULT);
    let mut ends = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut position: usize = 0;
    for event in Message::index(bytes).events() {
        inspector.event(&event);
        position = position.saturating_add(event.raw().len());
        match event {
            Event::Begin(_) => {
                open.push(ends.len());
                ends.push(position);
            }
            Event::End(_) => {
                if let Some(end) = open.pop().and_then(|index| ends.get_mut(index)) {
                    *end = position;
                }
            }
            _ => {}
        }
    }
    inspector.finish();
    Findings {
        defects: inspector.defects().to_vec(),
        omitted: inspector.omitted(),
        ambiguous: inspector.is_ambiguous(),
        ends,
    }
}
