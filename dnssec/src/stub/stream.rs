//! Messages out of TCP: two octets of length, then the message (RFC 1035 4.2.2, RFC 7766 8).

/// How far a message has come, whatever pieces it comes in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stream {
    prefix: [u8; 2],
    /// Octets that have come, those of the length among them.
    received: usize,
}

/// What came of some octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The message is not complete.
    More,
    /// A message of so many octets stands in the buffer; the stream is ready for the next.
    Complete(usize),
    /// The message is longer than the buffer.
    TooLong,
}

impl Stream {
    /// Takes octets from the front of `input` until a message is complete in `buffer`.
    pub(super) fn take(&mut self, input: &mut &[u8], buffer: &mut [u8]) -> Progress {
        for to in self.prefix.iter_mut().skip(self.received) {
            let Some((octet, rest)) = input.split_first() else {
                return Progress::More;
            };
            (*to, *input) = (*octet, rest);
            self.received += 1;
        }
        let length = usize::from(u16::from_be_bytes(self.prefix));
        let Some(message) = buffer.get_mut(..length) else {
            return Progress::TooLong;
        };
        let missing = message
            .get_mut(self.received.saturating_sub(2)..)
            .unwrap_or_default();
        let taken = missing.len().min(input.len());
        for (to, from) in missing.iter_mut().zip(*input) {
            *to = *from;
        }
        *input = input.get(taken..).unwrap_or_default();
        self.received += taken;
        if self.received < 2 + length {
            return Progress::More;
        }
        *self = Self::default();
        Progress::Complete(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_chunking() {
        let bytes = b"\x00\x05hello\x00\x00\x00\x02ok\x00";
        for size in 1..=bytes.len() {
            let (mut stream, mut buffer) = (Stream::default(), [0; 5]);
            let mut messages = std::vec::Vec::new();
            for mut chunk in bytes.chunks(size) {
                while !chunk.is_empty() {
                    if let Progress::Complete(len) = stream.take(&mut chunk, &mut buffer) {
                        messages.push(buffer[..len].to_vec());
                    }
                }
            }
            assert_eq!(messages, [&b"hello"[..], b"", b"ok"], "chunks of {size}");
        }
    }

    #[test]
    fn a_message_must_fit() {
        let mut stream = Stream::default();
        let mut input = &b"\x00\x06hello!"[..];
        assert_eq!(stream.take(&mut input, &mut [0; 5]), Progress::TooLong);
        assert_eq!(stream.take(&mut input, &mut [0; 5]), Progress::TooLong);
    }
}
