//! Text of the form text/plain; format=flowed (RFC 3676): lines that belong together, read and written.
//!
//! [`Flowed`] reads decoded text in pieces of any size and says where paragraphs begin and end; it holds
//! nothing but counters. [`FlowedWriter`] writes paragraphs as lines of at most 78 characters. Lines end
//! with CRLF or LF; a CR elsewhere is text. No function panics, and each takes linear time.
//!
//! ```
//! use scop_mime_core::flowed::{Flowed, FlowedEvent};
//!
//! let mut flowed = Flowed::new(false);
//! let mut rest = &b"> a line that \r\n> goes on\r\nan answer\r\n"[..];
//! let mut text = String::new();
//! while let Some(event) = flowed.read(&mut rest).or_else(|| flowed.finish()) {
//!     match event {
//!         FlowedEvent::Begin { depth } => text += &"|".repeat(depth),
//!         FlowedEvent::Text(bytes) => text += core::str::from_utf8(bytes)?,
//!         FlowedEvent::End(_) => text += "\n",
//!     }
//! }
//! assert_eq!(text, "|a line that goes on\nan answer\n");
//! # Ok::<(), core::str::Utf8Error>(())
//! ```

use memchr::memchr2;
use scop_core::Cursor;

#[cfg(test)]
mod tests;
mod write;

pub use write::{FLOWED_LINE, FlowedError, FlowedWriter};

/// The line before a signature (RFC 3676 4.3).
const SIGNATURE: &[u8; 3] = b"-- ";

/// What a text says, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowedEvent<'a> {
    /// A paragraph begins, quoted so many times.
    Begin {
        /// How many quote marks its lines have (RFC 3676 4.5).
        depth: usize,
    },
    /// Text of the paragraph, without quote marks, stuffing and line ends; it may come in several pieces.
    Text(&'a [u8]),
    /// The paragraph ends.
    End(Ending),
}

/// How a paragraph ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a fixed line.
    Fixed,
    /// With a flowed line that nothing continues: the depth changes, a signature begins, or the text is
    /// over (RFC 3676 4.5: improper, and to be read as fixed).
    Unfinished,
    /// It is the line `-- ` before a signature.
    Signature,
}

/// Reads text that comes in pieces.
///
/// ```text
/// flowed-body     = *( paragraph / fixed-line / sig-sep )         ; RFC 3676 4.2, simplified
/// paragraph       = 1*flowed-line fixed-line
/// flowed-line     = *">" [stuffing] *text-char SP CRLF
/// fixed-line      = *">" [stuffing] *text-char non-sp CRLF
/// sig-sep         = *">" [SP] "--" SP CRLF
/// stuffing        = SP
/// ```
#[derive(Clone, Debug)]
pub struct Flowed {
    /// Whether the space that makes a line flow is no part of the text (RFC 3676 4.1, `DelSp=Yes`).
    del_sp: bool,
    place: Place,
    /// The quote marks of this line.
    depth: usize,
    /// The depth of a paragraph whose last line flows.
    open: Option<usize>,
    /// What stands at the end of what was read of this line, and may make it flow or end.
    space: bool,
    carriage_return: bool,
    /// What was decided and is not handed out yet; the first comes first.
    queue: [Option<FlowedEvent<'static>>; 4],
}

/// Where in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At its start.
    Start,
    /// Among quote marks.
    Quotes,
    /// Behind so many octets that a signature line begins with.
    Signature(u8),
    /// Behind all of them and a CR.
    SignatureEnd,
    /// In the text.
    Text,
}

impl Flowed {
    /// At the start of a text; `del_sp` says whether its Content-Type has `DelSp=Yes`.
    pub const fn new(del_sp: bool) -> Self {
        Self {
            del_sp,
            place: Place::Start,
            depth: 0,
            open: None,
            space: false,
            carriage_return: false,
            queue: [None; 4],
        }
    }

