//! Fields and their values.

use std::borrow::Cow;

use scop_mime_core::Encoding;
use scop_mime_core::header::trace::Keyword;

use super::How;
use super::address::{Address, Domain, Id, Path};
use super::text::{Phrase, Text};

/// A field.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// The name, in the case in which it is written.
    pub name: Cow<'static, str>,
    /// The value.
    pub value: Value,
    /// How it is spelled.
    pub how: How,
    /// Whether the body can be read only with it.
    pub structural: bool,
}

/// What a field says.
#[derive(Clone, Debug)]
pub enum Value {
    /// Any text: Subject, Comments, Content-Description, unknown fields.
    Text(Text),
    /// From, To and their like; empty in Bcc only.
    Addresses(Vec<Address>),
    /// Return-Path.
    Path(Path),
    /// Date, Resent-Date.
    Date(Date),
    /// Message-ID, Content-ID, Resent-Message-ID.
    Id(Id),
    /// In-Reply-To, References.
    Ids(Vec<Id>),
    /// Received.
    Received(Received),
    /// Keywords.
    Keywords(Vec<Phrase>),
    /// MIME-Version: 1.0.
    Version,
    /// Content-Type: type, subtype, parameters.
    ContentType(String, String, Vec<Parameter>),
    /// Content-Disposition: the kind, parameters.
    Disposition(String, Vec<Parameter>),
    /// Content-Transfer-Encoding.
    Encoding(Encoding),
    /// Content-Language.
    Languages(Vec<String>),
    /// Content-Location.
    Location(String),
    /// List-Help and its like: URLs.
    Urls(Vec<String>),
    /// List-Post: NO.
    NoPosting,
    /// List-ID: a description and the identifier.
    ListId(Option<Phrase>, String),
    /// List-Unsubscribe-Post.
    OneClick,
    /// Auto-Submitted: a keyword, parameters.
    AutoSubmitted(String, Vec<Parameter>),
    /// DKIM-Signature, ARC-Seal, ARC-Message-Signature: tags and values, white space in values included.
    Tags(Vec<(String, String)>),
    /// Authentication-Results; with the instance, ARC-Authentication-Results.
    Results(Results),
}

impl Default for Value {
    fn default() -> Self {
        Self::Text(Text::default())
    }
}

/// A date, a time and a zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Date {
    /// From 1900 to 9999.
    pub year: u16,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
    /// From 0.
    pub hour: u8,
    /// From 0.
    pub minute: u8,
    /// From 0 to 60.
    pub second: u8,
    /// The zone.
    pub zone: Zone,
    /// Whether another day of the week is written than it is.
    pub wrong_weekday: bool,
}

/// A zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Minutes east of Greenwich.
    Minutes(i16),
    /// `-0000`.
    Unknown,
}

impl Default for Zone {
    fn default() -> Self {
        Self::Minutes(0)
    }
}

/// A hop.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The clauses.
    pub clauses: Vec<ReceivedClause>,
    /// The date.
    pub date: Date,
}

/// A clause of Received.
#[derive(Clone, Debug)]
pub struct ReceivedClause {
    /// The keyword.
    pub keyword: Keyword,
    /// The word behind it, as written.
    pub value: String,
    /// What stands in the comment behind it.
    pub comment: Option<String>,
}

/// A parameter of a MIME field.
#[derive(Clone, Debug, Default)]
pub struct Parameter {
    /// The name.
    pub name: Cow<'static, str>,
    /// The value, decoded.
    pub value: String,
    /// The language (RFC 2231 4).
    pub language: Option<&'static str>,
}

/// Authentication-Results.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// `i=` of ARC-Authentication-Results.
    pub instance: Option<u8>,
    /// Who writes.
    pub authserv_id: String,
    /// The version.
    pub version: Option<u32>,
    /// The results; `none` when empty.
    pub results: Vec<Resinfo>,
}

/// What one method found.
#[derive(Clone, Debug, Default)]
pub struct Resinfo {
    /// The method.
    pub method: &'static str,
    /// Its version.
    pub version: Option<u32>,
    /// What it found.
    pub result: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// What it looked at.
    pub properties: Vec<Property>,
}

/// What a method looked at.
#[derive(Clone, Debug)]
pub struct Property {
    /// `smtp`, `header`, ...
    pub ptype: &'static str,
    /// The name in the type.
    pub name: &'static str,
    /// A word or text.
    pub value: String,
    /// The domain, when the value is an address; `value` is its local part then.
    pub domain: Option<Domain>,
}
