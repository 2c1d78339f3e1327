//! What is wrong with a message, and where its parts end.

use scop_mime_core::{Defect, Event, Message};

/// What was found.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) defects: Vec<Defect>,
    /// How many more there are.
    pub(crate) omitted: u64,
    /// Whether two reasonable readers may see different content.
    pub(crate) ambiguous: bool,
}

/// Looks for everything that is wrong.
pub(crate) fn inspect(bytes: &[u8]) -> Findings {
    let mut defects = Vec::new();
    for event in Message::index(bytes).events() {
        if let Event::Defect(defect) = event {
            defects.push(defect);
        }
    }
    Findings {
        ambiguous: defects.iter().any(|defect| defect.kind.is_ambiguous()),
        omitted: 0,
        defects,
    }
}

/// Where each part ends, in the order in which they begin.
pub(crate) fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut ends = Vec::new();
    let mut open = Vec::new();
    let mut position: usize = 0;
    for event in Message::index(bytes).events() {
        position = position.saturating_add(event.raw().len());
        match event {
            Event::Begin(_) => {
                open.push(ends.len());
                ends.push(position);
            }
            Event::End(_) => {
                if let Some(end) = open.pop().and_then(|index: usize| ends.get_mut(index)) {
                    *end = position;
                }
            }
            _ => {}
        }
    }
    ends.into_iter()
}
