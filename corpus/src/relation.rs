//! What reading and writing must keep, for every message.
//!
//! 1. What was written is read: the tree, the order, the name and exact bytes of every field, every value,
//!    every decoded body.
//! 2. What was read is written again, byte for byte.
//! 3. The two readers agree, however the input is cut.
//! 4. Of a damaged message every byte is still accounted for exactly once, by both readers alike, and
//!    nothing panics.

use std::fmt;

use scop_mime_core::HeaderBlock;
use scop_mime_core::coding::Decoder;

mod values;

pub use values::Mismatch;

use crate::feature::Features;
use crate::model::{Body, Message};
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
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parse => "what was written is not what is read",
            Self::Emit => "what was read is not written again byte for byte",
            Self::Agree => "the two readers differ",
            Self::Damage => "a damaged message is not accounted for",
        })
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
    /// The bytes of the message.
    pub bytes: Vec<u8>,
    decoded: Vec<u8>,
}

/// Writes a message and checks it.
///
/// # Errors
/// The first relation that does not hold.
pub fn check(
    message: &Message,
    workspace: &mut Workspace,
    features: &mut Features,
) -> Result<(), Failure> {
    workspace.bytes.clear();
    let expected = write::message(message, &mut workspace.bytes, features);
    let fail = |place: String, mismatch| Failure {
        seed: message.seed,
        relation: Relation::Parse,
        place,
        mismatch,
    };
    let bytes = workspace.bytes.as_slice();
    for event in &expected {
        match event {
            Expected::Field { field, range, .. } => {
                let raw = bytes.get(range.clone()).unwrap_or_default();
                let mut fields = HeaderBlock::new(raw).fields();
                let place = || format!("{} at byte {}", field.name, range.start);
                let Some(seen) = fields.next() else {
                    continue;
                };
                if seen.raw() != raw || seen.name() != field.name.as_bytes() {
                    return Err(fail(
                        place(),
                        Mismatch {
                            what: "bytes",
                            expected: raw.escape_ascii().to_string(),
                            actual: seen.raw().escape_ascii().to_string(),
                        },
                    ));
                }
                values::check(field, &seen).map_err(|mut mismatch| {
                    mismatch.actual = format!("{}\n  {}", mismatch.actual, raw.escape_ascii());
                    fail(place(), mismatch)
                })?;
            }
            Expected::Body { range, entity } => {
                let raw = bytes.get(range.clone()).unwrap_or_default();
                if let Body::Leaf(leaf) = &entity.body {
                    let mut decoder = Decoder::new(leaf.encoding);
                    workspace.decoded.clear();
                    let done = decoder
                        .put(raw, &mut workspace.decoded)
                        .and_then(|()| decoder.finish(&mut workspace.decoded));
                    if done.is_err() || workspace.decoded != leaf.content {
                        return Err(fail(
                            format!("body at byte {}", range.start),
                            Mismatch {
                                what: "decoded",
                                expected: leaf.content.escape_ascii().to_string(),
                                actual: format!(
                                    "{}\n{}",
                                    workspace.decoded.escape_ascii(),
                                    raw.escape_ascii()
                                ),
                            },
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}
