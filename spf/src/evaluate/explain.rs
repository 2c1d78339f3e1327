//! The explanation of a fail (RFC 7208 6.2). Nothing here changes the result.

use scop_core::{Answer, Full, Rdata, SliceSink};

use super::mechanism::spec_span;
use super::{Ask, Flow, Job, Machine, Pending};
use crate::macro_string::MacroString;
use crate::mechanism::DualCidr;
use crate::record::{Record, TermKind, Terms};

impl Machine<'_> {
    /// Asks for the explanation that the deciding record names, if it does.
    pub(super) fn explain(&mut self) -> Flow {
        let Some(frame) = self.frames.last() else {
            return self.no_explanation();
        };
        let mut terms = Terms::resume(frame.record.of(&self.verdict.text), Record::TERMS_AT.into());
        let found = terms.find_map(|term| match term.kind {
            TermKind::Explanation(spec) => {
                let start = usize::from(frame.record.start) + term.offset;
                Some(spec_span(start, term.text, spec))
            }
            _ => None,
        });
        let Some(spec) = found else {
            return self.no_explanation();
        };
        self.term = Pending {
            job: Job::Explanation,
            spec: Some(spec),
            cidr: DualCidr::default(),
        };
        self.validated = None;
        self.resolve_or_launch()
    }

    /// Ends the evaluation without an explanation.
    pub(super) fn no_explanation(&mut self) -> Flow {
        self.is_done = true;
        Flow::Stop
    }

    /// Takes exactly one TXT record.
    pub(super) fn on_explanation(&mut self, answer: Answer<'_>) -> Flow {
        let Answer::Records(records, _) = answer else {
            return self.no_explanation();
        };
        let mut texts = records.iter().filter_map(|rdata| match rdata {
            Rdata::Txt(txt) => Some(txt),
            _ => None,
        });
        let (Some(txt), None) = (texts.next(), texts.next()) else {
            return self.no_explanation();
        };
        let scratch = self.scratch;
        let Ok(end) = self.put(scratch, &txt) else {
            return self.no_explanation();
        };
        self.term = Pending {
            job: Job::ExplanationText,
            spec: Some(self.take_scratch(end)),
            cidr: DualCidr::default(),
        };
        self.resolve_or_launch()
    }

    /// The lookups of an explanation are not counted (RFC 7208 4.6.4).
    fn resolve_or_launch(&mut self) -> Flow {
        if self.has_to_resolve_p() {
            return self.ask_reverse(Ask::Validate);
        }
        self.launch()
    }

    /// What is not plain ASCII text may not reach an SMTP reply: macros can bring anything that the
    /// client said.
    pub(super) fn expand_explanation(&mut self) -> Flow {
        let (spec, limit) = (
            self.term.spec.unwrap_or_default(),
            self.limits.explanation.into(),
        );
        let expanded = self.expand_with(|used, context, free| {
            let text = MacroString::parse_explanation(spec.of(used)).map_err(|_| Full)?;
            let limit = free.len().min(limit);
            let mut sink = SliceSink::new(free.get_mut(..limit).unwrap_or_default());
            text.expand(context, &mut sink)?;
            let written = sink.into_written();
            if written.iter().all(|byte| matches!(byte, b' '..=b'~')) {
                Ok(written.len())
            } else {
                Err(Full)
            }
        });
        self.verdict.explanation = expanded.ok();
        self.no_explanation()
    }
}
