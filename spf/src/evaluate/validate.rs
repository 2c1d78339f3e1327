//! The validated names of the client (RFC 7208 5.5), and `%{p}` (RFC 7208 7.3).

use scop_core::name::Labels;
use scop_core::{Answer, Emit, Full, Name, QueryName, Rdata, Sink};

use super::mechanism::Found;
use super::{Ask, Flow, Machine};
use crate::macro_string::{DomainSpec, MacroString};
use crate::mechanism::DualCidr;
use crate::verdict::Span;

impl Machine<'_> {
    /// Whether the term holds `%{p}`, and the host wants it resolved.
    pub(super) fn has_to_resolve_p(&self) -> bool {
        let Some(spec) = self.term.spec.filter(|_| self.limits.resolve_p) else {
            return false;
        };
        let text = spec.of(&self.verdict.text);
        self.validated.is_none()
            && if self.term.job.explains() {
                MacroString::parse_explanation(text).is_ok_and(|text| text.uses_validated_name())
            } else {
                DomainSpec::reread(text)
                    .as_macro_string()
                    .uses_validated_name()
            }
    }

    /// Stores the names of the first PTR records, only those within `target` where one is given.
    ///
    /// A name that does not fit the buffer is skipped, like one whose lookup fails, because the owner
    /// of the client's address chooses it.
    pub(super) fn keep_names(
        &mut self,
        records: scop_core::Records<'_>,
        target: Option<Span>,
    ) -> u8 {
        self.names = self.scratch;
        let mut end = self.names;
        let mut kept = 0;
        let names = records.iter().filter_map(|rdata| match rdata {
            Rdata::Ptr(name) => Some(name),
            _ => None,
        });
        for name in names.take(self.limits.ptr().into()) {
            let wanted = target.is_none_or(|target| {
                within(name, dotted(target.of(&self.verdict.text)).labels()).is_some()
            });
            if !wanted || name.is_root() {
                continue;
            }
            if let Ok(after) = self.put(end, &name) {
                end = after;
                kept += 1;
            }
        }
        kept
    }

    pub(super) fn on_validate(&mut self, answer: Answer<'_>) -> Flow {
        match answer {
            Answer::Failed(_) => self.validated(None),
            Answer::NoData(_) | Answer::NxDomain(_) => {
                self.round.void = true;
                self.validated(None)
            }
            Answer::Records(records, _) => match self.keep_names(records, None) {
                0 => self.validated(None),
                kept => self.open(Ask::ValidateNames, kept),
            },
        }
    }

    /// The best name is chosen when all are known, so that the order of answers does not show.
    pub(super) fn on_validate_name(&mut self, index: u8, answer: Answer<'_>) -> Flow {
        match self.compare(answer, DualCidr::default()) {
            Found::Failed(_) | Found::Other => {}
            Found::Match => self.round.note_valid(index),
            Found::Void => self.round.void = true,
        }
        if !self.round.is_complete() {
            return Flow::Stop;
        }
        // The domain itself, else a name below it, else any (RFC 7208 7.3).
        let mut best = None;
        for index in (0..32).filter(|&index| self.round.is_valid(index)) {
            let domain = dotted(self.domain().of(&self.verdict.text));
            let Some(name) = self.name(index) else {
                continue;
            };
            let rank = match within(name, domain.labels()) {
                Some(0) => 0,
                Some(_) => 1,
                None => 2,
            };
            if best.is_none_or(|(first, _)| rank < first) {
                best = Some((rank, index));
            }
        }
        self.validated(best.map(|(_, index)| index))
    }

    /// Goes on with the term, now that `%{p}` is known.
    fn validated(&mut self, index: Option<u8>) -> Flow {
        let mut buffer = heapless::Vec::<u8, 256>::new();
        let made = match index.and_then(|index| self.name(index)) {
            Some(name) => DottedName(name).emit(&mut buffer),
            None => Ok(()),
        };
        let scratch = self.scratch;
        let Ok(end) = made.and_then(|()| self.put(scratch, &super::Bytes(&buffer))) else {
            return self.no_room();
        };
        self.validated = Some(self.take_scratch(end));
        if self.round.void && !self.term.job.explains() && !self.count_void() {
            return Flow::Stop;
        }
        self.launch()
    }
}

fn dotted(name: &[u8]) -> QueryName<'_> {
    QueryName::dotted([name, b"", b""])
}

/// How many labels a name has before `domain`: 0 for the domain itself; `None` outside of it.
fn within(name: Name<'_>, domain: Labels<'_>) -> Option<usize> {
    let extra = name.labels().count().checked_sub(domain.clone().count())?;
    let same = name
        .labels()
        .skip(extra)
        .zip(domain)
        .all(|(one, other)| one.eq_ignore_ascii_case(other));
    same.then_some(extra)
}

/// Labels with dots between them.
struct DottedName<'a>(Name<'a>);

impl Emit for DottedName<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, label) in self.0.labels().enumerate() {
            if index > 0 {
                sink.put_byte(b'.')?;
            }
            sink.put(label)?;
        }
        Ok(())
    }
}
