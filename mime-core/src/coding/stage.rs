//! Few large writes out of many small ones.

use scop_core::{Full, Sink};

/// Collects small pieces before a sink. What was collected is lost without [`Stage::flush`].
pub(crate) struct Stage<'s, S: ?Sized> {
    sink: &'s mut S,
    buffer: [u8; SIZE],
    len: usize,
}

const SIZE: usize = 1024;

/// Pieces of this length and longer go to the sink as they are.
const LARGE: usize = 256;

impl<'s, S: Sink + ?Sized> Stage<'s, S> {
    pub(crate) const fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            buffer: [0; SIZE],
            len: 0,
        }
    }

    pub(crate) fn put_byte(&mut self, byte: u8) -> Result<(), Full> {
        self.put_array([byte])
    }

    #[inline]
    pub(crate) fn put_array<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), Full> {
        const { assert!(N <= SIZE) }
        if self.len > SIZE - N {
            self.flush()?;
        }
        if let Some(room) = self
            .buffer
            .get_mut(self.len..)
            .and_then(|room| room.first_chunk_mut())
        {
            *room = bytes;
            self.len += N;
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if bytes.len() >= LARGE {
            self.flush()?;
            return self.sink.put(bytes);
        }
        if bytes.len() > SIZE - self.len {
            self.flush()?;
        }
        if let Some(room) = self.buffer.get_mut(self.len..) {
            copy(bytes, room);
            self.len += bytes.len();
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), Full> {
        let len = core::mem::take(&mut self.len);
        match self.buffer.get(..len) {
            Some(bytes) if !bytes.is_empty() => self.sink.put(bytes),
            _ => Ok(()),
        }
    }
}

/// Copies `from` to the start of `to`, which has the room.
fn copy(from: &[u8], to: &mut [u8]) {
    let (blocks, _) = from.as_chunks::<BLOCK>();
    let (rooms, _) = to.as_chunks_mut::<BLOCK>();
    for (room, block) in rooms.iter_mut().zip(blocks) {
        *room = *block;
    }
    // The last block once more, aligned to the end, is faster than byte by byte.
    if let (Some(start), Some(block)) = (from.len().checked_sub(BLOCK), from.last_chunk()) {
        if let Some(room) = to
            .get_mut(start..)
            .and_then(<[u8]>::first_chunk_mut::<BLOCK>)
        {
            *room = *block;
        }
    } else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

const BLOCK: usize = 16;
