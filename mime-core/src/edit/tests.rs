use super::*;
use crate::Message;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const NONE: Splice<'_> = Splice {
    start: 0,
    end: 0,
    insertion: Insertion::NOTHING,
};

type Change = for<'a> fn(&mut Edit<'a, '_>, Message<'a>) -> Result<(), EditError>;

fn edited(input: &[u8], change: Change) -> Result<String, EditError> {
    let mut splices = [NONE; 3];
    let mut edit = Edit::new(input, &mut splices);
    change(&mut edit, Message::split(input))?;
    Ok(edit.to_vec().escape_ascii().to_string())
}

fn field<'a>(message: Message<'a>, name: &str) -> Field<'a> {
    let mut fields = message.header.fields();
    fields
        .find(|field| field.is(name.as_bytes()))
        .unwrap_or_else(|| message.header.fields().next().unwrap())
}

#[test]
fn one_field() {
    let cases: [(&[u8], Change, &str); 10] = [
        (
            b"A: 1\r\nB: 2\r\n\r\nx",
            |edit, m| edit.insert_field(Place::First(m.header), b"X: y"),
            r"X: y\r\nA: 1\r\nB: 2\r\n\r\nx",
        ),
        (
            b"A: 1\r\nB: 2\r\n\r\nx",
            |edit, m| edit.insert_field(Place::Last(m.header), b"X: y\n z\r\n"),
            r"A: 1\r\nB: 2\r\nX: y\r\n z\r\n\r\nx",
        ),
        (
            b"A: 1\nB: 2\r\n\r\nx",
            |edit, m| edit.insert_field(Place::After(field(m, "A")), b"X: y\r\n z"),
            r"A: 1\nX: y\n z\nB: 2\r\n\r\nx",
        ),
        (
            b"A: 1\nB: 2\n",
            |edit, m| edit.insert_field(Place::Before(field(m, "B")), b"X: y"),
            r"A: 1\nX: y\nB: 2\n",
        ),
        // Without a line end at the end there is none afterwards.
        (
            b"A: 1",
            |edit, m| edit.insert_field(Place::Last(m.header), b"X: y\r\n"),
            r"A: 1\r\nX: y",
        ),
        (
            b"A: 1\nB: 2",
            |edit, m| edit.replace_field(field(m, "B"), b"X: y\r\n"),
            r"A: 1\nX: y",
        ),
        (
            b"A: 1\nB: 2",
            |edit, m| edit.move_field(field(m, "B"), Place::First(m.header)),
            r"B: 2\nA: 1\n",
        ),
        (
            b"A: 1\nB: 2",
            |edit, m| edit.move_field(field(m, "A"), Place::Last(m.header)),
            r"B: 2\nA: 1",
        ),
        // Empty headers.
        (
            b"",
            |edit, m| edit.insert_field(Place::First(m.header), b"X: y"),
            r"X: y\r\n",
        ),
        (
            b"\nbody",
            |edit, m| edit.insert_field(Place::Last(m.header), b"X: y"),
            r"X: y\n\nbody",
        ),
    ];
    for (input, change, expected) in cases {
        assert_eq!(edited(input, change).as_deref(), Ok(expected));
    }
}

#[test]
fn odd_and_several_fields() {
    let cases: [(&[u8], Change, &str); 7] = [
        // The line of an mbox stays first.
        (
            b"From a\nA: 1\n\n",
            |edit, m| edit.insert_field(Place::First(m.header), b"X: y"),
            r"From a\nX: y\nA: 1\n\n",
        ),
        // Bytes are moved as they are, in whatever shape.
        (
            b"A: 1\nnone\r\nB : 2\n\n",
            |edit, m| {
                let none = m.header.fields().nth(1).unwrap();
                edit.move_field(none, Place::Before(field(m, "A")))
            },
            r"none\r\nA: 1\nB : 2\n\n",
        ),
        (
            b"A: 1\nB: 2\n\n",
            |edit, m| edit.move_field(field(m, "A"), Place::After(field(m, "A"))),
            r"A: 1\nB: 2\n\n",
        ),
        // Several at one place: in the order of the calls, before what stood there.
        (
            b"A: 1\nB: 2\n\n",
            |edit, m| {
                edit.replace_field(field(m, "B"), b"N: new")?;
                edit.insert_field(Place::Before(field(m, "B")), b"X: 1")?;
                edit.insert_field(Place::After(field(m, "A")), b"X: 2")
            },
            r"A: 1\nX: 1\nX: 2\nN: new\n\n",
        ),
        (
            b"A: 1\nB: 2\n\n",
            |edit, m| {
                edit.remove_field(field(m, "B"))?;
                edit.insert_field(Place::Last(m.header), b"X: 1")?;
                edit.remove_field(field(m, "A"))
            },
            r"X: 1\n\n",
        ),
        (
            b" cont\nA: 1\n\n",
            |edit, m| edit.remove_field(m.header.fields().next().unwrap()),
            r"A: 1\n\n",
        ),
        (
            b"A: 1\r",
            |edit, m| edit.insert_field(Place::Last(m.header), b"X: y"),
            r"A: 1\r\r\nX: y",
        ),
    ];
    for (input, change, expected) in cases {
        assert_eq!(edited(input, change).as_deref(), Ok(expected));
    }
}

