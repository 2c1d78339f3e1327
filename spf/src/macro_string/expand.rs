//! What macros expand to (RFC 7208 7.2, 7.3).

use core::net::IpAddr;

use scop_core::{Emit, Full, Sink, SliceSink, UnixTime};

use super::Macro;
use crate::address::emit_dotted;
use crate::domain::MAX_TEXT;

/// What macros stand for (RFC 7208 7.2).
#[derive(Clone, Copy, Debug)]
pub struct MacroContext<'c> {
    /// `l`, and the first part of `s`.
    pub local_part: &'c [u8],
    /// `o`, and the last part of `s`.
    pub sender_domain: &'c [u8],
    /// `d`.
    pub domain: &'c [u8],
    /// `i`, `c` and `v`.
    pub ip: IpAddr,
    /// `h`.
    pub helo: &'c [u8],
    /// `p`; `unknown` stands in when empty.
    pub validated_name: &'c [u8],
    /// `r`; `unknown` stands in when empty.
    pub receiver: &'c [u8],
    /// `t`.
    pub now: UnixTime,
}

impl Macro<'_> {
    /// One copy of the code for all sinks: what is written here is short.
    pub(super) fn expand(
        &self,
        context: &MacroContext<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Full> {
        let mut buffer = [0; 64]; // the longest made value is 32 nibbles with dots, 63 octets
        let value = Value::of(self.letter, context, &mut buffer)?;
        if self.escape {
            self.transform(&value, &mut UrlEscape(sink))
        } else {
            self.transform(&value, sink)
        }
    }

    /// Splits, reverses, keeps and joins (RFC 7208 7.3), in one pass.
    fn transform(&self, value: &Value<'_>, sink: &mut dyn Sink) -> Result<(), Full> {
        if !self.reverse && self.keep.is_none() && self.delimiters.is_empty() {
            return value.put(0, usize::MAX, sink);
        }
        let splits = |byte: u8| match self.delimiters {
            [] => byte == b'.',
            delimiters => delimiters.contains(&byte),
        };
        let parts = 1 + value.bytes().filter(|&byte| splits(byte)).count();
        let mut skip = parts - self.keep.map_or(parts, |keep| keep.min(parts));
        let mut first = true;
        let mut part = |start, end| {
            if skip > 0 {
                skip -= 1;
                return Ok(());
            }
            if !first {
                sink.put_byte(b'.')?;
            }
            first = false;
            value.put(start, end, sink)
        };
        if self.reverse {
            let mut end = value.len();
            for (after, byte) in (0..value.len()).rev().zip(value.bytes().rev()) {
                if splits(byte) {
                    part(after + 1, end)?;
                    end = after;
                }
            }
            part(0, end)
        } else {
            let mut start = 0;
            for (at, byte) in value.bytes().enumerate() {
                if splits(byte) {
                    part(start, at)?;
                    start = at + 1;
                }
            }
            part(start, value.len())
        }
    }
}

/// The value of a letter, in three parts so that an address needs no copy.
struct Value<'v>([&'v [u8]; 3]);

impl<'v> Value<'v> {
    fn of(letter: u8, context: &MacroContext<'v>, buffer: &'v mut [u8; 64]) -> Result<Self, Full> {
        let one = |text: &'v [u8]| Self([text, b"", b""]);
        let or_unknown = |text: &'v [u8]| one(if text.is_empty() { b"unknown" } else { text });
        let mut made = SliceSink::new(buffer);
        match letter {
            b's' => return Ok(Self([context.local_part, b"@", context.sender_domain])),
            b'l' => return Ok(one(context.local_part)),
            b'o' => return Ok(one(context.sender_domain)),
            b'd' => return Ok(one(context.domain)),
            b'h' => return Ok(one(context.helo)),
            b'p' => return Ok(or_unknown(context.validated_name)),
            b'r' => return Ok(or_unknown(context.receiver)),
            b'v' if context.ip.is_ipv4() => return Ok(one(b"in-addr")),
            b'v' => return Ok(one(b"ip6")),
            b'i' => emit_dotted(context.ip, &mut made)?,
            b'c' => context.ip.emit(&mut made)?,
            _ => made.put_decimal(context.now.0)?, // t: there is no other letter
        }
        Ok(one(made.into_written()))
    }

    fn len(&self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }

    fn bytes(&self) -> impl DoubleEndedIterator<Item = u8> {
        self.0.iter().flat_map(|part| part.iter().copied())
    }

