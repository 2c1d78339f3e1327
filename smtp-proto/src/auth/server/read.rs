//! What the lines of a client say, for each mechanism.

use core::str;

use scop_core::{Cursor, Full, Sink, SliceSink, base64};
use zeroize::Zeroize;

use super::{Exchange, Failure, ScramUser, Span, State, Step};
use crate::auth::scram::message::{ClientFinal, ClientFirst, Gs2, ServerFirst, put_unescaped};
use crate::auth::scram::{self, Nonce};
use crate::auth::{Mechanism, has_control, is_token};

impl Exchange<'_> {
    /// Takes a message of the client, in base64.
    pub(super) fn message(&mut self, text: &[u8]) -> Step {
        let read = match self.state {
            State::TokenRefused => Err(Failure::Refused),
            State::Idle | State::Judge | State::LookUp | State::Verified => {
                Err(Failure::OutOfOrder)
            }
            _ => self.decode(text).and_then(|message| self.read(message)),
        };
        read.unwrap_or_else(|failure| self.fail(failure))
    }

    /// Decodes to behind what the buffer has.
    fn decode(&mut self, text: &[u8]) -> Result<Span, Failure> {
        let free = self.buffer.get_mut(self.used..).unwrap_or_default();
        let mut sink = SliceSink::new(free);
        base64::decode(text, &mut sink)?;
        let len = sink.written().len();
        Ok(self.keep(len))
    }

    /// Notes that so many octets more are in use.
    fn keep(&mut self, count: usize) -> Span {
        let start = self.used;
        self.used = start.saturating_add(count);
        Span {
            start,
            end: self.used,
        }
    }

    fn read(&mut self, message: Span) -> Result<Step, Failure> {
        match (self.state, self.mechanism) {
            (State::UserName, _) => {
                self.user = self.name(message)?;
                self.state = State::Password;
                Ok(Step::Challenge)
            }
            (State::Password, _) => {
                self.secret = message;
                self.judge()
            }
            (State::First, Mechanism::XOAuth2) => self.xoauth2(message),
            (State::First, Mechanism::OAuthBearer) => self.oauthbearer(message),
            (State::First, Mechanism::ScramSha256) => self.client_first(message),
            (State::First, _) => self.plain(message),
            (State::ClientFinal, _) => self.client_final(message),
            (State::Signed, _) => {
                (message.len() == 0)
                    .then_some(())
                    .ok_or(Failure::Malformed)?;
                Ok(self.verified())
            }
            _ => Err(Failure::OutOfOrder),
        }
    }

    /// The host judges, if there is a secret: an empty one means "nobody" to some directories (RFC 4513
    /// 5.1.2), and RFC 4616 2 has none.
    fn judge(&mut self) -> Result<Step, Failure> {
        let secret = self.octets(self.secret);
        let sound = if self.mechanism.takes_token() {
            is_token(secret)
        } else {
            !secret.is_empty() && !secret.contains(&0)
        };
        sound.then_some(()).ok_or(Failure::Malformed)?;
        self.state = State::Judge;
        Ok(Step::Credentials)
    }

    /// ```abnf
    /// message = [authzid] UTF8NUL authcid UTF8NUL passwd               ; RFC 4616 2
    /// ```
    fn plain(&mut self, message: Span) -> Result<Step, Failure> {
        let (authorization, rest) = self.split(message, 0).ok_or(Failure::Malformed)?;
        let (user, password) = self.split(rest, 0).ok_or(Failure::Malformed)?;
        self.authorization = self.name_or_none(authorization)?;
        self.user = self.name(user)?;
        self.secret = password;
        self.judge()
    }

    /// ```abnf
    /// xoauth2 = "user=" user %x01 "auth=Bearer " token %x01 %x01
    /// ```
    fn xoauth2(&mut self, message: Span) -> Result<Step, Failure> {
        let user = self.behind(message, b"user=").ok_or(Failure::Malformed)?;
        let (user, pairs) = self.split(user, 1).ok_or(Failure::Malformed)?;
        self.authorization = self.name(user)?;
        self.pairs(pairs)
    }

    /// ```abnf
    /// client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep           ; RFC 7628 3.1
    /// ```
    fn oauthbearer(&mut self, message: Span) -> Result<Step, Failure> {
        let gs2 = Gs2::parse(self.octets(message)).ok_or(Failure::Malformed)?;
        let name = authorization_of(message, &gs2);
        let pairs = message.skip(gs2.header.len());
        self.authorization = self.unescaped(name)?;
        let pairs = self.behind(pairs, b"\x01").ok_or(Failure::Malformed)?;
        self.pairs(pairs)
    }

    /// Reads the pairs, of which `auth` must be there; others than it, `host` and `port` are passed over.
    ///
    /// ```abnf
    /// kvpair = key "=" value kvsep
    /// key    = 1*(ALPHA)
    /// ```
    fn pairs(&mut self, pairs: Span) -> Result<Step, Failure> {
        let mut rest = pairs;
        let malformed = Failure::Malformed;
        loop {
            let (pair, after) = self.split(rest, 1).ok_or(malformed)?;
            if pair.len() == 0 {
                (after.len() == 0).then_some(()).ok_or(malformed)?;
                return self.judge();
            }
            let (key, value) = self.split(pair, b'=').ok_or(malformed)?;
            let octets = self.octets(value);
            match self.octets(key) {
                b"auth" if self.secret.is_none() => {
                    let mut cursor = Cursor::new(octets);
                    cursor
                        .skip_ignore_case(b"Bearer ")
                        .then_some(())
                        .ok_or(malformed)?;
                    self.secret = value.skip(cursor.offset());
                }
                b"host" if self.host.is_none() => self.host = self.name(value)?,
                b"port" if self.port.is_none() => {
                    let mut cursor = Cursor::new(octets);
                    let port = cursor.take_decimal().filter(|_| cursor.is_at_end());
                    let port = port.and_then(|port| u16::try_from(port).ok());
                    self.port = Some(port.ok_or(malformed)?);
                }
                b"auth" | b"host" | b"port" => return Err(malformed),
                _ => {}
            }
            rest = after;
        }
    }

    pub(super) fn refuse_token(&mut self, error: &[u8]) -> Step {
        self.buffer.zeroize();
        let mut sink = SliceSink::new(self.buffer);
        if sink.put(error).is_err() {
            return self.fail(Failure::Refused);
        }
        self.used = 0;
        self.secret = self.keep(error.len());
        self.state = State::TokenRefused;
        Step::Challenge
    }

    fn client_first(&mut self, message: Span) -> Result<Step, Failure> {
        let gs2 = Gs2::parse(self.octets(message)).ok_or(Failure::Malformed)?;
        let first = ClientFirst::parse(gs2.rest).ok_or(Failure::Malformed)?;
        let bare = message.skip(gs2.header.len());
        let (authorization, user) = (
            authorization_of(message, &gs2),
            bare.part(2, first.user.len()),
        );
        (self.header_end, self.first_end) = (bare.start, message.end);
        self.authorization = self.unescaped(authorization)?;
        self.user = self.unescaped(user)?;
        (self.user.len() > 0)
            .then_some(())
            .ok_or(Failure::Malformed)?;
        self.state = State::LookUp;
        Ok(Step::ScramUser)
    }

    pub(super) fn put_server_first(
        &mut self,
        user: &ScramUser<'_>,
        nonce: &Nonce,
    ) -> Result<(), Failure> {
        let (kept, free) = self
            .buffer
            .split_at_mut_checked(self.used)
            .ok_or(Failure::TooLong)?;
        let bare = kept
            .get(self.header_end..self.first_end)
            .unwrap_or_default();
        let first = ClientFirst::parse(bare).ok_or(Failure::OutOfOrder)?;
        let mut sink = SliceSink::new(free);
        sink.put(b"r=")?;
        sink.put(first.nonce)?;
        sink.put(nonce.as_bytes())?;
        sink.put(b",s=")?;
        base64::encode(user.salt, &mut sink)?;
        sink.put(b",i=")?;
        sink.put_decimal(user.iterations.into())?;
        let len = sink.written().len();
        self.server_first = self.keep(len);
        Ok(())
    }

    fn client_final(&mut self, message: Span) -> Result<Step, Failure> {
        let hash = self.hash.ok_or(Failure::OutOfOrder)?;
        let last = ClientFinal::parse(self.octets(message)).ok_or(Failure::Malformed)?;
        let header = self.buffer.get(..self.header_end).unwrap_or_default();
        let mut binding = Compare(header);
        let bound = base64::decode(last.binding, &mut binding).is_ok() && binding.0.is_empty();
        let server_first = self.octets(self.server_first);
        let nonce = ServerFirst::parse(server_first).map(|first| first.nonce);
        if !bound || nonce != Some(last.nonce) {
            return Err(Failure::Refused);
        }
        let bare = self
            .buffer
            .get(self.header_end..self.first_end)
            .unwrap_or_default();
        let sign = |key| {
            scram::signature(hash, key, |hmac| {
                hmac.put(bare)?;
                hmac.put(b",")?;
                hmac.put(server_first)?;
                hmac.put(b",")?;
                hmac.put(last.without_proof)
            })
            .ok_or(Failure::OutOfOrder)
        };
        let expected = sign(&self.keys.stored_key)?;
        if !self.keys.proves(&expected, &last.proof, hash) {
            return Err(Failure::Refused);
        }
        self.signature = sign(&self.keys.server_key)?;
        self.state = State::Signed;
        Ok(Step::Challenge)
    }

    /// A name: UTF-8, not empty, without control characters.
    fn name(&self, span: Span) -> Result<Span, Failure> {
        let octets = self.octets(span);
        str::from_utf8(octets)
            .is_ok_and(|name| !name.is_empty() && !has_control(name))
            .then_some(span)
            .ok_or(Failure::Malformed)
    }

    fn name_or_none(&self, span: Span) -> Result<Span, Failure> {
        if span.len() == 0 {
            Ok(Span::NONE)
        } else {
            self.name(span)
        }
    }

    /// A name, or none, that has `,` and `=` escaped: when it does, it is written again behind all else.
    fn unescaped(&mut self, span: Span) -> Result<Span, Failure> {
        if !self.octets(span).contains(&b'=') {
            return self.name_or_none(span);
        }
        let (kept, free) = self
            .buffer
            .split_at_mut_checked(self.used)
            .ok_or(Failure::TooLong)?;
        let mut sink = SliceSink::new(free);
        let escaped = kept.get(span.start..span.end).unwrap_or_default();
        put_unescaped(escaped, &mut sink).map_err(|error| match error {
            base64::DecodeError::Syntax => Failure::Malformed,
            base64::DecodeError::Full => Failure::TooLong,
        })?;
        let len = sink.written().len();
        let name = self.keep(len);
        self.name(name)
    }

    /// What stands before and behind the first `byte`.
    fn split(&self, span: Span, byte: u8) -> Option<(Span, Span)> {
        let at = memchr::memchr(byte, self.octets(span))?;
        Some((span.part(0, at), span.skip(at.saturating_add(1))))
    }

    /// What stands behind `prefix`.
    fn behind(&self, span: Span, prefix: &[u8]) -> Option<Span> {
        self.octets(span)
            .starts_with(prefix)
            .then(|| span.skip(prefix.len()))
    }
}

/// Where in `message` the authorization identity is: behind `n,a=`.
const fn authorization_of(message: Span, gs2: &Gs2<'_>) -> Span {
    message.part(b"n,a=".len(), gs2.authorization.len())
}

/// Takes what it is made of, and nothing else.
struct Compare<'a>(&'a [u8]);

impl Sink for Compare<'_> {
    fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        self.0 = self.0.strip_prefix(octets).ok_or(Full)?;
        Ok(())
    }
}
