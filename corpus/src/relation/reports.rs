//! The typed views of reports (RFC 3464, 8098, 5965).

use scop_core::Emit as _;
use scop_mime_core::report::Blocks;
use scop_mime_core::report::delivery::DeliveryStatus;
use scop_mime_core::report::disposition::DispositionNotification;
use scop_mime_core::report::feedback::FeedbackReport;

use super::Mismatch;
use crate::model::Report;

/// Whether a report in `content` says what `report` says.
pub(crate) fn check(report: &Report, content: &[u8]) -> Result<(), Mismatch> {
    let mut blocks = Blocks::new(content);
    for group in &report.groups {
        let block = blocks.next();
        let seen: Vec<_> = block
            .iter()
            .flat_map(|block| block.fields().fields())
            .collect();
        if seen.len() != group.len() {
            let (due, seen) = (group.len().to_string(), seen.len().to_string());
            return Err(Mismatch::text("fields of a report", due, seen));
        }
        for ((name, value), field) in group.iter().zip(seen) {
            same("field of a report", name, field.name())?;
            same("value of a report", value, field.value().trim_ascii())?;
        }
    }
    if blocks.next().is_some() {
        return Err(Mismatch::text("blocks of a report", "no more", "one more"));
    }
    let status = DeliveryStatus::new(content);
    for (group, recipient) in report.groups.iter().skip(1).zip(status.recipients()) {
        let of = |name: &str| value_of(group, name);
        if let (Some(due), Some(seen)) = (of("Action"), recipient.action()) {
            same("action", due, seen.as_str().as_bytes())?;
        } else {
            return Err(Mismatch::text("action", "one", "none"));
        }
        match (of("Status"), recipient.status()) {
            (Some(due), Some(seen)) => same("status", due, &seen.to_vec())?,
            _ => return Err(Mismatch::text("status", "one", "none")),
        }
        if let (Some(due), Some(seen)) = (of("Final-Recipient"), recipient.final_recipient()) {
            let (kind, address) = due.split_once(';').unwrap_or_default();
            same("type of address", kind, seen.type_name())?;
            same("address", address.trim(), &seen.text().to_vec())?;
        } else {
            return Err(Mismatch::text("final recipient", "one", "none"));
        }
    }
    let first = report.groups.first().map_or(&[][..], Vec::as_slice);
    if let Some(due) = value_of(first, "Disposition") {
        let seen = DispositionNotification::new(content).disposition();
        let kind = due.rsplit("; ").next().unwrap_or_default();
        let kind = kind.split('/').next().unwrap_or_default();
        same(
            "disposition",
            kind,
            seen.map_or(&b""[..], |seen| seen.disposition_type()),
        )?;
    }
    if let Some(due) = value_of(first, "Feedback-Type") {
        let seen = FeedbackReport::new(content).feedback_type();
        same(
            "feedback type",
            due,
            seen.map_or(&b""[..], |seen| seen.as_bytes()),
        )?;
    }
    Ok(())
}

fn value_of<'g>(
    group: &'g [(std::borrow::Cow<'static, str>, String)],
    name: &str,
) -> Option<&'g str> {
    group
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.as_str())
}

fn same(what: &'static str, due: &str, seen: &[u8]) -> Result<(), Mismatch> {
    if due.as_bytes() == seen {
        return Ok(());
    }
    Err(Mismatch::bytes(what, due.as_bytes(), seen))
}
