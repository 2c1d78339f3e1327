//! The way of all messages of a sender, by its configuration, with their signatures.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::config::{Config, Route};
use super::mx::{self, Mx, Policies};
use super::sign::Keys;
use super::sts::Sts;
use super::tls_report::{self, Reports, Submitter};
use crate::deliver::{Credentials, Fixed, Pool, Settings, Target};
use crate::error::Error;
use crate::http::Https;
use crate::message::reason;
use crate::queue::{Outcome, Outgoing, Transport};
use crate::resolve::Resolver;
use crate::service::metrics;
use crate::spool::{Entry, Spool};
use crate::tls::client::Trust;

/// An address that could not be reached is left alone for so long, or for half the time to the next attempt.
const REST: Duration = Duration::from_secs(60);

/// A message waits so long for a connection to a server that others use.
const TURN: Duration = Duration::from_secs(30);

/// Signatures, and the next server.
pub(crate) struct Way {
    keys: Keys,
    next: Next,
    pool: Pool,
}

enum Next {
    Mx(Box<Mx<Pool>>),
    Fixed(Fixed),
}

impl Way {
    /// Reads the files that the configuration names. Without a spool there are no reports of TLS.
    pub(crate) fn new(
        config: &Config,
        keys: Keys,
        spool: Option<&Spool>,
        figures: &metrics::Sender,
    ) -> Result<Self, Error> {
        let trust = Trust::new(config.tls.roots.as_deref())?;
        let mut settings = Settings::new(&config.name, trust.clone());
        settings.connections_per_host = config.limits.connections_per_host.max(1);
        if let Route::Smtp {
            host,
            user,
            password_file,
            ..
        } = &config.route
        {
            settings.credentials =
                credentials(user.as_deref(), password_file.as_deref(), host.is_some())?;
        }
        if let Route::Mx { .. } = config.route {
            // Many domains may have one address: it must not hold up the others.
            settings.turn = TURN;
            settings.rest = REST.min(config.retry.first.0 / 2);
        }
        let pool = Pool::new(settings)?;
        let next = match &config.route {
            Route::Mx {
                port,
                private_addresses,
                own_names,
                own_addresses,
            } => {
                let resolver = Resolver::of_service(&config.dns)?;
                let route = mx::Settings {
                    port: *port,
                    private_addresses: *private_addresses,
                    own_names: own_names.clone(),
                    own_addresses: own_addresses.clone(),
                };
                let policies = policies(config, &trust, &resolver, spool, figures)?;
                Next::Mx(Box::new(Mx::new(route, resolver, pool.clone(), policies)))
            }
            Route::Smtp {
                address,
                host,
                implicit_tls,
                ..
            } => {
                let target = Target::fixed(false, *address, host.as_deref(), *implicit_tls);
                Next::Fixed(Fixed::new(pool.clone(), target))
            }
            Route::Lmtp {
                address,
                host,
                implicit_tls,
            } => {
                let target = Target::fixed(true, *address, host.as_deref(), *implicit_tls);
                Next::Fixed(Fixed::new(pool.clone(), target))
            }
        };
        Ok(Self { keys, next, pool })
    }

    /// Counts and reports, where there are any.
    pub(crate) fn reports(&self) -> Option<Reports> {
        match &self.next {
            Next::Mx(mx) => mx.reports(),
            Next::Fixed(_) => None,
        }
    }

    /// Its connections, to be closed at the end.
    pub(crate) fn pool(&self) -> Pool {
        self.pool.clone()
    }
}

/// What `[tls]` names.
fn policies(
    config: &Config,
    trust: &Trust,
    resolver: &Arc<Resolver>,
    spool: Option<&Spool>,
    figures: &metrics::Sender,
) -> Result<Policies, Error> {
    let Route::Mx {
        private_addresses, ..
    } = config.route
    else {
        return Err(Error::new("[tls]", "policies are for `to = \"mx\"`"));
    };
    let https = Https::new(trust.https().map_err(|error| Error::new("[tls]", error))?);
    let mut policies = Policies {
        sts: None,
        reports: None,
        figures: figures.clone(),
    };
    // Without a spool the configuration is only looked at: no folder is made.
    if config.tls.mta_sts && spool.is_some() {
        let folder = config.state.join("mta-sts");
        let opened = Sts::open(
            &folder,
            Arc::clone(resolver),
            https.clone(),
            config.tls.mta_sts_port,
            private_addresses,
        );
        let sts = opened.map_err(|error| Error::new(folder.display(), reason(&error)))?;
        policies.sts = Some(sts);
    }
    if let Some(report) = &config.tls.report {
        let submitter = Submitter::new(report, &config.sign)?;
        if let Some(spool) = spool {
            let setup = tls_report::Setup {
                submitter,
                delay: report.delay.0,
                spool: spool.clone(),
                resolver: Arc::clone(resolver),
                https,
                ports: report.ports.clone(),
                private_addresses,
                figures: figures.clone(),
            };
            let folder = config.state.join("tls-report");
            policies.reports = Some(Reports::open(&folder, setup)?);
        }
    }
    Ok(policies)
}

impl Transport for Way {
    fn wake(&self) {
        self.pool.wake();
    }

    fn prefix(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        self.keys.sign(entry)
    }

    async fn deliver(
        &self,
        message: &Outgoing,
        domain: &str,
        recipients: &[usize],
    ) -> Vec<Outcome> {
        match &self.next {
            Next::Mx(mx) => mx.deliver(message, domain, recipients).await,
            Next::Fixed(fixed) => fixed.deliver(message, domain, recipients).await,
        }
    }
}

/// Who the sender is to its server. A password is shown to nobody who has not proven to be that server.
fn credentials(
    user: Option<&str>,
    password_file: Option<&Path>,
    has_host: bool,
) -> Result<Option<Credentials>, Error> {
    let (user, file) = match (user, password_file) {
        (None, None) => return Ok(None),
        (Some(user), Some(file)) => (user, file),
        _ => {
            return Err(Error::new(
                "[route]",
                "`user` and `password_file` go together",
            ));
        }
    };
    if !has_host {
        let rule =
            "`user` needs `host`, the name on the certificate of the server that gets the password";
        return Err(Error::new("[route]", rule));
    }
    let text = fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| Error::new(file.display(), reason(&error)))?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.contains(char::is_control) {
        return Err(Error::new(
            file.display(),
            "a password is one line, without control characters",
        ));
    }
    Ok(Some(Credentials {
        user: user.to_owned(),
        password: Zeroizing::new(line.to_owned()),
    }))
}
