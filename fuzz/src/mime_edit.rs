//! Changes to a message: the header becomes what a list of its fields becomes, every other byte stays,
//! and taken back the changes leave nothing behind.

use scop_core::Emit;
use scop_mime_core::edit::{Edit, EditErrorKind, PartPlace, Place, Splice};
use scop_mime_core::{Field, HeaderBlock, Kind, Message};

use crate::choice::Choice;
use crate::mime_push_vs_index::OTHER_TREE;
use crate::rfc2046;

/// A message. What is inserted are fields of it, and fields that fit no message.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    assert_eq!(Edit::new(data, &mut []).to_vec(), data);
    check_header(data, &mut choice);
    check_parts(data, &mut choice);
    check_tree(data, &mut choice);
}

/// Fields to insert; those of the second half are refused.
const FIELDS: [&[u8]; 14] = [
    b"X-New: 1",
    b"X-New: 1\r\n",
    b"Received: by mx.example.org;\r\n Fri, 1 Nov 2024 10:00:00 +0000",
    b"Subject: a\n\tb\n",
    b"X:",
    "X-Caf\x65: caf\u{e9}\r\n".as_bytes(),
    b"no colon",
    b"X-Two: 1\r\nX-Two: 2\r\n",
    b"X-End: 1\r\n\r\n",
    b" continued: 1",
    b"--boundary: 1",
    b"X-Nul: \0",
    b"X-Cr: a\rb",
    b"X-Latin: \xe9",
];
const GOOD_FIELDS: usize = 6;

fn without_line_end(field: &[u8]) -> &[u8] {
    let ([content @ .., b'\r', b'\n'] | [content @ .., b'\n'] | content) = field;
    content
}

fn with_line_ends(field: &[u8], line_end: &[u8]) -> Vec<u8> {
    let lines = without_line_end(field).split(|&byte| byte == b'\n');
    let lines: Vec<&[u8]> = lines.collect();
    let last = lines.len() - 1;
    let lines: Vec<&[u8]> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| match line {
            [line @ .., b'\r'] if index < last => line,
            line => *line,
        })
        .collect();
    lines.join(line_end)
}

fn field_to_insert<'a>(fields: &[Field<'a>], choice: &mut Choice) -> &'a [u8] {
    if choice.one_in(4) && !fields.is_empty() {
        return choice.pick(fields).raw();
    }
    let end = if choice.one_in(6) {
        FIELDS.len()
    } else {
        GOOD_FIELDS
    };
    choice.pick(&FIELDS[..end])
}

/// A field of the header with what was put before it.
#[derive(Default)]
struct Slot {
    inserted: Vec<Vec<u8>>,
    /// `None` when it was removed.
    field: Option<Vec<u8>>,
}

fn check_header(data: &[u8], choice: &mut Choice) {
    let message = Message::split(data);
    let fields: Vec<Field<'_>> = message.header.fields().collect();
    let mut slots: Vec<Slot> = fields
        .iter()
        .map(|field| Slot {
            inserted: Vec::new(),
            field: Some(without_line_end(field.raw()).to_vec()),
        })
        .collect();
    // Behind the last one.
    slots.push(Slot::default());
    let mut memory = [Splice::default(); 8];
    let room = choice.below(memory.len() + 1);
    let mut edit = Edit::new(data, &mut memory[..room]);
    let line_end = edit.line_end();
    for _ in 0..choice.below(8) {
        let (place, at) = place(message.header, &fields, choice);
        let new = field_to_insert(&fields, choice);
        let which = choice.below(fields.len().max(1));
        let field = fields.get(which).copied();
        let before = (edit.len(), edit.to_vec());
        let result = match (choice.below(4), field) {
            (0, Some(field)) => edit.remove_field(field).map(|()| slots[which].field = None),
            (1, Some(field)) => edit
                .replace_field(field, new)
                .map(|()| slots[which].field = Some(with_line_ends(new, line_end))),
            (2, Some(field)) => edit.move_field(field, place).map(|()| {
                let moved = slots[which].field.take().expect("it was not touched");
                slots[at].inserted.push(moved);
            }),
            _ => edit
                .insert_field(place, new)
                .map(|()| slots[at].inserted.push(with_line_ends(new, line_end))),
        };
        if let Err(error) = result {
            assert_eq!((edit.len(), edit.to_vec()), before, "{error}");
            assert!(error.kind() != EditErrorKind::NotOfMessage);
            assert!(error.kind() != EditErrorKind::TooManyEdits || room < 8 || edit.len() >= 7);
        }
    }
    let expected: Vec<Vec<u8>> = slots
        .into_iter()
        .flat_map(|slot| slot.inserted.into_iter().chain(slot.field))
        .collect();
    let output = check_undo(data, &edit);
    let again = Message::split(&output);
    let contents = again
        .header
        .fields()
        .map(|field| without_line_end(field.raw()));
    assert_eq!(
        contents.collect::<Vec<_>>(),
        expected,
        "{}",
        output.escape_ascii()
    );
    assert_eq!(again.separator, message.separator);
    assert_eq!(again.body, message.body);
}