    /// Takes bytes from `input` until they mean something; `None` when it is empty and more is wanted.
    pub fn read<'e>(&mut self, input: &mut &'e [u8]) -> Option<FlowedEvent<'e>> {
        let mut cursor = Cursor::new(input);
        let event = loop {
            if let Some(event) = self.dequeue() {
                break Some(event);
            }
            let Some(byte) = cursor.peek() else {
                break None;
            };
            if let Some(text) = self.step(byte, &mut cursor) {
                break Some(FlowedEvent::Text(text));
            }
        };
        *input = cursor.rest();
        event
    }

    /// The events that are left when the text is over, until there are none; then a new text can begin.
    pub fn finish(&mut self) -> Option<FlowedEvent<'static>> {
        loop {
            if let Some(event) = self.dequeue() {
                return Some(event);
            }
            // The last line ends here, whether or not a line end does.
            match self.place {
                Place::Start => {
                    self.open.take()?;
                    return Some(FlowedEvent::End(Ending::Unfinished));
                }
                Place::Quotes => self.begin_text(),
                Place::Signature(3) => self.signature(),
                Place::Signature(_) | Place::SignatureEnd => self.no_signature(),
                Place::Text => {
                    if self.carriage_return {
                        self.release();
                    }
                    self.end_line();
                }
            }
        }
    }

    /// Takes `byte`, which is next, and perhaps more; or decides something without it.
    fn step<'e>(&mut self, byte: u8, cursor: &mut Cursor<'e>) -> Option<&'e [u8]> {
        match self.place {
            Place::Start => (self.depth, self.place) = (0, Place::Quotes),
            Place::Quotes => {
                let marks = cursor.take_while(|byte| byte == b'>').len();
                self.depth = self.depth.saturating_add(marks);
                if !cursor.is_at_end() {
                    cursor.skip_byte(b' ');
                    self.place = Place::Signature(0);
                }
            }
            Place::Signature(len) => match (SIGNATURE.get(usize::from(len)), byte) {
                (Some(&next), _) if next == byte => {
                    cursor.take_byte();
                    self.place = Place::Signature(len.saturating_add(1));
                }
                (None, b'\r') => {
                    cursor.take_byte();
                    self.place = Place::SignatureEnd;
                }
                (None, b'\n') => {
                    cursor.take_byte();
                    self.signature();
                }
                _ => self.no_signature(),
            },
            Place::SignatureEnd if byte == b'\n' => {
                cursor.take_byte();
                self.signature();
            }
            Place::SignatureEnd => self.no_signature(),
            Place::Text => return self.step_in_text(byte, cursor),
        }
        None
    }

    fn step_in_text<'e>(&mut self, byte: u8, cursor: &mut Cursor<'e>) -> Option<&'e [u8]> {
        match byte {
            b'\n' => {
                cursor.take_byte();
                self.end_line();
            }
            _ if self.carriage_return => self.release(),
            b'\r' => {
                cursor.take_byte();
                self.carriage_return = true;
            }
            _ if self.space => self.release(),
            _ => {
                let rest = cursor.rest();
                let run = cursor.take(memchr2(b'\r', b'\n', rest).unwrap_or(rest.len()))?;
                let Some((b' ', before)) = run.split_last() else {
                    return Some(run);
                };
                self.space = true;
                return (!before.is_empty()).then_some(before);
            }
        }
        None
    }

    /// The text of a line begins: in the paragraph that is open, or in a new one.
    fn begin_text(&mut self) {
        if self.open != Some(self.depth) {
            self.begin();
        }
        self.open = None;
        self.place = Place::Text;
    }

    fn begin(&mut self) {
        if self.open.take().is_some() {
            self.enqueue(FlowedEvent::End(Ending::Unfinished));
        }
        let depth = self.depth;
        self.enqueue(FlowedEvent::Begin { depth });
    }

    /// The line was that before a signature.
    fn signature(&mut self) {
        self.begin();
        self.enqueue(FlowedEvent::Text(SIGNATURE));
        self.enqueue(FlowedEvent::End(Ending::Signature));
        self.place = Place::Start;
    }

    /// What was held back, because it may have been such a line, is text.
    fn no_signature(&mut self) {
        let place = self.place;
        self.begin_text();
        match place {
            Place::Signature(1) => self.enqueue(FlowedEvent::Text(b"-")),
            Place::Signature(2 | 3) | Place::SignatureEnd => self.enqueue(FlowedEvent::Text(b"--")),
            _ => {}
        }
        self.carriage_return = place == Place::SignatureEnd;
        self.space = self.carriage_return || place == Place::Signature(3);
    }

    /// A space or a CR was not at the end of the line.
    fn release(&mut self) {
        let held: &[u8] = match (self.space, self.carriage_return) {
            (true, true) => b" \r",
            (true, false) => b" ",
            (false, true) => b"\r",
            (false, false) => return,
        };
        (self.space, self.carriage_return) = (false, false);
        self.enqueue(FlowedEvent::Text(held));
    }

    fn end_line(&mut self) {
        if self.space {
            if !self.del_sp {
                self.enqueue(FlowedEvent::Text(b" "));
            }
            self.open = Some(self.depth);
        } else {
            self.enqueue(FlowedEvent::End(Ending::Fixed));
        }
        (self.space, self.carriage_return) = (false, false);
        self.place = Place::Start;
    }

    /// No line decides more than four events before one is asked for.
    fn enqueue(&mut self, event: FlowedEvent<'static>) {
        if let Some(free) = self.queue.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(event);
        }
    }

    fn dequeue(&mut self) -> Option<FlowedEvent<'static>> {
        let [first, second, third, fourth] = self.queue;
        self.queue = [second, third, fourth, None];
        first
    }
}
