//! IP addresses as SPF writes and compares them (RFC 7208 5.6, 7.3); the usual text is in
//! [`scop_core::ip`].

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use scop_core::{Cursor, Emit, Full, Sink};

/// A prefix length without leading zeros, at most `max` (RFC 7208 5.6, `ip4-cidr-length` without "/").
pub(crate) fn parse_prefix_length(digits: &[u8], max: u8) -> Option<u8> {
    if digits.len() > 1 && digits.starts_with(b"0") {
        return None;
    }
    let mut cursor = Cursor::new(digits);
    let length = cursor
        .take_decimal()
        .and_then(|length| u8::try_from(length).ok());
    length.filter(|&length| cursor.is_at_end() && length <= max)
}

/// Writes the form of the `i` macro (RFC 7208 7.3): dotted quad, or dotted nibbles in lower case.
pub(crate) fn emit_dotted<S: Sink + ?Sized>(ip: IpAddr, sink: &mut S) -> Result<(), Full> {
    let ip = match ip {
        IpAddr::V4(ip) => return ip.emit(sink),
        IpAddr::V6(ip) => ip,
    };
    for (index, octet) in ip.octets().into_iter().enumerate() {
        if index > 0 {
            sink.put_byte(b'.')?;
        }
        let [high, low] = [octet >> 4, octet & 15].map(|nibble| hex_digit(nibble.into()));
        sink.put(&[high, b'.', low])?;
    }
    Ok(())
}

fn hex_digit(nibble: u16) -> u8 {
    match u8::try_from(nibble & 15).unwrap_or(0) {
        digit @ 0..=9 => b'0' + digit,
        letter => b'a' + (letter - 10),
    }
}

/// Whether the first `prefix` bits agree.
pub(crate) fn same_network4(one: Ipv4Addr, other: Ipv4Addr, prefix: u8) -> bool {
    let host_bits = 32_u32.saturating_sub(prefix.into());
    let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
    (one.to_bits() ^ other.to_bits()) & mask == 0
}

/// Whether the first `prefix` bits agree.
pub(crate) fn same_network6(one: Ipv6Addr, other: Ipv6Addr, prefix: u8) -> bool {
    let host_bits = 128_u32.saturating_sub(prefix.into());
    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    (one.to_bits() ^ other.to_bits()) & mask == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{format, string::String, vec::Vec};

    #[test]
    fn refused() {
        for (digits, max) in [
            ("", 32),
            ("33", 32),
            ("032", 32),
            ("00", 32),
            ("129", 128),
            ("1x", 32),
            ("256", 255),
        ] {
            assert_eq!(
                parse_prefix_length(digits.as_bytes(), max),
                None,
                "{digits}"
            );
        }
        assert_eq!(parse_prefix_length(b"0", 32), Some(0));
        assert_eq!(parse_prefix_length(b"128", 128), Some(128));
    }

    #[test]
    fn prefixes() {
        let (a, b) = ([192, 0, 2, 129].into(), [192, 0, 2, 140].into());
        assert!(same_network4(a, b, 28) && !same_network4(a, b, 29));
        assert!(same_network4([0; 4].into(), [255; 4].into(), 0));
        assert!(!same_network4([1, 2, 3, 4].into(), [1, 2, 3, 5].into(), 32));
        let (a, b) = (
            "cafe:babe:8000::".parse().unwrap(),
            "cafe:babe:c000::".parse().unwrap(),
        );
        assert!(same_network6(a, b, 33) && !same_network6(a, b, 34));
        assert!(same_network6(a, Ipv6Addr::LOCALHOST, 0) && !same_network6(a, b, 128));
    }

    proptest! {
        #[test]
        fn nibbles(octets: [u8; 16]) {
            let ip = Ipv6Addr::from(octets);
            let plain = format!("{:032x}", ip.to_bits());
            let dotted: Vec<String> = plain.chars().map(String::from).collect();
            let mut text: heapless::Vec<u8, 64> = heapless::Vec::new();
            emit_dotted(ip.into(), &mut text).unwrap();
            prop_assert_eq!(text.to_vec(), dotted.join(".").into_bytes());
        }
    }
}
