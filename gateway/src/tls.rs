//! TLS around the machines: certificates of a server that are read again when they change, and the rules by
//! which a client trusts one.

pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod server;
