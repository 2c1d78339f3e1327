//! A smaller message that fails in the same way.
//!
//! The abstract message is taken apart, not its bytes: a part or a field goes, a value gets shorter, a
//! spelling gets plain, as long as the failure stays. Because a field is spelled from a seed of its own,
//! what is left is spelled as before.

use crate::feature::Features;
use crate::generate;
use crate::model::{Address, Body, Entity, Field, Hand, How, Message, Value};
use crate::relation::{self, Failure, Relation, Workspace};
use crate::write;

/// A failure with the smallest input that was found for it.
#[derive(Clone, Debug)]
pub struct Small {
    /// The failure of that input.
    pub failure: Failure,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Makes the message of a failure smaller.
pub fn failure(failure: &Failure) -> Small {
    let mut best = failure.clone();
    if let (Relation::Build, Some(bytes)) = (failure.relation, &failure.damaged) {
        return Small {
            failure: best,
            bytes: bytes.clone(),
        };
    }
    if let Some(damaged) = &failure.damaged {
        let mut fails = |bytes: &[u8]| match relation::check_bytes(bytes, failure.seed) {
            Err(mismatch) if mismatch.what == failure.mismatch.what => {
                best.mismatch = mismatch;
                true
            }
            _ => false,
        };
        let bytes = if fails(damaged) {
            bytes(damaged, &mut fails)
        } else {
            damaged.clone()
        };
        best.damaged = Some(bytes.clone());
        return Small {
            failure: best,
            bytes,
        };
    }
    let mut workspace = Workspace::default();
    let mut features = Features::default();
    let small = message(
        &generate::message(failure.seed),
        &mut |candidate| match relation::check(candidate, &mut workspace, &mut features) {
            Err(found)
                if found.relation == failure.relation
                    && found.mismatch.what == failure.mismatch.what =>
            {
                best = *found;
                true
            }
            _ => false,
        },
    );
    let mut bytes = Vec::new();
    write::message(&small, &mut bytes, &mut features);
    Small {
        failure: best,
        bytes,
    }
}

/// How many smaller messages are tried at most.
const TRIES: usize = 20_000;

/// Takes `message` apart while `fails` holds.
pub fn message(message: &Message, fails: &mut dyn FnMut(&Message) -> bool) -> Message {
    let mut best = message.clone();
    let mut tries = TRIES;
    // Each pass tries every change at every entity; one that succeeds is tried again at the same place.
    loop {
        let before = tries;
        let mut progress = false;
        let mut index = 0;
        while index < count(&best.root) {
            let mut step = 0;
            while tries > 0 {
                let mut candidate = best.clone();
                let Some(entity) = nth(&mut candidate.root, &mut index.clone()) else {
                    break;
                };
                match change(entity, step) {
                    Change::NoMore => break,
                    Change::None => step += 1,
                    Change::Done => {
                        tries -= 1;
                        if fails(&candidate) {
                            best = candidate;
                            progress = true;
                        } else {
                            step += 1;
                        }
                    }
                }
            }
            index += 1;
        }
        if !progress || tries == 0 || tries == before {
            return best;
        }
    }
}

/// Takes bytes away while `fails` holds, in pieces that get smaller.
pub fn bytes(input: &[u8], fails: &mut dyn FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut tries = TRIES;
    let mut size = best.len().div_ceil(2);
    while size > 0 && tries > 0 {
        let mut start = 0;
        let mut progress = false;
        while start < best.len() && tries > 0 {
            tries -= 1;
            let end = start.saturating_add(size).min(best.len());
            let mut candidate = best.get(..start).unwrap_or_default().to_vec();
            candidate.extend_from_slice(best.get(end..).unwrap_or_default());
            if fails(&candidate) {
                best = candidate;
                progress = true;
            } else {
                start = end;
            }
        }
        if !progress || size > 1 {
            size /= 2;
        }
    }
    best
}

/// How many entities there are.
fn count(entity: &Entity) -> usize {
    let inner = match &entity.body {
        Body::Multipart(multipart) => multipart.parts.iter().map(count).sum(),
        Body::Message(inner) | Body::EncodedMessage(inner, ..) => count(inner),
        Body::Absent | Body::Leaf(_) => 0,
    };
    inner + 1
}

/// The entity with this number, counted in the order of the message.
fn nth<'e>(entity: &'e mut Entity, index: &mut usize) -> Option<&'e mut Entity> {
    if *index == 0 {
        return Some(entity);
    }
    *index -= 1;
    match &mut entity.body {
        Body::Multipart(multipart) => multipart.parts.iter_mut().find_map(|part| {
            let inside = count(part);
            if *index < inside {
                nth(part, index)
            } else {
                *index -= inside;
                None
            }
        }),
        Body::Message(inner) | Body::EncodedMessage(inner, ..) => nth(inner, index),
        Body::Absent | Body::Leaf(_) => None,
    }
}

