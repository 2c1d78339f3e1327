//! Signing a message (RFC 6376 5).
//!
//! A [`Signer`] borrows the header, takes the body in chunks, and writes a whole DKIM-Signature field, to be
//! put before the header. The field depends on nothing but its inputs: the same message, options and key
//! give the same octets (RSA with PKCS #1 v1.5 and Ed25519 draw no randomness). It has no `l=`.
//!
//! What could not be verified anywhere is refused: a message without exactly one From, a header that begins
//! with a continuation line (it would continue the signature above it), and line ends
//! other than CRLF, which some relay would repair on the way (RFC 6376 5.3). A host that signs text with other
//! line ends converts it first.
//!
//! ```
//! use scop_core::UnixTime;
//! use scop_crypto::{Ed25519SigningKey, RUST_CRYPTO};
//! use scop_dkim::sign::{SignOptions, Signer};
//! use scop_mime_core::HeaderBlock;
//!
//! let header = HeaderBlock::new(b"From: joe@example.org\r\nSubject: Hi\r\n");
//! let key = Ed25519SigningKey::from_seed(&[7; 32]);
//! let options = SignOptions::new(b"example.org", b"2026").signed_at(UnixTime(1_800_000_000));
//! let mut signer = Signer::new(header, &key, RUST_CRYPTO, options)?;
//! signer.body(b"Hello\r\n");
//! let mut field = Vec::new();
//! signer.finish(&mut field)?;
//! assert!(field.starts_with(b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org;\r\n"));
//! # Ok::<(), scop_dkim::sign::SignerError>(())
//! ```

use core::fmt;

use memchr::memchr2_iter;
use scop_core::crypto::{Digest, Hash, HashAlgorithm, Hasher, MAX_SIGNATURE, Provider, Sign};
use scop_core::{Full, Sink, UnixTime};
use scop_mime_core::HeaderBlock;

use crate::base64;
use crate::body_hash::BodyHash;
use crate::canonical::header::{Unfolder, relaxed_name};
use crate::canonical::{Canonicalization, Form};
use crate::signature::{Algorithm, fits_a_name, is_domain, is_field_name, is_selector, is_within};
use crate::signed_fields::{MAX_HEADER_NAMES, SignedFields};

/// Columns in a line of the field, where words allow it (RFC 5322 2.1.1).
const LINE: usize = 78;

/// Octets in a local part (RFC 5321 4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// The start of the field.
const NAME: &[u8] = b"DKIM-Signature";

/// The name of a field to sign, all its instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedName<'a> {
    name: &'a [u8],
    oversigned: bool,
}

impl<'a> SignedName<'a> {
    /// Signs the fields of that name that are there.
    pub const fn present(name: &'a [u8]) -> Self {
        Self {
            name,
            oversigned: false,
        }
    }

    /// Signs them, and also that there are no more: to add one breaks the signature (RFC 6376 5.4.2, 8.15).
    pub const fn oversigned(name: &'a [u8]) -> Self {
        Self {
            name,
            oversigned: true,
        }
    }
}

/// What RFC 6376 5.4.1 recommends to sign; the fields that a reader sees or that say how to read the
/// body are oversigned. Fields that relays and lists add for themselves are not.
pub const DEFAULT_NAMES: &[SignedName<'static>] = &[
    SignedName::oversigned(b"From"),
    SignedName::oversigned(b"Reply-To"),
    SignedName::oversigned(b"To"),
    SignedName::oversigned(b"Cc"),
    SignedName::oversigned(b"Subject"),
    SignedName::oversigned(b"Date"),
    SignedName::oversigned(b"Message-ID"),
    SignedName::oversigned(b"In-Reply-To"),
    SignedName::oversigned(b"References"),
    SignedName::oversigned(b"MIME-Version"),
    SignedName::oversigned(b"Content-Type"),
    SignedName::oversigned(b"Content-Transfer-Encoding"),
    SignedName::present(b"Content-ID"),
    SignedName::present(b"Content-Disposition"),
    SignedName::present(b"Content-Description"),
    SignedName::present(b"Resent-Date"),
    SignedName::present(b"Resent-From"),
    SignedName::present(b"Resent-To"),
    SignedName::present(b"Resent-Cc"),
    SignedName::present(b"List-Id"),
    SignedName::present(b"List-Help"),
    SignedName::present(b"List-Unsubscribe"),
    SignedName::present(b"List-Unsubscribe-Post"),
    SignedName::present(b"List-Subscribe"),
    SignedName::present(b"List-Post"),
    SignedName::present(b"List-Owner"),
    SignedName::present(b"List-Archive"),
];

