//! SMTP extensions as values (RFC 5321 2.2, RFC 1869 4).
//!
//! An extension names its EHLO keyword, its parameters of MAIL and RCPT, its verbs, and what they do to
//! a session. A server offers exactly the extensions in the list that it is given, and a client uses
//! exactly those; there is no table of all extensions anywhere, and what is not listed is not linked.
//! The extensions of this crate are written with the same trait as yours:
//!
//! | Keyword | Value | Source | MAIL | RCPT | Verbs |
//! |---|---|---|---|---|---|
//! | `SIZE` | [`Size`] | RFC 1870 | `SIZE` | | |
//! | `8BITMIME` | [`EightBitMime`] | RFC 6152 | `BODY` | | |
//! | `SMTPUTF8` | [`SmtpUtf8`] | RFC 6531 | `SMTPUTF8` | | |
//! | `PIPELINING` | [`Pipelining`] | RFC 2920 | | | |
//! | `ENHANCEDSTATUSCODES` | [`EnhancedStatusCodes`] | RFC 2034 | | | |
//! | `DSN` | [`Dsn`] | RFC 3461, RFC 6533 | `RET` `ENVID` | `NOTIFY` `ORCPT` | |
//! | `CHUNKING` | [`Chunking`] | RFC 3030 | | | `BDAT` |
//! | `BINARYMIME` | [`BinaryMime`] | RFC 3030 | `BODY` | | |
//! | `STARTTLS` | [`StartTls`] | RFC 3207 | | | `STARTTLS` |
//! | `AUTH` | [`Auth`] | RFC 4954 | `AUTH` | | `AUTH` |
//! | `REQUIRETLS` | [`RequireTls`] | RFC 8689 | `REQUIRETLS` | | |
//! | `LIMITS` | [`Limits`] | RFC 9422 | | | |
//! | `DELIVERBY` | [`DeliverBy`] | RFC 2852 | `BY` | | |
//! | `FUTURERELEASE` | [`FutureRelease`] | RFC 4865 | `HOLDFOR` `HOLDUNTIL` | | |
//! | `MT-PRIORITY` | [`MtPriority`] | RFC 6710 | `MT-PRIORITY` | | |
//! | `RRVS` | [`Rrvs`] | RFC 7293 | | `RRVS` | |
//! | `ETRN` | [`Etrn`] | RFC 1985 | | | `ETRN` |
//! | `XCLIENT` | [`XClient`] | Postfix | | | `XCLIENT` |
//! | `XFORWARD` | [`XForward`] | Postfix | | | `XFORWARD` |
//! | `VRFY` `EXPN` `HELP` | [`Vrfy`] [`Expn`] [`Help`] | RFC 5321 | | | |
//!
//! An extension of your own is another value in the list:
//!
//! ```
//! use scop_core::{Full, Sink};
//! use scop_smtp_proto::extension::{Effect, Extension, Refusal, Session};
//! use scop_smtp_proto::{Envelope, Parameter, Status};
//!
//! /// Announces `XCOLOUR red`, takes `MAIL FROM:<...> XTINT=n` and the verb `XPAINT`.
//! struct Colour;
//!
//! impl Extension for Colour {
//!     fn keyword(&self) -> &str { "XCOLOUR" }
//!     fn mail_keywords(&self) -> &[&str] { &["XTINT"] }
//!     fn verbs(&self) -> &[&str] { &["XPAINT"] }
//!     fn emit_arguments(&self, _: &Session, sink: &mut dyn Sink) -> Result<(), Full> { sink.put(b"red") }
//!     fn mail_parameter(&self, tint: Parameter<'_>, _: &Session, _: &mut Envelope) -> Result<(), Refusal> {
//!         let digits = tint.value().is_some_and(|value| value.iter().all(u8::is_ascii_digit));
//!         digits.then_some(()).ok_or(Refusal::new(501, Status::new(5, 5, 4), "XTINT is a number"))
//!     }
//!     fn command(&self, _: &[u8], _: &[u8], session: &Session) -> Result<Effect, Refusal> {
//!         if session.in_transaction { Err(Refusal::OUT_OF_ORDER) } else { Ok(Effect::Ask) }
//!     }
//! }
//! let extensions: &[&dyn Extension] = &[&Colour]; // to a server's or a client's configuration
//! # let _ = extensions;
//! ```
//!
//! # The side of a client
//! A client asks two more things of it. [`Extension::announced`] gets what the server said behind the keyword,
//! and notes what matters: in [`Peer`] where the machine has a field for it, such as the largest message, else in
//! the value itself. [`Extension::can_send`] then says of each parameter whether this server takes it, and notes
//! in [`Envelope`] what it means for the message, where that has a field: the machine goes by these two, and knows
//! no keyword. A parameter of an extension that was not announced is refused before it is asked. The methods take
//! `&self`, so that what is kept stands in an atomic; and a value that keeps what a server announced belongs to
//! one connection.
//!
//! ```
//! use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
//! use scop_core::Instant;
//! use scop_smtp_proto::client::{Buffers, Client, Config, OrderError, Step};
//! use scop_smtp_proto::extension::{Envelope, Extension, Peer};
//! use scop_smtp_proto::{Domain, Parameter, ReversePath};
//!
//! /// The server says `XCOLOUR 7`: the largest XTINT that it takes. It says so anew after STARTTLS.
//! #[derive(Default)]
//! struct Colour { largest: AtomicU32 }
//!
//! fn number(text: &[u8]) -> Option<u32> { str::from_utf8(text).ok()?.parse().ok() }
//!
//! impl Extension for Colour {
//!     fn keyword(&self) -> &str { "XCOLOUR" }
//!     fn mail_keywords(&self) -> &[&str] { &["XTINT"] }
//!     fn announced(&self, arguments: &[u8], _: &mut Peer) {
//!         self.largest.store(number(arguments).unwrap_or(0), Relaxed);
//!     }
//!     fn can_send(&self, tint: Parameter<'_>, _: &Peer, _: &mut Envelope) -> Result<(), &'static str> {
//!         let tint = tint.value().and_then(number).ok_or("it is a number")?;
//!         (tint <= self.largest.load(Relaxed)).then_some(()).ok_or("the server has no such tint")
//!     }
//! }
//!
//! let colour = Colour::default(); // of this connection
//! let extensions: [&dyn Extension; 1] = [&colour];
//! let (mut input, mut output) = ([0; 512], [0; 512]);
//! let buffers = Buffers { input: &mut input, output: &mut output };
//! let now = Instant::default();
//! let mut config = Config::new(Domain::parse(b"client.example.org")?);
//! config.extensions = &extensions;
//! let mut client = Client::new(config, buffers, now)?;
//! let mut answers: &[u8] = b"220 mx.example.org\r\n";
//! loop {
//!     match client.poll() {
//!         Step::Transmit => {
//!             client.transmitted(client.transmit().len(), now)?;
//!             answers = b"250-mx.example.org\r\n250 XCOLOUR 7\r\n";
//!         }
//!         Step::Wait(_) => client.handle_input(&mut answers, now),
//!         Step::Order => break,
//!         _ => {}
//!     }
//! }
//! let tint = [Parameter::new("XTINT", Some(b"8"))?];
//! let refused = client.mail(&ReversePath::Null, &tint);
//! assert_eq!(refused, Err(OrderError::CannotSend(b"XTINT", "the server has no such tint")));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! `tests/made_up_extension.rs` plays both sides of such an extension: a server announces it and hands its verb
//! and parameters to the host, a server without it refuses them all, nothing of it is there behind HELO, and a
//! client sends what was announced and nothing else.

