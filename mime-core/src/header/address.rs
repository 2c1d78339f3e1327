//! Addresses: mailboxes, groups and lists of them (RFC 5322 3.4 and 4.4, RFC 6854, RFC 6532).
//!
//! The grammar is read whole, with its obsolete forms, and nothing outside it is repaired: text after
//! `>`, a second `@`, a special that is not quoted are errors. What is inside the grammar but has
//! misled readers is an [`AddressQuirk`] of the mailbox. So an address that can be read in two ways is
//! never silently read in one.
//!
//! No function panics or allocates; each takes time linear in its input.
//!
//! ```
//! use scop_mime_core::{Address, AddressList};
//!
//! let list = AddressList::parse(b" \"Joe Q. Public\" <joe@(x)example.org>, Team: ann@example.net;")?;
//! let Some(Address::Mailbox(joe)) = list.iter().next() else { panic!() };
//! assert_eq!(joe.display_name().unwrap().to_string(), "Joe Q. Public");
//! assert!(joe.addr_spec().domain().is(b"EXAMPLE.org"));
//! assert!(joe.is_ambiguous()); // a comment inside the address
//! assert_eq!(list.mailboxes().last().unwrap().addr_spec().to_string(), "ann@example.net");
//! # Ok::<(), scop_core::ParseError<scop_mime_core::header::address::AddressErrorKind>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::lexical::{
    Comments, Enclosed, Gap, LexicalErrorKind, begins_encoded_word, display, is_atext, is_dot_atom,
    since, take_atext, take_enclosed,
};

mod addr_spec;
mod phrase;
mod quirk;
#[cfg(test)]
mod tests;

use addr_spec::lexical;
pub(crate) use addr_spec::take_gap;
pub use addr_spec::{AddrSpec, Domain, LocalPart};
pub use phrase::Phrase;
pub use quirk::AddressQuirk;

/// Which rule of the address grammar is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressErrorKind {
    /// A token is malformed.
    Lexical(LexicalErrorKind),
    /// There is no address.
    NoAddress,
    /// There is more than one mailbox where one is wanted.
    NotOneMailbox,
    /// An octet that no address can have here.
    Unexpected,
    /// Words that neither `<`, `:` nor `@` follow.
    NoAtSign,
    /// Nothing stands where a word of a local part is due.
    NoLocalPart,
    /// Nothing stands where a label of a domain is due.
    NoDomain,
    /// `<` without `>` after the address.
    NoAngleEnd,
    /// A source route that is not `@domain,@domain:`.
    BadRoute,
    /// Text between an address and the next comma.
    TextAfterAddress,
    /// A group without its semicolon.
    GroupNotClosed,
    /// A group in a group.
    NestedGroup,
}

impl fmt::Display for AddressErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::NoAddress => "there is no address (RFC 5322 3.4)",
            Self::NotOneMailbox => "one mailbox is wanted (RFC 5322 3.6.2)",
            Self::Unexpected => "an octet that an address cannot have here (RFC 5322 3.4)",
            Self::NoAtSign => "words without \"@\", \"<\" or \":\" are no address (RFC 5322 3.4)",
            Self::NoLocalPart => "a word of the local part is missing (RFC 5322 3.4.1)",
            Self::NoDomain => "a label of the domain is missing (RFC 5322 3.4.1)",
            Self::NoAngleEnd => "\"<\" without \">\" after the address (RFC 5322 3.4)",
            Self::BadRoute => "a source route is not \"@domain,@domain:\" (RFC 5322 4.4)",
            Self::TextAfterAddress => "text stands between an address and the next (RFC 5322 3.4)",
            Self::GroupNotClosed => "a group has no \";\" (RFC 5322 3.4)",
            Self::NestedGroup => "a group stands in a group (RFC 5322 3.4)",
        })
    }
}

/// The error of every parser of this module.
pub type AddressError = ParseError<AddressErrorKind>;

