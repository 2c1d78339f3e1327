//! Writing a message into a slice (RFC 1035 4, RFC 2181 9, RFC 6891 6).

use core::fmt;

use scop_core::{Emit, Full, Name, Rdata, Record, Sink};

use super::compression::{Names, Page};
use super::{Case, Flags, HEADER_LEN, Header, Message, Opt, Question, Rcode};

/// Why something was not written. The message is as it was before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// It does not fit. In the answer and authority sections TC is set now (RFC 2181 9).
    Full,
    /// Its section comes before one that was begun already.
    Order,
    /// A response code above 15 needs an OPT record (RFC 6891 6.1.3).
    RcodeWithoutOpt,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the message is full",
            Self::Order => "the section was closed by a later one (RFC 1035 4.1)",
            Self::RcodeWithoutOpt => "a response code above 15 needs OPT (RFC 6891 6.1.3)",
        })
    }
}

impl core::error::Error for BuildError {}

impl From<Full> for BuildError {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Question,
    Answer,
    Authority,
    Additional,
}

/// Writes one message, section after section.
///
/// The length of the slice is the limit of the message: 512 octets, what the client's OPT says, or
/// 65535. An OPT record has its room from the call of [`Builder::opt`] on, so call that first; it is
/// written by [`Builder::finish`], also into a truncated message (RFC 6891 7). `N` is the number of
/// name suffixes that compression remembers, at four octets each.
///
/// ```
/// use scop_core::{NameBuf, Rtype};
/// use scop_dnssec::wire::{Builder, Flags, Message, Opt, Question};
/// let name = NameBuf::from_text(b"example.org").unwrap();
/// let mut buffer = [0; 512];
/// let mut builder = Builder::new(&mut buffer, 0x1234, Flags::RD)?;
/// builder.opt(Opt::new(1232))?;
/// builder.question(&Question::new(name.as_name(), Rtype::TXT))?;
/// let message = Message::parse(builder.finish()?).unwrap();
/// assert_eq!(message.opt().map(|opt| opt.udp_size), Some(1232));
/// # Ok::<(), scop_dnssec::wire::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Builder<'b, 'o, const N: usize = 24> {
    page: Page<'b>,
    header: Header,
    /// The whole code; the header holds four bits of it.
    rcode: Rcode,
    part: Part,
    names: Names<N>,
    opt: Option<Opt<'o>>,
}

impl<'b> Builder<'b, '_> {
    /// A message without sections yet.
    ///
    /// # Errors
    /// `Full` when `buffer` is shorter than a header.
    pub fn new(buffer: &'b mut [u8], id: u16, flags: Flags) -> Result<Self, BuildError> {
        Self::with_names(buffer, id, flags)
    }

    /// The response to `query`: its id, OPCODE, RD and CD, and its questions (RFC 1035 4.1.1,
    /// RFC 4035 3.2.2).
    ///
    /// # Errors
    /// `Full` when `buffer` is too short for that.
    pub fn response(buffer: &'b mut [u8], query: &Message<'_>) -> Result<Self, BuildError> {
        let flags = query
            .flags()
            .only(Flags::RD.with(Flags::CD))
            .with(Flags::QR)
            .with_opcode(query.flags().opcode());
        let mut builder = Self::new(buffer, query.id(), flags)?;
        for question in query.questions() {
            builder.question(&question)?;
        }
        Ok(builder)
    }
}

impl<'b, 'o, const N: usize> Builder<'b, 'o, N> {
    /// [`Builder::new`] for a chosen `N`.
    ///
    /// # Errors
    /// `Full` when `buffer` is shorter than a header.
    pub fn with_names(buffer: &'b mut [u8], id: u16, flags: Flags) -> Result<Self, BuildError> {
        let mut page = Page::new(buffer);
        let header = Header::new(id, flags);
        header.emit(&mut page)?;
        Ok(Self {
            page,
            header,
            rcode: flags.rcode(),
            part: Part::Question,
            names: Names::new(),
            opt: None,
        })
    }

    /// How names written from now on must agree with earlier ones to be compressed; at first exactly.
    pub fn set_case(&mut self, case: Case) {
        self.names.case = case;
    }

    /// Sets `flags`, besides those that are set.
    pub fn set_flags(&mut self, flags: Flags) {
        self.header.flags = self.header.flags.with(flags);
    }

    /// Sets the response code; one above 15 needs OPT.
    pub fn set_rcode(&mut self, rcode: Rcode) {
        self.rcode = rcode;
        self.header.flags = self.header.flags.with_rcode(rcode);
    }

    /// Reserves room for an OPT record, or for another one than before. Its extended RCODE is that of
    /// [`Builder::set_rcode`].
    ///
    /// # Errors
    /// `Full` when it does not fit.
    pub fn opt(&mut self, opt: Opt<'o>) -> Result<(), BuildError> {
        let (before, needed) = (self.page.reserved, opt.emitted_len());
        self.page.reserved = 0;
        if self.page.room() < needed {
            self.page.reserved = before;
            return Err(BuildError::Full);
        }
        self.page.reserved = needed;
        self.opt = Some(opt);
        Ok(())
    }