mod auth;
mod chunking;
mod deliver_by;
mod dsn;
mod eight_bit_mime;
mod enhanced_status_codes;
mod etrn;
mod future_release;
mod limits;
mod list;
mod mt_priority;
mod pipelining;
mod require_tls;
mod rrvs;
mod size;
mod smtp_utf8;
mod start_tls;
mod verify;
mod xclient;

pub use auth::Auth;
pub use chunking::{BinaryMime, Chunking};
pub use deliver_by::DeliverBy;
pub use dsn::Dsn;
pub use eight_bit_mime::EightBitMime;
pub use enhanced_status_codes::EnhancedStatusCodes;
pub use etrn::Etrn;
pub use future_release::FutureRelease;
pub use limits::Limits;
pub(crate) use list::{Extensions, Found, Set};
pub use list::{ListError, ListErrorKind};
pub use mt_priority::MtPriority;
pub use pipelining::Pipelining;
pub use require_tls::RequireTls;
pub use rrvs::Rrvs;
pub use size::Size;
pub use smtp_utf8::SmtpUtf8;
pub use start_tls::StartTls;
pub use verify::{Expn, Help, Vrfy};
pub use xclient::{XClient, XForward};

use core::fmt;

use scop_core::{Full, Sink, UnixTime};

use crate::auth::MechanismSet;
use crate::command::Hello;
use crate::parameter::{Body, Parameter, ParameterError, ParameterErrorKind};
use crate::reply::{Reply, Status};