/// What became of a change.
enum Change {
    Done,
    /// It does not apply here.
    None,
    /// There are no more.
    NoMore,
}

impl Change {
    const fn of(done: bool) -> Self {
        if done { Self::Done } else { Self::None }
    }
}

/// Makes change number `step` to an entity, without those inside it.
fn change(entity: &mut Entity, step: usize) -> Change {
    if step < BODY_STEPS {
        return Change::of(change_body(entity, step));
    }
    let step = step - BODY_STEPS;
    // First half of the fields, then one by one, then into each.
    let fields = entity.fields.len();
    if step == 0 {
        let before = fields;
        let mut index = 0;
        entity.fields.retain(|field| {
            index += 1;
            field.structural || index > before.div_ceil(2)
        });
        return Change::of(entity.fields.len() < before);
    }
    let step = step - 1;
    if step < fields {
        let removable = entity
            .fields
            .get(step)
            .is_some_and(|field| !field.structural);
        if removable {
            entity.fields.remove(step);
        }
        return Change::of(removable);
    }
    let step = step - fields;
    match entity.fields.get_mut(step / FIELD_STEPS) {
        Some(field) => Change::of(change_field(field, step % FIELD_STEPS)),
        None => Change::NoMore,
    }
}

const BODY_STEPS: usize = 24;

fn change_body(entity: &mut Entity, step: usize) -> bool {
    let unread = |entity: &mut Entity, body: Body| {
        entity.fields.retain(|field| !field.structural);
        // In a digest an entity without a type is a message.
        let plain = Value::ContentType("text".to_owned(), "plain".to_owned(), Vec::new());
        entity.fields.push(Field {
            name: "Content-Type".into(),
            value: plain,
            structural: true,
            ..Field::default()
        });
        entity.body = body;
    };
    if step == 0 {
        let empty = matches!(&entity.body, Body::Leaf(leaf) if leaf.content.is_empty());
        let absent = matches!(entity.body, Body::Absent);
        if !empty && !absent {
            unread(entity, Body::Leaf(crate::model::Leaf::default()));
        }
        return !empty && !absent;
    }
    match &mut entity.body {
        Body::Absent => false,
        Body::Leaf(leaf) => match step {
            1 => plain(&mut leaf.how),
            // Less text; a line may not become a delimiter by it, nor the end of a line its middle.
            2..=12 if leaf.report.is_none() => {
                let before = leaf.content.len();
                let cut = cut(&leaf.content, step - 2);
                let is_sound = !leaf.encoding.is_identity()
                    || !cut.windows(2).any(|two| two == b"--") && cut.last() != Some(&b'\r');
                leaf.content = cut;
                is_sound && leaf.content.len() < before
            }
            _ => false,
        },
        Body::Message(inner) | Body::EncodedMessage(inner, ..) => {
            let inner = std::mem::take(inner.as_mut());
            step == 1 && {
                *entity = inner;
                true
            }
        }
        Body::Multipart(multipart) => match step {
            1 => multipart.preamble.take().is_some(),
            2 => multipart
                .epilogue
                .as_mut()
                .is_some_and(|epilogue| !std::mem::take(epilogue).is_empty()),
            3 => plain(&mut multipart.how),
            // The multipart becomes one of its parts.
            4..=9 if step - 4 < multipart.parts.len() => {
                *entity = multipart.parts.swap_remove(step - 4);
                true
            }
            10..=20 if multipart.parts.len() > 1 && step - 10 < multipart.parts.len() => {
                multipart.parts.remove(step - 10);
                true
            }
            _ => false,
        },
    }
}

fn plain(how: &mut How) -> bool {
    std::mem::take(how) != How::default()
}

/// Without a half, a quarter, an eighth, or one octet at either end.
fn cut<T: Clone>(list: &[T], step: usize) -> Vec<T> {
    let len = list.len();
    let range = match step {
        0 => 0..0,
        1 => len / 2..len,
        2 => 0..len / 2,
        3 => len / 4..len,
        4 => 0..len - len / 4,
        5 => len / 8..len,
        6 => 0..len - len / 8,
        7 => 1.min(len)..len,
        _ => 0..len.saturating_sub(1),
    };
    list.get(range).unwrap_or_default().to_vec()
}