    /// Adds a question.
    ///
    /// # Errors
    /// `Full` or `Order`.
    pub fn question(&mut self, question: &Question<'_>) -> Result<(), BuildError> {
        self.write(Part::Question, |page, names| {
            names.put(page, &question.name)?;
            page.put(&question.rtype.0.to_be_bytes())?;
            page.put(&question.class.to_be_bytes())
        })
    }

    /// Adds a record to the answer section.
    ///
    /// # Errors
    /// `Full` or `Order`. After `Full` TC is set; add no more of this `RRset`.
    pub fn answer(&mut self, record: &Record<'_>) -> Result<(), BuildError> {
        self.record(Part::Answer, record)
    }

    /// Adds a record to the authority section.
    ///
    /// # Errors
    /// `Full` or `Order`. After `Full` TC is set; add no more of this `RRset`.
    pub fn authority(&mut self, record: &Record<'_>) -> Result<(), BuildError> {
        self.record(Part::Authority, record)
    }

    /// Adds a record to the additional section.
    ///
    /// # Errors
    /// `Full` or `Order`. TC is not set: the section is optional (RFC 2181 9).
    pub fn additional(&mut self, record: &Record<'_>) -> Result<(), BuildError> {
        self.record(Part::Additional, record)
    }

    /// The finished message.
    ///
    /// # Errors
    /// `RcodeWithoutOpt`.
    pub fn finish(mut self) -> Result<&'b [u8], BuildError> {
        if let Some(mut opt) = self.opt {
            opt.extended_rcode = self.rcode.high();
            self.page.reserved = 0;
            self.write(Part::Additional, |page, _| opt.emit(page))?;
        } else if self.rcode.high() != 0 {
            return Err(BuildError::RcodeWithoutOpt);
        }
        let header = self.header;
        let words = [
            header.id,
            header.flags.0,
            header.questions,
            header.answers,
            header.authorities,
            header.additionals,
        ];
        for (at, word) in (0..HEADER_LEN).step_by(2).zip(words) {
            self.page.set_u16(at, word);
        }
        Ok(self.page.into_written())
    }

    fn record(&mut self, part: Part, record: &Record<'_>) -> Result<(), BuildError> {
        self.write(part, |page, names| put_record(page, names, record))
    }

    /// Writes one entry of `part`, counts it, and takes it back when it does not fit.
    fn write(
        &mut self,
        part: Part,
        put: impl FnOnce(&mut Page<'b>, &mut Names<N>) -> Result<(), Full>,
    ) -> Result<(), BuildError> {
        if part < self.part {
            return Err(BuildError::Order);
        }
        let start = self.page.len();
        let count = match part {
            Part::Question => &mut self.header.questions,
            Part::Answer => &mut self.header.answers,
            Part::Authority => &mut self.header.authorities,
            Part::Additional => &mut self.header.additionals,
        };
        let written = count
            .checked_add(1)
            .ok_or(Full)
            .and_then(|counted| put(&mut self.page, &mut self.names).map(|()| *count = counted));
        if written.is_err() {
            self.page.truncate(start);
            self.names.truncate(start);
            if matches!(part, Part::Answer | Part::Authority) {
                self.header.flags = self.header.flags.with(Flags::TC);
            }
        } else {
            self.part = part;
        }
        Ok(written?)
    }
}

fn put_record<const N: usize>(
    page: &mut Page<'_>,
    names: &mut Names<N>,
    record: &Record<'_>,
) -> Result<(), Full> {
    names.put(page, &record.owner)?;
    let [type_high, type_low] = record.rdata.rtype().0.to_be_bytes();
    let [class_high, class_low] = record.class.to_be_bytes();
    let [ttl_3, ttl_2, ttl_1, ttl_0] = record.ttl.to_be_bytes();
    page.put(&[
        type_high, type_low, class_high, class_low, ttl_3, ttl_2, ttl_1, ttl_0, 0, 0,
    ])?;
    let length_at = page.len().saturating_sub(2);
    put_rdata(page, names, &record.rdata)?;
    let length = page.len().saturating_sub(length_at + 2);
    page.set_u16(length_at, u16::try_from(length).map_err(|_| Full)?);
    Ok(())
}

/// Only names in the types of RFC 1035 are compressed (RFC 3597 4).
fn put_rdata<const N: usize>(
    page: &mut Page<'_>,
    names: &mut Names<N>,
    rdata: &Rdata<'_>,
) -> Result<(), Full> {
    let mut put = |page: &mut Page<'_>, name: &Name<'_>| names.put(page, name);
    match rdata {
        Rdata::Cname(name) | Rdata::Ns(name) | Rdata::Ptr(name) => put(page, name),
        Rdata::Mx {
            preference,
            exchange,
        } => {
            page.put(&preference.to_be_bytes())?;
            put(page, exchange)
        }
        Rdata::Soa {
            mname,
            rname,
            numbers,
        } => {
            put(page, mname)?;
            put(page, rname)?;
            numbers
                .iter()
                .try_for_each(|number| page.put(&number.to_be_bytes()))
        }
        rdata => rdata.emit(page),
    }
}
