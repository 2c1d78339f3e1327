use crate::Message;
use crate::body::index::Part;
use crate::edit::{Edit, EditError, EditErrorKind, PartPlace, Place, Splice};
use proptest::prelude::*;
use scop_core::Emit;
use std::string::{String, ToString};
use std::vec::Vec;

type Change = for<'a> fn(&mut Edit<'a, '_>, &dyn Fn(&[usize]) -> Part<'a>) -> Result<(), EditError>;

fn edited(input: &str, change: Change) -> Result<String, EditError> {
    let mut splices = [Splice::default(); 4];
    let mut edit = Edit::new(input.as_bytes(), &mut splices);
    let index = Message::index(input.as_bytes());
    change(&mut edit, &|path| index.part(path).unwrap())?;
    let output = edit.to_vec();
    let mut splices = [Splice::default(); 4];
    assert!(
        edit.undo(&output, &mut splices)
            .unwrap()
            .is_of(input.as_bytes())
    );
    Ok(output
        .escape_ascii()
        .to_string()
        .replace("\\r\\n", "|")
        .replace("\\n", "!"))
}

const TWO: &str = "Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    pre\r\n--b \r\n\r\none\r\n--b\r\nA: 1\r\n\r\ntwo\r\n--b--\r\npost";

#[test]
fn known() {
    let cases: [(&str, Change, &str); 9] = [
        (
            TWO,
            |edit, part| edit.drop_part(part(&[1])),
            "pre|--b|A: 1||two|--b--|post",
        ),
        (
            TWO,
            |edit, part| edit.drop_part(part(&[2])),
            "pre|--b ||one|--b--|post",
        ),
        (
            TWO,
            |edit, part| edit.add_part(PartPlace::Before(part(&[1])), b"\n0\n"),
            "pre|--b ||0||--b ||one|--b|A: 1||two|--b--|post",
        ),
        (
            TWO,
            |edit, part| edit.add_part(PartPlace::After(part(&[2])), b"B: 3\r\n\r\n"),
            "pre|--b ||one|--b|A: 1||two|--b|B: 3|||--b--|post",
        ),
        // One for another, and a field of what stays.
        (
            TWO,
            |edit, part| {
                edit.drop_part(part(&[1]))?;
                edit.add_part(PartPlace::After(part(&[2])), b"\n3")?;
                edit.insert_field(Place::First(part(&[2]).header()), b"X: y")
            },
            "pre|--b|X: y|A: 1||two|--b||3|--b--|post",
        ),
        // Both, because another comes.
        (
            TWO,
            |edit, part| {
                edit.add_part(PartPlace::After(part(&[1])), b"\n3")?;
                edit.drop_part(part(&[1]))?;
                edit.drop_part(part(&[2]))
            },
            "pre|--b ||3|--b--|post",
        ),
        // A move.
        (
            TWO,
            |edit, part| {
                edit.add_part(PartPlace::After(part(&[2])), part(&[1]).raw().unwrap())?;
                edit.drop_part(part(&[1]))
            },
            "pre|--b|A: 1||two|--b||one|--b--|post",
        ),
        // Parts without a body, whose delimiters have no line ends of their own, in lines of LF.
        (
            "Content-Type: multipart/x; boundary=b\n\n--b\n\n--b\nA:\n\n--b--",
            |edit, part| {
                edit.add_part(PartPlace::After(part(&[1])), b"B:\r\n\r\nx")?;
                edit.drop_part(part(&[1]))
            },
            "--b!B:!!x!--b!A:!!--b--",
        ),
        (
            "Content-Type: multipart/x; boundary=b\n\n--b\n\n--b\nA:\n\n--b--",
            |edit, part| edit.drop_part(part(&[2])),
            "--b!!--b--",
        ),
    ];
    for (input, change, expected) in cases {
        let written = edited(input, change).unwrap();
        let (_, body) = written
            .split_once(if input == TWO { "||" } else { "!!" })
            .unwrap();
        assert_eq!(body, expected);
    }
}

