//! Each mode of MTA-STS with each certificate: whether mail arrives, what the log says, and what is reported.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use scop_interop::service::Service;

use super::report;
use super::stage::{Served, Shown, Site, Stage, lines, site};
use crate::send::wait;

/// A domain, and what is to become of one message to it.
pub struct Case {
    pub site: Site,
    pub arrives: bool,
    /// What the log says of TLS, line by line; the version where it came about.
    logged: &'static [&'static str],
    /// The type of the policy, and how many sessions under it went well.
    pub policy: &'static str,
    pub successes: u64,
    /// What failed, in the words of RFC 8460 4.3.
    pub failed: Option<&'static str>,
}

impl Case {
    /// The domain.
    pub fn domain(&self) -> String {
        format!("{}.test", self.site.name)
    }

    fn with(self, served: Served) -> Self {
        Self {
            site: Site {
                served,
                ..self.site
            },
            ..self
        }
    }

    fn naming(self, mx: &'static str) -> Self {
        Self {
            site: Site {
                mx: Some(mx),
                ..self.site
            },
            ..self
        }
    }
}

const ENFORCE: Option<&str> = Some("enforce");
const TESTING: Option<&str> = Some("testing");

/// Under a policy that asks for something.
fn sts(site: Site, arrives: bool, logged: &'static [&'static str]) -> Case {
    let failed = match logged {
        [GOOD] | [] => None,
        [first, ..] => Some(*first),
    };
    Case {
        site,
        arrives,
        logged,
        policy: "sts",
        successes: failed.is_none().into(),
        failed,
    }
}

/// Under none. All arrives.
fn free(site: Site, logged: &'static [&'static str], failed: Option<&'static str>) -> Case {
    Case {
        site,
        arrives: true,
        logged,
        policy: "no-policy-found",
        successes: matches!(logged, [.., GOOD]).into(),
        failed,
    }
}

const MISMATCH: &str = "certificate-host-mismatch";
const EXPIRED: &str = "certificate-expired";
const NOT_TRUSTED: &str = "certificate-not-trusted";
const NO_TLS: &str = "starttls-not-supported";
const VALIDATION: &str = "validation-failure";
const GOOD: &str = "TLSv1.3";

fn cases() -> Vec<Case> {
    vec![
        sts(site("enforce-good", ENFORCE, Shown::Good), true, &[GOOD]),
        sts(
            site("enforce-name", ENFORCE, Shown::OtherName),
            false,
            &[MISMATCH],
        ),
        sts(
            site("enforce-expired", ENFORCE, Shown::Expired),
            false,
            &[EXPIRED],
        ),
        sts(
            site("enforce-self", ENFORCE, Shown::SelfSigned),
            false,
            &[NOT_TRUSTED],
        ),
        sts(
            site("enforce-nothing", ENFORCE, Shown::Nothing),
            false,
            &[NO_TLS],
        ),
        sts(
            site("enforce-old", ENFORCE, Shown::Old),
            false,
            &[VALIDATION],
        ),
        sts(
            site("enforce-mx", ENFORCE, Shown::Good),
            false,
            &[VALIDATION],
        )
        .naming("*.elsewhere.test"),
        // The message goes a second time, as if there were no policy.
        sts(site("testing-good", TESTING, Shown::Good), true, &[GOOD]),
        sts(
            site("testing-name", TESTING, Shown::OtherName),
            true,
            &[MISMATCH, GOOD],
        ),
        sts(
            site("testing-expired", TESTING, Shown::Expired),
            true,
            &[EXPIRED, GOOD],
        ),
        sts(
            site("testing-nothing", TESTING, Shown::Nothing),
            true,
            &[NO_TLS, "none"],
        ),
        sts(
            site("testing-mx", TESTING, Shown::Good),
            true,
            &[VALIDATION],
        )
        .naming("*.elsewhere.test"),
        free(
            site("none-self", Some("none"), Shown::SelfSigned),
            &[GOOD],
            None,
        ),
        free(site("no-policy", None, Shown::SelfSigned), &[GOOD], None),
        free(
            site("no-policy-nothing", None, Shown::Nothing),
            &["none"],
            Some(NO_TLS),
        ),
        free(
            site("no-policy-old", None, Shown::Old),
            &[VALIDATION],
            Some(VALIDATION),
        ),
        // The policy cannot be had, and counts for nothing.
        free(
            site("unvouched", ENFORCE, Shown::SelfSigned),
            &["sts-webpki-invalid", GOOD],
            Some("sts-webpki-invalid"),
        )
        .with(Served::Unvouched),
        free(
            site("nonsense", ENFORCE, Shown::SelfSigned),
            &["sts-policy-invalid", GOOD],
            Some("sts-policy-invalid"),
        )
        .with(Served::Nonsense),
        free(
            site("missing", ENFORCE, Shown::SelfSigned),
            &["sts-policy-fetch-error", GOOD],
            Some("sts-policy-fetch-error"),
        )
        .with(Served::Nothing),
    ]
}

