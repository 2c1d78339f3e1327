//! The report for a person: the answer first, then its reasons, the table, and the field for a mail program.

mod explain;

use std::fmt::{self, Write as _};

use super::{Alignment, Dkim, Outcome, Report, Speaks, Spf};
use crate::terminal::{Style, Tone, shown, shown_within};

/// Characters of a header field that are shown.
const FIELD_WIDTH: usize = 200;

/// The widest column of identities; longer ones push their line out.
const IDENTITY_WIDTH: usize = 40;

/// The text, with a line end.
pub(crate) fn render(report: &Report, explains: bool, style: Style) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_all(&mut text, report, explains, style);
    text
}

fn write_all(out: &mut String, report: &Report, explains: bool, style: Style) -> fmt::Result {
    headline(out, report, style)?;
    message(out, report, style)?;
    because(out, report, style)?;
    table(out, report, style)?;
    if explains {
        explain::write(out, report, style)?;
    }
    writeln!(out)?;
    for line in report.authentication_results.lines() {
        // A tab of folding is the one control character that belongs here.
        let tabs = line.len() - line.trim_start_matches('\t').len();
        let (tabs, rest) = line.split_at_checked(tabs).unwrap_or(("", line));
        writeln!(out, "{tabs}{}", shown(rest.as_bytes()))?;
    }
    if !report.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &report.notes {
        writeln!(out, "{} {}", style.paint(Tone::Doubt, "note:"), text(note))?;
    }
    Ok(())
}

/// Text of the message or the DNS.
fn text(value: &str) -> String {
    shown(value.as_bytes())
}

fn headline(out: &mut String, report: &Report, style: Style) -> fmt::Result {
    let (word, tone) = match report.verdict.outcome {
        Outcome::Pass => ("PASS", Tone::Good),
        Outcome::Fail => ("FAIL", Tone::Bad),
        Outcome::Temporary => ("LATER", Tone::Doubt),
    };
    let sentence = text(&report.verdict.headline);
    writeln!(
        out,
        "{}  {}",
        style.paint(tone, word),
        style.paint(Tone::Strong, sentence)
    )
}

fn message(out: &mut String, report: &Report, style: Style) -> fmt::Result {
    let message = &report.message;
    writeln!(out)?;
    let mut line = |name: &str, value: String| {
        let name = format!("{name:<8}");
        writeln!(out, "  {} {value}", style.paint(Tone::Faint, name))
    };
    for from in &message.from {
        line("From", shown_within(from.value.as_bytes(), FIELD_WIDTH))?;
    }
    for (name, field) in [("Subject", &message.subject), ("Date", &message.date)] {
        if let Some(field) = field {
            line(name, shown_within(field.value.as_bytes(), FIELD_WIDTH))?;
        }
    }
    let (source, ends) = (text(&message.source), &message.line_ends);
    line("File", format!("{source}, {} bytes; {ends}", message.bytes))?;
    let connection = &report.connection;
    let facts = [
        ("", &connection.ip),
        ("helo ", &connection.helo),
        ("mail-from ", &connection.mail_from),
    ];
    let facts: Vec<String> = facts
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}{}", address(value.as_deref()?))))
        .collect();
    if !facts.is_empty() {
        line("Came by", facts.join(", "))?;
    }
    Ok(())
}

/// The null path is written as it travels.
fn address(value: &str) -> String {
    if value.is_empty() {
        "<>".to_owned()
    } else {
        text(value)
    }
}

fn because(out: &mut String, report: &Report, style: Style) -> fmt::Result {
    writeln!(out)?;
    for reason in &report.verdict.because {
        let (sign, tone) = match reason.speaks {
            Speaks::For => ("+", Tone::Good),
            Speaks::Against => ("-", Tone::Bad),
            Speaks::Neither => ("?", Tone::Doubt),
        };
        writeln!(out, "  {} {}", style.paint(tone, sign), text(&reason.text))?;
    }
    Ok(())
}

/// A line of the table.
struct Row {
    method: &'static str,
    result: String,
    identity: String,
    why: String,
    /// It speaks of the author domain: a pass for somebody else is no good news.
    counts: bool,
}

impl Row {
    fn tone(&self) -> Tone {
        match self.result.as_str() {
            "pass" if self.counts => Tone::Good,
            "pass" | "none" => Tone::Plain,
            "fail" | "permerror" => Tone::Bad,
            _ => Tone::Doubt,
        }
    }
}

fn table(out: &mut String, report: &Report, style: Style) -> fmt::Result {
    let dkim = report.dkim.iter().map(|row| Row {
        method: "dkim",
        result: row.result.clone(),
        identity: dkim_identity(row),
        why: dkim_why(row),
        counts: row.aligned && !row.testing,
    });
    let spf = report.spf.iter().map(|row| Row {
        method: "spf",
        result: row.result.clone(),
        identity: format!("{} {}", row.identity, address(&row.value)),
        why: spf_why(row),
        counts: row.aligned,
    });
    let rows: Vec<Row> = dkim.chain(spf).chain([dmarc_row(report)]).collect();

    let width = |title: &str, column: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| column(row).chars().count());
        let widths = widths.filter(|&width| width <= IDENTITY_WIDTH);
        widths.max().unwrap_or_default().max(title.len())
    };
    let first = width("METHOD", |row| row.method);
    let second = width("RESULT", |row| &row.result);
    let third = width("IDENTITY", |row| &row.identity);
    let titles = format!(
        "{:<first$}  {:<second$}  {:<third$}  WHY",
        "METHOD", "RESULT", "IDENTITY"
    );
    writeln!(out, "\n{}", style.paint(Tone::Faint, titles))?;
    for row in &rows {
        let result = style.paint(row.tone(), format!("{:<second$}", row.result));
        writeln!(
            out,
            "{:<first$}  {result}  {:<third$}  {}",
            row.method, row.identity, row.why
        )?;
    }
    Ok(())
}

fn dmarc_row(report: &Report) -> Row {
    let dmarc = &report.dmarc;
    let mut why = vec![text(&dmarc.why)];
    if let (Some(policy), Some(domain)) = (&dmarc.policy, &dmarc.policy_domain) {
        why.push(format!("policy {policy} of {}", text(domain)));
    }
    let domain = dmarc.author_domain.as_deref();
    Row {
        method: "dmarc",
        result: dmarc.result.clone(),
        identity: domain.map_or_else(|| format!("author: {}", dmarc.author), text),
        why: why.join("; "),
        counts: true,
    }
}

fn dkim_identity(row: &Dkim) -> String {
    match (&row.domain, &row.selector) {
        (Some(domain), Some(selector)) => format!("{}, key {}", text(domain), text(selector)),
        _ => format!("signature at line {}", row.line),
    }
}

fn dkim_why(row: &Dkim) -> String {
    let mut why = vec![text(&row.why)];
    if row.result == "pass" || row.result == "temperror" {
        why.push(row.alignment.to_string());
    }
    if let (Some(algorithm), Some(forms)) = (&row.algorithm, &row.canonicalization) {
        why.push(format!("{}, {}", text(algorithm), text(forms)));
    }
    if row.testing {
        why.push("the key is marked as being tested".to_owned());
    }
    why.join("; ")
}

fn spf_why(row: &Spf) -> String {
    let mut why = vec![text(&row.why)];
    if row.result == "pass" && row.alignment != Alignment::Unchecked {
        why.push(row.alignment.to_string());
    }
    if let Some(explanation) = &row.explanation {
        why.push(format!(
            "{} explains: {}",
            text(&row.domain),
            text(explanation)
        ));
    }
    why.join("; ")
}
