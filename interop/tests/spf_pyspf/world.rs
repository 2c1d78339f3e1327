//! Random scenarios in the form of the openspf suite.

use serde_json::{Value, json};

/// Tests of a scenario.
const TESTS: usize = 3;

/// Numbers from a seed (`SplitMix64`).
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

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

const CLIENTS: [&str; 10] = [
    "192.0.2.1",
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.129",
    "198.51.100.7",
    "203.0.113.9",
    "2001:db8::1",
    "2001:db8:8000::1",
    "2001:db9::5",
    "::ffff:192.0.2.1",
];
const ADDRESSES: [&str; 9] = [
    "192.0.2.1",
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "192.0.2.129",
    "198.51.100.7",
    "198.51.0.1",
    "10.0.0.1",
    "127.0.0.2",
];
const ADDRESSES6: [&str; 5] = [
    "2001:db8::1",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:8000::1",
    "2001:db9::5",
];
/// Those after the fifth are odd.
const SENDERS: [&str; 14] = [
    "user@d0.test",
    "a+b-c_d.e@d-1.test",
    "strong-bad@D0.test",
    "x@d2.test",
    "user@d3.test",
    "",
    "@d0.test",
    "d-1.test",
    "user@d0.test.",
    "\"x@y\"@d0.test",
    "user@one",
    "user@nothing.test",
    "user@d0..test",
    "user@h0.test",
];
const HELOS: [&str; 8] = [
    "mail-a.d0.test",
    "mail.d0.test",
    "d0.test",
    "d-1.test",
    "h0.test",
    "one",
    "[192.0.2.1]",
    "",
];
/// Names with SPF records, and with what else a term may ask for.
const DOMAINS: [&str; 7] = [
    "d0.test", "d-1.test", "d2.test", "d3.test", "d4.test", "d5.test", "one",
];
const HOSTS: [&str; 18] = [
    "h0.test",
    "h1.test",
    "h2.test",
    "mail.d0.test",
    "a.d-1.test",
    "x.y.d2.test",
    "w0.test",
    "w1.test",
    "w2.test",
    "user.d0.test",
    "user.d-1.test",
    "d0.test.d-1.test",
    "mail-a.d0.test",
    "mail.a.d0.test.d2.test",
    "strong.bad.d0.test",
    "unknown.d0.test",
    "%.x y.d-1.test",
    "test.d.1.d0.test",
];
/// They match nobody, and each counts as a lookup, or as two.
const IDLE: [&str; 6] = [
    "a:far.test",
    "mx:far.test",
    "a:unknown.far.test",
    "include:idle.test",
    "ptr:far.test",
    "a:%{p}.far.test",
];
/// They do not exist.
const MISSING: [&str; 2] = ["nothing.test", "nowhere.test"];
const SPECS: [&str; 42] = [
    "d0.test",
    "d-1.test",
    "d2.test",
    "d3.test",
    "d4.test",
    "d5.test",
    "D-1.Test.",
    "h0.test",
    "h1.test",
    "h2.test",
    "mail.d0.test",
    "a.d-1.test",
    "%{d}",
    "%{o}",
    "%{h}",
    "%{d2}",
    "%{l}.d0.test",
    "%{l}.%{d}",
    "%{l1r-}.d0.test",
    "%{lr-}.%{o2}",
    "%{d}.d-1.test",
    "%{p}",
    "%{p}",
    "%{p2}",
    "%{p}.d0.test",
    "%{P1r}.d-1.test",
    "%{dr}.test",
    "%{o-}.d0.test",
    "%{or-}.d0.test",
    "%{h-}.d2.test",
    "%{L+-_}.d0.test",
    "%%.x%_y.d-1.test",
    "%{d9}",
    LONG,
    LONG,
    // Mostly nothing is there.
    "%{ir}.%{v}._spf.d-1.test",
    "%{i}.d2.test",
    "%{s}.d0.test",
    "%{S}.d-1.test",
    "x:y/z.d0.test",
    "%{i200}.%{d}",
    "one",
];
/// Cut to `d0.test.` so often as fits, and the name of a host.
const LONG: &str = "%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}\
    .%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.h0.test";