/// What a signature is to say.
#[derive(Clone, Copy, Debug)]
pub struct SignOptions<'a> {
    domain: &'a [u8],
    selector: &'a [u8],
    canonicalization: Canonicalization,
    names: &'a [SignedName<'a>],
    auid: Option<(&'a [u8], &'a [u8])>,
    timestamp: Option<UnixTime>,
    expiration: Option<UnixTime>,
}

impl<'a> SignOptions<'a> {
    /// For the key at `selector` of `domain`: `relaxed/relaxed` over [`DEFAULT_NAMES`], and no times.
    pub const fn new(domain: &'a [u8], selector: &'a [u8]) -> Self {
        Self {
            domain,
            selector,
            canonicalization: Canonicalization::RELAXED,
            names: DEFAULT_NAMES,
            auid: None,
            timestamp: None,
            expiration: None,
        }
    }

    /// Sets `c=`.
    #[must_use]
    pub const fn canonicalization(mut self, canonicalization: Canonicalization) -> Self {
        self.canonicalization = canonicalization;
        self
    }

    /// Sets what is signed; From must be among it. A name that is there twice counts once.
    #[must_use]
    pub const fn names(mut self, names: &'a [SignedName<'a>]) -> Self {
        self.names = names;
        self
    }

    /// Sets `i=`: a local part, possibly empty, and the domain or one below it.
    #[must_use]
    pub const fn auid(mut self, local_part: &'a [u8], domain: &'a [u8]) -> Self {
        self.auid = Some((local_part, domain));
        self
    }

    /// Sets `t=`.
    #[must_use]
    pub const fn signed_at(mut self, time: UnixTime) -> Self {
        self.timestamp = Some(time);
        self
    }

    /// Sets `x=`.
    #[must_use]
    pub const fn expires_at(mut self, time: UnixTime) -> Self {
        self.expiration = Some(time);
        self
    }

    fn check(&self) -> Result<(), SignerError> {
        if !is_domain(self.domain) {
            return Err(SignerError::Domain);
        }
        if !is_selector(self.selector) || !fits_a_name(self.selector, self.domain) {
            return Err(SignerError::Selector);
        }
        if let Some((local_part, domain)) = self.auid
            && !(local_part.len() <= MAX_LOCAL_PART
                && is_domain(domain)
                && is_within(domain, self.domain))
        {
            return Err(SignerError::Auid);
        }
        if !self.names.iter().all(|name| is_field_name(name.name)) {
            return Err(SignerError::HeaderName);
        }
        // RFC 6376 3.5 gives the times twelve digits.
        let has_room = |time: &Option<UnixTime>| time.is_none_or(|time| time.0 < 1_000_000_000_000);
        let in_order = match (self.timestamp, self.expiration) {
            (Some(start), Some(end)) => start < end,
            _ => true,
        };
        if !in_order || ![self.timestamp, self.expiration].iter().all(has_room) {
            return Err(SignerError::Times);
        }
        Ok(())
    }
}

/// Signs one message.
#[derive(Clone)]
pub struct Signer<'m, 'p> {
    header: HeaderBlock<'m>,
    key: &'m dyn Sign,
    options: SignOptions<'m>,
    algorithm: Algorithm,
    hash: &'p dyn Hash,
    /// How often each of the names to sign is put into `h=`.
    counts: heapless::Vec<u8, MAX_HEADER_NAMES>,
    body: BodyHash<'p>,
    line_ends: LineEnds,
}

