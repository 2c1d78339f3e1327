//! Feedback reports (RFC 5965), also of authentication failures (RFC 6591, RFC 9991).
//!
//! ```
//! use scop_mime_core::report::feedback::{FeedbackField, FeedbackReport};
//!
//! let body = b"Feedback-Type: abuse\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n\
//!              Original-Rcpt-To: <a@example.org>\r\nOriginal-Rcpt-To: <b@example.org>\r\n";
//! let report = FeedbackReport::new(body);
//! assert!(report.feedback_type().unwrap().is(b"abuse"));
//! let recipients = report.fields().filter(|field| matches!(field, FeedbackField::OriginalRcptTo(_)));
//! assert_eq!(recipients.count(), 2);
//! ```

use core::net::IpAddr;

use super::{Token, TypedText};
use crate::header::address::Domain;
use crate::header::auth_results::AuthResults;
use crate::header::content::location::ContentLocation;
use crate::header::date::DateTime;
use crate::header::scan::HeaderBlock;
use crate::header::trace::ReturnPath;
use crate::header::typed::field_table;
use crate::header::unstructured::Unstructured;

field_table! {
    /// The name of a field of a feedback report.
    names FeedbackFieldName;
    /// A field of a feedback report.
    typed FeedbackField;

    FeedbackType "Feedback-Type" Token<'a>, Once "RFC 5965 3.1";
    UserAgent "User-Agent" Unstructured<'a>, Once "RFC 5965 3.1";
    Version "Version" u32, Once "RFC 5965 3.1";
    OriginalEnvelopeId "Original-Envelope-Id" Unstructured<'a>, AtMostOnce "RFC 5965 3.2";
    OriginalMailFrom "Original-Mail-From" ReturnPath<'a>, AtMostOnce "RFC 5965 3.2";
    ArrivalDate "Arrival-Date" DateTime, AtMostOnce "RFC 5965 3.2";
    ReceivedDate "Received-Date" DateTime, AtMostOnce "RFC 5965 3.2";
    ReportingMta "Reporting-MTA" TypedText<'a>, AtMostOnce "RFC 5965 3.2";
    SourceIp "Source-IP" IpAddr, AtMostOnce "RFC 5965 3.2";
    Incidents "Incidents" u32, AtMostOnce "RFC 5965 3.2";
    SourcePort "Source-Port" u32, AtMostOnce "RFC 6692 2";
    AuthenticationResults "Authentication-Results" AuthResults<'a>, Often "RFC 5965 3.3";
    OriginalRcptTo "Original-Rcpt-To" ReturnPath<'a>, Often "RFC 5965 3.3";
    ReportedDomain "Reported-Domain" Domain<'a>, Often "RFC 5965 3.3";
    ReportedUri "Reported-URI" ContentLocation<'a>, Often "RFC 5965 3.3";
    AuthFailure "Auth-Failure" Token<'a>, AtMostOnce "RFC 6591 3.2.1";
    DeliveryResult "Delivery-Result" Token<'a>, AtMostOnce "RFC 6591 3.2.2";
    DkimCanonicalizedHeader "DKIM-Canonicalized-Header" Unstructured<'a>, AtMostOnce "RFC 6591 3.2.4";
    DkimCanonicalizedBody "DKIM-Canonicalized-Body" Unstructured<'a>, AtMostOnce "RFC 6591 3.2.4";
    DkimDomain "DKIM-Domain" Unstructured<'a>, AtMostOnce "RFC 6591 3.2.3";
    DkimIdentity "DKIM-Identity" Unstructured<'a>, AtMostOnce "RFC 6591 3.2.3";
    DkimSelector "DKIM-Selector" Unstructured<'a>, AtMostOnce "RFC 6591 3.2.3";
    DkimSelectorDns "DKIM-Selector-DNS" Unstructured<'a>, AtMostOnce "RFC 6591 3.2";
    DkimAdspDns "DKIM-ADSP-DNS" Unstructured<'a>, AtMostOnce "RFC 6591 3.2.5";
    SpfDns "SPF-DNS" Unstructured<'a>, Often "RFC 6591 3.2.6";
    IdentityAlignment "Identity-Alignment" Unstructured<'a>, AtMostOnce "RFC 9991";
}

/// The body of message/feedback-report. Any bytes are one.
///
/// What stands behind an empty line is no part of it; [`Self::raw`] has it.
#[derive(Clone, Copy, Debug)]
pub struct FeedbackReport<'a> {
    body: &'a [u8],
}

impl<'a> FeedbackReport<'a> {
    /// Over the decoded body of the part.
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body }
    }

    /// The body as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.body
    }

    /// The fields as they stand.
    pub fn header(&self) -> HeaderBlock<'a> {
        let first = super::Blocks::new(self.body).next();
        first.map_or(HeaderBlock::new(b""), |block| block.fields)
    }

    /// The fields in order, typed; several may repeat.
    pub fn fields(&self) -> impl Iterator<Item = FeedbackField<'a>> + Clone + use<'a> {
        self.header()
            .fields()
            .map(|field| FeedbackField::of(&field))
    }

    /// The first field of this name; it may be malformed.
    pub fn field(&self, name: FeedbackFieldName) -> Option<FeedbackField<'a>> {
        let mut fields = self.header().fields();
        fields
            .find(|field| field.is(name.as_str().as_bytes()))
            .map(|field| FeedbackField::of(&field))
    }

    /// What kind of report it is: `abuse`, `auth-failure`; `None` also where the first such field is
    /// malformed.
    pub fn feedback_type(&self) -> Option<Token<'a>> {
        match self.field(FeedbackFieldName::FeedbackType) {
            Some(FeedbackField::FeedbackType(token)) => Some(token),
            _ => None,
        }
    }
}