/// Reports by mail come here, whatever its policy says (RFC 8460 3).
const REPORT: Site = site("report", ENFORCE, Shown::Expired);

/// Where the reports of a case go: by mail, by HTTPS, or both.
fn rua(number: usize, site: &Site, port: u64) -> String {
    let mail = format!("mailto:{}@report.test", site.name);
    let web = format!("https://reports.test:{port}/{}", site.name);
    match number % 3 {
        0 => mail,
        1 => web,
        _ => format!("{mail},{web}"),
    }
}

/// One message for each case on one day, and the reports of it on the next.
#[test]
fn each_policy_and_each_certificate() {
    let cases = cases();
    let sites: Vec<Site> = cases.iter().map(|case| case.site).chain([REPORT]).collect();
    let Some(mut stage) = Stage::new(&sites, rua) else {
        return;
    };
    let config = stage.sender(&format!(
        "[tls.report]\norganization = \"Example\"\ncontact = \"postmaster@example.test\"\n\
         from = \"tls-reports@example.test\"\ndelay = \"0s\"\nports = [{}]\n",
        stage.reports_port()
    ));
    not_at_midnight();
    let folder = stage.world.folder.path().to_owned();
    let Some(sender) = Service::sender_at(&folder, &config, "-1d") else {
        return;
    };
    for case in &cases {
        let to = format!("x@{}", case.domain());
        let message =
            format!("From: joe@example.test\r\nTo: {to}\r\nSubject: a test\r\n\r\nhi\r\n");
        stage
            .world
            .submit_file("joe@example.test", &[&to], message.as_bytes());
    }
    let logged = |case: &Case| {
        let lines = lines(&sender)
            .into_iter()
            .filter(|line| line["domain"] == case.domain());
        let lines = lines.filter(|line| !line["id"].is_null() && line["tls"].is_string());
        let words = lines.map(|line| {
            line["tls"]
                .as_str()
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
                .to_owned()
        });
        words.collect::<Vec<_>>()
    };
    wait(
        "not each case is in the log",
        || sender.log(),
        || {
            cases
                .iter()
                .all(|case| logged(case).len() >= case.logged.len())
        },
    );
    let is_there = |stage: &mut Stage, case: &Case| {
        let letters = stage.arrived().iter();
        letters
            .filter(|letter| letter.site == case.site.name)
            .count()
            == 1
    };
    wait(
        "not all that should arrive did",
        || sender.log(),
        || {
            cases
                .iter()
                .all(|case| !case.arrives || is_there(&mut stage, case))
        },
    );
    for case in &cases {
        let name = case.site.name;
        assert_eq!(logged(case), case.logged, "{name}");
        assert_eq!(is_there(&mut stage, case), case.arrives, "{name}");
    }
    let log = sender.log();
    assert!(sender.stop().success(), "{log}");
    let begin = log.len();
    let sender = Service::sender(&folder, &config);
    report::read_back(&mut stage, &cases, || sender.log().split_off(begin));
}

/// What is counted on two days has two reports.
fn not_at_midnight() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let left = 86_400 - now.unwrap().as_secs() % 86_400;
    if left < 30 {
        sleep(Duration::from_secs(left + 1));
    }
}
