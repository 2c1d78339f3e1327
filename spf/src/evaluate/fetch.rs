//! The lookup and the selection of a record (RFC 7208 4.4, 4.5), and where it goes on the stack.

use scop_core::{Answer, Full, Rdata, Rtype, Txt};

use super::mechanism::passes_over;
use super::{Flow, Frame, Machine, Why};
use crate::limits::Limit;
use crate::mechanism::Qualifier;
use crate::record::Record;
use crate::result::SpfResult;
use crate::verdict::{PlaceSpan, ReasonKind, Span, short};

impl Machine<'_> {
    pub(super) fn on_record(&mut self, why: Why, answer: Answer<'_>) -> Flow {
        let target = PlaceSpan::record(self.target);
        // The record that is missing matters where the evaluation starts, the term that leads to it
        // everywhere else.
        let place = match why {
            Why::Check => target,
            Why::Include | Why::Redirect => self.place(),
        };
        let nothing = |kind| match why {
            Why::Check => (SpfResult::None, kind, place),
            Why::Include | Why::Redirect => (SpfResult::PermError, ReasonKind::NoTarget, place),
        };
        let (result, kind, place) = match answer {
            Answer::Failed(failure) => (
                SpfResult::TempError,
                ReasonKind::LookupFailed(Rtype::TXT, failure),
                place,
            ),
            Answer::NxDomain(_) => nothing(ReasonKind::NoSuchDomain),
            Answer::NoData(_) => nothing(ReasonKind::NoRecord),
            Answer::Records(records, _) => {
                let mut selected = records.iter().filter_map(|rdata| match rdata {
                    Rdata::Txt(txt) if Record::is_selected(&txt) => Some(txt),
                    _ => None,
                });
                match (selected.next(), selected.next()) {
                    (None, _) => nothing(ReasonKind::NoRecord),
                    (Some(txt), None) => return self.push(why, &txt),
                    (Some(_), Some(_)) => {
                        (SpfResult::PermError, ReasonKind::MultipleRecords, target)
                    }
                }
            }
        };
        self.finish(result, kind, place);
        Flow::Stop
    }

    /// Puts a record on the stack, in the place of the current one when it is redirected to.
    fn push(&mut self, why: Why, txt: &Txt<'_>) -> Flow {
        let mut domain = self.target;
        let (mut base, mut start) = (self.scratch, self.scratch);
        match why {
            Why::Check => base = 0,
            Why::Include => {}
            Why::Redirect => {
                base = self.frames.pop().map_or(0, |frame| frame.base.into());
                domain = self.move_down(domain, base);
                start = domain.end();
            }
        }
        let error = |kind| (SpfResult::PermError, kind, PlaceSpan::record(domain));
        let (result, kind, place) = match self.put(start, txt) {
            Err(Full) => error(ReasonKind::Limit(Limit::Text)),
            Ok(end) => {
                let record = Span::new(start, end);
                // What cannot match is passed over while the syntax is checked.
                let (mut next, mut position, mut passing) = (Record::TERMS_AT, 0_u16, true);
                let ip = self.ip;
                let parsed = Record::parse_with(record.of(&self.verdict.text), |term| {
                    passing = passing && passes_over(term.kind, ip);
                    if passing {
                        next = short(term.offset + term.text.len());
                        position = position.saturating_add(1);
                    }
                });
                let frame = Frame {
                    base: short(base),
                    domain,
                    record,
                    next,
                    term: Span::EMPTY,
                    position,
                    qualifier: Qualifier::Pass,
                };
                match parsed {
                    Err(syntax) => error(ReasonKind::Syntax(syntax)),
                    Ok(_) if self.frames.push(frame).is_err() => {
                        error(ReasonKind::Limit(Limit::Nesting))
                    }
                    Ok(_) => return Flow::Next,
                }
            }
        };
        self.finish(result, kind, place);
        Flow::Stop
    }

    /// Copies a stretch of the buffer to a place that is not above it.
    fn move_down(&mut self, span: Span, to: usize) -> Span {
        let mut end = to;
        for from in usize::from(span.start)..span.end() {
            let byte = self.verdict.text.get(from).copied().unwrap_or_default();
            if let Some(place) = self.verdict.text.get_mut(end) {
                *place = byte;
            }
            end += 1;
        }
        Span::new(to, end)
    }
}
