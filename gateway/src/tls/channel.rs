//! A connection that may become encrypted on its way.

use tokio::io::{AsyncRead, AsyncWrite};

/// What octets go through: a socket, or TLS over one.
pub(crate) trait Channel: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Channel for C {}
