//! Real mail: 6,046 messages that people wrote, each as it was stored and with CRLF.
//!
//! They are other people's letters: what is printed of one is its name.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::Discriminant;

use scop_core::Emit;
use scop_interop::mime::{DELIVERY_STATUS, Email, TRAILING_SPACE, difference, ours};
use scop_interop::real_mail::{COUNT, HOW, RealMail};
use scop_mime_core::body::push::MIN_BUFFER;
use scop_mime_core::edit::{Edit, EditErrorKind, Place, Splice};
use scop_mime_core::{Content, Defect, Entity, Event, Field, Index, Limits, Message, Part, Reader};

fn real_mail() -> Option<Vec<RealMail>> {
    let all = scop_interop::real_mail();
    if all.is_none() {
        scop_interop::skip(HOW);
    }
    all
}

/// Every message with its name, as it was stored and with CRLF.
fn both_forms(all: &[RealMail]) -> impl Iterator<Item = (String, Vec<u8>)> {
    all.iter().flat_map(|mail| {
        let stored = (format!("{} as stored", mail.id), mail.stored.clone());
        [stored, (format!("{} with CRLF", mail.id), mail.crlf())]
    })
}

/// Every byte is in exactly one event, whether a message is in memory or comes in pieces, and both say
/// the same of it.
#[test]
fn nothing_is_lost() {
    let Some(all) = real_mail() else { return };
    let mut random = 1;
    for (name, input) in both_forms(&all) {
        let mut limits = Limits::DEFAULT;
        limits.field = MIN_BUFFER - 1;
        let mut whole = Trace::default();
        for event in Index::with_limits(&input, limits).events() {
            whole.event(&event);
        }
        assert!(whole.octets == input, "{name}: the index loses octets");

        let mut buffer = [0; MIN_BUFFER];
        let mut reader = Reader::new(&mut buffer, limits).unwrap();
        let mut pieces = Trace::default();
        let mut rest: &[u8] = &input;
        while !rest.is_empty() {
            let (mut chunk, others) = rest.split_at(chunk_len(&mut random).min(rest.len()));
            rest = others;
            while let Some(event) = reader.read(&mut chunk) {
                pieces.event(&event);
            }
        }
        while let Some(event) = reader.finish() {
            pieces.event(&event);
        }
        assert!(pieces.octets == input, "{name}: the reader loses octets");
        assert!(pieces.steps == whole.steps, "{name}: the two differ");
    }
}

/// From 1 to 4,096, small ones as often as large ones.
fn chunk_len(random: &mut u64) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let bits = *random % 13;
    usize::try_from((*random >> 8) % (1 << bits)).unwrap() + 1
}

/// What a reader said, with the pieces of a text joined.
#[derive(Default)]
struct Trace {
    steps: Vec<(What, usize)>,
    octets: Vec<u8>,
}