/// A list of addresses, all of them valid.
///
/// ```text
/// address-list     = (address *("," address)) / obs-addr-list     ; RFC 5322 3.4
/// address          = mailbox / group
/// obs-addr-list    = *([CFWS] ",") address *("," [address / CFWS])    ; RFC 5322 4.4
/// ```
///
/// From and Sender may hold groups (RFC 6854 2), so this is also the grammar of From.
#[derive(Clone, Copy, Debug)]
pub struct AddressList<'a> {
    value: &'a [u8],
}

impl<'a> AddressList<'a> {
    /// Reads the value of a field: From, To, Cc, Bcc, Reply-To, Sender and their Resent- forms.
    ///
    /// # Errors
    /// The first rule that is broken; `NoAddress` when there is nothing but white space, comments
    /// and commas, which Bcc alone may hold (RFC 5322 3.6.3).
    pub fn parse(value: &'a [u8]) -> Result<Self, AddressError> {
        let mut count: usize = 0;
        for address in Addresses::new(value) {
            address?;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(ParseError::new(AddressErrorKind::NoAddress, value.len()));
        }
        Ok(Self { value })
    }

    /// Reads the value of Bcc, which may hold no address (RFC 5322 3.6.3): `None` then.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_or_none(value: &'a [u8]) -> Result<Option<Self>, AddressError> {
        match Self::parse(value) {
            Err(error) if error.kind() == AddressErrorKind::NoAddress => Ok(None),
            list => list.map(Some),
        }
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The mailboxes and groups, in order.
    pub fn iter(&self) -> impl Iterator<Item = Address<'a>> + Clone + use<'a> {
        Addresses::new(self.value).map_while(Result::ok)
    }

    /// All mailboxes, those of groups included, in order.
    pub const fn mailboxes(&self) -> Mailboxes<'a> {
        Mailboxes {
            group: Cursor::new(&[]),
            list: Cursor::new(self.value),
        }
    }
}

/// In canonical form: see [`Mailbox`] and [`Group`].
impl Emit for AddressList<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, address) in self.iter().enumerate() {
            if index > 0 {
                sink.put(b", ")?;
            }
            address.emit(sink)?;
        }
        Ok(())
    }
}

impl fmt::Display for AddressList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// The addresses of a list that may be broken: those before the first error, then the error.
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Addresses<'a> {
    /// Over the value of a field.
    pub const fn new(value: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(value),
        }
    }
}

impl<'a> Iterator for Addresses<'a> {
    type Item = Result<Address<'a>, AddressError>;

    fn next(&mut self) -> Option<Self::Item> {
        let address = next_address(&mut self.cursor).transpose();
        if let Some(Err(_)) = address {
            self.cursor.seek(usize::MAX);
        }
        address
    }
}

/// A mailbox or a group.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// One mailbox.
    Mailbox(Mailbox<'a>),
    /// A name for zero or more mailboxes.
    Group(Group<'a>),
}

impl<'a> Address<'a> {
    /// Reads a value that must be one address, as that of Sender (RFC 6854 2.1).
    ///
    /// # Errors
    /// The first rule that is broken; `NotOneMailbox` for a second address.
    pub fn parse(value: &'a [u8]) -> Result<Self, AddressError> {
        let mut addresses = Addresses::new(value);
        let Some(address) = addresses.next().transpose()? else {
            return Err(ParseError::new(AddressErrorKind::NoAddress, value.len()));
        };
        match addresses.next().transpose()? {
            None => Ok(address),
            Some(second) => Err(ParseError::new(
                AddressErrorKind::NotOneMailbox,
                second.offset(),
            )),
        }
    }

    /// All that stands between the commas around it.
    pub const fn raw(&self) -> &'a [u8] {
        match self {
            Self::Mailbox(mailbox) => mailbox.raw(),
            Self::Group(group) => group.raw(),
        }
    }

    /// Where [`Self::raw`] begins in the parsed value.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Mailbox(mailbox) => mailbox.offset(),
            Self::Group(group) => group.offset(),
        }
    }
}

impl Emit for Address<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Mailbox(mailbox) => mailbox.emit(sink),
            Self::Group(group) => group.emit(sink),
        }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// A named group.
