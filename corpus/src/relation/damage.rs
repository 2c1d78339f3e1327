//! Damaged variants of a message: octets changed, cut out, put in.

use crate::rng::Rng;

/// What damages structure more than a random octet does.
const SNIPPETS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\n\n",
    b"\0",
    b"--",
    b"\r\n--",
    b" ",
    b":",
    b"\"",
    b"(",
    b"\\",
    b"=",
    b"=?",
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"\xff\xfe",
];

/// Damages `bytes` into `out`.
pub(crate) fn damage(bytes: &[u8], rng: &mut Rng, out: &mut Vec<u8>) {
    out.clear();
    match rng.below(5) {
        0 => {
            out.extend_from_slice(bytes);
            for _ in 0..rng.range(1, 8) {
                let octet = if rng.one_in(2) {
                    rng.byte()
                } else {
                    rng.pick(b"\r\n\0-=:\"();,@<> \t\\")
                };
                let index = rng.index(out.len());
                if let Some(place) = out.get_mut(index) {
                    *place = octet;
                }
            }
        }
        1 => out.extend_from_slice(bytes.get(..rng.index(bytes.len())).unwrap_or_default()),
        2 => {
            let (start, end) = range(bytes, rng);
            out.extend_from_slice(bytes.get(..start).unwrap_or_default());
            out.extend_from_slice(bytes.get(end..).unwrap_or_default());
        }
        3 => {
            let (start, end) = range(bytes, rng);
            let at = rng.index(bytes.len());
            out.extend_from_slice(bytes.get(..at).unwrap_or_default());
            out.extend_from_slice(bytes.get(start..end).unwrap_or_default());
            out.extend_from_slice(bytes.get(at..).unwrap_or_default());
        }
        _ => {
            let mut rest = bytes;
            for _ in 0..rng.range(1, 4) {
                let at = rng.index(rest.len());
                let (before, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
                out.extend_from_slice(before);
                out.extend_from_slice(rng.pick(SNIPPETS));
                rest = after;
            }
            out.extend_from_slice(rest);
        }
    }
}

/// A piece of at most a few hundred octets.
fn range(bytes: &[u8], rng: &mut Rng) -> (usize, usize) {
    let start = rng.index(bytes.len());
    let width = rng.pick(&[2, 20, 400]);
    let len = usize::try_from(rng.range(1, width)).unwrap_or(1);
    (start, start.saturating_add(len).min(bytes.len()))
}