impl<'m, 'p> Signer<'m, 'p> {
    /// A signer for the message with this header.
    ///
    /// # Errors
    /// When the options, the key or the header do not allow a signature.
    pub fn new(
        header: HeaderBlock<'m>,
        key: &'m dyn Sign,
        provider: Provider<'p>,
        options: SignOptions<'m>,
    ) -> Result<Self, SignerError> {
        options.check()?;
        let algorithm = Algorithm::of_key(key.algorithm()).ok_or(SignerError::Algorithm)?;
        let hash = provider.hash(HashAlgorithm::Sha256);
        let hash = hash.ok_or(SignerError::HashNotLinked)?;
        let mut line_ends = LineEnds::default();
        line_ends.watch(header.as_bytes());
        if !line_ends.are_all_crlf() || !header.as_bytes().ends_with(b"\r\n") {
            return Err(SignerError::BareLineEnd);
        }
        if matches!(header.as_bytes(), [b' ' | b'\t', ..]) {
            return Err(SignerError::LeadingFold);
        }
        match header.fields().filter(|field| field.is(b"From")).count() {
            0 => return Err(SignerError::NoFrom),
            1 => {}
            _ => return Err(SignerError::SeveralFrom),
        }
        Ok(Self {
            header,
            key,
            options,
            algorithm,
            hash,
            counts: count(header, options.names)?,
            body: BodyHash::new(hash, options.canonicalization.body, None),
            line_ends: LineEnds::default(),
        })
    }

    /// Takes the next octets of the body, cut anywhere.
    pub fn body(&mut self, chunk: &[u8]) {
        self.line_ends.watch(chunk);
        self.body.update(chunk);
    }

    /// Signs, and writes the field with its line end.
    ///
    /// # Errors
    /// When the body has a bare CR or LF, the key does not sign, or `sink` is full.
    pub fn finish<S: Sink + ?Sized>(self, sink: &mut S) -> Result<(), SignerError> {
        if !self.line_ends.are_all_crlf() {
            return Err(SignerError::BareLineEnd);
        }
        let body_hash = self.body.finish().digest;
        let digest = self.header_digest(&body_hash)?;
        let mut buffer = [0; MAX_SIGNATURE];
        // Ed25519 signs the digest too (RFC 8463 3).
        let length = self
            .key
            .sign(digest.as_bytes(), &mut buffer)
            .map_err(|_| SignerError::Key)?;
        let octets = buffer.get(..length).ok_or(SignerError::Key)?;
        if self.algorithm == Algorithm::RsaSha256 && octets.len() < 1024 / 8 {
            return Err(SignerError::KeyTooSmall);
        }
        self.emit(&body_hash, octets, sink)
            .map_err(|_| SignerError::Full)
    }

    /// The hash that is signed (RFC 6376 3.7, step 2).
    fn header_digest(&self, body_hash: &Digest) -> Result<Digest, SignerError> {
        let mut hasher = Hasher::new(self.hash);
        let fields = SignedFields::select(self.header, self.names(), None)
            .ok_or(SignerError::TooManyNames)?;
        let form = self.options.canonicalization.header;
        // A hash is never full.
        let _ = fields.emit(self.header, form, &mut hasher);
        let _ = match form {
            Form::Relaxed => {
                let _ = relaxed_name(NAME, &mut hasher);
                let mut value = Unfolder::new(&mut hasher);
                let _ = self.emit_value(body_hash, b"", &mut value);
                value.finish()
            }
            Form::Simple => {
                let _ = hasher.put(NAME).and_then(|()| hasher.put(b":"));
                self.emit_value(body_hash, b"", &mut hasher)
            }
        };
        Ok(hasher.finish())
    }

