//! The reports of TLS that a sender sent, read by `scop report` and by Python.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::service::scop;
use serde_json::{Value, json};

use super::matrix::Case;
use super::stage::Stage;
use crate::send::wait;

/// Waits for the reports on all cases, and reads them.
pub fn read_back(stage: &mut Stage, cases: &[Case], log: impl Fn() -> String) {
    let Some(mut python) = Peer::python("tlsrpt_peer.py", "tlsrpt") else {
        return;
    };
    let Some(mut dkimpy) = Peer::python("dkimpy_peer.py", "dkimpy") else {
        return;
    };
    let (by_mail, by_web) = wait_for_all(stage, cases.len(), &log);
    for (number, case) in cases.iter().enumerate() {
        let name = case.site.name;
        let mailed: Vec<_> = by_mail.iter().filter(|(to, _)| to == name).collect();
        let posted: Vec<_> = by_web.iter().filter(|(path, _)| path == name).collect();
        let expected = [(1, 0), (0, 1), (1, 1)][number % 3];
        assert_eq!((mailed.len(), posted.len()), expected, "{name}: {}", log());
        let mut ids = Vec::new();
        for (_, message) in mailed {
            let read = python.ask(&json!({"message": STANDARD.encode(message)}));
            is_a_message_of_reports(case, &read);
            let signed = json!({
                "op": "verify", "message": STANDARD.encode(message), "record": stage.world.record,
            });
            assert_eq!(dkimpy.ask(&signed)["valid"], true, "{name}");
            let results =
                stage
                    .world
                    .check(message, "client.example.test", "tls-reports@example.test");
            assert!(results.contains("dkim=pass"), "{results}");
            says_what_happened(stage, case, message, &read["report"]);
            ids.push(read["report"]["report-id"].clone());
        }
        for (_, gzip) in posted {
            let read = python.ask(&json!({"gzip": STANDARD.encode(gzip)}));
            says_what_happened(stage, case, gzip, &read["report"]);
            ids.push(read["report"]["report-id"].clone());
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    // What carries reports is not reported on. Messages that wait are tried again on this day.
    let folder = stage.world.path("sender/tls-report");
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let counts = fs::read_to_string(entry.path()).unwrap();
        assert!(!counts.contains("\"report.test\""), "{counts}");
    }
}

/// Name and octets of each.
type Reports = Vec<(String, Vec<u8>)>;

/// All reports, by mail and by HTTPS.
fn wait_for_all(stage: &mut Stage, cases: usize, log: impl Fn() -> String) -> (Reports, Reports) {
    let count = |kind: usize| (0..cases).filter(|number| number % 3 != kind).count();
    let (mut by_mail, mut by_web) = (Vec::new(), Vec::new());
    wait("not all reports came", log, || {
        let letters = stage
            .arrived()
            .iter()
            .filter(|letter| letter.site == "report");
        by_mail = letters
            .map(|letter| {
                let name = letter.to[0].strip_suffix("@report.test").unwrap();
                (name.to_owned(), letter.data.clone())
            })
            .collect();
        for posted in stage.posted().as_array().unwrap() {
            assert_eq!(posted["host"], "reports.test");
            assert_eq!(posted["type"], "application/tlsrpt+gzip");
            let name = posted["path"]
                .as_str()
                .unwrap()
                .trim_start_matches('/')
                .to_owned();
            by_web.push((
                name,
                STANDARD.decode(posted["data"].as_str().unwrap()).unwrap(),
            ));
        }
        by_mail.len() >= count(1) && by_web.len() >= count(0)
    });
    (by_mail, by_web)
}

/// RFC 8460 5.1 and 5.3, as Python's email package reads the message.
fn is_a_message_of_reports(case: &Case, read: &Value) {
    let (name, domain) = (case.site.name, case.domain());
    let fields = &read["fields"];
    let report = &read["report"];
    assert_eq!(fields["tls-report-domain"], *domain, "{name}: {read}");
    assert_eq!(fields["tls-report-submitter"], "example.test");
    assert_eq!(fields["tls-required"], "No");
    assert_eq!(fields["to"], format!("{name}@report.test"));
    assert!(
        fields["from"]
            .as_str()
            .unwrap()
            .contains("<tls-reports@example.test>")
    );
    let id = report["report-id"].as_str().unwrap();
    let subject = format!("Report Domain: {domain} Submitter: example.test Report-ID: <{id}>");
    assert_eq!(fields["subject"], subject);
    assert_eq!(
        (&read["type"], &read["report_type"]),
        (&json!("multipart/report"), &json!("tlsrpt"))
    );
    assert_eq!(
        read["parts"],
        json!(["text/plain", "application/tlsrpt+gzip"])
    );
    assert_eq!(read["defects"], json!([]));
    let file = read["filename"].as_str().unwrap();
    let parts: Vec<&str> = file.split('!').collect();
    assert_eq!(
        (parts.len(), parts[0], parts[1]),
        (4, "example.test", &*domain),
        "{file}"
    );
    assert!(file.ends_with(".json.gz"), "{file}");
}

/// The figures, as `scop report` reads the report and as Python read its JSON.
fn says_what_happened(stage: &Stage, case: &Case, octets: &[u8], python: &Value) {
    let name = case.site.name;
    let file = stage.world.path("report");
    fs::write(&file, octets).unwrap();
    let output = scop(&["report", "--json", file.to_str().unwrap()], b"");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let report = &read["reports"][0];
    assert_eq!(report["organization"], "Example");
    assert_eq!(report["contact"], "postmaster@example.test");
    assert_eq!(
        report["end"].as_u64().unwrap() - report["start"].as_u64().unwrap(),
        86_399
    );
    let [policy] = report["policies"].as_array().unwrap().as_slice() else {
        panic!("{name}: {report}");
    };
    let failures = u64::from(case.failed.is_some());
    assert_eq!(policy["domain"], *case.domain());
    assert_eq!(
        (&policy["type"], &policy["successes"], &policy["failures"]),
        (
            &json!(case.policy),
            &json!(case.successes),
            &json!(failures)
        ),
        "{name}: {report}"
    );
    let own = format!("mail.{}", case.domain());
    let details = policy["details"].as_array().unwrap();
    assert_eq!(details.len() as u64, failures);
    if let (Some(failed), [detail]) = (case.failed, details.as_slice()) {
        assert_eq!(
            (&detail["result"], &detail["sessions"]),
            (&json!(failed), &json!(1)),
            "{name}"
        );
        // It is the policy that could not be had, or a server that failed.
        let host = (!failed.starts_with("sts-")).then_some(own.as_str());
        assert_eq!(detail["host"], json!(host), "{name}");
    }
    if case.policy == "sts" {
        let mode = format!("mode: {}", case.site.mode.unwrap());
        assert!(
            policy["text"].as_array().unwrap().contains(&json!(mode)),
            "{report}"
        );
        assert_eq!(policy["mx"], json!([case.site.mx.unwrap_or(&own)]));
    }
    // The same in the words of RFC 8460 4.4.
    let same = &python["policies"][0];
    assert_eq!(python["organization-name"], report["organization"]);
    assert_eq!(python["contact-info"], report["contact"]);
    assert_eq!(python["report-id"], report["id"]);
    assert_eq!(same["policy"]["policy-type"], policy["type"]);
    assert_eq!(same["policy"]["policy-domain"], policy["domain"]);
    assert_eq!(
        same["summary"]["total-successful-session-count"],
        policy["successes"]
    );
    assert_eq!(
        same["summary"]["total-failure-session-count"],
        policy["failures"]
    );
    if let Some(detail) = details.first() {
        let same = &same["failure-details"][0];
        assert_eq!(same["result-type"], detail["result"]);
        assert_eq!(same["failed-session-count"], detail["sessions"]);
        assert_eq!(same["receiving-mx-hostname"], detail["host"]);
        assert_eq!(same["receiving-ip"], detail["address"]);
    }
}
