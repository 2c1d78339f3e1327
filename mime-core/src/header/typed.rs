//! Every known field name, and the value of a field read by its name.
//!
//! [`Field::typed`] never fails: what does not parse is [`Typed::Malformed`] with the rule and the byte,
//! what has no grammar is [`Typed::Unstructured`], and each gives back the exact bytes. [`FieldName`] is
//! the one table: name, grammar, RFC section, and how often the field may stand.
//!
//! ```
//! use scop_mime_core::{HeaderBlock, Typed};
//!
//! let header = HeaderBlock::new(b"From: joe@example.org\r\nDate: yesterday\r\nX-Mood: good\r\n");
//! let mut fields = header.fields().map(|field| field.typed());
//! let Some(Typed::From(list)) = fields.next() else { panic!() };
//! assert_eq!(list.mailboxes().count(), 1);
//! let Some(Typed::Malformed { error, raw, .. }) = fields.next() else { panic!() };
//! assert_eq!((error.offset(), raw), (1, &b" yesterday"[..]));
//! let Some(Typed::Unstructured(mood)) = fields.next() else { panic!() };
//! assert_eq!(mood.raw(), b" good");
//! ```

use core::fmt;
use core::net::IpAddr;

use scop_core::ParseError;

use super::address::{Address, AddressErrorKind, AddressList, Domain};
use super::auth_results::{ArcAuthResults, AuthResults, AuthResultsErrorKind};
use super::auto_submitted::{AutoSubmitted, AutoSubmittedErrorKind};
use super::content::content_type::{ContentErrorKind, ContentType};
use super::content::disposition::ContentDisposition;
use super::content::location::{ContentLocation, LocationErrorKind};
use super::content::mime_version::{MimeVersion, MimeVersionErrorKind};
use super::date::{DateErrorKind, DateTime};
use super::keywords::Keywords;
use super::language::{LanguageErrorKind, Languages};
use super::list::{ListErrorKind, ListId, ListPost, ListUrls, OneClick};
use super::message_id::{MessageId, MessageIdErrorKind, MessageIds};
use super::notification_options::{NotificationOptions, NotificationOptionsErrorKind};
use super::scan::Field;
use super::tag_list::{TagList, TagListErrorKind};
use super::trace::{Received, ReceivedErrorKind, ReturnPath};
use super::unstructured::Unstructured;
use crate::coding::encoding::{Encoding, EncodingErrorKind};
use crate::report::delivery::{Action, StatusCode};
use crate::report::disposition::{Disposition, ReportingUa};
use crate::report::{ReportErrorKind, Token, TypedText, parse_domain, parse_ip, parse_number};

mod table;
#[cfg(test)]
mod tests;

pub(crate) use table::field_table;