    fn names(&self) -> impl Iterator<Item = &'m [u8]> {
        self.options
            .names
            .iter()
            .zip(&self.counts)
            .flat_map(|(name, &count)| core::iter::repeat_n(name.name, count.into()))
    }

    fn emit<S: Sink + ?Sized>(
        &self,
        body_hash: &Digest,
        signature: &[u8],
        sink: &mut S,
    ) -> Result<(), Full> {
        sink.put(NAME)?;
        sink.put(b":")?;
        self.emit_value(body_hash, signature, sink)?;
        sink.put(b"\r\n")
    }

    /// Writes the value, `b=` last: without the octets of the signature it is what is hashed.
    fn emit_value<S: Sink + ?Sized>(
        &self,
        body_hash: &Digest,
        signature: &[u8],
        sink: &mut S,
    ) -> Result<(), Full> {
        let mut lines = Lines::new(sink, NAME.len() + 1);
        let options = &self.options;
        let Canonicalization { header, body } = options.canonicalization;
        lines.word(&[b"v=1;"])?;
        lines.word(&[b"a=", self.algorithm.as_str().as_bytes(), b";"])?;
        let (header, body) = (header.as_str().as_bytes(), body.as_str().as_bytes());
        lines.word(&[b"c=", header, b"/", body, b";"])?;
        lines.word(&[b"d=", options.domain, b";"])?;
        lines.word(&[b"s=", options.selector, b";"])?;
        for (tag, time) in [(b"t=", options.timestamp), (b"x=", options.expiration)] {
            if let Some(UnixTime(seconds)) = time {
                let mut digits: heapless::Vec<u8, 20> = heapless::Vec::new();
                digits.put_decimal(seconds)?;
                lines.word(&[tag, &digits, b";"])?;
            }
        }
        if let Some((local_part, domain)) = options.auid {
            let mut text: heapless::Vec<u8, { 3 * MAX_LOCAL_PART }> = heapless::Vec::new();
            quote(local_part, &mut text)?;
            lines.word(&[b"i=", &text, b"@", domain, b";"])?;
        }
        let mut names = self.names().peekable();
        let mut tag: &[u8] = b"h=";
        while let Some(name) = names.next() {
            let end = if names.peek().is_some() { b":" } else { b";" };
            if tag.is_empty() {
                lines.part(&[name, end])?;
            } else {
                lines.word(&[tag, name, end])?;
            }
            tag = b"";
        }
        let mut text: heapless::Vec<u8, 44> = heapless::Vec::new();
        base64::encode(body_hash.as_bytes(), &mut text)?;
        lines.word(&[b"bh=", &text, b";"])?;
        lines.word(&[b"b="])?;
        base64::encode(signature, &mut lines)
    }
}

impl fmt::Debug for Signer<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("options", &self.options)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// How often each name goes into `h=`.
fn count(
    header: HeaderBlock<'_>,
    names: &[SignedName<'_>],
) -> Result<heapless::Vec<u8, MAX_HEADER_NAMES>, SignerError> {
    let mut counts = heapless::Vec::new();
    let mut total = 0_usize;
    let mut has_from = false;
    for (at, name) in names.iter().enumerate() {
        let mut before = names.iter().take(at);
        let is_new = !before.any(|other| other.name.eq_ignore_ascii_case(name.name));
        let present = header.fields().filter(|field| field.is(name.name)).count();
        let count = if is_new {
            present.saturating_add(name.oversigned.into())
        } else {
            0
        };
        total = total.saturating_add(count);
        has_from |= name.name.eq_ignore_ascii_case(b"From");
        u8::try_from(count)
            .ok()
            .filter(|_| total <= MAX_HEADER_NAMES)
            .and_then(|count| counts.push(count).ok())
            .ok_or(SignerError::TooManyNames)?;
    }
    if has_from {
        Ok(counts)
    } else {
        Err(SignerError::FromNotNamed)
    }
}

/// Sees to it that every CR is followed by LF, and every LF follows CR.
#[derive(Clone, Copy, Debug, Default)]
struct LineEnds {
    /// The last octet was CR.
    open: bool,
    bare: bool,
}

impl LineEnds {
    fn watch(&mut self, chunk: &[u8]) {
        // Where an LF must stand, because a CR was just before.
        let mut expected = self.open.then_some(0);
        for at in memchr2_iter(b'\r', b'\n', chunk) {
            if chunk.get(at) == Some(&b'\n') {
                self.bare |= expected != Some(at);
                expected = None;
            } else {
                self.bare |= expected.is_some();
                expected = Some(at + 1);
            }
        }
        self.open = expected == Some(chunk.len());
        self.bare |= expected.is_some() && !self.open;
    }

    const fn are_all_crlf(self) -> bool {
        !self.open && !self.bare
    }
}

/// Writes words, and folds before one that does not fit its line.
#[derive(Debug)]
struct Lines<'s, S: ?Sized> {
    sink: &'s mut S,
    column: usize,
}

impl<'s, S: Sink + ?Sized> Lines<'s, S> {
    const fn new(sink: &'s mut S, column: usize) -> Self {
        Self { sink, column }
    }

