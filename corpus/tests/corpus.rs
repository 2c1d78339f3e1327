//! A few hundred seeds, the mapping, and that a fault is seen.

#![expect(clippy::unwrap_used, reason = "tests")]

use core::num::NonZeroUsize;

use scop_corpus::model::Message;
use scop_corpus::rng::Rng;
use scop_corpus::run::{self, Plan};
use scop_corpus::{Feature, Features, digest, generate, relation, shrink, write};

/// The digest of the messages of seeds 0 to 999. It changes when the generator does, and when the writers
/// of mime-core write otherwise: then look at what changed, and put the new one here.
const FIRST_THOUSAND: &str = "5afa30a6d6ba436d68c71d586d7b69d3e9db5b78132e6f81a7f5add5f4511416";

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

/// What a message holds.
fn holds(message: &Message, feature: Feature) -> bool {
    let mut features = Features::default();
    write::message(message, &mut Vec::new(), &mut features);
    features.of(feature) > 0
}

#[test]
fn cases_get_small_and_stay_cases() {
    for feature in [
        Feature::Group,
        Feature::Base64,
        Feature::NestedComment,
        Feature::ContinuedParameter,
        Feature::EncodedMessage,
    ] {
        let mut seeds = (0..).map(generate::message);
        let message = seeds.find(|message| holds(message, feature)).unwrap();
        let small = shrink::message(&message, &mut |candidate| holds(candidate, feature));
        assert!(holds(&small, feature));
        let (mut before, mut after) = (Vec::new(), Vec::new());
        write::message(&message, &mut before, &mut Features::default());
        write::message(&small, &mut after, &mut Features::default());
        assert!(
            after.len() <= before.len() && after.len() < 500,
            "{}: {} of {}\n{}",
            feature.name(),
            after.len(),
            before.len(),
            after.escape_ascii()
        );
    }
}

#[test]
fn bytes_get_small() {
    let input = [b"x".repeat(300), b"needle".to_vec(), b"y".repeat(500)].concat();
    let has_needle = |bytes: &[u8]| bytes.windows(6).any(|six| six == b"needle");
    assert_eq!(
        shrink::bytes(&input, &mut |bytes| has_needle(bytes)),
        b"needle"
    );
}

/// Bytes of all kinds, short ones above all, are accounted for.
#[test]
fn any_bytes_are_accounted_for() {
    let mut rng = Rng::new(1);
    for seed in 0..2000 {
        let len = rng.below(60);
        let bytes: Vec<u8> = (0..len)
            .map(|_| rng.pick(b"\r\n\r\n\t :-ab=\"(\0\xff"))
            .collect();
        relation::check_bytes(&bytes, seed).unwrap();
    }
}