#[test]
fn errors() {
    use EditErrorKind::*;
    let nested = "Content-Type: multipart/x; boundary=a\n\n--a\n\
        Content-Type: multipart/x; boundary=b\n\n--b\n\nx\n--b--\n--a--\n";
    let cases: [(&str, Change, EditErrorKind, usize); 11] = [
        (
            TWO,
            |edit, part| edit.drop_part(part(&[])),
            NotInMultipart,
            0,
        ),
        (
            TWO,
            |edit, part| {
                edit.drop_part(part(&[1]))?;
                edit.drop_part(part(&[2]))
            },
            OnlyPart,
            68,
        ),
        (
            TWO,
            |edit, part| {
                edit.drop_part(part(&[1]))?;
                edit.drop_part(part(&[1]))
            },
            Overlap,
            48,
        ),
        (
            TWO,
            |edit, part| {
                edit.drop_part(part(&[1]))?;
                edit.add_part(PartPlace::Before(part(&[1])), b"\n\n")
            },
            Overlap,
            56,
        ),
        (
            nested,
            |edit, part| edit.drop_part(part(&[1, 1])),
            OnlyPart,
            86,
        ),
        (
            nested,
            |edit, part| edit.add_part(PartPlace::After(part(&[1, 1])), b"A: b"),
            NoSeparator,
            4,
        ),
        (
            nested,
            |edit, part| edit.add_part(PartPlace::After(part(&[1, 1])), b"\nx\r"),
            BareCr,
            2,
        ),
        (
            nested,
            |edit, part| edit.add_part(PartPlace::After(part(&[1, 1])), b"\nx\n--b \t\n"),
            HoldsBoundary,
            3,
        ),
        (
            nested,
            |edit, part| edit.add_part(PartPlace::After(part(&[1, 1])), b"A: b\n\n--a--"),
            HoldsBoundary,
            6,
        ),
        (
            "Content-Type: multipart/x; boundary=b\n\n--b\n",
            |edit, part| edit.add_part(PartPlace::After(part(&[1])), b"\n\n"),
            CutOff,
            43,
        ),
        (
            nested,
            |edit, _| {
                let other = Message::index(TWO.as_bytes()).part(&[1]).unwrap();
                edit.drop_part(other)
            },
            NotOfMessage,
            0,
        ),
    ];
    for (input, change, kind, offset) in cases {
        let error = edited(input, change).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset));
    }
    // In the inner one a delimiter of the outer one is refused, and not the other way round.
    let index = Message::index(nested.as_bytes());
    let mut splices = [Splice::default(); 1];
    let mut edit = Edit::new(nested.as_bytes(), &mut splices);
    let outer = PartPlace::After(index.part(&[1]).unwrap());
    assert_eq!(edit.add_part(outer, b"\n--b\n--bc\n --a"), Ok(()));
}

#[test]
fn what_would_take_delimiters_for_its_own() {
    use EditErrorKind::*;
    let digest = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nS: x\n\n--b--\n";
    let cases: [(&str, Change, EditErrorKind, usize); 6] = [
        (
            TWO,
            |edit, part| {
                let entity = b"Content-Type: multipart/x; boundary=b\n\npre";
                edit.add_part(PartPlace::After(part(&[1])), entity)
            },
            HoldsBoundary,
            0,
        ),
        (
            TWO,
            |edit, part| {
                let entity =
                    b"Content-Type: message/rfc822\n\nContent-Type: multipart/x; boundary=\"b-- \"\n\n";
                edit.add_part(PartPlace::After(part(&[1])), entity)
            },
            HoldsBoundary,
            30,
        ),
        (
            "Content-Type: multipart/x; boundary=b--\n\n--b--\n\nx\n--b----\n",
            |edit, part| {
                let entity = b"Content-Type: multipart/x; boundary=b\n\npre";
                edit.add_part(PartPlace::Before(part(&[1])), entity)
            },
            HoldsBoundary,
            0,
        ),
        (
            digest,
            |edit, part| {
                let entity = b"A: b\n\nContent-Type: multipart/x; boundary=b\n\npre";
                edit.add_part(PartPlace::After(part(&[1])), entity)
            },
            HoldsBoundary,
            6,
        ),
        (
            digest,
            |edit, part| edit.add_part(PartPlace::After(part(&[1])), b"\nS: x"),
            NoSeparator,
            5,
        ),
        (
            "--b: x\nContent-Type: multipart/x; boundary=\"b: x\"\n\n--b: x\n\ny\n--b: x--\n",
            |edit, part| {
                let field = part(&[]).header().fields().next().unwrap();
                edit.move_field(field, Place::First(part(&[1]).header()))
            },
            BadName,
            0,
        ),
    ];
    for (input, change, kind, offset) in cases {
        let error = edited(input, change).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset));
    }
}

