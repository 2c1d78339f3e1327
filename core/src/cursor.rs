//! A position in a slice, for framing by hand: lines, DNS wire, DER.
//!
//! No method panics on any input; each either moves past what it returns or leaves the position as
//! it was and returns `None`.

/// Reads a slice from its start.
///
/// ```
/// use scop_core::Cursor;
/// let mut cursor = Cursor::new(b"\x00\x05hello!");
/// assert_eq!(cursor.take_u16(), Some(5));
/// assert_eq!(cursor.take(5), Some(&b"hello"[..]));
/// assert_eq!((cursor.offset(), cursor.rest()), (7, &b"!"[..]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    input: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `input`.
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, offset: 0 }
    }

    /// At byte `offset` of `input`, or at its end when it is shorter.
    pub fn at(input: &'a [u8], offset: usize) -> Self {
        Self {
            input,
            offset: offset.min(input.len()),
        }
    }

    /// Moves to byte `offset`, or to the end when the input is shorter.
    pub fn seek(&mut self, offset: usize) {
        *self = Self::at(self.input, offset);
    }

    /// How many bytes lie before the position.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The bytes from the position to the end.
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.offset..).unwrap_or_default()
    }

    /// Whether nothing is left.
    pub const fn is_at_end(&self) -> bool {
        self.offset >= self.input.len()
    }

    /// The next byte, not taken.
    pub fn peek(&self) -> Option<u8> {
        self.input.get(self.offset).copied()
    }

    /// Takes one byte.
    pub fn take_byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.offset += 1;
        Some(byte)
    }

    /// Takes `count` bytes, all or none.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.offset.checked_add(count)?;
        let bytes = self.input.get(self.offset..end)?;
        self.offset = end;
        Some(bytes)
    }

    /// Takes `N` bytes as an array, all or none.
    pub fn take_array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.rest().first_chunk()?;
        self.offset += N;
        Some(array)
    }

    /// Takes a 16-bit number, most significant octet first.
    pub fn take_u16(&mut self) -> Option<u16> {
        self.take_array().map(u16::from_be_bytes)
    }

    /// Takes a 32-bit number, most significant octet first.
    pub fn take_u32(&mut self) -> Option<u32> {
        self.take_array().map(u32::from_be_bytes)
    }

    /// Takes the longest run of bytes for which `belongs` holds; it may be empty.
    pub fn take_while(&mut self, mut belongs: impl FnMut(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let len = rest
            .iter()
            .position(|&byte| !belongs(byte))
            .unwrap_or(rest.len());
        self.offset += len;
        rest.get(..len).unwrap_or_default()
    }

    /// Takes `byte` if it is next.
    pub fn skip_byte(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.offset += usize::from(found);
        found
    }

    /// Takes `prefix` if it is next, without regard to ASCII case.
    #[inline] // so that the loop over a known prefix is unrolled
    pub fn skip_ignore_case(&mut self, prefix: &[u8]) -> bool {
        let found = self
            .rest()
            .get(..prefix.len())
            .is_some_and(|bytes| bytes.eq_ignore_ascii_case(prefix));
        if found {
            self.offset += prefix.len();
        }
        found
    }

    /// Takes a decimal number that fits `u64`: one digit or more, no sign.
    pub fn take_decimal(&mut self) -> Option<u64> {
        let mut ahead = *self;
        let mut number: u64 = 0;
        for &digit in ahead.take_while(|byte| byte.is_ascii_digit()) {
            number = number
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
        }
        if ahead.offset == self.offset {
            return None;
        }
        *self = ahead;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn all_or_none() {
        let mut cursor = Cursor::new(b"abc12x");
        assert_eq!(cursor.take(7), None);
        assert_eq!(cursor.take(usize::MAX), None);
        assert_eq!(cursor.take_array::<7>(), None);
        assert!(!cursor.skip_byte(b'b') && cursor.skip_byte(b'a'));
        assert!(!cursor.skip_ignore_case(b"BCD") && cursor.skip_ignore_case(b"BC"));
        assert_eq!(cursor.take_decimal(), Some(12));
        assert_eq!(cursor.take_decimal(), None);
        assert_eq!(cursor.take_while(|byte| byte == b'x'), b"x");
        assert!(cursor.is_at_end() && cursor.take_byte().is_none());
        assert_eq!(Cursor::at(b"ab", 9).offset(), 2);
    }

    #[test]
    fn decimals_do_not_wrap() {
        let mut cursor = Cursor::new(b"18446744073709551616");
        assert_eq!(cursor.take_decimal(), None);
        assert_eq!(cursor.offset(), 0);
        let mut cursor = Cursor::new(b"18446744073709551615");
        assert_eq!(cursor.take_decimal(), Some(u64::MAX));
    }
}
