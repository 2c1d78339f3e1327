//! Base64 (RFC 4648 4), written from the definition.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The digits of `octets` with their padding, without line ends.
pub(crate) fn line(octets: &[u8], out: &mut Vec<u8>) {
    for group in octets.chunks(3) {
        let mut bits: u32 = 0;
        for index in 0..3 {
            bits = bits << 8 | u32::from(group.get(index).copied().unwrap_or(0));
        }
        for (index, shift) in [18_u32, 12, 6, 0].into_iter().enumerate() {
            let value = usize::try_from(bits >> shift & 63).unwrap_or(0);
            out.push(if index > group.len() {
                b'='
            } else {
                ALPHABET.get(value).copied().unwrap_or(b'=')
            });
        }
    }
}