/// What no domain-spec may be, or what only a loose reader takes for one.
const BAD_SPECS: [&str; 16] = [
    "foo",
    "",
    "d0.123",
    "d0.te-",
    "%{z}.d0.test",
    "%{d",
    "%{d.d0.test",
    "%d.d0.test",
    "%{c}.d0.test",
    "%{d0}",
    "%{d}x",
    "%{dr2}",
    "%{d@}",
    "%{d2x}.d0.test",
    "d\u{7f}0.test",
    "%%%z.d0.test",
];
const HEADS: [&str; 24] = [
    "include:",
    "include:",
    "?include:",
    "-include:",
    "~include:",
    "exists:",
    "a:",
    "-a:",
    "~a:",
    "mx:",
    "mx:",
    "?mx:",
    "-mx:",
    "ptr:",
    "-ptr:",
    "exists:",
    "-exists:",
    "~exists:",
    "a:",
    "mx:",
    "exp=",
    "ptr:",
    "x=",
    "?exists:",
];
const PLAIN: [&str; 26] = [
    "a",
    "mx",
    "ptr",
    "-a",
    "~mx",
    "?ptr",
    "a/24",
    "mx//64",
    "a/24//33",
    "mx/0",
    "a//0",
    "ip4:192.0.2.1",
    "-ip4:192.0.2.0/25",
    "~ip6:2001:db8::/33",
    "ip6:2001:db8::1",
    "?ip4:198.51.100.7/16",
    "ip6:2001:db8::192.0.2.1/64",
    "ip4:192.0.2.0/30",
    "moo=%{d}/x",
    "x-Y_z.9=1:2/3=",
    "IP4:192.0.2.2/31",
    "A//127",
    "MX/31",
    "op=helo",
    "?all",
    "-all",
];
const BAD: [&str; 24] = [
    "ip4:192.0.2",
    "ip4:192.0.2.1/33",
    "ip4:192.0.02.1",
    "ip6:2001:db8::/129",
    "ip6:2001:db8:::1",
    "a/33",
    "a/08",
    "a//129",
    "mx/24//",
    "moo",
    "all:x",
    "all/24",
    "ptr/24",
    "exists",
    "include",
    "exists:h0.test/24",
    "a:192.0.2.1",
    "redirect",
    "=x",
    "1=x",
    "-",
    "ip4:192.0.2.1//32",
    "a,",
    "x=%{q}",
];
const EXPLANATIONS: [&str; 15] = [
    "why",
    "%{i} is not one of %{d}'s servers",
    "See http://%{d}/why?s=%{S}&i=%{I}&h=%{H}",
    "%{c} %{r} %{t} %{R} %{p}",
    "%{l} said %{h}",
    "%",
    "%{q}",
    "caf\u{e9}",
    "",
    "%{o-} %{h-} %{l.-+}",
    "%{d0} 100%% %_%-",
    "%{p}",
    "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}",
    "op=%{p1}",
    "%{p} of %{d}",
];

const ODD_ENDS: [&str; 4] = [
    " -all EXP=w0.test",
    " Redirect=%{p}",
    " x=%{p} X=2 x=3",
    " default=%{",
];

/// A random part of the DNS.
pub struct World {
    numbers: Numbers,
    /// One in so many is missing, wrong or odd.
    odd: usize,
    /// The most terms of a record.
    terms: usize,
}

impl World {
    /// Scenario `number` in the form of the suite, without results.
    pub fn scenario(number: usize) -> Value {
        let mut world = Self {
            numbers: Numbers(u64::try_from(number).unwrap()),
            odd: [4, 8, 30, 1000][number % 4],
            terms: [4, 6, 12, 16][number / 4 % 4],
        };
        let mut zone = serde_json::Map::new();
        for name in DOMAINS {
            zone.insert(name.into(), world.domain());
        }
        for name in HOSTS {
            if !world.is_odd() {
                zone.insert(name.into(), world.host());
            }
        }
        let far =
            json!([{"A": "203.0.113.200"}, {"AAAA": "2001:db9::ffff"}, {"MX": [5, "far.test"]}]);
        for name in ["far.test", "unknown.far.test", "mail.d0.test.far.test"] {
            zone.insert(name.into(), far.clone());
        }
        zone.insert("idle.test".into(), json!([{"TXT": "v=spf1 -all"}]));
        for name in ["w0.test", "w1.test", "w2.test"] {
            zone.insert(
                name.into(),
                json!([{"TXT": world.numbers.of(&EXPLANATIONS)}]),
            );
        }
        let mut tests = serde_json::Map::new();
        for test in 0..TESTS {
            let client = world.numbers.of(&CLIENTS);
            let reverse = reverse(client);
            if !zone.contains_key(&reverse) && !world.is_odd() {
                let names = world.names(12);
                let mut rows: Vec<Value> = names.iter().map(|name| json!({"PTR": name})).collect();
                if world.is_odd() {
                    rows.insert(0, json!("TIMEOUT"));
                }
                zone.insert(reverse, rows.into());
            }
            let odd = world.is_odd();
            let sender = world
                .numbers
                .of(&SENDERS[..if odd { SENDERS.len() } else { 5 }]);
            let helo = world.numbers.of(&HELOS);
            tests.insert(
                format!("t{number}.{test}"),
                json!({"host": client, "mailfrom": sender, "helo": helo}),
            );
        }
        json!({"description": format!("random {number}"), "zonedata": zone, "tests": tests})
    }

    fn is_odd(&mut self) -> bool {
        self.numbers.below(self.odd) == 0
    }

