//! Whom a client of TLS trusts.
