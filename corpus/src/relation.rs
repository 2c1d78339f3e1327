//! What reading and writing must keep, for every message.
//!
//! 1. What was written is read: the tree, the order, the name and exact bytes of every field, every value,
//!    every decoded body.
//! 2. What was read is written again, byte for byte.
//! 3. The two readers agree, however the input is cut.
//! 4. Of a damaged message every byte is still accounted for exactly once, by both readers alike, and
//!    nothing panics.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use scop_mime_core::body::push::MIN_BUFFER;
use scop_mime_core::coding::Decoder;
use scop_mime_core::edit::Edit;
use scop_mime_core::{Encoding, Field, Limits};

mod built;
mod damage;
mod parts;
mod reports;
mod trace;
mod values;

use trace::{Mark, Trace, What};

use crate::feature::{Feature, Features};
use crate::model::{Body, Entity, LineEnd, Message};
use crate::rng::Rng;
use crate::write::{self, Expected};

/// Which relation does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// parse(emit(m)) == m
    Parse,
    /// emit(parse(b)) == b
    Emit,
    /// index == push
    Agree,
    /// A damaged variant.
    Damage,
    /// parse(build(d)) == d, without defects.
    Build,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parse => "what was written is not what is read",
            Self::Emit => "what was read is not written again byte for byte",
            Self::Agree => "the two readers differ",
            Self::Damage => "a damaged message is not accounted for",
            Self::Build => "what was built is not what is read",
        })
    }
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Which value of the field or part.
    pub what: &'static str,
    /// What is right.
    pub expected: String,
    /// What the reader says.
    pub actual: String,
}

impl Mismatch {
    fn text(what: &'static str, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self {
            what,
            expected: expected.into(),
            actual: actual.into(),
        }
    }

    fn bytes(what: &'static str, expected: &[u8], actual: &[u8]) -> Self {
        Self::text(
            what,
            expected.escape_ascii().to_string(),
            actual.escape_ascii().to_string(),
        )
    }
}

/// A relation that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed of the message.
    pub seed: u64,
    /// Which relation.
    pub relation: Relation,
    /// The field or part, and the byte.
    pub place: String,
    /// What differs.
    pub mismatch: Mismatch,
    /// The bytes that were read, where they are not those of the seed.
    pub damaged: Option<Vec<u8>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch {
            what,
            expected,
            actual,
        } = &self.mismatch;
        writeln!(f, "seed {}: {}", self.seed, self.relation)?;
        writeln!(f, "  {}: {what}", self.place)?;
        writeln!(f, "  expected {expected}")?;
        write!(f, "  actual   {actual}")
    }
}

/// Memory that is used again for each message.
#[derive(Debug, Default)]
pub struct Workspace {
    bytes: Vec<u8>,
    decoded: Vec<u8>,
    damaged: Vec<u8>,
    index: Trace,
    push: Trace,
    buffer: Vec<u8>,
}

