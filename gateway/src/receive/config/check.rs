//! Whether `receiver.toml` makes sense.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::SocketAddr;

use super::{Config, Deliver, Kind, Next, Submit, Tls};
use crate::maildir;
use crate::receive::trace::check_name;
use crate::receive::users::Users;
use crate::service::config::check::{Checked, Findings, is_domain};
use crate::service::{file_limit, files};
use crate::spool::MAX_RECIPIENTS;
use crate::tls::client::Trust;
use crate::tls::server::Certificate;

/// Files that are open besides connections, generously.
const OTHER_FILES: u64 = 200;

impl Checked for Config {
    fn check(&self, findings: &mut Findings<'_>) {
        findings.domain("name", &self.name);
        if is_domain(&self.name) {
            findings.found("name", check_name(&self.name));
        }
        if let Some(name) = &self.authserv_id {
            findings.domain("authserv_id", name);
        }
        findings.folder("state", &self.state);
        self.check_listen(findings);
        if let Some(tls) = &self.tls {
            check_tls(tls, &self.name, findings);
        }
        if let Some(deliver) = &self.deliver {
            check_deliver(deliver, findings);
            for folder in deliver.folders() {
                findings.differ("deliver", folder, "state", &self.state);
            }
        }
        if let Some(submit) = &self.submit {
            self.check_submit(submit, findings);
        }
        findings.retry(&self.retry);
        self.check_limits(findings);
        findings.shared(&self.dns, self.metrics);
    }

    fn summary(&self) -> String {
        let mut text = String::new();
        for listen in &self.listen {
            let what = match listen.kind {
                Kind::Mx => "mail from other servers",
                Kind::Submission => "mail of users, TLS by STARTTLS",
                Kind::Submissions => "mail of users, TLS at once",
                Kind::Lmtp => "mail over LMTP",
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "  listens at {}: {what}", listen.address);
        }
        if let Some(deliver) = &self.deliver {
            let _ = writeln!(text, "  mail from outside goes to {}", deliver.words());
        }
        if let Some(submit) = &self.submit {
            let _ = writeln!(
                text,
                "  mail of users goes to the spool {}",
                submit.spool.display()
            );
        }
        let checks = if self.checks.enabled { "on" } else { "off" };
        let _ = writeln!(text, "  checks of SPF, DKIM and DMARC are {checks}");
        if let Some(metrics) = self.metrics {
            let _ = writeln!(text, "  figures are at http://{metrics}/metrics");
        }
        text
    }
}

impl Config {
    fn check_listen(&self, findings: &mut Findings<'_>) {
        if self.listen.is_empty() {
            findings.error("listen", "at least one [[listen]] is needed");
        }
        let mut known: HashSet<SocketAddr> = self.metrics.into_iter().collect();
        for (index, listen) in self.listen.iter().enumerate() {
            let way = |key: &str| format!("listen.{index}.{key}");
            if !known.insert(listen.address) && listen.address.port() != 0 {
                let rule = format!("{} is there already", listen.address);
                findings.error(&way("address"), rule);
            }
            let is_there = [
                ("[tls]", self.tls.is_some()),
                ("[submit]", self.submit.is_some()),
                ("[deliver]", self.deliver.is_some()),
            ];
            let needed: &[&str] = match listen.kind {
                Kind::Submission | Kind::Submissions => &["[tls]", "[submit]"],
                Kind::Mx | Kind::Lmtp => &["[deliver]"],
            };
            for (table, is_there) in is_there {
                if needed.contains(&table) && !is_there {
                    findings.error(&way("kind"), format_args!("it needs {table}"));
                }
            }
        }
        let has = |kinds: [Kind; 2]| self.listen.iter().any(|at| kinds.contains(&at.kind));
        if self.deliver.is_some() && !has([Kind::Mx, Kind::Lmtp]) {
            findings.warn("deliver", "no [[listen]] is of the kind mx or lmtp");
        }
        if self.submit.is_some() && !has([Kind::Submission, Kind::Submissions]) {
            let rule = "no [[listen]] is of the kind submission or submissions";
            findings.warn("submit", rule);
        }
        if self.tls.is_none() && has([Kind::Mx, Kind::Mx]) {
            let rule = "there is no [tls]: other servers send their mail in the clear";
            findings.warn("listen", rule);
        }
    }

    fn check_submit(&self, submit: &Submit, findings: &mut Findings<'_>) {
        findings.secret("submit.users", &submit.users);
        if submit.users.is_file() {
            findings.found("submit.users", Users::read(&submit.users));
        }
        findings.spool("submit.spool", &submit.spool);
        findings.differ("submit.spool", &submit.spool, "state", &self.state);
    }

