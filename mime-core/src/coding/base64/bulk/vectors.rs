//! By the vector instructions of the processor.

use std::sync::LazyLock;

use base64::engine::general_purpose::PAD;
use base64::engine::{Engine, Simd};

/// Which instructions the processor has does not change.
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

/// Decodes groups of four digits; `octets` has three octets for each. False when a character is none.
pub(super) fn decode_digits(characters: &[u8], octets: &mut [u8]) -> bool {
    // Padding is no digit: there are fewer octets then.
    ENGINE.decode_slice(characters, octets) == Ok(octets.len())
}

/// Encodes groups of three octets; `characters` has four for each.
pub(super) fn encode_octets(octets: &[u8], characters: &mut [u8]) {
    // It fits, so there is no error.
    let _ = ENGINE.encode_slice(octets, characters);
}
