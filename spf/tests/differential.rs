//! The machine against [`reference`], on random records in a random DNS, with answers in random order.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    reason = "tests"
)]

mod reference;
mod zone;

use core::net::IpAddr;
use std::collections::BTreeMap;

use proptest::prelude::*;
use scop_core::lookup::Failure;
use scop_core::{Lookup, Rtype, UnixTime};
use scop_spf::{Evaluator, Identity, Limits, Request, SpfResult};

use crate::reference::Reference;
use crate::zone::{Found, run};

/// A small generator of numbers (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

const NAMES: [&str; 9] = [
    "d0.test",
    "d1.test",
    "D2.test",
    "a.d0.test",
    "b.a.d1.test",
    "mx.example.org",
    "x y.d0.test",
    "(odd):/=.d1.test",
    "a123456789012345678901234567890123456789012345678901234567890123.d0.test",
];
const IPV4: [&str; 5] = [
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "192.0.2.129",
    "198.51.100.7",
];
const IPV6: [&str; 4] = [
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:8000::1",
    "2001:db9::5",
];
const SPECS: [&str; 41] = [
    "d0.test",
    "d1.test",
    "D2.test.",
    "a.d0.test",
    "%{d}",
    "%{d2}",
    "%{o}",
    "%{h}",
    "%{l}.d0.test",
    "%{l1r-}.%{d2}",
    "%{ir}.%{v}._spf.%{d2}",
    "%{i}.d1.test",
    "%{s}.d0.test",
    "%{S}.d1.test",
    "%{p}",
    "%{p}.d0.test",
    "%{P2r}.d1.test",
    "%%.d0.test",
    "%_x.%-.d1.test",
    "%{dr}",
    "%{d1r}.d0.test",
    "%{l+-_}.d0.test",
    "%{o.-/}.d1.test",
    "%{d200}",
    "x:y/z.d0.test",
    "%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{s}.%{s}.%{i}.%{i}.%{i}.%{i}.d1.test",
    "museum.",
    // Wrong, or leading to no name.
    "d0..test",
    "%{h}.x",
    "foo",
    "foo.",
    "%{z}",
    "%{d",
    "%d",
    "%{c}.d0.test",
    "d0.123",
    "d0.te-",
    "%{d0}",
    "%{d}x",
    "",
    "d\u{e9}.test",
];
const TERMS: [&str; 30] = [
    "all",
    "-all",
    "~all",
    "?all",
    "-all",
    "a",
    "mx",
    "ptr",
    "-a",
    "~mx",
    "?ptr",
    "a//64",
    "mx/24",
    "a/24//33",
    "mx/0",
    "a//0",
    "ip4:192.0.2.1",
    "-ip4:192.0.2.0/25",
    "~ip6:2001:db8::/33",
    "ip6:2001:db8::1",
    "?ip4:198.51.100.7",
    "moo=%{d}",
    "x-Y_z.9=1:2/3=",
    // Wrong.
    "ip4:192.0.2",
    "ip4:192.0.2.1/33",
    "ip6:2001:db8::/129",
    "a/33",
    "moo",
    "all:x",
    "a/08",
];
const HEADS: [&str; 16] = [
    "include:",
    "-include:",
    "~include:",
    "include:",
    "a:",
    "mx:",
    "ptr:",
    "exists:",
    "-exists:",
    "~a:",
    "?mx:",
    "-ptr:",
    "redirect=",
    "exp=",
    "exp=",
    "a:",
];
const EXPLANATIONS: [&str; 10] = [
    "why",
    "%{i} is not one of %{d}'s servers",
    "See http://%{d}/why?s=%{S}&i=%{I}&h=%{H}",
    "%{c} %{r} %{t} %{R} %{p}",
    "%{l} said %{h}",
    "%",
    "%{q}",
    "caf\u{e9}",
    "",
    "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}",
];
const SENDERS: [&str; 12] = [
    "user@d0.test",
    "user@d1.test",
    "x@a.d0.test",
    "user@d0.test",
    "strong-bad@d1.test",
    "a+b-c_d@D2.test",
    "",
    "@d0.test",
    "\"x y\"@d1.test",
    "us\u{e9}r@d0.test",
    "user@localhost",
    "b.a@a.d0.test",
];
const HELOS: [&str; 5] = [
    "mx.example.org",
    "d0.test",
    "OEMCOMPUTER",
    "[192.0.2.1]",
    "bad\r\nhelo (x.test",
];

