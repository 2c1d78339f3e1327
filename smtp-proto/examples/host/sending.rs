//! A client's host: it sends letters one after the other over one connection, and notes what became of
//! each recipient.

use std::error::Error;
use std::fmt;

use scop_smtp_proto::auth::client::{Exchange, Scram};
use scop_smtp_proto::auth::scram::{self, Nonce};
use scop_smtp_proto::auth::{Credentials, Mechanism};
use scop_smtp_proto::client::{self, Client, Event, OrderError};
use scop_smtp_proto::{ForwardPath, Parameters, ReversePath};

use super::{now, random};

/// What is to be sent.
#[derive(Clone, Default)]
pub struct Letter {
    /// `<joe@example.org>`, or `<>`.
    pub from: String,
    /// `<ann@example.net>`, with parameters behind it if there are any.
    pub to: Vec<String>,
    /// Parameters of MAIL, such as `BODY=8BITMIME`.
    pub parameters: String,
    /// The message, with CRLF.
    pub content: Vec<u8>,
}

/// What became of a letter for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server took it over: its reply.
    Delivered(String),
    /// It did not: why.
    Failed(String),
    /// Nobody knows: why.
    Unknown(String),
}

/// Letters on their way.
pub struct Errand<'l> {
    letters: &'l [Letter],
    exchange: Option<Exchange<'l>>,
    current: usize,
    sent: usize,
    piece: usize,
    /// For each letter and each of its recipients; what has no entry was never taken up.
    pub fates: Vec<Vec<Option<Fate>>>,
    /// Replies that refused a whole letter or the session, as they came.
    pub refusals: Vec<String>,
}

/// What became of the letters, without them.
impl fmt::Debug for Errand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand")
            .field("fates", &self.fates)
            .field("refusals", &self.refusals)
            .finish_non_exhaustive()
    }
}

impl<'l> Errand<'l> {
    /// Letters, and how many octets of one the machine gets at once.
    pub fn new(letters: &'l [Letter], piece: usize) -> Self {
        Self {
            letters,
            exchange: None,
            current: 0,
            sent: 0,
            piece,
            fates: letters
                .iter()
                .map(|letter| vec![None; letter.to.len()])
                .collect(),
            refusals: Vec::new(),
        }
    }

    /// Authenticates first.
    pub fn with_user(
        mut self,
        mechanism: Mechanism,
        user: &'l str,
        password: &'l str,
    ) -> Result<Self, Box<dyn Error>> {
        let credentials = Credentials::Password {
            authorization: "",
            user,
            password: password.as_bytes(),
        };
        let exchange = Exchange::new(mechanism, credentials)?.with_scram(Scram {
            hash: &scop_crypto::SHA256,
            nonce: Nonce::from_random(random()),
            limits: scram::Limits::DEFAULT,
        });
        self.exchange = Some(exchange);
        Ok(self)
    }

    /// Notes what the machine says.
    pub fn event(&mut self, client: &Client<'_>) {
        let Some(event) = client.event() else { return };
        let (index, fate) = match event {
            Event::Delivered { index, reply } => (index, Fate::Delivered(reply.to_string())),
            Event::Failed { index, fate, cause } => {
                let why = cause.to_string();
                match fate {
                    client::Fate::NotDelivered => (index, Fate::Failed(why)),
                    client::Fate::Unknown => (index, Fate::Unknown(why)),
                }
            }
            Event::Greeting(reply)
            | Event::Mail(reply)
            | Event::HelloRefused(reply)
            | Event::TlsRefused(reply)
            | Event::AuthRefused(reply)
            | Event::Closing(reply) => {
                if !reply.code().is_positive() {
                    self.refusals.push(reply.to_string());
                }
                return;
            }
            _ => return,
        };
        // The events of a letter come before the machine takes the next order.
        let fates = self
            .current
            .checked_sub(1)
            .and_then(|letter| self.fates.get_mut(letter));
        if let Some(place) = fates.and_then(|fates| fates.get_mut(index as usize)) {
            *place = Some(fate);
        }
    }

    /// The machine is idle: AUTH, the next letter, or the end.
    pub fn order(&mut self, client: &mut Client<'_>) -> Result<(), Box<dyn Error>> {
        if let Some(exchange) = &mut self.exchange
            && !client.is_authenticated()
        {
            // An exchange is tried once: mail that needs a user is not sent without.
            let result = if self.refusals.is_empty() {
                client.authenticate(exchange)
            } else {
                client.quit()
            };
            if let Err(error) = result {
                self.refusals.push(error.to_string());
                client.quit()?;
            }
            return Ok(());
        }
        let Some(letter) = self.letters.get(self.current) else {
            return Ok(client.quit()?);
        };
        (self.current, self.sent) = (self.current + 1, 0);
        let path = ReversePath::parse(letter.from.as_bytes())?;
        let parameters: Vec<_> = Parameters::parse(letter.parameters.as_bytes())?
            .iter()
            .collect();
        if let Err(error) = client.mail(&path, &parameters) {
            self.refusals.push(error.to_string());
        }
        Ok(())
    }

    /// The machine wants the recipient of this index.
    pub fn recipient(&mut self, index: u32, client: &mut Client<'_>) -> Result<(), Box<dyn Error>> {
        let letter = self.letter();
        let Some(recipient) = letter.and_then(|letter| letter.to.get(index as usize)) else {
            return Ok(client.end_recipients()?);
        };
        let (path, rest) = ForwardPath::parse_prefix(recipient.as_bytes())?;
        let parameters: Vec<_> = Parameters::parse(rest.trim_ascii_start())?.iter().collect();
        match client.recipient(&path, &parameters) {
            // It is asked for again when there is room.
            Err(OrderError::OutputFull) => Ok(()),
            taken => Ok(taken.map_err(|error| error.to_string())?),
        }
    }

    /// The server answered to AUTH.
    pub fn auth(&mut self, client: &mut Client<'_>) -> Result<(), Box<dyn Error>> {
        let exchange = self.exchange.as_mut().ok_or("no exchange was begun")?;
        if let Err(error) = client.continue_auth(exchange) {
            self.refusals.push(error.to_string());
        }
        Ok(())
    }

    /// The machine wants content: what is to be sent to the server. What cannot be sent ends the session,
    /// and the machine says so for each recipient.
    pub fn content(&mut self, client: &mut Client<'_>) -> &'l [u8] {
        let content = self.letter().map_or(&[][..], |letter| &letter.content);
        let rest = content.get(self.sent..).unwrap_or_default();
        if rest.is_empty() {
            let _ = client.content_end(now());
            return rest;
        }
        let mut input = rest.get(..self.piece).unwrap_or(rest);
        let before = input.len();
        let octets = client.content(&mut input, now()).unwrap_or_default();
        self.sent += before - input.len();
        octets
    }

    fn letter(&self) -> Option<&'l Letter> {
        self.letters.get(self.current.checked_sub(1)?)
    }
}
