//! A few hundred seeds, the mapping, and that a fault is seen.

#![expect(clippy::unwrap_used, reason = "tests")]

use core::num::NonZeroUsize;

use scop_corpus::run::{self, Plan};
use scop_corpus::{Features, digest, generate, write};

/// The digest of the messages of seeds 0 to 999. It changes when the generator does, and when the writers
/// of mime-core write otherwise: then look at what changed, and put the new one here.
const FIRST_THOUSAND: &str = "cc02b7aae63b2a9e2a977b98faddeee5775bdec845e540be779a5ea3ee9737c8";

fn plan(count: u64, threads: usize) -> Plan {
    Plan {
        seed: 0,
        count,
        threads: NonZeroUsize::new(threads).unwrap(),
    }
}

#[test]
fn all_relations_hold_and_the_mapping_stays() {
    let report = run::roundtrip(plan(1000, 2), &|_| ()).unwrap();
    assert_eq!(digest::hex(&report.digest), FIRST_THOUSAND);
}

#[test]
fn the_digest_does_not_depend_on_the_threads() {
    let mut blocks = Vec::new();
    for first in [0, 1000] {
        let mut block = digest::Block::default();
        for seed in first..first + 1000 {
            let mut bytes = Vec::new();
            write::message(
                &generate::message(seed),
                &mut bytes,
                &mut Features::default(),
            );
            block.put(&bytes);
        }
        blocks.push(block.finish());
    }
    let report = run::roundtrip(plan(2000, 3), &|_| ()).unwrap();
    assert_eq!(report.digest, digest::of_blocks(&blocks));
}