/// Records by name are drawn from these; the rest of the DNS follows from the seed.
#[derive(Clone, Debug)]
struct World {
    seed: u64,
    records: Vec<String>,
    ip: &'static str,
    sender: &'static str,
    helo: &'static str,
    resolve_p: bool,
}

impl World {
    /// The same question always has the same answer.
    fn look_up(&self, name: &str, rtype: Rtype) -> Found {
        let key = name.bytes().chain(rtype.0.to_be_bytes());
        let mut numbers = Numbers(key.fold(self.seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }));
        match numbers.below(100) {
            0..=5 => return Found::NxDomain,
            6..=9 => return Found::NoData,
            10..=11 => return Found::Failed(Failure::Timeout),
            _ => {}
        }
        let mut several = |most: usize| {
            if numbers.below(4) > 0 {
                1
            } else {
                1 + numbers.below(most)
            }
        };
        match rtype {
            Rtype::A => Found::Addresses(
                (0..several(3))
                    .map(|_| numbers.of(&IPV4).parse().unwrap())
                    .collect(),
            ),
            Rtype::AAAA => Found::Addresses(
                (0..several(3))
                    .map(|_| numbers.of(&IPV6).parse().unwrap())
                    .collect(),
            ),
            Rtype::MX | Rtype::PTR => Found::Names(
                (0..several(12))
                    .map(|_| {
                        // A label of 64 octets cannot come from the DNS.
                        numbers.of(&NAMES[..NAMES.len() - 1]).to_owned()
                    })
                    .collect(),
            ),
            _ => {
                let mut texts = Vec::new();
                match numbers.below(40) {
                    0 => texts.push("v=spf10 all".to_owned()),
                    1 => texts.push("unrelated".to_owned()),
                    2..=10 => texts.push(numbers.of(&EXPLANATIONS).to_owned()),
                    _ => {}
                }
                if texts.is_empty() || numbers.below(2) == 0 {
                    texts.push(numbers.of(&self.records));
                }
                if numbers.below(60) == 0 {
                    texts.push(numbers.of(&self.records));
                }
                Found::Texts(texts)
            }
        }
    }

    fn machine(&self, limits: Limits) -> Evaluator<'_, 16_384> {
        let request = Request {
            ip: self.ip.parse().unwrap(),
            helo: self.helo.as_bytes(),
            mail_from: self.sender.as_bytes(),
            identity: Identity::MailFrom,
            receiver: b"receiver.example",
            now: UnixTime(1_400_000_000),
        };
        Evaluator::new(request, &limits)
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::DEFAULT;
        limits.resolve_p = self.resolve_p;
        limits
    }

    /// Compares the two evaluators; gives the result, and whether there was an explanation.
    fn check(&self) -> Result<(SpfResult, bool), TestCaseError> {
        let limits = self.limits();
        let zone = |name: &str, rtype| self.look_up(name, rtype);
        let mut reference = Reference::new(
            &zone,
            self.ip.parse().unwrap(),
            self.sender,
            self.helo,
            limits,
        );
        let (result, explanation) = reference.check();

        let mut machine = self.machine(limits);
        let mut order = Numbers(self.seed);
        run(&mut machine, zone, |end| order.below(end));
        let verdict = machine.verdict().unwrap();
        let got = verdict
            .explanation()
            .map(|text| String::from_utf8(text.to_vec()).unwrap());
        prop_assert_eq!(verdict.result(), result, "{}", verdict.reason());
        prop_assert_eq!(&got, &explanation, "{}", verdict.reason());
        prop_assert_eq!(verdict.lookups(), reference.lookups, "{}", verdict.reason());
        prop_assert_eq!(
            verdict.void_lookups(),
            reference.void_lookups,
            "{}",
            verdict.reason()
        );
        prop_assert!(verdict.queries() <= limits.max_queries());
        Ok((result, explanation.is_some()))
    }
}

