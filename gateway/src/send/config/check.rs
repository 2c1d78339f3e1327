//! Whether `sender.toml` makes sense.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::{Config, Key, Route};
use crate::key_file::{self, SigningKey};
use crate::send::sign::above;
use crate::service::config::check::{Checked, Findings, is_domain};

/// Reports are spread over this time (RFC 8460 4.1).
const LONGEST_DELAY: Duration = Duration::from_secs(4 * 3_600);

impl Checked for Config {
    fn check(&self, findings: &mut Findings<'_>) {
        findings.domain("name", &self.name);
        findings.folder("spool", &self.spool);
        findings.folder("state", &self.state);
        findings.differ("spool", &self.spool, "state", &self.state);
        check_keys(&self.sign, findings);
        if !self.sign.is_empty() && !above(&self.name).any(|domain| signs(&self.sign, domain)) {
            let rule = "no [[sign]] is for it or a domain above it: what this host tells of mail that failed goes unsigned";
            findings.warn("name", rule);
        }
        check_route(&self.route, findings);
        findings.retry(&self.retry);
        self.check_tls(findings);
        findings.at_least_one("limits.messages", self.limits.messages as u64);
        let each = self.limits.connections_per_host;
        findings.at_least_one("limits.connections_per_host", each as u64);
        findings.shared(&self.dns, self.metrics);
    }

    fn summary(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "  takes mail from the spool {}", self.spool.display());
        for key in &self.sign {
            let _ = writeln!(
                text,
                "  signs mail of {} with {}._domainkey.{}",
                key.domain, key.selector, key.domain
            );
        }
        let route = match &self.route {
            Route::Mx { port, .. } => format!("the servers of each domain, port {port}"),
            Route::Smtp { address, .. } => format!("the SMTP server at {address}"),
            Route::Lmtp { address, .. } => format!("the LMTP server at {address}"),
        };
        let _ = writeln!(text, "  hands it to {route}");
        if let Some(metrics) = self.metrics {
            let _ = writeln!(text, "  figures are at http://{metrics}/metrics");
        }
        text
    }
}

impl Config {
    fn check_tls(&self, findings: &mut Findings<'_>) {
        if let Some(roots) = &self.tls.roots {
            findings.found("tls.roots", crate::tls::client::Trust::new(Some(roots)));
        }
        let Some(report) = &self.tls.report else {
            return;
        };
        findings.address("tls.report.contact", &report.contact);
        findings.address("tls.report.from", &report.from);
        if report.delay.0 > LONGEST_DELAY {
            findings.error("tls.report.delay", "it is longer than 4h");
        }
        for (index, port) in report.ports.iter().enumerate() {
            findings.at_least_one(&format!("tls.report.ports.{index}"), *port);
        }
        let domain = report.from.rsplit('@').next().unwrap_or_default();
        if !signs(&self.sign, domain) {
            let rule = format!(
                "no key signs for {domain}: reports without a signature are not read (RFC 8460 3)"
            );
            findings.warn("tls.report.from", rule);
        }
    }
}

fn signs(keys: &[Key], domain: &str) -> bool {
    keys.iter()
        .any(|key| key.domain.eq_ignore_ascii_case(domain))
}

fn check_keys(keys: &[Key], findings: &mut Findings<'_>) {
    let mut known = HashSet::new();
    for (index, key) in keys.iter().enumerate() {
        let way = |name: &str| format!("sign.{index}.{name}");
        findings.domain(&way("domain"), &key.domain);
        // The underscore of `_domainkey` is not part of it (RFC 6376 3.1).
        if !is_domain(&key.selector) {
            let rule = format!(
                "{:?} is not a selector: letters, digits, `-` and dots",
                key.selector
            );
            findings.error(&way("selector"), rule);
        }
        let name = (
            key.domain.to_ascii_lowercase(),
            key.selector.to_ascii_lowercase(),
        );
        if !known.insert(name) {
            let rule = "this domain and selector are there already";
            findings.error(&way("selector"), rule);
        }
        findings.found(&way("key"), SigningKey::read(&key.file));
        if let Some(warning) = key_file::warning(&key.file) {
            findings.warn(&way("key"), warning);
        }
    }
}

fn check_route(route: &Route, findings: &mut Findings<'_>) {
    match route {
        Route::Mx {
            port, own_names, ..
        } => {
            findings.at_least_one("route.port", *port);
            for (index, name) in own_names.iter().enumerate() {
                findings.domain(&format!("route.own_names.{index}"), name);
            }
        }
        Route::Smtp {
            address,
            host,
            user,
            password_file,
            ..
        } => {
            if let Some(host) = host {
                findings.domain("route.host", host);
            }
            if user.is_some() != password_file.is_some() {
                let rule = "`user` and `password_file` go together";
                findings.error("route", rule);
            }
            if user.is_some() && host.is_none() && !address.ip().is_loopback() {
                let rule = "a password goes to a server with a certificate only: `host` is needed";
                findings.error("route.user", rule);
            }
            if let Some(file) = password_file {
                findings.secret("route.password_file", file);
            }
        }
        Route::Lmtp { host, .. } => {
            if let Some(host) = host {
                findings.domain("route.host", host);
            }
        }
    }
}

#[cfg(test)]
mod tests;
