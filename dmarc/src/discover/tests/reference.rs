//! A second implementation, written from the text of the RFC, and zones on which both must agree.

use super::zone::Zone;
use super::{organizational, text};
use crate::alignment::{Alignment, Mode};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::string::{String, ToString};
use std::vec::Vec;

/// RFC 9989 4.10 word by word, over texts.
mod naive {
    use super::super::zone::Zone;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// Steps 2 and 6.
    fn records_at(zone: &Zone, name: &str) -> Option<String> {
        let mut set = zone
            .records
            .get(&std::format!("_dmarc.{name}."))
            .cloned()
            .unwrap_or_default();
        set.retain(|record| record.starts_with("v=DMARC1"));
        if set.len() == 1 { set.pop() } else { None }
    }

    fn has(record: &str, tag: &str) -> bool {
        record.split(';').any(|part| part == tag)
    }

    /// Steps 1 to 7: names with their records, from the longest.
    fn walk(zone: &Zone, start: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut target: Vec<&str> = start.split('.').collect();
        while !target.is_empty() {
            let name = target.join(".");
            if let Some(record) = records_at(zone, &name) {
                let stop = has(&record, "psd=n") || has(&record, "psd=y");
                found.push((name, record));
                if stop {
                    break;
                }
            }
            if target.len() < 8 {
                target.remove(0);
            } else {
                while target.len() > 7 {
                    target.remove(0);
                }
            }
        }
        found
    }

    /// 4.10.2.
    pub(super) fn organizational(zone: &Zone, start: &str) -> String {
        let found = walk(zone, start);
        for (name, record) in &found {
            if has(record, "psd=n") {
                return name.clone();
            }
            if name != start && has(record, "psd=y") {
                let above = name.split('.').count();
                let labels: Vec<_> = start.split('.').collect();
                return labels[labels.len() - above - 1..].join(".");
            }
        }
        found
            .last()
            .map_or(start.to_string(), |(name, _)| name.clone())
    }

    /// 4.10.1: the domain that publishes the policy.
    pub(super) fn policy_domain(zone: &Zone, author: &str) -> Option<String> {
        let found = walk(zone, author);
        let at = |domain: &str| found.iter().find(|(name, _)| name == domain);
        let suffix = found.iter().find(|(_, record)| has(record, "psd=y"));
        at(author)
            .or_else(|| at(&organizational(zone, author)))
            .or(suffix)
            .map(|(name, _)| name.clone())
    }
}

/// Names that share ends, of one to eleven labels.
fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(std::vec!["a", "b"]), 1..11)
        .prop_map(|labels| [labels, std::vec!["z"]].concat().join("."))
}

fn record() -> impl Strategy<Value = String> {
    let tag = prop::sample::select(std::vec![
        "",
        ";psd=y",
        ";psd=n",
        ";psd=u",
        ";p=reject;np=none"
    ]);
    let version = prop::sample::select(std::vec!["v=DMARC1", "v=DMARC1", "v=DMARC1", "v=spf1"]);
    (version, tag).prop_map(|(version, tag)| std::format!("{version}{tag}"))
}

/// Two names, and records at ends of them.
fn zones() -> impl Strategy<Value = (String, String, Zone)> {
    let place = (any::<bool>(), 1_usize..11, record());
    (
        name(),
        name(),
        0_usize..11,
        prop::collection::vec(place, 0..6),
    )
        .prop_map(|(author, identifier, shared, places)| {
            let suffix = |name: &str, labels: usize| {
                let all: Vec<_> = name.split('.').collect();
                all[all.len().saturating_sub(labels)..].join(".")
            };
            let identifier = std::format!("{identifier}.{}", suffix(&author, shared));
            let identifier = identifier.trim_end_matches('.').to_string();
            let places: Vec<_> = places
                .into_iter()
                .map(|(of_author, labels, record)| {
                    let name = if of_author { &author } else { &identifier };
                    (suffix(name, labels), record)
                })
                .collect();
            let records: Vec<_> = places.iter().map(|(at, text)| (&**at, &**text)).collect();
            let zone = Zone::new(&records);
            (author, identifier, zone)
        })
}

/// Both implementations on one zone.
fn agree(author: &str, identifier: &str, zone: &Zone) -> Result<(), TestCaseError> {
    let (findings, asked) = zone.discover(author, true);
    prop_assert!(asked.len() <= 9);
    prop_assert_eq!(
        organizational(&findings),
        naive::organizational(zone, author)
    );
    let found = findings.record().map(|found| text(found.domain));
    prop_assert_eq!(found, naive::policy_domain(zone, author));
    // Policy discovery alone comes to the same record.
    let (short, _) = zone.discover(author, false);
    prop_assert_eq!(short.record(), findings.record());

    for (one, other) in [(author, identifier), (identifier, author)] {
        let same = naive::organizational(zone, one) == naive::organizational(zone, other);
        let (alignment, asked) = zone.align(one, other, Mode::Relaxed);
        prop_assert_eq!(alignment.is_aligned(), same, "{} {} {:?}", one, other, zone);
        prop_assert_eq!(alignment == Alignment::Strict, one == other);
        prop_assert!(asked.len() <= 7);
    }
    Ok(())
}

/// All zones with up to two records, for authors of one to nine labels and identifiers above, below and
/// beside them: around eight labels, where walks jump, chance is too rare.
#[test]
fn as_the_rfc_says_in_every_small_zone() {
    let chain = |labels: usize| (1..=labels).rev().map(|n| std::format!("l{n}"));
    let suffixes = |name: &str| {
        let labels: Vec<_> = name.split('.').map(String::from).collect();
        (0..labels.len()).map(move |from| labels[from..].join("."))
    };
    let mut zones = 0;
    for (author, shared, below) in shapes(&[1, 2, 7, 8, 9]) {
        let names: Vec<_> = chain(author).collect();
        let end = names[author - shared..].join(".");
        let identifier = std::format!("{}{end}", &"b.b."[..2 * below]);
        let author = names.join(".");
        let places: BTreeSet<_> = suffixes(&author).chain(suffixes(&identifier)).collect();
        let records: Vec<_> = places
            .iter()
            .flat_map(|place| ["", ";psd=y", ";psd=n"].map(|psd| (place, psd)))
            .collect();
        for (index, one) in records.iter().enumerate() {
            for other in &records[index..] {
                let texts = [one, other].map(|(_, psd)| std::format!("v=DMARC1{psd}"));
                let count = 1 + usize::from(one.0 != other.0);
                let set = [(&**one.0, &*texts[0]), (&**other.0, &*texts[1])];
                let zone = Zone::new(&set[..count]);
                agree(&author, &identifier, &zone).unwrap();
                zones += 1;
            }
        }
    }
    assert!(zones > 10_000, "{zones}");
}

/// Labels of the author, those that the identifier shares with it, and those that it has below.
fn shapes(authors: &[usize]) -> Vec<(usize, usize, usize)> {
    let shared = |&author: &usize| (1..=author).map(move |shared| (author, shared));
    let below = |(author, shared)| (0..=2).map(move |below| (author, shared, below));
    authors.iter().flat_map(shared).flat_map(below).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn as_the_rfc_says((author, identifier, zone) in zones()) {
        agree(&author, &identifier, &zone)?;
    }
}
