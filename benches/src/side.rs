//! The same work, done by each side.
//!
//! A work takes one message and says what it saw, so that nothing can be left out and the sides can be
//! compared. What it may reuse from one message to the next is in its [`Scratch`].

#[cfg(feature = "peers")]
pub mod lettre;
#[cfg(feature = "peers")]
pub mod mail_builder;
#[cfg(feature = "peers")]
pub mod mail_parser;
#[cfg(feature = "peers")]
pub mod mailparse;
pub mod scop;
pub mod scop_smtp;
pub mod session;
#[cfg(feature = "peers")]
pub mod smtp_proto;

/// What a work saw: three sums, whose meaning is that of its line of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen(pub [u64; 3]);

impl Seen {
    /// Counts `count` more of `what`.
    pub fn add(&mut self, what: usize, count: usize) {
        self.0[what] += u64::try_from(count).expect("a size fits");
    }
}

impl std::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }
}

/// Memory that is used again for the next message, by whichever side can.
#[derive(Default)]
pub struct Scratch {
    /// Octets of one part or one value.
    pub octets: Vec<u8>,
    /// The name of a character set.
    pub label: Vec<u8>,
    /// Text of one part.
    pub text: String,
    /// What a client has sent, and its server has not read.
    pub to_server: Vec<u8>,
    /// What a server has sent, and its client has not read.
    pub to_client: Vec<u8>,
    /// The storage of mail-parser.
    #[cfg(feature = "peers")]
    pub buffers: ::mail_parser::MessageBuffers,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Does something with one message.
pub type Work = fn(&[u8], &mut Scratch) -> Seen;
