//! Content: DATA up to its terminator (RFC 5321 4.1.1.4), BDAT by count (RFC 3030 2).

use scop_core::{Instant, Sink};

use super::output::Copies;
use super::{Discarded, News, ROOM, Server, State, Wish};
use crate::data::{Checker, LineEnds, Piece, Unstuffer};
use crate::extension::{Envelope, Protocol, Refusal};
use crate::parameter::Body;
use crate::reply::Status;

const NO_RECIPIENTS: Refusal = Refusal::new(554, Status::new(5, 5, 1), "No valid recipients");
const BARE_LINE_END: Refusal = Refusal::new(
    550,
    Status::new(5, 6, 0),
    "CR or LF alone in the message (RFC 5321 2.3.8)",
);
pub(super) const TOO_LARGE: Refusal = Refusal::new(552, Status::new(5, 3, 4), "Message too large");

/// The content of the message of this transaction.
#[derive(Debug)]
pub(super) struct Content {
    /// Handed out so far.
    pub(super) octets: u64,
    chunks: u32,
    /// The host has consented, and has neither answered for the message nor been told to drop it.
    is_open: bool,
    /// Why the message will be refused.
    fault: Option<Discarded>,
    reader: Reader,
}

/// How content is read.
#[derive(Debug)]
enum Reader {
    /// Not at all.
    None,
    /// DATA.
    Text(Unstuffer),
    /// BDAT, when the message has lines.
    Lines(Checker),
    /// BDAT, when its octets are as they are.
    Octets,
}

impl Content {
    pub(super) const NONE: Self = Self {
        octets: 0,
        chunks: 0,
        is_open: false,
        fault: None,
        reader: Reader::None,
    };

    /// Whether a part of the message has come in chunks.
    pub(super) const fn is_begun(&self) -> bool {
        self.chunks > 0
    }
}

/// The chunk that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    remaining: u64,
    size: u64,
    last: bool,
    fate: Fate,
}

/// What becomes of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is content.
    Read,
    /// It is dropped; this is its reply.
    Refuse(Refusal),
    /// It is dropped; its reply is written and held, and comes so many times more.
    Answered(Copies),
}