#[test]
fn errors() {
    use EditErrorKind::*;
    let cases: [(&[u8], Change, EditErrorKind, usize); 9] = [
        (
            b"A: 1\nB: 2\n\n",
            |edit, m| {
                edit.remove_field(field(m, "B"))?;
                edit.replace_field(field(m, "B"), b"X: y")
            },
            Overlap,
            5,
        ),
        (
            b"A: 1\nB: 2\n\n",
            |edit, m| {
                edit.move_field(field(m, "B"), Place::First(m.header))?;
                edit.move_field(field(m, "A"), Place::Last(m.header))
            },
            TooManyEdits,
            0,
        ),
        (
            b"A: 1\n\n",
            |edit, _| {
                // Another text: the same one could be the same memory.
                let other = Message::split(b"A: 2\n\n");
                edit.remove_field(field(other, "A"))
            },
            NotOfMessage,
            0,
        ),
        (
            b" x\nA: 1\n\n",
            |edit, m| edit.insert_field(Place::First(m.header), b"X: y"),
            MustStayFirst,
            0,
        ),
        (
            b" x\nA: 1\n\n",
            |edit, m| edit.move_field(field(m, " x"), Place::Last(m.header)),
            MustStayFirst,
            0,
        ),
        (
            b"From x\nA: 1\n\n",
            |edit, m| edit.insert_field(Place::Before(field(m, "From")), b"X: y"),
            MustStayFirst,
            0,
        ),
        (
            b"A: 1\nB: 2\r",
            |edit, m| edit.insert_field(Place::Last(m.header), b"X: y"),
            BareCr,
            9,
        ),
        (
            b"A: 1\nB: 2\r",
            |edit, m| edit.move_field(field(m, "B"), Place::First(m.header)),
            BareCr,
            9,
        ),
        (
            b"A: 1\nB: 2\n\n",
            |edit, m| {
                let whole = Message::split(b"").header.fields().next();
                assert!(whole.is_none());
                edit.remove_field(field(m, "A"))?;
                edit.remove_field(field(m, "A"))
            },
            Overlap,
            0,
        ),
    ];
    for (input, change, kind, offset) in cases {
        let error = edited(input, change).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset));
    }
}

#[test]
fn only_one_field_is_inserted() {
    use EditErrorKind::*;
    let long = [b"A: ".to_vec(), vec![b'x'; 996]].concat();
    let cases: [(&[u8], EditErrorKind, usize); 17] = [
        (b"", BadName, 0),
        (b": x", BadName, 0),
        (b"A", BadName, 1),
        (b"A : x", BadName, 1),
        (b"\xc3\xa9: x", BadName, 0),
        (b"--b: x", BadName, 0),
        (b" A: x", BadName, 0),
        (b"A: x\r\nB: y", NotOneField, 6),
        (b"A: x\n\n", NotOneField, 5),
        (b"A: x\r\n\r\n", NotOneField, 6),
        (b"A: x\r\n \r\n y", BlankLine, 6),
        (b"A: x\r\n\t", BlankLine, 6),
        (b"A: \0", Control, 3),
        (b"A: x\ry", Control, 4),
        (b"A: x\x7f", Control, 4),
        (b"A: \xff", NotUtf8, 3),
        (&long, LineTooLong, 998),
    ];
    for (text, kind, offset) in cases {
        let error = check_field(text).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (kind, offset),
            "{}",
            text.escape_ascii()
        );
    }
    for text in ["A:", "A:x\r\n", "A: \u{e9}\n\ty\n", "!: a\tb", "A:\r\n b"] {
        assert_eq!(check_field(text.as_bytes()), Ok(text.trim_end().as_bytes()));
    }
}

#[test]
fn a_failed_move_changes_nothing() {
    let input = b"A: 1\nB: 2\nC: 3\n\n";
    let message = Message::split(input);
    let mut splices = [NONE; 5];
    let mut edit = Edit::new(input, &mut splices);
    edit.remove_field(field(message, "B")).unwrap();
    let after_a = Place::After(field(message, "A"));
    assert!(edit.move_field(field(message, "B"), after_a).is_err());
    assert_eq!(edit.len(), 1);
    // The place lies at the edge of what is removed, which is no conflict.
    edit.move_field(field(message, "C"), after_a).unwrap();
    assert_eq!(edit.to_vec(), b"A: 1\nC: 3\n\n");
}