/// What a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RFC 5321.
    #[default]
    Smtp,
    /// RFC 2033: LHLO for EHLO, and a reply for each recipient after the data.
    Lmtp,
}

/// What a server knows of a connection. Extensions and the host read it; the machine writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// The channel is encrypted, as the host says: from the start, or after STARTTLS.
    pub secure: bool,
    /// The client has authenticated.
    pub authenticated: bool,
    /// The mechanisms of AUTH that the server can serve: none without memory for the exchanges
    /// ([`Server::with_auth`](crate::server::Server::with_auth)), no SCRAM without a hash. An extension
    /// offers no others.
    pub mechanisms: MechanismSet,
    /// The greeting that was accepted last; `None` before it, and again after STARTTLS.
    pub hello: Option<Hello>,
    /// What the extensions of the last reply to EHLO or LHLO allow; nothing before it and behind HELO.
    pub terms: Terms,
    /// A MAIL command was accepted, and its transaction is not over.
    pub in_transaction: bool,
    /// Recipients accepted in this transaction.
    pub recipients: u32,
    /// Transactions that came to a reply after their data.
    pub transactions: u32,
    /// The client sent before it was greeted (RFC 5321 4.3.1).
    pub early_talker: bool,
    /// The client sent behind a command that must be the last of its group (RFC 2920 3.1).
    pub unsynchronised: bool,
}

impl Session {
    /// The `with` value of the Received field of a message that came with `envelope` (RFC 3848, RFC 6531 4.3).
    /// [`Stamp`](scop_mime_core::header::trace::Stamp) writes the field; the name that the client gave itself is
    /// in [`Event::Hello`](crate::server::Event::Hello), and the host keeps it.
    ///
    /// ```
    /// use scop_core::{Instant, SliceSink, UnixTime};
    /// use scop_mime_core::DateTime;
    /// use scop_mime_core::header::date::Zone;
    /// use scop_mime_core::header::trace::{Client, Stamp};
    /// use scop_smtp_proto::server::{Buffers, Config, Event, Server, Step};
    ///
    /// let (mut input, mut output) = ([0; 512], [0; 1024]);
    /// let buffers = Buffers { input: &mut input, output: &mut output };
    /// let mut server = Server::new(Config::new("mx.example.org", &[]), buffers, Instant(0))?;
    /// let mut received: &[u8] = b"EHLO client.example.org\r\nMAIL FROM:<joe@example.org>\r\n";
    /// let mut name = Vec::new();
    /// loop {
    ///     match server.poll() {
    ///         Step::Transmit => server.transmitted(server.transmit().len(), Instant(0))?,
    ///         Step::Event => {
    ///             if let Some(Event::Hello { domain, .. }) = server.event() {
    ///                 name = domain.to_vec();
    ///             }
    ///             server.accept()?;
    ///         }
    ///         Step::Wait(_) if !received.is_empty() => {
    ///             let _ = server.handle_input(&mut received, Instant(0)); // there is no content yet
    ///         }
    ///         _ => break,
    ///     }
    /// }
    ///
    /// let date = DateTime::from_unix(UnixTime(880_128_343), Zone::UTC).unwrap();
    /// let mut stamp = Stamp::new(b"mx.example.org", date);
    /// stamp.from = Some(Client { name: Some(&name), reverse: None, ip: [192, 0, 2, 1].into() });
    /// stamp.with = Some(server.session().with_keyword(server.envelope()).as_bytes());
    /// let mut field = [0; 256];
    /// let mut field = SliceSink::new(&mut field);
    /// stamp.write(&mut field)?;
    /// assert_eq!(
    ///     field.written(),
    ///     b"Received: from client.example.org ([192.0.2.1])\r\n by mx.example.org with ESMTP;\r\n \
    ///       Fri, 21 Nov 1997 16:05:43 +0000\r\n",
    /// );
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn with_keyword(&self, envelope: &Envelope) -> &'static str {
        /// By protocol and SMTPUTF8; then by TLS and AUTH.
        const WITH: [[&str; 4]; 4] = [
            ["ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA"],
            ["UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"],
            ["LMTP", "LMTPA", "LMTPS", "LMTPSA"],
            ["UTF8LMTP", "UTF8LMTPA", "UTF8LMTPS", "UTF8LMTPSA"],
        ];
        if self.hello == Some(Hello::Helo) {
            return "SMTP";
        }
        let row = usize::from(self.protocol == Protocol::Lmtp) * 2 + usize::from(envelope.utf8);
        let column = usize::from(self.secure) * 2 + usize::from(self.authenticated);
        WITH.get(row)
            .and_then(|row| row.get(column))
            .copied()
            .unwrap_or("SMTP")
    }
}

