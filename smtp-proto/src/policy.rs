//! Which hosts mail for a domain goes to, and how TLS must protect it on the way.
//!
//! [`route`] answers that from the DNS; [`mta_sts`] reads the policy of a domain (RFC 8461), and
//! [`tls_rpt`] the reports on how it went (RFC 8460). DANE (RFC 7672) is decided in [`route`] from
//! TLSA records that the host's resolver validated; the records are handed out as data.

pub mod mta_sts;
pub mod route;
mod text_record;
pub mod tls_rpt;