///
/// ```text
/// group          = display-name ":" [group-list] ";" [CFWS]       ; RFC 5322 3.4
/// group-list     = mailbox-list / CFWS / obs-group-list
/// obs-group-list = 1*([CFWS] ",") [CFWS]                          ; RFC 5322 4.4
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    raw: &'a [u8],
    offset: usize,
    name: Phrase<'a>,
    /// Behind the colon; the semicolon ends it.
    members: Cursor<'a>,
}

impl<'a> Group<'a> {
    /// All that stands between the commas around the group.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where [`Self::raw`] begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The name of the group.
    pub const fn name(&self) -> Phrase<'a> {
        self.name
    }

    /// The comments, those of the members included, in order.
    pub const fn comments(&self) -> Comments<'a> {
        Comments::new(self.raw)
    }

    /// The members, in order.
    pub const fn mailboxes(&self) -> Mailboxes<'a> {
        Mailboxes {
            group: self.members,
            list: Cursor::new(&[]),
        }
    }
}

/// `name: mailbox, mailbox;` in canonical form.
impl Emit for Group<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.name.emit(sink)?;
        sink.put_byte(b':')?;
        for (index, mailbox) in self.mailboxes().enumerate() {
            sink.put(if index > 0 { b", " } else { b" " })?;
            mailbox.emit(sink)?;
        }
        sink.put_byte(b';')
    }
}

/// The mailboxes of a group or a list.
#[derive(Clone, Debug)]
pub struct Mailboxes<'a> {
    /// The members of the group that was come to last.
    group: Cursor<'a>,
    list: Cursor<'a>,
}

/// What was read before as a whole cannot fail here; a failure would end the iteration.
impl<'a> Iterator for Mailboxes<'a> {
    type Item = Mailbox<'a>;

    fn next(&mut self) -> Option<Mailbox<'a>> {
        loop {
            if let Some(mailbox) = next_member(&mut self.group).ok()? {
                return Some(mailbox);
            }
            match next_address(&mut self.list).ok()?? {
                Address::Mailbox(mailbox) => return Some(mailbox),
                Address::Group(group) => self.group = group.members,
            }
        }
    }
}

/// One mailbox.
///
/// ```text
/// mailbox        = name-addr / addr-spec                          ; RFC 5322 3.4
/// name-addr      = [display-name] angle-addr
/// angle-addr     = [CFWS] "<" [obs-route] addr-spec ">" [CFWS]
/// obs-route      = obs-domain-list ":"                            ; RFC 5322 4.4
/// obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mailbox<'a> {
    raw: &'a [u8],
    offset: usize,
    display_name: Option<Phrase<'a>>,
    route: Option<&'a [u8]>,
    angle: bool,
    addr_spec: AddrSpec<'a>,
}

impl<'a> Mailbox<'a> {
    /// Reads a value that must be one mailbox, as that of Sender without the groups of RFC 6854 2.1.
    ///
    /// # Errors
    /// The first rule that is broken; `NotOneMailbox` for a group or a second address.
    pub fn parse(value: &'a [u8]) -> Result<Self, AddressError> {
        match Address::parse(value)? {
            Address::Mailbox(mailbox) => Ok(mailbox),
            Address::Group(group) => Err(ParseError::new(
                AddressErrorKind::NotOneMailbox,
                group.offset,
            )),
        }
    }