impl Server<'_> {
    pub(super) fn no_recipients(&self) -> Refusal {
        match self.session.protocol {
            Protocol::Smtp => NO_RECIPIENTS,
            // RFC 2033 4.2
            Protocol::Lmtp => Refusal::new(503, Status::new(5, 5, 1), "No valid recipients"),
        }
    }

    /// The host has consented to DATA or to the first chunk.
    pub(super) fn open_content(&mut self) {
        let line_ends = self.config.line_ends;
        let is_chunk = matches!(self.state, State::Chunk(_));
        self.content.is_open = true;
        self.content.reader = if !is_chunk {
            Reader::Text(Unstuffer::new(line_ends))
        } else if self.envelope.body == Body::BinaryMime || line_ends == LineEnds::Keep {
            Reader::Octets
        } else {
            Reader::Lines(Checker::new(line_ends))
        };
        if !is_chunk {
            self.state = State::Data;
        }
    }

    /// The host has refused the first chunk, with a reply that begins at `start` in the output. Its octets come
    /// all the same, and the reply behind them: in LMTP for each recipient, when it is the last (RFC 2033 4.3).
    pub(super) fn refuse_chunk(&mut self, start: usize) {
        if let State::Chunk(chunk) = &mut self.state {
            let is_for_each = chunk.last && self.session.protocol == Protocol::Lmtp;
            let recipients = if is_for_each {
                self.session.recipients
            } else {
                1
            };
            let copies = self.output.copies(start, recipients.saturating_sub(1));
            chunk.fate = Fate::Answered(copies);
        }
    }

    /// BDAT. The octets come whatever becomes of it.
    pub(super) fn begin_chunk(&mut self, size: u64, last: bool, refusal: Option<Refusal>) {
        let mut chunk = Chunk {
            remaining: size,
            size,
            last,
            fate: Fate::Read,
        };
        let limit = self.message_limit();
        if let Some(refusal) = refusal {
            chunk.fate = Fate::Refuse(refusal);
        } else if !self.session.in_transaction {
            chunk.fate = Fate::Refuse(Refusal::OUT_OF_ORDER);
        } else if self.session.recipients == 0 {
            chunk.fate = Fate::Refuse(self.no_recipients());
        } else if self.content.chunks >= self.config.limits.chunks
            || size > limit.saturating_sub(self.content.octets)
        {
            self.fail(Discarded::TooLarge);
        } else if !self.content.is_begun() {
            self.ask(Wish::Data);
        }
        if chunk.fate == Fate::Read {
            self.content.chunks = self.content.chunks.saturating_add(1);
        }
        self.state = State::Chunk(chunk);
    }

    /// Reads content of DATA. `None` when there is none yet.
    pub(super) fn read_data<'i>(&mut self, input: &mut &'i [u8], now: Instant) -> Option<&'i [u8]> {
        self.note_content(now);
        let Reader::Text(unstuffer) = &mut self.content.reader else {
            // State::Data is entered with such a reader only.
            self.state = State::Command;
            return None;
        };
        let piece = unstuffer.read(input);
        let is_bare = unstuffer.bare_line_end().is_some();
        let content = match piece {
            Piece::Content(content) => self.admit(content),
            Piece::End | Piece::More => &[],
        };
        if is_bare && self.config.line_ends == LineEnds::Refuse {
            self.fail(Discarded::BareLineEnd);
        }
        if piece == Piece::End {
            self.state = State::Command;
            self.end_content();
        }
        (!content.is_empty()).then_some(content)
    }

    /// Reads content of a chunk. `None` when there is none yet.
    pub(super) fn read_chunk<'i>(
        &mut self,
        input: &mut &'i [u8],
        now: Instant,
    ) -> Option<&'i [u8]> {
        self.note_content(now);
        let State::Chunk(chunk) = &mut self.state else {
            return None;
        };
        let count = input
            .len()
            .min(usize::try_from(chunk.remaining).unwrap_or(usize::MAX));
        let (mut octets, rest) = input.split_at_checked(count)?;
        let mut content = octets;
        let mut is_bare = false;
        if chunk.fate == Fate::Read && self.content.fault.is_none() {
            match &mut self.content.reader {
                Reader::Lines(checker) => {
                    content = checker.read(&mut octets);
                    is_bare = checker.bare_line_end().is_some();
                    let taken = count.saturating_sub(octets.len());
                    *input = input.get(taken..).unwrap_or_default();
                    chunk.remaining = chunk.remaining.saturating_sub(len(taken));
                }
                Reader::None | Reader::Text(_) | Reader::Octets => {
                    *input = rest;
                    chunk.remaining = chunk.remaining.saturating_sub(len(count));
                }
            }
            content = self.admit(content);
        } else {
            *input = rest;
            chunk.remaining = chunk.remaining.saturating_sub(len(count));
            content = &[];
        }
        if is_bare && self.config.line_ends == LineEnds::Refuse {
            self.fail(Discarded::BareLineEnd);
        }
        (!content.is_empty()).then_some(content)
    }

    /// Answers a chunk of which all octets were read.
    pub(super) fn finish_chunk(&mut self) {
        let State::Chunk(chunk) = self.state else {
            return;
        };
        if chunk.remaining > 0
            || !matches!(chunk.fate, Fate::Answered(_)) && self.output.room() < ROOM
        {
            return;
        }
        self.state = State::Command;
        self.clock.is_stale = true;
        match chunk.fate {
            Fate::Answered(copies) => {
                self.output.release();
                self.repeat = self.output.copy(copies);
                self.end_transaction();
            }
            Fate::Refuse(refusal) => {
                self.clock.message = None;
                self.count_idle();
                if self.state != State::Closing {
                    self.say(&refusal);
                }
            }
            Fate::Read if chunk.last => {
                if let Reader::Lines(checker) = &mut self.content.reader {
                    // A CR that ends the message cannot be kept as a line end under any policy that checks.
                    let is_kept = checker.finish().is_empty();
                    let is_bare = checker.bare_line_end().is_some();
                    if !is_kept || is_bare && self.config.line_ends == LineEnds::Refuse {
                        self.fail(Discarded::BareLineEnd);
                    }
                }
                self.end_content();
            }
            Fate::Read => match self.content.fault {
                Some(fault) => {
                    self.say(&refusal(fault));
                    self.end_message();
                }
                None => self.confirm_chunk(chunk.size),
            },
        }
    }

    /// The content is given up: the host is told, once.
    pub(super) fn drop_content(&mut self, why: Discarded) {
        if self.content.is_open {
            self.news = Some(News {
                why,
                is_shown: false,
            });
        }
        self.content = Content::NONE;
        self.clock.message = None;
    }

    /// The host answers for the message now, for each recipient (LMTP).
    pub(super) const fn close_content(&mut self) {
        self.content.is_open = false;
    }

    /// The transaction is over, and its content had a reply.
    pub(super) fn end_message(&mut self) {
        self.session.transactions = self.session.transactions.saturating_add(1);
        self.end_transaction();
    }

    /// The transaction is over.
    pub(super) fn end_transaction(&mut self) {
        self.counts.surplus_recipients = 0;
        self.session.in_transaction = false;
        self.session.recipients = 0;
        self.envelope = Envelope::default();
        self.content = Content::NONE;
        self.clock.message = None;
    }

    /// All content was read.
    fn end_content(&mut self) {
        self.clock.message = None;
        self.clock.is_stale = true;
        let Some(fault) = self.content.fault else {
            self.ask(Wish::MessageEnd);
            return;
        };
        let start = self.output.end();
        self.say(&refusal(fault));
        if self.session.protocol == Protocol::Lmtp {
            let more = self.session.recipients.saturating_sub(1);
            self.repeat = self.output.copy(self.output.copies(start, more));
        }
        self.end_message();
    }

    /// The largest message: what the configuration bears, and what was announced.
    pub(super) fn message_limit(&self) -> u64 {
        let announced = self.session.terms.max_size.unwrap_or(u64::MAX);
        self.config.limits.message_octets.min(announced)
    }

    /// What of `content` is handed out.
    fn admit<'i>(&mut self, content: &'i [u8]) -> &'i [u8] {
        if self.content.fault.is_some() {
            return &[];
        }
        let limit = self.message_limit();
        let room = limit.saturating_sub(self.content.octets);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let admitted = content.get(..room).unwrap_or(content);
        if admitted.len() < content.len() {
            self.fail(Discarded::TooLarge);
        }
        self.content.octets = self.content.octets.saturating_add(len(admitted.len()));
        admitted
    }

    /// The message will be refused.
    fn fail(&mut self, why: Discarded) {
        if self.content.fault.is_some() {
            return;
        }
        self.content.fault = Some(why);
        if core::mem::take(&mut self.content.is_open) {
            self.news = Some(News {
                why,
                is_shown: false,
            });
        }
    }

    fn note_content(&mut self, now: Instant) {
        self.clock.is_stale = true;
        self.refresh(now);
        let end = now + self.config.timeouts.message;
        self.clock.message.get_or_insert(end);
    }

    /// `250 2.0.0 86 octets received` (RFC 3030 2).
    fn confirm_chunk(&mut self, size: u64) {
        let status = self.status(250, Status::new(2, 0, 0));
        // There is room for it.
        let _ = self.output.all_or_nothing(|output| {
            output.put(b"250 ")?;
            if status.is_some() {
                output.put(b"2.0.0 ")?;
            }
            output.put_decimal(size)?;
            Ok(output.put(b" octets received\r\n")?)
        });
    }
}

fn refusal(fault: Discarded) -> Refusal {
    match fault {
        Discarded::BareLineEnd => BARE_LINE_END,
        _ => TOO_LARGE,
    }
}

fn len(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}