impl Workspace {
    /// The bytes of the last message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Damaged variants of each message.
const VARIANTS: u32 = 3;

/// One message in so many is built as well.
const BUILT: u32 = 12;

/// What the seeds of cuts and damage differ in from that of the message.
const CUTS: u64 = 0x6375_7473;

/// Where a relation does not hold.
struct Fault {
    relation: Relation,
    place: String,
    mismatch: Mismatch,
}

impl Fault {
    fn new(relation: Relation, place: impl Into<String>, mismatch: Mismatch) -> Self {
        Self {
            relation,
            place: place.into(),
            mismatch,
        }
    }
}

/// Writes a message and checks all relations.
///
/// # Errors
/// The first relation that does not hold. A panic is one that does not.
pub fn check(
    message: &Message,
    workspace: &mut Workspace,
    features: &mut Features,
) -> Result<(), Box<Failure>> {
    let mut stage = Relation::Parse;
    let mut damaged = false;
    let checked = panic::catch_unwind(AssertUnwindSafe(|| {
        check_all(message, workspace, features, &mut stage, &mut damaged)
    }));
    let fault = match checked {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(fault)) => fault,
        Err(payload) => Fault::new(stage, "the program", panicked(payload.as_ref())),
    };
    Err(Box::new(Failure {
        seed: message.seed,
        relation: fault.relation,
        place: fault.place,
        mismatch: fault.mismatch,
        damaged: damaged.then(|| workspace.damaged.clone()),
    }))
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> Mismatch {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .map(str::to_owned)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Mismatch::text("panic", "none", text)
}

fn check_all(
    message: &Message,
    workspace: &mut Workspace,
    features: &mut Features,
    stage: &mut Relation,
    damaged: &mut bool,
) -> Result<(), Fault> {
    let Workspace {
        bytes,
        decoded,
        damaged: variant,
        index,
        push,
        buffer,
    } = workspace;
    bytes.clear();
    let expected = write::message(message, bytes, features);
    parse(&expected, bytes, index, decoded, message.line_end)?;

    *stage = Relation::Emit;
    if !Edit::new(bytes, &mut []).is_of(bytes) {
        let mismatch = Mismatch::text("edit without a change", "the same bytes", "others");
        return Err(Fault::new(Relation::Emit, "message", mismatch));
    }

    *stage = Relation::Agree;
    let mut cuts = Rng::new(message.seed ^ CUTS);
    agree(bytes, index, push, buffer, &mut cuts)
        .map_err(|mismatch| Fault::new(Relation::Agree, "message", mismatch))?;

    *damaged = true;
    if cuts.one_in(BUILT) {
        *stage = Relation::Build;
        features.count(Feature::LibraryMessage);
        built::check(message.seed ^ CUTS, variant, decoded)
            .map_err(|mismatch| Fault::new(Relation::Build, "built message", mismatch))?;
    }

    *stage = Relation::Damage;
    for _ in 0..VARIANTS {
        features.count(Feature::Damaged);
        damage::damage(bytes, &mut cuts, variant);
        check_damaged(variant, index, push, buffer, &mut cuts)
            .map_err(|mismatch| Fault::new(Relation::Damage, "damaged message", mismatch))?;
    }
    Ok(())
}

/// Whether bytes, whatever they are, are accounted for, by both readers alike.
///
/// # Errors
/// What is not as it should be.
pub fn check_bytes(bytes: &[u8], seed: u64) -> Result<(), Mismatch> {
    let (mut index, mut push, mut buffer) = (Trace::default(), Trace::default(), Vec::new());
    let mut cuts = Rng::new(seed);
    let checked = panic::catch_unwind(AssertUnwindSafe(|| {
        // Which cut shows it is not known, so several are tried.
        (0..8).try_for_each(|_| check_damaged(bytes, &mut index, &mut push, &mut buffer, &mut cuts))
    }));
    checked.unwrap_or_else(|payload| Err(panicked(payload.as_ref())))
}

fn check_damaged(
    bytes: &[u8],
    index: &mut Trace,
    push: &mut Trace,
    buffer: &mut Vec<u8>,
    cuts: &mut Rng,
) -> Result<(), Mismatch> {
    agree(bytes, index, push, buffer, cuts)?;
    parts::read_all(bytes);
    if Edit::new(bytes, &mut []).is_of(bytes) {
        Ok(())
    } else {
        Err(Mismatch::text(
            "edit without a change",
            "the same bytes",
            "others",
        ))
    }
}

/// Reads with the index and with the push reader, both under the same limits.
fn agree(
    bytes: &[u8],
    index: &mut Trace,
    push: &mut Trace,
    buffer: &mut Vec<u8>,
    cuts: &mut Rng,
) -> Result<(), Mismatch> {
    let mut limits = Limits::DEFAULT;
    // A buffer that holds the longest field, and one that does not.
    buffer.resize(cuts.pick(&[16 * 1024, 2048, MIN_BUFFER]), 0);
    limits.field = buffer.len().saturating_sub(1);
    // It costs as much as the readers themselves, so it looks at some.
    if cuts.one_in(8) {
        index.inspect(&limits);
        push.inspect(&limits);
    } else {
        index.clear();
        push.clear();
    }
    index.of_index(bytes, limits, |_| ())?;
    push.of_reader(bytes, limits, buffer, cuts)?;
    index.same(push)
}

/// Whether what was written is what is read.
fn parse(
    expected: &[Expected<'_>],
    bytes: &[u8],
    trace: &mut Trace,
    decoded: &mut Vec<u8>,
    line_end: LineEnd,
) -> Result<(), Fault> {
    let mut fields = Vec::with_capacity(32);
    trace.clear();
    trace
        .of_index(bytes, Limits::DEFAULT, |field| fields.push(field))
        .map_err(|mismatch| Fault::new(Relation::Emit, "message", mismatch))?;
    let mut marks = trace.marks.iter();
    let mut fields = fields.iter();
    let mut start = 0;
    for event in expected {
        let Some((what, end)) = tree(event, start) else {
            continue;
        };
        let seen = marks.next().copied();
        if seen != Some(Mark { what, end }) {
            let due = Mark { what, end };
            let mismatch = Mismatch::text(what.name(), format!("{due:?}"), format!("{seen:?}"));
            return Err(Fault::new(
                Relation::Parse,
                format!("byte {start}"),
                mismatch,
            ));
        }
        match event {
            Expected::Field {
                field,
                value,
                range,
                ..
            } => {
                let place = || format!("{} at byte {start}", field.name);
                let seen = fields.next();
                let Some(seen) = seen else { continue };
                check_field(field, seen, value.saturating_sub(range.start))
                    .map_err(|mismatch| Fault::new(Relation::Parse, place(), mismatch))?;
            }
            Expected::Body { entity, .. } => {
                let raw = bytes.get(start..end).unwrap_or_default();
                let place = || format!("body at byte {start}");
                body(entity, raw, decoded)
                    .map_err(|mismatch| Fault::new(Relation::Parse, place(), mismatch))?;
                if let Body::EncodedMessage(inner, ..) = &entity.body {
                    encoded_message(inner, decoded, line_end)?;
                }
            }
            _ => {}
        }
        start = end;
    }
    if let Some(seen) = marks.next() {
        let mismatch = Mismatch::text("event", "none", format!("{seen:?}"));
        return Err(Fault::new(
            Relation::Parse,
            format!("byte {start}"),
            mismatch,
        ));
    }
    parts::check(expected, bytes, decoded)
        .map_err(|(place, mismatch)| Fault::new(Relation::Parse, place, mismatch))
}

/// What the reader must say, and where it ends; nothing for text without bytes.
fn tree(event: &Expected<'_>, start: usize) -> Option<(What, usize)> {
    let offset = u64::try_from(start).unwrap_or(u64::MAX);
    let entity = |depth, number| scop_mime_core::Entity::new(depth, number, offset);
    let (what, range) = match event {
        Expected::Begin { depth, number } => {
            return Some((What::Begin(entity(*depth, *number)), start));
        }
        Expected::End {
            depth,
            number,
            offset,
        } => {
            let offset = u64::try_from(*offset).unwrap_or(u64::MAX);
            let entity = scop_mime_core::Entity::new(*depth, *number, offset);
            return Some((What::End(entity), start));
        }
        Expected::Field { range, .. } => (What::Field, range),
        Expected::HeaderEnd {
            range,
            kind,
            encoding,
        } => {
            let content = scop_mime_core::Content::new(*kind, *encoding);
            (What::HeaderEnd(content), range)
        }
        Expected::Preamble(range) => (What::Preamble, range),
        Expected::Body { range, .. } => (What::Body, range),
        Expected::Delimiter { range, close } => (What::Delimiter { close: *close }, range),
        Expected::Epilogue(range) => (What::Epilogue, range),
    };
    let is_text = matches!(what, What::Preamble | What::Body | What::Epilogue);
    (!is_text || !range.is_empty()).then_some((what, range.end))
}

fn check_field(
    field: &crate::model::Field,
    seen: &Field<'_>,
    value_start: usize,
) -> Result<(), Mismatch> {
    if seen.name() != field.name.as_bytes() {
        return Err(Mismatch::bytes("name", field.name.as_bytes(), seen.name()));
    }
    if seen.value_start() != value_start {
        let (due, seen) = (value_start.to_string(), seen.value_start().to_string());
        return Err(Mismatch::text("start of the value", due, seen));
    }
    values::check(field, seen).map_err(|mut mismatch| {
        mismatch.actual = format!("{}\n  of {}", mismatch.actual, seen.raw().escape_ascii());
        mismatch
    })
}

/// Decodes a body, and compares it with what was encoded.
fn body(entity: &Entity, raw: &[u8], decoded: &mut Vec<u8>) -> Result<(), Mismatch> {
    let encoding = match &entity.body {
        Body::Leaf(leaf) => leaf.encoding,
        Body::EncodedMessage(_, encoding, _) => *encoding,
        _ => Encoding::SevenBit,
    };
    decoded.clear();
    let mut decoder = Decoder::new(encoding);
    // A vector is never full.
    let _ = decoder.put(raw, decoded);
    let _ = decoder.finish(decoded);
    match &entity.body {
        Body::Leaf(leaf) if leaf.content != *decoded => {
            let mut mismatch = Mismatch::bytes("decoded body", &leaf.content, decoded);
            mismatch.actual = format!("{}\n  of {}", mismatch.actual, raw.escape_ascii());
            Err(mismatch)
        }
        Body::Leaf(leaf) => match &leaf.report {
            Some(report) => reports::check(report, decoded),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Reads what was decoded as a message of its own.
fn encoded_message(inner: &Entity, decoded: &[u8], line_end: LineEnd) -> Result<(), Fault> {
    let mut written = Vec::with_capacity(decoded.len());
    let expected = write::entity(inner, line_end, &mut written, &mut Features::default());
    if written != decoded {
        let mismatch = Mismatch::bytes("decoded message", &written, decoded);
        return Err(Fault::new(Relation::Parse, "encoded message", mismatch));
    }
    parse(
        &expected,
        &written,
        &mut Trace::default(),
        &mut Vec::new(),
        line_end,
    )
    .map_err(|mut fault| {
        fault.place = format!("encoded message, {}", fault.place);
        fault
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use crate::model::Value;

    /// Reads `bytes` as what was written.
    fn read(expected: &[Expected<'_>], bytes: &[u8], line_end: LineEnd) -> Result<(), Fault> {
        parse(
            expected,
            bytes,
            &mut Trace::default(),
            &mut Vec::new(),
            line_end,
        )
    }

    /// A reader that says one octet otherwise is found out, wherever the octet stands.
    #[test]
    fn a_lie_is_seen() {
        let (mut bodies, mut texts) = (0, 0);
        for seed in 0..400 {
            let message = generate::message(seed);
            let mut bytes = Vec::new();
            let expected = write::message(&message, &mut bytes, &mut Features::default());
            assert!(read(&expected, &bytes, message.line_end).is_ok());
            for event in &expected {
                let lie = match event {
                    Expected::Body { range, entity } => match &entity.body {
                        Body::Leaf(leaf) if leaf.encoding.is_identity() => range.clone(),
                        _ => continue,
                    },
                    Expected::Field {
                        field,
                        range,
                        value,
                    } => match &field.value {
                        Value::Text(text) if text.decoded().is_ascii() => *value..range.end,
                        _ => continue,
                    },
                    _ => continue,
                };
                let is_field = matches!(event, Expected::Field { .. });
                let written = &bytes[lie.clone()];
                // A letter that is not part of an encoded word or of a delimiter.
                let letter = written.iter().rposition(u8::is_ascii_alphabetic);
                let Some(at) = letter.filter(|_| !written.windows(2).any(|two| two == b"=?"))
                else {
                    continue;
                };
                let mut lying = bytes.clone();
                lying[lie.start + at] ^= 1;
                let found = read(&expected, &lying, message.line_end);
                assert!(found.is_err(), "seed {seed}, byte {}", lie.start + at);
                if is_field {
                    texts += 1;
                } else {
                    bodies += 1;
                }
            }
        }
        assert!(bodies > 50 && texts > 50, "{bodies} {texts}");
    }

    /// Bytes that are lost or come twice are found out.
    #[test]
    fn a_lost_line_is_seen() {
        for seed in 0..100 {
            let message = generate::message(seed);
            let mut bytes = Vec::new();
            let expected = write::message(&message, &mut bytes, &mut Features::default());
            for (index, _) in bytes
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n')
                .take(9)
            {
                let mut less = bytes.clone();
                less.remove(index);
                assert!(read(&expected, &less, message.line_end).is_err());
                let mut more = bytes.clone();
                more.insert(index, b'\n');
                assert!(read(&expected, &more, message.line_end).is_err());
            }
        }
    }
}
