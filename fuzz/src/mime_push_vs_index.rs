//! The tree of a message: the reader of pieces and the reader in memory say the same, lose no byte, and
//! agree with a second implementation on the parts.

use scop_mime_core::body::push::MIN_BUFFER;
use scop_mime_core::{
    Content, Defect, DefectKind, DefectSet, Entity, Event, Index, Inspector, Limits, Message,
    Reader,
};

use crate::choice::Choice;
use crate::rfc2046;

/// A message.
pub fn run(data: &[u8]) {
    let mut choice = Choice::of(data);
    check_pieces(data, Limits::DEFAULT, &mut choice);
    check_pieces(data, tight(&mut choice), &mut choice);
    check_parts(data, &mut choice);
}

/// Limits that a small message reaches.
fn tight(choice: &mut Choice) -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.depth = choice.below(4);
    limits.parts = choice.below(4);
    limits.field = choice.below(200);
    limits.fields = choice.below(6);
    limits.header = choice.below(300);
    limits.parameters = choice.below(4);
    limits
}

/// An event with its bytes; text in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Begin(Entity),
    Field(usize, Vec<u8>),
    Text(&'static str, Vec<u8>),
    HeaderEnd(Vec<u8>, Content),
    Delimiter(Vec<u8>, bool),
    End(Entity),
    Defect(Defect),
}

/// What a reader said.
#[derive(Default)]
struct Heard {
    events: Vec<Owned>,
    raw: Vec<u8>,
}

impl Heard {
    fn hear(&mut self, event: &Event<'_>) {
        self.raw.extend_from_slice(event.raw());
        let text = |role| Owned::Text(role, event.raw().to_vec());
        let owned = match *event {
            Event::Begin(entity) => Owned::Begin(entity),
            Event::Field(field) => Owned::Field(field.offset(), field.raw().to_vec()),
            Event::LongField(_) => text("long field"),
            Event::HeaderEnd { separator, content } => {
                Owned::HeaderEnd(separator.to_vec(), content)
            }
            Event::Preamble(_) => text("preamble"),
            Event::Body(_) => text("body"),
            Event::Delimiter { line, close } => Owned::Delimiter(line.to_vec(), close),
            Event::Epilogue(_) => text("epilogue"),
            Event::End(entity) => Owned::End(entity),
            Event::Defect(defect) => Owned::Defect(defect),
            _ => panic!("an event that this test does not know"),
        };
        match (self.events.last_mut(), owned) {
            (Some(Owned::Text(role, bytes)), Owned::Text(also, more)) if *role == also => {
                assert!(!more.is_empty());
                bytes.extend(more);
            }
            (_, owned) => self.events.push(owned),
        }
    }

    /// Each entity that begins ends, inside the one in which it began.
    fn check_balance(&self) {
        let mut open: Vec<Entity> = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            match event {
                Owned::Begin(entity) => {
                    assert_eq!(entity.depth, open.len());
                    open.push(*entity);
                }
                Owned::End(entity) => assert_eq!(open.pop(), Some(*entity)),
                _ => assert!(index > 0 && !open.is_empty()),
            }
        }
        assert!(open.is_empty() && !self.events.is_empty());
    }
}

/// What an inspector found: defects in the order of the message, how many, and which kinds.
type Found = (Vec<Defect>, u64, DefectSet);

fn found(mut inspector: Inspector<64>) -> Found {
    inspector.finish();
    let mut defects = inspector.defects().to_vec();
    defects.sort_by_key(|defect| (defect.offset, defect.kind));
    let count = inspector.omitted() + defects.len() as u64;
    if inspector.omitted() > 0 {
        // Which of them were kept is a matter of the order.
        defects.clear();
    }
    (defects, count, inspector.kinds())
}

fn check_pieces(data: &[u8], limits: Limits, choice: &mut Choice) {
    let mut buffer = vec![0xa5; MIN_BUFFER + choice.pick(&[0, 1, 7, 1000, 70_000])];
    // What a reader of this buffer makes of the limits.
    let mut same = limits;
    same.field = same.field.min(buffer.len() - 1);

    let mut whole = Heard::default();
    let mut inspector = Inspector::new(&same);
    for event in Index::with_limits(data, same).events() {
        whole.hear(&event);
        inspector.event(&event);
    }
    let of_whole = found(inspector);
    assert_eq!(whole.raw, data);
    whole.check_balance();

    let mut pieces = Heard::default();
    let mut inspector = Inspector::new(&same);
    let mut reader = Reader::<32>::with_depth(&mut buffer, limits).unwrap();
    for mut chunk in choice.chunks(data) {
        while let Some(event) = reader.read(&mut chunk) {
            pieces.hear(&event);
            inspector.event(&event);
        }
        assert!(chunk.is_empty());
    }
    while let Some(event) = reader.finish() {
        pieces.hear(&event);
        inspector.event(&event);
    }
    assert_eq!(reader.offset(), data.len() as u64);
    assert!(reader.finish().is_none() && reader.read(&mut &b"more"[..]).is_none());
    assert_eq!(pieces.raw, data);
    assert_eq!(pieces.events, whole.events);
    assert_eq!(found(inspector), of_whole);
}

/// Where two ways to read a tree need not agree.
pub(crate) const OTHER_TREE: [DefectKind; 7] = [
    DefectKind::BoundaryReused,
    DefectKind::BoundaryPrefix,
    DefectKind::BoundaryLimit,
    DefectKind::DepthLimit,
    DefectKind::PartsLimit,
    DefectKind::FieldLimit,
    DefectKind::ParametersLimit,
];

fn check_parts(data: &[u8], choice: &mut Choice) {
    let index = Message::index(data);
    let inspector = index.inspect::<4>();
    assert_eq!(
        Message::strict(data).err(),
        inspector.defects().first().copied()
    );
    assert_eq!(inspector.is_ambiguous(), inspector.kinds().is_ambiguous());
    if OTHER_TREE
        .iter()
        .any(|&kind| inspector.kinds().contains(kind))
    {
        return;
    }
    let naive = rfc2046::parts(data);
    let ours: Vec<_> = index.parts().collect();
    assert_eq!(ours.len(), naive.len());
    for (part, naive) in ours.iter().zip(&naive) {
        assert_eq!(part.entity().depth, naive.path.len());
        assert_eq!(
            part.entity().number,
            naive.path.last().copied().unwrap_or(1)
        );
        assert_eq!(part.entity().offset, naive.header.start as u64);
        assert_eq!(part.content().kind, naive.kind);
        assert_eq!(part.header().as_bytes(), &data[naive.header.clone()]);
        assert_eq!(part.separator(), &data[naive.header.end..naive.body.start]);
        if let Some(body) = part.body() {
            assert_eq!(body, &data[naive.body.clone()]);
        }
    }
    // Each of these reads the message anew.
    let which = choice.below(naive.len());
    let (naive, part) = (&naive[which], &ours[which]);
    for part in [index.part(&naive.path), index.whole(part)] {
        let part = part.expect("it is there");
        assert_eq!(part.body(), Some(&data[naive.body.clone()]));
        assert_eq!(part.raw(), Some(&data[naive.header.start..naive.body.end]));
    }
    assert!(
        index
            .part(&[naive.path.as_slice(), &[1000]].concat())
            .is_none()
    );
}
