//! pyspf judges the openspf suite and random records as we do, but for what is listed.
//!
//! The list is in `python/pyspf_peer.py`: places of pyspf that deviate from RFC 7208, each with the reason
//! and a repair. A random test on which pyspf differs from us must come out alike with all repairs, and each
//! repair must be needed by some test; so a new difference fails, and so does one that is gone.
//!
//! pyspf (from `PyPI`) is run by the Python of `SCOP_PYTHON`, or `.venv/bin/python` at the root of the project;
//! where it is absent the tests say so and pass.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use scop_interop::peer::Peer;
use scop_interop::spf;
use serde_json::{Value, json};

use crate::world::World;

/// How many random scenarios there are.
const SCENARIOS: usize = 1200;

/// Result and explanation of each test.
type Results = BTreeMap<String, (String, Option<String>)>;

/// pyspf in one Python process.
struct Pyspf {
    peer: Peer,
    version: String,
    /// The deviations that the peer can mend, and why each is one.
    repairs: BTreeMap<String, String>,
}

impl Pyspf {
    fn start() -> Option<Self> {
        let peer = Peer::python("pyspf_peer.py", "pyspf")?;
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let repairs = peer.greeting()["repairs"].as_object().unwrap().iter();
        Some(Self {
            version: word(&peer.greeting()["pyspf"]),
            repairs: repairs
                .map(|(name, why)| (name.clone(), word(why)))
                .collect(),
            peer,
        })
    }

    /// The results of the tests of a scenario, for each of `runs`: with pyspf as it was released, or
    /// with these of its deviations mended.
    fn ask(&mut self, scenario: &Value, runs: &[Option<Vec<&str>>]) -> Vec<Results> {
        let question = json!({
            "zonedata": scenario["zonedata"], "tests": scenario["tests"], "repairs": runs,
        });
        serde_json::from_value(self.peer.ask(&question)).unwrap()
    }
}

/// Whether two verdicts on a client are the same; the case of the digits of `%{i}` is free.
fn same(one: &(String, Option<String>), other: &(String, Option<String>)) -> bool {
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_ascii_lowercase());
    one.0 == other.0 && lower(&one.1) == lower(&other.1)
}

#[test]
fn the_suite() {
    let Some(mut peer) = Pyspf::start() else {
        return;
    };
    let Some(vectors) = scop_interop::vectors() else {
        scop_interop::skip("no folder of suites; set SCOP_VECTORS");
        return;
    };
    let text = std::fs::read_to_string(vectors.join("spf/rfc7208-tests.json")).unwrap();
    let ours: BTreeMap<String, spf::Case> = spf::run(&text)
        .unwrap()
        .into_iter()
        .map(|case| (case.name.clone(), case))
        .collect();
    assert_eq!(ours.len(), 203);
    let suite: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut differing = Vec::new();
    let mut cases = 0;
    for scenario in &suite {
        let theirs = &peer.ask(scenario, &[None])[0];
        for (name, (result, explanation)) in theirs {
            cases += 1;
            let test = &scenario["tests"][name];
            let case = &ours[name];
            assert_eq!(case.wrong, None, "{case}");
            let got = case.got.split(',').next().unwrap();
            let right = test["result"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it == result);
            let explained = match (&test["explanation"], explanation) {
                (Value::String(expected), Some(got)) => expected.eq_ignore_ascii_case(got),
                _ => true,
            };
            if got != result || !right || !explained {
                differing.push(format!(
                    "{name}: we say {got}, pyspf {result} {explanation:?}; the suite {test}"
                ));
            }
        }
    }
    assert_eq!(cases, 203);
    assert_eq!(differing, Vec::<String>::new());
    println!(
        "pyspf {}: all {cases} tests of the suite alike",
        peer.version
    );
}

/// Each scenario is made from its number alone.
#[test]
fn random_records() {
    let Some(mut peer) = Pyspf::start() else {
        return;
    };
    let repairs = peer.repairs.clone();
    let names: Vec<&str> = repairs.keys().map(String::as_str).collect();
    let without = |one: &&str| names.iter().copied().filter(|name| name != one).collect();
    let all_but_one: Vec<Option<Vec<&str>>> =
        names.iter().map(|name| Some(without(name))).collect();
    let (mut alike, mut together) = (0, 0);
    let mut results = BTreeMap::<String, u64>::new();
    let mut counts: BTreeMap<&str, u64> = names.iter().map(|&name| (name, 0)).collect();
    let mut wrong = Vec::new();
    for number in 0..SCENARIOS {
        let mut scenario = World::scenario(number);
        let runs = peer.ask(&scenario, &[None, Some(vec![]), Some(names.clone())]);
        let [released, unmended, mended] = <[Results; 3]>::try_from(runs).unwrap();
        assert_eq!(
            released, unmended,
            "the places to mend change nothing by themselves"
        );
        for (name, (result, explanation)) in &mended {
            let test = &mut scenario["tests"][name];
            test["result"] = json!([result]);
            if let Some(explanation) = explanation {
                test["explanation"] = json!(explanation);
            }
            *results.entry(result.clone()).or_default() += 1;
        }
        let ours = spf::run(&json!([scenario]).to_string()).unwrap();
        for case in ours.iter().filter(|case| case.wrong.is_some()) {
            wrong.push(format!("{case}\n{}", scenario["tests"][&case.name]));
        }
        // Which deviations are behind a difference: those without whose repair it is there again.
        let differing = |theirs: &Results| -> BTreeSet<String> {
            let differing = theirs.iter().filter(|&(name, it)| !same(&mended[name], it));
            differing.map(|(name, _)| name.clone()).collect()
        };
        let mut open = differing(&released);
        alike += mended.len() - open.len();
        if open.is_empty() {
            continue;
        }
        let tests = scenario["tests"].as_object_mut().unwrap();
        tests.retain(|name, _| open.contains(name));
        for (name, run) in names.iter().zip(peer.ask(&scenario, &all_but_one)) {
            for test in differing(&run) {
                *counts.entry(name).or_default() += 1;
                open.remove(&test);
            }
        }
        together += open.len();
    }
    let all: u64 = results.values().sum();
    println!(
        "pyspf {}: {alike} of {all} random tests alike ({results:?})",
        peer.version
    );
    for (name, count) in &counts {
        println!("    {count:4}  {name}: {}", repairs[*name]);
    }
    println!("    {together:4}  several of these, each enough");
    let sample = wrong
        .iter()
        .take(20)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        wrong.is_empty(),
        "{} differ from pyspf with its deviations mended:\n{sample}",
        wrong.len()
    );
    let gone: Vec<_> = counts
        .iter()
        .filter(|it| *it.1 == 0)
        .map(|it| it.0)
        .collect();
    assert!(gone.is_empty(), "no test needs {gone:?}");
}