    /// All that stands between the commas around the mailbox.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where [`Self::raw`] begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What stands before `<`.
    pub const fn display_name(&self) -> Option<Phrase<'a>> {
        self.display_name
    }

    /// The address itself.
    pub const fn addr_spec(&self) -> AddrSpec<'a> {
        self.addr_spec
    }

    /// The obsolete source route as written, `@a.example,@b.example:`. Mail ignores it.
    pub const fn route(&self) -> Option<&'a [u8]> {
        self.route
    }

    /// The comments; old mail has the display name there, behind the address.
    pub const fn comments(&self) -> Comments<'a> {
        Comments::new(self.raw)
    }

    /// What about this mailbox has misled readers, the gravest first.
    pub fn quirks(&self) -> impl Iterator<Item = AddressQuirk> + use<'a> {
        let mailbox = *self;
        AddressQuirk::ALL
            .into_iter()
            .filter(move |quirk| mailbox.has(*quirk))
    }

    /// Whether two readers may see two addresses here: no identity should rest on it.
    pub fn is_ambiguous(&self) -> bool {
        self.quirks().any(AddressQuirk::is_ambiguous)
    }

    fn has(&self, quirk: AddressQuirk) -> bool {
        let (local, domain) = (self.addr_spec.local_part(), self.addr_spec.domain());
        match quirk {
            AddressQuirk::EncodedWord => {
                // In what is meant: a backslash between the two octets must not hide them.
                begins_encoded_word(local.text()) || begins_encoded_word(domain.text())
            }
            AddressQuirk::SourceRoute => self.route.is_some(),
            AddressQuirk::QuotedLocalPart => !is_dot_atom(local.text()),
            AddressQuirk::CommentInside => self.addr_spec.inside.comment,
            AddressQuirk::SpaceInside => self.addr_spec.inside.space,
            AddressQuirk::DomainLiteral => domain.is_literal(),
            AddressQuirk::NonAscii => !(local.raw().is_ascii() && domain.raw().is_ascii()),
            AddressQuirk::AngleInText => {
                let is_angle = |byte: u8| matches!(byte, b'<' | b'>');
                self.display_name
                    .is_some_and(|name| name.text().any(is_angle))
                    || self.comments().any(|comment| comment.text().any(is_angle))
            }
            AddressQuirk::AtSignInName => self
                .display_name
                .is_some_and(|name| name.text().any(|byte| byte == b'@')),
        }
    }
}

/// `name <local@domain>` or `local@domain`, as it was read, in canonical form: without comments,
/// route and spare white space; quoted where needed only.
impl Emit for Mailbox<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if !self.angle {
            return self.addr_spec.emit(sink);
        }
        if let Some(name) = self.display_name {
            name.emit(sink)?;
            sink.put_byte(b' ')?;
        }
        sink.put_byte(b'<')?;
        self.addr_spec.emit(sink)?;
        sink.put_byte(b'>')
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Takes the next mailbox or group of a list; `None` at its end.
fn next_address<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Address<'a>>, AddressError> {
    let Some(start) = next_start(cursor)? else {
        return Ok(None);
    };
    let head = take_head(cursor, start)?;
    let address = match head {
        Head::Mailbox(mailbox) => Address::Mailbox(mailbox),
        Head::GroupName(name) => {
            let members = *cursor;
            while next_member(cursor)?.is_some() {}
            if !cursor.skip_byte(b';') {
                let kind = AddressErrorKind::GroupNotClosed;
                return Err(ParseError::new(kind, cursor.offset()));
            }
            take_gap(cursor)?;
            Address::Group(Group {
                raw: since(start, cursor),
                offset: start.offset(),
                name,
                members,
            })
        }
    };
    match cursor.peek() {
        None | Some(b',') => Ok(Some(address)),
        Some(_) => error(AddressErrorKind::TextAfterAddress, cursor),
    }
}

/// Takes the next mailbox of a group; `None` at its semicolon, which stays, or at the end.
fn next_member<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Mailbox<'a>>, AddressError> {
    let Some(start) = next_start(cursor)? else {
        return Ok(None);
    };
    if cursor.peek() == Some(b';') {
        return Ok(None);
    }
    let mailbox = match take_head(cursor, start)? {
        Head::Mailbox(mailbox) => mailbox,
        Head::GroupName(_) => return error(AddressErrorKind::NestedGroup, &start),
    };
    match cursor.peek() {
        None | Some(b',' | b';') => Ok(Some(mailbox)),
        Some(_) => error(AddressErrorKind::TextAfterAddress, cursor),
    }
}

/// Skips commas and what stands between them, and the gap before the next member. Gives where that
/// gap begins; `None` at the end.
fn next_start<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cursor<'a>>, AddressError> {
    loop {
        let start = *cursor;
        take_gap(cursor)?;
        if cursor.is_at_end() {
            return Ok(None);
        }
        if !cursor.skip_byte(b',') {
            return Ok(Some(start));
        }
    }
}

