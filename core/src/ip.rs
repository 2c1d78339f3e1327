//! IP addresses in text (RFC 4291 2.2, RFC 5952).
//!
//! Written here because the standard library prints through `core::fmt` and its parsers hold panic
//! paths; neither belongs on the way of a machine.
//!
//! ```
//! use scop_core::{Emit, ip};
//! let address = ip::parse(b"2001:DB8:0:0::1").unwrap();
//! let mut text = [0; 40];
//! let mut sink = scop_core::SliceSink::new(&mut text);
//! address.emit(&mut sink)?;
//! assert_eq!(sink.written(), b"2001:db8::1");
//! # Ok::<(), scop_core::Full>(())
//! ```

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Cursor, Emit, Full, Sink};

/// Reads the text form of either kind.
pub fn parse(text: &[u8]) -> Option<IpAddr> {
    let v4 = parse_v4(text).map(IpAddr::V4);
    v4.or_else(|| parse_v6(text).map(IpAddr::V6))
}

/// Reads a dotted quad.
///
/// ```text
/// ip4-network = qnum "." qnum "." qnum "." qnum        ; RFC 7208 5.6
/// ```
pub fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut cursor = Cursor::new(text);
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 && !cursor.skip_byte(b'.') {
            return None;
        }
        *octet = qnum(cursor.take_while(|byte| byte.is_ascii_digit()))?;
    }
    cursor.is_at_end().then(|| octets.into())
}

/// Reads the text forms of RFC 4291 2.2: eight groups, `::` once for one group or more, the last two groups
/// possibly as a dotted quad.
pub fn parse_v6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0; 8];
    let mut used = 0;
    let mut gap = None;
    let mut rest = text;
    if let Some(after) = text.strip_prefix(b"::") {
        gap = Some(0);
        rest = after;
    }
    while !rest.is_empty() {
        let colon = rest.iter().position(|&byte| byte == b':');
        let piece = rest.get(..colon.unwrap_or(rest.len()))?;
        if piece.contains(&b'.') {
            let [a, b, c, d] = parse_v4(piece)?.octets();
            *groups.get_mut(used)? = u16::from_be_bytes([a, b]);
            *groups.get_mut(used + 1)? = u16::from_be_bytes([c, d]);
            used += 2;
            if colon.is_some() {
                return None;
            }
            break;
        }
        *groups.get_mut(used)? = hex_group(piece)?;
        used += 1;
        let Some(colon) = colon else { break };
        rest = rest.get(colon + 1..)?;
        if let Some(after) = rest.strip_prefix(b":") {
            if gap.replace(used).is_some() {
                return None;
            }
            rest = after;
        } else if rest.is_empty() {
            return None;
        }
    }
    match gap {
        None if used != 8 => return None,
        None => {}
        Some(_) if used == 8 => return None,
        Some(gap) => {
            // The groups after the gap belong at the end.
            for (to, from) in (0..8).rev().zip((gap..used).rev()) {
                let group = core::mem::take(groups.get_mut(from)?);
                *groups.get_mut(to)? = group;
            }
        }
    }
    Some(groups.into())
}

fn hex_group(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    digits.iter().try_fold(0, |number: u16, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(number << 4 | u16::try_from(value).ok()?)
    })
}

/// A dotted quad, or the form of RFC 5952.
impl Emit for IpAddr {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::V4(ip) => ip.emit(sink),
            Self::V6(ip) => ip.emit(sink),
        }
    }
}

/// A dotted quad.
impl Emit for Ipv4Addr {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, octet) in self.octets().into_iter().enumerate() {
            if index > 0 {
                sink.put_byte(b'.')?;
            }
            sink.put_decimal(octet.into())?;
        }
        Ok(())
    }
}