fn cut_text(text: &mut String, step: usize) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let shorter = cut(&chars, step);
    let changed = shorter.len() < chars.len();
    *text = shorter.into_iter().collect();
    changed
}

const FIELD_STEPS: usize = 40;

fn change_field(field: &mut Field, step: usize) -> bool {
    if step == 0 {
        return field.how.hand != Hand::Library && plain(&mut field.how);
    }
    let step = step - 1;
    match &mut field.value {
        Value::Text(text) => match step {
            0..9 => shorten(&mut text.0, step),
            _ => text.0.first_mut().is_some_and(|piece| match piece {
                crate::model::Piece::Plain(text) if field.how.hand == Hand::Library => {
                    cut_text(text, step - 9)
                }
                _ => false,
            }),
        },
        Value::Addresses(list) => match step {
            0..9 => list.len() > 1 && shorten(list, step),
            _ => list
                .first_mut()
                .is_some_and(|address| change_address(address, step - 9)),
        },
        Value::Ids(ids) => ids.len() > 1 && shorten(ids, step),
        Value::Keywords(list) => match step {
            0..9 => list.len() > 1 && shorten(list, step),
            _ => list
                .first_mut()
                .is_some_and(|phrase| phrase.0.len() > 1 && shorten(&mut phrase.0, step - 9)),
        },
        Value::ContentType(_, _, parameters)
        | Value::Disposition(_, parameters)
        | Value::AutoSubmitted(_, parameters) => change_parameters(parameters, step),
        Value::Urls(urls) => urls.len() > 1 && shorten(urls, step),
        Value::Languages(list) => list.len() > 1 && shorten(list, step),
        Value::Tags(tags) => tags.len() > 1 && shorten(tags, step),
        Value::Received(received) => shorten(&mut received.clauses, step),
        Value::Results(results) => match step {
            0..9 => shorten(&mut results.results, step),
            _ => results
                .results
                .first_mut()
                .is_some_and(|result| shorten(&mut result.properties, step - 9)),
        },
        _ => false,
    }
}

/// Makes a list shorter; false when it stays as it is.
fn shorten<T: Clone>(list: &mut Vec<T>, step: usize) -> bool {
    let shorter = cut(list, step);
    // A list that may not be empty is not made so by a caller that counts.
    let changed = step <= 8 && shorter.len() < list.len();
    if changed {
        *list = shorter;
    }
    changed && !list.is_empty()
}

fn change_address(address: &mut Address, step: usize) -> bool {
    match address {
        Address::Group(_, members) if !members.is_empty() && step < 9 => {
            shorten(members, step) || members.is_empty()
        }
        Address::Group(name, _) => name.0.len() > 1 && shorten(&mut name.0, step.saturating_sub(9)),
        Address::Mailbox(mailbox) => match step {
            0 => !std::mem::take(&mut mailbox.route).is_empty(),
            1 => mailbox.name.take().is_some(),
            2 => !std::mem::replace(&mut mailbox.addr_spec.local, "a".to_owned()).eq("a"),
            3 => {
                let before = mailbox.addr_spec.domain.text();
                mailbox.addr_spec.domain = crate::model::Domain::default();
                before != mailbox.addr_spec.domain.text()
            }
            4..13 => mailbox
                .name
                .as_mut()
                .is_some_and(|name| match name.0.as_mut_slice() {
                    [crate::model::Word::Plain(text)] => cut_text(text, step - 4),
                    _ => shorten(&mut name.0, step - 4),
                }),
            _ => false,
        },
    }
}

/// Parameters that the body needs stay.
fn change_parameters(parameters: &mut Vec<crate::model::Parameter>, step: usize) -> bool {
    match step {
        0..6 => {
            let removable = parameters
                .get(step)
                .is_some_and(|parameter| parameter.name != "boundary");
            if removable {
                parameters.remove(step);
            }
            removable
        }
        6..15 => parameters
            .iter_mut()
            .find(|parameter| parameter.name != "boundary")
            .is_some_and(|parameter| cut_text(&mut parameter.value, step - 6)),
        15 => parameters
            .iter_mut()
            .any(|parameter| parameter.language.take().is_some()),
        _ => false,
    }
}