    fn check_limits(&self, findings: &mut Findings<'_>) {
        let limits = &self.limits;
        findings.at_least_one("limits.message", limits.message);
        findings.at_least_one("limits.recipients", limits.recipients);
        if limits.recipients as usize > MAX_RECIPIENTS {
            let rule = format!("a message has {MAX_RECIPIENTS} recipients at most");
            findings.error("limits.recipients", rule);
        }
        findings.at_least_one("limits.memory", limits.memory as u64);
        findings.at_least_one("limits.timeout", limits.timeout.0.as_secs());
        findings.at_least_one("limits.connections", limits.connections as u64);
        let each = limits.connections_per_client;
        findings.at_least_one("limits.connections_per_client", each as u64);
        let needed = (limits.connections as u64).saturating_add(OTHER_FILES);
        if let Some(allowed) = file_limit().filter(|&allowed| allowed < needed) {
            let rule = format!(
                "this process may open {allowed} files, and so many connections need {needed} (`LimitNOFILE=` of \
                 systemd, `ulimit -n`)"
            );
            findings.warn("limits.connections", rule);
        }
    }
}

impl Deliver {
    /// Where it writes.
    fn folders(&self) -> impl Iterator<Item = &std::path::Path> {
        match self {
            Self::Maildir { folder, .. } | Self::Spool { folder, .. } => Some(folder),
            Self::Lmtp(next) | Self::Smtp(next) => next.bounces.as_ref(),
            Self::Discard { .. } => None,
        }
        .into_iter()
        .map(std::path::PathBuf::as_path)
    }

    fn words(&self) -> String {
        match self {
            Self::Maildir { folder, mailboxes } => {
                format!(
                    "Maildirs in {}, for {} addresses",
                    folder.display(),
                    mailboxes.len()
                )
            }
            Self::Lmtp(next) => format!("the LMTP server at {}", next.address),
            Self::Smtp(next) => format!("the SMTP server at {}", next.address),
            Self::Spool { folder, .. } => format!("the spool {}", folder.display()),
            Self::Discard { .. } => "nowhere: it is thrown away".to_owned(),
        }
    }
}

fn check_tls(tls: &Tls, name: &str, findings: &mut Findings<'_>) {
    let opened = Certificate::open(&tls.certificate, &tls.key);
    if let Some(certificate) = findings.found("tls", opened) {
        if !certificate.is_for(name) {
            findings.warn("tls.certificate", format_args!("it is not for {name}"));
        }
        if files::is_open_to_others(&tls.key) {
            let rule = format!(
                "{} can be read by everyone on this computer",
                tls.key.display()
            );
            findings.warn("tls.key", rule);
        }
    }
}

fn check_deliver(deliver: &Deliver, findings: &mut Findings<'_>) {
    match deliver {
        Deliver::Maildir { folder, mailboxes } => {
            findings.folder("deliver.folder", folder);
            if mailboxes.is_empty() {
                findings.error("deliver.mailboxes", "at least one address is needed");
            }
            for (address, name) in mailboxes {
                match address.strip_prefix("*@") {
                    Some(domain) => findings.domain("deliver.mailboxes", domain),
                    None => findings.address("deliver.mailboxes", address),
                }
                if let Err(error) = maildir::Name::parse(name) {
                    findings.error("deliver.mailboxes", format_args!("{name:?}: {error}"));
                }
            }
        }
        Deliver::Lmtp(next) | Deliver::Smtp(next) => check_next(next, findings),
        Deliver::Spool { folder, recipients } => {
            check_recipients(recipients, findings);
            findings.spool("deliver.folder", folder);
        }
        Deliver::Discard { recipients } => {
            check_recipients(recipients, findings);
            findings.warn("deliver", "mail that is accepted is thrown away");
        }
    }
}

fn check_next(next: &Next, findings: &mut Findings<'_>) {
    check_recipients(&next.recipients, findings);
    match &next.bounces {
        Some(folder) => findings.spool("deliver.bounces", folder),
        None => findings.warn(
            "deliver",
            "there is no `bounces`: nobody is told what the next server refuses",
        ),
    }
    if let Some(roots) = &next.roots {
        findings.found("deliver.roots", Trust::new(Some(roots)));
    }
    match &next.host {
        Some(host) => findings.domain("deliver.host", host),
        None if next.roots.is_some() => {
            let rule = "without `host`, the name on the certificate, any certificate will do";
            findings.error("deliver.roots", rule);
        }
        None if !next.address.ip().is_loopback() => {
            let rule =
                "there is no `host`: mail goes in the clear, or to whoever has a certificate";
            findings.warn("deliver", rule);
        }
        None => {}
    }
}

fn check_recipients(recipients: &[String], findings: &mut Findings<'_>) {
    if recipients.is_empty() {
        findings.error("deliver.recipients", "at least one is needed");
    }
    for (index, recipient) in recipients.iter().enumerate() {
        let way = format!("deliver.recipients.{index}");
        match recipient.strip_prefix('@') {
            Some(domain) if is_domain(domain) => {}
            Some(_) => findings.error(&way, format_args!("{recipient:?} is not `@` and a domain")),
            None => findings.address(&way, recipient),
        }
    }
}

#[cfg(test)]
mod tests;