/// Lower case, no leading zeros, the first longest run of two zero groups or more as `::`.
impl Emit for Ipv6Addr {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let groups = self.segments();
        let (mut best_start, mut best_len) = (0, 1); // a single zero group is not shortened
        let mut run = 0;
        for (index, &group) in groups.iter().enumerate() {
            run = if group == 0 { run + 1 } else { 0 };
            if run > best_len {
                best_len = run;
                best_start = index + 1 - run;
            }
        }
        let best = if best_len > 1 {
            best_start..best_start + best_len
        } else {
            8..8
        };
        for (index, &group) in groups.iter().enumerate() {
            if best.contains(&index) {
                if index == best.start {
                    sink.put(b"::")?;
                }
                continue;
            }
            if index > 0 && index != best.end {
                sink.put_byte(b':')?;
            }
            let mut started = false;
            for shift in [12, 8, 4, 0] {
                let nibble = group >> shift & 15;
                if nibble > 0 || started || shift == 0 {
                    started = true;
                    sink.put_byte(hex_digit(nibble))?;
                }
            }
        }
        Ok(())
    }
}

/// A number from 0 to 255 without leading zeros.
fn qnum(digits: &[u8]) -> Option<u8> {
    if digits.len() > 1 && digits.first() == Some(&b'0') {
        return None;
    }
    decimal(digits).and_then(|number| u8::try_from(number).ok())
}

/// At most three digits.
fn decimal(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 3 {
        return None;
    }
    digits.iter().try_fold(0, |number: u16, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u16::from(digit - b'0'))
    })
}

fn hex_digit(nibble: u16) -> u8 {
    match u8::try_from(nibble & 15).unwrap_or(0) {
        digit @ 0..=9 => b'0' + digit,
        letter => b'a' + (letter - 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::{String, ToString};

    #[test]
    fn refused() {
        for text in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.04",
            "1.2.3.256",
            "1.2.3.",
            "1..2.3",
            "1.2.3.4 ",
            "1.2.3.a",
            ":",
            ":::",
            "1",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            ":1::",
            "1:",
            "1::2:",
            "::12345",
            "::g",
            "1:2:3:4:5:6:7::8",
            "::1.2.3",
            "1.2.3.4::",
            "1:2:3:4:5:6:7:1.2.3.4",
            ":CAFE::BABE",
            "::1.2.3.4:5",
            "1:2:3:4:5:6:7:8::",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_last_group_may_stand_for_one() {
        for text in [
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3::5:6:7:8",
            "::",
            "::1.1.1.1",
            "1:2:3:4:5:6:1.2.3.4",
        ] {
            assert_eq!(parse_v6(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    fn text(ip: impl Emit) -> String {
        let mut bytes: heapless::Vec<u8, 64> = heapless::Vec::new();
        ip.emit(&mut bytes).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    proptest! {
        /// The standard library is the second opinion. Few distinct groups make runs of zeros.
        #[test]
        fn agrees_with_the_standard_library(groups: [u16; 8], zeros: u8, octets: [u8; 4]) {
            let mut groups = groups;
            for (index, group) in groups.iter_mut().enumerate() {
                if zeros >> index & 1 == 1 { *group = 0; }
            }
            let ip = Ipv6Addr::from(groups);
            // The standard library shows two IPv4 forms as quads; RFC 5952 5 leaves that open.
            if ip.to_ipv4().is_none() {
                prop_assert_eq!(text(ip), ip.to_string());
            }
            prop_assert_eq!(parse_v6(text(ip).as_bytes()), Some(ip));
            prop_assert_eq!(parse(ip.to_string().as_bytes()), Some(IpAddr::V6(ip)));
            let ip = Ipv4Addr::from(octets);
            prop_assert_eq!(text(ip), ip.to_string());
            prop_assert_eq!(parse(ip.to_string().as_bytes()), Some(IpAddr::V4(ip)));
        }

        #[test]
        fn parses_what_the_standard_library_parses(text in "[0-9a-fA-F:.]{0,40}|([0-9a-f]{0,4}:){0,9}[0-9a-f]{0,4}|::([0-9]{1,3}\\.){3}[0-9]{1,3}") {
            prop_assert_eq!(parse(text.as_bytes()), text.parse().ok());
        }
    }
}