/// A member of a list, up to where the kinds part.
enum Head<'a> {
    Mailbox(Mailbox<'a>),
    /// The words before a colon, which is taken.
    GroupName(Phrase<'a>),
}

/// Takes a mailbox with the gap behind it, or the name of a group with its colon. `start` is where
/// the gap before it begins.
fn take_head<'a>(cursor: &mut Cursor<'a>, start: Cursor<'a>) -> Result<Head<'a>, AddressError> {
    let first = *cursor;
    let words = take_words(cursor)?;
    let (addr_spec, route, angle) = match cursor.peek() {
        Some(b'<') => {
            let (addr_spec, route) = take_angle_addr(cursor)?;
            (addr_spec, route, true)
        }
        Some(b'@') => {
            *cursor = first;
            (AddrSpec::take(cursor)?, None, false)
        }
        Some(b':') if !words.is_empty() => {
            cursor.take_byte();
            return Ok(Head::GroupName(Phrase::new(words, first.offset())));
        }
        None | Some(b',' | b';') => return error(AddressErrorKind::NoAtSign, cursor),
        Some(_) => return error(AddressErrorKind::Unexpected, cursor),
    };
    take_gap(cursor)?;
    let name = (angle && !words.is_empty()).then(|| Phrase::new(words, first.offset()));
    Ok(Head::Mailbox(Mailbox {
        raw: since(start, cursor),
        offset: start.offset(),
        display_name: name,
        route,
        angle,
        addr_spec,
    }))
}

/// Takes the words of a phrase, perhaps none, and the gap behind them, which is not part of the
/// result.
fn take_words<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], AddressError> {
    let start = *cursor;
    let mut words: &[u8] = &[];
    loop {
        match cursor.peek() {
            Some(b'"') => {
                take_enclosed(cursor, Enclosed::QuotedString).map_err(lexical)?;
            }
            Some(b'.') if !words.is_empty() => {
                cursor.take_byte();
            }
            Some(byte) if is_atext(byte) => {
                take_atext(cursor).map_err(lexical)?;
            }
            _ => return Ok(words),
        }
        words = since(start, cursor);
        take_gap(cursor)?;
    }
}

/// Takes `"<" [obs-route] addr-spec ">"`.
pub(crate) fn take_angle_addr<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<(AddrSpec<'a>, Option<&'a [u8]>), AddressError> {
    cursor.skip_byte(b'<');
    let before = take_gap(cursor)?;
    let route = take_route(cursor)?;
    let mut addr_spec = AddrSpec::take(cursor)?;
    let after = take_gap(cursor)?;
    // White space just inside the brackets misleads nobody.
    addr_spec.inside.join(Gap {
        space: false,
        comment: before.comment || after.comment,
    });
    if !cursor.skip_byte(b'>') {
        return error(AddressErrorKind::NoAngleEnd, cursor);
    }
    Ok((addr_spec, route))
}

/// Takes an obs-route with its colon, if one is next.
fn take_route<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, AddressError> {
    if !matches!(cursor.peek(), Some(b'@' | b',')) {
        return Ok(None);
    }
    let start = *cursor;
    let mut has_domain = false;
    let mut separated = true;
    loop {
        take_gap(cursor)?;
        match cursor.peek() {
            Some(b',') => separated = true,
            Some(b'@') if separated => {
                cursor.take_byte();
                take_gap(cursor)?;
                Domain::take(cursor, &mut Gap::default())?;
                (has_domain, separated) = (true, false);
                continue;
            }
            Some(b':') if has_domain => {
                cursor.take_byte();
                return Ok(Some(since(start, cursor)));
            }
            _ => return error(AddressErrorKind::BadRoute, cursor),
        }
        cursor.take_byte();
    }
}

fn error<T>(kind: AddressErrorKind, at: &Cursor<'_>) -> Result<T, AddressError> {
    Err(ParseError::new(kind, at.offset()))
}
