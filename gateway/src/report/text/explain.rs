//! Each step of the check: the bytes it concerns, the names it asked, the answers it got.

use std::fmt::{self, Write as _};

use super::text;
use crate::report::{Alignment, Dkim, Lookup, Report, SignedField, Spf};
use crate::terminal::{Style, Tone};

pub(super) fn write(out: &mut String, report: &Report, style: Style) -> fmt::Result {
    let mut number = 0;
    let mut step = |out: &mut String, title: &str| {
        number += 1;
        let title = format!("Step {number}. {title}");
        writeln!(out, "\n{}", style.paint(Tone::Strong, title))
    };

    step(out, "The message is read")?;
    let message = &report.message;
    writeln!(out, "  {}: {}", text(&message.source), message.line_ends)?;
    writeln!(
        out,
        "  header: {} fields in {} octets; body: {} octets (both with CRLF)",
        message.fields, message.header_bytes, message.body_bytes
    )?;
    for defect in &message.defects {
        writeln!(
            out,
            "  line {}, byte {}: {}",
            defect.line,
            defect.byte,
            text(&defect.rule)
        )?;
    }

    step(out, "Its author is found in From")?;
    for from in &message.from {
        writeln!(
            out,
            "  line {}, byte {}: From: {}",
            from.line,
            from.byte,
            text(&from.value)
        )?;
    }
    let author = report.dmarc.author_domain.as_deref().map(text);
    writeln!(
        out,
        "  author domain: {}",
        author.as_deref().unwrap_or(report.dmarc.author)
    )?;

    for (index, row) in (1..).zip(&report.dkim) {
        let title = format!(
            "DKIM signature {index} of {} is verified",
            report.dkim.len()
        );
        step(out, &title)?;
        signature(out, row, report)?;
    }
    if report.dkim.is_empty() {
        step(out, "DKIM signatures are looked for: there is none")?;
    }

    if !report.spf.is_empty() {
        step(out, "SPF is evaluated")?;
        let asked: Vec<&Lookup> = by(report, "spf").collect();
        lookups(out, &asked)?;
        for row in &report.spf {
            writeln!(
                out,
                "  {} {}: {} ({}); {} of 10 lookups, {} of 2 void",
                row.identity,
                super::address(&row.value),
                row.result,
                text(&row.why),
                row.lookups,
                row.void_lookups
            )?;
        }
    }

    step(out, "DMARC compares the domains")?;
    let asked: Vec<&Lookup> = by(report, "dmarc").collect();
    lookups(out, &asked)?;
    for row in report.dkim.iter().filter(|row| row.result == "pass") {
        let domain = row.domain.as_deref().unwrap_or_default();
        writeln!(out, "  DKIM {}: {}", text(domain), row.alignment)?;
    }
    let counted = |row: &&Spf| row.result == "pass" && row.alignment != Alignment::Unchecked;
    for row in report.spf.iter().filter(counted) {
        writeln!(
            out,
            "  SPF {} {}: {}",
            row.identity,
            text(&row.domain),
            row.alignment
        )?;
    }
    let dmarc = &report.dmarc;
    if let (Some(policy), Some(basis), Some(domain)) =
        (&dmarc.policy, &dmarc.policy_basis, &dmarc.policy_domain)
    {
        writeln!(
            out,
            "  policy of {}: {policy} (by tag {basis})",
            text(domain)
        )?;
    }
    writeln!(out, "  result: {} ({})", dmarc.result, text(&dmarc.why))
}

fn by<'r>(report: &'r Report, part: &'r str) -> impl Iterator<Item = &'r Lookup> {
    report
        .lookups
        .iter()
        .filter(move |lookup| lookup.asked_by == part)
}

fn signature(out: &mut String, row: &Dkim, report: &Report) -> fmt::Result {
    writeln!(
        out,
        "  line {}, byte {}: DKIM-Signature",
        row.line, row.byte
    )?;
    if let (Some(domain), Some(selector)) = (&row.domain, &row.selector) {
        let mut facts = vec![format!("d={}, s={}", text(domain), text(selector))];
        let named = [
            ("i", &row.identity),
            ("a", &row.algorithm),
            ("c", &row.canonicalization),
            ("t", &row.signed_at),
            ("x", &row.expires_at),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                facts.push(format!("{name}={}", text(value)));
            }
        }
        writeln!(out, "  {}", facts.join(", "))?;
        writeln!(out, "  signed header fields, as h= names them:")?;
        for (index, field) in (0..).zip(&row.signed_fields) {
            let is_same = |other: &&SignedField| other.name.eq_ignore_ascii_case(&field.name);
            if row
                .signed_fields
                .iter()
                .take(index)
                .any(|other| is_same(&other))
            {
                continue;
            }
            let mut facts = Vec::new();
            for same in row.signed_fields.iter().filter(is_same) {
                facts.push(match (same.line, same.byte) {
                    (Some(line), Some(byte)) => format!("line {line}, byte {byte}"),
                    _ if facts.is_empty() => "there is none, and none may be added".to_owned(),
                    _ => "no more may be added".to_owned(),
                });
            }
            facts.dedup();
            writeln!(out, "    {:<26} {}", text(&field.name), facts.join("; "))?;
        }
        if let Some(body) = &row.body {
            let signed = body.limit.map_or_else(String::new, |limit| {
                format!(", of which l= signs the first {limit}")
            });
            writeln!(
                out,
                "  body: {} octets in canonical form{signed}",
                body.octets
            )?;
            writeln!(out, "    its SHA-256 is  {}", body.hash)?;
            writeln!(out, "    bh= says        {}", text(&body.signed_hash))?;
        }
        let name = format!("{selector}._domainkey.{domain}.");
        let asked: Vec<&Lookup> = by(report, "dkim")
            .filter(|lookup| lookup.name.eq_ignore_ascii_case(&name))
            .collect();
        lookups(out, &asked)?;
    }
    writeln!(out, "  result: {} ({})", row.result, text(&row.why))
}

fn lookups(out: &mut String, asked: &[&Lookup]) -> fmt::Result {
    for lookup in asked {
        let place = match (&lookup.server, lookup.milliseconds) {
            (Some(server), Some(time)) => format!(" [{server}, {time} ms]"),
            _ => String::new(),
        };
        writeln!(
            out,
            "  asked: {} {}{place}",
            text(&lookup.name),
            lookup.rtype
        )?;
        for alias in &lookup.aliases {
            writeln!(out, "    alias of {}", text(alias))?;
        }
        for record in &lookup.records {
            writeln!(out, "    {}", text(record))?;
        }
        match (&lookup.failure, lookup.outcome) {
            (Some(failure), _) => writeln!(out, "    failed: {}", text(failure))?,
            (None, "no_data") => {
                writeln!(out, "    no data: the name has no {} record", lookup.rtype)?;
            }
            (None, "no_such_name") => writeln!(out, "    no such name")?,
            (None, _) => {}
        }
    }
    Ok(())
}