    /// Writes a word after a space.
    fn word(&mut self, pieces: &[&[u8]]) -> Result<(), Full> {
        self.piece(pieces, true)
    }

    /// Writes what belongs to the last word, but may be on a line of its own.
    fn part(&mut self, pieces: &[&[u8]]) -> Result<(), Full> {
        self.piece(pieces, false)
    }

    fn piece(&mut self, pieces: &[&[u8]], spaced: bool) -> Result<(), Full> {
        let length = pieces
            .iter()
            .fold(0_usize, |sum, piece| sum.saturating_add(piece.len()));
        let width = length.saturating_add(spaced.into());
        if self.column.saturating_add(width) > LINE {
            self.sink.put(b"\r\n ")?;
            self.column = 1;
        } else if spaced {
            self.sink.put(b" ")?;
            self.column = self.column.saturating_add(1);
        }
        self.column = self.column.saturating_add(length);
        pieces.iter().try_for_each(|piece| self.sink.put(piece))
    }
}

/// Writes dkim-quoted-printable (RFC 6376 2.11).
fn quote<S: Sink + ?Sized>(text: &[u8], sink: &mut S) -> Result<(), Full> {
    let hex = |digit: u8| match digit {
        0..=9 => b'0' + digit,
        _ => b'A' + (digit & 0xf) - 10,
    };
    text.iter().try_for_each(|&byte| match byte {
        b'!'..=b':' | b'<' | b'>'..=b'~' => sink.put_byte(byte),
        _ => sink.put(&[b'=', hex(byte >> 4), hex(byte & 0xf)]),
    })
}

/// Takes base64 in groups of four, between which a line may end.
impl<S: Sink + ?Sized> Sink for Lines<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.part(&[bytes])
    }
}

/// Why there is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerError {
    /// The key has no DKIM algorithm.
    Algorithm,
    /// The domain of `i=` is not within that of `d=`, or its local part has more than 64 octets.
    Auid,
    /// A line of the message does not end with CRLF.
    BareLineEnd,
    /// The domain is not a domain name of two labels or more.
    Domain,
    /// From is not among the names to sign.
    FromNotNamed,
    /// The output does not fit.
    Full,
    /// The host does not link SHA-256.
    HashNotLinked,
    /// A name to sign is not a field name, or has a semicolon.
    HeaderName,
    /// The key did not sign.
    Key,
    /// The RSA key has fewer than 1024 bits.
    KeyTooSmall,
    /// The header begins with a continuation line: it would become part of the signature above it.
    LeadingFold,
    /// The message has no From.
    NoFrom,
    /// The selector is not one, or too long together with the domain.
    Selector,
    /// The message has more than one From.
    SeveralFrom,
    /// A time has more than twelve digits, or `x=` is not later than `t=`.
    Times,
    /// There would be more than [`MAX_HEADER_NAMES`] names in `h=`.
    TooManyNames,
}

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Algorithm => "DKIM has no algorithm for such a key (RFC 6376 3.3, RFC 8463)",
            Self::Auid => "i= is not an address within the domain of d= (RFC 6376 3.5)",
            Self::BareLineEnd => "a line does not end with CRLF (RFC 6376 5.3)",
            Self::Domain => "the domain is not a domain name (RFC 6376 3.5)",
            Self::FromNotNamed => "From is not among the fields to sign (RFC 6376 5.4)",
            Self::Full => return Full.fmt(f),
            Self::HashNotLinked => "SHA-256 is not available here",
            Self::HeaderName => "a field to sign has no proper name (RFC 6376 3.5)",
            Self::Key => "the key did not sign",
            Self::KeyTooSmall => "an RSA key has fewer than 1024 bits (RFC 8301 3.2)",
            Self::LeadingFold => "the header begins with a continuation line (RFC 5322 2.2.3)",
            Self::NoFrom => "the message has no From (RFC 6376 5.4)",
            Self::Selector => "the selector is not one (RFC 6376 3.1)",
            Self::SeveralFrom => "the message has several From (RFC 6376 8.15)",
            Self::Times => "t= and x= are not in order, or too large (RFC 6376 3.5)",
            Self::TooManyNames => "too many fields to sign",
        })
    }
}

impl core::error::Error for SignerError {}