/// A place in the header, and before which field that is.
fn place<'a>(
    header: HeaderBlock<'a>,
    fields: &[Field<'a>],
    choice: &mut Choice,
) -> (Place<'a>, usize) {
    let which = choice.below(fields.len().max(1));
    match (choice.below(4), fields.get(which)) {
        (0, Some(field)) => (Place::Before(*field), which),
        (1, Some(field)) => (Place::After(*field), which + 1),
        (2, _) => (Place::Last(header), fields.len()),
        _ => {
            let is_mbox = fields
                .first()
                .is_some_and(|field| field.is_malformed() && field.raw().starts_with(b"From "));
            (Place::First(header), usize::from(is_mbox))
        }
    }
}

/// The output, from which the way back leads to the message.
fn check_undo(data: &[u8], edit: &Edit<'_, '_>) -> Vec<u8> {
    let output = edit.to_vec();
    assert!(edit.is_of(&output));
    assert!(!edit.is_empty() || output == data);
    let mut memory = vec![Splice::default(); edit.len()];
    let undo = edit
        .undo(&output, &mut memory)
        .expect("the output is that of the edit");
    assert_eq!(undo.to_vec(), data);
    assert!(undo.is_of(data));
    output
}

/// Changes to the headers of all parts.
fn check_parts(data: &[u8], choice: &mut Choice) {
    let headers: Vec<HeaderBlock<'_>> = Message::index(data)
        .parts()
        .take(32)
        .map(|part| part.header())
        .collect();
    let mut memory = [Splice::default(); 16];
    let mut edit = Edit::new(data, &mut memory);
    let start = data.as_ptr().addr();
    let mut removed = vec![false; data.len()];
    let mut inserted = 0;
    for _ in 0..choice.below(16) {
        let header = choice.pick(&headers);
        let fields: Vec<Field<'_>> = header.fields().collect();
        let new = choice.pick(&FIELDS[..GOOD_FIELDS]);
        if fields.is_empty() || choice.one_in(2) {
            let (place, _) = place(header, &fields, choice);
            if edit.insert_field(place, new).is_ok() {
                inserted += count_text(new);
            }
        } else {
            let field = choice.pick(&fields);
            if edit.remove_field(field).is_ok() {
                let at = field.raw().as_ptr().addr() - start;
                removed[at..at + field.raw().len()].fill(true);
            }
        }
    }
    let output = check_undo(data, &edit);
    let kept: Vec<u8> = data
        .iter()
        .zip(&removed)
        .filter_map(|(&byte, removed)| (!removed).then_some(byte))
        .collect();
    assert_eq!(count_text(&output), count_text(&kept) + inserted);
    // What stays is there in its order.
    let mut rest = output.iter();
    assert!(kept.iter().all(|byte| rest.any(|other| other == byte)));
}

/// The bytes of the parts of a multipart, by a naive reader.
fn children(message: &[u8], parent: &[usize]) -> Vec<Vec<u8>> {
    let is_child = |path: &[usize]| path.len() == parent.len() + 1 && path.starts_with(parent);
    rfc2046::parts(message)
        .into_iter()
        .filter(|part| is_child(&part.path))
        .map(|part| message[part.header.start..part.body.end].to_vec())
        .collect()
}

/// A part that is added or dropped changes no other part.
fn check_tree(data: &[u8], choice: &mut Choice) {
    let index = Message::index(data);
    let kinds = index.inspect::<1>().kinds();
    if OTHER_TREE.iter().any(|&kind| kinds.contains(kind)) {
        return;
    }
    let parts = rfc2046::parts(data);
    let is_multipart = |path: &[usize]| {
        let part = parts.iter().find(|part| part.path == path);
        part.is_some_and(|part| part.kind == Kind::Multipart)
    };
    let paths: Vec<(&[usize], usize)> = parts
        .iter()
        .filter_map(|part| part.path.split_last())
        .map(|(number, parent)| (parent, *number))
        .filter(|(parent, _)| is_multipart(parent))
        .collect();
    if paths.is_empty() {
        return;
    }
    let (parent, number) = choice.pick(&paths);
    let part = index
        .part(&[parent, &[number]].concat())
        .expect("it is there");
    let mut expected = children(data, parent);
    let mut memory = [Splice::default(); 2];
    let mut edit = Edit::new(data, &mut memory);
    let new = choice.pick(&[
        &b"\nnew"[..],
        b"A: b\n\nx\n",
        b"A: b\r\n\r\n",
        b"\n",
        b"A: \xc3\xa9\n\n.\n--\n",
    ]);
    let bytes = crate::rfc2045::with_crlf(new);
    let bytes = match edit.line_end() {
        b"\n" => String::from_utf8(bytes)
            .unwrap()
            .replace("\r\n", "\n")
            .into_bytes(),
        _ => bytes,
    };
    let result = match choice.below(3) {
        0 => edit
            .drop_part(part)
            .map(|()| drop(expected.remove(number - 1))),
        1 => edit
            .add_part(PartPlace::Before(part), new)
            .map(|()| expected.insert(number - 1, bytes)),
        _ => edit
            .add_part(PartPlace::After(part), new)
            .map(|()| expected.insert(number, bytes)),
    };
    let output = check_undo(data, &edit);
    match result {
        Ok(()) => assert_eq!(
            children(&output, parent),
            expected,
            "{}",
            output.escape_ascii()
        ),
        Err(error) => assert!(!error.to_string().is_empty() && output == data),
    }
}

/// Octets without line ends, of which the joints make some.
fn count_text(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !b"\r\n".contains(byte)).count()
}