    /// Writes bytes `start..end`.
    fn put(&self, start: usize, end: usize, sink: &mut dyn Sink) -> Result<(), Full> {
        let (mut start, mut end) = (start, end);
        for part in self.0 {
            let inside = part.get(start.min(part.len())..end.min(part.len()));
            sink.put(inside.unwrap_or_default())?;
            start = start.saturating_sub(part.len());
            end = end.saturating_sub(part.len());
        }
        Ok(())
    }
}

/// Escapes all but the unreserved characters (RFC 3986 2.1, 2.3).
struct UrlEscape<'s>(&'s mut dyn Sink);

impl Sink for UrlEscape<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        bytes.iter().try_for_each(|&byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                self.0.put_byte(byte)
            }
            _ => {
                let [high, low] = [byte >> 4, byte & 15].map(|nibble| match nibble {
                    0..=9 => b'0' + nibble,
                    _ => b'A' + (nibble - 10),
                });
                self.0.put(&[b'%', high, low])
            }
        })
    }
}

/// Keeps the last 256 bytes of what streams by: all that matters of a name that is cut at the left.
pub(super) struct Tail {
    /// Byte `n` of the stream is at `n % 256`.
    ring: [u8; 256],
    total: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            ring: [0; 256],
            total: 0,
        }
    }
}

impl Sink for Tail {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        for &byte in bytes {
            if let Some(place) = self.ring.get_mut(self.total % 256) {
                *place = byte;
            }
            self.total = self.total.wrapping_add(1);
        }
        Ok(())
    }
}

impl Tail {
    /// Byte `at` of the stream, one of the last 256.
    fn byte(&self, at: usize) -> u8 {
        self.ring.get(at % 256).copied().unwrap_or_default()
    }

    pub(super) fn write(&self, room: &mut [u8]) -> Result<usize, Full> {
        let total = self.total;
        let end = match total.checked_sub(1) {
            Some(last) if self.byte(last) == b'.' => last,
            _ => total,
        };
        let start = match end.checked_sub(MAX_TEXT) {
            None | Some(0) => 0,
            // A label may start where a dot is before it; the byte before the last 253 is still here.
            Some(first) => (first..end)
                .find(|at| self.byte(at.wrapping_sub(1)) == b'.')
                .unwrap_or(first - 1),
        };
        let room = room.get_mut(..end - start).ok_or(Full)?;
        for (at, to) in (start..).zip(room) {
            *to = self.byte(at);
        }
        Ok(end - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::macro_string::{DomainSpec, MacroString};
    use std::string::String;

    fn context(ip: &str) -> MacroContext<'static> {
        MacroContext {
            local_part: b"strong-bad",
            sender_domain: b"email.example.com",
            domain: b"email.example.com",
            ip: ip.parse().unwrap(),
            helo: b"mx.example.org",
            validated_name: b"mx.example.org",
            receiver: b"mx.example.net",
            now: UnixTime(1_400_000_000),
        }
    }

    fn expanded(text: &str, context: &MacroContext<'_>) -> String {
        let mut out = heapless::Vec::<u8, 1024>::new();
        MacroString::parse_explanation(text.as_bytes())
            .unwrap()
            .expand(context, &mut out)
            .unwrap();
        String::from_utf8(out.to_vec()).unwrap()
    }

    /// All examples of RFC 7208 7.4.
    #[test]
    fn rfc_7208_section_7_4() {
        for (text, expansion) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            (
                "%{ir}.%{v}._spf.%{d2}",
                "3.2.0.192.in-addr._spf.example.com",
            ),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            (
                "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
                "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
            ),
            (
                "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
                "3.2.0.192.in-addr.strong.lp._spf.example.com",
            ),
            (
                "%{d2}.trusted-domains.example.net",
                "example.com.trusted-domains.example.net",
            ),
        ] {
            assert_eq!(expanded(text, &context("192.0.2.3")), expansion, "{text}");
        }
        assert_eq!(
            expanded("%{ir}.%{v}._spf.%{d2}", &context("2001:db8::cb01")),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
        );
    }

