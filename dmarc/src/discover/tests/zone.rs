//! A zone in memory, and walks over it, counted.

use super::super::{Discovery, Findings};
use crate::Domain;
use crate::alignment::{Alignment, Check, Mode};
use scop_core::{Answer, Failure, Lookup, Query, Rdata, Rtype, Security, Txt, lookup};
use std::collections::{BTreeMap, BTreeSet};
use std::string::{String, ToString};
use std::vec::Vec;

/// TXT records by the domain they are about, and what else there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Zone {
    pub(super) records: BTreeMap<String, Vec<String>>,
    pub(super) missing: BTreeSet<String>,
    pub(super) failing: BTreeSet<String>,
}

impl Zone {
    pub(super) fn new(records: &[(&str, &str)]) -> Self {
        let mut zone = Self::default();
        for (domain, record) in records {
            let domain = std::format!("_dmarc.{domain}.");
            zone.records
                .entry(domain)
                .or_default()
                .push((*record).into());
        }
        zone
    }

    pub(super) fn run<L: Lookup>(&self, machine: &mut L, asked: &mut Vec<String>) -> bool {
        fn rdata(text: &String) -> Rdata<'_> {
            Rdata::Txt(Txt::joined(text.as_bytes()))
        }
        let records: BTreeMap<&str, Vec<_>> = self
            .records
            .iter()
            .map(|(name, texts)| (&**name, texts.iter().map(rdata).collect()))
            .collect();
        lookup::drive(machine, |query: Query<'_>| {
            let name = query.name.to_string();
            query.name.to_name().expect("every query is a name");
            let answer = if self.failing.contains(&name) {
                Answer::Failed(Failure::Timeout)
            } else if let Some(records) = records.get(&*name).filter(|_| query.rtype == Rtype::TXT)
            {
                Answer::records(records)
            } else if self.missing.contains(&name) || name.starts_with("_dmarc") {
                Answer::NxDomain(Security::Indeterminate)
            } else {
                Answer::NoData(Security::Indeterminate)
            };
            asked.push(name);
            answer
        })
        .is_some()
    }

    pub(super) fn discover<'a>(&self, domain: &'a str, seek: bool) -> (Findings<'a>, Vec<String>) {
        let mut discovery = Discovery::new(Domain::parse(domain.as_bytes()).unwrap());
        if seek {
            discovery.seek_organizational();
        }
        let mut asked = Vec::new();
        assert!(self.run(&mut discovery, &mut asked));
        (*discovery.findings(), asked)
    }

    pub(super) fn align(
        &self,
        author: &str,
        identifier: &str,
        mode: Mode,
    ) -> (Alignment, Vec<String>) {
        let (findings, _) = self.discover(author, true);
        let identifier = Domain::parse(identifier.as_bytes()).unwrap();
        let mut check = Check::new(identifier, &findings, mode);
        let mut asked = Vec::new();
        assert!(self.run(&mut check, &mut asked));
        (*check.verdict().unwrap(), asked)
    }
}
