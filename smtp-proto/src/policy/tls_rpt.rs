//! TLS reporting: how sending to a domain over TLS went, told to the domain (RFC 8460).
//!
//! [`Discovery`] finds where a domain wants its reports, [`ReportWriter`] writes one from the counters
//! that a host keeps, [`FileName`] and [`Subject`] name it, and [`Report`] reads one.
//!
//! Contract: nothing panics on any input, and everything takes time linear in it.

mod destination;
mod read;
mod record;
mod write;

use core::fmt;

pub use destination::{FileName, ReportId, Subject};
pub use read::{FailureDetail, Limits, PolicyReport, Report, ReportError, ReportErrorKind};
pub use record::{Discovery, Found, NoRecord, Record, RecordError, RecordErrorKind, Rua};
pub use write::{Entry, Failure, Metadata, PolicyString, ReportWriter};

/// Gives each variant the word that stands for it in a report.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is written in a report.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Which policy the sessions were under (RFC 8460 4.4).
    PolicyType {
        /// TLSA records (RFC 7672).
        Tlsa = "tlsa",
        /// MTA-STS (RFC 8461).
        Sts = "sts",
        /// Neither.
        NoPolicyFound = "no-policy-found",
    }
}

words! {
    /// What went wrong (RFC 8460 4.3, 6.6).
    ResultType {
        /// The host does not offer STARTTLS (4.3.1).
        StartTlsNotSupported = "starttls-not-supported",
        /// The certificate is for another name (4.3.1).
        CertificateHostMismatch = "certificate-host-mismatch",
        /// The certificate has expired (4.3.1).
        CertificateExpired = "certificate-expired",
        /// The certificate does not lead to a trusted root (4.3.1).
        CertificateNotTrusted = "certificate-not-trusted",
        /// Another failure of validation (4.3.1).
        ValidationFailure = "validation-failure",
        /// The TLSA records are not valid, or none is usable (4.3.2.1).
        TlsaInvalid = "tlsa-invalid",
        /// The resolver found no authenticated records (4.3.2.1).
        DnssecInvalid = "dnssec-invalid",
        /// The sender requires DANE, and there were no valid TLSA records (4.3.2.1).
        DaneRequired = "dane-required",
        /// The policy could not be fetched (4.3.2.2).
        StsPolicyFetchError = "sts-policy-fetch-error",
        /// The policy is not valid (4.3.2.2).
        StsPolicyInvalid = "sts-policy-invalid",
        /// The certificate of the policy host is not valid (4.3.2.2).
        StsWebPkiInvalid = "sts-webpki-invalid",
    }
}

#[cfg(test)]
mod tests;
