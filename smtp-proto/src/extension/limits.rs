//! LIMITS (RFC 9422).

use scop_core::{Cursor, Full, Sink};

use super::{Extension, Peer, Session, Terms};
use crate::ehlo::Words;

/// `LIMITS MAILMAX=n RCPTMAX=n RCPTDOMAINMAX=n`: what a client can know before it runs into it. A server
/// announces those that are there and keeps the first two; RCPTDOMAINMAX is for its host to keep. A client keeps
/// those of the server.
///
/// ```text
/// limit-list  = limit-name-value *(SP limit-name-value)              ; RFC 9422 3
/// limit-value = %x31-39 *5DIGIT                                      ; RFC 9422 4.1 to 4.3
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// MAILMAX: transactions of a connection.
    pub transactions: Option<u32>,
    /// RCPTMAX: recipients of a transaction.
    pub recipients: Option<u32>,
    /// RCPTDOMAINMAX: domains of the recipients of a session (RFC 9422 4.3).
    pub domains: Option<u32>,
}

impl Limits {
    /// Six digits (RFC 9422 4.1 to 4.3).
    pub const MAX: u32 = 999_999;

    /// Reads the arguments of the keyword. A limit that is not known or malformed is passed over
    /// (RFC 9422 3); of one that comes twice the last counts.
    pub fn parse(arguments: &[u8]) -> Self {
        let mut limits = Self::default();
        for word in Words::new(arguments) {
            let mut word = Cursor::new(word);
            let limit = if word.skip_ignore_case(b"MAILMAX=") {
                &mut limits.transactions
            } else if word.skip_ignore_case(b"RCPTMAX=") {
                &mut limits.recipients
            } else if word.skip_ignore_case(b"RCPTDOMAINMAX=") {
                &mut limits.domains
            } else {
                continue;
            };
            *limit = value(word).or(*limit);
        }
        limits
    }

    /// Those that can be announced.
    fn announced(&self) -> impl Iterator<Item = (&'static [u8], u32)> {
        [
            (&b"MAILMAX="[..], self.transactions),
            (b"RCPTMAX=", self.recipients),
            (b"RCPTDOMAINMAX=", self.domains),
        ]
        .into_iter()
        .filter_map(|(name, limit)| Some((name, limit?.clamp(1, Self::MAX))))
    }
}

impl Extension for Limits {
    fn keyword(&self) -> &'static str {
        "LIMITS"
    }

    fn is_offered(&self, _: &Session) -> bool {
        self.announced().next().is_some()
    }

    fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        for (index, (name, limit)) in self.announced().enumerate() {
            if index > 0 {
                sink.put_byte(b' ')?;
            }
            sink.put(name)?;
            sink.put_decimal(limit.into())?;
        }
        Ok(())
    }

    fn offered(&self, terms: &mut Terms) {
        let announced = |limit: Option<u32>| Some(limit?.clamp(1, Self::MAX));
        terms.max_transactions = announced(self.transactions);
        terms.max_recipients = announced(self.recipients);
        terms.max_domains = announced(self.domains);
    }

    fn announced(&self, arguments: &[u8], peer: &mut Peer) {
        let limits = Self::parse(arguments);
        peer.terms.max_transactions = limits.transactions;
        peer.terms.max_recipients = limits.recipients;
        peer.terms.max_domains = limits.domains;
    }
}

/// `%x31-39 *5DIGIT`.
fn value(mut word: Cursor<'_>) -> Option<u32> {
    if matches!(word.peek(), None | Some(b'0')) {
        return None;
    }
    let value = u32::try_from(word.take_decimal()?).ok()?;
    (word.is_at_end() && value <= Limits::MAX).then_some(value)
}