field_table! {
    /// The name of a field of a message or a part that has a definition here.
    names FieldName;
    /// The value of a field, read by the name of the field.
    typed Typed;

    Date "Date" DateTime, Once "RFC 5322 3.6.1";
    From "From" AddressList<'a>, Once "RFC 5322 3.6.2, RFC 6854 2.1";
    Sender "Sender" Address<'a>, AtMostOnce "RFC 5322 3.6.2, RFC 6854 2.1";
    ReplyTo "Reply-To" AddressList<'a>, AtMostOnce "RFC 5322 3.6.2";
    To "To" AddressList<'a>, AtMostOnce "RFC 5322 3.6.3";
    Cc "Cc" AddressList<'a>, AtMostOnce "RFC 5322 3.6.3";
    Bcc "Bcc" Option<AddressList<'a>>, AtMostOnce "RFC 5322 3.6.3";
    MessageId "Message-ID" MessageId<'a>, AtMostOnce "RFC 5322 3.6.4";
    InReplyTo "In-Reply-To" MessageIds<'a>, AtMostOnce "RFC 5322 3.6.4";
    References "References" MessageIds<'a>, AtMostOnce "RFC 5322 3.6.4";
    Subject "Subject" Unstructured<'a>, AtMostOnce "RFC 5322 3.6.5";
    Comments "Comments" Unstructured<'a>, Often "RFC 5322 3.6.5";
    Keywords "Keywords" Keywords<'a>, Often "RFC 5322 3.6.5";
    ResentDate "Resent-Date" DateTime, Often "RFC 5322 3.6.6";
    ResentFrom "Resent-From" AddressList<'a>, Often "RFC 5322 3.6.6";
    ResentSender "Resent-Sender" Address<'a>, Often "RFC 5322 3.6.6";
    ResentTo "Resent-To" AddressList<'a>, Often "RFC 5322 3.6.6";
    ResentCc "Resent-Cc" AddressList<'a>, Often "RFC 5322 3.6.6";
    ResentBcc "Resent-Bcc" Option<AddressList<'a>>, Often "RFC 5322 3.6.6";
    ResentReplyTo "Resent-Reply-To" AddressList<'a>, Often "RFC 5322 4.5.6";
    ResentMessageId "Resent-Message-ID" MessageId<'a>, Often "RFC 5322 3.6.6";
    ReturnPath "Return-Path" ReturnPath<'a>, Often "RFC 5322 3.6.7, RFC 5321 4.4";
    Received "Received" Received<'a>, Often "RFC 5322 3.6.7, RFC 5321 4.4";
    MimeVersion "MIME-Version" MimeVersion, AtMostOnce "RFC 2045 4";
    ContentType "Content-Type" ContentType<'a>, AtMostOnce "RFC 2045 5";
    ContentDisposition "Content-Disposition" ContentDisposition<'a>, AtMostOnce "RFC 2183 2";
    ContentTransferEncoding "Content-Transfer-Encoding" Encoding, AtMostOnce "RFC 2045 6";
    ContentId "Content-ID" MessageId<'a>, AtMostOnce "RFC 2045 7";
    ContentDescription "Content-Description" Unstructured<'a>, AtMostOnce "RFC 2045 8";
    ContentLanguage "Content-Language" Languages<'a>, AtMostOnce "RFC 3282 2";
    AcceptLanguage "Accept-Language" Languages<'a>, AtMostOnce "RFC 3282 3";
    ContentLocation "Content-Location" ContentLocation<'a>, AtMostOnce "RFC 2557 4.2";
    ContentBase "Content-Base" ContentLocation<'a>, AtMostOnce "RFC 2110 4.2";
    ListHelp "List-Help" ListUrls<'a>, AtMostOnce "RFC 2369 3.1";
    ListUnsubscribe "List-Unsubscribe" ListUrls<'a>, AtMostOnce "RFC 2369 3.2";
    ListSubscribe "List-Subscribe" ListUrls<'a>, AtMostOnce "RFC 2369 3.3";
    ListPost "List-Post" ListPost<'a>, AtMostOnce "RFC 2369 3.4";
    ListOwner "List-Owner" ListUrls<'a>, AtMostOnce "RFC 2369 3.5";
    ListArchive "List-Archive" ListUrls<'a>, AtMostOnce "RFC 2369 3.6";
    ListId "List-Id" ListId<'a>, AtMostOnce "RFC 2919 3";
    ListUnsubscribePost "List-Unsubscribe-Post" OneClick, AtMostOnce "RFC 8058 3.1";
    AutoSubmitted "Auto-Submitted" AutoSubmitted<'a>, AtMostOnce "RFC 3834 5";
    AuthenticationResults "Authentication-Results" AuthResults<'a>, Often "RFC 8601 2.2";
    DkimSignature "DKIM-Signature" TagList<'a>, Often "RFC 6376 3.5";
    ArcSeal "ARC-Seal" TagList<'a>, Often "RFC 8617 4.1.3";
    ArcMessageSignature "ARC-Message-Signature" TagList<'a>, Often "RFC 8617 4.1.2";
    ArcAuthenticationResults "ARC-Authentication-Results" ArcAuthResults<'a>, Often "RFC 8617 4.1.1";
    DispositionNotificationTo "Disposition-Notification-To" AddressList<'a>, AtMostOnce "RFC 8098 2.1";
    DispositionNotificationOptions "Disposition-Notification-Options" NotificationOptions<'a>, AtMostOnce "RFC 8098 2.2";
    OriginalRecipient "Original-Recipient" TypedText<'a>, AtMostOnce "RFC 8098 2.3";
}

impl<'a> Field<'a> {
    /// The value, read by the name.
    pub fn typed(&self) -> Typed<'a> {
        Typed::of(self)
    }

    /// Which known field it is.
    pub fn known(&self) -> Option<FieldName> {
        FieldName::of(self.name())
    }
}

/// How often a field stands in one header (RFC 5322 3.6 and the RFC of the field), or in one block of a
/// report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs {
    /// It must be there, and may not be there twice.
    Once,
    /// It may not be there twice.
    AtMostOnce,
    /// Any number of times.
    Often,
    /// Any number of times, but at least once.
    AtLeastOnce,
}

impl Occurs {
    /// Whether a second one is wrong.
    pub const fn is_singleton(self) -> bool {
        matches!(self, Self::Once | Self::AtMostOnce)
    }

    /// Whether its absence is wrong.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Once | Self::AtLeastOnce)
    }
}

/// A type that is the value of a field.
pub(crate) trait Value<'a>: Sized {
    const GRAMMAR: Grammar;
    fn read(value: &'a [u8]) -> Result<Self, TypedError>;
}

impl<'a> Value<'a> for Unstructured<'a> {
    const GRAMMAR: Grammar = Grammar::Unstructured;

    fn read(value: &'a [u8]) -> Result<Self, TypedError> {
        Ok(Self::new(value))
    }
}

