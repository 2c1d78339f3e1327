//! What a reader said of some bytes, in a form in which two readers can be compared.

use scop_core::{Full, Sink};
use scop_mime_core::{Content, Defect, Entity, Event, Field, Index, Inspector, Limits, Reader};

use super::Mismatch;
use crate::rng::Rng;

/// What a run of bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Begin(Entity),
    Field,
    LongField,
    HeaderEnd(Content),
    Preamble,
    Body,
    Delimiter { close: bool },
    Epilogue,
    End(Entity),
}

impl What {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Begin(_) => "begin of an entity",
            Self::Field => "field",
            Self::LongField => "long field",
            Self::HeaderEnd(_) => "end of a header",
            Self::Preamble => "preamble",
            Self::Body => "body",
            Self::Delimiter { .. } => "delimiter",
            Self::Epilogue => "epilogue",
            Self::End(_) => "end of an entity",
        }
    }

    /// Whether it may come in several pieces, and none of it where there are no bytes.
    const fn is_text(self) -> bool {
        matches!(
            self,
            Self::LongField | Self::Preamble | Self::Body | Self::Epilogue
        )
    }
}

/// A run of bytes, by where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) what: What,
    pub(crate) end: usize,
}

/// How many defects are kept one by one.
const KEPT: usize = 64;

/// All that a reader said.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) marks: Vec<Mark>,
    pub(crate) defects: Vec<Defect>,
    /// Looks for all defects, when asked to.
    pub(crate) inspector: Option<Inspector<KEPT>>,
    position: usize,
    events: usize,
}

impl Trace {
    pub(crate) fn clear(&mut self) {
        self.marks.clear();
        self.defects.clear();
        (self.position, self.events) = (0, 0);
        self.inspector = None;
    }

    /// Before the first event: looks for all defects as well.
    pub(crate) fn inspect(&mut self, limits: &Limits) {
        self.clear();
        self.inspector = Some(Inspector::new(limits));
    }

    /// Takes an event, whose bytes must be those of `input` that come next.
    fn take(&mut self, event: &Event<'_>, input: &[u8]) -> Result<(), Mismatch> {
        let raw = event.raw();
        let end = self.position.saturating_add(raw.len());
        let due = input.get(self.position..end);
        if due != Some(raw) {
            let due = due.or(input.get(self.position..)).unwrap_or_default();
            return Err(Mismatch::bytes("bytes in order", due, raw));
        }
        self.position = end;
        if let Some(inspector) = &mut self.inspector {
            inspector.event(event);
        }
        self.events = self.events.saturating_add(1);
        // Each event but some few has bytes of its own.
        if self.events > input.len().saturating_mul(8).saturating_add(1000) {
            return Err(Mismatch::text("events", "an end", "no end"));
        }
        let what = match *event {
            Event::Begin(entity) => What::Begin(entity),
            Event::Field(_) => What::Field,
            Event::LongField(_) => What::LongField,
            Event::HeaderEnd { content, .. } => What::HeaderEnd(content),
            Event::Preamble(_) => What::Preamble,
            Event::Body(_) => What::Body,
            Event::Delimiter { close, .. } => What::Delimiter { close },
            Event::Epilogue(_) => What::Epilogue,
            Event::End(entity) => What::End(entity),
            Event::Defect(defect) => {
                self.defects.push(defect);
                return Ok(());
            }
            _ => return Err(Mismatch::text("event", "a known one", "an unknown one")),
        };
        if what.is_text() {
            if raw.is_empty() {
                return Ok(());
            }
            if let Some(last) = self.marks.last_mut().filter(|last| last.what == what) {
                last.end = end;
                return Ok(());
            }
        }
        self.marks.push(Mark { what, end });
        Ok(())
    }

    fn finish(&mut self, input: &[u8]) -> Result<(), Mismatch> {
        if let Some(inspector) = &mut self.inspector {
            inspector.finish();
        }
        match input.get(self.position..) {
            None | Some([]) => Ok(()),
            Some(left) => Err(Mismatch::bytes("bytes that no event has", b"", left)),
        }
    }

    /// What the index says of `input`; each field goes to `field`.
    pub(crate) fn of_index<'i>(
        &mut self,
        input: &'i [u8],
        limits: Limits,
        mut field: impl FnMut(Field<'i>),
    ) -> Result<(), Mismatch> {
        for event in Index::with_limits(input, limits).events() {
            self.take(&event, input)?;
            if let Event::Field(one) = event {
                field(one);
            }
        }
        self.finish(input)
    }

    /// What the push reader says of `input`, cut as `cuts` draws it.
    pub(crate) fn of_reader(
        &mut self,
        input: &[u8],
        limits: Limits,
        buffer: &mut [u8],
        cuts: &mut Rng,
    ) -> Result<(), Mismatch> {
        let Ok(mut reader) = Reader::new(buffer, limits) else {
            return Err(Mismatch::text("reader", "one", "its buffer is too small"));
        };
        let width = cuts.pick(&[1, 7, 40, 40, 200, 200, 1000, u32::MAX / 4]);
        let mut rest = input;
        while !rest.is_empty() {
            let size = usize::try_from(cuts.range(1, width.saturating_mul(2))).unwrap_or(1);
            let (mut piece, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            rest = after;
            while let Some(event) = reader.read(&mut piece) {
                self.take(&event, input)?;
            }
            if !piece.is_empty() {
                return Err(Mismatch::bytes("bytes that were not taken", b"", piece));
            }
        }
        while let Some(event) = reader.finish() {
            self.take(&event, input)?;
        }
        self.finish(input)
    }

    /// Where the other trace differs.
    pub(crate) fn same(&self, other: &Self) -> Result<(), Mismatch> {
        if self.marks == other.marks && self.defects == other.defects {
            return self.same_inspection(other);
        }
        let marks = self.marks.iter().zip(&other.marks);
        let at = marks.take_while(|(one, two)| one == two).count();
        if self.marks != other.marks {
            return Err(Mismatch::text(
                "events (index, push)",
                format!("{:?}", self.marks.get(at)),
                format!("{:?}", other.marks.get(at)),
            ));
        }
        Err(Mismatch::text(
            "defects (index, push)",
            format!("{:?}", self.defects),
            format!("{:?}", other.defects),
        ))
    }

    /// All defects. In which order they are found depends on the pieces in which text comes; so does which
    /// of them are kept, when they are too many.
    fn same_inspection(&self, other: &Self) -> Result<(), Mismatch> {
        let (Some(one), Some(two)) = (&self.inspector, &other.inspector) else {
            return Ok(());
        };
        let sorted = |inspector: &Inspector<KEPT>| {
            let mut defects = inspector.defects().to_vec();
            defects.sort_unstable_by_key(|defect| (defect.offset, defect.kind));
            defects
        };
        let same = one.kinds() == two.kinds()
            && one.omitted() == two.omitted()
            && (one.omitted() > 0 || sorted(one) == sorted(two));
        if same {
            return Ok(());
        }
        Err(Mismatch::text(
            "inspection (index, push)",
            format!("{:?} and {}", one.defects(), one.omitted()),
            format!("{:?} and {}", two.defects(), two.omitted()),
        ))
    }
}

/// Takes bytes and forgets them, after it has looked at each.
#[derive(Debug, Default)]
pub(crate) struct Nothing(pub(crate) u64);

impl Sink for Nothing {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0 = self
            .0
            .wrapping_add(u64::try_from(bytes.len()).unwrap_or(0))
            .wrapping_add(bytes.last().copied().unwrap_or(0).into());
        Ok(())
    }
}
