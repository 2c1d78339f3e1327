//! Which hosts mail for a domain goes to, and how TLS must protect it on the way.
//!
//! [`route`] answers that from the DNS; [`mta_sts`] reads the policy of a domain (RFC 8461), and
//! [`tls_rpt`] the reports on how it went (RFC 8460). DANE (RFC 7672) is decided in [`route`] from
//! TLSA records that the host's resolver validated; the records are handed out as data.
//!
//! From a domain to its hosts: look for the record, fetch the policy if [`mta_sts::plan`] says so, and
//! ask for the route with the policy that is in force.
//!
//! ```
//! use scop_core::{Answer, Name, Query, Rdata, Rtype, Txt, UnixTime, lookup};
//! use scop_smtp_proto::Domain;
//! use scop_smtp_proto::policy::mta_sts::{Cached, Discovery, Fetch, Found, Policy, PolicyUrl, plan};
//! use scop_smtp_proto::policy::route::{Limits, Request, Router, TlsRequirement};
//!
//! // A resolver and a web client, in a few lines.
//! let txt = [Rdata::Txt(Txt::joined(b"v=STSv1; id=7;"))];
//! let mx = [Rdata::Mx { preference: 10, exchange: Name::parse(b"\x02mx\x07example\x03org\0")? }];
//! let address = [Rdata::A([192, 0, 2, 25].into())];
//! let resolve = |query: Query<'_>| match query.rtype {
//!     Rtype::TXT => Answer::records(&txt),
//!     Rtype::MX => Answer::records(&mx),
//!     Rtype::A => Answer::records(&address),
//!     _ => Answer::NoData(Default::default()),
//! };
//! let get = |_url: String| b"version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 86400\n";
//!
//! let (domain, now) = ("example.org", UnixTime(1_800_000_000));
//! let mut discovery = Discovery::new(domain.as_bytes());
//! let found = *lookup::drive(&mut discovery, resolve).unwrap();
//! let (mut file, mut cached): (_, Option<Cached>) = (None, None);
//! if plan(&found, cached.as_ref(), None, now).fetch == Fetch::First {
//!     file = PolicyUrl::new(domain.as_bytes()).map(|url| get(url.to_string()));
//! }
//! let policy = file.and_then(|file| Policy::parse(file).ok());
//! if let (Some(policy), Found::Policy(id)) = (policy, found) {
//!     cached = Some(Cached::new(id, &policy, now)); // the file is kept beside it
//! }
//! assert!(cached.is_some_and(|cached| cached.is_in_force(now)));
//!
//! let mut request = Request::new(Domain::parse(domain.as_bytes())?, 4);
//! request.sts = policy;
//! let mut router: Router<'_> = Router::new(request, &Limits::DEFAULT);
//! let route = lookup::drive(&mut router, resolve).unwrap();
//! assert!(route.hosts().all(|host| host.tls() == TlsRequirement::WebPki));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

pub mod mta_sts;
pub mod route;
mod text_record;
pub mod tls_rpt;
