//! What is wrong with a message, and where its parts end.

use scop_mime_core::{Defect, DefectKind, DefectSet, Event, FieldName, Inspector, Limits, Message};
use serde::Serialize;

/// How many defects are told one by one.
const MOST: usize = 200;

/// What was found.
#[derive(Debug)]
pub(crate) struct Findings {
    /// By the byte at which they stand.
    pub(crate) broken: Vec<Broken>,
    /// How many more there are.
    pub(crate) omitted: u64,
    /// Whether two reasonable readers may see different content.
    pub(crate) ambiguous: bool,
    pub(crate) line_ends: LineEnds,
    /// Where each part ends, in the order in which they begin.
    pub(crate) ends: Vec<usize>,
}

/// How lines end; what is declared binary is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LineEnds {
    /// All with CRLF, or there are no lines.
    Crlf,
    /// All with LF: how messages are stored, not how they travel. That is no defect.
    Lf,
    /// Some with CRLF, some with LF.
    Mixed,
}

impl LineEnds {
    const fn of(kinds: DefectSet) -> Self {
        if kinds.contains(DefectKind::MixedLineEnds) {
            Self::Mixed
        } else if kinds.contains(DefectKind::BareLf) {
            Self::Lf
        } else {
            Self::Crlf
        }
    }
}

/// A defect in words.
#[derive(Debug, Serialize)]
pub(crate) struct Broken {
    pub(crate) offset: u64,
    /// The name of the kind, which stays.
    kind: String,
    pub(crate) rule: String,
    pub(crate) ambiguous: bool,
}

impl Broken {
    /// `missing` names the field that is missing, if one is.
    fn new(defect: &Defect, missing: Option<&str>) -> Self {
        let rule = match missing {
            Some(name) => format!("{}: {name}", defect.kind),
            None => defect.kind.to_string(),
        };
        Self {
            offset: defect.offset,
            kind: snake_case(&format!("{:?}", defect.kind)),
            rule,
            ambiguous: defect.kind.is_ambiguous(),
        }
    }
}

/// `BareLf` as `bare_lf`; a digit belongs to the word before it.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Reads a message once.
pub(crate) fn inspect(bytes: &[u8]) -> Findings {
    let mut inspector = Inspector::<MOST>::new(&Limits::DEFAULT);
    let mut required = Required::default();
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
            Event::Field(field) if ends.len() == 1 => required.seen(field.known()),
            Event::End(_) => {
                if let Some(end) = open.pop().and_then(|index| ends.get_mut(index)) {
                    *end = position;
                }
            }
            _ => {}
        }
    }
    inspector.finish();
    let line_ends = LineEnds::of(inspector.kinds());
    let mut omitted = inspector.omitted();
    let mut defects = inspector.defects().to_vec();
    if line_ends == LineEnds::Lf {
        let before = defects.len();
        defects.retain(|defect| defect.kind != DefectKind::BareLf);
        // It is told once for a message.
        if defects.len() == before {
            omitted = omitted.saturating_sub(1);
        }
    }
    defects.sort_by_key(|defect| defect.offset);
    let broken: Vec<Broken> = defects
        .iter()
        .map(|defect| Broken::new(defect, required.missing(defect)))
        .collect();
    Findings {
        broken,
        omitted,
        ambiguous: inspector.is_ambiguous(),
        line_ends,
        ends,
    }
}

/// The fields that the message itself must have, as the inspector counts them.
struct Required(Vec<FieldName>);

impl Default for Required {
    fn default() -> Self {
        let names = FieldName::ALL.iter().copied();
        Self(names.filter(|name| name.occurs().is_required()).collect())
    }
}

impl Required {
    fn seen(&mut self, name: Option<FieldName>) {
        self.0.retain(|required| Some(*required) != name);
    }

    /// Which field a defect is about. The message's own header begins at byte 0, and its missing fields
    /// are told in order.
    fn missing(&mut self, defect: &Defect) -> Option<&'static str> {
        match (defect.kind, defect.offset) {
            (DefectKind::MissingField, 0) if !self.0.is_empty() => Some(self.0.remove(0).as_str()),
            (DefectKind::MissingField, 1..) => Some("one of From, Subject, Date"),
            _ => None,
        }
    }
}