    /// Mostly a few names, sometimes more than the limits allow.
    fn names(&mut self, most: usize) -> Vec<&'static str> {
        let count = match self.numbers.below(12) {
            0 => most,
            1..=5 => 2 + self.numbers.below(4),
            _ => 1,
        };
        (0..count)
            .map(|_| match self.numbers.below(4) {
                _ if self.is_odd() => self.numbers.of(&MISSING),
                0 => self.numbers.of(&DOMAINS[..6]),
                1 => "Mail.D0.Test",
                _ => self.numbers.of(&HOSTS[..6]),
            })
            .collect()
    }

    fn host(&mut self) -> Value {
        let mut rows = Vec::new();
        if !self.is_odd() {
            let count = 1 + self.numbers.below(2);
            rows.extend((0..count).map(|_| json!({"A": self.numbers.of(&ADDRESSES)})));
        }
        if !self.is_odd() {
            rows.push(json!({"AAAA": self.numbers.of(&ADDRESSES6)}));
        }
        if self.is_odd() {
            rows.insert(self.numbers.below(rows.len() + 1), json!("TIMEOUT"));
        }
        rows.into()
    }

    fn domain(&mut self) -> Value {
        let Value::Array(mut rows) = self.host() else {
            panic!("a host is a list");
        };
        if !self.is_odd() {
            let exchanges = self.names(11);
            let mx = exchanges
                .iter()
                .map(|name| json!({"MX": [self.numbers.below(20), name]}));
            rows.splice(0..0, mx);
        }
        let record = json!({"TXT": self.record()});
        match self.numbers.below(8) {
            0 if self.is_odd() => {}
            1 if self.is_odd() => rows.insert(0, json!({"TXT": "v=spf10 all"})),
            2 if self.is_odd() => rows.splice(0..0, [record.clone(), record]).for_each(drop),
            3 => {
                let record = self.record();
                let (one, other) = record.split_at(record.len() / 2);
                rows.insert(0, json!({"TXT": [one, other]}));
                rows.insert(0, json!({"TXT": "unrelated"}));
            }
            _ => rows.insert(0, record),
        }
        rows.into()
    }

    fn record(&mut self) -> String {
        let mut record = self
            .numbers
            .of(&["v=spf1", "v=spf1", "v=spf1", "V=SpF1 "])
            .to_owned();
        if self.terms == 16 && self.numbers.below(2) == 0 {
            for _ in 0..7 + self.numbers.below(5) {
                record.push(' ');
                record += self.numbers.of(&IDLE);
            }
            return record
                + self.numbers.of(&[
                    " -all",
                    " redirect=d0.test",
                    " a:%{p}.far.test ?all",
                    " ?all redirect=d0.test",
                ]);
        }
        for _ in 0..self.numbers.below(self.terms) {
            record.push(' ');
            record += &self.term();
        }
        if self.is_odd() && self.is_odd() {
            record.push(' ');
            record += &self.bad_term();
        }
        let exp = self
            .numbers
            .of(&["w0.test", "w1.test", "w2.test", "%{l}.d0.test", "h0.test"]);
        let (domain, spec) = (
            self.numbers.of(&DOMAINS[..6]),
            self.numbers.of(&SPECS[..30]),
        );
        let end = match self.numbers.below(10) {
            0 | 1 => " -all".to_owned(),
            2..=4 => format!(" -all exp={exp}"),
            5 | 6 => format!(" redirect={domain}"),
            7 => format!(" ~all redirect={spec}"),
            8 if self.is_odd() => self.numbers.of(&ODD_ENDS).to_owned(),
            _ => String::new(),
        };
        record + &end
    }

    fn term(&mut self) -> String {
        if self.numbers.below(3) == 0 {
            return self.numbers.of(&PLAIN).to_owned();
        }
        let odd = self.is_odd();
        let head = self.numbers.of(&HEADS);
        let spec = self
            .numbers
            .of(&SPECS[..if odd { SPECS.len() } else { 35 }]);
        let cidr = match head {
            "a:" | "mx:" | "-a:" | "-mx:" => {
                self.numbers.of(&["", "", "", "/24", "//64", "/0//128"])
            }
            _ => "",
        };
        format!("{head}{spec}{cidr}")
    }

    fn bad_term(&mut self) -> String {
        if self.numbers.below(2) == 0 {
            self.numbers.of(&BAD).to_owned()
        } else {
            format!("{}{}", self.numbers.of(&HEADS), self.numbers.of(&BAD_SPECS))
        }
    }
}

/// The name of the PTR records of a client.
fn reverse(client: &str) -> String {
    match client.parse::<std::net::IpAddr>().unwrap().to_canonical() {
        std::net::IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        std::net::IpAddr::V6(ip) => {
            let nibbles = ip
                .octets()
                .into_iter()
                .flat_map(|octet| [octet >> 4, octet & 15]);
            let labels: Vec<String> = nibbles.rev().map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", labels.join("."))
        }
    }
}