/// An event without its octets.
#[derive(PartialEq)]
enum What {
    Begin(Entity),
    Field(usize),
    HeaderEnd(Content),
    Delimiter(bool),
    End(Entity),
    Defect(Defect),
    Text(Discriminant<Event<'static>>),
}

impl Trace {
    fn event(&mut self, event: &Event<'_>) {
        self.octets.extend_from_slice(event.raw());
        let what = match event {
            Event::Begin(entity) => What::Begin(*entity),
            Event::Field(field) => What::Field(field.offset()),
            Event::HeaderEnd { content, .. } => What::HeaderEnd(*content),
            Event::Delimiter { close, .. } => What::Delimiter(*close),
            Event::End(entity) => What::End(*entity),
            Event::Defect(defect) => What::Defect(*defect),
            Event::LongField(_) => What::Text(std::mem::discriminant(&Event::LongField(b""))),
            Event::Preamble(_) => What::Text(std::mem::discriminant(&Event::Preamble(b""))),
            Event::Body(_) => What::Text(std::mem::discriminant(&Event::Body(b""))),
            _ => What::Text(std::mem::discriminant(&Event::Epilogue(b""))),
        };
        let len = event.raw().len();
        match self.steps.last_mut() {
            Some((last @ What::Text(_), sum)) if *last == what => *sum += len,
            _ => self.steps.push((what, len)),
        }
    }
}

/// A message is changed in several places, has those changes and no other, and is restored to the octet.
#[test]
fn changes_are_taken_back() {
    const ADDED: &[u8] = b"X-Added: by a test,\r\n in two lines";
    let Some(all) = real_mail() else { return };
    for (name, input) in both_forms(&all) {
        let header = Message::split(&input).header;
        let fields: Vec<Field<'_>> = header.fields().collect();
        let innermost = Message::index(&input).parts().last().unwrap();
        let mut splices = [Splice::default(); 8];
        let mut edit = Edit::new(&input, &mut splices);
        edit.insert_field(Place::First(header), ADDED).unwrap();
        edit.remove_field(fields[1]).unwrap();
        edit.replace_field(fields[2], ADDED).unwrap();
        edit.move_field(fields[4], Place::Before(fields[3]))
            .unwrap();
        if innermost.entity().depth > 0 {
            edit.insert_field(Place::Last(innermost.header()), ADDED)
                .unwrap();
        }

        let output = edit.to_vec();
        let mut expected = fields
            .iter()
            .map(|field| field.raw().to_vec())
            .collect::<Vec<_>>();
        let mut added = ADDED.to_vec();
        if edit.line_end() == b"\n" {
            added.retain(|&byte| byte != b'\r');
        }
        added.extend_from_slice(edit.line_end());
        expected.swap(3, 4);
        expected[2].clone_from(&added);
        expected[1] = expected[0].clone();
        expected[0] = added;
        let found = Message::split(&output).header;
        let found: Vec<Vec<u8>> = found.fields().map(|field| field.raw().to_vec()).collect();
        let depth = innermost.entity().depth;
        // What was put into a part does not change the header of the message.
        assert!(found == expected, "{name}: fields, depth {depth}");

        let mut splices = [Splice::default(); 8];
        let undo = edit.undo(&output, &mut splices).unwrap();
        assert!(undo.to_vec() == input, "{name} is not restored");
    }
}

/// A part is dropped, the others stay, and the message is restored to the octet.
#[test]
fn a_dropped_part_comes_back() {
    let Some(all) = real_mail() else { return };
    let mut dropped = 0;
    for (name, input) in both_forms(&all) {
        let before: Vec<_> = Message::index(&input).parts().collect();
        let last = *before.last().unwrap();
        let mut splices = [Splice::default(); 2];
        let mut edit = Edit::new(&input, &mut splices);
        match edit.drop_part(last).map_err(|error| error.kind()) {
            Ok(()) => {}
            Err(EditErrorKind::NotInMultipart | EditErrorKind::OnlyPart) => continue,
            Err(kind) => panic!("{name}: {kind}"),
        }
        dropped += 1;
        let output = edit.to_vec();
        let octets = |part: &Part<'_>| part.body().map(<[u8]>::to_vec);
        let expected = before.iter().take(before.len() - 1).map(octets);
        assert!(
            Message::index(&output)
                .parts()
                .map(|part| octets(&part))
                .eq(expected),
            "{name}"
        );
        let mut splices = [Splice::default(); 2];
        let undo = edit.undo(&output, &mut splices).unwrap();
        assert!(undo.to_vec() == input, "{name} is not restored");
    }
    println!("a part was dropped from {dropped} messages");
    assert!(dropped > 500);
}

/// Messages that differ for a reason that the test checks: without it they would not. We are right in both:
/// see the reasons.
const DIFFERENT: &[(&str, &str)] = &[
    (
        DELIVERY_STATUS,
        "easy-ham-1/01436 easy-ham-1/01542 easy-ham-2/01311",
    ),
    (
        TRAILING_SPACE,
        "spam-1/00001 spam-1/00015 spam-1/00025 spam-1/00029 spam-1/00030 spam-1/00046 spam-1/00050 \
         spam-1/00058 spam-1/00061 spam-1/00082 spam-1/00083 spam-1/00143 spam-1/00146 spam-1/00149 \
         spam-1/00168 spam-1/00176 spam-1/00177 spam-1/00179 spam-1/00183 spam-1/00190 spam-1/00196 \
         spam-1/00199 spam-1/00200 spam-1/00201 spam-1/00212 spam-1/00215 spam-1/00221 spam-1/00244 \
         spam-1/00246 spam-1/00251 spam-1/00266 spam-1/00269 spam-1/00276 spam-1/00281 spam-1/00285 \
         spam-1/00287 spam-1/00306 spam-1/00315 spam-1/00369 spam-1/00376 spam-1/00402 spam-1/00407 \
         spam-1/00435 spam-1/00443 spam-1/00451 spam-1/00468 spam-1/00488 spam-1/00491 spam-1/00492 \
         spam-1/00496 spam-1/00497 spam-2/00012 spam-2/00020 spam-2/00021 spam-2/00046 spam-2/00047 \
         spam-2/00105 spam-2/00133 spam-2/00164 spam-2/00218 spam-2/00251 spam-2/00258 spam-2/00259 \
         spam-2/00260 spam-2/00265 spam-2/00268 spam-2/00275 spam-2/00276 spam-2/00285 spam-2/00297 \
         spam-2/00299 spam-2/00314 spam-2/00320 spam-2/00323 spam-2/00332 spam-2/00347 spam-2/00369 \
         spam-2/00370 spam-2/00405 spam-2/00420 spam-2/00428 spam-2/00432 spam-2/00435 spam-2/00450 \
         spam-2/00457 spam-2/00458 spam-2/00477 spam-2/00479 spam-2/00487 spam-2/00499 spam-2/00506 \
         spam-2/00530 spam-2/00531 spam-2/00532 spam-2/00547 spam-2/00586 spam-2/00589 spam-2/00594 \
         spam-2/00599 spam-2/00603 spam-2/00606 spam-2/00607 spam-2/00608 spam-2/00610 spam-2/00615 \
         spam-2/00616 spam-2/00617 spam-2/00640 spam-2/00641 spam-2/00647 spam-2/00665 spam-2/00678 \
         spam-2/00680 spam-2/00689 spam-2/00695 spam-2/00696 spam-2/00702 spam-2/00715 spam-2/00740 \
         spam-2/00761 spam-2/00762 spam-2/00765 spam-2/00767 spam-2/00768 spam-2/00781 spam-2/00782 \
         spam-2/00786 spam-2/00796 spam-2/00797 spam-2/00798 spam-2/00799 spam-2/00811 spam-2/00815 \
         spam-2/00820 spam-2/00821 spam-2/00839 spam-2/00849 spam-2/00851 spam-2/00867 spam-2/00868 \
         spam-2/00877 spam-2/00884 spam-2/00908 spam-2/00911 spam-2/00929 spam-2/00930 spam-2/00933 \
         spam-2/00938 spam-2/00947 spam-2/00951 spam-2/00958 spam-2/00961 spam-2/00962 spam-2/00964 \
         spam-2/00965 spam-2/00969 spam-2/00974 spam-2/00980 spam-2/00990 spam-2/00992 spam-2/00997 \
         spam-2/00998 spam-2/01003 spam-2/01004 spam-2/01005 spam-2/01012 spam-2/01019 spam-2/01028 \
         spam-2/01030 spam-2/01031 spam-2/01032 spam-2/01035 spam-2/01037 spam-2/01040 spam-2/01044 \
         spam-2/01045 spam-2/01048 spam-2/01050 spam-2/01056 spam-2/01064 spam-2/01067 spam-2/01069 \
         spam-2/01070 spam-2/01071 spam-2/01075 spam-2/01077 spam-2/01078 spam-2/01079 spam-2/01083 \
         spam-2/01085 spam-2/01090 spam-2/01091 spam-2/01092 spam-2/01094 spam-2/01095 spam-2/01097 \
         spam-2/01099 spam-2/01108 spam-2/01109 spam-2/01110 spam-2/01112 spam-2/01119 spam-2/01123 \
         spam-2/01130 spam-2/01136 spam-2/01140 spam-2/01142 spam-2/01147 spam-2/01156 spam-2/01165 \
         spam-2/01168 spam-2/01180 spam-2/01187 spam-2/01196 spam-2/01198 spam-2/01202 spam-2/01209 \
         spam-2/01210 spam-2/01215 spam-2/01225 spam-2/01236 spam-2/01240 spam-2/01244 spam-2/01253 \
         spam-2/01267 spam-2/01277 spam-2/01290 spam-2/01297 spam-2/01307 spam-2/01310 spam-2/01311 \
         spam-2/01318 spam-2/01320 spam-2/01323 spam-2/01327 spam-2/01329 spam-2/01341 spam-2/01347 \
         spam-2/01348 spam-2/01354 spam-2/01359 spam-2/01363 spam-2/01368 spam-2/01373 spam-2/01375",
    ),
];

/// Doubtful messages that differ. Each has a defect that we name, and may be read otherwise.
const DOUBTFUL: &[(&str, &str)] = &[
    (
        "`==` in quoted-printable: we hand out both (RFC 2045 6.7), CPython one",
        "hard-ham-1/00005 spam-2/00673 spam-2/00734 spam-2/01041 spam-2/01304 spam-2/01386",
    ),
    (
        "no delimiter behind the last part: the line end before the end of the message is part of it, as there \
         is no delimiter that it could belong to (RFC 2046 5.1.1); CPython takes it away",
        "hard-ham-1/00021 spam-1/00038 spam-2/00009 spam-2/00714",
    ),
    (
        "base64 of 4n + 1 characters: we decode what can be, CPython gives all of it undecoded",
        "spam-1/00260 spam-1/00307 spam-1/00313",
    ),
    (
        "text behind base64: we go on behind the padding, CPython stops there; both may (RFC 2045 6.8)",
        "spam-2/00588 spam-2/00853 spam-2/00960 spam-2/01309",
    ),
    (
        "a multipart with nothing but a close delimiter: a multipart without parts, or a leaf of the text \
         before the delimiter",
        "spam-1/00467 spam-2/01214",
    ),
    (
        "no semicolon behind the type: we read the type, CPython takes all of the value for it",
        "spam-2/00204",
    ),
];

/// The parts of each message, their order, types, decoded octets and file names are those that `CPython`'s
/// email package sees, but for what is listed.
#[test]
fn the_tree_is_that_of_cpython() {
    let Some(all) = real_mail() else { return };
    let Some(mut email) = Email::start() else {
        return;
    };
    let mut different: BTreeMap<&str, &str> = BTreeMap::new();
    let mut doubtful = BTreeSet::new();
    let mut wrong = BTreeSet::new();
    let (mut set_aside, mut theirs_too) = (0, 0);
    for mail in &all {
        for message in [&mail.stored, &mail.crlf()] {
            let ours = ours(message);
            let theirs = email.theirs(message);
            let is_doubtful = ours.is_doubtful || theirs.is_doubtful;
            set_aside += usize::from(is_doubtful);
            theirs_too += usize::from(theirs.is_doubtful);
            match difference(message, &ours, &theirs, &mut email) {
                Ok(Some(why)) => {
                    different.insert(&mail.id, why);
                }
                Ok(None) => {}
                Err(_) if is_doubtful && is_listed(DOUBTFUL, &mail.id) => {
                    doubtful.insert(mail.id.as_str());
                }
                Err(what) => {
                    wrong.insert(format!("{} {what}", mail.id));
                }
            }
        }
    }
    println!(
        "of {} messages, {set_aside} are doubtful, {theirs_too} of them to CPython too",
        2 * COUNT
    );
    for (why, ids) in DIFFERENT {
        for id in ids.split_ascii_whitespace() {
            if different.remove(id) != Some(why) {
                wrong.insert(format!("{id} is listed: {why}"));
            }
        }
    }
    wrong.extend(
        different
            .iter()
            .map(|(id, why)| format!("{id} is not listed: {why}")),
    );
    for (why, ids) in DOUBTFUL {
        let agree = ids
            .split_ascii_whitespace()
            .filter(|id| !doubtful.contains(id));
        wrong.extend(agree.map(|id| format!("{id} is listed: {why}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn is_listed(list: &[(&str, &str)], id: &str) -> bool {
    let mut all = list
        .iter()
        .flat_map(|(_, ids)| ids.split_ascii_whitespace());
    all.any(|listed| listed == id)
}