#[test]
fn a_field_behind_a_delimiter_without_line_end() {
    let cut = "B: 1\nContent-Type: multipart/x; boundary=b\n\n--b";
    let insert: Change = |edit, part| edit.insert_field(Place::Last(part(&[1]).header()), b"A: 1");
    let output = edited(cut, insert).unwrap();
    assert!(output.ends_with("!!--b!A: 1!"), "{output}");
    let move_: Change = |edit, part| {
        let field = part(&[]).header().fields().next().unwrap();
        edit.move_field(field, Place::First(part(&[1]).header()))
    };
    let output = edited(cut, move_).unwrap();
    assert!(output.ends_with("!!--b!B: 1!"), "{output}");
}

/// The bytes of the children of the message, and what is around them.
fn children(input: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let index = Message::index(input);
    let raws = (1..).map_while(|number| index.part(&[number]));
    let header = index.part(&[]).unwrap().header().as_bytes();
    (
        raws.map(|part| part.raw().unwrap().to_vec()).collect(),
        header.to_vec(),
    )
}

#[derive(Clone, Debug)]
enum Step {
    Add(usize, bool, usize),
    Drop(usize),
    Field(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..5_usize, any::<bool>(), 0..3_usize)
            .prop_map(|(at, after, what)| Step::Add(at, after, what)),
        (1..5_usize).prop_map(Step::Drop),
        (1..5_usize).prop_map(Step::Field),
    ]
}

proptest! {
    #[test]
    fn a_change_is_what_a_reader_sees_and_can_be_undone(
        parts in "(pre)?((\r?\n|\r\n)?--b ?(\r?\n)(A:[ x]{0,2}\r?\n|Content-Type: multipart/x; boundary=c\r?\n){0,2}(\r?\n(x|\r?\n|--c\n|--bc){0,3})?){0,4}(\r?\n--b(--)?)?(\r?\nx)?",
        lf in any::<bool>(),
        steps in prop::collection::vec(step(), 0..4),
    ) {
        let header = if lf { "Content-Type: multipart/x; boundary=b\n\n" } else { "Content-Type: multipart/x; boundary=b\r\n\r\n" };
        let input = [header, &parts].concat().into_bytes();
        let index = Message::index(&input);
        let (before, _) = children(&input);
        let mut splices = [Splice::default(); 8];
        let mut edit = Edit::new(&input, &mut splices);
        let mut gaps: Vec<[Vec<Vec<u8>>; 2]> = std::vec![Default::default(); before.len()];
        let mut now: Vec<Option<Vec<u8>>> = before.iter().cloned().map(Some).collect();
        for step in &steps {
            match *step {
                Step::Add(at, after, what) => {
                    let Some(part) = index.part(&[at]) else { continue };
                    let entity: &[u8] = [&b"\n"[..], b"N: 1\r\n\r\nnew\r\n", b"N: 2\n\nnew"][what];
                    let place = if after { PartPlace::After(part) } else { PartPlace::Before(part) };
                    if edit.add_part(place, entity).is_ok() {
                        let text = core::str::from_utf8(entity).unwrap().replace("\r\n", "\n");
                        let end = core::str::from_utf8(edit.line_end()).unwrap();
                        gaps[at - 1][usize::from(after)].push(text.replace('\n', end).into_bytes());
                    }
                }
                Step::Drop(at) => {
                    let Some(part) = index.part(&[at]) else { continue };
                    if edit.drop_part(part).is_ok() {
                        now[at - 1] = None;
                    }
                }
                Step::Field(at) => {
                    let Some(part) = index.part(&[at]) else { continue };
                    let header = part.header();
                    // Where there is no empty line, or no field, the place of the separator is moot.
                    if part.separator().is_empty() || header.is_empty() {
                        continue;
                    }
                    if edit.insert_field(Place::First(header), b"X: y").is_ok() {
                        let field = [b"X: y", edit.line_end()].concat();
                        now[at - 1] = now[at - 1].take().map(|raw| [field, raw].concat());
                    }
                }
            }
        }
        let mut expected = Vec::new();
        for ([added_before, added_after], part) in gaps.into_iter().zip(now) {
            expected.extend(added_before);
            expected.extend(part);
            expected.extend(added_after);
        }
        let output = edit.to_vec();
        let (after, _) = children(&output);
        let show = |parts: &[Vec<u8>]| parts.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(show(&after), show(&expected), "{}", output.escape_ascii());
        let mut splices = [Splice::default(); 8];
        prop_assert_eq!(edit.undo(&output, &mut splices).unwrap().to_vec(), input);
    }
}