/// What the extensions that a server announced change for a connection. Extensions write it, in
/// [`Extension::offered`]; the machine and the host read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// Commands may come in groups (RFC 2920).
    pub pipelining: bool,
    /// Replies carry enhanced status codes (RFC 2034).
    pub enhanced_status: bool,
    /// The largest message in octets (RFC 1870).
    pub max_size: Option<u64>,
    /// MAILMAX of LIMITS (RFC 9422): transactions of this connection.
    pub max_transactions: Option<u32>,
    /// RCPTMAX of LIMITS: recipients of one transaction.
    pub max_recipients: Option<u32>,
    /// RCPTDOMAINMAX of LIMITS: domains of the recipients of this connection (RFC 9422 4.3).
    pub max_domains: Option<u32>,
}

/// What the parameters of MAIL say of a message. Extensions write it, for a server as they judge what
/// came and for a client as they judge what it sends; the machine and the host read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// SIZE (RFC 1870).
    pub size: Option<u64>,
    /// BODY (RFC 6152, RFC 3030).
    pub body: Body,
    /// SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// HOLDFOR or HOLDUNTIL (RFC 4865).
    pub held: bool,
}

/// What a client knows of the server. Extensions write it as the server announces them; the machine
/// empties it before each EHLO and after STARTTLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The channel is encrypted, as the host says.
    pub secure: bool,
    /// What the server announced for the connection.
    pub terms: Terms,
    /// STARTTLS is there (RFC 3207).
    pub start_tls: bool,
    /// BDAT is there (RFC 3030).
    pub chunking: bool,
    /// The mechanisms of AUTH that may be used now (RFC 4954).
    pub mechanisms: MechanismSet,
    /// The shortest BY after which the server returns a message, in seconds (RFC 2852); 0 when not told.
    pub min_by_time: u32,
    /// The longest HOLDFOR in seconds (RFC 4865).
    pub max_hold: Option<u32>,
    /// The latest HOLDUNTIL (RFC 4865).
    pub max_hold_until: Option<UnixTime>,
}

/// A reply that refuses, as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(Reply<'static>);

impl Refusal {
    /// 503: the command cannot come now.
    pub const OUT_OF_ORDER: Self = Self::new(503, Status::new(5, 5, 1), "Bad sequence of commands");

    /// 501: the command or a parameter is malformed.
    pub const BAD_ARGUMENT: Self =
        Self::new(501, Status::new(5, 5, 4), "Syntax error in parameters");

    /// A refusal of one line. What consents, what has more lines, and what [`Reply::new`] refuses, becomes
    /// `554 5.0.0 Refused`: a constant cannot fail, and must not be taken for consent.
    pub const fn new(code: u16, status: Status, text: &'static str) -> Self {
        let code = if code >= 400 && is_line(text.as_bytes()) {
            code
        } else {
            0
        };
        match Reply::new(code, Some(status), text) {
            Ok(reply) => Self(reply),
            Err(_) => Self(Reply::REFUSED),
        }
    }

    /// As a reply.
    pub const fn reply(&self) -> Reply<'static> {
        self.0
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a verb of an extension does to the session of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The host is asked, and its reply is sent.
    Ask,
    /// The host is asked; when it consents, the session begins anew with the greeting (XCLIENT).
    AskAndRestart,
    /// An exchange of AUTH begins, with one of these mechanisms; the argument says which (RFC 4954 4).
    Authenticate(MechanismSet),
    /// This many octets follow, whatever the state of the session is: when they cannot be taken now they
    /// are read and thrown away before the refusal (RFC 3030 2).
    Chunk {
        /// How many.
        size: u64,
        /// Whether the message ends with them.
        last: bool,
    },
    /// The reply is 220, then TLS is negotiated (RFC 3207 4).
    StartTls,
    /// It is refused, and the connection ends: what follows cannot be told from commands, as behind a BDAT
    /// without a size.
    Disconnect(Refusal),
}

/// An SMTP extension.
///
/// Only [`Extension::keyword`] has to be there. Names compare without regard to ASCII case; two
/// extensions in one list must not share one. The machine sees to it that a parameter comes once.
pub trait Extension: Sync {
    /// The EHLO keyword (`ehlo-keyword` of RFC 5321 4.1.1.1).
    fn keyword(&self) -> &str;

    /// Keywords of extensions without which this one means nothing. A server is not made without them.
    /// Default: none.
    fn needs(&self) -> &[&str] {
        &[]
    }