fn term() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..22_usize).prop_map(|at| TERMS[at].to_owned()),
        1 => (0..TERMS.len()).prop_map(|at| TERMS[at].to_owned()),
        9 => (0..HEADS.len(), 0..26_usize).prop_map(|(head, spec)| format!("{}{}", HEADS[head], SPECS[spec])),
        1 => (0..HEADS.len(), 0..SPECS.len(), prop::sample::select(vec!["", "", "/24", "//64", "/0//128", "/", "/33"]))
            .prop_map(|(head, spec, cidr)| format!("{}{}{cidr}", HEADS[head], SPECS[spec])),
    ]
}

fn record() -> impl Strategy<Value = String> {
    let version = prop_oneof![20 => Just("v=spf1 "), 4 => Just("V=SpF1  "), 1 => Just("v=spf1")];
    let end = prop::sample::select(vec![
        "",
        "",
        " ",
        " -all",
        " ~all exp=d0.test",
        " redirect=d1.test",
    ]);
    (version, prop::collection::vec(term(), 0..6), end)
        .prop_map(|(version, terms, end)| format!("{version}{}{end}", terms.join(" ")))
}

fn world() -> impl Strategy<Value = World> {
    let ips: Vec<&'static str> = IPV4
        .into_iter()
        .chain(IPV6)
        .chain(["::ffff:192.0.2.1"])
        .collect();
    (
        any::<u64>(),
        prop::collection::vec(record(), 1..6),
        prop::sample::select(ips),
        prop::sample::select(SENDERS.to_vec()),
        prop::sample::select(HELOS.to_vec()),
        any::<bool>(),
    )
        .prop_map(|(seed, records, ip, sender, helo, resolve_p)| World {
            seed,
            records,
            ip,
            sender,
            helo,
            resolve_p,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(4_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_reference(world in world()) {
        world.check()?;
    }

    /// The order of answers changes nothing but how many queries were needed.
    #[test]
    fn the_order_of_answers_does_not_show(world in world(), one: u64, other: u64) {
        let limits = world.limits();
        let sums = [one, other].map(|seed| {
            let mut machine = world.machine(limits);
            let mut order = Numbers(seed);
            run(&mut machine, |name, rtype| world.look_up(name, rtype), |end| order.below(end));
            let verdict = machine.verdict().unwrap();
            (
                verdict.result(), verdict.reason().to_string(), verdict.explanation().map(<[u8]>::to_vec),
                verdict.lookups(), verdict.void_lookups(),
            )
        });
        prop_assert_eq!(&sums[0], &sums[1]);
    }

    /// A record without anything of ours in it is judged alike.
    #[test]
    fn agrees_on_the_syntax(term in "[+?~-]?(a|mx|all|ptr|ip4|ip6|exists|include|exp|redirect|x)[:=/][a-z0-9%{}./:r_-]{0,12}") {
        let world = World {
            seed: 7, records: vec![], ip: "192.0.2.1", sender: "user@d0.test", helo: "mx.example.org", resolve_p: false,
        };
        let record = format!("v=spf1 {term} ip4:192.0.2.1");
        let zone = |name: &str, rtype| match (name, rtype) {
            ("d0.test", Rtype::TXT) => Found::Texts(vec![record.clone()]),
            _ => Found::NxDomain,
        };
        let limits = Limits::DEFAULT;
        let ip: IpAddr = world.ip.parse().unwrap();
        let (result, _) = Reference::new(&zone, ip, world.sender, world.helo, limits).check();
        let mut machine = world.machine(limits);
        run(&mut machine, zone, |_| 0);
        prop_assert_eq!(machine.verdict().unwrap().result(), result);
    }
}

/// The random worlds reach every result, and explanations.
#[test]
fn the_worlds_are_rich() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    for _ in 0..4_000 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let (result, explained) = world
            .check()
            .unwrap_or_else(|error| panic!("{error}\n{world:?}"));
        *seen.entry((result.as_str(), explained)).or_insert(0) += 1;
    }
    eprintln!("{seen:?}");
    for result in [
        "none",
        "neutral",
        "pass",
        "fail",
        "softfail",
        "temperror",
        "permerror",
    ] {
        assert!(
            seen.get(&(result, false)).is_some_and(|count| *count > 40),
            "{result}: {seen:?}"
        );
    }
    assert!(
        seen.get(&("fail", true)).is_some_and(|count| *count > 40),
        "{seen:?}"
    );
}
