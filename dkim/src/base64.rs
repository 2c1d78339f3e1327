//! Base64 with white space inside, as signatures and keys carry it (RFC 6376 2.10).

use scop_core::Sink;
pub(crate) use scop_core::base64::{DecodeError, encode};

use crate::tag_list::is_fws;

/// Decodes into `sink`.
///
/// ```abnf
/// ALPHADIGITPS = (ALPHA / DIGIT / "+" / "/")
/// base64string = ALPHADIGITPS *([FWS] ALPHADIGITPS) [ [FWS] "=" [ [FWS] "=" ] ]
/// ```
pub(crate) fn decode<S: Sink + ?Sized>(text: &[u8], sink: &mut S) -> Result<(), DecodeError> {
    scop_core::base64::decode(text.iter().filter(|&&byte| !is_fws(byte)), sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_anywhere() {
        for (text, octets) in [
            (&b" Z\r\n m\t8 = "[..], &b"fo"[..]),
            (b"Zg=\r\n\t=", b"f"),
            (b" \t", b""),
        ] {
            let mut out: heapless::Vec<u8, 8> = heapless::Vec::new();
            assert_eq!(decode(text, &mut out), Ok(()), "{text:?}");
            assert_eq!(out, octets);
        }
        let mut out: heapless::Vec<u8, 8> = heapless::Vec::new();
        assert_eq!(decode(b"Zg= =\0", &mut out), Err(DecodeError::Syntax));
    }
}