/// A change of the header by number.
#[derive(Clone, Debug)]
enum Step {
    Insert(usize, bool),
    Remove(usize),
    Replace(usize),
    Move(usize, usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..6_usize;
    prop_oneof![
        (number.clone(), any::<bool>()).prop_map(|(at, after)| Step::Insert(at, after)),
        number.clone().prop_map(Step::Remove),
        number.clone().prop_map(Step::Replace),
        (number.clone(), number, any::<bool>())
            .prop_map(|(which, at, after)| Step::Move(which, at, after)),
    ]
}

/// What a header looks like: fields without their line ends.
fn shape(header: HeaderBlock<'_>) -> Vec<Vec<u8>> {
    let raws = header.fields().map(|field| field.raw());
    raws.map(|raw| {
        let line_end = [&b"\r\n"[..], b"\n"]
            .into_iter()
            .find(|end| raw.ends_with(end));
        raw[..raw.len() - line_end.map_or(0, <[u8]>::len)].to_vec()
    })
    .collect()
}

proptest! {
    #[test]
    fn no_change_gives_any_bytes_back(input: Vec<u8>) {
        let edit = Edit::new(&input, &mut []);
        prop_assert_eq!(edit.to_vec(), input);
    }

    #[test]
    fn a_change_is_what_a_reader_sees_and_can_be_undone(
        input in "((From |[AB]:|[AB] :|[\\x00-\\x7f]{0,3})[ -~]{0,3}(\r?\n ?)){0,5}(C: \r?)?(\r?\n[ -~\r\n]{0,4})?",
        steps in prop::collection::vec(step(), 0..5),
    ) {
        let input = input.as_bytes();
        let message = Message::split(input);
        let fields: Vec<_> = message.header.fields().collect();
        let mut splices = [NONE; 12];
        let mut edit = Edit::new(input, &mut splices);
        // The same on a list: for each field, what is inserted before it and what it has become.
        let mut gaps: Vec<Vec<Vec<u8>>> = vec![Vec::new(); fields.len() + 1];
        let mut now: Vec<Option<Vec<u8>>> = shape(message.header).into_iter().map(Some).collect();
        let place = |at: usize, after: bool| {
            let field = fields.get(at).copied()?;
            Some(if after { (Place::After(field), at + 1) } else { (Place::Before(field), at) })
        };
        for (number, step) in steps.iter().enumerate() {
            let new: &[u8] = [&b"X: 0"[..], b"X: 1\r\n", b"X: 2\n 2", b"X:\r\n 3", b"X: 4"][number];
            let unfolded = new.strip_suffix(b"\r\n").unwrap_or(new);
            let unfolded = String::from_utf8(unfolded.to_vec()).unwrap().replace("\r\n", "\n");
            let end = core::str::from_utf8(edit.line_end()).unwrap();
            let new_shape = unfolded.replace('\n', end).into_bytes();
            match *step {
                Step::Insert(at, after) => {
                    let Some((place, gap)) = place(at, after) else { continue };
                    if edit.insert_field(place, new).is_ok() {
                        gaps[gap].push(new_shape);
                    }
                }
                Step::Remove(at) => {
                    let Some(field) = fields.get(at) else { continue };
                    if edit.remove_field(*field).is_ok() {
                        now[at] = None;
                    }
                }
                Step::Replace(at) => {
                    let Some(field) = fields.get(at) else { continue };
                    if edit.replace_field(*field, new).is_ok() {
                        now[at] = Some(new_shape);
                    }
                }
                Step::Move(which, at, after) => {
                    let Some((field, (place, gap))) = fields.get(which).zip(place(at, after)) else { continue };
                    if edit.move_field(*field, place).is_ok() {
                        gaps[gap].push(now[which].take().unwrap());
                    }
                }
            }
        }
        let mut expected = Vec::new();
        for (gap, field) in gaps.into_iter().zip(now.into_iter().chain([None])) {
            expected.extend(gap);
            expected.extend(field);
        }
        let output = edit.to_vec();
        prop_assert_eq!(edit.emitted_len(), output.len());
        let after = Message::split(&output);
        prop_assert_eq!(shape(after.header), expected, "{}", output.escape_ascii());
        prop_assert_eq!((after.separator, after.body), (message.separator, message.body));
        let mut splices = [NONE; 12];
        let undo = edit.undo(&output, &mut splices).unwrap();
        prop_assert_eq!(undo.to_vec(), input);
        prop_assert!(edit.undo(&output[..output.len().saturating_sub(1)], &mut [NONE; 12]).is_err() || output.is_empty());
    }
}