/// Gives [`Grammar`] and [`TypedErrorKind`] their variants, and each type its [`Value`].
macro_rules! grammars {
    (
        $($(#[doc = $doc:literal])+ $Grammar:ident $Type:ty, $parse:expr, $Kind:ident;)+
        errors $($(#[doc = $kind_doc:literal])+ $Error:ident $ErrorKind:ty;)+
    ) => {
        /// What a value is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Grammar {
            /// Text, in which only encoded words mean something.
            Unstructured,
            $($(#[doc = $doc])+ $Grammar,)+
        }

        /// Which rule a value breaks: that of its parser.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum TypedErrorKind {
            $($(#[doc = $kind_doc])+ $Error($ErrorKind),)+
        }

        impl fmt::Display for TypedErrorKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$Error(kind) => kind.fmt(f),)+
                }
            }
        }

        $(impl<'a> Value<'a> for $Type {
            const GRAMMAR: Grammar = Grammar::$Grammar;

            fn read(value: &'a [u8]) -> Result<Self, TypedError> {
                let parse = $parse;
                parse(value).map_err(|error| error.map(TypedErrorKind::$Kind))
            }
        })+
    };
}

grammars! {
    /// A date.
    Date DateTime, DateTime::parse, Date;
    /// One mailbox or group.
    Address Address<'a>, Address::parse, Address;
    /// Mailboxes and groups.
    AddressList AddressList<'a>, AddressList::parse, Address;
    /// Mailboxes and groups, or nothing.
    AddressListOrNone Option<AddressList<'a>>, AddressList::parse_or_none, Address;
    /// An identifier.
    MessageId MessageId<'a>, MessageId::parse, MessageId;
    /// Identifiers.
    MessageIds MessageIds<'a>, MessageIds::parse, MessageId;
    /// Phrases.
    Keywords Keywords<'a>, Keywords::parse, Address;
    /// A path.
    ReturnPath ReturnPath<'a>, ReturnPath::parse, Address;
    /// Clauses and a date.
    Received Received<'a>, Received::parse, Received;
    /// A media type.
    ContentType ContentType<'a>, ContentType::parse, Content;
    /// Languages.
    Languages Languages<'a>, Languages::parse, Language;
    /// A disposition type and parameters.
    ContentDisposition ContentDisposition<'a>, ContentDisposition::parse, Content;
    /// A transfer encoding.
    TransferEncoding Encoding, Encoding::parse, Encoding;
    /// Two numbers.
    MimeVersion MimeVersion, MimeVersion::parse, MimeVersion;
    /// A URI.
    ContentLocation ContentLocation<'a>, ContentLocation::parse, Location;
    /// URLs in angle brackets.
    ListUrls ListUrls<'a>, ListUrls::parse, List;
    /// URLs in angle brackets, or `NO`.
    ListPost ListPost<'a>, ListPost::parse, List;
    /// A list identifier.
    ListId ListId<'a>, ListId::parse, List;
    /// `List-Unsubscribe=One-Click`.
    OneClick OneClick, OneClick::parse, List;
    /// A keyword and parameters.
    AutoSubmitted AutoSubmitted<'a>, AutoSubmitted::parse, AutoSubmitted;
    /// The results of a server.
    AuthResults AuthResults<'a>, AuthResults::parse, AuthResults;
    /// The results of a server, with an ARC instance.
    ArcAuthResults ArcAuthResults<'a>, ArcAuthResults::parse, AuthResults;
    /// Tags.
    TagList TagList<'a>, TagList::parse, TagList;
    /// Attributes, each with an importance and values.
    NotificationOptions NotificationOptions<'a>, NotificationOptions::parse, NotificationOptions;
    /// A type, a semicolon, and text.
    TypedText TypedText<'a>, TypedText::parse, Report;
    /// One word.
    Token Token<'a>, Token::parse, Report;
    /// A number.
    Number u32, parse_number, Report;
    /// An IP address.
    Ip IpAddr, parse_ip, Report;
    /// A domain.
    Domain Domain<'a>, parse_domain, Report;
    /// What a server did.
    Action Action, Action::parse, Report;
    /// An enhanced status code.
    StatusCode StatusCode, StatusCode::parse, Report;
    /// The name of a program.
    ReportingUa ReportingUa<'a>, ReportingUa::parse, Report;
    /// What was done with a message.
    Disposition Disposition<'a>, Disposition::parse, Report;

    errors
    /// An address, a phrase or a path.
    Address AddressErrorKind;
    /// A date.
    Date DateErrorKind;
    /// An identifier.
    MessageId MessageIdErrorKind;
    /// A trace field.
    Received ReceivedErrorKind;
    /// A MIME field.
    Content ContentErrorKind;
    /// A field of a mailing list.
    List ListErrorKind;
    /// A transfer encoding.
    Encoding EncodingErrorKind;
    /// MIME-Version.
    MimeVersion MimeVersionErrorKind;
    /// A URI.
    Location LocationErrorKind;
    /// A language.
    Language LanguageErrorKind;
    /// Auto-Submitted.
    AutoSubmitted AutoSubmittedErrorKind;
    /// Authentication results.
    AuthResults AuthResultsErrorKind;
    /// Tags.
    TagList TagListErrorKind;
    /// Disposition-Notification-Options.
    NotificationOptions NotificationOptionsErrorKind;
    /// A field of a report.
    Report ReportErrorKind;
}

/// Why a value is [`Typed::Malformed`].
pub type TypedError = ParseError<TypedErrorKind>;