    #[test]
    fn all_letters_and_forms() {
        let v4 = context("192.0.2.3");
        let v6 = MacroContext {
            local_part: b"~jack&jill=up-a_b3.c/x",
            validated_name: b"",
            receiver: b"",
            ..context("2001:db8::cb01")
        };
        for (text, context, expansion) in [
            (
                "%{h} %{p} %{r} %{t}",
                &v4,
                "mx.example.org mx.example.org mx.example.net 1400000000",
            ),
            ("%{c} %{i} %{v}", &v4, "192.0.2.3 192.0.2.3 in-addr"),
            (
                "%{p} %{r} %{c} %{v}",
                &v6,
                "unknown unknown 2001:db8::cb01 ip6",
            ),
            ("%%%_%-", &v4, "% %20"),
            ("%{L}", &v6, "~jack%26jill%3Dup-a_b3.c%2Fx"),
            ("%{S}", &v4, "strong-bad%40email.example.com"),
            ("%{D2R}", &v4, "example.email"),
            ("%{l.-+,/_=}", &v6, "~jack&jill.up.a.b3.c.x"),
            ("%{l2r=/}", &v6, "up-a_b3.c.~jack&jill"),
            ("%{sr}", &v4, "com.example.strong-bad@email"),
            ("%{s3r-}", &v4, "bad@email.example.com.strong"),
            ("%{d0001}", &v4, "com"),
            ("%{d99999999999999999999}", &v4, "email.example.com"),
            ("%{t1}", &v4, "1400000000"),
        ] {
            assert_eq!(expanded(text, context), expansion, "{text}");
        }
        // Empty parts stay: leading, trailing and repeated delimiters are nothing special.
        let odd = MacroContext {
            local_part: b"-a--b-",
            ..v4
        };
        assert_eq!(
            expanded("%{l-}|%{lr-}|%{l2-}|%{l3r-}", &odd),
            ".a..b.|.b..a.|b.|.a."
        );
    }

    fn name(spec: &str, context: &MacroContext<'_>) -> Result<String, Full> {
        let mut room = [0; 254];
        let len = DomainSpec::parse(spec.as_bytes())
            .unwrap()
            .expand_name(context, &mut room)?;
        Ok(String::from_utf8(room[..len].to_vec()).unwrap())
    }

    /// RFC 7208 7.3: labels go from the left until at most 253 characters are left.
    #[test]
    fn long_names_are_cut_at_the_left() {
        let label = "a".repeat(49);
        let long = [&*label; 5].join("."); // 249 characters
        let with = |domain: &str, spec: &str| {
            name(
                spec,
                &MacroContext {
                    domain: domain.as_bytes(),
                    ..context("::1")
                },
            )
            .unwrap()
        };
        assert_eq!(with(&long, "x.%{d}"), std::format!("x.{long}"));
        assert_eq!(with(&long, "xyz.%{d}"), std::format!("xyz.{long}")); // 253
        assert_eq!(with(&long, "wxyz.%{d}"), long);
        assert_eq!(with(&long, "v.wxyz.%{d}"), long);
        assert_eq!(with(&long, "v.xyz.%{d}"), std::format!("xyz.{long}"));
        assert_eq!(
            with(&long, "%{d}.info"),
            std::format!("{}.info", &long[50..])
        );
        // The dot of the root is not counted.
        assert_eq!(with(&long, "x.%{d}.o"), std::format!("x.{long}.o")); // 253
        assert_eq!(with(&long, "x.%{d}.o."), std::format!("x.{long}.o"));
        assert_eq!(with(&long, "xy.%{d}.o."), std::format!("{long}.o"));
        // What cannot be cut is left too long, and refused then.
        let name = with(&"b".repeat(300), "%{d}");
        assert_eq!(name.len(), 254);
        // A literal is cut too.
        let literal = std::format!("wxyz.{long}.org");
        assert_eq!(with("d", &literal), std::format!("{long}.org"));
        assert_eq!(
            DomainSpec::parse(literal.as_bytes()).unwrap().as_literal(),
            None
        );
    }

    #[test]
    fn a_name_needs_room() {
        let mut room = [0; 16];
        let spec = DomainSpec::parse(b"%{d}").unwrap();
        assert_eq!(spec.expand_name(&context("::1"), &mut room), Err(Full));
    }

    /// Twelve million parts to reverse: a quadratic way would not end.
    #[test]
    fn expanding_is_linear() {
        let local_part = "a-".repeat(10_000);
        let context = MacroContext {
            local_part: local_part.as_bytes(),
            ..context("::1")
        };
        let text = "%{sr-}".repeat(600);
        let mut counter = scop_core::Counter::default();
        MacroString::parse(text.as_bytes())
            .unwrap()
            .expand(&context, &mut counter)
            .unwrap();
        assert_eq!(counter.len(), 600 * (local_part.len() + 1 + 17));
    }
}