    /// The parameters that it adds to MAIL. A name is a keyword, or `KEYWORD=VALUE` to claim that value
    /// alone: BODY=8BITMIME and BODY=BINARYMIME belong to two extensions.
    /// Default: none.
    fn mail_keywords(&self) -> &[&str] {
        &[]
    }

    /// The parameters that it adds to RCPT; names as above. Default: none.
    fn rcpt_keywords(&self) -> &[&str] {
        &[]
    }

    /// The verbs that it adds. Default: none.
    fn verbs(&self) -> &[&str] {
        &[]
    }

    /// Server: whether it is announced, and its parameters and verbs are taken, in this session. Default:
    /// always.
    fn is_offered(&self, _session: &Session) -> bool {
        true
    }

    /// Server: writes what stands behind the keyword in the reply to EHLO, without the space before it.
    /// Default: nothing.
    ///
    /// # Errors
    /// When the sink is full.
    fn emit_arguments(&self, _session: &Session, _sink: &mut dyn Sink) -> Result<(), Full> {
        Ok(())
    }

    /// Server: it was announced in a reply to EHLO or LHLO, and is in effect from now on.
    /// Default: it changes no terms.
    fn offered(&self, _terms: &mut Terms) {}

    /// Server: judges one of its parameters of MAIL, and notes what it says in `envelope`. The host gets
    /// the parameter too. Default: it is taken, whatever its value is, and nothing is noted.
    ///
    /// # Errors
    /// The reply with which the command is refused.
    fn mail_parameter(
        &self,
        _parameter: Parameter<'_>,
        _session: &Session,
        _envelope: &mut Envelope,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// Server: judges one of its parameters of RCPT. Default: it is taken, whatever its value is.
    ///
    /// # Errors
    /// The reply with which the command is refused.
    fn rcpt_parameter(
        &self,
        _parameter: Parameter<'_>,
        _session: &Session,
        _envelope: &Envelope,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// Judges one of its verbs; `argument` is what stands behind it, without the space. A server asks when it
    /// came, and a client before it is sent. When the line cannot be read a server asks without an argument, to
    /// know whether octets follow: then it ends the connection. Default: [`Effect::Ask`], the host judges.
    ///
    /// # Errors
    /// The reply with which the command is refused.
    fn command(
        &self,
        _verb: &[u8],
        _argument: &[u8],
        _session: &Session,
    ) -> Result<Effect, Refusal> {
        Ok(Effect::Ask)
    }

    /// Client: the server announced it, with these arguments. Default: nothing is noted; that its
    /// parameters and verbs can be sent is known without it.
    fn announced(&self, _arguments: &[u8], _peer: &mut Peer) {}

    /// Client: whether one of its parameters can be sent to this server; that the server announced the
    /// extension is known already. Notes what the parameter says in `envelope`. Default: it can, and nothing is noted.
    ///
    /// # Errors
    /// Why not, in words.
    fn can_send(
        &self,
        _parameter: Parameter<'_>,
        _peer: &Peer,
        _envelope: &mut Envelope,
    ) -> Result<(), &'static str> {
        Ok(())
    }
}

/// Its keyword. It is not asked of each extension, so that a program which prints none has no code for it.
impl fmt::Debug for dyn Extension + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}

/// A parameter of an extension of this crate that breaks a rule: 501 from a server, words from a client.
#[derive(Debug)]
struct Malformed(ParameterErrorKind);

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::BAD_ARGUMENT
    }
}

impl From<Malformed> for &'static str {
    fn from(malformed: Malformed) -> Self {
        malformed.0.rule()
    }
}

/// Whether there is no LF in it.
const fn is_line(text: &[u8]) -> bool {
    let mut rest = text;
    while let [octet, behind @ ..] = rest {
        if *octet == b'\n' {
            return false;
        }
        rest = behind;
    }
    true
}

/// Reads the value that `parameter` must have.
fn value<'a, T>(
    parameter: Parameter<'a>,
    parse: impl FnOnce(&'a [u8]) -> Result<T, ParameterError>,
) -> Result<T, Malformed> {
    let value = (parameter.value()).ok_or(Malformed(ParameterErrorKind::NoValue))?;
    parse(value).map_err(|error| Malformed(error.kind()))
}

/// Of a parameter that has none.
fn no_value(parameter: Parameter<'_>) -> Result<(), Malformed> {
    match parameter.value() {
        None => Ok(()),
        Some(_) => Err(Malformed(ParameterErrorKind::UnexpectedValue)),
    }
}
