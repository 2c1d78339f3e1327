//! How TLS is demanded of servers, by their domain (MTA-STS, RFC 8461) and by the message (REQUIRETLS, RFC 8689), and
//! what the domain is told of it (RFC 8460). The policies are served by Python's http.server, which also takes
//! reports, and the mail is taken by aiosmtpd.

mod matrix;
mod report;
mod require_tls;
mod stage;
