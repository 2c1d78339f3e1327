//! The certificate of a server.
